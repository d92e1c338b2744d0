"""Forms of the working calendar: a year's list, a closure, lifting a closure."""

from flask_wtf.file import FileField
from wtforms import DateField, IntegerField
from wtforms.validators import InputRequired, NumberRange, Optional

from ticketing.kernel.forms import (
    BaseForm,
    LineField,
    ParagraphField,
    TokenField,
    at_most,
    required,
)
from ticketing.masters.workcalendar.commands import EARLIEST, LATEST
from ticketing.masters.workcalendar.notice import LONGEST_TEXT


class ListForm(BaseForm):
    """A year's official list, pasted or uploaded; previewed before it is proposed."""

    not_facts = BaseForm.not_facts | {"file", "previewed"}

    text = ParagraphField(
        "放假安排",
        description="粘贴国务院办公厅通知全文；也可以一行一天，例如：2026-02-15 放假 春节。",
        validators=[at_most(LONGEST_TEXT)],
    )
    number = LineField(
        "通知文号", description="通知全文里写着文号时不必填。", validators=[at_most(60)]
    )
    year = IntegerField(
        "年份",
        description="通知标题里写着年份时不必填。",
        validators=[
            Optional(),
            NumberRange(EARLIEST, LATEST, f"年份应在 {EARLIEST} 年至 {LATEST} 年之间。"),
        ],
    )
    file = FileField("或上传表格")
    previewed = TokenField()


class ClosureForm(BaseForm):
    """The company closes on a coming working day."""

    day = DateField("停工日期", validators=[InputRequired("请填写停工日期。")])
    reason = LineField(
        "停工原因",
        description="例如：台风红色预警停工。",
        validators=[required("请填写停工原因。"), at_most(100)],
    )


class ReopeningForm(BaseForm):
    """A coming closure is lifted."""

    day = DateField("取消哪一天的停工", validators=[InputRequired("请选择停工日期。")])
    reason = LineField("取消原因", validators=[required("请填写取消原因。"), at_most(100)])
