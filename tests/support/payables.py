"""A kind of document that may be paid, for tests of payments by themselves: the books know their documents only so far."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from ticketing.books.ledger import accounts
from ticketing.books.ledger.commands import Posting, credit, debit, post
from ticketing.books.payments.models import Payment
from ticketing.books.payments.purposes import Claim
from ticketing.kernel import clock
from ticketing.kernel.errors import Conflict, NotFound
from ticketing.masters.estate.models import Community
from ticketing.masters.people.models import User
from ticketing.procedure.accounts import EntryKind
from ticketing.procedure.repairs import OrderClass


class Bills:
    """Bills of the property company by source: amount, who made them, and how often they were paid or unpaid again."""

    def __init__(self) -> None:
        self.fen: dict[str, int] = {}
        self.made_by: dict[str, list[int]] = {}
        self.told: list[str] = []
        self.closed: set[str] = set()

    def accrue(self, source: str, fen: int, community: Community, actor: User) -> None:
        """Book what is owed and let it wait for its payment."""
        self.fen[source] = fen
        post(
            EntryKind.ACCRUAL,
            [
                debit(accounts.repair_cost(OrderClass.B, community), fen),
                credit(accounts.payable(), fen),
            ],
            text=f"结算 {source}",
            source=source,
            actor=actor,
            at=clock.now(),
        )

    def hold(self, source: str) -> None:
        if source not in self.fen:
            raise NotFound

    def claims(self) -> Sequence[Claim]:
        return [self.claim(source) for source in self.fen if source not in self.closed]

    def claim(self, source: str) -> Claim:
        if source in self.closed:
            raise Conflict("这张单据已经退回。")
        return Claim(source, "安居物业公司", self.fen[source], f"维修款 {source}")

    def involved(self, source: str) -> Iterable[int]:
        return self.made_by.get(source, [])

    def postings(self, payment: Payment) -> Sequence[Posting]:
        lines = [
            debit(accounts.payable(), payment.amount_fen),
            credit(accounts.bank(), payment.amount_fen),
        ]
        return [Posting(EntryKind.PAYMENT, lines, payment.text)]

    def released(self, payment: Payment, actor: User, at: datetime) -> None:
        self.told.append(f"paid {payment.source}")

    def undone(self, payment: Payment, actor: User, at: datetime) -> None:
        self.told.append(f"unpaid {payment.source}")
