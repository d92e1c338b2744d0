"""The words of the money: accounts of the sub-ledger, kinds of entries, purposes and states of payments (procedure 2.6, 3.5.9, 3.6).

Amounts are integer fen everywhere; a debit is positive, a credit negative.
"""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, timedelta

from ticketing.kernel.enums import Labelled


class AccountKind(Labelled):
    """What an account of the sub-ledger holds. Stored values never change; the code of the accounting system is mapped."""

    RETENTION = "retention", "质量保证金"
    PAYABLE = "payable", "应付账款—物业公司"
    REPAIR_COST_A = "repair_cost_a", "维修费用（A类）"
    REPAIR_COST_B = "repair_cost_b", "维修费用（B类）"
    RECEIVABLE = "receivable", "其他应收款—施工单位"
    AGENCY_INCOME = "agency_income", "代办费收入"
    IMPREST_CASH = "imprest_cash", "周转金"
    IMPREST_SLIPS = "imprest_slips", "周转金—待报单据"
    IMPREST_EXPENSE = "imprest_expense", "客户服务费用"
    BANK = "bank", "银行存款"
    CONTRACT_PRICE = "contract_price", "应付账款—施工单位"


CREDIT_KINDS = frozenset(
    {
        AccountKind.RETENTION,
        AccountKind.PAYABLE,
        AccountKind.AGENCY_INCOME,
        AccountKind.CONTRACT_PRICE,
    }
)
"""Accounts whose ordinary balance is a credit: what the company owes or has earned."""

NEVER_DEBIT = frozenset({AccountKind.RETENTION, AccountKind.PAYABLE})
"""Their balance is zero or a credit: nobody's deposit is overdrawn, nothing is paid that was not owed."""

NEVER_CREDIT = frozenset({AccountKind.IMPREST_CASH})
"""Its balance is zero or a debit: no fund spends what it does not have."""


class EntryKind(Labelled):
    """What was booked. One document (`source`) is booked once in each kind, until that is reversed."""

    RETENTION_OPENING = "retention_opening", "质保金入账"
    ACCRUAL = "accrual", "结算入账"
    PAYMENT = "payment", "拨付"
    DEDUCTION = "deduction", "质保金扣回"
    RECEIPT = "receipt", "收施工单位款"
    RETENTION_RELEASE = "retention_release", "质保金支付"
    IMPREST_ADVANCE = "imprest_advance", "周转金拨付"
    IMPREST_REPLENISHMENT = "imprest_replenishment", "周转金补足"
    IMPREST_SPENDING = "imprest_spending", "周转金支出"
    IMPREST_COUNT = "imprest_count", "周转金盘点差异"
    IMPREST_CLEARING = "imprest_clearing", "周转金清理"
    REVERSAL = "reversal", "冲销"


RESTS_ON: dict[EntryKind, tuple[EntryKind, ...]] = {
    EntryKind.ACCRUAL: (EntryKind.PAYMENT, EntryKind.DEDUCTION),
    EntryKind.IMPREST_SPENDING: (EntryKind.IMPREST_CLEARING,),
}
"""What of the same document must be reversed before the kind itself can be."""


class Purpose(Labelled):
    """What a payment is for: everything that leaves the house is one of these (procedure 2.6, 3.5.9, 3.6, 3.6.2)."""

    SETTLEMENT = "settlement", "维修款"
    IMPREST_ADVANCE = "imprest_advance", "周转金拨付"
    IMPREST_REPLENISHMENT = "imprest_replenishment", "周转金补足"
    RETENTION = "retention", "质保金支付"


class PaymentState(Labelled):
    """How far a payment has come: made by one person, released by another (procedure 3.5.9)."""

    PREPARED = "prepared", "待放款"
    RELEASED = "released", "已放款"
    VOIDED = "voided", "已作废"
    REVERSED = "reversed", "已冲销"


LIVE = (PaymentState.PREPARED, PaymentState.RELEASED)
"""States in which a document has its payment: there is no second one."""


class ReleaseStage(Labelled):
    """How far a contractor's application for his deposit has come (procedure 3.6.2)."""

    APPLIED = "applied", "已申请"
    VERIFIED = "verified", "已核实"
    OPINED = "opined", "已出支付意见"
    PAID = "paid", "已支付"
    WITHDRAWN = "withdrawn", "已撤回"


ANSWER_DAYS = 14
"""Calendar days to verify an application; to answer a reminder, after which silence counts as consent; to pay after verifying."""

ALERT_DAYS = (60, 30, 7)
"""Days before the end of the defects liability period on which open items are called to mind."""


class ClosingKind(Labelled):
    """What is asked about the books: that they be closed through a later day, or opened again from an earlier one."""

    CLOSE = "close", "结账"
    REOPEN = "reopen", "反结账"


def month_end(day: date) -> date:
    """The last day of a day's month."""
    return day.replace(day=monthrange(day.year, day.month)[1])


def closable(first: date, closed: date | None, today: date) -> list[date]:
    """Through which days the books may be closed, the newest first: ends of months that are over and not closed yet.

    `first` is the day of the oldest entry, `closed` the day through which the books are closed now.
    """
    begin = closed + timedelta(days=1) if closed is not None else first
    return [end for end in _month_ends(begin, today) if end < today][::-1]


def reopenable(first: date, closed: date | None) -> list[date]:
    """Through which days the books may stay closed when they are reopened, the newest first; none where nothing is closed."""
    if closed is None:
        return []
    begins = (end.replace(day=1) for end in _month_ends(min(first, closed), closed))
    return [begin - timedelta(days=1) for begin in begins][::-1]


def _month_ends(begin: date, until: date) -> Iterator[date]:
    """The end of each month from that of `begin` to that of `until`."""
    end = month_end(begin)
    while end <= month_end(until):
        yield end
        end = month_end(end + timedelta(days=1))
