"""What the system itself did in the demo's past: bells rung, breaches put on record, report clocks started."""

from datetime import date, timedelta

from ticketing.edges.demo.story import Story, works
from ticketing.edges.demo.town import Town
from ticketing.kernel import clock
from ticketing.oversight.clockwork import commands as clockwork
from ticketing.oversight.reports import commands as reports

HOURS = ((9, 0), (12, 0), (15, 0), (17, 30))
"""When the demo's scheduler looked; a real one looks every few seconds."""


def bells(town: Town, first_day: date) -> Story:
    """The scheduler, from `first_day` until today, in working hours."""
    day = first_day
    while day <= town.today:
        if works(day):
            for hour, minute in HOURS:
                yield clock.at(day, hour, minute)
                at = clock.now()
                reports.start_clocks(at)
                while clockwork.ring(at) == clockwork.BATCH:
                    pass
        day += timedelta(days=1)
