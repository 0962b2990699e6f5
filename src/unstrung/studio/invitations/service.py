"""Rules of invitations: who makes them, how long they hold, how they are used, declined and taken back."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from unstrung.studio.access import service as access
from unstrung.studio.access.models import Key, Scope
from unstrung.studio.access.service import Caller
from unstrung.studio.accounts import service as accounts
from unstrung.studio.admission import service as admission
from unstrung.studio.admission.models import ProgrammeRole, Seat
from unstrung.studio.admission.service import RIGHTS, Right
from unstrung.studio.applications.models import Application
from unstrung.studio.database import now
from unstrung.studio.errors import Conflict, InvalidField, NotFound
from unstrung.studio.identity import new_id
from unstrung.studio.invitations.models import Invitation, InvitationDecline

CODE_PREFIX: Final = "inv_"
LONGEST: Final = timedelta(days=365)
SMALLEST_CROWD: Final = 3
FIRST_SCOPES: Final = (Scope.READ, Scope.GENERATE, Scope.SHARE)
_KEY_PREFIX: Final = "ust_"


class InvitationState(StrEnum):
    """Whether an invitation can be used, in one word."""

    GOOD = "good"
    USED_UP = "used-up"
    EXPIRED = "expired"
    REVOKED = "revoked"
    DECLINED = "declined"


@dataclass(frozen=True)
class Terms:
    """What an invitation is for.

    Attributes:
        cohort_id: where the seat is.
        role: that comes with it.
        expires_at: when it lapses; pauses of everybody give their time back.
        max_uses: people who may come by it.
        note: for stewards; whom it is for.
    """

    cohort_id: str
    role: ProgrammeRole
    expires_at: datetime
    max_uses: int = 1
    note: str = ""


@dataclass(frozen=True)
class Redeemed:
    """What came of an invitation.

    Attributes:
        seat: that is held now.
        role: that was given.
        key, secret: the first key of a new person, shown once; None for somebody who had one.
    """

    seat: Seat
    role: ProgrammeRole
    key: Key | None
    secret: str | None


def invite(session: Session, by: Caller | None, terms: Terms) -> tuple[Invitation, str]:
    """Make an invitation, and return it with its code, which is never shown again.

    It promises no seat: whoever comes when the cohort is full is told so.

    Raises:
        Forbidden: if the caller may not, or may not give such a role.
        InvalidField: naming what is wrong with the terms.
        NotFound: if there is no such cohort.
    """
    inviter = admission.must_act(session, by, Right.ADMIT)
    if RIGHTS.get(terms.role):
        # Whoever comes by it would have rights over others: that is granting a role.
        admission.must_act(session, by, Right.GRANT_ROLES)
    admission.find_cohort(session, terms.cohort_id)
    code = new_token(CODE_PREFIX)
    invitation = _added(session, terms, inviter, digest_of(code), None)
    return invitation, code


def promise(
    session: Session, terms: Terms, inviter: str | None, *, hold_id: str | None = None
) -> Invitation:
    """Make an invitation that keeps a seat for one admitted applicant, who asks for the code.

    Args:
        session: of the transaction.
        terms: of the invitation.
        inviter: person, or None for a lottery or the command line.
        hold_id: of the promise that the seat comes from; None takes a free one.

    Raises:
        InvalidField: naming what is wrong with the terms.
        Conflict: if no seat is free.
    """
    _check(terms)
    if hold_id is None:
        held = admission.hold(session, terms.cohort_id, 1, terms.expires_at)
    else:
        held = admission.hold_one_of(session, hold_id, terms.expires_at)
    return _added(session, terms, inviter, None, held.id)


def renew_code(session: Session, invitation: Invitation) -> str:
    """Give a promised invitation a new code, which is shown this once; the one before stops working.

    Raises:
        Conflict: if it cannot be used any more.
    """
    _must_be_good(session, invitation)
    code = new_token(CODE_PREFIX)
    invitation.code_digest = digest_of(code)
    session.flush()
    return code


def redeem(session: Session, code: str, name: str | None, caller: Caller | None) -> Redeemed:
    """Take the seat that an invitation is for.

    Args:
        session: of the transaction.
        code: of the invitation.
        name: as a new person wants to be called.
        caller: somebody who has a key already, for instance from before they left; None for a new person.

    Raises:
        NotFound: if there is no such code.
        Conflict: if it is expired, revoked, declined or used up, or the cohort is full or has not begun.
        InvalidField: if a new person gives no name.
    """
    invitation = _by_code(session, code)
    _must_be_good(session, invitation)
    key, secret = None, None
    if caller is not None:
        caller.must_have(Scope.GENERATE)
        person_id = caller.person_id
    elif name is None:
        raise InvalidField(
            "name must say how you want to be called, or send the key that you have", "name"
        )
    else:
        person = accounts.create_person(session, name)
        key, secret = access.create_key(session, person, "first key", FIRST_SCOPES)
        person_id = person.id
    # Only the first use keeps the promise; a promised invitation has no more.
    hold_id = invitation.hold_id if invitation.num_uses == 0 else None
    seat = admission.seat(session, person_id, invitation.cohort_id, hold_id=hold_id)
    admission.add_role(session, person_id, invitation.role, invitation.created_by)
    invitation.num_uses += 1
    # What was written before there was an account is the person's own from now on.
    session.execute(
        update(Application)
        .where(Application.invitation_id == invitation.id, Application.person_id.is_(None))
        .values(person_id=person_id)
    )
    session.flush()
    return Redeemed(seat, invitation.role, key, secret)


def decline(session: Session, code: str, why: str | None) -> None:
    """Note that somebody does not come, and why if they say; an invitation for one ends with it.

    The answer is kept apart from the invitation, with the day and the cohort and nothing else.

    Raises:
        NotFound: if there is no such code.
        Conflict: if the invitation cannot be used any more.
    """
    invitation = _by_code(session, code)
    _must_be_good(session, invitation)
    answer = InvitationDecline(
        id=f"decline_{secrets.token_hex(16)}",
        cohort_id=invitation.cohort_id,
        why=(why or "").strip() or None,
        declined_on=now().date(),
    )
    session.add(answer)
    if invitation.max_uses == 1:
        invitation.declined_at = now()
        _let_go(session, invitation)
    session.flush()


def revoke(session: Session, by: Caller | None, invitation_id: str) -> Invitation:
    """Make an invitation useless; who came by it already stays.

    Raises:
        Forbidden: if the caller may not.
        NotFound: if there is none.
        Conflict: if it keeps a seat for an admitted applicant, to whom it was promised.
    """
    admission.must_act(session, by, Right.ADMIT)
    invitation = _locked(session, invitation_id)
    if invitation.hold_id is not None:
        raise Conflict(
            "This invitation was promised to an admitted applicant; a promise is not taken back.",
            "invitation_id",
        )
    if invitation.revoked_at is None:
        take_back(session, invitation)
    return invitation


def take_back(session: Session, invitation: Invitation) -> None:
    """End an invitation, and let go of the seat that it kept."""
    invitation.revoked_at = now()
    _let_go(session, invitation)
    session.flush()


def get_invitation(session: Session, invitation_id: str) -> Invitation:
    """An invitation that is known to be there, locked."""
    return _locked(session, invitation_id)


def list_invitations(
    session: Session, by: Caller | None, cohort_id: str | None, after: str | None, limit: int
) -> Sequence[tuple[Invitation, datetime, InvitationState]]:
    """Invitations, when each lapses and its state, newest first.

    Raises:
        Forbidden: if the caller may not.
    """
    admission.must_act(session, by, Right.ADMIT)
    query = select(Invitation).order_by(Invitation.id.desc()).limit(limit)
    if cohort_id is not None:
        query = query.where(Invitation.cohort_id == cohort_id)
    if after is not None:
        query = query.where(Invitation.id < after)
    lost = admission.lost_times(session)
    return [
        (each, _lapses_at(each, lost), _state(each, lost)) for each in session.scalars(query).all()
    ]


def list_declines(session: Session, by: Caller | None) -> Sequence[tuple[str, date, str]]:
    """Cohort, day and answer of those who did not come and said why, newest day first.

    A cohort's answers are shown once there are three: one answer beside one declined invitation would name
    who gave it.

    Raises:
        Forbidden: if the caller may not.
    """
    admission.must_act(session, by, Right.ADMIT)
    given = InvitationDecline.why.is_not(None)
    crowds = (
        select(InvitationDecline.cohort_id)
        .where(given)
        .group_by(InvitationDecline.cohort_id)
        .having(func.count() >= SMALLEST_CROWD)
    )
    query = (
        select(InvitationDecline.cohort_id, InvitationDecline.declined_on, InvitationDecline.why)
        .where(given, InvitationDecline.cohort_id.in_(crowds))
        .order_by(InvitationDecline.declined_on.desc(), InvitationDecline.id)
    )
    return [(cohort_id, day, why or "") for cohort_id, day, why in session.execute(query)]


def num_declines(session: Session, cohort_id: str) -> int:
    """People who declined an invitation to a cohort."""
    query = select(func.count()).where(InvitationDecline.cohort_id == cohort_id)
    return session.scalar(query) or 0


def expires_at(session: Session, invitation: Invitation) -> datetime:
    """When an invitation lapses, with the time that pauses of everybody gave back."""
    return _lapses_at(invitation, admission.lost_times(session))


def state_of(session: Session, invitation: Invitation) -> InvitationState:
    """Whether an invitation can be used, in one word."""
    return _state(invitation, admission.lost_times(session))


def new_token(prefix: str) -> str:
    """A secret in the form of a key, with another prefix of four characters."""
    return prefix + access.make_secret().removeprefix(_KEY_PREFIX)


def looks_like_token(prefix: str, text: str) -> bool:
    """Whether a text has the form and the checksum of a token."""
    body = text.removeprefix(prefix)
    return text.startswith(prefix) and access.looks_like_key(_KEY_PREFIX + body)


def digest_of(token: str) -> bytes:
    """What is kept of a token: as with keys, 178 bits of chance need no slow digest."""
    return hashlib.sha256(token.encode()).digest()


def _added(
    session: Session, terms: Terms, inviter: str | None, digest: bytes | None, hold_id: str | None
) -> Invitation:
    _check(terms)
    invitation = Invitation(
        id=new_id("invitation"), cohort_id=terms.cohort_id, role=terms.role, code_digest=digest,
        max_uses=terms.max_uses, num_uses=0, expires_at=terms.expires_at, note=terms.note,
        hold_id=hold_id, created_at=now(), created_by=inviter, revoked_at=None, declined_at=None,
    )  # fmt: skip
    session.add(invitation)
    session.flush()
    return invitation


def _check(terms: Terms) -> None:
    moment = now()
    if not moment < terms.expires_at <= moment + LONGEST:
        raise InvalidField(
            f"expires_at must lie ahead and within {LONGEST.days} days, got "
            f"{terms.expires_at:%Y-%m-%d %H:%M}",
            "expires_at",
        )
    if not 1 <= terms.max_uses <= 10_000:
        raise InvalidField(
            f"max_uses must lie between 1 and 10000, got {terms.max_uses}", "max_uses"
        )


def _by_code(session: Session, code: str) -> Invitation:
    if looks_like_token(CODE_PREFIX, code):
        query = select(Invitation).where(Invitation.code_digest == digest_of(code))
        invitation = session.scalar(query.with_for_update())
        if invitation is not None:
            return invitation
    raise NotFound(
        "There is no invitation with this code; check it against the one you were sent, which begins with "
        f"'{CODE_PREFIX}' and has 40 characters.",
        "code",
        "invitation_not_found",
    )


def _locked(session: Session, invitation_id: str) -> Invitation:
    invitation = session.get(Invitation, invitation_id, with_for_update=True)
    if invitation is None:
        raise NotFound(
            f"There is no invitation '{invitation_id}'.", "invitation_id", "invitation_not_found"
        )
    return invitation


def _must_be_good(session: Session, invitation: Invitation) -> None:
    lost = admission.lost_times(session)
    state = _state(invitation, lost)
    if state == InvitationState.USED_UP:
        raise Conflict(
            f"All {invitation.max_uses} uses of this invitation are taken.",
            "code",
            "invitation_used_up",
        )
    if state == InvitationState.EXPIRED:
        raise Conflict(
            f"This invitation expired on {_lapses_at(invitation, lost):%Y-%m-%d %H:%M} UTC; "
            "ask for another one.",
            "code",
            "invitation_expired",
        )
    if state in (InvitationState.REVOKED, InvitationState.DECLINED):
        raise Conflict(
            f"This invitation was {state}; ask for another one.", "code", "invitation_revoked"
        )


def _state(invitation: Invitation, lost: Sequence[tuple[datetime, datetime]]) -> InvitationState:
    if invitation.declined_at is not None:
        return InvitationState.DECLINED
    if invitation.revoked_at is not None:
        return InvitationState.REVOKED
    if invitation.num_uses >= invitation.max_uses:
        return InvitationState.USED_UP
    is_past = _lapses_at(invitation, lost) <= now()
    return InvitationState.EXPIRED if is_past else InvitationState.GOOD


def _lapses_at(invitation: Invitation, lost: Sequence[tuple[datetime, datetime]]) -> datetime:
    return admission.with_lost_time(invitation.created_at, invitation.expires_at, lost)


def _let_go(session: Session, invitation: Invitation) -> None:
    if invitation.hold_id is not None and invitation.num_uses == 0:
        admission.release(session, invitation.hold_id)
