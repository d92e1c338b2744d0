"""Which days people work: the State Council's lists as a maintained package knows them.

A year the package does not know answers by the weekend rule and is marked provisional, so that every
page showing a date in it can say so (docs/decisions/0004).
"""

from datetime import date
from functools import lru_cache

import chinese_calendar

from ticketing.procedure.workdays import DayKind, weekend_rule


@lru_cache(maxsize=4096)
def calendar(day: date) -> DayKind:
    """Whether `day` is a working day (make-up days included)."""
    try:
        return DayKind(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return weekend_rule(day)
