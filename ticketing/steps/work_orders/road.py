"""The order's road with its guards as checks, and those of the ticket's road that ask about its orders."""

from typing import Any

from sqlalchemy import select

from ticketing.casefile.attachments.models import Attachment
from ticketing.casefile.papers.commands import Checks, Road
from ticketing.casefile.tickets import guards
from ticketing.casefile.tickets.models import Ticket
from ticketing.kernel.db import db
from ticketing.kernel.errors import Invalid, NotPermitted
from ticketing.masters.people.models import User
from ticketing.procedure import repair_roads, workflow
from ticketing.procedure.repairs import OrderStage, Slot
from ticketing.procedure.vocabulary import TicketStage
from ticketing.steps.work_orders import queries
from ticketing.steps.work_orders.models import WorkOrder


def leads(order: WorkOrder, actor: User) -> bool:
    """Whether `actor` is the captain of the order's team."""
    return order.team is not None and order.team.captain_id == actor.id


def took_part(order: WorkOrder, actor: User) -> bool:
    """Whether one person drafted the order, recorded its survey, or signed in this round already (trust: S1, S3)."""
    others = {order.drafted_by_id, order.survey.recorded_by_id}
    others |= {step.by_id for step in order.approvals if step.round == order.approval_round}
    people = db.session.scalars(select(User).where(User.id.in_(others - {None})))
    return any(actor.is_same_person(one) for one in people)


def _next_signatory(order: WorkOrder, actor: User, _changes: dict[str, Any]) -> bool:
    step = queries.next_step(order)
    return step is not None and step.role in actor.roles and not took_part(order, actor)


def _pictured(order: WorkOrder, _actor: User, _changes: dict[str, Any]) -> bool:
    slots = set(
        db.session.scalars(
            select(Attachment.slot).where(
                Attachment.order_id == order.id, Attachment.replaced_at.is_(None)
            )
        )
    )
    return {Slot.BEFORE, Slot.AFTER} <= slots


def _doable(order: WorkOrder, _actor: User, _changes: dict[str, Any]) -> bool:
    return order.team_id is not None and bool(order.items) and order.estimate_fen > 0


_CHECKS: Checks = {
    repair_roads.OWN_CREW: (lambda order, actor, _c: leads(order, actor), NotPermitted),
    repair_roads.NEXT_SIGNATORY: (_next_signatory, NotPermitted),
    repair_roads.PICTURED: (_pictured, Invalid),
    repair_roads.CHECKED: (lambda order, actor, _c: not leads(order, actor), NotPermitted),
    repair_roads.DOABLE: (_doable, Invalid),
}

ORDERS = Road("order", "派工单", repair_roads.order_step, _CHECKS)


def _open_orders(ticket: Ticket) -> bool:
    """Whether an order of it is unfinished; only a ticket under repair can have one."""
    return ticket.stage is TicketStage.REPAIRING and (
        db.session.scalar(
            select(WorkOrder.id)
            .where(
                WorkOrder.ticket_id == ticket.id,
                WorkOrder.stage.not_in((OrderStage.ACCEPTED, OrderStage.CANCELLED)),
            )
            .limit(1)
        )
        is not None
    )


def all_accepted(ticket: Ticket) -> bool:
    """Whether the repair is done: every decided finding on an accepted order, none open (procedure 3.5.3)."""
    if _open_orders(ticket) or queries.to_order(ticket.id):
        return False
    accepted = queries.accepted_of(ticket.id)
    if ticket.rework_count:
        return any(one.is_rework and _since_last_callback(one, ticket) for one in accepted)
    return bool(accepted)


def _since_last_callback(order: WorkOrder, ticket: Ticket) -> bool:
    last = max((one.at for one in ticket.callbacks), default=None)
    return last is None or order.drafted_at >= last


guards.CHECKS[workflow.NO_OPEN_ORDER] = (lambda ticket, _a, _c: not _open_orders(ticket), Invalid)
guards.CHECKS[workflow.ALL_ACCEPTED] = (lambda ticket, _a, _c: all_accepted(ticket), Invalid)
