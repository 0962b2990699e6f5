"""The account: name, ways in, sessions, and keys for programs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, ClassVar, Final

from fastapi import Response
from pydantic import BeforeValidator, Field

from unstrung.studio.access import service as access
from unstrung.studio.access.models import Key, Scope
from unstrung.studio.accounts import service as accounts
from unstrung.studio.cookies import site
from unstrung.studio.database import now
from unstrung.studio.dependencies import BodyOf
from unstrung.studio.fields import StrictRequest, one_of
from unstrung.studio.logins import service as logins
from unstrung.studio.logins.models import EmailAddress, Passkey
from unstrung.studio.pages.site import PREFIX, Page
from unstrung.studio.pages.visits import ADMIN, VisitOf, go, page_router
from unstrung.studio.sessions import service as sessions
from unstrung.studio.sessions.models import PersonSession
from unstrung.studio.signals import service as signals

router = page_router()
ACCOUNT: Final = f"{PREFIX}/account"
_DAYS: Final = (30, 90, 365, 0)


class RenameMe(StrictRequest):
    """Call me otherwise."""

    name: str = Field(min_length=1, max_length=200)


class MakeKey(StrictRequest):
    """Make a key for a program."""

    name: str = Field(min_length=1, max_length=200, pattern=r"^[^\x00]*\S[^\x00]*$")
    scopes: list[Annotated[Scope, BeforeValidator(one_of(Scope))]] = Field(
        min_length=1, max_length=4
    )
    days: int = Field(90, ge=0, le=3650)


@dataclass(frozen=True, kw_only=True)
class AccountPage(Page):
    """Everything about one's account.

    Attributes:
        person_id: by which stewards find somebody.
        passkeys, addresses: ways in.
        sessions: that are good.
        current: id of this session.
        keys: newest first, with whether each is good.
        scopes: that a key may have, by what they let it do.
        days: choices of how long a key lives; 0 is for ever.
    """

    template: ClassVar[str] = "account.html"
    person_id: str
    passkeys: Sequence[Passkey]
    addresses: Sequence[EmailAddress]
    sessions: Sequence[PersonSession]
    current: str
    keys: list[tuple[Key, str]]
    scopes: list[Scope]
    days: Sequence[int] = _DAYS


@dataclass(frozen=True, kw_only=True)
class KeyPage(Page):
    """A key that was just made.

    Attributes:
        name: of the key.
        secret: shown this once.
        lines: for a shell, to point a program here.
    """

    template: ClassVar[str] = "account_key.html"
    part: ClassVar[str] = "account_key_part.html"
    name: str
    secret: str
    lines: str


@router.get("/account")
def show_account(visit: VisitOf) -> Response:
    """Everything about one's account."""
    session, caller = visit.session, visit.member
    page = AccountPage(
        title=visit.say("Account"),
        person_id=caller.person_id,
        passkeys=logins.list_passkeys(session, caller),
        addresses=logins.list_addresses(session, caller),
        sessions=sessions.list_sessions(session, caller),
        current=caller.key_id,
        keys=[(each, access.state_of(each)) for each in access.own_keys(session, caller)],
        scopes=[each for each in Scope if each != Scope.ADMIN or ADMIN in visit.reader.rights],
    )
    return visit.show(page)


@router.post("/account/name")
def rename(visit: VisitOf, body: BodyOf) -> Response:
    """Be called otherwise from now on."""
    name = body.as_a(RenameMe).name
    accounts.rename_person(visit.session, visit.member.person_id, name)
    return go(ACCOUNT)


@router.post("/account/passkeys/{passkey_id}/remove")
def remove_passkey(visit: VisitOf, passkey_id: str) -> Response:
    """Forget a passkey."""
    logins.remove_passkey(visit.session, visit.member, passkey_id)
    return go(ACCOUNT)


@router.post("/account/sessions/end-others")
def end_others(visit: VisitOf) -> Response:
    """End all sessions but this one."""
    sessions.end_other_sessions(visit.session, visit.member)
    return go(f"{ACCOUNT}#sessions")


@router.post("/account/sessions/{session_id}/end")
def end_session(visit: VisitOf, session_id: str) -> Response:
    """End one session."""
    sessions.end_session(visit.session, visit.member, session_id)
    return go(f"{ACCOUNT}#sessions")


@router.post("/account/keys")
def make_key(visit: VisitOf, body: BodyOf) -> Response:
    """Make a key, and show its secret once."""
    asked = body.as_a(MakeKey)
    expires_at = now() + timedelta(days=asked.days) if asked.days else None
    key, secret = access.create_own_key(
        visit.session, visit.member, asked.name, asked.scopes, expires_at
    )
    base = site(visit.studio.settings)
    page = KeyPage(
        title=visit.say("Your new key"), name=key.name, secret=secret,
        lines=f"export OPENAI_BASE_URL={base}/v1\nexport OPENAI_API_KEY={secret}",
    )  # fmt: skip
    return visit.show(page)


@router.post("/account/keys/{key_id}/revoke")
def revoke_key(visit: VisitOf, key_id: str) -> Response:
    """Make a key useless from now on."""
    signals.revoke_own_key(visit.session, visit.member, key_id)
    return go(ACCOUNT)
