"""Changing the fields of a row so that the journal can say what changed: ``{name: [old, new]}``, JSON-ready."""

from datetime import date
from typing import Any

from ticketing.kernel.enums import Labelled


def write(row: Any, changes: dict[str, Any]) -> dict[str, list[Any]]:
    """Set the fields of `row` that differ; returns their old and new values."""
    written = {}
    for name, new in changes.items():
        old = getattr(row, name)
        if old != new:
            setattr(row, name, new)
            written[name] = [plain(old), plain(new)]
    return written


def plain(value: Any) -> Any:
    """A value as JSON can hold it."""
    if isinstance(value, Labelled):
        return value.value
    if isinstance(value, date):  # an instant too
        return value.isoformat()
    return value
