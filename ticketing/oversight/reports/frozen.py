"""The stored form of figures: a snapshot that opens as it was, whatever has been added to reports since."""

import dataclasses
from dataclasses import fields
from datetime import date, datetime
from enum import Enum
from functools import cache
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

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
    figures = _read(Figures, stored)
    assert isinstance(figures, Figures)
    return figures


@cache
def _kinds(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _read(kind: Any, value: Any) -> Any:
    if value is None:
        return None
    if get_origin(kind) is tuple:
        inner = get_args(kind)[0]
        return tuple(_read(inner, item) for item in value)
    if isinstance(kind, UnionType):
        return _read(next(one for one in get_args(kind) if one is not type(None)), value)
    if dataclasses.is_dataclass(kind):
        assert isinstance(kind, type)
        return kind(**{name: _read(_kinds(kind)[name], item) for name, item in value.items()})
    if issubclass(kind, Enum):
        return kind(value)
    if kind in (date, datetime):
        return kind.fromisoformat(value)
    return value
