"""Routes of hearings: parse, call, tell."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from unstrung.studio.access.service import Caller
from unstrung.studio.appeals.schemas import AppealObject, appeal_object
from unstrung.studio.database import now
from unstrung.studio.dependencies import (
    BodyOf,
    CallerOf,
    Studio,
    StudioOf,
    Transaction,
    body_schema,
)
from unstrung.studio.errors import NotFound
from unstrung.studio.hearings import service
from unstrung.studio.hearings.schemas import (
    DecideAppeal,
    HearingList,
    HearingObject,
    HeldHearingObject,
    ListHearings,
    heard_application,
)
from unstrung.studio.hearings.service import Hearing
from unstrung.studio.shares.routes import FILES
from unstrung.studio.showing import (
    Expires,
    ShownVariant,
    Signature,
    Viewer,
    links_to,
    must_be_signed,
    sent,
)
from unstrung.studio.statements.schemas import statement_object

router = APIRouter(prefix="/programme/v1", tags=["hearings"])


@router.get("/hearings")
def list_hearings(
    caller: CallerOf, session: Transaction, wanted: Annotated[ListHearings, Query()]
) -> HearingList:
    """Appeals that the caller may hear or was drawn for, oldest due first."""
    found = service.list_hearings(session, caller, wanted.limit)
    return HearingList(data=[_listed(each, caller) for each in found])


@router.get("/hearings/{appeal_id}")
def get_hearing(
    studio: StudioOf, caller: CallerOf, session: Transaction, appeal_id: str
) -> HeldHearingObject:
    """Decision, appeal and clip, for the one who took it and for its panel."""
    return _told(studio, caller, service.get_hearing(session, caller, appeal_id))


@router.post("/hearings/{appeal_id}/take")
def take_hearing(
    studio: StudioOf, caller: CallerOf, session: Transaction, appeal_id: str
) -> HeldHearingObject:
    """Take an appeal to hear it, for two days."""
    return _told(studio, caller, service.take(session, caller, appeal_id))


@router.post("/hearings/{appeal_id}/decision", openapi_extra=body_schema(DecideAppeal))
def decide_appeal(
    caller: CallerOf, body: BodyOf, session: Transaction, appeal_id: str
) -> AppealObject:
    """Uphold or overturn the decision, as the one person who took the appeal."""
    asked = body.as_a(DecideAppeal)
    found = service.decide(session, caller, appeal_id, asked.outcome, asked.reasons)
    return appeal_object(found)


@router.post("/hearings/{appeal_id}/vote", openapi_extra=body_schema(DecideAppeal))
def vote_on_appeal(
    caller: CallerOf, body: BodyOf, session: Transaction, appeal_id: str
) -> AppealObject:
    """Vote as a juror who was drawn; two equal votes of three decide."""
    asked = body.as_a(DecideAppeal)
    return appeal_object(service.vote(session, caller, appeal_id, asked.outcome, asked.reasons))


@router.head("/hearings/{appeal_id}/files/{variant}", include_in_schema=False)
@router.get(
    "/hearings/{appeal_id}/files/{variant}", response_class=StreamingResponse, responses=FILES
)
def get_hearing_file(
    request: Request,
    studio: StudioOf,
    appeal_id: str,
    variant: ShownVariant,
    viewer: Viewer,
    expires: Expires,
    signature: Signature,
) -> Response:
    """A file of the clip that an appeal is about, for whoever hears it."""
    must_be_signed(studio, request, viewer, expires, signature)
    with studio.database.transaction() as session:
        video = service.watched(session, viewer, appeal_id)
    if video is None:
        raise NotFound("There is no such clip.", "appeal_id", "video_not_found")
    return sent(request, studio, video, variant)


def _listed(hearing: Hearing, caller: Caller) -> HearingObject:
    appeal, seat = hearing.appeal, hearing.seat
    is_taken = appeal.taken_until is not None and appeal.taken_until > now()
    part: Literal["none", "taken", "juror"] = "none"
    if seat is not None:
        part = "juror"
    elif is_taken and appeal.heard_by == caller.person_id:
        part = "taken"
    return HearingObject(
        id=appeal.id,
        stage=appeal.stage,
        lodged_at=appeal.lodged_at,
        due_at=appeal.due_at,
        clause=hearing.statement.clause,
        category=hearing.statement.category,
        your_part=part,
        has_voted=seat is not None and seat.vote is not None,
    )


def _told(studio: Studio, caller: Caller, hearing: Hearing) -> HeldHearingObject:
    folder = f"/programme/v1/hearings/{hearing.appeal.id}/files"
    video = hearing.video
    return HeldHearingObject(
        **_listed(hearing, caller).model_dump(),
        text=hearing.appeal.text,
        statement=statement_object(hearing.statement),
        prompt=video.prompt if video else hearing.statement.prompt,
        note=hearing.share.note if hearing.share else None,
        links=links_to(studio, folder, caller.person_id) if video else None,
        application=heard_application(hearing.application),
    )
