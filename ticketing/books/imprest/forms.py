"""Forms of the working funds."""

from wtforms import BooleanField, DateField
from wtforms.validators import InputRequired

from ticketing.kernel.forms import (
    BaseForm,
    EnumRadioField,
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
from ticketing.procedure.imprest import SpendingWay


def _day(label: str) -> DateField:
    return DateField(
        label, validators=[InputRequired("请填写日期。"), plausible_day, not_in_future]
    )


class OpenFundForm(BaseForm):
    """Whose fund is opened, and who keeps it (procedure 3.6)."""

    team_id = IdField("周转金", blank="客户服务部")
    keeper_id = IdField(
        "保管人",
        blank="请选择",
        description="客户服务部为经理，维修队为队长。",
        validators=[InputRequired("请选择保管人。")],
    )


class KeeperForm(VersionedForm):
    """Into whose hands a fund goes."""

    keeper_id = IdField(
        "新保管人",
        blank="请选择",
        description="交接当日须先盘点现金。",
        validators=[InputRequired("请选择保管人。")],
    )


class SpendForm(BaseForm):
    """A slip: what was bought, of whom, how it was paid (procedure 3.6)."""

    on = _day("日期")
    what = LineField("用途", validators=[required("请填写用途。"), at_most(80)])
    payee = LineField("收款人", validators=[required("请填写收款人。"), at_most(60)])
    amount_fen = MoneyField("金额（元）", validators=[InputRequired("请填写金额。")])
    way = EnumRadioField(
        "支付方式",
        SpendingWay,
        default=SpendingWay.CASH,
        validators=[InputRequired("请选择支付方式。")],
    )
    urgent = BooleanField("抢修")


class ServiceSpendForm(SpendForm):
    """A slip of customer service: for which community, or for the department itself."""

    community_id = IdField("小区", blank="部门公用")


class CrewSpendForm(SpendForm):
    """A crew's slip: on which order it was spent, whose community it has."""

    order_id = IdField("派工单", blank="请选择", validators=[InputRequired("请选择派工单。")])


class CountForm(BaseForm):
    """The cash as it was counted, and who looked on (procedure 3.6)."""

    counted_fen = MoneyField(
        "实点现金（元）",
        description="没有现金的填 0。",
        validators=[InputRequired("请填写实点金额。")],
    )
    witness_id = IdField("监盘人", blank="请选择", validators=[InputRequired("请选择监盘人。")])
    explanation = ParagraphField(
        "差异说明", description="与账面一致的不用填；有差异的当日入账。", validators=[at_most(300)]
    )


class AskForm(BaseForm):
    """The slips handed in with a request; its amount is what is missing to the ceiling."""

    slip_ids = IdsField("报销单据")
    note = LineField("备注", validators=[at_most(100)])


class WithdrawRequestForm(VersionedForm):
    """Why a request is taken back."""

    reason = LineField("撤回原因", validators=[required("请写明撤回原因。"), at_most(100)])


class ClearForm(BaseForm):
    """The slips whose money came back out of paid settlements."""

    slip_ids = IdsField("已由维修款清回的单据")


class GiveBackForm(BaseForm):
    """Cash that went back to the bank."""

    amount_fen = MoneyField("交回金额（元）", validators=[InputRequired("请填写交回金额。")])
    returned_on = _day("交回日期")
    bank_reference = LineField(
        "银行流水号或缴款单号",
        validators=[required("请填写银行流水号或缴款单号。"), at_most(60)],
    )
