"""Every page: no serious accessibility fault, no sideways scrolling, in light and dark, at both widths."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.conftest import Engine
from tests.support.make import Maker
from ticketing.kernel.db import db
from ticketing.procedure.vocabulary import TicketStage

pytestmark = pytest.mark.browser

PAGES = {
    "office2": (
        "/tickets/",
        "/tickets/?all=1",
        "/tickets/?q=漏水",
        "/board/",
        "/board/?band=later&kind=complaint",
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
