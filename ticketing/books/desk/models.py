"""Rows of finance's own tables: which code of the accounting system an account goes by."""

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ticketing.kernel.db import Base, Id
from ticketing.procedure.accounts import AccountKind


class AccountCode(Base):
    """The code and name under which the accounting system keeps a kind of accounts (docs/vouchers.zh.md)."""

    __tablename__ = "account_code"
    __table_args__ = (CheckConstraint("code <> '' AND name <> ''", name="filled"),)

    id: Mapped[Id]
    kind: Mapped[AccountKind] = mapped_column(unique=True)
    code: Mapped[str]
    name: Mapped[str]
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}
