"""Rows of defects."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ticketing.casefile.tickets.models import Ticket
from ticketing.kernel.db import Base, Id
from ticketing.procedure.repairs import Part, Phenomenon, Trade


class Defect(Base):
    """One thing that is broken: what, how, by which trade it is repaired, where in the home (procedure 3.4.5)."""

    __tablename__ = "defect"
    __table_args__ = (
        UniqueConstraint("ticket_id", "position"),
        Index("ix_defect_reported", "at", "community_id", "trade", "phenomenon", "ticket_id"),
    )

    id: Mapped[Id]
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    position: Mapped[int]
    part: Mapped[Part]
    phenomenon: Mapped[Phenomenon]
    trade: Mapped[Trade]
    place: Mapped[str] = mapped_column(default="")
    words: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime]
    by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))

    ticket: Mapped[Ticket] = relationship()

    @property
    def told(self) -> str:
        """In one line, as printed: ``卫生间 防渗漏 渗漏（水电）``."""
        return f"{self.place} {self.part}：{self.phenomenon}（{self.trade}）".strip()
