"""抢修先行: the crew goes at once, the approval follows within a working day (procedure 3.6.1)."""

from datetime import date

from ticketing.casefile.papers.dues import copy_dues
from ticketing.casefile.timers import commands as timers
from ticketing.kernel import clock
from ticketing.kernel.errors import Invalid
from ticketing.masters.people.models import User
from ticketing.procedure.deadlines import ClockKind
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import OrderStage
from ticketing.steps.work_orders import rounds
from ticketing.steps.work_orders.commands import priced, trades_of
from ticketing.steps.work_orders.follow import filled, follow, settle_issue_clock, tell_of
from ticketing.steps.work_orders.models import WorkOrder
from ticketing.steps.work_orders.road import ORDERS


def issue_first(
    order: WorkOrder, *, version: int, reason: str, visit_on: date | None, actor: User
) -> WorkOrder:
    """Send the crew before the estimate is approved; the approval opens now and is due in a working day (procedure 3.6.1).

    The drafter's estimate is what is approved, so the manager who sends the crew may still sign for it where it is his.

    Raises Invalid, NotPermitted, Conflict.
    """
    ORDERS.begin(order, Act.ISSUE_FIRST, actor, version)
    reason = filled(reason, "reason", "请写明抢修的原因。")
    if visit_on is not None and visit_on < clock.today():
        raise Invalid("上门日期不能早于今天。", field="visit_on")
    drafted, now = order.stage is OrderStage.DRAFT, clock.now()
    trades = trades_of(item.defect for item in order.items)
    repair = timers.starting(ClockKind.REPAIR, now, trades)
    approval = timers.starting(ClockKind.EMERGENCY_APPROVAL, now)
    at = ORDERS.advance(
        order,
        Act.ISSUE_FIRST,
        actor=actor,
        version=version,
        changes={
            "emergency": reason,
            "issued_at": now,
            "issued_by_id": actor.id,
            "trade_count": trades,
            "due_on": repair.deadline.on,
            "due_provisional": repair.deadline.provisional,
            "visit_on": visit_on or order.visit_on,
        },
        facts={"reason": reason, "approval_due_on": approval.deadline.on.isoformat()},
    )
    if drafted:
        rounds.open_estimate(order, opened_by=order.drafted_by, at=at)
    follow(order, Act.ISSUE_FIRST, at, starts=[repair, approval])
    settle_issue_clock(order.ticket, at)
    copy_dues([order.ticket_id])
    assert order.team is not None  # the guard has seen it
    due = clock.show_date(repair.deadline.on)
    tell_of((order.team.captain_id,), order, actor, at, f"抢修，已派工，{due} 前完工", "issued")
    rounds.ask_next(order, actor, at)
    return order


def submit_again(
    order: WorkOrder, *, version: int, estimate_fen: int, reason: str, actor: User
) -> WorkOrder:
    """Hand the returned estimate of an emergency in anew; its clock has been running on (procedure 3.6.1).

    Raises Invalid, NotPermitted, Conflict.
    """
    row = ORDERS.begin(order, Act.SUBMIT_ORDER, actor, version)
    ORDERS.check_first(row, order, actor)
    reason = filled(reason, "reason", "请答复退回的意见。")
    at = ORDERS.advance(
        order,
        Act.SUBMIT_ORDER,
        actor=actor,
        version=version,
        changes={"estimate_fen": priced(estimate_fen)},
        facts={"reason": reason},
    )
    rounds.open_estimate(order, opened_by=actor, at=at)
    rounds.ask_next(order, actor, at)
    return order
