"""Deputies 代理: who signs in whose name, from when to when (trust: S10).

A deputy gives a signature of his principal's role and nothing more; he brings his principal's conflicts with him and
keeps his own, and nobody is the deputy of a deputy.
"""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from ticketing.journal.commands import record
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import Conflict, Invalid, NotFound, NotPermitted
from ticketing.kernel.text import clean
from ticketing.masters.people.models import Deputyship, RoleGrant, User
from ticketing.procedure.permissions import SIGNING_ROLES, Act, may, may_stand_in
from ticketing.procedure.vocabulary import Role

MOST_DAYS = 92
"""How long one naming may last: about a quarter; who is away longer names somebody again."""


class StandIn(NamedTuple):
    """A person who may sign today in the name of another."""

    deputy: User
    principal: User


def acts_for(user: User, role: Role) -> Sequence[User]:
    """The people in whose name `user` may give the signature of `role` today, in the order they named him."""
    ids = [one.principal_id for one in user.acting if one.role is role]
    if not ids:
        return ()
    found = {one.id: one for one in db.session.scalars(select(User).where(User.id.in_(ids)))}
    return [found[one] for one in ids]


def stand_ins(role: Role) -> list[StandIn]:
    """Everybody who may give the signature of `role` today in the name of a holder of it."""
    today = clock.today()
    rows = db.session.scalars(
        select(Deputyship)
        .join(RoleGrant, RoleGrant.user_id == Deputyship.principal_id)
        .where(
            RoleGrant.role == role,
            RoleGrant.in_force,
            Deputyship.revoked_at.is_(None),
            Deputyship.begins_on <= today,
            Deputyship.ends_on >= today,
        )
        .options(joinedload(Deputyship.deputy), joinedload(Deputyship.principal))
        .order_by(Deputyship.id)
    )
    return [
        StandIn(one.deputy, one.principal)
        for one in rows
        if one.deputy.active and one.principal.active and may_stand_in(one.deputy.roles, role)
    ]


def possible_deputies(principal: User) -> list[User]:
    """The people he may name: active, not himself, fit for one of his signatures at least."""
    signs = principal.roles & SIGNING_ROLES
    people = db.session.scalars(
        select(User)
        .where(User.active, User.id != principal.id)
        .options(joinedload(User.grants), joinedload(User.department))
        .order_by(User.department_id, User.name)
    ).unique()
    return [
        one
        for one in people
        if not one.is_same_person(principal)
        and any(may_stand_in(one.roles, role) for role in signs)
    ]


def concerning(user: User) -> Sequence[Deputyship]:
    """The deputyships a person gave or holds, the newest first."""
    return db.session.scalars(
        select(Deputyship)
        .where(or_(Deputyship.principal_id == user.id, Deputyship.deputy_id == user.id))
        .options(joinedload(Deputyship.deputy), joinedload(Deputyship.principal))
        .order_by(Deputyship.id.desc())
        .limit(50)
    ).all()


def own(principal: User, deputyship_id: int) -> Deputyship:
    """One he gave himself. Raises NotFound."""
    found = db.session.get(Deputyship, deputyship_id)
    if found is None or found.principal_id != principal.id:
        raise NotFound
    return found


def name_deputy(
    *, deputy_id: int, begins_on: date, ends_on: date, reason: str, actor: User
) -> Deputyship:
    """Name who signs in `actor`'s name for some days (trust: S10). Raises Invalid (at the field), NotPermitted, Conflict."""
    if not may(actor.roles, Act.NAME_DEPUTY):
        raise NotPermitted("您的岗位没有可以委托的审批。")
    today = clock.today()
    if begins_on < today:
        raise Invalid("开始日期不能早于今天。", field="begins_on")
    if ends_on < begins_on:
        raise Invalid("结束日期不能早于开始日期。", field="ends_on")
    if (ends_on - begins_on).days >= MOST_DAYS:
        raise Invalid(f"一次最多委托 {MOST_DAYS} 天。", field="ends_on")
    reason = clean(reason)
    if not reason:
        raise Invalid("请写明原因，例如出差、休假。", field="reason")
    db.session.execute(select(User.id).where(User.id == actor.id).with_for_update())
    if deputy_id not in {one.id for one in possible_deputies(actor)}:
        raise Invalid("这位同事不能代理您的岗位，请另选。", field="deputy_id")
    overlapping = select(Deputyship.id).where(
        Deputyship.principal_id == actor.id,
        Deputyship.revoked_at.is_(None),
        Deputyship.begins_on <= ends_on,
        Deputyship.ends_on >= begins_on,
    )
    if db.session.scalar(overlapping.limit(1)) is not None:
        raise Conflict("这段时间您已有代理人，请先撤销或改选日期。", field="begins_on")
    made = Deputyship(
        principal_id=actor.id,
        deputy_id=deputy_id,
        begins_on=begins_on,
        ends_on=ends_on,
        reason=reason,
        named_at=clock.now(),
    )
    db.session.add(made)
    db.session.flush()
    facts = {
        "deputy": made.deputy.name,
        "begins_on": begins_on.isoformat(),
        "ends_on": ends_on.isoformat(),
        "reason": reason,
    }
    record("deputyship", made.id, Act.NAME_DEPUTY.value, actor=actor, at=made.named_at, facts=facts)
    return made


def revoke(deputyship: Deputyship, *, actor: User) -> Deputyship:
    """The principal takes it back at once. Raises NotPermitted, Conflict (over, or taken back already)."""
    if deputyship.principal_id != actor.id:
        raise NotPermitted("只能撤销自己的委托。")
    db.session.refresh(deputyship, with_for_update={"of": Deputyship})
    if deputyship.revoked_at is not None or deputyship.ends_on < clock.today():
        raise Conflict("这项委托已经结束。")
    deputyship.revoked_at = clock.now()
    db.session.flush()
    record(
        "deputyship",
        deputyship.id,
        "revoke_deputy",
        actor=actor,
        at=deputyship.revoked_at,
        facts={"deputy": deputyship.deputy.name},
    )
    return deputyship
