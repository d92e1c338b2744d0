"""Forms of reports: which period to compile, and what its readers should decide (W10)."""

from ticketing.kernel.forms import (
    BaseForm,
    ConfirmForm,
    LineField,
    ParagraphField,
    VersionedForm,
    at_most,
    required,
)


class CompileForm(BaseForm):
    """One button of the overview: the key of the period, ``weekly-FZ-2026-W47``."""

    key = LineField("期间", validators=[required("请选择要汇总的周或季度。"), at_most(80)])


class RemarksForm(VersionedForm):
    """下期计划、需协调事项: written when the report is compiled again, or checked."""

    remarks = ParagraphField(
        "下期计划、需协调事项",
        description="随重新汇总或复核一并保存。",
        validators=[at_most(2000)],
    )


class SubmitForm(ConfirmForm):
    """A button: the figures stand as they were checked."""
