"""The form of a proposed edition: a field for each parameter, its date and reason."""

from typing import Any

from wtforms import DateField, Field, IntegerField

from ticketing.kernel.forms import (
    BaseForm,
    MoneyField,
    ParagraphField,
    VersionedForm,
    YesNoField,
    at_most,
    required,
)
from ticketing.kernel.rates import PercentField
from ticketing.procedure.parameters import PARAMETERS, Limits, Measure, Parameter, faults


class ProposalForm(BaseForm):
    """Every figure as it shall count from a date on; `faults` puts each sentence at its field."""

    effective_on = DateField("生效日期", validators=[required("请填写生效日期。")])
    reason = ParagraphField(
        "理由",
        description="例如批准的文件号或会议。",
        validators=[required("请写明理由。"), at_most(500)],
    )

    def validate(self, extra_validators: Any = None) -> bool:
        """Check the fields, then the figures against their bounds and each other."""
        if not super().validate(extra_validators):
            return False
        wrong = faults(Limits(**{one.name: self[one.name].data for one in PARAMETERS}))
        for name, sentence in wrong:
            self[name].errors = [*self[name].errors, sentence]
        return not wrong


def _field(parameter: Parameter) -> Field:
    label = f"{parameter.label}（{parameter.measure}）"
    match parameter.measure:
        case Measure.FEN:
            return MoneyField(label)
        case Measure.BASIS_POINTS:
            return PercentField(label)
        case Measure.DAYS:
            return IntegerField(label, validators=[required(f"请填写{parameter.label}。")])
        case Measure.YES_NO:
            return YesNoField(parameter.label, yes="是", no="否")


for _parameter in PARAMETERS:
    setattr(ProposalForm, _parameter.name, _field(_parameter))


class DecisionForm(VersionedForm):
    """Confirm or withdraw: a button for the edition as it was read."""
