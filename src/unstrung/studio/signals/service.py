"""Rules of signals: what is counted, what follows, and that a program never decides about a person.

Counted are networks and programs that use a key within an hour, and hours of the last day in which it was
used. Addresses are kept as keyed digests for a day. A score leads one step at a time: the owner is asked to
confirm, then the key alone is suspended for a day with a statement, then a steward is asked. Nothing here
stops a person, let alone a cohort.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from unstrung.studio.access import service as access
from unstrung.studio.access.models import Key, Scope
from unstrung.studio.access.service import Caller
from unstrung.studio.admission import service as admission
from unstrung.studio.admission.service import Right
from unstrung.studio.database import now
from unstrung.studio.errors import Conflict, InvalidField, NotFound
from unstrung.studio.identity import new_id
from unstrung.studio.log import service as log
from unstrung.studio.log.models import EntryKind
from unstrung.studio.pauses import service as pauses
from unstrung.studio.signals.models import Canary, Sighting, Signal, Step

MANY_NETWORKS: Final = 6  # in an hour; a phone, a studio and a few machines are less
MANY_CLIENTS: Final = 6
ALL_DAY_HOURS: Final = 24
KEPT_FOR: Final = timedelta(hours=25)
SUSPENDED_FOR: Final = timedelta(hours=24)
QUIET_FOR: Final = timedelta(hours=1)
_STEPS: Final = (Step.CONFIRM, Step.SUSPEND_KEY, Step.ASK_STEWARD)


@dataclass(frozen=True)
class Score:
    """How much a key looks shared.

    Attributes:
        networks, clients: in the last hour.
        hours: of the last 24 in which it was used.
    """

    networks: int
    clients: int
    hours: int

    @property
    def points(self) -> int:
        """One for each reason, two for twice as many networks as are many."""
        return (
            (self.networks >= MANY_NETWORKS)
            + (self.networks >= 2 * MANY_NETWORKS)
            + (self.clients >= MANY_CLIENTS)
            + (self.hours >= ALL_DAY_HOURS)
        )

    @property
    def facts(self) -> str:
        """What was counted, in a sentence."""
        return (
            f"In the last hour the key was used from {self.networks} networks with {self.clients} "
            f"programs, and in {self.hours} of the last 24 hours."
        )


def see(session: Session, caller: Caller, network: bytes, client: bytes) -> Signal | None:
    """Note where a key is used from, and take the step that follows, if one does.

    Args:
        session: of a transaction.
        caller: whose key.
        network, client: keyed digests of the network and of the program's name, 8 bytes each.
    """
    moment = now()
    hour = moment.replace(minute=0, second=0, microsecond=0)
    statement = insert(Sighting).values(
        key_id=caller.key_id, hour=hour, network=network, client=client
    )
    fresh = session.scalar(statement.on_conflict_do_nothing().returning(Sighting.key_id))
    if fresh is None:
        return None
    found = score(session, caller.key_id, moment)
    return _step(session, caller, found, moment) if found.points else None


def score(session: Session, key_id: str, moment: datetime) -> Score:
    """What is known of a key's use."""
    day = select(Sighting).where(
        Sighting.key_id == key_id, Sighting.hour > moment - timedelta(hours=24)
    )
    rows = session.scalars(day).all()
    recent = [row for row in rows if row.hour > moment - timedelta(hours=1)]
    return Score(
        len({row.network for row in recent}),
        len({row.client for row in recent}),
        len({row.hour for row in rows}),
    )


def confirm(session: Session, caller: Caller, key_id: str) -> tuple[Key, str]:
    """Give a key a new secret, because its owner says so; ends its suspension.

    Raises:
        Forbidden: if the caller is not signed in.
        NotFound: if it is not a key of the caller's.
        Conflict: if it was revoked.
    """
    caller.must_be_signed_in()
    key = _own_key(session, caller, key_id)
    secret = access.renew_key(session, key)
    for signal in _open_signals(session, key_id):
        _settle(signal, caller.person_id, "The owner changed the secret.")
        if signal.pause_id is not None:
            pauses.overturn(session, signal.pause_id, None, "The owner changed the secret.")
    session.execute(delete(Sighting).where(Sighting.key_id == key_id))
    return key, secret


def revoke_own_key(session: Session, caller: Caller, key_id: str) -> Key:
    """Make a key of the caller's own useless from now on.

    Raises:
        NotFound: if it is not the caller's.
    """
    key = _own_key(session, caller, key_id)
    if key.revoked_at is None:
        access.revoke_key(session, key.id)
        content = {"key_id": key.id, "why": "revoked by its owner"}
        log.record(session, EntryKind.KEY_REVOKED, content, caller.person_id)
    return key


def settle(session: Session, caller: Caller, signal_id: str, outcome: str) -> Signal:
    """Close a signal, as a steward who has looked at it.

    Raises:
        Forbidden, NotFound, Conflict: if the caller may not, or it is not open.
    """
    caller.must_have(Scope.ADMIN)
    admission.must_have_right(session, caller.person_id, Right.PAUSE)
    signal = session.get(Signal, signal_id, with_for_update=True)
    if signal is None:
        raise NotFound(f"There is no signal '{signal_id}'.", "signal_id", "signal_not_found")
    if signal.settled_at is not None:
        raise Conflict(f"The signal '{signal_id}' is settled already.", "signal_id")
    _settle(signal, caller.person_id, outcome)
    return signal


def list_signals(session: Session, caller: Caller) -> Sequence[Signal]:
    """Open signals for stewards; one's own for everybody else."""
    caller.must_have(Scope.READ)
    query = select(Signal).order_by(Signal.id.desc()).limit(100)
    if admission.has_right(session, caller.person_id, Right.PAUSE) and Scope.ADMIN in caller.scopes:
        return session.scalars(query.where(Signal.settled_at.is_(None))).all()
    return session.scalars(query.where(Signal.person_id == caller.person_id)).all()


def forget_old(session: Session) -> None:
    """Drop sightings that are older than a day."""
    session.execute(delete(Sighting).where(Sighting.hour < now() - KEPT_FOR))


# Canaries.


def lay_canary(session: Session, caller: Caller, place: str) -> tuple[Canary, str]:
    """Make a key that belongs to nobody; the charter says that there are such keys.

    Raises:
        Forbidden: if the caller may not.
        InvalidField: if the place is empty or too long.
    """
    caller.must_have(Scope.ADMIN)
    admission.must_have_right(session, caller.person_id, Right.PAUSE)
    if not 0 < len(place.strip()) <= 500:
        raise InvalidField(
            f"place must have 1 to 500 characters, got {len(place.strip())}", "place"
        )
    secret = access.make_secret()
    canary = Canary(
        id=new_id("canary"), digest=access.digest_of(secret), place=place.strip(),
        created_at=now(), created_by=caller.person_id, num_uses=0,
    )  # fmt: skip
    session.add(canary)
    session.flush()
    return canary, secret


def note_canary(session: Session, secret: str, network: bytes) -> None:
    """Note the use of a key, if it is a canary; whoever used it hears that the key is unknown."""
    statement = (
        update(Canary)
        .where(Canary.digest == access.digest_of(secret))
        .values(num_uses=Canary.num_uses + 1, last_used_at=now(), last_network=network)
    )
    session.execute(statement)


def list_canaries(session: Session, caller: Caller) -> Sequence[Canary]:
    """All canaries, for stewards.

    Raises:
        Forbidden: if the caller is none.
    """
    caller.must_have(Scope.ADMIN)
    admission.must_have_right(session, caller.person_id, Right.PAUSE)
    return session.scalars(select(Canary).order_by(Canary.id)).all()


# Keys that others found.


def report_leaked(session: Session, secret: str, where: str) -> bool:
    """Revoke a key that somebody found in public; whether it was one.

    Whoever has a key could use it, so whoever has it may also end it (as GitHub's partners' endpoints do).
    """
    if not access.looks_like_key(secret):
        return False
    key = session.scalar(
        select(Key).where(Key.digest == access.digest_of(secret)).with_for_update()
    )
    if key is None or key.revoked_at is not None:
        return key is not None
    access.revoke_key(session, key.id)
    content = {"key_id": key.id, "why": "found in public", "where": where[:500]}
    log.record(session, EntryKind.KEY_REVOKED, content, key.person_id)
    signal = Signal(
        id=new_id("signal"), key_id=key.id, person_id=key.person_id, step=Step.ASK_STEWARD, score=0,
        facts=f"The key was found in public: {where[:500]}", noted_at=now(),
    )  # fmt: skip
    session.add(signal)
    session.flush()
    return True


def _step(session: Session, caller: Caller, found: Score, moment: datetime) -> Signal | None:
    """The next step, one at a time and not twice within an hour."""
    last = session.scalar(
        select(Signal)
        .where(Signal.key_id == caller.key_id, Signal.noted_at > moment - timedelta(hours=24))
        .order_by(Signal.id.desc())
        .limit(1)
    )
    if last is not None and (last.noted_at > moment - QUIET_FOR and found.points <= last.score):
        return None
    place = 0 if last is None else min(_STEPS.index(last.step) + 1, len(_STEPS) - 1)
    # A single reason is never more than a question.
    step = _STEPS[place] if found.points > 1 else Step.CONFIRM
    signal = Signal(
        id=new_id("signal"), key_id=caller.key_id, person_id=caller.person_id, step=step,
        score=found.points, facts=found.facts, noted_at=moment,
    )  # fmt: skip
    if step == Step.SUSPEND_KEY:
        pause = pauses.suspend_key(session, caller.key_id, found.facts, moment + SUSPENDED_FOR)
        if pause is None:  # the person is protected: a program must not, two stewards may
            signal.step = Step.ASK_STEWARD
        else:
            signal.pause_id = pause.id
    session.add(signal)
    session.flush()
    return signal


def _settle(signal: Signal, by: str, outcome: str) -> None:
    signal.settled_at, signal.settled_by, signal.outcome = now(), by, outcome


def _open_signals(session: Session, key_id: str) -> Sequence[Signal]:
    query = select(Signal).where(Signal.key_id == key_id, Signal.settled_at.is_(None))
    return session.scalars(query.with_for_update()).all()


def _own_key(session: Session, caller: Caller, key_id: str) -> Key:
    key = session.get(Key, key_id, with_for_update=True)
    if key is None or key.person_id != caller.person_id:
        raise NotFound(f"There is no key '{key_id}'.", "key_id", "key_not_found")
    return key
