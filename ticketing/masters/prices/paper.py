"""The workbooks of price lists: the template to fill in, and a version in the same layout, to change and bring in again."""

from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Any

from openpyxl.styles import Font

from ticketing.kernel import excel
from ticketing.kernel.sheet_rows import EXAMPLE
from ticketing.masters.prices.models import PriceLine, PriceList
from ticketing.masters.prices.rows import COLUMNS, MOST_LINES, PARTS, SHEET

_EXAMPLE_ROW = (
    EXAMPLE,
    "防水涂料（聚氨酯，两遍）",
    "㎡",
    85.5,
    30,
    55.5,
    None,
    "这一行是示例，不会导入",
)
_WIDTHS = (14, 40, 8, 12, 12, 12, 12, 40)
_MONEY = "#,##0.00#"
_RULES = (
    f"只读名为“{SHEET}”的工作表（没有就读第一个）；第一行是栏目名，顺序可以变动。",
    f"一行一个价目，最多 {MOST_LINES} 行；“价目编号”写着“{EXAMPLE}”的行不导入。",
    "导入的是整份价目表：没有写进来的项目，从新版生效之日起就不再有协议价。",
    "先核对、后保存：有任何一处错误就一行也不保存，并列出全部错误的行和栏。",
    "调价时先下载现行价目，在上面改好再导入；提交前会列出新增、取消和涨跌的项目。",
    "公式请先“选择性粘贴为数值”。",
)


def template() -> BytesIO:
    """The workbook to fill in: the headed sheet with an example, and a sheet that explains it."""
    return BytesIO(_book([_EXAMPLE_ROW], example=True))


def write_version(path: Path, price_list: PriceList, lines: Iterable[PriceLine]) -> None:
    """Write a version to `path` in the layout of the template: it can be brought in again as it is."""
    path.write_bytes(_book([_row(one) for one in lines], title=price_list.title))


def _row(line: PriceLine) -> tuple[Any, ...]:
    parts = (getattr(line, f"{part}_milli") for part in PARTS)
    return (
        line.code,
        line.item,
        line.unit,
        excel.in_units(line.price_milli),
        *(None if one is None else excel.in_units(one) for one in parts),
        line.note,
    )


def _book(rows: list[tuple[Any, ...]], *, example: bool = False, title: str = "") -> bytes:
    book = excel.workbook()
    sheet = excel.Sheet(book.create_sheet(SHEET))
    sheet.table([column.head for column in COLUMNS.values()], rows)
    sheet.widths(*_WIDTHS)
    sheet.worksheet.freeze_panes = "A2"
    for row in range(2, max(len(rows), 1) + 302):
        for position, key in enumerate(COLUMNS, 1):
            cell = sheet.worksheet.cell(row, position)
            cell.number_format = _MONEY if key in ("price", *PARTS) else "@"
            if example and row == 2:
                cell.font = Font(color="808080", italic=True)
    notes = excel.Sheet(book.create_sheet("说明"))
    notes.title(f"合同价目表 {title}".strip())
    for rule in _RULES:
        notes.line(rule)
    notes.gap()
    notes.table(
        ["栏目", "必填", "怎样填写"],
        [(one.head, "是" if one.must else "", one.advice) for one in COLUMNS.values()],
    )
    notes.widths(14, 8, 60)
    return excel.as_bytes(book)
