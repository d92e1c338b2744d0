"""Rows of clocks: the clock, its events, its extensions."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ticketing.kernel.db import Base, Id, only_where
from ticketing.kernel.enums import Labelled
from ticketing.masters.people.models import User
from ticketing.procedure.deadlines import ClockKind


class ClockState(Labelled):
    """Whether a clock still runs; lateness is told from its dates."""

    RUNNING = "running", "进行中"
    MET = "met", "已完成"
    CANCELLED = "cancelled", "已取消"


class ClockEventKind(Labelled):
    """What can happen to a clock."""

    STARTED = "started", "起算"
    WARNED = "warned", "提醒"
    EXTENDED = "extended", "延期"
    RECALCULATED = "recalculated", "重算"
    BREACHED = "breached", "超时"
    MET = "met", "完成"
    CANCELLED = "cancelled", "取消"


class ConsentWay(Labelled):
    """How the customer agreed to a later date (procedure 3.4.5-延)."""

    SIGNED = "signed", "书面签字"
    MESSAGE = "message", "短信或微信"
    RECORDING = "recording", "电话录音"
    EMAIL = "email", "电子邮件"


def _running(more: str = "") -> Any:
    """The options of an index that holds only running clocks."""
    return only_where("state = 'running'" + (f" AND {more}" if more else ""))


_RUNNING = _running()

_OF_ORDER = only_where("order_id IS NOT NULL")

_WHOSE = ("community_id", "department_id", "office_id", "state")
"""Ends the two indexes of the board, so that it counts and filters without reading a single clock.

The state is the same in each row of them; SQLite looks a row up for every column an index lacks.
"""


class Clock(Base):
    """One time limit of one paper, from its start to its end (procedure 3.4.5).

    `due_on` is the present due date (Shanghai), `original_due_on` the first one; `due_at` the instant at which
    it rings: 17:30 of that day, or the exact instant of a limit counted in hours. `next_at` is when something has
    to be said next, `rung` the levels already said, as bits. `late` is set when it ends late and never cleared.
    Community, department and handler are those who owe the step now; they follow the ticket while it runs. A repair
    clock belongs to the ticket's `order_id`, and its limit to the number of `trades` on it.
    """

    __tablename__ = "clock"
    __table_args__ = (
        CheckConstraint("(state = 'running') = (stopped_at IS NULL)", name="stopped_at"),
        CheckConstraint("(ticket_id IS NULL) <> (report_key IS NULL)", name="one_paper"),
        CheckConstraint("state = 'running' OR next_at IS NULL", name="silent_when_stopped"),
        CheckConstraint("order_id IS NULL OR ticket_id IS NOT NULL", name="order_of_ticket"),
        UniqueConstraint("report_key", "kind"),
        Index("ix_clock_report", "report_key", "kind", **only_where("report_key IS NOT NULL")),
        Index("uq_clock_running", "ticket_id", "kind", unique=True, **_running("order_id IS NULL")),
        Index(
            "uq_clock_order", "order_id", "kind", unique=True, **_running("order_id IS NOT NULL")
        ),
        Index("ix_clock_ticket", "ticket_id", "id"),
        Index("ix_clock_order", "order_id", "id", **_OF_ORDER),
        Index("ix_clock_next", "next_at", **_RUNNING),
        Index("ix_clock_board", "handler_id", "kind", "due_at", *_WHOSE, **_RUNNING),
        Index("ix_clock_next_due", "due_at", "id", "handler_id", "kind", *_WHOSE, **_RUNNING),
        Index("ix_clock_due", "kind", "due_on", "community_id"),
        Index("ix_clock_original_due", "kind", "original_due_on", "community_id"),
        Index("ix_clock_started", "kind", "started_at", "community_id"),
    )

    id: Mapped[Id]
    kind: Mapped[ClockKind]
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"))
    order_id: Mapped[int | None] = mapped_column(ForeignKey("work_order.id"))
    trades: Mapped[int | None]
    report_key: Mapped[str | None]
    office_id: Mapped[int | None] = mapped_column(ForeignKey("service_office.id"))
    community_id: Mapped[int | None] = mapped_column(ForeignKey("community.id"))
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"))
    handler_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    round: Mapped[int] = mapped_column(default=1)

    started_at: Mapped[datetime]
    original_due_on: Mapped[date]
    due_on: Mapped[date]
    due_at: Mapped[datetime]
    provisional: Mapped[bool] = mapped_column(default=False)
    policy: Mapped[int]
    calendar_edition: Mapped[int]

    state: Mapped[ClockState] = mapped_column(default=ClockState.RUNNING)
    stopped_at: Mapped[datetime | None]
    late: Mapped[bool] = mapped_column(default=False)
    extensions: Mapped[int] = mapped_column(default=0)
    rung: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime | None]


class ClockEvent(Base):
    """Something that happened to a clock: once for each `level` of a kind and due date.

    `policy` and `calendar_edition` are those the dates were reckoned with. `due_on` is the due date in force after
    it, `due_from` the one before where it moved. `told` names the people a bell was told to, as they were called then.
    """

    __tablename__ = "clock_event"
    __table_args__ = (UniqueConstraint("clock_id", "kind", "level", "due_on"),)

    id: Mapped[Id]
    clock_id: Mapped[int] = mapped_column(ForeignKey("clock.id"))
    kind: Mapped[ClockEventKind]
    level: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime]
    policy: Mapped[int]
    calendar_edition: Mapped[int]
    due_from: Mapped[date | None]
    due_on: Mapped[date]
    told: Mapped[str] = mapped_column(default="")


class Extension(Base):
    """A later due date, asked before the old one with the customer's recorded consent (procedure 3.4.5-延)."""

    __tablename__ = "clock_extension"
    __table_args__ = (
        CheckConstraint("due_to > due_from", name="later"),
        CheckConstraint("consent_by <> '' AND evidence <> '' AND reason <> ''", name="consent"),
    )

    id: Mapped[Id]
    clock_id: Mapped[int] = mapped_column(ForeignKey("clock.id"), index=True)
    at: Mapped[datetime]
    by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    due_from: Mapped[date]
    due_to: Mapped[date]
    reason: Mapped[str]
    consent_by: Mapped[str]
    consent_at: Mapped[datetime]
    consent_way: Mapped[ConsentWay]
    evidence: Mapped[str]

    by: Mapped[User] = relationship()
