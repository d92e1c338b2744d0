"""Taking the turn of whatever job is due, and noting how it went; the heartbeat."""

import functools
import logging
import os
import secrets
import socket
import time as stopwatch
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast

from sqlalchemy import CursorResult, Table, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from ticketing.edges.jobs.models import Heartbeat, JobState
from ticketing.edges.jobs.schedule import JOBS, Job
from ticketing.kernel import clock
from ticketing.kernel.db import db, dialect, transaction
from ticketing.kernel.locking import reading

log = logging.getLogger("ticketing.jobs")

BEAT = timedelta(seconds=15)
SILENT = timedelta(days=1)
SLACK = timedelta(days=1)
_TURNS = select(JobState.name, JobState.next_at)


class Outcome(NamedTuple):
    """How one run went: the words of the job, or of its failure."""

    words: str
    failed: bool


@functools.cache
def process_name() -> str:
    """What this process is called where it beats; made when it first does, for it may have been forked."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"


def tick() -> int:
    """Beat, then run every job whose turn it is; how many ran. Never raises for a job's failure.

    A tick that finds nothing to do only reads.
    """
    at = clock.now()
    with reading():
        seen = db.session.scalar(select(Heartbeat.at).where(Heartbeat.process == process_name()))
        turns = {row[0]: row[1] for row in db.session.execute(_TURNS)}
        db.session.rollback()
    if seen is None or not seen <= at < seen + BEAT:
        beat(at)
    return sum(_take_turn(job, turns.get(job.name)) for job in JOBS)


def beat(at: datetime) -> None:
    """Say that this process ticks; drop those silent for a day."""
    with transaction():
        known = db.session.get(Heartbeat, process_name())
        if known is None:
            db.session.add(Heartbeat(process=process_name(), began_at=at, at=at))
            db.session.execute(delete(Heartbeat).where(Heartbeat.at < at - SILENT))
        else:
            known.at = at


def last_beat() -> datetime | None:
    """When any process ticked last."""
    return db.session.scalar(select(Heartbeat.at).order_by(Heartbeat.at.desc()).limit(1))


def _take_turn(job: Job, next_at: datetime | None) -> bool:
    """Run `job` when its turn, at `next_at`, has come and nobody else took it; whether it ran.

    A turn much too far in the future says that the machine's clock was set back: it is taken at once.
    """
    at = clock.now()
    if next_at is not None and at < next_at <= job.following(at) + SLACK:
        return False
    with transaction():
        mine = _claim(job, next_at, at)
    if mine:
        run(job, at)
    return mine


def _claim(job: Job, next_at: datetime | None, at: datetime) -> bool:
    """Take the turn by moving `next_at` on: of several processes exactly one succeeds."""
    if next_at is None:
        next_at = at
        insert = sqlite.insert if dialect() == "sqlite" else postgresql.insert
        fresh = insert(cast(Table, JobState.__table__)).values(
            name=job.name, next_at=at, outcome="", failed=False, runs=0, failures=0
        )
        db.session.execute(fresh.on_conflict_do_nothing())
    taken = cast(
        CursorResult[Any],
        db.session.execute(
            update(JobState)
            .where(JobState.name == job.name, JobState.next_at == next_at)
            .values(next_at=job.claimed_until(at), started_at=at)
        ),
    )
    return taken.rowcount == 1


def run(job: Job, at: datetime) -> Outcome:
    """Run `job` now and note how long it took and how it went; a failure is logged and noted."""
    began = stopwatch.perf_counter()
    try:
        outcome = Outcome(job.work(at), failed=False)
    except Exception as error:
        log.exception("job %s failed", job.name)
        db.session.rollback()
        outcome = Outcome(f"{type(error).__name__}: {error}"[:500], failed=True)
    took = int((stopwatch.perf_counter() - began) * 1000)
    with transaction():
        state = db.session.get(JobState, job.name)
        if state is None:
            state = JobState(name=job.name, next_at=at, runs=0, failures=0)
            db.session.add(state)
        state.started_at, state.milliseconds = at, took
        state.outcome, state.failed = outcome.words, outcome.failed
        state.runs += 1
        state.failures += outcome.failed
        if not outcome.failed and job.daily is not None:
            state.next_at = job.following(at)
    return outcome
