"""labour and material struck out; the instant of an order's last rejection; indexes of the surveys that wait."""

import sqlalchemy as sa
from alembic import op

from ticketing.kernel.db import UtcDateTime

revision = "0015"
down_revision = "0014"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


UNDECIDED = sa.text("concluded_at IS NULL")


def upgrade() -> None:
    with op.batch_alter_table("site_survey") as batch_op:
        batch_op.drop_index("ix_site_survey_visit")
        batch_op.create_index("ix_site_survey_visit", ["stage", "visit_at"], sqlite_where=UNDECIDED, postgresql_where=UNDECIDED)
        batch_op.create_index("ix_site_survey_signed", ["signed_at", "id"])
    with op.batch_alter_table("work_order_use") as batch_op:
        batch_op.add_column(sa.Column("struck_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("struck_by_id", ID, nullable=True))
        batch_op.add_column(sa.Column("struck_reason", sa.Text(), nullable=False, server_default=""))
        batch_op.create_foreign_key(op.f("fk_work_order_use_struck_by_id_user_account"), "user_account", ["struck_by_id"], ["id"])
        batch_op.create_check_constraint(op.f("ck_work_order_use_struck_by"), "(struck_at IS NULL) = (struck_by_id IS NULL)")
        batch_op.create_check_constraint(op.f("ck_work_order_use_struck_reason"), "(struck_at IS NULL) = (struck_reason = '')")
    with op.batch_alter_table("work_order_use") as batch_op:
        batch_op.alter_column("struck_reason", server_default=None)

    with op.batch_alter_table("work_order") as batch_op:
        batch_op.add_column(sa.Column("rejected_at", UtcDateTime(), nullable=True))
    op.execute(
        "UPDATE work_order SET rejected_at = (SELECT max(journal_entry.at) FROM journal_entry"
        " WHERE journal_entry.subject = 'order' AND journal_entry.subject_id = work_order.id AND journal_entry.act = 'reject_work')"
        " WHERE rejection_count > 0"
    )
    with op.batch_alter_table("work_order") as batch_op:
        batch_op.create_check_constraint(op.f("ck_work_order_rejected_at"), "(rejection_count > 0) = (rejected_at IS NOT NULL)")


def downgrade() -> None:
    with op.batch_alter_table("site_survey") as batch_op:
        batch_op.drop_index("ix_site_survey_signed")
        batch_op.drop_index("ix_site_survey_visit")
        batch_op.create_index("ix_site_survey_visit", ["stage", "visit_at"])
    with op.batch_alter_table("work_order") as batch_op:
        batch_op.drop_constraint(op.f("ck_work_order_rejected_at"), type_="check")
        batch_op.drop_column("rejected_at")
    with op.batch_alter_table("work_order_use") as batch_op:
        batch_op.drop_constraint(op.f("fk_work_order_use_struck_by_id_user_account"), type_="foreignkey")
        for name in ("struck_by", "struck_reason"):
            batch_op.drop_constraint(op.f(f"ck_work_order_use_{name}"), type_="check")
        for name in ("struck_at", "struck_by_id", "struck_reason"):
            batch_op.drop_column(name)
