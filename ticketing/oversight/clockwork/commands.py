"""Ringing the clocks that have something to say, batch by batch, in the caller's transaction."""

from datetime import datetime
from typing import Any, NamedTuple, cast

from sqlalchemy import CursorResult, Table, bindparam, select

from ticketing.casefile.notices.commands import Message, tell
from ticketing.casefile.notices.models import NoticeKind
from ticketing.casefile.tickets.commands import SUBJECT
from ticketing.casefile.tickets.models import Ticket
from ticketing.casefile.timers.models import Clock, ClockEvent, ClockEventKind, ClockState
from ticketing.journal.commands import Line, record_all
from ticketing.kernel import clock as time
from ticketing.kernel.db import db
from ticketing.masters.estate.models import Community, ServiceOffice
from ticketing.masters.people.models import User
from ticketing.masters.workcalendar.queries import Snapshot, snapshot
from ticketing.oversight.clockwork.hearers import Hearers, Owner
from ticketing.procedure.deadlines import ClockKind, Level, bells, limit_of
from ticketing.procedure.vocabulary import Grade, SystemEvent
from ticketing.steps.work_orders.models import WorkOrder

BATCH = 250
"""Clocks a transaction: the write lock is held for some hundredths of a second."""


class Ring(NamedTuple):
    """A clock that has something to say: what became due, what has been said now, when it speaks again."""

    row: Any
    levels: list[Level]
    rung: int
    next_at: datetime | None

    @property
    def loudest(self) -> Level:
        """The level people are told of; what was missed meanwhile is only put on record."""
        return self.levels[-1]


def ring(at: datetime, *, limit: int = BATCH) -> int:
    """Ring up to `limit` clocks whose bell was due by `at`; how many there were (procedure 3.4.5, 3.4.7).

    Each level that became due is put on record as an event, a breach in the journal too; people hear the loudest
    one only, and its event names them. Two processes never ring the same clock: it is claimed by what it had said so far.
    """
    calendar = snapshot()
    rings = [
        _ring(row, at, calendar) for row in db.session.execute(_DUE, {"now": at, "most": limit})
    ]
    if not rings:
        return 0
    claimed = cast(
        CursorResult[Any],
        db.session.execute(
            _CLAIM,
            [
                {"clock": one.row.id, "had": one.row.rung, "now": one.rung, "then": one.next_at}
                for one in rings
            ],
        ),
    )
    if claimed.rowcount != len(rings):
        raise RuntimeError("a clock was rung by two at once")
    hearers = Hearers.read()
    messages = {one.row.id: _message(one, hearers) for one in rings if one.levels}
    names = _names({user_id for message in messages.values() for user_id in message.user_ids})
    events = [
        {
            "clock_id": one.row.id,
            "kind": ClockEventKind.BREACHED if level is Level.BREACH else ClockEventKind.WARNED,
            "level": level.value,
            "at": at,
            "policy": one.row.policy,
            "calendar_edition": calendar.edition,
            "due_on": one.row.due_on,
            "told": "、".join(names[user_id] for user_id in messages[one.row.id].user_ids)
            if level is one.loudest
            else "",
        }
        for one in rings
        for level in one.levels
    ]
    if events:
        db.session.execute(_EVENTS, events)
    breaches = [
        Line(
            one.row.ticket_id,
            0,
            {"clock": one.row.kind.label, "due_on": one.row.due_on.isoformat()},
            limit_of(one.row.kind).clause,
        )
        for one in rings
        if Level.BREACH in one.levels and one.row.ticket_id is not None
    ]
    record_all(SUBJECT, SystemEvent.BREACH.value, breaches, actor=None, at=at)
    tell(messages.values(), at=at)
    return len(rings)


def _names(user_ids: set[int]) -> dict[int, str]:
    rows = db.session.execute(select(User.id, User.name).where(User.id.in_(user_ids)))
    return {row[0]: row[1] for row in rows}


def anything_due(at: datetime) -> bool:
    """Whether some clock has something to say by `at`: one look at an index."""
    due = select(Clock.id).where(Clock.state == ClockState.RUNNING, Clock.next_at <= at).limit(1)
    return db.session.scalar(due) is not None


def _ring(row: Any, at: datetime, calendar: Snapshot) -> Ring:
    unit = limit_of(row.kind).unit
    ringing = list(bells(unit, row.started_at, row.due_on, row.due_at, calendar))
    unsaid = [(level, bell) for level, bell in ringing if not row.rung & level.bit]
    levels = [level for level, bell in unsaid if bell <= at]
    later = min((bell for _level, bell in unsaid if bell > at), default=None)
    return Ring(row, levels, row.rung | sum(level.bit for level in levels), later)


def _message(one: Ring, hearers: Hearers) -> Message:
    row, level = one.row, one.loudest
    owner = Owner(row.kind, row.community_id, row.office_id, row.department_id, row.handler_id)
    urgent = row.grade is Grade.MAJOR or row.kind in (ClockKind.EMERGENCY, ClockKind.ESCALATION)
    late = level in (Level.BREACH, Level.DAY_AFTER)
    if row.ticket_id is None:
        subject, path = f"{row.office} {row.report_key}", "/reports/"
    elif row.order_id is not None:
        subject, path = f"{row.order} {row.community}{row.room}", f"/orders/{row.order_id}"
    else:
        subject, path = f"{row.number} {row.community}{row.room}", f"/tickets/{row.ticket_id}"
    due = time.show_date(row.due_on)
    if row.kind is ClockKind.EMERGENCY:
        due = time.show_instant(row.due_at)
    return Message(
        user_ids=hearers.of(owner, level),
        kind=_kind(row.kind, late),
        event=f"clock:{row.id}:{level.value}:{row.due_on}",
        title=f"{level.label}：{row.kind.label} {subject}",
        body=f"时限 {due}。{row.scope or row.summary or ''}",
        path=path,
        community_id=row.community_id,
        urgent=urgent,
    )


def _kind(kind: ClockKind, late: bool) -> NoticeKind:
    if kind is ClockKind.ESCALATION:
        return NoticeKind.MAJOR
    if late:
        return NoticeKind.BREACH
    return NoticeKind.REPORT if kind is ClockKind.WEEKLY_REPORT else NoticeKind.REMINDER


_DUE = (
    select(
        Clock.id,
        Clock.kind,
        Clock.ticket_id,
        Clock.order_id,
        Clock.report_key,
        Clock.office_id,
        Clock.community_id,
        Clock.department_id,
        Clock.handler_id,
        Clock.started_at,
        Clock.due_on,
        Clock.due_at,
        Clock.policy,
        Clock.rung,
        Ticket.number,
        Ticket.room,
        Ticket.summary,
        Ticket.grade,
        WorkOrder.number.label("order"),
        WorkOrder.scope,
        Community.name.label("community"),
        ServiceOffice.name.label("office"),
    )
    .outerjoin(Ticket, Ticket.id == Clock.ticket_id)
    .outerjoin(WorkOrder, WorkOrder.id == Clock.order_id)
    .outerjoin(Community, Community.id == Clock.community_id)
    .outerjoin(ServiceOffice, ServiceOffice.id == Clock.office_id)
    .where(Clock.state == ClockState.RUNNING, Clock.next_at <= bindparam("now"))
    .order_by(Clock.next_at)
    .limit(bindparam("most"))
    .with_for_update(of=Clock, skip_locked=True)
)
_CLOCK = cast(Table, Clock.__table__)
_CLAIM = (
    _CLOCK.update()
    .where(
        _CLOCK.c.id == bindparam("clock"),
        _CLOCK.c.rung == bindparam("had"),
        _CLOCK.c.state == ClockState.RUNNING,
    )
    .values(rung=bindparam("now"), next_at=bindparam("then"))
)
_EVENTS = cast(Table, ClockEvent.__table__).insert()
