"""The words and rules of the working funds 周转金: how much is used, what waits too long, when it is counted (procedure 3.6).

A fund is fixed: cash, slips and what is in transit together are its ceiling. Amounts are integer fen.
"""

from datetime import date, timedelta

from ticketing.kernel.enums import Labelled
from ticketing.procedure.parameters import Limits


class FundKind(Labelled):
    """Whose fund it is (procedure 3.6)."""

    CS = "cs", "客户服务部"
    CREW = "crew", "维修队"


class SpendingWay(Labelled):
    """How money left a fund."""

    CASH = "cash", "现金"
    TRANSFER = "transfer", "转账"


class RequestState(Labelled):
    """How far a request for money has come; its payment has states of its own."""

    ASKED = "asked", "在途"
    PAID = "paid", "已拨付"
    WITHDRAWN = "withdrawn", "已撤回"


class SlipState(Labelled):
    """Where a slip stands: with the fund, handed in for money on its way, given back, or struck out."""

    OPEN = "open", "未报"
    HANDED_IN = "handed_in", "已报在途"
    SETTLED = "settled", "已补足"
    STRUCK = "struck", "已冲销"


class Flag(Labelled):
    """What is not as it should be with a fund."""

    STOPPED = "stopped", "停付"
    REPLENISH = "replenish", "应补足"
    STALE = "stale", "单据超期"
    COUNT_MISSED = "count_missed", "上月未盘点"
    COUNT_DUE = "count_due", "本月待盘点"
    YEAR_END = "year_end", "年终清理"
    DIFFERS = "differs", "账不符限额"


STALE_DAYS = 30
"""Days after which a slip that was not handed in is called to mind."""

COUNT_FROM = 25
"""The day of the month from which the month's counting is due."""


def ceiling(kind: FundKind, limits: Limits) -> int:
    """The fixed amount of a fund of that kind (procedure 3.6)."""
    return limits.imprest_cs_fen if kind is FundKind.CS else limits.imprest_crew_fen


def reaches(ceiling_fen: int, cash_fen: int, basis_points: int) -> bool:
    """Whether so much of the ceiling is used, the rate itself included: used is what is no longer there as cash."""
    return (ceiling_fen - cash_fen) * 10_000 >= ceiling_fen * basis_points


def used_bp(ceiling_fen: int, cash_fen: int) -> int | None:
    """The used share of a fund in basis points, rounded down; None without a ceiling."""
    return max(0, ceiling_fen - cash_fen) * 10_000 // ceiling_fen if ceiling_fen else None


def stale_before(today: date) -> date:
    """Slips dated before this day have waited longer than they may."""
    return today - timedelta(days=STALE_DAYS)


def count_flag(last_on: date | None, since: date, today: date) -> Flag | None:
    """Whether the monthly counting is due or was missed, of a fund that holds money since a day."""
    this_month = today.replace(day=1)
    last_month = (this_month - timedelta(days=1)).replace(day=1)
    counted = last_on or date.min
    if since < this_month and counted < max(last_month, since):
        return Flag.COUNT_MISSED
    return Flag.COUNT_DUE if counted < this_month and today.day >= COUNT_FROM else None


def must_clear(cleared_on: date | None, since: date, today: date) -> int | None:
    """The year whose end asks for a fund's cash, from 1 December until it was handed back; None where none does."""
    year = today.year if today.month == 12 else today.year - 1
    if since > date(year, 12, 31) or (cleared_on and cleared_on >= date(year, 12, 1)):
        return None
    return year
