"""Pages of the estate: each opens for those it is for, and only for the homes of their communities."""

import pytest

PAGES = (
    "/estate/",
    "/estate/?q=王",
    "/estate/communities/{community}",
    "/estate/buildings/{building}",
    "/estate/units/{unit}",
    "/estate/units/{unit}/dates",
    "/estate/units/{unit}/residents/new?q=138",
    "/estate/customers/{customer}",
    "/estate/customers/{customer}/edit",
    "/estate/stays/{stay}/move-out",
    "/estate/imports/",
    "/estate/imports/template.xlsx",
)


@pytest.fixture
def ids(app, world):
    from ticketing.kernel.db import db
    from ticketing.masters.estate.models import Residency, Unit

    unit_id = world.units["YX 3-1-1202"]
    with app.app_context():
        return {
            "community": world.communities["YX"],
            "unit": unit_id,
            "building": db.session.get_one(Unit, unit_id).building_id,
            "customer": world.customers["王国强"],
            "stay": db.session.query(Residency).filter_by(unit_id=unit_id).one().id,
        }


def test_every_page_opens_for_the_clerk_of_the_community(ids, sign_in):
    clerk = sign_in("clerk")
    for page in PAGES:
        assert clerk.get(page.format(**ids)).status_code == 200, page
