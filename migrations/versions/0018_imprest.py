"""the working funds: funds, slips, requests for money, counts, cash handed back."""

import sqlalchemy as sa
from alembic import op

from ticketing.kernel.db import UtcDateTime

revision = "0018"
down_revision = "0017"

TABLES = ("imprest_fund", "imprest_count", "imprest_request", "imprest_return", "imprest_slip")

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Go up."""
    op.create_table('imprest_fund',
    sa.Column('id', ID, nullable=False),
    sa.Column('kind', sa.Enum('cs', 'crew', name='fundkind', native_enum=False, length=32), nullable=False),
    sa.Column('team_id', ID, nullable=True),
    sa.Column('keeper_id', ID, nullable=False),
    sa.Column('opened_on', sa.Date(), nullable=False),
    sa.Column('opened_by_id', ID, nullable=False),
    sa.Column('closed_on', sa.Date(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("(kind = 'crew') = (team_id IS NOT NULL)", name=op.f('ck_imprest_fund_team')),
    sa.CheckConstraint('closed_on IS NULL OR closed_on >= opened_on', name=op.f('ck_imprest_fund_closed')),
    sa.ForeignKeyConstraint(['keeper_id'], ['user_account.id'], name=op.f('fk_imprest_fund_keeper_id_user_account')),
    sa.ForeignKeyConstraint(['opened_by_id'], ['user_account.id'], name=op.f('fk_imprest_fund_opened_by_id_user_account')),
    sa.ForeignKeyConstraint(['team_id'], ['repair_team.id'], name=op.f('fk_imprest_fund_team_id_repair_team')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_imprest_fund'))
    )
    with op.batch_alter_table('imprest_fund') as batch_op:
        batch_op.create_index(batch_op.f('ix_imprest_fund_keeper_id'), ['keeper_id'], unique=False)
        batch_op.create_index('uq_imprest_fund_cs', ['kind'], unique=True, sqlite_where=sa.text("kind = 'cs' AND closed_on IS NULL"), postgresql_where=sa.text("kind = 'cs' AND closed_on IS NULL"))
        batch_op.create_index('uq_imprest_fund_team', ['team_id'], unique=True, sqlite_where=sa.text('closed_on IS NULL'), postgresql_where=sa.text('closed_on IS NULL'))

    op.create_table('imprest_count',
    sa.Column('id', ID, nullable=False),
    sa.Column('fund_id', ID, nullable=False),
    sa.Column('on', sa.Date(), nullable=False),
    sa.Column('counted_fen', sa.BigInteger(), nullable=False),
    sa.Column('book_fen', sa.BigInteger(), nullable=False),
    sa.Column('explanation', sa.Text(), nullable=False),
    sa.Column('counted_at', UtcDateTime(), nullable=False),
    sa.Column('counted_by_id', ID, nullable=False),
    sa.Column('witness_id', ID, nullable=False),
    sa.Column('reversed_at', UtcDateTime(), nullable=True),
    sa.CheckConstraint("counted_fen = book_fen OR explanation <> ''", name=op.f('ck_imprest_count_explanation')),
    sa.CheckConstraint('counted_fen >= 0 AND book_fen >= 0', name=op.f('ck_imprest_count_amounts')),
    sa.CheckConstraint('witness_id <> counted_by_id', name=op.f('ck_imprest_count_two_people')),
    sa.ForeignKeyConstraint(['counted_by_id'], ['user_account.id'], name=op.f('fk_imprest_count_counted_by_id_user_account')),
    sa.ForeignKeyConstraint(['fund_id'], ['imprest_fund.id'], name=op.f('fk_imprest_count_fund_id_imprest_fund')),
    sa.ForeignKeyConstraint(['witness_id'], ['user_account.id'], name=op.f('fk_imprest_count_witness_id_user_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_imprest_count'))
    )
    with op.batch_alter_table('imprest_count') as batch_op:
        batch_op.create_index(batch_op.f('ix_imprest_count_fund_id_on'), ['fund_id', 'on'], unique=False)

    op.create_table('imprest_request',
    sa.Column('id', ID, nullable=False),
    sa.Column('fund_id', ID, nullable=False),
    sa.Column('purpose', sa.Enum('settlement', 'imprest_advance', 'imprest_replenishment', 'retention', name='purpose', native_enum=False, length=32), nullable=False),
    sa.Column('state', sa.Enum('asked', 'paid', 'withdrawn', name='requeststate', native_enum=False, length=32), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('slips_fen', sa.BigInteger(), nullable=False),
    sa.Column('ceiling_fen', sa.BigInteger(), nullable=False),
    sa.Column('mark', sa.BigInteger(), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('asked_at', UtcDateTime(), nullable=False),
    sa.Column('asked_by_id', ID, nullable=False),
    sa.Column('paid_at', UtcDateTime(), nullable=True),
    sa.Column('withdrawn_why', sa.Text(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("(state = 'paid') = (paid_at IS NOT NULL)", name=op.f('ck_imprest_request_paid')),
    sa.CheckConstraint("(state = 'withdrawn') = (withdrawn_why <> '')", name=op.f('ck_imprest_request_withdrawn')),
    sa.CheckConstraint("purpose IN ('imprest_advance', 'imprest_replenishment')", name=op.f('ck_imprest_request_purpose')),
    sa.CheckConstraint('amount_fen > 0 AND slips_fen >= 0 AND ceiling_fen > 0', name=op.f('ck_imprest_request_amounts')),
    sa.ForeignKeyConstraint(['asked_by_id'], ['user_account.id'], name=op.f('fk_imprest_request_asked_by_id_user_account')),
    sa.ForeignKeyConstraint(['fund_id'], ['imprest_fund.id'], name=op.f('fk_imprest_request_fund_id_imprest_fund')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_imprest_request'))
    )
    with op.batch_alter_table('imprest_request') as batch_op:
        batch_op.create_index(batch_op.f('ix_imprest_request_fund_id_id'), ['fund_id', 'id'], unique=False)
        batch_op.create_index('uq_imprest_request_open', ['fund_id'], unique=True, sqlite_where=sa.text("state = 'asked'"), postgresql_where=sa.text("state = 'asked'"))

    op.create_table('imprest_return',
    sa.Column('id', ID, nullable=False),
    sa.Column('fund_id', ID, nullable=False),
    sa.Column('on', sa.Date(), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('left_fen', sa.BigInteger(), nullable=False),
    sa.Column('bank_reference', sa.Text(), nullable=False),
    sa.Column('entered_at', UtcDateTime(), nullable=False),
    sa.Column('entered_by_id', ID, nullable=False),
    sa.Column('reversed_at', UtcDateTime(), nullable=True),
    sa.CheckConstraint("bank_reference <> ''", name=op.f('ck_imprest_return_bank_reference')),
    sa.CheckConstraint('amount_fen > 0 AND left_fen >= 0', name=op.f('ck_imprest_return_amounts')),
    sa.ForeignKeyConstraint(['entered_by_id'], ['user_account.id'], name=op.f('fk_imprest_return_entered_by_id_user_account')),
    sa.ForeignKeyConstraint(['fund_id'], ['imprest_fund.id'], name=op.f('fk_imprest_return_fund_id_imprest_fund')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_imprest_return'))
    )
    with op.batch_alter_table('imprest_return') as batch_op:
        batch_op.create_index(batch_op.f('ix_imprest_return_fund_id_on'), ['fund_id', 'on'], unique=False)

    op.create_table('imprest_slip',
    sa.Column('id', ID, nullable=False),
    sa.Column('fund_id', ID, nullable=False),
    sa.Column('on', sa.Date(), nullable=False),
    sa.Column('what', sa.Text(), nullable=False),
    sa.Column('payee', sa.Text(), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('way', sa.Enum('cash', 'transfer', name='spendingway', native_enum=False, length=32), nullable=False),
    sa.Column('urgent', sa.Boolean(), nullable=False),
    sa.Column('community_id', ID, nullable=True),
    sa.Column('order_id', ID, nullable=True),
    sa.Column('order_number', sa.Text(), nullable=False),
    sa.Column('entered_at', UtcDateTime(), nullable=False),
    sa.Column('entered_by_id', ID, nullable=False),
    sa.Column('request_id', ID, nullable=True),
    sa.Column('cleared_at', UtcDateTime(), nullable=True),
    sa.Column('struck_at', UtcDateTime(), nullable=True),
    sa.CheckConstraint("(order_id IS NULL) = (order_number = '') AND (order_id IS NULL OR community_id IS NOT NULL)", name=op.f('ck_imprest_slip_order')),
    sa.CheckConstraint("what <> '' AND payee <> ''", name=op.f('ck_imprest_slip_named')),
    sa.CheckConstraint('(request_id IS NULL OR (cleared_at IS NULL AND struck_at IS NULL)) AND (cleared_at IS NULL OR struck_at IS NULL)', name=op.f('ck_imprest_slip_one_end')),
    sa.CheckConstraint('amount_fen > 0', name=op.f('ck_imprest_slip_amount')),
    sa.ForeignKeyConstraint(['community_id'], ['community.id'], name=op.f('fk_imprest_slip_community_id_community')),
    sa.ForeignKeyConstraint(['entered_by_id'], ['user_account.id'], name=op.f('fk_imprest_slip_entered_by_id_user_account')),
    sa.ForeignKeyConstraint(['fund_id'], ['imprest_fund.id'], name=op.f('fk_imprest_slip_fund_id_imprest_fund')),
    sa.ForeignKeyConstraint(['order_id'], ['work_order.id'], name=op.f('fk_imprest_slip_order_id_work_order')),
    sa.ForeignKeyConstraint(['request_id'], ['imprest_request.id'], name=op.f('fk_imprest_slip_request_id_imprest_request')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_imprest_slip'))
    )
    with op.batch_alter_table('imprest_slip') as batch_op:
        batch_op.create_index(batch_op.f('ix_imprest_slip_fund_id_on_id'), ['fund_id', 'on', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_imprest_slip_order_id'), ['order_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_imprest_slip_request_id'), ['request_id'], unique=False)


def downgrade() -> None:
    """Come back down."""
    for table in reversed(TABLES):
        op.drop_table(table)
