"""the account of a repair: settlements and their lines."""

import sqlalchemy as sa
from alembic import op

from ticketing.kernel.db import UtcDateTime

revision = "0014"
down_revision = "0013"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Go up."""
    op.create_table('settlement',
    sa.Column('id', ID, nullable=False),
    sa.Column('number', sa.Text(), nullable=False),
    sa.Column('order_id', ID, nullable=False),
    sa.Column('ticket_id', ID, nullable=False),
    sa.Column('community_id', ID, nullable=False),
    sa.Column('order_class', sa.Enum('A', 'B', 'none', name='orderclass', native_enum=False, length=32), nullable=False),
    sa.Column('stage', sa.Enum('drafting', 'submitted', 'reviewed', 'confirming', 'confirmed', 'disputed', 'certified', 'paid', 'returned', name='settlementstage', native_enum=False, length=32), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('parameter_edition_id', ID, nullable=True),
    sa.Column('basis', sa.Enum('exclusive', 'inclusive', name='pricebasis', native_enum=False, length=32), nullable=False),
    sa.Column('vat_bp', sa.Integer(), nullable=False),
    sa.Column('management_bp', sa.Integer(), nullable=False),
    sa.Column('submitted_fen', sa.BigInteger(), nullable=False),
    sa.Column('approved_fen', sa.BigInteger(), nullable=True),
    sa.Column('management_fen', sa.BigInteger(), nullable=False),
    sa.Column('tax_fen', sa.BigInteger(), nullable=False),
    sa.Column('drafted_at', UtcDateTime(), nullable=False),
    sa.Column('drafted_by_id', ID, nullable=False),
    sa.Column('remark', sa.Text(), nullable=False),
    sa.Column('submitted_at', UtcDateTime(), nullable=True),
    sa.Column('submitted_by_id', ID, nullable=True),
    sa.Column('route', sa.Enum('clerk', 'office', 'handler', 'captain', 'engineer', 'cs_manager', 'auditor', 'deputy_chief_engineer', 'deputy_gm', 'general_manager', 'finance', 'admin', 'reader', 'cashier', name='role', native_enum=False, length=32), nullable=True),
    sa.Column('reviewed_at', UtcDateTime(), nullable=True),
    sa.Column('reviewed_by_id', ID, nullable=True),
    sa.Column('reviewed_for_id', ID, nullable=True),
    sa.Column('review', sa.Text(), nullable=False),
    sa.Column('compiled_at', UtcDateTime(), nullable=True),
    sa.Column('compiled_by_id', ID, nullable=True),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('contract_id', ID, nullable=True),
    sa.Column('admin_bp', sa.Integer(), nullable=False),
    sa.Column('penalty_fen', sa.BigInteger(), nullable=False),
    sa.Column('chargeback_fen', sa.BigInteger(), nullable=False),
    sa.Column('notified_at', UtcDateTime(), nullable=True),
    sa.Column('notified_by_id', ID, nullable=True),
    sa.Column('notice_way', sa.Enum('handed', 'courier', 'email', 'message', name='noticeway', native_enum=False, length=32), nullable=True),
    sa.Column('notice_evidence', sa.Text(), nullable=False),
    sa.Column('answer_due_on', sa.Date(), nullable=True),
    sa.Column('reminded_at', UtcDateTime(), nullable=True),
    sa.Column('reminder_evidence', sa.Text(), nullable=False),
    sa.Column('confirmation', sa.Enum('signed', 'deemed', name='confirmation', native_enum=False, length=32), nullable=True),
    sa.Column('confirmed_at', UtcDateTime(), nullable=True),
    sa.Column('confirmed_by', sa.Text(), nullable=False),
    sa.Column('confirmation_evidence', sa.Text(), nullable=False),
    sa.Column('disputed_at', UtcDateTime(), nullable=True),
    sa.Column('dispute', sa.Text(), nullable=False),
    sa.Column('certified_at', UtcDateTime(), nullable=True),
    sa.Column('certified_by_id', ID, nullable=True),
    sa.Column('certified_for_id', ID, nullable=True),
    sa.Column('opinion', sa.Text(), nullable=False),
    sa.Column('paid_at', UtcDateTime(), nullable=True),
    sa.Column('deducted_fen', sa.BigInteger(), nullable=False),
    sa.Column('return_reason', sa.Text(), nullable=False),
    sa.CheckConstraint("(stage = 'paid') = (paid_at IS NOT NULL)", name=op.f('ck_settlement_paid_at')),
    sa.CheckConstraint("order_class = 'A' OR (contract_id IS NULL AND chargeback_fen = 0)", name=op.f('ck_settlement_class_b')),
    sa.CheckConstraint("order_class IN ('A', 'B')", name=op.f('ck_settlement_order_class')),
    sa.CheckConstraint("stage NOT IN ('certified', 'paid') OR (certified_at IS NOT NULL AND approved_fen IS NOT NULL)", name=op.f('ck_settlement_certified_at')),
    sa.CheckConstraint('submitted_fen >= 0 AND approved_fen >= 0 AND tax_fen >= 0 AND management_fen >= 0 AND penalty_fen >= 0 AND chargeback_fen >= 0', name=op.f('ck_settlement_amounts')),
    sa.CheckConstraint('vat_bp BETWEEN 0 AND 10000 AND management_bp BETWEEN 0 AND 10000 AND admin_bp BETWEEN 0 AND 10000', name=op.f('ck_settlement_rates')),
    sa.ForeignKeyConstraint(['certified_for_id'], ['user_account.id'], name=op.f('fk_settlement_certified_for_id_user_account')),
    sa.ForeignKeyConstraint(['certified_by_id'], ['user_account.id'], name=op.f('fk_settlement_certified_by_id_user_account')),
    sa.ForeignKeyConstraint(['community_id'], ['community.id'], name=op.f('fk_settlement_community_id_community')),
    sa.ForeignKeyConstraint(['compiled_by_id'], ['user_account.id'], name=op.f('fk_settlement_compiled_by_id_user_account')),
    sa.ForeignKeyConstraint(['contract_id'], ['contract.id'], name=op.f('fk_settlement_contract_id_contract')),
    sa.ForeignKeyConstraint(['drafted_by_id'], ['user_account.id'], name=op.f('fk_settlement_drafted_by_id_user_account')),
    sa.ForeignKeyConstraint(['notified_by_id'], ['user_account.id'], name=op.f('fk_settlement_notified_by_id_user_account')),
    sa.ForeignKeyConstraint(['order_id'], ['work_order.id'], name=op.f('fk_settlement_order_id_work_order')),
    sa.ForeignKeyConstraint(['parameter_edition_id'], ['parameter_edition.id'], name=op.f('fk_settlement_parameter_edition_id_parameter_edition')),
    sa.ForeignKeyConstraint(['reviewed_for_id'], ['user_account.id'], name=op.f('fk_settlement_reviewed_for_id_user_account')),
    sa.ForeignKeyConstraint(['reviewed_by_id'], ['user_account.id'], name=op.f('fk_settlement_reviewed_by_id_user_account')),
    sa.ForeignKeyConstraint(['submitted_by_id'], ['user_account.id'], name=op.f('fk_settlement_submitted_by_id_user_account')),
    sa.ForeignKeyConstraint(['ticket_id'], ['ticket.id'], name=op.f('fk_settlement_ticket_id_ticket')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_settlement')),
    sa.UniqueConstraint('number', name=op.f('uq_settlement_number')),
    sa.UniqueConstraint('order_id', name=op.f('uq_settlement_order_id'))
    )
    with op.batch_alter_table('settlement', schema=None) as batch_op:
        batch_op.create_index('ix_settlement_certified', ['certified_at', 'community_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_settlement_contract_id'), ['contract_id'], unique=False)
        batch_op.create_index('ix_settlement_stage', ['stage', 'community_id', 'id'], unique=False)
        batch_op.create_index('ix_settlement_submitted', ['submitted_at', 'community_id'], unique=False)
        batch_op.create_index('ix_settlement_ticket', ['ticket_id'], unique=False)

    op.create_table('settlement_line',
    sa.Column('id', ID, nullable=False),
    sa.Column('settlement_id', ID, nullable=False),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('source', sa.Enum('agreed', 'quota', 'published', 'enquiry', name='pricesource', native_enum=False, length=32), nullable=False),
    sa.Column('quota_code', sa.Text(), nullable=False),
    sa.Column('item', sa.Text(), nullable=False),
    sa.Column('place', sa.Text(), nullable=False),
    sa.Column('unit', sa.Text(), nullable=False),
    sa.Column('quantity_milli', sa.BigInteger(), nullable=False),
    sa.Column('price_milli', sa.BigInteger(), nullable=False),
    sa.Column('submitted_fen', sa.BigInteger(), nullable=False),
    sa.Column('approved_quantity_milli', sa.BigInteger(), nullable=True),
    sa.Column('approved_price_milli', sa.BigInteger(), nullable=True),
    sa.Column('approved_fen', sa.BigInteger(), nullable=True),
    sa.Column('why', sa.Text(), nullable=False),
    sa.Column('remark', sa.Text(), nullable=False),
    sa.Column('dropped', sa.Boolean(), nullable=False),
    sa.CheckConstraint("approved_fen <= submitted_fen OR why <> ''", name=op.f('ck_settlement_line_reason_for_more')),
    sa.CheckConstraint('approved_quantity_milli >= 0 AND approved_price_milli >= 0', name=op.f('ck_settlement_line_approved')),
    sa.CheckConstraint('quantity_milli >= 0 AND price_milli >= 0', name=op.f('ck_settlement_line_handed_in')),
    sa.ForeignKeyConstraint(['settlement_id'], ['settlement.id'], name=op.f('fk_settlement_line_settlement_id_settlement')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_settlement_line')),
    sa.UniqueConstraint('settlement_id', 'revision', 'position', name=op.f('uq_settlement_line_settlement_id_revision_position'))
    )


def downgrade() -> None:
    """Come back down."""
    op.drop_table('settlement_line')
    with op.batch_alter_table('settlement', schema=None) as batch_op:
        batch_op.drop_index('ix_settlement_ticket')
        batch_op.drop_index('ix_settlement_submitted')
        batch_op.drop_index('ix_settlement_stage')
        batch_op.drop_index(batch_op.f('ix_settlement_contract_id'))
        batch_op.drop_index('ix_settlement_certified')

    op.drop_table('settlement')
