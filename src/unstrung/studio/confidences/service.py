"""Rules of confidences: asked for one item at a time, answered freely, over by the clock.

An item binds only those who accepted it, only while it is in force, and never keeps anybody from what its
carve-outs name. Renewing means asking anew for a new item, which can be declined. A no is kept for whoever
said it and is read by no rule.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import Session

from unstrung.studio.access.models import Scope
from unstrung.studio.access.service import Caller
from unstrung.studio.admission import service as admission
from unstrung.studio.admission.service import Right
from unstrung.studio.confidences.models import (
    Answer,
    Confidence,
    ConfidenceAnswer,
    ConfidenceKind,
)
from unstrung.studio.database import now
from unstrung.studio.errors import Conflict, InvalidField, NotFound
from unstrung.studio.identity import new_id
from unstrung.studio.log import service as log
from unstrung.studio.log.models import EntryKind, LogEntry

CLAUSE: Final = "confidentiality"
LONGEST: Final = timedelta(days=180)
# Part of every item; whoever asks cannot leave one out, and neither can the database.
CARVE_OUTS: Final[Mapping[str, str]] = {
    "criticism": "Criticism of the operator, of the product and of this programme.",
    "work": "Working conditions and pay.",
    "law": "Reports to authorities, courts, unions and lawyers, and what the law lets or makes you say.",
    "safety": "Concerns about anybody's safety.",
    "own-works": "Your own works, and how you made them.",
}
_LAPSED: Final = "It lapsed by the clock."


@dataclass(frozen=True)
class Wanted:
    """What a steward asks people to keep to themselves.

    Attributes:
        kind, title: of the item.
        covers: exactly what is confidential.
        why: told to those who are asked.
        begins_at, ends_at: None begins now; the end is never left out.
        cohort_ids: whose members are asked.
        content: the item, or where it is.
        renews_id: an earlier item that this one goes on from.
    """

    kind: ConfidenceKind
    title: str
    covers: str
    why: str
    begins_at: datetime | None
    ends_at: datetime
    cohort_ids: tuple[str, ...]
    content: str | None = None
    renews_id: str | None = None


def ask(session: Session, by: Caller | None, wanted: Wanted) -> Confidence:
    """Ask the members of cohorts to keep one item to themselves; it binds nobody who does not accept.

    Raises:
        Forbidden: if the caller may not.
        NotFound: if there is no such cohort, or no such item to renew.
        InvalidField: for a time that has passed, or a term longer than 180 days.
    """
    asker = admission.must_act(session, by, Right.ASK_CONFIDENCE)
    moment = now()
    begins_at = wanted.begins_at or moment
    if begins_at < moment:
        raise InvalidField("begins_at must not lie behind; nobody is bound afterwards", "begins_at")
    if not begins_at < wanted.ends_at <= begins_at + LONGEST:
        raise InvalidField(
            f"ends_at must lie within {LONGEST.days} days of begins_at, got "
            f"{wanted.ends_at:%Y-%m-%d %H:%M}; a longer term takes a new item, which people can decline",
            "ends_at",
        )
    for cohort_id in wanted.cohort_ids:
        admission.locked_cohort(session, cohort_id)
    if wanted.renews_id is not None:
        _found(session, wanted.renews_id)
    item = Confidence(
        id=new_id("confidence"), kind=wanted.kind, title=wanted.title.strip(),
        covers=wanted.covers.strip(), why=wanted.why.strip(), content=wanted.content,
        carve_outs=dict(CARVE_OUTS), cohort_ids=sorted(set(wanted.cohort_ids)),
        renews_id=wanted.renews_id, asked_at=moment, asked_by=asker, begins_at=begins_at,
        ends_at=wanted.ends_at, ended_at=None, ended_by=None, end_reason=None, asked_entry_id="",
        ended_entry_id=None,
    )  # fmt: skip
    item.asked_entry_id = log.record(session, EntryKind.CONFIDENCE_ASKED, _logged(item)).id
    session.add(item)
    session.flush()
    return item


def answer(session: Session, caller: Caller, confidence_id: str, word: Answer) -> ConfidenceAnswer:
    """Accept or decline an item; to say the same again changes nothing and returns the first word.

    A no is not final; a yes is, for what was shown cannot be forgotten, and it ends with the item.

    Raises:
        Forbidden: if the key may only read.
        NotFound: if there is no such item, or the caller is not asked.
        Conflict: if it has ended, or was accepted before and is declined now.
    """
    caller.must_have(Scope.GENERATE)
    item = _found(session, confidence_id, locks="share")
    given = answer_of(session, confidence_id, caller.person_id)
    if given is None and not _is_asked(session, caller.person_id, item):
        raise _unknown(confidence_id)
    if given is not None and given.answer == word:
        return given
    if state_of(item) == "ended":
        raise Conflict(
            "This item is confidential no more; there is nothing to answer, and you may speak freely.",
            "confidence_id",
            "confidence_ended",
        )
    if given is not None and given.answer == Answer.ACCEPTED:
        raise Conflict(
            f"You have accepted this item, until {item.ends_at:%Y-%m-%d %H:%M} UTC at most.",
            "confidence_id",
            "confidence_accepted",
        )
    kinds = {
        Answer.ACCEPTED: EntryKind.CONFIDENCE_ACCEPTED,
        Answer.DECLINED: EntryKind.CONFIDENCE_DECLINED,
    }
    entry = log.record(session, kinds[word], _logged(item), caller.person_id)
    said = ConfidenceAnswer(
        confidence_id=item.id, person_id=caller.person_id, answer=word, answered_at=now(),
        entry_id=entry.id,
    )  # fmt: skip
    session.add(said)
    session.flush()
    return said


def end(session: Session, by: Caller | None, confidence_id: str, reason: str) -> Confidence:
    """End an item before its day; from then on everybody may speak freely.

    Raises:
        Forbidden: if the caller may not.
        NotFound: if there is no such item.
        Conflict: if it has ended.
        InvalidField: for a reason that says nothing.
    """
    ender = admission.must_act(session, by, Right.ASK_CONFIDENCE)
    if len(reason.strip()) < 10:
        raise InvalidField(
            f"reason must have at least 10 characters, got {len(reason.strip())}", "reason"
        )
    item = _found(session, confidence_id, locks="update")
    if state_of(item) == "ended":
        raise Conflict("This item has ended already.", "confidence_id", "confidence_ended")
    item.ended_at, item.ended_by, item.end_reason = now(), ender, reason.strip()
    _note_end(session, item, EntryKind.CONFIDENCE_ENDED)
    return item


def lapse(session: Session) -> list[str]:
    """Write down which items have ended by the clock, and return their ids."""
    query = select(Confidence).where(Confidence.ended_at.is_(None), Confidence.ends_at <= now())
    ended = session.scalars(query.with_for_update(skip_locked=True)).all()
    for item in ended:
        item.ended_at, item.end_reason = item.ends_at, _LAPSED
        _note_end(session, item, EntryKind.CONFIDENCE_LAPSED)
    return [item.id for item in ended]


def must_bind(
    session: Session, person_id: str | None, confidence_id: str | None, until: datetime | None
) -> Confidence:
    """The item that somebody is said to have broken, if it binds them now; nothing else is a breach.

    Args:
        session: of the transaction that decides.
        person_id: who is said to have; None for many, who never accept together.
        confidence_id: which item.
        until: when the measure ends, which is not after the item; None for no measure in time.

    Raises:
        InvalidField: if no item is named, or the measure outlasts it.
        Conflict: if the item is not in force, or the person did not accept it.
    """
    if confidence_id is None:
        raise InvalidField(
            "confidence_id must name the item; confidentiality holds for single items only",
            "confidence_id",
        )
    query = (
        select(Confidence)
        .join(ConfidenceAnswer, ConfidenceAnswer.confidence_id == Confidence.id)
        .where(
            Confidence.id == confidence_id,
            ConfidenceAnswer.person_id == person_id,
            ConfidenceAnswer.answer == Answer.ACCEPTED,
        )
        .with_for_update(read=True, of=Confidence)
    )
    item = session.scalar(query)
    if item is None or state_of(item) != "in force":
        raise Conflict(
            "Nobody is bound by this item but those who accepted it, while it is in force.",
            "confidence_id",
            "confidence_not_binding",
        )
    if until is not None and until > item.ends_at:
        raise InvalidField(
            f"expires_at must not lie after the end of the item, {item.ends_at:%Y-%m-%d %H:%M} UTC",
            "expires_at",
        )
    return item


def state_of(item: Confidence) -> Literal["ahead", "in force", "ended"]:
    """Whether an item is confidential at this moment, whether or not its end is written down."""
    moment = now()
    if item.ended_at is not None or item.ends_at <= moment:
        return "ended"
    return "in force" if item.begins_at <= moment else "ahead"


def answer_of(session: Session, confidence_id: str, person_id: str) -> ConfidenceAnswer | None:
    """What somebody has said to an item; a yes goes before the no that it followed."""
    query = select(ConfidenceAnswer).where(
        ConfidenceAnswer.confidence_id == confidence_id, ConfidenceAnswer.person_id == person_id
    )
    return session.scalar(query.order_by(ConfidenceAnswer.answer).limit(1))


def get_confidence(
    session: Session, caller: Caller, confidence_id: str
) -> tuple[Confidence, ConfidenceAnswer | None]:
    """An item that the caller is or was asked about, and the answer.

    Raises:
        Forbidden: if the key may not read.
        NotFound: if there is none, or the caller was never asked.
    """
    caller.must_have(Scope.READ)
    item = _found(session, confidence_id)
    given = answer_of(session, confidence_id, caller.person_id)
    if given is None and not _is_asked(session, caller.person_id, item):
        raise _unknown(confidence_id)
    return item, given


def list_confidences(
    session: Session, caller: Caller, after: str | None, limit: int
) -> Sequence[tuple[Confidence, ConfidenceAnswer | None]]:
    """Items that the caller is or was asked about, newest first.

    Raises:
        Forbidden: if the key may not read.
    """
    caller.must_have(Scope.READ)
    answered = select(ConfidenceAnswer.confidence_id).where(
        ConfidenceAnswer.person_id == caller.person_id
    )
    concerned = [Confidence.id.in_(answered), *_asked_of(session, caller.person_id)]
    query = select(Confidence).where(or_(*concerned))
    found = session.scalars(_page(query, after, limit)).all()
    return [(item, answer_of(session, item.id, caller.person_id)) for item in found]


def list_asked(
    session: Session, by: Caller | None, after: str | None, limit: int
) -> Sequence[tuple[Confidence, int]]:
    """All items and how many accepted each, newest first, for stewards; who declined is nobody's to count.

    Raises:
        Forbidden: if the caller may not.
    """
    admission.must_act(session, by, Right.ASK_CONFIDENCE)
    found = session.scalars(_page(select(Confidence), after, limit)).all()
    return [(item, num_accepted(session, item)) for item in found]


def num_accepted(session: Session, item: Confidence) -> int:
    """How many people accepted an item."""
    query = select(func.count()).where(
        ConfidenceAnswer.confidence_id == item.id, ConfidenceAnswer.answer == Answer.ACCEPTED
    )
    return session.scalar(query) or 0


def answered_by(person_id: str) -> Select[Any]:
    """Items that somebody answered, for their export; their content only if it was theirs to see."""
    said = select(ConfidenceAnswer.confidence_id).where(ConfidenceAnswer.person_id == person_id)
    accepted = said.where(ConfidenceAnswer.answer == Answer.ACCEPTED)
    is_seen = or_(
        Confidence.ended_at.is_not(None),
        Confidence.ends_at <= func.now(),
        and_(Confidence.id.in_(accepted), Confidence.begins_at <= func.now()),
    )
    return select(
        Confidence.id, Confidence.kind, Confidence.title, Confidence.covers, Confidence.why,
        case((is_seen, Confidence.content)).label("content"), Confidence.carve_outs,
        Confidence.begins_at, Confidence.ends_at, Confidence.renews_id, Confidence.ended_at,
        Confidence.end_reason,
    ).where(Confidence.id.in_(said))  # fmt: skip


def entries_of(session: Session, item: Confidence) -> list[LogEntry | None]:
    """What the log holds of asking and ending; None for what is not published yet."""
    ids = [item.asked_entry_id, item.ended_entry_id]
    query = select(LogEntry).where(
        LogEntry.id.in_([each for each in ids if each]), LogEntry.position.is_not(None)
    )
    found = {entry.id: entry for entry in session.scalars(query)}
    return [found.get(each or "") for each in ids]


def _is_asked(session: Session, person_id: str, item: Confidence) -> bool:
    seat = admission.seat_of(session, person_id)
    return seat is not None and seat.cohort_id in item.cohort_ids


def _asked_of(session: Session, person_id: str) -> list[ColumnElement[bool]]:
    """The condition of an item that somebody is asked about because of their seat; none without a seat."""
    seat = admission.seat_of(session, person_id)
    return [] if seat is None else [Confidence.cohort_ids.contains([seat.cohort_id])]


def _page(query: Any, after: str | None, limit: int) -> Any:
    if after is not None:
        query = query.where(Confidence.id < after.replace("\x00", ""))
    return query.order_by(Confidence.id.desc()).limit(limit)


def _note_end(session: Session, item: Confidence, kind: EntryKind) -> None:
    item.ended_entry_id = log.record(session, kind, _logged(item)).id
    session.flush()


def _found(
    session: Session, confidence_id: str, locks: Literal["share", "update"] | None = None
) -> Confidence:
    query = select(Confidence).where(Confidence.id == confidence_id.replace("\x00", ""))
    if locks is not None:
        query = query.with_for_update(read=locks == "share")
    item = session.scalar(query.execution_options(populate_existing=True))
    if item is None:
        raise _unknown(confidence_id)
    return item


def _unknown(confidence_id: str) -> NotFound:
    return NotFound(
        f"There is no item {confidence_id[:64]!r} that you are asked about.",
        "confidence_id",
        "confidence_not_found",
    )


def _logged(item: Confidence) -> dict[str, Any]:
    """What the log commits to, so that a receipt alone shows what was asked and what was never covered."""
    return {
        "id": item.id, "kind": str(item.kind), "title": item.title, "covers": item.covers,
        "why": item.why, "carve_outs": item.carve_outs, "cohort_ids": item.cohort_ids,
        "begins_at": item.begins_at.isoformat(), "ends_at": item.ends_at.isoformat(),
        "renews": item.renews_id, "end_reason": item.end_reason,
        "ended_at": item.ended_at and item.ended_at.isoformat(),
        "content_sha256": (
            hashlib.sha256(item.content.encode()).hexdigest() if item.content is not None else None
        ),
    }  # fmt: skip
