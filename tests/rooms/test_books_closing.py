"""Closing the books: finance asks, audit agrees; nothing is dated into what is closed, by nobody and at no moment (access matrix 33)."""

import threading
from datetime import date, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from tests.pages.helpers import recorded, token
from tests.rooms.test_ledger import LINE, Books, raw, sound
from tests.rooms.test_order_approval import second_account
from tests.rooms.test_payments import bills, prepared, released
from tests.rooms.test_retention import contract, deducted, entered, opened, settled
from tests.support.funds import Funds
from ticketing.books.desk import queries as desk
from ticketing.books.ledger import accounts, closing, ddl, queries, reversing, verifying
from ticketing.books.ledger.models import LedgerClosing
from ticketing.books.payments import commands as payments
from ticketing.books.retention import commands as retention
from ticketing.casefile.notices.models import Notice
from ticketing.journal import queries as journal
from ticketing.kernel import clock
from ticketing.kernel.db import db, dialect, transaction
from ticketing.kernel.errors import Conflict, DomainError, Invalid, NotPermitted
from ticketing.masters.people.models import User
from ticketing.procedure.accounts import ClosingKind, closable, month_end, reopenable
from ticketing.procedure.permissions import PERMISSIONS, Act
from ticketing.procedure.vocabulary import Role

__all__ = ["bills", "contract"]

THIS_MONTH = clock.today().replace(day=1)
CLOSED = THIS_MONTH - timedelta(days=1)
"""The end of the last month that is over."""
BEFORE = CLOSED.replace(day=1) - timedelta(days=1)
"""The end of the month before it."""
SENTENCE = f"账已结至 {CLOSED}，不能记在"


@pytest.fixture
def books(make):
    return Books(make)


def asked(make, through=CLOSED, actor="finance"):
    with transaction():
        return closing.ask_closing(through=through, actor=make.user(actor))


def agreed(make, one, actor="auditor", agree=True, answer=""):
    with transaction():
        return closing.settle_closing(one, agreed=agree, answer=answer, actor=make.user(actor))


def closed(make, through=CLOSED):
    return agreed(make, asked(make, through))


def reopened(make, through, reason="补记漏入的来款"):
    with transaction():
        one = closing.ask_reopening(through=through, reason=reason, actor=make.user("finance"))
    return agreed(make, one)


def page(answer):
    return answer.get_data(as_text=True)


# --- who, and which day ---------------------------------------------------------------------------------------------


@pytest.mark.clause("2.7")
def test_finance_asks_and_audit_agrees_and_the_books_are_closed(make):
    one = asked(make)
    assert queries.closed_through() is None
    told = {row.user_id: row.title for row in db.session.scalars(select(Notice))}
    assert told[make.world.users["auditor"]] == f"申请结账至 {CLOSED}"
    with pytest.raises(Conflict, match="等待审计"):
        asked(make, BEFORE)
    agreed(make, one)
    assert queries.closed_through() == CLOSED
    with pytest.raises(Conflict, match="已经办理"):
        agreed(make, one)
    with pytest.raises(Invalid, match="已经结至"):
        asked(make)
    acts = [line.entry.act for line in journal.story(closing.SUBJECT, one.id)]
    assert acts == ["ask_closing", "agree_closing"]
    sound()


def test_only_finance_asks_and_only_audit_agrees(make):
    for role in Role:
        second_account(make, f"one_{role.value}", f"某{role.label}", [role])
    for role in set(Role) - {Role.FINANCE}:
        with pytest.raises(NotPermitted):
            asked(make, actor=f"one_{role.value}")
        with pytest.raises(NotPermitted), transaction():
            closing.ask_reopening(through=BEFORE, reason="错", actor=make.user(f"one_{role.value}"))
    one = asked(make, actor="one_finance")
    for role in set(Role) - {Role.AUDITOR}:
        with pytest.raises(NotPermitted):
            agreed(make, one, f"one_{role.value}")
    agreed(make, one, "one_auditor")
    assert PERMISSIONS[Act.ASK_CLOSING] == {Role.FINANCE}
    assert PERMISSIONS[Act.AGREE_CLOSING] == {Role.AUDITOR}


def test_who_asked_does_not_agree_under_another_account(make):
    second_account(make, "fin", "冯会计", [Role.FINANCE], "E7")
    second_account(make, "aud", "冯会计二", [Role.AUDITOR], "E7")
    second_account(make, "both", "兼任", [Role.FINANCE, Role.AUDITOR])
    one = asked(make, actor="fin")
    with pytest.raises(NotPermitted, match="申请结账的人"):
        agreed(make, one, "aud")
    agreed(make, one, agree=False, answer="先核对周转金")
    one = asked(make, actor="both")
    with pytest.raises(NotPermitted, match="申请结账的人"):
        agreed(make, one, "both")


def test_only_whole_months_that_are_over_are_closed(make):
    for day in (clock.today(), THIS_MONTH, month_end(clock.today()), date(2099, 12, 31)):
        with pytest.raises(Invalid):
            asked(make, day)
    with pytest.raises(Invalid, match="整月"):
        asked(make, CLOSED - timedelta(days=1))
    with (
        clock.held(clock.at(month_end(clock.today()), 23, 59)),
        pytest.raises(Invalid, match="没有过完"),
    ):
        asked(make, month_end(clock.today()))
    with clock.held(clock.at(month_end(clock.today()) + timedelta(days=1))):
        asked(make, month_end(clock.today() - timedelta(days=1)))


def test_the_months_offered_are_over_and_not_closed_and_those_to_reopen_are_closed():
    first, today = date(2025, 11, 20), date(2026, 2, 28)
    ends = [date(2026, 1, 31), date(2025, 12, 31), date(2025, 11, 30)]
    assert closable(first, None, today) == ends
    assert closable(first, date(2025, 12, 31), today) == ends[:1]
    assert closable(first, ends[0], today) == []
    assert closable(first, ends[0], date(2026, 3, 1)) == [date(2026, 2, 28)]
    assert reopenable(first, None) == []
    assert reopenable(first, date(2025, 12, 31)) == [date(2025, 11, 30), date(2025, 10, 31)]


def test_a_refused_closing_needs_a_reason_and_closes_nothing(make):
    one = asked(make)
    with pytest.raises(Invalid, match="原因"):
        agreed(make, one, agree=False)
    agreed(make, one, agree=False, answer="还有凭证没有入账")
    assert queries.closed_through() is None
    closed(make)
    sound()


# --- nothing is dated into it ----------------------------------------------------------------------------------------


@pytest.mark.clause("2.6")
def test_nothing_is_booked_into_a_closed_month_and_a_reversal_bears_the_day_it_is_made(make, books):
    with transaction():
        entry = books.opening(1_000, on=CLOSED)
    closed(make)
    for day in (CLOSED, date(2020, 1, 1)):
        with pytest.raises(Invalid, match=SENTENCE), transaction():
            books.accrual(5, "settlement:1", on=day)
    with transaction():
        books.accrual(5, "settlement:1", on=THIS_MONTH)
        request = reversing.ask_reversal(entry, reason="错", actor=make.user("finance"))
        reversing.settle_reversal(request, agreed=True, answer="", actor=make.user("auditor"))
    mirror = queries.entries(queries.Wanted(source=f"ledger_entry:{entry.id}"))[0][0]
    assert mirror.on == clock.today()
    sound()


def forms_with_a_day(make, bills, contract):
    """Each form in which a person types the day of a booking: who, its address, the field, what else is typed."""
    fund = Funds(make)
    with clock.held(clock.at(BEFORE, 9)):
        opened(make, contract)
        deducted(make, contract, 50_000_100, 50_000_100)
        service = fund.advanced()
        payment = prepared(make)
        with transaction():
            contract.retention_fen += 1_000
    return [
        (
            "finance",
            f"/finance/retention/receivables/{contract.contractor_id}/receive",
            "received_on",
            {"amount_fen": "0.50", "bank_reference": "ICBC-77", "payer": "榕建"},
        ),
        (
            "cashier",
            f"/finance/payments/{payment.id}/release",
            "paid_on",
            {"version": payment.version, "bank_reference": "ICBC-78"},
        ),
        (
            "finance",
            f"/finance/retention/{contract.id}/enter",
            "on",
            {"voucher": "记-2026-0917"},
        ),
        (
            "manager",
            f"/imprest/{service.id}/spend",
            "on",
            {"what": "快递费", "payee": "顺丰", "amount_fen": "20.50", "way": "transfer"},
        ),
        (
            "finance",
            f"/imprest/{service.id}/give-back",
            "returned_on",
            {"amount_fen": "12.50", "bank_reference": "JK-79"},
        ),
    ]


def test_each_form_refuses_a_closed_day_at_its_field_and_keeps_what_was_typed(
    make, bills, contract, sign_in
):
    forms = forms_with_a_day(make, bills, contract)
    closed(make)
    before = verifying.verify().entries
    for who, address, field, typed in forms:
        client = sign_in(who)
        data = {field: CLOSED.isoformat(), **typed, "once": token()}
        answer = client.post(address, data=data)
        told = page(answer)
        assert answer.status_code == 422, address
        at_field = told.partition(f'id="{field}-error"')[2]
        assert at_field.startswith(f">{SENTENCE}"), address
        for value in (CLOSED.isoformat(), *(str(one) for one in typed.values())):
            assert f'value="{value}"' in told, (address, value)
    assert verifying.verify().entries == before
    for who, address, field, typed in forms:
        data = {field: clock.today().isoformat(), **typed, "once": token()}
        assert sign_in(who).post(address, data=data).status_code == 302, address
    sound()


def test_a_deposit_whose_day_was_closed_while_it_waited_is_refused_and_entered_anew(
    make, contract, sign_in
):
    deposit = entered(make, contract)
    closed(make)
    address = f"/finance/retention/{contract.id}/deposits/{deposit.id}/settle"
    answer = sign_in("auditor").post(address, data={"agreed": "yes", "once": token()})
    assert answer.status_code == 422
    assert SENTENCE in page(answer)
    settled(make, deposit, agreed=False, answer="入账日期已结账")
    with transaction():
        again = retention.enter_deposit(
            contract, voucher="记-1", on=clock.today(), actor=make.user("finance")
        )
    settled(make, again)
    assert queries.held(contract.id) == 50_000_000
    sound()


# --- the database by itself -----------------------------------------------------------------------------------------


def entry_sql(number, on, source):
    return (
        'INSERT INTO ledger_entry (id, "on", at, kind, text, source, turn, by_id) VALUES'
        f" ({number}, '{on}', '2026-11-20 01:00:00', 'receipt', 'x', '{source}', 0, 1)"
    )


def pair(books, number):
    price = accounts.contract_price(books.contractor).id
    held = accounts.retention(books.contract).id
    return [LINE.format(number, price, 5), LINE.format(number, held, -5)]


CLOSING = (
    "INSERT INTO ledger_closing (id, kind, through, reason, asked_at, asked_by_id, answer)"
    " VALUES ({}, '{}', '{}', 'x', '2026-11-20 01:00:00', 1, '')"
)


def refused(words, *statements):
    with pytest.raises(IntegrityError, match=words):
        raw(*statements)


def test_the_database_itself_keeps_what_is_closed(make, books):
    with transaction():
        books.opening(1_000)
    closed(make, BEFORE)
    lines = pair(books, 2)
    refused(ddl.PERIOD, *lines, entry_sql(2, BEFORE, "r:1"))
    refused(ddl.ASKED, CLOSING.format(2, "close", BEFORE))
    refused(ddl.ASKED, CLOSING.format(2, "reopen", BEFORE))
    refused(ddl.ASKED, CLOSING.format(9, "close", CLOSED))
    refused(ddl.SETTLED, "UPDATE ledger_closing SET through = '2020-01-31'")
    refused(ddl.SETTLED, "UPDATE ledger_closing SET agreed = false, last_entry = NULL")
    refused(ddl.SETTLED, "DELETE FROM ledger_closing")
    asked(make)
    refused(ddl.ASKED, CLOSING.format(3, "close", CLOSED))
    refused(ddl.SETTLED, "UPDATE ledger_closing SET through = '2020-01-31' WHERE id = 2")
    settling = "UPDATE ledger_closing SET settled_at = '2026-11-20 01:00:00', settled_by_id = {}, agreed = true, last_entry = {} WHERE id = 2"
    finance, audit = make.world.users["finance"], make.world.users["auditor"]
    refused(ddl.SETTLED, settling.format(audit, 7))
    refused("two_people", settling.format(finance, 1))
    tricks = {
        "sqlite": CLOSING.format(1, "close", CLOSED).replace("INSERT", "INSERT OR REPLACE"),
        "postgresql": "TRUNCATE ledger_closing",
    }
    with pytest.raises(DBAPIError, match="ledger: "):
        raw(tricks[dialect()])
    assert queries.closed_through() == BEFORE
    sound()


def test_verify_finds_what_was_dated_into_a_closed_month_behind_the_guards(make, books):
    with transaction():
        books.opening(1_000, on=CLOSED)
    closed(make)
    lines = pair(books, 2)
    of = " ON ledger_entry" if dialect() == "postgresql" else ""
    raw(f"DROP TRIGGER ledger_entry_period{of}", *lines, entry_sql(2, CLOSED, "r:1"))
    faults = verifying.verify().faults
    assert f"凭证 2：日期 {CLOSED} 在已结账的期间，却是结账（至 {CLOSED}）以后记的" in faults
    assert "数据库缺少账簿的保护：ledger_entry_period" in faults
    assert not [fault for fault in faults if fault.startswith("凭证 1")]


def test_verify_finds_a_closing_that_was_altered(make):
    closed(make)
    of = " ON ledger_closing" if dialect() == "postgresql" else ""
    raw(
        f"DROP TRIGGER ledger_closing_settled{of}",
        f"UPDATE ledger_closing SET through = '{CLOSED - timedelta(days=3)}'",
    )
    assert verifying.verify().faults == [
        "数据库缺少账簿的保护：ledger_closing_settled",
        "结账申请 1：与审计日志所记的申请、审计意见不符",
        f"结账申请 1：{CLOSED - timedelta(days=3)} 不是已经过完的月末",
    ]


def test_a_closing_and_postings_at_the_same_moment_do_not_slip_past_each_other(app, make, books):
    with transaction():
        books.opening(1_000_000)
    one = asked(make).id
    finance, auditor = (make.world.users[name] for name in ("finance", "auditor"))
    outcomes, barrier = [], threading.Barrier(9)
    db.session.rollback()

    def run(n):
        with app.app_context():
            barrier.wait()
            try:
                with transaction():
                    if n == 4:
                        closing.settle_closing(
                            db.session.get_one(LedgerClosing, one),
                            agreed=True,
                            answer="",
                            actor=db.session.get_one(User, auditor),
                        )
                    else:
                        actor = db.session.get_one(User, finance)
                        books.deduction(100, f"settlement:{n}", on=CLOSED, actor=actor)
                outcomes.append("closed" if n == 4 else "booked")
            except DomainError as error:
                outcomes.append(error.message.partition(" ")[0])
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.session.rollback()
    assert len(outcomes) == 9
    assert set(outcomes) <= {"closed", "booked", "账已结至"}
    assert outcomes.count("closed") == 1
    assert queries.closing(one).last_entry == 1 + outcomes.count("booked")
    sound()


def test_an_entry_waits_for_the_closing_that_is_being_agreed_to(make, books):
    """Two connections: the entry is not looked at before the closing is committed, and then refused."""
    if dialect() != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    with transaction():
        books.opening(1_000)
    one = asked(make)
    lines = pair(books, 2)
    auditor = make.world.users["auditor"]
    failed = []
    db.session.rollback()
    with db.engine.connect() as first, db.engine.connect() as second:
        first.execute(
            text(
                "UPDATE ledger_closing SET settled_at = now(), settled_by_id = :by, agreed = true,"
                " last_entry = 1 WHERE id = :id"
            ),
            {"by": auditor, "id": one.id},
        )

        def book():
            try:
                for statement in (*lines, entry_sql(2, CLOSED, "r:1")):
                    second.execute(text(statement))
                second.commit()
            except IntegrityError as error:
                failed.append(str(error))

        thread = threading.Thread(target=book)
        thread.start()
        thread.join(0.3)
        assert thread.is_alive(), "it waits for the first to end"
        first.commit()
        thread.join()
    assert ddl.PERIOD in failed[0]


# --- reopening ------------------------------------------------------------------------------------------------------


@pytest.mark.clause("2.7")
def test_reopening_needs_a_reason_and_a_second_person_and_stays_visible(make, books, sign_in):
    with pytest.raises(Invalid, match="没有结账"), transaction():
        closing.ask_reopening(through=BEFORE, reason="错", actor=make.user("finance"))
    closed(make)
    with pytest.raises(Invalid, match="原因"), transaction():
        closing.ask_reopening(through=BEFORE, reason=" ", actor=make.user("finance"))
    with pytest.raises(Invalid, match="整月"), transaction():
        closing.ask_reopening(
            through=BEFORE - timedelta(days=1), reason="错", actor=make.user("finance")
        )
    with transaction():
        one = closing.ask_reopening(
            through=BEFORE, reason="补记漏入的来款", actor=make.user("finance")
        )
    with pytest.raises(Invalid, match=SENTENCE), transaction():
        books.opening(1_000, on=CLOSED)
    agreed(make, one)
    assert queries.closed_through() == BEFORE
    with transaction():
        books.opening(1_000, on=CLOSED)
    with pytest.raises(Invalid, match=f"账已结至 {BEFORE}"), transaction():
        books.accrual(5, "settlement:1", on=BEFORE)
    assert "已反结账" in page(sign_in("gm").get("/finance/ledger/closings"))
    closed(make)
    assert [(row.kind, row.through) for row in queries.closings()[0]] == [
        (ClosingKind.CLOSE, CLOSED),
        (ClosingKind.REOPEN, BEFORE),
        (ClosingKind.CLOSE, CLOSED),
    ]
    told = page(sign_in("gm").get("/finance/ledger/closings"))
    assert "补记漏入的来款" in told
    assert "已反结账" not in told
    assert f"反结账（{BEFORE + timedelta(days=1)} 起重新开放）" in told
    sound()


# --- pages ----------------------------------------------------------------------------------------------------------


def test_from_asking_to_reopening_by_pages(make, books, sign_in):
    with transaction():
        books.opening(1_000, on=BEFORE)
    finance, auditor = sign_in("finance"), sign_in("auditor")
    room = "/finance/ledger/closings"
    told = page(finance.get(room))
    assert "还没有结过账" in told
    assert f"{CLOSED.year} 年 {CLOSED.month} 月（至 {CLOSED}）" in told
    for wrong in ("", "2099-12-31", "nonsense", clock.today().isoformat()):
        answer = finance.post(f"{room}/ask", data={"through": wrong, "once": token()})
        assert answer.status_code == 422, wrong
        assert "请选择月份。" in page(answer) or "请从列出的月份中选择。" in page(answer)
    data = {"through": CLOSED.isoformat(), "once": token()}
    assert auditor.post(f"{room}/ask", data=data).status_code == 403
    assert finance.post(f"{room}/ask", data=data).status_code == 302
    again = finance.post(f"{room}/ask", data={"through": BEFORE.isoformat(), "once": token()})
    assert again.status_code == 409
    assert "已有一项结账或反结账申请" in page(again)
    assert f"结账至 {CLOSED}" in page(auditor.get("/finance/"))
    settle = f"{room}/1/settle"
    assert finance.post(settle, data={"agreed": "yes", "once": token()}).status_code == 403
    silent = auditor.post(settle, data={"agreed": "no", "once": token()})
    assert silent.status_code == 422
    assert "请写明原因" in page(silent)
    assert auditor.post(settle, data={"agreed": "yes", "once": token()}).status_code == 302
    late = auditor.post(settle, data={"agreed": "yes", "once": token()})
    assert late.status_code == 409
    assert "已经办理" in page(late)
    assert auditor.post(f"{room}/9/settle", data={"agreed": "yes"}).status_code == 404
    assert "过完的月份都已结账" in page(finance.get(room))
    data = {"through": BEFORE.isoformat(), "reason": "", "once": token()}
    answer = finance.post(f"{room}/ask-reopening", data=data)
    assert answer.status_code == 422
    assert f'<option selected value="{BEFORE}">' in page(answer)
    assert "请写明反结账原因" in page(answer)
    data |= {"reason": "补记", "once": token()}
    assert finance.post(f"{room}/ask-reopening", data=data).status_code == 302
    settle = f"{room}/2/settle"
    assert auditor.post(settle, data={"agreed": "yes", "once": token()}).status_code == 302
    assert queries.closed_through() == BEFORE
    assert sign_in("manager").get(room).status_code == 403


def test_the_list_of_closings_costs_the_same_with_one_row_and_with_sixty(make, books, sign_in, app):
    with transaction():
        books.opening(1_000, on=BEFORE)
    client = sign_in("finance")
    closed(make)

    def cost():
        with recorded(db.engine) as seen:
            assert client.get("/finance/ledger/closings").status_code == 200
        return len(seen.statements)

    client.get("/finance/ledger/closings")
    few = cost()
    for _ in range(30):
        reopened(make, BEFORE)
        closed(make)
    assert cost() == few
    first = page(client.get("/finance/ledger/closings"))
    assert "下一页" in first
    assert "下一页" not in page(client.get("/finance/ledger/closings?after=12"))


@pytest.mark.clause("3.6")
def test_the_year_end_says_how_far_the_books_are_closed_and_what_was_unreleased_then(
    make, bills, sign_in
):
    this = clock.today().year
    last = this - 1
    with clock.held(clock.at(date(last, 12, 30), 9)):
        payment, given_up = prepared(make), prepared(make, "settlement:2")
    assert len(desk.year_end(last).unreleased) == 2
    assert desk.year_end(last - 1).unreleased == []
    with clock.held(clock.at(date(this, 1, 5), 9)):
        released(make, payment)
        with transaction():
            payments.void(
                given_up, version=given_up.version, reason="重制", actor=make.user("finance")
            )
    assert [one.id for one in desk.year_end(last).unreleased] == [payment.id, given_up.id]
    assert desk.year_end(this).unreleased == []
    client = sign_in("gm")
    told = page(client.get(f"/finance/year-end?year={last}"))
    assert f"（以后已放款，{this}-01-05）" in told
    assert f"（以后已作废，{this}-01-05）" in told
    assert "这一年的余额还可能变动" in told
    closed(make, date(last, 11, 30))
    assert "这一年还没有全部结账" in page(client.get(f"/finance/year-end?year={last}"))
    closed(make, date(last, 12, 31))
    told = page(client.get(f"/finance/year-end?year={last}"))
    assert f"至 {last}-12-31。" in told
    assert "还可能变动" not in told
