"""Reading deposits: what is held under each contract, what stands open against it, what contractors owe, and since when.

Deposits are the company's: whoever may read them reads all of them (access matrix 31, 32), so nothing is narrowed here.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import Select, func, select
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from ticketing.books.ledger.models import LedgerAccount, LedgerEntry, LedgerLine
from ticketing.books.retention.models import (
    ContractorReceipt,
    RetentionDeposit,
    RetentionRelease,
)
from ticketing.kernel.db import db
from ticketing.kernel.errors import NotFound
from ticketing.masters.contractors.models import Contract, Contractor
from ticketing.masters.contractors.queries import Liability, liability
from ticketing.masters.estate.models import Community
from ticketing.procedure.accounts import AccountKind, EntryKind, ReleaseStage
from ticketing.procedure.permissions import Act


class OpenItem(NamedTuple):
    """Something that stands open against a contract's deposit: a repair not done or not settled, with its page and who reads that."""

    text: str
    path: str
    since: date | None = None
    amount_fen: int | None = None
    read_by: Act = Act.READ_TICKET


OPEN_ITEMS: list[Callable[[Sequence[Contract]], dict[int, list[OpenItem]]]] = []
"""What the rooms above hold open against contracts, by contract id; each is asked for many contracts at once."""


def open_items(contracts: Sequence[Contract]) -> dict[int, list[OpenItem]]:
    """What stands open against each contract's deposit (procedure 3.6.2)."""
    found: dict[int, list[OpenItem]] = {contract.id: [] for contract in contracts}
    for ask in OPEN_ITEMS:
        for contract_id, items in ask(contracts).items():
            found[contract_id] += items
    return found


class Standing(NamedTuple):
    """A contract's deposit as it stands, in fen: what it should be, what came in, was deducted, paid back, and is held."""

    contract: Contract
    liability: Liability | None
    entered_fen: int
    deducted_fen: int
    released_fen: int
    held_fen: int
    release: RetentionRelease | None
    deposit: RetentionDeposit | None

    @property
    def missing_fen(self) -> int:
        """What the contract says and was not entered."""
        return self.contract.retention_fen - self.entered_fen


def standings(contract_ids: Iterable[int] | None = None) -> list[Standing]:
    """Every contract (or those named) with its deposit, by community and number (procedure 2.6)."""
    query = (
        select(Contract)
        .join(Contract.community)
        .join(Contract.contractor)
        .options(contains_eager(Contract.community), contains_eager(Contract.contractor))
        .options(selectinload(Contract.trades))
        .order_by(Community.code, Contract.number)
    )
    if contract_ids is not None:
        query = query.where(Contract.id.in_(sorted(contract_ids)))
    contracts = db.session.scalars(query).all()
    moved = _moved()
    releases = {row.contract_id: row for row in db.session.scalars(_open_releases())}
    deposits = {row.contract_id: row for row in db.session.scalars(_waiting_deposits())}
    return [
        Standing(
            contract,
            liability(contract),
            -moved.get((contract.id, EntryKind.RETENTION_OPENING), 0),
            moved.get((contract.id, EntryKind.DEDUCTION), 0),
            moved.get((contract.id, EntryKind.RETENTION_RELEASE), 0),
            -sum(fen for (owner, _kind), fen in moved.items() if owner == contract.id),
            releases.get(contract.id),
            deposits.get(contract.id),
        )
        for contract in contracts
    ]


def _moved() -> dict[tuple[int, EntryKind], int]:
    """What moved on each deposit by kind of booking; a reversal counts under what it reversed."""
    reversed_entry = select(LedgerEntry.id, LedgerEntry.kind).subquery()
    kind = func.coalesce(reversed_entry.c.kind, LedgerEntry.kind)
    rows = db.session.execute(
        select(LedgerAccount.contract_id, kind, func.sum(LedgerLine.amount_fen))
        .join(LedgerLine, LedgerLine.account_id == LedgerAccount.id)
        .join(LedgerEntry, LedgerEntry.id == LedgerLine.entry_id)
        .outerjoin(reversed_entry, reversed_entry.c.id == LedgerEntry.reverses_id)
        .where(LedgerAccount.kind == AccountKind.RETENTION)
        .group_by(LedgerAccount.contract_id, kind)
    )
    return {(row[0], EntryKind(row[1])): int(row[2]) for row in rows}


def _open_releases() -> Select[RetentionRelease]:
    closed = (ReleaseStage.PAID, ReleaseStage.WITHDRAWN)
    return select(RetentionRelease).where(RetentionRelease.stage.not_in(closed))


def _waiting_deposits() -> Select[RetentionDeposit]:
    return (
        select(RetentionDeposit)
        .where(RetentionDeposit.settled_at.is_(None))
        .options(joinedload(RetentionDeposit.entered_by))
    )


def why_early(contract: Contract, applied_on: date) -> str:
    """Why an application of a day comes before the defects liability period is over, by its arithmetic; empty once it is (procedure 3.6.2)."""
    period = liability(contract)
    if period is None:
        return "合同未登记竣工验收日期，缺陷责任期的届满日无法推算"
    return "" if applied_on > period.until else f"申请早于缺陷责任期届满（{period.words}）"


def standing(contract_id: int) -> Standing:
    """One contract's deposit. Raises NotFound."""
    found = standings([contract_id])
    if not found:
        raise NotFound
    return found[0]


def entered(contract_id: int) -> int:
    """What was agreed to and booked into a contract's deposit and not reversed, in fen."""
    total = db.session.scalar(
        select(func.sum(RetentionDeposit.amount_fen)).where(
            RetentionDeposit.contract_id == contract_id,
            RetentionDeposit.agreed.is_(True),
            RetentionDeposit.reversed_at.is_(None),
        )
    )
    return int(total or 0)


def deposits(contract_id: int) -> Sequence[RetentionDeposit]:
    """What was entered for a contract, the oldest first."""
    return db.session.scalars(
        select(RetentionDeposit)
        .where(RetentionDeposit.contract_id == contract_id)
        .options(joinedload(RetentionDeposit.entered_by), joinedload(RetentionDeposit.settled_by))
        .order_by(RetentionDeposit.id)
    ).all()


def deposit(deposit_id: int) -> RetentionDeposit:
    """One entered deposit. Raises NotFound."""
    found = db.session.get(RetentionDeposit, deposit_id)
    if found is None:
        raise NotFound
    return found


def releases(contract_id: int) -> Sequence[RetentionRelease]:
    """The applications under a contract, the newest first."""
    return db.session.scalars(
        select(RetentionRelease)
        .where(RetentionRelease.contract_id == contract_id)
        .options(
            joinedload(RetentionRelease.entered_by),
            joinedload(RetentionRelease.verified_by),
            joinedload(RetentionRelease.opined_by),
        )
        .order_by(RetentionRelease.id.desc())
    ).all()


def release(release_id: int) -> RetentionRelease:
    """One application. Raises NotFound."""
    found = db.session.get(RetentionRelease, release_id)
    if found is None:
        raise NotFound
    return found


def payable_releases() -> Sequence[RetentionRelease]:
    """The applications whose opinion releases something."""
    return db.session.scalars(
        select(RetentionRelease)
        .where(RetentionRelease.stage == ReleaseStage.OPINED, RetentionRelease.release_fen > 0)
        .options(joinedload(RetentionRelease.contract).joinedload(Contract.contractor))
        .order_by(RetentionRelease.id)
    ).all()


def debtor(contractor_id: int) -> Contractor:
    """A contractor that owes, or once owed, something beyond his deposits. Raises NotFound."""
    found = db.session.scalars(
        select(Contractor)
        .join(LedgerAccount, LedgerAccount.contractor_id == Contractor.id)
        .where(Contractor.id == contractor_id, LedgerAccount.kind == AccountKind.RECEIVABLE)
    ).one_or_none()
    if found is None:
        raise NotFound
    return found


def receipts(contractor_id: int) -> Sequence[ContractorReceipt]:
    """What a contractor paid in, the newest first."""
    return db.session.scalars(
        select(ContractorReceipt)
        .where(ContractorReceipt.contractor_id == contractor_id)
        .options(joinedload(ContractorReceipt.entered_by))
        .order_by(ContractorReceipt.id.desc())
    ).all()


BANDS = (30, 90, 180, 365)
"""Up to so many days old, inclusive; the last band is older than all of them."""


class Debtor(NamedTuple):
    """What a contractor owes beyond his deposits, in fen, the oldest part first, by the age of what made it."""

    contractor: Contractor
    owed_fen: int
    bands: tuple[int, ...]
    since: date | None


def debtors(on: date) -> list[Debtor]:
    """Every contractor that owes something on a day, by age: what he paid settles the oldest first (procedure 2.6).

    What was reversed by then, and its reversal, count for nothing: the debt a reversed payment settled is as old as before.
    """
    undone = select(LedgerEntry.reverses_id).where(
        LedgerEntry.reverses_id.is_not(None), LedgerEntry.on <= on
    )
    rows = db.session.execute(
        select(LedgerAccount.contractor_id, LedgerEntry.on, LedgerLine.amount_fen)
        .join(LedgerLine, LedgerLine.account_id == LedgerAccount.id)
        .join(LedgerEntry, LedgerEntry.id == LedgerLine.entry_id)
        .where(
            LedgerAccount.kind == AccountKind.RECEIVABLE,
            LedgerEntry.on <= on,
            LedgerEntry.reverses_id.is_(None),
            LedgerEntry.id.not_in(undone),
        )
        .order_by(LedgerAccount.contractor_id, LedgerEntry.on, LedgerLine.id)
    ).all()
    lines: dict[int, list[tuple[date, int]]] = {}
    for contractor_id, day, fen in rows:
        assert contractor_id is not None, "a receivable has its contractor"
        lines.setdefault(contractor_id, []).append((day, fen))
    owing = {one: parts for one, some in lines.items() if (parts := _unpaid(some))}
    names = {
        one.id: one
        for one in db.session.scalars(select(Contractor).where(Contractor.id.in_(sorted(owing))))
    }
    found = [
        Debtor(
            names[one],
            sum(fen for _day, fen in parts),
            tuple(
                sum(fen for day, fen in parts if _band((on - day).days) == band)
                for band in range(len(BANDS) + 1)
            ),
            parts[0][0],
        )
        for one, parts in owing.items()
    ]
    return sorted(found, key=lambda debtor: (-debtor.owed_fen, debtor.contractor.name))


def _band(days: int) -> int:
    return next((n for n, most in enumerate(BANDS) if days <= most), len(BANDS))


def _unpaid(lines: list[tuple[date, int]]) -> list[tuple[date, int]]:
    """What is left of the debits once the credits have settled the oldest first; nothing where nothing is owed."""
    paid = -sum(fen for _day, fen in lines if fen < 0)
    left = []
    for day, fen in lines:
        if fen < 0:
            continue
        settled = min(fen, paid)
        paid -= settled
        if fen > settled:
            left.append((day, fen - settled))
    return left


def contract(contract_id: int) -> Contract:
    """One contract with its contractor and community, whoever asks. Raises NotFound."""
    found = db.session.scalars(
        select(Contract)
        .where(Contract.id == contract_id)
        .options(joinedload(Contract.contractor), joinedload(Contract.community))
    ).one_or_none()
    if found is None:
        raise NotFound
    return found


def verify() -> list[str]:
    """A sentence for each deposit or receipt whose booking does not say the same as it does."""
    undone = select(LedgerEntry.reverses_id).where(LedgerEntry.reverses_id.is_not(None))
    kinds = (EntryKind.RETENTION_OPENING, EntryKind.RECEIPT)
    rows = db.session.execute(
        select(LedgerEntry.source, func.sum(LedgerLine.amount_fen))
        .join(LedgerLine, LedgerLine.entry_id == LedgerEntry.id)
        .where(
            LedgerEntry.kind.in_(kinds), LedgerEntry.id.not_in(undone), LedgerLine.amount_fen > 0
        )
        .group_by(LedgerEntry.source)
    )
    booked = {source: int(fen) for source, fen in rows}
    wanted: dict[str, int] = {}
    for entered_row in db.session.scalars(select(RetentionDeposit)):
        if entered_row.agreed and entered_row.reversed_at is None:
            wanted[entered_row.source] = entered_row.amount_fen
    for receipt in db.session.scalars(select(ContractorReceipt)):
        if receipt.reversed_at is None:
            wanted[receipt.source] = receipt.amount_fen
    ours = {source for source in booked if source.split(":")[0] in _OURS}
    return [
        f"单据 {source}：登记 {wanted.get(source, 0)} 分，入账 {booked.get(source, 0)} 分"
        for source in sorted(ours | set(wanted))
        if wanted.get(source, 0) != booked.get(source, 0)
    ]


_OURS = ("retention_deposit", "contractor_receipt")
