"""Which papers of a repair an engineer reaches: where he is posted, and what is his department's; nothing else (trust: row 2)."""

import pytest
from sqlalchemy import select

from tests.support.repairs import Repairs
from ticketing.casefile.tickets import telling
from ticketing.kernel.db import db, transaction
from ticketing.procedure.repairs import OrderStage, Slot
from ticketing.steps.site_survey import queries as surveys
from ticketing.steps.site_survey.models import SiteSurvey
from ticketing.steps.work_orders import lists
from ticketing.steps.work_orders import queries as orders
from ticketing.steps.work_orders.models import WorkOrder

ENGINEERS = {
    "here": (("YX",), False),
    "elsewhere": (("LH",), False),
    "nowhere": ((), False),
    "everywhere": ((), True),
}


@pytest.fixture
def order(make) -> WorkOrder:
    """An order in YX of a ticket of another department, with a picture."""
    for username, (places, everywhere) in ENGINEERS.items():
        make.engineer(username, *places, everywhere=everywhere)
    repairs = Repairs(make)
    order = repairs.order(OrderStage.ACKNOWLEDGED)
    with transaction():
        repairs.picture(Slot.BEFORE, ticket_id=order.ticket_id, order_id=order.id, by="captain")
    return order


@pytest.mark.parametrize(
    ("username", "reaches"),
    [("here", True), ("elsewhere", False), ("nowhere", False), ("everywhere", True)],
)
def test_an_engineer_reaches_the_papers_of_the_communities_he_is_posted_to(
    make, order, sign_in, username, reaches
):
    scope = make.scope(username)
    for model, visible in ((SiteSurvey, surveys.visible), (WorkOrder, orders.visible)):
        found = db.session.scalars(select(model.id).where(visible(scope))).all()
        assert bool(found) is reaches, model
    assert (lists.counts(scope).open > 0) is reaches
    addresses = [f"/orders/{order.id}", f"/surveys/{order.survey_id}"]
    number = order.number
    client = sign_in(username)
    for address in addresses:
        assert (client.get(address).status_code == 200) is reaches, address
    assert (number in client.get("/orders/").get_data(as_text=True)) is reaches
    builders = client.get("/contractors/").get_data(as_text=True)
    assert ("海安机电" in builders) is reaches, "what is true of papers is true of builders"


def test_what_is_his_departments_an_engineer_reaches_wherever_it_is(make, order, sign_in):
    with transaction():
        order.ticket.department_id = make.world.departments["ENG"]
    addresses = [f"/orders/{order.id}", f"/surveys/{order.survey_id}"]
    told = set(telling.engineers_of(order.ticket))
    assert {make.world.users[name] for name in ENGINEERS} <= told
    for username in ENGINEERS:
        client = sign_in(username)
        assert [client.get(address).status_code for address in addresses] == [200, 200], username


def test_only_engineers_who_see_a_repair_are_told_of_it(make, order):
    told = set(telling.engineers_of(order.ticket))
    assert told == {make.world.users[name] for name in ("engineer", "here", "everywhere")}
