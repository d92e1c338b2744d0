"""Rows of a sheet somebody filled in from a template: heads in any order, and every fault with its row and column."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import NamedTuple

from ticketing.kernel.text import clean, clean_line

Cell = str | date

EXAMPLE = "示例"
"""What stands in the first column of a row that only shows how to fill the template in."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


class Column(NamedTuple):
    """A column of a template: its head, the longest text, whether it must be filled, and what to write there."""

    head: str
    longest: int
    must: bool
    advice: str


class Problem(NamedTuple):
    """Something wrong in the sheet: its row, its column as ``E 房号``, and a sentence."""

    row: int
    column: str
    sentence: str


def letter(position: int) -> str:
    """The letter of a column, counted from 0."""
    letters = ""
    position += 1
    while position:
        position, rest = divmod(position - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


class SheetReader:
    """Reads the rows of one sheet below its heads; `problems` collects every fault.

    `columns` are those of the template by key, `lines` the keys whose text may have several lines.
    """

    def __init__(self, columns: Mapping[str, Column], lines: tuple[str, ...] = ()) -> None:
        self.columns, self.lines = columns, lines
        self.heads = {column.head: key for key, column in columns.items()}
        self.problems: list[Problem] = []
        self.places: dict[str, int] = {}

    def filled(self, raw: Iterable[tuple[int, list[Cell]]]) -> Iterator[tuple[int, list[Cell]]]:
        """The rows below the heads, examples left out; the first row must hold the heads of the template, in any order."""
        first = next(iter(self.columns))
        for number, cells in raw:
            if not self.places:
                if not self._take_heads(number, cells):
                    return
            elif self.places[first] >= len(cells) or cells[self.places[first]] != EXAMPLE:
                yield number, cells
        if not self.places:
            self.problems.append(Problem(1, "—", "工作表是空的。"))

    def _take_heads(self, number: int, cells: list[Cell]) -> bool:
        before = len(self.problems)
        for position, cell in enumerate(cells):
            head = re.sub(r"[\s*＊]", "", str(cell))
            if not head:
                continue
            key = self.heads.get(head)
            column = f"{letter(position)} {head[:20]}"
            if key is None:
                sentence = "不认识这个栏目，请用模板的栏目名，或删去这一列。"
                self.problems.append(Problem(number, column, sentence))
            elif key in self.places:
                self.problems.append(Problem(number, column, "栏目重复。"))
            else:
                self.places[key] = position
        for key, known in self.columns.items():
            if known.must and key not in self.places:
                self.problems.append(Problem(number, known.head, "缺少这一栏，请用模板填写。"))
        return len(self.problems) == before

    def fault(self, number: int, key: str, sentence: str) -> None:
        """Note something wrong with a column of a row."""
        head = self.columns[key].head
        place = self.places.get(key)
        column = head if place is None else f"{letter(place)} {head}"
        self.problems.append(Problem(number, column, sentence))

    def note_strays(self, number: int, cells: list[Cell]) -> None:
        """Refuse what stands in a column without a head: it would be lost unseen."""
        known = set(self.places.values())
        for position, cell in enumerate(cells):
            if position not in known and str(cell).strip():
                sentence = "这一列没有栏目名，内容不会被导入，请删去或加上栏目名。"
                self.problems.append(Problem(number, letter(position), sentence))

    def cell(self, key: str, cells: list[Cell]) -> Cell:
        """What stands in a column of a row; empty where the row is shorter or the column missing."""
        place = self.places.get(key)
        return cells[place] if place is not None and place < len(cells) else ""

    def text(self, number: int, key: str, cells: list[Cell]) -> str:
        """The cleaned text of a cell; what is no text, too long or missing is a fault and reads as empty."""
        column, cell = self.columns[key], self.cell(key, cells)
        if isinstance(cell, date):
            self.fault(number, key, "被 Excel 当成了日期，请把这一格设为文本后重填。")
            return ""
        if cell.isprintable() and "  " not in cell:
            value = cell.strip()  # the common case, at a tenth of the cost
        elif _CONTROL.search(cell):
            self.fault(number, key, "含有不可见的控制字符，请重新输入。")
            return ""
        else:
            value = clean(cell) if key in self.lines else clean_line(cell)
        if len(value) > column.longest:
            self.fault(number, key, f"太长：最多 {column.longest} 个字。")
            return ""
        if column.must and not value:
            self.fault(number, key, "不能为空。")
        return value
