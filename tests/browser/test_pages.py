"""Every page: no serious accessibility fault, no sideways scrolling, in light and dark, at both widths."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.conftest import Engine
from tests.pages.helpers import GAPS, MEETING, WORDS, made_major
from tests.support.make import Maker
from ticketing.casefile.tickets.models import Ticket
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.oversight.escalation.models import Assignment, Minutes
from ticketing.procedure.vocabulary import SpecialStage, TicketStage

pytestmark = pytest.mark.browser

PAGES = {
    "office2": (
        "/tickets/",
        "/tickets/?all=1",
        "/tickets/?q=漏水",
        "/tickets/{closed}",
        "/tickets/{handling}",
        "/tickets/{registered}/dispatch",
        "/tickets/{registered}/correct",
        "/tickets/{handling}/transfer",
        "/tickets/{handling}/ask-assistance",
        "/tickets/{callback}/call-back",
        "/tickets/{handling}/merge",
        "/tickets/{handling}/again",
        "/tickets/{closed}/print",
        "/tickets/999999",
        "/intake",
        "/intake?unit={unit}&customer={customer}",
        "/estate/",
        "/estate/communities/{community}",
        "/estate/units/{unit}",
        "/estate/customers/{customer}",
        "/estate/imports/",
        "/reports/",
        "/account",
    ),
    "gm": (
        "/major/",
        "/tickets/{major}",
        "/tickets/{major}/direct",
        "/tickets/{major}/special/instruct",
        "/tickets/{major}/settle-grade",
        "/tickets/{bare}",
    ),
    "manager": (
        "/tickets/{major}",
        "/tickets/{major}/minutes",
        "/tickets/{major}/minutes?meeting=1",
        "/tickets/{major}/minutes/1",
        "/tickets/{major}/special/paper",
        "/tickets/{major}/regrade",
        "/tickets/{bare}/special",
        "/tickets/{bare}/resolve",
    ),
    "admin": (
        "/people/",
        "/people/new",
        "/people/1",
        "/people/departments/1",
        "/audit/",
    ),
}
SERIOUS = ("serious", "critical")


@pytest.fixture
def places(sqlite: Engine, address: str) -> dict[str, int]:
    """Ids to fill into the addresses."""
    with sqlite.app.app_context():
        make = Maker(sqlite.world)
        ids = {
            stage.value: make.ticket(stage).id
            for stage in (
                TicketStage.REGISTERED,
                TicketStage.HANDLING,
                TicketStage.CALLBACK,
                TicketStage.CLOSED,
            )
        }
        for name, special in (("major", SpecialStage.SUBMITTED), ("bare", None)):
            ticket = make.ticket(TicketStage.HANDLING)
            ids[name] = ticket.id
            made_major(make, ticket, special)
        with transaction():
            ticket = db.session.get_one(Ticket, ids["bare"])
            ticket.directed_at = ticket.minuted_at = None
            db.session.add(
                Minutes(
                    ticket_id=ids["major"],
                    meeting=1,
                    edition=1,
                    at=clock.now(),
                    by_id=make.world.users["manager"],
                    held_at=clock.now(),
                    assignments=[Assignment(matter="整栋复查", person="吴工")],
                    **{name: text for name, text in MEETING.items() if name in WORDS},
                    **dict.fromkeys(GAPS, ""),
                )
            )
        db.session.remove()
    world = sqlite.world
    return {
        **ids,
        "unit": world.units["YX 3-1-1202"],
        "customer": world.customers["王国强"],
        "community": world.communities["YX"],
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("username", list(PAGES))
def test_every_page_is_accessible_and_fits(
    open_as: Callable[..., Page],
    places: dict[str, int],
    username: str,
    size: str,
    scheme: str,
) -> None:
    page = open_as(username, size, scheme)
    faults = []
    for address in PAGES[username]:
        page.goto(address.format(**places))
        sideways = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if sideways > 0:
            faults.append(f"{address}: {sideways} px too wide")
        for violation in Axe().run(page).response["violations"]:
            if violation["impact"] in SERIOUS:
                nodes = "; ".join(node["html"][:120] for node in violation["nodes"][:3])
                faults.append(f"{address}: {violation['id']}: {nodes}")
    assert faults == []
