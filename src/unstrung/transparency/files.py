"""Files in a folder that are there whole or not at all, and folders that one process writes at a time."""

import contextlib
import os
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path

from unstrung.transparency.errors import NotWritten


def write_whole(files: Sequence[tuple[Path, bytes]], mode: int = 0o644) -> None:
    """Write each file beside its target, flush it to the disk, rename it, and flush the names.

    Flushing all contents and then all names costs two commits of the file system, not two for each file.
    When this returns, the files outlive a power cut.

    Args:
        files: target and content of each; missing folders are made.
        mode: permissions of the files.

    Raises:
        NotWritten: if the disk is full, or a folder is missing or locked; each file is old or new.
    """
    temporary = [path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp") for path, _ in files]
    folders: set[Path] = set()
    try:
        for (path, content), beside in zip(files, temporary, strict=True):
            folders |= _made(path.parent)
            handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with os.fdopen(handle, "wb") as file:
                file.write(content)
        for beside in temporary:
            _flush(beside)
        for (path, _), beside in zip(files, temporary, strict=True):
            beside.replace(path)
        for folder in sorted(folders):
            _flush(folder)
    except OSError as error:
        shown = error.filename2 or error.filename or files[0][0]
        raise NotWritten(str(shown), error.strerror or error, "be writable") from error
    finally:
        for beside in temporary:
            with contextlib.suppress(OSError):  # the folder itself may be what is missing
                beside.unlink(missing_ok=True)


def _made(folder: Path) -> set[Path]:
    """Make a folder; return it and whichever folders have a new name in them."""
    changed = {folder}
    while not folder.exists():
        folder = folder.parent
        changed.add(folder)
    for each in sorted(changed):
        each.mkdir(exist_ok=True)
    return changed


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Hold the folder for this process; the system lets go of it whenever the process ends.

    Raises:
        NotWritten: if another process holds it, or it cannot be made.
    """
    import fcntl  # not on every system, and readers of a log do not need it

    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise NotWritten(str(folder), error.strerror or error, "be a writable folder") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            found = "another writer"
            rule = "be written by one process at a time"
            raise NotWritten(str(folder), found, rule, "again when it has ended") from error
        yield
    finally:
        os.close(handle)
