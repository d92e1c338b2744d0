"""What the calendar's pages read beside the calendar itself."""

from collections.abc import Iterable

from sqlalchemy import select

from ticketing.kernel.db import db
from ticketing.masters.people.models import User
from ticketing.masters.workcalendar import queries as workcalendar
from ticketing.masters.workcalendar.package import NamedDay


def names(ids: Iterable[int | None]) -> dict[int | None, str]:
    """The names of these people; None, nobody, is the system itself."""
    wanted = {one for one in ids if one is not None}
    found: dict[int | None, str] = {None: "系统"}
    if wanted:
        for row in db.session.execute(select(User.id, User.name).where(User.id.in_(wanted))):
            found[row.id] = row.name
    return found


def named_days(year: int) -> list[NamedDay]:
    """The special days of a year as they stand."""
    return [NamedDay(row.day, row.kind, row.name) for row in workcalendar.days_of(year)]
