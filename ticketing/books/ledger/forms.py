"""Forms of the ledger: asking for a reversal, for a closing or its reopening, and answering."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from wtforms import SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from ticketing.kernel.forms import BaseForm, ParagraphField, YesNoField, at_most, required


class MonthField(SelectField):
    """A choice among months; data is the day through which the books stand closed then, or None."""

    def __init__(self, label: str, **kwargs: Any) -> None:
        wrong = "请从列出的月份中选择。"
        super().__init__(
            label,
            choices=[],
            coerce=_day_or_none,
            invalid_value_message=wrong,
            invalid_choice_message=wrong,
            **kwargs,
        )

    def offer(self, rows: Iterable[tuple[date, str]]) -> None:
        """Let the person choose among (day, label)."""
        self.choices = [
            SelectChoice("", "请选择"),
            *(SelectChoice(day.isoformat(), label) for day, label in rows),
        ]


def _day_or_none(value: Any) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) and value else value or None


class AskReversalForm(BaseForm):
    """Why an entry is to be reversed (access matrix 33)."""

    reason = ParagraphField("冲销原因", validators=[required("请写明冲销原因。"), at_most(300)])


class AnswerForm(BaseForm):
    """Audit's answer to what finance asks: to a reversal, a closing, a deposit entered (procedure 2.7)."""

    agreed = YesNoField("审计意见", yes="同意", no="不同意")
    answer = ParagraphField("说明", description="不同意的须写明原因。", validators=[at_most(300)])


class AskClosingForm(BaseForm):
    """Through which month the books are to be closed (access matrix 33)."""

    through = MonthField("结账至", validators=[InputRequired("请选择月份。")])

    def offer(self, days: Iterable[date]) -> None:
        """Let the person choose among ends of months."""
        self.through.offer((day, f"{day.year} 年 {day.month} 月（至 {day}）") for day in days)


class AskReopeningForm(BaseForm):
    """From which month on the books are to be open again, and why."""

    through = MonthField("自哪个月起重新开放", validators=[InputRequired("请选择月份。")])
    reason = ParagraphField("反结账原因", validators=[required("请写明反结账原因。"), at_most(300)])

    def offer(self, days: Iterable[date]) -> None:
        """Let the person choose among the days through which the books stay closed."""
        opened = ((day, day + timedelta(days=1)) for day in days)
        self.through.offer((day, f"{first.year} 年 {first.month} 月起") for day, first in opened)
