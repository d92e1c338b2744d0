"""Acts on people: accounts, roles, sign-in and out. All are journalled."""

import secrets
import string
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, delete, update
from sqlalchemy.orm.attributes import flag_modified
from werkzeug.security import check_password_hash, generate_password_hash

from ticketing.journal.commands import record
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import Conflict, Invalid, NotPermitted
from ticketing.kernel.submissions import Submission
from ticketing.kernel.text import clean_line, looks_like_mailbox, phone_digits
from ticketing.masters.people import queries
from ticketing.masters.people.models import (
    Posting,
    RoleGrant,
    SignIn,
    SignInAttempt,
    User,
)
from ticketing.procedure.permissions import BUSINESS_ROLES, TWO_PERSON_ROLES
from ticketing.procedure.vocabulary import Role

SESSION_LENGTH = timedelta(hours=12)
MIN_PASSWORD = 10
PASSWORD_METHOD = "scrypt"
_DUMMY_HASH = (
    "scrypt:32768:8:1$Zm9vYmFyYmF6cXV4$"
    "5f0f6e0c2f4f4a7f5d6a5d5e1b6f2a6a5c9f6b7e8d9c0a1b2c3d4e5f60718293"
    "a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293"
)
WRONG = "账号或密码不正确。"
WAIT = "尝试次数过多，请 15 分钟后再试。"


def password_is_right(user: User | None, password: str) -> bool:
    """Compare a password; takes as long for an unknown account as for a known one."""
    known = user is not None and user.active and bool(user.password_hash)
    right = check_password_hash(
        user.password_hash if user is not None and known else _DUMMY_HASH, password
    )
    return known and right


def sign_in(username: str, *, right: bool, address: str, browser: str) -> str:
    """Open a session for an account whose password was compared before; the token is returned.

    The attempt is recorded either way, so this must be committed even when it raises.
    Raises Invalid (wrong or throttled).
    """
    at = clock.now()
    waiting = queries.must_wait(username, address)
    ok = right and not waiting
    db.session.add(SignInAttempt(username=username, address=address, tried_at=at, succeeded=ok))
    db.session.flush()
    if waiting:
        raise Invalid(WAIT)
    user = queries.user_by_name(username)
    if not ok or user is None:
        raise Invalid(WRONG)
    token = secrets.token_urlsafe(32)
    db.session.add(
        SignIn(
            token_hash=queries.token_hash(token),
            user_id=user.id,
            began_at=at,
            ends_at=at + SESSION_LENGTH,
            address=address,
            browser=clean_line(browser)[:200],
        )
    )
    record("user", user.id, "sign_in", actor=user, at=at)
    return token


def sign_out(token: str) -> None:
    """End the session this token belongs to; a copied cookie is worthless afterwards."""
    db.session.execute(
        update(SignIn)
        .where(SignIn.token_hash == queries.token_hash(token), SignIn.revoked_at.is_(None))
        .values(revoked_at=clock.now())
    )


def revoke_sign_ins(user: User, *, actor: User | None) -> None:
    """End every open session of `user`."""
    at = clock.now()
    db.session.execute(
        update(SignIn)
        .where(SignIn.user_id == user.id, SignIn.revoked_at.is_(None))
        .values(revoked_at=at)
    )
    record("user", user.id, "revoke_sign_ins", actor=actor, at=at)


def set_password(user: User, password: str, *, actor: User | None) -> None:
    """Give `user` a new password and end his sessions. Raises Invalid (too short or too plain)."""
    if len(password) < MIN_PASSWORD:
        raise Invalid(f"密码至少 {MIN_PASSWORD} 位。", field="password")
    if (
        password.lower() in {user.username.lower(), user.username.lower() * 2}
        or len(set(password)) < 4
    ):
        raise Invalid("密码过于简单，请换一个。", field="password")
    user.password_hash = generate_password_hash(password, method=PASSWORD_METHOD)
    user.password_is_one_time = False
    db.session.flush()
    record("user", user.id, "set_password", actor=actor, at=clock.now())
    revoke_sign_ins(user, actor=actor)


def give_password(user: User, *, password: str, actor: User) -> None:
    """Give `user` a one-time password: he must change it before he can do anything else.

    Who gave it, and when, is shown to him. Raises Invalid.
    """
    set_password(user, password, actor=actor)
    user.password_is_one_time = True
    user.password_given_by_id, user.password_given_at = actor.id, clock.now()
    db.session.flush()
    record("user", user.id, "give_password", actor=actor, at=clock.now())


def change_own_password(user: User, *, current: str, password: str, actor: User) -> None:
    """A person changes his own password. Raises Invalid."""
    if not password_is_right(user, current):
        raise Invalid("当前密码不正确。", field="current")
    if user.password_is_one_time and password == current:
        raise Invalid("新密码不能与一次性密码相同。", field="password")
    set_password(user, password, actor=actor)


def create_user(
    *,
    username: str,
    name: str,
    password: str,
    employee_number: str = "",
    phone: str = "",
    email: str = "",
    department_id: int | None = None,
    everywhere: bool = False,
    community_ids: list[int] | None = None,
    roles: list[Role] | None = None,
    actor: User | None,
) -> User:
    """Open an account with its owner's own password. Business roles wait for a second person.

    Raises Invalid, Conflict.
    """
    username = clean_line(username).lower()
    if not username or any(
        c not in string.ascii_lowercase + string.digits + "._-" for c in username
    ):
        raise Invalid("账号只能用小写字母、数字和 . _ - 。", field="username")
    if queries.user_by_name(username):
        raise Conflict("这个账号已经有人使用。", field="username")
    user = User(username=username, name=clean_line(name))
    db.session.add(user)
    _place(
        user,
        name=name,
        employee_number=employee_number,
        phone=phone,
        email=email,
        department_id=department_id,
        everywhere=everywhere,
        community_ids=community_ids or [],
    )
    db.session.flush()
    record(
        "user",
        user.id,
        "create",
        actor=actor,
        at=clock.now(),
        facts={"username": username, "name": user.name},
    )
    set_password(user, password, actor=actor)
    set_roles(user, roles=roles or [], actor=actor)
    return user


def open_account(*, password: str, actor: User, **facts: Any) -> User:
    """Open an account for somebody else: the password given with it is one-time. Raises as above."""
    user = create_user(password=password, actor=actor, **facts)
    give_password(user, password=password, actor=actor)
    return user


def edit_user(
    user: User,
    *,
    version: int,
    name: str,
    employee_number: str,
    phone: str,
    email: str,
    department_id: int | None,
    everywhere: bool,
    community_ids: list[int],
    roles: list[Role],
    active: bool,
    actor: User,
) -> None:
    """Change an account; disabling it ends its sessions. Raises Invalid, NotPermitted, Conflict.

    By the employee number the rules of duty know one person with several accounts: where it changes, the roles of the
    account wait for a second person again (trust: S11).
    """
    if version != user.version:
        raise Conflict("这个账号刚被他人修改，请核对最新内容后再保存。", seen=version)
    if user.id == actor.id and not active:
        raise NotPermitted("不能停用自己的账号。")
    before = _facts(user)
    _place(
        user,
        name=name,
        employee_number=employee_number,
        phone=phone,
        email=email,
        department_id=department_id,
        everywhere=everywhere,
        community_ids=community_ids,
    )
    was_active, user.active = user.active, active
    flag_modified(user, "name")
    db.session.flush()
    after = _facts(user)
    changed = {key: [before[key], after[key]] for key in after if before[key] != after[key]}
    if changed:
        record("user", user.id, "edit", actor=actor, at=clock.now(), facts=changed)
    set_roles(user, roles=roles, actor=actor)
    if "employee_number" in changed:
        _put_back(user, actor=actor)
    if was_active and not active:
        revoke_sign_ins(user, actor=actor)


def _place(
    user: User,
    *,
    name: str,
    employee_number: str,
    phone: str,
    email: str,
    department_id: int | None,
    everywhere: bool,
    community_ids: list[int],
) -> None:
    user.name = clean_line(name)
    if not user.name:
        raise Invalid("请填写姓名。", field="name")
    user.employee_number = employee_number
    user.phone = phone_digits(phone)
    user.email = _mailbox(email)
    user.department_id = department_id
    user.everywhere = everywhere
    held = {posting.community_id: posting for posting in user.postings}
    for community_id in set(community_ids) - held.keys():
        user.postings.append(Posting(community_id=community_id))
    for community_id in held.keys() - set(community_ids):
        user.postings.remove(held[community_id])
        db.session.delete(held[community_id])
    user.__dict__.pop("posts", None)


def _mailbox(email: str) -> str:
    """A mailbox as it may be stored, or nothing. Raises Invalid."""
    email = clean_line(email)
    if email and not looks_like_mailbox(email):
        raise Invalid("邮箱不正确，请填写一个完整的邮箱地址。", field="email")
    return email


def set_email(user: User, email: str, *, actor: User) -> None:
    """Change where a person's e-mail goes. Raises Invalid."""
    before, user.email = user.email, _mailbox(email)
    if user.email != before:
        db.session.flush()
        facts = {"email": [before, user.email]}
        record("user", user.id, "edit", actor=actor, at=clock.now(), facts=facts)


def _facts(user: User) -> dict[str, Any]:
    return {
        "name": user.name,
        "employee_number": user.employee_number,
        "phone": user.phone,
        "email": user.email,
        "department_id": user.department_id,
        "everywhere": user.everywhere,
        "communities": sorted(posting.community_id for posting in user.postings),
        "active": user.active,
    }


def set_roles(user: User, *, roles: list[Role], actor: User | None) -> None:
    """Grant and take roles. Taking works at once; a business role waits for `confirm_role`.

    `actor` None is the console, which stands for the operator of the machine: its grants count at
    once. Raises NotPermitted when an administrator gives himself a business role.
    """
    at, wanted = clock.now(), set(roles)
    held = {grant.role: grant for grant in user.grants}
    for role in wanted - held.keys():
        business = role in BUSINESS_ROLES
        if actor is not None and business and user.is_same_person(actor):
            raise NotPermitted("不能给自己授予业务岗位。")
        in_force = actor is None or role not in TWO_PERSON_ROLES
        user.grants.append(
            RoleGrant(
                role=role,
                granted_by_id=actor.id if actor else None,
                granted_at=at,
                in_force=in_force,
            )
        )
        record(
            "user",
            user.id,
            "grant_role",
            actor=actor,
            at=at,
            facts={"role": role.value, "in_force": in_force},
        )
    for role in held.keys() - wanted:
        user.grants.remove(held[role])
        db.session.delete(held[role])
        record("user", user.id, "take_role", actor=actor, at=at, facts={"role": role.value})
    user.__dict__.pop("roles", None)
    db.session.flush()


def _put_back(user: User, *, actor: User) -> None:
    """Let the confirmed roles of an account wait for a second person again (trust: S11).

    The only account that may confirm roles stays administrator: nobody could let it in again.
    """
    at, alone = clock.now(), not queries.others_confirm(user.id)
    for grant in user.grants:
        kept = grant.role not in TWO_PERSON_ROLES or (alone and grant.role is Role.ADMIN)
        if kept or not grant.in_force:
            continue
        grant.in_force, grant.confirmed_by_id = False, None
        grant.granted_by_id, grant.granted_at = actor.id, at
        facts = {"role": grant.role.value}
        record("user", user.id, "put_back_role", actor=actor, at=at, facts=facts)
    user.__dict__.pop("roles", None)
    db.session.flush()


def confirm_role(grant: RoleGrant, *, actor: User) -> None:
    """The second person puts a granted business role in force. Raises NotPermitted, Conflict.

    Who shares, or once shared, an employee number with one of the two is no second person (trust: S11).
    """
    if grant.in_force:
        raise Conflict("这项授权已经确认过了。")
    parties = [grant.user, *([grant.granted_by] if grant.granted_by else [])]
    numbers = queries.employee_numbers([actor.id, *(party.id for party in parties)])
    own = set(numbers[actor.id])
    if any(party.id == actor.id or own & set(numbers[party.id]) for party in parties):
        raise NotPermitted("须由授权人和被授权人以外的第二人确认。")
    grant.confirmed_by_id = actor.id
    grant.in_force = True
    record(
        "user",
        grant.user_id,
        "confirm_role",
        actor=actor,
        at=clock.now(),
        facts={"role": grant.role.value},
    )
    grant.user.__dict__.pop("roles", None)
    db.session.flush()


def tidy(before: datetime) -> int:
    """Drop ended sessions, attempts and one-time form tokens from before `before`; rows dropped."""
    dropped = 0
    for statement in (
        delete(SignIn).where(SignIn.ends_at < before),
        delete(SignInAttempt).where(SignInAttempt.tried_at < before),
        delete(Submission).where(Submission.at < before),
    ):
        dropped += cast(CursorResult[Any], db.session.execute(statement)).rowcount
    return dropped
