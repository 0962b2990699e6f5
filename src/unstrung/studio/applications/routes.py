"""Routes of applications and criteria: parse, call, tell.

An applicant's token travels as `Authorization: Bearer app_...`, never in the address: addresses end up in the
logs of proxies, in histories and in the referrers of links.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy.orm import Session

from unstrung.studio import cookies
from unstrung.studio.access.service import Caller
from unstrung.studio.admission.routes import PathId
from unstrung.studio.appeals import service as appeals
from unstrung.studio.applications import service
from unstrung.studio.applications.models import Application
from unstrung.studio.applications.schemas import (
    AdmitApplication,
    ApplicationCreated,
    ApplicationList,
    ApplicationObject,
    CreateApplication,
    CriteriaList,
    CriteriaObject,
    ListApplications,
    OwnInvitation,
    PublishCriteria,
    ReasonsObject,
    RefuseApplication,
    application_row,
    criteria_object,
)
from unstrung.studio.applications.service import Refusal, Wish
from unstrung.studio.dependencies import (
    BodyOf,
    CallerOf,
    StudioOf,
    Transaction,
    bearer,
    body_schema,
    caller_of,
    studio_of,
)
from unstrung.studio.errors import Unauthenticated
from unstrung.studio.lotteries import service as lotteries
from unstrung.studio.visitors import VisitorBodyOf, VisitorOf, address_of
from unstrung.studio.waitlist import service as waitlist
from unstrung.studio.waitlist.schemas import forecast_object

router = APIRouter(prefix="/programme/v1", tags=["applications"])


@dataclass(frozen=True)
class Reader:
    """Who wants to read an application: its applicant by the token, or a steward by a key."""

    token: str | None
    steward: Caller | None


async def _token_of(request: Request, _: VisitorOf) -> str:
    """The token of an applicant.

    Raises:
        Unauthenticated: if there is none.
        TooMany: beyond the rate of the address.
    """
    token = bearer(request)
    if token is None:
        raise Unauthenticated(
            "No token was given; send the one that you got when you applied, as "
            "'Authorization: Bearer app_...'.",
            code="missing_application_token",
        )
    return token


TokenOf = Annotated[str, Depends(_token_of)]


async def _reader_of(request: Request, response: Response, visitor: VisitorOf) -> Reader:
    token = bearer(request)
    has_session = cookies.held(request, studio_of(request).settings) is not None
    if (token is None and has_session) or (token or "").startswith("ust_"):
        return Reader(None, await caller_of(request, response))
    return Reader(await _token_of(request, visitor), None)


ReaderOf = Annotated[Reader, Depends(_reader_of)]


async def _applicant_of(request: Request, _: VisitorOf) -> None:
    """Count an application of the address.

    Raises:
        TooMany: beyond the rate.
    """
    await studio_of(request).rates.spend_application(address_of(request))


@router.get("/criteria")
def list_criteria(
    _: VisitorOf,
    session: Transaction,
    cohort_id: Annotated[str | None, Query(max_length=64, pattern=r"^[\w-]+$")] = None,
) -> CriteriaList:
    """What applications are judged by, every version; everybody may see it."""
    found = service.list_criteria(session, cohort_id)
    return CriteriaList(data=[criteria_object(each) for each in found])


@router.post("/criteria", openapi_extra=body_schema(PublishCriteria))
def publish_criteria(caller: CallerOf, body: BodyOf, session: Transaction) -> CriteriaObject:
    """Publish a version of a cohort's criteria (stewards)."""
    asked = body.as_a(PublishCriteria)
    return criteria_object(
        service.publish_criteria(
            session, caller, asked.cohort_id, asked.text, asked.clauses, asked.questions
        )
    )


@router.post(
    "/applications",
    openapi_extra=body_schema(CreateApplication),
    dependencies=[Depends(_applicant_of)],
)
def create_application(body: VisitorBodyOf, session: Transaction) -> ApplicationCreated:
    """Apply for a seat without an account; the answer alone holds the token that reads the application."""
    asked = body.as_a(CreateApplication)
    wish = Wish(
        asked.cohort_id, asked.name, asked.contact, tuple(asked.roles), asked.wish,
        tuple(asked.links), asked.language, tuple(asked.answers.items()),
    )  # fmt: skip
    application, token = service.apply(session, wish)
    if asked.phrase is not None:
        lotteries.contribute(session, application.id, token, asked.phrase, None)
    return ApplicationCreated(**_told(session, application).model_dump(), token=token)


@router.get("/applications")
def list_applications(
    caller: CallerOf, session: Transaction, wanted: Annotated[ListApplications, Query()]
) -> ApplicationList:
    """Applications of a cohort in the order of its waitlist (stewards)."""
    found = service.list_applications(
        session, caller, wanted.cohort_id, wanted.state, wanted.limit + 1, wanted.skip
    )
    page = found[: wanted.limit]
    same = service.num_same_contact(session, page)
    return ApplicationList(
        data=[application_row(each, same[each.id]) for each in page],
        has_more=len(found) > wanted.limit,
    )


@router.get("/applications/{application_id}")
def get_application(
    reader: ReaderOf, session: Transaction, application_id: PathId
) -> ApplicationObject:
    """An application, its place and its decision: for whoever has its token, and for stewards."""
    if reader.token is not None:
        return _told(session, service.get_own(session, application_id, reader.token))
    return _told(session, service.get_application(session, reader.steward, application_id))


@router.get("/applications/{application_id}/receipt", response_class=Response)
def get_receipt(
    studio: StudioOf, token: TokenOf, session: Transaction, application_id: PathId
) -> Response:
    """The receipt that proves when an application was made; `unstrung log verify` checks it offline."""
    application = service.get_own(session, application_id, token)
    entry = service.receipt_entry(session, application)
    return Response(studio.log.receipt(entry), media_type="text/plain; charset=utf-8")


@router.post("/applications/{application_id}/withdraw")
def withdraw_application(
    token: TokenOf, session: Transaction, application_id: PathId
) -> ApplicationObject:
    """Take an application back; what was written in it is erased."""
    withdrawn = service.withdraw(session, application_id, token)
    appeals.forget_words(session, application_id)
    return _told(session, withdrawn)


@router.post("/applications/{application_id}/invitation")
def take_invitation(token: TokenOf, session: Transaction, application_id: PathId) -> OwnInvitation:
    """The code of an admitted applicant's invitation, made anew each time it is asked for."""
    code, expires_at = service.take_invitation(session, application_id, token)
    return OwnInvitation(code=code, expires_at=expires_at)


@router.post("/applications/{application_id}/admit", openapi_extra=body_schema(AdmitApplication))
def admit_application(
    caller: CallerOf, body: BodyOf, session: Transaction, application_id: PathId
) -> ApplicationObject:
    """Keep a free seat for the applicant whose turn it is (stewards)."""
    asked = body.as_a(AdmitApplication)
    admitted = service.admit(session, caller, application_id, asked.role, asked.out_of_turn)
    return _told(session, admitted)


@router.post("/applications/{application_id}/refuse", openapi_extra=body_schema(RefuseApplication))
def refuse_application(
    caller: CallerOf, body: BodyOf, session: Transaction, application_id: PathId
) -> ApplicationObject:
    """Refuse an application with a statement of reasons (stewards)."""
    asked = body.as_a(RefuseApplication)
    refusal = Refusal(asked.clause, asked.facts, asked.change)
    service.refuse(session, caller, application_id, refusal)
    return _told(session, service.get_application(session, caller, application_id))


def _told(session: Session, application: Application) -> ApplicationObject:
    place = waitlist.place_of(session, application)
    waits = place.position is not None
    return ApplicationObject(
        id=application.id, cohort_id=application.cohort_id, criteria_id=application.criteria_id,
        state=application.state, ticket=application.ticket, name=application.name,
        contact=application.contact, roles=application.roles, wish=application.wish,
        links=application.links, language=application.language, answers=application.answers,
        created_at=application.created_at, decided_at=application.decided_at,
        position=place.position, draw_place=application.draw_place, rule=waitlist.RULE,
        forecast=(
            forecast_object(place.forecast_days, place.free_seats, place.freed_seats)
            if waits else None
        ),
        reasons=_reasons(session, application),
        invitation=service.invitation_of(session, application),
    )  # fmt: skip


def _reasons(session: Session, application: Application) -> ReasonsObject | None:
    statement = service.statement_of(session, application)
    if statement is None:
        return None
    return ReasonsObject(
        statement_id=statement.id,
        clause=statement.clause,
        clause_text=statement.incompatible_content_explanation or "",
        facts=statement.decision_facts,
        what_would_change_it=statement.suggested_change or "",
        automated_decision=statement.automated_decision,
        decided_at=statement.application_date,
        reversed_at=statement.reversed_at,
    )
