"""Acts of acceptance: the completion inspection, the customer's signature or refusal, rejection back to the crew."""

from datetime import datetime
from typing import Any

from sqlalchemy import select

from ticketing.casefile.attachments.models import Attachment
from ticketing.casefile.notices.models import NoticeKind
from ticketing.casefile.papers.dues import copy_dues
from ticketing.casefile.tickets import guards
from ticketing.casefile.tickets.telling import engineers_of
from ticketing.casefile.timers import commands as timers
from ticketing.casefile.timers import moving
from ticketing.casefile.timers import queries as clocks
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import Invalid
from ticketing.kernel.text import clean, clean_line
from ticketing.masters.people.models import User
from ticketing.procedure.deadlines import ClockKind, Deadline
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import Inspector, OrderStage, Slot
from ticketing.procedure.vocabulary import Role, Satisfaction
from ticketing.procedure.workdays import CLOSES
from ticketing.steps.work_orders.follow import finish_if_done, follow, tell_of
from ticketing.steps.work_orders.models import WorkOrder
from ticketing.steps.work_orders.road import ORDERS


def sides_of(order: WorkOrder, actor: User) -> list[Inspector]:
    """For whom `actor` may inspect: the office for itself and the property office, engineers for engineering.

    The manager may also record engineering's inspection of a contractor's work (procedure 3.4.6).
    """
    roles = guards.roles_on(order.ticket, actor)
    sides = []
    if roles & {Role.OFFICE, Role.CS_MANAGER}:
        sides += [Inspector.SERVICE, Inspector.PROPERTY]
    if Role.ENGINEER in roles or (Role.CS_MANAGER in roles and order.transferred_at):
        sides.append(Inspector.ENGINEERING)
    return sides


def inspect(
    order: WorkOrder, *, version: int, inspected_for: Inspector, inspection: str, actor: User
) -> WorkOrder:
    """Service or property (engineering for a contractor's work) finds the repair in order (procedure 3.5.3).

    Raises Invalid, NotPermitted (the captain himself, another department's box), Conflict.
    """
    row = ORDERS.begin(order, Act.INSPECT_ORDER, actor, version)
    ORDERS.check_first(row, order, actor)
    words = clean(inspection)
    if not words:
        raise Invalid("请填写检查意见。", field="inspection")
    if inspected_for not in sides_of(order, actor):
        raise Invalid("请选择您这一方的检查。", field="inspected_for")
    done = order.signed_at is not None
    at = ORDERS.advance(
        order,
        Act.INSPECT_ORDER,
        actor=actor,
        version=version,
        changes={
            "inspected_at": clock.now(),
            "inspected_by_id": actor.id,
            "inspected_for": inspected_for.value,
            "inspection": words,
            **_accepted(done),
        },
        target=OrderStage.ACCEPTED if done else OrderStage.SELF_CHECKED,
    )
    if done:
        _finish(order, Act.INSPECT_ORDER, actor, at)
    return order


def sign_off(
    order: WorkOrder,
    *,
    version: int | None,
    customer_name: str,
    satisfaction: Satisfaction | None,
    opinion: str,
    refused: bool,
    refusal_reason: str,
    refusal_evidence: str,
    signature: str,
    actor: User,
) -> WorkOrder:
    """The customer signs for the repair, or his refusal is put down with reason and evidence (procedure 3.5.3).

    `signature` is the key of the picture on file. Signed once, the signature stays.

    Raises Invalid, NotPermitted, Conflict.
    """
    row = ORDERS.begin(order, Act.SIGN_OFF, actor, version)
    ORDERS.check_first(row, order, actor)
    name = clean_line(customer_name)
    if not name:
        raise Invalid("请填写签认人姓名。", field="customer_name")
    reason, evidence = clean(refusal_reason), clean(refusal_evidence)
    changes: dict[str, Any] = {"customer_name": name, "customer_opinion": clean(opinion)}
    facts: dict[str, Any] = {}
    if refused:
        if not reason:
            raise Invalid("请写明客户拒签的原因。", field="refusal_reason")
        if not evidence:
            raise Invalid("请写明凭证，例如现场见证人、录音或照片。", field="refusal_evidence")
        changes |= {"refusal_reason": reason, "refusal_evidence": evidence}
    else:
        if satisfaction is None:
            raise Invalid("请选择客户意见。", field="satisfaction")
        picture = _signature_of(order, signature)
        changes |= {"customer_satisfaction": satisfaction, "signature_key": picture.key}
        facts = {"signature_sha256": picture.sha256}
    done = order.inspected_at is not None
    at = ORDERS.advance(
        order,
        Act.SIGN_OFF,
        actor=actor,
        version=version,
        changes={
            **changes,
            "customer_refused": refused,
            "signed_at": clock.now(),
            **_accepted(done),
        },
        facts=facts,
        target=OrderStage.ACCEPTED if done else OrderStage.SELF_CHECKED,
    )
    if done:
        _finish(order, Act.SIGN_OFF, actor, at)
    return order


def reject(order: WorkOrder, *, version: int, reason: str, actor: User) -> WorkOrder:
    """Not in order: back to who did the work; the first due date counts on (procedure 3.5.3)."""
    ORDERS.begin(order, Act.REJECT_WORK, actor, version)
    reason = clean(reason)
    if not reason:
        raise Invalid("请写明不合格之处。", field="reason")
    before = clocks.last(ClockKind.REPAIR, order.id)
    back = OrderStage.TRANSFERRED if order.transferred_at else OrderStage.ACKNOWLEDGED
    at = ORDERS.advance(
        order,
        Act.REJECT_WORK,
        actor=actor,
        version=version,
        changes={
            "rejection_count": order.rejection_count + 1,
            "rejected_at": clock.now(),
            "self_checked_at": None,
            "self_checked_by_id": None,
            "inspected_at": None,
            "inspected_by_id": None,
            "inspected_for": "",
            "inspection": "",
            "signed_at": None,
            "signature_key": "",
            "customer_name": "",
            "customer_opinion": "",
            "customer_refused": None,
            "customer_satisfaction": None,
            "refusal_reason": "",
            "refusal_evidence": "",
        },
        facts={"reason": reason},
        target=back,
    )
    follow(order, Act.REJECT_WORK, at, starts=[_same_limit(order)])
    running = clocks.running(order.ticket_id, ClockKind.REPAIR, order.id)
    assert running is not None
    assert before is not None  # it ran until the self-check
    moving.resumed(running, before)
    copy_dues([order.ticket_id])
    holders = engineers_of(order.ticket) if order.transferred_at else _captain(order)
    words = f"验收不合格：{reason}"
    tell_of(holders, order, actor, at, words, "rejected", NoticeKind.RETURNED)
    return order


def _captain(order: WorkOrder) -> tuple[int, ...]:
    return (order.team.captain_id,) if order.team else ()


def _finish(order: WorkOrder, act: Act, actor: User, at: datetime) -> None:
    """The ticket goes on, and the crew's account falls due; a contractor's work has none (procedure 3.5.5, 3.4.6)."""
    finish_if_done(order, actor=actor)
    if order.transferred_at is None:
        follow(order, act, at, starts=[timers.starting(ClockKind.COST_STATEMENT, at)])
    copy_dues([order.ticket_id])


def _accepted(done: bool) -> dict[str, Any]:
    return {"accepted_at": clock.now()} if done else {}


def _same_limit(order: WorkOrder) -> timers.Start:
    """The clock of a rejected repair: it counts from the issue, as if the self-check had not been."""
    assert order.issued_at is not None  # only issued orders are checked
    assert order.due_on is not None
    due = Deadline(order.due_on, clock.at(order.due_on, *CLOSES), order.due_provisional)
    return timers.Start(ClockKind.REPAIR, order.issued_at, due, order.trade_count)


def _signature_of(order: WorkOrder, key: str) -> Attachment:
    if not key:
        raise Invalid("请客户签名，或上传签字件照片。", field="signature")
    picture = db.session.scalars(
        select(Attachment).where(
            Attachment.key == key,
            Attachment.order_id == order.id,
            Attachment.at >= (order.self_checked_at or order.drafted_at),
            Attachment.slot.in_((Slot.SIGNATURE, Slot.SIGNED_PAPER)),
        )
    ).one_or_none()
    if picture is None:
        raise Invalid("没有找到签名，请重新签。", field="signature")
    return picture
