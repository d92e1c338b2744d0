"""Typed amounts and quantities: commas between thousands are passed over, a comma anywhere else is no number."""

import pytest
from werkzeug.datastructures import MultiDict
from wtforms import Form

from ticketing.kernel.forms import MoneyField
from ticketing.kernel.number_fields import MilliField


class Typed(Form):
    fen = MoneyField()
    milli = MilliField()


def read(name, typed):
    form = Typed(MultiDict({name: typed}))
    return form[name].data if form.validate() else None


@pytest.mark.parametrize(
    ("typed", "fen", "milli"),
    [
        ("1,234.5", 123_450, 1_234_500),
        ("１，２３４，５６７．８９", 123_456_789, 1_234_567_890),
        ("1234567", 123_456_700, 1_234_567_000),
        ("12,50", None, None),
        ("1,2345", None, None),
        ("1234,567", None, None),
        ("1.234,50", None, None),
        (",5", None, None),
        ("-5", None, None),
        ("NaN", None, None),
        ("1e3", None, None),
        ("0.005", None, 5),
    ],
)
def test_a_number_is_read_as_it_was_meant_or_not_at_all(typed, fen, milli):
    assert read("fen", typed) == fen
    assert read("milli", typed) == milli
