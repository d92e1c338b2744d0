"""Weeks and quarters as pure arithmetic."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketing.procedure.periods import Period
from ticketing.procedure.vocabulary import ReportKind

WEEKLY, QUARTERLY = ReportKind.WEEKLY, ReportKind.QUARTERLY
DAYS = st.dates(date(2001, 1, 8), date(2998, 12, 20))


@pytest.mark.parametrize(
    ("day", "first", "last", "name", "title"),
    [
        ("2026-11-18", "2026-11-16", "2026-11-22", "2026-W47", "2026年第47周"),
        ("2026-11-22", "2026-11-16", "2026-11-22", "2026-W47", "2026年第47周"),
        ("2026-12-31", "2026-12-28", "2027-01-03", "2026-W53", "2026年第53周"),
        ("2027-01-03", "2026-12-28", "2027-01-03", "2026-W53", "2026年第53周"),
        ("2025-12-29", "2025-12-29", "2026-01-04", "2026-W01", "2026年第1周"),
    ],
)
def test_a_week_runs_from_monday_to_sunday_and_bears_its_iso_number(day, first, last, name, title):
    period = Period.holding(WEEKLY, date.fromisoformat(day))
    assert (period.first_on.isoformat(), period.last_on.isoformat()) == (first, last)
    assert (period.name, period.title) == (name, title)


@pytest.mark.parametrize(
    ("day", "first", "last", "name"),
    [
        ("2026-01-01", "2026-01-01", "2026-03-31", "2026-Q1"),
        ("2028-02-29", "2028-01-01", "2028-03-31", "2028-Q1"),
        ("2026-06-30", "2026-04-01", "2026-06-30", "2026-Q2"),
        ("2026-09-01", "2026-07-01", "2026-09-30", "2026-Q3"),
        ("2026-12-31", "2026-10-01", "2026-12-31", "2026-Q4"),
    ],
)
def test_a_quarter_is_three_calendar_months(day, first, last, name):
    period = Period.holding(QUARTERLY, date.fromisoformat(day))
    assert (period.first_on.isoformat(), period.last_on.isoformat()) == (first, last)
    assert period.name == name
    assert period.title == f"{name[:4]}年第{name[-1]}季度"


@given(DAYS, st.sampled_from(list(ReportKind)))
def test_periods_hold_their_days_and_follow_each_other_without_gap(day, kind):
    period = Period.holding(kind, day)
    assert period.first_on <= day <= period.last_on
    assert Period.named(kind, period.name) == period
    assert period.previous.last_on + timedelta(days=1) == period.first_on
    assert Period.holding(kind, period.last_on) == period
    assert period.back(3) == [period, period.previous, period.previous.previous]


def test_the_year_before_is_the_same_quarter_or_the_week_52_weeks_ago():
    quarter = Period.named(QUARTERLY, "2028-Q1")
    assert quarter.year_before.name == "2027-Q1"
    week = Period.named(WEEKLY, "2026-W47")
    assert week.year_before.name == "2025-W47"
    assert (week.first_on - week.year_before.first_on).days == 364


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (WEEKLY, "2026-W00"),
        (WEEKLY, "2025-W53"),
        (WEEKLY, "2026-W54"),
        (WEEKLY, "2026-W4"),
        (WEEKLY, "2026-Q4"),
        (WEEKLY, "1999-W10"),
        (WEEKLY, "2026-W47 "),
        (WEEKLY, "２０２６-W47"),
        (QUARTERLY, "2026-Q5"),
        (QUARTERLY, "2026-Q0"),
        (QUARTERLY, "2026-W10"),
        (QUARTERLY, "9999-Q4"),
        (QUARTERLY, ""),
    ],
)
def test_a_name_that_is_no_period_is_refused(kind, name):
    with pytest.raises(ValueError):
        Period.named(kind, name)
