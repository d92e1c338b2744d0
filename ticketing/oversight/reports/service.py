"""What fell due in a period and how it was kept: department feedback, completion, callbacks.

Denominators are the items due in the period; cases that left as invalid, withdrawn or merged before
the cut-off are out of both sides (procedure 3.4.2.2, 3.4.5, 3.5.4).
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, not_, select
from sqlalchemy.orm import aliased

from ticketing.casefile.tickets.models import CallbackRecord, Note, Ticket
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.masters.workcalendar import calendar
from ticketing.oversight.reports.stock import EXITS, Extent, Rewound
from ticketing.procedure.deadlines import CALLBACK
from ticketing.procedure.periods import ONE_DAY
from ticketing.procedure.vocabulary import NoteKind, Satisfaction

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
    answered = db.session.execute(
        select(Ticket.department_id, Ticket.feedback_due_on, Ticket.fed_back_at).where(
            Ticket.feedback_due_on.between(window.first_on, window.as_of_on),
            Ticket.dispatched_at < window.cutoff,
            not_(_left(window)),
            ours,
        )
    )
    for department_id, due_on, done_at in answered:
        kept[department_id].feedback_due += 1
        kept[department_id].feedback_on_time += _in_time(done_at, due_on, window)
    for department_id, due_on, done_at in _completions(extent, window, rewound):
        kept[department_id].due += 1
        kept[department_id].on_time += _in_time(done_at, due_on, window)
    return kept


def _completions(
    extent: Extent, window: Window, rewound: dict[int, Rewound]
) -> list[tuple[int | None, date, datetime | None]]:
    """(department, completion date, closed at) of the cases whose completion fell due."""
    rows = db.session.execute(
        select(Ticket.id, Ticket.department_id, Ticket.complaint_due_on, Ticket.closed_at).where(
            Ticket.complaint_due_on.between(window.first_on, window.as_of_on),
            Ticket.registered_at < window.cutoff,
            not_(_left(window)),
            extent.holds(Ticket.community_id),
        )
    )
    due: list[tuple[int | None, date, datetime | None]] = [
        (row[1], row[2], row[3]) for row in rows if row[0] not in rewound
    ]
    then = {
        ticket_id: told
        for ticket_id, told in rewound.items()
        if window.first_on <= told.due_on <= window.as_of_on
    }
    if then:
        held = db.session.execute(
            select(Ticket.id, Ticket.department_id).where(Ticket.id.in_(then))
        )
        due += [(row[1], then[row[0]].due_on, then[row[0]].closed_at) for row in held]
    return due


def _in_time(done_at: datetime | None, due_on: date | None, window: Window) -> bool:
    """Done before the cut-off and on time: not after the due date, by the Shanghai calendar."""
    return (
        done_at is not None
        and due_on is not None
        and done_at < window.cutoff
        and done_at < _day_after(due_on)
    )


@lru_cache(maxsize=1024)
def _day_after(due_on: date) -> datetime:
    """The instant from which something due on `due_on` is late."""
    return clock.at(due_on + ONE_DAY)


@lru_cache(maxsize=1024)
def _call_due(resolved_on: date) -> date:
    return CALLBACK.due(resolved_on, calendar).on


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
    for community_id, resolved_at, reached_at in _rounds(extent, window):
        due_on = _call_due(clock.local(resolved_at).date())
        one = called[community_id]
        one.due += 1
        one.made += reached_at is not None
        one.on_time += _in_time(reached_at, due_on, window)
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


def _rounds(extent: Extent, window: Window) -> list[Any]:
    """(community, resolved at, reached at) of each round of callbacks that fell due in the period.

    A round begins when the department reports its work done; the n-th such report of a ticket is
    its n-th round. `reached_at` is None when nobody was reached before the cut-off.
    """
    days = _days_leading_to(window)
    if not days:
        return []
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
    reached_at = (
        select(func.min(CallbackRecord.at))
        .where(
            CallbackRecord.ticket_id == Note.ticket_id,
            CallbackRecord.round == number,
            CallbackRecord.reached,
            CallbackRecord.at < window.cutoff,
        )
        .correlate(Note)
        .scalar_subquery()
    )
    return list(
        db.session.execute(
            select(Ticket.community_id, Note.at, reached_at)
            .join(Ticket, Ticket.id == Note.ticket_id)
            .where(
                Note.kind == NoteKind.RESOLUTION,
                Note.at >= clock.at(days[0]),
                Note.at < clock.at(days[-1] + ONE_DAY),
                not_(_left(window)),
                extent.holds(Ticket.community_id),
            )
        )
    )


def _days_leading_to(window: Window) -> list[date]:
    """The days on which finished work makes a callback fall due inside the window, in order."""
    span = (window.as_of_on - window.first_on + LONGEST_BREAK).days
    first = window.first_on - LONGEST_BREAK
    days = (first + timedelta(days=n) for n in range(span))
    return [day for day in days if window.first_on <= _call_due(day) <= window.as_of_on]
