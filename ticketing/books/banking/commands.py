"""Taking in a bank's file, all or nothing, and pairing its lines with the payments of the books."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, select, update

from ticketing.books.banking import queries, reading
from ticketing.books.banking.matching import Left, Paid, pairs
from ticketing.books.banking.models import BankFile, BankLine
from ticketing.books.banking.reading import Column, Layout
from ticketing.books.banking.tables import Row
from ticketing.books.ledger.commands import open_book
from ticketing.books.ledger.models import LedgerEntry
from ticketing.books.ledger.reversing import ON_REVERSAL, Follower
from ticketing.journal.commands import record
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import Conflict, Invalid
from ticketing.kernel.text import clean_line
from ticketing.masters.people.models import User
from ticketing.masters.people.rights import permit
from ticketing.procedure.permissions import Act

SUBJECT = "bank_file"
SHOWN_FAULTS = 8
_LINES = cast(Table, BankLine.__table__)


def take_in(*, rows: Sequence[Row], file_name: str, actor: User) -> BankFile:
    """Keep a table as it came; where its heads tell every column, read and pair its lines at once (procedure 2.6).

    Raises NotPermitted, Invalid at `file` (a row cannot be read: nothing is kept).
    """
    permit(actor, Act.RECONCILE)
    at = clock.now()
    file = BankFile(
        name=clean_line(file_name)[-120:] or "未命名",
        rows=json.dumps(rows, ensure_ascii=False),
        columns="",
        at=at,
        by_id=actor.id,
    )
    db.session.add(file)
    db.session.flush()
    layout = reading.recognised(rows)
    if not layout.lacks:
        _read(file, rows, layout, field="file")
    facts = {"name": file.name, "lines": file.line_count, "total_fen": file.total_fen}
    record(SUBJECT, file.id, Act.RECONCILE.value, actor=actor, at=at, clause="2.6", facts=facts)
    return file


def map_columns(file: BankFile, *, head: int, columns: dict[Column, int], actor: User) -> BankFile:
    """Say which column is what and read the table anew; earlier pairs of this file are given up.

    Raises NotPermitted, Invalid (a column missing or used twice, a row that cannot be read).
    """
    permit(actor, Act.RECONCILE)
    layout = Layout(head, columns)
    if layout.lacks:
        raise Invalid(f"还没有指定：{'；'.join(layout.lacks)}。")
    if len(set(columns.values())) != len(columns):
        raise Invalid("同一列不能指定两次。")
    open_book()
    db.session.execute(_LINES.delete().where(BankLine.file_id == file.id))
    _read(file, rows_of(file), layout, field=None)
    facts = {"name": file.name, "lines": file.line_count, "total_fen": file.total_fen}
    at = clock.now()
    record(SUBJECT, file.id, Act.RECONCILE.value, actor=actor, at=at, clause="2.6", facts=facts)
    return file


def match_again(file: BankFile, *, actor: User) -> BankFile:
    """Pair what is still open with payments that were released meanwhile. Raises NotPermitted, Conflict (not read yet)."""
    permit(actor, Act.RECONCILE)
    if not file.columns:
        raise Conflict("请先指定各列的含义。")
    open_book()
    _pair(file)
    return file


def rows_of(file: BankFile) -> list[Row]:
    """The table as it came."""
    return [Row(number, cells) for number, cells in json.loads(file.rows)]


def layout_of(file: BankFile) -> Layout:
    """Which column is what: as it was said, or as the heads tell."""
    if not file.columns:
        return reading.recognised(rows_of(file))
    kept: dict[str, Any] = json.loads(file.columns)
    return Layout(kept["head"], {Column(name): at for name, at in kept["columns"].items()})


def _read(file: BankFile, rows: Sequence[Row], layout: Layout, field: str | None) -> None:
    found = reading.entries(rows, layout)
    if found.faults:
        shown = "；".join(
            f"第 {fault.row} 行{fault.column}：{fault.sentence.rstrip('。')}"
            for fault in found.faults[:SHOWN_FAULTS]
        )
        more = f"……共 {len(found.faults)} 处" if len(found.faults) > SHOWN_FAULTS else ""
        raise Invalid(f"没有导入任何内容。{shown}{more}。", field=field)
    if not found.entries:
        raise Invalid("表格里没有明细行。", field=field)
    db.session.execute(
        _LINES.insert(),
        [
            {**entry._asdict(), "file_id": file.id, "payment_id": None, "way": None}
            for entry in found.entries
        ],
    )
    kept = {"head": layout.head, "columns": {one.value: at for one, at in layout.columns.items()}}
    file.columns = json.dumps(kept)
    file.line_count = len(found.entries)
    file.total_fen = sum(entry.amount_fen for entry in found.entries)
    db.session.flush()
    open_book()
    _pair(file)


def _pair(file: BankFile) -> None:
    days = queries.span(file.id)
    assert days is not None, "a file that was read has lines"
    open_lines = [
        Left(*row)
        for row in db.session.execute(
            select(
                BankLine.id, BankLine.on, BankLine.reference, BankLine.payee, BankLine.amount_fen
            )
            .where(BankLine.file_id == file.id, BankLine.payment_id.is_(None))
            .order_by(BankLine.row)
        )
    ]
    payments = [
        Paid(one.id, one.paid_on, one.bank_reference, one.payee, one.amount_fen)
        for one in queries.unmatched_payments(days, queries.MARGIN)
        if one.paid_on is not None
    ]
    for pair in pairs(open_lines, payments):
        db.session.execute(
            update(BankLine)
            .where(BankLine.id == pair.line_id)
            .values(payment_id=pair.payment_id, way=pair.way)
        )


def _set_free(entries: Sequence[LedgerEntry], _actor: User, _at: datetime) -> None:
    """A payment that was reversed is on no line of the bank any more: the line waits for the payment that takes its place."""
    undone = {one.payment_id for one in entries if one.payment_id is not None}
    lines = update(BankLine).where(BankLine.payment_id.in_(undone))
    db.session.execute(lines.values(payment_id=None, way=None))


ON_REVERSAL.append(Follower(hold=lambda entries: None, undo=_set_free))
