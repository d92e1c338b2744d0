"""The roll of homes and customers as rows of the import workbook: what is exported can come in again.

A home has a row for each present resident, or one without a name; people of one name at one home share
its first row, as the import asks. Who moved out or was merged away is not in it (procedure 3.7.1).
"""

from collections.abc import Iterator
from datetime import date
from itertools import groupby
from typing import Any

from sqlalchemy import and_, func, select

from ticketing.kernel.db import db
from ticketing.masters.estate.models import (
    Building,
    Community,
    Customer,
    CustomerPhone,
    Residency,
    Unit,
)
from ticketing.masters.estate.queries import in_scope
from ticketing.masters.people.scope import Scope

_ROWS = (
    select(
        Unit.id.label("unit_id"),
        Residency.id.label("stay_id"),
        Community.code,
        Community.name.label("community"),
        Building.name.label("building"),
        Unit.stair,
        Unit.room,
        Unit.delivered_on,
        Unit.deemed_delivered,
        Unit.moved_in_on,
        Customer.name,
        CustomerPhone.number,
        Residency.relation,
        Customer.note,
    )
    .select_from(Unit)
    .join(Community, Community.id == Unit.community_id)
    .join(Building, Building.id == Unit.building_id)
    .outerjoin(Residency, and_(Residency.unit_id == Unit.id, Residency.until_on.is_(None)))
    .outerjoin(Customer, Customer.id == Residency.customer_id)
    .outerjoin(CustomerPhone, CustomerPhone.customer_id == Customer.id)
    .order_by(
        Community.code,
        func.length(Building.name),
        Building.name,
        func.length(Unit.stair),
        Unit.stair,
        func.length(Unit.room),
        Unit.room,
        Unit.id,
        Residency.id,
        CustomerPhone.id,
    )
)
"""One row for each phone of each present resident of each home, in the order of the doors."""


def roll(scope: Scope) -> Iterator[list[str]]:
    """The cells of each home and resident within scope, in the order of the import's columns."""
    found = db.session.execute(
        _ROWS.where(in_scope(scope, Unit.community_id)).execution_options(
            yield_per=2000, stream_results=True
        )
    )
    for _, home in groupby(found, key=lambda row: row.unit_id):
        told = set()
        for _, stay in groupby(home, key=lambda row: row.stay_id):
            lines = list(stay)
            if lines[0].name not in told:
                told.add(lines[0].name)
                yield _cells(lines[0], [line.number for line in lines if line.number])


def _cells(row: Any, phones: list[str]) -> list[str]:
    return [
        row.code,
        row.community,
        row.building,
        row.stair,
        row.room,
        _day(row.delivered_on),
        _day(row.moved_in_on),
        row.name or "",
        "、".join(phones),
        row.relation.label if row.relation else "",
        row.note or "",
        "是" if row.deemed_delivered else "",
    ]


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""
