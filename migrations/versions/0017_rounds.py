"""rounds of approval: kind, what was summed, emergency first, approval again."""

import sqlalchemy as sa
from alembic import op

from ticketing.kernel.db import UtcDateTime

revision = "0017"
down_revision = "0016"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "approval_round",
        sa.Column("order_id", ID, nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("tier_fen", sa.BigInteger(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("opened_by_id", ID, nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "amount_fen > 0 AND tier_fen >= amount_fen", name=op.f("ck_approval_round_amounts")
        ),
        sa.CheckConstraint(
            "(outcome = 'open') = (closed_at IS NULL)", name=op.f("ck_approval_round_closed")
        ),
        sa.CheckConstraint(
            "kind <> 'supplement' OR basis <> ''", name=op.f("ck_approval_round_basis")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["work_order.id"], name=op.f("fk_approval_round_order_id_work_order")
        ),
        sa.ForeignKeyConstraint(
            ["opened_by_id"],
            ["user_account.id"],
            name=op.f("fk_approval_round_opened_by_id_user_account"),
        ),
        sa.PrimaryKeyConstraint("order_id", "round", name=op.f("pk_approval_round")),
    )
    under_way = sa.text("outcome = 'open'")
    op.create_index(
        "uq_approval_round_open",
        "approval_round",
        ["order_id"],
        unique=True,
        sqlite_where=under_way,
        postgresql_where=under_way,
    )
    op.create_table(
        "approval_sum",
        sa.Column("order_id", ID, nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("summed_id", ID, nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("summed_id <> order_id", name=op.f("ck_approval_sum_another")),
        sa.ForeignKeyConstraint(
            ["order_id", "round"],
            ["approval_round.order_id", "approval_round.round"],
            name=op.f("fk_approval_sum_order_id_round_approval_round"),
        ),
        sa.ForeignKeyConstraint(
            ["summed_id"], ["work_order.id"], name=op.f("fk_approval_sum_summed_id_work_order")
        ),
        sa.PrimaryKeyConstraint("order_id", "round", "summed_id", name=op.f("pk_approval_sum")),
    )
    with op.batch_alter_table("work_order") as batch:
        batch.add_column(sa.Column("emergency", sa.Text(), server_default="", nullable=False))
    with op.batch_alter_table("work_order") as batch:
        batch.alter_column("emergency", existing_type=sa.Text(), server_default=None)
    _rounds_of_what_was_approved()


def _rounds_of_what_was_approved() -> None:
    """One row for each round known by its steps, with who handed it in as the journal says."""
    connection = op.get_bind()
    asked: dict[int, list[tuple[object, int]]] = {}
    for order_id, at, actor_id in connection.execute(
        sa.text(
            "SELECT subject_id, at, actor_id FROM journal_entry"
            " WHERE subject = 'order' AND act = 'submit_order' ORDER BY id"
        )
    ):
        asked.setdefault(order_id, []).append((at, actor_id))
    steps = connection.execute(
        sa.text(
            "SELECT s.order_id, s.round, max(s.amount_fen), count(*), count(s.verdict),"
            " max(CASE WHEN s.verdict = 'returned' THEN 1 ELSE 0 END), max(s.at),"
            " o.drafted_at, o.drafted_by_id, o.approval_round, o.stage"
            " FROM approval_step s JOIN work_order o ON o.id = s.order_id"
            " GROUP BY s.order_id, s.round, o.drafted_at, o.drafted_by_id, o.approval_round, o.stage"
        )
    ).all()
    rows = []
    for order_id, round_, fen, places, answers, returned, last_at, drafted_at, by, latest, stage in steps:
        known = asked.get(order_id, [])
        opened_at, opened_by = known[round_ - 1] if len(known) >= round_ else (drafted_at, by)
        if returned:
            outcome = "returned"
        elif answers == places:
            outcome = "void" if stage == "draft" or round_ != latest else "approved"
        else:
            outcome = "open" if stage == "approving" and round_ == latest else "void"
        rows.append(
            {
                "order_id": order_id,
                "round": round_,
                "kind": "estimate",
                "amount_fen": fen,
                "tier_fen": fen,
                "basis": "",
                "opened_at": opened_at,
                "opened_by_id": opened_by,
                "outcome": outcome,
                "closed_at": None if outcome == "open" else last_at or opened_at,
            }
        )
    if rows:
        table = sa.table("approval_round", *(sa.column(name) for name in rows[0]))
        connection.execute(table.insert(), rows)


def downgrade() -> None:
    with op.batch_alter_table("work_order") as batch:
        batch.drop_column("emergency")
    op.drop_table("approval_sum")
    op.drop_table("approval_round")
