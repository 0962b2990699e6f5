"""A stage for pictures of pages: clips of the shipped model, people who are not real, and what they did.

Everybody and everything here is made up for the pictures; nothing of it is in the product.
"""

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from sqlalchemy import text

ROOT: Final = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests")]

from pages.stage import Stage  # noqa: E402  # the stage of the tests
from unstrung.engine.errors import EngineError  # noqa: E402
from unstrung.engine.request import Generation, Step  # noqa: E402
from unstrung.studio.access import service as access  # noqa: E402
from unstrung.studio.access.models import Scope  # noqa: E402
from unstrung.studio.accounts.models import Person, Role  # noqa: E402
from unstrung.studio.admission import service as admission  # noqa: E402
from unstrung.studio.admission.models import ProgrammeRole  # noqa: E402
from unstrung.studio.appeals import service as appeals  # noqa: E402
from unstrung.studio.applications import service as applications  # noqa: E402
from unstrung.studio.assessments.service import Action, Assessor  # noqa: E402
from unstrung.studio.catalogue.models import Worker  # noqa: E402
from unstrung.studio.charters import service as charters  # noqa: E402
from unstrung.studio.confidences import service as confidences  # noqa: E402
from unstrung.studio.confidences.models import Answer, ConfidenceKind  # noqa: E402
from unstrung.studio.consents import service as consents  # noqa: E402
from unstrung.studio.consents.models import Use  # noqa: E402
from unstrung.studio.database import now  # noqa: E402
from unstrung.studio.feedback import service as feedback  # noqa: E402
from unstrung.studio.feedback.models import FeedbackKind, FeedbackStatus  # noqa: E402
from unstrung.studio.generator import EngineGenerator, Task  # noqa: E402
from unstrung.studio.hearings import service as hearings  # noqa: E402
from unstrung.studio.identity import new_id  # noqa: E402
from unstrung.studio.invitations import service as invitations  # noqa: E402
from unstrung.studio.lotteries import service as lotteries  # noqa: E402
from unstrung.studio.lotteries.models import Lottery  # noqa: E402
from unstrung.studio.making import make_video  # noqa: E402
from unstrung.studio.pauses import service as pauses  # noqa: E402
from unstrung.studio.pauses.models import Level, Pause, PauseGround  # noqa: E402
from unstrung.studio.reviews import service as reviews  # noqa: E402
from unstrung.studio.shares import service as shares  # noqa: E402
from unstrung.studio.shares.models import Audience, Share, ShareStatus  # noqa: E402
from unstrung.studio.shelves import service as shelves  # noqa: E402
from unstrung.studio.signals.models import Signal  # noqa: E402
from unstrung.studio.signals.models import Step as SignalStep  # noqa: E402
from unstrung.studio.stages import service as stages  # noqa: E402
from unstrung.studio.stages.models import Stage as ReleaseStage  # noqa: E402
from unstrung.studio.statements import service as statements  # noqa: E402

PROMPTS: Final = (
    "a fox crosses a snowy field", "due anatre attraversano il mare",
    "a panda jumps up and down on the beach", "un lapin saute dans la forêt",
    "a bus crosses the city rightwards", "فيل يقف على المسرح",
    "an owl stays in a forest at night in watercolour", "a star spins in space",
    "a cat walks in the desert at night",
)  # fmt: skip
HALTED: Final = "a whale swims under water"
BROKEN: Final = "a bear dances in the desert"
OPERATOR: Final = {
    "operator_name": "Lanterna", "operator_contact": "desk@example.org",
    "operator_law": {"en": "Italian law"}, "open_videos_per_person": 20, "programme": True,
}  # fmt: skip


class StagedGenerator(EngineGenerator):
    """The engine, which stops in the middle of one clip and breaks at another, so that both can be seen."""

    def __init__(self) -> None:
        super().__init__()
        self.is_over = threading.Event()

    def generate(self, task: Task, on_step: Callable[[Step], None]) -> Generation:
        """Draw a clip, as far as it is meant to come."""
        if task.prompt == BROKEN:
            raise EngineError(
                "Memory ran out in the middle of this clip. Nothing else was touched."
            )

        def followed(step: Step) -> None:
            on_step(step)
            if task.prompt == HALTED and step.index == step.total // 2:
                self.is_over.wait()

        return super().generate(task, followed)


@dataclass(frozen=True)
class Places:
    """Ids of the programme that pages are about."""

    painters: str
    weavers: str
    application: str
    code: str
    drawn: str
    announced: str


def fill(stage: Stage) -> dict[str, str]:
    """People, clips, a programme; and the ids that addresses need."""
    for name in ("Noor", "Mira", "Wren"):
        stage.add_person(name)
    # A steward, the reviewer whose refusals she hears, and a panel.
    stage.add_person("Stella", Role.MEMBER, ProgrammeRole.STEWARD, ProgrammeRole.REVIEWER)
    stage.add_person("Rin", Role.MEMBER, ProgrammeRole.REVIEWER)
    places = _programme(stage)
    clips = [stage.make_clip("Noor", prompt) for prompt in PROMPTS]
    shared, folder = _shelves_and_shares(stage, clips)
    for clip, who in ((clips[6], "owl"), (clips[8], "cat")):
        facts = (
            f"From the first second on, the {who} holds the sign of a group that calls for hatred."
        )
        _refuse(stage, _held(stage, clip), facts, f"Leave the sign out; the {who} is fine.")
    claimed, waiting = _held(stage, clips[7]), _held(stage, clips[1])
    with stage.database.transaction() as session:
        reviews.claim(session, stage.caller("Stella"), claimed)
    heard, statement = _appeals(stage)
    pause, proposal = _pauses(stage, places)
    _confidences(stage, places)
    _signals(stage)
    with stage.database.transaction() as session:
        model = stage.settings.default_model
        tomorrow = now() + timedelta(days=1)  # alive for as long as pictures are taken
        session.add(Worker(id=new_id("worker"), model=model, started_at=now(), seen_at=tomorrow))
    failed = stage.make_clip("Noor", BROKEN)
    halted = stage.add_waiting_clip("Noor", HALTED)
    threading.Thread(target=make_video, args=(stage.workshop, halted), daemon=True).start()
    time.sleep(2)
    stage.add_waiting_clip("Noor", "a tortoise crosses the desert in sepia")
    return {
        "clip": clips[0], "other": clips[2], "share": shared, "folder": folder,
        "refused": clips[6], "failed": failed, "review": claimed, "waiting": waiting,
        "hearing": heard, "statement": statement, "pause": pause, "proposal": proposal,
        "person": stage.people["Rin"],
        "cohort": places.painters, "weavers": places.weavers, "application": places.application,
        "code": places.code, "drawn": places.drawn, "announced": places.announced,
    }  # fmt: skip


def _programme(stage: Stage) -> Places:
    """Cohorts, criteria, applicants, lotteries, invitations, gates, and a charter that all accepted."""
    stella = stage.caller("Stella")
    with stage.database.transaction() as session:
        painters = admission.create_cohort(
            session, "Painters", 24, "Painters who work by hand and want to move."
        ).id
        weavers = admission.create_cohort(session, "Weavers", 6, "People who weave by hand.").id
        clauses = {
            "own-work": "You show work of your own.",
            "two-weeks": "You have two weeks to look.",
        }
        for cohort_id, words in ((painters, "People who paint."), (weavers, "People who weave.")):
            applications.publish_criteria(session, None, cohort_id, words, clauses, {})
        for name, cohort_id in (("Noor", painters), ("Mira", painters), ("Wren", weavers)):
            admission.seat(session, stage.people[name], cohort_id)
        plan = lotteries.Plan(weavers, 2, now() + timedelta(hours=2), open_for_hours=1.0)
        drawn = lotteries.announce(session, None, plan).id
        waiting = [_applied(session, painters, name) for name in ("Lina", "Ottavio")]
        for name in ("Ama", "Bo", "Cleo", "Dov"):
            _applied(session, weavers, name)
    with stage.database.transaction() as session:
        session.get_one(Lottery, drawn).closes_at = now()
    with stage.database.transaction() as session:
        lotteries.close(session, None, drawn)
    with stage.database.transaction() as session:
        lotteries.draw(session, None, drawn)
        later = lotteries.Plan(painters, 2, now() + timedelta(days=3))
        announced = lotteries.announce(session, None, later).id
    with stage.database.transaction() as session:
        _invitations(session, stella, painters)
        for stage_name, words in (
            (ReleaseStage.RED_TEAM, "Somebody from outside has read the code."),
            (ReleaseStage.ARTISTS, "The findings of the red team are mended."),
            (ReleaseStage.ARTISTS, "The pay of tasks is published."),
        ):
            gate = stages.add_gate(session, stella, stage_name, words)
            if stage_name == ReleaseStage.RED_TEAM:
                stages.open_gate(session, stella, gate.id, "https://example.org/report")
        charters.publish(session, stage.settings, stella, "1.0", None)
        digest = charters.read(session, "1.0", "en")[0].sha256
        for name in ("Noor", "Mira", "Wren", "Stella", "Rin"):
            charters.accept(session, stage.caller(name), "1.0", "en", digest)
    application, token = waiting[0]
    return Places(painters, weavers, application, f"{application}.{token}", drawn, announced)


def _applied(session: Any, cohort_id: str, name: str) -> tuple[str, str]:
    wish = applications.Wish(
        cohort_id, name, f"{name.lower()}@example.org", (ProgrammeRole.ARTIST,), "Foxes in snow."
    )
    application, token = applications.apply(session, wish)
    return application.id, token


def _invitations(session: Any, stella: Any, cohort_id: str) -> None:
    """One that is open, one that nobody took, and one that was taken back."""
    until = now() + timedelta(days=30)
    for note in ("For the class of Mrs Aoki", "For Bruno", "For a friend of Lina's"):
        terms = invitations.Terms(cohort_id, ProgrammeRole.ARTIST, until, note=note)
        made, code = invitations.invite(session, stella, terms)
        if note == "For Bruno":
            invitations.decline(session, code, "I would rather draw by hand this year.")
        elif note.startswith("For a friend"):
            invitations.revoke(session, stella, made.id)


def _shelves_and_shares(stage: Stage, clips: list[str]) -> tuple[str, str]:
    noor, stella = stage.caller("Noor"), stage.caller("Stella")
    with stage.database.transaction() as session:
        consents.change(session, noor, Use.PUBLICITY, True, None)
        wish = partial(shares.ShareWish, audience=Audience.PUBLIC, shows_prompt=True)
        chosen = [clips[0], *clips[2:6]]
        made = [shares.share(session, _assessor(stage), noor, 48, wish(each)) for each in chosen]
        session.flush()
        public = next(each.id for each in made if each.due_at is None)
        folder = shelves.create_folder(session, noor, "Snow and water")
        shelves.create_folder(session, noor, "For Lina")
        shelves.mark(session, noor, clips[:3], is_starred=True, folder_id=folder.id)
        for clip, kind, words in (
            (clips[4], FeedbackKind.BUG, "The wheels stand still while the bus moves."),
            (clips[0], FeedbackKind.IDEA, "The tail could trail a little behind."),
        ):
            note = feedback.give(
                session, noor, feedback.About(clip), feedback.Note(kind, words, 1.0, 2.5, True)
            )
            if kind == FeedbackKind.BUG:
                why = "Wheels are drawn on the portrait; a model with parts that turn is being trained."
                feedback.answer(session, stella, note.id, FeedbackStatus.PLANNED, why)
        return public, folder.id


def _assessor(stage: Stage) -> Assessor:
    assessor: Assessor = stage.app.state.studio.assessor
    return assessor


def _held(stage: Stage, clip: str) -> str:
    """Share a clip as if a rule had found a listed class."""
    risk = next(each for each in _assessor(stage).listed() if each.action == Action.REVIEW)
    with stage.database.transaction() as session:
        wish = shares.ShareWish(clip, Audience.PUBLIC)
        shared: Share = shares.share(session, _assessor(stage), stage.caller("Noor"), 48, wish)
        shared.status, shared.release, shared.released_at = ShareStatus.WAITING, None, None
        shared.due_at = now() + timedelta(hours=48)
        shared.held = [{
            "risk": risk.name, "what": risk.what, "rule": "words", "passages": [], "starts_s": 1.0,
            "ends_s": 2.5, "is_hard_illegal": risk.is_hard_illegal,
        }]  # fmt: skip
        return shared.id


def _refuse(stage: Stage, share_id: str, facts: str, change: str) -> None:
    """Have the reviewer refuse a share."""
    risk = next(each for each in _assessor(stage).listed() if each.action == Action.REVIEW)
    rin = stage.caller("Rin")
    with stage.database.transaction() as session:
        reviews.claim(session, rin, share_id)
        told = reviews.Refusal("sharing", facts, risk.name, change, 1.0, 2.5)
        reviews.refuse(session, _assessor(stage), rin, share_id, told)


def _appeals(stage: Stage) -> tuple[str, str]:
    """One appeal that Stella has taken to hear, one that waits; and the statement that it is against."""
    noor, stella = stage.caller("Noor"), stage.caller("Stella")
    with stage.database.transaction() as session:
        found = list(statements.list_statements(session, noor, None, 10))
        for each in found:
            appeals.lodge(
                session, noor, each.id, "It is a weather vane. It was on my grandfather's barn."
            )
        session.flush()
        hearing = hearings.list_hearings(session, stella, 10)[0].appeal.id
        hearings.take(session, stella, hearing)
        return hearing, str(found[0].id)


def _pauses(stage: Stage, places: Places) -> tuple[str, str]:
    """A pause of one cohort that was, one of the other that is, and one of all that waits for a second."""
    stella = stage.caller("Stella")
    plan = "The machine room has its second line."
    with stage.database.transaction() as session:
        past = pauses.propose(session, stella, pauses.Order(
            Level.COHORT, places.painters, PauseGround.CAPACITY, "The line into the machine room broke.",
            plan, now() + timedelta(hours=2),
        ))  # fmt: skip
        pauses.end(session, stella, past.id, "The line was mended within the hour.")
    with stage.database.transaction() as session:
        row = session.get_one(Pause, past.id)
        for field in ("proposed_at", "begun_at", "ended_at", "expires_at"):
            if getattr(row, field, None) is not None:
                setattr(row, field, getattr(row, field) - timedelta(days=6))
        present = pauses.propose(session, stella, pauses.Order(
            Level.COHORT, places.weavers, PauseGround.CAPACITY, "One of two machines is being mended.",
            plan, now() + timedelta(hours=30),
        ))  # fmt: skip
        waiting = pauses.propose(session, stella, pauses.Order(
            Level.EVERYBODY, None, PauseGround.SECURITY_INCIDENT, "Somebody got at a backup.",
            "All keys are made anew.", now() + timedelta(hours=12),
        ))  # fmt: skip
        return present.id, waiting.id


def _confidences(stage: Stage, places: Places) -> None:
    with stage.database.transaction() as session:
        for title, covers, is_accepted in (
            ("The spring model", "Its name, and the day on which it comes.", True),
            ("A longer clip", "That clips of two minutes are being tried.", False),
        ):
            item = confidences.ask(session, stage.caller("Stella"), confidences.Wanted(
                ConfidenceKind.MODEL_VERSION, title, covers, "Partners are told on the same day.", None,
                now() + timedelta(days=40), (places.painters,), "https://example.org/preview",
            ))  # fmt: skip
            if is_accepted:
                confidences.answer(session, stage.caller("Noor"), item.id, Answer.ACCEPTED)


def _signals(stage: Stage) -> None:
    """Keys of Noor's: one in use, one under suspicion, one whose suspicion was settled."""
    with stage.database.transaction() as session:
        person = session.get_one(Person, stage.people["Noor"])
        access.create_key(session, person, "editing desk", [Scope.READ, Scope.GENERATE])
        for name, is_open in (("class laptop", True), ("old phone", False)):
            key = access.create_key(session, person, name, [Scope.READ])[0]
            session.add(Signal(
                id=new_id("signal"), key_id=key.id, person_id=person.id, step=SignalStep.ASK_STEWARD,
                score=9, facts="Nine networks and six programs within an hour.", pause_id=None,
                noted_at=now(), settled_at=None if is_open else now(),
                settled_by=None if is_open else stage.people["Stella"],
                outcome=None if is_open else "A class shares a network.",
            ))  # fmt: skip
        session.execute(
            text(
                "INSERT INTO email_addresses (address, person_id, verified_at) VALUES (:a, :p, now())"
            ),
            {"a": "noor@example.org", "p": person.id},
        )
