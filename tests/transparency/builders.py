"""Logs, keys and readers that the tests of the transparency log share."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from unstrung.transparency.notes import Checkpoint, KeyType, SignerKey, sign_note
from unstrung.transparency.receipts import make_entry
from unstrung.transparency.tiles import Reader, TileLog

ORIGIN = "log.example.org/acts"
LOG_KEY = SignerKey(ORIGIN, KeyType.NOTE, bytes(range(32)))
WITNESS_KEY = SignerKey("witness.example.org/w1", KeyType.COSIGNATURE, bytes(range(1, 33)))
SALT = bytes(range(100, 132))
NOON = datetime(2026, 8, 1, 12, tzinfo=UTC)


def act(number: int) -> bytes:
    """The entry of one act."""
    return make_entry("consent.given", NOON, f"act {number}".encode(), SALT).to_bytes()


def publish(log: TileLog, key: SignerKey = LOG_KEY) -> str:
    """Sign the head of a log and publish it."""
    note = str(sign_note(str(Checkpoint(ORIGIN, log.size, log.root)), key))
    log.publish(note)
    return note


def grow(folder: Path, start: int, end: int, make: Callable[[int], bytes] = act) -> str:
    """Append the acts from `start` to `end` to the log in a folder; return the checkpoint."""
    with TileLog(folder) as log:
        assert log.size == start
        log.append([make(number) for number in range(start, end)])
        return publish(log)


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file of a log by its path; locks are none of it."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


def with_change(read: Reader, changed: str, place: int) -> Reader:
    """A reader that gives one file with one bit of one byte changed."""

    def reading(path: str) -> bytes:
        content = read(path)
        if path != changed:
            return content
        return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]

    return reading


def flat_tiles(leaves: list[bytes]) -> Callable[[int, int, int], bytes]:
    """Tiles of a tree of fewer than 256 entries, from the hashes of its entries."""

    def read(level: int, index: int, width: int) -> bytes:
        assert (level, index, width) == (0, 0, len(leaves))
        return b"".join(leaves)

    return read
