"""The stock of open tickets at any instant, and what moved it, told from the flows (3.10.3).

A ticket is open at an instant when its moves before it leave it open. Only tickets that are open now or
ended since can be, so the reading stays short however old the register is.
Classification, grade and responsible department are those known when the question is asked.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, CompoundSelect, case, func, select, true, union_all

from ticketing.casefile.tickets.models import Ticket, TicketFlow
from ticketing.casefile.timers.models import Clock
from ticketing.kernel.db import db, off_index
from ticketing.masters.estate.models import Community
from ticketing.procedure.deadlines import ClockKind
from ticketing.procedure.vocabulary import Category, Flow, Grade, TicketStage

EXITS = (TicketStage.INVALID, TicketStage.WITHDRAWN, TicketStage.MERGED)
"""Ends that take a case out of both sides of every rate."""

SIGN = case((TicketFlow.flow.in_([flow for flow in Flow if flow.sign > 0]), 1), else_=-1)


@dataclass(frozen=True)
class Extent:
    """What a report is about: the communities of one office, or all of them."""

    communities: tuple[Community, ...]
    whole_company: bool

    def holds(self, column: Any) -> ColumnElement[bool]:
        """The condition that a community column lies within.

        It stands on an expression, so that no engine walks a community's whole history by its index:
        reports are always bounded by time, or by being open, and those indexes are the short way.
        """
        if self.whole_company:
            return true()
        return off_index(column).in_([community.id for community in self.communities])


class OpenCase(NamedTuple):
    """A ticket that was open at the instant asked for."""

    id: int
    community_id: int
    category: Category | None
    grade: Grade
    department_id: int | None
    received_at: datetime
    due_on: date


class Movement(NamedTuple):
    """How many tickets of one kind made one move."""

    community_id: int
    flow: Flow
    category: Category | None
    grade: Grade
    number: int


def opening(extent: Extent, at: datetime) -> Counter[int]:
    """How many tickets of each community were open at `at`."""
    now = (
        select(Ticket.community_id, func.count())
        .where(Ticket.is_open == true(), extent.holds(Ticket.community_id))
        .group_by(Ticket.community_id)
    )
    since = (
        select(TicketFlow.community_id, -func.sum(SIGN))
        .where(TicketFlow.at >= at, extent.holds(TicketFlow.community_id))
        .group_by(TicketFlow.community_id)
    )
    stock: Counter[int] = Counter()
    for community_id, count in db.session.execute(union_all(now, since)):
        stock[community_id] += int(count)
    return stock


def was_open(at: datetime) -> ColumnElement[bool]:
    """The condition that the flows of a ticket before `at` leave it open."""
    told = (
        select(func.sum(SIGN))
        .where(TicketFlow.ticket_id == Ticket.id, TicketFlow.at < at)
        .correlate(Ticket)
        .scalar_subquery()
    )
    return told == 1


def open_cases(
    extent: Extent, at: datetime, rewound: dict[int, "Rewound"] | None = None
) -> list[OpenCase]:
    """The tickets that were open at `at`, each with the completion date it had then."""
    columns = (
        Ticket.id,
        Ticket.community_id,
        Ticket.category,
        Ticket.grade,
        Ticket.department_id,
        Ticket.received_at,
        Ticket.complaint_due_on,
    )
    cases = (OpenCase(*row) for row in db.session.execute(_left_open(extent, at, columns)))
    if not rewound:
        return list(cases)
    return [
        one._replace(due_on=rewound[one.id].due_on) if one.id in rewound else one for one in cases
    ]


def open_ids(extent: Extent, at: datetime) -> CompoundSelect[int]:
    """The ids of the tickets that were open at `at`."""
    return _left_open(extent, at, (Ticket.id,))


def _left_open(extent: Extent, at: datetime, columns: tuple[Any, ...]) -> CompoundSelect[Any]:
    """Only what is open now or ended since can have been; the flows decide."""
    ours = (extent.holds(Ticket.community_id), was_open(at))
    return union_all(
        select(*columns).where(Ticket.is_open == true(), *ours),
        select(*columns).where(Ticket.closed_at >= at, Ticket.registered_at < at, *ours),
    )


def flows(extent: Extent, start: datetime, end: datetime) -> Counter[Flow]:
    """How many moves of each kind were made from `start` up to, not including, `end`."""
    rows = db.session.execute(
        select(TicketFlow.flow, func.count())
        .where(TicketFlow.at >= start, TicketFlow.at < end, extent.holds(TicketFlow.community_id))
        .group_by(TicketFlow.flow)
    )
    return Counter({row[0]: row[1] for row in rows})


def movements(
    extent: Extent, start: datetime, end: datetime, kinds: Iterable[Flow] = Flow
) -> list[Movement]:
    """The moves from `start` up to, not including, `end`, by community, kind and classification."""
    rows = db.session.execute(
        select(
            TicketFlow.community_id, TicketFlow.flow, Ticket.category, Ticket.grade, func.count()
        )
        .join(Ticket, Ticket.id == TicketFlow.ticket_id)
        .where(TicketFlow.at >= start, TicketFlow.at < end, extent.holds(TicketFlow.community_id))
        .group_by(TicketFlow.community_id, TicketFlow.flow, Ticket.category, Ticket.grade)
    )
    return [Movement(*row) for row in rows]


class Rewound(NamedTuple):
    """What a ticket reopened later said at the instant asked for."""

    due_on: date
    closed_at: datetime | None


def rewind(extent: Extent, at: datetime) -> dict[int, Rewound]:
    """The completion date and closing instant, as they stood at `at`, of tickets reopened since.

    Reopening gives a ticket a new completion date and clears its closing (procedure 3.4.2), so these
    two cannot be read off the ticket for an earlier instant.
    """
    reopened = select(TicketFlow.ticket_id).where(
        TicketFlow.at >= at,
        TicketFlow.flow == Flow.REOPENED,
        extent.holds(TicketFlow.community_id),
    )
    told: dict[int, Rewound] = {}
    rounds: Counter[int] = Counter()
    due_on = {
        (row[0], row[1]): row[2]
        for row in db.session.execute(
            select(Clock.ticket_id, Clock.round, Clock.due_on).where(
                Clock.kind == ClockKind.COMPLAINT, Clock.ticket_id.in_(reopened)
            )
        )
    }
    rows = db.session.execute(
        select(TicketFlow.ticket_id, TicketFlow.flow, TicketFlow.at)
        .where(TicketFlow.ticket_id.in_(reopened), TicketFlow.at < at)
        .order_by(TicketFlow.id)
    )
    for ticket_id, flow, moved_at in rows:
        if flow.sign > 0:
            rounds[ticket_id] += 1
            told[ticket_id] = Rewound(due_on[ticket_id, rounds[ticket_id]], None)
        else:
            told[ticket_id] = told[ticket_id]._replace(closed_at=moved_at)
    return told


def recount(extent: Extent, at: datetime, rewound: dict[int, Rewound]) -> int:
    """How many tickets were open at `at` by the register itself, to hold against the flows.

    Registered by then, and open still or ended only since; less those reopened since that had been
    closed then. `rewound` is what `rewind` says for the same instant.
    """
    ours = extent.holds(Ticket.community_id)
    still = db.session.scalars(select(Ticket.registered_at).where(Ticket.is_open == true(), ours))
    since = db.session.scalar(
        select(func.count()).where(Ticket.closed_at >= at, Ticket.registered_at < at, ours)
    )
    counted = sum(registered_at < at for registered_at in still) + (since or 0)
    return counted - sum(told.closed_at is not None for told in rewound.values())
