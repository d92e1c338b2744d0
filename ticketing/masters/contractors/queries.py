"""Reading contractors, contracts, teams and warranty promises."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import joinedload, selectinload

from ticketing.kernel.db import db
from ticketing.kernel.errors import NotFound
from ticketing.masters.contractors.models import (
    Contract,
    Contractor,
    ContractTrade,
    RepairTeam,
    TeamArea,
    WarrantyPromise,
    Worker,
)
from ticketing.masters.people.scope import Scope
from ticketing.procedure.repairs import Trade
from ticketing.procedure.warranty import Promise


def contractors() -> Sequence[Contractor]:
    """Every contractor with its contracts, by name."""
    return db.session.scalars(
        select(Contractor)
        .options(
            selectinload(Contractor.contracts).joinedload(Contract.community),
            selectinload(Contractor.contracts).selectinload(Contract.trades),
        )
        .order_by(Contractor.active.desc(), Contractor.name)
    ).all()


def contractor(contractor_id: int) -> Contractor:
    """One contractor. Raises NotFound."""
    found = db.session.get(Contractor, contractor_id)
    if found is None:
        raise NotFound
    return found


def contract_for(community_id: int, trade: Trade) -> Contract | None:
    """The contract under which a trade was built in a community: whose warranty it is (procedure 3.4.6)."""
    return db.session.scalars(
        select(Contract)
        .join(ContractTrade)
        .where(Contract.community_id == community_id, ContractTrade.trade == trade)
        .options(joinedload(Contract.contractor, innerjoin=True))
        .order_by(Contract.completed_on.desc().nulls_last(), Contract.id)
        .limit(1)
    ).one_or_none()


def promises(community_id: int, on: date) -> list[Promise]:
    """The longer warranty periods in force in a community on the day a warranty begins."""
    rows = db.session.scalars(
        select(WarrantyPromise).where(
            or_(
                WarrantyPromise.community_id == community_id,
                WarrantyPromise.community_id.is_(None),
            ),
            WarrantyPromise.since <= on,
        )
    )
    return [Promise(row.part, row.owner_months, row.contractor_months, row.source) for row in rows]


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


def team(team_id: int) -> RepairTeam:
    """One team with its captain. Raises NotFound."""
    found = db.session.get(RepairTeam, team_id, options=[joinedload(RepairTeam.captain)])
    if found is None:
        raise NotFound
    return found


def workers(team_id: int) -> Sequence[Worker]:
    """The active workers of a team, by name."""
    return db.session.scalars(
        select(Worker).where(Worker.team_id == team_id, Worker.active).order_by(Worker.name)
    ).all()


def teams_of(captain_id: int) -> Sequence[int]:
    """The teams a person leads."""
    return db.session.scalars(
        select(RepairTeam.id).where(RepairTeam.captain_id == captain_id)
    ).all()
