"""The 客户服务部投诉处理周报 and 季报 as a workbook (procedure 5.1, 3.10.4).

Printed on A4 across: the head of the paper, every table of the page with the same numbers, and the
new cases of the period as raw data with masked phones. Typed text can never become a formula.
"""

from decimal import Decimal
from typing import Any

from openpyxl import Workbook

from ticketing.kernel import clock, excel
from ticketing.oversight.reports.figures import Figures, RawRow
from ticketing.oversight.reports.layout import tables
from ticketing.oversight.reports.models import Report
from ticketing.oversight.reports.table import DASH, Cell, Column, Table
from ticketing.procedure.vocabulary import ReportKind

APART = {"W6": "超期重大", "W8-不满意": "不满意明细"}
"""Tables of long text stand on sheets of their own, by code."""

PLAN = "下期计划、需协调事项"
RAW_HEADS = (
    "编号",
    "受理时间",
    "渠道",
    "小区",
    "房号",
    "客户",
    "联系方式",
    "投诉内容",
    "分类",
    "等级",
    "责任部门",
    "责任人",
    "状态",
)
NUMBER_FORMATS = {"mean": "0.0", "money": "#,##0.00"}
HEAD_WIDTHS = (18, *(11,) * 17)
WIDTHS = {
    "W6": (15, 16, 26, 7, 11, 11, 9, 9, 34, 30, 12),
    "W8-不满意": (15, 18, 30, 11, 40, 14, 10),
}
RAW_WIDTHS = (15, 16, 12, 12, 14, 10, 14, 34, 14, 7, 14, 10, 9)


def title(report: Report) -> str:
    """The name printed on top."""
    return f"客户服务部投诉处理{report.kind.label}"


def file_name(report: Report, figures: Figures) -> str:
    """``客户服务部投诉处理周报 福州客户服务处 2026-W47.xlsx``."""
    interim = "" if figures.complete else " 期中"
    return f"{title(report)} {figures.office} {figures.period.name}{interim}.xlsx"


def head(report: Report, figures: Figures) -> list[tuple[str, str]]:
    """The head of the paper: who reports on what, up to when, and who stands for it."""
    weekly = report.kind is ReportKind.WEEKLY
    cutoff = clock.show_instant(figures.cutoff_at)
    submitted = clock.show_instant(report.submitted_at) if report.submitted_at else "未上报"
    return [
        ("单位", figures.office),
        ("周次" if weekly else "季度", figures.period.title),
        ("统计期间", f"{figures.first_on} 至 {figures.last_on}"),
        ("数据截止", cutoff if figures.complete else f"{cutoff}（期中）"),
        ("汇总人", report.compiled_by.name),
        ("复核人", report.checked_by.name if report.checked_by else "未复核"),
        ("上报时间", f"{submitted}（迟报）" if report.late else submitted),
    ]


def write(report: Report, figures: Figures) -> bytes:
    """The workbook of a compiled report, from its stored figures alone."""
    book = excel.workbook()
    sheet = excel.Sheet(book.create_sheet(report.kind.label))
    sheet.widths(*HEAD_WIDTHS)
    sheet.title(title(report))
    named = head(report, figures)
    sheet.table([name for name, _ in named], [[value for _, value in named]])
    sheet.gap()
    apart = []
    for table in tables(figures):
        if table.code in APART:
            apart.append(table)
        else:
            _write(sheet, table)
    sheet.line(PLAN, bold=True)
    for line in (report.remarks or "无").split("\n"):
        sheet.line(line)
    for table in apart:
        extra = excel.Sheet(book.create_sheet(APART[table.code]))
        extra.widths(*WIDTHS[table.code])
        _write(extra, table)
        extra.worksheet.print_title_rows = "2:2"
    _raw(book, figures)
    return excel.as_bytes(book)


def _write(sheet: excel.Sheet, table: Table) -> None:
    sheet.line(f"{table.code.partition('-')[0]} {table.title}", bold=True)
    sheet.table(
        [column.head for column in table.columns],
        [
            [_value(column, cell) for column, cell in zip(table.columns, row, strict=True)]
            for row in table.rows
        ],
        percent=[
            n for n, column in enumerate(table.columns) if column.kind in ("percent", "change")
        ],
    )
    for n, column in enumerate(table.columns, 1):
        if column.kind in NUMBER_FORMATS:
            for row in range(sheet.row - len(table.rows), sheet.row):
                cell = sheet.worksheet.cell(row, n)
                if not isinstance(cell.value, str):
                    cell.number_format = NUMBER_FORMATS[column.kind]
    for note in table.notes:
        sheet.line(note)
    sheet.gap()


def _value(column: Column, cell: Cell) -> Any:
    """What stands in a cell of the sheet: a dash for nothing, money in yuan."""
    if cell.value is None:
        return DASH
    return Decimal(str(cell.value)) / 100 if column.kind == "money" else cell.value


def _raw(book: Workbook, figures: Figures) -> None:
    """原始数据: one line a new case, as it stood when the report was compiled."""
    sheet = excel.Sheet(book.create_sheet("原始数据"))
    sheet.widths(*RAW_WIDTHS)
    if len(figures.raw) < figures.total.new:
        sheet.line(f"新增 {figures.total.new} 件，列出最早的 {len(figures.raw)} 件。")
    top = sheet.row
    sheet.table(RAW_HEADS, ())
    for number, row in enumerate(figures.raw, sheet.row):
        for column, value in enumerate(_raw_cells(row), 1):
            excel.put(sheet.worksheet.cell(number, column), value)
    sheet.worksheet.freeze_panes = f"A{top + 1}"
    sheet.worksheet.print_title_rows = f"{top}:{top}"


def _raw_cells(row: RawRow) -> tuple[Any, ...]:
    """The cells of one new case in the order of `RAW_HEADS`."""
    return (
        row.number,
        excel.wall_time(clock.SHANGHAI, row.received_at),
        row.channel,
        row.community,
        row.room,
        row.caller,
        row.phone,
        row.summary,
        row.category,
        row.grade,
        row.department,
        row.handler,
        row.stage,
    )
