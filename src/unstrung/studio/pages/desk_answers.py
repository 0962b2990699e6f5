"""Feedback and confidences at the desk: notes are answered without names, silence is asked per item."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, ClassVar, Final

from fastapi import Response
from pydantic import BeforeValidator, Field

from unstrung.studio.admission import service as admission
from unstrung.studio.admission.models import Cohort
from unstrung.studio.admission.schemas import Line, Paragraphs, PublicReason, RowId
from unstrung.studio.confidences import service as confidences
from unstrung.studio.confidences.models import Confidence, ConfidenceKind
from unstrung.studio.confidences.schemas import EndConfidence, KindWord
from unstrung.studio.confidences.service import Wanted
from unstrung.studio.database import now
from unstrung.studio.dependencies import BodyOf
from unstrung.studio.feedback import service as feedback
from unstrung.studio.feedback.models import Feedback, FeedbackStatus
from unstrung.studio.feedback.schemas import AnswerFeedback
from unstrung.studio.fields import StrictRequest
from unstrung.studio.pages.create import filled
from unstrung.studio.pages.site import PREFIX, Page
from unstrung.studio.pages.visits import VisitOf, go, page_router

router = page_router()
_PAGE: Final = 24


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


class ConfidenceForm(StrictRequest):
    """An item that is confidential for some days, from now on."""

    kind: KindWord
    title: Line
    covers: Paragraphs
    why: PublicReason
    content: Paragraphs | None = None
    days: int = Field(ge=1, le=180)
    cohort_ids: Annotated[list[RowId], BeforeValidator(_as_list)] = Field(
        min_length=1, max_length=50
    )


@dataclass(frozen=True, kw_only=True)
class FeedbackPage(Page):
    """Notes of everybody.

    Attributes:
        found: newest first.
        names: by note, of those who want to be named.
        status: that is shown; empty for all.
        statuses: that a note may have.
        after: id to go on after; empty at the end.
    """

    template: ClassVar[str] = "desk/feedback.html"
    found: Sequence[Feedback]
    names: dict[str, str]
    status: str
    after: str
    statuses: tuple[FeedbackStatus, ...] = tuple(FeedbackStatus)


@dataclass(frozen=True, kw_only=True)
class ConfidencesPage(Page):
    """What people are asked to keep to themselves, and the next item.

    Attributes:
        found: items, how many accepted each, and the state of each, newest first.
        cohorts: whose members can be asked.
        kinds: of items.
        after: id to go on after; empty at the end.
    """

    template: ClassVar[str] = "desk/confidences.html"
    found: Sequence[tuple[Confidence, int, str]]
    cohorts: Sequence[Cohort]
    after: str
    kinds: tuple[ConfidenceKind, ...] = tuple(ConfidenceKind)


@router.get("/desk/feedback")
def show_feedback(visit: VisitOf, status: FeedbackStatus | str = "", after: str = "") -> Response:
    """What people say of moments of their clips."""
    caller, session = visit.must_have_any("answer-feedback"), visit.session
    wanted = FeedbackStatus(status) if status in set(FeedbackStatus) else None
    found, has_more = feedback.list_all(session, caller, wanted, None, after or None, _PAGE)
    page = FeedbackPage(
        title=visit.say("Feedback"), found=found, names=feedback.credits(session, found),
        status=str(wanted or ""), after=found[-1].id if has_more else "",
    )  # fmt: skip
    return visit.show(page)


@router.post("/desk/feedback/{note_id}")
def answer_feedback(visit: VisitOf, body: BodyOf, note_id: str) -> Response:
    """Say what becomes of a note."""
    caller, asked = visit.must_have_any("answer-feedback"), filled(body).as_a(AnswerFeedback)
    feedback.answer(visit.session, caller, note_id, asked.status, asked.reason)
    return go(f"{PREFIX}/desk/feedback")


@router.get("/desk/confidences")
def show_confidences(visit: VisitOf, after: str = "") -> Response:
    """What is confidential, and until when."""
    caller, session = visit.must_have_any("ask-confidence"), visit.session
    found = confidences.list_asked(session, caller, after or None, _PAGE + 1)
    page = ConfidencesPage(
        title=visit.say("Confidences"),
        found=[(item, num, confidences.state_of(item)) for item, num in found[:_PAGE]],
        cohorts=[cohort for cohort, _ in admission.list_cohorts(session)],
        after=found[_PAGE - 1][0].id if len(found) > _PAGE else "",
    )  # fmt: skip
    return visit.show(page)


@router.post("/desk/confidences")
def ask_confidence(visit: VisitOf, body: BodyOf) -> Response:
    """Ask the members of cohorts to keep one item to themselves."""
    caller, asked = visit.must_have_any("ask-confidence"), filled(body).as_a(ConfidenceForm)
    ends_at = now() + timedelta(days=asked.days)
    wanted = Wanted(
        asked.kind, asked.title, asked.covers, asked.why, None, ends_at, tuple(asked.cohort_ids),
        asked.content,
    )  # fmt: skip
    confidences.ask(visit.session, caller, wanted)
    return go(f"{PREFIX}/desk/confidences")


@router.post("/desk/confidences/{confidence_id}/end")
def end_confidence(visit: VisitOf, body: BodyOf, confidence_id: str) -> Response:
    """End an item before its day."""
    caller, asked = visit.must_have_any("ask-confidence"), body.as_a(EndConfidence)
    confidences.end(visit.session, caller, confidence_id, asked.reason)
    return go(f"{PREFIX}/desk/confidences")
