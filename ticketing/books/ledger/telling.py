"""Who is told that something of the money waits for him: everybody who holds a role, once for each event."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from ticketing.casefile.notices.commands import Message, tell
from ticketing.casefile.notices.models import NoticeKind
from ticketing.kernel.db import db
from ticketing.masters.people.models import RoleGrant, User
from ticketing.procedure.vocabulary import Role


def holders(*roles: Role) -> tuple[int, ...]:
    """The active people who hold one of the roles in force."""
    return tuple(
        db.session.scalars(
            select(User.id)
            .join(User.grants)
            .where(User.active, RoleGrant.in_force, RoleGrant.role.in_(roles))
            .distinct()
            .order_by(User.id)
        )
    )


def tell_role(role: Role, *, event: str, title: str, path: str, at: datetime) -> None:
    """Put a line into the inbox of everybody who holds the role; `event` tells each of them once."""
    tell([Message(holders(role), NoticeKind.MONEY, event, title, "", path)], at=at)


def tell_people(
    user_ids: Sequence[int], *, event: str, title: str, path: str, at: datetime
) -> None:
    """Put a line into the inboxes of some people; `event` tells each of them once."""
    tell([Message(tuple(user_ids), NoticeKind.MONEY, event, title, "", path)], at=at)
