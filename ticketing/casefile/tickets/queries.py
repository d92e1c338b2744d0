"""Reading tickets. Every select is narrowed to the scope of the person asking by `visible`."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Date,
    Select,
    and_,
    bindparam,
    case,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.orm import aliased, joinedload, selectinload

from ticketing.casefile.tickets.behind import NO_FIGURE, Behind
from ticketing.casefile.tickets.models import Assistance, CallbackRecord, Note, Ticket
from ticketing.kernel import clock, search
from ticketing.kernel.db import db
from ticketing.kernel.errors import NotFound
from ticketing.masters.estate.models import Community, Unit
from ticketing.masters.people.models import Department, User
from ticketing.masters.people.scope import Scope
from ticketing.procedure.numbering import is_ticket_number
from ticketing.procedure.permissions import Act
from ticketing.procedure.vocabulary import Category, Channel, Grade, Role, TicketStage

PAGE = 50


def visible(scope: Scope) -> ColumnElement[bool]:
    """The condition that a ticket lies within `scope`; every select of tickets carries it."""
    if scope.ticket_communities is None:
        return true()
    ways: list[ColumnElement[bool]] = []
    if scope.ticket_communities:
        ways.append(Ticket.community_id.in_(sorted(scope.ticket_communities)))
    if scope.department_id is not None:
        ways.append(Ticket.department_id == scope.department_id)
        ways.append(
            exists().where(
                Assistance.ticket_id == Ticket.id, Assistance.department_id == scope.department_id
            )
        )
    return or_(*ways) if ways else false()


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

    def starting_after(self, cursor: str) -> "TicketFilter":
        """The same list, continued after the row whose cursor this is."""
        return replace(self, after=cursor)


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
    query = _listed(scope, wanted)
    place = _place(wanted)
    if wanted.words:
        query = query.order_by(search.ROW_ID.desc())
        if place is not None:
            query = query.where(place[1] > search.ROW_ID)
    elif wanted.by_newest:
        query = query.order_by(Ticket.received_at.desc(), Ticket.id.desc())
        if place is not None:
            query = query.where(
                tuple_(Ticket.received_at, Ticket.id)
                < tuple_(*place, types=(Ticket.received_at.type, Ticket.id.type))
            )
    else:
        query = query.order_by(Ticket.due_on, Ticket.id)
        if place is not None:
            query = query.where(
                tuple_(Ticket.due_on, Ticket.id)
                > tuple_(*place, types=(Ticket.due_on.type, Ticket.id.type))
            )
    rows = [ListedTicket(*row) for row in db.session.execute(query.limit(size + 1))]
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


def by_number(scope: Scope, words: str) -> int | None:
    """The id of the ticket whose whole number was typed, if it lies within scope."""
    if not is_ticket_number(words):
        return None
    return db.session.scalar(
        select(Ticket.id).where(visible(scope), Ticket.number == words.strip().upper())
    )


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


def number_of(scope: Scope, ticket_id: int) -> str:
    """The number of one ticket. Raises NotFound, also when out of scope."""
    number = db.session.scalar(select(Ticket.number).where(Ticket.id == ticket_id, visible(scope)))
    if number is None:
        raise NotFound
    return number


def ticket_for(scope: Scope, ticket_id: int) -> Ticket:
    """One ticket with what its page's head shows. Raises NotFound, also when out of scope."""
    found = db.session.scalars(
        select(Ticket)
        .where(Ticket.id == ticket_id, visible(scope))
        .options(
            joinedload(Ticket.community, innerjoin=True),
            joinedload(Ticket.department),
            joinedload(Ticket.handler),
        )
    ).one_or_none()
    if found is None:
        raise NotFound
    return found


def ticket_with_story(scope: Scope, ticket_id: int) -> Ticket:
    """One ticket with everything pinned to it, in a fixed number of queries. Raises NotFound."""
    found = db.session.scalars(
        select(Ticket)
        .where(Ticket.id == ticket_id, visible(scope))
        .options(
            joinedload(Ticket.community, innerjoin=True),
            joinedload(Ticket.registered_by, innerjoin=True),
            joinedload(Ticket.collected_by),
            joinedload(Ticket.department),
            joinedload(Ticket.handler),
            joinedload(Ticket.merged_into),
            selectinload(Ticket.notes).joinedload(Note.author, innerjoin=True),
            selectinload(Ticket.callbacks).joinedload(CallbackRecord.caller, innerjoin=True),
            selectinload(Ticket.assistances).options(
                joinedload(Assistance.department, innerjoin=True),
                joinedload(Assistance.asked_by, innerjoin=True),
                joinedload(Assistance.replied_by),
            ),
        )
    ).one_or_none()
    if found is None:
        raise NotFound
    return found


def sees_phone(scope: Scope, ticket: Ticket) -> bool:
    """Whether this person may see the caller's number on this ticket (access matrix row 3).

    A department sees it only while the ticket is assigned to it and open.
    """
    if not scope.may(Act.READ_PHONE):
        return False
    if scope.roles & PHONE_EVERYWHERE:
        return True
    in_office = {Role.CLERK, Role.OFFICE} & scope.roles
    if in_office and (scope.communities is None or ticket.community_id in scope.communities):
        return True
    mine = scope.department_id is not None and ticket.department_id == scope.department_id
    return ticket.is_open and mine


PHONE_EVERYWHERE = frozenset({Role.CS_MANAGER, Role.DEPUTY_GM, Role.GENERAL_MANAGER})


class Sibling(NamedTuple):
    """A related ticket as it stands beside the intake form or on a unit's page."""

    id: int
    number: str
    stage: TicketStage
    grade: Grade
    summary: str
    room: str
    caller_name: str
    received_at: datetime
    due_on: date | None
    nearness: str


_SIBLING = (
    Ticket.id,
    Ticket.number,
    Ticket.stage,
    Ticket.grade,
    Ticket.summary,
    Ticket.room,
    Ticket.caller_name,
    Ticket.received_at,
    Ticket.due_on,
)


def open_tickets_of(
    scope: Scope, *, unit_id: int | None, customer_id: int | None, phone: str, except_call: str
) -> list[Sibling]:
    """The open tickets of one home, customer or phone, other than those of the call going on."""
    own = _own(unit_id, customer_id, phone)
    if own is None:
        return []
    return _siblings(scope, and_(own, Ticket.call != except_call), "本户")


def _own(unit_id: int | None, customer_id: int | None, phone: str) -> ColumnElement[bool] | None:
    """Tickets of this home, customer or phone; each is one index look-up, never a scan."""
    ways: list[ColumnElement[bool]] = []
    if unit_id is not None:
        ways.append(Ticket.unit_id == unit_id)
    if customer_id is not None:
        ways.append(Ticket.customer_id == customer_id)
    if phone:
        ways.append(Ticket.caller_phone == phone)
    return or_(*ways) if ways else None


def beside(
    scope: Scope, *, unit: Unit | None, customer_id: int | None, phone: str = ""
) -> list[Sibling]:
    """The open tickets a clerk should see before writing a new one: his, the stair's, the building's.

    At most 8 of each nearness (本人/本户 · 本单元 · 本楼栋), newest first.
    """
    own = _own(unit.id if unit else None, customer_id, phone)
    found = _siblings(scope, own, "本户") if own is not None else []
    if unit is not None:
        near = select(Unit.id).where(Unit.building_id == unit.building_id)
        stair = near.where(Unit.stair == unit.stair, Unit.id != unit.id)
        found += _siblings(scope, Ticket.unit_id.in_(stair), "本单元")
        building = near.where(Unit.stair != unit.stair)
        found += _siblings(scope, Ticket.unit_id.in_(building), "本楼栋")
    return list({sibling.id: sibling for sibling in reversed(found)}.values())[::-1]


def _siblings(scope: Scope, where: ColumnElement[bool], nearness: str) -> list[Sibling]:
    rows = db.session.execute(_NEWEST_OPEN.where(visible(scope), where))
    return [Sibling(*row, nearness) for row in rows]


_NEWEST_OPEN = (
    select(*_SIBLING)
    .where(Ticket.is_open == true())
    .order_by(Ticket.received_at.desc(), Ticket.id.desc())
    .limit(8)
)


def of_call(scope: Scope, ticket: Ticket) -> list[Sibling]:
    """The other matters of the same call."""
    rows = db.session.execute(
        select(*_SIBLING)
        .where(visible(scope), Ticket.call == ticket.call, Ticket.id != ticket.id)
        .order_by(Ticket.id)
    )
    return [Sibling(*row, "同一来电") for row in rows]


def merged_into(scope: Scope, ticket: Ticket) -> list[Sibling]:
    """The tickets that were merged into this one."""
    rows = db.session.execute(
        select(*_SIBLING)
        .where(visible(scope), Ticket.merged_into_id == ticket.id)
        .order_by(Ticket.id)
    )
    return [Sibling(*row, "并入本单") for row in rows]


def history(
    scope: Scope, *, unit_id: int | None = None, customer_id: int | None = None
) -> list[Sibling]:
    """Every ticket of a unit or of a customer, newest first (at most 200)."""
    where = Ticket.unit_id == unit_id if unit_id is not None else Ticket.customer_id == customer_id
    rows = db.session.execute(
        select(*_SIBLING)
        .where(visible(scope), where)
        .order_by(Ticket.received_at.desc(), Ticket.id.desc())
        .limit(200)
    )
    return [Sibling(*row, "") for row in rows]


def next_due(scope: Scope, ticket_id: int, stages: Iterable[TicketStage]) -> int | None:
    """The next ticket of the person's work list after this one has been dealt with."""
    return db.session.scalar(
        select(Ticket.id)
        .where(
            visible(scope),
            Ticket.is_open == true(),
            Ticket.stage.in_(tuple(stages)),
            Ticket.id != ticket_id,
        )
        .order_by(Ticket.due_on, Ticket.id)
        .limit(1)
    )


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
