"""Routes of export and erasure: parse, call, tell."""

from itertools import chain
from typing import Any, Final

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from unstrung.studio.database import now
from unstrung.studio.dependencies import BodyOf, CallerOf, StudioOf, body_schema
from unstrung.studio.exports import service
from unstrung.studio.exports.schemas import EraseMe, ErasureObject, Remains

router = APIRouter(prefix="/programme/v1", tags=["export and erasure"])
_ARCHIVE: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "A ZIP archive, which describes itself in its README.txt.",
        "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.get("/export", response_class=StreamingResponse, responses=_ARCHIVE)
def export_everything(studio: StudioOf, caller: CallerOf) -> StreamingResponse:
    """Everything of the caller's in one archive of open formats, paused or not."""
    chunks = service.archive(studio.database, studio.storage, caller)
    # The records are read before the answer begins: if they cannot be, it is an error and no torn file.
    first = next(chunks)
    name = f"unstrung-{now():%Y-%m-%d}.zip"
    headers = {
        "content-disposition": f'attachment; filename="{name}"',
        "cache-control": "private, no-store",
    }
    return StreamingResponse(chain((first,), chunks), 200, headers, "application/zip")


@router.delete("/me", openapi_extra=body_schema(EraseMe))
def erase_everything(studio: StudioOf, caller: CallerOf, body: BodyOf) -> ErasureObject:
    """Erase everything of the caller's for good, the key of this request with it."""
    confirm = body.as_a(EraseMe).confirm
    with studio.database.transaction() as session:
        doomed = service.files_to_erase(session, caller, confirm)
    for prefix in doomed:
        studio.storage.delete_prefix(prefix)
    with studio.database.transaction() as session:
        erased = service.erase(session, studio.jobs, caller, confirm)
    # What a worker, or another request, stored in between.
    for prefix in erased.files:
        studio.storage.delete_prefix(prefix)
    return ErasureObject(
        person_id=erased.person_id,
        deleted=erased.deleted,
        remains=[
            Remains(what=each.what, count=each.count, why=each.why) for each in erased.remains
        ],
    )
