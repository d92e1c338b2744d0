"""The paper of an account as a workbook whose sums are formulas and agree with the stored figures (procedure 5.4)."""

from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.worksheet.worksheet import Worksheet

from ticketing.kernel import excel
from ticketing.procedure.settlement import PriceBasis
from ticketing.steps.settlement.sheet import AccountPaper, PaperLine

HEADS = (
    "序号", "定额编号", "工程项目名称", "单位", "数量", "审定单价", "审前合计", "审定合计", "备注",
)  # fmt: skip
"""The columns of the form."""

DRAFT_HEADS = (
    "序号", "定额编号", "工程项目名称", "单位", "数量", "单价", "合计", "价格来源", "备注",
)  # fmt: skip
BESIDE = ("申报数量", "申报单价")
"""Two columns right of the form, not printed: what 审前合计 is made of."""

WIDTHS = (6, 12, 32, 7, 10, 12, 14, 14, 22, 3, 10, 12)
FIRST, NUMBER, LAST = 6, "#,##0.00", "I"
MILLI = "#,##0.###"


def write_accounts(path: Path, papers: list[AccountPaper]) -> None:
    """Write one sheet for each paper to a workbook at `path`."""
    book = excel.workbook()
    for paper in papers:
        add_sheet(book, paper)
    book.save(path)


def add_sheet(book: Workbook, paper: AccountPaper) -> Worksheet:
    """One account on a sheet of its own, named by its number."""
    sheet: Worksheet = book.create_sheet(paper.number)
    house = excel.Sheet(sheet, landscape=False)
    house.widths(*WIDTHS)
    reviewed = paper.approved is not None
    sheet.merge_cells(f"A1:{LAST}1")
    title = excel.put(sheet["A1"], f"{paper.title}（{paper.order_class.value}类）")
    title.font, title.alignment = Font(size=16, bold=True), Alignment(horizontal="center")
    excel.put(sheet["A2"], f"编号：{paper.number}　派工单：{paper.order_number}")
    right = excel.put(
        sheet[f"{LAST}2"], f"{paper.day.year} 年 {paper.day.month} 月 {paper.day.day} 日"
    )
    right.alignment = Alignment(horizontal="right")
    for column, label, text in (
        ("A", "客户", paper.customer),
        ("D", "所在小区", paper.community),
        ("G", "单元号", paper.room),
    ):
        excel.put(sheet[f"{column}3"], label).font = Font(bold=True)
        excel.put(sheet.cell(3, sheet[f"{column}3"].column + 1), text)
    _heads(sheet, HEADS if reviewed else DRAFT_HEADS, beside=reviewed)
    for n, line in enumerate(paper.lines):
        (_approved if reviewed else _submitted)(sheet, FIRST + n, n + 1, line)
    row = _sums(sheet, FIRST + len(paper.lines), paper)
    excel.put(sheet.cell(row, 1), "审定总价（大写）：" if reviewed else "总价（大写）：")
    excel.put(sheet.cell(row, 3), paper.words).font = Font(bold=True)
    signs = (
        f"主管：{paper.head}　　经办：{paper.clerk}　　审核部门签章：{paper.reviewer}"
        if reviewed
        else f"编制人（维修队队长）：{paper.captain}"
    )
    excel.put(sheet.cell(row + 2, 1), signs)
    sheet.print_area = f"A1:{LAST}{row + 2}"
    sheet.print_title_rows = f"{FIRST - 1}:{FIRST - 1}"
    return sheet


def _heads(sheet: Worksheet, heads: tuple[str, ...], *, beside: bool) -> None:
    for column, head in enumerate((*heads, "", *(BESIDE if beside else ())), 1):
        if head:
            cell = excel.put(sheet.cell(FIRST - 1, column), head)
            cell.font, cell.fill, cell.border = Font(bold=True), excel.HEAD_FILL, excel.BOX


def _row(sheet: Worksheet, row: int, values: tuple[Any, ...]) -> None:
    for column, value in enumerate(values, 1):
        cell = excel.put(sheet.cell(row, column), value)
        cell.border, cell.alignment = excel.BOX, Alignment(wrap_text=True, vertical="top")


def _submitted(sheet: Worksheet, row: int, position: int, line: PaperLine) -> None:
    quantity, price = line.quantity_milli / 1000, line.price_milli / 1000
    words = (position, line.quota_code, line.item, line.unit)
    _row(sheet, row, (*words, quantity, price, None, line.source, line.remark))
    excel.reckon(sheet[f"G{row}"], f"ROUND(E{row}*F{row},2)", NUMBER)
    _forms(sheet, row, "EF")


def _approved(sheet: Worksheet, row: int, position: int, line: PaperLine) -> None:
    quantity = (line.approved_quantity_milli or 0) / 1000
    price = (line.approved_price_milli or 0) / 1000
    words = (position, line.quota_code, line.item, line.unit)
    _row(sheet, row, (*words, quantity, price, None, None, line.remark))
    excel.put(sheet[f"K{row}"], line.quantity_milli / 1000)
    excel.put(sheet[f"L{row}"], line.price_milli / 1000)
    excel.reckon(sheet[f"G{row}"], f"ROUND(K{row}*L{row},2)", NUMBER)
    excel.reckon(sheet[f"H{row}"], f"ROUND(E{row}*F{row},2)", NUMBER)
    _forms(sheet, row, "EFKL")


def _forms(sheet: Worksheet, row: int, columns: str) -> None:
    for column in columns:
        sheet[f"{column}{row}"].number_format = MILLI


def _sums(sheet: Worksheet, row: int, paper: AccountPaper) -> int:
    """The lines below the items, from 小计 to 审减; returns the row after them.

    What was handed in by other rates than the account now has is written as the stored number.
    """
    terms, last = paper.terms, row - 1
    exclusive = terms.basis is PriceBasis.EXCLUSIVE
    tax = "增值税" if exclusive else "其中增值税"
    for n, (label, rate) in enumerate(
        (
            ("小计", None),
            ("管理费", terms.management_bp),
            (tax, terms.vat_bp),
            ("含税合计", None),
        )
    ):
        _row(sheet, row + n, (None,) * len(HEADS))
        excel.put(sheet.cell(row + n, 3), label).font = Font(bold=True)
        if rate is not None:
            excel.put(sheet.cell(row + n, 6), rate / 10_000).number_format = "0.00%"
    below, fee, taxed, total = row, row + 1, row + 2, row + 3
    columns = ["G"] if paper.submitted is not None else []
    columns += ["H"] if paper.approved is not None else []
    for column in columns:
        base = f"({column}{below}+{column}{fee})"
        tax_of = (
            f"ROUND({base}*$F{taxed},2)" if exclusive else f"{base}-ROUND({base}/(1+$F{taxed}),2)"
        )
        total_of = f"{base}+{column}{taxed}" if exclusive else base
        summed = f"SUM({column}{FIRST}:{column}{last})" if paper.lines else "0"
        for at, formula in (
            (below, summed),
            (fee, f"ROUND({column}{below}*$F{fee},2)"),
            (taxed, tax_of),
            (total, total_of),
        ):
            excel.reckon(sheet[f"{column}{at}"], formula, NUMBER)
    if paper.submitted is None:
        excel.put(sheet[f"G{total}"], paper.submitted_fen / 100).number_format = NUMBER
        excel.put(sheet[f"{LAST}{total}"], "申报时的税率、费率与审定不同")
    if paper.approved is None:
        return total + 1
    cut = total + 1
    _row(sheet, cut, (None,) * len(HEADS))
    excel.put(sheet.cell(cut, 3), "审减、审减率").font = Font(bold=True)
    excel.reckon(sheet[f"G{cut}"], f"ROUND(G{total}-H{total},2)", NUMBER)
    excel.reckon(sheet[f"H{cut}"], f'IF(G{total}=0,"—",G{cut}/G{total})', "0.00%")
    return cut + 1
