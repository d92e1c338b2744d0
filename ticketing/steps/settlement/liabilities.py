"""Class A repairs that are done but not paid for yet, as what stands open against their contract's deposit (procedure 2.6, 3.6.2)."""

from collections.abc import Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload, selectinload

from ticketing.books.retention.queries import OPEN_ITEMS, OpenItem
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.text import one_line
from ticketing.masters.contractors.commands import BOUND
from ticketing.masters.contractors.models import Contract
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import OrderClass, OrderStage
from ticketing.procedure.settlement import SettlementStage
from ticketing.steps.settlement.models import Settlement
from ticketing.steps.work_orders.models import OrderItem, WorkOrder


def unpaid_accounts(contracts: Sequence[Contract]) -> dict[int, list[OpenItem]]:
    """Accepted class A orders whose account is not paid, so not deducted: under the contract it names, or those of its trades."""
    places = sorted({contract.community_id for contract in contracts})
    rows = db.session.execute(
        select(WorkOrder, Settlement)
        .outerjoin(Settlement, Settlement.order_id == WorkOrder.id)
        .where(
            WorkOrder.order_class == OrderClass.A,
            WorkOrder.stage == OrderStage.ACCEPTED,
            WorkOrder.transferred_at.is_(None),
            WorkOrder.community_id.in_(places),
            or_(Settlement.id.is_(None), Settlement.stage != SettlementStage.PAID),
        )
        .options(
            joinedload(WorkOrder.ticket, innerjoin=True),
            selectinload(WorkOrder.items).joinedload(OrderItem.defect),
        )
        .order_by(WorkOrder.id)
    ).all()
    return {
        contract.id: [
            _item(order, settlement)
            for order, settlement in rows
            if _concerns(order, settlement, contract)
        ]
        for contract in contracts
    }


def _concerns(order: WorkOrder, settlement: Settlement | None, contract: Contract) -> bool:
    if settlement is not None and settlement.contract_id is not None:
        return settlement.contract_id == contract.id
    trades = {one.trade for one in contract.trades}
    return order.community_id == contract.community_id and any(
        item.defect.trade in trades for item in order.items
    )


def _item(order: WorkOrder, settlement: Settlement | None) -> OpenItem:
    what = f"{order.ticket.room} {one_line(order.scope, 40)}"
    since = clock.local(order.accepted_at or order.drafted_at).date()
    if settlement is None:
        text = f"{order.number} {what}（待编决算书）"
        return OpenItem(text, f"/orders/{order.id}", since, order.estimate_fen)
    amount = settlement.chargeback_fen or settlement.approved_fen or settlement.submitted_fen
    text = f"{settlement.number} {what}（{settlement.stage}，未扣回）"
    return OpenItem(
        text, f"/settlements/{settlement.id}", since, amount, read_by=Act.READ_SETTLEMENT
    )


OPEN_ITEMS.append(unpaid_accounts)


def _named(contract: Contract) -> bool:
    """Whether an account names this contract."""
    found = select(Settlement.id).where(Settlement.contract_id == contract.id).limit(1)
    return db.session.scalar(found) is not None


BOUND.append(_named)
