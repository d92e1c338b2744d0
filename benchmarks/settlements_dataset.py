"""The money of the benchmark's database: the account of each accepted order as rows, its payment, what it books.

Nine in ten accounts are paid; those of the newest orders lie spread over the road. The ledger is written in bulk beneath
its own triggers, which are put back before it is proved by `books.ledger.verifying`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, select, text

from ticketing.books.ledger import accounts, ddl
from ticketing.books.ledger.models import LedgerAccount, LedgerEntry, LedgerLine
from ticketing.books.ledger.verifying import verify
from ticketing.books.payments.models import Payment
from ticketing.books.retention import commands as retention
from ticketing.kernel import clock
from ticketing.kernel.db import db, dialect
from ticketing.masters.contractors.models import Contract
from ticketing.masters.workcalendar.queries import calendar
from ticketing.procedure.accounts import EntryKind, PaymentState, Purpose
from ticketing.procedure.deadlines import ClockKind, limit_for
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import OrderClass
from ticketing.procedure.settlement import (
    Confirmation,
    NoticeWay,
    PriceBasis,
    PriceSource,
    SettlementStage,
    Terms,
    line_fen,
    totals,
)
from ticketing.procedure.vocabulary import Role
from ticketing.steps.settlement.models import Settlement, SettlementLine

if TYPE_CHECKING:
    from benchmarks.dataset import Filler
    from benchmarks.repairs_dataset import Crews, Repairing, Who

S = SettlementStage
ROADS = {
    OrderClass.A: (S.DRAFTING, S.SUBMITTED, S.REVIEWED, S.CONFIRMING, S.CONFIRMED, S.CERTIFIED, S.PAID),
    OrderClass.B: (S.DRAFTING, S.SUBMITTED, S.REVIEWED, S.CERTIFIED, S.PAID),
}  # fmt: skip
ACTS = {
    S.DRAFTING: (Act.DRAFT_ACCOUNT, "3.5.5"),
    S.SUBMITTED: (Act.SUBMIT_ACCOUNT, "3.5.5"),
    S.REVIEWED: (Act.REVIEW_ACCOUNT, "3.5.6"),
    S.CONFIRMING: (Act.NOTIFY_CONTRACTOR, "3.5.7"),
    S.CONFIRMED: (Act.CONFIRM_ACCOUNT, "3.5.7"),
    S.CERTIFIED: (Act.CERTIFY, "3.5.8"),
    S.PAID: (Act.PAY_SETTLEMENT, "3.5.9"),
}
CLOCKS = (
    (ClockKind.CS_REVIEW, S.SUBMITTED, S.REVIEWED),
    (ClockKind.CONTRACTOR_CONFIRMATION, S.CONFIRMING, S.CONFIRMED),
    (ClockKind.PAYMENT, S.CERTIFIED, S.PAID),
)
"""Which clock runs from which state to which."""

HOURS = (20, 30, 24, 40, 24, 60)
OLD = timedelta(days=30)
WORK = (("维修工", "工日", 30_000), ("防水涂料", "㎡", 6_500), ("水管及配件", "套", 4_800))
"""Item, unit, unit price in fen."""

DEPOSIT_FEN = 2_000_000_000


class Purse(NamedTuple):
    """The accounts of a community's repairs, by their ids, and its contract."""

    contract_id: int
    contractor_id: int
    retention: int
    receivable: int
    costs: dict[OrderClass, int]


@dataclass
class Purses:
    """Who reviews, certifies and pays; the ledger's numbers; by community id its accounts."""

    certifier: Who
    finance: Who
    cashier: Who
    payable: int
    bank: int
    of: dict[int, Purse] = field(default_factory=dict)
    deposits: dict[int, int] = field(default_factory=dict)
    keys: dict[int, str] = field(default_factory=dict)
    entries: int = 0


def purses(account: Callable[..., Any]) -> Purses:
    """Deposits entered and agreed to through the commands; every account of the ledger opened."""
    chief = account("chief", "ENG", Role.DEPUTY_CHIEF_ENGINEER, ())
    finance, cashier, auditor = (
        account(name, "FIN", role, ())
        for name, role in (
            ("finance", Role.FINANCE),
            ("cashier", Role.CASHIER),
            ("auditor", Role.AUDITOR),
        )
    )
    found = Purses(
        *((one.id, one.name) for one in (chief, finance, cashier)),
        payable=accounts.payable().id,
        bank=accounts.bank().id,
    )
    for contract in db.session.scalars(select(Contract).order_by(Contract.id)).all():
        deposit = retention.enter_deposit(
            contract, voucher="记-0001", on=date(2020, 1, 10), actor=finance
        )
        retention.settle_deposit(deposit, agreed=True, answer="", actor=auditor)
        community = contract.community
        found.of[community.id] = Purse(
            contract.id,
            contract.contractor_id,
            accounts.retention(contract).id,
            accounts.receivable(contract.contractor).id,
            {one: accounts.repair_cost(one, community).id for one in ROADS},
        )
        found.deposits[contract.id] = contract.retention_fen
    found.keys = {one.id: one.key for one in db.session.scalars(select(LedgerAccount))}
    found.entries = db.session.scalar(select(func.max(LedgerEntry.id))) or 0
    return found


def lay_bare() -> None:
    """Take the ledger's triggers off a SQLite database while it is filled; on PostgreSQL COPY does not meet them."""
    if dialect() == "sqlite":
        for name in sorted(ddl.TRIGGERS["sqlite"]):
            db.session.execute(text(f"DROP TRIGGER {name}"))


def close_books() -> None:
    """Let orders and balances say what accounts and lines do, put the triggers back, and prove the books."""
    db.session.execute(
        text(
            "UPDATE work_order SET accounted_at ="
            " (SELECT s.drafted_at FROM settlement s WHERE s.order_id = work_order.id)"
            " WHERE accepted_at IS NOT NULL"
        )
    )
    if dialect() == "postgresql":
        db.session.execute(text("SET LOCAL session_replication_role = replica"))
    db.session.execute(
        text(
            "UPDATE ledger_account SET balance_fen = coalesce((SELECT sum(amount_fen) FROM ledger_line"
            " WHERE account_id = ledger_account.id), 0)"
        )
    )
    if dialect() == "sqlite":
        for statement in (*ddl.CREATE["sqlite"], *ddl.CREATE_CLOSING["sqlite"]):
            db.session.execute(text(statement))
    faults = verify().faults
    if faults:
        raise SystemExit(f"the benchmark's books do not verify: {faults[:5]}")


class Accounting:
    """The account of one accepted order, from the draft to the money, as rows."""

    def __init__(self, repair: Repairing, order_id: int, order_class: OrderClass) -> None:
        self.repair, self.order_id, self.order_class = repair, order_id, order_class
        self.filler: Filler = repair.filler
        self.crew: Crews = repair.crew
        assert repair.crew.purses is not None
        self.purses = repair.crew.purses
        self.purse = self.purses.of[repair.ticket["community_id"]]
        self.id = self.crew.next_id("settlement")

    def settle(self, accepted: datetime, trades: int) -> None:
        """The settlement, its lines and journal, its clocks; where it came so far, its payment and what that books."""
        repair, dice, road = self.repair, self.repair.dice, ROADS[self.order_class]
        reached = len(road) if repair.now - accepted > OLD else dice.randint(1, len(road))
        steps = [repair.later(accepted, 10)]
        for hours in HOURS[: reached - 1]:
            steps.append(repair.later(steps[-1], hours))
        when = dict(zip(road, steps, strict=False))
        number = self.crew.number(repair.code, "J", steps[0])
        lines = [
            (item, unit, price * 10, 1000 * dice.randint(1, 4))
            for item, unit, price in dice.sample(WORK, 2)
        ]
        terms = Terms(PriceBasis.EXCLUSIVE, 900, 0)
        submitted = totals((line_fen(one[3], one[2]) for one in lines), terms)
        cut = 500 if dice.random() < 0.3 else 0
        approved = totals(
            (line_fen(one[3] - cut * (n == 0), one[2]) for n, one in enumerate(lines)), terms
        )
        self._lines(lines, cut, S.REVIEWED in when)
        self._row(number, road[reached - 1], when, submitted.total_fen, approved)
        self._story(road[:reached], when)
        self._clocks(when, trades)
        if S.CERTIFIED in when:
            self._book(number, when, approved.total_fen)

    def _lines(self, lines: list[tuple[str, str, int, int]], cut: int, reviewed: bool) -> None:
        for position, (item, unit, price, quantity) in enumerate(lines, start=1):
            kept = quantity - cut * (position == 1)
            self.filler.add(
                SettlementLine,
                settlement_id=self.id,
                revision=1,
                position=position,
                source=PriceSource.AGREED,
                item=item,
                unit=unit,
                quantity_milli=quantity,
                price_milli=price,
                submitted_fen=line_fen(quantity, price),
                approved_quantity_milli=kept if reviewed else None,
                approved_price_milli=price if reviewed else None,
                approved_fen=line_fen(kept, price) if reviewed else None,
            )

    def _row(
        self,
        number: str,
        stage: SettlementStage,
        when: dict[SettlementStage, datetime],
        submitted_fen: int,
        approved: Any,
    ) -> None:
        ticket, manager = self.repair.ticket, self.crew.manager[0]
        captain = self.repair.team.captain[0]
        reviewed, certified, paid = (when.get(one) for one in (S.REVIEWED, S.CERTIFIED, S.PAID))
        notified, confirmed = when.get(S.CONFIRMING), when.get(S.CONFIRMED)
        of_a = self.order_class is OrderClass.A and reviewed is not None
        self.filler.add(
            Settlement,
            id=self.id,
            number=number,
            order_id=self.order_id,
            ticket_id=ticket["id"],
            community_id=ticket["community_id"],
            order_class=self.order_class,
            stage=stage,
            version=1,
            revision=1,
            basis=PriceBasis.EXCLUSIVE,
            vat_bp=900,
            submitted_fen=submitted_fen,
            approved_fen=approved.total_fen if reviewed else None,
            tax_fen=approved.tax_fen if reviewed else 0,
            drafted_at=when[S.DRAFTING],
            drafted_by_id=captain,
            submitted_at=when.get(S.SUBMITTED),
            submitted_by_id=captain if S.SUBMITTED in when else None,
            route=Role.CS_MANAGER if S.SUBMITTED in when else None,
            reviewed_at=reviewed,
            reviewed_by_id=manager if reviewed else None,
            review="同意" if reviewed else "",
            compiled_at=reviewed,
            compiled_by_id=self.crew.office[0] if reviewed else None,
            contract_id=self.purse.contract_id if of_a else None,
            chargeback_fen=approved.total_fen if of_a else 0,
            notified_at=notified,
            notified_by_id=self.crew.office[0] if notified else None,
            notice_way=NoticeWay.HANDED if notified else None,
            notice_evidence="签收回执" if notified else "",
            answer_due_on=clock.local(notified).date() + timedelta(days=7) if notified else None,
            confirmation=Confirmation.SIGNED if confirmed else None,
            confirmed_at=confirmed,
            confirmed_by="驻场代表" if confirmed else "",
            certified_at=certified,
            certified_by_id=self.purses.certifier[0] if certified else None,
            opinion="同意" if certified else "",
            paid_at=paid,
            deducted_fen=self._held(approved.total_fen) if paid else 0,
        )

    def _story(
        self, road: tuple[SettlementStage, ...], when: dict[SettlementStage, datetime]
    ) -> None:
        captain, manager = self.repair.team.captain, self.crew.manager
        hands = {
            S.DRAFTING: captain,
            S.SUBMITTED: captain,
            S.REVIEWED: manager,
            S.CERTIFIED: self.purses.certifier,
            S.PAID: self.purses.cashier,
        }
        before = ""
        for stage in road:
            act, clause = ACTS[stage]
            who = hands.get(stage, self.crew.office)
            self.repair.note(
                "settlement", self.id, when[stage], act, who, before, stage.value, clause=clause
            )
            before = stage.value

    def _clocks(self, when: dict[SettlementStage, datetime], trades: int) -> None:
        for kind, origin, target in CLOCKS:
            if origin in when:
                began = when[origin]
                due = limit_for(kind, trades).deadline(began, calendar)
                self.filler.clock(
                    self.repair.ticket, kind, began, when.get(target), due, order_id=self.order_id
                )

    def _held(self, owed: int) -> int:
        """What the contract's deposit still covers of a debt."""
        if self.order_class is OrderClass.B:
            return 0
        return min(owed, self.purses.deposits[self.purse.contract_id])

    def _book(self, number: str, when: dict[SettlementStage, datetime], owed: int) -> None:
        """The accrual of a certified account; the payment of a paid one and its entries (procedure 2.6, 3.5.9)."""
        purses, cost = self.purses, self.purse.costs[self.order_class]
        lines = ((cost, owed), (purses.payable, -owed))
        self._entry(
            EntryKind.ACCRUAL, when[S.CERTIFIED], purses.certifier, f"{number} 维修费用认定", lines
        )
        if (paid := when.get(S.PAID)) is None:
            return
        payment_id, ticket = self.crew.next_id("payment"), self.repair.ticket
        self.filler.add(
            Payment,
            id=payment_id,
            purpose=Purpose.SETTLEMENT,
            source=f"settlement:{self.id}",
            payee="物业公司",
            amount_fen=owed,
            text=f"{number} 维修款",
            path=f"/settlements/{self.id}",
            community_id=ticket["community_id"],
            state=PaymentState.RELEASED,
            version=1,
            prepared_at=when[S.CERTIFIED],
            prepared_by_id=purses.finance[0],
            released_at=paid,
            released_by_id=purses.cashier[0],
            paid_on=clock.local(paid).date(),
            bank_reference=f"B{payment_id:010d}",
        )
        lines = ((purses.payable, owed), (purses.bank, -owed))
        self._entry(
            EntryKind.PAYMENT, paid, purses.cashier, f"{number} 拨付维修款", lines, payment_id
        )
        if self.order_class is OrderClass.A:
            held = self._held(owed)
            purses.deposits[self.purse.contract_id] -= held
            lines = (
                (self.purse.retention, held),
                (self.purse.receivable, owed - held),
                (cost, -owed),
            )
            self._entry(
                EntryKind.DEDUCTION,
                paid,
                purses.cashier,
                f"{number} A类费用扣回",
                lines,
                payment_id,
            )

    def _entry(
        self,
        kind: EntryKind,
        at: datetime,
        who: Who,
        words: str,
        lines: tuple[tuple[int, int], ...],
        payment_id: int | None = None,
    ) -> None:
        self.purses.entries += 1
        self.filler.add(
            LedgerEntry,
            id=self.purses.entries,
            on=clock.local(at).date(),
            at=at,
            kind=kind,
            text=words,
            source=f"settlement:{self.id}",
            turn=0,
            payment_id=payment_id,
            reverses_id=None,
            by_id=who[0],
        )
        booked = [(account_id, fen) for account_id, fen in lines if fen]
        for account_id, fen in booked:
            self.filler.add(
                LedgerLine, entry_id=self.purses.entries, account_id=account_id, amount_fen=fen
            )
        facts = {
            "kind": kind.value,
            "on": clock.local(at).date().isoformat(),
            "source": f"settlement:{self.id}",
            "lines": [[self.purses.keys[account_id], fen] for account_id, fen in booked],
        }
        self.repair.journal.later(
            at,
            subject="ledger_entry",
            actor_id=who[0],
            actor_name=who[1],
            subject_id=self.purses.entries,
            subject_version=0,
            act="post",
            clause="2.6",
            origin="",
            target="",
            facts=json.dumps(facts, ensure_ascii=False, sort_keys=True),
        )
