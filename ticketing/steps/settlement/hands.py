"""Who has had an account in his hands: nobody takes two steps of it (trust: S1 to S5, S11, S12; procedure 3.5.6, 3.5.8)."""

from collections.abc import Callable
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, not_, or_, select, true

from ticketing.journal.models import JournalEntry
from ticketing.kernel.db import db
from ticketing.masters.people import deputies
from ticketing.masters.people.models import User
from ticketing.masters.people.scope import Scope
from ticketing.procedure.permissions import Act
from ticketing.procedure.settlement import SettlementStage
from ticketing.procedure.vocabulary import Role
from ticketing.steps.settlement import queries
from ticketing.steps.settlement.models import SUBJECT, Settlement
from ticketing.steps.work_orders.models import WorkOrder
from ticketing.steps.work_orders.road import Signing
from ticketing.steps.work_orders.turns import accounts_of, serves, surveyed

MAKING = (Act.DRAFT_ACCOUNT, Act.AMEND_ACCOUNT, Act.SUBMIT_ACCOUNT)
REVIEWING = (Act.AUDIT_LINES, Act.REVIEW_ACCOUNT, Act.COMPILE_SETTLEMENT)
CERTIFYING = (Act.CERTIFY,)

Free = Callable[[Settlement, User], bool]

REVIEW_LADDER = (Role.CS_MANAGER, Role.AUDITOR)
"""Who reviews below the audit limit; where no manager is free of a part in the repair, audit does (trust: S3)."""

CERTIFY_LADDER = (Role.DEPUTY_CHIEF_ENGINEER, Role.DEPUTY_GM, Role.GENERAL_MANAGER)
"""Who certifies; where nobody of one rung is free of a part in it, the next one does (trust: S5, S12)."""


def did(accounts: Select[int], acts: tuple[Act, ...]) -> ColumnElement[bool]:
    """The condition on an account that one of `accounts` did one of `acts` to it."""
    entry = select(JournalEntry.id).where(
        JournalEntry.subject == SUBJECT,
        JournalEntry.subject_id == Settlement.id,
        JournalEntry.act.in_([act.value for act in acts]),
        JournalEntry.actor_id.in_(accounts),
    )
    return entry.correlate(Settlement).exists()


def worked(accounts: Select[int], *, served: bool) -> ColumnElement[bool]:
    """The condition that one of `accounts` looked at, checked or inspected its repair, or (`served`) kept its ticket."""
    ways: list[ColumnElement[bool]] = [
        WorkOrder.self_checked_by_id.in_(accounts),
        WorkOrder.inspected_by_id.in_(accounts),
        surveyed(accounts),
    ]
    if served:
        ways.append(serves(accounts))
    part = select(WorkOrder.id).where(WorkOrder.id == Settlement.order_id, or_(*ways))
    return part.correlate(Settlement).exists()


def free_to_review(accounts: Select[int]) -> ColumnElement[bool]:
    """The condition that `accounts` neither made an account nor had a part in its repair."""
    return not_(or_(did(accounts, MAKING), worked(accounts, served=True)))


def free_to_certify(accounts: Select[int]) -> ColumnElement[bool]:
    """The condition that `accounts` neither made nor reviewed an account, nor were at its survey."""
    return not_(
        or_(
            did(accounts, MAKING + REVIEWING),
            signed_for(accounts, Settlement.reviewed_for_id),
            worked(accounts, served=False),
        )
    )


def free_to_pay(accounts: Select[int]) -> ColumnElement[bool]:
    """The condition that none of the steps before was done by `accounts`, or in their name (procedure 3.5.9)."""
    return not_(
        or_(
            did(accounts, MAKING + REVIEWING + CERTIFYING),
            signed_for(accounts, Settlement.reviewed_for_id),
            signed_for(accounts, Settlement.certified_for_id),
        )
    )


def signed_for(accounts: Select[int], principal: Any) -> ColumnElement[bool]:
    """The condition that a deputy signed in the name of one of `accounts`; false, not unknown, where nobody's deputy did."""
    return and_(principal.is_not(None), principal.in_(accounts))


@cache
def _if_free(free: Callable[[Select[int]], ColumnElement[bool]]) -> Select[int]:
    """Built once for each kind of signature: it is large, and asked of everybody who might sign."""
    condition = free(accounts_of(bindparam("person")))
    return select(Settlement.id).where(Settlement.id == bindparam("paper"), condition)


def _is_free(
    free: Callable[[Select[int]], ColumnElement[bool]], settlement: Settlement, person: User
) -> bool:
    found = db.session.scalar(_if_free(free), {"paper": settlement.id, "person": person.id})
    return found is not None


def may_review(settlement: Settlement, person: User) -> bool:
    """Whether this person, under any account of his, is free to review it: he neither made it nor had a part in the repair."""
    return _is_free(free_to_review, settlement, person)


def may_certify(settlement: Settlement, person: User) -> bool:
    """Whether he is free to certify it: he neither made nor reviewed it, nor was at the survey."""
    return _is_free(free_to_certify, settlement, person)


def review_route(settlement: Settlement, *, audited: bool) -> Role:
    """Whose review it needs: audit from the limit on, else the manager; one rung up where nobody there is free."""
    return _first(settlement, REVIEW_LADDER[1:] if audited else REVIEW_LADDER, may_review)


def reviewing_role(settlement: Settlement) -> Role:
    """Whose review it waits for now: as it was sent, or one rung up when nobody there is free any more (trust: S12)."""
    return review_route(settlement, audited=settlement.route is Role.AUDITOR)


def certifying_role(settlement: Settlement) -> Role:
    """Whose certification it needs now."""
    return _first(settlement, CERTIFY_LADDER, may_certify)


def _first(settlement: Settlement, ladder: tuple[Role, ...], free: Free) -> Role:
    """The lowest rung on which somebody is free; the highest where nobody is."""
    for role in ladder:
        if _somebody(settlement, role, free):
            return role
    return ladder[-1]


def _somebody(settlement: Settlement, role: Role, free: Free) -> bool:
    """Whether anybody may give the signature of a role: a holder of it, or a deputy of one."""
    return any(free(settlement, one) for one in queries.people_with(role)) or any(
        free(settlement, one.deputy) and free(settlement, one.principal)
        for one in deputies.stand_ins(role)
    )


def turn_of_deputy(scope: Scope) -> list[ColumnElement[bool]]:
    """The ways in which an account waits for this person's signature as a deputy: neither of the two has a part in it."""
    me, ways = accounts_of(scope.user_id), []
    for one in scope.acting:
        both = (me, accounts_of(one.principal_id))
        if one.role in REVIEW_LADDER:
            ways.append(and_(waits_for_review(one.role), *map(free_to_review, both)))
        if one.role in CERTIFY_LADDER:
            free = map(free_to_certify, both)
            ways.append(and_(queries.TO_CERTIFY, *free, nobody_below(one.role)))
    return ways


def waits_for_review(role: Role) -> ColumnElement[bool]:
    """The condition that an account waits for the review of a role: sent there, or come up because nobody below is free."""
    if role is REVIEW_LADDER[0]:
        return queries.to_review(role)
    return or_(
        queries.to_review(role), and_(queries.to_review(REVIEW_LADDER[0]), nobody_below(role))
    )


def nobody_below(role: Role) -> ColumnElement[bool]:
    """The condition that nobody of an earlier rung than `role` is free to sign an account."""
    ladder, free = (
        (REVIEW_LADDER, free_to_review)
        if role in REVIEW_LADDER
        else (CERTIFY_LADDER, free_to_certify)
    )
    return and_(
        true(),
        *(
            not_(free(accounts_of(person.id)))
            for below in ladder[: ladder.index(role)]
            for person in queries.people_with(below)
        ),
    )


def deputies_to_sign(settlement: Settlement) -> list[int]:
    """The deputies who may give the signature an account waits for now."""
    if settlement.stage is SettlementStage.SUBMITTED:
        role, free = reviewing_role(settlement), may_review
    else:
        role, free = certifying_role(settlement), may_certify
    return [
        one.deputy.id
        for one in deputies.stand_ins(role)
        if free(settlement, one.deputy) and free(settlement, one.principal)
    ]


def reviewing(settlement: Settlement, actor: User) -> Signing | None:
    """In whose name `actor` may review it now; None where he may not."""
    if settlement.stage is not SettlementStage.SUBMITTED:
        return None
    return _signing(settlement, actor, reviewing_role(settlement), may_review)


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
