"""Acts on the estate: make and change communities, units and customers."""

from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm.attributes import flag_modified

from ticketing.journal.commands import Actor, record
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import Conflict, Invalid
from ticketing.kernel.text import clean, clean_line, looks_like_phone, phone_digits
from ticketing.masters.estate.lookup import reindex
from ticketing.masters.estate.models import (
    Building,
    Community,
    Customer,
    CustomerPhone,
    Residency,
    ServiceOffice,
    Unit,
)
from ticketing.masters.estate.words import initials, room_label
from ticketing.procedure.vocabulary import Relation

MOST_PHONES = 10


def save_office(
    office: ServiceOffice | None,
    *,
    code: str,
    name: str,
    version: int | None = None,
    actor: Actor | None,
) -> ServiceOffice:
    """Make or change a service office; `version` is the one its editor saw. Raises Conflict."""
    _as_seen(office, version)
    code, name = clean_line(code).upper(), clean_line(name)
    twin = db.session.scalars(
        select(ServiceOffice).where((ServiceOffice.code == code) | (ServiceOffice.name == name))
    ).first()
    if twin is not None and twin is not office:
        raise Conflict("已有同名或同代号的客户服务处。", field="name")
    if office is None:
        office = ServiceOffice()
        db.session.add(office)
    elif office.code != code:
        raise Invalid("客户服务处代号已用于报表，不能更改。", field="code")
    office.code, office.name = code, name
    db.session.flush()
    record(
        "service_office",
        office.id,
        "save",
        actor=actor,
        at=clock.now(),
        facts={"code": code, "name": name},
    )
    return office


def save_community(
    community: Community | None,
    *,
    code: str,
    name: str,
    office_id: int,
    delivered_on: date | None,
    handed_over_on: date | None = None,
    address: str = "",
    property_contact: str = "",
    property_phone: str = "",
    version: int | None = None,
    actor: Actor | None,
) -> Community:
    """Make or change a community; its code stays: it is in the numbers of its tickets.

    `version` is the one its editor saw. Raises Invalid, Conflict.
    """
    _as_seen(community, version)
    code, name = clean_line(code).upper(), clean_line(name)
    if not (2 <= len(code) <= 8 and code.isascii() and code.isalnum()):
        raise Invalid("代号用 2 至 8 位字母或数字。", field="code")
    twin = db.session.scalars(
        select(Community).where((Community.code == code) | (Community.name == name))
    ).first()
    if twin is not None and twin is not community:
        raise Conflict("已有同名或同代号的小区。", field="name")
    property_phone = phone_digits(property_phone)
    if property_phone and not looks_like_phone(property_phone):
        raise Invalid("电话号码不像是真的，请核对。", field="property_phone")
    was, office = community and community.office, db.session.get_one(ServiceOffice, office_id)
    if community is None:
        community = Community()
        db.session.add(community)
    elif community.code != code:
        raise Invalid("小区代号已用于编号，不能更改。", field="code")
    values = {
        "code": code,
        "name": name,
        "office_id": office_id,
        "address": clean_line(address),
        "property_contact": clean_line(property_contact),
        "property_phone": property_phone,
    }
    for column, value in values.items():
        setattr(community, column, value)
    community.delivered_on, community.handed_over_on = delivered_on, handed_over_on
    db.session.flush()
    moved = {"moved": [was.name, office.name]} if was and was is not office else {}
    days = {"delivered_on": str(delivered_on or ""), "handed_over_on": str(handed_over_on or "")}
    facts = {**values, **days, **moved}
    record("community", community.id, "save", actor=actor, at=clock.now(), facts=facts)
    return community


def _as_seen(row: ServiceOffice | Community | Unit | None, version: int | None) -> None:
    """Refuse to write over what somebody else changed meanwhile. Raises Conflict."""
    if row is not None and version != row.version:
        raise Conflict("这份资料刚被他人修改，请核对最新内容后再保存。", seen=version)


def add_unit(
    community: Community,
    *,
    building: str,
    stair: str,
    room: str,
    delivered_on: date | None = None,
    deemed_delivered: bool = False,
    moved_in_on: date | None = None,
    actor: Actor | None,
) -> Unit:
    """Add one home, and its building when it is the first there. Raises Invalid, Conflict."""
    building, stair, room = clean_line(building), clean_line(stair), clean_line(room)
    if not building or not room:
        raise Invalid("请填写楼栋和房号。", field="room")
    _check_dates(delivered_on, deemed_delivered, moved_in_on)
    house = db.session.scalars(
        select(Building).where(Building.community_id == community.id, Building.name == building)
    ).one_or_none()
    if house is None:
        own = None if deemed_delivered else delivered_on
        house = Building(community_id=community.id, name=building, delivered_on=own)
        db.session.add(house)
        db.session.flush()
    taken = select(Unit.id).where(
        Unit.building_id == house.id, Unit.stair == stair, Unit.room == room
    )
    if db.session.scalar(taken) is not None:
        raise Conflict("这套房已经存在。", field="room")
    unit = Unit(
        community_id=community.id,
        building_id=house.id,
        stair=stair,
        room=room,
        label=room_label(building, stair, room),
        delivered_on=delivered_on,
        deemed_delivered=deemed_delivered,
        moved_in_on=moved_in_on,
    )
    db.session.add(unit)
    db.session.flush()
    record("unit", unit.id, "create", actor=actor, at=clock.now(), facts={"label": unit.label})
    reindex([unit.id])
    return unit


def date_unit(
    unit: Unit,
    *,
    version: int,
    delivered_on: date | None,
    deemed_delivered: bool,
    moved_in_on: date | None,
    actor: Actor,
) -> Unit:
    """Set when a home was delivered, whether that is the contract's deemed day, and when it was moved into.

    The warranty counts from the first, the occupancy by the last (procedure 3.4.6, 3.7.5). Raises Invalid, Conflict (not
    the version its editor saw).
    """
    _as_seen(unit, version)
    _check_dates(delivered_on, deemed_delivered, moved_in_on)
    changed = {}
    for name, new in (
        ("delivered_on", delivered_on),
        ("deemed_delivered", deemed_delivered),
        ("moved_in_on", moved_in_on),
    ):
        old = getattr(unit, name)
        if old != new:
            changed[name] = [one if isinstance(one, bool) else str(one or "") for one in (old, new)]
            setattr(unit, name, new)
    if changed:
        record("unit", unit.id, "edit", actor=actor, at=clock.now(), facts={"changed": changed})
    return unit


def _check_dates(
    delivered_on: date | None, deemed_delivered: bool, moved_in_on: date | None
) -> None:
    if deemed_delivered and delivered_on is None:
        raise Invalid("标为视为交付时，请填写合同约定的交付日期。", field="delivered_on")
    if moved_in_on is not None and moved_in_on > clock.today():
        raise Invalid("入住日期不能晚于今天。", field="moved_in_on")
    if delivered_on is not None and moved_in_on is not None and moved_in_on < delivered_on:
        raise Invalid("入住日期不能早于交付日期。", field="moved_in_on")


def add_customer(
    *,
    name: str,
    phones: list[str],
    unit: Unit | None,
    relation: Relation = Relation.OWNER,
    since_on: date | None = None,
    note: str = "",
    actor: Actor | None,
) -> Customer:
    """Add a customer with his phones, living at `unit` if given (procedure 3.7.1). Raises Invalid."""
    name = clean_line(name)
    if not name:
        raise Invalid("请填写姓名。", field="name")
    customer = Customer(name=name, initials=initials(name), note=clean(note))
    db.session.add(customer)
    db.session.flush()
    _set_phones(customer, phones)
    if unit is not None:
        db.session.add(
            Residency(
                unit_id=unit.id, customer_id=customer.id, relation=relation, since_on=since_on
            )
        )
    db.session.flush()
    record(
        "customer",
        customer.id,
        "create",
        actor=actor,
        at=clock.now(),
        version=customer.version,
        facts={"name": name},
    )
    if unit is not None:
        reindex([unit.id])
    return customer


def edit_customer(
    customer: Customer, *, version: int, name: str, phones: list[str], note: str, actor: Actor
) -> Customer:
    """Change a customer's name, phones and note. Raises Invalid, Conflict."""
    if version != customer.version:
        raise Conflict("客户资料刚被他人修改，请核对后再保存。", seen=version)
    name = clean_line(name)
    if not name:
        raise Invalid("请填写姓名。", field="name")
    before = _facts(customer)
    customer.name, customer.initials, customer.note = name, initials(name), clean(note)
    if _set_phones(customer, phones):
        flag_modified(customer, "note")
    db.session.flush()
    after = _facts(customer)
    changed = {key: [before[key], after[key]] for key in after if before[key] != after[key]}
    if changed:
        record(
            "customer",
            customer.id,
            "edit",
            actor=actor,
            at=clock.now(),
            version=customer.version,
            facts={"changed": changed},
        )
        reindex([residency.unit_id for residency in customer.residencies])
    return customer


def settle_in(
    customer: Customer,
    unit: Unit,
    *,
    relation: Relation,
    since_on: date | None = None,
    actor: Actor | None,
) -> Residency:
    """Note that a customer belongs to a unit; an ended stay of the same kind is taken up again."""
    residency = db.session.scalars(
        select(Residency).where(
            Residency.customer_id == customer.id,
            Residency.unit_id == unit.id,
            Residency.relation == relation,
        )
    ).one_or_none()
    if residency is None:
        residency = Residency(customer_id=customer.id, unit_id=unit.id, relation=relation)
        db.session.add(residency)
    residency.since_on, residency.until_on = since_on or residency.since_on, None
    db.session.flush()
    record(
        "customer",
        customer.id,
        "settle_in",
        actor=actor,
        at=clock.now(),
        facts={"unit": unit.label, "unit_id": unit.id, "relation": relation.value},
    )
    reindex([unit.id])
    return residency


def move_out(residency: Residency, *, until_on: date, actor: Actor) -> None:
    """Note that a customer has left a unit; the stay remains as history. Raises Invalid, Conflict."""
    if residency.until_on is not None:
        raise Conflict("这位住户已经登记过迁出。")
    if until_on > clock.today():
        raise Invalid("迁出日期不能晚于今天。", field="until_on")
    if residency.since_on is not None and until_on < residency.since_on:
        raise Invalid("迁出日期不能早于住进日期。", field="until_on")
    residency.until_on = until_on
    db.session.flush()
    record(
        "customer",
        residency.customer_id,
        "move_out",
        actor=actor,
        at=clock.now(),
        facts={"unit_id": residency.unit_id, "until_on": until_on.isoformat()},
    )
    reindex([residency.unit_id])


def _set_phones(customer: Customer, phones: list[str]) -> bool:
    """Make the customer's numbers exactly `phones`; whether anything changed. Raises Invalid."""
    wanted = list(dict.fromkeys(phone_digits(phone) for phone in phones if phone.strip()))
    if len(wanted) > MOST_PHONES:
        raise Invalid(f"一位客户最多 {MOST_PHONES} 个电话。", field="phones")
    for number in wanted:
        if not looks_like_phone(number):
            raise Invalid(f"“{number}”不像电话号码。", field="phones")
    held = {phone.number: phone for phone in customer.phones}
    for number in wanted:
        if number not in held:
            customer.phones.append(CustomerPhone(number=number))
    gone = held.keys() - set(wanted)
    for number in gone:
        customer.phones.remove(held[number])
        db.session.delete(held[number])
    return bool(gone) or len(held) != len(wanted)


def _facts(customer: Customer) -> dict[str, Any]:
    return {
        "name": customer.name,
        "phones": sorted(phone.number for phone in customer.phones),
        "note": customer.note,
    }
