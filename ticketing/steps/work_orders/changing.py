"""When an order takes another turn: more time, another hand, or its end (procedure 3.4.5-延, 3.4.6)."""

from datetime import date, datetime

from ticketing.casefile.papers.dues import copy_dues
from ticketing.casefile.tickets.telling import people_as
from ticketing.casefile.timers import moving
from ticketing.casefile.timers import queries as clocks
from ticketing.casefile.timers.models import ConsentWay
from ticketing.kernel import clock
from ticketing.kernel.errors import Conflict, Invalid
from ticketing.masters.contractors import queries as contractors
from ticketing.masters.people.models import User
from ticketing.procedure.deadlines import ClockKind
from ticketing.procedure.permissions import Act
from ticketing.procedure.vocabulary import Role
from ticketing.steps.work_orders.follow import filled, finish_if_done, follow, tell_of
from ticketing.steps.work_orders.models import (
    WorkOrder,
)
from ticketing.steps.work_orders.road import ORDERS


def ask_extension(
    order: WorkOrder, *, asked_until: date, asked_reason: str, actor: User
) -> WorkOrder:
    """The captain asks for more time; the office obtains the customer's consent and decides (procedure 3.4.5-延)."""
    if order.due_on is not None and asked_until <= order.due_on:
        raise Invalid(f"申请的日期须晚于现时限 {order.due_on}。", field="asked_until")
    reason = filled(asked_reason, "asked_reason", "请写明需要延期的原因。")
    at = ORDERS.advance(
        order,
        Act.ASK_EXTENSION,
        actor=actor,
        version=None,
        changes={"asked_until": asked_until, "asked_reason": reason},
    )
    tell_of(
        people_as((), community_id=order.community_id),
        order,
        actor,
        at,
        f"维修队申请延期到 {asked_until}：{reason}",
        "extension",
    )
    return order


def extend(
    order: WorkOrder,
    *,
    version: int,
    due_on: date,
    reason: str,
    consent_by: str,
    consent_at: datetime,
    consent_way: ConsentWay,
    evidence: str,
    actor: User,
) -> WorkOrder:
    """Put the repair's due date off, with the customer's consent obtained before (procedure 3.4.5-延)."""
    ORDERS.allowed(order, Act.EXTEND_ORDER, actor)
    running = clocks.running(order.ticket_id, ClockKind.REPAIR, order.id)
    if running is None:
        raise Conflict("没有进行中的维修时限。")
    at = clock.now()
    extension = moving.extend(
        running,
        due_on=due_on,
        reason=reason,
        consent_by=consent_by,
        consent_at=consent_at,
        consent_way=consent_way,
        evidence=evidence,
        actor=actor,
        at=at,
    )
    ORDERS.advance(
        order,
        Act.EXTEND_ORDER,
        actor=actor,
        version=version,
        changes={
            "due_on": due_on,
            "due_provisional": running.provisional,
            "asked_until": None,
            "asked_reason": "",
        },
        facts={
            "reason": extension.reason,
            "consent": f"{extension.consent_by}，{clock.show_instant(consent_at)}，{consent_way}，"
            f"凭证：{extension.evidence}",
        },
    )
    copy_dues([order.ticket_id])
    return order


def transfer(
    order: WorkOrder, *, version: int, contractor_id: int, reason: str, actor: User
) -> WorkOrder:
    """What the crew cannot do goes to the contractor, under engineering's eyes, within the same time (procedure 3.4.6)."""
    reason = filled(reason, "reason", "请写明转施工单位的原因。")
    contractor = contractors.contractor(contractor_id)
    at = ORDERS.advance(
        order,
        Act.TRANSFER_ORDER,
        actor=actor,
        version=version,
        changes={
            "contractor_id": contractor.id,
            "transferred_at": clock.now(),
            "transfer_reason": reason,
        },
    )
    follow(order, Act.TRANSFER_ORDER, at)
    engineers = people_as((Role.ENGINEER,))
    tell_of(engineers, order, actor, at, f"转{contractor.name}维修，请督促", "transferred")
    return order


def cancel(order: WorkOrder, *, version: int, reason: str, actor: User) -> WorkOrder:
    """Void an order with the reason; its number stays in the list (procedure 3.5.1)."""
    reason = filled(reason, "reason", "请写明作废的原因。")
    issued = order.issued_at is not None
    at = ORDERS.advance(
        order,
        Act.CANCEL_ORDER,
        actor=actor,
        version=version,
        changes={"cancel_reason": reason},
        facts={"reason": reason},
    )
    follow(order, Act.CANCEL_ORDER, at)
    finish_if_done(order, actor=actor)
    copy_dues([order.ticket_id])
    if issued and order.team is not None:
        tell_of((order.team.captain_id,), order, actor, at, f"已作废：{reason}", "cancelled")
    return order
