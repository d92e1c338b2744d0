"""Rows of notices: the inbox, what a person wants to hear of, outside addresses, and deliveries."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ticketing.kernel.db import Base, Id, only_where
from ticketing.kernel.enums import Labelled
from ticketing.masters.people.models import User


class NoticeKind(Labelled):
    """What a notice is about; people choose by it what reaches them outside the app."""

    ASSIGNED = "assigned", "新分派"
    RETURNED = "returned", "退回与返工"
    ASSISTANCE = "assistance", "协办"
    REMINDER = "reminder", "时限提醒"
    BREACH = "breach", "超时"
    MAJOR = "major", "重大投诉"
    IMPORTANT = "important", "重要投诉"
    REPORT = "report", "报表"
    DIGEST = "digest", "每日摘要"
    CALENDAR = "calendar", "工作日历"
    PARAMETERS = "parameters", "制度参数"
    MONEY = "money", "款项"
    PRICES = "prices", "合同价目"


MAILED = frozenset({NoticeKind.MAJOR, NoticeKind.BREACH, NoticeKind.DIGEST})
"""Kinds that come by e-mail to whoever has a mailbox and has not chosen otherwise: what must not be missed, and
one summary a day. Everything else waits in the inbox of the app."""

ROBOT_KINDS = tuple(kind for kind in NoticeKind if kind is not NoticeKind.DIGEST)
"""Kinds a group may hear of; a digest is one person's own work."""


class Outlet(Labelled):
    """A way out of the house."""

    EMAIL = "email", "电子邮件"
    WECOM = "wecom", "企业微信群机器人"
    DINGTALK = "dingtalk", "钉钉群机器人"


class DeliveryState(Labelled):
    """How far a delivery has come."""

    WAITING = "waiting", "待发送"
    SENT = "sent", "已发送"
    DEAD = "dead", "发送失败"


class Notice(Base):
    """One line in one person's inbox. `event` is what caused it: the same event tells him once.

    `path` is where it leads in the app; `urgent` ones go out at night and on holidays too.
    """

    __tablename__ = "notice"
    __table_args__ = (
        UniqueConstraint("user_id", "event"),
        Index("ix_notice_inbox", "user_id", "id"),
        Index(
            "ix_notice_unread",
            "user_id",
            **only_where("read_at IS NULL"),
        ),
        Index(
            "ix_notice_digest",
            "at",
            **only_where("kind = 'digest'"),
        ),
    )

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    event: Mapped[str]
    kind: Mapped[NoticeKind]
    at: Mapped[datetime]
    title: Mapped[str]
    body: Mapped[str] = mapped_column(default="")
    path: Mapped[str]
    urgent: Mapped[bool] = mapped_column(default=False)
    read_at: Mapped[datetime | None]

    user: Mapped[User] = relationship()


class Preference(Base):
    """A person does, or does not, want notices of one kind by one outlet; without a row the default."""

    __tablename__ = "notice_preference"
    __table_args__ = (UniqueConstraint("user_id", "kind", "outlet"),)

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    kind: Mapped[NoticeKind]
    outlet: Mapped[Outlet]
    wanted: Mapped[bool]


class Robot(Base):
    """A group robot of 企业微信 or 钉钉: notices about a community (None: any) of its kinds go there.

    `kinds` holds stored values separated by blanks; `secret` signs what 钉钉 receives.
    """

    __tablename__ = "robot"
    __table_args__ = (CheckConstraint("outlet <> 'email'", name="no_mailbox"),)

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(unique=True)
    outlet: Mapped[Outlet]
    address: Mapped[str]
    secret: Mapped[str] = mapped_column(default="")
    kinds: Mapped[str]
    community_id: Mapped[int | None] = mapped_column(ForeignKey("community.id"))
    active: Mapped[bool] = mapped_column(default=True)
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}


_WAITING = only_where("state = 'waiting'")


class Delivery(Base):
    """One message to one address outside: tried until it is sent or given up.

    `event`, outlet and recipient together are its stable identity. `recipient` is the mailbox as it stood when it
    was queued, or the id of the robot; the message goes to where that person or robot is reached when it is sent.
    Sent at least once; a lease keeps two senders from the same delivery at the same time.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("event", "outlet", "recipient"),
        CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent_at"),
        Index("ix_delivery_next", "next_at", "id", **_WAITING),
        Index("ix_delivery_state", "state", "id"),
    )

    id: Mapped[Id]
    event: Mapped[str]
    kind: Mapped[NoticeKind]
    outlet: Mapped[Outlet]
    recipient: Mapped[str]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"), index=True)
    robot_id: Mapped[int | None] = mapped_column(ForeignKey("robot.id"), index=True)
    title: Mapped[str]
    body: Mapped[str]
    path: Mapped[str]
    urgent: Mapped[bool] = mapped_column(default=False)
    at: Mapped[datetime]
    state: Mapped[DeliveryState] = mapped_column(default=DeliveryState.WAITING)
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime]
    leased_until: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(default="")

    user: Mapped[User | None] = relationship()
    robot: Mapped[Robot | None] = relationship()
