"""The guards named in the workflow table, as checks on a ticket, an actor and the intended changes."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import inspect, or_, select

from ticketing.casefile.tickets.models import (
    Assistance,
    CallbackRecord,
    GradeProposal,
    Note,
    Ticket,
)
from ticketing.casefile.timers import queries as timers
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import Conflict, Invalid, NotPermitted
from ticketing.masters.people.models import User
from ticketing.masters.people.queries import SIGNER
from ticketing.procedure import workflow
from ticketing.procedure.deadlines import ClockKind
from ticketing.procedure.permissions import TICKET_REACH, Act
from ticketing.procedure.vocabulary import (
    Grade,
    NoteKind,
    Reach,
    Role,
    SpecialStage,
    TicketStage,
)
from ticketing.procedure.workdays import CLOSES
from ticketing.procedure.workflow import Guard, Step


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
    wrote = select(Note.author_id).where(Note.ticket_id == ticket.id, Note.kind.in_(_WORK))
    workers = db.session.scalars(
        select(User).where(or_(User.id == ticket.handler_id, User.id.in_(wrote))).options(SIGNER)
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
    return _enough(instants)


def _enough(instants: Sequence[datetime]) -> bool:
    return len(instants) >= 3 and len({clock.local(at).date() for at in instants}) >= 2


def _proposed(ticket: Ticket, actor: User, changes: dict[str, Any]) -> bool:
    """A lowering waits, and this is another person than the one who proposed it."""
    proposer = db.session.scalars(
        select(User)
        .join(GradeProposal, GradeProposal.proposed_by_id == User.id)
        .where(GradeProposal.ticket_id == ticket.id, GradeProposal.settled_at.is_(None))
    ).one_or_none()
    return proposer is not None and not actor.is_same_person(proposer)


def _before_due(ticket: Ticket, actor: User, changes: dict[str, Any]) -> bool:
    return clock.now() < clock.at(ticket.complaint_due_on, *CLOSES)


def _extensions_left(ticket: Ticket, actor: User, changes: dict[str, Any]) -> bool:
    return timers.extensions_left(ticket.id, ClockKind.COMPLAINT)


def _is_major(ticket: Ticket) -> bool:
    return ticket.grade is Grade.MAJOR


def _directed(ticket: Ticket, actor: User, changes: dict[str, Any]) -> bool:
    return not _is_major(ticket) or ticket.directed_at is not None


CHECKS: dict[Guard, tuple[Check, type[Invalid] | type[NotPermitted] | type[Conflict]]] = {
    workflow.CLASSIFIED: (_classified, Invalid),
    workflow.OWN_DEPARTMENT: (_own_department, NotPermitted),
    workflow.ASKED_DEPARTMENT: (_asked_department, NotPermitted),
    workflow.NOT_OWN_WORK: (_not_own_work, NotPermitted),
    workflow.THREE_ATTEMPTS: (_three_attempts, Invalid),
    workflow.BEFORE_DUE: (_before_due, Conflict),
    workflow.EXTENSIONS_LEFT: (_extensions_left, Conflict),
    workflow.PROPOSED: (_proposed, NotPermitted),
    workflow.MAJOR_ONLY: (lambda ticket, _a, _c: _is_major(ticket), Invalid),
    workflow.GRAVE: (lambda ticket, _a, _c: ticket.grade is not Grade.GENERAL, Invalid),
    workflow.DIRECTED: (_directed, Invalid),
    workflow.DIRECTED_TO_LEAVE: (_directed, Invalid),
    workflow.DIRECTED_AT_END: (_directed, Invalid),
    workflow.MINUTED: (
        lambda ticket, _a, _c: not _is_major(ticket) or ticket.minuted_at is not None,
        Invalid,
    ),
    workflow.UNSUBMITTED: (
        lambda ticket, _a, _c: ticket.special in (None, SpecialStage.DRAFTED),
        Invalid,
    ),
    workflow.DRAFTED: (lambda ticket, _a, _c: ticket.special is SpecialStage.DRAFTED, Invalid),
    workflow.SUBMITTED: (lambda ticket, _a, _c: ticket.special is SpecialStage.SUBMITTED, Invalid),
}


def check(
    step: Step[TicketStage],
    ticket: Ticket,
    actor: User,
    changes: dict[str, Any],
    target: TicketStage,
) -> None:
    """Raise what the first unmet guard of `step` asks for, on the way to `target`."""
    for guard in step.guards:
        if not (guard.at_end and target.is_open):
            _demand(guard, ticket, actor, changes)


def check_first(step: Step[TicketStage], ticket: Ticket, actor: User) -> None:
    """Raise what a guard asks for that nothing typed into a form could meet."""
    for guard in step.guards:
        if guard.first:
            _demand(guard, ticket, actor, {})


def _demand(guard: Guard, ticket: Ticket, actor: User, changes: dict[str, Any]) -> None:
    meets, refusal = CHECKS[guard]
    if not meets(ticket, actor, changes):
        raise refusal(guard.sentence)


def _asked_by_story(ticket: Ticket, actor: User, changes: dict[str, Any]) -> bool:
    return actor.department_id is not None and any(
        one.department_id == actor.department_id and one.replied_at is None
        for one in ticket.assistances
    )


def _not_own_by_story(ticket: Ticket, actor: User, changes: dict[str, Any]) -> bool:
    workers = [note.author for note in ticket.notes if note.kind in _WORK]
    if ticket.handler is not None:
        workers.append(ticket.handler)
    return not any(actor.is_same_person(worker) for worker in workers)


def _attempts_by_story(ticket: Ticket, actor: User, changes: dict[str, Any]) -> bool:
    round_ = ticket.rework_count + 1
    return _enough([one.at for one in ticket.callbacks if one.round == round_ and not one.reached])


_BY_STORY: dict[Guard, Check] = {
    workflow.ASKED_DEPARTMENT: _asked_by_story,
    workflow.NOT_OWN_WORK: _not_own_by_story,
    workflow.THREE_ATTEMPTS: _attempts_by_story,
}
_STORY = {"handler", "notes", "callbacks", "assistances"}


def offered(step: Step[TicketStage], ticket: Ticket, actor: User) -> bool:
    """Whether a page should offer `step`: what needs no input holds, what needs a paper first is there.

    A guard that counts only at the end does not hide an act that has other ends. A page that has the whole story
    before it (`queries.ticket_with_story`) asks the database nothing; the act itself always does.
    """
    known = _BY_STORY if inspect(ticket).unloaded.isdisjoint(_STORY) else {}
    return all(
        guard is workflow.CLASSIFIED
        or (guard.at_end and step.act is Act.CALL_BACK)
        or known.get(guard, CHECKS[guard][0])(ticket, actor, {})
        for guard in step.guards
    )


def missing(step: Step[TicketStage], ticket: Ticket, actor: User) -> list[Guard]:
    """The guards of `step` that want a paper first, so that a page can say so before anybody types."""
    return [
        guard for guard in step.guards if guard.cure and not CHECKS[guard][0](ticket, actor, {})
    ]
