"""Working-day arithmetic (procedure 3.4.5; Civil Code 201-203): dates in, dates out.

A calendar answers for one date whether it is a working day, and whether that answer is provisional
(no official list for that year yet). `Due` carries the provisional mark along.
"""

from calendar import monthrange
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from ticketing.kernel import clock


class DayKind(NamedTuple):
    """What a calendar says of a date."""

    works: bool
    provisional: bool = False


Calendar = Callable[[date], DayKind]

ONE_DAY = timedelta(days=1)
OPENS, CLOSES = (8, 30), (17, 30)
"""The company's working hours, as Shanghai wall times (hour, minute)."""


class Due(NamedTuple):
    """A due date; `provisional` when a date it depends on has no official calendar yet."""

    on: date
    provisional: bool


FIXED_HOLIDAYS: dict[tuple[int, int], str] = {
    (1, 1): "元旦",
    (5, 1): "劳动节",
    (5, 2): "劳动节",
    (10, 1): "国庆节",
    (10, 2): "国庆节",
    (10, 3): "国庆节",
}
"""The statutory days whose date is the same each year, by (month, day)."""


def unpublished_rule(day: date) -> DayKind:
    """The rule for a year nobody has published yet: Monday to Friday without the statutory days whose
    date is fixed; always provisional."""
    works = day.weekday() < 5 and (day.month, day.day) not in FIXED_HOLIDAYS
    return DayKind(works, provisional=True)


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
    return moved_forward(start + timedelta(days=days), calendar)


def add_months(start: date, months: int, calendar: Calendar) -> Due:
    """The corresponding date `months` later, or that month's end, moved forward to a working day.

    A year is twelve months. Raises ValueError when `months` is negative.
    """
    if months < 0:
        raise ValueError("months run forward")
    years, month = divmod(start.month - 1 + months, 12)
    year, month = start.year + years, month + 1
    last = monthrange(year, month)[1]
    return moved_forward(date(year, month, min(start.day, last)), calendar)


def moved_forward(day: date, calendar: Calendar) -> Due:
    """`day` itself when people work on it, else the next working day (Civil Code 203)."""
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


def working_minutes(start: datetime, end: datetime, calendar: Calendar) -> int:
    """Whole minutes between two instants that lie in working hours; 0 when `end` is not after `start`."""
    return sum(
        int((till - since).total_seconds()) // 60
        for since, till in _stretches(start, end, calendar)
    )


def working_instants(
    start: datetime, end: datetime, shares: Sequence[tuple[int, int]], calendar: Calendar
) -> list[datetime]:
    """The instants at which shares (part, whole) of the working time between `start` and `end` have passed.

    Always in working hours of a working day; `end` itself when no working time lies between.
    """
    stretches = [
        (since, int((till - since).total_seconds()) // 60)
        for since, till in _stretches(start, end, calendar)
    ]
    total = sum(minutes for _, minutes in stretches)
    return [_after(total * part // whole, stretches, end) for part, whole in shares]


def _after(left: int, stretches: list[tuple[datetime, int]], end: datetime) -> datetime:
    for since, minutes in stretches:
        if left < minutes:
            return since + timedelta(minutes=left)
        left -= minutes
    return end


def in_working_hours(instant: datetime, calendar: Calendar) -> bool:
    """Whether people are at work at `instant`: 08:30 to 17:30 of a working day."""
    wall = clock.local(instant)
    return calendar(wall.date()).works and OPENS <= (wall.hour, wall.minute) < CLOSES


def next_working_instant(instant: datetime, calendar: Calendar) -> datetime:
    """`instant` itself in working hours, else the next time people come to work."""
    if in_working_hours(instant, calendar):
        return instant
    wall = clock.local(instant)
    day = wall.date()
    if not (calendar(day).works and (wall.hour, wall.minute) < OPENS):
        day = add_working_days(day, 1, calendar).on
    return clock.at(day, *OPENS)


def _stretches(
    start: datetime, end: datetime, calendar: Calendar
) -> Iterator[tuple[datetime, datetime]]:
    """The stretches of working time between two instants, in order."""
    day, last = clock.local(start).date(), clock.local(end).date()
    while day <= last:
        if calendar(day).works:
            since, till = max(start, clock.at(day, *OPENS)), min(end, clock.at(day, *CLOSES))
            if since < till:
                yield since, till
        day += ONE_DAY
