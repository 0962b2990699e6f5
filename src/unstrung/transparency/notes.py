"""Signed texts: notes with Ed25519 signatures, checkpoints of logs, cosignatures of witnesses.

C2SP signed-note (text, blank line, one line for each signature), tlog-checkpoint (origin, size, root) and
tlog-cosignature v1 (a witness signs the time together with the checkpoint). Keys are texts:

    verifier key   name+key id in hex+base64(type || public key)
    signer key     PRIVATE+KEY+name+key id in hex+base64(type || seed)    as in Go (x/mod/sumdb/note)

Type 0x01 signs notes; type 0x04 cosigns checkpoints. The key id is the first four bytes of
SHA-256(name || newline || type || public key).
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from unstrung.transparency.errors import BadSignature, InvalidText

_DASH: Final = "\N{EM DASH} "
_KEY_SIZE: Final = 32  # [bytes], of a public key and of a seed
_SIGNATURE_SIZE: Final = 64  # [bytes]
_TIME_SIZE: Final = 8  # [bytes], before the signature of a witness
_SIGNATURE_LIMIT: Final = 100  # of a note; the specification asks for 16 or more
_SIZE_LIMIT: Final = 1 << 63
_PRIVATE: Final = "PRIVATE+KEY+"
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_FORM: Final = "be like name+0123abcd+base64"


class KeyType(IntEnum):
    """What a key signs; the byte that its id and its text begin with."""

    NOTE = 0x01
    COSIGNATURE = 0x04


@dataclass(frozen=True)
class VerifierKey:
    """The public half of a key, which anybody may have.

    Attributes:
        name: like example.org/log; no spaces, no plus.
        type: what it signs.
        public: 32 bytes.
    """

    name: str
    type: KeyType
    public: bytes

    @property
    def key_id(self) -> bytes:
        """Four bytes that name the key beside its name; no protection against forgery."""
        tagged = bytes([self.type]) + self.public
        return hashlib.sha256(self.name.encode() + b"\n" + tagged).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{encode_base64(bytes([self.type]) + self.public)}"

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        """Read a verifier key.

        Raises:
            InvalidText: if it is not of the form, or its id is not that of name and key.
        """
        name, key_id, kind, public = _key_parts("verifier key", text.strip())
        key = cls(name, kind, public)
        if key.key_id.hex() != key_id:
            raise InvalidText("key id", key_id, f"be {key.key_id.hex()}", "copying the key again")
        return key


@dataclass(frozen=True)
class SignerKey:
    """The private half of a key.

    Attributes:
        name: like example.org/log; no spaces, no plus.
        type: what it signs.
        seed: 32 bytes, secret.
    """

    name: str
    type: KeyType
    seed: bytes = field(repr=False)

    @classmethod
    def generate(cls, name: str, kind: KeyType = KeyType.NOTE) -> "SignerKey":
        """A new key.

        Raises:
            InvalidText: if the name is empty or has spaces or a plus in it.
        """
        return cls(_checked_name(name), kind, Ed25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def parse(cls, text: str) -> "SignerKey":
        """Read the secret text of a key.

        Raises:
            InvalidText: if it is not of the form; the message does not show the key.
        """
        text = text.strip()
        if not text.startswith(_PRIVATE):
            raise InvalidText("signer key", "another text", f"begin with {_PRIVATE}")
        name, key_id, kind, seed = _key_parts("signer key", text.removeprefix(_PRIVATE), True)
        key = cls(name, kind, seed)
        if key.verifier.key_id.hex() != key_id:
            raise InvalidText("key id", key_id, "be that of the signer key", "an intact copy")
        return key

    @property
    def secret_text(self) -> str:
        """The key as a text to keep in a file that nobody else can read."""
        tagged = encode_base64(bytes([self.type]) + self.seed)
        return f"{_PRIVATE}{self.name}+{self.verifier.key_id.hex()}+{tagged}"

    @property
    def verifier(self) -> VerifierKey:
        """The public half."""
        public = Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()
        return VerifierKey(self.name, self.type, public)


@dataclass(frozen=True)
class Signature:
    """One signature line of a note.

    Attributes:
        name: of the key.
        key_id: four bytes.
        content: what follows the id: 64 bytes, or 8 of time [s since 1970] and 64.
    """

    name: str
    key_id: bytes
    content: bytes

    def __str__(self) -> str:
        return f"{_DASH}{self.name} {encode_base64(self.key_id + self.content)}"


@dataclass(frozen=True)
class Note:
    """A text and who says to have signed it; nothing is verified.

    Attributes:
        text: ends with a newline.
        signatures: 1 to 100.
    """

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        return self.text + "\n" + "".join(f"{signature}\n" for signature in self.signatures)

    def signed_also(self, signature: Signature) -> "Note":
        """The note with one more signature, in place of an older one of the same key."""
        same = (signature.name, signature.key_id)
        others = [each for each in self.signatures if (each.name, each.key_id) != same]
        return replace(self, signatures=(*others, signature))


@dataclass(frozen=True)
class Verified:
    """A signature that is right.

    Attributes:
        key: whose.
        time_s: when a witness cosigned [s since 1970]; None for a plain signature.
    """

    key: VerifierKey
    time_s: int | None = None


@dataclass(frozen=True)
class Checkpoint:
    """The head of a log: what it signs.

    Attributes:
        origin: name of the log.
        size: entries, 0 to 2^63 - 1.
        root: hash over them, 32 bytes.
        extensions: further lines, which nobody checks.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = (self.origin, str(self.size), encode_base64(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """Read the text of a note as a checkpoint.

        Raises:
            InvalidText: if it has fewer than three lines, an empty one, or no size or root.
        """
        lines = text.split("\n")
        if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
            raise InvalidText("checkpoint", repr(text), "have at least three lines, none empty")
        size = parse_number("size of the checkpoint", lines[1])
        root = decode_base64("root of the checkpoint", lines[2], 32)
        return cls(lines[0], size, root, tuple(lines[3:-1]))


def parse_note(text: str) -> Note:
    """Read a signed note; verify it with `verify_note`.

    Raises:
        InvalidText: if a part of its form is missing.
    """
    if any(_is_steering(letter) and letter != "\n" for letter in text):
        raise InvalidText("note", repr(text), "have no control characters but newlines")
    before, blank, after = text.rpartition("\n\n")
    if not blank or not after.endswith("\n"):
        raise InvalidText("note", repr(text), "be a text, an empty line and lines of signatures")
    lines = after.split("\n")[:-1]
    if len(lines) > _SIGNATURE_LIMIT:
        raise InvalidText("note", f"{len(lines)} signatures", "have at most 100 signatures")
    return Note(before + "\n", tuple(parse_signature(line) for line in lines))


def parse_signature(line: str) -> Signature:
    """Read one signature line, without its newline.

    Raises:
        InvalidText: if it is not of the form.
    """
    parts = line.removeprefix(_DASH).split(" ")
    if not line.startswith(_DASH) or len(parts) != 2:
        raise InvalidText("signature", repr(line), "be like \N{EM DASH} name base64")
    content = decode_base64("signature", parts[1])
    if len(content) < 5:
        raise InvalidText("signature", repr(line), "have a key id and a signature")
    return Signature(_checked_name(parts[0]), content[:4], content[4:])


def sign_note(text: str, key: SignerKey) -> Note:
    """Sign a text as its author.

    Args:
        text: ends with a newline.
        key: of type NOTE.

    Raises:
        InvalidText: if the text or the type of the key is wrong.
    """
    _demand_type(key, KeyType.NOTE)
    content = Ed25519PrivateKey.from_private_bytes(key.seed).sign(text.encode())
    note = Note(text, (Signature(key.name, key.verifier.key_id, content),))
    return parse_note(str(note))  # what cannot be read must not be signed


def cosign(checkpoint: str, key: SignerKey, time_s: int) -> Signature:
    """Sign a checkpoint as a witness (tlog-cosignature v1).

    Args:
        checkpoint: the text of the note.
        key: of type COSIGNATURE.
        time_s: now [s since 1970].

    Raises:
        InvalidText: if the text is no checkpoint, or the type of the key is wrong.
    """
    _demand_type(key, KeyType.COSIGNATURE)
    Checkpoint.parse(checkpoint)
    message = _cosigned(checkpoint, time_s)
    content = Ed25519PrivateKey.from_private_bytes(key.seed).sign(message)
    return Signature(key.name, key.verifier.key_id, time_s.to_bytes(_TIME_SIZE, "big") + content)


def verify_note(note: Note, keys: Sequence[VerifierKey]) -> tuple[Verified, ...]:
    """Check every signature of a known key; those of unknown keys are passed over.

    Raises:
        BadSignature: if one is wrong, or none is of a known key.
    """
    known = {(key.name, key.key_id): key for key in keys}
    found = [
        _verified(note.text, signature, known[signature.name, signature.key_id])
        for signature in note.signatures
        if (signature.name, signature.key_id) in known
    ]
    if not found:
        signers = ", ".join(f"{each.name}+{each.key_id.hex()}" for each in note.signatures)
        wanted = " or ".join(f"{key.name}+{key.key_id.hex()}" for key in keys) or "a known key"
        raise BadSignature("signature", signers, f"be of {wanted}", "the key that the log names")
    return tuple(found)


def encode_base64(content: bytes) -> str:
    """Standard base64 (RFC 4648 section 4)."""
    return base64.b64encode(content).decode("ascii")


def decode_base64(name: str, text: str, size: int | None = None) -> bytes:
    """Bytes of a base64 text; every other spelling of the same bytes is refused.

    Args:
        name: of the field, for the message.
        text: standard base64 with its padding.
        size: how many bytes it has to have [bytes], or None for any number.

    Raises:
        InvalidText: if it is not that.
    """
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        content = None
    if content is None or encode_base64(content) != text:
        raise InvalidText(name, repr(text), "be standard base64", "copying it again")
    if size is not None and len(content) != size:
        raise InvalidText(name, f"{len(content)} bytes", f"have {size} bytes")
    return content


def parse_number(name: str, text: str) -> int:
    """A decimal number below 2^63 without leading zeros.

    Raises:
        InvalidText: if it is not that.
    """
    if not _NUMBER.fullmatch(text) or int(text) >= _SIZE_LIMIT:
        raise InvalidText(name, repr(text), "be a decimal number below 2^63, no leading zeros")
    return int(text)


def _verified(text: str, signature: Signature, key: VerifierKey) -> Verified:
    content, message, time_s = signature.content, text.encode(), None
    if key.type is KeyType.COSIGNATURE:
        time_s = int.from_bytes(content[:_TIME_SIZE], "big")
        content, message = content[_TIME_SIZE:], _cosigned(text, time_s)
    try:
        if len(content) != _SIGNATURE_SIZE or (time_s or 0) >= _SIZE_LIMIT:
            raise InvalidSignature
        Ed25519PublicKey.from_public_bytes(key.public).verify(content, message)
    except (InvalidSignature, ValueError) as error:
        fix = "fetching it again; if that does not help, the text was changed after it was signed"
        raise BadSignature(
            f"signature of {key.name}", "a wrong one", "fit the text", fix
        ) from error
    return Verified(key, time_s)


def _cosigned(checkpoint: str, time_s: int) -> bytes:
    return f"cosignature/v1\ntime {time_s}\n{checkpoint}".encode()


def _key_parts(
    field_name: str, text: str, is_secret: bool = False
) -> tuple[str, str, KeyType, bytes]:
    """Name, id in hex, type and 32 bytes of a key."""
    shown = "a text that is not shown" if is_secret else repr(text)
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise InvalidText(field_name, shown, _FORM)
    try:
        content = decode_base64(field_name, parts[2])
        kind = KeyType(content[0]) if content else None
    except ValueError:  # also InvalidText, whose message would show a secret
        content, kind = b"", None
    if kind is None or len(content) != 1 + _KEY_SIZE:
        raise InvalidText(field_name, shown, f"{_FORM}, of type 0x01 or 0x04 with 32 bytes")
    return _checked_name(parts[0]), parts[1], kind, content[1:]


def _checked_name(name: str) -> str:
    if not name or "+" in name or any(each.isspace() or _is_steering(each) for each in name):
        raise InvalidText("key name", repr(name), "have no spaces and no plus", "example.org/log")
    return name


def _is_steering(letter: str) -> bool:
    """Control characters of ASCII, and halves of letters, which no UTF-8 text can hold."""
    return letter < " " or "\ud800" <= letter <= "\udfff"


def _demand_type(key: SignerKey, kind: KeyType) -> None:
    if key.type is not kind:
        found = f"0x{key.type:02x}"
        raise InvalidText(f"type of the key {key.name}", found, f"be 0x{kind:02x}", "another key")
