"""How Alembic reaches the database: by the address that `database.migrate` hands over."""

from alembic import context
from sqlalchemy import create_engine, pool, text

from unstrung.studio import tables

_LOCK = 7_319_204  # any number: two processes that start together migrate one after the other

engine = create_engine(context.config.attributes["url"], poolclass=pool.NullPool)
with engine.connect() as connection:
    connection.execute(text(f"SELECT pg_advisory_lock({_LOCK})"))
    connection.commit()
    context.configure(connection=connection, target_metadata=tables.metadata, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()
    connection.execute(text(f"SELECT pg_advisory_unlock({_LOCK})"))
    connection.commit()
