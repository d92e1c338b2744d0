"""What a table of a report is made of: columns, cells, and the list a figure leads to."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple, Self

from ticketing.oversight.reports.links import Link

TOTAL = "合计"
DASH = "—"


class Cell(NamedTuple):
    """One cell: its value, and where it leads."""

    value: str | int | float | date | None
    link: Link | None = None


class Column(NamedTuple):
    """One column; `kind` is text, day, count, mean, percent, change or money (in fen)."""

    head: str
    kind: str = "count"

    def text(self, value: Any) -> str:
        """The value as printed on the page."""
        if value is None:
            return DASH
        if self.kind == "percent":
            return f"{value:.1%}"
        if self.kind == "change":
            return f"{value:+.1%}"
        if self.kind == "mean":
            return f"{value:.1f}"
        if self.kind == "money":
            return f"{Decimal(value) / 100:,.2f}"
        return str(value)

    @property
    def is_number(self) -> bool:
        """Whether its cells stand to the right."""
        return self.kind not in ("text", "day")


class Table(NamedTuple):
    """One headed table with what its reader must know; the last row is the total when `has_total`."""

    code: str
    title: str
    columns: tuple[Column, ...]
    rows: list[list[Cell]]
    notes: tuple[str, ...] = ()
    has_total: bool = True

    def shortened(self, most: int) -> Self:
        """A long list cut for the screen, saying so; a table with a total stays whole."""
        if self.has_total or len(self.rows) <= most:
            return self
        left_out = f"共 {len(self.rows)} 行，此处列出前 {most} 行，全部见 Excel。"
        return self._replace(rows=self.rows[:most], notes=(*self.notes, left_out))


def columns(heads: str, kind: str = "count", **kinds: str) -> tuple[Column, ...]:
    """Columns from blank-separated heads, all of `kind` but those named in `kinds`."""
    return tuple(Column(head, kinds.get(head, kind)) for head in heads.split())


def plain(values: Iterable[Any]) -> list[Cell]:
    """Cells that lead nowhere."""
    return [Cell(value) for value in values]
