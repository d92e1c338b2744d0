"""Work orders from the draft to the acceptance: time, hands, trades, rework, and what the clocks make of it."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from tests.pages.helpers import one_of_each_role
from tests.rooms.test_calendar_rows import close
from tests.rooms.test_clockwork import ring
from tests.support.orders import later
from tests.support.repairs import CRACK, LEAK, Repairs
from ticketing.casefile.attachments.models import Attachment
from ticketing.casefile.notices.models import Notice
from ticketing.casefile.timers.models import Clock, ClockEvent, ClockState, ConsentWay
from ticketing.journal import queries as journal
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.kernel.errors import Conflict, Invalid, NotPermitted
from ticketing.masters.contractors import commands as contractors
from ticketing.procedure.deadlines import ClockKind
from ticketing.procedure.repairs import (
    Cause,
    Inspector,
    OrderClass,
    OrderStage,
    Part,
    Phenomenon,
    Slot,
    Trade,
)
from ticketing.procedure.vocabulary import Role, Satisfaction, TicketStage
from ticketing.steps.acceptance import commands as acceptance
from ticketing.steps.callback.commands import call_back
from ticketing.steps.closing.commands import reopen
from ticketing.steps.work_orders import changing, queries
from ticketing.steps.work_orders import commands as orders
from ticketing.steps.work_orders.models import WorkOrder

D = date.fromisoformat
SECOND = CRACK._replace(part=LEAK.part)


@pytest.fixture
def repairs(make) -> Repairs:
    return Repairs(make)


def at(day: str, hour: int = 10):
    return clock.held(clock.at(D(day), hour))


def running(order):
    return db.session.scalars(
        select(Clock).where(Clock.order_id == order.id, Clock.state == ClockState.RUNNING)
    ).one_or_none()


def told(make, words):
    names = {user_id: name for name, user_id in make.world.users.items()}
    rows = db.session.scalars(select(Notice).where(Notice.title.contains(words)))
    return {names[row.user_id] for row in rows}


def extend(order, make, due_on, **facts):
    values = {
        "version": order.version,
        "due_on": due_on,
        "reason": "防水材料须订货",
        "consent_by": "王国强",
        "consent_at": clock.now(),
        "consent_way": ConsentWay.RECORDING,
        "evidence": "录音 8",
        "actor": make.user("office"),
        **facts,
    }
    with transaction():
        return changing.extend(order, **values)


def add_trade(order, make, trade=Trade.CIVIL, **facts):
    values = {
        "version": order.version,
        "part": Part.PLASTER,
        "phenomenon": Phenomenon.FALLING,
        "trade": trade,
        "place": "卫生间",
        "words": "",
        "reason": "拆开后须补抹灰",
        "actor": make.user("office"),
        **facts,
    }
    with transaction():
        return changing.add_trade(order, **values)


def reject(order, make, actor="office"):
    with transaction():
        return acceptance.reject(
            order, version=order.version, reason="仍有渗水", actor=make.user(actor)
        )


def check_again(order, make, repairs):
    with transaction():
        return orders.self_check(
            order, version=None, self_check="重做后合格", actor=make.user("captain")
        )


def unhappy(ticket, make):
    with transaction():
        return call_back(
            ticket,
            version=ticket.version,
            reached=True,
            satisfaction=Satisfaction.DISSATISFIED,
            opinion="又漏了",
            actor=make.user("clerk"),
        )


def redraft(order, make, **facts):
    values = {
        "order_class": order.order_class,
        "team_id": order.team_id,
        "defect_ids": [item.defect_id for item in order.items],
        "scope": "返修",
        "estimate_fen": 10_000,
        "rework_of_id": order.id,
        "actor": make.user("office"),
        **facts,
    }
    with transaction():
        return orders.draft(order.ticket, **values)


@pytest.mark.clause("3.4.5-单")
@pytest.mark.clause("3.4.5-多")
def test_a_second_trade_found_after_the_issue_gives_seven_working_days_from_the_issue_once(
    make, repairs
):
    with at("2026-03-02"):
        order = repairs.order(OrderStage.ISSUED)
        assert (order.due_on, order.trade_count) == (D("2026-03-05"), 1)
    with at("2026-03-04"):
        add_trade(order, make)
        assert (order.due_on, order.trade_count) == (D("2026-03-11"), 2)
        one = running(order)
        assert (one.due_on, one.original_due_on, one.trades) == (
            D("2026-03-11"),
            D("2026-03-05"),
            2,
        )
        db.session.refresh(order.ticket)
        assert (order.ticket.due_on, order.ticket.complaint_due_on) == (
            D("2026-03-11"),
            D("2026-03-11"),
        )
        add_trade(order, make, Trade.DECORATION)  # the third does not move it again
        assert (order.due_on, order.trade_count, len(order.items)) == (D("2026-03-11"), 3, 3)
        moved = select(ClockEvent.due_from, ClockEvent.due_on).where(ClockEvent.level == "trades")
        assert [tuple(row) for row in db.session.execute(moved)] == [
            (D("2026-03-05"), D("2026-03-11"))
        ]
    lines = [line for line in journal.story("order", order.id) if line.entry.act == "add_trade"]
    assert lines[0].facts["changed"]["due_on"] == ["2026-03-05", "2026-03-11"]
    assert lines[0].facts["estimate_fen"] == 80_000
    assert "due_on" not in lines[1].facts["changed"]


@pytest.mark.clause("3.4.5-多")
def test_a_passed_due_date_does_not_move_and_a_trade_is_added_only_once(make, repairs):
    with at("2026-03-02"):
        order = repairs.order(OrderStage.ISSUED)
    with at("2026-03-06"):
        add_trade(order, make)
        assert (order.due_on, order.trade_count) == (D("2026-03-05"), 2)
        with pytest.raises(Invalid) as refused:
            add_trade(order, make)
        assert refused.value.field == "trade"


def test_a_date_agreed_beyond_the_longer_limit_stays_when_a_trade_is_added(make, repairs):
    with at("2026-03-02"):
        order = repairs.order(OrderStage.ISSUED)
        extend(order, make, D("2026-03-13"))
        add_trade(order, make)
        assert order.due_on == D("2026-03-13")


@pytest.mark.clause("3.4.5-延")
def test_an_extension_needs_consent_given_before_and_keeps_the_first_date(make, repairs):
    with at("2026-03-02"):
        order = repairs.order(OrderStage.ACKNOWLEDGED)
        with transaction():
            changing.ask_extension(
                order, asked_until=D("2026-03-10"), asked_reason="订货", actor=make.user("captain")
            )
        assert told(make, "申请延期到 2026-03-10") == {"office", "office2"}
        for field, facts in {
            "reason": {"reason": " "},
            "consent_by": {"consent_by": ""},
            "evidence": {"evidence": ""},
            "consent_at": {"consent_at": clock.now() + timedelta(hours=1)},
            "due_on": {"due_on": D("2026-03-05")},
        }.items():
            with pytest.raises(Invalid) as refused:
                extend(order, make, **{"due_on": D("2026-03-10"), **facts})
            assert refused.value.field == field
        extend(order, make, D("2026-03-10"))
        assert (order.due_on, order.asked_until, order.asked_reason) == (D("2026-03-10"), None, "")
        assert running(order).original_due_on == D("2026-03-05")
        extend(order, make, D("2026-03-12"))
        with pytest.raises(Conflict, match="达到上限"):
            extend(order, make, D("2026-03-13"))
    with at("2026-03-02"):
        second = repairs.order(OrderStage.ISSUED, unit="YX 5-1-0101", caller_name="刘洋")
        with pytest.raises(Invalid, match="累计不能超过 15 个"):
            extend(second, make, D("2026-03-31"))
        with pytest.raises(Invalid, match="工作日"):
            extend(second, make, D("2026-03-07"))
    with at("2026-03-06"), pytest.raises(Conflict, match="已到，不能再延期"):
        extend(second, make, D("2026-03-10"))


@pytest.mark.clause("3.4.5-延")
def test_a_late_order_offers_no_extension_and_its_captain_cannot_ask_for_one(
    make, repairs, sign_in
):
    with at("2026-03-02"):
        late = repairs.order(OrderStage.ACKNOWLEDGED).id
    fresh = repairs.order(OrderStage.ACKNOWLEDGED, unit="YX 5-1-0101", caller_name="刘洋").id
    office, captain = sign_in("office"), sign_in("captain")
    for order_id, possible in ((late, False), (fresh, True)):
        page = office.get(f"/orders/{order_id}").get_data(as_text=True)
        assert (f'href="/orders/{order_id}/extend"' in page) is possible
        answer = office.get(f"/orders/{order_id}/extend")
        assert answer.status_code == (200 if possible else 409)
        assert ("时限已到，不能再延期" in answer.get_data(as_text=True)) is not possible
        phone = captain.get(f"/my-orders/{order_id}").get_data(as_text=True)
        assert ("申请延期" in phone) is possible
    with pytest.raises(Conflict, match="时限已到"), transaction():
        changing.ask_extension(
            db.session.get_one(WorkOrder, late),
            asked_until=later(9),
            asked_reason="订货",
            actor=make.user("captain"),
        )


@pytest.mark.clause("3.4.6")
def test_a_transfer_hands_the_clock_to_the_department_with_the_same_due_date(make, repairs):
    with at("2026-03-02"):
        order = repairs.order(OrderStage.ACKNOWLEDGED)
        assert running(order).handler_id == make.world.users["captain"]
    with at("2026-03-03"):
        with transaction():
            changing.transfer(
                order,
                version=order.version,
                contractor_id=make.world.contractors["海安机电"],
                reason="须更换立管",
                actor=make.user("office"),
            )
        one = running(order)
        assert (one.due_on, one.round) == (D("2026-03-05"), 1)
        assert (one.handler_id, one.department_id) == (
            make.world.users["handler"],
            make.world.departments["PM"],
        )
        assert "captain" in told(make, "已转海安机电")
        with pytest.raises(Conflict), transaction():
            orders.self_check(order, version=None, self_check="好", actor=make.user("captain"))
        repairs.pictured(order, by="engineer")
        with transaction():
            orders.self_check(
                order, version=None, self_check="厂家已换", actor=make.user("engineer")
            )
        assert running(order) is None
        with pytest.raises(NotPermitted, match="自检人"), transaction():
            acceptance.inspect(
                order,
                version=order.version,
                inspected_for=Inspector.ENGINEERING,
                inspection="合格",
                actor=make.user("engineer"),
            )
        db.session.rollback()
        reject(order, make)
        assert order.stage is OrderStage.TRANSFERRED
        assert running(order).handler_id == make.world.users["handler"]


@pytest.mark.clause("3.5.3")
def test_a_rejected_repair_goes_on_under_its_first_due_date(make, repairs):
    with at("2026-03-02"):
        order = repairs.order(OrderStage.ACKNOWLEDGED)
        extend(order, make, D("2026-03-10"))
    with at("2026-03-04"):
        repairs.pictured(order)
        check_again(order, make, repairs)
        assert running(order) is None
        repairs.signed(order)
    with at("2026-03-05"):
        reject(order, make)
        assert (order.stage, order.rejection_count) == (OrderStage.ACKNOWLEDGED, 1)
        assert (order.signed_at, order.signature_key, order.customer_name) == (None, "", "")
        one = running(order)
        assert (one.due_on, one.original_due_on, one.extensions, one.round) == (
            D("2026-03-10"),
            D("2026-03-05"),
            1,
            2,
        )
        assert clock.local(one.started_at).date() == D("2026-03-02")
        assert told(make, "验收不合格") == {"captain"}
    with at("2026-03-05", 11):
        repairs.pictured(order)
        check_again(order, make, repairs)
        with pytest.raises(Invalid, match="重新签"):
            repairs.signed(order, signature="nothing")


@pytest.mark.clause("3.5.3")
def test_after_a_rejection_the_finished_work_is_shown_anew(make, repairs):
    """What was filed before does not count again, nor the same picture once more."""
    with at("2026-03-02"):
        order = repairs.order(OrderStage.SELF_CHECKED)
    of_order = {"ticket_id": order.ticket_id, "order_id": order.id}
    old = db.session.scalars(select(Attachment).filter_by(order_id=order.id, slot=Slot.AFTER)).one()
    with at("2026-03-03"):
        reject(order, make)
        with pytest.raises(Invalid, match="重新拍完工照"):
            check_again(order, make, repairs)
        db.session.rollback()
        with transaction():
            repairs.picture(Slot.BEFORE, **of_order)
            repairs.picture(Slot.AFTER, **of_order).sha256 = old.sha256
            old.replaced_at = clock.now()
        with pytest.raises(Invalid, match="重新拍完工照"):
            check_again(order, make, repairs)
        db.session.rollback()
        with transaction():
            repairs.picture(Slot.AFTER, **of_order)
        assert check_again(order, make, repairs).stage is OrderStage.SELF_CHECKED
    with at("2026-03-04"):
        reject(order, make)
        with pytest.raises(Invalid, match="重新拍完工照"):
            check_again(order, make, repairs)


@pytest.mark.clause("3.4.6")
def test_a_contractors_rejected_work_is_shown_anew_too(make, repairs):
    with at("2026-03-02"):
        order = repairs.order(OrderStage.TRANSFERRED)
        repairs.pictured(order, by="engineer")

    def check():
        with transaction():
            orders.self_check(
                order, version=None, self_check="立管已换", actor=make.user("engineer")
            )

    with at("2026-03-03"):
        check()
        reject(order, make)
        with pytest.raises(Invalid, match="重新拍完工照"):
            check()
        db.session.rollback()
        repairs.pictured(order, by="engineer")
        check()
    assert order.stage is OrderStage.SELF_CHECKED


@pytest.mark.clause("3.5.3")
def test_acceptance_takes_an_inspection_and_the_customers_signature_or_his_refusal(make, repairs):
    order = repairs.order(OrderStage.SELF_CHECKED)
    repairs.signed(order)
    assert order.stage is OrderStage.SELF_CHECKED
    with pytest.raises(Invalid, match="已经签认"):
        repairs.signed(order)
    db.session.rollback()

    def inspect(actor="office", side=Inspector.PROPERTY, words="合格"):
        with transaction():
            return acceptance.inspect(
                order,
                version=order.version,
                inspected_for=side,
                inspection=words,
                actor=make.user(actor),
            )

    for facts, field in (
        ({"words": " "}, "inspection"),
        ({"side": Inspector.ENGINEERING}, "inspected_for"),
        ({"actor": "engineer"}, "inspected_for"),
    ):
        with pytest.raises(Invalid) as refused:
            inspect(**facts)
        assert refused.value.field == field
    with pytest.raises(NotPermitted):
        inspect("captain")
    db.session.rollback()
    inspect()
    assert order.stage is OrderStage.ACCEPTED
    assert order.ticket.stage is TicketStage.CALLBACK

    other = repairs.order(OrderStage.SELF_CHECKED, unit="YX 5-1-0101", caller_name="刘洋")
    refusal = {"refused": True, "signature": "", "satisfaction": None}
    for more, field in (
        ({"refusal_reason": "", "refusal_evidence": "录音"}, "refusal_reason"),
        ({"refusal_reason": "不肯签", "refusal_evidence": ""}, "refusal_evidence"),
    ):
        with pytest.raises(Invalid) as refused:
            repairs.signed(other, "office", **refusal, **more)
        assert refused.value.field == field
        db.session.rollback()
    repairs.signed(
        other, "office", **refusal, refusal_reason="不肯签", refusal_evidence="物业张师傅在场"
    )
    assert (other.customer_refused, other.signature_key) == (True, "")
    order = other
    inspect(side=Inspector.SERVICE)
    assert order.stage is OrderStage.ACCEPTED


def a_and_b(make, repairs):
    """A ticket under repair with one A and one B order, both drafted."""
    wear = CRACK._replace(part=Part.WET, trade=Trade.DECORATION)
    ticket = repairs.concluded(LEAK, wear)
    first, second = queries.to_order(ticket.id)[OrderClass.A]
    with transaction():
        second.decided, second.decided_why = OrderClass.B, "设计原因"
    drafted = []
    for order_class, finding in ((OrderClass.A, first), (OrderClass.B, second)):
        with transaction():
            drafted.append(
                orders.draft(
                    ticket,
                    order_class=order_class,
                    team_id=make.world.teams["云栖苑维修队"],
                    defect_ids=[finding.defect_id],
                    scope=f"{order_class.value}类维修",
                    estimate_fen=80_000,
                    actor=make.user("office"),
                )
            )
    return ticket, *drafted


@pytest.mark.clause("3.5.1")
@pytest.mark.clause("3.5.4")
def test_a_ticket_with_an_a_and_a_b_order_is_called_back_when_the_last_is_accepted(make, repairs):
    ticket, first, second = a_and_b(make, repairs)
    assert (first.number[8:9], second.number[8:9]) == ("A", "B")
    assert queries.to_order(ticket.id) == {}
    repairs.bring(first, OrderStage.ACCEPTED)
    assert ticket.stage is TicketStage.REPAIRING
    issue = select(Clock.state).where(
        Clock.ticket_id == ticket.id, Clock.kind == ClockKind.ORDER_ISSUE
    )
    assert db.session.scalars(issue).all() == [ClockState.RUNNING]
    repairs.bring(second, OrderStage.ACCEPTED)
    assert ticket.stage is TicketStage.CALLBACK
    assert db.session.scalars(issue).all() == [ClockState.MET]
    assert first.number in ticket.resolution
    assert second.number in ticket.resolution


def test_an_order_holds_findings_of_one_class_that_wait_and_nothing_else(make, repairs):
    ticket, first, second = a_and_b(make, repairs)
    own, foreign = first.items[0].defect_id, second.items[0].defect_id
    for chosen in ([], [own], [foreign], [own, foreign], [999_999]):
        with pytest.raises(Invalid) as refused, transaction():
            orders.draft(
                ticket,
                order_class=OrderClass.A,
                team_id=first.team_id,
                defect_ids=chosen,
                scope="x",
                estimate_fen=1,
                actor=make.user("office"),
            )
        assert refused.value.field == "defect_ids"
    with pytest.raises(Invalid), transaction():
        orders.amend(
            first,
            version=first.version,
            team_id=first.team_id,
            defect_ids=[own, foreign],
            scope="x",
            estimate_fen=1,
            actor=make.user("office"),
        )


def test_a_cancelled_order_lets_its_defects_wait_again_and_the_clock_start_anew(make, repairs):
    order = repairs.order(OrderStage.ISSUED)
    ticket, manager = order.ticket, make.user("manager")
    with transaction():
        changing.cancel(order, version=order.version, reason="队伍不够", actor=manager)
    assert ticket.stage is TicketStage.REPAIRING
    assert len(queries.to_order(ticket.id)[OrderClass.A]) == 1
    states = db.session.execute(
        select(Clock.kind, Clock.state, Clock.round)
        .where(
            Clock.ticket_id == ticket.id, Clock.kind.in_((ClockKind.ORDER_ISSUE, ClockKind.REPAIR))
        )
        .order_by(Clock.id)
    ).all()
    assert [tuple(row) for row in states] == [
        (ClockKind.ORDER_ISSUE, ClockState.MET, 1),
        (ClockKind.REPAIR, ClockState.CANCELLED, 1),
        (ClockKind.ORDER_ISSUE, ClockState.RUNNING, 2),
    ]
    assert told(make, "已作废") == {"captain"}
    again = repairs.order_of(ticket, OrderStage.ACCEPTED)
    assert again.ticket.stage is TicketStage.CALLBACK
    assert order.number not in ticket.resolution


@pytest.mark.clause("3.5.4")
def test_rework_is_drafted_for_the_order_that_did_not_hold_and_counted_as_a_chain(make, repairs):
    first = repairs.order(OrderStage.ACCEPTED)
    ticket = first.ticket
    with pytest.raises(Conflict):
        redraft(first, make)
    unhappy(ticket, make)
    assert [one.order.id for one in queries.waiting(ticket).again] == [first.id]
    with pytest.raises(Invalid):
        redraft(first, make, order_class=OrderClass.B)
    second = redraft(first, make)
    assert queries.waiting(ticket).again == []
    with pytest.raises(Invalid):
        redraft(first, make)  # one is under way
    repairs.bring(second, OrderStage.ACCEPTED)
    assert ticket.stage is TicketStage.CALLBACK
    unhappy(ticket, make)
    third = redraft(second, make)
    with transaction():
        changing.cancel(third, version=third.version, reason="重拟", actor=make.user("manager"))
    assert ticket.stage is TicketStage.REPAIRING  # nothing has been repaired in this round
    fourth = redraft(second, make)
    repairs.bring(fourth, OrderStage.ACCEPTED)
    assert ticket.stage is TicketStage.CALLBACK
    chain = [one.id for one in queries.chain_of(fourth)]
    assert chain == [first.id, second.id, third.id, fourth.id]


def test_a_reopened_ticket_is_done_only_when_something_new_is_accepted(make, repairs):
    first = repairs.order(OrderStage.ACCEPTED)
    ticket = first.ticket
    with transaction():
        call_back(
            ticket,
            version=ticket.version,
            reached=True,
            satisfaction=Satisfaction.SATISFIED,
            opinion="",
            actor=make.user("clerk"),
        )
    with transaction():
        reopen(ticket, version=ticket.version, reason="一个月后又漏", actor=make.user("office"))
    assert ticket.stage is TicketStage.REPAIRING
    again = redraft(first, make)
    repairs.bring(again, OrderStage.ACCEPTED)
    assert ticket.stage is TicketStage.CALLBACK


def test_another_team_takes_an_issued_order_over_with_its_due_date(make, repairs):
    captain = make.user(one_of_each_role(make)[Role.CAPTAIN])
    with transaction():
        other = contractors.save_team(
            None,
            name="二队",
            captain_id=captain.id,
            community_ids=[make.world.communities["YX"]],
            active=True,
            actor=None,
        )
        away = contractors.save_team(
            None,
            name="莲花里队",
            captain_id=captain.id,
            community_ids=[make.world.communities["LH"]],
            active=True,
            actor=None,
        )
    order = repairs.order(OrderStage.ACKNOWLEDGED)
    due_on = order.due_on

    def plan(team_id, **facts):
        with transaction():
            return orders.plan(
                order,
                **{
                    "version": order.version,
                    "team_id": team_id,
                    "visit_on": later(1),
                    "visit_note": "",
                    "actor": make.user("office"),
                    **facts,
                },
            )

    with pytest.raises(Invalid, match="不在这个小区"):
        plan(away.id)
    with pytest.raises(Invalid, match="不能早于今天"):
        plan(order.team_id, visit_on=clock.today() - timedelta(days=1))
    plan(order.team_id)
    assert order.stage is OrderStage.ACKNOWLEDGED
    plan(other.id)
    assert (order.stage, order.due_on, order.crew) == (OrderStage.ISSUED, due_on, [])
    assert running(order).handler_id == captain.id
    assert "captain" in told(make, "已改派其他维修队")


def test_an_act_makes_the_next_version_even_where_no_column_changes(make, repairs):
    order = repairs.order(OrderStage.ISSUED)
    version = order.version
    for n in (1, 2):
        with transaction():
            orders.plan(
                order,
                version=order.version,
                team_id=order.team_id,
                visit_on=None,
                visit_note="",
                actor=make.user("office"),
            )
        assert order.version == version + n


@pytest.mark.clause("3.4.5")
def test_a_changed_calendar_moves_order_and_ticket_with_their_clocks(make, repairs):
    with at("2026-03-02"):
        ticket, first, _second = a_and_b(make, repairs)
        repairs.bring(first, OrderStage.ISSUED)
        waiting = repairs.concluded(unit="YX 5-1-0101", caller_name="刘洋")
        extended = repairs.order(OrderStage.ISSUED, unit="YX 3-1-1203", caller_name="李秀英")
        extend(extended, make, D("2026-03-06"))
        traded = repairs.order(OrderStage.ISSUED, unit="YX 3-2-0501", caller_name="张伟")
        add_trade(traded, make)
        assert (first.due_on, ticket.due_on) == (D("2026-03-05"), D("2026-03-03"))
        versions = [order.version for order in (first, extended, traded)]
        for day in ("2026-03-04", "2026-03-05"):
            close(make, D(day))
        db.session.expire_all()
        assert first.due_on == D("2026-03-09")
        assert (ticket.due_on, ticket.complaint_due_on) == (D("2026-03-03"), D("2026-03-09"))
        assert waiting.due_on == D("2026-03-03")
        assert extended.due_on == D("2026-03-06")
        assert (traded.due_on, running(traded).original_due_on) == (
            D("2026-03-13"),
            D("2026-03-05"),
        )
        assert [order.version for order in (first, extended, traded)] == versions
        for order in (first, extended, traded):
            assert order.due_on == running(order).due_on
            db.session.refresh(order.ticket)
        assert extended.ticket.due_on == D("2026-03-06")
        line = journal.story("order", first.id)[-1]
        assert line.facts["changed"]["due_on"][1] == "2026-03-09"


@pytest.mark.clause("3.4.5")
def test_the_bells_of_a_repair_reach_its_captain_and_lead_to_the_order(make, repairs, sign_in):
    with at("2026-03-02"):
        order = repairs.order(OrderStage.ISSUED)
    assert ring(clock.at(D("2026-03-05"), 9)) >= 1
    bells = db.session.scalars(
        select(Notice).where(Notice.event.like(f"clock:{running(order).id}:%"))
    ).all()
    assert {(one.user_id, one.path) for one in bells} == {
        (make.world.users["captain"], f"/orders/{order.id}")
    }
    assert order.number in bells[0].title
    number, scope, order_id = order.number, order.scope, order.id
    page = sign_in("manager").get("/board/?kind=repair").get_data(as_text=True)
    assert f'href="/orders/{order_id}"' in page
    assert number in page
    assert scope in page
    led = sign_in("captain").get(f"/orders/{order_id}", follow_redirects=True)
    assert led.request.path == f"/my-orders/{order_id}"


def test_the_clock_of_the_issue_is_the_desks_own(make, repairs):
    with at("2026-03-02"):
        ticket = repairs.concluded()
        one = db.session.scalars(
            select(Clock).where(Clock.ticket_id == ticket.id, Clock.kind == ClockKind.ORDER_ISSUE)
        ).one()
        assert (one.handler_id, one.department_id) == (None, None)
    ring(clock.at(D("2026-03-03"), 17, 30))
    heard = db.session.scalars(select(Notice.user_id).where(Notice.event.like(f"clock:{one.id}:%")))
    assert set(heard) == {make.world.users[name] for name in ("office", "office2", "manager")}


def test_a_signature_of_another_order_or_from_before_the_rejection_does_not_count(make, repairs):
    with at("2026-03-02"):
        order = repairs.order(OrderStage.SELF_CHECKED)
        other = repairs.order(OrderStage.SELF_CHECKED, unit="YX 5-1-0101", caller_name="刘洋")
        with transaction():
            old = repairs.picture(Slot.SIGNATURE, ticket_id=order.ticket_id, order_id=order.id).key
            foreign = repairs.picture(
                Slot.SIGNATURE, ticket_id=other.ticket_id, order_id=other.id
            ).key
        reject(order, make)
    with at("2026-03-03"):
        repairs.pictured(order)
        check_again(order, make, repairs)
        for key in (old, foreign, "", "x"):
            with pytest.raises(Invalid) as refused:
                repairs.signed(order, signature=key)
            assert refused.value.field == "signature"
            db.session.rollback()
        repairs.signed(order)
        assert order.signed_at is not None


def test_causes_beyond_the_contractor_are_ordered_as_b(make, repairs):
    order = repairs.order(OrderStage.DRAFT, cause=Cause.DESIGN)
    assert order.order_class is OrderClass.B
