"""Reading accounts, narrowed by scope: not yours = not found."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import ColumnElement, and_, bindparam, false, func, or_, select, true
from sqlalchemy.orm import joinedload, load_only, selectinload

from ticketing.casefile.tickets.models import Ticket
from ticketing.casefile.tickets.telling import people_as
from ticketing.journal.models import JournalEntry
from ticketing.kernel.db import Parts, db, filled
from ticketing.kernel.errors import NotFound
from ticketing.masters.contractors.models import Contract, ContractTrade, RepairTeam
from ticketing.masters.parameters import queries as parameters
from ticketing.masters.people.models import User
from ticketing.masters.people.queries import SIGNER
from ticketing.masters.people.scope import Scope
from ticketing.masters.prices.models import PriceList
from ticketing.procedure.parameters import Limits
from ticketing.procedure.repairs import OrderClass, OrderStage, Trade
from ticketing.procedure.settlement import SettlementStage
from ticketing.procedure.settlement_road import CERTIFIERS, SIGNED
from ticketing.procedure.vocabulary import Role
from ticketing.steps.settlement.models import (
    SUBJECT,
    Settlement,
    SettlementLine,
    settlement_price_list,
)
from ticketing.steps.site_survey.models import SiteSurvey
from ticketing.steps.work_orders import queries as orders
from ticketing.steps.work_orders.models import OrderItem, WorkOrder


def visible(scope: Scope) -> ColumnElement[bool]:
    """Which accounts one person may see: finance, cashier and those who oversee, all; an office its communities'; a captain his own;
    a deputy, what waits for his principal's signature."""
    if scope.sees_all_tickets or scope.roles & {Role.FINANCE, Role.CASHIER}:
        return true()
    ways: list[ColumnElement[bool]] = []
    if Role.OFFICE in scope.roles and scope.ticket_communities:
        ways.append(Settlement.community_id.in_(sorted(scope.ticket_communities)))
    if Role.CAPTAIN in scope.roles:
        ways.append(of_his_crew(scope))
    if scope.acting:
        ways.append(signs_as_deputy(scope))
    return or_(*ways) if ways else false()


TO_CERTIFY = or_(
    Settlement.stage == SettlementStage.CONFIRMED,
    and_(
        Settlement.stage == SettlementStage.REVIEWED,
        Settlement.compiled_at.is_not(None),
        Settlement.order_class == OrderClass.B,
    ),
)
"""The condition that an account waits to be certified."""


def to_review(role: Role) -> ColumnElement[bool]:
    """The condition that an account waits for the review of a role."""
    return and_(Settlement.stage == SettlementStage.SUBMITTED, Settlement.route == role)


def signs_as_deputy(scope: Scope) -> ColumnElement[bool]:
    """The condition that an account waits for a signature he may give as a deputy, or that he gave one (trust: S10)."""
    gave = select(JournalEntry.id).where(
        JournalEntry.subject == SUBJECT,
        JournalEntry.subject_id == Settlement.id,
        JournalEntry.act.in_([act.value for act in SIGNED]),
        JournalEntry.actor_id == scope.user_id,
    )
    ways = [to_review(one.role) for one in scope.acting]
    if any(one.role in CERTIFIERS for one in scope.acting):
        ways.append(TO_CERTIFY)
    return or_(*ways, gave.correlate(Settlement).exists())


def _called(scope: Scope) -> ColumnElement[bool]:
    waits = select(Settlement.id).where(Settlement.order_id == WorkOrder.id, signs_as_deputy(scope))
    return waits.correlate(WorkOrder).exists()


orders.CALLED.append(_called)


def of_his_crew(scope: Scope) -> ColumnElement[bool]:
    """The condition that an account is of an order of this captain's teams; asked row by row, he has thousands of orders."""
    its_order = select(WorkOrder.id).where(
        WorkOrder.id == Settlement.order_id, orders.of_his_teams(scope)
    )
    return its_order.correlate(Settlement).exists()


_PRINTED = (
    joinedload(Settlement.ticket, innerjoin=True).options(
        load_only(
            Ticket.number,
            Ticket.room,
            Ticket.caller_name,
            Ticket.stage,
            Ticket.community_id,
            Ticket.unit_id,
        ),
        joinedload(Ticket.community),
    ),
    joinedload(Settlement.order, innerjoin=True)
    .joinedload(WorkOrder.team)
    .joinedload(RepairTeam.captain),
    joinedload(Settlement.order, innerjoin=True)
    .joinedload(WorkOrder.survey)
    .load_only(SiteSurvey.number),
    joinedload(Settlement.contract).joinedload(Contract.contractor),
    joinedload(Settlement.drafted_by, innerjoin=True).options(SIGNER),
    joinedload(Settlement.submitted_by).options(SIGNER),
    joinedload(Settlement.reviewed_by).options(SIGNER),
    joinedload(Settlement.compiled_by).options(SIGNER),
    joinedload(Settlement.notified_by).options(SIGNER),
    joinedload(Settlement.certified_by).options(SIGNER),
)
"""Everything that stands on an account's paper, but its lines and price lists."""

_PAPER = select(Settlement).where(Settlement.id == bindparam("id")).options(*_PRINTED)
_LINES: Parts = {
    "lines": select(SettlementLine)
    .join(Settlement, Settlement.id == SettlementLine.settlement_id)
    .where(
        Settlement.id == bindparam("id"),
        SettlementLine.revision == Settlement.revision,
        SettlementLine.dropped.is_(False),
    )
    .order_by(SettlementLine.position),
    "price_lists": select(PriceList)
    .join(settlement_price_list, settlement_price_list.c.list_id == PriceList.id)
    .where(settlement_price_list.c.settlement_id == bindparam("id"))
    .options(joinedload(PriceList.contract, innerjoin=True))
    .order_by(PriceList.id),
}


def settlement_for(scope: Scope, settlement_id: int) -> Settlement:
    """One account with everything on its paper. Raises NotFound."""
    return filled(_PAPER.where(visible(scope)), settlement_id, _LINES)


def of_order(order_id: int) -> Settlement | None:
    """The account of an order, if its captain has begun one."""
    return db.session.scalars(select(Settlement).where(Settlement.order_id == order_id)).first()


def lines_of(settlement: Settlement, revision: int) -> Sequence[SettlementLine]:
    """The lines of one revision of an account, in their order."""
    return db.session.scalars(
        select(SettlementLine)
        .where(
            SettlementLine.settlement_id == settlement.id,
            SettlementLine.revision == revision,
            SettlementLine.dropped.is_(False),
        )
        .order_by(SettlementLine.position)
    ).all()


def settlements_for(scope: Scope, settlement_ids: Sequence[int]) -> list[Settlement]:
    """These accounts in the order asked for, with all that is printed of them. Raises NotFound, also when one is out of scope."""
    rows = db.session.scalars(
        select(Settlement)
        .where(Settlement.id.in_(settlement_ids), visible(scope))
        .options(
            *_PRINTED,
            selectinload(Settlement.lines),
            selectinload(Settlement.price_lists).joinedload(PriceList.contract, innerjoin=True),
        )
    )
    found = {one.id: one for one in rows}
    if len(found) != len(set(settlement_ids)):
        raise NotFound
    return [found[one] for one in settlement_ids]


def before_at_home(scope: Scope, settlement: Settlement) -> Sequence[Settlement]:
    """The other accounts of the same home, else of the same ticket, the newest first (at most 10)."""
    unit = settlement.ticket.unit_id
    home = Ticket.unit_id == unit if unit else Ticket.id == settlement.ticket_id
    return db.session.scalars(
        select(Settlement)
        .join(Ticket, Ticket.id == Settlement.ticket_id)
        .where(
            visible(scope),
            home,
            Settlement.community_id == settlement.community_id,
            Settlement.id != settlement.id,
        )
        .options(joinedload(Settlement.order, innerjoin=True))
        .order_by(Settlement.id.desc())
        .limit(10)
    ).all()


def accountable(order: WorkOrder) -> bool:
    """Whether a crew's account is due for an order: accepted, and done by the crew itself (procedure 3.5.5, 3.4.6)."""
    return order.stage is OrderStage.ACCEPTED and order.transferred_at is None


def _to_account(scope: Scope) -> Sequence[ColumnElement[bool]]:
    return (
        orders.of_his_teams(scope),
        WorkOrder.accepted_at.is_not(None),
        WorkOrder.transferred_at.is_(None),
        WorkOrder.accounted_at.is_(None),
    )


def to_account(scope: Scope) -> Sequence[WorkOrder]:
    """The accepted orders of this captain's teams that have no account yet, the oldest first (at most 200)."""
    return db.session.scalars(
        select(WorkOrder)
        .where(*_to_account(scope))
        .options(joinedload(WorkOrder.ticket, innerjoin=True).joinedload(Ticket.community))
        .order_by(WorkOrder.accepted_at, WorkOrder.id)
        .limit(200)
    ).all()


def count_to_account(scope: Scope) -> int:
    """How many accepted orders of this captain's teams have no account yet."""
    found = select(func.count(WorkOrder.id)).where(*_to_account(scope))
    return db.session.scalar(found) or 0


def contracts_for(settlement: Settlement) -> list[tuple[int, str]]:
    """The contracts a class A account may be charged to, those that cover its trades first, with what is left to say."""
    if settlement.order_class is not OrderClass.A:
        return []
    trades = trades_of(settlement.order_id)
    contracts = db.session.scalars(
        select(Contract)
        .where(Contract.community_id == settlement.community_id)
        .options(
            joinedload(Contract.contractor, innerjoin=True),
            selectinload(Contract.trades),
        )
        .order_by(Contract.number)
    ).all()

    def covers(contract: Contract) -> bool:
        return bool(trades & {one.trade for one in contract.trades})

    ordered = sorted(contracts, key=lambda one: not covers(one))
    return [(one.id, _named(one, covers(one))) for one in ordered]


def likely_contract(settlement: Settlement) -> int | None:
    """The one contract that covers a trade of the order, where there is just one."""
    trades = trades_of(settlement.order_id)
    found = db.session.scalars(
        select(Contract.id)
        .where(
            Contract.community_id == settlement.community_id,
            Contract.id.in_(
                select(ContractTrade.contract_id).where(
                    ContractTrade.trade.in_(sorted(trades, key=str))
                )
            ),
        )
        .limit(2)
    ).all()
    return found[0] if len(found) == 1 else None


def trades_of(order_id: int) -> set[Trade]:
    """The trades of what an order repairs."""
    items = db.session.scalars(
        select(OrderItem)
        .where(OrderItem.order_id == order_id, OrderItem.dropped_at.is_(None))
        .options(joinedload(OrderItem.defect, innerjoin=True))
    )
    return {item.defect.trade for item in items}


def _named(contract: Contract, covers: bool) -> str:
    words = f"{contract.contractor.name} {contract.number}"
    return f"{words}（承建本单工种）" if covers else words


def people_with(role: Role) -> Sequence[User]:
    """The active people who hold a role."""
    return db.session.scalars(select(User).where(User.id.in_(people_as((role,))))).all()


OPEN = tuple(stage for stage in SettlementStage if stage is not SettlementStage.PAID)
"""The stages in which somebody still owes something."""


def answer_over(settlement: Settlement, today: date) -> bool:
    """Whether the days a contractor has for his answer are over (procedure 3.5.7)."""
    return settlement.answer_due_on is not None and settlement.answer_due_on < today


def limits_of(settlement: Settlement) -> Limits:
    """The parameters an account goes by: those in force when it was begun."""
    return parameters.limits_of(settlement.parameter_edition_id)
