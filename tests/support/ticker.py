"""Scheduler processes for tests: `python -m tests.support.ticker URL` starts one for each line it reads, and writes its pid.

They are forked from a process that has imported the product already: one that is killed every few seconds must ring at once,
or nobody rings and the test proves nothing.
"""

import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from flask import Flask

from ticketing.app import create_app
from ticketing.edges.jobs import running
from ticketing.edges.jobs.schedule import BY_NAME
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.settings import Settings


def tick(app: Flask) -> None:
    """Tick as the product does, and ring far more often than its table says, until it is killed."""
    with app.app_context():
        db.engine.dispose(close=False)
        while True:
            running.tick()
            running.run(BY_NAME["ring"], clock.now())
            db.session.remove()
            time.sleep(0.05)


def main(url: str) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Settings(database_url=url, secret_key="x" * 32, instance=Path(folder)))
        while sys.stdin.readline():
            if (pid := os.fork()) == 0:
                tick(app)
            sys.stdout.write(f"{pid}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
