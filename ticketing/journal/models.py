"""Rows of the journal and its head."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from ticketing.kernel.db import Base, Id


class JournalEntry(Base):
    """One act: who, when, on what, under which clause, with which facts (JSON text, sorted keys)."""

    __tablename__ = "journal_entry"
    __table_args__ = (Index(None, "subject", "subject_id", "id"),)

    id: Mapped[Id]
    at: Mapped[datetime]
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    actor_name: Mapped[str]
    subject: Mapped[str]
    subject_id: Mapped[int]
    subject_version: Mapped[int] = mapped_column(default=0)
    act: Mapped[str]
    clause: Mapped[str] = mapped_column(default="")
    origin: Mapped[str] = mapped_column(default="")
    target: Mapped[str] = mapped_column(default="")
    facts: Mapped[str]
    hash: Mapped[str]


class JournalHead(Base):
    """The single row that knows how many entries the chain has and the hash of the last one."""

    __tablename__ = "journal_head"

    id: Mapped[Id]
    count: Mapped[int]
    hash: Mapped[str]
