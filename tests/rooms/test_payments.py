"""Payments: made by one person, released by another, booked in the same breath, at most one for each document."""

import re
import threading

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from tests.pages.helpers import token
from tests.rooms.test_order_approval import second_account
from tests.support.payables import Bills
from ticketing.books.ledger import queries as ledger
from ticketing.books.ledger import reversing, verifying
from ticketing.books.ledger.commands import balance
from ticketing.books.ledger.models import LedgerEntry
from ticketing.books.payments import commands, queries
from ticketing.books.payments.models import Payment
from ticketing.books.payments.purposes import HANDLERS, Claim
from ticketing.casefile.notices.models import Notice, NoticeKind
from ticketing.journal import queries as journal
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.kernel.errors import Conflict, Invalid, NotFound, NotPermitted
from ticketing.masters.estate.models import Community
from ticketing.procedure.accounts import EntryKind, PaymentState, Purpose
from ticketing.procedure.vocabulary import Role


@pytest.fixture
def bills(make, monkeypatch):
    """Two bills of 2,466.68 and 300.00 that wait for their payment."""
    found = Bills()
    monkeypatch.setitem(HANDLERS, Purpose.SETTLEMENT, found)
    with transaction():
        community = db.session.get_one(Community, make.world.communities["YX"])
        for source, fen in (("settlement:1", 246_668), ("settlement:2", 30_000)):
            found.accrue(source, fen, community, make.user("finance"))
    return found


def prepared(make, source="settlement:1", actor="finance"):
    with transaction():
        return commands.prepare(purpose=Purpose.SETTLEMENT, source=source, actor=make.user(actor))


def released(make, payment, actor="cashier", **more):
    facts = {"paid_on": clock.today(), "bank_reference": "ICBC-0001", "version": payment.version}
    with transaction():
        return commands.release(payment, **{**facts, **more}, actor=make.user(actor))


def sound():
    assert verifying.verify().faults == []
    assert queries.verify().faults == []


@pytest.mark.clause("3.5.9")
def test_a_payment_is_made_by_one_and_released_by_another_and_booked_at_once(make, bills):
    assert [one.claim.source for one in queries.waiting()] == ["settlement:1", "settlement:2"]
    payment = prepared(make)
    assert (payment.payee, payment.amount_fen) == ("安居物业公司", 246_668)
    assert [one.claim.source for one in queries.waiting()] == ["settlement:2"]
    assert queries.entries_of(payment.id) == []
    told = db.session.scalars(select(Notice).where(Notice.kind == NoticeKind.MONEY)).all()
    assert [(one.user_id, one.path) for one in told] == [
        (make.world.users["cashier"], f"/finance/payments/{payment.id}")
    ]
    payment = released(make, payment)
    assert payment.state is PaymentState.RELEASED
    entry = queries.entries_of(payment.id)[0]
    assert (entry.kind, entry.on, entry.source) == (
        EntryKind.PAYMENT,
        payment.paid_on,
        "settlement:1",
    )
    owed = ledger.account_by_key("payable")
    assert balance(owed) == -30_000
    assert bills.told == ["paid settlement:1"]
    acts = [line.entry.act for line in journal.story("payment", payment.id)]
    assert acts == ["prepare_payment", "release_payment"]
    sound()


def test_only_finance_prepares_and_only_the_cashier_releases(make, bills):
    for role in Role:
        second_account(make, f"one_{role.value}", f"某{role.label}", [role])
    for role in set(Role) - {Role.FINANCE}:
        with pytest.raises(NotPermitted):
            prepared(make, actor=f"one_{role.value}")
    payment = prepared(make)
    for role in set(Role) - {Role.CASHIER}:
        with pytest.raises(NotPermitted):
            released(make, payment, f"one_{role.value}")
    released(make, payment, "one_cashier")


def test_maker_and_releaser_are_two_persons_whatever_their_accounts(make, bills):
    second_account(make, "fin", "冯会计", [Role.FINANCE], "E7")
    second_account(make, "out", "冯会计二", [Role.CASHIER], "E7")
    payment = prepared(make, actor="fin")
    with pytest.raises(NotPermitted, match="两人"):
        released(make, payment, "out")
    released(make, payment)


def test_who_keeps_the_books_releases_nothing(make, bills):
    """S6: under any account, also where somebody else made the payment."""
    second_account(make, "fin", "冯会计", [Role.FINANCE], "E7")
    second_account(make, "out", "冯会计二", [Role.CASHIER], "E7")
    second_account(make, "both", "兼任", [Role.FINANCE, Role.CASHIER])
    payment = prepared(make)
    for name in ("out", "both"):
        with pytest.raises(NotPermitted, match="记账的人不能放款"):
            released(make, payment, name)


def test_nobody_pays_what_he_had_a_hand_in(make, bills):
    second_account(make, "old_auditor", "转岗", [Role.AUDITOR], "E8")
    second_account(make, "now_cashier", "转岗", [Role.CASHIER], "E8")
    bills.made_by["settlement:1"] = [make.world.users["old_auditor"]]
    bills.made_by["settlement:2"] = [make.world.users["finance"]]
    with pytest.raises(NotPermitted, match="编制、审核或认定"):
        prepared(make, "settlement:2")
    payment = prepared(make)
    with pytest.raises(NotPermitted, match="编制、审核或认定"):
        released(make, payment, "now_cashier")


@pytest.mark.clause("3.5.9")
def test_a_document_has_one_payment_until_that_is_voided(make, bills):
    payment = prepared(make)
    with pytest.raises(Conflict, match="不能重复付款"):
        prepared(make)
    with pytest.raises(Invalid, match="原因"), transaction():
        commands.void(payment, version=payment.version, reason="", actor=make.user("finance"))
    with transaction():
        commands.void(
            payment, version=payment.version, reason="户名有误", actor=make.user("cashier")
        )
    again = prepared(make)
    released(make, again)
    with pytest.raises(Conflict, match="不能重复付款"):
        prepared(make)
    with pytest.raises(Conflict, match="已放款"), transaction():
        commands.void(again, version=again.version, reason="晚了", actor=make.user("finance"))
    sound()


def test_what_does_not_exist_or_changed_meanwhile_is_not_paid(make, bills):
    with pytest.raises(NotFound):
        prepared(make, "settlement:99")
    with pytest.raises(NotFound), transaction():
        commands.prepare(
            purpose=Purpose.IMPREST_ADVANCE, source="fund:1", actor=make.user("finance")
        )
    payment = prepared(make)
    bills.fen["settlement:1"] = 246_600
    with pytest.raises(Conflict, match="单据已变更"):
        released(make, payment)
    bills.fen["settlement:1"] = 246_668
    bills.closed.add("settlement:1")
    with pytest.raises(Conflict, match="退回"):
        released(make, payment)
    assert db.session.scalar(select(func.count(LedgerEntry.id))) == 2
    sound()


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"bank_reference": " "}, "银行流水号"),
        ({"paid_on": clock.today().replace(year=clock.today().year + 1)}, "不能晚于今天"),
        ({"paid_on": clock.today().replace(year=2020)}, "不能早于制单日期"),
    ],
)
def test_a_release_says_how_the_money_left(make, bills, facts, sentence):
    payment = prepared(make)
    with pytest.raises(Invalid, match=sentence):
        released(make, payment, **facts)
    assert queries.payment(payment.id).state is PaymentState.PREPARED


@pytest.mark.clause("2.7")
def test_a_reversed_payment_sets_its_document_free(make, bills):
    payment = released(make, prepared(make))
    with transaction():
        request = reversing.ask_reversal(
            queries.entries_of(payment.id)[0], reason="付错账户", actor=make.user("finance")
        )
        reversing.settle_reversal(request, agreed=True, answer="", actor=make.user("auditor"))
    assert queries.payment(payment.id).state is PaymentState.REVERSED
    assert bills.told == ["paid settlement:1", "unpaid settlement:1"]
    sound()
    again = released(make, prepared(make), bank_reference="ICBC-0002")
    assert [one.turn for one in queries.entries_of(again.id)] == [1]
    assert balance(ledger.account_by_key("payable")) == -30_000
    sound()


def parallel(app, works):
    """Run each in a thread with a session of its own; what they said."""
    answers, barrier = [], threading.Barrier(len(works))
    db.session.rollback()

    def run(work):
        with app.app_context():
            barrier.wait()
            try:
                answers.append(work())
            except (Conflict, NotPermitted) as refused:
                answers.append(type(refused))
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_twenty_releases_at_once_make_one_payment(app, make, bills, sign_in):
    payment = prepared(make)
    payment_id, version = payment.id, payment.version
    clients = [sign_in("cashier") for _ in range(20)]
    data = {"version": version, "paid_on": clock.today().isoformat(), "bank_reference": "R1"}

    def work(client):
        return lambda: (
            client.post(
                f"/finance/payments/{payment_id}/release", data={**data, "once": token()}
            ).status_code
        )

    answers = parallel(app, [work(client) for client in clients])
    assert sorted(answers) == [302] + [409] * 19
    db.session.rollback()
    kinds = [entry.kind for entry in queries.entries_of(payment_id)]
    assert kinds == [EntryKind.PAYMENT]
    assert bills.told == ["paid settlement:1"]
    assert balance(ledger.account_by_key("payable")) == -30_000
    sound()


def test_twenty_preparations_at_once_make_one_payment(app, make, bills):
    actor = make.world.users["finance"]

    def work():
        from ticketing.masters.people.models import User

        with transaction():
            made = commands.prepare(
                purpose=Purpose.SETTLEMENT,
                source="settlement:1",
                actor=db.session.get_one(User, actor),
            )
            return made.id

    answers = parallel(app, [work] * 20)
    assert answers.count(Conflict) == 19
    assert db.session.scalar(select(func.count(Payment.id))) == 1


NEW = (
    "INSERT INTO payment (purpose, source, payee, amount_fen, text, path, state, version, prepared_at, prepared_by_id,"
    " bank_reference, void_reason) VALUES ('settlement', '{}', 'x', {}, 'x', '', '{}', 1, '2026-11-20 01:00:00', 1, '', '')"
)

SELF_RELEASED = (
    "UPDATE payment SET state = 'released', released_at = '2026-11-20 01:00:00',"
    " released_by_id = prepared_by_id, paid_on = '2026-11-20', bank_reference = 'x'"
)


def raw(statement):
    """Run a statement in a transaction of its own, behind every command."""
    db.session.rollback()
    with db.engine.connect() as connection:
        connection.execute(text(statement))
        connection.commit()


@pytest.mark.parametrize(
    "statement",
    [
        NEW.format("settlement:1", 5, "prepared"),
        NEW.format("settlement:8", 0, "prepared"),
        NEW.format("settlement:8", -5, "prepared"),
        NEW.format("settlement:8", 5, "released"),
        NEW.format("settlement:8", 5, "voided"),
        NEW.format("", 5, "prepared"),
        "UPDATE payment SET amount_fen = 5",
        "UPDATE payment SET payee = 'somebody'",
        "UPDATE payment SET source = 'settlement:2'",
        SELF_RELEASED,
        "DELETE FROM payment",
    ],
)
def test_the_database_itself_refuses(make, bills, statement):
    prepared(make)
    with pytest.raises(IntegrityError):
        raw(statement)
    sound()


def test_verify_finds_a_payment_that_is_not_booked(make, bills):
    payment = prepared(make)
    raw(SELF_RELEASED.replace("= prepared_by_id", f"= {make.world.users['cashier']}"))
    assert queries.verify().faults == [
        f"付款单 {payment.number}（已放款）：应入账 2,466.68，实为 0.00",
        f"付款单 {payment.number}（已放款）：没有凭证",
        f"付款单 {payment.number}：与审计日志所记的制单、放款不符",
    ]


@pytest.mark.parametrize("change", ["bank_reference = 'BK-9'", "paid_on = '2020-01-01'"])
def test_verify_finds_a_payment_that_says_other_than_was_journalled(make, bills, change):
    payment = released(make, prepared(make))
    sound()
    raw(f"UPDATE payment SET {change}")
    assert queries.verify().faults == [f"付款单 {payment.number}：与审计日志所记的制单、放款不符"]


# --- pages ----------------------------------------------------------------------------------------------------------


class ManyBills(Bills):
    """A property group with more bills than a page holds."""

    def claims(self):
        return [
            Claim(f"settlement:{n}", "安居物业公司", 100, f"第{n}笔", due_on=clock.today())
            for n in range(101, 161)
        ]


def test_many_bills_come_fifty_to_a_page_with_the_sum_of_all(make, sign_in, monkeypatch):
    monkeypatch.setitem(HANDLERS, Purpose.SETTLEMENT, ManyBills())
    finance = sign_in("finance")
    shown = re.compile(r"第(\d+)笔")
    first = finance.get("/finance/payments/waiting").get_data(as_text=True)
    assert list(map(int, shown.findall(first))) == list(range(101, 151))
    assert "合计 60 笔（本页 50 笔）" in first
    assert "after=settlement:150" in first.replace("%3A", ":")
    second = finance.get("/finance/payments/waiting?after=settlement:150").get_data(as_text=True)
    assert list(map(int, shown.findall(second))) == list(range(151, 161))
    assert "合计 60 笔（本页 10 笔）" in second
    lost = finance.get("/finance/payments/waiting?after=settlement:9").get_data(as_text=True)
    assert "第101笔" in lost, "the bill the page began after has been paid meanwhile"


@pytest.mark.clause("3.5.9")
def test_from_the_waiting_bill_to_the_booked_payment_through_the_pages(make, bills, sign_in):
    finance, cashier, auditor = (sign_in(name) for name in ("finance", "cashier", "auditor"))
    page = finance.get("/finance/payments/waiting").get_data(as_text=True)
    assert "2,466.68" in page
    answer = finance.post(
        "/finance/payments/prepare",
        data={"purpose": "settlement", "source": "settlement:1", "once": token()},
    )
    address = answer.location
    assert "放款并入账" not in finance.get(address).get_data(as_text=True)
    page = cashier.get(address).get_data(as_text=True)
    assert "放款并入账" in page
    data = {"version": 1, "paid_on": clock.today().isoformat(), "once": token()}
    refused = cashier.post(f"{address}/release", data=data)
    assert refused.status_code == 422
    assert "请填写银行流水号" in refused.get_data(as_text=True)
    data["bank_reference"] = "ICBC-77"
    assert cashier.post(f"{address}/release", data=data).status_code == 302
    entry = queries.entries_of(int(address.rpartition("/")[2]))[0]
    place = f"/finance/ledger/{entry.id}"
    asked = finance.post(f"{place}/ask-reversal", data={"reason": "付错", "once": token()})
    assert asked.status_code == 302
    request_id = reversing.waiting_for(entry).id
    settle = f"/finance/ledger/reversals/{request_id}/settle"
    assert finance.post(settle, data={"agreed": "yes", "once": token()}).status_code == 403
    no_reason = auditor.post(settle, data={"agreed": "no", "once": token()})
    assert no_reason.status_code == 422
    assert "不同意的，请写明原因" in no_reason.get_data(as_text=True)
    assert auditor.post(settle, data={"agreed": "yes", "once": token()}).status_code == 302
    assert "已冲销" in cashier.get(address).get_data(as_text=True)
    sound()


READERS = {Role.FINANCE, Role.CASHIER, Role.AUDITOR, Role.GENERAL_MANAGER}


@pytest.mark.parametrize(
    "address",
    [
        "/finance/payments/",
        "/finance/payments/waiting",
        "/finance/payments/1",
        "/finance/ledger/",
        "/finance/ledger/1",
        "/finance/ledger/accounts",
        "/finance/ledger/accounts/1",
    ],
)
def test_the_books_are_read_by_finance_audit_and_the_general_manager(make, bills, sign_in, address):
    prepared(make)
    for role in Role:
        second_account(make, f"one_{role.value}", f"某{role.label}", [role])
    for role in Role:
        status = sign_in(f"one_{role.value}").get(address).status_code
        assert status == (200 if role in READERS else 403), role


def test_an_unknown_filter_or_row_is_no_error(make, bills, sign_in):
    client = sign_in("finance")
    for address in (
        "/finance/payments/?state=x&purpose=y&since=z&after=w",
        "/finance/ledger/?kind=x&account=y&since=2026-13-01&after=-1",
        "/finance/ledger/accounts/1?after=nonsense_x",
        "/finance/ledger/accounts?since=2026-02-30",
    ):
        assert client.get(address).status_code == 200, address
    for address in (
        "/finance/payments/99",
        "/finance/ledger/99",
        "/finance/ledger/accounts/99",
    ):
        assert client.get(address).status_code == 404, address
