"""Forms of an account: the two grids, and what is said at each step. Their facts are the commands' arguments."""

from collections.abc import Iterable, Sequence
from typing import Any

from wtforms.validators import Optional

from ticketing.kernel.errors import DomainError, Invalid
from ticketing.kernel.forms import (
    BaseForm,
    EnumField,
    EnumRadioField,
    IdField,
    LineField,
    MoneyField,
    ParagraphField,
    RowIdField,
    VersionedForm,
    at_most,
    required,
)
from ticketing.kernel.grids import GridField, RowForm
from ticketing.kernel.number_fields import MilliField, RateField
from ticketing.procedure.settlement import (
    MOST_MILLI,
    NoticeWay,
    PriceBasis,
    PriceSource,
    line_fen,
    unproved,
)
from ticketing.steps.settlement import listing
from ticketing.steps.settlement.drafting import MOST_LINES, Priced
from ticketing.steps.settlement.models import SettlementLine
from ticketing.steps.settlement.reviewing import Added, Audited

SPARE = 3
"""Empty rows a grid has at least."""

MORE = 5
"""Rows another press of 加行 brings."""

VAT_RATES = (900, 300, 100, 1300, 600, 0)
"""The rates of value-added tax one can choose, in basis points, the usual one first."""

NUMBER = {"inputmode": "decimal", "autocomplete": "off"}


class BeginForm(BaseForm):
    """Begin an account: a button (procedure 3.5.5)."""


def in_range(row: RowForm, name: str, least: int, sentence: str) -> bool:
    """Whether a number was given and an account can hold it; if not, the cell says so."""
    data = row[name].data
    if data is not None and least <= data <= MOST_MILLI:
        return True
    return row.refuse(name, sentence)


PRICE = "请填写单价，不超过一百万元。"


class LineForm(RowForm):
    """One line as the captain types it. A price may still be missing while he is at it."""

    typed = ("quota_code", "item", "place", "unit", "quantity_milli", "price_milli", "remark")

    source = EnumField("价格来源", PriceSource, default=PriceSource.AGREED)
    quota_code = LineField("定额编号", validators=[at_most(40)])
    item = LineField("工程项目名称", validators=[at_most(120)])
    place = LineField("部位", validators=[at_most(60)])
    unit = LineField("单位", validators=[at_most(10)])
    quantity_milli = MilliField("数量", render_kw=NUMBER)
    price_milli = MilliField("单价", render_kw=NUMBER)
    remark = LineField("备注", validators=[at_most(200)])

    def validate(self, extra_validators: Any = None) -> bool:
        """Refuse what a line lacks, each at its cell; an empty row is none."""
        good = bool(super().validate(extra_validators))
        if self.is_empty and good:
            return True
        if not self.item.data:
            good = self.refuse("item", "请填写工程项目名称。")
        if not self.unit.data:
            good = self.refuse("unit", "请填写单位。")
        good = in_range(self, "quantity_milli", 1, "数量须大于零、不超过一百万。") and good
        if self.price_milli.data is not None:
            good = in_range(self, "price_milli", 0, PRICE) and good
        return good and not self.errors


class AuditedForm(RowForm):
    """What the reviewer says of one line."""

    typed = ("quantity_milli", "price_milli", "why")

    line_id = RowIdField(validators=[Optional()])
    quantity_milli = MilliField("审定数量", render_kw=NUMBER)
    price_milli = MilliField("审定单价", render_kw=NUMBER)
    why = LineField("增加原因", validators=[at_most(200)])


class AddedForm(RowForm):
    """A line the reviewer adds."""

    typed = ("quota_code", "item", "unit", "quantity_milli", "price_milli", "why")

    source = EnumField("价格来源", PriceSource, default=PriceSource.AGREED)
    quota_code = LineField("定额编号", validators=[at_most(40)])
    item = LineField("工程项目名称", validators=[at_most(120)])
    unit = LineField("单位", validators=[at_most(10)])
    quantity_milli = MilliField("审定数量", render_kw=NUMBER)
    price_milli = MilliField("审定单价", render_kw=NUMBER)
    why = LineField("增加原因", validators=[at_most(200)])

    def validate(self, extra_validators: Any = None) -> bool:
        """Refuse what an added line lacks, each at its cell; an empty row is none."""
        good = bool(super().validate(extra_validators))
        if self.is_empty and good:
            return True
        for name, label in (("item", "工程项目名称"), ("unit", "单位"), ("why", "增加原因")):
            if not self[name].data:
                good = self.refuse(name, f"请填写{label}。")
        good = in_range(self, "quantity_milli", 0, "请填写审定数量，不超过一百万。") and good
        good = in_range(self, "price_milli", 0, PRICE) and good
        return good and not self.errors


class TermsForm(VersionedForm):
    """By which rates an account is reckoned."""

    basis = EnumField("单价口径", PriceBasis, validators=[required("请选择单价口径。")])
    vat_bp = IdField("增值税率", validators=[required("请选择增值税率。")])
    management_bp = RateField(
        "管理费率（%）", description="单价已含管理费的填 0。", render_kw=NUMBER
    )

    def offer_rates(self, present: int) -> None:
        """Offer the rates of tax, the present one among them."""
        rates = VAT_RATES if present in VAT_RATES else (*VAT_RATES, present)
        self.vat_bp.offer((rate, f"{rate / 100:g}%") for rate in rates)

    @property
    def terms(self) -> dict[str, Any]:
        """The rates as a command takes them."""
        return {name: self[name].data for name in ("version", "basis", "vat_bp", "management_bp")}


class AccountForm(TermsForm):
    """维修工程决算书, typed like a spreadsheet; kept, or kept and handed in (procedure 3.5.5)."""

    lines = GridField(LineForm, "决算项目", most=MOST_LINES)
    remark = ParagraphField("说明", validators=[at_most(1000)])
    submits = False

    def validate(self, extra_validators: Any = None) -> bool:
        """Refuse, on handing in, a line that does not show where its price comes from; a draft may wait for it."""
        good = bool(super().validate(extra_validators))
        for row in self.lines.rows if self.submits else ():
            gap = unproved(row.source.data, row.quota_code.data, row.remark.data)
            if gap and not row.is_empty:
                good = row.refuse(*gap)
        return good

    @property
    def facts(self) -> dict[str, Any]:
        """The rows that are not empty, as the command takes them."""
        lines = [
            Priced(
                source=row.source.data,
                item=row.item.data,
                unit=row.unit.data,
                quantity_milli=row.quantity_milli.data,
                price_milli=row.price_milli.data or 0,
                quota_code=row.quota_code.data,
                place=row.place.data,
                remark=row.remark.data,
            )
            for row in self.lines.rows
            if not row.is_empty
        ]
        return {**self.terms, "lines": lines, "remark": self.remark.data}

    def spare(self) -> None:
        """Leave empty rows below those that are filled."""
        filled = [n for n, row in enumerate(self.lines.rows, 1) if not row.is_empty]
        self.lines.grow(max(filled, default=0) + SPARE - len(self.lines.rows))


class ReviewForm(TermsForm):
    """The review or audit: 审定数量 and 审定单价 beside what was handed in (procedure 3.5.6).

    Three buttons: what was entered is kept (保存), the review is finished, or the account goes back.
    """

    audited = GridField(AuditedForm, "审定", most=MOST_LINES)
    added = GridField(AddedForm, "增加的行", most=MOST_LINES)
    review = ParagraphField(
        "审核意见", description="完成审核和退回时必填。", validators=[at_most(1000)]
    )
    finishes = returns = False

    def beside(self, lines: Sequence[SettlementLine]) -> None:
        """Know the lines of the account; one that was not sent stands as it was approved so far."""
        self.known = {line.id: line for line in lines}
        here = {row.line_id.data for row in self.audited.rows}
        for line in lines:
            if line.id not in here and len(self.audited.entries) < MOST_LINES:
                self.audited.append_entry(so_far(line))

    def rows(self, lines: Iterable[SettlementLine]) -> list[tuple[SettlementLine, Any]]:
        """Each line with its row."""
        rows = {row.line_id.data: row for row in self.audited.rows}
        return [(line, rows[line.id]) for line in lines if line.id in rows]

    def as_submitted(self) -> None:
        """Fill in what was handed in, where nothing else stands yet."""
        for row in self.audited.rows:
            line = self.known.get(row.line_id.data)
            if line is not None and row.is_empty:
                for name in ("quantity_milli", "price_milli"):
                    row[name].data, row[name].raw_data = getattr(line, name), None

    def validate(self, extra_validators: Any = None) -> bool:
        """Refuse half a line, more than was handed in without a reason, and on finishing a line nobody looked at."""
        if self.returns:
            return bool(self.version.validate(self) and self.review.validate(self))
        good = bool(super().validate(extra_validators))
        for row in self.audited.rows:
            line = self.known.get(row.line_id.data)
            if line is not None:
                good = self._judge(row, line) and good
        return good

    def _judge(self, row: AuditedForm, line: SettlementLine) -> bool:
        quantity, price = row.quantity_milli, row.price_milli
        if row.errors:
            return False
        if quantity.data is None and price.data is None and not self.finishes:
            return True
        good = in_range(row, "quantity_milli", 0, "请填写审定数量，不超过一百万。")
        good = in_range(row, "price_milli", 0, "请填写审定单价，不超过一百万元。") and good
        if not good:
            return False
        more = (
            line_fen(quantity.data or 0, price.data or 0) > line.submitted_fen
            or (quantity.data or 0) > line.quantity_milli
            or (price.data or 0) > line.price_milli
        )
        if more and not row.why.data:
            return row.refuse("why", "审定高于申报，请写明原因。")
        basis, vat_bp = self.basis.data, self.vat_bp.data
        if quantity.data and basis is not None and vat_bp is not None and not row.why.data:
            dear = listing.above(line.listed, price.data or 0, basis, vat_bp)
            return not dear or row.refuse("why", dear)
        return True

    @property
    def facts(self) -> dict[str, Any]:
        """What the pressed button's command takes."""
        if self.returns:
            return {"version": self.version.data, "reason": self.review.data}
        audited = [
            Audited(
                row.line_id.data,
                row.quantity_milli.data,
                row.price_milli.data,
                row.why.data,
            )
            for row in self.audited.rows
            if row.line_id.data in self.known and row.quantity_milli.data is not None
        ]
        added = [
            Added(
                source=row.source.data,
                item=row.item.data,
                unit=row.unit.data,
                quantity_milli=row.quantity_milli.data,
                price_milli=row.price_milli.data,
                why=row.why.data,
                quota_code=row.quota_code.data,
            )
            for row in self.added.rows
            if not row.is_empty
        ]
        facts = {**self.terms, "audited": audited, "added": added}
        return {**facts, "review": self.review.data} if self.finishes else facts

    def refuse(self, error: DomainError) -> None:
        """The reason of a return is typed into the opinion."""
        super().refuse(Invalid(error.message, field="review") if error.field == "reason" else error)


def so_far(line: SettlementLine) -> dict[str, Any]:
    """What the row of a line starts with."""
    return {
        "line_id": line.id,
        "quantity_milli": line.approved_quantity_milli,
        "price_milli": line.approved_price_milli,
        "why": line.why,
    }


class SubmitForm(VersionedForm):
    """Hand the account in: a button (procedure 3.5.5)."""


class CompileForm(VersionedForm):
    """结算书 of a class A repair: to which contract it is charged (procedure 3.5.6)."""

    contract_id = IdField(
        "承担保修责任的施工合同",
        blank="请选择",
        validators=[required("请选择承担保修责任的施工合同。")],
    )
    admin_bp = RateField("加收管理费（%）", description="补充协议有约定的才填。", render_kw=NUMBER)
    penalty_fen = MoneyField("违约金（元）", description="补充协议有约定的才填。")
    note = ParagraphField("编写说明", validators=[at_most(1000)])


class CompileOwnForm(VersionedForm):
    """结算书 of a class B repair, borne by the company (procedure 3.5.6)."""

    note = ParagraphField("编写说明", validators=[at_most(1000)])


class NotifyForm(VersionedForm):
    """How the contractor was notified, and what proves it (procedure 3.5.7)."""

    way = EnumRadioField("送达方式", NoticeWay, validators=[required("请选择送达方式。")])
    evidence = ParagraphField(
        "送达凭证",
        description="例如快递单号、签收人。",
        validators=[required("请写明送达凭证，例如快递单号或签收人。"), at_most(500)],
    )


class RemindForm(VersionedForm):
    """What proves that the contractor was reminded (procedure 3.5.7)."""

    evidence = ParagraphField(
        "催告的送达凭证", validators=[required("请写明催告的送达凭证。"), at_most(500)]
    )


class ConfirmationForm(VersionedForm):
    """Who confirmed for the contractor, and on what (procedure 3.5.7)."""

    confirmed_by = LineField(
        "施工单位确认人", validators=[required("请填写施工单位确认人。"), at_most(60)]
    )
    evidence = ParagraphField(
        "确认凭证",
        description="例如盖章确认函的编号。",
        validators=[required("请写明确认凭证。"), at_most(500)],
    )


class DisputeForm(VersionedForm):
    """What the contractor objects to (procedure 3.5.7)."""

    dispute = ParagraphField(
        "施工单位的异议", validators=[required("请写明施工单位的异议。"), at_most(1000)]
    )


class DeemForm(VersionedForm):
    """Silence counts: a button (procedure 3.5.7)."""


class ReviewAgainForm(VersionedForm):
    """Why the account is reviewed again (procedure 3.5.7)."""

    reason = ParagraphField(
        "重新审定的原因", validators=[required("请写明退回的原因。"), at_most(1000)]
    )


class CertifyForm(VersionedForm):
    """The certifier's answer: found right, or back with the reason (procedure 3.5.8)."""

    reason = ParagraphField("认定意见", description="退回时必填。", validators=[at_most(1000)])
    returns = False

    @property
    def facts(self) -> dict[str, Any]:
        """What the pressed button's command takes."""
        name = "reason" if self.returns else "opinion"
        return {"version": self.version.data, name: self.reason.data}
