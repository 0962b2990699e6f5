"""Rules about keys: their form, making them, recognising them.

A key is `ust_`, 30 random base62 characters and a checksum of six, so that a scanner of secrets can tell a
real key from a similar text without asking anybody (the form that GitHub's tokens introduced).
"""

import hashlib
import re
import secrets
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from unstrung.studio.access.models import Key, Scope
from unstrung.studio.accounts.models import Person, Role
from unstrung.studio.database import now
from unstrung.studio.errors import Conflict, Forbidden, InvalidField, NotFound, Unauthenticated
from unstrung.studio.identity import new_id

PATTERN: Final = re.compile(r"ust_[0-9A-Za-z]{36}")
USUAL_SCOPES: Final = (Scope.READ, Scope.GENERATE)
_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PREFIX_CHARACTERS: Final = 8
_LAST_USE_STEP: Final = timedelta(minutes=1)


@dataclass(frozen=True)
class Caller:
    """Who is calling, with what key or session.

    Attributes:
        person_id, key_id: of the person and the key, or of the session that stands for one.
        is_admin: whether everybody's videos may be seen.
        scopes: what the key may be used for.
        is_fresh: whether an act of a steward may go ahead; False for a session that would change something
            when no passkey was used within the last minutes. Keys are for programs and always fresh.
        is_session: whether somebody who is signed in calls, and not a program with a key.
    """

    person_id: str
    key_id: str
    is_admin: bool
    scopes: frozenset[str]
    is_fresh: bool = True
    is_session: bool = False

    def must_have(self, scope: Scope) -> None:
        """Refuse a key that may not do this; what takes an admin also takes a fresh passkey.

        Raises:
            Forbidden: naming the scope.
            Unauthenticated: if a passkey has to be used first.
        """
        if scope not in self.scopes:
            raise Forbidden(f"This key lacks the scope '{scope}'; make one that has it.")
        if scope == Scope.ADMIN:
            self.must_be_fresh()

    def must_be_fresh(self) -> None:
        """Refuse a session that would change something long after its last passkey.

        Raises:
            Unauthenticated: with the code `fresh_passkey_required`.
        """
        if not self.is_fresh:
            raise Unauthenticated(
                "This takes a passkey used within the last 5 minutes; sign in with it again.",
                code="fresh_passkey_required",
            )

    def must_be_signed_in(self) -> None:
        """Refuse a key: whoever stole one must not be able to make more of them, or to lock its owner out.

        Nor must whoever stole a session, which a key would outlive; so it must be fresh.

        Raises:
            Forbidden: with the code `sign_in_required`.
            Unauthenticated: with the code `fresh_passkey_required`.
        """
        if not self.is_session and Scope.ADMIN not in self.scopes:
            raise Forbidden(
                "Keys are made and renewed by people who are signed in; sign in, or ask the operator.",
                code="sign_in_required",
            )
        self.must_be_fresh()


def make_secret() -> str:
    """A new key."""
    body = "".join(secrets.choice(_ALPHABET) for _ in range(30))
    return f"ust_{body}{checksum(body)}"


def checksum(body: str) -> str:
    """CRC-32 of the random part as six base62 characters."""
    number, characters = zlib.crc32(body.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        characters = _ALPHABET[digit] + characters
    return characters


def looks_like_key(text: str) -> bool:
    """Whether a text has the form and the checksum of a key."""
    return bool(PATTERN.fullmatch(text)) and checksum(text[4:34]) == text[34:]


def create_key(
    session: Session,
    person: Person,
    name: str,
    scopes: Sequence[Scope] = USUAL_SCOPES,
    expires_at: datetime | None = None,
) -> tuple[Key, str]:
    """Add a key, and return it with its secret, which is never shown again.

    Raises:
        InvalidField: for no scope, a scope that the person may not give, or an expiry in the past.
    """
    if not scopes:
        raise InvalidField("scopes must name at least one of " + ", ".join(Scope), "scopes")
    if Scope.ADMIN in scopes and person.role != Role.ADMIN:
        raise InvalidField(f"scopes: {person.name} is no admin; leave out 'admin'", "scopes")
    if expires_at is not None and expires_at <= now():
        raise InvalidField(
            f"expires_at must lie ahead, got {expires_at:%Y-%m-%d %H:%M}", "expires_at"
        )
    secret = make_secret()
    key = Key(
        id=new_id("key"),
        person_id=person.id,
        name=name,
        prefix=secret[:_PREFIX_CHARACTERS],
        digest=digest_of(secret),
        scopes=[str(scope) for scope in scopes],
        created_at=now(),
        expires_at=expires_at,
        last_used_at=None,
        revoked_at=None,
    )
    session.add(key)
    session.flush()
    return key, secret


def recognise(session: Session, secret: str | None) -> Caller:
    """Who a key belongs to.

    Raises:
        Unauthenticated: if there is no key, or none that is good.
    """
    if not secret:
        raise Unauthenticated(
            "No API key was given; send it as 'Authorization: Bearer ust_...'.",
            code="missing_api_key",
        )
    if not looks_like_key(secret):
        raise Unauthenticated(f"This is not a key of Unstrung: {_shown(secret)}.")
    query = (
        select(Key, Person.role)
        .join(Person, Person.id == Key.person_id)
        .where(Key.digest == digest_of(secret))
    )
    row = session.execute(query).one_or_none()
    if row is None:
        raise Unauthenticated(f"The key {_shown(secret)} is unknown here.")
    key, role = row
    moment = now()
    if key.revoked_at is not None:
        raise Unauthenticated(f"The key {_shown(secret)} was revoked.", code="revoked_api_key")
    if key.expires_at is not None and key.expires_at <= moment:
        raise Unauthenticated(f"The key {_shown(secret)} has expired.", code="expired_api_key")
    if key.last_used_at is None or moment - key.last_used_at > _LAST_USE_STEP:
        session.execute(update(Key).where(Key.id == key.id).values(last_used_at=moment))
    scopes = frozenset(str(scope) for scope in key.scopes)
    return Caller(key.person_id, key.id, role == Role.ADMIN and Scope.ADMIN in scopes, scopes)


def create_own_key(
    session: Session,
    caller: Caller,
    name: str,
    scopes: Sequence[Scope],
    expires_at: datetime | None,
) -> tuple[Key, str]:
    """Make another key of the caller's own, which can do no more than the one that asks.

    Raises:
        Forbidden: for a scope that the caller lacks, or if the caller is not signed in.
        InvalidField: as `create_key`.
    """
    caller.must_be_signed_in()
    for scope in scopes:
        caller.must_have(scope)
    person = session.get_one(Person, caller.person_id)
    return create_key(session, person, " ".join(name.split()), scopes, expires_at)


def own_keys(session: Session, caller: Caller) -> Sequence[Key]:
    """The caller's own keys, newest first."""
    caller.must_have(Scope.READ)
    query = select(Key).where(Key.person_id == caller.person_id)
    return session.scalars(query.order_by(Key.id.desc())).all()


def renew_key(session: Session, key: Key) -> str:
    """Give a key another secret; the old one is useless from now on.

    Raises:
        Conflict: if it was revoked.
    """
    if key.revoked_at is not None:
        raise Conflict(f"The key '{key.id}' was revoked; make a new one.", "key_id", "key_revoked")
    secret = make_secret()
    key.digest, key.prefix = digest_of(secret), secret[:_PREFIX_CHARACTERS]
    session.flush()
    return secret


def scopes_of(names: Sequence[str]) -> list[Scope]:
    """Scopes by name.

    Raises:
        InvalidField: naming the known ones.
    """
    known = ", ".join(Scope)
    for name in names:
        if name not in set(Scope):
            raise InvalidField(f"scope must be one of {known}, got {name!r}", "scope")
    return [Scope(name) for name in names]


def state_of(key: Key) -> str:
    """Whether a key is good, in one word."""
    if key.revoked_at is not None:
        return "revoked"
    return "expired" if key.expires_at is not None and key.expires_at <= now() else "good"


def revoke_key(session: Session, prefix_or_id: str) -> Key:
    """Make a key useless from now on; a key that already is stays as it was.

    Raises:
        NotFound: if there is none.
        InvalidField: if several keys begin so.
    """
    query = select(Key).where((Key.id == prefix_or_id) | (Key.prefix == prefix_or_id))
    found = session.scalars(query.limit(2)).all()
    if not found:
        raise NotFound(f"There is no key {prefix_or_id!r}.", "key")
    if len(found) > 1:
        raise InvalidField(f"Several keys begin with {prefix_or_id!r}; use an id.", "key")
    if found[0].revoked_at is None:
        found[0].revoked_at = now()
    return found[0]


def list_keys(session: Session) -> Sequence[tuple[Key, Person]]:
    """All keys with their people, newest first."""
    query = select(Key, Person).join(Person, Person.id == Key.person_id).order_by(Key.id.desc())
    return [(key, person) for key, person in session.execute(query)]


def digest_of(secret: str) -> bytes:
    """What is kept of a key."""
    # A key has 178 bits of chance, so a quick digest is as good as a slow one (programme.md, Keys).
    return hashlib.sha256(secret.encode()).digest()


def _shown(secret: str) -> str:
    return f"{secret[:_PREFIX_CHARACTERS]}..." if secret.startswith("ust_") else "another form"
