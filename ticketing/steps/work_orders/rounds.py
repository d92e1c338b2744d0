"""Opening and closing a round of approval: what chooses its tier, what is shown in it, who is asked (procedure 3.6.1)."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import aliased

from ticketing.casefile.attachments.models import Attachment
from ticketing.casefile.defects.models import Defect
from ticketing.casefile.tickets.models import Ticket
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.masters.estate.models import Unit
from ticketing.masters.parameters import queries as parameters
from ticketing.masters.people.models import User
from ticketing.procedure.approvals import Signatory
from ticketing.procedure.parameters import Limits
from ticketing.procedure.repairs import ApprovalKind, ApprovalOutcome, OrderStage
from ticketing.steps.work_orders.follow import tell_of
from ticketing.steps.work_orders.models import (
    ApprovalRound,
    ApprovalStep,
    OrderItem,
    SummedOrder,
    WorkOrder,
)
from ticketing.steps.work_orders.signatories import candidates, chain_for
from ticketing.steps.work_orders.turns import next_step, open_round


def limits_of(order: WorkOrder) -> Limits:
    """The limits an order began with."""
    return parameters.limits_of(order.parameter_edition_id)


def _related(order: WorkOrder, days: int) -> Sequence[WorkOrder]:
    """The other orders that are summed with this one when its tier is chosen, so that nothing is split (procedure 3.6.1).

    Same part and same phenomenon, in the same home or another of the same building, drafted within so many days, not
    cancelled. Where the home is not known only the orders of the same ticket count.
    """
    since = clock.at(clock.today() - timedelta(days=days))
    own, other = aliased(Defect), aliased(Defect)
    same_trouble = (
        select(OrderItem.id)
        .join(other, other.id == OrderItem.defect_id)
        .join(own, and_(own.part == other.part, own.phenomenon == other.phenomenon))
        .where(
            OrderItem.order_id == WorkOrder.id,
            OrderItem.dropped_at.is_(None),
            own.id.in_([item.defect_id for item in order.items]),
        )
    )
    unit = order.ticket.unit
    near = [WorkOrder.ticket_id == order.ticket_id]
    if unit is not None:
        near.append(Unit.building_id == unit.building_id)
    return db.session.scalars(
        select(WorkOrder)
        .join(Ticket, Ticket.id == WorkOrder.ticket_id)
        .outerjoin(Unit, Unit.id == Ticket.unit_id)
        .where(
            WorkOrder.community_id == order.community_id,
            WorkOrder.id != order.id,
            WorkOrder.drafted_at >= since,
            WorkOrder.stage != OrderStage.CANCELLED,
            or_(*near),
            same_trouble.correlate(WorkOrder).exists(),
        )
        .order_by(WorkOrder.id)
    ).all()


def would_sum(order: WorkOrder) -> Sequence[WorkOrder]:
    """The orders that would be summed with this one if it were handed in now."""
    return _related(order, limits_of(order).split_days)


def open_estimate(
    order: WorkOrder, *, opened_by: User, at: datetime, chain: Sequence[Signatory] | None = None
) -> ApprovalRound:
    """Open the round that approves the estimate, with the related orders as they stand now."""
    return open_up(
        order,
        ApprovalKind.ESTIMATE,
        amount_fen=order.estimate_fen,
        summed={one.id: one.estimate_fen for one in would_sum(order)},
        basis="",
        opened_by=opened_by,
        at=at,
        chain=chain,
    )


def chain_of_estimate(order: WorkOrder, submitter: User) -> Sequence[Signatory]:
    """The chain that would approve the estimate if `submitter` handed it in now."""
    total = order.estimate_fen + sum(one.estimate_fen for one in would_sum(order))
    return chain_for(order, total, limits_of(order), submitter)


def open_up(
    order: WorkOrder,
    kind: ApprovalKind,
    *,
    amount_fen: int,
    summed: dict[int, int],
    basis: str,
    opened_by: User,
    at: datetime,
    chain: Sequence[Signatory] | None = None,
) -> ApprovalRound:
    """Open a round: its chain is frozen now, and every place is bound to what is shown."""
    tier_fen = amount_fen + sum(summed.values())
    if chain is None:
        chain = chain_for(order, tier_fen, limits_of(order), opened_by)
    made = _add_round(
        order,
        kind=kind,
        amount_fen=amount_fen,
        tier_fen=tier_fen,
        basis=basis,
        opened_at=at,
        opened_by_id=opened_by.id,
        summed=summed,
    )
    shown = what_is_shown(order, made)
    db.session.add_all(
        ApprovalStep(
            order_id=order.id,
            round=made.round,
            position=position,
            role=role,
            task=task,
            amount_fen=amount_fen,
            shown=shown,
        )
        for position, (role, task) in enumerate(chain, start=1)
    )
    db.session.flush()
    db.session.expire(order, ["approvals", "rounds"])
    return made


def open_again(order: WorkOrder, before: ApprovalRound, position: int, at: datetime) -> None:
    """Open the same round once more from a place on; the signatures before it stay as they were given."""
    steps = [one for one in order.approvals if one.round == before.round]
    made = _add_round(
        order,
        kind=before.kind,
        amount_fen=before.amount_fen,
        tier_fen=before.tier_fen,
        basis=before.basis,
        opened_at=at,
        opened_by_id=before.opened_by_id,
        summed={one.summed_id: one.amount_fen for one in before.summed},
    )
    for one in steps:
        stays = one.position < position
        db.session.add(
            ApprovalStep(
                order_id=order.id,
                round=made.round,
                position=one.position,
                role=one.role,
                task=one.task,
                amount_fen=one.amount_fen,
                shown=one.shown,
                verdict=one.verdict if stays else None,
                reason=one.reason if stays else "",
                at=one.at if stays else None,
                by_id=one.by_id if stays else None,
                principal_id=one.principal_id if stays else None,
            )
        )
    db.session.flush()
    db.session.expire(order, ["approvals", "rounds"])


def _add_round(order: WorkOrder, *, summed: dict[int, int], **facts: Any) -> ApprovalRound:
    order.approval_round += 1
    made = ApprovalRound(order_id=order.id, round=order.approval_round, **facts)
    db.session.add(made)
    db.session.flush()
    db.session.add_all(
        SummedOrder(order_id=order.id, round=made.round, summed_id=one, amount_fen=fen)
        for one, fen in summed.items()
    )
    db.session.flush()
    return made


def close(order: WorkOrder, outcome: ApprovalOutcome, at: datetime) -> None:
    """End the round under way, if there is one; or withdraw what the last one approved."""
    under_way = open_round(order)
    if under_way is None and outcome is ApprovalOutcome.VOID and order.rounds:
        under_way = order.rounds[-1]
    if under_way is not None:
        under_way.outcome, under_way.closed_at = outcome, at
        db.session.flush()


def what_is_shown(order: WorkOrder, round_: ApprovalRound) -> str:
    """The hash of what a signatory sees: any change of it voids his signature (trust: promise 18)."""
    pictures = db.session.scalars(
        select(Attachment.sha256)
        .where(Attachment.survey_id == order.survey_id)
        .order_by(Attachment.id)
    ).all()
    shown: dict[str, Any] = {
        "class": order.order_class.value,
        "team": order.team_id,
        "estimate_fen": order.estimate_fen,
        "scope": order.scope,
        "items": sorted(item.defect_id for item in order.items),
        "pictures": list(pictures),
    }
    if round_.kind is ApprovalKind.SUPPLEMENT:
        shown |= {"amount_fen": round_.amount_fen, "basis": round_.basis}
    if round_.summed:
        shown["summed"] = [[one.summed_id, one.amount_fen] for one in round_.summed]
    return hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()


def ask_next(order: WorkOrder, actor: User, at: datetime) -> None:
    """Tell those who may give the next signature, deputies too."""
    step = next_step(order)
    if step is None:
        return
    people = list(dict.fromkeys(one.user_id for one in candidates(order, step.role)))
    tell_of(
        people,
        order,
        actor,
        at,
        f"请{step.task}维修费用",
        f"ask{step.round}.{step.position}",
        path=f"/orders/{order.id}/approve",
    )
