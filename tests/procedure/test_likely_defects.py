"""What a complaint probably speaks of: defects proposed from its words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketing.procedure.repairs import Part, Phenomenon, Trade
from ticketing.procedure.suggestions import (
    MOST_LIKELY,
    PHENOMENON_WORDS,
    USUAL_TRADE,
    likely_defects,
)

P, H, T = Part, Phenomenon, Trade


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("卫生间天花板漏水，已经三天了。", [(P.WET, H.LEAK, T.CIVIL, "卫生间")]),
        ("厨房水管接头滴水", [(P.PLUMBING, H.LEAK, T.PLUMBING_ELECTRIC, "厨房")]),
        (
            "卫生间渗水、客厅墙面开裂，主卧窗户关不严",
            [
                (P.WET, H.LEAK, T.CIVIL, "卫生间"),
                (P.PLASTER, H.CRACK, T.CIVIL, "客厅"),
                (P.DOORS, H.BROKEN, T.DECORATION, "主卧"),
            ],
        ),
        ("厨房地漏堵了，一直反水", [(P.BLOCKAGE, H.BLOCKED, T.PLUMBING_ELECTRIC, "厨房")]),
        ("电梯异响", [(P.EQUIPMENT, H.NOISE, T.LIFT, "")]),
        ("可视对讲没声音", [(P.EQUIPMENT, H.NO_SIGNAL, T.INTELLIGENT, "")]),
        ("屋面漏雨", [(P.ROOF, H.LEAK, T.CIVIL, "")]),
        ("客厅地面空鼓", [(P.FLOOR, H.HOLLOW, T.CIVIL, "客厅")]),
        ("插座漏电，家里跳闸", [(P.ELECTRIC, H.SHORT, T.PLUMBING_ELECTRIC, "")]),
        ("卫生间没有漏水，只是想问物业费", []),
        ("你们的销售承诺没有兑现，要求退房", []),
        ("", []),
    ],
)
def test_words_of_a_complaint_propose_its_defects(text, wanted):
    assert [tuple(one) for one in likely_defects(text)] == wanted


@given(st.text(max_size=80))
def test_any_words_propose_at_most_a_few_and_none_twice(text):
    found = likely_defects(text)
    assert len(found) == len(set(found)) <= MOST_LIKELY


def test_every_part_has_a_usual_trade_and_every_word_is_of_one_phenomenon_at_least():
    assert set(USUAL_TRADE) == set(Part)
    assert all(words and all(words) for words in PHENOMENON_WORDS.values())
