"""Applications at the desk: by the published criteria, in the published order, with reasons."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from fastapi import Response

from unstrung.studio.admission import service as admission
from unstrung.studio.admission.models import Cohort, ProgrammeRole
from unstrung.studio.admission.service import RIGHTS
from unstrung.studio.applications import service as applications
from unstrung.studio.applications.models import Application, ApplicationState, Criteria
from unstrung.studio.applications.schemas import (
    AdmitApplication,
    PublishCriteria,
    RefuseApplication,
)
from unstrung.studio.applications.service import Refusal
from unstrung.studio.dependencies import BodyOf
from unstrung.studio.errors import InvalidField
from unstrung.studio.pages.create import filled
from unstrung.studio.pages.site import PREFIX, Page
from unstrung.studio.pages.visits import VisitOf, go, page_router
from unstrung.studio.statements.models import Statement
from unstrung.studio.waitlist import service as waitlist
from unstrung.studio.waitlist.service import Place

router = page_router()
_PAGE: Final = 24


@dataclass(frozen=True, kw_only=True)
class ApplicationsPage(Page):
    """Applications of one cohort, in the order of its waitlist.

    Attributes:
        cohorts: all, to choose from.
        cohort: which is shown; None while there is none.
        state: of the applications.
        found: this page of them.
        same_contact: by id, how many that wait give the same contact.
        skip: applications of the pages before.
        has_more: whether there are further ones.
        rule: of the order.
    """

    template: ClassVar[str] = "desk/applications.html"
    cohorts: list[Cohort]
    cohort: Cohort | None
    state: ApplicationState
    found: Sequence[Application]
    same_contact: dict[str, int]
    skip: int
    has_more: bool
    rule: str = waitlist.RULE


@dataclass(frozen=True, kw_only=True)
class ApplicationPage(Page):
    """One application beside the criteria that it was made under.

    Attributes:
        application, cohort, criteria: the rows.
        place: on the waitlist.
        roles: that may come with the seat.
        statement: of a refusal.
        same_contact: applications that wait with this contact, this one included.
    """

    template: ClassVar[str] = "desk/application.html"
    application: Application
    cohort: Cohort
    criteria: Criteria
    place: Place
    roles: list[ProgrammeRole]
    statement: Statement | None
    same_contact: int


@router.get("/desk/applications")
def show_applications(
    visit: VisitOf,
    cohort_id: str = "",
    state: ApplicationState = ApplicationState.WAITING,
    skip: int = 0,
) -> Response:
    """Who waits, in the order of the waitlist."""
    caller, session = visit.must_have_any("admit"), visit.session
    cohorts = [cohort for cohort, _ in admission.list_cohorts(session)]
    cohort = admission.find_cohort(session, cohort_id) if cohort_id else next(iter(cohorts), None)
    skip = max(0, min(skip, 1_000_000))
    found: Sequence[Application] = ()
    if cohort is not None:
        found = applications.list_applications(session, caller, cohort.id, state, _PAGE + 1, skip)
    page = found[:_PAGE]
    shown = ApplicationsPage(
        title=visit.say("Applications"), cohorts=cohorts, cohort=cohort, state=state, found=page,
        same_contact=applications.num_same_contact(session, page), skip=skip,
        has_more=len(found) > _PAGE,
    )  # fmt: skip
    return visit.show(shown)


@router.get("/desk/applications/{application_id}")
def show_application(visit: VisitOf, application_id: str) -> Response:
    """One application, with all that a decision rests on."""
    caller, session = visit.must_have_any("admit"), visit.session
    found = applications.get_application(session, caller, application_id)
    listed = applications.list_criteria(session, found.cohort_id)
    plain = applications.plain_role(found)
    wished = [ProgrammeRole(each) for each in found.roles]
    page = ApplicationPage(
        title=visit.say("Application"), application=found,
        cohort=admission.find_cohort(session, found.cohort_id),
        criteria=next(each for each in listed if each.id == found.criteria_id),
        place=waitlist.place_of(session, found),
        roles=list(dict.fromkeys([plain, *(each for each in wished if not RIGHTS.get(each))])),
        statement=applications.statement_of(session, found),
        same_contact=applications.num_same_contact(session, [found])[found.id],
    )  # fmt: skip
    return visit.show(page)


@router.post("/desk/applications/{application_id}/admit")
def admit(visit: VisitOf, body: BodyOf, application_id: str) -> Response:
    """Keep a free seat for the applicant."""
    caller, asked = visit.must_have_any("admit"), filled(body).as_a(AdmitApplication)
    applications.admit(visit.session, caller, application_id, asked.role, asked.out_of_turn)
    return go(f"{PREFIX}/desk/applications/{application_id}")


@router.post("/desk/applications/{application_id}/refuse")
def refuse(visit: VisitOf, body: BodyOf, application_id: str) -> Response:
    """Refuse the application, with a statement of reasons."""
    caller, asked = visit.must_have_any("admit"), body.as_a(RefuseApplication)
    refusal = Refusal(asked.clause, asked.facts, asked.change)
    applications.refuse(visit.session, caller, application_id, refusal)
    return go(f"{PREFIX}/desk/applications/{application_id}")


@router.post("/desk/cohorts/{cohort_id}/criteria")
def publish_criteria(visit: VisitOf, body: BodyOf, cohort_id: str) -> Response:
    """Publish what applications to a cohort are judged by from now on."""
    caller, fields = visit.must_have_any("admit"), dict(body.fields)
    for name in ("clauses", "questions"):
        fields[name] = _named(name, str(fields.get(name, "")))
    asked = replace(body, fields={**fields, "cohort_id": cohort_id}).as_a(PublishCriteria)
    applications.publish_criteria(
        visit.session, caller, asked.cohort_id, asked.text, asked.clauses, asked.questions
    )
    return go(f"{PREFIX}/desk/cohorts/{cohort_id}")


def _named(field: str, lines: str) -> dict[str, str]:
    """Texts by their names, as a form has them: one a line, the name before the first colon."""
    found: dict[str, str] = {}
    for line in filter(None, map(str.strip, lines.splitlines())):
        name, colon, text = (part.strip() for part in line.partition(":"))
        if not colon or not text or name in found:
            raise InvalidField(
                f"{field} must have a new name, a colon and a text on each line, such as 'own-work: You "
                f"show work of your own.', got {line[:60]!r}",
                field,
            )
        found[name] = text
    return found
