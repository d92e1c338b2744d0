"""Two people on one ticket: the second is told, sees both versions, and can submit again."""

import pytest

from tests.pages.helpers import NOW, PATHS, form_for, ready_for_everything, token
from ticketing.casefile.tickets.models import Ticket
from ticketing.journal import queries as journal
from ticketing.kernel.db import db, transaction
from ticketing.procedure.permissions import Act
from ticketing.procedure.vocabulary import Grade, TicketStage
from ticketing.steps.handling.commands import regrade

STAGES = {
    Act.CORRECT: TicketStage.REGISTERED,
    Act.DISPATCH: TicketStage.REGISTERED,
    Act.FEED_BACK: TicketStage.DISPATCHED,
    Act.CALL_BACK: TicketStage.CALLBACK,
    Act.CLOSE: TicketStage.CALLBACK,
    Act.AMEND: TicketStage.HANDLING,
    Act.TRANSFER: TicketStage.HANDLING,
    Act.ASK_ASSISTANCE: TicketStage.HANDLING,
    Act.RESOLVE: TicketStage.HANDLING,
    Act.INVALIDATE: TicketStage.HANDLING,
    Act.WITHDRAW: TicketStage.HANDLING,
    Act.MERGE: TicketStage.HANDLING,
}
NOT_TEXT = {Act.CALL_BACK, Act.DISPATCH}


@pytest.mark.parametrize("act", STAGES, ids=lambda act: act.value)
def test_the_second_of_two_people_sees_what_changed_and_can_submit_again(make, sign_in, act):
    ticket = make.ticket(STAGES[act])
    ready_for_everything(make, ticket)
    ticket_id, seen, survivor = ticket.id, ticket.version, make.registered().number
    client = sign_in("manager")
    assert client.get(f"/tickets/{ticket_id}/{PATHS[act]}").status_code == 200
    with transaction():
        regrade(
            ticket,
            version=seen,
            grade=Grade.IMPORTANT,
            reason="业主多次来电",
            actor=make.user("office"),
        )
    typed = form_for(act, make, into=survivor)
    if act is Act.DISPATCH:
        typed["grade"] = "important"
    data = typed | {"version": seen, "once": token()}
    before = len(journal.story("ticket", ticket_id))
    answer = client.post(f"/tickets/{ticket_id}/{PATHS[act]}", data=data)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert 'id="conflict"' in page
    assert "陈静" in page
    assert "调整等级" in page
    assert "一般 → <b>重要</b>" in page
    for name, value in typed.items():
        if isinstance(value, str) and name in ("content", "reason", "resolution", "action_taken"):
            assert value in page
    assert len(journal.story("ticket", ticket_id)) == before
    present = db.session.get_one(Ticket, ticket_id).version
    assert present == seen + 1
    assert f'name="version" type="hidden" value="{present}"' in page
    again = client.post(
        f"/tickets/{ticket_id}/{PATHS[act]}", data=data | {"version": present, "once": token()}
    )
    assert again.status_code == 302
    assert len(journal.story("ticket", ticket_id)) == before + 1


def entry(content, version, **more):
    return {
        "caller_name": "王国强",
        "caller_phone": "13800001202",
        "channel": "phone",
        "content": content,
        "received_at": NOW,
        "version": version,
        "once": token(),
        **more,
    }


@pytest.mark.parametrize("path", ["correct", "amend"])
def test_two_amendments_are_shown_field_by_field(make, sign_in, path):
    stage = TicketStage.REGISTERED if path == "correct" else TicketStage.HANDLING
    ticket = make.ticket(stage)
    ticket_id, version = ticket.id, ticket.version
    more = {"reason": "补充"} if path == "amend" else {}
    first, second = sign_in("clerk"), sign_in("office")
    address = f"/tickets/{ticket_id}/{path}"
    assert first.post(address, data=entry("甲写的内容", version, **more)).status_code == 302
    answer = second.post(address, data=entry("乙写的内容", version, **more))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "<td>投诉内容</td><td>乙写的内容</td><td>甲写的内容</td>" in page
    assert "林晓" in page
    assert db.session.get_one(Ticket, ticket_id).content == "甲写的内容"
    present = db.session.get_one(Ticket, ticket_id).version
    assert second.post(address, data=entry("两边合起来", present, **more)).status_code == 302
    words = [
        line.facts.get("changed", {}).get("content") for line in journal.story("ticket", ticket_id)
    ]
    assert [pair for pair in words if pair] == [
        ["卫生间天花板漏水，已经三天了。", "甲写的内容"],
        ["甲写的内容", "两边合起来"],
    ]


def test_an_amendment_keeps_the_old_words_and_the_reason_in_the_story(make, sign_in):
    ticket = make.ticket(TicketStage.HANDLING)
    ticket_id = ticket.id
    data = entry("其实是阳台", ticket.version, reason="业主更正了位置")
    client = sign_in("clerk")
    assert client.post(f"/tickets/{ticket_id}/amend", data=data).status_code == 302
    page = client.get(f"/tickets/{ticket_id}").get_data(as_text=True)
    assert "卫生间天花板漏水，已经三天了。 → 其实是阳台" in page
    assert "业主更正了位置" in page


def test_two_people_may_both_add_a_line(make, sign_in):
    ticket_id = make.ticket(TicketStage.HANDLING).id
    for username in ("clerk", "handler", "manager"):
        data = {"once": token(), "action_taken": f"{username}去看过"}
        answer = sign_in(username).post(f"/tickets/{ticket_id}/follow-up", data=data)
        assert answer.status_code == 302
    assert len(db.session.get_one(Ticket, ticket_id).notes) == 4


def test_an_act_whose_time_has_passed_says_where_the_ticket_stands(make, sign_in):
    ticket = make.ticket(TicketStage.CLOSED)
    answer = sign_in("manager").get(f"/tickets/{ticket.id}/dispatch")
    assert answer.status_code == 409
    assert "登记表现为“已关闭”，不能办理“分派”" in answer.get_data(as_text=True)
