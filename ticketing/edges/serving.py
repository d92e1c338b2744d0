"""The server: waitress, in one process or in several that share an address, looked after by the first.

Python does one thing at a time in a process. With two of them a workbook of a hundred thousand rows leaves a processor to
everybody else, and a process that dies takes only what it was answering with it (docs/decisions/0022).
"""

import logging
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess

import waitress
from flask import Flask
from waitress.adjustments import Adjustments

from ticketing.edges.jobs import scheduler
from ticketing.settings import Settings

log = logging.getLogger("ticketing")

MOST_RECEIVED = 64 * 1024 * 1024
"""Bytes of a request the server receives at all."""
BACKLOG = 1024
PAUSE = 1.0
"""Seconds before another process takes the place of one that ended, should it end at once again."""
PATIENCE = 10.0
"""Seconds the processes have to stop. waitress gives what they are answering five."""
STOPS = (signal.SIGTERM, signal.SIGINT)


def serve(app: Flask) -> None:
    """Serve on the address of the settings until told to stop; running requests are finished.

    Raises OSError when somebody else has the address.
    """
    settings: Settings = app.extensions["ticketing"]
    for told in STOPS:
        signal.signal(told, _stop)
    lines = _listen(settings)
    sys.stdout.write(f"客服通 http://{settings.host}:{settings.port}/\n")
    sys.stdout.flush()
    if settings.processes > 1:
        _look_after(app, lines, settings.processes)
    else:
        _answer(app, lines, settings.scheduler)


def _stop(*_told: object) -> None:
    """Stop, once: a service manager tells every process, and the one that looks after the others tells them again."""
    for told in STOPS:
        signal.signal(told, signal.SIG_IGN)
    sys.exit(0)


def _listen(settings: Settings) -> list[socket.socket]:
    """The sockets of the address: a name such as ``localhost`` may have two."""
    wanted = Adjustments(host=settings.host, port=settings.port).listen
    return [
        socket.create_server(address[:2], family=family, backlog=BACKLOG)
        for family, _, _, address in wanted
    ]


def _answer(app: Flask, lines: list[socket.socket], ticks: bool) -> None:
    """Answer requests in this process; the one that `ticks` runs the background jobs as well."""
    settings: Settings = app.extensions["ticketing"]
    if ticks:
        scheduler.start(app)
    waitress.serve(
        app,
        sockets=lines,
        threads=settings.threads,
        ident=None,
        max_request_body_size=MOST_RECEIVED,
    )


def _look_after(app: Flask, lines: list[socket.socket], count: int) -> None:
    """Fork `count` processes that answer, and another for each that ends, until told to stop.

    This process has no thread and no connection, so it can be forked at any time.
    """
    processes: dict[int, BaseProcess] = {}
    try:
        while True:
            for number in range(count):
                if (ended := processes.get(number)) is not None and ended.exitcode is None:
                    continue
                if ended is not None:
                    log.warning("process %s ended (%s)", ended.pid, ended.exitcode)
                try:
                    processes[number] = _fork(app, lines, number)
                except OSError as error:
                    log.warning("no process to be had: %s", error)
            all_there = len(processes) == count
            wait([one.sentinel for one in processes.values()], None if all_there else PAUSE)
            time.sleep(PAUSE)
    finally:
        _end(multiprocessing.active_children())


def _end(processes: list[BaseProcess]) -> None:
    """Let them finish what they are answering; end what does not."""
    for process in processes:
        process.terminate()
    until = time.monotonic() + PATIENCE
    for process in processes:
        process.join(max(until - time.monotonic(), 0))
        process.kill()


def _fork(app: Flask, lines: list[socket.socket], number: int) -> BaseProcess:
    process = multiprocessing.get_context("fork").Process(
        target=_answer_for, args=(app, lines, number, os.getpid()), name=f"ticketing-{number}"
    )
    process.start()
    return process


def _answer_for(app: Flask, lines: list[socket.socket], number: int, parent: int) -> None:
    """What a forked process does; the first one runs the jobs. It ends when the one that looks after it is gone."""
    settings: Settings = app.extensions["ticketing"]
    threading.Thread(target=_end_after, args=(parent,), name="parent", daemon=True).start()
    _answer(app, lines, settings.scheduler and number == 0)


def _end_after(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(PAUSE)
    os.kill(os.getpid(), signal.SIGTERM)
