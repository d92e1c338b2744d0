"""The journal: one entry with each act, in its transaction; any tampering is found."""

import pytest
from sqlalchemy import func, select, text

from tests.rooms.test_tickets_numbering import in_threads
from tests.support.make import Maker
from ticketing.journal import queries as journal
from ticketing.journal.commands import GENESIS, SYSTEM, record
from ticketing.journal.models import JournalEntry, JournalHead
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.procedure.vocabulary import TicketStage


def count() -> int:
    return db.session.scalar(select(func.count(JournalEntry.id))) or 0


def test_an_act_that_is_rolled_back_leaves_no_entry(make):
    before = count()

    def fail_after_recording():
        with transaction():
            record("ticket", 1, "withdraw", actor=make.user("clerk"), at=clock.now())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_after_recording()
    assert count() == before
    assert journal.verify().fault is None
    make.registered()
    assert count() == before + 1


def test_each_act_of_a_story_is_one_entry_with_its_clause(make):
    ticket = make.ticket(TicketStage.CLOSED)
    lines = journal.story("ticket", ticket.id)
    found = [(l.entry.act, l.entry.origin, l.entry.target, l.entry.clause) for l in lines]  # noqa: E741
    assert found == [
        ("register", "", "registered", "3.4.3"),
        ("dispatch", "registered", "dispatched", "3.4.2"),
        ("feed_back", "dispatched", "handling", "3.4.2.2"),
        ("resolve", "handling", "callback", "3.4.5-他"),
        ("call_back", "callback", "closed", "3.5.4"),
    ]
    assert [line.entry.subject_version for line in lines] == [1, 2, 3, 4, 5]
    assert journal.story("ticket", ticket.id, after_version=3) == lines[3:]
    assert lines[1].facts["changed"]["category"] == [None, "ENG"]
    assert journal.verify().fault is None


def test_the_system_itself_acts_under_its_own_name(ctx):
    with transaction():
        record("report", 1, "compile", actor=None, at=clock.now(), facts={"周": 47})
    entry = db.session.scalars(journal.entries(subject="report")).one()
    assert (entry.actor_id, entry.actor_name) == (None, SYSTEM)
    assert journal.parsed([entry])[0].facts == {"周": 47}


TAMPERINGS = {
    "a changed fact": "UPDATE journal_entry SET facts = '{}' WHERE facts <> '{}' AND id > 5",
    "a changed name": "UPDATE journal_entry SET actor_name = '别人' WHERE id = 7",
    "another actor": "UPDATE journal_entry SET actor_id = 1 WHERE id = :last",
    "another time": "UPDATE journal_entry SET at = '2020-01-01 00:00:00' WHERE id = 7",
    "another clause": "UPDATE journal_entry SET clause = '9.9' WHERE id = 7",
    "another version": "UPDATE journal_entry SET subject_version = 9 WHERE id = 7",
    "another subject": "UPDATE journal_entry SET subject_id = 999 WHERE id = 7",
    "a changed hash": "UPDATE journal_entry SET hash = 'f' WHERE id = 7",
    "a removed row": "DELETE FROM journal_entry WHERE id = 7",
    "a removed first row": "DELETE FROM journal_entry WHERE id = 1",
    "a cut tail": "DELETE FROM journal_entry WHERE id > :last - 2",
    "an emptied journal": "DELETE FROM journal_entry",
    "an inserted row": (
        "INSERT INTO journal_entry (id, at, actor_name, subject, subject_id, subject_version, act,"
        " clause, origin, target, facts, hash) SELECT :last + 1, at, actor_name, subject,"
        " subject_id, subject_version, act, clause, origin, target, facts, hash"
        " FROM journal_entry WHERE id = 7"
    ),
    "a row slipped in between": (
        "INSERT INTO journal_entry (id, at, actor_name, subject, subject_id, subject_version, act,"
        " clause, origin, target, facts, hash) SELECT 0, at, actor_name, subject, subject_id,"
        " subject_version, act, clause, origin, target, facts, hash FROM journal_entry WHERE id = 7"
    ),
    "a lost head": "DELETE FROM journal_head",
    "a changed head": "UPDATE journal_head SET count = count - 1",
    "another head": "UPDATE journal_head SET hash = 'f'",
}


def test_every_tampering_is_found_and_the_console_says_so(app, make):
    make.ticket(TicketStage.CLOSED)
    runner, last = app.test_cli_runner(), count()
    clean = journal.verify()
    assert (clean.entries, clean.fault) == (last, None)
    assert clean.head != GENESIS
    db.session.rollback()
    missed = []
    for name, statement in TAMPERINGS.items():
        values = {"last": last} if ":last" in statement else {}
        assert db.session.execute(text(statement), values).rowcount, name
        if journal.verify().fault is None:
            missed.append(name)
        db.session.rollback()
    assert missed == []
    entries = {row.id: row for row in db.session.scalars(select(JournalEntry))}
    one, two = entries[6].facts, entries[8].facts
    hashes = entries[6].hash, entries[8].hash
    entries[6].facts, entries[8].facts = two, one
    entries[6].hash, entries[8].hash = hashes[::-1]
    db.session.flush()
    assert journal.verify().fault is not None, "two swapped rows"
    db.session.rollback()
    told = runner.invoke(args=["verify"])
    assert (told.exit_code, str(last) in told.output) == (0, True)
    with transaction():
        db.session.execute(text("DELETE FROM journal_entry WHERE id = :last"), {"last": last})
    told = runner.invoke(args=["verify"])
    assert told.exit_code != 0
    assert "末尾被截断" in told.output


def test_parallel_writers_make_one_chain(app, world):
    def write(n: int) -> None:
        maker = Maker(world)
        for _ in range(3):
            maker.registered(("YX 3-1-1202", "HT 1-1-0801")[n % 2])

    assert in_threads(app, write, 5) == []
    with app.app_context():
        verdict = journal.verify()
        head = db.session.scalars(select(JournalHead)).one()
        assert verdict.fault is None
        assert verdict.entries == head.count == count()
        assert (
            db.session.scalar(
                select(func.count(JournalEntry.id)).where(JournalEntry.act == "register")
            )
            == 15
        )
