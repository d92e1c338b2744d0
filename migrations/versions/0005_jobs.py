"""jobs and the processes that tick."""

import sqlalchemy as sa
from alembic import op

from ticketing.kernel.db import UtcDateTime

revision = '0005'
down_revision = '0004'


def upgrade() -> None:
    """Go up."""
    op.create_table('heartbeat',
    sa.Column('process', sa.Text(), nullable=False),
    sa.Column('began_at', UtcDateTime(), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('process', name=op.f('pk_heartbeat'))
    )
    with op.batch_alter_table('heartbeat', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_heartbeat_at'), ['at'], unique=False)

    op.create_table('job_state',
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('next_at', UtcDateTime(), nullable=False),
    sa.Column('started_at', UtcDateTime(), nullable=True),
    sa.Column('milliseconds', sa.Integer(), nullable=True),
    sa.Column('outcome', sa.Text(), nullable=False),
    sa.Column('failed', sa.Boolean(), nullable=False),
    sa.Column('runs', sa.Integer(), nullable=False),
    sa.Column('failures', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_job_state'))
    )


def downgrade() -> None:
    """Come back down."""
    op.drop_table('job_state')
    with op.batch_alter_table('heartbeat', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_heartbeat_at'))

    op.drop_table('heartbeat')
