"""Routes of invitations: parse, call, tell."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy.orm import Session

from unstrung.studio import cookies
from unstrung.studio.access.service import Caller
from unstrung.studio.admission.routes import PathId
from unstrung.studio.dependencies import (
    BodyOf,
    CallerOf,
    Transaction,
    bearer,
    body_schema,
    caller_of,
    studio_of,
)
from unstrung.studio.invitations import service
from unstrung.studio.invitations.models import Invitation
from unstrung.studio.invitations.schemas import (
    CreateInvitation,
    DeclineInvitation,
    DeclineList,
    DeclineObject,
    InvitationDeclined,
    InvitationList,
    InvitationObject,
    InvitationWithCode,
    ListInvitations,
    RedeemInvitation,
    SeatTaken,
    invitation_object,
)
from unstrung.studio.invitations.service import Terms
from unstrung.studio.visitors import VisitorBodyOf

router = APIRouter(prefix="/programme/v1", tags=["invitations"])


async def _known_caller(request: Request, response: Response) -> Caller | None:
    """Whoever calls with a key or a session; None for somebody who has none yet."""
    is_known = bearer(request) or cookies.held(request, studio_of(request).settings)
    return await caller_of(request, response) if is_known else None


KnownCallerOf = Annotated[Caller | None, Depends(_known_caller)]


@router.post("/invitations", openapi_extra=body_schema(CreateInvitation))
def create_invitation(caller: CallerOf, body: BodyOf, session: Transaction) -> InvitationWithCode:
    """Invite people to a cohort (stewards); the answer alone holds the code."""
    asked = body.as_a(CreateInvitation)
    terms = Terms(asked.cohort_id, asked.role, asked.expires_at, asked.max_uses, asked.note)
    invitation, code = service.invite(session, caller, terms)
    return InvitationWithCode(**_told(session, invitation).model_dump(), code=code)


@router.get("/invitations")
def list_invitations(
    caller: CallerOf, session: Transaction, wanted: Annotated[ListInvitations, Query()]
) -> InvitationList:
    """Invitations, newest first (stewards)."""
    found = service.list_invitations(
        session, caller, wanted.cohort_id, wanted.after, wanted.limit + 1
    )
    return InvitationList(
        data=[invitation_object(*each) for each in found[: wanted.limit]],
        has_more=len(found) > wanted.limit,
    )


@router.get("/invitations/declines")
def list_declines(caller: CallerOf, session: Transaction) -> DeclineList:
    """What those said who did not come (stewards); nobody is named, and no invitation."""
    return DeclineList(
        data=[
            DeclineObject(cohort_id=cohort_id, declined_on=day, why=why)
            for cohort_id, day, why in service.list_declines(session, caller)
        ]
    )


@router.post("/invitations/redeem", openapi_extra=body_schema(RedeemInvitation))
def redeem_invitation(
    body: VisitorBodyOf, caller: KnownCallerOf, session: Transaction
) -> SeatTaken:
    """Take the seat of an invitation; whoever had a key before sends it and stays the same person."""
    asked = body.as_a(RedeemInvitation)
    taken = service.redeem(session, asked.code, asked.name, caller)
    return SeatTaken(
        person_id=taken.seat.person_id,
        cohort_id=taken.seat.cohort_id,
        role=taken.role,
        taken_at=taken.seat.taken_at,
        key=taken.secret,
        key_id=taken.key.id if taken.key else None,
        scopes=taken.key.scopes if taken.key else [],
    )


@router.post("/invitations/decline", openapi_extra=body_schema(DeclineInvitation))
def decline_invitation(body: VisitorBodyOf, session: Transaction) -> InvitationDeclined:
    """Say that one does not come, and why if one likes; who said it is not kept."""
    asked = body.as_a(DeclineInvitation)
    service.decline(session, asked.code, asked.why)
    return InvitationDeclined()


@router.post("/invitations/{invitation_id}/revoke")
def revoke_invitation(
    caller: CallerOf, session: Transaction, invitation_id: PathId
) -> InvitationObject:
    """Make an invitation useless from now on (stewards); who came by it stays."""
    return _told(session, service.revoke(session, caller, invitation_id))


def _told(session: Session, invitation: Invitation) -> InvitationObject:
    return invitation_object(
        invitation, service.expires_at(session, invitation), service.state_of(session, invitation)
    )
