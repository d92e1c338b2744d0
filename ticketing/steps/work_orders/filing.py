"""Which pictures a 派工单 shows to whom, and what may be filed on it as it stands (procedure 3.5.3)."""

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import joinedload

from ticketing.casefile.attachments.models import Attachment, PaperKind
from ticketing.casefile.attachments.queries import DESKS, Desk, Place
from ticketing.casefile.tickets import guards
from ticketing.kernel.db import db
from ticketing.kernel.errors import NotFound
from ticketing.masters.people.models import User
from ticketing.masters.people.scope import Scope
from ticketing.procedure.repair_roads import INSPECTORS, WITNESSES
from ticketing.procedure.repairs import OrderStage, Slot
from ticketing.procedure.vocabulary import Role
from ticketing.steps.site_survey.filing import CALLED_FOR
from ticketing.steps.work_orders import queries
from ticketing.steps.work_orders.crew import ON_THE_CREW
from ticketing.steps.work_orders.models import WorkOrder
from ticketing.steps.work_orders.road import leads


def _pictures(scope: Scope) -> ColumnElement[bool]:
    seen = select(WorkOrder.id).where(queries.visible(scope))
    own = seen.where(WorkOrder.id == Attachment.order_id).exists()
    called = seen.where(WorkOrder.ticket_id == Attachment.ticket_id).exists()
    return own | (Attachment.slot.in_(CALLED_FOR) & called)


def _place(scope: Scope, actor: User, order_id: int) -> Place:
    order = db.session.scalars(
        select(WorkOrder)
        .where(WorkOrder.id == order_id, queries.visible(scope))
        .options(joinedload(WorkOrder.ticket, innerjoin=True), joinedload(WorkOrder.team))
    ).one_or_none()
    if order is None:
        raise NotFound
    return place_of(order, actor)


def place_of(order: WorkOrder, actor: User) -> Place:
    """Where `actor` files what belongs to an order he has before him."""
    return Place(
        PaperKind.ORDER,
        order.id,
        order.number,
        order.ticket_id,
        order.stage,
        order.version,
        f"/my-orders/{order.id}" if leads(order, actor) else f"/orders/{order.id}",
        frozenset(_slots(order, actor)),
    )


def _slots(order: WorkOrder, actor: User) -> set[Slot]:
    """Photos of those who work until the customer has signed, his signature once it is due, evidence at any time.

    A picture that waited on a phone without a connection may come in after the self-check.
    """
    roles = guards.roles_on(order.ticket, actor)
    if not leads(order, actor):
        roles -= {Role.CAPTAIN}
    if not roles & (INSPECTORS | WITNESSES):
        return set()
    slots = {Slot.EVIDENCE}
    if order.signed_at is not None or not order.stage.is_open:
        return slots
    contractors = order.transferred_at is not None
    at_work = order.stage is OrderStage.TRANSFERRED if contractors else order.stage in ON_THE_CREW
    checked = order.stage is OrderStage.SELF_CHECKED
    if (Role.ENGINEER if contractors else Role.CAPTAIN) in roles and (at_work or checked):
        slots |= {Slot.BEFORE, Slot.AFTER}
    if checked and roles & INSPECTORS:
        slots.add(Slot.AFTER)
    if checked and roles & WITNESSES:
        slots |= {Slot.SIGNATURE, Slot.SIGNED_PAPER}
    return slots


DESKS[PaperKind.ORDER] = Desk(_pictures, _place)
