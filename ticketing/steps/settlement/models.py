"""Rows of an account: the settlement with its dates and names, and its lines, one set for each revision."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Table,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ticketing.casefile.tickets.models import Ticket
from ticketing.kernel.db import Base, Id, only_where
from ticketing.masters.contractors.models import Contract
from ticketing.masters.people.models import User
from ticketing.masters.prices.models import PriceLine, PriceList
from ticketing.procedure.repairs import OrderClass
from ticketing.procedure.settlement import (
    Confirmation,
    NoticeWay,
    PriceBasis,
    PriceSource,
    Reduction,
    SettlementStage,
    Terms,
    reduction,
)
from ticketing.procedure.vocabulary import Role
from ticketing.steps.work_orders.models import WorkOrder

SUBJECT = "settlement"
"""Its name in the journal."""

settlement_price_list = Table(
    "settlement_price_list",
    Base.metadata,
    Column("settlement_id", ForeignKey("settlement.id"), primary_key=True),
    Column("list_id", ForeignKey("price_list.id"), primary_key=True, index=True),
)
"""By which price lists an account goes: those that counted when its work was ordered. It keeps them."""


class Settlement(Base):
    """One account 维修工程决算书 / 结算书: a work order's costs as handed in and as approved (procedure 3.5.5, 3.5.6).

    Amounts are fen, rates basis points. `submitted_fen` is the total with tax as the captain handed it in, by which the
    route was chosen; `approved_fen` the total with tax as approved. `route` is whose review it needs. `chargeback_fen` is
    what the contractor of a class A repair owes, `deducted_fen` what of it was taken from his retention. `revision` counts
    how often the account was sent back; earlier lines stay. Where a deputy signed, `reviewed_for` and `certified_for` say in
    whose name (trust: S10). It keeps the parameters it began with, and of the contract what it said when the contractor was
    notified: his supplementary `agreement`, and whether by it silence counts as confirmation (`silence_confirms`).
    """

    __tablename__ = "settlement"
    __table_args__ = (
        CheckConstraint("order_class IN ('A', 'B')", name="order_class"),
        CheckConstraint(
            "submitted_fen >= 0 AND approved_fen >= 0 AND tax_fen >= 0 AND management_fen >= 0"
            " AND penalty_fen >= 0 AND chargeback_fen >= 0",
            name="amounts",
        ),
        CheckConstraint(
            "vat_bp BETWEEN 0 AND 10000 AND management_bp BETWEEN 0 AND 10000"
            " AND admin_bp BETWEEN 0 AND 10000",
            name="rates",
        ),
        CheckConstraint(
            "order_class = 'A' OR (contract_id IS NULL AND chargeback_fen = 0)", name="class_b"
        ),
        CheckConstraint(
            "stage NOT IN ('certified', 'paid') OR (certified_at IS NOT NULL AND approved_fen IS NOT NULL)",
            name="certified_at",
        ),
        CheckConstraint("(stage = 'paid') = (paid_at IS NOT NULL)", name="paid_at"),
        Index("ix_settlement_stage", "stage", "community_id", "id"),
        Index(
            "ix_settlement_open",
            "id",
            "community_id",
            "stage",
            "route",
            "order_class",
            "compiled_at",
            **only_where("stage <> 'paid'"),
        ),
        Index("ix_settlement_ticket", "ticket_id"),
        Index("ix_settlement_submitted", "submitted_at", "community_id"),
        Index("ix_settlement_certified", "certified_at", "community_id"),
        Index(
            "ix_settlement_notified",
            "notified_at",
            "community_id",
            **only_where("notified_at IS NOT NULL"),
        ),
        Index(
            "ix_settlement_disputed",
            "disputed_at",
            "community_id",
            **only_where("disputed_at IS NOT NULL"),
        ),
        Index("ix_settlement_paid", "paid_at", "community_id"),
    )

    id: Mapped[Id]
    number: Mapped[str] = mapped_column(unique=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("work_order.id"), unique=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    order_class: Mapped[OrderClass]
    stage: Mapped[SettlementStage] = mapped_column(default=SettlementStage.DRAFTING)
    version: Mapped[int] = mapped_column()
    revision: Mapped[int] = mapped_column(default=1)

    parameter_edition_id: Mapped[int | None] = mapped_column(ForeignKey("parameter_edition.id"))
    basis: Mapped[PriceBasis] = mapped_column(default=PriceBasis.EXCLUSIVE)
    vat_bp: Mapped[int]
    management_bp: Mapped[int] = mapped_column(default=0)
    submitted_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    approved_fen: Mapped[int | None] = mapped_column(BigInteger)
    management_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    tax_fen: Mapped[int] = mapped_column(BigInteger, default=0)

    drafted_at: Mapped[datetime]
    drafted_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    remark: Mapped[str] = mapped_column(default="")
    submitted_at: Mapped[datetime | None]
    submitted_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    route: Mapped[Role | None]
    reviewed_at: Mapped[datetime | None]
    reviewed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    reviewed_for_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    review: Mapped[str] = mapped_column(default="")
    compiled_at: Mapped[datetime | None]
    compiled_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    note: Mapped[str] = mapped_column(default="")

    contract_id: Mapped[int | None] = mapped_column(ForeignKey("contract.id"), index=True)
    admin_bp: Mapped[int] = mapped_column(default=0)
    penalty_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    chargeback_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    notified_at: Mapped[datetime | None]
    notified_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    notice_way: Mapped[NoticeWay | None]
    notice_evidence: Mapped[str] = mapped_column(default="")
    answer_due_on: Mapped[date | None]
    agreement: Mapped[str] = mapped_column(default="")
    silence_confirms: Mapped[bool] = mapped_column(default=False)
    reminded_at: Mapped[datetime | None]
    reminder_evidence: Mapped[str] = mapped_column(default="")
    confirmation: Mapped[Confirmation | None]
    confirmed_at: Mapped[datetime | None]
    confirmed_by: Mapped[str] = mapped_column(default="")
    confirmation_evidence: Mapped[str] = mapped_column(default="")
    disputed_at: Mapped[datetime | None]
    dispute: Mapped[str] = mapped_column(default="")

    certified_at: Mapped[datetime | None]
    certified_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    certified_for_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    opinion: Mapped[str] = mapped_column(default="")
    paid_at: Mapped[datetime | None]
    deducted_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    return_reason: Mapped[str] = mapped_column(default="")

    order: Mapped[WorkOrder] = relationship()
    ticket: Mapped[Ticket] = relationship()
    contract: Mapped[Contract | None] = relationship()
    drafted_by: Mapped[User] = relationship(foreign_keys=[drafted_by_id])
    submitted_by: Mapped[User | None] = relationship(foreign_keys=[submitted_by_id])
    reviewed_by: Mapped[User | None] = relationship(foreign_keys=[reviewed_by_id])
    reviewed_for: Mapped[User | None] = relationship(foreign_keys=[reviewed_for_id])
    compiled_by: Mapped[User | None] = relationship(foreign_keys=[compiled_by_id])
    notified_by: Mapped[User | None] = relationship(foreign_keys=[notified_by_id])
    certified_by: Mapped[User | None] = relationship(foreign_keys=[certified_by_id])
    certified_for: Mapped[User | None] = relationship(foreign_keys=[certified_for_id])
    price_lists: Mapped[list[PriceList]] = relationship(
        secondary=settlement_price_list, order_by=PriceList.id
    )
    lines: Mapped[list[SettlementLine]] = relationship(
        primaryjoin="and_(SettlementLine.settlement_id == Settlement.id,"
        " SettlementLine.revision == Settlement.revision, SettlementLine.dropped.is_(False))",
        order_by="SettlementLine.position",
        viewonly=True,
    )

    __mapper_args__ = {"version_id_col": version}

    @property
    def terms(self) -> Terms:
        """The rates it is reckoned by."""
        return Terms(self.basis, self.vat_bp, self.management_bp)

    @property
    def cut(self) -> Reduction | None:
        """审减, once it is approved."""
        if self.approved_fen is None:
            return None
        return reduction(self.submitted_fen, self.approved_fen)

    @property
    def title(self) -> str:
        """What the paper is called now: 决算书 until its review is done, 结算书 afterwards (procedure 3.5.6)."""
        return "维修工程结算书" if self.reviewed_at else "维修工程决算书"


class SettlementLine(Base):
    """One line of an account: as handed in, and beside it as approved (procedure 3.5.5, 3.5.6).

    Quantities and prices in thousandths. A line the reviewer adds was handed in as nothing; one he cuts is approved as
    nothing. `why` is asked where more was approved than handed in, or a price above the agreed one. A line its captain takes out of
    his draft is `dropped`. `listed` is its price on the account's price lists, whatever source it names.
    """

    __tablename__ = "settlement_line"
    __table_args__ = (
        UniqueConstraint("settlement_id", "revision", "position"),
        Index(None, "listed_id", **only_where("listed_id IS NOT NULL")),
        CheckConstraint("quantity_milli >= 0 AND price_milli >= 0", name="handed_in"),
        CheckConstraint(
            "approved_quantity_milli >= 0 AND approved_price_milli >= 0", name="approved"
        ),
        CheckConstraint("approved_fen <= submitted_fen OR why <> ''", name="reason_for_more"),
    )

    id: Mapped[Id]
    settlement_id: Mapped[int] = mapped_column(ForeignKey("settlement.id"))
    revision: Mapped[int]
    position: Mapped[int]
    source: Mapped[PriceSource]
    quota_code: Mapped[str] = mapped_column(default="")
    item: Mapped[str]
    place: Mapped[str] = mapped_column(default="")
    unit: Mapped[str]
    quantity_milli: Mapped[int] = mapped_column(BigInteger)
    price_milli: Mapped[int] = mapped_column(BigInteger)
    submitted_fen: Mapped[int] = mapped_column(BigInteger)
    approved_quantity_milli: Mapped[int | None] = mapped_column(BigInteger)
    approved_price_milli: Mapped[int | None] = mapped_column(BigInteger)
    approved_fen: Mapped[int | None] = mapped_column(BigInteger)
    why: Mapped[str] = mapped_column(default="")
    remark: Mapped[str] = mapped_column(default="")
    dropped: Mapped[bool] = mapped_column(default=False)
    listed_id: Mapped[int | None] = mapped_column(ForeignKey("price_line.id"))

    listed: Mapped[PriceLine | None] = relationship(lazy="joined")
