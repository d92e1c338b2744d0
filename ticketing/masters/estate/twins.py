"""Customers who are probably one person: the same phone, or the same name in the same building (3.7.1).

Only a person can tell (a couple may share a phone), so they are shown and merged one by one.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, exists, func, or_, select
from sqlalchemy.orm import selectinload

from ticketing.kernel.db import db
from ticketing.masters.estate.models import Building, Customer, CustomerPhone, Residency, Unit
from ticketing.masters.estate.planning import slices
from ticketing.masters.estate.queries import customer_in_scope, in_scope
from ticketing.masters.people.scope import Scope


class Twins(NamedTuple):
    """Two or more customers, the longest known first, and why they may be one person."""

    reason: str
    people: list[Customer]


def likely_twins(scope: Scope, one: Customer, limit: int = 10) -> list[Customer]:
    """Other customers with the same phone, or the same name at the same unit."""
    numbers = [phone.number for phone in one.phones]
    unit_ids = [residency.unit_id for residency in one.residencies]
    same_phone = exists().where(
        CustomerPhone.customer_id == Customer.id, CustomerPhone.number.in_(numbers)
    )
    same_home = and_(
        Customer.name == one.name,
        exists().where(Residency.customer_id == Customer.id, Residency.unit_id.in_(unit_ids)),
    )
    return list(
        db.session.scalars(
            select(Customer)
            .where(
                customer_in_scope(scope),
                Customer.id != one.id,
                Customer.merged_into_id.is_(None),
                or_(same_phone, same_home),
            )
            .options(
                selectinload(Customer.phones),
                selectinload(Customer.residencies).joinedload(Residency.unit, innerjoin=True),
            )
            .order_by(Customer.id)
            .limit(limit)
        )
    )


def probable_twins(scope: Scope, limit: int | None = None) -> list[Twins]:
    """The groups of customers within scope who may be one person, at most `limit`."""
    reasons: dict[tuple[int, ...], list[str]] = {}
    for reason, ids in _suspicions(scope, limit):
        reasons.setdefault(ids, []).append(reason)
    groups = list(reasons.items())[:limit]
    people = _people({who for ids, _ in groups for who in ids})
    return [Twins("，".join(why), [people[who] for who in ids]) for ids, why in groups]


def _suspicions(scope: Scope, limit: int | None) -> Iterable[tuple[str, tuple[int, ...]]]:
    several = func.count(Customer.id.distinct()) > 1
    phones = (
        select(CustomerPhone.number)
        .join(Customer, Customer.id == CustomerPhone.customer_id)
        .where(Customer.merged_into_id.is_(None), customer_in_scope(scope))
        .group_by(CustomerPhone.number)
        .having(several)
        .order_by(CustomerPhone.number)
        .limit(limit)
    )
    shared = phones.subquery()
    held = (
        select(CustomerPhone.number, Customer.id)
        .join(Customer, Customer.id == CustomerPhone.customer_id)
        .join(shared, shared.c.number == CustomerPhone.number)
        .where(Customer.merged_into_id.is_(None), customer_in_scope(scope))
    )
    yield from _grouped(held.order_by(CustomerPhone.number, Customer.id), "电话同为 {}")
    namesakes = (
        _neighbours(scope)
        .with_only_columns(Unit.building_id, Customer.name)
        .group_by(Unit.building_id, Customer.name)
        .having(several)
        .order_by(Unit.building_id, Customer.name)
        .limit(limit)
        .subquery()
    )
    named = (
        _neighbours(scope)
        .join(Building, Building.id == Unit.building_id)
        .join(
            namesakes,
            (namesakes.c.building_id == Unit.building_id) & (namesakes.c.name == Customer.name),
        )
        .with_only_columns(Building.name, Unit.building_id, Customer.name, Customer.id)
        .distinct()
        .order_by(Unit.building_id, Customer.name, Customer.id)
    )
    yield from _grouped(named, "{}同名")


def _neighbours(scope: Scope) -> Select[*tuple[Any, ...]]:
    return (
        select(Customer.id)
        .join(Residency, Residency.customer_id == Customer.id)
        .join(Unit, Unit.id == Residency.unit_id)
        .where(Customer.merged_into_id.is_(None), in_scope(scope, Unit.community_id))
    )


def _grouped(query: Select[*tuple[Any, ...]], reason: str) -> Iterable[tuple[str, tuple[int, ...]]]:
    """The ids (last column) of rows that agree in all other columns; the first one names the reason."""
    groups: dict[tuple[Any, ...], list[int]] = {}
    for *same, who in db.session.execute(query):
        groups.setdefault(tuple(same), []).append(who)
    for alike, ids in groups.items():
        yield reason.format(alike[0]), tuple(ids)


def _people(ids: set[int]) -> dict[int, Customer]:
    found: dict[int, Customer] = {}
    for some in slices(sorted(ids)):
        rows = db.session.scalars(
            select(Customer)
            .where(Customer.id.in_(some))
            .options(
                selectinload(Customer.phones),
                selectinload(Customer.residencies).joinedload(Residency.unit, innerjoin=True),
            )
        )
        found.update((one.id, one) for one in rows)
    return found
