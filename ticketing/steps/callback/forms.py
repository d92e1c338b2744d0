"""The callback form."""

from wtforms import RadioField
from wtforms.fields.choices import SelectChoice

from ticketing.kernel.forms import EnumRadioField, ParagraphField, VersionedForm, at_most
from ticketing.procedure.vocabulary import Satisfaction


def _yes(value: object) -> bool:
    if value in (True, "yes"):
        return True
    if value in (False, "no"):
        return False
    raise ValueError(value)


class CallbackForm(VersionedForm):
    """Reached or not, the answer, the customer's words (procedure 3.5.4)."""

    reached = RadioField(
        "是否接通",
        choices=[SelectChoice("yes", "接通"), SelectChoice("no", "未接通")],
        coerce=_yes,
        default=True,
        invalid_value_message="请选择是否接通。",
        invalid_choice_message="请选择是否接通。",
    )
    satisfaction = EnumRadioField("满意程度", Satisfaction, validate_choice=False)
    opinion = ParagraphField("客户意见", validators=[at_most(2000)])
