"""Rows of the working funds: funds, slips, requests for money, counts, cash handed back."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ticketing.kernel.db import Base, Id, only_where
from ticketing.masters.contractors.models import RepairTeam
from ticketing.masters.estate.models import Community
from ticketing.masters.people.models import User
from ticketing.procedure.accounts import Purpose
from ticketing.procedure.imprest import FundKind, RequestState, SlipState, SpendingWay


class ImprestFund(Base):
    """A working fund: the one of the customer service department, or one of a repair team (procedure 3.6).

    Its ceiling is not its own: it is the parameter in force on the day. `keeper` holds the cash and answers for it.
    """

    __tablename__ = "imprest_fund"
    __table_args__ = (
        CheckConstraint("(kind = 'crew') = (team_id IS NOT NULL)", name="team"),
        CheckConstraint("closed_on IS NULL OR closed_on >= opened_on", name="closed"),
        Index("uq_imprest_fund_cs", "kind", unique=True, **only_where("kind = 'cs' AND closed_on IS NULL")),
        Index("uq_imprest_fund_team", "team_id", unique=True, **only_where("closed_on IS NULL")),
    )  # fmt: skip

    id: Mapped[Id]
    kind: Mapped[FundKind]
    team_id: Mapped[int | None] = mapped_column(ForeignKey("repair_team.id"))
    keeper_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    opened_on: Mapped[date]
    opened_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    closed_on: Mapped[date | None]
    version: Mapped[int] = mapped_column()

    team: Mapped[RepairTeam | None] = relationship()
    keeper: Mapped[User] = relationship(foreign_keys=[keeper_id])

    __mapper_args__ = {"version_id_col": version}

    @property
    def name(self) -> str:
        """Whose fund it is."""
        return self.team.name if self.team is not None else self.kind.label


class ImprestRequest(Base):
    """The keeper or finance asks for money: the first advance, or what brings the fund up to its ceiling again (procedure 3.6).

    `slips_fen` is the sum of the slips handed in with it, `ceiling_fen` the ceiling then; `mark` is the last entry of the ledger
    at that moment, so that what happened since can be told. It stands until its payment is released, or it is withdrawn.
    """

    __tablename__ = "imprest_request"
    __table_args__ = (
        CheckConstraint("purpose IN ('imprest_advance', 'imprest_replenishment')", name="purpose"),
        CheckConstraint("amount_fen > 0 AND slips_fen >= 0 AND ceiling_fen > 0", name="amounts"),
        CheckConstraint("(state = 'withdrawn') = (withdrawn_why <> '')", name="withdrawn"),
        CheckConstraint("(state = 'paid') = (paid_at IS NOT NULL)", name="paid"),
        Index("uq_imprest_request_open", "fund_id", unique=True, **only_where("state = 'asked'")),
        Index(None, "fund_id", "id"),
    )

    id: Mapped[Id]
    fund_id: Mapped[int] = mapped_column(ForeignKey("imprest_fund.id"))
    purpose: Mapped[Purpose]
    state: Mapped[RequestState] = mapped_column(default=RequestState.ASKED)
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    slips_fen: Mapped[int] = mapped_column(BigInteger)
    ceiling_fen: Mapped[int] = mapped_column(BigInteger)
    mark: Mapped[int] = mapped_column(BigInteger)
    note: Mapped[str] = mapped_column(default="")
    asked_at: Mapped[datetime]
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    paid_at: Mapped[datetime | None]
    withdrawn_why: Mapped[str] = mapped_column(default="")
    version: Mapped[int] = mapped_column()

    fund: Mapped[ImprestFund] = relationship()
    asked_by: Mapped[User] = relationship()
    slips: Mapped[list[ImprestSlip]] = relationship(
        back_populates="request", order_by="ImprestSlip.id", viewonly=True
    )

    __mapper_args__ = {"version_id_col": version}

    @property
    def source(self) -> str:
        """How its payment names it."""
        return f"imprest_request:{self.id}"


class ImprestSlip(Base):
    """What was bought out of a fund 单据: booked when it is written down, changed never, struck by a reversal (procedure 3.6).

    A crew's slip names an order of its team. `request` is the living request it was handed in with; `cleared_at` is when finance
    confirmed that the paid settlement of its order gave the money back.
    """

    __tablename__ = "imprest_slip"
    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint("what <> '' AND payee <> ''", name="named"),
        CheckConstraint(
            "(order_id IS NULL) = (order_number = '') AND (order_id IS NULL OR community_id IS NOT NULL)",
            name="order",
        ),
        CheckConstraint(
            "(request_id IS NULL OR (cleared_at IS NULL AND struck_at IS NULL))"
            " AND (cleared_at IS NULL OR struck_at IS NULL)",
            name="one_end",
        ),
        Index(None, "fund_id", "on", "id"),
        Index(None, "request_id"),
        Index(None, "order_id"),
    )

    id: Mapped[Id]
    fund_id: Mapped[int] = mapped_column(ForeignKey("imprest_fund.id"))
    on: Mapped[date]
    what: Mapped[str]
    payee: Mapped[str]
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    way: Mapped[SpendingWay]
    urgent: Mapped[bool] = mapped_column(default=False)
    community_id: Mapped[int | None] = mapped_column(ForeignKey("community.id"))
    order_id: Mapped[int | None] = mapped_column(ForeignKey("work_order.id"))
    order_number: Mapped[str] = mapped_column(default="")
    entered_at: Mapped[datetime]
    entered_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    request_id: Mapped[int | None] = mapped_column(ForeignKey("imprest_request.id"))
    cleared_at: Mapped[datetime | None]
    struck_at: Mapped[datetime | None]

    fund: Mapped[ImprestFund] = relationship()
    community: Mapped[Community | None] = relationship()
    entered_by: Mapped[User] = relationship()
    request: Mapped[ImprestRequest | None] = relationship(back_populates="slips")

    @property
    def source(self) -> str:
        """How its bookings name it."""
        return f"slip:{self.id}"

    @property
    def state(self) -> SlipState:
        """Where it stands."""
        if self.struck_at is not None:
            return SlipState.STRUCK
        if self.request is not None:
            paid = self.request.state is RequestState.PAID
            return SlipState.SETTLED if paid else SlipState.HANDED_IN
        return SlipState.SETTLED if self.cleared_at is not None else SlipState.OPEN


class ImprestCount(Base):
    """The cash of a fund counted by its keeper before a witness; a difference is explained and booked the same day (procedure 3.6).

    `book_fen` is what the ledger said at that moment.
    """

    __tablename__ = "imprest_count"
    __table_args__ = (
        CheckConstraint("counted_fen >= 0 AND book_fen >= 0", name="amounts"),
        CheckConstraint("counted_fen = book_fen OR explanation <> ''", name="explanation"),
        CheckConstraint("witness_id <> counted_by_id", name="two_people"),
        Index(None, "fund_id", "on"),
    )

    id: Mapped[Id]
    fund_id: Mapped[int] = mapped_column(ForeignKey("imprest_fund.id"))
    on: Mapped[date]
    counted_fen: Mapped[int] = mapped_column(BigInteger)
    book_fen: Mapped[int] = mapped_column(BigInteger)
    explanation: Mapped[str] = mapped_column(default="")
    counted_at: Mapped[datetime]
    counted_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    witness_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    reversed_at: Mapped[datetime | None]

    counted_by: Mapped[User] = relationship(foreign_keys=[counted_by_id])
    witness: Mapped[User] = relationship(foreign_keys=[witness_id])

    @property
    def source(self) -> str:
        """How its booking names it."""
        return f"imprest_count:{self.id}"

    @property
    def difference_fen(self) -> int:
        """What was counted over (positive) or short of (negative) the books."""
        return self.counted_fen - self.book_fen


class ImprestReturn(Base):
    """Cash a fund handed back to the bank, as at the end of the year (procedure 3.6). `left_fen` is the cash it kept."""

    __tablename__ = "imprest_return"
    __table_args__ = (
        CheckConstraint("amount_fen > 0 AND left_fen >= 0", name="amounts"),
        CheckConstraint("bank_reference <> ''", name="bank_reference"),
        Index(None, "fund_id", "on"),
    )

    id: Mapped[Id]
    fund_id: Mapped[int] = mapped_column(ForeignKey("imprest_fund.id"))
    on: Mapped[date]
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    left_fen: Mapped[int] = mapped_column(BigInteger)
    bank_reference: Mapped[str]
    entered_at: Mapped[datetime]
    entered_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    reversed_at: Mapped[datetime | None]

    entered_by: Mapped[User] = relationship()

    @property
    def source(self) -> str:
        """How its booking names it."""
        return f"imprest_return:{self.id}"
