"""Who sees a caller's number: row 3 of the access matrix, on page, paper, list, workbook and story."""

import io
import zipfile

import pytest

from ticketing.casefile.tickets.paper import may_see_all_phones
from ticketing.kernel.db import transaction
from ticketing.masters.people import commands as people
from ticketing.procedure.vocabulary import Role, TicketStage
from ticketing.steps.intake.commands import amend

PHONE, NEW_PHONE = "13812341234", "13899998888"
WHOLE = {"clerk", "office", "manager", "deputy_gm", "gm"}
OWN = {"handler"}
MASKED = {"auditor", "chief", "reader"}


def workbook(answer):
    with zipfile.ZipFile(io.BytesIO(answer.data)) as book:
        return "".join(
            book.read(name).decode() for name in book.namelist() if name.startswith("xl/")
        )


def changed_phone(make, stage):
    """A ticket whose caller's number was put right, so that old and new stand in its story."""
    ticket = make.ticket(stage, caller_phone=PHONE)
    with transaction():
        amend(ticket, reason="号码有误", **make.entry(ticket, "office", caller_phone=NEW_PHONE))
    return ticket


@pytest.mark.parametrize("username", sorted(WHOLE | OWN | MASKED))
def test_a_number_is_whole_only_for_those_who_dial_it(make, sign_in, username):
    ticket_id = changed_phone(make, TicketStage.HANDLING).id
    client, whole = sign_in(username), username in WHOLE | OWN
    for address in (f"/tickets/{ticket_id}", f"/tickets/{ticket_id}/print"):
        page = client.get(address).get_data(as_text=True)
        assert (NEW_PHONE in page) is whole, address
        assert "138****8888" in page or whole, address
        if not whole:
            assert PHONE not in page
    listing = client.get("/tickets/?all=1").get_data(as_text=True)
    assert NEW_PHONE not in listing
    assert "138****8888" in listing
    export = client.get("/tickets/register.xlsx?all=1")
    if username == "reader":
        assert export.status_code == 403
    else:
        assert (NEW_PHONE in workbook(export)) is (username in WHOLE)


def test_a_department_sees_the_number_only_while_the_ticket_is_its_own_and_open(make, sign_in):
    closed, asked = make.ticket(TicketStage.CLOSED, caller_phone=PHONE), None
    from ticketing.steps.dispatch.commands import ask_assistance

    asked = make.ticket(TicketStage.HANDLING, caller_phone=PHONE, department="ENG")
    with transaction():
        ask_assistance(
            asked,
            version=asked.version,
            department_id=make.world.departments["PM"],
            question="请协助",
            actor=make.user("office"),
        )
    ids = closed.id, asked.id
    handler, engineer = sign_in("handler"), sign_in("engineer")
    for ticket_id in ids:
        for address in (f"/tickets/{ticket_id}", f"/tickets/{ticket_id}/print"):
            answer = handler.get(address)
            assert answer.status_code == 200
            assert PHONE not in answer.get_data(as_text=True), address
    assert PHONE in engineer.get(f"/tickets/{ids[1]}").get_data(as_text=True)


def test_the_audit_page_masks_numbers_and_spares_the_administrator_the_words(make, sign_in):
    changed_phone(make, TicketStage.DISPATCHED)
    for username, whole, words in (
        ("gm", True, True),
        ("auditor", False, True),
        ("admin", False, False),
    ):
        page = sign_in(username).get("/audit/").get_data(as_text=True)
        assert (NEW_PHONE in page) is whole, username
        assert ("号码有误" in page) is words, username


def test_two_roles_of_one_person_do_not_add_up_to_a_foreign_number(make, sign_in):
    """A clerk of YX who is also an auditor reads LH tickets, but not the numbers of its callers."""
    with transaction():
        people.set_roles(make.user("clerk"), roles=[Role.CLERK, Role.AUDITOR], actor=None)
    far = make.registered("LH 2-1-0302", actor="far_clerk", caller_phone=PHONE).id
    own = make.registered(caller_phone=NEW_PHONE).id
    assert not may_see_all_phones(make.scope("clerk"))
    client = sign_in("clerk")
    assert PHONE not in client.get(f"/tickets/{far}").get_data(as_text=True)
    assert NEW_PHONE in client.get(f"/tickets/{own}").get_data(as_text=True)
    assert PHONE not in workbook(client.get("/tickets/register.xlsx?all=1"))
