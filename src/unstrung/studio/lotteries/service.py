"""Rules of lotteries for seats: announced, closed, drawn, each in the log before the next can happen.

The arithmetic is in `unstrung.lottery`, where anybody can repeat it. Whoever is drawn is admitted by
the draw; everybody else keeps a place on the waitlist in the order of the draw. The operator can read its own
secret, so applicants put phrases into the seed too, sealed until the list is fixed if they like.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from unstrung.lottery import (
    DRAND_CHAINS,
    SECRET_BYTES,
    contributions_hash_of,
    drand_time,
    hash_in_order,
    hash_of,
    order_of,
    seal_of,
    secret_hash_of,
    seed_of,
    share_of,
    shares_hash_of,
)
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
from unstrung.studio.lotteries.models import Lottery, LotteryContribution
from unstrung.studio.waitlist import service as waitlist

MAX_OPEN_HOURS: Final = 168.0


@dataclass(frozen=True)
class Plan:
    """What is announced of a draw.

    Attributes:
        cohort_id: where the seats are; as many as are drawn for are kept free until the draw.
        seats: that are drawn for.
        closes_at: applications and phrases up to then take part.
        open_for_hours: time for opening sealed phrases, from closing on.
        drand: chain and round of public randomness that is not known at closing; None for none.
    """

    cohort_id: str
    seats: int
    closes_at: datetime
    open_for_hours: float = 24.0
    drand: tuple[str, int] | None = None


def announce(session: Session, by: Caller | None, plan: Plan) -> Lottery:
    """Announce a draw: its secret is made and committed to now, before tickets and phrases are known.

    Args:
        session: of the transaction.
        by: the steward.
        plan: of the draw.

    Raises:
        Forbidden: if the caller may not.
        NotFound: if there is no such cohort.
        InvalidField: naming what is wrong with the plan.
        Conflict: if fewer seats are free, or a lottery of the cohort is not drawn yet.
    """
    announcer = admission.must_act(session, by, Right.ADMIT)
    _check(plan)
    admission.locked_cohort(session, plan.cohort_id)
    undrawn = select(Lottery.id).where(
        Lottery.cohort_id == plan.cohort_id, Lottery.drawn_at.is_(None)
    )
    if session.scalar(undrawn) is not None:
        raise Conflict("A lottery of this cohort is not drawn yet; draw that first.", "cohort_id")
    secret = secrets.token_bytes(SECRET_BYTES)
    chain, number = plan.drand or (None, None)
    lottery = Lottery(
        id=new_id("lottery"), cohort_id=plan.cohort_id, seats=plan.seats,
        hold_id=admission.hold(session, plan.cohort_id, plan.seats, None).id, secret=secret,
        secret_hash=secret_hash_of(secret), drand_chain=chain, drand_round=number,
        drand_randomness=None, open_for_hours=plan.open_for_hours, announced_at=now(),
        announced_by=announcer, closes_at=plan.closes_at, closed_at=None, tickets=None,
        tickets_hash=None, contributions=None, contributions_hash=None, shares=None, drawn_at=None,
        seed=None, drawn_order=None, announced_entry_id="", closed_entry_id=None,
        drawn_entry_id=None,
    )  # fmt: skip
    content = {
        "id": lottery.id, "cohort_id": plan.cohort_id, "seats": plan.seats,
        "secret_hash": lottery.secret_hash, "closes_at": plan.closes_at.isoformat(),
        "open_for_hours": plan.open_for_hours, "drand_chain": chain, "drand_round": number,
    }  # fmt: skip
    lottery.announced_entry_id = log.record(session, EntryKind.LOTTERY_ANNOUNCED, content).id
    session.add(lottery)
    session.flush()
    return lottery


def contribute(
    session: Session, application_id: str, token: str, phrase: str | None, seal: str | None
) -> tuple[LotteryContribution, Lottery]:
    """Put words of an applicant's own into the seed of the draw that is open; the last ones count.

    Args:
        session: of the transaction.
        application_id, token: whose.
        phrase: the words, of which only a hash is kept; or
        seal: the hash of that hash, which even the operator cannot open before the list is fixed.

    Raises:
        NotFound: if the token is not this application's.
        InvalidField: for both a phrase and a seal, or neither.
        Conflict: if no draw is open in which the application takes part.
    """
    if (phrase is None) == (seal is None):
        raise InvalidField("Send either phrase or seal, not both and not neither.", "phrase")
    cohort_id = applications.get_own(session, application_id, token).cohort_id
    query = select(Lottery).where(Lottery.cohort_id == cohort_id, Lottery.drawn_at.is_(None))
    # Before the application, as closing does: whoever closes waits for this, or this finds it closed.
    lottery = session.scalar(query.with_for_update(read=True))
    application = applications.get_own(session, application_id, token, locks=True)
    is_open = lottery is not None and lottery.closed_at is None and now() < lottery.closes_at
    takes_part = application.draw_place is None and (
        application.state == ApplicationState.WAITING or application.contested_at is not None
    )
    if lottery is None or not is_open or not takes_part:
        raise Conflict(
            "No lottery is open in which this application takes part; phrases are taken between its "
            "announcement and the end of applying.",
            "application_id",
            "lottery_state",
        )
    share = share_of(phrase) if phrase is not None else None
    found = session.get(LotteryContribution, (lottery.id, application_id))
    if found is None:
        found = LotteryContribution(lottery_id=lottery.id, application_id=application_id)
        session.add(found)
    kept = seal if share is None else seal_of(share)
    assert kept is not None  # one of the two was given
    found.seal = kept
    found.share, found.is_sealed = share, share is None
    found.contributed_at = now()
    found.opened_at = None if share is None else found.contributed_at
    session.flush()
    return found, lottery


def open_seal(
    session: Session, application_id: str, token: str, phrase: str
) -> tuple[LotteryContribution, Lottery]:
    """Show the phrase that an applicant sealed, once the list is fixed and before the draw.

    Raises:
        NotFound: if the token is not this application's.
        Conflict: if nothing of the applicant's waits to be opened.
        InvalidField: if it is another phrase than was sealed.
    """
    applications.get_own(session, application_id, token)
    query = (
        select(Lottery)
        .join(LotteryContribution, LotteryContribution.lottery_id == Lottery.id)
        .where(
            LotteryContribution.application_id == application_id,
            Lottery.closed_at.is_not(None),
            Lottery.drawn_at.is_(None),
        )
    )
    lottery = session.scalar(query.with_for_update(of=Lottery))
    application = applications.get_own(session, application_id, token, locks=True)
    fixed = (lottery.contributions or []) if lottery is not None else []
    if lottery is None or application.ticket not in [each["ticket"] for each in fixed]:
        raise Conflict(
            "Nothing of yours waits to be opened: seals are opened between closing and draw.",
            "application_id",
            "lottery_state",
        )
    found = session.get_one(LotteryContribution, (lottery.id, application_id))
    share = share_of(phrase)
    if seal_of(share) != found.seal:
        raise InvalidField("phrase must be the one that was sealed, word for word", "phrase")
    if found.share is None:
        found.share, found.opened_at = share, now()
        lottery.shares = {**(lottery.shares or {}), application.ticket: share}
    session.flush()
    return found, lottery


def close(session: Session, by: Caller | None, lottery_id: str) -> Lottery:
    """Fix tickets and seals: of applications made in time that wait, or are appealed for, in no draw yet.

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
    found = {
        each.id: each.ticket
        for each in waitlist.undrawn(session, lottery.cohort_id, lottery.closes_at)
    }
    query = select(LotteryContribution).where(
        LotteryContribution.lottery_id == lottery_id,
        LotteryContribution.application_id.in_(found),
    )
    given = sorted(session.scalars(query), key=lambda each: found[each.application_id])
    tickets = sorted(found.values())
    contributions = [
        {"ticket": found[each.application_id], "seal": each.seal, "is_sealed": each.is_sealed}
        for each in given
    ]
    lottery.tickets, lottery.tickets_hash, lottery.closed_at = tickets, hash_of(tickets), now()
    lottery.contributions = contributions
    lottery.contributions_hash = contributions_hash_of(contributions)
    lottery.shares = {found[each.application_id]: each.share for each in given if each.share}
    content = {
        "id": lottery.id, "tickets_hash": lottery.tickets_hash, "num_tickets": len(tickets),
        "contributions_hash": lottery.contributions_hash, "num_contributions": len(contributions),
    }  # fmt: skip
    lottery.closed_entry_id = log.record(session, EntryKind.LOTTERY_CLOSED, content).id
    session.flush()
    return lottery


def draw(
    session: Session, by: Caller | None, lottery_id: str, drand_randomness: str | None = None
) -> Lottery:
    """Show the secret, mix the seed, order the tickets, and admit those that were drawn.

    Whoever withdrew or was refused after the list was fixed keeps the ticket in the order, and the seat goes
    to the next: the arithmetic is over the list that was fixed.

    Args:
        session, by, lottery_id: of the transaction; the steward; which.
        drand_randomness: of the round that was announced, hexadecimal; None if none was.

    Raises:
        Forbidden: if the caller may not.
        NotFound: if there is no such lottery.
        InvalidField: if randomness is missing, or given for no round.
        Conflict: if it is not closed, drawn already, or seals may still be opened.
    """
    admission.must_act(session, by, Right.ADMIT)
    lottery = _locked(session, lottery_id)
    _must_be_ready(lottery, drand_randomness)
    assert lottery.tickets is not None
    shares = lottery.shares or {}
    drand = None
    if lottery.drand_chain is not None and lottery.drand_round is not None:
        assert drand_randomness is not None
        drand = (lottery.drand_chain, lottery.drand_round, drand_randomness)
    lottery.drand_randomness = drand_randomness
    lottery.seed = seed_of(lottery.secret, drand, shares)
    order = order_of(lottery.seed, lottery.tickets)
    _offer(session, lottery, order)
    lottery.drawn_order, lottery.drawn_at = order, now()
    content = {
        "id": lottery.id, "secret": lottery.secret.hex(), "drand_randomness": drand_randomness,
        "shares_hash": shares_hash_of(shares), "seed": lottery.seed.hex(),
        "order_hash": hash_in_order(order),
    }  # fmt: skip
    lottery.drawn_entry_id = log.record(session, EntryKind.LOTTERY_DRAWN, content).id
    session.flush()
    return lottery


def opens_until(lottery: Lottery) -> datetime | None:
    """Until when sealed phrases may be opened, at least; None before closing."""
    if lottery.closed_at is None:
        return None
    return lottery.closed_at + timedelta(hours=lottery.open_for_hours)


def waits_until(lottery: Lottery) -> datetime | None:
    """Until when a draw has to wait for seals that may still be opened; None if it need not."""
    until = opens_until(lottery)
    return until if until is not None and now() < until and _shut(lottery) else None


def get_own_contribution(
    session: Session, application_id: str, token: str
) -> tuple[LotteryContribution, Lottery]:
    """What an applicant has put into the newest draw.

    Raises:
        NotFound: if the token is not this application's, or it has put nothing in.
    """
    applications.get_own(session, application_id, token)
    query = (
        select(LotteryContribution, Lottery)
        .join(Lottery, Lottery.id == LotteryContribution.lottery_id)
        .where(LotteryContribution.application_id == application_id)
        .order_by(Lottery.id.desc())
        .limit(1)
    )
    row = session.execute(query).one_or_none()
    if row is None:
        raise NotFound("This application has put nothing into a draw.", "application_id")
    return row[0], row[1]


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


def _check(plan: Plan) -> None:
    if plan.seats < 1:
        raise InvalidField(f"seats must be at least 1, got {plan.seats}", "seats")
    if plan.closes_at <= now():
        raise InvalidField(
            f"closes_at must lie ahead, got {plan.closes_at:%Y-%m-%d %H:%M}", "closes_at"
        )
    if not 1 <= plan.open_for_hours <= MAX_OPEN_HOURS:
        raise InvalidField(
            f"open_for_hours must lie between 1 and {MAX_OPEN_HOURS:g}, got {plan.open_for_hours:g}",
            "open_for_hours",
        )
    if plan.drand is None:
        return
    chain, number = plan.drand
    if chain not in DRAND_CHAINS:
        known = ", ".join(DRAND_CHAINS)
        raise InvalidField(f"drand_chain must be one of {known}, got {chain[:64]}", "drand_chain")
    if drand_time(chain, number) <= plan.closes_at:
        raise InvalidField(
            f"drand_round must become known after closes_at, but {number} is of "
            f"{drand_time(chain, number):%Y-%m-%d %H:%M:%S} UTC; leave time for closing",
            "drand_round",
        )


def _must_be_ready(lottery: Lottery, drand_randomness: str | None) -> None:
    """Refuse a draw before everything is known that it takes."""
    if lottery.tickets is None:
        raise Conflict("Close this lottery first.", "lottery_id", "lottery_state")
    if lottery.drawn_at is not None:
        raise Conflict("This lottery is drawn already.", "lottery_id", "lottery_state")
    if (drand_randomness is None) != (lottery.drand_round is None):
        rule = "must be that of the announced round" if lottery.drand_round else "must be left out"
        raise InvalidField(f"drand_randomness {rule}", "drand_randomness")
    until = waits_until(lottery)
    if until is not None:
        raise Conflict(
            f"{len(_shut(lottery))} seals may still be opened, until {until:%Y-%m-%d %H:%M:%S} UTC; "
            "draw after that.",
            "lottery_id",
            "lottery_state",
        )


def _shut(lottery: Lottery) -> list[Any]:
    opened = lottery.shares or {}
    return [each for each in lottery.contributions or [] if each["ticket"] not in opened]


def _offer(session: Session, lottery: Lottery, order: Sequence[str]) -> None:
    """Give the seats to the first of an order who still wait, and everybody their place."""
    by_ticket = waitlist.of_tickets(session, lottery.cohort_id, order)
    before, left = waitlist.last_draw_place(session, lottery.cohort_id), lottery.seats
    for place, ticket in enumerate(order, before + 1):
        application: Any = by_ticket.get(ticket)
        if application is None:  # erased since, with everything else of the person's
            continue
        application.draw_place = place
        if left and application.state == ApplicationState.WAITING:
            role = applications.plain_role(application)
            applications.offer(session, application, role, None, hold_id=lottery.hold_id)
            left -= 1
    admission.release(session, lottery.hold_id)


def _locked(session: Session, lottery_id: str) -> Lottery:
    lottery = session.get(Lottery, lottery_id, with_for_update=True)
    if lottery is None:
        raise _not_found(lottery_id)
    return lottery


def _not_found(lottery_id: str) -> NotFound:
    return NotFound(f"There is no lottery '{lottery_id}'.", "lottery_id", "lottery_not_found")
