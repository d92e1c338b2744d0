"""Full-text search over one table of (row id, text) on both engines, Chinese words of any length.

Text is stored with a blank around each Han character; SQLite answers by FTS5, PostgreSQL by tsvector.
A search is a phrase for each word; all words must occur.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    column,
    false,
    func,
    literal,
    literal_column,
    select,
    table,
    text,
    true,
    union_all,
)

from ticketing.kernel.db import dialect, run
from ticketing.kernel.text import search_terms, spaced

TABLE = "ticket_search"
_search = table(TABLE, column("rowid"), column("body"))

CREATE = {
    "sqlite": (
        f"CREATE VIRTUAL TABLE {TABLE} USING fts5(body, tokenize='unicode61', detail=full)",
    ),
    "postgresql": (
        f"CREATE TABLE {TABLE} (rowid bigint PRIMARY KEY, body tsvector NOT NULL)",
        f"CREATE INDEX ix_{TABLE}_body ON {TABLE} USING gin (body)",
    ),
}
DROP = f"DROP TABLE {TABLE}"

_INSERT = {
    "sqlite": text(f"INSERT INTO {TABLE} (rowid, body) VALUES (:id, :body)"),
    "postgresql": text(
        f"INSERT INTO {TABLE} (rowid, body) VALUES (:id, to_tsvector('simple', :body))"
    ),
}
_UPDATE = {
    "sqlite": text(f"UPDATE {TABLE} SET body = :body WHERE rowid = :id"),
    "postgresql": text(f"UPDATE {TABLE} SET body = to_tsvector('simple', :body) WHERE rowid = :id"),
}


def add(row_id: int, *texts: str) -> None:
    """Make a new row findable by `texts`."""
    run(_INSERT[dialect()], {"id": row_id, "body": spaced(" ".join(texts))})


def replace(row_id: int, *texts: str) -> None:
    """Make a known row findable by `texts` and nothing else."""
    run(_UPDATE[dialect()], {"id": row_id, "body": spaced(" ".join(texts))})


def index_rows(rows: list[tuple[int, str]]) -> None:
    """Make many new rows findable at once: (row id, text)."""
    run(_INSERT[dialect()], [{"id": row_id, "body": spaced(body)} for row_id, body in rows])


ROW_ID: ColumnElement[int] = _search.c.rowid
SOURCE: Any = _search


def matches(query: str, marks: Collection[str] = ()) -> ColumnElement[bool] | None:
    """The condition that a row of the search table holds every word of `query`; None for no query.

    With `marks` (single words a row was made findable by) it must hold one of them too: a common word
    is then looked for among few rows. A query of nothing but punctuation finds nothing.
    """
    terms = search_terms(query)
    if not terms:
        return false() if query.strip() else None
    if dialect() == "sqlite":
        phrases = [f'"{term}"' for term in terms]
        if marks:
            phrases.append("(" + " OR ".join(f'"{mark}"' for mark in marks) + ")")
        return literal_column(TABLE).op("MATCH")(" AND ".join(phrases))
    return _search.c.body.op("@@")(_pg_query(query, marks))


NEAR = 1500
MANY_WORDS = 3


def newest(
    found: Select[Any], query: str, marks: Collection[str], before: int | None, size: int
) -> Any:
    """The newest `size` rows of `found` that hold every word of `query`, below row `before` if given.

    The first column of `found` is the row id. PostgreSQL takes characters that always stand together
    for a rare coincidence, collects all the thousands of rows that hold them, and sorts those. For
    many words it is therefore told to look through the newest `NEAR` rows one by one first, and only
    if they do not hold enough through the rest.
    """
    match = matches(query, marks)
    if match is None:
        match = true()
    if before is not None:
        found = found.where(before > ROW_ID)
    order = ROW_ID.desc()
    few = sum(len(term.split()) for term in search_terms(query)) < MANY_WORDS
    if few or dialect() == "sqlite":
        return found.where(match).order_by(order).limit(size)
    last = select(func.max(ROW_ID)).correlate(None).scalar_subquery() if before is None else before
    near = found.where(match.is_(true()), last - NEAR < ROW_ID).order_by(order).limit(size)
    held = near.cte()
    wanting = select(func.count()).select_from(held).scalar_subquery() < size
    far = found.where(match, last - NEAR >= ROW_ID, wanting).order_by(order).limit(size)
    both = union_all(select(held), select(far.subquery()))
    return both.order_by(both.selected_columns[0].desc()).limit(size)


def _pg_query(query: str, marks: Collection[str]) -> ColumnElement[Any]:
    phrases = [*map(_pg_phrase, search_terms(query))]
    if marks:
        phrases.append("(" + " | ".join(f"'{mark}'" for mark in marks) + ")")
    words = literal(" & ".join(phrases), literal_execute=True)
    return func.to_tsquery("simple", words)


def _pg_phrase(term: str) -> str:
    return "(" + " <-> ".join(f"'{word}'" for word in term.split()) + ")"
