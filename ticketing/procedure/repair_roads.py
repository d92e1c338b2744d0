"""The roads of the two papers of a repair, one table each: 会签表 (procedure 3.4.5) and 派工单 (procedure 3.5)."""

from ticketing.procedure import workflow
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import OrderStage, Side, SurveyStage
from ticketing.procedure.vocabulary import Role
from ticketing.procedure.workflow import DISPATCHERS, MANAGER, Guard, Step, in_each

LOOKERS = frozenset({Role.OFFICE, Role.CS_MANAGER, Role.ENGINEER, Role.CAPTAIN})
RECORDERS = frozenset({Role.OFFICE, Role.CS_MANAGER, Role.ENGINEER})
CAPTAIN = frozenset({Role.CAPTAIN})
ENGINEER = frozenset({Role.ENGINEER})
APPROVERS = frozenset(
    {Role.CS_MANAGER, Role.DEPUTY_CHIEF_ENGINEER, Role.DEPUTY_GM, Role.GENERAL_MANAGER}
)
ACCOUNTANTS = frozenset({Role.CAPTAIN, Role.OFFICE, Role.CS_MANAGER})
INSPECTORS = frozenset({Role.OFFICE, Role.CS_MANAGER, Role.ENGINEER})
WITNESSES = frozenset({Role.OFFICE, Role.CS_MANAGER, Role.CAPTAIN})

UNSIGNED = Guard("unsigned", "已有人签字，会签表不能再改；需要时请复勘。", first=True)
UNDER_SURVEY = Guard("under_survey", "登记表已不在勘察中，会签表不能再办理。", first=True)
OWN_TEAM = Guard("own_team", "只有这次勘察的维修队长可以这样做。", first=True)
OWN_BOX = Guard("own_box", "只能办理自己一方的签字；施工单位和客户在公司人员面前签。")
OWN_CREW = Guard("own_crew", "只有这张派工单的维修队长可以这样做。")
NEXT_SIGNATORY = Guard(
    "next_signatory",
    "现在不轮到您审批，或您（或您代理的人）参与过这张派工单。",
    first=True,
    signature=True,
)
PICTURED = Guard("pictured", "自检前须有修前照片和完工照片。", first=True)
PICTURED_ANEW = Guard("pictured_anew", "验收不合格之后须重新拍完工照，才能再次自检。", first=True)
USED = Guard("used", "没有可以划去的工料。", first=True)
KEEPS_USES = Guard("keeps_uses", "工料由客户服务人员或本单的维修队长划去。", first=True)
CHECKED = Guard("checked", "检查人不能是维修队长或自检人。", first=True)
UNINSPECTED = Guard("uninspected", "已经竣工检查过，等客户签认。", first=True)
WITNESSED = Guard("witnessed", "由客户服务人员或本单的维修队长请客户签认。", first=True)
UNACCEPTED = Guard("unaccepted", "客户已经签认，等竣工检查。", first=True)
EXTENDABLE = (workflow.BEFORE_DUE, workflow.EXTENSIONS_LEFT)
UNAPPROVED = Guard("unapproved", "只有抢修先行、审批被退回的派工单可以重新报批。", first=True)
DOABLE = Guard("doable", "派工单须有维修队、至少一个项目和估价。")

S, K = SurveyStage.SCHEDULED, SurveyStage.RECORDED

SURVEY_ROAD: tuple[Step[SurveyStage], ...] = (
    *in_each((S, K), Act.RESCHEDULE_SURVEY, None, DISPATCHERS, "3.4.5", UNDER_SURVEY, UNSIGNED),
    Step(S, Act.ARRIVE_SURVEY, S, LOOKERS, "3.4.5", (UNDER_SURVEY, OWN_TEAM)),
    *in_each((S, K), Act.RECORD_SURVEY, K, RECORDERS, "3.4.5", UNDER_SURVEY, UNSIGNED),
    Step(K, Act.SIGN_SURVEY, SurveyStage.SIGNED, LOOKERS, "3.4.5", (UNDER_SURVEY, OWN_BOX)),
)
"""A signature leads to 已会签 when it completes the required set; until then the sheet stays 已记录."""

D = OrderStage.DRAFT
A = OrderStage.APPROVING
R = OrderStage.APPROVED
I = OrderStage.ISSUED  # noqa: E741
W = OrderStage.ACKNOWLEDGED
C = OrderStage.SELF_CHECKED
T = OrderStage.TRANSFERRED
X = OrderStage.CANCELLED
E = OrderStage.ACCEPTED
AFTERWARDS = (I, W, C, T, E)
"""Where an order stands whose approval comes after the work began: an emergency, or an account beyond the estimate."""

ORDER_ROAD: tuple[Step[OrderStage], ...] = (
    Step(D, Act.AMEND_ORDER, D, DISPATCHERS, "3.5.1"),
    Step(D, Act.SUBMIT_ORDER, A, DISPATCHERS, "3.6.1", (DOABLE,)),
    Step(A, Act.APPROVE_ORDER, R, APPROVERS, "3.6.1", (NEXT_SIGNATORY,)),
    Step(A, Act.RETURN_ORDER, D, APPROVERS, "3.6.1", (NEXT_SIGNATORY,)),
    Step(R, Act.RETURN_ORDER, D, DISPATCHERS, "3.6.1"),
    *in_each((D, A), Act.ISSUE_FIRST, I, MANAGER, "3.6.1", DOABLE),
    *in_each(AFTERWARDS, Act.SUBMIT_ORDER, None, DISPATCHERS, "3.6.1", UNAPPROVED),
    *in_each(AFTERWARDS, Act.APPROVE_ORDER, None, APPROVERS, "3.6.1", NEXT_SIGNATORY),
    *in_each(AFTERWARDS, Act.RETURN_ORDER, None, APPROVERS, "3.6.1", NEXT_SIGNATORY),
    Step(E, Act.ASK_SUPPLEMENT, E, ACCOUNTANTS, "3.6.1"),
    Step(R, Act.ISSUE_ORDER, I, MANAGER, "3.5.1"),
    *in_each((D, A, R, I, W), Act.PLAN_ORDER, None, DISPATCHERS, "3.5.2"),
    Step(I, Act.ACKNOWLEDGE_ORDER, W, CAPTAIN, "3.5.2", (OWN_CREW,)),
    Step(W, Act.ARRIVE_ORDER, W, CAPTAIN, "3.5.2", (OWN_CREW,)),
    *in_each((W, C), Act.NOTE_USE, None, CAPTAIN, "3.5.5", OWN_CREW),
    *in_each((I, W, C, T), Act.STRIKE_USE, None, WITNESSES, "3.5.5", KEEPS_USES, USED),
    Step(W, Act.SELF_CHECK, C, CAPTAIN, "3.5.3", (OWN_CREW, PICTURED, PICTURED_ANEW)),
    Step(T, Act.SELF_CHECK, C, ENGINEER, "3.4.6", (PICTURED, PICTURED_ANEW)),
    Step(C, Act.INSPECT_ORDER, OrderStage.ACCEPTED, INSPECTORS, "3.5.3", (CHECKED, UNINSPECTED)),
    Step(C, Act.SIGN_OFF, OrderStage.ACCEPTED, WITNESSES, "3.5.3", (WITNESSED, UNACCEPTED)),
    Step(C, Act.REJECT_WORK, W, INSPECTORS, "3.5.3", (CHECKED,)),
    *in_each((I, W), Act.ASK_EXTENSION, None, CAPTAIN, "3.4.5-延", OWN_CREW, *EXTENDABLE),
    *in_each((I, W, T), Act.EXTEND_ORDER, None, DISPATCHERS, "3.4.5-延", *EXTENDABLE),
    *in_each((I, W), Act.ADD_TRADE, None, DISPATCHERS, "3.4.5-多"),
    *in_each((I, W), Act.TRANSFER_ORDER, T, DISPATCHERS, "3.4.6"),
    *in_each((D, A, R, I, W, T), Act.CANCEL_ORDER, X, MANAGER, "3.5.1"),
)
"""An inspection or the customer's signature leads to 已验收 when it is the last one asked for; until then the order
stays 已自检. A rejected order goes back to who did the work. What is returned to an earlier signatory stays where it is."""

SIDE_ROLES: dict[Side, frozenset[Role]] = {
    Side.SERVICE: frozenset({Role.OFFICE, Role.CS_MANAGER}),
    Side.ENGINEERING: ENGINEER,
    Side.PROPERTY: frozenset({Role.OFFICE, Role.CS_MANAGER}),
    Side.CAPTAIN: CAPTAIN,
    Side.CONTRACTOR: RECORDERS,
    Side.CUSTOMER: LOOKERS,
}
"""Who may file the signature of a box: his own, or one given before his eyes by somebody without an account."""


ONE_OF = frozenset({Side.ENGINEERING, Side.PROPERTY})
"""Engineering or, in its place, the property company (procedure 3.4.5)."""


def still_asked(settled: frozenset[Side], contractor_required: bool) -> list[str]:
    """What a 会签表 still lacks, in the words of its boxes: service, engineering or property, captain, contractor where
    asked, customer (procedure 3.4.5).

    A box counts as settled when it is signed, or when absence or refusal is recorded with its reason and evidence; the
    company's own boxes have to be signed.
    """
    asked: list[frozenset[Side]] = [
        frozenset({Side.SERVICE}),
        ONE_OF,
        frozenset({Side.CAPTAIN}),
        *([frozenset({Side.CONTRACTOR})] if contractor_required else []),
        frozenset({Side.CUSTOMER}),
    ]
    return [
        "或".join(side.label for side in Side if side in ways)
        for ways in asked
        if not ways & settled
    ]


def complete(settled: frozenset[Side], contractor_required: bool) -> bool:
    """Whether a 会签表 has every box it needs (procedure 3.4.5)."""
    return not still_asked(settled, contractor_required)


MUST_SIGN = frozenset({Side.SERVICE, Side.ENGINEERING, Side.PROPERTY, Side.CAPTAIN})
"""Boxes of the company's side: they are signed or open, never excused."""

_SURVEY = {(step.state, step.act): step for step in SURVEY_ROAD}
_ORDER = {(step.state, step.act): step for step in ORDER_ROAD}


def survey_step(state: SurveyStage, act: Act) -> Step[SurveyStage] | None:
    """The row of the survey's road for `act` in `state`, if there is one."""
    return _SURVEY.get((state, act))


def order_step(state: OrderStage, act: Act) -> Step[OrderStage] | None:
    """The row of the order's road for `act` in `state`, if there is one."""
    return _ORDER.get((state, act))


def order_steps_from(state: OrderStage) -> tuple[Step[OrderStage], ...]:
    """The rows that leave or stay in `state`, in the order of the table."""
    return tuple(step for step in ORDER_ROAD if step.state is state)


def survey_steps_from(state: SurveyStage) -> tuple[Step[SurveyStage], ...]:
    """The rows that leave or stay in `state`, in the order of the table."""
    return tuple(step for step in SURVEY_ROAD if step.state is state)


def roles_that_sign(act: Act) -> frozenset[Role]:
    """The roles whose signature `act` is in some state: those a deputy may give it for (trust: S10)."""
    signed = [
        step.roles
        for step in ORDER_ROAD
        if step.act is act and any(guard.signature for guard in step.guards)
    ]
    return frozenset[Role]().union(*signed)


def roles_that_move(act: Act) -> frozenset[Role]:
    """The roles that may do `act` to any paper in some state."""
    if act is Act.DRAFT_ORDER:
        return DISPATCHERS
    surveys = [step.roles for step in SURVEY_ROAD if step.act is act]
    orders = [step.roles for step in ORDER_ROAD if step.act is act]
    return workflow.roles_that_move(act).union(*surveys, *orders)
