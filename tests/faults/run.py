"""Kill the parts of a studio at random moments, and show that no video is lost or made twice.

    python tests/faults/run.py [--videos 10] [--kills 10] [--seed N] [--what worker api database stop cancel]

Prints a table and, as the last line, one JSON object. The exit code is 1 if a claim does not hold.
"""

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from faults import brief, crashes, stops
from faults.checks import Outcome
from faults.crashes import Plan

ALL = {**crashes.EXPERIMENTS, **stops.EXPERIMENTS}
EXPERIMENTS = {**ALL, **brief.EXPERIMENTS}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for, and return the exit code."""
    asked = _asked(arguments)
    # Through all `finally`: a database that was started is stopped again.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    seed = asked.seed if asked.seed is not None else random.SystemRandom().randrange(1_000_000)
    names = list(ALL) if "all" in asked.what else list(dict.fromkeys(asked.what))
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="unstrung-faults-") as folder:
        # PostgreSQL runs as another user when this is root, and passes through.
        Path(folder).chmod(0o755)
        for name in names:
            plan = Plan(
                Path(folder), asked.logs, asked.videos, asked.kills, asked.steps, asked.step_s,
                asked.gap_s, random.Random(f"{seed} {name}"),
            )  # fmt: skip
            started = time.monotonic()
            outcome = EXPERIMENTS[name](plan)
            outcome.figures["took_s"] = round(time.monotonic() - started, 1)
            _tell(outcome)
            outcomes.append(outcome)
    print(json.dumps(_report(outcomes, seed)))
    return 1 if any(outcome.problems for outcome in outcomes) else 0


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else "")
    add = parser.add_argument
    add("--what", nargs="+", choices=[*EXPERIMENTS, "all"], default=["all"])
    add("--videos", type=int, default=10)
    add("--kills", type=int, default=10)
    add("--seed", type=int, help="of moments and victims; the processes keep their own chance")
    add("--steps", type=int, default=12, help="denoising steps of a video")
    add("--step-s", type=float, default=0.3, help="seconds of a step")
    add("--gap-s", type=float, default=3.0, help="most seconds between two kills")
    add("--logs", type=Path, help="folder to keep the logs of all processes in")
    return parser.parse_args(arguments)


def _tell(outcome: Outcome) -> None:
    print(f"{'FAILED' if outcome.problems else 'holds':8}{outcome.name:10}{outcome.claim}")
    for name, value in outcome.figures.items():
        print(f"{'':18}{name:34}{value}")
    for problem in outcome.problems:
        print(f"{'':18}! {problem}")
    sys.stdout.flush()


def _report(outcomes: Sequence[Outcome], seed: int) -> dict[str, object]:
    told = {
        each.name: {"holds": not each.problems, "problems": each.problems, **each.figures}
        for each in outcomes
    }
    return {"seed": seed, "load_average": round(os.getloadavg()[0], 1), **told}


if __name__ == "__main__":
    sys.exit(main())
