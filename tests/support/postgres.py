"""Puts a filled PostgreSQL database back as it was: its rows again, its connections and plans kept.

To make a database anew from a template costs more than most tests, and every connection to it begins with cold caches.
"""

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError

MOST = 200
"""So often rows are put back before the database is made anew: each time leaves dead rows behind."""

_KEEP = """
CREATE SCHEMA pristine;
CREATE TABLE pristine.altered (what text);
CREATE FUNCTION pristine.note() RETURNS event_trigger LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO pristine.altered VALUES (tg_tag); END $$;
"""
_WATCH = "CREATE EVENT TRIGGER altered ON ddl_command_end EXECUTE FUNCTION pristine.note()"


def keep(connection: Connection) -> None:
    """Copy every row, and write the function that puts them back; it gives false once the schema was touched.

    It runs as a replica does: no trigger and no foreign key sees it. Raises DBAPIError for who is not a superuser.
    """
    connection.execute(text(_KEEP))
    tables = connection.scalars(
        text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
    ).all()
    steps = [f'DELETE FROM public."{table}";' for table in tables]
    for table in tables:
        if connection.scalar(text(f'SELECT EXISTS (SELECT FROM public."{table}")')):
            connection.execute(text(f'CREATE TABLE pristine."{table}" AS TABLE public."{table}"'))
            steps.append(f'INSERT INTO public."{table}" SELECT * FROM pristine."{table}";')
    for name, last in connection.execute(
        text("SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public'")
    ):
        steps.append(f"PERFORM setval('public.\"{name}\"', {last or 1}, {last is not None});")
    connection.execute(
        text(
            "CREATE FUNCTION pristine.renew() RETURNS bool LANGUAGE plpgsql"
            " SET session_replication_role = replica SET lock_timeout = '2s' AS $$ BEGIN"
            " IF EXISTS (SELECT FROM pristine.altered) THEN RETURN false; END IF;"
            f" {' '.join(steps)} RETURN true; END $$"
        )
    )
    connection.execute(text(_WATCH))


class Renewal:
    """Puts one database back, as long as that is possible."""

    def __init__(self, url: str) -> None:
        self.engine, self.times = create_engine(url, isolation_level="AUTOCOMMIT"), MOST

    def made_anew(self) -> None:
        """The database is about to be made anew: this connection to it ends."""
        self.engine.dispose()
        self.times = 0

    def put_back(self) -> bool:
        """Whether the rows stand as at first; False asks for a new database."""
        self.times += 1
        if self.times > MOST:
            return False
        try:
            with self.engine.connect() as connection:
                return bool(connection.scalar(text("SELECT pristine.renew()")))
        except DBAPIError:
            return False
