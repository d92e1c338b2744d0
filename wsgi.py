"""The server: `python wsgi.py` serves with waitress; other servers import `app`."""

import signal
import sys

from waitress import serve

from ticketing.app import MOST_RECEIVED, create_app
from ticketing.edges.jobs import scheduler
from ticketing.settings import Settings

sys.setswitchinterval(0.0005)
# A thread that writes a long workbook lets others go on after 0.5 ms instead of 5: a page of another
# person gives up the processor at each of its queries, and its p95 during an export fell by half.

app = create_app()


def main() -> None:
    """Serve on the address of the settings until told to stop; running requests are finished."""
    settings: Settings = app.extensions["ticketing"]
    if settings.scheduler:
        scheduler.start(app)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    sys.stdout.write(f"客服通 http://{settings.host}:{settings.port}/\n")
    sys.stdout.flush()
    serve(
        app,
        host=settings.host,
        port=settings.port,
        threads=settings.threads,
        ident=None,
        max_request_body_size=MOST_RECEIVED,
    )


if __name__ == "__main__":
    main()
