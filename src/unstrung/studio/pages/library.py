"""The library: everything of one's own."""

from dataclasses import dataclass
from typing import ClassVar, Final

from fastapi import Response

from unstrung.studio.pages.clips import Clip, clips_of
from unstrung.studio.pages.site import Page
from unstrung.studio.pages.visits import VisitOf, page_router
from unstrung.studio.videos import service as videos

router = page_router()
_PAGE: Final = 24


@dataclass(frozen=True, kw_only=True)
class LibraryPage(Page):
    """A page of one's clips.

    Attributes:
        clips: newest first.
        after: id to go on after; empty at the end.
    """

    template: ClassVar[str] = "library.html"
    clips: list[Clip]
    after: str


@router.get("/library")
def show_library(visit: VisitOf, after: str | None = None) -> Response:
    """One's clips."""
    found, has_more = videos.list_videos(visit.session, visit.member, after, _PAGE, True)
    page = LibraryPage(
        title=visit.say("Library"), clips=clips_of(visit, found),
        after=found[-1].id if has_more else "",
    )  # fmt: skip
    return visit.show(page)
