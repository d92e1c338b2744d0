"""Writing the words by which a caller is found, anew whenever a home or its people change."""

from collections.abc import Iterable
from typing import Any, cast

from sqlalchemy import Table, delete, select

from ticketing.kernel.db import db
from ticketing.masters.estate.models import Customer, CustomerPhone, LookupKey, Residency, Unit
from ticketing.masters.estate.pour import Jug, jug, pour
from ticketing.masters.estate.words import words_of


def reindex(unit_ids: Iterable[int]) -> None:
    """Write the lookup words of these units anew from units, residents and phones."""
    ids = sorted(set(unit_ids))
    if ids:
        replace(ids, words_for(ids))


def replace(unit_ids: list[int], words: Jug) -> None:
    """Put `words` in the place of all lookup words of these units."""
    db.session.execute(delete(LookupKey).where(LookupKey.unit_id.in_(unit_ids)))
    pour(words)


def words_for(unit_ids: list[int]) -> Jug:
    """The lookup words of these units as they should stand: only present, unmerged residents."""
    units = db.session.execute(
        select(Unit.id, Unit.community_id, Unit.label, Unit.room).where(Unit.id.in_(unit_ids))
    ).all()
    people: dict[int, list[tuple[int | None, str, str]]] = {}
    for unit_id, resident_id, name, letters, until_on, merged_into_id in db.session.execute(
        select(
            Residency.unit_id,
            Customer.id,
            Customer.name,
            Customer.initials,
            Residency.until_on,
            Customer.merged_into_id,
        )
        .join(Customer, Customer.id == Residency.customer_id)
        .where(Residency.unit_id.in_(unit_ids))
    ):
        # Told apart here: a condition on merged_into_id would lead SQLite to start from its index.
        if until_on is None and merged_into_id is None:
            people.setdefault(unit_id, []).append((resident_id, name, letters))
    resident_ids = {resident_id for group in people.values() for resident_id, _, _ in group}
    phones: dict[int, list[str]] = {}
    for owner_id, number in db.session.execute(
        select(CustomerPhone.customer_id, CustomerPhone.number).where(
            CustomerPhone.customer_id.in_(resident_ids)
        )
    ):
        phones.setdefault(owner_id, []).append(number)
    nobody: list[tuple[int | None, str, str]] = [(None, "", "")]
    rows: list[dict[str, Any]] = []
    for unit_id, community_id, label, room in units:
        for customer_id, name, letters in people.get(unit_id) or nobody:
            words = words_of(
                label=label,
                room=room,
                name=name,
                letters=letters,
                phones=phones.get(customer_id or 0, []),
            )
            rows += [
                {
                    "community_id": community_id,
                    "word": word,
                    "unit_id": unit_id,
                    "customer_id": customer_id,
                }
                for word in words
            ]
    return jug(cast(Table, LookupKey.__table__), rows)
