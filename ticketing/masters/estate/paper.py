"""The workbook of the estate: the template to fill in."""

from collections.abc import Sequence
from datetime import date
from io import BytesIO

from openpyxl.styles import Font

from ticketing.kernel import excel
from ticketing.kernel.workbook import MOST_ROWS
from ticketing.masters.estate.models import Community
from ticketing.masters.estate.rows import COLUMNS, EXAMPLE, SHEET
from ticketing.procedure.vocabulary import Relation

_EXAMPLE_ROW = (
    EXAMPLE,
    "",
    "3栋",
    "1单元",
    "1202",
    date(2024, 3, 8),
    date(2024, 5, 1),
    "王国强",
    "13800001202、0591-83300000",
    Relation.OWNER.label,
    "这一行是示例，不会导入",
)
_WIDTHS = (10, 14, 9, 9, 9, 13, 13, 12, 28, 9, 30)
_RULES = (
    f"只读名为“{SHEET}”的工作表（没有就读第一个）；第一行是栏目名，顺序可以变动。",
    "一行一位客户。一套房有几位客户就写几行，房号重复写；还没有客户的房只写房号。",
    f"“小区代号”写着“{EXAMPLE}”的行不导入。一次最多 {MOST_ROWS - 2} 行，文件不超过 10 MB。",
    "先核对、后导入：有任何一处错误就一行也不导入，并列出全部错误的行和栏。",
    "可以反复导入：房产按小区、楼栋、单元、房号对应，客户按同一套房的姓名、或按姓名加电话对应，只更新不重复。",
    "空格不会清除系统里已有的内容；电话只增不减。要改姓名、删电话或登记迁出，请到客户页或房产页办理。",
    "公式请先“选择性粘贴为数值”。",
)


def template(communities: Sequence[Community]) -> BytesIO:
    """The import template: the headed sheet with an example, and a sheet that explains it."""
    book = excel.workbook()
    sheet = excel.Sheet(book.create_sheet(SHEET))
    sheet.table([column.head for column in COLUMNS.values()], [_EXAMPLE_ROW])
    sheet.widths(*_WIDTHS)
    sheet.worksheet.freeze_panes = "A2"
    for position, key in enumerate(COLUMNS, 1):
        dated = key.endswith("_on")
        for row in range(2, 502):
            cell = sheet.worksheet.cell(row, position)
            cell.number_format = "yyyy-mm-dd" if dated else "@"
            if row == 2:
                cell.font = Font(color="808080", italic=True)
    notes = excel.Sheet(book.create_sheet("说明"))
    notes.title("房产客户导入说明")
    for rule in _RULES:
        notes.line(rule)
    notes.gap()
    notes.table(
        ["栏目", "必填", "怎样填写"],
        [(one.head, "是" if one.must else "", one.advice) for one in COLUMNS.values()],
    )
    notes.gap()
    notes.table(["小区代号", "小区名称"], [(one.code, one.name) for one in communities])
    notes.widths(14, 14, 70)
    return BytesIO(excel.as_bytes(book))
