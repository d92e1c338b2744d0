"""Reading contractors, contracts, teams and warranty promises, narrowed by scope: not yours = not found.

The company's contracts are reached community by community; whoever oversees all tickets reaches all of them.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, or_, select, true
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from ticketing.kernel.db import db
from ticketing.kernel.errors import Invalid, NotFound
from ticketing.masters.contractors.models import (
    Contract,
    Contractor,
    ContractTrade,
    RepairTeam,
    TeamArea,
    WarrantyPromise,
    Worker,
)
from ticketing.masters.estate.models import Community
from ticketing.masters.people.models import RoleGrant, User
from ticketing.masters.people.scope import Scope
from ticketing.masters.workcalendar import queries as workcalendar
from ticketing.procedure.repairs import Trade
from ticketing.procedure.vocabulary import Role
from ticketing.procedure.warranty import Promise, in_words
from ticketing.procedure.workdays import DayKind, Due, add_months


def places(scope: Scope) -> frozenset[int] | None:
    """The communities whose builders and crews a person may see; None for all of them."""
    return None if scope.sees_all_tickets else scope.communities


def teams_led(scope: Scope) -> Select[int]:
    """The ids of the teams whose captain this person is."""
    return select(RepairTeam.id).where(RepairTeam.captain_id == scope.user_id)


def _here(scope: Scope, community_id: Any) -> ColumnElement[bool]:
    within = places(scope)
    return true() if within is None else community_id.in_(sorted(within))


def communities(scope: Scope) -> Sequence[Community]:
    """The communities whose builders and crews a person may see, by code."""
    return db.session.scalars(
        select(Community).where(_here(scope, Community.id)).order_by(Community.code)
    ).all()


def contracts(scope: Scope) -> Sequence[Contract]:
    """The contracts of the person's communities with their trades, by community and number."""
    return db.session.scalars(
        select(Contract)
        .join(Contract.community)
        .join(Contract.contractor)
        .where(_here(scope, Contract.community_id))
        .options(
            contains_eager(Contract.community),
            contains_eager(Contract.contractor),
            selectinload(Contract.trades),
        )
        .order_by(Community.code, Contract.number)
    ).all()


class Liability(NamedTuple):
    """Until when a contractor answers with his retention, whether that date may still move, and the reckoning in words."""

    until: date
    provisional: bool
    words: str


def liability(contract: Contract) -> Liability | None:
    """The end of the defects liability period; None without a completion acceptance (procedure 2.6)."""
    if contract.completed_on is None:
        return None
    begun, months = contract.completed_on, contract.liability_months
    end: Due = add_months(begun, months, workcalendar.snapshot())
    last = add_months(begun, months, lambda _day: DayKind(works=True)).on
    moved = f"{last} 不是工作日，顺延" if last != end.on else ""
    words = f"{begun} 竣工验收合格，缺陷责任期 {in_words(months)}，{moved}至 {end.on}"
    return Liability(end.on, end.provisional, words + ("（暂）" if end.provisional else ""))


def _known(scope: Scope) -> ColumnElement[bool]:
    """Whether a contractor is the person's business: he built where the person works, or nowhere yet."""
    if places(scope) is None:
        return true()
    here = select(Contract.contractor_id).where(_here(scope, Contract.community_id))
    return or_(Contractor.id.in_(here), ~Contractor.contracts.any())


def builders(scope: Scope) -> Sequence[Contractor]:
    """The contractors that built where the person works, or nowhere yet; those in use first, by name."""
    return db.session.scalars(
        select(Contractor).where(_known(scope)).order_by(Contractor.active.desc(), Contractor.name)
    ).all()


def contractor_for(scope: Scope, contractor_id: int) -> Contractor:
    """One contractor of the person's business. Raises NotFound."""
    found: Contractor = _one(
        select(Contractor).where(Contractor.id == contractor_id, _known(scope))
    )
    return found


def contractor(contractor_id: int) -> Contractor:
    """One contractor, whoever asks. Raises NotFound."""
    found = db.session.get(Contractor, contractor_id)
    if found is None:
        raise NotFound
    return found


def contractors() -> Sequence[Contractor]:
    """Every contractor, those in use first, by name: the names to choose from."""
    return db.session.scalars(
        select(Contractor).order_by(Contractor.active.desc(), Contractor.name)
    ).all()


def contract(scope: Scope, contract_id: int) -> Contract:
    """One contract of the person's communities. Raises NotFound."""
    found: Contract = _one(
        select(Contract)
        .where(Contract.id == contract_id, _here(scope, Contract.community_id))
        .options(
            joinedload(Contract.contractor, innerjoin=True),
            joinedload(Contract.community, innerjoin=True),
        )
    )
    return found


def _one(query: Any) -> Any:
    found = db.session.scalars(query).unique().one_or_none()
    if found is None:
        raise NotFound
    return found


def contracts_for(community_id: int, trades: Iterable[Trade]) -> dict[Trade, Contract]:
    """The contract under which each trade was built in a community: whose warranty it is (procedure 3.4.6).

    Where a trade was built under several, the one completed last.
    """
    rows = db.session.execute(
        select(ContractTrade.trade, Contract)
        .join(ContractTrade.contract)
        .where(Contract.community_id == community_id, ContractTrade.trade.in_(list(trades)))
        .options(joinedload(Contract.contractor, innerjoin=True))
        .order_by(Contract.completed_on.asc().nulls_first(), Contract.id.desc())
    )
    return {row[0]: row[1] for row in rows}


def contract_for(community_id: int, trade: Trade) -> Contract | None:
    """The contract under which one trade was built in a community."""
    return contracts_for(community_id, (trade,)).get(trade)


def promises(community_id: int) -> list[Promise]:
    """The longer warranty periods of a community, each with the days it is in force for."""
    rows = db.session.scalars(
        select(WarrantyPromise).where(
            or_(
                WarrantyPromise.community_id == community_id,
                WarrantyPromise.community_id.is_(None),
            ),
            WarrantyPromise.withdrawn.is_(False),
        )
    )
    return [
        Promise(
            row.part,
            row.owner_months,
            row.contractor_months,
            row.source,
            row.since,
            row.until or date.max,
        )
        for row in rows
    ]


def promise_rows(scope: Scope) -> Sequence[WarrantyPromise]:
    """The promises of the person's communities and of all, also ended and withdrawn ones, the newest first."""
    return db.session.scalars(
        select(WarrantyPromise)
        .where(_reached(scope))
        .options(joinedload(WarrantyPromise.community))
        .order_by(WarrantyPromise.since.desc(), WarrantyPromise.id.desc())
    ).all()


def promise(scope: Scope, promise_id: int) -> WarrantyPromise:
    """One promise of the person's communities or of all. Raises NotFound."""
    found: WarrantyPromise = _one(
        select(WarrantyPromise)
        .where(WarrantyPromise.id == promise_id, _reached(scope))
        .options(joinedload(WarrantyPromise.community))
    )
    return found


def _reached(scope: Scope) -> ColumnElement[bool]:
    return or_(WarrantyPromise.community_id.is_(None), _here(scope, WarrantyPromise.community_id))


def teams(scope: Scope, community_id: int | None = None) -> Sequence[RepairTeam]:
    """The active repair teams that work where the person does, or in one community."""
    areas: list[ColumnElement[bool]] = []
    if scope.communities is not None:
        areas.append(TeamArea.community_id.in_(scope.communities))
    if community_id is not None:
        areas.append(TeamArea.community_id == community_id)
    query = select(RepairTeam).where(RepairTeam.active).order_by(RepairTeam.name)
    if areas:
        query = query.where(RepairTeam.id.in_(select(TeamArea.team_id).where(*areas)))
    return db.session.scalars(query.options(joinedload(RepairTeam.captain, innerjoin=True))).all()


def _crew(scope: Scope) -> ColumnElement[bool]:
    if places(scope) is None:
        return true()
    return RepairTeam.id.in_(select(TeamArea.team_id).where(_here(scope, TeamArea.community_id)))


def crews(scope: Scope) -> Sequence[RepairTeam]:
    """The teams that work where the person does, also disbanded ones, with captain, areas and workers."""
    return db.session.scalars(
        select(RepairTeam)
        .where(_crew(scope))
        .options(
            joinedload(RepairTeam.captain, innerjoin=True),
            selectinload(RepairTeam.areas).joinedload(TeamArea.community, innerjoin=True),
            selectinload(RepairTeam.workers),
        )
        .order_by(RepairTeam.active.desc(), RepairTeam.name)
    ).all()


def crew(scope: Scope, team_id: int) -> RepairTeam:
    """One team that works where the person does. Raises NotFound."""
    found: RepairTeam = _one(
        select(RepairTeam)
        .where(RepairTeam.id == team_id, _crew(scope))
        .options(
            joinedload(RepairTeam.captain, innerjoin=True),
            selectinload(RepairTeam.areas).joinedload(TeamArea.community, innerjoin=True),
        )
    )
    return found


def worker(scope: Scope, worker_id: int) -> Worker:
    """One worker of a team that works where the person does. Raises NotFound."""
    found: Worker = _one(
        select(Worker)
        .join(Worker.team)
        .where(Worker.id == worker_id, _crew(scope))
        .options(contains_eager(Worker.team))
    )
    return found


def team(team_id: int) -> RepairTeam:
    """One team with its captain. Raises NotFound."""
    found = db.session.get(RepairTeam, team_id, options=[joinedload(RepairTeam.captain)])
    if found is None:
        raise NotFound
    return found


def team_for(community_id: int, team_id: int) -> RepairTeam:
    """An active team that works in a community. Raises NotFound, Invalid (it does not, or is no longer active)."""
    found = team(team_id)
    if not found.active or community_id not in {area.community_id for area in found.areas}:
        raise Invalid(f"{found.name}不在这个小区维修，请另选。", field="team_id")
    return found


def workers(team_id: int) -> Sequence[Worker]:
    """The active workers of a team, by name."""
    return db.session.scalars(
        select(Worker).where(Worker.team_id == team_id, Worker.active).order_by(Worker.name)
    ).all()


def captains() -> Sequence[User]:
    """The people who can lead a team, by name."""
    return db.session.scalars(
        select(User)
        .join(User.grants)
        .where(User.active, RoleGrant.in_force, RoleGrant.role == Role.CAPTAIN)
        .order_by(User.name)
    ).all()


def teams_of(captain_id: int) -> Sequence[int]:
    """The teams a person leads."""
    return db.session.scalars(
        select(RepairTeam.id).where(RepairTeam.captain_id == captain_id)
    ).all()
