"""Putting the register right: the home and the time of receipt before dispatch, the home after it."""

from datetime import timedelta

import pytest

from tests.pages.helpers import NOW, token
from ticketing.casefile.tickets.models import Ticket
from ticketing.journal import queries as journal
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.procedure.vocabulary import TicketStage

FORM = "%Y-%m-%dT%H:%M"


def entry(ticket, **typed):
    """The form as the page shows it, with some of it typed over."""
    return {
        "once": token(),
        "version": ticket.version,
        "unit_id": ticket.unit_id or "",
        "customer_id": ticket.customer_id or "",
        "place": ticket.room,
        "caller_name": ticket.caller_name,
        "caller_phone": ticket.caller_phone,
        "channel": ticket.channel.value,
        "content": ticket.content,
        "received_at": clock.local(ticket.received_at).strftime(FORM),
        **typed,
    }


def again(ticket_id):
    db.session.rollback()
    return db.session.get_one(Ticket, ticket_id)


def changes(ticket_id):
    return [line.facts.get("changed", {}) for line in journal.story("ticket", ticket_id)][-1]


@pytest.mark.clause("3.4.3")
def test_another_home_is_picked_before_dispatch_and_the_ticket_is_found_there(make, sign_in):
    world, clerk = make.world, sign_in("clerk")
    ticket = make.registered(customer_id=make.world.customers["王国强"])
    ticket_id, number = ticket.id, ticket.number
    form = clerk.get(f"/tickets/{ticket_id}/correct").get_data(as_text=True)
    assert "编号属于云栖苑，只能改为本小区的房号" in form
    data = entry(
        ticket,
        unit_id=world.units["YX 3-2-0501"],
        customer_id=world.customers["张伟"],
        place="3-2-0501",
        caller_name="张伟",
    )
    assert clerk.post(f"/tickets/{ticket_id}/correct", data=data).status_code == 302
    ticket = again(ticket_id)
    assert (ticket.unit_id, ticket.room) == (world.units["YX 3-2-0501"], "3-2-0501")
    assert ticket.customer_id == world.customers["张伟"]
    assert (ticket.number, ticket.stage) == (number, TicketStage.REGISTERED)
    assert changes(ticket_id)["room"] == ["3-1-1202", "3-2-0501"]
    page = clerk.get(f"/tickets/{ticket_id}").get_data(as_text=True)
    assert "3-1-1202 → 3-2-0501" in page
    home = clerk.get(f"/estate/units/{world.units['YX 3-2-0501']}").get_data(as_text=True)
    assert number in home
    assert (
        clerk.get("/tickets/", query_string={"q": "3-2-0501"}).get_data(as_text=True).count(number)
    )


def test_a_place_is_typed_where_there_is_no_home(make, sign_in):
    ticket = make.registered(customer_id=make.world.customers["王国强"])
    ticket_id, customer_id = ticket.id, ticket.customer_id
    data = entry(ticket, place="中央水景旁", customer_id="")
    assert sign_in("clerk").post(f"/tickets/{ticket_id}/correct", data=data).status_code == 302
    ticket = again(ticket_id)
    assert (ticket.unit_id, ticket.room, ticket.customer_id) == (None, "中央水景旁", customer_id)


def test_a_home_nobody_is_known_at_takes_the_wrong_customer_away(make, sign_in):
    ticket = make.registered(customer_id=make.world.customers["王国强"])
    data = entry(ticket, unit_id=make.world.units["YX 5-1-0101"], customer_id="")
    assert sign_in("clerk").post(f"/tickets/{ticket.id}/correct", data=data).status_code == 302
    assert again(ticket.id).customer_id is None


@pytest.mark.parametrize(("unit", "status"), [("HT 1-1-0801", 422), ("LH 2-1-0302", 404)])
def test_the_home_stays_in_the_community_whose_number_the_ticket_has(make, sign_in, unit, status):
    ticket = make.registered()
    ticket_id, clerk = ticket.id, sign_in("clerk")
    data = entry(ticket, unit_id=make.world.units[unit], place="改错了")
    answer = clerk.post(f"/tickets/{ticket_id}/correct", data=data)
    page = answer.get_data(as_text=True)
    assert answer.status_code == status
    assert ("编号属于云栖苑，不能改到海棠湾" in page) is (status == 422)
    assert 'value="改错了"' in page
    assert again(ticket_id).room == "3-1-1202"


def test_the_lookup_of_a_correction_finds_homes_of_its_community_only(make, sign_in):
    clerk, communities = sign_in("clerk"), make.world.communities
    everywhere = clerk.get("/intake/callers?q=1").get_data(as_text=True)
    assert "海棠湾" in everywhere
    within = clerk.get(f"/intake/callers?q=1&community={communities['YX']}").get_data(as_text=True)
    assert "云栖苑" in within
    assert "海棠湾" not in within
    assert clerk.get(f"/intake/callers?q=1&community={communities['LH']}").status_code == 404


@pytest.mark.clause("3.4.5-他")
def test_the_completion_date_follows_a_corrected_time_of_receipt(make, sign_in):
    ticket = make.registered()
    ticket_id, dispatching, clerk = ticket.id, ticket.due_on, sign_in("clerk")
    earlier = clock.local(ticket.received_at) - timedelta(days=3)
    data = entry(ticket, received_at=earlier.strftime(FORM))
    assert clerk.post(f"/tickets/{ticket_id}/correct", data=data).status_code == 302
    ticket = again(ticket_id)
    assert ticket.received_at == earlier.replace(second=0)
    assert ticket.complaint_due_on == earlier.date() + timedelta(days=7)
    assert ticket.due_on == dispatching
    page = clerk.get(f"/tickets/{ticket_id}").get_data(as_text=True)
    assert f"→ {earlier:%Y-%m-%d %H:%M}" in page
    assert "办结时限" in page


def test_a_form_that_shows_minutes_does_not_change_the_seconds(make, sign_in):
    received = (clock.now() - timedelta(hours=1)).replace(second=37)
    ticket = make.registered(received_at=received)
    data = entry(ticket, content="改了内容")
    assert sign_in("clerk").post(f"/tickets/{ticket.id}/correct", data=data).status_code == 302
    assert again(ticket.id).received_at == received
    assert set(changes(ticket.id)) == {"content"}


@pytest.mark.parametrize(
    ("days", "username", "sentence"),
    [(1, "clerk", "不能晚于登记时间"), (-400, "clerk", "早于一年"), (1, "manager", "不能晚于登记")],
)
def test_an_impossible_time_of_receipt_is_refused_at_its_field(
    make, sign_in, days, username, sentence
):
    ticket = make.registered()
    moved = clock.local(ticket.received_at) + timedelta(days=days)
    data = entry(ticket, received_at=moved.strftime(FORM), content="留着这句话")
    answer = sign_in(username).post(f"/tickets/{ticket.id}/correct", data=data)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert sentence in page.partition('id="received_at-error"')[2][:60]
    assert "留着这句话" in page


def test_after_dispatch_the_home_changes_with_a_reason_and_the_time_of_receipt_stays(make, sign_in):
    ticket = make.ticket(TicketStage.HANDLING)
    ticket_id, received, due_on = ticket.id, ticket.received_at, ticket.complaint_due_on
    clerk = sign_in("clerk")
    assert (
        "受理时间"
        not in clerk.get(f"/tickets/{ticket_id}/amend")
        .get_data(as_text=True)
        .split("<form method")[1]
        .partition("</form>")[0]
    )
    data = entry(ticket, unit_id=make.world.units["YX 3-1-1203"], received_at="2026-01-01T08:00")
    address = f"/tickets/{ticket_id}/amend"
    assert clerk.post(address, data=data).status_code == 422
    data |= {"reason": "客户报错了房号"}
    assert clerk.post(address, data=data).status_code == 302
    ticket = again(ticket_id)
    assert (ticket.room, ticket.received_at, ticket.complaint_due_on) == (
        "3-1-1203",
        received,
        due_on,
    )
    assert "客户报错了房号" in clerk.get(f"/tickets/{ticket_id}").get_data(as_text=True)


def test_two_corrections_of_home_and_time_are_shown_side_by_side(make, sign_in):
    ticket = make.registered()
    first, second = sign_in("clerk"), sign_in("office")
    ours = entry(ticket, place="北门岗亭", received_at=NOW)
    theirs = entry(ticket, unit_id=make.world.units["YX 3-1-1203"], place="3-1-1203")
    address = f"/tickets/{ticket.id}/correct"
    assert first.post(address, data=theirs).status_code == 302
    answer = second.post(address, data=ours)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "<td>单元房号/位置</td><td>北门岗亭</td><td>3-1-1203</td>" in page
