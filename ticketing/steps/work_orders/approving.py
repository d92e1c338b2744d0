"""Approval of an order's estimate before the work begins, by amount (procedure 3.6.1)."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from ticketing.casefile.attachments.models import Attachment
from ticketing.casefile.notices.models import NoticeKind
from ticketing.casefile.tickets.telling import people_as
from ticketing.kernel.db import db
from ticketing.kernel.errors import Conflict
from ticketing.kernel.text import clean
from ticketing.masters.parameters import queries as parameters
from ticketing.masters.people.models import User
from ticketing.procedure import approvals
from ticketing.procedure.approvals import Signatory
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import OrderStage, Verdict
from ticketing.procedure.vocabulary import Role
from ticketing.steps.work_orders import queries
from ticketing.steps.work_orders.follow import filled, tell_of
from ticketing.steps.work_orders.models import ApprovalStep, WorkOrder
from ticketing.steps.work_orders.road import ORDERS, took_part


def submit(order: WorkOrder, *, version: int, actor: User) -> WorkOrder:
    """Hand the estimate in for approval; the chain is frozen now (procedure 3.6.1).

    Where nobody of a tier is free of an own part in it, the next tier decides: it is never waved through.
    """
    ORDERS.begin(order, Act.SUBMIT_ORDER, actor, version)
    round_, signatories = order.approval_round + 1, _chain(order, actor)
    at = ORDERS.advance(
        order,
        Act.SUBMIT_ORDER,
        actor=actor,
        version=version,
        changes={"approval_round": round_},
        facts={
            "estimate_fen": order.estimate_fen,
            "chain": [one.role.value for one in signatories],
        },
    )
    shown = what_is_shown(order)
    for position, (role, task) in enumerate(signatories, start=1):
        db.session.add(
            ApprovalStep(
                order_id=order.id,
                round=round_,
                position=position,
                role=role,
                task=task,
                amount_fen=order.estimate_fen,
                shown=shown,
            )
        )
    db.session.flush()
    db.session.expire(order, ["approvals"])
    _ask_next(order, actor, at)
    return order


def approve(order: WorkOrder, *, version: int, reason: str, actor: User) -> WorkOrder:
    """Sign one place of the chain; the last one makes the order ready to be issued (procedure 3.6.1).

    Raises NotPermitted (not his turn, or he took part), Conflict (what he was shown has changed).
    """
    row = ORDERS.begin(order, Act.APPROVE_ORDER, actor, version)
    ORDERS.check_first(row, order, actor)
    step = queries.next_step(order)
    assert step is not None  # the guard has seen it
    if step.shown != what_is_shown(order):
        raise Conflict("派工单内容在报批之后有变化，须退回重新报批。")
    present = [one for one in order.approvals if one.round == order.approval_round]
    last = all(one.verdict is not None for one in present if one is not step)
    at = ORDERS.advance(
        order,
        Act.APPROVE_ORDER,
        actor=actor,
        version=version,
        facts={"as": step.role.value, "task": step.task.label, "reason": clean(reason)},
        target=None if last else OrderStage.APPROVING,
    )
    _answer(step, Verdict.AGREED, clean(reason), actor, at)
    if last:
        tell_of(
            people_as((Role.CS_MANAGER,)), order, actor, at, "费用已批准，请签发派工", "approved"
        )
    else:
        _ask_next(order, actor, at)
    return order


def send_back(order: WorkOrder, *, version: int, reason: str, actor: User) -> WorkOrder:
    """Return an order to its drafter with the reason; the approval begins anew afterwards (procedure 3.6.1)."""
    ORDERS.begin(order, Act.RETURN_ORDER, actor, version)
    reason = filled(reason, "reason", "请写明退回的原因。")
    step = queries.next_step(order)
    at = ORDERS.advance(
        order, Act.RETURN_ORDER, actor=actor, version=version, facts={"reason": reason}
    )
    if step is not None:
        _answer(step, Verdict.RETURNED, reason, actor, at)
    to, kind = (order.drafted_by_id,), NoticeKind.RETURNED
    tell_of(to, order, actor, at, f"被退回：{reason}", "returned", kind)
    return order


def what_is_shown(order: WorkOrder) -> str:
    """The hash of what a signatory sees: any change of it voids his signature (trust: promise 18)."""
    pictures = db.session.scalars(
        select(Attachment.sha256)
        .where(Attachment.survey_id == order.survey_id)
        .order_by(Attachment.id)
    ).all()
    shown = {
        "class": order.order_class.value,
        "team": order.team_id,
        "estimate_fen": order.estimate_fen,
        "scope": order.scope,
        "items": sorted(item.defect_id for item in order.items),
        "pictures": list(pictures),
    }
    return hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()


def approved_step(order: WorkOrder) -> ApprovalStep:
    """The first signature of the round in force: what was shown to everybody who signed."""
    return next(one for one in order.approvals if one.round == order.approval_round)


def _answer(step: ApprovalStep, verdict: Verdict, reason: str, actor: User, at: datetime) -> None:
    step.verdict, step.reason, step.at, step.by_id = verdict, reason, at, actor.id
    db.session.flush()


def _chain(order: WorkOrder, submitter: User) -> Sequence[Signatory]:
    """The chain of the lowest tier, from the amount's own up, that has somebody free for each of its places."""
    for chain in approvals.chains(
        order.estimate_fen, parameters.limits_of(order.parameter_edition_id)
    ):
        if all(_free(order, one.role, submitter) for one in chain):
            break
    return chain


def _free(order: WorkOrder, role: Role, submitter: User | None = None) -> list[int]:
    """The people of a role who have no part in the order; with `submitter` as of now, before he hands it in."""
    people = db.session.scalars(select(User).where(User.id.in_(people_as((role,)))))
    return [
        one.id
        for one in people
        if not took_part(order, one) and not (submitter and one.is_same_person(submitter))
    ]


def _ask_next(order: WorkOrder, actor: User, at: datetime) -> None:
    step = queries.next_step(order)
    if step is None:
        return
    people = _free(order, step.role)
    tell_of(people, order, actor, at, f"请{step.task}维修费用", f"ask{step.round}.{step.position}")
