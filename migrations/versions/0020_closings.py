"""closings of the books 结账: through which day, asked and agreed to; no entry is dated into what is closed."""

import sqlalchemy as sa
from alembic import op

from ticketing.books.ledger import ddl
from ticketing.kernel.db import UtcDateTime

revision = "0020"
down_revision = "0019"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Go up."""
    op.create_table('ledger_closing',
    sa.Column('id', ID, nullable=False),
    sa.Column('kind', sa.Enum('close', 'reopen', name='closingkind', native_enum=False, length=32), nullable=False),
    sa.Column('through', sa.Date(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('asked_at', UtcDateTime(), nullable=False),
    sa.Column('asked_by_id', ID, nullable=False),
    sa.Column('settled_at', UtcDateTime(), nullable=True),
    sa.Column('settled_by_id', ID, nullable=True),
    sa.Column('agreed', sa.Boolean(), nullable=True),
    sa.Column('answer', sa.Text(), nullable=False),
    sa.Column('last_entry', sa.BigInteger(), nullable=True),
    sa.CheckConstraint("kind = 'close' OR reason <> ''", name=op.f('ck_ledger_closing_reason')),
    sa.CheckConstraint('settled_by_id <> asked_by_id', name=op.f('ck_ledger_closing_two_people')),
    sa.CheckConstraint('(settled_at IS NULL) = (settled_by_id IS NULL)', name=op.f('ck_ledger_closing_settled_by')),
    sa.CheckConstraint('(settled_at IS NULL) = (agreed IS NULL)', name=op.f('ck_ledger_closing_agreed')),
    sa.CheckConstraint("agreed IS NULL OR agreed = true OR answer <> ''", name=op.f('ck_ledger_closing_answer')),
    sa.CheckConstraint('coalesce(agreed, false) = (last_entry IS NOT NULL)', name=op.f('ck_ledger_closing_last_entry')),
    sa.ForeignKeyConstraint(['asked_by_id'], ['user_account.id'], name=op.f('fk_ledger_closing_asked_by_id_user_account')),
    sa.ForeignKeyConstraint(['settled_by_id'], ['user_account.id'], name=op.f('fk_ledger_closing_settled_by_id_user_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ledger_closing'))
    )
    for statement in ddl.CREATE_CLOSING[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    """Come back down."""
    engine = op.get_bind().dialect.name
    op.execute(ddl.UNGUARD_ENTRIES[engine])
    op.drop_table('ledger_closing')
    for statement in ddl.DROP_CLOSING[engine]:
        op.execute(statement)
