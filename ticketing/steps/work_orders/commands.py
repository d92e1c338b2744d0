"""Acts on a work order: draft, approval by amount, issue, the crew's work, extension, transfer, cancellation."""

import hashlib
import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import select

from ticketing.casefile.attachments.models import Attachment
from ticketing.casefile.notices.commands import Message, tell
from ticketing.casefile.notices.models import NoticeKind
from ticketing.casefile.papers.commands import next_number
from ticketing.casefile.papers.dues import copy_dues
from ticketing.casefile.tickets import guards
from ticketing.casefile.tickets.commands import advance, hold
from ticketing.casefile.tickets.models import Ticket
from ticketing.casefile.tickets.telling import people_as
from ticketing.casefile.timers import commands as timers
from ticketing.casefile.timers import queries as clocks
from ticketing.casefile.timers.models import ConsentWay
from ticketing.journal.commands import record
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import Conflict, Invalid, NotPermitted
from ticketing.kernel.text import clean, clean_line
from ticketing.masters.contractors import queries as contractors
from ticketing.masters.contractors.models import Worker
from ticketing.masters.people.models import User
from ticketing.procedure import approvals
from ticketing.procedure.deadlines import ClockKind, turn
from ticketing.procedure.permissions import Act, may
from ticketing.procedure.repairs import OrderClass, OrderStage, UseKind, Verdict
from ticketing.procedure.vocabulary import Role, TicketStage
from ticketing.steps.site_survey import queries as surveys
from ticketing.steps.work_orders import queries
from ticketing.steps.work_orders.models import (
    ApprovalStep,
    OrderItem,
    OrderWorker,
    Use,
    WorkOrder,
)
from ticketing.steps.work_orders.road import ORDERS, all_accepted, took_part


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

    After a callback that was not content, `rework_of_id` names the order whose repair did not hold.

    Raises Invalid (nothing chosen, another class, on an order already), NotPermitted, Conflict.
    """
    if not may(guards.roles_on(ticket, actor), Act.DRAFT_ORDER):
        raise NotPermitted("您的岗位不能拟派工单。")
    survey = surveys.latest(ticket.id)
    if ticket.stage is not TicketStage.REPAIRING or survey is None:
        raise Conflict("勘察结论为维修之后才能拟派工单。")
    hold([ticket.id])
    chosen = set(defect_ids)
    if rework_of_id is None:
        ready = {one.defect_id for one in queries.to_order(ticket.id).get(order_class, [])}
    else:
        again = [one for one in queries.accepted_of(ticket.id) if one.id == rework_of_id]
        if not again or again[0].order_class is not order_class:
            raise Invalid("请选择要返修的派工单。", field="rework_of_id")
        ready = {item.defect_id for item in again[0].items}
    if not chosen or not chosen <= ready:
        raise Invalid("请选择同一类别、尚未派工的项目。", field="defect_ids")
    team = contractors.team(team_id)
    number = next_number(ticket.community.code, order_class.value, clock.now())
    at = clock.now()
    order = WorkOrder(
        number=number,
        ticket_id=ticket.id,
        community_id=ticket.community_id,
        survey_id=survey.id,
        rework_of_id=rework_of_id,
        order_class=order_class,
        team_id=team.id,
        scope=_filled(scope, "scope", "请填写保修内容。"),
        estimate_fen=_priced(estimate_fen),
        drafted_at=at,
        drafted_by_id=actor.id,
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
    own = {item.defect_id for item in order.items}
    ready = {one.defect_id for one in queries.to_order(order.ticket_id).get(order.order_class, [])}
    chosen = set(defect_ids)
    if not chosen or not chosen <= ready | own:
        raise Invalid("请选择同一类别、尚未派工的项目。", field="defect_ids")
    team = contractors.team(team_id)
    ORDERS.advance(
        order,
        Act.AMEND_ORDER,
        actor=actor,
        version=version,
        changes={
            "team_id": team.id,
            "scope": _filled(scope, "scope", "请填写保修内容。"),
            "estimate_fen": _priced(estimate_fen),
        },
    )
    _set_items(order, chosen)
    return order


def submit(order: WorkOrder, *, version: int, actor: User) -> WorkOrder:
    """Hand the estimate in for approval; the chain is frozen now (procedure 3.6.1).

    Where nobody of the lowest tier is free of an own part in it, the next tier decides: it is never waved through.
    """
    round_ = order.approval_round + 1
    signatories = approvals.signatories(order.estimate_fen)
    if signatories[0].role is Role.CS_MANAGER and not _free_manager(order):
        signatories = approvals.signatories(approvals.STANDARD.manager_fen + 1)
    at = ORDERS.advance(
        order,
        Act.SUBMIT_ORDER,
        actor=actor,
        version=version,
        changes={"approval_round": round_},
        facts={
            "estimate_fen": order.estimate_fen,
            "chain": [one.role.value for one in signatories],
        },
    )
    shown = what_is_shown(order)
    for position, (role, task) in enumerate(signatories, start=1):
        db.session.add(
            ApprovalStep(
                order_id=order.id,
                round=round_,
                position=position,
                role=role,
                task=task,
                amount_fen=order.estimate_fen,
                shown=shown,
            )
        )
    db.session.flush()
    db.session.expire(order, ["approvals"])
    _ask_next(order, actor, at)
    return order


def approve(order: WorkOrder, *, version: int, reason: str, actor: User) -> WorkOrder:
    """Sign one place of the chain; the last one makes the order ready to be issued (procedure 3.6.1).

    Raises NotPermitted (not his turn, or he took part), Conflict (what he was shown has changed).
    """
    step = _asked(order)
    if step.shown != what_is_shown(order):
        raise Conflict("派工单内容在报批之后有变化，须退回重新报批。")
    present = [one for one in order.approvals if one.round == order.approval_round]
    last = all(one.verdict is not None for one in present if one is not step)
    at = ORDERS.advance(
        order,
        Act.APPROVE_ORDER,
        actor=actor,
        version=version,
        facts={"as": step.role.value, "task": step.task.label, "reason": clean(reason)},
        target=None if last else OrderStage.APPROVING,
    )
    _answer(step, Verdict.AGREED, clean(reason), actor, at)
    if last:
        _tell(people_as((Role.CS_MANAGER,)), order, actor, at, "费用已批准，请签发派工", "approved")
    else:
        _ask_next(order, actor, at)
    return order


def send_back(order: WorkOrder, *, version: int, reason: str, actor: User) -> WorkOrder:
    """Return an order to its drafter with the reason; the approval begins anew afterwards (procedure 3.6.1)."""
    reason = _filled(reason, "reason", "请写明退回的原因。")
    step = queries.next_step(order)
    at = ORDERS.advance(
        order, Act.RETURN_ORDER, actor=actor, version=version, facts={"reason": reason}
    )
    if step is not None:
        _answer(step, Verdict.RETURNED, reason, actor, at)
    _tell((order.drafted_by_id,), order, actor, at, f"被退回：{reason}", "returned")
    return order


def issue(order: WorkOrder, *, version: int, visit_on: date | None, actor: User) -> WorkOrder:
    """Send the crew: the repair's working days begin, 3 for one trade and 7 for more (procedure 3.4.5, 3.5.1)."""
    if order.estimate_fen and what_is_shown(order) != _approved(order).shown:
        raise Conflict("派工单内容在批准之后有变化，须退回重新报批。")
    trades = len({item.defect.trade for item in order.items})
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
    if not queries.to_order(order.ticket_id) and not _waits_for_issue(order.ticket_id):
        follow_ticket(order.ticket, Act.ISSUE_ORDER, at)
    copy_dues([order.ticket_id])
    assert order.team is not None  # the guard of SUBMIT_ORDER has seen it
    _tell(
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
    if visit_on is not None and visit_on < clock.today():
        raise Invalid("上门日期不能早于今天。", field="visit_on")
    team = contractors.team(team_id)
    changes: dict[str, Any] = {"visit_on": visit_on, "visit_note": clean_line(visit_note)}
    moved = team.id != order.team_id
    if moved:
        if order.stage in (OrderStage.APPROVING, OrderStage.APPROVED):
            raise Conflict("费用审批中的派工单不能换维修队，请先退回修改。", field="team_id")
        changes["team_id"] = team.id
        if order.stage is OrderStage.ACKNOWLEDGED:
            changes |= {"acknowledged_at": None, "arrived_at": None}
    back = OrderStage.ISSUED if moved and order.stage is OrderStage.ACKNOWLEDGED else None
    at = ORDERS.advance(
        order,
        Act.PLAN_ORDER,
        actor=actor,
        version=version,
        changes=changes,
        target=back or order.stage,
    )
    db.session.refresh(order, ["team"])
    if moved and order.issued_at is not None:
        for one in list(order.crew):
            db.session.delete(one)
        db.session.flush()
        db.session.expire(order, ["crew"])
        follow(order, Act.PLAN_ORDER, at)
    if order.issued_at is not None and order.team is not None:
        when = f"{clock.show_date(visit_on)} 上门" if visit_on else "上门日期待定"
        _tell((order.team.captain_id,), order, actor, at, when, "planned")
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
    for one in list(order.crew):
        db.session.delete(one)
    db.session.flush()
    db.session.add_all(
        OrderWorker(order_id=order.id, worker_id=worker_id) for worker_id in sorted(set(worker_ids))
    )
    db.session.flush()
    db.session.expire(order, ["crew"])
    return order


def arrive(order: WorkOrder, *, actor: User) -> WorkOrder:
    """The crew stands in the flat. Said twice it counts once."""
    if order.arrived_at is not None:
        return order
    at = ORDERS.advance(
        order, Act.ARRIVE_ORDER, actor=actor, version=None, changes={"arrived_at": clock.now()}
    )
    follow_ticket(order.ticket, Act.ARRIVE_ORDER, at)
    return order


def note_use(
    order: WorkOrder, *, kind: UseKind, what: str, quantity_milli: int, unit: str, actor: User
) -> Use:
    """Note labour, material or a machine for the account (procedure 3.5.5)."""
    what, unit = clean_line(what), clean_line(unit)
    if not what:
        raise Invalid("请填写名称。", field="what")
    if not unit:
        raise Invalid("请填写单位。", field="unit")
    if not 0 < quantity_milli <= 100_000_000:
        raise Invalid("请填写大于零的数量。", field="quantity_milli")
    at = ORDERS.advance(
        order,
        Act.NOTE_USE,
        actor=actor,
        version=None,
        facts={"use": f"{kind} {what} {quantity_milli / 1000:g}{unit}"},
    )
    use = Use(
        order_id=order.id,
        kind=kind,
        what=what,
        quantity_milli=quantity_milli,
        unit=unit,
        at=at,
        by_id=actor.id,
    )
    db.session.add(use)
    db.session.flush()
    return use


def self_check(order: WorkOrder, *, version: int | None, self_check: str, actor: User) -> WorkOrder:
    """The captain has checked his crew's work, engineering a contractor's; the repair clock stops (procedure 3.5.3)."""
    words = _filled(self_check, "self_check", "请填写自检情况。")
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
    _tell(
        people_as((), community_id=order.community_id),
        order,
        actor,
        at,
        "已自检完工，请竣工检查",
        "self_checked",
    )
    return order


def ask_extension(
    order: WorkOrder, *, asked_until: date, asked_reason: str, actor: User
) -> WorkOrder:
    """The captain asks for more time; the office obtains the customer's consent and decides (procedure 3.4.5-延)."""
    if order.due_on is not None and asked_until <= order.due_on:
        raise Invalid(f"申请的日期须晚于现时限 {order.due_on}。", field="asked_until")
    reason = _filled(asked_reason, "asked_reason", "请写明需要延期的原因。")
    at = ORDERS.advance(
        order,
        Act.ASK_EXTENSION,
        actor=actor,
        version=None,
        changes={"asked_until": asked_until, "asked_reason": reason},
    )
    _tell(
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
    extension = timers.extend(
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
    reason = _filled(reason, "reason", "请写明转施工单位的原因。")
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
    _tell(engineers, order, actor, at, f"转{contractor.name}维修，请督促", "transferred")
    return order


def cancel(order: WorkOrder, *, version: int, reason: str, actor: User) -> WorkOrder:
    """Void an order with the reason; its number stays in the list (procedure 3.5.1)."""
    reason = _filled(reason, "reason", "请写明作废的原因。")
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
        _tell((order.team.captain_id,), order, actor, at, f"已作废：{reason}", "cancelled")
    return order


def finish_if_done(order: WorkOrder, *, actor: User) -> None:
    """Let the ticket go to its callback when no order of it is open any more (procedure 3.5.3, 3.5.4)."""
    ticket = order.ticket
    if ticket.stage is TicketStage.REPAIRING and all_accepted(ticket):
        advance(
            ticket,
            Act.ACCEPT_REPAIR,
            actor=actor,
            version=None,
            changes={"resolution": f"{order.scope}，已竣工验收（{order.number}）"},
            facts={"order": order.number},
        )


def follow(order: WorkOrder, act: Act, at: datetime, starts: Sequence[timers.Start] = ()) -> None:
    """Let the clocks of an order follow an act: they stop, end, or change hands with its crew."""
    turned = turn(act, order.ticket.stage, order.ticket.stage, of_order=True)
    timers.follow(
        charge(order),
        starts=starts,
        meets=turned.meets,
        cancels=turned.cancels,
        at=at,
        order_id=order.id,
    )


def charge(order: WorkOrder) -> timers.Charge:
    """Who owes an order: its captain, or for a transferred one the department responsible for the ticket."""
    ticket = order.ticket
    if order.contractor_id is not None and order.transferred_at is not None:
        return timers.Charge(
            ticket.id, ticket.community_id, ticket.department_id, ticket.handler_id
        )
    captain = order.team.captain if order.team else None
    return timers.Charge(
        ticket.id,
        ticket.community_id,
        captain.department_id if captain else None,
        captain.id if captain else None,
    )


def follow_ticket(ticket: Ticket, act: Act, at: datetime) -> None:
    """Let the ticket's own clocks follow an act on one of its orders."""
    turned = turn(act, ticket.stage, ticket.stage)
    timers.follow(
        ticket,
        starts=[timers.starting(kind, at) for kind in turned.starts],
        meets=turned.meets,
        cancels=turned.cancels,
        at=at,
    )


def what_is_shown(order: WorkOrder) -> str:
    """The hash of what a signatory sees: any change of it voids his signature (trust: promise 18)."""
    pictures = db.session.scalars(
        select(Attachment.sha256)
        .where(Attachment.survey_id == order.survey_id)
        .order_by(Attachment.id)
    ).all()
    shown = {
        "class": order.order_class.value,
        "team": order.team_id,
        "estimate_fen": order.estimate_fen,
        "scope": order.scope,
        "items": sorted(item.defect_id for item in order.items),
        "pictures": list(pictures),
    }
    return hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()


def _asked(order: WorkOrder) -> ApprovalStep:
    step = queries.next_step(order)
    if step is None:
        raise Conflict(f"派工单现为“{order.stage}”，没有等待审批的步骤。")
    return step


def _approved(order: WorkOrder) -> ApprovalStep:
    return next(one for one in order.approvals if one.round == order.approval_round)


def _answer(step: ApprovalStep, verdict: Verdict, reason: str, actor: User, at: datetime) -> None:
    step.verdict, step.reason, step.at, step.by_id = verdict, reason, at, actor.id
    db.session.flush()


def _free_manager(order: WorkOrder) -> bool:
    managers = db.session.scalars(select(User).where(User.id.in_(people_as((Role.CS_MANAGER,)))))
    return any(not took_part(order, manager) for manager in managers)


def _ask_next(order: WorkOrder, actor: User, at: datetime) -> None:
    step = queries.next_step(order)
    if step is None:
        return
    people = people_as((step.role,))
    _tell(people, order, actor, at, f"请{step.task}维修费用", f"ask{step.round}.{step.position}")


def _waits_for_issue(ticket_id: int) -> bool:
    waiting = (OrderStage.DRAFT, OrderStage.APPROVING, OrderStage.APPROVED)
    return any(one.stage in waiting for one in queries.of_ticket(ticket_id))


def _set_items(order: WorkOrder, defect_ids: set[int]) -> None:
    for item in list(order.items):
        if item.defect_id not in defect_ids:
            db.session.delete(item)
    known = {item.defect_id for item in order.items}
    db.session.add_all(
        OrderItem(order_id=order.id, defect_id=one) for one in sorted(defect_ids - known)
    )
    db.session.flush()
    db.session.expire(order, ["items"])


def _names(worker_ids: Sequence[int]) -> list[str]:
    return list(
        db.session.scalars(select(Worker.name).where(Worker.id.in_(worker_ids)).order_by(Worker.id))
    )


def _tell(
    to: Sequence[int | None], order: WorkOrder, actor: User, at: datetime, words: str, event: str
) -> None:
    ticket = order.ticket
    tell(
        [
            Message(
                user_ids=tuple(one for one in to if one is not None and one != actor.id),
                kind=NoticeKind.ASSIGNED,
                event=f"order:{order.id}:{event}:{at:%Y%m%d%H%M%S}",
                title=f"{order.number} {words}",
                body=f"{ticket.room} {order.scope}",
                path=f"/orders/{order.id}",
                community_id=order.community_id,
            )
        ],
        at=at,
    )


def _priced(estimate_fen: int) -> int:
    if not 0 < estimate_fen <= 999_999_999_999:
        raise Invalid("请填写估价。", field="estimate_fen")
    return estimate_fen


def _filled(words: str, field: str, sentence: str) -> str:
    words = clean(words)
    if not words:
        raise Invalid(sentence, field=field)
    return words
