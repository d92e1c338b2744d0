"""Reading price lists: of contracts a person reaches, and what a price was when work was ordered."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ScalarResult, func, or_, select
from sqlalchemy.orm import joinedload

from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import NotFound
from ticketing.kernel.text import fold
from ticketing.masters.contractors.models import Contract
from ticketing.masters.prices.keys import code_key, item_key, unit_key
from ticketing.masters.prices.models import ListState, PriceLine, PriceList

SUGGESTED = 12
_PEOPLE = (joinedload(PriceList.entered_by), joinedload(PriceList.decided_by))


def in_force(contract_ids: Iterable[int], at: datetime) -> dict[int, PriceList]:
    """The version of each contract that counts for what is ordered at an instant; none where there is none (procedure 3.5.5).

    Agreed to by then and valid on its day: what was agreed to later the same day does not count for it.
    """
    rows = db.session.scalars(
        select(PriceList)
        .where(
            PriceList.contract_id.in_(sorted(contract_ids)),
            PriceList.state == ListState.IN_FORCE,
            PriceList.valid_from <= clock.local(at).date(),
            PriceList.decided_at <= at,
        )
        .options(joinedload(PriceList.contract, innerjoin=True))
        .order_by(PriceList.valid_from, PriceList.decided_at, PriceList.id)
    )
    return {one.contract_id: one for one in rows}


def present(contract_id: int) -> PriceList | None:
    """The version of a contract that counts now."""
    return in_force((contract_id,), clock.now()).get(contract_id)


def before(price_list: PriceList) -> PriceList | None:
    """The version it is compared with: once decided the one it took over from, before that what counts on its day so far."""
    if not price_list.state.is_open:
        return db.session.get(PriceList, price_list.based_on_id) if price_list.based_on_id else None
    day = max(clock.now(), clock.at(price_list.valid_from))
    return in_force((price_list.contract_id,), day).get(price_list.contract_id)


def waiting(limit: int = 20) -> Sequence[PriceList]:
    """The versions that wait for the second person, the oldest first."""
    return db.session.scalars(
        select(PriceList)
        .where(PriceList.state == ListState.PROPOSED)
        .options(joinedload(PriceList.contract, innerjoin=True))
        .order_by(PriceList.proposed_at, PriceList.id)
        .limit(limit)
    ).all()


def versions(contract_id: int) -> Sequence[PriceList]:
    """Every version of a contract with its people, the newest first."""
    return db.session.scalars(
        select(PriceList)
        .where(PriceList.contract_id == contract_id)
        .options(*_PEOPLE)
        .order_by(PriceList.edition.desc())
    ).all()


def version(contract: Contract, list_id: int) -> PriceList:
    """One version of a contract the caller has fetched within scope. Raises NotFound."""
    found = db.session.scalars(
        select(PriceList)
        .where(PriceList.id == list_id, PriceList.contract_id == contract.id)
        .options(*_PEOPLE)
    ).one_or_none()
    if found is None:
        raise NotFound
    return found


def lines(list_id: int, typed: str = "") -> Sequence[PriceLine]:
    """The lines of a version in their order, those that hold every word that is typed."""
    return _lines([list_id], typed).all()


def suggested(list_ids: Iterable[int], typed: str) -> Sequence[PriceLine]:
    """The lines to choose from as somebody types a code or an item: those that begin with it first."""
    if not typed.strip():
        return []
    begins = fold(typed).strip()
    found = _lines(list_ids, typed).all()
    return sorted(found, key=lambda one: not _begins(one, begins))[:SUGGESTED]


def _begins(line: PriceLine, typed: str) -> bool:
    return any(word.startswith(typed) for word in (fold(line.code), fold(line.item)))


def _lines(list_ids: Iterable[int], typed: str) -> ScalarResult[PriceLine]:
    words = [PriceLine.words.contains(word, autoescape=True) for word in fold(typed).split()]
    return db.session.scalars(
        select(PriceLine)
        .where(PriceLine.list_id.in_(sorted(list_ids)), *words)
        .order_by(PriceLine.list_id, PriceLine.position)
    )


def count_lines(list_ids: Iterable[int]) -> dict[int, int]:
    """How many lines each version has."""
    rows = db.session.execute(
        select(PriceLine.list_id, func.count())
        .where(PriceLine.list_id.in_(sorted(list_ids)))
        .group_by(PriceLine.list_id)
    )
    return {row[0]: row[1] for row in rows}


class Wanted(NamedTuple):
    """What a line of an account says it is."""

    code: str
    item: str
    unit: str


def find(list_ids: Iterable[int], wanted: Sequence[Wanted]) -> list[PriceLine | None]:
    """The price of each thing wanted, in one statement: by its code where that is on a list, else by item and unit.

    A code with another unit is another thing.
    """
    ids = sorted(list_ids)
    if not ids or not wanted:
        return [None] * len(wanted)
    codes = {code_key(one.code) for one in wanted} - {""}
    items = {item_key(one.item, one.unit) for one in wanted}
    rows = db.session.scalars(
        select(PriceLine)
        .where(
            PriceLine.list_id.in_(ids),
            or_(PriceLine.code_key.in_(sorted(codes)), PriceLine.item_key.in_(sorted(items))),
        )
        .order_by(PriceLine.list_id.desc(), PriceLine.position.desc())
    ).all()
    by_code = {(one.code_key, unit_key(one.unit)): one for one in rows if one.code_key}
    by_item = {one.item_key: one for one in rows}
    return [
        by_code.get((code_key(one.code), unit_key(one.unit)))
        or by_item.get(item_key(one.item, one.unit))
        for one in wanted
    ]


class Change(NamedTuple):
    """What a version does to one price: `old` None is new, `new` None is gone, else both prices differ."""

    old: PriceLine | None
    new: PriceLine | None

    @property
    def line(self) -> PriceLine:
        """The line to name it by."""
        found = self.new or self.old
        assert found is not None  # a change has a side
        return found


class Changes(NamedTuple):
    """A version beside the one before it: what is new, what is gone, whose price changed, how many stay."""

    new: list[Change]
    gone: list[Change]
    moved: list[Change]
    same: int

    @property
    def any(self) -> bool:
        """Whether anything differs."""
        return bool(self.new or self.gone or self.moved)


def changes(before: Sequence[PriceLine], after: Sequence[PriceLine]) -> Changes:
    """Compare two versions line by line: by code, else by item and unit."""
    by_code = {one.code_key: one for one in before if one.code_key}
    by_item = {one.item_key: one for one in before}
    new: list[Change] = []
    moved: list[Change] = []
    same, met = 0, set()
    for line in after:
        old = by_code.get(line.code_key) or by_item.get(line.item_key)
        if old is None or old.id in met:
            new.append(Change(None, line))
            continue
        met.add(old.id)
        if _says(old) == _says(line):
            same += 1
        else:
            moved.append(Change(old, line))
    gone = [Change(one, None) for one in before if one.id not in met]
    return Changes(new, gone, moved, same)


def _says(line: PriceLine) -> tuple[object, ...]:
    """What of a line makes a difference to an account."""
    return (line.price_milli, line.code_key, line.item_key, line.price_list.basis)
