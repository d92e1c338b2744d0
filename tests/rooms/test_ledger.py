"""The sub-ledger: what balances is booked, what does not is refused, by the commands and by the database itself."""

import ast
import threading
from datetime import date

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from tests.conftest import Engine
from tests.rooms.test_order_approval import second_account
from tests.support.make import Maker
from ticketing.books.ledger import accounts, ddl, queries, reversing, verifying
from ticketing.books.ledger.commands import credit, debit, post, reverse, standing
from ticketing.books.ledger.models import LedgerAccount, LedgerEntry, LedgerLine
from ticketing.journal import queries as journal
from ticketing.kernel import clock
from ticketing.kernel.db import db, dialect, transaction
from ticketing.kernel.errors import Conflict, DomainError, Invalid, NotPermitted
from ticketing.kernel.text import show_fen
from ticketing.masters.contractors.models import Contract, Contractor
from ticketing.masters.estate.models import Community
from ticketing.procedure.accounts import AccountKind, EntryKind
from ticketing.procedure.repairs import OrderClass
from ticketing.procedure.vocabulary import Role
from ticketing.settings import ROOT


@pytest.fixture
def books(make):
    return Books(make)


class Books:
    """The accounts of the test world and short ways to book on them."""

    def __init__(self, make: Maker) -> None:
        self.make = make

    @property
    def contract(self) -> Contract:
        return db.session.scalars(select(Contract).where(Contract.number == "YX-TJ-01")).one()

    @property
    def contractor(self) -> Contractor:
        return self.contract.contractor

    @property
    def community(self) -> Community:
        return self.contract.community

    def book(self, kind, lines, source, **more):
        more = {"actor": self.make.user("finance"), "at": clock.now(), **more}
        return post(kind, lines, text=f"{kind} {source}", source=source, **more)

    def opening(self, fen, source="opening:1", **more):
        lines = [
            debit(accounts.contract_price(self.contractor), fen),
            credit(accounts.retention(self.contract), fen),
        ]
        return self.book(EntryKind.RETENTION_OPENING, lines, source, **more)

    def accrual(self, fen, source, order_class=OrderClass.B, **more):
        lines = [
            debit(accounts.repair_cost(order_class, self.community), fen),
            credit(accounts.payable(), fen),
        ]
        return self.book(EntryKind.ACCRUAL, lines, source, **more)

    def payment(self, fen, source, **more):
        lines = [debit(accounts.payable(), fen), credit(accounts.bank(), fen)]
        return self.book(EntryKind.PAYMENT, lines, source, **more)

    def deduction(self, fen, source, **more):
        lines = [
            debit(accounts.retention(self.contract), fen),
            credit(accounts.repair_cost(OrderClass.A, self.community), fen),
        ]
        return self.book(EntryKind.DEDUCTION, lines, source, **more)


def sound():
    """Nothing is wrong with the books."""
    verdict = verifying.verify()
    assert verdict.faults == []
    return verdict


@pytest.mark.clause("2.6")
def test_an_entry_moves_its_accounts_and_the_sum_of_all_stays_nought(books):
    with transaction():
        entry = books.opening(50_000_000)
        books.accrual(246_668, "settlement:1", OrderClass.A)
    assert entry.number == "记-000001"
    assert [(line.account.kind, line.amount_fen) for line in queries.entry(entry.id).lines] == [
        (AccountKind.CONTRACT_PRICE, 50_000_000),
        (AccountKind.RETENTION, -50_000_000),
    ]
    assert queries.held(books.contract.id) == 50_000_000
    assert db.session.scalar(select(func.sum(LedgerAccount.balance_fen))) == 0
    assert sound().entries == 2
    assert [line.entry.act for line in journal.story("ledger_entry", entry.id)] == ["post"]


@pytest.mark.parametrize(
    ("amounts", "sentence"),
    [
        ([], "一借一贷"),
        ([(1, 100)], "一借一贷"),
        ([(1, 100), (1, -100)], "一借一贷"),
        ([(1, 0), (2, 0)], "一借一贷"),
        ([(1, 100), (2, -99)], "借贷不平，相差 0.01 元"),
    ],
)
def test_what_is_no_entry_is_refused_in_words(books, amounts, sentence):
    with transaction():
        pair = {1: accounts.bank(), 2: accounts.agency_income()}
        lines = [(pair[name], fen) for name, fen in amounts]
        with pytest.raises(Invalid, match=sentence):
            books.book(EntryKind.RECEIPT, [queries_line(*line) for line in lines], "receipt:1")
    assert db.session.scalar(select(func.count(LedgerLine.id))) == 0


def queries_line(account, fen):
    return debit(account, fen) if fen >= 0 else credit(account, -fen)


def test_a_negative_amount_is_no_way_to_swap_the_sides(books):
    with transaction(), pytest.raises(Invalid, match="负数"):
        credit(accounts.bank(), -1)


@pytest.mark.clause("3.5.9")
def test_a_document_is_booked_once_in_each_kind(books):
    with transaction():
        books.accrual(100, "settlement:1")
        books.payment(100, "settlement:1")
        with pytest.raises(Conflict, match="已经记账"):
            books.accrual(100, "settlement:1")
    assert sound().entries == 2


@pytest.mark.clause("3.5.9")
def test_a_deposit_is_never_overdrawn_and_nothing_is_paid_that_is_not_owed(books):
    with transaction():
        books.opening(1_000)
        with pytest.raises(Invalid, match=r"余额不足：现有 10.00 元"):
            books.deduction(1_001, "settlement:1")
        books.deduction(1_000, "settlement:1")
        with pytest.raises(Invalid, match="余额不足"):
            books.payment(1, "settlement:1")
    assert queries.held(books.contract.id) == 0
    sound()


@pytest.mark.clause("3.6")
def test_a_fund_never_spends_what_it_does_not_have(books):
    with transaction():
        cash, slips = accounts.imprest_cash(1, "客服"), accounts.imprest_slips(1, "客服")
        books.book(
            EntryKind.IMPREST_ADVANCE, [debit(cash, 500), credit(accounts.bank(), 500)], "fund:1"
        )
        with pytest.raises(Invalid, match="余额不足"):
            books.book(EntryKind.IMPREST_SPENDING, [debit(slips, 501), credit(cash, 501)], "slip:1")
    sound()


def test_a_reversal_mirrors_its_entry_and_sets_its_document_free(books):
    with transaction():
        books.opening(1_000)
        entry = books.deduction(400, "settlement:7")
        mirror = reverse(entry, reason="合同认错", actor=books.make.user("auditor"), at=clock.now())
        assert standing("settlement:7", EntryKind.DEDUCTION) is None
        again = books.deduction(300, "settlement:7")
    assert (mirror.kind, mirror.reverses_id, again.turn) == (EntryKind.REVERSAL, entry.id, 1)
    assert "合同认错" in mirror.text
    assert queries.held(books.contract.id) == 700
    assert standing("settlement:7", EntryKind.DEDUCTION).id == again.id
    sound()


def test_what_was_reversed_or_is_a_reversal_or_carries_a_payment_stays(books):
    with transaction():
        accrued, paid = books.accrual(100, "settlement:1"), books.payment(100, "settlement:1")
        how = {"actor": books.make.user("auditor"), "at": clock.now()}
        with pytest.raises(Conflict, match="请先冲销同一单据的拨付"):
            reverse(accrued, reason="重做", **how)
        with pytest.raises(Invalid, match="原因"):
            reverse(paid, reason=" ", **how)
        mirror = reverse(paid, reason="重做", **how)
        with pytest.raises(Conflict, match="已经冲销"):
            reverse(paid, reason="重做", **how)
        with pytest.raises(Conflict, match="冲销凭证不能再冲销"):
            reverse(mirror, reason="重做", **how)
        reverse(accrued, reason="重做", **how)
    assert sound().entries == 4


def test_an_opening_that_was_used_cannot_be_reversed_away(books):
    with transaction():
        entry = books.opening(1_000)
        books.deduction(1, "settlement:1")
        with pytest.raises(Invalid, match="余额不足"):
            reverse(entry, reason="错", actor=books.make.user("auditor"), at=clock.now())
    sound()


@pytest.mark.clause("2.7")
def test_finance_asks_for_a_reversal_and_audit_agrees(books):
    make = books.make
    with transaction():
        entry = books.opening(1_000)
    with transaction():
        for name in ("auditor", "manager", "cashier", "gm"):
            with pytest.raises(NotPermitted):
                reversing.ask_reversal(entry, reason="金额录错", actor=make.user(name))
        request = reversing.ask_reversal(entry, reason="金额录错", actor=make.user("finance"))
        with pytest.raises(Conflict, match="已经申请"):
            reversing.ask_reversal(entry, reason="再次", actor=make.user("finance"))
    with transaction():
        for name in ("finance", "cashier", "manager"):
            with pytest.raises(NotPermitted):
                reversing.settle_reversal(request, agreed=True, answer="", actor=make.user(name))
        with pytest.raises(Invalid, match="原因"):
            reversing.settle_reversal(request, agreed=False, answer="", actor=make.user("auditor"))
        reversing.settle_reversal(request, agreed=True, answer="", actor=make.user("auditor"))
    assert queries.held(books.contract.id) == 0
    with transaction(), pytest.raises(Conflict, match="已经办理"):
        reversing.settle_reversal(request, agreed=True, answer="", actor=make.user("auditor"))
    assert sound().entries == 2


def test_who_asked_or_booked_does_not_agree_under_another_account(books):
    make = books.make
    second_account(make, "finance_two", "冯会计", [Role.AUDITOR])
    with transaction():
        for name in ("finance", "finance_two"):
            make.user(name).employee_number = "E7"
    with transaction():
        request = reversing.ask_reversal(
            books.opening(1_000), reason="错", actor=make.user("finance")
        )
        with pytest.raises(NotPermitted, match="申请冲销的人"):
            reversing.settle_reversal(
                request, agreed=True, answer="", actor=make.user("finance_two")
            )


def test_a_refused_reversal_leaves_the_entry_and_may_be_asked_again(books):
    make = books.make
    with transaction():
        entry = books.opening(1_000)
        request = reversing.ask_reversal(entry, reason="错", actor=make.user("finance"))
        reversing.settle_reversal(
            request, agreed=False, answer="凭证无误", actor=make.user("auditor")
        )
        reversing.ask_reversal(entry, reason="附上原件再请", actor=make.user("finance"))
    assert queries.held(books.contract.id) == 1_000
    assert [one.agreed for one in reversing.requests_on(entry)] == [False, None]


# --- the database by itself -----------------------------------------------------------------------------------------


def raw(*statements):
    """Run statements in one transaction of their own, behind every command; commit."""
    db.session.rollback()
    with db.engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
        connection.commit()


LINE = "INSERT INTO ledger_line (entry_id, account_id, amount_fen) VALUES ({}, {}, {})"
ENTRY = (
    'INSERT INTO ledger_entry (id, "on", at, kind, text, source, turn, reverses_id, by_id) VALUES'
    " ({}, '2026-11-20', '2026-11-20 01:00:00', '{}', 'x', '{}', {}, {}, 1)"
)


@pytest.fixture
def booked(books):
    """Two entries of 1,000 (a deposit) and 400 (deducted), and the ids of the accounts."""
    with transaction():
        books.opening(100_000)
        books.deduction(40_000, "repair:1")
        held = accounts.retention(books.contract).id
        cost = accounts.repair_cost(OrderClass.A, books.community).id
        price = accounts.contract_price(books.contractor).id
    return held, cost, price


def attempts(held, cost, price):
    """What nobody may do with SQL either: a name, the statements, and the guard's words (None: another constraint)."""
    return {
        "unbalanced": (
            [LINE.format(3, cost, 5), LINE.format(3, price, -4), ENTRY.format(3, "receipt", "r:1", 0, "NULL")],
            ddl.UNBALANCED,
        ),
        "one line": ([LINE.format(3, cost, 5), ENTRY.format(3, "receipt", "r:1", 0, "NULL")], ddl.SHORT),
        "no line": ([ENTRY.format(3, "receipt", "r:1", 0, "NULL")], ddl.SHORT),
        "lines without an entry": ([LINE.format(3, cost, 5), LINE.format(3, price, -5)], None),
        "a gap": (
            [LINE.format(9, cost, 5), LINE.format(9, price, -5), ENTRY.format(9, "receipt", "r:1", 0, "NULL")],
            ddl.GAP,
        ),
        "a further line": ([LINE.format(2, cost, 5)], ddl.CLOSED),
        "twice": (
            [LINE.format(3, held, 5), LINE.format(3, cost, -5), ENTRY.format(3, "deduction", "repair:1", 0, "NULL")],
            ddl.TWICE,
        ),
        "twice under a later turn": (
            [LINE.format(3, held, 5), LINE.format(3, cost, -5), ENTRY.format(3, "deduction", "repair:1", 1, "NULL")],
            ddl.TWICE,
        ),
        "no mirror": (
            [LINE.format(3, held, -39_999), LINE.format(3, cost, 39_999), ENTRY.format(3, "reversal", "ledger_entry:2", 0, 2)],
            ddl.MIRROR,
        ),
        "an overdrawn deposit": (
            [LINE.format(3, held, 60_001), LINE.format(3, cost, -60_001), ENTRY.format(3, "deduction", "s:2", 0, "NULL")],
            None,
        ),
        "a nought": ([LINE.format(3, held, 0)], None),
        "a changed line": (["UPDATE ledger_line SET amount_fen = 1 WHERE entry_id = 2"], ddl.KEPT),
        "a changed entry": (["UPDATE ledger_entry SET text = 'y' WHERE id = 2"], ddl.KEPT),
        "a removed line": (["DELETE FROM ledger_line WHERE entry_id = 2"], ddl.KEPT),
        "a removed entry": (["DELETE FROM ledger_entry WHERE id = 2"], ddl.KEPT),
        "a moved balance": ([f"UPDATE ledger_account SET balance_fen = 0 WHERE id = {held}"], ddl.MOVED),
        "another kind": ([f"UPDATE ledger_account SET kind = 'bank' WHERE id = {cost}"], ddl.ACCOUNT),
        "a full account": (
            ["INSERT INTO ledger_account (kind, key, name, balance_fen) VALUES ('bank', 'bank:2', 'x', 5)"],
            ddl.OPENED,
        ),
    }  # fmt: skip


@pytest.mark.parametrize("name", attempts(1, 2, 3))
def test_the_database_itself_refuses(booked, name):
    statements, words = attempts(*booked)[name]
    before = verifying.verify()
    with pytest.raises(IntegrityError) as refused:
        raw(*statements)
    if words is not None:
        assert words in str(refused.value)
    assert verifying.verify() == before
    sound()


def test_nothing_is_replaced_or_emptied_behind_the_guards(booked):
    held = booked[0]
    if dialect() == "sqlite":
        tricks = [
            (
                "INSERT OR REPLACE INTO ledger_line (id, entry_id, account_id, amount_fen)"
                f" VALUES (1, 3, {held}, -5)"
            ),
            (
                "INSERT OR REPLACE INTO ledger_account (id, kind, key, name, balance_fen)"
                f" VALUES ({held}, 'bank', 'x', 'x', 0)"
            ),
            ENTRY.format(2, "receipt", "r:1", 0, "NULL").replace("INSERT", "INSERT OR REPLACE"),
            "UPDATE OR REPLACE ledger_line SET amount_fen = 1",
        ]
    else:
        tricks = ["TRUNCATE ledger_line", "TRUNCATE ledger_entry CASCADE"]
    for trick in tricks:
        with pytest.raises(DBAPIError, match="ledger: "):
            raw(trick)
    sound()


def unjournalled_only(number):
    """The database holds it for sound; that no command booked it shows in the journal."""
    assert verifying.verify().faults == [f"凭证 {number}：审计日志没有这次入账"]


def test_a_true_mirror_is_let_in_by_the_database_once(booked):
    held, cost, _price = booked
    mirror = [LINE.format(3, held, -40_000), LINE.format(3, cost, 40_000)]
    raw(*mirror, ENTRY.format(3, "reversal", "ledger_entry:2", 0, 2))
    unjournalled_only(3)
    again = [LINE.format(4, held, -40_000), LINE.format(4, cost, 40_000)]
    with pytest.raises(IntegrityError):
        raw(*again, ENTRY.format(4, "reversal", "other", 0, 2))
    unjournalled_only(3)


def test_verify_finds_what_got_past_missing_guards(booked):
    _held, cost, _price = booked
    guards = {
        "ledger_line": ["ledger_line_update", "ledger_line_closed", "ledger_line_counted"],
        "ledger_entry": ["ledger_entry_delete"],
    }
    for table, names in guards.items():
        raw(*(f"DROP TRIGGER {name}{_of(table)}" for name in names))
    raw(
        "UPDATE ledger_line SET amount_fen = amount_fen + 1 WHERE entry_id = 2 AND amount_fen > 0",
        LINE.format(1, cost, 7),
    )
    faults = "\n".join(verifying.verify().faults)
    for words in (
        "缺少账簿的保护：ledger_line_counted",
        "凭证 1：3 行，借贷相差 0.07",
        "凭证 2：2 行，借贷相差 0.01",
        "账户 质量保证金—YX-TJ-01：余额记 -600.00，分录合计 -599.99",
        "全部账户合计应为零，实为 0.08",
    ):
        assert words in faults


def test_verify_finds_lines_that_were_altered_and_balance_still(booked):
    for name, table in (
        ("ledger_line_update", "ledger_line"),
        (GUARD_OF_BALANCES[dialect()], "ledger_account"),
    ):
        raw(f"DROP TRIGGER {name}{_of(table)}")
    raw(
        "UPDATE ledger_line SET amount_fen = amount_fen + 5 WHERE entry_id = 1 AND amount_fen > 0",
        "UPDATE ledger_line SET amount_fen = amount_fen - 5 WHERE entry_id = 1 AND amount_fen < 0",
        "UPDATE ledger_account SET balance_fen ="
        " (SELECT sum(amount_fen) FROM ledger_line WHERE account_id = ledger_account.id)",
    )
    assert [fault for fault in verifying.verify().faults if not fault.startswith("数据库缺少")] == [
        "凭证 1：与审计日志所记的入账不符"
    ]


GUARD_OF_BALANCES = {"sqlite": "ledger_account_moved", "postgresql": "ledger_account_kept"}


def _of(table):
    return f" ON {table}" if dialect() == "postgresql" else ""


def test_twenty_bookings_of_one_document_at_once_make_one(app, books):
    with transaction():
        books.opening(1_000_000)
    at = clock.now()
    actor = books.make.world.users["finance"]
    contract_id = books.contract.id
    outcomes, barrier = [], threading.Barrier(20)
    db.session.rollback()

    def run(n):
        with app.app_context():
            barrier.wait()
            try:
                with transaction():
                    from ticketing.masters.people.models import User

                    contract = db.session.get_one(Contract, contract_id)
                    lines = [
                        debit(accounts.retention(contract), 60_000),
                        credit(accounts.repair_cost(OrderClass.A, contract.community), 60_000),
                    ]
                    post(
                        EntryKind.DEDUCTION,
                        lines,
                        text="扣回",
                        source="settlement:1" if n < 10 else f"settlement:{n}",
                        actor=db.session.get_one(User, actor),
                        at=at,
                    )
                outcomes.append("booked")
            except DomainError:
                outcomes.append("refused")
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.session.rollback()
    assert len(outcomes) == 20
    assert outcomes.count("booked") == 11
    assert queries.held(contract_id) == 1_000_000 - 11 * 60_000
    assert sound().entries == 12


def test_lines_smuggled_into_an_entry_that_is_being_booked_are_refused(booked):
    """Two connections: what the first has not committed yet already closes the entry for the second."""
    if dialect() != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    _held, cost, price = booked
    failed = []
    with db.engine.connect() as first, db.engine.connect() as second:
        for one in (LINE.format(3, cost, 5), LINE.format(3, price, -5)):
            first.execute(text(one))
        first.execute(text(ENTRY.format(3, "receipt", "r:1", 0, "NULL")))

        def smuggle():
            try:
                second.execute(text(LINE.format(3, cost, 9)))
                second.commit()
            except IntegrityError as error:
                failed.append(str(error))

        thread = threading.Thread(target=smuggle)
        thread.start()
        thread.join(0.3)
        assert thread.is_alive(), "it waits for the first to end"
        first.commit()
        thread.join()
    assert ddl.CLOSED in failed[0]
    unjournalled_only(3)


# --- reading --------------------------------------------------------------------------------------------------------


def test_a_statement_runs_from_the_opening_to_the_closing_page_by_page(books):
    with transaction():
        books.opening(100_000, on=date(2026, 9, 1))
        for n in range(1, 8):
            books.deduction(n * 100, f"settlement:{n}", on=date(2026, 10, n))
        account = accounts.retention(books.contract)
    whole = queries.statement([account.id], since=date(2026, 10, 3), until=date(2026, 10, 6))
    assert whole.opening_fen == -99_700
    assert [line.balance_fen for line in whole.lines] == [-99_400, -99_000, -98_500, -97_900]
    assert (whole.closing_fen, whole.following) == (-97_900, "")
    first = queries.statement(
        [account.id], since=date(2026, 10, 3), until=date(2026, 10, 6), size=3
    )
    assert (len(first.lines), first.closing_fen) == (3, -97_900)
    day, _, line_id = first.following.partition("_")
    place = (date.fromisoformat(day), int(line_id))
    rest = queries.statement([account.id], after=place, until=date(2026, 10, 6), size=3)
    assert rest.opening_fen == first.lines[-1].balance_fen
    assert [one.balance_fen for one in rest.lines] == [-97_900]
    assert rest.following == ""


def test_the_trial_balance_adds_up_to_nought_in_every_period(books):
    with transaction():
        books.opening(100_000, on=date(2025, 12, 31))
        books.accrual(7_000, "settlement:1", OrderClass.A, on=date(2026, 1, 1))
        books.deduction(7_000, "settlement:1", on=date(2026, 6, 1))
    for period in ((None, None), (date(2026, 1, 1), date(2026, 12, 31)), (date(2027, 1, 1), None)):
        rows = queries.trial_balance(*period)
        assert sum(row.opening_fen for row in rows) == 0
        assert sum(row.closing_fen for row in rows) == 0
        assert sum(row.debit_fen for row in rows) == sum(row.credit_fen for row in rows)
    year = {
        row.account.kind: row for row in queries.trial_balance(date(2026, 1, 1), date(2026, 12, 31))
    }
    held = year[AccountKind.RETENTION]
    assert (held.opening_fen, held.debit_fen, held.closing_fen) == (-100_000, 7_000, -93_000)


@pytest.mark.parametrize(
    ("fen", "shown"),
    [(0, "0.00"), (5, "0.05"), (-5, "-0.05"), (123_456_789, "1,234,567.89"), (-100, "-1.00")],
)
def test_money_is_shown_to_the_fen_with_its_sign(fen, shown):
    assert show_fen(fen) == shown


def test_the_console_verifies_the_books(app, books, booked):
    runner = app.test_cli_runner()
    told = runner.invoke(args=["ledger", "verify"])
    assert (told.exit_code, "凭证 2 张" in told.output) == (0, True)
    assert "借贷平衡" in runner.invoke(args=["verify"]).output
    raw(
        f"DROP TRIGGER ledger_account_moved{_of('ledger_account')}"
    ) if dialect() == "sqlite" else raw("DROP TRIGGER ledger_account_kept ON ledger_account")
    raw(f"UPDATE ledger_account SET balance_fen = -1 WHERE id = {booked[0]}")
    told = runner.invoke(args=["ledger", "verify"])
    assert told.exit_code == 1
    assert "余额记 -0.01，分录合计 -600.00" in told.output
    assert runner.invoke(args=["verify"]).exit_code == 1


# --- random people doing random things ------------------------------------------------------------------------------


class Ledger(RuleBasedStateMachine):
    """Random postings, deductions and reversals; beside them a ledger kept by plain arithmetic."""

    engine: Engine

    def __init__(self):
        super().__init__()
        self.context = None

    @initialize()
    def begin(self):
        self.engine.renew()
        self.context = self.engine.app.app_context()
        self.context.push()
        self.books = Books(Maker(self.engine.world))
        self.held = self.owed = self.count = 0
        self.standing: dict[tuple[str, str], tuple[int, int]] = {}

    def teardown(self):
        if self.context is not None:
            db.session.rollback()
            db.session.remove()
            self.context.pop()

    def attempt(self, book):
        try:
            with transaction():
                return book().id
        except DomainError:
            return None

    @rule(fen=st.integers(1, 50_000), n=st.integers(1, 3))
    def open_deposit(self, fen, n):
        key = ("opening", f"opening:{n}")
        done = self.attempt(lambda: self.books.opening(fen, key[1]))
        assert (done is not None) is (key not in self.standing)
        if done:
            self.held, self.count = self.held + fen, self.count + 1
            self.standing[key] = (done, fen)

    @rule(fen=st.integers(1, 80_000), n=st.integers(1, 4))
    def deduct(self, fen, n):
        key = ("deduction", f"settlement:{n}")
        done = self.attempt(lambda: self.books.deduction(fen, key[1]))
        assert (done is not None) is (key not in self.standing and fen <= self.held)
        if done:
            self.held, self.count = self.held - fen, self.count + 1
            self.standing[key] = (done, fen)

    @rule(fen=st.integers(1, 80_000), n=st.integers(1, 4))
    def accrue(self, fen, n):
        key = ("accrual", f"settlement:{n}")
        done = self.attempt(lambda: self.books.accrual(fen, key[1]))
        assert (done is not None) is (key not in self.standing)
        if done:
            self.owed, self.count = self.owed + fen, self.count + 1
            self.standing[key] = (done, fen)

    @rule(fen=st.integers(1, 80_000), n=st.integers(1, 4))
    def pay(self, fen, n):
        key = ("payment", f"settlement:{n}")
        done = self.attempt(lambda: self.books.payment(fen, key[1]))
        assert (done is not None) is (key not in self.standing and fen <= self.owed)
        if done:
            self.owed, self.count = self.owed - fen, self.count + 1
            self.standing[key] = (done, fen)

    @precondition(lambda self: self.standing)
    @rule(data=st.data())
    def reverse(self, data):
        key = data.draw(st.sampled_from(sorted(self.standing)))
        entry_id, fen = self.standing[key]
        kind, source = key
        auditor = self.books.make.user("auditor")

        def mirror():
            entry = db.session.get_one(LedgerEntry, entry_id)
            return reverse(entry, reason="错账", actor=auditor, at=clock.now())

        rests = {(other, source) for other in ("payment", "deduction")} & set(self.standing)
        allowed = {
            "opening": fen <= self.held,
            "accrual": not rests and fen <= self.owed,
        }.get(kind, True)
        done = self.attempt(mirror)
        assert (done is not None) is allowed
        if done:
            self.count += 1
            del self.standing[key]
            self.held += {"opening": -fen, "deduction": fen}.get(kind, 0)
            self.owed += {"accrual": -fen, "payment": fen}.get(kind, 0)

    @rule(fen=st.integers(1, 1000), n=st.integers(1, 4))
    def forge(self, fen, n):
        """Somebody with SQL in his hands pays a settlement once more, or out of balance."""
        with transaction():
            bank, price = accounts.bank().id, accounts.contract_price(self.books.contractor).id
        number = self.count + 1
        with pytest.raises(IntegrityError):
            raw(
                LINE.format(number, price, fen),
                LINE.format(number, bank, -fen - 1),
                ENTRY.format(number, "payment", f"settlement:{n}", 0, "NULL"),
            )

    @invariant()
    def the_books_agree(self):
        if self.context is None:
            return
        db.session.rollback()
        verdict = verifying.verify()
        assert verdict.faults == []
        assert verdict.entries == self.count
        assert queries.held(self.books.contract.id) == self.held
        owed = queries.account_by_key("payable")
        assert -(owed.balance_fen if owed else 0) == self.owed


@pytest.mark.clause("2.6")
def test_whatever_people_book_and_reverse_the_books_hold(engine):
    class Machine(Ledger):
        pass

    Machine.engine = engine
    checks = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=5, stateful_step_count=14, deadline=None, suppress_health_check=checks
        ),
    )


def test_no_sum_of_money_ever_meets_a_float():
    """Promise 9: nothing in the books divides, rounds, or makes a float."""
    paths = [
        *(ROOT / "ticketing" / "books").rglob("*.py"),
        ROOT / "ticketing/procedure/accounts.py",
    ]
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            named = isinstance(node, ast.Name) and node.id in ("float", "round")
            real = isinstance(node, ast.Constant) and isinstance(node.value, float)
            divided = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)
            joins_paths = path.name == "tables.py"
            wrong = named or real or (divided and not joins_paths)
            assert not wrong, f"{path.name}:{node.lineno}"
