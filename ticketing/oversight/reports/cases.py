"""The lists of a report: overdue, major and unattended cases, unhappy answers, the raw new cases."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, true

from ticketing.casefile.tickets.models import CallbackRecord, Note, Ticket, TicketFlow
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.text import masked_phone
from ticketing.masters.estate.models import Community
from ticketing.masters.people.models import Department, User
from ticketing.oversight.reports.figures import CaseList, CaseRow, RawRow, UnhappyRow
from ticketing.oversight.reports.service import Window
from ticketing.oversight.reports.stock import Extent, OpenCase
from ticketing.procedure.vocabulary import Flow, Grade, NoteKind, Satisfaction
from ticketing.steps.site_survey.models import SiteSurvey
from ticketing.steps.work_orders.models import WorkOrder

LISTED = 500
"""As many cases as a reader can go through; the totals above the list count all of them."""

RAW_LISTED = 5000
CHUNK = 500
TRACKING = (NoteKind.FEEDBACK, NoteKind.FOLLOW_UP, NoteKind.ASSISTANCE, NoteKind.RESOLUTION)
"""Notes by which somebody of ours moved the case on; a repeated call of the customer is none."""


def notable(extent: Extent, window: Window, open_cases: list[OpenCase]) -> CaseList:
    """W6: the open cases that are overdue, major, or had no follow-up in the period (3.4.4)."""
    tracked = _tracked(extent, window)

    def days_over(one: OpenCase) -> int:
        return max((window.as_of_on - one.due_on).days, 0)

    overdue = [one for one in open_cases if days_over(one)]
    major = [one for one in open_cases if one.grade is Grade.MAJOR]
    untracked = [one for one in open_cases if one.id not in tracked]
    listed = list({one.id: one for one in (*overdue, *major, *untracked)}.values())
    listed.sort(key=lambda one: (-one.grade.weight, -days_over(one), one.received_at, one.id))
    return CaseList(
        overdue=len(overdue),
        major=len(major),
        untracked=len(untracked),
        listed=len(listed),
        rows=tuple(_case_rows(listed[:LISTED], tracked, window)),
    )


def _tracked(extent: Extent, window: Window) -> frozenset[int]:
    """The tickets somebody followed up in the period: a note, a try to call back, an act on a survey or order."""
    ours = extent.holds(Ticket.community_id)
    noted = (
        select(Note.ticket_id)
        .join(Ticket, Ticket.id == Note.ticket_id)
        .where(Note.kind.in_(TRACKING), Note.at >= window.start, Note.at < window.cutoff, ours)
    )
    called = (
        select(CallbackRecord.ticket_id)
        .join(Ticket, Ticket.id == CallbackRecord.ticket_id)
        .where(CallbackRecord.at >= window.start, CallbackRecord.at < window.cutoff, ours)
    )
    return frozenset(db.session.scalars(noted.union(called, *_repaired(window, ours))))


_SURVEY_ACTS = (
    SiteSurvey.scheduled_at,
    SiteSurvey.arrived_at,
    SiteSurvey.recorded_at,
    SiteSurvey.signed_at,
    SiteSurvey.concluded_at,
)
_ORDER_ACTS = (
    WorkOrder.drafted_at,
    WorkOrder.issued_at,
    WorkOrder.acknowledged_at,
    WorkOrder.arrived_at,
    WorkOrder.transferred_at,
    WorkOrder.self_checked_at,
    WorkOrder.inspected_at,
    WorkOrder.signed_at,
)


def _repaired(window: Window, ours: ColumnElement[bool]) -> list[Select[int]]:
    """The tickets with an act on their surveys or orders in the period; only of those that were open at its end."""
    return [
        select(paper.ticket_id)
        .join(Ticket, Ticket.id == paper.ticket_id)
        .where(listed, ours, or_(*(and_(at >= window.start, at < window.cutoff) for at in acts)))
        for paper, acts in ((SiteSurvey, _SURVEY_ACTS), (WorkOrder, _ORDER_ACTS))
        for listed in (Ticket.is_open == true(), Ticket.closed_at >= window.cutoff)
    ]


def _case_rows(cases: list[OpenCase], tracked: frozenset[int], window: Window) -> Iterator[CaseRow]:
    for chunk in _chunks(cases):
        ids = [one.id for one in chunk]
        notes = _last_notes(ids, window.cutoff)
        told = {
            row[0]: row
            for row in db.session.execute(
                select(
                    Ticket.id,
                    Ticket.number,
                    Community.name,
                    Ticket.room,
                    Ticket.summary,
                    User.name,
                    Ticket.action_taken,
                    Ticket.action_needed,
                    Ticket.directed_at,
                    Ticket.minuted_at,
                )
                .join(Community, Community.id == Ticket.community_id)
                .outerjoin(User, User.id == Ticket.handler_id)
                .where(Ticket.id.in_(ids))
            )
        }
        for one in chunk:
            _, number, community, room, summary, handler, taken, needed, *papers = told[one.id]
            noted = notes.get(one.id)
            yield CaseRow(
                ticket_id=one.id,
                number=number,
                room=f"{community} {room}".strip(),
                summary=summary,
                grade=one.grade,
                received_on=clock.local(one.received_at).date(),
                due_on=one.due_on,
                days_over=max((window.as_of_on - one.due_on).days, 0),
                handler=handler or "",
                action_taken=noted[0] if noted else taken,
                next_step=noted[1] if noted else needed,
                next_on=noted[2] if noted else None,
                untracked=one.id not in tracked,
                lacking=_lacking(one, papers, window.cutoff),
            )


def _lacking(one: OpenCase, papers: list[datetime | None], cutoff: datetime) -> str:
    """Of a major case: whether it had its measures and its minutes by the cut-off (2.1.2, 3.10.5)."""
    if one.grade is not Grade.MAJOR:
        return ""
    names = ("处理措施", "专题会议纪要")
    there = [at is not None and at <= cutoff for at in papers]
    lacking = [name for name, is_there in zip(names, there, strict=True) if not is_there]
    return f"缺{'、'.join(lacking)}" if lacking else "措施、纪要齐备"


def _last_notes(ids: list[int], cutoff: datetime) -> dict[int, list[Any]]:
    """What was done last, what is to follow and when, of each ticket with a note by the cut-off."""
    rows = db.session.execute(
        select(
            Note.ticket_id, Note.kind, Note.at, Note.action_taken, Note.action_needed, Note.next_on
        )
        .where(Note.ticket_id.in_(ids))
        .order_by(Note.id)
    )
    return {
        ticket_id: words for ticket_id, kind, at, *words in rows if kind in TRACKING and at < cutoff
    }


def unhappy(extent: Extent, window: Window) -> tuple[UnhappyRow, ...]:
    """不满意明细: the customers who said at a callback of the period that they are not satisfied."""
    rows = db.session.execute(
        select(
            Ticket.id,
            Ticket.number,
            Community.name,
            Ticket.room,
            Ticket.summary,
            CallbackRecord.at,
            CallbackRecord.opinion,
            Department.name,
            User.name,
        )
        .join(Ticket, Ticket.id == CallbackRecord.ticket_id)
        .join(Community, Community.id == Ticket.community_id)
        .outerjoin(Department, Department.id == Ticket.department_id)
        .outerjoin(User, User.id == Ticket.handler_id)
        .where(
            CallbackRecord.at >= window.start,
            CallbackRecord.at < window.cutoff,
            CallbackRecord.satisfaction == Satisfaction.DISSATISFIED,
            extent.holds(Ticket.community_id),
        )
        .order_by(CallbackRecord.at, CallbackRecord.id)
        .limit(LISTED)
    )
    return tuple(
        UnhappyRow(
            ticket_id=row[0],
            number=row[1],
            room=f"{row[2]} {row[3]}".strip(),
            summary=row[4],
            answered_on=clock.local(row[5]).date(),
            opinion=row[6],
            department=row[7] or "",
            handler=row[8] or "",
        )
        for row in rows
    )


def raw(extent: Extent, window: Window) -> tuple[RawRow, ...]:
    """The new cases of the period, first come first, phones masked (at most `RAW_LISTED`)."""
    rows = db.session.execute(
        select(
            Ticket.number,
            Ticket.received_at,
            Ticket.channel,
            Community.name,
            Ticket.room,
            Ticket.caller_name,
            Ticket.caller_phone,
            Ticket.summary,
            Ticket.category,
            Ticket.grade,
            Department.name,
            User.name,
            Ticket.stage,
        )
        .join(TicketFlow, and_(TicketFlow.ticket_id == Ticket.id, TicketFlow.flow == Flow.NEW))
        .join(Community, Community.id == Ticket.community_id)
        .outerjoin(Department, Department.id == Ticket.department_id)
        .outerjoin(User, User.id == Ticket.handler_id)
        .where(
            TicketFlow.at >= window.start,
            TicketFlow.at < window.cutoff,
            extent.holds(TicketFlow.community_id),
        )
        .order_by(TicketFlow.at, TicketFlow.id)
        .limit(RAW_LISTED)
    )
    return tuple(
        RawRow(
            number=row[0],
            received_at=row[1],
            channel=row[2].label,
            community=row[3],
            room=row[4],
            caller=row[5],
            phone=masked_phone(row[6]),
            summary=row[7],
            category=row[8].label if row[8] else "未分类",
            grade=row[9].label,
            department=row[10] or "",
            handler=row[11] or "",
            stage=row[12].label,
        )
        for row in rows
    )


def valid_new(extent: Extent, window: Window) -> dict[int, int]:
    """The new cases of each community that had not left as invalid, withdrawn or merged."""
    in_period = (
        TicketFlow.at >= window.start,
        TicketFlow.at < window.cutoff,
        extent.holds(TicketFlow.community_id),
    )
    left = select(TicketFlow.ticket_id).where(
        TicketFlow.flow.in_((Flow.INVALID, Flow.WITHDRAWN, Flow.MERGED)), *in_period
    )
    rows = db.session.execute(
        select(TicketFlow.community_id, func.count())
        .where(TicketFlow.flow == Flow.NEW, *in_period, TicketFlow.ticket_id.not_in(left))
        .group_by(TicketFlow.community_id)
    )
    return {row[0]: row[1] for row in rows}


def _chunks(cases: list[OpenCase]) -> Iterable[list[OpenCase]]:
    return (cases[n : n + CHUNK] for n in range(0, len(cases), CHUNK))
