"""Approval again: an account that goes beyond the approved estimate, or into a higher tier (procedure 3.6.1).

The settlement asks `why_again` before it takes an account, opens a round with `open_supplement` and goes on when
`supplement_state` says it is approved. The chain, its page and its notices are those of the estimate.
"""

from datetime import datetime

from ticketing.kernel.errors import Conflict, Invalid
from ticketing.kernel.text import clean
from ticketing.masters.people.models import User
from ticketing.procedure import approvals
from ticketing.procedure.approvals import Signatory
from ticketing.procedure.grading import yuan
from ticketing.procedure.parameters import percent
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import ApprovalKind, ApprovalOutcome
from ticketing.steps.work_orders import rounds
from ticketing.steps.work_orders.approving import is_approved
from ticketing.steps.work_orders.models import ApprovalRound, WorkOrder
from ticketing.steps.work_orders.road import ORDERS
from ticketing.steps.work_orders.turns import open_round


def approved_fen(order: WorkOrder) -> int:
    """Up to which amount (fen) the order is approved: its estimate, or a supplement approved later; 0 before any approval."""
    if not is_approved(order):
        return 0
    return [one for one in order.rounds if one.outcome is ApprovalOutcome.APPROVED][-1].amount_fen


def why_again(order: WorkOrder, amount_fen: int, what: str = "决算") -> str:
    """Why an account of `amount_fen`, called `what`, needs approval again, in words; empty where what is approved covers it.

    By more than the parameter allows above the approved amount, or in a higher tier; the limits and the related orders
    are those of the estimate.
    """
    approved, limits = approved_fen(order), rounds.limits_of(order)
    if not approved:
        return "估价尚未批准"
    if amount_fen * 10_000 > approved * (10_000 + limits.overrun_bp):
        return (
            f"{what} {yuan(amount_fen)}超过批准的 {yuan(approved)}多于 {percent(limits.overrun_bp)}"
        )
    rest = sum(_summed(order).values())
    if _tier(amount_fen + rest, order) > _tier(approved + rest, order):
        return f"{what} {yuan(amount_fen)}进入更高一级审批"
    return ""


def open_supplement(order: WorkOrder, amount_fen: int, actor: User, *, basis: str) -> ApprovalRound:
    """Open a round for an account of `amount_fen`; one that was under way for another amount is void (procedure 3.6.1).

    `basis` says in words what is approved, such as the account's number and version: it stands on the page and is part of
    what a signature is bound to.

    Raises Invalid, NotPermitted, Conflict (the estimate itself is being approved, or nothing is exceeded).
    """
    ORDERS.begin(order, Act.ASK_SUPPLEMENT, actor, None)
    basis, why = clean(basis), why_again(order, amount_fen)
    if not basis:
        raise Invalid("请写明报批的决算书。")
    if not why:
        raise Conflict("没有超过已批准的金额，不需要重新审批。")
    under_way = open_round(order)
    if under_way is not None and under_way.kind is not ApprovalKind.SUPPLEMENT:
        raise Conflict("估价正在审批，批准之后才能报超估价审批。")
    if not is_approved(order):
        raise Conflict("估价尚未批准，请先补办审批。")
    at = ORDERS.advance(
        order,
        Act.ASK_SUPPLEMENT,
        actor=actor,
        version=order.version,
        facts={"amount_fen": amount_fen, "basis": basis, "why": why},
    )
    if under_way is not None:
        rounds.close(order, ApprovalOutcome.VOID, at)
    made = rounds.open_up(
        order,
        ApprovalKind.SUPPLEMENT,
        amount_fen=amount_fen,
        summed=_summed(order),
        basis=f"{basis}\n{why}",
        opened_by=actor,
        at=at,
    )
    rounds.ask_next(order, actor, at)
    return made


def give_up(order: WorkOrder, at: datetime) -> None:
    """The account a round was opened for went back: what is under way is void, nobody signs for it any more (promise 18)."""
    under_way = open_round(order)
    if under_way is not None and under_way.kind is ApprovalKind.SUPPLEMENT:
        rounds.close(order, ApprovalOutcome.VOID, at)


def supplement_state(order: WorkOrder) -> ApprovalRound | None:
    """The last round about an account, with amount, basis and outcome; None where none was opened."""
    return next(
        (one for one in reversed(order.rounds) if one.kind is ApprovalKind.SUPPLEMENT), None
    )


def _summed(order: WorkOrder) -> dict[int, int]:
    """The related orders as the estimate's round counted them."""
    estimate = [one for one in order.rounds if one.kind is ApprovalKind.ESTIMATE][-1]
    return {one.summed_id: one.amount_fen for one in estimate.summed}


def _tier(fen: int, order: WorkOrder) -> int:
    chain: tuple[Signatory, ...] = approvals.signatories(fen, rounds.limits_of(order))
    return approvals.TIERS.index(chain)
