"""Experiments with kill -9: of workers, of the API, of PostgreSQL."""

import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any, Final

import psycopg

from faults.checks import Outcome, check_once, keep_logs
from faults.client import PatientClient, Receipt
from faults.studio_under_test import (
    START_AGAIN_S,
    Broken,
    LogLine,
    StudioUnderTest,
    listening,
    running_studio,
    wait_for,
)
from studio.receivers import Receiver, receiving

WORKERS: Final = ("worker-1", "worker-2")
_SHARE_AT_WORK: Final = (
    0.7  # of the kills; the others also hit workers that start, or have nothing to do
)
_CREATION_S: Final = 0.15  # in which a request is answered, more or less
_BEGINS: Final = "video begins"
_NOTICED: Final = "Videos of silent workers are given to others"
_ENDS: Final = (
    "video completed", "video handed back", "video is not ours any more; what was made is dropped",
)  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """How an experiment is done.

    Attributes:
        folder: for all files.
        logs: where logs are kept, or None.
        videos, kills: how many.
        num_steps, step_s: of each video.
        gap_s: most time between two kills [s].
        chance: of which moments and victims.
    """

    folder: Path
    logs: Path | None
    videos: int
    kills: int
    num_steps: int
    step_s: float
    gap_s: float
    chance: random.Random


@dataclass
class Stage:
    """A studio with clients, and what they have asked for."""

    studio: StudioUnderTest
    clients: dict[str, PatientClient]
    receipts: dict[str, list[Receipt]]
    receiver: Receiver

    def create(self, takes: Iterable[int]) -> None:
        """Ask for some videos, people taking turns."""
        names = list(self.clients)
        for take in takes:
            name = names[take % len(names)]
            self.receipts[name].append(self.clients[name].create(f"a fox, take {take}"))


@contextmanager
def stage_of(plan: Plan, outcome: Outcome, workers: tuple[str, ...] = ()) -> Iterator[Stage]:
    """Lend a studio; checks follow, and what is not as it should be becomes a problem."""
    # The rule that gives up a video after five dead workers is another one, and is not wanted here.
    settings = {"UNSTRUNG_MAX_ATTEMPTS": str(plan.kills + 5)}
    with (
        receiving() as receiver,
        running_studio(plan.folder, settings, plan.num_steps, plan.step_s, workers) as studio,
    ):
        clients = {name: PatientClient(studio.api_url, key) for name, key in studio.keys.items()}
        stage = Stage(studio, clients, {name: [] for name in clients}, receiver)
        try:
            for client in clients.values():
                client.hook(receiver.url)
            yield stage
            check_once(studio, clients, stage.receipts, receiver, outcome)
        except Broken as error:
            outcome.problems.append(str(error))
        finally:
            for client in clients.values():
                client.close()
            if plan.logs is not None:
                keep_logs(studio, plan.logs, outcome.name)


def kill_workers(plan: Plan) -> Outcome:
    """Kill a random worker at random moments while videos wait."""
    outcome = Outcome(
        "worker",
        f"{plan.videos} videos, 2 workers, {plan.kills} x kill -9 of a worker: each completed once",
    )
    with stage_of(plan, outcome) as stage:
        survive_kills(stage, plan, outcome)
    return outcome


def survive_kills(stage: Stage, plan: Plan, outcome: Outcome) -> None:
    """Let videos wait, start workers, kill them, and wait until all videos have ended."""
    studio = stage.studio
    stage.create(range(plan.videos))
    for name in WORKERS:
        studio.start(name)
    kills: list[tuple[str, float]] = []
    _wait_for_first(studio)
    for _ in range(plan.kills):
        name = plan.chance.choice(WORKERS)
        if plan.chance.random() < _SHARE_AT_WORK:
            _wait_for_work(studio, name)
        time.sleep(plan.chance.uniform(0, plan.gap_s))
        if studio.num_open() == 0:
            break
        log = studio.parts[name].log.stem
        kills.append((log, studio.kill(name)))
        time.sleep(START_AGAIN_S)
        studio.start(name)
    if len(kills) < plan.kills:
        outcome.problems.append(f"all was done after {len(kills)} of {plan.kills} kills")
    wait_for(lambda: studio.num_open() == 0, "all videos to end")
    lines = studio.log_lines()
    hits = [hit for kill in kills if (hit := _hit(lines, *kill)) is not None]
    noticed = [noticed_s for noticed_s, _ in hits if noticed_s is not None]
    outcome.figures |= {"kills": len(kills), "kills_in_a_video": len(hits)}
    outcome.figures |= _spread("noticed_by_a_live_worker_s", noticed)
    outcome.figures |= _spread("begun_again_s", [begun for _, begun in hits])


def kill_api(plan: Plan) -> Outcome:
    """Kill the API at random moments while people create videos and ask how far they are."""
    outcome = Outcome(
        "api", f"{plan.videos} videos, {plan.kills} x kill -9 of the API: each exists once"
    )
    with stage_of(plan, outcome, WORKERS) as stage:
        over = threading.Event()
        with ThreadPoolExecutor() as threads:
            polling = threads.submit(_poll, stage, over)
            try:
                waits = []
                for index in range(plan.kills):
                    last = (index + 1) * plan.videos // plan.kills
                    takes = range(index * plan.videos // plan.kills, last)
                    with listening(stage.studio.database_url) as news:
                        creating = threads.submit(stage.create, takes)
                        _wait_for_moment(stage, plan, news)
                        waits.append(_kill_api_once(stage.studio))
                    creating.result()
            finally:
                over.set()
            polling.result()
        outcome.figures["kills"] = len(waits)
        outcome.figures |= _spread("api_back_s", waits)
        outcome.figures |= _stories(stage)
    return outcome


def kill_database(plan: Plan) -> Outcome:
    """Kill PostgreSQL at random moments while workers make videos."""
    outcome = Outcome(
        "database",
        f"{plan.videos} videos, {plan.kills} x kill -9 of PostgreSQL: each completed once, "
        "no process had to be started again",
    )
    with stage_of(plan, outcome, WORKERS) as stage:
        stage.create(range(plan.videos))
        _wait_for_first(stage.studio)
        starts, readies, moments = [], [], []
        for _ in range(plan.kills):
            time.sleep(plan.chance.uniform(0, plan.gap_s))
            killed_at = stage.studio.kill_database()
            time.sleep(plan.chance.uniform(0, 1))  # the supervisor looks once a second
            stage.studio.start_database()
            moments.append(time.time())
            starts.append(moments[-1] - killed_at)
            readies.append(stage.studio.wait_for_api())
        wait_for(lambda: stage.studio.num_open() == 0, "all videos to end")
        ended = [name for name in stage.studio.parts if not stage.studio.is_running(name)]
        if ended:
            outcome.problems.append(f"did not live through it: {', '.join(ended)}")
        outcome.figures["kills"] = plan.kills
        outcome.figures |= _spread("database_away_s", starts)
        outcome.figures |= _spread("api_back_s", readies)
        outcome.figures |= _spread("worker_back_s", _next_signs(stage.studio, moments))
    return outcome


def _wait_for_first(studio: StudioUnderTest) -> None:
    query = "SELECT id FROM videos WHERE status = 'in_progress'"
    wait_for(lambda: bool(studio.rows(query)), "the first video to begin")


def _wait_for_work(studio: StudioUnderTest, name: str) -> None:
    """Wait until a worker that has just been started has begun a video, or all are done."""

    def is_at_work() -> bool:
        log = studio.parts[name].log.stem
        begun = any(line.part == log and line.event == _BEGINS for line in studio.log_lines())
        return begun or studio.num_open() == 0

    wait_for(is_at_work, f"{name} to begin a video")


def _hit(lines: list[LogLine], log: str, killed_at: float) -> tuple[float | None, float] | None:
    """What became of the video that a kill hit; None if it hit none.

    Returns:
        Seconds until somebody noticed, None if that was a worker that had to be started first, and until
        the video began again.
    """
    begun = None
    for line in lines:
        if line.part == log and line.event == _BEGINS:
            begun = line
        elif line.part == log and line.event in _ENDS:
            begun = None
    if begun is None or begun.video is None:
        return None
    were_up = {line.part for line in lines if line.at < killed_at}
    noticed_s = None
    for line in lines:
        if line.at < killed_at:
            continue
        if line.event.startswith(_NOTICED) and begun.video in line.event and line.part in were_up:
            noticed_s = noticed_s or line.at - killed_at
        if line.event == _BEGINS and line.video == begun.video:
            return noticed_s, line.at - killed_at
    return None


def _wait_for_moment(stage: Stage, plan: Plan, news: psycopg.Connection[Any]) -> None:
    """Wait for a random moment: at any time, while a request is answered, or right after its commit."""
    kind = plan.chance.choice(("any time", "in the request", "after the commit"))
    if kind == "after the commit":
        known = {each.video_id for some in stage.receipts.values() for each in some}
        for notice in news.notifies(timeout=plan.gap_s):
            if notice.payload not in known:
                return
    else:
        time.sleep(plan.chance.uniform(0, plan.gap_s if kind == "any time" else _CREATION_S))


def _kill_api_once(studio: StudioUnderTest) -> float:
    """Kill the API and start it again; return how long it was away [s]."""
    killed_at = studio.kill("api")
    time.sleep(START_AGAIN_S)
    studio.start("api")
    studio.wait_for_api()
    return time.time() - killed_at


def _poll(stage: Stage, over: threading.Event) -> None:
    """Ask for all videos, over and over."""
    while not over.wait(0.05):
        for name, some in stage.receipts.items():
            for receipt in list(some):
                stage.clients[name].video(receipt.video_id)


def _stories(stage: Stage) -> dict[str, int]:
    """How often creating a video met a kill, and how often the video was there before its answer."""
    created = {row["id"]: row["created_at"].timestamp() for row in stage.studio.videos()}
    receipts = [each for some in stage.receipts.values() for each in some]
    return {
        "creations_tried_again": sum(each.num_tries > 1 for each in receipts),
        "answers_lost_after_commit": sum(
            created.get(each.video_id, each.sent_at) < each.sent_at for each in receipts
        ),
        "connections_lost": sum(each.num_lost for each in stage.clients.values()),
        "answers_5xx": sum(each.num_faults for each in stage.clients.values()),
    }


def _next_signs(studio: StudioUnderTest, moments: list[float]) -> list[float]:
    """Seconds from each return of the database to the next begin or end of a video."""
    signs = [line.at for line in studio.log_lines() if line.event in (_BEGINS, "video completed")]
    found = [min((at for at in signs if at > moment), default=None) for moment in moments]
    return [at - moment for at, moment in zip(found, moments, strict=True) if at is not None]


def _spread(name: str, values: list[float]) -> dict[str, float]:
    if not values:
        return {}
    return {f"{name}_mean": round(mean(values), 2), f"{name}_max": round(max(values), 2)}


EXPERIMENTS: Final[dict[str, Callable[[Plan], Outcome]]] = {
    "worker": kill_workers,
    "api": kill_api,
    "database": kill_database,
}
