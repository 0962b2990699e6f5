"""The smallest useful share of `run.py`, which shows the rest."""

import json
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).with_name("run.py")


def test_no_video_is_lost_or_made_twice_when_workers_are_killed_or_stopped() -> None:
    asked = "--what brief --videos 4 --kills 2 --steps 3 --step-s 1 --gap-s 2 --seed 1"
    done = subprocess.run(
        [sys.executable, str(PROGRAM), *asked.split()],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.stdout, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])["brief"]
    assert told["problems"] == []
    assert told["kills"] == 2
    assert told["completed"] == told["events"] == told["downloaded"] == 5
