"""A worker: makes videos and delivers webhooks from the queue, and looks after the jobs of dead workers."""

import asyncio
import contextlib
import logging
import signal
import threading
from datetime import datetime
from typing import Any, Final

import procrastinate
import psycopg
from procrastinate import jobs as procrastinate_jobs

from unstrung.studio.catalogue import service as catalogue
from unstrung.studio.database import Database
from unstrung.studio.errors import ServiceFault
from unstrung.studio.generator import Generator
from unstrung.studio.identity import new_id
from unstrung.studio.jobs import DELIVER_WEBHOOK, MAKE_VIDEO, VIDEOS, WEBHOOKS, JobQueue
from unstrung.studio.making import Stopping, Workshop, make_video
from unstrung.studio.metrics import WorkerMetrics
from unstrung.studio.queue import service as queue
from unstrung.studio.settings import Settings
from unstrung.studio.storage import Storage, StorageUnavailable
from unstrung.studio.webhooks.service import DeliveryRetries, deliver

_DELIVERIES_AT_ONCE: Final = 4
_RECONNECT_S: Final = 1.0
_TRY_AGAIN_S: Final = 2
_log = logging.getLogger(__name__)


class _Again(procrastinate.BaseRetryStrategy):
    """A video whose worker stops, or whose database or storage is away, is tried again."""

    def get_retry_decision(
        self,
        *,
        exception: BaseException,
        job: procrastinate_jobs.Job,  # noqa: ARG002 - Procrastinate's signature
    ) -> procrastinate.RetryDecision | None:
        if isinstance(exception, Stopping):
            return procrastinate.RetryDecision(retry_in={"seconds": 0})
        if isinstance(exception, ServiceFault | StorageUnavailable):
            return procrastinate.RetryDecision(retry_in={"seconds": _TRY_AGAIN_S})
        return None


def run_worker(settings: Settings, generator: Generator) -> None:
    """Work until told to stop by SIGTERM or SIGINT; running videos are handed back then.

    Raises:
        ServiceFault: if the database cannot be reached at the start.
    """
    database = Database(settings.database_url, settings.database_pool)
    workshop = Workshop(
        settings,
        database,
        Storage.open(settings.files_url),
        JobQueue(),
        generator,
        WorkerMetrics(),
        threading.Event(),
    )
    worker_id, description = new_id("worker"), generator.describe()
    try:
        with database.transaction() as session:
            catalogue.offer(session, description)
            catalogue.sign_in(session, worker_id, description.name)
        asyncio.run(_work(workshop, worker_id))
        with database.transaction() as session:
            catalogue.sign_out(session, worker_id)
    finally:
        database.close()


def job_app(workshop: Workshop) -> procrastinate.App:
    """Procrastinate with what our jobs do."""
    connector = procrastinate.PsycopgConnector(conninfo=workshop.settings.database_url, max_size=6)
    app = procrastinate.App(connector=connector)

    @app.task(name=MAKE_VIDEO, queue=VIDEOS, retry=_Again())
    def make(video_id: str) -> None:
        make_video(workshop, video_id)

    @app.task(name=DELIVER_WEBHOOK, queue=WEBHOOKS, retry=DeliveryRetries(), pass_context=True)
    def send(context: procrastinate.JobContext, delivery_id: str) -> None:
        deliver(workshop.database, workshop.settings, delivery_id, context.job.attempts)

    return app


async def _work(workshop: Workshop, worker_id: str) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stopped() -> None:
        workshop.stopping.set()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped)
    while not stop.is_set():
        try:
            await _serve_queues(workshop, worker_id, stop)
        except (psycopg.Error, procrastinate.exceptions.ConnectorException, OSError) as error:
            _log.warning("The database went away and is called again: %s", error)
        if not stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _RECONNECT_S)


async def _serve_queues(workshop: Workshop, worker_id: str, stop: asyncio.Event) -> None:
    """Fetch and run jobs until told to stop or until the database is lost."""
    settings = workshop.settings
    app = job_app(workshop)
    common: dict[str, Any] = {
        "install_signal_handlers": False,
        "update_heartbeat_interval": settings.heartbeat_s,
        "stalled_worker_timeout": settings.stalled_after_s,
        # Done is done: the row of the video tells the story, and the job table does not grow.
        "delete_jobs": "successful",
    }
    async with app.open_async():
        tasks = [
            asyncio.create_task(
                app.run_worker_async(queues=[VIDEOS], name="videos", concurrency=1, **common)
            ),
            asyncio.create_task(
                app.run_worker_async(
                    queues=[WEBHOOKS], name="webhooks", concurrency=_DELIVERIES_AT_ONCE, **common
                )
            ),
            asyncio.create_task(_look_after(app, workshop, worker_id)),
        ]
        stopping = asyncio.create_task(stop.wait())
        done, _ = await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
        for task in (*tasks, stopping):
            task.cancel()
        await asyncio.gather(*tasks, stopping, return_exceptions=True)
        for task in done:
            if task is not stopping and task.exception() is not None:
                raise task.exception() or RuntimeError


async def _look_after(app: procrastinate.App, workshop: Workshop, worker_id: str) -> None:
    """Give jobs of silent workers to others, again and again."""
    settings = workshop.settings
    while True:
        await asyncio.sleep(settings.heartbeat_s)
        stalled = await app.job_manager.get_stalled_jobs(
            seconds_since_heartbeat=settings.stalled_after_s
        )
        for job in stalled:
            with contextlib.suppress(procrastinate.exceptions.ConnectorException):
                # Another worker may have been quicker.
                await app.job_manager.retry_job(job, retry_at=datetime.now().astimezone())
                _log.warning("Job %s of a silent worker is given to another.", job.id)
        rescued = await asyncio.to_thread(_rescue, workshop, worker_id)
        if rescued:
            _log.error("Videos without a job were enqueued again: %s", ", ".join(rescued))


def _rescue(workshop: Workshop, worker_id: str) -> list[str]:
    try:
        with workshop.database.transaction() as session:
            catalogue.sign_in(session, worker_id, workshop.generator.describe().name)
            return queue.rescue(session, workshop.jobs)
    except ServiceFault:
        return []
