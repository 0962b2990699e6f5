"""The whole log, read once from its first entry: does everything in it fit together?

For each entry its form; for each tile its hashes; at the end the root of the checkpoint. It reads every file
of the log, about 200 bytes an entry, and holds one tile of each level in memory.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from unstrung.transparency import merkle
from unstrung.transparency.errors import InvalidText, LogDamaged
from unstrung.transparency.merkle import HASH_SIZE, TILE_WIDTH
from unstrung.transparency.notes import Checkpoint, VerifierKey, parse_note, verify_note
from unstrung.transparency.receipts import Entry
from unstrung.transparency.tiles import CHECKPOINT, Reader, RightEdge, TilePath, TileView


@dataclass(frozen=True)
class Audit:
    """What a whole log holds.

    Attributes:
        checkpoint: origin, size and root.
        is_signature_checked: whether a key was given, and the checkpoint is signed by it.
        types: number of entries of each type.
        first_time, last_time: of the first and the last entry, RFC 3339; None in an empty log.
    """

    checkpoint: Checkpoint
    is_signature_checked: bool
    types: Mapping[str, int]
    first_time: str | None
    last_time: str | None


def audit(read: Reader, key: VerifierKey | None = None) -> Audit:
    """Read a whole log and check that entries, tiles and checkpoint fit.

    Args:
        read: the log, from a folder or an address.
        key: of the log, or None to leave the signature alone.

    Raises:
        BadSignature: if the checkpoint is not signed by the key.
        InvalidText: if checkpoint or an entry are not of their form.
        LogDamaged: if entries, tiles and root contradict each other.
        LogUnreadable: if a file is missing or cut off.
    """
    try:
        note = parse_note(read(CHECKPOINT).decode())
    except UnicodeDecodeError as error:
        raise InvalidText(CHECKPOINT, "other bytes", "be UTF-8 text") from error
    checkpoint = Checkpoint.parse(note.text)
    if key is not None:
        verify_note(note, [key])
        if checkpoint.origin != key.name:
            raise InvalidText("origin", checkpoint.origin, f"be the name of the key, {key.name}")
    view, edge = TileView(read, checkpoint.size), RightEdge()
    types: Counter[str] = Counter()
    first_time: str | None = None
    last_time: str | None = None
    for index, content in enumerate(view.entries()):
        entry = _entry(index, content)
        types[entry.type] += 1
        first_time, last_time = first_time or entry.time, entry.time
        for tile, hashes in edge.add(merkle.leaf_hash(content)):
            _compare(view, tile, hashes)
    for tile, hashes in edge.unfinished():
        _compare(view, tile, hashes)
    if edge.root() != checkpoint.root:
        rule = f"be {checkpoint.root.hex()}, as the checkpoint says"
        raise LogDamaged("root over all entries", edge.root().hex(), rule)
    return Audit(
        checkpoint=checkpoint,
        is_signature_checked=key is not None,
        types=dict(sorted(types.items())),
        first_time=first_time,
        last_time=last_time,
    )


def _entry(index: int, content: bytes) -> Entry:
    try:
        return Entry.parse(content)
    except InvalidText as error:
        rule = "be canonical JSON with commitment, time and type"
        raise InvalidText(f"entry {index}", repr(content), rule) from error


def _compare(view: TileView, tile: TilePath, hashes: bytes) -> None:
    """Whether the log serves the hashes that its entries have."""
    assert tile.level is not None
    served = view.read_tile(tile.level, tile.index, tile.width)
    if served == hashes:
        return
    wrong = next(at for at in range(tile.width) if _nth(served, at) != _nth(hashes, at))
    first = (tile.index * TILE_WIDTH + wrong) * TILE_WIDTH**tile.level
    rule = f"be {_nth(hashes, wrong).hex()}, the hash over the entries from {first} on"
    raise LogDamaged(f"hash {wrong} of {tile}", _nth(served, wrong).hex(), rule)


def _nth(hashes: bytes, place: int) -> bytes:
    return hashes[place * HASH_SIZE : (place + 1) * HASH_SIZE]
