"""Forms of dispatch."""

from ticketing.kernel.forms import (
    EnumRadioField,
    EnumsField,
    IdField,
    IdsField,
    LineField,
    MoneyField,
    ParagraphField,
    VersionedForm,
    at_most,
    required,
)
from ticketing.procedure.vocabulary import Category, Grade, Mark


class DispatchForm(VersionedForm):
    """Category, grade, department, handler: all in one step (procedure 3.4.2)."""

    category = EnumRadioField("分类", Category, validators=[required("请选择分类。")])
    grade = EnumRadioField("等级", Grade, default=Grade.GENERAL)
    department_id = IdField("责任部门", blank="请选择", validators=[required("请选择责任部门。")])
    handler_id = IdField("责任人", blank="该部门的投诉处理专人")
    marks = EnumsField("重大情形", Mark)
    claim_fen = MoneyField("索赔金额（元）")
    assisting_ids = IdsField("协办部门")
    instruction = ParagraphField("办理要求", validators=[at_most(1000)])


class TransferForm(VersionedForm):
    """Another department or person."""

    category = EnumRadioField("分类", Category, validators=[required("请选择分类。")])
    department_id = IdField("责任部门", blank="请选择", validators=[required("请选择责任部门。")])
    handler_id = IdField("责任人", blank="该部门的投诉处理专人")
    reason = LineField("改派理由", validators=[required("请写明改派理由。"), at_most(200)])


class SendBackForm(VersionedForm):
    """The department's reason for sending it back."""

    reason = ParagraphField("退回原因", validators=[required("请写明退回原因。"), at_most(1000)])


class AssistanceForm(VersionedForm):
    """Which department should help, and with what."""

    department_id = IdField("协办部门", blank="请选择", validators=[required("请选择协办部门。")])
    question = ParagraphField(
        "需要协助的事项", validators=[required("请写明需要协助的事项。"), at_most(1000)]
    )
