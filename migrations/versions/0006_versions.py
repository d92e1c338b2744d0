"""versions of homes, offices and communities; one-time passwords."""

import sqlalchemy as sa
from alembic import op

from ticketing.kernel.db import UtcDateTime

revision = "0006"
down_revision = "0005"

VERSIONED = ("unit", "community", "service_office")
GIVEN_BY = "fk_user_account_password_given_by_id_user_account"


def upgrade() -> None:
    """Go up."""
    for table in VERSIONED:
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.alter_column("version", server_default=None)
    with op.batch_alter_table("user_account", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("password_is_one_time", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        batch_op.add_column(
            sa.Column(
                "password_given_by_id",
                sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
                nullable=True,
            )
        )
        batch_op.add_column(sa.Column("password_given_at", UtcDateTime(), nullable=True))
        batch_op.create_foreign_key(op.f(GIVEN_BY), "user_account", ["password_given_by_id"], ["id"])
    with op.batch_alter_table("user_account", schema=None) as batch_op:
        batch_op.alter_column("password_is_one_time", server_default=None)


def downgrade() -> None:
    """Come back down."""
    with op.batch_alter_table("user_account", schema=None) as batch_op:
        batch_op.drop_constraint(op.f(GIVEN_BY), type_="foreignkey")
        for name in ("password_given_at", "password_given_by_id", "password_is_one_time"):
            batch_op.drop_column(name)
    for table in VERSIONED:
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column("version")
