"""What fell due in a period and how it was kept: department feedback, completion, callbacks.

Denominators are the items due in the period; cases that left as invalid, withdrawn or merged before
the cut-off are out of both sides (procedure 3.4.2.2, 3.4.5, 3.5.4).
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple

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
    values,
)
from sqlalchemy.orm import aliased

from ticketing.casefile.tickets.models import CallbackRecord, Note, Ticket
from ticketing.kernel import clock
from ticketing.kernel.db import UtcDateTime, db
from ticketing.masters.workcalendar.queries import calendar
from ticketing.oversight.reports.stock import EXITS, Extent, Rewound
from ticketing.procedure.deadlines import CALLBACK
from ticketing.procedure.periods import ONE_DAY
from ticketing.procedure.vocabulary import NoteKind, Satisfaction

CHUNK = 500
LONGEST_BREAK = timedelta(days=31)
"""No deadline of a few working days reaches further, whatever the holidays."""


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


def _left(window: Window) -> ColumnElement[bool]:
    """The case was out of the count before the cut-off."""
    return and_(Ticket.stage.in_(EXITS), Ticket.closed_at < window.cutoff)


def by_department(
    extent: Extent, window: Window, rewound: dict[int, Rewound]
) -> dict[int | None, Kept]:
    """W4 without the overdue columns, by responsible department; None is not yet dispatched.

    A case handed on to another department counts at the one that holds it.
    """
    kept: dict[int | None, Kept] = defaultdict(Kept)
    ours = extent.holds(Ticket.community_id)
    sent = db.session.execute(
        select(Ticket.department_id, func.count())
        .where(
            Ticket.feedback_due_on.between(window.first_on, window.as_of_on + LONGEST_BREAK),
            Ticket.dispatched_at >= window.start,
            Ticket.dispatched_at < window.cutoff,
            ours,
        )
        .group_by(Ticket.department_id)
    )
    for department_id, count in sent:
        kept[department_id].dispatched = count
    for department_id, due, on_time in _answered(extent, window):
        kept[department_id].feedback_due = due
        kept[department_id].feedback_on_time = on_time
    for department_id, due, on_time in _completed(extent, window):
        kept[department_id].due = due
        kept[department_id].on_time = on_time
    then = {
        ticket_id: told
        for ticket_id, told in rewound.items()
        if window.first_on <= told.due_on <= window.as_of_on
    }
    for ticket_id, department_id in _departments_of(then):
        told = then[ticket_id]
        kept[department_id].due += 1
        kept[department_id].on_time += _in_time(told, window)
    return kept


def _limits(window: Window) -> CTE:
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


def _answered(extent: Extent, window: Window) -> list[tuple[int | None, int, int]]:
    """(department, feedback due, of these sent in time)."""
    limits = _limits(window)
    rows = db.session.execute(
        select(
            Ticket.department_id,
            func.count(),
            func.sum(case((Ticket.fed_back_at < limits.c.late_at, 1), else_=0)),
        )
        .join(limits, limits.c.due_on == Ticket.feedback_due_on)
        .where(
            Ticket.dispatched_at < window.cutoff,
            not_(_left(window)),
            extent.holds(Ticket.community_id),
        )
        .group_by(Ticket.department_id)
    )
    return [(row[0], row[1], int(row[2])) for row in rows]


def _completed(extent: Extent, window: Window) -> list[tuple[int | None, int, int]]:
    """(department, completions due, of these closed in time).

    What was reopened since has a new date, beyond the window: `rewind` tells the one it had.
    """
    limits = _limits(window)
    rows = db.session.execute(
        select(
            Ticket.department_id,
            func.count(),
            func.sum(case((Ticket.closed_at < limits.c.late_at, 1), else_=0)),
        )
        .join(limits, limits.c.due_on == Ticket.complaint_due_on)
        .where(
            Ticket.registered_at < window.cutoff,
            not_(_left(window)),
            extent.holds(Ticket.community_id),
        )
        .group_by(Ticket.department_id)
    )
    return [(row[0], row[1], int(row[2])) for row in rows]


def _departments_of(ids: Iterable[int]) -> Iterator[tuple[int, int | None]]:
    """(ticket, responsible department), a few hundred at a time."""
    every = sorted(ids)
    for n in range(0, len(every), CHUNK):
        for row in db.session.execute(
            select(Ticket.id, Ticket.department_id).where(Ticket.id.in_(every[n : n + CHUNK]))
        ):
            yield row[0], row[1]


def _in_time(told: Rewound, window: Window) -> bool:
    """Closed by the end of the Shanghai day on which it was due."""
    return told.closed_at is not None and told.closed_at < min(
        clock.at(told.due_on + ONE_DAY), window.cutoff
    )


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
    for community_id, made, on_time in _rounds(extent, window):
        one = called[community_id]
        one.due += 1
        one.made += made
        one.on_time += on_time
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


def _rounds(extent: Extent, window: Window) -> Iterator[tuple[int, bool, bool]]:
    """(community, reached by the cut-off, reached in time) of each round of callbacks that fell due.

    A round begins when the department reports its work done; the n-th such report of a ticket is
    its n-th round, and at most one call of a round reaches the customer.
    """
    days = _days_leading_to(window)
    if not days:
        return
    earlier = aliased(Note)
    number = (
        select(func.count())
        .where(
            earlier.ticket_id == Note.ticket_id,
            earlier.kind == NoteKind.RESOLUTION,
            earlier.id <= Note.id,
        )
        .correlate(Note)
        .scalar_subquery()
    )
    rows = db.session.execute(
        select(Ticket.community_id, Note.at, CallbackRecord.at)
        .select_from(Note)
        .join(Ticket, Ticket.id == Note.ticket_id)
        .outerjoin(
            CallbackRecord,
            and_(
                CallbackRecord.ticket_id == Note.ticket_id,
                CallbackRecord.round == number,
                CallbackRecord.reached,
                CallbackRecord.at < window.cutoff,
            ),
        )
        .where(
            Note.kind == NoteKind.RESOLUTION,
            Note.at >= days[0].begins_at,
            Note.at < days[-1].ends_at,
            not_(_left(window)),
            extent.holds(Ticket.community_id),
        )
    )
    begins = [day.begins_at for day in days]
    for community_id, resolved_at, reached_at in rows:
        day = days[bisect_right(begins, resolved_at) - 1]
        yield community_id, reached_at is not None, bool(reached_at and reached_at < day.late_at)


class WorkDone(NamedTuple):
    """A day on which work was reported done: its bounds, and when the callback is late."""

    begins_at: datetime
    ends_at: datetime
    late_at: datetime


def _days_leading_to(window: Window) -> list[WorkDone]:
    """The days, without gap, on which finished work makes a callback fall due inside the window."""
    span = (window.as_of_on - window.first_on + LONGEST_BREAK).days
    found = []
    for day in (window.first_on - LONGEST_BREAK + timedelta(days=n) for n in range(span)):
        due_on = CALLBACK.deadline(clock.at(day), calendar).on
        if window.first_on <= due_on <= window.as_of_on:
            late_at = min(clock.at(due_on + ONE_DAY), window.cutoff)
            found.append(WorkDone(clock.at(day), clock.at(day + ONE_DAY), late_at))
    return found
