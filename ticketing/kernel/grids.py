"""Rows of inputs in one form, typed like a spreadsheet: each row refuses its own cells, empty rows are none."""

from typing import Any, ClassVar

from wtforms import FieldList, Form, FormField


class RowForm(Form):
    """A row of a grid; `typed` names the cells a person fills, a choice that stands there beforehand is none of them."""

    class Meta:
        """Messages come from WTForms' Chinese catalogue."""

        locales: ClassVar[list[str]] = ["zh"]

    typed: ClassVar[tuple[str, ...]] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing was typed into it."""
        return not any(self[name].data or self[name].errors for name in self.typed)

    def refuse(self, name: str, sentence: str) -> bool:
        """Put a sentence at a cell that has none yet; False, as the answer of a check."""
        if not self[name].errors:
            self[name].errors = [sentence]
        return False


class GridField(FieldList):
    """Rows of inputs. More of them than a paper can have are refused, not lost unseen."""

    errors: Any

    def __init__(self, row: type[RowForm], label: str, *, most: int, **kwargs: Any) -> None:
        self.most, self.too_many = most, False
        super().__init__(FormField(row), label, max_entries=most, **kwargs)

    def process(self, formdata: Any, *args: Any, **kwargs: Any) -> None:
        """Read the rows that were sent."""
        if formdata:
            self.too_many = len(set(self._extract_indices(self.name, formdata))) > self.most
        super().process(formdata, *args, **kwargs)

    def validate(self, form: Any, extra_validators: Any = ()) -> bool:
        """Refuse what a row refuses, and too many rows."""
        good = bool(super().validate(form, extra_validators))
        if self.too_many:
            self.errors = [*self.errors, f"最多 {self.most} 行。"]
        return good and not self.too_many

    @property
    def rows(self) -> list[Any]:
        """The form of each row."""
        return [entry.form for entry in self.entries]

    def grow(self, count: int) -> None:
        """Add empty rows, as far as a paper can have them."""
        for _ in range(min(count, self.most - len(self.entries))):
            self.append_entry()
