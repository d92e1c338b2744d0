"""The ticking: APScheduler calls `running.tick` every few seconds, in a thread of the server or on its own."""

import logging
from collections.abc import Callable

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.base import BaseScheduler
from apscheduler.schedulers.blocking import BlockingScheduler
from flask import Flask

from ticketing.edges.jobs import running
from ticketing.kernel import clock
from ticketing.kernel.db import db

log = logging.getLogger("ticketing.jobs")

SECONDS = 5


def start(app: Flask) -> BaseScheduler:
    """Tick in a thread of this process; call it after any fork. Returns the scheduler, to shut down."""
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    scheduler = BackgroundScheduler(timezone=clock.SHANGHAI)
    _set_up(scheduler, app)
    scheduler.start()
    return scheduler


def serve(app: Flask) -> None:
    """Tick in this process until it is told to stop."""
    scheduler = BlockingScheduler(timezone=clock.SHANGHAI)
    _set_up(scheduler, app)
    scheduler.start()


def _set_up(scheduler: BaseScheduler, app: Flask) -> None:
    scheduler.add_job(
        ticking(app),
        "interval",
        seconds=SECONDS,
        next_run_time=clock.local(clock.now()),
        coalesce=True,
        max_instances=1,
        misfire_grace_time=None,
    )


def ticking(app: Flask) -> Callable[[], None]:
    """One tick in an application context; a database that is away is logged, and tried again next time."""

    def tick() -> None:
        with app.app_context():
            try:
                running.tick()
            except Exception:
                db.session.rollback()
                log.exception("the tick failed")

    return tick
