"""Working days: the vectors of the rules, an independent oracle, and the dates a ticket is given."""

from datetime import UTC, date, datetime, timedelta

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketing.casefile.timers import queries as timers
from ticketing.edges.web.presentation import due_badge
from ticketing.kernel import clock
from ticketing.kernel.db import transaction
from ticketing.masters.workcalendar.queries import calendar
from ticketing.procedure import deadlines
from ticketing.procedure.clauses import CLAUSES, Manner
from ticketing.procedure.vocabulary import Satisfaction, TicketStage
from ticketing.procedure.workdays import (
    DayKind,
    add_calendar_days,
    add_months,
    add_working_days,
    moved_forward,
    unpublished_rule,
    working_days_between,
)
from ticketing.steps.callback.commands import call_back
from ticketing.steps.closing.commands import reopen
from ticketing.steps.dispatch.commands import send_back, transfer

D = date.fromisoformat


def package(day):
    """The calendar as the package says it, without any row: the oracle of the arithmetic."""
    return DayKind(chinese_calendar.is_workday(day))


def weekdays(day):
    return DayKind(day.weekday() < 5)


@pytest.mark.parametrize(
    ("start", "days", "due"),
    [
        ("2026-03-02", 1, "2026-03-03"),
        ("2026-03-02", 3, "2026-03-05"),
        ("2026-03-02", 7, "2026-03-11"),
        ("2026-03-07", 1, "2026-03-09"),
        ("2026-02-13", 1, "2026-02-14"),
        ("2026-02-13", 3, "2026-02-25"),
        ("2026-02-14", 1, "2026-02-24"),
        ("2026-02-27", 1, "2026-02-28"),
        ("2026-09-24", 1, "2026-09-28"),
        ("2026-09-30", 3, "2026-10-10"),
        ("2025-09-30", 7, "2025-10-16"),
    ],
)
@pytest.mark.clause("3.4.2.2")
@pytest.mark.clause("3.5.4")
def test_working_days_are_counted_as_the_rules_say(ctx, start, days, due):
    assert add_working_days(D(start), days, calendar) == (D(due), False)


@pytest.mark.parametrize(
    ("start", "due"),
    [("2026-02-10", "2026-02-24"), ("2026-09-24", "2026-10-08"), ("2026-03-02", "2026-03-09")],
)
@pytest.mark.clause("3.4.5-他")
def test_a_week_ends_on_a_working_day(ctx, start, due):
    assert add_calendar_days(D(start), 7, calendar) == (D(due), False)


@pytest.mark.parametrize(
    ("start", "months", "due"),
    [
        ("2024-02-29", 12, "2025-02-28"),
        ("2023-12-31", 2, "2024-02-29"),
        ("2024-10-03", 24, "2026-10-08"),
        ("2025-12-31", 2, "2026-02-28"),
        ("2026-01-31", 1, "2026-02-28"),
    ],
)
def test_months_end_on_the_corresponding_date_moved_off_a_holiday(ctx, start, months, due):
    assert add_months(D(start), months, calendar) == (D(due), False)


def test_months_never_run_backwards():
    with pytest.raises(ValueError, match="forward"):
        add_months(date(2026, 3, 2), -1, weekdays)


OFFICIAL_2026 = {
    "off": [
        ("01-01", 3),
        ("02-15", 9),
        ("04-04", 3),
        ("05-01", 5),
        ("06-19", 3),
        ("09-25", 3),
        ("10-01", 7),
    ],
    "work": ["01-04", "02-14", "02-28", "05-09", "09-20", "10-10"],
}
OFFICIAL_2025 = {
    "off": [("01-01", 1), ("01-28", 8), ("04-04", 3), ("05-01", 5), ("05-31", 3), ("10-01", 8)],
    "work": ["01-26", "02-08", "04-27", "09-28", "10-11"],
}


@pytest.mark.parametrize(("year", "notice"), [(2025, OFFICIAL_2025), (2026, OFFICIAL_2026)])
def test_every_day_of_a_published_year_is_as_the_state_council_says(ctx, year, notice):
    off = {
        D(f"{year}-{first}") + timedelta(days=n)
        for first, length in notice["off"]
        for n in range(length)
    }
    work = {D(f"{year}-{day}") for day in notice["work"]}
    day = date(year, 1, 1)
    while day.year == year:
        works = day in work or (day.weekday() < 5 and day not in off)
        assert calendar(day) == DayKind(works, provisional=False), day
        day += timedelta(days=1)


def test_a_year_nobody_has_published_counts_weekends_and_says_so(ctx):
    assert calendar(date(2027, 10, 1)) == DayKind(False, provisional=True)
    assert calendar(date(2027, 10, 4)) == DayKind(True, provisional=True)
    assert calendar(date(2027, 10, 9)) == DayKind(False, provisional=True)
    assert add_working_days(date(2026, 12, 30), 3, calendar) == (date(2027, 1, 5), True)
    assert add_calendar_days(date(2026, 12, 28), 7, calendar) == (date(2027, 1, 4), True)
    assert not add_working_days(date(2026, 12, 29), 1, calendar).provisional


@given(day=st.dates(date(2027, 1, 1), date(2099, 12, 31)))
def test_an_unpublished_year_rests_on_weekends_and_days_of_fixed_date(day):
    fixed = day.strftime("%m-%d") in ("01-01", "05-01", "05-02", "10-01", "10-02", "10-03")
    assert unpublished_rule(day) == DayKind(day.isoweekday() <= 5 and not fixed, provisional=True)


published = st.dates(date(2004, 1, 1), date(2026, 11, 20))


@given(start=published, days=st.integers(1, 12))
def test_a_deadline_is_the_nth_working_day_of_the_package(start, days):
    expected = chinese_calendar.get_workdays(start + timedelta(days=1), start + timedelta(days=40))
    due = add_working_days(start, days, package)
    assert due.on == expected[days - 1]
    assert working_days_between(start, due.on, package) == days
    assert working_days_between(due.on, start, package) == -days


@given(start=st.dates(date(1990, 1, 1), date(2100, 1, 1)), days=st.integers(1, 30))
def test_without_holidays_the_closed_formula_holds(start, days):
    due = add_working_days(start, days, weekdays).on
    monday = start - timedelta(days=start.weekday())
    done = min(start.weekday(), 4) + days
    assert due == monday + timedelta(days=done // 5 * 7 + done % 5)


@given(start=published, days=st.integers(0, 30))
def test_calendar_days_move_forward_over_nothing_but_rest_days(start, days):
    due = add_calendar_days(start, days, package).on
    plain = start + timedelta(days=days)
    assert due >= plain
    assert package(due).works
    assert not any(package(plain + timedelta(days=n)).works for n in range((due - plain).days))


@given(a=published, b=published, days=st.integers(1, 9))
def test_a_later_start_is_never_due_earlier(a, b, days):
    first, second = sorted((a, b))
    assert add_working_days(first, days, package).on <= add_working_days(second, days, package).on


SPAN = 120


@st.composite
def any_calendar(draw):
    """Any start and any calendar of the days after it: working or not, published or not."""
    start = draw(st.dates(date(2004, 1, 1), date(2027, 12, 31)))
    works = draw(st.lists(st.booleans(), min_size=SPAN, max_size=SPAN))
    unpublished_from = draw(st.integers(0, SPAN))
    return start, works, unpublished_from


@given(drawn=any_calendar(), days=st.integers(1, 9), ahead=st.integers(0, 30))
def test_the_arithmetic_agrees_with_counting_on_any_calendar(drawn, days, ahead):
    start, works, unpublished_from = drawn

    def kind(day):
        n = (day - start).days - 1
        return DayKind(works[n] if 0 <= n < SPAN else True, n >= unpublished_from)

    open_days = [n for n in range(1, SPAN + 40) if kind(start + timedelta(days=n)).works]
    nth = open_days[days - 1]
    assert add_working_days(start, days, kind) == (
        start + timedelta(days=nth),
        nth - 1 >= unpublished_from,
    )
    landed = next(n for n in range(ahead, SPAN + 40) if kind(start + timedelta(days=n)).works)
    assert add_calendar_days(start, ahead, kind) == (
        start + timedelta(days=landed),
        landed - 1 >= unpublished_from,
    )


@given(start=st.dates(date(2004, 1, 1), date(2027, 12, 31)), months=st.integers(0, 36))
def test_a_month_later_is_the_same_day_or_the_end_of_a_shorter_month(start, months):
    plain = add_months(start, months, lambda _day: DayKind(True)).on
    index = start.year * 12 + start.month - 1 + months
    assert (plain.year * 12 + plain.month - 1) == index
    if plain.day != start.day:
        assert plain.day < start.day
        assert (plain + timedelta(days=1)).day == 1
    assert add_months(start, months, weekdays) == moved_forward(plain, weekdays)


def test_less_than_one_working_day_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        add_working_days(date(2026, 3, 2), 0, weekdays)


def test_each_limit_names_the_clause_that_sets_it():
    found = {limit.kind.value: (str(limit), limit.clause) for limit in deadlines.LIMITS}
    assert found == {
        "dispatching": ("1个工作日", "3.4.2"),
        "dept_feedback": ("3个工作日", "3.4.2.2"),
        "complaint": ("7天", "3.4.5-他"),
        "callback": ("1个工作日", "3.5.4"),
        "emergency": ("2小时", "3.4.5"),
        "escalation": ("2个工作日", "3.4.7"),
        "weekly_report": ("1个工作日", "3.10.3"),
        "site_survey": ("1个工作日", "3.4.5"),
        "order_issue": ("1个工作日", "3.5.1"),
        "repair": ("3个工作日", "3.4.5-单"),
        "cost_statement": ("3个工作日", "3.5.5"),
        "cs_review": ("5个工作日", "3.5.6"),
        "audit": ("10个工作日", "3.5.6"),
        "contractor_confirmation": ("7天", "3.5.7"),
        "certification": ("3个工作日", "3.5.8"),
        "payment": ("10个工作日", "3.5.9"),
        "emergency_approval": ("1个工作日", "3.6.1"),
    }
    for limit in deadlines.LIMITS:
        manner = CLAUSES[limit.clause].manner
        assert limit.house or manner in (Manner.TIMER, Manner.REPORT), limit


def test_one_trade_has_three_working_days_and_several_have_seven():
    assert [
        str(deadlines.limit_for(deadlines.ClockKind.REPAIR, trades)) for trades in (1, 2, 6)
    ] == [
        "3个工作日",
        "7个工作日",
        "7个工作日",
    ]
    assert CLAUSES[deadlines.MULTI_TRADE_REPAIR.clause].manner is Manner.TIMER


def test_a_changed_limit_is_a_new_policy():
    limits = (*deadlines.LIMITS, deadlines.MULTI_TRADE_REPAIR)
    told = ";".join(f"{limit.kind.value}={limit.amount}{limit.unit.value}" for limit in limits)
    assert {deadlines.POLICY: told} == {
        1: "dispatching=1wd;dept_feedback=3wd;complaint=7day;callback=1wd;emergency=2hour;escalation=2wd;"
        "weekly_report=1wd;site_survey=1wd;order_issue=1wd;repair=3wd;cost_statement=3wd;cs_review=5wd;"
        "audit=10wd;contractor_confirmation=7day;certification=3wd;payment=10wd;"
        "emergency_approval=1wd;repair=7wd"
    }, "raise POLICY and write the new limits down here"


def test_on_time_means_on_the_due_date_at_whatever_hour():
    assert deadlines.on_time(date(2026, 3, 3), date(2026, 3, 3))
    assert not deadlines.on_time(date(2026, 3, 4), date(2026, 3, 3))


@pytest.mark.parametrize(
    ("received", "due"),
    [
        (datetime(2026, 3, 2, 1, 0, tzinfo=UTC), "2026-03-03"),
        (datetime(2026, 3, 2, 13, 30, tzinfo=UTC), "2026-03-03"),
        (datetime(2026, 3, 2, 16, 30, tzinfo=UTC), "2026-03-04"),
        (datetime(2026, 3, 1, 15, 59, tzinfo=UTC), "2026-03-02"),
    ],
)
def test_the_day_of_receipt_is_the_day_in_shanghai(make, received, due):
    with clock.held(received):
        assert make.registered().due_on == D(due)


def due_of(ticket, kind):
    """The due date of the running clock of a kind."""
    found = timers.running(ticket.id, deadlines.ClockKind(kind))
    return found and found.due_on


@pytest.mark.clause("3.4.4")
@pytest.mark.clause("3.4.2.2")
def test_each_stage_gives_the_ticket_its_own_due_date(make):
    def at(day):
        return clock.held(clock.at(D(day), 10))

    office, manager = make.user("office"), make.user("manager")
    with at("2026-02-10"):
        ticket = make.registered(received_at=clock.at(D("2026-02-10"), 9))
    assert (ticket.due_on, ticket.complaint_due_on) == (D("2026-02-11"), D("2026-02-24"))
    with at("2026-02-11"):
        ticket = make.ticket(TicketStage.DISPATCHED, received_at=clock.at(D("2026-02-10"), 9))
    assert ticket.due_on == due_of(ticket, "dept_feedback") == D("2026-02-14")
    with at("2026-02-13"), transaction():
        transfer(
            ticket,
            version=ticket.version,
            category=ticket.category,
            department_id=make.world.departments["SAL"],
            handler_id=None,
            reason="归口调整",
            actor=office,
        )
    assert ticket.due_on == due_of(ticket, "dept_feedback") == D("2026-02-25")
    with at("2026-02-25"), transaction():
        send_back(ticket, version=ticket.version, reason="不归我部", actor=make.user("seller"))
    assert (ticket.due_on, due_of(ticket, "dept_feedback")) == (D("2026-02-26"), None)
    assert ticket.return_count == 1
    with at("2026-02-27"):
        ticket = make.ticket(TicketStage.HANDLING, received_at=clock.at(D("2026-02-27"), 9))
    assert ticket.due_on == ticket.complaint_due_on == D("2026-03-06")
    with at("2026-02-27"):
        ticket = make.ticket(TicketStage.CALLBACK, received_at=clock.at(D("2026-02-27"), 9))
    assert ticket.due_on == due_of(ticket, "callback") == D("2026-02-28")
    with at("2026-02-28"), transaction():
        call_back(
            ticket,
            version=ticket.version,
            reached=True,
            satisfaction=Satisfaction.DISSATISFIED,
            opinion="还漏",
            actor=manager,
        )
    assert (ticket.stage, ticket.due_on) == (TicketStage.HANDLING, D("2026-03-06"))
    assert ticket.rework_count == 1
    assert due_of(ticket, "callback") is None
    with at("2026-03-02"):
        ticket = make.ticket(TicketStage.CLOSED, received_at=clock.at(D("2026-03-02"), 9))
        assert ticket.closed_at == clock.now()
    assert ticket.due_on is None
    with at("2026-03-10"), transaction():
        reopen(ticket, version=ticket.version, reason="又漏", actor=office)
    assert ticket.due_on == due_of(ticket, "complaint") == D("2026-03-17")
    assert ticket.closed_at is None


def test_a_due_date_in_an_unpublished_year_is_marked(make):
    with clock.held(clock.at(D("2026-12-30"), 9)):
        ticket = make.registered()
    assert (ticket.due_on, ticket.due_provisional) == (D("2026-12-31"), False)
    assert (ticket.complaint_due_on, ticket.complaint_due_provisional) == (D("2027-01-06"), True)


@pytest.mark.parametrize(
    ("due", "done", "today", "badge"),
    [
        (None, None, "2026-03-02", ("—", "none")),
        ("2026-03-03", None, "2026-03-02", ("剩 1 工作日", "soon")),
        ("2026-03-06", None, "2026-03-02", ("剩 4 工作日", "fine")),
        ("2026-03-02", None, "2026-03-02", ("今日到期", "soon")),
        ("2026-03-02", None, "2026-03-04", ("超 2 工作日", "late")),
        ("2026-03-06", None, "2026-03-07", ("超 1 工作日", "late")),
        ("2026-03-02", "2026-03-02", "2026-03-09", ("按时", "done")),
        ("2026-03-02", "2026-03-05", "2026-03-09", ("迟 3 工作日", "late")),
    ],
)
def test_a_deadline_is_said_in_working_days(ctx, due, done, today, badge):
    with clock.held(clock.at(D(today), 12)):
        assert due_badge(due and D(due), done and D(done)) == badge
