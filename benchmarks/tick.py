"""The scheduler's tick over many running clocks: how long it takes with a thousand due, and with none.

Called by `bench` in its own process, on the database the server uses. The clocks it adds are site surveys of tickets
that have none running; they are taken away again.
"""

import time
from datetime import timedelta

from sqlalchemy import text

from ticketing.app import create_app
from ticketing.edges.jobs import running
from ticketing.edges.jobs.schedule import BY_NAME
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.settings import Settings

RUNNING, DUE = 100_000, 1000
_ADD = text(
    """
    INSERT INTO clock (kind, ticket_id, community_id, department_id, handler_id, round, started_at,
        original_due_on, due_on, due_at, provisional, policy, calendar_edition, state, late, extensions,
        rung, next_at)
    SELECT 'site_survey', id, community_id, department_id, handler_id, 1, :began, :due_on, :due_on, :due_at,
        false, 1, 0, 'running', false, 0, 7, :due_at
    FROM ticket t WHERE NOT EXISTS (
        SELECT 1 FROM clock c WHERE c.ticket_id = t.id AND c.kind = 'site_survey' AND c.state = 'running'
    ) ORDER BY id LIMIT :most
    """
)
_MAKE_DUE = text(
    """
    UPDATE clock SET next_at = :at, due_at = :at, due_on = :due_on WHERE id IN (
        SELECT id FROM clock WHERE id > :last ORDER BY id LIMIT :due)
    """
)
_REMOVE = (
    "DELETE FROM clock_event WHERE clock_id > :last",
    "DELETE FROM clock WHERE id > :last",
    "DELETE FROM notice WHERE event LIKE 'clock:%'",
)


def seconds(url: str) -> tuple[int, float, float]:
    """(clocks running, seconds of a tick with `DUE` of them due, seconds of one with none due)."""
    app = create_app(Settings(database_url=url, secret_key="x" * 32))
    with app.app_context():
        at = clock.now()
        far, near = at + timedelta(days=200), at - timedelta(hours=1)
        with transaction():
            last = int(db.session.scalar(text("SELECT max(id) FROM clock")) or 0)
            db.session.execute(
                _ADD,
                {"most": RUNNING, "began": _wall(at), "due_on": far.date(), "due_at": _wall(far)},
            )
        with transaction():
            count = int(
                db.session.scalar(text("SELECT count(*) FROM clock WHERE state = 'running'")) or 0
            )
        running.tick()
        running.run(BY_NAME["ring"], at)
        try:
            idle = min(_tick() for _ in range(5))
            with transaction():
                db.session.execute(
                    _MAKE_DUE, {"at": _wall(near), "due_on": near.date(), "due": DUE, "last": last}
                )
            return count, _tick(), idle
        finally:
            with transaction():
                for statement in _REMOVE:
                    db.session.execute(
                        text(statement), {"last": last} if ":last" in statement else {}
                    )
            db.session.remove()
            db.engine.dispose()


def _tick() -> float:
    """One tick, and the ringing whatever its turn."""
    began = time.perf_counter()
    running.tick()
    outcome = running.run(BY_NAME["ring"], clock.now())
    if outcome.failed:
        raise SystemExit(f"the tick failed: {outcome.words}")
    return time.perf_counter() - began


def _wall(instant: object) -> str:
    """An instant as both engines store it."""
    return f"{instant:%Y-%m-%d %H:%M:%S}.000000"
