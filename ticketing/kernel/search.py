"""Full-text search over one table of (row id, text) on both engines, Chinese words of any length.

Text is stored with a blank around each Han character; SQLite answers by FTS5, PostgreSQL by tsvector.
A search is a phrase for each word; all words must occur.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, column, false, func, literal_column, table, text

from ticketing.kernel.db import db, dialect
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
    db.session.execute(_INSERT[dialect()], {"id": row_id, "body": spaced(" ".join(texts))})


def replace(row_id: int, *texts: str) -> None:
    """Make a known row findable by `texts` and nothing else."""
    db.session.execute(_UPDATE[dialect()], {"id": row_id, "body": spaced(" ".join(texts))})


def index_rows(rows: list[tuple[int, str]]) -> None:
    """Make many new rows findable at once: (row id, text)."""
    db.session.execute(
        _INSERT[dialect()], [{"id": row_id, "body": spaced(body)} for row_id, body in rows]
    )


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
    phrases = [*map(_pg_phrase, terms)]
    if marks:
        phrases.append("(" + " | ".join(f"'{mark}'" for mark in marks) + ")")
    return _search.c.body.op("@@")(func.to_tsquery("simple", " & ".join(phrases)))


def _pg_phrase(term: str) -> str:
    return "(" + " <-> ".join(f"'{word}'" for word in term.split()) + ")"
