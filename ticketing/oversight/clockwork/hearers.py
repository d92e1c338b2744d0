"""Who is told when a clock rings: the person who owes the step, his superior, the manager (domain 3)."""

from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import select

from ticketing.kernel.db import db
from ticketing.masters.estate.models import Community
from ticketing.masters.people.models import Department, Posting, RoleGrant, User
from ticketing.procedure.deadlines import DESK_CLOCKS, WHO_HEARS, ClockKind, Hearer, Level
from ticketing.procedure.vocabulary import Role

_ROLES = (Role.CLERK, Role.OFFICE, Role.CS_MANAGER, Role.DEPUTY_GM, Role.GENERAL_MANAGER)
_DESK: dict[ClockKind, tuple[Role, ...]] = {
    ClockKind.DISPATCHING: (Role.OFFICE,),
    ClockKind.ORDER_ISSUE: (Role.OFFICE,),
    ClockKind.CALLBACK: (Role.CLERK, Role.OFFICE),
    ClockKind.WEEKLY_REPORT: (Role.CLERK, Role.OFFICE),
}
"""Which roles of a community's desk owe a step nobody is named for."""

_COMPANY: dict[ClockKind, tuple[Role, ...]] = {
    ClockKind.ESCALATION: (Role.GENERAL_MANAGER, Role.DEPUTY_GM),
    ClockKind.CS_REVIEW: (Role.CS_MANAGER,),
    ClockKind.AUDIT: (Role.AUDITOR,),
    ClockKind.CONTRACTOR_CONFIRMATION: (Role.AUDITOR,),
    ClockKind.CERTIFICATION: (Role.DEPUTY_CHIEF_ENGINEER,),
    ClockKind.PAYMENT: (Role.FINANCE,),
}
"""Which roles of the whole company owe a step, whoever is named for it besides."""


class Owner(NamedTuple):
    """What a clock says of who owes it."""

    kind: ClockKind
    community_id: int | None
    office_id: int | None
    department_id: int | None
    handler_id: int | None


@dataclass
class Hearers:
    """The people who can be told, as they stand now; read once for a batch of clocks."""

    _by_role: dict[Role, list[tuple[int, bool]]] = field(default_factory=dict)
    _posts: dict[int, set[int]] = field(default_factory=dict)
    _heads: dict[int, int] = field(default_factory=dict)
    _offices: dict[int, set[int]] = field(default_factory=dict)

    @classmethod
    def read(cls) -> "Hearers":
        """Read roles, postings, heads and offices."""
        found = cls()
        granted = (
            select(RoleGrant.role, User.id, User.everywhere)
            .join(User, User.id == RoleGrant.user_id)
            .where(User.active, RoleGrant.in_force, RoleGrant.role.in_(_ROLES))
            .order_by(User.id)
        )
        for role, user_id, everywhere in db.session.execute(granted):
            found._by_role.setdefault(role, []).append((user_id, everywhere))
        for user_id, community_id in db.session.execute(
            select(Posting.user_id, Posting.community_id)
        ):
            found._posts.setdefault(user_id, set()).add(community_id)
        heads = (
            select(Department.id, Department.head_id)
            .join(User, User.id == Department.head_id)
            .where(User.active)
        )
        for department_id, head_id in db.session.execute(heads):
            found._heads[department_id] = int(head_id or 0)
        for office_id, community_id in db.session.execute(
            select(Community.office_id, Community.id)
        ):
            found._offices.setdefault(office_id, set()).add(community_id)
        return found

    def of(self, owner: Owner, level: Level) -> tuple[int, ...]:
        """Whom `level` of this clock tells: user ids, each once, in the order of `WHO_HEARS`."""
        told: list[int] = []
        for hearer in WHO_HEARS[level]:
            told += self._hearers(hearer, owner)
        return tuple(dict.fromkeys(told))

    def _hearers(self, hearer: Hearer, owner: Owner) -> list[int]:
        if hearer is Hearer.MANAGER:
            return self._everyone(Role.CS_MANAGER)
        if hearer is Hearer.HOLDER:
            return self._holders(owner)
        return self._superiors(owner)

    def _holders(self, owner: Owner) -> list[int]:
        if owner.kind is ClockKind.EMERGENCY_APPROVAL:
            return self._everyone(Role.CS_MANAGER)
        named = [owner.handler_id] if owner.handler_id is not None else []
        if owner.kind in _COMPANY:
            return named + [one for role in _COMPANY[owner.kind] for one in self._everyone(role)]
        if named and owner.kind is not ClockKind.EMERGENCY:
            return named
        return named + self._desk(owner, _DESK.get(owner.kind, (Role.OFFICE,)))

    def _superiors(self, owner: Owner) -> list[int]:
        if owner.kind is ClockKind.EMERGENCY_APPROVAL:
            return self._everyone(Role.DEPUTY_GM)
        by_desk = owner.kind in DESK_CLOCKS or owner.handler_id is None
        if by_desk or owner.kind in _COMPANY:
            return self._everyone(Role.CS_MANAGER)
        head = self._heads.get(owner.department_id or 0)
        if head and head != owner.handler_id:
            return [head]
        return self._desk(owner, (Role.OFFICE,))

    def _desk(self, owner: Owner, roles: tuple[Role, ...]) -> list[int]:
        """Those of the desk who work for the clock's community, or for every one of its office's."""
        if owner.community_id is not None:
            places = {owner.community_id}
        else:
            places = self._offices.get(owner.office_id or 0, set())
        return [
            user_id
            for role in roles
            for user_id, everywhere in self._by_role.get(role, [])
            if everywhere or (places and places <= self._posts.get(user_id, set()))
        ]

    def _everyone(self, role: Role) -> list[int]:
        return [user_id for user_id, _ in self._by_role.get(role, [])]
