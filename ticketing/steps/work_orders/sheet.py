"""The 工程派工单（A、B类） on A4, in the layout of the procedure's own form (procedure 3.5.1 to 3.5.3)."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import aliased, joinedload, selectinload

from ticketing.casefile.attachments.models import Attachment
from ticketing.casefile.tickets import queries as tickets
from ticketing.casefile.tickets.models import Ticket
from ticketing.casefile.timers.models import Clock, Extension
from ticketing.kernel.db import db
from ticketing.kernel.enums import Labelled
from ticketing.kernel.errors import NotFound
from ticketing.kernel.text import masked_phone
from ticketing.masters.contractors.models import RepairTeam
from ticketing.masters.people.scope import Scope
from ticketing.procedure.deadlines import ClockKind
from ticketing.procedure.repairs import Inspector, Slot
from ticketing.procedure.vocabulary import Channel, Role
from ticketing.steps.work_orders import paper, queries
from ticketing.steps.work_orders.models import OrderItem, OrderWorker, WorkOrder


class Source(Labelled):
    """The three boxes of 信息来源 on the form (procedure 3.4.1)."""

    PROPERTY = "property", "物业处"
    CUSTOMER = "customer", "客户"
    SALES = "sales", "经营部"


_SOURCES = {Channel.PROPERTY: Source.PROPERTY, Channel.SALES: Source.SALES}
"""Whatever else a complaint came in by, it was the customer who told it."""

PHOTOS = 3
"""So many photos of a kind fit on the sheet beside the words; all of them are on the order's page."""


class Photos(NamedTuple):
    """Photos before or after the repair: the latest ones, and how many more are on file."""

    label: str
    shown: list[Attachment]
    more: int


class Sheet(NamedTuple):
    """What stands on one printed order.

    `clock` is its latest repair clock with the extensions agreed on; `chain` the orders that repair the same thing
    again, in the order they were drafted; `inspections` the words of each inspector's box that is filled.
    """

    order: WorkOrder
    source: Source
    phone: str
    limit: str
    clock: Clock | None
    extensions: list[Extension]
    photos: list[Photos]
    signature: Attachment | None
    chain: list[WorkOrder]
    inspected_for: Inspector | None


def sheets(scope: Scope, order_ids: Sequence[int]) -> list[Sheet]:
    """The sheets of these orders in the order asked for. Raises NotFound, also when one is out of scope."""
    found = {one.id: one for one in _orders(scope, order_ids)}
    if len(found) != len(set(order_ids)):
        raise NotFound
    clocks, extensions = _clocks(order_ids)
    pictures: dict[int | None, list[Attachment]] = defaultdict(list)
    for picture in db.session.scalars(
        select(Attachment)
        .where(Attachment.order_id.in_(order_ids), Attachment.replaced_at.is_(None))
        .order_by(Attachment.id)
    ):
        pictures[picture.order_id].append(picture)
    families = _families(order_ids)
    return [
        Sheet(
            order=order,
            source=_SOURCES.get(order.ticket.channel, Source.CUSTOMER),
            phone=_phone(scope, order),
            limit=paper.limit_words(order),
            clock=clocks.get(order.id),
            extensions=extensions[order.id],
            photos=[
                _photos(pictures[order.id], slot, label)
                for slot, label in ((Slot.BEFORE, "修前"), (Slot.AFTER, "完工"))
            ],
            signature=_signature(order, pictures[order.id]),
            chain=_chain(order, families[order.ticket_id]),
            inspected_for=Inspector(order.inspected_for) if order.inspected_for else None,
        )
        for order in (found[order_id] for order_id in order_ids)
    ]


def _orders(scope: Scope, order_ids: Sequence[int]) -> Sequence[WorkOrder]:
    return db.session.scalars(
        select(WorkOrder)
        .where(WorkOrder.id.in_(order_ids), queries.visible(scope))
        .options(
            joinedload(WorkOrder.ticket, innerjoin=True).joinedload(Ticket.community),
            joinedload(WorkOrder.team).joinedload(RepairTeam.captain),
            joinedload(WorkOrder.contractor),
            joinedload(WorkOrder.drafted_by),
            joinedload(WorkOrder.issued_by),
            joinedload(WorkOrder.self_checked_by),
            joinedload(WorkOrder.inspected_by),
            selectinload(WorkOrder.items).joinedload(OrderItem.defect),
            selectinload(WorkOrder.crew).joinedload(OrderWorker.worker),
        )
    ).all()


def _clocks(order_ids: Sequence[int]) -> tuple[dict[int, Clock], dict[int, list[Extension]]]:
    """The latest repair clock of each order, and everything that was agreed about its due date."""
    clocks: dict[int, Clock] = {}
    owners: dict[int, int] = {}
    for one in db.session.scalars(
        select(Clock)
        .where(Clock.order_id.in_(order_ids), Clock.kind == ClockKind.REPAIR)
        .order_by(Clock.id)
    ):
        assert one.order_id is not None  # asked for by it
        clocks[one.order_id] = one
        owners[one.id] = one.order_id
    extensions: dict[int, list[Extension]] = defaultdict(list)
    for row in db.session.scalars(
        select(Extension).where(Extension.clock_id.in_(list(owners))).order_by(Extension.id)
    ):
        extensions[owners[row.clock_id]].append(row)
    return clocks, extensions


def _families(order_ids: Sequence[int]) -> dict[int, list[WorkOrder]]:
    """All orders of the tickets of these orders, by ticket. The orders themselves were seen before."""
    asked = aliased(WorkOrder)
    families: dict[int, list[WorkOrder]] = defaultdict(list)
    for one in db.session.scalars(
        select(WorkOrder)
        .where(WorkOrder.ticket_id.in_(select(asked.ticket_id).where(asked.id.in_(order_ids))))
        .order_by(WorkOrder.id)
    ):
        families[one.ticket_id].append(one)
    return families


def _chain(order: WorkOrder, family: Sequence[WorkOrder]) -> list[WorkOrder]:
    """The orders of a ticket that repair the same thing as `order`; none where it was repaired once (procedure 3.5.4)."""
    chain = {order.id}
    for _ in family:
        chain |= {one.id for one in family if one.rework_of_id in chain}
        chain |= {one.rework_of_id for one in family if one.id in chain and one.rework_of_id}
    return [one for one in family if one.id in chain] if len(chain) > 1 else []


def _phone(scope: Scope, order: WorkOrder) -> str:
    """The customer's number: whole for those who see it on the ticket, and for the captain while the order is his to do."""
    leads = Role.CAPTAIN in scope.roles and order.team and order.team.captain_id == scope.user_id
    if tickets.sees_phone(scope, order.ticket) or (leads and order.stage.is_open):
        return order.ticket.caller_phone
    return masked_phone(order.ticket.caller_phone)


def _photos(pictures: Sequence[Attachment], slot: Slot, label: str) -> Photos:
    found = [one for one in pictures if one.slot is slot and one.is_picture]
    return Photos(label, found[-PHOTOS:], max(len(found) - PHOTOS, 0))


def _signature(order: WorkOrder, pictures: Sequence[Attachment]) -> Attachment | None:
    """The picture of the customer's signature; a signed paper on file as a PDF cannot be shown."""
    return next(
        (
            one
            for one in pictures
            if order.signature_key and one.key == order.signature_key and one.is_picture
        ),
        None,
    )
