"""Random people do random things with money, allowed and forbidden; what an auditor relies on holds after each of them.

The checks read the rows themselves and reckon anew; they ask none of the code that guards them (trust: promises 9 to 19).
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import func, or_, select

from tests.support.make import Maker
from tests.support.settlements import Settlements
from ticketing.books.ledger import commands as ledger
from ticketing.books.ledger import reversing
from ticketing.books.ledger.models import LedgerAccount, LedgerEntry, LedgerLine, ReversalRequest
from ticketing.books.ledger.verifying import verify
from ticketing.books.payments import commands as payments
from ticketing.books.payments.models import Payment
from ticketing.journal.models import JournalEntry
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.kernel.errors import DomainError
from ticketing.procedure.accounts import AccountKind, EntryKind, PaymentState, Purpose
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import OrderClass
from ticketing.procedure.settlement import NoticeWay, SettlementStage
from ticketing.procedure.vocabulary import Role
from ticketing.steps.settlement import (
    booking,
    certifying,
    confirming,
    drafting,
    reviewing,
    verifying,
)
from ticketing.steps.settlement.models import Settlement
from ticketing.steps.settlement.reviewing import Audited

PEOPLE = (
    "captain", "office", "manager", "auditor", "chief", "deputy_gm", "gm", "finance", "cashier",
)  # fmt: skip
ACTS = (
    "hand in", "review", "compile", "notify", "confirm", "certify", "send back", "return", "prepare",
    "release", "void", "ask", "reverse",
)  # fmt: skip
NEXT = {
    SettlementStage.DRAFTING: ("hand in", "captain"),
    SettlementStage.RETURNED: ("hand in", "captain"),
    SettlementStage.SUBMITTED: ("review", "manager"),
    SettlementStage.REVIEWED: ("compile", "office"),
    SettlementStage.CONFIRMING: ("confirm", "auditor"),
    SettlementStage.CONFIRMED: ("certify", "chief"),
    SettlementStage.DISPUTED: ("confirm", "auditor"),
    SettlementStage.CERTIFIED: ("prepare", "finance"),
    SettlementStage.PAID: ("ask", "finance"),
}
STEPS = {
    "make": {Act.DRAFT_ACCOUNT, Act.AMEND_ACCOUNT, Act.SUBMIT_ACCOUNT},
    "review": {Act.AUDIT_LINES, Act.REVIEW_ACCOUNT},
    "certify": {Act.CERTIFY},
}
WHICH = st.integers(0, 2)


def machine(make: Maker, renew: Callable[[], None]) -> type[RuleBasedStateMachine]:
    """The machine; each of its examples begins with a new database (`renew`) and three accounts on their way."""
    done: Counter[str] = Counter()
    papers: list[int] = []
    contract = 0

    class Money(RuleBasedStateMachine):
        """Everybody tries everything."""

        def __init__(self) -> None:
            nonlocal contract
            super().__init__()
            db.session.remove()
            renew()
            accounts = Settlements(make)
            papers[:] = [
                accounts.bring(accounts.begun(), SettlementStage.CONFIRMED).id,
                accounts.bring(accounts.of_class_b(), SettlementStage.SUBMITTED).id,
                accounts.costing(accounts.of_class_b(estimate_fen=2_000_000), 2_000_000).id,
            ]
            contract = accounts.contract()

        def tried(self, name: str, act: Any) -> None:
            """Do it in a transaction of its own; a refusal is an answer, anything else is a fault."""
            try:
                with transaction():
                    act()
                done[name] += 1
            except DomainError:
                done[f"refused {name}"] += 1
            db.session.rollback()
            db.session.expire_all()

        def paper(self, which: int) -> Settlement:
            return db.session.get_one(Settlement, papers[which])

        def act(self, name: str, s: Settlement, who: str, less: int) -> None:
            """One act by its name, by one person, whether it is his turn or not."""
            person, seen = make.user(who), {"version": s.version}
            source = booking.source_of(s)
            payment = payments.live(source)
            standing = ledger.standing(source, EntryKind.PAYMENT) or ledger.standing(
                source, EntryKind.ACCRUAL
            )
            asked = db.session.scalars(
                select(ReversalRequest).where(ReversalRequest.settled_at.is_(None)).limit(1)
            ).one_or_none()
            acts: dict[str, Any] = {
                "hand in": lambda: drafting.submit(s, **seen, actor=person),
                "review": lambda: reviewing.finish(
                    s,
                    **seen,
                    audited=[
                        Audited(one.id, one.quantity_milli, one.price_milli * (100 - less) // 100)
                        for one in s.lines
                    ],
                    basis=s.basis,
                    vat_bp=s.vat_bp,
                    management_bp=s.management_bp,
                    review="同意",
                    actor=person,
                ),
                "compile": lambda: reviewing.compile_settlement(
                    s,
                    **seen,
                    contract_id=contract if s.order_class is OrderClass.A else None,
                    actor=person,
                ),
                "notify": lambda: confirming.notify(
                    s, **seen, way=NoticeWay.COURIER, evidence="SF", actor=person
                ),
                "confirm": lambda: confirming.confirm(
                    s, **seen, confirmed_by="张经理", evidence="函", actor=person
                ),
                "certify": lambda: certifying.certify(s, **seen, opinion="", actor=person),
                "send back": lambda: certifying.send_back(s, **seen, reason="再核", actor=person),
                "return": lambda: reviewing.send_back(s, **seen, reason="缺凭证", actor=person),
                "prepare": lambda: payments.prepare(
                    purpose=Purpose.SETTLEMENT, source=source, actor=person
                ),
                "release": lambda: (
                    payment
                    and payments.release(
                        payment,
                        version=payment.version,
                        paid_on=clock.today(),
                        bank_reference=f"BK{payment.id}",
                        actor=person,
                    )
                ),
                "void": lambda: (
                    payment
                    and payments.void(
                        payment, version=payment.version, reason="户名有误", actor=person
                    )
                ),
                "ask": lambda: (
                    standing and reversing.ask_reversal(standing, reason="有误", actor=person)
                ),
                "reverse": lambda: (
                    asked
                    and reversing.settle_reversal(
                        asked, agreed=less < 80, answer="不符", actor=person
                    )
                ),
            }
            self.tried(name, acts[name])

        @rule(which=WHICH, less=st.integers(0, 90))
        def go_on(self, which: int, less: int) -> None:
            """The next step by the one whose turn it is."""
            s = self.paper(which)
            name, who = NEXT[s.stage]
            if s.stage is SettlementStage.SUBMITTED and s.route is Role.AUDITOR:
                who = "auditor"
            if s.stage is SettlementStage.REVIEWED and s.compiled_at is not None:
                a = s.order_class is OrderClass.A
                name, who = ("notify", "auditor") if a else ("certify", "chief")
            if s.stage is SettlementStage.CERTIFIED and payments.live(booking.source_of(s)):
                name, who = "release", "cashier"
            self.act(name, s, who, less)

        @rule(which=WHICH, name=st.sampled_from(ACTS), who=st.sampled_from(PEOPLE))
        def try_anything(self, which: int, name: str, who: str) -> None:
            """Any act by anybody."""
            self.act(name, self.paper(which), who, 10)

        @rule(which=WHICH)
        def take_back(self, which: int) -> None:
            """Finance asks for a reversal, audit agrees."""
            self.act("ask", self.paper(which), "finance", 0)
            self.act("reverse", self.paper(which), "auditor", 0)

        @invariant()
        def the_books_are_whole(self) -> None:
            assert verify().faults == []

        @invariant()
        def what_is_owed_is_what_is_certified_and_unpaid(self) -> None:
            owed = db.session.scalar(
                select(func.sum(Settlement.approved_fen)).where(
                    Settlement.stage == SettlementStage.CERTIFIED
                )
            )
            booked = db.session.scalar(
                select(func.sum(LedgerLine.amount_fen))
                .join(LedgerAccount, LedgerAccount.id == LedgerLine.account_id)
                .where(LedgerAccount.kind == AccountKind.PAYABLE)
            )
            assert (owed or 0) == -(booked or 0)

        @invariant()
        def nothing_is_paid_twice_and_only_what_was_certified(self) -> None:
            for n, settlement_id in enumerate(papers):
                s = self.paper(n)
                paid = db.session.scalars(
                    select(Payment.amount_fen).where(
                        Payment.source == f"settlement:{settlement_id}",
                        Payment.state == PaymentState.RELEASED,
                    )
                ).all()
                assert list(paid) == ([s.approved_fen] if s.stage is SettlementStage.PAID else [])

        @invariant()
        def class_a_is_recovered_whole_and_class_b_never(self) -> None:
            for n, settlement_id in enumerate(papers):
                s, source = self.paper(n), f"settlement:{settlement_id}"
                booked = select(LedgerEntry.id).where(LedgerEntry.source == source)
                charged = dict(
                    db.session.execute(
                        select(LedgerAccount.kind, func.sum(LedgerLine.amount_fen))
                        .join(LedgerLine, LedgerLine.account_id == LedgerAccount.id)
                        .join(LedgerEntry, LedgerEntry.id == LedgerLine.entry_id)
                        .where(
                            or_(
                                LedgerEntry.source == source,
                                LedgerEntry.reverses_id.in_(booked),
                            )
                        )
                        .group_by(LedgerAccount.kind)
                    ).all()
                )
                recovered = charged.get(AccountKind.RETENTION, 0) + charged.get(
                    AccountKind.RECEIVABLE, 0
                )
                whole = s.order_class is OrderClass.A and s.stage is SettlementStage.PAID
                assert recovered == (s.chargeback_fen if whole else 0)

        @invariant()
        def nobody_took_two_steps_of_one_account(self) -> None:
            for settlement_id in papers:
                hands = {
                    step: set(
                        db.session.scalars(
                            select(JournalEntry.actor_id).where(
                                JournalEntry.subject == "settlement",
                                JournalEntry.subject_id == settlement_id,
                                JournalEntry.act.in_([act.value for act in acts]),
                            )
                        )
                    )
                    for step, acts in STEPS.items()
                }
                for payment in db.session.scalars(
                    select(Payment).where(Payment.source == f"settlement:{settlement_id}")
                ):
                    payers = {payment.prepared_by_id, payment.released_by_id} - {None}
                    assert payment.prepared_by_id != payment.released_by_id
                    for step, people in hands.items():
                        assert not payers & people, step
                assert not hands["make"] & hands["review"]
                assert not hands["certify"] & (hands["make"] | hands["review"])

    Money.done = done  # type: ignore[attr-defined]
    return Money


@pytest.mark.clause("3.5.9")
@pytest.mark.clause("2.6")
def test_whatever_people_do_the_money_is_right(engine, make):
    money = machine(make, engine.renew)
    run_state_machine_as_test(
        money,
        settings=settings(
            max_examples=5,
            stateful_step_count=50,
            derandomize=True,
            deadline=None,
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
    done: Counter[str] = money.done  # type: ignore[attr-defined]
    for name in ("hand in", "review", "certify", "release", "reverse", "refused certify"):
        assert done[name], (name, done)
    assert verifying.verify().faults == []
