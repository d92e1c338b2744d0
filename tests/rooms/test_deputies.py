"""Deputies: one signs in another's name, with both people's conflicts, from day to day, and nothing more (trust: S10)."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from tests.pages.helpers import token
from tests.rooms.test_order_approval import CE, CM, DG, GM, agree, chain, second_account, submit
from tests.support.repairs import Repairs
from tests.support.settlements import Settlements
from ticketing.casefile.notices.models import Notice
from ticketing.journal import queries as journal
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.kernel.errors import Conflict, Invalid, NotFound, NotPermitted
from ticketing.masters.people import commands as people
from ticketing.masters.people import deputies as rows
from ticketing.masters.people.models import Deputyship, User
from ticketing.masters.people.scope import scope_of
from ticketing.oversight.deputies import commands as deputies
from ticketing.procedure.permissions import SIGNING_ROLES, Act, may_stand_in
from ticketing.procedure.repairs import OrderStage, Verdict
from ticketing.procedure.settlement import SettlementStage
from ticketing.procedure.vocabulary import Role
from ticketing.steps.settlement.models import Settlement
from ticketing.steps.work_orders import approving, queries
from ticketing.steps.work_orders import commands as orders
from ticketing.steps.work_orders.models import WorkOrder


@pytest.fixture
def repairs(make) -> Repairs:
    return Repairs(make)


def stand_in(make, principal, deputy, begins=0, ends=5, reason="出差"):
    today = clock.today()
    with transaction():
        return deputies.name_deputy(
            deputy_id=make.user(deputy).id,
            begins_on=today + timedelta(days=begins),
            ends_on=today + timedelta(days=ends),
            reason=reason,
            actor=make.user(principal),
        )


@pytest.mark.parametrize(
    ("own", "role", "fit"),
    [
        ({Role.OFFICE}, Role.CS_MANAGER, True),
        ({Role.ENGINEER}, Role.DEPUTY_CHIEF_ENGINEER, True),
        ({Role.DEPUTY_GM}, Role.GENERAL_MANAGER, True),
        ({Role.CAPTAIN}, Role.CS_MANAGER, False),
        ({Role.OFFICE, Role.CAPTAIN}, Role.CS_MANAGER, False),
        ({Role.ADMIN}, Role.CS_MANAGER, False),
        ({Role.READER}, Role.GENERAL_MANAGER, False),
        ({Role.GENERAL_MANAGER}, Role.AUDITOR, False),
        ({Role.DEPUTY_GM}, Role.FINANCE, False),
        ({Role.AUDITOR}, Role.FINANCE, False),
        ({Role.FINANCE}, Role.FINANCE, True),
        ({Role.OFFICE}, Role.OFFICE, False),
        (set(), Role.CS_MANAGER, False),
    ],
)
def test_who_may_be_whose_deputy(own, role, fit):
    assert may_stand_in(own, role) is fit


@pytest.mark.clause("3.6.1")
def test_a_deputy_signs_in_his_principals_name_and_both_names_stay(make, repairs):
    stand_in(make, "manager", "auditor")
    order = repairs.order(OrderStage.APPROVING)
    assert queries.waiting_for(scope_of(make.user("auditor"))) == 1
    agree(order, make, "auditor", "代为同意")
    (step,) = order.approvals
    assert (step.by.name, step.principal.name, step.verdict) == ("钱审", "赵敏", Verdict.AGREED)
    assert order.stage is OrderStage.APPROVED
    entry, facts = journal.story("order", order.id)[-1]
    assert (entry.actor_name, facts["for"], facts["as"]) == ("钱审", "赵敏", "cs_manager")
    told = db.session.scalars(select(Notice.user_id).where(Notice.title.contains("代您批准同意")))
    assert list(told) == [make.user("manager").id]


def test_who_is_asked_includes_the_deputy(make, repairs):
    stand_in(make, "manager", "auditor")
    repairs.order(OrderStage.APPROVING)
    asked = set(
        db.session.scalars(select(Notice.user_id).where(Notice.title.contains("请批准维修费用")))
    )
    assert asked == {make.world.users["manager"], make.world.users["auditor"]}


def test_a_deputyship_counts_from_its_first_to_its_last_day_in_shanghai(make, repairs):
    stand_in(make, "manager", "auditor", begins=2, ends=3)
    order = repairs.order(OrderStage.APPROVING)
    today = clock.today()
    for day, counts in ((0, False), (1, False), (2, True), (3, True), (4, False)):
        for hour, minute in ((0, 1), (23, 59)):
            with clock.held(clock.at(today + timedelta(days=day), hour, minute)):
                user = make.user("auditor")
                assert [one.role for one in user.acting] == ([CM] if counts else [])
                assert queries.waiting_for(scope_of(user)) == counts
                assert bool(rows.stand_ins(CM)) is counts
    with pytest.raises(NotPermitted):
        agree(order, make, "auditor")


def test_a_deputy_revoked_or_a_principal_who_lost_his_role_signs_no_more(make, repairs):
    given = stand_in(make, "manager", "auditor")
    order = repairs.order(OrderStage.APPROVING)
    with transaction():
        deputies.revoke(given, actor=make.user("manager"))
    db.session.expire_all()
    with pytest.raises(NotPermitted):
        agree(order, make, "auditor")
    db.session.rollback()
    stand_in(make, "manager", "auditor")
    with transaction():
        people.set_roles(make.user("manager"), roles=[], actor=make.user("admin"))
    db.session.expire_all()
    with pytest.raises(NotPermitted):
        agree(order, make, "auditor")


def test_there_is_no_chain_of_deputies(make, repairs):
    """S10: who is deputy of a deputy has no signature of the first principal."""
    stand_in(make, "gm", "deputy_gm")
    stand_in(make, "deputy_gm", "chief")
    assert {one.role for one in make.user("deputy_gm").acting} == {GM}
    assert {one.role for one in make.user("chief").acting} == {DG}
    assert [(one.deputy.name, one.principal.name) for one in rows.stand_ins(GM)] == [
        ("李副总", "王总")
    ]


@pytest.mark.parametrize("whose", ["manager", "auditor"])
def test_a_deputy_brings_his_principals_conflicts_and_keeps_his_own(make, repairs, whose):
    """S10: the part of either bars the deputy."""
    stand_in(make, "manager", "auditor")
    second_account(make, "manager2", "另一位经理", [CM])
    order = repairs.order(OrderStage.APPROVING)
    with transaction():
        order.ticket.handler_id = make.user(whose).id
    assert queries.waiting_for(scope_of(make.user("auditor"))) == 0
    with pytest.raises(NotPermitted, match="参与过"):
        agree(order, make, "auditor")
    db.session.rollback()
    assert agree(order, make, "manager2").stage is OrderStage.APPROVED


def test_another_account_of_the_principal_with_a_part_bars_the_deputy_too(make, repairs):
    """S10 and S11 together."""
    stand_in(make, "manager", "auditor")
    second_account(make, "manager2", "另一位经理", [CM])
    order = repairs.order(OrderStage.APPROVING)
    with transaction():
        make.user("manager").employee_number = make.user("office").employee_number = "E-0009"
    with pytest.raises(NotPermitted):
        agree(order, make, "auditor")


def test_whose_deputy_signed_one_place_signs_no_other_and_nor_does_the_deputy(make, repairs):
    """S1 through a deputy: two persons are used up by his signature."""
    stand_in(make, "chief", "deputy_gm")
    order = repairs.order(OrderStage.APPROVING, estimate_fen=600_000)
    assert chain(order) == [CE, DG]
    agree(order, make, "deputy_gm")  # in the chief's name
    assert order.approvals[0].principal.name == "孙总工"
    assert queries.waiting_for(scope_of(make.user("deputy_gm"))) == 0
    with pytest.raises(NotPermitted):
        agree(order, make, "deputy_gm")
    db.session.rollback()
    with transaction():
        people.set_roles(make.user("chief"), roles=[CE, DG], actor=None)
    db.session.expire_all()
    with pytest.raises(NotPermitted):
        agree(order, make, "chief")


def test_a_tier_needs_as_many_people_as_it_has_places(make, repairs):
    """S12: one person in two roles fills one place, so the chain goes up."""
    with transaction():
        people.set_roles(make.user("chief"), roles=[CE, DG], actor=None)
        make.user("deputy_gm").active = False
    order = repairs.order(OrderStage.DRAFT, estimate_fen=600_000)
    submit(order, make)
    assert chain(order) == [CE, DG, GM]
    with transaction():
        approving.send_back(order, version=order.version, reason="重报", actor=make.user("chief"))
    stand_in(make, "chief", "engineer")
    submit(order, make)
    assert chain(order) == [CE, DG, GM]  # the engineer signs for the same chief
    second_account(make, "chief2", "副总工二", [CE], department="ENG")
    with transaction():
        approving.send_back(order, version=order.version, reason="重报", actor=make.user("chief2"))
    submit(order, make)
    assert chain(order) == [CE, DG]


def test_a_deputy_may_sign_and_nothing_else(make, repairs):
    """The principal's other rights do not come with it."""
    stand_in(make, "manager", "auditor")
    scope = scope_of(make.user("auditor"))
    assert scope.may(Act.APPROVE_ORDER)
    for act in (Act.ISSUE_ORDER, Act.CANCEL_ORDER, Act.PROPOSE_PARAMETERS, Act.DRAFT_ORDER):
        assert not scope.may(act)
    order = repairs.order(OrderStage.APPROVED)
    auditor = make.user("auditor")
    with pytest.raises(NotPermitted), transaction():
        orders.issue(order, version=order.version, visit_on=None, actor=auditor)
    with pytest.raises(Conflict), transaction():  # the desk's act, no signature
        approving.send_back(order, version=order.version, reason="重估", actor=auditor)
    assert order.stage is OrderStage.APPROVED


def test_a_deputy_sees_what_waits_for_his_signature_and_what_he_signed_only(make, repairs, sign_in):
    waiting, other = repairs.order(OrderStage.APPROVING), repairs.order(OrderStage.ISSUED)
    client = sign_in("finance")
    assert client.get(f"/orders/{waiting.id}").status_code == 404
    stand_in(make, "manager", "finance")
    waiting_id, other_id, version = waiting.id, other.id, waiting.version
    assert client.get(f"/orders/{waiting_id}").status_code == 200
    assert client.get(f"/orders/{other_id}").status_code == 404
    page = client.get("/orders/?pile=mine").get_data(as_text=True)
    assert waiting.number in page
    assert other.number not in page
    answer = client.post(
        f"/orders/{waiting_id}/approve",
        data={"version": version, "once": token(), "reason": ""},
        follow_redirects=True,
    )
    assert answer.status_code == 200
    assert "冯会计（代赵敏）" in answer.get_data(as_text=True)
    assert db.session.get_one(WorkOrder, waiting_id).stage is OrderStage.APPROVED
    assert client.get(f"/orders/{waiting_id}/issue").status_code == 403


@pytest.mark.parametrize(
    ("field", "facts"),
    [
        ("begins_on", {"begins": -1}),
        ("ends_on", {"begins": 3, "ends": 2}),
        ("ends_on", {"ends": rows.MOST_DAYS}),
        ("reason", {"reason": " "}),
        ("deputy_id", {"deputy": "captain"}),
        ("deputy_id", {"deputy": "admin"}),
        ("deputy_id", {"deputy": "manager"}),
    ],
)
def test_a_naming_that_cannot_be_is_refused_at_its_field(make, field, facts):
    with pytest.raises(Invalid) as refused:
        stand_in(make, "manager", **{"deputy": "office", **facts})
    assert refused.value.field == field


def test_another_account_of_oneself_is_no_deputy(make):
    with transaction():
        make.user("manager").employee_number = make.user("office").employee_number = "E-0011"
    with pytest.raises(Invalid):
        stand_in(make, "manager", "office")


def test_nobody_has_two_deputies_at_once_and_only_the_principal_revokes(make):
    given = stand_in(make, "manager", "office", begins=1, ends=3)
    with pytest.raises(Conflict):
        stand_in(make, "manager", "auditor", begins=3, ends=4)
    stand_in(make, "manager", "auditor", begins=4, ends=4)
    for who in ("office", "gm", "admin"):
        with pytest.raises(NotPermitted), transaction():
            deputies.revoke(given, actor=make.user(who))
        with pytest.raises(NotFound):
            rows.own(make.user(who), given.id)
    with transaction():
        deputies.revoke(given, actor=make.user("manager"))
    with pytest.raises(Conflict), transaction():
        deputies.revoke(given, actor=make.user("manager"))
    stand_in(make, "manager", "auditor", begins=3, ends=3)


@pytest.mark.parametrize("who", ["clerk", "office", "captain", "admin", "reader"])
def test_who_signs_nothing_names_nobody(make, sign_in, who):
    assert not make.user(who).roles & SIGNING_ROLES
    with pytest.raises(NotPermitted):
        stand_in(make, who, "auditor")
    client = sign_in(who)
    assert client.get("/deputies/").status_code == 200
    assert client.post("/deputies/", data={"once": token()}).status_code == 403


def test_the_database_itself_refuses_a_deputy_of_himself(make):
    given = stand_in(make, "manager", "office")
    given_id, own = given.id, given.principal_id
    for values in ({"deputy_id": own}, {"ends_on": given.begins_on - timedelta(days=1)}):
        with pytest.raises(IntegrityError), transaction():
            db.session.execute(update(Deputyship).where(Deputyship.id == given_id).values(**values))


def test_naming_and_revoking_are_told_and_journalled(make):
    given = stand_in(make, "chief", "engineer")
    with transaction():
        deputies.revoke(given, actor=make.user("chief"))
    users = make.world.users
    for words in ("请吴工代理孙总工", "孙总工已撤销吴工"):
        told = db.session.scalars(select(Notice.user_id).where(Notice.title.contains(words)))
        assert set(told) == {users["engineer"], users["manager"]}, words
    named, revoked = journal.story("deputyship", given.id)
    assert (named[0].act, revoked[0].act) == ("name_deputy", "revoke_deputy")
    assert named[1]["deputy"] == "吴工"


def test_the_page_names_and_revokes(make, sign_in):
    manager = sign_in("manager")
    page = manager.get("/deputies/").get_data(as_text=True)
    assert "钱审（审计核算部）" in page
    assert "老马" not in page
    assert 'href="/deputies/"' in page
    today = clock.today()
    data = {
        "deputy_id": str(make.user("auditor").id),
        "begins_on": today.isoformat(),
        "ends_on": (today - timedelta(days=1)).isoformat(),
        "reason": "休假",
        "once": token(),
    }
    refused = manager.post("/deputies/", data=data)
    assert refused.status_code == 422
    assert "结束日期不能早于开始日期" in refused.get_data(as_text=True)
    assert 'value="休假"' in refused.get_data(as_text=True)
    data |= {"ends_on": (today + timedelta(days=2)).isoformat(), "once": token()}
    assert manager.post("/deputies/", data=data).status_code == 302
    auditor = sign_in("auditor")
    page = auditor.get("/deputies/").get_data(as_text=True)
    assert "代理中" in page
    assert "赵敏" in page
    given = db.session.scalars(select(Deputyship)).one()
    given_id = given.id
    address = f"/deputies/{given_id}/revoke"
    assert auditor.post(address, data={"once": token()}).status_code == 404
    assert manager.post(address, data={"once": token()}).status_code == 302
    assert "已撤销" in manager.get("/deputies/").get_data(as_text=True)
    assert db.session.get_one(User, make.world.users["auditor"]).acting == ()


# --- accounts -------------------------------------------------------------------------------------------------------


@pytest.mark.clause("3.5.8")
@pytest.mark.parametrize(
    ("principal", "deputy", "stage", "page", "after"),
    [
        ("chief", "lawyer", SettlementStage.CONFIRMED, "certify", SettlementStage.CERTIFIED),
        ("manager", "seller", SettlementStage.SUBMITTED, "review", SettlementStage.RETURNED),
    ],
)
def test_a_deputy_finds_the_account_that_waits_for_his_signature_and_no_other(
    make, sign_in, principal, deputy, stage, page, after
):
    accounts = Settlements(make)
    other = accounts.begun().id
    stand_in(make, principal, deputy)
    settlement = accounts.bring(accounts.begun(), stage)
    waits, order, version = settlement.id, settlement.order_id, settlement.version
    told = select(Notice.path).where(Notice.user_id == make.world.users[deputy])
    assert f"/settlements/{waits}" in db.session.scalars(told).all()
    client = sign_in(deputy)
    mine = client.get("/settlements/?pile=mine").get_data(as_text=True)
    assert (f'href="/settlements/{waits}"' in mine, f"/settlements/{other}" in mine) == (
        True,
        False,
    )
    assert client.get(f"/settlements/{other}").status_code == 404
    for address in (f"/settlements/{waits}", f"/settlements/{waits}/{page}", f"/orders/{order}"):
        assert client.get(address).status_code == 200, address
    button = {"returns": "y", "review": "缺凭证"} if page == "review" else {"reason": "同意"}
    typed = {"version": version, "once": token(), **button}
    assert client.post(f"/settlements/{waits}/{page}", data=typed).status_code == 302
    assert db.session.get_one(Settlement, waits).stage is after
    assert client.get(f"/settlements/{waits}").status_code == 200, "what he signed he reads"
    assert f"/settlements/{waits}" not in client.get("/settlements/?pile=mine").get_data(
        as_text=True
    )


def test_a_deputy_with_a_part_in_it_is_not_asked_for_an_account(make, sign_in):
    stand_in(make, "chief", "engineer")
    accounts = Settlements(make)
    settlement = accounts.bring(accounts.begun(), SettlementStage.CONFIRMED)
    told = select(Notice.path).where(Notice.user_id == make.world.users["engineer"])
    assert f"/settlements/{settlement.id}" not in db.session.scalars(told).all()
    address = f"/settlements/{settlement.id}"
    client = sign_in("engineer")
    assert address not in client.get("/settlements/?pile=mine").get_data(as_text=True)
    assert client.post(f"{address}/certify", data={"version": 9, "once": token()}).status_code in (
        403,
        409,
    )
