"""the open orders by community first, as lists and counts ask for them."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

OPEN = sa.text("stage NOT IN ('accepted', 'cancelled')")


def upgrade() -> None:
    """Go up."""
    _index("community_id", "stage", "due_on", "team_id")


def downgrade() -> None:
    """Come back down."""
    _index("stage", "community_id", "due_on", "team_id")


def _index(*columns: str) -> None:
    op.drop_index("ix_work_order_open", "work_order")
    op.create_index(
        "ix_work_order_open", "work_order", list(columns), sqlite_where=OPEN, postgresql_where=OPEN
    )
