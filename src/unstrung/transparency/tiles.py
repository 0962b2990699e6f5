"""A log as static files: paths, readers, a view of the tree at one size, and the folder that grows.

C2SP tlog-tiles: hashes in `tile/<L>/<N>[.p/<W>]` of up to 256, entries in `tile/entries/<N>[.p/<W>]` with a
two-byte length before each, and the signed head in `checkpoint`. N is written in groups of three digits, all
but the last with an x before them, so that 1234067 is x001/x234/067.

A reader is any function from such a path to bytes: of a folder, of an address, of a dictionary in a test.
What a reader gives is never trusted; hashes are compared with a signed root (`merkle`, `notes`).
"""

import contextlib
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from unstrung.transparency import merkle
from unstrung.transparency.errors import InvalidText, LogDamaged, LogUnreadable
from unstrung.transparency.files import only_writer, write_whole
from unstrung.transparency.merkle import HASH_SIZE, TILE_HEIGHT, TILE_WIDTH, tile_width
from unstrung.transparency.notes import Checkpoint, parse_note

CHECKPOINT: Final = "checkpoint"
ENTRY_LIMIT: Final = 65_535  # [bytes], what a two-byte length can say
_LEVELS: Final = 64
_PATH: Final = re.compile(
    r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/)*)([0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?"
)

Reader = Callable[[str], bytes]


@dataclass(frozen=True)
class TilePath:
    """Which tile or bundle of entries a path names.

    Attributes:
        level: 0 to 63, or None for a bundle of entries.
        index: >= 0, in its level.
        width: hashes or entries in it, 1 to 256; 256 is a full one.
    """

    level: int | None
    index: int
    width: int = TILE_WIDTH

    def __str__(self) -> str:
        digits = str(self.index)
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        number = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
        kind = "entries" if self.level is None else str(self.level)
        part = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{kind}/{number}{part}"


def parse_path(path: str) -> TilePath:
    """Read a path of a tile or of a bundle of entries; one tile has exactly one path.

    Raises:
        InvalidText: if it is not of the form, or has zeros or groups too many.
    """
    found = _PATH.fullmatch(path)
    if found:
        kind, groups, last, width = found.groups()
        index = int(groups.replace("x", "").replace("/", "") + last)
        level = None if kind == "entries" else int(kind)
        tile = TilePath(level, index, int(width) if width else TILE_WIDTH)
        is_level = level is None or level < _LEVELS
        if str(tile) == path and is_level and tile.width <= TILE_WIDTH:
            return tile
    raise InvalidText("path", path, "be like tile/0/x001/067 or tile/entries/000.p/17")


def pack_entries(entries: Sequence[bytes]) -> bytes:
    """A bundle of entries: each with its length before it, as two bytes, the higher first."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def unpack_entries(bundle: bytes, path: str) -> list[bytes]:
    """The entries of a bundle.

    Args:
        bundle: whole.
        path: of the bundle, for the message.

    Raises:
        LogUnreadable: if the last entry is cut off.
    """
    entries, at = [], 0
    while at < len(bundle):
        length = int.from_bytes(bundle[at : at + 2], "big")
        entry = bundle[at + 2 : at + 2 + length]
        if at + 2 > len(bundle) or len(entry) < length:
            raise LogUnreadable(path, f"{len(bundle):,} bytes", "end at the end of an entry")
        entries.append(entry)
        at += 2 + length
    return entries


def read_folder(folder: Path) -> Reader:
    """A reader of the log in a folder; a missing file raises LogUnreadable."""

    def read(path: str) -> bytes:
        try:
            return (folder / path).read_bytes()
        except OSError as error:
            found = error.strerror or error
            raise LogUnreadable(str(folder / path), found, "be a file of the log") from error

    return read


def read_address(prefix: str, fetch: Callable[[str], bytes]) -> Reader:
    """A reader of the log at an address.

    Args:
        prefix: https://..., with or without a slash at its end.
        fetch: from a full address to the body; raises LogUnreadable if there is none.

    Raises:
        InvalidText: if the address is not https.
    """
    if not prefix.startswith("https://"):
        raise InvalidText("address of the log", prefix, "begin with https://")
    return lambda path: fetch(f"{prefix.rstrip('/')}/{path}")


@dataclass(frozen=True)
class TileView:
    """The tree over the first `size` entries of a log, read through its tiles.

    Attributes:
        read: the reader.
        size: number of entries; a signed checkpoint names it.
    """

    read: Reader
    size: int

    def read_tile(self, level: int, index: int, width: int) -> bytes:
        """One tile of hashes, width * 32 bytes (`merkle.ReadTile`).

        Raises:
            LogUnreadable: if neither it nor the full tile is there, or it is cut off.
        """
        tile, path = self._read_part(TilePath(level, index, width))
        if len(tile) < width * HASH_SIZE or len(tile) % HASH_SIZE:
            raise LogUnreadable(path, f"{len(tile):,} bytes", f"have {width * HASH_SIZE:,} bytes")
        return tile[: width * HASH_SIZE]

    def read_bundle(self, index: int) -> list[bytes]:
        """The entries 256 * index and following, at most 256, of this tree.

        Raises:
            LogUnreadable: if they are not there or cut off.
        """
        width = tile_width(self.size, 0, index)
        bundle, path = self._read_part(TilePath(None, index, width))
        entries = unpack_entries(bundle, path)
        if len(entries) < width:
            raise LogUnreadable(path, f"{len(entries)} entries", f"have {width} entries")
        return entries[:width]

    def root(self, count: int | None = None) -> bytes:
        """Root of the tree, or of the tree that its first `count` entries made."""
        return merkle.root(self.read_tile, self.size if count is None else count, self.size)

    def leaf(self, index: int) -> bytes:
        """Hash of one entry."""
        tile, place = divmod(self._inside(index), TILE_WIDTH)
        hashes = self.read_tile(0, tile, tile_width(self.size, 0, tile))
        return hashes[place * HASH_SIZE : (place + 1) * HASH_SIZE]

    def entry(self, index: int) -> bytes:
        """One entry.

        Raises:
            LogDamaged: if it is not the one whose hash is in the tree.
        """
        bundle, place = divmod(self._inside(index), TILE_WIDTH)
        entry = self.read_bundle(bundle)[place]
        if merkle.leaf_hash(entry) != self.leaf(index):
            raise LogDamaged(f"entry {index}", "another hash", "hash to its place in the tree")
        return entry

    def entries(self, start: int = 0) -> Iterator[bytes]:
        """The entries from `start` on, in order; hashes are not compared."""
        for bundle in range(start // TILE_WIDTH, -(-self.size // TILE_WIDTH)):
            yield from self.read_bundle(bundle)[max(0, start - bundle * TILE_WIDTH) :]

    def inclusion_proof(self, index: int) -> tuple[bytes, ...]:
        """Hashes that lead from one entry to the root."""
        return merkle.inclusion_proof(self.read_tile, index, self.size)

    def consistency_proof(self, old_size: int) -> tuple[bytes, ...]:
        """Hashes that show that the tree of `old_size` entries begins this one."""
        return merkle.consistency_proof(self.read_tile, old_size, self.size)

    def _inside(self, index: int) -> int:
        if not 0 <= index < self.size:
            raise InvalidText("index", index, f"be at least 0 and below the size {self.size}")
        return index

    def _read_part(self, tile: TilePath) -> tuple[bytes, str]:
        """A tile or bundle, or the full one that has replaced a partial one (tlog-tiles)."""
        path = str(tile)
        try:
            return self.read(path), path
        except LogUnreadable:
            if tile.width == TILE_WIDTH:
                raise
            full = str(TilePath(tile.level, tile.index))
            try:
                return self.read(full), full
            except LogUnreadable:
                pass  # the first message names the file that should be there
            raise


@dataclass
class RightEdge:
    """The tiles that are not full yet, one at each level: all it takes to add entries and know the root.

    Attributes:
        size: entries so far.
        tiles: hashes of the unfinished tile of each level, each less than 8,192 bytes.
    """

    size: int = 0
    tiles: list[bytes] = field(default_factory=list)

    def add(self, leaf: bytes) -> list[tuple[TilePath, bytes]]:
        """Add the hash of an entry; return the tiles that it filled, lower levels first."""
        filled: list[tuple[TilePath, bytes]] = []
        self.size += 1
        level, rising = 0, leaf
        while True:
            if level == len(self.tiles):
                self.tiles.append(b"")
            self.tiles[level] += rising
            if len(self.tiles[level]) < TILE_WIDTH * HASH_SIZE:
                return filled
            tile = self.tiles[level]
            index = (self.size >> (TILE_HEIGHT * (level + 1))) - 1
            filled.append((TilePath(level, index), tile))
            self.tiles[level] = b""
            level, rising = level + 1, merkle.root_of_leaves(merkle.hashes_of(tile))

    def unfinished(self) -> list[tuple[TilePath, bytes]]:
        """The partial tiles of this size."""
        return [
            (
                TilePath(level, self.size >> (TILE_HEIGHT * (level + 1)), len(tile) // HASH_SIZE),
                tile,
            )
            for level, tile in enumerate(self.tiles)
            if tile
        ]

    def root(self) -> bytes:
        """Root over all entries so far."""
        return merkle.root(lambda level, _index, _width: self.tiles[level], self.size, self.size)

    def copy(self) -> "RightEdge":
        """Another edge to add to, while this one stays."""
        return RightEdge(self.size, list(self.tiles))


def read_edge(view: TileView) -> RightEdge:
    """The right edge of a tree, from its partial tiles."""
    edge = RightEdge(view.size)
    level = 0
    while view.size >> (TILE_HEIGHT * level):
        index = view.size >> (TILE_HEIGHT * (level + 1))
        width = tile_width(view.size, level, index)
        edge.tiles.append(view.read_tile(level, index, width) if width else b"")
        level += 1
    return edge


class TileLog:
    """A log in a folder that grows: append entries, sign the new head, publish it.

    What is appended counts when a checkpoint over it is published: opening the folder again after a crash
    goes back to the last published size, and tiles beyond it are removed. No tile or bundle that lies within
    the size is ever written again; partial ones go when the full one is published.

    Hold it with `with`, or call `close`; one process at a time writes a folder.
    """

    def __init__(self, folder: Path) -> None:
        """Open the folder, or begin a new log in it.

        Raises:
            NotWritten: if another process is writing it, or it cannot be written.
            LogUnreadable, LogDamaged: if its tiles are not those of its checkpoint.
        """
        self.folder = folder
        self._held = contextlib.ExitStack()
        self._held.enter_context(only_writer(folder))
        try:
            self._published = self._published_checkpoint()
            view = TileView(read_folder(folder), self._published)
            self._edge = read_edge(view)
            index, width = divmod(view.size, TILE_WIDTH)
            self._tail = view.read_bundle(index) if width else []
            self._compare(view)
            self._sweep()
        except BaseException:
            self._held.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let another process write the folder."""
        self._held.close()

    @property
    def size(self) -> int:
        """Entries so far, published or not."""
        return self._edge.size

    @property
    def root(self) -> bytes:
        """Root over them."""
        return self._edge.root()

    @property
    def published_size(self) -> int:
        """Entries under the published checkpoint."""
        return self._published

    def view(self) -> TileView:
        """The tree over all entries so far."""
        return TileView(read_folder(self.folder), self.size)

    def append(self, entries: Sequence[bytes]) -> int:
        """Write a batch of entries and their hashes; return the index of the first.

        All of them or none: if a write fails the log is as before. Larger batches write fewer files.

        Raises:
            InvalidText: if an entry is longer than 65,535 bytes.
            NotWritten: if the disk is full.
        """
        for place, entry in enumerate(entries):
            if len(entry) > ENTRY_LIMIT:
                found = f"{len(entry):,} bytes"
                raise InvalidText(f"entry {place} of the batch", found, "have at most 65,535 bytes")
        first, edge, tail = self.size, self._edge.copy(), list(self._tail)
        files: list[tuple[TilePath, bytes]] = []
        for entry in entries:
            files += edge.add(merkle.leaf_hash(entry))
            tail.append(entry)
            if len(tail) == TILE_WIDTH:
                bundle = TilePath(None, edge.size // TILE_WIDTH - 1)
                files.append((bundle, pack_entries(tail)))
                tail = []
        if entries:
            # A level whose unfinished tile did not change has that file already.
            before = set(_partial_files(self._edge, self._tail))
            files += [each for each in _partial_files(edge, tail) if each not in before]
        self._write(files)
        self._edge, self._tail = edge, tail
        return first

    def publish(self, note: str) -> None:
        """Make the batch count: put a signed checkpoint over all entries so far in its place.

        The same head may be published again, when witnesses have added their signatures.

        Raises:
            InvalidText: if the checkpoint is of another size or root.
            NotWritten: if the disk is full.
        """
        checkpoint = Checkpoint.parse(parse_note(note).text)
        if (checkpoint.size, checkpoint.root) != (self.size, self.root):
            found = f"size {checkpoint.size}, root {checkpoint.root.hex()}"
            raise InvalidText(CHECKPOINT, found, f"be of size {self.size}, root {self.root.hex()}")
        write_whole([(self.folder / CHECKPOINT, note.encode())])
        for level in (None, *range(len(self._edge.tiles))):
            span = TILE_HEIGHT * ((level or 0) + 1)
            for index in range(self._published >> span, self.size >> span):
                self._remove_parts(TilePath(level, index), 0)
        self._published = self.size

    def _published_checkpoint(self) -> int:
        path = self.folder / CHECKPOINT
        if not path.exists():
            self._root_before = merkle.EMPTY_ROOT
            return 0
        try:
            note = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise LogUnreadable(str(path), error, "be a signed checkpoint") from error
        checkpoint = Checkpoint.parse(parse_note(note).text)
        self._root_before = checkpoint.root
        return checkpoint.size

    def _compare(self, view: TileView) -> None:
        """Whether the unfinished tiles and entries are those that the checkpoint has signed."""
        found = self._edge.root()
        if found != self._root_before:
            rule = f"lead to the root {self._root_before.hex()} of the checkpoint"
            raise LogDamaged(f"tiles in {self.folder}", found.hex(), rule, "a copy of the log")
        hashes = b"".join(merkle.leaf_hash(entry) for entry in self._tail)
        if self._tail and hashes != self._edge.tiles[0]:
            path = TilePath(None, view.size // TILE_WIDTH, len(self._tail))
            raise LogDamaged(str(path), "other entries", "hash to the tile", "a copy of the log")

    def _write(self, files: Sequence[tuple[TilePath, bytes]]) -> None:
        write_whole([(self.folder / str(tile), content) for tile, content in files])

    def _sweep(self) -> None:
        """Remove what a crash left beyond the published size, and temporary files."""
        # A copy of a log may have come without them, and only with a full tile that is about to go.
        parts = _partial_files(self._edge, self._tail)
        self._write([each for each in parts if not (self.folder / str(each[0])).exists()])
        for temporary in self.folder.rglob(".*.tmp"):
            temporary.unlink(missing_ok=True)
        for level in (None, *range(_LEVELS)):
            if level is not None and not (self.folder / "tile" / str(level)).exists():
                break
            index = self.size >> (TILE_HEIGHT * ((level or 0) + 1))
            self._remove_parts(TilePath(level, index), tile_width(self.size, level or 0, index))
            while True:
                full = self.folder / str(TilePath(level, index))
                self._remove_parts(TilePath(level, index + 1), 0)
                if not full.exists():
                    break
                full.unlink()
                index += 1

    def _remove_parts(self, full: TilePath, keep: int) -> None:
        """Remove the partial files of a tile that are wider than `keep`; 0 removes their folder."""
        parts = (self.folder / str(TilePath(full.level, full.index, 1))).parent
        if keep == 0:
            shutil.rmtree(parts, ignore_errors=True)
        elif parts.is_dir():
            for part in parts.iterdir():
                if part.name.isdecimal() and int(part.name) > keep:
                    part.unlink(missing_ok=True)


def _partial_files(edge: RightEdge, tail: Sequence[bytes]) -> list[tuple[TilePath, bytes]]:
    """All partial tiles of a size, and the partial bundle with the entries of its end."""
    files = edge.unfinished()
    if tail:
        files.append((TilePath(None, edge.size // TILE_WIDTH, len(tail)), pack_entries(tail)))
    return files
