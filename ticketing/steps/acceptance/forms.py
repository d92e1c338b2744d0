"""Forms of acceptance: the lower half of the 工程派工单."""

from wtforms import BooleanField

from ticketing.kernel.forms import (
    EnumRadioField,
    LineField,
    ParagraphField,
    TokenField,
    VersionedForm,
    at_most,
    required,
)
from ticketing.procedure.repairs import Inspector
from ticketing.procedure.vocabulary import Satisfaction


class InspectForm(VersionedForm):
    """The completion inspection (procedure 3.5.3)."""

    inspected_for = EnumRadioField("检查方", Inspector, validators=[required("请选择检查方。")])
    inspection = ParagraphField(
        "检查意见", validators=[required("请填写检查意见。"), at_most(1000)]
    )


class SignOffForm(VersionedForm):
    """The customer's opinion and signature, or his refusal with reason and evidence (procedure 3.5.3)."""

    customer_name = LineField("签认人", validators=[required("请填写签认人姓名。"), at_most(40)])
    satisfaction = EnumRadioField("客户意见", Satisfaction, validate_choice=False)
    opinion = ParagraphField("客户的话", validators=[at_most(1000)])
    signature = TokenField()
    refused = BooleanField("客户拒签")
    refusal_reason = ParagraphField(
        "拒签原因", description="拒签时必填。", validators=[at_most(500)]
    )
    refusal_evidence = ParagraphField(
        "凭证",
        description="拒签时必填，例如现场见证人、录音编号、照片。",
        validators=[at_most(500)],
    )


class RejectForm(VersionedForm):
    """What is not in order (procedure 3.5.3)."""

    reason = ParagraphField(
        "不合格之处", validators=[required("请写明不合格之处。"), at_most(1000)]
    )
