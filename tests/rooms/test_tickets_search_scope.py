"""Searching within few communities: the marks narrow the search, and never what is found."""

import pytest

from ticketing.casefile.tickets import lists
from ticketing.casefile.tickets.lists import TicketFilter
from ticketing.procedure.vocabulary import TicketStage


def found(make, username: str, words: str, **more: object) -> list[str]:
    """The numbers a person finds."""
    wanted = TicketFilter(open_only=False, words=words, **more)
    return [row.number for row in lists.page(make.scope(username), wanted)[0]]


@pytest.mark.parametrize("words", ["漏水", "漏", "王国强", "1202", "漏水 天花板"])
def test_each_clerk_finds_the_words_in_his_own_communities(make, words):
    near, far = (
        make.registered("YX 3-1-1202"),
        make.registered("LH 2-1-0302", actor="far_clerk", content="1202 卫生间天花板漏水。"),
    )
    assert found(make, "clerk", words) == [near.number]
    assert found(make, "far_clerk", words) == [far.number]
    assert found(make, "manager", words) == [far.number, near.number]


def test_a_community_chosen_in_the_filter_narrows_the_search(make):
    near, other = make.registered("YX 3-1-1202"), make.registered("HT 1-1-0801")
    chosen = make.world.communities
    assert found(make, "manager", "漏水", community_id=chosen["YX"]) == [near.number]
    assert found(make, "manager", "漏水", community_id=chosen["HT"]) == [other.number]
    assert found(make, "far_clerk", "漏水", community_id=chosen["YX"]) == []


def test_a_department_finds_its_tickets_wherever_they_are(make):
    ticket = make.ticket(TicketStage.DISPATCHED, "YX 3-1-1202")
    make.registered("HT 1-1-0801")
    assert found(make, "handler", "漏水") == [ticket.number]


def test_nobody_finds_a_ticket_by_a_part_of_its_mark(make):
    make.registered()
    assert found(make, "manager", "qxcommunity") == []
    assert found(make, "manager", "community") == []
