"""How many statements a page costs: an exact number, the same with one row and with forty."""

from tests.pages.helpers import recorded, token
from tests.support.prices import Prices
from ticketing.kernel.db import db, transaction
from ticketing.procedure.vocabulary import TicketStage
from ticketing.steps.handling.commands import follow_up

PAGES = {
    "list": ("manager", "/tickets/"),
    "list with closed ones": ("manager", "/tickets/?all=1"),
    "search": ("manager", "/tickets/?q=漏水"),
    "clerk's list": ("clerk", "/tickets/"),
    "handler's list": ("handler", "/tickets/"),
    "ticket": ("manager", "/tickets/{ticket}"),
    "paper": ("manager", "/tickets/{ticket}/print"),
    "intake form": ("clerk", "/intake"),
    "intake form of a home": ("clerk", "/intake?unit={unit}&customer={customer}"),
    "lookup": ("clerk", "/intake/callers?q=138"),
    "beside": ("clerk", "/intake/beside?unit={unit}&customer={customer}&phone=13800001202"),
    "dispatch form": ("manager", "/tickets/{new}/dispatch"),
    "follow-up form": ("handler", "/tickets/{ticket}/follow-up"),
    "home": ("clerk", "/"),
    "audit": ("auditor", "/audit/"),
    "people": ("admin", "/people/"),
    "board": ("manager", "/board/"),
    "clerk's board": ("clerk", "/board/?band=later&kind=complaint"),
    "handler's board": ("handler", "/board/"),
    "board's workbook": ("manager", "/board/clocks.xlsx"),
    "workbook": ("manager", "/tickets/register.xlsx?all=1"),
    "inbox": ("manager", "/notices/"),
    "outlets": ("admin", "/notices/outlets/"),
    "contractors": ("manager", "/contractors/"),
    "warranty": ("manager", "/contractors/warranty"),
    "prices": ("manager", "/contractors/contracts/{contract}/prices/"),
    "a version of prices": ("manager", "/contractors/contracts/{contract}/prices/{prices}"),
    "warranty at intake": ("clerk", "/intake/warranty?unit={unit}&item=WET_WP.civil&item=ELEC."),
    "likely defects": ("clerk", "/intake/likely?content=漏水"),
}
COUNTS = {
    "list": 8,
    "list with closed ones": 8,
    "search": 8,
    "clerk's list": 5,
    "handler's list": 5,
    "ticket": 13,
    "paper": 6,
    "intake form": 4,
    "intake form of a home": 13,
    "lookup": 2,
    "beside": 7,
    "dispatch form": 5,
    "follow-up form": 3,
    "home": 1,
    "audit": 3,
    "people": 8,
    "board": 7,
    "clerk's board": 7,
    "handler's board": 7,
    "board's workbook": 7,
    "workbook": 6,
    "inbox": 3,
    "outlets": 6,
    "contractors": 9,
    "warranty": 3,
    "prices": 7,
    "a version of prices": 8,
    "warranty at intake": 5,
    "likely defects": 1,
}


def more(make, count):
    """Tell `count` tickets, with notes on one of them."""
    for n in range(count):
        make.ticket((TicketStage.REGISTERED, TicketStage.HANDLING)[n % 2])


def measure(make, sign_in, ids):
    found = {}
    clients = {}
    for page, (username, address) in PAGES.items():
        client = clients.get(username) or clients.setdefault(username, sign_in(username))
        db.session.rollback()
        with recorded(db.engine) as recorder:
            answer = client.get(address.format(**ids))
        assert answer.status_code in (200, 302), page
        found[page] = len(recorder.statements)
    return found


def test_a_page_costs_the_same_with_one_row_and_with_forty(make, sign_in):
    new, ticket = make.registered(), make.ticket(TicketStage.HANDLING)
    prices = Prices(make).in_force()
    ids = {
        "contract": prices.contract_id,
        "prices": prices.id,
        "new": new.id,
        "ticket": ticket.id,
        "unit": make.world.units["YX 3-1-1202"],
        "customer": make.world.customers["王国强"],
    }
    few = measure(make, sign_in, ids)
    more(make, 38)
    with transaction():
        for n in range(10):
            follow_up(
                ticket,
                action_taken=f"第 {n} 次上门",
                action_needed="",
                next_on=None,
                actor=make.user(("handler", "clerk", "manager")[n % 3]),
            )
    many = measure(make, sign_in, ids)
    assert many == few
    assert few == COUNTS


def test_no_page_asks_more_than_a_dozen_times_beside_the_bell():
    assert max(COUNTS.values()) <= 15


def test_saving_a_new_ticket_asks_for_nothing_twice(make, sign_in):
    clerk = sign_in("clerk")
    make.registered("YX 5-1-0101", caller_phone="13900000101")
    db.session.rollback()
    with recorded(db.engine) as recorder:
        answer = clerk.post(
            "/intake",
            data={
                "once": token(),
                "unit_id": make.world.units["YX 3-1-1202"],
                "caller_name": "王国强",
                "caller_phone": "13800001202",
                "channel": "phone",
                "relation": "owner",
                "received_at": "2026-11-20T09:05",
                "content": "卫生间漏水",
            },
        )
    assert answer.status_code == 302
    assert len(recorder.writes) == 10
    assert len(recorder.statements) == 15
