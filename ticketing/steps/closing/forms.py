"""Forms of closing: every exit asks for its reason."""

from ticketing.kernel.forms import LineField, ParagraphField, VersionedForm, at_most, required


class ReasonForm(VersionedForm):
    """A reason."""

    reason = ParagraphField("理由", validators=[required("请写明理由。"), at_most(1000)])


class MergeForm(ReasonForm):
    """The ticket that takes this one over, and why."""

    into = LineField(
        "并入哪张登记表",
        description="填写编号，例如 YX-2026-00012。",
        validators=[required("请填写要并入的登记表编号。"), at_most(30)],
    )
