"""Rows of the estate: who lives where, and the keys under which a caller is found."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ticketing.kernel.db import Base, Id, only_where
from ticketing.kernel.enums import Labelled
from ticketing.procedure.vocabulary import Relation


class ServiceOffice(Base):
    """A 客户服务处: serves one or more communities and files the weekly report (procedure 3.10.3)."""

    __tablename__ = "service_office"

    id: Mapped[Id]
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(unique=True)
    version: Mapped[int] = mapped_column()

    communities: Mapped[list[Community]] = relationship(
        back_populates="office", order_by="Community.code"
    )

    __mapper_args__ = {"version_id_col": version}


class Community(Base):
    """A residential project (小区); its code stands in every ticket number.

    `handed_over_on` is the day its common areas were handed over to the property company (承接查验).
    `property_contact` is whom to reach at its 物业管理处, for the joint survey (procedure 3.4.5).
    """

    __tablename__ = "community"

    id: Mapped[Id]
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(unique=True)
    office_id: Mapped[int] = mapped_column(ForeignKey("service_office.id"), index=True)
    delivered_on: Mapped[date | None]
    handed_over_on: Mapped[date | None]
    address: Mapped[str] = mapped_column(default="")
    property_contact: Mapped[str] = mapped_column(default="")
    property_phone: Mapped[str] = mapped_column(default="")
    version: Mapped[int] = mapped_column()

    office: Mapped[ServiceOffice] = relationship(back_populates="communities")
    buildings: Mapped[list[Building]] = relationship(
        back_populates="community", order_by="Building.name"
    )

    __mapper_args__ = {"version_id_col": version}


class Building(Base):
    """A building (楼栋) of a community."""

    __tablename__ = "building"
    __table_args__ = (UniqueConstraint("community_id", "name"),)

    id: Mapped[Id]
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    name: Mapped[str]
    delivered_on: Mapped[date | None]

    community: Mapped[Community] = relationship(
        back_populates="buildings", lazy="joined", innerjoin=True
    )


class Unit(Base):
    """One home (单元房号): building, stair, room.

    `delivered_on` is the day of the signed handover record; where the owner did not take over after notice it is the
    contract's day of deemed delivery, and `deemed_delivered` says so (procedure 3.4.6).
    """

    __tablename__ = "unit"
    __table_args__ = (
        UniqueConstraint("building_id", "stair", "room"),
        CheckConstraint(
            "NOT deemed_delivered OR delivered_on IS NOT NULL", name="deemed_delivered"
        ),
        Index(None, "community_id", "moved_in_on"),
    )

    id: Mapped[Id]
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    building_id: Mapped[int] = mapped_column(ForeignKey("building.id"))
    stair: Mapped[str]
    room: Mapped[str]
    label: Mapped[str]
    delivered_on: Mapped[date | None]
    deemed_delivered: Mapped[bool] = mapped_column(default=False)
    moved_in_on: Mapped[date | None]
    version: Mapped[int] = mapped_column()

    community: Mapped[Community] = relationship(lazy="joined", innerjoin=True)
    building: Mapped[Building] = relationship(lazy="joined", innerjoin=True)
    residencies: Mapped[list[Residency]] = relationship(back_populates="unit")

    __mapper_args__ = {"version_id_col": version}

    @property
    def full_label(self) -> str:
        """Community and room as printed on every paper: ``云栖苑 3-1-1202``."""
        return f"{self.community.name} {self.label}"


class Customer(Base):
    """A person who calls: name, pinyin initials, phones, units. A merged one points at its survivor."""

    __tablename__ = "customer"
    __table_args__ = (Index(None, "merged_into_id", **only_where("merged_into_id IS NOT NULL")),)

    id: Mapped[Id]
    name: Mapped[str]
    initials: Mapped[str]
    note: Mapped[str] = mapped_column(default="")
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"))
    version: Mapped[int] = mapped_column()

    phones: Mapped[list[CustomerPhone]] = relationship(
        back_populates="customer", order_by="CustomerPhone.id"
    )
    residencies: Mapped[list[Residency]] = relationship(back_populates="customer")
    merged_into: Mapped[Customer | None] = relationship(remote_side="Customer.id")

    __mapper_args__ = {"version_id_col": version}


class CustomerPhone(Base):
    """One phone number of a customer, digits only."""

    __tablename__ = "customer_phone"
    __table_args__ = (UniqueConstraint("customer_id", "number"),)

    id: Mapped[Id]
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    number: Mapped[str] = mapped_column(index=True)
    label: Mapped[str] = mapped_column(default="")

    customer: Mapped[Customer] = relationship(back_populates="phones")


class Residency(Base):
    """What a customer is to a unit, from when until when. An ended one stays as history."""

    __tablename__ = "residency"
    __table_args__ = (UniqueConstraint("unit_id", "customer_id", "relation"),)

    id: Mapped[Id]
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    relation: Mapped[Relation]
    since_on: Mapped[date | None]
    until_on: Mapped[date | None]

    unit: Mapped[Unit] = relationship(back_populates="residencies")
    customer: Mapped[Customer] = relationship(back_populates="residencies")


class LookupKey(Base):
    """A folded word under which the caller lookup finds a customer at a unit, by prefix.

    One row a word (name and its tails, pinyin initials, phone and its last four digits, room label)
    and community, so that each keystroke is one index range scan whatever the size of the estate.
    """

    __tablename__ = "lookup_key"
    __table_args__ = (Index(None, "community_id", "word", "unit_id", "customer_id"),)

    id: Mapped[Id]
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    word: Mapped[str] = mapped_column(Text().with_variant(Text(collation="C"), "postgresql"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"), index=True)


class ImportStage(Labelled):
    """How far an uploaded workbook has come."""

    CHECKING = "checking", "正在核对"
    REFUSED = "refused", "有错误，未导入"
    CHECKED = "checked", "核对无误，待确认"
    WRITING = "writing", "正在写入"
    INDEXING = "indexing", "正在编制查找词"
    DONE = "done", "已导入"
    DROPPED = "dropped", "已放弃"
    FAILED = "failed", "没有成功"


class ImportRun(Base):
    """One uploaded workbook: what was found in it, how far it has come, what became of it (3.7.1).

    `problems` holds (row, column, sentence) for the first thousand of `problem_count`; `unindexed`
    the units whose lookup words are still to be written. `beat_at` is the last sign of life: a run
    at work that has been silent for long was cut off.
    """

    __tablename__ = "import_run"

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    file_name: Mapped[str]
    began_at: Mapped[datetime]
    beat_at: Mapped[datetime]
    stage: Mapped[ImportStage]
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    problem_count: Mapped[int] = mapped_column(default=0)
    problems: Mapped[list[list[Any]]] = mapped_column(JSON, default=list)
    summary: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    unindexed: Mapped[list[int]] = mapped_column(JSON, default=list)
