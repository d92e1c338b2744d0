"""Rows of attachments; the bytes lie in the store."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ticketing.kernel.db import Base, Id, only_where
from ticketing.kernel.enums import Labelled
from ticketing.masters.people.models import User
from ticketing.procedure.repairs import Slot


class PaperKind(Labelled):
    """A paper pictures are pinned to; the value names it in addresses and in the journal."""

    TICKET = "ticket", "登记表"
    SURVEY = "survey", "会签表"
    ORDER = "order", "派工单"


class Attachment(Base):
    """One picture or paper of a ticket, a survey, an order or a defect of them (procedure 3.4.5, 3.5.3).

    `key` is its random name in addresses and in the store. `ticket_id` decides who may see it; `survey_id` and
    `order_id` say to which paper it belongs, `defect_id` to which item. `once` is the sender's own mark of the picture:
    sent twice after a lost connection it is filed once. `taken_at` is what the camera said, `at` when it came in. `sha256` is
    that of the stored bytes. What has been replaced stays and says so (`replaced_at`).
    """

    __tablename__ = "attachment"
    __table_args__ = (
        UniqueConstraint("by_id", "once"),
        CheckConstraint("size > 0", name="size"),
        Index(None, "ticket_id", "id"),
        Index(None, "defect_id", **only_where("defect_id IS NOT NULL")),
        Index(None, "survey_id"),
        Index(None, "order_id"),
    )

    id: Mapped[Id]
    key: Mapped[str] = mapped_column(unique=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    survey_id: Mapped[int | None] = mapped_column(ForeignKey("site_survey.id"))
    order_id: Mapped[int | None] = mapped_column(ForeignKey("work_order.id"))
    defect_id: Mapped[int | None] = mapped_column(ForeignKey("defect.id"))
    slot: Mapped[Slot]
    name: Mapped[str]
    kind: Mapped[str]
    size: Mapped[int]
    width: Mapped[int | None]
    height: Mapped[int | None]
    sha256: Mapped[str]
    taken_at: Mapped[datetime | None]
    at: Mapped[datetime]
    by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    once: Mapped[str]
    replaced_at: Mapped[datetime | None]

    by: Mapped[User] = relationship()

    @property
    def is_picture(self) -> bool:
        """Whether it is shown as an image; everything else is only downloaded."""
        return self.width is not None
