"""Writing the journal: one entry for each act, chained to the one before."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple, Protocol, cast

from sqlalchemy import Table, select

from ticketing.journal.chain import GENESIS, HEAD, chained
from ticketing.journal.models import JournalEntry, JournalHead
from ticketing.kernel.db import db

SYSTEM = "系统"


class Actor(Protocol):
    """Who did it: anything with an id and a name, such as a user."""

    @property
    def id(self) -> int:
        """The row id."""

    @property
    def name(self) -> str:
        """The name as it stood when he acted."""


def record(
    subject: str,
    subject_id: int,
    act: str,
    *,
    actor: Actor | None,
    at: datetime,
    clause: str = "",
    origin: str = "",
    target: str = "",
    version: int = 0,
    facts: dict[str, Any] | None = None,
) -> None:
    """Append one entry to the chain, in the caller's transaction.

    `actor` None is the system itself. `facts` must be JSON-serialisable; changed fields are given as ``{name: [old, new]}``.
    The head row is locked first, so entries of parallel transactions queue up.
    """
    entry = {
        "at": at,
        "actor_id": actor.id if actor else None,
        "actor_name": actor.name if actor else SYSTEM,
        "subject": subject,
        "subject_id": subject_id,
        "subject_version": version,
        "act": act,
        "clause": clause,
        "origin": origin,
        "target": target,
        "facts": json.dumps(facts or {}, ensure_ascii=False, sort_keys=True),
    }
    _append([entry])


class SystemEntry(NamedTuple):
    """One entry of many that the system itself writes at once."""

    subject: str
    subject_id: int
    clause: str
    facts: dict[str, Any]


def record_many(act: str, entries: Iterable[SystemEntry], *, at: datetime) -> None:
    """Append entries of the system, all of the same act and instant: the head is locked and moved once."""
    _append(
        [
            {
                "at": at,
                "actor_id": None,
                "actor_name": SYSTEM,
                "subject": entry.subject,
                "subject_id": entry.subject_id,
                "subject_version": 0,
                "act": act,
                "clause": entry.clause,
                "origin": "",
                "target": "",
                "facts": json.dumps(entry.facts, ensure_ascii=False, sort_keys=True),
            }
            for entry in entries
        ]
    )


def _append(rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    session = db.session
    head = session.execute(_LOCK_HEAD).one_or_none()
    if head is None:
        session.execute(_ENTRIES_HEAD.insert().values(id=HEAD, count=0, hash=GENESIS))
    number, previous = (0, GENESIS) if head is None else (head[0], head[1])
    for row in rows:
        number += 1
        row["id"] = number
        previous = row["hash"] = chained(previous, row)
    session.execute(_APPEND, rows)
    session.execute(_MOVE_HEAD, {"count": number, "hash": previous})


_ENTRIES, _ENTRIES_HEAD = (cast(Table, model.__table__) for model in (JournalEntry, JournalHead))
_LOCK_HEAD = (
    select(_ENTRIES_HEAD.c["count"], _ENTRIES_HEAD.c.hash)
    .where(_ENTRIES_HEAD.c.id == HEAD)
    .with_for_update()
)
_APPEND = _ENTRIES.insert()
_MOVE_HEAD = _ENTRIES_HEAD.update().where(_ENTRIES_HEAD.c.id == HEAD)
"""On the tables and built once: every act pays for these three statements."""
