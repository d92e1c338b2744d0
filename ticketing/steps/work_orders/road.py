"""The order's road with its guards as checks, and those of the ticket's road that ask about its orders."""

from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, select

from ticketing.casefile.defects import queries as defects
from ticketing.casefile.papers.commands import Checks, Road
from ticketing.casefile.tickets import guards
from ticketing.casefile.tickets.models import Ticket
from ticketing.casefile.timers import queries as timers
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import Conflict, Invalid, NotPermitted
from ticketing.masters.people import deputies
from ticketing.masters.people.models import User
from ticketing.procedure import repair_roads, workflow
from ticketing.procedure.deadlines import ClockKind
from ticketing.procedure.repairs import ApprovalKind, ApprovalOutcome, Slot
from ticketing.procedure.vocabulary import Role, TicketStage
from ticketing.procedure.workdays import CLOSES
from ticketing.steps.site_survey import queries as surveys
from ticketing.steps.work_orders import pictures, queries, repairs
from ticketing.steps.work_orders.models import WorkOrder
from ticketing.steps.work_orders.turns import accounts_of, next_step, open_round, own_part


def leads(order: WorkOrder, actor: User) -> bool:
    """Whether `actor` is the captain of the order's team."""
    return order.team is not None and order.team.captain_id == actor.id


def took_part(order: WorkOrder, actor: User) -> bool:
    """Whether this person, under any account of his, has a part in the order that bars him from approving it.

    `turns.own_part` says what counts as one (trust: S1, S3, S11).
    """
    return db.session.scalar(_part(), {"paper": order.id, "person": actor.id}) is not None


@cache
def _part() -> Select[int]:
    """Built once: it is large, and asked of everybody who might sign."""
    accounts = accounts_of(bindparam("person"))
    return select(WorkOrder.id).where(WorkOrder.id == bindparam("paper"), own_part(accounts))


class Signing(NamedTuple):
    """In whose name somebody may sign next: his own (None), or his principal's."""

    principal: User | None


def signing(order: WorkOrder, actor: User) -> Signing | None:
    """How `actor` may sign the place whose turn it is; None where he may not (trust: S1, S3, S10, S11).

    A deputy brings his principal's part in the order with him and keeps his own.
    """
    step = next_step(order)
    if step is None or took_part(order, actor):
        return None
    if step.role in actor.roles:
        return Signing(None)
    for principal in deputies.acts_for(actor, step.role):
        if not took_part(order, principal):
            return Signing(principal)
    return None


def _to_hand_in_again(order: WorkOrder, _actor: User, _changes: dict[str, Any]) -> bool:
    """Issued as an emergency, its estimate not approved, and no round under way."""
    if not order.emergency or open_round(order) is not None:
        return False
    estimates = [one for one in order.rounds if one.kind is ApprovalKind.ESTIMATE]
    return estimates[-1].outcome is not ApprovalOutcome.APPROVED


def _pictured(order: WorkOrder, _actor: User, _changes: dict[str, Any]) -> bool:
    on_file = {one.slot for one in pictures.work_pictures(order.id)}
    return {Slot.BEFORE, Slot.AFTER} <= on_file


def _pictured_anew(order: WorkOrder, _actor: User, _changes: dict[str, Any]) -> bool:
    return Slot.AFTER in pictures.slots_shown(order, pictures.work_pictures(order.id))


def _doable(order: WorkOrder, _actor: User, _changes: dict[str, Any]) -> bool:
    return order.team_id is not None and bool(order.items) and order.estimate_fen > 0


def _checked_by_another(order: WorkOrder, actor: User, _changes: dict[str, Any]) -> bool:
    """Neither the captain nor whoever reported a contractor's work done, under any account of his."""
    workers = [order.team.captain if order.team else None, order.self_checked_by]
    return not any(one is not None and actor.is_same_person(one) for one in workers)


def _witnessed(order: WorkOrder, actor: User, _changes: dict[str, Any]) -> bool:
    desk = guards.roles_on(order.ticket, actor) & {Role.OFFICE, Role.CS_MANAGER}
    return bool(desk) or leads(order, actor)


def _before_due(order: WorkOrder, _actor: User, _changes: dict[str, Any]) -> bool:
    return order.due_on is None or clock.now() < clock.at(order.due_on, *CLOSES)


def _extensions_left(order: WorkOrder, _actor: User, _changes: dict[str, Any]) -> bool:
    return timers.extensions_left(order.ticket_id, ClockKind.REPAIR, order.id)


_CHECKS: Checks = {
    workflow.BEFORE_DUE: (_before_due, Conflict),
    workflow.EXTENSIONS_LEFT: (_extensions_left, Conflict),
    repair_roads.OWN_CREW: (lambda order, actor, _c: leads(order, actor), NotPermitted),
    repair_roads.NEXT_SIGNATORY: (
        lambda order, actor, _c: signing(order, actor) is not None,
        NotPermitted,
    ),
    repair_roads.PICTURED: (_pictured, Invalid),
    repair_roads.PICTURED_ANEW: (_pictured_anew, Invalid),
    repair_roads.USED: (
        lambda order, _a, _c: any(use.struck_at is None for use in order.uses),
        Invalid,
    ),
    repair_roads.KEEPS_USES: (_witnessed, NotPermitted),
    repair_roads.CHECKED: (_checked_by_another, NotPermitted),
    repair_roads.UNINSPECTED: (lambda order, _a, _c: order.inspected_at is None, Invalid),
    repair_roads.WITNESSED: (_witnessed, NotPermitted),
    repair_roads.UNACCEPTED: (lambda order, _a, _c: order.signed_at is None, Invalid),
    repair_roads.UNAPPROVED: (_to_hand_in_again, Conflict),
    repair_roads.DOABLE: (_doable, Invalid),
}

ORDERS = Road("order", "派工单", repair_roads.order_step, _CHECKS)


def _open_orders(ticket: Ticket) -> bool:
    """Whether an order of it is unfinished; only a ticket under repair can have one."""
    return ticket.stage is TicketStage.REPAIRING and queries.any_open(ticket.id)


def all_accepted(ticket: Ticket) -> bool:
    """Whether the repair is done: every decided finding on an accepted order, none open (procedure 3.5.3).

    A ticket that came back from the callback, or was taken up again, needs an order accepted since.
    """
    if queries.any_open(ticket.id) or queries.waits(ticket.id):
        return False
    return any(queries.of_this_round(ticket, one) for one in queries.accepted_of(ticket.id))


surveys.REPAIRED.append(repairs.of_tickets)
defects.REPAIRED.append(repairs.of_parts)
guards.CHECKS[workflow.NO_OPEN_ORDER] = (lambda ticket, _a, _c: not _open_orders(ticket), Invalid)
guards.CHECKS[workflow.ALL_ACCEPTED] = (lambda ticket, _a, _c: all_accepted(ticket), Invalid)
