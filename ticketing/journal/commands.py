"""Writing the journal: one entry for each act, chained to the one before."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, NamedTuple, Protocol, cast

from sqlalchemy import Table, select

from ticketing.journal.chain import GENESIS, HEAD, chained
from ticketing.journal.models import JournalEntry, JournalHead
from ticketing.kernel.db import db, run

SYSTEM = "系统"

_circumstances: ContextVar[dict[str, Any] | None] = ContextVar("circumstances", default=None)


@contextmanager
def circumstances(**facts: Any) -> Iterator[None]:
    """Let every entry written inside the block say `facts` too: true of the request, not of the act.

    The captain's phone tells its own time this way (`device_at`), which differs where a post came late.
    """
    token = _circumstances.set(facts)
    try:
        yield
    finally:
        _circumstances.reset(token)


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
    _append(
        [
            {
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
                "facts": json.dumps(
                    {**(facts or {}), **(_circumstances.get() or {})},
                    ensure_ascii=False,
                    sort_keys=True,
                ),
            }
        ]
    )


class Line(NamedTuple):
    """One of many entries about the same act: on what, in which version, its facts, its own clause if any."""

    subject_id: int
    version: int
    facts: dict[str, Any]
    clause: str = ""


def record_all(
    subject: str,
    act: str,
    lines: Iterable[Line],
    *,
    actor: Actor | None,
    at: datetime,
    clause: str = "",
) -> None:
    """`record` for one act on many things at once: thousands of entries in a few statements."""
    _append(
        [
            {
                "at": at,
                "actor_id": actor.id if actor else None,
                "actor_name": actor.name if actor else SYSTEM,
                "subject": subject,
                "subject_id": line.subject_id,
                "subject_version": line.version,
                "act": act,
                "clause": line.clause or clause,
                "origin": "",
                "target": "",
                "facts": json.dumps(line.facts, ensure_ascii=False, sort_keys=True),
            }
            for line in lines
        ]
    )


def _append(rows: list[dict[str, Any]]) -> None:
    """Number and chain the rows behind the present head, which is locked first of the journal and after all else."""
    if not rows:
        return
    db.session.flush()
    head: Any = run(_LOCK_HEAD).one_or_none()
    if head is None:
        run(_ENTRIES_HEAD.insert().values(id=HEAD, count=0, hash=GENESIS))
        number, previous = 0, GENESIS
    else:
        number, previous = head
    for row in rows:
        number += 1
        row["id"] = number
        row["hash"] = previous = chained(previous, row)
    run(_APPEND, rows)
    run(_MOVE_HEAD, {"count": number, "hash": previous})


_ENTRIES, _ENTRIES_HEAD = (cast(Table, model.__table__) for model in (JournalEntry, JournalHead))
_LOCK_HEAD = (
    select(_ENTRIES_HEAD.c["count"], _ENTRIES_HEAD.c.hash)
    .where(_ENTRIES_HEAD.c.id == HEAD)
    .with_for_update()
)
_APPEND = _ENTRIES.insert()
_MOVE_HEAD = _ENTRIES_HEAD.update().where(_ENTRIES_HEAD.c.id == HEAD)
"""On the tables and built once: every act pays for these three statements."""
