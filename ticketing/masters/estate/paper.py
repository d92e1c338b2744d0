"""The workbooks of the estate: the template to fill in, and the roll of homes and customers."""

from collections.abc import Sequence
from datetime import date
from io import BytesIO
from pathlib import Path

from openpyxl.styles import Font

from ticketing.kernel import excel
from ticketing.kernel.sheet_rows import EXAMPLE
from ticketing.kernel.workbook import MOST_ROWS
from ticketing.masters.estate.models import Community
from ticketing.masters.estate.roll import roll
from ticketing.masters.estate.rows import COLUMNS, SHEET
from ticketing.masters.estate.twins import probable_twins
from ticketing.masters.people.scope import Scope
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
    "否",
)
_WIDTHS = (10, 14, 9, 9, 9, 13, 13, 12, 28, 9, 30, 10)
_RULES = (
    f"只读名为“{SHEET}”的工作表（没有就读第一个）；第一行是栏目名，顺序可以变动。",
    "一行一位客户。一套房有几位客户就写几行，房号重复写；还没有客户的房只写房号。",
    f"“小区代号”写着“{EXAMPLE}”的行不导入。一次最多 {MOST_ROWS - 2} 行，文件不超过 10 MB。",
    "先核对、后导入：有任何一处错误就一行也不导入，并列出全部错误的行和栏。",
    "可以反复导入：房产按小区、楼栋、单元、房号对应，客户按同一套房的姓名、或按姓名加电话对应，只更新不重复。",
    "空格不会清除系统里已有的内容；电话只增不减。改为不是视为交付的，在“视为交付”填“否”。要改姓名、删电话或登记迁出，请到客户页或房产页办理。",
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


_TWIN_HEADS = ("组", "依据", "姓名", "电话", "房产", "备注")
_ROLL_RULES = (
    f"“{SHEET}”一表的栏目与导入模板相同：在这里改好后可以直接再导入，没有改动的行不会引起任何变化。",
    f"一次最多导入 {MOST_ROWS - 2} 行；更多时请按小区导出、导入。",
    "只列现在的住户；已迁出的、已并入他人的不在内。一套房有几位同名住户的只列第一位，其余见“疑似重复”。",
    "“疑似重复”列出电话相同、或同一楼栋同名的客户；确是同一个人的，请在系统里合并。",
)


def write_roll(path: Path, scope: Scope) -> None:
    """Write the homes and customers within scope to `path`, with whole phones; twins on a second sheet.

    The first sheet can be imported again as it is (procedure 3.7.1).
    """
    twins = (
        (
            number,
            group.reason,
            person.name,
            "、".join(phone.number for phone in person.phones),
            "、".join(
                stay.unit.full_label
                for stay in person.residencies
                if stay.until_on is None and scope.reaches_community(stay.unit.community_id)
            ),
            person.note,
        )
        for number, group in enumerate(probable_twins(scope), 1)
        for person in group.people
    )
    excel.ledger(
        path,
        excel.Leaf(SHEET, [column.head for column in COLUMNS.values()], roll(scope)),
        excel.Leaf("疑似重复", _TWIN_HEADS, twins),
        excel.Leaf("说明", ("说明",), [(rule,) for rule in _ROLL_RULES]),
    )
