"""Telling many stories at once: each is a generator, and the clock is held wherever it goes on.

A story yields the instant (aware UTC) at which its next part happens. `play` always continues the
story whose instant is earliest, so the commands see every event of every story in order of time.
"""

import heapq
import random
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from itertools import islice

from ticketing.kernel import clock
from ticketing.kernel.db import transaction
from ticketing.masters.workcalendar import calendar

Story = Iterator[datetime]

BATCH = 250
OPENS, CLOSES = (8, 30), (17, 30)


def play(stories: Iterable[Story], *, until: datetime, batch: int = BATCH) -> int:
    """Tell `stories` in order of time up to `until`; commits every `batch` parts; parts told.

    What would happen after `until` is left untold: those tickets are still under way.
    """
    queue: list[tuple[datetime, int, Story]] = []
    for number, story in enumerate(stories):
        _put(queue, number, story, until)
    parts = _parts(queue, until)
    told = 0
    while True:
        with transaction():
            done = sum(1 for _ in islice(parts, batch))
        told += done
        if done < batch:
            return told


def _parts(queue: list[tuple[datetime, int, Story]], until: datetime) -> Iterator[None]:
    while queue:
        instant, number, story = heapq.heappop(queue)
        with clock.held(instant):
            _put(queue, number, story, until)
        yield


def _put(
    queue: list[tuple[datetime, int, Story]], number: int, story: Story, until: datetime
) -> None:
    """Let `story` go on to its next instant and queue it there, unless it ends or lies ahead."""
    instant = next(story, None)
    if instant is not None and instant <= until:
        heapq.heappush(queue, (instant, number, story))


def works(day: date) -> bool:
    """Whether `day` is a working day."""
    return calendar(day).works


def working_day(start: date, days: int) -> date:
    """The working day `days` working days after `start` (before it when negative).

    0 gives `start` itself, or the next working day when it is none.
    """
    day, step = start, timedelta(days=-1 if days < 0 else 1)
    if days == 0:
        while not works(day):
            day += step
    for _ in range(abs(days)):
        day += step
        while not works(day):
            day += step
    return day


def office_time(rng: random.Random, day: date) -> datetime:
    """An instant in the working hours of `day`, seldom over lunch."""
    hour = rng.choice((8, 9, 9, 10, 10, 11, 13, 14, 14, 15, 15, 16, 17))
    minute = rng.randrange(30, 60) if hour == 8 else rng.randrange(0, 25 if hour == 17 else 60)
    return clock.at(day, hour, minute) + timedelta(seconds=rng.randrange(60))


def minutes_later(rng: random.Random, start: datetime, least: int, most: int) -> datetime:
    """Between `least` and `most` minutes after `start`, or the next morning when the office closed."""
    instant = start + timedelta(minutes=rng.randint(least, most), seconds=rng.randrange(60))
    moment = clock.local(instant)
    if works(moment.date()) and OPENS <= (moment.hour, moment.minute) < CLOSES:
        return instant
    before_opening = works(moment.date()) and (moment.hour, moment.minute) < OPENS
    day = moment.date() if before_opening else working_day(moment.date(), 1)
    return clock.at(day, *OPENS) + timedelta(minutes=rng.randint(3, 70), seconds=rng.randrange(60))


def days_later(rng: random.Random, start: datetime, days: int) -> datetime:
    """In office hours `days` working days after `start`, always later than `start`."""
    if days <= 0:
        return minutes_later(rng, start, 40, 200)
    return office_time(rng, working_day(clock.local(start).date(), days))
