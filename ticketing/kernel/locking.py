"""Who may write: reading transactions, and on SQLite, which lets one write at a time, how the others wait."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, cast

from sqlalchemy import Engine, event
from sqlalchemy.engine import Connection

LOCK_SECONDS = 10
"""How long a writer waits for another: then the person is told that nothing was saved."""
TURN_SECONDS = 0.1
FIRST_PAUSE, LONGEST_PAUSE = 0.0003, 0.001
"""Seconds between two tries while another process writes. An intake writes for three or four thousandths of one."""
LONG = 0.02
BREATHER = 3 * LONGEST_PAUSE
"""Who has written for `LONG` seconds lets this many pass before this process writes again: else one that writes
without a break would keep the lock from the others, who look whether it is free no oftener than they do."""
_PRAGMAS = (
    "foreign_keys=ON",
    "journal_mode=WAL",
    f"busy_timeout={LOCK_SECONDS * 1000}",
    "synchronous=FULL",
    "wal_autocheckpoint=4000",
    "cache_size=-5000",
)

_reading: ContextVar[bool] = ContextVar("reading", default=False)
_writers, _turns = threading.Lock(), threading.Lock()
_has_turn: ContextVar[bool] = ContextVar("has_turn", default=False)


@contextmanager
def reading(only: bool = True) -> Iterator[None]:
    """Inside the block transactions begin without a write lock (SQLite); nothing may be written."""
    token = _reading.set(only)
    try:
        yield
    finally:
        _reading.reset(token)


def is_reading() -> bool:
    """Whether a transaction that begins now only reads."""
    return _reading.get()


def tune(engine: Engine) -> None:
    """Give a SQLite engine its pragmas and let every writing transaction begin IMMEDIATE.

    A deferred transaction that reads and then writes fails at once under WAL when another writer
    came between; taking the write lock at the start makes writers queue instead. Those of this process queue at a
    lock, and the first of them tries every moment until no other process writes: SQLite's own wait is a sleep
    of up to 0.1 s, and eight clerks saving at once spent their time asleep (some for seconds).
    """
    if engine.dialect.name != "sqlite":
        return

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if is_reading():
            connection.exec_driver_sql("BEGIN")
            return
        until = time.monotonic() + LOCK_SECONDS
        if not connection.info.get("writes"):
            connection.info["writes"] = _writers.acquire(timeout=LOCK_SECONDS)
        _begin_to_write(connection, until)
        connection.info["began"] = time.monotonic()

    @event.listens_for(engine, "checkin")
    def _let_next_write(connection: Any, record: Any) -> None:
        if connection is not None and connection.in_transaction:
            connection.rollback()  # a COMMIT refused by a deferred constraint leaves it open
        if record.info.pop("writes", False):
            began = record.info.pop("began", None)
            if began is not None and time.monotonic() - began > LONG:
                time.sleep(BREATHER)
            _writers.release()
            _end_turn()


def _begin_to_write(connection: Connection, until: float) -> None:
    """Take the write lock as soon as no other process has it (SQLite).

    Raises OperationalError when one still has it at `until`, a reading of the monotonic clock.
    """
    raw = cast(sqlite3.Connection, connection.connection.driver_connection)
    pause = FIRST_PAUSE
    raw.execute("PRAGMA busy_timeout=0")
    try:
        while time.monotonic() < until:
            try:
                raw.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    break
            time.sleep(pause)
            pause = min(pause * 1.2, LONGEST_PAUSE)
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        raw.execute(f"PRAGMA busy_timeout={LOCK_SECONDS * 1000}")


@contextmanager
def turn() -> Iterator[None]:
    """Inside the block, until it has written, nobody else of this process has a turn (SQLite): for a form that is short.

    Eight clerks who save at once otherwise take the processor from each other at every statement, each save
    costs more, and whoever writes keeps the other processes waiting; only one may write anyway. A turn is a
    courtesy, not a lock: who has waited `TURN_SECONDS` for it goes on without, so that a long writer holds up no
    form that will be refused.
    """
    if not _turns.acquire(timeout=TURN_SECONDS):
        yield
        return
    token = _has_turn.set(True)
    try:
        yield
    finally:
        _end_turn()
        _has_turn.reset(token)


def _end_turn() -> None:
    """Let the next one have his turn, if this thread has it."""
    if _has_turn.get():
        _has_turn.set(False)
        _turns.release()
