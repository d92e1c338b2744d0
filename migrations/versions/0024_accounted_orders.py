"""an order remembers when its account was begun; what waits for its account has an index."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"

WAITS = sa.text("accepted_at IS NOT NULL AND transferred_at IS NULL AND accounted_at IS NULL")


def upgrade() -> None:
    """Go up; the accounts there are say when."""
    op.add_column("work_order", sa.Column("accounted_at", sa.DateTime(), nullable=True))
    op.execute(
        "UPDATE work_order SET accounted_at ="
        " (SELECT s.drafted_at FROM settlement s WHERE s.order_id = work_order.id)"
        " WHERE accepted_at IS NOT NULL"
    )
    op.create_index(
        "ix_work_order_to_account",
        "work_order",
        ["team_id", "accepted_at"],
        sqlite_where=WAITS,
        postgresql_where=WAITS,
    )


def downgrade() -> None:
    """Come back down; the accounts still say it."""
    op.drop_index("ix_work_order_to_account", table_name="work_order")
    with op.batch_alter_table("work_order") as batch_op:
        batch_op.drop_column("accounted_at")
