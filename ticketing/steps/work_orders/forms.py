"""Forms of work orders 工程派工单: their fields are the commands' arguments."""

from wtforms import DateField
from wtforms.validators import Optional

from ticketing.kernel.forms import (
    BaseForm,
    EnumField,
    IdField,
    IdsField,
    LineField,
    MoneyField,
    ParagraphField,
    VersionedForm,
    at_most,
    required,
)
from ticketing.procedure.repairs import Part, Phenomenon, Trade
from ticketing.steps.handling.forms import ExtendForm


class DraftForm(BaseForm):
    """Team, items, words and estimate of a new order (procedure 3.5.1)."""

    defect_ids = IdsField("项目", validators=[required("请至少选择一个项目。")])
    team_id = IdField("维修队", blank="请选择", validators=[required("请选择维修队。")])
    scope = ParagraphField("保修内容", validators=[required("请填写保修内容。"), at_most(2000)])
    estimate_fen = MoneyField("估价（元）", validators=[required("请填写估价。")])


class AmendForm(DraftForm, VersionedForm):
    """The same of a draft that is changed."""


class SubmitForm(VersionedForm):
    """Hand the estimate in for approval: a button (procedure 3.6.1)."""


class ApprovalForm(VersionedForm):
    """A signatory's answer: agree, or return with the reason (procedure 3.6.1)."""

    reason = ParagraphField("意见", description="退回时必填。", validators=[at_most(1000)])


class AnswerForm(ApprovalForm):
    """The same where it may go back: to an earlier signatory, or to who drafted it."""

    return_to = IdField("退回到", blank="经办人")


class SubmitAgainForm(VersionedForm):
    """A returned estimate of an emergency, handed in anew (procedure 3.6.1)."""

    estimate_fen = MoneyField("估价（元）", validators=[required("请填写估价。")])
    reason = ParagraphField("答复", validators=[required("请答复退回的意见。"), at_most(1000)])


class IssueFirstForm(VersionedForm):
    """Why the crew goes before the approval, and when (procedure 3.6.1)."""

    reason = ParagraphField(
        "抢修原因",
        description="例如漏水、爆管、漏电、停水停电、困人。",
        validators=[required("请写明抢修的原因。"), at_most(500)],
    )
    visit_on = DateField("上门日期", validators=[Optional()])


class SendBackForm(VersionedForm):
    """Why an approved order goes back to its draft."""

    reason = ParagraphField("退回原因", validators=[required("请写明退回的原因。"), at_most(1000)])


class IssueForm(VersionedForm):
    """The day of the visit, where it is known (procedure 3.5.1)."""

    visit_on = DateField("上门日期", validators=[Optional()])


class PlanForm(VersionedForm):
    """Which team goes on which day (procedure 3.5.2)."""

    team_id = IdField("维修队", blank="请选择", validators=[required("请选择维修队。")])
    visit_on = DateField("上门日期", validators=[Optional()])
    visit_note = LineField("上门备注", validators=[at_most(200)])


class ExtendOrderForm(ExtendForm):
    """A later date for the repair, with the customer's consent (procedure 3.4.5-延)."""

    due_on = DateField("新的完工时限", validators=[required("请填写新的完工时限。")])


class AddTradeForm(VersionedForm):
    """One more trade than was surveyed, for the same money (procedure 3.4.5-多)."""

    trade = EnumField("工种", Trade, blank="请选择", validators=[required("请选择工种。")])
    part = EnumField("部位", Part, blank="请选择", validators=[required("请选择部位。")])
    phenomenon = EnumField(
        "现象", Phenomenon, blank="请选择", validators=[required("请选择现象。")]
    )
    place = LineField("位置", validators=[at_most(60)])
    words = ParagraphField("情况", validators=[at_most(500)])
    reason = ParagraphField(
        "增加原因", validators=[required("请写明增加工种的原因。"), at_most(500)]
    )


class TransferForm(VersionedForm):
    """To which contractor, and why (procedure 3.4.6)."""

    contractor_id = IdField("施工单位", blank="请选择", validators=[required("请选择施工单位。")])
    reason = ParagraphField(
        "转单原因", validators=[required("请写明转施工单位的原因。"), at_most(500)]
    )


class StrikeForm(BaseForm):
    """Which line of labour or material was noted wrongly, and why it is struck out (procedure 3.5.5)."""

    use_id = IdField("划去哪一笔", blank="请选择", validators=[required("请选择要划去的一笔。")])
    reason = ParagraphField("划去原因", validators=[required("请写明划去的原因。"), at_most(200)])


class CancelForm(VersionedForm):
    """Why an order is void."""

    reason = ParagraphField("作废原因", validators=[required("请写明作废的原因。"), at_most(500)])
