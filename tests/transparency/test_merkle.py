"""RFC 6962: known trees and proofs, every proof of small trees, and every single flipped bit."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transparency.builders import flat_tiles
from unstrung.transparency import merkle
from unstrung.transparency.errors import BadProof, InvalidText

# The eight inputs and roots of the Certificate Transparency tests, and their proofs
# (google/certificate-transparency-go, merkletree/merkle_verifier_test.go; indices there count from 1).
INPUTS = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
H01_OF_8 = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
INCLUSION = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        H01_OF_8,
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        ROOTS[4],
    ],
    (2, 3): [ROOTS[2]],
    (1, 5): [
        ROOTS[1],
        H01_OF_8,
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
CONSISTENCY = {
    (1, 1): [],
    (1, 8): INCLUSION[0, 8],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        ROOTS[4],
    ],
    (2, 5): [H01_OF_8, "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"],
}


def leaves_of(size: int) -> list[bytes]:
    return [merkle.leaf_hash(str(number).encode()) for number in range(size)]


def hexes(proof: tuple[bytes, ...]) -> list[str]:
    return [part.hex() for part in proof]


def slow_root(leaves: list[bytes]) -> bytes:
    """The definition in RFC 6962 section 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return merkle.node_hash(slow_root(leaves[:split]), slow_root(leaves[split:]))


@pytest.mark.parametrize("size", range(9))
def test_known_inputs_have_the_known_roots(size: int) -> None:
    leaves = [merkle.leaf_hash(entry) for entry in INPUTS[:size]]
    assert merkle.root_of_leaves(leaves).hex() == ROOTS[size]
    assert merkle.root(flat_tiles(leaves), size, size).hex() == ROOTS[size]


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_known_inclusion_proofs_are_made_and_verified(index: int, size: int) -> None:
    leaves = [merkle.leaf_hash(entry) for entry in INPUTS[:size]]
    proof = merkle.inclusion_proof(flat_tiles(leaves), index, size)
    assert hexes(proof) == INCLUSION[index, size]
    merkle.verify_inclusion(proof, index, size, leaves[index], bytes.fromhex(ROOTS[size]))


@pytest.mark.parametrize(("old", "new"), CONSISTENCY)
def test_known_consistency_proofs_are_made_and_verified(old: int, new: int) -> None:
    leaves = [merkle.leaf_hash(entry) for entry in INPUTS[:new]]
    proof = merkle.consistency_proof(flat_tiles(leaves), old, new)
    assert hexes(proof) == CONSISTENCY[old, new]
    roots = (bytes.fromhex(ROOTS[old]), bytes.fromhex(ROOTS[new]))
    merkle.verify_consistency(proof, old, new, *roots)


def test_proofs_of_a_real_log_of_962_million_certificates_hold() -> None:
    # Answers of the log Argon 2020, as kept in golang/mod, sumdb/tlog/testdata/argon2020.
    kept: Any = json.loads((Path(__file__).parent / "argon2020.json").read_text("utf-8"))
    root, old_root, leaf = (base64.b64decode(kept[name]) for name in ("root", "old_root", "leaf"))
    inclusion = [base64.b64decode(part) for part in kept["inclusion"]]
    merkle.verify_inclusion(inclusion, kept["index"], kept["size"], leaf, root)
    consistency = [base64.b64decode(part) for part in kept["consistency"]]
    merkle.verify_consistency(consistency, kept["old_size"], kept["size"], old_root, root)
    with pytest.raises(BadProof):
        merkle.verify_inclusion(inclusion, kept["index"] + 1, kept["size"], leaf, root)
    with pytest.raises(BadProof):
        merkle.verify_consistency(consistency, kept["old_size"] - 1, kept["size"], old_root, root)


@given(st.integers(0, 255))
def test_the_root_is_the_one_that_the_rfc_defines(size: int) -> None:
    assert merkle.root_of_leaves(leaves_of(size)) == slow_root(leaves_of(size))


@given(st.integers(1, 255))
def test_every_entry_of_a_tree_is_proved_to_be_in_it(size: int) -> None:
    leaves = leaves_of(size)
    root = merkle.root_of_leaves(leaves)
    for index, leaf in enumerate(leaves):
        proof = merkle.inclusion_proof(flat_tiles(leaves), index, size)
        merkle.verify_inclusion(proof, index, size, leaf, root)


@given(st.integers(0, 255), st.integers(0, 255))
def test_every_tree_is_proved_to_begin_every_larger_one(one: int, other: int) -> None:
    old, new = sorted((one, other))
    leaves = leaves_of(new)
    proof = merkle.consistency_proof(flat_tiles(leaves), old, new)
    roots = (merkle.root_of_leaves(leaves[:old]), merkle.root_of_leaves(leaves))
    merkle.verify_consistency(proof, old, new, *roots)
    if new:
        assert merkle.root(flat_tiles(leaves), old, new) == roots[0]


@given(st.integers(1, 255), st.data())
def test_any_flipped_bit_breaks_an_inclusion_proof(size: int, data: st.DataObject) -> None:
    leaves = leaves_of(size)
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion_proof(flat_tiles(leaves), index, size)
    parts = [leaves[index], merkle.root_of_leaves(leaves), *proof]
    broken = flipped(parts, data)
    with pytest.raises(BadProof):
        merkle.verify_inclusion(broken[2:], index, size, broken[0], broken[1])
    elsewhere = data.draw(st.integers(0, size - 1).filter(lambda n: n != index) | st.just(size))
    with pytest.raises(BadProof):
        merkle.verify_inclusion(proof, elsewhere, size, *parts[:2])


@given(st.integers(2, 255), st.data())
def test_any_flipped_bit_breaks_a_consistency_proof(new: int, data: st.DataObject) -> None:
    leaves = leaves_of(new)
    old = data.draw(st.integers(1, new - 1))
    proof = merkle.consistency_proof(flat_tiles(leaves), old, new)
    parts = [merkle.root_of_leaves(leaves[:old]), merkle.root_of_leaves(leaves), *proof]
    broken = flipped(parts, data)
    with pytest.raises(BadProof):
        merkle.verify_consistency(broken[2:], old, new, broken[0], broken[1])


@given(st.integers(2, 255), st.data())
def test_a_proof_has_one_length_only(size: int, data: st.DataObject) -> None:
    leaves = leaves_of(size)
    root = merkle.root_of_leaves(leaves)
    index = data.draw(st.integers(1, size - 1))
    inclusion = merkle.inclusion_proof(flat_tiles(leaves), index, size)
    consistency = merkle.consistency_proof(flat_tiles(leaves), index, size)
    old_root = merkle.root_of_leaves(leaves[:index])
    for change in ([*inclusion, root], inclusion[:-1], [root, *inclusion]):
        with pytest.raises(BadProof):
            merkle.verify_inclusion(change, index, size, leaves[index], root)
    for change in ([*consistency, root], consistency[:-1], [old_root, *consistency], ()):
        with pytest.raises(BadProof):
            merkle.verify_consistency(change, index, size, old_root, root)


def test_what_is_not_in_a_tree_is_refused_in_a_sentence() -> None:
    leaves = leaves_of(5)
    with pytest.raises(InvalidText, match=r"index must be at least 0 and below .* 5, got 5"):
        merkle.inclusion_proof(flat_tiles(leaves), 5, 5)
    with pytest.raises(InvalidText, match="old size must be at least 0 and at most the size 5"):
        merkle.consistency_proof(flat_tiles(leaves), 6, 5)
    with pytest.raises(BadProof, match="old size must"):
        merkle.verify_consistency([], 6, 5, b"", b"")
    with pytest.raises(BadProof, match="hash 0 of the proof must have 32 bytes"):
        merkle.verify_inclusion([b"short"], 0, 2, leaves[0], leaves[1])
    with pytest.raises(BadProof, match="old root"):
        merkle.verify_consistency([], 5, 5, leaves[0], leaves[1])
    with pytest.raises(BadProof, match="be empty"):
        merkle.verify_consistency([leaves[0]], 0, 5, merkle.EMPTY_ROOT, leaves[1])


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 64, 100])
def test_an_independent_implementation_agrees(size: int) -> None:
    pymerkle = pytest.importorskip("pymerkle", reason="pymerkle checks our trees")
    theirs = pymerkle.InmemoryTree(algorithm="sha256")
    for number in range(size):
        theirs.append_entry(str(number).encode())
    leaves = leaves_of(size)
    root = theirs.get_root(size)
    assert merkle.root_of_leaves(leaves) == root
    for index in range(size):
        proof = merkle.inclusion_proof(flat_tiles(leaves), index, size)
        path = theirs.prove_inclusion(index + 1, size).serialize()["path"]
        assert [leaves[index].hex(), *hexes(proof)] == path
        pymerkle.verify_consistency(
            theirs.get_root(index + 1), root, theirs.prove_consistency(index + 1, size)
        )
        ours = merkle.consistency_proof(flat_tiles(leaves), index + 1, size)
        merkle.verify_consistency(ours, index + 1, size, theirs.get_root(index + 1), root)


def flipped(parts: list[bytes], data: st.DataObject) -> list[bytes]:
    """The parts with one bit changed."""
    place = data.draw(st.integers(0, len(parts) - 1))
    bit = data.draw(st.integers(0, 255))
    changed = bytearray(parts[place])
    changed[bit // 8] ^= 1 << bit % 8
    return [*parts[:place], bytes(changed), *parts[place + 1 :]]
