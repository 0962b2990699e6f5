"""Wire format of sharing: what may be asked, and what owners and viewers are told."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, Field, StrictBool

from unstrung.studio.fields import StrictRequest, one_of
from unstrung.studio.shares.models import Audience, Release, Share, ShareStatus
from unstrung.studio.statements.schemas import PassageObject
from unstrung.studio.videos.models import Video
from unstrung.studio.videos.schemas import Links


class CreateShare(StrictRequest):
    """Share a clip."""

    video_id: str = Field(min_length=1, max_length=64)
    audience: Annotated[Audience, BeforeValidator(one_of(Audience))] = Field(
        description="link: whoever holds its link; public: everybody."
    )
    revises: str | None = Field(
        None, min_length=1, max_length=64, description="Refused share that this clip replaces."
    )
    note: str | None = Field(
        None,
        min_length=1,
        max_length=1_000,
        pattern=r"^[^\x00]*$",
        description="Words to the reviewer, should the clip need one.",
    )
    shows_prompt: StrictBool = Field(False, description="Whether its viewers read the prompt.")


BODIES: Final = (CreateShare,)


class ListShares(StrictRequest):
    """Which page of shares is wanted."""

    after: str | None = Field(
        None, max_length=64, description="Id of the last share of the page before."
    )
    limit: int = Field(20, ge=1, le=100, description="Most shares of the page.")


class HeldObject(BaseModel):
    """One reason why a share waits for a reviewer."""

    risk: str = Field(description="Name of the class in the public list.")
    what: str
    rule: str = Field(description="Which rule holds; 'frames' for the image classifier.")
    passages: list[PassageObject] = Field(description="Words of the prompt.")
    starts_s: float | None = Field(description="From where in the clip [s]; null for words.")
    ends_s: float | None


class ShareObject(BaseModel):
    """A share as its owner sees it."""

    id: str
    object: Literal["share"] = "share"
    video_id: str | None
    audience: Audience
    status: ShareStatus
    url: str = Field(description="What to pass on; for a link it holds what makes it unguessable.")
    created_at: datetime
    due_at: datetime | None = Field(
        description="When it is released without a decision; null if it never waited."
    )
    is_released_by_clock: bool = Field(
        description="False only for what law forbids, which waits for a decision."
    )
    held: list[HeldObject]
    labels: list[str] = Field(description="Classes that viewers are told of.")
    release: Release | None
    released_at: datetime | None
    statement_id: str | None = Field(description="Statement of reasons of a refusal.")
    revises: str | None
    withdrawn_at: datetime | None


class ShareList(BaseModel):
    """A page of shares."""

    object: Literal["list"] = "list"
    data: list[ShareObject]
    first_id: str | None
    last_id: str | None
    has_more: bool


class SharedObject(BaseModel):
    """A shared clip as its viewers see it: without owner, and without prompt unless that is shared too."""

    id: str
    object: Literal["shared"] = "shared"
    audience: Audience
    shared_at: datetime
    size: str
    duration_s: float | None
    labels: list[str] = Field(description="Classes to warn of before it is shown.")
    prompt: str | None = Field(description="Null unless its owner shares it.")
    flashes: int | None = Field(description="Most flashes in any second; null if nobody looked.")
    links: Links


class RiskClassObject(BaseModel):
    """One class of the closed list."""

    name: str
    action: Literal["refuse", "review", "label"]
    is_hard_illegal: bool = Field(description="Whether no clock ever releases it.")
    clause: str
    legal_ground: str | None
    category: str
    what: str
    suggested_change: str


class RiskClassList(BaseModel):
    """The closed list; what is not on it is shared without asking anybody."""

    object: Literal["list"] = "list"
    data: list[RiskClassObject]
    frames_are_looked_at: bool | None = Field(
        description="Whether the newest clip was seen by a classifier; null before the first clip."
    )
    frames_note: str | None = Field(
        description="Why not; then only the rules on words apply, which need no classifier."
    )


def share_object(shared: Share, status: ShareStatus, base_url: str) -> ShareObject:
    """A row as its owner sees it, with its status by the clock."""
    is_clock = status == ShareStatus.SHARED and shared.status == ShareStatus.WAITING
    query = f"?token={shared.token}" if shared.audience == Audience.LINK else ""
    return ShareObject(
        id=shared.id,
        video_id=shared.video_id,
        audience=shared.audience,
        status=status,
        url=f"{base_url}/programme/v1/shared/{shared.id}{query}",
        created_at=shared.created_at,
        due_at=shared.due_at,
        is_released_by_clock=not shared.is_hard_illegal,
        held=held_objects(shared),
        labels=shared.labels,
        release=Release.CLOCK if is_clock else shared.release,
        released_at=shared.due_at if is_clock else shared.released_at,
        statement_id=shared.statement_id,
        revises=shared.revises,
        withdrawn_at=shared.withdrawn_at,
    )


def shared_object(shared: Share, video: Video, links: Links) -> SharedObject:
    """A row as viewers see it."""
    result: Mapping[str, Any] = video.result or {}
    return SharedObject(
        id=shared.id,
        audience=shared.audience,
        shared_at=shared.released_at or shared.due_at or shared.created_at,
        size=video.size,
        duration_s=result.get("duration_seconds"),
        labels=shared.labels,
        prompt=video.prompt if shared.shows_prompt else None,
        flashes=result.get("flashes"),
        links=links,
    )


def held_objects(shared: Share) -> list[HeldObject]:
    """Why a share waits."""
    return [HeldObject.model_validate(each) for each in shared.held]
