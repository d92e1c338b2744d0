"""Starting, stopping and extending clocks, in the transaction of the act that does it; nothing here commits."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple, Protocol, cast

from sqlalchemy import Table, bindparam, func, select

from ticketing.casefile.timers.models import (
    Clock,
    ClockEvent,
    ClockEventKind,
    ClockState,
    ConsentWay,
    Extension,
)
from ticketing.kernel import clock as time
from ticketing.kernel.db import db
from ticketing.kernel.errors import Conflict, Invalid
from ticketing.kernel.text import clean, clean_line
from ticketing.masters.people.models import User
from ticketing.masters.workcalendar import queries as workcalendar
from ticketing.procedure.deadlines import (
    DESK_CLOCKS,
    EXTENDABLE,
    MOST_EXTENDED_DAYS,
    MOST_EXTENSIONS,
    POLICY,
    ClockKind,
    Deadline,
    Unit,
    bells,
    limit_for,
    limit_of,
    on_time,
)
from ticketing.procedure.workdays import CLOSES, working_days_between


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
    _insert(rows, at, edition)


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
    _insert([row], at, edition)
    return True


def _insert(rows: list[dict[str, Any]], at: datetime, edition: int) -> None:
    started = [(row[0], row[1]) for row in db.session.execute(_ADD_CLOCKS, rows)]
    _events(ClockEventKind.STARTED, started, at, edition)


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
        known = db.session.execute(_CLOCKS_OF, {"ticket_id": ticket.id}).all()
    else:
        known = db.session.execute(_CLOCKS_OF_ORDER, {"order_id": order_id}).all()
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
            db.session.execute(_STOP, stops)
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
        db.session.execute(
            _HAND_OVER, [{"clock": one, "department": owed[0], "person": owed[1]} for one in moving]
        )
    rounds = {
        start.kind.value: 1 + sum(row.kind is start.kind for row in known) for start in starts
    }
    begin(ticket, starts, at=at, order_id=order_id, **rounds)


def received(ticket_id: int, received_at: datetime, *, at: datetime) -> Deadline:
    """The time of receipt was put right: completion counts from it (procedure 3.4.3, 3.4.5).

    A date already agreed with the customer stays; the original one moves beside it. Returns the date in force.
    """
    running = db.session.scalars(
        select(Clock).where(
            Clock.ticket_id == ticket_id,
            Clock.kind == ClockKind.COMPLAINT,
            Clock.state == ClockState.RUNNING,
        )
    ).one()
    start, before = starting(ClockKind.COMPLAINT, received_at), running.due_on
    on, rings_at, provisional = start.deadline
    edition = workcalendar.edition()
    running.started_at, running.original_due_on = received_at, on
    if not running.extensions:
        running.due_on, running.due_at, running.provisional = on, rings_at, provisional
        running.calendar_edition = edition
        running.rung = 0
        running.next_at = next_bell(running.kind, received_at, on, rings_at)
    corrections = select(func.count(ClockEvent.id)).where(
        ClockEvent.clock_id == running.id, ClockEvent.kind == ClockEventKind.RECALCULATED
    )
    db.session.add(
        ClockEvent(
            clock_id=running.id,
            kind=ClockEventKind.RECALCULATED,
            level=f"received {db.session.scalar(corrections)}",
            at=at,
            policy=running.policy,
            calendar_edition=edition,
            due_from=before,
            due_on=running.due_on,
        )
    )
    return Deadline(running.due_on, running.due_at, running.provisional)


def meet_report(key: str, *, at: datetime) -> None:
    """The report has been handed in: its clock is met (procedure 3.10.3)."""
    found = db.session.scalars(
        select(Clock).where(Clock.report_key == key, Clock.state == ClockState.RUNNING)
    ).one_or_none()
    if found is None:
        return
    late = at > found.due_at
    db.session.execute(
        _STOP, [{"clock": found.id, "now": ClockState.MET, "is_late": late, "at": at}]
    )
    _events(ClockEventKind.MET, [(found.id, found.due_on)], at, workcalendar.edition())
    db.session.expire(found)


def _kept(row: Any, done_on: date, at: datetime) -> bool:
    """In time: by the end of the due date, or to the minute where the limit is one of hours."""
    if limit_of(row.kind).unit is Unit.HOURS:
        return bool(at <= row.due_at)
    return on_time(done_on, row.due_on)


def extend(
    clock: Clock,
    *,
    due_on: date,
    reason: str,
    consent_by: str,
    consent_at: datetime,
    consent_way: ConsentWay,
    evidence: str,
    actor: User,
    at: datetime,
) -> Extension:
    """Put a due date off with the customer's consent given beforehand (procedure 3.4.5-延).

    Only before the present due date is over, at most twice and 15 working days in all; the first due date
    stays on record beside the new one. The customer's consent says who, when, how, and where it can be found.

    Raises Invalid, Conflict (no longer running, the due date has passed, the limit is reached).
    """
    if clock.state is not ClockState.RUNNING or clock.kind not in EXTENDABLE:
        raise Conflict("这一时限已经结束或不能延期。")
    if at >= clock.due_at:
        raise Conflict(f"时限 {clock.due_on} 已到，不能再延期；超期须如实保留。")
    if clock.extensions >= MOST_EXTENSIONS:
        raise Conflict(f"已延期 {clock.extensions} 次，达到上限；请报客户服务部经理处理。")
    calendar = workcalendar.snapshot()
    if due_on <= clock.due_on:
        raise Invalid(f"新的时限须晚于现时限 {clock.due_on}。", field="due_on")
    kind = calendar(due_on)
    if not kind.works:
        raise Invalid("新的时限须是工作日。", field="due_on")
    total = working_days_between(clock.original_due_on, due_on, calendar)
    if total > MOST_EXTENDED_DAYS:
        raise Invalid(
            f"比原时限 {clock.original_due_on} 晚 {total} 个工作日，累计不能超过 {MOST_EXTENDED_DAYS} 个。",
            field="due_on",
        )
    consent_by, evidence, reason = clean_line(consent_by), clean(evidence), clean(reason)
    for text, name, sentence in (
        (reason, "reason", "请写明延期原因。"),
        (consent_by, "consent_by", "请填写同意延期的客户姓名。"),
        (evidence, "evidence", "请填写凭证所在，例如录音编号、短信原文、签字件编号。"),
    ):
        if not text:
            raise Invalid(sentence, field=name)
    if consent_at > at:
        raise Invalid("客户同意的时间不能晚于现在：延期须事先取得客户认可。", field="consent_at")
    if consent_at < clock.started_at.replace(second=0):
        raise Invalid("客户同意的时间早于受理时间，请核对。", field="consent_at")
    extension = Extension(
        clock_id=clock.id,
        at=at,
        by_id=actor.id,
        due_from=clock.due_on,
        due_to=due_on,
        reason=reason,
        consent_by=consent_by,
        consent_at=consent_at,
        consent_way=consent_way,
        evidence=evidence,
    )
    db.session.add(extension)
    edition = workcalendar.edition()
    clock.extensions += 1
    clock.due_on, clock.provisional = due_on, kind.provisional
    clock.due_at = time.at(due_on, *CLOSES)
    clock.calendar_edition = edition
    ringing = dict(
        bells(limit_of(clock.kind).unit, clock.started_at, due_on, clock.due_at, calendar)
    )
    clock.rung = sum(level.bit for level, rings_at in ringing.items() if rings_at <= at)
    clock.next_at = min(rings_at for rings_at in ringing.values() if rings_at > at)
    db.session.add(
        ClockEvent(
            clock_id=clock.id,
            kind=ClockEventKind.EXTENDED,
            level=str(clock.extensions),
            at=at,
            policy=clock.policy,
            calendar_edition=edition,
            due_from=extension.due_from,
            due_on=due_on,
        )
    )
    db.session.flush()
    return extension


def _events(
    kind: ClockEventKind, rows: Sequence[tuple[int, date]], at: datetime, edition: int
) -> None:
    """One event of `kind` for each (clock, due date)."""
    if rows:
        db.session.execute(
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
_ADD_CLOCKS = _CLOCK.insert().returning(_CLOCK.c.id, _CLOCK.c.due_on)
_ADD_EVENTS = _EVENT.insert()
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
