"""The periods of reports (procedure 3.10.3, 3.10.4): weeks from Monday to Sunday, and quarters."""

import re
from datetime import date, timedelta
from typing import NamedTuple, Self

from ticketing.procedure.vocabulary import ReportKind

ONE_DAY = timedelta(days=1)
ONE_WEEK = timedelta(days=7)
FIRST_YEAR, LAST_YEAR = 2000, 2999
_WEEK = re.compile(r"(\d{4})-W(\d{2})", re.ASCII)
_QUARTER = re.compile(r"(\d{4})-Q([1-4])", re.ASCII)


class Period(NamedTuple):
    """The days a report covers, both ends included."""

    kind: ReportKind
    first_on: date
    last_on: date

    @classmethod
    def holding(cls, kind: ReportKind, day: date) -> Self:
        """The week or quarter `day` lies in."""
        if kind is ReportKind.WEEKLY:
            monday = day - timedelta(days=day.weekday())
            return cls(kind, monday, monday + ONE_WEEK - ONE_DAY)
        first_month = (day.month - 1) // 3 * 3 + 1
        after = date(day.year + first_month // 10, (first_month + 3) % 12, 1)
        return cls(kind, date(day.year, first_month, 1), after - ONE_DAY)

    @classmethod
    def named(cls, kind: ReportKind, name: str) -> Self:
        """The period called `name`: ``2026-W47`` or ``2026-Q4``. Raises ValueError."""
        found = (_WEEK if kind is ReportKind.WEEKLY else _QUARTER).fullmatch(name)
        if found is None or not FIRST_YEAR <= int(found[1]) <= LAST_YEAR:
            raise ValueError(name)
        year, number = int(found[1]), int(found[2])
        if kind is ReportKind.WEEKLY:
            return cls.holding(kind, date.fromisocalendar(year, number, 1))
        return cls.holding(kind, date(year, number * 3, 1))

    @property
    def name(self) -> str:
        """``2026-W47`` (the ISO week) or ``2026-Q4``."""
        if self.kind is ReportKind.WEEKLY:
            year, week, _ = self.first_on.isocalendar()
            return f"{year}-W{week:02}"
        return f"{self.first_on.year}-Q{self._quarter}"

    @property
    def title(self) -> str:
        """``2026年第47周`` or ``2026年第4季度``."""
        if self.kind is ReportKind.WEEKLY:
            year, week, _ = self.first_on.isocalendar()
            return f"{year}年第{week}周"
        return f"{self.first_on.year}年第{self._quarter}季度"

    @property
    def _quarter(self) -> int:
        return (self.first_on.month + 2) // 3

    @property
    def previous(self) -> Self:
        """The period just before."""
        return self.holding(self.kind, self.first_on - ONE_DAY)

    @property
    def year_before(self) -> Self:
        """The same quarter of the year before; for a week, the week 52 weeks before."""
        if self.kind is ReportKind.WEEKLY:
            return self.holding(self.kind, self.first_on - 52 * ONE_WEEK)
        return self.holding(self.kind, self.first_on.replace(year=self.first_on.year - 1))

    def back(self, count: int) -> list[Self]:
        """This period and those before it, `count` in all, newest first."""
        periods = [self]
        while len(periods) < count:
            periods.append(periods[-1].previous)
        return periods
