"""Which days people work, and in which edition of the calendar that is said.

The rows are few and change some times a year, but a page asks about them hundreds of times. So the whole
calendar is kept in memory, once for the process, and each transaction asks the database once whether it is
still the newest, by the random mark of the newest edition: a request together with the check who is signed
in, any other transaction with its first question. Every change makes a new edition with a mark of its own, so
what is kept under a mark can never be wrong, whoever else writes, and a change that is rolled back leaves
nothing behind.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any, cast

from sqlalchemy import Row, Table, event, select
from sqlalchemy.orm import Session, SessionTransaction

from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import NotFound
from ticketing.masters.workcalendar.models import (
    CalendarDay,
    CalendarEdition,
    CalendarProposal,
    CalendarYear,
    ProposalState,
    SpecialDay,
)
from ticketing.masters.workcalendar.package import day_kind, known_years
from ticketing.procedure.workdays import DayKind, unpublished_rule

LIST_COMES_IN = 11
"""The month in which the State Council publishes the next year's list."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The whole calendar as one edition says it; itself a calendar for the arithmetic."""

    edition: int
    mark: str
    works: dict[date, bool]
    official: frozenset[int]

    def __call__(self, day: date) -> DayKind:
        """Whether `day` is a working day, and whether its year has no official list yet.

        A row wins; an official year is otherwise Monday to Friday; a year without its list is always
        provisional: as the package says if it knows it, else without the statutory days of fixed date.
        """
        works, official = self.works.get(day), day.year in self.official
        if works is not None:
            return DayKind(works, not official)
        if official:
            return DayKind(day.weekday() < 5)
        return day_kind(day) if day.year in known_years() else unpublished_rule(day)


_SNAPSHOT, _TOLD = "calendar", "calendar mark"
_days, _years = (cast(Table, model.__table__) for model in (CalendarDay, CalendarYear))
NEWEST_MARK = (
    select(CalendarEdition.mark).order_by(CalendarEdition.id.desc()).limit(1).scalar_subquery()
)
"""For a statement that is made anyway at the start of a transaction; what it says goes to `told`."""

_NEWEST = select(CalendarEdition.id, CalendarEdition.mark).order_by(CalendarEdition.id.desc())
_kept: Snapshot | None = None


def calendar(day: date) -> DayKind:
    """Whether `day` is a working day (make-up days included), as the present transaction sees it."""
    return snapshot()(day)


def edition() -> int:
    """The present edition of the calendar, as clocks note it."""
    return snapshot().edition


def snapshot() -> Snapshot:
    """The calendar of the present transaction; a loop over thousands of days asks it directly."""
    info = db.session().info
    found = info.get(_SNAPSHOT)
    if found is None:
        # the mover asks in the middle of an act: looking must not write its half-changed paper
        with db.session.no_autoflush:
            found = info[_SNAPSHOT] = _renewed(info.get(_TOLD))
    return cast(Snapshot, found)


def told(mark: str | None) -> None:
    """Take note of the newest mark, which this transaction has just read by `NEWEST_MARK`."""
    db.session().info[_TOLD] = mark


def forget() -> None:
    """Let the present transaction look again: it has just changed the calendar itself."""
    _drop(db.session())


@event.listens_for(db.session, "after_transaction_end")
def _end(session: Session, transaction: SessionTransaction) -> None:
    """Forget with the transaction or a savepoint; the end of a mere flush is neither."""
    if transaction.parent is None or transaction.nested:
        _drop(session)


def _drop(session: Session) -> None:
    session.info.pop(_SNAPSHOT, None)
    session.info.pop(_TOLD, None)


def _renewed(mark: str | None) -> Snapshot:
    """What the process keeps if it bears the newest mark, else the rows read anew."""
    global _kept
    kept = _kept
    if kept is not None and kept.mark == mark:
        return kept
    number, newest = _newest()
    while True:
        if kept is not None and (kept.edition, kept.mark) == (number, newest):
            return kept
        read = _read(number, newest)
        again = _newest()
        if again == (number, newest):  # no edition came between the two reads
            _kept = read
            return read
        number, newest = again


def _newest() -> tuple[int, str]:
    row = db.session.execute(_NEWEST.limit(1)).one_or_none()
    return (row.id, row.mark) if row else (0, "")


def _read(number: int, mark: str) -> Snapshot:
    works: dict[date, bool] = {}
    for day, kind in db.session.execute(select(_days.c.day, _days.c.kind)):
        works[day] = kind is SpecialDay.MAKEUP and works.get(day, True)
    official = db.session.scalars(select(_years.c.year))
    return Snapshot(number, mark, works, frozenset(official))


def missing_year() -> int | None:
    """The year whose official list ought to be here and is not: this one, from November on the next."""
    today, official = clock.today(), snapshot().official
    if today.year not in official:
        return today.year
    if today.month >= LIST_COMES_IN and today.year + 1 not in official:
        return today.year + 1
    return None


def days_of(year: int) -> list[Row[Any]]:
    """The rows of a year in order: day, kind, name, notice, source, when and by whom."""
    query = (
        select(*_days.c)
        .where(_days.c.day.between(date(year, 1, 1), date(year, 12, 31)))
        .order_by(_days.c.day, _days.c.kind)
    )
    return list(db.session.execute(query))


def year_row(year: int) -> CalendarYear | None:
    """Where the official list of a year comes from; None while it is provisional."""
    return db.session.get(CalendarYear, year)


def editions(limit: int = 20) -> list[CalendarEdition]:
    """The latest editions, newest first."""
    return list(
        db.session.scalars(select(CalendarEdition).order_by(CalendarEdition.id.desc()).limit(limit))
    )


def pending() -> list[CalendarProposal]:
    """The proposals that wait for a second person, oldest first."""
    return list(
        db.session.scalars(
            select(CalendarProposal)
            .where(CalendarProposal.state == ProposalState.PENDING)
            .order_by(CalendarProposal.id)
        )
    )


def proposal(proposal_id: int, *, hold: bool = False) -> CalendarProposal:
    """One proposal; with `hold` locked until the transaction ends. Raises NotFound."""
    found = db.session.get(CalendarProposal, proposal_id, with_for_update=hold)
    if found is None:
        raise NotFound
    return found


def coming_closures() -> list[Row[Any]]:
    """The company closures of days that have not come yet."""
    query = (
        select(*_days.c)
        .where(_days.c.kind == SpecialDay.CLOSURE, _days.c.day > clock.today())
        .order_by(_days.c.day)
    )
    return list(db.session.execute(query))
