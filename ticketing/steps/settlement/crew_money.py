"""The orders crews spend their working fund on, as the fund knows them: their settlement gives the money back (procedure 3.5.9, 3.6)."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import joinedload

from ticketing.books.imprest import orders, queries
from ticketing.books.imprest.orders import Ordered
from ticketing.books.ledger.models import LedgerEntry
from ticketing.books.ledger.reversing import ON_REVERSAL, Follower
from ticketing.kernel.db import db
from ticketing.kernel.errors import Conflict
from ticketing.procedure.accounts import EntryKind
from ticketing.procedure.repairs import OrderStage
from ticketing.procedure.settlement import SettlementStage
from ticketing.steps.settlement.models import Settlement
from ticketing.steps.work_orders.models import WorkOrder

MOST_OFFERED = 200
"""Orders a captain chooses among: his newest."""


def _orders() -> Select[WorkOrder, Settlement]:
    return (
        select(WorkOrder, Settlement)
        .options(joinedload(WorkOrder.ticket, innerjoin=True))
        .outerjoin(Settlement, Settlement.order_id == WorkOrder.id)
        .where(WorkOrder.issued_at.is_not(None))
        .order_by(WorkOrder.id.desc())
    )


def _ordered(row: Row[WorkOrder, Settlement | None]) -> Ordered:
    order, settlement = row
    paid = settlement if settlement and settlement.stage is SettlementStage.PAID else None
    return Ordered(
        id=order.id,
        number=order.number,
        team_id=order.team_id,
        community_id=order.community_id,
        place=order.ticket.room,
        standing=str(settlement.stage if settlement is not None else order.stage),
        usable=order.stage is not OrderStage.CANCELLED,
        paid_fen=paid.approved_fen if paid else None,
    )


class Orders:
    """Issued orders with the settlement that pays them."""

    def choices(self, team_id: int) -> Sequence[Ordered]:
        """The newest orders of a team that were not cancelled."""
        usable = WorkOrder.stage != OrderStage.CANCELLED
        query = _orders().where(WorkOrder.team_id == team_id, usable).limit(MOST_OFFERED)
        return [_ordered(row) for row in db.session.execute(query)]

    def orders(self, order_ids: Collection[int]) -> Mapping[int, Ordered]:
        """Issued orders by id."""
        query = _orders().where(WorkOrder.id.in_(sorted(order_ids)))
        return {row[0].id: _ordered(row) for row in db.session.execute(query)}


orders.enter(Orders())


def _refuse_while_cleared(entries: Sequence[LedgerEntry]) -> None:
    """A payment out of which a fund was given back is not reversed before that is. Raises Conflict."""
    sources = {one.source for one in entries if one.kind is EntryKind.PAYMENT}
    ids = [int(one.partition(":")[2]) for one in sources if one.startswith("settlement:")]
    for settlement in db.session.scalars(select(Settlement).where(Settlement.id.in_(ids))):
        if queries.cleared_of([settlement.order_id]):
            raise Conflict("维修队周转金已从这笔维修款清回，请先冲销清回的凭证。")


ON_REVERSAL.append(
    Follower(
        hold=_refuse_while_cleared,
        undo=lambda entries, _actor, _at: _refuse_while_cleared(entries),
    )
)
