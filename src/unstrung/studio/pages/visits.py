"""A visit to a page: who reads it, in which language, and what becomes of a refusal.

A page that needs somebody sends who is not signed in to the page for it, and back afterwards. Refusals of
services become a page, or, where a script asked for a part of one, the sentence that the form shows.
"""

import logging
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, ClassVar, Final
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from sqlalchemy.orm import Session

from unstrung.studio import cookies
from unstrung.studio.access.service import Caller
from unstrung.studio.accounts.models import Role
from unstrung.studio.admission import service as admission
from unstrung.studio.dependencies import Studio, Transaction, caller_of, studio_of
from unstrung.studio.errors import (
    BodyTooLarge,
    Forbidden,
    NotFound,
    ServiceFault,
    Unauthenticated,
    WireError,
)
from unstrung.studio.pages.languages import choose
from unstrung.studio.pages.sentences import translated
from unstrung.studio.pages.site import LOOKS, PREFIX, Page, Reader, answer
from unstrung.studio.sessions import service as sessions
from unstrung.studio.visitors import guest_of
from unstrung.studio.wire import invalid_field

LANGUAGE_COOKIE: Final = "unstrung_language"
LOOK_COOKIE: Final = "unstrung_look"
SIGN_IN: Final = f"{PREFIX}/sign-in"
ADMIN: Final = "admin"
_log = logging.getLogger(__name__)


class SignInFirst(Exception):  # what to do, not what went wrong
    """The page needs somebody who is signed in."""


@dataclass(frozen=True)
class Visit:
    """A request for a page.

    Attributes:
        request, studio, session: as routes have them.
        reader: who the page is made for.
        caller: who is signed in; None if nobody is.
    """

    request: Request
    studio: Studio
    session: Session
    reader: Reader
    caller: Caller | None

    @property
    def member(self) -> Caller:
        """Who is signed in.

        Raises:
            SignInFirst: if nobody is.
        """
        if self.caller is None:
            raise SignInFirst
        return self.caller

    def say(self, sentence: str) -> str:
        """A sentence in the reader's language."""
        return self.reader.language.words.gettext(sentence)

    def show(self, page: Page, status: int = 200) -> HTMLResponse:
        """The answer to the visit."""
        return answer(self.request, self.reader, page, status)

    def must_have_any(self, *rights: str) -> Caller:
        """Who is signed in, with one of some rights.

        Raises:
            SignInFirst: if nobody is.
            Forbidden: if they have none of the rights.
        """
        caller = self.member
        if not self.reader.rights & {*rights, ADMIN}:
            raise Forbidden("This page is for people with another role.", code="missing_right")
        return caller


@dataclass(frozen=True, kw_only=True)
class RefusalPage(Page):
    """Something was refused, or does not exist.

    Attributes:
        message, code: of the refusal.
        status: of the answer.
        statement: of reasons, if there is one.
        back: where to go on.
        is_ours: whether the fault is on our side.
        request_id: names the request in the operator's log.
    """

    template: ClassVar[str] = "refusal.html"
    part: ClassVar[str] = "refusal_part.html"
    message: str
    code: str
    status: int
    statement: dict[str, Any] | None
    back: str
    is_ours: bool
    request_id: str


class PageRoute(APIRoute):
    """A route whose refusals are pages, and whose redirections a script can follow."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler with what becomes of its exceptions."""
        usual = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                given = await _within_its_transaction(usual, request)
            except SignInFirst:
                given = RedirectResponse(f"{SIGN_IN}?next={quote(path_of(request))}", 303)
            except RequestValidationError as error:
                return _refused(request, invalid_field(error.errors()))
            except Unauthenticated as error:
                if error.code == "fresh_passkey_required":
                    return _refused(request, error)
                given = RedirectResponse(f"{SIGN_IN}?next={quote(path_of(request))}", 303)
            except WireError as error:
                if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                    _log.warning("%s", error, exc_info=error.__cause__)
                return _refused(request, error)
            return _for_scripts(request, given)

        return handled


async def _within_its_transaction(
    usual: Callable[[Request], Coroutine[Any, Any, Response]], request: Request
) -> Response:
    """Answer, and end what the route was handed before anybody makes a page of a refusal.

    FastAPI ends it outside the handler and would see an answer where there was a refusal: half of what was
    asked would stay, and the statement of a refusal would not be written.
    """
    outer = request.scope["fastapi_function_astack"]
    async with AsyncExitStack() as stack:
        request.scope["fastapi_function_astack"] = stack
        try:
            return await usual(request)
        finally:
            request.scope["fastapi_function_astack"] = outer


def page_router() -> APIRouter:
    """A router of pages: under `/studio`, and not part of the API's description."""
    return APIRouter(prefix=PREFIX, route_class=PageRoute, include_in_schema=False)


async def _caller(request: Request, response: Response) -> Caller | None:
    """Who is signed in; a session that is not good any more counts as none while somebody only reads."""
    if cookies.held(request, studio_of(request).settings) is None:
        return None
    try:
        return await caller_of(request, response)
    except Unauthenticated:
        if request.method in cookies.SAFE_METHODS:
            return None
        raise


def visit_of(
    request: Request,
    _: Annotated[None, Depends(guest_of)],
    session: Transaction,
    caller: Annotated[Caller | None, Depends(_caller)],
) -> Visit:
    """What a page is handed."""
    reader = reader_of(request)
    if caller is not None:
        person = sessions.describe(session, caller)[0]
        rights = set(map(str, admission.rights_of(session, caller.person_id)))
        if person.role == Role.ADMIN:
            rights.add(ADMIN)
        reader = Reader(
            reader.language, reader.look, reader.path, person.name, frozenset(rights),
            reader.is_fragment,
        )  # fmt: skip
    return Visit(request, studio_of(request), session, reader, caller)


VisitOf = Annotated[Visit, Depends(visit_of)]


def reader_of(request: Request) -> Reader:
    """A reader as far as the request alone tells."""
    look = request.cookies.get(LOOK_COOKIE, "")
    chosen = (request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE))
    return Reader(
        language=choose(chosen, request.headers.get("accept-language", "")),
        look=look if look in LOOKS else "",
        path=path_of(request),
        is_fragment="hx-request" in request.headers,
    )


def path_of(request: Request) -> str:
    """The path of a page with its query; of the page that a form stands on, if it was sent."""
    if request.method in cookies.SAFE_METHODS:
        query = f"?{request.url.query}" if request.url.query else ""
        return f"{request.url.path}{query}"
    return own_path(urlsplit(request.headers.get("referer", "")).path)


def own_path(wanted: str | None) -> str:
    """A path of ours to go on to; anything else is the first page (no open redirections)."""
    is_ours = wanted and (wanted == PREFIX or wanted.startswith(f"{PREFIX}/"))
    return wanted if wanted and is_ours and "\\" not in wanted and "//" not in wanted else PREFIX


def go(path: str) -> RedirectResponse:
    """On to another page, after something was done."""
    return RedirectResponse(path, 303)


def _for_scripts(request: Request, given: Response) -> Response:
    """A redirection as htmx follows it: as a whole new page.

    A browser that is led to a part of the page where it is only scrolls; it is told to load it again.
    """
    if "hx-request" in request.headers and given.status_code in (302, 303):
        headers = [(k, v) for k, v in given.headers.items() if k not in ("location", "set-cookie")]
        moved = Response(status_code=204, headers=dict(headers), background=given.background)
        page, _, part = given.headers["location"].partition("#")
        here = urlsplit(request.headers.get("hx-current-url", ""))
        if part and urlsplit(page)[2:4] == here[2:4]:
            moved.headers["hx-refresh"] = "true"
        else:
            moved.headers["hx-redirect"] = given.headers["location"]
        for cookie in given.headers.getlist("set-cookie"):
            moved.headers.append("set-cookie", cookie)
        return moved
    return given


def page_instead(request: Request, error: WireError) -> Response | None:
    """The page that a browser is shown of what happened under `/studio`; None if it wants none.

    An address that ends in a slash leads to the one without.
    """
    path = request.url.path
    if path != PREFIX and not path.startswith(f"{PREFIX}/"):
        return None
    if error.code == "unknown_url" and path.endswith("/"):
        query = f"?{request.url.query}" if request.url.query else ""
        # A path alone: whatever host the request names is nothing to go by.
        return RedirectResponse(f"{path.rstrip('/')}{query}", 308)
    wants_page = "hx-request" in request.headers or "text/html" in request.headers.get("accept", "")
    return _refused(request, error) if wants_page else None


def _refused(request: Request, error: WireError) -> Response:
    request.state.refusal = error.code
    reader = reader_of(request)
    title, message = _told(reader, error)
    page = RefusalPage(
        title=title, message=message, code=error.code, status=error.status,
        statement=error.statement, back=own_path(urlsplit(request.headers.get("referer", "")).path),
        is_ours=error.status >= HTTPStatus.INTERNAL_SERVER_ERROR and not error.statement,
        request_id=getattr(request.state, "request_id", ""),
    )  # fmt: skip
    given = answer(request, reader, page, error.status)
    if error.retry_after_s is not None:
        given.headers["retry-after"] = str(error.retry_after_s)
    return given


def _told(reader: Reader, error: WireError) -> tuple[str, str]:
    """Title and sentence of a refusal, in the reader's language as far as it is known."""
    say = reader.language.words.gettext
    if error.code == "unknown_url":
        return say("Not here"), say("There is no page at this address.")
    if error.code == "method_not_allowed":
        return say("This did not work"), say("This page cannot be used in that way.")
    if isinstance(error, BodyTooLarge):
        return say("Too large"), say("What was sent is larger than this studio takes.")
    if isinstance(error, ServiceFault):
        return say("Away for a moment"), say("A part of the studio cannot be reached right now.")
    if error.code == WireError.code:
        return say("Something broke"), say("Something went wrong on our side, not on yours.")
    title = say("Not here") if isinstance(error, NotFound) else say("This did not work")
    return title, translated(reader.language, str(error))
