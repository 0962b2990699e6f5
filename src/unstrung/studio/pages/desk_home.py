"""The desk: what waits for its reader, the oldest clock first; nobody is ranked, nobody is counted."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final, Literal

from fastapi import Response

from unstrung.studio.admission import service as admission
from unstrung.studio.admission.service import Right
from unstrung.studio.applications import service as applications
from unstrung.studio.applications.models import ApplicationState
from unstrung.studio.database import now
from unstrung.studio.hearings import service as hearings
from unstrung.studio.pages.site import PREFIX, Page
from unstrung.studio.pages.visits import ADMIN, Visit, VisitOf, page_router
from unstrung.studio.pauses import service as pauses
from unstrung.studio.reviews import service as reviews
from unstrung.studio.signals import service as signals
from unstrung.studio.waitlist import service as waitlist

router = page_router()
ANY: Final = tuple(map(str, Right))
_MOST: Final = 50
_SOON: Final = timedelta(hours=24)

Kind = Literal["application", "review", "second review", "appeal", "proposal", "pause", "signal"]


@dataclass(frozen=True)
class Waiting:
    """Something that waits for the reader.

    Attributes:
        kind: of thing.
        clock: when it is due, or since when it waits.
        is_due: whether the clock is one that something happens at.
        href: of the page where it is dealt with.
        name: of the cohort, for applications; else empty.
        count: how many things the line stands for.
    """

    kind: Kind
    clock: datetime
    is_due: bool
    href: str
    name: str = ""
    count: int = 1


@dataclass(frozen=True, kw_only=True)
class DeskPage(Page):
    """What waits.

    Attributes:
        waiting: with a due clock first, the earliest first; then what waits longest.
        most: entries of a kind that are listed at most.
    """

    template: ClassVar[str] = "desk/home.html"
    waiting: list[Waiting]
    most: int = _MOST


@router.get("/desk")
def show_desk(visit: VisitOf) -> Response:
    """What waits for me."""
    visit.must_have_any(*ANY)
    found = sorted(_waiting(visit), key=lambda each: (not each.is_due, each.clock))
    return visit.show(DeskPage(title=visit.say("What waits for you"), waiting=found))


def _waiting(visit: Visit) -> Iterator[Waiting]:
    rights, caller, session = visit.reader.rights, visit.member, visit.session
    if may(visit, Right.REVIEW):
        for each in reviews.list_waiting(session, caller, None, _MOST)[0]:
            kind: Kind = "review" if each.proposal is None else "second review"
            clock = each.share.due_at or each.share.created_at
            yield Waiting(kind, clock, each.share.due_at is not None, f"{PREFIX}/desk/reviews")
    if rights & {Right.REVIEW, Right.HEAR_APPEALS}:
        for heard in hearings.list_hearings(session, caller, _MOST):
            if heard.seat is None or heard.seat.vote is None:
                yield Waiting("appeal", heard.appeal.due_at, True, f"{PREFIX}/desk/hearings")
    if may(visit, Right.PAUSE):
        yield from _of_pauses(visit)
    if may(visit, Right.ADMIT):
        yield from _of_applications(visit)


def _of_pauses(visit: Visit) -> Iterator[Waiting]:
    moment = now()
    for each in pauses.list_proposals(visit.session):
        until = each.proposed_at + pauses.PROPOSAL_FOR
        if until > moment:
            yield Waiting("proposal", until, True, f"{PREFIX}/desk/pauses/{each.id}")
    for each in pauses.list_pauses(visit.session):
        if each.ended_at is None and moment < each.expires_at <= moment + _SOON:
            yield Waiting("pause", each.expires_at, True, f"{PREFIX}/desk/pauses/{each.id}")
    for signal in signals.list_signals(visit.session, visit.member):
        yield Waiting("signal", signal.noted_at, False, f"{PREFIX}/desk/signals")


def _of_applications(visit: Visit) -> Iterator[Waiting]:
    for cohort, _ in admission.list_cohorts(visit.session):
        place = waitlist.waitlist_of(visit.session, cohort)
        first = applications.list_applications(
            visit.session, visit.member, cohort.id, ApplicationState.WAITING, 1
        )
        if first:
            href = f"{PREFIX}/desk/applications?cohort_id={cohort.id}"
            yield Waiting(
                "application", first[0].created_at, False, href, cohort.name, place.waiting
            )


def may(visit: Visit, right: Right) -> bool:
    """Whether the reader's roles allow something; services ask for roles, also of an admin."""
    return right in visit.reader.rights - {ADMIN}
