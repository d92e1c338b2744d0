"""The form by which a person names his deputy."""

from wtforms import DateField

from ticketing.kernel.forms import BaseForm, IdField, LineField, at_most, required


class DeputyForm(BaseForm):
    """Who, from when to when, why."""

    deputy_id = IdField("代理人", blank="请选择", validators=[required("请选择代理人。")])
    begins_on = DateField("开始日期", validators=[required("请填写开始日期。")])
    ends_on = DateField("结束日期（含）", validators=[required("请填写结束日期。")])
    reason = LineField(
        "原因", description="例如出差、休假。", validators=[required("请写明原因。"), at_most(200)]
    )
