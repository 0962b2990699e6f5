"""The smallest useful experiment, for the test suite: one studio, a few kills, one SIGTERM."""

from collections.abc import Callable
from typing import Final

from faults.checks import Outcome
from faults.crashes import Plan, stage_of, survive_kills
from faults.stops import STEP_S, hand_over


def kill_and_stop(plan: Plan) -> Outcome:
    """Kill workers, then stop one with good manners; the studio is the same, as starting one takes long."""
    outcome = Outcome(
        "brief",
        f"{plan.videos} videos, {plan.kills} x kill -9 of a worker, 1 x SIGTERM: each completed once",
    )
    if plan.step_s != STEP_S:
        outcome.problems.append(f"--step-s must be {STEP_S:g}, or a step cannot be told from two")
        return outcome
    with stage_of(plan, outcome) as stage:
        survive_kills(stage, plan, outcome)

        def create() -> str:
            stage.create([plan.videos])
            return next(row["id"] for row in reversed(stage.studio.videos()))

        hand_over(stage.studio, create, outcome)
    return outcome


EXPERIMENTS: Final[dict[str, Callable[[Plan], Outcome]]] = {"brief": kill_and_stop}
