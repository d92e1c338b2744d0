"""The tables only a quarter has: Pareto of categories, comparisons, density (procedure 3.10.4)."""

from itertools import accumulate

from ticketing.casefile.tickets.behind import Event
from ticketing.oversight.reports.figures import (
    COMPARABLE,
    DensityRow,
    Figures,
    add_up,
    change,
    rate,
)
from ticketing.oversight.reports.links import Lists
from ticketing.oversight.reports.table import TOTAL, Cell, Table, columns, plain


def pareto(figures: Figures, lists: Lists) -> Table:
    """The categories by weight, with the running share that shows the vital few."""
    ranked = sorted(
        (row for row in figures.categories if row.new), key=lambda row: row.new, reverse=True
    )
    whole = sum(row.new for row in ranked)
    running = accumulate(row.new for row in ranked)
    return Table(
        "W2-P",
        "投诉分类排列（帕累托）",
        columns("名次 分类 件数 占比 累计占比", 分类="text", 占比="percent", 累计占比="percent"),
        [
            [
                Cell(place),
                Cell(row.name),
                Cell(row.new, lists.event(row.new, Event.NEW, lists.category(row.code))),
                Cell(rate(row.new, whole)),
                Cell(rate(so_far, whole)),
            ]
            for place, (row, so_far) in enumerate(zip(ranked, running, strict=True), 1)
        ],
        has_total=False,
    )


def comparisons(figures: Figures) -> Table:
    """环比、同比: blank where the base is too small."""
    return Table(
        "Q1",
        "同比、环比",
        columns("项目 本季 上季 环比 去年同期 同比", 项目="text", 环比="change", 同比="change"),
        [
            plain(
                (
                    row.name,
                    row.now,
                    row.last,
                    change(row.now, row.last),
                    row.year_before,
                    change(row.now, row.year_before),
                )
            )
            for row in figures.comparisons
        ],
        (f"基数不足 {COMPARABLE} 件时不列百分比。",),
        has_total=False,
    )


def density(figures: Figures, lists: Lists) -> Table:
    """百户投诉量 by community."""
    total = add_up(figures.density, DensityRow, community_id=None, name=TOTAL, months=None)

    def cells(row: DensityRow) -> list[Cell]:
        of = {**lists.place(row.community_id), "valid": "1"}
        valid = Cell(row.valid, lists.event(row.valid, Event.NEW, of))
        return [Cell(row.name), valid, *plain((row.delivered, row.months, row.per_hundred))]

    return Table(
        "Q2",
        "百户投诉量",
        columns("小区 有效新增 已交付户数 交付月数 百户投诉量", 小区="text", 百户投诉量="mean"),
        [cells(row) for row in (*figures.density, total)],
        ("有效新增＝新增中未在本期判为无效、撤回或合并的件数。",),
    )
