"""Reading the board: the running clocks a person may see, counted in one pass and listed page by page."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Select,
    bindparam,
    case,
    false,
    func,
    literal,
    null,
    or_,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.orm import aliased

from ticketing.casefile.tickets.models import Ticket
from ticketing.casefile.timers.models import Clock, ClockState
from ticketing.kernel import clock as time
from ticketing.kernel.db import UtcDateTime, db, written
from ticketing.masters.estate.models import Community, ServiceOffice
from ticketing.masters.people.models import Department, User
from ticketing.masters.people.scope import Scope
from ticketing.oversight.board.bands import TO_THE_MINUTE, Band, Cuts
from ticketing.oversight.reports.queries import reach, whole_office
from ticketing.procedure.deadlines import ClockKind
from ticketing.procedure.vocabulary import Grade
from ticketing.steps.work_orders.models import WorkOrder

PAGE = 50
DESK = 0
"""Stands for a person where the community's own desk owes the step; no row has this id."""

RUNNING = Clock.state == written(Clock.state, ClockState.RUNNING)
"""Written out in the statement, so that both engines see that the indexes of running clocks hold what is asked."""


@dataclass(frozen=True)
class BoardFilter:
    """What the board shows; each field is a query parameter. `person` is a user's id or `DESK`."""

    band: Band | None = None
    kind: ClockKind | None = None
    person: int | None = None
    office_id: int | None = None
    department_id: int | None = None
    after: str = ""

    @property
    def plain(self) -> bool:
        """Whether nothing is left out."""
        return self == BoardFilter(after=self.after)


class Office(NamedTuple):
    """A service office: its communities, and whether this person may read its reports."""

    id: int
    name: str
    communities: frozenset[int]
    reports: bool


class Ground(NamedTuple):
    """What one person may look over: the offices, and the active departments as (id, name)."""

    scope: Scope
    offices: tuple[Office, ...]
    departments: tuple[tuple[int, str], ...]

    @property
    def offices_to_choose(self) -> list[tuple[int, str]]:
        """The offices of which he may see a clock; none where there is only one."""
        within = self.scope.ticket_communities
        everywhere = within is None or self.scope.department_id is not None
        found = [
            (one.id, one.name)
            for one in self.offices
            if everywhere or one.reports or one.communities & (within or frozenset())
        ]
        return found if len(found) > 1 else []

    @property
    def departments_to_choose(self) -> tuple[tuple[int, str], ...]:
        """The departments; none for those who see only their own."""
        return () if self.scope.ticket_communities == frozenset() else self.departments


def ground(scope: Scope) -> Ground:
    """The offices and departments as they stand now, seen by the person of `scope`."""
    offices: dict[int, tuple[str, bool, set[int]]] = {}
    departments = []
    for is_office, row_id, name, community_id, reports in db.session.execute(
        _grounds(reach(scope))
    ):
        if not is_office:
            departments.append((row_id, name))
            continue
        serves = offices.setdefault(row_id, (name, bool(reports), set()))[2]
        if community_id is not None:
            serves.add(community_id)
    return Ground(
        scope,
        tuple(
            Office(one, name, frozenset(serves), reports)
            for one, (name, reports, serves) in offices.items()
        ),
        tuple(departments),
    )


@lru_cache(maxsize=512)
def _grounds(within: frozenset[int] | None) -> Select[*tuple[Any, ...]]:
    """The statement behind `ground` for those who may read the reports of the communities `within`."""
    readable, served = whole_office(within, ServiceOffice.__table__.c.id), aliased(Community)
    parts = union_all(
        select(
            literal(1).label("is_office"),
            ServiceOffice.id.label("id"),
            ServiceOffice.name.label("name"),
            ServiceOffice.code.label("place"),
            served.id.label("community_id"),
            case((readable, 1), else_=0).label("reports"),
        ).outerjoin(served, served.office_id == ServiceOffice.id),
        select(literal(0), Department.id, Department.name, literal(""), null(), literal(0)).where(
            Department.active
        ),
    ).subquery()
    return select(
        parts.c.is_office, parts.c.id, parts.c.name, parts.c.community_id, parts.c.reports
    ).order_by(parts.c.is_office, parts.c.place, parts.c.id)


def visible(over: Ground) -> ColumnElement[bool]:
    """The condition that a clock lies within scope; every select of the board carries it.

    As with tickets: those of his communities, and wherever they are those his department owes; everything for
    whom nothing is hidden. The clock of a report is for those who may read it (procedure 3.10.3).
    """
    scope = over.scope
    reports = [one.id for one in over.offices if one.reports]
    if scope.sees_all_tickets and len(reports) == len(over.offices):
        return true()
    ways: list[ColumnElement[bool]] = []
    if scope.ticket_communities is None:
        ways.append(Clock.ticket_id.is_not(None))
    elif scope.ticket_communities:
        ways.append(Clock.community_id.in_(sorted(scope.ticket_communities)))
    if scope.department_id is not None:
        ways.append(Clock.department_id == scope.department_id)
    if reports:
        ways.append(Clock.office_id.in_(reports))
    return or_(*ways) if ways else false()


def _place(
    over: Ground, office_id: int | None, department_id: int | None
) -> list[ColumnElement[bool]]:
    """Running, within scope, of the office and the department asked for."""
    where = [RUNNING, visible(over)]
    if office_id is not None:
        serves = [one.communities for one in over.offices if one.id == office_id]
        communities = sorted(serves[0]) if serves else []
        where.append(or_(Clock.community_id.in_(communities), Clock.office_id == office_id))
    if department_id is not None:
        where.append(Clock.department_id == department_id)
    return where


Tally = dict[Band, int]


class Row(NamedTuple):
    """A row of the board's tables: a step or a person, and how many clocks lie in each band."""

    key: Any
    name: str
    tally: Tally

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.tally.values())


class Counts(NamedTuple):
    """The figures of the board. Each obeys every filter but the one it is there to choose."""

    bands: Tally
    steps: list[Row]
    people: list[Row]


def counts(over: Ground, wanted: BoardFilter) -> Counts:
    """Count the running clocks by band, step and person, in one pass over their index."""
    cuts = Cuts.today()
    found = db.session.execute(
        _counting(over, wanted.office_id, wanted.department_id), cuts._asdict()
    ).all()
    bands: Tally = dict.fromkeys(Band, 0)
    steps: dict[ClockKind, Tally] = defaultdict(lambda: dict.fromkeys(Band, 0))
    people: dict[int, Tally] = defaultdict(lambda: dict.fromkeys(Band, 0))
    for handler_id, kind, *sums in found:
        person = handler_id or DESK
        his, this = wanted.person in (None, person), wanted.kind in (None, kind)
        for band, n in _parted(kind, *map(int, sums)).items():
            if his and this:
                bands[band] += n
            if his:
                steps[kind][band] += n
            if this:
                people[person][band] += n
    names = _names(people)
    return Counts(
        bands,
        [Row(kind, kind.label, steps[kind]) for kind in ClockKind if kind in steps],
        sorted(
            (Row(person, names[person], tally) for person, tally in people.items()), key=_by_need
        ),
    )


def _parted(
    kind: ClockKind, total: int, midnight: int, present: int, tomorrow: int, monday: int
) -> Tally:
    """How many lie in each band, from how many are due before each cut."""
    late = present if kind in TO_THE_MINUTE else midnight
    return {
        Band.OVERDUE: late,
        Band.TODAY: tomorrow - late,
        Band.WEEK: monday - tomorrow,
        Band.LATER: total - monday,
    }


def _by_need(row: Row) -> tuple[int, ...]:
    """Who is furthest behind comes first; the desk's own at the end of equals."""
    return (*(-row.tally[band] for band in Band), -(row.key or 0))


@lru_cache(maxsize=512)
def _counting(
    over: Ground, office_id: int | None, department_id: int | None
) -> Select[*tuple[Any, ...]]:
    """The counting statement, kept.

    First counted by the columns the index is sorted by, then parted at the cuts: comparing each of 50,000 rows
    with four instants took twice as long.
    """
    each = (
        select(Clock.handler_id, Clock.kind, Clock.due_at, func.count().label("n"))
        .where(*_place(over, office_id, department_id))
        .group_by(Clock.handler_id, Clock.kind, Clock.due_at)
        .subquery()
    )
    before = [
        func.sum(case((each.c.due_at < bindparam(cut, type_=UtcDateTime()), each.c.n), else_=0))
        for cut in ("midnight", "present", "tomorrow", "monday")
    ]
    return select(each.c.handler_id, each.c.kind, func.sum(each.c.n), *before).group_by(
        each.c.handler_id, each.c.kind
    )


def _names(people: dict[int, Tally]) -> dict[int, str]:
    rows = db.session.execute(select(User.id, User.name).where(User.id.in_(sorted(people))))
    return {DESK: "本处", **{row[0]: row[1] for row in rows}}


class ListedClock(NamedTuple):
    """One running clock of the list; an order's has its number and scope, a report's an office instead of a ticket."""

    id: int
    kind: ClockKind
    due_on: date
    due_at: datetime
    original_due_on: date
    provisional: bool
    report_key: str | None
    ticket_id: int | None
    order_id: int | None
    number: str | None
    grade: Grade | None
    urgent: bool | None
    summary: str | None
    room: str | None
    community: str | None
    office: str | None
    department: str | None
    handler: str | None

    @property
    def cursor(self) -> str:
        """The place of this line in the order of the list."""
        return f"{self.due_at:%Y%m%d%H%M%S}.{self.id}"


_LISTED: Select[*tuple[Any, ...]] = (
    select(
        Clock.id,
        Clock.kind,
        Clock.due_on,
        Clock.due_at,
        Clock.original_due_on,
        Clock.provisional,
        Clock.report_key,
        Clock.ticket_id,
        Clock.order_id,
        func.coalesce(WorkOrder.number, Ticket.number),
        Ticket.grade,
        Ticket.urgent,
        func.coalesce(WorkOrder.scope, Ticket.summary),
        Ticket.room,
        Community.name,
        ServiceOffice.name,
        Department.name,
        User.name,
    )
    .outerjoin(Ticket, Ticket.id == Clock.ticket_id)
    .outerjoin(WorkOrder, WorkOrder.id == Clock.order_id)
    .outerjoin(Community, Community.id == Clock.community_id)
    .outerjoin(ServiceOffice, ServiceOffice.id == Clock.office_id)
    .outerjoin(Department, Department.id == Clock.department_id)
    .outerjoin(User, User.id == Clock.handler_id)
    .order_by(Clock.due_at, Clock.id)
)


def listed(over: Ground, wanted: BoardFilter) -> Select[*tuple[Any, ...]]:
    """The running clocks that are asked for, the next deadline first, all pages of them."""
    where = _place(over, wanted.office_id, wanted.department_id)
    if wanted.band is not None:
        where.append(Cuts.today().holds(wanted.band))
    if wanted.kind is not None:
        where.append(Clock.kind == wanted.kind)
    if wanted.person == DESK:
        where.append(Clock.handler_id.is_(None))
    elif wanted.person is not None:
        where.append(Clock.handler_id == wanted.person)
    return _LISTED.where(*where)


def page(over: Ground, wanted: BoardFilter, size: int = PAGE) -> tuple[list[ListedClock], str]:
    """One page of the list and the cursor of the next one, empty when this is the last (keyset)."""
    query = listed(over, wanted)
    if (place := _cursor(wanted.after)) is not None:
        query = query.where(
            tuple_(Clock.due_at, Clock.id)
            > tuple_(*place, types=(Clock.due_at.type, Clock.id.type))
        )
    rows = [ListedClock(*row) for row in db.session.execute(query.limit(size + 1))]
    following = rows[size - 1].cursor if len(rows) > size else ""
    return rows[:size], following


def together(rows: list[ListedClock]) -> dict[int | None, list[tuple[ClockKind, date]]]:
    """All running clocks of the tickets on a page, the next deadline first, by the ticket's id."""
    found: dict[int | None, list[tuple[ClockKind, date]]] = {}
    ids = {row.ticket_id for row in rows if row.ticket_id is not None}
    if ids:
        running = select(Clock.ticket_id, Clock.kind, Clock.due_on).where(
            RUNNING, Clock.ticket_id.in_(sorted(ids))
        )
        for ticket_id, kind, due_on in db.session.execute(running.order_by(Clock.due_at)):
            found.setdefault(ticket_id, []).append((kind, due_on))
    return found


def _cursor(after: str) -> tuple[datetime, int] | None:
    """The cursor taken apart; None for the first page or a cursor that makes no sense."""
    key, _, row_id = after.partition(".")
    if not (f"{key}{row_id}".isascii() and key.isdigit() and row_id.isdigit()):
        return None
    if len(row_id) > 18:
        return None
    try:
        return datetime.strptime(key, "%Y%m%d%H%M%S").replace(tzinfo=time.UTC), int(row_id)
    except ValueError:
        return None
