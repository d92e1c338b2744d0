"""Rows of those who built and those who repair: contractors, contracts, repair teams, workers, warranty promises."""

from __future__ import annotations

from datetime import date

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ticketing.kernel.db import Base, Id
from ticketing.masters.estate.models import Community
from ticketing.masters.people.models import User
from ticketing.procedure.repairs import Part, Trade


class Contractor(Base):
    """A construction company 施工单位; its contracts say what it built where (procedure 3.4.6)."""

    __tablename__ = "contractor"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(unique=True)
    contact: Mapped[str] = mapped_column(default="")
    phone: Mapped[str] = mapped_column(default="")
    active: Mapped[bool] = mapped_column(default=True)
    version: Mapped[int] = mapped_column()

    contracts: Mapped[list[Contract]] = relationship(
        back_populates="contractor", order_by="Contract.number"
    )

    __mapper_args__ = {"version_id_col": version}


class Contract(Base):
    """What one contractor built in one community, and until when it answers for it (procedure 2.6, 3.4.6).

    Warranty counts from `completed_on` (竣工验收合格). `liability_months` is the defects liability period during which
    `retention_fen` of the price is held. `agreement` names the 售后维修补充协议; only where it says so does silence of the
    contractor count as confirmation (`deemed_confirmation`).
    """

    __tablename__ = "contract"
    __table_args__ = (
        CheckConstraint("retention_fen >= 0", name="retention"),
        CheckConstraint("liability_months >= 0", name="liability"),
    )

    id: Mapped[Id]
    number: Mapped[str] = mapped_column(unique=True)
    contractor_id: Mapped[int] = mapped_column(ForeignKey("contractor.id"), index=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"), index=True)
    completed_on: Mapped[date | None]
    liability_months: Mapped[int] = mapped_column(default=24)
    retention_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    agreement: Mapped[str] = mapped_column(default="")
    deemed_confirmation: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int] = mapped_column()

    contractor: Mapped[Contractor] = relationship(back_populates="contracts")
    community: Mapped[Community] = relationship()
    trades: Mapped[list[ContractTrade]] = relationship(
        back_populates="contract", cascade="all, delete-orphan", order_by="ContractTrade.trade"
    )

    __mapper_args__ = {"version_id_col": version}


class ContractTrade(Base):
    """A trade a contract covers."""

    __tablename__ = "contract_trade"
    __table_args__ = (UniqueConstraint("contract_id", "trade"),)

    id: Mapped[Id]
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    trade: Mapped[Trade]

    contract: Mapped[Contract] = relationship(back_populates="trades")


class WarrantyPromise(Base):
    """A longer period than the statutory minimum: promised, agreed or set locally, for one or all communities.

    In force for homes delivered (contracts completed) from `since` to `until` (None: no end). One entered by mistake is
    `withdrawn` and never was in force. Whoever ends or withdraws it says why in `ended_why`.
    """

    __tablename__ = "warranty_promise"
    __table_args__ = (
        CheckConstraint(
            "owner_months IS NOT NULL OR contractor_months IS NOT NULL", name="some_months"
        ),
        CheckConstraint("until IS NULL OR until >= since", name="until"),
        CheckConstraint(
            "(until IS NULL AND withdrawn = false) OR ended_why <> ''", name="ended_why"
        ),
    )

    id: Mapped[Id]
    community_id: Mapped[int | None] = mapped_column(ForeignKey("community.id"), index=True)
    part: Mapped[Part]
    owner_months: Mapped[int | None]
    contractor_months: Mapped[int | None]
    since: Mapped[date]
    source: Mapped[str]
    until: Mapped[date | None]
    withdrawn: Mapped[bool] = mapped_column(default=False)
    ended_why: Mapped[str] = mapped_column(default="")
    version: Mapped[int] = mapped_column()

    community: Mapped[Community | None] = relationship()

    __mapper_args__ = {"version_id_col": version}


class RepairTeam(Base):
    """A 客户服务维修队 under the property company, led by a captain whom customer service sends (procedure 3.5)."""

    __tablename__ = "repair_team"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(unique=True)
    captain_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    active: Mapped[bool] = mapped_column(default=True)
    version: Mapped[int] = mapped_column()

    captain: Mapped[User] = relationship()
    workers: Mapped[list[Worker]] = relationship(back_populates="team", order_by="Worker.name")
    areas: Mapped[list[TeamArea]] = relationship(
        back_populates="team", cascade="all, delete-orphan"
    )

    __mapper_args__ = {"version_id_col": version}


class TeamArea(Base):
    """A community a team works in."""

    __tablename__ = "team_area"
    __table_args__ = (UniqueConstraint("team_id", "community_id"),)

    id: Mapped[Id]
    team_id: Mapped[int] = mapped_column(ForeignKey("repair_team.id"))
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"), index=True)

    team: Mapped[RepairTeam] = relationship(back_populates="areas")
    community: Mapped[Community] = relationship()


class Worker(Base):
    """A 维修工人 of a team, with the trade he works in."""

    __tablename__ = "worker"
    __table_args__ = (UniqueConstraint("team_id", "name"),)

    id: Mapped[Id]
    team_id: Mapped[int] = mapped_column(ForeignKey("repair_team.id"))
    name: Mapped[str]
    phone: Mapped[str] = mapped_column(default="")
    trade: Mapped[Trade]
    active: Mapped[bool] = mapped_column(default=True)
    version: Mapped[int] = mapped_column()

    team: Mapped[RepairTeam] = relationship(back_populates="workers")

    __mapper_args__ = {"version_id_col": version}
