"""Rules of lotteries for seats: announced, closed, drawn, each in the log before the next can happen.

The arithmetic is in `unstrung.lottery`, where anybody can repeat it. Whoever is drawn is admitted by
the draw; everybody else keeps a place on the waitlist in the order of the draw.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from unstrung.lottery import SEED_BYTES, hash_in_order, hash_of, order_of, seed_hash_of
from unstrung.studio.access.service import Caller
from unstrung.studio.admission import service as admission
from unstrung.studio.admission.service import Right
from unstrung.studio.applications import service as applications
from unstrung.studio.applications.models import ApplicationState
from unstrung.studio.database import now
from unstrung.studio.errors import Conflict, InvalidField, NotFound
from unstrung.studio.identity import new_id
from unstrung.studio.log import service as log
from unstrung.studio.log.models import EntryKind, LogEntry
from unstrung.studio.lotteries.models import Lottery


def announce(
    session: Session, by: Caller | None, cohort_id: str, seats: int, closes_at: datetime
) -> Lottery:
    """Announce a draw: its seed is made and committed to now, before anybody can know the tickets.

    Args:
        session: of the transaction.
        by: the steward.
        cohort_id: where the seats are; as many as are drawn for are kept free until the draw.
        seats: that are drawn for.
        closes_at: applications up to then take part.

    Raises:
        Forbidden: if the caller may not.
        NotFound: if there is no such cohort.
        InvalidField: for a time that has passed, or no seats.
        Conflict: if fewer seats are free, or a lottery of the cohort is not drawn yet.
    """
    announcer = admission.must_act(session, by, Right.ADMIT)
    if seats < 1:
        raise InvalidField(f"seats must be at least 1, got {seats}", "seats")
    if closes_at <= now():
        raise InvalidField(f"closes_at must lie ahead, got {closes_at:%Y-%m-%d %H:%M}", "closes_at")
    admission.locked_cohort(session, cohort_id)
    undrawn = select(Lottery.id).where(Lottery.cohort_id == cohort_id, Lottery.drawn_at.is_(None))
    if session.scalar(undrawn) is not None:
        raise Conflict("A lottery of this cohort is not drawn yet; draw that first.", "cohort_id")
    seed = secrets.token_bytes(SEED_BYTES)
    lottery = Lottery(
        id=new_id("lottery"), cohort_id=cohort_id, seats=seats,
        hold_id=admission.hold(session, cohort_id, seats, None).id, seed=seed,
        seed_hash=seed_hash_of(seed), announced_at=now(), announced_by=announcer,
        closes_at=closes_at, closed_at=None, tickets=None, tickets_hash=None, drawn_at=None,
        drawn_order=None, announced_entry_id="", closed_entry_id=None, drawn_entry_id=None,
    )  # fmt: skip
    content = {
        "id": lottery.id, "cohort_id": cohort_id, "seats": seats, "seed_hash": lottery.seed_hash,
        "closes_at": closes_at.isoformat(),
    }  # fmt: skip
    lottery.announced_entry_id = log.record(session, EntryKind.LOTTERY_ANNOUNCED, content).id
    session.add(lottery)
    session.flush()
    return lottery


def close(session: Session, by: Caller | None, lottery_id: str) -> Lottery:
    """Fix the list of tickets: all applications that were made in time, wait, and were in no draw before.

    Raises:
        Forbidden: if the caller may not.
        NotFound: if there is no such lottery.
        Conflict: before its time, or if it is closed.
    """
    admission.must_act(session, by, Right.ADMIT)
    lottery = _locked(session, lottery_id)
    if lottery.closed_at is not None:
        raise Conflict("This lottery is closed already.", "lottery_id", "lottery_state")
    if now() < lottery.closes_at:
        raise Conflict(
            f"Applications take part until {lottery.closes_at:%Y-%m-%d %H:%M:%S} UTC; close it after that.",
            "lottery_id",
            "lottery_state",
        )
    found = applications.undrawn(session, lottery.cohort_id, lottery.closes_at)
    tickets = sorted(each.ticket for each in found)
    lottery.tickets, lottery.tickets_hash, lottery.closed_at = tickets, hash_of(tickets), now()
    content = {
        "id": lottery.id, "tickets_hash": lottery.tickets_hash, "num_tickets": len(tickets)
    }  # fmt: skip
    lottery.closed_entry_id = log.record(session, EntryKind.LOTTERY_CLOSED, content).id
    session.flush()
    return lottery


def draw(session: Session, by: Caller | None, lottery_id: str) -> Lottery:
    """Show the seed, order the tickets, and admit those that were drawn.

    Whoever withdrew or was refused after the list was fixed keeps the ticket in the order, and the seat goes
    to the next: the arithmetic is over the list that was fixed.

    Raises:
        Forbidden: if the caller may not.
        NotFound: if there is no such lottery.
        Conflict: if it is not closed, or drawn already.
    """
    admission.must_act(session, by, Right.ADMIT)
    lottery = _locked(session, lottery_id)
    if lottery.tickets is None:
        raise Conflict("Close this lottery first.", "lottery_id", "lottery_state")
    if lottery.drawn_at is not None:
        raise Conflict("This lottery is drawn already.", "lottery_id", "lottery_state")
    order = order_of(lottery.seed, lottery.tickets)
    by_ticket = applications.of_tickets(session, lottery.cohort_id, order)
    before, left = applications.last_draw_place(session, lottery.cohort_id), lottery.seats
    for place, ticket in enumerate(order, before + 1):
        application = by_ticket[ticket]
        application.draw_place = place
        if left and application.state == ApplicationState.WAITING:
            role = applications.plain_role(application)
            applications.offer(session, application, role, None, hold_id=lottery.hold_id)
            left -= 1
    admission.release(session, lottery.hold_id)
    lottery.drawn_order, lottery.drawn_at = order, now()
    content = {
        "id": lottery.id, "seed": lottery.seed.hex(), "order_hash": hash_in_order(order)
    }  # fmt: skip
    lottery.drawn_entry_id = log.record(session, EntryKind.LOTTERY_DRAWN, content).id
    session.flush()
    return lottery


def get_lottery(session: Session, lottery_id: str) -> Lottery:
    """A lottery; everybody may see it.

    Raises:
        NotFound: if there is none.
    """
    lottery = session.get(Lottery, lottery_id)
    if lottery is None:
        raise _not_found(lottery_id)
    return lottery


def list_lotteries(session: Session, limit: int = 100) -> Sequence[Lottery]:
    """Lotteries, newest first; everybody may see them."""
    return session.scalars(select(Lottery).order_by(Lottery.id.desc()).limit(limit)).all()


def entries_of(session: Session, lottery: Lottery) -> list[LogEntry | None]:
    """What the log holds of announcing, closing and drawing; None for what is not published yet."""
    ids = [lottery.announced_entry_id, lottery.closed_entry_id, lottery.drawn_entry_id]
    query = select(LogEntry).where(
        LogEntry.id.in_([each for each in ids if each]), LogEntry.position.is_not(None)
    )
    found = {entry.id: entry for entry in session.scalars(query)}
    return [found.get(each or "") for each in ids]


def _locked(session: Session, lottery_id: str) -> Lottery:
    lottery = session.get(Lottery, lottery_id, with_for_update=True)
    if lottery is None:
        raise _not_found(lottery_id)
    return lottery


def _not_found(lottery_id: str) -> NotFound:
    return NotFound(f"There is no lottery '{lottery_id}'.", "lottery_id", "lottery_not_found")
