"""The repair road from the appointment to the callback, through the commands (procedure 3.4.5, 3.5)."""

import pytest

from tests.support.repairs import CRACK, LEAK, Repairs
from ticketing.casefile.timers.models import Clock, ClockState
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.procedure.deadlines import ClockKind
from ticketing.procedure.repairs import OrderClass, OrderStage, SurveyStage
from ticketing.procedure.vocabulary import Satisfaction, TicketStage
from ticketing.steps.callback.commands import call_back
from ticketing.steps.work_orders import commands as orders
from ticketing.steps.work_orders import queries as order_queries


@pytest.fixture
def repairs(make) -> Repairs:
    return Repairs(make)


def clocks(ticket_id: int) -> dict[ClockKind, ClockState]:
    rows = db.session.query(Clock).where(Clock.ticket_id == ticket_id).order_by(Clock.id)
    return {row.kind: row.state for row in rows}


@pytest.mark.clause("3.4.5")
@pytest.mark.clause("3.5.3")
def test_a_repair_goes_from_the_survey_to_the_callback(make, repairs):
    order = repairs.order(OrderStage.ACCEPTED)
    ticket = order.ticket
    assert (order.order_class, ticket.stage) == (OrderClass.A, TicketStage.CALLBACK)
    assert order.number.startswith(f"YX-{clock.today().year}-A")
    kept = clocks(ticket.id)
    assert kept[ClockKind.COMPLAINT] is ClockState.CANCELLED
    for kind in (ClockKind.SITE_SURVEY, ClockKind.ORDER_ISSUE, ClockKind.REPAIR):
        assert kept[kind] is ClockState.MET
    assert kept[ClockKind.CALLBACK] is ClockState.RUNNING


@pytest.mark.clause("3.4.5-单")
@pytest.mark.clause("3.4.5-多")
def test_one_trade_has_three_working_days_and_two_have_seven(make, repairs):
    one = repairs.order(OrderStage.ISSUED)
    two = repairs.order(OrderStage.ISSUED, LEAK, CRACK._replace(part=LEAK.part))
    assert (one.trade_count, two.trade_count) == (1, 2)
    assert one.due_on < two.due_on
    assert two.ticket.due_on == two.due_on


@pytest.mark.clause("3.5.4")
def test_a_customer_not_content_sends_the_repair_back_for_rework(make, repairs):
    order = repairs.order(OrderStage.ACCEPTED)
    ticket = order.ticket
    with transaction():
        call_back(
            ticket,
            version=ticket.version,
            reached=True,
            satisfaction=Satisfaction.DISSATISFIED,
            opinion="又漏了",
            actor=make.user("clerk"),
        )
    assert ticket.stage is TicketStage.REPAIRING
    with transaction():
        again = orders.draft(
            ticket,
            order_class=order.order_class,
            team_id=order.team_id,
            defect_ids=[item.defect_id for item in order.items],
            scope="返修",
            estimate_fen=10_000,
            rework_of_id=order.id,
            actor=make.user("office"),
        )
    assert again.is_rework
    repairs.bring(again, OrderStage.ACCEPTED)
    assert ticket.stage is TicketStage.CALLBACK
    assert len(order_queries.accepted_of(ticket.id)) == 2


def test_every_stage_of_survey_and_order_can_be_reached(make, repairs):
    for stage in (SurveyStage.SCHEDULED, SurveyStage.RECORDED, SurveyStage.SIGNED):
        assert repairs.survey(stage).stage is stage
    for stage in OrderStage:
        assert repairs.order(stage).stage is stage
