"""Forms of contractors, contracts, repair teams, workers and warranty promises."""

from wtforms import BooleanField, DateField, IntegerField
from wtforms.validators import InputRequired, NumberRange, Optional

from ticketing.kernel.forms import (
    BaseForm,
    EnumField,
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
from ticketing.masters.estate.forms import not_in_future, plausible_day
from ticketing.procedure.repairs import Part, Trade

LONGEST = 1200
"""Months: a hundred years."""


def _months(label: str, description: str = "") -> IntegerField:
    return IntegerField(
        label,
        description=description,
        validators=[
            Optional(),
            NumberRange(1, LONGEST, message=f"请填写 1 至 {LONGEST} 之间的整数。"),
        ],
    )


class ContractorForm(BaseForm):
    """A construction company (procedure 3.4.6)."""

    name = LineField("名称", validators=[required("请填写施工单位名称。"), at_most(60)])
    contact = LineField("联系人", validators=[at_most(40)])
    phone = LineField("电话", validators=[at_most(30)])
    active = BooleanField("在用", default=True)


class EditContractorForm(ContractorForm, VersionedForm):
    """A contractor already known."""


class ContractForm(BaseForm):
    """What a contractor built in a community (procedure 2.6, 3.4.6)."""

    contractor_id = IdField(
        "施工单位", blank="请选择", validators=[InputRequired("请选择施工单位。")]
    )
    community_id = IdField("小区", blank="请选择", validators=[InputRequired("请选择小区。")])
    number = LineField("合同编号", validators=[required("请填写合同编号。"), at_most(40)])
    trades = EnumsField("工种", Trade, description="保修责任按小区和工种找到这份合同。")
    completed_on = DateField(
        "竣工验收合格日期",
        description="施工单位的保修期从这一天起算。",
        validators=[Optional(), plausible_day, not_in_future],
    )
    liability_months = IntegerField(
        "缺陷责任期（月）",
        default=24,
        description="一般 12 个月，最长 24 个月。",
        validators=[
            InputRequired("请填写缺陷责任期。"),
            NumberRange(0, 120, message="请填写 0 至 120 之间的整数。"),
        ],
    )
    retention_fen = MoneyField("质量保证金（元）")
    agreement = LineField("售后维修补充协议", validators=[at_most(100)])
    deemed_confirmation = BooleanField("协议约定：逾期不答复视为确认维修费用")


class EditContractForm(ContractForm, VersionedForm):
    """A contract already known."""


class TeamForm(BaseForm):
    """A repair team, its captain and where it works (procedure 3.5)."""

    name = LineField("名称", validators=[required("请填写维修队名称。"), at_most(40)])
    captain_id = IdField("维修队长", blank="请选择", validators=[InputRequired("请选择维修队长。")])
    community_ids = IdsField("服务的小区")
    active = BooleanField("在用", default=True)


class EditTeamForm(TeamForm, VersionedForm):
    """A team already known."""


class WorkerForm(BaseForm):
    """A worker of a team."""

    name = LineField("姓名", validators=[required("请填写工人姓名。"), at_most(40)])
    trade = EnumField("工种", Trade)
    phone = LineField("电话", validators=[at_most(30)])
    active = BooleanField("在队", default=True)


class EditWorkerForm(WorkerForm, VersionedForm):
    """A worker already known."""


class PromiseForm(BaseForm):
    """A warranty period longer than the statutory one (procedure 3.4.6)."""

    part = EnumField("部位", Part)
    community_id = IdField("适用小区")
    owner_months = _months("对业主（月，自交付起）", "没有延长的留空。")
    contractor_months = _months("施工单位（月，自竣工验收起）", "没有约定的留空。")
    since = DateField(
        "适用于自何日起交付（竣工验收）的",
        validators=[InputRequired("请填写起始日期。"), plausible_day],
    )
    source = LineField(
        "依据",
        description="例如质量保证书、售后维修补充协议、地方规定及其文号。",
        validators=[required("请写明依据。"), at_most(100)],
    )


class EndPromiseForm(VersionedForm):
    """Until when a promise holds for what is delivered, or that it was entered by mistake."""

    until = DateField(
        "止于何日交付（竣工验收）的",
        description="此前交付的房屋继续适用。",
        validators=[Optional(), plausible_day],
    )
    withdrawn = BooleanField("登记有误，整条作废")
    ended_why = ParagraphField("原因", validators=[required("请写明原因。"), at_most(500)])
