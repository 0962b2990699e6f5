"""Receipts: one small text for each act in the log, which its owner can check offline.

C2SP tlog-proof: a header, extra data, the index, the inclusion proof, an empty line, the signed checkpoint.

    c2sp.org/tlog-proof@v1
    extra <base64 of JSON: type, time and commitment of the entry; salt and content if the owner wants them>
    index 73894
    <one base64 hash a line>

    <checkpoint>

The log holds entries as canonical JSON (RFC 8785) {"commitment", "time", "type"} and nothing else: no names,
no prompts. The commitment is SHA-256(salt || content) with a salt of 32 random bytes, so that whoever has
salt and content can show what was committed, nobody can guess it, and forgetting the salt erases it.
"""

import hashlib
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from unstrung.transparency import merkle
from unstrung.transparency.errors import BadProof, BadSignature, InvalidText
from unstrung.transparency.notes import (
    Checkpoint,
    Note,
    Verified,
    VerifierKey,
    decode_base64,
    encode_base64,
    parse_note,
    parse_number,
    verify_note,
)
from unstrung.transparency.tiles import TileView

HEADER: Final = "c2sp.org/tlog-proof@v1"
SALT_SIZE: Final = 32  # [bytes]; fixed, or the border between salt and content could be moved
_TYPE: Final = re.compile(r"[a-z][a-z0-9]*(?:[.-][a-z0-9]+)*")
_TYPE_LIMIT: Final = 64
_TIME_FORM: Final = "%Y-%m-%dT%H:%M:%SZ"
_ENTRY_FIELDS: Final = ("commitment", "time", "type")
_PROOF_LIMIT: Final = 63  # hashes; a tree has at most 2^63 entries


@dataclass(frozen=True)
class Entry:
    """What the log holds of an act.

    Attributes:
        type: which kind of act, like consent.given; lower case, dots or hyphens, at most 64 letters.
        time: when, RFC 3339 in UTC with whole seconds, like 2026-08-01T12:00:00Z.
        commitment: SHA-256(salt || content), 32 bytes.
    """

    type: str
    time: str
    commitment: bytes

    def __post_init__(self) -> None:
        if not _TYPE.fullmatch(self.type) or len(self.type) > _TYPE_LIMIT:
            rule = "be at most 64 lower-case letters with dots or hyphens between"
            raise InvalidText("type", repr(self.type), rule, "consent.given")
        _check_time(self.time)
        if len(self.commitment) != merkle.HASH_SIZE:
            raise InvalidText("commitment", f"{len(self.commitment)} bytes", "have 32 bytes")

    def fields(self) -> dict[str, str]:
        """The fields of its JSON."""
        text = encode_base64(self.commitment)
        return {"commitment": text, "time": self.time, "type": self.type}

    def to_bytes(self) -> bytes:
        """The entry as the log holds and hashes it."""
        return _canonical(self.fields())

    @classmethod
    def parse(cls, content: bytes) -> "Entry":
        """Read an entry of a log.

        Raises:
            InvalidText: if it is not exactly what `to_bytes` writes.
        """
        return cls._of(_object("entry", content, _ENTRY_FIELDS, ()))

    @classmethod
    def _of(cls, fields: Mapping[str, str]) -> "Entry":
        commitment = decode_base64("commitment", fields["commitment"], merkle.HASH_SIZE)
        return cls(fields["type"], fields["time"], commitment)


@dataclass(frozen=True)
class Receipt:
    """An act in a log, with all it takes to check that.

    Attributes:
        index: of the entry, from 0.
        proof: hashes from the entry's sibling up to the root.
        checkpoint: signed by the log, and by witnesses if they have.
        entry: what the log holds.
        salt: 32 bytes, or None if the owner left it out.
        content: what was committed to, or None; only together with the salt.
    """

    index: int
    proof: tuple[bytes, ...]
    checkpoint: Note
    entry: Entry
    salt: bytes | None = field(default=None, repr=False)
    content: bytes | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.salt is not None:
            _check_salt(self.salt)
        elif self.content is not None:
            raise InvalidText("content", "no salt beside it", "come with its salt", "adding it")

    def __str__(self) -> str:
        extra = self.entry.fields()
        if self.salt is not None:
            extra["salt"] = encode_base64(self.salt)
        if self.content is not None:
            extra["content"] = encode_base64(self.content)
        lines = [HEADER, f"extra {encode_base64(_canonical(extra))}", f"index {self.index}"]
        lines += [encode_base64(part) for part in self.proof]
        return "\n".join(lines) + f"\n\n{self.checkpoint}"

    def without_content(self) -> "Receipt":
        """The receipt for somebody who is to know that the act is logged, but not what it said."""
        return replace(self, salt=None, content=None)


@dataclass(frozen=True)
class Checked:
    """What a receipt has proved.

    Attributes:
        origin: name of the log.
        index, size: place of the entry, and entries in the log when the checkpoint was signed.
        entry: type, time and commitment.
        witnesses: cosignatures that were asked for and are right.
        is_content_checked: whether salt and content were there and fit the commitment.
    """

    origin: str
    index: int
    size: int
    entry: Entry
    witnesses: tuple[Verified, ...]
    is_content_checked: bool


def new_salt() -> bytes:
    """32 random bytes; one salt for each act."""
    return secrets.token_bytes(SALT_SIZE)


def make_entry(kind: str, time: datetime, content: bytes, salt: bytes) -> Entry:
    """The entry that commits to a content without showing it.

    Args:
        kind: type of the act.
        time: when; has a time zone, and is written in UTC with whole seconds.
        content: anything.
        salt: 32 bytes that nobody else knows.

    Raises:
        InvalidText: if type, time or salt break their rules.
    """
    if time.tzinfo is None:
        raise InvalidText("time", time, "have a time zone", "datetime.now(UTC)")
    return Entry(kind, time.astimezone(UTC).strftime(_TIME_FORM), commitment_of(content, salt))


def commitment_of(content: bytes, salt: bytes) -> bytes:
    """SHA-256(salt || content).

    Raises:
        InvalidText: if the salt has not 32 bytes.
    """
    return hashlib.sha256(_check_salt(salt) + content).digest()


def issue(
    view: TileView,
    index: int,
    checkpoint: str,
    salt: bytes | None = None,
    content: bytes | None = None,
) -> Receipt:
    """Write the receipt of an entry of a log.

    Args:
        view: the log, at the size of the checkpoint.
        index: of the entry.
        checkpoint: the signed note.
        salt: of the commitment, if the receipt is to hold it.
        content: that was committed to, if the receipt is to hold it.

    Raises:
        InvalidText: if index, size or salt do not fit.
        LogUnreadable, LogDamaged: if the log cannot give entry and proof.
    """
    note = parse_note(checkpoint)
    size = Checkpoint.parse(note.text).size
    if size != view.size:
        raise InvalidText("checkpoint", f"size {size}", f"be of size {view.size}")
    entry = Entry.parse(view.entry(index))
    return Receipt(index, view.inclusion_proof(index), note, entry, salt, content)


def parse_receipt(text: str) -> Receipt:
    """Read a receipt; `verify_receipt` checks it.

    Raises:
        InvalidText: if it is not of the form.
    """
    head, blank, checkpoint = text.partition("\n\n")
    lines = head.split("\n")
    if not blank or lines[0] != HEADER or len(lines) < 3:
        raise InvalidText("receipt", repr(text), f"begin with {HEADER}, extra and index")
    extra = _after("extra ", lines[1])
    fields = _object("extra", decode_base64("extra", extra), _ENTRY_FIELDS, ("content", "salt"))
    index = parse_number("index", _after("index ", lines[2]))
    if len(lines) - 3 > _PROOF_LIMIT:
        raise InvalidText("proof", f"{len(lines) - 3} hashes", "have at most 63 hashes")
    proof = tuple(decode_base64("hash of the proof", line, 32) for line in lines[3:])
    salt = decode_base64("salt", fields["salt"], SALT_SIZE) if "salt" in fields else None
    content = decode_base64("content", fields["content"]) if "content" in fields else None
    return Receipt(index, proof, parse_note(checkpoint), Entry._of(fields), salt, content)


def verify_receipt(
    receipt: Receipt,
    key: VerifierKey,
    witnesses: Sequence[VerifierKey] = (),
    content: bytes | None = None,
) -> Checked:
    """Check a receipt against nothing but keys: no network, no log.

    Args:
        receipt: parsed.
        key: of the log; its name is the origin.
        witnesses: each of them has to have cosigned the checkpoint.
        content: what was committed to, where the receipt holds only the salt.

    Raises:
        BadSignature: if the log or one of the witnesses has not signed the checkpoint.
        BadProof: if the entry is not in the log, or the content is not what was committed to.
        InvalidText: if the checkpoint is of another log, or contents contradict each other.
    """
    checkpoint = Checkpoint.parse(receipt.checkpoint.text)
    if checkpoint.origin != key.name:
        rule = f"be that of the log, {key.name}"
        raise InvalidText("origin", checkpoint.origin, rule, "the key of that log")
    signed = {each.key: each for each in verify_note(receipt.checkpoint, [key, *witnesses])}
    for each in (key, *witnesses):
        if each not in signed:
            raise BadSignature("checkpoint", "no signature of it", f"be signed by {each.name}")
    leaf = merkle.leaf_hash(receipt.entry.to_bytes())
    merkle.verify_inclusion(receipt.proof, receipt.index, checkpoint.size, leaf, checkpoint.root)
    if content is not None and receipt.salt is None:
        raise InvalidText("salt", "none", "be in the receipt to check a content against it")
    if content is not None and receipt.content not in (None, content):
        raise InvalidText("content", "another one", "be the same as in the receipt")
    content = receipt.content if content is None else content
    if content is not None and receipt.salt is not None:
        found = commitment_of(content, receipt.salt)
        if found != receipt.entry.commitment:
            rule = f"be {receipt.entry.commitment.hex()}, as in the log"
            raise BadProof("commitment to the content", found.hex(), rule, "the original file")
    return Checked(
        origin=checkpoint.origin,
        index=receipt.index,
        size=checkpoint.size,
        entry=receipt.entry,
        witnesses=tuple(signed[each] for each in witnesses),
        is_content_checked=content is not None,
    )


def _canonical(fields: Mapping[str, str]) -> bytes:
    """RFC 8785 for an object of ASCII strings: sorted keys, no spaces."""
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()


def _object(
    name: str, content: bytes, needed: Sequence[str], allowed: Sequence[str]
) -> dict[str, str]:
    """A canonical JSON object with these fields, all of them strings."""
    try:
        found = json.loads(content.decode())
    except (ValueError, RecursionError):
        found = None
    is_right = (
        isinstance(found, dict)
        and set(needed) <= set(found) <= {*needed, *allowed}
        and all(isinstance(value, str) for value in found.values())
    )
    if not is_right or _canonical(found) != content:
        rule = f"be canonical JSON with {', '.join(needed)}"
        raise InvalidText(name, repr(content), rule, "copying it again")
    return dict(found)


def _after(start: str, line: str) -> str:
    if not line.startswith(start):
        raise InvalidText("line of the receipt", repr(line), f"begin with {start.strip()}")
    return line.removeprefix(start)


def _check_salt(salt: bytes) -> bytes:
    if len(salt) != SALT_SIZE:
        raise InvalidText("salt", f"{len(salt)} bytes", "have 32 bytes", "new_salt()")
    return salt


def _check_time(time: str) -> None:
    try:
        parsed = datetime.strptime(time, _TIME_FORM).replace(tzinfo=UTC)
    except ValueError:
        parsed = None
    # strptime also takes numbers without their zeros; there is one spelling.
    if parsed is None or parsed.strftime(_TIME_FORM) != time:
        rule = "be RFC 3339 in UTC with whole seconds"
        raise InvalidText("time", repr(time), rule, "2026-08-01T12:00:00Z")
