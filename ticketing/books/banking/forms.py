"""Forms of reconciliation."""

from collections.abc import Sequence
from typing import Any

from flask_wtf.file import FileField, FileRequired

from ticketing.books.banking.reading import Column, Layout
from ticketing.kernel.forms import BaseForm, IdField


class BankFileForm(BaseForm):
    """A file of the bank."""

    not_facts = BaseForm.not_facts | {"file"}

    file = FileField(
        "银行明细文件",
        description="网银导出的 CSV（UTF-8 或 GBK）或 Excel（.xlsx），最大 10 MB。",
        validators=[FileRequired("请选择银行明细文件。")],
    )


class ColumnsForm(BaseForm):
    """Which column of a table is what, and in which row its heads stand."""

    head = IdField("表头所在行", blank="没有表头")
    on = IdField(Column.ON.label, blank="没有")
    reference = IdField(Column.REFERENCE.label, blank="没有")
    payee = IdField(Column.PAYEE.label, blank="没有")
    amount = IdField(Column.AMOUNT.label, blank="没有")
    out = IdField(Column.OUT.label, blank="没有")
    money_in = IdField(Column.IN.label, blank="没有")
    text = IdField(Column.TEXT.label, blank="没有")

    @property
    def facts(self) -> dict[str, Any]:
        """What `map_columns` asks for: positions from 0."""
        columns = {
            column: self[_field(column)].data - 1
            for column in Column
            if self[_field(column)].data is not None
        }
        return {"head": self.head.data or 0, "columns": columns}

    def offer(self, heads: Sequence[int], width: int, samples: Sequence[str]) -> None:
        """Let the person choose among the first rows and the columns, each with what stands in it."""
        self.head.offer((number, f"第 {number} 行") for number in heads)
        for column in Column:
            choices = ((n + 1, f"{_letter(n)} 列：{samples[n][:20]}") for n in range(width))
            self[_field(column)].offer(choices)


def _field(column: Column) -> str:
    return "money_in" if column is Column.IN else column.value


def _letter(n: int) -> str:
    return chr(65 + n) if n < 26 else chr(64 + n // 26) + chr(65 + n % 26)


def as_data(layout: Layout) -> dict[str, int | None]:
    """A layout as the form shows it."""
    found: dict[str, int | None] = {_field(one): at + 1 for one, at in layout.columns.items()}
    return found | {"head": layout.head or None}
