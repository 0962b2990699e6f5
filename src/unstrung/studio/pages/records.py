"""What is one's own to take along, or to have erased: receipts, the export, the erasure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from fastapi import Request, Response

from unstrung.studio import cookies
from unstrung.studio.admission.routes import PathId
from unstrung.studio.dependencies import BodyOf, CallerOf, StudioOf
from unstrung.studio.exports.routes import erase_everything
from unstrung.studio.exports.schemas import ErasureObject
from unstrung.studio.exports.service import KEPT
from unstrung.studio.log import service as log
from unstrung.studio.log.models import LogEntry
from unstrung.studio.pages.site import Page, answer
from unstrung.studio.pages.visits import VisitOf, page_router, reader_of
from unstrung.studio.videos import service as videos

router = page_router()
_PAGE: Final = 30


@dataclass(frozen=True, kw_only=True)
class ReceiptsPage(Page):
    """One's own acts in the log.

    Attributes:
        entries: newest first.
        after: id to go on after; empty at the end.
        origin, key: name of the log, and what its heads are checked with.
    """

    template: ClassVar[str] = "programme/receipts.html"
    entries: Sequence[LogEntry]
    after: str
    origin: str
    key: str


@dataclass(frozen=True, kw_only=True)
class ExportPage(Page):
    """Everything of one's own in one archive.

    Attributes:
        has_clips: whether there is a clip in it.
    """

    template: ClassVar[str] = "programme/export.html"
    has_clips: bool


@dataclass(frozen=True, kw_only=True)
class ErasePage(Page):
    """What an erasure takes and leaves, before it.

    Attributes:
        person_id: the reader's own.
        kept: what stays, each with its reason.
    """

    template: ClassVar[str] = "programme/erase.html"
    person_id: str
    kept: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class ErasedPage(Page):
    """What was erased, and what is left.

    Attributes:
        erased: the answer of the service.
        num_rows: that were deleted.
    """

    template: ClassVar[str] = "programme/erased.html"
    erased: ErasureObject
    num_rows: int


@router.get("/programme/receipts")
def show_receipts(visit: VisitOf, after: str | None = None) -> Response:
    """One's own acts, newest first."""
    found = log.list_entries(visit.session, visit.member, after, _PAGE + 1)
    verifier = visit.studio.log.verifier
    page = ReceiptsPage(
        title=visit.say("Receipts"), entries=found[:_PAGE],
        after=found[_PAGE - 1].id if len(found) > _PAGE else "",
        origin=verifier.name, key=str(verifier),
    )  # fmt: skip
    return visit.show(page)


@router.get("/programme/receipts/{receipt_id}")
def download_receipt(visit: VisitOf, receipt_id: PathId) -> Response:
    """One receipt as a small text file that `unstrung log verify` checks offline."""
    entry = log.get_entry(visit.session, visit.member, receipt_id)
    headers = {"content-disposition": f'attachment; filename="{entry.id}.tlog-proof"'}
    return Response(visit.studio.log.receipt(entry), 200, headers, "text/plain; charset=utf-8")


@router.get("/programme/log.key")
def download_key(visit: VisitOf) -> Response:
    """The key of the log, which receipts are checked with."""
    headers = {"content-disposition": 'attachment; filename="log.key"'}
    text = f"{visit.studio.log.verifier}\n"
    return Response(text, 200, headers, "text/plain; charset=utf-8")


@router.get("/programme/export")
def show_export(visit: VisitOf) -> Response:
    """What an export holds, and the way to it."""
    found, _ = videos.list_videos(visit.session, visit.member, None, 1, True)
    return visit.show(ExportPage(title=visit.say("Export"), has_clips=bool(found)))


@router.get("/programme/erase")
def show_erase(visit: VisitOf) -> Response:
    """What an erasure takes and leaves."""
    page = ErasePage(
        title=visit.say("Erase everything"), person_id=visit.member.person_id, kept=dict(KEPT)
    )
    return visit.show(page)


@router.post("/programme/erase")
def erase(request: Request, studio: StudioOf, caller: CallerOf, body: BodyOf) -> Response:
    """Erase everything, the session of this browser with it; transactions are the service's own."""
    erased = erase_everything(studio, caller, body)
    reader = reader_of(request)
    page = ErasedPage(
        title=reader.language.words.gettext("Erased"), erased=erased,
        num_rows=sum(erased.deleted.values()),
    )  # fmt: skip
    given = answer(request, reader, page)
    cookies.clear(given, studio.settings)
    request.state.next_token = None
    return given
