import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select

from unstrung.studio import tables
from unstrung.studio.accounts import service as accounts
from unstrung.studio.accounts.models import Person
from unstrung.studio.database import Database, migrate
from unstrung.studio.errors import ServiceFault


def test_migrations_make_the_very_tables_that_the_code_means(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, tables.metadata)
    foreign = ("procrastinate_", "ix_procrastinate_", "idx_procrastinate_")
    ours = [each for each in differences if not any(word in str(each) for word in foreign)]
    assert ours == []


def test_migrating_again_changes_nothing(database: Database) -> None:
    migrate(database.url)
    with database.transaction() as session:
        assert session.scalar(select(tables.Queue.virtual_time)) == 0


def test_a_block_that_fails_writes_nothing(database: Database) -> None:
    def fails_half_way() -> None:
        with database.transaction() as session:
            accounts.create_person(session, "Nobody")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails_half_way()
    with database.transaction() as session:
        assert session.scalars(select(Person)).all() == []


def test_a_database_that_is_away_is_a_fault_of_the_service() -> None:
    away = Database("postgresql://nobody@/nothing?host=%2Fnowhere")
    with pytest.raises(ServiceFault, match="cannot be reached"):
        away.check()
