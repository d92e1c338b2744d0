"""From the register to the figures of one report: asks each table once and sets it out in rows."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from statistics import median

from sqlalchemy import func, select
from sqlalchemy.orm import contains_eager

from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.masters.estate.models import Community, ServiceOffice, Unit
from ticketing.masters.people.models import Department
from ticketing.oversight.reports import cases, costs, imprest, repairs, service, stock
from ticketing.oversight.reports.figures import (
    AGE_BANDS,
    AgeRow,
    CallbackRow,
    Carried,
    CaseList,
    CategoryRow,
    ComparisonRow,
    DensityRow,
    DepartmentRow,
    Figures,
    KpiRow,
    SummaryRow,
    add_up,
    age_band,
)
from ticketing.oversight.reports.repair_rows import RepairFigures
from ticketing.oversight.reports.repairs import Repaired
from ticketing.oversight.reports.service import Called, Kept, Window
from ticketing.oversight.reports.stock import Extent, Movement, OpenCase
from ticketing.procedure.periods import ONE_DAY, ONE_WEEK, Period
from ticketing.procedure.vocabulary import Category, Flow, Grade, ReportKind, Satisfaction

TOTAL = "合计"
COMPANY = "全公司"
ONE_SECOND = timedelta(seconds=1)
"""The clock's finest step: what happened this very second counts."""


def compile_figures(
    period: Period, office: ServiceOffice | None, *, now: datetime, carried: Carried | None
) -> Figures:
    """The figures of `office` (None: the company) over `period` as they stand at `now`.

    While the period runs they reach up to `now`, that second included; afterwards they stay those of
    its end.
    """
    weekly = period.kind is ReportKind.WEEKLY
    extent = _extent(office)
    end = clock.at(period.last_on + ONE_DAY)
    cutoff = min(now + ONE_SECOND, end)
    window = Window(
        first_on=period.first_on,
        as_of_on=min(period.last_on, clock.local(now).date()),
        start=clock.at(period.first_on),
        cutoff=cutoff,
    )
    rewound = stock.rewind(extent, cutoff)
    open_cases = stock.open_cases(extent, cutoff, rewound)
    moved = stock.movements(extent, window.start, cutoff)
    earlier = _earlier(extent, period)
    called = service.by_community(extent, window)
    kept = service.by_department(extent, window)
    repaired = repairs.count(extent, window)
    opening = stock.opening(extent, window.start)
    summary = _summary(extent, window, opening, moved, open_cases, called, repaired)
    total = add_up(summary, SummaryRow, community_id=None, name=TOTAL, office="", place=None)
    callbacks = _callbacks(extent, called)
    before = carried.communities if carried else {}
    present = {community.id for community in extent.communities}
    return Figures(
        kind=period.kind,
        office_id=office.id if office else None,
        office=office.name if office else COMPANY,
        first_on=period.first_on,
        last_on=period.last_on,
        as_of_on=window.as_of_on,
        cutoff_at=min(now, end),
        complete=now >= end,
        carried=carried.closing if carried else None,
        recounted=(
            stock.recount(extent, window.start, stock.rewind(extent, window.start)),
            stock.recount(extent, cutoff, rewound),
        ),
        summary=summary,
        total=total,
        categories=_categories(moved, earlier, open_cases),
        departments=_departments(window, kept, open_cases),
        ages=tuple(
            _ages(grade, grade.label, [one for one in open_cases if one.grade is grade], window)
            for grade in reversed(Grade)
        ),
        age_total=_ages(None, TOTAL, open_cases, window),
        cases=cases.notable(extent, window, open_cases) if weekly else CaseList(),
        callbacks=callbacks,
        unhappy=cases.unhappy(extent, window) if weekly else (),
        comparisons=() if weekly else _comparisons(extent, period, total, earlier),
        density=() if weekly else _density(extent, window),
        kpis=_kpis(
            kept.values(),
            add_up(callbacks, CallbackRow, community_id=None, name=TOTAL),
            service.surveys(extent, window),
            repaired.figures,
        ),
        raw=cases.raw(extent, window),
        joined=tuple(c.name for c in extent.communities if carried and c.id not in before),
        left=tuple(name for community_id, name in before.items() if community_id not in present),
        repairs=repaired.figures,
        costs=costs.count(extent, window),
        imprest=None if weekly else imprest.count(extent, window),
    )


def _extent(office: ServiceOffice | None) -> Extent:
    if office is not None:
        return Extent(tuple(office.communities), whole_company=False)
    everything = (
        select(Community)
        .join(Community.office)
        .options(contains_eager(Community.office))
        .order_by(ServiceOffice.code, Community.code)
    )
    return Extent(tuple(db.session.scalars(everything)), whole_company=True)


def _summary(
    extent: Extent,
    window: Window,
    opening: Counter[int],
    moved: list[Movement],
    open_cases: list[OpenCase],
    called: dict[int, Called],
    repaired: Repaired,
) -> tuple[SummaryRow, ...]:
    flows: Counter[tuple[int, Flow]] = Counter()
    major: Counter[int] = Counter()
    for move in moved:
        flows[move.community_id, move.flow] += move.number
        if move.flow is Flow.NEW and move.grade is Grade.MAJOR:
            major[move.community_id] += move.number
    closing = Counter(one.community_id for one in open_cases)
    overdue = Counter(one.community_id for one in open_cases if one.due_on < window.as_of_on)
    rows = []
    for community in extent.communities:
        of = community.id
        calls = called.get(of, Called())
        answers = calls.answers
        rows.append(
            SummaryRow(
                community_id=of,
                name=community.name,
                office=community.office.name,
                opening=opening[of],
                new=flows[of, Flow.NEW],
                major=major[of],
                reopened=flows[of, Flow.REOPENED],
                closed=flows[of, Flow.CLOSED],
                invalid=flows[of, Flow.INVALID],
                withdrawn=flows[of, Flow.WITHDRAWN],
                merged=flows[of, Flow.MERGED],
                closing=closing[of],
                overdue=overdue[of],
                callbacks_due=calls.due,
                callbacks_made=calls.made,
                answers=answers.total(),
                content=sum(count for answer, count in answers.items() if answer.is_content),
                repairs_due=repaired.due[of],
                repairs_on_time=repaired.on_time[of],
            )
        )
    return tuple(_placed(rows))


def _placed(rows: list[SummaryRow]) -> Iterable[SummaryRow]:
    """The rows with 名次 by completion; equals share a place, who had nothing to do has none."""
    rates = sorted((row.completion for row in rows if row.completion is not None), reverse=True)
    for row in rows:
        place = None if row.completion is None else rates.index(row.completion) + 1
        yield SummaryRow(**{**vars(row), "place": place})


def _earlier(extent: Extent, period: Period) -> tuple[list[Movement], list[Movement]]:
    """The new cases of the period before, and of the base a report compares with.

    A week has the four weeks before it as its base, a quarter the same one of last year.
    """
    before, base = period.previous, period.year_before
    since, until = base.first_on, base.last_on
    if period.kind is ReportKind.WEEKLY:
        since, until = period.first_on - 4 * ONE_WEEK, before.last_on
    return (
        stock.movements(extent, *_bounds(before.first_on, before.last_on), (Flow.NEW,)),
        stock.movements(extent, *_bounds(since, until), (Flow.NEW,)),
    )


def _categories(
    moved: list[Movement],
    earlier: tuple[list[Movement], list[Movement]],
    open_cases: list[OpenCase],
) -> tuple[CategoryRow, ...]:
    """W2, what is not yet classified as a line of its own."""
    new, closed = _by_category(moved, Flow.NEW), _by_category(moved, Flow.CLOSED)
    last_new, base_new = (_by_category(one, Flow.NEW) for one in earlier)
    still = Counter(one.category for one in open_cases)
    return tuple(
        CategoryRow(
            code=category.value if category else "",
            name=category.label if category else "未分类",
            new=new[category],
            last=last_new[category],
            base=base_new[category],
            closed=closed[category],
            open=still[category],
        )
        for category in (*Category, None)
    )


def _by_category(moved: Iterable[Movement], flow: Flow) -> Counter[Category | None]:
    counts: Counter[Category | None] = Counter()
    for move in moved:
        if move.flow is flow:
            counts[move.category] += move.number
    return counts


def _bounds(first_on: date, last_on: date) -> tuple[datetime, datetime]:
    return clock.at(first_on), clock.at(last_on + ONE_DAY)


def _departments(
    window: Window, kept: dict[int | None, Kept], open_cases: list[OpenCase]
) -> tuple[DepartmentRow, ...]:
    over: dict[int | None, list[int]] = defaultdict(list)
    for one in open_cases:
        if one.due_on < window.as_of_on:
            over[one.department_id].append((window.as_of_on - one.due_on).days)
    named = db.session.execute(select(Department.id, Department.name).order_by(Department.id))
    names: list[tuple[int | None, str]] = [*((row[0], row[1]) for row in named), (None, "未分派")]
    return tuple(
        DepartmentRow(
            department_id=department_id,
            name=name,
            **vars(kept.get(department_id, Kept())),
            overdue=len(over[department_id]),
            longest=max(over[department_id], default=0),
        )
        for department_id, name in names
        if department_id in kept or over[department_id]
    )


def _ages(grade: Grade | None, name: str, held: list[OpenCase], window: Window) -> AgeRow:
    days = [max((window.as_of_on - clock.local(one.received_at).date()).days, 0) for one in held]
    bands = Counter(age_band(age) for age in days)
    return AgeRow(
        grade=grade,
        name=name,
        bands=tuple(bands[n] for n in range(len(AGE_BANDS))),
        mean=round(sum(days) / len(days), 1) if days else None,
        median=float(median(days)) if days else None,
    )


def _callbacks(extent: Extent, called: dict[int, Called]) -> tuple[CallbackRow, ...]:
    rows = []
    for community in extent.communities:
        calls = called.get(community.id, Called())
        rows.append(
            CallbackRow(
                community_id=community.id,
                name=community.name,
                due=calls.due,
                made=calls.made,
                on_time=calls.on_time,
                very_satisfied=calls.answers[Satisfaction.VERY_SATISFIED],
                satisfied=calls.answers[Satisfaction.SATISFIED],
                neutral=calls.answers[Satisfaction.NEUTRAL],
                dissatisfied=calls.answers[Satisfaction.DISSATISFIED],
                unreached=calls.unreached,
            )
        )
    return tuple(rows)


def _comparisons(
    extent: Extent,
    period: Period,
    total: SummaryRow,
    earlier: tuple[list[Movement], list[Movement]],
) -> tuple[ComparisonRow, ...]:
    """The quarter beside the one before and the same one of last year (环比、同比)."""
    last, ago = period.previous, period.year_before
    counted = [stock.flows(extent, *_bounds(one.first_on, one.last_on)) for one in (last, ago)]
    majors = [sum(m.number for m in one if m.grade is Grade.MAJOR) for one in earlier]
    year_ago = stock.opening(extent, clock.at(ago.last_on + ONE_DAY)).total()
    return (
        ComparisonRow("新增", total.new, *(one[Flow.NEW] for one in counted)),
        ComparisonRow("其中重大", total.major, *majors),
        ComparisonRow("重开", total.reopened, *(one[Flow.REOPENED] for one in counted)),
        ComparisonRow("关闭", total.closed, *(one[Flow.CLOSED] for one in counted)),
        ComparisonRow("无效", total.invalid, *(one[Flow.INVALID] for one in counted)),
        ComparisonRow("撤回", total.withdrawn, *(one[Flow.WITHDRAWN] for one in counted)),
        ComparisonRow("合并", total.merged, *(one[Flow.MERGED] for one in counted)),
        ComparisonRow("期末未结", total.closing, total.opening, year_ago),
    )


def _density(extent: Extent, window: Window) -> tuple[DensityRow, ...]:
    valid = cases.valid_new(extent, window)
    homes = db.session.execute(
        select(Unit.community_id, func.count())
        .where(Unit.delivered_on <= window.as_of_on, extent.holds(Unit.community_id))
        .group_by(Unit.community_id)
    )
    delivered = {row[0]: row[1] for row in homes}
    return tuple(
        DensityRow(
            community_id=community.id,
            name=community.name,
            valid=valid.get(community.id, 0),
            delivered=delivered.get(community.id, 0),
            months=_months(community.delivered_on, window.as_of_on),
        )
        for community in extent.communities
    )


def _months(since: date | None, until: date) -> int | None:
    """Whole months since delivery; None before it or when it is unknown."""
    if since is None or since > until:
        return None
    whole = (until.year - since.year) * 12 + until.month - since.month
    return whole - (until.day < since.day)


def _kpis(
    kept: Iterable[Kept], called: CallbackRow, surveys: tuple[int, int], repaired: RepairFigures
) -> tuple[KpiRow, ...]:
    every, parties = list(kept), repaired.parties

    def owed(name: str) -> int:
        return sum(getattr(one, name) for one in every)

    def carried_out(name: str) -> int:
        return sum(getattr(one, name) for one in parties)

    def by(what: str, of: Callable[[str], int], target: float) -> tuple[KpiRow, KpiRow]:
        return (
            KpiRow(what, of("on_time"), of("due"), target),
            KpiRow(f"{what}（按原时限）", of("original_on_time"), of("original_due"), target),
        )

    return (
        KpiRow("反馈及时率", owed("feedback_on_time"), owed("feedback_due"), 0.95),
        KpiRow("勘察及时率", surveys[1], surveys[0], 0.95),
        *by("维修及时率", carried_out, 0.95),
        KpiRow("返修率", carried_out("undone"), carried_out("held"), 0.02, at_most=True),
        *by("办结及时率", owed, 0.9),
        KpiRow("回访率", called.made, called.due, 1.0),
        KpiRow("回访及时率", called.on_time, called.due, 0.95),
        KpiRow("满意率", called.content, called.answers, 0.95),
    )
