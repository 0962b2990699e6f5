"""Rules of the waitlist: one published order, honest places, forecasts where something supports one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from unstrung.studio.admission import service as admission
from unstrung.studio.admission.models import Cohort
from unstrung.studio.applications.models import Application, ApplicationState
from unstrung.studio.database import now

FREED_WITHIN: Final = timedelta(days=30)
RULE: Final = (
    "Those whom a lottery has drawn come first, in the order of the draw; after them everybody else, in the "
    "order of applying. Whoever is admitted before others is counted, and the reason is public."
)


@dataclass(frozen=True)
class Place:
    """Where an application stands on the waitlist.

    Attributes:
        position: 1 is next; None if it does not wait.
        waiting: applications of the cohort that wait.
        free_seats, freed_seats: now, and within the last 30 days.
        forecast_days: until a seat is free for this position; None if nothing supports a number.
    """

    position: int | None
    waiting: int
    free_seats: int
    freed_seats: int
    forecast_days: int | None


def place_of(session: Session, application: Application) -> Place:
    """Where an application stands, and when a seat may be free for it."""
    cohort = admission.find_cohort(session, application.cohort_id)
    place = waitlist_of(session, cohort)
    if application.state != ApplicationState.WAITING:
        return place
    position = num_ahead(session, application) + 1
    days = forecast_days(position, place.free_seats, place.freed_seats)
    return replace(place, position=position, forecast_days=days)


def waitlist_of(session: Session, cohort: Cohort) -> Place:
    """How long a cohort's waitlist is; the forecast is that of whoever would apply now."""
    query = select(func.count()).where(
        Application.cohort_id == cohort.id, Application.state == ApplicationState.WAITING
    )
    waiting = session.scalar(query) or 0
    free = admission.occupancy(session, cohort).free
    freed = admission.num_freed(session, cohort.id, now() - FREED_WITHIN)
    return Place(None, waiting, free, freed, forecast_days(waiting + 1, free, freed))


def forecast_days(position: int, free: int, freed: int) -> int | None:
    """Days until a seat is free for a position, at the rate of the last 30 days.

    days = ceil((position - free) * 30 / freed), 0 if a seat is free now, None if none was freed.

    Args:
        position: on the waitlist, from 1.
        free: seats that are free now.
        freed: seats that were left within the last 30 days.
    """
    missing = position - free
    if missing <= 0:
        return 0
    return -(-missing * FREED_WITHIN.days // freed) if freed else None


def out_of_turn(session: Session, cohort_id: str) -> Sequence[str]:
    """The public reasons of those who were admitted before others, newest first."""
    query = select(Application.out_of_turn).where(
        Application.cohort_id == cohort_id,
        Application.state == ApplicationState.ADMITTED,
        Application.out_of_turn.is_not(None),
    )
    found = session.scalars(query.order_by(Application.decided_at.desc())).all()
    return [reason for reason in found if reason is not None]


def num_ahead(session: Session, application: Application) -> int:
    """Applications that come first by the rule; reads the waitlist's index."""
    if application.draw_place is not None:
        earlier = Application.draw_place < application.draw_place
    else:
        earlier = or_(
            Application.draw_place.is_not(None),
            and_(Application.draw_place.is_(None), Application.id < application.id),
        )
    query = select(func.count()).where(
        Application.cohort_id == application.cohort_id,
        Application.state == ApplicationState.WAITING,
        earlier,
    )
    return session.scalar(query) or 0


# For lotteries.


def undrawn(session: Session, cohort_id: str, until: datetime) -> Sequence[Application]:
    """Applications for a lottery: made up to then, in no draw yet, waiting or being appealed for; locked."""
    query = select(Application).where(
        Application.cohort_id == cohort_id,
        or_(Application.state == ApplicationState.WAITING, Application.contested_at.is_not(None)),
        Application.draw_place.is_(None),
        Application.created_at <= until,
    )
    return session.scalars(query.order_by(Application.id).with_for_update()).all()


def of_tickets(session: Session, cohort_id: str, tickets: Sequence[str]) -> dict[str, Application]:
    """Applications by ticket, locked in one order."""
    query = select(Application).where(
        Application.cohort_id == cohort_id, Application.ticket.in_(tickets)
    )
    found = session.scalars(query.order_by(Application.id).with_for_update()).all()
    return {each.ticket: each for each in found}


def last_draw_place(session: Session, cohort_id: str) -> int:
    """The last place that a lottery of the cohort has given; 0 before the first."""
    query = select(func.max(Application.draw_place)).where(Application.cohort_id == cohort_id)
    return session.scalar(query) or 0
