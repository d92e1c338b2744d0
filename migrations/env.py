"""Alembic's environment: the app's database, with SQLite's foreign keys off while tables are rebuilt."""

from alembic import context
from flask import current_app
from sqlalchemy import create_engine, pool, text

from ticketing.kernel import search
from ticketing.kernel.db import Base

SEARCH_TABLES = (search.TABLE, f"{search.TABLE}_")


def include(_object, name, kind, _reflected, _compare_to):
    """Leave the search table and its shadows, which each engine makes its own way, out of comparison."""
    if kind in ("table", "index") and name is not None:
        return not (
            name == search.TABLE
            or name.startswith(f"{search.TABLE}_")
            or name == f"ix_{search.TABLE}_body"
        )
    return True


def run() -> None:
    """Migrate on a connection of its own.

    A batch migration rebuilds tables on SQLite; with foreign keys on, that would delete child rows
    silently, so they are off for the migration and checked after it.
    """
    engine = create_engine(current_app.config["SQLALCHEMY_DATABASE_URI"], poolclass=pool.NullPool)
    sqlite = engine.dialect.name == "sqlite"
    with engine.connect() as connection:
        if sqlite:
            connection.execute(text("PRAGMA foreign_keys=OFF"))
            connection.commit()
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            include_object=include,
            compare_type=True,
            render_as_batch=True,
        )
        with context.begin_transaction():
            context.run_migrations()
            if sqlite and connection.execute(text("PRAGMA foreign_key_check")).first():
                raise RuntimeError("the migration would leave rows without their parents")
        connection.commit()


run()
