"""a report's list of new cases has a column of its own: the page of a report does not read it."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"

APART = {
    "sqlite": (
        "UPDATE report SET raw = coalesce(json_extract(figures, '$.raw'), '[]'),"
        " figures = json_remove(figures, '$.raw')"
    ),
    "postgresql": (
        "UPDATE report SET raw = coalesce(figures -> 'raw', '[]'),"
        " figures = (figures::jsonb - 'raw')::json"
    ),
}
TOGETHER = {
    "sqlite": "UPDATE report SET figures = json_set(figures, '$.raw', json(raw))",
    "postgresql": (
        "UPDATE report SET figures = (figures::jsonb || jsonb_build_object('raw', raw::jsonb))::json"
    ),
}


def upgrade() -> None:
    """Go up; the lists there are move."""
    op.add_column("report", sa.Column("raw", sa.JSON(), nullable=True))
    op.execute(APART[op.get_bind().dialect.name])
    with op.batch_alter_table("report") as batch_op:
        batch_op.alter_column("raw", existing_type=sa.JSON(), nullable=False)


def downgrade() -> None:
    """Come back down; the lists move back."""
    op.execute(TOGETHER[op.get_bind().dialect.name])
    with op.batch_alter_table("report") as batch_op:
        batch_op.drop_column("raw")
