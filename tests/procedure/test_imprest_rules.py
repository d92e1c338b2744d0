"""The rules of the working funds by themselves: what is used, when it is counted, when it is cleared (procedure 3.6)."""

from datetime import date

import pytest

from ticketing.procedure.imprest import (
    Flag,
    FundKind,
    ceiling,
    count_flag,
    must_clear,
    reaches,
    stale_before,
    used_bp,
)
from ticketing.procedure.parameters import STANDARD


@pytest.mark.clause("3.6")
def test_each_fund_has_the_ceiling_of_its_parameter():
    assert ceiling(FundKind.CS, STANDARD) == 2_000_000
    assert ceiling(FundKind.CREW, STANDARD) == 10_000_000


@pytest.mark.parametrize(("cash", "reached"), [(600_001, False), (600_000, True), (599_999, True)])
def test_a_share_is_reached_when_exactly_so_much_is_used(cash, reached):
    assert reaches(2_000_000, cash, 7_000) is reached


def test_more_cash_than_the_ceiling_is_nothing_used_and_no_ceiling_has_no_share():
    assert used_bp(100, 150) == 0
    assert used_bp(0, 0) is None
    assert not reaches(100, 150, 1_000)
    assert reaches(0, 0, 9_500)


def test_a_slip_is_old_after_thirty_days():
    assert stale_before(date(2026, 11, 30)) == date(2026, 10, 31)


@pytest.mark.parametrize(
    ("counted", "since", "today", "flag"),
    [
        (None, date(2026, 10, 5), date(2026, 10, 24), None),
        (None, date(2026, 10, 5), date(2026, 10, 25), Flag.COUNT_DUE),
        (None, date(2026, 10, 5), date(2026, 11, 1), Flag.COUNT_MISSED),
        (date(2026, 10, 5), date(2026, 10, 5), date(2026, 11, 1), None),
        (date(2026, 9, 30), date(2026, 1, 5), date(2026, 11, 1), Flag.COUNT_MISSED),
        (date(2026, 10, 1), date(2026, 1, 5), date(2026, 11, 24), None),
        (date(2026, 10, 31), date(2026, 1, 5), date(2026, 11, 25), Flag.COUNT_DUE),
        (date(2026, 11, 1), date(2026, 1, 5), date(2026, 11, 30), None),
        (date(2026, 12, 2), date(2026, 1, 5), date(2027, 1, 3), None),
        (date(2026, 11, 30), date(2026, 1, 5), date(2027, 1, 3), Flag.COUNT_MISSED),
    ],
)
def test_cash_is_counted_every_month(counted, since, today, flag):
    assert count_flag(counted, since, today) is flag


@pytest.mark.parametrize(
    ("cleared", "since", "today", "year"),
    [
        (None, date(2026, 5, 1), date(2026, 11, 30), None),
        (None, date(2026, 5, 1), date(2026, 12, 1), 2026),
        (None, date(2026, 5, 1), date(2027, 3, 1), 2026),
        (date(2026, 12, 28), date(2026, 5, 1), date(2027, 3, 1), None),
        (date(2026, 12, 28), date(2026, 5, 1), date(2027, 12, 1), 2027),
        (date(2025, 12, 28), date(2025, 5, 1), date(2026, 12, 1), 2026),
        (None, date(2027, 1, 4), date(2027, 3, 1), None),
    ],
)
def test_the_end_of_the_year_asks_for_the_cash_until_it_was_handed_back(
    cleared, since, today, year
):
    assert must_clear(cleared, since, today) == year
