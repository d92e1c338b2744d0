"""Acts on a work order: draft, approval by amount, issue, the crew's work, extension, transfer, cancellation."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import select

from ticketing.casefile.defects.models import Defect
from ticketing.casefile.papers.commands import next_number
from ticketing.casefile.papers.dues import copy_dues
from ticketing.casefile.tickets import guards
from ticketing.casefile.tickets.commands import hold
from ticketing.casefile.tickets.models import Ticket
from ticketing.casefile.tickets.telling import people_as
from ticketing.casefile.timers import commands as timers
from ticketing.journal.commands import record
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import Conflict, Invalid, NotPermitted
from ticketing.kernel.text import clean_line
from ticketing.masters.contractors import queries as contractors
from ticketing.masters.contractors.models import Worker
from ticketing.masters.parameters import queries as parameters
from ticketing.masters.people.models import User
from ticketing.procedure.deadlines import ClockKind
from ticketing.procedure.permissions import Act, may
from ticketing.procedure.repairs import OrderClass, OrderStage
from ticketing.procedure.vocabulary import TicketStage
from ticketing.steps.site_survey import queries as surveys
from ticketing.steps.work_orders import queries
from ticketing.steps.work_orders.approving import still_as_approved
from ticketing.steps.work_orders.follow import (
    filled,
    follow,
    follow_ticket,
    settle_issue_clock,
    tell_of,
)
from ticketing.steps.work_orders.models import (
    OrderItem,
    OrderWorker,
    WorkOrder,
)
from ticketing.steps.work_orders.road import ORDERS


def may_draft(ticket: Ticket, actor: User) -> None:
    """Raise NotPermitted or Conflict where `actor` may not draft an order for `ticket` now."""
    if not may(guards.roles_on(ticket, actor), Act.DRAFT_ORDER):
        raise NotPermitted("您的岗位不能拟派工单。")
    if ticket.stage is not TicketStage.REPAIRING:
        raise Conflict("勘察结论为维修之后才能拟派工单。")


def draft(
    ticket: Ticket,
    *,
    order_class: OrderClass,
    team_id: int,
    defect_ids: Sequence[int],
    scope: str,
    estimate_fen: int,
    actor: User,
    rework_of_id: int | None = None,
) -> WorkOrder:
    """Draft an order for the findings of one class, for one team (procedure 3.5.1).

    After a callback that was not content, or where a later survey decides to repair again what is accepted,
    `rework_of_id` names the order whose repair did not hold.

    Raises Invalid (nothing chosen, another class, on an order already, repaired already), NotPermitted, Conflict.
    """
    hold([ticket.id])
    db.session.refresh(ticket)
    may_draft(ticket, actor)
    survey = surveys.latest(ticket.id)
    assert survey is not None  # a ticket under repair has been surveyed
    chosen = set(defect_ids)
    waiting = queries.waiting(ticket)
    if rework_of_id is None:
        ready = {one.defect_id for one in waiting.fresh.get(order_class, [])}
        _refuse_repaired(chosen, waiting.again)
    else:
        meant = [
            one
            for one in waiting.again
            if (one.order.id, one.order_class) == (rework_of_id, order_class)
        ]
        if not meant:
            raise Invalid("请选择要返修的派工单。", field="rework_of_id")
        ready = {defect.id for defect in meant[0].defects}
    if not chosen or not chosen <= ready:
        raise Invalid("请选择同一类别、尚未派工的项目。", field="defect_ids")
    team = contractors.team_for(ticket.community_id, team_id)
    at = clock.now()
    number = next_number(ticket.community.code, order_class.value, at)
    order = WorkOrder(
        number=number,
        ticket_id=ticket.id,
        community_id=ticket.community_id,
        survey_id=survey.id,
        rework_of_id=rework_of_id,
        round=ticket.rework_count + 1,
        order_class=order_class,
        team_id=team.id,
        scope=filled(scope, "scope", "请填写保修内容。"),
        estimate_fen=priced(estimate_fen),
        drafted_at=at,
        drafted_by_id=actor.id,
        parameter_edition_id=parameters.edition_on(clock.local(at).date()),
    )
    db.session.add(order)
    db.session.flush()
    _set_items(order, chosen)
    record(
        ORDERS.subject,
        order.id,
        Act.DRAFT_ORDER.value,
        actor=actor,
        at=at,
        clause="3.5.1",
        target=order.stage.value,
        version=order.version,
        facts={"number": number, "ticket": ticket.number, "class": order_class.value},
    )
    return order


def _refuse_repaired(chosen: set[int], again: Iterable[queries.Again]) -> None:
    """Raise Invalid where what is repaired and accepted would be ordered as if for the first time (procedure 3.5.4)."""
    for one in again:
        for defect in one.defects:
            if defect.id in chosen:
                raise Invalid(
                    f"“{defect.told}”已由 {one.order.number} 修复验收，再修须拟 {one.order.number} 的返修单。",
                    field="defect_ids",
                )


def amend(
    order: WorkOrder,
    *,
    version: int,
    team_id: int,
    defect_ids: Sequence[int],
    scope: str,
    estimate_fen: int,
    actor: User,
) -> WorkOrder:
    """Change a draft. Raises Invalid, NotPermitted, Conflict."""
    ORDERS.begin(order, Act.AMEND_ORDER, actor, version)
    own = {item.defect_id for item in order.items}
    chosen = set(defect_ids)
    if not chosen or not chosen <= {one.id for one in queries.choosable(order)}:
        raise Invalid("请选择同一类别、尚未派工的项目。", field="defect_ids")
    team = contractors.team_for(order.community_id, team_id)
    ORDERS.advance(
        order,
        Act.AMEND_ORDER,
        actor=actor,
        version=version,
        changes={
            "team_id": team.id,
            "scope": filled(scope, "scope", "请填写保修内容。"),
            "estimate_fen": priced(estimate_fen),
        },
        facts={"items": sorted(chosen)} if chosen != own else {},
    )
    _set_items(order, chosen)
    return order


def issue(order: WorkOrder, *, version: int, visit_on: date | None, actor: User) -> WorkOrder:
    """Send the crew: the repair's working days begin, 3 for one trade and 7 for more (procedure 3.4.5, 3.5.1)."""
    ORDERS.begin(order, Act.ISSUE_ORDER, actor, version)
    if not still_as_approved(order):
        raise Conflict("派工单内容在批准之后有变化，须退回重新报批。")
    if visit_on is not None and visit_on < clock.today():
        raise Invalid("上门日期不能早于今天。", field="visit_on")
    trades = trades_of(item.defect for item in order.items)
    now = clock.now()
    start = timers.starting(ClockKind.REPAIR, now, trades)
    at = ORDERS.advance(
        order,
        Act.ISSUE_ORDER,
        actor=actor,
        version=version,
        changes={
            "issued_at": now,
            "issued_by_id": actor.id,
            "trade_count": trades,
            "due_on": start.deadline.on,
            "due_provisional": start.deadline.provisional,
            "visit_on": visit_on or order.visit_on,
        },
    )
    follow(order, Act.ISSUE_ORDER, at, starts=[start])
    settle_issue_clock(order.ticket, at)
    copy_dues([order.ticket_id])
    assert order.team is not None  # the guard of SUBMIT_ORDER has seen it
    tell_of(
        (order.team.captain_id,),
        order,
        actor,
        at,
        f"已派工，{clock.show_date(start.deadline.on)} 前完工",
        "issued",
    )
    return order


def plan(
    order: WorkOrder,
    *,
    version: int,
    team_id: int,
    visit_on: date | None,
    visit_note: str,
    actor: User,
) -> WorkOrder:
    """Put an order on a team and a day of the board (procedure 3.5.2).

    Another team takes over what has been issued, with the same due date; an approved team stays until then.
    """
    ORDERS.begin(order, Act.PLAN_ORDER, actor, version)
    if visit_on is not None and visit_on < clock.today():
        raise Invalid("上门日期不能早于今天。", field="visit_on")
    changes: dict[str, Any] = {"visit_on": visit_on, "visit_note": clean_line(visit_note)}
    before, issued = order.team, order.issued_at is not None
    moved = team_id != order.team_id
    if moved:
        if order.stage in (OrderStage.APPROVING, OrderStage.APPROVED):
            raise Conflict("费用审批中的派工单不能换维修队，请先退回修改。", field="team_id")
        changes["team_id"] = contractors.team_for(order.community_id, team_id).id
        changes |= {"asked_until": None, "asked_reason": ""}
        if order.stage is OrderStage.ACKNOWLEDGED:
            changes |= {"acknowledged_at": None, "arrived_at": None}
    back = OrderStage.ISSUED if moved and order.stage is OrderStage.ACKNOWLEDGED else None
    at = ORDERS.advance(
        order, Act.PLAN_ORDER, actor=actor, version=version, changes=changes, target=back
    )
    if moved:
        db.session.refresh(order, ["team"])
    if moved and issued:
        _set_crew(order, set())
        follow(order, Act.PLAN_ORDER, at)
        if before is not None:
            tell_of((before.captain_id,), order, actor, at, "已改派其他维修队", "taken")
    if issued and order.team is not None:
        when = f"{clock.show_date(visit_on)} 上门" if visit_on else "上门日期待定"
        tell_of((order.team.captain_id,), order, actor, at, when, "planned")
    return order


def acknowledge(
    order: WorkOrder,
    *,
    version: int | None,
    worker_ids: Sequence[int],
    visit_on: date | None,
    actor: User,
) -> WorkOrder:
    """The captain receives the order and names his workers (procedure 3.5.2)."""
    own = {worker.id for worker in contractors.workers(order.team_id or 0)}
    if not set(worker_ids) <= own:
        raise Invalid("请选择本队的工人。", field="worker_ids")
    if visit_on is not None and visit_on < clock.today():
        raise Invalid("上门日期不能早于今天。", field="visit_on")
    ORDERS.advance(
        order,
        Act.ACKNOWLEDGE_ORDER,
        actor=actor,
        version=version,
        changes={"acknowledged_at": clock.now(), "visit_on": visit_on or order.visit_on},
        facts={"workers": _names(worker_ids)},
    )
    _set_crew(order, set(worker_ids))
    return order


def arrive(order: WorkOrder, *, actor: User) -> WorkOrder:
    """The crew stands in the flat. Said twice it counts once."""
    ORDERS.begin(order, Act.ARRIVE_ORDER, actor, None)
    if order.arrived_at is not None:
        return order
    at = ORDERS.advance(
        order, Act.ARRIVE_ORDER, actor=actor, version=None, changes={"arrived_at": clock.now()}
    )
    follow_ticket(order.ticket, Act.ARRIVE_ORDER, at)
    return order


def self_check(order: WorkOrder, *, version: int | None, self_check: str, actor: User) -> WorkOrder:
    """The captain has checked his crew's work, engineering a contractor's; the repair clock stops (procedure 3.5.3)."""
    words = filled(self_check, "self_check", "请填写自检情况。")
    at = ORDERS.advance(
        order,
        Act.SELF_CHECK,
        actor=actor,
        version=version,
        changes={
            "self_checked_at": clock.now(),
            "self_checked_by_id": actor.id,
            "self_check": words,
            "arrived_at": order.arrived_at or clock.now(),
        },
    )
    follow(order, Act.SELF_CHECK, at)
    copy_dues([order.ticket_id])
    tell_of(
        people_as((), community_id=order.community_id),
        order,
        actor,
        at,
        "已自检完工，请竣工检查",
        "self_checked",
    )
    return order


def trades_of(defects: Iterable[Defect]) -> int:
    """How many trades these defects need; more than one gives 7 working days (procedure 3.4.5-多)."""
    return len({defect.trade for defect in defects})


def _set_items(order: WorkOrder, defect_ids: set[int]) -> None:
    """Let an order hold these defects; one that leaves the draft stays on record as dropped."""
    known = db.session.scalars(select(OrderItem).where(OrderItem.order_id == order.id)).all()
    for item in known:
        item.dropped_at = None if item.defect_id in defect_ids else item.dropped_at or clock.now()
    fresh = defect_ids - {item.defect_id for item in known}
    db.session.add_all(OrderItem(order_id=order.id, defect_id=one) for one in sorted(fresh))
    db.session.flush()
    db.session.expire(order, ["items"])


def _set_crew(order: WorkOrder, worker_ids: set[int]) -> None:
    """Let these workers do it; who is relieved stays on record."""
    known = db.session.scalars(select(OrderWorker).where(OrderWorker.order_id == order.id)).all()
    for one in known:
        one.relieved_at = None if one.worker_id in worker_ids else one.relieved_at or clock.now()
    fresh = worker_ids - {one.worker_id for one in known}
    db.session.add_all(OrderWorker(order_id=order.id, worker_id=one) for one in sorted(fresh))
    db.session.flush()
    db.session.expire(order, ["crew"])


def _names(worker_ids: Sequence[int]) -> list[str]:
    return list(
        db.session.scalars(select(Worker.name).where(Worker.id.in_(worker_ids)).order_by(Worker.id))
    )


def priced(estimate_fen: int) -> int:
    """An estimate that can be approved. Raises Invalid."""
    if not 0 < estimate_fen <= 999_999_999_999:
        raise Invalid("请填写估价。", field="estimate_fen")
    return estimate_fen
