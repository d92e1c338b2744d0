"""Forms of payments."""

from wtforms import DateField
from wtforms.validators import InputRequired

from ticketing.kernel.forms import (
    BaseForm,
    EnumField,
    LineField,
    ParagraphField,
    TokenField,
    VersionedForm,
    at_most,
    required,
)
from ticketing.procedure.accounts import Purpose


class PrepareForm(BaseForm):
    """Which document is to be paid: payee and amount are its own."""

    purpose = EnumField("用途", Purpose, validators=[InputRequired("请选择用途。")])
    source = TokenField("单据")


class ReleaseForm(VersionedForm):
    """How the money left (procedure 3.5.9)."""

    paid_on = DateField("付款日期", validators=[InputRequired("请填写付款日期。")])
    bank_reference = LineField(
        "银行流水号",
        description="网银回单或支票号，与银行对账时按它核对。",
        validators=[required("请填写银行流水号或支票号。"), at_most(60)],
    )


class VoidForm(VersionedForm):
    """Why a payment is given up before it left."""

    reason = ParagraphField("作废原因", validators=[required("请写明作废原因。"), at_most(300)])
