"""Rows of the working calendar: the days that differ from Monday to Friday, and the official years."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from ticketing.kernel.db import Base, Id, only_where
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


class ProposalKind(Labelled):
    """What a proposal would change."""

    YEAR = "year", "全年放假安排"
    CLOSURE = "closure", "公司停工"
    REOPENING = "reopening", "取消停工"


class ProposalState(Labelled):
    """What became of a proposal."""

    PENDING = "pending", "待第二人确认"
    IN_FORCE = "in_force", "已生效"
    DROPPED = "dropped", "未采用"


class CalendarDay(Base):
    """One day that differs from Monday to Friday: a holiday, a make-up day, a company closure.

    A closure stands beside what the official list says of its day, and wins.
    """

    __tablename__ = "calendar_day"
    __table_args__ = (CheckConstraint("name <> ''", name="named"),)

    day: Mapped[date] = mapped_column(primary_key=True)
    kind: Mapped[SpecialDay] = mapped_column(primary_key=True)
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


_PENDING = only_where("state = 'pending'")


class CalendarProposal(Base):
    """A change of the calendar one person asks for and a second one puts in force (procedure 3.4.5).

    `days` are the days it is about, as ``[[ISO date, kind, name], …]``; a closure has one, whose name is its
    reason. `number` is the notice number of a year's official list.
    """

    __tablename__ = "calendar_proposal"
    __table_args__ = (
        CheckConstraint("decided_by_id <> proposed_by_id OR state = 'dropped'", name="two_people"),
        CheckConstraint("(state = 'pending') = (decided_at IS NULL)", name="decided"),
        Index("ix_calendar_proposal_pending", "id", **_PENDING),
    )

    id: Mapped[Id]
    kind: Mapped[ProposalKind]
    year: Mapped[int]
    number: Mapped[str] = mapped_column(default="")
    days: Mapped[list[list[str]]] = mapped_column(JSON)
    state: Mapped[ProposalState] = mapped_column(default=ProposalState.PENDING)
    proposed_at: Mapped[datetime]
    proposed_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
