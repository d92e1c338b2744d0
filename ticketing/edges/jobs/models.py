"""Rows of jobs: when each runs next and how it went, and which processes tick."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from ticketing.kernel.db import Base


class JobState(Base):
    """One job: when it is due next, and how it went last."""

    __tablename__ = "job_state"

    name: Mapped[str] = mapped_column(primary_key=True)
    next_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    milliseconds: Mapped[int | None]
    outcome: Mapped[str] = mapped_column(default="")
    failed: Mapped[bool] = mapped_column(default=False)
    runs: Mapped[int] = mapped_column(default=0)
    failures: Mapped[int] = mapped_column(default=0)


class Heartbeat(Base):
    """A process that ticks, and when it did last; one that fell silent is dropped after a day."""

    __tablename__ = "heartbeat"

    process: Mapped[str] = mapped_column(primary_key=True)
    began_at: Mapped[datetime]
    at: Mapped[datetime] = mapped_column(index=True)
