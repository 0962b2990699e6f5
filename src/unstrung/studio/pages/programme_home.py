"""The programme's first page: what it is, for a visitor; where one stands, for a member. And lotteries."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from fastapi import Response
from sqlalchemy.orm import Session

from unstrung.studio.access.service import Caller
from unstrung.studio.admission import service as admission
from unstrung.studio.admission.models import Cohort
from unstrung.studio.admission.routes import PathId
from unstrung.studio.admission.service import Occupancy
from unstrung.studio.appeals import service as appeals
from unstrung.studio.appeals.models import Appeal
from unstrung.studio.applications import service as applications
from unstrung.studio.applications.models import Criteria
from unstrung.studio.charters import service as charters
from unstrung.studio.charters.models import CharterStatus
from unstrung.studio.charters.service import Published
from unstrung.studio.consents import service as consents
from unstrung.studio.consents.models import Use
from unstrung.studio.lotteries import service as lotteries
from unstrung.studio.lotteries.routes import get_lottery
from unstrung.studio.lotteries.schemas import LotteryObject, LotteryRow, lottery_row
from unstrung.studio.pages.site import PREFIX, Page
from unstrung.studio.pages.visits import Visit, VisitOf, page_router
from unstrung.studio.pauses import service as pauses
from unstrung.studio.pauses.models import Pause
from unstrung.studio.stages.models import Stage
from unstrung.studio.statements import service as statements
from unstrung.studio.statements.models import Statement
from unstrung.studio.visitors import VisitorOf
from unstrung.studio.waitlist import service as waitlist
from unstrung.studio.waitlist.service import Place

router = page_router()
BASE: Final = f"{PREFIX}/programme"
_SHOWN: Final = 20
_TICKETS: Final = 500


@dataclass(frozen=True)
class OpenCohort:
    """A cohort as whoever thinks of applying sees it.

    Attributes:
        cohort, full: the row, and how full it is.
        criteria: the newest version; None before any was published.
        place: of whoever would apply now.
        lottery: announced or closed and not drawn yet; None if there is none.
        out_of_turn: public reasons of those who were admitted before others.
    """

    cohort: Cohort
    full: Occupancy
    criteria: Criteria | None
    place: Place
    lottery: LotteryRow | None
    out_of_turn: Sequence[str]

    @property
    def is_open(self) -> bool:
        """Whether one can apply."""
        return self.cohort.takes_applications and self.criteria is not None


@dataclass(frozen=True)
class Standing:
    """Where a member stands.

    Attributes:
        cohort: of the seat; None without one.
        roles: in the programme.
        charter: in force; None before the first one.
        upcoming: a published version that is not in force yet.
        accepted: versions that the member accepted.
        consents: use to yes or no.
        open_statements: decisions that hold now.
        open_appeals: that are being heard.
        pauses: that stop the member now.
    """

    cohort: Cohort | None
    roles: tuple[str, ...]
    charter: Published | None
    upcoming: Published | None
    accepted: frozenset[str]
    consents: dict[Use, bool]
    open_statements: list[Statement]
    open_appeals: list[Appeal]
    pauses: Sequence[Pause]


@dataclass(frozen=True, kw_only=True)
class ProgrammePage(Page):
    """What the programme is, and where one stands in it.

    Attributes:
        is_on: whether this studio runs a programme.
        stage: how far the release is.
        rule: the order of the waitlist.
        cohorts: the open ones first.
        lotteries: newest first.
        standing: of the member who reads; None for visitors.
    """

    template: ClassVar[str] = "programme/home.html"
    is_on: bool
    stage: Stage
    rule: str
    cohorts: list[OpenCohort]
    lotteries: list[LotteryRow]
    standing: Standing | None


@dataclass(frozen=True, kw_only=True)
class LotteryPage(Page):
    """A lottery that anybody can check.

    Attributes:
        lottery: with all that it takes to recompute it.
        cohort: where the seats are.
        source: address of the same as data.
        tickets: in the order of the draw, or sorted before it; no more than can be shown.
        num_tickets: in all.
    """

    template: ClassVar[str] = "programme/lottery.html"
    lottery: LotteryObject
    cohort: Cohort
    source: str
    tickets: list[str]
    num_tickets: int


@router.get("/programme")
def show_programme(visit: VisitOf) -> Response:
    """The programme's first page."""
    session = visit.session
    rows = [lottery_row(each) for each in lotteries.list_lotteries(session, _SHOWN)]
    found = open_cohorts(session, rows)
    page = ProgrammePage(
        title=visit.say("The early-access programme"),
        is_on=visit.studio.settings.programme,
        stage=admission.current_stage(session), rule=waitlist.RULE, cohorts=found, lotteries=rows,
        standing=None if visit.caller is None else _standing(visit, visit.caller),
    )  # fmt: skip
    return visit.show(page)


@router.get("/programme/lotteries/{lottery_id}")
def show_lottery(visit: VisitOf, visitor: VisitorOf, lottery_id: PathId) -> Response:
    """A lottery: what was committed to, who takes part by ticket, the seed after the draw."""
    told = get_lottery(visit.studio, visitor, visit.session, lottery_id)
    tickets = told.order or told.tickets or []
    page = LotteryPage(
        title=visit.say("Lottery for seats"), lottery=told,
        cohort=admission.find_cohort(visit.session, told.cohort_id),
        source=f"{visit.studio.settings.base_url}/programme/v1/lotteries/{lottery_id}",
        tickets=tickets[:_TICKETS], num_tickets=len(tickets),
    )  # fmt: skip
    return visit.show(page)


def open_cohorts(session: Session, rows: Sequence[LotteryRow] = ()) -> list[OpenCohort]:
    """Cohorts with what whoever would apply should know, the open ones first."""
    newest: dict[str, Criteria] = {}
    for each in applications.list_criteria(session, None):
        newest.setdefault(each.cohort_id, each)
    undrawn = {each.cohort_id: each for each in rows if each.state != "drawn"}
    found = [
        OpenCohort(
            cohort, full, newest.get(cohort.id), waitlist.waitlist_of(session, cohort),
            undrawn.get(cohort.id), waitlist.out_of_turn(session, cohort.id),
        )
        for cohort, full in admission.list_cohorts(session)
    ]  # fmt: skip
    return sorted(found, key=lambda each: not each.is_open)


def _standing(visit: Visit, caller: Caller) -> Standing:
    session = visit.session
    seat = admission.seat_of(session, caller.person_id)
    versions = charters.list_versions(session)
    by_status = {each.status: each for each in reversed(versions)}
    told = statements.list_statements(session, caller, None, _SHOWN)
    mine = appeals.list_appeals(session, caller, None, _SHOWN)[0]
    return Standing(
        cohort=admission.find_cohort(session, seat.cohort_id) if seat else None,
        roles=tuple(sorted(map(str, admission.roles_of(session, caller.person_id)))),
        charter=by_status.get(CharterStatus.IN_FORCE),
        upcoming=by_status.get(CharterStatus.UPCOMING),
        accepted=frozenset(each.version for each in charters.list_acceptances(session, caller)),
        consents=consents.words_of(session, caller).general,
        open_statements=[
            each for each in told if each.reversed_at is None and each.person_id is not None
        ],
        open_appeals=[each for each in mine if each.outcome is None],
        pauses=pauses.list_stopping(session, caller),
    )
