"""A second look at a ticket part of which is repaired already: what was accepted is done again only as its rework."""

from datetime import timedelta

import pytest

from tests.pages.helpers import recorded
from tests.rooms.test_orders import a_and_b, redraft
from tests.support.repairs import Repairs
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.kernel.errors import Invalid
from ticketing.procedure.repairs import OrderClass, OrderStage, Side, SurveyStage
from ticketing.procedure.vocabulary import TicketStage
from ticketing.steps.site_survey import commands as surveying
from ticketing.steps.site_survey import signing
from ticketing.steps.site_survey.signing import Decision
from ticketing.steps.work_orders import queries


@pytest.fixture
def repairs(make) -> Repairs:
    return Repairs(make)


def called_again(make, ticket):
    """The parties are called to the flat once more."""
    with transaction():
        return surveying.resurvey(
            ticket,
            version=ticket.version,
            visit_at=clock.now() + timedelta(hours=1),
            team_id=make.world.teams["云栖苑维修队"],
            contractor_id=None,
            note="",
            reason="又渗水",
            actor=make.user("office"),
        )


def signed(repairs, survey):
    """Everybody who is asked signs."""
    for side in (Side.SERVICE, Side.ENGINEERING, Side.CAPTAIN, Side.CUSTOMER, Side.CONTRACTOR):
        if survey.stage is not SurveyStage.SIGNED:
            repairs.sign(survey, side)


def looked_again(make, repairs, ticket, decided):
    """A second look at a ticket under repair; the manager decides for the defects in their order."""
    second = called_again(make, ticket)
    repairs.record(second)
    signed(repairs, second)
    with transaction():
        signing.conclude(
            ticket,
            version=ticket.version,
            decisions={
                one.id: Decision(order_class, "复勘认定")
                for one, order_class in zip(second.findings, decided, strict=True)
            },
            actor=make.user("manager"),
        )
    return second


@pytest.mark.clause("3.5.3")
@pytest.mark.clause("3.5.4")
@pytest.mark.parametrize("again_as", [OrderClass.A, OrderClass.B])
def test_what_is_repaired_and_accepted_is_ordered_again_only_as_its_rework(
    make, repairs, sign_in, again_as
):
    ticket, first, second = a_and_b(make, repairs)
    repairs.bring(first, OrderStage.ACCEPTED)
    repairs.bring(second, OrderStage.CANCELLED)
    looked = looked_again(make, repairs, ticket, (again_as, OrderClass.B))
    mended, other = first.items[0].defect_id, second.items[0].defect_id
    for address in (f"/surveys/{looked.id}", f"/tickets/{ticket.id}"):
        page = sign_in("office").get(address).get_data(as_text=True)
        assert "已修复验收" in page, address
        assert first.number in page, address
    waiting = queries.to_order(ticket.id)
    assert {c: [one.defect_id for one in some] for c, some in waiting.items()} == {
        OrderClass.B: [other]
    }
    (again,) = queries.waiting(ticket).again
    assert (again.order.id, again.order_class, again.surveyed) == (first.id, again_as, True)
    assert [one.id for one in again.defects] == [mended]
    plain = {"order_class": again_as, "rework_of_id": None}
    with pytest.raises(Invalid, match=f"已由 {first.number} 修复验收") as refused:
        redraft(first, make, **plain)
    assert refused.value.field == "defect_ids"
    repairs.order_of(ticket, OrderStage.ACCEPTED)
    assert ticket.stage is TicketStage.REPAIRING  # the rework is still owed
    address = f"/tickets/{ticket.id}/orders/new?rework={first.id}&class={again_as.value}"
    page = sign_in("office").get(address).get_data(as_text=True)
    assert "已修复验收，复勘认定再修" in page
    assert f'value="{mended}"' in page
    assert f'value="{other}"' not in page
    third = redraft(first, make, order_class=again_as)
    assert (third.rework_of_id, third.survey_id) == (first.id, looked.id)
    assert [one.id for one in queries.choosable(third)] == [mended]
    assert queries.waiting(ticket).again == []
    assert [one.id for one in queries.chain_of(third)] == [first.id, third.id]
    repairs.bring(third, OrderStage.ACCEPTED)
    assert ticket.stage is TicketStage.CALLBACK


@pytest.mark.clause("3.5.4")
def test_what_a_second_look_finds_repaired_well_is_not_ordered_again(make, repairs, sign_in):
    ticket, first, second = a_and_b(make, repairs)
    repairs.bring(first, OrderStage.ACCEPTED)
    repairs.bring(second, OrderStage.CANCELLED)
    looked_again(make, repairs, ticket, (OrderClass.NONE, OrderClass.B))
    assert queries.waiting(ticket).again == []
    address = f"/tickets/{ticket.id}/orders/new?rework={first.id}"
    assert sign_in("office").get(address).status_code == 409
    repairs.order_of(ticket, OrderStage.ACCEPTED)
    assert ticket.stage is TicketStage.CALLBACK


@pytest.mark.clause("3.5.3")
def test_who_records_signs_and_concludes_a_second_look_sees_what_is_repaired(
    make, repairs, sign_in
):
    ticket, first, second = a_and_b(make, repairs)
    repairs.bring(first, OrderStage.ACCEPTED)
    repairs.bring(second, OrderStage.CANCELLED)
    looked = called_again(make, ticket)
    mark = f"已修复验收：{first.number}"
    office, manager = sign_in("office"), sign_in("manager")
    assert mark in office.get(f"/surveys/{looked.id}/record").get_data(as_text=True)
    repairs.record(looked)
    assert mark in office.get(f"/surveys/{looked.id}/sign").get_data(as_text=True)
    signed(repairs, looked)
    page = manager.get(f"/tickets/{ticket.id}/conclude").get_data(as_text=True)
    assert mark in page
    assert f"即为返修 {first.number}" in page
    assert page.count("已修复验收：") == 1


def recorded_paper(visitor, surveys):
    """The printed sheets of these surveys, and how many statements they cost."""
    address = "/surveys/print?" + "&".join(f"id={one.id}" for one in surveys)
    db.session.rollback()
    with recorded(db.engine) as asked:
        page = visitor.get(address).get_data(as_text=True)
    return page.split("<article")[1:], len(asked.statements)


@pytest.mark.clause("5.5")
def test_the_paper_of_a_second_look_says_what_is_repaired_blank_and_recorded_singly_and_in_a_pile(
    make, repairs, sign_in
):
    looks = []
    for _ in range(3):
        ticket, first, second = a_and_b(make, repairs)
        repairs.bring(first, OrderStage.ACCEPTED)
        repairs.bring(second, OrderStage.CANCELLED)
        looks.append((first, first.survey, called_again(make, ticket)))
    office = sign_in("office")
    for first, earlier, looked in looks:
        (blank,), _ = recorded_paper(office, [looked])
        assert blank.count("已修复验收：") == blank.count(f"已修复验收：{first.number}") == 1
        (before,), _ = recorded_paper(office, [earlier])
        assert "已修复验收" not in before, "a sheet does not speak of what it led to itself"
    repairs.record(looks[0][2])
    pile, few = recorded_paper(office, [one for look in looks[:2] for one in look[1:]])
    marks = [(f"已修复验收：{looks[0][0].number}", 1), (f"已修复验收：{looks[1][0].number}", 3)]
    assert [paper.count("已修复验收：") for paper in pile] == [0, 1, 0, 1]
    assert all(mark in pile[place] for mark, place in marks)
    _, many = recorded_paper(office, [one for look in looks for one in look[1:]])
    assert many == few
