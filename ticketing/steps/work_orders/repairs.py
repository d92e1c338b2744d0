"""What accepted orders have repaired: for the sheet of a further look, and for the warranty that begins anew (procedure 3.5.3)."""

from collections.abc import Collection

from sqlalchemy import or_, select

from ticketing.casefile.defects import queries as defects
from ticketing.casefile.defects.models import Defect
from ticketing.casefile.tickets.models import Ticket
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.procedure.repairs import OrderClass, OrderStage, Part
from ticketing.procedure.warranty import COMMON_PARTS, Repair
from ticketing.steps.site_survey import queries as surveys
from ticketing.steps.work_orders.models import OrderItem, WorkOrder

_DONE = (WorkOrder.stage == OrderStage.ACCEPTED, OrderItem.dropped_at.is_(None))


def of_tickets(ticket_ids: Collection[int]) -> list[surveys.Repaired]:
    """What the accepted orders of these tickets have repaired, as they were drafted, in one statement."""
    rows = db.session.execute(
        select(OrderItem.defect_id, WorkOrder.survey_id, WorkOrder.number)
        .join(WorkOrder, WorkOrder.id == OrderItem.order_id)
        .where(WorkOrder.ticket_id.in_(ticket_ids), *_DONE)
        .order_by(WorkOrder.id)
    )
    return [surveys.Repaired(*row) for row in rows]


def of_parts(
    community_id: int, unit_ids: set[int | None], parts: set[Part]
) -> list[defects.Repaired]:
    """The accepted repairs of these parts in these homes or, for None, in the common areas of their community."""
    ways = [Ticket.unit_id.in_(unit_ids - {None})]
    if None in unit_ids:
        ways.append(Ticket.unit_id.is_(None))
    if common := parts & COMMON_PARTS:
        ways.append(Defect.part.in_(common))
    rows = db.session.execute(
        select(
            Ticket.unit_id,
            Defect.part,
            Defect.trade,
            Defect.place,
            Ticket.received_at,
            WorkOrder.accepted_at,
            WorkOrder.order_class,
        )
        .join(Defect, Defect.ticket_id == Ticket.id)
        .join(OrderItem, OrderItem.defect_id == Defect.id)
        .join(WorkOrder, WorkOrder.id == OrderItem.order_id)
        .where(
            Ticket.community_id == community_id,
            or_(*ways),
            Defect.part.in_(parts),
            *_DONE,
        )
    )
    return [
        defects.Repaired(
            None if row.part in COMMON_PARTS else row.unit_id,
            row.part,
            row.trade,
            row.place,
            Repair(
                clock.local(row.received_at).date(),
                clock.local(row.accepted_at).date(),
                row.order_class is OrderClass.A,
            ),
        )
        for row in rows
    ]
