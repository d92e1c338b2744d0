"""Forms of deposits."""

from wtforms import DateField, IntegerField
from wtforms.validators import InputRequired, NumberRange

from ticketing.kernel.forms import (
    BaseForm,
    LineField,
    MoneyField,
    ParagraphField,
    VersionedForm,
    at_most,
    required,
)
from ticketing.masters.estate.forms import not_in_future, plausible_day


def _day(label: str, description: str = "") -> DateField:
    return DateField(
        label,
        description=description,
        validators=[InputRequired("请填写日期。"), plausible_day, not_in_future],
    )


def _score(label: str) -> IntegerField:
    return IntegerField(
        label,
        description="0 至 100 分。",
        validators=[
            InputRequired("请填写 0 至 100 分。"),
            NumberRange(0, 100, message="请填写 0 至 100 分。"),
        ],
    )


class DepositForm(BaseForm):
    """With which voucher a deposit is entered; the amount is the contract's."""

    voucher = LineField(
        "凭证号或依据",
        description="例如价款结算凭证号、扣留质保金的结算单号。",
        validators=[required("请填写凭证号或依据。"), at_most(80)],
    )
    on = _day("入账日期")


class ReceiptForm(BaseForm):
    """What a contractor paid in."""

    amount_fen = MoneyField("到账金额（元）")
    received_on = _day("到账日期")
    bank_reference = LineField(
        "银行流水号", validators=[required("请填写银行流水号。"), at_most(60)]
    )
    payer = LineField(
        "付款户名", description="与施工单位名称相同的不用填。", validators=[at_most(60)]
    )


class ApplyForm(BaseForm):
    """A contractor's application for his deposit."""

    applied_on = _day("申请日期", "14 天内应会同核实。")
    applied_fen = MoneyField("申请金额（元）")
    document = LineField("申请书编号", validators=[at_most(60)])
    early_why = ParagraphField(
        "提前受理的原因",
        description="缺陷责任期未满的申请必填；核实人、出具意见人和付款人都看得到。",
        validators=[at_most(500)],
    )


class RemindForm(VersionedForm):
    """When the contractor called for an answer."""

    reminded_on = _day("催告日期", "催告后 14 天仍不答复，视为认可返还申请。")


class VerifyForm(VersionedForm):
    """What was found together with the contractor."""

    verified_on = _day("核实日期")
    verification = ParagraphField(
        "核实情况", validators=[required("请写明核实情况。"), at_most(1000)]
    )


class OpineForm(VersionedForm):
    """The opinion of customer service on a payment 工程尾款支付意见 (procedure 3.6.2)."""

    quality = _score("工程质量")
    cooperation = _score("保修配合")
    deduct_fen = MoneyField("扣留金额（元）", description="为未了结的维修留下，不在本次支付。")
    release_fen = MoneyField("同意支付（元）")
    opinion = ParagraphField("支付意见", validators=[required("请写明支付意见。"), at_most(1000)])


class WithdrawForm(VersionedForm):
    """Why an application is given up."""

    reason = ParagraphField("撤回原因", validators=[required("请写明撤回原因。"), at_most(300)])
