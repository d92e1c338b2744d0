"""Rows of the parameters: editions proposed by one person, confirmed by another, in force from a date."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ticketing.kernel.db import Base, Id, only_where
from ticketing.kernel.enums import Labelled
from ticketing.masters.people.models import User
from ticketing.procedure.parameters import Limits, limits


class EditionState(Labelled):
    """What became of a proposed edition."""

    PENDING = "pending", "待确认"
    CONFIRMED = "confirmed", "已确认"
    WITHDRAWN = "withdrawn", "已撤下"


_PENDING = only_where("state = 'pending'")


class ParameterEdition(Base):
    """All parameters as they count from a date on (procedure 3.4.5, 3.5.6, 3.6, 3.6.1).

    One at a time waits for confirmation. `based_on_id` is the edition it was compared with when it was proposed (None:
    the shipped standard). Confirmed late, it counts from the day of confirmation: never for a day that has passed.
    """

    __tablename__ = "parameter_edition"
    __table_args__ = (
        CheckConstraint("reason <> ''", name="reason"),
        CheckConstraint(
            "decided_by_id <> proposed_by_id OR state = 'withdrawn'", name="two_people"
        ),
        CheckConstraint("(state = 'pending') = (decided_at IS NULL)", name="decided"),
        CheckConstraint("(decided_at IS NULL) = (decided_by_id IS NULL)", name="decided_by"),
        Index("uq_parameter_edition_pending", "state", unique=True, **_PENDING),
        Index("ix_parameter_edition_effective", "state", "effective_on", "decided_at"),
    )

    id: Mapped[Id]
    based_on_id: Mapped[int | None] = mapped_column(ForeignKey("parameter_edition.id"))
    effective_on: Mapped[date]
    reason: Mapped[str]
    proposed_at: Mapped[datetime]
    proposed_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    state: Mapped[EditionState] = mapped_column(default=EditionState.PENDING)
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    version: Mapped[int] = mapped_column()

    proposed_by: Mapped[User] = relationship(foreign_keys=[proposed_by_id])
    decided_by: Mapped[User | None] = relationship(foreign_keys=[decided_by_id])
    values: Mapped[list[ParameterValue]] = relationship(order_by="ParameterValue.key")

    __mapper_args__ = {"version_id_col": version}

    @property
    def limits(self) -> Limits:
        """Its values, typed."""
        return limits({one.key: one.value for one in self.values})


class ParameterValue(Base):
    """One value of an edition: fen, basis points, days or yes (1) and no (0), as its key says. Never changed once written."""

    __tablename__ = "parameter_value"
    __table_args__ = (CheckConstraint("value >= 0", name="value"),)

    edition_id: Mapped[int] = mapped_column(ForeignKey("parameter_edition.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[int] = mapped_column(BigInteger)
