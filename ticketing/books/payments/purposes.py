"""What payments are for: the rooms above say what may be paid, who took part in it, what is booked, and what follows.

A room enters itself into `HANDLERS`, as it enters its guards into `tickets.guards.CHECKS`, because a payment knows nothing
of the document that owes it.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import NamedTuple, Protocol

from ticketing.books.ledger.commands import Posting
from ticketing.books.payments.models import Payment
from ticketing.masters.people.models import User
from ticketing.procedure.accounts import Purpose


class Claim(NamedTuple):
    """What a document owes now: to whom, how much, why, until when, and where it can be read.

    `deduct_fen` is what is taken back from the contractor of `contract_id` when it is paid (class A), 0 otherwise.
    """

    source: str
    payee: str
    amount_fen: int
    text: str
    path: str = ""
    due_on: date | None = None
    community_id: int | None = None
    contractor_id: int | None = None
    contract_id: int | None = None
    deduct_fen: int = 0


class Handler(Protocol):
    """One purpose of payments, as the room of its documents knows it. Sources are that room's own (`settlement:12`)."""

    def hold(self, source: str) -> None:
        """Lock the document (and its ticket) before anything else is locked. Raises NotFound."""

    def claims(self) -> Sequence[Claim]:
        """Everything that may be paid now, the most pressing first; payments already made are left out by the asker."""

    def claim(self, source: str) -> Claim:
        """What one held document owes. Raises Conflict where it may not be paid (now)."""

    def involved(self, source: str) -> Iterable[int]:
        """The ids of the accounts that drafted, reviewed, audited or certified it: none of these persons pays it."""

    def postings(self, payment: Payment) -> Sequence[Posting]:
        """What is booked when it is released; the book is locked, so balances may be read. One line credits the bank."""

    def released(self, payment: Payment, actor: User, at: datetime) -> None:
        """What follows in the document once it is paid and booked."""

    def undone(self, payment: Payment, actor: User, at: datetime) -> None:
        """What follows in the document once the payment was reversed: it may be paid again."""


HANDLERS: dict[Purpose, Handler] = {}
"""The handler of each purpose; filled by the rooms that hold the documents when they are imported."""
