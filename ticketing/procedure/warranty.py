"""Warranty periods and the class a repair falls into (procedure 3.4.5, 3.4.6, 3.5.1).

Two clocks run for every part of a home: the contractor answers to the company from completion acceptance, the
company to the owner from delivery. The contractor's clock decides who pays; the owner's, whether the company owes
the repair at all. Dates are Shanghai dates; a period ends with the named day.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from ticketing.procedure.repairs import Cause, ClassReason, OrderClass, Part
from ticketing.procedure.workdays import Calendar, Due, add_months, moved_forward

DESIGN_LIFE_MONTHS = 50 * 12
"""Structure is under warranty for the design life of the building; 50 years where none is on file."""

SEASONS = (((11, 15), (3, 15)), ((6, 15), (9, 15)))
"""When a heating and a cooling season begin and end, as (month, day)."""


class Period(NamedTuple):
    """How long one part is under warranty by law or, where the law is silent, by custom.

    `contractor_months` counts from completion acceptance (None: by contract only), `owner_months` from delivery (0: by
    contract only). `seasons` counts full heating and cooling seasons instead of months. `follows`: where the contractor
    gives as many months by contract, the owner has them as well. `source` says where the figure comes from, `since`
    when that came into force (None: custom).
    """

    part: Part
    contractor_months: int | None
    owner_months: int
    source: str
    since: date | None
    seasons: int = 0
    follows: int = 0


_REGULATION = ("《建设工程质量管理条例》第四十条", date(2000, 1, 30))
_ENERGY = ("《民用建筑节能条例》第二十三条", date(2008, 10, 1))
_RULE_1998 = ("《商品住宅实行住宅质量保证书和住宅使用说明书制度的规定》", date(1998, 9, 1))
_CUSTOM = ("合同惯例", None)

STATUTORY: tuple[Period, ...] = (
    Period(Part.STRUCTURE, DESIGN_LIFE_MONTHS, DESIGN_LIFE_MONTHS, *_REGULATION),
    Period(Part.ROOF, 60, 60, *_REGULATION),
    Period(Part.WET, 60, 60, *_REGULATION),
    Period(Part.INSULATION, 60, 60, *_ENERGY),
    Period(Part.HEATING, 24, 24, *_REGULATION, seasons=2),
    Period(Part.ELECTRIC, 24, 24, *_REGULATION),
    Period(Part.PLUMBING, 24, 24, *_REGULATION),
    Period(Part.EQUIPMENT, 24, 24, *_REGULATION),
    Period(Part.DECORATION, 24, 24, *_REGULATION),
    Period(Part.PLASTER, None, 12, *_RULE_1998, follows=24),
    Period(Part.FLOOR, None, 12, *_RULE_1998, follows=24),
    Period(Part.DOORS, None, 12, *_RULE_1998, follows=24),
    Period(Part.SANITARY, None, 12, *_RULE_1998),
    Period(Part.LAMPS, None, 6, *_RULE_1998),
    Period(Part.BLOCKAGE, None, 2, *_RULE_1998),
    Period(Part.LANDSCAPE, None, 12, *_CUSTOM),
    Period(Part.ROAD, None, 12, *_CUSTOM),
    Period(Part.OTHER, None, 0, "按合同", None, follows=24),
)
"""The minimum of each part; a promise or a local rule may be longer, never shorter."""

_BY_PART = {period.part: period for period in STATUTORY}

COMMON_PARTS = frozenset({Part.LANDSCAPE, Part.ROAD})
"""Parts that belong to no single home, whoever reports them."""


class Promise(NamedTuple):
    """A longer period than the statutory one: promised to owners, agreed with a contractor, or set locally.

    In force for what was delivered (the owner's months) or completed (the contractor's) from `since` to `until`.
    """

    part: Part
    owner_months: int | None = None
    contractor_months: int | None = None
    source: str = ""
    since: date = date.min
    until: date = date.max


class Repair(NamedTuple):
    """A repair of a part that was accepted: when it had been reported, when accepted, whether it was a class A one."""

    reported_on: date
    accepted_on: date
    contractors: bool


class Term(NamedTuple):
    """One of the two clocks: from when until when, and why; None where the date it counts from is not on file.

    `before` is the clock as it ran until a repair was accepted and it began anew, on `since` (None: it never did).
    `length` is the period in words (empty: nothing gives one), `follows` whether it was lifted to the end of the
    contractor's, `note` says where `since` comes from if it is not the home's own date. `provisional`: the end falls
    into a year whose days off are not published yet.
    """

    since: date | None
    until: date | None
    months: int
    length: str
    source: str
    note: str = ""
    follows: bool = False
    provisional: bool = False
    before: "Term | None" = None

    def covers(self, day: date) -> bool | None:
        """Whether `day` lies inside; None when that cannot be told."""
        return None if self.until is None else day <= self.until


class Cover(NamedTuple):
    """Both clocks of one part of one home; `deemed`: it was not taken over, the contract deems it delivered."""

    part: Part
    owner: Term
    contractor: Term
    common_area: bool = False
    deemed: bool = False


def statutory(part: Part) -> Period:
    """The statutory minimum of a part."""
    return _BY_PART[part]


def in_words(months: int) -> str:
    """A length in words: ``5 年``, ``6 个月``."""
    return f"{months // 12} 年" if months and months % 12 == 0 else f"{months} 个月"


def season_end(start: date, seasons: int) -> date:
    """The end of the n-th full season that begins on or after `start`, heating or cooling: the later of the two."""
    ends = []
    for begins, finishes in SEASONS:
        first = start.year + (start > date(start.year, *begins))
        crosses_the_year = finishes < begins
        ends.append(date(first + seasons - 1 + crosses_the_year, *finishes))
    return max(ends)


class _Offer(NamedTuple):
    """A period somebody gives: months, or full seasons; where from; whether by promise."""

    months: int
    source: str
    seasons: int = 0
    promised: bool = False

    @property
    def length(self) -> str:
        if self.seasons:
            return f"{self.seasons} 个采暖期、供冷期"
        return in_words(self.months) + (f"（{self.source}）" if self.promised else "")

    def end(self, start: date, calendar: Calendar) -> Due:
        if self.seasons:
            return moved_forward(season_end(start, self.seasons), calendar)
        return add_months(start, self.months, calendar)


def _restarted(
    term: Term, offers: Iterable[_Offer], repairs: Iterable[Repair], calendar: Calendar
) -> Term:
    """The clock after repairs that let it begin anew: of what it still covered when reported, and never to a shorter end."""
    offers = [offer for offer in offers if offer.months]
    for repair in sorted(repairs, key=lambda one: one.accepted_on):
        if not offers or not term.covers(repair.reported_on):
            continue
        start = repair.accepted_on
        end, best = max(
            ((offer.end(start, calendar), offer) for offer in offers), key=lambda pair: pair[0].on
        )
        if term.until and end.on > term.until:
            term = Term(
                start,
                end.on,
                best.months,
                best.length,
                best.source,
                provisional=end.provisional,
                before=term.before or term,
            )
    return term


def _term(start: date | None, note: str, offers: Iterable[_Offer], calendar: Calendar) -> Term:
    """The clock that runs longest among those offered."""
    offers = [offer for offer in offers if offer.months]
    if not offers:
        return Term(start, None, 0, "", "按合同，未登记年限", note)
    if start is None:
        best = max(offers, key=lambda offer: offer.months)
        return Term(None, None, best.months, best.length, best.source)
    end, best = max(
        ((offer.end(start, calendar), offer) for offer in offers), key=lambda pair: pair[0].on
    )
    return Term(
        start, end.on, best.months, best.length, best.source, note, provisional=end.provisional
    )


def cover(
    part: Part,
    *,
    delivered_on: date | None,
    completed_on: date | None,
    calendar: Calendar,
    promises: Sequence[Promise] = (),
    common_area: bool = False,
    deemed: bool = False,
    note: str = "",
    repairs: Sequence[Repair] = (),
) -> Cover:
    """Both clocks of `part`. The owner's may never end before what is left of the contractor's.

    `delivered_on` is the day of delivery to the owner (for a common area: of handing over to the property
    company), `completed_on` that of completion acceptance; `deemed` says that the first is the contract's day because
    the owner did not take over, `note` whose date it is, where it is not the place's own.

    `repairs` are those of this very part after whose acceptance its periods begin anew, where the house has agreed on that:
    the owner's after each, the contractor's after those that were his own warranty (class A). A period that was over when
    the defect was reported stays over.
    """
    base, own = statutory(part), [promise for promise in promises if promise.part is part]

    def given(months: Iterable[tuple[Promise, int | None]], start: date | None) -> list[_Offer]:
        return [
            _Offer(length, promise.source, promised=True)
            for promise, length in months
            if length and (start is None or promise.since <= start <= promise.until)
        ]

    gives = [
        _Offer(base.contractor_months or 0, base.source, base.seasons),
        *given(((one, one.contractor_months) for one in own), completed_on),
    ]
    first = _term(completed_on, "", gives, calendar)
    owed = [
        _Offer(base.owner_months, base.source, base.seasons),
        _Offer(base.follows if first.months >= base.follows else 0, first.source),
        *given(((one, one.owner_months) for one in own), delivered_on),
    ]
    owner = _lifted(_term(delivered_on, note, owed, calendar), first)
    contractor = _restarted(first, gives, [one for one in repairs if one.contractors], calendar)
    owner = _lifted(_restarted(owner, owed, repairs, calendar), contractor)
    return Cover(part, owner, contractor, common_area, deemed)


def _lifted(owner: Term, contractor: Term) -> Term:
    """The owner's clock, not before what is left of the contractor's."""
    if owner.since is None or not contractor.until or contractor.until <= (owner.until or date.min):
        return owner
    return owner._replace(until=contractor.until, provisional=contractor.provisional, follows=True)


class Suggestion(NamedTuple):
    """The class the rules suggest, and why; `provisional` where a fact is missing and the survey has to decide."""

    order_class: OrderClass
    reason: ClassReason
    provisional: bool = False


_OWNERS_OWN = frozenset({Cause.MISUSE, Cause.THIRD_PARTY, Cause.FORCE_MAJEURE, Cause.WEAR})
_CONTRACTORS = frozenset({Cause.WORKMANSHIP, Cause.MATERIAL})


def suggest(over: Cover, cause: Cause, day: date, *, goodwill: bool = False) -> Suggestion:
    """The class of a defect found on `day` by its cause and both clocks (procedure 3.5.1).

    A common area is under warranty as long as one of its clocks runs. `goodwill`: the company decides to bear a repair it
    no longer owes. What cannot be told yet is B provisionally, and the joint survey decides; once the owner's warranty
    is over no cause makes the company owe the repair, so that needs no cause.
    """
    if cause in _OWNERS_OWN:
        return Suggestion(OrderClass.NONE, ClassReason.OWNERS_OWN)
    owner, contractor = over.owner.covers(day), over.contractor.covers(day)
    if over.common_area:
        owner = _either(owner, contractor)
    if owner is False:
        if goodwill:
            return Suggestion(OrderClass.B, ClassReason.GOODWILL)
        return Suggestion(OrderClass.NONE, ClassReason.EXPIRED)
    if owner is None or cause is Cause.UNKNOWN:
        return Suggestion(OrderClass.B, ClassReason.UNCLEAR, provisional=True)
    if cause not in _CONTRACTORS:
        return Suggestion(OrderClass.B, ClassReason.NOT_CONTRACTOR)
    if contractor is None:
        return Suggestion(OrderClass.B, ClassReason.UNCLEAR, provisional=True)
    if not contractor:
        return Suggestion(OrderClass.B, ClassReason.GAP)
    return Suggestion(
        OrderClass.A, ClassReason.COMMON_AREA if over.common_area else ClassReason.WARRANTY
    )


def _either(one: bool | None, other: bool | None) -> bool | None:
    """Whether one of two holds; None where that cannot be told."""
    if one or other:
        return True
    return None if one is None or other is None else False


_OUTLOOK = {
    ClassReason.WARRANTY: "两个保修期都在：查明属施工单位责任的为 A 类，属公司一方的为 B 类。",
    ClassReason.COMMON_AREA: "公共部位，施工单位保修期内：查明属施工单位责任的为 A 类，属公司一方的为 B 类。",
    ClassReason.GAP: "对业主仍保修，施工单位保修期已满：B 类，由公司承担。",
    ClassReason.EXPIRED: "保修期已满：不予维修，可转物业有偿服务；公司决定承担的为 B 类。",
    ClassReason.UNCLEAR: "保修期还不能确定：暂按 B 类，由勘察确定。",
}


def outlook(over: Cover, day: date) -> str:
    """What may come of a defect reported on `day` while nobody knows its cause yet: one sentence."""
    return _OUTLOOK[suggest(over, Cause.WORKMANSHIP, day).reason]


def arithmetic(over: Cover) -> list[str]:
    """The reckoning in words, one line a clock: ``2024-03-08 交付，防渗漏（…） 5 年，至 2029-03-08``."""
    start = "移交物业" if over.common_area else "视为交付" if over.deemed else "交付"
    return [
        _line(over.owner, start, over.part, "对业主"),
        _line(over.contractor, "竣工验收合格", over.part, "施工单位"),
    ]


def _line(term: Term, start: str, part: Part, whose: str) -> str:
    length = f" {term.length}" if term.length else ""
    if term.until is None:
        why = f"缺{start}日期，无法推算" if length else term.source
        return f"{whose}：{part}{length}，{why}"
    if term.before is not None:
        first = _line(term.before, start, part, whose)
        return f"{first}；{term.since} 修复验收后重新起算{length}{_end(term)}"
    return f"{whose}：{term.since} {start}{term.note}，{part}{length}{_end(term)}"


def _end(term: Term) -> str:
    not_before = "，不早于施工单位保修期满" if term.follows else ""
    return f"{not_before}，至 {term.until}{'（暂）' if term.provisional else ''}"
