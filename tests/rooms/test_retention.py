"""Deposits: entered by two, deducted as far as they go, owed beyond, paid back after verification and opinion."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from tests.pages.helpers import token
from tests.rooms.test_order_approval import second_account
from tests.support.repairs import Repairs
from ticketing.books.ledger import accounts, reversing, verifying
from ticketing.books.ledger import queries as ledger
from ticketing.books.ledger.commands import balance, open_book, post
from ticketing.books.payments import commands as payments
from ticketing.books.payments import queries as paid
from ticketing.books.retention import alerts, commands, queries, releasing
from ticketing.casefile.notices.models import Notice
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.kernel.errors import Conflict, Invalid, NotPermitted
from ticketing.masters.contractors.models import Contract
from ticketing.procedure.accounts import PaymentState, Purpose, ReleaseStage
from ticketing.procedure.repairs import OrderClass, OrderStage
from ticketing.procedure.vocabulary import Role


@pytest.fixture
def contract(make):
    return db.session.scalars(select(Contract).where(Contract.number == "YX-TJ-01")).one()


def sound():
    assert verifying.verify().faults == []
    assert paid.verify().faults == []
    assert queries.verify() == []


def entered(make, contract, actor="finance"):
    with transaction():
        return commands.enter_deposit(
            contract, voucher="记-2023-1188", on=date(2024, 1, 5), actor=make.user(actor)
        )


def settled(make, deposit, actor="auditor", agreed=True, answer=""):
    with transaction():
        return commands.settle_deposit(
            deposit, agreed=agreed, answer=answer, actor=make.user(actor)
        )


def opened(make, contract):
    return settled(make, entered(make, contract))


def deducted(make, contract, charge, cost, source="settlement:1", at=None, on=None):
    """What the release of a class A settlement books."""
    with transaction():
        open_book()
        one = commands.deduction(
            contract=contract,
            contractor=contract.contractor,
            community=contract.community,
            charge_fen=charge,
            cost_fen=cost,
            text="扣回",
        )
        when = {"at": at or clock.now(), "on": on}
        return post(
            one.kind, one.lines, text=one.text, source=source, actor=make.user("cashier"), **when
        )


@pytest.mark.clause("2.6")
def test_finance_enters_what_the_contract_says_and_audit_agrees(make, contract):
    with pytest.raises(NotPermitted):
        entered(make, contract, "auditor")
    deposit = entered(make, contract)
    assert deposit.amount_fen == 50_000_000
    assert ledger.held(contract.id) == 0
    with pytest.raises(Conflict, match="等待审计"):
        entered(make, contract)
    for name in ("finance", "cashier", "manager", "gm"):
        with pytest.raises(NotPermitted):
            settled(make, deposit, name)
    with pytest.raises(Invalid, match="原因"):
        settled(make, deposit, agreed=False)
    settled(make, deposit)
    assert ledger.held(contract.id) == 50_000_000
    with pytest.raises(Conflict, match="全部入账"):
        entered(make, contract)
    sound()


def test_who_entered_a_deposit_does_not_agree_to_it_under_another_account(make, contract):
    second_account(make, "fin", "冯会计", [Role.FINANCE], "E7")
    second_account(make, "aud", "冯会计二", [Role.AUDITOR], "E7")
    deposit = entered(make, contract, "fin")
    with pytest.raises(NotPermitted, match="两人"):
        settled(make, deposit, "aud")


def test_a_raised_contract_is_entered_by_its_difference_and_a_changed_one_anew(make, contract):
    opened(make, contract)
    with transaction():
        contract.retention_fen += 1_000
    deposit = entered(make, contract)
    assert deposit.amount_fen == 1_000
    with transaction():
        contract.retention_fen += 1
    with pytest.raises(Conflict, match="金额已变"):
        settled(make, deposit)
    settled(make, deposit, agreed=False, answer="合同又改了")
    settled(make, entered(make, contract))
    assert ledger.held(contract.id) == 50_001_001
    sound()


@pytest.mark.clause("2.7")
def test_a_reversed_deposit_is_entered_anew(make, contract):
    deposit = opened(make, contract)
    with transaction():
        entry = ledger.entries(ledger.Wanted(source=deposit.source))[0][0]
        asked = reversing.ask_reversal(entry, reason="凭证号错", actor=make.user("finance"))
        reversing.settle_reversal(asked, agreed=True, answer="", actor=make.user("auditor"))
    assert queries.entered(contract.id) == 0
    opened(make, contract)
    sound()


@pytest.mark.clause("3.5.9")
def test_a_repair_is_deducted_as_far_as_the_deposit_goes_and_the_rest_is_owed(make, contract):
    opened(make, contract)
    with transaction():
        contract.retention_fen = 50_000_000
    deducted(make, contract, 49_900_000, 49_900_000)
    entry = deducted(make, contract, 300_000, 246_668, "settlement:2")
    assert [
        (line.account.kind.value, line.amount_fen) for line in ledger.entry(entry.id).lines
    ] == [
        ("retention", 100_000),
        ("receivable", 200_000),
        ("repair_cost_a", -246_668),
        ("agency_income", -53_332),
    ]
    assert (ledger.held(contract.id), ledger.owed(contract.contractor_id)) == (0, 200_000)
    entry = deducted(make, contract, 100, 150, "settlement:3")
    assert [line.amount_fen for line in ledger.entry(entry.id).lines] == [100, -100]
    sound()


def test_without_a_contract_on_file_all_of_it_is_owed(make, contract):
    with transaction():
        one = commands.deduction(
            contract=None,
            contractor=contract.contractor,
            community=contract.community,
            charge_fen=500,
            cost_fen=500,
            text="扣回",
        )
    assert [line.amount_fen for line in one.lines if line.amount_fen] == [500, -500]


@pytest.mark.clause("2.6")
def test_what_a_contractor_pays_settles_the_oldest_and_never_more_than_he_owes(make, contract):
    today = clock.today()
    for days, fen in ((400, 1_000), (100, 500), (10, 70)):
        deducted(make, contract, fen, fen, f"settlement:{days}", on=today - timedelta(days=days))

    def received(fen, actor="finance"):
        with transaction():
            return commands.receive(
                contract.contractor,
                amount_fen=fen,
                received_on=today,
                bank_reference="R-9",
                payer="",
                actor=make.user(actor),
            )

    assert [debtor.bands for debtor in queries.debtors(today)] == [(70, 0, 500, 0, 1_000)]
    with pytest.raises(NotPermitted):
        received(1, "cashier")
    with pytest.raises(Invalid, match="到账金额"):
        received(0)
    with pytest.raises(Invalid, match=r"多于榕建集团的欠款 15.70 元"):
        received(1_571)
    receipt = received(1_200)
    with pytest.raises(Invalid, match=r"欠款 3.70 元"):
        received(1_200)
    received(185)
    with pytest.raises(Conflict, match="已经登记"):
        received(185)
    with transaction():
        entry = ledger.entries(ledger.Wanted(source=f"contractor_receipt:{receipt.id + 1}"))[0][0]
        asked = reversing.ask_reversal(entry, reason="记错", actor=make.user("finance"))
        reversing.settle_reversal(asked, agreed=True, answer="", actor=make.user("auditor"))
    assert [debtor.bands for debtor in queries.debtors(today)] == [(70, 0, 300, 0, 0)]
    received(370)
    assert queries.debtors(today) == []
    with transaction():
        entry = ledger.entries(ledger.Wanted(source=receipt.source))[0][0]
        asked = reversing.ask_reversal(entry, reason="退票", actor=make.user("finance"))
        reversing.settle_reversal(asked, agreed=True, answer="", actor=make.user("auditor"))
    assert ledger.owed(contract.contractor_id) == 1_200
    assert receipt.reversed_at is not None
    sound()


# --- release --------------------------------------------------------------------------------------------------------


def applied(make, contract, days_ago=0, fen=50_000_000, actor="engineer", **more):
    with transaction():
        return releasing.apply_release(
            contract,
            applied_on=clock.today() - timedelta(days=days_ago),
            applied_fen=fen,
            document="申-1",
            actor=make.user(actor),
            **more,
        )


def verified(make, release, actor="engineer"):
    with transaction():
        return releasing.verify_release(
            release,
            version=release.version,
            verified_on=clock.today(),
            verification="会同核实，两处渗漏待修。",
            actor=make.user(actor),
        )


def opined(make, release, actor="manager", **more):
    facts = {
        "version": release.version,
        "quality": 85,
        "cooperation": 70,
        "deduct_fen": 5_000_000,
        "release_fen": 45_000_000,
        "opinion": "同意返还，扣留待修部分。",
    }
    with transaction():
        return releasing.opine(release, **{**facts, **more}, actor=make.user(actor))


@pytest.mark.clause("3.6.2")
def test_a_deposit_is_paid_back_after_application_verification_and_opinion(make, contract):
    opened(make, contract)
    release = applied(make, contract)
    assert release.verify_due_on == clock.today() + timedelta(days=14)
    with pytest.raises(Conflict, match="没有支付意见不能付款"), transaction():
        payments.prepare(
            purpose=Purpose.RETENTION, source=release.source, actor=make.user("finance")
        )
    verified(make, release)
    assert release.pay_due_on == clock.today() + timedelta(days=14)
    for role in set(Role) - {Role.CS_MANAGER}:
        second_account(make, f"one_{role.value}", f"某{role.label}", [role])
        with pytest.raises(NotPermitted):
            opined(make, release, f"one_{role.value}")
    opined(make, release)
    claim = paid.waiting()[0].claim
    assert (claim.payee, claim.amount_fen, claim.due_on) == (
        "榕建集团",
        45_000_000,
        release.pay_due_on,
    )
    with transaction():
        payment = payments.prepare(
            purpose=Purpose.RETENTION, source=release.source, actor=make.user("finance")
        )
    with pytest.raises(Conflict, match="作废付款单"):
        opined(make, release, opinion="改主意")
    with transaction():
        payments.release(
            payment,
            version=payment.version,
            paid_on=clock.today(),
            bank_reference="R-1",
            actor=make.user("cashier"),
        )
    assert release.stage is ReleaseStage.PAID
    titles = db.session.scalars(select(Notice.title).order_by(Notice.id)).all()
    for name, words in (
        ("auditor", "质保金入账待审核"),
        ("engineer", "前核实质保金返还申请"),
        ("manager", "请出具工程尾款支付意见"),
        ("finance", "同意支付 450,000.00 元"),
        ("cashier", "待放款"),
    ):
        own = select(Notice.title).where(Notice.user_id == make.world.users[name])
        assert any(words in title for title in db.session.scalars(own)), (name, titles)
    assert ledger.held(contract.id) == 5_000_000
    assert queries.standing(contract.id).released_fen == 45_000_000
    sound()
    with transaction():
        entry = paid.entries_of(payment.id)[0]
        asked = reversing.ask_reversal(entry, reason="退票", actor=make.user("finance"))
        reversing.settle_reversal(asked, agreed=True, answer="", actor=make.user("auditor"))
    assert (release.stage, payment.state) == (ReleaseStage.OPINED, PaymentState.REVERSED)
    assert ledger.held(contract.id) == 50_000_000
    assert queries.standing(contract.id).released_fen == 0
    sound()


def completed(contract, on):
    with transaction():
        contract.completed_on = on


@pytest.mark.clause("3.6.2")
def test_a_deposit_asked_back_early_needs_a_reason_and_keeps_it(make, contract):
    opened(make, contract)
    until = queries.standing(contract.id).liability.until
    with clock.held(clock.at(until, 10)):
        with pytest.raises(Invalid, match=f"早于缺陷责任期届满.*至 {until}") as refused:
            applied(make, contract)
        assert refused.value.field == "early_why"
        release = applied(make, contract, early_why="工程款清算一并办理")
        assert str(until) in release.early
        assert release.early_why == "工程款清算一并办理"
        verified(make, release)
        opined(make, release)
        assert "责任期未满" in paid.waiting()[0].claim.text
    titles = select(Notice.title).where(Notice.title.like("%责任期未满%"))
    assert len(db.session.scalars(titles).all()) >= 3
    completed(contract, date(2020, 1, 2))
    assert str(until) in release.early


@pytest.mark.clause("3.6.2")
def test_once_the_period_is_over_no_reason_is_asked(make, contract):
    opened(make, contract)
    until = queries.standing(contract.id).liability.until
    with clock.held(clock.at(until + timedelta(days=1), 10)):
        release = applied(make, contract, early_why="多写的")
    assert (release.early, release.early_why) == ("", "")


def test_without_a_completion_nobody_can_say_that_the_period_is_over(make, contract):
    opened(make, contract)
    completed(contract, None)
    with pytest.raises(Invalid, match="未登记竣工验收日期"):
        applied(make, contract)
    assert applied(make, contract, early_why="合同终止").early


@pytest.mark.parametrize(
    ("begun", "words"),
    [
        (date(2024, 10, 3), "顺延至 2026-10-08"),
        (date(2024, 3, 5), "2024-03-05 竣工验收合格，缺陷责任期 2 年，至 2026-03-05"),
    ],
)
def test_the_end_of_the_period_is_reckoned_in_words(make, contract, begun, words):
    with transaction():
        contract.completed_on, contract.liability_months = begun, 24
    assert words in queries.standing(contract.id).liability.words


def test_an_opinion_needs_a_verification_and_stays_within_what_is_held(make, contract):
    opened(make, contract)
    release = applied(make, contract)
    with pytest.raises(Conflict, match="已申请"):
        opined(make, release)
    verified(make, release)
    with pytest.raises(Invalid, match="不能超过现存质保金"):
        opined(make, release, release_fen=45_000_001)
    for field in ("quality", "cooperation"):
        with pytest.raises(Invalid, match="100 分"):
            opined(make, release, **{field: 101})
    with pytest.raises(Invalid, match="支付意见"):
        opined(make, release, opinion="")
    opined(make, release)
    deducted(make, contract, 10_000_000, 10_000_000)
    with pytest.raises(Conflict, match="重新出具意见"), transaction():
        payments.prepare(
            purpose=Purpose.RETENTION, source=release.source, actor=make.user("finance")
        )
    opined(make, release, release_fen=30_000_000)
    assert len(paid.waiting()) == 1


def test_who_verified_or_opined_does_not_pay_even_in_another_role(make, contract):
    second_account(make, "eng", "吴工", [Role.ENGINEER], "E9")
    second_account(make, "fin", "吴工", [Role.FINANCE], "E9")
    opened(make, contract)
    release = opined(make, verified(make, applied(make, contract), "eng"))
    with pytest.raises(NotPermitted, match="编制、审核或认定"), transaction():
        payments.prepare(purpose=Purpose.RETENTION, source=release.source, actor=make.user("fin"))


def test_who_verified_gives_no_opinion_under_another_account(make, contract):
    second_account(make, "eng", "吴工", [Role.ENGINEER], "E9")
    second_account(make, "man", "吴工二", [Role.CS_MANAGER], "E9")
    opened(make, contract)
    release = verified(make, applied(make, contract), "eng")
    with pytest.raises(NotPermitted, match="两人"):
        opined(make, release, "man")
    assert opined(make, release).stage is ReleaseStage.OPINED


def test_one_application_at_a_time_and_for_no_more_than_is_held(make, contract):
    with pytest.raises(Invalid, match=r"现存质保金 0.00"):
        applied(make, contract)
    opened(make, contract)
    for fen in (0, 50_000_001):
        with pytest.raises(Invalid, match=r"现存质保金 500,000.00"):
            applied(make, contract, fen=fen)
    release = applied(make, contract)
    with pytest.raises(Conflict, match="在办理"):
        applied(make, contract)
    with transaction():
        releasing.withdraw_release(
            release, version=release.version, reason="施工单位撤回", actor=make.user("finance")
        )
    applied(make, contract)


def test_silence_counts_fourteen_days_after_the_reminder(make, contract):
    opened(make, contract)
    release = applied(make, contract, days_ago=20)
    assert release.deemed_on is None

    def reminded(day):
        with transaction():
            return releasing.note_reminder(
                release, version=release.version, reminded_on=day, actor=make.user("finance")
            )

    with pytest.raises(Invalid, match="届满才能催告"):
        reminded(release.verify_due_on)
    with pytest.raises(Invalid, match="不能晚于今天"):
        reminded(clock.today() + timedelta(days=1))
    reminded(release.verify_due_on + timedelta(days=1))
    assert release.deemed_on == release.applied_on + timedelta(days=29)


def test_open_class_a_orders_stand_against_the_contract_of_their_trade(make, contract):
    other = db.session.scalars(select(Contract).where(Contract.number == "YX-SD-01")).one()
    order = Repairs(make).order(OrderStage.ISSUED)
    with transaction():
        order.order_class = OrderClass.A
    trades = {item.defect.trade for item in order.items}
    mine, theirs = (
        [one for one in (contract, other) if trades & {t.trade for t in one.trades}],
        [one for one in (contract, other) if not trades & {t.trade for t in one.trades}],
    )
    found = queries.open_items([contract, other])
    assert mine
    for one in mine:
        assert [item.path for item in found[one.id]] == [f"/orders/{order.id}"]
    for one in theirs:
        assert found[one.id] == []
    with transaction():
        order.order_class = OrderClass.B
    assert queries.open_items([contract])[contract.id] == []


@pytest.mark.parametrize(
    ("left", "step"),
    [(61, None), (60, 60), (31, 60), (30, 30), (8, 30), (7, 7), (0, 7), (-1, None)],
)
def test_a_period_is_called_to_mind_sixty_thirty_and_seven_days_before_its_end(left, step):
    today = date(2026, 11, 20)
    assert alerts.step(today + timedelta(days=left), today) == step


def test_each_step_is_told_once(make, contract):
    opened(make, contract)
    until = queries.standing(contract.id).liability.until
    told = select(Notice).where(Notice.event.like("retention:%"))
    counts = []
    for days in (61, 60, 60, 45, 30, 7, 0, -3):
        with transaction():
            alerts.alert(clock.at(until - timedelta(days=days), 9))
        counts.append(
            len(
                {
                    one.event
                    for one in db.session.scalars(told)
                    if one.user_id == make.world.users["manager"]
                }
            )
        )
    assert counts == [0, 1, 1, 1, 2, 3, 3, 3]
    notice = db.session.scalars(told).first()
    assert "现存质量保证金 500,000.00 元" in notice.body
    assert notice.path == f"/finance/retention/{contract.id}"


# --- pages ----------------------------------------------------------------------------------------------------------


@pytest.mark.clause("3.6.2")
def test_the_whole_way_of_a_deposit_through_the_pages(make, contract, sign_in):
    clients = {
        name: sign_in(name) for name in ("finance", "auditor", "engineer", "manager", "cashier")
    }
    file = f"/finance/retention/{contract.id}"

    def send(who, address, status=302, **data):
        answer = clients[who].post(address, data={"once": token(), **data})
        assert answer.status_code == status, answer.get_data(as_text=True)[:3000]
        return answer.get_data(as_text=True)

    today = clock.today().isoformat()
    assert "请填写凭证号" in send("finance", f"{file}/enter", 422, on=today)
    send("finance", f"{file}/enter", voucher="记-1", on=today)
    deposit = queries.deposits(contract.id)[0]
    send("auditor", f"{file}/deposits/{deposit.id}/settle", agreed="yes")
    send("engineer", f"{file}/apply", applied_on=today, applied_fen="500,000")
    release = queries.releases(contract.id)[0]
    step = f"/finance/retention/releases/{release.id}"
    send("engineer", f"{step}/verify", version=1, verified_on=today, verification="已核实")
    opinion = {"quality": 90, "cooperation": 80, "deduct_fen": "0", "release_fen": "500000"}
    assert "请写明支付意见" in send("manager", f"{step}/opine", 422, version=2, **opinion)
    assert "已被他人办理" in send(
        "manager", f"{step}/opine", 409, version=1, opinion="同意", **opinion
    )
    send("manager", f"{step}/opine", version=2, opinion="同意", **opinion)
    page = clients["finance"].get("/finance/payments/waiting").get_data(as_text=True)
    assert "500,000.00" in page
    send("finance", "/finance/payments/prepare", purpose="retention", source=release.source)
    payment = paid.payments(paid.Wanted())[0][0]
    send(
        "cashier",
        f"/finance/payments/{payment.id}/release",
        version=1,
        paid_on=today,
        bank_reference="R1",
    )
    page = clients["manager"].get(file).get_data(as_text=True)
    assert "质保金支付" in page
    assert "已支付" in page
    assert queries.standing(contract.id).held_fen == 0
    sound()


@pytest.mark.clause("3.6.2")
def test_an_early_application_is_refused_at_its_field_and_its_reason_shown(make, contract, sign_in):
    opened(make, contract)
    completed(contract, clock.today() - timedelta(days=100))
    file, engineer = f"/finance/retention/{contract.id}", sign_in("engineer")
    assert "须写明提前受理的原因" in engineer.get(file).get_data(as_text=True)
    typed = {"applied_on": clock.today().isoformat(), "applied_fen": "1234.5", "document": "申-77"}
    answer = engineer.post(f"{file}/apply", data={"once": token(), **typed})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "须写明为什么提前受理" in page
    assert "申-77" in page
    assert "1234.5" in page
    answer = engineer.post(f"{file}/apply", data={"once": token(), **typed, "early_why": "清算"})
    assert answer.status_code == 302
    for reader in ("engineer", "manager", "finance", "auditor"):
        page = sign_in(reader).get(file).get_data(as_text=True)
        assert "提前受理的原因：" in page
        assert "清算" in page


def test_receivables_are_shown_by_age_and_received_through_the_page(make, contract, sign_in):
    deducted(make, contract, 12_345, 12_345)
    finance = sign_in("finance")
    page = finance.get("/finance/retention/receivables").get_data(as_text=True)
    assert "榕建集团" in page
    assert "123.45" in page
    address = f"/finance/retention/receivables/{contract.contractor_id}/receive"
    data = {"amount_fen": "123.46", "received_on": clock.today().isoformat(), "bank_reference": "R"}
    refused = finance.post(address, data={**data, "once": token()})
    assert refused.status_code == 422
    assert "123.46" in refused.get_data(as_text=True)
    data["amount_fen"] = "123.45"
    assert finance.post(address, data={**data, "once": token()}).status_code == 302
    assert balance(accounts.receivable(contract.contractor)) == 0


READERS = {
    Role.FINANCE,
    Role.CASHIER,
    Role.AUDITOR,
    Role.GENERAL_MANAGER,
    Role.CS_MANAGER,
    Role.DEPUTY_CHIEF_ENGINEER,
    Role.ENGINEER,
}


def test_the_ledger_of_deposits_is_read_as_the_access_matrix_says(make, contract, sign_in):
    opened(make, contract)
    for role in Role:
        second_account(make, f"one_{role.value}", f"某{role.label}", [role])
        client = sign_in(f"one_{role.value}")
        for address in ("/finance/retention/", f"/finance/retention/{contract.id}"):
            status = client.get(address).status_code
            assert status == (200 if role in READERS else 403), (role, address)
        status = client.get("/finance/retention/receivables").status_code
        assert status == (
            200
            if role in READERS - {Role.CS_MANAGER, Role.DEPUTY_CHIEF_ENGINEER, Role.ENGINEER}
            else 403
        )
