"""Acts on the working calendar: proposing, putting in force, dropping; loading what a newer package knows.

Nothing a person asks for counts before a second person confirms it. Every change makes a new edition and is
journalled; what follows from it for running clocks is `oversight.calendar.commands`.
"""

import secrets
from datetime import date
from typing import Any

from sqlalchemy import delete, select

from ticketing.journal.commands import Actor, record
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import Conflict, Invalid, NotPermitted
from ticketing.kernel.text import clean_line
from ticketing.masters.workcalendar import notice as notices
from ticketing.masters.workcalendar import queries
from ticketing.masters.workcalendar.models import (
    CalendarDay,
    CalendarEdition,
    CalendarProposal,
    CalendarSource,
    CalendarYear,
    ProposalKind,
    ProposalState,
    SpecialDay,
)
from ticketing.masters.workcalendar.package import NamedDay, known_years, special_days

SUBJECT = "calendar"
EARLIEST, LATEST = 2008, 2099
"""The years whose list a person may enter: since 2008 the statutory feasts are those of today."""


def propose_year(*, text: str, year: int | None, number: str, actor: Actor) -> CalendarProposal:
    """Ask for a year's official list, new or corrected, from its pasted text (procedure 3.4.5).

    Raises Invalid with the line that is wrong, Conflict when the same year waits already.
    """
    list_ = notices.understand(text, year=year, number=number)
    check_list(list_)
    if any(
        waiting.kind is ProposalKind.YEAR and waiting.year == list_.year
        for waiting in queries.pending()
    ):
        raise Conflict(f"{list_.year} 年的放假安排已有一份在等待确认，请先确认或撤下。")
    return _propose(ProposalKind.YEAR, list_.year, list_.days, list_.number, actor)


def check_list(list_: notices.Notice) -> None:
    """Refuse a list that may not be adopted. Raises Invalid."""
    if not EARLIEST <= list_.year <= LATEST:
        raise Invalid(f"年份应在 {EARLIEST} 年至 {LATEST} 年之间。", field="year")
    if not list_.number:
        raise Invalid("请填写通知文号，例如 国办发明电〔2025〕7号。", field="number")
    notices.check(list_.year, list_.days)


def propose_closure(*, day: date, reason: str, actor: Actor) -> CalendarProposal:
    """Ask that the company closes on a coming working day, with the reason. Raises Invalid, Conflict."""
    _check_closure(day)
    _not_twice(ProposalKind.CLOSURE, day)
    named = NamedDay(day, SpecialDay.CLOSURE, clean_line(reason))
    return _propose(ProposalKind.CLOSURE, day.year, [named], "", actor)


def propose_reopening(*, day: date, reason: str, actor: Actor) -> CalendarProposal:
    """Ask that a coming closure is lifted, with the reason. Raises Invalid, Conflict."""
    _check_reopening(day)
    _not_twice(ProposalKind.REOPENING, day)
    named = NamedDay(day, SpecialDay.CLOSURE, clean_line(reason))
    return _propose(ProposalKind.REOPENING, day.year, [named], "", actor)


def put_in_force(proposal: CalendarProposal, *, actor: Actor) -> CalendarEdition:
    """Do what was proposed; `actor` is the second person. Raises NotPermitted, Conflict, Invalid."""
    if proposal.state is not ProposalState.PENDING:
        raise Conflict("这项变更已经处理过了。")
    if proposal.proposed_by_id == actor.id:
        raise NotPermitted("须由提出人以外的第二人确认。")
    _take_turn()
    days = days_of(proposal)
    match proposal.kind:
        case ProposalKind.YEAR:
            notices.check(proposal.year, days)
            before = {row.day.isoformat() for row in _official_rows(proposal.year)}
            _adopt(proposal.year, days, proposal.number, CalendarSource.NOTICE, actor)
            change = f"{proposal.year} 年放假安排（{proposal.number}）"
            after = {one.day.isoformat() for one in days}
            facts: dict[str, Any] = {
                "number": proposal.number,
                "days": proposal.days,
                "dropped": sorted(before - after),
            }
        case ProposalKind.CLOSURE:
            _check_closure(days[0].day)
            _write(days, "", CalendarSource.COMPANY, actor)
            change = f"{days[0].day} 公司停工：{days[0].name}"
            facts = {"day": days[0].day.isoformat(), "reason": days[0].name}
        case ProposalKind.REOPENING:
            _check_reopening(days[0].day)
            _remove_closure(days[0].day)
            change = f"{days[0].day} 取消停工：{days[0].name}"
            facts = {"day": days[0].day.isoformat(), "reason": days[0].name}
    _decide(proposal, ProposalState.IN_FORCE, actor)
    facts["proposed_by_id"] = proposal.proposed_by_id
    return _edition(f"adopt_{proposal.kind.value}", proposal.year, change, facts, actor)


def drop(proposal: CalendarProposal, *, actor: Actor) -> CalendarProposal:
    """Take a proposal off the table; nothing changes. Raises Conflict."""
    if proposal.state is not ProposalState.PENDING:
        raise Conflict("这项变更已经处理过了。")
    _decide(proposal, ProposalState.DROPPED, actor)
    record(
        SUBJECT,
        proposal.year,
        "drop_proposal",
        actor=actor,
        at=clock.now(),
        clause="3.4.5",
        facts={"proposal": proposal.id, "kind": proposal.kind.value},
    )
    return proposal


def load_known_years(actor: Actor | None) -> list[int]:
    """Take over the years the installed package knows and the calendar does not; the years taken.

    Years are never taken twice and a notice is never overwritten: with nothing new this writes nothing.
    """
    _take_turn()
    have = set(db.session.scalars(select(CalendarYear.year)))
    years = [year for year in known_years() if year not in have]
    for year in years:
        _adopt(year, list(special_days(year)), "", CalendarSource.PACKAGE, actor)
    if years:
        change = f"{'、'.join(map(str, years))} 年，软件内置"
        _edition("load_years", years[-1], change, {"years": years}, actor)
    return years


def days_of(proposal: CalendarProposal) -> list[NamedDay]:
    """The days a proposal is about."""
    return [
        NamedDay(date.fromisoformat(day), SpecialDay(kind), name)
        for day, kind, name in proposal.days
    ]


def _propose(
    kind: ProposalKind,
    year: int,
    days: tuple[NamedDay, ...] | list[NamedDay],
    number: str,
    actor: Actor,
) -> CalendarProposal:
    at = clock.now()
    made = CalendarProposal(
        kind=kind,
        year=year,
        number=number,
        days=[[one.day.isoformat(), one.kind.value, one.name] for one in days],
        state=ProposalState.PENDING,
        proposed_at=at,
        proposed_by_id=actor.id,
    )
    db.session.add(made)
    db.session.flush()
    record(
        SUBJECT,
        year,
        f"propose_{kind.value}",
        actor=actor,
        at=at,
        clause="3.4.5",
        facts={"proposal": made.id, "number": number, "days": made.days},
    )
    return made


def _not_twice(kind: ProposalKind, day: date) -> None:
    if any(
        waiting.kind is kind and waiting.days[0][0] == day.isoformat()
        for waiting in queries.pending()
    ):
        raise Conflict("这一天已有同样的申请在等待确认。", field="day")


def _check_closure(day: date) -> None:
    if day <= clock.today():
        raise Invalid("停工日必须是今天以后的日期。", field="day")
    if day.year > LATEST:
        raise Invalid(f"年份应在 {EARLIEST} 年至 {LATEST} 年之间。", field="day")
    if not queries.calendar(day).works:
        raise Invalid(f"{clock.show_date(day)} 本来就不上班，不需要停工。", field="day")


def _check_reopening(day: date) -> None:
    if day <= clock.today():
        raise Invalid("已经开始的停工不能取消。", field="day")
    if db.session.get(CalendarDay, (day, SpecialDay.CLOSURE)) is None:
        raise Invalid("这一天没有停工安排。", field="day")


def _take_turn() -> None:
    """Let changes of the calendar follow each other: numbers of editions are seen in their order."""
    db.session.execute(
        select(CalendarEdition.id).order_by(CalendarEdition.id.desc()).limit(1).with_for_update()
    )


def _official_rows(year: int) -> list[Any]:
    return [row for row in queries.days_of(year) if row.kind is not SpecialDay.CLOSURE]


def _adopt(
    year: int,
    days: list[NamedDay],
    number: str,
    source: CalendarSource,
    actor: Actor | None,
) -> None:
    """Write a year's official days in place of those it had; closures stay."""
    db.session.execute(
        delete(CalendarDay).where(
            CalendarDay.day.between(date(year, 1, 1), date(year, 12, 31)),
            CalendarDay.kind != SpecialDay.CLOSURE,
        )
    )
    _write(days, number, source, actor)
    db.session.merge(
        CalendarYear(
            year=year,
            notice=number,
            source=source,
            adopted_at=clock.now(),
            adopted_by_id=actor.id if actor else None,
        )
    )


def _write(days: list[NamedDay], number: str, source: CalendarSource, actor: Actor | None) -> None:
    at = clock.now()
    db.session.add_all(
        CalendarDay(
            day=one.day,
            kind=one.kind,
            name=one.name,
            notice=number,
            source=source,
            entered_at=at,
            entered_by_id=actor.id if actor else None,
        )
        for one in days
    )


def _remove_closure(day: date) -> None:
    db.session.delete(db.session.get_one(CalendarDay, (day, SpecialDay.CLOSURE)))


def _decide(proposal: CalendarProposal, state: ProposalState, actor: Actor) -> None:
    proposal.state = state
    proposal.decided_at, proposal.decided_by_id = clock.now(), actor.id


def _edition(
    act: str, year: int, change: str, facts: dict[str, Any], actor: Actor | None
) -> CalendarEdition:
    """The new state of the calendar, journalled; the present transaction sees it at once."""
    at = clock.now()
    made = CalendarEdition(
        mark=secrets.token_hex(8), at=at, actor_id=actor.id if actor else None, change=change
    )
    db.session.add(made)
    db.session.flush()
    queries.forget()
    record(
        SUBJECT, year, act, actor=actor, at=at, clause="3.4.5", facts={**facts, "edition": made.id}
    )
    return made
