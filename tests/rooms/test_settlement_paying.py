"""From the certified account to the money: what is booked, deducted, paid once, and undone (procedure 2.6, 3.5.9)."""

import pytest
from sqlalchemy import text

from tests.rooms.test_payments import parallel
from tests.support.repairs import LEAK
from tests.support.settlements import Settlements
from ticketing.books.ledger import accounts as books
from ticketing.books.ledger import commands as ledger
from ticketing.books.ledger import reversing
from ticketing.books.ledger.verifying import verify
from ticketing.books.payments import commands as payments
from ticketing.books.payments.models import Payment
from ticketing.books.retention.queries import open_items
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.kernel.errors import Conflict, NotPermitted
from ticketing.masters.contractors import commands as contractors
from ticketing.masters.contractors.models import Contract
from ticketing.masters.people.models import User
from ticketing.procedure.accounts import EntryKind, PaymentState, Purpose
from ticketing.procedure.repairs import Cause, OrderClass, OrderStage
from ticketing.procedure.settlement import SettlementStage
from ticketing.steps.settlement import booking, certifying, verifying
from ticketing.steps.settlement.models import Settlement


@pytest.fixture
def accounts(make) -> Settlements:
    return Settlements(make)


def deposit(accounts: Settlements, fen: int) -> Contract:
    """Open the retention of the plumbing contract with `fen`."""
    contract = db.session.get(Contract, accounts.contract())
    assert contract is not None
    with transaction():
        ledger.post(
            EntryKind.RETENTION_OPENING,
            [
                ledger.debit(books.contract_price(contract.contractor), fen),
                ledger.credit(books.retention(contract), fen),
            ],
            text="质保金入账",
            source=f"contract:{contract.id}",
            actor=accounts.make.user("finance"),
            at=clock.now(),
        )
    return contract


def prepared(accounts: Settlements, settlement: Settlement, by: str = "finance") -> Payment:
    with transaction():
        return payments.prepare(
            purpose=Purpose.SETTLEMENT,
            source=booking.source_of(settlement),
            actor=accounts.make.user(by),
        )


def released(accounts: Settlements, payment: Payment, by: str = "cashier") -> Payment:
    with transaction():
        return payments.release(
            payment,
            version=payment.version,
            paid_on=clock.today(),
            bank_reference="BK-1",
            actor=accounts.make.user(by),
        )


def paid(accounts: Settlements, settlement: Settlement) -> Payment:
    return released(accounts, prepared(accounts, settlement))


def undone(accounts: Settlements, kind: EntryKind, settlement: Settlement) -> None:
    """Finance asks for the reversal, audit agrees."""
    entry = ledger.standing(booking.source_of(settlement), kind)
    assert entry is not None
    with transaction():
        request = reversing.ask_reversal(
            entry, reason="账号有误", actor=accounts.make.user("finance")
        )
    with transaction():
        reversing.settle_reversal(
            request, agreed=True, answer="", actor=accounts.make.user("auditor")
        )


def standing_of(settlement: Settlement, contract: Contract) -> dict[str, int]:
    """What stands on the accounts an account of class A or B touches, debit positive."""
    community = settlement.ticket.community
    return {
        "payable": ledger.balance(books.payable()),
        "bank": ledger.balance(books.bank()),
        "cost": ledger.balance(books.repair_cost(settlement.order_class, community)),
        "retention": ledger.balance(books.retention(contract)),
        "receivable": ledger.balance(books.receivable(contract.contractor)),
    }


@pytest.mark.clause("3.5.9")
@pytest.mark.clause("2.6")
@pytest.mark.parametrize(
    ("held", "retention", "receivable"),
    [(1_000_000, -753_332, 0), (246_668, 0, 0), (100_000, 0, 146_668), (0, 0, 246_668)],
)
def test_class_a_is_paid_and_deducted_in_one_go(accounts, held, retention, receivable):
    s = accounts.bring(accounts.begun(), SettlementStage.CERTIFIED)
    contract = deposit(accounts, held) if held else db.session.get(Contract, accounts.contract())
    assert standing_of(s, contract)["payable"] == -246_668
    payment = paid(accounts, s)
    assert payment.amount_fen == 246_668
    assert standing_of(s, contract) == {
        "payable": 0,
        "bank": -246_668,
        "cost": 0,
        "retention": retention,
        "receivable": receivable,
    }
    assert (s.stage, s.deducted_fen) == (SettlementStage.PAID, min(held, 246_668))
    assert verify().faults == []


@pytest.mark.clause("3.5.1")
def test_class_b_is_never_deducted(accounts):
    s = accounts.bring(accounts.of_class_b(), SettlementStage.CERTIFIED)
    contract = deposit(accounts, 1_000_000)
    paid(accounts, s)
    told = standing_of(s, contract)
    assert (told["retention"], told["receivable"]) == (-1_000_000, 0)
    assert told["cost"] == 246_668


def test_what_the_agreement_adds_is_income_of_the_house(accounts):
    s = accounts.bring(accounts.begun(), SettlementStage.REVIEWED)
    accounts.compiled(s, admin_bp=500, penalty_fen=10_000)
    accounts.bring_on(s, SettlementStage.CERTIFIED)
    contract = deposit(accounts, 1_000_000)
    paid(accounts, s)
    assert standing_of(s, contract)["retention"] == -(1_000_000 - 269_001)
    assert ledger.balance(books.agency_income()) == -(269_001 - 246_668)


@pytest.mark.clause("3.5.9")
def test_only_a_certified_account_is_paid_and_only_once(accounts):
    s = accounts.bring(accounts.of_class_b(), SettlementStage.REVIEWED)
    with pytest.raises(Conflict, match="不能付款"):
        prepared(accounts, s)
    db.session.rollback()
    accounts.compiled(s)
    accounts.bring_on(s, SettlementStage.CERTIFIED)
    payment = prepared(accounts, s)
    with pytest.raises(Conflict, match="不能重复付款"):
        prepared(accounts, s)
    db.session.rollback()
    released(accounts, payment)
    with pytest.raises(Conflict):
        released(accounts, payment)
    db.session.rollback()
    with pytest.raises(Conflict):
        prepared(accounts, s)


@pytest.mark.clause("3.5.9")
def test_who_had_a_hand_in_an_account_does_not_pay_it(accounts, make):
    """The accountant and the cashier are other accounts of its certifier (trust: S1, S11)."""
    s = accounts.bring(accounts.of_class_b(), SettlementStage.CERTIFIED)
    with transaction():
        make.user("chief").employee_number = make.user("finance").employee_number = "E-12"
    with pytest.raises(NotPermitted, match="编制、审核或认定"):
        prepared(accounts, s)
    db.session.rollback()
    with transaction():
        make.user("finance").employee_number = "E-13"
    payment = prepared(accounts, s)
    with transaction():
        make.user("cashier").employee_number = "E-12"
    with pytest.raises(NotPermitted, match="编制、审核或认定"):
        released(accounts, payment)


@pytest.mark.clause("3.5.9")
def test_a_reversed_payment_owes_again_and_gives_the_deposit_back(accounts):
    s = accounts.bring(accounts.begun(), SettlementStage.CERTIFIED)
    contract = deposit(accounts, 1_000_000)
    payment = paid(accounts, s)
    undone(accounts, EntryKind.PAYMENT, s)
    assert payment.state is PaymentState.REVERSED
    assert (s.stage, s.deducted_fen, s.paid_at) == (SettlementStage.CERTIFIED, 0, None)
    assert standing_of(s, contract)["retention"] == -1_000_000
    paid(accounts, s)
    assert s.stage is SettlementStage.PAID
    assert standing_of(s, contract)["retention"] == -753_332
    assert verify().faults == []


@pytest.mark.clause("3.5.8")
def test_an_undone_certification_is_reviewed_again(accounts):
    s = accounts.bring(accounts.of_class_b(), SettlementStage.CERTIFIED)
    undone(accounts, EntryKind.ACCRUAL, s)
    assert s.stage is SettlementStage.SUBMITTED
    assert s.certified_at is None
    assert ledger.balance(books.payable()) == 0
    cost = books.repair_cost(OrderClass.B, s.ticket.community)
    assert ledger.balance(cost) == 0
    accounts.reviewed(s)
    accounts.compiled(s)
    accounts.bring_on(s, SettlementStage.CERTIFIED)
    assert ledger.balance(books.payable()) == -246_668


def test_a_paid_account_is_not_undone_before_its_payment(accounts):
    s = accounts.bring(accounts.of_class_b(), SettlementStage.CERTIFIED)
    paid(accounts, s)
    with pytest.raises(Conflict):
        undone(accounts, EntryKind.ACCRUAL, s)


@pytest.mark.clause("3.6.2")
def test_a_repair_stands_open_against_the_deposit_until_it_is_deducted(accounts):
    contract = deposit(accounts, 100_000)
    settlement = accounts.begun()

    def standing_open() -> list[tuple[str, int | None]]:
        return [(one.path, one.amount_fen) for one in open_items([contract])[contract.id]]

    path = f"/settlements/{settlement.id}"
    accounts.bring(settlement, SettlementStage.SUBMITTED)
    assert standing_open() == [(path, 270_572)]
    accounts.compiled(accounts.reviewed(settlement), penalty_fen=1_000)
    assert standing_open() == [(path, 247_668)]
    accounts.bring_on(settlement, SettlementStage.CERTIFIED)
    assert standing_open() == [(path, 247_668)]
    paid(accounts, settlement)
    assert standing_open() == []


@pytest.mark.clause("3.6.2")
def test_an_accepted_repair_without_an_account_stands_open_too(accounts):
    contract = deposit(accounts, 100_000)
    order = accounts.repairs.order(OrderStage.ACCEPTED, LEAK, cause=Cause.WORKMANSHIP)
    (item,) = open_items([contract])[contract.id]
    assert (item.path, item.amount_fen) == (f"/orders/{order.id}", order.estimate_fen)


def test_what_stands_open_is_linked_for_those_who_may_read_it(accounts, sign_in):
    contract = deposit(accounts, 100_000)
    settlement = accounts.bring(accounts.begun(), SettlementStage.SUBMITTED)
    page, link = f"/finance/retention/{contract.id}", f'href="/settlements/{settlement.id}"'
    number = settlement.number
    for name, linked in (("engineer", False), ("finance", True), ("cashier", True)):
        shown = sign_in(name).get(page).get_data(as_text=True)
        assert (number in shown, link in shown) == (True, linked), name


@pytest.mark.clause("3.5.9")
def test_every_stage_of_an_account_agrees_with_the_books(accounts):
    deposit(accounts, 100_000)
    settlement = accounts.begun()
    for stage in SettlementStage:
        if stage in BRINGS:
            accounts.bring(accounts.begun(), stage)
        assert verifying.verify().faults == []
    accounts.bring(settlement, SettlementStage.CERTIFIED)
    paid(accounts, settlement)
    assert verifying.verify().faults == []
    undone(accounts, EntryKind.PAYMENT, settlement)
    undone(accounts, EntryKind.ACCRUAL, settlement)
    assert verifying.verify() == (6, [])


BRINGS = (
    frozenset(SettlementStage)
    - {SettlementStage.PAID, SettlementStage.DRAFTING}
    - {
        SettlementStage.CERTIFIED,
        SettlementStage.CONFIRMED,
    }
)


@pytest.mark.clause("3.5.9")
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("settlement SET approved_fen = approved_fen - 1", "审定合计记 2,466.67"),
        ("settlement SET tax_fen = tax_fen + 1", "审定合计记 2,466.68"),
        ("settlement SET chargeback_fen = 1", "扣回额记 0.01，应为 2,466.68"),
        ("settlement SET deducted_fen = 0", "实为 认定 2,466.68"),
        ("settlement SET stage = 'certified', paid_at = NULL", "放款与审定合计不符"),
        ("settlement SET contract_id = contract_id - 1", "内容与认定时所见不同"),
        ("settlement_line SET item = '换了名目'", "内容与认定时所见不同"),
        ("settlement_line SET submitted_fen = submitted_fen + 1", "第 1 行：合计与数量、单价不符"),
    ],
)
def test_verify_finds_an_account_altered_behind_the_commands(accounts, app, change, sentence):
    deposit(accounts, 100_000)
    settlement = accounts.begun()
    accounts.bring(settlement, SettlementStage.CERTIFIED)
    paid(accounts, settlement)
    with transaction():
        db.session.execute(text(f"UPDATE {change}"))
    told = app.test_cli_runner().invoke(args=["ledger", "verify"])
    assert told.exit_code == 1
    assert sentence in told.output


@pytest.mark.clause("2.6")
@pytest.mark.parametrize("bound_by", ["deposit", "account"])
@pytest.mark.parametrize("name", ["contractor_id", "community_id"])
def test_a_contract_with_money_under_it_goes_to_nobody_else(accounts, make, bound_by, name):
    contract = db.session.get_one(Contract, accounts.contract())
    facts = {
        "number": contract.number,
        "contractor_id": contract.contractor_id,
        "community_id": contract.community_id,
        "trades": [one.trade for one in contract.trades],
        "completed_on": contract.completed_on,
        "liability_months": contract.liability_months,
        "retention_fen": contract.retention_fen + 100,
        "agreement": contract.agreement,
        "deemed_confirmation": False,
        "actor": make.user("manager"),
    }
    other = {
        "contractor_id": make.world.contractors["榕建集团"],
        "community_id": make.world.communities["HT"],
    }
    moved = facts | {name: other[name]}
    with transaction():
        contractors.save_contract(contract, **moved)
        contractors.save_contract(contract, **facts)
    if bound_by == "deposit":
        deposit(accounts, 100_000)
    else:
        settlement = accounts.bring(accounts.begun(), SettlementStage.REVIEWED)
        accounts.compiled(settlement)
    with pytest.raises(Conflict, match="请另立一份合同") as refused, transaction():
        contractors.save_contract(contract, **moved)
    assert refused.value.field == name
    with transaction():
        contractors.save_contract(contract, **facts)


@pytest.mark.clause("3.5.8")
def test_twenty_certifications_at_once_make_one(accounts, make, app):
    settlement = accounts.bring(accounts.begun(), SettlementStage.CONFIRMED)
    paper, version, chief = settlement.id, settlement.version, make.world.users["chief"]

    def work() -> int:
        with transaction():
            certified = certifying.certify(
                db.session.get_one(Settlement, paper),
                version=version,
                opinion="",
                actor=db.session.get_one(User, chief),
            )
            return certified.id

    answers = parallel(app, [work] * 20)
    assert (answers.count(paper), answers.count(Conflict)) == (1, 19)
    db.session.rollback()
    assert ledger.balance(books.payable()) == -246_668
    assert verifying.verify().faults == []
