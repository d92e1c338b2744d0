"""The proof of the accounts: their sums from their lines, and what each is in the books (procedure 2.6, 3.5.9)."""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from ticketing.books.ledger.models import LedgerAccount, LedgerEntry, LedgerLine
from ticketing.books.payments.models import Payment
from ticketing.journal.queries import told
from ticketing.kernel.db import db
from ticketing.kernel.text import show_fen
from ticketing.procedure.accounts import AccountKind, EntryKind, PaymentState, Purpose
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import OrderClass
from ticketing.procedure.settlement import SettlementStage, chargeback, line_fen, totals
from ticketing.steps.settlement.booking import source_of
from ticketing.steps.settlement.certifying import what_is_shown
from ticketing.steps.settlement.models import SUBJECT, Settlement, SettlementLine
from ticketing.steps.work_orders.models import WorkOrder

_BOOKED = (SettlementStage.CERTIFIED, SettlementStage.PAID)


class Verdict(NamedTuple):
    """How many accounts were looked at, and a sentence for each fault."""

    checked: int
    faults: list[str]


class Money(NamedTuple):
    """What of an account stands in the books, in fen: owed, paid, charged to its contractor, of that from his retention."""

    owed_fen: int = 0
    paid_fen: int = 0
    charged_fen: int = 0
    deducted_fen: int = 0


def verify() -> Verdict:
    """Whether each account adds up, is booked as its stage says, and is what was certified; nothing else is booked as one."""
    books, paid, shown = _books(), _paid(), _certified()
    faults, count = [*_lines(), *_orders()], 0
    every = select(Settlement).options(selectinload(Settlement.lines)).order_by(Settlement.id)
    for one in db.session.scalars(every.execution_options(yield_per=500)):
        count += 1
        source = source_of(one)
        held = books.pop(source, Money())
        faults += [f"结算单 {one.number}：{words}" for words in _faults(one, held)]
        if paid.pop(source, 0) != (one.approved_fen if one.stage is SettlementStage.PAID else 0):
            faults.append(f"结算单 {one.number}（{one.stage}）：放款与审定合计不符")
        if one.stage in _BOOKED and shown.get(one.id) != what_is_shown(one):
            faults.append(f"结算单 {one.number}：内容与认定时所见不同")
    faults += [f"单据 {source}：入账或付款，但没有这份结算单" for source in sorted({*books, *paid})]
    return Verdict(count, faults)


def _faults(one: Settlement, held: Money) -> Iterator[str]:
    """What of one account is not as its lines, its terms and its stage say."""
    approved, charge = one.approved_fen or 0, 0
    if one.approved_fen is not None:
        sums = totals((line.approved_fen or 0 for line in one.lines), one.terms)
        if (one.management_fen, one.tax_fen, approved) != sums[1:]:
            yield f"审定合计记 {show_fen(approved)}，按各行应为 {show_fen(sums.total_fen)}"
    if one.compiled_at is not None and one.order_class is OrderClass.A:
        charge = chargeback(approved, one.admin_bp, one.penalty_fen)
    if one.chargeback_fen != charge:
        yield f"扣回额记 {show_fen(one.chargeback_fen)}，应为 {show_fen(charge)}"
    wanted = Money()
    if one.stage in _BOOKED:
        wanted = Money(owed_fen=approved)
    if one.stage is SettlementStage.PAID:
        wanted = Money(approved, approved, charge, one.deducted_fen)
    if held != wanted:
        yield f"{one.stage}，应入账 {_words(wanted)}，实为 {_words(held)}"


def _words(booked: Money) -> str:
    return "、".join(
        f"{name} {show_fen(fen)}"
        for name, fen in zip(("认定", "拨付", "扣回", "其中质保金"), booked, strict=True)
    )


def _lines() -> list[str]:
    """Lines whose sum is not quantity times price."""
    faults = []
    for line, number in db.session.execute(
        select(SettlementLine, Settlement.number)
        .join(Settlement, Settlement.id == SettlementLine.settlement_id)
        .order_by(SettlementLine.id)
    ):
        approved = None
        if line.approved_quantity_milli is not None and line.approved_price_milli is not None:
            approved = line_fen(line.approved_quantity_milli, line.approved_price_milli)
        wanted = (line_fen(line.quantity_milli, line.price_milli), approved)
        if (line.submitted_fen, line.approved_fen) != wanted:
            faults.append(f"结算单 {number} 第 {line.position} 行：合计与数量、单价不符")
    return faults


def _orders() -> list[str]:
    """Orders that say they have an account and have none, or the other way round."""
    odd = (
        select(WorkOrder.number)
        .outerjoin(Settlement, Settlement.order_id == WorkOrder.id)
        .where(WorkOrder.accounted_at.is_distinct_from(Settlement.drafted_at))
        .order_by(WorkOrder.id)
    )
    return [
        f"派工单 {number}：所记决算书编制时间与决算书不符" for number in db.session.scalars(odd)
    ]


def _books() -> dict[str, Money]:
    """What stands in the books of each account, reversals and what they undo left out."""
    undone = select(LedgerEntry.reverses_id).where(LedgerEntry.reverses_id.is_not(None))
    rows = db.session.execute(
        select(
            LedgerEntry.source,
            LedgerEntry.kind,
            LedgerAccount.kind,
            func.sum(LedgerLine.amount_fen),
        )
        .join(LedgerLine, LedgerLine.entry_id == LedgerEntry.id)
        .join(LedgerLine.account)
        .where(LedgerEntry.source.startswith(f"{SUBJECT}:"), LedgerEntry.id.not_in(undone))
        .group_by(LedgerEntry.source, LedgerEntry.kind, LedgerAccount.kind)
    )
    sums: dict[str, dict[tuple[EntryKind, AccountKind], int]] = defaultdict(dict)
    for source, kind, account, fen in rows:
        sums[source][kind, account] = int(fen)
    return {source: _of(some) for source, some in sums.items()}


def _of(sums: dict[tuple[EntryKind, AccountKind], int]) -> Money:
    def fen(kind: EntryKind, account: AccountKind) -> int:
        return sums.get((kind, account), 0)

    deducted = fen(EntryKind.DEDUCTION, AccountKind.RETENTION)
    return Money(
        owed_fen=-fen(EntryKind.ACCRUAL, AccountKind.PAYABLE),
        paid_fen=-fen(EntryKind.PAYMENT, AccountKind.BANK),
        charged_fen=deducted + fen(EntryKind.DEDUCTION, AccountKind.RECEIVABLE),
        deducted_fen=deducted,
    )


def _paid() -> dict[str, int]:
    """What was released for each account and not reversed."""
    rows = db.session.execute(
        select(Payment.source, func.sum(Payment.amount_fen))
        .where(Payment.purpose == Purpose.SETTLEMENT, Payment.state == PaymentState.RELEASED)
        .group_by(Payment.source)
    )
    return {source: int(fen) for source, fen in rows}


def _certified() -> dict[int, str]:
    """The hash of what each account's last certifier saw (trust: promise 18)."""
    return {
        line.subject_id: str(facts["shown"]) for line, facts in told(SUBJECT, (Act.CERTIFY.value,))
    }
