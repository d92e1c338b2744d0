"""The register's form: the words of the 来电来访登记表 (procedure 5.3)."""

from wtforms import BooleanField
from wtforms.validators import Optional

from ticketing.kernel import clock
from ticketing.kernel.forms import (
    BaseForm,
    EnumField,
    EnumsField,
    IdField,
    InstantField,
    LineField,
    MoneyField,
    ParagraphField,
    RowIdField,
    TokenField,
    VersionedForm,
    at_most,
    required,
)
from ticketing.procedure.vocabulary import Channel, Mark, Relation


class IntakeForm(BaseForm):
    """One matter of one call. `seen` lists the open tickets the clerk had before his eyes."""

    not_facts = BaseForm.not_facts | {"seen", "another"}

    unit_id = RowIdField(validators=[Optional()])
    customer_id = RowIdField(validators=[Optional()])
    call = TokenField()
    seen = TokenField(limit=500)
    another = TokenField()

    community_id = IdField("小区", blank="（由房号决定）")
    place = LineField("单元房号/位置", validators=[at_most(60)])
    caller_name = LineField("客户", validators=[at_most(40)])
    caller_phone = LineField("联络方式", validators=[at_most(30)])
    remember = BooleanField("记入客户资料")
    relation = EnumField("与房屋关系", Relation, default=Relation.OWNER)
    channel = EnumField("渠道", Channel, default=Channel.PHONE)
    collected_by_id = IdField("收集部门", blank="客户服务处自收")
    received_at = InstantField(
        "受理时间", default=clock.now, validators=[required("请填写受理时间。")]
    )
    content = ParagraphField("投诉内容", validators=[required("请填写投诉内容。"), at_most(5000)])
    urgent = BooleanField("紧急", description="漏水、断电、燃气、困人、结构险情：2 小时内响应。")
    summary = LineField("摘要", description="不填则取投诉内容开头。", validators=[at_most(60)])
    action_taken = ParagraphField("已采取行动", validators=[at_most(2000)])
    action_needed = ParagraphField("所需跟踪行动", validators=[at_most(2000)])
    marks = EnumsField("重大情形", Mark, description="选中任何一项即定为重大，并立即上报。")
    claim_fen = MoneyField("索赔金额（元）", description="客户明确提出的金额；没有则不填。")


class JoinForm(BaseForm):
    """The customer called again about an open ticket."""

    content = ParagraphField(
        "本次来电内容", validators=[required("请填写本次来电内容。"), at_most(5000)]
    )


class EntryForm(VersionedForm):
    """The register entry as it stands, to be put right; a home is picked or a place typed."""

    unit_id = RowIdField(validators=[Optional()])
    customer_id = RowIdField(validators=[Optional()])

    place = LineField("单元房号/位置", validators=[at_most(60)])
    caller_name = LineField("客户", validators=[required("请填写客户姓名。"), at_most(40)])
    caller_phone = LineField("联络方式", validators=[at_most(30)])
    channel = EnumField("渠道", Channel)
    collected_by_id = IdField("收集部门", blank="客户服务处自收")
    summary = LineField("摘要", validators=[at_most(60)])
    content = ParagraphField("投诉内容", validators=[required("请填写投诉内容。"), at_most(5000)])
    action_taken = ParagraphField("已采取行动", validators=[at_most(2000)])
    action_needed = ParagraphField("所需跟踪行动", validators=[at_most(2000)])


class CorrectForm(EntryForm):
    """Before dispatch the time of receipt can be put right too: no clock has been kept against yet."""

    received_at = InstantField(
        "受理时间",
        description="办结时限随受理时间推算。",
        validators=[required("请填写受理时间。")],
    )


class AmendForm(EntryForm):
    """After dispatch a reason is asked; the old words stay in the journal."""

    reason = LineField("更改理由", validators=[required("请写明更改理由。"), at_most(200)])
