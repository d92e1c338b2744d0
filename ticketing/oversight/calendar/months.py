"""A year at a glance: twelve months of days, each with its colour, its one-character mark and its words."""

from calendar import Calendar
from collections.abc import Iterable, Mapping
from datetime import date
from typing import NamedTuple

from ticketing.masters.workcalendar.models import SpecialDay
from ticketing.masters.workcalendar.package import NamedDay, known_years, special_days
from ticketing.procedure.workdays import FIXED_HOLIDAYS, ONE_DAY

MARKS = {SpecialDay.HOLIDAY: "休", SpecialDay.MAKEUP: "班", SpecialDay.CLOSURE: "停"}


class Cell(NamedTuple):
    """One day: `tone` is its kind of day, `mark` one character, `words` what it is."""

    day: date
    tone: str
    mark: str
    words: str


class Month(NamedTuple):
    """One month: its weeks from Monday, None outside it, and how many working days it has."""

    number: int
    weeks: list[list[Cell | None]]
    working_days: int


class Span(NamedTuple):
    """One feast or closure of the year: its stretches of days off and the days worked for it."""

    name: str
    kind: SpecialDay
    off: list[tuple[date, date]]
    days_off: int
    made_up: list[date]


def months(year: int, days: Iterable[NamedDay]) -> list[Month]:
    """The twelve months of a year with these special days."""
    special = by_day(days)
    made = []
    for number in range(1, 13):
        weeks = [
            [_cell(day, special.get(day)) if day.month == number else None for day in week]
            for week in Calendar().monthdatescalendar(year, number)
        ]
        working = sum(cell.tone in ("work", "makeup") for week in weeks for cell in week if cell)
        made.append(Month(number, weeks, working))
    return made


def by_day(days: Iterable[NamedDay]) -> dict[date, NamedDay]:
    """The special day of each date; a closure wins over what else is said of it."""
    found: dict[date, NamedDay] = {}
    for one in days:
        if one.day not in found or one.kind is SpecialDay.CLOSURE:
            found[one.day] = one
    return found


def guessed(year: int) -> list[NamedDay]:
    """What is assumed of a year without its official list."""
    if year in known_years():
        return list(special_days(year))
    return [
        NamedDay(date(year, month, day), SpecialDay.HOLIDAY, name)
        for (month, day), name in FIXED_HOLIDAYS.items()
    ]


def spans(days: Iterable[NamedDay]) -> list[Span]:
    """The feasts of a year in order, each on one line, then the closures."""
    found: dict[tuple[bool, str], Span] = {}
    for one in sorted(days, key=lambda one: one.day):
        closure = one.kind is SpecialDay.CLOSURE
        span = found.setdefault((closure, one.name), Span(one.name, one.kind, [], 0, []))
        if one.kind is SpecialDay.MAKEUP:
            span.made_up.append(one.day)
            continue
        if span.off and span.off[-1][1] + ONE_DAY == one.day:
            span.off[-1] = (span.off[-1][0], one.day)
        else:
            span.off.append((one.day, one.day))
        found[closure, one.name] = span._replace(
            days_off=span.days_off + 1, kind=one.kind if closure else SpecialDay.HOLIDAY
        )
    return sorted(
        found.values(),
        key=lambda span: (span.kind is SpecialDay.CLOSURE, (span.off or [(date.max,) * 2])[0]),
    )


def differences(before: Iterable[NamedDay], after: Iterable[NamedDay]) -> list[str]:
    """Which days change from one list to another, in words; names alone do not count."""
    old, new = by_day(before), by_day(after)
    lines = []
    for day in sorted(old.keys() | new.keys()):
        was, becomes = _words(day, old), _words(day, new)
        if was != becomes:
            lines.append(f"{day.isoformat()}：{was} → {becomes}")
    return lines


def _words(day: date, days: Mapping[date, NamedDay]) -> str:
    special = days.get(day)
    if special is not None:
        return special.kind.label
    return "上班" if day.weekday() < 5 else "周末"


def _cell(day: date, special: NamedDay | None) -> Cell:
    if special is not None:
        words = f"{special.name}（{special.kind}）"
        return Cell(day, special.kind.value, MARKS[special.kind], words)
    return Cell(day, "work", "", "") if day.weekday() < 5 else Cell(day, "rest", "", "周末")
