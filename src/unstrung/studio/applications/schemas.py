"""Wire format of applications and criteria."""

import re
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, Field

from unstrung.studio.admission.models import ProgrammeRole
from unstrung.studio.admission.schemas import (
    Line,
    Paragraphs,
    PublicReason,
    RoleWord,
    RowId,
    Url,
)
from unstrung.studio.applications.models import Application, ApplicationState, Criteria
from unstrung.studio.fields import StrictRequest, one_of
from unstrung.studio.waitlist.schemas import ForecastObject

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_MAX_NAMED: Final = 30


def _named_texts(value: Any) -> Any:
    """Names such as `own-work` to texts that say something."""
    if not isinstance(value, dict):
        raise ValueError('must be an object such as {"own-work": "You show work of your own."}')
    if len(value) > _MAX_NAMED:
        raise ValueError(f"must hold at most {_MAX_NAMED} names")
    for name, text in value.items():
        if not _NAME.fullmatch(str(name)):
            raise ValueError(f"must have names such as own-work, not {str(name)[:40]!r}")
        if not isinstance(text, str) or not text.strip() or len(text) > 2_000 or "\x00" in text:
            raise ValueError(f"must have a text of 1 to 2000 characters for {name!r}")
    return value


def _without_repeats(value: Any) -> Any:
    return list(dict.fromkeys(value)) if isinstance(value, list) else value


Phrase = Annotated[str, Field(min_length=16, max_length=500, pattern=r"^[^\x00]*\S[^\x00]*$")]
NamedTexts = Annotated[dict[str, str], BeforeValidator(_named_texts)]
StateWord = Annotated[ApplicationState, BeforeValidator(one_of(ApplicationState))]


class PublishCriteria(StrictRequest):
    """Publish what applications to a cohort are judged by; a new version, if there is one already."""

    cohort_id: RowId
    text: Paragraphs = Field(description="In plain words.")
    clauses: NamedTexts = Field(
        description="Name of each clause to its text; a refusal has to name one."
    )
    questions: NamedTexts = Field({}, description="Name of each question to its text.")


class CreateApplication(StrictRequest):
    """Apply for a seat; no account is needed."""

    cohort_id: RowId
    name: Line = Field(description="As you want to be called.")
    contact: Annotated[
        str, Field(min_length=3, max_length=320, pattern=r"^[^\x00]*\S[^\x00]*$")
    ] = Field(description="E-mail or another way to reach you; it is not checked.")
    roles: Annotated[list[RoleWord], BeforeValidator(_without_repeats)] = Field(
        min_length=1, max_length=9, description="Roles that you wish for, the dearest first."
    )
    wish: Paragraphs = Field(description="What you want to make.")
    links: list[Url] = Field([], max_length=10, description="To works of yours, if you like.")
    language: str = Field("en", pattern=r"^[a-z]{2,3}$", description="For letters to you.")
    answers: NamedTexts = Field(
        {}, description="Name of a published question to your answer; none is required."
    )
    phrase: Phrase | None = Field(
        None, description="Words of your own for the seed of the open lottery; only a hash is kept."
    )


class AdmitApplication(StrictRequest):
    """Admit the applicant whose turn it is."""

    role: RoleWord | None = Field(None, description="One that was wished for; None is the first.")
    out_of_turn: PublicReason | None = Field(
        None, description="Public reason, needed when others come first by the published rule."
    )


class RefuseApplication(StrictRequest):
    """Refuse an application, with reasons."""

    clause: str = Field(
        min_length=1, max_length=40, description="Of the criteria it was made under."
    )
    facts: PublicReason = Field(
        description="What was found. Statements are exported to the public: name nobody."
    )
    change: PublicReason = Field(description="What would change the decision.")


BODIES: Final = (PublishCriteria, CreateApplication, AdmitApplication, RefuseApplication)


class ListApplications(StrictRequest):
    """Which applications are wanted."""

    cohort_id: RowId
    state: StateWord = ApplicationState.WAITING
    skip: int = Field(0, ge=0, le=1_000_000, description="Applications of the pages before.")
    limit: int = Field(20, ge=1, le=100, description="Most applications of the page.")


class CriteriaObject(BaseModel):
    """A version of a cohort's criteria."""

    id: str
    object: Literal["criteria"] = "criteria"
    cohort_id: str
    version: int
    text: str
    clauses: dict[str, str]
    questions: dict[str, str]
    published_at: datetime


class CriteriaList(BaseModel):
    """All versions, newest first."""

    object: Literal["list"] = "list"
    data: list[CriteriaObject]


class ReasonsObject(BaseModel):
    """Why an application was refused."""

    statement_id: str
    clause: str
    clause_text: str
    facts: str
    what_would_change_it: str
    automated_decision: str
    decided_at: datetime
    reversed_at: datetime | None = Field(description="When an appeal against it was won.")
    how_to_contest: str = (
        'Apply again at any time, or appeal: POST /programme/v1/applications/{id}/appeals with {"text": ...} '
        "and your application's token. Somebody else than who decided hears it, then three testers; nobody's "
        "decision within seven days means that you have won."
    )


class ApplicationObject(BaseModel):
    """An application, as its applicant and stewards see it."""

    id: str
    object: Literal["application"] = "application"
    cohort_id: str
    criteria_id: str = Field(description="The version that it was made under.")
    state: ApplicationState
    ticket: str = Field(description="Public code of it in the ticket list of a lottery.")
    name: str
    contact: str
    roles: list[ProgrammeRole]
    wish: str
    links: list[str]
    language: str
    answers: dict[str, str]
    created_at: datetime
    decided_at: datetime | None
    position: int | None = Field(
        description="On the waitlist, 1 is next; None if it does not wait."
    )
    draw_place: int | None = Field(description="Place in the draw; None if it was in none.")
    rule: str = Field(description="The order of the waitlist.")
    forecast: ForecastObject | None = Field(description="None if it does not wait.")
    reasons: ReasonsObject | None = Field(
        description="Of a refusal, also of one that was taken back."
    )
    invitation: str | None = Field(
        description="State of an admission's invitation: good, used-up, expired, revoked or declined."
    )


class ApplicationCreated(ApplicationObject):
    """An application with its token, which is shown now and never again."""

    token: str = Field(description="Send it as 'Authorization: Bearer app_...'.")


class ApplicationRow(BaseModel):
    """An application in a list for stewards."""

    id: str
    cohort_id: str
    state: ApplicationState
    name: str
    roles: list[ProgrammeRole]
    language: str
    created_at: datetime
    draw_place: int | None
    num_same_contact: int = Field(
        description="Waiting applications of the cohort with this contact, this one included. Contacts are "
        "not checked, so it is a lead and no proof."
    )


class ApplicationList(BaseModel):
    """A page of applications in the order of the waitlist."""

    object: Literal["list"] = "list"
    data: list[ApplicationRow]
    has_more: bool


class OwnInvitation(BaseModel):
    """The code of one's own invitation; the one that was shown before stops working."""

    object: Literal["application.invitation"] = "application.invitation"
    code: str
    expires_at: datetime


def criteria_object(criteria: Criteria) -> CriteriaObject:
    """A row as it is told; who published it is not."""
    return CriteriaObject(
        id=criteria.id, cohort_id=criteria.cohort_id, version=criteria.version, text=criteria.text,
        clauses=criteria.clauses, questions=criteria.questions, published_at=criteria.published_at,
    )  # fmt: skip


def application_row(application: Application, num_same_contact: int) -> ApplicationRow:
    """A row as a list tells it."""
    return ApplicationRow(
        id=application.id, cohort_id=application.cohort_id, state=application.state,
        name=application.name, roles=application.roles, language=application.language,
        created_at=application.created_at, draw_place=application.draw_place,
        num_same_contact=num_same_contact,
    )  # fmt: skip
