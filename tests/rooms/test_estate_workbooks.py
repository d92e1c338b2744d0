"""Workbooks that are none, that are too much, or that want something: each refused with a sentence."""

import io
import resource
import struct
import time
import zipfile
from datetime import date, datetime

import pytest
from openpyxl import Workbook

from ticketing.kernel import workbook
from ticketing.kernel.workbook import Refused, guard, read, rows_in

TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    "</Types>"
)
RELS = (
    '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'
)
BOOK = (
    '<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
    '<sheets><sheet name="房产客户" sheetId="1" r:id="r1"/></sheets></workbook>'
)
SHEET = (
    '<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    "<sheetData>{}</sheetData></worksheet>"
)
TEXT = '<c r="{}" t="inlineStr"><is><t>{}</t></is></c>'


FIRST = TEXT.format("A1", "小区代号")


def package(sheet=FIRST, *, raw_sheet=None, **more):
    """A workbook made by hand; `more` are further members by name."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("[Content_Types].xml", more.pop("types", TYPES))
        made.writestr("xl/workbook.xml", BOOK)
        made.writestr("xl/_rels/workbook.xml.rels", RELS)
        made.writestr(
            "xl/worksheets/sheet1.xml", raw_sheet or SHEET.format(f'<row r="1">{sheet}</row>')
        )
        for name, content in more.items():
            made.writestr(name, content)
    return buffer.getvalue()


def lying():
    """A member whose directory entry declares ten bytes but which holds five million."""
    body = package(filler=b"A" * 5_000_000)
    entry = body.rindex(b"PK\x01\x02", 0, body.rindex(b"filler"))
    return body[: entry + 24] + struct.pack("<I", 10) + body[entry + 28 :]


def encrypted():
    body = bytearray(package())
    body[body.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(body)


def strange_compression():
    buffer = io.BytesIO(package())
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_LZMA) as made:
        made.writestr("xl/extra.xml", "<a/>" * 100)
    return buffer.getvalue()


HOSTILE = {
    "not a zip": (lambda: b"\x89PNG\r\n\x1a\n" + b"0" * 100, "不是 Excel"),
    "an empty file": (lambda: b"", "不是 Excel"),
    "CSV renamed": (lambda: "小区代号,楼栋\nYX,3栋\n".encode("gbk"), "不是 Excel"),
    "old xls or encrypted": (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"0" * 600, "加密"),
    "a zip of something else": (
        lambda: zipped({"readme.txt": b"hello"}),
        "不是 Excel",
    ),
    "a cut file": (lambda: package()[:-60], "损坏"),
    "noise behind the signature": (lambda: b"PK\x03\x04" + b"\xff" * 500, "损坏"),
    "too large": (lambda: b"PK\x03\x04" + b"0" * (workbook.MOST_BYTES + 1), "10 MB"),
    "macros": (lambda: package(**{"xl/vbaProject.bin": b"x"}), "宏"),
    "macros by type": (
        lambda: package(types=TYPES.replace("sheet.main", "sheet.macroEnabled.main")),
        "宏",
    ),
    "a password on a member": (encrypted, "密码"),
    "another compression": (strange_compression, "压缩方式"),
    "a zip bomb": (lambda: package(**{"xl/media/a.bin": b"0" * 140_000_000}), "过大"),
    "many bombs": (
        lambda: package(**{f"xl/{n}.xml": b" " * 12_000_000 for n in range(12)}),
        "过大",
    ),
    "a size that lies": (lying, "大小与实际不符"),
    "a thousand members": (
        lambda: package(**{f"xl/{n}.txt": b"" for n in range(1000)}),
        "内部结构",
    ),
    "entities": (
        lambda: package(raw_sheet='<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'),
        "内部结构",
    ),
    "a formula": (
        lambda: package(
            TEXT.format("D1", "x") + '<c r="E1"><f>HYPERLINK("http://a")</f><v>1</v></c>'
        ),
        "E1 是公式",
    ),
    "a cell far down": (lambda: package(TEXT.format("A1048576", "x")), "行"),
    "a cell far right": (lambda: package(TEXT.format("XFD1", "x")), "列"),
    "too many rows": (
        lambda: package(
            raw_sheet=SHEET.format(
                "".join(f'<row r="{n}">{TEXT.format(f"A{n}", n)}</row>' for n in range(1, 30_002))
            )
        ),
        "行",
    ),
    "broken XML": (lambda: package(raw_sheet="<worksheet><sheetData><row"), ""),
    "places left out": (
        lambda: package(raw_sheet=SHEET.format("<row><c><v>1</v></c></row>" * 60_000)),
        "",
    ),
    "one long text shared by every cell": (
        lambda: package(
            raw_sheet=SHEET.format(
                "".join(
                    f'<row r="{n}">' + '<c t="s"><v>0</v></c>' * 70 + "</row>"
                    for n in range(1, 20_000)
                )
            ),
            **{"xl/sharedStrings.xml": f"<sst><si><t>{'长' * 3_000_000}</t></si></sst>"},
        ),
        "",
    ),
}


def zipped(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for name, content in members.items():
            made.writestr(name, content)
    return buffer.getvalue()


def read_all(path, rows_path):
    """The way of every upload; an empty sheet is refused a step later."""
    guard(path)
    read(path, rows_path)
    if not list(rows_in(rows_path)):
        raise Refused("工作表是空的。")


@pytest.mark.clause("3.7.1")
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_is_refused_with_a_sentence_and_at_little_cost(kind, tmp_path):
    content, sentence = HOSTILE[kind]
    path = tmp_path / "upload.xlsx"
    path.write_bytes(content())
    began = time.process_time()
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss  # a browser of another test
    with pytest.raises(Refused) as refused:
        read_all(path, tmp_path / "rows")
    assert sentence in str(refused.value)
    assert str(refused.value).endswith("。")
    assert time.process_time() - began < 10
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    ours = resource.getrusage(resource.RUSAGE_SELF)  # a child begins with the size of its parent
    assert spent.ru_maxrss <= max(512 * 1024, ours.ru_maxrss, largest)


def test_an_honest_workbook_is_read_by_rows_wherever_it_begins(tmp_path):
    made = Workbook()
    made.active.title = "别的"
    sheet = made.create_sheet("房产客户")
    sheet["B3"], sheet["C3"] = "小区代号", "房号"
    sheet["B5"], sheet["C5"], sheet["D5"] = "YX", 1202, datetime(2024, 3, 8)  # noqa: DTZ001
    sheet["B6"], sheet["C6"] = 1.5, True
    path = tmp_path / "a.xlsx"
    made.save(path)
    guard(path)
    read(path, tmp_path / "rows", "房产客户")
    assert list(rows_in(tmp_path / "rows")) == [
        (3, ["", "小区代号", "房号", ""]),
        (5, ["", "YX", "1202", date(2024, 3, 8)]),
        (6, ["", "1.5", "True", ""]),
    ]
