"""A real browser against a real server: Debian's Chromium, the app on a loopback port."""

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect
from waitress.server import create_server

from tests.conftest import Engine, missing
from tests.support.world import PASSWORD
from ticketing.app import create_app
from ticketing.kernel.db import db
from ticketing.settings import Settings

QUIET = (
    "--lang=zh-CN",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE = 30_000
"""Milliseconds to wait for what must come: a busy machine is no fault of the page."""

expect.set_options(timeout=PATIENCE)
SIZES = {"desk": (1440, 900), "phone": (390, 844)}


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, object]:
    """Use the machine's own Chromium."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        missing("Chromium", "REQUIRE_BROWSER")
    return {"executable_path": chromium, "args": list(QUIET)}


def complete(sqlite: Engine, folder: Path) -> Flask:
    """The application with CSRF and everything on."""
    return create_app(
        Settings(database_url=sqlite.url, secret_key="y" * 32, instance=folder, demo=True)
    )


@pytest.fixture(scope="session")
def whole(sqlite: Engine, tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """It, once for all tests: each page is compiled but once."""
    return complete(sqlite, tmp_path_factory.mktemp("browser"))


@contextmanager
def served(sqlite: Engine, app: Flask) -> Iterator[str]:
    """A server of `app` over a fresh copy of the test world: its address."""
    with app.app_context():
        db.engine.dispose()
    sqlite.renew()
    shutil.rmtree(app.extensions["ticketing"].instance / "files", ignore_errors=True)
    server = create_server(app, host="127.0.0.1", port=0, threads=6)

    def serve() -> None:
        with suppress(OSError):  # its sockets are closed under its hands at the end
            server.run()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()
    thread.join(5)


@pytest.fixture
def address(sqlite: Engine, whole: Flask) -> Iterator[str]:
    """The address of such a server."""
    with served(sqlite, whole) as place:
        yield place


@pytest.fixture(params=list(SIZES))
def size(request: pytest.FixtureRequest) -> str:
    """Desk (1440 px) and phone (390 px)."""
    return str(request.param)


@pytest.fixture
def open_as(browser: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """Open a page signed in as a user of the world; the console must stay free of complaints."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:
            complaints.append(message.text)

    def enter(username: str, size: str = "desk", scheme: str = "light") -> Page:
        width, height = SIZES[size]
        context = browser.new_context(
            base_url=address,
            viewport={"width": width, "height": height},
            has_touch=size == "phone",
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
            color_scheme=scheme,
            accept_downloads=True,
        )
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("console", hear)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto("/sign-in")
        page.get_by_label("账号").fill(username)
        page.get_by_label("密码").fill(PASSWORD)
        page.get_by_role("button", name="登录", exact=True).click()
        page.wait_for_url(lambda url: not url.endswith("/sign-in"))
        return page

    yield enter
    for context in contexts:
        context.close()
    assert complaints == []
