"""Booking: an entry of balanced lines, once for each document and kind; and its mirror, which corrects it.

The lock of the book is taken first and held until the end of the transaction, so numbers have no gap and what was read of
a balance still holds when it is booked.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import NamedTuple, cast

from sqlalchemy import Table, func, select, text

from ticketing.books.ledger.ddl import BOOK_LOCK
from ticketing.books.ledger.models import LedgerAccount, LedgerEntry, LedgerLine
from ticketing.books.ledger.queries import closed_through
from ticketing.journal.commands import Actor, record
from ticketing.kernel import clock
from ticketing.kernel.db import db, dialect
from ticketing.kernel.errors import Conflict, Invalid
from ticketing.kernel.text import clean, clean_line, show_fen
from ticketing.procedure.accounts import NEVER_CREDIT, NEVER_DEBIT, RESTS_ON, EntryKind

SUBJECT = "ledger_entry"
_ENTRIES, _LINES = (cast(Table, model.__table__) for model in (LedgerEntry, LedgerLine))


class Line(NamedTuple):
    """An amount in fen on an account: debit positive, credit negative. Nought is left out of the entry."""

    account: LedgerAccount
    amount_fen: int


def debit(account: LedgerAccount, fen: int) -> Line:
    """A line on the debit side. Raises Invalid for a negative amount."""
    return Line(account, _positive(fen))


def credit(account: LedgerAccount, fen: int) -> Line:
    """A line on the credit side. Raises Invalid for a negative amount."""
    return Line(account, -_positive(fen))


def _positive(fen: int) -> int:
    if fen < 0:
        raise Invalid("分录金额不能是负数。")
    return fen


class Posting(NamedTuple):
    """An entry that is to be booked: its kind, its lines, its words; the source is the document's, or its own."""

    kind: EntryKind
    lines: Sequence[Line]
    text: str
    source: str = ""


def open_book() -> None:
    """Take the lock of the book until this transaction ends: what balances say now stays true until it is booked."""
    if dialect() == "postgresql":
        db.session.execute(text(f"SELECT pg_advisory_xact_lock({BOOK_LOCK})"))


def balance(account: LedgerAccount) -> int:
    """What stands on an account now, in fen, read past everything remembered: debit positive."""
    query = select(LedgerAccount.balance_fen).where(LedgerAccount.id == account.id)
    return db.session.scalars(query).one()


def refuse_closed_day(on: date, field: str | None = None) -> None:
    """Raise Invalid where a day lies in a period that is closed; `field` is the form's. Called with the book locked."""
    closed = closed_through()
    if closed is not None and on <= closed:
        raise Invalid(
            f"账已结至 {closed}，不能记在 {on}；日期须在结账日以后，确需记入的先申请反结账。",
            field=field,
        )


def post(
    kind: EntryKind,
    lines: Iterable[Line],
    *,
    text: str,
    source: str,
    actor: Actor,
    at: datetime,
    on: date | None = None,
    payment_id: int | None = None,
    day_field: str | None = None,
) -> LedgerEntry:
    """Book one entry in the caller's transaction (procedure 2.6, 3.5.9).

    `source` names the document (`settlement:12`). `on` is the Shanghai date of the voucher, that of `at` unless given; in a
    form `day_field` is where it was typed.
    Raises Invalid (unbalanced, fewer than two lines, a deposit or fund overdrawn, dated into a closed period), Conflict
    (booked already).
    """
    text = clean_line(text)
    if not text or not source:
        raise Invalid("分录须有摘要和单据。")
    if kind is EntryKind.REVERSAL:
        raise Invalid("冲销须指明被冲销的凭证。")
    open_book()
    day = on or clock.local(at).date()
    refuse_closed_day(day, day_field)
    return _booked(kind, lines, text, source, actor, at, day, payment_id, None)


def reverse(entry: LedgerEntry, *, reason: str, actor: Actor, at: datetime) -> LedgerEntry:
    """Book the mirror of an entry: the only correction there is. Its document may then be booked again.

    It bears the day on which it is booked, however old the entry is: what was closed and reported stays as it was.

    Raises Invalid (no reason, a balance would be overdrawn), Conflict (reversed already, itself a reversal, or a payment
    or deduction of the same document still rests on it).
    """
    reason = clean(reason)
    if not reason:
        raise Invalid("请写明冲销原因。", field="reason")
    open_book()
    refuse_unless_reversible(entry)
    day = clock.local(at).date()
    refuse_closed_day(day)
    lines = [
        Line(line.account, -line.amount_fen)
        for line in db.session.scalars(select(LedgerLine).where(LedgerLine.entry_id == entry.id))
    ]
    words = f"冲销 {entry.number}：{clean_line(reason)}"
    source = f"ledger_entry:{entry.id}"
    kind = EntryKind.REVERSAL
    return _booked(kind, lines, words, source, actor, at, day, entry.payment_id, entry.id)


def refuse_unless_reversible(entry: LedgerEntry) -> None:
    """Raise Conflict where an entry cannot be reversed: it was, it is a reversal, or another entry rests on it."""
    if entry.reverses_id is not None:
        raise Conflict("冲销凭证不能再冲销；请重新入账。")
    if is_reversed(entry):
        raise Conflict(f"凭证 {entry.number} 已经冲销。")
    for kind in RESTS_ON.get(entry.kind, ()):
        resting = standing(entry.source, kind)
        if resting is not None:
            raise Conflict(f"请先冲销同一单据的{kind}（凭证 {resting.number}）。")


def is_reversed(entry: LedgerEntry) -> bool:
    """Whether an entry has been reversed, as the database stands now."""
    query = select(LedgerEntry.id).where(LedgerEntry.reverses_id == entry.id)
    return db.session.scalar(query) is not None


def standing(source: str, kind: EntryKind) -> LedgerEntry | None:
    """The entry of a document and kind that is not reversed, if there is one."""
    newest = (
        select(LedgerEntry)
        .where(LedgerEntry.source == source, LedgerEntry.kind == kind)
        .order_by(LedgerEntry.turn.desc())
        .limit(1)
    )
    entry = db.session.scalars(newest).one_or_none()
    return None if entry is None or is_reversed(entry) else entry


def _booked(
    kind: EntryKind,
    lines: Iterable[Line],
    words: str,
    source: str,
    actor: Actor,
    at: datetime,
    day: date,
    payment_id: int | None,
    reverses_id: int | None,
) -> LedgerEntry:
    db.session.flush()
    sums = _summed(lines)
    _refuse_overdrawn(sums)
    of_source = select(LedgerEntry).where(LedgerEntry.source == source, LedgerEntry.kind == kind)
    earlier = db.session.scalars(of_source).all()
    for one in earlier:
        if not is_reversed(one):
            raise Conflict(f"这张单据已经记账（{kind}，凭证 {one.number}）。")
    number = (db.session.scalar(select(func.max(LedgerEntry.id))) or 0) + 1
    db.session.execute(
        _LINES.insert(),
        [
            {"entry_id": number, "account_id": account.id, "amount_fen": fen}
            for account, fen in sums.items()
        ],
    )
    values = {
        "id": number,
        "on": day,
        "at": at,
        "kind": kind,
        "text": words,
        "source": source,
        "turn": len(earlier),
        "payment_id": payment_id,
        "reverses_id": reverses_id,
        "by_id": actor.id,
    }
    db.session.execute(_ENTRIES.insert(), values)
    for account in sums:
        db.session.expire(account, ["balance_fen"])
    shown = [[account.key, fen] for account, fen in sums.items()]
    record(
        SUBJECT,
        number,
        "post" if reverses_id is None else "reverse",
        actor=actor,
        at=at,
        clause="2.6",
        facts={"kind": kind.value, "on": day.isoformat(), "source": source, "lines": shown}
        | ({"reverses": reverses_id, "text": words} if reverses_id else {}),
    )
    return db.session.get_one(LedgerEntry, number)


def _summed(lines: Iterable[Line]) -> dict[LedgerAccount, int]:
    """One amount for each account, in the order of the lines. Raises Invalid where they do not make an entry."""
    sums: dict[LedgerAccount, int] = {}
    for account, fen in lines:
        sums[account] = sums.get(account, 0) + fen
    sums = {account: fen for account, fen in sums.items() if fen}
    if len(sums) < 2:
        raise Invalid("分录至少要有一借一贷两行。")
    if sum(sums.values()):
        raise Invalid(f"分录借贷不平，相差 {show_fen(abs(sum(sums.values())))} 元。")
    return sums


def _refuse_overdrawn(sums: dict[LedgerAccount, int]) -> None:
    for account, fen in sums.items():
        held = balance(account)
        too_low = account.kind in NEVER_DEBIT and held + fen > 0
        if too_low or (account.kind in NEVER_CREDIT and held + fen < 0):
            raise Invalid(f"{account.name}余额不足：现有 {show_fen(abs(held))} 元。")
