"""Wire format of invitations."""

from datetime import date, datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, BeforeValidator, Field

from unstrung.studio.admission.models import ProgrammeRole
from unstrung.studio.admission.schemas import Line, RoleWord, RowId
from unstrung.studio.fields import Moment, StrictRequest
from unstrung.studio.invitations.models import Invitation


def _without_nul(value: object) -> object:
    if isinstance(value, str) and "\x00" in value:
        raise ValueError("must not contain the character NUL")
    return value


Code = Annotated[
    str,
    BeforeValidator(_without_nul),
    Field(min_length=1, max_length=100, description="As it was shown, inv_...", examples=["inv_"]),
]


class CreateInvitation(StrictRequest):
    """Invite somebody, or several people, to a cohort."""

    cohort_id: RowId
    role: RoleWord = Field(description="Comes with the seat.")
    expires_at: Moment = Field(description="Within 365 days; pauses of everybody give time back.")
    max_uses: int = Field(1, ge=1, le=10_000, description="People who may come by it.")
    note: Annotated[str, BeforeValidator(_without_nul)] = Field(
        "", max_length=500, description="For stewards: whom it is for."
    )


class RedeemInvitation(StrictRequest):
    """Take the seat; with a key of one's own in the request, as the same person as before."""

    code: Code
    name: Line | None = Field(
        None, description="As you want to be called; not needed with a key of your own."
    )


class DeclineInvitation(StrictRequest):
    """Do not come."""

    code: Code
    why: Annotated[str, BeforeValidator(_without_nul)] | None = Field(
        None,
        max_length=2_000,
        description="Only if you like; kept with the day and the cohort, not with you or the invitation.",
    )


BODIES: Final = (CreateInvitation, RedeemInvitation, DeclineInvitation)


class ListInvitations(StrictRequest):
    """Which page of invitations is wanted."""

    cohort_id: RowId | None = None
    after: RowId | None = Field(None, description="Id of the last invitation of the page before.")
    limit: int = Field(20, ge=1, le=100, description="Most invitations of the page.")


class InvitationObject(BaseModel):
    """An invitation, without its code."""

    id: str
    object: Literal["invitation"] = "invitation"
    cohort_id: str
    role: ProgrammeRole
    max_uses: int
    num_uses: int
    expires_at: datetime = Field(description="With the time that pauses of everybody gave back.")
    note: str
    is_promised: bool = Field(description="Whether a seat is kept for it.")
    state: str
    created_at: datetime


class InvitationWithCode(InvitationObject):
    """An invitation with its code, which is shown when it is made and never again."""

    code: str


class InvitationList(BaseModel):
    """A page of invitations, newest first."""

    object: Literal["list"] = "list"
    data: list[InvitationObject]
    has_more: bool


class SeatTaken(BaseModel):
    """A seat was taken; a new person's first key is in this answer and never shown again."""

    object: Literal["seat.taken"] = "seat.taken"
    person_id: str
    cohort_id: str
    role: ProgrammeRole
    taken_at: datetime
    key: str | None = Field(description="None for somebody who came with a key.")
    key_id: str | None
    scopes: list[str]


class InvitationDeclined(BaseModel):
    """It was noted that somebody does not come."""

    object: Literal["invitation.declined"] = "invitation.declined"
    declined: Literal[True] = True


class DeclineObject(BaseModel):
    """What somebody said who did not come."""

    cohort_id: str
    declined_on: date
    why: str


class DeclineList(BaseModel):
    """What was said by those who did not come, newest day first."""

    object: Literal["list"] = "list"
    data: list[DeclineObject]


def invitation_object(invitation: Invitation, expires_at: datetime, state: str) -> InvitationObject:
    """A row as it is told."""
    return InvitationObject(
        id=invitation.id, cohort_id=invitation.cohort_id, role=invitation.role,
        max_uses=invitation.max_uses, num_uses=invitation.num_uses, expires_at=expires_at,
        note=invitation.note, is_promised=invitation.hold_id is not None, state=state,
        created_at=invitation.created_at,
    )  # fmt: skip
