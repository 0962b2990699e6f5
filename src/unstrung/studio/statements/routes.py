"""Routes of statements of reasons: parse, call, tell."""

import json
from collections.abc import Iterator
from typing import Annotated, Final

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from unstrung.studio.database import Database
from unstrung.studio.dependencies import CallerOf, StudioOf, Transaction
from unstrung.studio.statements import service
from unstrung.studio.statements.schemas import (
    ListStatements,
    StatementList,
    StatementObject,
    statement_object,
)
from unstrung.studio.visitors import ReaderOf

router = APIRouter(prefix="/programme/v1", tags=["statements"])
_LINES: Final = "application/x-ndjson"
_BATCH: Final = 500


@router.get("/statements")
def list_statements(
    caller: CallerOf, session: Transaction, wanted: Annotated[ListStatements, Query()]
) -> StatementList:
    """Statements that concern the caller, or many people, newest first."""
    found = service.list_statements(session, caller, wanted.after, wanted.limit + 1)
    page = found[: wanted.limit]
    return StatementList(
        data=[statement_object(each) for each in page],
        first_id=page[0].id if page else None,
        last_id=page[-1].id if page else None,
        has_more=len(found) > len(page),
    )


@router.get(
    "/statements/export",
    response_class=StreamingResponse,
    responses={200: {"description": "JSON lines.", "content": {_LINES: {}}}},
)
def export_statements(_: ReaderOf, studio: StudioOf) -> StreamingResponse:
    """All statements as JSON lines in the fields of the DSA Transparency Database; anybody may have them."""
    return StreamingResponse(_lines(studio.database), media_type=_LINES)


@router.get("/statements/{statement_id}")
def get_statement(caller: CallerOf, session: Transaction, statement_id: str) -> StatementObject:
    """One statement that concerns the caller, or many people."""
    return statement_object(service.get_statement(session, caller, statement_id))


def _lines(database: Database) -> Iterator[bytes]:
    """One batch after the other, each in a short transaction: a slow reader holds no connection."""
    after = ""
    while True:
        with database.transaction() as session:
            batch = service.export_batch(session, after, _BATCH)
        for told in batch:
            yield json.dumps(told, ensure_ascii=False).encode() + b"\n"
        if len(batch) < _BATCH:
            return
        after = batch[-1]["puid"]
