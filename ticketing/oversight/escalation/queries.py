"""Reading the files of major complaints. A ticket is fetched within scope first; these ask by the ticket."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, case, func, select, true
from sqlalchemy.orm import InstrumentedAttribute, joinedload, selectinload

from ticketing.casefile.notices.models import Notice
from ticketing.casefile.tickets.models import Ticket
from ticketing.casefile.tickets.queries import visible
from ticketing.casefile.tickets.telling import MAJOR_EVENT
from ticketing.casefile.timers.models import Clock, ClockState
from ticketing.kernel.db import db
from ticketing.kernel.errors import NotFound
from ticketing.masters.estate.models import Community
from ticketing.masters.people.models import Department, RoleGrant, User
from ticketing.masters.people.scope import Scope
from ticketing.oversight.escalation.models import Directive, Minutes, SpecialReport
from ticketing.procedure.deadlines import ClockKind
from ticketing.procedure.vocabulary import Grade, Role, SpecialStage, TicketStage

LISTED = 300


def directives(ticket_id: int) -> Sequence[Directive]:
    """The measures decided so far, the oldest first."""
    return db.session.scalars(
        select(Directive)
        .where(Directive.ticket_id == ticket_id)
        .options(joinedload(Directive.by, innerjoin=True), selectinload(Directive.departments))
        .order_by(Directive.id)
    ).all()


def meetings(ticket_id: int) -> list[Minutes]:
    """The last edition of each meeting's minutes, the first meeting first."""
    rows = db.session.scalars(
        select(Minutes)
        .where(Minutes.ticket_id == ticket_id)
        .options(joinedload(Minutes.by, innerjoin=True), selectinload(Minutes.assignments))
        .order_by(Minutes.meeting, Minutes.edition)
    )
    return list({row.meeting: row for row in rows}.values())


def minutes_of(ticket_id: int, meeting: int, edition: int | None = None) -> Minutes:
    """One edition of a meeting's minutes, the last one by default. Raises NotFound."""
    query = (
        select(Minutes)
        .where(Minutes.ticket_id == ticket_id, Minutes.meeting == meeting)
        .options(joinedload(Minutes.by, innerjoin=True), selectinload(Minutes.assignments))
        .order_by(Minutes.edition.desc())
        .limit(1)
    )
    if edition is not None:
        query = query.where(Minutes.edition == edition)
    found = db.session.scalars(query).one_or_none()
    if found is None:
        raise NotFound
    return found


def special_of(ticket_id: int) -> SpecialReport | None:
    """The last edition of the special report."""
    return db.session.scalars(
        select(SpecialReport)
        .where(SpecialReport.ticket_id == ticket_id)
        .options(
            joinedload(SpecialReport.by, innerjoin=True),
            joinedload(SpecialReport.submitted_by),
            joinedload(SpecialReport.instructed_by),
        )
        .order_by(SpecialReport.edition.desc())
        .limit(1)
    ).one_or_none()


class Told(NamedTuple):
    """Somebody who was told that the complaint is major, when, and when he read it."""

    name: str
    at: datetime
    read_at: datetime | None


def told(ticket_id: int) -> list[Told]:
    """Who was told of the present escalation. Asked by person: that is how notices are indexed."""
    rounds = db.session.scalar(
        select(func.count(Clock.id)).where(
            Clock.ticket_id == ticket_id, Clock.kind == ClockKind.ESCALATION
        )
    )
    candidates = select(RoleGrant.user_id).where(
        RoleGrant.role.in_((Role.GENERAL_MANAGER, Role.DEPUTY_GM, Role.CS_MANAGER, Role.OFFICE))
    )
    rows = db.session.execute(
        select(User.name, Notice.at, Notice.read_at)
        .join(User, User.id == Notice.user_id)
        .where(
            Notice.user_id.in_(candidates),
            Notice.event == f"{MAJOR_EVENT}:{ticket_id}:{rounds}",
        )
        .order_by(User.id)
    )
    return [Told(*row) for row in rows]


class OpenAssignment(NamedTuple):
    """What a meeting gave somebody to do that is not done."""

    meeting: int
    matter: str
    person: str
    due_on: date | None


def open_assignments(held: Sequence[Minutes]) -> list[OpenAssignment]:
    """What is still to be done by the last editions of these minutes, the nearest date first."""
    rows = [
        OpenAssignment(one.meeting, task.matter, task.person, task.due_on)
        for one in held
        for task in one.assignments
        if task.done_on is None
    ]
    return sorted(rows, key=lambda row: (row.due_on or date.max, row.meeting))


class MajorCase(NamedTuple):
    """One open major complaint as the leaders' page lists it."""

    id: int
    number: str
    stage: TicketStage
    community: str
    room: str
    summary: str
    department: str | None
    received_at: datetime
    complaint_due_on: date
    complaint_due_provisional: bool
    directed_at: datetime | None
    minuted_at: datetime | None
    special: SpecialStage | None
    escalation_due_on: date | None


class Kin(NamedTuple):
    """An open major complaint of the same cause and community that lacks the same paper."""

    id: int
    number: str
    room: str
    summary: str

    def __str__(self) -> str:
        return f"{self.number} {self.room} {self.summary}"


def kin(scope: Scope, ticket: Ticket, lacking: InstrumentedAttribute[datetime | None]) -> list[Kin]:
    """The major complaints one paper may cover together with `ticket`; `lacking` is the column still empty.

    Five homes with one cause are five major complaints (rules of `procedure.grading`) but one matter.
    """
    if not ticket.cause:
        return []
    rows = db.session.execute(
        select(Ticket.id, Ticket.number, Ticket.room, Ticket.summary)
        .where(
            visible(scope),
            Ticket.is_open == true(),
            Ticket.grade == Grade.MAJOR,
            Ticket.community_id == ticket.community_id,
            Ticket.cause == ticket.cause,
            Ticket.id != ticket.id,
            lacking.is_(None),
        )
        .order_by(Ticket.id)
        .limit(LISTED)
    )
    return [Kin(*row) for row in rows]


def open_majors(scope: Scope) -> list[MajorCase]:
    """The open major complaints within scope: without measures first, then without minutes, oldest first."""
    running = and_(
        Clock.ticket_id == Ticket.id,
        Clock.kind == ClockKind.ESCALATION,
        Clock.state == ClockState.RUNNING,
    )
    query: Select[*tuple[Any, ...]] = (
        select(
            Ticket.id,
            Ticket.number,
            Ticket.stage,
            Community.name,
            Ticket.room,
            Ticket.summary,
            Department.name,
            Ticket.received_at,
            Ticket.complaint_due_on,
            Ticket.complaint_due_provisional,
            Ticket.directed_at,
            Ticket.minuted_at,
            Ticket.special,
            Clock.due_on,
        )
        .join(Community, Community.id == Ticket.community_id)
        .outerjoin(Department, Department.id == Ticket.department_id)
        .outerjoin(Clock, running)
        .where(visible(scope), Ticket.is_open == true(), Ticket.grade == Grade.MAJOR)
        .order_by(
            case((Ticket.directed_at.is_(None), 0), (Ticket.minuted_at.is_(None), 1), else_=2),
            Clock.due_on,
            Ticket.received_at,
            Ticket.id,
        )
        .limit(LISTED)
    )
    return [MajorCase(*row) for row in db.session.execute(query)]
