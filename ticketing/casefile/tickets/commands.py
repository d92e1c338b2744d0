"""The mover: the only code that puts a ticket on the road, moves it, or writes on it.

`enter` and `advance` check role, state, version and guard against the table in `procedure.workflow`,
write the row, its flow and its journal entry in the caller's transaction, and never commit. They let the
rules of `procedure.grading` raise the grade; `evaluate_open` does so every night for all open tickets.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple, cast

from sqlalchemy import Select, Table, select, text

from ticketing.casefile.tickets import grading, guards, telling
from ticketing.casefile.tickets.lists import community_mark
from ticketing.casefile.tickets.models import MARK_COLUMNS, Note, Ticket, TicketFlow
from ticketing.casefile.timers import commands as timers
from ticketing.casefile.timers import queries as clocks
from ticketing.journal.changes import write
from ticketing.journal.commands import record
from ticketing.kernel import clock, search
from ticketing.kernel.db import db, insert_now, run
from ticketing.kernel.errors import Conflict, NotPermitted
from ticketing.masters.people.models import Department, User
from ticketing.procedure import grading as rules
from ticketing.procedure.deadlines import STAGE_CLOCK, ClockKind, turn
from ticketing.procedure.numbering import ticket_number
from ticketing.procedure.permissions import Act, may
from ticketing.procedure.vocabulary import Flow, Grade, NoteKind, TicketStage
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
    run(_STAND_IN_LINE, {"prefix": community_code, "year": year})


def enter(ticket: Ticket, *, community_code: str, actor: User) -> Ticket:
    """Put a new ticket on the road: number, first deadline, flow, search words, journal entry.

    The number is gapless for the community and the Shanghai year of `ticket.registered_at`, because
    the counter is raised in the transaction that inserts the ticket (procedure 3.4.3).

    Raises NotPermitted.
    """
    if not may(actor.roles, Act.REGISTER):
        raise NotPermitted("您的岗位不能登记投诉。")
    at = ticket.registered_at
    starts = _starting(
        turn(Act.REGISTER, None, TicketStage.REGISTERED).starts, ticket, at, Act.REGISTER
    )
    if ticket.urgent:
        starts.append(timers.starting(ClockKind.EMERGENCY, ticket.received_at))
    ticket.grade = ticket.grade or Grade.GENERAL
    weighed = [name for name in (*MARK_COLUMNS.values(), "claim_fen") if getattr(ticket, name)]
    raised = _raise(ticket, grading.after(ticket, weighed))
    if ticket.grade is Grade.MAJOR:
        starts.append(timers.starting(ClockKind.ESCALATION, at))
    year = clock.local(at).year
    serial = run(_NEXT_SERIAL, {"prefix": community_code, "year": year}).scalar_one()
    ticket.number = ticket_number(community_code, year, serial)
    ticket.stage, ticket.is_open = TicketStage.REGISTERED, True
    _show_deadlines(ticket, starts)
    insert_now(ticket)
    timers.begin(ticket, starts, at=at)
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
    _say_raised(ticket, raised, actor, at=at, was=Grade.GENERAL)
    return ticket


def advance(
    ticket: Ticket,
    act: Act,
    *,
    actor: User,
    version: int | None,
    changes: dict[str, Any] | None = None,
    facts: dict[str, Any] | None = None,
    target: TicketStage | None = None,
    asked: Sequence[Department] = (),
    answers: bool = True,
) -> datetime:
    """Let `actor` do `act` on `ticket`: write `changes`, move it, journal it; returns the instant.

    `version` is the version the person had on screen; None for acts that add a line and change
    nothing others may be editing. `target` overrides the row's target where the facts of the act
    decide (a callback). `facts` go into the journal beside the changed fields. `asked` are the departments
    the act asks for help or instructs; they are told. Without `answers` the line is the customer's, and meets no clock.

    A ticket that becomes major by it starts its escalation clock, and the leaders are told (3.4.7).

    Raises NotPermitted (role), Conflict (state or version), Invalid or NotPermitted (guard).
    """
    if not may(guards.roles_on(ticket, actor), act):
        raise NotPermitted(f"您的岗位不能办理“{act}”。")
    if version is not None and version != ticket.version:
        raise Conflict("您打开本页之后，这张登记表已被他人修改。请核对后再提交。", seen=version)
    step = allowed_step(ticket, act, actor)
    changes = changes or {}
    origin, target = ticket.stage, target or step.target
    facts = dict(facts or {})
    guards.check(step, ticket, actor, changes, target)
    at, was = clock.now(), ticket.grade
    written = write(ticket, changes)
    raised = _raise(ticket, grading.after(ticket, written))
    turned = turn(act, origin, target)
    kinds, cancels = turned.starts, turned.cancels
    if act is Act.DECLINE_REPAIR and clocks.running(ticket.id, ClockKind.COMPLAINT) is not None:
        kinds -= {ClockKind.COMPLAINT}
    starts = _starting(kinds, ticket, at, act)
    became_major = ticket.grade is Grade.MAJOR and was is not Grade.MAJOR and target.is_open
    if became_major:
        starts.append(_escalation(ticket, at))
    elif was is Grade.MAJOR and ticket.grade is not Grade.MAJOR:
        cancels |= {ClockKind.ESCALATION}
    _move(ticket, target, at)
    _show_deadlines(ticket, starts)
    db.session.flush()
    meets = turned.meets if answers else ()
    timers.follow(ticket, starts=starts, meets=meets, cancels=cancels, at=at)
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
        facts=_with_changes(facts, written),
    )
    why = str(facts.get("reason", ""))
    _say_raised(ticket, raised, actor, at=at, was=was, why=why)
    telling.of_act(ticket, act, actor, at=at, asked=asked)
    return at


def _with_changes(facts: dict[str, Any], written: dict[str, Any]) -> dict[str, Any]:
    """The facts of an act with the columns it wrote beside what it changed elsewhere."""
    changed = {**facts.get("changed", {}), **written}
    return {**facts, "changed": changed} if changed else facts


class Raised(NamedTuple):
    """What the rules did to a grade: before, after, and the sentence that says why."""

    old: Grade
    new: Grade
    why: str
    rules: list[str]


def _raise(ticket: Ticket, findings: list[rules.Finding]) -> Raised | None:
    """Set the grade the findings ask for, if it is higher than the present one."""
    old = ticket.grade
    new = rules.gravest(findings, old)
    if new is old:
        return None
    ticket.grade = new
    named = [one.rule.id for one in findings if one.rule.grade is new]
    return Raised(old, new, rules.reason(findings, new), named)


def _escalation(ticket: Ticket, at: datetime) -> timers.Start:
    """The clock of a ticket that has just become major; its papers are asked for anew."""
    ticket.directed_at = ticket.minuted_at = None
    return timers.starting(ClockKind.ESCALATION, at)


def _say_raised(
    ticket: Ticket,
    raised: Raised | None,
    actor: User | None,
    *,
    at: datetime,
    was: Grade,
    why: str = "",
) -> None:
    """Write into the journal what the rules did, and tell those whose business an open ticket has become."""
    if raised is not None:
        record(
            SUBJECT,
            ticket.id,
            Act.REGRADE.value,
            actor=None,
            at=at,
            clause="3.4.7",
            origin=ticket.stage.value,
            target=ticket.stage.value,
            version=ticket.version,
            facts={
                "reason": raised.why,
                "rules": raised.rules,
                "changed": {"grade": [raised.old.value, raised.new.value]},
            },
        )
    if not ticket.is_open or ticket.grade.weight <= was.weight:
        return
    why = raised.why if raised else why
    if ticket.grade is Grade.MAJOR:
        telling.of_major(ticket, actor, why, at=at)
    elif ticket.grade is Grade.IMPORTANT:
        telling.of_important(ticket, actor, why, at=at)


def evaluate_open(at: datetime) -> int:
    """Let the rules raise the grade of every open ticket that asks for it; how many were raised (3.4.7).

    For the night job, within its transaction. All rows are locked before the first journal entry, as an act
    locks its ticket before the journal.
    """
    raised = 0
    with clock.held(at):
        due = {one.ticket_id: one.findings for one in grading.too_low()}
        tickets = _locked(list(due))
        done = [(ticket, _raise(ticket, due[ticket.id])) for ticket in tickets if ticket.is_open]
        majors = {ticket.id for ticket, lift in done if lift and lift.new is Grade.MAJOR}
        starts = {
            ticket.id: [_escalation(ticket, at)] for ticket, _lift in done if ticket.id in majors
        }
        db.session.flush()
        for ticket, lift in done:
            if lift is None:
                continue
            raised += 1
            if ticket.id in majors:
                timers.follow(ticket, starts=starts[ticket.id], meets=(), cancels=(), at=at)
            _say_raised(ticket, lift, None, at=at, was=lift.old)
    return raised


CHUNK = 500


def _locked(ticket_ids: list[int]) -> list[Ticket]:
    """These tickets, locked in the order of their ids and read anew."""
    found: list[Ticket] = []
    for start in range(0, len(ticket_ids), CHUNK):
        found += db.session.scalars(
            select(Ticket)
            .where(Ticket.id.in_(ticket_ids[start : start + CHUNK]))
            .order_by(Ticket.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    return found


def allowed_step(ticket: Ticket, act: Act, actor: User) -> Step[TicketStage]:
    """The row of the road by which `actor` may do `act` now.

    Raises NotPermitted when his roles never may, Conflict when not in this state.
    """
    step, roles = find_step(ticket.stage, act), guards.roles_on(ticket, actor)
    if step is not None and step.roles & roles:
        return step
    if not may(roles, act):
        raise NotPermitted(f"您的岗位不能办理“{act}”。")
    raise Conflict(f"登记表现为“{ticket.stage}”，不能办理“{act}”。")


def hold(ticket_ids: list[int] | Select[int]) -> None:
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


def _move(ticket: Ticket, target: TicketStage, at: datetime) -> None:
    """Set the stage with what follows from it: openness and flow."""
    flow = flow_of(ticket.stage, target)
    ticket.stage, ticket.is_open = target, target.is_open
    if flow is not None:
        ticket.closed_at = None if target.is_open else at
        _flow(ticket, flow, at)


def _starting(
    kinds: Iterable[ClockKind], ticket: Ticket, at: datetime, act: Act
) -> list[timers.Start]:
    """The clocks an act starts; some count from when the company first heard of the matter."""
    return [
        timers.starting(kind, ticket.received_at if (kind, act) in _FROM_RECEIPT else at)
        for kind in kinds
    ]


_FROM_RECEIPT = frozenset(
    {
        (ClockKind.COMPLAINT, Act.REGISTER),
        (ClockKind.SITE_SURVEY, Act.SCHEDULE_SURVEY),
    }
)
"""A new complaint's completion and its first survey (procedure 3.4.5); a second look counts from its day."""


def _show_deadlines(ticket: Ticket, starts: Iterable[timers.Start]) -> None:
    """Copy onto the ticket the dates its lists are ordered by: completion, and the holder's own."""
    begun = {start.kind: start.deadline for start in starts}
    if (complaint := begun.get(ClockKind.COMPLAINT)) is not None:
        ticket.complaint_due_on = complaint.on
        ticket.complaint_due_provisional = complaint.provisional
    kind = STAGE_CLOCK.get(ticket.stage)
    if kind is None:
        ticket.due_on, ticket.due_provisional = None, False
    elif kind is ClockKind.COMPLAINT:
        ticket.due_on = ticket.complaint_due_on
        ticket.due_provisional = ticket.complaint_due_provisional
    elif (own := begun.get(kind)) is not None:
        ticket.due_on, ticket.due_provisional = own.on, own.provisional


def _flow(ticket: Ticket, flow: Flow, at: datetime) -> None:
    values = {
        "ticket_id": ticket.id,
        "community_id": ticket.community_id,
        "at": at,
        "flow": flow,
    }
    run(_ADD_FLOW, values)


_ADD_FLOW = cast(Table, TicketFlow.__table__).insert()
