"""Warranty periods and the class a repair falls into (procedure 3.4.5, 3.4.6, 3.5.1).

Two clocks run for every part of a home: the contractor answers to the company from completion acceptance, the
company to the owner from delivery. The contractor's clock decides who pays; the owner's, whether the company owes
the repair at all. Dates are Shanghai dates; a period ends with the named day.
"""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from ticketing.procedure.repairs import Cause, ClassReason, OrderClass, Part
from ticketing.procedure.workdays import Calendar, add_months

DESIGN_LIFE_MONTHS = 50 * 12
"""Structure is under warranty for the design life of the building; 50 years where none is on file."""

SEASON_ENDS = ((3, 15), (9, 15))
"""When a heating season (15 Nov to 15 Mar) and a cooling season (15 Jun to 15 Sep) end, by default."""


class Period(NamedTuple):
    """How long one part is under warranty.

    `contractor_months` counts from completion acceptance (None: by contract only), `owner_months` from delivery.
    `seasons` counts full heating and cooling seasons instead. `source` says where the figure comes from.
    """

    part: Part
    contractor_months: int | None
    owner_months: int
    source: str
    seasons: int = 0
    since: date = date(2000, 1, 30)


_REGULATION = "《建设工程质量管理条例》第四十条"
_RULE_1998 = "《商品住宅实行质量保证书和使用说明书制度的规定》"

STATUTORY: tuple[Period, ...] = (
    Period(Part.STRUCTURE, DESIGN_LIFE_MONTHS, DESIGN_LIFE_MONTHS, _REGULATION),
    Period(Part.ROOF, 60, 60, _REGULATION),
    Period(Part.WET, 60, 60, _REGULATION),
    Period(Part.INSULATION, 60, 60, "《民用建筑节能条例》第二十三条"),
    Period(Part.HEATING, 24, 24, _REGULATION, seasons=2),
    Period(Part.ELECTRIC, 24, 24, _REGULATION),
    Period(Part.PLUMBING, 24, 24, _REGULATION),
    Period(Part.EQUIPMENT, 24, 24, _REGULATION),
    Period(Part.DECORATION, 24, 24, _REGULATION),
    Period(Part.PLASTER, None, 12, _RULE_1998),
    Period(Part.FLOOR, None, 12, _RULE_1998),
    Period(Part.DOORS, None, 12, _RULE_1998),
    Period(Part.SANITARY, None, 12, _RULE_1998),
    Period(Part.LAMPS, None, 6, _RULE_1998),
    Period(Part.BLOCKAGE, None, 2, _RULE_1998),
    Period(Part.LANDSCAPE, None, 12, "合同惯例"),
    Period(Part.ROAD, None, 12, "合同惯例"),
    Period(Part.OTHER, None, 0, "按合同"),
)
"""The statutory minimum of each part; a promise or a local rule may be longer, never shorter."""

_BY_PART = {period.part: period for period in STATUTORY}


class Promise(NamedTuple):
    """A longer period than the statutory one: promised to owners, agreed with a contractor, or set locally."""

    part: Part
    owner_months: int | None = None
    contractor_months: int | None = None
    source: str = ""


class Term(NamedTuple):
    """One of the two clocks: from when until when, and why; None where the date it counts from is not on file."""

    since: date | None
    until: date | None
    months: int
    source: str

    def covers(self, day: date) -> bool | None:
        """Whether `day` lies inside; None when that cannot be told."""
        return None if self.until is None else day <= self.until


class Cover(NamedTuple):
    """Both clocks of one part of one home."""

    part: Part
    owner: Term
    contractor: Term
    common_area: bool = False


def statutory(part: Part) -> Period:
    """The statutory minimum of a part."""
    return _BY_PART[part]


def _longest(part: Part, promises: Sequence[Promise], owner: bool) -> tuple[int, str]:
    """The longest period in force for a part, in months, and its source; 0 where nothing gives one."""
    base = statutory(part)
    best = (base.owner_months if owner else base.contractor_months) or 0
    source = base.source if best else "按合同，未登记年限"
    for promise in promises:
        months = promise.owner_months if owner else promise.contractor_months
        if promise.part is part and months is not None and months > best:
            best, source = months, promise.source
    return best, source


def _season_end(start: date, seasons: int) -> date:
    """The end of the n-th season that begins after `start`, heating and cooling alike; the later of the two."""
    ends = []
    for (month, day), begins in zip(SEASON_ENDS, ((11, 15), (6, 15)), strict=True):
        year = start.year + (start > date(start.year, *begins))
        first = date(year + (month < begins[0]), month, day)
        ends.append(first.replace(year=first.year + seasons - 1))
    return max(ends)


def _until(start: date, months: int, part: Part, calendar: Calendar) -> date:
    ends = add_months(start, months, calendar).on
    seasons = statutory(part).seasons
    return max(ends, _season_end(start, seasons)) if seasons else ends


def cover(
    part: Part,
    *,
    delivered_on: date | None,
    completed_on: date | None,
    calendar: Calendar,
    promises: Sequence[Promise] = (),
    common_area: bool = False,
) -> Cover:
    """Both clocks of `part`. The owner's may never end before what is left of the contractor's.

    `delivered_on` is the day of delivery to the owner (for a common area: of handing over to the property
    company), `completed_on` that of completion acceptance.
    """
    months, source = _longest(part, promises, owner=False)
    ends = _until(completed_on, months, part, calendar) if completed_on and months else None
    contractor = Term(completed_on, ends, months, source)
    months, source = _longest(part, promises, owner=True)
    ends = _until(delivered_on, months, part, calendar) if delivered_on and months else None
    if ends is not None and contractor.until is not None and contractor.until > ends:
        ends, source = contractor.until, f"不早于施工单位保修期满（{source}）"
    return Cover(part, Term(delivered_on, ends, months, source), contractor, common_area)


class Suggestion(NamedTuple):
    """The class the rules suggest, and why; `provisional` where a fact is missing and the survey has to decide."""

    order_class: OrderClass
    reason: ClassReason
    provisional: bool = False


_OWNERS_OWN = frozenset({Cause.MISUSE, Cause.THIRD_PARTY, Cause.FORCE_MAJEURE, Cause.WEAR})
_CONTRACTORS = frozenset({Cause.WORKMANSHIP, Cause.MATERIAL})


def suggest(over: Cover, cause: Cause, day: date, *, goodwill: bool = False) -> Suggestion:
    """The class of a defect found on `day` by its cause and both clocks (procedure 3.5.1).

    A common area goes by the contractor's clock alone. `goodwill`: the company decides to bear a repair it no longer
    owes. What cannot be told yet is B provisionally, and the joint survey decides.
    """
    if cause in _OWNERS_OWN:
        return Suggestion(OrderClass.NONE, ClassReason.OWNERS_OWN)
    owner, contractor = over.owner.covers(day), over.contractor.covers(day)
    if over.common_area:
        owner = True
    if owner is None or cause is Cause.UNKNOWN:
        return Suggestion(OrderClass.B, ClassReason.UNCLEAR, provisional=True)
    if not owner:
        if goodwill:
            return Suggestion(OrderClass.B, ClassReason.GOODWILL)
        return Suggestion(OrderClass.NONE, ClassReason.EXPIRED)
    if cause not in _CONTRACTORS:
        return Suggestion(OrderClass.B, ClassReason.NOT_CONTRACTOR)
    if contractor is None:
        return Suggestion(OrderClass.B, ClassReason.UNCLEAR, provisional=True)
    if not contractor:
        return Suggestion(OrderClass.B, ClassReason.GAP)
    return Suggestion(
        OrderClass.A, ClassReason.COMMON_AREA if over.common_area else ClassReason.WARRANTY
    )


def arithmetic(over: Cover) -> list[str]:
    """The reckoning in words, one line a clock: ``2024-03-08 交付，厨卫防渗漏 5 年，至 2029-03-08``."""
    start = "移交物业" if over.common_area else "交付"
    return [
        _line(over.owner, start, over.part, "对业主"),
        _line(over.contractor, "竣工验收合格", over.part, "施工单位"),
    ]


def _line(term: Term, start: str, part: Part, whose: str) -> str:
    if not term.months:
        return f"{whose}：{part}，{term.source}"
    length = f"{term.months // 12} 年" if term.months % 12 == 0 else f"{term.months} 个月"
    if term.since is None or term.until is None:
        return f"{whose}：{part} {length}，缺{start}日期，无法推算"
    return f"{whose}：{term.since} {start}，{part} {length}，至 {term.until}"
