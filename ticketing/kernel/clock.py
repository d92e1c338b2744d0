"""The one clock: instants are aware UTC, dates of the procedure are Shanghai dates.

Nothing else in the package asks the operating system for the time, so a replay or a test can hold
the clock at any instant with `held` and every command, query and page agrees.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, time
from time import monotonic
from zoneinfo import ZoneInfo

__all__ = [
    "SHANGHAI",
    "UTC",
    "at",
    "held",
    "local",
    "now",
    "show_date",
    "show_instant",
    "stopwatch",
    "today",
]

SHANGHAI = ZoneInfo("Asia/Shanghai")
WEEKDAYS = "一二三四五六日"

_held: ContextVar[datetime | None] = ContextVar("held_clock", default=None)


def now() -> datetime:
    """The present instant, aware UTC, to the second."""
    instant = _held.get() or datetime.now(UTC)
    return instant.replace(microsecond=0)


def today() -> date:
    """The present date in Shanghai."""
    return local(now()).date()


def stopwatch() -> float:
    """Seconds on a clock that measures spans only; it is never held."""
    return monotonic()


@contextmanager
def held(instant: datetime) -> Iterator[None]:
    """Hold the clock at `instant` (aware) inside the block.

    Raises ValueError when `instant` carries no time zone.
    """
    if instant.tzinfo is None:
        raise ValueError("a held instant needs a time zone")
    token = _held.set(instant.astimezone(UTC))
    try:
        yield
    finally:
        _held.reset(token)


def local(instant: datetime) -> datetime:
    """The same instant on a Shanghai wall clock."""
    return instant.astimezone(SHANGHAI)


def at(day: date, hour: int = 0, minute: int = 0) -> datetime:
    """The instant (UTC) at which a Shanghai wall clock shows `day` `hour`:`minute`."""
    return datetime.combine(day, time(hour, minute), SHANGHAI).astimezone(UTC)


def show_date(day: date) -> str:
    """A date as people here write it: ``2026-11-23 周一``."""
    return f"{day.isoformat()} 周{WEEKDAYS[day.weekday()]}"


def show_instant(instant: datetime) -> str:
    """An instant on the Shanghai wall clock: ``2026-11-23 09:05``."""
    return local(instant).isoformat(" ", "minutes")[:16]
