"""The arithmetic of accounts in whole fen, and amounts in capitals (procedure 3.5.6, 5.4)."""

from decimal import ROUND_HALF_UP, Decimal

import cn2an
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketing.procedure.capitals import MOST_FEN, amount_in_words
from ticketing.procedure.settlement import (
    MOST_MILLI,
    PriceBasis,
    Terms,
    chargeback,
    half_up,
    line_fen,
    reduction,
    totals,
)

FEN = Decimal("0.01")
MILLI = st.integers(0, MOST_MILLI)
RATES = st.integers(0, 10_000)


def rounded(amount: Decimal) -> int:
    return int(amount.quantize(FEN, ROUND_HALF_UP) * 100)


@pytest.mark.clause("5.4")
@pytest.mark.parametrize(
    ("fen", "words"),
    [
        (2_000_000, "人民币贰万元整"),
        (246_668, "人民币贰仟肆佰陆拾陆元陆角捌分"),
        (1_640_902, "人民币壹万陆仟肆佰零玖元零贰分"),
        (32_504, "人民币叁佰贰拾伍元零肆分"),
        (140_950, "人民币壹仟肆佰零玖元伍角"),
        (10_000_000, "人民币壹拾万元整"),
        (5, "人民币伍分"),
        (1_000_100, "人民币壹万零壹元整"),
        (0, "人民币零元整"),
        (50, "人民币伍角"),
        (100_000_000_000, "人民币壹拾亿元整"),
        (100_100_000_000, "人民币壹拾亿零壹佰万元整"),
        (100_000_100_000, "人民币壹拾亿零壹仟元整"),
        (999_999_999_999, "人民币玖拾玖亿玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分"),
    ],
)
def test_amounts_in_capitals(fen, words):
    assert amount_in_words(fen) == words


@pytest.mark.parametrize("fen", [-1, MOST_FEN + 1])
def test_what_no_paper_can_carry_has_no_capitals(fen):
    with pytest.raises(ValueError, match="no capitals"):
        amount_in_words(fen)


@given(st.integers(1, MOST_FEN))
def test_capitals_agree_with_an_independent_oracle(fen):
    """cn2an leaves 零 out before 角 as we do, and says 元整 for whole yuan."""
    yuan, rest = divmod(fen, 100)
    theirs = cn2an.an2cn(f"{yuan}.{rest:02d}", "rmb")
    ours = amount_in_words(fen).removeprefix("人民币")
    assert ours == theirs.removeprefix("零元" if not yuan else "").removeprefix("零")


@pytest.mark.clause("3.5.6")
@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        (Terms(PriceBasis.EXCLUSIVE, 900, 0), (226_301, 0, 20_367, 246_668)),
        (Terms(PriceBasis.EXCLUSIVE, 300, 500), (226_301, 11_315, 7_128, 244_744)),
    ],
)
def test_the_worked_example(terms, expected):
    lines = [(2_500, 110_000), (18_200, 80_000), (1_000, 260_000), (6_000, 45_335)]
    assert totals([line_fen(*line) for line in lines], terms) == expected


@given(MILLI, MILLI)
def test_a_line_is_quantity_times_price_rounded_half_up(quantity, price):
    exact = Decimal(quantity) / 1000 * Decimal(price) / 1000
    assert line_fen(quantity, price) == rounded(exact)


@given(st.lists(st.integers(0, 10**10), max_size=5), RATES, RATES, st.sampled_from(PriceBasis))
def test_totals_agree_with_decimal_arithmetic(lines, vat, management, basis):
    found = totals(lines, Terms(basis, vat, management))
    bare = Decimal(sum(lines)) / 100
    fee = Decimal(rounded(bare * management / 10_000)) / 100
    if basis is PriceBasis.EXCLUSIVE:
        tax = Decimal(rounded((bare + fee) * vat / 10_000)) / 100
        total = bare + fee + tax
    else:
        total = bare + fee
        tax = total - Decimal(rounded(total / (1 + Decimal(vat) / 10_000))) / 100
    assert found == tuple(int(one * 100) for one in (bare, fee, tax, total))
    assert 0 <= found.tax_fen <= found.total_fen


@given(st.integers(0, MOST_FEN), st.integers(0, MOST_FEN))
def test_the_reduction_and_its_rate(submitted, approved):
    cut = reduction(submitted, approved)
    assert cut.fen == submitted - approved
    if submitted:
        assert cut.rate_bp is not None
        assert abs(cut.rate_bp * submitted - cut.fen * 10_000) * 2 <= submitted
    else:
        assert cut.rate_bp is None


@given(st.integers(0, MOST_FEN), RATES, st.integers(0, 10**9))
def test_a_contractor_owes_the_account_and_what_his_agreement_adds(approved, admin, penalty):
    assert chargeback(approved, 0, 0) == approved
    owed = chargeback(approved, admin, penalty)
    assert owed == approved + half_up(approved * admin, 10_000) + penalty
