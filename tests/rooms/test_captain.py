"""我的派工: the captain's day and his order's page, through the client (procedure 3.5.2, 3.5.3)."""

import json
from datetime import timedelta

import pytest

from tests.pages.helpers import recorded, token
from tests.support.repairs import CRACK, LEAK, Repairs
from tests.support.world import PASSWORD
from ticketing.casefile.notices.models import Notice
from ticketing.journal.models import JournalEntry
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.masters.contractors import commands as contractors
from ticketing.masters.people import commands as people
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import OrderStage, Slot
from ticketing.procedure.vocabulary import Role, Satisfaction, TicketStage
from ticketing.steps.acceptance import commands as acceptance
from ticketing.steps.acceptance.commands import Inspector
from ticketing.steps.work_orders import commands as orders
from ticketing.steps.work_orders.crew import Next, next_of
from ticketing.steps.work_orders.models import Use, WorkOrder

PHONE = "13800001202"


@pytest.fixture
def repairs(make) -> Repairs:
    return Repairs(make)


def reread(order_id: int) -> WorkOrder:
    db.session.rollback()
    return db.session.get_one(WorkOrder, order_id, populate_existing=True)


def post(client, order_id: int, act: str, **typed):
    return client.post(f"/my-orders/{order_id}/{act}", data={"once": token(), **typed})


def page_of(client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return answer.get_data(as_text=True)


def another_captain(make) -> None:
    """A second captain in the same community, with a team of his own."""
    with transaction():
        make.world.users["captain2"] = people.create_user(
            username="captain2",
            name="老牛",
            password=PASSWORD,
            department_id=make.world.departments["PM"],
            community_ids=[make.world.communities["YX"]],
            roles=[Role.CAPTAIN],
            actor=None,
        ).id
        contractors.save_team(
            None,
            name="二队",
            captain_id=make.world.users["captain2"],
            community_ids=[make.world.communities["YX"]],
            active=True,
            actor=None,
        )


@pytest.mark.clause("3.5.2")
@pytest.mark.clause("3.5.3")
def test_a_captain_takes_an_order_from_the_receipt_to_the_signature(make, repairs, sign_in):
    order_id = repairs.order(OrderStage.ISSUED).id
    captain = sign_in("captain")
    page = page_of(captain, f"/my-orders/{order_id}")
    assert f'href="tel:{PHONE}"' in page
    assert "阿强（水电）" in page
    worker = make.world.workers["阿强"]
    answer = post(captain, order_id, "acknowledge", worker_ids=worker, visit_on="")
    assert answer.location == f"/my-orders/{order_id}#step"
    post(captain, order_id, "arrive")
    order = reread(order_id)
    assert [one.worker.name for one in order.crew] == ["阿强"]
    assert order.arrived_at is not None
    answer = post(captain, order_id, "self-check", self_check="好了")
    assert answer.status_code == 422
    assert "自检前须有修前照片和完工照片。" in answer.get_data(as_text=True)
    repairs.pictured(reread(order_id))
    assert "自检完工" in page_of(captain, f"/my-orders/{order_id}")
    typed = {"kind": "material", "what": "防水涂料", "quantity_milli": "2.5", "unit": "公斤"}
    assert post(captain, order_id, "use", **typed).location.endswith("#uses")
    post(captain, order_id, "self-check", self_check="闭水试验无渗漏。")
    assert reread(order_id).stage is OrderStage.SELF_CHECKED
    with transaction():
        key = repairs.picture(
            Slot.SIGNATURE, ticket_id=reread(order_id).ticket_id, order_id=order_id, by="captain"
        ).key
    signed = {"customer_name": "王国强", "satisfaction": "very_satisfied", "signature": key}
    post(captain, order_id, "sign", **signed)
    order = reread(order_id)
    assert (order.customer_satisfaction, order.signature_key) == (
        Satisfaction.VERY_SATISFIED,
        key,
    )
    use = db.session.query(Use).one()
    assert (use.what, use.quantity_milli, use.unit) == ("防水涂料", 2500, "公斤")
    assert "已完工，等竣工检查" in page_of(captain, f"/my-orders/{order_id}")


def test_the_first_screen_of_a_captain_is_his_orders(sign_in):
    captain = sign_in("captain")
    assert captain.get("/").location == "/my-orders"
    page = page_of(captain, "/my-orders")
    assert "今天没有派工。" in page
    assert "通知" in page


def test_the_notice_of_an_order_leads_a_captain_to_his_page(make, repairs):
    order = repairs.order(OrderStage.ISSUED)
    notices = db.session.query(Notice).filter_by(user_id=make.world.users["captain"])
    assert f"/my-orders/{order.id}" in {one.path for one in notices}
    others = db.session.query(Notice).filter(Notice.user_id != make.world.users["captain"])
    assert not any(one.path.startswith("/my-orders") for one in others)


@pytest.mark.clause("3.5.2")
def test_todays_visits_come_first_by_building_and_then_what_waits(make, repairs, sign_in):
    today = clock.today()
    far, near = (
        repairs.order(OrderStage.ACKNOWLEDGED, unit=unit) for unit in ("YX 5-1-0101", "YX 3-2-0501")
    )
    with transaction():
        for order in (far, near):
            orders.plan(
                order,
                version=order.version,
                team_id=order.team_id,
                visit_on=today,
                visit_note="上午",
                actor=make.user("office"),
            )
    repairs.order(OrderStage.ISSUED)
    repairs.order(OrderStage.ACKNOWLEDGED, unit="YX 3-1-1203")
    repairs.order(OrderStage.SELF_CHECKED, unit="HT 1-1-0801")
    page = page_of(sign_in("captain"), "/my-orders")
    words = ("今日上门", "3栋", "3-2-0501", "5栋", "5-1-0101", "待签收", "3-1-1202", "未约上门")
    places = [page.index(word) for word in (*words, "3-1-1203", "待客户签字", "1-1-0801")]
    assert places == sorted(places)


def test_surveys_of_today_stand_in_the_captains_day(make, repairs, sign_in):
    from ticketing.procedure.repairs import SurveyStage

    with clock.held(clock.at(clock.today(), 9)):
        survey = repairs.survey(SurveyStage.SCHEDULED)
    assert f'href="/surveys/{survey.id}"' in page_of(sign_in("captain"), "/my-orders")


def test_an_order_is_not_there_before_it_is_issued_nor_for_another_captain(make, repairs, sign_in):
    another_captain(make)
    issued = repairs.order(OrderStage.ISSUED).id
    hidden = [repairs.order(OrderStage.APPROVED).id, repairs.order(OrderStage.DRAFT).id]
    captain, other = sign_in("captain"), sign_in("captain2")
    assert captain.get(f"/my-orders/{issued}").status_code == 200
    for client, order_id in ((other, issued), (captain, hidden[0]), (captain, hidden[1])):
        assert client.get(f"/my-orders/{order_id}").status_code == 404
        for act in ("acknowledge", "arrive", "use", "self-check", "sign", "refuse", "extension"):
            assert post(client, order_id, act).status_code == 404
    assert "3-1-1202" not in page_of(other, "/my-orders")
    assert sign_in("office").get("/my-orders").status_code == 403
    assert sign_in("office").get(f"/my-orders/{issued}").status_code == 403


@pytest.mark.parametrize("stage", [OrderStage.ACCEPTED, OrderStage.TRANSFERRED])
def test_when_an_order_is_no_longer_his_the_captain_sees_no_phone_number(repairs, sign_in, stage):
    order_id = repairs.order(stage).id
    captain = sign_in("captain")
    page = page_of(captain, f"/my-orders/{order_id}")
    assert PHONE not in page
    assert "tel:" not in page
    assert PHONE not in page_of(captain, "/my-orders")


@pytest.mark.clause("3.5.3")
def test_a_post_that_comes_twice_counts_once(repairs, sign_in):
    order = repairs.order(OrderStage.ACKNOWLEDGED)
    order_id = order.id
    repairs.pictured(order)
    captain = sign_in("captain")
    for act, typed in (
        ("arrive", {}),
        ("use", {"kind": "labour", "what": "瓦工", "quantity_milli": "1", "unit": "工日"}),
        ("self-check", {"self_check": "好了"}),
    ):
        once = token()
        answers = [
            captain.post(
                f"/my-orders/{order_id}/{act}",
                data={"once": once, "device_at": f"2026-11-20T0{n}:00:00.000Z", **typed},
            )
            for n in (1, 2)
        ]
        assert [one.status_code for one in answers] == [302, 302], act
    told = [
        entry.act
        for entry in db.session.query(JournalEntry).filter_by(subject="order", subject_id=order_id)
    ]
    for act in (Act.ARRIVE_ORDER, Act.NOTE_USE, Act.SELF_CHECK):
        assert told.count(act.value) == 1


def test_the_journal_keeps_the_time_of_the_phone_beside_its_own(repairs, sign_in):
    order_id = repairs.order(OrderStage.ACKNOWLEDGED).id
    captain = sign_in("captain")
    post(captain, order_id, "arrive", device_at="2026-11-20T01:05:12.345Z")
    for nonsense in ("yesterday", "2026-11-20T09:05:12", "9999-99-99"):
        typed = {"kind": "labour", "what": nonsense, "quantity_milli": "1", "unit": "工日"}
        assert post(captain, order_id, "use", device_at=nonsense, **typed).status_code == 302
    entries = db.session.query(JournalEntry).filter_by(subject="order", subject_id=order_id)
    facts = {entry.act: json.loads(entry.facts) for entry in entries.order_by(JournalEntry.id)}
    assert facts[Act.ARRIVE_ORDER.value]["device_at"] == "2026-11-20 09:05:12"
    assert "device_at" not in facts[Act.NOTE_USE.value]


def test_wrong_input_on_the_phone_is_answered_at_its_field_with_the_typing_kept(repairs, sign_in):
    order_id = repairs.order(OrderStage.SELF_CHECKED).id
    captain = sign_in("captain")
    for act, typed, sentence in (
        ("use", {"kind": "labour", "what": "瓦工", "unit": "工日"}, "请填写数量。"),
        ("use", {"kind": "labour", "what": "瓦工", "unit": "工日", "quantity_milli": "0"}, "请填写大于零的数量。"),
        ("use", {"quantity_milli": "两个", "what": "瓦工"}, "请填写数字，最多三位小数"),
        ("use", {"kind": "gold", "what": "瓦工"}, "选项无效，请重新选择。"),
        ("sign", {"customer_name": "瓦工"}, "请选择客户意见。"),
        ("sign", {"customer_name": "瓦工", "satisfaction": "neutral"}, "请客户签名"),
        ("sign", {"customer_name": "瓦工", "satisfaction": "neutral", "signature": "x"}, "没有找到签名"),
        ("sign", {"customer_name": " ", "opinion": "瓦工"}, "请填写签认人姓名。"),
        ("refuse", {"customer_name": "瓦工", "refusal_evidence": "x"}, "请写明客户拒签的原因。"),
        ("refuse", {"customer_name": "瓦工", "refusal_reason": "x"}, "请写明凭证"),
    ):  # fmt: skip
        answer = post(captain, order_id, act, **typed)
        page = answer.get_data(as_text=True)
        assert answer.status_code == 422, (act, typed)
        assert sentence in page, (act, typed)
        assert "瓦工" in page, (act, typed)
        assert captain.get(f"/my-orders/{order_id}/{act}").status_code == 200


def test_an_act_whose_time_is_over_is_a_conflict_and_shows_the_page_as_it_stands(repairs, sign_in):
    order_id = repairs.order(OrderStage.SELF_CHECKED).id
    answer = post(sign_in("captain"), order_id, "self-check", self_check="再检一次")
    assert answer.status_code == 409
    page = answer.get_data(as_text=True)
    assert "派工单现为“已自检”，不能办理“自检完工”。" in page
    assert "客户签字" in page


@pytest.mark.clause("3.5.3")
def test_a_refusal_is_recorded_with_its_reason_and_ends_the_order_after_the_inspection(
    make, repairs, sign_in
):
    order = repairs.order(OrderStage.SELF_CHECKED)
    order_id = order.id
    with transaction():
        acceptance.inspect(
            order,
            version=order.version,
            inspected_for=Inspector.SERVICE,
            inspection="合格",
            actor=make.user("office"),
        )
    typed = {
        "customer_name": "王国强",
        "refusal_reason": "要求赔偿后再签",
        "refusal_evidence": "物业小李在场",
    }
    captain = sign_in("captain")
    assert post(captain, order_id, "refuse", **typed).status_code == 302
    order = reread(order_id)
    assert (order.stage, order.customer_refused) == (OrderStage.ACCEPTED, True)
    assert order.ticket.stage is TicketStage.CALLBACK
    assert "王国强 未签字：要求赔偿后再签" in page_of(captain, f"/my-orders/{order_id}")


@pytest.mark.clause("3.4.5-延")
def test_the_captain_asks_for_more_time_and_sees_that_he_did(repairs, sign_in):
    order = repairs.order(OrderStage.ACKNOWLEDGED)
    order_id, due_on = order.id, order.due_on
    captain = sign_in("captain")
    early = post(captain, order_id, "extension", asked_until=due_on, asked_reason="等配件")
    assert early.status_code == 422
    assert "须晚于现时限" in early.get_data(as_text=True)
    later = due_on.replace(year=due_on.year + 1)
    post(captain, order_id, "extension", asked_until=later, asked_reason="等配件")
    assert f"已申请延到 {later}" in page_of(captain, f"/my-orders/{order_id}")


def test_work_sent_back_says_why(make, repairs, sign_in):
    with clock.held(clock.now() - timedelta(hours=1)):
        order = repairs.order(OrderStage.SELF_CHECKED)
    order_id = order.id
    with transaction():
        acceptance.reject(
            order, version=order.version, reason="墙角仍有水迹", actor=make.user("office")
        )
    page = page_of(sign_in("captain"), f"/my-orders/{order_id}")
    assert "墙角仍有水迹" in page
    assert "返做之后请重新拍" in page
    assert "自检完工" not in page
    with transaction():
        repairs.picture(Slot.AFTER, ticket_id=reread(order_id).ticket_id, order_id=order_id)
    assert "自检完工" in page_of(sign_in("captain"), f"/my-orders/{order_id}")


def test_what_was_used_before_is_offered_again(repairs, sign_in):
    first, second = (repairs.order(OrderStage.ACKNOWLEDGED, unit=unit).id for unit in ("YX 3-1-1202", "YX 5-1-0101"))  # fmt: skip
    captain = sign_in("captain")
    typed = {"kind": "material", "what": "堵漏王", "quantity_milli": "3", "unit": "袋"}
    for order_id in (first, second):
        post(captain, order_id, "arrive")
    post(captain, first, "use", **typed)
    page = page_of(captain, f"/my-orders/{second}")
    assert ">堵漏王</button>" in page


def test_the_captains_pages_cost_the_same_with_one_order_and_with_many(repairs, sign_in):
    order_id = repairs.order(OrderStage.ACKNOWLEDGED).id
    captain = sign_in("captain")
    post(captain, order_id, "arrive")
    typed = {"kind": "labour", "what": "瓦工", "quantity_milli": "1", "unit": "工日"}

    def costs() -> list[int]:
        found = []
        for address in ("/my-orders", f"/my-orders/{order_id}"):
            db.session.rollback()
            with recorded(db.engine) as recorder:
                page_of(captain, address)
            found.append(len(recorder.statements))
        return found

    post(captain, order_id, "use", **typed)
    few = costs()
    for unit in ("YX 3-1-1203", "YX 3-2-0501", "HT 1-1-0801"):
        repairs.order(OrderStage.ISSUED, LEAK, CRACK._replace(part=LEAK.part), unit=unit)
        post(captain, order_id, "use", **{**typed, "what": f"{unit}的料"})
        repairs.pictured(reread(order_id))
    assert costs() == few
    assert few == [7, 10]


def test_every_stage_has_its_one_next_step(repairs):
    before, both = frozenset({Slot.BEFORE}), frozenset({Slot.BEFORE, Slot.AFTER})
    order = repairs.order(OrderStage.ACKNOWLEDGED)
    assert next_of(order, frozenset()) is Next.ARRIVE
    with transaction():
        orders.arrive(order, actor=repairs.make.user("captain"))
    steps = [next_of(order, slots) for slots in (frozenset(), before, both)]
    assert steps == [Next.BEFORE, Next.AFTER, Next.CHECK]
    for stage, step in (
        (OrderStage.ISSUED, Next.ACKNOWLEDGE),
        (OrderStage.SELF_CHECKED, Next.SIGN),
        (OrderStage.ACCEPTED, Next.NOTHING),
        (OrderStage.TRANSFERRED, Next.NOTHING),
    ):
        assert next_of(repairs.order(stage, LEAK, CRACK._replace(part=LEAK.part)), both) is step
