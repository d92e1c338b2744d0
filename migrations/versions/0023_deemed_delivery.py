"""a home's delivery may be the contract's deemed one; the day a community's common areas were handed over to the property company."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Go up; what was delivered before was delivered by a signed record."""
    with op.batch_alter_table("unit") as batch_op:
        batch_op.add_column(sa.Column("deemed_delivered", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("unit") as batch_op:
        batch_op.alter_column("deemed_delivered", server_default=None)
        batch_op.create_check_constraint(
            op.f("ck_unit_deemed_delivered"), "NOT deemed_delivered OR delivered_on IS NOT NULL"
        )
    with op.batch_alter_table("community") as batch_op:
        batch_op.add_column(sa.Column("handed_over_on", sa.Date(), nullable=True))


def downgrade() -> None:
    """Come back down; the dates stay without the word that they are deemed."""
    with op.batch_alter_table("community") as batch_op:
        batch_op.drop_column("handed_over_on")
    with op.batch_alter_table("unit") as batch_op:
        batch_op.drop_constraint(op.f("ck_unit_deemed_delivered"), type_="check")
        batch_op.drop_column("deemed_delivered")
