"""What a captain needs of his orders on the spot: the one in his hand, his day, what comes next (procedure 3.5.2)."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

from sqlalchemy import Row, func, select
from sqlalchemy.orm import contains_eager, load_only, selectinload

from ticketing.casefile.defects.models import Defect
from ticketing.casefile.tickets.models import Ticket
from ticketing.journal.queries import story
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.enums import Labelled
from ticketing.masters.estate.models import Building, Community, Unit
from ticketing.masters.people.scope import Scope
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import OrderStage, Slot, UseKind
from ticketing.steps.site_survey import queries as surveys
from ticketing.steps.site_survey.models import SiteSurvey
from ticketing.steps.work_orders import queries
from ticketing.steps.work_orders.models import OrderItem, Use, WorkOrder
from ticketing.steps.work_orders.road import ORDERS

ON_THE_CREW = (
    OrderStage.ISSUED,
    OrderStage.ACKNOWLEDGED,
    OrderStage.SELF_CHECKED,
)


def order_of_captain(scope: Scope, order_id: int) -> WorkOrder:
    """One order issued to a team this person leads, with all his page shows. Raises NotFound."""
    return queries.sheet(order_id, queries.issued_to(scope))


def of_captain(scope: Scope) -> Sequence[Row[WorkOrder, str | None]]:
    """What a captain's teams have to do, each with the building it is in, the next visit first (procedure 3.5.2)."""
    return db.session.execute(
        select(WorkOrder, Building.name)
        .join(WorkOrder.ticket)
        .join(Ticket.community)
        .outerjoin(Unit, Unit.id == Ticket.unit_id)
        .outerjoin(Building, Building.id == Unit.building_id)
        .where(queries.of_his_teams(scope), WorkOrder.stage.in_(ON_THE_CREW))
        .options(
            load_only(*_IN_THE_LIST),
            contains_eager(WorkOrder.ticket).options(
                load_only(Ticket.room, Ticket.unit_id, Ticket.caller_name, Ticket.caller_phone),
                contains_eager(Ticket.community).load_only(Community.name),
            ),
            selectinload(WorkOrder.items)
            .load_only(OrderItem.defect_id)
            .joinedload(OrderItem.defect, innerjoin=True)
            .load_only(Defect.place, Defect.part, Defect.phenomenon, Defect.trade),
        )
        .order_by(WorkOrder.visit_on.nulls_last(), WorkOrder.due_on, WorkOrder.id)
        .limit(300)
    ).all()


_IN_THE_LIST = (
    WorkOrder.number,
    WorkOrder.order_class,
    WorkOrder.stage,
    WorkOrder.due_on,
    WorkOrder.due_provisional,
    WorkOrder.visit_on,
    WorkOrder.visit_note,
    WorkOrder.arrived_at,
    WorkOrder.self_checked_at,
    WorkOrder.signed_at,
    WorkOrder.asked_until,
    WorkOrder.rejection_count,
    WorkOrder.rework_of_id,
)


class Next(Labelled):
    """The one thing a captain does next with an order, as the big button says it."""

    ACKNOWLEDGE = "acknowledge", "签收"
    ARRIVE = "arrive", "到场"
    BEFORE = "before", "拍修前照"
    AFTER = "after", "拍完工照"
    CHECK = "check", "自检完工"
    SIGN = "sign", "客户签字"
    NOTHING = "nothing", "回到我的派工"


def in_his_hands(order: WorkOrder) -> bool:
    """Whether the order is the crew's to work on: only then its captain sees the customer's number."""
    return order.stage in ON_THE_CREW


def next_of(order: WorkOrder, slots: frozenset[Slot]) -> Next:
    """What comes next; `slots` are those of which pictures are on file."""
    if order.stage is OrderStage.ISSUED:
        return Next.ACKNOWLEDGE
    if order.stage is OrderStage.SELF_CHECKED and order.signed_at is None:
        return Next.SIGN
    if order.stage is not OrderStage.ACKNOWLEDGED:
        return Next.NOTHING
    if order.arrived_at is None:
        return Next.ARRIVE
    if Slot.BEFORE not in slots:
        return Next.BEFORE
    return Next.CHECK if Slot.AFTER in slots else Next.AFTER


class Tick(NamedTuple):
    """A thing asked for on the way to the customer's signature, and whether it is there."""

    label: str
    done: bool


def ticks(order: WorkOrder, slots: frozenset[Slot]) -> list[Tick]:
    """The things asked for, in the order of the work."""
    return [
        Tick("签收", order.acknowledged_at is not None),
        Tick("到场", order.arrived_at is not None),
        Tick("修前照", Slot.BEFORE in slots),
        Tick("完工照", Slot.AFTER in slots),
        Tick("自检", order.self_checked_at is not None),
        Tick("客户签字", order.signed_at is not None),
    ]


class Known(NamedTuple):
    """A piece of labour, material or machine noted before, offered again."""

    kind: UseKind
    what: str
    unit: str


RECENT_ORDERS, RECENT_USES = 40, 8


def recent_uses(scope: Scope) -> list[Known]:
    """What this captain noted on his last orders, the latest first."""
    last = (
        select(WorkOrder.id)
        .where(queries.of_his_teams(scope))
        .order_by(WorkOrder.id.desc())
        .limit(RECENT_ORDERS)
    )
    rows = db.session.execute(
        select(Use.kind, Use.what, Use.unit)
        .where(Use.order_id.in_(last), Use.struck_at.is_(None))
        .group_by(Use.kind, Use.what, Use.unit)
        .order_by(func.max(Use.id).desc())
        .limit(RECENT_USES)
    )
    return [Known(*row) for row in rows]


def rejection_of(order: WorkOrder) -> str:
    """Why the work was last sent back, in the inspector's words; nothing where it never was."""
    if not order.rejection_count:
        return ""
    told = [
        line for line in story(ORDERS.subject, order.id) if line.entry.act == Act.REJECT_WORK.value
    ]
    return str(told[-1].facts.get("reason", "")) if told else ""


class Place(NamedTuple):
    """Where a captain goes: the orders of one building of one community."""

    community: str
    building: str
    orders: list[WorkOrder]


class Day(NamedTuple):
    """我的派工: the visits of today (or begun, or missed) by place, the surveys of today, and what else waits."""

    visits: list[Place]
    surveys: list[SiteSurvey]
    unreceived: list[WorkOrder]
    unplanned: list[WorkOrder]
    unsigned: list[WorkOrder]
    later: list[WorkOrder]
    unchecked: list[WorkOrder]

    @property
    def empty(self) -> bool:
        """Whether nothing waits."""
        return not any(self)


def day_of(scope: Scope, today: date) -> Day:
    """What a captain has to do, today's visits first, by community and building (procedure 3.5.2)."""
    day = Day([], [], [], [], [], [], [])
    visits: dict[tuple[str, str], list[WorkOrder]] = {}
    for order, building in of_captain(scope):
        if order.stage is OrderStage.SELF_CHECKED:
            (day.unchecked if order.signed_at else day.unsigned).append(order)
        elif order.arrived_at or (order.visit_on and order.visit_on <= today):
            place = order.ticket.community.name, building or order.ticket.room
            visits.setdefault(place, []).append(order)
        elif order.stage is OrderStage.ISSUED:
            day.unreceived.append(order)
        elif order.visit_on is None:
            day.unplanned.append(order)
        else:
            day.later.append(order)
    day.visits.extend(Place(*place, orders) for place, orders in sorted(visits.items()))
    day.surveys.extend(surveys.visits_of_captain(scope, clock.at(today + timedelta(days=1))))
    return day
