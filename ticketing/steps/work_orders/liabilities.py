"""Class A orders that are not done yet, as what stands open against the deposit of those who built it (procedure 2.6, 3.6.2)."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from ticketing.books.retention.queries import OPEN_ITEMS, OpenItem
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.text import one_line
from ticketing.masters.contractors.models import Contract
from ticketing.procedure.repairs import OrderClass, OrderStage
from ticketing.steps.work_orders.models import OrderItem, WorkOrder

ENDED = (OrderStage.ACCEPTED, OrderStage.CANCELLED)


def open_orders(contracts: Sequence[Contract]) -> dict[int, list[OpenItem]]:
    """The open class A orders of each contract: those in its community with a defect of its trades."""
    places = sorted({contract.community_id for contract in contracts})
    orders = db.session.scalars(
        select(WorkOrder)
        .where(
            WorkOrder.order_class == OrderClass.A,
            WorkOrder.stage.not_in(ENDED),
            WorkOrder.community_id.in_(places),
        )
        .options(
            joinedload(WorkOrder.ticket, innerjoin=True),
            selectinload(WorkOrder.items).joinedload(OrderItem.defect),
        )
        .order_by(WorkOrder.id)
    ).all()
    found: dict[int, list[OpenItem]] = {}
    for contract in contracts:
        trades = {one.trade for one in contract.trades}
        found[contract.id] = [
            _item(order)
            for order in orders
            if order.community_id == contract.community_id
            and any(item.defect.trade in trades for item in order.items)
        ]
    return found


def _item(order: WorkOrder) -> OpenItem:
    what = one_line(order.scope, 40)
    return OpenItem(
        text=f"{order.number} {order.ticket.room} {what}（{order.stage}）",
        path=f"/orders/{order.id}",
        since=clock.local(order.drafted_at).date(),
        amount_fen=order.estimate_fen,
    )


OPEN_ITEMS.append(open_orders)
