"""Reading payments: what waits to be paid, the list, one payment, and the proof that each is booked.

Payments are the company's: whoever may read the books reads all of them (access matrix 30), so nothing is narrowed here.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from ticketing.books.ledger.models import LedgerAccount, LedgerEntry, LedgerLine
from ticketing.books.payments.models import SUBJECT, Payment
from ticketing.books.payments.purposes import HANDLERS, Claim
from ticketing.journal.queries import told
from ticketing.kernel.db import db, written
from ticketing.kernel.errors import NotFound
from ticketing.kernel.text import show_fen
from ticketing.procedure.accounts import LIVE, AccountKind, PaymentState, Purpose
from ticketing.procedure.permissions import Act

PAGE = 50
_IS_LIVE = Payment.state.not_in(
    [written(Payment.state, one) for one in PaymentState if one not in LIVE]
)


class Waiting(NamedTuple):
    """A document that owes something and has no payment yet."""

    purpose: Purpose
    claim: Claim


def waiting() -> list[Waiting]:
    """Everything that is owed and not yet prepared, the most pressing first (procedure 2.6, 3.5.9)."""
    found = [
        Waiting(purpose, claim)
        for purpose, handler in HANDLERS.items()
        for claim in handler.claims()
    ]
    if not found:
        return []
    sources = [one.claim.source for one in found]
    taken = set(
        db.session.scalars(select(Payment.source).where(_IS_LIVE, Payment.source.in_(sources)))
    )
    open_ones = [one for one in found if one.claim.source not in taken]
    return sorted(open_ones, key=lambda one: (one.claim.due_on or date.max, one.claim.source))


def payment(payment_id: int) -> Payment:
    """One payment with the people who made and released it. Raises NotFound."""
    found = db.session.scalars(
        select(Payment)
        .where(Payment.id == payment_id)
        .options(
            joinedload(Payment.prepared_by),
            joinedload(Payment.released_by),
            joinedload(Payment.voided_by),
        )
    ).one_or_none()
    if found is None:
        raise NotFound
    return found


@dataclass(frozen=True)
class Wanted:
    """Which payments a list shows: in a state, for a purpose, paid in a period (dates inclusive); below `before`."""

    state: PaymentState | None = None
    purpose: Purpose | None = None
    since: date | None = None
    until: date | None = None
    before: int | None = None


def payments(wanted: Wanted) -> tuple[Sequence[Payment], str]:
    """A page of payments, the newest first, and where the next page begins ('' at the end)."""
    query = select(Payment).options(
        joinedload(Payment.prepared_by), joinedload(Payment.released_by)
    )
    if wanted.state is not None:
        query = query.where(Payment.state == wanted.state)
    if wanted.purpose is not None:
        query = query.where(Payment.purpose == wanted.purpose)
    if wanted.since is not None:
        query = query.where(Payment.paid_on >= wanted.since)
    if wanted.until is not None:
        query = query.where(Payment.paid_on <= wanted.until)
    if wanted.before is not None:
        query = query.where(Payment.id < wanted.before)
    rows = db.session.scalars(query.order_by(Payment.id.desc()).limit(PAGE + 1)).all()
    return rows[:PAGE], str(rows[PAGE - 1].id) if len(rows) > PAGE else ""


class Pile(NamedTuple):
    """Something that waits: how many, and how much in fen."""

    number: int
    fen: int


def prepared() -> Pile:
    """The payments that wait to be released."""
    number, fen = db.session.execute(
        select(func.count(), func.coalesce(func.sum(Payment.amount_fen), 0)).where(
            Payment.state == written(Payment.state, PaymentState.PREPARED)
        )
    ).one()
    return Pile(int(number), int(fen))


def entries_of(payment_id: int) -> Sequence[LedgerEntry]:
    """What was booked for a payment, reversals too."""
    return db.session.scalars(
        select(LedgerEntry)
        .where(LedgerEntry.payment_id == payment_id)
        .options(joinedload(LedgerEntry.reversed_by))
        .order_by(LedgerEntry.id)
    ).all()


class Verdict(NamedTuple):
    """How many payments were looked at, and a sentence for each fault."""

    checked: int
    faults: list[str]


def verify() -> Verdict:
    """Whether every payment is booked as its state says, once, in its amount, or reversed; none twice; each as journalled."""
    sums = db.session.execute(
        select(LedgerEntry.payment_id, func.sum(LedgerLine.amount_fen))
        .join(LedgerLine, LedgerLine.entry_id == LedgerEntry.id)
        .join(LedgerLine.account)
        .where(LedgerEntry.payment_id.is_not(None), LedgerAccount.kind == AccountKind.BANK)
        .group_by(LedgerEntry.payment_id)
    )
    booked = {payment_id: int(fen) for payment_id, fen in sums}
    linked = set(
        db.session.scalars(
            select(LedgerEntry.payment_id).where(LedgerEntry.payment_id.is_not(None)).distinct()
        )
    )
    faults, count, sources = [], 0, set()
    for row in db.session.scalars(select(Payment).order_by(Payment.id)):
        count += 1
        left = -booked.get(row.id, 0)
        wanted = row.amount_fen if row.state is PaymentState.RELEASED else 0
        if left != wanted:
            faults.append(
                f"付款单 {row.number}（{row.state}）：应入账 {show_fen(wanted)}，实为 {show_fen(left)}"
            )
        should = row.state in (PaymentState.RELEASED, PaymentState.REVERSED)
        if should is not (row.id in linked):
            faults.append(
                f"付款单 {row.number}（{row.state}）：{'没有' if should else '不应有'}凭证"
            )
        if row.state in LIVE:
            if row.source in sources:
                faults.append(f"付款单 {row.number}：单据 {row.source} 有两张付款单")
            sources.add(row.source)
    return Verdict(count, [*faults, *_journalled()])


def _journalled() -> Iterator[str]:
    """Each payment as it was journalled when it was prepared and released: whom, how much, when, how, and by whom."""
    facts_of: dict[int, dict[Act, tuple[object, ...]]] = defaultdict(dict)
    for line, facts in told(SUBJECT, (Act.PREPARE_PAYMENT.value, Act.RELEASE_PAYMENT.value)):
        what = (facts["source"], facts["payee"], facts["amount_fen"], line.actor_id)
        how = (facts.get("paid_on"), facts.get("bank_reference"))
        facts_of[line.subject_id][Act(line.act)] = (*what, *how)
    for row in db.session.scalars(select(Payment).order_by(Payment.id)):
        document = (row.source, row.payee, row.amount_fen)
        wanted: dict[Act, tuple[object, ...]] = {
            Act.PREPARE_PAYMENT: (*document, row.prepared_by_id, None, None)
        }
        if row.paid_on is not None:
            day = row.paid_on.isoformat()
            wanted[Act.RELEASE_PAYMENT] = (*document, row.released_by_id, day, row.bank_reference)
        if facts_of[row.id] != wanted:
            yield f"付款单 {row.number}：与审计日志所记的制单、放款不符"
