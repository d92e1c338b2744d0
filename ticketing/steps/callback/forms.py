"""The callback form."""

from wtforms import RadioField
from wtforms.fields.choices import SelectChoice

from ticketing.kernel.forms import EnumField, ParagraphField, VersionedForm, at_most
from ticketing.procedure.vocabulary import Satisfaction


def _yes(value: object) -> bool:
    return value in (True, "yes")


class CallbackForm(VersionedForm):
    """Reached or not, the answer, the customer's words (procedure 3.5.4)."""

    reached = RadioField(
        "是否接通",
        choices=[SelectChoice("yes", "接通"), SelectChoice("no", "未接通")],
        coerce=_yes,
        default=True,
    )
    satisfaction = EnumField("满意程度", Satisfaction, blank="请选择（未接通时不填）")
    opinion = ParagraphField("客户意见", validators=[at_most(2000)])
