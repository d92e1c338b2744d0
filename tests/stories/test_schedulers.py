"""Four schedulers, one of them killed every second: each deadline is told exactly once."""

import os
import random
import signal
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text

from ticketing.casefile.notices.models import Notice
from ticketing.casefile.timers.models import Clock, ClockEvent, ClockEventKind, ClockState
from ticketing.edges.jobs import running
from ticketing.edges.jobs.models import Heartbeat, JobState
from ticketing.edges.jobs.schedule import BY_NAME
from ticketing.journal import queries as journal
from ticketing.journal.models import JournalEntry
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.procedure.deadlines import POLICY, ClockKind, Level
from ticketing.procedure.vocabulary import TicketStage
from ticketing.settings import ROOT

CLOCKS = 300
SECONDS = 6


def due_over(make, seconds: int) -> None:
    """Clocks in hours of as many tickets, all past their reminders, due one after another from now on."""
    ticket = make.ticket(TicketStage.HANDLING)
    columns = [column.name for column in type(ticket).__table__.columns if column.name != "id"]
    copied = ", ".join(columns).replace("number", "'T-' || n").replace(" call,", " 'c' || n,")
    start = clock.now()
    with transaction():
        db.session.execute(
            text(
                f"INSERT INTO ticket ({', '.join(columns)}) SELECT {copied} FROM ticket,"
                f" (WITH RECURSIVE count(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM count"
                f" WHERE n < {CLOCKS}) SELECT n FROM count) AS numbers WHERE ticket.id = {ticket.id}"
            )
        )
        db.session.execute(
            text("UPDATE clock SET state = 'met', stopped_at = started_at, next_at = NULL")
        )
        ids = db.session.scalars(
            text("SELECT id FROM ticket WHERE number LIKE 'T-%' ORDER BY id")
        ).all()
        assert len(ids) == CLOCKS
        for n, ticket_id in enumerate(ids):
            due = start + timedelta(seconds=2 + n * seconds / CLOCKS)
            due = due.replace(microsecond=0)
            db.session.add(
                Clock(
                    kind=ClockKind.EMERGENCY,
                    ticket_id=ticket_id,
                    community_id=ticket.community_id,
                    department_id=ticket.department_id,
                    handler_id=ticket.handler_id,
                    started_at=due - timedelta(hours=2),
                    original_due_on=clock.local(due).date(),
                    due_on=clock.local(due).date(),
                    due_at=due,
                    policy=POLICY,
                    calendar_edition=0,
                    rung=Level.HALF.bit | Level.MOST.bit,
                    next_at=due,
                )
            )


def nursery(url: str) -> subprocess.Popen[str]:
    """The process the schedulers are forked from."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.ticker", url],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def scheduler(parent: subprocess.Popen[str]) -> int:
    """Start one more; its pid."""
    assert parent.stdin is not None
    assert parent.stdout is not None
    parent.stdin.write("one more\n")
    parent.stdin.flush()
    return int(parent.stdout.readline())


@pytest.mark.clause("3.4.5")
@pytest.mark.clause("3.4.2.2")
def test_four_schedulers_with_kill_9_every_second_tell_each_deadline_exactly_once(engine, make):
    due_over(make, SECONDS)
    db.session.remove()
    parent = nursery(engine.url)
    pids = [scheduler(parent) for _ in range(4)]
    dice, killed = random.Random(9), 0
    try:
        until = time.monotonic() + SECONDS + 4
        while time.monotonic() < until:
            time.sleep(1)
            unlucky = dice.randrange(4)
            os.kill(pids[unlucky], signal.SIGKILL)
            killed += 1
            pids[unlucky] = scheduler(parent)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        _out, errors = parent.communicate()
    assert killed >= SECONDS
    assert "Traceback" not in errors, errors
    told = select(func.count()).where(ClockEvent.kind == ClockEventKind.BREACHED)
    assert (db.session.scalar(told) or 0) > CLOCKS // 3, (
        "the schedulers themselves rang, not only this test"
    )
    db.session.rollback()
    running.run(BY_NAME["ring"], clock.now())
    breaches = select(ClockEvent.clock_id).where(ClockEvent.kind == ClockEventKind.BREACHED)
    found = db.session.scalars(breaches).all()
    assert (len(found), len(set(found))) == (CLOCKS, CLOCKS)
    events = db.session.execute(select(Notice.user_id, Notice.event)).all()
    assert len(events) == len(set(events))
    by_event = db.session.execute(
        select(Notice.event, func.count())
        .where(Notice.event.like("clock:%:breach:%"))
        .group_by(Notice.event)
    ).all()
    assert len(by_event) == CLOCKS
    assert len({count for _event, count in by_event}) == 1, (
        "each breach reaches the same people once"
    )
    of_clocks = [event for _user, event in events if event.startswith("clock:")]
    assert len(of_clocks) == sum(count for _event, count in by_event)
    entries = select(func.count()).where(JournalEntry.act == "breach")
    assert db.session.scalar(entries) == CLOCKS
    assert journal.verify().fault is None
    still = select(func.count()).where(
        Clock.state == ClockState.RUNNING, Clock.rung.bitwise_and(Level.BREACH.bit) == 0
    )
    assert db.session.scalar(still) == 0


def test_a_turn_is_taken_by_one_process_only_and_a_set_back_clock_does_not_stop_the_jobs(app, ctx):
    at = clock.now()
    with clock.held(at):
        assert running.tick() == len(BY_NAME)
        assert running.tick() == 0
    with clock.held(at + timedelta(seconds=16)):
        assert running.tick() == 2, "the bells and the deliveries"
    with clock.held(at - timedelta(days=40)):
        assert running.tick() == len(BY_NAME), "the clock went back: every turn looks far away"
    states = {state.name: state for state in db.session.scalars(select(JobState))}
    assert states["ring"].runs == 3
    assert not any(state.failed for state in states.values())
    assert states["tidy"].next_at == BY_NAME["tidy"].following(at - timedelta(days=40))
    assert len(db.session.scalars(select(Heartbeat)).all()) == 1
