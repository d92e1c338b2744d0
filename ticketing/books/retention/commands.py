"""Deposits: entered by finance and agreed to by audit, deducted from, paid in beyond them."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import select, update

from ticketing.books.ledger import accounts
from ticketing.books.ledger import queries as ledger
from ticketing.books.ledger.commands import (
    Posting,
    balance,
    credit,
    debit,
    open_book,
    post,
    refuse_closed_day,
)
from ticketing.books.ledger.models import LedgerEntry
from ticketing.books.ledger.reversing import ON_REVERSAL, Follower
from ticketing.books.ledger.telling import tell_role
from ticketing.books.retention import queries
from ticketing.books.retention.models import ContractorReceipt, RetentionDeposit
from ticketing.journal.commands import record
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import Conflict, Invalid, NotPermitted
from ticketing.kernel.text import clean, clean_line, show_fen
from ticketing.masters.contractors.commands import BOUND
from ticketing.masters.contractors.models import Contract, Contractor
from ticketing.masters.estate.models import Community
from ticketing.masters.people.models import User
from ticketing.masters.people.rights import permit
from ticketing.procedure.accounts import AccountKind, EntryKind
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import OrderClass
from ticketing.procedure.vocabulary import Role

SUBJECT = "retention"


def enter_deposit(contract: Contract, *, voucher: str, on: date, actor: User) -> RetentionDeposit:
    """Enter what the contract says is held back and was not entered yet; audit agrees before it is booked (2.6).

    Raises NotPermitted, Invalid (no voucher, a day to come or in a closed period), Conflict (nothing to enter, or one waits
    already).
    """
    permit(actor, Act.ENTER_RETENTION)
    voucher = clean_line(voucher)
    if not voucher:
        raise Invalid("请填写凭证号或依据。", field="voucher")
    if on > clock.today():
        raise Invalid("入账日期不能晚于今天。", field="on")
    open_book()
    refuse_closed_day(on, "on")
    db.session.refresh(contract)
    amount = contract.retention_fen - queries.entered(contract.id)
    if amount <= 0:
        raise Conflict("合同约定的质保金已经全部入账；合同金额有变的，请先修改合同。")
    if _waiting(contract) is not None:
        raise Conflict("这份合同已有一笔质保金等待审计审核。")
    at = clock.now()
    deposit = RetentionDeposit(
        contract_id=contract.id,
        amount_fen=amount,
        voucher=voucher,
        on=on,
        entered_at=at,
        entered_by_id=actor.id,
        answer="",
    )
    db.session.add(deposit)
    db.session.flush()
    facts = {"amount_fen": amount, "voucher": voucher, "on": on.isoformat()}
    _record(contract, Act.ENTER_RETENTION, actor, at, facts, "2.6")
    tell_role(
        Role.AUDITOR,
        event=f"retention_deposit:{deposit.id}",
        title=f"质保金入账待审核：{contract.number} {show_fen(amount)} 元",
        path=f"/finance/retention/{contract.id}",
        at=at,
    )
    return deposit


def settle_deposit(
    deposit: RetentionDeposit, *, agreed: bool, answer: str, actor: User
) -> RetentionDeposit:
    """Agree to an entered deposit, which books it, or refuse it with a reason (procedure 2.7; access matrix 31).

    Raises NotPermitted (no auditor, or who entered it under any account), Conflict (settled, or the contract's amount was
    changed meanwhile), Invalid (refused without a reason; its day was closed meanwhile).
    """
    permit(actor, Act.AGREE_RETENTION)
    answer = clean(answer)
    if not agreed and not answer:
        raise Invalid("不同意的，请写明原因。", field="answer")
    open_book()
    db.session.refresh(deposit)
    contract = deposit.contract
    db.session.refresh(contract)
    if deposit.settled_at is not None:
        raise Conflict("这笔质保金已经审核。")
    if actor.is_same_person(deposit.entered_by):
        raise NotPermitted("入账和审核须由两人办理：您是登记人。")
    if agreed and contract.retention_fen - queries.entered(contract.id) != deposit.amount_fen:
        raise Conflict("合同的质保金金额已变，请退回重新登记。")
    at = clock.now()
    deposit.settled_at, deposit.settled_by_id = at, actor.id
    deposit.agreed, deposit.answer = agreed, answer
    db.session.flush()
    facts = {"agreed": agreed, "answer": answer, "amount_fen": deposit.amount_fen}
    _record(contract, Act.AGREE_RETENTION, actor, at, facts, "2.7")
    if agreed:
        post(
            EntryKind.RETENTION_OPENING,
            [
                debit(accounts.contract_price(contract.contractor), deposit.amount_fen),
                credit(accounts.retention(contract), deposit.amount_fen),
            ],
            text=f"质保金入账 {contract.number}（{deposit.voucher}）",
            source=deposit.source,
            actor=actor,
            at=at,
            on=deposit.on,
        )
    return deposit


def deduction(
    *,
    contract: Contract | None,
    contractor: Contractor,
    community: Community,
    charge_fen: int,
    cost_fen: int,
    text: str,
) -> Posting:
    """How a class A repair is taken back from its contractor: out of the deposit as far as it goes, the rest is owed.

    `charge_fen` is what he is charged, `cost_fen` what the repair cost: what he is charged beyond that is agency income,
    what he is not charged stays a cost. Without a contract on file (`contract` None) he owes all of it. Called with the
    book locked (`open_book`), as handlers of payments are (procedure 2.6, 3.5.9).
    """
    held = min(-balance(accounts.retention(contract)), charge_fen) if contract is not None else 0
    recovered = min(cost_fen, charge_fen)
    lines = [
        debit(accounts.receivable(contractor), charge_fen - held),
        credit(accounts.repair_cost(OrderClass.A, community), recovered),
        credit(accounts.agency_income(), charge_fen - recovered),
    ]
    if contract is not None:
        lines.insert(0, debit(accounts.retention(contract), held))
    return Posting(EntryKind.DEDUCTION, lines, text)


def receive(
    contractor: Contractor,
    *,
    amount_fen: int,
    received_on: date,
    bank_reference: str,
    payer: str,
    actor: User,
) -> ContractorReceipt:
    """Note what a contractor paid in for what he owes, and book it (procedure 2.6).

    Raises NotPermitted, Invalid (nothing, more than is owed, no bank reference, a day to come or in a closed
    period), Conflict (noted already).
    """
    permit(actor, Act.RECEIVE_MONEY)
    bank_reference = clean_line(bank_reference)
    if not bank_reference:
        raise Invalid("请填写银行流水号。", field="bank_reference")
    if received_on > clock.today():
        raise Invalid("到账日期不能晚于今天。", field="received_on")
    if amount_fen <= 0:
        raise Invalid("请填写到账金额。", field="amount_fen")
    open_book()
    owed = ledger.owed(contractor.id)
    if amount_fen > owed:
        raise Invalid(f"多于{contractor.name}的欠款 {show_fen(owed)} 元。", field="amount_fen")
    known = select(ContractorReceipt.id).where(
        ContractorReceipt.contractor_id == contractor.id,
        ContractorReceipt.amount_fen == amount_fen,
        ContractorReceipt.received_on == received_on,
        ContractorReceipt.bank_reference == bank_reference,
        ContractorReceipt.reversed_at.is_(None),
    )
    if db.session.scalar(known.limit(1)) is not None:
        raise Conflict("同一流水号、日期和金额的来款已经登记。", field="bank_reference")
    at = clock.now()
    receipt = ContractorReceipt(
        contractor_id=contractor.id,
        amount_fen=amount_fen,
        received_on=received_on,
        bank_reference=bank_reference,
        payer=clean_line(payer) or contractor.name,
        entered_at=at,
        entered_by_id=actor.id,
    )
    db.session.add(receipt)
    db.session.flush()
    post(
        EntryKind.RECEIPT,
        [
            debit(accounts.bank(), amount_fen),
            credit(accounts.receivable(contractor), amount_fen),
        ],
        text=f"收{receipt.payer}来款（{bank_reference}）",
        source=receipt.source,
        actor=actor,
        at=at,
        on=received_on,
        day_field="received_on",
    )
    return receipt


def _waiting(contract: Contract) -> RetentionDeposit | None:
    return db.session.scalars(
        select(RetentionDeposit).where(
            RetentionDeposit.contract_id == contract.id, RetentionDeposit.settled_at.is_(None)
        )
    ).one_or_none()


def _record(
    contract: Contract, act: Act, actor: User, at: datetime, facts: dict[str, object], clause: str
) -> None:
    told = {"contract": contract.number, **facts}
    record(SUBJECT, contract.id, act.value, actor=actor, at=at, clause=clause, facts=told)


def _undo(entries: Sequence[LedgerEntry], _actor: User, at: datetime) -> None:
    """A deposit or receipt whose booking was reversed counts no more; it may be entered anew (access matrix 33)."""
    for entry in entries:
        name, _, row = entry.source.partition(":")
        model = _BOOKED.get((name, entry.kind))
        if model is not None:
            change = update(model).where(model.id == int(row)).values(reversed_at=at)
            db.session.execute(change)
    db.session.flush()


_BOOKED: dict[tuple[str, EntryKind], type[RetentionDeposit] | type[ContractorReceipt]] = {
    ("retention_deposit", EntryKind.RETENTION_OPENING): RetentionDeposit,
    ("contractor_receipt", EntryKind.RECEIPT): ContractorReceipt,
}

ON_REVERSAL.append(Follower(hold=lambda entries: None, undo=_undo))


def _has_deposit(contract: Contract) -> bool:
    """Whether a deposit was ever entered under a contract and not refused, or anything booked on it."""
    open_book()
    entered_ones = select(RetentionDeposit.id).where(
        RetentionDeposit.contract_id == contract.id, RetentionDeposit.agreed.is_not(False)
    )
    booked = ledger.account_by_key(f"{AccountKind.RETENTION.value}:{contract.id}")
    return booked is not None or db.session.scalar(entered_ones.limit(1)) is not None


BOUND.append(_has_deposit)
