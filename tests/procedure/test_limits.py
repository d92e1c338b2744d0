"""The declared figures: complete, in bounds, with clauses that exist, and stored keys that never change."""

import pytest

from ticketing.procedure.clauses import CLAUSES
from ticketing.procedure.parameters import (
    PARAMETERS,
    PRESETS,
    STANDARD,
    Limits,
    Measure,
    Preset,
    differences,
    faults,
    limits,
    percent,
    show,
)

KEYS = (
    "survey.contractor_optional_max approval.manager_max approval.deputy_gm_max approval.split_days"
    " settlement.audit_min settlement.overrun_pct contractor.confirm_days imprest.cs_ceiling imprest.crew_ceiling"
    " imprest.cash_item_max imprest.replenish_at imprest.stop_at vat.rate settlement.admin_rate retention.rate"
    " warranty.restart_after_repair"
)


def test_stored_keys_never_change_and_every_one_has_its_place_in_the_limits():
    assert [one.key for one in PARAMETERS] == KEYS.split()
    assert tuple(one.name for one in PARAMETERS) == Limits._fields
    assert all(one.clause in CLAUSES for one in PARAMETERS)
    assert all(one.low <= one.default <= one.high for one in PARAMETERS)
    assert {one.name for one in PARAMETERS if one.blank} == {
        "contractor_optional_fen", "manager_fen", "deputy_gm_fen", "audit_min_fen", "imprest_cs_fen", "imprest_crew_fen",
    }  # fmt: skip


@pytest.mark.clause("3.6.1")
def test_the_presets_are_the_three_of_the_specification():
    figures = {
        preset: (one.contractor_optional_fen, one.manager_fen, one.deputy_gm_fen)
        for preset, one in PRESETS.items()
    }
    assert figures == {
        Preset.CONSERVATIVE: (50_000, 200_000, 2_000_000),
        Preset.STANDARD: (100_000, 500_000, 5_000_000),
        Preset.LARGE: (200_000, 1_000_000, 10_000_000),
    }
    assert {one.audit_min_fen for one in PRESETS.values()} == {2_000_000}
    assert all(not faults(one) for one in PRESETS.values())


def test_an_edition_that_lacks_a_later_parameter_has_its_default():
    assert limits({"approval.manager_max": 7}) == STANDARD._replace(manager_fen=7)
    assert limits(STANDARD.by_key) == STANDARD


@pytest.mark.parametrize("parameter", PARAMETERS, ids=lambda one: one.key)
def test_a_value_out_of_bounds_is_told_at_its_field(parameter):
    for value in (parameter.low - 1, parameter.high + 1):
        named = [one.name for one in faults(STANDARD._replace(**{parameter.name: value}))]
        assert parameter.name in named


def test_the_manager_may_not_approve_as_much_as_the_deputy():
    same = STANDARD._replace(manager_fen=5_000_000)
    assert [one.name for one in faults(same)] == ["deputy_gm_fen"]
    assert not faults(STANDARD._replace(manager_fen=4_999_999))
    early = STANDARD._replace(stop_bp=7_000)
    assert [one.name for one in faults(early)] == ["stop_bp"]


def test_values_are_shown_in_their_units_and_differences_in_words():
    assert [percent(one) for one in (0, 300, 950, 1005, 10_000)] == ["0%", "3%", "9.5%", "10.05%", "100%"]  # fmt: skip
    shown = {one.measure: show(one, one.default) for one in PARAMETERS}
    assert shown == {
        Measure.FEN: "1,000 元",
        Measure.DAYS: "7 天",
        Measure.BASIS_POINTS: "3%",
        Measure.YES_NO: "否",
    }
    (told,) = differences(STANDARD, STANDARD._replace(overrun_bp=1_250))
    assert (told.parameter.key, told.old, told.new) == ("settlement.overrun_pct", "10%", "12.5%")
