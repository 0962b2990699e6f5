"""The whole studio on one machine: database, API and workers, started and watched together."""

import os
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from unstrung.studio.access import service as access
from unstrung.studio.access.models import Scope
from unstrung.studio.accounts import service as accounts
from unstrung.studio.accounts.models import Role
from unstrung.studio.database import Database, migrate
from unstrung.studio.embedded import EmbeddedPostgres
from unstrung.studio.errors import ConfigurationError
from unstrung.studio.logins import service as logins
from unstrung.studio.settings import DEFAULT_SECRET, Settings
from unstrung.studio.supervisor import Child, Supervisor

FIRST_PERSON: Final = "admin"
_SECRET_FILE: Final = "secret"


@contextmanager
def reachable_database(settings: Settings) -> Iterator[str]:
    """Lend the address of the database; a private one that was not running runs for so long."""
    if settings.database_url:
        yield settings.database_url
        return
    postgres = EmbeddedPostgres(settings.studio_data / "postgres")
    was_running = postgres.is_alive()
    url = postgres.start()
    try:
        yield url
    finally:
        if not was_running:
            postgres.stop()


@dataclass(frozen=True)
class FirstWayIn:
    """How the first admin gets in; neither is ever shown again.

    Attributes:
        key: for programs.
        link: opens the pages, once, within 15 minutes.
    """

    key: str
    link: str


def first_way_in(settings: Settings, url: str) -> FirstWayIn | None:
    """Make the first person, an admin, and return the ways in; None if there are people already."""
    database = Database(url)
    try:
        with database.transaction() as session:
            if accounts.has_people(session):
                return None
            person = accounts.create_person(session, FIRST_PERSON, Role.ADMIN)
            _, secret = access.create_key(session, person, "first key", list(Scope))
            return FirstWayIn(secret, logins.link_for(session, settings, person.id))
    finally:
        database.close()


def serve(
    settings: Settings,
    num_workers: int,
    on_first: Callable[[FirstWayIn], None],
    on_event: Callable[[str], None],
    worker_command: tuple[str, ...] | None = None,
) -> int:
    """Run everything until told to stop, and return the exit code.

    Args:
        settings: frozen.
        num_workers: worker processes.
        on_first: told how the first admin gets in, once in the life of a database.
        on_event: told what the supervisor does, a sentence each.
        worker_command: how to start a worker; None takes `unstrung worker`.
    """
    prepare_folder(settings.studio_data)
    postgres = (
        None if settings.database_url else EmbeddedPostgres(settings.studio_data / "postgres")
    )
    url = postgres.start() if postgres else settings.database_url
    migrate(url)
    found = first_way_in(settings, url)
    if found is not None:
        on_first(found)
    environment = {
        "DATABASE_URL": url,
        "UNSTRUNG_DATABASE_URL": url,
        "UNSTRUNG_STUDIO_DATA": str(settings.studio_data.absolute()),
        "UNSTRUNG_HOST": settings.host,
        "UNSTRUNG_PORT": str(settings.port),
        "UNSTRUNG_SECRET": own_secret(settings),
        "UNSTRUNG_SUPERVISED": "1",
    }
    children = [Child("api", _command("api"), _with(environment))]
    children += [
        Child(f"worker-{index + 1}", worker_command or _command("worker"), _with(environment))
        for index in range(num_workers)
    ]
    return Supervisor(children, postgres, on_event).run()


def own_secret(settings: Settings) -> str:
    """The secret that signs links: the one that was set, or one that is made and kept in the data folder."""
    given = settings.secret.get_secret_value()
    if given != DEFAULT_SECRET:
        return given
    path = settings.studio_data / _SECRET_FILE
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32))
    return path.read_text().strip()


def prepare_folder(data: Path) -> None:
    """Make the data folder.

    Raises:
        ConfigurationError: if it cannot be made or written to.
    """
    try:
        data.mkdir(parents=True, exist_ok=True)
        if not os.access(data, os.W_OK | os.X_OK):
            raise PermissionError(13, "it cannot be written to")
    except OSError as error:
        raise ConfigurationError(
            f"UNSTRUNG_STUDIO_DATA: the folder {data} cannot be used ({error.strerror}); choose another one"
        ) from error


def _command(name: str) -> tuple[str, ...]:
    return sys.executable, "-m", "unstrung.cli", name


def _with(environment: Mapping[str, str]) -> dict[str, str]:
    return {**os.environ, **environment}
