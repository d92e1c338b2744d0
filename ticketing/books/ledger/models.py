"""Rows of the sub-ledger: accounts, entries, their lines, requests to reverse an entry, closings of the books."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ticketing.kernel.db import Base, Id, only_where
from ticketing.masters.people.models import User
from ticketing.procedure.accounts import AccountKind, ClosingKind, EntryKind

_WAITING = only_where("settled_at IS NULL")
_REVERSALS = only_where("reverses_id IS NOT NULL")


class LedgerAccount(Base):
    """An account of the sub-ledger; `key` is its one identity (`retention:12`), `balance_fen` follows its lines.

    The balance of a deposit and of what is owed to the property company is never a debit, a fund's cash never a credit.
    `fund_id` is the fund of an imprest account.
    """

    __tablename__ = "ledger_account"
    __table_args__ = (
        CheckConstraint("kind <> 'retention' OR balance_fen <= 0", name="retention"),
        CheckConstraint("kind <> 'payable' OR balance_fen <= 0", name="payable"),
        CheckConstraint("kind <> 'imprest_cash' OR balance_fen >= 0", name="imprest_cash"),
        CheckConstraint("(kind = 'retention') = (contract_id IS NOT NULL)", name="contract"),
        CheckConstraint(
            "(kind IN ('receivable', 'contract_price')) = (contractor_id IS NOT NULL)",
            name="contractor",
        ),
        CheckConstraint(
            "(kind IN ('imprest_cash', 'imprest_slips')) = (fund_id IS NOT NULL)", name="fund"
        ),
        CheckConstraint(
            "kind NOT IN ('repair_cost_a', 'repair_cost_b') OR community_id IS NOT NULL",
            name="community",
        ),
        Index(None, "kind", "id"),
    )

    id: Mapped[Id]
    kind: Mapped[AccountKind]
    key: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    community_id: Mapped[int | None] = mapped_column(ForeignKey("community.id"))
    contract_id: Mapped[int | None] = mapped_column(ForeignKey("contract.id"))
    contractor_id: Mapped[int | None] = mapped_column(ForeignKey("contractor.id"), index=True)
    fund_id: Mapped[int | None] = mapped_column(BigInteger)
    balance_fen: Mapped[int] = mapped_column(BigInteger, default=0)


class LedgerEntry(Base):
    """One booking 凭证 of at least two lines that balance; never changed, only reversed (procedure 2.6, 3.5.9).

    `on` is its Shanghai date, `source` the document it books (`settlement:12`), which is booked once in each kind; `turn`
    counts how often that was reversed before. `payment_id` is the payment it belongs to.
    """

    __tablename__ = "ledger_entry"
    __table_args__ = (
        UniqueConstraint("source", "kind", "turn"),
        CheckConstraint("source <> ''", name="source"),
        CheckConstraint("text <> ''", name="text"),
        CheckConstraint("turn >= 0", name="turn"),
        CheckConstraint("(kind = 'reversal') = (reverses_id IS NOT NULL)", name="reversal"),
        Index(None, "on", "id"),
        Index("ix_ledger_entry_reversals", "reverses_id", **_REVERSALS),
    )

    id: Mapped[Id]
    on: Mapped[date]
    at: Mapped[datetime]
    kind: Mapped[EntryKind]
    text: Mapped[str]
    source: Mapped[str]
    turn: Mapped[int] = mapped_column(default=0)
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payment.id"), index=True)
    reverses_id: Mapped[int | None] = mapped_column(ForeignKey("ledger_entry.id"), unique=True)
    by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))

    by: Mapped[User] = relationship()
    reverses: Mapped[LedgerEntry | None] = relationship(
        remote_side="LedgerEntry.id", back_populates="reversed_by", viewonly=True
    )
    reversed_by: Mapped[LedgerEntry | None] = relationship(
        back_populates="reverses", viewonly=True, uselist=False
    )
    lines: Mapped[list[LedgerLine]] = relationship(
        back_populates="entry", order_by="LedgerLine.id", viewonly=True
    )

    @property
    def number(self) -> str:
        """The printed number of the voucher: entries are numbered without a gap."""
        return f"记-{self.id:06d}"


class LedgerLine(Base):
    """One line of an entry: an amount in fen on an account, debit positive, credit negative."""

    __tablename__ = "ledger_line"
    __table_args__ = (
        CheckConstraint("amount_fen <> 0", name="amount"),
        Index(None, "account_id", "id"),
    )

    id: Mapped[Id]
    entry_id: Mapped[int] = mapped_column(
        ForeignKey("ledger_entry.id", deferrable=True, initially="DEFERRED"), index=True
    )
    account_id: Mapped[int] = mapped_column(ForeignKey("ledger_account.id"))
    amount_fen: Mapped[int] = mapped_column(BigInteger)

    entry: Mapped[LedgerEntry] = relationship(back_populates="lines", viewonly=True)
    account: Mapped[LedgerAccount] = relationship(viewonly=True)


class ReversalRequest(Base):
    """Finance asks for an entry to be reversed, audit agrees or refuses (procedure 2.6, 2.7).

    For an entry of a payment it stands on the first of the payment's entries and means all of them.
    """

    __tablename__ = "reversal_request"
    __table_args__ = (
        CheckConstraint("reason <> ''", name="reason"),
        CheckConstraint("settled_by_id <> asked_by_id", name="two_people"),
        CheckConstraint("(settled_at IS NULL) = (settled_by_id IS NULL)", name="settled_by"),
        CheckConstraint("(settled_at IS NULL) = (agreed IS NULL)", name="agreed"),
        CheckConstraint("agreed IS NULL OR agreed = true OR answer <> ''", name="answer"),
        Index("uq_reversal_request_waiting", "entry_id", unique=True, **_WAITING),
    )

    id: Mapped[Id]
    entry_id: Mapped[int] = mapped_column(ForeignKey("ledger_entry.id"), index=True)
    reason: Mapped[str]
    asked_at: Mapped[datetime]
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    settled_at: Mapped[datetime | None]
    settled_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    agreed: Mapped[bool | None]
    answer: Mapped[str] = mapped_column(default="")

    entry: Mapped[LedgerEntry] = relationship()
    asked_by: Mapped[User] = relationship(foreign_keys=[asked_by_id])
    settled_by: Mapped[User | None] = relationship(foreign_keys=[settled_by_id])


class LedgerClosing(Base):
    """Finance asks that the books be closed through a month's last day 结账, or reopened 反结账; audit agrees or refuses.

    `through` is the day through which they are closed once it is agreed to: the newest agreed row says how they stand.
    Rows are numbered without a gap, one waits at a time, and what was asked or settled never changes (`ddl`). `last_entry` is
    the newest entry when it was agreed to: what bears a higher number was booked afterwards (access matrix 33).
    """

    __tablename__ = "ledger_closing"
    __table_args__ = (
        CheckConstraint("kind = 'close' OR reason <> ''", name="reason"),
        CheckConstraint("settled_by_id <> asked_by_id", name="two_people"),
        CheckConstraint("(settled_at IS NULL) = (settled_by_id IS NULL)", name="settled_by"),
        CheckConstraint("(settled_at IS NULL) = (agreed IS NULL)", name="agreed"),
        CheckConstraint("agreed IS NULL OR agreed = true OR answer <> ''", name="answer"),
        CheckConstraint("coalesce(agreed, false) = (last_entry IS NOT NULL)", name="last_entry"),
    )

    id: Mapped[Id]
    kind: Mapped[ClosingKind]
    through: Mapped[date]
    reason: Mapped[str] = mapped_column(default="")
    asked_at: Mapped[datetime]
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    settled_at: Mapped[datetime | None]
    settled_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    agreed: Mapped[bool | None]
    answer: Mapped[str] = mapped_column(default="")
    last_entry: Mapped[int | None] = mapped_column(BigInteger)

    asked_by: Mapped[User] = relationship(foreign_keys=[asked_by_id])
    settled_by: Mapped[User | None] = relationship(foreign_keys=[settled_by_id])

    @property
    def words(self) -> str:
        """What is asked, in words: ``结账至 2026-10-31``, ``反结账（2026-10-01 起重新开放）``."""
        if self.kind is ClosingKind.CLOSE:
            return f"{self.kind}至 {self.through}"
        return f"{self.kind}（{self.through + timedelta(days=1)} 起重新开放）"
