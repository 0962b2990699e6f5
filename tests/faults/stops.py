"""Experiments with good manners: a worker that is told to stop, and a video that is cancelled."""

import signal
import time
from collections.abc import Callable
from typing import Any, Final

from faults.checks import Outcome, keep_logs
from faults.client import PatientClient
from faults.crashes import Plan
from faults.studio_under_test import Broken, StudioUnderTest, running_studio, wait_for

STEP_S: Final = 1.0  # long, so that one step cannot be taken for two
SLACK_S: Final = 0.6  # of a busy machine; together still less than two steps
_NUM_STEPS: Final = 5
_BEGINS: Final = "video begins"
_DROPPED: Final = "video is not ours any more; what was made is dropped"


def stop_worker(plan: Plan) -> Outcome:
    """SIGTERM to a worker in the middle of a video, while another one is idle."""
    outcome = Outcome(
        "stop", "SIGTERM: the video is handed back within one step, and another worker completes it"
    )
    _with_studio(plan, outcome, ("worker-1", "worker-2"), _stop_worker)
    return outcome


def cancel_video(plan: Plan) -> Outcome:
    """Cancel a video in the middle, while another one waits for the same worker."""
    outcome = Outcome("cancel", "cancel: the worker stops within one step")
    _with_studio(plan, outcome, ("worker-1",), _cancel_video)
    return outcome


def _stop_worker(studio: StudioUnderTest, client: PatientClient, outcome: Outcome) -> None:
    hand_over(studio, lambda: client.create("a fox").video_id, outcome)


def hand_over(studio: StudioUnderTest, create: Callable[[], str], outcome: Outcome) -> None:
    """Tell a worker to stop in the middle of a video, while another one has nothing to do."""
    _wait_for_workers(studio, 2)
    video_id = create()
    _wait_for_step(studio, video_id, 2)
    lines = studio.log_lines()
    name = next(each.part for each in lines if (each.event, each.video) == (_BEGINS, video_id))
    told_at = time.time()
    process = studio.parts[name.partition(".")[0]].process
    process.send_signal(signal.SIGTERM)
    wait_for(lambda: _row(studio, video_id)["handed_back"], "the video to be handed back", 30, 0.01)
    handed_back_s = time.time() - told_at
    code = process.wait(timeout=60)
    exited_s = time.time() - told_at
    wait_for(lambda: _row(studio, video_id)["attempt"] == 2, "the next worker", 60, 0.01)
    again_s = _row(studio, video_id)["started_at"].timestamp() - told_at
    wait_for(lambda: studio.num_open() == 0, "the video to end")
    row = _row(studio, video_id)
    if (row["status"], row["attempt"]) != ("completed", 2):
        outcome.problems.append(f"the video is {row['status']} after {row['attempt']} attempts")
    if code != 0:
        outcome.problems.append(f"the worker ended with code {code}")
    _must_be_quick(outcome, "to queued", handed_back_s)
    outcome.figures |= {
        "step_s": STEP_S,
        "to_queued_s": round(handed_back_s, 2),
        "to_exit_s": round(exited_s, 2),
        "to_next_attempt_s": round(again_s, 2),
    }


def _cancel_video(studio: StudioUnderTest, client: PatientClient, outcome: Outcome) -> None:
    first, second = client.create("a fox").video_id, client.create("a hen").video_id
    _wait_for_step(studio, first, 2)
    client.ask("POST", f"/v1/videos/{first}/cancel")
    answered_at = time.time()
    wait_for(lambda: _row(studio, second)["started_at"], "the next video to begin", 60, 0.01)
    next_s = _row(studio, second)["started_at"].timestamp() - answered_at
    dropped = [
        line.at
        for line in studio.log_lines()
        if line.event == _DROPPED and line.video == first
    ]  # fmt: skip
    if not dropped:
        raise Broken("the worker never said that it dropped the video")
    wait_for(lambda: studio.num_open() == 0, "the next video to end")
    told = [client.video(video_id)["status"] for video_id in (first, second)]
    if told != ["failed", "completed"]:
        outcome.problems.append(f"the videos are {told}")
    _must_be_quick(outcome, "from cancel to stop", dropped[0] - answered_at)
    outcome.figures |= {
        "step_s": STEP_S,
        "to_stop_s": round(dropped[0] - answered_at, 2),
        "to_next_video_s": round(next_s, 2),
        "files_left": len(list((studio.folder / f"files/videos/{first}").glob("*/*"))),
    }


def _with_studio(
    plan: Plan,
    outcome: Outcome,
    workers: tuple[str, ...],
    body: Callable[[StudioUnderTest, PatientClient, Outcome], None],
) -> None:
    with running_studio(plan.folder, {}, _NUM_STEPS, STEP_S, workers) as studio:
        client = PatientClient(studio.api_url, next(iter(studio.keys.values())))
        try:
            body(studio, client, outcome)
        except Broken as error:
            outcome.problems.append(str(error))
        finally:
            client.close()
            if plan.logs is not None:
                keep_logs(studio, plan.logs, outcome.name)


def _must_be_quick(outcome: Outcome, what: str, seconds: float) -> None:
    if seconds > STEP_S + SLACK_S:
        outcome.problems.append(f"{what}: {seconds:.2f} s, and a step has {STEP_S:g} s")


def _row(studio: StudioUnderTest, video_id: str) -> dict[str, Any]:
    return studio.rows(f"SELECT * FROM videos WHERE id = '{video_id}'")[0]


def _wait_for_step(studio: StudioUnderTest, video_id: str, step: int) -> None:
    wait_for(lambda: _row(studio, video_id)["step"] >= step, f"step {step}", pause_s=0.01)


def _wait_for_workers(studio: StudioUnderTest, number: int) -> None:
    def are_there() -> bool:
        # Each process has a worker for videos and one for webhooks.
        query = (
            "SELECT id FROM procrastinate_workers "
            "WHERE last_heartbeat > now() - interval '1.5 seconds'"
        )
        return len(studio.rows(query)) >= 2 * number

    wait_for(are_there, f"{number} workers")


EXPERIMENTS: Final[dict[str, Callable[[Plan], Outcome]]] = {
    "stop": stop_worker,
    "cancel": cancel_video,
}
