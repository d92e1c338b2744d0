"""Forms of the estate: customers and their homes, merging, and the administrator's master data."""

from datetime import date
from typing import Any

from flask_wtf.file import FileField, FileRequired
from wtforms import BooleanField, DateField, IntegerField
from wtforms import TextAreaField as _TextAreaField
from wtforms.validators import InputRequired, Optional, ValidationError
from wtforms.widgets import HiddenInput

from ticketing.kernel import clock
from ticketing.kernel.forms import (
    BaseForm,
    EnumField,
    IdField,
    LineField,
    ParagraphField,
    VersionedForm,
    at_most,
    required,
)
from ticketing.kernel.text import clean
from ticketing.procedure.vocabulary import Relation

EARLIEST, LATEST = date(1980, 1, 1), date(2099, 12, 31)


class LinesField(_TextAreaField):
    """Several short entries, one a line; data is a list of lines without empty ones."""

    data: list[str]

    def process_formdata(self, valuelist: list[str]) -> None:
        """Take the lines apart."""
        lines = clean(valuelist[0]).split("\n") if valuelist else []
        self.data = [line.strip() for line in lines if line.strip()]

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "\n".join(self.data or [])


def plausible_day(_form: Any, field: Any) -> None:
    """Refuse a date of another century."""
    if field.data is not None and not EARLIEST <= field.data <= LATEST:
        raise ValidationError("日期应在 1980 年至 2099 年之间。")


def not_in_future(_form: Any, field: Any) -> None:
    """Refuse a day that has not come yet."""
    if field.data is not None and field.data > clock.today():
        raise ValidationError("日期不能晚于今天。")


def _phones() -> LinesField:
    return LinesField("电话", description="一行一个号码。", validators=[at_most(20)])


class CustomerForm(VersionedForm):
    """A customer's name, phones and note (procedure 3.7.1)."""

    name = LineField("姓名", validators=[required("请填写姓名。"), at_most(40)])
    phones = _phones()
    note = ParagraphField("备注", validators=[at_most(500)])


class ResidentForm(BaseForm):
    """A new customer at a home."""

    name = LineField("姓名", validators=[required("请填写姓名。"), at_most(40)])
    phones = _phones()
    relation = EnumField("关系", Relation, default=Relation.OWNER)
    since_on = DateField("住进日期", validators=[Optional(), plausible_day])
    note = ParagraphField("备注", validators=[at_most(500)])


class SettleForm(BaseForm):
    """A customer already known comes to live at a home."""

    not_facts = BaseForm.not_facts | {"customer_id"}

    customer_id = IntegerField(widget=HiddenInput(), validators=[InputRequired("请选择客户。")])
    relation = EnumField("关系", Relation, default=Relation.OWNER)
    since_on = DateField("住进日期", validators=[Optional(), plausible_day])


class MoveOutForm(BaseForm):
    """A customer leaves a home."""

    until_on = DateField(
        "迁出日期", validators=[required("请填写迁出日期。"), plausible_day, not_in_future]
    )


class MergeForm(VersionedForm):
    """Why two customers are one person."""

    reason = ParagraphField("合并原因", validators=[required("请填写合并原因。"), at_most(500)])


class DatesForm(BaseForm):
    """When a home was delivered and moved into."""

    delivered_on = DateField("交付日期", validators=[Optional(), plausible_day])
    deemed_delivered = BooleanField(
        "视为交付",
        description="业主接到通知后没有收房、按合同约定的日期视为交付的，勾选；有交接记录的不勾。",
    )
    moved_in_on = DateField("入住日期", validators=[Optional(), plausible_day, not_in_future])


class UnitDatesForm(DatesForm, VersionedForm):
    """The dates of a home already known."""


class UnitForm(DatesForm):
    """A new home."""

    building = LineField(
        "楼栋", description="例如 3栋。", validators=[required("请填写楼栋。"), at_most(20)]
    )
    stair = LineField("单元", description="例如 1单元；没有单元的留空。", validators=[at_most(20)])
    room = LineField(
        "房号", description="例如 1202。", validators=[required("请填写房号。"), at_most(20)]
    )


class OfficeForm(BaseForm):
    """A service office (procedure 3.10.3)."""

    code = LineField("代号", validators=[required("请填写代号。"), at_most(8)])
    name = LineField("名称", validators=[required("请填写名称。"), at_most(40)])


class EditOfficeForm(OfficeForm, VersionedForm):
    """A service office already known."""


class CommunityForm(BaseForm):
    """A community; its code stands in every ticket number."""

    code = LineField(
        "代号",
        description="2 至 8 位字母或数字，写入每张登记表的编号，建立后不能更改。",
        validators=[required("请填写代号。"), at_most(8)],
    )
    name = LineField("名称", validators=[required("请填写名称。"), at_most(40)])
    office_id = IdField(
        "客户服务处", blank="请选择", validators=[InputRequired("请选择客户服务处。")]
    )
    delivered_on = DateField("交付日期", validators=[Optional(), plausible_day])
    handed_over_on = DateField(
        "承接查验日期",
        description="公共部位移交物业的日期；不填的按小区交付日期推算。",
        validators=[Optional(), plausible_day],
    )
    address = LineField("地址", validators=[at_most(200)])
    property_contact = LineField(
        "物业管理处联系人", description="现场勘察时通知。", validators=[at_most(40)]
    )
    property_phone = LineField("物业管理处电话", validators=[at_most(30)])


class EditCommunityForm(CommunityForm, VersionedForm):
    """A community already known."""


class UploadForm(BaseForm):
    """A workbook of homes and customers."""

    not_facts = BaseForm.not_facts | {"file"}

    file = FileField("Excel 工作簿", validators=[FileRequired("请选择要导入的 Excel 文件。")])
