"""Whatever owners, reviewers and clocks do, nobody sees a clip that is not shared with them."""

from dataclasses import dataclass, field
from typing import ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from studio.sharing import APPEAL, REFUSAL, Stage, opened
from unstrung.studio.admission.models import ProgrammeRole
from unstrung.studio.appeals import service as appeals
from unstrung.studio.making import Workshop
from unstrung.studio.shares import service as shares

_MOST = 3
_WHICH = st.integers(0, _MOST - 1)


@dataclass
class Known:
    """What must hold of one share, kept without asking the studio.

    Attributes:
        id, path, audience, video_id: as the owner was told.
        is_crime: whether no clock may release it.
        state: shared, waiting, refused, withdrawn or gone.
        has_run_out: whether its clock has.
        claimed_by: reviewer who has it.
        links, watched: files that somebody was once shown, as shared and for review.
    """

    id: str
    path: str
    audience: str
    video_id: str
    is_crime: bool
    state: str
    has_run_out: bool = False
    claimed_by: str | None = None
    appeal_id: str | None = None
    links: list[str] = field(default_factory=list)
    watched: list[tuple[str, str]] = field(default_factory=list)

    @property
    def is_released(self) -> bool:
        """Whether the clock has answered for the reviewers."""
        return self.state == "waiting" and self.has_run_out and not self.is_crime

    @property
    def is_visible(self) -> bool:
        """Whether those may see it whom it is shared with."""
        return self.state == "shared" or self.is_released


class Sharing(RuleBasedStateMachine):
    """Acts in any order, and after each of them everybody tries every door."""

    stage: ClassVar[Stage]

    def __init__(self) -> None:
        super().__init__()
        self.known: list[Known] = []

    def _one(self, which: int) -> Known | None:
        return self.known[which % len(self.known)] if self.known else None

    def _did(self, who: str, path: str, body: object = None) -> bool:
        return bool(self.stage.ask(who, "POST", path, body).status_code == 200)

    @precondition(lambda self: len(self.known) < _MOST)
    @rule(
        prompt=st.sampled_from(("a fox", "faces of hate", "a crime")),
        audience=st.sampled_from(("public", "link")),
    )
    def share(self, prompt: str, audience: str) -> None:
        told = self.stage.share("owner", prompt, audience)
        path = told["url"].partition("/programme/v1")[2]
        assert told["status"] == ("shared" if prompt == "a fox" else "waiting")
        self.known.append(
            Known(told["id"], path, audience, told["video_id"], prompt == "a crime", told["status"])
        )

    @rule(which=_WHICH)
    def withdraw(self, which: int) -> None:
        one = self._one(which)
        if one and self._did("owner", f"/shares/{one.id}/withdraw"):
            one.state = "gone" if one.state == "gone" else "withdrawn"
            one.claimed_by = None

    @rule(which=_WHICH)
    def delete(self, which: int) -> None:
        one = self._one(which)
        if one and one.state != "gone":
            address = f"http://testserver/v1/videos/{one.video_id}"
            assert self.stage.ask("owner", "DELETE", address).status_code == 200
            one.state, one.claimed_by = "gone", None

    @rule(which=_WHICH, who=st.sampled_from(("reviewer", "hearer")))
    def claim(self, which: int, who: str) -> None:
        one = self._one(which)
        if one is None or one.state == "gone":
            return
        response = self.stage.ask(who, "POST", f"/reviews/{one.id}/claim")
        may = one.state == "waiting" and not one.is_released and one.claimed_by in (None, who)
        if response.status_code == 200:
            assert may
            one.claimed_by = who
            one.watched.append((who, response.json()["links"]["video"]))

    @rule(which=_WHICH, approves=st.booleans())
    def decide(self, which: int, approves: bool) -> None:
        one = self._one(which)
        if one is None or one.claimed_by is None:
            return
        body = None if approves else REFUSAL
        path = f"/reviews/{one.id}/{'approve' if approves else 'refuse'}"
        response = self.stage.ask(one.claimed_by, "POST", path, body)
        if response.status_code == 200:
            assert not one.is_released
            if response.json()["state"] == "effective":
                one.state = "shared" if approves else "refused"
            one.claimed_by = None

    @rule(which=_WHICH)
    def run_out(self, which: int) -> None:
        one = self._one(which)
        if one and one.state == "waiting":
            self.stage.run_out("shares", one.id)
            one.has_run_out = True

    @rule()
    def sweep(self) -> None:
        with self.stage.database.transaction() as session:
            shares.release_overdue(session)
            appeals.lapse(session)

    @rule(which=_WHICH)
    def win_an_appeal(self, which: int) -> None:
        one = self._one(which)
        if one is None or one.state != "refused":
            return
        shared = self.stage.get("owner", f"/shares/{one.id}")
        asked = {"statement_id": shared["statement_id"], **APPEAL}
        appeal = self.stage.post("owner", "/appeals", asked)["id"]
        seen = self.stage.post("steward", f"/hearings/{appeal}/take")
        assert self.stage.client.get(seen["links"]["video"]).status_code == 200
        verdict = {"outcome": "overturned", "reasons": "It tells of hatred."}
        self.stage.post("steward", f"/hearings/{appeal}/decision", verdict)
        assert self.stage.client.get(seen["links"]["video"]).status_code == 404
        one.state = "shared"

    @invariant()
    def nobody_sees_what_is_not_shared_with_them(self) -> None:
        for one in self.known:
            bare = self.stage.ask("nobody", "GET", f"/shared/{one.id}")
            is_for_all = one.is_visible and one.audience == "public"
            assert bare.status_code == (200 if is_for_all else 404)
            by_link = self.stage.ask("other", "GET", one.path)
            assert by_link.status_code == (200 if one.is_visible else 404)
            if one.is_visible:
                one.links = [by_link.json()["links"]["video"]]
            for link in one.links:
                assert (self.stage.client.get(link).status_code == 200) == one.is_visible
            for who, link in one.watched:
                has_it = one.claimed_by == who and one.state == "waiting" and not one.is_released
                assert (self.stage.client.get(link).status_code == 200) == has_it
            content = f"http://testserver/v1/videos/{one.video_id}/content"
            assert self.stage.ask("other", "GET", content).status_code == 404


def test_no_path_shows_a_clip_to_anybody_it_is_not_shared_with(workshop: Workshop) -> None:
    with opened(workshop) as stage:
        stage.add("reviewer", ProgrammeRole.REVIEWER)
        stage.add("hearer", ProgrammeRole.REVIEWER)
        stage.add("steward", ProgrammeRole.STEWARD)
        Sharing.stage = stage
        run_state_machine_as_test(  # type: ignore[no-untyped-call]
            Sharing,
            settings=settings(
                max_examples=15,
                stateful_step_count=14,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
