"""clocks, their events and extensions."""

import sqlalchemy as sa
from alembic import op

from ticketing.kernel.db import UtcDateTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Go up."""
    op.create_table('clock',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('kind', sa.Enum('dispatching', 'dept_feedback', 'complaint', 'callback', 'emergency', 'escalation', 'weekly_report', 'site_survey', 'order_issue', 'repair', 'cost_statement', 'cs_review', 'audit', 'contractor_confirmation', 'certification', 'payment', name='clockkind', native_enum=False, length=32), nullable=False),
    sa.Column('ticket_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('report_key', sa.Text(), nullable=True),
    sa.Column('office_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('community_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('department_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('handler_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('round', sa.Integer(), nullable=False),
    sa.Column('started_at', UtcDateTime(), nullable=False),
    sa.Column('original_due_on', sa.Date(), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('due_at', UtcDateTime(), nullable=False),
    sa.Column('provisional', sa.Boolean(), nullable=False),
    sa.Column('policy', sa.Integer(), nullable=False),
    sa.Column('calendar_edition', sa.Integer(), nullable=False),
    sa.Column('state', sa.Enum('running', 'met', 'cancelled', name='clockstate', native_enum=False, length=32), nullable=False),
    sa.Column('stopped_at', UtcDateTime(), nullable=True),
    sa.Column('late', sa.Boolean(), nullable=False),
    sa.Column('extensions', sa.Integer(), nullable=False),
    sa.Column('rung', sa.Integer(), nullable=False),
    sa.Column('next_at', UtcDateTime(), nullable=True),
    sa.CheckConstraint("(state = 'running') = (stopped_at IS NULL)", name=op.f('ck_clock_stopped_at')),
    sa.CheckConstraint("state = 'running' OR next_at IS NULL", name=op.f('ck_clock_silent_when_stopped')),
    sa.CheckConstraint('(ticket_id IS NULL) <> (report_key IS NULL)', name=op.f('ck_clock_one_paper')),
    sa.ForeignKeyConstraint(['community_id'], ['community.id'], name=op.f('fk_clock_community_id_community')),
    sa.ForeignKeyConstraint(['department_id'], ['department.id'], name=op.f('fk_clock_department_id_department')),
    sa.ForeignKeyConstraint(['handler_id'], ['user_account.id'], name=op.f('fk_clock_handler_id_user_account')),
    sa.ForeignKeyConstraint(['office_id'], ['service_office.id'], name=op.f('fk_clock_office_id_service_office')),
    sa.ForeignKeyConstraint(['ticket_id'], ['ticket.id'], name=op.f('fk_clock_ticket_id_ticket')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_clock')),
    sa.UniqueConstraint('report_key', 'kind', name=op.f('uq_clock_report_key_kind'))
    )

    with op.batch_alter_table('clock', schema=None) as batch_op:
        batch_op.create_index('ix_clock_board', ['community_id', 'kind', 'due_on', 'handler_id', 'department_id'], unique=False, sqlite_where=sa.text("state = 'running'"), postgresql_where=sa.text("state = 'running'"))
        batch_op.create_index('ix_clock_due', ['kind', 'due_on', 'community_id'], unique=False)
        batch_op.create_index('ix_clock_next', ['next_at'], unique=False, sqlite_where=sa.text("state = 'running'"), postgresql_where=sa.text("state = 'running'"))
        batch_op.create_index('ix_clock_original_due', ['kind', 'original_due_on', 'community_id'], unique=False)
        batch_op.create_index('ix_clock_started', ['kind', 'started_at', 'community_id'], unique=False)
        batch_op.create_index('ix_clock_ticket', ['ticket_id', 'id'], unique=False)
        batch_op.create_index('uq_clock_running', ['ticket_id', 'kind'], unique=True, sqlite_where=sa.text("state = 'running'"), postgresql_where=sa.text("state = 'running'"))

    op.create_table('clock_event',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('clock_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('kind', sa.Enum('started', 'warned', 'extended', 'recalculated', 'breached', 'met', 'cancelled', name='clockeventkind', native_enum=False, length=32), nullable=False),
    sa.Column('level', sa.Text(), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('policy', sa.Integer(), nullable=False),
    sa.Column('calendar_edition', sa.Integer(), nullable=False),
    sa.Column('due_from', sa.Date(), nullable=True),
    sa.Column('due_to', sa.Date(), nullable=True),
    sa.ForeignKeyConstraint(['clock_id'], ['clock.id'], name=op.f('fk_clock_event_clock_id_clock')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_clock_event')),
    sa.UniqueConstraint('clock_id', 'kind', 'level', name=op.f('uq_clock_event_clock_id_kind_level'))
    )

    op.create_table('clock_extension',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('clock_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('by_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('due_from', sa.Date(), nullable=False),
    sa.Column('due_to', sa.Date(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('consent_by', sa.Text(), nullable=False),
    sa.Column('consent_at', UtcDateTime(), nullable=False),
    sa.Column('consent_way', sa.Enum('signed', 'message', 'recording', 'email', name='consentway', native_enum=False, length=32), nullable=False),
    sa.Column('evidence', sa.Text(), nullable=False),
    sa.CheckConstraint("consent_by <> '' AND evidence <> '' AND reason <> ''", name=op.f('ck_clock_extension_consent')),
    sa.CheckConstraint('due_to > due_from', name=op.f('ck_clock_extension_later')),
    sa.ForeignKeyConstraint(['by_id'], ['user_account.id'], name=op.f('fk_clock_extension_by_id_user_account')),
    sa.ForeignKeyConstraint(['clock_id'], ['clock.id'], name=op.f('fk_clock_extension_clock_id_clock')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_clock_extension'))
    )

    with op.batch_alter_table('clock_extension', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_clock_extension_clock_id'), ['clock_id'], unique=False)


def downgrade() -> None:
    """Come back down."""
    op.drop_table('clock_extension')
    op.drop_table('clock_event')
    op.drop_table('clock')
