"""The pause ladder at the desk: what it would do is shown before anybody can press the button."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Final

from fastapi import Response
from pydantic import BeforeValidator, Field
from sqlalchemy.orm import Session

from unstrung.studio.accounts import service as accounts
from unstrung.studio.admission import service as admission
from unstrung.studio.admission.models import Cohort
from unstrung.studio.admission.schemas import RowId
from unstrung.studio.confidences import service as confidences
from unstrung.studio.confidences.models import Confidence
from unstrung.studio.database import now
from unstrung.studio.dependencies import BodyOf
from unstrung.studio.errors import InvalidField
from unstrung.studio.fields import StrictRequest, one_of
from unstrung.studio.figures import service as figures
from unstrung.studio.figures.service import Effects
from unstrung.studio.notices import pause_notice
from unstrung.studio.pages.create import filled
from unstrung.studio.pages.languages import KNOWN
from unstrung.studio.pages.site import PREFIX, Page
from unstrung.studio.pages.visits import Visit, VisitOf, go, page_router
from unstrung.studio.pauses import service as pauses
from unstrung.studio.pauses.models import Level, Pause, PauseGround
from unstrung.studio.pauses.schemas import EndPause, PauseObject, pause_object
from unstrung.studio.pauses.service import Order

router = page_router()
_HERE: Final = f"{PREFIX}/desk/pauses"
_LONGEST_H: Final = {
    level: round(span.total_seconds() / 3600) for level, span in pauses.LONGEST.items()
}
_MOST_ITEMS: Final = 100
_DIRECTIONS: Final = {each.code: each.direction for each in KNOWN}


class PauseForm(StrictRequest):
    """What a steward proposes, counted from now."""

    level: Annotated[Level, BeforeValidator(one_of(Level))]
    target_id: str | None = Field(None, max_length=64)
    ground: Annotated[PauseGround, BeforeValidator(one_of(PauseGround))]
    hours: float = Field(gt=0, le=24 * 30)
    confidence_id: RowId | None = None
    reason: str = Field(min_length=10, max_length=2_000)
    resume_plan: str = Field(min_length=10, max_length=2_000)


@dataclass(frozen=True, kw_only=True)
class PausesPage(Page):
    """All pauses, and the ladder.

    Attributes:
        proposals: that wait for a second steward.
        found: that are or were in force, newest first.
        cohorts: to choose from.
        levels: of the ladder, each with its longest time [h].
        grounds: the closed list.
    """

    template: ClassVar[str] = "desk/pauses.html"
    proposals: Sequence[PauseObject]
    found: Sequence[PauseObject]
    cohorts: Sequence[Cohort]
    levels: dict[Level, int]
    grounds: tuple[PauseGround, ...] = tuple(PauseGround)


@dataclass(frozen=True, kw_only=True)
class ProposalPage(Page):
    """What a pause would do, before it is proposed.

    Attributes:
        level, target_id, ground, hours: as they were chosen.
        until: it would lapse, if it were proposed now.
        effects: whom and what it would stop.
        notice: as people would read it, by language.
        directions: in which each language is written.
        items: that are confidential now, if the ground is that one was broken.
    """

    template: ClassVar[str] = "desk/pause_new.html"
    level: Level
    target_id: str
    ground: PauseGround
    hours: float
    until: datetime
    effects: Effects
    notice: dict[str, str]
    directions: dict[str, str]
    items: Sequence[Confidence]


@dataclass(frozen=True, kw_only=True)
class PausePage(Page):
    """One pause.

    Attributes:
        pause: whole.
        whom: the name of the cohort or the person; empty for keys and for everybody.
        is_own: whether the reader proposed it, and so cannot second it.
        directions: in which each language of its notice is written.
    """

    template: ClassVar[str] = "desk/pause.html"
    pause: PauseObject
    whom: str
    is_own: bool
    directions: dict[str, str]


@router.get("/desk/pauses")
def show_pauses(visit: VisitOf) -> Response:
    """The ladder, what waits, and what was."""
    visit.must_have_any("pause")
    page = PausesPage(
        title=visit.say("Pauses"), levels=_LONGEST_H,
        proposals=[_told(each) for each in pauses.list_proposals(visit.session)],
        found=[_told(each) for each in pauses.list_pauses(visit.session)],
        cohorts=[cohort for cohort, _ in admission.list_cohorts(visit.session)],
    )  # fmt: skip
    return visit.show(page)


@router.get("/desk/pauses/new")
def show_proposal(
    visit: VisitOf, level: Level, ground: PauseGround, hours: float, target_id: str = "",
    cohort_id: str = "",
) -> Response:  # fmt: skip
    """What a pause would do."""
    caller = visit.must_have_any("pause")
    if not 0 < hours <= _LONGEST_H[level]:
        raise InvalidField(
            f"hours must lie above 0 and within {_LONGEST_H[level]} for {level}, got {hours:g}; a longer "
            "pause is a new decision",
            "hours",
        )
    target = {Level.EVERYBODY: "", Level.COHORT: cohort_id}.get(level, target_id.strip())
    until = now() + timedelta(hours=hours)
    page = ProposalPage(
        title=visit.say("What this pause would do"), level=level, target_id=target, ground=ground,
        hours=hours, until=until, notice=pause_notice(level, ground, until),
        effects=figures.effects_of_pause(visit.session, caller, level, target or None),
        directions=_DIRECTIONS,
        items=_binding(visit) if ground == PauseGround.BREACH_OF_CONFIDENCE else (),
    )  # fmt: skip
    return visit.show(page)


@router.post("/desk/pauses")
def propose(visit: VisitOf, body: BodyOf) -> Response:
    """Pause at once, or wait for a second steward."""
    caller, given = visit.must_have_any("pause"), filled(body).as_a(PauseForm)
    until = now() + timedelta(hours=given.hours)
    order = Order(
        given.level,
        given.target_id,
        given.ground,
        given.reason,
        given.resume_plan,
        until,
        given.confidence_id,
    )
    return go(f"{_HERE}/{pauses.propose(visit.session, caller, order).id}")


@router.get("/desk/pauses/{pause_id}")
def show_pause(visit: VisitOf, pause_id: str) -> Response:
    """One pause."""
    caller = visit.must_have_any("pause")
    found = pauses.get_pause(visit.session, pause_id)
    page = PausePage(
        title=visit.say("Pause"), pause=_told(found), directions=_DIRECTIONS,
        is_own=found.proposed_by == caller.person_id, whom=_whom(visit.session, found),
    )  # fmt: skip
    return visit.show(page)


def _whom(session: Session, pause: Pause) -> str:
    if pause.target_id is None:
        return ""
    if pause.level == Level.COHORT:
        return admission.find_cohort(session, pause.target_id).name
    if pause.level == Level.PERSON:
        return accounts.names_of(session, [pause.target_id]).get(pause.target_id, "")
    return ""


@router.post("/desk/pauses/{pause_id}/second")
def second(visit: VisitOf, pause_id: str) -> Response:
    """Agree, as another steward."""
    pauses.second(visit.session, visit.must_have_any("pause"), pause_id)
    return go(f"{_HERE}/{pause_id}")


@router.post("/desk/pauses/{pause_id}/lift")
def lift(visit: VisitOf, body: BodyOf, pause_id: str) -> Response:
    """End it before it lapses."""
    caller, asked = visit.must_have_any("pause"), body.as_a(EndPause)
    pauses.end(visit.session, caller, pause_id, asked.reason)
    return go(f"{_HERE}/{pause_id}")


def _binding(visit: Visit) -> Sequence[Confidence]:
    """The items that somebody can break now."""
    found = confidences.list_asked(visit.session, visit.member, None, _MOST_ITEMS)
    return [item for item, _ in found if confidences.state_of(item) == "in force"]


def _told(pause: Pause) -> PauseObject:
    return pause_object(pause, pauses.seconds_to_stop(pause), True, now())
