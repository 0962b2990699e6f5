"""Receipts: what they prove, to whom, and that no byte of one can be changed."""

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transparency.builders import LOG_KEY, NOON, SALT, WITNESS_KEY, act, grow
from unstrung.transparency.errors import BadProof, BadSignature, InvalidText, TransparencyError
from unstrung.transparency.notes import SignerKey, cosign
from unstrung.transparency.receipts import (
    Entry,
    Receipt,
    commitment_of,
    issue,
    make_entry,
    new_salt,
    parse_receipt,
    verify_receipt,
)
from unstrung.transparency.tiles import TileView, read_folder


@pytest.fixture(scope="module")
def receipt(tmp_path_factory: pytest.TempPathFactory) -> Receipt:
    """Of act 123 of 300, with salt, content and a cosignature."""
    folder = tmp_path_factory.mktemp("log")
    checkpoint = grow(folder, 0, 300)
    issued = issue(TileView(read_folder(folder), 300), 123, checkpoint, SALT, b"act 123")
    signature = cosign(issued.checkpoint.text, WITNESS_KEY, 1_785_000_000)
    return replace(issued, checkpoint=issued.checkpoint.signed_also(signature))


def test_an_entry_holds_type_time_and_commitment_and_nothing_else() -> None:
    entry = make_entry("consent.given", NOON, b"Ada, of all people", SALT)
    assert json.loads(entry.to_bytes()).keys() == {"type", "time", "commitment"}
    assert entry.time == "2026-08-01T12:00:00Z"
    assert b"Ada" not in entry.to_bytes()
    assert Entry.parse(entry.to_bytes()) == entry
    other = make_entry("consent.given", NOON, b"Ada, of all people", new_salt())
    assert other.commitment != entry.commitment


def test_a_receipt_proves_the_act_and_comes_back_from_its_text(receipt: Receipt) -> None:
    assert parse_receipt(str(receipt)) == receipt
    checked = verify_receipt(receipt, LOG_KEY.verifier, [WITNESS_KEY.verifier])
    assert (checked.index, checked.size, checked.origin) == (123, 300, LOG_KEY.name)
    assert checked.entry == Entry.parse(act(123))
    assert checked.is_content_checked
    assert [each.time_s for each in checked.witnesses] == [1_785_000_000]


def test_its_lines_are_those_of_tlog_proof(receipt: Receipt) -> None:
    lines = str(receipt).split("\n")
    assert lines[0] == "c2sp.org/tlog-proof@v1"
    assert lines[1].startswith("extra ")
    assert lines[2] == "index 123"
    assert str(receipt).endswith(f"\n\n{receipt.checkpoint}")


def test_content_can_be_left_out_and_brought_along(receipt: Receipt) -> None:
    bare = parse_receipt(str(receipt.without_content()))
    assert "salt" not in str(bare)
    assert not verify_receipt(bare, LOG_KEY.verifier).is_content_checked
    salted = parse_receipt(str(replace(receipt, content=None)))
    assert not verify_receipt(salted, LOG_KEY.verifier).is_content_checked
    assert verify_receipt(salted, LOG_KEY.verifier, content=b"act 123").is_content_checked
    with pytest.raises(BadProof, match="commitment to the content must be"):
        verify_receipt(salted, LOG_KEY.verifier, content=b"act 124")
    with pytest.raises(InvalidText, match="salt must be in the receipt"):
        verify_receipt(bare, LOG_KEY.verifier, content=b"act 123")
    with pytest.raises(InvalidText, match="content must be the same as in the receipt"):
        verify_receipt(receipt, LOG_KEY.verifier, content=b"act 124")
    with pytest.raises(InvalidText, match="content must come with its salt"):
        replace(receipt, salt=None)


@given(st.integers(0), st.integers(0, 7))
def test_any_flipped_bit_spoils_a_receipt(receipt: Receipt, place: int, bit: int) -> None:
    content = bytearray(str(receipt).encode())
    content[place % len(content)] ^= 1 << bit
    with pytest.raises((TransparencyError, UnicodeDecodeError)):
        verify_receipt(parse_receipt(content.decode()), LOG_KEY.verifier, [WITNESS_KEY.verifier])


def test_every_byte_of_a_receipt_counts(receipt: Receipt) -> None:
    whole = str(receipt).encode()
    for place in range(len(whole)):
        for changed in (
            whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :],
            whole[:place],
        ):
            with pytest.raises((TransparencyError, UnicodeDecodeError)):
                verify_receipt(
                    parse_receipt(changed.decode()), LOG_KEY.verifier, [WITNESS_KEY.verifier]
                )


def test_other_keys_and_missing_witnesses_are_refused(receipt: Receipt) -> None:
    stranger = SignerKey(LOG_KEY.name, LOG_KEY.type, bytes(32))
    with pytest.raises(BadSignature, match=r"signature must be of log\.example\.org/acts"):
        verify_receipt(receipt, stranger.verifier)
    elsewhere = SignerKey("other.example.org", LOG_KEY.type, LOG_KEY.seed)
    with pytest.raises(InvalidText, match=r"origin must be that of the log, other\.example\.org"):
        verify_receipt(receipt, elsewhere.verifier)
    absent = SignerKey("witness.example.org/w2", WITNESS_KEY.type, WITNESS_KEY.seed)
    with pytest.raises(BadSignature, match=r"must be signed by witness\.example\.org/w2"):
        verify_receipt(receipt, LOG_KEY.verifier, [WITNESS_KEY.verifier, absent.verifier])


def test_a_witness_alone_does_not_replace_the_log(receipt: Receipt) -> None:
    note = replace(receipt.checkpoint, signatures=receipt.checkpoint.signatures[1:])
    with pytest.raises(BadSignature, match="must be signed by log"):
        verify_receipt(replace(receipt, checkpoint=note), LOG_KEY.verifier, [WITNESS_KEY.verifier])


def test_a_receipt_of_another_entry_is_refused(receipt: Receipt) -> None:
    with pytest.raises(BadProof):
        verify_receipt(replace(receipt, index=122), LOG_KEY.verifier)
    with pytest.raises(BadProof):
        verify_receipt(replace(receipt, index=300), LOG_KEY.verifier)


def test_a_receipt_is_issued_at_the_size_of_its_checkpoint(tmp_path: Path) -> None:
    checkpoint = grow(tmp_path, 0, 3)
    with pytest.raises(InvalidText, match="checkpoint must be of size 2, got size 3"):
        issue(TileView(read_folder(tmp_path), 2), 1, checkpoint)
    only = grow(tmp_path / "one", 0, 1)
    receipt = issue(TileView(read_folder(tmp_path / "one"), 1), 0, only)
    assert verify_receipt(parse_receipt(str(receipt)), LOG_KEY.verifier).size == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b"9" * 5000,
        b"[" * 100_000,
        act(1) + b" ",
        act(1).replace(b":", b": "),
        act(1).replace(b"consent.given", b"Consent Given"),
        act(1).replace(b"consent.given", b"x" * 65),
        act(1).replace(b"2026-08-01T12", b"2026-8-01T12"),
        act(1).replace(b"2026-08-01T12", b"2026-13-01T12"),
        act(1).replace(b"00Z", b"00+00:00"),
        act(1).replace(b'{"', b'{"a":1,"'),
        act(1).replace(b'{"', b'{"time":"2026-08-01T12:00:00Z","'),
    ],
)
def test_other_bytes_are_no_entries(content: bytes) -> None:
    with pytest.raises(InvalidText):
        Entry.parse(content)


def test_wrong_salts_and_times_are_refused_in_a_sentence() -> None:
    with pytest.raises(InvalidText, match="salt must have 32 bytes, got 5 bytes; try new_salt"):
        commitment_of(b"content", b"salty")
    with pytest.raises(InvalidText, match="time must have a time zone"):
        make_entry("consent.given", datetime(2026, 8, 1), b"", SALT)
    with pytest.raises(InvalidText, match="type must be at most 64 lower-case letters"):
        make_entry("Ada agreed", NOON, b"", SALT)
