"""Acts of people in the programme, in any order, and after each of them what must always hold.

`test_programme_machine.py` says where sequences of them set out from.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from sqlalchemy import select, text

from studio.growth import EMPTY_ROOT, checked_growth
from studio.sharing import APPEAL, REFUSAL, Stage
from unstrung.studio.access.models import Key
from unstrung.studio.admission import service as admission
from unstrung.studio.admission.models import ProgrammeRole
from unstrung.studio.appeals import service as appeals
from unstrung.studio.appeals.models import PanelSeat
from unstrung.studio.database import now
from unstrung.studio.pauses import service as pauses
from unstrung.studio.shares import service as shares

_MOST = 3
_WHICH = st.integers(0, 5)
STEWARDS = ("steward", "second")
_REVIEWERS = ("reviewer", "hearer", "third", "steward")
HEARERS = ("reviewer", "hearer", "third", "steward", "second", "juror 1")
_REASON = "Sessions were copied to a public page."
# What must be in the log as often as in the tables: kind of act, and where it is counted.
_COUNTED = {
    "share.made": "shares",
    "pause.proposed": "pauses WHERE proposed_by IS NOT NULL",
    "pause.begun": "pauses WHERE begun_at IS NOT NULL",
    "pause.ended": "pauses WHERE ended_at IS NOT NULL",
    "statement.issued": "statements",
    "review.decided": "review_decisions WHERE effective_at IS NOT NULL OR dropped_at IS NOT NULL",
    "appeal.lodged": "appeals",
    "appeal.decided": "appeals WHERE outcome IS NOT NULL",
    "role.withdrawn": "role_withdrawals WHERE withdrawn_at IS NOT NULL",
}
# Refusals and sanctions, and the statement that each must have.
SANCTIONS = {
    "share": ("shares", "refused_at"),
    "pause": ("pauses", "begun_at"),
    "role": ("role_withdrawals", "withdrawn_at"),
}


@dataclass
class Matter:
    """Something that was done about the owner, and who had a part in it.

    Attributes:
        kind, id: of the share, the pause or the withdrawal of a role.
        state: waiting, shared or refused; proposed, begun or ended; waiting, withdrawn or restored.
        level: of a pause.
        proposer: whose refusal, pause or withdrawal waits for a second one.
        has_run_out: whether the clock of a share has.
        parts: whoever must not hear an appeal about it.
    """

    kind: str
    id: str
    state: str
    level: str = ""
    proposer: str | None = None
    has_run_out: bool = False
    parts: set[str] = field(default_factory=set)


@dataclass
class Contest:
    """An appeal of the owner's."""

    id: str
    stage: str
    matter: Matter
    is_open: bool = True


@dataclass
class History:
    """What one sequence leaves to the next, on the same stage.

    Attributes:
        number, num_ended_sessions: sequences, and acts that ended sessions; head: of the log, as last seen.
        happened: how often each thing did.
    """

    number: int = 0
    head: tuple[int, bytes] = (0, EMPTY_ROOT)
    num_ended_sessions: int = 0
    happened: Counter[str] = field(default_factory=Counter)


class Programme(RuleBasedStateMachine):
    """Acts in any order, and after each of them what must always hold."""

    stage: ClassVar[Stage]
    history: ClassVar[History]
    beginning: ClassVar[tuple[Callable[["Programme"], None], ...]]

    def __init__(self) -> None:
        super().__init__()
        self.history.number += 1
        self.owner = self.stage.add(f"owner {self.history.number}", ProgrammeRole.ARTIST)
        with self.stage.database.transaction() as session:
            cohort = admission.create_cohort(
                session, f"cohort {self.history.number}", 1, "to make clips"
            )
            admission.seat(session, self.stage.ids[self.owner], cohort.id)
            query = select(Key.id).where(Key.person_id == self.stage.ids[self.owner])
            key_id = session.scalars(query).one()
        self.targets = {
            "key": key_id, "person": self.stage.ids[self.owner], "cohort": cohort.id,
            "everybody": None,
        }  # fmt: skip
        self.matters: list[Matter] = []
        self.contests: list[Contest] = []
        self.num_refused_prompts = 0
        self.has_role = True
        self.has_appealed = False

    @initialize()
    def begin(self) -> None:
        """Go to where this sequence sets out from."""
        for act in self.beginning:
            act(self)

    def teardown(self) -> None:
        """Let the next sequence begin without pauses."""
        for each in self.of("pause"):
            self._lapse(each)

    def of(self, kind: str, *states: str) -> list[Matter]:
        return [
            each
            for each in self.matters
            if each.kind == kind and each.state in (states or (each.state,))
        ]

    @property
    def is_paused(self) -> bool:
        return bool(self.of("pause", "begun"))

    def _lapse(self, pause: Matter) -> None:
        with self.stage.database.transaction() as session:
            moved = ", ".join(
                f"{each} = {each} - interval '40 days'"
                for each in ("proposed_at", "begun_at", "expires_at")
            )
            session.execute(text(f"UPDATE pauses SET {moved} WHERE id = :id"), {"id": pause.id})
        with self.stage.database.transaction() as session:
            pauses.lapse(session)
        pause.state = "ended"

    def _won(self, matter: Matter) -> None:
        """What follows from a decision that was taken back."""
        if matter.kind == "share" and matter.state == "refused":
            matter.state = "shared"
        if matter.kind == "pause":
            matter.state = "ended"
        if matter.kind == "role":
            matter.state, self.has_role = "restored", True

    # Sharing and reviews.

    @precondition(lambda self: len(self.of("share")) < _MOST)
    @rule(prompt=st.sampled_from(("a fox", "faces of hate", "faces of hate")))
    def share(self, prompt: str) -> None:
        asked = {"video_id": self.stage.clip(self.owner, prompt), "audience": "public"}
        answer = self.stage.ask(self.owner, "POST", "/shares", asked)
        if self.is_paused:
            self._is_a_pause(answer)
            return
        told = answer.json()
        assert told["status"] == ("shared" if prompt == "a fox" else "waiting")
        self.matters.append(Matter("share", told["id"], told["status"]))

    def _is_a_pause(self, answer: Any) -> None:
        """A refusal because of a pause says which, why and until when."""
        error = answer.json()["error"]
        assert (answer.status_code in (403, 503), error["code"]) == (True, "access_paused")
        assert error["statement"]["id"] in {each.id for each in self.of("pause", "begun")}
        assert error["statement"]["reason"] == _REASON

    @precondition(lambda self: self.of("share", "waiting"))
    @rule(which=_WHICH, who=st.sampled_from(_REVIEWERS), agrees=st.booleans())
    def review(self, which: int, who: str, agrees: bool) -> None:
        waiting = self.of("share", "waiting")
        one = waiting[which % len(waiting)]
        claimed = self.stage.ask(who, "POST", f"/reviews/{one.id}/claim")
        if one.has_run_out:
            assert claimed.status_code == 409
            return
        if one.proposer == who:
            assert claimed.json()["error"]["code"] == "second_opinion"
            self.history.happened["a reviewer who wanted to be the second one, too"] += 1
            return
        assert claimed.status_code == 200, claimed.text
        one.parts.add(who)
        if one.proposer is not None:
            self.stage.post(who, f"/reviews/{one.id}/second", {"agrees": agrees})
            self.history.happened["a second opinion"] += 1
            one.proposer = None
            if agrees:
                one.state = "refused"
            else:
                assert self.stage.ask(who, "DELETE", f"/reviews/{one.id}/claim").status_code == 200
        elif agrees:
            told = self.stage.post(who, f"/reviews/{one.id}/refuse", REFUSAL)
            self.history.happened["a refusal"] += 1
            assert (told["state"] == "effective") == (not self.has_appealed)
            one.state = "waiting" if self.has_appealed else "refused"
            one.proposer = who if self.has_appealed else None
        else:
            self.stage.post(who, f"/reviews/{one.id}/approve")
            self.history.happened["an approval"] += 1
            one.state = "shared"

    @precondition(lambda self: self.of("share", "waiting"))
    @rule(which=_WHICH)
    def run_out(self, which: int) -> None:
        waiting = self.of("share", "waiting")
        one = waiting[which % len(waiting)]
        self.stage.run_out("shares", one.id)
        one.has_run_out = True

    @rule()
    def refuse_a_prompt(self) -> None:
        answer = self.stage.ask(
            self.owner, "POST", "http://testserver/v1/videos", {"prompt": "a crime"}
        )
        if self.is_paused:
            self._is_a_pause(answer)
            return
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (403, "refused")
        statement = self.stage.get(self.owner, f"/statements/{error['statement']['id']}")
        assert statement["subject"]["kind"] == "prompt"
        self.num_refused_prompts += 1

    # Pauses.

    @precondition(lambda self: len(self.of("pause", "begun", "proposed")) < _MOST)
    @rule(
        level=st.sampled_from(("key", "person", "cohort", "everybody")),
        who=st.sampled_from(STEWARDS),
    )
    def pause(self, level: str, who: str) -> None:
        body = {
            "level": level, "target_id": self.targets[level], "ground": "security-incident",
            "reason": _REASON, "resume_plan": "Everybody signs in again with a new key.",
            "expires_at": (now() + timedelta(hours=24)).isoformat(),
        }  # fmt: skip
        given = {key: value for key, value in body.items() if value is not None}
        answer = self.stage.ask(who, "POST", "/pauses", given)
        if any(each.level == level for each in self.of("pause", "begun")):
            assert answer.status_code == 409
            return
        assert answer.status_code == 200, answer.text
        waits = level == "everybody" or self.has_appealed
        told = answer.json()
        assert (told["begun_at"] is None) == waits
        found = Matter("pause", told["id"], "proposed" if waits else "begun", level)
        found.proposer = who if waits else None
        found.parts.add(who)
        self.matters.append(found)

    @precondition(lambda self: self.of("pause", "proposed"))
    @rule(which=_WHICH, who=st.sampled_from(STEWARDS))
    def second_a_pause(self, which: int, who: str) -> None:
        waiting = self.of("pause", "proposed")
        one = waiting[which % len(waiting)]
        answer = self.stage.ask(who, "POST", f"/pauses/{one.id}/second")
        assert answer.status_code == (403 if one.proposer == who else 200)
        if answer.status_code == 200:
            one.state = "begun"
            one.parts.add(who)

    @precondition(lambda self: self.of("pause", "begun", "proposed"))
    @rule(which=_WHICH, who=st.sampled_from((*STEWARDS, "clock")))
    def end_a_pause(self, which: int, who: str) -> None:
        still = self.of("pause", "begun", "proposed")
        one = still[which % len(still)]
        if who == "clock":
            self._lapse(one)
            return
        self.stage.post(
            who, f"/pauses/{one.id}/end", {"reason": "What had to happen has happened."}
        )
        one.state = "ended"

    # Roles and sessions.

    @rule(who=st.sampled_from(STEWARDS))
    def withdraw_a_role(self, who: str) -> None:
        path = f"/people/{self.stage.ids[self.owner]}/roles/withdraw"
        answer = self.stage.ask(who, "POST", path, {"role": "artist", "reason": _REASON})
        waiting = self.of("role", "waiting")
        if not self.has_role:
            assert answer.status_code == 404
        elif waiting and waiting[0].proposer == who:
            assert answer.json()["error"]["code"] == "second_steward"
        else:
            told = answer.json()
            if not waiting:
                waiting = [Matter("role", told["id"], "waiting", proposer=who)]
                self.matters += waiting
            is_alone = waiting[0].proposer == who
            waiting[0].parts.add(who)
            assert (told["withdrawn_at"] is None) == (is_alone and self.has_appealed)
            if told["withdrawn_at"] is not None:
                waiting[0].state, self.has_role = "withdrawn", False

    @rule(who=st.sampled_from(STEWARDS))
    def end_sessions(self, who: str) -> None:
        path = f"/people/{self.stage.ids[self.owner]}/sessions/end"
        self.stage.post(who, path, {"reason": _REASON})
        self.history.num_ended_sessions += 1

    # Appeals.

    @precondition(lambda self: self.matters)
    @rule(which=_WHICH)
    def appeal(self, which: int) -> None:
        decided = (
            self.of("share", "refused") + self.of("pause", "begun") + self.of("role", "withdrawn")
        )
        decided = [
            each
            for each in decided
            if not any(
                one.matter is each and (one.is_open or one.stage == "panel")
                for one in self.contests
            )
        ]
        if not decided:
            return
        matter = decided[which % len(decided)]
        with self.stage.database.transaction() as session:
            query = text(
                "SELECT id FROM statements WHERE subject_kind = :kind AND subject_id = :id"
            )
            found = session.execute(query, {"kind": matter.kind, "id": matter.id}).scalar_one()
        told = self.stage.post(self.owner, "/appeals", {"statement_id": found, **APPEAL})
        self.contests.append(Contest(told["id"], told["stage"], matter))
        self.has_appealed = True

    def _open(self, stage: str) -> list[Contest]:
        return [each for each in self.contests if each.is_open and each.stage == stage]

    @precondition(lambda self: self._open("hearing"))
    @rule(which=_WHICH, order=st.permutations(HEARERS), is_won=st.booleans())
    def hear(self, which: int, order: list[str], is_won: bool) -> None:
        """Everybody who hears appeals wants this one; whoever had a part in it must not get it."""
        waiting = self._open("hearing")
        one = waiting[which % len(waiting)]
        taken_by = None
        for who in order:
            answer = self.stage.ask(who, "POST", f"/hearings/{one.id}/take")
            if who in one.matter.parts:
                assert answer.status_code == 403, f"{who} had a part in {one.matter}"
                assert answer.json()["error"]["code"] == "took_part"
                assert self.stage.ask(who, "GET", f"/hearings/{one.id}").status_code == 404
                self.history.happened[f"a judge in their own cause: {one.matter.kind}"] += 1
            elif taken_by is None:
                assert answer.status_code == 200, answer.text
                taken_by = who
            else:
                assert answer.json()["error"]["code"] == "appeal_taken"
        if taken_by is None:
            return
        one.matter.parts.add(taken_by)
        self._decided(one, is_won, [(taken_by, f"/hearings/{one.id}/decision")])

    def _decided(self, one: Contest, is_won: bool, by: list[tuple[str, str]]) -> None:
        outcome = "overturned" if is_won else "upheld"
        for who, path in by:
            self.stage.post(who, path, {"outcome": outcome, "reasons": "It was looked at again."})
        one.is_open = False
        self.history.happened[f"{one.stage} {outcome}: {one.matter.kind}"] += 1
        if is_won:
            self._won(one.matter)

    @precondition(lambda self: self._open("panel"))
    @rule(which=_WHICH, is_won=st.booleans())
    def vote(self, which: int, is_won: bool) -> None:
        waiting = self._open("panel")
        one = waiting[which % len(waiting)]
        names = {person_id: name for name, person_id in self.stage.ids.items()}
        with self.stage.database.transaction() as session:
            query = select(PanelSeat.person_id).where(PanelSeat.appeal_id == one.id)
            panel = [names[each] for each in session.scalars(query)]
        assert not set(panel) & one.matter.parts
        assert self.owner not in panel
        assert len(panel) == 3
        for who in set(HEARERS) - set(panel):
            path = f"/hearings/{one.id}/vote"
            body = {"outcome": "upheld", "reasons": "I was not drawn."}
            assert self.stage.ask(who, "POST", path, body).status_code == 404
        one.matter.parts.update(panel)
        self._decided(one, is_won, [(who, f"/hearings/{one.id}/vote") for who in panel[:2]])

    @precondition(lambda self: self._open("hearing") or self._open("panel"))
    @rule(which=_WHICH)
    def let_an_appeal_run_out(self, which: int) -> None:
        waiting = self._open("hearing") + self._open("panel")
        one = waiting[which % len(waiting)]
        self.stage.run_out("appeals", one.id)
        with self.stage.database.transaction() as session:
            appeals.lapse(session)
        one.is_open = False
        self.history.happened["an appeal that nobody heard in time"] += 1
        self._won(one.matter)

    # Time.

    @rule(years=st.integers(1, 10))
    def years_pass_for_somebody_who_does_nothing(self, years: int) -> None:
        moved = {
            "persons": ("created_at",), "keys": ("created_at", "last_used_at"),
            "seats": ("taken_at",), "role_grants": ("granted_at",),
        }  # fmt: skip
        with self.stage.database.transaction() as session:
            for table, columns in moved.items():
                sets = ", ".join(f"{each} = {each} - interval '{years} years'" for each in columns)
                owner = "id" if table == "persons" else "person_id"
                query = text(f"UPDATE {table} SET {sets} WHERE {owner} = :id")
                session.execute(query, {"id": self.stage.ids["idle"]})

    @rule()
    def everything_that_runs_by_the_clock_runs(self) -> None:
        with self.stage.database.transaction() as session:
            shares.release_overdue(session)
            appeals.lapse(session)
            pauses.lapse(session)
        for each in self.of("share", "waiting"):
            if each.has_run_out:
                each.state = "shared"
                self.history.happened["a review that nobody made in time"] += 1

    # What always holds.

    @invariant()
    def no_sanction_is_without_a_statement(self) -> None:
        with self.stage.database.transaction() as session:
            for kind, (table, decided_at) in SANCTIONS.items():
                query = f"""
                    SELECT id FROM {table} WHERE {decided_at} IS NOT NULL AND NOT EXISTS (
                        SELECT FROM statements WHERE subject_kind = '{kind}' AND subject_id = {table}.id
                        AND decision_facts <> '' AND clause <> '')"""
                assert session.scalars(text(query)).all() == [], kind
            prompts = text(
                "SELECT count(*) FROM statements WHERE subject_kind = 'prompt' AND person_id = :id"
            )
            told = session.scalar(prompts, {"id": self.stage.ids[self.owner]})
        assert told == self.num_refused_prompts

    @invariant()
    def every_act_is_in_the_log_which_only_grows(self) -> None:
        self.history.head = checked_growth(self.stage, self.history.head)
        with self.stage.database.transaction() as session:
            found = Counter(session.scalars(text("SELECT kind FROM log_entries")).all())
            for kind, table in _COUNTED.items():
                assert found[kind] == session.scalar(text(f"SELECT count(*) FROM {table}")), kind
        assert found["session.all-ended"] == self.history.num_ended_sessions

    @invariant()
    def a_clip_is_seen_by_those_it_is_shared_with(self) -> None:
        for one in self.of("share"):
            is_visible = one.state == "shared" or (one.state == "waiting" and one.has_run_out)
            answer = self.stage.ask("nobody", "GET", f"/shared/{one.id}")
            assert answer.status_code == (200 if is_visible else 404), one

    @invariant()
    def whoever_does_nothing_keeps_everything(self) -> None:
        idle = self.stage.ids["idle"]
        with self.stage.database.transaction() as session:
            assert admission.roles_of(session, idle) == {ProgrammeRole.DESIGNER}
            found = text("SELECT count(*) FROM seats WHERE person_id = :id AND left_at IS NULL")
            assert session.scalar(found, {"id": idle}) == 1
            stopping = pauses.stopping(session, idle, "key_0")
        levels = {each.level for each in self.of("pause", "begun")}
        assert (stopping is not None) == ("everybody" in levels)

    @invariant()
    def whoever_is_paused_reads_and_contests(self) -> None:
        if self.is_paused:
            assert self.stage.get(self.owner, "/statements")["data"]
