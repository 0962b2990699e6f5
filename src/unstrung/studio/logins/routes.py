"""Routes of signing in: parse, call, tell."""

import hmac
from collections.abc import Awaitable, Callable
from typing import Annotated, Final

import structlog
from fastapi import APIRouter, BackgroundTasks, Depends, Query, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from unstrung.studio import cookies, mail, oidc
from unstrung.studio.dependencies import (
    BodyOf,
    CallerOf,
    Studio,
    StudioOf,
    Transaction,
    body_schema,
    studio_of,
)
from unstrung.studio.errors import NotFound
from unstrung.studio.logins import service
from unstrung.studio.logins.models import AttemptKind, SignInAttempt
from unstrung.studio.logins.schemas import (
    EmailLinkRequested,
    FinishPasskeyLogin,
    FinishPasskeyRegistration,
    IssuerList,
    IssuerObject,
    OidcStarted,
    PasskeyDeleted,
    PasskeyList,
    PasskeyObject,
    PasskeyQuestion,
    RedeemEmailLink,
    RequestEmailLink,
    ReturnFromOidc,
    SignedIn,
    StartOidc,
    passkey_object,
)
from unstrung.studio.oidc import IssuerRefused
from unstrung.studio.sessions.models import Way
from unstrung.studio.sessions.schemas import session_object
from unstrung.studio.settings import OidcIssuer, Settings
from unstrung.studio.signing_in import send_letter, sign_in
from unstrung.studio.visitors import VisitorBodyOf, VisitorOf

PREFIX: Final = "/programme/v1/session"
router = APIRouter(prefix=PREFIX, tags=["signing in"])
_log = structlog.get_logger(__name__)


async def _same_origin(request: Request) -> None:
    # Also before anybody is signed in: another site must not sign a browser in as somebody else.
    cookies.must_be_same_origin(request, studio_of(request).settings)


def _attempt(kind: AttemptKind) -> Callable[[Request], Awaitable[SignInAttempt]]:
    """What the browser was in the middle of; used up before its answer is looked at."""

    async def taken(request: Request) -> SignInAttempt:
        studio = studio_of(request)

        def take() -> SignInAttempt:
            with studio.database.transaction() as session:
                return service.take_attempt(
                    session, kind, cookies.attempt(request, studio.settings)
                )

        async with studio.places:
            return await run_in_threadpool(take)

    return taken


_FROM_HERE: Final = [Depends(_same_origin)]


@router.post("/passkey/register/begin")
def begin_registration(
    response: Response, studio: StudioOf, caller: CallerOf, session: Transaction
) -> PasskeyQuestion:
    """Begin to add a passkey to the account that is signed in."""
    options, secret = service.begin_registration(session, studio.settings, caller)
    cookies.set_attempt(response, studio.settings, secret)
    return PasskeyQuestion(public_key=options)


@router.post("/passkey/register/finish", openapi_extra=body_schema(FinishPasskeyRegistration))
def finish_registration(
    response: Response,
    studio: StudioOf,
    caller: CallerOf,
    body: BodyOf,
    attempt: Annotated[SignInAttempt, Depends(_attempt(AttemptKind.REGISTER_PASSKEY))],
    session: Transaction,
) -> PasskeyObject:
    """Keep the passkey that the browser made."""
    asked = body.as_a(FinishPasskeyRegistration)
    cookies.clear_attempt(response, studio.settings)
    return passkey_object(
        service.add_passkey(session, studio.settings, caller, attempt, asked.name, asked.credential)
    )


@router.post("/passkey/login/begin", dependencies=_FROM_HERE)
def begin_passkey_login(
    response: Response, studio: StudioOf, _: VisitorOf, session: Transaction
) -> PasskeyQuestion:
    """Begin to sign in with a passkey, or to use it again before an act of a steward."""
    options, secret = service.begin_passkey_login(session, studio.settings)
    cookies.set_attempt(response, studio.settings, secret)
    return PasskeyQuestion(public_key=options)


@router.post(
    "/passkey/login/finish", dependencies=_FROM_HERE, openapi_extra=body_schema(FinishPasskeyLogin)
)
def finish_passkey_login(
    request: Request,
    response: Response,
    studio: StudioOf,
    body: VisitorBodyOf,
    attempt: Annotated[SignInAttempt, Depends(_attempt(AttemptKind.PASSKEY_LOGIN))],
    session: Transaction,
    tasks: BackgroundTasks,
) -> SignedIn:
    """Sign in with the passkey that the browser used."""
    asked = body.as_a(FinishPasskeyLogin)
    person_id = service.person_by_passkey(session, studio.settings, attempt, asked.credential)
    return _signed_in(request, response, tasks, session, person_id, Way.PASSKEY)


@router.get("/passkeys")
def list_passkeys(caller: CallerOf, session: Transaction) -> PasskeyList:
    """The caller's passkeys."""
    return PasskeyList(
        data=[passkey_object(each) for each in service.list_passkeys(session, caller)]
    )


@router.delete("/passkeys/{passkey_id}")
def remove_passkey(caller: CallerOf, session: Transaction, passkey_id: str) -> PasskeyDeleted:
    """Forget a passkey; the last way into an account stays."""
    service.remove_passkey(session, caller, passkey_id)
    return PasskeyDeleted(id=passkey_id)


@router.post("/email/request", dependencies=_FROM_HERE, openapi_extra=body_schema(RequestEmailLink))
def request_email_link(
    studio: StudioOf, body: VisitorBodyOf, session: Transaction, tasks: BackgroundTasks
) -> EmailLinkRequested:
    """Have a link sent to sign in with; the answer is the same whether or not the address is known."""
    asked = body.as_a(RequestEmailLink)
    address = mail.checked_address(asked.address)
    letter = service.ask_for_link(session, studio.settings, address, asked.language)
    # After the answer, so that nobody can tell by its time what is sent.
    tasks.add_task(send_letter, studio.settings, letter)
    return EmailLinkRequested()


@router.post("/email/redeem", dependencies=_FROM_HERE, openapi_extra=body_schema(RedeemEmailLink))
def redeem_email_link(
    request: Request, response: Response, studio: StudioOf, body: VisitorBodyOf,
    session: Transaction, tasks: BackgroundTasks,
) -> SignedIn:  # fmt: skip
    """Sign in with a link, once."""
    asked = body.as_a(RedeemEmailLink)
    person_id = service.person_by_link(session, studio.settings, asked.token, asked.name)
    return _signed_in(request, response, tasks, session, person_id, Way.EMAIL)


@router.get("/oidc")
def list_issuers(studio: StudioOf, _: VisitorOf) -> IssuerList:
    """Issuers that one can sign in at."""
    known = studio.settings.oidc_issuers.items()
    return IssuerList(data=[IssuerObject(name=name, issuer=each.issuer) for name, each in known])


@router.post("/oidc/{issuer}/start", dependencies=_FROM_HERE, openapi_extra=body_schema(StartOidc))
def start_oidc(
    response: Response, studio: StudioOf, body: VisitorBodyOf, issuer: str
) -> OidcStarted:
    """Begin to sign in at an issuer; the browser goes to the address of the answer."""
    return begin_at_issuer(response, studio, issuer, body.as_a(StartOidc), None)


@router.post("/oidc/{issuer}/add", openapi_extra=body_schema(StartOidc))
def add_oidc(
    response: Response, studio: StudioOf, caller: CallerOf, body: BodyOf, issuer: str
) -> OidcStarted:
    """Begin to add an issuer's identity to the account that is signed in, as another way in."""
    asked = body.as_a(StartOidc)
    with studio.database.transaction() as session:
        session_id = service.must_be_recent_caller(session, caller)
    return begin_at_issuer(response, studio, issuer, asked, session_id)


@router.get("/oidc/{issuer}/callback", response_model=SignedIn)
def return_from_oidc(
    request: Request,
    studio: StudioOf,
    _: VisitorOf,
    issuer: str,
    given: Annotated[ReturnFromOidc, Query()],
    attempt: Annotated[SignInAttempt, Depends(_attempt(AttemptKind.OIDC))],
    tasks: BackgroundTasks,
) -> Response:
    """Where an issuer sends the browser back to; signs in, and goes on to where it was to end."""
    known = _known(studio.settings, issuer)
    kept = attempt.content
    is_ours = hmac.compare_digest((given.state or "").encode(), kept["state"].encode())
    if not is_ours or kept["issuer"] != issuer or given.iss not in (None, known.issuer):
        raise IssuerRefused(
            "This does not belong to a sign-in that this browser began; begin again."
        )
    if given.error is not None or not given.code:
        raise IssuerRefused("The issuer did not sign anybody in; begin again.")
    back = _redirect_uri(studio.settings, issuer)
    # No transaction may wait for somebody else's server.
    identity = oidc.finish(known, back, given.code, kept["nonce"], kept["verifier"])
    told = Response()
    with studio.database.transaction() as session:
        person_id = service.person_by_identity(session, studio.settings, attempt, identity)
        signed_in = _signed_in(request, told, tasks, session, person_id, Way.OIDC)
    answer: Response = JSONResponse(signed_in.model_dump(mode="json"))
    if kept["return_to"] is not None:
        answer = RedirectResponse(kept["return_to"], 303)
    for cookie in told.headers.getlist("set-cookie"):
        answer.headers.append("set-cookie", cookie)
    return answer


def begin_at_issuer(
    response: Response, studio: Studio, issuer: str, asked: StartOidc, session_id: str | None
) -> OidcStarted:
    """Begin a sign-in at an issuer; a session, if given, is the one that the identity is added to."""
    begun = oidc.begin(_known(studio.settings, issuer), _redirect_uri(studio.settings, issuer))
    with studio.database.transaction() as session:
        secret = service.begin_oidc(session, issuer, begun, asked.return_to, session_id)
    cookies.set_attempt(response, studio.settings, secret)
    return OidcStarted(url=begun.url)


def _known(settings: Settings, issuer: str) -> OidcIssuer:
    found = settings.oidc_issuers.get(issuer)
    if found is None:
        raise NotFound(f"There is no issuer '{issuer}'.", "issuer", "issuer_not_found")
    return found


def _redirect_uri(settings: Settings, issuer: str) -> str:
    return f"{cookies.site(settings)}{PREFIX}/oidc/{issuer}/callback"


def _signed_in(
    request: Request,
    response: Response,
    tasks: BackgroundTasks,
    session: Session,
    person_id: str,
    way: Way,
) -> SignedIn:
    opened = sign_in(request, response, tasks, session, person_id, way)
    told = session_object(opened.session, opened.session.id)
    return SignedIn(person_id=person_id, session=told)
