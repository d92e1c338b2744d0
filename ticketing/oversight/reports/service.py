"""What fell due in a period and how it was kept: department feedback, completion, callbacks.

Denominators are the items due in the period; cases that left as invalid, withdrawn or merged before
the cut-off are out of both sides (procedure 3.4.2.2, 3.4.5, 3.5.4).
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import (
    CTE,
    ColumnElement,
    Date,
    and_,
    case,
    column,
    exists,
    func,
    not_,
    select,
    true,
    values,
)
from sqlalchemy.orm import aliased

from ticketing.casefile.tickets.models import CallbackRecord, Ticket
from ticketing.casefile.timers import queries as timers
from ticketing.casefile.timers.models import Clock, ClockState
from ticketing.kernel import clock
from ticketing.kernel.db import UtcDateTime, db, off_index
from ticketing.oversight.reports.stock import EXITS, Extent
from ticketing.procedure.deadlines import ClockKind
from ticketing.procedure.periods import ONE_DAY
from ticketing.procedure.vocabulary import Satisfaction


@dataclass(frozen=True)
class Window:
    """The days counted, and the instants that bound them."""

    first_on: date
    as_of_on: date
    start: datetime
    cutoff: datetime


@dataclass
class Kept:
    """Counts of one department or community while they are being made."""

    dispatched: int = 0
    feedback_due: int = 0
    feedback_on_time: int = 0
    due: int = 0
    on_time: int = 0
    original_due: int = 0
    original_on_time: int = 0


def _left(window: Window) -> ColumnElement[bool]:
    """The case was out of the count before the cut-off."""
    return and_(Ticket.stage.in_(EXITS), Ticket.closed_at < window.cutoff)


def by_department(extent: Extent, window: Window) -> dict[int | None, Kept]:
    """W4 without the overdue columns, by the department that owed the step; None is not yet dispatched.

    What a department answered late stays its own when the case is returned or handed on; what was taken from
    it in time counts nowhere.
    """
    kept: dict[int | None, Kept] = defaultdict(Kept)
    sent = db.session.execute(
        select(Clock.department_id, func.count())
        .where(
            Clock.kind == ClockKind.DEPT_FEEDBACK,
            Clock.started_at >= window.start,
            Clock.started_at < window.cutoff,
            extent.holds(Clock.community_id),
        )
        .group_by(Clock.department_id)
    )
    for department_id, count in sent:
        kept[department_id].dispatched = count
    for owner, due, on_time in _fallen_due(ClockKind.DEPT_FEEDBACK, extent, window):
        kept[owner].feedback_due, kept[owner].feedback_on_time = due, on_time
    for owner, due, on_time in _fallen_due(ClockKind.COMPLAINT, extent, window):
        kept[owner].due, kept[owner].on_time = due, on_time
    for owner, due, on_time in _fallen_due(ClockKind.COMPLAINT, extent, window, original=True):
        kept[owner].original_due, kept[owner].original_on_time = due, on_time
    return kept


def limits(window: Window) -> CTE:
    """Each day of the window with the instant from which something due that day is late."""
    days = (window.as_of_on - window.first_on).days + 1
    return (
        values(column("due_on", Date), column("late_at", UtcDateTime), name="limits")
        .data(
            [
                (day, min(clock.at(day + ONE_DAY), window.cutoff))
                for day in (window.first_on + timedelta(days=n) for n in range(days))
            ]
        )
        .cte("limits")
    )


def counted(extent: Extent, window: Window) -> tuple[ColumnElement[bool], ...]:
    """The clocks that count: begun, not of a case that left, not ended unmet while there was time left."""
    dropped = and_(
        Clock.state == ClockState.CANCELLED, Clock.stopped_at < window.cutoff, not_(Clock.late)
    )
    return (
        off_index(Clock.started_at) < window.cutoff,
        off_index(Ticket.registered_at) < window.cutoff,
        not_(dropped),
        not_(_left(window)),
        extent.holds(Clock.community_id),
    )


def done_before(instant: ColumnElement[datetime] | datetime) -> ColumnElement[bool]:
    """The condition that a clock was met before an instant."""
    return and_(Clock.state == ClockState.MET, Clock.stopped_at < instant)


def _fallen_due(
    kind: ClockKind,
    extent: Extent,
    window: Window,
    *more: ColumnElement[bool],
    original: bool = False,
) -> list[tuple[int | None, int, int]]:
    """(department, due in the window, of these done in time), by the present or the original due date."""
    days = limits(window)
    rows = db.session.execute(
        select(
            Clock.department_id,
            func.count(),
            func.sum(case((done_before(days.c.late_at), 1), else_=0)),
        )
        .join(days, days.c.due_on == (Clock.original_due_on if original else Clock.due_on))
        .join(Ticket, Ticket.id == Clock.ticket_id)
        .where(Clock.kind == kind, *counted(extent, window), *more)
        .group_by(Clock.department_id)
    )
    return [(row[0], row[1], int(row[2])) for row in rows]


def surveys(extent: Extent, window: Window) -> tuple[int, int]:
    """(surveys that fell due in the period, of these signed in time): the last required signature counts (procedure 3.4.5).

    A survey counts from the receipt, its clock is there when it is agreed on: one agreed on after its due date falls due then.
    """
    begun = timers.begun_before(Clock, window.cutoff)
    rows = _fallen_due(ClockKind.SITE_SURVEY, extent, window, begun)
    late = (
        off_index(Clock.kind) == ClockKind.SITE_SURVEY,
        off_index(Clock.due_on) < window.first_on,
        begun,
        not_(timers.begun_before(Clock, window.start)),
        *counted(extent, window),
    )
    agreed_late = select(func.count()).select_from(Clock).join(Ticket, Ticket.id == Clock.ticket_id)
    missed = sum(
        db.session.scalar(agreed_late.where(was_there, *late)) or 0
        for was_there in (Ticket.is_open == true(), Ticket.closed_at >= window.start)
    )
    return sum(row[1] for row in rows) + missed, sum(row[2] for row in rows)


@dataclass
class Called:
    """The callbacks of one community while they are being counted."""

    due: int = 0
    made: int = 0
    on_time: int = 0
    unreached: int = 0
    answers: Counter[Satisfaction] = field(default_factory=Counter)


def by_community(extent: Extent, window: Window) -> dict[int, Called]:
    """W8 by community: callbacks that fell due, and the answers given in the period."""
    called: dict[int, Called] = defaultdict(Called)
    for community_id, due, made, on_time in _callbacks_due(extent, window):
        one = called[community_id]
        one.due, one.made, one.on_time = due, made, on_time
    in_period = (CallbackRecord.at >= window.start, CallbackRecord.at < window.cutoff)
    answers = db.session.execute(
        select(Ticket.community_id, CallbackRecord.satisfaction, func.count())
        .join(Ticket, Ticket.id == CallbackRecord.ticket_id)
        .where(*in_period, CallbackRecord.reached, extent.holds(Ticket.community_id))
        .group_by(Ticket.community_id, CallbackRecord.satisfaction)
    )
    for community_id, satisfaction, count in answers:
        assert satisfaction is not None
        called[community_id].answers[satisfaction] = count
    answer = aliased(CallbackRecord)
    tries = db.session.execute(
        select(Ticket.community_id, CallbackRecord.ticket_id, CallbackRecord.round)
        .join(Ticket, Ticket.id == CallbackRecord.ticket_id)
        .where(
            *in_period,
            not_(CallbackRecord.reached),
            extent.holds(Ticket.community_id),
            ~exists().where(
                answer.ticket_id == CallbackRecord.ticket_id,
                answer.round == CallbackRecord.round,
                answer.reached,
                answer.at < window.cutoff,
            ),
        )
        .distinct()
    )
    for row in tries:
        called[row[0]].unreached += 1
    return called


def _callbacks_due(extent: Extent, window: Window) -> list[tuple[int, int, int, int]]:
    """(community, callbacks due in the window, of these made by the cut-off, made in time).

    Made is: somebody answered, or three tries on two days found nobody (procedure 3.5.4).
    """
    days = limits(window)
    rows = db.session.execute(
        select(
            Clock.community_id,
            func.count(),
            func.sum(case((done_before(window.cutoff), 1), else_=0)),
            func.sum(case((done_before(days.c.late_at), 1), else_=0)),
        )
        .join(days, days.c.due_on == Clock.due_on)
        .join(Ticket, Ticket.id == Clock.ticket_id)
        .where(Clock.kind == ClockKind.CALLBACK, *counted(extent, window))
        .group_by(Clock.community_id)
    )
    return [(row[0], row[1], int(row[2]), int(row[3])) for row in rows]
