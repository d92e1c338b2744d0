"""When an order takes another turn: more time, another trade, another hand, or its end (procedure 3.4.5-多, 3.4.5-延, 3.4.6)."""

from datetime import date, datetime

from ticketing.casefile.defects import commands as defects
from ticketing.casefile.defects.commands import Broken
from ticketing.casefile.papers.dues import copy_dues
from ticketing.casefile.tickets.telling import engineers_of, people_as
from ticketing.casefile.timers import moving
from ticketing.casefile.timers import queries as clocks
from ticketing.casefile.timers.models import ConsentWay
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import Conflict, Invalid
from ticketing.masters.contractors import queries as contractors
from ticketing.masters.people.models import User
from ticketing.masters.workcalendar import queries as workcalendar
from ticketing.procedure.deadlines import ClockKind
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import Part, Phenomenon, Trade
from ticketing.steps.work_orders.approving import void
from ticketing.steps.work_orders.follow import (
    filled,
    finish_if_done,
    follow,
    settle_issue_clock,
    tell_of,
)
from ticketing.steps.work_orders.models import OrderItem, WorkOrder
from ticketing.steps.work_orders.road import ORDERS

_NO_LONGER_ASKED = {"asked_until": None, "asked_reason": ""}


def ask_extension(
    order: WorkOrder, *, asked_until: date, asked_reason: str, actor: User
) -> WorkOrder:
    """The captain asks for more time; the office obtains the customer's consent and decides (procedure 3.4.5-延)."""
    step = ORDERS.begin(order, Act.ASK_EXTENSION, actor, None)
    ORDERS.check_first(step, order, actor)
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
    step = ORDERS.begin(order, Act.EXTEND_ORDER, actor, version)
    ORDERS.check_first(step, order, actor)
    running = clocks.running(order.ticket_id, ClockKind.REPAIR, order.id)
    if running is None:
        raise Conflict("没有进行中的维修时限。")
    at = clock.now()
    extension = moving.consented(
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
            "due_provisional": workcalendar.calendar(due_on).provisional,
            **_NO_LONGER_ASKED,
        },
        facts={
            "reason": extension.reason,
            "consent": f"{extension.consent_by}，{clock.show_instant(consent_at)}，{consent_way}，"
            f"凭证：{extension.evidence}",
        },
    )
    moving.put_off(running, extension)
    copy_dues([order.ticket_id])
    words = f"时限延至 {clock.show_date(due_on)}"
    tell_of(_crew(order), order, actor, at, words, "extended")
    return order


def add_trade(
    order: WorkOrder,
    *,
    version: int,
    part: Part,
    phenomenon: Phenomenon,
    trade: Trade,
    place: str,
    words: str,
    reason: str,
    actor: User,
) -> WorkOrder:
    """The repair needs one more trade than was surveyed: an item more, for the same class and the same money.

    Going from one trade to more moves the due date to 7 working days from the issue, once; the first one stays on
    record. A due date that has passed does not move (procedure 3.4.5-多). A higher cost needs an order of its own.

    Raises Invalid (a trade that is on the order), NotPermitted, Conflict.
    """
    ORDERS.begin(order, Act.ADD_TRADE, actor, version)
    present = {item.defect.trade for item in order.items}
    if trade in present:
        raise Invalid(f"本单已有“{trade}”，不需要增加。", field="trade")
    reason = filled(reason, "reason", "请写明需要增加工种的原因。")
    now, trades = clock.now(), len(present) + 1
    running = clocks.running(order.ticket_id, ClockKind.REPAIR, order.id)
    if running is not None:
        moving.more_trades(running, trades, at=now)
    found = Broken(part, phenomenon, trade, place, words)
    ORDERS.advance(
        order,
        Act.ADD_TRADE,
        actor=actor,
        version=version,
        changes={
            "trade_count": trades,
            "due_on": running.due_on if running else order.due_on,
            "due_provisional": running.provisional if running else order.due_provisional,
        },
        facts={"reason": reason, "estimate_fen": order.estimate_fen, "trade": trade.label},
    )
    (defect,) = defects.add(order.ticket, [found], actor=actor, at=now, act=Act.ADD_TRADE)
    db.session.add(OrderItem(order_id=order.id, defect_id=defect.id))
    db.session.flush()
    db.session.expire(order, ["items"])
    copy_dues([order.ticket_id])
    assert order.due_on is not None  # it was issued
    words = f"增加{trade}，{clock.show_date(order.due_on)} 前完工"
    tell_of(_crew(order), order, actor, now, words, "trade")
    return order


def transfer(
    order: WorkOrder, *, version: int, contractor_id: int, reason: str, actor: User
) -> WorkOrder:
    """What the crew cannot do goes to the contractor, under engineering's eyes, within the same time (procedure 3.4.6)."""
    ORDERS.begin(order, Act.TRANSFER_ORDER, actor, version)
    reason = filled(reason, "reason", "请写明转施工单位的原因。")
    contractor = contractors.contractor(contractor_id)
    if not contractor.active:
        raise Invalid(f"{contractor.name}已停用，请另选。", field="contractor_id")
    at = ORDERS.advance(
        order,
        Act.TRANSFER_ORDER,
        actor=actor,
        version=version,
        changes={
            "contractor_id": contractor.id,
            "transferred_at": clock.now(),
            "transfer_reason": reason,
            **_NO_LONGER_ASKED,
        },
        facts={"contractor": contractor.name, "reason": reason},
    )
    follow(order, Act.TRANSFER_ORDER, at)
    engineers = engineers_of(order.ticket)
    tell_of(engineers, order, actor, at, f"转{contractor.name}维修，请督促", "transferred")
    tell_of(_crew(order), order, actor, at, f"已转{contractor.name}维修", "handed_over")
    return order


def cancel(order: WorkOrder, *, version: int, reason: str, actor: User) -> WorkOrder:
    """Void an order with the reason; its number stays in the list, its defects wait for an order again (procedure 3.5.1)."""
    ORDERS.begin(order, Act.CANCEL_ORDER, actor, version)
    reason = filled(reason, "reason", "请写明作废的原因。")
    at = ORDERS.advance(
        order,
        Act.CANCEL_ORDER,
        actor=actor,
        version=version,
        changes={"cancel_reason": reason, "cancelled_at": clock.now(), **_NO_LONGER_ASKED},
        facts={"reason": reason},
    )
    void(order)
    follow(order, Act.CANCEL_ORDER, at)
    finish_if_done(order, actor=actor)
    settle_issue_clock(order.ticket, at)
    copy_dues([order.ticket_id])
    if order.issued_at is not None:
        tell_of(_crew(order), order, actor, at, f"已作废：{reason}", "cancelled")
    return order


def _crew(order: WorkOrder) -> tuple[int | None]:
    """The captain of the order's team."""
    return (order.team.captain_id if order.team else None,)
