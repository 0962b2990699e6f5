"""Files of the studio: a folder, S3, GCS or Azure behind one interface (obstore).

A file is there whole or not at all. Nothing here knows what a file means; `downloads` puts files on HTTP.

    StorageError
    |-- InvalidKey            a key could lead out of the store
    |-- FileMissing           there is no file of that key
    |-- FileChanged           it was replaced since it was looked at
    `-- StorageUnavailable    the store is away, full or closed to us
"""

import itertools
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit
from urllib.request import url2pathname

import obstore
from obstore.exceptions import BaseError, PreconditionError
from obstore.store import LocalStore, from_url

from unstrung.studio.errors import ConfigurationError, StudioError
from unstrung.studio.identity import new_id

if TYPE_CHECKING:
    from obstore.store import ObjectStore, RetryConfig

CHUNK_BYTES: Final = 256 * 1024
# One request to the store for each block: a viewer who pauses holds no connection open that would time out.
_BLOCK_BYTES: Final = 8 * CHUNK_BYTES
_PART: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_MAX_KEY: Final = 512
# Somebody may be putting into a folder while it is removed.
_SWEEPS: Final = 2
_REMOTE_SCHEMES: Final = ("s3", "s3a", "gs", "az", "azure", "abfs", "abfss", "adl")


class StorageError(StudioError):
    """A file cannot be put, found or read."""


class InvalidKey(StorageError):
    """A key has a form that could lead out of the store."""


class FileMissing(StorageError):
    """There is no file of that key."""


class FileChanged(StorageError):
    """A file was replaced since it was looked at."""


class StorageUnavailable(StorageError):
    """The store is away, full or closed to us."""


@dataclass(frozen=True)
class StoredFile:
    """What the store knows of a file.

    Attributes:
        key: its name.
        size: [bytes].
        etag: of the store, another one once the file is replaced; empty if the store gives none.
        modified: when it was put.
    """

    key: str
    size: int
    etag: str
    modified: datetime


class Storage:
    """Puts and gets files; every call blocks, so routes call it from threads."""

    def __init__(self, store: "ObjectStore", folder: Path | None = None) -> None:
        """Take a store that is open; `open` does this from an address.

        Args:
            store: of obstore.
            folder: where a local store keeps its files.
        """
        self._store = store
        self._folder = folder

    @classmethod
    def open(cls, url: str) -> Self:
        """Open a folder, made when it is missing, or a bucket with the credentials of the environment.

        Args:
            url: a path, file:///path, s3://bucket/path, gs://bucket/path or az://container/path.

        Raises:
            ConfigurationError: if the address is none of these or incomplete.
            StorageUnavailable: if the folder cannot be made.
        """
        scheme = urlsplit(url).scheme if "://" in url else ""
        if scheme in _REMOTE_SCHEMES:
            try:
                # No options of the client: any would silence those of the environment (AWS_ALLOW_HTTP).
                return cls(from_url(url, retry_config=_retries()))
            except (BaseError, ValueError) as error:
                raise ConfigurationError(
                    f"The storage {url} cannot be used: {_first(error)}."
                ) from error
        if scheme not in ("", "file") or not url or (scheme and urlsplit(url).netloc):
            raise ConfigurationError(
                f"The storage must be a folder, s3://, gs:// or az://, got '{url}'; try file:///srv/unstrung."
            )
        folder = Path(url2pathname(urlsplit(url).path) if scheme else url).absolute()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            return cls(LocalStore(folder), folder)
        except (BaseError, OSError) as error:
            raise StorageUnavailable(
                f"The storage folder {folder} cannot be made: {_first(error)}."
            ) from error

    def put(self, key: str, data: bytes | Path, content_type: str) -> None:
        """Store a whole file or none of it, in place of one with the same key.

        Args:
            key: its name.
            data: what is in it, or a local file to copy.
            content_type: kept where the store can; a folder cannot.

        Raises:
            FileMissing: if there is no local file to copy.
            StorageUnavailable: if it cannot be stored.
        """
        if isinstance(data, Path) and not data.is_file():
            raise FileMissing(f"{data.name} cannot be stored under {key}: there is no such file.")
        attributes = None if self._folder else {"Content-Type": content_type}
        with _reported(key, "stored"):
            obstore.put(self._store, _checked(key), data, attributes=attributes)
            if self._folder is not None:
                _flush(self._folder / key)

    def head(self, key: str) -> StoredFile:
        """What is known of a file.

        Raises:
            FileMissing, StorageUnavailable: if there is none, or that cannot be told.
        """
        with _read_from(key):
            found = obstore.head(self._store, _checked(key))
        return StoredFile(key, found["size"], found["e_tag"] or "", found["last_modified"])

    def read(self, key: str) -> bytes:
        """A whole file, for small ones.

        Raises:
            FileMissing, StorageUnavailable: if it cannot be read.
        """
        with _read_from(key):
            return bytes(obstore.get(self._store, _checked(key)).bytes())

    def stream(self, key: str, start: int, end: int, etag: str = "") -> Iterator[bytes]:
        """Bytes of a file in chunks of at most 256 KiB; no more than 2 MiB are in memory.

        The first ones are read before this returns, so that an error is known before an answer begins.

        Args:
            key: its name.
            start, end: from `start` to before `end`; the end of the file ends it earlier.
            etag: of `head`; read no other version than that. Empty takes the version that is there.

        Raises:
            FileMissing, FileChanged, StorageUnavailable: if it cannot be read; while iterating too.
        """
        _checked(key)
        if start < 0 or end < start:
            raise ValueError(f"start and end must be 0 <= start <= end, got {start} and {end}")
        first, etag, size = self._block(key, start, min(end, start + _BLOCK_BYTES), etag)
        return self._chunks(key, first, start, min(end, size), etag)

    def fetch(self, key: str, path: Path) -> None:
        """Copy a file to `path`, which is the whole file in the end or what it was before.

        Raises:
            FileMissing, FileChanged, StorageUnavailable: if it cannot be copied.
        """
        file = self.head(key)
        temporary = path.with_name(f".{new_id('part')}.tmp")
        try:
            with temporary.open("wb") as target:
                for chunk in self.stream(key, 0, file.size, file.etag):
                    target.write(chunk)
            temporary.replace(path)
        except OSError as error:
            raise StorageUnavailable(
                f"{key} cannot be copied to {path}: {_first(error)}."
            ) from error
        finally:
            temporary.unlink(missing_ok=True)

    def delete_prefix(self, prefix: str) -> None:
        """Remove the file of that key and all below it; what is not there is no error.

        Raises:
            StorageUnavailable: if something stays.
        """
        _checked(prefix)
        with _reported(prefix, "removed"):
            if self._folder is not None:
                _remove(self._folder / prefix)
                return
            batches = obstore.list(self._store, prefix)
            below = [file["path"] for batch in batches for file in batch]
            for key in [*below, prefix]:
                with suppress(FileNotFoundError):
                    obstore.delete(self._store, key)

    def check(self) -> None:
        """Write, read and remove a small file, to see that the store does its work.

        Raises:
            StorageUnavailable: if it does not.
        """
        key, content = f"probes/{new_id('probe')}", os.urandom(16)
        self.put(key, content, "application/octet-stream")
        try:
            if self.read(key) != content:
                raise StorageUnavailable("The storage does not give back what was put into it.")
        except FileMissing as error:
            raise StorageUnavailable("The storage loses what was put into it.") from error
        finally:
            self.delete_prefix(key)

    def _block(self, key: str, start: int, end: int, etag: str) -> tuple[bytes, str, int]:
        """Bytes of a file, with the tag and the size of the version they are from."""
        options: Any = {"if_match": etag} if etag else {}
        if start < end:
            options["range"] = (start, end)
        else:
            options["head"] = True  # a store refuses an empty range
        with _read_from(key):
            result = obstore.get(self._store, key, options=options)
            data = bytes(result.bytes()) if start < end else b""
            return data, result.meta["e_tag"] or "", result.meta["size"]

    def _chunks(self, key: str, block: bytes, start: int, end: int, etag: str) -> Iterator[bytes]:
        while start < end:
            for offset in range(0, len(block), CHUNK_BYTES):
                yield block[offset : offset + CHUNK_BYTES]
            start += len(block)
            if start < end:
                block, etag, _ = self._block(key, start, min(end, start + _BLOCK_BYTES), etag)


@contextmanager
def _reported(key: str, action: str) -> Iterator[None]:
    """Turn what a store raises into our errors, each one sentence.

    Args:
        key: the file in question.
        action: what was tried, completing "cannot be ...".
    """
    try:
        yield
    except PreconditionError as error:
        raise FileChanged(f"The file {key} was replaced in the meantime; ask again.") from error
    except (BaseError, OSError) as error:
        raise StorageUnavailable(f"{key} cannot be {action}: {_first(error)}.") from error


@contextmanager
def _read_from(key: str) -> Iterator[None]:
    """The same where a file is looked for; in a put, "not found" means that the whole bucket is missing."""
    with _reported(key, "read"):
        try:
            yield
        except FileNotFoundError as error:
            raise FileMissing(f"The file {key} does not exist.") from error


def _checked(key: str) -> str:
    """A key that names something inside the store.

    Raises:
        InvalidKey: if it does not.
    """
    if len(key) > _MAX_KEY or not all(_PART.fullmatch(part) for part in key.split("/")):
        shown = key if len(key) <= 60 else f"{key[:57]}..."
        raise InvalidKey(
            f"key must be names of letters, digits, '_', '-' and '.' joined by '/', at most {_MAX_KEY} "
            f"characters, none of them empty or with a dot in front, got {shown!r}"
        )
    return key


def _first(error: Exception) -> str:
    """The sentence of a store's error, without the long form that follows it."""
    return str(error).partition("\n")[0].rstrip(". ")


def _retries() -> "RetryConfig":
    """Give up within seconds: a job is tried again anyway, and /readyz is to answer."""
    return {"max_retries": 3, "retry_timeout": timedelta(seconds=10)}


def _flush(path: Path) -> None:
    """Bring a file and its name onto the disk, so that a row in the database never outlives its file."""
    if os.name != "posix":
        return
    for each in (path, path.parent):
        handle = os.open(each, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _remove(path: Path) -> None:
    """Remove a file or a folder, also what no listing shows: empty folders, parts of a killed put."""
    if path.is_dir():
        for _ in range(_SWEEPS):
            shutil.rmtree(path, ignore_errors=True)
        with suppress(FileNotFoundError):
            shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    for number in itertools.count(1):
        part = path.with_name(
            f"{path.name}#{number}"
        )  # obstore's name for what is not all there yet
        if not part.exists():
            return
        part.unlink(missing_ok=True)
