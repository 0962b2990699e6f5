"""A studio for `load.py` to measure: a private database, the real API, a worker that draws at once, and rows.

Rows go in by SQL, hundreds of thousands in seconds, and look like those that the API and a worker leave.
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import httpx
import psycopg

from unstrung.engine.description import ModelDescription
from unstrung.engine.presets import MINI
from unstrung.studio.access import service as access
from unstrung.studio.accounts import service as accounts
from unstrung.studio.catalogue import service as catalogue
from unstrung.studio.database import Database, migrate, now
from unstrung.studio.embedded import EmbeddedPostgres
from unstrung.studio.jobs import MAKE_VIDEO, VIDEOS
from unstrung.studio.videos.models import Status

START_S = 60.0
_API = (sys.executable, "-m", "unstrung.cli", "api")
_WORKER = (sys.executable, str(Path(__file__).with_name("load_worker.py")))
_RESULT = {
    "native_size": "224x128", "fps": 12, "num_frames": 49, "duration_seconds": 4.083,
    "notes": ["Drawn at 224x128 and scaled to 1280x720."],
    "timings_s": {"load": 0.0, "text": 0.004, "denoise": 0.41, "decode": 0.06, "write": 0.9},
}  # fmt: skip
_RECIPE = {
    "prompt": "a fox walks across a meadow", "caption": "A fox walks across a meadow.", "unplaced": [],
    "seed": 7, "model": "mini", "num_steps": 12, "guidance_scale": 1.5, "frame_rate": 12,
}  # fmt: skip
# A video a minute, higher numbers further back, so that nobody's day is over its quota.
_VIDEOS = """
    INSERT INTO videos (
        id, person_id, kind, model, resolved_model, prompt, size, seconds, verbatim, characters,
        status, phase, progress, step, total_steps, attempt, handed_back, revision, job_id,
        queue_start, queue_cost, created_at, started_at, completed_at, recipe, result, files, fingerprint
    )
    SELECT
        id, people[1 + n %% cardinality(people)], 'create', 'sora-2', 'mini', 'a fox walks across a meadow',
        '1280x720', '4', false, '[]', %(status)s, CASE WHEN is_done THEN 'done' ELSE 'queued' END,
        CASE WHEN is_done THEN 100 ELSE 0 END, CASE WHEN is_done THEN 12 ELSE 0 END, 12,
        is_done::int, 0, CASE WHEN is_done THEN 9 ELSE 1 END, NULL, 40 * (n / cardinality(people)), 40, at,
        CASE WHEN is_done THEN at + interval '1 s' END, CASE WHEN is_done THEN at + interval '3 s' END,
        CASE WHEN is_done THEN %(recipe)s::jsonb END, CASE WHEN is_done THEN %(result)s::jsonb END,
        CASE WHEN is_done THEN jsonb_build_object(
            'video', 'videos/' || id || '/1/video.mp4', 'thumbnail', 'videos/' || id || '/1/thumbnail.webp',
            'spritesheet', 'videos/' || id || '/1/spritesheet.jpg') END,
        sha256(id::bytea)
    FROM (
        SELECT n, at, %(people)s::text[] AS people, %(status)s = 'completed' AS is_done,
            'video_' || lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0')
                || substr(md5(n::text || %(status)s), 1, 20) AS id
        FROM (
            SELECT n, %(newest)s::timestamptz - n * interval '1 minute' AS at
            FROM generate_series(%(first)s::int, %(last)s::int) AS n
        ) AS times
    ) AS rows
"""
_JOBS = """
    WITH made AS (
        INSERT INTO procrastinate_jobs (queue_name, task_name, priority, lock, args)
        SELECT %(queue)s, %(task)s, -queue_start, person_id || '/' || (queue_start / 40) %% 2,
            jsonb_build_object('video_id', id)
        FROM videos WHERE status = 'queued' AND job_id IS NULL ORDER BY queue_start, id
        RETURNING id, args->>'video_id' AS video_id
    )
    UPDATE videos SET job_id = made.id FROM made WHERE videos.id = made.video_id
"""


@dataclass(frozen=True)
class Person:
    """Somebody with a key."""

    id: str
    key: str


@dataclass
class Studio:
    """A database, and the processes that run on it.

    Attributes:
        url, folder: of the database, and of everything that is written.
        environment: what processes are told.
        newest: when video number 0 was asked for.
        stack: ends the processes.
    """

    url: str
    folder: Path
    environment: dict[str, str]
    newest: datetime = field(default_factory=now)
    stack: ExitStack = field(default_factory=ExitStack)

    @classmethod
    @contextmanager
    def started(cls, folder: Path) -> Iterator[Self]:
        """A migrated database in a folder; everything ends with the block."""
        postgres = EmbeddedPostgres(folder / "postgres")
        url = postgres.start()
        try:
            migrate(url)
            environment = {
                **os.environ,
                "DATABASE_URL": url,
                "UNSTRUNG_DATABASE_URL": url,
                "UNSTRUNG_STUDIO_DATA": str(folder),
                "UNSTRUNG_LOG_FORMAT": "json",
            }
            studio = cls(url, folder, environment)
            with studio.stack:
                yield studio
        finally:
            postgres.stop()

    def start_api(self) -> tuple["Process", int, float]:
        """The API as `unstrung api` starts it, its port, and the seconds to its first answer."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        began = time.perf_counter()
        process = self._start("api", (*_API, "--port", str(port)))
        while time.perf_counter() - began < START_S:
            try:
                if httpx.get(f"http://127.0.0.1:{port}/healthz").is_success:
                    return process, port, time.perf_counter() - began
            except httpx.TransportError:
                time.sleep(0.005)
        raise SystemExit(f"the API did not answer within {START_S:g} s; see {self.folder}")

    def start_worker(self, clocks: Path) -> "Process":
        """A worker that draws at once; when it ends, it writes its clocks."""
        return self._start("worker", (*_WORKER, str(clocks)))

    def add_people(self, num_people: int) -> list[Person]:
        """People, each with a key."""
        database, people = Database(self.url), []
        with database.transaction() as session:
            for index in range(num_people):
                person = accounts.create_person(session, f"Person {index}")
                people.append(Person(person.id, access.create_key(session, person, "load")[1]))
        database.close()
        return people

    def offer_model(self) -> None:
        """Let the model be known, with a worker that is alive for an hour, although none runs."""
        database = Database(self.url)
        with database.transaction() as session:
            catalogue.offer(session, ModelDescription.of_preset(MINI))
            catalogue.sign_in(session, "worker_of_load", MINI.name)
        database.close()
        with psycopg.connect(self.url) as connection:
            connection.execute("UPDATE workers SET seen_at = now() + interval '1 hour'")

    def add_videos(self, people: Sequence[str], status: Status, first: int, last: int) -> None:
        """Videos number `first` to `last`, dealt out to people in turn; queued ones with their jobs."""
        values = {
            "people": list(people), "status": str(status), "first": first, "last": last,
            "newest": self.newest, "recipe": json.dumps(_RECIPE), "result": json.dumps(_RESULT),
        }  # fmt: skip
        with psycopg.connect(self.url, autocommit=True) as connection:
            # No triggers and no checks of foreign keys: they would tell workers of every single row.
            connection.execute("SET session_replication_role = replica")
            connection.execute(_VIDEOS, values)
            if status == Status.QUEUED:
                connection.execute(_JOBS, {"queue": VIDEOS, "task": MAKE_VIDEO})
            # As autovacuum does within a minute of such an insert.
            connection.execute("VACUUM (ANALYZE) videos, procrastinate_jobs")

    def forget_videos(self) -> None:
        """An empty table again."""
        with psycopg.connect(self.url) as connection:
            connection.execute("TRUNCATE videos, procrastinate_jobs, procrastinate_events CASCADE")
            connection.execute("UPDATE queue SET virtual_time = 0")

    def _start(self, name: str, command: Sequence[str]) -> "Process":
        log = self.stack.enter_context((self.folder / f"{name}.log").open("ab"))
        process = Process(
            subprocess.Popen(
                command, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        )
        self.stack.callback(process.stop)
        return process


@dataclass(frozen=True)
class Process:
    """A part of the studio in a process of its own."""

    popen: subprocess.Popen[bytes]

    def memory_mb(self) -> dict[str, float]:
        """Resident set, and the share of it that is counted for this process alone [MB]."""
        lines = Path(f"/proc/{self.popen.pid}/smaps_rollup").read_text().splitlines()
        found = {line.split(":")[0]: line.split()[1] for line in lines[1:]}
        return {name: int(found[name]) * 1024 / 1e6 for name in ("Rss", "Pss")}

    def processor_s(self) -> float:
        """Seconds of processor time that it has used."""
        fields = Path(f"/proc/{self.popen.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        """End it as its supervisor would."""
        if self.popen.poll() is None:
            self.popen.terminate()
            self.popen.wait()


def median(values: Sequence[float]) -> float:
    """The middle one; not a number if there is none."""
    return statistics.median(values) if values else float("nan")


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that so many percent do not exceed; not a number if there is none."""
    ordered = sorted(values)
    return (
        ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]
        if ordered
        else float("nan")
    )


def markdown(rows: Sequence[Sequence[Any]]) -> str:
    """A table; the first row is its head."""
    head, *body = [[str(cell) for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *body])
