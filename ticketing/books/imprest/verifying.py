"""The proof of the working funds: what their rows say against what the ledger holds (procedure 3.6)."""

from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, func, select

from ticketing.books.imprest.models import (
    ImprestCount,
    ImprestRequest,
    ImprestReturn,
    ImprestSlip,
)
from ticketing.books.imprest.queries import select_funds, standings
from ticketing.kernel.db import db
from ticketing.kernel.text import show_fen
from ticketing.procedure.imprest import RequestState


class Books(NamedTuple):
    """What the rows of a fund say its accounts should hold."""

    cash_fen: int
    slips_fen: int


def from_rows(fund_id: int) -> Books:
    """Cash and slips of a fund reckoned from its own rows, without the ledger."""

    def total(column: Any, *conditions: ColumnElement[bool]) -> int:
        return int(db.session.scalar(select(func.coalesce(func.sum(column), 0)).where(*conditions)) or 0)  # fmt: skip

    paid = (ImprestRequest.fund_id == fund_id, ImprestRequest.state == RequestState.PAID)
    spent = total(
        ImprestSlip.amount_fen, ImprestSlip.fund_id == fund_id, ImprestSlip.struck_at.is_(None)
    )
    cleared = total(
        ImprestSlip.amount_fen, ImprestSlip.fund_id == fund_id, ImprestSlip.cleared_at.is_not(None)
    )
    counted = total(
        ImprestCount.counted_fen - ImprestCount.book_fen,
        ImprestCount.fund_id == fund_id,
        ImprestCount.reversed_at.is_(None),
    )
    returned = total(
        ImprestReturn.amount_fen,
        ImprestReturn.fund_id == fund_id,
        ImprestReturn.reversed_at.is_(None),
    )
    cash = total(ImprestRequest.amount_fen, *paid) - spent + cleared + counted - returned
    return Books(cash, spent - cleared - total(ImprestRequest.slips_fen, *paid))


def verify() -> list[str]:
    """A sentence for each fund whose accounts do not hold what its slips, counts and requests say."""
    faults = []
    every = db.session.scalars(select_funds()).all()
    for one in standings(every):
        wanted, held = from_rows(one.fund.id), Books(one.cash_fen, one.book_slips_fen)
        if wanted != held:
            faults.append(
                f"周转金 {one.fund.name}：现金应为 {show_fen(wanted.cash_fen)}、单据 {show_fen(wanted.slips_fen)}，"
                f"账上为 {show_fen(held.cash_fen)}、{show_fen(held.slips_fen)}"
            )
    return faults
