"""Labour and material of a repair: noted on the spot, struck out when wrong, never lost (procedure 3.5.5)."""

import pytest
from sqlalchemy import func, select

from tests.pages.helpers import token
from tests.support.repairs import Repairs
from ticketing.journal import queries as journal
from ticketing.kernel.db import db, transaction
from ticketing.kernel.errors import Conflict, Invalid, NotPermitted
from ticketing.procedure.repairs import Inspector, OrderStage, UseKind
from ticketing.steps.acceptance import commands as acceptance
from ticketing.steps.work_orders import changing, uses
from ticketing.steps.work_orders.models import Use, WorkOrder


@pytest.fixture
def repairs(make) -> Repairs:
    return Repairs(make)


def noted(order, make, what="堵漏王", milli=3000):
    with transaction():
        return uses.note(
            order,
            kind=UseKind.MATERIAL,
            what=what,
            quantity_milli=milli,
            unit="袋",
            actor=make.user("captain"),
        )


def strike(order, make, use, actor="captain", reason="数量记错"):
    with transaction():
        return uses.strike(order, use_id=use.id, reason=reason, actor=make.user(actor))


@pytest.mark.parametrize("actor", ["captain", "office", "manager"])
def test_what_was_noted_wrongly_stays_with_who_struck_it_out_and_why(make, repairs, actor):
    order = repairs.order(OrderStage.ACKNOWLEDGED)
    wrong, right = noted(order, make, milli=30000), noted(order, make)
    strike(order, make, wrong, actor)
    assert wrong.struck_at is not None
    assert (wrong.struck_by_id, wrong.struck_reason) == (make.world.users[actor], "数量记错")
    assert wrong.quantity_milli == 30000
    assert db.session.scalar(select(func.count(Use.id))) == 2
    assert uses.to_strike(order) == [(right.id, "材料 堵漏王 3袋")]
    line = journal.story("order", order.id)[-1]
    assert (line.entry.act, line.facts["use"], line.facts["reason"]) == (
        "strike_use",
        "材料 堵漏王 30袋",
        "数量记错",
    )


def test_it_is_struck_out_once_with_a_reason_and_of_its_own_order_only(make, repairs):
    order = repairs.order(OrderStage.ACKNOWLEDGED)
    other = repairs.order(OrderStage.ACKNOWLEDGED, unit="YX 5-1-0101")
    first, second, foreign = noted(order, make), noted(order, make), noted(other, make)
    for facts, field in (({"reason": " "}, "reason"), ({"use": foreign}, "use_id")):
        with pytest.raises(Invalid) as refused:
            strike(order, make, **{"use": first, **facts})
        assert refused.value.field == field
        db.session.rollback()
    strike(order, make, first)
    with pytest.raises(Conflict, match="已经划去"):
        strike(order, make, first, "office", "重复")
    db.session.rollback()
    assert first.struck_reason == "数量记错"
    strike(order, make, second)
    with pytest.raises(Invalid, match="没有可以划去的工料"):
        strike(order, make, second)


def test_nothing_is_struck_out_of_an_order_that_has_ended(make, repairs):
    order = repairs.order(OrderStage.SELF_CHECKED)
    use = noted(order, make)
    with transaction():
        acceptance.inspect(
            order,
            version=order.version,
            inspected_for=Inspector.SERVICE,
            inspection="合格",
            actor=make.user("office"),
        )
    assert repairs.signed(order).stage is OrderStage.ACCEPTED
    for actor in ("captain", "office", "manager"):
        with pytest.raises(Conflict):
            strike(order, make, use, actor)
        db.session.rollback()
    assert use.struck_at is None


def test_a_captain_strikes_out_nothing_of_another_crew(make, repairs):
    order = repairs.order(OrderStage.ACKNOWLEDGED)
    use = noted(order, make)
    with transaction():
        order.team.captain_id = make.world.users["engineer"]
    with pytest.raises(NotPermitted):
        strike(order, make, use)


def test_the_captain_strikes_out_on_his_phone_and_sent_again_it_counts_once(make, repairs, sign_in):
    order = repairs.order(OrderStage.ACKNOWLEDGED)
    order_id, use_id = order.id, noted(order, make).id
    captain = sign_in("captain")
    captain.post(f"/my-orders/{order_id}/arrive", data={"once": token()})
    address = f"/my-orders/{order_id}"
    page = captain.get(address).get_data(as_text=True)
    assert "记错了，划去一笔" in page
    assert ">堵漏王</button>" in page
    empty = captain.post(f"{address}/strike-use", data={"once": token(), "use_id": use_id})
    assert empty.status_code == 422
    assert "请写明划去的原因。" in empty.get_data(as_text=True)
    sent = {"once": token(), "use_id": use_id, "reason": "记重了。"}
    answers = [captain.post(f"{address}/strike-use", data=sent) for _ in range(2)]
    assert [one.status_code for one in answers] == [302, 302]
    again = captain.post(f"{address}/strike-use", data=sent | {"once": token()})
    assert again.status_code == 422
    assert "没有可以划去的工料。" in again.get_data(as_text=True)
    page = captain.get(address).get_data(as_text=True)
    assert "老马划去：记重了。" in page
    assert "记错了，划去一笔" not in page
    assert ">堵漏王</button>" not in page, "what was struck out is not offered again"
    db.session.rollback()
    assert [line.entry.act for line in journal.story("order", order_id)].count("strike_use") == 1


def test_the_office_strikes_out_on_the_orders_page(make, repairs, sign_in):
    order = repairs.order(OrderStage.ACKNOWLEDGED)
    order_id, use_id = order.id, noted(order, make).id
    with transaction():
        order = db.session.get_one(WorkOrder, order_id)
        changing.transfer(
            order,
            version=order.version,
            contractor_id=make.world.contractors["海安机电"],
            reason="须更换立管",
            actor=make.user("office"),
        )
    office = sign_in("office")
    page = office.get(f"/orders/{order_id}").get_data(as_text=True)
    assert f"/orders/{order_id}/strike-use" in page
    form = office.get(f"/orders/{order_id}/strike-use").get_data(as_text=True)
    assert "材料 堵漏王 3袋" in form
    office.post(
        f"/orders/{order_id}/strike-use",
        data={"once": token(), "use_id": use_id, "reason": "记到别的单了"},
    )
    page = office.get(f"/orders/{order_id}").get_data(as_text=True)
    assert "陈静" in page
    assert "记到别的单了" in page
    assert f"/orders/{order_id}/strike-use" not in page


def test_a_captain_who_opens_his_order_at_the_desk_is_led_to_his_own_page(make, repairs, sign_in):
    order_id = repairs.order(OrderStage.ISSUED).id
    answer = sign_in("captain").get(f"/orders/{order_id}")
    assert (answer.status_code, answer.location) == (302, f"/my-orders/{order_id}")
    for name in ("office", "manager", "chief"):
        assert sign_in(name).get(f"/orders/{order_id}").status_code == 200
