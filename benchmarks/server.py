"""The benchmark's own launcher: the product as `wsgi.py` serves it, with `/hello` beside its pages.

`hello` checks who is signed in and says so; every ratio of the benchmark is against its time.
"""

import signal
import sys

from waitress import serve

from ticketing.masters.people.guard import requires
from ticketing.settings import Settings
from wsgi import app


@app.get("/hello")
@requires()
def hello() -> str:
    """The empty page of a signed-in person."""
    return "ok"


if __name__ == "__main__":
    settings: Settings = app.extensions["ticketing"]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    serve(app, host=settings.host, port=settings.port, threads=settings.threads, ident=None)
