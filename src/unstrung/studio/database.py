"""The database: one engine for each process, one transaction for each request or job.

Nobody else commits. Whatever a block of `transaction` wrote is there when the block has ended, or none of
it is.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import DateTime, Enum, MetaData, create_engine, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.orm.session import sessionmaker

from unstrung.studio.errors import NotedRefusal, ServiceFault


class Table(DeclarativeBase):
    """What all tables share: named constraints, times with a zone, JSON as JSONB."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar = {
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
    }


def word_of(kind: type[StrEnum]) -> Enum:
    """The column type of an enumeration: its words as text, so that a new word needs no migration."""
    return Enum(
        kind, native_enum=False, length=32, values_callable=lambda each: [w.value for w in each]
    )


class Database:
    """A pool of connections and the transactions on it."""

    def __init__(self, url: str, pool_size: int = 10) -> None:
        """Prepare a pool; the first connection is made when it is needed.

        Args:
            url: `postgresql://...`.
            pool_size: connections kept; as many again may be open for a short while.
        """
        self.url = url
        self.engine = create_engine(
            sqlalchemy_url(url),
            pool_size=pool_size,
            max_overflow=pool_size,
            # A connection that the server closed (a restart) is replaced before it is used.
            pool_pre_ping=True,
            pool_timeout=10,
            # A prepared statement's plan must do for every status, so it cannot use the index of open ones.
            connect_args={"prepare_threshold": None},
        )
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Lend a session; commit when the block ends well, roll back when it does not.

        A refusal that must leave a statement leaves it in a second transaction, since the first is undone.

        Raises:
            ServiceFault: if the database cannot be reached.
        """
        try:
            try:
                with self._sessions.begin() as session:
                    yield session
            except NotedRefusal as refusal:
                with self._sessions.begin() as session:
                    refusal.statement = refusal.write(session)
                raise
        except (OperationalError, InterfaceError, PoolTimeout) as error:
            raise ServiceFault(
                "The database cannot be reached; try again in a moment.", retry_after_s=2
            ) from error

    def check(self) -> None:
        """Ask the database for a sign of life.

        Raises:
            ServiceFault: if there is none.
        """
        with self.transaction() as session:
            session.execute(text("SELECT 1"))

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def raw_connection(session: Session) -> psycopg.Connection[Any]:
    """The psycopg connection under a session, for what must share its transaction."""
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    return connection


def sqlalchemy_url(url: str) -> str:
    """The same database for SQLAlchemy with psycopg 3."""
    _, _, rest = url.partition("://")
    return f"postgresql+psycopg://{rest}"


def migrate(url: str, revision: str = "head") -> None:
    """Bring the tables up to date; does nothing if they are.

    Raises:
        ServiceFault: if the database cannot be reached.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["url"] = sqlalchemy_url(url)
    try:
        command.upgrade(config, revision)
    except (OperationalError, InterfaceError) as error:
        raise ServiceFault(f"The database cannot be reached: {error.orig}.") from error


def now() -> datetime:
    """The time with its zone."""
    return datetime.now(UTC)
