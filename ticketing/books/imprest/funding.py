"""Money into a fund and back: asked for by its keeper or finance, given back by settlements, handed back at the end of a year (3.6)."""

from collections.abc import Sequence
from datetime import date

from ticketing.books.imprest import orders, queries
from ticketing.books.imprest.commands import SUBJECT, refuse_closed, told
from ticketing.books.imprest.models import (
    ImprestFund,
    ImprestRequest,
    ImprestReturn,
    ImprestSlip,
)
from ticketing.books.ledger import accounts
from ticketing.books.ledger.commands import credit, debit, open_book, post
from ticketing.books.payments.commands import live
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import Conflict, Invalid, NotPermitted
from ticketing.kernel.text import clean, clean_line, show_fen
from ticketing.masters.people.models import User
from ticketing.masters.people.rights import permit
from ticketing.procedure.accounts import EntryKind, Purpose
from ticketing.procedure.imprest import FundKind, RequestState
from ticketing.procedure.permissions import Act
from ticketing.procedure.vocabulary import Role

__all__ = ["SUBJECT", "ask", "clear_slips", "clearable", "give_back", "withdraw"]


def ask(fund: ImprestFund, *, slip_ids: Sequence[int], note: str, actor: User) -> ImprestRequest:
    """Ask for what brings a fund to its ceiling: the first advance, or with slips handed in what they cost (procedure 3.6).

    A crew's slips are given back by its settlements, never with a request. Finance prepares the payment, the cashier releases it.
    Raises NotPermitted, NotFound (a slip that is not open), Invalid (a crew's slips), Conflict (one is under way; nothing to ask).
    """
    permit(actor, Act.ASK_IMPREST)
    if Role.FINANCE not in actor.roles and not queries.spends_from(actor, fund):
        raise NotPermitted("只有保管人、维修队长和财务可以申请这笔周转金。")
    if slip_ids and fund.kind is FundKind.CREW:
        raise Invalid("维修队的单据在结算拨付后清回，不随申请报销。")
    open_book()
    refuse_closed(fund)
    one = queries.standing(fund)
    if one.asked is not None:
        raise Conflict("已有一笔申请在途，拨付或撤回以后才能再申请。")
    slips = queries.named_slips(fund.id, slip_ids)
    handed_in = sum(slip.amount_fen for slip in slips)
    amount = one.request_fen(handed_in)
    if amount <= 0:
        raise Conflict(_nothing(fund, handed_in, amount), field="slip_ids")
    first = not one.cash_fen and not one.book_slips_fen
    request = ImprestRequest(
        fund_id=fund.id,
        purpose=Purpose.IMPREST_ADVANCE if first else Purpose.IMPREST_REPLENISHMENT,
        state=RequestState.ASKED,
        amount_fen=amount,
        slips_fen=handed_in,
        ceiling_fen=one.ceiling_fen,
        mark=queries.last_entry(),
        note=clean_line(note),
        asked_at=clock.now(),
        asked_by_id=actor.id,
        withdrawn_why="",
    )
    db.session.add(request)
    db.session.flush()
    for slip in slips:
        slip.request_id = request.id
    db.session.flush()
    facts = {"request": request.id, "amount_fen": amount, "slips_fen": handed_in}
    told(fund, Act.ASK_IMPREST, actor, facts)
    return request


def _nothing(fund: ImprestFund, handed_in: int, amount: int) -> str:
    if amount < 0:
        return f"超过限额 {show_fen(-amount)} 元，应先交回现金。"
    if fund.kind is FundKind.CREW:
        return "现金与单据已达限额；单据在结算拨付后清回。"
    return "现金已达限额。" if handed_in else "请选择要报销的单据；现金与单据已达限额。"


def withdraw(request: ImprestRequest, *, version: int, reason: str, actor: User) -> ImprestRequest:
    """Take a request back before its payment is made; its slips are with the fund again.

    Raises NotPermitted, Invalid (no reason), Conflict (moved on, or its payment stands).
    """
    permit(actor, Act.ASK_IMPREST)
    if Role.FINANCE not in actor.roles and not queries.spends_from(actor, request.fund):
        raise NotPermitted("只有保管人、维修队长和财务可以撤回这项申请。")
    reason = clean(reason)
    if not reason:
        raise Invalid("请写明撤回原因。", field="reason")
    open_book()
    db.session.refresh(request)
    if request.version != version or request.state is not RequestState.ASKED:
        raise Conflict(f"这项申请{request.state}，已被他人办理。请核对后再提交。", seen=version)
    if live(request.source) is not None:
        raise Conflict("已制付款单，须先由财务作废付款单。")
    for slip in request.slips:
        slip.request_id = None
    request.state, request.withdrawn_why = RequestState.WITHDRAWN, reason
    db.session.flush()
    told(request.fund, Act.ASK_IMPREST, actor, {"request": request.id, "withdrawn": reason})
    return request


def clearable(fund: ImprestFund) -> list[tuple[ImprestSlip, int]]:
    """The crew's open slips whose order was paid, each with what is left of that payment for it, in fen."""
    slips = [slip for slip in queries.open_slips(fund.id) if slip.order_id is not None]
    ids = {slip.order_id for slip in slips if slip.order_id is not None}
    known, cleared = orders.orders(ids), queries.cleared_of(ids)
    found = []
    for slip in slips:
        order = known.get(slip.order_id or 0)
        if order is not None and order.paid_fen is not None:
            found.append((slip, order.paid_fen - cleared.get(order.id, 0)))
    return found


def clear_slips(fund: ImprestFund, *, slip_ids: Sequence[int], actor: User) -> ImprestFund:
    """Confirm that paid settlements gave the money of slips back to the crew's fund, without the bank (procedure 3.5.9, 3.6).

    Raises NotPermitted, NotFound (a slip that is not open), Invalid (none chosen; an order not paid, or paid less than its slips).
    """
    permit(actor, Act.CLEAR_IMPREST)
    if actor.is_same_person(fund.keeper):
        raise NotPermitted("保管人不能确认自己的清回。")
    if not slip_ids:
        raise Invalid("请选择要清回的单据。", field="slip_ids")
    open_book()
    refuse_closed(fund)
    slips = queries.named_slips(fund.id, slip_ids)
    left = {slip.id: rest for slip, rest in clearable(fund)}
    used: dict[int | None, int] = {}
    at = clock.now()
    for slip in slips:
        name = f"{slip.order_number} {slip.what}".strip()
        if slip.id not in left:
            raise Invalid(f"{name}：维修款还没有拨付，不能清回。", field="slip_ids")
        used[slip.order_id] = used.get(slip.order_id, 0) + slip.amount_fen
        if used[slip.order_id] > left[slip.id]:
            rest = show_fen(left[slip.id])
            raise Invalid(
                f"{name}：拨付的维修款只够再清回 {rest} 元，不足的由维修队补交现金或申请冲销。",
                field="slip_ids",
            )
        slip.cleared_at = at
    db.session.flush()
    for slip in slips:
        post(
            EntryKind.IMPREST_CLEARING,
            [
                debit(accounts.imprest_cash(fund.id, fund.name), slip.amount_fen),
                credit(accounts.imprest_slips(fund.id, fund.name), slip.amount_fen),
            ],
            text=f"{fund.name} {slip.order_number} 维修款清回周转金",
            source=slip.source,
            actor=actor,
            at=at,
        )
    facts = {
        "slips": [slip.id for slip in slips],
        "amount_fen": sum(slip.amount_fen for slip in slips),
    }
    told(fund, Act.CLEAR_IMPREST, actor, facts)
    return fund


def give_back(
    fund: ImprestFund, *, amount_fen: int, returned_on: date, bank_reference: str, actor: User
) -> ImprestReturn:
    """Note the cash a fund handed back to the bank, at the end of the year or when its ceiling was lowered (procedure 3.6).

    Raises NotPermitted (the keeper himself), Invalid (nothing, more than there is, no bank reference, a day to come or in a
    closed period).
    """
    permit(actor, Act.CLEAR_IMPREST)
    if actor.is_same_person(fund.keeper):
        raise NotPermitted("保管人不能登记自己交回的现金。")
    bank_reference = clean_line(bank_reference)
    if not bank_reference:
        raise Invalid("请填写银行流水号或缴款单号。", field="bank_reference")
    if returned_on > clock.today():
        raise Invalid("交回日期不能晚于今天。", field="returned_on")
    if amount_fen <= 0:
        raise Invalid("请填写交回金额。", field="amount_fen")
    open_book()
    refuse_closed(fund)
    cash = queries.standing(fund).cash_fen
    if amount_fen > cash:
        raise Invalid(f"账面现金只有 {show_fen(cash)} 元。", field="amount_fen")
    at = clock.now()
    returned = ImprestReturn(
        fund_id=fund.id,
        on=returned_on,
        amount_fen=amount_fen,
        left_fen=cash - amount_fen,
        bank_reference=bank_reference,
        entered_at=at,
        entered_by_id=actor.id,
    )
    db.session.add(returned)
    db.session.flush()
    post(
        EntryKind.IMPREST_CLEARING,
        [
            debit(accounts.bank(), amount_fen),
            credit(accounts.imprest_cash(fund.id, fund.name), amount_fen),
        ],
        text=f"{fund.name}交回周转金（{bank_reference}）",
        source=returned.source,
        actor=actor,
        at=at,
        on=returned_on,
        day_field="returned_on",
    )
    told(
        fund, Act.CLEAR_IMPREST, actor, {"returned_fen": amount_fen, "on": returned_on.isoformat()}
    )
    return returned
