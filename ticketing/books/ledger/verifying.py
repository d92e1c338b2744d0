"""The proof of the books: everything recomputed from the lines, and the database's own guards looked for (procedure 2.6)."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import zip_longest
from typing import NamedTuple

from sqlalchemy import func, select, text
from sqlalchemy.orm import aliased

from ticketing.books.ledger import closing
from ticketing.books.ledger.commands import SUBJECT
from ticketing.books.ledger.ddl import TRIGGERS
from ticketing.books.ledger.models import LedgerAccount, LedgerClosing, LedgerEntry, LedgerLine
from ticketing.journal.queries import told
from ticketing.kernel import clock
from ticketing.kernel.db import db, dialect
from ticketing.kernel.text import show_fen
from ticketing.procedure.accounts import NEVER_CREDIT, NEVER_DEBIT, month_end
from ticketing.procedure.permissions import Act

_TRIGGER_NAMES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'",
}


class Verdict(NamedTuple):
    """What was counted, and a sentence for each fault."""

    accounts: int
    entries: int
    lines: int
    faults: list[str]


def verify() -> Verdict:
    """Recompute every balance, entry, reversal and the numbering from the lines; compare them with what was journalled."""
    accounts, entries, lines = (
        db.session.scalar(select(func.count()).select_from(model)) or 0
        for model in (LedgerAccount, LedgerEntry, LedgerLine)
    )
    proofs = (
        _guards,
        _balances,
        _entries,
        _numbering,
        _turns,
        _reversals,
        _journalled,
        _closings,
        _periods,
    )
    faults = [fault for proof in proofs for fault in proof()]
    return Verdict(accounts, entries, lines, faults)


def _guards() -> Iterator[str]:
    present = set(db.session.scalars(text(_TRIGGER_NAMES[dialect()])))
    for name in sorted(TRIGGERS[dialect()] - present):
        yield f"数据库缺少账簿的保护：{name}"


def _balances() -> Iterator[str]:
    sums = (
        select(LedgerLine.account_id, func.sum(LedgerLine.amount_fen).label("fen"))
        .group_by(LedgerLine.account_id)
        .subquery()
    )
    total = 0
    rows = db.session.execute(
        select(LedgerAccount, func.coalesce(sums.c.fen, 0))
        .outerjoin(sums, sums.c.account_id == LedgerAccount.id)
        .order_by(LedgerAccount.id)
    )
    for account, fen in rows:
        total += fen
        if account.balance_fen != fen:
            shown = f"余额记 {show_fen(account.balance_fen)}，分录合计 {show_fen(int(fen))}"
            yield f"账户 {account.name}：{shown}"
        if (account.kind in NEVER_DEBIT and fen > 0) or (account.kind in NEVER_CREDIT and fen < 0):
            yield f"账户 {account.name}：余额越过零，{show_fen(int(fen))}"
    if total:
        yield f"全部账户合计应为零，实为 {show_fen(int(total))}"


def _entries() -> Iterator[str]:
    rows = db.session.execute(
        select(LedgerEntry.id, func.count(LedgerLine.id), func.sum(LedgerLine.amount_fen))
        .outerjoin(LedgerLine, LedgerLine.entry_id == LedgerEntry.id)
        .group_by(LedgerEntry.id)
        .having((func.count(LedgerLine.id) < 2) | (func.sum(LedgerLine.amount_fen) != 0))
        .order_by(LedgerEntry.id)
    )
    for number, count, fen in rows:
        yield f"凭证 {number}：{count} 行，借贷相差 {show_fen(int(fen or 0))}"
    for number in db.session.scalars(
        select(LedgerLine.entry_id)
        .outerjoin(LedgerEntry, LedgerEntry.id == LedgerLine.entry_id)
        .where(LedgerEntry.id.is_(None))
        .distinct()
    ):
        yield f"凭证 {number}：只有分录，没有凭证"


def _numbering() -> Iterator[str]:
    count, last = db.session.execute(
        select(func.count(LedgerEntry.id), func.coalesce(func.max(LedgerEntry.id), 0))
    ).one()
    if count != last:
        yield f"凭证编号不连续：末号 {last}，共 {count} 张"


def _turns() -> Iterator[str]:
    """A document is booked once in each kind: of its entries all but the newest are reversed, numbered from nought."""
    undone = select(LedgerEntry.reverses_id).where(LedgerEntry.reverses_id.is_not(None))
    rows = db.session.execute(
        select(
            LedgerEntry.source,
            LedgerEntry.kind,
            func.count(),
            func.count(func.distinct(LedgerEntry.turn)),
            func.max(LedgerEntry.turn),
            func.count().filter(LedgerEntry.id.not_in(undone)),
        ).group_by(LedgerEntry.source, LedgerEntry.kind)
    )
    for source, kind, count, turns, last, live in rows:
        if live > 1 or turns != count or last != count - 1:
            yield f"单据 {source}：{kind}记账 {count} 次，其中 {live} 次未冲销"


def _reversals() -> Iterator[str]:
    again, undone = aliased(LedgerEntry), aliased(LedgerEntry)
    for number in db.session.scalars(
        select(again.id)
        .join(undone, again.reverses_id == undone.id)
        .where(undone.reverses_id.is_not(None))
    ):
        yield f"凭证 {number}：冲销了一张冲销凭证"
    pairs = (
        select(
            again.id.label("reversal"),
            LedgerLine.account_id.label("account"),
            func.sum(LedgerLine.amount_fen).label("fen"),
        )
        .join(LedgerLine, LedgerLine.entry_id.in_((again.id, again.reverses_id)))
        .where(again.reverses_id.is_not(None))
        .group_by(again.id, LedgerLine.account_id)
        .having(func.sum(LedgerLine.amount_fen) != 0)
        .subquery()
    )
    for number in db.session.scalars(select(pairs.c.reversal).distinct()):
        yield f"凭证 {number}：与被冲销的凭证不是镜像"


def _journalled() -> Iterator[str]:
    """Each entry as it was journalled when it was booked: lines altered so that they still balance are found by it."""
    lines: dict[int, dict[str, int]] = defaultdict(dict)
    for number, key, fen in db.session.execute(
        select(LedgerLine.entry_id, LedgerAccount.key, func.sum(LedgerLine.amount_fen))
        .join(LedgerLine.account)
        .group_by(LedgerLine.entry_id, LedgerAccount.key)
    ):
        lines[number][key] = int(fen)
    rows = db.session.execute(
        select(
            LedgerEntry.id,
            LedgerEntry.kind,
            LedgerEntry.on,
            LedgerEntry.source,
            LedgerEntry.reverses_id,
            LedgerEntry.by_id,
        )
    )
    booked = {
        number: (kind.value, on.isoformat(), source, reverses_id, by_id, lines[number])
        for number, kind, on, source, reverses_id, by_id in rows
    }
    for line, facts in told(SUBJECT, ("post", "reverse")):
        said = (
            facts["kind"],
            facts["on"],
            facts["source"],
            facts.get("reverses"),
            line.actor_id,
            dict(facts["lines"]),
        )
        if booked.pop(line.subject_id, None) != said:
            yield f"凭证 {line.subject_id}：与审计日志所记的入账不符"
    for number in sorted(booked):
        yield f"凭证 {number}：审计日志没有这次入账"


def _closings() -> Iterator[str]:
    """Each closing as it was journalled when it was asked and settled; it closes whole months that were over."""
    asked, settled = (
        {line.subject_id: (facts, line.actor_id) for line, facts in told(closing.SUBJECT, (act,))}
        for act in (Act.ASK_CLOSING.value, Act.AGREE_CLOSING.value)
    )
    unsettled = {"agreed": None, "answer": "", "last_entry": None}
    for row in db.session.scalars(select(LedgerClosing).order_by(LedgerClosing.id)):
        facts = closing.facts_of(row)
        answered = (facts, row.settled_by_id) if row.settled_at is not None else None
        if (asked.pop(row.id, None), settled.pop(row.id, None)) != (
            (facts | unsettled, row.asked_by_id),
            answered,
        ):
            yield f"结账申请 {row.id}：与审计日志所记的申请、审计意见不符"
        if row.through != month_end(row.through) or row.through >= clock.local(row.asked_at).date():
            yield f"结账申请 {row.id}：{row.through} 不是已经过完的月末"
    for number in sorted(asked.keys() | settled.keys()):
        yield f"结账申请 {number}：审计日志记有，账上没有"


def _periods() -> Iterator[str]:
    """No entry booked after a closing bears a day that was closed then; what was booked before it has a lower number."""
    rows = db.session.execute(
        select(LedgerClosing.through, LedgerClosing.last_entry)
        .where(LedgerClosing.agreed.is_(True))
        .order_by(LedgerClosing.id)
    ).all()
    following = [row.last_entry for row in rows[1:]]
    for (through, last), until in zip_longest(rows, following):
        late = select(LedgerEntry.id, LedgerEntry.on).where(
            LedgerEntry.id > last, LedgerEntry.on <= through
        )
        if until is not None:
            late = late.where(LedgerEntry.id <= until)
        for number, on in db.session.execute(late.order_by(LedgerEntry.id)):
            yield f"凭证 {number}：日期 {on} 在已结账的期间，却是结账（至 {through}）以后记的"
