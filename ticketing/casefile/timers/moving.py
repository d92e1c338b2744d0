"""Moving a due date while a clock runs: put right, or put off with the customer's consent (procedure 3.4.3, 3.4.5-延)."""

from datetime import date, datetime

from sqlalchemy import func, select

from ticketing.casefile.timers.commands import next_bell, starting
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
from ticketing.kernel.errors import Invalid
from ticketing.kernel.text import clean, clean_line
from ticketing.masters.people.models import User
from ticketing.masters.workcalendar import queries as workcalendar
from ticketing.procedure.deadlines import (
    MOST_EXTENDED_DAYS,
    ClockKind,
    Deadline,
    bells,
    limit_of,
)
from ticketing.procedure.workdays import CLOSES, working_days_between


def received(ticket_id: int, received_at: datetime, *, at: datetime) -> Deadline:
    """The time of receipt was put right: completion counts from it (procedure 3.4.3, 3.4.5).

    A date already agreed with the customer stays; the original one moves beside it. Returns the date in force.

    Raises Invalid where a due date that has come would move away: what is late stays late.
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
    if at >= running.due_at and on > running.due_on:
        raise Invalid(
            f"办结时限 {running.due_on} 已到，受理时间不能再往后改；超期须如实保留。",
            field="received_at",
        )
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


def consented(
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
    """What the customer agreed to beforehand, checked, for `put_off` (procedure 3.4.5-延).

    A later working day, at most 15 working days in all. The consent says who, when, how, and where it can be found.
    That the due date has not come, and how often it was put off, is asked by guards of the roads.

    Raises Invalid.
    """
    calendar = workcalendar.snapshot()
    if due_on <= clock.due_on:
        raise Invalid(f"新的时限须晚于现时限 {clock.due_on}。", field="due_on")
    if not calendar(due_on).works:
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
    return Extension(
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


def put_off(clock: Clock, extension: Extension) -> None:
    """Put a due date off as agreed; the first one stays on record beside the new one (procedure 3.4.5-延)."""
    db.session.add(extension)
    edition, due_on = workcalendar.edition(), extension.due_to
    clock.extensions += 1
    clock.due_on, clock.provisional = due_on, workcalendar.calendar(due_on).provisional
    clock.due_at = time.at(due_on, *CLOSES)
    clock.calendar_edition = edition
    _ring_anew(clock, extension.at)
    db.session.add(
        ClockEvent(
            clock_id=clock.id,
            kind=ClockEventKind.EXTENDED,
            level=str(clock.extensions),
            at=extension.at,
            policy=clock.policy,
            calendar_edition=edition,
            due_from=extension.due_from,
            due_on=due_on,
        )
    )
    db.session.flush()


def more_trades(clock: Clock, trades: int, *, at: datetime) -> None:
    """A repair needs more trades than it was started with: the longer limit, counted from its start (procedure 3.4.5-多).

    A due date that has passed, or that was put off beyond the new one, stays; the first one stays on record.
    """
    clock.trades = trades
    start, before = starting(clock.kind, clock.started_at, trades), clock.due_on
    if at >= clock.due_at or start.deadline.on <= before:
        return
    clock.due_on, clock.due_at, clock.provisional = start.deadline
    clock.calendar_edition = workcalendar.edition()
    _ring_anew(clock, at)
    db.session.add(
        ClockEvent(
            clock_id=clock.id,
            kind=ClockEventKind.RECALCULATED,
            level="trades",
            at=at,
            policy=clock.policy,
            calendar_edition=clock.calendar_edition,
            due_from=before,
            due_on=clock.due_on,
        )
    )
    db.session.flush()


def resumed(clock: Clock, before: Clock) -> None:
    """What was done did not hold: `clock` goes on where `before` was met, with its first due date and extensions (3.5.3)."""
    clock.original_due_on, clock.extensions = before.original_due_on, before.extensions
    db.session.flush()


def _ring_anew(clock: Clock, at: datetime) -> None:
    """Say of the new due date what is still to come; what lies behind counts as said."""
    unit, calendar = limit_of(clock.kind).unit, workcalendar.snapshot()
    ringing = dict(bells(unit, clock.started_at, clock.due_on, clock.due_at, calendar))
    clock.rung = sum(level.bit for level, rings_at in ringing.items() if rings_at <= at)
    clock.next_at = min(rings_at for rings_at in ringing.values() if rings_at > at)
