"""The list of accounts: its filter, its pages by keyset, the counts above it, the rows of its workbook.

Every select is narrowed to the scope of the person asking by `queries.visible`.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, case, false, func, not_, or_, select, tuple_
from sqlalchemy.orm import aliased
from werkzeug.datastructures import MultiDict

from ticketing.casefile.tickets.models import Ticket
from ticketing.casefile.timers.models import Clock, ClockState
from ticketing.kernel import clock
from ticketing.kernel.db import counted, db, written
from ticketing.kernel.enums import Labelled
from ticketing.kernel.text import row_id
from ticketing.masters.contractors.models import RepairTeam
from ticketing.masters.estate.models import Community
from ticketing.masters.people.models import User
from ticketing.masters.people.scope import Scope
from ticketing.procedure.deadlines import ClockKind
from ticketing.procedure.repairs import OrderClass
from ticketing.procedure.settlement import Reduction, SettlementStage, reduction
from ticketing.procedure.vocabulary import Role
from ticketing.steps.settlement import hands, queries
from ticketing.steps.settlement.models import Settlement
from ticketing.steps.settlement.queries import visible
from ticketing.steps.work_orders.lists import place_of
from ticketing.steps.work_orders.models import WorkOrder
from ticketing.steps.work_orders.turns import accounts_of

PAGE = 50
CLOCKS = (
    ClockKind.COST_STATEMENT,
    ClockKind.CS_REVIEW,
    ClockKind.AUDIT,
    ClockKind.CONTRACTOR_CONFIRMATION,
    ClockKind.CERTIFICATION,
    ClockKind.PAYMENT,
)
"""The clocks an account works against, one after the other."""


class Pile(Labelled):
    """What an account waits for: the chips above the list. The values stand in addresses; nothing stores them."""

    MINE = "mine", "待我办理"
    BEGIN = "begin", "待编制"
    DRAFTING = "drafting", "编制中"
    REVIEW = "review", "待审核"
    AUDIT = "audit", "待审计"
    COMPILE = "compile", "待编写结算书"
    NOTIFY = "notify", "待通知施工单位"
    CONFIRMING = "confirming", "待施工单位确认"
    DISPUTED = "disputed", "有异议"
    CERTIFY = "certify", "待认定"
    PAY = "pay", "待拨付"
    RETURNED = "returned", "退回"
    PAID = "paid", "已拨付"


_stage = Settlement.stage
_open = _stage != written(_stage, SettlementStage.PAID)

_compiled = Settlement.compiled_at.is_not(None)
_of_a = Settlement.order_class == OrderClass.A

WAITING: dict[Pile, ColumnElement[bool]] = {
    Pile.DRAFTING: _stage == SettlementStage.DRAFTING,
    Pile.REVIEW: queries.to_review(Role.CS_MANAGER),
    Pile.AUDIT: queries.to_review(Role.AUDITOR),
    Pile.COMPILE: and_(_stage == SettlementStage.REVIEWED, not_(_compiled)),
    Pile.NOTIFY: and_(_stage == SettlementStage.REVIEWED, _compiled, _of_a),
    Pile.CONFIRMING: _stage == SettlementStage.CONFIRMING,
    Pile.DISPUTED: _stage == SettlementStage.DISPUTED,
    Pile.CERTIFY: queries.TO_CERTIFY,
    Pile.PAY: _stage == SettlementStage.CERTIFIED,
    Pile.RETURNED: _stage == SettlementStage.RETURNED,
}
"""What each pile of open accounts holds."""


def his_turn(scope: Scope) -> ColumnElement[bool]:
    """The condition that the next step of an account is this very person's."""
    me, roles = accounts_of(scope.user_id), scope.roles
    ways: list[ColumnElement[bool]] = []
    if Role.CAPTAIN in roles:
        drafted = or_(WAITING[Pile.DRAFTING], WAITING[Pile.RETURNED])
        ways.append(and_(drafted, queries.of_his_crew(scope)))
    ways += [
        and_(hands.waits_for_review(role), hands.free_to_review(me))
        for role in hands.REVIEW_LADDER
        if role in roles
    ]
    if roles & {Role.OFFICE, Role.CS_MANAGER}:
        ways.append(WAITING[Pile.COMPILE])
    if Role.AUDITOR in roles:
        unanswered = and_(WAITING[Pile.CONFIRMING], Settlement.answer_due_on < clock.today())
        ways += [WAITING[Pile.NOTIFY], WAITING[Pile.DISPUTED], unanswered]
    if rungs := [n for n, role in enumerate(hands.CERTIFY_LADDER) if role in roles]:
        nobody_else = hands.nobody_below(hands.CERTIFY_LADDER[min(rungs)])
        ways.append(and_(queries.TO_CERTIFY, hands.free_to_certify(me), nobody_else))
    ways += hands.turn_of_deputy(scope)
    if Role.FINANCE in roles:
        ways.append(and_(WAITING[Pile.PAY], hands.free_to_pay(me)))
    return or_(*ways) if ways else false()


@dataclass(frozen=True)
class SettlementFilter:
    """What the list shows; each field is a query parameter of its address."""

    pile: Pile | None = None
    ended_too: bool = False
    order_class: OrderClass | None = None
    community_id: int | None = None
    team_id: int | None = None
    since: date | None = None
    until: date | None = None
    after: str = ""

    @property
    def plain(self) -> bool:
        """Whether nothing is left out but what is paid."""
        return self == SettlementFilter(after=self.after)

    @property
    def newest_first(self) -> bool:
        """Whether it is listed by age, because what is paid has no deadline left."""
        return self.ended_too or self.pile is Pile.PAID


def from_query(args: MultiDict[str, str]) -> SettlementFilter:
    """The filter an address asks for; what makes no sense is left out rather than refused."""

    def number(name: str) -> int | None:
        try:
            return row_id(args.get(name, ""))
        except ValueError:
            return None

    def day(name: str) -> date | None:
        try:
            found = date.fromisoformat(args.get(name, ""))
        except ValueError:
            return None
        return found if 1900 <= found.year <= 2900 else None

    pile = {one.value: one for one in Pile}.get(args.get("pile", ""))
    classes = {one.value: one for one in OrderClass if one.repairs}
    return SettlementFilter(
        pile=pile,
        ended_too=pile is None and args.get("all") == "1",
        order_class=classes.get(args.get("class", "")),
        community_id=number("community"),
        team_id=number("team"),
        since=day("from"),
        until=day("to"),
        after=args.get("after", ""),
    )


FAR = date(2999, 12, 31)
_DUE = func.coalesce(
    select(func.min(Clock.due_on))
    .where(
        Clock.order_id == Settlement.order_id,
        Clock.state == ClockState.RUNNING,
        Clock.kind.in_(CLOCKS),
    )
    .correlate(Settlement)
    .scalar_subquery(),
    FAR,
)
"""What an account is listed by: the date by which its next step is owed."""


def conditions(scope: Scope, wanted: SettlementFilter) -> list[ColumnElement[bool]]:
    """The WHERE of a list without its paging: the scope first, then each filter that is set."""
    where = [visible(scope)]
    if wanted.pile is Pile.PAID:
        where.append(not_(_open))
    elif not wanted.ended_too:
        where.append(_open)
    if wanted.pile is Pile.MINE:
        where.append(his_turn(scope))
    elif wanted.pile is Pile.BEGIN:
        where.append(false())
    elif wanted.pile in WAITING:
        where.append(WAITING[wanted.pile])
    for column, value in (
        (Settlement.order_class, wanted.order_class),
        (Settlement.community_id, wanted.community_id),
    ):
        if value is not None:
            where.append(column == value)
    if wanted.team_id is not None:
        of_team = select(WorkOrder.id).where(WorkOrder.team_id == wanted.team_id)
        where.append(Settlement.order_id.in_(of_team))
    if wanted.since is not None:
        where.append(Settlement.submitted_at >= clock.at(wanted.since))
    if wanted.until is not None:
        where.append(Settlement.submitted_at < clock.at(wanted.until + timedelta(days=1)))
    return where


class ListedSettlement(NamedTuple):
    """One line of the list."""

    id: int
    number: str
    order_class: OrderClass
    stage: SettlementStage
    route: Role | None
    revision: int
    due: date
    community: str
    room: str
    scope: str
    submitted_fen: int
    approved_fen: int | None
    chargeback_fen: int
    team: str | None
    captain: str | None
    order_number: str
    ticket_number: str
    drafted_at: datetime
    submitted_at: datetime | None
    reviewed_at: datetime | None
    compiled_at: datetime | None
    certified_at: datetime | None
    paid_at: datetime | None

    @property
    def cut(self) -> Reduction | None:
        """审减, once it is approved."""
        if self.approved_fen is None:
            return None
        return reduction(self.submitted_fen, self.approved_fen)

    @property
    def waits(self) -> str:
        """What it waits for, in words."""
        return waits_for(self.stage, self.route, self.order_class, self.compiled_at is not None)

    def cursor(self, newest_first: bool) -> str:
        """The place of this line in the order of its list."""
        return f"{'0' if newest_first else f'{self.due:%Y%m%d}'}.{self.id}"


def waits_for(
    stage: SettlementStage, route: Role | None, order_class: OrderClass, compiled: bool
) -> str:
    """What an account waits for, in the words of the chips; what is paid waits for nothing."""
    if stage is SettlementStage.SUBMITTED:
        return (Pile.AUDIT if route is Role.AUDITOR else Pile.REVIEW).label
    if stage is SettlementStage.REVIEWED:
        if not compiled:
            return Pile.COMPILE.label
        return (Pile.NOTIFY if order_class is OrderClass.A else Pile.CERTIFY).label
    return {
        SettlementStage.DRAFTING: Pile.DRAFTING,
        SettlementStage.CONFIRMING: Pile.CONFIRMING,
        SettlementStage.CONFIRMED: Pile.CERTIFY,
        SettlementStage.DISPUTED: Pile.DISPUTED,
        SettlementStage.CERTIFIED: Pile.PAY,
        SettlementStage.RETURNED: Pile.RETURNED,
        SettlementStage.PAID: Pile.PAID,
    }[stage].label


_CAPTAIN = aliased(User)
_LISTED: Select[*tuple[Any, ...]] = (
    select(
        Settlement.id,
        Settlement.number,
        Settlement.order_class,
        Settlement.stage,
        Settlement.route,
        Settlement.revision,
        _DUE,
        Community.name,
        Ticket.room,
        WorkOrder.scope,
        Settlement.submitted_fen,
        Settlement.approved_fen,
        Settlement.chargeback_fen,
        RepairTeam.name,
        _CAPTAIN.name,
        WorkOrder.number,
        Ticket.number,
        Settlement.drafted_at,
        Settlement.submitted_at,
        Settlement.reviewed_at,
        Settlement.compiled_at,
        Settlement.certified_at,
        Settlement.paid_at,
    )
    .join(WorkOrder, WorkOrder.id == Settlement.order_id)
    .join(Ticket, Ticket.id == Settlement.ticket_id)
    .join(Community, Community.id == Settlement.community_id)
    .outerjoin(RepairTeam, RepairTeam.id == WorkOrder.team_id)
    .outerjoin(_CAPTAIN, _CAPTAIN.id == RepairTeam.captain_id)
)


def listed(scope: Scope, wanted: SettlementFilter) -> Select[*tuple[Any, ...]]:
    """The accounts that are asked for, all pages of them: the next deadline first, with paid ones the newest first."""
    return _LISTED.where(*conditions(scope, wanted)).order_by(*_order(wanted))


def _order(wanted: SettlementFilter) -> tuple[Any, ...]:
    return (Settlement.id.desc(),) if wanted.newest_first else (_DUE, Settlement.id)


def page(
    scope: Scope, wanted: SettlementFilter, size: int = PAGE
) -> tuple[list[ListedSettlement], str]:
    """One page of the list and the cursor of the next one, empty when this is the last (keyset)."""
    some, place = select(Settlement.id).where(*conditions(scope, wanted)), place_of(wanted.after)
    if place is not None and wanted.newest_first:
        some = some.where(Settlement.id < place[1])
    elif place is not None and place[0] is not None:
        after = tuple_(*place, types=(Clock.due_on.type, Settlement.id.type))
        some = some.where(tuple_(_DUE, Settlement.id) > after)
    # what the page shows of them is read for these alone
    chosen = some.order_by(*_order(wanted)).limit(size + 1)
    found = _LISTED.where(Settlement.id.in_(chosen)).order_by(*_order(wanted))
    rows = [ListedSettlement(*row) for row in db.session.execute(found)]
    following = rows[size - 1].cursor(wanted.newest_first) if len(rows) > size else ""
    return rows[:size], following


class Counts(NamedTuple):
    """How many open accounts wait for what: the chips above the list."""

    open: int
    piles: dict[Pile, int]


def counts(scope: Scope) -> Counts:
    """Count the open accounts within scope in one pass, those that wait for this person in another, a captain's orders in a third."""

    def tally(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)

    found = db.session.execute(
        select(func.count(), *map(tally, WAITING.values())).where(visible(scope), _open)
    ).one()
    piles = {Pile.MINE: mine(scope)}
    if Role.CAPTAIN in scope.roles:
        piles[Pile.BEGIN] = queries.count_to_account(scope)
    piles |= dict(zip(WAITING, map(int, found[1:]), strict=True))
    return Counts(found[0], piles)


def mine(scope: Scope) -> int:
    """How many accounts wait for this very person, counted up to `MOST_COUNTED`."""
    return counted(select(Settlement.id).where(visible(scope), _open, his_turn(scope)))


def next_of_mine(scope: Scope, settlement_id: int) -> int | None:
    """The next account that waits for this very person, after this one."""
    return db.session.scalar(
        select(Settlement.id)
        .where(visible(scope), _open, his_turn(scope), Settlement.id != settlement_id)
        .order_by(Settlement.id)
        .limit(1)
    )


def of_order(scope: Scope, order_id: int) -> list[ListedSettlement]:
    """The account of an order, as far as this person may see it."""
    return _found(scope, Settlement.order_id == order_id)


def of_ticket(scope: Scope, ticket_id: int) -> list[ListedSettlement]:
    """The accounts of a ticket's orders, as far as this person may see them."""
    return _found(scope, Settlement.ticket_id == ticket_id)


def _found(scope: Scope, condition: ColumnElement[bool]) -> list[ListedSettlement]:
    query = _LISTED.where(visible(scope), condition).order_by(Settlement.id)
    return [ListedSettlement(*row) for row in db.session.execute(query)]
