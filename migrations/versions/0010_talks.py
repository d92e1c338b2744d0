"""talks without agreement counted on the ticket; who was told when a clock rang."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Go up."""
    with op.batch_alter_table("ticket") as batch_op:
        batch_op.add_column(sa.Column("talk_count", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("ticket") as batch_op:
        batch_op.alter_column("talk_count", server_default=None)
    with op.batch_alter_table("clock_event") as batch_op:
        batch_op.add_column(sa.Column("told", sa.Text(), nullable=False, server_default=""))
    with op.batch_alter_table("clock_event") as batch_op:
        batch_op.alter_column("told", server_default=None)


def downgrade() -> None:
    """Come back down."""
    with op.batch_alter_table("clock_event") as batch_op:
        batch_op.drop_column("told")
    with op.batch_alter_table("ticket") as batch_op:
        batch_op.drop_column("talk_count")
