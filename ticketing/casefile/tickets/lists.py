"""The work list: its filter, its pages by keyset, the counts above it, the rows of its workbook.

Every select is narrowed to the scope of the person asking by `queries.visible`.
"""

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Date,
    Select,
    bindparam,
    case,
    func,
    literal,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.orm import aliased

from ticketing.casefile.tickets.behind import NO_FIGURE, Behind
from ticketing.casefile.tickets.models import Ticket
from ticketing.casefile.tickets.queries import visible
from ticketing.kernel import clock, search
from ticketing.kernel.db import db
from ticketing.masters.estate.models import Community
from ticketing.masters.people.models import Department, User
from ticketing.masters.people.scope import Scope
from ticketing.procedure.vocabulary import Category, Channel, Grade, TicketStage

PAGE = 50


@dataclass(frozen=True)
class TicketFilter:
    """What a list shows; each field is a query parameter of its address."""

    stages: tuple[TicketStage, ...] = ()
    open_only: bool = True
    overdue: bool = False
    due_today: bool = False
    mine: bool = False
    grades: tuple[Grade, ...] = ()
    categories: tuple[Category, ...] = ()
    channels: tuple[Channel, ...] = ()
    community_id: int | None = None
    department_id: int | None = None
    handler_id: int | None = None
    unit_id: int | None = None
    customer_id: int | None = None
    received_from: date | None = None
    received_to: date | None = None
    closed_from: date | None = None
    closed_to: date | None = None
    registered_from: date | None = None
    registered_to: date | None = None
    words: str = ""
    newest_first: bool = False
    after: str = ""
    behind: Behind = NO_FIGURE

    @property
    def by_newest(self) -> bool:
        """Newest first when asked for, when searching, and where closed tickets are shown."""
        return self.newest_first or bool(self.words) or not self.open_only


def conditions(scope: Scope, wanted: TicketFilter) -> list[ColumnElement[bool]]:
    """The WHERE of a list without its paging: the scope first, then each filter that is set."""
    where = [visible(scope)]
    add = where.append
    today = clock.today()
    if wanted.open_only:
        add(Ticket.is_open == true())
    if wanted.stages:
        add(Ticket.stage.in_(wanted.stages))
    if wanted.overdue:
        add(Ticket.due_on < today)
    if wanted.due_today:
        add(Ticket.due_on == today)
    if wanted.mine:
        add(Ticket.handler_id == scope.user_id)
    if wanted.grades:
        add(Ticket.grade.in_(wanted.grades))
    if wanted.categories:
        add(Ticket.category.in_(wanted.categories))
    if wanted.channels:
        add(Ticket.channel.in_(wanted.channels))
    for column, value in (
        (Ticket.community_id, wanted.community_id),
        (Ticket.department_id, wanted.department_id),
        (Ticket.handler_id, wanted.handler_id),
        (Ticket.unit_id, wanted.unit_id),
        (Ticket.customer_id, wanted.customer_id),
    ):
        if value is not None:
            add(column == value)
    for instant, first, last in (
        (Ticket.received_at, wanted.received_from, wanted.received_to),
        (Ticket.registered_at, wanted.registered_from, wanted.registered_to),
        (Ticket.closed_at, wanted.closed_from, wanted.closed_to),
    ):
        if first is not None:
            add(instant >= clock.at(first))
        if last is not None:
            add(instant < clock.at(date.fromordinal(last.toordinal() + 1)))
    return [*where, *wanted.behind.conditions()]


class ListedTicket(NamedTuple):
    """One line of a list; `cursor` continues the list after it."""

    id: int
    number: str
    stage: TicketStage
    grade: Grade
    category: Category | None
    summary: str
    community: str
    room: str
    caller_name: str
    caller_phone: str
    department: str | None
    handler: str | None
    received_at: datetime
    due_on: date | None
    due_provisional: bool
    complaint_due_on: date
    closed_at: datetime | None
    rework_count: int
    again_count: int
    return_count: int
    urgent: bool

    def cursor(self, by_newest: bool) -> str:
        """The place of this line in the order of its list."""
        if by_newest:
            return f"{self.received_at:%Y%m%d%H%M%S}.{self.id}"
        return f"{self.due_on:%Y%m%d}.{self.id}" if self.due_on else f"99991231.{self.id}"


_LISTED: Select[*tuple[Any, ...]] = (
    select(
        Ticket.id,
        Ticket.number,
        Ticket.stage,
        Ticket.grade,
        Ticket.category,
        Ticket.summary,
        Community.name,
        Ticket.room,
        Ticket.caller_name,
        Ticket.caller_phone,
        Department.name,
        User.name,
        Ticket.received_at,
        Ticket.due_on,
        Ticket.due_provisional,
        Ticket.complaint_due_on,
        Ticket.closed_at,
        Ticket.rework_count,
        Ticket.again_count,
        Ticket.return_count,
        Ticket.urgent,
    )
    .join(Community, Community.id == Ticket.community_id)
    .outerjoin(Department, Department.id == Ticket.department_id)
    .outerjoin(User, User.id == Ticket.handler_id)
)
"""The part every list shares; putting it together anew cost more than running it."""


def _listed(scope: Scope, wanted: TicketFilter) -> Select[*tuple[Any, ...]]:
    query = _LISTED.where(*conditions(scope, wanted))
    match = search.matches(wanted.words, _marks(scope, wanted))
    if match is not None:
        query = query.join(search.SOURCE, Ticket.id == search.ROW_ID).where(match)
    return query


FEW = 4


def community_mark(community_id: int) -> str:
    """The word by which the search finds the tickets of one community; nobody types it."""
    return f"qxcommunity{community_id}"


def _marks(scope: Scope, wanted: TicketFilter) -> list[str]:
    """The marks a search is narrowed by where few communities can answer it.

    Without them a clerk of one small community waited while every ticket of the company that holds a
    common word was looked at. `visible` still decides what he sees.
    """
    if wanted.community_id is not None:
        return [community_mark(wanted.community_id)]
    within = scope.ticket_communities
    if within is None or scope.department_id is not None or len(within) > FEW:
        return []
    return [community_mark(community_id) for community_id in sorted(within)]


def page(scope: Scope, wanted: TicketFilter, size: int = PAGE) -> tuple[list[ListedTicket], str]:
    """One page of a list and the cursor of the next page, empty when this is the last (keyset)."""
    place = _place(wanted)
    query: Any = _LISTED.where(*conditions(scope, wanted))
    if wanted.words:
        before, marks = place[1] if place else None, _marks(scope, wanted)
        query = query.join(search.SOURCE, Ticket.id == search.ROW_ID)
        query = search.newest(query, wanted.words, marks, before, size + 1)
    elif wanted.by_newest:
        query = query.order_by(Ticket.received_at.desc(), Ticket.id.desc())
        if place is not None:
            query = query.where(
                tuple_(Ticket.received_at, Ticket.id)
                < tuple_(*place, types=(Ticket.received_at.type, Ticket.id.type))
            )
        query = query.limit(size + 1)
    else:
        query = query.order_by(Ticket.due_on, Ticket.id)
        if place is not None:
            query = query.where(
                tuple_(Ticket.due_on, Ticket.id)
                > tuple_(*place, types=(Ticket.due_on.type, Ticket.id.type))
            )
        query = query.limit(size + 1)
    rows = [ListedTicket(*row) for row in db.session.execute(query)]
    more = len(rows) > size
    rows = rows[:size]
    return rows, rows[-1].cursor(wanted.by_newest) if more else ""


def _place(wanted: TicketFilter) -> tuple[Any, int] | None:
    """The cursor taken apart; None for the first page or a cursor that makes no sense."""
    key, _, row_id = wanted.after.partition(".")
    if not (key.isascii() and key.isdigit() and row_id.isascii() and row_id.isdigit()):
        return None
    if len(row_id) > 18:
        return None
    try:
        if wanted.by_newest:
            instant = datetime.strptime(key, "%Y%m%d%H%M%S").replace(tzinfo=clock.UTC)
            return instant, int(row_id)
        return date.fromisoformat(key), int(row_id)
    except ValueError:
        return None


class Counts(NamedTuple):
    """How many open tickets stand where: the chips above every list."""

    by_stage: dict[TicketStage, int]
    open: int
    overdue: int
    due_today: int
    major: int
    mine: int


def counts(scope: Scope) -> Counts:
    """Count the open tickets within scope in one pass over the index of open tickets."""
    rows = db.session.execute(_counting(scope), {"today": clock.today()}).all()
    total = [sum(row[n] for row in rows) for n in range(1, 6)]
    return Counts({row[0]: row[1] for row in rows}, *total)


@lru_cache(maxsize=512)
def _counting(scope: Scope) -> Select[*tuple[Any, ...]]:
    """The counting statement of a scope, kept: every list shows the counts."""
    today = bindparam("today", type_=Date())
    return (
        select(
            Ticket.stage,
            func.count(),
            func.sum(case((Ticket.due_on < today, 1), else_=0)),
            func.sum(case((Ticket.due_on == today, 1), else_=0)),
            func.sum(case((Ticket.grade == Grade.MAJOR, 1), else_=0)),
            func.sum(case((Ticket.handler_id == scope.user_id, 1), else_=0)),
        )
        .where(visible(scope), Ticket.is_open == true())
        .group_by(Ticket.stage)
    )


class Choice(NamedTuple):
    """One entry of a filter's select box."""

    id: int
    name: str


def filter_choices(scope: Scope) -> tuple[list[Choice], list[Choice]]:
    """The communities within scope and the active departments, to filter a list by."""
    communities, departments = [], []
    for is_community, row_id, name, _ in db.session.execute(_CHOICES):
        if not is_community:
            departments.append(Choice(row_id, name))
        elif scope.reaches_community(row_id):
            communities.append(Choice(row_id, name))
    return communities, departments


_CHOICES = union_all(
    select(literal(1).label("kind"), Community.id, Community.name, Community.code.label("place")),
    select(literal(0), Department.id, Department.name, literal("")).where(Department.active),
).order_by("kind", "place", "id")


def export_rows(scope: Scope, wanted: TicketFilter) -> Select[*tuple[Any, ...]]:
    """The same rows as the list, all of them, with the columns of the register for a workbook."""
    registrar = aliased(User)
    query = (
        _listed(scope, wanted)
        .with_only_columns(
            Ticket.number,
            Ticket.received_at,
            Ticket.channel,
            registrar.name,
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
            Ticket.due_on,
            Ticket.complaint_due_on,
            Ticket.closed_at,
            Ticket.satisfaction,
            Ticket.rework_count,
            maintain_column_froms=True,
        )
        .join(registrar, registrar.id == Ticket.registered_by_id)
    )
    if wanted.words:
        return query.order_by(search.ROW_ID.desc())
    if wanted.by_newest:
        return query.order_by(Ticket.received_at.desc(), Ticket.id.desc())
    return query.order_by(Ticket.due_on, Ticket.id)
