"""What the installed `chinesecalendar` knows: the published years and their special days.

The package is exact for the years it knows and refuses all others. A new release of it brings a new year.
"""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

import chinese_calendar

from ticketing.masters.workcalendar.models import SpecialDay
from ticketing.procedure.workdays import DayKind


class NamedDay(NamedTuple):
    """One day that differs from Monday to Friday, and what the official list calls it."""

    day: date
    kind: SpecialDay
    name: str


_HOLIDAYS: dict[date, str] = chinese_calendar.holidays
_MAKEUPS: dict[date, str] = chinese_calendar.workdays
_NAMES = {holiday.value: holiday.chinese for holiday in chinese_calendar.Holiday}


def known_years() -> range:
    """The years the package knows."""
    return range(min(_HOLIDAYS).year, max(_HOLIDAYS).year + 1)


def special_days(year: int) -> Iterator[NamedDay]:
    """The holidays (weekend days that belong to one included) and make-up days of a known year."""
    for kind, days in ((SpecialDay.HOLIDAY, _HOLIDAYS), (SpecialDay.MAKEUP, _MAKEUPS)):
        for day in sorted(days):
            if day.year == year:
                yield NamedDay(day, kind, _NAMES[days[day]])


def day_kind(day: date) -> DayKind:
    """Whether people work on `day` of a year the package knows and nobody has loaded: provisional."""
    return DayKind(chinese_calendar.is_workday(day), provisional=True)
