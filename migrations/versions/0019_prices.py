"""price lists of contracts in dated versions; by which of them an account goes, and the listed price beside each line."""

import sqlalchemy as sa
from alembic import op

from ticketing.kernel.db import UtcDateTime
from ticketing.masters.prices import ddl

revision = "0019"
down_revision = "0018"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
CODED = sa.text("code_key <> ''")


def upgrade() -> None:
    """Go up."""
    op.create_table('price_list',
    sa.Column('id', ID, nullable=False),
    sa.Column('contract_id', ID, nullable=False),
    sa.Column('edition', sa.Integer(), nullable=False),
    sa.Column('basis', sa.Enum('exclusive', 'inclusive', name='pricebasis', native_enum=False, length=32), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('based_on_id', ID, nullable=True),
    sa.Column('state', sa.Enum('draft', 'proposed', 'in_force', 'declined', 'dropped', name='liststate', native_enum=False, length=32), nullable=False),
    sa.Column('entered_at', UtcDateTime(), nullable=False),
    sa.Column('entered_by_id', ID, nullable=False),
    sa.Column('proposed_at', UtcDateTime(), nullable=True),
    sa.Column('decided_at', UtcDateTime(), nullable=True),
    sa.Column('decided_by_id', ID, nullable=True),
    sa.Column('answer', sa.Text(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('edition >= 1', name=op.f('ck_price_list_edition')),
    sa.CheckConstraint("reason <> ''", name=op.f('ck_price_list_reason')),
    sa.CheckConstraint("decided_by_id <> entered_by_id OR state NOT IN ('in_force', 'declined')", name=op.f('ck_price_list_two_people')),
    sa.CheckConstraint("state = 'dropped' OR (state = 'draft') = (proposed_at IS NULL)", name=op.f('ck_price_list_proposed')),
    sa.CheckConstraint("(state IN ('draft', 'proposed')) = (decided_at IS NULL)", name=op.f('ck_price_list_decided')),
    sa.CheckConstraint('(decided_at IS NULL) = (decided_by_id IS NULL)', name=op.f('ck_price_list_decided_by')),
    sa.CheckConstraint("state <> 'declined' OR answer <> ''", name=op.f('ck_price_list_answer')),
    sa.ForeignKeyConstraint(['contract_id'], ['contract.id'], name=op.f('fk_price_list_contract_id_contract')),
    sa.ForeignKeyConstraint(['based_on_id'], ['price_list.id'], name=op.f('fk_price_list_based_on_id_price_list')),
    sa.ForeignKeyConstraint(['entered_by_id'], ['user_account.id'], name=op.f('fk_price_list_entered_by_id_user_account')),
    sa.ForeignKeyConstraint(['decided_by_id'], ['user_account.id'], name=op.f('fk_price_list_decided_by_id_user_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_price_list')),
    sa.UniqueConstraint('contract_id', 'edition', name=op.f('uq_price_list_contract_id_edition'))
    )
    with op.batch_alter_table('price_list') as batch_op:
        for state in ('draft', 'proposed'):
            condition = sa.text(f"state = '{state}'")
            batch_op.create_index(f'uq_price_list_{state}', ['contract_id'], unique=True, sqlite_where=condition, postgresql_where=condition)
        batch_op.create_index('ix_price_list_in_force', ['contract_id', 'state', 'valid_from'], unique=False)

    op.create_table('price_line',
    sa.Column('id', ID, nullable=False),
    sa.Column('list_id', ID, nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('item', sa.Text(), nullable=False),
    sa.Column('unit', sa.Text(), nullable=False),
    sa.Column('price_milli', sa.BigInteger(), nullable=False),
    sa.Column('labour_milli', sa.BigInteger(), nullable=True),
    sa.Column('material_milli', sa.BigInteger(), nullable=True),
    sa.Column('machine_milli', sa.BigInteger(), nullable=True),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('code_key', sa.Text(), nullable=False),
    sa.Column('item_key', sa.Text(), nullable=False),
    sa.Column('words', sa.Text(), nullable=False),
    sa.CheckConstraint("item <> '' AND unit <> ''", name=op.f('ck_price_line_named')),
    sa.CheckConstraint('price_milli > 0', name=op.f('ck_price_line_price')),
    sa.CheckConstraint('labour_milli >= 0 AND material_milli >= 0 AND machine_milli >= 0', name=op.f('ck_price_line_parts')),
    sa.ForeignKeyConstraint(['list_id'], ['price_list.id'], name=op.f('fk_price_line_list_id_price_list')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_price_line')),
    sa.UniqueConstraint('list_id', 'position', name=op.f('uq_price_line_list_id_position')),
    sa.UniqueConstraint('list_id', 'item_key', name=op.f('uq_price_line_list_id_item_key'))
    )
    with op.batch_alter_table('price_line') as batch_op:
        batch_op.create_index('uq_price_line_code', ['list_id', 'code_key'], unique=True, sqlite_where=CODED, postgresql_where=CODED)

    op.create_table('settlement_price_list',
    sa.Column('settlement_id', ID, nullable=False),
    sa.Column('list_id', ID, nullable=False),
    sa.ForeignKeyConstraint(['settlement_id'], ['settlement.id'], name=op.f('fk_settlement_price_list_settlement_id_settlement')),
    sa.ForeignKeyConstraint(['list_id'], ['price_list.id'], name=op.f('fk_settlement_price_list_list_id_price_list')),
    sa.PrimaryKeyConstraint('settlement_id', 'list_id', name=op.f('pk_settlement_price_list'))
    )
    with op.batch_alter_table('settlement_price_list') as batch_op:
        batch_op.create_index(op.f('ix_settlement_price_list_list_id'), ['list_id'], unique=False)

    with op.batch_alter_table('settlement_line') as batch_op:
        batch_op.add_column(sa.Column('listed_id', ID, nullable=True))
        batch_op.create_foreign_key(op.f('fk_settlement_line_listed_id_price_line'), 'price_line', ['listed_id'], ['id'])
        batch_op.create_index(op.f('ix_settlement_line_listed_id'), ['listed_id'], unique=False)
    for statement in ddl.CREATE[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    """Come back down."""
    with op.batch_alter_table('settlement_line') as batch_op:
        batch_op.drop_index(op.f('ix_settlement_line_listed_id'))
        batch_op.drop_constraint(op.f('fk_settlement_line_listed_id_price_line'), type_='foreignkey')
        batch_op.drop_column('listed_id')
    op.drop_table('settlement_price_list')
    op.drop_table('price_line')
    op.drop_table('price_list')
    for statement in ddl.DROP[op.get_bind().dialect.name]:
        op.execute(statement)
