"""Rows of the working calendar: the days that differ from Monday to Friday, and the official years."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Integer
from sqlalchemy.orm import Mapped, mapped_column

from ticketing.kernel.db import Base, Id
from ticketing.kernel.enums import Labelled


class SpecialDay(Labelled):
    """Why a day differs from the week's rule."""

    HOLIDAY = "holiday", "放假"
    MAKEUP = "makeup", "调休上班"
    CLOSURE = "closure", "公司停工"


class CalendarSource(Labelled):
    """Where the days of a year come from."""

    PACKAGE = "package", "软件内置"
    NOTICE = "notice", "国务院通知"
    COMPANY = "company", "公司决定"


class CalendarDay(Base):
    """One day that differs from Monday to Friday: a holiday, a make-up day, a company closure."""

    __tablename__ = "calendar_day"
    __table_args__ = (CheckConstraint("name <> ''", name="named"),)

    day: Mapped[date] = mapped_column(primary_key=True)
    kind: Mapped[SpecialDay]
    name: Mapped[str]
    notice: Mapped[str] = mapped_column(default="")
    source: Mapped[CalendarSource]
    entered_at: Mapped[datetime]
    entered_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))


class CalendarYear(Base):
    """A year whose official list is known; any other year is provisional (procedure 3.4.5)."""

    __tablename__ = "calendar_year"

    year: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    notice: Mapped[str] = mapped_column(default="")
    source: Mapped[CalendarSource]
    adopted_at: Mapped[datetime]
    adopted_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))


class CalendarEdition(Base):
    """One state of the whole calendar; every change makes a new one and each clock notes its own.

    `mark` is random: two databases that count their editions alike are still told apart.
    """

    __tablename__ = "calendar_edition"

    id: Mapped[Id]
    mark: Mapped[str]
    at: Mapped[datetime]
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    change: Mapped[str]
