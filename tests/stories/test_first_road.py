"""The first road, told at the client: from the call to the closed ticket."""

import pytest

from ticketing.casefile.tickets.models import Ticket
from ticketing.kernel.db import db
from ticketing.procedure.vocabulary import TicketStage


@pytest.mark.clause("3.4.3")
@pytest.mark.clause("3.4.2")
@pytest.mark.clause("3.4.2.1")
@pytest.mark.clause("3.5.4")
def test_a_complaint_goes_from_the_call_to_the_closed_ticket(app, world, sign_in):
    clerk, office, handler = sign_in("clerk"), sign_in("office"), sign_in("handler")
    answer = clerk.post(
        "/intake",
        data={
            "once": "a",
            "unit_id": world.units["YX 3-1-1202"],
            "caller_name": "王国强",
            "caller_phone": "138 0000 1202",
            "channel": "phone",
            "relation": "owner",
            "received_at": "2026-11-20T09:05",
            "content": "卫生间天花板漏水。",
        },
    )
    assert answer.status_code == 302
    with app.app_context():
        ticket = db.session.query(Ticket).one()
        ticket_id = ticket.id
        assert ticket.number.startswith("YX-")
        assert ticket.stage is TicketStage.REGISTERED
    for client, path, data in (
        (
            office,
            "dispatch",
            {"category": "ENG", "grade": "general", "department_id": world.departments["PM"]},
        ),
        (handler, "feed-back", {"action_taken": "已约业主明早上门。"}),
        (handler, "resolve", {"resolution": "已更换接头。"}),
        (clerk, "call-back", {"reached": "yes", "satisfaction": "satisfied"}),
    ):
        with app.app_context():
            version = db.session.get_one(Ticket, ticket_id).version
        page = client.get(f"/tickets/{ticket_id}/{path}")
        assert page.status_code == 200
        answer = client.post(
            f"/tickets/{ticket_id}/{path}", data={"once": path, "version": version, **data}
        )
        assert answer.status_code == 302, answer.get_data(as_text=True)
    for client in (clerk, office, handler):
        assert client.get(f"/tickets/{ticket_id}").status_code == 200
        assert client.get("/tickets/").status_code == 200
    assert clerk.get(f"/tickets/{ticket_id}/print").status_code == 200
    assert clerk.get("/tickets/?q=漏水").get_data(as_text=True).count("YX-") >= 1
    assert clerk.get("/tickets/register.xlsx?all=1").status_code == 200
    with app.app_context():
        ticket = db.session.get_one(Ticket, ticket_id)
        assert ticket.stage is TicketStage.CLOSED
        assert ticket.handler.name == "周工"
