"""Every page: no serious accessibility fault, no sideways scrolling, in light and dark, at both widths."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page
from sqlalchemy import select

from tests.browser.soundness import faults_at
from tests.conftest import Engine
from tests.pages.helpers import GAPS, MEETING, WORDS, made_major
from tests.support.make import Maker
from tests.support.repairs import CRACK, LEAK, Repairs
from ticketing.casefile.notices.commands import Message, tell
from ticketing.casefile.notices.models import (
    ROBOT_KINDS,
    Delivery,
    DeliveryState,
    NoticeKind,
    Outlet,
    Robot,
)
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
        "/estate/twins",
        "/reports/",
        "/account",
        "/notices/",
        "/notices/choices",
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
        "/tickets/{broken}",
        "/tickets/{broken}/amend",
        "/contractors/",
        "/contractors/1",
        "/contractors/contracts/1",
        "/contractors/teams/1",
        "/contractors/teams/1/workers/new",
        "/contractors/warranty",
        "/contractors/warranty/new",
    ),
    "admin": (
        "/people/",
        "/people/new",
        "/people/1",
        "/people/departments/1",
        "/calendar/",
        "/calendar/?year=2027",
        "/calendar/adopt",
        "/calendar/closures",
        "/audit/",
        "/notices/outlets/",
        "/notices/outlets/robots/new",
        "/notices/outlets/robots/1",
    ),
}


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
        ids["broken"] = Repairs(make).ticket(LEAK, CRACK).id
        _notices(make)
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


def _notices(make: Maker) -> None:
    """Full inboxes, a robot, deliveries that wait, went out and failed."""
    readers = tuple(make.world.users[name] for name in PAGES)
    address = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=693a91f6-7abc"
    kinds = " ".join(kind.value for kind in ROBOT_KINDS)
    with transaction():
        for name in PAGES:
            make.user(name).email = f"{name}@example.com"
        db.session.add(
            Robot(name="客服群", outlet=Outlet.WECOM, address=address, kinds=kinds, active=True)
        )
    with transaction():
        tell(
            [
                Message(readers, kind, kind.value, f"{kind.label}：地下车库进水", "请处理。", "/")
                for kind in NoticeKind
            ],
            at=clock.now(),
        )
        found = list(db.session.scalars(select(Delivery)))
        for one, state in zip(found, list(DeliveryState) * 9, strict=False):
            one.state = state
            one.sent_at = one.at if state is DeliveryState.SENT else None
            one.error = "收件人被拒绝（550 no such mailbox）。" if one.sent_at is None else ""


@pytest.mark.parametrize("username", list(PAGES))
def test_every_page_is_accessible_and_fits(
    open_as: Callable[..., Page], places: dict[str, int], username: str
) -> None:
    """Each page at both widths: in light at one of them, in dark at the other."""
    page = open_as(username)
    found = []
    for address in PAGES[username]:
        found += faults_at(page, address.format(**places))
    assert found == []
