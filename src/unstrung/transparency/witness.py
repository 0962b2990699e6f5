"""A witness: somebody outside who keeps a log from telling two stories.

It remembers the last checkpoint it saw of each log. A new one it signs only if the tree behind the old one
begins the tree behind the new one (C2SP tlog-witness, tlog-cosignature v1; here the witness reads the log
instead of being called). If not, it keeps both checkpoints: two signed heads that contradict each other are
the evidence. The first checkpoint of a log is taken as it is, since there is nothing to compare it with.

State folder: `witness.key` (secret), `<SHA-256 of the origin>.checkpoint`, and `.fork` beside it as evidence.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from unstrung.transparency import merkle
from unstrung.transparency.errors import (
    BadProof,
    HistoryRewritten,
    InvalidText,
    LogDamaged,
    LogUnreadable,
)
from unstrung.transparency.files import only_writer, write_whole
from unstrung.transparency.notes import (
    Checkpoint,
    KeyType,
    Note,
    Signature,
    SignerKey,
    VerifierKey,
    cosign,
    parse_note,
    verify_note,
)
from unstrung.transparency.tiles import CHECKPOINT, Reader, TileView

KEY_FILE: Final = "witness.key"


@dataclass(frozen=True)
class Witnessed:
    """A checkpoint that a witness has cosigned.

    Attributes:
        checkpoint: origin, size and root.
        old_size: entries when it looked last; None if it never had.
        signature: for the log to put under its checkpoint.
        note: the checkpoint as the log serves it, with the signature under it.
    """

    checkpoint: Checkpoint
    old_size: int | None
    signature: Signature
    note: Note


def witness_key(state: Path, name: str | None) -> SignerKey:
    """The key of the witness, made when it is asked for the first time.

    Args:
        state: folder of the witness.
        name: of the witness, like example.org/w1; needed the first time, later None or the same.

    Raises:
        InvalidText: if there is no key and no name, or the name is another.
        LogUnreadable, NotWritten: if the file cannot be read or written.
    """
    path = state / KEY_FILE
    if not path.exists():
        if name is None:
            rule = "be given the first time"
            raise InvalidText("name of the witness", "none", rule, "a name like example.org/w1")
        key = SignerKey.generate(name, KeyType.COSIGNATURE)
        write_whole([(path, f"{key.secret_text}\n".encode())], mode=0o600)
        return key
    key = SignerKey.parse(_text_of(path))
    if name not in (None, key.name):
        rule = f"be {key.name}, as in {path}"
        raise InvalidText("name of the witness", name, rule, "another folder of state")
    return key


def witness(
    read: Reader, state: Path, log_key: VerifierKey, signer: SignerKey, time_s: int
) -> Witnessed:
    """Look at a log once: check its new checkpoint against the last one seen, remember it, cosign it.

    Args:
        read: the log, from a folder or an address.
        state: folder of the witness.
        log_key: whom the checkpoint must be signed by.
        signer: key of the witness, of type COSIGNATURE.
        time_s: now [s since 1970].

    Raises:
        BadSignature, InvalidText: if the checkpoint is not signed by the log or not one at all.
        HistoryRewritten: if the log has forked or shrunk; the evidence is kept.
        LogUnreadable, LogDamaged: if its files are out of reach or are not those that it has signed;
            that may be a bad copy, and nothing is said about the log then.
        NotWritten: if another witness runs in the folder.
    """
    path = state / f"{hashlib.sha256(log_key.name.encode()).hexdigest()}.checkpoint"
    with only_writer(
        state
    ):  # from reading on: a head that was read earlier could seem to have shrunk
        note = parse_note(_decoded(CHECKPOINT, read(CHECKPOINT)))
        verify_note(note, [log_key])
        new = Checkpoint.parse(note.text)
        if new.origin != log_key.name:
            raise InvalidText("origin", new.origin, f"be the name of the key, {log_key.name}")
        old = Checkpoint.parse(parse_note(_text_of(path)).text) if path.exists() else None
        if old is not None:
            try:
                _compare(read, old, new)
            except HistoryRewritten:
                write_whole([(path.with_suffix(".fork"), str(note).encode())])
                raise
        signature = cosign(note.text, signer, time_s)
        signed = note.signed_also(signature)
        # Remembered before it is handed out: a witness must never sign behind what it has signed.
        write_whole([(path, str(signed).encode())])
    return Witnessed(new, old.size if old else None, signature, signed)


def _compare(read: Reader, old: Checkpoint, new: Checkpoint) -> None:
    """Whether the log has only grown."""
    if new.size < old.size:
        fix = "again later, as an old copy may have been served; both checkpoints are kept"
        raise HistoryRewritten(f"size of {new.origin}", new.size, f"be at least {old.size}", fix)
    fix = "showing both checkpoints to others; they are kept in the folder of state"
    if new.size == old.size and new.root != old.root:
        rule = f"have the root {old.root.hex()} at size {old.size}"
        raise HistoryRewritten(f"log {new.origin}", new.root.hex(), rule, fix)
    view = TileView(read, new.size)
    served = view.root(old.size)
    try:
        proof = view.consistency_proof(old.size)
        merkle.verify_consistency(proof, old.size, new.size, served, new.root)
    except BadProof as error:
        rule = f"lead to the signed root {new.root.hex()}"
        raise LogDamaged(f"tiles of {new.origin}", "other hashes", rule, "another copy") from error
    # Now `served` is proved to be what the signed tree begins with, whoever has served the tiles.
    if served != old.root:
        found = f"the root {served.hex()}"
        rule = f"begin with the {old.size:,} entries seen before, of root {old.root.hex()}"
        raise HistoryRewritten(f"log {new.origin}", found, rule, fix)


def _text_of(path: Path) -> str:
    try:
        return _decoded(str(path), path.read_bytes())
    except OSError as error:
        raise LogUnreadable(str(path), error.strerror or error, "be readable") from error


def _decoded(name: str, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise InvalidText(name, "other bytes", "be UTF-8 text") from error
