"""the books: accounts, entries and lines with their guards, payments, reversals, retention, the bank's files."""

import sqlalchemy as sa
from alembic import op

from ticketing.books.ledger import ddl
from ticketing.kernel.db import UtcDateTime

revision = "0013"
down_revision = "0012"

TABLES = (
    "account_code",
    "bank_file",
    "contractor_receipt",
    "ledger_account",
    "payment",
    "retention_deposit",
    "retention_release",
    "bank_line",
    "ledger_entry",
    "ledger_line",
    "reversal_request",
)

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table('account_code',
    sa.Column('id', ID, nullable=False),
    sa.Column('kind', sa.Enum('retention', 'payable', 'repair_cost_a', 'repair_cost_b', 'receivable', 'agency_income', 'imprest_cash', 'imprest_slips', 'imprest_expense', 'bank', 'contract_price', name='accountkind', native_enum=False, length=32), nullable=False),
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("code <> '' AND name <> ''", name=op.f('ck_account_code_filled')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_account_code')),
    sa.UniqueConstraint('kind', name=op.f('uq_account_code_kind'))
    )
    op.create_table('bank_file',
    sa.Column('id', ID, nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('rows', sa.Text(), nullable=False),
    sa.Column('columns', sa.Text(), nullable=False),
    sa.Column('line_count', sa.Integer(), nullable=False),
    sa.Column('total_fen', sa.BigInteger(), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('by_id', ID, nullable=False),
    sa.ForeignKeyConstraint(['by_id'], ['user_account.id'], name=op.f('fk_bank_file_by_id_user_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_bank_file'))
    )
    op.create_table('contractor_receipt',
    sa.Column('id', ID, nullable=False),
    sa.Column('contractor_id', ID, nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('received_on', sa.Date(), nullable=False),
    sa.Column('bank_reference', sa.Text(), nullable=False),
    sa.Column('payer', sa.Text(), nullable=False),
    sa.Column('entered_at', UtcDateTime(), nullable=False),
    sa.Column('entered_by_id', ID, nullable=False),
    sa.Column('reversed_at', UtcDateTime(), nullable=True),
    sa.CheckConstraint("bank_reference <> ''", name=op.f('ck_contractor_receipt_bank_reference')),
    sa.CheckConstraint('amount_fen > 0', name=op.f('ck_contractor_receipt_amount')),
    sa.ForeignKeyConstraint(['contractor_id'], ['contractor.id'], name=op.f('fk_contractor_receipt_contractor_id_contractor')),
    sa.ForeignKeyConstraint(['entered_by_id'], ['user_account.id'], name=op.f('fk_contractor_receipt_entered_by_id_user_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_contractor_receipt'))
    )
    with op.batch_alter_table('contractor_receipt') as batch_op:
        batch_op.create_index(op.f('ix_contractor_receipt_contractor_id'), ['contractor_id'], unique=False)

    op.create_table('ledger_account',
    sa.Column('id', ID, nullable=False),
    sa.Column('kind', sa.Enum('retention', 'payable', 'repair_cost_a', 'repair_cost_b', 'receivable', 'agency_income', 'imprest_cash', 'imprest_slips', 'imprest_expense', 'bank', 'contract_price', name='accountkind', native_enum=False, length=32), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('community_id', ID, nullable=True),
    sa.Column('contract_id', ID, nullable=True),
    sa.Column('contractor_id', ID, nullable=True),
    sa.Column('fund_id', sa.BigInteger(), nullable=True),
    sa.Column('balance_fen', sa.BigInteger(), nullable=False),
    sa.CheckConstraint("(kind = 'retention') = (contract_id IS NOT NULL)", name=op.f('ck_ledger_account_contract')),
    sa.CheckConstraint("(kind IN ('imprest_cash', 'imprest_slips')) = (fund_id IS NOT NULL)", name=op.f('ck_ledger_account_fund')),
    sa.CheckConstraint("(kind IN ('receivable', 'contract_price')) = (contractor_id IS NOT NULL)", name=op.f('ck_ledger_account_contractor')),
    sa.CheckConstraint("kind <> 'imprest_cash' OR balance_fen >= 0", name=op.f('ck_ledger_account_imprest_cash')),
    sa.CheckConstraint("kind <> 'payable' OR balance_fen <= 0", name=op.f('ck_ledger_account_payable')),
    sa.CheckConstraint("kind <> 'retention' OR balance_fen <= 0", name=op.f('ck_ledger_account_retention')),
    sa.CheckConstraint("kind NOT IN ('repair_cost_a', 'repair_cost_b') OR community_id IS NOT NULL", name=op.f('ck_ledger_account_community')),
    sa.ForeignKeyConstraint(['community_id'], ['community.id'], name=op.f('fk_ledger_account_community_id_community')),
    sa.ForeignKeyConstraint(['contract_id'], ['contract.id'], name=op.f('fk_ledger_account_contract_id_contract')),
    sa.ForeignKeyConstraint(['contractor_id'], ['contractor.id'], name=op.f('fk_ledger_account_contractor_id_contractor')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ledger_account')),
    sa.UniqueConstraint('key', name=op.f('uq_ledger_account_key'))
    )
    with op.batch_alter_table('ledger_account') as batch_op:
        batch_op.create_index(op.f('ix_ledger_account_contractor_id'), ['contractor_id'], unique=False)
        batch_op.create_index(op.f('ix_ledger_account_kind_id'), ['kind', 'id'], unique=False)

    op.create_table('payment',
    sa.Column('id', ID, nullable=False),
    sa.Column('purpose', sa.Enum('settlement', 'imprest_advance', 'imprest_replenishment', 'retention', name='purpose', native_enum=False, length=32), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('payee', sa.Text(), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('path', sa.Text(), nullable=False),
    sa.Column('community_id', ID, nullable=True),
    sa.Column('contractor_id', ID, nullable=True),
    sa.Column('contract_id', ID, nullable=True),
    sa.Column('due_on', sa.Date(), nullable=True),
    sa.Column('state', sa.Enum('prepared', 'released', 'voided', 'reversed', name='paymentstate', native_enum=False, length=32), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('prepared_at', UtcDateTime(), nullable=False),
    sa.Column('prepared_by_id', ID, nullable=False),
    sa.Column('released_at', UtcDateTime(), nullable=True),
    sa.Column('released_by_id', ID, nullable=True),
    sa.Column('paid_on', sa.Date(), nullable=True),
    sa.Column('bank_reference', sa.Text(), nullable=False),
    sa.Column('voided_at', UtcDateTime(), nullable=True),
    sa.Column('voided_by_id', ID, nullable=True),
    sa.Column('void_reason', sa.Text(), nullable=False),
    sa.Column('reversed_at', UtcDateTime(), nullable=True),
    sa.CheckConstraint("(state = 'reversed') = (reversed_at IS NOT NULL)", name=op.f('ck_payment_reversed')),
    sa.CheckConstraint("(state = 'voided') = (voided_at IS NOT NULL) AND (voided_at IS NULL OR (voided_by_id IS NOT NULL AND void_reason <> ''))", name=op.f('ck_payment_voided')),
    sa.CheckConstraint("(state IN ('released', 'reversed')) = (released_at IS NOT NULL)", name=op.f('ck_payment_released')),
    sa.CheckConstraint("released_at IS NULL OR (released_by_id IS NOT NULL AND paid_on IS NOT NULL AND bank_reference <> '')", name=op.f('ck_payment_released_by')),
    sa.CheckConstraint("source <> '' AND payee <> ''", name=op.f('ck_payment_named')),
    sa.CheckConstraint('amount_fen > 0', name=op.f('ck_payment_amount')),
    sa.CheckConstraint('released_by_id <> prepared_by_id', name=op.f('ck_payment_two_people')),
    sa.ForeignKeyConstraint(['community_id'], ['community.id'], name=op.f('fk_payment_community_id_community')),
    sa.ForeignKeyConstraint(['contract_id'], ['contract.id'], name=op.f('fk_payment_contract_id_contract')),
    sa.ForeignKeyConstraint(['contractor_id'], ['contractor.id'], name=op.f('fk_payment_contractor_id_contractor')),
    sa.ForeignKeyConstraint(['prepared_by_id'], ['user_account.id'], name=op.f('fk_payment_prepared_by_id_user_account')),
    sa.ForeignKeyConstraint(['released_by_id'], ['user_account.id'], name=op.f('fk_payment_released_by_id_user_account')),
    sa.ForeignKeyConstraint(['voided_by_id'], ['user_account.id'], name=op.f('fk_payment_voided_by_id_user_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_payment'))
    )
    with op.batch_alter_table('payment') as batch_op:
        batch_op.create_index(op.f('ix_payment_contractor_id_id'), ['contractor_id', 'id'], unique=False)
        batch_op.create_index(op.f('ix_payment_paid_on_id'), ['paid_on', 'id'], unique=False)
        batch_op.create_index(op.f('ix_payment_state_id'), ['state', 'id'], unique=False)
        batch_op.create_index('uq_payment_source', ['source'], unique=True, sqlite_where=sa.text("state NOT IN ('voided', 'reversed')"), postgresql_where=sa.text("state NOT IN ('voided', 'reversed')"))

    op.create_table('retention_deposit',
    sa.Column('id', ID, nullable=False),
    sa.Column('contract_id', ID, nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('voucher', sa.Text(), nullable=False),
    sa.Column('on', sa.Date(), nullable=False),
    sa.Column('entered_at', UtcDateTime(), nullable=False),
    sa.Column('entered_by_id', ID, nullable=False),
    sa.Column('settled_at', UtcDateTime(), nullable=True),
    sa.Column('settled_by_id', ID, nullable=True),
    sa.Column('agreed', sa.Boolean(), nullable=True),
    sa.Column('answer', sa.Text(), nullable=False),
    sa.Column('reversed_at', UtcDateTime(), nullable=True),
    sa.CheckConstraint("agreed IS NULL OR agreed = true OR answer <> ''", name=op.f('ck_retention_deposit_answer')),
    sa.CheckConstraint("voucher <> ''", name=op.f('ck_retention_deposit_voucher')),
    sa.CheckConstraint('(settled_at IS NULL) = (agreed IS NULL)', name=op.f('ck_retention_deposit_agreed')),
    sa.CheckConstraint('(settled_at IS NULL) = (settled_by_id IS NULL)', name=op.f('ck_retention_deposit_settled_by')),
    sa.CheckConstraint('amount_fen > 0', name=op.f('ck_retention_deposit_amount')),
    sa.CheckConstraint('settled_by_id <> entered_by_id', name=op.f('ck_retention_deposit_two_people')),
    sa.ForeignKeyConstraint(['contract_id'], ['contract.id'], name=op.f('fk_retention_deposit_contract_id_contract')),
    sa.ForeignKeyConstraint(['entered_by_id'], ['user_account.id'], name=op.f('fk_retention_deposit_entered_by_id_user_account')),
    sa.ForeignKeyConstraint(['settled_by_id'], ['user_account.id'], name=op.f('fk_retention_deposit_settled_by_id_user_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_retention_deposit'))
    )
    with op.batch_alter_table('retention_deposit') as batch_op:
        batch_op.create_index(op.f('ix_retention_deposit_contract_id'), ['contract_id'], unique=False)
        batch_op.create_index('uq_retention_deposit_waiting', ['contract_id'], unique=True, sqlite_where=sa.text('settled_at IS NULL'), postgresql_where=sa.text('settled_at IS NULL'))

    op.create_table('retention_release',
    sa.Column('id', ID, nullable=False),
    sa.Column('contract_id', ID, nullable=False),
    sa.Column('stage', sa.Enum('applied', 'verified', 'opined', 'paid', 'withdrawn', name='releasestage', native_enum=False, length=32), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('applied_on', sa.Date(), nullable=False),
    sa.Column('applied_fen', sa.BigInteger(), nullable=False),
    sa.Column('document', sa.Text(), nullable=False),
    sa.Column('entered_at', UtcDateTime(), nullable=False),
    sa.Column('entered_by_id', ID, nullable=False),
    sa.Column('reminded_on', sa.Date(), nullable=True),
    sa.Column('verified_on', sa.Date(), nullable=True),
    sa.Column('verification', sa.Text(), nullable=False),
    sa.Column('verified_at', UtcDateTime(), nullable=True),
    sa.Column('verified_by_id', ID, nullable=True),
    sa.Column('quality', sa.Integer(), nullable=True),
    sa.Column('cooperation', sa.Integer(), nullable=True),
    sa.Column('opinion', sa.Text(), nullable=False),
    sa.Column('open_items', sa.Text(), nullable=False),
    sa.Column('deduct_fen', sa.BigInteger(), nullable=True),
    sa.Column('release_fen', sa.BigInteger(), nullable=True),
    sa.Column('opined_at', UtcDateTime(), nullable=True),
    sa.Column('opined_by_id', ID, nullable=True),
    sa.Column('withdrawn_why', sa.Text(), nullable=False),
    sa.CheckConstraint("stage <> 'withdrawn' OR withdrawn_why <> ''", name=op.f('ck_retention_release_withdrawn')),
    sa.CheckConstraint("stage = 'applied' OR stage = 'withdrawn' OR verified_at IS NOT NULL", name=op.f('ck_retention_release_verified')),
    sa.CheckConstraint("stage NOT IN ('opined', 'paid') OR (opined_at IS NOT NULL AND verified_at IS NOT NULL AND opined_by_id IS NOT NULL AND release_fen IS NOT NULL AND opinion <> '')", name=op.f('ck_retention_release_opined')),
    sa.CheckConstraint('applied_fen > 0', name=op.f('ck_retention_release_applied')),
    sa.CheckConstraint('cooperation BETWEEN 0 AND 100', name=op.f('ck_retention_release_cooperation')),
    sa.CheckConstraint('deduct_fen >= 0 AND release_fen >= 0', name=op.f('ck_retention_release_amounts')),
    sa.CheckConstraint('quality BETWEEN 0 AND 100', name=op.f('ck_retention_release_quality')),
    sa.ForeignKeyConstraint(['contract_id'], ['contract.id'], name=op.f('fk_retention_release_contract_id_contract')),
    sa.ForeignKeyConstraint(['entered_by_id'], ['user_account.id'], name=op.f('fk_retention_release_entered_by_id_user_account')),
    sa.ForeignKeyConstraint(['opined_by_id'], ['user_account.id'], name=op.f('fk_retention_release_opined_by_id_user_account')),
    sa.ForeignKeyConstraint(['verified_by_id'], ['user_account.id'], name=op.f('fk_retention_release_verified_by_id_user_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_retention_release'))
    )
    with op.batch_alter_table('retention_release') as batch_op:
        batch_op.create_index(op.f('ix_retention_release_contract_id'), ['contract_id'], unique=False)
        batch_op.create_index('uq_retention_release_open', ['contract_id'], unique=True, sqlite_where=sa.text("stage NOT IN ('paid', 'withdrawn')"), postgresql_where=sa.text("stage NOT IN ('paid', 'withdrawn')"))

    op.create_table('bank_line',
    sa.Column('id', ID, nullable=False),
    sa.Column('file_id', ID, nullable=False),
    sa.Column('row', sa.Integer(), nullable=False),
    sa.Column('on', sa.Date(), nullable=False),
    sa.Column('reference', sa.Text(), nullable=False),
    sa.Column('payee', sa.Text(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('payment_id', ID, nullable=True),
    sa.Column('way', sa.Enum('reference', 'split', 'guess', name='way', native_enum=False, length=32), nullable=True),
    sa.ForeignKeyConstraint(['file_id'], ['bank_file.id'], name=op.f('fk_bank_line_file_id_bank_file')),
    sa.ForeignKeyConstraint(['payment_id'], ['payment.id'], name=op.f('fk_bank_line_payment_id_payment')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_bank_line')),
    sa.UniqueConstraint('file_id', 'row', name=op.f('uq_bank_line_file_id_row'))
    )
    with op.batch_alter_table('bank_line') as batch_op:
        batch_op.create_index(op.f('ix_bank_line_file_id_payment_id'), ['file_id', 'payment_id'], unique=False)
        batch_op.create_index(op.f('ix_bank_line_payment_id'), ['payment_id'], unique=False)

    op.create_table('ledger_entry',
    sa.Column('id', ID, nullable=False),
    sa.Column('on', sa.Date(), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('kind', sa.Enum('retention_opening', 'accrual', 'payment', 'deduction', 'receipt', 'retention_release', 'imprest_advance', 'imprest_replenishment', 'imprest_spending', 'imprest_count', 'imprest_clearing', 'reversal', name='entrykind', native_enum=False, length=32), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('turn', sa.Integer(), nullable=False),
    sa.Column('payment_id', ID, nullable=True),
    sa.Column('reverses_id', ID, nullable=True),
    sa.Column('by_id', ID, nullable=False),
    sa.CheckConstraint("(kind = 'reversal') = (reverses_id IS NOT NULL)", name=op.f('ck_ledger_entry_reversal')),
    sa.CheckConstraint("source <> ''", name=op.f('ck_ledger_entry_source')),
    sa.CheckConstraint("text <> ''", name=op.f('ck_ledger_entry_text')),
    sa.CheckConstraint('turn >= 0', name=op.f('ck_ledger_entry_turn')),
    sa.ForeignKeyConstraint(['by_id'], ['user_account.id'], name=op.f('fk_ledger_entry_by_id_user_account')),
    sa.ForeignKeyConstraint(['payment_id'], ['payment.id'], name=op.f('fk_ledger_entry_payment_id_payment')),
    sa.ForeignKeyConstraint(['reverses_id'], ['ledger_entry.id'], name=op.f('fk_ledger_entry_reverses_id_ledger_entry')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ledger_entry')),
    sa.UniqueConstraint('reverses_id', name=op.f('uq_ledger_entry_reverses_id')),
    sa.UniqueConstraint('source', 'kind', 'turn', name=op.f('uq_ledger_entry_source_kind_turn'))
    )
    with op.batch_alter_table('ledger_entry') as batch_op:
        batch_op.create_index(op.f('ix_ledger_entry_on_id'), ['on', 'id'], unique=False)
        batch_op.create_index(op.f('ix_ledger_entry_payment_id'), ['payment_id'], unique=False)

    op.create_table('ledger_line',
    sa.Column('id', ID, nullable=False),
    sa.Column('entry_id', ID, nullable=False),
    sa.Column('account_id', ID, nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.CheckConstraint('amount_fen <> 0', name=op.f('ck_ledger_line_amount')),
    sa.ForeignKeyConstraint(['account_id'], ['ledger_account.id'], name=op.f('fk_ledger_line_account_id_ledger_account')),
    sa.ForeignKeyConstraint(['entry_id'], ['ledger_entry.id'], name=op.f('fk_ledger_line_entry_id_ledger_entry'), initially='DEFERRED', deferrable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ledger_line'))
    )
    with op.batch_alter_table('ledger_line') as batch_op:
        batch_op.create_index(op.f('ix_ledger_line_account_id_id'), ['account_id', 'id'], unique=False)
        batch_op.create_index(op.f('ix_ledger_line_entry_id'), ['entry_id'], unique=False)

    op.create_table('reversal_request',
    sa.Column('id', ID, nullable=False),
    sa.Column('entry_id', ID, nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('asked_at', UtcDateTime(), nullable=False),
    sa.Column('asked_by_id', ID, nullable=False),
    sa.Column('settled_at', UtcDateTime(), nullable=True),
    sa.Column('settled_by_id', ID, nullable=True),
    sa.Column('agreed', sa.Boolean(), nullable=True),
    sa.Column('answer', sa.Text(), nullable=False),
    sa.CheckConstraint("agreed IS NULL OR agreed = true OR answer <> ''", name=op.f('ck_reversal_request_answer')),
    sa.CheckConstraint("reason <> ''", name=op.f('ck_reversal_request_reason')),
    sa.CheckConstraint('(settled_at IS NULL) = (agreed IS NULL)', name=op.f('ck_reversal_request_agreed')),
    sa.CheckConstraint('(settled_at IS NULL) = (settled_by_id IS NULL)', name=op.f('ck_reversal_request_settled_by')),
    sa.CheckConstraint('settled_by_id <> asked_by_id', name=op.f('ck_reversal_request_two_people')),
    sa.ForeignKeyConstraint(['asked_by_id'], ['user_account.id'], name=op.f('fk_reversal_request_asked_by_id_user_account')),
    sa.ForeignKeyConstraint(['entry_id'], ['ledger_entry.id'], name=op.f('fk_reversal_request_entry_id_ledger_entry')),
    sa.ForeignKeyConstraint(['settled_by_id'], ['user_account.id'], name=op.f('fk_reversal_request_settled_by_id_user_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reversal_request'))
    )
    with op.batch_alter_table('reversal_request') as batch_op:
        batch_op.create_index(op.f('ix_reversal_request_entry_id'), ['entry_id'], unique=False)
        batch_op.create_index('uq_reversal_request_waiting', ['entry_id'], unique=True, sqlite_where=sa.text('settled_at IS NULL'), postgresql_where=sa.text('settled_at IS NULL'))
    for statement in ddl.CREATE[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    for statement in ddl.DROP[op.get_bind().dialect.name]:
        op.execute(statement)
