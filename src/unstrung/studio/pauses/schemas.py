"""Wire format of pauses."""

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, BeforeValidator, Field

from unstrung.studio.fields import Moment, StrictRequest, one_of
from unstrung.studio.pauses.models import Level, Pause, PauseGround

_Words = Annotated[str, Field(min_length=10, max_length=2_000, pattern=r"^[^\x00]*\S[^\x00]*$")]


class ProposePause(StrictRequest):
    """Stop a key, a person, a cohort or everybody for a while."""

    level: Annotated[Level, BeforeValidator(one_of(Level))]
    target_id: Annotated[str, Field(max_length=64)] | None = Field(
        None, description="Key, person or cohort; left out for everybody."
    )
    ground: Annotated[PauseGround, BeforeValidator(one_of(PauseGround))]
    reason: _Words = Field(description="What happened, for those who are stopped.")
    resume_plan: _Words = Field(description="What has to happen for access to return.")
    expires_at: Moment = Field(
        description="When it lapses by itself: at most 30 days for a key, 14 for a person, 7 for a "
        "cohort, 72 hours for everybody."
    )
    confidence_id: Annotated[str, Field(max_length=64, pattern=r"^[\w-]+$")] | None = Field(
        None,
        description="Of a person's breach of confidence: the item that they accepted, in force.",
    )


class EndPause(StrictRequest):
    """End a pause before it lapses."""

    reason: _Words


BODIES: Final = (ProposePause, EndPause)


class PauseObject(BaseModel):
    """A pause as everybody may see it: who was stopped is told only to them and to stewards."""

    id: str
    object: Literal["pause"] = "pause"
    level: Level
    target_id: str | None = Field(None, description="Told to stewards and to whom it stops.")
    ground: PauseGround
    reason: str | None = Field(None, description="Told to stewards and to whom it stops.")
    resume_plan: str | None = None
    confidence_id: str | None = Field(None, description="Told to stewards and to whom it stops.")
    status: Literal["proposed", "in force", "ended"]
    needs_second: str | None
    proposed_at: datetime
    begun_at: datetime | None
    expires_at: datetime
    ended_at: datetime | None
    end_reason: str | None
    num_affected: int
    num_unaffected: int
    num_stopped: int
    seconds_to_stop: float | None = Field(
        description="From the command to the last worker that dropped a video [s]."
    )
    compensated_s: float | None = Field(description="Lost time that was given back [s].")
    notice: dict[str, str]


class PauseList(BaseModel):
    """Pauses, newest first."""

    object: Literal["list"] = "list"
    data: list[PauseObject]


def pause_object(
    pause: Pause, seconds_to_stop: float | None, is_concerned: bool, now: datetime
) -> PauseObject:
    """A pause for somebody's eyes.

    Args:
        pause: the row.
        seconds_to_stop: see `service.seconds_to_stop`.
        is_concerned: whether target and reason may be told.
        now: the time.
    """
    is_over = pause.ended_at is not None or (pause.begun_at is not None and pause.expires_at <= now)
    status: Literal["proposed", "in force", "ended"] = "ended" if is_over else "in force"
    if not is_over and pause.begun_at is None:
        status = "proposed"
    # What a pause of everybody is about concerns everybody.
    is_open = is_concerned or pause.level == Level.EVERYBODY
    return PauseObject(
        id=pause.id,
        level=pause.level,
        target_id=pause.target_id if is_concerned else None,
        ground=pause.ground,
        reason=pause.reason if is_open else None,
        resume_plan=pause.resume_plan if is_open else None,
        confidence_id=pause.confidence_id if is_concerned else None,
        status=status,
        needs_second=pause.needs_second if is_concerned else None,
        proposed_at=pause.proposed_at,
        begun_at=pause.begun_at,
        expires_at=pause.expires_at,
        ended_at=pause.ended_at or (pause.expires_at if is_over else None),
        end_reason=pause.end_reason if is_open else None,
        num_affected=pause.num_affected,
        num_unaffected=pause.num_unaffected,
        num_stopped=pause.num_stopped,
        seconds_to_stop=seconds_to_stop,
        compensated_s=pause.compensated_s,
        notice=pause.notice,
    )
