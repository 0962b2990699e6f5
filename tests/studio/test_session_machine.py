"""No sequence of acts lets a revoked, expired or replayed token in."""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from unstrung.studio.access.service import Caller
from unstrung.studio.accounts import service as accounts
from unstrung.studio.database import Database
from unstrung.studio.sessions import service as sessions
from unstrung.studio.sessions.models import Way
from unstrung.studio.sessions.service import Held

PROGRAM = "firefox"
# The service notes use to the minute, so it may call a session idle up to a minute early, never late.
STEP = timedelta(minutes=1)
MOST = 3
WHICH = st.integers(0, MOST - 1)
# Seconds about which something changes: grace, freshness, rotation, idleness, life.
EDGES = [29, 31, 299, 301, 601, 601, 1_700, 1_790, 1_801]


@dataclass
class Token:
    """A token that was handed out, and since when it is replaced."""

    secret: str
    made_at: datetime
    replaced_at: datetime | None = None


@dataclass
class Known:
    """A session as whoever watches from outside must expect it to be."""

    id: str
    person_id: str
    holder: str
    opened_at: datetime
    used_at: datetime
    fresh_until: datetime | None
    tokens: list[Token] = field(default_factory=list)
    is_ended: bool = False


class Machine(RuleBasedStateMachine):
    """Opens, uses, steals, ends; the clock is the test's."""

    database: Database

    def __init__(self) -> None:
        super().__init__()
        self.clock = datetime(2026, 1, 1, tzinfo=UTC)
        self.known: list[Known] = []
        with self.database.transaction() as session:
            name = secrets.token_hex(8)
            self.people = [
                accounts.create_person(session, f"{name} {number}").id for number in range(2)
            ]

    def live(self) -> list[Known]:
        return [known for known in self.known if not known.is_ended]

    @precondition(lambda self: len(self.live()) < MOST)
    @rule(who=st.integers(0, 1), way=st.sampled_from(list(Way)))
    def open(self, who: int, way: Way) -> None:
        self.opened(self.people[who], way, None)

    @precondition(lambda self: self.known)
    @rule(which=WHICH, who=st.integers(0, 1), way=st.sampled_from(list(Way)))
    def sign_in_again(self, which: int, who: int, way: Way) -> None:
        self.opened(self.people[who], way, self.known[-1 - which % len(self.known)])

    def opened(self, person_id: str, way: Way, old: Known | None) -> None:
        shown = Held(old.tokens[-1].secret, old.holder, PROGRAM) if old else None
        with self.database.transaction() as session:
            opened = sessions.open_session(
                session, person_id, way, PROGRAM, shown, moment=self.clock
            )
        if old:
            old.is_ended = True
        fresh = self.clock + timedelta(minutes=5) if way == Way.PASSKEY else None
        found = Known(opened.session.id, person_id, opened.holder, self.clock, self.clock, fresh)
        found.tokens.append(Token(opened.token, self.clock))
        self.known.append(found)

    @rule(seconds=st.one_of(st.integers(0, 60), st.sampled_from([*EDGES, 43_200])))
    def wait(self, seconds: int) -> None:
        self.clock += timedelta(seconds=seconds)

    @precondition(lambda self: self.known)
    @rule(which=WHICH, reads=st.booleans(), seconds=st.sampled_from([0, *EDGES]))
    def use(self, which: int, reads: bool, seconds: int) -> None:
        self.clock += timedelta(seconds=seconds)
        self.used(self.known[-1 - which % len(self.known)], -1, reads)

    @precondition(lambda self: self.live())
    @rule(which=WHICH, age=st.integers(0, 2), seconds=st.integers(0, 90), reads=st.booleans())
    def use_an_old_token(self, which: int, age: int, seconds: int, reads: bool) -> None:
        known = self.live()[-1 - which % len(self.live())]
        if len(known.tokens) == 1 or seconds % 2:
            self.clock += timedelta(seconds=601)
            self.used(known, -1, reads)
        if len(known.tokens) > 1:
            self.clock += timedelta(seconds=seconds)
            self.used(known, -2 - age % (len(known.tokens) - 1), reads)

    @precondition(lambda self: self.live())
    @rule(which=WHICH, minutes=st.sampled_from([4, 11, 25, 28]), times=st.sampled_from([2, 5, 30]))
    def keep_using(self, which: int, minutes: int, times: int) -> None:
        known = self.live()[-1 - which % len(self.live())]
        for _ in range(times):
            self.clock += timedelta(minutes=minutes)
            self.used(known, -1, False)

    @precondition(lambda self: self.live())
    @rule(
        which=WHICH,
        theft=st.sampled_from(["another holder's", "no holder's", "another program"]),
    )
    def steal(self, which: int, theft: str) -> None:
        known = self.live()[-1 - which % len(self.live())]
        other = self.known[0].holder if self.known[0] is not known else "guessed"
        holder = {"another holder's": other, "no holder's": ""}.get(theft, known.holder)
        program = "curl" if theft == "another program" else PROGRAM
        held = Held(known.tokens[-1].secret, holder, program)
        with self.database.transaction() as session:
            found = sessions.recognise(session, held, True, self.clock)
        assert found.caller is None
        known.is_ended = True

    def used(self, known: Known, place: int, reads: bool) -> None:
        token = known.tokens[place]
        with self.database.transaction() as session:
            found = sessions.recognise(
                session, Held(token.secret, known.holder, PROGRAM), reads, self.clock
            )
        is_over = (
            known.is_ended
            or self.clock >= known.opened_at + sessions.LIFE
            or self.clock - known.used_at > sessions.IDLE
        )
        is_old = token.replaced_at is not None and self.clock - token.replaced_at > sessions.GRACE
        is_nearly_idle = self.clock - known.used_at > sessions.IDLE - STEP
        if is_over or is_old or (is_nearly_idle and found.caller is None):
            assert found.caller is None
            assert found.problem is not None
            known.is_ended = True
            return
        assert found.caller is not None, "a good token must be let in"
        assert (found.caller.person_id, found.caller.key_id) == (known.person_id, known.id)
        is_fresh = known.fresh_until is not None and self.clock < known.fresh_until
        assert found.caller.is_fresh == (reads or is_fresh)
        known.used_at = self.clock
        is_due = token.replaced_at is None and self.clock - token.made_at > sessions.ROTATION
        assert (found.next_token is not None) == is_due
        if found.next_token is not None:
            token.replaced_at = self.clock
            known.tokens.append(Token(found.next_token, self.clock))

    @precondition(lambda self: self.known)
    @rule(which=WHICH)
    def end_all(self, which: int) -> None:
        person_id = self.known[-1 - which % len(self.known)].person_id
        with self.database.transaction() as session:
            sessions.end_all_sessions(session, person_id)
        for known in self.known:
            known.is_ended |= known.person_id == person_id

    @precondition(lambda self: self.known)
    @rule(which=WHICH)
    def end_others(self, which: int) -> None:
        kept = self.known[-1 - which % len(self.known)]
        caller = Caller(kept.person_id, kept.id, False, frozenset({"generate"}))
        with self.database.transaction() as session:
            sessions.end_other_sessions(session, caller)
        for known in self.known:
            known.is_ended |= known.person_id == kept.person_id and known is not kept

    @rule(secret=st.text(max_size=60))
    def guess(self, secret: str) -> None:
        with self.database.transaction() as session:
            found = sessions.recognise(session, Held(secret, secret, PROGRAM), True, self.clock)
        assert found.caller is None


def test_no_sequence_of_acts_lets_a_bad_token_in(database: Database) -> None:
    machine = type("OnDatabase", (Machine,), {"database": database})
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(
            max_examples=100, stateful_step_count=30, deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
