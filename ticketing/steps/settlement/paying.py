"""The account as a document that is paid: what finance may pay, who may not, and what follows (procedure 3.5.9)."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy import Row, and_, select

from ticketing.books.ledger.commands import Posting
from ticketing.books.ledger.models import LedgerEntry
from ticketing.books.ledger.reversing import ON_REVERSAL, Follower, requests_on
from ticketing.books.payments.models import Payment
from ticketing.books.payments.purposes import HANDLERS, Claim
from ticketing.casefile.tickets.commands import hold
from ticketing.casefile.timers.models import Clock, ClockState
from ticketing.journal.models import JournalEntry
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import Conflict, NotFound
from ticketing.kernel.text import row_id
from ticketing.masters.contractors.models import Contract
from ticketing.masters.estate.models import Community
from ticketing.masters.people.models import User
from ticketing.procedure.accounts import EntryKind, Purpose
from ticketing.procedure.deadlines import ClockKind
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import OrderClass
from ticketing.procedure.settlement import SettlementStage
from ticketing.steps.settlement import booking, hands
from ticketing.steps.settlement.models import SUBJECT, Settlement
from ticketing.steps.settlement.reviewing import back_to_review
from ticketing.steps.settlement.road import SETTLEMENTS, follow, tell_holders, tell_of

PREFIX = "settlement:"


class RepairMoney:
    """The payments of repairs: one for each certified account, to the property company."""

    def hold(self, source: str) -> None:
        """Lock the account's ticket and read the account anew. Raises NotFound."""
        settlement = _of(source)
        hold([settlement.ticket_id])
        db.session.refresh(settlement)

    def claims(self) -> Sequence[Claim]:
        """Every certified account, the one due first at the head."""
        certified = _OWED.where(Settlement.stage == SettlementStage.CERTIFIED)
        rows = db.session.execute(certified.order_by(Clock.due_on, Settlement.id))
        return [_claim(row) for row in rows]

    def claim(self, source: str) -> Claim:
        """What a held account owes. Raises Conflict unless it is certified and unpaid."""
        settlement = _of(source)
        if settlement.stage is not SettlementStage.CERTIFIED:
            raise Conflict(f"结算单现为“{settlement.stage}”，不能付款。")
        return _claim(db.session.execute(_OWED.where(Settlement.id == settlement.id)).one())

    def involved(self, source: str) -> Iterable[int]:
        """Those who made, reviewed or certified it, or in whose name a deputy did (trust: S1)."""
        settlement = _of(source)
        acts = hands.MAKING + hands.REVIEWING + hands.CERTIFYING
        told = db.session.scalars(
            select(JournalEntry.actor_id)
            .where(
                JournalEntry.subject == SUBJECT,
                JournalEntry.subject_id == settlement.id,
                JournalEntry.act.in_([act.value for act in acts]),
            )
            .distinct()
        )
        principals = (settlement.reviewed_for_id, settlement.certified_for_id)
        return [one for one in (*told, *principals) if one is not None]

    def postings(self, payment: Payment) -> Sequence[Posting]:
        """The payment, and for class A the deduction from the contractor (procedure 2.6)."""
        return booking.postings(_of(payment.source))

    def released(self, payment: Payment, actor: User, at: datetime) -> None:
        """The account is paid; its captain is told."""
        settlement = _of(payment.source)
        SETTLEMENTS.advance(
            settlement,
            Act.PAY_SETTLEMENT,
            actor=actor,
            version=settlement.version,
            changes={"paid_at": clock.now(), "deducted_fen": booking.deducted(settlement)},
            facts={"payment": payment.number, "amount_fen": payment.amount_fen},
        )
        follow(settlement, Act.PAY_SETTLEMENT, at)
        team = settlement.order.team
        if team is not None:
            tell_of((team.captain_id,), settlement, actor, at, "维修款已拨付", "paid")

    def undone(self, payment: Payment, actor: User, at: datetime) -> None:
        """The payment was reversed: the account is owed again."""
        settlement = _of(payment.source)
        SETTLEMENTS.advance(
            settlement,
            Act.UNPAY_SETTLEMENT,
            actor=actor,
            version=settlement.version,
            changes={"paid_at": None, "deducted_fen": 0},
            facts={"payment": payment.number},
        )
        follow(settlement, Act.UNPAY_SETTLEMENT, at, [ClockKind.PAYMENT])
        tell_holders(settlement, actor, at, "拨付已冲销，待重新拨付", "unpaid")


def _of(source: str) -> Settlement:
    try:
        found = db.session.get(Settlement, row_id(source.removeprefix(PREFIX)))
    except ValueError:
        found = None
    if found is None or not source.startswith(PREFIX):
        raise NotFound
    return found


_OWED = (
    select(
        Settlement.id,
        Settlement.number,
        Settlement.order_class,
        Settlement.approved_fen,
        Settlement.chargeback_fen,
        Settlement.community_id,
        Community.name.label("community"),
        Settlement.contract_id,
        Contract.contractor_id,
        Clock.due_on,
    )
    .join(Community, Community.id == Settlement.community_id)
    .outerjoin(Contract, Contract.id == Settlement.contract_id)
    .outerjoin(
        Clock,
        and_(
            Clock.order_id == Settlement.order_id,
            Clock.kind == ClockKind.PAYMENT,
            Clock.state == ClockState.RUNNING,
        ),
    )
)
"""What finance reads of accounts it is to pay: hundreds may wait, so no whole accounts are loaded."""


def _claim(row: Row[*tuple[Any, ...]]) -> Claim:
    return Claim(
        source=f"{PREFIX}{row.id}",
        payee=current_app.extensions["ticketing"].property_company,
        amount_fen=row.approved_fen or 0,
        text=f"{row.number} {row.community}维修款",
        path=f"/settlements/{row.id}",
        due_on=row.due_on,
        community_id=row.community_id,
        contractor_id=row.contractor_id,
        contract_id=row.contract_id,
        deduct_fen=row.chargeback_fen if row.order_class is OrderClass.A else 0,
    )


HANDLERS[Purpose.SETTLEMENT] = RepairMoney()


def _accrued(entries: Sequence[LedgerEntry]) -> list[tuple[Settlement, LedgerEntry]]:
    return [
        (_of(one.source), one)
        for one in entries
        if one.kind is EntryKind.ACCRUAL and one.source.startswith(PREFIX)
    ]


def _hold(entries: Sequence[LedgerEntry]) -> None:
    hold([settlement.ticket_id for settlement, _entry in _accrued(entries)])


def _undo(entries: Sequence[LedgerEntry], actor: User, _at: datetime) -> None:
    """What was booked at its certification was reversed: the account goes back to its review."""
    for settlement, entry in _accrued(entries):
        db.session.refresh(settlement)
        back_to_review(
            settlement,
            Act.UNDO_CERTIFICATION,
            version=settlement.version,
            reason=requests_on(entry)[-1].reason,
            actor=actor,
            words="认定已冲销，请重新审定",
        )


ON_REVERSAL.append(Follower(hold=_hold, undo=_undo))
