"""A studio of real processes that can be killed: PostgreSQL, an API, workers with the fake generator."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx
import psycopg
from psycopg.rows import dict_row

from studio.fakes import EVERYTHING, FakeGenerator
from unstrung.studio.access import service as access
from unstrung.studio.accounts import service as accounts
from unstrung.studio.catalogue import service as catalogue
from unstrung.studio.database import Database, migrate
from unstrung.studio.embedded import EmbeddedPostgres
from unstrung.studio.queue.service import CHANNEL

PATIENCE_S: Final = 180.0
START_AGAIN_S: Final = 0.5  # as the supervisor's first pause
_PEOPLE: Final = ("Ada", "Bela", "Chidi")
_STUB: Final = Path(__file__).parents[1] / "conformance" / "stub_studio.py"
_Found = TypeVar("_Found")


class Broken(Exception):
    """Something that was waited for did not come."""


@dataclass(frozen=True)
class LogLine:
    """What a process said.

    Attributes:
        part: name of the process.
        at: when [s since 1970].
        event, level: what, and how bad.
        video, attempt: that it is about, if any.
    """

    part: str
    at: float
    event: str
    level: str
    video: str | None
    attempt: int | None


@dataclass
class Part:
    """A process of the studio.

    Attributes:
        name, kind: what it is called; `api` or `worker`.
        process, log: of the start that lives.
        num_starts: how often it was started.
    """

    name: str
    kind: str
    process: subprocess.Popen[bytes]
    log: Path
    num_starts: int


@dataclass
class StudioUnderTest:
    """The parts, and what may be done to them.

    Attributes:
        folder: of everything.
        database_url: of PostgreSQL.
        environment: of all processes.
        keys: of each person.
    """

    folder: Path
    postgres: EmbeddedPostgres
    database_url: str
    environment: dict[str, str]
    keys: dict[str, str]
    port: int
    parts: dict[str, Part] = field(default_factory=dict)
    _line: psycopg.Connection[dict[str, Any]] | None = None

    @property
    def api_url(self) -> str:
        """Address of the API, the same after each start."""
        return f"http://127.0.0.1:{self.port}"

    def start(self, name: str) -> None:
        """Start a process: `api`, or anything else for a worker."""
        before = self.parts.get(name)
        num_starts = before.num_starts + 1 if before else 1
        kind = "api" if name == "api" else "worker"
        log = self.folder / "logs" / f"{name}.{num_starts:03d}.log"
        with log.open("wb") as target:
            process = subprocess.Popen(
                [sys.executable, str(_STUB), kind],
                env=self.environment,
                stdin=subprocess.PIPE,  # its end ends the process, should this program be killed
                stdout=target,
                stderr=target,
                start_new_session=True,
            )
        self.parts[name] = Part(name, kind, process, log, num_starts)

    def kill(self, name: str) -> float:
        """Kill -9, and return the moment."""
        return self._end(name, signal.SIGKILL)

    def is_running(self, name: str) -> bool:
        """Whether a process is alive."""
        return self.parts[name].process.poll() is None

    def kill_database(self) -> float:
        """Kill -9 PostgreSQL's first process, and return the moment."""
        number = int((self.folder / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])
        moment = time.time()
        os.kill(number, signal.SIGKILL)
        return moment

    def start_database(self) -> None:
        """Start PostgreSQL again, as the supervisor does."""
        self.postgres.start()

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Ask the database, past the studio.

        Raises:
            psycopg.Error: if it is away.
        """
        if self._line is None or self._line.closed:
            self._line = psycopg.connect(self.database_url, autocommit=True, row_factory=dict_row)
        try:
            return self._line.execute(query).fetchall()
        except psycopg.OperationalError:
            self._line.close()
            raise

    def videos(self) -> list[dict[str, Any]]:
        """All videos, in the order in which they were asked for."""
        return self.rows("SELECT * FROM videos ORDER BY id")

    def num_open(self) -> int:
        """Videos that wait or run."""
        found = self.rows(
            "SELECT count(*) AS number FROM videos WHERE status IN ('queued', 'in_progress')"
        )
        return int(found[0]["number"])

    def log_lines(self) -> list[LogLine]:
        """What all processes said, in order."""
        found = []
        for path in (self.folder / "logs").iterdir():
            for text in path.read_text(errors="replace").splitlines():
                with suppress(ValueError, TypeError, KeyError):
                    said = json.loads(text)
                    moment = datetime.fromisoformat(said["timestamp"]).timestamp()
                    found.append(
                        LogLine(
                            path.stem, moment, said["event"], said["level"],
                            said.get("video"), said.get("attempt"),
                        )
                    )  # fmt: skip
        return sorted(found, key=lambda line: line.at)

    def wait_for_api(self) -> float:
        """Wait until the API and all behind it answer, and return how long it took [s]."""
        started = time.monotonic()

        def is_ready() -> bool:
            with suppress(httpx.TransportError):
                return httpx.get(f"{self.api_url}/readyz", timeout=5).status_code == 200
            return False

        wait_for(is_ready, "the API to be ready", pause_s=0.02)
        return time.monotonic() - started

    def close(self) -> None:
        """End all processes."""
        if self._line is not None:
            self._line.close()
        for part in self.parts.values():
            if part.process.poll() is None:
                part.process.terminate()
        for part in self.parts.values():
            try:
                part.process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                part.process.kill()
                part.process.wait()
            if part.process.stdin is not None:
                part.process.stdin.close()
        self.postgres.stop()

    def _end(self, name: str, number: int) -> float:
        process = self.parts[name].process
        moment = time.time()
        process.send_signal(number)
        process.wait()
        if process.stdin is not None:
            process.stdin.close()
        return moment


@contextmanager
def running_studio(
    parent: Path,
    settings: Mapping[str, str],
    num_steps: int,
    step_s: float,
    workers: Sequence[str] = (),
) -> Iterator[StudioUnderTest]:
    """PostgreSQL with people in it, an API that answers, and workers, which may still be starting.

    Args:
        parent: folder for the studio's own.
        settings: further environment variables.
        num_steps, step_s: of each video.
        workers: names of those to start.
    """
    folder = Path(tempfile.mkdtemp(prefix="studio-", dir=parent))
    for name in ("logs", "tmp"):
        (folder / name).mkdir()
    postgres = EmbeddedPostgres(folder / "postgres")
    url = postgres.start()
    port = _free_port()
    environment = {
        **os.environ,
        "UNSTRUNG_DATABASE_URL": url,
        "UNSTRUNG_STUDIO_DATA": str(folder),
        "UNSTRUNG_PRIVATE_WEBHOOKS": "true",
        "UNSTRUNG_HEARTBEAT_S": "0.5",
        "UNSTRUNG_STALLED_AFTER_S": "2",
        "UNSTRUNG_SUPERVISED": "1",
        "STUB_PORT": str(port),
        "STUB_LOG": "info",
        "STUB_STEPS": str(num_steps),
        "STUB_STEP_S": str(step_s),
        "TMPDIR": str(folder / "tmp"),
        **settings,
    }
    try:
        migrate(url)
        keys = _people(url, num_steps)
        studio = StudioUnderTest(folder, postgres, url, environment, keys, port)
        try:
            for name in ("api", *workers):
                studio.start(name)
            studio.wait_for_api()
            yield studio
        finally:
            studio.close()
    finally:
        postgres.stop()


@contextmanager
def listening(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    """Lend a connection that hears what is told of videos, at the moment of each commit."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"LISTEN {CHANNEL}")
        yield connection


def wait_for(
    look: Callable[[], _Found], what: str, seconds: float = PATIENCE_S, pause_s: float = 0.05
) -> _Found:
    """Wait until `look` finds something, and return it; a database that is away is asked again.

    Raises:
        Broken: if it did not come in time.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(psycopg.OperationalError):
            if found := look():
                return found
        time.sleep(pause_s)
    raise Broken(f"waited {seconds:g} s in vain for {what}")


def _people(url: str, num_steps: int) -> dict[str, str]:
    database = Database(url)
    with database.transaction() as session:
        # Offered already, so that videos can wait before the first worker is there.
        catalogue.offer(session, FakeGenerator(EVERYTHING, num_steps).describe())
        people = {name: accounts.create_person(session, name) for name in _PEOPLE}
        keys = {
            name: access.create_key(session, person, "test")[1] for name, person in people.items()
        }
    database.close()
    return keys


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
