"""Wire format of cohorts and seats."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, Field

from unstrung.studio.admission.models import Cohort, ProgrammeRole, Seat
from unstrung.studio.fields import StrictRequest, one_of
from unstrung.studio.stages.models import Stage


def _visible(value: Any) -> Any:
    if isinstance(value, str) and (not value.strip() or "\x00" in value):
        raise ValueError("must say something, and must not contain the character NUL")
    return value


RoleWord = Annotated[ProgrammeRole, BeforeValidator(one_of(ProgrammeRole))]
StageWord = Annotated[Stage, BeforeValidator(one_of(Stage))]
Line = Annotated[str, BeforeValidator(_visible), Field(min_length=1, max_length=200)]
Paragraphs = Annotated[str, BeforeValidator(_visible), Field(min_length=1, max_length=5_000)]
PublicReason = Annotated[str, BeforeValidator(_visible), Field(min_length=10, max_length=2_000)]
Url = Annotated[str, Field(min_length=8, max_length=2_000, pattern=r"^https?://[^\s\x00]+$")]
RowId = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[\w-]+$")]


class CreateCohort(StrictRequest):
    """Add a cohort."""

    name: Line
    seats: int = Field(ge=1, le=1_000_000, description="Most people who sit in it at a time.")
    purpose: Paragraphs = Field(description="What it is for, in plain words.")
    stage: StageWord = Field(Stage.INTERNAL, description="From which on its seats can be taken.")


class ChangeCohort(StrictRequest):
    """Change a cohort; what is left out stays."""

    seats: int | None = Field(
        None, ge=1, le=1_000_000, description="Not below the seats that are taken or promised."
    )
    purpose: Paragraphs | None = None
    stage: StageWord | None = None
    takes_applications: bool | None = None


BODIES: Final = (CreateCohort, ChangeCohort)


class CohortObject(BaseModel):
    """A cohort and how full it is."""

    id: str
    object: Literal["cohort"] = "cohort"
    name: str
    purpose: str
    seats: int = Field(description="Most people who sit in it at a time.")
    taken: int
    promised: int = Field(description="Kept for those who were admitted, and for lotteries.")
    free: int
    stage: Stage = Field(description="From which on seats can be taken.")
    takes_applications: bool
    created_at: datetime


class CohortList(BaseModel):
    """All cohorts."""

    object: Literal["list"] = "list"
    data: list[CohortObject]


class SeatObject(BaseModel):
    """Where the caller stands in the programme."""

    object: Literal["seat"] = "seat"
    person_id: str
    cohort_id: str | None = Field(description="None without a seat.")
    cohort_name: str | None
    taken_at: datetime | None
    roles: list[ProgrammeRole]
    stage: Stage = Field(description="How far the release is.")
    may_begin_clips: bool = Field(
        description="Whether seats and stage allow new clips; reading, downloading, exporting, deleting and "
        "appealing never need a seat."
    )


class LeftObject(BaseModel):
    """A seat was freed; everything else stays."""

    object: Literal["seat.left"] = "seat.left"
    cohort_id: str
    left_at: datetime
    still_possible: list[str] = Field(
        default=["read", "download", "export", "delete", "appeal"],
        description="For good, without a seat.",
    )


def cohort_object(cohort: Cohort, taken: int, promised: int, free: int) -> CohortObject:
    """A row as it is told."""
    return CohortObject(
        id=cohort.id, name=cohort.name, purpose=cohort.purpose, seats=cohort.seats, taken=taken,
        promised=promised, free=free, stage=cohort.stage,
        takes_applications=cohort.takes_applications, created_at=cohort.created_at,
    )  # fmt: skip


def left_object(seat: Seat) -> LeftObject:
    """A seat that was just left."""
    assert seat.left_at is not None
    return LeftObject(cohort_id=seat.cohort_id, left_at=seat.left_at)
