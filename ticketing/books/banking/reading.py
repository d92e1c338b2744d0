"""Which column of a bank's table is what, and what its rows say: amounts to the fen, days, references."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from ticketing.books.banking.tables import Row
from ticketing.kernel.enums import Labelled
from ticketing.kernel.text import fold

MOST_FEN = 10**14
SEARCHED = 20
"""The heads stand in one of the first so many rows."""


class Column(Labelled):
    """What a column of a bank's table holds. Money out and money in may stand in two columns, or in one with its sign."""

    ON = "on", "日期"
    REFERENCE = "reference", "流水号"
    PAYEE = "payee", "收款方"
    AMOUNT = "amount", "金额（支出为正）"
    OUT = "out", "支出（借方）"
    IN = "in", "收入（贷方）"
    TEXT = "text", "摘要"


HEADS: dict[Column, tuple[str, ...]] = {
    Column.ON: ("交易日期", "付款日期", "记账日期", "入账日期", "交易时间", "日期", "paidon", "paymentdate", "date"),
    Column.REFERENCE: ("交易流水号", "银行流水号", "流水号", "交易流水", "参考号", "回单编号", "业务编号", "凭证号", "paymentref", "reference"),
    Column.PAYEE: ("收款方名称", "收款人名称", "收款方", "收款人", "收款单位", "对方户名", "对方账户名称", "对方名称", "供应商", "supplier", "payee", "beneficiary"),
    Column.AMOUNT: ("交易金额", "付款金额", "发生额", "金额", "amount", "amountgbp"),
    Column.OUT: ("借方发生额", "借方金额", "支出金额", "转出金额", "借方", "支出", "debit"),
    Column.IN: ("贷方发生额", "贷方金额", "收入金额", "转入金额", "贷方", "收入", "credit"),
    Column.TEXT: ("摘要", "用途", "附言", "备注", "narrative", "description"),
}  # fmt: skip
"""The heads banks print, folded and without blanks; of several in one table the first counts."""

_NOISE = re.compile(r"[\s_:：]|[（(].*?[)）]")
_TOTAL = ("合计", "总计", "小计")
_DAY = re.compile(r"(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?(?:[\sT].*)?")


class Layout(NamedTuple):
    """Where the heads stand (row number in the file, 0 for none) and which column (from 0) is what."""

    head: int
    columns: dict[Column, int]

    @property
    def lacks(self) -> list[str]:
        """What must still be said before the table can be read."""
        lacking = [] if Column.ON in self.columns else [Column.ON.label]
        if not {Column.AMOUNT, Column.OUT, Column.IN} & self.columns.keys():
            lacking.append("金额，或支出与收入")
        if not {Column.REFERENCE, Column.PAYEE} & self.columns.keys():
            lacking.append("流水号或收款方")
        return lacking


def recognised(rows: Sequence[Row]) -> Layout:
    """The layout the heads of a table tell: the row among the first that names most columns."""
    best = Layout(0, {})
    for row in rows[:SEARCHED]:
        names = [_NOISE.sub("", fold(cell)) for cell in row.cells]
        found: dict[Column, int] = {}
        for column, heads in HEADS.items():
            at = next((names.index(head) for head in heads if head in names), None)
            if at is not None and at not in found.values():
                found[column] = at
        if len(found) > max(len(best.columns), 1):
            best = Layout(row.number, found)
    return best


class Entry(NamedTuple):
    """What one row says; money out is positive."""

    row: int
    on: date
    reference: str
    payee: str
    text: str
    amount_fen: int


class Fault(NamedTuple):
    """What cannot be read: row, column, and why."""

    row: int
    column: str
    sentence: str


class Reading(NamedTuple):
    """All entries of a table, its faults, and how many rows of totals were passed over."""

    entries: list[Entry]
    faults: list[Fault]
    totals: int


def entries(rows: Sequence[Row], layout: Layout) -> Reading:
    """Read every row below the heads. A row of totals has no day; every other row must be whole."""
    found: list[Entry] = []
    faults: list[Fault] = []
    totals = 0
    for row in rows:
        if row.number <= layout.head:
            continue
        if next(cell for cell in row.cells if cell).startswith(_TOTAL):
            totals += 1
            continue
        cells = {
            column: row.cells[at] if at < len(row.cells) else ""
            for column, at in layout.columns.items()
        }
        day, amount = _day(cells[Column.ON]), _amount(cells)
        if day is None:
            faults.append(
                Fault(row.number, Column.ON.label, f"“{cells[Column.ON][:20]}”不是日期。")
            )
        if isinstance(amount, str):
            faults.append(Fault(row.number, "金额", amount))
        elif day is not None:
            words = (cells.get(one, "") for one in (Column.REFERENCE, Column.PAYEE, Column.TEXT))
            reference, payee, text = words
            found.append(Entry(row.number, day, reference, payee, text, amount))
    return Reading(found, faults, totals)


def _amount(cells: Mapping[Column, str]) -> int | str:
    """Fen out of the house, or a sentence why there is no amount."""
    if Column.AMOUNT in cells:
        return _one_amount(cells[Column.AMOUNT])
    typed = [cells.get(Column.OUT, ""), cells.get(Column.IN, "")]
    if not any(typed):
        return "没有金额。"
    sides = [_one_amount(one) if one else 0 for one in typed]
    wrong = next((one for one in sides if isinstance(one, str)), None)
    if wrong is not None:
        return wrong
    out, back = (one for one in sides if isinstance(one, int))
    return out - back


def _one_amount(typed: str) -> int | str:
    fen = amount_in_fen(typed)
    return f"“{typed[:20]}”不是金额。" if fen is None else fen


def amount_in_fen(typed: str) -> int | None:
    """An amount as people and banks write it, in fen: ``1,234.50``, ``-0.05``, ``(12.00)``, ``￥3``; None for anything else."""
    text = fold(typed).replace("¥", "").replace("−", "-").replace("元", "").replace(" ", "")
    negative = text.startswith("(") and text.endswith(")")
    text = text.strip("()") if negative else text
    if not re.fullmatch(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?", text) or not re.search(
        r"\d", text
    ):
        return None
    try:
        exact = Decimal(text.replace(",", "")) * 100
    except InvalidOperation:
        return None
    whole = exact.to_integral_value()
    if abs(exact - whole) > Decimal("0.0001") or abs(whole) > MOST_FEN:
        return None
    return -int(whole) if negative else int(whole)


def _day(typed: str) -> date | None:
    found = _DAY.fullmatch(fold(typed).strip())
    if found is None:
        return None
    try:
        day = date(*map(int, found.groups()))
    except ValueError:
        return None
    return day if 1980 <= day.year <= 2099 else None


def repeated(found: Sequence[Entry]) -> int:
    """How many rows bear a reference that a row above them bears too: kept, every one of them."""
    seen: set[str] = set()
    again = 0
    for one in found:
        again += bool(one.reference) and one.reference in seen
        seen.add(one.reference)
    return again
