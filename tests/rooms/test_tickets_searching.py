"""Finding tickets: words of any length, odd characters, filters together, pages by keyset."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from ticketing.casefile.tickets import filters, lists
from ticketing.casefile.tickets.lists import TicketFilter
from ticketing.kernel import clock, search
from ticketing.kernel.text import (
    clean,
    clean_line,
    fold,
    looks_like_phone,
    masked_phone,
    one_line,
    phone_digits,
    row_id,
    search_terms,
    spaced,
)
from ticketing.procedure.vocabulary import TicketStage


@pytest.fixture
def tickets(make):
    """Three tickets that differ in every word one may search for."""
    leak = make.registered(content="卫生间天花板漏水，已经三天。", caller_phone="13800001202")
    lift = make.registered(
        "YX 5-1-0101",
        caller_name="刘洋",
        caller_phone="13900000101",
        content="电梯 LIFT 异响；噪音很大",
    )
    wall = make.registered(
        "HT 1-1-0801",
        caller_name="陈建国",
        caller_phone="059187654321",
        content="外墙渗水，门窗漏风",
    )
    return {"leak": leak, "lift": lift, "wall": wall}


def found(make, words, username="manager"):
    rows, _ = lists.page(
        make.scope(username), TicketFilter(words=clean_line(words), open_only=False)
    )
    return {row.number for row in rows}


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("漏", {"leak", "wall"}),
        ("漏水", {"leak"}),
        ("水", {"leak", "wall"}),
        ("天花板漏水", {"leak"}),
        ("水漏", set()),
        ("漏 水", {"leak", "wall"}),
        ("门窗 渗水", {"wall"}),
        ("门窗 电梯", set()),
        ("电梯", {"lift"}),
        ("lift", {"lift"}),
        ("ＬＩＦＴ", {"lift"}),
        ("Lift 噪音", {"lift"}),
        ("王国强", {"leak"}),
        ("国", {"leak", "wall"}),
        ("13800001202", {"leak"}),
        ("1202", {"leak"}),
        ("0101", {"lift"}),
        ("4321", {"wall"}),
        ("3-1-1202", {"leak"}),
        ("5-1-0101", {"lift"}),
        ("YX", {"leak", "lift"}),
        ("00001", {"leak", "wall"}),
        ("HT-2026", {"wall"}),
        ("没有这样的词", set()),
    ],
)
def test_a_word_finds_what_holds_it(make, tickets, words, names):
    if words == "HT-2026":
        words = tickets["wall"].number.rpartition("-")[0]
    assert found(make, words) == {tickets[name].number for name in names}


ODD = [
    '"', "'", "*", "漏*", "NEAR(漏 水)", "NEAR", "漏 AND 水", "OR", "NOT 漏", "-漏", "body:漏", ":", "(", ")",
    "()", "漏)(", "^", "+", "{body}: x", "\\", "%", "_", "漏%", ";--", "' OR 1=1 --", "&", "|", "!", "<->",
    "漏:*", "漏 & 水", "：", "。", "  ", "", "😀", "漏😀水", "\t", "a" * 300, "0", "\ud800",
]  # fmt: skip


def test_no_character_is_an_operator(make, tickets):
    for words in ODD:
        found(make, words)
    assert (
        found(make, '"漏水"')
        == found(make, "漏水*")
        == found(make, "(漏水)")
        == found(make, "漏水")
    )
    assert found(make, "漏 AND 水") == set()
    assert found(make, "%") == found(make, "：（）") == set()
    assert len(found(make, "")) == 3


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(words=st.text(max_size=30))
def test_no_text_breaks_the_search(make, tickets, words):
    found(make, clean_line(words))


def test_every_word_of_the_text_finds_the_ticket(make, tickets):
    content = tickets["leak"].content
    for start in range(len(content)):
        for length in (1, 2, 3):
            if word := spaced(content[start : start + length]).replace(" ", ""):
                assert tickets["leak"].number in found(make, word), word


def test_a_whole_number_leads_straight_to_its_ticket(make, tickets, sign_in):
    ticket_id, number = tickets["wall"].id, tickets["wall"].number
    client = sign_in("clerk")
    for typed in (number, number.lower(), f" {number} "):
        assert (
            client.get("/tickets/", query_string={"q": typed}).location == f"/tickets/{ticket_id}"
        )
    assert sign_in("far_clerk").get("/tickets/", query_string={"q": number}).status_code == 200


@pytest.mark.parametrize("near", [1, 3, 100])
def test_many_words_are_found_newest_first_whether_near_or_far(make, monkeypatch, near):
    monkeypatch.setattr(search, "NEAR", near)
    ids = [
        make.registered(
            content=f"卫生间漏水，洗手台第 {n} 处{'，另有白蚁' if n % 3 == 0 else ''}"
        ).id
        for n in range(7)
    ]
    manager = make.scope("manager")
    wanted = TicketFilter(words="漏水 洗手台", open_only=False)
    first, cursor = lists.page(manager, wanted, size=3)
    second, more = lists.page(manager, replace(wanted, after=cursor), size=3)
    third, end = lists.page(manager, replace(wanted, after=more), size=3)
    assert [row.id for row in [*first, *second, *third]] == ids[::-1]
    assert not end
    rare, _ = lists.page(manager, replace(wanted, words="白蚁 洗手台"))
    assert [row.id for row in rare] == [ids[6], ids[3], ids[0]]


def test_changed_words_are_found_and_the_old_ones_are_not(make, tickets):
    from ticketing.kernel.db import transaction
    from ticketing.steps.intake.commands import correct

    ticket = tickets["leak"]
    with transaction():
        correct(
            ticket,
            received_at=ticket.received_at,
            **make.entry(ticket, "clerk", caller_phone="", summary="", content="阳台返潮"),
        )
    assert found(make, "返潮") == {ticket.number}
    assert ticket.number not in found(make, "漏水") | found(make, "13800001202")


def walk(make, wanted, size):
    """Every row of a list, page by page."""
    numbers, pages = [], 0
    while True:
        rows, following = lists.page(make.scope("manager"), wanted, size)
        numbers += [row.number for row in rows]
        pages += 1
        assert pages < 50
        if not following:
            return numbers
        assert len(rows) == size
        wanted = replace(wanted, after=following)


@pytest.mark.parametrize("size", [1, 3, 4, 12, 50])
@pytest.mark.parametrize(
    "wanted",
    [
        TicketFilter(),
        TicketFilter(newest_first=True),
        TicketFilter(open_only=False),
        TicketFilter(words="漏水", open_only=False),
        TicketFilter(stages=(TicketStage.REGISTERED,)),
    ],
    ids=["due", "newest", "all", "search", "stage"],
)
def test_paging_walks_every_row_exactly_once_also_where_keys_are_equal(make, wanted, size):
    now = clock.now()
    with clock.held(now):
        numbers = {
            make.registered(received_at=now - timedelta(days=n // 4), caller_phone="").number
            for n in range(12)
        }
    walked = walk(make, wanted, size)
    assert len(walked) == 12
    assert set(walked) == numbers


@pytest.mark.parametrize(
    "cursor",
    ["", "x", ".", "1.", ".1", "20260101.x", "99999999.1", "20260101.1.1", "²0260101.1", "-1.-1"],
)
def test_a_cursor_that_makes_no_sense_is_the_first_page(make, cursor):
    number = make.registered().number
    for wanted in (TicketFilter(after=cursor), TicketFilter(newest_first=True, after=cursor)):
        rows, _ = lists.page(make.scope("manager"), wanted)
        assert [row.number for row in rows] == [number]


def test_filters_in_the_address_combine(make, world, sign_in):
    ids = world.communities, world.departments
    make.ticket(TicketStage.DISPATCHED, content="电梯困人")
    make.ticket(TicketStage.DISPATCHED, "HT 1-1-0801", content="电梯困人")
    make.ticket(TicketStage.DISPATCHED, department="ENG", content="外墙渗水")
    make.ticket(TicketStage.CLOSED, content="电梯异响")
    client = sign_in("manager")

    def rows(query):
        page = client.get(f"/tickets/?{query}").get_data(as_text=True)
        return page.count('<td class="num">')

    yx, pm = ids[0]["YX"], ids[1]["PM"]
    assert rows("") == 3
    assert rows("all=1") == 4
    assert rows(f"community={yx}") == 2
    assert rows(f"community={yx}&department={pm}") == 1
    assert rows(f"community={yx}&department={pm}&stage=registered") == 0
    assert rows("stage=dispatched&stage=closed") == 4
    assert rows("q=电梯") == 3
    assert rows(f"q=电梯&community={yx}") == 2
    assert rows(f"q=电梯&community={yx}&stage=dispatched") == 1
    assert rows("category=ENG&grade=general") == 3
    assert rows("grade=major") == 0
    assert rows("channel=visit") == 0
    today = clock.today()
    assert rows(f"from={today}&to={today}") == 3
    assert rows(f"to={today - timedelta(days=1)}&all=1") == 0
    assert rows(f"closed_from={today}&all=1") == 1
    assert rows(f"unit={world.units['HT 1-1-0801']}") == 1
    assert rows(f"handler={world.users['engineer']}") == 1
    assert rows("mine=1") == 0
    assert rows("stage=nonsense&community=x&from=x") == 3


def test_the_chips_count_what_their_lists_show(make):
    for stage in TicketStage:
        make.ticket(stage)
    scope = make.scope("manager")
    counts = lists.counts(scope)
    for stage in TicketStage:
        if stage.is_open:
            rows, _ = lists.page(scope, TicketFilter(stages=(stage,)))
            assert counts.by_stage[stage] == len(rows)
    assert counts.open == len(lists.page(scope, TicketFilter())[0])
    assert counts.overdue == len(lists.page(scope, TicketFilter(overdue=True))[0])
    assert counts.due_today == len(lists.page(scope, TicketFilter(due_today=True))[0])


def test_the_list_and_its_counts_turn_overdue_with_the_day(make):
    with clock.held(clock.at(clock.today() - timedelta(days=20), 9)):
        make.registered()
    scope = make.scope("clerk")
    assert lists.counts(scope).overdue == 1
    assert len(lists.page(scope, TicketFilter(overdue=True))[0]) == 1


@settings(max_examples=80, deadline=None)
@given(values=st.dictionaries(st.sampled_from(
    ["stage", "q", "after", "from", "to", "closed_from", "community", "order", "all", "grade", "mine"]
), st.text(max_size=12)))  # fmt: skip
def test_no_address_makes_the_filter_fail(values):
    filters.from_query(MultiDict(values))


@given(text=st.text(max_size=60))
def test_cleaning_twice_is_cleaning_once(text):
    assert clean(clean(text)) == clean(text)
    assert clean_line(clean_line(text)) == clean_line(text)
    assert "\n" not in clean_line(text)
    assert len(one_line(text, 10)) <= 10
    assert all(term == spaced(term) for term in search_terms(text))


def test_text_is_compared_and_shown_as_people_expect():
    assert clean("a\r\nb\rc\td\x00\u200b ") == "a\nb\nc d"
    assert clean(None) == ""
    assert clean_line("  两  \n 行 ") == "两 行"
    assert fold("ＡＢＣ１２③") == "abc123"
    assert phone_digits("+86 138-0000 1202") == phone_digits("（138）00001202") == "13800001202"
    assert looks_like_phone("0591-87654321转805")
    assert not looks_like_phone("1234")
    assert masked_phone("13800001202") == "138****1202"
    assert masked_phone("123") == "***"
    assert masked_phone("") == ""
    assert row_id("007") == 7
    for bad in ("", "-1", "1.0", "²", "1e3", " 1", "9" * 19):
        with pytest.raises(ValueError):
            row_id(bad)
