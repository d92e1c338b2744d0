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
