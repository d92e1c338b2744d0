"""The road of a ticket as one table: state, act, target, roles, guard, clause (procedure 3.4).

A complaint goes from 已转派 through 处理中, a repair through 待勘察 and 维修中; both end at the callback. The papers of
a repair, 会签表 and 派工单, have roads of their own (`procedure.repair_roads`). The mover, the pages and the tests all
read these tables.
"""

from typing import Generic, NamedTuple, TypeVar

from ticketing.kernel.enums import Labelled
from ticketing.procedure.deadlines import MOST_EXTENSIONS
from ticketing.procedure.permissions import Act
from ticketing.procedure.vocabulary import Flow, Role, TicketStage

R = TicketStage.REGISTERED
D = TicketStage.DISPATCHED
H = TicketStage.HANDLING
S = TicketStage.SURVEYING
P = TicketStage.REPAIRING
B = TicketStage.CALLBACK
C = TicketStage.CLOSED

DESK = frozenset({Role.CLERK, Role.OFFICE, Role.CS_MANAGER})
DISPATCHERS = frozenset({Role.OFFICE, Role.CS_MANAGER})
HANDLERS = frozenset({Role.HANDLER, Role.ENGINEER, Role.CS_MANAGER})
RETURNERS = frozenset({Role.HANDLER, Role.ENGINEER})
NOTERS = DESK | HANDLERS
GRADERS = DESK | {Role.DEPUTY_GM, Role.GENERAL_MANAGER}
MANAGER = frozenset({Role.CS_MANAGER})
LEADERS = frozenset({Role.DEPUTY_GM, Role.GENERAL_MANAGER})
SETTLERS = MANAGER | LEADERS
ACCEPTERS = DISPATCHERS | {Role.CAPTAIN, Role.ENGINEER}


class Guard(NamedTuple):
    """A condition beside role and state; `sentence` says why the act is refused.

    `cure` is the act by which what is missing comes about. One that counts `at_end` is asked only where
    the act ends the ticket. One that comes `first` is asked before anybody is shown a form. A `signature` may be given
    by a deputy: the guard itself looks whom he stands in for.
    """

    name: str
    sentence: str
    cure: Act | None = None
    at_end: bool = False
    first: bool = False
    signature: bool = False


CLASSIFIED = Guard("classified", "分派前须有分类、责任部门和责任人。")
OWN_DEPARTMENT = Guard("own_department", "只有当前责任部门可以这样做。")
ASKED_DEPARTMENT = Guard("asked_department", "只有被请求协办且未回复的部门可以回复。")
NOT_OWN_WORK = Guard("not_own_work", "处理人不能回访自己处理的投诉，请由其他同事回访。")
THREE_ATTEMPTS = Guard(
    "three_attempts", "未经回访满意而关闭，须有至少 3 次、分布在 2 个不同日期的未接通回访记录。"
)


SURVEYED = Guard("surveyed", "会签齐全之后才能下勘察结论。", first=True)
TO_REPAIR = Guard("to_repair", "勘察认定没有需要维修的项目，请用“不予维修”。", first=True)
NOTHING_TO_REPAIR = Guard(
    "nothing_to_repair", "勘察认定有需要维修的项目，请用“勘察结论：维修”。", first=True
)
NO_OPEN_ORDER = Guard("no_open_order", "还有未完成的派工单，请先完成或作废。", first=True)
ALL_ACCEPTED = Guard("all_accepted", "派工单还没有全部验收。", first=True)
MAJOR_ONLY = Guard("major_only", "只有重大投诉需要这样办理。", first=True)
GRAVE = Guard("grave", "专题报告用于重大投诉或处理困难的重要投诉。", first=True)
DIRECTED = Guard(
    "directed",
    "重大投诉须先有总经理或副总经理拟定的处理措施，才能处理完毕。",
    cure=Act.DIRECT,
)
DIRECTED_TO_LEAVE = DIRECTED._replace(
    name="directed_to_leave",
    sentence="重大投诉须先有总经理或副总经理拟定的处理措施，才能判为无效或由客户撤回。",
)
DIRECTED_AT_END = DIRECTED._replace(name="directed_at_end", at_end=True)
MINUTED = Guard("minuted", "重大投诉须先有专题会议纪要，才能关闭。", cure=Act.MINUTE, at_end=True)
PROPOSED = Guard("proposed", "没有等待确认的降级，或降级由您本人提出：须由另一人确认。", first=True)
UNSUBMITTED = Guard("unsubmitted", "专题报告已经上报，不能再改。", first=True)
DRAFTED = Guard("drafted", "还没有专题报告的草稿，或报告已经上报。", first=True)
SUBMITTED = Guard("submitted", "没有等待批示的专题报告。", first=True)
BEFORE_DUE = Guard("before_due", "时限已到，不能再延期；超期须如实保留。", first=True)
EXTENSIONS_LEFT = Guard(
    "extensions_left",
    f"已延期 {MOST_EXTENSIONS} 次，达到上限；请报客户服务部经理处理。",
    first=True,
)


Stage = TypeVar("Stage", bound=Labelled)


class Step(NamedTuple, Generic[Stage]):
    """One row of a road: in `state`, `act` by one of `roles` leads to `target`."""

    state: Stage
    act: Act
    target: Stage
    roles: frozenset[Role]
    clause: str
    guards: tuple[Guard, ...] = ()

    @property
    def stays(self) -> bool:
        """Whether the act leaves the ticket where it is."""
        return self.state is self.target


def in_each(
    states: tuple[Stage, ...],
    act: Act,
    target: Stage | None,
    roles: frozenset[Role],
    clause: str,
    *guards: Guard,
) -> tuple[Step[Stage], ...]:
    """The same row for several states; without a target the paper stays where it is."""
    return tuple(Step(state, act, target or state, roles, clause, guards) for state in states)


TICKET_ROAD: tuple[Step[TicketStage], ...] = (
    Step(R, Act.CORRECT, R, DESK, "3.4.3"),
    Step(R, Act.DISPATCH, D, DISPATCHERS, "3.4.2", (CLASSIFIED,)),
    *in_each((D, H, S, P, B), Act.AMEND, None, DESK, "3.4.3"),
    *in_each((D, H), Act.TRANSFER, D, DISPATCHERS, "3.4.2", CLASSIFIED),
    Step(D, Act.RETURN, R, RETURNERS, "3.4.2", (OWN_DEPARTMENT,)),
    Step(D, Act.FEED_BACK, H, HANDLERS, "3.4.2.2", (OWN_DEPARTMENT,)),
    *in_each((R, D, H, S, P, B), Act.FOLLOW_UP, None, NOTERS, "3.4.4"),
    *in_each((D, H, S, P), Act.ASK_ASSISTANCE, None, DISPATCHERS, "2.1.3"),
    *in_each((R, D, H, S, P, B), Act.ASSIST, None, NOTERS, "2.1.3", ASKED_DEPARTMENT),
    *in_each((R, D, H, S, P, B), Act.REGRADE, None, GRADERS, "3.4.7"),
    *in_each((R, D, H, S, P, B), Act.SETTLE_GRADE, None, SETTLERS, "3.4.7", MAJOR_ONLY, PROPOSED),
    *in_each((R, D, H, S, P, B), Act.DIRECT, None, LEADERS, "2.1.2", MAJOR_ONLY),
    *in_each((R, D, H, S, P, B), Act.MINUTE, None, DISPATCHERS, "3.10.5", MAJOR_ONLY),
    *in_each((R, D, H, S, P, B, C), Act.DRAFT_SPECIAL, None, MANAGER, "3.10.6", GRAVE, UNSUBMITTED),
    *in_each((R, D, H, S, P, B, C), Act.SUBMIT_SPECIAL, None, MANAGER, "3.10.6", DRAFTED),
    *in_each(
        (R, D, H, S, P, B, C),
        Act.INSTRUCT,
        None,
        frozenset({Role.GENERAL_MANAGER}),
        "3.10.6",
        SUBMITTED,
    ),
    *in_each((R, D, H), Act.EXTEND, None, DISPATCHERS, "3.4.5-延", BEFORE_DUE, EXTENSIONS_LEFT),
    Step(H, Act.RESOLVE, B, HANDLERS | {Role.OFFICE}, "3.4.5-他", (OWN_DEPARTMENT, DIRECTED)),
    *in_each((D, H), Act.SCHEDULE_SURVEY, S, DISPATCHERS, "3.4.5"),
    Step(S, Act.CONCLUDE_SURVEY, P, MANAGER, "3.4.5", (SURVEYED, TO_REPAIR, DIRECTED)),
    Step(S, Act.DECLINE_REPAIR, H, MANAGER, "3.4.5", (SURVEYED, NOTHING_TO_REPAIR)),
    *in_each((S, P), Act.RESURVEY, S, DISPATCHERS, "3.4.5", NO_OPEN_ORDER),
    Step(P, Act.ACCEPT_REPAIR, B, ACCEPTERS, "3.5.3", (ALL_ACCEPTED,)),
    Step(B, Act.CALL_BACK, C, DESK, "3.5.4", (NOT_OWN_WORK, DIRECTED_AT_END, MINUTED)),
    Step(B, Act.CLOSE, C, DISPATCHERS, "3.5.4", (THREE_ATTEMPTS, DIRECTED_AT_END, MINUTED)),
    Step(C, Act.REOPEN, H, DISPATCHERS, "3.4.2"),
    *in_each(
        (R, D, H, S, P),
        Act.INVALIDATE,
        TicketStage.INVALID,
        MANAGER,
        "3.4.2",
        NO_OPEN_ORDER,
        DIRECTED_TO_LEAVE,
    ),
    *in_each(
        (R, D, H, S, P, B),
        Act.WITHDRAW,
        TicketStage.WITHDRAWN,
        DESK,
        "2.2.2",
        NO_OPEN_ORDER,
        DIRECTED_TO_LEAVE,
    ),
    *in_each((R, D, H), Act.MERGE, TicketStage.MERGED, DISPATCHERS, "2.2.2"),
)
"""A callback closes the ticket when the customer is content; `CALLBACK_TURNS` names its other ends."""

REWORK = {False: H, True: P}
"""Where a customer who is not satisfied, or calls again, sends a ticket back: by whether it is a repair."""

CALLBACK_TURNS: dict[str, TicketStage] = {"content": C, "rework": H, "unreached": B}
"""Where a callback leads: content closes, not content goes back as rework, unreached stays."""

ENTRY_ROLES = DESK
"""Who may put a ticket on the road at all (procedure 3.4.3)."""

_BY_STATE_AND_ACT = {(step.state, step.act): step for step in TICKET_ROAD}


def find_step(state: TicketStage, act: Act) -> Step[TicketStage] | None:
    """The row for `act` in `state`, or None when the table has none."""
    return _BY_STATE_AND_ACT.get((state, act))


def steps_from(state: TicketStage) -> tuple[Step[TicketStage], ...]:
    """The rows that leave or stay in `state`, in the order of the table."""
    return tuple(step for step in TICKET_ROAD if step.state is state)


def roles_that_move(act: Act) -> frozenset[Role]:
    """The roles that may do `act` in some state."""
    if act is Act.REGISTER:
        return ENTRY_ROLES
    return frozenset().union(*(step.roles for step in TICKET_ROAD if step.act is act))


def flow_of(state: TicketStage, target: TicketStage) -> Flow | None:
    """What moving from `state` to `target` does to the stock of open tickets, if anything."""
    if state.is_open == target.is_open:
        return None
    if target.is_open:
        return Flow.REOPENED
    return Flow(target.value)
