"""Forms of the captain's phone: few fields, most of them filled by one tap."""

from datetime import datetime
from typing import Any

from wtforms import DateField
from wtforms.validators import Optional

from ticketing.kernel import clock
from ticketing.kernel.forms import (
    BaseForm,
    EnumRadioField,
    IdsField,
    LineField,
    ParagraphField,
    TokenField,
    at_most,
    required,
)
from ticketing.kernel.number_fields import MilliField
from ticketing.procedure.repairs import UseKind
from ticketing.procedure.vocabulary import Satisfaction
from ticketing.steps.work_orders.forms import StrikeForm


class PhoneForm(BaseForm):
    """A form sent from the captain's phone; `device_at` is what the phone's own clock said when he sent it."""

    device_at = TokenField()
    not_facts = BaseForm.not_facts | {"device_at"}

    @property
    def told(self) -> dict[str, Any]:
        """The phone's own time for the journal, as a Shanghai wall time; nothing where it told none."""
        try:
            instant = datetime.fromisoformat(self.device_at.data or "")
        except ValueError:
            return {}
        if instant.tzinfo is None or not 2000 <= instant.year <= 2900:
            return {}
        return {"device_at": f"{clock.local(instant):%Y-%m-%d %H:%M:%S}"}


class AcknowledgeForm(PhoneForm):
    """The captain receives the order, names his workers and a day (procedure 3.5.2)."""

    worker_ids = IdsField("派谁去")
    visit_on = DateField("上门日期", validators=[Optional()])


class ArriveForm(PhoneForm):
    """One tap: the crew stands in the flat."""


class UseForm(PhoneForm):
    """Labour, material or a machine used, for the account (procedure 3.5.5)."""

    kind = EnumRadioField("类别", UseKind, validators=[required("请选择人工、材料或机械。")])
    what = LineField("名称", validators=[required("请填写名称。"), at_most(60)])
    quantity_milli = MilliField(
        "数量", validators=[required("请填写数量。")], render_kw={"inputmode": "decimal"}
    )
    unit = LineField("单位", validators=[required("请填写单位。"), at_most(10)])


class StrikeUseForm(StrikeForm, PhoneForm):
    """What was noted wrongly, and why (procedure 3.5.5)."""


class SelfCheckForm(PhoneForm):
    """What the captain's own check showed (procedure 3.5.3)."""

    self_check = ParagraphField(
        "自检情况", validators=[required("请填写自检情况。"), at_most(1000)]
    )


class SignForm(PhoneForm):
    """The customer signs on the captain's phone (procedure 3.5.3)."""

    customer_name = LineField(
        "签认人姓名", validators=[required("请填写签认人姓名。"), at_most(40)]
    )
    satisfaction = EnumRadioField(
        "客户意见", Satisfaction, validators=[required("请选择客户意见。")]
    )
    opinion = ParagraphField("客户的话", validators=[at_most(1000)])
    signature = TokenField()


class RefuseForm(PhoneForm):
    """The customer does not sign: why, and what proves that he was asked (procedure 3.5.3)."""

    customer_name = LineField(
        "客户姓名",
        id="refusing_customer",
        validators=[required("请填写签认人姓名。"), at_most(40)],
    )
    refusal_reason = ParagraphField(
        "拒签原因", validators=[required("请写明客户拒签的原因。"), at_most(1000)]
    )
    refusal_evidence = ParagraphField(
        "凭证",
        validators=[required("请写明凭证，例如现场见证人、录音或照片。"), at_most(1000)],
    )


class ExtensionForm(PhoneForm):
    """More time is asked for; the office obtains the customer's consent (procedure 3.4.5-延)."""

    asked_until = DateField("希望延到", validators=[required("请选择日期。")])
    asked_reason = ParagraphField(
        "原因", validators=[required("请写明需要延期的原因。"), at_most(1000)]
    )
