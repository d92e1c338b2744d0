"""Rows of reconciliation: a file of the bank as it came, and its lines."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ticketing.books.payments.models import Payment
from ticketing.kernel.db import Base, Id, only_where
from ticketing.kernel.enums import Labelled
from ticketing.masters.people.models import User


class Way(Labelled):
    """How a line of the bank was found to be a payment."""

    REFERENCE = "reference", "流水号、金额一致"
    SPLIT = "split", "同一流水号合计一致"
    GUESS = "guess", "收款方、金额、日期一致"


class BankFile(Base):
    """A file of the bank: its rows as they came (JSON), which column is what, and once read its totals.

    `columns` is empty until somebody has said, or the heads have told, which column is what.
    """

    __tablename__ = "bank_file"

    id: Mapped[Id]
    name: Mapped[str]
    rows: Mapped[str] = mapped_column(deferred=True)
    columns: Mapped[str] = mapped_column(default="")
    line_count: Mapped[int] = mapped_column(default=0)
    total_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    at: Mapped[datetime]
    by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))

    by: Mapped[User] = relationship()


class BankLine(Base):
    """One line of a bank's file; money out is positive, a refund negative. Nothing is left out for looking like another."""

    __tablename__ = "bank_line"
    __table_args__ = (
        UniqueConstraint("file_id", "row"),
        Index(None, "file_id", "payment_id"),
        Index(None, "payment_id", **only_where("payment_id IS NOT NULL")),
    )

    id: Mapped[Id]
    file_id: Mapped[int] = mapped_column(ForeignKey("bank_file.id"))
    row: Mapped[int]
    on: Mapped[date]
    reference: Mapped[str]
    payee: Mapped[str]
    text: Mapped[str]
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payment.id"))
    way: Mapped[Way | None]

    payment: Mapped[Payment | None] = relationship()
