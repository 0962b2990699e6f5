"""Appeals at the desk: only those that the reader may hear, with both sides' words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

from fastapi import Response

from unstrung.studio.database import now
from unstrung.studio.dependencies import BodyOf
from unstrung.studio.hearings import service as hearings
from unstrung.studio.hearings.schemas import DecideAppeal
from unstrung.studio.hearings.service import Hearing
from unstrung.studio.pages.site import PREFIX, Page
from unstrung.studio.pages.visits import VisitOf, go, page_router
from unstrung.studio.showing import links_to

router = page_router()
_MOST: Final = 50
_HERE: Final = f"{PREFIX}/desk/hearings"


@dataclass(frozen=True, kw_only=True)
class HearingsPage(Page):
    """Appeals that the reader may hear.

    Attributes:
        found: oldest due first.
        reader_id: id of the reader, who may have taken some.
        moment_now: when the page was made.
        done: whether something was decided just now.
    """

    template: ClassVar[str] = "desk/hearings.html"
    found: Sequence[Hearing]
    reader_id: str
    moment_now: datetime
    done: bool


@dataclass(frozen=True, kw_only=True)
class HearingPage(Page):
    """An appeal that the reader hears.

    Attributes:
        hearing: appeal, decision and clip, without names.
        video: address of the clip; empty if there is none.
    """

    template: ClassVar[str] = "desk/hearing.html"
    hearing: Hearing
    video: str


@router.get("/desk/hearings")
def show_hearings(visit: VisitOf, done: str = "") -> Response:
    """Appeals that wait for the reader."""
    caller = visit.must_have_any("review", "hear-appeals")
    page = HearingsPage(
        title=visit.say("Appeals"), reader_id=caller.person_id, moment_now=now(), done=bool(done),
        found=hearings.list_hearings(visit.session, caller, _MOST),
    )  # fmt: skip
    return visit.show(page)


@router.get("/desk/hearings/{appeal_id}")
def show_hearing(visit: VisitOf, appeal_id: str) -> Response:
    """An appeal, for the one who took it and for its panel."""
    caller = visit.must_have_any("review", "hear-appeals")
    found = hearings.get_hearing(visit.session, caller, appeal_id)
    folder = f"/programme/v1/hearings/{appeal_id}/files"
    links = links_to(visit.studio, folder, caller.person_id) if found.video else None
    base = visit.studio.settings.base_url
    page = HearingPage(
        title=visit.say("Hear an appeal"), hearing=found,
        video=links.video.removeprefix(base) if links else "",
    )  # fmt: skip
    return visit.show(page)


@router.post("/desk/hearings/{appeal_id}/take")
def take(visit: VisitOf, appeal_id: str) -> Response:
    """Take an appeal for two days."""
    hearings.take(visit.session, visit.must_have_any("review", "hear-appeals"), appeal_id)
    return go(f"{_HERE}/{appeal_id}")


@router.post("/desk/hearings/{appeal_id}/decide")
def decide(visit: VisitOf, body: BodyOf, appeal_id: str) -> Response:
    """Uphold or overturn, or vote to, as a juror who was drawn."""
    caller = visit.must_have_any("review", "hear-appeals")
    asked = body.as_a(DecideAppeal)
    is_juror = hearings.get_hearing(visit.session, caller, appeal_id).seat is not None
    rule = hearings.vote if is_juror else hearings.decide
    rule(visit.session, caller, appeal_id, asked.outcome, asked.reasons)
    return go(f"{_HERE}?done=1")
