"""Whatever people do with a fund, cash, slips and transit agree with the ledger, and what differs is accounted for (3.6)."""

import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.funds import Funds
from tests.support.make import Maker
from ticketing.books.imprest import funding, queries
from ticketing.books.imprest.models import ImprestFund
from ticketing.books.payments.commands import live
from ticketing.kernel.db import db, transaction
from ticketing.kernel.errors import DomainError
from ticketing.procedure.accounts import EntryKind
from ticketing.procedure.imprest import SlipState

DEEDS = ("spend", "urgent", "ask", "pay", "withdraw", "count", "strike", "return", "unpay")


def do(deed: str, funds: Funds, fund: ImprestFund, rng: random.Random) -> None:
    """One deed with facts of its own; what is refused changes nothing."""
    one = queries.standing(fund)
    slips = queries.open_slips(fund.id)
    match deed:
        case "spend" | "urgent":
            most = max(one.cash_fen, 2) * 11 // 10
            funds.spent(fund, rng.randint(1, most), urgent=deed == "urgent")
        case "ask":
            funds.asked(fund, *rng.sample(list(slips), rng.randint(0, len(slips))))
        case "pay" if one.asked is not None:
            funds.paid(one.asked)
        case "withdraw" if one.asked is not None:
            with transaction():
                funding.withdraw(
                    one.asked,
                    version=one.asked.version,
                    reason="重新整理",
                    actor=funds.make.user("manager"),
                )
        case "count":
            funds.counted(fund, max(0, one.cash_fen + rng.randint(-500, 500)), "找零有误")
        case "strike" if slips:
            funds.reversed(rng.choice(slips).source, EntryKind.IMPREST_SPENDING)
        case "return":
            funds.returned(fund, rng.randint(1, max(one.cash_fen, 1)))
        case "unpay" if one.last is not None and live(one.last.source) is not None:
            kind = EntryKind(one.last.purpose.value)
            funds.reversed(one.last.source, kind)


def holds(funds: Funds, fund: ImprestFund) -> None:
    """What must hold after every deed."""
    one = queries.standing(fund)
    funds.sound()
    assert one.cash_fen >= 0
    assert one.slips_fen == sum(slip.amount_fen for slip in queries.open_slips(fund.id))
    assert one.handed_in_fen == sum(
        slip.amount_fen for slip in queries.slips(fund.id) if slip.state is SlipState.HANDED_IN
    )
    assert one.cash_fen + one.slips_fen + one.transit_fen + one.missing_fen == one.ceiling_fen
    assert sum(reason.fen for reason in one.reasons) == one.missing_fen


def test_random_spending_filling_and_counting_never_loses_a_fen(engine, world):
    @settings(
        max_examples=5,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(st.sampled_from(DEEDS), min_size=4, max_size=14), st.integers(0, 9_999))
    def played(deeds: list[str], seed: int) -> None:
        engine.renew()
        with engine.app.app_context():
            rng = random.Random(seed)
            funds = Funds(Maker(world))
            fund = funds.advanced()
            for deed in deeds:
                try:
                    do(deed, funds, fund, rng)
                except DomainError:
                    db.session.rollback()
                holds(funds, fund)
            db.session.remove()

    played()
