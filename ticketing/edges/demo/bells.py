"""What the system itself did in the demo's past: bells rung, breaches put on record, report clocks started, digests
written; and that people read what reached them.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from sqlalchemy import func, select

from ticketing.casefile.notices import commands as notices
from ticketing.casefile.notices.models import Notice
from ticketing.edges.demo.story import Story, working_day, works
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.masters.people.models import User
from ticketing.oversight.clockwork import commands as clockwork
from ticketing.oversight.digest import commands as digest
from ticketing.oversight.reports import commands as reports

HOURS = ((9, 0), (12, 0), (15, 0), (17, 30))
"""When the demo's scheduler looked; a real one looks every few seconds."""


def bells(first_day: date, last_day: date, hours: Sequence[tuple[int, int]] = HOURS) -> Story:
    """The scheduler, from `first_day` to `last_day`, at `hours` of each working day."""
    day = first_day
    while day <= last_day:
        if works(day):
            for hour, minute in hours:
                yield clock.at(day, hour, minute)
                at = clock.now()
                reports.start_clocks(at)
                while clockwork.ring(at) == clockwork.BATCH:
                    pass
        day += timedelta(days=1)


def readers(people: Iterable[User], first_day: date, last_day: date) -> Story:
    """Everybody reads his inbox in the evening, but for the last two working days; a digest in the morning."""
    last_read = working_day(last_day, -2)
    everyone = list(people)
    day = first_day
    while day <= last_day:
        if works(day):
            yield clock.at(day, 8, 30)
            digest.write_digests(clock.now())
            if day < last_read:
                yield clock.at(day, 17, 45)
                newest = db.session.scalar(select(func.max(Notice.id))) or 0
                for one in everyone:
                    notices.mark_all_read(seen=newest, actor=one)
        day += timedelta(days=1)
