"""Reading clocks. Which tickets a person may see is decided before: these ask by the ticket."""

from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, exists, select
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
from ticketing.procedure.deadlines import MOST_EXTENSIONS, ClockKind, Level, Unit, limit_of


class Bell(NamedTuple):
    """A reminder or a breach of a clock: when, which level, who was told ("" where a louder level was told instead)."""

    at: datetime
    level: Level
    told: str


class ClockLine(NamedTuple):
    """One clock as its paper's page shows it, with what was agreed about it and whom it reminded."""

    clock: Clock
    extensions: list[Extension]
    bells: list[Bell]

    @property
    def done_on(self) -> date | None:
        """The Shanghai date on which it ended; None while it runs."""
        at = self.clock.stopped_at
        return time.local(at).date() if at else None

    @property
    def moved(self) -> bool:
        """Whether the present due date is not the first one."""
        return self.clock.due_on != self.clock.original_due_on

    @property
    def by_hours(self) -> bool:
        """Whether it is kept to the minute."""
        return limit_of(self.clock.kind).unit is Unit.HOURS


def of_ticket(ticket_id: int) -> list[ClockLine]:
    """The clocks of a ticket in the order they started; what was cancelled in time is left out."""
    rung = and_(ClockEvent.clock_id == Clock.id, ClockEvent.kind.in_(_SAID))
    bells: dict[Clock, list[Bell]] = {}
    for clock, at, level, told in db.session.execute(
        select(Clock, ClockEvent.at, ClockEvent.level, ClockEvent.told)
        .outerjoin(ClockEvent, rung)
        .where(Clock.ticket_id == ticket_id)
        .order_by(Clock.started_at, Clock.id, ClockEvent.id)
    ):
        bells.setdefault(clock, [])
        if at is not None:
            bells[clock].append(Bell(at, Level(level), told))
    agreed: dict[int, list[Extension]] = {}
    if any(one.extensions for one in bells):
        rows = db.session.scalars(
            select(Extension)
            .where(Extension.clock_id.in_([one.id for one in bells]))
            .options(joinedload(Extension.by, innerjoin=True))
            .order_by(Extension.id)
        )
        for row in rows:
            agreed.setdefault(row.clock_id, []).append(row)
    return [
        ClockLine(one, agreed.get(one.id, []), said)
        for one, said in bells.items()
        if one.late or one.state is not ClockState.CANCELLED
    ]


_SAID = (ClockEventKind.WARNED, ClockEventKind.BREACHED)


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


def extensions_left(ticket_id: int, kind: ClockKind, order_id: int | None = None) -> bool:
    """Whether the running clock of one kind may be put off once more (procedure 3.4.5-延)."""
    so_far = db.session.scalar(
        select(Clock.extensions).where(
            Clock.ticket_id == ticket_id,
            Clock.kind == kind,
            Clock.state == ClockState.RUNNING,
            Clock.order_id == order_id,
        )
    )
    return so_far is None or so_far < MOST_EXTENSIONS


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
