"""Ways into the studio's pages, out of them, and how they look; and the files that pages are made of."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Final

from fastapi import APIRouter, BackgroundTasks, Depends, Request, Response
from fastapi.responses import RedirectResponse

from unstrung.studio import cookies, mail
from unstrung.studio.dependencies import BodyOf, StudioOf, studio_of
from unstrung.studio.errors import NotFound
from unstrung.studio.logins import service as logins
from unstrung.studio.logins.routes import begin_at_issuer
from unstrung.studio.logins.schemas import RedeemEmailLink, RequestEmailLink, StartOidc
from unstrung.studio.pages.languages import language_of
from unstrung.studio.pages.site import LOOKS, PREFIX, Page, address_of_static, static_file
from unstrung.studio.pages.visits import (
    LANGUAGE_COOKIE,
    LOOK_COOKIE,
    SIGN_IN,
    VisitOf,
    go,
    own_path,
    page_router,
)
from unstrung.studio.sessions import service as sessions
from unstrung.studio.sessions.models import Way
from unstrung.studio.signing_in import send_letter, sign_in
from unstrung.studio.visitors import VisitorBodyOf, VisitorOf

router = page_router()
_YEAR_S: Final = 31_536_000
first_page = APIRouter(include_in_schema=False)


@dataclass(frozen=True, kw_only=True)
class SignInPage(Page):
    """Ways to sign in.

    Attributes:
        issuers: names of OpenID issuers.
        next: where to go on.
        is_sent: whether a letter is on its way.
    """

    template: ClassVar[str] = "sign_in.html"
    issuers: tuple[str, ...]
    next: str
    is_sent: bool


@dataclass(frozen=True, kw_only=True)
class CodePage(Page):
    """The code of a letter, or of the command line, to sign in with."""

    template: ClassVar[str] = "sign_in_code.html"


async def _from_here(request: Request) -> None:
    cookies.must_be_same_origin(request, studio_of(request).settings)


_FROM_HERE: Final = [Depends(_from_here)]


@first_page.get("/")
def show_first_page() -> Response:
    """The address of the service, opened by somebody."""
    return go(PREFIX)


@first_page.get("/favicon.ico")
def show_mark() -> Response:
    """The mark, for browsers that ask for it without having read a page."""
    return RedirectResponse(address_of_static("mark.svg"), 302)


@router.get("/sign-in")
def show_sign_in(visit: VisitOf, next: str = PREFIX, sent: str = "") -> Response:
    """Ways to sign in, for somebody who is not."""
    if visit.caller is not None:
        return go(own_path(next))
    page = SignInPage(
        title=visit.say("Sign in"), issuers=tuple(visit.studio.settings.oidc_issuers),
        next=own_path(next), is_sent=bool(sent),
        # Browsers hold the redirection that follows a form to the same policy as the form.
        form_targets=tuple(each.issuer for each in visit.studio.settings.oidc_issuers.values()),
    )  # fmt: skip
    return visit.show(page)


@router.post("/sign-in/email", dependencies=_FROM_HERE)
def ask_for_letter(visit: VisitOf, body: VisitorBodyOf, tasks: BackgroundTasks) -> Response:
    """Have a link sent; what is answered does not say whether the address is known."""
    asked = body.as_a(RequestEmailLink)
    settings = visit.studio.settings
    letter = logins.ask_for_link(
        visit.session, settings, mail.checked_address(asked.address), visit.reader.language.code
    )
    tasks.add_task(send_letter, settings, letter)
    return go(f"{SIGN_IN}?sent=1")


@router.post("/sign-in/with/{issuer}", dependencies=_FROM_HERE)
def start_at_issuer(studio: StudioOf, body: VisitorBodyOf, issuer: str) -> Response:
    """On to an OpenID issuer, which sends the browser back."""
    told = Response()
    asked = StartOidc(return_to=own_path(str(body.fields.get("next", ""))))
    onward = go(begin_at_issuer(told, studio, issuer, asked, None).url)
    for cookie in told.headers.getlist("set-cookie"):
        onward.headers.append("set-cookie", cookie)
    return onward


@router.get("/sign-in/code")
def show_code(visit: VisitOf) -> Response:
    """Where links of letters lead; the code stands behind '#', which is sent to nobody."""
    return visit.show(CodePage(title=visit.say("Sign in")))


@router.post("/sign-in/code", dependencies=_FROM_HERE)
def use_code(
    request: Request, studio: StudioOf, visit: VisitOf, body: VisitorBodyOf, tasks: BackgroundTasks
) -> Response:
    """Sign in with a code, once."""
    asked = body.as_a(RedeemEmailLink)
    person_id = logins.person_by_link(visit.session, studio.settings, asked.token, asked.name)
    onward = go(PREFIX)
    sign_in(request, onward, tasks, visit.session, person_id, Way.EMAIL)
    return onward


@router.post("/sign-out")
def sign_out(request: Request, studio: StudioOf, visit: VisitOf) -> Response:
    """End the session of this browser."""
    sessions.end_session(visit.session, visit.member, visit.member.key_id)
    onward = go(PREFIX)
    cookies.clear(onward, studio.settings)
    request.state.next_token = None
    return onward


@router.post("/language", dependencies=_FROM_HERE)
def choose_language(body: BodyOf, _: VisitorOf) -> Response:
    """Read the pages in another language from now on."""
    chosen = language_of(str(body.fields.get("language", "")))
    return _remembered(body.fields.get("next"), LANGUAGE_COOKIE, chosen.code if chosen else "en")


@router.post("/look", dependencies=_FROM_HERE)
def choose_look(body: BodyOf, _: VisitorOf) -> Response:
    """See the pages lighter, darker, or as the system says."""
    look = str(body.fields.get("look", ""))
    return _remembered(body.fields.get("next"), LOOK_COOKIE, look if look in LOOKS else "")


@router.get("/static/{name:path}")
def show_static(request: Request, name: str, v: Annotated[str, "digest"] = "") -> Response:
    """A file of the site; named with its digest it may be kept for good."""
    found = static_file(name)
    if found is None:
        raise NotFound(f"There is no file '{name[:80]}'.", code="unknown_url")
    etag = f'"{found.digest}"'
    headers = {
        "etag": etag,
        "cache-control": f"public, max-age={_YEAR_S}, immutable"
        if v == found.digest
        else "no-cache",
        "vary": "Accept-Encoding",
        "x-content-type-options": "nosniff",
    }
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    content = found.content
    if "gzip" in request.headers.get("accept-encoding", "") and len(found.compressed) < len(
        content
    ):
        headers["content-encoding"], content = "gzip", found.compressed
    return Response(content, media_type=found.content_type, headers=headers)


def _remembered(onward: object, cookie: str, value: str) -> Response:
    """A choice kept in the browser for a year; the page is the same one again."""
    path = own_path(str(onward or ""))
    if cookie == LANGUAGE_COOKIE:
        path = path.partition("?lang=")[0]
    given = go(path)
    given.set_cookie(cookie, value, max_age=_YEAR_S, path="/", samesite="lax", httponly=True)
    return given
