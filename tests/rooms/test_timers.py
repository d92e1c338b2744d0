"""Clocks of a ticket: what starts, meets and cancels them, lateness, extensions, reminders' instants."""

from datetime import date, datetime, timedelta

import chinese_calendar
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from tests.pages.helpers import token
from ticketing.casefile.tickets.models import Ticket
from ticketing.casefile.timers import queries as timers
from ticketing.casefile.timers.models import (
    Clock,
    ClockEvent,
    ClockEventKind,
    ClockState,
    ConsentWay,
    Extension,
)
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.kernel.errors import Conflict, Invalid, NotPermitted
from ticketing.masters.workcalendar.queries import calendar
from ticketing.procedure.deadlines import (
    CLOCK_RULES,
    LIMITS,
    MOST_EXTENDED_DAYS,
    ClockKind,
    Level,
    Unit,
    bells,
    limit_of,
    turn,
)
from ticketing.procedure.permissions import Act
from ticketing.procedure.vocabulary import Category, Satisfaction, TicketStage
from ticketing.procedure.workdays import (
    DayKind,
    add_working_days,
    in_working_hours,
    next_working_instant,
    working_instants,
    working_minutes,
)
from ticketing.procedure.workflow import TICKET_ROAD
from ticketing.steps.callback.commands import call_back
from ticketing.steps.closing import commands as closing
from ticketing.steps.dispatch import commands as dispatching
from ticketing.steps.handling import commands as handling
from ticketing.steps.intake import commands as intake
from ticketing.steps.intake.commands import join_call

D = date.fromisoformat


def at(day: str, hour: int = 10, minute: int = 0) -> datetime:
    return clock.at(D(day), hour, minute)


def clocks(ticket: Ticket) -> dict[tuple[str, int], tuple[str, bool]]:
    """(kind, round) -> (state, late) of every clock of a ticket."""
    rows = db.session.scalars(select(Clock).where(Clock.ticket_id == ticket.id))
    return {(one.kind.value, one.round): (one.state.value, one.late) for one in rows}


def events(ticket: Ticket, kind: ClockKind) -> list[str]:
    rows = db.session.execute(
        select(ClockEvent.kind, ClockEvent.level)
        .join(Clock, Clock.id == ClockEvent.clock_id)
        .where(Clock.ticket_id == ticket.id, Clock.kind == kind)
        .order_by(ClockEvent.id)
    )
    return [f"{row[0].value} {row[1]}".strip() for row in rows]


def put_off(ticket: Ticket, due_on: str, actor, **facts):
    values = {
        "due_on": D(due_on),
        "reason": "须订制配件",
        "consent_by": "王国强",
        "consent_at": clock.now(),
        "consent_way": ConsentWay.RECORDING,
        "evidence": "录音 0302-7",
    }
    with transaction():
        return handling.extend(ticket, version=ticket.version, actor=actor, **{**values, **facts})


@pytest.mark.clause("3.4.2.2")
@pytest.mark.clause("3.4.5-他")
@pytest.mark.clause("3.5.4")
def test_the_clocks_follow_the_road_from_the_call_to_the_closed_ticket(make):
    with clock.held(at("2026-03-02")):
        ticket = make.registered()
        assert clocks(ticket) == {
            ("dispatching", 1): ("running", False),
            ("complaint", 1): ("running", False),
        }
    with clock.held(at("2026-03-03")):
        ticket = make.ticket(TicketStage.DISPATCHED)
    assert clocks(ticket)["dispatching", 1] == ("met", False)
    assert clocks(ticket)["dept_feedback", 1] == ("running", False)
    feedback = timers.running(ticket.id, ClockKind.DEPT_FEEDBACK)
    assert (feedback.due_on, feedback.department_id) == (D("2026-03-06"), ticket.department_id)
    assert feedback.handler_id == ticket.handler_id
    with clock.held(at("2026-03-09")), transaction():
        handling.feed_back(
            ticket,
            version=ticket.version,
            action_taken="看过了",
            action_needed="",
            next_on=None,
            actor=make.user("handler"),
        )
    assert clocks(ticket)["dept_feedback", 1] == ("met", True), "a working day late, for good"
    with clock.held(at("2026-03-09", 11)), transaction():
        handling.resolve(
            ticket,
            version=ticket.version,
            resolution="修好",
            customer_opinion="",
            actor=make.user("handler"),
        )
    assert clocks(ticket)["callback", 1] == ("running", False)
    with clock.held(at("2026-03-10", 19)), transaction():
        call_back(
            ticket,
            version=ticket.version,
            reached=True,
            satisfaction=Satisfaction.SATISFIED,
            opinion="",
            actor=make.user("office"),
        )
    assert clocks(ticket)["callback", 1] == ("met", False), "an evening of the due date is in time"
    assert clocks(ticket)["complaint", 1] == ("met", False)
    assert events(ticket, ClockKind.DEPT_FEEDBACK) == ["started", "met"]


@pytest.mark.clause("3.4.2.2")
def test_a_late_mark_stays_when_the_department_returns_the_ticket(make):
    with clock.held(at("2026-03-02")):
        late, in_time = make.ticket(TicketStage.DISPATCHED), make.ticket(TicketStage.DISPATCHED)
    for ticket, day in ((late, "2026-03-09"), (in_time, "2026-03-04")):
        with clock.held(at(day)), transaction():
            dispatching.send_back(
                ticket, version=ticket.version, reason="不归我部", actor=make.user("handler")
            )
        assert ticket.department_id is None
    assert clocks(late)["dept_feedback", 1] == ("cancelled", True)
    assert clocks(in_time)["dept_feedback", 1] == ("cancelled", False)
    assert clocks(late)["dispatching", 2] == ("running", False)
    shown = {line.clock.kind for line in timers.of_ticket(late.id)}
    assert ClockKind.DEPT_FEEDBACK in shown
    complaint = timers.running(late.id, ClockKind.COMPLAINT)
    assert (complaint.department_id, complaint.handler_id) == (None, None)


def test_a_transfer_gives_the_new_department_a_clock_of_its_own(make):
    with clock.held(at("2026-03-02")):
        ticket = make.ticket(TicketStage.DISPATCHED)
    with clock.held(at("2026-03-04")), transaction():
        dispatching.transfer(
            ticket,
            version=ticket.version,
            category=Category.SALES,
            department_id=make.world.departments["SAL"],
            handler_id=None,
            reason="归口",
            actor=make.user("manager"),
        )
    assert clocks(ticket)["dept_feedback", 1] == ("cancelled", False)
    assert clocks(ticket)["dept_feedback", 2] == ("running", False)
    assert timers.running(ticket.id, ClockKind.DEPT_FEEDBACK).due_on == D("2026-03-09")
    complaint = timers.running(ticket.id, ClockKind.COMPLAINT)
    assert complaint.handler_id == ticket.handler_id == make.world.users["seller"]


def test_leaving_the_road_cancels_every_clock_and_reopening_starts_a_new_week(make):
    with clock.held(at("2026-03-02")):
        gone, closed = make.ticket(TicketStage.WITHDRAWN), make.ticket(TicketStage.CLOSED)
    assert {state for state, _late in clocks(gone).values()} == {"cancelled"}
    with clock.held(at("2026-03-16")), transaction():
        closing.reopen(closed, version=closed.version, reason="又漏", actor=make.user("office"))
    assert clocks(closed)["complaint", 2] == ("running", False)
    assert timers.running(closed.id, ClockKind.COMPLAINT).due_on == D("2026-03-23")
    assert closed.complaint_due_on == D("2026-03-23")


@pytest.mark.clause("3.4.5")
def test_an_urgent_call_has_two_hours_to_the_minute(make):
    with clock.held(at("2026-03-02", 22, 15)):
        ticket = make.registered(urgent=True)
    emergency = timers.running(ticket.id, ClockKind.EMERGENCY)
    assert emergency.due_at == at("2026-03-03", 0, 15)
    assert emergency.next_at == at("2026-03-02", 23, 15), "half of it, at night too"
    with clock.held(at("2026-03-03", 0, 16)), transaction():
        handling.follow_up(
            ticket,
            action_taken="已到场关阀",
            action_needed="",
            next_on=None,
            actor=make.user("office"),
        )
    assert clocks(ticket)["emergency", 1] == ("met", True)


def test_a_customer_who_calls_again_is_no_answer_to_an_emergency(make):
    with clock.held(at("2026-03-02")):
        ticket, twin = make.registered(urgent=True), make.registered()
        with transaction():
            join_call(ticket, content="还没人来", actor=make.user("clerk"))
        with transaction():
            closing.merge(
                twin,
                version=twin.version,
                into=ticket.number,
                reason="同一件",
                actor=make.user("office"),
                scope=make.scope("office"),
            )
    assert clocks(ticket)["emergency", 1] == ("running", False)


def test_the_time_of_receipt_put_right_never_undoes_a_breach(make):
    with clock.held(at("2026-03-06")):
        ticket = make.registered(received_at=at("2026-03-02"))
    with clock.held(at("2026-03-10")):
        entry = make.entry(ticket, "clerk")
        later, earlier = at("2026-03-05"), at("2026-03-01")
        with pytest.raises(Invalid, match="已到") as refused, transaction():
            intake.correct(ticket, **{**entry, "received_at": later})
        assert refused.value.field == "received_at"
        with transaction():
            intake.correct(ticket, **{**make.entry(ticket, "clerk"), "received_at": earlier})
    assert ticket.complaint_due_on == D("2026-03-09"), "a week after Sunday the first is a Sunday"


def test_only_an_answer_meets_a_callback_and_rework_starts_the_next_one(make):
    with clock.held(at("2026-03-02")):
        ticket = make.ticket(TicketStage.CALLBACK)
    for reached, expected in ((False, ("running", False)), (True, ("met", False))):
        with clock.held(at("2026-03-03")), transaction():
            call_back(
                ticket,
                version=ticket.version,
                reached=reached,
                satisfaction=Satisfaction.DISSATISFIED if reached else None,
                opinion="还漏",
                actor=make.user("office"),
            )
        assert clocks(ticket)["callback", 1] == expected
    assert clocks(ticket)["complaint", 1] == ("running", False)
    with clock.held(at("2026-03-04")), transaction():
        handling.resolve(
            ticket,
            version=ticket.version,
            resolution="返工完",
            customer_opinion="",
            actor=make.user("handler"),
        )
    assert clocks(ticket)["callback", 2] == ("running", False)


@pytest.mark.clause("3.4.5-延")
def test_a_completion_is_put_off_with_consent_and_both_dates_stand_side_by_side(make):
    with clock.held(at("2026-03-02")):
        ticket = make.ticket(TicketStage.HANDLING)
    with clock.held(at("2026-03-05")):
        put_off(ticket, "2026-03-16", make.user("office"))
    running = timers.running(ticket.id, ClockKind.COMPLAINT)
    assert (running.original_due_on, running.due_on) == (D("2026-03-09"), D("2026-03-16"))
    assert running.due_at == at("2026-03-16", 17, 30)
    assert ticket.due_on == ticket.complaint_due_on == D("2026-03-16")
    line = next(one for one in timers.of_ticket(ticket.id) if one.clock.id == running.id)
    assert line.moved
    agreed = line.extensions[0]
    assert (agreed.consent_by, agreed.evidence) == ("王国强", "录音 0302-7")
    assert events(ticket, ClockKind.COMPLAINT) == ["started", "extended 1"]
    with clock.held(at("2026-03-13")):
        put_off(ticket, "2026-03-20", make.user("manager"))
        with pytest.raises(Conflict, match="上限"):
            put_off(ticket, "2026-03-24", make.user("manager"))
    assert running.extensions == 2


@pytest.mark.clause("3.4.5-延")
@pytest.mark.parametrize(
    ("when", "due_on", "facts", "error", "words"),
    [
        (at("2026-03-09", 17, 30), "2026-03-16", {}, Conflict, "已到"),
        (at("2026-03-20"), "2026-03-27", {}, Conflict, "已到"),
        (at("2026-03-05"), "2026-03-09", {}, Invalid, "晚于"),
        (at("2026-03-05"), "2026-03-14", {}, Invalid, "工作日"),
        (at("2026-03-05"), "2026-03-31", {}, Invalid, "累计"),
        (at("2026-03-05"), "2026-03-16", {"consent_by": " "}, Invalid, "姓名"),
        (at("2026-03-05"), "2026-03-16", {"evidence": ""}, Invalid, "凭证"),
        (at("2026-03-05"), "2026-03-16", {"reason": ""}, Invalid, "原因"),
        (at("2026-03-05"), "2026-03-16", {"consent_at": at("2026-03-06")}, Invalid, "事先"),
        (at("2026-03-05"), "2026-03-16", {"consent_at": at("2026-03-01")}, Invalid, "早于"),
    ],
)
def test_an_extension_that_is_late_or_without_consent_is_refused(
    make, when, due_on, facts, error, words
):
    with clock.held(at("2026-03-02")):
        ticket = make.ticket(TicketStage.HANDLING)
    with clock.held(when), pytest.raises(error, match=words):
        put_off(ticket, due_on, make.user("office"), **facts)
    db.session.rollback()
    assert db.session.scalars(select(Extension)).all() == []
    assert timers.running(ticket.id, ClockKind.COMPLAINT).due_on == D("2026-03-09")


def test_fifteen_working_days_in_all_are_the_most(make):
    with clock.held(at("2026-03-02")):
        ticket = make.ticket(TicketStage.HANDLING)
    last = add_working_days(D("2026-03-09"), MOST_EXTENDED_DAYS, calendar).on
    with clock.held(at("2026-03-05")):
        put_off(ticket, last.isoformat(), make.user("office"))
    assert ticket.complaint_due_on == last
    with pytest.raises(NotPermitted), clock.held(at("2026-03-06")):
        put_off(ticket, "2026-04-10", make.user("handler"))


@pytest.mark.clause("3.4.5-延")
def test_the_page_of_an_extension_keeps_what_was_typed_and_shows_the_dates(app, make, sign_in):
    ticket_id, version = (ticket := make.ticket(TicketStage.HANDLING)).id, ticket.version
    due_on = ticket.complaint_due_on
    client = sign_in("office")
    page = client.get(f"/tickets/{ticket_id}/extend").get_data(as_text=True)
    assert due_on.isoformat() in page
    typed = {"version": version, "once": token(), "due_on": due_on.isoformat(), "reason": "等配件"}
    answer = client.post(f"/tickets/{ticket_id}/extend", data=typed)
    body = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "等配件" in body
    assert "请填写凭证所在" in body
    later = add_working_days(due_on, 3, calendar).on
    typed |= {
        "due_on": later.isoformat(),
        "consent_by": "王国强",
        "consent_at": f"{clock.local(clock.now()):%Y-%m-%dT%H:%M}",
        "consent_way": "message",
        "evidence": "短信原文已存",
        "once": token(),
    }
    assert client.post(f"/tickets/{ticket_id}/extend", data=typed).status_code == 302
    shown = client.get(f"/tickets/{ticket_id}").get_data(as_text=True)
    assert f"原时限 {clock.show_date(due_on)}" in shown
    assert "短信原文已存" in shown


@pytest.mark.clause("3.4.5-延")
def test_an_extension_is_neither_offered_nor_opened_once_it_is_too_late(app, make, sign_in):
    with clock.held(at("2026-03-02")):
        late = make.ticket(TicketStage.HANDLING).id
    open_one = make.ticket(TicketStage.HANDLING)
    twice = make.ticket(TicketStage.HANDLING)
    for days in (2, 4):
        due_on = add_working_days(twice.complaint_due_on, days, calendar).on
        put_off(twice, due_on.isoformat(), make.user("office"))
    ids = {"late": late, "open": open_one.id, "twice": twice.id}
    client = sign_in("office")
    shown = {}
    for name, ticket_id in ids.items():
        offer = f'href="/tickets/{ticket_id}/extend"' in client.get(
            f"/tickets/{ticket_id}"
        ).get_data(as_text=True)
        answer = client.get(f"/tickets/{ticket_id}/extend")
        shown[name] = (offer, answer.status_code)
        if name != "open":
            words = {"late": "时限已到，不能再延期", "twice": "已延期 2 次，达到上限"}[name]
            assert words in answer.get_data(as_text=True)
            assert "<textarea" not in answer.get_data(as_text=True)
    assert shown == {"late": (False, 409), "open": (True, 200), "twice": (False, 409)}


@pytest.mark.clause("3.4.5-延")
def test_the_last_minute_before_half_past_five_is_early_enough(make):
    with clock.held(at("2026-03-02")):
        ticket = make.ticket(TicketStage.HANDLING)
    with clock.held(at("2026-03-09", 17, 29)):
        put_off(ticket, "2026-03-16", make.user("office"))
    assert ticket.complaint_due_on == D("2026-03-16")


def test_the_table_of_clocks_agrees_with_the_road():
    """Every act of the road, from every state: a clock of a stage runs exactly while it stands there."""
    stages = {
        ClockKind.DISPATCHING: TicketStage.REGISTERED,
        ClockKind.DEPT_FEEDBACK: TicketStage.DISPATCHED,
        ClockKind.CALLBACK: TicketStage.CALLBACK,
    }
    for step in TICKET_ROAD:
        moves = turn(step.act, step.state, step.target)
        for kind, stage in stages.items():
            ends = kind in moves.meets | moves.cancels
            if step.state is stage and step.target is not stage:
                assert ends, (step, kind)
            if step.target is stage and step.state is not stage:
                assert kind in moves.starts, (step, kind)
            if step.state is not stage and step.act is not Act.TRANSFER:
                assert kind not in moves.starts or step.target is stage, (step, kind)
        closes = step.target is TicketStage.CLOSED and step.state is not TicketStage.CLOSED
        assert (ClockKind.COMPLAINT in moves.meets) is closes
    marks = {ClockKind.COMPLAINT, ClockKind.EMERGENCY, ClockKind.ESCALATION}
    papers = {ClockKind.SITE_SURVEY, ClockKind.ORDER_ISSUE, ClockKind.REPAIR}
    papers.add(ClockKind.EMERGENCY_APPROVAL)
    money = {ClockKind.COST_STATEMENT, ClockKind.CS_REVIEW, ClockKind.AUDIT}
    money |= {ClockKind.CONTRACTOR_CONFIRMATION, ClockKind.CERTIFICATION, ClockKind.PAYMENT}
    assert {rule.kind for rule in CLOCK_RULES} == {*stages, *marks, *papers, *money}


def package(day: date) -> DayKind:
    """The calendar as the package says it, for what needs no database."""
    return DayKind(chinese_calendar.is_workday(day))


starts = st.integers(0, 699 * 24 * 60).map(
    lambda n: clock.at(D("2025-01-01")) + timedelta(minutes=n)
)
"""Any minute up to December 2026."""


@given(started=starts, limit=st.sampled_from(LIMITS))
def test_bells_ring_in_working_hours_between_start_and_the_day_after(started, limit):
    due = limit.deadline(started, package)
    ringing = dict(bells(limit.unit, started, due.on, due.at, package))
    assert ringing[Level.BREACH] == due.at
    after = ringing[Level.DAY_AFTER]
    assert clock.local(after).date() == add_working_days(due.on, 1, package).on
    assert started <= ringing[Level.HALF] <= ringing[Level.MOST] <= due.at < after
    if limit.unit is Unit.HOURS:
        assert Level.MORNING not in ringing
        return
    assert clock.local(ringing[Level.MORNING]).strftime("%H:%M") == "09:00"
    assert clock.local(ringing[Level.MORNING]).date() == due.on
    for level in (Level.HALF, Level.MOST, Level.MORNING):
        assert in_working_hours(ringing[level], package), level
    half = working_minutes(started, ringing[Level.HALF], package)
    assert half == working_minutes(started, due.at, package) // 2


@settings(deadline=None, max_examples=40)
@given(first=starts, second=starts)
def test_working_minutes_agree_with_counting_every_minute(first, second):
    start, end = sorted((first, second))
    end = min(end, start + timedelta(days=4))
    counted, instant = 0, start
    while instant < end:
        counted += in_working_hours(instant, package)
        instant += timedelta(minutes=1)
    assert working_minutes(start, end, package) == counted


@given(instant=starts)
def test_the_next_working_instant_is_the_first_one_not_before(instant):
    found = next_working_instant(instant, package)
    assert found >= instant
    assert in_working_hours(found, package)
    assert working_minutes(instant, found, package) == 0


def test_no_working_time_between_two_instants_gives_the_end():
    friday, saturday = at("2026-03-06", 18), at("2026-03-07", 9)
    assert working_instants(friday, saturday, [(1, 2)], package) == [saturday]
    assert limit_of(ClockKind.CALLBACK).deadline(friday, package).on == D("2026-03-09")


def test_one_running_clock_of_a_kind_is_all_a_ticket_can_have(make):
    ticket = make.registered()
    twin = timers.running(ticket.id, ClockKind.COMPLAINT)
    columns = {c.name: getattr(twin, c.name) for c in Clock.__table__.columns if c.name != "id"}
    with pytest.raises(Conflict), transaction():
        db.session.add(Clock(**columns))
    assert ClockState.RUNNING.value == "running"
    assert ClockEventKind.BREACHED.value == "breached"
