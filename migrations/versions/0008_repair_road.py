"""the repair road: contractors, teams, defects, pictures, surveys, work orders."""

import sqlalchemy as sa
from alembic import op

from ticketing.kernel.db import UtcDateTime

revision = "0008"
down_revision = "0007"

TABLES = (
    "contractor", "contract", "repair_team", "warranty_promise", "contract_trade", "team_area", "worker", "defect",
    "site_survey", "survey_finding", "work_order", "approval_step", "attachment", "work_order_item", "work_order_use",
    "work_order_worker", "survey_box",
)  # fmt: skip

PROPERTY_OFFICE = ("property_contact", "property_phone")

RUNNING = (
    ("uq_clock_running", "ticket_id", sa.text("state = 'running' AND order_id IS NULL")),
    ("uq_clock_order", "order_id", sa.text("state = 'running' AND order_id IS NOT NULL")),
)

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table('contractor',
    sa.Column('id', ID, nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('contact', sa.Text(), nullable=False),
    sa.Column('phone', sa.Text(), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_contractor')),
    sa.UniqueConstraint('name', name=op.f('uq_contractor_name'))
    )
    op.create_table('contract',
    sa.Column('id', ID, nullable=False),
    sa.Column('number', sa.Text(), nullable=False),
    sa.Column('contractor_id', ID, nullable=False),
    sa.Column('community_id', ID, nullable=False),
    sa.Column('completed_on', sa.Date(), nullable=True),
    sa.Column('liability_months', sa.Integer(), nullable=False),
    sa.Column('retention_fen', sa.BigInteger(), nullable=False),
    sa.Column('agreement', sa.Text(), nullable=False),
    sa.Column('deemed_confirmation', sa.Boolean(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('liability_months >= 0', name=op.f('ck_contract_liability')),
    sa.CheckConstraint('retention_fen >= 0', name=op.f('ck_contract_retention')),
    sa.ForeignKeyConstraint(['community_id'], ['community.id'], name=op.f('fk_contract_community_id_community')),
    sa.ForeignKeyConstraint(['contractor_id'], ['contractor.id'], name=op.f('fk_contract_contractor_id_contractor')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_contract')),
    sa.UniqueConstraint('number', name=op.f('uq_contract_number'))
    )
    with op.batch_alter_table('contract') as batch_op:
        batch_op.create_index(op.f('ix_contract_community_id'), ['community_id'], unique=False)
        batch_op.create_index(op.f('ix_contract_contractor_id'), ['contractor_id'], unique=False)

    op.create_table('repair_team',
    sa.Column('id', ID, nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('captain_id', ID, nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['captain_id'], ['user_account.id'], name=op.f('fk_repair_team_captain_id_user_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_repair_team')),
    sa.UniqueConstraint('name', name=op.f('uq_repair_team_name'))
    )
    with op.batch_alter_table('repair_team') as batch_op:
        batch_op.create_index(op.f('ix_repair_team_captain_id'), ['captain_id'], unique=False)

    op.create_table('warranty_promise',
    sa.Column('id', ID, nullable=False),
    sa.Column('community_id', ID, nullable=True),
    sa.Column('part', sa.Enum('STRUCT', 'ROOF_WP', 'WET_WP', 'INSUL', 'HVAC', 'ELEC', 'PLUMB', 'EQUIP', 'DECOR', 'PLASTER', 'FLOOR', 'DOORWIN', 'SANITARY', 'LAMP', 'BLOCK', 'LANDSCAPE', 'ROAD', 'OTHER', name='part', native_enum=False, length=32), nullable=False),
    sa.Column('owner_months', sa.Integer(), nullable=True),
    sa.Column('contractor_months', sa.Integer(), nullable=True),
    sa.Column('since', sa.Date(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('until', sa.Date(), nullable=True),
    sa.Column('withdrawn', sa.Boolean(), nullable=False),
    sa.Column('ended_why', sa.Text(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("(until IS NULL AND withdrawn = false) OR ended_why <> ''", name=op.f('ck_warranty_promise_ended_why')),
    sa.CheckConstraint('until IS NULL OR until >= since', name=op.f('ck_warranty_promise_until')),
    sa.CheckConstraint('owner_months IS NOT NULL OR contractor_months IS NOT NULL', name=op.f('ck_warranty_promise_some_months')),
    sa.ForeignKeyConstraint(['community_id'], ['community.id'], name=op.f('fk_warranty_promise_community_id_community')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_warranty_promise'))
    )
    with op.batch_alter_table('warranty_promise') as batch_op:
        batch_op.create_index(op.f('ix_warranty_promise_community_id'), ['community_id'], unique=False)

    op.create_table('contract_trade',
    sa.Column('id', ID, nullable=False),
    sa.Column('contract_id', ID, nullable=False),
    sa.Column('trade', sa.Enum('civil', 'decoration', 'plumbing_electric', 'intelligent', 'lift', 'landscape', 'other', name='trade', native_enum=False, length=32), nullable=False),
    sa.ForeignKeyConstraint(['contract_id'], ['contract.id'], name=op.f('fk_contract_trade_contract_id_contract')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_contract_trade')),
    sa.UniqueConstraint('contract_id', 'trade', name=op.f('uq_contract_trade_contract_id_trade'))
    )
    op.create_table('team_area',
    sa.Column('id', ID, nullable=False),
    sa.Column('team_id', ID, nullable=False),
    sa.Column('community_id', ID, nullable=False),
    sa.ForeignKeyConstraint(['community_id'], ['community.id'], name=op.f('fk_team_area_community_id_community')),
    sa.ForeignKeyConstraint(['team_id'], ['repair_team.id'], name=op.f('fk_team_area_team_id_repair_team')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_team_area')),
    sa.UniqueConstraint('team_id', 'community_id', name=op.f('uq_team_area_team_id_community_id'))
    )
    with op.batch_alter_table('team_area') as batch_op:
        batch_op.create_index(op.f('ix_team_area_community_id'), ['community_id'], unique=False)

    op.create_table('worker',
    sa.Column('id', ID, nullable=False),
    sa.Column('team_id', ID, nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('phone', sa.Text(), nullable=False),
    sa.Column('trade', sa.Enum('civil', 'decoration', 'plumbing_electric', 'intelligent', 'lift', 'landscape', 'other', name='trade', native_enum=False, length=32), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['team_id'], ['repair_team.id'], name=op.f('fk_worker_team_id_repair_team')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_worker')),
    sa.UniqueConstraint('team_id', 'name', name=op.f('uq_worker_team_id_name'))
    )
    op.create_table('defect',
    sa.Column('id', ID, nullable=False),
    sa.Column('ticket_id', ID, nullable=False),
    sa.Column('community_id', ID, nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('part', sa.Enum('STRUCT', 'ROOF_WP', 'WET_WP', 'INSUL', 'HVAC', 'ELEC', 'PLUMB', 'EQUIP', 'DECOR', 'PLASTER', 'FLOOR', 'DOORWIN', 'SANITARY', 'LAMP', 'BLOCK', 'LANDSCAPE', 'ROAD', 'OTHER', name='part', native_enum=False, length=32), nullable=False),
    sa.Column('phenomenon', sa.Enum('leak', 'crack', 'hollow', 'falling', 'sanding', 'blocked', 'warped', 'broken', 'short', 'no_supply', 'no_signal', 'noise', 'looks', 'missing', 'other', name='phenomenon', native_enum=False, length=32), nullable=False),
    sa.Column('trade', sa.Enum('civil', 'decoration', 'plumbing_electric', 'intelligent', 'lift', 'landscape', 'other', name='trade', native_enum=False, length=32), nullable=False),
    sa.Column('place', sa.Text(), nullable=False),
    sa.Column('words', sa.Text(), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('by_id', ID, nullable=False),
    sa.ForeignKeyConstraint(['by_id'], ['user_account.id'], name=op.f('fk_defect_by_id_user_account')),
    sa.ForeignKeyConstraint(['community_id'], ['community.id'], name=op.f('fk_defect_community_id_community')),
    sa.ForeignKeyConstraint(['ticket_id'], ['ticket.id'], name=op.f('fk_defect_ticket_id_ticket')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_defect')),
    sa.UniqueConstraint('ticket_id', 'position', name=op.f('uq_defect_ticket_id_position'))
    )
    with op.batch_alter_table('defect') as batch_op:
        batch_op.create_index('ix_defect_reported', ['at', 'community_id', 'trade', 'phenomenon', 'ticket_id'], unique=False)

    op.create_table('site_survey',
    sa.Column('id', ID, nullable=False),
    sa.Column('ticket_id', ID, nullable=False),
    sa.Column('number', sa.Text(), nullable=False),
    sa.Column('round', sa.Integer(), nullable=False),
    sa.Column('stage', sa.Enum('scheduled', 'recorded', 'signed', 'superseded', name='surveystage', native_enum=False, length=32), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('scheduled_at', UtcDateTime(), nullable=False),
    sa.Column('scheduled_by_id', ID, nullable=False),
    sa.Column('visit_at', UtcDateTime(), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('team_id', ID, nullable=False),
    sa.Column('contractor_id', ID, nullable=True),
    sa.Column('arrived_at', UtcDateTime(), nullable=True),
    sa.Column('recorded_at', UtcDateTime(), nullable=True),
    sa.Column('recorded_by_id', ID, nullable=True),
    sa.Column('situation', sa.Text(), nullable=False),
    sa.Column('remark', sa.Text(), nullable=False),
    sa.Column('estimate_fen', sa.BigInteger(), nullable=True),
    sa.Column('disputed', sa.Boolean(), nullable=False),
    sa.Column('contractor_required', sa.Boolean(), nullable=False),
    sa.Column('contractor_why', sa.Text(), nullable=False),
    sa.Column('signed_at', UtcDateTime(), nullable=True),
    sa.Column('concluded_at', UtcDateTime(), nullable=True),
    sa.Column('concluded_by_id', ID, nullable=True),
    sa.CheckConstraint("stage <> 'signed' OR signed_at IS NOT NULL", name=op.f('ck_site_survey_signed_at')),
    sa.CheckConstraint("stage NOT IN ('scheduled', 'recorded') OR signed_at IS NULL", name=op.f('ck_site_survey_not_yet_signed')),
    sa.CheckConstraint('estimate_fen >= 0', name=op.f('ck_site_survey_estimate')),
    sa.ForeignKeyConstraint(['concluded_by_id'], ['user_account.id'], name=op.f('fk_site_survey_concluded_by_id_user_account')),
    sa.ForeignKeyConstraint(['contractor_id'], ['contractor.id'], name=op.f('fk_site_survey_contractor_id_contractor')),
    sa.ForeignKeyConstraint(['recorded_by_id'], ['user_account.id'], name=op.f('fk_site_survey_recorded_by_id_user_account')),
    sa.ForeignKeyConstraint(['scheduled_by_id'], ['user_account.id'], name=op.f('fk_site_survey_scheduled_by_id_user_account')),
    sa.ForeignKeyConstraint(['team_id'], ['repair_team.id'], name=op.f('fk_site_survey_team_id_repair_team')),
    sa.ForeignKeyConstraint(['ticket_id'], ['ticket.id'], name=op.f('fk_site_survey_ticket_id_ticket')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_site_survey')),
    sa.UniqueConstraint('number', name=op.f('uq_site_survey_number')),
    sa.UniqueConstraint('ticket_id', 'round', name=op.f('uq_site_survey_ticket_id_round'))
    )
    with op.batch_alter_table('site_survey') as batch_op:
        batch_op.create_index(op.f('ix_site_survey_contractor_id'), ['contractor_id'], unique=False)
        batch_op.create_index(op.f('ix_site_survey_team_id'), ['team_id'], unique=False)
        batch_op.create_index('ix_site_survey_visit', ['stage', 'visit_at'], unique=False)

    op.create_table('survey_finding',
    sa.Column('id', ID, nullable=False),
    sa.Column('survey_id', ID, nullable=False),
    sa.Column('defect_id', ID, nullable=False),
    sa.Column('situation', sa.Text(), nullable=False),
    sa.Column('cause', sa.Enum('workmanship', 'material', 'product', 'design', 'sales_promise', 'management', 'misuse', 'third_party', 'force_majeure', 'wear', 'unknown', name='cause', native_enum=False, length=32), nullable=False),
    sa.Column('liable', sa.Enum('contractor', 'supplier', 'designer', 'developer', 'property', 'customer', 'third_party', 'undetermined', name='liable', native_enum=False, length=32), nullable=False),
    sa.Column('estimate_fen', sa.BigInteger(), nullable=True),
    sa.Column('owner_until', sa.Date(), nullable=True),
    sa.Column('contractor_until', sa.Date(), nullable=True),
    sa.Column('arithmetic', sa.Text(), nullable=False),
    sa.Column('suggested', sa.Enum('A', 'B', 'none', name='orderclass', native_enum=False, length=32), nullable=False),
    sa.Column('suggested_why', sa.Enum('warranty', 'gap', 'not_contractor', 'common_area', 'goodwill', 'owners_own', 'expired', 'unclear', name='classreason', native_enum=False, length=32), nullable=False),
    sa.Column('proposed', sa.Enum('A', 'B', 'none', name='orderclass', native_enum=False, length=32), nullable=False),
    sa.Column('decided', sa.Enum('A', 'B', 'none', name='orderclass', native_enum=False, length=32), nullable=True),
    sa.Column('why', sa.Text(), nullable=False),
    sa.CheckConstraint("decided IS NULL OR decided = suggested OR why <> ''", name=op.f('ck_survey_finding_reason_to_depart')),
    sa.ForeignKeyConstraint(['defect_id'], ['defect.id'], name=op.f('fk_survey_finding_defect_id_defect')),
    sa.ForeignKeyConstraint(['survey_id'], ['site_survey.id'], name=op.f('fk_survey_finding_survey_id_site_survey')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_survey_finding')),
    sa.UniqueConstraint('survey_id', 'defect_id', name=op.f('uq_survey_finding_survey_id_defect_id'))
    )
    with op.batch_alter_table('survey_finding') as batch_op:
        batch_op.create_index(op.f('ix_survey_finding_defect_id'), ['defect_id'], unique=False)

    op.create_table('work_order',
    sa.Column('id', ID, nullable=False),
    sa.Column('number', sa.Text(), nullable=False),
    sa.Column('ticket_id', ID, nullable=False),
    sa.Column('community_id', ID, nullable=False),
    sa.Column('survey_id', ID, nullable=False),
    sa.Column('rework_of_id', ID, nullable=True),
    sa.Column('round', sa.Integer(), nullable=False),
    sa.Column('order_class', sa.Enum('A', 'B', 'none', name='orderclass', native_enum=False, length=32), nullable=False),
    sa.Column('stage', sa.Enum('draft', 'approving', 'approved', 'issued', 'acknowledged', 'self_checked', 'accepted', 'transferred', 'cancelled', name='orderstage', native_enum=False, length=32), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('team_id', ID, nullable=True),
    sa.Column('contractor_id', ID, nullable=True),
    sa.Column('scope', sa.Text(), nullable=False),
    sa.Column('estimate_fen', sa.BigInteger(), nullable=False),
    sa.Column('trade_count', sa.Integer(), nullable=False),
    sa.Column('drafted_at', UtcDateTime(), nullable=False),
    sa.Column('drafted_by_id', ID, nullable=False),
    sa.Column('approval_round', sa.Integer(), nullable=False),
    sa.Column('issued_at', UtcDateTime(), nullable=True),
    sa.Column('issued_by_id', ID, nullable=True),
    sa.Column('due_on', sa.Date(), nullable=True),
    sa.Column('due_provisional', sa.Boolean(), nullable=False),
    sa.Column('visit_on', sa.Date(), nullable=True),
    sa.Column('visit_note', sa.Text(), nullable=False),
    sa.Column('acknowledged_at', UtcDateTime(), nullable=True),
    sa.Column('arrived_at', UtcDateTime(), nullable=True),
    sa.Column('transferred_at', UtcDateTime(), nullable=True),
    sa.Column('transfer_reason', sa.Text(), nullable=False),
    sa.Column('self_checked_at', UtcDateTime(), nullable=True),
    sa.Column('self_checked_by_id', ID, nullable=True),
    sa.Column('self_check', sa.Text(), nullable=False),
    sa.Column('inspected_at', UtcDateTime(), nullable=True),
    sa.Column('inspected_by_id', ID, nullable=True),
    sa.Column('inspected_for', sa.Text(), nullable=False),
    sa.Column('inspection', sa.Text(), nullable=False),
    sa.Column('signed_at', UtcDateTime(), nullable=True),
    sa.Column('customer_name', sa.Text(), nullable=False),
    sa.Column('customer_satisfaction', sa.Enum('very_satisfied', 'satisfied', 'neutral', 'dissatisfied', name='satisfaction', native_enum=False, length=32), nullable=True),
    sa.Column('customer_opinion', sa.Text(), nullable=False),
    sa.Column('customer_refused', sa.Boolean(), nullable=True),
    sa.Column('refusal_reason', sa.Text(), nullable=False),
    sa.Column('refusal_evidence', sa.Text(), nullable=False),
    sa.Column('signature_key', sa.Text(), nullable=False),
    sa.Column('accepted_at', UtcDateTime(), nullable=True),
    sa.Column('rejection_count', sa.Integer(), nullable=False),
    sa.Column('asked_until', sa.Date(), nullable=True),
    sa.Column('asked_reason', sa.Text(), nullable=False),
    sa.Column('cancel_reason', sa.Text(), nullable=False),
    sa.Column('cancelled_at', UtcDateTime(), nullable=True),
    sa.CheckConstraint("(stage = 'accepted') = (accepted_at IS NOT NULL)", name=op.f('ck_work_order_accepted_at')),
    sa.CheckConstraint("customer_refused IS NULL OR customer_refused = false OR (refusal_reason <> '' AND refusal_evidence <> '')", name=op.f('ck_work_order_refusal')),
    sa.CheckConstraint("order_class IN ('A', 'B')", name=op.f('ck_work_order_order_class')),
    sa.CheckConstraint("stage <> 'cancelled' OR cancel_reason <> ''", name=op.f('ck_work_order_cancel_reason')),
    sa.CheckConstraint("(stage = 'cancelled') = (cancelled_at IS NOT NULL)", name=op.f('ck_work_order_cancelled_at')),
    sa.CheckConstraint("stage <> 'transferred' OR contractor_id IS NOT NULL", name=op.f('ck_work_order_transferred')),
    sa.CheckConstraint('estimate_fen >= 0', name=op.f('ck_work_order_estimate')),
    sa.ForeignKeyConstraint(['community_id'], ['community.id'], name=op.f('fk_work_order_community_id_community')),
    sa.ForeignKeyConstraint(['contractor_id'], ['contractor.id'], name=op.f('fk_work_order_contractor_id_contractor')),
    sa.ForeignKeyConstraint(['drafted_by_id'], ['user_account.id'], name=op.f('fk_work_order_drafted_by_id_user_account')),
    sa.ForeignKeyConstraint(['inspected_by_id'], ['user_account.id'], name=op.f('fk_work_order_inspected_by_id_user_account')),
    sa.ForeignKeyConstraint(['issued_by_id'], ['user_account.id'], name=op.f('fk_work_order_issued_by_id_user_account')),
    sa.ForeignKeyConstraint(['rework_of_id'], ['work_order.id'], name=op.f('fk_work_order_rework_of_id_work_order')),
    sa.ForeignKeyConstraint(['self_checked_by_id'], ['user_account.id'], name=op.f('fk_work_order_self_checked_by_id_user_account')),
    sa.ForeignKeyConstraint(['survey_id'], ['site_survey.id'], name=op.f('fk_work_order_survey_id_site_survey')),
    sa.ForeignKeyConstraint(['team_id'], ['repair_team.id'], name=op.f('fk_work_order_team_id_repair_team')),
    sa.ForeignKeyConstraint(['ticket_id'], ['ticket.id'], name=op.f('fk_work_order_ticket_id_ticket')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_work_order')),
    sa.UniqueConstraint('number', name=op.f('uq_work_order_number'))
    )
    with op.batch_alter_table('work_order') as batch_op:
        batch_op.create_index('ix_work_order_accepted', ['accepted_at', 'community_id'], unique=False)
        batch_op.create_index('ix_work_order_cancelled', ['cancelled_at', 'community_id'], unique=False)
        batch_op.create_index('ix_work_order_community', ['community_id', 'issued_at'], unique=False)
        batch_op.create_index('ix_work_order_issued', ['issued_at', 'community_id'], unique=False)
        batch_op.create_index(op.f('ix_work_order_contractor_id'), ['contractor_id'], unique=False)
        batch_op.create_index('ix_work_order_open', ['stage', 'community_id', 'due_on', 'team_id'], unique=False, sqlite_where=sa.text("stage NOT IN ('accepted', 'cancelled')"), postgresql_where=sa.text("stage NOT IN ('accepted', 'cancelled')"))
        batch_op.create_index(op.f('ix_work_order_rework_of_id'), ['rework_of_id'], unique=False)
        batch_op.create_index(op.f('ix_work_order_survey_id'), ['survey_id'], unique=False)
        batch_op.create_index('ix_work_order_team', ['team_id', 'stage', 'visit_on'], unique=False)
        batch_op.create_index('ix_work_order_ticket', ['ticket_id', 'id'], unique=False)

    op.create_table('approval_step',
    sa.Column('id', ID, nullable=False),
    sa.Column('order_id', ID, nullable=False),
    sa.Column('round', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('role', sa.Enum('clerk', 'office', 'handler', 'captain', 'engineer', 'cs_manager', 'auditor', 'deputy_chief_engineer', 'deputy_gm', 'general_manager', 'finance', 'admin', 'reader', name='role', native_enum=False, length=32), nullable=False),
    sa.Column('task', sa.Enum('review', 'approve', name='task', native_enum=False, length=32), nullable=False),
    sa.Column('amount_fen', sa.BigInteger(), nullable=False),
    sa.Column('shown', sa.Text(), nullable=False),
    sa.Column('verdict', sa.Enum('agreed', 'returned', name='verdict', native_enum=False, length=32), nullable=True),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=True),
    sa.Column('by_id', ID, nullable=True),
    sa.CheckConstraint('(verdict IS NULL) = (at IS NULL)', name=op.f('ck_approval_step_answered')),
    sa.CheckConstraint('(verdict IS NULL) = (by_id IS NULL)', name=op.f('ck_approval_step_answered_by')),
    sa.ForeignKeyConstraint(['by_id'], ['user_account.id'], name=op.f('fk_approval_step_by_id_user_account')),
    sa.ForeignKeyConstraint(['order_id'], ['work_order.id'], name=op.f('fk_approval_step_order_id_work_order')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_approval_step')),
    sa.UniqueConstraint('order_id', 'round', 'position', name=op.f('uq_approval_step_order_id_round_position'))
    )
    with op.batch_alter_table('approval_step') as batch_op:
        batch_op.create_index(op.f('ix_approval_step_role_verdict'), ['role', 'verdict'], unique=False)

    op.create_table('attachment',
    sa.Column('id', ID, nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('ticket_id', ID, nullable=False),
    sa.Column('survey_id', ID, nullable=True),
    sa.Column('order_id', ID, nullable=True),
    sa.Column('defect_id', ID, nullable=True),
    sa.Column('slot', sa.Enum('reported', 'site', 'before', 'after', 'signature', 'signed_paper', 'evidence', name='slot', native_enum=False, length=32), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('width', sa.Integer(), nullable=True),
    sa.Column('height', sa.Integer(), nullable=True),
    sa.Column('sha256', sa.Text(), nullable=False),
    sa.Column('taken_at', UtcDateTime(), nullable=True),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('by_id', ID, nullable=False),
    sa.Column('once', sa.Text(), nullable=False),
    sa.Column('replaced_at', UtcDateTime(), nullable=True),
    sa.CheckConstraint('size > 0', name=op.f('ck_attachment_size')),
    sa.ForeignKeyConstraint(['by_id'], ['user_account.id'], name=op.f('fk_attachment_by_id_user_account')),
    sa.ForeignKeyConstraint(['defect_id'], ['defect.id'], name=op.f('fk_attachment_defect_id_defect')),
    sa.ForeignKeyConstraint(['order_id'], ['work_order.id'], name=op.f('fk_attachment_order_id_work_order')),
    sa.ForeignKeyConstraint(['survey_id'], ['site_survey.id'], name=op.f('fk_attachment_survey_id_site_survey')),
    sa.ForeignKeyConstraint(['ticket_id'], ['ticket.id'], name=op.f('fk_attachment_ticket_id_ticket')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_attachment')),
    sa.UniqueConstraint('by_id', 'once', name=op.f('uq_attachment_by_id_once')),
    sa.UniqueConstraint('key', name=op.f('uq_attachment_key'))
    )
    with op.batch_alter_table('attachment') as batch_op:
        batch_op.create_index(op.f('ix_attachment_defect_id'), ['defect_id'], unique=False)
        batch_op.create_index(op.f('ix_attachment_order_id'), ['order_id'], unique=False)
        batch_op.create_index(op.f('ix_attachment_survey_id'), ['survey_id'], unique=False)
        batch_op.create_index(op.f('ix_attachment_ticket_id_id'), ['ticket_id', 'id'], unique=False)

    op.create_table('work_order_item',
    sa.Column('id', ID, nullable=False),
    sa.Column('dropped_at', UtcDateTime(), nullable=True),
    sa.Column('order_id', ID, nullable=False),
    sa.Column('defect_id', ID, nullable=False),
    sa.ForeignKeyConstraint(['defect_id'], ['defect.id'], name=op.f('fk_work_order_item_defect_id_defect')),
    sa.ForeignKeyConstraint(['order_id'], ['work_order.id'], name=op.f('fk_work_order_item_order_id_work_order')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_work_order_item')),
    sa.UniqueConstraint('order_id', 'defect_id', name=op.f('uq_work_order_item_order_id_defect_id'))
    )
    with op.batch_alter_table('work_order_item') as batch_op:
        batch_op.create_index(op.f('ix_work_order_item_defect_id'), ['defect_id'], unique=False)

    op.create_table('work_order_use',
    sa.Column('id', ID, nullable=False),
    sa.Column('order_id', ID, nullable=False),
    sa.Column('kind', sa.Enum('labour', 'material', 'machine', name='usekind', native_enum=False, length=32), nullable=False),
    sa.Column('what', sa.Text(), nullable=False),
    sa.Column('quantity_milli', sa.Integer(), nullable=False),
    sa.Column('unit', sa.Text(), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('by_id', ID, nullable=False),
    sa.CheckConstraint('quantity_milli > 0', name=op.f('ck_work_order_use_quantity')),
    sa.ForeignKeyConstraint(['by_id'], ['user_account.id'], name=op.f('fk_work_order_use_by_id_user_account')),
    sa.ForeignKeyConstraint(['order_id'], ['work_order.id'], name=op.f('fk_work_order_use_order_id_work_order')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_work_order_use'))
    )
    with op.batch_alter_table('work_order_use') as batch_op:
        batch_op.create_index(op.f('ix_work_order_use_order_id'), ['order_id'], unique=False)

    op.create_table('work_order_worker',
    sa.Column('id', ID, nullable=False),
    sa.Column('relieved_at', UtcDateTime(), nullable=True),
    sa.Column('order_id', ID, nullable=False),
    sa.Column('worker_id', ID, nullable=False),
    sa.ForeignKeyConstraint(['order_id'], ['work_order.id'], name=op.f('fk_work_order_worker_order_id_work_order')),
    sa.ForeignKeyConstraint(['worker_id'], ['worker.id'], name=op.f('fk_work_order_worker_worker_id_worker')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_work_order_worker')),
    sa.UniqueConstraint('order_id', 'worker_id', name=op.f('uq_work_order_worker_order_id_worker_id'))
    )
    with op.batch_alter_table('work_order_worker') as batch_op:
        batch_op.create_index(op.f('ix_work_order_worker_worker_id'), ['worker_id'], unique=False)

    op.create_table('survey_box',
    sa.Column('id', ID, nullable=False),
    sa.Column('survey_id', ID, nullable=False),
    sa.Column('side', sa.Enum('service', 'engineering', 'property', 'captain', 'contractor', 'customer', name='side', native_enum=False, length=32), nullable=False),
    sa.Column('presence', sa.Enum('signed', 'absent', 'refused', name='presence', native_enum=False, length=32), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('opinion', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('evidence', sa.Text(), nullable=False),
    sa.Column('signature_id', ID, nullable=True),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('by_id', ID, nullable=False),
    sa.CheckConstraint("(presence = 'signed') = (signature_id IS NOT NULL)", name=op.f('ck_survey_box_signature')),
    sa.CheckConstraint("presence = 'signed' OR (reason <> '' AND evidence <> '')", name=op.f('ck_survey_box_reason_and_evidence')),
    sa.ForeignKeyConstraint(['by_id'], ['user_account.id'], name=op.f('fk_survey_box_by_id_user_account')),
    sa.ForeignKeyConstraint(['signature_id'], ['attachment.id'], name=op.f('fk_survey_box_signature_id_attachment')),
    sa.ForeignKeyConstraint(['survey_id'], ['site_survey.id'], name=op.f('fk_survey_box_survey_id_site_survey')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_survey_box')),
    sa.UniqueConstraint('survey_id', 'side', name=op.f('uq_survey_box_survey_id_side'))
    )
    with op.batch_alter_table('survey_box') as batch_op:
        batch_op.create_index('ix_survey_box_absent', ['at', 'side'], unique=False, sqlite_where=sa.text("presence = 'absent'"), postgresql_where=sa.text("presence = 'absent'"))

    with op.batch_alter_table("clock") as batch_op:
        batch_op.add_column(sa.Column("order_id", ID, nullable=True))
        batch_op.add_column(sa.Column("trades", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(op.f("fk_clock_order_id_work_order"), "work_order", ["order_id"], ["id"])
        batch_op.create_check_constraint(op.f("ck_clock_order_of_ticket"), "order_id IS NULL OR ticket_id IS NOT NULL")
        batch_op.drop_index("uq_clock_running")
        for name, column, where in RUNNING:
            batch_op.create_index(name, [column, "kind"], unique=True, sqlite_where=where, postgresql_where=where)
        of_order = sa.text("order_id IS NOT NULL")
        batch_op.create_index("ix_clock_order", ["order_id", "id"], sqlite_where=of_order, postgresql_where=of_order)

    with op.batch_alter_table("community") as batch_op:
        for name in PROPERTY_OFFICE:
            batch_op.add_column(sa.Column(name, sa.Text(), nullable=False, server_default=""))
    with op.batch_alter_table("community") as batch_op:
        for name in PROPERTY_OFFICE:
            batch_op.alter_column(name, server_default=None)

    with op.batch_alter_table("ticket") as batch_op:
        batch_op.add_column(sa.Column("repair", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("ticket") as batch_op:
        batch_op.alter_column("repair", server_default=None)


def downgrade() -> None:
    op.execute("UPDATE ticket SET stage = 'handling' WHERE stage IN ('surveying', 'repairing')")
    with op.batch_alter_table("ticket") as batch_op:
        batch_op.drop_column("repair")
    with op.batch_alter_table("community") as batch_op:
        for name in PROPERTY_OFFICE:
            batch_op.drop_column(name)
    of_orders = "SELECT id FROM clock WHERE order_id IS NOT NULL"
    op.execute(f"DELETE FROM clock_extension WHERE clock_id IN ({of_orders})")
    op.execute(f"DELETE FROM clock_event WHERE clock_id IN ({of_orders})")
    op.execute("DELETE FROM clock WHERE order_id IS NOT NULL")
    with op.batch_alter_table("clock") as batch_op:
        for name in ("ix_clock_order", *(name for name, _column, _where in RUNNING)):
            batch_op.drop_index(name)
        batch_op.drop_constraint(op.f("fk_clock_order_id_work_order"), type_="foreignkey")
        batch_op.drop_constraint(op.f("ck_clock_order_of_ticket"), type_="check")
        batch_op.drop_column("trades")
        batch_op.drop_column("order_id")
        running = sa.text("state = 'running'")
        batch_op.create_index("uq_clock_running", ["ticket_id", "kind"], unique=True, sqlite_where=running, postgresql_where=running)
    for table in reversed(TABLES):
        op.drop_table(table)
