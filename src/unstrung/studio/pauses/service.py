"""Rules of the pause ladder: who may stop whom, on what ground, for how long, and who must agree.

A pause stops making and sharing. Reading, downloading, exporting, deleting and appealing go on. It is in
force the moment its transaction is through, on every API process (each request that begins something asks)
and every worker (each denoising step asks), and it lapses by the clock, whether or not anybody is awake.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.orm import Session

from unstrung.studio.access.models import Key, Scope
from unstrung.studio.access.service import Caller
from unstrung.studio.accounts.models import Person
from unstrung.studio.admission import service as admission
from unstrung.studio.admission.models import Cohort, Seat
from unstrung.studio.admission.service import Right
from unstrung.studio.confidences import service as confidences
from unstrung.studio.database import now
from unstrung.studio.errors import Conflict, Forbidden, InvalidField, NotFound, Paused
from unstrung.studio.identity import new_id
from unstrung.studio.log import service as log
from unstrung.studio.log.models import EntryKind
from unstrung.studio.notices import pause_notice
from unstrung.studio.pauses.models import Level, Pause, PauseGround, ProtectedAct
from unstrung.studio.statements import service as statements
from unstrung.studio.statements.models import SubjectKind
from unstrung.studio.statements.service import Reasons
from unstrung.studio.videos.models import Status, Video

LONGEST: Final = {
    Level.KEY: timedelta(days=30),
    Level.PERSON: timedelta(days=14),
    Level.COHORT: timedelta(days=7),
    Level.EVERYBODY: timedelta(hours=72),
}
PROTECTED_FOR: Final = timedelta(days=30)
PROPOSAL_FOR: Final = timedelta(hours=24)
# The condition of `of_video` for statements that are written by hand.
OF_VIDEO_SQL: Final = """EXISTS (
    SELECT FROM pauses WHERE begun_at IS NOT NULL AND ended_at IS NULL AND pauses.expires_at > now()
    AND (level = 'everybody' OR level = 'person' AND target_id = videos.person_id
        OR level = 'key' AND target_id = videos.key_id
        OR level = 'cohort' AND target_id IN (
            SELECT cohort_id FROM seats WHERE seats.person_id = videos.person_id AND left_at IS NULL)))"""
_CLAUSE: Final = "pauses"
_CATEGORIES: Final = {
    PauseGround.UNLAWFUL_CONTENT: "STATEMENT_CATEGORY_ILLEGAL_OR_HARMFUL_SPEECH",
    PauseGround.HARM_TO_OTHERS: "STATEMENT_CATEGORY_OTHER_VIOLATION_TC",
}
_USUAL_CATEGORY: Final = "STATEMENT_CATEGORY_OTHER_VIOLATION_TC"


@dataclass(frozen=True)
class Order:
    """What a steward wants to stop.

    Attributes:
        level, target_id: whom; no target for everybody.
        ground: of the closed list.
        reason: what happened, in plain words.
        resume_plan: what has to happen for access to return.
        expires_at: when it lapses.
        confidence_id: the item that was broken, if that is the ground.
    """

    level: Level
    target_id: str | None
    ground: PauseGround
    reason: str
    resume_plan: str
    expires_at: datetime
    confidence_id: str | None = None


def in_force(moment: datetime | None = None) -> ColumnElement[bool]:
    """The condition of a pause that stops somebody now."""
    return and_(
        Pause.begun_at.is_not(None),
        Pause.ended_at.is_(None),
        Pause.expires_at > (moment or func.now()),
    )


def covers(person_id: Any, key_id: Any) -> ColumnElement[bool]:
    """The condition of a pause that concerns a person or a key; both may be columns."""
    sits_in = select(Seat.cohort_id).where(Seat.person_id == person_id, Seat.left_at.is_(None))
    return or_(
        Pause.level == Level.EVERYBODY,
        and_(Pause.level == Level.PERSON, Pause.target_id == person_id),
        and_(Pause.level == Level.KEY, Pause.target_id == key_id),
        and_(Pause.level == Level.COHORT, Pause.target_id.in_(sits_in)),
    )


def of_video() -> ColumnElement[bool]:
    """Whether a video's person, cohort or key is paused, as a condition on `Video`."""
    found = select(Pause.id).where(in_force(), covers(Video.person_id, Video.key_id))
    return found.correlate(Video).exists()


def stopping(session: Session, person_id: str, key_id: str) -> Pause | None:
    """The pause that stops a caller, the widest first."""
    rungs = {level: -place for place, level in enumerate(Level)}
    found = session.scalars(select(Pause).where(in_force(), covers(person_id, key_id))).all()
    return min(found, key=lambda pause: rungs[pause.level], default=None)


def must_not_be_paused(session: Session, caller: Caller) -> None:
    """Refuse to begin anything for somebody who is paused.

    Raises:
        Paused: with the pause in machine-readable form.
    """
    pause = stopping(session, caller.person_id, caller.key_id)
    if pause is not None:
        left = max(1, round((pause.expires_at - now()).total_seconds()))
        raise Paused(
            pause.notice["en"], told(pause), pause.level == Level.EVERYBODY, retry_after_s=left
        )


def told(pause: Pause) -> dict[str, Any]:
    """A pause in machine-readable form, as those see it whom it stops."""
    return {
        "id": pause.id,
        "level": str(pause.level),
        "ground": str(pause.ground),
        "confidence_id": pause.confidence_id,
        "reason": pause.reason,
        "resume_plan": pause.resume_plan,
        "begun_at": pause.begun_at.isoformat() if pause.begun_at else None,
        "expires_at": pause.expires_at.isoformat(),
        "num_affected": pause.num_affected,
        "num_unaffected": pause.num_unaffected,
        "still_possible": ["read", "download", "export", "delete", "appeal"],
        "notice": pause.notice,
    }


def propose(session: Session, caller: Caller, order: Order) -> Pause:
    """Pause somebody at once, or wait for a second steward where the rules ask for one.

    Raises:
        Forbidden: if the caller may not.
        InvalidField: naming what is wrong with the order.
        NotFound: if there is nobody like that.
        Conflict: if the same is paused already.
    """
    caller.must_have(Scope.ADMIN)
    admission.must_have_right(session, caller.person_id, Right.PAUSE)
    _check(session, order)
    pause = _new_pause(order, caller.person_id, why_second(session, order.level, order.target_id))
    session.add(pause)
    session.flush()
    log.record(session, EntryKind.PAUSE_PROPOSED, _logged(pause))
    if pause.needs_second is None:
        _begin(session, pause)
    return pause


def suspend_key(session: Session, key_id: str, facts: str, until: datetime) -> Pause | None:
    """Pause one key as a program, because it seems to be in other hands; None if two stewards must decide.

    This is all that a program may stop: never a person, never a cohort.
    """
    order = Order(
        Level.KEY,
        key_id,
        PauseGround.SHARED_ACCESS,
        facts,
        "Give the key a new secret, which ends this at once, or appeal; a person then looks at it.",
        until,
    )
    if why_second(session, order.level, order.target_id) is not None:
        return None
    pause = _new_pause(order, None, None)
    session.add(pause)
    session.flush()
    _begin(session, pause)
    return pause


def second(session: Session, caller: Caller, pause_id: str) -> Pause:
    """Agree to a pause that another steward proposed.

    Raises:
        Forbidden: if the caller may not, or proposed it.
        Conflict: if it does not wait for anybody any more.
    """
    caller.must_have(Scope.ADMIN)
    admission.must_have_right(session, caller.person_id, Right.PAUSE)
    pause = _locked(session, pause_id)
    if pause.begun_at is not None or pause.ended_at is not None or pause.needs_second is None:
        raise Conflict(f"The pause '{pause_id}' does not wait for a second steward.", "pause_id")
    if pause.proposed_at < now() - PROPOSAL_FOR:
        raise Conflict(
            f"The proposal '{pause_id}' is older than 24 hours; propose it again.", "pause_id"
        )
    if pause.expires_at <= now():
        raise Conflict(
            f"The pause '{pause_id}' would have lapsed already; propose it again.", "pause_id"
        )
    if caller.person_id == pause.proposed_by:
        raise Forbidden(
            "Another steward than the one who proposed it must agree.", code="second_steward"
        )
    pause.seconded_by = caller.person_id
    _begin(session, pause)
    return pause


def end(session: Session, caller: Caller, pause_id: str, reason: str) -> Pause:
    """End a pause before it lapses; any steward may.

    Raises:
        Forbidden, NotFound, Conflict: if the caller may not, or there is nothing to end.
    """
    caller.must_have(Scope.ADMIN)
    admission.must_have_right(session, caller.person_id, Right.PAUSE)
    pause = _locked(session, pause_id)
    if pause.ended_at is not None:
        raise Conflict(f"The pause '{pause_id}' has ended already.", "pause_id")
    _end(session, pause, caller.person_id, reason)
    return pause


def overturn(session: Session, pause_id: str, heard_by: str | None, reason: str) -> None:
    """End a pause because an appeal against it was won, or because its plan is fulfilled."""
    pause = _locked(session, pause_id)
    if pause.ended_at is None:
        _end(session, pause, heard_by, reason)


def lapse(session: Session) -> list[str]:
    """Write down which pauses have ended by the clock, give lost time back, and return their ids."""
    moment = now()
    query = select(Pause).where(
        Pause.ended_at.is_(None),
        or_(Pause.expires_at <= moment, _stale(moment)),
    )
    ended = session.scalars(query.with_for_update(skip_locked=True)).all()
    for pause in ended:
        _end(session, pause, None, "It lapsed by the clock.")
    return [pause.id for pause in ended]


def note_stop(session: Session, video_id: str) -> None:
    """Note that a worker has dropped a video because of a pause, for the time that stopping took."""
    concerned = (
        select(Pause.id)
        .join(Video, covers(Video.person_id, Video.key_id))
        .where(Video.id == video_id, in_force())
    )
    session.execute(
        update(Pause)
        .where(Pause.id.in_(concerned))
        .values(
            last_stop_at=func.greatest(
                func.coalesce(Pause.last_stop_at, Pause.begun_at), func.clock_timestamp()
            )
        )
    )


def list_pauses(session: Session, limit: int = 100) -> Sequence[Pause]:
    """Pauses that are or were in force, newest first; everybody may see them."""
    query = select(Pause).where(Pause.begun_at.is_not(None)).order_by(Pause.id.desc())
    return session.scalars(query.limit(limit)).all()


def list_stopping(session: Session, caller: Caller) -> Sequence[Pause]:
    """Pauses that stop the caller now, or one of the caller's keys."""
    keys = select(Key.id).where(Key.person_id == caller.person_id)
    query = select(Pause).where(
        in_force(),
        or_(
            covers(caller.person_id, caller.key_id),
            and_(Pause.level == Level.KEY, Pause.target_id.in_(keys)),
        ),
    )
    return session.scalars(query.order_by(Pause.id.desc())).all()


def concerns(session: Session, pause: Pause, person_id: str) -> bool:
    """Whether a pause is about a person."""
    found = select(Person.id).where(Person.id == person_id, concerned(pause.level, pause.target_id))
    return session.scalar(found) is not None


def list_proposals(session: Session) -> Sequence[Pause]:
    """Pauses that wait for a second steward."""
    query = select(Pause).where(Pause.begun_at.is_(None), Pause.ended_at.is_(None))
    return session.scalars(query.order_by(Pause.id)).all()


def get_pause(session: Session, pause_id: str) -> Pause:
    """A pause.

    Raises:
        NotFound: if there is none.
    """
    pause = session.get(Pause, pause_id)
    if pause is None:
        raise NotFound(f"There is no pause '{pause_id}'.", "pause_id", "pause_not_found")
    return pause


def seconds_to_stop(pause: Pause) -> float | None:
    """From the command to the last worker that dropped a video [s]; None before it began."""
    if pause.begun_at is None:
        return None
    commanded = pause.begun_at if pause.needs_second else pause.proposed_at
    return ((pause.last_stop_at or pause.begun_at) - commanded).total_seconds()


def protect(session: Session, person_id: str, kind: str) -> None:
    """Note an act after which sanctions against the person need two stewards for a while."""
    act = ProtectedAct(id=new_id("act"), person_id=person_id, kind=kind, acted_at=now())
    session.add(act)
    session.flush()


# How a pause begins and ends.


def _new_pause(order: Order, proposed_by: str | None, needs_second: str | None) -> Pause:
    """A pause that is not in force yet."""
    return Pause(
        id=new_id("pause"), level=order.level, target_id=order.target_id, ground=order.ground,
        confidence_id=order.confidence_id, reason=order.reason.strip(),
        resume_plan=order.resume_plan.strip(), proposed_at=now(), proposed_by=proposed_by,
        needs_second=needs_second, expires_at=order.expires_at,
        notice=pause_notice(order.level, order.ground, order.expires_at), num_affected=0,
        num_unaffected=0, num_stopped=0,
    )  # fmt: skip


def _begin(session: Session, pause: Pause) -> None:
    pause.begun_at = now()
    people = select(func.count()).select_from(Person)
    affected = session.scalar(people.where(concerned(pause.level, pause.target_id))) or 0
    pause.num_affected = affected
    pause.num_unaffected = (session.scalar(people) or 0) - affected
    session.flush()
    # What is being made is given back to the queue: its worker finds out at the next denoising step.
    stopped = session.scalars(
        update(Video)
        .where(Video.status == Status.IN_PROGRESS, of_video())
        .values(
            status=Status.QUEUED, phase="paused", progress=0, step=0, started_at=None,
            handed_back=Video.handed_back + 1, revision=Video.revision + 1,
        )
        .returning(Video.id)
        .execution_options(synchronize_session=False)
    ).all()  # fmt: skip
    pause.num_stopped = len(stopped)
    reasons = Reasons(
        clause=_CLAUSE,
        facts=pause.reason,
        category=_CATEGORIES.get(pause.ground, _USUAL_CATEGORY),
        explanation=pause.notice["en"],
        provision="DECISION_PROVISION_TOTAL_SUSPENSION",
        account="DECISION_ACCOUNT_SUSPENDED" if pause.level == Level.PERSON else None,
        ends_at=pause.expires_at,
        suggested_change=pause.resume_plan,
        is_automated_detection=pause.proposed_by is None,
        is_automated_decision=pause.proposed_by is None,
        decided_by=pause.proposed_by,
        confidence_id=pause.confidence_id,
    )
    statements.issue(session, _owner(session, pause), (SubjectKind.PAUSE, pause.id), reasons)
    log.record(session, EntryKind.PAUSED, _logged(pause), _owner(session, pause))


def _end(session: Session, pause: Pause, ended_by: str | None, reason: str) -> None:
    pause.ended_at = min(now(), pause.expires_at) if pause.begun_at else now()
    pause.ended_by, pause.end_reason = ended_by, reason
    if pause.begun_at is not None:
        lost = max(timedelta(0), pause.ended_at - pause.begun_at)
        pause.compensated_s = lost.total_seconds()
        # Time that a pause took is given back: the keys that it stopped live on for as much longer. Videos
        # that wait have kept their turn, so they go first.
        stopped: ColumnElement[bool] = Key.person_id.in_(
            select(Person.id).where(concerned(pause.level, pause.target_id))
        )
        if pause.level == Level.KEY:
            stopped = Key.id == pause.target_id
        session.execute(
            update(Key)
            .where(
                Key.expires_at.is_not(None),
                Key.revoked_at.is_(None),
                stopped,
                Key.expires_at > pause.begun_at,
            )
            .values(expires_at=Key.expires_at + lost)
            .execution_options(synchronize_session=False)
        )
    log.record(session, EntryKind.RESUMED, _logged(pause), _owner(session, pause))


def concerned(level: Level, target_id: str | None) -> ColumnElement[bool]:
    """Whether a pause would concern a person, as a condition on `Person`."""
    if level == Level.EVERYBODY:
        return Person.id.is_not(None)
    if level == Level.PERSON:
        return Person.id == target_id
    if level == Level.KEY:
        return Person.id == select(Key.person_id).where(Key.id == target_id).scalar_subquery()
    return Person.id.in_(
        select(Seat.person_id).where(Seat.cohort_id == target_id, Seat.left_at.is_(None))
    )


def _owner(session: Session, pause: Pause) -> str | None:
    """The one person whom a pause concerns, if it is one."""
    if pause.level == Level.PERSON:
        return pause.target_id
    if pause.level == Level.KEY:
        return session.get_one(Key, pause.target_id).person_id
    return None


def why_second(session: Session, level: Level, target_id: str | None) -> str | None:
    """Why another steward has to agree to a pause; None if nobody has to."""
    if level == Level.EVERYBODY:
        return "It stops everybody."
    people = select(Person.id).where(concerned(level, target_id))
    acts = select(ProtectedAct.id).where(
        ProtectedAct.acted_at > now() - PROTECTED_FOR, ProtectedAct.person_id.in_(people)
    )
    if session.scalar(select(acts.exists())):
        return "Somebody whom it stops complained, appealed, wrote a letter or refused a task within 30 days."
    return None


def _check(session: Session, order: Order) -> None:
    for name, value in (("reason", order.reason), ("resume_plan", order.resume_plan)):
        if not 10 <= len(value.strip()) <= 2_000:
            raise InvalidField(
                f"{name} must have 10 to 2000 characters, got {len(value.strip())}", name
            )
    moment, longest = now(), LONGEST[order.level]
    if not moment < order.expires_at <= moment + longest:
        hours = longest.total_seconds() / 3600
        raise InvalidField(
            f"expires_at must lie within {hours:g} hours from now for {order.level}, got "
            f"{order.expires_at:%Y-%m-%d %H:%M}; a longer pause is a new decision",
            "expires_at",
        )
    if order.level == Level.EVERYBODY:
        if order.target_id is not None:
            raise InvalidField("target_id must be left out for everybody", "target_id")
    else:
        kind = {Level.KEY: Key, Level.PERSON: Person, Level.COHORT: Cohort}[order.level]
        if order.target_id is None or session.get(kind, order.target_id) is None:
            raise NotFound(f"There is no {order.level} '{order.target_id}'.", "target_id")
    is_breach = order.ground == PauseGround.BREACH_OF_CONFIDENCE
    is_one = order.level == Level.PERSON
    if is_breach != (order.confidence_id is not None) or (is_breach and not is_one):
        rule = (
            "confidence_id must name the item of one person's breach of confidence, and only then"
        )
        raise InvalidField(rule, "confidence_id")
    if is_breach:
        confidences.must_bind(session, order.target_id, order.confidence_id, order.expires_at)
    same = select(Pause.id).where(in_force(), Pause.level == order.level)
    same = same.where(Pause.target_id.is_not_distinct_from(order.target_id))
    if session.scalar(select(same.exists())):
        raise Conflict(f"This {order.level} is paused already; end that pause first.", "target_id")


def _stale(moment: datetime) -> ColumnElement[bool]:
    return and_(Pause.begun_at.is_(None), Pause.proposed_at <= moment - PROPOSAL_FOR)


def _locked(session: Session, pause_id: str) -> Pause:
    pause = session.get(Pause, pause_id, with_for_update=True)
    if pause is None:
        raise NotFound(f"There is no pause '{pause_id}'.", "pause_id", "pause_not_found")
    return pause


def _logged(pause: Pause) -> dict[str, Any]:
    """What the log commits to."""
    return {
        "id": pause.id, "level": str(pause.level), "target_id": pause.target_id,
        "ground": str(pause.ground), "confidence_id": pause.confidence_id,
        "reason": pause.reason, "resume_plan": pause.resume_plan,
        "needs_second": pause.needs_second, "expires_at": pause.expires_at.isoformat(),
        "begun_at": pause.begun_at and pause.begun_at.isoformat(),
        "ended_at": pause.ended_at and pause.ended_at.isoformat(),
        "end_reason": pause.end_reason, "num_affected": pause.num_affected,
    }  # fmt: skip
