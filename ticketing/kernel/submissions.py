"""One-time form tokens: a second click or a resent request gets the first answer and does nothing."""

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint, bindparam, select, text
from sqlalchemy.orm import Mapped, mapped_column

from ticketing.kernel import clock
from ticketing.kernel.db import Base, Id, UtcDateTime, db, run
from ticketing.kernel.errors import Conflict


class Submission(Base):
    """A form carried out by a person, by the token it was rendered with, and the id it led to."""

    __tablename__ = "submission"
    __table_args__ = (UniqueConstraint("user_id", "token"),)

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    token: Mapped[str]
    at: Mapped[datetime] = mapped_column(index=True)
    digest: Mapped[str]
    outcome: Mapped[str] = mapped_column(default="")


_CLAIM = text(
    "INSERT INTO submission (user_id, token, at, digest, outcome)"
    " VALUES (:user_id, :token, :at, :digest, '')"
    " ON CONFLICT (user_id, token) DO NOTHING"
).bindparams(bindparam("at", type_=UtcDateTime()))

_SETTLE = text(
    "UPDATE submission SET outcome = :outcome WHERE user_id = :user_id AND token = :token"
)


def claim(user_id: int, token: str, digest: str) -> str | None:
    """Take the token in this transaction: None when it is fresh, else the earlier outcome.

    `digest` stands for what was filled in. A parallel request with the same token waits for the
    first one to end.

    Raises Conflict when the token was carried out with other words: a page brought back by the
    browser's Back button and filled in anew must not be taken for a repetition.
    """
    taken = run(_CLAIM, {"user_id": user_id, "token": token, "at": clock.now(), "digest": digest})
    if taken.rowcount:
        return None
    earlier = db.session.execute(
        select(Submission.outcome, Submission.digest).where(
            Submission.user_id == user_id, Submission.token == token
        )
    ).one()
    if earlier.digest != digest:
        raise Conflict("这张表单先前已经保存过；如果这是另一件事，请再保存一次。")
    return str(earlier.outcome)


def carried_out(user_id: int, token: str, digest: str) -> bool:
    """Whether this person has carried out the form with this token and these words."""
    found = select(Submission.id).where(
        Submission.user_id == user_id, Submission.token == token, Submission.digest == digest
    )
    return db.session.scalar(found) is not None


def settle(user_id: int, token: str, outcome: str) -> None:
    """Keep what the token led to, for a later repetition."""
    if outcome:
        run(_SETTLE, {"user_id": user_id, "token": token, "outcome": outcome})
