"""Fetch the animated art: pinned packages, verified before anything is unpacked. Needed only to train.

The one place of the engine that reaches a network, and only through `npm pack`. Of each package only the
pictures of cast members are kept, each checked, written whole and remembered by its digest, so that an
interrupted fetch goes on where it stopped.
"""

import gzip
import hashlib
import json
import os
import re
import subprocess
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from unstrung.engine.errors import DataError
from unstrung.engine.theatre.cast import load_cast
from unstrung.engine.video_io import check_target, replacing


@dataclass(frozen=True)
class ArtPackage:
    """One pinned package.

    Attributes:
        name, version: as the registry knows it.
        sha512: of the packed file, in hexadecimal.
    """

    name: str
    version: str
    sha512: str

    @property
    def file_name(self) -> str:
        """What `npm pack` calls the packed file."""
        return f"{self.name.removeprefix('@').replace('/', '-')}-{self.version}.tgz"


PACKAGES: Final = (
    ArtPackage(
        "@lobehub/fluent-emoji-anim-1",
        "1.0.0",
        "ff89b7d6f02e644438694279a7170e5393d592e2726b9e464715192fbfb380b9"
        "71657a73cc4f233eaa43ca1648084de7e3b9d2fd8f4ce7fbcb762ce2f36d3540",
    ),
    ArtPackage(
        "@lobehub/fluent-emoji-anim-2",
        "1.0.0",
        "4bacb37f44595eb41b5ddc425ae1c0f410282dd0519367e55fe9dee133c6107f"
        "ea029c22b0200a1e80001a3292953637395799f5beedfcd11b9a98dac2741824",
    ),
    ArtPackage(
        "@lobehub/fluent-emoji-anim-3",
        "1.0.0",
        "53345250332375f76df6f111e5b8631e43ea81cdc41207c6b58b3a9ddbe2cce4"
        "ef40ec58439ee8c36453916483671c16df45f8118062d9e5934bb0970c3a05b2",
    ),
    ArtPackage(
        "@lobehub/fluent-emoji-anim-4",
        "1.0.0",
        "208925e73b527751ebcef203b7fb86b05a02d563835d1758ab9b913ab9e4caa8"
        "bd0db4e811c2759e563ce8f9e85177854bd9c10a71df898937a2e48419384598",
    ),
)
_ASSET = re.compile(r"package/assets/([0-9a-f]+(?:-[0-9a-f]+)*)\.webp")
_MAX_PICTURE_BYTES = 8 * 2**20
_RECEIPT = "receipt.json"
_OFFLINE_SIGNS = (
    "ENOTFOUND",
    "EAI_AGAIN",
    "ECONNREFUSED",
    "ECONNRESET",
    "ETIMEDOUT",
    "ENETUNREACH",
)


def art_folder() -> Path:
    """Where the art lies unless told otherwise: `UNSTRUNG_DATA`, else the user's cache folder."""
    chosen = os.environ.get("UNSTRUNG_DATA")
    if chosen:
        return Path(chosen) / "art"
    cache_home = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache_home) if cache_home else Path.home() / ".cache") / "unstrung" / "art"


def fetch_art(
    folder: Path | None = None,
    packed: Path | None = None,
    on_package: Callable[[str], None] | None = None,
    packages: tuple[ArtPackage, ...] = PACKAGES,
    codes: Collection[str] | None = None,
) -> Path:
    """Bring the pictures of the whole cast into `folder` as `<code>.webp`.

    Pictures that are already there and match their recorded digest are not fetched again.

    Args:
        folder: target, made if missing; None for `art_folder()`.
        packed: folder with packages fetched earlier by `npm pack`; None asks the registry.
        on_package: told in a few words what happens next.
        packages: pinned packages to look into.
        codes: code points wanted; None for those of the cast.

    Returns:
        The folder.

    Raises:
        DataError: if npm is missing, the registry cannot be reached, a checksum differs, a picture is
            absent, or the disk refuses.
    """
    folder = folder or art_folder()
    wanted = set(codes) if codes is not None else _codes_of_cast()
    report = on_package or (lambda _: None)
    _make_folder(folder)
    receipt = _Receipt.read(folder)
    missing = wanted - receipt.verified(folder, wanted)
    for package in packages:
        known = receipt.contents.get(package.sha512)
        if not missing or (known is not None and not missing.intersection(known)):
            continue
        report(f"{package.name} {package.version}")
        with _packed_file(package, packed, folder) as file:
            _check_digest(file, package)
            contents, digests = _unpack(file, folder, missing)
        receipt.contents[package.sha512] = contents
        receipt.digests.update(digests)
        receipt.write(folder)
        missing -= digests.keys()
    if missing:
        some = ", ".join(sorted(missing)[:5])
        raise DataError(f"{len(missing)} pictures are in none of the packages, among them {some}.")
    return folder


@dataclass(frozen=True)
class _Receipt:
    """What earlier runs brought in, kept beside the pictures.

    Attributes:
        contents: by SHA-512 of the package, all code points it holds.
        digests: by code point, BLAKE2b of the picture.
    """

    contents: dict[str, list[str]]
    digests: dict[str, str]

    @classmethod
    def read(cls, folder: Path) -> "_Receipt":
        try:
            raw = json.loads((folder / _RECEIPT).read_text("utf-8"))
            return cls(dict(raw["contents"]), dict(raw["digests"]))
        except (OSError, ValueError, KeyError, TypeError):
            return cls({}, {})  # no receipt or a foreign one: fetch again

    def write(self, folder: Path) -> None:
        text = json.dumps({"contents": self.contents, "digests": self.digests}, indent=1)
        with replacing(folder / _RECEIPT) as temporary:
            temporary.write_text(text, "utf-8")

    def verified(self, folder: Path, codes: Collection[str]) -> set[str]:
        """Those of `codes` whose picture is there, byte for byte."""
        return {
            code
            for code in codes
            if code in self.digests
            and (folder / f"{code}.webp").is_file()
            and _digest((folder / f"{code}.webp").read_bytes()) == self.digests[code]
        }


def _codes_of_cast() -> set[str]:
    return {member.code for member in load_cast().values() if member.code}


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=32).hexdigest()


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"The folder {folder} cannot be made: {error.strerror}.") from error
    check_target(folder / _RECEIPT)


@contextmanager
def _packed_file(package: ArtPackage, packed: Path | None, folder: Path) -> Iterator[Path]:
    """Lend the packed file: the given one, or one fetched now and removed afterwards."""
    if packed is not None:
        file = packed / package.file_name
        if not file.is_file():
            raise DataError(f"{file} does not exist; fetch it with `npm pack` or leave packed out.")
        yield file
        return
    # Beside the target, because the system's temporary folder may be too small for 200 MB.
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder) as temporary:
        _npm_pack(package, Path(temporary))
        yield Path(temporary) / package.file_name


def _npm_pack(package: ArtPackage, folder: Path) -> None:
    spec = f"{package.name}@{package.version}"
    command = ["npm", "pack", spec, "--pack-destination", str(folder), "--loglevel", "error"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    except FileNotFoundError as error:
        raise DataError(
            "npm was not found; install Node.js, or hand over packages that were packed elsewhere."
        ) from error
    if done.returncode == 0 and (folder / package.file_name).is_file():
        return
    if any(sign in done.stderr for sign in _OFFLINE_SIGNS):
        raise DataError(f"{spec} could not be fetched: the package registry cannot be reached.")
    if "ENOSPC" in done.stderr:
        raise DataError(f"{spec} could not be fetched: the disk is full.")
    lines = [line for line in done.stderr.splitlines() if line.strip()] or ["npm gave no reason"]
    raise DataError(f"{spec} could not be fetched: {lines[0][:200]}.")


def _check_digest(file: Path, package: ArtPackage) -> None:
    with file.open("rb") as opened:
        found = hashlib.file_digest(opened, "sha512").hexdigest()
    if found != package.sha512:
        raise DataError(
            f"{package.file_name} is not the pinned file: SHA-512 must be {package.sha512[:16]}..., "
            f"got {found[:16]}...; remove it and fetch it again."
        )


def _unpack(file: Path, folder: Path, wanted: Collection[str]) -> tuple[list[str], dict[str, str]]:
    """Write the wanted pictures of a package.

    Names are matched against one pattern and rebuilt, so no path of the archive is ever used.

    Returns:
        All code points in the package, and the digests of those written.
    """
    contents: list[str] = []
    digests: dict[str, str] = {}
    try:
        with tarfile.open(file, "r:gz") as archive:
            for entry in archive:
                match = _ASSET.fullmatch(entry.name)
                if match is None or not entry.isreg():
                    continue
                code = match.group(1)
                # The cast leaves out a final "show me in colour" mark (U+FE0F); some files carry it.
                code = code if code in wanted else code.removesuffix("-fe0f")
                contents.append(code)
                opened = archive.extractfile(entry) if code in wanted else None
                if opened is not None:
                    digests[code] = _keep(opened.read(_MAX_PICTURE_BYTES + 1), folder, code)
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{file.name} is damaged; remove it and fetch it again.") from error
    return contents, digests


def _keep(data: bytes, folder: Path, code: str) -> str:
    """Write one picture and return its digest."""
    if len(data) > _MAX_PICTURE_BYTES or data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        raise DataError(f"The picture {code} is not a WebP file of at most 8 MiB.")
    with replacing(folder / f"{code}.webp") as temporary:
        temporary.write_bytes(data)
    return _digest(data)
