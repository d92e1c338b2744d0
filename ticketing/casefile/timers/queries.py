"""Reading clocks. Which tickets a person may see is decided before: these ask by the ticket."""

from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import joinedload

from ticketing.casefile.timers.models import (
    Clock,
    ClockEvent,
    ClockEventKind,
    ClockState,
    Extension,
)
from ticketing.kernel import clock as time
from ticketing.kernel.db import db
from ticketing.procedure.deadlines import ClockKind


class ClockLine(NamedTuple):
    """One clock as its ticket's page shows it, with what was agreed about it."""

    clock: Clock
    extensions: list[Extension]

    @property
    def done_on(self) -> date | None:
        """The Shanghai date on which it ended; None while it runs."""
        at = self.clock.stopped_at
        return time.local(at).date() if at else None

    @property
    def moved(self) -> bool:
        """Whether the present due date is not the first one."""
        return self.clock.due_on != self.clock.original_due_on


def of_ticket(ticket_id: int) -> list[ClockLine]:
    """The clocks of a ticket in the order they started; what was cancelled in time is left out."""
    clocks = db.session.scalars(
        select(Clock).where(Clock.ticket_id == ticket_id).order_by(Clock.started_at, Clock.id)
    ).all()
    agreed: dict[int, list[Extension]] = {}
    if any(one.extensions for one in clocks):
        rows = db.session.scalars(
            select(Extension)
            .where(Extension.clock_id.in_([one.id for one in clocks]))
            .options(joinedload(Extension.by, innerjoin=True))
            .order_by(Extension.id)
        )
        for row in rows:
            agreed.setdefault(row.clock_id, []).append(row)
    return [
        ClockLine(one, agreed.get(one.id, []))
        for one in clocks
        if one.late or one.state is not ClockState.CANCELLED
    ]


def running(ticket_id: int, kind: ClockKind, order_id: int | None = None) -> Clock | None:
    """The running clock of one kind of a ticket, or of one of its orders, if there is one."""
    return db.session.scalars(
        select(Clock).where(
            Clock.ticket_id == ticket_id,
            Clock.kind == kind,
            Clock.state == ClockState.RUNNING,
            Clock.order_id == order_id,
        )
    ).one_or_none()


def last(kind: ClockKind, order_id: int) -> Clock | None:
    """The latest clock of one kind of an order, running or not."""
    return db.session.scalars(
        select(Clock)
        .where(Clock.order_id == order_id, Clock.kind == kind)
        .order_by(Clock.id.desc())
        .limit(1)
    ).one_or_none()


def begun_before(clock: type[Clock], at: datetime) -> ColumnElement[bool]:
    """The condition that a clock was there before `at`; what it counts from may lie earlier."""
    return (
        exists()
        .where(
            ClockEvent.clock_id == clock.id,
            ClockEvent.kind == ClockEventKind.STARTED,
            ClockEvent.at < at,
        )
        .correlate(clock)
    )
