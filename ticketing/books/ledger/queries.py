"""Reading the sub-ledger: the list of entries, one entry, statements with running balances, the trial balance.

The books are the company's: whoever may read them reads all of them (access matrix 30-33), so nothing is narrowed here.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, case, func, or_, select, tuple_
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from ticketing.books.ledger.models import (
    LedgerAccount,
    LedgerClosing,
    LedgerEntry,
    LedgerLine,
)
from ticketing.kernel.db import db
from ticketing.kernel.errors import NotFound
from ticketing.masters.contractors.models import Contract
from ticketing.procedure.accounts import AccountKind, EntryKind

PAGE = 50


def account(account_id: int) -> LedgerAccount:
    """One account. Raises NotFound."""
    found = db.session.get(LedgerAccount, account_id)
    if found is None:
        raise NotFound
    return found


def account_by_key(key: str) -> LedgerAccount | None:
    """The account with that key, if it was ever opened."""
    return db.session.scalars(select(LedgerAccount).where(LedgerAccount.key == key)).one_or_none()


def held(contract_id: int) -> int:
    """The deposit that stands under a contract, in fen: a positive amount, 0 where none was entered (procedure 2.6)."""
    found = account_by_key(f"{AccountKind.RETENTION.value}:{contract_id}")
    return -found.balance_fen if found else 0


def owed(contractor_id: int) -> int:
    """What a contractor owes beyond his deposits, in fen (procedure 3.5.9)."""
    found = account_by_key(f"{AccountKind.RECEIVABLE.value}:{contractor_id}")
    return found.balance_fen if found else 0


def entry(entry_id: int) -> LedgerEntry:
    """One entry with its lines, its reversal and who booked it. Raises NotFound."""
    found = db.session.scalars(
        select(LedgerEntry)
        .where(LedgerEntry.id == entry_id)
        .options(
            joinedload(LedgerEntry.by),
            joinedload(LedgerEntry.reversed_by),
            joinedload(LedgerEntry.reverses),
            selectinload(LedgerEntry.lines).joinedload(LedgerLine.account),
        )
    ).one_or_none()
    if found is None:
        raise NotFound
    return found


@dataclass(frozen=True)
class Wanted:
    """Which entries a list shows: of a period (dates inclusive), a kind, an account, a document; below entry `before`."""

    since: date | None = None
    until: date | None = None
    kind: EntryKind | None = None
    account_kind: AccountKind | None = None
    account_id: int | None = None
    source: str = ""
    before: int | None = None


def entries(wanted: Wanted, size: int = PAGE) -> tuple[Sequence[LedgerEntry], str]:
    """A page of entries with their lines, the newest first, and where the next page begins ('' at the end)."""
    query = select(LedgerEntry).where(*_conditions(wanted))
    if wanted.before is not None:
        query = query.where(LedgerEntry.id < wanted.before)
    rows = db.session.scalars(
        query.options(
            joinedload(LedgerEntry.by),
            joinedload(LedgerEntry.reversed_by),
            selectinload(LedgerEntry.lines).joinedload(LedgerLine.account),
        )
        .order_by(LedgerEntry.id.desc())
        .limit(size + 1)
    ).all()
    return rows[:size], str(rows[size - 1].id) if len(rows) > size else ""


def all_entries(wanted: Wanted) -> Sequence[LedgerEntry]:
    """Every entry of a period with its lines, the oldest first: for the export of vouchers."""
    return db.session.scalars(
        select(LedgerEntry)
        .where(*_conditions(wanted))
        .options(
            joinedload(LedgerEntry.by),
            selectinload(LedgerEntry.lines).joinedload(LedgerLine.account),
        )
        .order_by(LedgerEntry.id)
    ).all()


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.since is not None:
        conditions.append(LedgerEntry.on >= wanted.since)
    if wanted.until is not None:
        conditions.append(LedgerEntry.on <= wanted.until)
    if wanted.kind is not None:
        conditions.append(LedgerEntry.kind == wanted.kind)
    if wanted.source:
        conditions.append(LedgerEntry.source == wanted.source)
    if wanted.account_id is not None or wanted.account_kind is not None:
        lines = select(LedgerLine.entry_id)
        if wanted.account_id is not None:
            lines = lines.where(LedgerLine.account_id == wanted.account_id)
        if wanted.account_kind is not None:
            lines = lines.join(LedgerLine.account).where(LedgerAccount.kind == wanted.account_kind)
        conditions.append(LedgerEntry.id.in_(lines))
    return conditions


class StatementLine(NamedTuple):
    """One line of a statement: the entry, the amount on the account, and the balance after it (debit positive)."""

    line: LedgerLine
    entry: LedgerEntry
    balance_fen: int


class Statement(NamedTuple):
    """The lines of some accounts over a period with running balances; `following` begins the next page ('' at the end)."""

    opening_fen: int
    lines: list[StatementLine]
    closing_fen: int
    following: str


def statement(
    account_ids: Collection[int],
    *,
    since: date | None = None,
    until: date | None = None,
    after: tuple[date, int] | None = None,
    size: int | None = PAGE,
) -> Statement:
    """What happened on some accounts in a period, by voucher date, with the balance after each line.

    `after` (voucher date, line id) continues a page; `size` None gives the whole period.
    """
    of_accounts = LedgerLine.account_id.in_(sorted(account_ids))
    begins: ColumnElement[bool] | None = None
    if after is not None:
        begins = tuple_(LedgerEntry.on, LedgerLine.id) > tuple_(*after)
    elif since is not None:
        begins = LedgerEntry.on >= since
    opening = _sum_of(of_accounts, ~begins) if begins is not None else 0
    query = (
        select(LedgerLine)
        .join(LedgerLine.entry)
        .where(of_accounts)
        .options(
            contains_eager(LedgerLine.entry).joinedload(LedgerEntry.reversed_by),
            joinedload(LedgerLine.account),
        )
        .order_by(LedgerEntry.on, LedgerLine.id)
    )
    if begins is not None:
        query = query.where(begins)
    if until is not None:
        query = query.where(LedgerEntry.on <= until)
    if size is not None:
        query = query.limit(size + 1)
    rows = db.session.scalars(query).all()
    running, lines = opening, []
    for line in rows[:size]:
        running += line.amount_fen
        lines.append(StatementLine(line, line.entry, running))
    more = size is not None and len(rows) > size
    last = lines[-1] if more else None
    following = f"{last.entry.on}_{last.line.id}" if last else ""
    closing = running
    if more:
        ends = [LedgerEntry.on <= until] if until is not None else []
        closing = _sum_of(of_accounts, *ends)
    return Statement(opening, lines, closing, following)


def _sum_of(*conditions: Any) -> int:
    total = select(func.coalesce(func.sum(LedgerLine.amount_fen), 0)).join(LedgerLine.entry)
    return int(db.session.scalar(total.where(*conditions)) or 0)


def accounts_of(contractor_id: int) -> Sequence[LedgerAccount]:
    """A contractor's accounts: the deposits of his contracts, and what he owes beyond them."""
    own = select(Contract.id).where(Contract.contractor_id == contractor_id)
    return db.session.scalars(
        select(LedgerAccount)
        .where(
            or_(
                and_(
                    LedgerAccount.kind == AccountKind.RECEIVABLE,
                    LedgerAccount.contractor_id == contractor_id,
                ),
                and_(
                    LedgerAccount.kind == AccountKind.RETENTION,
                    LedgerAccount.contract_id.in_(own),
                ),
            )
        )
        .order_by(LedgerAccount.kind.desc(), LedgerAccount.name)
    ).all()


def accounts(kind: AccountKind) -> Sequence[LedgerAccount]:
    """The accounts of one kind, by name."""
    return db.session.scalars(
        select(LedgerAccount).where(LedgerAccount.kind == kind).order_by(LedgerAccount.name)
    ).all()


class TrialLine(NamedTuple):
    """One account over a period: opening balance, what was debited and credited, closing balance; all in fen."""

    account: LedgerAccount
    opening_fen: int
    debit_fen: int
    credit_fen: int

    @property
    def closing_fen(self) -> int:
        """The balance at the end of the period, debit positive."""
        return self.opening_fen + self.debit_fen - self.credit_fen


def trial_balance(since: date | None = None, until: date | None = None) -> list[TrialLine]:
    """Every account that ever moved, over a period (dates inclusive); openings, and closings, add up to nought."""
    amount = LedgerLine.amount_fen
    before = LedgerEntry.on < since if since is not None else None
    within = LedgerEntry.on >= since if since is not None else LedgerEntry.id.is_not(None)
    sums = (
        select(
            LedgerLine.account_id.label("account_id"),
            (
                func.coalesce(func.sum(case((before, amount), else_=0)), 0)
                if before is not None
                else func.coalesce(func.sum(0), 0)
            ).label("opening"),
            func.sum(case((and_(within, amount > 0), amount), else_=0)).label("debit"),
            func.sum(case((and_(within, amount < 0), -amount), else_=0)).label("credit"),
        )
        .join(LedgerLine.entry)
        .group_by(LedgerLine.account_id)
    )
    if until is not None:
        sums = sums.where(LedgerEntry.on <= until)
    totals = sums.subquery()
    rows = db.session.execute(
        select(LedgerAccount, totals.c.opening, totals.c.debit, totals.c.credit)
        .join(totals, totals.c.account_id == LedgerAccount.id)
        .order_by(LedgerAccount.kind, LedgerAccount.name)
    )
    order = list(AccountKind)
    found = [TrialLine(row[0], int(row[1]), int(row[2]), int(row[3])) for row in rows]
    return sorted(found, key=lambda line: order.index(line.account.kind))


def closed_through() -> date | None:
    """The day through which the books are closed, None where they never were (access matrix 33)."""
    return db.session.scalar(
        select(LedgerClosing.through)
        .where(LedgerClosing.agreed.is_(True))
        .order_by(LedgerClosing.id.desc())
        .limit(1)
    )


def closings(before: int | None = None, size: int = PAGE) -> tuple[Sequence[LedgerClosing], str]:
    """A page of what was ever asked about closing the books, the newest first, and where the next page begins."""
    query = select(LedgerClosing).options(
        joinedload(LedgerClosing.asked_by), joinedload(LedgerClosing.settled_by)
    )
    if before is not None:
        query = query.where(LedgerClosing.id < before)
    rows = db.session.scalars(query.order_by(LedgerClosing.id.desc()).limit(size + 1)).all()
    return rows[:size], str(rows[size - 1].id) if len(rows) > size else ""


def closing(closing_id: int) -> LedgerClosing:
    """One of them. Raises NotFound."""
    found = db.session.get(LedgerClosing, closing_id)
    if found is None:
        raise NotFound
    return found


def closing_that_waits() -> LedgerClosing | None:
    """The closing or reopening that waits for audit, if there is one."""
    return db.session.scalars(
        select(LedgerClosing).where(LedgerClosing.settled_at.is_(None))
    ).one_or_none()


def first_day() -> date | None:
    """The day of the oldest entry, None in an empty book."""
    return db.session.scalar(select(func.min(LedgerEntry.on)))
