"""Open figures: what anybody may know of the programme, and how to check it; no sign-in, nobody's name."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from importlib.resources import files
from typing import ClassVar, Literal

from fastapi import Response

from unstrung.studio.admission import service as admission
from unstrung.studio.admission.models import Cohort
from unstrung.studio.admission.service import Occupancy
from unstrung.studio.appeals import service as appeals
from unstrung.studio.appeals.service import Figures
from unstrung.studio.charters import service as charters
from unstrung.studio.database import now
from unstrung.studio.errors import WireError
from unstrung.studio.figures import service as figures
from unstrung.studio.log import service as log
from unstrung.studio.lotteries import service as lotteries
from unstrung.studio.lotteries.models import Lottery
from unstrung.studio.pages.site import Page
from unstrung.studio.pages.visits import Visit, VisitOf, page_router
from unstrung.studio.pauses import service as pauses
from unstrung.studio.pauses.schemas import PauseObject, pause_object
from unstrung.studio.stages.models import Stage
from unstrung.studio.visitors import ReaderOf
from unstrung.studio.waitlist import service as waitlist
from unstrung.studio.waitlist.service import Place
from unstrung.transparency.errors import TransparencyError
from unstrung.transparency.tiles import CHECKPOINT

router = page_router()


@dataclass(frozen=True, kw_only=True)
class OpenPage(Page):
    """What anybody may know.

    Attributes:
        stage: how far the release is.
        charter: version in force; empty before the first.
        cohorts: each with how full it is and its waitlist.
        reviews: decisions, and how often they were wrong.
        median, nine_in_ten: times from sharing to decision; None while there is nothing to tell.
        by_clock: share of what was held that the clock released; None while there is nothing to count.
        pauses: that are or were in force, newest first, naming nobody.
        lotteries: newest first.
        log_size: entries of the log.
        checkpoint: newest signed head; empty before the first.
        log_key, log_address: what outsiders check it with.
    """

    template: ClassVar[str] = "open.html"
    stage: Stage
    charter: str
    cohorts: Sequence[tuple[Cohort, Occupancy, Place]]
    reviews: Figures
    median: timedelta | None
    nine_in_ten: timedelta | None
    by_clock: float | None
    pauses: Sequence[PauseObject]
    lotteries: Sequence[Lottery]
    log_size: int
    checkpoint: str
    log_key: str
    log_address: str


@router.get("/open")
def show_open(visit: VisitOf) -> Response:
    """Live figures, for everybody."""
    session, moment = visit.session, now()
    version, counted = charters.in_force(session), appeals.review_figures(session)
    held = counted.decisions + counted.overdue_releases
    page = OpenPage(
        title=visit.say("Open figures"), stage=admission.current_stage(session),
        charter=version.version if version else "",
        cohorts=[
            (cohort, full, waitlist.waitlist_of(session, cohort))
            for cohort, full in admission.list_cohorts(session)
        ],
        reviews=counted, median=_span(counted.median_review_s),
        nine_in_ten=_span(figures.review_time_of_nine_in_ten(session)),
        by_clock=counted.overdue_releases / held if held else None,
        pauses=[
            pause_object(each, pauses.seconds_to_stop(each), False, moment)
            for each in pauses.list_pauses(session)
        ],
        lotteries=lotteries.list_lotteries(session), log_size=log.num_published(session),
        checkpoint=_checkpoint(visit), log_key=str(visit.studio.log.verifier),
        log_address=f"{visit.studio.settings.base_url}/programme/v1/log",
    )  # fmt: skip
    return visit.show(page)


@router.get("/open/{card}-card")
def show_card(_: ReaderOf, card: Literal["model", "data"]) -> Response:
    """What the shipped model is, and what it learned from, as text."""
    path = files("unstrung.engine") / "weights" / f"{card.upper()}_CARD.md"
    return Response(path.read_text("utf-8"), media_type="text/plain; charset=utf-8")


def _span(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=round(seconds))


def _checkpoint(visit: Visit) -> str:
    try:
        return visit.studio.log.read(CHECKPOINT).decode()
    except (TransparencyError, WireError):  # nothing is published before the first act
        return ""
