"""Reading what the dispatch board shows: the open orders of a person's communities that a team has to visit."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, distinct, func, or_, select, true

from ticketing.casefile.defects.models import Defect
from ticketing.casefile.tickets.models import Ticket
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import NotFound
from ticketing.masters.contractors.models import RepairTeam
from ticketing.masters.estate.models import Community
from ticketing.masters.people.scope import Scope
from ticketing.oversight.plan.problems import Problem
from ticketing.procedure.repairs import OrderClass, OrderStage
from ticketing.steps.work_orders import queries as orders
from ticketing.steps.work_orders.models import OrderItem, WorkOrder

PLANNED = (
    OrderStage.DRAFT,
    OrderStage.APPROVING,
    OrderStage.APPROVED,
    OrderStage.ISSUED,
    OrderStage.ACKNOWLEDGED,
)
"""Stages in which an order can be put on a team and a day; a transferred one is the contractor's to plan."""

MOST = 800
"""So many orders stand on one board; whoever has more narrows it down."""


@dataclass(frozen=True)
class PlanFilter:
    """What the board shows; each field is a query parameter of its address."""

    community_id: int | None = None
    team_id: int | None = None
    order_class: OrderClass | None = None
    problem: Problem | None = None


class Job(NamedTuple):
    """One order as the board shows it. `due_on` is its own, `issue_due_on` the ticket's while it is not issued."""

    id: int
    number: str
    order_class: OrderClass
    stage: OrderStage
    version: int
    community: str
    room: str
    unit_id: int | None
    team_id: int | None
    team: str | None
    due_on: date | None
    due_provisional: bool
    issue_due_on: date | None
    visit_on: date | None
    visit_note: str
    arrived_at: datetime | None
    scope: str
    rework_of_id: int | None
    items: int
    trades: int

    @property
    def is_unissued(self) -> bool:
        """Whether nobody has been sent yet: a plan, no order."""
        return self.stage in (OrderStage.DRAFT, OrderStage.APPROVING, OrderStage.APPROVED)

    @property
    def is_done(self) -> bool:
        """Whether the crew is done and only the signatures are owed."""
        return self.stage not in PLANNED


def within(scope: Scope) -> ColumnElement[bool]:
    """Which orders a person plans: those he sees of the communities he works for."""
    if scope.communities is None:
        return orders.visible(scope)
    return and_(orders.visible(scope), WorkOrder.community_id.in_(sorted(scope.communities)))


def order_for(scope: Scope, order_id: int) -> WorkOrder:
    """One order of the board. Raises NotFound."""
    found = select(WorkOrder.id).where(WorkOrder.id == order_id, within(scope))
    if db.session.scalar(found) is None:
        raise NotFound
    return orders.order_for(scope, order_id)


def jobs(scope: Scope, wanted: PlanFilter) -> list[Job]:
    """The orders of the board, next deadline first: what can be planned, and what was done from today on."""
    where = [within(scope), orders.IS_OPEN]
    for column, value in (
        (WorkOrder.community_id, wanted.community_id),
        (WorkOrder.team_id, wanted.team_id),
        (WorkOrder.order_class, wanted.order_class),
    ):
        where.append(column == value if value is not None else true())
    done = and_(WorkOrder.stage == OrderStage.SELF_CHECKED, WorkOrder.visit_on >= clock.today())
    kept = OrderItem.order_id == WorkOrder.id, OrderItem.dropped_at.is_(None)
    items = select(func.count(OrderItem.id)).where(*kept)
    trades = select(func.count(distinct(Defect.trade))).join(
        OrderItem, and_(OrderItem.defect_id == Defect.id, *kept)
    )
    query: Select[*tuple[Any, ...]] = (
        select(
            WorkOrder.id,
            WorkOrder.number,
            WorkOrder.order_class,
            WorkOrder.stage,
            WorkOrder.version,
            Community.name,
            Ticket.room,
            Ticket.unit_id,
            WorkOrder.team_id,
            RepairTeam.name,
            WorkOrder.due_on,
            WorkOrder.due_provisional,
            Ticket.due_on,
            WorkOrder.visit_on,
            WorkOrder.visit_note,
            WorkOrder.arrived_at,
            WorkOrder.scope,
            WorkOrder.rework_of_id,
            items.correlate(WorkOrder).scalar_subquery(),
            trades.correlate(WorkOrder).scalar_subquery(),
        )
        .join(Ticket, Ticket.id == WorkOrder.ticket_id)
        .join(Community, Community.id == WorkOrder.community_id)
        .outerjoin(RepairTeam, RepairTeam.id == WorkOrder.team_id)
        .where(*where, or_(WorkOrder.stage.in_(PLANNED), done))
        .order_by(func.coalesce(WorkOrder.due_on, Ticket.due_on), WorkOrder.id)
        .limit(MOST)
    )
    return [Job(*row) for row in db.session.execute(query)]
