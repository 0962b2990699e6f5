"""Whatever people of the programme do, in any order: no sanction without a statement, no judge in their own
cause, no clip before other eyes, no duty, and every act in the log.

`test_sharing_machine.py` tries every door to a clip, `test_session_machine.py` every token; here are pauses,
reviews, roles, refused prompts, appeals, panels and clocks together. Chance alone hardly ever gets as far as
a hearing, so sequences set out from several places, and what must have happened in one of them is counted.
"""

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from studio.programme_acts import HEARERS, SANCTIONS, STEWARDS, History, Programme
from studio.sharing import opened
from unstrung.studio.admission import service as admission
from unstrung.studio.admission.models import ProgrammeRole
from unstrung.studio.making import Workshop


def wait_for_a_review(machine: Programme) -> None:
    machine.share(prompt="faces of hate")


def refuse_a_share(machine: Programme) -> None:
    wait_for_a_review(machine)
    machine.review(which=0, who="reviewer", agrees=True)


def approve_a_share(machine: Programme) -> None:
    wait_for_a_review(machine)
    machine.review(which=0, who="third", agrees=False)


def agree_to_refuse(machine: Programme) -> None:
    """Two reviewers, as it takes once somebody has appealed; the first one tries to be the second, too."""
    wait_for_a_review(machine)
    for who in ("hearer", "hearer", "third"):
        machine.review(which=0, who=who, agrees=True)


def let_a_review_run_out(machine: Programme) -> None:
    wait_for_a_review(machine)
    machine.run_out(which=0)
    machine.everything_that_runs_by_the_clock_runs()


def pause_a_person(machine: Programme) -> None:
    machine.pause(level="person", who="steward")


def take_a_role(machine: Programme) -> None:
    machine.withdraw_a_role(who="steward")


def pause_a_cohort_together(machine: Programme) -> None:
    machine.pause(level="cohort", who="steward")
    machine.second_a_pause(which=0, who="second")


def take_a_role_together(machine: Programme) -> None:
    for who in STEWARDS:
        machine.withdraw_a_role(who=who)


def contest(machine: Programme) -> None:
    machine.appeal(which=0)


def lose(machine: Programme) -> None:
    machine.hear(which=0, order=list(HEARERS), is_won=False)


def win(machine: Programme) -> None:
    machine.hear(which=0, order=list(HEARERS), is_won=True)


def lose_before_a_panel(machine: Programme) -> None:
    machine.vote(which=0, is_won=False)


def win_before_a_panel(machine: Programme) -> None:
    machine.vote(which=0, is_won=True)


def nobody_hears_it(machine: Programme) -> None:
    machine.let_an_appeal_run_out(which=0)


# Where sequences set out from; chance goes on from there.
BEGINNINGS = (
    (),
    (let_a_review_run_out, approve_a_share, wait_for_a_review),
    (refuse_a_share, contest, agree_to_refuse, contest, lose, win),
    (refuse_a_share, contest, lose, contest, lose_before_a_panel),
    (pause_a_person, contest, win, pause_a_cohort_together, contest, win),
    (pause_a_person, contest, lose, contest, win_before_a_panel),
    (take_a_role, contest, win, take_a_role_together, contest, win),
    (take_a_role, contest, lose, contest, win_before_a_panel),
    (refuse_a_share, contest, lose, contest, nobody_hears_it),
)
# What the rest proves nothing without.
MUST_HAVE_HAPPENED = {
    "a refusal", "an approval", "a second opinion", "a reviewer who wanted to be the second one, too",
    "a review that nobody made in time", "an appeal that nobody heard in time",
    "panel upheld: share", "panel overturned: pause", "panel overturned: role",
    *(f"a judge in their own cause: {kind}" for kind in SANCTIONS),
    *(f"hearing {outcome}: {kind}" for outcome in ("upheld", "overturned") for kind in SANCTIONS),
}  # fmt: skip


def test_whatever_is_done_to_people_is_told_contestable_and_in_the_log(workshop: Workshop) -> None:
    with opened(workshop) as stage:
        for name in ("reviewer", "hearer", "third"):
            stage.add(name, ProgrammeRole.REVIEWER)
        for name in STEWARDS:
            stage.add(name, ProgrammeRole.STEWARD)
        for number in range(1, 10):
            stage.add(f"juror {number}", ProgrammeRole.JUROR)
        stage.add("idle", ProgrammeRole.DESIGNER)
        with stage.database.transaction() as session:
            cohort = admission.create_cohort(session, "idle", 1, "to do nothing")
            admission.seat(session, stage.ids["idle"], cohort.id)
        history = History()
        for place, beginning in enumerate(BEGINNINGS):
            given = {"stage": stage, "history": history, "beginning": beginning}
            # Chance depends on the name, so each beginning is gone on from in other ways.
            run_state_machine_as_test(  # type: ignore[no-untyped-call]
                type(f"From{place}", (Programme,), given),
                settings=settings(
                    max_examples=3, stateful_step_count=6, deadline=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )  # fmt: skip
        assert set(history.happened) >= MUST_HAVE_HAPPENED
