"""Writing the file of a major complaint: measures, minutes, special report, instruction."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute

from ticketing.casefile.tickets import queries as tickets
from ticketing.casefile.tickets.commands import advance, hold
from ticketing.casefile.tickets.models import Assistance, Ticket
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import Conflict, Invalid, NotFound
from ticketing.kernel.text import clean, clean_line, one_line
from ticketing.masters.people import queries as people
from ticketing.masters.people.models import User
from ticketing.masters.people.scope import Scope
from ticketing.oversight.escalation import queries
from ticketing.oversight.escalation.models import Assignment, Directive, Minutes, SpecialReport
from ticketing.procedure.permissions import Act
from ticketing.procedure.vocabulary import SpecialStage

LINES = ("place", "chair", "cost", "approver", "spokesman", "issued_by")
"""Fields of the minutes that are one line."""


def direct(
    ticket: Ticket,
    *,
    version: int,
    text: str,
    department_ids: list[int],
    due_on: date | None,
    also: list[int],
    actor: User,
    scope: Scope,
) -> Ticket:
    """Decide the measures for a major complaint; it ends the escalation clock (procedure 2.1.2, 3.4.7).

    `also` are further major complaints of the same cause that the same measures cover (`queries.kin`); each
    keeps them in its own file. Each of the departments is told; one that is not responsible for a ticket is
    asked as for assistance, so that it sees the ticket and can report on it. A further directive stands beside
    the earlier ones.

    Raises Invalid (no text, a date in the past, not major), Conflict, NotPermitted.
    """
    for one in _covered(ticket, also, Ticket.directed_at, scope):
        _direct(
            one,
            version=version if one is ticket else None,
            text=text,
            department_ids=department_ids,
            due_on=due_on,
            actor=actor,
        )
    return ticket


def _covered(
    ticket: Ticket,
    also: list[int],
    lacking: InstrumentedAttribute[datetime | None],
    scope: Scope,
) -> list[Ticket]:
    """The ticket and those its paper covers too. Raises Conflict when one of them needs it no longer."""
    known = {one.id for one in queries.kin(scope, ticket, lacking)} if also else set()
    if not known.issuperset(also):
        raise Conflict("所选的同类投诉已有变化，请核对后再提交。", field="also")
    if also:
        hold([ticket.id, *also])
    return [ticket, *(tickets.ticket_for(scope, one) for one in sorted(set(also)))]


def _direct(
    ticket: Ticket,
    *,
    version: int | None,
    text: str,
    department_ids: list[int],
    due_on: date | None,
    actor: User,
) -> None:
    text = clean(text)
    if not text:
        raise Invalid("请写明处理措施。", field="text")
    if due_on is not None and due_on < clock.today():
        raise Invalid("完成期限不能早于今天。", field="due_on")
    bound = [people.department(one) for one in dict.fromkeys(department_ids)]
    waiting = {a.department_id for a in ticket.assistances if a.replied_at is None}
    at = advance(
        ticket,
        Act.DIRECT,
        actor=actor,
        version=version,
        changes={"directed_at": clock.now(), "papers": ticket.papers + 1},
        facts={
            "said": text,
            "departments": "、".join(department.name for department in bound),
            "due_on": due_on.isoformat() if due_on else "",
        },
        asked=bound,
    )
    db.session.add(
        Directive(
            ticket_id=ticket.id, at=at, by_id=actor.id, text=text, due_on=due_on, departments=bound
        )
    )
    db.session.add_all(
        Assistance(
            ticket_id=ticket.id,
            department_id=department.id,
            asked_at=at,
            asked_by_id=actor.id,
            question=f"落实处理措施：{text}",
        )
        for department in bound
        if department.id != ticket.department_id and department.id not in waiting
    )
    db.session.flush()


def minute(
    ticket: Ticket,
    *,
    version: int,
    meeting: int | None,
    held_at: datetime,
    assignments: Sequence[dict[str, Any]],
    next_on: date | None,
    also: list[int],
    actor: User,
    scope: Scope,
    **words: str,
) -> Ticket:
    """Write the minutes of the special meeting, or a further edition of them (procedure 3.10.5).

    `meeting` None is a new meeting; `also` are further major complaints of the same cause it dealt with, each
    of which keeps the minutes in its own file. `words` are the paragraphs of the paper by column. An assignment needs a
    matter and a person; lines without either are left out.

    Raises Invalid, NotFound (no such meeting), Conflict, NotPermitted.
    """
    if held_at > clock.now():
        raise Invalid("会议时间不能晚于现在：纪要记的是已开的会。", field="held_at")
    for one in _covered(ticket, also, Ticket.minuted_at, scope):
        _minute(
            one,
            version=version if one is ticket else None,
            meeting=meeting if one is ticket else None,
            held_at=held_at,
            tasks=[_task(line) for line in assignments if line.get("matter") or line.get("person")],
            next_on=next_on,
            actor=actor,
            said={
                name: clean_line(text) if name in LINES else clean(text)
                for name, text in words.items()
            },
        )
    return ticket


def _minute(
    ticket: Ticket,
    *,
    version: int | None,
    meeting: int | None,
    held_at: datetime,
    tasks: list[Assignment],
    next_on: date | None,
    actor: User,
    said: dict[str, str],
) -> None:
    last, edition = _edition(ticket.id, meeting)
    at = advance(
        ticket,
        Act.MINUTE,
        actor=actor,
        version=version,
        changes={"minuted_at": clock.now(), "papers": ticket.papers + 1},
        facts={"meeting": last, "edition": edition, "said": one_line(said.get("plan", ""), 80)},
    )
    db.session.add(
        Minutes(
            ticket_id=ticket.id,
            meeting=last,
            edition=edition,
            at=at,
            by_id=actor.id,
            held_at=held_at,
            next_on=next_on,
            assignments=tasks,
            **said,
        )
    )
    db.session.flush()


def _task(line: dict[str, Any]) -> Assignment:
    matter, person = clean_line(line.get("matter")), clean_line(line.get("person"))
    if not (matter and person):
        raise Invalid("分工的每一行须同时有事项和责任人。", field="assignments")
    return Assignment(
        matter=matter, person=person, due_on=line.get("due_on"), done_on=line.get("done_on")
    )


def _edition(ticket_id: int, meeting: int | None) -> tuple[int, int]:
    """The number of the meeting and of the edition to write next. Raises NotFound."""
    if meeting is None:
        last = db.session.scalar(
            select(func.max(Minutes.meeting)).where(Minutes.ticket_id == ticket_id)
        )
        return (last or 0) + 1, 1
    edition = db.session.scalar(
        select(func.max(Minutes.edition)).where(
            Minutes.ticket_id == ticket_id, Minutes.meeting == meeting
        )
    )
    if edition is None:
        raise NotFound
    return meeting, edition + 1


NEEDED = {
    "background": "背景",
    "state": "现状",
    "cause": "原因",
    "responsibility": "责任",
    "done": "已做工作",
    "proposal": "建议",
    "decisions": "需决策事项",
}
"""What must be filled in before the special report is submitted."""


def draft_special(ticket: Ticket, *, version: int, actor: User, **words: str) -> Ticket:
    """Save a draft of the special report; every saving is an edition of its own (procedure 3.10.6).

    Raises Invalid (submitted already, neither major nor important), Conflict, NotPermitted.
    """
    earlier = queries.special_of(ticket.id)
    edition = earlier.edition + 1 if earlier else 1
    at = advance(
        ticket,
        Act.DRAFT_SPECIAL,
        actor=actor,
        version=version,
        changes={"special": SpecialStage.DRAFTED, "papers": ticket.papers + 1},
        facts={"edition": edition},
    )
    said = {name: clean(text) for name, text in words.items()}
    db.session.add(
        SpecialReport(ticket_id=ticket.id, edition=edition, at=at, by_id=actor.id, **said)
    )
    db.session.flush()
    return ticket


def submit_special(ticket: Ticket, *, version: int, actor: User) -> Ticket:
    """Hand the special report to the general manager; from now on it is frozen (procedure 3.10.6).

    Raises Invalid (no draft, or something is not filled in), Conflict, NotPermitted.
    """
    at = advance(
        ticket,
        Act.SUBMIT_SPECIAL,
        actor=actor,
        version=version,
        changes={"special": SpecialStage.SUBMITTED, "papers": ticket.papers + 1},
    )
    report = _present(ticket)
    empty = [label for name, label in NEEDED.items() if not getattr(report, name)]
    if empty:
        raise Invalid(f"上报前请补全：{'、'.join(empty)}。")
    report.submitted_at, report.submitted_by_id = at, actor.id
    db.session.flush()
    return ticket


def instruct(ticket: Ticket, *, version: int, instruction: str, actor: User) -> Ticket:
    """Record the general manager's instruction on the submitted special report (procedure 3.10.6).

    Raises Invalid (no instruction, nothing submitted), Conflict, NotPermitted.
    """
    instruction = clean(instruction)
    if not instruction:
        raise Invalid("请写明批示。", field="instruction")
    at = advance(
        ticket,
        Act.INSTRUCT,
        actor=actor,
        version=version,
        changes={"special": SpecialStage.INSTRUCTED, "papers": ticket.papers + 1},
        facts={"said": instruction},
    )
    report = _present(ticket)
    report.instruction, report.instructed_at, report.instructed_by_id = instruction, at, actor.id
    db.session.flush()
    return ticket


def _present(ticket: Ticket) -> SpecialReport:
    report = queries.special_of(ticket.id)
    if report is None:
        raise NotFound
    return report
