"""Approval of an order's estimate before the work begins, by amount (procedure 3.6.1)."""

import hashlib
import json
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
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import OrderStage, Verdict
from ticketing.procedure.vocabulary import Role
from ticketing.steps.work_orders import queries
from ticketing.steps.work_orders.follow import filled, tell_of
from ticketing.steps.work_orders.models import ApprovalStep, WorkOrder
from ticketing.steps.work_orders.road import ORDERS, Signing, signing
from ticketing.steps.work_orders.signatories import candidates, chain_for


def submit(order: WorkOrder, *, version: int, actor: User) -> WorkOrder:
    """Hand the estimate in for approval; the chain is frozen now (procedure 3.6.1).

    Where nobody of a tier is free of an own part in it, the next tier decides: it is never waved through.
    """
    ORDERS.begin(order, Act.SUBMIT_ORDER, actor, version)
    round_ = order.approval_round + 1
    signatories = chain_for(
        order, order.estimate_fen, parameters.limits_of(order.parameter_edition_id), actor
    )
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
    step, signed = queries.next_step(order), signing(order, actor)
    assert step is not None and signed is not None  # noqa: PT018  # the guard has seen it
    if step.shown != what_is_shown(order):
        raise Conflict("派工单内容在报批之后有变化，须退回重新报批。")
    present = [one for one in order.approvals if one.round == order.approval_round]
    last = all(one.verdict is not None for one in present if one is not step)
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
        target=None if last else OrderStage.APPROVING,
    )
    _answer(step, Verdict.AGREED, clean(reason), actor, signed, at)
    _tell_principal(order, signed, actor, at, f"{actor.name}代您{step.task}同意")
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
    step, signed = queries.next_step(order), signing(order, actor) or Signing(None)
    at = ORDERS.advance(
        order,
        Act.RETURN_ORDER,
        actor=actor,
        version=version,
        facts={"reason": reason, **_for(signed)},
    )
    if step is not None:
        _answer(step, Verdict.RETURNED, reason, actor, signed, at)
        _tell_principal(order, signed, actor, at, f"{actor.name}代您退回：{reason}")
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
    db.session.flush()


def _for(signed: Signing) -> dict[str, str]:
    """What the journal says of a deputy's signature: in whose name."""
    return {"for": signed.principal.name} if signed.principal else {}


def _tell_principal(
    order: WorkOrder, signed: Signing, actor: User, at: datetime, words: str
) -> None:
    if signed.principal is not None:
        tell_of((signed.principal.id,), order, actor, at, words, "in_your_name")


def _ask_next(order: WorkOrder, actor: User, at: datetime) -> None:
    step = queries.next_step(order)
    if step is None:
        return
    people = list(dict.fromkeys(one.user_id for one in candidates(order, step.role)))
    tell_of(people, order, actor, at, f"请{step.task}维修费用", f"ask{step.round}.{step.position}")
