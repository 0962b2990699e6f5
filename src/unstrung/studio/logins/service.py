"""Rules of signing in: passkeys, e-mail links, identities elsewhere; each ends in a session.

Nobody learns here who has an account: passkeys are asked for without a name, links are answered alike for
every address, and issuers say who somebody is, not which address they have.
"""

import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.orm import Session

from unstrung.studio import passkeys
from unstrung.studio.access.models import Scope
from unstrung.studio.access.service import Caller
from unstrung.studio.accounts import service as accounts
from unstrung.studio.accounts.models import Person
from unstrung.studio.cookies import site
from unstrung.studio.database import now
from unstrung.studio.errors import Conflict, Forbidden, NotFound, TooMany, Unauthenticated
from unstrung.studio.identity import new_id
from unstrung.studio.log import service as log
from unstrung.studio.log.models import EntryKind
from unstrung.studio.logins.models import (
    AttemptKind,
    EmailAddress,
    LoginLink,
    OutsideIdentity,
    Passkey,
    SignInAttempt,
)
from unstrung.studio.mail import Letter
from unstrung.studio.oidc import Begun, Identity
from unstrung.studio.passkeys import PasskeyRefused
from unstrung.studio.sessions import service as sessions
from unstrung.studio.sessions.models import PersonSession
from unstrung.studio.sessions.service import digest_of, is_open
from unstrung.studio.settings import Settings
from unstrung.studio.sign_in_letters import link_letter, no_account_letter

RECENT: Final = timedelta(minutes=10)
LINK_LIFE: Final = timedelta(minutes=15)
ATTEMPT_LIFE: Final = timedelta(minutes=10)
MAX_LINKS: Final = 5
MAX_PASSKEYS: Final = 20
_SECRET_BYTES: Final = 32
_MAX_NAME_CHARACTERS: Final = 200
_NAMELESS: Final = "New member"


# What a browser is in the middle of.


def begin_attempt(
    session: Session, kind: AttemptKind, content: dict[str, Any], session_id: str | None = None
) -> str:
    """Remember what a browser must bring back, and return the secret that ties it to the browser."""
    moment = now()
    _tidy(session)
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    session.add(
        SignInAttempt(
            digest=digest_of(secret), kind=kind, session_id=session_id, content=content,
            expires_at=moment + ATTEMPT_LIFE,
        )
    )  # fmt: skip
    session.flush()
    return secret


def take_attempt(session: Session, kind: AttemptKind, secret: str) -> SignInAttempt:
    """What was remembered, once: a wrong answer uses it up like a right one.

    The transaction must end before the answer is checked, so that a refusal does not bring it back.

    Raises:
        Unauthenticated: if there is nothing, or it is too old, or the session that began it is over.
    """
    found: SignInAttempt | None = session.scalar(
        delete(SignInAttempt)
        .where(SignInAttempt.digest == digest_of(secret), SignInAttempt.kind == kind)
        .returning(SignInAttempt)
    )
    begun_by = select(PersonSession.id).where(is_open(now()))
    if found is None or found.expires_at <= now() or (
        found.session_id is not None
        and session.scalar(begun_by.where(PersonSession.id == found.session_id)) is None
    ):  # fmt: skip
        raise Unauthenticated(
            "This browser has not begun to sign in, or too long ago; begin again.",
            code="sign_in_expired",
        )
    return found


# Passkeys.


def begin_registration(
    session: Session, settings: Settings, caller: Caller
) -> tuple[dict[str, Any], str]:
    """Begin to add a passkey; returns what to ask of the browser, and the secret for its cookie.

    Raises:
        Forbidden, Unauthenticated: if the session must not add a way in.
        Conflict: if the person has too many.
    """
    opened = sessions.session_of(session, caller)
    must_be_recent(session, opened)
    known = list_passkeys(session, caller)
    if len(known) >= MAX_PASSKEYS:
        raise Conflict(
            f"There are {MAX_PASSKEYS} passkeys already; remove one first.", None,
            "too_many_passkeys",
        )  # fmt: skip
    challenge = secrets.token_bytes(_SECRET_BYTES)
    person = session.get_one(Person, caller.person_id)
    options = passkeys.registration_options(
        settings, person.id, person.name, [each.credential_id for each in known], challenge
    )
    content = {"challenge": challenge.hex()}
    return options, begin_attempt(session, AttemptKind.REGISTER_PASSKEY, content, opened.id)


def add_passkey(
    session: Session,
    settings: Settings,
    caller: Caller,
    attempt: SignInAttempt,
    name: str,
    credential: dict[str, Any],
) -> Passkey:
    """Keep a passkey that answers the challenge.

    Raises:
        PasskeyRefused: if it does not, or is known already.
    """
    if attempt.session_id != caller.key_id:
        raise PasskeyRefused
    made = passkeys.check_registration(
        settings, credential, bytes.fromhex(attempt.content["challenge"])
    )
    known = select(Passkey.id).where(Passkey.credential_id == made.credential_id)
    _one_at_a_time(session, made.credential_id.hex())
    if session.scalar(known) is not None:
        raise PasskeyRefused
    transports = credential.get("response", {}).get("transports")
    passkey = Passkey(
        id=new_id("passkey"),
        person_id=caller.person_id,
        credential_id=made.credential_id,
        public_key=made.public_key,
        sign_count=made.sign_count,
        transports=[str(each)[:32] for each in transports[:8]]
        if isinstance(transports, list)
        else [],
        name=name,
        created_at=now(),
        last_used_at=None,
    )
    session.add(passkey)
    session.flush()
    content = {"id": passkey.id, "person_id": passkey.person_id}
    log.record(session, EntryKind.PASSKEY_ADDED, content, passkey.person_id)
    return passkey


def begin_passkey_login(session: Session, settings: Settings) -> tuple[dict[str, Any], str]:
    """Begin to sign in; it is the passkey that will say whose it is."""
    challenge = secrets.token_bytes(_SECRET_BYTES)
    options = passkeys.login_options(settings, challenge)
    content = {"challenge": challenge.hex()}
    return options, begin_attempt(session, AttemptKind.PASSKEY_LOGIN, content)


def person_by_passkey(
    session: Session, settings: Settings, attempt: SignInAttempt, credential: dict[str, Any]
) -> str:
    """Whose passkey answers the challenge.

    Raises:
        PasskeyRefused: if none does.
    """
    named = passkeys.credential_id_of(credential)
    query = select(Passkey).where(Passkey.credential_id == named)
    # Locked, so that of two answers with one count only one is taken.
    found = session.scalar(query.with_for_update())
    if found is None:
        raise PasskeyRefused
    challenge = bytes.fromhex(attempt.content["challenge"])
    found.sign_count = passkeys.check_login(
        settings, credential, challenge, found.public_key, found.sign_count, found.person_id
    )
    found.last_used_at = now().replace(second=0, microsecond=0)
    session.flush()
    return found.person_id


def list_passkeys(session: Session, caller: Caller) -> Sequence[Passkey]:
    """The caller's passkeys, newest first."""
    caller.must_have(Scope.READ)
    query = select(Passkey).where(Passkey.person_id == caller.person_id)
    return session.scalars(query.order_by(Passkey.id.desc())).all()


def remove_passkey(session: Session, caller: Caller, passkey_id: str) -> None:
    """Forget a passkey.

    Raises:
        Forbidden, Unauthenticated: if the caller must not change the ways in.
        NotFound: if there is none, or it is somebody else's.
        Conflict: if it is the only way in.
    """
    must_be_recent(session, sessions.session_of(session, caller))
    _one_at_a_time(session, caller.person_id)
    found = session.get(Passkey, passkey_id)
    if found is None or found.person_id != caller.person_id:
        raise NotFound(f"There is no passkey '{passkey_id}'.", "passkey_id", "passkey_not_found")
    ways = (Passkey, EmailAddress, OutsideIdentity)
    counts = [
        session.scalar(select(func.count()).where(each.person_id == caller.person_id)) or 0
        for each in ways
    ]
    if sum(counts) <= 1:
        raise Conflict(
            "This is the only way into the account; add another one first.", "passkey_id",
            "last_way_in",
        )  # fmt: skip
    session.delete(found)
    session.flush()
    content = {"id": passkey_id, "person_id": caller.person_id}
    log.record(session, EntryKind.PASSKEY_REMOVED, content, caller.person_id)


def forget_passkeys(session: Session, person_id: str) -> int:
    """Forget all passkeys of somebody who lost them, end their sessions, and return how many there were.

    For whoever runs the studio, who must know that it is the person who asks.
    """
    lost = session.scalars(
        delete(Passkey).where(Passkey.person_id == person_id).returning(Passkey.id)
    ).all()
    for passkey_id in lost:
        content = {"id": passkey_id, "person_id": person_id, "why": "lost"}
        log.record(session, EntryKind.PASSKEY_REMOVED, content, person_id)
    sessions.end_all_sessions(session, person_id)
    return len(lost)


def must_be_recent(session: Session, opened: PersonSession) -> None:
    """Refuse to change the ways into an account in a session that may have been left open or stolen.

    Raises:
        Unauthenticated: if a passkey, or, by whoever has none, a sign-in of the last minutes is needed.
    """
    has_passkey = select(exists().where(Passkey.person_id == opened.person_id))
    if session.scalar(has_passkey):
        if opened.fresh_until is None or opened.fresh_until <= now():
            raise Unauthenticated(
                "This takes a passkey used within the last 5 minutes; sign in with it again.",
                code="fresh_passkey_required",
            )
    elif opened.created_at + RECENT <= now():
        raise Unauthenticated(
            "This takes a sign-in of the last 10 minutes; sign in again.",
            code="fresh_sign_in_required",
        )


# E-mail links.


def add_address(session: Session, person_id: str, address: str, is_verified: bool = False) -> None:
    """Let somebody sign in by an address; to add one twice changes nothing.

    Args:
        session: of the transaction.
        person_id: whose it is, which whoever calls this must know.
        address: as `mail.checked_address` gives it.
        is_verified: whether the person is known to read what is sent there.

    Raises:
        Conflict: if it is somebody else's.
    """
    _one_at_a_time(session, address)
    found = session.get(EmailAddress, address)
    if found is None:
        found = EmailAddress(address=address, person_id=person_id, verified_at=None)
        session.add(found)
    if found.person_id != person_id:
        raise Conflict("This address is somebody else's.", "address", "address_taken")
    if is_verified and found.verified_at is None:
        found.verified_at = now()
    session.flush()


def addresses_of(session: Session, person_id: str) -> Sequence[str]:
    """Addresses at which somebody is known to read what is sent."""
    query = select(EmailAddress.address).where(
        EmailAddress.person_id == person_id, EmailAddress.verified_at.is_not(None)
    )
    return session.scalars(query.order_by(EmailAddress.address)).all()


def list_addresses(session: Session, caller: Caller) -> Sequence[EmailAddress]:
    """Addresses that the caller can sign in by."""
    caller.must_have(Scope.READ)
    mine = EmailAddress.person_id == caller.person_id
    return session.scalars(select(EmailAddress).where(mine).order_by(EmailAddress.address)).all()


def ask_for_link(session: Session, settings: Settings, address: str, language: str) -> Letter:
    """The e-mail that answers somebody who wants to sign in by an address.

    The same is written down for every address, and something is sent to every one; only whoever reads it
    learns whether it has an account.

    Args:
        session: of the transaction.
        settings: whether accounts may be made, and how people reach us.
        address: as `mail.checked_address` gives it.
        language: of the e-mail.

    Raises:
        TooMany: if the address was sent enough for now, whether or not it is known.
    """
    moment = now()
    _tidy(session)
    _one_at_a_time(session, address)
    recent = select(func.count()).where(
        LoginLink.address == address, LoginLink.created_at > moment - LINK_LIFE
    )
    if (session.scalar(recent) or 0) >= MAX_LINKS:
        raise TooMany(
            f"{MAX_LINKS} e-mails went to this address within 15 minutes; use one of them, or wait.",
            "address", "too_many_links", retry_after_s=int(LINK_LIFE.total_seconds()),
        )  # fmt: skip
    is_known = session.scalar(select(exists().where(EmailAddress.address == address)))
    token = _make_link(session, address, None)
    if is_known or settings.open_registration:
        return link_letter(address, _link_to(settings, token), token, language)
    return no_account_letter(address, site(settings), language)


def link_for(session: Session, settings: Settings, person_id: str) -> str:
    """A link that signs somebody in, for whoever runs the studio to hand over."""
    return _link_to(settings, _make_link(session, None, person_id))


def person_by_link(session: Session, settings: Settings, token: str, name: str | None) -> str:
    """Whom a link signs in; it is used up.

    Args:
        session: of the transaction.
        settings: whether an account may be made.
        token: of the link.
        name: what somebody new wants to be called.

    Raises:
        Unauthenticated: if the link is unknown, used or too old.
        Forbidden: if there is no account and none may be made.
    """
    moment = now()
    link: LoginLink | None = session.scalar(
        update(LoginLink)
        .where(
            LoginLink.digest == digest_of(token),
            LoginLink.used_at.is_(None),
            LoginLink.expires_at > moment,
        )
        .values(used_at=moment)
        .returning(LoginLink)
    )
    if link is None:
        raise Unauthenticated(
            "This link is not good, was used already, or is older than 15 minutes; ask for another.",
            code="link_not_good",
        )
    if link.person_id is not None:
        return link.person_id
    assert link.address is not None
    _one_at_a_time(session, link.address)
    found = session.get(EmailAddress, link.address)
    if found is None:
        person_id = _new_person(session, settings, name)
        add_address(session, person_id, link.address, is_verified=True)
        return person_id
    found.verified_at = found.verified_at or moment
    session.flush()
    return found.person_id


def _make_link(session: Session, address: str | None, person_id: str | None) -> str:
    token = secrets.token_urlsafe(_SECRET_BYTES)
    moment = now()
    session.add(
        LoginLink(
            id=new_id("link"), digest=digest_of(token), address=address, person_id=person_id,
            created_at=moment, expires_at=moment + LINK_LIFE, used_at=None,
        )
    )  # fmt: skip
    session.flush()
    return token


def _link_to(settings: Settings, token: str) -> str:
    # Behind '#', so that it reaches neither a server's log nor another site.
    return f"{site(settings)}/studio/sign-in/code#{token}"


# Identities elsewhere.


def begin_oidc(
    session: Session, issuer: str, begun: Begun, return_to: str | None, session_id: str | None
) -> str:
    """Remember a sign-in that goes on elsewhere, and return the secret that ties it to the browser.

    Args:
        session: of the transaction.
        issuer: its short name.
        begun: what its return is checked against.
        return_to: path on this host where the browser goes in the end.
        session_id: session that adds this way in; None to sign in.
    """
    content = {
        "issuer": issuer, "state": begun.state, "nonce": begun.nonce, "verifier": begun.verifier,
        "return_to": return_to,
    }  # fmt: skip
    return begin_attempt(session, AttemptKind.OIDC, content, session_id)


def must_be_recent_caller(session: Session, caller: Caller) -> str:
    """The session of a caller who may add a way in.

    Raises:
        Forbidden, Unauthenticated: if the caller may not.
    """
    opened = sessions.session_of(session, caller)
    must_be_recent(session, opened)
    return opened.id


def person_by_identity(
    session: Session, settings: Settings, attempt: SignInAttempt, identity: Identity
) -> str:
    """Whom an issuer's word signs in.

    Raises:
        Forbidden: if there is no account and none may be made.
        Conflict: if the identity is somebody else's than of the session that adds it.
    """
    _one_at_a_time(session, f"{identity.issuer} {identity.subject}")
    query = select(OutsideIdentity).where(
        OutsideIdentity.issuer == identity.issuer, OutsideIdentity.subject == identity.subject
    )
    found = session.scalar(query)
    adding = attempt.session_id and session.get_one(PersonSession, attempt.session_id)
    if found is None:
        person_id = adding.person_id if adding else _new_person(session, settings, identity.name)
        session.add(
            OutsideIdentity(
                id=new_id("identity"), person_id=person_id, issuer=identity.issuer,
                subject=identity.subject, created_at=now(),
            )
        )  # fmt: skip
        session.flush()
        return person_id
    if adding and adding.person_id != found.person_id:
        raise Conflict(
            "This identity is another account's here; sign in with it instead.", None,
            "identity_taken",
        )  # fmt: skip
    return found.person_id


def _new_person(session: Session, settings: Settings, name: str | None) -> str:
    if not settings.open_registration:
        raise Forbidden(
            "There is no account for you here yet, and it takes an invitation to make one.",
            code="registration_closed",
        )
    shown = "".join(letter for letter in name or "" if letter.isprintable()).strip()
    return accounts.create_person(session, shown[:_MAX_NAME_CHARACTERS] or _NAMELESS).id


def _one_at_a_time(session: Session, what: str) -> None:
    """Let only one transaction at a time decide about something that may not exist yet."""
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(what, 0))))


def _tidy(session: Session) -> None:
    """Forget what can be of no use any more; links stay a day, for whoever asks what became of one."""
    moment = now()
    session.execute(delete(SignInAttempt).where(SignInAttempt.expires_at < moment))
    session.execute(delete(LoginLink).where(LoginLink.expires_at < moment - timedelta(days=1)))
