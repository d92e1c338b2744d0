"""The bank's files: read to the fen in whatever shape they come, paired with payments, nothing left out."""

import gzip
import io
import os
import time
from datetime import date
from pathlib import Path

import pytest
from openpyxl import Workbook
from sqlalchemy import func, select

from tests.conftest import missing
from tests.pages.helpers import token
from tests.rooms.test_payments import bills, prepared, released
from ticketing.books.banking import commands, queries, reading, tables
from ticketing.books.banking.matching import Left, Paid, pairs
from ticketing.books.banking.models import BankFile, BankLine, Way
from ticketing.books.banking.reading import Column, Layout, amount_in_fen
from ticketing.books.banking.tables import Row
from ticketing.books.ledger import reversing
from ticketing.books.payments.queries import entries_of
from ticketing.kernel import clock, workbook
from ticketing.kernel.db import db, transaction
from ticketing.kernel.errors import Invalid, NotPermitted
from ticketing.settings import ROOT

__all__ = ["bills"]

HEADS = "交易日期,交易流水号,对方户名,借方发生额,贷方发生额,摘要"


def table(*lines, heads=HEADS):
    return tables.from_csv("\n".join([heads, *lines]).encode())


@pytest.mark.parametrize(
    ("typed", "fen"),
    [
        ("1234.5", 123_450),
        ("1,234,567.89", 123_456_789),
        ("-0.05", -5),
        ("−12.30", -1_230),
        ("(12.00)", -1_200),
        ("（12.00）", -1_200),
        ("￥1,000", 100_000),
        ("１２３．４５元", 12_345),
        ("+7", 700),
        (".5", 50),
        ("72816.77", 7_281_677),
        ("0.30000000000000004", 30),
        ("", None),
        ("-", None),
        ("12.345", None),
        ("1,23.00", None),
        ("1e5", None),
        ("=1+1", None),
        ("NaN", None),
        ("九元", None),
        ("9" * 30, None),
    ],
)
def test_an_amount_is_read_to_the_fen_or_not_at_all(typed, fen):
    assert amount_in_fen(typed) == fen


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_a_csv_file_is_read_in_utf8_and_gbk_with_its_own_delimiter(encoding, delimiter):
    lines = [
        "中国银行明细",
        HEADS,
        '2026/11/20,A1,榕建集团,"",5.00,退款',
        "20261121,A2,安居物业,12.00,,工程款",
        "合计,,,12.00,5.00,",
    ]
    content = "\r\n".join(lines).replace(",", delimiter).encode(encoding)
    rows = tables.from_csv(content)
    layout = reading.recognised(rows)
    assert (layout.head, layout.lacks) == (2, [])
    found = reading.entries(rows, layout)
    assert found.faults == []
    assert found.totals == 1
    assert [(one.on, one.reference, one.payee, one.amount_fen) for one in found.entries] == [
        (date(2026, 11, 20), "A1", "榕建集团", -500),
        (date(2026, 11, 21), "A2", "安居物业", 1_200),
    ]


def test_a_workbook_is_read_like_a_csv_file():
    book = Workbook()
    for row in (
        ["日期", "金额", "收款人"],
        [date(2026, 11, 20), 1234.56, "甲"],
        ["2026年11月21日", -0.05, "乙"],
    ):
        book.active.append(row)
    stream = io.BytesIO()
    book.save(stream)
    stream.seek(0)

    class Upload:
        def __init__(self):
            self.stream = stream

        def save(self, path):
            Path(path).write_bytes(stream.getvalue())

    rows = tables.read(Upload())
    found = reading.entries(rows, reading.recognised(rows))
    assert [(one.on, one.amount_fen) for one in found.entries] == [
        (date(2026, 11, 20), 123_456),
        (date(2026, 11, 21), -5),
    ]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\x00\x01", "不是 CSV"),
        (b"\xff\xfe\xff\xff", "编码"),
        (b"a,b\n" * (workbook.MOST_ROWS + 1), "行"),
        (b"," * 100, "列"),
        (b"x" * 1_001, "单元格"),
        (b'"' + b"x\n" * 200_000, "单元格|CSV"),
    ],
)
def test_a_hostile_csv_file_is_refused_quickly(content, sentence):
    began = time.process_time()
    with pytest.raises(workbook.Refused, match=sentence):
        tables.from_csv(content)
    assert time.process_time() - began < 5


def test_every_fault_is_named_with_its_row_and_nothing_is_kept(make):
    rows = table(
        "2026-11-20,A1,甲,x,,", "2026-13-01,A2,乙,5,,", ",A3,丙,,,", "2026-11-20,A4,丁,5,,"
    )
    with pytest.raises(Invalid) as refused, transaction():
        commands.take_in(rows=rows, file_name="x.csv", actor=make.user("finance"))
    for words in (
        "第 2 行金额：“x”不是金额",
        "第 3 行日期：“2026-13-01”不是日期",
        "第 4 行金额：没有金额",
    ):
        assert words in refused.value.message
    assert db.session.scalar(select(func.count(BankFile.id))) == 0


def test_lines_are_paired_by_reference_then_by_sum_then_by_payee_and_day():
    def on(day):
        return date(2026, 11, day)

    lines = [
        Left(1, on(20), "R1", "甲", 100),
        Left(2, on(20), "R2", "乙", 60),
        Left(3, on(20), "R2", "乙", 40),
        Left(4, on(22), "", "丙", 70),
        Left(5, on(29), "", "丙", 70),
        Left(6, on(20), "R1", "甲", 100),
        Left(7, on(20), "R1", "甲", -100),
        Left(8, on(20), "R9", "丁", 5),
    ]
    paid = [
        Paid(11, on(20), "r1", "甲", 100),
        Paid(12, on(20), "R2", "乙", 100),
        Paid(13, on(20), "X", "丙 ", 70),
        Paid(14, on(20), "R9", "丁", 6),
    ]
    assert [tuple(pair) for pair in pairs(lines, paid)] == [
        (1, 11, Way.REFERENCE),
        (2, 12, Way.SPLIT),
        (3, 12, Way.SPLIT),
        (4, 13, Way.GUESS),
    ]


@pytest.mark.clause("2.6")
def test_a_file_is_reconciled_both_ways_and_again_after_a_later_release(make, bills):
    today = clock.today()
    first = released(make, prepared(make), bank_reference="R1")
    second = prepared(make, "settlement:2")
    rows = table(
        f'{today},R1,安居物业公司,"2,466.68",,',
        f'{today},R1,安居物业公司,"2,466.68",,',
        f"{today},R2,安居物业公司,300.00,,",
        f"{today},R3,榕建集团,,5.00,退款",
    )
    with pytest.raises(NotPermitted), transaction():
        commands.take_in(rows=rows, file_name="x.csv", actor=make.user("auditor"))
    with transaction():
        file = commands.take_in(rows=rows, file_name="x.csv", actor=make.user("finance"))
    assert file.line_count == 4
    totals = queries.totals(file.id)
    assert (totals.total_fen, totals.repeated, totals.left, totals.left_fen) == (
        522_836,
        1,
        2,
        276_668,
    )
    assert totals.matched == {Way.REFERENCE: (1, 246_668)}
    assert (totals.refunds, totals.refunds_fen) == (1, -500)
    released(make, second, bank_reference="R2-别号")
    assert [one.id for one in queries.unmatched_payments(queries.span(file.id))] == [second.id]
    with transaction():
        commands.match_again(file, actor=make.user("finance"))
    assert queries.totals(file.id).matched == {Way.REFERENCE: (1, 246_668), Way.GUESS: (1, 30_000)}
    assert queries.unmatched_payments(queries.span(file.id)) == []
    with transaction():
        again = commands.take_in(rows=rows, file_name="x2.csv", actor=make.user("finance"))
    assert queries.totals(again.id).matched == {}, "a payment is found once, in whichever file"
    assert {one.payment_id for one in db.session.scalars(select(BankLine)) if one.payment_id} == {
        first.id,
        second.id,
    }


@pytest.mark.clause("2.6")
def test_a_line_of_a_reversed_payment_waits_for_the_one_that_takes_its_place(make, bills):
    first = released(make, prepared(make), bank_reference="R1")
    rows = table(f'{clock.today()},R1,安居物业公司,"2,466.68",,')
    with transaction():
        file = commands.take_in(rows=rows, file_name="x.csv", actor=make.user("finance"))
    line = db.session.scalars(select(BankLine)).one()
    assert line.payment_id == first.id
    with transaction():
        asked = reversing.ask_reversal(
            entries_of(first.id)[0], reason="日期有误", actor=make.user("finance")
        )
        reversing.settle_reversal(asked, agreed=True, answer="", actor=make.user("auditor"))
    db.session.refresh(line)
    assert (line.payment_id, line.way, queries.totals(file.id).left) == (None, None, 1)
    second = released(make, prepared(make), bank_reference="R1")
    with transaction():
        commands.match_again(file, actor=make.user("finance"))
    db.session.refresh(line)
    assert line.payment_id == second.id


def test_unknown_heads_are_asked_for(make):
    rows = table("2026-11-20,A1,甲,5.00", heads="何日,号码,谁,多少")
    with transaction():
        file = commands.take_in(rows=rows, file_name="x.csv", actor=make.user("finance"))
    assert (file.columns, file.line_count) == ("", 0)
    some = {Column.ON: 0, Column.REFERENCE: 1}
    for columns, sentence in (
        (some, "金额"),
        ({**some, Column.AMOUNT: 1}, "两次"),
        ({**some, Column.AMOUNT: 2}, "不是金额"),
    ):
        with pytest.raises(Invalid, match=sentence), transaction():
            commands.map_columns(file, head=1, columns=columns, actor=make.user("finance"))
    with transaction():
        commands.map_columns(
            file, head=1, columns={**some, Column.AMOUNT: 3}, actor=make.user("finance")
        )
    assert (file.line_count, file.total_fen) == (1, 500)
    assert commands.layout_of(file) == Layout(1, {**some, Column.AMOUNT: 3})


def test_a_file_goes_from_upload_to_reconciled_through_the_pages(make, bills, sign_in):
    released(make, prepared(make), bank_reference="R1")
    finance = sign_in("finance")

    def upload(content, name="明细.csv"):
        data = {"file": (io.BytesIO(content), name), "once": token()}
        return finance.post("/finance/bank/", data=data, content_type="multipart/form-data")

    for content, sentence in (
        (b"", "没有内容"),
        (b"\x00", "不是 CSV"),
        (b"PK\x03\x04rubbish", "损坏"),
        (f"{HEADS}\n2026-11-20,A1,甲,x,,".encode(), "第 2 行金额"),
    ):
        answer = upload(content)
        assert answer.status_code == 422, content
        assert sentence in answer.get_data(as_text=True), content
    empty = finance.post("/finance/bank/", data={"once": token()})
    assert empty.status_code == 422
    answer = upload(f"何日,号码,谁,多少\n{clock.today()},R1,甲,2466.68".encode("gbk"))
    place = answer.location
    columns = finance.get(place, follow_redirects=False).location
    page = finance.get(columns).get_data(as_text=True)
    assert "D 列：" in page
    refused = finance.post(columns, data={"once": token(), "on": "1"})
    assert refused.status_code == 422
    assert "还没有指定" in refused.get_data(as_text=True)
    data = {"head": "1", "on": "1", "reference": "2", "payee": "3", "amount": "4", "once": token()}
    assert finance.post(columns, data=data).location == place
    page = finance.get(f"{place}?show=matched").get_data(as_text=True)
    assert "流水号、金额一致 1 行" in page
    assert finance.post(f"{place}/match", data={"once": token()}).status_code == 302
    assert sign_in("auditor").get(place).status_code == 200
    assert sign_in("auditor").post(f"{place}/match", data={"once": token()}).status_code == 403
    assert sign_in("manager").get(place).status_code == 403


@pytest.mark.reference
def test_sixteen_thousand_real_payments_come_out_to_the_last_penny(make):
    folder = Path(os.environ.get("TICKETING_REFERENCE", ROOT.parent / "shared"))
    path = folder / "data" / "payments" / "newcastle_repairs_payments.csv.gz"
    if not path.exists():
        missing("the reference data (../shared/data/payments)", "REQUIRE_REFERENCE")
    rows = tables.from_csv(gzip.decompress(path.read_bytes()))
    with transaction():
        file = commands.take_in(rows=rows, file_name=path.name, actor=make.user("finance"))
    assert (file.line_count, file.total_fen) == (16_351, 14_900_048_404)
    totals = queries.totals(file.id)
    assert (totals.lines, totals.total_fen) == (16_351, 14_900_048_404)
    assert (totals.repeated, totals.refunds) == (509, 6)
    layout = commands.layout_of(file)
    assert reading.repeated(reading.entries(rows, layout).entries) == 509
    assert set(layout.columns) >= {Column.ON, Column.REFERENCE, Column.PAYEE, Column.AMOUNT}


def test_rows_keep_their_numbers():
    assert tables.from_csv(b"\n\na,b\n\nc,d\n") == [Row(3, ["a", "b"]), Row(5, ["c", "d"])]
