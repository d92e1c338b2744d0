"""Forms of notices: what comes by e-mail, a group robot."""

from typing import Any

from wtforms import BooleanField, PasswordField

from ticketing.casefile.notices.models import ROBOT_KINDS, NoticeKind, Outlet
from ticketing.kernel.forms import (
    BaseForm,
    EnumField,
    EnumsField,
    IdField,
    LineField,
    RowIdField,
    VersionedForm,
    at_most,
    required,
)
from ticketing.kernel.text import clean_line


class ReadAllForm(BaseForm):
    """A button: everything up to the newest line on the page has been seen."""

    seen = RowIdField("看到哪一条")

    @property
    def facts(self) -> dict[str, Any]:
        """Without a line nothing has been seen."""
        return {"seen": self.seen.data or 0}


class ChoiceForm(BaseForm):
    """Where a person's mailbox is, and which kinds of notices he wants there."""

    email = LineField(
        "我的邮箱", description="不填就只在系统内收到通知。", validators=[at_most(254)]
    )
    mailed = EnumsField("发到邮箱的通知", NoticeKind)


class RobotForm(BaseForm):
    """A new group robot of 企业微信 or 钉钉."""

    name = LineField("名称", validators=[required("请填写名称。"), at_most(40)])
    outlet = EnumField("种类", Outlet)
    address = LineField(
        "网址",
        description="群机器人设置里给出的完整网址；其中的密钥保存后不再显示。",
        validators=[required("请填写网址。"), at_most(1000)],
    )
    secret = PasswordField(
        "加签密钥", description="只有钉钉的“加签”安全设置需要。", validators=[at_most(200)]
    )
    kinds = EnumsField("发送哪些通知", NoticeKind)
    community_id = IdField("小区", blank="全部小区")
    active = BooleanField("在用", default=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.outlet.choices = [one for one in self.outlet.choices if one.value != "email"]
        group = {kind.value for kind in ROBOT_KINDS}
        self.kinds.choices = [one for one in self.kinds.choices if one.value in group]

    @property
    def facts(self) -> dict[str, Any]:
        """The secret as it was typed, without stray blanks."""
        return {**super().facts, "secret": clean_line(self.secret.data)}


class EditRobotForm(RobotForm, VersionedForm):
    """A known robot: its address and secret stay as they are unless new ones are typed."""

    address = LineField("网址", description="留空则不变。", validators=[at_most(1000)])
    secret = PasswordField("加签密钥", description="留空则不变。", validators=[at_most(200)])
