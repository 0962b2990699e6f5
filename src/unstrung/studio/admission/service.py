"""Rules of roles, rights, cohorts and seats.

A seat lets its holder begin new clips; nothing else depends on it, so whoever leaves keeps everything that
was made and may read, download, export, delete and appeal. There is no floor of activity: nothing here
looks at what the holder of a seat does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from unstrung.studio.access.models import Scope
from unstrung.studio.access.service import Caller
from unstrung.studio.accounts.models import Person
from unstrung.studio.admission.models import (
    Cohort,
    ProgrammeRole,
    RoleGrant,
    Seat,
    SeatHold,
)
from unstrung.studio.database import now
from unstrung.studio.errors import Conflict, Forbidden, InvalidField, NotFound
from unstrung.studio.identity import new_id
from unstrung.studio.log import service as log
from unstrung.studio.log.models import EntryKind
from unstrung.studio.pauses.models import Level, Pause
from unstrung.studio.settings import Settings
from unstrung.studio.stages.models import Stage, StageMove


class Right(StrEnum):
    """What a role allows."""

    REVIEW = "review"
    HEAR_APPEALS = "hear-appeals"
    ADMIT = "admit"
    PAUSE = "pause"
    PUBLISH_CHARTER = "publish-charter"
    GRANT_ROLES = "grant-roles"
    EXPORT_CONSENTED = "export-consented"
    END_SESSIONS = "end-sessions"
    ASK_CONFIDENCE = "ask-confidence"
    ANSWER_FEEDBACK = "answer-feedback"


RIGHTS: Final = {
    ProgrammeRole.REVIEWER: frozenset({Right.REVIEW}),
    ProgrammeRole.JUROR: frozenset({Right.HEAR_APPEALS}),
    ProgrammeRole.STEWARD: frozenset(Right),
}


@dataclass(frozen=True)
class Change:
    """What is to change of a cohort; None stays.

    Attributes:
        seats, purpose, stage, takes_applications: as in the table.
    """

    seats: int | None = None
    purpose: str | None = None
    stage: Stage | None = None
    takes_applications: bool | None = None


@dataclass(frozen=True)
class Occupancy:
    """How full a cohort is.

    Attributes:
        taken: seats that somebody holds.
        held: seats that are promised to somebody, or to a lottery.
        free: seats that can be given away.
    """

    taken: int
    held: int
    free: int


def roles_of(session: Session, person_id: str) -> set[ProgrammeRole]:
    """The roles that somebody has."""
    query = select(RoleGrant.role).where(RoleGrant.person_id == person_id)
    return set(session.scalars(query))


def rights_of(session: Session, person_id: str) -> frozenset[Right]:
    """What somebody's roles allow."""
    return frozenset().union(*(RIGHTS.get(role, ()) for role in roles_of(session, person_id)))


def has_right(session: Session, person_id: str, right: Right) -> bool:
    """Whether one of somebody's roles allows something."""
    return right in rights_of(session, person_id)


def must_have_right(session: Session, person_id: str, right: Right) -> None:
    """Refuse somebody whose roles do not allow something.

    Raises:
        Forbidden: naming the right.
    """
    if not has_right(session, person_id, right):
        raise Forbidden(
            f"This needs a role with the right '{right}'; a steward can grant one.",
            code="missing_right",
        )


def must_act(session: Session, by: Caller | None, right: Right) -> str | None:
    """Let a steward with an admin key act, or the operator at the command line.

    Returns the person's id, None for the command line.

    Raises:
        Forbidden: if the key lacks the scope, or the person the right.
    """
    if by is None:
        return None
    by.must_have(Scope.ADMIN)
    must_have_right(session, by.person_id, right)
    return by.person_id


def grant_role(
    session: Session, person_id: str, role: ProgrammeRole, granted_by: str | None
) -> None:
    """Give somebody a role; to give it twice changes nothing.

    Raises:
        Forbidden: if whoever gives it may not.
        NotFound: if there is nobody like that.
    """
    if granted_by is not None:
        must_have_right(session, granted_by, Right.GRANT_ROLES)
    add_role(session, person_id, role, granted_by)


def add_role(session: Session, person_id: str, role: ProgrammeRole, granted_by: str | None) -> None:
    """Write a role down, for callers that have checked who may give it.

    Raises:
        NotFound: if there is nobody like that.
    """
    if session.get(Person, person_id) is None:
        raise NotFound(f"There is no person '{person_id}'.", "person_id")
    if session.get(RoleGrant, (person_id, role)) is None:
        session.add(
            RoleGrant(person_id=person_id, role=role, granted_at=now(), granted_by=granted_by)
        )
        session.flush()
        content = {"person_id": person_id, "role": str(role)}
        log.record(session, EntryKind.ROLE_GRANTED, content, person_id)


def create_cohort(
    session: Session, name: str, seats: int, purpose: str, *, stage: Stage = Stage.INTERNAL
) -> Cohort:
    """Add a cohort.

    Args:
        session: of the transaction.
        name: not used by another cohort.
        seats: most people who sit in it at a time.
        purpose: what it is for, in plain words.
        stage: of the release, from which on its seats can be taken.

    Raises:
        InvalidField: for an empty name or purpose, or a cap that is none.
        Conflict: if the name is taken.
    """
    shown = " ".join(name.split())
    if not 0 < len(shown) <= 200:
        raise InvalidField(f"name must have 1 to 200 characters, got {len(shown)}", "name")
    _check_cap(seats)
    if not purpose.strip():
        raise InvalidField("purpose must say what the cohort is for", "purpose")
    if session.scalar(select(Cohort.id).where(Cohort.name == shown)):
        raise Conflict(f"There is a cohort {shown!r} already.", "name")
    cohort = Cohort(
        id=new_id("cohort"), name=shown, seats=seats, purpose=purpose.strip(), created_at=now(),
        stage=stage, takes_applications=True,
    )  # fmt: skip
    session.add(cohort)
    session.flush()
    log.record(session, EntryKind.COHORT_CHANGED, _logged(cohort))
    return cohort


def change_cohort(session: Session, by: Caller | None, cohort_id: str, change: Change) -> Cohort:
    """Change what is given of a cohort.

    Raises:
        Forbidden: if the caller may not.
        NotFound: if there is no such cohort.
        InvalidField: for a value that breaks its rule.
        Conflict: for a cap below the seats that are taken or promised.
    """
    must_act(session, by, Right.ADMIT)
    cohort = locked_cohort(session, cohort_id)
    if change.seats is not None:
        _check_cap(change.seats)
        now_held = occupancy(session, cohort)
        if change.seats < now_held.taken + now_held.held:
            raise Conflict(
                f"seats must be at least {now_held.taken + now_held.held}, got {change.seats}: "
                f"{now_held.taken} are taken and {now_held.held} are promised.",
                "seats",
            )
        cohort.seats = change.seats
    if change.purpose is not None:
        if not change.purpose.strip():
            raise InvalidField("purpose must say what the cohort is for", "purpose")
        cohort.purpose = change.purpose.strip()
    if change.takes_applications is not None:
        cohort.takes_applications = change.takes_applications
    if change.stage is not None:
        cohort.stage = change.stage
    session.flush()
    log.record(session, EntryKind.COHORT_CHANGED, _logged(cohort))
    return cohort


def list_cohorts(session: Session) -> Sequence[tuple[Cohort, Occupancy]]:
    """All cohorts and how full they are, oldest first; everybody may see them."""
    cohorts = session.scalars(select(Cohort).order_by(Cohort.id)).all()
    return [(cohort, occupancy(session, cohort)) for cohort in cohorts]


def find_cohort(session: Session, name_or_id: str) -> Cohort:
    """A cohort by id or name.

    Raises:
        NotFound: if there is none.
    """
    query = select(Cohort).where((Cohort.id == name_or_id) | (Cohort.name == name_or_id))
    cohort = session.scalar(query)
    if cohort is None:
        raise NotFound(f"There is no cohort {name_or_id!r}.", "cohort_id", "cohort_not_found")
    return cohort


def locked_cohort(session: Session, cohort_id: str) -> Cohort:
    """A cohort whose seats nobody else gives away until the transaction is through.

    Raises:
        NotFound: if there is none.
    """
    cohort = session.get(Cohort, cohort_id, with_for_update={"key_share": True})
    if cohort is None:
        raise NotFound(f"There is no cohort '{cohort_id}'.", "cohort_id", "cohort_not_found")
    return cohort


def occupancy(session: Session, cohort: Cohort) -> Occupancy:
    """Seats that are taken, promised and free; exact while the cohort is locked."""
    taken, held = num_taken(session, cohort.id), _num_held(session, cohort.id)
    return Occupancy(taken, held, max(0, cohort.seats - taken - held))


def seat(session: Session, person_id: str, cohort_id: str, *, hold_id: str | None = None) -> Seat:
    """Give somebody a place in a cohort, if one is free.

    Args:
        session: of the transaction.
        person_id: whose it will be.
        cohort_id: where.
        hold_id: of the promise that is kept by this.

    Raises:
        NotFound: if there is no such cohort or person.
        Conflict: if it is full or not begun yet, or the person sits in one already.
    """
    person = session.get(Person, person_id, with_for_update={"key_share": True})
    if person is None:
        raise NotFound(f"There is no person '{person_id}'.", "person_id")
    cohort = locked_cohort(session, cohort_id)
    if seat_of(session, person_id) is not None:
        raise Conflict(
            "This person sits in a cohort already; leave that first.", "person_id", "already_seated"
        )
    reached, stages = current_stage(session), list(Stage)
    if stages.index(reached) < stages.index(cohort.stage):
        raise Conflict(
            f"Seats of {cohort.name!r} can be taken from the stage '{cohort.stage}' on; the release is at "
            f"'{reached}'.",
            "cohort_id",
            "stage_not_reached",
        )
    if hold_id is not None:
        release(session, hold_id)
    if occupancy(session, cohort).free < 1:
        raise Conflict(
            f"All {cohort.seats} seats of {cohort.name!r} are taken or promised.",
            "cohort_id",
            "cohort_full",
        )
    found = Seat(
        id=new_id("seat"), cohort_id=cohort_id, person_id=person_id, taken_at=now(), left_at=None
    )
    session.add(found)
    session.flush()
    content = {"person_id": person_id, "cohort_id": cohort_id}
    log.record(session, EntryKind.ADMITTED, content, person_id)
    return found


def leave(session: Session, caller: Caller) -> Seat:
    """Free the caller's seat at once; keys, works, roles and what is being made stay as they are.

    Raises:
        Conflict: if there is no seat to leave.
    """
    caller.must_have(Scope.GENERATE)
    query = select(Seat).where(Seat.person_id == caller.person_id, Seat.left_at.is_(None))
    found = session.scalar(query.with_for_update())
    if found is None:
        raise Conflict("You hold no seat, so there is none to leave.", code="no_seat")
    found.left_at = now()
    session.flush()
    content = {"person_id": caller.person_id, "cohort_id": found.cohort_id}
    log.record(session, EntryKind.LEFT, content, caller.person_id)
    return found


def seat_of(session: Session, person_id: str) -> Seat | None:
    """The seat that somebody holds."""
    return session.scalar(select(Seat).where(Seat.person_id == person_id, Seat.left_at.is_(None)))


def must_have_seat(session: Session, settings: Settings, person_id: str) -> None:
    """Refuse to begin a clip for somebody without a seat, while the programme is on and not open to all.

    Raises:
        Forbidden: saying what is still possible and how to come in.
    """
    if not settings.programme or seat_of(session, person_id) is not None:
        return
    if current_stage(session) != Stage.OPEN:
        raise Forbidden(
            "Making new clips needs a seat in the programme; redeem an invitation or apply for one. "
            "Your works stay yours: you can watch, download, export and delete them, and appeal.",
            code="no_seat",
        )


def current_stage(session: Session) -> Stage:
    """How far the release is."""
    newest = select(StageMove.to_stage).order_by(StageMove.number.desc()).limit(1)
    return session.scalar(newest) or Stage.INTERNAL


def num_taken(session: Session, cohort_id: str) -> int:
    """Seats of a cohort that are taken."""
    query = select(func.count()).where(Seat.cohort_id == cohort_id, Seat.left_at.is_(None))
    return session.scalar(query) or 0


def num_freed(session: Session, cohort_id: str, since: datetime) -> int:
    """Seats of a cohort that were left since then."""
    query = select(func.count()).where(Seat.cohort_id == cohort_id, Seat.left_at > since)
    return session.scalar(query) or 0


# Seats that are promised.


def hold(session: Session, cohort_id: str, num_seats: int, expires_at: datetime | None) -> SeatHold:
    """Promise seats of a cohort, so that nobody else is given them.

    Args:
        session: of the transaction.
        cohort_id: where.
        num_seats: how many.
        expires_at: when the promise lapses; None keeps it until it is released.

    Raises:
        NotFound: if there is no such cohort.
        Conflict: if fewer are free.
    """
    cohort = locked_cohort(session, cohort_id)
    free = occupancy(session, cohort).free
    if free < num_seats:
        raise Conflict(
            f"{cohort.name!r} has {free} free seats, not {num_seats}; raise its cap, or wait until seats are "
            "freed.",
            "cohort_id",
            "cohort_full",
        )
    return _added(session, cohort_id, num_seats, expires_at)


def hold_one_of(session: Session, hold_id: str, expires_at: datetime) -> SeatHold:
    """Promise one of the seats of a promise that is kept, such as a lottery's, to one person."""
    held = session.get_one(SeatHold, hold_id, with_for_update=True)
    assert held.released_at is None, "a promise that was released keeps nothing"
    if held.num_seats == 1:
        held.released_at = now()
    else:
        held.num_seats -= 1
    return _added(session, held.cohort_id, 1, expires_at)


def release(session: Session, hold_id: str) -> None:
    """Take a promise back; one that was released already stays as it was."""
    held = session.get_one(SeatHold, hold_id, with_for_update=True)
    if held.released_at is None:
        held.released_at = now()
        session.flush()


def lost_times(session: Session) -> list[tuple[datetime, datetime]]:
    """From when to when everybody was paused, oldest first; a pause in force lasts until now."""
    query = select(Pause).where(Pause.level == Level.EVERYBODY, Pause.begun_at.is_not(None))
    moment, found = now(), []
    for pause in session.scalars(query.order_by(Pause.begun_at)):
        assert pause.begun_at is not None
        found.append((pause.begun_at, pause.ended_at or min(moment, pause.expires_at)))
    return found


def with_lost_time(
    since: datetime, until: datetime, lost: Sequence[tuple[datetime, datetime]]
) -> datetime:
    """When a term ends to which the time that pauses of everybody took is given back.

    A pause that begins within the term, as lengthened by those before it, lengthens it by what it lasted
    after the term began.

    Args:
        since: when the term began.
        until: when it would end.
        lost: as `lost_times` tells.
    """
    for begun, ended in lost:
        begins = max(begun, since)
        if begins < until and begins < ended:
            until += ended - begins
    return until


def _num_held(session: Session, cohort_id: str) -> int:
    query = select(SeatHold).where(SeatHold.cohort_id == cohort_id, SeatHold.released_at.is_(None))
    holds = session.scalars(query).all()
    # Most cohorts promise nothing, and then pauses need not be asked for.
    lost = lost_times(session) if holds else []
    moment = now()
    return sum(
        each.num_seats
        for each in holds
        if each.expires_at is None
        or with_lost_time(each.held_since, each.expires_at, lost) > moment
    )


def _added(
    session: Session, cohort_id: str, num_seats: int, expires_at: datetime | None
) -> SeatHold:
    held = SeatHold(
        id=new_id("hold"), cohort_id=cohort_id, num_seats=num_seats, held_since=now(),
        expires_at=expires_at, released_at=None,
    )  # fmt: skip
    session.add(held)
    session.flush()
    return held


def _check_cap(seats: int) -> None:
    if not 1 <= seats <= 1_000_000:
        raise InvalidField(f"seats must lie between 1 and 1000000, got {seats}", "seats")


def _logged(cohort: Cohort) -> dict[str, Any]:
    return {
        "id": cohort.id, "name": cohort.name, "seats": cohort.seats, "purpose": cohort.purpose,
        "stage": str(cohort.stage), "takes_applications": cohort.takes_applications,
    }  # fmt: skip
