"""What an import would change: the rows of a workbook against the estate as it stands (procedure 3.7.1).

Reads only. Homes are matched by community and label, customers by name at the home, else by name and
phone. New things carry negative numbers until the writer gives them their ids. Blanks change nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar

from sqlalchemy import func, select

from ticketing.journal.models import JournalEntry
from ticketing.kernel.db import db
from ticketing.masters.estate.models import Building, Customer, CustomerPhone, Residency, Unit
from ticketing.masters.estate.queries import customer_in_scope
from ticketing.masters.estate.rows import MOST_PHONES, Dates, Reader, Row
from ticketing.masters.estate.words import bare, initials
from ticketing.masters.people.scope import Scope
from ticketing.procedure.vocabulary import Relation

T = TypeVar("T")
ESTATE_SUBJECTS = ("community", "unit", "customer", "import")
SLICE = 2_000


def slices(things: Sequence[T], size: int = SLICE) -> Iterator[Sequence[T]]:
    """The sequence in slices that one statement can take."""
    for start in range(0, len(things), size):
        yield things[start : start + size]


def estate_mark() -> int:
    """A mark in the journal: nothing of the estate changed as long as `changed_since` denies it."""
    return db.session.scalar(select(func.max(JournalEntry.id))) or 0


def changed_since(mark: int) -> bool:
    """Whether anything of the estate was written into the journal after `mark`."""
    query = select(JournalEntry.id).where(
        JournalEntry.id > mark, JournalEntry.subject.in_(ESTATE_SUBJECTS)
    )
    return db.session.scalar(query.limit(1)) is not None


@dataclass
class Stay:
    """A customer's stay at a unit as it stands or as it is planned."""

    id: int
    relation: Relation
    until_on: date | None


@dataclass
class Plan:
    """Rows to insert and to change. A negative id names the n-th new building, unit or customer."""

    mark: int
    buildings: list[dict[str, Any]] = field(default_factory=list)
    units: list[dict[str, Any]] = field(default_factory=list)
    customers: list[dict[str, Any]] = field(default_factory=list)
    phones: list[dict[str, Any]] = field(default_factory=list)
    stays: list[dict[str, Any]] = field(default_factory=list)
    dates: dict[int, dict[str, Any]] = field(default_factory=dict)
    notes: dict[int, str] = field(default_factory=dict)
    changed_stays: dict[int, dict[str, Any]] = field(default_factory=dict)
    changed_customers: set[int] = field(default_factory=set)
    touched_units: set[int] = field(default_factory=set)
    rows: int = 0
    unchanged_rows: int = 0
    notices: list[str] = field(default_factory=list)

    def spell_names(self) -> None:
        """Give the new customers their initials; slow, so only a plan that will be written needs it."""
        for customer in self.customers:
            customer["initials"] = initials(customer["name"])

    @property
    def counts(self) -> dict[str, int]:
        """How much of what, by the words a clerk reads."""
        return {
            "新楼栋": len(self.buildings),
            "新房产": len(self.units),
            "更新日期的房产": len(self.dates),
            "新客户": len(self.customers),
            "更新的客户": len(self.changed_customers),
            "新电话": len(self.phones),
            "新住户关系": len(self.stays),
            "变更的住户关系": len(self.changed_stays),
            "没有变化的行": self.unchanged_rows,
        }


class Planner:
    """Compares rows with the estate. Call `plan` inside one reading transaction."""

    def __init__(self, scope: Scope, reader: Reader) -> None:
        """Faults that only the estate can show are added to the problems of `reader`."""
        self.scope = scope
        self.reader = reader
        self.plan_ = Plan(estate_mark())
        self.row_of_home: dict[tuple[int, str], dict[str, tuple[int, date | bool]]] = {}
        self.row_of_person: dict[tuple[int, str], int] = {}

    def plan(self, rows: list[Row]) -> Plan:
        """What these rows would change."""
        self.plan_.rows = len(rows)
        self._load_homes({row.community_id for row in rows})
        self._load_people(rows)
        for row in rows:
            before = self._size()
            unit_id = self._home(row)
            if unit_id and row.name:
                self._person(row, unit_id)
            self.plan_.unchanged_rows += self._size() == before
        self.plan_.touched_units |= self._homes_of(self.plan_.changed_customers)
        return self.plan_

    def _size(self) -> tuple[int, ...]:
        plan = self.plan_
        return (
            len(plan.units),
            len(plan.customers),
            len(plan.phones),
            len(plan.stays),
            len(plan.notes),
            len(plan.changed_stays),
            sum(len(facts) for facts in plan.dates.values()),
        )

    def _load_homes(self, community_ids: set[int]) -> None:
        self.buildings: dict[tuple[int, str], tuple[int, str]] = {}
        self.homes: dict[tuple[int, str], list[tuple[int, Dates]]] = {}
        for one in db.session.execute(
            select(Building.community_id, Building.name, Building.id).where(
                Building.community_id.in_(community_ids)
            )
        ):
            self.buildings.setdefault((one[0], bare(one[1])), (one[2], one[1]))
        for home in db.session.execute(
            select(
                Unit.community_id,
                Unit.label,
                Unit.id,
                Unit.delivered_on,
                Unit.deemed_delivered,
                Unit.moved_in_on,
            ).where(Unit.community_id.in_(community_ids))
        ):
            self.homes.setdefault((home[0], home[1]), []).append((home[2], Dates(*home[3:])))

    def _load_people(self, rows: list[Row]) -> None:
        """Who is at the homes of these rows, who has their phones, and which phones those have."""
        self.stays: dict[tuple[int, int], list[Stay]] = {}
        self.at_home: dict[tuple[int, str], int] = {}
        self.by_phone: dict[tuple[str, str], int] = {}
        self.names_of_phone: dict[str, set[str]] = {}
        self.numbers: dict[int, set[str]] = {}
        self.note_of: dict[int, str] = {}
        unit_ids = [
            homes[0][0]
            for key in {(row.community_id, row.label) for row in rows}
            if (homes := self.homes.get(key))
        ]
        for some in slices(unit_ids):
            for stay_id, unit_id, relation, until_on, who, name, survivor in db.session.execute(
                select(
                    Residency.id,
                    Residency.unit_id,
                    Residency.relation,
                    Residency.until_on,
                    Customer.id,
                    Customer.name,
                    Customer.merged_into_id,
                )
                .join(Customer, Customer.id == Residency.customer_id)
                .where(Residency.unit_id.in_(some))
                .order_by(Residency.until_on.is_not(None), Residency.id)
            ):
                self.stays.setdefault((unit_id, who), []).append(Stay(stay_id, relation, until_on))
                self.at_home.setdefault((unit_id, name), self._survivor(who, survivor))
        numbers = sorted({phone for row in rows for phone in row.phones})
        for some_numbers in slices(numbers):
            for number, who, name, merged_into_id in db.session.execute(
                select(CustomerPhone.number, Customer.id, Customer.name, Customer.merged_into_id)
                .join(Customer, Customer.id == CustomerPhone.customer_id)
                .where(
                    CustomerPhone.number.in_(some_numbers),
                    customer_in_scope(self.scope),
                )
                .order_by(Customer.id)
            ):
                if merged_into_id is None:
                    self.by_phone.setdefault((number, name), who)
                    self.names_of_phone.setdefault(number, set()).add(name)
        known = sorted({*self.at_home.values(), *self.by_phone.values()})
        for some in slices(known):
            for who, number in db.session.execute(
                select(CustomerPhone.customer_id, CustomerPhone.number).where(
                    CustomerPhone.customer_id.in_(some)
                )
            ):
                self.numbers.setdefault(who, set()).add(number)
            self.note_of.update(
                (who, note)
                for who, note in db.session.execute(
                    select(Customer.id, Customer.note).where(Customer.id.in_(some))
                )
            )

    def _survivor(self, who: int, merged_into: int | None) -> int:
        while merged_into is not None:
            who = merged_into
            merged_into = db.session.scalar(
                select(Customer.merged_into_id).where(Customer.id == who)
            )
        return who

    def _home(self, row: Row) -> int:
        """The unit of a row, planned anew if unknown; 0 after a fault."""
        key = (row.community_id, row.label)
        found = self.homes.get(key)
        if found is not None and len(found) > 1:
            self.reader.fault(row.number, "room", "系统里有几套房号写法相同的房，请联系管理员。")
            return 0
        if not row.label:
            self.reader.fault(row.number, "room", "不像房号。")
            return 0
        if not self._dates_agree(row, key):
            return 0
        if found is None:
            return self._new_home(row, key)
        unit_id, known = found[0]
        told = row.dates
        new = {name: value for name, value in told.items() if value != getattr(known, name)}
        if not new:
            return unit_id
        if unit_id < 0:
            self.plan_.units[-unit_id - 1].update(new)
        else:
            self.plan_.dates.setdefault(unit_id, {}).update(new)
        now = Dates(**{**known._asdict(), **new})
        self.homes[key] = [(unit_id, now)]
        self._check(row, now)
        return unit_id

    def _check(self, row: Row, now: Dates) -> None:
        """Note what does not go together once the row is added to what is known of its home."""
        if now.deemed_delivered and not now.delivered_on:
            self.reader.fault(row.number, "deemed", "请在同一行填写合同约定的交付日期。")
        elif now.delivered_on and now.moved_in_on and now.moved_in_on < now.delivered_on:
            self.reader.fault(
                row.number,
                "moved_in_on" if row.moved_in_on else "delivered_on",
                f"入住日期 {now.moved_in_on} 早于交付日期 {now.delivered_on}（含系统里已有的日期）。",
            )

    def _dates_agree(self, row: Row, key: tuple[int, str]) -> bool:
        """Whether the rows of one home say the same of its dates; a second, different word is a fault."""
        told = self.row_of_home.setdefault(key, {})
        agree = True
        for name, value in row.dates.items():
            number, earlier = told.setdefault(name, (row.number, value))
            if earlier != value:
                column = "deemed" if name == "deemed_delivered" else name
                what = "“视为交付”" if column == "deemed" else "日期"
                sentence = f"与第 {number} 行同一套房的{what}不一致。"
                self.reader.fault(row.number, column, sentence)
                agree = False
        return agree

    def _new_home(self, row: Row, key: tuple[int, str]) -> int:
        plan = self.plan_
        place = (row.community_id, bare(row.building))
        known = self.buildings.get(place)
        if known is None:
            plan.buildings.append(
                {
                    "community_id": row.community_id,
                    "name": row.building,
                    "delivered_on": None if row.deemed else row.delivered_on,
                }
            )
            known = self.buildings[place] = (-len(plan.buildings), row.building)
        now = Dates(row.delivered_on, bool(row.deemed), row.moved_in_on)
        plan.units.append(
            {
                "community_id": row.community_id,
                "building_id": known[0],
                "stair": row.stair,
                "room": row.room,
                "label": row.label,
                **now._asdict(),
                "version": 1,
            }
        )
        unit_id = -len(plan.units)
        self.homes[key] = [(unit_id, now)]
        self._check(row, now)
        return unit_id

    def _person(self, row: Row, unit_id: int) -> None:
        """Match or plan the customer of a row, his phones, his note and his stay."""
        earlier = self.row_of_person.setdefault((unit_id, row.name), row.number)
        if earlier != row.number:
            self.reader.fault(
                row.number, "name", f"与第 {earlier} 行重复（同一套房同一姓名），请合并为一行。"
            )
            return
        who = self.at_home.get((unit_id, row.name)) or next(
            (known for phone in row.phones if (known := self.by_phone.get((phone, row.name)))),
            0,
        )
        plan = self.plan_
        if not who:
            plan.customers.append(
                {
                    "name": row.name,
                    "initials": "",
                    "note": row.note,
                    "version": 1,
                }
            )
            who = -len(plan.customers)
            self._warn_of_twins(row)
        elif row.note and row.note != self.note_of.get(who, ""):
            plan.notes[who] = row.note
            self._changed(who)
        self.note_of[who] = row.note or self.note_of.get(who, "")
        self.at_home[unit_id, row.name] = who
        self._add_phones(row, who)
        self._settle(row, unit_id, who)

    def _changed(self, who: int) -> None:
        if who > 0:
            self.plan_.changed_customers.add(who)

    def _warn_of_twins(self, row: Row) -> None:
        for phone in row.phones:
            others = self.names_of_phone.get(phone, set()) - {row.name}
            if others:
                self.plan_.notices.append(
                    f"第 {row.number} 行：{row.name}的电话 {phone} 已登记在"
                    f"{'、'.join(sorted(others))}名下，将作为另一位客户新增。"
                )

    def _add_phones(self, row: Row, who: int) -> None:
        held = self.numbers.setdefault(who, set())
        for phone in row.phones:
            if phone not in held:
                held.add(phone)
                self.plan_.phones.append({"customer_id": who, "number": phone, "label": ""})
                self._changed(who)
            self.by_phone.setdefault((phone, row.name), who)
            self.names_of_phone.setdefault(phone, set()).add(row.name)
        if len(held) > MOST_PHONES:
            self.reader.fault(
                row.number, "phones", f"连同已有的号码共 {len(held)} 个，最多 {MOST_PHONES} 个。"
            )

    def _settle(self, row: Row, unit_id: int, who: int) -> None:
        plan = self.plan_
        stays = self.stays.setdefault((unit_id, who), [])
        present = [stay for stay in stays if stay.until_on is None]
        same = [stay for stay in stays if row.relation in (None, stay.relation)]
        if present and (row.relation is None or any(stay in same for stay in present)):
            return
        self._touch(unit_id)
        if same:
            stay = same[0]
            plan.notices.append(
                f"第 {row.number} 行：{row.name}已于 {stay.until_on} 迁出，将恢复为住户。"
            )
            plan.changed_stays[stay.id] = {"relation": stay.relation, "until_on": None}
            stay.until_on = None
        elif len(present) == 1 and row.relation is not None and present[0].id:
            plan.changed_stays[present[0].id] = {"relation": row.relation, "until_on": None}
            present[0].relation = row.relation
        else:
            relation = row.relation or Relation.OWNER
            plan.stays.append({"unit_id": unit_id, "customer_id": who, "relation": relation})
            stays.append(Stay(0, relation, None))

    def _touch(self, unit_id: int) -> None:
        if unit_id > 0:
            self.plan_.touched_units.add(unit_id)

    def _homes_of(self, customer_ids: set[int]) -> set[int]:
        """Every home of changed customers: their lookup words change with them."""
        found: set[int] = set()
        for some in slices(sorted(customer_ids)):
            found.update(
                db.session.scalars(select(Residency.unit_id).where(Residency.customer_id.in_(some)))
            )
        return found
