"""Art arrives verified, whole and nothing besides; every failure is one sentence."""

import hashlib
import io
import os
import tarfile
from pathlib import Path

import pytest

from unstrung.engine.errors import DataError
from unstrung.engine.theatre.fetch import PACKAGES, ArtPackage, art_folder, fetch_art

WEBP = b"RIFF\x10\x00\x00\x00WEBPVP8 "


def make_package(folder: Path, number: int, files: dict[str, bytes]) -> ArtPackage:
    """Pack `files` as `npm pack` would and pin the result."""
    package = ArtPackage(f"@art/anim-{number}", "1.0.0", "")
    path = folder / package.file_name
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
        link = tarfile.TarInfo("package/assets/1f400.webp")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        archive.addfile(link)
    return ArtPackage(package.name, "1.0.0", hashlib.sha512(path.read_bytes()).hexdigest())


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    folder = tmp_path / "packed"
    folder.mkdir()
    return folder


@pytest.fixture
def packages(packed: Path) -> tuple[ArtPackage, ArtPackage]:
    first = {
        "package/assets/1f98a.webp": WEBP + b"fox",
        "package/assets/1f9d1-200d-1f680.webp": WEBP + b"astronaut",
        "package/assets/1f6ab.webp": WEBP + b"not wanted",
        "package/README.md": b"text",
        "package/assets/../../../escape.webp": WEBP,
        "/tmp/absolute.webp": WEBP,
    }
    second = {"package/assets/1f986-fe0f.webp": WEBP + b"duck"}
    return make_package(packed, 1, first), make_package(packed, 2, second)


CODES = ("1f98a", "1f9d1-200d-1f680", "1f986")


def test_only_wanted_pictures_arrive(
    tmp_path: Path, packed: Path, packages: tuple[ArtPackage, ...]
) -> None:
    target = tmp_path / "deep" / "art"
    assert fetch_art(target, packed, packages=packages, codes=CODES) == target
    names = {path.name for path in target.iterdir()}
    assert names == {f"{code}.webp" for code in CODES} | {"receipt.json"}
    assert (target / "1f98a.webp").read_bytes() == WEBP + b"fox"
    assert not list(tmp_path.rglob("escape.webp"))


def test_a_second_fetch_touches_only_what_is_missing_or_changed(
    tmp_path: Path, packed: Path, packages: tuple[ArtPackage, ...]
) -> None:
    target, asked = tmp_path / "art", list[str]()
    fetch_art(target, packed, asked.append, packages, CODES)
    assert asked == ["@art/anim-1 1.0.0", "@art/anim-2 1.0.0"]
    asked.clear()
    fetch_art(target, packed, asked.append, packages, CODES)
    assert asked == []
    (target / "1f986.webp").write_bytes(WEBP + b"cut")
    fetch_art(target, packed, asked.append, packages, CODES)
    assert asked == ["@art/anim-2 1.0.0"]
    assert (target / "1f986.webp").read_bytes() == WEBP + b"duck"


def test_an_interrupted_fetch_goes_on_where_it_stopped(
    tmp_path: Path, packed: Path, packages: tuple[ArtPackage, ...]
) -> None:
    def stop_at_second(name: str) -> None:
        if "anim-2" in name:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch_art(tmp_path / "art", packed, stop_at_second, packages, CODES)
    asked: list[str] = []
    fetch_art(tmp_path / "art", packed, asked.append, packages, CODES)
    assert asked == ["@art/anim-2 1.0.0"]


def test_a_changed_package_is_refused_before_anything_is_unpacked(
    tmp_path: Path, packed: Path, packages: tuple[ArtPackage, ...]
) -> None:
    with (packed / packages[0].file_name).open("ab") as file:
        file.write(b"x")
    with pytest.raises(DataError, match="not the pinned file"):
        fetch_art(tmp_path / "art", packed, packages=packages, codes=CODES)
    assert not list((tmp_path / "art").iterdir())


def test_pictures_that_are_no_webp_are_refused(tmp_path: Path, packed: Path) -> None:
    package = make_package(packed, 1, {"package/assets/1f98a.webp": b"<html>"})
    with pytest.raises(DataError, match="picture 1f98a is not a WebP"):
        fetch_art(tmp_path / "art", packed, packages=(package,), codes=["1f98a"])


def test_a_damaged_archive_is_refused(tmp_path: Path, packed: Path) -> None:
    package = make_package(packed, 1, {"package/assets/1f98a.webp": WEBP * 999})
    path = packed / package.file_name
    path.write_bytes(path.read_bytes()[:-40])
    cut = ArtPackage(package.name, "1.0.0", hashlib.sha512(path.read_bytes()).hexdigest())
    with pytest.raises(DataError, match="is damaged"):
        fetch_art(tmp_path / "art", packed, packages=(cut,), codes=["1f98a"])


def test_missing_pictures_and_packages_are_named(
    tmp_path: Path, packed: Path, packages: tuple[ArtPackage, ...]
) -> None:
    with pytest.raises(DataError, match="1 pictures are in none of the packages, among them 1f40"):
        fetch_art(tmp_path / "art", packed, packages=packages, codes=["1f400"])
    with pytest.raises(DataError, match=r"anim-3-1\.0\.0\.tgz does not exist"):
        fetch_art(tmp_path / "b", packed, None, (ArtPackage("anim-3", "1.0.0", ""),), CODES)


def npm_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a program called npm first on the path."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "npm").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_npm_packs_into_a_folder_that_is_gone_afterwards(
    tmp_path: Path,
    packed: Path,
    packages: tuple[ArtPackage, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    npm_that(tmp_path, monkeypatch, f'cp "{packed}"/*.tgz "$4"')
    fetch_art(tmp_path / "art", packages=packages, codes=CODES)
    assert not [path for path in (tmp_path / "art").iterdir() if path.is_dir()]


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("echo 'npm error code ENOTFOUND' >&2; exit 1", "registry cannot be reached"),
        ("echo 'npm error code E404' >&2; exit 1", "npm error code E404"),
        ("exit 0", "npm gave no reason"),
    ],
)
def test_failures_of_npm_are_one_sentence(
    tmp_path: Path,
    packages: tuple[ArtPackage, ...],
    monkeypatch: pytest.MonkeyPatch,
    script: str,
    sentence: str,
) -> None:
    npm_that(tmp_path, monkeypatch, script)
    with pytest.raises(DataError, match=sentence):
        fetch_art(tmp_path / "art", packages=packages, codes=CODES)
    assert not list((tmp_path / "art").iterdir())


def test_a_machine_without_npm_is_told_what_to_install(
    tmp_path: Path, packages: tuple[ArtPackage, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DataError, match=r"install Node\.js"):
        fetch_art(tmp_path / "art", packages=packages, codes=CODES)


def test_every_real_package_is_pinned_by_sha512() -> None:
    assert len({package.sha512 for package in PACKAGES}) == 4
    assert all(len(bytes.fromhex(package.sha512)) == 64 for package in PACKAGES)


def test_the_default_folder_follows_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNSTRUNG_DATA", str(tmp_path))
    assert art_folder() == tmp_path / "art"
    monkeypatch.delenv("UNSTRUNG_DATA")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert art_folder() == tmp_path / "unstrung" / "art"
