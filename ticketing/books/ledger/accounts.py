"""The accounts of the sub-ledger: each found by its key, opened when it is first needed."""

from typing import Any, cast

from sqlalchemy import Table, select
from sqlalchemy.dialects import postgresql, sqlite

from ticketing.books.ledger.models import LedgerAccount
from ticketing.kernel.db import db, dialect
from ticketing.masters.contractors.models import Contract, Contractor
from ticketing.masters.estate.models import Community
from ticketing.procedure.accounts import AccountKind
from ticketing.procedure.repairs import OrderClass

_ACCOUNTS = cast(Table, LedgerAccount.__table__)


def retention(contract: Contract) -> LedgerAccount:
    """The deposit held back under a contract: what the company owes its contractor (procedure 2.6)."""
    kind = AccountKind.RETENTION
    return _opened(kind, contract.id, f"{kind}—{contract.number}", contract_id=contract.id)


def contract_price(contractor: Contractor) -> LedgerAccount:
    """What a contractor's works cost: the other side of his deposit, kept by the accounting system itself."""
    kind = AccountKind.CONTRACT_PRICE
    name = f"{kind}—{contractor.name}"
    return _opened(kind, contractor.id, name, contractor_id=contractor.id)


def receivable(contractor: Contractor) -> LedgerAccount:
    """What a contractor owes beyond his deposit (procedure 3.5.9)."""
    kind = AccountKind.RECEIVABLE
    name = f"{kind}—{contractor.name}"
    return _opened(kind, contractor.id, name, contractor_id=contractor.id)


def payable() -> LedgerAccount:
    """What is owed to the property company for repairs (procedure 3.5.9)."""
    return _opened(AccountKind.PAYABLE, None, AccountKind.PAYABLE.label)


def repair_cost(order_class: OrderClass, community: Community) -> LedgerAccount:
    """What repairs of class A (until recovered) or B cost in a community.

    Raises ValueError for an order without a class: nothing is booked for it.
    """
    kinds = {OrderClass.A: AccountKind.REPAIR_COST_A, OrderClass.B: AccountKind.REPAIR_COST_B}
    if order_class not in kinds:
        raise ValueError(order_class)
    kind = kinds[order_class]
    return _opened(kind, community.id, f"{kind}—{community.name}", community_id=community.id)


def agency_income() -> LedgerAccount:
    """What contractors are charged beyond the repair itself, where their agreement says so."""
    return _opened(AccountKind.AGENCY_INCOME, None, AccountKind.AGENCY_INCOME.label)


def bank() -> LedgerAccount:
    """Bank clearing: what left and came in; the accounting system keeps the accounts at the banks."""
    return _opened(AccountKind.BANK, None, AccountKind.BANK.label)


def imprest_cash(fund_id: int, name: str) -> LedgerAccount:
    """The cash of a working fund 周转金 (procedure 3.6)."""
    kind = AccountKind.IMPREST_CASH
    return _opened(kind, fund_id, f"{kind}—{name}", fund_id=fund_id)


def imprest_slips(fund_id: int, name: str) -> LedgerAccount:
    """What a working fund has spent and not yet been given back, held as slips (procedure 3.6)."""
    kind = AccountKind.IMPREST_SLIPS
    return _opened(kind, fund_id, f"{kind}—{name}", fund_id=fund_id)


def imprest_expense(community: Community | None = None) -> LedgerAccount:
    """What was spent out of working funds, for a community or for the department itself (procedure 3.6)."""
    kind = AccountKind.IMPREST_EXPENSE
    if community is None:
        return _opened(kind, None, kind.label)
    return _opened(kind, community.id, f"{kind}—{community.name}", community_id=community.id)


def _opened(kind: AccountKind, of: int | None, name: str, **whose: int) -> LedgerAccount:
    """The account with that key; two who open it at once get the same one."""
    key = kind.value if of is None else f"{kind.value}:{of}"
    wanted = select(LedgerAccount).where(LedgerAccount.key == key)
    found = db.session.scalars(wanted).one_or_none()
    if found is None:
        insert: Any = sqlite.insert if dialect() == "sqlite" else postgresql.insert
        row = {"kind": kind, "key": key, "name": name, "balance_fen": 0, **whose}
        db.session.execute(insert(_ACCOUNTS).values(row).on_conflict_do_nothing())
        found = db.session.scalars(wanted).one()
    return found
