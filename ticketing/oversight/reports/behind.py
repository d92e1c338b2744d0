"""The lists behind figures of repairs that no other page has: defects, and surveys a contractor stayed away from (W3, W4).

Read from the address: ``event=reported&event_from=…&event_to=…`` for what happened in a period, ``open_on=…`` for what was
open at the end of a day. What a person may not see of tickets or surveys is not listed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, Select, func, select
from werkzeug.datastructures import MultiDict

from ticketing.casefile.defects.models import Defect
from ticketing.casefile.tickets import behind as tickets_behind
from ticketing.casefile.tickets import queries as tickets
from ticketing.casefile.tickets.models import Ticket
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.enums import Labelled
from ticketing.kernel.text import row_id
from ticketing.masters.contractors.models import Contractor
from ticketing.masters.estate.models import Community
from ticketing.masters.people.scope import Scope
from ticketing.procedure.repairs import Part, Phenomenon, Presence, Side, Trade
from ticketing.procedure.vocabulary import TicketStage
from ticketing.steps.site_survey import queries as surveys
from ticketing.steps.site_survey.models import SiteSurvey, SurveyBox
from ticketing.steps.work_orders.behind import day
from ticketing.steps.work_orders.models import OrderItem, WorkOrder

PAGE = 50
Value = TypeVar("Value")


class DefectEvent(Labelled):
    """What happened to a defect in the days asked for. The values stand in addresses; nothing stores them."""

    REPORTED = "reported", "新增报修项目"
    REWORK = "rework", "派出返修的项目"


@dataclass(frozen=True)
class DefectsWanted:
    """Which defects a list shows; `each_home` leaves one of each home."""

    event: DefectEvent | None = None
    first_on: date | None = None
    last_on: date | None = None
    open_on: date | None = None
    office_id: int | None = None
    community_id: int | None = None
    trade: Trade | None = None
    phenomenon: Phenomenon | None = None
    each_home: bool = False
    after: int | None = None

    @property
    def words(self) -> str:
        """The list said in words, above it."""
        parts = []
        if self.event and self.first_on and self.last_on:
            parts.append(f"{self.first_on} 至 {self.last_on} {self.event.label}")
        if self.open_on:
            parts.append(f"{self.open_on} 日末未结的报修项目")
        parts += [one.label for one in (self.trade, self.phenomenon) if one]
        if self.each_home:
            parts.append("每户一行")
        return "，".join(parts)


def _reader(args: MultiDict[str, str]) -> Callable[[str, Callable[[str], Value]], Value | None]:
    """Reads one parameter of an address; what makes no sense is left out rather than refused."""

    def one(name: str, read: Callable[[str], Value]) -> Value | None:
        try:
            return read(args[name]) if args.get(name) else None
        except ValueError:
            return None

    return one


def defects_from_query(args: MultiDict[str, str]) -> DefectsWanted:
    """The defects an address asks for."""
    one: Any = _reader(args)
    return DefectsWanted(
        event=one("event", DefectEvent),
        first_on=one("event_from", day),
        last_on=one("event_to", day),
        open_on=one("open_on", day),
        office_id=one("office", row_id),
        community_id=one("community", row_id),
        trade=one("trade", Trade),
        phenomenon=one("phenomenon", Phenomenon),
        each_home=args.get("homes") == "1",
        after=one("after", row_id),
    )


class ListedDefect(NamedTuple):
    """One line of the list of defects."""

    id: int
    ticket_id: int
    number: str
    stage: TicketStage
    community: str
    room: str
    part: Part
    phenomenon: Phenomenon
    trade: Trade
    place: str
    words: str
    at: datetime


def defects(
    scope: Scope, wanted: DefectsWanted, size: int = PAGE
) -> tuple[list[ListedDefect], str]:
    """One page of the defects, the newest first, and the cursor of the next page (keyset)."""
    query: Any = (
        select(
            Defect.id,
            Ticket.id,
            Ticket.number,
            Ticket.stage,
            Community.name,
            Ticket.room,
            Defect.part,
            Defect.phenomenon,
            Defect.trade,
            Defect.place,
            Defect.words,
            Defect.at,
        )
        .join(Ticket, Ticket.id == Defect.ticket_id)
        .join(Community, Community.id == Ticket.community_id)
    )
    chosen = _chosen(scope, wanted)
    if wanted.each_home:
        first = select(func.min(Defect.id)).join(Ticket, Ticket.id == Defect.ticket_id)
        homes = first.where(*chosen, Ticket.unit_id.is_not(None)).group_by(Ticket.unit_id)
        query = query.where(Defect.id.in_(homes))
    else:
        query = query.where(*chosen)
    if wanted.after is not None:
        query = query.where(Defect.id < wanted.after)
    rows = db.session.execute(query.order_by(Defect.id.desc()).limit(size + 1))
    return _page([ListedDefect(*row) for row in rows], size)


def _chosen(scope: Scope, wanted: DefectsWanted) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = [tickets.visible(scope)]
    if wanted.event and wanted.first_on and wanted.last_on:
        start, end = _instants(wanted.first_on, wanted.last_on)
        if wanted.event is DefectEvent.REPORTED:
            where += [Defect.at >= start, Defect.at < end]
        else:
            where.append(Defect.id.in_(_reworked(start, end)))
    if wanted.open_on:
        end = _instants(wanted.open_on, wanted.open_on)[1]
        where += [Defect.at < end, *tickets_behind.Behind(open_on=wanted.open_on).conditions()]
    if wanted.office_id is not None:
        where.append(Ticket.community_id.in_(_served(wanted.office_id)))
    for column, value in (
        (Ticket.community_id, wanted.community_id),
        (Defect.trade, wanted.trade),
        (Defect.phenomenon, wanted.phenomenon),
    ):
        if value is not None:
            where.append(column == value)
    return where


def _reworked(start: datetime, end: datetime) -> Select[int]:
    return (
        select(OrderItem.defect_id)
        .join(WorkOrder, WorkOrder.id == OrderItem.order_id)
        .where(
            WorkOrder.rework_of_id.is_not(None),
            WorkOrder.issued_at >= start,
            WorkOrder.issued_at < end,
            OrderItem.dropped_at.is_(None),
        )
    )


@dataclass(frozen=True)
class AbsencesWanted:
    """Which absences a list shows; `party_id` is that of the contractor."""

    first_on: date | None = None
    last_on: date | None = None
    office_id: int | None = None
    party_id: int | None = None
    nobody: bool = False
    after: int | None = None

    @property
    def words(self) -> str:
        """The list said in words, above it."""
        days = f"{self.first_on} 至 {self.last_on} " if self.first_on and self.last_on else ""
        return f"{days}施工单位未到场的勘察"


def absences_from_query(args: MultiDict[str, str]) -> AbsencesWanted:
    """The absences an address asks for."""
    one: Any = _reader(args)
    return AbsencesWanted(
        first_on=one("from", day),
        last_on=one("to", day),
        office_id=one("office", row_id),
        party_id=one("builder", row_id),
        nobody=args.get("nobody") == "1",
        after=one("after", row_id),
    )


class ListedAbsence(NamedTuple):
    """One line of the list of absences."""

    id: int
    survey_id: int
    survey_number: str
    ticket_id: int
    number: str
    community: str
    room: str
    contractor: str | None
    at: datetime
    reason: str
    evidence: str


def absences(
    scope: Scope, wanted: AbsencesWanted, size: int = PAGE
) -> tuple[list[ListedAbsence], str]:
    """One page of the surveys a contractor stayed away from, the newest first, and the cursor of the next page (3.4.5)."""
    query: Any = (
        select(
            SurveyBox.id,
            SiteSurvey.id,
            SiteSurvey.number,
            Ticket.id,
            Ticket.number,
            Community.name,
            Ticket.room,
            Contractor.name,
            SurveyBox.at,
            SurveyBox.reason,
            SurveyBox.evidence,
        )
        .join(SiteSurvey, SiteSurvey.id == SurveyBox.survey_id)
        .join(Ticket, Ticket.id == SiteSurvey.ticket_id)
        .join(Community, Community.id == Ticket.community_id)
        .outerjoin(Contractor, Contractor.id == SiteSurvey.contractor_id)
        .where(
            surveys.visible(scope),
            SurveyBox.side == Side.CONTRACTOR,
            SurveyBox.presence == Presence.ABSENT,
        )
    )
    if wanted.first_on and wanted.last_on:
        start, end = _instants(wanted.first_on, wanted.last_on)
        query = query.where(SurveyBox.at >= start, SurveyBox.at < end)
    if wanted.office_id is not None:
        query = query.where(Ticket.community_id.in_(_served(wanted.office_id)))
    if wanted.party_id is not None:
        query = query.where(SiteSurvey.contractor_id == wanted.party_id)
    if wanted.nobody:
        query = query.where(SiteSurvey.contractor_id.is_(None))
    if wanted.after is not None:
        query = query.where(SurveyBox.id < wanted.after)
    rows = db.session.execute(query.order_by(SurveyBox.id.desc()).limit(size + 1))
    return _page([ListedAbsence(*row) for row in rows], size)


def _page(rows: list[Any], size: int) -> tuple[list[Any], str]:
    return rows[:size], str(rows[size - 1].id) if len(rows) > size else ""


def _instants(first_on: date, last_on: date) -> tuple[datetime, datetime]:
    return clock.at(first_on), clock.at(last_on + timedelta(days=1))


def _served(office_id: int) -> Select[int]:
    return select(Community.id).where(Community.office_id == office_id)
