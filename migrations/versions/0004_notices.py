"""notices, robots and deliveries; heads and e-mail addresses."""

import sqlalchemy as sa
from alembic import op

from ticketing.kernel.db import UtcDateTime

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Go up."""
    op.create_table('notice',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('event', sa.Text(), nullable=False),
    sa.Column('kind', sa.Enum('assigned', 'returned', 'assistance', 'reminder', 'breach', 'major', 'report', 'digest', 'calendar', name='noticekind', native_enum=False, length=32), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('path', sa.Text(), nullable=False),
    sa.Column('urgent', sa.Boolean(), nullable=False),
    sa.Column('read_at', UtcDateTime(), nullable=True),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name=op.f('fk_notice_user_id_user_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_notice')),
    sa.UniqueConstraint('user_id', 'event', name=op.f('uq_notice_user_id_event'))
    )

    with op.batch_alter_table('notice', schema=None) as batch_op:
        batch_op.create_index('ix_notice_digest', ['at'], unique=False, sqlite_where=sa.text("kind = 'digest'"), postgresql_where=sa.text("kind = 'digest'"))
        batch_op.create_index('ix_notice_inbox', ['user_id', 'id'], unique=False)
        batch_op.create_index('ix_notice_unread', ['user_id'], unique=False, sqlite_where=sa.text('read_at IS NULL'), postgresql_where=sa.text('read_at IS NULL'))

    op.create_table('notice_preference',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('kind', sa.Enum('assigned', 'returned', 'assistance', 'reminder', 'breach', 'major', 'report', 'digest', 'calendar', name='noticekind', native_enum=False, length=32), nullable=False),
    sa.Column('outlet', sa.Enum('email', 'wecom', 'dingtalk', name='outlet', native_enum=False, length=32), nullable=False),
    sa.Column('wanted', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name=op.f('fk_notice_preference_user_id_user_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_notice_preference')),
    sa.UniqueConstraint('user_id', 'kind', 'outlet', name=op.f('uq_notice_preference_user_id_kind_outlet'))
    )

    op.create_table('robot',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('outlet', sa.Enum('email', 'wecom', 'dingtalk', name='outlet', native_enum=False, length=32), nullable=False),
    sa.Column('address', sa.Text(), nullable=False),
    sa.Column('secret', sa.Text(), nullable=False),
    sa.Column('kinds', sa.Text(), nullable=False),
    sa.Column('community_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("outlet <> 'email'", name=op.f('ck_robot_no_mailbox')),
    sa.ForeignKeyConstraint(['community_id'], ['community.id'], name=op.f('fk_robot_community_id_community')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_robot')),
    sa.UniqueConstraint('name', name=op.f('uq_robot_name'))
    )

    op.create_table('delivery',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('event', sa.Text(), nullable=False),
    sa.Column('kind', sa.Enum('assigned', 'returned', 'assistance', 'reminder', 'breach', 'major', 'report', 'digest', 'calendar', name='noticekind', native_enum=False, length=32), nullable=False),
    sa.Column('outlet', sa.Enum('email', 'wecom', 'dingtalk', name='outlet', native_enum=False, length=32), nullable=False),
    sa.Column('recipient', sa.Text(), nullable=False),
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('robot_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('path', sa.Text(), nullable=False),
    sa.Column('urgent', sa.Boolean(), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('state', sa.Enum('waiting', 'sent', 'dead', name='deliverystate', native_enum=False, length=32), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('next_at', UtcDateTime(), nullable=False),
    sa.Column('leased_until', UtcDateTime(), nullable=True),
    sa.Column('sent_at', UtcDateTime(), nullable=True),
    sa.Column('error', sa.Text(), nullable=False),
    sa.CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name=op.f('ck_delivery_sent_at')),
    sa.ForeignKeyConstraint(['robot_id'], ['robot.id'], name=op.f('fk_delivery_robot_id_robot')),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], name=op.f('fk_delivery_user_id_user_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_delivery')),
    sa.UniqueConstraint('event', 'outlet', 'recipient', name=op.f('uq_delivery_event_outlet_recipient'))
    )

    with op.batch_alter_table('delivery', schema=None) as batch_op:
        batch_op.create_index('ix_delivery_next', ['next_at', 'id'], unique=False, sqlite_where=sa.text("state = 'waiting'"), postgresql_where=sa.text("state = 'waiting'"))
        batch_op.create_index(batch_op.f('ix_delivery_robot_id'), ['robot_id'], unique=False)
        batch_op.create_index('ix_delivery_state', ['state', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_delivery_user_id'), ['user_id'], unique=False)

    with op.batch_alter_table('department', schema=None) as batch_op:
        batch_op.add_column(sa.Column('head_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True))
        batch_op.create_index(batch_op.f('ix_department_head_id'), ['head_id'], unique=False)
        batch_op.create_foreign_key(batch_op.f('fk_department_head_id_user_account'), 'user_account', ['head_id'], ['id'], use_alter=True)

    with op.batch_alter_table('user_account', schema=None) as batch_op:
        batch_op.add_column(sa.Column('email', sa.Text(), nullable=False, server_default=''))

    with op.batch_alter_table("user_account", schema=None) as batch_op:
        batch_op.alter_column("email", server_default=None)


def downgrade() -> None:
    """Come back down."""
    with op.batch_alter_table('user_account', schema=None) as batch_op:
        batch_op.drop_column('email')
    with op.batch_alter_table('department', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_department_head_id_user_account'), type_='foreignkey')
        batch_op.drop_index(batch_op.f('ix_department_head_id'))
        batch_op.drop_column('head_id')
    op.drop_table('delivery')
    op.drop_table('robot')
    op.drop_table('notice_preference')
    op.drop_table('notice')
