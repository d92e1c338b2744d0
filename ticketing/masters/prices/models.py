"""Rows of price lists: versions of a contract's prices with their lines, proposed by one person, agreed to by another."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ticketing.kernel.db import Base, Id, only_where
from ticketing.kernel.enums import Labelled
from ticketing.masters.contractors.models import Contract
from ticketing.masters.people.models import User
from ticketing.procedure.settlement import PriceBasis


class ListState(Labelled):
    """What became of a version."""

    DRAFT = "draft", "拟订中"
    PROPOSED = "proposed", "待同意"
    IN_FORCE = "in_force", "已同意"
    DECLINED = "declined", "未同意"
    DROPPED = "dropped", "已放弃"

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to decide about it."""
        return self in (ListState.DRAFT, ListState.PROPOSED)


class PriceList(Base):
    """One version 第 n 版 of a contract's price list, in force from a date on (procedure 3.5.5, 3.5.6).

    Its lines are written with it and never changed; a new version takes over from its own date. `based_on_id` is the version
    it was compared with. `basis` says whether its prices hold the tax. Agreed to late, it counts from that day on and for
    what is ordered after that instant only: never for what has begun (trust: S9). `answer` says why it was declined.
    """

    __tablename__ = "price_list"
    __table_args__ = (
        UniqueConstraint("contract_id", "edition"),
        CheckConstraint("edition >= 1", name="edition"),
        CheckConstraint("reason <> ''", name="reason"),
        CheckConstraint(
            "decided_by_id <> entered_by_id OR state NOT IN ('in_force', 'declined')",
            name="two_people",
        ),
        CheckConstraint(
            "state = 'dropped' OR (state = 'draft') = (proposed_at IS NULL)", name="proposed"
        ),
        CheckConstraint("(state IN ('draft', 'proposed')) = (decided_at IS NULL)", name="decided"),
        CheckConstraint("(decided_at IS NULL) = (decided_by_id IS NULL)", name="decided_by"),
        CheckConstraint("state <> 'declined' OR answer <> ''", name="answer"),
        Index("uq_price_list_draft", "contract_id", unique=True, **only_where("state = 'draft'")),
        Index(
            "uq_price_list_proposed", "contract_id", unique=True, **only_where("state = 'proposed'")
        ),
        Index("ix_price_list_in_force", "contract_id", "state", "valid_from"),
    )

    id: Mapped[Id]
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    edition: Mapped[int]
    basis: Mapped[PriceBasis]
    valid_from: Mapped[date]
    reason: Mapped[str]
    based_on_id: Mapped[int | None] = mapped_column(ForeignKey("price_list.id"))
    state: Mapped[ListState] = mapped_column(default=ListState.DRAFT)
    entered_at: Mapped[datetime]
    entered_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    proposed_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    answer: Mapped[str] = mapped_column(default="")
    version: Mapped[int] = mapped_column()

    contract: Mapped[Contract] = relationship()
    entered_by: Mapped[User] = relationship(foreign_keys=[entered_by_id])
    decided_by: Mapped[User | None] = relationship(foreign_keys=[decided_by_id])

    __mapper_args__ = {"version_id_col": version}

    @property
    def title(self) -> str:
        """How papers name it: ``YX-SD-01 第 2 版``."""
        return f"{self.contract.number} 第 {self.edition} 版"


class PriceLine(Base):
    """One price: code 价目编号, item, unit, price in thousandths of a yuan, of which labour, material, machine where told.

    `code_key` and `item_key` are code and item with unit as they are compared; `words` is where people search.
    """

    __tablename__ = "price_line"
    __table_args__ = (
        UniqueConstraint("list_id", "position"),
        UniqueConstraint("list_id", "item_key"),
        CheckConstraint("item <> '' AND unit <> ''", name="named"),
        CheckConstraint("price_milli > 0", name="price"),
        CheckConstraint(
            "labour_milli >= 0 AND material_milli >= 0 AND machine_milli >= 0", name="parts"
        ),
        Index(
            "uq_price_line_code", "list_id", "code_key", unique=True, **only_where("code_key <> ''")
        ),
    )

    id: Mapped[Id]
    list_id: Mapped[int] = mapped_column(ForeignKey("price_list.id"))
    position: Mapped[int]
    code: Mapped[str] = mapped_column(default="")
    item: Mapped[str]
    unit: Mapped[str]
    price_milli: Mapped[int] = mapped_column(BigInteger)
    labour_milli: Mapped[int | None] = mapped_column(BigInteger)
    material_milli: Mapped[int | None] = mapped_column(BigInteger)
    machine_milli: Mapped[int | None] = mapped_column(BigInteger)
    note: Mapped[str] = mapped_column(default="")
    code_key: Mapped[str] = mapped_column(default="")
    item_key: Mapped[str]
    words: Mapped[str]

    price_list: Mapped[PriceList] = relationship(lazy="joined", innerjoin=True)
