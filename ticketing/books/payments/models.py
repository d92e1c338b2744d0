"""Rows of payments."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ticketing.kernel.db import Base, Id, only_where
from ticketing.masters.people.models import User
from ticketing.procedure.accounts import PaymentState, Purpose

SUBJECT = "payment"
"""Its name in the journal."""

_LIVE = only_where("state NOT IN ('voided', 'reversed')")

_PREPARED = only_where("state = 'prepared'")


class Payment(Base):
    """Money that leaves the house: prepared from the document that owes it, released by another person (procedure 3.5.9).

    `source` is that document (`settlement:12`): while a payment of it is neither voided nor reversed there is no second one.
    Purpose, source, payee and amount are never changed. `paid_on` and `bank_reference` say how it left.
    """

    __tablename__ = "payment"
    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint("source <> '' AND payee <> ''", name="named"),
        CheckConstraint("released_by_id <> prepared_by_id", name="two_people"),
        CheckConstraint(
            "(state IN ('released', 'reversed')) = (released_at IS NOT NULL)", name="released"
        ),
        CheckConstraint(
            "released_at IS NULL OR (released_by_id IS NOT NULL AND paid_on IS NOT NULL"
            " AND bank_reference <> '')",
            name="released_by",
        ),
        CheckConstraint(
            "(state = 'voided') = (voided_at IS NOT NULL)"
            " AND (voided_at IS NULL OR (voided_by_id IS NOT NULL AND void_reason <> ''))",
            name="voided",
        ),
        CheckConstraint("(state = 'reversed') = (reversed_at IS NOT NULL)", name="reversed"),
        Index("uq_payment_source", "source", unique=True, **_LIVE),
        Index(None, "state", "id"),
        Index("ix_payment_prepared", "id", "amount_fen", **_PREPARED),
        Index(None, "paid_on", "id"),
        Index(None, "contractor_id", "id"),
    )

    id: Mapped[Id]
    purpose: Mapped[Purpose]
    source: Mapped[str]
    payee: Mapped[str]
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    text: Mapped[str]
    path: Mapped[str] = mapped_column(default="")
    community_id: Mapped[int | None] = mapped_column(ForeignKey("community.id"))
    contractor_id: Mapped[int | None] = mapped_column(ForeignKey("contractor.id"))
    contract_id: Mapped[int | None] = mapped_column(ForeignKey("contract.id"))
    due_on: Mapped[date | None]
    state: Mapped[PaymentState] = mapped_column(default=PaymentState.PREPARED)
    version: Mapped[int] = mapped_column()

    prepared_at: Mapped[datetime]
    prepared_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    released_at: Mapped[datetime | None]
    released_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    paid_on: Mapped[date | None]
    bank_reference: Mapped[str] = mapped_column(default="")
    voided_at: Mapped[datetime | None]
    voided_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    void_reason: Mapped[str] = mapped_column(default="")
    reversed_at: Mapped[datetime | None]

    prepared_by: Mapped[User] = relationship(foreign_keys=[prepared_by_id])
    released_by: Mapped[User | None] = relationship(foreign_keys=[released_by_id])
    voided_by: Mapped[User | None] = relationship(foreign_keys=[voided_by_id])

    __mapper_args__ = {"version_id_col": version}

    @property
    def number(self) -> str:
        """The printed number of the payment slip."""
        return f"付-{self.id:06d}"
