"""Forms about people: sign-in, set-up, passwords, accounts, departments."""

from wtforms import BooleanField, PasswordField
from wtforms.validators import EqualTo, InputRequired

from ticketing.kernel.forms import (
    BaseForm,
    EnumsField,
    IdField,
    IdsField,
    LineField,
    VersionedForm,
    at_most,
    required,
)
from ticketing.masters.people.commands import MIN_PASSWORD
from ticketing.procedure.vocabulary import Role


class SignInForm(BaseForm):
    """Account and password."""

    username = LineField("账号", validators=[required("请填写账号。"), at_most(40)])
    password = PasswordField("密码", validators=[InputRequired("请填写密码。")])


class SetUpForm(BaseForm):
    """The first administrator's account, with the one-time code from the console."""

    code = LineField("初始化代码", validators=[required("请填写初始化代码。"), at_most(64)])
    username = LineField("管理员账号", validators=[required("请填写账号。"), at_most(40)])
    name = LineField("姓名", validators=[required("请填写姓名。"), at_most(40)])
    password = PasswordField(
        "密码",
        description=f"至少 {MIN_PASSWORD} 位。",
        validators=[InputRequired("请填写密码。"), at_most(200)],
    )


class PasswordForm(BaseForm):
    """A person changes his own password."""

    not_facts = BaseForm.not_facts | {"again"}

    current = PasswordField("当前密码", validators=[InputRequired("请填写当前密码。")])
    password = PasswordField(
        "新密码",
        description=f"至少 {MIN_PASSWORD} 位。",
        validators=[InputRequired("请填写新密码。"), at_most(200)],
    )
    again = PasswordField(
        "再输一次新密码",
        validators=[
            InputRequired("请再输一次新密码。"),
            EqualTo("password", message="两次输入的新密码不一致。"),
        ],
    )


class AccountForm(BaseForm):
    """What a new and an existing account have in common."""

    name = LineField("姓名", validators=[required("请填写姓名。"), at_most(40)])
    employee_number = LineField(
        "工号", description="同一人的多个账号填同一工号。", validators=[at_most(40)]
    )
    phone = LineField("电话", validators=[at_most(30)])
    email = LineField("邮箱", description="重大投诉等通知发到这里。", validators=[at_most(254)])
    department_id = IdField("部门", blank="（无）")
    roles = EnumsField("岗位", Role)
    everywhere = BooleanField("全部小区")
    community_ids = IdsField("小区")


class NewAccountForm(AccountForm):
    """A new account."""

    username = LineField(
        "账号",
        description="小写字母、数字和 . _ - 。",
        validators=[required("请填写账号。"), at_most(40)],
    )
    password = PasswordField(
        "初始密码",
        description=f"至少 {MIN_PASSWORD} 位；一次性，本人登录后须先修改。",
        validators=[InputRequired("请填写初始密码。"), at_most(200)],
    )


class EditAccountForm(AccountForm, VersionedForm):
    """An existing account."""

    employee_number = LineField(
        "工号",
        description="同一人的多个账号填同一工号。改工号后，业务岗位须由第二人重新确认，确认前不生效。",
        validators=[at_most(40)],
    )
    active = BooleanField("在用")


class ResetPasswordForm(BaseForm):
    """The administrator gives somebody a one-time password."""

    password = PasswordField(
        "一次性密码",
        description=f"至少 {MIN_PASSWORD} 位；对方的登录立即失效，用它登录后须先修改。",
        validators=[InputRequired("请填写一次性密码。"), at_most(200)],
    )


class DepartmentForm(BaseForm):
    """A department with its designated complaint handler and its head (procedure 3.4.2.1)."""

    code = LineField("代号", validators=[required("请填写代号。"), at_most(16)])
    name = LineField("名称", validators=[required("请填写名称。"), at_most(40)])
    aliases = LineField(
        "别名", description="制度里的其他叫法，用空格隔开。", validators=[at_most(200)]
    )
    handler_id = IdField("投诉处理专人", blank="（未指定）")
    head_id = IdField("部门负责人", blank="（未指定）")
    active = BooleanField("在用", default=True)
