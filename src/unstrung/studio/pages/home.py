"""The first page: what this is, for whoever is not signed in."""

from dataclasses import dataclass
from typing import ClassVar, Final

from fastapi import Response

from unstrung.studio.pages.explore import Exhibit, exhibits_of
from unstrung.studio.pages.site import PREFIX, Page
from unstrung.studio.pages.visits import VisitOf, go, page_router
from unstrung.studio.shares import service as shares

router = page_router()
_SHOWN: Final = 4
_LOOKED_AT: Final = 24


@dataclass(frozen=True, kw_only=True)
class HomePage(Page):
    """What this is.

    Attributes:
        exhibits: the newest clips that are shared with everybody and need no warning.
    """

    template: ClassVar[str] = "home.html"
    exhibits: list[Exhibit]


@router.get("")
def show_home(visit: VisitOf) -> Response:
    """What this is; whoever is signed in goes on to work."""
    if visit.caller is not None:
        return go(f"{PREFIX}/create")
    rows, _ = shares.list_public(visit.session, None, _LOOKED_AT)
    harmless = [
        each for each in exhibits_of(visit, rows) if not (each.warnings or each.is_flashing)
    ]
    return visit.show(HomePage(title=visit.say("Open text to video"), exhibits=harmless[:_SHOWN]))
