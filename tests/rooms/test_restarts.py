"""The warranty of a repaired part: begins anew from its acceptance where the house has agreed so, else never."""

from datetime import date, timedelta

import pytest

from tests.pages.helpers import recorded
from tests.rooms.test_parameters import confirmed
from tests.support.repairs import CRACK, LEAK, Repairs
from ticketing.casefile.defects import queries
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.masters.estate.models import Community, Unit
from ticketing.masters.workcalendar import queries as workcalendar
from ticketing.procedure.parameters import STANDARD
from ticketing.procedure.repairs import OrderClass, OrderStage, Part, Trade
from ticketing.procedure.workdays import add_months
from ticketing.steps.work_orders.models import WorkOrder

ON = STANDARD._replace(restart_after_repair=1)


@pytest.fixture
def repairs(make) -> Repairs:
    return Repairs(make)


def judged(repairs, *broken, days=1, **facts):
    """A defect reported some days from now, with its warranty."""
    ticket = repairs.ticket(*broken, **facts)
    with transaction():
        ticket.received_at = clock.now() + timedelta(days=days)
    (one,) = queries.judge(ticket, queries.of_ticket(ticket.id))
    return one.cover


def again(start: date, months: int = 60) -> date:
    return add_months(start, months, workcalendar.snapshot()).on


@pytest.mark.clause("3.4.6")
@pytest.mark.parametrize(
    ("on", "order_class", "owner", "contractor"),
    [
        (False, OrderClass.A, False, False),
        (False, OrderClass.B, False, False),
        (True, OrderClass.A, True, True),
        (True, OrderClass.B, True, False),
    ],
)
def test_a_repaired_part_begins_anew_only_where_agreed_and_the_contractor_only_for_his_own(
    make, repairs, on, order_class, owner, contractor
):
    if on:
        confirmed(make, ON)
    order = repairs.order(OrderStage.ACCEPTED)
    with transaction():
        order.order_class = order_class
    day = clock.local(order.accepted_at).date()
    cover = judged(repairs, LEAK)
    words = f"；{day} 修复验收后重新起算 5 年，至 {again(day)}"
    assert cover.owner.until == (again(day) if owner else date(2029, 3, 8))
    assert cover.contractor.until == (again(day) if contractor else date(2028, 12, 20))
    for line, restarted in zip(
        queries.warranty.arithmetic(cover), (owner, contractor), strict=True
    ):
        assert (words in line) is restarted
        assert "5 年，至 20" in line, "what counted before stands first"


def test_what_is_not_the_same_part_home_or_time_does_not_begin_anew(make, repairs):
    confirmed(make, ON)
    order = repairs.order(OrderStage.ACCEPTED)
    defect = order.items[0].defect
    plain = date(2029, 3, 8)
    assert judged(repairs, LEAK).owner.until != plain
    assert judged(repairs, LEAK, days=-30).owner.until == plain, "reported before the acceptance"
    assert judged(repairs, CRACK).owner.before is None, "another part"
    other = judged(repairs, LEAK._replace(trade=Trade.CIVIL))
    assert other.owner.before is not None
    assert other.contractor.before is None, "another trade's contractor did not repair it"
    with transaction():
        defect.ticket.unit_id = None
    assert judged(repairs, LEAK).owner.until == plain, "a common area of the same part"
    with transaction():
        defect.ticket.unit_id = make.world.units["YX 3-1-1202"]
        order.items[0].dropped_at = clock.now()
    assert judged(repairs, LEAK).owner.until == plain, "taken off the order again"


@pytest.mark.clause("3.4.6")
@pytest.mark.parametrize(
    ("repaired_at", "place", "restarted"),
    [
        ("北门车行道", "北门车行道", True),
        ("北门车行道", "南门车行道", False),
        ("北门车行道", "", False),
        ("", "", False),
    ],
)
def test_a_common_area_begins_anew_only_at_the_place_that_was_repaired(
    make, repairs, repaired_at, place, restarted
):
    confirmed(make, ON)
    road = LEAK._replace(part=Part.ROAD, trade=Trade.CIVIL)
    with transaction():
        community = db.session.get_one(Community, make.world.communities["YX"])
        community.handed_over_on = clock.today() - timedelta(days=30)
    order = repairs.order(OrderStage.ACCEPTED)
    with transaction():
        defect = order.items[0].defect
        defect.part, defect.place = Part.ROAD, repaired_at
    cover = judged(repairs, road._replace(place=place))
    assert cover.common_area
    assert (cover.owner.before is not None) is restarted


def test_only_what_was_accepted_while_the_parameter_was_on_begins_anew(make, repairs):
    confirmed(make, ON, in_days=3)
    order = repairs.order(OrderStage.ACCEPTED)
    assert judged(repairs, LEAK, days=10).owner.before is None
    with transaction():
        order.accepted_at += timedelta(days=4)
    assert judged(repairs, LEAK, days=10).owner.before is not None


def test_intake_says_it_as_of_the_day_and_the_number_of_statements_stays(make, repairs, sign_in):
    confirmed(make, ON)
    order = repairs.order(OrderStage.ACCEPTED)
    day, unit = clock.local(order.accepted_at).date(), make.world.units["YX 3-1-1202"]
    clerk = sign_in("clerk")

    def asked(**more):
        db.session.rollback()
        with recorded(db.engine) as counted:
            page = clerk.get(
                "/intake/warranty", query_string={"unit": unit, "item": "WET_WP.", **more}
            )
        return page.get_data(as_text=True), len(counted.statements)

    page, few = asked(received=f"{day + timedelta(days=1)}T09:05")
    assert f"{day} 修复验收后重新起算" in page
    assert "修复验收后" not in asked(received=f"{day - timedelta(days=1)}T09:05")[0]
    repairs.order(OrderStage.ACCEPTED)
    assert db.session.query(WorkOrder).count() == 2
    assert asked()[1] == few


def test_an_order_of_a_deemed_home_says_both(make, repairs):
    confirmed(make, ON)
    with transaction():
        db.session.get_one(Unit, make.world.units["YX 3-1-1202"]).deemed_delivered = True
    repairs.order(OrderStage.ACCEPTED)
    line = queries.warranty.arithmetic(judged(repairs, LEAK))[0]
    assert line.startswith("对业主：2024-03-08 视为交付，防渗漏")
    assert line.count("修复验收后重新起算") == 1
    assert judged(repairs, LEAK).part is Part.WET
