"""Approval of an order's estimate: tiers by amount, nobody his own judge, what is shown is what is signed (3.6.1)."""

import threading

import pytest
from sqlalchemy import func, select

from tests.pages.helpers import token
from tests.support.orders import state_of_the_orders
from tests.support.repairs import CRACK, LEAK, Repairs
from tests.support.world import PASSWORD
from ticketing.casefile.notices.models import Notice
from ticketing.journal import queries as journal
from ticketing.kernel.db import db, transaction
from ticketing.kernel.errors import Conflict, Invalid, NotPermitted
from ticketing.masters.people import commands as people
from ticketing.procedure import approvals
from ticketing.procedure.parameters import STANDARD
from ticketing.procedure.repairs import OrderClass, OrderStage, Slot, Verdict
from ticketing.procedure.vocabulary import Role
from ticketing.steps.work_orders import approving, queries
from ticketing.steps.work_orders import commands as orders
from ticketing.steps.work_orders.models import ApprovalStep, WorkOrder
from ticketing.steps.work_orders.road import took_part

CM, CE, DG, GM = (
    Role.CS_MANAGER,
    Role.DEPUTY_CHIEF_ENGINEER,
    Role.DEPUTY_GM,
    Role.GENERAL_MANAGER,
)
NAMES = {CM: "manager", CE: "chief", DG: "deputy_gm", GM: "gm"}


@pytest.fixture
def repairs(make) -> Repairs:
    return Repairs(make)


def chain(order):
    return [step.role for step in order.approvals if step.round == order.approval_round]


def agree(order, make, username, reason=""):
    with transaction():
        return approving.approve(
            order, version=order.version, reason=reason, actor=make.user(username)
        )


def submit(order, make, username="office"):
    with transaction():
        return approving.submit(order, version=order.version, actor=make.user(username))


def second_account(make, username, name, roles, employee_number="", department="CS"):
    with transaction():
        make.world.users[username] = people.create_user(
            username=username,
            name=name,
            password=PASSWORD,
            department_id=make.world.departments[department],
            community_ids=[],
            roles=list(roles),
            actor=None,
        ).id
        make.user(username).employee_number = employee_number
    return make.user(username)


@pytest.mark.clause("3.6.1")
@pytest.mark.parametrize(
    ("fen", "signs"),
    [
        (1, [CM]),
        (499_999, [CM]),
        (500_000, [CM]),
        (500_001, [CE, DG]),
        (4_999_999, [CE, DG]),
        (5_000_000, [CE, DG]),
        (5_000_001, [CE, DG, GM]),
        (999_999_999_999, [CE, DG, GM]),
    ],
)
def test_the_amount_decides_who_signs_and_each_in_his_turn(make, repairs, fen, signs):
    order = repairs.order(OrderStage.APPROVING, estimate_fen=fen)
    assert chain(order) == signs
    for role in signs:
        for other, username in NAMES.items():
            if other is not role:
                with pytest.raises(NotPermitted):
                    agree(order, make, username)
        agree(order, make, NAMES[role])
    assert order.stage is OrderStage.APPROVED
    assert [step.by.name for step in order.approvals] == [make.user(NAMES[r]).name for r in signs]


def test_the_sentence_about_the_tier_names_the_limits():
    def told(fen):
        return approvals.tier_sentence(fen, STANDARD)

    assert told(500_000).startswith("5,000 元以内")
    assert told(500_001).startswith("超过 5,000 元、50,000 元以内")
    assert told(5_000_001).startswith("超过 50,000 元")


def test_a_manager_who_has_a_part_in_it_lets_it_go_one_tier_up(make, repairs):
    ticket, manager = repairs.concluded(), make.user("manager")
    order = repairs.order_of(ticket, OrderStage.DRAFT)
    submit(order, make, "manager")  # he hands it in himself
    assert chain(order) == [CE, DG]
    with pytest.raises(NotPermitted):
        agree(order, make, "manager")
    agree(order, make, "chief")
    agree(order, make, "deputy_gm")
    assert order.stage is OrderStage.APPROVED
    assert took_part(order, manager)


@pytest.mark.parametrize("part", ["drafts", "amends", "records", "signs", "handles", "registers"])
def test_each_part_in_a_repair_bars_its_manager_from_approving_it(make, repairs, part):
    if part == "registers":
        order = repairs.order(OrderStage.DRAFT, actor="manager")
    elif part == "records":
        order = repairs.order(OrderStage.DRAFT)
        with transaction():
            order.survey.recorded_by_id = make.user("manager").id
    elif part == "signs":
        order = repairs.order(OrderStage.DRAFT)
        with transaction():
            own = next(box for box in order.survey.boxes if box.side.value == "service")
            own.by_id = make.user("manager").id
    elif part == "handles":
        order = repairs.order(OrderStage.DRAFT)
        with transaction():
            order.ticket.handler_id = make.user("manager").id
    else:
        order = repairs.order(OrderStage.DRAFT)
        if part == "drafts":
            with transaction():
                order.drafted_by_id = make.user("manager").id
        else:
            with transaction():
                orders.amend(
                    order,
                    version=order.version,
                    team_id=order.team_id,
                    defect_ids=[item.defect_id for item in order.items],
                    scope="经理改过",
                    estimate_fen=80_000,
                    actor=make.user("manager"),
                )
    assert took_part(order, make.user("manager"))
    assert not took_part(order, make.user("chief"))
    submit(order, make)
    assert chain(order) == [CE, DG]


def test_another_account_of_the_same_person_does_not_help(make, repairs):
    order = repairs.order(OrderStage.APPROVING)
    assert chain(order) == [CM]
    with transaction():
        make.user("office").employee_number = "E-0007"
    twin = second_account(make, "twin", "陈静（经理）", [CM], "E-0007")
    assert not took_part(order, make.user("manager"))
    assert took_part(order, twin)
    with pytest.raises(NotPermitted, match="参与过这张派工单"):
        agree(order, make, "twin")
    db.session.rollback()
    assert agree(order, make, "manager").stage is OrderStage.APPROVED


def test_one_person_signs_only_one_place_of_a_chain(make, repairs):
    with transaction():
        make.user("chief").employee_number = "E-0008"
    second_account(make, "both", "孙总工（兼）", [DG], "E-0008")
    order = repairs.order(OrderStage.APPROVING, estimate_fen=600_000)
    agree(order, make, "chief")
    with pytest.raises(NotPermitted):
        agree(order, make, "both")
    db.session.rollback()
    assert agree(order, make, "deputy_gm").stage is OrderStage.APPROVED


def test_where_nobody_of_a_tier_is_free_the_chain_goes_up_and_is_never_waved_through(make, repairs):
    with transaction():
        make.user("deputy_gm").active = False
    draft = repairs.order(OrderStage.DRAFT)
    with transaction():
        make.user("manager").active = False
    submit(draft, make)
    assert chain(draft) == [CE, DG, GM]  # the highest: it waits for a deputy, nobody else may
    agree(draft, make, "chief")
    with pytest.raises(NotPermitted):
        agree(draft, make, "gm")


def test_a_return_needs_its_reason_and_the_next_round_begins_anew(make, repairs):
    order = repairs.order(OrderStage.APPROVING, estimate_fen=600_000)
    agree(order, make, "chief", "同意")
    with pytest.raises(Invalid) as refused, transaction():
        approving.send_back(order, version=order.version, reason=" ", actor=make.user("deputy_gm"))
    assert refused.value.field == "reason"
    with transaction():
        approving.send_back(
            order, version=order.version, reason="单价偏高", actor=make.user("deputy_gm")
        )
    assert order.stage is OrderStage.DRAFT
    assert [step.verdict for step in order.approvals] == [Verdict.AGREED, Verdict.RETURNED]
    told = db.session.scalars(select(Notice).where(Notice.title.contains("被退回"))).all()
    assert [one.user_id for one in told] == [make.user("office").id]
    submit(order, make)
    assert (order.approval_round, len(order.approvals)) == (2, 4)
    agree(order, make, "chief")
    agree(order, make, "deputy_gm")
    assert order.stage is OrderStage.APPROVED


def test_what_has_changed_since_it_was_shown_cannot_be_signed_or_issued(make, repairs):
    order = repairs.order(OrderStage.APPROVING)

    def approved_after(change):
        with transaction():
            change()
            db.session.flush()
            approving.approve(order, version=order.version, reason="", actor=make.user("manager"))

    def issued_after(change):
        with transaction():
            change()
            db.session.flush()
            orders.issue(order, version=order.version, visit_on=None, actor=make.user("manager"))

    for change in (
        lambda: setattr(order, "estimate_fen", 90_000),
        lambda: setattr(order, "scope", "别的"),
        lambda: setattr(order, "order_class", OrderClass.B),
        lambda: setattr(order.items[0], "dropped_at", order.drafted_at),
        lambda: repairs.picture(Slot.SITE, ticket_id=order.ticket_id, survey_id=order.survey_id),
    ):
        with pytest.raises(Conflict, match="有变化"):
            approved_after(change)
    agree(order, make, "manager")
    with pytest.raises(Conflict, match="有变化"):
        issued_after(lambda: setattr(order, "estimate_fen", 499_999))
    assert order.stage is OrderStage.APPROVED


def test_nothing_of_an_order_can_be_changed_while_it_is_approved(make, repairs):
    other = make.world.teams["云栖苑维修队"] + 1
    for stage in (OrderStage.APPROVING, OrderStage.APPROVED):
        order = repairs.order(stage)
        with pytest.raises(Conflict), transaction():
            orders.amend(
                order,
                version=order.version,
                team_id=order.team_id,
                defect_ids=[item.defect_id for item in order.items],
                scope="偷换",
                estimate_fen=1,
                actor=make.user("office"),
            )
        with pytest.raises(Conflict, match="不能换维修队"), transaction():
            orders.plan(
                order,
                version=order.version,
                team_id=other,
                visit_on=None,
                visit_note="",
                actor=make.user("office"),
            )


def test_those_who_may_sign_are_asked_and_nobody_else(make, repairs):
    second_account(make, "manager2", "另一位经理", [CM])
    order = repairs.order(OrderStage.APPROVING)
    asked = {
        one.user_id: one.path
        for one in db.session.scalars(select(Notice).where(Notice.title.contains("请批准维修费用")))
    }
    assert asked == {
        make.world.users[name]: f"/orders/{order.id}/approve" for name in ("manager", "manager2")
    }
    for name, waits in (("manager", 1), ("manager2", 1), ("chief", 0), ("gm", 0), ("office", 0)):
        assert queries.waiting_for(make.scope(name)) == waits, name
    agree(order, make, "manager2")
    assert queries.waiting_for(make.scope("manager")) == 0


def test_the_count_of_what_waits_for_a_person_leaves_out_his_own(make, repairs):
    order = repairs.order(OrderStage.APPROVING, estimate_fen=600_000)
    assert [queries.waiting_for(make.scope(name)) for name in ("chief", "deputy_gm")] == [1, 0]
    agree(order, make, "chief")
    assert [queries.waiting_for(make.scope(name)) for name in ("chief", "deputy_gm")] == [0, 1]
    with transaction():
        order.ticket.handler_id = make.user("deputy_gm").id
    assert queries.waiting_for(make.scope("deputy_gm")) == 0


def parallel(*work):
    """Run these at once in threads; their answers."""
    answers, barrier = [], threading.Barrier(len(work))

    def run(one):
        barrier.wait()
        answers.append(one())

    threads = [threading.Thread(target=run, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@pytest.mark.parametrize("hands", [2, 20])
@pytest.mark.parametrize("fen", [80_000, 600_000])
def test_simultaneous_approvals_make_one(app, make, repairs, sign_in, fen, hands):
    role, own = (CM, "manager") if fen == 80_000 else (CE, "chief")
    others = [f"other{n}" for n in range(1, hands)]
    for other in others:
        second_account(make, other, f"另一人{other}", [role])
    order = repairs.order(OrderStage.APPROVING, estimate_fen=fen)
    order_id, version = order.id, order.version
    before = len(journal.story("order", order_id))
    clients = [sign_in(one) for one in (own, *others)]
    db.session.rollback()

    def sending(client):
        data = {"version": version, "once": token(), "reason": ""}
        return lambda: client.post(f"/orders/{order_id}/approve", data=data)

    answers = parallel(*map(sending, clients))
    assert sorted(one.status_code for one in answers) == [302] + [409] * (hands - 1)
    db.session.rollback()
    order = db.session.get_one(WorkOrder, order_id, populate_existing=True)
    assert order.stage is (OrderStage.APPROVED if fen == 80_000 else OrderStage.APPROVING)
    assert order.version == version + 1
    signed = select(func.count(ApprovalStep.id)).where(ApprovalStep.verdict == Verdict.AGREED)
    assert db.session.scalar(signed) == 1
    assert len(journal.story("order", order_id)) == before + 1
    assert journal.verify().fault is None
    word = "费用已批准" if fen == 80_000 else "请批准维修费用"
    event = select(func.count(func.distinct(Notice.event))).where(Notice.title.contains(word))
    assert db.session.scalar(event) == 1


def test_an_approval_and_a_return_at_once_leave_one_answer(app, make, repairs, sign_in):
    second_account(make, "second", "第二人", [CM])
    order = repairs.order(OrderStage.APPROVING)
    order_id, version = order.id, order.version
    clients = [sign_in("manager"), sign_in("second")]
    db.session.rollback()

    def sending(client, **more):
        data = {"version": version, "once": token(), "reason": "重估", **more}
        return lambda: client.post(f"/orders/{order_id}/approve", data=data)

    answers = parallel(sending(clients[0]), sending(clients[1], returns="1"))
    assert sorted(one.status_code for one in answers) == [302, 409]
    db.session.rollback()
    order = db.session.get_one(WorkOrder, order_id, populate_existing=True)
    (step,) = order.approvals
    assert (step.verdict, order.stage) in (
        (Verdict.AGREED, OrderStage.APPROVED),
        (Verdict.RETURNED, OrderStage.DRAFT),
    )


def test_the_acceptances_of_two_sides_at_once_finish_the_order(app, make, repairs, sign_in):
    """Inspection by the office and the customer's signature with the captain, at the same moment."""
    order = repairs.order(OrderStage.SELF_CHECKED)
    with transaction():
        key = repairs.picture(
            Slot.SIGNATURE, ticket_id=order.ticket_id, order_id=order.id, by="captain"
        ).key
    order_id, version = order.id, order.version
    office, manager = sign_in("office"), sign_in("manager")
    db.session.rollback()
    both = {"version": version, "inspected_for": "service", "inspection": "合格"}
    signs = {"customer_name": "王", "satisfaction": "satisfied", "signature": key}

    def post(client, path, data):
        return client.post(f"/orders/{order_id}/{path}", data={**data, "once": token()}).status_code

    answers = parallel(
        lambda: post(office, "inspect", both),
        lambda: post(manager, "sign-off", {"version": version, **signs}),
    )
    assert sorted(answers) == [302, 409]
    db.session.rollback()
    order = db.session.get_one(WorkOrder, order_id, populate_existing=True)
    assert order.stage is OrderStage.SELF_CHECKED
    path, data = ("sign-off", signs) if order.inspected_at else ("inspect", both)
    assert post(manager, path, {**data, "version": order.version}) == 302
    db.session.rollback()
    assert db.session.get_one(WorkOrder, order_id).stage is OrderStage.ACCEPTED


def test_the_approvers_see_everything_on_one_screen_and_are_there_in_three_clicks(
    make, repairs, sign_in
):
    order = repairs.order(OrderStage.APPROVING, LEAK, CRACK, estimate_fen=600_000)
    order_id = order.id
    notice = db.session.scalars(
        select(Notice).where(Notice.user_id == make.world.users["chief"])
    ).one()
    client = sign_in("chief")
    home = client.get("/")
    assert home.location.endswith("/orders/?pile=mine")
    assert f"/orders/{order_id}" in client.get(home.location).get_data(as_text=True)
    assert notice.path == f"/orders/{order_id}/approve"
    first = client.get(f"/orders/{order_id}").get_data(as_text=True)
    assert f'href="/orders/{order_id}/approve"' in first
    page = client.get(notice.path).get_data(as_text=True)
    for words in ("6,000 元", "超过 5,000 元", "2024-03-08 交付", "同意", "退回", "陈静"):
        assert words in page, words
    before = state_of_the_orders()
    answer = client.post(
        f"/orders/{order_id}/approve",
        data={
            "version": db.session.get_one(WorkOrder, order_id).version,
            "once": token(),
            "returns": "1",
        },
    )
    assert answer.status_code == 422
    assert "请写明退回的原因" in answer.get_data(as_text=True)
    db.session.rollback()
    assert state_of_the_orders() == before
    assert "待我审批 <b>0</b>" in sign_in("manager").get("/tickets/").get_data(as_text=True)


def test_the_leaders_first_page_says_how_many_orders_wait_for_them(make, repairs, sign_in):
    order = repairs.order(OrderStage.APPROVING, estimate_fen=600_000)
    deputy, gm = sign_in("deputy_gm"), sign_in("gm")
    assert "等待您审批" not in deputy.get("/major/").get_data(as_text=True)
    agree(order, make, "chief")
    page = deputy.get("/major/").get_data(as_text=True)
    assert "等待您审批的派工单 <b>1</b> 张" in page
    assert "/orders/?pile=mine" in page
    assert "等待您审批" not in gm.get("/major/").get_data(as_text=True)
