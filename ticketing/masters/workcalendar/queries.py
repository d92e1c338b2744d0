"""Which days people work, and in which edition of the calendar that is said."""

from datetime import date
from functools import lru_cache

import chinese_calendar
from sqlalchemy import func, select

from ticketing.kernel.db import db
from ticketing.masters.workcalendar.models import CalendarEdition
from ticketing.procedure.workdays import DayKind, weekend_rule


@lru_cache(maxsize=4096)
def calendar(day: date) -> DayKind:
    """Whether `day` is a working day (make-up days included)."""
    try:
        return DayKind(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return weekend_rule(day)


def edition() -> int:
    """The present edition of the calendar, as clocks note it."""
    return db.session.scalar(select(func.max(CalendarEdition.id))) or 0
