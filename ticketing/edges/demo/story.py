"""Telling many stories at once: each is a generator, and the clock is held wherever it goes on.

A story yields the instant (aware UTC) at which its next part happens. `Telling` always goes on with
the story whose instant is earliest, so the commands see every event of every story in order of time.
"""

import heapq
import random
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from itertools import count

from ticketing.kernel import clock
from ticketing.kernel.db import transaction
from ticketing.masters.workcalendar.queries import calendar

Story = Iterator[datetime]

BATCH = 2_000
OPENS, CLOSES = (8, 30), (17, 30)


class Telling:
    """Stories being told, always the one whose next part is earliest."""

    def __init__(self) -> None:
        self._queue: list[tuple[datetime, int, Story]] = []
        self._number = count()
        self._reached = datetime.min.replace(tzinfo=clock.UTC)
        self.parts = 0

    def add(self, stories: Iterable[Story]) -> None:
        """Take up new stories; each names its first instant now."""
        for story in stories:
            self._go_on(next(self._number), story)

    def until(self, end: datetime, *, batch: int = BATCH) -> None:
        """Tell every part up to `end`, committing every `batch` parts; later parts stay untold."""
        while self._queue and self._queue[0][0] <= end:
            with transaction():
                for _ in range(batch):
                    if not self._queue or self._queue[0][0] > end:
                        break
                    self._tell_one()

    def _tell_one(self) -> None:
        instant, number, story = heapq.heappop(self._queue)
        self._reached = instant
        with clock.held(instant):
            self._go_on(number, story)
        self.parts += 1

    def _go_on(self, number: int, story: Story) -> None:
        """Let `story` do its part and queue it at the instant of the next one, if there is one.

        Raises ValueError when the story wants to go back in time.
        """
        instant = next(story, None)
        if instant is not None:
            if instant < self._reached:
                raise ValueError(f"a story goes back from {self._reached} to {instant}")
            heapq.heappush(self._queue, (instant, number, story))


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
