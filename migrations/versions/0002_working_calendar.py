"""the working calendar as rows, with the years the installed package knows."""

import secrets

import sqlalchemy as sa
from alembic import op

from ticketing.kernel import clock
from ticketing.kernel.db import UtcDateTime
from ticketing.masters.workcalendar.package import known_years, special_days

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Go up."""
    day_table = op.create_table('calendar_day',
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('kind', sa.Enum('holiday', 'makeup', 'closure', name='specialday', native_enum=False, length=32), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('notice', sa.Text(), nullable=False),
    sa.Column('source', sa.Enum('package', 'notice', 'company', name='calendarsource', native_enum=False, length=32), nullable=False),
    sa.Column('entered_at', UtcDateTime(), nullable=False),
    sa.Column('entered_by_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.CheckConstraint("name <> ''", name=op.f('ck_calendar_day_named')),
    sa.ForeignKeyConstraint(['entered_by_id'], ['user_account.id'], name=op.f('fk_calendar_day_entered_by_id_user_account')),
    sa.PrimaryKeyConstraint('day', 'kind', name=op.f('pk_calendar_day'))
    )

    edition_table = op.create_table('calendar_edition',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('mark', sa.Text(), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('actor_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('change', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['actor_id'], ['user_account.id'], name=op.f('fk_calendar_edition_actor_id_user_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_calendar_edition'))
    )

    year_table = op.create_table('calendar_year',
    sa.Column('year', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('notice', sa.Text(), nullable=False),
    sa.Column('source', sa.Enum('package', 'notice', 'company', name='calendarsource', native_enum=False, length=32), nullable=False),
    sa.Column('adopted_at', UtcDateTime(), nullable=False),
    sa.Column('adopted_by_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.ForeignKeyConstraint(['adopted_by_id'], ['user_account.id'], name=op.f('fk_calendar_year_adopted_by_id_user_account')),
    sa.PrimaryKeyConstraint('year', name=op.f('pk_calendar_year'))
    )

    op.create_table('calendar_proposal',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('kind', sa.Enum('year', 'closure', 'reopening', name='proposalkind', native_enum=False, length=32), nullable=False),
    sa.Column('year', sa.Integer(), nullable=False),
    sa.Column('number', sa.Text(), nullable=False),
    sa.Column('days', sa.JSON(), nullable=False),
    sa.Column('state', sa.Enum('pending', 'in_force', 'dropped', name='proposalstate', native_enum=False, length=32), nullable=False),
    sa.Column('proposed_at', UtcDateTime(), nullable=False),
    sa.Column('proposed_by_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('decided_at', UtcDateTime(), nullable=True),
    sa.Column('decided_by_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.CheckConstraint("(state = 'pending') = (decided_at IS NULL)", name=op.f('ck_calendar_proposal_decided')),
    sa.CheckConstraint("decided_by_id <> proposed_by_id OR state = 'dropped'", name=op.f('ck_calendar_proposal_two_people')),
    sa.ForeignKeyConstraint(['decided_by_id'], ['user_account.id'], name=op.f('fk_calendar_proposal_decided_by_id_user_account')),
    sa.ForeignKeyConstraint(['proposed_by_id'], ['user_account.id'], name=op.f('fk_calendar_proposal_proposed_by_id_user_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_calendar_proposal'))
    )
    op.create_index('ix_calendar_proposal_pending', 'calendar_proposal', ['id'], unique=False, sqlite_where=sa.text("state = 'pending'"), postgresql_where=sa.text("state = 'pending'"))

    at, years = clock.now(), known_years()
    op.bulk_insert(year_table, [
        {"year": year, "notice": "", "source": "package", "adopted_at": at, "adopted_by_id": None} for year in years
    ])
    op.bulk_insert(day_table, [
        {"day": day, "kind": kind.value, "name": name, "notice": "", "source": "package", "entered_at": at, "entered_by_id": None}
        for year in years for day, kind, name in special_days(year)
    ])
    op.bulk_insert(edition_table, [
        {"mark": secrets.token_hex(8), "at": at, "actor_id": None, "change": f"{years[0]}—{years[-1]} 年，软件内置"}
    ])


def downgrade() -> None:
    """Come back down."""
    op.drop_table('calendar_proposal')
    op.drop_table('calendar_year')
    op.drop_table('calendar_edition')
    op.drop_table('calendar_day')
