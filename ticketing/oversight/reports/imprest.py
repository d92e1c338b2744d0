"""What a quarter had of the working funds: cash at its beginning, what came, what went, what is left (procedure 3.6, 3.10.4)."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from sqlalchemy import case, func, or_, select

from ticketing.books.imprest.models import ImprestFund
from ticketing.books.imprest.queries import effective_kind, select_funds
from ticketing.books.ledger.models import LedgerAccount, LedgerEntry, LedgerLine
from ticketing.kernel.db import db, off_index
from ticketing.masters.contractors.models import TeamArea
from ticketing.oversight.reports.imprest_rows import ImprestRow
from ticketing.oversight.reports.service import Window
from ticketing.oversight.reports.stock import Extent
from ticketing.procedure.accounts import AccountKind, EntryKind

_CASH = {
    EntryKind.IMPREST_ADVANCE: ("advanced_fen", 1),
    EntryKind.IMPREST_REPLENISHMENT: ("filled_fen", 1),
    EntryKind.IMPREST_SPENDING: ("spent_fen", -1),
    EntryKind.IMPREST_COUNT: ("other_fen", 1),
    EntryKind.IMPREST_CLEARING: ("other_fen", 1),
}
"""Under which column, and with which sign, a kind of entry moves a fund's cash."""


def count(extent: Extent, window: Window) -> tuple[ImprestRow, ...]:
    """Every fund of the company, or of an office the funds of the teams that work in its communities."""
    funds = _funds(extent, window)
    told: dict[int, Counter[str]] = defaultdict(Counter)
    undone, kind = effective_kind()
    before = case((LedgerEntry.on < window.first_on, 1), else_=0).label("before")
    rows = db.session.execute(
        select(
            LedgerAccount.fund_id, LedgerAccount.kind, before, kind, func.sum(LedgerLine.amount_fen)
        )
        .join(LedgerLine, LedgerLine.account_id == LedgerAccount.id)
        .join(LedgerEntry, LedgerEntry.id == LedgerLine.entry_id)
        .outerjoin(undone, undone.c.id == LedgerEntry.reverses_id)
        .where(
            LedgerAccount.fund_id.in_([fund.id for fund in funds]),
            off_index(LedgerEntry.on) <= window.as_of_on,
        )
        .group_by(LedgerAccount.fund_id, LedgerAccount.kind, "before", kind)
    )
    for fund_id, account_kind, is_before, entry_kind, fen in rows:
        one, kind_of = told[fund_id], EntryKind(entry_kind)
        cash = account_kind is AccountKind.IMPREST_CASH
        one["closing_fen" if cash else "slips_fen"] += int(fen)
        if cash and is_before:
            one["opening_fen"] += int(fen)
        elif cash:
            column, sign = _CASH[kind_of]
            one[column] += sign * int(fen)
        elif not is_before and kind_of is EntryKind.IMPREST_CLEARING:
            one["filled_fen"] -= int(fen)
            one["other_fen"] += int(fen)
    return tuple(ImprestRow(fund.id, fund.name, **told[fund.id]) for fund in funds)


def _funds(extent: Extent, window: Window) -> Sequence[ImprestFund]:
    """The funds that stood in the period: those of an office are its crews', the department's is the company's."""
    conditions = [
        ImprestFund.opened_on <= window.as_of_on,
        or_(ImprestFund.closed_on.is_(None), ImprestFund.closed_on >= window.first_on),
    ]
    if not extent.whole_company:
        here = select(TeamArea.team_id).where(extent.holds(TeamArea.community_id))
        conditions.append(ImprestFund.team_id.in_(here))
    return db.session.scalars(select_funds(*conditions)).all()
