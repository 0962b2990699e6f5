"""Wire format of appeals."""

from datetime import datetime
from typing import Final, Literal

from pydantic import BaseModel, Field

from unstrung.studio.appeals.models import Appeal, AppealOutcome, AppealStage
from unstrung.studio.fields import StrictRequest


class AppealRefusal(StrictRequest):
    """Appeal against the refusal of one's application."""

    text: str = Field(
        min_length=10,
        max_length=5_000,
        pattern=r"^[^\x00]*\S[^\x00]*$",
        description="Why the decision is wrong.",
    )


class CreateAppeal(AppealRefusal):
    """Appeal against a decision."""

    statement_id: str = Field(min_length=1, max_length=64)


BODIES: Final = (AppealRefusal, CreateAppeal)


class ListAppeals(StrictRequest):
    """Which page of appeals is wanted."""

    after: str | None = Field(
        None, max_length=64, description="Id of the last appeal of the page before."
    )
    limit: int = Field(20, ge=1, le=100, description="Most appeals of the page.")


class AppealObject(BaseModel):
    """An appeal as whoever lodged it sees it; who heard it is not told."""

    id: str
    object: Literal["appeal"] = "appeal"
    statement_id: str
    stage: AppealStage = Field(
        description="hearing: one person who had no part; panel: three testers, if that was upheld."
    )
    text: str
    lodged_at: datetime
    due_at: datetime = Field(description="When it is won without a decision.")
    outcome: AppealOutcome | None = Field(
        description="What becomes of the decision; null while open."
    )
    reasons: str | None
    by_clock: bool
    decided_at: datetime | None


class AppealList(BaseModel):
    """A page of appeals."""

    object: Literal["list"] = "list"
    data: list[AppealObject]
    first_id: str | None
    last_id: str | None
    has_more: bool


def appeal_object(appeal: Appeal) -> AppealObject:
    """A row as whoever lodged it sees it."""
    return AppealObject(
        id=appeal.id,
        statement_id=appeal.statement_id,
        stage=appeal.stage,
        text=appeal.text,
        lodged_at=appeal.lodged_at,
        due_at=appeal.due_at,
        outcome=appeal.outcome,
        reasons=appeal.reasons,
        by_clock=appeal.by_clock,
        decided_at=appeal.decided_at,
    )
