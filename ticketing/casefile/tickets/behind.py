"""The list behind a figure of a report: which tickets a number in the 周报 or 季报 counts (3.10.3).

Read from the address beside the ordinary filters: ``event=closed&event_from=…&event_to=…`` for what
happened in a period, ``open_on=…`` for what was open at the end of a day.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, not_, or_, select, true

from ticketing.casefile.tickets.models import CallbackRecord, Ticket, TicketFlow
from ticketing.casefile.timers.models import Clock, ClockState
from ticketing.kernel import clock
from ticketing.kernel.enums import Labelled
from ticketing.masters.estate.models import Community
from ticketing.procedure.deadlines import ClockKind
from ticketing.procedure.vocabulary import Flow, Satisfaction, TicketStage


class Event(Labelled):
    """What happened to a ticket, or fell due, in the days asked for."""

    NEW = "new", "新增"
    REOPENED = "reopened", "重开"
    CLOSED = "closed", "关闭"
    INVALID = "invalid", "无效"
    WITHDRAWN = "withdrawn", "撤回"
    MERGED = "merged", "合并"
    DISPATCHED = "dispatched", "派单"
    FEEDBACK_DUE = "feedback_due", "反馈到期"
    COMPLETION_DUE = "completion_due", "办结到期"
    CALLBACK_DUE = "callback_due", "回访到期"
    VERY_SATISFIED = "very_satisfied", "回访很满意"
    SATISFIED = "satisfied", "回访满意"
    NEUTRAL = "neutral", "回访一般"
    DISSATISFIED = "dissatisfied", "回访不满意"
    UNREACHED = "unreached", "回访未接通"


_FLOWS = {flow.value: flow for flow in Flow}
_ANSWERS = {answer.value: answer for answer in Satisfaction}
_CLOCKS = {
    Event.DISPATCHED: ClockKind.DEPT_FEEDBACK,
    Event.FEEDBACK_DUE: ClockKind.DEPT_FEEDBACK,
    Event.COMPLETION_DUE: ClockKind.COMPLAINT,
    Event.CALLBACK_DUE: ClockKind.CALLBACK,
}
_LEFT = (TicketStage.INVALID, TicketStage.WITHDRAWN, TicketStage.MERGED)


@dataclass(frozen=True)
class Behind:
    """The parameters of such a list; `late_on` asks for a completion date before that day."""

    event: Event | None = None
    first_on: date | None = None
    last_on: date | None = None
    open_on: date | None = None
    late_on: date | None = None
    office_id: int | None = None
    owner_id: int | None = None
    unclassified: bool = False
    undispatched: bool = False
    valid: bool = False

    @property
    def words(self) -> str:
        """The list said in words, above it."""
        parts = []
        if self.event and self.first_on and self.last_on:
            parts.append(f"{self.first_on} 至 {self.last_on} {self.event.label}")
        if self.open_on:
            parts.append(f"{self.open_on} 日末未结")
        if self.late_on:
            parts.append(f"办结时限早于 {self.late_on}")
        if self.unclassified:
            parts.append("未分类")
        if self.undispatched:
            parts.append("未分派")
        return "，".join(parts)

    def conditions(self) -> list[ColumnElement[bool]]:
        """The WHERE of what is set."""
        where: list[ColumnElement[bool]] = []
        if self.event and self.first_on and self.last_on:
            where.append(_happened(self.event, self.first_on, self.last_on, self.owner_id))
        if self.open_on:
            where.append(_open_after(self.open_on))
        if self.late_on:
            where.append(Ticket.complaint_due_on < self.late_on)
        if self.office_id is not None:
            served = select(Community.id).where(Community.office_id == self.office_id)
            where.append(Ticket.community_id.in_(served))
        if self.unclassified:
            where.append(Ticket.category.is_(None))
        if self.undispatched:
            where.append(Ticket.department_id.is_(None))
        if self.valid:
            where.append(Ticket.stage.not_in(_LEFT))
        return where


NO_FIGURE = Behind()
"""An ordinary list, behind no figure."""


def from_query(
    args: Any, one: Callable[[str, Callable[[str], Any]], Any], *, day: Any, row_id: Any
) -> Behind:
    """The part of an address that says which figure is looked behind; `one` reads a parameter."""
    return Behind(
        event=one("event", Event),
        first_on=one("event_from", day),
        last_on=one("event_to", day),
        open_on=one("open_on", day),
        late_on=one("late_on", day),
        office_id=one("office", row_id),
        owner_id=one("owner", row_id),
        unclassified=args.get("unclassified") == "1",
        undispatched=args.get("undispatched") == "1",
        valid=args.get("valid") == "1",
    )


def _happened(
    event: Event, first_on: date, last_on: date, owner_id: int | None
) -> ColumnElement[bool]:
    start, end = clock.at(first_on), clock.at(last_on + timedelta(days=1))
    if event in _CLOCKS:
        owed = select(Clock.ticket_id).where(Clock.kind == _CLOCKS[event])
        if event is Event.DISPATCHED:
            owed = owed.where(Clock.started_at >= start, Clock.started_at < end)
        else:
            dropped = and_(Clock.state == ClockState.CANCELLED, not_(Clock.late))
            owed = owed.where(Clock.due_on.between(first_on, last_on), not_(dropped))
        return Ticket.id.in_(
            owed if owner_id is None else owed.where(Clock.department_id == owner_id)
        )
    if event.value in _FLOWS:
        return Ticket.id.in_(
            select(TicketFlow.ticket_id).where(
                TicketFlow.at >= start, TicketFlow.at < end, TicketFlow.flow == _FLOWS[event.value]
            )
        )
    called = select(CallbackRecord.ticket_id).where(
        CallbackRecord.at >= start, CallbackRecord.at < end
    )
    if event is Event.UNREACHED:
        return Ticket.id.in_(called.where(not_(CallbackRecord.reached)))
    return Ticket.id.in_(called.where(CallbackRecord.satisfaction == _ANSWERS[event.value]))


def _open_after(day: date) -> ColumnElement[bool]:
    """Open at the end of `day`: open now or ended since, and left open by the moves until then."""
    at = clock.at(day + timedelta(days=1))
    came_in = [flow for flow in Flow if flow.sign > 0]
    told = (
        select(func.sum(case((TicketFlow.flow.in_(came_in), 1), else_=-1)))
        .where(TicketFlow.ticket_id == Ticket.id, TicketFlow.at < at)
        .correlate(Ticket)
        .scalar_subquery()
    )
    return and_(
        Ticket.registered_at < at, or_(Ticket.is_open == true(), Ticket.closed_at >= at), told == 1
    )
