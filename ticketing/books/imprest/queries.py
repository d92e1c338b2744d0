"""Reading the working funds: where each stands against its ceiling, its slips, counts and requests, and the proof of it all.

A captain sees the funds he keeps or whose team he leads; whoever else may read them sees all of them (3.6: finance supervises).
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select, true
from sqlalchemy.orm import contains_eager, joinedload

from ticketing.books.imprest.models import (
    ImprestCount,
    ImprestFund,
    ImprestRequest,
    ImprestReturn,
    ImprestSlip,
)
from ticketing.books.imprest.standing import Moved, Standing
from ticketing.books.ledger.models import LedgerAccount, LedgerEntry, LedgerLine
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import NotFound
from ticketing.masters.contractors.models import RepairTeam
from ticketing.masters.parameters.queries import limits_on
from ticketing.masters.people.models import RoleGrant, User
from ticketing.masters.people.scope import Scope
from ticketing.procedure.accounts import AccountKind, EntryKind
from ticketing.procedure.imprest import FundKind, RequestState, ceiling, stale_before
from ticketing.procedure.permissions import PERMISSIONS, Act
from ticketing.procedure.vocabulary import Role

OPEN_SLIP = (
    ImprestSlip.request_id.is_(None)
    & ImprestSlip.cleared_at.is_(None)
    & ImprestSlip.struck_at.is_(None)
)
"""A slip that is with the fund still: not handed in, not given back, not struck."""

_FUND_ACCOUNTS = (AccountKind.IMPREST_CASH, AccountKind.IMPREST_SLIPS)


def visible(scope: Scope) -> ColumnElement[bool]:
    """Which funds a person sees; the query must join `ImprestFund.team`."""
    if scope.roles & (PERMISSIONS[Act.READ_IMPREST] - {Role.CAPTAIN}):
        return true()
    return or_(ImprestFund.keeper_id == scope.user_id, RepairTeam.captain_id == scope.user_id)


def select_funds(*conditions: ColumnElement[bool]) -> Select[ImprestFund]:
    """The funds that meet the conditions, with keeper, team and captain, in the order of the list."""
    return (
        select(ImprestFund)
        .outerjoin(ImprestFund.team)
        .where(*conditions)
        .options(
            contains_eager(ImprestFund.team).joinedload(RepairTeam.captain),
            joinedload(ImprestFund.keeper, innerjoin=True),
        )
        .order_by(ImprestFund.kind.desc(), RepairTeam.name, ImprestFund.id)
    )


def funds(scope: Scope) -> Sequence[ImprestFund]:
    """The open funds this person sees: customer service first, then the teams by name."""
    return db.session.scalars(select_funds(ImprestFund.closed_on.is_(None), visible(scope))).all()


def every_fund() -> Sequence[ImprestFund]:
    """Every open fund, for alerts and reports."""
    return db.session.scalars(select_funds(ImprestFund.closed_on.is_(None))).all()


def fund_for(scope: Scope, fund_id: int) -> ImprestFund:
    """One fund this person sees. Raises NotFound."""
    found = db.session.scalars(
        select_funds(ImprestFund.id == fund_id, visible(scope))
    ).one_or_none()
    if found is None:
        raise NotFound
    return found


def spends_from(user: User, fund: ImprestFund) -> bool:
    """Whether a person spends out of a fund and counts it: its keeper, the captain of its team, the manager of customer service."""
    if not user.roles & PERMISSIONS[Act.SPEND_IMPREST]:
        return False
    if fund.keeper_id == user.id or (fund.team is not None and fund.team.captain_id == user.id):
        return True
    return fund.kind is FundKind.CS and Role.CS_MANAGER in user.roles


def standing(fund: ImprestFund) -> Standing:
    """Where one fund stands now."""
    return standings([fund])[0]


def standings(funds: Sequence[ImprestFund]) -> list[Standing]:
    """Where each fund stands now, in a fixed number of statements (procedure 3.6)."""
    ids, today = [fund.id for fund in funds], clock.today()
    limits = limits_on(today)
    balances = {
        (row[0], row[1]): int(row[2])
        for row in db.session.execute(
            select(LedgerAccount.fund_id, LedgerAccount.kind, LedgerAccount.balance_fen).where(
                LedgerAccount.kind.in_(_FUND_ACCOUNTS), LedgerAccount.fund_id.in_(ids)
            )
        )
    }
    asked, last = _requests(ids)
    moved = _moved_since(ids)
    stale = _by_fund(
        select(ImprestSlip.fund_id, func.count(), func.min(ImprestSlip.on)).where(
            OPEN_SLIP, ImprestSlip.on < stale_before(today)
        ),
        ImprestSlip.fund_id.in_(ids),
    )
    counted = _by_fund(
        select(ImprestCount.fund_id, func.max(ImprestCount.on)).where(
            ImprestCount.reversed_at.is_(None)
        ),
        ImprestCount.fund_id.in_(ids),
    )
    emptied = _by_fund(
        select(ImprestReturn.fund_id, func.max(ImprestReturn.on)).where(
            ImprestReturn.reversed_at.is_(None), ImprestReturn.left_fen == 0
        ),
        ImprestReturn.fund_id.in_(ids),
    )
    funded = _by_fund(
        select(ImprestRequest.fund_id, func.min(ImprestRequest.paid_at)).where(
            ImprestRequest.state == RequestState.PAID
        ),
        ImprestRequest.fund_id.in_(ids),
    )
    return [
        Standing(
            fund=fund,
            today=today,
            limits=limits,
            ceiling_fen=ceiling(fund.kind, limits),
            cash_fen=balances.get((fund.id, AccountKind.IMPREST_CASH), 0),
            book_slips_fen=balances.get((fund.id, AccountKind.IMPREST_SLIPS), 0),
            asked=asked.get(fund.id),
            last=last.get(fund.id),
            moved=moved.get(fund.id, Moved()),
            stale=int(stale[fund.id][1]) if fund.id in stale else 0,
            oldest_on=stale[fund.id][2] if fund.id in stale else None,
            counted_on=counted[fund.id][1] if fund.id in counted else None,
            emptied_on=emptied[fund.id][1] if fund.id in emptied else None,
            since=clock.local(funded[fund.id][1]).date() if fund.id in funded else None,
        )
        for fund in funds
    ]


def _by_fund(query: Select[*tuple[Any, ...]], of: ColumnElement[bool]) -> dict[int, Any]:
    column = query.selected_columns[0]
    return {row[0]: row for row in db.session.execute(query.where(of).group_by(column))}


def _requests(ids: list[int]) -> tuple[dict[int, ImprestRequest], dict[int, ImprestRequest]]:
    """The request under way of each fund, and its newest that was not withdrawn."""
    newest = (
        select(func.max(ImprestRequest.id))
        .where(ImprestRequest.state != RequestState.WITHDRAWN, ImprestRequest.fund_id.in_(ids))
        .group_by(ImprestRequest.fund_id)
    )
    rows = db.session.scalars(
        select(ImprestRequest)
        .where(
            ImprestRequest.fund_id.in_(ids),
            or_(ImprestRequest.state == RequestState.ASKED, ImprestRequest.id.in_(newest)),
        )
        .options(joinedload(ImprestRequest.asked_by, innerjoin=True))
        .order_by(ImprestRequest.id)
        .execution_options(populate_existing=True)
    ).all()
    asked = {one.fund_id: one for one in rows if one.state is RequestState.ASKED}
    return asked, {one.fund_id: one for one in rows}


def effective_kind() -> tuple[Any, Any]:
    """The subquery to join by `reverses_id`, and the kind under which an entry counts: a reversal under what it reversed."""
    undone = select(LedgerEntry.id, LedgerEntry.kind).subquery()
    return undone, func.coalesce(undone.c.kind, LedgerEntry.kind)


def _moved_since(ids: list[int]) -> dict[int, Moved]:
    """What counts and returns did to each fund since its newest request was asked: what a difference comes from."""
    newest = (
        select(ImprestRequest.fund_id, func.max(ImprestRequest.mark).label("mark"))
        .where(ImprestRequest.state != RequestState.WITHDRAWN)
        .group_by(ImprestRequest.fund_id)
        .subquery()
    )
    undone, kind = effective_kind()
    rows = db.session.execute(
        select(LedgerAccount.fund_id, kind, func.sum(LedgerLine.amount_fen))
        .join(LedgerLine, LedgerLine.account_id == LedgerAccount.id)
        .join(LedgerEntry, LedgerEntry.id == LedgerLine.entry_id)
        .join(newest, newest.c.fund_id == LedgerAccount.fund_id)
        .outerjoin(undone, undone.c.id == LedgerEntry.reverses_id)
        .where(
            LedgerAccount.kind.in_(_FUND_ACCOUNTS),
            LedgerAccount.fund_id.in_(ids),
            LedgerEntry.id > newest.c.mark,
            kind.in_((EntryKind.IMPREST_COUNT, EntryKind.IMPREST_CLEARING)),
        )
        .group_by(LedgerAccount.fund_id, kind)
    )
    found: dict[int, dict[EntryKind, int]] = {}
    for fund_id, entry_kind, fen in rows:
        found.setdefault(fund_id, {})[EntryKind(entry_kind)] = int(fen)
    return {
        fund_id: Moved(one.get(EntryKind.IMPREST_COUNT, 0), one.get(EntryKind.IMPREST_CLEARING, 0))
        for fund_id, one in found.items()
    }


_SLIP_PARTS = (
    joinedload(ImprestSlip.community),
    joinedload(ImprestSlip.entered_by, innerjoin=True),
    joinedload(ImprestSlip.request),
)


def slips(fund_id: int, limit: int | None = None) -> Sequence[ImprestSlip]:
    """The slips of a fund, the newest first."""
    query = select(ImprestSlip).where(ImprestSlip.fund_id == fund_id).options(*_SLIP_PARTS)
    return db.session.scalars(
        query.order_by(ImprestSlip.on.desc(), ImprestSlip.id.desc()).limit(limit)
    ).all()


def open_slips(fund_id: int) -> Sequence[ImprestSlip]:
    """The slips that are with the fund still, the oldest first."""
    query = select(ImprestSlip).where(ImprestSlip.fund_id == fund_id, OPEN_SLIP)
    return db.session.scalars(
        query.options(*_SLIP_PARTS).order_by(ImprestSlip.on, ImprestSlip.id)
    ).all()


def named_slips(fund_id: int, slip_ids: Iterable[int]) -> Sequence[ImprestSlip]:
    """Open slips of a fund by id, read anew. Raises NotFound where one is none of them."""
    wanted = sorted(set(slip_ids))
    found = db.session.scalars(
        select(ImprestSlip)
        .where(ImprestSlip.fund_id == fund_id, ImprestSlip.id.in_(wanted), OPEN_SLIP)
        .options(joinedload(ImprestSlip.community))
        .order_by(ImprestSlip.id)
        .execution_options(populate_existing=True)
    ).all()
    if len(found) != len(wanted):
        raise NotFound
    return found


def cleared_of(order_ids: Iterable[int]) -> dict[int, int]:
    """How much was given back out of the settlement of each order, in fen."""
    rows = db.session.execute(
        select(ImprestSlip.order_id, func.sum(ImprestSlip.amount_fen))
        .where(
            ImprestSlip.order_id.in_(sorted(set(order_ids))), ImprestSlip.cleared_at.is_not(None)
        )
        .group_by(ImprestSlip.order_id)
    )
    return {row[0]: int(row[1]) for row in rows if row[0] is not None}


def requests(fund_id: int, limit: int | None = None) -> Sequence[ImprestRequest]:
    """The requests of a fund, the newest first."""
    return db.session.scalars(
        select(ImprestRequest)
        .where(ImprestRequest.fund_id == fund_id)
        .options(joinedload(ImprestRequest.asked_by, innerjoin=True))
        .order_by(ImprestRequest.id.desc())
        .limit(limit)
    ).all()


def request(request_id: int, fund_id: int | None = None) -> ImprestRequest:
    """One request, of that fund if one is named, read anew. Raises NotFound."""
    found = db.session.get(ImprestRequest, request_id, populate_existing=True)
    if found is None or fund_id not in (None, found.fund_id):
        raise NotFound
    return found


def counts(fund_id: int, limit: int | None = None) -> Sequence[ImprestCount]:
    """The counts of a fund, the newest first."""
    return db.session.scalars(
        select(ImprestCount)
        .where(ImprestCount.fund_id == fund_id)
        .options(
            joinedload(ImprestCount.counted_by, innerjoin=True),
            joinedload(ImprestCount.witness, innerjoin=True),
        )
        .order_by(ImprestCount.id.desc())
        .limit(limit)
    ).all()


def returns(fund_id: int) -> Sequence[ImprestReturn]:
    """The cash a fund handed back, the newest first."""
    return db.session.scalars(
        select(ImprestReturn)
        .where(ImprestReturn.fund_id == fund_id)
        .options(joinedload(ImprestReturn.entered_by, innerjoin=True))
        .order_by(ImprestReturn.id.desc())
    ).all()


def spending_entries(slip_ids: Iterable[int]) -> dict[int, int]:
    """The newest spending entry of each slip, by slip: where a reversal is asked for."""
    sources = {f"slip:{one}": one for one in slip_ids}
    rows = db.session.execute(
        select(LedgerEntry.source, func.max(LedgerEntry.id))
        .where(
            LedgerEntry.source.in_(sorted(sources)), LedgerEntry.kind == EntryKind.IMPREST_SPENDING
        )
        .group_by(LedgerEntry.source)
    )
    return {sources[row[0]]: row[1] for row in rows}


def people_with(*roles: Role) -> Sequence[User]:
    """The active people who hold one of these roles, by name."""
    return db.session.scalars(
        select(User)
        .join(User.grants)
        .where(User.active, RoleGrant.in_force, RoleGrant.role.in_(roles))
        .distinct()
        .order_by(User.name, User.id)
    ).all()


def teams_without_fund() -> Sequence[RepairTeam]:
    """The active teams for which a fund may be opened."""
    taken = select(ImprestFund.team_id).where(
        ImprestFund.closed_on.is_(None), ImprestFund.team_id.is_not(None)
    )
    return db.session.scalars(
        select(RepairTeam)
        .where(RepairTeam.active, RepairTeam.id.not_in(taken))
        .order_by(RepairTeam.name)
    ).all()


def last_entry() -> int:
    """The number of the newest entry of the ledger."""
    return int(db.session.scalar(select(func.coalesce(func.max(LedgerEntry.id), 0))) or 0)


def day_of_first_money(fund_id: int) -> date | None:
    """The voucher date of a fund's first entry: nothing was spent before it."""
    return db.session.scalar(
        select(func.min(LedgerEntry.on))
        .join(LedgerLine, LedgerLine.entry_id == LedgerEntry.id)
        .join(LedgerLine.account)
        .where(LedgerAccount.fund_id == fund_id, LedgerAccount.kind == AccountKind.IMPREST_CASH)
    )
