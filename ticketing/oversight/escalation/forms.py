"""Forms of the papers of a major complaint."""

from typing import ClassVar

from wtforms import DateField, FieldList, Form, FormField
from wtforms.validators import Optional

from ticketing.kernel.forms import (
    ConfirmForm,
    IdsField,
    InstantField,
    LineField,
    ParagraphField,
    RowIdField,
    VersionedForm,
    at_most,
    required,
)

TASKS, SPARE = 4, 2
"""Lines for assignments a new paper offers, and empty ones a revision has at least."""


class DirectForm(VersionedForm):
    """The measures, whom they bind, until when (procedure 2.1.2)."""

    text = ParagraphField("处理措施", validators=[required("请写明处理措施。"), at_most(4000)])
    department_ids = IdsField("责成部门")
    due_on = DateField("完成期限", validators=[Optional()])
    also = IdsField("一并适用于同类重大投诉")


class AssignmentForm(Form):
    """One line of 分工."""

    class Meta:
        """Messages come from WTForms' Chinese catalogue."""

        locales: ClassVar[list[str]] = ["zh"]

    matter = LineField("事项", validators=[at_most(200)])
    person = LineField("责任人", validators=[at_most(60)])
    due_on = DateField("期限", validators=[Optional()])
    done_on = DateField("完成日", validators=[Optional()])


class MinutesForm(VersionedForm):
    """The minutes of a special meeting (procedure 3.10.5)."""

    meeting = RowIdField(validators=[Optional()])
    also = IdsField("一并适用于同类重大投诉")
    held_at = InstantField("会议时间", validators=[required("请填写会议时间。")])
    place = LineField("地点", validators=[required("请填写会议地点。"), at_most(100)])
    chair = LineField("主持人", validators=[required("请填写主持人。"), at_most(60)])
    present = ParagraphField(
        "参加部门及人员", validators=[required("请填写参加部门。"), at_most(1000)]
    )
    absent = ParagraphField("缺席部门", validators=[at_most(500)])
    events = ParagraphField("事实与时间线", validators=[required("请填写事实。"), at_most(8000)])
    cause = ParagraphField(
        "原因与责任意见",
        description="有分歧的，写明各方意见。",
        validators=[required("请填写原因与责任意见。"), at_most(4000)],
    )
    demand = ParagraphField("客户诉求", validators=[required("请填写客户诉求。"), at_most(5000)])
    legal = ParagraphField("法律意见", validators=[at_most(4000)])
    plan = ParagraphField("处理方案", validators=[required("请填写处理方案。"), at_most(4000)])
    cost = LineField("费用", validators=[at_most(60)])
    approver = LineField("批准人", validators=[at_most(60)])
    assignments = FieldList(FormField(AssignmentForm), "分工", min_entries=TASKS, max_entries=40)
    spokesman = LineField(
        "唯一发言人", validators=[required("请指定对外的唯一发言人。"), at_most(60)]
    )
    wording = ParagraphField("对外口径", validators=[at_most(2000)])
    risks = ParagraphField("风险与升级条件", validators=[at_most(2000)])
    next_on = DateField("下次会议", validators=[Optional()])
    issued_by = LineField("签发", validators=[required("请填写签发人。"), at_most(60)])

    def spare_lines(self) -> None:
        """Leave room below the assignments there are."""
        while not all(_is_empty(line) for line in self.assignments.entries[-SPARE:]):
            self.assignments.append_entry()


def _is_empty(line: FormField) -> bool:
    return not (line.form.matter.data or line.form.person.data)


class SpecialForm(VersionedForm):
    """The special report (procedure 3.10.6); a draft may have gaps."""

    background = ParagraphField("背景", validators=[at_most(8000)])
    state = ParagraphField("现状（户数、金额、媒体或诉讼）", validators=[at_most(4000)])
    cause = ParagraphField("原因（管理、技术）", validators=[at_most(4000)])
    responsibility = ParagraphField("责任", validators=[at_most(4000)])
    done = ParagraphField("已做工作", validators=[at_most(8000)])
    options = ParagraphField("方案比较（费用、时间、风险）", validators=[at_most(4000)])
    proposal = ParagraphField("建议", validators=[at_most(4000)])
    decisions = ParagraphField("需决策事项", validators=[at_most(2000)])
    attachments = ParagraphField("附件", validators=[at_most(1000)])


class SubmitForm(ConfirmForm):
    """Hand the report to the general manager: a button."""


class InstructForm(VersionedForm):
    """总经理批示."""

    instruction = ParagraphField("总经理批示", validators=[required("请写明批示。"), at_most(2000)])
