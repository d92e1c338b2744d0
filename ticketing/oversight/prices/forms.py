"""Forms of price lists: a filled workbook with its date and reason, and the answer of the second person."""

from flask_wtf.file import FileField, FileRequired
from wtforms import DateField

from ticketing.kernel.forms import (
    BaseForm,
    EnumField,
    ParagraphField,
    VersionedForm,
    at_most,
    required,
)
from ticketing.procedure.settlement import PriceBasis


class ImportForm(BaseForm):
    """A whole price list as a workbook, from when it shall count, and by what it was agreed on (procedure 3.5.6)."""

    not_facts = BaseForm.not_facts | {"file"}

    file = FileField(
        "价目表（Excel）",
        description="只收 .xlsx，不超过 10 MB。",
        validators=[FileRequired("请选择填好的价目表。")],
    )
    basis = EnumField("单价口径", PriceBasis, validators=[required("请选择单价口径。")])
    valid_from = DateField(
        "生效日期",
        description="只用于这一天起签发的派工单，不追溯。",
        validators=[required("请填写生效日期。")],
    )
    reason = ParagraphField(
        "依据",
        description="例如补充协议的编号和签订日期。",
        validators=[required("请写明依据。"), at_most(500)],
    )


class StepForm(VersionedForm):
    """Propose, agree or give up: a button for the version as it was read."""


class DeclineForm(VersionedForm):
    """Why a version is not agreed to."""

    answer = ParagraphField(
        "不同意的理由", validators=[required("请写明不同意的理由。"), at_most(500)]
    )
