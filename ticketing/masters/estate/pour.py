"""Pouring many rows into a table in one statement, so that the write lock is held for moments only.

The rows travel as one JSON document, made before the transaction begins; the database takes it apart by
itself, without the interpreter's lock. Both engines know how.
"""

import json
from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Table, text

from ticketing.kernel.db import db, dialect
from ticketing.kernel.enums import Labelled


class Jug(NamedTuple):
    """Rows ready to be poured: the table, its columns, and the document that holds them."""

    table: str
    columns: tuple[str, ...]
    document: str


def jug(table: Table, rows: Sequence[dict[str, Any]]) -> Jug:
    """Make rows with the same columns, in the same order, ready; slow enough to be done outside the transaction."""
    columns = tuple(rows[0]) if rows else ()
    as_objects = dialect() == "postgresql"
    document = json.dumps(
        rows if as_objects else [tuple(row.values()) for row in rows],
        ensure_ascii=False,
        default=_plain,
    )
    return Jug(table.name, columns, document)


def pour(filled: Jug) -> None:
    """Insert the rows in the caller's transaction."""
    if not filled.columns:
        return
    columns = ", ".join(f'"{name}"' for name in filled.columns)
    if dialect() == "postgresql":
        source = f'SELECT {columns} FROM json_populate_recordset(NULL::"{filled.table}", :rows)'
    else:
        values = ", ".join(f"json_extract(value, '$[{n}]')" for n in range(len(filled.columns)))
        source = f"SELECT {values} FROM json_each(:rows)"
    db.session.execute(
        text(f'INSERT INTO "{filled.table}" ({columns}) {source}'), {"rows": filled.document}
    )


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Labelled):
        return value.value
    raise TypeError(f"cannot pour {value!r}")
