"""Rows of a ticket: the register entry, its notes, callbacks, requested assistance, and its flows."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ticketing.kernel.db import Base, Id, only_where
from ticketing.masters.estate.models import Community, Customer, Unit
from ticketing.masters.people.models import Department, User
from ticketing.procedure.vocabulary import (
    Category,
    Channel,
    Flow,
    Grade,
    Mark,
    NoteKind,
    Satisfaction,
    SpecialStage,
    TicketStage,
)

MERGED_ONLY = only_where("merged_into_id IS NOT NULL")

OPEN_ONLY: Any = {"sqlite_where": text("is_open = 1"), "postgresql_where": text("is_open")}
"""The open tickets are few and asked for on every page: their indexes hold nothing else.

`is_open` stands in the one that counts, though it is always true there: SQLite counts from an index
alone only when every column it asks for is in it (three times faster).
"""


class Ticket(Base):
    """One complaint or repair request, as written on the 来电来访登记表 (procedure 3.4.3, 5.3).

    Caller, phone and room are copied from the masters when it is written, so that the paper keeps
    saying what was said. `due_on` is the next deadline of whoever holds it now and `complaint_due_on` the
    completion date: copies of its clocks, by which lists are ordered and counted. `cause` is the trouble it
    shares with others (`procedure.suggestions.cause_of`), the claim is in fen. `talk_count` counts the talks with the
    customer that ended without agreement. `repair`: a survey found something to repair. `directed_at` and `minuted_at`
    say since when the present escalation has its 处理措施 and its 专题会议纪要; `papers` counts every edition of
    the papers about it, so that two people never write one over another.
    """

    __tablename__ = "ticket"
    __table_args__ = (
        CheckConstraint("(closed_at IS NULL) = is_open", name="closed_or_open"),
        CheckConstraint(
            "stage IN ('registered', 'invalid', 'withdrawn', 'merged')"
            " OR (category IS NOT NULL AND department_id IS NOT NULL AND handler_id IS NOT NULL)",
            name="classified_when_dispatched",
        ),
        CheckConstraint("claim_fen > 0", name="claim"),
        Index("ix_ticket_community_newest", "community_id", "received_at", "id"),
        Index("ix_ticket_newest", "received_at", "id"),
        Index("ix_ticket_department_newest", "department_id", "received_at", "id"),
        Index(
            "ix_ticket_open",
            "community_id",
            "stage",
            "due_on",
            "complaint_due_on",
            "grade",
            "department_id",
            "handler_id",
            "is_open",
            **OPEN_ONLY,
        ),
        Index("ix_ticket_open_due", "due_on", "id", **OPEN_ONLY),
        Index("ix_ticket_merged_into_id", "merged_into_id", **MERGED_ONLY),
        Index(
            "ix_ticket_cause",
            "community_id",
            "cause",
            "received_at",
            "unit_id",
            **only_where("cause IS NOT NULL"),
        ),
        Index("ix_ticket_closed", "closed_at", "community_id", "registered_at"),
    )

    id: Mapped[Id]
    number: Mapped[str] = mapped_column(unique=True)
    call: Mapped[str] = mapped_column(index=True)
    version: Mapped[int] = mapped_column()

    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"), index=True)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"), index=True)
    caller_name: Mapped[str]
    caller_phone: Mapped[str] = mapped_column(index=True)
    room: Mapped[str]

    channel: Mapped[Channel]
    collected_by_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"))
    received_at: Mapped[datetime]
    registered_at: Mapped[datetime] = mapped_column(index=True)
    registered_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))

    summary: Mapped[str]
    content: Mapped[str]
    action_taken: Mapped[str] = mapped_column(default="")
    action_needed: Mapped[str] = mapped_column(default="")
    urgent: Mapped[bool] = mapped_column(default=False)
    repair: Mapped[bool] = mapped_column(default=False)

    stage: Mapped[TicketStage] = mapped_column(default=TicketStage.REGISTERED)
    is_open: Mapped[bool] = mapped_column(default=True)
    category: Mapped[Category | None]
    grade: Mapped[Grade] = mapped_column(default=Grade.GENERAL)
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"))
    handler_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"), index=True)

    cause: Mapped[str | None]
    claim_fen: Mapped[int | None] = mapped_column(BigInteger)
    mark_safety: Mapped[bool] = mapped_column(default=False)
    mark_legal: Mapped[bool] = mapped_column(default=False)
    mark_media: Mapped[bool] = mapped_column(default=False)
    mark_structure: Mapped[bool] = mapped_column(default=False)
    directed_at: Mapped[datetime | None]
    minuted_at: Mapped[datetime | None]
    special: Mapped[SpecialStage | None]
    papers: Mapped[int] = mapped_column(default=0)

    due_on: Mapped[date | None]
    due_provisional: Mapped[bool] = mapped_column(default=False)
    complaint_due_on: Mapped[date] = mapped_column(index=True)
    complaint_due_provisional: Mapped[bool] = mapped_column(default=False)
    closed_at: Mapped[datetime | None]

    resolution: Mapped[str] = mapped_column(default="")
    customer_opinion: Mapped[str] = mapped_column(default="")
    satisfaction: Mapped[Satisfaction | None]
    exit_reason: Mapped[str] = mapped_column(default="")
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"))
    rework_count: Mapped[int] = mapped_column(default=0)
    again_count: Mapped[int] = mapped_column(default=0)
    talk_count: Mapped[int] = mapped_column(default=0)
    return_count: Mapped[int] = mapped_column(default=0)

    community: Mapped[Community] = relationship()
    unit: Mapped[Unit | None] = relationship()
    customer: Mapped[Customer | None] = relationship()
    collected_by: Mapped[Department | None] = relationship(foreign_keys=[collected_by_id])
    registered_by: Mapped[User] = relationship(foreign_keys=[registered_by_id])
    department: Mapped[Department | None] = relationship(foreign_keys=[department_id])
    handler: Mapped[User | None] = relationship(foreign_keys=[handler_id])
    merged_into: Mapped[Ticket | None] = relationship(remote_side="Ticket.id")
    notes: Mapped[list[Note]] = relationship(back_populates="ticket", order_by="Note.id")
    callbacks: Mapped[list[CallbackRecord]] = relationship(
        back_populates="ticket", order_by="CallbackRecord.id"
    )
    assistances: Mapped[list[Assistance]] = relationship(
        back_populates="ticket", order_by="Assistance.id"
    )

    __mapper_args__ = {"version_id_col": version}

    @property
    def marks(self) -> frozenset[Mark]:
        """The marks a person has set."""
        return frozenset(mark for mark, name in MARK_COLUMNS.items() if getattr(self, name))


MARK_COLUMNS: dict[Mark, str] = {mark: f"mark_{mark.value}" for mark in Mark}
"""The column of each mark."""


class Overruling(Base):
    """A rule a manager set aside on this ticket: it raises the grade again only on a larger figure (3.4.7)."""

    __tablename__ = "overruling"
    __table_args__ = (UniqueConstraint("ticket_id", "rule"),)

    id: Mapped[Id]
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    rule: Mapped[str]
    weight: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
    by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))


_WAITING = only_where("settled_at IS NULL")


class GradeProposal(Base):
    """A manager proposes that a ticket is no longer major; a second person decides (3.4.7)."""

    __tablename__ = "grade_proposal"
    __table_args__ = (
        CheckConstraint("(settled_at IS NULL) = (settled_by_id IS NULL)", name="settled"),
        CheckConstraint("(settled_at IS NULL) = (agreed IS NULL)", name="answered"),
        CheckConstraint("settled_by_id <> proposed_by_id", name="two_people"),
        Index("uq_grade_proposal_waiting", "ticket_id", unique=True, **_WAITING),
        Index(None, "ticket_id", "id"),
    )

    id: Mapped[Id]
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    grade: Mapped[Grade]
    reason: Mapped[str]
    proposed_at: Mapped[datetime]
    proposed_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    settled_at: Mapped[datetime | None]
    settled_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    agreed: Mapped[bool | None]

    proposed_by: Mapped[User] = relationship(foreign_keys=[proposed_by_id])


class Note(Base):
    """A line written on the form: what was done, what is to follow, what the customer said."""

    __tablename__ = "note"
    __table_args__ = (Index(None, "kind", "at"),)

    id: Mapped[Id]
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), index=True)
    kind: Mapped[NoteKind]
    at: Mapped[datetime]
    author_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    action_taken: Mapped[str]
    action_needed: Mapped[str] = mapped_column(default="")
    next_on: Mapped[date | None]

    ticket: Mapped[Ticket] = relationship(back_populates="notes")
    author: Mapped[User] = relationship()


class CallbackRecord(Base):
    """One telephone callback: reached or not, the answer, in which round (procedure 3.5.4)."""

    __tablename__ = "callback_record"
    __table_args__ = (
        CheckConstraint("reached = (satisfaction IS NOT NULL)", name="answer_when_reached"),
        Index(None, "at"),
    )

    id: Mapped[Id]
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), index=True)
    at: Mapped[datetime]
    caller_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    round: Mapped[int]
    reached: Mapped[bool]
    satisfaction: Mapped[Satisfaction | None]
    opinion: Mapped[str] = mapped_column(default="")

    ticket: Mapped[Ticket] = relationship(back_populates="callbacks")
    caller: Mapped[User] = relationship()


class Assistance(Base):
    """Another department is asked to help without owning the ticket (协办, procedure 2.1.3)."""

    __tablename__ = "assistance"
    __table_args__ = (UniqueConstraint("ticket_id", "department_id", "asked_at"),)

    id: Mapped[Id]
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"), index=True)
    asked_at: Mapped[datetime]
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    question: Mapped[str]
    replied_at: Mapped[datetime | None]
    replied_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    reply: Mapped[str] = mapped_column(default="")

    ticket: Mapped[Ticket] = relationship(back_populates="assistances")
    department: Mapped[Department] = relationship()
    asked_by: Mapped[User] = relationship(foreign_keys=[asked_by_id])
    replied_by: Mapped[User | None] = relationship(foreign_keys=[replied_by_id])


class TicketFlow(Base):
    """A ticket entered or left the stock of open tickets; the balance of every report (3.10.3)."""

    __tablename__ = "ticket_flow"
    __table_args__ = (Index(None, "at", "community_id", "flow", "ticket_id"),)

    id: Mapped[Id]
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), index=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    at: Mapped[datetime]
    flow: Mapped[Flow]


class TicketCounter(Base):
    """The last serial number given out for a community and year; raised in the ticket's transaction."""

    __tablename__ = "ticket_counter"

    prefix: Mapped[str] = mapped_column(primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    last: Mapped[int]
