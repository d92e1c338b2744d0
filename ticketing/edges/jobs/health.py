"""Whether the process is up, and whether it can work: database, migrations, scheduler."""

from datetime import timedelta

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from ticketing.edges.jobs.running import last_beat
from ticketing.kernel import clock
from ticketing.kernel.db import db, dialect
from ticketing.kernel.locking import reading
from ticketing.settings import ROOT

FRESH = timedelta(minutes=2)


def report() -> dict[str, bool]:
    """What must hold for the service to be ready, each true or false."""
    return {"database": _writable(), "migrations": _migrated(), "scheduler": _ticking()}


def _writable() -> bool:
    """A writing transaction can begin. Nothing is written."""
    db.session.rollback()
    try:
        with reading(False):
            if dialect() == "sqlite":
                db.session.execute(text("SELECT 1"))
                return True
            return bool(db.session.scalar(text("SHOW transaction_read_only")) == "off")
    except SQLAlchemyError:
        return False
    finally:
        db.session.rollback()


def _migrated() -> bool:
    """The database stands at the newest migration."""
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    wanted = ScriptDirectory.from_config(config).get_current_head()
    try:
        return bool(db.session.scalar(text("SELECT version_num FROM alembic_version")) == wanted)
    except SQLAlchemyError:
        return False
    finally:
        db.session.rollback()


def _ticking() -> bool:
    """Some process has ticked within two minutes."""
    try:
        at = last_beat()
    except SQLAlchemyError:
        return False
    finally:
        db.session.rollback()
    return at is not None and clock.now() - at < FRESH
