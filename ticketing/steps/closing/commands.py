"""Acts that end a ticket, and the one that takes it up again."""

from ticketing.casefile.tickets import queries
from ticketing.casefile.tickets.commands import add_note, advance, allowed_step, hold
from ticketing.casefile.tickets.models import Ticket
from ticketing.kernel.errors import Invalid
from ticketing.kernel.text import clean
from ticketing.masters.people.models import User
from ticketing.masters.people.scope import Scope
from ticketing.procedure.permissions import Act
from ticketing.procedure.vocabulary import NoteKind
from ticketing.procedure.workflow import REWORK


def close(ticket: Ticket, *, version: int, reason: str, actor: User) -> Ticket:
    """Close after three unanswered callbacks on two different days (procedure 3.5.4)."""
    return _end(ticket, Act.CLOSE, version=version, reason=reason, actor=actor)


def reopen(ticket: Ticket, *, version: int, reason: str, actor: User) -> Ticket:
    """Take a closed ticket up again; the department has a new week (procedure 3.4.2)."""
    reason = _reason(reason)
    at = advance(
        ticket,
        Act.REOPEN,
        actor=actor,
        version=version,
        changes={"rework_count": ticket.rework_count + 1},
        facts={"reason": reason},
        target=REWORK[ticket.repair],
    )
    add_note(ticket, NoteKind.AGAIN, reason, author=actor, at=at)
    return ticket


def invalidate(ticket: Ticket, *, version: int, reason: str, actor: User) -> Ticket:
    """No factual basis, or not our product: the manager judges (procedure 3.4.2)."""
    return _end(ticket, Act.INVALIDATE, version=version, reason=reason, actor=actor)


def withdraw(ticket: Ticket, *, version: int, reason: str, actor: User) -> Ticket:
    """The customer takes his complaint back (procedure 2.2.2)."""
    return _end(ticket, Act.WITHDRAW, version=version, reason=reason, actor=actor)


def merge(
    ticket: Ticket, *, version: int, into: str, reason: str, actor: User, scope: Scope
) -> Ticket:
    """Let an open ticket of the same matter take this one over; both stay readable (2.2.2).

    `into` is the number of the surviving ticket; it takes over the graver grade and the talks (3.4.7). Raises Invalid, Conflict, NotPermitted.
    """
    allowed_step(ticket, Act.MERGE, actor)
    survivor_id = queries.by_number(scope, into)
    if survivor_id is None:
        raise Invalid("没有找到这个编号的登记表。", field="into")
    hold([ticket.id, survivor_id])
    survivor = queries.ticket_for(scope, survivor_id)
    if survivor.id == ticket.id:
        raise Invalid("不能并入自身。", field="into")
    if not survivor.is_open:
        raise Invalid(f"{survivor.number} 已经结束，不能并入。", field="into")
    if survivor.community_id != ticket.community_id:
        raise Invalid("只能并入同一小区的登记表。", field="into")
    at = advance(
        ticket,
        Act.MERGE,
        actor=actor,
        version=version,
        changes={"merged_into_id": survivor.id, "exit_reason": _reason(reason)},
        facts={"into": survivor.number, "reason": clean(reason)},
    )
    brought: dict[str, object] = {}
    if ticket.grade.weight > survivor.grade.weight:
        brought["grade"] = ticket.grade
    if ticket.talk_count:
        brought["talk_count"] = survivor.talk_count + ticket.talk_count
    advance(
        survivor,
        Act.FOLLOW_UP,
        actor=actor,
        version=None,
        changes=brought,
        facts={
            "merged_in": ticket.number,
            "reason": f"{ticket.number}（{ticket.grade}）并入本单。",
        },
        answers=False,
    )
    add_note(
        survivor,
        NoteKind.AGAIN,
        f"{ticket.number}（{ticket.caller_name}，{ticket.room}）并入本单：{ticket.content}",
        author=actor,
        at=at,
    )
    return ticket


def _end(ticket: Ticket, act: Act, *, version: int, reason: str, actor: User) -> Ticket:
    reason = _reason(reason)
    advance(
        ticket,
        act,
        actor=actor,
        version=version,
        changes={"exit_reason": reason},
        facts={"reason": reason},
    )
    return ticket


def _reason(reason: str) -> str:
    reason = clean(reason)
    if not reason:
        raise Invalid("请写明理由。", field="reason")
    return reason
