"""Rules of sessions: opening, recognising, ending them.

A session is good for 12 hours, or until it is idle for 30 minutes, in the one browser that holds its two
secrets. Its token is replaced every 10 minutes; whoever shows one that was replaced before the last 30
seconds has a copy, and then nobody can say who is the thief: the session ends for both.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import ColumnElement, ScalarSelect, and_, delete, exists, select, update
from sqlalchemy.orm import Session

from unstrung.studio.access.models import Scope
from unstrung.studio.access.service import Caller
from unstrung.studio.accounts.models import Person, Role
from unstrung.studio.admission import service as admission
from unstrung.studio.admission.models import ProgrammeRole, RoleGrant, Seat
from unstrung.studio.admission.service import Right
from unstrung.studio.database import now
from unstrung.studio.errors import Forbidden, InvalidField, NotFound, Unauthenticated
from unstrung.studio.identity import new_id
from unstrung.studio.log import service as log
from unstrung.studio.log.models import EntryKind
from unstrung.studio.sessions.models import EndReason, PersonSession, SessionToken, Way

LIFE: Final = timedelta(hours=12)
IDLE: Final = timedelta(minutes=30)
ROTATION: Final = timedelta(minutes=10)
GRACE: Final = timedelta(seconds=30)
FRESH: Final = timedelta(minutes=5)
_SEEN_STEP: Final = timedelta(minutes=1)
_KEPT: Final = timedelta(days=30)
_NEW: Final = timedelta(hours=1)
_SECRET_BYTES: Final = 32
_MIN_REASON: Final = 10
_USUAL: Final = frozenset({Scope.READ, Scope.GENERATE, Scope.SHARE})
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Held:
    """What a browser shows of its session.

    Attributes:
        token, holder: its two secrets.
        program: family of the browser or program that shows them.
    """

    token: str
    holder: str
    program: str


@dataclass(frozen=True)
class Opened:
    """A new session, with the secrets that only its browser will have.

    Attributes:
        session: its row.
        token, holder: for the cookies.
    """

    session: PersonSession
    token: str
    holder: str


@dataclass(frozen=True)
class Recognised:
    """What came of a shown session; a refusal is returned, since what it revoked must be kept.

    Attributes:
        caller: who it is; None if the session is not good.
        next_token: replaces the one that was shown, or None.
        problem: why it is not good, or None.
    """

    caller: Caller | None = None
    next_token: str | None = None
    problem: Unauthenticated | None = None

    def must_be_good(self) -> Caller:
        """The caller.

        Raises:
            Unauthenticated: if the session is not good.
        """
        if self.caller is None:
            assert self.problem is not None
            raise self.problem
        return self.caller


def open_session(
    session: Session,
    person_id: str,
    way: Way,
    program: str,
    replaced: Held | None = None,
    *,
    network: bytes | None = None,
    moment: datetime | None = None,
) -> Opened:
    """Sign somebody in, always with new secrets; what the browser held before is worth nothing from now on.

    Args:
        session: of the transaction.
        person_id: whom.
        way: how; a passkey makes the session fresh.
        program: family of the browser.
        replaced: the session that the browser showed, whoever's it is.
        network: keyed digest of where the request comes from.
        moment: now, if not the present.
    """
    moment = moment or now()
    session.execute(delete(PersonSession).where(PersonSession.expires_at < moment - _KEPT))
    if replaced is not None:
        _end(session, PersonSession.id == _id_by_token(replaced.token), EndReason.REPLACED, moment)
    token, holder = secrets.token_urlsafe(_SECRET_BYTES), secrets.token_urlsafe(_SECRET_BYTES)
    opened = PersonSession(
        id=new_id("session"),
        person_id=person_id,
        way=way,
        holder_digest=digest_of(holder),
        program=program,
        network=network,
        created_at=moment,
        rotated_at=moment,
        last_seen_at=moment,
        expires_at=moment + LIFE,
        fresh_until=moment + FRESH if way == Way.PASSKEY else None,
        revoked_at=None,
        end_reason=None,
    )
    session.add(opened)
    session.flush()
    session.add(SessionToken(digest=digest_of(token), session_id=opened.id, made_at=moment))
    session.flush()
    _log.info("session opened", session=opened.id, way=str(way))
    return Opened(opened, token, holder)


def is_unusual(session: Session, person_id: str, program: str, network: bytes) -> bool:
    """Whether somebody's recent sessions know no such family of browser, or no such network.

    Recent ones could have been used within 30 days. The first sign-in to an account that was only just made
    surprises nobody.
    """
    query = select(PersonSession.program, PersonSession.network).where(
        PersonSession.person_id == person_id, PersonSession.expires_at > now() - _KEPT
    )
    known = session.execute(query).all()
    if not known and session.get_one(Person, person_id).created_at > now() - _NEW:
        return False
    return program not in {each.program for each in known} or network not in {
        each.network for each in known
    }


def recognise(
    session: Session, held: Held, is_reading: bool, moment: datetime | None = None
) -> Recognised:
    """Who a session belongs to; replaces its token when that is due, and ends it if it was copied.

    Args:
        session: of a transaction that is kept, also when the answer is a refusal.
        held: what the browser shows.
        is_reading: whether the request changes nothing.
        moment: now, if not the present.
    """
    moment = moment or now()
    is_steward = exists().where(
        RoleGrant.person_id == PersonSession.person_id, RoleGrant.role == ProgrammeRole.STEWARD
    )
    query = (
        select(SessionToken, PersonSession, Person.role, is_steward)
        .join(PersonSession, PersonSession.id == SessionToken.session_id)
        .join(Person, Person.id == PersonSession.person_id)
        .where(SessionToken.digest == digest_of(held.token))
    )
    row = session.execute(query).one_or_none()
    if row is None:
        return _refused("invalid_session", "This session is unknown here; sign in.")
    token, found, role, steward = row
    if found.revoked_at is not None:
        return _refused("revoked_session", "This session was ended; sign in again.")
    if found.expires_at <= moment or moment - found.last_seen_at > IDLE:
        return _refused("expired_session", "This session has expired; sign in again.")
    is_holder = hmac.compare_digest(found.holder_digest, digest_of(held.holder))
    if not is_holder or held.program != found.program:
        return _revoked(session, found, EndReason.WRONG_HOLDER, moment)
    if token.replaced_at is not None and moment - token.replaced_at > GRACE:
        return _revoked(session, found, EndReason.REPLAYED, moment)
    next_token = None
    if token.replaced_at is None and moment - token.made_at > ROTATION:
        next_token = _rotated(session, token, moment)
    if next_token is None and moment - found.last_seen_at >= _SEEN_STEP:
        session.execute(
            update(PersonSession).where(PersonSession.id == found.id).values(last_seen_at=moment)
        )
    has_admin = role == Role.ADMIN or steward
    is_fresh = is_reading or (found.fresh_until is not None and found.fresh_until > moment)
    scopes = frozenset(str(scope) for scope in (_USUAL | {Scope.ADMIN} if has_admin else _USUAL))
    caller = Caller(
        found.person_id,
        found.id,
        role == Role.ADMIN and is_fresh,
        scopes,
        is_fresh=is_fresh,
        is_session=True,
    )
    return Recognised(caller, next_token)


def session_of(session: Session, caller: Caller) -> PersonSession:
    """The session that the caller is signed in with.

    Raises:
        Forbidden: for a key, which must not be able to add ways in to its person's account.
    """
    found = session.get(PersonSession, caller.key_id)
    if found is None:
        raise Forbidden(
            "This takes a session, not a key; sign in with a passkey, a link or an issuer.",
            code="session_required",
        )
    return found


def describe(session: Session, caller: Caller) -> tuple[Person, list[str], PersonSession | None]:
    """The caller's person, programme roles, and session if it is one."""
    caller.must_have(Scope.READ)
    roles = sorted(str(role) for role in admission.roles_of(session, caller.person_id))
    person = session.get_one(Person, caller.person_id)
    return person, roles, session.get(PersonSession, caller.key_id)


def list_sessions(session: Session, caller: Caller) -> Sequence[PersonSession]:
    """The caller's sessions that are good, newest first."""
    caller.must_have(Scope.READ)
    query = select(PersonSession).where(PersonSession.person_id == caller.person_id, is_open(now()))
    return session.scalars(query.order_by(PersonSession.id.desc()).limit(100)).all()


def end_session(session: Session, caller: Caller, session_id: str) -> None:
    """End one of the caller's sessions.

    Raises:
        NotFound: if there is none, it is over, or it is somebody else's.
    """
    caller.must_have(Scope.GENERATE)
    reason = EndReason.SIGNED_OUT if session_id == caller.key_id else EndReason.ENDED_BY_PERSON
    mine = and_(PersonSession.id == session_id, PersonSession.person_id == caller.person_id)
    if not _end(session, and_(mine, is_open(now())), reason, now()):
        raise NotFound(f"There is no session '{session_id}'.", "session_id", "session_not_found")


def end_other_sessions(session: Session, caller: Caller) -> int:
    """End all of the caller's sessions but the one that calls, and return how many."""
    caller.must_have(Scope.GENERATE)
    others = and_(PersonSession.person_id == caller.person_id, PersonSession.id != caller.key_id)
    return _end(session, others, EndReason.ENDED_BY_PERSON, now())


def leave_programme(session: Session, caller: Caller) -> Seat:
    """Leave: the seat is free at once, and every session ends but the one that leaves.

    Works, keys and ways in stay, so whoever left signs in elsewhere again to fetch what is theirs.

    Raises:
        Conflict: if there is no seat to leave.
    """
    left = admission.leave(session, caller)
    others = and_(PersonSession.person_id == caller.person_id, PersonSession.id != caller.key_id)
    _end(session, others, EndReason.ENDED_BY_PERSON, left.left_at or now())
    return left


def digest_of(secret: str) -> bytes:
    """What is kept of a secret; it has 256 bits of chance, so a quick digest is as good as a slow one."""
    return hashlib.sha256(secret.encode()).digest()


def end_all_sessions(session: Session, person_id: str) -> int:
    """End every session of somebody whose account was or may have been taken over, and return how many."""
    return _end(session, PersonSession.person_id == person_id, EndReason.REVOKED, now())


def end_sessions_of(session: Session, by: Caller | None, person_id: str, reason: str) -> int:
    """End every session of somebody else, whose browser or mailbox others may have, and return how many.

    It withholds nothing: works, keys, seat and roles stay, and whoever has a way in signs in again. So it is
    no sanction and has no statement; its person finds the reason among their receipts.

    Args:
        session: of the transaction.
        by: steward, or None for whoever runs the studio.
        person_id: whose.
        reason: in plain words, for the person.

    Raises:
        Forbidden, Unauthenticated: if the caller may not.
        InvalidField: for a reason that says nothing.
        NotFound: if there is nobody like that.
    """
    admission.must_act(session, by, Right.END_SESSIONS)
    if len(reason.strip()) < _MIN_REASON:
        raise InvalidField(
            f"reason must say in at least {_MIN_REASON} characters why, got {len(reason.strip())}",
            "reason",
        )
    if session.get(Person, person_id) is None:
        raise NotFound(f"There is no person '{person_id}'.", "person_id")
    ended = end_all_sessions(session, person_id)
    content = {"person_id": person_id, "ended": ended, "reason": reason.strip()}
    log.record(session, EntryKind.SESSIONS_ENDED, content, person_id)
    return ended


def is_open(moment: datetime) -> ColumnElement[bool]:
    """The condition of a session that is good."""
    return and_(
        PersonSession.revoked_at.is_(None),
        PersonSession.expires_at > moment,
        PersonSession.last_seen_at >= moment - IDLE,
    )


def _rotated(session: Session, token: SessionToken, moment: datetime) -> str | None:
    """The next token; None if another request of the same moment was given it."""
    won = session.scalar(
        update(SessionToken)
        .where(SessionToken.digest == token.digest, SessionToken.replaced_at.is_(None))
        .values(replaced_at=moment)
        .returning(SessionToken.session_id)
        .execution_options(synchronize_session=False)
    )
    if won is None:
        return None
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    session.add(SessionToken(digest=digest_of(secret), session_id=won, made_at=moment))
    session.execute(
        update(PersonSession)
        .where(PersonSession.id == won)
        .values(rotated_at=moment, last_seen_at=moment)
    )
    session.flush()
    return secret


def _revoked(
    session: Session, found: PersonSession, reason: EndReason, moment: datetime
) -> Recognised:
    if _end(session, PersonSession.id == found.id, reason, moment):
        content = {"id": found.id, "person_id": found.person_id, "reason": str(reason)}
        log.record(session, EntryKind.SESSION_REPLAYED, content, found.person_id)
        _log.warning("session revoked", session=found.id, reason=str(reason))
    return _refused(
        "revoked_session", "This session was used from two places and is ended; sign in again."
    )


def _end(session: Session, which: ColumnElement[bool], reason: EndReason, moment: datetime) -> int:
    ended = session.scalars(
        update(PersonSession)
        .where(which, PersonSession.revoked_at.is_(None))
        .values(revoked_at=moment, end_reason=reason)
        .returning(PersonSession.id)
        .execution_options(synchronize_session=False)
    ).all()
    return len(ended)


def _id_by_token(token: str) -> ScalarSelect[str]:
    found = select(SessionToken.session_id).where(SessionToken.digest == digest_of(token))
    return found.scalar_subquery()


def _refused(code: str, sentence: str) -> Recognised:
    return Recognised(problem=Unauthenticated(sentence, code=code))
