"""The road of a ticket as one table: state, act, target, roles, guard, clause (procedure 3.4).

The complaint branch is here. The repair branch joins at DISPATCHED with its own rows; nothing else
has to change for it, because the mover, the pages and the tests all read this table.
"""

from typing import NamedTuple

from ticketing.procedure.permissions import Act
from ticketing.procedure.vocabulary import Flow, Role, TicketStage

R = TicketStage.REGISTERED
D = TicketStage.DISPATCHED
H = TicketStage.HANDLING
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


class Guard(NamedTuple):
    """A condition beside role and state; `sentence` says why the act is refused.

    `cure` is the act by which what is missing comes about. One that counts `at_end` is asked only where
    the act ends the ticket. One that comes `first` is asked before anybody is shown a form.
    """

    name: str
    sentence: str
    cure: Act | None = None
    at_end: bool = False
    first: bool = False


CLASSIFIED = Guard("classified", "分派前须有分类、责任部门和责任人。")
OWN_DEPARTMENT = Guard("own_department", "只有当前责任部门可以这样做。")
ASKED_DEPARTMENT = Guard("asked_department", "只有被请求协办且未回复的部门可以回复。")
NOT_OWN_WORK = Guard("not_own_work", "处理人不能回访自己处理的投诉，请由其他同事回访。")
THREE_ATTEMPTS = Guard(
    "three_attempts", "未经回访满意而关闭，须有至少 3 次、分布在 2 个不同日期的未接通回访记录。"
)


MAJOR_ONLY = Guard("major_only", "只有重大投诉需要这样办理。", first=True)
GRAVE = Guard("grave", "专题报告用于重大投诉或处理困难的重要投诉。", first=True)
DIRECTED = Guard(
    "directed",
    "重大投诉须先有总经理或副总经理拟定的处理措施，才能处理完毕。",
    cure=Act.DIRECT,
)
MINUTED = Guard("minuted", "重大投诉须先有专题会议纪要，才能关闭。", cure=Act.MINUTE, at_end=True)
PROPOSED = Guard("proposed", "没有等待确认的降级，或降级由您本人提出：须由另一人确认。", first=True)
UNSUBMITTED = Guard("unsubmitted", "专题报告已经上报，不能再改。", first=True)
DRAFTED = Guard("drafted", "还没有专题报告的草稿，或报告已经上报。", first=True)
SUBMITTED = Guard("submitted", "没有等待批示的专题报告。", first=True)


class Step(NamedTuple):
    """One row of the road: in `state`, `act` by one of `roles` leads to `target`."""

    state: TicketStage
    act: Act
    target: TicketStage
    roles: frozenset[Role]
    clause: str
    guards: tuple[Guard, ...] = ()

    @property
    def stays(self) -> bool:
        """Whether the act leaves the ticket where it is."""
        return self.state is self.target


def _in(
    states: tuple[TicketStage, ...],
    act: Act,
    target: TicketStage | None,
    roles: frozenset[Role],
    clause: str,
    *guards: Guard,
) -> tuple[Step, ...]:
    return tuple(Step(state, act, target or state, roles, clause, guards) for state in states)


TICKET_ROAD: tuple[Step, ...] = (
    Step(R, Act.CORRECT, R, DESK, "3.4.3"),
    Step(R, Act.DISPATCH, D, DISPATCHERS, "3.4.2", (CLASSIFIED,)),
    *_in((D, H, B), Act.AMEND, None, DESK, "3.4.3"),
    *_in((D, H), Act.TRANSFER, D, DISPATCHERS, "3.4.2", CLASSIFIED),
    Step(D, Act.RETURN, R, RETURNERS, "3.4.2", (OWN_DEPARTMENT,)),
    Step(D, Act.FEED_BACK, H, HANDLERS, "3.4.2.2", (OWN_DEPARTMENT,)),
    *_in((R, D, H, B), Act.FOLLOW_UP, None, NOTERS, "3.4.4"),
    *_in((D, H), Act.ASK_ASSISTANCE, None, DISPATCHERS, "2.1.3"),
    *_in((R, D, H, B), Act.ASSIST, None, NOTERS, "2.1.3", ASKED_DEPARTMENT),
    *_in((R, D, H, B), Act.REGRADE, None, GRADERS, "3.4.7"),
    *_in((R, D, H, B), Act.SETTLE_GRADE, None, SETTLERS, "3.4.7", MAJOR_ONLY, PROPOSED),
    *_in((R, D, H, B), Act.DIRECT, None, LEADERS, "2.1.2", MAJOR_ONLY),
    *_in((R, D, H, B), Act.MINUTE, None, DISPATCHERS, "3.10.5", MAJOR_ONLY),
    *_in((R, D, H, B, C), Act.DRAFT_SPECIAL, None, MANAGER, "3.10.6", GRAVE, UNSUBMITTED),
    *_in((R, D, H, B, C), Act.SUBMIT_SPECIAL, None, MANAGER, "3.10.6", DRAFTED),
    *_in(
        (R, D, H, B, C), Act.INSTRUCT, None, frozenset({Role.GENERAL_MANAGER}), "3.10.6", SUBMITTED
    ),
    *_in((R, D, H), Act.EXTEND, None, DISPATCHERS, "3.4.5-延"),
    Step(H, Act.RESOLVE, B, HANDLERS | {Role.OFFICE}, "3.4.5-他", (OWN_DEPARTMENT, DIRECTED)),
    Step(B, Act.CALL_BACK, C, DESK, "3.5.4", (NOT_OWN_WORK, MINUTED)),
    Step(B, Act.CLOSE, C, DISPATCHERS, "3.5.4", (THREE_ATTEMPTS, MINUTED)),
    Step(C, Act.REOPEN, H, DISPATCHERS, "3.4.2"),
    *_in((R, D, H), Act.INVALIDATE, TicketStage.INVALID, MANAGER, "3.4.2"),
    *_in((R, D, H, B), Act.WITHDRAW, TicketStage.WITHDRAWN, DESK, "2.2.2"),
    *_in((R, D, H), Act.MERGE, TicketStage.MERGED, DISPATCHERS, "2.2.2"),
)
"""A callback closes the ticket when the customer is content; `CALLBACK_TURNS` names its other ends."""

CALLBACK_TURNS: dict[str, TicketStage] = {"content": C, "rework": H, "unreached": B}
"""Where a callback leads: content closes, not content goes back as rework, unreached stays."""

ENTRY_ROLES = DESK
"""Who may put a ticket on the road at all (procedure 3.4.3)."""

_BY_STATE_AND_ACT = {(step.state, step.act): step for step in TICKET_ROAD}


def find_step(state: TicketStage, act: Act) -> Step | None:
    """The row for `act` in `state`, or None when the table has none."""
    return _BY_STATE_AND_ACT.get((state, act))


def steps_from(state: TicketStage) -> tuple[Step, ...]:
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
