"""The benchmark's own launcher: the product as `wsgi.py` serves it, with `/hello` beside its pages.

`hello` checks who is signed in and says so; every ratio of the benchmark is against its time.
"""

from ticketing.edges import serving
from ticketing.masters.people.guard import requires
from wsgi import app


@app.get("/hello")
@requires()
def hello() -> str:
    """The empty page of a signed-in person."""
    return "ok"


if __name__ == "__main__":
    serving.serve(app)
