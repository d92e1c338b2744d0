"""Rows of a major complaint's file: measures, minutes with their assignments, the special report."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Table, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ticketing.kernel.db import Base, Id
from ticketing.masters.people.models import Department, User

INSTRUCTED = Table(
    "directive_department",
    Base.metadata,
    Column("directive_id", ForeignKey("directive.id"), primary_key=True),
    Column("department_id", ForeignKey("department.id"), primary_key=True),
)


class Directive(Base):
    """Measures 处理措施 the general manager or a deputy decided, and whom they bind (procedure 2.1.2)."""

    __tablename__ = "directive"
    __table_args__ = (Index(None, "ticket_id", "id"),)

    id: Mapped[Id]
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    at: Mapped[datetime]
    by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    text: Mapped[str]
    due_on: Mapped[date | None]

    by: Mapped[User] = relationship()
    departments: Mapped[list[Department]] = relationship(
        secondary=INSTRUCTED, order_by=Department.id
    )


class Minutes(Base):
    """One edition of the minutes 专题会议纪要 of one meeting; the last edition counts (procedure 3.10.5)."""

    __tablename__ = "minutes"
    __table_args__ = (UniqueConstraint("ticket_id", "meeting", "edition"),)

    id: Mapped[Id]
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    meeting: Mapped[int]
    edition: Mapped[int]
    at: Mapped[datetime]
    by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    held_at: Mapped[datetime]
    place: Mapped[str]
    chair: Mapped[str]
    present: Mapped[str]
    absent: Mapped[str]
    events: Mapped[str]
    cause: Mapped[str]
    demand: Mapped[str]
    legal: Mapped[str]
    plan: Mapped[str]
    cost: Mapped[str]
    approver: Mapped[str]
    spokesman: Mapped[str]
    wording: Mapped[str]
    risks: Mapped[str]
    next_on: Mapped[date | None]
    issued_by: Mapped[str]

    by: Mapped[User] = relationship()
    assignments: Mapped[list[Assignment]] = relationship(
        back_populates="minutes", order_by="Assignment.id"
    )


class Assignment(Base):
    """What the meeting gave somebody to do, until when, and when it was done."""

    __tablename__ = "assignment"
    __table_args__ = (Index(None, "minutes_id", "id"),)

    id: Mapped[Id]
    minutes_id: Mapped[int] = mapped_column(ForeignKey("minutes.id"))
    matter: Mapped[str]
    person: Mapped[str]
    due_on: Mapped[date | None]
    done_on: Mapped[date | None]

    minutes: Mapped[Minutes] = relationship(back_populates="assignments")


class SpecialReport(Base):
    """One edition of the special report 专题报告; once submitted no further one is written (procedure 3.10.6)."""

    __tablename__ = "special_report"
    __table_args__ = (
        UniqueConstraint("ticket_id", "edition"),
        CheckConstraint("(submitted_at IS NULL) = (submitted_by_id IS NULL)", name="submitted"),
        CheckConstraint("instructed_at IS NULL OR submitted_at IS NOT NULL", name="in_order"),
        CheckConstraint("(instructed_at IS NULL) = (instruction = '')", name="instructed"),
    )

    id: Mapped[Id]
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    edition: Mapped[int]
    at: Mapped[datetime]
    by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    background: Mapped[str]
    state: Mapped[str]
    cause: Mapped[str]
    responsibility: Mapped[str]
    done: Mapped[str]
    options: Mapped[str]
    proposal: Mapped[str]
    decisions: Mapped[str]
    attachments: Mapped[str]
    submitted_at: Mapped[datetime | None]
    submitted_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    instruction: Mapped[str] = mapped_column(default="")
    instructed_at: Mapped[datetime | None]
    instructed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))

    by: Mapped[User] = relationship(foreign_keys=[by_id])
    submitted_by: Mapped[User | None] = relationship(foreign_keys=[submitted_by_id])
    instructed_by: Mapped[User | None] = relationship(foreign_keys=[instructed_by_id])
