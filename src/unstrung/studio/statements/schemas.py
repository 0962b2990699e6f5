"""Wire format of statements of reasons."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from unstrung.studio.fields import StrictRequest
from unstrung.studio.statements.models import Statement, SubjectKind


class ListStatements(StrictRequest):
    """Which page of statements is wanted."""

    after: str | None = Field(
        None, max_length=64, description="Id of the last statement of the page before."
    )
    limit: int = Field(20, ge=1, le=100, description="Most statements of the page.")


class PassageObject(BaseModel):
    """Words of a prompt: `prompt[start:end]`, counted in characters."""

    start: int
    end: int
    text: str


class TimeRange(BaseModel):
    """Seconds of a clip."""

    starts_s: float
    ends_s: float


class SubjectObject(BaseModel):
    """What a statement is about."""

    kind: SubjectKind
    id: str | None


class StatementObject(BaseModel):
    """One decision against somebody; names of fields are those of the DSA Transparency Database."""

    id: str = Field(description="The puid of the public export.")
    object: Literal["statement"] = "statement"
    subject: SubjectObject
    concerns: Literal["you", "many"]
    clause: str = Field(description="Of the charter.")
    decision_visibility: list[str] | None
    decision_provision: str | None
    decision_account: str | None
    decision_ground: str
    decision_ground_reference_url: str | None
    illegal_content_legal_ground: str | None
    illegal_content_explanation: str | None
    incompatible_content_ground: str | None
    incompatible_content_explanation: str | None
    decision_facts: str
    category: str
    source_type: str
    automated_detection: str
    automated_decision: str
    content_type: list[str]
    application_date: datetime = Field(description="From when the decision holds.")
    end_date: datetime | None = Field(description="Until when; null for good.")
    time_range: TimeRange | None = Field(description="Seconds of the clip at issue.")
    passages: list[PassageObject] | None = Field(description="Words of the prompt at issue.")
    suggested_change: str | None
    confidence_id: str | None = Field(
        description="The confidential item at issue; the explanation says what it never covers."
    )
    reversed_at: datetime | None = Field(description="When it was taken back.")
    how_to_appeal: str


class StatementList(BaseModel):
    """A page of statements."""

    object: Literal["list"] = "list"
    data: list[StatementObject]
    first_id: str | None
    last_id: str | None
    has_more: bool


def statement_object(statement: Statement) -> StatementObject:
    """A row as those are told it whom it concerns; who decided is not told."""
    columns = {each.name for each in Statement.__table__.columns}
    same = {
        name: getattr(statement, name) for name in StatementObject.model_fields if name in columns
    }
    begins, ends = statement.starts_s, statement.ends_s
    return StatementObject(
        **same,
        subject=SubjectObject(kind=statement.subject_kind, id=statement.subject_id),
        concerns="many" if statement.person_id is None else "you",
        time_range=(
            TimeRange(starts_s=begins, ends_s=ends)
            if begins is not None and ends is not None
            else None
        ),
        how_to_appeal=(
            f'POST /programme/v1/appeals with {{"statement_id": "{statement.id}", "text": ...}}; '
            "somebody who had no part in this decision hears it."
        ),
    )
