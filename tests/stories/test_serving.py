"""The server as `wsgi.py` starts it: two processes that share an address, one of them killed, all of them told to stop."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest
from sqlalchemy import func, select
from werkzeug.security import generate_password_hash

from benchmarks.client import Client
from tests.support.world import PASSWORD
from ticketing.casefile.tickets.models import Ticket
from ticketing.edges import serving
from ticketing.edges.jobs.models import Heartbeat
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.settings import ROOT

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="processes are forked on Linux only"
)
CLERKS, EACH = 8, 5
SLOW = "pbkdf2:sha256:4000000"


def children(pid: int) -> list[int]:
    """The processes that `pid` has forked and that still live."""
    try:
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def until(true, seconds: float = 20.0) -> bool:
    """Whether it becomes true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.05)
    return bool(true())


class Served:
    """The running server."""

    def __init__(self, url: str, folder: Path, **settings: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.process = subprocess.Popen(
            [sys.executable, "wsgi.py"],
            cwd=ROOT,
            env=os.environ
            | {
                "TICKETING_DATABASE_URL": url,
                "TICKETING_INSTANCE": str(folder),
                "TICKETING_PORT": str(self.port),
                "TICKETING_PROCESSES": "2",
                "TICKETING_SCHEDULER": "0",
                **settings,
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.clients: list[Client] = []
        assert until(self.answers)
        assert until(lambda: len(self.workers) == 2)
        self.begun = self.workers

    @property
    def workers(self) -> list[int]:
        """The processes that answer."""
        return children(self.process.pid)

    def answers(self) -> bool:
        """Whether somebody answers at the address."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=5) as page:
                return bool(page.status == 200)
        except OSError:
            return False

    def client(self, username: str = "") -> Client:
        """A connection of its own, signed in if a name is given."""
        self.clients.append(Client(self.port, username, PASSWORD))
        return self.clients[-1]

    def end(self) -> None:
        """Hang up and kill what is left."""
        for client in self.clients:
            client.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)


@pytest.fixture
def start(engine, ctx, tmp_path):
    """Start a server on the test's database; every one is ended."""
    begun = []

    def start(**settings):
        db.session.remove()
        begun.append(Served(engine.url, tmp_path, **settings))
        return begun[-1]

    yield start
    for one in begun:
        one.end()


@pytest.fixture
def one_engine(engine):
    """Processes come and go in the same way on either."""
    if not engine.url.startswith("sqlite"):
        pytest.skip("asked on SQLite")


def entry(home: int, n: int) -> dict[str, object]:
    """What a clerk fills in for her `n`th call."""
    return {
        "once": f"{threading.get_ident()}-{n}",
        "unit_id": home,
        "caller_name": f"王{n}",
        "channel": "phone",
        "relation": "owner",
        "received_at": f"{clock.local(clock.now()):%Y-%m-%dT%H:%M}",
        "content": "漏水",
        "call": f"{threading.get_ident()}",
    }


@pytest.mark.clause("3.4.3")
def test_eight_clerks_saving_at_once_in_two_processes_get_numbers_without_a_gap(start, make):
    server = start()
    home = make.world.units["YX 3-1-1202"]
    clients = [server.client("clerk") for _ in range(CLERKS)]
    answers = []

    def save(client):
        client.read_token("/intake")
        for n in range(EACH):
            data = entry(home, n)
            answer = client.post("/intake", **data)
            while answer.status == 409:  # she is shown what the others wrote of this home meanwhile
                seen = answer.body.decode().partition('name="seen"')[2].partition('value="')[2]
                answer = client.post("/intake", **data, seen=seen.partition('"')[0])
            answers.append(answer.status)

    threads = [threading.Thread(target=save, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [302] * (CLERKS * EACH)
    numbers = sorted(db.session.scalars(select(Ticket.number)))
    assert [int(number.rpartition("-")[2]) for number in numbers] == list(
        range(1, CLERKS * EACH + 1)
    )


@pytest.mark.usefixtures("one_engine")
def test_a_process_that_is_killed_takes_nothing_with_it_and_another_takes_its_place(start):
    server = start()
    first = server.begun
    os.kill(first[0], signal.SIGKILL)
    assert server.answers()
    assert until(lambda: len(server.workers) == 2 and first[0] not in server.workers)
    assert first[1] in server.workers
    assert server.answers()


def to_the_first(server, told):
    server.process.send_signal(told)


def to_the_first_again_and_again(server, told):
    for _ in range(3):
        server.process.send_signal(told)
        time.sleep(0.05)


def to_all(server, told):
    """As a service manager and a terminal do."""
    os.killpg(server.process.pid, told)


@pytest.mark.parametrize("tell", [to_the_first, to_the_first_again_and_again, to_all])
@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_they_finish_what_they_are_answering(start, make, tell, told):
    with transaction():  # a password that takes a second to check
        make.user("clerk").password_hash = generate_password_hash(PASSWORD, SLOW)
    server = start()
    client = server.client()
    client.read_token("/sign-in")
    answers = []
    signing_in = threading.Thread(
        target=lambda: answers.append(client.post("/sign-in", username="clerk", password=PASSWORD))
    )
    signing_in.start()
    time.sleep(0.2)
    assert answers == []
    tell(server, told)
    signing_in.join(10)
    assert server.process.wait(serving.PATIENCE + 5) == 0
    assert [answer.status for answer in answers] == [302]
    assert not any(Path(f"/proc/{pid}").exists() for pid in server.begun)
    assert not server.answers()


@pytest.mark.usefixtures("one_engine")
def test_they_end_when_the_one_that_looks_after_them_is_killed(start):
    server = start()
    server.process.kill()
    server.process.wait(5)
    assert until(lambda: not server.answers())


def test_one_of_them_runs_the_jobs(start):
    start(TICKETING_SCHEDULER="1")
    beats = select(func.count(Heartbeat.process))

    def beaten():
        db.session.rollback()
        return db.session.scalar(beats)

    assert until(beaten)
    time.sleep(1.5)  # the other would have beaten by now
    assert beaten() == 1


@pytest.mark.usefixtures("one_engine")
def test_an_address_somebody_else_has_stops_the_start(start, engine, tmp_path):
    server = start()
    second = subprocess.run(
        [sys.executable, "wsgi.py"],
        cwd=ROOT,
        env=os.environ
        | {
            "TICKETING_DATABASE_URL": engine.url,
            "TICKETING_INSTANCE": str(tmp_path),
            "TICKETING_PORT": str(server.port),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert second.returncode != 0
    assert "Address already in use" in second.stderr
