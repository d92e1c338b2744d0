"""Forms: Chinese messages, cleaned text, one-time tokens, and `carry_out`, which turns a filled form
into an executed command.

A form's fields are the keyword arguments of its command. `carry_out` validates, opens the transaction,
runs the command once for each one-time token, and turns a `DomainError` into a form error with its own
HTTP status, keeping what the person typed.
"""

import functools
import hashlib
import re
import secrets
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, ClassVar

from flask import request
from flask_wtf import FlaskForm
from wtforms import Field, HiddenField, IntegerField, RadioField
from wtforms import SelectField as _SelectField
from wtforms import SelectMultipleField as _SelectMultipleField
from wtforms import StringField as _StringField
from wtforms import TextAreaField as _TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, StopValidation, ValidationError
from wtforms.widgets import (
    CheckboxInput,
    DateTimeLocalInput,
    HiddenInput,
    ListWidget,
    RadioInput,
    TextInput,
)

from ticketing.kernel import clock, submissions
from ticketing.kernel.db import transaction
from ticketing.kernel.enums import Labelled
from ticketing.kernel.errors import Conflict, DomainError
from ticketing.kernel.text import clean, clean_line, plain_number, row_id


class LineField(_StringField):
    """One line of typed text, cleaned."""

    data: str

    def process_formdata(self, valuelist: list[str]) -> None:
        """Clean what was typed."""
        self.data = clean_line(valuelist[0]) if valuelist else self.data or ""


class ParagraphField(_TextAreaField):
    """Several lines of typed text, cleaned."""

    data: str

    def process_formdata(self, valuelist: list[str]) -> None:
        """Clean what was typed."""
        self.data = clean(valuelist[0]) if valuelist else self.data or ""


class TokenField(HiddenField):
    """A word the page itself carries along, cleaned and cut: nobody types it, anybody may forge it."""

    data: str

    def __init__(self, *args: Any, limit: int = 64, **kwargs: Any) -> None:
        self.limit = limit
        super().__init__(*args, **kwargs)

    def process_formdata(self, valuelist: list[str]) -> None:
        """Keep what a token may hold."""
        self.data = clean_line(valuelist[0])[: self.limit] if valuelist else self.data or ""


class RowIdField(IntegerField):
    """The id of a row the page chose for the person, such as the home he clicked; data or None."""

    widget = HiddenInput()

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read the id; what no row can have is refused."""
        self.data = None
        if valuelist and valuelist[0].strip():
            try:
                self.data = row_id(valuelist[0].strip())
            except ValueError:
                raise ValidationError("选中的房号或客户无效，请重新选择。") from None


_WRONG_CHOICE = {
    "invalid_value_message": "选项无效，请重新选择。",
    "invalid_choice_message": "选项无效，请重新选择。",
}


@functools.cache
def _choices(kind: type[Labelled], blank: str = "") -> list[SelectChoice]:
    """What a select box of an enumeration offers; the same list for every form, so nobody may change it."""
    members = [SelectChoice(value, text) for value, text in kind.choices()]
    return [SelectChoice("", blank), *members] if blank else members


class EnumField(_SelectField):
    """A choice among the members of a `Labelled` enumeration; data is the member or None."""

    def __init__(self, label: str, kind: type[Labelled], *, blank: str = "", **kwargs: Any) -> None:
        def member(value: Any) -> Labelled | None:
            if isinstance(value, kind) or not value:
                return value or None
            return kind(value)

        super().__init__(
            label, choices=_choices(kind, blank), coerce=member, **_WRONG_CHOICE, **kwargs
        )


class EnumRadioField(EnumField):
    """The same choice with all members in sight, as radio buttons."""

    widget = ListWidget(prefix_label=False)
    option_widget = RadioInput()


class IdField(_SelectField):
    """A choice among rows by id; data is the id or None. Set `choices` by `offer`."""

    def __init__(self, label: str, *, blank: str = "", **kwargs: Any) -> None:
        self.blank = blank
        super().__init__(label, choices=[], coerce=_id_or_none, **_WRONG_CHOICE, **kwargs)

    def offer(self, rows: Iterable[tuple[int, str]], groups: Iterable[str] | None = None) -> None:
        """Let the person choose among `rows` of (id, label), optionally grouped."""
        marks = list(groups) if groups is not None else None
        choices = [
            SelectChoice(str(row_id), label, optgroup=marks[n] if marks else None)
            for n, (row_id, label) in enumerate(rows)
        ]
        self.choices = [SelectChoice("", self.blank), *choices] if self.blank else choices


class IdsField(_SelectMultipleField):
    """A choice of several rows by id, as check boxes; data is a list of ids."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()

    def __init__(self, label: str, **kwargs: Any) -> None:
        super().__init__(label, choices=[], coerce=int, **_WRONG_CHOICE, **kwargs)

    def offer(self, rows: Iterable[tuple[int, str]]) -> None:
        """Let the person choose among `rows` of (id, label)."""
        self.choices = [SelectChoice(str(row_id), label) for row_id, label in rows]

    def pre_validate(self, form: Any) -> None:
        """Refuse an id that was not offered, in Chinese."""
        offered = {str(choice.value) for choice in self.choices}
        if any(str(value) not in offered for value in self.data or ()):
            raise ValidationError("选项无效，请重新选择。")


class EnumsField(_SelectMultipleField):
    """A choice of several members of a `Labelled` enumeration, as check boxes."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()

    def __init__(self, label: str, kind: type[Labelled], **kwargs: Any) -> None:
        def member(value: Any) -> Labelled:
            return value if isinstance(value, kind) else kind(value)

        super().__init__(
            label,
            choices=_choices(kind),
            coerce=member,
            **_WRONG_CHOICE,
            **kwargs,
        )

    def pre_validate(self, form: Any) -> None:
        """Members are checked when they are read."""


class InstantField(Field):
    """A Shanghai wall time, typed in the browser's own widget; data is an aware UTC instant."""

    widget = DateTimeLocalInput()

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return clock.local(self.data).strftime("%Y-%m-%dT%H:%M") if self.data else ""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read the wall time; a bad one is refused at the field."""
        self.data = None
        if valuelist and valuelist[0].strip():
            try:
                wall = datetime.fromisoformat(valuelist[0].strip())
            except ValueError:
                raise ValidationError("时间格式不正确。") from None
            if wall.tzinfo is not None or not 1900 <= wall.year <= 2900:
                raise ValidationError("时间格式不正确。")
            self.data = wall.replace(tzinfo=clock.SHANGHAI).astimezone(clock.UTC)


class YesNoField(RadioField):
    """Two answers in sight, none chosen beforehand; data is a bool."""

    def __init__(self, label: str, *, yes: str, no: str, **kwargs: Any) -> None:
        super().__init__(
            label,
            choices=[SelectChoice("yes", yes), SelectChoice("no", no)],
            coerce=_yes_or_no,
            validators=[InputRequired("请选择。")],
            invalid_value_message="请选择。",
            invalid_choice_message="请选择。",
            **kwargs,
        )


def _yes_or_no(value: object) -> bool | None:
    if value is None:
        return None
    if isinstance(value, int):
        return bool(value)
    if value not in ("yes", "no"):
        raise ValueError(value)
    return value == "yes"


class MoneyField(Field):
    """An amount typed in yuan (``20,000`` or ``20000.50``); data is integer fen, 0 where nothing stands."""

    widget = TextInput()

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        fen = int(self.data or 0)
        return f"{fen // 100}{f'.{fen % 100:02d}' if fen % 100 else ''}" if fen else ""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read the amount; anything but digits with at most two decimals is refused."""
        self.data = 0
        typed = plain_number(valuelist[0] if valuelist else "", "¥元")
        if not typed:
            return
        found = re.fullmatch(r"(\d{1,10})(?:\.(\d{1,2}))?", typed)
        if found is None:
            raise ValidationError("请填写金额，单位元，最多两位小数，例如 20000.50。")
        self.data = int(found[1]) * 100 + int((found[2] or "0").ljust(2, "0"))


def _id_or_none(value: Any) -> int | None:
    return int(value) if value not in (None, "", "None") else None


class Filled(InputRequired):
    """Something must be given; blanks alone are nothing."""

    def __call__(self, form: Any, field: Any) -> None:
        """Refuse an empty or blank value."""
        super().__call__(form, field)
        if isinstance(field.data, str) and not field.data.strip():
            field.errors[:] = []
            raise StopValidation(self.message)


def required(message: str) -> Filled:
    """The validator of a field that must be filled, with its own sentence."""
    return Filled(message)


def at_most(limit: int) -> Length:
    """The validator of a text length."""
    return Length(max=limit, message=f"最多 {limit} 个字。")


def _digest() -> str:
    """What was filled in, without the tokens and what the page itself fills in, as a hash."""
    skipped = {"csrf_token", "once", "version", "seen", "device_at"}
    filled = sorted(item for item in request.form.items(multi=True) if item[0] not in skipped)
    return hashlib.sha256(repr(filled).encode()).hexdigest()


def is_repetition(user_id: int) -> bool:
    """Whether this request brings a form again that `user_id` has carried out before.

    For a thing that the form itself took out of the person's reach: nothing can be shown of it, but
    a second click is no search for something that is not his.
    """
    token = request.form.get("once", "")
    return request.method == "POST" and submissions.carried_out(user_id, token, _digest())


class BaseForm(FlaskForm):
    """A form with Chinese messages whose fields are the keyword arguments of one command.

    After `carry_out`, `status` is the HTTP status to answer with, `conflict` the conflict if the
    record had moved on, `result` what the command returned or, for a repeated request, None, and
    `outcome` the id of that result, also for a repeated request, `number` its number if it has one.
    """

    once = TokenField()

    status: int = 200
    conflict: Conflict | None = None
    result: Any = None
    outcome: str = ""
    number: str = ""
    not_facts: ClassVar[frozenset[str]] = frozenset({"csrf_token", "once"})

    class Meta(FlaskForm.Meta):
        """Messages come from WTForms' Chinese catalogue."""

        locales: ClassVar[list[str]] = ["zh"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.once.data:
            self.once.data = secrets.token_urlsafe(12)

    @property
    def facts(self) -> dict[str, Any]:
        """What the person filled in, by the command's argument names."""
        return {
            name: field.data for name, field in self._fields.items() if name not in self.not_facts
        }

    @property
    def refusal(self) -> str:
        """The first sentence of refusal, for a form that is only a button."""
        sentences = [*self.form_errors, *(e for field in self for e in field.errors)]
        return str(sentences[0]) if sentences else "没有成功，请重试。"

    def carry_out(
        self,
        command: Callable[..., Any],
        *subject: Any,
        **more: Any,
    ) -> bool:
        """Whether the form was submitted, accepted and its command committed."""
        if request.method != "POST":
            return False
        if not self.validate():
            self.status = 422
            self.form_errors += [
                str(error)
                for field in self
                if isinstance(field.widget, HiddenInput)
                for error in field.errors
            ]
            return False
        try:
            actor, token = more.get("actor"), self.once.data or ""
            with transaction(known=actor):
                if actor is not None:
                    earlier = submissions.claim(actor.id, token, _digest())
                    if earlier is not None:
                        self.outcome = earlier
                        return True
                self.result = command(*subject, **self.facts, **more)
                self.outcome = str(getattr(self.result, "id", ""))
                self.number = str(getattr(self.result, "number", ""))
                if actor is not None:
                    submissions.settle(actor.id, token, self.outcome)
        except DomainError as error:
            self.refuse(error)
            return False
        return True

    def refuse(self, error: DomainError) -> None:
        """Show a refusal at its field, or above the form."""
        self.status = error.status
        if isinstance(error, Conflict):
            self.conflict = error
            self.once.data, self.once.raw_data = secrets.token_urlsafe(12), None
        field: Field | None = self._fields.get(error.field) if error.field else None
        if field is not None:
            field.errors = [*field.errors, error.message]
        else:
            self.form_errors.append(error.message)


class VersionedForm(BaseForm):
    """A form about a paper two people may hold: it carries the version its reader saw."""

    version = IntegerField(widget=HiddenInput(), validators=[InputRequired("请刷新页面后重试。")])


class ConfirmForm(VersionedForm):
    """A form without any field of its own: a button."""
