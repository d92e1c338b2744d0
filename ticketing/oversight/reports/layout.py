"""The tables of a report as its reader sees them: columns, cells, and the list behind each figure.

The page and the workbook both print these tables and add nothing, so they cannot disagree.
"""

from collections.abc import Sequence

from ticketing.casefile.tickets.behind import Event
from ticketing.oversight.reports import cost_tables, imprest_table, quarter, repair_tables
from ticketing.oversight.reports.figures import (
    AGE_BANDS,
    AgeRow,
    CallbackRow,
    CaseRow,
    CategoryRow,
    DepartmentRow,
    Figures,
    KpiRow,
    SummaryRow,
    add_up,
    change,
    rate,
)
from ticketing.oversight.reports.links import Link, Lists
from ticketing.oversight.reports.table import DASH, TOTAL, Cell, Column, Table, columns, plain
from ticketing.procedure.periods import ONE_WEEK
from ticketing.procedure.vocabulary import Grade, ReportKind

ROUNDING = 1e-9
UNTRACKED = "本周无跟踪"


def tables(figures: Figures) -> list[Table]:
    """Every table of the report, in the order of the paper (procedure 5.1)."""
    lists = Lists(figures)
    weekly = figures.kind is ReportKind.WEEKLY
    listed = [_summary(figures, lists)]
    if not weekly:
        listed.append(quarter.comparisons(figures))
    listed += [_kpis(figures), _categories(figures, lists)]
    if not weekly:
        listed += [quarter.pareto(figures, lists), quarter.density(figures, lists)]
    repairs = repair_tables.tables(figures.repairs, lists) if figures.repairs else {}
    listed += [
        *repairs.get("W3", ()),
        _departments(figures, lists),
        *repairs.get("W4", ()),
        _ages(figures, lists),
    ]
    if weekly:
        listed.append(_cases(figures))
    listed += repairs.get("W7", ())
    listed += cost_tables.tables(figures.costs) if figures.costs else []
    if figures.imprest:
        listed.append(imprest_table.table(figures.imprest))
    listed.append(_callbacks(figures, lists))
    if weekly:
        listed.append(_unhappy(figures))
    return listed


def _summary(figures: Figures, lists: Lists) -> Table:
    company, repairs = figures.office_id is None, figures.repairs is not None

    def repairs_kept(row: SummaryRow) -> list[Cell]:
        return [Cell(rate(row.repairs_on_time, row.repairs_due))] if repairs else []

    def cells(row: SummaryRow) -> list[Cell]:
        place = lists.place(row.community_id)
        named: list[Cell] = [Cell(row.office)] if company else []
        return [
            *named,
            Cell(row.name),
            Cell(row.opening, lists.opening(row.opening, place)),
            Cell(row.new, lists.event(row.new, Event.NEW, place)),
            Cell(
                row.major, lists.event(row.major, Event.NEW, {**place, "grade": Grade.MAJOR.value})
            ),
            Cell(row.to_handle),
            Cell(row.reopened, lists.event(row.reopened, Event.REOPENED, place)),
            Cell(row.closed, lists.event(row.closed, Event.CLOSED, place)),
            Cell(row.invalid, lists.event(row.invalid, Event.INVALID, place)),
            Cell(row.withdrawn, lists.event(row.withdrawn, Event.WITHDRAWN, place)),
            Cell(row.merged, lists.event(row.merged, Event.MERGED, place)),
            Cell(row.closing, lists.still_open(row.closing, place)),
            Cell(row.overdue, lists.overdue(row.overdue, place)),
            Cell(row.completion),
            *repairs_kept(row),
            Cell(rate(row.callbacks_made, row.callbacks_due)),
            Cell(rate(row.content, row.answers)),
            Cell(row.place),
        ]

    notes = [
        "期初结转＋新增＋重开－关闭－无效－撤回－合并＝期末未结。",
        "应处理＝期初结转＋新增；完成率＝关闭÷应处理；名次按完成率。超期以办结时限计。",
    ]
    if repairs:
        notes.append("维修及时率＝维修时限落在本期的派工单中，维修队按时自检完工的比例。")
    moved = [
        f"{how}小区 {'、'.join(names)}"
        for how, names in (("增加", figures.joined), ("减少", figures.left))
        if names
    ]
    if moved:
        notes.append(f"上期上报后{'，'.join(moved)}；本期各数（含期初）按现在的小区统计。")
    if figures.carried is not None and figures.carried != figures.total.opening:
        notes.append(
            f"上期上报的期末未结为 {figures.carried}，本期期初为 {figures.total.opening}，"
            f"差额为{'小区变动和' if moved else ''}上期上报后的更正。"
        )
    return Table(
        "W1",
        "分小区汇总",
        (Column("客户服务处", "text"),) * company
        + columns(
            "小区 期初结转 新增 其中重大 应处理 重开 关闭 无效 撤回 合并 期末未结 其中超期"
            f" 完成率{' 维修及时率' if repairs else ''} 回访率 满意率 名次",
            小区="text",
            完成率="percent",
            维修及时率="percent",
            回访率="percent",
            满意率="percent",
        ),
        [cells(row) for row in (*figures.summary, figures.total)],
        tuple(notes),
    )


def _categories(figures: Figures, lists: Lists) -> Table:
    total = add_up(figures.categories, CategoryRow, code="", name=TOTAL)
    weekly, period = figures.kind is ReportKind.WEEKLY, figures.period
    before, ago = period.previous, period.year_before
    month = (period.first_on - 4 * ONE_WEEK, before.last_on)

    def cells(row: CategoryRow) -> list[Cell]:
        of = lists.category(row.code, everything=row is total)
        last = Cell(
            row.last, lists.event(row.last, Event.NEW, of, (before.first_on, before.last_on))
        )
        first = [
            Cell(row.name),
            Cell(row.new, lists.event(row.new, Event.NEW, of)),
            Cell(rate(row.new, total.new)),
            last,
        ]
        if weekly:
            mean = Cell(row.base / 4, lists.event(row.base, Event.NEW, of, month))
            middle = [Cell(row.new - row.last), mean]
        else:
            base = Cell(row.base, lists.event(row.base, Event.NEW, of, (ago.first_on, ago.last_on)))
            middle = [Cell(change(row.new, row.last)), base, Cell(change(row.new, row.base))]
        closed = Cell(row.closed, lists.event(row.closed, Event.CLOSED, of))
        return [*first, *middle, closed, Cell(row.open, lists.still_open(row.open, of))]

    heads = (
        "分类 新增 占比 上周 增减 近四周均值 关闭 未结"
        if weekly
        else "分类 新增 占比 上季 环比 去年同期 同比 关闭 未结"
    )
    notes = ["分类、等级、责任部门以汇总时为准。"]
    if weekly:
        notes.append("近四周均值为本周之前四周的平均。")
    return Table(
        "W2",
        "分类统计",
        columns(
            heads,
            分类="text",
            占比="percent",
            近四周均值="mean",
            环比="change",
            同比="change",
        ),
        [cells(row) for row in (*figures.categories, total)],
        tuple(notes),
    )


def _departments(figures: Figures, lists: Lists) -> Table:
    longest = max((row.longest for row in figures.departments), default=0)
    total = add_up(
        figures.departments, DepartmentRow, department_id=None, name=TOTAL, longest=longest
    )

    def cells(row: DepartmentRow) -> list[Cell]:
        of = lists.department(row.department_id, everything=row is total)
        owed = lists.owed_by(row.department_id, everything=row is total)
        valid = {**owed, "valid": "1"}
        return [
            Cell(row.name),
            Cell(row.dispatched, lists.event(row.dispatched, Event.DISPATCHED, owed)),
            Cell(row.feedback_due, lists.event(row.feedback_due, Event.FEEDBACK_DUE, valid)),
            Cell(row.feedback_on_time),
            Cell(rate(row.feedback_on_time, row.feedback_due)),
            Cell(row.due, lists.event(row.due, Event.COMPLETION_DUE, valid)),
            Cell(row.on_time),
            Cell(rate(row.on_time, row.due)),
            Cell(rate(row.original_on_time, row.original_due)),
            Cell(row.overdue, lists.overdue(row.overdue, of)),
            Cell(row.longest),
        ]

    return Table(
        "W4",
        "责任部门",
        columns(
            "责任部门 派单 反馈到期 反馈及时 反馈及时率 办结到期 办结及时 办结及时率 原时限及时率 超期 最长超期天数",
            责任部门="text",
            反馈及时率="percent",
            办结及时率="percent",
            原时限及时率="percent",
        ),
        [cells(row) for row in (*figures.departments, total)],
        (
            "到期＝时限落在本期的件数，延期的按现时限；无效、撤回、合并的不计。超期＝期末未结且已过办结时限。",
            "原时限及时率＝原时限落在本期的件数中，按原时限办结的比例。退回、改派前已迟的反馈仍计在原部门。",
        ),
    )


def _band(first: int, last: int | None) -> str:
    return f">{first - 1}天" if last is None else f"{first}–{last}天"


def _ages(figures: Figures, lists: Lists) -> Table:
    def cells(row: AgeRow) -> list[Cell]:
        of = {"grade": row.grade.value} if row.grade else {}
        bands = [
            Cell(count, lists.aged(count, first, last, of))
            for count, (first, last) in zip(row.bands, AGE_BANDS, strict=True)
        ]
        whole = Cell(row.count, lists.still_open(row.count, {**lists.place(None), **of}))
        return [Cell(row.name), *bands, whole, Cell(row.mean), Cell(row.median)]

    heads = " ".join(_band(*band) for band in AGE_BANDS)
    return Table(
        "W5",
        "未结时长",
        columns(
            f"等级 {heads} 合计 平均天数 中位天数", 等级="text", 平均天数="mean", 中位天数="mean"
        ),
        [cells(row) for row in (*figures.ages, figures.age_total)],
        ("自受理日起的日历天数，截至统计日。",),
    )


def _cases(figures: Figures) -> Table:
    """W6: what could not be handled, with the process noted (procedure 3.4.4)."""
    held = figures.cases
    notes = [f"超期 {held.overdue} 件，重大 {held.major} 件，{UNTRACKED} {held.untracked} 件。"]
    if len(held.rows) < held.listed:
        notes.append(f"共 {held.listed} 件，列出等级最高、超期最久的 {len(held.rows)} 件。")
    rows = []
    for case in held.rows:
        step = f"{case.next_step}（{case.next_on}）" if case.next_on else case.next_step
        rows.append(
            [
                Cell(case.number, Link("tickets.show", {"ticket_id": case.ticket_id})),
                *plain((case.room, case.summary, case.grade.label)),
                *plain((case.received_on, case.due_on, case.days_over or None, case.handler)),
                *plain((case.action_taken, step, _remark(case))),
            ]
        )
    return Table(
        "W6",
        "超期、重大及无跟踪案件",
        columns(
            "编号 房号 摘要 等级 受理日 时限 超期天数 责任人 已采取行动 下一步及日期 备注",
            "text",
            受理日="day",
            时限="day",
            超期天数="count",
        ),
        rows,
        tuple(notes),
        has_total=False,
    )


def _remark(case: CaseRow) -> str:
    """What W6 remarks on a case: no follow-up, and which papers a major one lacks."""
    return "；".join(filter(None, (UNTRACKED if case.untracked else "", case.lacking)))


def _callbacks(figures: Figures, lists: Lists) -> Table:
    total = add_up(figures.callbacks, CallbackRow, community_id=None, name=TOTAL)

    def cells(row: CallbackRow) -> list[Cell]:
        place = lists.place(row.community_id)

        def answered(count: int, event: Event) -> Cell:
            return Cell(count, lists.event(count, event, place))

        due = lists.event(row.due, Event.CALLBACK_DUE, {**place, "valid": "1"})
        return [
            Cell(row.name),
            Cell(row.due, due),
            *plain((row.made, row.due - row.made, rate(row.made, row.due))),
            *plain((row.on_time, rate(row.on_time, row.due), row.answers)),
            answered(row.very_satisfied, Event.VERY_SATISFIED),
            answered(row.satisfied, Event.SATISFIED),
            answered(row.neutral, Event.NEUTRAL),
            answered(row.dissatisfied, Event.DISSATISFIED),
            answered(row.unreached, Event.UNREACHED),
            Cell(rate(row.content, row.answers)),
        ]

    return Table(
        "W8",
        "回访",
        columns(
            "小区 应访 已访 未访 回访率 及时 回访及时率 本期接通 很满意 满意 一般 不满意 未接通 满意率",
            小区="text",
            回访率="percent",
            回访及时率="percent",
            满意率="percent",
        ),
        [cells(row) for row in (*figures.callbacks, total)],
        (
            "应访至回访及时率：回访时限落在本期的轮次。本期接通与满意程度：本期实际打通的回访。",
            "未接通：本期打过、截止时仍未接通的轮次。满意率＝（很满意＋满意）÷本期接通。",
        ),
    )


def _unhappy(figures: Figures) -> Table:
    return Table(
        "W8-不满意",
        "不满意明细",
        columns("编号 房号 摘要 回访日 客户意见 责任部门 责任人", "text", 回访日="day"),
        [
            [
                Cell(row.number, Link("tickets.show", {"ticket_id": row.ticket_id})),
                *plain((row.room, row.summary, row.answered_on)),
                *plain((row.opinion, row.department, row.handler)),
            ]
            for row in figures.unhappy
        ],
        has_total=False,
    )


def _verdict(row: KpiRow) -> str:
    if not row.due:
        return DASH
    over = row.done - row.target * row.due
    return "达标" if (over < ROUNDING if row.at_most else over > -ROUNDING) else "未达标"


_REPAIR_KPIS = ("勘察以会签齐全为准，维修以自检完工为准。返修率见“维修责任方”，目标为上限。",)


def _kpis(figures: Figures) -> Table:
    rows: Sequence[list[Cell]] = [
        plain(
            (
                row.name,
                row.done,
                row.due,
                rate(row.done, row.due),
                row.target,
                _verdict(row),
            )
        )
        for row in figures.kpis
    ]
    return Table(
        "KPI",
        "指标",
        columns(
            "指标 完成 应完成 实绩 目标 是否达标",
            指标="text",
            实绩="percent",
            目标="percent",
            是否达标="text",
        ),
        list(rows),
        (
            "分母为时限落在本期的件数；满意率的分母为本期接通的回访。",
            *(_REPAIR_KPIS if figures.repairs else ()),
        ),
        has_total=False,
    )
