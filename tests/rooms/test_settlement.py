"""The account of a repair from the captain's draft to its certification (procedure 3.5.5 to 3.5.8)."""

from datetime import timedelta

import pytest
from flask_migrate import downgrade, upgrade
from sqlalchemy import select

from tests.support.settlements import EXAMPLE, Settlements
from ticketing.casefile.notices.models import Notice
from ticketing.casefile.timers.models import Clock, ClockState
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.kernel.errors import Conflict, Invalid, NotFound, NotPermitted
from ticketing.masters.contractors.models import Contract
from ticketing.masters.people.scope import scope_of
from ticketing.procedure.deadlines import ClockKind
from ticketing.procedure.repairs import ApprovalOutcome, OrderClass, OrderStage
from ticketing.procedure.settlement import Confirmation, PriceBasis, SettlementStage
from ticketing.procedure.vocabulary import Role
from ticketing.steps.settlement import (
    certifying,
    confirming,
    drafting,
    hands,
    lists,
    queries,
    reviewing,
    verifying,
)
from ticketing.steps.settlement.models import Settlement, SettlementLine
from ticketing.steps.settlement.reviewing import Added, Audited
from ticketing.steps.work_orders import approving, supplements


@pytest.fixture
def accounts(make) -> Settlements:
    return Settlements(make)


def running(settlement: Settlement) -> set[ClockKind]:
    return set(
        db.session.scalars(
            select(Clock.kind).where(
                Clock.order_id == settlement.order_id, Clock.state == ClockState.RUNNING
            )
        )
    )


@pytest.mark.clause("3.5.5")
def test_the_account_falls_due_three_working_days_after_the_acceptance(accounts):
    order = accounts.repairs.order(OrderStage.ACCEPTED)
    clocks = db.session.scalars(select(Clock).where(Clock.order_id == order.id)).all()
    assert {one.kind for one in clocks if one.state is ClockState.RUNNING} == {
        ClockKind.COST_STATEMENT
    }


@pytest.mark.clause("3.4.6")
def test_a_contractors_own_work_has_no_account(accounts, make):
    order = accounts.repairs.order(OrderStage.TRANSFERRED)
    with pytest.raises(Conflict, match="验收之后"):
        drafting.draft(order, actor=make.user("captain"))


@pytest.mark.clause("3.5.5")
def test_only_the_captain_of_the_order_drafts_its_account_and_only_once(accounts, make):
    order = accounts.repairs.order(OrderStage.ACCEPTED)
    for name in ("manager", "office", "auditor", "finance", "gm"):
        with pytest.raises(NotPermitted):
            drafting.draft(order, actor=make.user(name))
    with transaction():
        drafting.draft(order, actor=make.user("captain"))
    with pytest.raises(Conflict, match="已经有决算书"):
        drafting.draft(order, actor=make.user("captain"))


@pytest.mark.clause("3.5.6")
def test_an_order_waits_for_its_account_until_the_captain_begins_it(accounts, make):
    order = accounts.repairs.order(OrderStage.ACCEPTED)
    scope, version = make.scope("captain"), order.version
    assert [one.id for one in queries.to_account(scope)] == [order.id]
    assert queries.count_to_account(scope) == 1
    with transaction():
        account = drafting.draft(order, actor=make.user("captain"))
    assert (queries.count_to_account(scope), list(queries.to_account(scope))) == (0, [])
    assert (order.accounted_at, order.version) == (account.drafted_at, version)
    assert verifying.verify().faults == []
    with transaction():
        order.accounted_at = None
    assert verifying.verify().faults == [f"派工单 {order.number}：所记决算书编制时间与决算书不符"]


def test_the_worked_example_comes_out_to_the_fen(accounts):
    settlement = accounts.bring(accounts.of_class_b(), SettlementStage.REVIEWED)
    assert settlement.submitted_fen == 270_572
    assert settlement.approved_fen == 246_668
    assert settlement.tax_fen == 20_367
    assert settlement.cut is not None
    assert settlement.cut == (23_904, 883)
    assert [one.submitted_fen for one in settlement.lines] == [36_000, 159_030, 26_000, 27_201]
    assert [one.approved_fen for one in settlement.lines] == [27_500, 145_600, 26_000, 27_201]


@pytest.mark.clause("2.7")
@pytest.mark.parametrize(
    ("fen", "route"),
    [
        (1_999_999, Role.CS_MANAGER),
        (2_000_000, Role.AUDITOR),
        (2_000_001, Role.AUDITOR),
    ],
)
def test_from_twenty_thousand_on_the_audit_reviews(accounts, fen, route):
    settlement = accounts.costing(accounts.of_class_b(estimate_fen=fen), fen)
    accounts.bring(settlement, SettlementStage.SUBMITTED)
    assert settlement.submitted_fen == fen
    assert settlement.route is route
    kind = ClockKind.AUDIT if route is Role.AUDITOR else ClockKind.CS_REVIEW
    assert running(settlement) == {kind}


@pytest.mark.clause("2.7")
def test_a_cut_below_the_limit_does_not_change_the_reviewer(accounts):
    settlement = accounts.costing(accounts.of_class_b(estimate_fen=2_000_000), 2_100_000)
    accounts.bring(settlement, SettlementStage.SUBMITTED)
    accounts.reviewed(settlement, [(1_000, 15_000_000)])
    assert settlement.approved_fen == 1_500_000
    assert settlement.reviewed_by is not None
    assert settlement.reviewed_by.username == "auditor"


@pytest.mark.clause("3.5.6")
def test_more_than_handed_in_needs_a_reason(accounts, make):
    s = accounts.bring(accounts.of_class_b(), SettlementStage.SUBMITTED)
    terms = {"basis": s.basis, "vat_bp": 900, "management_bp": 0, "actor": make.user("manager")}
    first = s.lines[0]
    more = Audited(first.id, first.quantity_milli, first.price_milli + 1)
    with pytest.raises(Invalid, match="第 1 行：审定高于申报"), transaction():
        reviewing.audit_lines(s, version=s.version, audited=[more], **terms)
    with transaction():
        reviewing.audit_lines(
            s, version=s.version, audited=[more._replace(why="信息价上调")], **terms
        )
    assert s.lines[0].why == "信息价上调"


@pytest.mark.clause("3.5.6")
def test_a_line_the_reviewer_adds_was_handed_in_as_nothing(accounts, make):
    s = accounts.bring(accounts.of_class_b(), SettlementStage.SUBMITTED)
    added = Added(EXAMPLE[0].source, "垃圾清运", "车", 1_000, 80_000, "漏报")
    terms = {"basis": s.basis, "vat_bp": 900, "management_bp": 0, "actor": make.user("manager")}
    with pytest.raises(Invalid, match="请写明原因"), transaction():
        reviewing.audit_lines(
            s, version=s.version, audited=[], added=[added._replace(why="")], **terms
        )
    quoted = added._replace(source=EXAMPLE[1].source)
    with pytest.raises(Invalid, match="定额编号"), transaction():
        reviewing.audit_lines(s, version=s.version, audited=[], added=[quoted], **terms)
    with transaction():
        reviewing.audit_lines(s, version=s.version, audited=[], added=[added], **terms)
    line = s.lines[-1]
    assert (line.submitted_fen, line.approved_fen) == (0, 8_000)


@pytest.mark.clause("2.7")
@pytest.mark.parametrize(
    ("estimate", "handed_in", "rate", "sentence"),
    [
        (1_900_000, 1_999_999, 0, None),
        (1_900_000, 1_999_999, 1, "须由审计核算部审核"),
        (80_000, 88_000, 0, None),
        (80_000, 88_000, 1, "补充审批"),
    ],
)
def test_what_a_review_adds_passes_by_neither_audit_nor_approval(
    accounts, make, estimate, handed_in, rate, sentence
):
    s = accounts.costing(accounts.of_class_b(estimate_fen=estimate), handed_in)
    accounts.bring(s, SettlementStage.SUBMITTED)
    lines = [Audited(one.id, one.quantity_milli, one.price_milli) for one in s.lines]
    facts = {"version": s.version, "audited": lines, "review": "加管理费"}
    terms = {"basis": s.basis, "vat_bp": 900, "management_bp": rate}
    if sentence is None:
        with transaction():
            reviewing.finish(s, **facts, **terms, actor=make.user("manager"))
        assert s.approved_fen == handed_in
        return
    with pytest.raises(Invalid, match=sentence), transaction():
        reviewing.finish(s, **facts, **terms, actor=make.user("manager"))
    assert db.session.get_one(Settlement, s.id).stage is SettlementStage.SUBMITTED


@pytest.mark.clause("3.5.6")
def test_no_review_is_finished_while_a_line_is_open(accounts, make):
    s = accounts.bring(accounts.of_class_b(), SettlementStage.SUBMITTED)
    with pytest.raises(Invalid, match="第 1 行还没有审定"), transaction():
        reviewing.finish(
            s,
            version=s.version,
            audited=[],
            basis=s.basis,
            vat_bp=900,
            management_bp=0,
            review="同意",
            actor=make.user("manager"),
        )


@pytest.mark.clause("3.5.6")
def test_what_was_handed_in_stays_when_an_account_goes_back(accounts):
    s = accounts.bring(accounts.of_class_b(), SettlementStage.RETURNED)
    assert s.revision == 2
    accounts.costing(s, 100_000)
    kept = db.session.scalars(
        select(SettlementLine.submitted_fen)
        .where(SettlementLine.settlement_id == s.id, SettlementLine.revision == 1)
        .order_by(SettlementLine.position)
    ).all()
    assert kept == [36_000, 159_030, 26_000, 27_201]
    assert [one.submitted_fen for one in s.lines] == [100_000]
    assert running(s) == {ClockKind.COST_STATEMENT}


@pytest.mark.clause("3.5.7")
def test_a_class_a_account_waits_for_its_contractor(accounts, make):
    s = accounts.bring(accounts.begun(), SettlementStage.REVIEWED)
    assert s.order_class is OrderClass.A
    accounts.compiled(s)
    assert s.chargeback_fen == s.approved_fen
    with pytest.raises(Conflict, match="施工单位确认"), transaction():
        certifying.certify(s, version=s.version, opinion="", actor=make.user("chief"))


def saying(accounts, silence):
    """The contract says, from now on, whether silence counts."""
    contract = db.session.get_one(Contract, accounts.contract())
    with transaction():
        contract.deemed_confirmation = silence
        contract.agreement = f"售后维修补充协议（{'有' if silence else '无'}视同条款）"


@pytest.mark.clause("3.5.7")
@pytest.mark.parametrize("silence", [True, False])
def test_silence_counts_as_the_agreement_said_when_the_contractor_was_notified(
    accounts, make, silence
):
    auditor, s = make.user("auditor"), accounts.begun()
    saying(accounts, silence)
    accounts.bring(s, SettlementStage.CONFIRMING)
    saying(accounts, not silence)
    assert s.answer_due_on is not None
    with pytest.raises(Conflict, match="尚未催告"), transaction():
        confirming.remind(s, version=s.version, evidence="EMS 1", actor=auditor)
    with clock.held(clock.at(s.answer_due_on + timedelta(days=1), 10)):
        with transaction():
            confirming.remind(s, version=s.version, evidence="EMS 1", actor=auditor)
        over = s.answer_due_on + timedelta(days=1)
    with clock.held(clock.at(over, 10)):
        if not silence:
            with pytest.raises(Conflict, match="视同确认"), transaction():
                confirming.deem(s, version=s.version, actor=auditor)
            return
        with transaction():
            confirming.deem(s, version=s.version, actor=auditor)
    assert s.confirmation is Confirmation.DEEMED
    assert "（有视同条款）" in s.confirmation_evidence
    assert running(s) == {ClockKind.CERTIFICATION}


@pytest.mark.clause("3.5.7")
def test_an_account_notified_anew_goes_by_the_agreement_of_that_day(accounts, make):
    saying(accounts, True)
    s = accounts.bring(accounts.begun(), SettlementStage.DISPUTED)
    assert s.silence_confirms
    with transaction():
        confirming.review_again(s, version=s.version, reason="核单价", actor=make.user("auditor"))
    assert (s.silence_confirms, s.agreement) == (False, "")
    saying(accounts, False)
    accounts.reviewed(s)
    accounts.compiled(s)
    accounts.bring_on(s, SettlementStage.CONFIRMING)
    assert not s.silence_confirms
    assert "（无视同条款）" in s.agreement


def test_accounts_notified_before_take_what_the_contract_says_when_the_columns_come(accounts):
    notified = accounts.bring(accounts.begun(), SettlementStage.CONFIRMING).id
    waiting = accounts.bring(accounts.begun(), SettlementStage.REVIEWED).id
    saying(accounts, True)
    db.session.remove()
    downgrade(revision="0019")
    upgrade()
    one, other = (db.session.get_one(Settlement, key) for key in (notified, waiting))
    assert (one.silence_confirms, one.agreement) == (True, "售后维修补充协议（有视同条款）")
    assert (other.silence_confirms, other.agreement) == (False, "")


@pytest.mark.clause("3.5.7")
def test_an_objection_is_reviewed_again_from_what_was_approved(accounts, make):
    s = accounts.bring(accounts.begun(), SettlementStage.DISPUTED)
    with transaction():
        confirming.review_again(s, version=s.version, reason="核单价", actor=make.user("auditor"))
    assert s.stage is SettlementStage.SUBMITTED
    assert (s.notified_at, s.contract_id, s.approved_fen) == (None, None, None)
    assert [one.approved_fen for one in s.lines] == [27_500, 145_600, 26_000, 27_201]
    assert running(s) == {ClockKind.CS_REVIEW}


@pytest.mark.clause("2.6")
def test_the_contractor_is_charged_more_only_by_his_agreement(accounts):
    s = accounts.bring(accounts.begun(), SettlementStage.REVIEWED)
    with transaction():
        contract = db.session.get(Contract, accounts.contract())
        assert contract is not None
        contract.agreement = ""
    with pytest.raises(Invalid, match="补充协议"):
        accounts.compiled(s, admin_bp=500)
    with transaction():
        contract.agreement = "售后维修补充协议"
    accounts.compiled(s, admin_bp=500, penalty_fen=10_000)
    assert s.approved_fen == 246_668
    assert s.chargeback_fen == 269_001


@pytest.mark.clause("3.5.1")
def test_a_class_b_account_is_never_charged_to_a_contractor(accounts):
    s = accounts.bring(accounts.of_class_b(), SettlementStage.REVIEWED)
    with pytest.raises(Invalid, match="B类费用由公司承担"):
        accounts.compiled(s, contract_id=accounts.contract())


@pytest.mark.clause("3.5.8")
def test_certification_sends_an_account_to_finance(accounts, make):
    s = accounts.bring(accounts.of_class_b(), SettlementStage.CERTIFIED)
    assert running(s) == {ClockKind.PAYMENT}
    told = db.session.scalars(
        select(Notice.title).where(Notice.user_id == make.user("finance").id)
    ).all()
    assert any("请拨付" in title for title in told)


@pytest.mark.clause("3.5.8")
def test_nobody_takes_two_steps_of_one_account(accounts, make):
    """The reviewer of an account does not certify it, under whatever role (trust: S1, S11)."""
    s = accounts.bring(accounts.of_class_b(), SettlementStage.REVIEWED)
    accounts.compiled(s)
    with transaction():
        make.user("chief").employee_number = make.user("manager").employee_number = "E-77"
    with pytest.raises(NotPermitted), transaction():
        certifying.certify(s, version=s.version, opinion="", actor=make.user("chief"))
    with transaction():
        certifying.certify(s, version=s.version, opinion="", actor=make.user("deputy_gm"))
    assert s.certified_by is not None
    assert s.certified_by.username == "deputy_gm"


@pytest.mark.clause("3.5.6")
def test_a_manager_with_a_part_in_the_repair_leaves_the_review_to_audit(accounts, make):
    """Where the one manager is handler of the ticket, it goes one rung up (trust: S3, S12)."""
    s = accounts.priced(accounts.of_class_b())
    with transaction():
        s.ticket.handler_id = make.user("manager").id
    accounts.bring(s, SettlementStage.SUBMITTED)
    assert s.route is Role.AUDITOR
    with pytest.raises(NotPermitted), transaction():
        reviewing.send_back(s, version=s.version, reason="看看", actor=make.user("manager"))


@pytest.mark.clause("3.5.6")
def test_a_review_goes_up_when_nobody_is_left_for_it_after_the_account_was_sent(accounts, make):
    """The one manager leaves while it waits for him: audit finds it among its own and reviews it (trust: S12)."""
    s = accounts.bring(accounts.of_class_b(), SettlementStage.SUBMITTED)
    auditor = make.user("auditor")
    assert s.route is Role.CS_MANAGER
    assert not lists.counts(scope_of(auditor)).piles[lists.Pile.MINE]
    with pytest.raises(NotPermitted), transaction():
        reviewing.send_back(s, version=s.version, reason="看看", actor=auditor)
    with transaction():
        make.user("manager").active = False
    assert hands.reviewing_role(s) is Role.AUDITOR
    assert lists.counts(scope_of(auditor)).piles[lists.Pile.MINE] == 1
    accounts.reviewed(s)
    assert s.reviewed_by is auditor
    assert s.route is Role.AUDITOR
    assert s.stage is SettlementStage.REVIEWED


@pytest.mark.clause("3.5.6")
def test_an_open_page_is_told_when_another_has_changed_the_account(accounts, make):
    s = accounts.bring(accounts.of_class_b(), SettlementStage.SUBMITTED)
    seen = s.version
    line = s.lines[0]
    kept = Audited(line.id, line.quantity_milli, line.price_milli)
    terms = {"basis": PriceBasis.EXCLUSIVE, "vat_bp": 900, "management_bp": 0}
    with transaction():
        reviewing.audit_lines(s, version=seen, audited=[kept], actor=make.user("manager"), **terms)
    with pytest.raises(Conflict, match="已被他人修改"), transaction():
        reviewing.audit_lines(s, version=seen, audited=[kept], actor=make.user("manager"), **terms)


def test_an_account_is_seen_by_those_whose_business_it_is(accounts, make):
    s = accounts.begun()
    seeing = {"captain", "office", "office2", "manager", "auditor", "chief", "deputy_gm", "gm"}
    for name in ("clerk", "far_clerk", "handler", "engineer", "admin", "reader"):
        with pytest.raises(NotFound):
            queries.settlement_for(scope_of(make.user(name)), s.id)
    for name in (*seeing, "finance", "cashier"):
        assert queries.settlement_for(scope_of(make.user(name)), s.id).id == s.id


@pytest.mark.clause("3.6.1")
@pytest.mark.parametrize(("fen", "again"), [(88_000, False), (88_001, True)])
def test_more_than_a_tenth_above_the_estimate_is_approved_again(accounts, make, fen, again):
    s = accounts.costing(accounts.of_class_b(estimate_fen=80_000), fen)
    accounts.bring(s, SettlementStage.SUBMITTED)
    if not again:
        assert supplements.supplement_state(s.order) is None
        assert accounts.reviewed(s).stage is SettlementStage.REVIEWED
        return
    with pytest.raises(Conflict, match="补充审批"):
        accounts.reviewed(s)
    db.session.rollback()
    with transaction():
        approving.approve(
            s.order, version=s.order.version, reason="实际面积较大", actor=make.user("manager")
        )
    assert supplements.approved_fen(s.order) == fen
    db.session.expire_all()
    assert accounts.reviewed(s).stage is SettlementStage.REVIEWED


@pytest.mark.clause("3.6.1")
def test_what_was_asked_for_an_account_that_went_back_is_approved_no_more(accounts, make):
    s = accounts.costing(accounts.of_class_b(estimate_fen=80_000), 400_000)
    accounts.bring(s, SettlementStage.SUBMITTED)
    asked = supplements.supplement_state(s.order)
    assert asked is not None
    with transaction():
        reviewing.send_back(s, version=s.version, reason="数量不实", actor=make.user("manager"))
    assert asked.outcome is ApprovalOutcome.VOID
    with pytest.raises(NotPermitted, match="不轮到您"), transaction():
        approving.approve(s.order, version=s.order.version, reason="", actor=make.user("manager"))
    accounts.costing(s, 82_000)
    accounts.bring(s, SettlementStage.SUBMITTED)
    assert supplements.approved_fen(s.order) == 80_000
    assert accounts.reviewed(s).stage is SettlementStage.REVIEWED
