"""Routes of appeals: parse, call, tell."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query

from unstrung.studio.admission.routes import PathId
from unstrung.studio.appeals import service
from unstrung.studio.appeals.models import Appeal
from unstrung.studio.appeals.schemas import (
    AppealList,
    AppealObject,
    AppealRefusal,
    CreateAppeal,
    ListAppeals,
    appeal_object,
)
from unstrung.studio.applications.routes import TokenOf
from unstrung.studio.dependencies import BodyOf, CallerOf, Transaction, body_schema
from unstrung.studio.visitors import VisitorBodyOf

router = APIRouter(prefix="/programme/v1", tags=["appeals"])


@router.post("/appeals", openapi_extra=body_schema(CreateAppeal))
def create_appeal(caller: CallerOf, body: BodyOf, session: Transaction) -> AppealObject:
    """Appeal against a decision that concerns the caller: first to one person, then to a panel of testers."""
    asked = body.as_a(CreateAppeal)
    return appeal_object(service.lodge(session, caller, asked.statement_id, asked.text))


@router.get("/appeals")
def list_appeals(
    caller: CallerOf, session: Transaction, wanted: Annotated[ListAppeals, Query()]
) -> AppealList:
    """The caller's own appeals, newest first."""
    found, has_more = service.list_appeals(session, caller, wanted.after, wanted.limit)
    return _listed(found, has_more)


@router.get("/appeals/{appeal_id}")
def get_appeal(caller: CallerOf, session: Transaction, appeal_id: str) -> AppealObject:
    """Where an appeal of the caller's own stands."""
    return appeal_object(service.get_appeal(session, caller, appeal_id))


@router.post("/applications/{application_id}/appeals", openapi_extra=body_schema(AppealRefusal))
def appeal_refusal(
    token: TokenOf, body: VisitorBodyOf, session: Transaction, application_id: PathId
) -> AppealObject:
    """Appeal, without an account, against the refusal of one's application: to a person, then to testers."""
    asked = body.as_a(AppealRefusal)
    return appeal_object(service.lodge_for_applicant(session, application_id, token, asked.text))


@router.get("/applications/{application_id}/appeals")
def list_own_appeals(token: TokenOf, session: Transaction, application_id: PathId) -> AppealList:
    """The appeals of an applicant and how they stand, for whoever has the application's token."""
    return _listed(service.list_for_applicant(session, application_id, token), False)


def _listed(found: Sequence[Appeal], has_more: bool) -> AppealList:
    return AppealList(
        data=[appeal_object(each) for each in found],
        first_id=found[0].id if found else None,
        last_id=found[-1].id if found else None,
        has_more=has_more,
    )
