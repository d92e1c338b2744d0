"""Rows of reports."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ticketing.kernel.db import Base, Id
from ticketing.masters.estate.models import ServiceOffice
from ticketing.masters.people.models import User
from ticketing.procedure.vocabulary import ReportKind, ReportStage


class Report(Base):
    """One report of an office (or, for quarters, the company) over one period (3.10.3, 3.10.4).

    `key` is the address of the period, ``weekly-FZ-2026-W47``; `figures` the frozen snapshot taken at
    `cutoff_at`, but for its list of new cases, `raw`, a hundred times as long, which only the workbook shows. Checking takes a second person; a submitted report never changes.
    """

    __tablename__ = "report"
    __table_args__ = (
        UniqueConstraint("key"),
        CheckConstraint("checked_by_id <> compiled_by_id", name="two_people"),
        CheckConstraint("(stage = 'submitted') = (submitted_at IS NOT NULL)", name="submitted_at"),
    )

    id: Mapped[Id]
    key: Mapped[str]
    kind: Mapped[ReportKind]
    office_id: Mapped[int | None] = mapped_column(ForeignKey("service_office.id"), index=True)
    first_on: Mapped[date] = mapped_column(index=True)
    last_on: Mapped[date]
    stage: Mapped[ReportStage] = mapped_column(default=ReportStage.COMPILED)
    cutoff_at: Mapped[datetime]
    figures: Mapped[dict[str, Any]] = mapped_column(JSON)
    raw: Mapped[list[Any]] = mapped_column(JSON, deferred=True)
    remarks: Mapped[str] = mapped_column(default="")
    compiled_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    checked_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    checked_at: Mapped[datetime | None]
    submitted_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    submitted_at: Mapped[datetime | None]
    late: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int] = mapped_column()

    office: Mapped[ServiceOffice | None] = relationship()
    compiled_by: Mapped[User] = relationship(foreign_keys=[compiled_by_id])
    checked_by: Mapped[User | None] = relationship(foreign_keys=[checked_by_id])
    submitted_by: Mapped[User | None] = relationship(foreign_keys=[submitted_by_id])

    __mapper_args__ = {"version_id_col": version}
