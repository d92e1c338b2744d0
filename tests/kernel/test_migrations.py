"""Migrations: one head, up and down and up on filled data, and no difference from the models."""

from datetime import date
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect, select, text

from ticketing.kernel import clock, search
from ticketing.kernel.db import Base, db, transaction
from ticketing.masters.estate.models import Community, Unit
from ticketing.oversight.reports import commands as reports
from ticketing.oversight.reports.models import Report
from ticketing.procedure.periods import Period
from ticketing.procedure.vocabulary import ReportKind, TicketStage
from ticketing.settings import ROOT


def script() -> ScriptDirectory:
    return ScriptDirectory(str(ROOT / "migrations"))


def ours(name: str | None) -> bool:
    return (
        name is not None and not name.startswith(search.TABLE) and name != f"ix_{search.TABLE}_body"
    )


def test_there_is_one_line_of_migrations():
    revisions = list(script().walk_revisions())
    assert len(script().get_heads()) == 1
    assert len(script().get_bases()) == 1
    assert not any(revision.is_branch_point or revision.is_merge_point for revision in revisions)
    files = list(Path(ROOT / "migrations" / "versions").glob("*.py"))
    assert len(files) == len(revisions)


def differences() -> list[object]:
    with db.engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "render_as_batch": True,
                "include_object": lambda thing, name, kind, *_: (
                    kind not in ("table", "index") or ours(name)
                ),
            },
        )
        return list(compare_metadata(context, Base.metadata))


def test_the_migrations_make_what_the_models_say(ctx):
    assert differences() == []


def test_checks_of_the_models_stand_in_the_database(ctx):
    found = inspect(db.engine)
    for table in Base.metadata.tables.values():
        wanted = {
            str(constraint.name)
            for constraint in table.constraints
            if constraint.__visit_name__ == "check_constraint" and constraint.name
        }
        assert wanted <= {check["name"] for check in found.get_check_constraints(table.name)}, (
            table.name
        )


def counts() -> dict[str, int]:
    names = [name for name in inspect(db.engine).get_table_names() if ours(name)]
    with db.engine.connect() as connection:
        return {
            name: connection.execute(text(f'SELECT count(*) FROM "{name}"')).scalar_one()
            for name in names
            if name != "alembic_version"
        }


def test_the_last_migration_goes_down_and_up_on_filled_data(make):
    """Rows of tables the last migration made are its own; every other row is still there."""
    for stage in TicketStage:
        make.ticket(stage)
    revisions = list(script().walk_revisions())
    before = counts()
    db.session.remove()
    if len(revisions) > 1:
        downgrade(revision="-1")
        between = counts()
        assert {name: n for name, n in before.items() if name in between} == between
        upgrade()
        assert {name: n for name, n in counts().items() if name in between} == between
        assert differences() == []
    downgrade(revision="base")
    assert counts() == {}
    assert not [name for name in inspect(db.engine).get_table_names() if name == search.TABLE]
    upgrade()
    assert set(counts()) == set(before)
    own = {"calendar_day", "calendar_year", "calendar_edition"}
    assert {name for name, n in counts().items() if n} == own, "a new database knows the calendar"
    assert differences() == []


def test_counting_talks_comes_and_goes_without_touching_a_ticket_or_a_clock(make):
    for stage in TicketStage:
        make.ticket(stage)
    watched = (
        text("SELECT id, number, version, grade, rework_count, is_open FROM ticket ORDER BY id"),
        text("SELECT id, clock_id, kind, level, at, due_on FROM clock_event ORDER BY id"),
    )

    def rows():
        with db.engine.connect() as connection:
            return [connection.execute(query).all() for query in watched]

    before = rows()
    assert all(before)
    db.session.remove()
    downgrade(revision="0009")
    assert "talk_count" not in {row["name"] for row in inspect(db.engine).get_columns("ticket")}
    assert rows() == before
    upgrade()
    assert rows() == before
    with db.engine.connect() as connection:
        new = "SELECT DISTINCT talk_count FROM ticket", "SELECT DISTINCT told FROM clock_event"
        assert [connection.execute(text(query)).all() for query in new] == [[(0,)], [("",)]]


def test_deemed_deliveries_come_and_go_without_touching_a_date(make):
    homes = text("SELECT id, version, delivered_on, moved_in_on FROM unit ORDER BY id")

    def rows(query=homes):
        with db.engine.connect() as connection:
            return connection.execute(query).all()

    with transaction():
        db.session.get_one(Unit, make.world.units["YX 3-1-1202"]).deemed_delivered = True
        db.session.get_one(Community, make.world.communities["YX"]).handed_over_on = date(
            2024, 2, 1
        )
    before = rows()
    assert any(row.delivered_on for row in before)
    db.session.remove()
    downgrade(revision="0022")
    assert "deemed_delivered" not in {row["name"] for row in inspect(db.engine).get_columns("unit")}
    assert rows() == before
    upgrade()
    assert rows() == before
    assert not any(row[0] for row in rows(text("SELECT deemed_delivered FROM unit")))
    assert differences() == []


def test_going_up_again_changes_nothing(make):
    make.ticket(TicketStage.CLOSED)
    before = counts()
    db.session.remove()
    upgrade()
    assert counts() == before


@pytest.mark.parametrize("path", sorted((ROOT / "migrations" / "versions").glob("*.py")), ids=str)
def test_each_migration_says_how_to_go_back(path):
    source = path.read_text(encoding="utf-8")
    body = source[source.index("def downgrade") :]
    assert "pass" not in body.split()


def test_the_list_of_new_cases_moves_out_of_a_report_and_back(make):
    for stage in TicketStage:
        make.ticket(stage)
    week = Period.holding(ReportKind.WEEKLY, clock.today())
    with transaction():
        report = reports.compile_report(
            key=f"weekly-FZ-{week.name}", actor=make.user("manager"), scope=make.scope("manager")
        )
    number, whole = report.id, {**report.figures, "raw": report.raw}
    assert len(whole["raw"]) > 1
    assert "raw" not in report.figures
    told = reports.figures_of(report)
    db.session.remove()
    downgrade(revision="0024")
    with db.engine.connect() as connection:
        stored = connection.execute(select(Report.figures).where(Report.id == number)).scalar_one()
    assert stored == whole
    upgrade()
    again = db.session.get_one(Report, number)
    assert {**again.figures, "raw": again.raw} == whole
    assert "raw" not in again.figures
    assert reports.figures_of(again) == told
