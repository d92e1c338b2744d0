"""Many running clocks for a while: what the board has to count when a large company is behind.

The filled database has some 5,000; the others are hung on its newest closed tickets and taken away again,
so that the other rows of the benchmark and a kept database stay as they were.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from random import Random
from typing import Any

from sqlalchemy import Engine, create_engine, func, select, text

from ticketing.casefile.tickets.models import Ticket
from ticketing.casefile.timers.models import Clock, ClockState
from ticketing.kernel import clock
from ticketing.procedure.deadlines import DESK_CLOCKS, POLICY, ClockKind
from ticketing.procedure.vocabulary import TicketStage
from ticketing.procedure.workdays import CLOSES

KINDS = (ClockKind.COMPLAINT, ClockKind.DEPT_FEEDBACK, ClockKind.CALLBACK)


@contextmanager
def crowded(url: str, clocks: int) -> Iterator[int]:
    """Inside the block `clocks` clocks run, or as many as the tickets allow; gives their number."""
    engine = create_engine(url)
    table = Clock.__table__
    with engine.begin() as connection:
        last = connection.scalar(select(func.max(table.c.id)))
        before = connection.scalar(
            select(func.count()).select_from(table).where(table.c.state == ClockState.RUNNING)
        )
        rows = _rows(connection, max(0, clocks - before))
        connection.execute(table.insert(), rows)
    _settle(engine)
    try:
        yield before + len(rows)
    finally:
        with engine.begin() as connection:
            connection.execute(table.delete().where(table.c.id > last))
        _settle(engine)
        engine.dispose()


def _rows(connection: Any, count: int) -> list[dict[str, Any]]:
    """Clocks due from a week ago to a fortnight ahead, owed as the ticket's own clocks were."""
    dice, now = Random(17), clock.now()
    closed = connection.execute(
        select(Ticket.id, Ticket.community_id, Ticket.department_id, Ticket.handler_id)
        .where(Ticket.stage == TicketStage.CLOSED)
        .order_by(Ticket.id.desc())
        .limit(-(-count // len(KINDS)))
    )
    rows = []
    for ticket_id, community_id, department_id, handler_id in closed:
        for kind in KINDS:
            due_on = clock.today() + timedelta(days=dice.randrange(-7, 15))
            desk = kind in DESK_CLOCKS
            rows.append(
                {
                    "kind": kind,
                    "ticket_id": ticket_id,
                    "community_id": community_id,
                    "department_id": None if desk else department_id,
                    "handler_id": None if desk else handler_id,
                    "started_at": now - timedelta(days=9),
                    "original_due_on": due_on,
                    "due_on": due_on,
                    "due_at": clock.at(due_on, *CLOSES),
                    "policy": POLICY,
                    "calendar_edition": 0,
                    "state": ClockState.RUNNING,
                }
            )
    return rows[:count]


def _settle(engine: Engine) -> None:
    """Let PostgreSQL tidy up as it does by itself after a while."""
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE clock"))
