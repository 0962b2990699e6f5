"""What must be true of every video in the end, looked at from all sides: rows, events, files, jobs."""

import json
import shutil
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from faults.client import PatientClient, Receipt
from faults.studio_under_test import Broken, StudioUnderTest, wait_for
from studio.receivers import Receiver
from unstrung.engine.errors import EngineError
from unstrung.engine.video_io import probe

_SETTLE_S: Final = 60.0


@dataclass
class Outcome:
    """What came of an experiment.

    Attributes:
        name, claim: which one, and what it was to show.
        problems: why the claim does not hold; empty if it does.
        figures: numbers to report.
    """

    name: str
    claim: str
    problems: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)


def check_once(
    studio: StudioUnderTest,
    clients: dict[str, PatientClient],
    receipts: dict[str, list[Receipt]],
    receiver: Receiver,
    outcome: Outcome,
) -> None:
    """Every acknowledged video exists, is completed and was published once; nothing else exists."""
    wait_for(lambda: studio.num_open() == 0, "all videos to end")
    _check_rows(studio, [each for some in receipts.values() for each in some], outcome)
    _check_events(studio, receiver, outcome)
    for name, some in receipts.items():
        for receipt in some:
            _check_file(studio, clients[name], receipt.video_id, outcome)
    _check_leftovers(studio, outcome)


def _check_rows(studio: StudioUnderTest, receipts: Sequence[Receipt], outcome: Outcome) -> None:
    rows = studio.videos()
    by_key = {row["idempotency_key"]: row for row in rows}
    if len(rows) != len(receipts):
        outcome.problems.append(f"{len(rows)} rows for {len(receipts)} acknowledged videos")
    for receipt in receipts:
        row = by_key.get(receipt.idempotency_key)
        if row is None or row["id"] != receipt.video_id:
            outcome.problems.append(f"{receipt.video_id} was acknowledged and has no row")
        elif row["status"] != "completed":
            outcome.problems.append(f"{row['id']} is {row['status']} ({row['error_code']})")
    completed = [row for row in rows if row["status"] == "completed"]
    outcome.figures |= {
        "videos": len(rows),
        "completed": len(completed),
        "attempts": sum(row["attempt"] for row in rows),
        "most_attempts": max((row["attempt"] for row in rows), default=0),
    }


def _check_events(studio: StudioUnderTest, receiver: Receiver, outcome: Outcome) -> None:
    """Count events by video and webhook-id, as a receiver would."""
    expected = {row["id"] for row in studio.videos()}

    def told() -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for headers, body in list(receiver.received):
            event = json.loads(body)
            if event["type"] == "video.completed":
                found[event["data"]["id"]][headers["webhook-id"]] += 1
        return found

    _settled(lambda: expected <= told().keys())
    for video_id in expected | told().keys():
        count = len(told().get(video_id, {}))
        if count != 1 or video_id not in expected:
            outcome.problems.append(f"{video_id} was published by {count} distinct events")
    outcome.figures["events"] = sum(len(ids) for ids in told().values())
    outcome.figures["events_sent_again"] = sum(
        number - 1 for ids in told().values() for number in ids.values()
    )


def _check_file(
    studio: StudioUnderTest, client: PatientClient, video_id: str, outcome: Outcome
) -> None:
    """The row names files of one attempt, its own, and the API hands out a clip that can be read."""
    row = studio.rows(f"SELECT attempt, files FROM videos WHERE id = '{video_id}'")[0]
    folders = {key.rpartition("/")[0] for key in (row["files"] or {}).values()}
    if folders != {f"videos/{video_id}/{row['attempt']}"}:
        outcome.problems.append(f"{video_id} refers to files in {sorted(folders)}")
        return
    path = studio.folder / f"{video_id}.mp4"
    try:
        path.write_bytes(client.content(video_id))
        probe(path)
    except (Broken, EngineError) as error:
        outcome.problems.append(f"{video_id} cannot be downloaded: {error}")
    else:
        outcome.figures["downloaded"] = outcome.figures.get("downloaded", 0) + 1


def _check_leftovers(studio: StudioUnderTest, outcome: Outcome) -> None:
    """No job may wait for what is done; folders of dead attempts are only counted."""
    query = "SELECT id FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"
    if not _settled(lambda: not studio.rows(query)):
        outcome.problems.append(f"{len(studio.rows(query))} jobs are left")
    referenced = {f"{row['id']}/{row['attempt']}" for row in studio.videos()}
    found = {
        f"{path.parent.name}/{path.name}" for path in (studio.folder / "files/videos").glob("*/*")
    }
    lines = studio.log_lines()
    outcome.figures |= {
        "folders_of_dead_attempts": len(found - referenced),
        "temporary_folders_left": len(list((studio.folder / "tmp").glob("unstrung-*"))),
        "errors_logged": sum(line.level in ("error", "critical") for line in lines),
    }


def _settled(is_so: Callable[[], bool]) -> bool:
    """Wait for something that should come soon, and say whether it did."""
    try:
        return wait_for(is_so, "", _SETTLE_S)
    except Broken:
        return False


def keep_logs(studio: StudioUnderTest, folder: Path, name: str) -> None:
    """Copy what the processes said to where it outlives the experiment."""
    target = folder / name
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for path in (studio.folder / "logs").iterdir():
        (target / path.name).write_bytes(path.read_bytes())
