"""Reading for finance's desk: what waits, what is to be deducted, statements of contractors, the year's end."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import func, or_, select

from ticketing.books.desk.models import AccountCode
from ticketing.books.ledger import queries as ledger
from ticketing.books.ledger import reversing
from ticketing.books.ledger.models import LedgerClosing
from ticketing.books.payments import queries as payments
from ticketing.books.payments.models import Payment
from ticketing.books.payments.queries import Pile
from ticketing.books.retention import queries as retention
from ticketing.books.retention.models import RetentionDeposit
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import NotFound
from ticketing.masters.contractors.models import Contract, Contractor
from ticketing.procedure.accounts import AccountKind


class Overview(NamedTuple):
    """Finance's desk at a glance."""

    waiting: Pile
    prepared: Pile
    deducting: Pile
    receivable: Pile
    held_fen: int
    reversals: int
    deposits: int
    closing: LedgerClosing | None


def overview() -> Overview:
    """What waits at finance's desk (procedure 2.6, 3.5.9)."""
    claims = [one.claim for one in payments.waiting()]
    deducting = [claim for claim in claims if claim.deduct_fen]
    debts = [one.balance_fen for one in ledger.accounts(AccountKind.RECEIVABLE)]
    owed = [fen for fen in debts if fen > 0]
    held = -sum(account.balance_fen for account in ledger.accounts(AccountKind.RETENTION))
    deposits = db.session.scalar(select(func.count()).where(RetentionDeposit.settled_at.is_(None)))
    return Overview(
        Pile(len(claims), sum(claim.amount_fen for claim in claims)),
        payments.prepared(),
        Pile(len(deducting), sum(claim.deduct_fen for claim in deducting)),
        Pile(len(owed), sum(owed)),
        held,
        len(reversing.waiting()),
        deposits or 0,
        ledger.closing_that_waits(),
    )


class Deduction(NamedTuple):
    """A class A document that will be deducted when it is paid: its claim, the deposit now, and what it lacks."""

    waiting: payments.Waiting
    contract: Contract | None
    held_fen: int
    short_fen: int


def deductions() -> list[Deduction]:
    """What is to be deducted, with the deposit left for each after those before it (procedure 2.6, 3.5.9)."""
    due = [one for one in payments.waiting() if one.claim.deduct_fen]
    ids = {one.claim.contract_id for one in due if one.claim.contract_id is not None}
    standings = {one.contract.id: one for one in retention.standings(ids)} if ids else {}
    left = {contract_id: one.held_fen for contract_id, one in standings.items()}
    found = []
    for one in due:
        contract_id = one.claim.contract_id
        held = left.get(contract_id, 0) if contract_id is not None else 0
        taken = min(held, one.claim.deduct_fen)
        if contract_id is not None:
            left[contract_id] = held - taken
        standing = standings.get(contract_id) if contract_id is not None else None
        contract = standing.contract if standing else None
        found.append(Deduction(one, contract, held, one.claim.deduct_fen - taken))
    return found


class ContractorStatement(NamedTuple):
    """A contractor's deposits and debt over a period: what he is owed less what he owes, each part by itself."""

    contractor: Contractor
    parts: list[tuple[str, bool, ledger.Statement]]


def contractor_statement(
    contractor: Contractor, since: date | None, until: date | None
) -> ContractorStatement:
    """Each account of a contractor over a period: name, whether a credit is its ordinary side, and its lines.

    Raises NotFound for a contractor without any money in the books.
    """
    parts = [
        (
            account.name,
            account.kind is AccountKind.RETENTION,
            ledger.statement([account.id], since=since, until=until, size=None),
        )
        for account in ledger.accounts_of(contractor.id)
    ]
    if not parts:
        raise NotFound
    return ContractorStatement(contractor, parts)


def codes() -> dict[AccountKind, AccountCode]:
    """The codes of the accounting system by kind of account."""
    return {one.kind: one for one in db.session.scalars(select(AccountCode))}


class YearEnd(NamedTuple):
    """The books at the end of a year: balances carried over, deposits, debts by age, funds to clear, payments under way.

    `unreleased` are payments that were made and neither released nor given up by then; `closed` is through which day the
    books are closed now.
    """

    year: int
    trial: list[ledger.TrialLine]
    debtors: list[retention.Debtor]
    funds: list[ledger.TrialLine]
    unreleased: Sequence[Payment]
    closed: date | None


def year_end(year: int) -> YearEnd:
    """The books as of 31 December, or as they stand today in the running year (procedure 2.6, 3.6)."""
    first, last = date(year, 1, 1), date(year, 12, 31)
    trial = ledger.trial_balance(first, last)
    funds = (AccountKind.IMPREST_CASH, AccountKind.IMPREST_SLIPS)
    over = clock.at(date(year + 1, 1, 1))
    unreleased = db.session.scalars(
        select(Payment)
        .where(
            Payment.prepared_at < over,
            or_(Payment.paid_on.is_(None), Payment.paid_on > last),
            or_(Payment.voided_at.is_(None), Payment.voided_at >= over),
        )
        .order_by(Payment.id)
    ).all()
    return YearEnd(
        year,
        trial,
        retention.debtors(last),
        [line for line in trial if line.account.kind in funds and line.closing_fen],
        unreleased,
        ledger.closed_through(),
    )
