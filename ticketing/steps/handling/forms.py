"""Forms of handling: the lower half of the 来电来访登记表."""

from wtforms import BooleanField, DateField
from wtforms.validators import Optional

from ticketing.casefile.timers.models import ConsentWay
from ticketing.kernel.forms import (
    BaseForm,
    EnumField,
    EnumRadioField,
    EnumsField,
    InstantField,
    LineField,
    MoneyField,
    ParagraphField,
    VersionedForm,
    YesNoField,
    at_most,
    required,
)
from ticketing.procedure.vocabulary import Grade, Mark


class FeedBackForm(VersionedForm):
    """The department's first answer (procedure 3.4.2.2)."""

    action_taken = ParagraphField(
        "已采取行动", validators=[required("请填写已采取行动。"), at_most(2000)]
    )
    action_needed = ParagraphField("所需跟踪行动", validators=[at_most(2000)])
    next_on = DateField("下一步日期", validators=[Optional()])


class FollowUpForm(BaseForm):
    """A line of 已进行的跟踪行动 (procedure 3.4.4)."""

    action_taken = ParagraphField(
        "已进行的跟踪行动", validators=[required("请填写已进行的跟踪行动。"), at_most(2000)]
    )
    no_agreement = BooleanField(
        "与客户协商，未达成一致",
        description="这次和客户谈了处理办法而客户不同意。满 3 次即定为重要。",
    )
    action_needed = ParagraphField("所需跟踪行动", validators=[at_most(2000)])
    next_on = DateField("下一步日期", validators=[Optional()])


class AssistForm(BaseForm):
    """The asked department's reply (procedure 2.1.3)."""

    reply = ParagraphField("协办回复", validators=[required("请填写协办回复。"), at_most(2000)])


class RegradeForm(VersionedForm):
    """Another grade, with the reason (procedure 3.4.7)."""

    grade = EnumRadioField("等级", Grade, validators=[required("请选择等级。")])
    marks = EnumsField("重大情形", Mark, description="选中任何一项即定为重大，并立即上报。")
    claim_fen = MoneyField("索赔金额（元）", description="5,000 元起为重要，20,000 元起为重大。")
    reason = ParagraphField("理由", validators=[required("请写明理由。"), at_most(1000)])


class SettleGradeForm(VersionedForm):
    """The second person's answer to a proposal (procedure 3.4.7)."""

    agreed = YesNoField("意见", yes="同意降级", no="不同意，仍为重大")
    reason = ParagraphField("理由", description="不同意时必填。", validators=[at_most(1000)])


class ExtendForm(VersionedForm):
    """A later completion date, with the customer's consent (procedure 3.4.5-延)."""

    due_on = DateField("新的办结时限", validators=[required("请填写新的办结时限。")])
    reason = ParagraphField("延期原因", validators=[required("请写明延期原因。"), at_most(1000)])
    consent_by = LineField(
        "同意延期的客户", validators=[required("请填写同意延期的客户姓名。"), at_most(40)]
    )
    consent_at = InstantField(
        "客户同意的时间",
        description="延期须事先取得客户认可。",
        validators=[required("请填写客户同意的时间。")],
    )
    consent_way = EnumField("同意方式", ConsentWay, default=ConsentWay.RECORDING)
    evidence = ParagraphField(
        "凭证",
        description="在哪里可以查到，例如录音编号、短信原文、签字件编号。",
        validators=[required("请填写凭证所在。"), at_most(1000)],
    )


class ResolveForm(VersionedForm):
    """What was done, and what the customer said to it."""

    resolution = ParagraphField(
        "处理结果", validators=[required("请填写处理结果。"), at_most(2000)]
    )
    customer_opinion = ParagraphField("客户反馈意见", validators=[at_most(2000)])
