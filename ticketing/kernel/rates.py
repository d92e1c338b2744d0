"""Percentages as people type them: ``10``, ``9.5%``; the data are integer basis points."""

import re
from typing import Any

from wtforms import Field
from wtforms.validators import ValidationError
from wtforms.widgets import TextInput

from ticketing.kernel.text import clean_line, fold


class PercentField(Field):
    """A rate typed in per cent with at most two decimals; data is integer basis points (10 % = 1000)."""

    widget = TextInput()

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        whole, rest = divmod(int(self.data or 0), 100)
        return f"{whole}{f'.{rest:02d}'.rstrip('0') if rest else ''}"

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read the rate; anything but digits with at most two decimals is refused."""
        self.data: Any = 0
        typed = fold(clean_line(valuelist[0])) if valuelist else ""
        found = re.fullmatch(r"(\d{1,3})(?:\.(\d{1,2}))?", typed.removesuffix("%").strip())
        if found is None:
            raise ValidationError("请填写百分比，最多两位小数，例如 9.5。")
        self.data = int(found[1]) * 100 + int((found[2] or "0").ljust(2, "0"))
