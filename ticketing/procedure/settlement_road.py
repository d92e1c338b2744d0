"""The road of an account, one table: 维修工程决算书 to 维修工程结算书 to the money (procedure 3.5.5 to 3.5.9)."""

from ticketing.procedure.permissions import Act
from ticketing.procedure.settlement import SettlementStage
from ticketing.procedure.vocabulary import Role
from ticketing.procedure.workflow import DISPATCHERS, Guard, Step, in_each

CAPTAIN = frozenset({Role.CAPTAIN})
AUDITOR = frozenset({Role.AUDITOR})
REVIEWERS = frozenset({Role.CS_MANAGER, Role.AUDITOR})
CERTIFIERS = frozenset({Role.DEPUTY_CHIEF_ENGINEER, Role.DEPUTY_GM, Role.GENERAL_MANAGER})

SIGNED = (
    Act.AUDIT_LINES,
    Act.REVIEW_ACCOUNT,
    Act.RETURN_ACCOUNT,
    Act.CERTIFY,
    Act.RETURN_SETTLEMENT,
)
"""The signatures on an account: a deputy may give them, and reads what he gave them for (trust: S10)."""

OWN_ACCOUNT = Guard("own_account", "决算书由这张派工单的维修队长编制。", first=True)
PRICED = Guard("priced", "决算书至少要有一行，合计须大于零。")
REVIEWER = Guard(
    "reviewer",
    "这份决算书不归您审核，或您（或您代理的人）参与过这次维修。",
    first=True,
    signature=True,
)
SUPPLEMENTED = Guard(
    "supplemented", "报审金额超出批准的估价，补充审批通过之后才能完成审核。", first=True
)
UNCOMPILED = Guard("uncompiled", "结算书已经编好。", first=True)
COMPILED = Guard("compiled", "先由客户服务部根据审核结果编写结算书。", first=True)
CLASS_A = Guard("class_a", "B类结算书不需要施工单位确认。", first=True)
UNREMINDED = Guard("unreminded", "7 天期满、尚未催告过，才能催告。", first=True)
DEEMABLE = Guard(
    "deemable",
    "只有通知时的补充协议写明逾期视同确认、且催告后又满 7 天，才能视同确认。",
    first=True,
)
NO_ANSWER = Guard("no_answer", "A类结算书须经施工单位确认。", first=True)
CERTIFIER = Guard(
    "certifier", "这份结算书不归您认定，或您（或您代理的人）参与过它。", first=True, signature=True
)

D = SettlementStage.DRAFTING
S = SettlementStage.SUBMITTED
V = SettlementStage.REVIEWED
N = SettlementStage.CONFIRMING
Y = SettlementStage.CONFIRMED
O = SettlementStage.DISPUTED  # noqa: E741
C = SettlementStage.CERTIFIED
P = SettlementStage.PAID
R = SettlementStage.RETURNED

SETTLEMENT_ROAD: tuple[Step[SettlementStage], ...] = (
    *in_each((D, R), Act.AMEND_ACCOUNT, None, CAPTAIN, "3.5.5", OWN_ACCOUNT),
    *in_each((D, R), Act.SUBMIT_ACCOUNT, S, CAPTAIN, "3.5.5", OWN_ACCOUNT, PRICED),
    Step(S, Act.AUDIT_LINES, S, REVIEWERS, "3.5.6", (REVIEWER,)),
    Step(S, Act.REVIEW_ACCOUNT, V, REVIEWERS, "3.5.6", (REVIEWER, SUPPLEMENTED)),
    Step(S, Act.RETURN_ACCOUNT, R, REVIEWERS, "3.5.6", (REVIEWER,)),
    Step(V, Act.COMPILE_SETTLEMENT, V, DISPATCHERS, "3.5.6", (UNCOMPILED,)),
    Step(V, Act.NOTIFY_CONTRACTOR, N, AUDITOR, "3.5.7", (CLASS_A, COMPILED)),
    Step(N, Act.REMIND_CONTRACTOR, N, AUDITOR, "3.5.7", (UNREMINDED,)),
    *in_each((N, O), Act.CONFIRM_ACCOUNT, Y, AUDITOR, "3.5.7"),
    Step(N, Act.DISPUTE_ACCOUNT, O, AUDITOR, "3.5.7"),
    Step(N, Act.DEEM_CONFIRMED, Y, AUDITOR, "3.5.7", (DEEMABLE,)),
    Step(O, Act.REVIEW_AGAIN, S, AUDITOR, "3.5.7"),
    *in_each((V, Y), Act.CERTIFY, C, CERTIFIERS, "3.5.8", COMPILED, NO_ANSWER, CERTIFIER),
    *in_each((V, Y), Act.RETURN_SETTLEMENT, S, CERTIFIERS, "3.5.8", COMPILED, NO_ANSWER, CERTIFIER),
    Step(C, Act.PAY_SETTLEMENT, P, frozenset({Role.CASHIER}), "3.5.9"),
    Step(P, Act.UNPAY_SETTLEMENT, C, AUDITOR, "3.5.9"),
    Step(C, Act.UNDO_CERTIFICATION, S, AUDITOR, "3.5.9"),
)
"""A class B account is certified once it is compiled, a class A account once its contractor has confirmed it.
What goes back goes to the reviewer, who may send it on to the captain. An account is paid by the release of its payment, and
unpaid, or its certification undone, by the reversal of what was booked: asked by finance, agreed to by audit.
"""

_ROAD = {(step.state, step.act): step for step in SETTLEMENT_ROAD}


def settlement_step(state: SettlementStage, act: Act) -> Step[SettlementStage] | None:
    """The row of the account's road for `act` in `state`, if there is one."""
    return _ROAD.get((state, act))


def settlement_steps_from(state: SettlementStage) -> tuple[Step[SettlementStage], ...]:
    """The rows that leave or stay in `state`, in the order of the table."""
    return tuple(step for step in SETTLEMENT_ROAD if step.state is state)


def roles_that_settle(act: Act) -> frozenset[Role]:
    """The roles that may do `act` to an account in some state."""
    if act is Act.DRAFT_ACCOUNT:
        return CAPTAIN
    return frozenset().union(*(step.roles for step in SETTLEMENT_ROAD if step.act is act))


def roles_that_sign(act: Act) -> frozenset[Role]:
    """The roles whose signature `act` is in some state: those a deputy may give it for (trust: S10)."""
    signed = [
        step.roles
        for step in SETTLEMENT_ROAD
        if step.act is act and any(guard.signature for guard in step.guards)
    ]
    return frozenset[Role]().union(*signed)
