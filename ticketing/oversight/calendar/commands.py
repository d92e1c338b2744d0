"""Putting a change of the working calendar in force, and what follows for the clocks that run.

Due dates that have not come yet are reckoned anew; one that has come, today included, never moves.
"""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, NamedTuple, cast

from sqlalchemy import Table, bindparam, select, update

from ticketing.casefile.notices.commands import Message, tell
from ticketing.casefile.notices.models import NoticeKind
from ticketing.casefile.papers.dues import ON_THE_WAY, copy_dues
from ticketing.casefile.tickets.models import Ticket
from ticketing.casefile.tickets.telling import people_as
from ticketing.casefile.timers.models import Clock, ClockEvent, ClockEventKind, ClockState
from ticketing.journal.commands import Actor, Line, record_all
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import NotPermitted
from ticketing.masters.people.models import User
from ticketing.masters.workcalendar import commands as workcalendar
from ticketing.masters.workcalendar import queries
from ticketing.masters.workcalendar.models import CalendarProposal, ProposalKind
from ticketing.procedure.deadlines import (
    STAGE_CLOCK,
    ClockKind,
    Deadline,
    Unit,
    bells,
    limit_for,
    limit_of,
)
from ticketing.procedure.permissions import Act, may, roles_for
from ticketing.procedure.workdays import CLOSES, add_working_days, moved_forward
from ticketing.steps.work_orders.models import WorkOrder

BATCH = 500
_DAY_KINDS = tuple(kind for kind in ClockKind if limit_of(kind).unit is not Unit.HOURS)
_clocks, _events, _tickets, _orders = (
    cast(Table, model.__table__) for model in (Clock, ClockEvent, Ticket, WorkOrder)
)
_COMPLETION = ("complaint_due_on", "complaint_due_provisional")
_OWN = ("due_on", "due_provisional")
"""Columns of a ticket that repeat the due date of its completion clock, and of that of its stage."""


class Outcome(NamedTuple):
    """What came of a change: how many running clocks were looked at, and how many due dates moved."""

    looked_at: int
    moved: int


def propose(how: Callable[..., CalendarProposal], *, actor: User, **facts: Any) -> CalendarProposal:
    """Ask for a change of the calendar in one of its ways, and tell those who may confirm it (procedure 3.4.5).

    Raises Invalid, Conflict.
    """
    made = how(actor=actor, **facts)
    what = f"{made.year} 年{made.kind}" if made.kind is ProposalKind.YEAR else made.kind.label
    days = workcalendar.days_of(made)
    message = Message(
        user_ids=tuple(
            one for one in people_as(tuple(roles_for(Act.MANAGE_CALENDAR))) if one != actor.id
        ),
        kind=NoticeKind.CALENDAR,
        event=f"calendar:{made.id}",
        title=f"工作日历：{what}待第二人确认",
        body=f"{actor.name} 提出：{made.number or f'{days[0].day} {days[0].name}'}",
        path=f"/calendar/proposals/{made.id}",
    )
    tell([message], at=made.proposed_at)
    return made


def confirm(proposal_id: int, *, actor: User) -> Outcome:
    """The second person puts a proposal in force, and the due dates to come follow (procedure 3.4.5).

    Raises NotFound, NotPermitted (the same person, or one without the right), Conflict, Invalid.
    """
    _hold_papers()
    proposal = _judged(proposal_id, actor)
    proposer = db.session.get_one(User, proposal.proposed_by_id)
    if proposer.is_same_person(actor):
        raise NotPermitted("须由提出人以外的第二人确认。")
    workcalendar.put_in_force(proposal, actor=actor)
    return recalculate(actor)


def drop(proposal_id: int, *, actor: User) -> CalendarProposal:
    """Take a proposal off the table. Raises NotFound, NotPermitted, Conflict."""
    return workcalendar.drop(_judged(proposal_id, actor), actor=actor)


def load(actor: User | None) -> tuple[list[int], Outcome]:
    """Take over what a newer package knows; due dates that were reckoned with an older edition follow.

    Silent when there is nothing new, so it may run every night.
    """
    _hold_papers()
    return workcalendar.load_known_years(actor), recalculate(actor)


def recalculate(actor: Actor | None) -> Outcome:
    """Reckon anew every running clock whose due date lies after today and is of an older edition.

    The new date is never before the next working day: a change does not make anybody late at once. An
    extended clock keeps the agreed date and only moves forward off a day of rest; limits in hours stay.
    """
    calendar, at = queries.snapshot(), clock.now()
    rows = db.session.execute(
        select(
            *_clocks.c,
            _tickets.c.stage.label("stage"),
            _tickets.c.version.label("version"),
            _orders.c.version.label("order_version"),
        )
        .join_from(_clocks, _tickets, _clocks.c.ticket_id == _tickets.c.id, isouter=True)
        .outerjoin(_orders, _clocks.c.order_id == _orders.c.id)
        .where(
            _clocks.c.state == ClockState.RUNNING,
            _clocks.c.kind.in_(_DAY_KINDS),
            _clocks.c.due_on > clock.today(),
            _clocks.c.calendar_edition != calendar.edition,
        )
        .order_by(_clocks.c.id)
    ).all()
    reckoning = _Reckoning(calendar)
    moved = 0
    for n in range(0, len(rows), BATCH):
        changes = [reckoning.change(row) for row in rows[n : n + BATCH]]
        moved += _write(changes, calendar.edition, at, actor)
    return Outcome(len(rows), moved)


class _Change(NamedTuple):
    """A clock with its new deadline, and when it has to be said next."""

    row: Any
    due: Deadline
    next_at: datetime | None

    @property
    def moved(self) -> bool:
        return bool(self.row.due_on != self.due.on)

    @property
    def original_due_on(self) -> date:
        """The first due date: it follows, unless a later one was agreed or more trades were added."""
        first: date = self.row.original_due_on
        return self.due.on if first == self.row.due_on and not self.row.extensions else first


class _Reckoning:
    """The arithmetic with one snapshot: thousands of clocks share a few hundred start days."""

    def __init__(self, calendar: queries.Snapshot) -> None:
        self.calendar = calendar
        self.earliest = add_working_days(clock.today(), 1, calendar)
        self.found: dict[tuple[ClockKind, int | None, date], Deadline] = {}

    def change(self, row: Any) -> _Change:
        """What the clock of this row becomes."""
        due = self._extended(row.due_on) if row.extensions else self._plain(row)
        if due.on < self.earliest.on:
            on, provisional = self.earliest
            due = Deadline(on, clock.at(on, *CLOSES), provisional)
        unit = limit_of(row.kind).unit
        rings = bells(unit, row.started_at, due.on, due.at, self.calendar)
        ahead = [instant for level, instant in rings if not row.rung & level.bit]
        return _Change(row, due, min(ahead, default=None))

    def _plain(self, row: Any) -> Deadline:
        key = (row.kind, row.trades, clock.local(row.started_at).date())
        if key not in self.found:
            limit = limit_for(row.kind, row.trades)
            self.found[key] = limit.deadline(row.started_at, self.calendar)
        return self.found[key]

    def _extended(self, agreed: date) -> Deadline:
        on, provisional = moved_forward(agreed, self.calendar)
        return Deadline(on, clock.at(on, *CLOSES), provisional)


def _judged(proposal_id: int, actor: User) -> CalendarProposal:
    if not may(actor.roles, Act.MANAGE_CALENDAR):
        raise NotPermitted("您的岗位不能维护工作日历。")
    return queries.proposal(proposal_id, hold=True)


def _hold_papers() -> None:
    """Lock the tickets whose clocks may move, in the order of their ids, before the journal is locked.

    Every act on a ticket locks the ticket first and the head of the journal last.
    """
    running = select(_clocks.c.ticket_id).where(
        _clocks.c.state == ClockState.RUNNING, _clocks.c.due_on > clock.today()
    )
    db.session.execute(
        select(_tickets.c.id)
        .where(_tickets.c.id.in_(running))
        .order_by(_tickets.c.id)
        .with_for_update()
    )


def _write(changes: list[_Change], edition: int, at: datetime, actor: Actor | None) -> int:
    """Write one batch: clocks, events, the tickets' own columns, the journal; how many dates moved."""
    moved = [change for change in changes if change.moved]
    db.session.execute(
        _SET_CLOCK,
        [
            {
                "clock_id": change.row.id,
                "due_on": change.due.on,
                "due_at": change.due.at,
                "original_due_on": change.original_due_on,
                "provisional": change.due.provisional,
                "calendar_edition": edition,
                "next_at": change.next_at,
            }
            for change in changes
        ],
    )
    if moved:
        db.session.execute(
            _events.insert(),
            [
                {
                    "clock_id": change.row.id,
                    "kind": ClockEventKind.RECALCULATED,
                    "level": str(edition),
                    "at": at,
                    "policy": change.row.policy,
                    "calendar_edition": edition,
                    "due_from": change.row.due_on,
                    "due_on": change.due.on,
                }
                for change in moved
            ],
        )
    _write_tickets(changes)
    _write_orders(changes)
    lines: dict[str, list[Line]] = {"ticket": [], "order": []}
    for change in moved:
        row, dates = change.row, [change.row.due_on.isoformat(), change.due.on.isoformat()]
        facts = {"clock": row.kind.value, "changed": {"due_on": dates}}
        if row.ticket_id is not None:
            lines["ticket"].append(Line(row.ticket_id, row.version, facts))
        if row.order_id is not None:
            lines["order"].append(Line(row.order_id, row.order_version, facts))
    for subject, told in lines.items():
        act = Act.MANAGE_CALENDAR.value
        record_all(subject, act, told, actor=actor, at=at, clause="3.4.5")
    return len(moved)


def _write_orders(changes: list[_Change]) -> None:
    """Let work orders repeat the new dates of their clocks, and their tickets the next of them."""
    rows = [
        {
            "order_row": change.row.order_id,
            "new_due": change.due.on,
            "new_mark": change.due.provisional,
        }
        for change in changes
        if change.row.order_id is not None
    ]
    if rows:
        db.session.execute(
            update(_orders)
            .where(_orders.c.id == bindparam("order_row"))
            .values(due_on=bindparam("new_due"), due_provisional=bindparam("new_mark")),
            rows,
        )
    repairs = {
        change.row.ticket_id
        for change in changes
        if change.row.kind in ON_THE_WAY and change.row.ticket_id is not None
    }
    if repairs:
        copy_dues(sorted(repairs))


def _write_tickets(changes: list[_Change]) -> None:
    """Let the tickets repeat the new dates, column by column."""
    wanted: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for change in changes:
        if change.row.ticket_id is None:
            continue
        columns = [_COMPLETION] if change.row.kind is ClockKind.COMPLAINT else []
        if STAGE_CLOCK.get(change.row.stage) is change.row.kind:
            columns.append(_OWN)
        for pair in columns:
            values = {"ticket_row": change.row.ticket_id, "new_due": change.due.on}
            wanted.setdefault(pair, []).append({**values, "new_mark": change.due.provisional})
    for (column, mark), rows in wanted.items():
        values = {column: bindparam("new_due"), mark: bindparam("new_mark")}
        db.session.execute(
            update(_tickets).where(_tickets.c.id == bindparam("ticket_row")).values(values), rows
        )


_SET_CLOCK = (
    update(_clocks)
    .where(_clocks.c.id == bindparam("clock_id"))
    .values(
        {
            name: bindparam(name)
            for name in (
                "due_on",
                "due_at",
                "original_due_on",
                "provisional",
                "calendar_edition",
                "next_at",
            )
        }
    )
)
