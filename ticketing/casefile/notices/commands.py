"""Writing notices: in the transaction of what caused them, once for each person and event."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple, cast

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

from ticketing.casefile.notices.models import Notice, NoticeKind
from ticketing.kernel.db import db, dialect


class Message(NamedTuple):
    """What several people should know: of which kind, caused by which event, where it leads.

    `event` is stable: told again, it reaches nobody twice. `community_id` says whose robots hear of it;
    `urgent` lets it out at night and on holidays.
    """

    user_ids: tuple[int, ...]
    kind: NoticeKind
    event: str
    title: str
    body: str
    path: str
    community_id: int | None = None
    urgent: bool = False


def tell(messages: Iterable[Message], *, at: datetime) -> None:
    """Put `messages` into the inboxes; a repeated event of the same person is left out."""
    rows = [
        {
            "user_id": user_id,
            "event": message.event,
            "kind": message.kind,
            "at": at,
            "title": message.title,
            "body": message.body,
            "path": message.path,
            "urgent": message.urgent,
            "read_at": None,
        }
        for message in messages
        for user_id in dict.fromkeys(message.user_ids)
    ]
    if rows:
        insert = sqlite.insert if dialect() == "sqlite" else postgresql.insert
        db.session.execute(insert(cast(Table, Notice.__table__)).on_conflict_do_nothing(), rows)
