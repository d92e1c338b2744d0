"""Who has had an account in his hands: nobody takes two steps of it (trust: S1 to S5, S11, S12; procedure 3.5.6, 3.5.8)."""

from collections.abc import Callable

from sqlalchemy import ColumnElement, Select, or_, select

from ticketing.journal.models import JournalEntry
from ticketing.kernel.db import db
from ticketing.masters.people import deputies
from ticketing.masters.people.models import User
from ticketing.procedure.permissions import Act
from ticketing.procedure.repair_roads import MUST_SIGN
from ticketing.procedure.settlement import SettlementStage
from ticketing.procedure.vocabulary import Role
from ticketing.steps.settlement import queries
from ticketing.steps.settlement.models import Settlement
from ticketing.steps.site_survey.models import SiteSurvey, SurveyBox
from ticketing.steps.work_orders.models import WorkOrder
from ticketing.steps.work_orders.queries import accounts_of, serves
from ticketing.steps.work_orders.road import Signing

SUBJECT = "settlement"

MAKING = (Act.DRAFT_ACCOUNT, Act.AMEND_ACCOUNT, Act.SUBMIT_ACCOUNT)
REVIEWING = (Act.AUDIT_LINES, Act.REVIEW_ACCOUNT, Act.COMPILE_SETTLEMENT)
CERTIFYING = (Act.CERTIFY,)

Free = Callable[[Settlement, User], bool]

REVIEW_LADDER = (Role.CS_MANAGER, Role.AUDITOR)
"""Who reviews below the audit limit; where no manager is free of a part in the repair, audit does (trust: S3)."""

CERTIFY_LADDER = (Role.DEPUTY_CHIEF_ENGINEER, Role.DEPUTY_GM, Role.GENERAL_MANAGER)
"""Who certifies; where nobody of one rung is free of a part in it, the next one does (trust: S5, S12)."""


def _did(settlement: Settlement, accounts: Select[int], acts: tuple[Act, ...]) -> bool:
    entry = (
        select(JournalEntry.id)
        .where(
            JournalEntry.subject == SUBJECT,
            JournalEntry.subject_id == settlement.id,
            JournalEntry.act.in_([act.value for act in acts]),
            JournalEntry.actor_id.in_(accounts),
        )
        .limit(1)
    )
    return db.session.scalar(entry) is not None


def _worked(settlement: Settlement, accounts: Select[int], *, served: bool) -> bool:
    """Whether one of `accounts` looked at, checked or inspected the repair, or (`served`) kept its ticket."""
    ways: list[ColumnElement[bool]] = [
        WorkOrder.self_checked_by_id.in_(accounts),
        WorkOrder.inspected_by_id.in_(accounts),
        WorkOrder.survey_id.in_(
            select(SiteSurvey.id).where(SiteSurvey.recorded_by_id.in_(accounts))
        ),
        WorkOrder.survey_id.in_(
            select(SurveyBox.survey_id).where(
                SurveyBox.side.in_(MUST_SIGN), SurveyBox.by_id.in_(accounts)
            )
        ),
    ]
    if served:
        ways.append(serves(accounts))
    part = select(WorkOrder.id).where(WorkOrder.id == settlement.order_id, or_(*ways))
    return db.session.scalar(part) is not None


def may_review(settlement: Settlement, person: User) -> bool:
    """Whether this person, under any account of his, is free to review it: he neither made it nor had a part in the repair."""
    accounts = accounts_of(person.id)
    return not _did(settlement, accounts, MAKING) and not _worked(settlement, accounts, served=True)


def may_certify(settlement: Settlement, person: User) -> bool:
    """Whether he is free to certify it: he neither made nor reviewed it, nor was at the survey."""
    accounts = accounts_of(person.id)
    return (
        not _did(settlement, accounts, MAKING + REVIEWING)
        and not _signed_for(settlement, person)
        and not _worked(settlement, accounts, served=False)
    )


def may_pay(settlement: Settlement, person: User) -> bool:
    """Whether he is free to pay it: none of the steps before was his (procedure 3.5.9)."""
    accounts = accounts_of(person.id)
    return not _did(settlement, accounts, MAKING + REVIEWING + CERTIFYING) and not _signed_for(
        settlement, person
    )


def _signed_for(settlement: Settlement, person: User) -> bool:
    """Whether a deputy reviewed or certified it in this person's name."""
    principals = (settlement.reviewed_for, settlement.certified_for)
    return any(one is not None and person.is_same_person(one) for one in principals)


def review_route(settlement: Settlement, *, audited: bool) -> Role:
    """Whose review it needs: audit from the limit on, else the manager; one rung up where nobody there is free."""
    ladder = REVIEW_LADDER[1:] if audited else REVIEW_LADDER
    for role in ladder:
        if _somebody(settlement, role, may_review):
            return role
    return ladder[-1]


def certifying_role(settlement: Settlement) -> Role:
    """Whose certification it needs now."""
    for role in CERTIFY_LADDER:
        if _somebody(settlement, role, may_certify):
            return role
    return CERTIFY_LADDER[-1]


def _somebody(settlement: Settlement, role: Role, free: Free) -> bool:
    """Whether anybody may give the signature of a role: a holder of it, or a deputy of one."""
    return any(free(settlement, one) for one in queries.people_with(role)) or any(
        free(settlement, one.deputy) and free(settlement, one.principal)
        for one in deputies.stand_ins(role)
    )


def reviewing(settlement: Settlement, actor: User) -> Signing | None:
    """In whose name `actor` may review it now; None where he may not."""
    if settlement.stage is not SettlementStage.SUBMITTED or settlement.route is None:
        return None
    return _signing(settlement, actor, settlement.route, may_review)


def certifying(settlement: Settlement, actor: User) -> Signing | None:
    """In whose name `actor` may certify it now; None where he may not."""
    return _signing(settlement, actor, certifying_role(settlement), may_certify)


def _signing(settlement: Settlement, actor: User, role: Role, free: Free) -> Signing | None:
    """A deputy brings his principal's part in it with him and keeps his own (trust: S10)."""
    if not free(settlement, actor):
        return None
    if role in actor.roles:
        return Signing(None)
    for principal in deputies.acts_for(actor, role):
        if free(settlement, principal):
            return Signing(principal)
    return None
