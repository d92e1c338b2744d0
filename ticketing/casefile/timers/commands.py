"""Starting, stopping and extending clocks, in the transaction of the act that does it; nothing here commits."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple, Protocol, cast

from sqlalchemy import Table, bindparam, literal, select

from ticketing.casefile.timers.models import (
    Clock,
    ClockEvent,
    ClockEventKind,
    ClockState,
)
from ticketing.kernel import clock as time
from ticketing.kernel.db import db, run
from ticketing.masters.workcalendar import queries as workcalendar
from ticketing.procedure.deadlines import (
    DESK_CLOCKS,
    POLICY,
    ClockKind,
    Deadline,
    Unit,
    bells,
    limit_for,
    limit_of,
    on_time,
)


class Owed(Protocol):
    """A ticket or one of its orders as its clocks see it: which ticket, and who owes its next step."""

    @property
    def id(self) -> int:
        """The row id of the ticket."""

    @property
    def community_id(self) -> int:
        """Where."""

    @property
    def department_id(self) -> int | None:
        """The responsible department."""

    @property
    def handler_id(self) -> int | None:
        """The person named responsible."""


class Charge(NamedTuple):
    """Who owes the next step of a work order of the ticket `id`: its captain."""

    id: int
    community_id: int
    department_id: int | None
    handler_id: int | None


class Start(NamedTuple):
    """A clock about to start: what is owed, from when, until when; for a repair, of how many trades."""

    kind: ClockKind
    at: datetime
    deadline: Deadline
    trades: int | None = None


def starting(kind: ClockKind, at: datetime, trades: int | None = None) -> Start:
    """A clock of `kind` that starts at `at`, with its deadline by the limit and the calendar in force."""
    limit = limit_for(kind, trades)
    return Start(kind, at, limit.deadline(at, workcalendar.snapshot()), trades)


def next_bell(
    kind: ClockKind, started_at: datetime, due_on: date, due_at: datetime, rung: int = 0
) -> datetime | None:
    """When a clock has something to say next; None when every level has been said."""
    ringing = bells(limit_of(kind).unit, started_at, due_on, due_at, workcalendar.snapshot())
    return min((at for level, at in ringing if not rung & level.bit), default=None)


def begin(
    ticket: Owed,
    starts: Sequence[Start],
    *,
    at: datetime,
    order_id: int | None = None,
    **rounds: int,
) -> None:
    """Start clocks of a ticket, or of one of its orders, each with its event.

    `rounds` says which turn of a kind it is (default the first).
    """
    if not starts:
        return
    edition = workcalendar.edition()
    rows = []
    for start in starts:
        desk = start.kind in DESK_CLOCKS
        rows.append(
            {
                "kind": start.kind,
                "ticket_id": ticket.id,
                "order_id": order_id,
                "trades": start.trades,
                "community_id": ticket.community_id,
                "department_id": None if desk else ticket.department_id,
                "handler_id": None if desk else ticket.handler_id,
                "round": rounds.get(start.kind.value, 1),
                **_dates(start, edition),
            }
        )
    run(_ADD_CLOCKS, rows)
    run(_SAY_STARTED, {"ticket_id": ticket.id, "at": at})


def begin_report(key: str, office_id: int, start: Start, *, at: datetime) -> bool:
    """Start the clock of an office's report, once for each report; whether it was new (procedure 3.10.3)."""
    known = select(Clock.id).where(Clock.report_key == key, Clock.kind == start.kind)
    if db.session.scalar(known) is not None:
        return False
    edition = workcalendar.edition()
    row = {
        "kind": start.kind,
        "report_key": key,
        "office_id": office_id,
        "round": 1,
        **_dates(start, edition),
    }
    (number,) = cast(tuple[int], run(_ADD_CLOCKS, row).inserted_primary_key)
    _events(ClockEventKind.STARTED, [(number, start.deadline.on)], at, edition)
    return True


def _dates(start: Start, edition: int) -> dict[str, Any]:
    on, rings_at, provisional = start.deadline
    return {
        "started_at": start.at,
        "original_due_on": on,
        "due_on": on,
        "due_at": rings_at,
        "provisional": provisional,
        "policy": POLICY,
        "calendar_edition": edition,
        "state": ClockState.RUNNING,
        "late": False,
        "extensions": 0,
        "rung": 0,
        "next_at": next_bell(start.kind, start.at, on, rings_at),
    }


def follow(
    ticket: Owed,
    *,
    starts: Sequence[Start],
    meets: Collection[ClockKind],
    cancels: Collection[ClockKind],
    at: datetime,
    order_id: int | None = None,
) -> None:
    """Let the clocks of a ticket follow one act: meet, cancel, hand over what goes on, start what begins.

    With `order_id` the clocks of that order follow, and nothing else. A clock that is met or cancelled after its due
    date is late for good.
    """
    if order_id is None:
        known = run(_CLOCKS_OF, {"ticket_id": ticket.id}).all()
    else:
        known = run(_CLOCKS_OF_ORDER, {"order_id": order_id}).all()
    done_on = time.local(at).date()
    running = [row for row in known if row.state is ClockState.RUNNING]
    met = [row for row in running if row.kind in meets]
    gone = [row for row in running if row.kind in cancels and row.kind not in meets]
    for ended, state, event in (
        (met, ClockState.MET, ClockEventKind.MET),
        (gone, ClockState.CANCELLED, ClockEventKind.CANCELLED),
    ):
        if ended:
            stops = [
                {"clock": row.id, "now": state, "is_late": not _kept(row, done_on, at), "at": at}
                for row in ended
            ]
            run(_STOP, stops)
            _events(event, [(row.id, row.due_on) for row in ended], at, workcalendar.edition())
    owed = (ticket.department_id, ticket.handler_id)
    moving = [
        row.id
        for row in running
        if row not in met
        and row not in gone
        and row.kind not in DESK_CLOCKS
        and (row.department_id, row.handler_id) != owed
    ]
    if moving:
        run(
            _HAND_OVER, [{"clock": one, "department": owed[0], "person": owed[1]} for one in moving]
        )
    rounds = {
        start.kind.value: 1 + sum(row.kind is start.kind for row in known) for start in starts
    }
    begin(ticket, starts, at=at, order_id=order_id, **rounds)


def meet_report(key: str, *, at: datetime) -> None:
    """The report has been handed in: its clock is met (procedure 3.10.3)."""
    found = db.session.scalars(
        select(Clock).where(Clock.report_key == key, Clock.state == ClockState.RUNNING)
    ).one_or_none()
    if found is None:
        return
    late = at > found.due_at
    run(_STOP, [{"clock": found.id, "now": ClockState.MET, "is_late": late, "at": at}])
    _events(ClockEventKind.MET, [(found.id, found.due_on)], at, workcalendar.edition())
    db.session.expire(found)


def _kept(row: Any, done_on: date, at: datetime) -> bool:
    """In time: by the end of the due date, or to the minute where the limit is one of hours."""
    if limit_of(row.kind).unit is Unit.HOURS:
        return bool(at <= row.due_at)
    return on_time(done_on, row.due_on)


def _events(
    kind: ClockEventKind, rows: Sequence[tuple[int, date]], at: datetime, edition: int
) -> None:
    """One event of `kind` for each (clock, due date)."""
    if rows:
        run(
            _ADD_EVENTS,
            [
                {
                    "clock_id": clock_id,
                    "kind": kind,
                    "level": "",
                    "at": at,
                    "policy": POLICY,
                    "calendar_edition": edition,
                    "due_on": due_on,
                }
                for clock_id, due_on in rows
            ],
        )


_CLOCK, _EVENT = cast(Table, Clock.__table__), cast(Table, ClockEvent.__table__)
_ADD_CLOCKS = _CLOCK.insert()
_ADD_EVENTS = _EVENT.insert()
_SAY_STARTED = _EVENT.insert().from_select(
    ["clock_id", "kind", "level", "at", "policy", "calendar_edition", "due_on", "told"],
    select(
        _CLOCK.c.id,
        literal(ClockEventKind.STARTED, _EVENT.c.kind.type),
        literal(""),
        bindparam("at", type_=_EVENT.c.at.type),
        _CLOCK.c.policy,
        _CLOCK.c.calendar_edition,
        _CLOCK.c.due_on,
        literal(""),
    ).where(
        _CLOCK.c.ticket_id == bindparam("ticket_id"),
        ~select(_EVENT.c.id).where(_EVENT.c.clock_id == _CLOCK.c.id).exists(),
    ),
)
"""Of every clock it is said that it started: one of which nothing has been said is new."""
_FACTS = select(
    _CLOCK.c.id,
    _CLOCK.c.kind,
    _CLOCK.c.state,
    _CLOCK.c.due_on,
    _CLOCK.c.due_at,
    _CLOCK.c.department_id,
    _CLOCK.c.handler_id,
)
_CLOCKS_OF = _FACTS.where(_CLOCK.c.ticket_id == bindparam("ticket_id"), _CLOCK.c.order_id.is_(None))
_CLOCKS_OF_ORDER = _FACTS.where(_CLOCK.c.order_id == bindparam("order_id"))
_STOP = (
    _CLOCK.update()
    .where(_CLOCK.c.id == bindparam("clock"))
    .values(
        state=bindparam("now"), late=bindparam("is_late"), stopped_at=bindparam("at"), next_at=None
    )
)
_HAND_OVER = (
    _CLOCK.update()
    .where(_CLOCK.c.id == bindparam("clock"))
    .values(department_id=bindparam("department"), handler_id=bindparam("person"))
)
"""On the tables and built once: every act of the road pays for these statements."""
