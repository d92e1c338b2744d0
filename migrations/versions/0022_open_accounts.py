"""what is open, prepared or reversed has indexes of its own; those of columns that are mostly empty hold nothing empty."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

NEW = {
    "ix_settlement_open": ("settlement", ["id", "community_id", "stage", "route", "order_class", "compiled_at"], "stage <> 'paid'"),
    "ix_settlement_notified": ("settlement", ["notified_at", "community_id"], "notified_at IS NOT NULL"),
    "ix_settlement_disputed": ("settlement", ["disputed_at", "community_id"], "disputed_at IS NOT NULL"),
    "ix_settlement_paid": ("settlement", ["paid_at", "community_id"], None),
    "ix_payment_prepared": ("payment", ["id", "amount_fen"], "state = 'prepared'"),
    "ix_ledger_entry_reversals": ("ledger_entry", ["reverses_id"], "reverses_id IS NOT NULL"),
    "ix_clock_report": ("clock", ["report_key", "kind"], "report_key IS NOT NULL"),
}  # fmt: skip
MOSTLY_EMPTY = (
    ("ticket", "merged_into_id"),
    ("customer", "merged_into_id"),
    ("work_order", "rework_of_id"),
    ("work_order", "contractor_id"),
    ("attachment", "defect_id"),
    ("settlement_line", "listed_id"),
    ("bank_line", "payment_id"),
    ("site_survey", "contractor_id"),
)


def upgrade() -> None:
    """Go up."""
    for name, (table, columns, condition) in NEW.items():
        _create(name, table, columns, condition)
    for table, column in MOSTLY_EMPTY:
        name = f"ix_{table}_{column}"
        op.drop_index(name, table)
        _create(name, table, [column], f"{column} IS NOT NULL")


def downgrade() -> None:
    """Come back down."""
    for table, column in MOSTLY_EMPTY:
        name = f"ix_{table}_{column}"
        op.drop_index(name, table)
        op.create_index(name, table, [column])
    for name, (table, _columns, _condition) in NEW.items():
        op.drop_index(name, table)


def _create(name: str, table: str, columns: list[str], condition: str | None) -> None:
    where = sa.text(condition) if condition else None
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
