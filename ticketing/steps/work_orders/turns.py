"""Whose turn it is to sign for an order's money, and whose part in it bars him from signing (procedure 3.6.1)."""

from collections.abc import Collection
from typing import cast

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    Table,
    and_,
    func,
    or_,
    select,
)
from sqlalchemy.orm import aliased

from ticketing.casefile.tickets.models import Ticket
from ticketing.journal.models import JournalEntry
from ticketing.kernel.db import written
from ticketing.masters.contractors.models import RepairTeam
from ticketing.masters.people.models import User
from ticketing.masters.people.scope import Scope
from ticketing.procedure.permissions import Act
from ticketing.procedure.repair_roads import MUST_SIGN
from ticketing.procedure.repairs import ApprovalOutcome
from ticketing.procedure.vocabulary import Role
from ticketing.steps.site_survey.models import SiteSurvey, SurveyBox
from ticketing.steps.work_orders.models import ApprovalRound, ApprovalStep, WorkOrder

IS_UNDER_WAY = ApprovalRound.outcome == written(ApprovalRound.outcome, ApprovalOutcome.OPEN)

_OPEN_ROUND = select(ApprovalRound.order_id).where(
    ApprovalRound.order_id == ApprovalStep.order_id,
    ApprovalRound.round == ApprovalStep.round,
    IS_UNDER_WAY,
)

WRITING = (Act.DRAFT_ORDER, Act.AMEND_ORDER, Act.SUBMIT_ORDER)
"""By these a person makes what is approved later."""


def open_round(order: WorkOrder) -> ApprovalRound | None:
    """The round of approval that is under way."""
    return next((one for one in order.rounds if one.outcome is ApprovalOutcome.OPEN), None)


def steps_of(order: WorkOrder, round_: int) -> list[ApprovalStep]:
    """The places of the chain of one round, in order."""
    return [step for step in order.approvals if step.round == round_]


def next_step(order: WorkOrder) -> ApprovalStep | None:
    """The place in the chain whose turn it is."""
    under_way = open_round(order)
    if under_way is None:
        return None
    return next((one for one in steps_of(order, under_way.round) if one.verdict is None), None)


_own, _other = (
    cast(Table, User.__table__).alias(name) for name in ("own_account", "other_account")
)
_same = and_(_own.c.employee_number != "", _other.c.employee_number == _own.c.employee_number)
_ACCOUNTS = select(_other.c.id).join(_own, or_(_other.c.id == _own.c.id, _same)).correlate(None)


def accounts_of(user_id: int | BindParameter[int]) -> Select[int]:
    """The accounts of the person behind one of them: those with the same employee number."""
    return _ACCOUNTS.where(_own.c.id == user_id)


def own_part(accounts: Select[int]) -> ColumnElement[bool]:
    """The condition that one of `accounts` has a part in an order that bars the person from approving it (trust: S1, S3).

    He drafted, changed or submitted it, looked at the defects, is clerk or handler of the ticket, leads the crew, checked
    or inspected the work, asked for the approval that is under way, or signed in it already, himself or through a deputy.
    """
    wrote = select(JournalEntry.id).where(
        JournalEntry.subject == "order",
        JournalEntry.subject_id == WorkOrder.id,
        JournalEntry.act.in_([act.value for act in WRITING]),
        JournalEntry.actor_id.in_(accounts),
    )
    asked = select(ApprovalRound.round).where(
        ApprovalRound.order_id == WorkOrder.id,
        IS_UNDER_WAY,
        ApprovalRound.opened_by_id.in_(accounts),
    )
    answered = select(ApprovalStep.id).where(
        ApprovalStep.order_id == WorkOrder.id,
        _OPEN_ROUND.correlate(ApprovalStep).exists(),
        or_(ApprovalStep.by_id.in_(accounts), ApprovalStep.principal_id.in_(accounts)),
    )
    leads = select(RepairTeam.id).where(
        RepairTeam.id == WorkOrder.team_id, RepairTeam.captain_id.in_(accounts)
    )
    parts = (wrote, asked, answered, leads)
    return or_(
        WorkOrder.drafted_by_id.in_(accounts),
        func.coalesce(WorkOrder.self_checked_by_id, 0).in_(accounts),
        func.coalesce(WorkOrder.inspected_by_id, 0).in_(accounts),
        surveyed(accounts),
        serves(accounts),
        *(part.correlate(WorkOrder).exists() for part in parts),
    )


def surveyed(accounts: Select[int]) -> ColumnElement[bool]:
    """The condition that one of `accounts` recorded or signed the survey an order rests on."""
    recorded = select(SiteSurvey.id).where(
        SiteSurvey.id == WorkOrder.survey_id, SiteSurvey.recorded_by_id.in_(accounts)
    )
    signed = select(SurveyBox.id).where(
        SurveyBox.survey_id == WorkOrder.survey_id,
        SurveyBox.side.in_(MUST_SIGN),
        SurveyBox.by_id.in_(accounts),
    )
    return or_(*(one.correlate(WorkOrder).exists() for one in (recorded, signed)))


def serves(accounts: Select[int]) -> ColumnElement[bool]:
    """The condition that one of `accounts` is clerk or handler of the order's ticket."""
    return WorkOrder.ticket.has(
        or_(Ticket.registered_by_id.in_(accounts), Ticket.handler_id.in_(accounts))
    )


def his_turn(scope: Scope) -> ColumnElement[bool]:
    """The condition that an order waits for the signature of this very person, in his own name or as a deputy.

    A deputy brings his principal's part in the order with him and keeps his own (trust: S10).
    """
    ways = [_turn_of(scope.roles)]
    for principal_id in sorted({one.principal_id for one in scope.acting}):
        roles = {one.role for one in scope.acting if one.principal_id == principal_id}
        ways.append(_turn_of(roles) & ~own_part(accounts_of(principal_id)))
    return and_(_is_approved_now(), or_(*ways), ~own_part(accounts_of(scope.user_id)))


def _is_approved_now() -> ColumnElement[bool]:
    """The condition that a round of an order is under way, by the small index of those."""
    return WorkOrder.id.in_(select(ApprovalRound.order_id).where(IS_UNDER_WAY))


def _turn_of(roles: Collection[Role]) -> ColumnElement[bool]:
    """The condition that the next signature of an order is one of `roles`."""
    earlier = aliased(ApprovalStep)
    before = select(earlier.id).where(
        earlier.order_id == ApprovalStep.order_id,
        earlier.round == ApprovalStep.round,
        earlier.position < ApprovalStep.position,
        earlier.verdict.is_(None),
    )
    turn = select(ApprovalStep.id).where(
        ApprovalStep.order_id == WorkOrder.id,
        ApprovalStep.verdict.is_(None),
        ApprovalStep.role.in_(sorted(roles, key=str)),
        _OPEN_ROUND.correlate(ApprovalStep).exists(),
        ~before.exists(),
    )
    return turn.correlate(WorkOrder).exists()


def signs_as_deputy(scope: Scope) -> ColumnElement[bool]:
    """The condition that an order waits for a signature he may give as a deputy, or has one he gave."""
    roles = sorted({one.role for one in scope.acting}, key=str)
    waits = and_(ApprovalStep.role.in_(roles), _OPEN_ROUND.correlate(ApprovalStep).exists())
    gave = and_(ApprovalStep.by_id == scope.user_id, ApprovalStep.principal_id.is_not(None))
    step = select(ApprovalStep.id).where(ApprovalStep.order_id == WorkOrder.id, or_(waits, gave))
    return step.correlate(WorkOrder).exists()
