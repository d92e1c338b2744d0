"""Forms of finance's desk."""

from wtforms.validators import InputRequired

from ticketing.kernel.forms import BaseForm, EnumField, LineField, at_most, required
from ticketing.procedure.accounts import AccountKind


class CodeForm(BaseForm):
    """Under which code the accounting system keeps a kind of accounts."""

    kind = EnumField("账户", AccountKind, validators=[InputRequired("请选择账户。")])
    code = LineField("科目编码", validators=[required("请填写科目编码。"), at_most(30)])
    name = LineField("科目名称", validators=[at_most(60)])
