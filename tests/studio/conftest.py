"""A real PostgreSQL for the run, empty tables for each test, and an API over them."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text

from studio.authenticator import browsing
from studio.fakes import FakeGenerator
from studio.signing_in import OWNER
from unstrung.engine.description import Capability
from unstrung.studio import tables
from unstrung.studio.access import service as access
from unstrung.studio.access.models import Scope
from unstrung.studio.accounts import service as accounts
from unstrung.studio.accounts.models import Role
from unstrung.studio.app import create_app
from unstrung.studio.catalogue import service as catalogue
from unstrung.studio.database import Database, migrate
from unstrung.studio.embedded import EmbeddedPostgres
from unstrung.studio.jobs import JobQueue
from unstrung.studio.logins import service as logins
from unstrung.studio.making import Workshop, make_video
from unstrung.studio.metrics import WorkerMetrics
from unstrung.studio.settings import Settings
from unstrung.studio.storage import Storage


@pytest.fixture(scope="session")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A migrated database for the whole run."""
    postgres = EmbeddedPostgres(tmp_path_factory.mktemp("postgres") / "data")
    url = postgres.start()
    migrate(url)
    yield url
    postgres.stop()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """The database with empty tables."""
    found = Database(database_url, 5)
    names = ", ".join([*tables.metadata.tables, "procrastinate_jobs", "procrastinate_workers"])
    with found.transaction() as session:
        session.execute(text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
        session.execute(text("INSERT INTO queue (id, virtual_time) VALUES (1, 0)"))
    yield found
    found.close()


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings of a studio in a folder of its own."""
    return Settings(
        database_url=database_url, studio_data=tmp_path, private_webhooks=True, log_publish_s=0.2
    )


@dataclass(frozen=True)
class People:
    """Keys of an owner, somebody else and an admin."""

    owner: str
    other: str
    admin: str

    def headers(self, who: str) -> dict[str, str]:
        """What one of them sends; nobody sends nothing."""
        if who == "nobody":
            return {}
        return {"authorization": f"Bearer {getattr(self, who)}"}


@pytest.fixture
def people(database: Database) -> People:
    """Three people with keys."""
    keys = {}
    with database.transaction() as session:
        for name in ("owner", "other", "admin"):
            role = Role.ADMIN if name == "admin" else Role.MEMBER
            person = accounts.create_person(session, name, role)
            scopes = list(Scope) if name == "admin" else [Scope.READ, Scope.GENERATE]
            keys[name] = access.create_key(session, person, "test", scopes)[1]
    return People(**keys)


@pytest.fixture
def generator() -> FakeGenerator:
    """A generator that makes what words alone allow."""
    return FakeGenerator(capabilities=(Capability.TEXT_TO_VIDEO, Capability.REMIX))


@pytest.fixture
def workshop(database: Database, settings: Settings, generator: FakeGenerator) -> Workshop:
    """A worker's parts, with the model offered."""
    with database.transaction() as session:
        catalogue.offer(session, generator.describe())
    return Workshop(
        settings, database, Storage.open(settings.files_url), JobQueue(), generator,
        WorkerMetrics(), threading.Event(),
    )  # fmt: skip


@pytest.fixture
def make(workshop: Workshop) -> Callable[[str], None]:
    """Makes a video here and now, as a worker would."""
    return lambda video_id: make_video(workshop, video_id)


@pytest.fixture
def app(workshop: Workshop, settings: Settings) -> Iterator[FastAPI]:
    """An API over the database; its connections are closed also where nothing starts and stops it."""
    assert workshop.settings is settings
    made = create_app(settings)
    yield made
    made.state.studio.database.close()


@pytest.fixture
def client(app: FastAPI, people: People) -> Iterator[TestClient]:
    """The owner, calling the API."""
    with TestClient(app, headers=people.headers("owner"), raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture
def owner_id(database: Database, people: People) -> str:
    """A person with an address."""
    with database.transaction() as session:
        person_id = accounts.find_person(session, "owner").id
        logins.add_address(session, person_id, OWNER, is_verified=True)
    return person_id


@pytest.fixture
def browser(app: FastAPI, owner_id: str) -> Iterator[TestClient]:
    """A browser in which nobody is signed in."""
    with browsing(app) as opened:
        yield opened
