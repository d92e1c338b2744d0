"""The list of work orders: its filter, its pages by keyset, the counts above it, the rows of its workbook.

Every select is narrowed to the scope of the person asking by `queries.visible`.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, case, func, select, tuple_
from sqlalchemy.orm import aliased
from werkzeug.datastructures import MultiDict

from ticketing.casefile.tickets.models import Ticket
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.enums import Labelled
from ticketing.kernel.text import row_id
from ticketing.masters.contractors.models import Contractor, RepairTeam, TeamArea
from ticketing.masters.estate.models import Community
from ticketing.masters.people.models import User
from ticketing.masters.people.scope import Scope
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import OrderClass, OrderStage
from ticketing.steps.work_orders import behind
from ticketing.steps.work_orders.behind import NO_FIGURE, OrdersBehind
from ticketing.steps.work_orders.models import WorkOrder
from ticketing.steps.work_orders.queries import IS_OPEN, visible
from ticketing.steps.work_orders.turns import his_turn

PAGE = 50


class Pile(Labelled):
    """What an order waits for: the chips above the list. The values stand in addresses; nothing stores them."""

    MINE = "mine", "待我审批"
    DRAFT = "draft", "拟单"
    APPROVING = "approving", "审批中"
    APPROVED = "approved", "待签发"
    ISSUED = "issued", "已派工"
    REPAIRING = "repairing", "维修中"
    CHECKING = "checking", "待验收"
    ASKED = "asked", "申请延期"
    OVERDUE = "overdue", "已超时"


STAGES: dict[Pile, tuple[OrderStage, ...]] = {
    Pile.DRAFT: (OrderStage.DRAFT,),
    Pile.APPROVING: (OrderStage.APPROVING,),
    Pile.APPROVED: (OrderStage.APPROVED,),
    Pile.ISSUED: (OrderStage.ISSUED,),
    Pile.REPAIRING: (OrderStage.ACKNOWLEDGED, OrderStage.TRANSFERRED),
    Pile.CHECKING: (OrderStage.SELF_CHECKED,),
}
ON_THE_CLOCK = (OrderStage.ISSUED, OrderStage.ACKNOWLEDGED, OrderStage.TRANSFERRED)


@dataclass(frozen=True)
class OrderFilter:
    """What the list shows; each field is a query parameter of its address."""

    pile: Pile | None = None
    ended_too: bool = False
    order_class: OrderClass | None = None
    community_id: int | None = None
    team_id: int | None = None
    after: str = ""
    behind: OrdersBehind = NO_FIGURE

    @property
    def plain(self) -> bool:
        """Whether nothing is left out but what has ended."""
        return self == OrderFilter(after=self.after)


def from_query(args: MultiDict[str, str]) -> OrderFilter:
    """The filter an address asks for; what makes no sense is left out rather than refused."""

    def number(name: str) -> int | None:
        try:
            return row_id(args.get(name, ""))
        except ValueError:
            return None

    piles = {pile.value: pile for pile in Pile}
    classes = {one.value: one for one in OrderClass if one.repairs}
    pile = piles.get(args.get("pile", ""))
    return OrderFilter(
        pile=pile,
        ended_too=pile is None and args.get("all") == "1",
        order_class=classes.get(args.get("class", "")),
        community_id=number("community"),
        team_id=number("team"),
        after=args.get("after", ""),
        behind=behind.from_query(args),
    )


_DUE = func.coalesce(WorkOrder.due_on, Ticket.due_on, date(2999, 12, 31))
"""What an order is listed by: its own due date, before the issue the next one of its ticket."""


def _overdue() -> ColumnElement[bool]:
    return and_(WorkOrder.stage.in_(ON_THE_CLOCK), WorkOrder.due_on < clock.today())


def conditions(scope: Scope, wanted: OrderFilter) -> list[ColumnElement[bool]]:
    """The WHERE of a list without its paging: the scope first, then each filter that is set."""
    where = [visible(scope)]
    if not wanted.ended_too and wanted.pile is not Pile.MINE:
        where.append(IS_OPEN)
    if wanted.pile is Pile.MINE:
        where.append(his_turn(scope))
    elif wanted.pile is Pile.ASKED:
        where.append(WorkOrder.asked_until.is_not(None))
    elif wanted.pile is Pile.OVERDUE:
        where.append(_overdue())
    elif wanted.pile is not None:
        where.append(WorkOrder.stage.in_(STAGES[wanted.pile]))
    for column, value in (
        (WorkOrder.order_class, wanted.order_class),
        (WorkOrder.community_id, wanted.community_id),
        (WorkOrder.team_id, wanted.team_id),
    ):
        if value is not None:
            where.append(column == value)
    return [*where, *wanted.behind.conditions()]


class ListedOrder(NamedTuple):
    """One line of the list."""

    id: int
    number: str
    order_class: OrderClass
    stage: OrderStage
    rework_of_id: int | None
    rejection_count: int
    asked_until: date | None
    due: date | None
    due_on: date | None
    due_provisional: bool
    visit_on: date | None
    community: str
    room: str
    scope: str
    estimate_fen: int
    team: str | None
    captain: str | None
    contractor: str | None
    ticket_id: int
    ticket_number: str
    issued_at: datetime | None
    self_checked_at: datetime | None
    accepted_at: datetime | None

    @property
    def done_on(self) -> date | None:
        """The Shanghai date on which the crew was done; None while it is not."""
        return clock.local(self.self_checked_at).date() if self.self_checked_at else None

    def cursor(self, ended_too: bool) -> str:
        """The place of this line in the order of its list."""
        return f"{'0' if ended_too or self.due is None else f'{self.due:%Y%m%d}'}.{self.id}"


_CAPTAIN = aliased(User)
_LISTED: Select[*tuple[Any, ...]] = (
    select(
        WorkOrder.id,
        WorkOrder.number,
        WorkOrder.order_class,
        WorkOrder.stage,
        WorkOrder.rework_of_id,
        WorkOrder.rejection_count,
        WorkOrder.asked_until,
        _DUE,
        WorkOrder.due_on,
        WorkOrder.due_provisional,
        WorkOrder.visit_on,
        Community.name,
        Ticket.room,
        WorkOrder.scope,
        WorkOrder.estimate_fen,
        RepairTeam.name,
        _CAPTAIN.name,
        Contractor.name,
        Ticket.id,
        Ticket.number,
        WorkOrder.issued_at,
        WorkOrder.self_checked_at,
        WorkOrder.accepted_at,
    )
    .join(Ticket, Ticket.id == WorkOrder.ticket_id)
    .join(Community, Community.id == WorkOrder.community_id)
    .outerjoin(RepairTeam, RepairTeam.id == WorkOrder.team_id)
    .outerjoin(_CAPTAIN, _CAPTAIN.id == RepairTeam.captain_id)
    .outerjoin(Contractor, Contractor.id == WorkOrder.contractor_id)
)


def listed(scope: Scope, wanted: OrderFilter) -> Select[*tuple[Any, ...]]:
    """The orders that are asked for, all pages of them: the next deadline first, with ended ones the newest first."""
    query = _LISTED.where(*conditions(scope, wanted))
    if wanted.ended_too:
        return query.order_by(WorkOrder.id.desc())
    return query.order_by(_DUE, WorkOrder.id)


def page(scope: Scope, wanted: OrderFilter, size: int = PAGE) -> tuple[list[ListedOrder], str]:
    """One page of the list and the cursor of the next one, empty when this is the last (keyset)."""
    query = listed(scope, wanted)
    place = place_of(wanted.after)
    if place is not None and wanted.ended_too:
        query = query.where(WorkOrder.id < place[1])
    elif place is not None and place[0] is not None:
        due_on, last = place
        query = query.where(
            tuple_(_DUE, WorkOrder.id)
            > tuple_(due_on, last, types=(WorkOrder.due_on.type, WorkOrder.id.type))
        )
    rows = [ListedOrder(*row) for row in db.session.execute(query.limit(size + 1))]
    following = rows[size - 1].cursor(wanted.ended_too) if len(rows) > size else ""
    return rows[:size], following


def place_of(after: str) -> tuple[date | None, int] | None:
    """The cursor taken apart; None for the first page or a cursor that makes no sense."""
    key, _, last = after.partition(".")
    if not (f"{key}{last}".isascii() and key.isdigit() and last.isdigit() and len(last) <= 18):
        return None
    if key == "0":
        return None, int(last)
    try:
        return date.fromisoformat(key), int(last)
    except ValueError:
        return None


class Counts(NamedTuple):
    """How many open orders wait for what: the chips above the list."""

    open: int
    piles: dict[Pile, int]


def counts(scope: Scope) -> Counts:
    """Count the open orders within scope in one pass, and those that wait for this very person in another."""

    def tally(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)

    asked = [WorkOrder.stage.in_(stages) for stages in STAGES.values()]
    found = db.session.execute(
        select(
            func.count(),
            *map(tally, asked),
            tally(WorkOrder.asked_until.is_not(None)),
            tally(_overdue()),
        ).where(visible(scope), IS_OPEN)
    ).one()
    piles = dict(zip((*STAGES, Pile.ASKED, Pile.OVERDUE), map(int, found[1:]), strict=True))
    if scope.may(Act.APPROVE_ORDER):
        mine = select(func.count(WorkOrder.id)).where(visible(scope), his_turn(scope))
        piles[Pile.MINE] = db.session.scalar(mine) or 0
    return Counts(found[0], piles)


def next_to_sign(scope: Scope, order_id: int) -> int | None:
    """The next order that waits for the signature of this very person, after this one."""
    if not scope.may(Act.APPROVE_ORDER):
        return None
    return db.session.scalar(
        select(WorkOrder.id)
        .where(visible(scope), his_turn(scope), WorkOrder.id != order_id)
        .order_by(WorkOrder.id)
        .limit(1)
    )


def filter_choices(scope: Scope) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
    """The communities within scope and the repair teams that work there, to filter the list by."""
    communities = select(Community.id, Community.name).order_by(Community.code)
    teams = select(RepairTeam.id, RepairTeam.name).order_by(RepairTeam.name)
    if not scope.sees_all_tickets:
        within = sorted(
            (scope.ticket_communities or frozenset()) | (scope.communities or frozenset())
        )
        communities = communities.where(Community.id.in_(within))
        works = select(TeamArea.team_id).where(TeamArea.community_id.in_(within))
        teams = teams.where(RepairTeam.id.in_(works))
    return (
        [(row[0], row[1]) for row in db.session.execute(communities)],
        [(row[0], row[1]) for row in db.session.execute(teams)],
    )
