"""Wire format of hearings: what whoever hears an appeal decides and is told, which is nobody's name."""

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, BeforeValidator, Field

from unstrung.studio.admission.models import ProgrammeRole
from unstrung.studio.appeals.models import AppealOutcome, AppealStage
from unstrung.studio.applications.models import Application
from unstrung.studio.fields import StrictRequest, one_of
from unstrung.studio.statements.schemas import StatementObject
from unstrung.studio.videos.schemas import Links


class DecideAppeal(StrictRequest):
    """Uphold or overturn a decision, or vote to."""

    outcome: Annotated[AppealOutcome, BeforeValidator(one_of(AppealOutcome))]
    reasons: str = Field(
        min_length=10,
        max_length=5_000,
        pattern=r"^[^\x00]*\S[^\x00]*$",
        description="Told to whoever appealed.",
    )


BODIES: Final = (DecideAppeal,)


class ListHearings(StrictRequest):
    """How much of what is to be heard is wanted."""

    limit: int = Field(20, ge=1, le=100, description="Most appeals.")


class HearingObject(BaseModel):
    """An appeal that the caller may hear."""

    id: str
    object: Literal["hearing"] = "hearing"
    stage: AppealStage
    lodged_at: datetime
    due_at: datetime
    clause: str
    category: str
    your_part: Literal["none", "taken", "juror"]
    has_voted: bool


class HearingList(BaseModel):
    """Appeals that the caller may hear, oldest due first."""

    object: Literal["list"] = "list"
    data: list[HearingObject]


class HeardApplication(BaseModel):
    """A refused application for whoever hears the appeal: what it says, without name and contact."""

    roles: list[ProgrammeRole]
    wish: str
    links: list[str]
    language: str
    answers: dict[str, str]


class HeldHearingObject(HearingObject):
    """An appeal for the eyes of whoever hears it."""

    text: str
    statement: StatementObject
    prompt: str | None = Field(description="That was refused, or of the clip.")
    note: str | None = Field(description="What the author had told the reviewer.")
    links: Links | None = Field(description="To the clip, if it is about one.")
    application: HeardApplication | None = Field(description="That was refused, if it was one.")


def heard_application(application: Application | None) -> HeardApplication | None:
    """An application as whoever hears the appeal may read it."""
    if application is None:
        return None
    return HeardApplication(
        roles=application.roles, wish=application.wish, links=application.links,
        language=application.language, answers=application.answers,
    )  # fmt: skip
