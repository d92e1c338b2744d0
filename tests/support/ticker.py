"""A scheduler process for tests: `python -m tests.support.ticker URL` ticks and rings until it is killed."""

import sys
import tempfile
import time
from pathlib import Path

from ticketing.app import create_app
from ticketing.edges.jobs import running
from ticketing.edges.jobs.schedule import BY_NAME
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.settings import Settings


def main(url: str) -> None:
    """Tick as the product does, and ring far more often than its table says."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Settings(database_url=url, secret_key="x" * 32, instance=Path(folder)))
        with app.app_context():
            sys.stdout.write("ticking\n")
            sys.stdout.flush()
            while True:
                running.tick()
                running.run(BY_NAME["ring"], clock.now())
                db.session.remove()
                time.sleep(0.05)


if __name__ == "__main__":
    main(sys.argv[1])
