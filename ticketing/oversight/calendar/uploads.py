"""An uploaded table of a year's list, as text: a workbook is read in a process of its own, a CSV file here."""

import tempfile
from pathlib import Path
from typing import Any

from ticketing.kernel import workbook
from ticketing.kernel.errors import Invalid
from ticketing.masters.workcalendar import notice

MOST_CSV_BYTES = 256 * 1024
_PACKAGES = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


def as_text(upload: Any) -> str:
    """The lines of an uploaded workbook or CSV file. Raises Invalid at the field `file`."""
    start = upload.stream.read(4)
    upload.stream.seek(0)
    if start not in _PACKAGES:
        content = upload.stream.read(MOST_CSV_BYTES + 1)
        if len(content) > MOST_CSV_BYTES:
            raise Invalid("表格过大，一年的放假安排不会超过 256 KB。", field="file")
        return notice.from_csv(content)
    with tempfile.TemporaryDirectory(prefix="calendar-") as folder:
        book, rows = Path(folder) / "list.xlsx", Path(folder) / "rows"
        upload.save(book)
        try:
            workbook.guard(book)
            workbook.read(book, rows)
        except workbook.Refused as refused:
            raise Invalid(str(refused), field="file") from None
        return notice.from_rows(workbook.rows_in(rows))
