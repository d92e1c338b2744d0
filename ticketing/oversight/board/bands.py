"""Where a deadline lies as seen today: late, due today, this week, later."""

from datetime import date, datetime, timedelta
from typing import NamedTuple, Self

from sqlalchemy import ColumnElement, and_, or_

from ticketing.casefile.timers.models import Clock
from ticketing.kernel import clock as time
from ticketing.kernel.enums import Labelled
from ticketing.procedure.deadlines import ClockKind, Unit, limit_of
from ticketing.procedure.periods import Period
from ticketing.procedure.vocabulary import ReportKind


class Band(Labelled):
    """The four bands of the board. The values stand in addresses; nothing stores them."""

    OVERDUE = "overdue", "已超时"
    TODAY = "today", "今日到期"
    WEEK = "week", "本周到期"
    LATER = "later", "以后"


TO_THE_MINUTE = frozenset(
    kind
    for kind in ClockKind
    if kind is ClockKind.WEEKLY_REPORT or limit_of(kind).unit is Unit.HOURS
)
"""Kinds that are late from the instant they ring; any other is kept until its due date is over (procedure 3.10.3)."""


class Cuts(NamedTuple):
    """The instants that part the bands: now, the beginnings of today, of tomorrow and of next Monday (Shanghai)."""

    present: datetime
    midnight: datetime
    tomorrow: datetime
    monday: datetime

    @classmethod
    def today(cls) -> Self:
        """The cuts as they are now."""
        day = time.today()
        sunday = Period.holding(ReportKind.WEEKLY, day).last_on
        return cls(time.now(), time.at(day), *(time.at(_after(last)) for last in (day, sunday)))

    def by_hours(self, kind: ClockKind, due_at: datetime) -> bool:
        """Whether its badge counts hours: of a limit in hours, and of a report that is late on its day."""
        if limit_of(kind).unit is Unit.HOURS:
            return True
        return kind in TO_THE_MINUTE and self.midnight <= due_at < self.present

    def holds(self, band: Band) -> ColumnElement[bool]:
        """The condition that a running clock lies in `band`; a clock rings on its due date."""
        at, exact = Clock.due_at, Clock.kind.in_(sorted(TO_THE_MINUTE, key=lambda kind: kind.value))
        if band is Band.OVERDUE:
            return and_(at < self.present, or_(at < self.midnight, exact))
        if band is Band.TODAY:
            kept = or_(at >= self.present, ~exact)
            return and_(at >= self.midnight, at < self.tomorrow, kept)
        if band is Band.WEEK:
            return and_(at >= self.tomorrow, at < self.monday)
        return at >= self.monday

    def band(self, kind: ClockKind, due_at: datetime) -> Band:
        """The band of one running clock."""
        if due_at < (self.present if kind in TO_THE_MINUTE else self.midnight):
            return Band.OVERDUE
        if due_at < self.tomorrow:
            return Band.TODAY
        return Band.WEEK if due_at < self.monday else Band.LATER


def _after(day: date) -> date:
    return day + timedelta(days=1)
