"""Which time limits of a replay were broken, reckoned independently from the CSV rows.

Nothing of the product is used: dates are plain arithmetic on the rows of `recount`, working days are those of
the package chinese_calendar (Monday to Friday, without the fixed holidays, in a year it does not know).
"""

from collections import Counter
from datetime import date, datetime, timedelta
from functools import cache
from typing import NamedTuple

import chinese_calendar

from benchmarks.recount import Recount

FIXED = {(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)}
DAY = timedelta(days=1)
EVENING = timedelta(hours=17, minutes=30)


class Broken(NamedTuple):
    """Clocks of one kind: told at 17:30 of the due day that they are not met, and met or still open too late."""

    told: int
    late: int


@cache
def works(day: date) -> bool:
    """Whether people worked on a day."""
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return day.weekday() < 5 and (day.month, day.day) not in FIXED


@cache
def after_working_days(day: date, count: int) -> date:
    """The `count`-th working day after a day."""
    while count:
        day += DAY
        count -= works(day)
    return day


@cache
def after_a_week(day: date) -> date:
    """A week later, moved on to a working day."""
    day += 7 * DAY
    while not works(day):
        day += DAY
    return day


def broken(recount: Recount, now: datetime) -> dict[str, Broken]:
    """By kind of clock; `now` is the wall time at which the replay stopped."""
    told: Counter[str] = Counter()
    late: Counter[str] = Counter()
    for category, opened_text, closed_text in recount.db.execute(
        "SELECT category, opened, closed FROM case_"
    ):
        opened = datetime.fromisoformat(opened_text)
        closed = datetime.fromisoformat(closed_text) if closed_text else None
        day = opened.date()
        clocks = [("complaint", after_a_week(day))]
        if category is not None:
            clocks.append(("dept_feedback", after_working_days(day, 3)))
        else:
            clocks.append(("dispatching", after_working_days(day, 1)))
        for kind, due in clocks:
            evening = datetime.combine(due, datetime.min.time()) + EVENING
            told[kind] += evening <= now and (closed is None or closed > evening)
            late[kind] += (closed or now).date() > due
    return {kind: Broken(told[kind], late[kind]) for kind in told | late}
