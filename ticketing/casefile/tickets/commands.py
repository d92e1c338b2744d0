"""The mover: the only code that puts a ticket on the road, moves it, or writes on it.

`enter` and `advance` check role, state, version and guard against the table in `procedure.workflow`,
write the row, its flow and its journal entry in the caller's transaction, and never commit.
"""

from datetime import date, datetime
from typing import Any, cast

from sqlalchemy import Table, select, text

from ticketing.casefile.tickets import guards
from ticketing.casefile.tickets.lists import community_mark
from ticketing.casefile.tickets.models import Note, Ticket, TicketFlow
from ticketing.journal.commands import record
from ticketing.kernel import clock, search
from ticketing.kernel.db import db
from ticketing.kernel.enums import Labelled
from ticketing.kernel.errors import Conflict, NotPermitted
from ticketing.masters.people.models import User
from ticketing.masters.workcalendar import calendar
from ticketing.procedure.deadlines import CALLBACK, COMPLAINT, DISPATCHING, FEEDBACK
from ticketing.procedure.numbering import ticket_number
from ticketing.procedure.permissions import Act, may
from ticketing.procedure.vocabulary import Flow, NoteKind, TicketStage
from ticketing.procedure.workdays import Due
from ticketing.procedure.workflow import Step, find_step, flow_of

SUBJECT = "ticket"

_NEXT_SERIAL = text(
    "INSERT INTO ticket_counter (prefix, year, last) VALUES (:prefix, :year, 1)"
    " ON CONFLICT (prefix, year) DO UPDATE SET last = ticket_counter.last + 1 RETURNING last"
)

_STAND_IN_LINE = text(
    "INSERT INTO ticket_counter (prefix, year, last) VALUES (:prefix, :year, 0)"
    " ON CONFLICT (prefix, year) DO UPDATE SET last = ticket_counter.last"
)


def stand_in_line(community_code: str, at: datetime) -> None:
    """Take the place at the counter before anything is journalled in this transaction.

    Every transaction locks the counter first and the head of the journal second; one that journals
    something else before its ticket (a new customer) would lock them the other way round, and two
    clerks would wait for each other.
    """
    year = clock.local(at).year
    db.session.execute(_STAND_IN_LINE, {"prefix": community_code, "year": year})


def enter(ticket: Ticket, *, community_code: str, actor: User) -> Ticket:
    """Put a new ticket on the road: number, first deadline, flow, search words, journal entry.

    The number is gapless for the community and the Shanghai year of `ticket.registered_at`, because
    the counter is raised in the transaction that inserts the ticket (procedure 3.4.3).

    Raises NotPermitted.
    """
    if not may(actor.roles, Act.REGISTER):
        raise NotPermitted("您的岗位不能登记投诉。")
    at = ticket.registered_at
    year = clock.local(at).year
    serial = db.session.execute(_NEXT_SERIAL, {"prefix": community_code, "year": year}).scalar_one()
    ticket.number = ticket_number(community_code, year, serial)
    ticket.stage, ticket.is_open = TicketStage.REGISTERED, True
    complaint = complaint_due(ticket.received_at)
    ticket.complaint_due_on, ticket.complaint_due_provisional = complaint
    ticket.due_on, ticket.due_provisional = DISPATCHING.due(clock.local(at).date(), calendar)
    db.session.add(ticket)
    db.session.flush()
    _flow(ticket, Flow.NEW, at)
    search.add(ticket.id, *search_texts(ticket))
    record(
        SUBJECT,
        ticket.id,
        Act.REGISTER.value,
        actor=actor,
        at=at,
        clause="3.4.3",
        target=ticket.stage.value,
        version=ticket.version,
        facts={"number": ticket.number, "summary": ticket.summary},
    )
    return ticket


def complaint_due(received_at: datetime) -> Due:
    """By when a complaint received at this instant has to be finished (procedure 3.4.5)."""
    return COMPLAINT.due(clock.local(received_at).date(), calendar)


def advance(
    ticket: Ticket,
    act: Act,
    *,
    actor: User,
    version: int | None,
    changes: dict[str, Any] | None = None,
    facts: dict[str, Any] | None = None,
    target: TicketStage | None = None,
) -> datetime:
    """Let `actor` do `act` on `ticket`: write `changes`, move it, journal it; returns the instant.

    `version` is the version the person had on screen; None for acts that add a line and change
    nothing others may be editing. `target` overrides the row's target where the facts of the act
    decide (a callback). `facts` go into the journal beside the changed fields.

    Raises NotPermitted (role), Conflict (state or version), Invalid or NotPermitted (guard).
    """
    if not may(guards.roles_on(ticket, actor), act):
        raise NotPermitted(f"您的岗位不能办理“{act}”。")
    if version is not None and version != ticket.version:
        raise Conflict("您打开本页之后，这张登记表已被他人修改。请核对后再提交。", seen=version)
    step = allowed_step(ticket, act, actor)
    changes = changes or {}
    guards.check(step.guard, ticket, actor, changes)
    at = clock.now()
    written = _write(ticket, changes)
    origin = ticket.stage
    _move(ticket, target or step.target, act, at)
    db.session.flush()
    record(
        SUBJECT,
        ticket.id,
        act.value,
        actor=actor,
        at=at,
        clause=step.clause,
        origin=origin.value,
        target=ticket.stage.value,
        version=ticket.version,
        facts={**(facts or {}), **({"changed": written} if written else {})},
    )
    return at


def allowed_step(ticket: Ticket, act: Act, actor: User) -> Step:
    """The row of the road by which `actor` may do `act` now.

    Raises NotPermitted when his roles never may, Conflict when not in this state.
    """
    step, roles = find_step(ticket.stage, act), guards.roles_on(ticket, actor)
    if step is not None and step.roles & roles:
        return step
    if not may(roles, act):
        raise NotPermitted(f"您的岗位不能办理“{act}”。")
    raise Conflict(f"登记表现为“{ticket.stage}”，不能办理“{act}”。")


def hold(ticket_ids: list[int]) -> None:
    """Lock these tickets, always in the order of their ids, until the transaction ends.

    For an act on two papers: two people merging the same pair in opposite directions queue up.
    """
    db.session.execute(
        select(Ticket.id).where(Ticket.id.in_(ticket_ids)).order_by(Ticket.id).with_for_update()
    )


def add_note(
    ticket: Ticket,
    kind: NoteKind,
    action_taken: str,
    *,
    author: User,
    at: datetime,
    action_needed: str = "",
    next_on: date | None = None,
) -> Note:
    """Write a line on the form: 已采取行动 / 所需跟踪行动 / 已进行的跟踪行动 (procedure 5.3)."""
    note = Note(
        ticket_id=ticket.id,
        kind=kind,
        at=at,
        author_id=author.id,
        action_taken=action_taken,
        action_needed=action_needed,
        next_on=next_on,
    )
    db.session.add(note)
    db.session.flush()
    return note


def search_texts(ticket: Ticket) -> tuple[str, ...]:
    """What a ticket is found by: number, caller, phone and its last digits, room, text, community."""
    return (
        ticket.number,
        ticket.caller_name,
        ticket.caller_phone,
        ticket.caller_phone[-4:],
        ticket.room,
        ticket.summary,
        ticket.content,
        community_mark(ticket.community_id),
    )


def _move(ticket: Ticket, target: TicketStage, act: Act, at: datetime) -> None:
    """Set the stage with what follows from it: openness, flow, the next holder's deadline."""
    flow = flow_of(ticket.stage, target)
    came_new = ticket.stage is not target or act is Act.TRANSFER
    ticket.stage, ticket.is_open = target, target.is_open
    if act is Act.CALL_BACK and came_new:
        ticket.called_back_at = at
    if flow is not None:
        ticket.closed_at = None if target.is_open else at
        _flow(ticket, flow, at)
    if came_new:
        _set_deadline(ticket, act, at)


def _set_deadline(ticket: Ticket, act: Act, at: datetime) -> None:
    today = clock.local(at).date()
    match ticket.stage:
        case TicketStage.REGISTERED:
            ticket.due_on, ticket.due_provisional = DISPATCHING.due(today, calendar)
        case TicketStage.DISPATCHED:
            ticket.due_on, ticket.due_provisional = FEEDBACK.due(today, calendar)
            ticket.feedback_due_on, ticket.dispatched_at, ticket.fed_back_at = (
                ticket.due_on,
                at,
                None,
            )
        case TicketStage.HANDLING:
            if act is Act.REOPEN:
                again = COMPLAINT.due(today, calendar)
                ticket.complaint_due_on, ticket.complaint_due_provisional = again
            if act is Act.FEED_BACK:
                ticket.fed_back_at = at
            ticket.due_on = ticket.complaint_due_on
            ticket.due_provisional = ticket.complaint_due_provisional
            ticket.resolved_at = None
        case TicketStage.CALLBACK:
            ticket.resolved_at, ticket.called_back_at = at, None
            ticket.due_on, ticket.due_provisional = CALLBACK.due(today, calendar)
            ticket.callback_due_on = ticket.due_on
        case _:
            ticket.due_on, ticket.due_provisional = None, False


def _flow(ticket: Ticket, flow: Flow, at: datetime) -> None:
    values = {
        "ticket_id": ticket.id,
        "community_id": ticket.community_id,
        "at": at,
        "flow": flow,
    }
    with db.session.no_autoflush:  # the ticket is written once an act: one act, one version
        db.session.execute(_ADD_FLOW, values)


_ADD_FLOW = cast(Table, TicketFlow.__table__).insert()


def _write(ticket: Ticket, changes: dict[str, Any]) -> dict[str, list[Any]]:
    """Set the changed fields; returns {name: [old, new]} in JSON-ready form."""
    written = {}
    for name, new in changes.items():
        old = getattr(ticket, name)
        if old != new:
            setattr(ticket, name, new)
            written[name] = [_plain(old), _plain(new)]
    return written


def _plain(value: Any) -> Any:
    if isinstance(value, Labelled):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    return value
