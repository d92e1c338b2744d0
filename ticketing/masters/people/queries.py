"""Reading people: departments for a select box, users for a page, who is signed in."""

import hashlib
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Text, bindparam, func, select
from sqlalchemy.orm import aliased, joinedload, load_only, selectinload

from ticketing.journal.queries import stories
from ticketing.kernel import clock
from ticketing.kernel.db import UtcDateTime, db
from ticketing.kernel.errors import NotFound
from ticketing.masters.people.models import (
    ActingFor,
    Department,
    Deputyship,
    Posting,
    RoleGrant,
    SignIn,
    SignInAttempt,
    User,
    employee_number,
)
from ticketing.masters.workcalendar import queries as workcalendar
from ticketing.procedure.permissions import Act, may
from ticketing.procedure.vocabulary import Role
from ticketing.procedure.workflow import HANDLERS

WINDOW = timedelta(minutes=15)
TRIES_PER_NAME = 5
TRIES_PER_ADDRESS = 50


SIGNER = load_only(User.name, User.employee_number)
"""What a paper shows of those who signed or wrote on it."""


def token_hash(token: str) -> str:
    """What is stored instead of a secret token."""
    return hashlib.sha256(token.encode()).hexdigest()


_PRINCIPAL = aliased(User)
_SIGNED_IN = (
    select(
        User,
        select(func.aggregate_strings(RoleGrant.role.cast(Text), ","))
        .where(RoleGrant.user_id == User.id, RoleGrant.in_force)
        .scalar_subquery(),
        select(func.aggregate_strings(Posting.community_id.cast(Text), ","))
        .where(Posting.user_id == User.id)
        .scalar_subquery(),
        select(
            func.aggregate_strings(_PRINCIPAL.id.cast(Text) + ":" + RoleGrant.role.cast(Text), ",")
        )
        .select_from(Deputyship)
        .join(_PRINCIPAL, _PRINCIPAL.id == Deputyship.principal_id)
        .join(RoleGrant, RoleGrant.user_id == _PRINCIPAL.id)
        .where(
            Deputyship.deputy_id == User.id,
            Deputyship.revoked_at.is_(None),
            Deputyship.begins_on <= bindparam("today"),
            Deputyship.ends_on >= bindparam("today"),
            RoleGrant.in_force,
            _PRINCIPAL.active,
        )
        .correlate(User)
        .scalar_subquery(),
        workcalendar.NEWEST_MARK,
    )
    .join(SignIn, SignIn.user_id == User.id)
    .where(
        SignIn.token_hash == bindparam("token_hash"),
        SignIn.revoked_at.is_(None),
        SignIn.ends_at > bindparam("at", type_=UtcDateTime()),
        User.active,
    )
)
"""Asked at every request, so one statement, built once: person, roles in force, communities, whose deputy
he is, and whether the calendar is still the one in memory.

Loading grants and postings as rows of their own made this check two thirds of an empty page's time.
"""


def signed_in(token: str, at: datetime) -> User | None:
    """The active user whose session token this is, with roles and communities; None when it ended."""
    found = db.session.execute(
        _SIGNED_IN,
        {"token_hash": token_hash(token), "at": at, "today": clock.local(at).date()},
    ).one_or_none()
    if found is None:
        return None
    workcalendar.told(found[4])
    user: User = found[0]
    user.__dict__["roles"] = frozenset(map(Role, filter(None, (found[1] or "").split(","))))
    user.__dict__["posts"] = frozenset(map(int, filter(None, (found[2] or "").split(","))))
    pairs = [pair.split(":") for pair in filter(None, (found[3] or "").split(","))]
    user.__dict__["told_acting"] = tuple(
        ActingFor(int(principal), Role(role)) for principal, role in sorted(pairs)
    )
    return user


def must_wait(username: str, address: str) -> bool:
    """Whether too many failed tries stand against this account or address in the last 15 minutes."""
    since = clock.now() - WINDOW
    failed = select(func.count()).where(
        SignInAttempt.tried_at > since, SignInAttempt.succeeded.is_(False)
    )
    by_name = db.session.scalar(failed.where(SignInAttempt.username == username)) or 0
    by_address = db.session.scalar(failed.where(SignInAttempt.address == address)) or 0
    return by_name >= TRIES_PER_NAME or by_address >= TRIES_PER_ADDRESS


def user_by_name(username: str) -> User | None:
    """The account with this sign-in name, whatever its state."""
    return db.session.scalars(select(User).where(User.username == username)).one_or_none()


def any_user() -> bool:
    """Whether the database has any account yet."""
    return db.session.scalar(select(User.id).limit(1)) is not None


def users() -> list[User]:
    """All accounts with department, roles and communities, by department and name."""
    return list(
        db.session.scalars(
            select(User)
            .outerjoin(Department, Department.id == User.department_id)
            .options(
                joinedload(User.department),
                selectinload(User.grants),
                selectinload(User.postings),
            )
            .order_by(User.active.desc(), Department.id, User.name)
        ).unique()
    )


def user(user_id: int) -> User:
    """One account. Raises NotFound."""
    found = db.session.get(User, user_id, options=[joinedload(User.department)])
    if found is None:
        raise NotFound
    return found


def live_sign_ins(user_id: int) -> list[SignIn]:
    """The sessions of one person that are still open, newest first."""
    return list(
        db.session.scalars(
            select(SignIn)
            .where(
                SignIn.user_id == user_id,
                SignIn.revoked_at.is_(None),
                SignIn.ends_at > clock.now(),
            )
            .order_by(SignIn.id.desc())
        )
    )


def departments() -> list[Department]:
    """The active departments in order, each with its designated handler."""
    return list(
        db.session.scalars(select(Department).where(Department.active).order_by(Department.id))
    )


def department(department_id: int) -> Department:
    """One department. Raises NotFound."""
    found = db.session.get(Department, department_id)
    if found is None:
        raise NotFound
    return found


def possible_handlers() -> list[User]:
    """Active people who can be named responsible for a ticket, by department and name."""
    return list(
        db.session.scalars(
            select(User)
            .join(User.grants)
            .where(
                User.active,
                User.department_id.is_not(None),
                RoleGrant.in_force,
                RoleGrant.role.in_(sorted(HANDLERS, key=lambda role: role.value)),
            )
            .order_by(User.department_id, User.name)
        ).unique()
    )


def others_confirm(user_id: int) -> bool:
    """Whether any other active account may confirm a granted role."""
    roles = [role for role in Role if may([role], Act.CONFIRM_ROLE)]
    found = (
        select(RoleGrant.id)
        .join(RoleGrant.user)
        .where(User.id != user_id, User.active, RoleGrant.in_force, RoleGrant.role.in_(roles))
        .limit(1)
    )
    return db.session.scalar(found) is not None


def employee_numbers(user_ids: Collection[int]) -> dict[int, list[str]]:
    """The employee numbers of some accounts: of each the present one first, then those it had before."""
    if not user_ids:
        return {}
    asked = select(User.id, User.employee_number).where(User.id.in_(user_ids))
    had = {user_id: [number] for user_id, number in db.session.execute(asked)}
    for line in stories("user", had, "edit"):
        numbers = map(employee_number, line.facts.get("employee_number", ()))
        had[line.entry.subject_id] += numbers
    return {one: [n for n in dict.fromkeys(numbers) if n] for one, numbers in had.items()}


def pending_grants() -> list[RoleGrant]:
    """Granted business roles that wait for a second person, oldest first."""
    return list(
        db.session.scalars(
            select(RoleGrant)
            .where(RoleGrant.in_force.is_(False))
            .options(selectinload(RoleGrant.user), joinedload(RoleGrant.granted_by))
            .order_by(RoleGrant.id)
        )
    )
