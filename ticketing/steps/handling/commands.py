"""Acts of handling: feedback, follow-up notes, assistance replies, grade, resolution."""

from collections.abc import Iterable
from datetime import date, datetime

from ticketing.casefile.tickets import grading, guards, telling
from ticketing.casefile.tickets.commands import add_note, advance, allowed_step
from ticketing.casefile.tickets.models import GradeProposal, Ticket
from ticketing.casefile.timers import moving
from ticketing.casefile.timers import queries as timers
from ticketing.casefile.timers.models import ConsentWay
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import Conflict, Invalid, NotPermitted
from ticketing.kernel.text import clean, one_line
from ticketing.masters.people.models import User
from ticketing.masters.workcalendar import queries as workcalendar
from ticketing.procedure.deadlines import ClockKind
from ticketing.procedure.permissions import Act
from ticketing.procedure.vocabulary import Grade, Mark, NoteKind, Role


def feed_back(
    ticket: Ticket,
    *,
    version: int,
    action_taken: str,
    action_needed: str,
    next_on: date | None,
    actor: User,
) -> Ticket:
    """The department's first answer; it stops the 3-working-day clock (procedure 3.4.2.2)."""
    taken = _filled(action_taken, "action_taken", "请填写已采取行动。")
    at = advance(
        ticket, Act.FEED_BACK, actor=actor, version=version, facts={"taken": one_line(taken, 80)}
    )
    add_note(
        ticket,
        NoteKind.FEEDBACK,
        taken,
        author=actor,
        at=at,
        action_needed=clean(action_needed),
        next_on=next_on,
    )
    return ticket


def follow_up(
    ticket: Ticket,
    *,
    action_taken: str,
    action_needed: str,
    next_on: date | None,
    actor: User,
    no_agreement: bool = False,
) -> Ticket:
    """A line of 已进行的跟踪行动; nobody else's work is touched, so no version is asked (3.4.4).

    `no_agreement`: it was a talk with the customer that ended without one; the third makes the ticket important (3.4.7).
    """
    taken = _filled(action_taken, "action_taken", "请填写已采取行动。")
    at = advance(
        ticket,
        Act.FOLLOW_UP,
        actor=actor,
        version=None,
        changes={"talk_count": ticket.talk_count + 1} if no_agreement else {},
        facts={"taken": one_line(taken, 80)},
    )
    add_note(
        ticket,
        NoteKind.FOLLOW_UP,
        taken,
        author=actor,
        at=at,
        action_needed=clean(action_needed),
        next_on=next_on,
    )
    return ticket


def assist(ticket: Ticket, *, reply: str, actor: User) -> Ticket:
    """The asked department's reply, part of the ticket (procedure 2.1.3). Raises NotPermitted."""
    reply = _filled(reply, "reply", "请填写协办回复。")
    at = advance(
        ticket, Act.ASSIST, actor=actor, version=None, facts={"reply": one_line(reply, 80)}
    )
    for assistance in ticket.assistances:
        if assistance.department_id == actor.department_id and assistance.replied_at is None:
            assistance.replied_at, assistance.replied_by_id = at, actor.id
            assistance.reply = reply
    db.session.flush()
    return ticket


def regrade(
    ticket: Ticket,
    *,
    version: int,
    grade: Grade,
    reason: str,
    actor: User,
    marks: Iterable[Mark] | None = None,
    claim_fen: int | None = None,
) -> Ticket:
    """Raise the grade, or lower it: lowering is the manager's alone (procedure 3.4.7).

    A major ticket stays major until a second person confirms what the manager proposes. `marks` and the
    claim (fen) None leave them as they are; a new one may raise the grade by the rules.

    Raises Invalid, NotPermitted, Conflict (a proposal waits already).
    """
    reason = _filled(reason, "reason", "请写明调整等级的理由。")
    changes = grading.weighed(ticket, marks, claim_fen)
    if grade is ticket.grade and not changes:
        raise Invalid("等级、重大情形和索赔金额都没有变化。", field="grade")
    lowers = grade.weight < ticket.grade.weight
    if lowers and Role.CS_MANAGER not in actor.roles:
        raise NotPermitted("降低等级须由客户服务部经理办理。", field="grade")
    allowed_step(ticket, Act.REGRADE, actor)
    if lowers and ticket.grade is Grade.MAJOR:
        _propose(ticket, grade, reason, changes, version=version, actor=actor)
        return ticket
    if lowers:
        grading.overrule(ticket, grade, actor=actor, at=clock.now())
    advance(
        ticket,
        Act.REGRADE,
        actor=actor,
        version=version,
        changes={**changes, "grade": grade},
        facts={"reason": reason},
    )
    return ticket


def _propose(
    ticket: Ticket,
    grade: Grade,
    reason: str,
    changes: dict[str, object],
    *,
    version: int,
    actor: User,
) -> None:
    """The manager proposes that a ticket is no longer major; it stays so until a second person agrees."""
    if grading.waiting_proposal(ticket) is not None:
        raise Conflict("已有一项降级等待确认。", field="grade")
    at = advance(
        ticket,
        Act.REGRADE,
        actor=actor,
        version=version,
        changes=changes,
        facts={"reason": f"提出降为{grade}：{reason}", "proposed": grade.value},
    )
    db.session.add(
        GradeProposal(
            ticket_id=ticket.id,
            grade=grade,
            reason=reason,
            proposed_at=at,
            proposed_by_id=actor.id,
        )
    )
    db.session.flush()
    telling.of_proposal(ticket, actor, at=at)


def settle_grade(ticket: Ticket, *, version: int, agreed: bool, reason: str, actor: User) -> Ticket:
    """A second person confirms that a ticket is no longer major, or keeps it so (procedure 3.4.7).

    The rules that made it major are set aside: they raise it again only on new facts.

    Raises Invalid (no reason for keeping it), NotPermitted (nothing waits, or it is his own), Conflict.
    """
    reason = clean(reason)
    if not agreed and not reason:
        raise Invalid("不同意降级时，请写明理由。", field="reason")
    step = allowed_step(ticket, Act.SETTLE_GRADE, actor)
    guards.check_first(step, ticket, actor)
    proposal = grading.waiting_proposal(ticket)
    assert proposal is not None  # the guard has just seen it
    changes: dict[str, object] = {}
    if agreed:
        changes["grade"] = proposal.grade
        grading.overrule(ticket, proposal.grade, actor=proposal.proposed_by, at=clock.now())
    answer = f"同意降为{proposal.grade}" if agreed else "不同意降级，仍为重大"
    at = advance(
        ticket,
        Act.SETTLE_GRADE,
        actor=actor,
        version=version,
        changes=changes,
        facts={"reason": f"{answer}：{reason}" if reason else f"{answer}。"},
    )
    proposal.settled_at, proposal.settled_by_id, proposal.agreed = at, actor.id, agreed
    db.session.flush()
    return ticket


def extend(
    ticket: Ticket,
    *,
    version: int,
    due_on: date,
    reason: str,
    consent_by: str,
    consent_at: datetime,
    consent_way: ConsentWay,
    evidence: str,
    actor: User,
) -> Ticket:
    """Put the completion date off, with the customer's consent obtained before (procedure 3.4.5-延).

    Raises Invalid, Conflict (past, or put off too often), NotPermitted.
    """
    guards.check_first(allowed_step(ticket, Act.EXTEND, actor), ticket, actor)
    running = timers.running(ticket.id, ClockKind.COMPLAINT)
    if running is None:
        raise Conflict("没有进行中的办结时限。")
    extension = moving.consented(
        running,
        due_on=due_on,
        reason=reason,
        consent_by=consent_by,
        consent_at=consent_at,
        consent_way=consent_way,
        evidence=evidence,
        actor=actor,
        at=clock.now(),
    )
    advance(
        ticket,
        Act.EXTEND,
        actor=actor,
        version=version,
        changes={
            "complaint_due_on": due_on,
            "complaint_due_provisional": workcalendar.calendar(due_on).provisional,
        },
        facts={
            "reason": extension.reason,
            "consent": f"{extension.consent_by}，{clock.show_instant(consent_at)}，"
            f"{consent_way}，凭证：{extension.evidence}",
        },
    )
    moving.put_off(running, extension)
    return ticket


def resolve(
    ticket: Ticket, *, version: int, resolution: str, customer_opinion: str, actor: User
) -> Ticket:
    """The department has done what was to be done; the customer will be called (3.4.5, 3.5.4)."""
    resolution = _filled(resolution, "resolution", "请填写处理结果。")
    opinion = clean(customer_opinion)
    at = advance(
        ticket,
        Act.RESOLVE,
        actor=actor,
        version=version,
        changes={"resolution": resolution, "customer_opinion": opinion},
    )
    add_note(ticket, NoteKind.RESOLUTION, resolution, author=actor, at=at)
    if opinion:
        add_note(ticket, NoteKind.OPINION, opinion, author=actor, at=at)
    return ticket


def _filled(text: str, field: str, sentence: str) -> str:
    text = clean(text)
    if not text:
        raise Invalid(sentence, field=field)
    return text
