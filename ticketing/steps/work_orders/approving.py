"""Approval of an order's money by amount: hand in, sign, return (procedure 3.6.1)."""

from datetime import datetime

from ticketing.casefile.notices.models import NoticeKind
from ticketing.casefile.tickets.telling import people_as
from ticketing.casefile.timers import commands as timers
from ticketing.kernel import clock
from ticketing.kernel.errors import Conflict, Invalid
from ticketing.kernel.text import clean
from ticketing.masters.people.models import User
from ticketing.procedure.deadlines import ClockKind
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import ApprovalKind, ApprovalOutcome, OrderStage, Verdict
from ticketing.procedure.vocabulary import Role
from ticketing.steps.work_orders import rounds
from ticketing.steps.work_orders.follow import charge, filled, tell_of
from ticketing.steps.work_orders.models import ApprovalRound, ApprovalStep, WorkOrder
from ticketing.steps.work_orders.road import ORDERS, Signing, signing
from ticketing.steps.work_orders.turns import next_step, open_round, steps_of


def submit(order: WorkOrder, *, version: int, actor: User) -> WorkOrder:
    """Hand the estimate in for approval; the chain is frozen now (procedure 3.6.1).

    Related orders are summed before the tier is chosen. Where nobody of a tier is free of an own part in it, the next
    tier decides: it is never waved through.
    """
    row = ORDERS.begin(order, Act.SUBMIT_ORDER, actor, version)
    ORDERS.check_first(row, order, actor)
    if order.emergency:
        raise Conflict("抢修先行的派工单，请写明答复后重新报批。")
    chain = rounds.chain_of_estimate(order, actor)
    at = ORDERS.advance(
        order,
        Act.SUBMIT_ORDER,
        actor=actor,
        version=version,
        facts={"estimate_fen": order.estimate_fen, "chain": [one.role.value for one in chain]},
    )
    rounds.open_estimate(order, opened_by=actor, at=at, chain=chain)
    rounds.ask_next(order, actor, at)
    return order


def approve(order: WorkOrder, *, version: int, reason: str, actor: User) -> WorkOrder:
    """Sign one place of the chain; the last one makes a draft ready to be issued (procedure 3.6.1).

    Raises NotPermitted (not his turn, or he took part), Conflict (what he was shown has changed).
    """
    row = ORDERS.begin(order, Act.APPROVE_ORDER, actor, version)
    ORDERS.check_first(row, order, actor)
    step, signed, round_ = next_step(order), signing(order, actor), open_round(order)
    assert step is not None and signed is not None and round_ is not None  # noqa: PT018  # the guard has seen it
    if step.shown != rounds.what_is_shown(order, round_):
        raise Conflict("派工单内容在报批之后有变化，须退回重新报批。")
    last = all(one.verdict is not None for one in steps_of(order, step.round) if one is not step)
    before = order.stage is OrderStage.APPROVING
    at = ORDERS.advance(
        order,
        Act.APPROVE_ORDER,
        actor=actor,
        version=version,
        facts={
            "as": step.role.value,
            "task": step.task.label,
            "reason": clean(reason),
            **_for(signed),
        },
        target=OrderStage.APPROVING if before and not last else None,
    )
    _answer(step, Verdict.AGREED, clean(reason), actor, signed, at)
    _tell_principal(order, signed, actor, at, f"{actor.name}代您{step.task}同意")
    if last:
        _approved(order, round_, actor, at)
    else:
        rounds.ask_next(order, actor, at)
    return order


def _approved(order: WorkOrder, round_: ApprovalRound, actor: User, at: datetime) -> None:
    """The round is complete: who goes on with the order is told; the clock after an emergency stops."""
    rounds.close(order, ApprovalOutcome.APPROVED, at)
    if order.stage is OrderStage.APPROVED:
        words, to = "费用已批准，请签发派工", people_as((Role.CS_MANAGER,))
    else:
        words, to = f"{round_.kind}已批准", [round_.opened_by_id, *people_as((Role.CS_MANAGER,))]
    if order.emergency and round_.kind is ApprovalKind.ESTIMATE:
        timers.follow(
            charge(order),
            starts=(),
            meets={ClockKind.EMERGENCY_APPROVAL},
            cancels=(),
            at=at,
            order_id=order.id,
        )
    tell_of(list(dict.fromkeys(to)), order, actor, at, words, "approved")


def send_back(
    order: WorkOrder, *, version: int, reason: str, actor: User, return_to: int | None = None
) -> WorkOrder:
    """Return an order with the reason: to an earlier signatory, or (None) to who drafted it (procedure 3.6.1).

    Returned to a signatory, the chain goes on from him; the signatures before him stand. Returned to the drafter, a
    draft becomes one again; an order already under way stays where it is and has to be handed in anew.

    Raises NotPermitted, Invalid (no such earlier place), Conflict.
    """
    row = ORDERS.begin(order, Act.RETURN_ORDER, actor, version)
    ORDERS.check_first(row, order, actor)
    reason = filled(reason, "reason", "请写明退回的原因。")
    step, round_ = next_step(order), open_round(order)
    signed = signing(order, actor) or Signing(None)
    earlier = [one.position for one in earlier_places(order)]
    if return_to is not None and return_to not in earlier:
        raise Invalid("只能退回到已经审批过的一步，或退回经办人。", field="return_to")
    again = steps_of(order, round_.round)[return_to - 1] if return_to and round_ else None
    at = ORDERS.advance(
        order,
        Act.RETURN_ORDER,
        actor=actor,
        version=version,
        facts={
            "reason": reason,
            **({"to": f"{again.role}（{again.task}）"} if again else {}),
            **_for(signed),
        },
        target=order.stage if again else None,
    )
    if step is not None:
        _answer(step, Verdict.RETURNED, reason, actor, signed, at)
        _tell_principal(order, signed, actor, at, f"{actor.name}代您退回：{reason}")
    if again is not None and round_ is not None and return_to is not None:
        rounds.close(order, ApprovalOutcome.RETURNED, at)
        rounds.open_again(order, round_, return_to, at)
        rounds.ask_next(order, actor, at)
        return order
    rounds.close(order, ApprovalOutcome.RETURNED if round_ else ApprovalOutcome.VOID, at)
    to = round_.opened_by_id if round_ else order.drafted_by_id
    words = f"被退回：{reason}"
    tell_of((order.drafted_by_id, to), order, actor, at, words, "returned", NoticeKind.RETURNED)
    return order


def earlier_places(order: WorkOrder) -> list[ApprovalStep]:
    """The places before the one whose turn it is: where an order can be returned to."""
    step = next_step(order)
    if step is None:
        return []
    return [one for one in steps_of(order, step.round) if one.position < step.position]


def last_return(order: WorkOrder) -> ApprovalStep | None:
    """What sent the order back last, so that who looks at it again sees why."""
    returned = [one for one in order.approvals if one.verdict is Verdict.RETURNED]
    return returned[-1] if returned else None


def is_approved(order: WorkOrder) -> bool:
    """Whether the last word on the estimate is an approval, and no round of it is under way."""
    estimates = [one for one in order.rounds if one.kind is ApprovalKind.ESTIMATE]
    return bool(estimates) and estimates[-1].outcome is ApprovalOutcome.APPROVED


def still_as_approved(order: WorkOrder) -> bool:
    """Whether an approved order is what its signatories saw."""
    round_ = order.rounds[-1]
    return steps_of(order, round_.round)[0].shown == rounds.what_is_shown(order, round_)


def void(order: WorkOrder) -> None:
    """Nothing is left to approve: the order is cancelled."""
    if open_round(order) is not None:
        rounds.close(order, ApprovalOutcome.VOID, clock.now())


def _answer(
    step: ApprovalStep,
    verdict: Verdict,
    reason: str,
    actor: User,
    signed: Signing,
    at: datetime,
) -> None:
    step.verdict, step.reason, step.at, step.by_id = verdict, reason, at, actor.id
    step.principal_id = signed.principal.id if signed.principal else None


def _for(signed: Signing) -> dict[str, str]:
    """What the journal says of a deputy's signature: in whose name."""
    return {"for": signed.principal.name} if signed.principal else {}


def _tell_principal(
    order: WorkOrder, signed: Signing, actor: User, at: datetime, words: str
) -> None:
    if signed.principal is not None:
        tell_of((signed.principal.id,), order, actor, at, words, "in_your_name")
