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
from procrastinate.worker import Worker

from unstrung.studio.appeals import service as appeals
from unstrung.studio.catalogue import service as catalogue
from unstrung.studio.confidences import service as confidences
from unstrung.studio.database import Database
from unstrung.studio.errors import ServiceFault
from unstrung.studio.generator import Generator
from unstrung.studio.identity import new_id
from unstrung.studio.jobs import DELIVER_WEBHOOK, MAKE_VIDEO, VIDEOS, WEBHOOKS, JobQueue
from unstrung.studio.making import Stopping, Workshop, make_video
from unstrung.studio.metrics import WorkerMetrics
from unstrung.studio.pauses import service as pauses
from unstrung.studio.queue import service as queue
from unstrung.studio.settings import Settings
from unstrung.studio.shares import service as shares
from unstrung.studio.signals import service as signals
from unstrung.studio.storage import Storage, StorageUnavailable
from unstrung.studio.webhooks.service import DeliveryRetries, deliver

_DELIVERIES_AT_ONCE: Final = 4
_RECONNECT_S: Final = 1.0
_POLL_S: Final = 1.0
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
        # A job that is to be tried again is not announced, only found.
        "fetch_job_polling_interval": _POLL_S,
        # Done is done: the row of the video tells the story, and the job table does not grow.
        "delete_jobs": "successful",
    }
    async with app.open_async():
        workers = [
            Worker(app, [VIDEOS], "videos", 1, **common),
            Worker(app, [WEBHOOKS], "webhooks", _DELIVERIES_AT_ONCE, **common),
        ]
        # The method says nothing of types.
        runs = [worker.run() for worker in workers]  # type: ignore[no-untyped-call]
        tasks = [asyncio.create_task(run) for run in runs]
        tasks.append(asyncio.create_task(_look_after(app, workshop, worker_id)))
        stopping = asyncio.create_task(stop.wait())
        done, _ = await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
        for task in (*tasks, stopping):
            task.cancel()
        living = asyncio.create_task(_stay_alive(app, workers, settings.heartbeat_s))
        await asyncio.gather(*tasks, stopping, return_exceptions=True)
        living.cancel()
        await asyncio.gather(living, return_exceptions=True)
        for task in done:
            if task is not stopping and task.exception() is not None:
                raise task.exception() or RuntimeError


async def _stay_alive(app: procrastinate.App, workers: list[Worker], pause_s: float) -> None:
    """Give the signs of life that workers who end their last jobs do not give any more themselves.

    Without them, a video that is drawn to its end while the database is back would be begun by another.
    """
    while True:
        for worker in workers:
            if worker.worker_id is not None:
                with contextlib.suppress(procrastinate.exceptions.ConnectorException):
                    await app.job_manager.update_heartbeat(worker.worker_id)
        await asyncio.sleep(pause_s)


async def _look_after(app: procrastinate.App, workshop: Workshop, worker_id: str) -> None:
    """Give videos and deliveries of silent workers to others, again and again."""
    settings = workshop.settings
    while True:
        await asyncio.sleep(settings.heartbeat_s)
        rescued = await asyncio.to_thread(_rescue, workshop, worker_id)
        if rescued:
            _log.warning("Videos of silent workers are given to others: %s", ", ".join(rescued))
        stalled = await app.job_manager.get_stalled_jobs(
            queue=WEBHOOKS, seconds_since_heartbeat=settings.stalled_after_s
        )
        for job in stalled:
            with contextlib.suppress(procrastinate.exceptions.ConnectorException):
                # Another worker may have been quicker.
                await app.job_manager.retry_job(job, retry_at=datetime.now().astimezone())
                _log.warning("Delivery %s of a silent worker is given to another.", job.id)


def _rescue(workshop: Workshop, worker_id: str) -> list[str]:
    try:
        with workshop.database.transaction() as session:
            catalogue.sign_in(session, worker_id, workshop.generator.describe().name)
            pauses.lapse(session)
            confidences.lapse(session)
            shares.release_overdue(session)
            appeals.lapse(session)
            signals.forget_old(session)
            return queue.rescue(session, workshop.jobs, workshop.settings.stalled_after_s)
    except ServiceFault:
        return []
