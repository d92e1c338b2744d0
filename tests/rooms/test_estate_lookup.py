"""The caller lookup: phone, tail, name, given name, initials and room find the customer, within scope."""

import pytest

from ticketing.masters.estate import queries

WAYS = (
    "13800001202",
    "138 0000 1202",
    "１３８００００１２０２",
    "1380000",
    "1202",
    "王国强",
    "王国",
    "国强",
    "wgq",
    "WGQ",
    "3-1-1202",
    "3栋1单元1202室",
    "3号楼1单元1202",
    "3幢1单元1202房",
    "3 1 1202",
)


@pytest.mark.clause("3.7.1")
@pytest.mark.clause("2.2.5")
def test_a_caller_is_found_by_phone_tail_name_given_name_initials_and_room(make):
    scope = make.scope("clerk")
    for typed in WAYS:
        found = queries.callers(scope, typed)
        assert "王国强" in [caller.name for caller in found], typed
        assert found[0].name == "王国强", typed


def test_the_lookup_stays_within_the_communities_of_the_person(make):
    assert [c.name for c in queries.callers(make.scope("far_clerk"), "杨丽")] == ["杨丽"]
    assert queries.callers(make.scope("clerk"), "杨丽") == []
    assert queries.callers(make.scope("clerk"), "13600000302") == []
    assert [c.name for c in queries.callers(make.scope("manager"), "yl")] == ["杨丽"]


def test_nothing_sensible_typed_finds_nobody(make):
    for typed in ("", " ", "%", "_", "'", "\U0010ffff", "没有这个人"):
        assert queries.callers(make.scope("manager"), typed) == [], typed
