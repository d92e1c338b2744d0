"""The database: typed base, column kinds, engine settings, and the one place that commits.

Models inherit `Base` and know no Flask. Two engines are supported and tested: SQLite and PostgreSQL.
"""

import enum
import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar, cast

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    CursorResult,
    DateTime,
    Dialect,
    Enum,
    Executable,
    Insert,
    Integer,
    MetaData,
    Select,
    Table,
    Text,
    TypeDecorator,
    func,
    inspect,
    literal,
    select,
    text,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import (
    DeclarativeBase,
    InstrumentedAttribute,
    Mapper,
    make_transient_to_detached,
    mapped_column,
)
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.exc import StaleDataError

from ticketing.kernel import locking
from ticketing.kernel.errors import Conflict, NotFound
from ticketing.kernel.locking import reading


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: refuses naive values, stores UTC, gives back aware UTC on every engine."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a value without a time zone; store the UTC wall time."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the stored wall time its zone back."""
        return None if value is None else value.replace(tzinfo=UTC)


BigId = BigInteger().with_variant(Integer, "sqlite")
Id = Annotated[int, mapped_column(BigId, primary_key=True)]


class Base(DeclarativeBase):
    """Base of every model: named constraints, aware instants, enums by value."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {
        datetime: UtcDateTime,
        str: Text,
        enum.Enum: Enum(
            enum.Enum,
            native_enum=False,
            length=32,
            values_callable=lambda kind: [member.value for member in kind],
        ),
    }


db = SQLAlchemy(metadata=Base.metadata)

ENGINE_OPTIONS: dict[str, Any] = {
    "json_serializer": functools.partial(json.dumps, ensure_ascii=False),
    "pool_recycle": 4 * 3600,
    "pool_use_lifo": True,
}
"""A connection of SQLite learns what `gather_statistics` found when it is opened: so none is kept for longer than hours.

The one used last is used next: each holds its own pages of the file in memory. The app keeps one for every thread that serves.
"""

MOST_COUNTED = 100
"""`counted` goes no further; the screen then shows ``99+``."""


def turn_to_write() -> AbstractContextManager[None]:
    """On SQLite the block of somebody's turn (`locking.turn`); PostgreSQL lets many write at once."""
    return locking.turn() if dialect() == "sqlite" else nullcontext()


@contextmanager
def transaction(*, known: object = None) -> Iterator[None]:
    """The one committer: commit what the block did, or nothing of it.

    Where only reading was allowed so far (every request begins so), the read transaction ends and
    what it loaded is read anew: a clerk holds the write lock only while he writes, not while his
    form is checked, and what the command decides on cannot have changed. The row `known` (who is
    acting, checked at the door of this request) is not read a second time.

    Raises Conflict when another transaction changed the same row, or made the same one, first.
    """
    if locking.is_reading():
        _read_anew(known)
    try:
        with reading(False):
            yield
            db.session.commit()
    except StaleDataError:
        db.session.rollback()
        raise Conflict("刚才有人先一步修改了这条记录，请核对最新内容后再提交。") from None
    except IntegrityError as error:
        db.session.rollback()
        if not _is_a_twin(error):
            raise
        raise Conflict("刚才有人同时保存了同样的内容，请核对后再试。") from None
    except BaseException:
        db.session.rollback()
        raise


def _read_anew(known: object) -> None:
    """End the read transaction; every row but `known` is loaded again when it is next asked for."""
    if known is None or known not in db.session:
        db.session.rollback()
        return
    db.session.expunge(known)
    db.session.rollback()
    db.session.add(known)


def _is_a_twin(error: IntegrityError) -> bool:
    """Whether the database refused a second row of what must be unique (not some other rule)."""
    unique_violation = "23505"
    return getattr(error.orig, "sqlstate", "") == unique_violation or "UNIQUE constraint" in str(
        error.orig
    )


def run(
    statement: Executable, values: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
) -> CursorResult[Any]:
    """Execute a statement about tables in the session's transaction: nothing is flushed first, no object of a model comes back."""
    return db.session.connection().execute(statement, values)


def insert_now(row: Base) -> None:
    """Write a new row on which nothing hangs yet, at once and alone; the session then has it as if it had been loaded.

    `flush` does the same by way of everything it knows of units of work: three times the processor time. It knows
    columns only: raises ValueError where another row is set instead of its number.
    """
    mapper = inspect(row).mapper
    known, empty = vars(row), _empty(mapper)
    if others := known.keys() & mapper.relationships.keys():
        raise ValueError(f"{mapper.class_.__name__}: {', '.join(others)} by number only")
    values = {**empty, **{name: known[name] for name in known.keys() & empty.keys()}}
    (number,) = cast(tuple[int], run(_insert(mapper), values).inserted_primary_key)
    known.update(values, **{mapper.get_property_by_column(mapper.primary_key[0]).key: number})
    make_transient_to_detached(row)
    undone = db.session.identity_map.get(mapper.identity_key_from_instance(row))
    if undone is not None:  # a row of a transaction that was rolled back had the same number
        db.session.expunge(undone)
    db.session.add(row)


@functools.cache
def _insert(mapper: Mapper[Any]) -> Insert:
    return cast(Table, mapper.local_table).insert()


@functools.cache
def _empty(mapper: Mapper[Any]) -> dict[str, Any]:
    """What the columns of a new row hold, but its number, where nothing else is said."""
    return {
        attribute.key: 1
        if column is mapper.version_id_col
        else column.default.arg
        if column.default is not None
        else None
        for attribute in mapper.column_attrs
        for column in attribute.columns
        if not column.primary_key
    }


Parts = Mapping[str, Select[Any]]
"""The collections of a paper by attribute, each with the statement that loads it for the row ``:id``."""


Paper = TypeVar("Paper", bound=Base)


def filled(query: Select[Paper], row_id: int, parts: Parts) -> Paper:
    """The one row of `query`, a statement about the row ``:id``, with these collections. Raises NotFound."""
    found = db.session.scalars(query, {"id": row_id}).one_or_none()
    if found is None:
        raise NotFound
    fill(found, parts)
    return found


def fill(row: Base, parts: Parts) -> None:
    """Load collections of one row by statements that are built once, each in the statement's own order.

    `selectinload` says the same in a word, but for every collection it reckons anew how the whole query with all
    its options is to be looked up: for a paper of five collections a third of the time of its page.
    """
    (number,) = cast(tuple[int], inspect(row).identity)
    for name, query in parts.items():
        set_committed_value(row, name, db.session.scalars(query, {"id": number}).unique().all())


def counted(some: Select[Any]) -> int:
    """How many rows there are, counted up to `MOST_COUNTED`: a number beside other work costs no more where more waits."""
    return (
        db.session.scalar(select(func.count()).select_from(some.limit(MOST_COUNTED).subquery()))
        or 0
    )


def only_where(condition: str) -> dict[str, Any]:
    """The options of an index that holds only some rows; `written` asks so that it is found.

    A column that is mostly empty is always indexed so: with all the empty ones in it SQLite takes the index for useless.
    """
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


def written(column: InstrumentedAttribute[Any], value: Any) -> BindParameter[Any]:
    """A value written out in the statement, so that both engines see that a partial index holds what is asked."""
    return literal(value, column.type, literal_execute=True)


def off_index(column: Any) -> ColumnElement[Any]:
    """The same as the column, but no index answers it: for a condition that holds of nearly every row.

    SQLite takes any bound for a narrow one and would walk the whole history by that column's index.
    """
    return func.coalesce(column, column)


def gather_statistics() -> int:
    """Tell SQLite's planner how the rows lie, index by index, so that nobody waits for long; how many there were.

    PostgreSQL does it by itself: 0.
    """
    if dialect() != "sqlite":
        return 0
    with reading():
        names = db.session.scalars(
            text("SELECT name FROM sqlite_master WHERE type = 'index'")
        ).all()
        db.session.rollback()
    for name in names:
        with transaction():
            db.session.execute(text(f'ANALYZE "{name}"'))
    return len(names)


def dialect() -> str:
    """The name of the engine in use: ``sqlite`` or ``postgresql``."""
    return db.engine.dialect.name
