"""What the studio's work costs as its tables grow, for `load.py`: at 100 to 100,000 videos.

Routes are called as functions in transactions of their own: HTTP would hide what the database does.
Connections are kept from the smallest table to the largest, as those of a long-lived process are: a plan that
was good for a small table has to be given up in time.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import psycopg
from load_studio import Person, Studio, median
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from unstrung.studio.access import service as access
from unstrung.studio.access.service import Caller
from unstrung.studio.app import create_app
from unstrung.studio.dependencies import Body
from unstrung.studio.dependencies import Studio as Parts
from unstrung.studio.jobs import VIDEOS, WEBHOOKS
from unstrung.studio.queue import routes as queue_routes
from unstrung.studio.queue import service as queue
from unstrung.studio.settings import load_settings
from unstrung.studio.videos import routes
from unstrung.studio.videos.models import Status
from unstrung.studio.videos.schemas import ListVideos

SIZES = (100, 1_000, 10_000, 100_000)
# psycopg prepares a statement at its sixth run, PostgreSQL settles on a plan five later.
_UNTIMED = 12
_OWN = 30
_BUSY = 16
_BODY = {"prompt": "a fox walks across a meadow", "seconds": "4", "size": "1280x720"}
_FETCH = "SELECT id FROM procrastinate_fetch_job_v2(%s::varchar[], %s)"
# As procrastinate.manager.JobManager.get_stalled_jobs asks it.
_STALLED = """
    WITH stalled_workers AS (
        SELECT id FROM procrastinate_workers WHERE last_heartbeat < now() - interval '10 s'
    )
    SELECT job.id FROM procrastinate_jobs job LEFT JOIN stalled_workers sw ON sw.id = job.worker_id
    WHERE job.status = 'doing' AND job.queue_name = 'webhooks'
    AND (job.worker_id IS NULL OR sw.id IS NOT NULL)
"""


@dataclass(frozen=True)
class Case:
    """One way in which the table grows.

    Attributes:
        name: for people.
        status: of most videos.
        num_people: to whom they belong.
    """

    name: str
    status: Status
    num_people: int


# A person may have 200 open videos, so 100,000 need 500 people.
CASES = (
    Case("completed videos of one person", Status.COMPLETED, 1),
    Case("completed videos of 100 people", Status.COMPLETED, 100),
    Case("queued videos of 500 people", Status.QUEUED, 500),
)


@dataclass(frozen=True)
class Bench:
    """What the work is done with, connected once.

    Attributes:
        parts: of an API process.
        connection: of a worker.
        worker: its number in Procrastinate.
        num_calls: that are timed.
    """

    parts: Parts
    connection: psycopg.Connection[Any]
    worker: int
    num_calls: int

    def time_ms(self, work: Callable[[], object]) -> float:
        """Median time of a piece of work [ms]."""
        for _ in range(_UNTIMED):
            work()
        times = []
        for _ in range(self.num_calls):
            began = time.perf_counter()
            work()
            times.append(1_000 * (time.perf_counter() - began))
        return median(times)

    def fetch(self, queue_name: str, is_kept: bool = False) -> None:
        """Take the next job, and give it back unless it is to be kept."""
        self.connection.execute(_FETCH, ([queue_name], self.worker))
        if is_kept:
            self.connection.commit()
        else:
            self.connection.rollback()


def measure_growth(
    studio: Studio, people: Sequence[Person], sizes: Sequence[int], num_calls: int
) -> dict[str, dict[str, list[float]]]:
    """Times [ms] by case and kind of work, one for each size.

    The last person is a newcomer, with the same few videos in all cases: the newer ones wait.
    """
    found: dict[str, dict[str, list[float]]] = {}
    newcomer = people[-1]
    with _connected(studio, num_calls) as bench:
        for case in CASES:
            owners = [person.id for person in people[: case.num_people]]
            reader = people[0] if case.num_people == 1 else newcomer
            lines = found.setdefault(case.name, {})
            studio.forget_videos()
            studio.add_videos([newcomer.id], Status.QUEUED, 0, _OWN - 1)
            studio.add_videos([newcomer.id], Status.COMPLETED, _OWN, 2 * _OWN - 1)
            reached = 2 * _OWN
            for size in sizes:
                studio.add_videos(owners, case.status, reached, size - 1)
                reached = size
                for name, work in _work(bench, reader, newcomer).items():
                    lines.setdefault(name, []).append(bench.time_ms(work))
                _forget_created(bench)
                for _ in range(_BUSY):
                    bench.fetch(VIDEOS, is_kept=True)
                name = f"worker: fetch a video while {_BUSY} are made"
                lines.setdefault(name, []).append(bench.time_ms(lambda: bench.fetch(VIDEOS)))
                bench.connection.execute(
                    "UPDATE procrastinate_jobs SET status = 'todo', worker_id = NULL WHERE status = 'doing'"
                )
                bench.connection.commit()
    return found


def _work(bench: Bench, owner: Person, newcomer: Person) -> dict[str, Callable[[], object]]:
    """Every kind of work by name."""
    parts, connection = bench.parts, bench.connection
    reader, author = _caller(parts, owner), _caller(parts, newcomer)
    deep = connection.execute(
        "SELECT id FROM videos WHERE person_id = %s ORDER BY id DESC "
        "OFFSET (SELECT 9 * count(*) / 10 FROM videos WHERE person_id = %s) LIMIT 1",
        (owner.id, owner.id),
    ).fetchone()
    last = connection.execute(
        "SELECT id FROM videos WHERE status = 'queued' AND person_id = %s "
        "ORDER BY queue_start DESC, id DESC LIMIT 1",
        (newcomer.id,),
    ).fetchone()
    connection.rollback()
    assert deep is not None
    assert last is not None
    request = Request({"type": "http", "method": "POST", "path": "/v1/videos", "headers": []})
    first_page, deep_page = ListVideos(after=None), ListVideos(after=deep[0])
    silent_s = parts.settings.stalled_after_s

    def create(session: Session) -> object:
        body = Body(dict(_BODY), is_form=False)
        return routes.create_video(routes.Asking(request, Response(), parts, author, body, session))

    transacted: dict[str, Callable[[Session], object]] = {
        "list, first page of 20": lambda s: routes.list_videos(parts, reader, s, first_page),
        "list, a page behind nine tenths": lambda s: routes.list_videos(
            parts, reader, s, deep_page
        ),
        "retrieve a video that waits": lambda s: routes.get_video(
            Response(), parts, author, s, last[0]
        ),
        "create": create,
        "GET /v1/queue": lambda s: queue_routes.get_queue(parts, reader, s),
        "worker: look for silent workers' videos": lambda s: queue.rescue(s, parts.jobs, silent_s),
    }

    def within(work: Callable[[Session], object]) -> object:
        with parts.database.transaction() as session:
            return work(session)

    return {
        **{name: partial(within, work) for name, work in transacted.items()},
        "worker: look for silent workers' deliveries": lambda: connection.execute(
            _STALLED
        ).fetchall(),
        "worker: fetch a video": lambda: bench.fetch(VIDEOS),
        "worker: fetch a webhook, there is none": lambda: bench.fetch(WEBHOOKS),
    }


def _caller(parts: Parts, person: Person) -> Caller:
    with parts.database.transaction() as session:
        return access.recognise(session, person.key)


def _forget_created(bench: Bench) -> None:
    """Take away what `create` made, which was asked for later than everything else."""
    bench.connection.execute(
        "WITH gone AS (DELETE FROM videos WHERE started_at IS NULL AND total_steps > 0 "
        "AND fingerprint <> sha256(id::bytea) RETURNING job_id) "
        "DELETE FROM procrastinate_jobs USING gone WHERE id = gone.job_id"
    )
    bench.connection.commit()


@contextmanager
def _connected(studio: Studio, num_calls: int) -> Iterator[Bench]:
    settings = load_settings({"database_url": studio.url, "studio_data": studio.folder})
    parts: Parts = create_app(settings).state.studio
    with psycopg.connect(studio.url) as connection:
        row = connection.execute(
            "INSERT INTO procrastinate_workers DEFAULT VALUES RETURNING id"
        ).fetchone()
        connection.commit()
        assert row is not None
        yield Bench(parts, connection, row[0], num_calls)
    parts.database.close()
