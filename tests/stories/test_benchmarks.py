"""The database the benchmarks are measured on obeys the schema of today."""

from pathlib import Path

from sqlalchemy import func, select

from benchmarks.dataset import build
from ticketing.app import create_app
from ticketing.casefile.tickets.models import Ticket
from ticketing.casefile.timers.models import Clock, ClockState
from ticketing.kernel.db import db
from ticketing.settings import Settings


def test_the_database_of_the_benchmarks_can_be_built_and_its_open_tickets_have_clocks(
    tmp_path: Path,
) -> None:
    app = create_app(
        Settings(
            database_url=f"sqlite:///{tmp_path / 'bench.db'}",
            secret_key="x" * 32,
            instance=tmp_path,
            testing=True,
        )
    )
    build(app, 80)
    with app.app_context():
        assert db.session.scalar(select(func.count(Ticket.id))) == 80
        running = select(Clock.ticket_id).where(Clock.state == ClockState.RUNNING)
        still_open = set(db.session.scalars(select(Ticket.id).where(Ticket.is_open)))
        assert still_open <= set(db.session.scalars(running))
        db.session.remove()
        db.engine.dispose()
