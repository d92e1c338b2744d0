"""Workbooks of the books: vouchers for the accounting system (docs/vouchers.zh.md), a contractor's statement."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from openpyxl.styles import Font

from ticketing.books.desk.models import AccountCode
from ticketing.books.desk.queries import ContractorStatement
from ticketing.books.ledger.models import LedgerAccount, LedgerEntry
from ticketing.kernel import excel
from ticketing.kernel.errors import Invalid
from ticketing.procedure.accounts import AccountKind

VOUCHER_HEADS = (
    "凭证日期",
    "凭证字",
    "凭证号",
    "行号",
    "摘要",
    "科目编码",
    "科目名称",
    "借方金额",
    "贷方金额",
    "辅助核算",
    "业务类别",
    "单据",
    "冲销凭证号",
    "记账人",
)
STATEMENT_HEADS = ("日期", "凭证", "类别", "摘要", "借方", "贷方", "余额")
MONEY = "#,##0.00"


def write_vouchers(
    path: Path, entries: Sequence[LedgerEntry], codes: Mapping[AccountKind, AccountCode]
) -> None:
    """Write one row for each line of the entries, debit and credit apart. Raises Invalid where an account has no code."""
    used = {line.account.kind for entry in entries for line in entry.lines}
    missing = [kind.label for kind in AccountKind if kind in used - codes.keys()]
    if missing:
        raise Invalid(f"还没有科目编码：{'、'.join(missing)}。请先在“科目对照”里填写。")
    sheet = _sheet("凭证", landscape=True)
    sheet.table(VOUCHER_HEADS, _voucher_rows(entries, codes))
    total = sum(line.amount_fen for entry in entries for line in entry.lines if line.amount_fen > 0)
    for column, value in ((1, "合计"), (8, excel.in_yuan(total)), (9, excel.in_yuan(total))):
        excel.put(sheet.worksheet.cell(sheet.row, column), value)
    _as_money(sheet, (8, 9))
    sheet.widths(12, 8, 9, 6, 40, 14, 24, 15, 15, 30, 14, 24, 12, 12)
    sheet.worksheet.freeze_panes = "A2"
    path.write_bytes(excel.as_bytes(_book_of(sheet)))


def _voucher_rows(
    entries: Iterable[LedgerEntry], codes: Mapping[AccountKind, AccountCode]
) -> Iterator[list[Any]]:
    for entry in entries:
        for number, line in enumerate(entry.lines, 1):
            code = codes[line.account.kind]
            yield [
                entry.on,
                "记",
                entry.id,
                number,
                entry.text,
                code.code,
                code.name,
                excel.in_yuan(line.amount_fen) if line.amount_fen > 0 else None,
                excel.in_yuan(-line.amount_fen) if line.amount_fen < 0 else None,
                auxiliary(line.account),
                entry.kind.label,
                entry.source,
                entry.reverses_id,
                entry.by.name,
            ]


def auxiliary(account: LedgerAccount) -> str:
    """What an account is about beyond its kind: the contract, contractor, community or fund in its name."""
    return account.name.removeprefix(account.kind.label).removeprefix("—")


def write_statement(
    path: Path, statement: ContractorStatement, since: date | None, until: date | None
) -> None:
    """Write a contractor's statement: each account with opening, lines and closing, to be printed on A4."""
    sheet = _sheet("对账单", landscape=False)
    sheet.title(f"{statement.contractor.name} 对账单")
    sheet.line(f"期间：{since or '开始'} 至 {until or '今日'}，金额单位：元")
    for name, is_credit, part in statement.parts:
        sign = -1 if is_credit else 1
        sheet.gap()
        sheet.line(name, bold=True)
        rows: list[Sequence[Any]] = [
            ["", "", "", "期初余额", None, None, excel.in_yuan(part.opening_fen * sign)]
        ]
        rows += [
            [
                one.entry.on,
                one.entry.number,
                one.entry.kind.label,
                one.entry.text,
                excel.in_yuan(one.line.amount_fen) if one.line.amount_fen > 0 else None,
                excel.in_yuan(-one.line.amount_fen) if one.line.amount_fen < 0 else None,
                excel.in_yuan(one.balance_fen * sign),
            ]
            for one in part.lines
        ]
        rows.append(["", "", "", "期末余额", None, None, excel.in_yuan(part.closing_fen * sign)])
        sheet.table(STATEMENT_HEADS, rows)
    _as_money(sheet, (5, 6, 7))
    sheet.widths(12, 12, 14, 40, 15, 15, 16)
    path.write_bytes(excel.as_bytes(_book_of(sheet)))


def _sheet(name: str, *, landscape: bool) -> excel.Sheet:
    return excel.Sheet(excel.workbook().create_sheet(name), landscape=landscape)


def _book_of(sheet: excel.Sheet) -> Any:
    return sheet.worksheet.parent


def _as_money(sheet: excel.Sheet, columns: Sequence[int]) -> None:
    """Show the amounts of some columns with two places; the rows of sums stand out."""
    for column in columns:
        for cells in sheet.worksheet.iter_rows(min_col=column, max_col=column):
            if isinstance(cells[0].value, Decimal):
                cells[0].number_format = MONEY
    for cells in sheet.worksheet.iter_rows():
        if any(cell.value in ("合计", "期初余额", "期末余额") for cell in cells):
            for cell in cells:
                cell.font = Font(bold=True)
