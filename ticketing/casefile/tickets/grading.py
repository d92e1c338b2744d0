"""What the rules of `procedure.grading` find on a ticket: the facts of one act, and of a whole night (3.4.7)."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, distinct, func, select, true, update
from sqlalchemy.orm import joinedload

from ticketing.casefile.tickets.models import MARK_COLUMNS, GradeProposal, Overruling, Ticket
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.masters.people.models import User
from ticketing.procedure.grading import (
    COMMUNITY_WINDOW,
    HOME_WINDOW,
    RULE_OF_MARK,
    Facts,
    Finding,
    gravest,
    judge,
)
from ticketing.procedure.suggestions import cause_of
from ticketing.procedure.vocabulary import Grade, Mark, TicketStage

_MARK_OF_COLUMN = {name: mark for mark, name in MARK_COLUMNS.items()}
_CAUSING = frozenset({"category", "content"})
_WEIGHED = frozenset({"claim_fen", "rework_count", "talk_count", *_CAUSING, *_MARK_OF_COLUMN})
"""Columns whose change can change what the rules find at once; the rest is a matter of days."""

_VOID = (TicketStage.INVALID, TicketStage.WITHDRAWN, TicketStage.MERGED)


def after(ticket: Ticket, written: Collection[str]) -> list[Finding]:
    """What the rules find after an act wrote these columns; nothing is asked when none of them counts.

    The cause follows category and content; a mark newly set counts again where it had been overruled.
    Nothing is flushed: an act writes its ticket once.
    """
    columns = _WEIGHED.intersection(written)
    if not columns:
        return []
    if columns & _CAUSING:
        ticket.cause = cause_of(ticket.category, ticket.content)
    with db.session.no_autoflush:
        anew = [
            RULE_OF_MARK[_MARK_OF_COLUMN[name]]
            for name in columns & _MARK_OF_COLUMN.keys()
            if getattr(ticket, name)
        ]
        if anew and ticket.id is not None:
            db.session.execute(
                update(Overruling)
                .where(Overruling.ticket_id == ticket.id, Overruling.rule.in_(anew))
                .values(weight=0)
                .execution_options(synchronize_session=False)
            )
        facts = facts_of(ticket)
        if gravest(judge(facts, by_time=False), facts.grade) is facts.grade:
            return []
        return judge(facts, overruled=_overruled(ticket), by_time=False)


def facts_of(ticket: Ticket) -> Facts:
    """The facts of one ticket as they stand now; others of its cause are counted in one statement each."""
    same_home, homes = _counted(ticket)
    return Facts(
        grade=ticket.grade or Grade.GENERAL,
        today=clock.today(),
        received_on=clock.local(ticket.received_at).date(),
        due_on=ticket.complaint_due_on or clock.today(),
        reworks=ticket.rework_count or 0,
        talks=ticket.talk_count or 0,
        claim_fen=ticket.claim_fen or 0,
        same_home=same_home,
        homes=homes,
        marks=ticket.marks,
    )


def _counted(ticket: Ticket) -> tuple[int, int]:
    """This home's tickets of the cause, and the community's homes with it, this ticket included."""
    if ticket.cause is None or ticket.unit_id is None:
        return 0, 0
    again = select(func.count(Ticket.id)).where(
        Ticket.unit_id == ticket.unit_id,
        Ticket.cause == ticket.cause,
        *_counting(HOME_WINDOW),
        Ticket.id != ticket.id,
    )
    others = select(func.count(distinct(Ticket.unit_id))).where(
        Ticket.community_id == ticket.community_id,
        Ticket.cause == ticket.cause,
        *_counting(COMMUNITY_WINDOW),
        Ticket.unit_id != ticket.unit_id,
    )
    row = db.session.execute(select(again.scalar_subquery(), others.scalar_subquery())).one()
    return (
        row[0] + 1 if ticket.received_at >= _since(HOME_WINDOW) else 0,
        row[1] + 1 if ticket.received_at >= _since(COMMUNITY_WINDOW) else 0,
    )


def _since(days: int) -> datetime:
    """The first instant of a window of so many days before today, its first day included."""
    return clock.at(clock.today() - timedelta(days=days))


def _counting(days: int) -> tuple[ColumnElement[bool], ...]:
    return (
        Ticket.received_at >= _since(days),
        Ticket.cause.is_not(None),
        Ticket.stage.not_in(_VOID),
    )


def _overruled(ticket: Ticket) -> dict[str, int]:
    if ticket.id is None:
        return {}
    rows = db.session.execute(
        select(Overruling.rule, Overruling.weight).where(Overruling.ticket_id == ticket.id)
    )
    return {row[0]: row[1] for row in rows}


def overrule(ticket: Ticket, grade: Grade, *, actor: User, at: datetime) -> None:
    """Remember the rules that ask for more than `grade` today: lowered knowingly, they stay silent.

    A larger figure than today's is a new fact and raises again; days alone never do.
    """
    standing = {
        one.rule.id: one.weight
        for one in judge(facts_of(ticket))
        if one.rule.grade.weight > grade.weight
    }
    known = {
        row.rule: row
        for row in db.session.scalars(select(Overruling).where(Overruling.ticket_id == ticket.id))
    }
    for rule, weight in standing.items():
        row = known.get(rule) or Overruling(ticket_id=ticket.id, rule=rule)
        row.weight, row.at, row.by_id = weight, at, actor.id
        db.session.add(row)


def weighed(
    ticket: Ticket, marks: Iterable[Mark] | None, claim_fen: int | None
) -> dict[str, object]:
    """What changes when a person sets these marks and this claim; None leaves them as they are."""
    changes: dict[str, object] = {}
    if marks is not None:
        wanted = frozenset(marks)
        changes |= {
            name: mark in wanted
            for mark, name in MARK_COLUMNS.items()
            if (mark in wanted) is not bool(getattr(ticket, name))
        }
    if claim_fen is not None and (claim_fen or None) != ticket.claim_fen:
        changes["claim_fen"] = claim_fen or None
    return changes


def waiting_proposal(ticket: Ticket) -> GradeProposal | None:
    """The proposal to lower this ticket that waits for a second person."""
    return db.session.scalars(
        select(GradeProposal)
        .where(GradeProposal.ticket_id == ticket.id, GradeProposal.settled_at.is_(None))
        .options(joinedload(GradeProposal.proposed_by, innerjoin=True))
    ).one_or_none()


class Due(NamedTuple):
    """An open ticket whose grade the rules find too low."""

    ticket_id: int
    findings: list[Finding]


def too_low() -> Iterator[Due]:
    """The open tickets of all communities the rules would raise, in the order of their ids.

    Four statements however many are open: counts by cause once, the tickets read in portions.
    """
    by_home = _table(
        select(Ticket.unit_id, Ticket.cause, func.count())
        .where(*_counting(HOME_WINDOW), Ticket.unit_id.is_not(None))
        .group_by(Ticket.unit_id, Ticket.cause)
        .having(func.count() > 1)
    )
    by_community = _table(
        select(Ticket.community_id, Ticket.cause, func.count(distinct(Ticket.unit_id)))
        .where(*_counting(COMMUNITY_WINDOW))
        .group_by(Ticket.community_id, Ticket.cause)
        .having(func.count(distinct(Ticket.unit_id)) > 1)
    )
    overruled: dict[int, dict[str, int]] = {}
    for ticket_id, rule, weight in db.session.execute(
        select(Overruling.ticket_id, Overruling.rule, Overruling.weight)
        .join(Ticket, Ticket.id == Overruling.ticket_id)
        .where(Ticket.is_open == true())
    ):
        overruled.setdefault(ticket_id, {})[rule] = weight
    today = clock.today()
    windows = _since(HOME_WINDOW), _since(COMMUNITY_WINDOW)
    for row in db.session.execute(_OPEN.execution_options(yield_per=5000)):
        facts = _row_facts(row, by_home, by_community, windows, today)
        findings = judge(facts, overruled=overruled.get(row.id))
        if any(one.rule.grade.weight > row.grade.weight for one in findings):
            yield Due(row.id, findings)


_OPEN = (
    select(
        Ticket.id,
        Ticket.grade,
        Ticket.community_id,
        Ticket.unit_id,
        Ticket.cause,
        Ticket.received_at,
        Ticket.complaint_due_on,
        Ticket.rework_count,
        Ticket.talk_count,
        Ticket.claim_fen,
        *(getattr(Ticket, name) for name in MARK_COLUMNS.values()),
    )
    .where(Ticket.is_open == true(), Ticket.grade != Grade.MAJOR)
    .order_by(Ticket.id)
)

Counted = Mapping[tuple[int, str], int]


def _table(query: Select[*tuple[Any, ...]]) -> Counted:
    return {(row[0], row[1]): row[2] for row in db.session.execute(query)}


def _row_facts(
    row: Any,
    by_home: Counted,
    by_community: Counted,
    windows: tuple[datetime, datetime],
    today: date,
) -> Facts:
    known = row.cause is not None and row.unit_id is not None
    home_since, community_since = windows
    return Facts(
        grade=row.grade,
        today=today,
        received_on=clock.local(row.received_at).date(),
        due_on=row.complaint_due_on,
        reworks=row.rework_count,
        talks=row.talk_count,
        claim_fen=row.claim_fen or 0,
        same_home=by_home.get((row.unit_id, row.cause), 0)
        if known and row.received_at >= home_since
        else 0,
        homes=by_community.get((row.community_id, row.cause), 0)
        if known and row.received_at >= community_since
        else 0,
        marks=frozenset(mark for mark, name in MARK_COLUMNS.items() if getattr(row, name)),
    )
