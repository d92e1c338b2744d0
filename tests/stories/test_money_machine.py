"""Random people do random things with money, allowed and forbidden; what an auditor relies on holds after each of them.

The checks read the rows themselves and reckon anew; they ask none of the code that guards them (trust: promises 9 to 19).
"""

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import func, select

from tests.support.make import Maker
from tests.support.settlements import Settlements
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
from ticketing.steps.settlement import booking, certifying, confirming, drafting, reviewing
from ticketing.steps.settlement.models import Settlement
from ticketing.steps.settlement.reviewing import Audited

PEOPLE = ("captain", "office", "manager", "auditor", "chief", "deputy_gm", "gm")
MONEY = ("finance", "cashier", "manager", "gm", "auditor")
STEPS = {
    "make": {Act.DRAFT_ACCOUNT, Act.AMEND_ACCOUNT, Act.SUBMIT_ACCOUNT},
    "review": {Act.AUDIT_LINES, Act.REVIEW_ACCOUNT},
    "certify": {Act.CERTIFY},
}
WHICH = st.integers(0, 2)


def machine(make: Maker) -> type[RuleBasedStateMachine]:
    """The machine over one database, already filled with three accounts that its examples share."""
    accounts = Settlements(make)
    papers = [
        accounts.priced(accounts.begun()).id,
        accounts.priced(accounts.of_class_b()).id,
        accounts.costing(accounts.of_class_b(estimate_fen=2_000_000), 2_000_000).id,
    ]
    contract = accounts.contract()
    done: Counter[str] = Counter()

    class Money(RuleBasedStateMachine):
        """Everybody tries everything."""

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

        @rule(which=WHICH, who=st.sampled_from(PEOPLE))
        def hand_in(self, which: int, who: str) -> None:
            s = self.paper(which)
            self.tried(
                "hand in", lambda: drafting.submit(s, version=s.version, actor=make.user(who))
            )

        @rule(which=WHICH, who=st.sampled_from(PEOPLE), less=st.integers(0, 100))
        def review(self, which: int, who: str, less: int) -> None:
            s = self.paper(which)
            lines = [
                Audited(one.id, one.quantity_milli, one.price_milli * (100 - less) // 100)
                for one in s.lines
            ]
            self.tried(
                "review",
                lambda: reviewing.finish(
                    s,
                    version=s.version,
                    audited=lines,
                    basis=s.basis,
                    vat_bp=s.vat_bp,
                    management_bp=s.management_bp,
                    review="同意",
                    actor=make.user(who),
                ),
            )

        @rule(which=WHICH, who=st.sampled_from(PEOPLE))
        def compile_it(self, which: int, who: str) -> None:
            s = self.paper(which)
            a = s.order_class is OrderClass.A
            self.tried(
                "compile",
                lambda: reviewing.compile_settlement(
                    s,
                    version=s.version,
                    contract_id=contract if a else None,
                    actor=make.user(who),
                ),
            )

        @rule(which=WHICH, who=st.sampled_from(PEOPLE))
        def answer(self, which: int, who: str) -> None:
            s, person = self.paper(which), make.user(who)
            if s.stage is SettlementStage.CONFIRMING:
                self.tried(
                    "confirm",
                    lambda: confirming.confirm(
                        s, version=s.version, confirmed_by="张经理", evidence="函", actor=person
                    ),
                )
            else:
                self.tried(
                    "notify",
                    lambda: confirming.notify(
                        s, version=s.version, way=NoticeWay.COURIER, evidence="SF", actor=person
                    ),
                )

        @rule(which=WHICH, who=st.sampled_from(PEOPLE))
        def certify(self, which: int, who: str) -> None:
            s = self.paper(which)
            self.tried(
                "certify",
                lambda: certifying.certify(s, version=s.version, opinion="", actor=make.user(who)),
            )

        @rule(which=WHICH, who=st.sampled_from(PEOPLE))
        def send_back(self, which: int, who: str) -> None:
            s, person = self.paper(which), make.user(who)
            back = (
                reviewing.send_back
                if s.stage is SettlementStage.SUBMITTED
                else certifying.send_back
            )
            self.tried("send back", lambda: back(s, version=s.version, reason="再核", actor=person))

        @rule(which=WHICH, who=st.sampled_from(MONEY))
        def prepare(self, which: int, who: str) -> None:
            source = booking.source_of(self.paper(which))
            self.tried(
                "prepare",
                lambda: payments.prepare(
                    purpose=Purpose.SETTLEMENT, source=source, actor=make.user(who)
                ),
            )

        @rule(who=st.sampled_from(MONEY), void=st.booleans())
        def release(self, who: str, void: bool) -> None:
            payment = db.session.scalars(
                select(Payment).order_by(Payment.id.desc()).limit(1)
            ).one_or_none()
            if payment is None:
                return
            if void and payment.state is PaymentState.PREPARED and payment.id % 3 == 0:
                self.tried(
                    "void",
                    lambda: payments.void(
                        payment, version=payment.version, reason="户名有误", actor=make.user(who)
                    ),
                )
                return
            self.tried(
                "release",
                lambda: payments.release(
                    payment,
                    version=payment.version,
                    paid_on=clock.today(),
                    bank_reference=f"BK{payment.id}",
                    actor=make.user(who),
                ),
            )

        @rule(
            which=WHICH,
            who=st.sampled_from(MONEY),
            kind=st.sampled_from((EntryKind.ACCRUAL, EntryKind.PAYMENT)),
        )
        def ask_reversal(self, which: int, who: str, kind: EntryKind) -> None:
            source = booking.source_of(self.paper(which))
            entry = db.session.scalars(
                select(LedgerEntry)
                .where(LedgerEntry.source == source, LedgerEntry.kind == kind)
                .order_by(LedgerEntry.id.desc())
                .limit(1)
            ).one_or_none()
            if entry is not None:
                self.tried(
                    "ask",
                    lambda: reversing.ask_reversal(entry, reason="有误", actor=make.user(who)),
                )

        @rule(who=st.sampled_from(MONEY), agreed=st.booleans())
        def settle_reversal(self, who: str, agreed: bool) -> None:
            asked = db.session.scalars(
                select(ReversalRequest).where(ReversalRequest.settled_at.is_(None)).limit(1)
            ).one_or_none()
            if asked is not None:
                self.tried(
                    "reverse",
                    lambda: reversing.settle_reversal(
                        asked, agreed=agreed, answer="不符", actor=make.user(who)
                    ),
                )

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
                s = self.paper(n)
                charged = dict(
                    db.session.execute(
                        select(LedgerAccount.kind, func.sum(LedgerLine.amount_fen))
                        .join(LedgerLine, LedgerLine.account_id == LedgerAccount.id)
                        .join(LedgerEntry, LedgerEntry.id == LedgerLine.entry_id)
                        .where(LedgerEntry.source == f"settlement:{settlement_id}")
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
def test_whatever_people_do_the_money_is_right(make):
    money = machine(make)
    run_state_machine_as_test(
        money,
        settings=settings(
            max_examples=3,
            stateful_step_count=60,
            deadline=None,
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
    done: Counter[str] = money.done  # type: ignore[attr-defined]
    assert done["hand in"], done
