"""the manager's own reason for a class, beside what was signed in the flat."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

NAME = "ck_survey_finding_reason_to_depart"


def upgrade() -> None:
    with op.batch_alter_table("survey_finding") as batch:
        batch.add_column(sa.Column("decided_why", sa.Text(), server_default="", nullable=False))
        batch.drop_constraint(op.f(NAME), type_="check")
    op.execute("UPDATE survey_finding SET decided_why = why WHERE decided <> suggested")
    with op.batch_alter_table("survey_finding") as batch:
        batch.alter_column("decided_why", existing_type=sa.Text(), server_default=None)
        batch.create_check_constraint(
            op.f(NAME), "decided IS NULL OR decided = suggested OR decided_why <> ''"
        )


def downgrade() -> None:
    with op.batch_alter_table("survey_finding") as batch:
        batch.drop_constraint(op.f(NAME), type_="check")
    op.execute("UPDATE survey_finding SET why = decided_why WHERE why = ''")
    with op.batch_alter_table("survey_finding") as batch:
        batch.create_check_constraint(
            op.f(NAME), "decided IS NULL OR decided = suggested OR why <> ''"
        )
        batch.drop_column("decided_why")
