"""Reading the estate: the caller lookup, and one page each for unit and customer."""

from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, and_, bindparam, exists, func, or_, select, true
from sqlalchemy.orm import joinedload, selectinload

from ticketing.kernel.db import db
from ticketing.kernel.errors import NotFound
from ticketing.masters.estate.models import (
    Building,
    Community,
    Customer,
    CustomerPhone,
    LookupKey,
    Residency,
    ServiceOffice,
    Unit,
)
from ticketing.masters.estate.words import lookups_of
from ticketing.masters.people.scope import Scope
from ticketing.masters.workcalendar import queries as workcalendar
from ticketing.procedure.vocabulary import Relation

LAST = "\U0010ffff"


def in_scope(scope: Scope, community_id: Any) -> ColumnElement[bool]:
    """The condition that a community column lies within `scope`."""
    if scope.communities is None:
        return true()
    return community_id.in_(sorted(scope.communities))  # type: ignore[no-any-return]


def communities(scope: Scope) -> list[Community]:
    """The communities of the person asking, in order of code, with their offices."""
    return list(
        db.session.scalars(
            select(Community)
            .where(in_scope(scope, Community.id))
            .options(joinedload(Community.office, innerjoin=True))
            .order_by(Community.code)
        )
    )


def all_communities() -> list[Community]:
    """Every community: for the administrator's pages and the console, which know no scope."""
    return list(
        db.session.scalars(
            select(Community).options(joinedload(Community.office)).order_by(Community.code)
        )
    )


def offices(scope: Scope) -> list[ServiceOffice]:
    """The service offices that serve at least one community within scope, with all theirs."""
    return list(
        db.session.scalars(
            select(ServiceOffice)
            .where(
                exists().where(
                    Community.office_id == ServiceOffice.id, in_scope(scope, Community.id)
                )
            )
            .options(selectinload(ServiceOffice.communities))
            .order_by(ServiceOffice.code)
        )
    )


def community(scope: Scope, community_id: int) -> Community:
    """One community within scope. Raises NotFound."""
    found = db.session.scalars(
        select(Community)
        .where(Community.id == community_id, in_scope(scope, Community.id))
        .options(joinedload(Community.office, innerjoin=True))
    ).one_or_none()
    if found is None:
        raise NotFound
    return found


class Caller(NamedTuple):
    """One answer of the caller lookup: a customer at a unit, or a unit nobody is known at."""

    unit_id: int
    customer_id: int | None
    community: str
    label: str
    name: str
    relation: Relation | None
    phone: str


def callers(scope: Scope, typed: str, limit: int = 12) -> list[Caller]:
    """Who may be calling, by the beginning of a phone, name, initials or room; best match first.

    Each prefix is one range of the index of lookup words in each community within scope.
    """
    prefixes = lookups_of(typed)
    if not prefixes:
        return []
    ids = scope.communities
    within = ids if ids is not None else frozenset(db.session.scalars(select(Community.id)))
    ranges = or_(*(and_(LookupKey.word >= word, LookupKey.word < word + LAST) for word in prefixes))
    hits = (
        select(LookupKey.word, LookupKey.unit_id, LookupKey.customer_id)
        .where(LookupKey.community_id.in_(sorted(within)), ranges)
        .limit(limit * 4)
        .subquery()
    )
    phone = (
        select(CustomerPhone.number)
        .where(CustomerPhone.customer_id == hits.c.customer_id)
        .order_by(CustomerPhone.id)
        .limit(1)
        .scalar_subquery()
    )
    rows = db.session.execute(
        select(
            hits.c.word,
            hits.c.unit_id,
            hits.c.customer_id,
            Community.name,
            Unit.label,
            Customer.name,
            Residency.relation,
            phone,
        )
        .join(Unit, Unit.id == hits.c.unit_id)
        .join(Community, Community.id == Unit.community_id)
        .outerjoin(Customer, Customer.id == hits.c.customer_id)
        .outerjoin(
            Residency,
            and_(
                Residency.unit_id == hits.c.unit_id,
                Residency.customer_id == hits.c.customer_id,
                Residency.until_on.is_(None),
            ),
        )
    ).all()
    best: dict[tuple[int, int | None], tuple[int, Caller]] = {}
    for word, unit_id, customer_id, community_name, label, name, relation, number in rows:
        rank = len(word) - max(len(prefix) for prefix in prefixes if word.startswith(prefix))
        key = (unit_id, customer_id)
        if key not in best or rank < best[key][0]:
            caller = Caller(
                unit_id, customer_id, community_name, label, name or "", relation, number or ""
            )
            best[key] = (rank, caller)
    ranked = sorted(best.values(), key=lambda pair: (pair[0], pair[1].community, pair[1].label))
    return [caller for _, caller in ranked[:limit]]


def unit(scope: Scope, unit_id: int) -> Unit:
    """One unit within scope with building and community. Raises NotFound."""
    found = db.session.scalars(
        select(Unit).where(Unit.id == unit_id, in_scope(scope, Unit.community_id))
    ).one_or_none()
    if found is None:
        raise NotFound
    return found


def home(scope: Scope, unit_id: int) -> Row[int, str, int, str, str]:
    """All a new ticket needs of a unit: id, label, community_id, community code. Raises NotFound."""
    found = db.session.execute(_HOME, {"unit_id": unit_id}).one_or_none()
    if found is None or not scope.reaches_community(found.community_id):
        raise NotFound
    workcalendar.told(found.calendar)
    return found


_HOME = select(
    Unit.id,
    Unit.label,
    Unit.community_id,
    Community.code,
    workcalendar.NEWEST_MARK.label("calendar"),
).where(Unit.id == bindparam("unit_id"), Community.id == Unit.community_id)


def residents(unit_id: int) -> list[Residency]:
    """Everyone who is or was at a unit, present ones first, with phones."""
    return list(
        db.session.scalars(
            select(Residency)
            .where(Residency.unit_id == unit_id)
            .options(joinedload(Residency.customer, innerjoin=True).selectinload(Customer.phones))
            .order_by(Residency.until_on.is_not(None), Residency.id)
        )
    )


def customer_in_scope(scope: Scope) -> ColumnElement[bool]:
    """A customer is within scope when one of his homes is; one without a home, for all-seeing eyes."""
    if scope.communities is None:
        return true()
    return exists().where(
        Residency.customer_id == Customer.id,
        Residency.unit_id == Unit.id,
        in_scope(scope, Unit.community_id),
    )


def customer(scope: Scope, customer_id: int) -> Customer:
    """One customer within scope with phones and units. Raises NotFound."""
    found = db.session.scalars(
        select(Customer)
        .where(Customer.id == customer_id, customer_in_scope(scope))
        .options(
            selectinload(Customer.phones),
            selectinload(Customer.residencies).joinedload(Residency.unit, innerjoin=True),
        )
    ).one_or_none()
    if found is None:
        raise NotFound
    return found


class Occupancy(NamedTuple):
    """How far a community or building is lived in: units, delivered and moved-in ones."""

    units: int
    delivered: int
    moved_in: int

    @property
    def rate(self) -> float | None:
        """Moved in per unit, None where there are no units."""
        return self.moved_in / self.units if self.units else None


def occupancy(community_ids: list[int]) -> dict[int, Occupancy]:
    """The occupancy of each community (procedure 3.7.5 counts the homes moved into)."""
    rows = db.session.execute(
        select(
            Unit.community_id,
            func.count(),
            func.count(Unit.delivered_on),
            func.count(Unit.moved_in_on),
        )
        .where(Unit.community_id.in_(community_ids))
        .group_by(Unit.community_id)
    )
    return {row[0]: Occupancy(row[1], row[2], row[3]) for row in rows}


def buildings(community_id: int) -> list[tuple[Building, Occupancy]]:
    """The buildings of a community with their occupancy, by name."""
    rows = db.session.execute(
        select(
            Building,
            func.count(Unit.id),
            func.count(Unit.delivered_on),
            func.count(Unit.moved_in_on),
        )
        .outerjoin(Unit, Unit.building_id == Building.id)
        .where(Building.community_id == community_id)
        .group_by(Building.id)
        .order_by(func.length(Building.name), Building.name)
    )
    return [(row[0], Occupancy(row[1], row[2], row[3])) for row in rows]


def building(scope: Scope, building_id: int) -> Building:
    """One building within scope. Raises NotFound."""
    found = db.session.scalars(
        select(Building).where(Building.id == building_id, in_scope(scope, Building.community_id))
    ).one_or_none()
    if found is None:
        raise NotFound
    return found


def units_of(building_id: int) -> list[Unit]:
    """The units of a building by stair and room, with their present residents."""
    return list(
        db.session.scalars(
            select(Unit)
            .where(Unit.building_id == building_id)
            .options(selectinload(Unit.residencies).joinedload(Residency.customer, innerjoin=True))
            .order_by(func.length(Unit.stair), Unit.stair, func.length(Unit.room), Unit.room)
        )
    )


def stays(scope: Scope, one: Customer) -> list[Residency]:
    """Where a customer lives or lived, within scope only: present homes first."""
    mine = [stay for stay in one.residencies if scope.reaches_community(stay.unit.community_id)]
    return sorted(mine, key=lambda stay: (stay.until_on is not None, stay.id))


def stay(scope: Scope, residency_id: int) -> Residency:
    """One stay at a unit within scope, with customer and unit. Raises NotFound."""
    found = db.session.scalars(
        select(Residency)
        .join(Unit, Unit.id == Residency.unit_id)
        .where(Residency.id == residency_id, in_scope(scope, Unit.community_id))
        .options(
            joinedload(Residency.customer, innerjoin=True),
            joinedload(Residency.unit, innerjoin=True),
        )
    ).one_or_none()
    if found is None:
        raise NotFound
    return found


def merged_into(customer_id: int) -> list[Customer]:
    """Everyone who was merged into a customer, also through others, in order of merging."""
    found: list[Customer] = []
    wave = [customer_id]
    while wave:
        twins = db.session.scalars(
            select(Customer).where(Customer.merged_into_id.in_(wave)).order_by(Customer.id)
        ).all()
        found += twins
        wave = [twin.id for twin in twins]
    return found


def survivor(scope: Scope, one: Customer) -> Customer | None:
    """The customer into whom this one was merged in the end, if he was and lies within scope."""
    last = one
    while last.merged_into_id is not None:
        last = db.session.get_one(Customer, last.merged_into_id)
    return customer(scope, last.id) if last is not one else None


def people_found(scope: Scope, typed: str, limit: int = 10) -> list[Customer]:
    """The customers whom the caller lookup finds, each once, with phones and homes."""
    ids = list(
        dict.fromkeys(
            caller.customer_id
            for caller in callers(scope, typed, limit * 2)
            if caller.customer_id is not None
        )
    )[:limit]
    rows = db.session.scalars(
        select(Customer)
        .where(Customer.id.in_(ids))
        .options(
            selectinload(Customer.phones),
            selectinload(Customer.residencies).joinedload(Residency.unit, innerjoin=True),
        )
    )
    return sorted(rows, key=lambda one: ids.index(one.id))


def all_offices() -> list[ServiceOffice]:
    """Every service office with its communities: for the administrator, who knows no scope."""
    return list(
        db.session.scalars(
            select(ServiceOffice)
            .options(selectinload(ServiceOffice.communities))
            .order_by(ServiceOffice.code)
        )
    )


def any_office(office_id: int) -> ServiceOffice:
    """One service office, for the administrator. Raises NotFound."""
    found = db.session.get(ServiceOffice, office_id)
    if found is None:
        raise NotFound
    return found


def any_community(community_id: int) -> Community:
    """One community, for the administrator. Raises NotFound."""
    found = db.session.get(Community, community_id)
    if found is None:
        raise NotFound
    return found
