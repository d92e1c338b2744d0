"""Warranty: the periods of the law, both clocks, and the class of a repair, against tables written by hand."""

from datetime import date, timedelta

import chinese_calendar
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ticketing.procedure.repairs import Cause, ClassReason, OrderClass, Part
from ticketing.procedure.warranty import (
    STATUTORY,
    Cover,
    Promise,
    Repair,
    Term,
    arithmetic,
    cover,
    outlook,
    season_end,
    statutory,
    suggest,
)
from ticketing.procedure.workdays import DayKind, add_months, unpublished_rule

D = date.fromisoformat
TODAY = D("2026-11-25")


def package(day):
    """The official days off where the package knows them, else Monday to Friday, provisional."""
    if 2004 <= day.year <= 2026:
        return DayKind(chinese_calendar.is_workday(day))
    return unpublished_rule(day)


def every_day(_day):
    return DayKind(True)


def clocks(part, delivered=None, completed=None, promises=(), calendar=package, **more):
    return cover(
        part,
        delivered_on=D(delivered) if isinstance(delivered, str) else delivered,
        completed_on=D(completed) if isinstance(completed, str) else completed,
        calendar=calendar,
        promises=promises,
        **more,
    )


LAW = {
    Part.STRUCTURE: (600, 600),
    Part.ROOF: (60, 60),
    Part.WET: (60, 60),
    Part.INSULATION: (60, 60),
    Part.HEATING: ("2 seasons", "2 seasons"),
    Part.ELECTRIC: (24, 24),
    Part.PLUMBING: (24, 24),
    Part.EQUIPMENT: (24, 24),
    Part.DECORATION: (24, 24),
    Part.PLASTER: (None, 12),
    Part.FLOOR: (None, 12),
    Part.DOORS: (None, 12),
    Part.SANITARY: (None, 12),
    Part.LAMPS: (None, 6),
    Part.BLOCKAGE: (None, 2),
    Part.LANDSCAPE: (None, 12),
    Part.ROAD: (None, 12),
    Part.OTHER: (None, None),
}
"""Months from completion acceptance and from delivery, as the table of the rules has them."""


@pytest.mark.clause("3.4.6")
@pytest.mark.parametrize("part", Part, ids=lambda part: part.name)
def test_each_part_has_the_periods_of_the_law(part):
    over = clocks(part, "2024-03-08", "2024-03-08", calendar=every_day)
    for term, wanted in zip((over.contractor, over.owner), LAW[part], strict=True):
        if wanted == "2 seasons":
            assert term.until == season_end(D("2024-03-08"), 2)
        elif wanted is None:
            assert (term.until, term.months) == (None, 0)
        else:
            assert term.until == add_months(D("2024-03-08"), wanted, every_day).on
    assert [period.part for period in STATUTORY] == list(Part)
    assert statutory(part).source


@pytest.mark.parametrize("part", [Part.PLASTER, Part.FLOOR, Part.DOORS, Part.OTHER])
def test_where_the_contractor_gives_two_years_the_owner_has_them_from_delivery(part):
    agreed = Promise(part, contractor_months=24, source="售后维修补充协议")
    over = clocks(part, "2024-06-03", "2023-12-20", [agreed])
    assert over.contractor.until == D("2025-12-22")
    assert over.owner.until == D("2026-06-03")
    shorter = clocks(part, "2024-06-03", "2023-12-20", [agreed._replace(contractor_months=18)])
    assert shorter.owner.until == max(
        shorter.contractor.until, D("2025-06-03") if part is not Part.OTHER else date.min
    )


@pytest.mark.parametrize(
    ("part", "delivered", "until"),
    [
        (Part.WET, "2024-03-08", "2029-03-08"),
        (Part.PLASTER, "2024-02-29", "2025-02-28"),
        (Part.BLOCKAGE, "2023-12-31", "2024-02-29"),
        (Part.ELECTRIC, "2024-10-03", "2026-10-08"),
        (Part.LAMPS, "2025-08-31", "2026-02-28"),
        (Part.LAMPS, "2025-08-15", "2026-02-24"),
        (Part.STRUCTURE, "2024-03-08", "2074-03-08"),
    ],
)
def test_a_period_ends_on_the_corresponding_day_or_the_next_working_day(part, delivered, until):
    assert clocks(part, delivered).owner.until == D(until)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (
            "2024-03-08",
            "2026-03-15",
        ),  # cooling 2024 and 2025; heating 2024/25 and 2025/26 end later
        ("2024-06-15", "2026-03-15"),  # the cooling season that begins today counts in full
        ("2024-06-16", "2026-09-15"),  # it has begun already: cooling 2025 and 2026
        (
            "2024-11-15",
            "2026-09-15",
        ),  # heating 2024/25 and 2025/26; cooling 2025 and 2026 end later
        ("2024-11-16", "2027-03-15"),  # heating 2025/26 and 2026/27
        ("2024-12-31", "2027-03-15"),
        ("2024-01-01", "2026-03-15"),  # the running heating season does not count
    ],
)
def test_heating_and_cooling_run_for_two_full_seasons_not_for_twenty_four_months(start, end):
    assert season_end(D(start), 2) == D(end)
    assert clocks(Part.HEATING, start, calendar=every_day).owner.until == D(end)
    words = arithmetic(clocks(Part.HEATING, start, calendar=every_day))[0]
    assert words == f"对业主：{start} 交付，供热供冷 2 个采暖期、供冷期，至 {end}"


days = st.dates(D("2005-01-01"), D("2025-12-31"))


@given(days, st.integers(1, 4))
@example(D("2024-02-29"), 1)
def test_the_end_of_the_nth_season_is_what_one_finds_by_turning_the_calendars_pages(start, n):
    ends = []
    for begins, finishes in (("11-15", "03-15"), ("06-15", "09-15")):
        day, left = start, n
        while f"{day:%m-%d}" != begins or (left := left - 1):
            day += timedelta(days=1)
        while f"{day:%m-%d}" != finishes:
            day += timedelta(days=1)
        ends.append(day)
    assert season_end(start, n) == max(ends)


parts = st.sampled_from(list(Part))
promised = st.lists(
    st.builds(
        Promise,
        parts,
        st.none() | st.integers(1, 240),
        st.none() | st.integers(1, 240),
        st.just("协议"),
        st.sampled_from([date.min, D("2015-01-01")]),
        st.sampled_from([D("2020-12-31"), date.max]),
    ),
    max_size=3,
)


@pytest.mark.clause("3.4.6")
@given(parts, days, days, promised)
def test_a_longer_promise_wins_and_a_shorter_one_never_takes_anything_away(
    part, delivered, completed, promises
):
    law = clocks(part, delivered, completed)
    over = clocks(part, delivered, completed, promises)
    for own, plain, start, field in (
        (over.owner, law.owner, delivered, "owner_months"),
        (over.contractor, law.contractor, completed, "contractor_months"),
    ):
        given_ends = [
            add_months(start, getattr(one, field), package).on
            for one in promises
            if one.part is part and getattr(one, field) and one.since <= start <= one.until
        ]
        least = max([*given_ends, plain.until or date.min])
        assert (own.until or date.min) >= least
        if field == "contractor_months":
            assert (own.until or date.min) == least
    if over.contractor.until:
        assert over.owner.until >= over.contractor.until


@given(parts, days, days, promised)
def test_the_owners_period_never_ends_before_the_contractors(part, delivered, completed, promises):
    over = clocks(part, delivered, completed, promises)
    if over.contractor.until is not None:
        assert over.owner.until is not None
        assert over.owner.until >= over.contractor.until
    for term in over.owner, over.contractor:
        assert term.until is None or package(term.until).works or term.follows
        assert term.until is None or term.until >= term.since or term.follows


@given(parts, st.none() | days, st.none() | days, promised)
def test_without_the_date_a_clock_counts_from_nothing_can_be_told(
    part, delivered, completed, promises
):
    over = clocks(part, delivered, completed, promises)
    assert delivered is not None or over.owner.covers(TODAY) is None
    assert completed is not None or over.contractor.covers(TODAY) is None


def test_a_promise_holds_for_what_was_delivered_or_completed_while_it_was_in_force():
    promise = Promise(
        Part.DOORS, 36, 30, "质量保证书", since=D("2024-01-01"), until=D("2024-06-30")
    )
    inside = clocks(Part.DOORS, "2024-06-28", "2024-01-02", [promise])
    assert (inside.owner.until, inside.contractor.until) == (D("2027-06-28"), D("2026-07-02"))
    late = clocks(Part.DOORS, "2024-07-01", "2023-12-29", [promise])
    assert (late.owner.until, late.contractor.until) == (D("2025-07-01"), None)
    mixed = clocks(Part.DOORS, "2024-07-01", "2024-01-02", [promise])
    assert mixed.contractor.until == D("2026-07-02")
    assert mixed.owner.until == D("2026-07-02"), "the contractor's two and a half years are lent on"


def test_a_period_ends_with_the_named_day():
    over = clocks(Part.WET, "2024-03-08", "2023-12-20")
    assert over.owner.covers(D("2029-03-08")) is True
    assert over.owner.covers(D("2029-03-09")) is False


IN, OUT, DARK = "in", "out", "?"
A, B, NONE = OrderClass.A, OrderClass.B, OrderClass.NONE
R = ClassReason
CAUSES = {
    "contractor's": (Cause.WORKMANSHIP, Cause.MATERIAL),
    "company's": (Cause.PRODUCT, Cause.DESIGN, Cause.SALES_PROMISE, Cause.MANAGEMENT),
    "owner's": (Cause.MISUSE, Cause.THIRD_PARTY, Cause.FORCE_MAJEURE, Cause.WEAR),
    "unknown": (Cause.UNKNOWN,),
}
UNSURE, REFUSED = (B, R.UNCLEAR), (NONE, R.OWNERS_OWN)
OURS, GONE, GIFT = (B, R.NOT_CONTRACTOR), (NONE, R.EXPIRED), (B, R.GOODWILL)

HOME = {
    # owner, contractor: contractor's, company's, owner's, unknown
    (IN, IN): ((A, R.WARRANTY), OURS, REFUSED, UNSURE),
    (IN, OUT): ((B, R.GAP), OURS, REFUSED, UNSURE),
    (IN, DARK): (UNSURE, OURS, REFUSED, UNSURE),
    (OUT, IN): (GONE, GONE, REFUSED, GONE),
    (OUT, OUT): (GONE, GONE, REFUSED, GONE),
    (OUT, DARK): (GONE, GONE, REFUSED, GONE),
    (DARK, IN): (UNSURE, UNSURE, REFUSED, UNSURE),
    (DARK, OUT): (UNSURE, UNSURE, REFUSED, UNSURE),
    (DARK, DARK): (UNSURE, UNSURE, REFUSED, UNSURE),
}
COMMON = {
    (IN, IN): ((A, R.COMMON_AREA), OURS, REFUSED, UNSURE),
    (IN, OUT): ((B, R.GAP), OURS, REFUSED, UNSURE),
    (IN, DARK): (UNSURE, OURS, REFUSED, UNSURE),
    (OUT, IN): ((A, R.COMMON_AREA), OURS, REFUSED, UNSURE),
    (OUT, OUT): (GONE, GONE, REFUSED, GONE),
    (OUT, DARK): (UNSURE, UNSURE, REFUSED, UNSURE),
    (DARK, IN): ((A, R.COMMON_AREA), OURS, REFUSED, UNSURE),
    (DARK, OUT): (UNSURE, UNSURE, REFUSED, UNSURE),
    (DARK, DARK): (UNSURE, UNSURE, REFUSED, UNSURE),
}


def term(state):
    until = {IN: TODAY, OUT: TODAY - timedelta(days=1), DARK: None}[state]
    return Term(until and D("2020-01-01"), until, 12, "1 年", "法")


@pytest.mark.clause("3.5.1")
@pytest.mark.parametrize("common", [False, True], ids=["home", "common area"])
@pytest.mark.parametrize("states", HOME, ids="-".join)
def test_the_class_follows_the_decision_table(states, common):
    rows = zip(CAUSES.values(), (COMMON if common else HOME)[states], strict=True)
    over = Cover(Part.WET, term(states[0]), term(states[1]), common)
    for causes, wanted in rows:
        for cause in causes:
            for goodwill in (False, True):
                expected = GIFT if goodwill and wanted == GONE else wanted
                found = suggest(over, cause, TODAY, goodwill=goodwill)
                assert (found.order_class, found.reason) == expected, (cause, goodwill)
                assert found.provisional is (found.reason is R.UNCLEAR)


def test_the_table_names_every_cause_and_every_reason():
    assert sorted(one.name for causes in CAUSES.values() for one in causes) == sorted(
        one.name for one in Cause
    )
    rows = [*HOME.values(), *COMMON.values()]
    assert {reason for row in rows for _class, reason in row} | {R.GOODWILL} == set(R)
    assert set(HOME) == set(COMMON) == {(a, b) for a in (IN, OUT, DARK) for b in (IN, OUT, DARK)}


@given(parts, st.none() | days, st.none() | days, days, st.booleans())
def test_only_the_contractors_fault_within_his_warranty_is_ever_class_a(
    part, delivered, completed, day, common
):
    over = clocks(part, delivered, completed, common_area=common)
    for cause in Cause:
        found = suggest(over, cause, day)
        if found.order_class is A:
            assert cause in CAUSES["contractor's"]
            assert day <= over.contractor.until
            assert common or day <= over.owner.until
    assert outlook(over, day).endswith("。")


def test_the_arithmetic_stands_in_words():
    over = clocks(Part.WET, "2021-03-08", "2020-12-18")
    assert arithmetic(over) == [
        "对业主：2021-03-08 交付，防渗漏（厨卫、地下室、外墙、窗边） 5 年，至 2026-03-09",
        "施工单位：2020-12-18 竣工验收合格，防渗漏（厨卫、地下室、外墙、窗边） 5 年，至 2025-12-18",
    ]
    assert arithmetic(clocks(Part.WET, "2024-03-08"))[0].endswith("5 年，至 2029-03-08（暂）")
    assert arithmetic(clocks(Part.WET))[1] == (
        "施工单位：防渗漏（厨卫、地下室、外墙、窗边） 5 年，缺竣工验收合格日期，无法推算"
    )
    deemed = clocks(Part.WET, "2024-03-08", deemed=True)
    assert arithmetic(deemed)[0].startswith(
        "对业主：2024-03-08 视为交付，防渗漏（厨卫、地下室、外墙、窗边） 5 年，至 2029-03-08"
    )
    common = clocks(Part.ROAD, "2024-03-08", common_area=True)
    assert arithmetic(common) == [
        "对业主：2024-03-08 移交物业，道路、室外管网 1 年，至 2025-03-10",
        "施工单位：道路、室外管网，按合同，未登记年限",
    ]


@pytest.mark.clause("3.4.6")
@pytest.mark.parametrize(
    ("part", "repairs", "owner", "contractor"),
    [
        (Part.WET, [], "2026-03-09", "2025-12-18"),
        (Part.WET, [("2025-05-06", "2025-05-20", True)], "2030-05-20", "2030-05-20"),
        (Part.WET, [("2025-05-06", "2025-05-20", False)], "2030-05-20", "2025-12-18"),
        # reported within, accepted after the end: still begins anew; the contractor's was over
        (Part.WET, [("2026-03-08", "2026-03-20", True)], "2031-03-20", "2025-12-18"),
        # over when it was reported: stays over
        (Part.WET, [("2026-03-10", "2026-03-20", True)], "2026-03-09", "2025-12-18"),
        # reported under what an earlier repair began
        (
            Part.WET,
            [("2030-05-06", "2030-05-21", False), ("2025-05-06", "2025-05-20", False)],
            "2035-05-21",
            "2025-12-18",
        ),
        (Part.BLOCKAGE, [("2021-03-09", "2021-03-10", True)], "2021-05-10", None),
    ],
)
def test_a_repair_lets_a_clock_begin_anew_that_ran_and_never_shortens_it(
    part, repairs, owner, contractor
):
    over = clocks(
        part,
        "2021-03-08",
        "2020-12-18",
        repairs=[Repair(D(reported), D(accepted), own) for reported, accepted, own in repairs],
    )
    assert over.owner.until == D(owner)
    assert over.contractor.until == (D(contractor) if contractor else None)


def test_a_restart_never_shortens_and_is_told_only_where_it_lengthens():
    promise = Promise(Part.LAMPS, owner_months=120, source="质量保证书", until=D("2021-12-31"))
    repaired = [Repair(D("2021-04-01"), D("2021-04-10"), False)]
    over = clocks(Part.LAMPS, "2021-03-08", promises=[promise], repairs=repaired)
    assert "修复验收后重新起算 10 年" in arithmetic(over)[0], "what was promised begins anew"
    same_day = [Repair(D("2021-03-01"), D("2021-03-08"), False)]
    over = clocks(Part.WET, "2021-03-08", repairs=same_day)
    assert (over.owner.before, over.owner.until) == (None, D("2026-03-09"))
    lifted = clocks(Part.ELECTRIC, "2023-03-08", "2024-03-08", repairs=same_day)
    assert "重新起算" not in arithmetic(lifted)[0]
    again = clocks(
        Part.WET,
        "2021-03-08",
        "2020-12-18",
        repairs=[Repair(D("2025-05-06"), D("2025-05-20"), True)],
    )
    assert arithmetic(again)[0] == (
        "对业主：2021-03-08 交付，防渗漏（厨卫、地下室、外墙、窗边） 5 年，至 2026-03-09；"
        "2025-05-20 修复验收后重新起算 5 年，至 2030-05-20（暂）"
    )


def test_the_words_say_where_a_period_or_a_date_comes_from():
    promise = Promise(Part.LAMPS, owner_months=24, source="质量保证书")
    over = clocks(Part.LAMPS, "2024-03-08", promises=[promise], note="（按小区交付日期）")
    assert arithmetic(over)[0] == (
        "对业主：2024-03-08 交付（按小区交付日期），灯具、开关 24 个月（质量保证书），至 2026-03-09"
    ).replace("24 个月", "2 年")
    early = clocks(Part.ELECTRIC, "2023-03-08", "2024-03-08")
    assert arithmetic(early)[0] == (
        "对业主：2023-03-08 交付，电气管线 2 年，不早于施工单位保修期满，至 2026-03-09"
    )
    lent = clocks(
        Part.OTHER, "2023-03-08", "2024-03-08", [Promise(Part.OTHER, contractor_months=12)]
    )
    assert arithmetic(lent)[0] == (
        "对业主：2023-03-08 交付，其他部位，不早于施工单位保修期满，至 2025-03-10"
    )
    assert arithmetic(clocks(Part.OTHER, "2023-03-08"))[0] == "对业主：其他部位，按合同，未登记年限"
