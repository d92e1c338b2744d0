"""deputies: who signs in whose name, and both names on a signature."""

import sqlalchemy as sa
from alembic import op

from ticketing.kernel.db import UtcDateTime

revision = "0012"
down_revision = "0011"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "deputyship",
        sa.Column("id", ID, nullable=False),
        sa.Column("principal_id", ID, nullable=False),
        sa.Column("deputy_id", ID, nullable=False),
        sa.Column("begins_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("named_at", UtcDateTime(), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("deputy_id <> principal_id", name=op.f("ck_deputyship_two_people")),
        sa.CheckConstraint("ends_on >= begins_on", name=op.f("ck_deputyship_span")),
        sa.ForeignKeyConstraint(
            ["principal_id"],
            ["user_account.id"],
            name=op.f("fk_deputyship_principal_id_user_account"),
        ),
        sa.ForeignKeyConstraint(
            ["deputy_id"], ["user_account.id"], name=op.f("fk_deputyship_deputy_id_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deputyship")),
    )
    for whose in ("deputy_id", "principal_id"):
        op.create_index(op.f(f"ix_deputyship_{whose}_ends_on"), "deputyship", [whose, "ends_on"])
    with op.batch_alter_table("approval_step") as batch:
        batch.add_column(sa.Column("principal_id", ID, nullable=True))
        batch.create_foreign_key(
            op.f("fk_approval_step_principal_id_user_account"),
            "user_account",
            ["principal_id"],
            ["id"],
        )
        batch.create_check_constraint(op.f("ck_approval_step_deputy"), "principal_id <> by_id")


def downgrade() -> None:
    with op.batch_alter_table("approval_step") as batch:
        batch.drop_constraint(op.f("ck_approval_step_deputy"), type_="check")
        batch.drop_constraint(
            op.f("fk_approval_step_principal_id_user_account"), type_="foreignkey"
        )
        batch.drop_column("principal_id")
    op.drop_table("deputyship")
