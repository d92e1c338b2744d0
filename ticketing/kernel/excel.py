"""Workbooks: text that never becomes a formula, house styles, and fast ledgers of any length.

Papers and reports are made with openpyxl; every cell with typed text goes through `put`. Lists of any
length go through `ledger`, whose writer stores text as text and keeps memory flat.
"""

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast
from zoneinfo import ZoneInfo

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet
from rustpy_xlsxwriter import FastExcel

from ticketing.kernel.courtesy import giving_way

MIMETYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LONGEST = 32_767
CUT = "…（过长，已截断）"
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_THIN = Side(style="thin", color="999999")
BOX = Border(left=_THIN, right=_THIN, top=_THIN, bottom=_THIN)
HEAD_FILL = PatternFill("solid", fgColor="E8EEF4")


def safe_text(value: str) -> str:
    """Text a cell can hold: no control characters, cut with a mark at Excel's limit."""
    if not value.isprintable():  # seldom, and ten times faster to ask than to substitute
        value = ILLEGAL_CHARACTERS_RE.sub("", value)
    return value if len(value) <= LONGEST else value[: LONGEST - len(CUT)] + CUT


def put(cell: Any, value: Any) -> Cell:
    """Write a value into a cell; text stays text even when it looks like a formula."""
    if isinstance(value, str):
        value = safe_text(value)
        cell.value = value
        cell.data_type = "s"
        if value.startswith(_FORMULA_STARTS):
            cell.quotePrefix = True
    else:
        cell.value = value
    return cast(Cell, cell)


def reckon(cell: Any, formula: str, number_format: str) -> None:
    """Let a cell reckon: `formula` is the house's own, never a person's text."""
    cell.value = f"={formula}"
    cell.number_format = number_format


class Sheet:
    """A worksheet written downwards: titles, headed tables, notes; ready to print on A4."""

    def __init__(self, worksheet: Worksheet, *, landscape: bool = True) -> None:
        self.worksheet = worksheet
        self.row = 1
        self.widest = 1
        worksheet.page_setup.paperSize = worksheet.PAPERSIZE_A4
        worksheet.page_setup.orientation = "landscape" if landscape else "portrait"
        worksheet.page_setup.fitToHeight = 0
        worksheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
        cast(Any, worksheet).oddFooter.center.text = "第 &P 页 共 &N 页"

    def title(self, text: str) -> None:
        """A large line."""
        put(self.worksheet.cell(self.row, 1), text).font = Font(size=16, bold=True)
        self.row += 1

    def line(self, text: str, *, bold: bool = False) -> None:
        """One line of text."""
        put(self.worksheet.cell(self.row, 1), text).font = Font(bold=bold)
        self.row += 1

    def gap(self) -> None:
        """An empty line."""
        self.row += 1

    def table(
        self, heads: Sequence[str], rows: Iterable[Sequence[Any]], *, percent: Sequence[int] = ()
    ) -> None:
        """A headed, boxed table; columns in `percent` (from 0) hold fractions shown as percentages."""
        for column, head in enumerate(heads, 1):
            cell = put(self.worksheet.cell(self.row, column), head)
            cell.font, cell.fill, cell.border = Font(bold=True), HEAD_FILL, BOX
            cell.alignment = Alignment(wrap_text=True, vertical="center")
        self.row += 1
        for row in rows:
            for column, value in enumerate(row, 1):
                cell = put(self.worksheet.cell(self.row, column), value)
                cell.border = BOX
                cell.alignment = Alignment(wrap_text=True, vertical="top")
                if column - 1 in percent and isinstance(value, float):
                    cell.number_format = "0.0%"
            self.row += 1
        self.widest = max(self.widest, len(heads))

    def widths(self, *characters: float) -> None:
        """The column widths, in characters, from the left."""
        for column, width in enumerate(characters, 1):
            self.worksheet.column_dimensions[get_column_letter(column)].width = width


def workbook() -> Workbook:
    """An empty workbook without a sheet."""
    book = Workbook()
    for sheet in list(book.worksheets):
        book.remove(sheet)
    return book


def as_bytes(book: Workbook) -> bytes:
    """The finished file."""
    buffer = BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def in_yuan(fen: int) -> Decimal:
    """An amount of fen as a cell holds it: yuan with two places, exactly."""
    return Decimal(fen).scaleb(-2)


def in_units(milli: int) -> Decimal:
    """A number of thousandths as a cell holds it, exactly."""
    return Decimal(milli).scaleb(-3)


class Leaf(NamedTuple):
    """One plain sheet: its name, its heads, and its rows."""

    sheet: str
    heads: Sequence[str]
    rows: Iterable[Sequence[Any]]


def ledger(path: Path, *leaves: Leaf) -> None:
    """Write plain headed lists of any length to `path`; text stays text, memory stays flat."""

    def records(leaf: Leaf) -> Iterator[dict[str, Any]]:
        for row in giving_way(leaf.rows):
            yield {
                head: safe_text(value) if isinstance(value, str) else value
                for head, value in zip(leaf.heads, row, strict=True)
            }

    writer = FastExcel(str(path), autofit=False)
    writer.format(bold_headers=True, datetime_format="yyyy-mm-dd hh:mm")
    writer.freeze(row=1)
    for leaf in leaves:
        writer.sheet(leaf.sheet, records(leaf))
    writer.save()


def written(write: Callable[[Path], None]) -> BinaryIO:
    """The workbook that `write` writes to a path, open for reading and without a name on the disk."""
    handle, name = tempfile.mkstemp(suffix=".xlsx")
    os.close(handle)
    path = Path(name)
    try:
        write(path)
        return path.open("rb")
    finally:
        path.unlink()


def wall_time(zone: ZoneInfo, instant: Any) -> Any:
    """A naive wall time in `zone` for a cell (Excel knows no zones); None stays None."""
    return instant and instant.astimezone(zone).replace(tzinfo=None)
