"""Reading a stranger's table: a workbook in a process of its own, a CSV file in UTF-8 or GBK here, within limits."""

import csv
import io
from datetime import date
from typing import Any, NamedTuple

from ticketing.kernel import workbook
from ticketing.kernel.errors import Invalid
from ticketing.kernel.text import clean_line

_PACKAGES = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_ENCODINGS = ("utf-8-sig", "gb18030")
_DELIMITERS = ",\t;|"
_LOOKED_AT = 4_000
"""Characters in which the delimiter is looked for: the one that stands most often in one line."""


class Row(NamedTuple):
    """A row with its number in the file (from 1); cells are text, dates of a workbook in ISO form."""

    number: int
    cells: list[str]


def read(upload: Any) -> list[Row]:
    """The rows of an uploaded workbook or CSV file that hold anything. Raises Invalid at the field `file`."""
    start = upload.stream.read(4)
    upload.stream.seek(0)
    try:
        rows = _book(upload) if start in _PACKAGES else from_csv(_content(upload))
    except workbook.Refused as refused:
        raise Invalid(str(refused), field="file") from None
    if not rows:
        raise Invalid("文件里没有内容。", field="file")
    return rows


def _content(upload: Any) -> bytes:
    content: bytes = upload.stream.read(workbook.MOST_BYTES + 1)
    if len(content) > workbook.MOST_BYTES:
        raise workbook.Refused("文件超过 10 MB，请分成几个文件。")
    return content


def from_csv(content: bytes) -> list[Row]:
    """The rows of a CSV file. Raises workbook.Refused for what is no table of text, or too large a one."""
    text = _decoded(content)
    first = text[:_LOOKED_AT].splitlines()
    delimiter = max(
        _DELIMITERS, key=lambda one: max((line.count(one) for line in first), default=0)
    )
    rows = []
    try:
        for number, cells in enumerate(csv.reader(io.StringIO(text), delimiter=delimiter), 1):
            if number > workbook.MOST_ROWS:
                raise workbook.Refused(f"表格超过 {workbook.MOST_ROWS} 行，请分成几个文件。")
            if len(cells) > workbook.MOST_COLUMNS:
                raise workbook.Refused(f"第 {number} 行超过 {workbook.MOST_COLUMNS} 列。")
            if any(len(cell) > workbook.LONGEST_CELL for cell in cells):
                raise workbook.Refused(f"第 {number} 行有超过 {workbook.LONGEST_CELL} 字的单元格。")
            cleaned = [clean_line(cell) for cell in cells]
            if any(cleaned):
                rows.append(Row(number, cleaned))
    except csv.Error:
        raise workbook.Refused("这不是可以读取的 CSV 文件。") from None
    return rows


def _decoded(content: bytes) -> str:
    if b"\0" in content:
        raise workbook.Refused("这不是 CSV 或 Excel 文件（.xlsx）。")
    for encoding in _ENCODINGS:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise workbook.Refused("文件的编码无法识别，请另存为 UTF-8 或 GBK 编码的 CSV。")


def _book(upload: Any) -> list[Row]:
    return [
        Row(number, [_text(cell) for cell in cells])
        for number, cells in workbook.rows_of_upload(upload)
    ]


def _text(cell: str | date) -> str:
    if isinstance(cell, date):
        return cell.isoformat()
    if len(cell) > workbook.LONGEST_CELL:
        raise workbook.Refused(f"有超过 {workbook.LONGEST_CELL} 字的单元格。")
    return clean_line(cell)
