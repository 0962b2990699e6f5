"""Notes, checkpoints and cosignatures: texts that others have signed, and every way to spoil one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transparency.builders import LOG_KEY, ORIGIN, WITNESS_KEY
from unstrung.transparency.errors import BadSignature, InvalidText
from unstrung.transparency.notes import (
    Checkpoint,
    KeyType,
    SignerKey,
    VerifierKey,
    cosign,
    decode_base64,
    encode_base64,
    parse_note,
    sign_note,
    verify_note,
)

# From the tests of golang/mod, sumdb/note/note_test.go.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_SECRET = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
PETER_TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
PETER_SIGNED = (
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
)
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
ENOCH_SIGNED = (
    "rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ="
)
DASH = "\N{EM DASH}"
PETER_NOTE = f"{PETER_TEXT}\n{DASH} PeterNeumann {PETER_SIGNED}\n"

# A checkpoint of a public log with the cosignature of a public witness, of May 2026, and their public keys.
ARCHE = (
    "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f"
)
REMORA = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"
ARCHE_NOTE = f"""arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

{DASH} arche2025h1.staging.ct.transparency.dev \
zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5\
zRNZ55lvGt0=
{DASH} arche2025h1.staging.ct.transparency.dev \
ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
{DASH} remora.n621.de \
2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==
"""


def test_a_known_key_signs_the_known_note() -> None:
    key = SignerKey.parse(PETER_SECRET)
    assert key.secret_text == PETER_SECRET
    assert str(key.verifier) == PETER
    assert str(sign_note(PETER_TEXT, key)) == PETER_NOTE
    assert PETER_SECRET[-44:] not in repr(key)


def test_signatures_of_known_keys_count_and_others_are_passed_over() -> None:
    note = parse_note(f"{PETER_NOTE}{DASH} EnochRoot {ENOCH_SIGNED}\n")
    peter, enoch = VerifierKey.parse(PETER), VerifierKey.parse(ENOCH)
    assert note.text == PETER_TEXT
    assert [each.key for each in verify_note(note, [peter])] == [peter]
    assert [each.key for each in verify_note(note, [enoch, peter])] == [peter, enoch]
    with pytest.raises(BadSignature, match=r"signature must be of a known key, got PeterNeumann"):
        verify_note(note, [])


def test_a_checkpoint_and_a_cosignature_of_strangers_are_verified() -> None:
    note = parse_note(ARCHE_NOTE)
    keys = [VerifierKey.parse(ARCHE), VerifierKey.parse(REMORA)]
    signed = verify_note(note, keys)
    assert [(each.key.name, each.time_s) for each in signed] == [
        ("arche2025h1.staging.ct.transparency.dev", None),
        ("remora.n621.de", 1779573024),
    ]
    assert Checkpoint.parse(note.text).size == 1_432_088_532
    assert str(Checkpoint.parse(note.text)) == note.text
    assert str(note) == ARCHE_NOTE


def test_a_cosignature_covers_time_and_text() -> None:
    checkpoint = str(Checkpoint(ORIGIN, 5, bytes(32)))
    signature = cosign(checkpoint, WITNESS_KEY, 1_700_000_000)
    note = sign_note(checkpoint, LOG_KEY).signed_also(signature)
    assert verify_note(note, [WITNESS_KEY.verifier])[0].time_s == 1_700_000_000
    later = cosign(checkpoint, WITNESS_KEY, 1_700_000_001)
    assert note.signed_also(later).signatures == (note.signatures[0], later)


def test_keys_sign_only_what_they_are_for() -> None:
    checkpoint = str(Checkpoint(ORIGIN, 5, bytes(32)))
    with pytest.raises(InvalidText, match=r"type of the key witness.* must be 0x01, got 0x04"):
        sign_note(checkpoint, WITNESS_KEY)
    with pytest.raises(InvalidText, match="must be 0x04, got 0x01"):
        cosign(checkpoint, LOG_KEY, 1)
    with pytest.raises(InvalidText, match="checkpoint must have at least three lines"):
        cosign("hello\n", WITNESS_KEY, 1)


@pytest.mark.parametrize("place", range(len(PETER)))
def test_any_changed_or_missing_letter_spoils_a_key(place: int) -> None:
    changed = chr(ord(PETER[place]) + 1)
    for text in (
        PETER[:place] + changed + PETER[place + 1 :],
        PETER[:place],
        PETER[:place] + PETER[place + 1 :],
    ):
        with pytest.raises(InvalidText):
            VerifierKey.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "name+12345678+AQ==",
        "name+12345678+",
        "na me+12345678+" + PETER[-44:],
        "name",
        "",
    ],
)
def test_other_texts_are_no_keys(text: str) -> None:
    with pytest.raises(InvalidText):
        VerifierKey.parse(text)


def test_a_broken_secret_key_is_not_shown() -> None:
    with pytest.raises(InvalidText) as caught:
        SignerKey.parse(PETER_SECRET[:-2])
    assert PETER_SECRET[-30:-2] not in str(caught.value)
    with pytest.raises(InvalidText, match=r"signer key must begin with PRIVATE\+KEY\+"):
        SignerKey.parse(PETER)
    with pytest.raises(InvalidText, match=r"key name must have no spaces and no plus"):
        SignerKey.generate("a b")


def test_generated_keys_differ_and_come_back_from_their_texts() -> None:
    keys = [SignerKey.generate("example.org/w", kind) for kind in (*KeyType, *KeyType)]
    assert len({key.seed for key in keys}) == len(keys)
    for key in keys:
        assert SignerKey.parse(key.secret_text) == key
        assert VerifierKey.parse(str(key.verifier)) == key.verifier


@given(st.integers(0), st.integers(0, 7))
def test_any_flipped_bit_spoils_a_signed_note(place: int, bit: int) -> None:
    content = bytearray(PETER_NOTE.encode())
    content[place % len(content)] ^= 1 << bit
    with pytest.raises((InvalidText, BadSignature, UnicodeDecodeError)):
        verify_note(parse_note(content.decode()), [VerifierKey.parse(PETER)])


@pytest.mark.parametrize(
    "text",
    [
        PETER_TEXT,
        PETER_TEXT + "\n",
        PETER_NOTE[:-1],
        "\x01" + PETER_NOTE,
        PETER_NOTE + "Unexpected line.\n",
        PETER_NOTE.replace("PeterNeumann", "Bad Name"),
        PETER_NOTE + f"{DASH} name AAAA\n",
        PETER_NOTE.replace("\n", "\r\n"),
        PETER_TEXT + "\n" + f"{DASH} PeterNeumann {PETER_SIGNED}\n" * 101,
        "\ud800" + PETER_NOTE,
    ],
)
def test_other_texts_are_no_notes(text: str) -> None:
    with pytest.raises(InvalidText):
        parse_note(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "origin\n5\n",
        "origin\n05\n" + encode_base64(bytes(32)) + "\n",
        "origin\n-1\n" + encode_base64(bytes(32)) + "\n",
        "origin\n9223372036854775808\n" + encode_base64(bytes(32)) + "\n",
        "origin\n5\n" + encode_base64(bytes(31)) + "\n",
        "origin\n5\n" + encode_base64(bytes(32)),
        "\n5\n" + encode_base64(bytes(32)) + "\n",
        "origin\n5\n" + encode_base64(bytes(32)) + "\n\n",
    ],
)
def test_other_texts_are_no_checkpoints(text: str) -> None:
    with pytest.raises(InvalidText):
        Checkpoint.parse(text)


def test_extensions_are_kept() -> None:
    text = f"origin\n0\n{encode_base64(bytes(32))}\nmore\n"
    assert Checkpoint.parse(text).extensions == ("more",)
    assert str(Checkpoint.parse(text)) == text


@pytest.mark.parametrize("text", ["AA=", "AB==", "A A=", "AA==\n", "ÄÄ==", "_-=="])
def test_base64_has_one_spelling(text: str) -> None:
    with pytest.raises(InvalidText, match="must be standard base64"):
        decode_base64("field", text)
