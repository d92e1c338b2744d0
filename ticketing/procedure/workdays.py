"""Working-day arithmetic (procedure 3.4.5; Civil Code 201-203): dates in, dates out.

A calendar answers for one date whether it is a working day, and whether that answer is provisional
(no official list for that year yet). `Due` carries the provisional mark along.
"""

from collections.abc import Callable
from datetime import date, timedelta
from typing import NamedTuple


class DayKind(NamedTuple):
    """What a calendar says of a date."""

    works: bool
    provisional: bool = False


Calendar = Callable[[date], DayKind]

ONE_DAY = timedelta(days=1)


class Due(NamedTuple):
    """A due date; `provisional` when a date it depends on has no official calendar yet."""

    on: date
    provisional: bool


def weekend_rule(day: date) -> DayKind:
    """Monday to Friday work: the rule for a year nobody has published yet, always provisional."""
    return DayKind(day.weekday() < 5, provisional=True)


def add_working_days(start: date, days: int, calendar: Calendar) -> Due:
    """The `days`-th working day strictly after `start`; the start day never counts.

    Raises ValueError when `days` is less than 1.
    """
    if days < 1:
        raise ValueError("at least one working day")
    day, left, provisional = start, days, False
    while left:
        day += ONE_DAY
        kind = calendar(day)
        provisional = provisional or kind.provisional
        left -= kind.works
    return Due(day, provisional)


def add_calendar_days(start: date, days: int, calendar: Calendar) -> Due:
    """`start` plus `days`, moved forward to a working day when it is none."""
    day = start + timedelta(days=days)
    kind = calendar(day)
    provisional = kind.provisional
    while not kind.works:
        day += ONE_DAY
        kind = calendar(day)
        provisional = provisional or kind.provisional
    return Due(day, provisional)


def working_days_between(start: date, end: date, calendar: Calendar) -> int:
    """Working days after `start` up to and including `end`; negative when `end` lies before."""
    if end < start:
        return -working_days_between(end, start, calendar)
    return sum(calendar(start + timedelta(days=n)).works for n in range(1, (end - start).days + 1))
