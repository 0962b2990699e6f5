"""The studio under load: latency, the queue's own cost, memory, and what grows with the tables.

`python runs/load.py` starts a private database, the real API and a worker that draws at once, measures them
on this machine, and prints tables. Run it on an idle machine: clients, API and database share its cores, and
a busy one makes every figure worse. `--quick` only checks that every part runs.
"""

import argparse
import datetime
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import httpx
import psycopg
from load_clients import Plan, run_clients
from load_growth import CASES, SIZES, measure_growth
from load_studio import Person, Studio, markdown, median, percentile

from unstrung import __version__
from unstrung.engine.precision import describe_processor
from unstrung.studio.videos.models import Status

NUM_PEOPLE = 300
_PAST_VIDEOS = 39  # of each person, beside the one that waits
_WAIT_S = 300.0
OPERATIONS = ("retrieve", "list", "create")
PARTS = ("start", "requests", "queue", "growth")


@dataclass(frozen=True)
class Effort:
    """How long to measure.

    Attributes:
        seconds: of requests of one kind.
        num_starts: of the API.
        num_videos: in the full queue of one worker, and one after another, by size.
        sizes: of tables.
        num_calls: of each kind of work at each size.
    """

    seconds: float = 6.0
    num_starts: int = 3
    num_videos: tuple[tuple[str, int], ...] = (("224x128", 20), ("1280x720", 3))
    sizes: tuple[int, ...] = SIZES
    num_calls: int = 31


QUICK = Effort(1.0, 1, (("224x128", 2),), SIZES[:2], 3)


def start_times(studio: Studio, effort: Effort) -> dict[str, Any]:
    """Seconds from spawning an API process to its first answer."""
    seconds = []
    for _ in range(effort.num_starts):
        process, _, took_s = studio.start_api()
        seconds.append(took_s)
        process.stop()
    return {"start_s": median(seconds)}


def requests(studio: Studio, people: Sequence[Person], effort: Effort) -> dict[str, Any]:
    """Every operation by one client, by one while 300 people poll, and by 300; memory before and after."""
    ids = [person.id for person in people]
    studio.add_videos(ids, Status.QUEUED, 0, len(ids) - 1)
    studio.add_videos(ids, Status.COMPLETED, len(ids), len(ids) * (1 + _PAST_VIDEOS) - 1)
    with psycopg.connect(studio.url) as connection:
        rows = connection.execute(
            "SELECT person_id, id FROM videos WHERE status = 'queued'"
        ).fetchall()
    waiting = dict(rows)
    polled = [(person.key, waiting[person.id]) for person in people]
    api, port, _ = studio.start_api()
    time.sleep(1)
    found: dict[str, Any] = {"idle_mb": api.memory_mb(), "lines": []}
    for operation in OPERATIONS:
        for num_clients, num_polling in ((1, 0), (1, NUM_PEOPLE), (NUM_PEOPLE, 0)):
            plan = Plan(port, polled, operation, num_clients, num_polling, effort.seconds)
            before_s = api.processor_s()
            seen = run_clients(plan)
            spent_s = api.processor_s() - before_s
            num_answers = len(seen.operation_s) + len(seen.poll_s)
            found["lines"].append(
                {
                    "operation": operation, "clients": num_clients, "polling": num_polling,
                    "rate": len(seen.operation_s) / seen.seconds,
                    "p50_ms": 1000 * median(seen.operation_s),
                    "p99_ms": 1000 * percentile(seen.operation_s, 99),
                    "poll_rate": len(seen.poll_s) / seen.seconds,
                    "poll_p50_ms": 1000 * median(seen.poll_s),
                    "poll_p99_ms": 1000 * percentile(seen.poll_s, 99),
                    "processor_ms": 1000 * spent_s / max(1, num_answers),
                    "failures": seen.failures,
                }
            )  # fmt: skip
    found["loaded_mb"] = api.memory_mb()
    api.stop()
    return found


def queue_costs(studio: Studio, people: Sequence[Person], effort: Effort) -> dict[str, Any]:
    """What a video costs beside drawing and encoding, from a full queue and one at a time."""
    api, port, _ = studio.start_api()
    clocks = studio.folder / "clocks.json"
    found: dict[str, Any] = {}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}/v1", timeout=60) as client:
        for size, num_videos in effort.num_videos:
            ids = [_create(client, person, size) for person in people[:num_videos]]
            worker = studio.start_worker(clocks)
            full = _when_completed(studio, ids)
            memory = worker.memory_mb()
            single: list[tuple[float, float, float]] = []
            for person in people[:num_videos]:
                single += _when_completed(studio, [_create(client, person, size)])
            worker.stop()
            spent: dict[str, list[float]] = json.loads(clocks.read_text())
            drain_s = max(end for _, _, end in full) - min(start for _, start, _ in full)
            whole_s = mean([end - asked for asked, _, end in single])
            encoding_s = [sum(times) for times in zip(*spent.values(), strict=True)]
            found[size] = {
                "rate": len(full) / drain_s,
                "full_encoding_s": mean(encoding_s[:num_videos]),
                "full_own_s": drain_s / len(full) - mean(encoding_s[:num_videos]),
                "whole_s": whole_s,
                "pick_up_s": mean([start - asked for asked, start, _ in single]),
                "own_s": whole_s - mean(encoding_s[num_videos:]),
                "encoding_s": {name: mean(times) for name, times in spent.items()},
                "loaded_mb": memory,
            }
        worker = studio.start_worker(clocks)
        time.sleep(5)
        found["idle_mb"] = worker.memory_mb()
        worker.stop()
    api.stop()
    return found


def _create(client: httpx.Client, person: Person, size: str) -> str:
    body = {"prompt": "a fox walks across a meadow", "seconds": "4", "size": size}
    answer = client.post("/videos", json=body, headers={"authorization": f"Bearer {person.key}"})
    answer.raise_for_status()
    video_id: str = answer.json()["id"]
    return video_id


def _when_completed(studio: Studio, ids: Sequence[str]) -> list[tuple[float, float, float]]:
    """Wait for videos; when each was asked for, begun and completed [s]."""
    deadline = time.monotonic() + _WAIT_S
    query = (
        "SELECT extract(epoch FROM created_at)::float8, extract(epoch FROM started_at)::float8, "
        "extract(epoch FROM completed_at)::float8 FROM videos WHERE id = ANY(%s) AND status = 'completed'"
    )
    with psycopg.connect(studio.url, autocommit=True) as connection:
        while time.monotonic() < deadline:
            rows = connection.execute(query, (list(ids),)).fetchall()
            if len(rows) == len(ids):
                return [(asked, start, end) for asked, start, end in rows]
            time.sleep(0.05)
    raise SystemExit(
        f"{len(ids)} videos were not completed within {_WAIT_S:g} s; see {studio.folder}"
    )


def request_rows(found: dict[str, Any]) -> list[list[str]]:
    """The table of requests; ratios are to the same operation by one client."""
    rows = [
        [
            "operation",
            "who",
            "a second",
            "p50",
            "p99",
            "p50 to one client's",
            "API's processor time",
        ]
    ]
    alone: dict[str, float] = {}
    for line in found["lines"]:
        base = alone.setdefault(line["operation"], line["p50_ms"])
        who = f"{line['clients']} client" + ("s" if line["clients"] > 1 else "")
        if line["polling"]:
            who += f" while {line['polling']} poll"
        rows.append(
            [
                line["operation"], who, f"{line['rate']:.3g}", f"{line['p50_ms']:.1f} ms",
                f"{line['p99_ms']:.1f} ms", f"{line['p50_ms'] / base:.1f} x",
                f"{line['processor_ms']:.1f} ms",
            ]
        )  # fmt: skip
        if line["polling"]:
            rows.append(
                [
                    "", "those who poll", f"{line['poll_rate']:.3g}", f"{line['poll_p50_ms']:.1f} ms",
                    f"{line['poll_p99_ms']:.1f} ms", f"{line['poll_p50_ms'] / alone['retrieve']:.1f} x", "",
                ]
            )  # fmt: skip
        if line["failures"]:
            rows.append(["", f"FAILED: {line['failures']}", "", "", "", "", ""])
    return rows


def queue_rows(found: dict[str, Any]) -> list[list[str]]:
    """The table of the queue's own cost."""
    sizes = _sizes_of(found)

    def row(name: str, told: Callable[[dict[str, Any]], str]) -> list[str]:
        return [name, *(told(found[size]) for size in sizes)]

    return [
        ["4 s of video, 49 frames", *sizes],
        row("videos a second of one worker, full queue", lambda one: f"{one['rate']:.2f}"),
        row("- encoding of each", lambda one: f"{1000 * one['full_encoding_s']:.0f} ms"),
        row("- everything else of each", lambda one: f"{1000 * one['full_own_s']:.0f} ms"),
        row("created to completed, empty queue", lambda one: f"{1000 * one['whole_s']:.0f} ms"),
        row("- until a worker begins", lambda one: f"{1000 * one['pick_up_s']:.0f} ms"),
        row("- all of it without encoding", lambda one: f"{1000 * one['own_s']:.0f} ms"),
        *(
            row(
                f"encoding: {what}",
                lambda one, name=name: f"{1000 * one['encoding_s'][name]:.0f} ms",
            )
            for name, what in (
                ("write_fitted", "mp4"),
                ("thumbnail", "webp"),
                ("spritesheet", "jpg"),
            )
        ),
    ]


def _sizes_of(found: dict[str, Any]) -> list[str]:
    return [name for name in found if "x" in name]


def memory_rows(found: dict[str, Any]) -> list[list[str]]:
    """The table of memory and start."""
    rows = [["process", "RSS", "PSS"]]

    def add(name: str, memory: dict[str, float]) -> None:
        rows.append([name, f"{memory['Rss']:.0f} MB", f"{memory['Pss']:.0f} MB"])

    if "requests" in found:
        add("API, idle", found["requests"]["idle_mb"])
        add("API, after the load", found["requests"]["loaded_mb"])
    if "queue" in found:
        add("worker without a model, idle", found["queue"]["idle_mb"])
        for size in _sizes_of(found["queue"]):
            add(f"worker without a model, after {size}", found["queue"][size]["loaded_mb"])
    return rows


def growth_rows(lines: dict[str, list[float]], sizes: Sequence[int]) -> list[list[str]]:
    """The table of one case."""
    rows = [["ms", *(f"{size:,}" for size in sizes), "largest to 1,000"]]
    for name, times in lines.items():
        ratio = times[-1] / times[sizes.index(1_000)]
        rows.append([name, *(f"{each:.2f}" for each in times), f"{ratio:.1f} x"])
    return rows


def page(found: dict[str, Any], effort: Effort, is_quick: bool) -> str:
    """Everything as Markdown."""
    processor = describe_processor()
    parts = [
        "# The studio under load",
        f"Written by `python runs/load.py` on {datetime.date.today().isoformat()}, version {__version__}.\n"
        f"Machine: {processor.name}, {processor.num_cores} cores, shared by clients, API, worker, database.\n"
        f"Load before the run: {found['load']:.1f} (a busy machine makes every figure worse).",
    ]
    if is_quick:
        parts.append("**Only a check that every part runs: these figures mean nothing.**")
    if "start" in found:
        parts.append(
            f"An API process answers {found['start']['start_s']:.2f} s after it was spawned."
        )
    if "requests" in found:
        parts += [
            "## Requests",
            f"{NUM_PEOPLE} people with {1 + _PAST_VIDEOS} videos each, one API process. A client sends again "
            "as soon as it has its answer, each\ntime as another person; who polls asks again a second after "
            "each answer. With 300 clients that never pause,\nlatency is 300 divided by the rate.",
            markdown(request_rows(found["requests"])),
        ]
    if "queue" in found:
        parts += [
            "## The queue's own cost",
            "The generator takes no time. Means of "
            + " and ".join(f"{number} videos of {size}" for size, number in effort.num_videos)
            + ".",
            markdown(queue_rows(found["queue"])),
        ]
    memory = memory_rows(found)
    if len(memory) > 1:
        parts += ["## Memory", markdown(memory)]
    if "growth" in found:
        parts += [
            "## Growth",
            "Times of routes and of a worker's statements without HTTP, medians. Counts stop at 1,000, so "
            "the ratio is to that\nsize. Lists are those of somebody with 60 videos, 30 of which wait; where "
            "one person has all, that person's.",
        ]
        for case in CASES:
            rows = growth_rows(found["growth"][case.name], effort.sizes)
            parts.append(f"### With {case.name}\n\n{markdown(rows)}")
    return "\n\n".join(parts) + "\n"


def measure(studio: Studio, effort: Effort, parts: Sequence[str]) -> dict[str, Any]:
    """Everything that is wanted, as plain values."""
    found: dict[str, Any] = {"load": os.getloadavg()[0]}
    people = studio.add_people(1 + max(case.num_people for case in CASES))
    studio.offer_model()
    if "start" in parts:
        found["start"] = start_times(studio, effort)
        _say("starts are timed")
    if "requests" in parts:
        found["requests"] = requests(studio, people[:NUM_PEOPLE], effort)
        _say("requests are timed")
    studio.forget_videos()
    if "queue" in parts:
        found["queue"] = queue_costs(studio, people, effort)
        _say("the queue is timed")
    if "growth" in parts:
        found["growth"] = measure_growth(studio, people, effort.sizes, effort.num_calls)
    return found


def _say(sentence: str) -> None:
    print(f"{time.process_time():.0f} s: {sentence}", flush=True)


def main() -> None:
    """Measure, print, and write the page if one is wanted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="the page, in Markdown")
    parser.add_argument("--only", choices=PARTS, action="append", help="a part; all if left out")
    parser.add_argument("--quick", action="store_true", help="to see that every part runs")
    args = parser.parse_args()
    effort = QUICK if args.quick else Effort()
    folder = Path(tempfile.mkdtemp(prefix="unstrung-load-"))
    with Studio.started(folder) as studio:
        found = measure(studio, effort, args.only or PARTS)
    if not os.environ.get("KEEP"):
        shutil.rmtree(folder)  # kept when something failed, for its logs
    text = page(found, effort, args.quick)
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(text, "utf-8")
    print(text)


if __name__ == "__main__":
    main()
