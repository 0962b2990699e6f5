"""Rules of the log: an act is written in the transaction that does it, and published within seconds.

What is public are a kind, a time and a salted commitment (programme.md, Transparency log). Content and
salt stay with the studio for the owner's receipt, and can be erased without the log ceasing to verify.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any, Final

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from unstrung.studio.access.models import Scope
from unstrung.studio.access.service import Caller
from unstrung.studio.database import now
from unstrung.studio.errors import Conflict, NotFound
from unstrung.studio.identity import new_id
from unstrung.studio.log.models import EntryKind, LogEntry
from unstrung.transparency.receipts import Entry, commitment_of, new_salt

_TIME_FORM: Final = "%Y-%m-%dT%H:%M:%SZ"
_PUBLISHING: Final = 0x6C6F67  # of the lock that lets one process at a time publish


def record(
    session: Session, kind: EntryKind, content: Mapping[str, Any], person_id: str | None = None
) -> LogEntry:
    """Commit to an act; in the log it appears when the transaction is through.

    Args:
        session: of the transaction that does it.
        kind: of act.
        content: plain JSON values that its owner can show to prove it.
        person_id: whose receipt it is; None for acts of the programme itself.
    """
    plain = json.loads(json.dumps(content, default=str))
    salt = new_salt()
    entry = LogEntry(
        id=new_id("entry"),
        kind=kind,
        person_id=person_id,
        content=plain,
        salt=salt,
        commitment=commitment_of(canonical(plain), salt),
        created_at=now(),
    )
    session.add(entry)
    session.flush()
    return entry


def canonical(content: Mapping[str, Any]) -> bytes:
    """The bytes that are committed to: JSON with sorted keys and no spaces, in UTF-8."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def public_bytes(entry: LogEntry) -> bytes:
    """The entry as the log holds it; it needs nothing that erasure takes away."""
    time = entry.created_at.astimezone(UTC).strftime(_TIME_FORM)
    return Entry(str(entry.kind), time, entry.commitment).to_bytes()


def erase(session: Session, person_id: str) -> None:
    """Forget what a person's entries were about; commitments and places in the log stay."""
    session.execute(
        update(LogEntry)
        .where(LogEntry.person_id == person_id)
        .values(content=None, salt=None, person_id=None)
    )


def may_publish(session: Session) -> bool:
    """Whether this transaction is the one that publishes; held until it ends."""
    return bool(session.scalar(select(func.pg_try_advisory_xact_lock(_PUBLISHING))))


def num_published(session: Session) -> int:
    """Entries that have their place in the log."""
    last = session.scalar(select(func.max(LogEntry.position)))
    return 0 if last is None else last + 1


def waiting(session: Session, limit: int) -> Sequence[LogEntry]:
    """Entries that have no place yet, in the order of being written."""
    query = select(LogEntry).where(LogEntry.position.is_(None)).order_by(LogEntry.number)
    return session.scalars(query.limit(limit)).all()


def place(session: Session, entries: Sequence[LogEntry], first: int) -> None:
    """Note the places of entries that the log holds, one after the other."""
    rows = [
        {"number": entry.number, "position": position}
        for position, entry in enumerate(entries, first)
    ]
    if rows:
        session.execute(update(LogEntry), rows)


def by_commitments(session: Session, commitments: Sequence[bytes]) -> Sequence[LogEntry]:
    """Entries of which no more is known, in the order of the commitments."""
    query = select(LogEntry).where(LogEntry.commitment.in_(commitments))
    found = {entry.commitment: entry for entry in session.scalars(query)}
    return [found[commitment] for commitment in commitments]


def get_entry(session: Session, caller: Caller, entry_id: str) -> LogEntry:
    """An entry of the caller's own.

    Raises:
        NotFound: if there is none, or it is somebody else's.
        Conflict: if it has no place in the log yet.
    """
    caller.must_have(Scope.READ)
    query = select(LogEntry).where(LogEntry.id == entry_id, LogEntry.person_id == caller.person_id)
    entry = session.scalar(query)
    if entry is None:
        raise NotFound(f"There is no receipt '{entry_id}'.", "receipt_id", "receipt_not_found")
    if entry.position is None:
        raise Conflict(
            "This act is not published yet; ask again in a second.", "receipt_id", "not_published"
        )
    return entry


def list_entries(
    session: Session, caller: Caller, after: str | None, limit: int
) -> Sequence[LogEntry]:
    """The caller's own acts, newest first."""
    caller.must_have(Scope.READ)
    query = select(LogEntry).where(LogEntry.person_id == caller.person_id)
    if after is not None:
        number = select(LogEntry.number).where(LogEntry.id == after).scalar_subquery()
        query = query.where(LogEntry.number < number)
    return session.scalars(query.order_by(LogEntry.number.desc()).limit(limit)).all()
