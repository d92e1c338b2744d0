"""what is open, merged, prepared or reversed has indexes that hold nothing else."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

OPEN, MERGED = sa.text("stage <> 'paid'"), sa.text("merged_into_id IS NOT NULL")
PREPARED, REVERSAL = sa.text("state = 'prepared'"), sa.text("reverses_id IS NOT NULL")
COLUMNS = ["id", "community_id", "stage", "route", "order_class", "compiled_at"]


def upgrade() -> None:
    """Go up."""
    op.create_index("ix_settlement_open", "settlement", COLUMNS, sqlite_where=OPEN, postgresql_where=OPEN)
    op.drop_index("ix_ticket_merged_into_id", "ticket")
    op.create_index(
        "ix_ticket_merged_into_id", "ticket", ["merged_into_id"], sqlite_where=MERGED, postgresql_where=MERGED
    )
    op.create_index(
        "ix_payment_prepared", "payment", ["id", "amount_fen"], sqlite_where=PREPARED, postgresql_where=PREPARED
    )
    op.create_index(
        "ix_ledger_entry_reversals", "ledger_entry", ["reverses_id"],
        sqlite_where=REVERSAL, postgresql_where=REVERSAL,
    )  # fmt: skip


def downgrade() -> None:
    """Come back down."""
    op.drop_index("ix_ledger_entry_reversals", "ledger_entry")
    op.drop_index("ix_payment_prepared", "payment")
    op.drop_index("ix_ticket_merged_into_id", "ticket")
    op.create_index("ix_ticket_merged_into_id", "ticket", ["merged_into_id"])
    op.drop_index("ix_settlement_open", "settlement")
