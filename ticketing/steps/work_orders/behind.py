"""The list behind a figure of a report: which work orders a number in the 周报 or 季报 counts (3.5.1 to 3.5.4, 3.10.3).

Read from the address beside the ordinary filters: ``event=issued&event_from=…&event_to=…`` for what happened in a
period, ``open_on=…`` for what was in repair at the end of a day.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeVar

from sqlalchemy import ColumnElement, and_, case, exists, not_, null, or_, select
from sqlalchemy.orm import aliased
from werkzeug.datastructures import MultiDict

from ticketing.casefile.defects.models import Defect
from ticketing.casefile.tickets.models import Ticket
from ticketing.casefile.timers import queries as timers
from ticketing.casefile.timers.models import Clock, ClockState
from ticketing.kernel import clock
from ticketing.kernel.db import off_index
from ticketing.kernel.enums import Labelled
from ticketing.kernel.text import row_id
from ticketing.masters.estate.models import Community
from ticketing.procedure.deadlines import ClockKind
from ticketing.procedure.repairs import Phenomenon
from ticketing.procedure.vocabulary import TicketStage
from ticketing.steps.work_orders.models import OrderItem, WorkOrder

HOLDS = timedelta(days=90)
"""How long a repair has to hold: what is done again within it counts against the repair."""
LEAK_HOLDS = timedelta(days=365)
"""The same for a leak, which shows with the next rain."""

_LEFT = (TicketStage.INVALID, TicketStage.WITHDRAWN, TicketStage.MERGED)
_TRANSFERRED = WorkOrder.transferred_at.is_not(None)

PARTY = (
    case((_TRANSFERRED, null()), else_=WorkOrder.team_id),
    case((_TRANSFERRED, WorkOrder.contractor_id), else_=null()),
)
"""Who carries an order out: its team, or the contractor it was transferred to (procedure 3.4.6)."""


class OrderEvent(Labelled):
    """What happened to an order, or fell due, in the days asked for. The values stand in addresses; nothing stores them."""

    ISSUED = "issued", "派出"
    COMPLETED = "completed", "完工"
    CANCELLED = "cancelled", "派出后作废"
    DUE = "due", "维修到期"
    HELD = "held", "保持期内完工"
    UNDONE = "undone", "保持期内完工、已返修"


_AT_THE_END = (OrderEvent.HELD, OrderEvent.UNDONE)
"""Events that look back from the last day asked for."""


@dataclass(frozen=True)
class OrdersBehind:
    """The parameters of such a list; `late_on` asks for an unfinished repair that was due before that day."""

    event: OrderEvent | None = None
    first_on: date | None = None
    last_on: date | None = None
    open_on: date | None = None
    late_on: date | None = None
    office_id: int | None = None
    crew_id: int | None = None
    builder_id: int | None = None

    @property
    def words(self) -> str:
        """The list said in words, above it."""
        parts = []
        if self.event and self.first_on and self.last_on:
            days = (
                f"截至 {self.last_on}"
                if self.event in _AT_THE_END
                else f"{self.first_on} 至 {self.last_on}"
            )
            parts.append(f"{days} {self.event.label}")
        if self.open_on:
            parts.append(f"{self.open_on} 日末在修")
        if self.late_on:
            parts.append(f"维修时限早于 {self.late_on}")
        return "，".join(parts)

    def conditions(self) -> list[ColumnElement[bool]]:
        """The WHERE of what is set."""
        where: list[ColumnElement[bool]] = []
        if self.event and self.first_on and self.last_on:
            where.append(_happened(self.event, self.first_on, self.last_on))
        end = clock.at(self.open_on + timedelta(days=1)) if self.open_on else clock.now()
        if self.open_on:
            where += in_repair(end)
        if self.late_on:
            where.append(
                exists().where(unmet_repair(end), Clock.due_on < self.late_on).correlate(WorkOrder)
            )
        if self.office_id is not None:
            served = select(Community.id).where(Community.office_id == self.office_id)
            where.append(WorkOrder.community_id.in_(served))
        if self.crew_id is not None:
            where += [WorkOrder.team_id == self.crew_id, not_(_TRANSFERRED)]
        if self.builder_id is not None:
            where += [WorkOrder.contractor_id == self.builder_id, _TRANSFERRED]
        return where


NO_FIGURE = OrdersBehind()
"""An ordinary list, behind no figure."""

Value = TypeVar("Value")


def from_query(args: MultiDict[str, str]) -> OrdersBehind:
    """The part of an address that says which figure is looked behind; what makes no sense is left out."""

    def one(name: str, read: Callable[[str], Value]) -> Value | None:
        try:
            return read(args[name]) if args.get(name) else None
        except ValueError:
            return None

    return OrdersBehind(
        event=one("event", OrderEvent),
        first_on=one("event_from", day),
        last_on=one("event_to", day),
        open_on=one("open_on", day),
        late_on=one("late_on", day),
        office_id=one("office", row_id),
        crew_id=one("crew", row_id),
        builder_id=one("builder", row_id),
    )


def day(text: str) -> date:
    """A date of this business; far ones would leave the range of instants. Raises ValueError."""
    read = date.fromisoformat(text)
    if not 1900 <= read.year <= 2900:
        raise ValueError(text)
    return read


def in_repair(at: datetime) -> list[ColumnElement[bool]]:
    """The conditions that an order had been issued before `at` and was neither accepted nor cancelled then."""
    return [
        off_index(WorkOrder.issued_at) < at,
        or_(WorkOrder.accepted_at.is_(None), WorkOrder.accepted_at >= at),
        or_(WorkOrder.cancelled_at.is_(None), WorkOrder.cancelled_at >= at),
    ]


def unmet_repair(at: datetime) -> ColumnElement[bool]:
    """The condition on a clock that it is the repair's of an order and ran at `at`: at most one does."""
    return and_(
        Clock.order_id == WorkOrder.id,
        Clock.kind == ClockKind.REPAIR,
        or_(Clock.state == ClockState.RUNNING, Clock.stopped_at >= at),
        begun(Clock, at),
    )


def begun(one: type[Clock], at: datetime) -> ColumnElement[bool]:
    """The condition that a repair clock was there before `at`.

    One that goes on after a rejection says it started with the issue; only its event tells when it was begun.
    """
    return and_(one.started_at < at, or_(one.round == 1, timers.begun_before(one, at)))


def last_begun(at: datetime) -> ColumnElement[bool]:
    """The condition that a repair clock is the last one of its order begun before `at`."""
    later = aliased(Clock)
    followed = (
        exists()
        .where(later.order_id == Clock.order_id, later.round > Clock.round, begun(later, at))
        .correlate(Clock)
    )
    return and_(begun(Clock, at), not_(followed))


def held(end: datetime) -> list[ColumnElement[bool]]:
    """The conditions that an order was accepted before `end` and its repair still had to hold then."""
    leaks = (
        exists()
        .where(
            OrderItem.order_id == WorkOrder.id,
            OrderItem.dropped_at.is_(None),
            Defect.id == OrderItem.defect_id,
            Defect.phenomenon == Phenomenon.LEAK,
        )
        .correlate(WorkOrder)
    )
    return [
        WorkOrder.accepted_at < end,
        WorkOrder.accepted_at >= end - LEAK_HOLDS,
        or_(WorkOrder.accepted_at >= end - HOLDS, leaks),
    ]


def undone(before: datetime) -> ColumnElement[bool]:
    """The condition that an order did not hold: a rework order of it was issued before `before` (procedure 3.5.4)."""
    again = aliased(WorkOrder)
    return (
        exists()
        .where(again.rework_of_id == WorkOrder.id, again.issued_at < before)
        .correlate(WorkOrder)
    )


def _happened(event: OrderEvent, first_on: date, last_on: date) -> ColumnElement[bool]:
    start, end = clock.at(first_on), clock.at(last_on + timedelta(days=1))
    if event is OrderEvent.DUE:
        dropped = and_(Clock.state == ClockState.CANCELLED, not_(Clock.late))
        owed = select(Clock.order_id).where(
            Clock.kind == ClockKind.REPAIR,
            Clock.due_on.between(first_on, last_on),
            not_(dropped),
            last_begun(clock.now() + timedelta(seconds=1)),
        )
        return and_(WorkOrder.id.in_(owed), Ticket.stage.not_in(_LEFT))
    if event in _AT_THE_END:
        lasting = held(end)
        return and_(*lasting, undone(end)) if event is OrderEvent.UNDONE else and_(*lasting)
    column = {
        OrderEvent.ISSUED: WorkOrder.issued_at,
        OrderEvent.COMPLETED: WorkOrder.accepted_at,
        OrderEvent.CANCELLED: WorkOrder.cancelled_at,
    }[event]
    return and_(column >= start, column < end, WorkOrder.issued_at.is_not(None))
