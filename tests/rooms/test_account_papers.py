"""决算书 and 结算书 on paper and as a workbook: the form's own words, and sums that a spreadsheet finds again to the fen."""

import random
import re
import shutil
import subprocess
import unicodedata
from datetime import date
from pathlib import Path

import pytest
from openpyxl import load_workbook

from tests.conftest import missing
from tests.support.settlements import Settlements
from ticketing.kernel.db import db, transaction
from ticketing.procedure.repairs import OrderClass
from ticketing.procedure.settlement import (
    PriceBasis,
    SettlementStage,
    Terms,
    line_fen,
    reduction,
    totals,
)
from ticketing.steps.settlement import reviewing, sheet, workbook
from ticketing.steps.settlement.reviewing import Audited
from ticketing.steps.settlement.sheet import AccountPaper, PaperLine

FORM = (
    "维修工程结算书(A、B类)", "年", "月", "日", "客户", "所在小区", "单元号", "序号定额编号工程项目名称单位数量审定单价审前合计审定合计备注",
    "含税合计:", "审定总价(大写):", "主管:", "经办:", "审核部门签章:",
)  # fmt: skip
"""The words of the form at the end of the procedure, in its order."""


def words_of(answer) -> str:
    """What stands on the paper, without blanks, full-width forms narrowed."""
    assert answer.status_code == 200
    text = re.sub(r"<[^>]+>", "", answer.get_data(as_text=True).split("<article", 1)[1])
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))


@pytest.fixture
def accounts(make) -> Settlements:
    return Settlements(make)


@pytest.mark.clause("5.4")
@pytest.mark.parametrize("kind", ["A", "B"])
def test_the_printed_account_has_every_word_of_the_form(accounts, sign_in, kind):
    begun = accounts.begun() if kind == "A" else accounts.of_class_b()
    s = accounts.compiled(accounts.bring(begun, SettlementStage.REVIEWED))
    answer = sign_in("manager").get(f"/settlements/{s.id}/print")
    text, place = words_of(answer), 0
    for words in FORM:
        found = text.find(unicodedata.normalize("NFKC", words), place)
        assert found >= 0, words
        place = found
    for words in (s.number, "2,466.68", "人民币贰仟肆佰陆拾陆元陆角捌分", "8.83%", "王国强", "21"):
        assert unicodedata.normalize("NFKC", words) in text, words
    page = answer.get_data(as_text=True)
    assert f"<s>{'B' if kind == 'A' else 'A'}</s>" in page
    assert "<svg" in page


@pytest.mark.clause("5.4")
def test_before_its_review_it_is_printed_as_the_captains_account(accounts, sign_in):
    s = accounts.bring(accounts.of_class_b(), SettlementStage.SUBMITTED)
    text = words_of(sign_in("captain").get(f"/settlements/{s.id}/print"))
    for words in ("维修工程决算书", "价格来源", "协议价", "2,705.72", "老马"):
        assert words in text, words
    assert "审定" not in text


def test_a_pile_is_printed_in_the_order_asked_for(accounts, sign_in):
    made = [accounts.begun() for _ in range(3)]
    manager = sign_in("manager")
    page = manager.get(f"/settlements/print?id={made[2].id}&id={made[0].id}").get_data(as_text=True)
    assert page.count("<article") == 2
    assert page.index(made[2].number) < page.index(made[0].number)
    assert manager.get("/settlements/print").status_code == 422
    assert manager.get(f"/settlements/print?id={made[0].id}&id=999999").status_code == 404
    assert manager.get("/settlements/print?id=x").status_code == 404


def test_a_review_by_other_rates_leaves_what_was_handed_in_as_it_was(accounts, make, sign_in):
    s = accounts.bring(accounts.of_class_b(), SettlementStage.SUBMITTED)
    with transaction():
        reviewing.finish(
            s,
            version=s.version,
            audited=[Audited(one.id, one.quantity_milli, one.price_milli) for one in s.lines],
            basis=s.basis,
            vat_bp=300,
            management_bp=0,
            review="小规模纳税人",
            actor=make.user("manager"),
        )
    paper = sheet.paper_of(s)
    assert paper.submitted is None
    assert (paper.submitted_fen, paper.total_fen) == (270_572, 255_678)
    manager = sign_in("manager")
    text = words_of(manager.get(f"/settlements/{s.id}/print"))
    assert "2,705.72" in text
    assert "2,556.78" in text
    page = manager.get(f"/settlements/{s.id}").get_data(as_text=True)
    assert "申报时的税率、费率与审定不同" in page
    db.session.rollback()


TIES = ((500, 10), (1_500, 30), (2_500, 20), (1_005, 1_000), (333, 2_500), (15, 333_000))
"""Quantities and prices whose product lies just between two fen."""


def invented(rng: random.Random, number: int) -> AccountPaper:
    """An account of random lines: some of them ties, some huge, some cut to nothing, some added by the reviewer."""
    terms = Terms(
        rng.choice(list(PriceBasis)),
        rng.choice((0, 100, 300, 600, 900, 1_300)),
        rng.choice((0, 0, 250, 300, 500, 1_234)),
    )
    reviewed = rng.random() < 0.7
    lines = [_line(rng, reviewed) for _ in range(rng.randint(1, 12))]
    submitted = totals((one.submitted_fen for one in lines), terms)
    approved = totals((one.approved_fen or 0 for one in lines), terms) if reviewed else None
    return AccountPaper(
        settlement_id=number,
        number=f"YX-2026-J{number:05d}",
        order_number=f"YX-2026-A{number:05d}",
        order_class=rng.choice((OrderClass.A, OrderClass.B)),
        customer='=HYPERLINK("http://x")',
        community="云栖苑",
        room="3-1-1202",
        day=date(2026, 11, 23),
        terms=terms,
        lines=lines,
        submitted_fen=submitted.total_fen,
        approved=approved,
        captain="老马",
        head="孙总工",
        clerk="陈静",
        reviewer="赵敏",
    )


def _line(rng: random.Random, reviewed: bool) -> PaperLine:
    quantity, price = (
        rng.choice(TIES)
        if rng.random() < 0.4
        else (rng.randint(1, 10 ** rng.randint(3, 6)), rng.randint(0, 10 ** rng.randint(3, 7)))
    )
    if reviewed and rng.random() < 0.1:
        quantity, price = 0, 0
    kept = rng.choice(
        ((quantity, price), (quantity * 9 // 10, price), (0, price), rng.choice(TIES))
    )
    return PaperLine(
        quota_code="-1+1",
        item="=1+1",
        unit="@",
        source="协议价",
        quantity_milli=quantity,
        price_milli=price,
        submitted_fen=line_fen(quantity, price),
        approved_quantity_milli=kept[0] if reviewed else None,
        approved_price_milli=kept[1] if reviewed else None,
        approved_fen=line_fen(*kept) if reviewed else None,
        remark="+cmd",
    )


def recalculated(path: Path, folder: Path) -> Path:
    """The workbook as LibreOffice saves it after reckoning every cell anew."""
    office = shutil.which("soffice") or shutil.which("libreoffice")
    if office is None:
        missing("LibreOffice", "REQUIRE_LIBREOFFICE")
    subprocess.run(
        [
            office,
            f"-env:UserInstallation={(folder / 'profile').as_uri()}",
            "--headless",
            "--convert-to",
            "xlsx",
            "--outdir",
            str(folder / "out"),
            str(path),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    return folder / "out" / path.name


def fen(value: object) -> int:
    assert isinstance(value, int | float), value
    return round(value * 100)


@pytest.mark.clause("5.4")
def test_a_spreadsheet_finds_every_stored_sum_again(tmp_path):
    rng = random.Random("sums")
    papers = [invented(rng, number) for number in range(1, 101)]
    path = tmp_path / "accounts.xlsx"
    workbook.write_accounts(path, papers)
    cells = load_workbook(recalculated(path, tmp_path), data_only=True)
    for paper in papers:
        found = cells[paper.number]
        first = workbook.FIRST
        for n, line in enumerate(paper.lines):
            assert fen(found[f"G{first + n}"].value) == line.submitted_fen, (paper.number, n)
            if line.approved_fen is not None:
                assert fen(found[f"H{first + n}"].value) == line.approved_fen, (paper.number, n)
            assert found[f"C{first + n}"].value == "=1+1"
        row = first + len(paper.lines)
        for column, sums in (("G", paper.submitted), ("H", paper.approved)):
            if sums is None:
                continue
            shown = [fen(found[f"{column}{row + n}"].value) for n in range(4)]
            assert shown == list(sums), (paper.number, column, paper.terms)
        end = row + 4
        if paper.approved is not None:
            cut = reduction(paper.submitted_fen, paper.approved.total_fen)
            assert fen(found[f"G{end}"].value) == cut.fen
            rate = found[f"H{end}"].value
            if cut.rate_bp is None:
                assert rate == "—"
            else:
                assert abs(rate * 10_000 - cut.rate_bp) <= 0.5 + 1e-6
            end += 1
        assert found[f"C{end}"].value == paper.words
        assert found["B3"].value == '=HYPERLINK("http://x")'


def test_the_accounts_own_workbook_is_the_one_on_screen(accounts, sign_in, tmp_path):
    s = accounts.bring(accounts.of_class_b(), SettlementStage.REVIEWED)
    answer = sign_in("finance").get(f"/settlements/{s.id}/account.xlsx")
    assert answer.status_code == 200
    path = tmp_path / "one.xlsx"
    path.write_bytes(answer.data)
    page = load_workbook(path)[s.number]
    assert page["A1"].value == "维修工程结算书（B类）"
    assert [page.cell(workbook.FIRST - 1, n).value for n in range(1, 10)] == list(workbook.HEADS)
    assert page[f"H{workbook.FIRST}"].value == f"=ROUND(E{workbook.FIRST}*F{workbook.FIRST},2)"
    assert page[f"H{workbook.FIRST + 4}"].value == f"=SUM(H{workbook.FIRST}:H{workbook.FIRST + 3})"
    assert str(page.page_setup.paperSize) == page.PAPERSIZE_A4
