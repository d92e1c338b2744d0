"""clocks, their events and extensions."""

import sqlalchemy as sa
from alembic import op

from ticketing.kernel.db import UtcDateTime

revision = "0003"
down_revision = "0002"

INSTANTS = ("dispatched_at", "fed_back_at", "resolved_at", "called_back_at")
"""What the clocks now say: when each step began and when it was done."""


KINDS = (
    # kind, owner, started, due, done, done when, which tickets
    ("complaint", True, "received_at", "complaint_due_on", "closed_at", "not is_open", "1 = 1"),
    ("dept_feedback", True, "dispatched_at", "feedback_due_on", "fed_back_at",
     "fed_back_at IS NOT NULL OR not is_open",
     "feedback_due_on IS NOT NULL AND dispatched_at IS NOT NULL"),
    ("callback", False, "resolved_at", "callback_due_on", "called_back_at",
     "called_back_at IS NOT NULL OR not is_open",
     "callback_due_on IS NOT NULL AND resolved_at IS NOT NULL"),
    ("dispatching", False, "registered_at", "due_on", "closed_at", "not is_open",
     "stage = 'registered'"),
)


def _hour(day: str, minutes: int) -> str:
    """A UTC time of day of a date column, as the engine in use stores instants."""
    if op.get_context().dialect.name == "sqlite":
        return f"strftime('%Y-%m-%d %H:%M:%f', {day}, '+{minutes} minutes') || '000'"
    return f"({day} + interval '{minutes} minutes')"


def _start_clocks() -> None:
    """Clocks for the tickets there are. Half and four fifths of their time are past telling."""
    left = "stage IN ('invalid', 'withdrawn', 'merged')"
    for kind, owner, started, due, done, ended, which in KINDS:
        owed = "department_id, handler_id" if owner else "NULL, NULL"
        finished = f"coalesce({done}, closed_at)"
        op.execute(
            f"""
            INSERT INTO clock (kind, ticket_id, community_id, department_id, handler_id, round,
                started_at, original_due_on, due_on, due_at, provisional, policy, calendar_edition,
                state, stopped_at, late, extensions, rung, next_at)
            SELECT '{kind}', id, community_id, {owed}, 1, {started}, {due}, {due},
                {_hour(due, 570)}, false, 1, 0,
                CASE WHEN NOT ({ended}) THEN 'running'
                     WHEN {left} AND {done} IS NULL OR {left} AND '{kind}' = 'complaint'
                     THEN 'cancelled' ELSE 'met' END,
                CASE WHEN {ended} THEN {finished} END,
                ({ended}) AND {finished} >= {_hour(due, 960)},
                0, 3, CASE WHEN NOT ({ended}) THEN {_hour(due, 60)} END
            FROM ticket WHERE {which}
            """
        )
    op.execute(
        """
        INSERT INTO clock_event (clock_id, kind, level, at, policy, calendar_edition, due_on)
        SELECT id, 'started', '', started_at, policy, calendar_edition, due_on FROM clock
        """
    )


def _give_back() -> None:
    """Write onto the tickets what their newest clocks say."""
    for kind, columns in (
        ("dept_feedback", ("dispatched_at", "feedback_due_on", "fed_back_at")),
        ("callback", ("resolved_at", "callback_due_on", "called_back_at")),
    ):
        for column, value in zip(columns, ("started_at", "due_on", "stopped_at"), strict=True):
            state = "AND state = 'met'" if value == "stopped_at" else ""
            op.execute(
                f"""
                UPDATE ticket SET {column} = (
                    SELECT {value} FROM clock WHERE ticket_id = ticket.id AND kind = '{kind}' {state}
                    ORDER BY id DESC LIMIT 1)
                """
            )


def upgrade() -> None:
    """Go up."""
    op.create_table('clock',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('kind', sa.Enum('dispatching', 'dept_feedback', 'complaint', 'callback', 'emergency', 'escalation', 'weekly_report', 'site_survey', 'order_issue', 'repair', 'cost_statement', 'cs_review', 'audit', 'contractor_confirmation', 'certification', 'payment', name='clockkind', native_enum=False, length=32), nullable=False),
    sa.Column('ticket_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('report_key', sa.Text(), nullable=True),
    sa.Column('office_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('community_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('department_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('handler_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('round', sa.Integer(), nullable=False),
    sa.Column('started_at', UtcDateTime(), nullable=False),
    sa.Column('original_due_on', sa.Date(), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('due_at', UtcDateTime(), nullable=False),
    sa.Column('provisional', sa.Boolean(), nullable=False),
    sa.Column('policy', sa.Integer(), nullable=False),
    sa.Column('calendar_edition', sa.Integer(), nullable=False),
    sa.Column('state', sa.Enum('running', 'met', 'cancelled', name='clockstate', native_enum=False, length=32), nullable=False),
    sa.Column('stopped_at', UtcDateTime(), nullable=True),
    sa.Column('late', sa.Boolean(), nullable=False),
    sa.Column('extensions', sa.Integer(), nullable=False),
    sa.Column('rung', sa.Integer(), nullable=False),
    sa.Column('next_at', UtcDateTime(), nullable=True),
    sa.CheckConstraint("(state = 'running') = (stopped_at IS NULL)", name=op.f('ck_clock_stopped_at')),
    sa.CheckConstraint("state = 'running' OR next_at IS NULL", name=op.f('ck_clock_silent_when_stopped')),
    sa.CheckConstraint('(ticket_id IS NULL) <> (report_key IS NULL)', name=op.f('ck_clock_one_paper')),
    sa.ForeignKeyConstraint(['community_id'], ['community.id'], name=op.f('fk_clock_community_id_community')),
    sa.ForeignKeyConstraint(['department_id'], ['department.id'], name=op.f('fk_clock_department_id_department')),
    sa.ForeignKeyConstraint(['handler_id'], ['user_account.id'], name=op.f('fk_clock_handler_id_user_account')),
    sa.ForeignKeyConstraint(['office_id'], ['service_office.id'], name=op.f('fk_clock_office_id_service_office')),
    sa.ForeignKeyConstraint(['ticket_id'], ['ticket.id'], name=op.f('fk_clock_ticket_id_ticket')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_clock')),
    sa.UniqueConstraint('report_key', 'kind', name=op.f('uq_clock_report_key_kind'))
    )

    with op.batch_alter_table('clock', schema=None) as batch_op:
        batch_op.create_index('ix_clock_board', ['handler_id', 'kind', 'due_at', 'community_id', 'department_id', 'office_id', 'state'], unique=False, sqlite_where=sa.text("state = 'running'"), postgresql_where=sa.text("state = 'running'"))
        batch_op.create_index('ix_clock_next_due', ['due_at', 'id', 'handler_id', 'kind', 'community_id', 'department_id', 'office_id', 'state'], unique=False, sqlite_where=sa.text("state = 'running'"), postgresql_where=sa.text("state = 'running'"))
        batch_op.create_index('ix_clock_due', ['kind', 'due_on', 'community_id'], unique=False)
        batch_op.create_index('ix_clock_next', ['next_at'], unique=False, sqlite_where=sa.text("state = 'running'"), postgresql_where=sa.text("state = 'running'"))
        batch_op.create_index('ix_clock_original_due', ['kind', 'original_due_on', 'community_id'], unique=False)
        batch_op.create_index('ix_clock_started', ['kind', 'started_at', 'community_id'], unique=False)
        batch_op.create_index('ix_clock_ticket', ['ticket_id', 'id'], unique=False)
        batch_op.create_index('uq_clock_running', ['ticket_id', 'kind'], unique=True, sqlite_where=sa.text("state = 'running'"), postgresql_where=sa.text("state = 'running'"))

    op.create_table('clock_event',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('clock_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('kind', sa.Enum('started', 'warned', 'extended', 'recalculated', 'breached', 'met', 'cancelled', name='clockeventkind', native_enum=False, length=32), nullable=False),
    sa.Column('level', sa.Text(), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('policy', sa.Integer(), nullable=False),
    sa.Column('calendar_edition', sa.Integer(), nullable=False),
    sa.Column('due_from', sa.Date(), nullable=True),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.ForeignKeyConstraint(['clock_id'], ['clock.id'], name=op.f('fk_clock_event_clock_id_clock')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_clock_event')),
    sa.UniqueConstraint('clock_id', 'kind', 'level', 'due_on', name=op.f('uq_clock_event_clock_id_kind_level_due_on'))
    )

    op.create_table('clock_extension',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('clock_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('by_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('due_from', sa.Date(), nullable=False),
    sa.Column('due_to', sa.Date(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('consent_by', sa.Text(), nullable=False),
    sa.Column('consent_at', UtcDateTime(), nullable=False),
    sa.Column('consent_way', sa.Enum('signed', 'message', 'recording', 'email', name='consentway', native_enum=False, length=32), nullable=False),
    sa.Column('evidence', sa.Text(), nullable=False),
    sa.CheckConstraint("consent_by <> '' AND evidence <> '' AND reason <> ''", name=op.f('ck_clock_extension_consent')),
    sa.CheckConstraint('due_to > due_from', name=op.f('ck_clock_extension_later')),
    sa.ForeignKeyConstraint(['by_id'], ['user_account.id'], name=op.f('fk_clock_extension_by_id_user_account')),
    sa.ForeignKeyConstraint(['clock_id'], ['clock.id'], name=op.f('fk_clock_extension_clock_id_clock')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_clock_extension'))
    )

    with op.batch_alter_table('clock_extension', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_clock_extension_clock_id'), ['clock_id'], unique=False)

    with op.batch_alter_table("ticket", schema=None) as batch_op:
        batch_op.add_column(sa.Column("urgent", sa.Boolean(), nullable=False, server_default=sa.false()))
    _start_clocks()
    with op.batch_alter_table("ticket", schema=None) as batch_op:
        batch_op.alter_column("urgent", server_default=None)
        for name in ("feedback_due_on", "callback_due_on"):
            batch_op.drop_index(f"ix_ticket_{name}")
            batch_op.drop_column(name)
        for name in INSTANTS:
            batch_op.drop_column(name)


def downgrade() -> None:
    """Come back down."""
    with op.batch_alter_table("ticket", schema=None) as batch_op:
        batch_op.drop_column("urgent")
        for name in ("feedback_due_on", "callback_due_on"):
            batch_op.add_column(sa.Column(name, sa.Date(), nullable=True))
            batch_op.create_index(f"ix_ticket_{name}", [name])
        for name in INSTANTS:
            batch_op.add_column(sa.Column(name, UtcDateTime(), nullable=True))
    _give_back()
    op.drop_table('clock_extension')
    op.drop_table('clock_event')
    op.drop_table('clock')
