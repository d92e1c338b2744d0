"""Forms of the ledger: asking for a reversal, and answering."""

from ticketing.kernel.forms import BaseForm, ParagraphField, YesNoField, at_most, required


class AskReversalForm(BaseForm):
    """Why an entry is to be reversed (access matrix 33)."""

    reason = ParagraphField("冲销原因", validators=[required("请写明冲销原因。"), at_most(300)])


class SettleReversalForm(BaseForm):
    """Audit's answer to it (procedure 2.7)."""

    agreed = YesNoField("审计意见", yes="同意冲销", no="不同意")
    answer = ParagraphField("说明", description="不同意的须写明原因。", validators=[at_most(300)])
