"""The clocks of the procedure as tables: how long each step may take, from when, under which clause; which act
starts and ends it; when somebody is reminded.

Instants are aware UTC, dates are Shanghai dates.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import NamedTuple

from ticketing.kernel import clock
from ticketing.kernel.enums import Labelled
from ticketing.procedure.permissions import Act
from ticketing.procedure.vocabulary import TicketStage
from ticketing.procedure.workdays import (
    CLOSES,
    Calendar,
    add_calendar_days,
    add_working_days,
    working_instants,
)

POLICY = 1
"""The edition of `LIMITS`: raised whenever a limit changes; a paper keeps the one it started with."""


class ClockKind(Labelled):
    """What is owed in time. Stored with every clock."""

    DISPATCHING = "dispatching", "分派"
    DEPT_FEEDBACK = "dept_feedback", "部门反馈"
    COMPLAINT = "complaint", "办结"
    CALLBACK = "callback", "回访"
    EMERGENCY = "emergency", "应急响应"
    ESCALATION = "escalation", "拟定处理措施"
    WEEKLY_REPORT = "weekly_report", "周报上报"
    SITE_SURVEY = "site_survey", "现场勘察"
    ORDER_ISSUE = "order_issue", "派工"
    REPAIR = "repair", "维修"
    COST_STATEMENT = "cost_statement", "编制决算书"
    CS_REVIEW = "cs_review", "客服审核"
    AUDIT = "audit", "审计审核"
    CONTRACTOR_CONFIRMATION = "contractor_confirmation", "施工单位确认"
    CERTIFICATION = "certification", "认定"
    PAYMENT = "payment", "拨付"
    EMERGENCY_APPROVAL = "emergency_approval", "抢修补批"


class Unit(Labelled):
    """In what a time limit is counted."""

    WORKING_DAYS = "wd", "个工作日"
    CALENDAR_DAYS = "day", "天"
    HOURS = "hour", "小时"


class Deadline(NamedTuple):
    """When a clock is due: the Shanghai date, the instant it rings, and whether the date is provisional."""

    on: date
    at: datetime
    provisional: bool


class TimeLimit(NamedTuple):
    """One time limit: what is owed, how much of which unit, and the clause that sets it.

    `house` marks a limit the procedure leaves open and the house has set.
    """

    kind: ClockKind
    amount: int
    unit: Unit
    clause: str
    house: bool = False

    def deadline(self, started_at: datetime, calendar: Calendar) -> Deadline:
        """When it is due when it starts at `started_at`: 17:30 of the due date, or hours later to the minute."""
        start = clock.local(started_at).date()
        if self.unit is Unit.HOURS:
            at = started_at + timedelta(hours=self.amount)
            return Deadline(clock.local(at).date(), at, provisional=False)
        count = add_working_days if self.unit is Unit.WORKING_DAYS else add_calendar_days
        on, provisional = count(start, self.amount, calendar)
        return Deadline(on, clock.at(on, *CLOSES), provisional)

    def __str__(self) -> str:
        return f"{self.amount}{self.unit}"


_WD, _DAY = Unit.WORKING_DAYS, Unit.CALENDAR_DAYS

LIMITS: tuple[TimeLimit, ...] = (
    TimeLimit(ClockKind.DISPATCHING, 1, _WD, "3.4.2", house=True),
    TimeLimit(ClockKind.DEPT_FEEDBACK, 3, _WD, "3.4.2.2"),
    TimeLimit(ClockKind.COMPLAINT, 7, _DAY, "3.4.5-他"),
    TimeLimit(ClockKind.CALLBACK, 1, _WD, "3.5.4"),
    TimeLimit(ClockKind.EMERGENCY, 2, Unit.HOURS, "3.4.5", house=True),
    TimeLimit(ClockKind.ESCALATION, 2, _WD, "3.4.7", house=True),
    TimeLimit(ClockKind.WEEKLY_REPORT, 1, _WD, "3.10.3"),
    TimeLimit(ClockKind.SITE_SURVEY, 1, _WD, "3.4.5"),
    TimeLimit(ClockKind.ORDER_ISSUE, 1, _WD, "3.5.1", house=True),
    TimeLimit(ClockKind.REPAIR, 3, _WD, "3.4.5-单"),
    TimeLimit(ClockKind.COST_STATEMENT, 3, _WD, "3.5.5", house=True),
    TimeLimit(ClockKind.CS_REVIEW, 5, _WD, "3.5.6", house=True),
    TimeLimit(ClockKind.AUDIT, 10, _WD, "3.5.6", house=True),
    TimeLimit(ClockKind.CONTRACTOR_CONFIRMATION, 7, _DAY, "3.5.7", house=True),
    TimeLimit(ClockKind.CERTIFICATION, 3, _WD, "3.5.8", house=True),
    TimeLimit(ClockKind.PAYMENT, 10, _WD, "3.5.9", house=True),
    TimeLimit(ClockKind.EMERGENCY_APPROVAL, 1, _WD, "3.6.1", house=True),
)
"""Every limit of the procedure, one row a kind. The procedure's own figures are not marked `house`."""

MULTI_TRADE_REPAIR = TimeLimit(ClockKind.REPAIR, 7, _WD, "3.4.5-多")

_BY_KIND = {limit.kind: limit for limit in LIMITS}


def limit_of(kind: ClockKind) -> TimeLimit:
    """The limit in force for what is owed."""
    return _BY_KIND[kind]


def limit_for(kind: ClockKind, trades: int | None = None) -> TimeLimit:
    """The limit of one clock: a repair's depends on its number of trades (procedure 3.4.5-单, 3.4.5-多)."""
    if kind is ClockKind.REPAIR and (trades or 1) > 1:
        return MULTI_TRADE_REPAIR
    return _BY_KIND[kind]


class ClockRule(NamedTuple):
    """One row of the table that joins the road and the clocks.

    An act of `starts` starts the clock, and so does the return of a finished ticket to a stage of `back_to`. An act of `meets` meets it where it moves the ticket on (a callback that
    reaches nobody meets nothing), or anywhere if `on_the_spot`; reaching a stage of `reached` meets it too.
    An act of `cancels` ends it unmet. A clock `of_order` belongs to a work order, not to the ticket as a whole.
    """

    kind: ClockKind
    starts: frozenset[Act] = frozenset()
    meets: frozenset[Act] = frozenset()
    cancels: frozenset[Act] = frozenset()
    reached: frozenset[TicketStage] = frozenset()
    on_the_spot: bool = False
    back_to: frozenset[TicketStage] = frozenset()
    of_order: bool = False


EXITS = frozenset({Act.INVALIDATE, Act.WITHDRAW, Act.MERGE})
"""Acts by which a ticket leaves the road: every clock of it is cancelled."""

CLOCK_RULES: tuple[ClockRule, ...] = (
    ClockRule(
        ClockKind.DISPATCHING,
        starts=frozenset({Act.REGISTER, Act.RETURN}),
        meets=frozenset({Act.DISPATCH}),
    ),
    ClockRule(
        ClockKind.DEPT_FEEDBACK,
        starts=frozenset({Act.DISPATCH, Act.TRANSFER}),
        meets=frozenset({Act.FEED_BACK}),
        cancels=frozenset({Act.TRANSFER, Act.RETURN, Act.SCHEDULE_SURVEY}),
    ),
    ClockRule(
        ClockKind.COMPLAINT,
        starts=frozenset({Act.REGISTER, Act.REOPEN, Act.DECLINE_REPAIR}),
        cancels=frozenset({Act.CONCLUDE_SURVEY}),
        reached=frozenset({TicketStage.CLOSED}),
    ),
    ClockRule(
        ClockKind.CALLBACK,
        starts=frozenset({Act.RESOLVE, Act.ACCEPT_REPAIR}),
        meets=frozenset({Act.CALL_BACK, Act.CLOSE}),
    ),
    ClockRule(
        ClockKind.EMERGENCY,
        meets=frozenset(
            {Act.FEED_BACK, Act.FOLLOW_UP, Act.RESOLVE, Act.ARRIVE_SURVEY, Act.ARRIVE_ORDER}
        ),
        on_the_spot=True,
    ),
    ClockRule(
        ClockKind.ESCALATION,
        meets=frozenset({Act.DIRECT}),
        on_the_spot=True,
    ),
    ClockRule(
        ClockKind.SITE_SURVEY,
        starts=frozenset({Act.SCHEDULE_SURVEY, Act.RESURVEY}),
        meets=frozenset({Act.SIGN_SURVEY}),
        cancels=frozenset({Act.RESURVEY}),
        on_the_spot=True,
    ),
    ClockRule(
        ClockKind.ORDER_ISSUE,
        starts=frozenset({Act.SIGN_SURVEY, Act.CANCEL_ORDER}),
        meets=frozenset({Act.ISSUE_ORDER, Act.ISSUE_FIRST}),
        cancels=frozenset({Act.DECLINE_REPAIR, Act.RESURVEY}),
        on_the_spot=True,
        back_to=frozenset({TicketStage.REPAIRING}),
    ),
    ClockRule(
        ClockKind.REPAIR,
        starts=frozenset({Act.ISSUE_ORDER, Act.ISSUE_FIRST, Act.REJECT_WORK}),
        meets=frozenset({Act.SELF_CHECK}),
        cancels=frozenset({Act.CANCEL_ORDER}),
        on_the_spot=True,
        of_order=True,
    ),
    ClockRule(
        ClockKind.COST_STATEMENT,
        starts=frozenset({Act.INSPECT_ORDER, Act.SIGN_OFF, Act.RETURN_ACCOUNT}),
        meets=frozenset({Act.SUBMIT_ACCOUNT}),
        on_the_spot=True,
        of_order=True,
    ),
    *(
        ClockRule(
            kind,
            starts=frozenset(
                {
                    Act.SUBMIT_ACCOUNT,
                    Act.REVIEW_AGAIN,
                    Act.RETURN_SETTLEMENT,
                    Act.UNDO_CERTIFICATION,
                }
            ),
            meets=frozenset({Act.REVIEW_ACCOUNT}),
            cancels=frozenset({Act.RETURN_ACCOUNT}),
            on_the_spot=True,
            of_order=True,
        )
        for kind in (ClockKind.CS_REVIEW, ClockKind.AUDIT)
    ),
    ClockRule(
        ClockKind.CONTRACTOR_CONFIRMATION,
        starts=frozenset({Act.NOTIFY_CONTRACTOR, Act.REMIND_CONTRACTOR}),
        meets=frozenset({Act.CONFIRM_ACCOUNT, Act.DISPUTE_ACCOUNT, Act.DEEM_CONFIRMED}),
        cancels=frozenset({Act.REMIND_CONTRACTOR}),
        on_the_spot=True,
        of_order=True,
    ),
    ClockRule(
        ClockKind.CERTIFICATION,
        starts=frozenset({Act.COMPILE_SETTLEMENT, Act.CONFIRM_ACCOUNT, Act.DEEM_CONFIRMED}),
        meets=frozenset({Act.CERTIFY}),
        cancels=frozenset({Act.RETURN_SETTLEMENT}),
        on_the_spot=True,
        of_order=True,
    ),
    ClockRule(
        ClockKind.PAYMENT,
        starts=frozenset({Act.CERTIFY, Act.UNPAY_SETTLEMENT}),
        meets=frozenset({Act.PAY_SETTLEMENT}),
        cancels=frozenset({Act.UNDO_CERTIFICATION}),
        on_the_spot=True,
        of_order=True,
    ),
    ClockRule(
        ClockKind.EMERGENCY_APPROVAL,
        starts=frozenset({Act.ISSUE_FIRST}),
        meets=frozenset({Act.APPROVE_ORDER}),
        cancels=frozenset({Act.CANCEL_ORDER}),
        of_order=True,
    ),
)
"""The clocks of a ticket and of its orders. The one week of the other complaints ends when the survey finds a repair,
which has limits of its own, and begins anew when a second look finds nothing to repair; where it still runs it goes
on. The survey counts until the last required signature. The emergency clock starts at an urgent registration and the escalation clock with
the grade 重大: marks of the ticket, not acts, so the mover starts those two itself, and cancels the second
when the ticket is no longer major. The approval after an emergency is met by the last signature of its chain, which only
the approving itself can tell."""


class Turn(NamedTuple):
    """What one move does to the clocks of a ticket."""

    starts: frozenset[ClockKind]
    meets: frozenset[ClockKind]
    cancels: frozenset[ClockKind]


def turn(
    act: Act, origin: TicketStage | None, target: TicketStage, *, of_order: bool = False
) -> Turn:
    """Read off the table what `act`, leading from `origin` (None: a new ticket) to `target`, does to the clocks.

    With `of_order` it tells what an act on a work order does to the order's own clocks.
    """
    moved = origin is not target
    rules = [rule for rule in CLOCK_RULES if rule.of_order is of_order]
    return Turn(
        starts=frozenset(
            rule.kind
            for rule in rules
            if act in rule.starts or (target in rule.back_to and origin in _FINISHED)
        ),
        meets=frozenset(
            rule.kind
            for rule in rules
            if (act in rule.meets and (moved or rule.on_the_spot))
            or (moved and target in rule.reached)
        ),
        cancels=frozenset(ClockKind)
        if act in EXITS
        else frozenset(rule.kind for rule in rules if act in rule.cancels),
    )


_FINISHED = (TicketStage.CALLBACK, TicketStage.CLOSED)


STAGE_CLOCK: dict[TicketStage, ClockKind] = {
    TicketStage.REGISTERED: ClockKind.DISPATCHING,
    TicketStage.DISPATCHED: ClockKind.DEPT_FEEDBACK,
    TicketStage.HANDLING: ClockKind.COMPLAINT,
    TicketStage.SURVEYING: ClockKind.SITE_SURVEY,
    TicketStage.REPAIRING: ClockKind.ORDER_ISSUE,
    TicketStage.CALLBACK: ClockKind.CALLBACK,
}
"""Which clock the person at this stage works against; it orders his list."""

DESK_CLOCKS = frozenset(
    {
        ClockKind.DISPATCHING,
        ClockKind.ORDER_ISSUE,
        ClockKind.CALLBACK,
        ClockKind.EMERGENCY_APPROVAL,
    }
)
"""Clocks the community's own desk owes, whoever handles the ticket."""


class Level(Labelled):
    """When somebody is told about a running clock; each is told once. Values are stored."""

    HALF = "half", "时限过半"
    MOST = "most", "时限将至"
    MORNING = "morning", "今日到期"
    BREACH = "breach", "到时未完成"
    DAY_AFTER = "day_after", "已超一个工作日"

    @property
    def bit(self) -> int:
        """Its place in a clock's `rung`."""
        return 1 << list(Level).index(self)


class Hearer(Labelled):
    """Who is told when a clock rings."""

    HOLDER = "holder", "责任人"
    SUPERIOR = "superior", "上级"
    MANAGER = "manager", "客户服务部经理"


WHO_HEARS: dict[Level, tuple[Hearer, ...]] = {
    Level.HALF: (Hearer.HOLDER,),
    Level.MOST: (Hearer.HOLDER,),
    Level.MORNING: (Hearer.HOLDER,),
    Level.BREACH: (Hearer.HOLDER, Hearer.SUPERIOR),
    Level.DAY_AFTER: (Hearer.HOLDER, Hearer.SUPERIOR, Hearer.MANAGER),
}
"""A breach reaches the superior, a working day later the manager."""

MORNING_BELL = (9, 0)


def bells(
    unit: Unit, started_at: datetime, due_on: date, due_at: datetime, calendar: Calendar
) -> Iterator[tuple[Level, datetime]]:
    """When each level of a clock rings, in the order of `Level`.

    Half and four fifths of the working time between start and due date, 09:00 and 17:30 of the due date, and
    17:30 one working day later: always in working hours. A limit in hours is counted round the clock and has no
    morning bell.
    """
    if unit is Unit.HOURS:
        span = due_at - started_at
        yield Level.HALF, started_at + span / 2
        yield Level.MOST, started_at + span * 4 / 5
    else:
        half, most = working_instants(started_at, due_at, ((1, 2), (4, 5)), calendar)
        yield Level.HALF, half
        yield Level.MOST, most
        yield Level.MORNING, clock.at(due_on, *MORNING_BELL)
    yield Level.BREACH, due_at
    yield Level.DAY_AFTER, clock.at(add_working_days(due_on, 1, calendar).on, *CLOSES)


MOST_EXTENSIONS = 2
MOST_EXTENDED_DAYS = 15
"""How often a completion or a repair may be put off with the customer's consent, and by how many working days in all
(procedure 3.4.5-延); the house's own limit, beyond it the manager decides anew."""


def on_time(done_on: date, due_on: date) -> bool:
    """On time iff the Shanghai date of doing is not after the due date."""
    return done_on <= due_on
