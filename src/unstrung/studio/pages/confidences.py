"""Items that a member is asked to keep confidential: each answered freely, each with an end."""

from dataclasses import dataclass
from typing import ClassVar, Final

from fastapi import Response

from unstrung.studio.confidences import service
from unstrung.studio.confidences.models import Answer
from unstrung.studio.confidences.schemas import ConfidenceObject, confidence_object
from unstrung.studio.pages.site import PREFIX, Page
from unstrung.studio.pages.visits import VisitOf, go, page_router

router = page_router()
BASE: Final = f"{PREFIX}/programme/confidences"
_MOST: Final = 100


@dataclass(frozen=True, kw_only=True)
class ConfidencesPage(Page):
    """What one is or was asked to keep confidential.

    Attributes:
        items: newest first.
    """

    template: ClassVar[str] = "programme/confidences.html"
    items: list[ConfidenceObject]


@router.get("/programme/confidences")
def show_confidences(visit: VisitOf) -> Response:
    """What one is or was asked to keep confidential."""
    found = service.list_confidences(visit.session, visit.member, None, _MOST)
    items = [confidence_object(item, given, service.state_of(item)) for item, given in found]
    return visit.show(ConfidencesPage(title=visit.say("Confidential items"), items=items))


@router.post("/programme/confidences/{confidence_id}/{word}")
def answer(visit: VisitOf, confidence_id: str, word: Answer) -> Response:
    """Say yes or no to one item; a no costs nothing else."""
    service.answer(visit.session, visit.member, confidence_id, word)
    return go(BASE)
