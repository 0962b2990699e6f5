"""The first page: what this is, for whoever is not signed in."""

from dataclasses import dataclass
from typing import ClassVar

from fastapi import Response

from unstrung.studio.pages.site import PREFIX, Page
from unstrung.studio.pages.visits import VisitOf, go, page_router

router = page_router()


@dataclass(frozen=True, kw_only=True)
class HomePage(Page):
    """What this is."""

    template: ClassVar[str] = "home.html"


@router.get("")
def show_home(visit: VisitOf) -> Response:
    """What this is; whoever is signed in goes on to work."""
    if visit.caller is not None:
        return go(f"{PREFIX}/create")
    return visit.show(HomePage(title=visit.say("Open text to video")))
