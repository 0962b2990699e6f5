"""Routes of consents: parse, call, tell."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from unstrung.studio.consents import service
from unstrung.studio.consents.models import Use
from unstrung.studio.consents.schemas import (
    ChangeConsent,
    ConsentObject,
    ConsentState,
    ExportConsented,
    consent_object,
)
from unstrung.studio.dependencies import BodyOf, CallerOf, StudioOf, Transaction, body_schema

router = APIRouter(prefix="/programme/v1", tags=["consents"])


@router.get("/consents")
def get_consents(caller: CallerOf, session: Transaction) -> ConsentState:
    """The caller's own consents: what holds, and every change with its receipt."""
    found = service.words_of(session, caller)
    return ConsentState(
        current=found.general,
        videos=found.videos,
        history=[consent_object(each) for each in found.history],
    )


@router.put("/consents/{use}", openapi_extra=body_schema(ChangeConsent))
def change_consent(caller: CallerOf, body: BodyOf, session: Transaction, use: Use) -> ConsentObject:
    """Give or withdraw one of the four consents, for everything or for one video."""
    asked = body.as_a(ChangeConsent)
    return consent_object(service.change(session, caller, use, asked.given, asked.video_id))


@router.get(
    "/consents/export",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/jsonl": {}}, "description": "JSON lines."}},
)
def export_consented(
    studio: StudioOf, caller: CallerOf, wanted: Annotated[ExportConsented, Query()]
) -> StreamingResponse:
    """Videos whose owners consent to a use at this moment, as JSON lines; for stewards."""
    with studio.database.transaction() as session:
        service.must_be_exporter(session, caller)

    def lines() -> Iterator[str]:
        for each in service.export(studio.database, wanted.use):
            yield each.model_dump_json() + "\n"

    return StreamingResponse(lines(), media_type="application/jsonl")
