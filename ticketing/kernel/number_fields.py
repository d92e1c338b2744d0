"""Fields for typed numbers: quantities and prices in thousandths, rates in basis points.

They take what people type and spreadsheets hold: full-width digits, commas between thousands, a unit sign.
"""

import re

from wtforms import Field
from wtforms.validators import ValidationError
from wtforms.widgets import TextInput

from ticketing.kernel.text import milli_in, plain_number, show_milli


class MilliField(Field):
    """A number of at most three decimals (``0.5``, ``1,234.5``); data is in thousandths, None where nothing stands."""

    widget = TextInput()
    data: int | None

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else show_milli(self.data)

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read the number; anything but digits with at most three decimals is refused."""
        self.data = None
        try:
            self.data = milli_in(valuelist[0] if valuelist else "")
        except ValueError:
            raise ValidationError("请填写数字，最多三位小数，例如 0.5。") from None


class RateField(Field):
    """A percentage of at most two decimals (``5`` or ``2.5``); data is in basis points, 0 where nothing stands."""

    widget = TextInput()
    data: int

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return show_milli(int(self.data or 0) * 10)

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read the percentage; what is no number from 0 to 100 is refused."""
        self.data = 0
        typed = plain_number(valuelist[0] if valuelist else "", "%")
        if not typed:
            return
        found = re.fullmatch(r"([0-9]{1,3})(?:\.([0-9]{1,2})0*)?", typed)
        rate = int(found[1]) * 100 + int((found[2] or "0").ljust(2, "0")) if found else None
        if rate is None or rate > 10_000:
            raise ValidationError("请填写 0 到 100 的百分数，最多两位小数，例如 5 或 2.5。")
        self.data = rate
