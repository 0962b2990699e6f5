"""The supervisor over small real processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from unstrung.studio.errors import ServiceFault
from unstrung.studio.supervisor import Child, Supervisor, next_pause

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
SLEEPER = "import time; time.sleep(60)"


class FakeDatabase:
    """A database that answers what it is told to, and remembers what was done to it."""

    def __init__(self, answers: list[bool], faults: int = 0) -> None:
        self.answers = answers
        self.faults = faults
        self.calls: list[str] = []

    def start(self) -> str:
        self.calls.append("start")
        if self.faults:
            self.faults -= 1
            raise ServiceFault("The disk is full.")
        return "postgresql://"

    def stop(self) -> None:
        self.calls.append("stop")

    def is_alive(self) -> bool:
        return self.answers.pop(0) if self.answers else True


class Story:
    """Remembers all events, and asks the supervisor to end when one of them is the last to wait for."""

    def __init__(self, is_last: Callable[[list[str]], bool], number: int = signal.SIGTERM) -> None:
        self.events: list[str] = []
        self.is_last = is_last
        self.number = number
        self.is_over = False

    def __call__(self, event: str) -> None:
        self.events.append(event)
        if not self.is_over and self.is_last(self.events):
            self.is_over = True
            os.kill(os.getpid(), self.number)

    def text(self) -> str:
        return "\n".join(self.events)


def child(name: str, code: str, *arguments: str) -> Child:
    return Child(name, (sys.executable, "-c", code, *arguments), ENVIRONMENT)


def wait_for(claim: Callable[[], bool], limit_s: float = 20.0) -> None:
    give_up = time.monotonic() + limit_s
    while not claim():
        assert time.monotonic() < give_up, "it did not happen in time"
        time.sleep(0.02)


def starts(name: str, events: list[str]) -> int:
    return sum(event.startswith(f"{name} has started") for event in events)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_children_and_the_database_after_them(number: int) -> None:
    database = FakeDatabase([])
    story = Story(lambda events: starts("two", events) == 1, number)
    before = signal.getsignal(number)
    supervisor = Supervisor([child("one", SLEEPER), child("two", SLEEPER)], database, story)
    assert supervisor.run() == 0
    assert database.calls == ["stop"]
    assert story.events[-2:] == [
        "Stopping one, two; a second signal ends the wait of 30 s.",
        "The database has stopped.",
    ]
    assert signal.getsignal(number) == before


def test_a_child_that_died_is_started_again_and_its_neighbour_is_not() -> None:
    story = Story(lambda events: starts("short", events) == 2)
    children = [child("short", "raise SystemExit(3)"), child("long", SLEEPER)]
    assert Supervisor(children, None, story).run() == 0
    assert "short ended with code 3 after" in story.text()
    assert "it is started again in 0.5 s." in story.text()
    assert starts("long", story.events) == 1


def test_a_child_killed_from_outside_is_told_by_the_signal() -> None:
    story = Story(lambda events: "was ended by" in events[-1])
    code = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    assert Supervisor([child("one", code)], None, story).run() == 0
    assert "one was ended by SIGKILL after" in story.text()


def test_a_program_that_does_not_exist_is_told_and_tried_again(tmp_path: Path) -> None:
    story = Story(lambda events: "cannot be started" in events[-1])
    nothing = Child("nothing", (str(tmp_path / "nothing"),), ENVIRONMENT)
    assert Supervisor([nothing], None, story).run() == 0
    assert "nothing cannot be started ([Errno 2]" in story.text()


def test_a_child_that_does_not_listen_is_killed_when_the_grace_is_over(tmp_path: Path) -> None:
    deaf = (
        "import signal, sys, time, pathlib; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "pathlib.Path(sys.argv[1]).touch(); time.sleep(60)"
    )
    is_deaf = tmp_path / "is-deaf"

    def wait_until_deaf(events: list[str]) -> bool:
        wait_for(is_deaf.exists)
        return True

    story = Story(wait_until_deaf)
    supervisor = Supervisor([child("deaf", deaf, str(is_deaf))], None, story, grace_s=0.2)
    assert supervisor.run() == 1
    assert story.events[-1] == "deaf did not end in time and was killed."


def test_pauses_double_up_to_ten_seconds_and_begin_anew_after_a_steady_life() -> None:
    pauses = [next_pause(0, 0)]
    for _ in range(6):
        pauses.append(next_pause(pauses[-1], 1.0))
    assert pauses == [0.5, 1, 2, 4, 8, 10, 10]
    assert next_pause(10, 30.0) == 0.5


def test_a_database_that_does_not_answer_is_started_again() -> None:
    database = FakeDatabase([False])
    story = Story(lambda events: events[-1] == "The database answers again.")
    assert Supervisor([child("one", SLEEPER)], database, story).run() == 0
    assert database.calls == ["start", "stop"]


def test_a_database_that_cannot_start_does_not_end_the_children() -> None:
    database = FakeDatabase([False], faults=1)
    story = Story(lambda events: "It is tried again" in events[-1])
    assert Supervisor([child("one", SLEEPER)], database, story).run() == 0
    assert "The disk is full. It is tried again in 10 s." in story.events
    assert "one ended" not in story.text()


ORPHAN = """
import pathlib, signal, sys, time
from unstrung.studio.supervisor import stop_when_orphaned
alive = pathlib.Path(sys.argv[1])
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
stop_when_orphaned()
try:
    alive.touch()
    time.sleep(60)
finally:
    alive.unlink()
"""
PARENT = """
import os, sys
from unstrung.studio.supervisor import Child, Supervisor
child = Child("orphan", (sys.executable, "-c", sys.argv[1], sys.argv[2]), dict(os.environ))
Supervisor([child], None, lambda event: None).run()
"""


def test_children_do_not_outlive_a_supervisor_killed_with_9(tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    parent = subprocess.Popen([sys.executable, "-c", PARENT, ORPHAN, str(alive)], env=ENVIRONMENT)
    wait_for(alive.exists)
    parent.kill()
    parent.wait()
    wait_for(lambda: not alive.exists())


def test_a_process_without_a_supervisor_does_not_mind_the_end_of_its_input() -> None:
    code = "from unstrung.studio.supervisor import stop_when_orphaned; import threading;" + (
        "stop_when_orphaned(); raise SystemExit(threading.active_count() - 1)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], env=ENVIRONMENT, stdin=subprocess.DEVNULL, check=False
    )
    assert ended.returncode == 0
