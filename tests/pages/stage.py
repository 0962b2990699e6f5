"""A whole studio for tests and pictures of pages: database, API on a real port, a worker, and people.

Used by the browser tests and by `runs/screens.py`; no engine, so that clips take a moment.
"""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from studio.fakes import FakeGenerator
from unstrung.studio.access.models import Scope
from unstrung.studio.access.service import Caller
from unstrung.studio.accounts import service as accounts
from unstrung.studio.accounts.models import Role
from unstrung.studio.admission import service as admission
from unstrung.studio.admission.models import ProgrammeRole
from unstrung.studio.app import create_app
from unstrung.studio.applications import service as applications
from unstrung.studio.catalogue import service as catalogue
from unstrung.studio.charters import service as charters
from unstrung.studio.database import Database, migrate
from unstrung.studio.embedded import EmbeddedPostgres
from unstrung.studio.generator import Generator
from unstrung.studio.jobs import JobQueue
from unstrung.studio.logins import service as logins
from unstrung.studio.making import Workshop, make_video
from unstrung.studio.metrics import WorkerMetrics
from unstrung.studio.settings import Settings
from unstrung.studio.storage import Storage
from unstrung.studio.videos import service as videos
from unstrung.studio.videos.models import Kind, Status, Video
from unstrung.studio.videos.service import Retry, Wish


@dataclass
class Stage:
    """A running studio.

    Attributes:
        url: of its pages, by the name that passkeys know.
        settings, database, app, workshop: its parts.
        people: ids by name.
    """

    url: str
    settings: Settings
    database: Database
    app: FastAPI
    workshop: Workshop
    people: dict[str, str] = field(default_factory=dict)

    def add_person(self, name: str, role: Role = Role.MEMBER, *roles: ProgrammeRole) -> str:
        """Somebody with an account and roles in the programme."""
        with self.database.transaction() as session:
            person = accounts.create_person(session, name, role)
            for each in roles:
                admission.add_role(session, person.id, each, None)
            self.people[name] = person.id
            return person.id

    def link_for(self, name: str) -> str:
        """An address that signs somebody in once; its page has a button."""
        with self.database.transaction() as session:
            return logins.link_for(session, self.settings, self.people[name])

    def caller(self, name: str) -> Caller:
        """Somebody as services know who calls; with every scope, and fresh."""
        return Caller(self.people[name], "key_stage", False, frozenset(map(str, Scope)))

    def open_programme(self, steward: str, num_seats: int) -> None:
        """A cohort that takes applications, its criteria, and the charter in force."""
        by = self.caller(steward)
        with self.database.transaction() as session:
            cohort = admission.create_cohort(session, "First artists", num_seats, "To try it out.")
            applications.publish_criteria(
                session, by, cohort.id, "We look for work of your own.",
                {"own-work": "You show work of your own."}, {"tools": "What do you work with?"},
            )  # fmt: skip
            charters.publish(session, self.settings, by, "1.0", None)

    def make_clip(self, name: str, prompt: str, wish: Callable[[Wish], Wish] = lambda w: w) -> str:
        """A completed clip of somebody's."""
        with self.database.transaction() as session:
            model = catalogue.resolve(session, self.settings.default_model, {})
            video = videos.create_video(
                session, JobQueue(), self.settings, self.caller(name), model,
                wish(Wish(Kind.CREATE, prompt)), Retry(prompt.encode()),
            )  # fmt: skip
            video_id = video.id
        make_video(self.workshop, video_id)
        return video_id

    def add_waiting_clip(self, name: str, prompt: str) -> str:
        """A clip that waits, and that no worker takes until `work` is running."""
        with self.database.transaction() as session:
            model = catalogue.resolve(session, self.settings.default_model, {})
            return videos.create_video(
                session, JobQueue(), self.settings, self.caller(name), model,
                Wish(Kind.CREATE, prompt), Retry(prompt.encode()),
            ).id  # fmt: skip

    def make_waiting(self) -> None:
        """Make every clip that waits, as a worker would."""
        with self.database.transaction() as session:
            waiting = [each.id for each in session.query(Video).filter_by(status=Status.QUEUED)]
        for video_id in waiting:
            make_video(self.workshop, video_id)

    @contextmanager
    def working(self) -> Iterator[None]:
        """A worker in the background for so long."""
        is_over = threading.Event()

        def work() -> None:
            while not is_over.is_set():
                self.make_waiting()
                is_over.wait(0.1)

        worker = threading.Thread(target=work, daemon=True)
        worker.start()
        try:
            yield
        finally:
            is_over.set()
            worker.join(10)


@contextmanager
def open_stage(
    folder: Path, generator: Generator | None = None, **given: object
) -> Iterator[Stage]:
    """Start a studio in a folder; `given` are settings."""
    postgres = EmbeddedPostgres(folder / "postgres")
    url = postgres.start()
    migrate(url)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = Settings(database_url=url, studio_data=folder, port=port, log_publish_s=0.2, **given)  # type: ignore[arg-type]
    app = create_app(settings)
    database, made_by = Database(url), generator or FakeGenerator()
    with database.transaction() as session:
        catalogue.offer(session, made_by.describe())
    workshop = Workshop(
        settings, database, Storage.open(settings.files_url), JobQueue(), made_by,
        WorkerMetrics(), threading.Event(),
    )  # fmt: skip
    server = uvicorn.Server(uvicorn.Config(app, "127.0.0.1", port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    try:
        yield Stage(f"http://localhost:{port}", settings, database, app, workshop)
    finally:
        server.should_exit = True
        thread.join(15)
        database.close()
        postgres.stop()


def days_ago(days: float) -> datetime:
    """A moment before now."""
    return datetime.now(UTC) - timedelta(days=days)
