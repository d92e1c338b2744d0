"""Merging a customer who was written down twice (procedure 3.7.1)."""

from sqlalchemy import select

from ticketing.journal.commands import Actor, record
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import Conflict, Invalid, NotPermitted
from ticketing.kernel.text import clean
from ticketing.masters.estate.lookup import reindex
from ticketing.masters.estate.models import Customer, CustomerPhone, Residency, Unit
from ticketing.masters.people.scope import Scope


def merge_customers(
    twin: Customer, survivor: Customer, *, version: int, scope: Scope, reason: str, actor: Actor
) -> Customer:
    """Let `survivor` take over phones and units of `twin`, which stays as a pointer (3.7.1).

    Past tickets keep the customer they were written for; his page lists the twin's too.
    Raises Invalid, Conflict (`version` is the twin's as the person saw it), NotPermitted (a unit of
    either lies outside `scope`).
    """
    if twin.id == survivor.id:
        raise Invalid("不能把客户并入其自身。")
    if twin.merged_into_id is not None or survivor.merged_into_id is not None:
        raise Conflict("其中一位客户已经合并过。")
    if version != twin.version:
        raise Conflict("客户资料刚被他人修改，请核对后再合并。", seen=version)
    unit_ids = {stay.unit_id for stay in (*twin.residencies, *survivor.residencies)}
    homes = db.session.scalars(select(Unit).where(Unit.id.in_(unit_ids))).all()
    if not all(scope.reaches_community(home.community_id) for home in homes):
        raise NotPermitted("其中一位客户在您权限外的小区还有房产，请由客户服务部经理合并。")
    held = {phone.number for phone in survivor.phones}
    for phone in twin.phones:
        if phone.number not in held:
            db.session.add(
                CustomerPhone(customer_id=survivor.id, number=phone.number, label=phone.label)
            )
    stays = {(stay.unit_id, stay.relation) for stay in survivor.residencies}
    for stay in twin.residencies:
        if (stay.unit_id, stay.relation) not in stays:
            db.session.add(
                Residency(
                    unit_id=stay.unit_id,
                    customer_id=survivor.id,
                    relation=stay.relation,
                    since_on=stay.since_on,
                    until_on=stay.until_on,
                )
            )
        stay.until_on = stay.until_on or clock.today()
    twin.merged_into_id = survivor.id
    db.session.flush()
    for customer, role in ((twin, "merged_into"), (survivor, "took_over")):
        record(
            "customer",
            customer.id,
            role,
            actor=actor,
            at=clock.now(),
            version=customer.version,
            facts={"twin": twin.id, "survivor": survivor.id, "reason": clean(reason)},
        )
    reindex(unit_ids)
    return survivor
