"""Rows of the 现场勘察会签表: the sheet, its findings, its boxes and what was signed in them."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ticketing.casefile.attachments.models import Attachment
from ticketing.casefile.defects.models import Defect
from ticketing.casefile.tickets.models import Ticket
from ticketing.kernel.db import Base, Id, only_where
from ticketing.masters.contractors.models import Contractor, RepairTeam
from ticketing.masters.people.models import User
from ticketing.procedure.repairs import (
    Cause,
    ClassReason,
    Liable,
    OrderClass,
    Presence,
    Side,
    SurveyStage,
)

_UNDECIDED = only_where("concluded_at IS NULL")
"""The options of an index that holds only what waits for a visit, a signature or the manager."""


class SiteSurvey(Base):
    """One 现场勘察会签表: the appointment, what was found, who signed (procedure 3.4.5, 5.5).

    `round` counts the surveys of a ticket; only the last one is in force. `contractor_required` follows from the
    estimate (fen, None: not known) and the exceptions, and `contractor_why` says which; the limit is that of the edition
    of parameters the sheet began with (None: the shipped standard). `arrived_at` is when the first of
    us stood in the flat, `signed_at` when the last required box was settled.
    """

    __tablename__ = "site_survey"
    __table_args__ = (
        UniqueConstraint("ticket_id", "round"),
        Index(None, "contractor_id", **only_where("contractor_id IS NOT NULL")),
        CheckConstraint(
            "stage NOT IN ('scheduled', 'recorded') OR signed_at IS NULL", name="not_yet_signed"
        ),
        CheckConstraint("stage <> 'signed' OR signed_at IS NOT NULL", name="signed_at"),
        CheckConstraint("estimate_fen >= 0", name="estimate"),
        Index("ix_site_survey_visit", "stage", "visit_at", **_UNDECIDED),
        Index("ix_site_survey_signed", "signed_at", "id"),
    )

    id: Mapped[Id]
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    number: Mapped[str] = mapped_column(unique=True)
    round: Mapped[int]
    stage: Mapped[SurveyStage] = mapped_column(default=SurveyStage.SCHEDULED)
    version: Mapped[int] = mapped_column()

    scheduled_at: Mapped[datetime]
    scheduled_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    visit_at: Mapped[datetime]
    note: Mapped[str] = mapped_column(default="")
    team_id: Mapped[int] = mapped_column(ForeignKey("repair_team.id"), index=True)
    contractor_id: Mapped[int | None] = mapped_column(ForeignKey("contractor.id"))
    parameter_edition_id: Mapped[int | None] = mapped_column(ForeignKey("parameter_edition.id"))

    arrived_at: Mapped[datetime | None]
    recorded_at: Mapped[datetime | None]
    recorded_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    situation: Mapped[str] = mapped_column(default="")
    remark: Mapped[str] = mapped_column(default="")
    estimate_fen: Mapped[int | None] = mapped_column(BigInteger)
    disputed: Mapped[bool] = mapped_column(default=False)
    contractor_required: Mapped[bool] = mapped_column(default=True)
    contractor_why: Mapped[str] = mapped_column(default="")
    signed_at: Mapped[datetime | None]
    concluded_at: Mapped[datetime | None]
    concluded_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))

    ticket: Mapped[Ticket] = relationship()
    scheduled_by: Mapped[User] = relationship(foreign_keys=[scheduled_by_id])
    recorded_by: Mapped[User | None] = relationship(foreign_keys=[recorded_by_id])
    concluded_by: Mapped[User | None] = relationship(foreign_keys=[concluded_by_id])
    team: Mapped[RepairTeam] = relationship()
    contractor: Mapped[Contractor | None] = relationship()
    findings: Mapped[list[Finding]] = relationship(back_populates="survey", order_by="Finding.id")
    boxes: Mapped[list[SurveyBox]] = relationship(back_populates="survey", order_by="SurveyBox.id")

    __mapper_args__ = {"version_id_col": version}


class Finding(Base):
    """What the survey found out about one defect (procedure 3.4.5).

    `suggested` is what the warranty rules say, with its arithmetic in words; `proposed` what those in the flat put down;
    `decided` what the manager decided. What departs from the suggestion has its reason: `why` is part of what was signed in
    the flat, `decided_why` is the manager's own.
    """

    __tablename__ = "survey_finding"
    __table_args__ = (
        UniqueConstraint("survey_id", "defect_id"),
        CheckConstraint(
            "decided IS NULL OR decided = suggested OR decided_why <> ''", name="reason_to_depart"
        ),
    )

    id: Mapped[Id]
    survey_id: Mapped[int] = mapped_column(ForeignKey("site_survey.id"))
    defect_id: Mapped[int] = mapped_column(ForeignKey("defect.id"), index=True)
    situation: Mapped[str]
    cause: Mapped[Cause]
    liable: Mapped[Liable]
    estimate_fen: Mapped[int | None] = mapped_column(BigInteger)
    owner_until: Mapped[date | None]
    contractor_until: Mapped[date | None]
    arithmetic: Mapped[str] = mapped_column(default="")
    suggested: Mapped[OrderClass]
    suggested_why: Mapped[ClassReason]
    proposed: Mapped[OrderClass]
    decided: Mapped[OrderClass | None]
    why: Mapped[str] = mapped_column(default="")
    decided_why: Mapped[str] = mapped_column(default="")

    survey: Mapped[SiteSurvey] = relationship(back_populates="findings")
    defect: Mapped[Defect] = relationship()

    @property
    def reason(self) -> str:
        """Why its class is not the suggested one, in the words that count last."""
        return self.decided_why or self.why

    @property
    def overridden(self) -> bool:
        """Whether the manager decided otherwise than the warranty rules suggest."""
        return self.decided is not None and self.decided is not self.suggested


_ABSENT = only_where("presence = 'absent'")


class SurveyBox(Base):
    """What one party put into its box: opinion and signature, or why there is none. Never changed once written.

    A signature is a picture (drawn on the screen, or a photo of the signed paper). Absence and refusal carry their
    reason and the evidence of notice (procedure 3.4.5).
    """

    __tablename__ = "survey_box"
    __table_args__ = (
        UniqueConstraint("survey_id", "side"),
        CheckConstraint("(presence = 'signed') = (signature_id IS NOT NULL)", name="signature"),
        CheckConstraint(
            "presence = 'signed' OR (reason <> '' AND evidence <> '')", name="reason_and_evidence"
        ),
        Index("ix_survey_box_absent", "at", "side", **_ABSENT),
    )

    id: Mapped[Id]
    survey_id: Mapped[int] = mapped_column(ForeignKey("site_survey.id"))
    side: Mapped[Side]
    presence: Mapped[Presence]
    name: Mapped[str]
    opinion: Mapped[str] = mapped_column(default="")
    reason: Mapped[str] = mapped_column(default="")
    evidence: Mapped[str] = mapped_column(default="")
    signature_id: Mapped[int | None] = mapped_column(ForeignKey("attachment.id"))
    at: Mapped[datetime]
    by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))

    survey: Mapped[SiteSurvey] = relationship(back_populates="boxes")
    signature: Mapped[Attachment | None] = relationship()
    by: Mapped[User] = relationship()
