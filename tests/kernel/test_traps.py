"""The traps that lose or hide data, and the settings that keep SQLite honest (platform 4)."""

import sqlite3
import threading
import time
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import (
    Column,
    ForeignKey,
    Integer,
    MetaData,
    Table,
    Text,
    create_engine,
    func,
    insert,
    inspect,
    select,
    text,
)
from sqlalchemy.exc import OperationalError

from ticketing.casefile.tickets.models import Ticket
from ticketing.kernel import clock, locking
from ticketing.kernel.db import (
    UtcDateTime,
    db,
    dialect,
    insert_now,
    transaction,
    turn_to_write,
)
from ticketing.kernel.locking import LONGEST_PAUSE, reading
from ticketing.masters.estate.models import ImportRun
from ticketing.masters.people.models import SignInAttempt
from ticketing.settings import ROOT


def test_sqlite_is_set_to_lose_nothing(ctx):
    if dialect() != "sqlite":
        pytest.skip("PostgreSQL has these by nature")
    wanted = {"foreign_keys": 1, "journal_mode": "wal", "synchronous": 2, "busy_timeout": 10000}
    found = {name: db.session.scalar(text(f"PRAGMA {name}")) for name in wanted}
    assert found == wanted


def test_a_row_without_its_parent_is_refused(ctx):
    with pytest.raises(Exception, match=r"(?i)foreign key"), transaction():
        db.session.execute(text("UPDATE user_account SET department_id = 999999"))


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Shanghai"])
def test_an_instant_comes_back_aware_and_in_utc(ctx, zone):
    from zoneinfo import ZoneInfo

    instant = datetime(2026, 11, 23, 9, 5, tzinfo=ZoneInfo(zone))
    with transaction():
        db.session.add(SignInAttempt(username="x", address="y", tried_at=instant, succeeded=False))
    back = db.session.scalar(select(SignInAttempt.tried_at))
    assert back == instant
    assert back.tzinfo is UTC
    stored = db.session.scalar(text("SELECT CAST(tried_at AS TEXT) FROM sign_in_attempt"))
    assert stored.startswith(instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M"))


def test_an_instant_without_a_zone_is_refused(ctx):
    naive = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)
    with pytest.raises(Exception, match="time zone"), transaction():
        db.session.add(SignInAttempt(username="x", address="y", tried_at=naive, succeeded=False))
    assert UtcDateTime().process_bind_param(None, db.engine.dialect) is None


def test_chinese_keys_and_values_in_json_are_found(ctx, world):
    with transaction():
        db.session.add(
            ImportRun(
                user_id=world.users["clerk"],
                file_name="房产.xlsx",
                began_at=clock.now(),
                beat_at=clock.now(),
                stage="done",
                summary={"房号": "3-1-1202", "结果": {"新增": "二"}},
            )
        )
    found = select(ImportRun.id).where(ImportRun.summary["房号"].as_string() == "3-1-1202")
    assert db.session.scalar(found) is not None
    found = select(ImportRun.id).where(ImportRun.summary["结果", "新增"].as_string() == "二")
    assert db.session.scalar(found) is not None


def test_writers_that_read_first_queue_up_and_all_succeed(app, ctx):
    """In a deferred transaction most of these would fail at once with "database is locked"."""
    db.session.execute(text("CREATE TABLE tally (n INTEGER NOT NULL)"))
    db.session.execute(text("INSERT INTO tally VALUES (0)"))
    db.session.commit()
    failures = []

    def count() -> None:
        with app.app_context():
            for _ in range(20):
                try:
                    with transaction():
                        db.session.execute(select(func.count(SignInAttempt.id)))
                        lock = "" if dialect() == "sqlite" else " FOR UPDATE"
                        n = db.session.scalar(text(f"SELECT n FROM tally{lock}"))
                        db.session.execute(text("UPDATE tally SET n = :n"), {"n": n + 1})
                except Exception as error:
                    failures.append(error)

    threads = [threading.Thread(target=count) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert db.session.scalar(text("SELECT n FROM tally")) == 100


def test_a_page_is_read_while_somebody_else_holds_the_write_lock(app, make, sign_in):
    ticket_id = make.registered().id
    client = sign_in("clerk")
    with db.engine.connect() as other:
        other.execute(text("UPDATE ticket SET summary = 'x'"))
        began = time.monotonic()
        for address in (
            "/tickets/",
            f"/tickets/{ticket_id}",
            "/intake",
            f"/tickets/{ticket_id}/amend",
        ):
            assert client.get(address).status_code in (200, 409), address
        assert time.monotonic() - began < 8
        other.rollback()


def test_a_writer_that_waits_too_long_gets_503_and_can_try_again(app, make, sign_in, monkeypatch):
    if dialect() != "sqlite":
        pytest.skip("PostgreSQL locks rows, not the file")
    client = sign_in("clerk")
    monkeypatch.setattr("ticketing.kernel.locking.LOCK_SECONDS", 0.05)

    data = {
        "once": "again",
        "unit_id": make.world.units["YX 3-1-1202"],
        "caller_name": "王",
        "channel": "phone",
        "relation": "owner",
        "received_at": "2026-11-20T09:05",
        "content": "漏水",
    }
    db.session.rollback()
    with db.engine.connect() as other:
        other.execute(text("UPDATE user_account SET name = name"))
        answer = client.post("/intake", data=data)
        assert answer.status_code == 503
        assert answer.headers["Retry-After"]
        other.rollback()
    assert client.post("/intake", data=data).status_code == 302
    assert db.session.scalar(select(func.count(Ticket.id))) == 1


def test_a_reading_transaction_takes_no_write_lock(app, ctx):
    if dialect() != "sqlite":
        pytest.skip("only SQLite has one lock for all writers")
    with another_process() as other:
        with reading():
            db.session.scalar(select(func.count(Ticket.id)))
            other.execute("BEGIN IMMEDIATE")
            other.execute("ROLLBACK")
            db.session.rollback()
        db.session.scalar(select(func.count(Ticket.id)))
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        db.session.rollback()


@contextmanager
def another_process():
    """A connection that knows nothing of this process's locks, as another process has it; it waits for nobody."""
    with closing(
        sqlite3.connect(db.engine.url.database, timeout=0, check_same_thread=False)
    ) as other:
        other.isolation_level = None
        yield other


def test_who_waits_for_another_process_goes_on_at_once_and_not_after_a_tenth_of_a_second(ctx):
    if dialect() != "sqlite":
        pytest.skip("only SQLite has one lock for all writers")
    waits = []
    with another_process() as other:
        for _ in range(5):
            other.execute("BEGIN IMMEDIATE")
            let_go = threading.Timer(0.13, other.execute, ("ROLLBACK",))
            let_go.start()
            began = time.monotonic()
            with transaction():
                db.session.execute(text("UPDATE ticket_counter SET last = last"))
            waits.append(time.monotonic() - began)
            let_go.join()
    assert min(waits) < 0.155, "SQLite itself looks again after 0.128 and 0.178 s"


def test_who_waits_too_long_for_another_process_is_told_so_and_waits_for_nothing_else(
    ctx, monkeypatch
):
    if dialect() != "sqlite":
        pytest.skip("only SQLite has one lock for all writers")
    monkeypatch.setattr("ticketing.kernel.locking.LOCK_SECONDS", 0.05)
    with another_process() as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        with pytest.raises(OperationalError, match="locked"), transaction():
            db.session.execute(text("UPDATE ticket_counter SET last = last"))
        assert time.monotonic() - began < 2
        other.execute("ROLLBACK")
    with transaction():
        db.session.execute(text("UPDATE ticket_counter SET last = last"))
    assert db.session.scalar(text("PRAGMA busy_timeout")) == 50


def test_long_writes_one_after_another_let_another_process_write_between_them(app, ctx):
    if dialect() != "sqlite":
        pytest.skip("only SQLite has one lock for all writers")
    done = threading.Event()

    def keep_writing() -> None:
        with app.app_context():
            while not done.is_set():
                with transaction():
                    db.session.execute(text("UPDATE ticket_counter SET last = last"))
                    time.sleep(0.05)

    job = threading.Thread(target=keep_writing)
    job.start()
    waits = []
    try:
        with another_process() as other:
            for _ in range(5):
                began = time.monotonic()
                while time.monotonic() < began + 5:
                    with suppress(sqlite3.OperationalError):
                        other.execute("BEGIN IMMEDIATE")
                        other.execute("ROLLBACK")
                        break
                    time.sleep(LONGEST_PAUSE)
                waits.append(time.monotonic() - began)
    finally:
        done.set()
        job.join()
    assert max(waits) < 1, waits


def test_a_lock_that_is_busy_for_another_reason_is_waited_for_as_well(ctx, monkeypatch):
    """After a process was killed in its commit the next one repairs the log, and the lock says so (`SQLITE_BUSY_RECOVERY`)."""
    if dialect() != "sqlite":
        pytest.skip("only SQLite has one lock for all writers")
    tried = []

    class Repairing:
        def execute(self, statement):
            if statement == "BEGIN IMMEDIATE":
                tried.append(statement)
                if len(tried) < 3:
                    error = sqlite3.OperationalError("database is locked")
                    error.sqlite_errorcode = sqlite3.SQLITE_BUSY_RECOVERY
                    raise error

    class Pooled:
        driver_connection = Repairing()

    class Given:
        connection = Pooled()

    locking._begin_to_write(Given(), time.monotonic() + 5)
    assert len(tried) == 3


def in_turns(app, monkeypatch, until: float) -> list[str]:
    """What two threads tell, of which the second asks for its turn while the first has it, waiting `until` at most."""
    told: list[str] = []
    begun, go, end = threading.Event(), threading.Event(), threading.Event()
    monkeypatch.setattr("ticketing.kernel.locking.TURN_SECONDS", until)

    def first() -> None:
        with app.app_context(), reading(), turn_to_write():
            begun.set()
            go.wait(5)
            told.append("first")
            with transaction():
                db.session.execute(text("UPDATE ticket_counter SET last = last"))
            end.wait(5)
        told.append("first ends")

    def second() -> None:
        with app.app_context(), reading(), turn_to_write():
            told.append("second")
            begun.set()

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    assert begun.wait(5)
    begun.clear()
    threads[1].start()
    threads[1].join(0.3)
    go.set()
    assert begun.wait(5)
    threads[1].join(5)
    go.set()
    end.set()
    threads[0].join(5)
    return told


def test_the_next_turn_begins_when_the_first_has_committed(app, ctx, monkeypatch):
    if dialect() != "sqlite":
        pytest.skip("only SQLite has one lock for all writers")
    assert in_turns(app, monkeypatch, 60) == ["first", "second", "first ends"]


def test_who_has_waited_long_for_his_turn_goes_on_without(app, ctx, monkeypatch):
    if dialect() != "sqlite":
        pytest.skip("only SQLite has one lock for all writers")
    assert in_turns(app, monkeypatch, 0.05) == ["second", "first", "first ends"]


def test_a_turn_that_fails_is_given_back(app, ctx, monkeypatch):
    monkeypatch.setattr("ticketing.kernel.locking.TURN_SECONDS", 5)
    with pytest.raises(ZeroDivisionError), turn_to_write():
        raise ZeroDivisionError
    began = time.monotonic()
    with turn_to_write():
        pass
    assert time.monotonic() - began < 2


def test_a_form_that_will_be_refused_waits_for_no_writer(app, make, sign_in):
    if dialect() != "sqlite":
        pytest.skip("only SQLite has one lock for all writers")
    clerk = sign_in("clerk")
    db.session.rollback()
    with db.engine.connect() as other:
        other.execute(text("UPDATE ticket_counter SET last = last"))
        began = time.monotonic()
        assert clerk.post("/intake", data={"content": ""}).status_code == 422
        assert time.monotonic() - began < 2
        other.rollback()


def test_a_row_written_at_once_may_take_the_number_of_one_that_was_undone(app, ctx):
    kept = []

    def try_to(name: str, *, fail: bool = False) -> None:
        row = SignInAttempt(username=name, address="y", tried_at=clock.now(), succeeded=False)
        kept.append(row)
        with transaction():
            insert_now(row)
            if fail:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        try_to("first", fail=True)
    try_to("second")
    assert db.session.scalars(select(SignInAttempt.username)).all() == ["second"]


def test_a_row_written_at_once_takes_no_other_row_for_its_number(app, make):
    ticket = make.registered()
    with pytest.raises(ValueError, match="community"):
        insert_now(Ticket(community=ticket.community))


def test_a_row_written_at_once_is_as_if_it_had_been_loaded(app, make):
    ticket = make.registered()
    names = [attribute.key for attribute in inspect(ticket).mapper.column_attrs]
    given = ("call", "community_id", "unit_id", "caller_name", "caller_phone", "room", "channel")
    given += ("received_at", "registered_at", "registered_by_id", "summary", "content")
    given += ("due_on", "complaint_due_on")
    with transaction():
        other = Ticket(number="YX-2026-00099", **{name: getattr(ticket, name) for name in given})
        insert_now(other)
        written = {name: getattr(other, name) for name in names}
        db.session.expire(other)
        assert {name: getattr(other, name) for name in names} == written
        assert (written["version"], written["again_count"], written["claim_fen"]) == (1, 0, None)
        other.summary = "另一句"
    assert other.version == 2


def family(engine, keys: str) -> int:
    """Rebuild a parent table by a batch migration with foreign keys on or off; children left."""
    from alembic.migration import MigrationContext
    from alembic.operations import Operations

    tables = MetaData()
    parent = Table("parent", tables, Column("id", Integer, primary_key=True), Column("name", Text))
    child = Table(
        "child",
        tables,
        Column("id", Integer, primary_key=True),
        Column("parent_id", ForeignKey("parent.id", ondelete="CASCADE")),
    )
    with engine.connect() as connection:
        connection.execute(text(f"PRAGMA foreign_keys={keys}"))
        connection.commit()
        tables.create_all(connection)
        connection.execute(insert(parent), [{"id": 1, "name": "a"}])
        connection.execute(insert(child), [{"id": 1, "parent_id": 1}])
        connection.commit()
        operations = Operations(MigrationContext.configure(connection))
        with operations.batch_alter_table("parent", recreate="always") as batch:
            batch.add_column(Column("extra", Text))
        left = connection.scalar(select(func.count()).select_from(child))
        connection.rollback()
    return left


def test_a_rebuilt_table_keeps_its_children_only_with_foreign_keys_off(tmp_path):
    assert family(create_engine(f"sqlite:///{tmp_path / 'on.db'}"), "ON") == 0
    assert family(create_engine(f"sqlite:///{tmp_path / 'off.db'}"), "OFF") == 1
    environment = (ROOT / "migrations" / "env.py").read_text(encoding="utf-8")
    assert "PRAGMA foreign_keys=OFF" in environment
    assert "PRAGMA foreign_key_check" in environment


def test_no_table_deletes_the_rows_of_another(app):
    from ticketing.kernel.db import Base

    for table in Base.metadata.tables.values():
        for key in table.foreign_keys:
            assert key.ondelete is None, f"{table.name}.{key.parent.name}"


def test_every_constraint_has_a_name(app):
    from ticketing.kernel.db import Base

    for table in Base.metadata.tables.values():
        assert all(constraint.name for constraint in table.constraints), table.name


def test_the_clock_can_be_held_at_an_instant_and_only_at_an_aware_one():
    instant = datetime(2026, 12, 31, 16, 30, tzinfo=UTC)
    with clock.held(instant):
        assert clock.now() == instant
        assert clock.today().isoformat() == "2027-01-01"
        with clock.held(instant - timedelta(hours=1)):
            assert clock.today().isoformat() == "2026-12-31"
        assert clock.now() == instant
    with pytest.raises(ValueError, match="time zone"), clock.held(datetime(2026, 1, 1)):  # noqa: DTZ001
        pass
