"""Rows of people: departments, users with roles and communities, sessions, sign-in attempts."""

from __future__ import annotations

from datetime import date, datetime
from functools import cached_property
from typing import NamedTuple

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from ticketing.kernel import clock
from ticketing.kernel.db import Base, Id
from ticketing.kernel.text import clean_line, fold
from ticketing.procedure.permissions import may_stand_in
from ticketing.procedure.vocabulary import Role


def employee_number(typed: str) -> str:
    """An employee number as it is stored and compared, however it was typed: narrow, without blanks, in capitals."""
    return fold(clean_line(typed)).replace(" ", "").upper()


class ActingFor(NamedTuple):
    """A role whose signature somebody may give today as the deputy of one who holds it."""

    principal_id: int
    role: Role


class Department(Base):
    """A body of the company; complaints go to its designated handler (procedure 2, 3.4.2.1).

    Its head hears of what its people do not do in time.
    """

    __tablename__ = "department"

    id: Mapped[Id]
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(unique=True)
    aliases: Mapped[str] = mapped_column(default="")
    handler_id: Mapped[int | None] = mapped_column(
        ForeignKey("user_account.id", use_alter=True), index=True
    )
    head_id: Mapped[int | None] = mapped_column(
        ForeignKey("user_account.id", use_alter=True), index=True
    )
    active: Mapped[bool] = mapped_column(default=True)

    handler: Mapped[User | None] = relationship(
        foreign_keys=[handler_id], lazy="joined", innerjoin=False
    )
    members: Mapped[list[User]] = relationship(
        back_populates="department", foreign_keys="User.department_id", order_by="User.name"
    )


class User(Base):
    """A person who signs in. `employee_number` ties several accounts of one person together.

    A password given by somebody else is one-time: nothing but changing it is possible with it. Who
    gave the last one and when stays on the account for its owner to see.
    """

    __tablename__ = "user_account"

    id: Mapped[Id]
    username: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    employee_number: Mapped[str] = mapped_column(default="")
    phone: Mapped[str] = mapped_column(default="")
    email: Mapped[str] = mapped_column(default="")
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"), index=True)
    everywhere: Mapped[bool] = mapped_column(default=False)
    password_hash: Mapped[str] = mapped_column(default="")
    password_is_one_time: Mapped[bool] = mapped_column(default=False)
    password_given_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    password_given_at: Mapped[datetime | None]
    active: Mapped[bool] = mapped_column(default=True)
    version: Mapped[int] = mapped_column()

    department: Mapped[Department | None] = relationship(
        back_populates="members", foreign_keys=[department_id]
    )
    password_given_by: Mapped[User | None] = relationship(
        foreign_keys=[password_given_by_id], remote_side="User.id"
    )
    grants: Mapped[list[RoleGrant]] = relationship(
        back_populates="user", foreign_keys="RoleGrant.user_id"
    )
    postings: Mapped[list[Posting]] = relationship(back_populates="user")
    standing_in: Mapped[list[Deputyship]] = relationship(
        foreign_keys="Deputyship.deputy_id", viewonly=True, order_by="Deputyship.id"
    )

    __mapper_args__ = {"version_id_col": version}

    @validates("employee_number")
    def _one_spelling(self, _key: str, typed: str) -> str:
        return employee_number(typed)

    @cached_property
    def roles(self) -> frozenset[Role]:
        """The roles in force: granted and, where it takes two people, confirmed."""
        return frozenset(grant.role for grant in self.grants if grant.in_force)

    @cached_property
    def posts(self) -> frozenset[int]:
        """The communities he is posted to. Like `roles` read in one statement at sign-in check."""
        return frozenset(posting.community_id for posting in self.postings)

    @property
    def acting(self) -> tuple[ActingFor, ...]:
        """The roles he may sign for today as a deputy. A deputy's own deputy has none of them (trust: S10).

        Like `roles` known from the sign-in check; `told_acting` takes what it said.
        """
        told: tuple[ActingFor, ...] | None = self.__dict__.get("told_acting")
        if told is None:
            today = clock.today()
            told = tuple(
                ActingFor(one.principal_id, role)
                for one in self.standing_in
                if one.counts_on(today) and one.principal.active
                for role in sorted(one.principal.roles, key=str)
            )
        return tuple(one for one in told if may_stand_in(self.roles, one.role))

    def is_same_person(self, other: User) -> bool:
        """Whether two accounts belong to one person: the same one, or the same employee number."""
        return self.id == other.id or (
            bool(self.employee_number) and self.employee_number == other.employee_number
        )

    @property
    def community_ids(self) -> frozenset[int] | None:
        """The communities this person works for; None means all of them."""
        return None if self.everywhere else self.posts


class RoleGrant(Base):
    """One role of one person; a business role counts only when a second person confirmed it."""

    __tablename__ = "role_grant"
    __table_args__ = (
        UniqueConstraint("user_id", "role"),
        CheckConstraint("confirmed_by_id <> granted_by_id", name="two_people"),
    )

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    role: Mapped[Role]
    granted_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    granted_at: Mapped[datetime]
    confirmed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    in_force: Mapped[bool] = mapped_column(default=False)

    user: Mapped[User] = relationship(back_populates="grants", foreign_keys=[user_id])
    granted_by: Mapped[User | None] = relationship(foreign_keys=[granted_by_id])


class Deputyship(Base):
    """A person names somebody who signs in his name from one day to another, both included (trust: S10).

    Only signatures, and only those of the principal's own roles. It ends by its date or when the principal revokes it.
    """

    __tablename__ = "deputyship"
    __table_args__ = (
        CheckConstraint("deputy_id <> principal_id", name="two_people"),
        CheckConstraint("ends_on >= begins_on", name="span"),
        Index(None, "deputy_id", "ends_on"),
        Index(None, "principal_id", "ends_on"),
    )

    id: Mapped[Id]
    principal_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    deputy_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    begins_on: Mapped[date]
    ends_on: Mapped[date]
    reason: Mapped[str]
    named_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]

    principal: Mapped[User] = relationship(foreign_keys=[principal_id])
    deputy: Mapped[User] = relationship(foreign_keys=[deputy_id])

    def counts_on(self, day: date) -> bool:
        """Whether the deputy may sign on a Shanghai date."""
        return self.revoked_at is None and self.begins_on <= day <= self.ends_on


class Posting(Base):
    """A person works for a community: his scope of tickets, customers and reports."""

    __tablename__ = "posting"
    __table_args__ = (UniqueConstraint("user_id", "community_id"),)

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"), index=True)

    user: Mapped[User] = relationship(back_populates="postings")


class SignIn(Base):
    """A server-side session: the browser holds a random token, the row holds its hash."""

    __tablename__ = "sign_in"

    id: Mapped[Id]
    token_hash: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    began_at: Mapped[datetime]
    ends_at: Mapped[datetime] = mapped_column(index=True)
    address: Mapped[str]
    browser: Mapped[str]
    revoked_at: Mapped[datetime | None]

    user: Mapped[User] = relationship()


class SignInAttempt(Base):
    """A try to sign in, kept to throttle guessing and for the audit."""

    __tablename__ = "sign_in_attempt"
    __table_args__ = (
        Index(None, "username", "tried_at"),
        Index(None, "address", "tried_at"),
    )

    id: Mapped[Id]
    username: Mapped[str]
    address: Mapped[str]
    tried_at: Mapped[datetime]
    succeeded: Mapped[bool]


class SetupCode(Base):
    """The one-time code with which the first administrator of an empty database makes his account."""

    __tablename__ = "setup_code"

    id: Mapped[Id]
    code_hash: Mapped[str]
    used_at: Mapped[datetime | None]
