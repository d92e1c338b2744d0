"""The form of one upload. The page fills in where it belongs; the person chooses a file."""

from datetime import datetime
from typing import Any, ClassVar

from flask_wtf.file import FileField, FileRequired
from wtforms import HiddenField
from wtforms.validators import InputRequired, ValidationError

from ticketing.casefile.attachments.models import PaperKind
from ticketing.kernel import clock
from ticketing.kernel.enums import Labelled
from ticketing.kernel.forms import BaseForm, RowIdField, TokenField, required
from ticketing.kernel.pictures import JPEG, PDF, PNG
from ticketing.procedure.repairs import Slot

PICTURES = f"{JPEG},{PNG}"
PAPERS = f"{JPEG},{PNG},{PDF}"
"""What the browser's file chooser offers. iOS turns its own format into JPEG only when nothing else is asked for."""


class MemberField(HiddenField):
    """A member of an enumeration that the page carries along; data is the member or None."""

    data: Any

    def __init__(self, label: str, kind: type[Labelled], **kwargs: Any) -> None:
        self.kind = kind
        super().__init__(label, **kwargs)

    def _value(self) -> str:
        return str(self.data.value) if isinstance(self.data, self.kind) else ""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read the member; a value that is none of them is refused."""
        self.data = None
        try:
            self.data = self.kind(valuelist[0]) if valuelist else None
        except ValueError:
            raise ValidationError("地址不完整，请返回重试。") from None


class TakenField(HiddenField):
    """The instant a phone says it took a picture, in ISO form with a zone; data is None where it is none."""

    data: datetime | None

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read the instant; a wrong one is nothing, the picture counts."""
        self.data = None
        try:
            found = datetime.fromisoformat(valuelist[0]) if valuelist else None
            if found is not None and found.tzinfo is not None:
                self.data = found.astimezone(clock.UTC)
        except (ValueError, OverflowError):
            self.data = None


_LOST = "地址不完整，请返回重试。"


class UploadForm(BaseForm):
    """A picture or paper for one slot of a ticket, a survey or an order."""

    paper = MemberField("单据", PaperKind, validators=[required(_LOST)])
    paper_id = RowIdField("单据", validators=[InputRequired(_LOST)])
    slot = MemberField("用途", Slot, validators=[required(_LOST)])
    defect_id = RowIdField("项目")
    replaces = TokenField("替换")
    taken_at = TakenField("拍摄时间")
    file = FileField("照片", validators=[FileRequired("请选择照片。")])

    not_facts: ClassVar[frozenset[str]] = BaseForm.not_facts | {"paper", "paper_id", "file"}
