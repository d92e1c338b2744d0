"""The guards named in the workflow table, as checks on a ticket, an actor and the intended changes."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import or_, select

from ticketing.casefile.tickets.models import Assistance, CallbackRecord, Note, Ticket
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import Invalid, NotPermitted
from ticketing.masters.people.models import User
from ticketing.procedure import workflow
from ticketing.procedure.permissions import TICKET_REACH
from ticketing.procedure.vocabulary import NoteKind, Reach, Role
from ticketing.procedure.workflow import Guard


def roles_on(ticket: Ticket, actor: User) -> frozenset[Role]:
    """The roles that count on this ticket: one held for some communities counts only in those.

    A person who sees a ticket through his department does not act on it as another community's clerk.
    """
    within = actor.community_ids
    if within is None or ticket.community_id in within:
        return actor.roles
    return frozenset(role for role in actor.roles if TICKET_REACH[role] is not Reach.COMMUNITY)


Check = Callable[[Ticket, User, dict[str, Any]], bool]


def _classified(ticket: Ticket, actor: User, changes: dict[str, Any]) -> bool:
    after = {name: changes.get(name, getattr(ticket, name)) for name in _CLASSIFYING}
    return all(after.values())


_CLASSIFYING = ("category", "department_id", "handler_id")


def _own_department(ticket: Ticket, actor: User, changes: dict[str, Any]) -> bool:
    return Role.CS_MANAGER in actor.roles or (
        actor.department_id is not None and actor.department_id == ticket.department_id
    )


def _asked_department(ticket: Ticket, actor: User, changes: dict[str, Any]) -> bool:
    return (
        actor.department_id is not None
        and db.session.scalar(
            select(Assistance.id).where(
                Assistance.ticket_id == ticket.id,
                Assistance.department_id == actor.department_id,
                Assistance.replied_at.is_(None),
            )
        )
        is not None
    )


def _not_own_work(ticket: Ticket, actor: User, changes: dict[str, Any]) -> bool:
    """Neither the handler nor whoever fed back or resolved, under any account of his."""
    workers = db.session.scalars(
        select(User).where(
            or_(
                User.id == ticket.handler_id,
                User.id.in_(
                    select(Note.author_id).where(Note.ticket_id == ticket.id, Note.kind.in_(_WORK))
                ),
            )
        )
    )
    return not any(actor.is_same_person(worker) for worker in workers)


_WORK = (NoteKind.FEEDBACK, NoteKind.RESOLUTION)


def _three_attempts(ticket: Ticket, actor: User, changes: dict[str, Any]) -> bool:
    instants = db.session.scalars(
        select(CallbackRecord.at).where(
            CallbackRecord.ticket_id == ticket.id,
            CallbackRecord.round == ticket.rework_count + 1,
            CallbackRecord.reached.is_(False),
        )
    ).all()
    return len(instants) >= 3 and len({clock.local(at).date() for at in instants}) >= 2


_CHECKS: dict[Guard, tuple[Check, type[Invalid] | type[NotPermitted]]] = {
    workflow.CLASSIFIED: (_classified, Invalid),
    workflow.OWN_DEPARTMENT: (_own_department, NotPermitted),
    workflow.ASKED_DEPARTMENT: (_asked_department, NotPermitted),
    workflow.NOT_OWN_WORK: (_not_own_work, NotPermitted),
    workflow.THREE_ATTEMPTS: (_three_attempts, Invalid),
}


def check(guard: Guard | None, ticket: Ticket, actor: User, changes: dict[str, Any]) -> None:
    """Raise what the guard asks for when its condition does not hold."""
    if guard is not None and not holds(guard, ticket, actor, changes):
        raise _CHECKS[guard][1](guard.sentence)


def holds(guard: Guard | None, ticket: Ticket, actor: User, changes: dict[str, Any]) -> bool:
    """Whether the condition of `guard` holds, so that a page offers only what will be accepted."""
    return guard is None or _CHECKS[guard][0](ticket, actor, changes)
