"""Wire format of feedback: what may be said, and what is told of it."""

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, BeforeValidator, Field, StrictBool

from unstrung.studio.feedback.models import Feedback, FeedbackKind, FeedbackStatus
from unstrung.studio.fields import StrictRequest, one_of

_WORDS: Final = r"^[^\x00]*\S[^\x00]*$"
Kind = Annotated[FeedbackKind, BeforeValidator(one_of(FeedbackKind))]
Status = Annotated[FeedbackStatus, BeforeValidator(one_of(FeedbackStatus))]


class GiveFeedback(StrictRequest):
    """Say something of a stretch of a clip."""

    video_id: str | None = Field(
        None, min_length=1, max_length=64, description="A clip of one's own; else `share_id`."
    )
    share_id: str | None = Field(
        None, min_length=1, max_length=64, description="A clip that somebody shares."
    )
    token: str | None = Field(
        None, max_length=64, description="Of the share's link; not needed for everybody's."
    )
    kind: Kind
    text: str = Field(min_length=1, max_length=4_000, pattern=_WORDS)
    starts_s: float = Field(0.0, ge=0, allow_inf_nan=False, description="From where [s].")
    ends_s: float | None = Field(
        None, ge=0, allow_inf_nan=False, description="Until where [s]; left out: to the end."
    )
    is_credited: StrictBool = Field(False, description="Name me with it.")


class AnswerFeedback(StrictRequest):
    """Say what becomes of a note."""

    status: Status
    reason: str | None = Field(
        None, min_length=1, max_length=2_000, pattern=_WORDS, description="Needed to decline."
    )


BODIES: Final = (GiveFeedback, AnswerFeedback)


class ListFeedback(StrictRequest):
    """Which page of notes is wanted."""

    after: str | None = Field(
        None, max_length=64, description="Id of the last note of the page before."
    )
    limit: int = Field(20, ge=1, le=100, description="Most notes of the page.")


class ListEverybodysFeedback(ListFeedback):
    """Which page of everybody's notes is wanted."""

    status: FeedbackStatus | None = None
    kind: FeedbackKind | None = None


class FeedbackObject(BaseModel):
    """A note."""

    id: str
    object: Literal["feedback"] = "feedback"
    video_id: str | None = Field(description="None once the clip is deleted.")
    model: str
    seed: int | None
    starts_s: float
    ends_s: float
    kind: FeedbackKind
    text: str
    is_credited: bool
    by: str | None = Field(description="Name of who wrote it; only of those who want to be named.")
    status: FeedbackStatus
    reason: str | None
    created_at: datetime
    answered_at: datetime | None


class FeedbackList(BaseModel):
    """A page of notes, newest first."""

    object: Literal["list"] = "list"
    data: list[FeedbackObject]
    first_id: str | None
    last_id: str | None
    has_more: bool


class FeedbackWithdrawn(BaseModel):
    """A note is gone."""

    id: str
    object: Literal["feedback.withdrawn"] = "feedback.withdrawn"
    withdrawn: Literal[True] = True


def feedback_object(note: Feedback, by: str | None, *, is_own: bool) -> FeedbackObject:
    """A row as it is told.

    Args:
        note: the row.
        by: name of who wrote it, if they want to be named.
        is_own: whether it is told to who wrote it; others are not told which clip of whose it is about.
    """
    return FeedbackObject(
        id=note.id,
        video_id=note.video_id if is_own else None,
        model=note.model,
        seed=note.seed,
        starts_s=note.starts_s,
        ends_s=note.ends_s,
        kind=note.kind,
        text=note.text,
        is_credited=note.is_credited,
        by=by,
        status=note.status,
        reason=note.reason,
        created_at=note.created_at,
        answered_at=note.answered_at,
    )


def feedback_list(found: list[FeedbackObject], has_more: bool) -> FeedbackList:
    """A page."""
    return FeedbackList(
        data=found,
        first_id=found[0].id if found else None,
        last_id=found[-1].id if found else None,
        has_more=has_more,
    )
