"""Preparing, releasing and voiding payments: two different persons of finance, neither of whom made what is paid."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import select

from ticketing.books.ledger.commands import Posting, open_book, post
from ticketing.books.ledger.models import LedgerEntry
from ticketing.books.ledger.reversing import ON_REVERSAL, Follower
from ticketing.books.ledger.telling import tell_role
from ticketing.books.payments.models import SUBJECT, Payment
from ticketing.books.payments.purposes import HANDLERS, Claim, Handler
from ticketing.journal.commands import record
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import Conflict, Invalid, NotFound, NotPermitted
from ticketing.kernel.text import clean, clean_line, show_fen
from ticketing.masters.people.models import RoleGrant, User
from ticketing.masters.people.rights import permit
from ticketing.procedure.accounts import LIVE, AccountKind, PaymentState, Purpose
from ticketing.procedure.permissions import Act
from ticketing.procedure.vocabulary import Role


def prepare(*, purpose: Purpose, source: str, actor: User) -> Payment:
    """Make the payment a document owes; payee and amount are the document's, nobody types them (access matrix 30, S6).

    Raises NotPermitted (role, or had a hand in the document), NotFound, Conflict (not payable now, or already prepared).
    """
    permit(actor, Act.PREPARE_PAYMENT)
    handler = handler_of(purpose)
    handler.hold(source)
    open_book()
    claim = handler.claim(source)
    if live(source) is not None:
        raise Conflict("这张单据已有付款单，不能重复付款。")
    _refuse_involved(handler, source, actor)
    at = clock.now()
    payment = Payment(
        purpose=purpose,
        source=source,
        payee=claim.payee,
        amount_fen=claim.amount_fen,
        text=claim.text,
        path=claim.path,
        due_on=claim.due_on,
        community_id=claim.community_id,
        contractor_id=claim.contractor_id,
        contract_id=claim.contract_id,
        state=PaymentState.PREPARED,
        prepared_at=at,
        prepared_by_id=actor.id,
        bank_reference="",
        void_reason="",
    )
    db.session.add(payment)
    db.session.flush()
    _record(payment, Act.PREPARE_PAYMENT, actor, at, origin="")
    tell_role(
        Role.CASHIER,
        event=f"payment:{payment.id}",
        title=f"待放款 {payment.number}：{payment.payee} {show_fen(payment.amount_fen)} 元",
        path=f"/finance/payments/{payment.id}",
        at=at,
    )
    return payment


def release(
    payment: Payment, *, version: int, paid_on: date, bank_reference: str, actor: User
) -> Payment:
    """Let the money go: book it, and let the document know, all in one transaction (procedure 3.5.9).

    Raises NotPermitted (role; made it, had a hand in its document, or keeps the books, under any account), Conflict (moved
    on; the document no longer owes this), Invalid (no bank reference, a day to come or in a closed period, a deposit overdrawn).
    """
    permit(actor, Act.RELEASE_PAYMENT)
    handler = _begin(payment, version)
    bank_reference = clean_line(bank_reference)
    if not bank_reference:
        raise Invalid("请填写银行流水号或支票号。", field="bank_reference")
    if paid_on > clock.today():
        raise Invalid("付款日期不能晚于今天。", field="paid_on")
    if paid_on < clock.local(payment.prepared_at).date():
        raise Invalid("付款日期不能早于制单日期。", field="paid_on")
    if actor.is_same_person(payment.prepared_by):
        raise NotPermitted("制单和放款须由两人办理：您是这张付款单的制单人。")
    if keeps_books(actor):
        raise NotPermitted("记账的人不能放款：您（或您的另一账号）有“财务计统部”岗位。")
    _refuse_involved(handler, payment.source, actor)
    open_book()
    _refuse_changed(payment, handler.claim(payment.source))
    postings = handler.postings(payment)
    _refuse_another_amount(payment, postings)
    at, origin = clock.now(), payment.state.value
    for one in postings:
        post(
            one.kind,
            one.lines,
            text=one.text,
            source=one.source or payment.source,
            actor=actor,
            at=at,
            on=paid_on,
            payment_id=payment.id,
            day_field="paid_on",
        )
    payment.state = PaymentState.RELEASED
    payment.released_at, payment.released_by_id = at, actor.id
    payment.paid_on, payment.bank_reference = paid_on, bank_reference
    db.session.flush()
    facts = {"paid_on": paid_on.isoformat(), "bank_reference": bank_reference}
    _record(payment, Act.RELEASE_PAYMENT, actor, at, origin=origin, facts=facts)
    handler.released(payment, actor, at)
    return payment


def void(payment: Payment, *, version: int, reason: str, actor: User) -> Payment:
    """Give up a payment that has not left; its document may be prepared anew. Raises NotPermitted, Invalid, Conflict."""
    permit(actor, Act.VOID_PAYMENT)
    reason = clean(reason)
    if not reason:
        raise Invalid("请写明作废原因。", field="reason")
    _begin(payment, version)
    at, origin = clock.now(), payment.state.value
    payment.state = PaymentState.VOIDED
    payment.voided_at, payment.voided_by_id, payment.void_reason = at, actor.id, reason
    db.session.flush()
    facts = {"reason": reason}
    _record(payment, Act.VOID_PAYMENT, actor, at, origin=origin, facts=facts)
    return payment


def keeps_books(actor: User) -> bool:
    """Whether a person, under any of his accounts, keeps the books: then he releases no payment (S6, S11)."""
    accounts = User.id == actor.id
    if actor.employee_number:
        accounts |= User.employee_number == actor.employee_number
    return (
        db.session.scalar(
            select(RoleGrant.id)
            .join(RoleGrant.user)
            .where(RoleGrant.role == Role.FINANCE, RoleGrant.in_force, User.active, accounts)
            .limit(1)
        )
        is not None
    )


def live(source: str) -> Payment | None:
    """The payment of a document that is neither voided nor reversed, if there is one."""
    return db.session.scalars(
        select(Payment).where(Payment.source == source, Payment.state.in_(LIVE))
    ).one_or_none()


def handler_of(purpose: Purpose) -> Handler:
    """Who knows the documents of a purpose. Raises NotFound where no room does."""
    handler = HANDLERS.get(purpose)
    if handler is None:
        raise NotFound
    return handler


def _begin(payment: Payment, version: int) -> Handler:
    """Lock the payment, then its document; read both anew. Raises Conflict (version, state)."""
    _lock(payment)
    if payment.version != version:
        raise Conflict("您打开本页之后，这张付款单已被他人办理。请核对后再提交。", seen=version)
    if payment.state is not PaymentState.PREPARED:
        raise Conflict(f"这张付款单{payment.state}，不能再办理。")
    handler = handler_of(payment.purpose)
    handler.hold(payment.source)
    return handler


def _lock(payment: Payment) -> None:
    """Lock the row and read it anew."""
    db.session.execute(select(Payment.id).where(Payment.id == payment.id).with_for_update())
    db.session.refresh(payment)


def _refuse_involved(handler: Handler, source: str, actor: User) -> None:
    """Nobody pays what he drafted, reviewed, audited or certified, under any account (S1, S11)."""
    ids = sorted(set(handler.involved(source)))
    if any(actor.is_same_person(one) for one in _users(ids)):
        raise NotPermitted("您参与过这张单据的编制、审核或认定，不能办理付款。")


def _users(ids: Iterable[int]) -> Sequence[User]:
    return db.session.scalars(select(User).where(User.id.in_(ids))).all()


def _refuse_changed(payment: Payment, claim: Claim) -> None:
    if (claim.amount_fen, claim.payee) != (payment.amount_fen, payment.payee):
        shown = f"{claim.payee} {show_fen(claim.amount_fen)} 元"
        raise Conflict(f"单据已变更（现为 {shown}），请作废后重新制单。")


def _refuse_another_amount(payment: Payment, postings: Sequence[Posting]) -> None:
    """What is booked leaves the bank in exactly the amount of the payment."""
    paid = sum(
        line.amount_fen
        for one in postings
        for line in one.lines
        if line.account.kind is AccountKind.BANK
    )
    if -paid != payment.amount_fen:
        raise Conflict(
            f"入账金额 {show_fen(-paid)} 元与付款金额 {show_fen(payment.amount_fen)} 元不符，没有放款。"
        )


def _record(
    payment: Payment,
    act: Act,
    actor: User,
    at: datetime,
    *,
    origin: str,
    facts: dict[str, Any] | None = None,
) -> None:
    told = {
        "number": payment.number,
        "source": payment.source,
        "payee": payment.payee,
        "amount_fen": payment.amount_fen,
        **(facts or {}),
    }
    record(
        SUBJECT,
        payment.id,
        act.value,
        actor=actor,
        at=at,
        clause="3.5.9" if payment.purpose is Purpose.SETTLEMENT else "2.6",
        origin=origin,
        target=payment.state.value,
        version=payment.version,
        facts=told,
    )


def _payment_of(entries: Sequence[LedgerEntry]) -> Payment | None:
    payment_id = entries[0].payment_id
    return db.session.get_one(Payment, payment_id) if payment_id is not None else None


def _hold_reversed(entries: Sequence[LedgerEntry]) -> None:
    payment = _payment_of(entries)
    if payment is not None:
        _lock(payment)
        handler_of(payment.purpose).hold(payment.source)


def _undo(entries: Sequence[LedgerEntry], actor: User, at: datetime) -> None:
    """A payment whose entries were reversed is reversed itself; its document may be paid again (access matrix 33)."""
    payment = _payment_of(entries)
    if payment is None:
        return
    if payment.state is not PaymentState.RELEASED:
        raise Conflict(f"这张付款单{payment.state}，不能冲销。")
    origin = payment.state.value
    payment.state, payment.reversed_at = PaymentState.REVERSED, at
    db.session.flush()
    _record(payment, Act.AGREE_REVERSAL, actor, at, origin=origin)
    handler_of(payment.purpose).undone(payment, actor, at)


ON_REVERSAL.append(Follower(hold=_hold_reversed, undo=_undo))
