"""open accounts have an index of their own; that of merged tickets holds nothing else."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

OPEN, MERGED = sa.text("stage <> 'paid'"), sa.text("merged_into_id IS NOT NULL")
COLUMNS = ["id", "community_id", "stage", "route", "order_class", "compiled_at"]


def upgrade() -> None:
    """Go up."""
    op.create_index("ix_settlement_open", "settlement", COLUMNS, sqlite_where=OPEN, postgresql_where=OPEN)
    op.drop_index("ix_ticket_merged_into_id", "ticket")
    op.create_index(
        "ix_ticket_merged_into_id", "ticket", ["merged_into_id"], sqlite_where=MERGED, postgresql_where=MERGED
    )


def downgrade() -> None:
    """Come back down."""
    op.drop_index("ix_ticket_merged_into_id", "ticket")
    op.create_index("ix_ticket_merged_into_id", "ticket", ["merged_into_id"])
    op.drop_index("ix_settlement_open", "settlement")
