"""The first administrator of an empty database: a one-time code from the console, and his account."""

import secrets

from sqlalchemy import delete, select

from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import Conflict, Invalid
from ticketing.masters.people import queries
from ticketing.masters.people.commands import create_user
from ticketing.masters.people.models import SetupCode, User
from ticketing.procedure.vocabulary import Role


def offer_setup_code() -> str:
    """A fresh one-time code for the first administrator of an empty database; returns it once."""
    code = secrets.token_hex(8)
    db.session.execute(delete(SetupCode).where(SetupCode.used_at.is_(None)))
    db.session.add(SetupCode(code_hash=queries.token_hash(code), used_at=None))
    db.session.flush()
    return code


def set_up(*, code: str, username: str, name: str, password: str) -> User:
    """Make the first administrator with the one-time code. Raises Invalid, Conflict, once for good."""
    if queries.any_user():
        raise Conflict("系统已经初始化，本页已永久关闭。")
    row = db.session.scalars(
        select(SetupCode).where(
            SetupCode.code_hash == queries.token_hash(code.strip()), SetupCode.used_at.is_(None)
        )
    ).one_or_none()
    if row is None:
        raise Invalid("初始化代码不正确。", field="code")
    row.used_at = clock.now()
    return create_user(
        username=username, name=name, password=password, roles=[Role.ADMIN], actor=None
    )
