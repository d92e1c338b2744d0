"""Tells working funds: opened, advanced, spent from, counted, filled again."""

from typing import Any

from sqlalchemy import select

from tests.support.make import Maker
from ticketing.books.imprest import commands, funding, queries, verifying
from ticketing.books.imprest.models import (
    ImprestCount,
    ImprestFund,
    ImprestRequest,
    ImprestReturn,
    ImprestSlip,
)
from ticketing.books.imprest.standing import Standing
from ticketing.books.ledger import queries as ledger
from ticketing.books.ledger import reversing
from ticketing.books.ledger import verifying as proofs
from ticketing.books.payments import commands as payments
from ticketing.books.payments import queries as paid
from ticketing.books.payments.models import Payment
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.masters.contractors.models import RepairTeam
from ticketing.procedure.accounts import EntryKind
from ticketing.procedure.imprest import SpendingWay


class Funds:
    """Makes funds of the test world: 20,000.00 for customer service, 100,000.00 for the crew."""

    def __init__(self, make: Maker) -> None:
        self.make = make

    def opened(self, *, crew: bool = False) -> ImprestFund:
        """A fund without money."""
        team = db.session.scalars(select(RepairTeam)).one()
        with transaction():
            return commands.open_fund(
                team_id=team.id if crew else None,
                keeper_id=self.make.world.users["captain" if crew else "manager"],
                actor=self.make.user("finance"),
            )

    def advanced(self, *, crew: bool = False) -> ImprestFund:
        """A fund with its first advance."""
        fund = self.opened(crew=crew)
        self.paid(self.asked(fund))
        return fund

    def keeper(self, fund: ImprestFund) -> str:
        """The user name of who spends from it."""
        return "captain" if fund.team_id else "manager"

    def asked(
        self, fund: ImprestFund, *slips: ImprestSlip, by: str = "", note: str = ""
    ) -> ImprestRequest:
        """Money asked for."""
        with transaction():
            return funding.ask(
                fund,
                slip_ids=[slip.id for slip in slips],
                note=note,
                actor=self.make.user(by or self.keeper(fund)),
            )

    def prepared(self, request: ImprestRequest, by: str = "finance") -> Payment:
        """Its payment, made by finance."""
        with transaction():
            return payments.prepare(
                purpose=request.purpose, source=request.source, actor=self.make.user(by)
            )

    def released(self, payment: Payment, by: str = "cashier") -> Payment:
        """The payment released."""
        with transaction():
            return payments.release(
                payment,
                version=payment.version,
                paid_on=clock.today(),
                bank_reference=f"BK-{payment.id}",
                actor=self.make.user(by),
            )

    def paid(self, request: ImprestRequest) -> Payment:
        """Prepared by finance, released by the cashier."""
        return self.released(self.prepared(request))

    def spent(self, fund: ImprestFund, fen: int, by: str = "", **more: Any) -> ImprestSlip:
        """A slip: by default by transfer, so that no limit of cash stands in the way."""
        facts = {
            "on": clock.today(),
            "what": "快递费",
            "payee": "顺丰",
            "amount_fen": fen,
            "way": SpendingWay.TRANSFER,
            "urgent": False,
        }
        with transaction():
            return commands.spend(
                fund, **{**facts, **more}, actor=self.make.user(by or self.keeper(fund))
            )

    def counted(
        self, fund: ImprestFund, fen: int, explanation: str = "", by: str = "", witness: str = "gm"
    ) -> ImprestCount:
        """Cash counted before a witness."""
        with transaction():
            return commands.count_cash(
                fund,
                counted_fen=fen,
                witness_id=self.make.world.users[witness],
                explanation=explanation,
                actor=self.make.user(by or self.keeper(fund)),
            )

    def cleared(self, fund: ImprestFund, *slips: ImprestSlip, by: str = "finance") -> ImprestFund:
        """Slips given back out of paid settlements."""
        with transaction():
            return funding.clear_slips(
                fund, slip_ids=[slip.id for slip in slips], actor=self.make.user(by)
            )

    def returned(self, fund: ImprestFund, fen: int, **more: Any) -> ImprestReturn:
        """Cash handed back to the bank."""
        facts = {"returned_on": clock.today(), "bank_reference": "JK-1", "amount_fen": fen}
        with transaction():
            return funding.give_back(fund, **{**facts, "actor": self.make.user("finance"), **more})

    def reversed(self, source: str, kind: EntryKind) -> None:
        """Finance asks for the reversal of a document's entry, audit agrees."""
        entry = ledger.entries(ledger.Wanted(source=source, kind=kind))[0][0]
        with transaction():
            request = reversing.ask_reversal(
                entry, reason="登记有误", actor=self.make.user("finance")
            )
        with transaction():
            reversing.settle_reversal(
                request, agreed=True, answer="", actor=self.make.user("auditor")
            )

    def now(self, fund: ImprestFund) -> Standing:
        """Where it stands."""
        return queries.standing(fund)

    def sums(self, fund: ImprestFund) -> tuple[int, int, int]:
        """Cash, slips and transit."""
        one = self.now(fund)
        return one.cash_fen, one.slips_fen, one.transit_fen

    def sound(self) -> None:
        """Ledger, payments and funds prove themselves."""
        assert proofs.verify().faults == []
        assert paid.verify().faults == []
        assert verifying.verify() == []
