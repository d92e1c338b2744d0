"""Reading what was reconciled: files, what of a file and of the books agrees on neither side."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from ticketing.books.banking.models import BankFile, BankLine, Way
from ticketing.books.payments.models import Payment
from ticketing.kernel.db import db
from ticketing.kernel.errors import NotFound
from ticketing.procedure.accounts import PaymentState

MARGIN = timedelta(days=10)
"""How far around the days of a file payments are looked for."""

PAGE = 200


def file(file_id: int) -> BankFile:
    """One file. Raises NotFound."""
    found = db.session.get(BankFile, file_id)
    if found is None:
        raise NotFound
    return found


def files(limit: int = 50) -> Sequence[BankFile]:
    """The latest files, the newest first."""
    return db.session.scalars(
        select(BankFile).options(joinedload(BankFile.by)).order_by(BankFile.id.desc()).limit(limit)
    ).all()


class Span(NamedTuple):
    """The first and last day of a file."""

    first: date
    last: date


def span(file_id: int) -> Span | None:
    """The days a file covers; None for one without lines."""
    first, last = db.session.execute(
        select(func.min(BankLine.on), func.max(BankLine.on)).where(BankLine.file_id == file_id)
    ).one()
    return Span(first, last) if first is not None else None


class Totals(NamedTuple):
    """What a file adds up to: lines and fen, those matched by each way, those left over, refunds, repeated references."""

    lines: int
    total_fen: int
    matched: dict[Way, tuple[int, int]]
    left: int
    left_fen: int
    refunds: int
    refunds_fen: int
    repeated: int


def totals(file_id: int) -> Totals:
    """The sums of a file; nothing is deduplicated away."""
    own = BankLine.file_id == file_id
    fen = func.coalesce(func.sum(BankLine.amount_fen), 0)
    lines, total, references = db.session.execute(
        select(
            func.count(),
            fen,
            func.count(func.distinct(BankLine.reference)).filter(BankLine.reference != ""),
        ).where(own)
    ).one()
    named = db.session.scalar(select(func.count()).where(own, BankLine.reference != "")) or 0
    ways = db.session.execute(
        select(BankLine.way, func.count(), fen)
        .where(own, BankLine.payment_id.is_not(None))
        .group_by(BankLine.way)
    )
    refunds, refunds_fen = db.session.execute(
        select(func.count(), fen).where(own, BankLine.amount_fen < 0)
    ).one()
    matched = {way: (int(n), int(sum_fen)) for way, n, sum_fen in ways if way is not None}
    left, left_fen = db.session.execute(
        select(func.count(), fen).where(
            own, BankLine.payment_id.is_(None), BankLine.amount_fen >= 0
        )
    ).one()
    return Totals(
        int(lines),
        int(total),
        matched,
        int(left),
        int(left_fen),
        int(refunds),
        int(refunds_fen),
        named - int(references),
    )


def lines(file_id: int, show: str, after: int = 0) -> tuple[Sequence[BankLine], str]:
    """A page of a file's lines by row: the matched, the unmatched, the refunds, or all; and where the next page begins."""
    query = select(BankLine).where(BankLine.file_id == file_id, BankLine.row > after)
    if show == "matched":
        query = query.where(BankLine.payment_id.is_not(None))
    elif show == "left":
        query = query.where(BankLine.payment_id.is_(None), BankLine.amount_fen >= 0)
    elif show == "refunds":
        query = query.where(BankLine.amount_fen < 0)
    rows = db.session.scalars(
        query.options(joinedload(BankLine.payment)).order_by(BankLine.row).limit(PAGE + 1)
    ).all()
    return rows[:PAGE], str(rows[PAGE - 1].row) if len(rows) > PAGE else ""


def unmatched_payments(days: Span, margin: timedelta = timedelta()) -> Sequence[Payment]:
    """The payments released in those days that no line of any file was found to be."""
    matched = select(BankLine.payment_id).where(BankLine.payment_id.is_not(None))
    return db.session.scalars(
        select(Payment)
        .where(
            Payment.state == PaymentState.RELEASED,
            Payment.paid_on.between(days.first - margin, days.last + margin),
            Payment.id.not_in(matched),
        )
        .order_by(Payment.paid_on, Payment.id)
    ).all()
