"""Routes of the log: static files for everybody, receipts for their owners."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from unstrung.studio.dependencies import CallerOf, StudioOf, Transaction
from unstrung.studio.errors import NotFound
from unstrung.studio.log import service
from unstrung.studio.log.schemas import LogObject, ReceiptList, ReceiptObject, receipt_object
from unstrung.studio.visitors import ReaderOf
from unstrung.transparency.errors import TransparencyError
from unstrung.transparency.tiles import CHECKPOINT, parse_path

router = APIRouter(prefix="/programme/v1", tags=["log"])
_FOREVER = "public, max-age=31536000, immutable"


@router.get("/log")
def describe_log(_: ReaderOf, studio: StudioOf) -> LogObject:
    """The name of the log, the key that its heads are signed with, and where its files are."""
    verifier = studio.log.verifier
    url = f"{studio.settings.base_url}/programme/v1/log"
    return LogObject(origin=verifier.name, key=str(verifier), url=url)


@router.get("/log/checkpoint", response_class=Response)
def get_checkpoint(studio: StudioOf) -> Response:
    """The newest signed head, C2SP tlog-checkpoint."""
    return Response(
        _file(studio, CHECKPOINT),
        media_type="text/plain; charset=utf-8",
        headers={"cache-control": "no-cache"},
    )


@router.get("/log/tile/{path:path}", response_class=Response)
def get_tile(studio: StudioOf, path: str) -> Response:
    """A tile of hashes or a bundle of entries, C2SP tlog-tiles; what is full never changes."""
    name = f"tile/{path}"
    try:
        parse_path(name)
    except TransparencyError as error:
        raise NotFound(str(error), "path", "tile_not_found") from error
    return Response(
        _file(studio, name),
        media_type="application/octet-stream",
        headers={"cache-control": _FOREVER},
    )


@router.get("/receipts")
def list_receipts(
    caller: CallerOf,
    session: Transaction,
    after: Annotated[str | None, Query(max_length=64)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> ReceiptList:
    """The caller's own acts, newest first."""
    found = service.list_entries(session, caller, after, limit + 1)
    data: list[ReceiptObject] = [receipt_object(entry) for entry in found[:limit]]
    return ReceiptList(data=data, has_more=len(found) > limit)


@router.get("/receipts/{receipt_id}", response_class=Response)
def get_receipt(
    studio: StudioOf, caller: CallerOf, session: Transaction, receipt_id: str
) -> Response:
    """One receipt as a small text file that `unstrung log verify` checks offline."""
    entry = service.get_entry(session, caller, receipt_id)
    return Response(
        studio.log.receipt(entry),
        media_type="text/plain; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="{entry.id}.txt"'},
    )


def _file(studio: StudioOf, path: str) -> bytes:
    try:
        return studio.log.read(path)
    except TransparencyError as error:
        raise NotFound("The log has no such file.", "path", "tile_not_found") from error
