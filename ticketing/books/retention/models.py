"""Rows of deposits: what was entered, what contractors paid in, applications for release with their opinion."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ticketing.kernel.db import Base, Id, only_where
from ticketing.masters.contractors.models import Contract, Contractor
from ticketing.masters.people.models import User
from ticketing.procedure.accounts import ANSWER_DAYS, ReleaseStage

_WAITING = only_where("settled_at IS NULL")
_OPEN = only_where("stage NOT IN ('paid', 'withdrawn')")


class RetentionDeposit(Base):
    """A deposit that finance enters with its voucher and audit agrees to: booked then (procedure 2.6, 2.7).

    The amount is the contract's; where that was raised later, the difference.
    """

    __tablename__ = "retention_deposit"
    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint("voucher <> ''", name="voucher"),
        CheckConstraint("settled_by_id <> entered_by_id", name="two_people"),
        CheckConstraint("(settled_at IS NULL) = (settled_by_id IS NULL)", name="settled_by"),
        CheckConstraint("(settled_at IS NULL) = (agreed IS NULL)", name="agreed"),
        CheckConstraint("agreed IS NULL OR agreed = true OR answer <> ''", name="answer"),
        Index("uq_retention_deposit_waiting", "contract_id", unique=True, **_WAITING),
    )

    id: Mapped[Id]
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"), index=True)
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    voucher: Mapped[str]
    on: Mapped[date]
    entered_at: Mapped[datetime]
    entered_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    settled_at: Mapped[datetime | None]
    settled_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    agreed: Mapped[bool | None]
    answer: Mapped[str] = mapped_column(default="")
    reversed_at: Mapped[datetime | None]

    contract: Mapped[Contract] = relationship()
    entered_by: Mapped[User] = relationship(foreign_keys=[entered_by_id])
    settled_by: Mapped[User | None] = relationship(foreign_keys=[settled_by_id])

    @property
    def source(self) -> str:
        """How its booking names it."""
        return f"retention_deposit:{self.id}"


class ContractorReceipt(Base):
    """Money a contractor paid in for what he owes beyond his deposit (procedure 2.6)."""

    __tablename__ = "contractor_receipt"
    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint("bank_reference <> ''", name="bank_reference"),
    )

    id: Mapped[Id]
    contractor_id: Mapped[int] = mapped_column(ForeignKey("contractor.id"), index=True)
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    received_on: Mapped[date]
    bank_reference: Mapped[str]
    payer: Mapped[str]
    entered_at: Mapped[datetime]
    entered_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    reversed_at: Mapped[datetime | None]

    contractor: Mapped[Contractor] = relationship()
    entered_by: Mapped[User] = relationship()

    @property
    def source(self) -> str:
        """How its booking names it."""
        return f"contractor_receipt:{self.id}"


class RetentionRelease(Base):
    """A contractor's application to be paid his deposit, its verification, and the opinion of 3.6.2.

    `quality` and `cooperation` are scores out of 100, `open_items` what stood open under the contract when the opinion was
    written. `deduct_fen` is to stay for them, `release_fen` to be paid. `reminded_on` is when the contractor called for an
    answer he had not had. One made before the defects liability period was over keeps by which reckoning it was `early`, and
    why it was taken all the same.
    """

    __tablename__ = "retention_release"
    __table_args__ = (
        CheckConstraint("applied_fen > 0", name="applied"),
        CheckConstraint("(early = '') = (early_why = '')", name="early"),
        CheckConstraint("quality BETWEEN 0 AND 100", name="quality"),
        CheckConstraint("cooperation BETWEEN 0 AND 100", name="cooperation"),
        CheckConstraint("deduct_fen >= 0 AND release_fen >= 0", name="amounts"),
        CheckConstraint(
            "stage NOT IN ('opined', 'paid') OR (opined_at IS NOT NULL AND verified_at IS NOT NULL"
            " AND opined_by_id IS NOT NULL AND release_fen IS NOT NULL AND opinion <> '')",
            name="opined",
        ),
        CheckConstraint("stage = 'applied' OR stage = 'withdrawn' OR verified_at IS NOT NULL", name="verified"),
        CheckConstraint("stage <> 'withdrawn' OR withdrawn_why <> ''", name="withdrawn"),
        Index("uq_retention_release_open", "contract_id", unique=True, **_OPEN),
    )  # fmt: skip

    id: Mapped[Id]
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"), index=True)
    stage: Mapped[ReleaseStage] = mapped_column(default=ReleaseStage.APPLIED)
    version: Mapped[int] = mapped_column()

    applied_on: Mapped[date]
    applied_fen: Mapped[int] = mapped_column(BigInteger)
    document: Mapped[str] = mapped_column(default="")
    early: Mapped[str] = mapped_column(default="")
    early_why: Mapped[str] = mapped_column(default="")
    entered_at: Mapped[datetime]
    entered_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    reminded_on: Mapped[date | None]

    verified_on: Mapped[date | None]
    verification: Mapped[str] = mapped_column(default="")
    verified_at: Mapped[datetime | None]
    verified_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))

    quality: Mapped[int | None]
    cooperation: Mapped[int | None]
    opinion: Mapped[str] = mapped_column(default="")
    open_items: Mapped[str] = mapped_column(default="")
    deduct_fen: Mapped[int | None] = mapped_column(BigInteger)
    release_fen: Mapped[int | None] = mapped_column(BigInteger)
    opined_at: Mapped[datetime | None]
    opined_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    withdrawn_why: Mapped[str] = mapped_column(default="")

    contract: Mapped[Contract] = relationship()
    entered_by: Mapped[User] = relationship(foreign_keys=[entered_by_id])
    verified_by: Mapped[User | None] = relationship(foreign_keys=[verified_by_id])
    opined_by: Mapped[User | None] = relationship(foreign_keys=[opined_by_id])

    __mapper_args__ = {"version_id_col": version}

    @property
    def source(self) -> str:
        """How its payment names it."""
        return f"retention_release:{self.id}"

    @property
    def verify_due_on(self) -> date:
        """Until when the application is to be verified together: 14 days."""
        return self.applied_on + timedelta(days=ANSWER_DAYS)

    @property
    def deemed_on(self) -> date | None:
        """The day after which silence counts as consent: 14 days after the contractor's reminder; None without one."""
        return self.reminded_on and self.reminded_on + timedelta(days=ANSWER_DAYS)

    @property
    def pay_due_on(self) -> date | None:
        """Until when it is to be paid: 14 days after it was verified."""
        return self.verified_on and self.verified_on + timedelta(days=ANSWER_DAYS)
