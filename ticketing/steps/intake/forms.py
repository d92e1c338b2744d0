"""The register's form: the words of the 来电来访登记表 (procedure 5.3)."""

from typing import Any, ClassVar

from wtforms import BooleanField, FieldList, Form, FormField
from wtforms.validators import Optional

from ticketing.casefile.defects.commands import MOST, Broken
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
from ticketing.procedure.repairs import Part, Phenomenon, Trade
from ticketing.procedure.suggestions import USUAL_TRADE
from ticketing.procedure.vocabulary import Channel, Mark, Relation

SPARE = 3
"""Empty lines for defects a page offers; a script folds them to one and adds more when asked."""


class DefectForm(Form):
    """One line of 报修项目; an empty one counts for nothing. Without a trade the part's usual one is taken."""

    class Meta:
        """Messages come from WTForms' Chinese catalogue."""

        locales: ClassVar[list[str]] = ["zh"]

    defect_id = RowIdField(validators=[Optional()])
    place = LineField("位置", validators=[at_most(30)])
    part = EnumField("部位", Part, blank="—")
    phenomenon = EnumField("现象", Phenomenon, blank="—")
    trade = EnumField("工种", Trade, blank="按部位")

    @property
    def filled(self) -> bool:
        """Whether the line says anything."""
        return bool(self.place.data or self.part.data or self.phenomenon.data or self.trade.data)

    def validate(self, extra_validators: Any = None) -> bool:
        """A line that says anything names part and phenomenon; one written before is not emptied."""
        sound = bool(super().validate(extra_validators))
        if not self.filled and not self.defect_id.data:
            return sound
        for field, sentence in (
            (self.part, "请选择部位。"),
            (self.phenomenon, "请选择现象。"),
        ):
            if field.data is None and not field.errors:
                field.errors = [sentence if self.filled else "已登记的项目不能删去，可以改写。"]
                sound = False
        return sound

    @property
    def broken(self) -> Broken:
        """What a valid line says."""
        part, phenomenon = self.part.data, self.phenomenon.data
        trade = self.trade.data or USUAL_TRADE[part]
        return Broken(
            part, phenomenon, trade, self.place.data, defect_id=self.defect_id.data or None
        )


class DefectsForm(BaseForm):
    """A form with the lines of 报修项目 (procedure 3.4.5)."""

    defects = FieldList(FormField(DefectForm), "报修项目", max_entries=MOST)

    @property
    def lines(self) -> list[DefectForm]:
        """The lines that say something."""
        found = [entry.form for entry in self.defects] if "defects" in self._fields else []
        return [line for line in found if line.filled or line.defect_id.data]

    @property
    def facts(self) -> dict[str, Any]:
        """What the person filled in; the lines as defects."""
        if "defects" not in self._fields:
            return super().facts
        return super().facts | {"defects": [line.broken for line in self.lines]}

    def spare_lines(self) -> None:
        """Leave room below the lines that say something."""
        if "defects" in self._fields:
            room = MOST - len(self.defects)
            empty = len(self.defects) - len(self.lines)
            for _ in range(min(SPARE - empty, room)):
                self.defects.append_entry()


class IntakeForm(DefectsForm):
    """One matter of one call. `seen` lists the open tickets the clerk had before his eyes."""

    not_facts = BaseForm.not_facts | {"seen", "another"}

    unit_id = RowIdField(validators=[Optional()])
    customer_id = RowIdField(validators=[Optional()])
    call = TokenField()
    seen = TokenField(limit=2000)
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


class EntryForm(DefectsForm, VersionedForm):
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
