"""All parts that pages are made of, on one page, for whoever builds or reviews them."""

from dataclasses import dataclass
from typing import ClassVar

from fastapi import Response

from unstrung.studio.pages.site import Page
from unstrung.studio.pages.visits import VisitOf, page_router

router = page_router()


@dataclass(frozen=True, kw_only=True)
class PatternsPage(Page):
    """The design system."""

    template: ClassVar[str] = "patterns.html"


@router.get("/patterns")
def show_patterns(visit: VisitOf) -> Response:
    """The design system."""
    return visit.show(PatternsPage(title=visit.say("Patterns")))
