"""Ways into the programme and out of it: applying, following an application, invitations, leaving.

An applicant has no account. Their code (id and token) is kept in a cookie of this browser, and stands behind
'#' in their private link, which browsers send to nobody; it is never part of an address that is sent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

from fastapi import BackgroundTasks, Depends, Request, Response

from unstrung.studio import cookies
from unstrung.studio.admission import service as admission
from unstrung.studio.admission.models import Cohort, ProgrammeRole, Seat
from unstrung.studio.admission.service import RIGHTS
from unstrung.studio.appeals import service as appeals
from unstrung.studio.appeals.models import Appeal, AppealStage
from unstrung.studio.appeals.schemas import AppealRefusal
from unstrung.studio.applications import service
from unstrung.studio.applications.models import Application
from unstrung.studio.applications.routes import create_application
from unstrung.studio.dependencies import Body, studio_of
from unstrung.studio.errors import NotFound
from unstrung.studio.invitations import service as invitations
from unstrung.studio.invitations.schemas import DeclineInvitation, RedeemInvitation
from unstrung.studio.invitations.service import Redeemed
from unstrung.studio.logins import service as logins
from unstrung.studio.lotteries import service as lotteries
from unstrung.studio.lotteries.schemas import ContributePhrase, lottery_row
from unstrung.studio.pages.create import filled
from unstrung.studio.pages.programme_home import BASE, OpenCohort, open_cohorts
from unstrung.studio.pages.site import Page
from unstrung.studio.pages.visits import Visit, VisitOf, go, page_router
from unstrung.studio.sessions import service as sessions
from unstrung.studio.sessions.models import Way
from unstrung.studio.signing_in import sign_in
from unstrung.studio.statements.models import Statement
from unstrung.studio.visitors import VisitorBodyOf, VisitorOf, address_of
from unstrung.studio.waitlist import service as waitlist
from unstrung.studio.waitlist.service import Place

router = page_router()
APPLICATION_COOKIE: Final = "unstrung_application"
FIRST_KEY_COOKIE: Final = "unstrung_first_key"
_HALF_YEAR_S: Final = 15_552_000
_FIRST_KEY_S: Final = 600
_MARK: Final = "."


@dataclass(frozen=True, kw_only=True)
class ApplyPage(Page):
    """The form of an application.

    Attributes:
        cohorts: that take applications.
        chosen: whose form is shown; None lets one be chosen first.
        roles: that can be wished for.
    """

    template: ClassVar[str] = "programme/apply.html"
    cohorts: list[OpenCohort]
    chosen: OpenCohort | None
    roles: tuple[ProgrammeRole, ...]


@dataclass(frozen=True, kw_only=True)
class FindApplicationPage(Page):
    """The field for an applicant's code."""

    template: ClassVar[str] = "programme/find_application.html"


@dataclass(frozen=True, kw_only=True)
class ApplicationPage(Page):
    """How an application stands, for its applicant.

    Attributes:
        application: the row.
        code: with which it is found from another browser.
        link: the private address with the code behind '#'.
        cohort, place: where, and how far.
        lottery: that it waits for, by id; empty if there is none.
        statement: of reasons, if it was refused.
        invitation: state of the invitation, if it was admitted.
        appeals: against the refusal, newest first.
        may_appeal: whether another appeal can be lodged: to one person, then to a panel.
        rule: the order of the waitlist.
    """

    template: ClassVar[str] = "programme/application.html"
    application: Application
    code: str
    link: str
    cohort: Cohort
    place: Place
    lottery: str
    statement: Statement | None
    invitation: str
    appeals: Sequence[Appeal]
    may_appeal: bool
    rule: str


@dataclass(frozen=True, kw_only=True)
class InvitedPage(Page):
    """The fields of an invitation: come, or say why not.

    Attributes:
        is_declined: whether that was just noted.
    """

    template: ClassVar[str] = "programme/invited.html"
    is_declined: bool


@dataclass(frozen=True, kw_only=True)
class WelcomePage(Page):
    """What a new person does first.

    Attributes:
        cohort: of the seat.
        key: the first key, shown for ten minutes in this browser; empty for others.
        has_passkey: whether the way back in is there already.
    """

    template: ClassVar[str] = "programme/welcome.html"
    cohort: Cohort | None
    key: str
    has_passkey: bool


@dataclass(frozen=True, kw_only=True)
class LeavePage(Page):
    """What leaving means, and the step itself.

    Attributes:
        seat: that is held; None without one.
        cohort: of the seat.
        has_left: whether it was just left.
    """

    template: ClassVar[str] = "programme/leave.html"
    seat: Seat | None
    cohort: Cohort | None
    has_left: bool


async def _from_here(request: Request) -> None:
    cookies.must_be_same_origin(request, studio_of(request).settings)


async def _counted(request: Request, _: VisitorOf) -> None:
    await studio_of(request).rates.spend_application(address_of(request))


_FROM_HERE: Final = [Depends(_from_here)]


@router.get("/programme/apply")
def show_form(visit: VisitOf, cohort: str = "") -> Response:
    """The form of an application; the cohort first, if there are several."""
    found = [each for each in open_cohorts(visit.session) if each.is_open]
    asked = [each for each in found if each.cohort.id == cohort] or (
        found if len(found) == 1 else []
    )
    page = ApplyPage(
        title=visit.say("Apply for a place"), cohorts=found, chosen=asked[0] if asked else None,
        roles=tuple(role for role in ProgrammeRole if role not in RIGHTS),
    )  # fmt: skip
    return visit.show(page)


@router.post("/programme/apply", dependencies=[*_FROM_HERE, Depends(_counted)])
def apply(visit: VisitOf, body: VisitorBodyOf) -> Response:
    """Apply; the browser keeps the code with which the application is followed."""
    made = create_application(_shaped(body), visit.session)
    onward = go(f"{BASE}/application")
    _remember(visit, onward, APPLICATION_COOKIE, made.id + _MARK + made.token, _HALF_YEAR_S)
    return onward


@router.get("/programme/application")
def show_application(visit: VisitOf) -> Response:
    """How one's application stands, or the field for its code."""
    code = visit.request.cookies.get(APPLICATION_COOKIE, "")
    if not code:
        return visit.show(FindApplicationPage(title=visit.say("Your application")))
    try:
        application = _own(visit, code)
    except NotFound:
        # What the cookie names is gone, for instance with the account that came of it.
        page = FindApplicationPage(title=visit.say("Your application"))
        given: Response = visit.show(page)
        given.delete_cookie(APPLICATION_COOKIE, path=BASE)
        return given
    return visit.show(_followed(visit, application, code))


@router.post("/programme/application", dependencies=_FROM_HERE)
def find_application(visit: VisitOf, body: VisitorBodyOf) -> Response:
    """Follow an application with its code from now on in this browser."""
    code = str(body.fields.get("code", "")).strip().rpartition("#")[2]
    _own(visit, code)
    onward = go(f"{BASE}/application")
    _remember(visit, onward, APPLICATION_COOKIE, code, _HALF_YEAR_S)
    return onward


@router.post("/programme/application/forget", dependencies=_FROM_HERE)
def forget_application(_: VisitorOf) -> Response:
    """Have this browser forget the code."""
    onward = go(f"{BASE}/application")
    onward.delete_cookie(APPLICATION_COOKIE, path=BASE)
    return onward


@router.post("/programme/application/withdraw", dependencies=_FROM_HERE)
def withdraw(visit: VisitOf, _: VisitorOf) -> Response:
    """Take the application back; what was written in it is erased."""
    application_id, token = _parts(visit.request.cookies.get(APPLICATION_COOKIE, ""))
    service.withdraw(visit.session, application_id, token)
    return go(f"{BASE}/application")


@router.post("/programme/application/phrase", dependencies=_FROM_HERE)
def mix_in(visit: VisitOf, body: VisitorBodyOf) -> Response:
    """Put words of the applicant's own into the draw that is open."""
    asked = body.as_a(ContributePhrase)
    own = _parts(visit.request.cookies.get(APPLICATION_COOKIE, ""))
    lotteries.contribute(visit.session, *own, asked.phrase, None)
    return go(f"{BASE}/application")


@router.post("/programme/application/appeal", dependencies=_FROM_HERE)
def appeal(visit: VisitOf, body: VisitorBodyOf) -> Response:
    """Appeal against the refusal; somebody else hears it."""
    asked = body.as_a(AppealRefusal)
    own = _parts(visit.request.cookies.get(APPLICATION_COOKIE, ""))
    appeals.lodge_for_applicant(visit.session, *own, asked.text)
    return go(f"{BASE}/application")


@router.post("/programme/application/come", dependencies=_FROM_HERE)
def come(request: Request, visit: VisitOf, body: VisitorBodyOf, tasks: BackgroundTasks) -> Response:
    """Take the seat that an admission keeps."""
    application_id, token = _parts(request.cookies.get(APPLICATION_COOKIE, ""))
    name = service.get_own(visit.session, application_id, token).name
    code, _ = service.take_invitation(visit.session, application_id, token)
    wanted = str(body.fields.get("name", "")).strip() or name
    taken = invitations.redeem(visit.session, code, wanted, visit.caller)
    return _seated(visit, taken, tasks)


@router.get("/programme/invited")
def show_invited(visit: VisitOf, declined: str = "") -> Response:
    """Where links of invitations lead; the code stands behind '#', which is sent to nobody."""
    return visit.show(InvitedPage(title=visit.say("You are invited"), is_declined=bool(declined)))


@router.post("/programme/invited", dependencies=_FROM_HERE)
def redeem(visit: VisitOf, body: VisitorBodyOf, tasks: BackgroundTasks) -> Response:
    """Take the seat of an invitation."""
    asked = filled(body).as_a(RedeemInvitation)
    code = asked.code.strip().rpartition("#")[2]
    taken = invitations.redeem(visit.session, code, asked.name, visit.caller)
    return _seated(visit, taken, tasks)


@router.post("/programme/invited/decline", dependencies=_FROM_HERE)
def decline(visit: VisitOf, body: VisitorBodyOf) -> Response:
    """Say that one does not come, and why if one likes."""
    asked = filled(body).as_a(DeclineInvitation)
    invitations.decline(visit.session, asked.code.strip().rpartition("#")[2], asked.why)
    return go(f"{BASE}/invited?declined=1")


@router.get("/programme/welcome")
def show_welcome(visit: VisitOf) -> Response:
    """What comes next for somebody who has just come in."""
    seat = admission.seat_of(visit.session, visit.member.person_id)
    page = WelcomePage(
        title=visit.say("Welcome"),
        cohort=admission.find_cohort(visit.session, seat.cohort_id) if seat else None,
        key=visit.request.cookies.get(FIRST_KEY_COOKIE, ""),
        has_passkey=bool(logins.list_passkeys(visit.session, visit.member)),
    )
    return visit.show(page)


@router.get("/programme/leave")
def show_leave(visit: VisitOf, left: str = "") -> Response:
    """What leaving means."""
    seat = admission.seat_of(visit.session, visit.member.person_id)
    page = LeavePage(
        title=visit.say("Leave the programme"), seat=seat,
        cohort=admission.find_cohort(visit.session, seat.cohort_id) if seat else None,
        has_left=bool(left) and seat is None,
    )  # fmt: skip
    return visit.show(page)


@router.post("/programme/leave")
def leave(visit: VisitOf) -> Response:
    """Leave in one step."""
    sessions.leave_programme(visit.session, visit.member)
    return go(f"{BASE}/leave?left=1")


def _shaped(body: Body) -> Body:
    """A form's fields as an application has them: links line by line, and no empty answers."""
    fields: dict[str, Any] = dict(filled(body).fields)
    if isinstance(fields.get("links"), str):
        fields["links"] = fields["links"].split()
    if isinstance(fields.get("answers"), Mapping):
        fields["answers"] = {k: v for k, v in fields["answers"].items() if str(v).strip()}
    return replace(body, fields=fields)


def _parts(code: str) -> tuple[str, str]:
    application_id, _, token = code.partition(_MARK)
    return application_id, token


def _own(visit: Visit, code: str) -> Application:
    return service.get_own(visit.session, *_parts(code))


def _followed(visit: Visit, application: Application, code: str) -> ApplicationPage:
    rows = [lottery_row(each) for each in lotteries.list_lotteries(visit.session)]
    found = open_cohorts(visit.session, rows)
    cohort = next(each for each in found if each.cohort.id == application.cohort_id)
    waits = application.draw_place is None and cohort.lottery is not None
    lodged = appeals.list_for_applicant(visit.session, *_parts(code))
    return ApplicationPage(
        title=visit.say("Your application"), application=application, code=code,
        link=f"{cookies.site(visit.studio.settings)}{BASE}/application#{code}",
        cohort=cohort.cohort, place=waitlist.place_of(visit.session, application),
        lottery=cohort.lottery.id if waits and cohort.lottery else "",
        statement=service.statement_of(visit.session, application),
        invitation=str(service.invitation_of(visit.session, application) or ""),
        appeals=lodged,
        may_appeal=all(each.outcome and each.stage != AppealStage.PANEL for each in lodged),
        rule=waitlist.RULE,
    )  # fmt: skip


def _seated(visit: Visit, taken: Redeemed, tasks: BackgroundTasks) -> Response:
    """On to the welcome; a new person is signed in, and sees the first key there."""
    onward = go(f"{BASE}/welcome")
    if taken.secret is not None:
        _remember(visit, onward, FIRST_KEY_COOKIE, taken.secret, _FIRST_KEY_S)
        person_id = taken.seat.person_id
        sign_in(visit.request, onward, tasks, visit.session, person_id, Way.INVITATION)
    return onward


def _remember(visit: Visit, response: Response, name: str, value: str, max_age_s: int) -> None:
    is_secure = cookies.site(visit.studio.settings).startswith("https:")
    response.set_cookie(
        name, value, max_age=max_age_s, path=BASE, httponly=True, samesite="lax", secure=is_secure
    )
