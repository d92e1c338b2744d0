"""Finance's desk: what waits, statements, vouchers for the accounting system, the year's end, and who may see them."""

import io
import re
from datetime import date, timedelta
from decimal import Decimal

import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from tests.pages.helpers import token
from tests.rooms.test_order_approval import second_account
from tests.rooms.test_payments import bills, prepared, released
from tests.rooms.test_retention import contract, deducted, opened
from ticketing.books.desk import commands, paper, queries
from ticketing.books.ledger import accounts
from ticketing.books.ledger import queries as ledger
from ticketing.books.ledger.commands import credit, debit, post
from ticketing.books.payments.purposes import HANDLERS, Claim
from ticketing.journal.models import JournalEntry
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.kernel.errors import Invalid, NotPermitted
from ticketing.procedure.accounts import AccountKind, EntryKind, Purpose
from ticketing.procedure.vocabulary import Role
from ticketing.settings import ROOT

__all__ = ["bills", "contract"]

CODES = {kind: f"{1000 + n}" for n, kind in enumerate(AccountKind)}


def coded(make):
    with transaction():
        for kind, code in CODES.items():
            commands.map_account(kind=kind, code=code, name="", actor=make.user("finance"))


def sheet(answer):
    assert answer.status_code == 200, answer.get_data(as_text=True)[:2000]
    return load_workbook(io.BytesIO(answer.data)).active


def test_the_desk_counts_what_waits(make, bills, contract, sign_in):
    opened(make, contract)
    prepared(make)
    deducted(make, contract, 50_000_100, 50_000_100)
    found = queries.overview()
    assert (found.waiting, found.prepared) == ((1, 30_000), (1, 246_668))
    assert (found.receivable, found.held_fen) == ((1, 100), 0)
    page = sign_in("finance").get("/finance/").get_data(as_text=True)
    assert "2,466.68" in page


@pytest.mark.clause("3.5.9")
def test_what_is_to_be_deducted_is_shown_beside_what_the_deposit_still_holds(
    make, bills, contract, monkeypatch, sign_in
):
    with transaction():
        contract.retention_fen = 1_000
    opened(make, contract)

    def claims():
        return [
            Claim(f"settlement:{n}", "物业", fen, "A类", contract_id=whose, deduct_fen=fen)
            for n, fen, whose in ((1, 600, contract.id), (2, 700, contract.id), (3, 50, None))
        ]

    monkeypatch.setattr(HANDLERS[Purpose.SETTLEMENT], "claims", claims)
    rows = queries.deductions()
    assert [(one.held_fen, one.short_fen) for one in rows] == [(1_000, 0), (400, 300), (0, 50)]
    page = sign_in("finance").get("/finance/deductions").get_data(as_text=True)
    assert "未登记合同" in page
    assert "3.50" in page


@pytest.mark.clause("2.6")
def test_a_statement_is_the_same_on_the_page_and_in_the_workbook(make, contract, sign_in):
    opened(make, contract)
    deducted(make, contract, 50_000_100, 50_000_100, on=clock.today())
    finance = sign_in("finance")
    address = f"/finance/statements/{contract.contractor_id}"
    page = finance.get(address).get_data(as_text=True)
    for words in ("质量保证金—YX-TJ-01", "其他应收款—施工单位—榕建集团", "500,000.00", "1.00"):
        assert words in page
    cells = sheet(finance.get(f"{address}.xlsx"))
    closings = [row[6] for row in cells.iter_rows(values_only=True) if row[3] == "期末余额"]
    assert [Decimal(str(one)) for one in closings] == [0, 1]
    held = ledger.statement([ledger.account_by_key(f"retention:{contract.id}").id], size=None)
    assert held.closing_fen == 0
    since = (clock.today() + timedelta(days=1)).isoformat()
    later = finance.get(f"{address}?since={since}").get_data(as_text=True)
    assert "期末余额" in later
    assert "质保金入账" not in later
    assert "施工单位对账单" in finance.get("/finance/statements").get_data(as_text=True)
    act = select(JournalEntry.facts).where(JournalEntry.subject == "export")
    assert "对账单 榕建集团" in db.session.scalars(act).one()


@pytest.mark.clause("2.6")
def test_vouchers_leave_in_the_documented_layout_and_balance(make, bills, contract, sign_in):
    opened(make, contract)
    released(make, prepared(make))
    finance, today = sign_in("finance"), clock.today()
    period = f"since=2020-01-01&until={today}"
    refused = finance.get(f"/finance/vouchers.xlsx?{period}")
    assert refused.status_code == 422
    assert "还没有科目编码" in refused.get_data(as_text=True)
    assert "去科目对照填写" in finance.get(f"/finance/vouchers?{period}").get_data(as_text=True)
    coded(make)
    rows = list(sheet(finance.get(f"/finance/vouchers.xlsx?{period}")).iter_rows(values_only=True))
    assert rows[0] == paper.VOUCHER_HEADS
    lines = rows[1:-1]
    entries = ledger.all_entries(ledger.Wanted())
    assert len(lines) == sum(len(entry.lines) for entry in entries)
    debited, credited = (sum(Decimal(str(row[n] or 0)) for row in lines) for n in (7, 8))
    assert debited == credited == Decimal(str(rows[-1][7])) == Decimal(str(rows[-1][8]))
    first = next(row for row in lines if row[10] == "质保金入账" and row[8])
    assert first[5:7] == (CODES[AccountKind.RETENTION], "质量保证金")
    assert first[9] == "YX-TJ-01"
    document = (ROOT / "docs" / "vouchers.zh.md").read_text(encoding="utf-8")
    documented = re.findall(r"^\| [A-Z] \| (\S+) \|", document, re.MULTILINE)
    assert tuple(documented) == paper.VOUCHER_HEADS
    assert finance.get("/finance/vouchers.xlsx").status_code == 422


def test_text_in_vouchers_is_text(make, contract, sign_in):
    coded(make)
    with transaction():
        post(
            EntryKind.RECEIPT,
            [debit(accounts.bank(), 5), credit(accounts.receivable(contract.contractor), 5)],
            text='=HYPERLINK("http://x")',
            source="=1+1",
            actor=make.user("finance"),
            at=clock.now(),
        )
    cells = sheet(
        sign_in("finance").get(f"/finance/vouchers.xlsx?since=2020-01-01&until={clock.today()}")
    )
    assert [cells["E2"].value, cells["E2"].data_type] == ['=HYPERLINK("http://x")', "s"]
    assert cells["L2"].data_type == "s"


def test_finance_keeps_the_codes_and_nobody_else(make, sign_in):
    with pytest.raises(NotPermitted), transaction():
        commands.map_account(kind=AccountKind.BANK, code="1", name="", actor=make.user("cashier"))
    with pytest.raises(Invalid, match="科目编码"), transaction():
        commands.map_account(kind=AccountKind.BANK, code=" ", name="", actor=make.user("finance"))
    finance = sign_in("finance")
    data = {"kind": "bank", "code": "1002", "name": "银行存款—基本户", "once": token()}
    assert finance.post("/finance/codes", data=data).status_code == 302
    assert finance.post("/finance/codes", data={"kind": "bank", "once": token()}).status_code == 422
    data = {"kind": "bank", "code": "1002.01", "once": token()}
    assert finance.post("/finance/codes", data=data).status_code == 302
    assert queries.codes()[AccountKind.BANK].code == "1002.01"
    assert sign_in("auditor").post("/finance/codes", data=data).status_code == 403


@pytest.mark.clause("3.6")
def test_the_year_ends_with_balances_carried_debts_by_age_and_funds_to_clear(
    make, contract, sign_in
):
    last = clock.today().year - 1
    deducted(make, contract, 700, 700, "settlement:1", on=date(last, 12, 30))
    deducted(make, contract, 900, 900, "settlement:2", on=clock.today())
    with transaction():
        post(
            EntryKind.IMPREST_ADVANCE,
            [debit(accounts.imprest_cash(1, "客户服务部"), 2_000), credit(accounts.bank(), 2_000)],
            text="拨付周转金",
            source="fund:1",
            actor=make.user("finance"),
            at=clock.now(),
            on=date(last, 5, 1),
        )
    year = queries.year_end(last)
    assert [debtor.owed_fen for debtor in year.debtors] == [700]
    assert [line.closing_fen for line in year.funds] == [2_000]
    assert sum(line.closing_fen for line in year.trial) == 0
    running = queries.year_end(last + 1)
    carried = {line.account.key: line.opening_fen for line in running.trial}
    assert carried == {line.account.key: line.closing_fen for line in year.trial}
    page = sign_in("gm").get(f"/finance/year-end?year={last}").get_data(as_text=True)
    assert "周转金—客户服务部：20.00 元" in page
    assert sign_in("gm").get("/finance/year-end?year=999999999").status_code == 200


READERS = {Role.FINANCE, Role.CASHIER, Role.AUDITOR, Role.GENERAL_MANAGER}


def test_the_desk_is_open_to_finance_audit_and_the_general_manager(make, contract, sign_in):
    opened(make, contract)
    addresses = (
        "/finance/",
        "/finance/deductions",
        "/finance/statements",
        f"/finance/statements/{contract.contractor_id}",
        f"/finance/statements/{contract.contractor_id}.xlsx",
        "/finance/vouchers",
        "/finance/codes",
        "/finance/year-end",
        "/finance/bank/",
    )
    for role in Role:
        second_account(make, f"one_{role.value}", f"某{role.label}", [role])
        client = sign_in(f"one_{role.value}")
        for address in addresses:
            status = client.get(address).status_code
            assert status == (200 if role in READERS else 403), (role, address)


def test_a_contractor_without_money_in_the_books_has_no_statement(make, contract, sign_in):
    client = sign_in("finance")
    for address in (
        f"/finance/statements/{contract.contractor_id}",
        f"/finance/statements/{contract.contractor_id}.xlsx",
        f"/finance/retention/receivables/{contract.contractor_id}/receive",
    ):
        assert client.get(address).status_code == 404, address
