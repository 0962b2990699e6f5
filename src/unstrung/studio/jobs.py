"""The job engine: Procrastinate on the studio's own database.

A job is enqueued in the transaction that writes its row, so the two cannot disagree. What a job does is
registered by the worker; whoever enqueues needs only its name.
"""

from typing import Any, Final

import procrastinate
from sqlalchemy.orm import Session

from unstrung.studio.database import raw_connection

VIDEOS: Final = "videos"
WEBHOOKS: Final = "webhooks"
MAKE_VIDEO: Final = "video.make"
DELIVER_WEBHOOK: Final = "webhook.deliver"


class JobQueue:
    """Enqueues and cancels jobs inside somebody's transaction."""

    def __init__(self) -> None:
        """Make the side of Procrastinate that only ever uses a connection it is lent."""
        self._app = procrastinate.App(connector=procrastinate.SyncPsycopgConnector())

    def enqueue(
        self,
        session: Session,
        task: str,
        queue: str,
        arguments: dict[str, Any],
        priority: int = 0,
        lock: str | None = None,
    ) -> int:
        """Add a job to the transaction of a session, and return its number.

        Args:
            session: whose transaction the job belongs to.
            task, queue: names of the task and of the queue.
            arguments: of the task; plain JSON values.
            priority: greater goes first.
            lock: of the jobs with the same lock, one runs at a time.
        """
        deferrer = self._app.configure_task(
            task,
            allow_unknown=True,
            queue=queue,
            priority=priority,
            lock=lock,
            connection=raw_connection(session),
        )
        return deferrer.defer(**arguments)

    def cancel(self, session: Session, job_id: int) -> bool:
        """Take back a job that has not begun; whether it could be."""
        return self._app.job_manager.cancel_job_by_id(
            job_id, delete_job=True, connection=raw_connection(session)
        )


def schema_sql() -> str:
    """Procrastinate's tables and functions, for the first migration."""
    return procrastinate.schema.SchemaManager.get_schema()
