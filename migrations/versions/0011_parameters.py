"""the parameters' editions; each paper keeps the one it began with."""

import sqlalchemy as sa
from alembic import op

from ticketing.kernel.db import UtcDateTime

revision = "0011"
down_revision = "0010"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PAPERS = ("work_order", "site_survey")


def upgrade() -> None:
    op.create_table(
        "parameter_edition",
        sa.Column("id", ID, nullable=False),
        sa.Column("based_on_id", ID, nullable=True),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_at", UtcDateTime(), nullable=False),
        sa.Column("proposed_by_id", ID, nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("decided_by_id", ID, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_parameter_edition_reason")),
        sa.CheckConstraint(
            "decided_by_id <> proposed_by_id OR state = 'withdrawn'",
            name=op.f("ck_parameter_edition_two_people"),
        ),
        sa.CheckConstraint(
            "(state = 'pending') = (decided_at IS NULL)", name=op.f("ck_parameter_edition_decided")
        ),
        sa.CheckConstraint(
            "(decided_at IS NULL) = (decided_by_id IS NULL)",
            name=op.f("ck_parameter_edition_decided_by"),
        ),
        sa.ForeignKeyConstraint(
            ["based_on_id"],
            ["parameter_edition.id"],
            name=op.f("fk_parameter_edition_based_on_id_parameter_edition"),
        ),
        sa.ForeignKeyConstraint(
            ["proposed_by_id"],
            ["user_account.id"],
            name=op.f("fk_parameter_edition_proposed_by_id_user_account"),
        ),
        sa.ForeignKeyConstraint(
            ["decided_by_id"],
            ["user_account.id"],
            name=op.f("fk_parameter_edition_decided_by_id_user_account"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parameter_edition")),
    )
    pending = sa.text("state = 'pending'")
    op.create_index(
        "uq_parameter_edition_pending",
        "parameter_edition",
        ["state"],
        unique=True,
        sqlite_where=pending,
        postgresql_where=pending,
    )
    op.create_index(
        "ix_parameter_edition_effective",
        "parameter_edition",
        ["state", "effective_on", "decided_at"],
    )
    op.create_table(
        "parameter_value",
        sa.Column("edition_id", ID, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("value >= 0", name=op.f("ck_parameter_value_value")),
        sa.ForeignKeyConstraint(
            ["edition_id"],
            ["parameter_edition.id"],
            name=op.f("fk_parameter_value_edition_id_parameter_edition"),
        ),
        sa.PrimaryKeyConstraint("edition_id", "key", name=op.f("pk_parameter_value")),
    )
    for paper in PAPERS:
        with op.batch_alter_table(paper) as batch:
            batch.add_column(sa.Column("parameter_edition_id", ID, nullable=True))
            batch.create_foreign_key(
                op.f(f"fk_{paper}_parameter_edition_id_parameter_edition"),
                "parameter_edition",
                ["parameter_edition_id"],
                ["id"],
            )


def downgrade() -> None:
    for paper in PAPERS:
        with op.batch_alter_table(paper) as batch:
            batch.drop_constraint(
                op.f(f"fk_{paper}_parameter_edition_id_parameter_edition"), type_="foreignkey"
            )
            batch.drop_column("parameter_edition_id")
    op.drop_table("parameter_value")
    op.drop_table("parameter_edition")
