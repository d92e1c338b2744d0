"""Reading work orders, narrowed by scope: not yours = not found."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import joinedload, selectinload

from ticketing.casefile.tickets import queries as tickets
from ticketing.casefile.tickets.models import Ticket
from ticketing.kernel.db import db
from ticketing.kernel.errors import NotFound
from ticketing.masters.contractors.models import RepairTeam
from ticketing.masters.people.scope import Scope
from ticketing.procedure.repairs import OrderClass, OrderStage
from ticketing.procedure.vocabulary import Role
from ticketing.steps.site_survey import queries as surveys
from ticketing.steps.site_survey.models import Finding
from ticketing.steps.work_orders.models import (
    ApprovalStep,
    OrderItem,
    OrderWorker,
    WorkOrder,
)

ON_THE_CREW = (
    OrderStage.ISSUED,
    OrderStage.ACKNOWLEDGED,
    OrderStage.SELF_CHECKED,
)


def visible(scope: Scope) -> ColumnElement[bool]:
    """Which orders one person may see: those of his tickets; a captain, what was issued to his teams; engineers, where they work."""
    ways: list[ColumnElement[bool]] = [
        WorkOrder.ticket_id.in_(select(Ticket.id).where(tickets.visible(scope)))
    ]
    if Role.CAPTAIN in scope.roles:
        led = select(RepairTeam.id).where(RepairTeam.captain_id == scope.user_id)
        ways.append(WorkOrder.team_id.in_(led) & WorkOrder.issued_at.is_not(None))
    if Role.ENGINEER in scope.roles:
        here: ColumnElement[bool] = WorkOrder.id.is_not(None)
        if scope.communities is not None:
            here = WorkOrder.community_id.in_(scope.communities)
        ways.append(here)
    return or_(*ways)


def order_for(scope: Scope, order_id: int) -> WorkOrder:
    """One order with everything on its sheet. Raises NotFound."""
    found = db.session.scalars(
        select(WorkOrder)
        .where(WorkOrder.id == order_id, visible(scope))
        .options(
            joinedload(WorkOrder.ticket, innerjoin=True).joinedload(Ticket.unit),
            joinedload(WorkOrder.ticket, innerjoin=True).joinedload(Ticket.community),
            joinedload(WorkOrder.survey, innerjoin=True),
            joinedload(WorkOrder.team).joinedload(RepairTeam.captain),
            joinedload(WorkOrder.contractor),
            joinedload(WorkOrder.drafted_by),
            joinedload(WorkOrder.issued_by),
            joinedload(WorkOrder.self_checked_by),
            joinedload(WorkOrder.inspected_by),
            joinedload(WorkOrder.rework_of),
            selectinload(WorkOrder.items).joinedload(OrderItem.defect),
            selectinload(WorkOrder.crew).joinedload(OrderWorker.worker),
            selectinload(WorkOrder.uses),
            selectinload(WorkOrder.approvals).joinedload(ApprovalStep.by),
        )
    ).one_or_none()
    if found is None:
        raise NotFound
    return found


def of_ticket(ticket_id: int) -> Sequence[WorkOrder]:
    """The orders of a ticket in the order they were drafted, with their items."""
    return db.session.scalars(
        select(WorkOrder)
        .where(WorkOrder.ticket_id == ticket_id)
        .options(
            selectinload(WorkOrder.items).joinedload(OrderItem.defect),
            joinedload(WorkOrder.team).joinedload(RepairTeam.captain),
            joinedload(WorkOrder.contractor),
        )
        .order_by(WorkOrder.id)
    ).all()


def to_order(ticket_id: int) -> dict[OrderClass, list[Finding]]:
    """The findings of the survey in force that are decided for repair and stand on no order yet, by class."""
    survey = surveys.latest(ticket_id)
    if survey is None or survey.concluded_at is None:
        return {}
    taken = {
        item.defect_id
        for order in of_ticket(ticket_id)
        if order.stage is not OrderStage.CANCELLED and order.survey_id == survey.id
        for item in order.items
    }
    waiting: dict[OrderClass, list[Finding]] = {}
    for finding in survey.findings:
        if finding.decided and finding.decided.repairs and finding.defect_id not in taken:
            waiting.setdefault(finding.decided, []).append(finding)
    return waiting


def accepted_of(ticket_id: int) -> list[WorkOrder]:
    """The accepted orders of a ticket: what a rework can repair again."""
    return [one for one in of_ticket(ticket_id) if one.stage is OrderStage.ACCEPTED]


def next_step(order: WorkOrder) -> ApprovalStep | None:
    """The place in the chain whose turn it is."""
    if order.stage is not OrderStage.APPROVING:
        return None
    present = [step for step in order.approvals if step.round == order.approval_round]
    return next((step for step in present if step.verdict is None), None)


def to_approve(scope: Scope) -> Sequence[WorkOrder]:
    """The orders that wait for a signature of this person's roles, oldest first."""
    turn = (
        select(ApprovalStep.order_id)
        .where(
            ApprovalStep.verdict.is_(None),
            ApprovalStep.role.in_(scope.roles),
            ApprovalStep.round == WorkOrder.approval_round,
        )
        .correlate(WorkOrder)
    )
    found = db.session.scalars(
        select(WorkOrder)
        .where(WorkOrder.stage == OrderStage.APPROVING, WorkOrder.id.in_(turn), visible(scope))
        .options(
            selectinload(WorkOrder.approvals),
            joinedload(WorkOrder.ticket, innerjoin=True),
            joinedload(WorkOrder.team),
        )
        .order_by(WorkOrder.id)
        .limit(200)
    ).all()
    return [one for one in found if (step := next_step(one)) and step.role in scope.roles]


def of_captain(scope: Scope) -> Sequence[WorkOrder]:
    """我的派工: what a captain's teams have to do, today's visits first, by community and building (procedure 3.5.2)."""
    led = select(RepairTeam.id).where(RepairTeam.captain_id == scope.user_id)
    return db.session.scalars(
        select(WorkOrder)
        .where(WorkOrder.team_id.in_(led), WorkOrder.stage.in_(ON_THE_CREW))
        .options(
            joinedload(WorkOrder.ticket, innerjoin=True).joinedload(Ticket.unit),
            joinedload(WorkOrder.ticket, innerjoin=True).joinedload(Ticket.community),
            selectinload(WorkOrder.items).joinedload(OrderItem.defect),
        )
        .order_by(WorkOrder.visit_on.nulls_last(), WorkOrder.due_on, WorkOrder.id)
        .limit(300)
    ).all()
