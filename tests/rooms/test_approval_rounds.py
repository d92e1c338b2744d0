"""Rounds of approval: what is summed, where it is returned to, emergency first, approval again (3.6.1)."""

from datetime import timedelta

import pytest
from flask_migrate import downgrade, upgrade
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from tests.pages.helpers import token
from tests.rooms.test_order_approval import (
    CE,
    CM,
    DG,
    GM,
    NAMES,
    agree,
    chain,
    parallel,
    second_account,
    submit,
)
from tests.rooms.test_parameters import confirmed
from tests.support.repairs import LEAK, Repairs
from ticketing.casefile.notices.models import Notice
from ticketing.casefile.timers.models import Clock, ClockState
from ticketing.journal import queries as journal
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.kernel.errors import Conflict, Invalid, NotPermitted
from ticketing.masters.workcalendar.queries import calendar
from ticketing.oversight.clockwork.commands import ring
from ticketing.procedure.deadlines import ClockKind
from ticketing.procedure.parameters import STANDARD
from ticketing.procedure.repairs import ApprovalOutcome, OrderStage, Phenomenon, Slot, Verdict
from ticketing.procedure.workdays import add_working_days
from ticketing.steps.work_orders import (
    approving,
    changing,
    emergency,
    queries,
    supplements,
    turns,
)
from ticketing.steps.work_orders import commands as orders
from ticketing.steps.work_orders.models import ApprovalRound, WorkOrder


@pytest.fixture
def repairs(make) -> Repairs:
    return Repairs(make)


def send_back(order, make, username, return_to=None, reason="重估"):
    with transaction():
        return approving.send_back(
            order,
            version=order.version,
            reason=reason,
            return_to=return_to,
            actor=make.user(username),
        )


# what is summed


@pytest.mark.clause("3.6.1")
@pytest.mark.parametrize(
    ("first", "second", "signs"),
    [
        (200_000, 299_999, [CM]),
        (200_000, 300_000, [CM]),
        (200_000, 300_001, [CE, DG]),
        (4_000_000, 1_000_000, [CE, DG]),
        (4_000_000, 1_000_001, [CE, DG, GM]),
    ],
)
def test_orders_of_one_home_and_trouble_are_summed_before_the_tier_is_chosen(
    make, repairs, first, second, signs
):
    one = repairs.order(OrderStage.DRAFT, estimate_fen=first)
    two = repairs.order(OrderStage.APPROVING, estimate_fen=second)
    assert chain(two) == signs
    round_ = two.rounds[-1]
    assert (round_.amount_fen, round_.tier_fen) == (second, first + second)
    assert [(each.summed_id, each.amount_fen) for each in round_.summed] == [(one.id, first)]


def test_a_neighbour_of_the_building_with_the_same_trouble_is_summed_and_nobody_else(make, repairs):
    world = make.world

    def at(unit, *broken, fen=200_000):
        facts = {"unit_id": world.units[unit]} if unit else {}
        return repairs.order(OrderStage.DRAFT, *broken, estimate_fen=fen, **facts)

    first = at("YX 3-1-1202", LEAK)
    neighbour = at("YX 3-2-0501", LEAK)
    at("YX 5-1-0101", LEAK)  # another building
    at("YX 3-1-1203", LEAK._replace(phenomenon=Phenomenon.CRACK))  # another trouble
    void = at("YX 3-1-1203", LEAK)
    with transaction():
        changing.cancel(void, version=void.version, reason="重复", actor=make.user("manager"))
    last = at("YX 3-1-1202", LEAK)
    submit(last, make)
    assert {each.summed_id for each in last.rounds[-1].summed} == {first.id, neighbour.id}
    assert chain(last) == [CE, DG]


@pytest.mark.parametrize(("days", "summed"), [(29, 1), (30, 1), (31, 0)])
def test_what_was_drafted_longer_ago_than_the_window_is_not_summed(make, repairs, days, summed):
    first = repairs.order(OrderStage.DRAFT, estimate_fen=400_000)
    second = repairs.order(OrderStage.DRAFT, estimate_fen=200_000)
    with transaction():
        first.drafted_at = clock.at(clock.today() - timedelta(days=days), 10)
    submit(second, make)
    assert len(second.rounds[-1].summed) == summed
    assert chain(second) == ([CE, DG] if summed else [CM])


def test_the_window_is_that_of_the_edition_the_order_began_with(make, repairs):
    first = repairs.order(OrderStage.DRAFT, estimate_fen=400_000)
    with transaction():
        first.drafted_at = clock.at(clock.today() - timedelta(days=8), 10)
    old = repairs.order(OrderStage.DRAFT, estimate_fen=200_000)
    confirmed(make, STANDARD._replace(split_days=7))
    new = repairs.order(OrderStage.DRAFT, estimate_fen=1_000)
    submit(old, make)
    submit(new, make)
    assert first.id in {each.summed_id for each in old.rounds[-1].summed}
    assert first.id not in {each.summed_id for each in new.rounds[-1].summed}


def test_the_page_says_why_and_lists_what_was_summed(make, repairs, sign_in):
    one = repairs.order(OrderStage.DRAFT, estimate_fen=400_000)
    two = repairs.order(OrderStage.DRAFT, estimate_fen=200_000)
    one_number, two_id = one.number, two.id
    office = sign_in("office")
    for path in ("submit",):
        page = office.get(f"/orders/{two_id}/{path}").get_data(as_text=True)
        assert "与相关派工单合计 6,000 元，超过 5,000 元" in page
        assert one_number in page
    submit(db.session.get_one(WorkOrder, two_id), make)
    page = sign_in("chief").get(f"/orders/{two_id}/approve").get_data(as_text=True)
    assert "与相关派工单合计 6,000 元，超过 5,000 元" in page
    assert one_number in page


# where it is returned to


def test_a_return_to_a_signatory_keeps_the_signatures_before_him(make, repairs):
    order = repairs.order(OrderStage.APPROVING, estimate_fen=6_000_000)
    agree(order, make, "chief", "单价合理")
    agree(order, make, "deputy_gm")
    send_back(order, make, "gm", return_to=2, reason="请再核工期")
    assert order.stage is OrderStage.APPROVING
    assert [each.outcome for each in order.rounds] == [
        ApprovalOutcome.RETURNED,
        ApprovalOutcome.OPEN,
    ]
    now = turns.steps_of(order, 2)
    assert [(each.role, each.verdict) for each in now] == [
        (CE, Verdict.AGREED), (DG, None), (GM, None),
    ]  # fmt: skip
    assert (now[0].by.name, now[0].reason) == ("孙总工", "单价合理")
    assert turns.steps_of(order, 1)[2].verdict is Verdict.RETURNED
    entry, facts = journal.story("order", order.id)[-1]
    assert (entry.act, facts["to"]) == ("return_order", "副总经理（审核）")
    second_account(make, "both", "孙总工（兼）", [DG], "E-0021")
    with transaction():
        make.user("chief").employee_number = "E-0021"
    with pytest.raises(NotPermitted):  # his signature stands, so he signs no other place
        agree(order, make, "both")
    db.session.rollback()
    agree(order, make, "deputy_gm", "已核")
    agree(order, make, "gm")
    assert order.stage is OrderStage.APPROVED
    assert order.rounds[-1].outcome is ApprovalOutcome.APPROVED


@pytest.mark.parametrize("place", [0, 2, 3, 99, -1])
def test_a_return_leads_only_to_a_place_that_was_signed(make, repairs, place):
    order = repairs.order(OrderStage.APPROVING, estimate_fen=600_000)
    agree(order, make, "chief")
    with pytest.raises(Invalid) as refused:
        send_back(order, make, "deputy_gm", return_to=place)
    assert refused.value.field == "return_to"


def test_returned_to_the_drafter_everything_begins_anew(make, repairs):
    order = repairs.order(OrderStage.APPROVING, estimate_fen=600_000)
    agree(order, make, "chief")
    send_back(order, make, "deputy_gm")
    assert order.stage is OrderStage.DRAFT
    assert turns.open_round(order) is None
    submit(order, make)
    assert [each.verdict for each in turns.steps_of(order, 2)] == [None, None]


def test_the_page_offers_where_to_return_it(make, repairs, sign_in):
    order = repairs.order(OrderStage.APPROVING, estimate_fen=600_000)
    order_id = order.id
    assert "退回到" not in sign_in("chief").get(f"/orders/{order_id}/approve").get_data(
        as_text=True
    )
    agree(order, make, "chief")
    client = sign_in("deputy_gm")
    page = client.get(f"/orders/{order_id}/approve").get_data(as_text=True)
    assert "孙总工（副总工程师（质量）审核）" in page
    version = db.session.get_one(WorkOrder, order_id).version
    data = {"version": version, "reason": "再核", "returns": "1", "return_to": "1"}
    answer = client.post(f"/orders/{order_id}/approve", data={**data, "once": token()})
    assert answer.status_code == 302
    order = db.session.get_one(WorkOrder, order_id)
    assert (order.stage, turns.next_step(order).role) == (OrderStage.APPROVING, CE)
    told = db.session.scalars(
        select(func.count()).select_from(Notice).where(Notice.title.contains("请审核维修费用"))
    ).one()
    assert told == 2


def test_who_has_nothing_to_sign_is_led_to_the_order(make, repairs, sign_in):
    order = repairs.order(OrderStage.APPROVED)
    answer = sign_in("manager").get(f"/orders/{order.id}/approve")
    assert (answer.status_code, answer.location) == (302, f"/orders/{order.id}")


# emergency first


def issue_first(order, make, reason="主管爆裂，先堵漏", who="manager"):
    with transaction():
        return emergency.issue_first(
            order, version=order.version, reason=reason, visit_on=None, actor=make.user(who)
        )


def clock_of(order):
    return db.session.scalars(
        select(Clock).where(Clock.order_id == order.id, Clock.kind == ClockKind.EMERGENCY_APPROVAL)
    ).one()


@pytest.mark.parametrize("stage", [OrderStage.DRAFT, OrderStage.APPROVING])
def test_an_emergency_is_issued_at_once_and_approved_within_a_working_day(make, repairs, stage):
    order = repairs.order(stage, estimate_fen=600_000)
    issue_first(order, make)
    assert order.stage is OrderStage.ISSUED
    assert (order.emergency, order.issued_by.name) == ("主管爆裂，先堵漏", "赵敏")
    assert not approving.is_approved(order)
    running = clock_of(order)
    assert running.state is ClockState.RUNNING
    assert running.due_on == add_working_days(clock.today(), 1, calendar).on
    assert chain(order) == [CE, DG]
    agree(order, make, "chief")
    assert clock_of(order).state is ClockState.RUNNING
    agree(order, make, "deputy_gm")
    assert approving.is_approved(order)
    assert order.stage is OrderStage.ISSUED
    db.session.expire_all()
    assert clock_of(order).state is ClockState.MET
    assert clock_of(order).late is False


def test_the_manager_who_sent_the_crew_may_sign_where_it_is_his_to_sign(make, repairs):
    order = repairs.order(OrderStage.DRAFT)
    issue_first(order, make)
    assert chain(order) == [CM]
    agree(order, make, "manager")
    assert approving.is_approved(order)


@pytest.mark.parametrize("who", ["office", "chief", "gm", "captain", "clerk"])
def test_only_the_manager_sends_a_crew_before_the_approval(make, repairs, who):
    order = repairs.order(OrderStage.DRAFT)
    with pytest.raises(NotPermitted):
        issue_first(order, make, who=who)


def test_an_emergency_needs_its_reason(make, repairs):
    order = repairs.order(OrderStage.DRAFT)
    with pytest.raises(Invalid) as refused:
        issue_first(order, make, reason=" ")
    assert refused.value.field == "reason"


def test_an_emergency_not_approved_in_time_is_told_and_late_for_good(make, repairs):
    order = repairs.order(OrderStage.DRAFT, estimate_fen=600_000)
    issue_first(order, make)
    due = clock_of(order).due_at
    with clock.held(due + timedelta(minutes=1)):
        with transaction():
            while ring(clock.now()):
                pass
        told = set(
            db.session.scalars(
                select(Notice.user_id).where(Notice.title.contains("到时未完成：抢修补批"))
            )
        )
        assert told == {make.world.users["manager"], make.world.users["deputy_gm"]}
    with clock.held(due + timedelta(days=1)):
        agree(order, make, "chief")
        agree(order, make, "deputy_gm")
        db.session.expire_all()
        assert clock_of(order).late is True


def test_a_returned_emergency_goes_on_and_is_handed_in_anew(make, repairs, sign_in):
    order = repairs.order(OrderStage.DRAFT, estimate_fen=600_000)
    order_id = order.id
    issue_first(order, make)
    send_back(order, make, "chief", reason="估价偏高")
    assert order.stage is OrderStage.ISSUED
    assert turns.open_round(order) is None
    with pytest.raises(Conflict), transaction():
        approving.submit(order, version=order.version, actor=make.user("office"))
    client = sign_in("office")
    page = client.get(f"/orders/{order_id}/submit").get_data(as_text=True)
    assert "估价偏高" in page
    version = db.session.get_one(WorkOrder, order_id).version
    data = {"version": version, "estimate_fen": "4500", "reason": ""}
    refused = client.post(f"/orders/{order_id}/submit", data={**data, "once": token()})
    assert refused.status_code == 422
    data |= {"reason": "已扣除重复项", "once": token()}
    assert client.post(f"/orders/{order_id}/submit", data=data).status_code == 302
    order = db.session.get_one(WorkOrder, order_id)
    assert (order.estimate_fen, chain(order), order.stage) == (450_000, [CM], OrderStage.ISSUED)
    assert clock_of(order).state is ClockState.RUNNING
    agree(order, make, "manager")
    assert approving.is_approved(order)
    with pytest.raises(Conflict), transaction():
        emergency.submit_again(
            order, version=order.version, estimate_fen=1, reason="再报", actor=make.user("office")
        )


def test_an_ordinary_issued_order_cannot_be_handed_in_again(make, repairs):
    order = repairs.order(OrderStage.ISSUED)
    for again in (
        lambda: approving.submit(order, version=order.version, actor=make.user("office")),
        lambda: emergency.submit_again(
            order, version=order.version, estimate_fen=1, reason="再报", actor=make.user("office")
        ),
    ):
        with pytest.raises(Conflict), transaction():
            again()


def test_what_changed_after_the_emergency_began_voids_the_signature(make, repairs):
    order = repairs.order(OrderStage.DRAFT)
    issue_first(order, make)
    with transaction():
        order.scope = "又加了一项"
    with pytest.raises(Conflict, match="有变化"):
        agree(order, make, "manager")


def test_a_cancelled_order_waits_for_nobody(make, repairs):
    order = repairs.order(OrderStage.DRAFT)
    issue_first(order, make)
    with transaction():
        changing.cancel(order, version=order.version, reason="业主已修", actor=make.user("manager"))
    assert order.rounds[-1].outcome is ApprovalOutcome.VOID
    assert clock_of(order).state is ClockState.CANCELLED
    assert queries.waiting_for(make.scope("manager")) == 0


def test_the_page_of_an_emergency_sends_the_crew(make, repairs, sign_in):
    order = repairs.order(OrderStage.DRAFT)
    order_id, version = order.id, order.version
    client = sign_in("manager")
    assert f"/orders/{order_id}/issue-first" in client.get(f"/orders/{order_id}").get_data(
        as_text=True
    )
    data = {"version": version, "reason": "爆管", "visit_on": "", "once": token()}
    assert client.post(f"/orders/{order_id}/issue-first", data=data).status_code == 302
    page = client.get(f"/orders/{order_id}").get_data(as_text=True)
    assert "抢修先行，费用尚未批准" in page
    assert "抢修补批" in page


# approval again


def ask_again(order, make, fen, basis="决算书 JS-001 第 1 版", who="captain"):
    with transaction():
        return supplements.open_supplement(order, fen, make.user(who), basis=basis)


@pytest.mark.parametrize(
    ("estimate", "account", "again"),
    [
        (100_000, 110_000, False),
        (100_000, 110_001, True),
        (480_000, 500_000, False),
        (480_000, 500_001, True),
        (4_800_000, 5_000_000, False),
        (4_800_000, 5_000_001, True),
        (6_000_000, 6_600_000, False),
        (6_000_000, 6_600_001, True),
    ],
)
def test_an_account_beyond_the_estimate_or_in_a_higher_tier_is_approved_again(
    make, repairs, estimate, account, again
):
    order = repairs.order(OrderStage.APPROVED, estimate_fen=estimate)
    assert bool(supplements.why_again(order, account)) is again


def test_a_supplement_has_the_chain_the_page_and_the_notices_of_the_estimate(
    make, repairs, sign_in
):
    order = repairs.order(OrderStage.ACCEPTED)
    assert supplements.approved_fen(order) == 80_000
    assert supplements.supplement_state(order) is None
    round_ = ask_again(order, make, 600_000)
    assert supplements.supplement_state(order) is round_
    assert chain(order) == [CE, DG]
    assert order.stage is OrderStage.ACCEPTED
    assert queries.waiting_for(make.scope("chief")) == 1
    order_id = order.id
    client = sign_in("chief")
    assert order.number in client.get("/orders/?pile=mine").get_data(as_text=True)
    page = client.get(f"/orders/{order_id}/approve").get_data(as_text=True)
    for words in ("决算书 JS-001 第 1 版", "6,000 元", "估价 800 元", "超过批准的 800 元多于 10%"):
        assert words in page, words
    version = db.session.get_one(WorkOrder, order_id).version
    data = {"version": version, "reason": "", "once": token()}
    assert client.post(f"/orders/{order_id}/approve", data=data).status_code == 302
    order = db.session.get_one(WorkOrder, order_id)
    agree(order, make, "deputy_gm")
    assert supplements.supplement_state(order).outcome is ApprovalOutcome.APPROVED
    assert supplements.approved_fen(order) == 600_000
    assert order.stage is OrderStage.ACCEPTED
    assert supplements.why_again(order, 660_000) == ""
    assert supplements.why_again(order, 660_001) != ""
    told = db.session.scalars(
        select(Notice.user_id).where(Notice.title.contains("超估价审批已批准"))
    )
    assert make.world.users["captain"] in set(told)


def test_another_account_voids_the_round_under_way(make, repairs):
    order = repairs.order(OrderStage.ACCEPTED)
    ask_again(order, make, 600_000)
    ask_again(order, make, 90_000, basis="决算书 JS-001 第 2 版")
    assert [each.outcome for each in order.rounds] == [
        ApprovalOutcome.APPROVED, ApprovalOutcome.VOID, ApprovalOutcome.OPEN,
    ]  # fmt: skip
    assert chain(order) == [CM]


def test_a_returned_supplement_leaves_the_estimate_approved(make, repairs):
    order = repairs.order(OrderStage.ACCEPTED)
    ask_again(order, make, 100_000)
    send_back(order, make, "manager", reason="工料不符")
    assert supplements.supplement_state(order).outcome is ApprovalOutcome.RETURNED
    assert (order.stage, supplements.approved_fen(order)) == (OrderStage.ACCEPTED, 80_000)


def test_what_is_covered_or_not_said_is_not_asked_again(make, repairs):
    order = repairs.order(OrderStage.ACCEPTED)
    with pytest.raises(Conflict):
        ask_again(order, make, 88_000)
    with pytest.raises(Invalid):
        ask_again(order, make, 100_000, basis=" ")
    with pytest.raises(NotPermitted):
        ask_again(order, make, 100_000, who="chief")
    with pytest.raises(Conflict):
        ask_again(repairs.order(OrderStage.SELF_CHECKED), make, 100_000)


def test_who_inspected_the_work_or_asked_for_the_supplement_does_not_sign_it(make, repairs):
    """S1 and S3 over the whole life of the order."""
    order = repairs.order(OrderStage.ACCEPTED)
    with transaction():
        order.inspected_by_id = make.user("manager").id
    ask_again(order, make, 100_000)
    assert chain(order) == [CE, DG]
    other = repairs.order(OrderStage.ACCEPTED)
    ask_again(other, make, 100_000, who="manager")
    assert chain(other) == [CE, DG]
    with pytest.raises(NotPermitted):
        agree(other, make, "manager")


# the database and races


def test_the_database_holds_one_open_round_and_true_amounts(make, repairs):
    order = repairs.order(OrderStage.APPROVING)
    order_id, at, by = order.id, clock.now(), order.drafted_by_id
    first = order.rounds[0]
    facts = {"amount_fen": 1, "tier_fen": 1, "opened_at": at, "opened_by_id": by, "basis": ""}

    def add(**more):
        with transaction():
            db.session.add(
                ApprovalRound(
                    order_id=order_id, **{"round": 2, "kind": first.kind, **facts, **more}
                )
            )

    with pytest.raises(Conflict):
        add()
    closed = {"outcome": ApprovalOutcome.VOID, "closed_at": at}
    for more in ({**closed, "amount_fen": 0}, {**closed, "tier_fen": 0}, {"closed_at": at}):
        with pytest.raises(IntegrityError):
            add(**more)
    with pytest.raises(IntegrityError), transaction():
        db.session.execute(
            update(ApprovalRound)
            .where(ApprovalRound.order_id == order_id)
            .values(outcome=ApprovalOutcome.APPROVED)
        )


def test_a_signatory_and_his_deputy_at_once_give_one_signature(app, make, repairs, sign_in):
    from tests.rooms.test_deputies import stand_in

    stand_in(make, "manager", "auditor")
    order = repairs.order(OrderStage.APPROVING)
    order_id, version = order.id, order.version
    clients = [sign_in("manager"), sign_in("auditor")]
    db.session.rollback()

    def sending(client):
        data = {"version": version, "once": token(), "reason": ""}
        return lambda: client.post(f"/orders/{order_id}/approve", data=data).status_code

    assert sorted(parallel(*map(sending, clients))) == [302, 409]
    db.session.rollback()
    order = db.session.get_one(WorkOrder, order_id, populate_existing=True)
    assert order.stage is OrderStage.APPROVED
    assert [each.verdict for each in order.approvals] == [Verdict.AGREED]
    assert journal.verify().fault is None


def test_a_return_to_a_signatory_and_an_approval_at_once_leave_one_answer(
    app, make, repairs, sign_in
):
    second_account(make, "second", "另一位副总", [DG])
    order = repairs.order(OrderStage.APPROVING, estimate_fen=600_000)
    agree(order, make, "chief")
    order_id, version = order.id, order.version
    clients = [sign_in("deputy_gm"), sign_in("second")]
    db.session.rollback()

    def sending(client, **more):
        data = {"version": version, "once": token(), "reason": "再核", **more}
        return lambda: client.post(f"/orders/{order_id}/approve", data=data).status_code

    back = sending(clients[1], returns="1", return_to="1")
    assert sorted(parallel(sending(clients[0]), back)) == [302, 409]
    db.session.rollback()
    order = db.session.get_one(WorkOrder, order_id, populate_existing=True)
    assert (order.stage, len(order.rounds)) in (
        (OrderStage.APPROVED, 1),
        (OrderStage.APPROVING, 2),
    )


def test_the_issue_of_an_approved_order_still_checks_what_was_shown(make, repairs):
    order = repairs.order(OrderStage.APPROVING, estimate_fen=600_000)
    for role in (CE, DG):
        agree(order, make, NAMES[role])
    with transaction():
        repairs.picture(Slot.SITE, ticket_id=order.ticket_id, survey_id=order.survey_id)
    with pytest.raises(Conflict, match="有变化"), transaction():
        orders.issue(order, version=order.version, visit_on=None, actor=make.user("manager"))


def test_the_rounds_of_an_older_database_are_filled_in_from_its_steps(make, repairs):
    """An upgrade leaves every approval as it was: open ones open, given ones given, returned ones returned."""
    for stage in (OrderStage.APPROVING, OrderStage.APPROVED, OrderStage.ISSUED):
        repairs.order(stage, estimate_fen=10_000)
    again = repairs.order(OrderStage.APPROVING, estimate_fen=600_000)
    agree(again, make, "chief")
    send_back(again, make, "deputy_gm")
    submit(again, make)
    withdrawn = repairs.order(OrderStage.APPROVED, estimate_fen=10_000)
    send_back(withdrawn, make, "office")

    def told():
        columns = (
            ApprovalRound.order_id,
            ApprovalRound.round,
            ApprovalRound.amount_fen,
            ApprovalRound.outcome,
            ApprovalRound.opened_by_id,
            ApprovalRound.opened_at,
        )
        rows = db.session.execute(select(*columns).order_by(*columns[:2])).all()
        db.session.remove()
        return rows

    before = told()
    assert {row.outcome for row in before} == set(ApprovalOutcome)
    downgrade(revision="0016")
    upgrade()
    assert told() == before
