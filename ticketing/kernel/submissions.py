"""One-time form tokens: a second click or a resent request gets the first answer and does nothing."""

from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, ForeignKey, UniqueConstraint, bindparam, select, text
from sqlalchemy.orm import Mapped, mapped_column

from ticketing.kernel import clock
from ticketing.kernel.db import Base, Id, UtcDateTime, db


class Submission(Base):
    """A form carried out by a person, by the token it was rendered with, and the id it led to."""

    __tablename__ = "submission"
    __table_args__ = (UniqueConstraint("user_id", "token"),)

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    token: Mapped[str]
    at: Mapped[datetime] = mapped_column(index=True)
    outcome: Mapped[str] = mapped_column(default="")


_CLAIM = text(
    "INSERT INTO submission (user_id, token, at, outcome) VALUES (:user_id, :token, :at, '')"
    " ON CONFLICT (user_id, token) DO NOTHING"
).bindparams(bindparam("at", type_=UtcDateTime()))

_SETTLE = text(
    "UPDATE submission SET outcome = :outcome WHERE user_id = :user_id AND token = :token"
)


def claim(user_id: int, token: str) -> str | None:
    """Take the token in this transaction: None when it is fresh, else the earlier outcome.

    A parallel request with the same token waits for the first one to end.
    """
    taken = cast(
        CursorResult[Any],
        db.session.execute(_CLAIM, {"user_id": user_id, "token": token, "at": clock.now()}),
    )
    if taken.rowcount:
        return None
    return db.session.scalar(
        select(Submission.outcome).where(Submission.user_id == user_id, Submission.token == token)
    )


def settle(user_id: int, token: str, outcome: str) -> None:
    """Keep what the token led to, for a later repetition."""
    if outcome:
        db.session.execute(_SETTLE, {"user_id": user_id, "token": token, "outcome": outcome})
