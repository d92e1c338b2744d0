"""Opening a stranger's workbook safely: what is let in, and reading it in a process of its own.

`guard` looks at the package without unpacking it to disk or trusting any size it declares. `read` runs
this very file as a child process with a ceiling on processor time and memory, so that whatever a
workbook holds can neither exhaust nor stall the server. The child writes one JSON line a row.
"""

import contextlib
import json
import re
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any

MOST_BYTES = 10 * 1024 * 1024
MOST_UNPACKED = 100 * 1024 * 1024
MOST_MEMBERS = 200
MOST_ROWS = 30_000
MOST_COLUMNS = 78
LONGEST_CELL = 1_000
CPU_SECONDS = 8
MEMORY_BYTES = 480 * 1024 * 1024

_OLD_OR_LOCKED = b"\xd0\xcf\x11\xe0"
_TOO_LOW = re.compile(rb"""\br\s*=\s*["'](?:[A-Z]{1,3})?(?:[3-9]\d{4}|\d{6,})["']""")
_TOO_WIDE = re.compile(rb"""\br\s*=\s*["'](?:[A-Z]{3}|[C-Z][A-Z])\d+["']""")
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s>/]")
_PLACE = re.compile(rb"""\br\s*=\s*["']([A-Z]{1,3}\d+)["']""")
_ENTITIES = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_OVERLAP = 256
_CHUNK = 256 * 1024


class Refused(Exception):
    """The file is not let in; the argument is a sentence for the person."""


def guard(path: Path) -> None:
    """Look through a file that claims to be a workbook. Raises Refused.

    Every member is inflated as a stream and counted; declared sizes only have to agree with that.
    """
    if path.stat().st_size > MOST_BYTES:
        raise Refused("文件超过 10 MB，请分成几个文件导入。")
    with path.open("rb") as stream:
        start = stream.read(4)
        if start == _OLD_OR_LOCKED:
            raise Refused("这是加密的工作簿或旧版 .xls 文件，请去掉密码并另存为 .xlsx 后再导入。")
        if start != b"PK\x03\x04":
            raise Refused("这不是 Excel 工作簿（.xlsx）。CSV 等文件请用 Excel 打开后另存为 .xlsx。")
        try:
            with zipfile.ZipFile(stream) as package:
                _look_through(package, stream)
        except (zipfile.BadZipFile, struct.error, zlib.error, OSError, ValueError):
            raise Refused("文件已损坏，无法打开。") from None


def _look_through(package: zipfile.ZipFile, stream: IO[bytes]) -> None:
    members = package.infolist()
    names = [member.filename for member in members]
    if len(members) > MOST_MEMBERS or len(set(names)) != len(names):
        raise Refused("工作簿的内部结构不正常，请用 Excel 另存为新的 .xlsx 后再导入。")
    if "xl/workbook.xml" not in names or "[Content_Types].xml" not in names:
        raise Refused("这不是 Excel 工作簿（.xlsx）。")
    if any("vbaproject" in name.lower() for name in names):
        raise Refused("工作簿里有宏，请另存为不含宏的 .xlsx 后再导入。")
    read = 0
    for member in members:
        last_place = b""
        before = b""
        for chunk in _inflated(member, stream):
            read += len(chunk)
            if read > MOST_UNPACKED:
                raise Refused("工作簿解开后过大，请删去多余的工作表和格式后再导入。")
            if member.filename.lower().endswith((".xml", ".rels")):
                window = before + chunk
                last_place = _look_at(member.filename, window, last_place)
                before = window[-_OVERLAP:]


def _look_at(name: str, window: bytes, last_place: bytes) -> bytes:
    """Refuse what a data workbook has no need of; the last cell seen, for the next window."""
    if _ENTITIES.search(window):
        raise Refused("工作簿的内部结构不正常，请用 Excel 另存为新的 .xlsx 后再导入。")
    if name == "[Content_Types].xml" and b"macroEnabled" in window:
        raise Refused("工作簿里有宏，请另存为不含宏的 .xlsx 后再导入。")
    if "worksheets" not in name:
        return last_place
    if _TOO_LOW.search(window):
        raise Refused(
            f"工作表超过 {MOST_ROWS - 1} 行，请分成几个文件；如果下面是空行，请把它们删除后再导入。"
        )
    if _TOO_WIDE.search(window):
        raise Refused(f"工作表超过 {MOST_COLUMNS} 列，请删除右边多余的列后再导入。")
    formula = _FORMULA.search(window)
    places = _PLACE.findall(window, 0, formula.start() if formula else len(window))
    last_place = places[-1] if places else last_place
    if formula:
        where = last_place.decode() or "某处"
        raise Refused(f"工作表的 {where} 是公式，请全选后“选择性粘贴为数值”再导入。")
    return last_place


def _inflated(member: zipfile.ZipInfo, stream: IO[bytes]) -> Iterator[bytes]:
    """The real content of a member, whatever sizes and checksums the package declares for it."""
    if member.flag_bits & 0x1:
        raise Refused("工作簿有密码，请去掉密码后再导入。")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Refused("工作簿的压缩方式不受支持，请用 Excel 另存为新的 .xlsx 后再导入。")
    stream.seek(member.header_offset)
    header = struct.unpack("<4s22xHH", stream.read(30))
    stream.seek(header[1] + header[2], 1)
    left, given = member.compress_size, 0
    unpacker = zlib.decompressobj(-15) if member.compress_type == zipfile.ZIP_DEFLATED else None
    while left > 0 and (packed := stream.read(min(left, 65_536))):
        left -= len(packed)
        while packed:
            if unpacker is None:
                chunk, packed = packed, b""
            else:
                chunk = unpacker.decompress(packed, _CHUNK)
                packed = unpacker.unconsumed_tail
            given += len(chunk)
            if given > member.file_size:
                raise Refused("文件已损坏：内部记录的大小与实际不符。")
            if chunk:
                yield chunk
    if given != member.file_size:
        raise Refused("文件已损坏：内部记录的大小与实际不符。")


def read(path: Path, rows_path: Path, sheet: str = "") -> None:
    """Read the sheet of that name, or the first one, in a child process into `rows_path`, one JSON line a row.

    Raises Refused.
    """
    rows_path.touch(mode=0o600)
    try:
        child = subprocess.run(
            [sys.executable, "-I", __file__, str(path), str(rows_path), sheet],
            capture_output=True,
            timeout=120,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Refused("工作簿读取超时，请分成几个文件导入。") from None
    if child.returncode == 3:
        raise Refused(child.stdout.decode("utf-8", "replace"))
    if child.returncode != 0:
        raise Refused("工作簿过大或已损坏，无法读取。请用 Excel 另存为新的 .xlsx，或分成几个文件。")


def rows_in(rows_path: Path) -> Iterator[tuple[int, list[str | date]]]:
    """The rows the child wrote: number in the sheet (from 1) and cells, dates as dates."""
    with rows_path.open(encoding="utf-8") as lines:
        for line in lines:
            number, cells = json.loads(line)
            yield (
                number,
                [date.fromisoformat(cell[0]) if isinstance(cell, list) else cell for cell in cells],
            )


def rows_of_upload(upload: Any, sheet: str = "") -> list[tuple[int, list[str | date]]]:
    """The rows of an uploaded workbook, guarded and read in the child process. Raises Refused."""
    with tempfile.TemporaryDirectory(prefix="upload-") as folder:
        book, rows = Path(folder) / "book.xlsx", Path(folder) / "rows"
        upload.save(book)
        guard(book)
        read(book, rows, sheet)
        return list(rows_in(rows))


def _limit_self() -> None:
    """Put the ceiling on this process; where the platform has none, the guard's limits must do."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _cell(value: Any) -> Any:
    """A cell as JSON: text as it stands, whole numbers without a fraction, dates in brackets."""
    if isinstance(value, str):
        return value[: LONGEST_CELL + 1]
    if isinstance(value, datetime | date):
        return [value.isoformat()[:10]]
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return "" if value is None else str(value)


def _child(path: Path, rows_path: Path, wanted: str) -> int:
    """Read the sheet that is wanted, or the first one, and write its rows."""
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        with CalamineWorkbook.from_path(str(path)) as book:
            names = book.sheet_names
            if not names:
                raise Refused("工作簿里没有工作表。")
            sheet = book.get_sheet_by_name(wanted if wanted in names else names[0])
            if sheet.start is None:
                raise Refused("工作表是空的。")
            top, left = sheet.start
            if sheet.total_height > MOST_ROWS:
                raise Refused(f"工作表超过 {MOST_ROWS - 1} 行，请分成几个文件导入。")
            with rows_path.open("w", encoding="utf-8") as out:
                rows = sheet.to_python(skip_empty_area=True)
                for number, row in enumerate(rows, top + 1):
                    cells = [_cell(value) for value in row]
                    if any(cells):
                        out.write(json.dumps([number, [""] * left + cells], ensure_ascii=False))
                        out.write("\n")
    except Refused as refused:
        sys.stdout.buffer.write(str(refused).encode())
        return 3
    except CalamineError:
        sys.stdout.buffer.write(
            "文件已损坏，无法读取。请用 Excel 另存为新的 .xlsx 后再导入。".encode()
        )
        return 3
    return 0


if __name__ == "__main__":
    _limit_self()
    sys.exit(_child(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]))
