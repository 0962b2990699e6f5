"""Explore: what people share with everybody, for whoever comes by; names only by consent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final
from xml.etree import ElementTree

from fastapi import Response

from unstrung.studio.accounts import service as accounts
from unstrung.studio.consents import service as consents
from unstrung.studio.consents.models import Use
from unstrung.studio.database import now
from unstrung.studio.flashes import LIMIT
from unstrung.studio.pages.site import PREFIX, Page
from unstrung.studio.pages.visits import Visit, VisitOf, page_router
from unstrung.studio.shares import service as shares
from unstrung.studio.shares.models import Share
from unstrung.studio.shares.schemas import SharedObject, shared_object
from unstrung.studio.showing import links_to
from unstrung.studio.videos.models import Video

router = page_router()
EXPLORE: Final = f"{PREFIX}/explore"
_PAGE: Final = 24
_ATOM: Final = "http://www.w3.org/2005/Atom"


@dataclass(frozen=True)
class Exhibit:
    """A shared clip as its viewers see it.

    Attributes:
        told: as the API tells it.
        video, thumbnail: addresses of files on this site.
        by: who made it; empty if they did not consent to be named.
        warnings: what to say before it is shown, a sentence each.
        model, num_steps, made_at: how it was made.
    """

    told: SharedObject
    video: str
    thumbnail: str
    by: str
    warnings: list[str]
    model: str
    num_steps: int | None
    made_at: datetime

    @property
    def is_flashing(self) -> bool:
        """Whether it must not play unasked (WCAG 2.3.1)."""
        return (self.told.flashes or 0) > LIMIT


@dataclass(frozen=True, kw_only=True)
class ExplorePage(Page):
    """A page of the public feed.

    Attributes:
        exhibits: newest first.
        after: id to go on after; empty at the end.
        is_first: whether it is the first page.
    """

    template: ClassVar[str] = "explore.html"
    exhibits: list[Exhibit]
    after: str
    is_first: bool


@dataclass(frozen=True, kw_only=True)
class ExhibitPage(Page):
    """One shared clip.

    Attributes:
        exhibit: the clip.
        is_revealed: whether the viewer asked to see it in spite of its warnings.
        reveal: address that asks so, for browsers without scripts.
    """

    template: ClassVar[str] = "explore_clip.html"
    exhibit: Exhibit
    is_revealed: bool
    reveal: str


@router.get("/explore")
def show_explore(visit: VisitOf, after: str | None = None) -> Response:
    """What is shared with everybody, newest first."""
    rows, has_more = shares.list_public(visit.session, after or None, _PAGE)
    page = ExplorePage(
        title=visit.say("Explore"), exhibits=exhibits_of(visit, rows),
        after=rows[-1][0].id if has_more else "", is_first=not after,
    )  # fmt: skip
    return visit.show(page)


@router.get("/explore/feed.atom")
def show_feed(visit: VisitOf) -> Response:
    """The newest clips for feed readers (RFC 4287)."""
    rows, _ = shares.list_public(visit.session, None, _PAGE)
    base = visit.studio.settings.base_url
    feed = ElementTree.Element("feed", xmlns=_ATOM)
    _text(feed, "id", f"{base}{EXPLORE}")
    _text(feed, "title", visit.say("Clips that people share · Unstrung"))
    exhibits = exhibits_of(visit, rows)
    newest = max((each.told.shared_at for each in exhibits), default=now())
    _text(feed, "updated", newest.isoformat())
    ElementTree.SubElement(feed, "link", rel="self", href=f"{base}{EXPLORE}/feed.atom")
    for each in exhibits:
        entry = ElementTree.SubElement(feed, "entry")
        address = f"{base}{EXPLORE}/{each.told.id}"
        _text(entry, "id", address)
        _text(entry, "title", each.told.prompt or visit.say("A clip without its prompt"))
        _text(entry, "updated", each.told.shared_at.isoformat())
        ElementTree.SubElement(entry, "link", rel="alternate", href=address)
        author = ElementTree.SubElement(entry, "author")
        _text(author, "name", each.by or visit.say("Somebody who prefers not to be named"))
        if each.warnings:
            _text(entry, "summary", " ".join(each.warnings))
    content = ElementTree.tostring(feed, encoding="utf-8", xml_declaration=True)
    headers = {"cache-control": "public, max-age=300", "vary": "Accept-Language, Cookie"}
    return Response(content, 200, headers, "application/atom+xml")


@router.get("/explore/{share_id}")
def show_exhibit(visit: VisitOf, share_id: str, token: str = "", show: str = "") -> Response:
    """A shared clip, for whoever it is shared with."""
    shared, video = shares.shown(visit.session, share_id, token or None)
    exhibit = exhibits_of(visit, [(shared, video)])[0]
    page = ExhibitPage(
        title=(exhibit.told.prompt or visit.say("A shared clip"))[:80], exhibit=exhibit,
        is_revealed=bool(show) or not exhibit.warnings,
        reveal=f"{EXPLORE}/{share_id}?show=1{f'&token={shared.token}' if token else ''}",
    )  # fmt: skip
    return visit.show(page)


def exhibits_of(visit: Visit, rows: Sequence[tuple[Share, Video]]) -> list[Exhibit]:
    """Shared clips as they are shown to whoever visits."""
    clips = [video for _, video in rows]
    named = consents.allowing(visit.session, Use.PUBLICITY, clips)
    names = accounts.names_of(visit.session, (each.person_id for each in clips if each.id in named))
    listed = visit.studio.assessor.listed(visit.reader.language.code) if rows else ()
    classes = {each.name: each.what for each in listed}
    viewer = visit.caller.person_id if visit.caller else shares.ANYBODY
    base = visit.studio.settings.base_url
    found = []
    for shared, video in rows:
        links = links_to(visit.studio, f"/programme/v1/shared/{shared.id}/files", viewer)
        recipe: dict[str, Any] = video.recipe or {}
        found.append(
            Exhibit(
                told=shared_object(shared, video, links),
                video=links.video.removeprefix(base),
                thumbnail=links.thumbnail.removeprefix(base),
                by=names.get(video.person_id, "") if video.id in named else "",
                warnings=[classes.get(label, label) for label in shared.labels],
                model=video.resolved_model,
                num_steps=recipe.get("steps"),
                made_at=video.completed_at or video.created_at,
            )
        )
    return found


def _text(parent: ElementTree.Element, name: str, text: str) -> None:
    # What XML cannot hold, no reader of feeds could show.
    ElementTree.SubElement(parent, name).text = "".join(
        letter for letter in text if letter >= " " or letter in "\t\n"
    )
