"""What an account means to the books: owed when certified, paid and charged to its contractor in one go (procedure 2.6, 3.5.9).

Certified: the repair's cost against what is owed to the property company. Paid: that against the bank; for class A the
cost comes back out of the contractor's retention, and what it does not cover becomes a receivable.
"""

from datetime import datetime

from ticketing.books.ledger import accounts
from ticketing.books.ledger.commands import Posting, credit, debit, post, standing
from ticketing.books.retention.commands import deduction
from ticketing.kernel.db import db
from ticketing.masters.people.models import User
from ticketing.procedure.accounts import AccountKind, EntryKind
from ticketing.procedure.repairs import OrderClass
from ticketing.steps.settlement.models import Settlement


def source_of(settlement: Settlement) -> str:
    """Its name in the books."""
    return f"settlement:{settlement.id}"


def accrue(settlement: Settlement, actor: User, at: datetime) -> None:
    """Book what a certified account owes."""
    owed = settlement.approved_fen or 0
    cost = accounts.repair_cost(settlement.order_class, settlement.ticket.community)
    post(
        EntryKind.ACCRUAL,
        [debit(cost, owed), credit(accounts.payable(), owed)],
        text=f"{settlement.number} {settlement.order_class}维修费用认定",
        source=source_of(settlement),
        actor=actor,
        at=at,
    )


def postings(settlement: Settlement) -> list[Posting]:
    """What its payment books; the book is locked, so the retention's balance may be read."""
    paid = settlement.approved_fen or 0
    told = [
        Posting(
            EntryKind.PAYMENT,
            [debit(accounts.payable(), paid), credit(accounts.bank(), paid)],
            f"{settlement.number} 拨付维修款",
        )
    ]
    if settlement.order_class is OrderClass.A:
        contract = settlement.contract
        assert contract is not None  # a class A account is compiled with its contract
        told.append(
            deduction(
                contract=contract,
                contractor=contract.contractor,
                community=settlement.ticket.community,
                charge_fen=settlement.chargeback_fen,
                cost_fen=paid,
                text=f"{settlement.number} A类费用扣回",
            )
        )
    return told


def deducted(settlement: Settlement) -> int:
    """What its payment took from the retention, in fen."""
    entry = standing(source_of(settlement), EntryKind.DEDUCTION)
    if entry is None:
        return 0
    db.session.refresh(entry)
    return sum(
        line.amount_fen for line in entry.lines if line.account.kind is AccountKind.RETENTION
    )
