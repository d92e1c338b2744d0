"""Reading work orders, narrowed by scope: not yours = not found."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, bindparam, false, func, or_, select, true
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.attributes import set_committed_value

from ticketing.casefile.defects.models import Defect
from ticketing.casefile.tickets import queries as tickets
from ticketing.casefile.tickets.models import Ticket
from ticketing.kernel.db import Parts, db, fill, filled, written
from ticketing.masters.contractors.models import Contractor, RepairTeam, TeamArea
from ticketing.masters.contractors.queries import teams_led
from ticketing.masters.people.models import User
from ticketing.masters.people.queries import SIGNER
from ticketing.masters.people.scope import Scope
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import OrderClass, OrderStage, Trade
from ticketing.procedure.vocabulary import Role
from ticketing.steps.site_survey import queries as surveys
from ticketing.steps.site_survey.models import Finding
from ticketing.steps.work_orders.models import (
    ApprovalRound,
    ApprovalStep,
    OrderItem,
    OrderWorker,
    SummedOrder,
    Use,
    WorkOrder,
)
from ticketing.steps.work_orders.turns import his_turn, signs_as_deputy

IS_OPEN = WorkOrder.stage.not_in(
    [written(WorkOrder.stage, one) for one in (OrderStage.ACCEPTED, OrderStage.CANCELLED)]
)

CALLED: list[Callable[[Scope], ColumnElement[bool]]] = []
"""By what else a deputy is called to an order: papers about it, of the rooms above, that wait for his principal's signature."""


def visible(scope: Scope) -> ColumnElement[bool]:
    """Which orders one person may see: those of his tickets; a captain, what was issued to his teams; engineers, where
    they work; a deputy, what waits for his principal's signature.

    Asked row by row (EXISTS): a list of all his tickets would be made first for each page.
    """
    if scope.sees_all_tickets:
        return true()
    places = scope.ticket_communities or frozenset()
    if Role.ENGINEER in scope.roles:
        if scope.communities is None:
            return true()
        places |= scope.communities
    ways: list[ColumnElement[bool]] = []
    if places:
        ways.append(WorkOrder.community_id.in_(sorted(places)))
    if scope.department_id is not None:
        its_ticket = select(Ticket.id).where(
            Ticket.id == WorkOrder.ticket_id, tickets.visible(scope)
        )
        ways.append(its_ticket.correlate(WorkOrder).exists())
    if Role.CAPTAIN in scope.roles:
        ways.append(issued_to(scope))
    if scope.acting:
        ways += [signs_as_deputy(scope), *(called(scope) for called in CALLED)]
    return or_(*ways) if ways else false()


def of_his_teams(scope: Scope) -> ColumnElement[bool]:
    """The condition that an order is one of this captain's teams."""
    return WorkOrder.team_id.in_(teams_led(scope))


def issued_to(scope: Scope) -> ColumnElement[bool]:
    """The condition that an order was issued to one of this captain's teams."""
    return of_his_teams(scope) & WorkOrder.issued_at.is_not(None)


def within_reach(scope: Scope, order_id: int) -> bool:
    """Whether an order lies within `scope`."""
    found = select(WorkOrder.id).where(WorkOrder.id == order_id, visible(scope))
    return db.session.scalar(found) is not None


def order_for(scope: Scope, order_id: int) -> WorkOrder:
    """One order with everything on its sheet. Raises NotFound."""
    found = sheet(order_id, visible(scope))
    fill(found, _ROUNDS)
    if found.rounds:
        fill(found, _STEPS)
    else:  # nobody is asked before a round opens
        set_committed_value(found, "approvals", [])
    return found


def sheet(order_id: int, reached: ColumnElement[bool]) -> WorkOrder:
    """One order where `reached` holds, with what is repaired, by whom, and what it used. Raises NotFound."""
    return filled(_SHEET.where(reached), order_id, _LINES)


_SHEET = (
    select(WorkOrder)
    .where(WorkOrder.id == bindparam("id"))
    .options(
        joinedload(WorkOrder.ticket, innerjoin=True).joinedload(Ticket.community, innerjoin=True),
        joinedload(WorkOrder.survey, innerjoin=True),
        joinedload(WorkOrder.team).joinedload(RepairTeam.captain),
        joinedload(WorkOrder.contractor),
        joinedload(WorkOrder.drafted_by).options(SIGNER),
        joinedload(WorkOrder.issued_by).options(SIGNER),
        joinedload(WorkOrder.self_checked_by).options(SIGNER),
        joinedload(WorkOrder.inspected_by).options(SIGNER),
        joinedload(WorkOrder.rework_of).load_only(WorkOrder.number),
    )
)
_LINES: Parts = {
    "items": select(OrderItem)
    .where(OrderItem.order_id == bindparam("id"), OrderItem.dropped_at.is_(None))
    .options(joinedload(OrderItem.defect, innerjoin=True))
    .order_by(OrderItem.id),
    "crew": select(OrderWorker)
    .where(OrderWorker.order_id == bindparam("id"), OrderWorker.relieved_at.is_(None))
    .options(joinedload(OrderWorker.worker, innerjoin=True))
    .order_by(OrderWorker.id),
    "uses": select(Use)
    .where(Use.order_id == bindparam("id"))
    .options(joinedload(Use.struck_by).options(SIGNER))
    .order_by(Use.id),
}
_ROUNDS: Parts = {
    "rounds": select(ApprovalRound)
    .where(ApprovalRound.order_id == bindparam("id"))
    .options(
        joinedload(ApprovalRound.opened_by).options(SIGNER),
        joinedload(ApprovalRound.summed).joinedload(SummedOrder.summed),
    )
    .order_by(ApprovalRound.round)
}
_STEPS: Parts = {
    "approvals": select(ApprovalStep)
    .where(ApprovalStep.order_id == bindparam("id"))
    .options(
        joinedload(ApprovalStep.by).options(SIGNER),
        joinedload(ApprovalStep.principal).options(SIGNER),
    )
    .order_by(ApprovalStep.round, ApprovalStep.position)
}


def of_ticket(ticket_id: int) -> Sequence[WorkOrder]:
    """The orders of a ticket in the order they were drafted, with their items."""
    return db.session.scalars(_OF_TICKET, {"ticket": ticket_id}).unique().all()


_OF_TICKET = (
    select(WorkOrder)
    .where(WorkOrder.ticket_id == bindparam("ticket"))
    .options(
        joinedload(WorkOrder.items).joinedload(OrderItem.defect),
        joinedload(WorkOrder.team).joinedload(RepairTeam.captain),
        joinedload(WorkOrder.contractor),
    )
    .order_by(WorkOrder.id)
)


class Again(NamedTuple):
    """A repair to be done again: the accepted order, as which class, and which of its defects (procedure 3.5.4).

    `surveyed`: a later survey decided so; else the customer was not content, or the ticket was taken up again.
    """

    order: WorkOrder
    order_class: OrderClass
    defects: list[Defect]
    surveyed: bool


class Waiting(NamedTuple):
    """What waits for an order: for its first one by class, and what is repaired and accepted to be done again."""

    fresh: dict[OrderClass, list[Finding]]
    again: list[Again]


def repaired_by(orders: Iterable[WorkOrder]) -> dict[int, WorkOrder]:
    """By defect the accepted order that repaired it last, of orders as they were drafted (procedure 3.5.3)."""
    return {
        item.defect_id: one
        for one in orders
        if one.stage is OrderStage.ACCEPTED
        for item in one.items
    }


def _undone(ticket_id: int, orders: Iterable[WorkOrder]) -> list[tuple[Finding, WorkOrder | None]]:
    """What the survey in force decides for repair and stands on no order of it yet, with the order that repaired it before."""
    survey = surveys.latest(ticket_id)
    if survey is None or survey.concluded_at is None:
        return []
    taken = {
        item.defect_id
        for order in orders
        if order.stage is not OrderStage.CANCELLED and order.survey_id == survey.id
        for item in order.items
    }
    before = repaired_by(orders)
    return [
        (finding, before.get(finding.defect_id))
        for finding in survey.findings
        if finding.decided and finding.decided.repairs and finding.defect_id not in taken
    ]


def waits(ticket_id: int) -> bool:
    """Whether something decided for repair stands on no order yet, for the first time or again."""
    return bool(_undone(ticket_id, of_ticket(ticket_id)))


def waiting(ticket: Ticket, orders: Sequence[WorkOrder] | None = None) -> Waiting:
    """What waits for an order on a ticket with these orders (by default its own, read anew)."""
    orders = of_ticket(ticket.id) if orders is None else orders
    fresh: dict[OrderClass, list[Finding]] = {}
    again: dict[tuple[int, OrderClass], Again] = {}
    for finding, before in _undone(ticket.id, orders):
        assert finding.decided is not None  # else it would not wait
        if before is None:
            fresh.setdefault(finding.decided, []).append(finding)
        else:
            one = Again(before, finding.decided, [], surveyed=True)
            key = (before.id, finding.decided)
            again.setdefault(key, one).defects.append(finding.defect)
    known = {order_id for order_id, _class in again} | {
        one.rework_of_id
        for one in orders
        if one.rework_of_id and one.stage is not OrderStage.CANCELLED and of_this_round(ticket, one)
    }
    came_back = [
        Again(one, one.order_class, [item.defect for item in one.items], surveyed=False)
        for one in orders
        if one.stage is OrderStage.ACCEPTED
        and not of_this_round(ticket, one)
        and one.id not in known
    ]
    return Waiting(fresh, [*again.values(), *came_back])


def to_order(ticket_id: int) -> dict[OrderClass, list[Finding]]:
    """What waits for its first order, by class."""
    return waiting(db.session.get_one(Ticket, ticket_id)).fresh


def any_open(ticket_id: int) -> bool:
    """Whether work or a signature is still owed on an order of the ticket."""
    open_ = select(WorkOrder.id).where(WorkOrder.ticket_id == ticket_id, IS_OPEN)
    return db.session.scalar(open_.limit(1)) is not None


def accepted_of(ticket_id: int) -> list[WorkOrder]:
    """The accepted orders of a ticket: what a rework can repair again."""
    return [one for one in of_ticket(ticket_id) if one.stage is OrderStage.ACCEPTED]


def of_this_round(ticket: Ticket, order: WorkOrder) -> bool:
    """Whether an order was drafted since the ticket last came back from the callback or was taken up again."""
    return order.round == ticket.rework_count + 1


def waiting_for(scope: Scope) -> int:
    """How many orders wait for the signature of this very person."""
    if not scope.may(Act.APPROVE_ORDER):
        return 0
    return (
        db.session.scalar(select(func.count(WorkOrder.id)).where(visible(scope), his_turn(scope)))
        or 0
    )


def team_names(team_ids: Iterable[int]) -> dict[int, str]:
    """The names of some repair teams by id, for the story."""
    query = select(RepairTeam.id, RepairTeam.name).where(RepairTeam.id.in_(sorted(team_ids)))
    return {row[0]: row[1] for row in db.session.execute(query)}


def team_choices(community_id: int) -> list[tuple[int, str]]:
    """The active teams that work in a community, with their captains."""
    rows = db.session.execute(
        select(RepairTeam.id, RepairTeam.name, User.name)
        .join(User, User.id == RepairTeam.captain_id)
        .where(
            RepairTeam.active,
            RepairTeam.id.in_(
                select(TeamArea.team_id).where(TeamArea.community_id == community_id)
            ),
        )
        .order_by(RepairTeam.name)
    )
    return [(row[0], f"{row[1]}（{row[2]}）") for row in rows]


def choosable(order: WorkOrder) -> list[Defect]:
    """The defects a draft has or could take up: of its class and on no order; for a rework those of the first order.

    Where a later survey decided on the rework, of those what it decided for this class.
    """
    found = {item.defect_id: item.defect for item in order.items}
    if order.rework_of is not None:
        decided = {one.defect_id: one.decided for one in surveys.findings_of(order.survey_id)}
        found |= {
            item.defect_id: item.defect
            for item in order.rework_of.items
            if order.survey_id == order.rework_of.survey_id
            or decided.get(item.defect_id) is order.order_class
        }
    else:
        ready = to_order(order.ticket_id).get(order.order_class, [])
        found |= {finding.defect_id: finding.defect for finding in ready}
    return sorted(found.values(), key=lambda one: one.position)


def builders_first(
    contractors: Sequence[Contractor], community_id: int, trades: set[Trade]
) -> list[tuple[int, str]]:
    """The active contractors to choose from, those who built these trades in the community first (procedure 3.4.6)."""

    def built(one: Contractor) -> bool:
        return any(
            contract.community_id == community_id
            and trades & {covers.trade for covers in contract.trades}
            for contract in one.contracts
        )

    active = [one for one in contractors if one.active]
    return [
        (one.id, f"{one.name}（本小区承建）" if built(one) else one.name)
        for one in sorted(active, key=lambda one: not built(one))
    ]


def chain_of(order: WorkOrder) -> list[WorkOrder]:
    """The orders of a ticket that repair the same thing again and again, in the order they were drafted (procedure 3.5.4)."""
    again = select(WorkOrder.id).where(WorkOrder.rework_of_id == order.id).limit(1)
    if order.rework_of_id is None and db.session.scalar(again) is None:
        return []
    orders = of_ticket(order.ticket_id)
    chain = {order.id}
    for _ in orders:
        chain |= {one.id for one in orders if one.rework_of_id in chain}
        chain |= {one.rework_of_id for one in orders if one.id in chain and one.rework_of_id}
    return [one for one in orders if one.id in chain] if len(chain) > 1 else []


def history_of(scope: Scope, order: WorkOrder) -> Sequence[WorkOrder]:
    """The other orders of the same home, newest first: what a signatory should know of (at most 10)."""
    unit_id = order.ticket.unit_id
    home = Ticket.unit_id == unit_id if unit_id else Ticket.id == order.ticket_id
    return db.session.scalars(
        select(WorkOrder)
        .join(Ticket, Ticket.id == WorkOrder.ticket_id)
        .where(
            visible(scope),
            home,
            WorkOrder.community_id == order.community_id,
            WorkOrder.id != order.id,
        )
        .options(joinedload(WorkOrder.team), joinedload(WorkOrder.contractor))
        .order_by(WorkOrder.id.desc())
        .limit(10)
    ).all()
