"""A ticket its department sends back: who helps goes on helping, and a second click finds its way."""

import pytest

from tests.pages.helpers import token
from ticketing.casefile.tickets.models import Ticket
from ticketing.journal import queries as journal
from ticketing.kernel.db import db, transaction
from ticketing.procedure.vocabulary import TicketStage
from ticketing.steps.dispatch.commands import ask_assistance, send_back


@pytest.mark.clause("2.1.3")
def test_an_asked_department_answers_also_while_the_ticket_is_sent_back(make, sign_in):
    ticket = make.ticket(TicketStage.DISPATCHED)
    with transaction():
        ask_assistance(
            ticket,
            version=ticket.version,
            department_id=make.world.departments["LAW"],
            question="请看合同",
            actor=make.user("office"),
        )
    with transaction():
        send_back(ticket, version=ticket.version, reason="不属本部门", actor=make.user("handler"))
    ticket_id, lawyer = ticket.id, sign_in("lawyer")
    page = lawyer.get(f"/tickets/{ticket_id}").get_data(as_text=True)
    assert f"/tickets/{ticket_id}/assist" in page
    data = {"once": token(), "reply": "违约金条款适用"}
    assert lawyer.post(f"/tickets/{ticket_id}/assist", data=data).status_code == 302
    ticket = db.session.get_one(Ticket, ticket_id)
    assert ticket.stage is TicketStage.REGISTERED
    assert ticket.assistances[0].reply == "违约金条款适用"


def test_sending_back_leads_to_the_work_list_also_the_second_time(make, sign_in):
    ticket = make.ticket(TicketStage.DISPATCHED)
    ticket_id, handler = ticket.id, sign_in("handler")
    address = f"/tickets/{ticket_id}/send-back"
    data = {"once": token(), "version": ticket.version, "reason": "不属本部门"}
    first = handler.post(address, data=data)
    assert (first.status_code, first.location) == (302, "/tickets/")
    assert f"{ticket.number} 已退回" in handler.get("/tickets/").get_data(as_text=True)
    again = handler.post(address, data=data)
    assert (again.status_code, again.location) == (302, "/")
    page = handler.get("/", follow_redirects=True)
    assert page.status_code == 200
    assert "已经办理过" in page.get_data(as_text=True)
    assert db.session.get_one(Ticket, ticket_id).return_count == 1
    assert [line.entry.act for line in journal.story("ticket", ticket_id)].count("return") == 1


def test_who_still_sees_what_he_sent_back_stays_with_it(make, sign_in):
    ticket = make.ticket(TicketStage.DISPATCHED)
    with transaction():
        ask_assistance(
            ticket,
            version=ticket.version,
            department_id=make.world.departments["ENG"],
            question="请看图纸",
            actor=make.user("office"),
        )
    with transaction():
        ticket.department_id = make.world.departments["ENG"]
        ticket.handler_id = make.world.users["engineer"]
    data = {"once": token(), "version": ticket.version, "reason": "不属本部门"}
    engineer = sign_in("engineer")
    first = engineer.post(f"/tickets/{ticket.id}/send-back", data=data)
    assert (first.status_code, first.location) == (302, f"/tickets/{ticket.id}")


@pytest.mark.parametrize("change", [{"reason": "别的原因"}, {"once": "never-used"}])
def test_only_a_repetition_finds_its_way_and_nothing_new_is_told(make, sign_in, change):
    ticket = make.ticket(TicketStage.DISPATCHED)
    handler, address = sign_in("handler"), f"/tickets/{ticket.id}/send-back"
    data = {"once": token(), "version": ticket.version, "reason": "不属本部门"}
    assert handler.post(address, data=data).status_code == 302
    assert handler.post(address, data=data | change).status_code == 404
    assert sign_in("seller").post(address, data=data).status_code == 404
    assert handler.get(address).status_code == 404
