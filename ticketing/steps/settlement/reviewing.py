"""The review of an account below the audit limit, the audit from it on, and the 结算书 made of it (procedure 3.5.6)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, select

from ticketing.casefile.notices.models import NoticeKind
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import Invalid
from ticketing.kernel.text import clean, clean_line
from ticketing.masters.contractors.models import Contract
from ticketing.masters.people.models import User
from ticketing.procedure.capitals import MOST_FEN
from ticketing.procedure.deadlines import ClockKind
from ticketing.procedure.grading import yuan
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import OrderClass
from ticketing.procedure.settlement import (
    MOST_MILLI,
    PriceBasis,
    PriceSource,
    Terms,
    Totals,
    chargeback,
    line_fen,
    totals,
    unproved,
)
from ticketing.procedure.vocabulary import Role
from ticketing.steps.settlement import hands, listing, queries
from ticketing.steps.settlement.drafting import next_revision
from ticketing.steps.settlement.models import Settlement, SettlementLine
from ticketing.steps.settlement.road import (
    SETTLEMENTS,
    begin,
    follow,
    in_the_name,
    tell_holders,
    tell_of,
    tell_principal,
)
from ticketing.steps.work_orders import supplements
from ticketing.steps.work_orders.follow import filled


class Audited(NamedTuple):
    """What the reviewer says of one line, in thousandths; `why` is asked where it is more than was handed in, or than is listed."""

    line_id: int
    quantity_milli: int
    price_milli: int
    why: str = ""
    remark: str = ""


class Added(NamedTuple):
    """A line the reviewer adds: handed in as nothing."""

    source: PriceSource
    item: str
    unit: str
    quantity_milli: int
    price_milli: int
    why: str
    quota_code: str = ""


def audit_lines(
    settlement: Settlement,
    *,
    version: int,
    audited: Sequence[Audited],
    added: Sequence[Added] = (),
    basis: PriceBasis,
    vat_bp: int,
    management_bp: int,
    actor: User,
) -> Settlement:
    """Put down 审定数量 and 审定单价 beside what was handed in; may be done in several sittings (procedure 3.5.6).

    Raises Invalid (with the line's number), NotPermitted, Conflict.
    """
    begin(settlement, Act.AUDIT_LINES, version, actor)
    changes = _judge(settlement, audited, added, basis, vat_bp, management_bp)
    SETTLEMENTS.advance(
        settlement,
        Act.AUDIT_LINES,
        actor=actor,
        version=version,
        changes=changes,
        facts={"lines": len(audited) + len(added)},
    )
    return settlement


def finish(
    settlement: Settlement,
    *,
    version: int,
    audited: Sequence[Audited],
    added: Sequence[Added] = (),
    basis: PriceBasis,
    vat_bp: int,
    management_bp: int,
    review: str,
    actor: User,
) -> Settlement:
    """Finish the review: every line is approved, the total stands (procedure 3.5.6).

    Raises Invalid (a line nobody looked at; raised beyond the reviewer's limit or the approved amount), NotPermitted, Conflict.
    """
    begin(settlement, Act.REVIEW_ACCOUNT, version, actor)
    changes = _judge(settlement, audited, added, basis, vat_bp, management_bp)
    open_ = [one.position for one in settlement.lines if one.approved_fen is None]
    if open_:
        raise Invalid(f"第 {open_[0]} 行还没有审定。", field="audited")
    if not changes["approved_fen"]:
        raise Invalid("审定合计为零，请退回决算书并写明原因。", field="audited")
    role = hands.reviewing_role(settlement)
    _refuse_beyond(settlement, changes["approved_fen"], role)
    words, signed = filled(review, "review", "请填写审核意见。"), hands.reviewing(settlement, actor)
    at = SETTLEMENTS.advance(
        settlement,
        Act.REVIEW_ACCOUNT,
        actor=actor,
        version=version,
        changes={
            **changes,
            "reviewed_at": clock.now(),
            "reviewed_by_id": actor.id,
            "route": role,
            "reviewed_for_id": signed.principal.id if signed and signed.principal else None,
            "review": words,
            "compiled_at": None,
            "compiled_by_id": None,
        },
        facts={"submitted_fen": settlement.submitted_fen, **in_the_name(signed)},
    )
    tell_principal(settlement, signed, actor, at, "完成审核")
    follow(settlement, Act.REVIEW_ACCOUNT, at)
    tell_holders(settlement, actor, at, "已审定，请编写结算书", "reviewed")
    return settlement


def _refuse_beyond(settlement: Settlement, approved_fen: int, role: Role) -> None:
    """What a review adds, by lines or by rates, passes by neither the audit nor the approval before the repair (2.7, 3.6.1)."""
    if approved_fen <= settlement.submitted_fen:
        return
    limit = queries.limits_of(settlement).audit_min_fen
    if role is not Role.AUDITOR and approved_fen >= limit:
        raise Invalid(
            f"审定合计达到 {yuan(limit)}，须由审计核算部审核；请退回决算书，按此重新上报。",
            field="audited",
        )
    if why := supplements.why_again(settlement.order, approved_fen, "审定合计"):
        raise Invalid(f"{why}；请退回决算书，按此重新上报并补充审批。", field="audited")


def send_back(settlement: Settlement, *, version: int, reason: str, actor: User) -> Settlement:
    """Back to the captain with the reason; what he handed in stays as that revision (procedure 3.5.6)."""
    begin(settlement, Act.RETURN_ACCOUNT, version, actor)
    reason = filled(reason, "reason", "请写明退回的原因。")
    revision = next_revision(settlement, approved=False)
    at = SETTLEMENTS.advance(
        settlement,
        Act.RETURN_ACCOUNT,
        actor=actor,
        version=version,
        changes={"revision": revision, "return_reason": reason, **UNREVIEWED},
        facts={"reason": reason},
    )
    db.session.expire(settlement, ["lines"])
    supplements.give_up(settlement.order, at)
    follow(settlement, Act.RETURN_ACCOUNT, at, [ClockKind.COST_STATEMENT])
    team = settlement.order.team
    to = (team.captain_id,) if team else ()
    tell_of(to, settlement, actor, at, f"被退回：{reason}", "returned", NoticeKind.RETURNED)
    return settlement


def compile_settlement(
    settlement: Settlement,
    *,
    version: int,
    contract_id: int | None = None,
    admin_bp: int = 0,
    penalty_fen: int = 0,
    note: str = "",
    actor: User,
) -> Settlement:
    """Make the 结算书 of the review's result; a class A one names the contract it is charged to (procedure 3.5.6).

    What is charged beyond the account itself needs the contract's supplementary agreement.

    Raises Invalid, NotPermitted, Conflict.
    """
    begin(settlement, Act.COMPILE_SETTLEMENT, version, actor)
    assert settlement.approved_fen is not None  # the review has set it
    changes: dict[str, Any] = {"note": clean(note)}
    if settlement.order_class is OrderClass.A:
        contract = _contract(settlement, contract_id)
        if (admin_bp or penalty_fen) and not contract.agreement:
            raise Invalid("合同没有售后维修补充协议，不能加收管理费或违约金。", field="admin_bp")
        changes |= {
            "contract_id": contract.id,
            "admin_bp": admin_bp,
            "penalty_fen": penalty_fen,
            "chargeback_fen": chargeback(settlement.approved_fen, admin_bp, penalty_fen),
        }
    elif contract_id or admin_bp or penalty_fen:
        raise Invalid("B类费用由公司承担，不向施工单位扣回。", field="contract_id")
    at = SETTLEMENTS.advance(
        settlement,
        Act.COMPILE_SETTLEMENT,
        actor=actor,
        version=version,
        changes={**changes, "compiled_at": clock.now(), "compiled_by_id": actor.id},
        facts={"approved_fen": settlement.approved_fen},
    )
    if settlement.order_class is OrderClass.A:
        tell_holders(settlement, actor, at, "结算书已编好，请通知施工单位确认", "compiled")
    else:
        follow(settlement, Act.COMPILE_SETTLEMENT, at, [ClockKind.CERTIFICATION])
        tell_holders(settlement, actor, at, "结算书已编好，请认定", "compiled")
    return settlement


UNREVIEWED: dict[str, Any] = {
    "reviewed_at": None,
    "reviewed_by_id": None,
    "reviewed_for_id": None,
    "review": "",
    "compiled_at": None,
    "compiled_by_id": None,
    "contract_id": None,
    "admin_bp": 0,
    "penalty_fen": 0,
    "chargeback_fen": 0,
    "approved_fen": None,
    "management_fen": 0,
    "tax_fen": 0,
    "notified_at": None,
    "notified_by_id": None,
    "notice_way": None,
    "notice_evidence": "",
    "answer_due_on": None,
    "agreement": "",
    "silence_confirms": False,
    "reminded_at": None,
    "reminder_evidence": "",
    "confirmation": None,
    "confirmed_at": None,
    "confirmed_by": "",
    "confirmation_evidence": "",
    "certified_at": None,
    "certified_by_id": None,
    "certified_for_id": None,
    "opinion": "",
}
"""An account that goes back stands as before its review; who did what before is in its story."""


def back_to_review(
    settlement: Settlement, act: Act, *, version: int, reason: str, actor: User, words: str
) -> datetime:
    """Send an account back to its reviewer, with what was approved as his starting point; the caller has begun the act."""
    reason = filled(reason, "reason", "请写明退回的原因。")
    revision = next_revision(settlement, approved=True)
    at = SETTLEMENTS.advance(
        settlement,
        act,
        actor=actor,
        version=version,
        changes={"revision": revision, "return_reason": reason, **UNREVIEWED},
        facts={"reason": reason},
    )
    db.session.expire(settlement, ["lines"])
    audited = settlement.route is Role.AUDITOR
    follow(settlement, act, at, [ClockKind.AUDIT if audited else ClockKind.CS_REVIEW])
    tell_holders(settlement, actor, at, f"{words}：{reason}", act.value)
    return at


def _contract(settlement: Settlement, contract_id: int | None) -> Contract:
    offered = {one for one, _name in queries.contracts_for(settlement)}
    if contract_id not in offered:
        raise Invalid("请选择承担保修责任的施工合同。", field="contract_id")
    contract = db.session.get(Contract, contract_id)
    assert contract is not None  # it was offered
    return contract


def _judge(
    settlement: Settlement,
    audited: Sequence[Audited],
    added: Sequence[Added],
    basis: PriceBasis,
    vat_bp: int,
    management_bp: int,
) -> dict[str, Any]:
    """Write what the reviewer says onto the lines; gives the changes of the account."""
    lines = {one.id: one for one in settlement.lines}
    for entry in audited:
        if entry.line_id not in lines:
            raise Invalid("审定的行不属于这份决算书，请刷新页面。", field="audited")
        _approve(lines[entry.line_id], entry, basis, vat_bp)
    for extra in added:
        _add(settlement, extra)
    db.session.flush()
    if added:
        listing.match(settlement)
    db.session.expire(settlement, ["lines"])
    listing.refuse_unlisted(
        settlement, (one for one in settlement.lines if not one.quantity_milli), "added"
    )
    sums = _sums(settlement, Terms(basis, vat_bp, management_bp))
    return {
        "basis": basis,
        "vat_bp": vat_bp,
        "management_bp": management_bp,
        "approved_fen": sums.total_fen,
        "management_fen": sums.management_fen,
        "tax_fen": sums.tax_fen,
    }


def _approve(line: SettlementLine, entry: Audited, basis: PriceBasis, vat_bp: int) -> None:
    _bounded(line.position, entry.quantity_milli, entry.price_milli)
    fen, why = line_fen(entry.quantity_milli, entry.price_milli), clean_line(entry.why)
    more = (
        fen > line.submitted_fen
        or entry.quantity_milli > line.quantity_milli
        or entry.price_milli > line.price_milli
    )
    if more and not why:
        raise Invalid(f"第 {line.position} 行：审定高于申报，请写明原因。", field="audited")
    dear = entry.quantity_milli and listing.above(line.listed, entry.price_milli, basis, vat_bp)
    if dear and not why:
        raise Invalid(f"第 {line.position} 行：{dear}", field="audited")
    line.approved_quantity_milli, line.approved_price_milli = (
        entry.quantity_milli,
        entry.price_milli,
    )
    line.approved_fen, line.why = fen, why
    line.remark = clean_line(entry.remark) or line.remark


def _add(settlement: Settlement, extra: Added) -> None:
    position = 1 + (
        db.session.scalar(
            select(func.max(SettlementLine.position)).where(
                SettlementLine.settlement_id == settlement.id,
                SettlementLine.revision == settlement.revision,
            )
        )
        or 0
    )
    item, unit, why = clean_line(extra.item), clean_line(extra.unit), clean_line(extra.why)
    if not item or not unit:
        raise Invalid("增加的行须有工程项目名称和单位。", field="added")
    if not why:
        raise Invalid(f"增加的“{item}”：请写明原因。", field="added")
    if gap := unproved(extra.source, clean_line(extra.quota_code), why):
        raise Invalid(f"增加的“{item}”：{gap[1]}", field="added")
    _bounded(position, extra.quantity_milli, extra.price_milli)
    db.session.add(
        SettlementLine(
            settlement_id=settlement.id,
            revision=settlement.revision,
            position=position,
            source=extra.source,
            quota_code=clean_line(extra.quota_code),
            item=item,
            unit=unit,
            quantity_milli=0,
            price_milli=0,
            submitted_fen=0,
            approved_quantity_milli=extra.quantity_milli,
            approved_price_milli=extra.price_milli,
            approved_fen=line_fen(extra.quantity_milli, extra.price_milli),
            why=why,
        )
    )
    db.session.flush()


def _bounded(position: int, quantity_milli: int, price_milli: int) -> None:
    if not (0 <= quantity_milli <= MOST_MILLI and 0 <= price_milli <= MOST_MILLI):
        raise Invalid(f"第 {position} 行：审定的数量或单价超出范围。", field="audited")


def _sums(settlement: Settlement, terms: Terms) -> Totals:
    sums = totals((one.approved_fen or 0 for one in settlement.lines), terms)
    if sums.total_fen > MOST_FEN:
        raise Invalid("合计太大，请核对数量和单价。", field="audited")
    return sums
