"""A crew's fund comes back out of the settlements that were paid, and not before (procedure 3.5.9, 3.6)."""

import pytest
from sqlalchemy import select

from tests.rooms.test_settlement_paying import paid, undone
from tests.support.funds import Funds
from tests.support.settlements import Settlements
from ticketing.books.imprest import funding, orders
from ticketing.books.ledger import queries as ledger
from ticketing.books.ledger.models import LedgerEntry
from ticketing.kernel.db import db
from ticketing.kernel.errors import Conflict, Invalid, NotFound, NotPermitted
from ticketing.procedure.accounts import EntryKind
from ticketing.procedure.imprest import SlipState
from ticketing.procedure.settlement import SettlementStage


@pytest.fixture
def funds(make) -> Funds:
    return Funds(make)


@pytest.fixture
def settlements(make) -> Settlements:
    return Settlements(make)


@pytest.mark.clause("3.5.9")
@pytest.mark.clause("3.6")
def test_a_crew_gets_its_slips_back_only_when_the_settlement_is_paid(make, funds, settlements):
    fund = funds.advanced(crew=True)
    s = settlements.bring(settlements.of_class_b(), SettlementStage.CERTIFIED)
    slip = funds.spent(fund, 80_000, order_id=s.order_id, what="防水涂料")
    assert funding.clearable(fund) == []
    with pytest.raises(Invalid, match="还没有拨付"):
        funds.cleared(fund, slip)
    with pytest.raises(Invalid, match="请选择"):
        funds.cleared(fund)
    paid(settlements, s)
    assert funding.clearable(fund) == [(slip, 246_668)]
    with pytest.raises(NotPermitted):
        funds.cleared(fund, slip, by="cashier")
    bank = ledger.account_by_key("bank")
    before = bank.balance_fen
    funds.cleared(fund, slip)
    assert ledger.account_by_key("bank").balance_fen == before
    assert funds.sums(fund) == (10_000_000, 0, 0)
    assert slip.state is SlipState.SETTLED
    (entry,) = ledger.entries(ledger.Wanted(source=slip.source, kind=EntryKind.IMPREST_CLEARING))[0]
    assert {line.account.key: line.amount_fen for line in entry.lines} == {
        f"imprest_cash:{fund.id}": 80_000,
        f"imprest_slips:{fund.id}": -80_000,
    }
    with pytest.raises(NotFound):
        funds.cleared(fund, slip)
    funds.sound()


@pytest.mark.parametrize(("fen", "enough"), [(146_668, True), (146_669, False)])
def test_a_settlement_gives_back_no_more_than_it_was_paid(funds, settlements, fen, enough):
    fund = funds.advanced(crew=True)
    s = settlements.bring(settlements.of_class_b(), SettlementStage.CERTIFIED)
    slips = [funds.spent(fund, n, order_id=s.order_id) for n in (60_000, 40_000, fen)]
    paid(settlements, s)
    funds.cleared(fund, slips[0])
    if enough:
        funds.cleared(fund, *slips[1:])
        assert funds.sums(fund) == (10_000_000, 0, 0)
    else:
        with pytest.raises(Invalid, match=r"只够再清回 1,866\.68 元"):
            funds.cleared(fund, *slips[1:])
        db.session.rollback()
        assert slips[1].state is SlipState.OPEN
    funds.sound()


def test_a_payment_that_gave_a_fund_back_is_reversed_after_the_fund(funds, settlements):
    fund = funds.advanced(crew=True)
    s = settlements.bring(settlements.of_class_b(), SettlementStage.CERTIFIED)
    slip = funds.spent(fund, 500, order_id=s.order_id)
    paid(settlements, s)
    funds.cleared(fund, slip)
    with pytest.raises(Conflict, match="先冲销清回"):
        undone(settlements, EntryKind.PAYMENT, s)
    db.session.rollback()
    with pytest.raises(Conflict, match="请先冲销同一单据"):
        funds.reversed(slip.source, EntryKind.IMPREST_SPENDING)
    db.session.rollback()
    funds.reversed(slip.source, EntryKind.IMPREST_CLEARING)
    assert (slip.state, funds.sums(fund)) == (SlipState.OPEN, (9_999_500, 500, 0))
    undone_again = db.session.scalars(
        select(LedgerEntry).where(LedgerEntry.kind == EntryKind.REVERSAL)
    ).all()
    assert len(undone_again) == 1
    funds.sound()


def test_a_captain_chooses_among_the_issued_orders_of_his_team(make, funds, settlements):
    fund = funds.opened(crew=True)
    s = settlements.begun()
    (offered,) = orders.choices(fund.team_id)
    assert (offered.number, offered.standing) == (s.order.number, "编制决算")
    assert offered.paid_fen is None
    assert orders.choices(9_999) == []
    assert orders.orders([]) == {}
