"""The stored form of figures: a snapshot that opens as it was, whatever has been added to reports since."""

import dataclasses
from collections.abc import Callable
from dataclasses import fields
from datetime import date, datetime
from enum import Enum
from functools import cache
from types import UnionType
from typing import Any, cast, get_args, get_origin, get_type_hints

from ticketing.oversight.reports.figures import Figures


def to_json(value: Any) -> Any:
    """The stored form: dictionaries, lists, numbers and text only."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [to_json(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    return value


def from_json(stored: dict[str, Any]) -> Figures:
    """The figures of a stored snapshot, equal to those it was made from."""
    figures = _reader(Figures)(stored)
    assert isinstance(figures, Figures)
    return figures


Read = Callable[[Any], Any]


@cache
def _reader(kind: Any) -> Read:
    """How a stored value becomes one of `kind`; worked out once for each kind, as a report holds hundreds of rows."""
    if get_origin(kind) is tuple:
        inner = _reader(get_args(kind)[0])
        return lambda value: tuple(map(inner, value))
    if isinstance(kind, UnionType):
        some = _reader(next(one for one in get_args(kind) if one is not type(None)))
        return lambda value: None if value is None else some(value)
    if dataclasses.is_dataclass(kind):
        assert isinstance(kind, type)
        return _row_reader(kind)
    if issubclass(kind, Enum):
        return cast(Read, kind)
    if kind in (date, datetime):
        return cast(Read, kind.fromisoformat)
    return _as_it_is


def _row_reader(kind: type) -> Read:
    readers = {name: _reader(one) for name, one in get_type_hints(kind).items()}
    changing = {name: read for name, read in readers.items() if read is not _as_it_is}

    def read(value: dict[str, Any]) -> Any:
        made = {name: one(value[name]) for name, one in changing.items() if name in value}
        return kind(**{**value, **made})

    return read


def _as_it_is(value: Any) -> Any:
    return value
