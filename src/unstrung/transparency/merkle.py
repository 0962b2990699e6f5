"""Merkle tree hashes, proofs that an entry is in a tree and that one tree begins another.

RFC 6962 section 2.1 (hashes and proofs) and RFC 9162 sections 2.1.3.2 and 2.1.4.2 (how to verify them), with
SHA-256. Proofs are made from tiles (C2SP tlog-tiles): a tile holds up to 256 neighbouring hashes of one
level, so a proof over n entries reads about 2 log256(n) tiles and never the entries.

A hash is 32 bytes. Sizes and indices are numbers of entries, >= 0. Nothing here reads files or knows keys.
"""

import hashlib
from collections.abc import Callable, Sequence
from functools import cache
from typing import Final

from unstrung.transparency.errors import BadProof, InvalidText

HASH_SIZE: Final = 32  # [bytes]
TILE_HEIGHT: Final = 8  # levels of the tree in a tile
TILE_WIDTH: Final = 1 << TILE_HEIGHT  # hashes in a full tile
EMPTY_ROOT: Final = hashlib.sha256().digest()

# (level of tiles, index in the level, width) to width * 32 bytes.
ReadTile = Callable[[int, int, int], bytes]


def leaf_hash(entry: bytes) -> bytes:
    """Hash of an entry, told from that of a node by its first byte: SHA-256(0x00 || entry)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of two subtrees: SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of_leaves(leaves: Sequence[bytes]) -> bytes:
    """Root over hashes of entries that are all at hand, for small trees and for whole tiles.

    Args:
        leaves: hashes, any number; over none it is the hash of nothing.
    """
    if not leaves:
        return EMPTY_ROOT
    row = list(leaves)
    while len(row) > 1:
        # An odd last hash goes up as it is: that is the same tree as splitting at powers of two.
        odd = row[-1:] if len(row) % 2 else []
        row = [node_hash(row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)] + odd
    return row[0]


def hashes_of(tile: bytes) -> list[bytes]:
    """The hashes that lie one after the other in a tile."""
    return [tile[at : at + HASH_SIZE] for at in range(0, len(tile), HASH_SIZE)]


def tile_width(size: int, level: int, index: int) -> int:
    """How many hashes a tile has in a tree of this size, 0 to 256."""
    return max(0, min(TILE_WIDTH, (size >> (TILE_HEIGHT * level)) - TILE_WIDTH * index))


def root(read_tile: ReadTile, count: int, size: int) -> bytes:
    """Root of the tree over the first `count` entries of a log with `size` of them, from a few tiles.

    Raises:
        InvalidText: if the count is not between 0 and the size.
    """
    if not 0 <= count <= size:
        raise InvalidText("count", count, f"be at least 0 and at most the tree size {size}")
    return _range_hash(cache(read_tile), size, 0, count) if count else EMPTY_ROOT


def inclusion_proof(read_tile: ReadTile, index: int, size: int) -> tuple[bytes, ...]:
    """Hashes that lead from one entry to the root, from the leaf's sibling up.

    RFC 6962 section 2.1.1, PATH(index, D[size]).

    Raises:
        InvalidText: if there is no such entry in the tree.
    """
    if not 0 <= index < size:
        raise InvalidText("index", index, f"be at least 0 and below the tree size {size}")
    start, end = 0, size
    siblings: list[tuple[int, int]] = []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            siblings.append((middle, end))
            end = middle
        else:
            siblings.append((start, middle))
            start = middle
    read = cache(read_tile)
    return tuple(_range_hash(read, size, *sibling) for sibling in reversed(siblings))


def consistency_proof(read_tile: ReadTile, old_size: int, new_size: int) -> tuple[bytes, ...]:
    """Hashes that show that the tree of the first `old_size` entries begins the larger tree.

    RFC 6962 section 2.1.2, PROOF(old_size, D[new_size]); empty from size 0 and between equal sizes.

    Raises:
        InvalidText: if the old size is not between 0 and the new one.
    """
    if not 0 <= old_size <= new_size:
        raise InvalidText("old size", old_size, f"be at least 0 and at most the size {new_size}")
    if old_size in (0, new_size):
        return ()
    start, end = 0, new_size
    parts: list[tuple[int, int]] = []
    while end != old_size:
        middle = start + _split(end - start)
        if old_size <= middle:
            parts.append((middle, end))
            end = middle
        else:
            parts.append((start, middle))
            start = middle
    if start:  # else the part is the old tree itself, whose root the verifier knows
        parts.append((start, end))
    read = cache(read_tile)
    return tuple(_range_hash(read, new_size, *part) for part in reversed(parts))


def verify_inclusion(
    proof: Sequence[bytes], index: int, size: int, leaf: bytes, root_hash: bytes
) -> None:
    """Check that the entry with this leaf hash stands at this index of the tree with this root.

    RFC 9162 section 2.1.3.2.

    Raises:
        BadProof: if it does not, or if the proof is longer or shorter than it has to be.
    """
    if not 0 <= index < size:
        raise BadProof("index", index, f"be at least 0 and below the tree size {size}")
    at, last, found = index, size - 1, leaf
    for sibling in _of_right_length(proof):
        if last == 0:
            raise _wrong("inclusion proof", proof, f"have {_path_length(index, size)} hashes")
        if at & 1 or at == last:
            found = node_hash(sibling, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        at, last = at >> 1, last >> 1
    if last != 0:
        raise _wrong("inclusion proof", proof, f"have {_path_length(index, size)} hashes")
    if found != root_hash:
        rule = f"lead from entry {index} to the root {root_hash.hex()}"
        raise BadProof("inclusion proof", f"the root {found.hex()}", rule)


def verify_consistency(
    proof: Sequence[bytes], old_size: int, new_size: int, old_root: bytes, new_root: bytes
) -> None:
    """Check that the tree with the new root begins with the whole tree that has the old root.

    RFC 9162 section 2.1.4.2; from size 0 the proof is empty, as in C2SP tlog-witness.

    Raises:
        BadProof: if it does not, or if the proof is longer or shorter than it has to be.
    """
    if not 0 <= old_size <= new_size:
        raise BadProof("old size", old_size, f"be at least 0 and at most the new size {new_size}")
    if old_size in (0, new_size):
        if proof:
            raise _wrong("consistency proof", proof, f"be empty from {old_size} to {new_size}")
        known = EMPTY_ROOT if old_size == 0 else new_root
        if old_root != known:
            raise BadProof("old root", old_root.hex(), f"be {known.hex()} at size {old_size}")
        return
    path = list(_of_right_length(proof))
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_root)
    at, last = old_size - 1, new_size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    if not path:
        raise _wrong("consistency proof", proof, "have at least one hash")
    old = new = path[0]
    for part in path[1:]:
        if last == 0:
            raise _wrong("consistency proof", proof, "end at the root")
        if at & 1 or at == last:
            old, new = node_hash(part, old), node_hash(part, new)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            new = node_hash(new, part)
        at, last = at >> 1, last >> 1
    if last != 0:
        raise _wrong("consistency proof", proof, "end at the root")
    for name, size, found, wanted in (
        ("old", old_size, old, old_root),
        ("new", new_size, new, new_root),
    ):
        if found != wanted:
            rule = f"lead to the {name} root {wanted.hex()} at size {size}"
            raise BadProof("consistency proof", f"the root {found.hex()}", rule)


def _range_hash(read: ReadTile, size: int, start: int, end: int) -> bytes:
    """MTH(D[start:end]) inside a tree of `size` entries, for ranges that the tree has as subtrees."""
    count = end - start
    if count & (count - 1):
        middle = start + _split(count)
        left = _range_hash(read, size, start, middle)
        return node_hash(left, _range_hash(read, size, middle, end))
    level, height = divmod(count.bit_length() - 1, TILE_HEIGHT)
    index, first = divmod(start >> (TILE_HEIGHT * level), TILE_WIDTH)
    tile = read(level, index, tile_width(size, level, index))
    inside = tile[first * HASH_SIZE : (first + (1 << height)) * HASH_SIZE]
    return root_of_leaves(hashes_of(inside))


def _split(count: int) -> int:
    """The largest power of two below the count, which is at least 2."""
    return 1 << ((count - 1).bit_length() - 1)


def _path_length(index: int, size: int) -> int:
    """How many hashes an inclusion proof has."""
    start, end, length = 0, size, 0
    while end - start > 1:
        middle = start + _split(end - start)
        start, end = (start, middle) if index < middle else (middle, end)
        length += 1
    return length


def _of_right_length(proof: Sequence[bytes]) -> Sequence[bytes]:
    for place, part in enumerate(proof):
        if len(part) != HASH_SIZE:
            raise BadProof(f"hash {place} of the proof", f"{len(part)} bytes", "have 32 bytes")
    return proof


def _wrong(field: str, proof: Sequence[bytes], rule: str) -> BadProof:
    return BadProof(field, f"{len(proof)} hashes", rule, "fetching it again")
