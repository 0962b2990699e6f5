"""Routes of confidences: parse, call, tell."""

from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session

from unstrung.studio.access.service import Caller
from unstrung.studio.admission.routes import PathId
from unstrung.studio.confidences import service
from unstrung.studio.confidences.models import Answer, Confidence
from unstrung.studio.confidences.schemas import (
    AskConfidence,
    AskedConfidence,
    AskedList,
    ConfidenceList,
    ConfidenceObject,
    ConfidenceReceipts,
    EndConfidence,
    ListConfidences,
    asked_confidence,
    confidence_object,
)
from unstrung.studio.confidences.service import Wanted
from unstrung.studio.dependencies import (
    BodyOf,
    CallerOf,
    FreshCaller,
    Studio,
    StudioOf,
    Transaction,
    body_schema,
)

router = APIRouter(prefix="/programme/v1", tags=["confidences"])


@router.post("/confidences", openapi_extra=body_schema(AskConfidence))
def ask_confidence(caller: FreshCaller, body: BodyOf, session: Transaction) -> AskedConfidence:
    """Ask the members of cohorts to keep one item to themselves until a day (stewards)."""
    asked = body.as_a(AskConfidence)
    wanted = Wanted(
        asked.kind, asked.title, asked.covers, asked.why, asked.begins_at, asked.ends_at,
        tuple(asked.cohort_ids), asked.content, asked.renews,
    )  # fmt: skip
    return _for_stewards(session, service.ask(session, caller, wanted))


@router.get("/confidences")
def list_confidences(
    caller: CallerOf, session: Transaction, wanted: Annotated[ListConfidences, Query()]
) -> ConfidenceList:
    """Items that the caller is or was asked to keep confidential, newest first."""
    found = service.list_confidences(session, caller, wanted.after, wanted.limit + 1)
    data = [
        confidence_object(item, answer, service.state_of(item))
        for item, answer in found[: wanted.limit]
    ]
    return ConfidenceList(data=data, has_more=len(found) > wanted.limit)


@router.get("/confidences/asked")
def list_asked(
    caller: CallerOf, session: Transaction, wanted: Annotated[ListConfidences, Query()]
) -> AskedList:
    """All items and how many accepted each, newest first (stewards)."""
    found = service.list_asked(session, caller, wanted.after, wanted.limit + 1)
    data = [
        asked_confidence(item, num_accepted, service.state_of(item))
        for item, num_accepted in found[: wanted.limit]
    ]
    return AskedList(data=data, has_more=len(found) > wanted.limit)


@router.get("/confidences/{confidence_id}")
def get_confidence(
    studio: StudioOf, caller: CallerOf, session: Transaction, confidence_id: PathId
) -> ConfidenceObject:
    """One item that the caller is or was asked about, with the receipts of asking and ending."""
    return _told(studio, session, caller, confidence_id)


@router.post("/confidences/{confidence_id}/accept")
def accept_confidence(
    studio: StudioOf, caller: CallerOf, session: Transaction, confidence_id: PathId
) -> ConfidenceObject:
    """Promise to keep an item to oneself until its end, with the exceptions that it names, and see it."""
    service.answer(session, caller, confidence_id, Answer.ACCEPTED)
    return _told(studio, session, caller, confidence_id)


@router.post("/confidences/{confidence_id}/decline")
def decline_confidence(
    studio: StudioOf, caller: CallerOf, session: Transaction, confidence_id: PathId
) -> ConfidenceObject:
    """Say no; the item is not shown, and nothing else follows."""
    service.answer(session, caller, confidence_id, Answer.DECLINED)
    return _told(studio, session, caller, confidence_id)


@router.post("/confidences/{confidence_id}/end", openapi_extra=body_schema(EndConfidence))
def end_confidence(
    caller: FreshCaller, body: BodyOf, session: Transaction, confidence_id: PathId
) -> AskedConfidence:
    """End an item before its day, from when on everybody may speak freely (stewards)."""
    asked = body.as_a(EndConfidence)
    return _for_stewards(session, service.end(session, caller, confidence_id, asked.reason))


def _told(studio: Studio, session: Session, caller: Caller, confidence_id: str) -> ConfidenceObject:
    item, answer = service.get_confidence(session, caller, confidence_id)
    asked, ended = (
        studio.log.receipt(entry) if entry is not None else None
        for entry in service.entries_of(session, item)
    )
    receipts = ConfidenceReceipts(asked=asked, ended=ended)
    return confidence_object(item, answer, service.state_of(item), receipts)


def _for_stewards(session: Session, item: Confidence) -> AskedConfidence:
    return asked_confidence(item, service.num_accepted(session, item), service.state_of(item))
