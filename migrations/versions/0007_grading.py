"""grades by rules, and the papers of a major complaint."""

import sqlalchemy as sa
from alembic import op

from ticketing.kernel.db import UtcDateTime

revision = "0007"
down_revision = "0006"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MARKS = ("mark_safety", "mark_legal", "mark_media", "mark_structure")
WAITING = sa.text("settled_at IS NULL")
PHENOMENA = (
    ("leak", ("漏水", "渗水", "渗漏", "返潮", "滴水", "漏雨", "渗雨", "水渍", "水印")),
    ("crack", ("裂缝", "开裂", "裂纹")),
    ("hollow", ("空鼓",)),
    ("falling", ("脱落", "掉落", "剥落", "掉瓷砖")),
    ("sanding", ("起砂", "起皮", "起灰")),
    ("blockage", ("堵塞", "堵了", "反水", "倒灌", "返水")),
    ("electric", ("跳闸", "漏电", "断电", "短路")),
    ("cut_off", ("停水", "停电", "没水", "没电")),
    ("lift", ("电梯",)),
    ("warping", ("变形", "翘曲", "翘起", "下沉", "起拱")),
    ("fittings", ("门锁", "五金", "合页", "把手", "关不严")),
    ("smell", ("异味", "臭味", "反味", "返味")),
    ("noise", ("噪音", "噪声", "异响")),
    ("signal", ("没信号", "无信号", "对讲")),
)
"""The words as they stood when this migration was written; classified tickets that are still open get their cause."""


def _causes() -> None:
    connection = op.get_bind()
    rows = connection.execute(
        sa.text("SELECT id, category, content FROM ticket WHERE is_open AND category IS NOT NULL")
    ).all()
    found = []
    for ticket_id, category, content in rows:
        places = {
            name: min(hits)
            for name, words in PHENOMENA
            if (hits := [at for word in words if (at := content.find(word)) >= 0])
        }
        if places:
            first = min(places, key=lambda name: places[name])
            found.append({"id": ticket_id, "cause": f"{category}:{first}"})
    if found:
        connection.execute(sa.text("UPDATE ticket SET cause = :cause WHERE id = :id"), found)


def upgrade() -> None:
    """Go up."""
    with op.batch_alter_table("ticket", schema=None) as batch_op:
        batch_op.add_column(sa.Column("cause", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("claim_fen", sa.BigInteger(), nullable=True))
        for name in MARKS:
            batch_op.add_column(
                sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false())
            )
        batch_op.add_column(sa.Column("directed_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("minuted_at", UtcDateTime(), nullable=True))
        batch_op.add_column(
            sa.Column(
                "special",
                sa.Enum(
                    "drafted", "submitted", "instructed",
                    name="specialstage", native_enum=False, length=32,
                ),
                nullable=True,
            )
        )
        batch_op.add_column(sa.Column("papers", sa.Integer(), nullable=False, server_default="0"))
        batch_op.create_check_constraint(op.f("ck_ticket_claim"), "claim_fen > 0")
        batch_op.create_index(
            "ix_ticket_cause",
            ["community_id", "cause", "received_at", "unit_id"],
            unique=False,
            sqlite_where=sa.text("cause IS NOT NULL"),
            postgresql_where=sa.text("cause IS NOT NULL"),
        )
    _causes()
    with op.batch_alter_table("ticket", schema=None) as batch_op:
        for name in (*MARKS, "papers"):
            batch_op.alter_column(name, server_default=None)

    op.create_table(
        "overruling",
        sa.Column("id", ID, nullable=False),
        sa.Column("ticket_id", ID, nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("weight", sa.BigInteger(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("by_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["user_account.id"], name=op.f("fk_overruling_by_id_user_account")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_overruling_ticket_id_ticket")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_overruling")),
        sa.UniqueConstraint("ticket_id", "rule", name=op.f("uq_overruling_ticket_id_rule")),
    )
    op.create_table(
        "grade_proposal",
        sa.Column("id", ID, nullable=False),
        sa.Column("ticket_id", ID, nullable=False),
        sa.Column("grade", sa.Enum("general", "important", "major", name="grade", native_enum=False, length=32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_at", UtcDateTime(), nullable=False),
        sa.Column("proposed_by_id", ID, nullable=False),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.Column("settled_by_id", ID, nullable=True),
        sa.Column("agreed", sa.Boolean(), nullable=True),
        sa.CheckConstraint("(settled_at IS NULL) = (settled_by_id IS NULL)", name=op.f("ck_grade_proposal_settled")),
        sa.CheckConstraint("(settled_at IS NULL) = (agreed IS NULL)", name=op.f("ck_grade_proposal_answered")),
        sa.CheckConstraint("settled_by_id <> proposed_by_id", name=op.f("ck_grade_proposal_two_people")),
        sa.ForeignKeyConstraint(["proposed_by_id"], ["user_account.id"], name=op.f("fk_grade_proposal_proposed_by_id_user_account")),
        sa.ForeignKeyConstraint(["settled_by_id"], ["user_account.id"], name=op.f("fk_grade_proposal_settled_by_id_user_account")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_grade_proposal_ticket_id_ticket")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grade_proposal")),
    )
    with op.batch_alter_table("grade_proposal", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_grade_proposal_ticket_id_id"), ["ticket_id", "id"], unique=False)
        batch_op.create_index("uq_grade_proposal_waiting", ["ticket_id"], unique=True, sqlite_where=WAITING, postgresql_where=WAITING)
    _papers()


def _papers() -> None:
    op.create_table(
        "directive",
        sa.Column("id", ID, nullable=False),
        sa.Column("ticket_id", ID, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("by_id", ID, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["by_id"], ["user_account.id"], name=op.f("fk_directive_by_id_user_account")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_directive_ticket_id_ticket")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directive")),
    )
    with op.batch_alter_table("directive", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_directive_ticket_id_id"), ["ticket_id", "id"], unique=False)
    op.create_table(
        "directive_department",
        sa.Column("directive_id", ID, nullable=False),
        sa.Column("department_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name=op.f("fk_directive_department_department_id_department")),
        sa.ForeignKeyConstraint(["directive_id"], ["directive.id"], name=op.f("fk_directive_department_directive_id_directive")),
        sa.PrimaryKeyConstraint("directive_id", "department_id", name=op.f("pk_directive_department")),
    )
    op.create_table(
        "minutes",
        sa.Column("id", ID, nullable=False),
        sa.Column("ticket_id", ID, nullable=False),
        sa.Column("meeting", sa.Integer(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("by_id", ID, nullable=False),
        sa.Column("held_at", UtcDateTime(), nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in (
                "place", "chair", "present", "absent", "events", "cause", "demand", "legal", "plan",
                "cost", "approver", "spokesman", "wording", "risks", "issued_by",
            )
        ),
        sa.Column("next_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["by_id"], ["user_account.id"], name=op.f("fk_minutes_by_id_user_account")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_minutes_ticket_id_ticket")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_minutes")),
        sa.UniqueConstraint("ticket_id", "meeting", "edition", name=op.f("uq_minutes_ticket_id_meeting_edition")),
    )
    op.create_table(
        "assignment",
        sa.Column("id", ID, nullable=False),
        sa.Column("minutes_id", ID, nullable=False),
        sa.Column("matter", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("done_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["minutes_id"], ["minutes.id"], name=op.f("fk_assignment_minutes_id_minutes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assignment")),
    )
    with op.batch_alter_table("assignment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_assignment_minutes_id_id"), ["minutes_id", "id"], unique=False)
    op.create_table(
        "special_report",
        sa.Column("id", ID, nullable=False),
        sa.Column("ticket_id", ID, nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("by_id", ID, nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in (
                "background", "state", "cause", "responsibility", "done", "options", "proposal",
                "decisions", "attachments",
            )
        ),
        sa.Column("submitted_at", UtcDateTime(), nullable=True),
        sa.Column("submitted_by_id", ID, nullable=True),
        sa.Column("instruction", sa.Text(), nullable=False),
        sa.Column("instructed_at", UtcDateTime(), nullable=True),
        sa.Column("instructed_by_id", ID, nullable=True),
        sa.CheckConstraint("(submitted_at IS NULL) = (submitted_by_id IS NULL)", name=op.f("ck_special_report_submitted")),
        sa.CheckConstraint("instructed_at IS NULL OR submitted_at IS NOT NULL", name=op.f("ck_special_report_in_order")),
        sa.CheckConstraint("(instructed_at IS NULL) = (instruction = '')", name=op.f("ck_special_report_instructed")),
        sa.ForeignKeyConstraint(["by_id"], ["user_account.id"], name=op.f("fk_special_report_by_id_user_account")),
        sa.ForeignKeyConstraint(["instructed_by_id"], ["user_account.id"], name=op.f("fk_special_report_instructed_by_id_user_account")),
        sa.ForeignKeyConstraint(["submitted_by_id"], ["user_account.id"], name=op.f("fk_special_report_submitted_by_id_user_account")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_special_report_ticket_id_ticket")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_special_report")),
        sa.UniqueConstraint("ticket_id", "edition", name=op.f("uq_special_report_ticket_id_edition")),
    )


def downgrade() -> None:
    """Come back down."""
    for name in (
        "special_report", "assignment", "minutes", "directive_department", "directive",
        "grade_proposal", "overruling",
    ):
        op.drop_table(name)
    with op.batch_alter_table("ticket", schema=None) as batch_op:
        batch_op.drop_index("ix_ticket_cause")
        batch_op.drop_constraint(op.f("ck_ticket_claim"), type_="check")
        for name in ("papers", "special", "minuted_at", "directed_at", *MARKS, "claim_fen", "cause"):
            batch_op.drop_column(name)
