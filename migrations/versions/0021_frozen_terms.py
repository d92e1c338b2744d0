"""an account keeps what the agreement said of silence when its contractor was notified; why a deposit was asked back early; employee numbers in one spelling."""

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

USER = sa.table("user_account", sa.column("id", sa.BigInteger), sa.column("employee_number", sa.Text))


def upgrade() -> None:
    """Go up; accounts notified before take the contract's present text, by which they were counted until now."""
    with op.batch_alter_table("settlement") as batch_op:
        batch_op.add_column(sa.Column("silence_confirms", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("agreement", sa.Text(), nullable=False, server_default=""))
    with op.batch_alter_table("settlement") as batch_op:
        batch_op.alter_column("silence_confirms", server_default=None)
        batch_op.alter_column("agreement", server_default=None)
    op.execute(
        "UPDATE settlement SET"
        " silence_confirms = (SELECT deemed_confirmation FROM contract WHERE contract.id = settlement.contract_id),"
        " agreement = (SELECT agreement FROM contract WHERE contract.id = settlement.contract_id)"
        " WHERE notified_at IS NOT NULL AND contract_id IS NOT NULL"
    )
    with op.batch_alter_table("retention_release") as batch_op:
        batch_op.add_column(sa.Column("early", sa.Text(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("early_why", sa.Text(), nullable=False, server_default=""))
    with op.batch_alter_table("retention_release") as batch_op:
        batch_op.alter_column("early", server_default=None)
        batch_op.alter_column("early_why", server_default=None)
        batch_op.create_check_constraint(op.f("ck_retention_release_early"), "(early = '') = (early_why = '')")
    connection = op.get_bind()
    for user_id, typed in connection.execute(sa.select(USER.c.id, USER.c.employee_number)).all():
        number = "".join(unicodedata.normalize("NFKC", typed).split()).upper()
        if number != typed:
            connection.execute(sa.update(USER).where(USER.c.id == user_id).values(employee_number=number))


def downgrade() -> None:
    """Come back down; the one spelling of employee numbers stays."""
    with op.batch_alter_table("retention_release") as batch_op:
        batch_op.drop_constraint(op.f("ck_retention_release_early"), type_="check")
        batch_op.drop_column("early_why")
        batch_op.drop_column("early")
    with op.batch_alter_table("settlement") as batch_op:
        batch_op.drop_column("agreement")
        batch_op.drop_column("silence_confirms")
