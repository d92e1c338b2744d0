"""Forms of the survey: appointment, findings, signatures, conclusion. Their fields are the commands' arguments."""

from collections.abc import Sequence
from typing import Any

from wtforms import BooleanField

from ticketing.casefile.defects.models import Defect
from ticketing.kernel.forms import (
    BaseForm,
    EnumField,
    EnumRadioField,
    IdField,
    InstantField,
    LineField,
    MoneyField,
    ParagraphField,
    TokenField,
    VersionedForm,
    at_most,
    required,
)
from ticketing.procedure.repairs import (
    Cause,
    Liable,
    OrderClass,
    Part,
    Phenomenon,
    Presence,
    Side,
    Trade,
)
from ticketing.steps.site_survey.commands import Found
from ticketing.steps.site_survey.models import Finding
from ticketing.steps.site_survey.signing import Decision


class AppointmentForm(VersionedForm):
    """When the parties meet, with which crew and contractor (procedure 3.4.5)."""

    visit_at = InstantField("勘察时间", validators=[required("请填写勘察时间。")])
    team_id = IdField("维修队", blank="请选择", validators=[required("请选择维修队。")])
    contractor_id = IdField("施工单位", blank="未登记或无须通知")
    note = ParagraphField("备注", validators=[at_most(500)])


class ResurveyForm(AppointmentForm):
    """A second look, with its reason."""

    reason = ParagraphField("复勘原因", validators=[required("请写明复勘的原因。"), at_most(500)])


class DefectForm(BaseForm):
    """One more thing that is broken. It stands inside the record's form, whose own button must not ask for it."""

    part = EnumField("部位", Part, blank="请选择", validators=[required("请选择部位。")])
    phenomenon = EnumField(
        "现象", Phenomenon, blank="请选择", validators=[required("请选择现象。")]
    )
    trade = EnumField("工种", Trade, blank="请选择", validators=[required("请选择工种。")])
    place = LineField("位置", description="例如主卧卫生间。", validators=[at_most(40)])
    words = LineField("说明", validators=[at_most(200)])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in (self.part, self.phenomenon, self.trade):
            field.flags.required = False


class SignForm(VersionedForm):
    """One box of the sheet (procedure 5.5)."""

    side = EnumField("会签方", Side, validators=[required("请选择会签方。")])
    presence = EnumRadioField("签字情况", Presence, default=Presence.SIGNED)
    name = LineField("姓名", validators=[required("请填写签字人姓名。"), at_most(40)])
    opinion = ParagraphField("意见", validators=[at_most(500)])
    signature = TokenField()
    reason = ParagraphField("原因", description="未到场或拒签时必填。", validators=[at_most(500)])
    evidence = ParagraphField(
        "通知凭证",
        description="未到场或拒签时必填，例如电话时间、短信、函件编号。",
        validators=[at_most(500)],
    )


class _PerItem(VersionedForm):
    """A form with the same few fields for each item of the ticket, named ``what_<id>``."""

    item_ids: tuple[int, ...] = ()
    kinds: tuple[str, ...] = ()

    def of(self, item_id: int) -> dict[str, Any]:
        """The fields of one item by their short name, for the page."""
        return {kind: self[f"{kind}_{item_id}"] for kind in self.kinds}

    def _values(self, item_id: int) -> dict[str, Any]:
        return {kind: field.data for kind, field in self.of(item_id).items()}

    def _own(self) -> dict[str, Any]:
        """What is asked once."""
        of_items = {f"{kind}_{one}" for kind in self.kinds for one in self.item_ids}
        return {
            name: field.data
            for name, field in self._fields.items()
            if name not in self.not_facts and name not in of_items
        }


class RecordForm(_PerItem):
    """What was found in the flat, item by item (procedure 3.4.5)."""

    kinds = ("situation", "cause", "liable", "estimate", "proposed", "why")
    situation = ParagraphField("现场情况", validators=[required("请填写现场情况。"), at_most(2000)])
    disputed = BooleanField("各方对责任或类别有争议")
    remark = ParagraphField("备注", validators=[at_most(1000)])

    @property
    def facts(self) -> dict[str, Any]:
        """The command's arguments: the sheet as a whole, and one finding for each item."""
        found = []
        for item_id in self.item_ids:
            values = self._values(item_id)
            found.append(
                Found(
                    defect_id=item_id,
                    situation=values["situation"] or "",
                    cause=values["cause"],
                    liable=values["liable"],
                    estimate_fen=values["estimate"] or None,
                    proposed=values["proposed"],
                    why=values["why"] or "",
                )
            )
        return {**self._own(), "found": found}


class ConcludeForm(_PerItem):
    """The manager's class for each finding (procedure 3.4.5)."""

    kinds = ("decided", "why")

    @property
    def facts(self) -> dict[str, Any]:
        """The command's arguments: version and one decision for each finding."""
        decisions = {}
        for item_id in self.item_ids:
            values = self._values(item_id)
            decisions[item_id] = Decision(values["decided"], values["why"] or "")
        return {**self._own(), "decisions": decisions}


def record_form(defects: Sequence[Defect]) -> type[RecordForm]:
    """The form for these defects."""
    fields: dict[str, Any] = {"item_ids": tuple(one.id for one in defects)}
    for one in defects:
        fields |= {
            f"situation_{one.id}": ParagraphField("勘察情况", validators=[at_most(1000)]),
            f"cause_{one.id}": EnumField(
                "原因", Cause, blank="请选择", validators=[required("请选择原因。")]
            ),
            f"liable_{one.id}": EnumField(
                "责任方", Liable, blank="请选择", validators=[required("请选择责任方。")]
            ),
            f"estimate_{one.id}": MoneyField("估价（元）", description="不清楚可留空。"),
            f"proposed_{one.id}": EnumRadioField(
                "类别", OrderClass, validators=[required("请选择类别。")]
            ),
            f"why_{one.id}": LineField(
                "理由", description="与建议不同时必填。", validators=[at_most(300)]
            ),
        }
    return type("RecordForm", (RecordForm,), fields)


def conclude_form(findings: Sequence[Finding]) -> type[ConcludeForm]:
    """The form for these findings."""
    fields: dict[str, Any] = {"item_ids": tuple(one.id for one in findings)}
    for one in findings:
        fields |= {
            f"decided_{one.id}": EnumRadioField(
                "类别", OrderClass, validators=[required("请选择类别。")]
            ),
            f"why_{one.id}": LineField(
                "理由", description="与建议不同时必填。", validators=[at_most(300)]
            ),
        }
    return type("ConcludeForm", (ConcludeForm,), fields)
