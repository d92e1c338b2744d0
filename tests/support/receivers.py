"""The world outside, on loopback: a real SMTP server, a real web server for robots, and some that misbehave."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from ticketing.kernel.mail import MailServer, Security

OK = {"errcode": 0, "errmsg": "ok"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Mailbox:
    """A mail server: `mode` says how it treats the next message, `letters` what it took."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.mode = "take"
        self.letters: list[tuple[list[str], EmailMessage]] = []
        self.signed_in: list[bytes] = []

    @property
    def server(self) -> MailServer:
        return MailServer(
            host="127.0.0.1",
            port=self.port,
            security=Security.NONE,
            sender="客服通 <kf@example.com>",
        )

    async def handle_RCPT(  # noqa: N802
        self, _server: Any, _session: Any, envelope: Any, address: str, _o: Any
    ) -> str:
        if self.mode == "unknown":
            return "550 5.1.1 no such mailbox"
        if self.mode == "busy":
            return "451 4.7.1 greylisted, come back later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        if self.mode == "hang":
            await asyncio.sleep(30)
        if self.mode == "spam":
            return "554 5.7.1 rejected as spam"
        letter = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(letter, EmailMessage)
        self.letters.append((list(envelope.rcpt_tos), letter))
        if self.mode == "drop":
            server.transport.abort()
        if self.mode == "twice":
            await server.push("250 OK")
        return "250 OK"

    def authenticate(
        self, _s: Any, _session: Any, _e: Any, _how: str, given: LoginPassword
    ) -> AuthResult:
        self.signed_in.append(given.login)
        return AuthResult(success=given.password == b"right-password", handled=False)


@contextmanager
def mail_server(port: int | None = None, **options: Any) -> Iterator[Mailbox]:
    mailbox = Mailbox(port or free_port())
    controller = Controller(mailbox, hostname="127.0.0.1", port=mailbox.port, **options)
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop(no_assert=True)


class Robots:
    """A web server that takes robot messages: `answer` treats a request, `heard` is what came in."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.answer: Callable[[BaseHTTPRequestHandler], None] = say(OK)
        self.by_path: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {}
        self.heard: list[tuple[str, dict[str, str], dict[str, Any]]] = []

    @property
    def host(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ids(self) -> list[str]:
        return [headers["X-Event-Id"] for _, headers, _ in self.heard]


def say(told: Any, status: int = 200, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def hang(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(2)
    handler.close_connection = True


def drip(handler: BaseHTTPRequestHandler) -> None:
    """Speak one letter at a time: every single step is quick, the whole never ends."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n")
    for _ in range(40):
        handler.wfile.write(b" ")
        time.sleep(0.1)


def close_early(handler: BaseHTTPRequestHandler) -> None:
    handler.close_connection = True


def half_an_answer(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n{"errcode": 0')
    handler.close_connection = True


def twice(handler: BaseHTTPRequestHandler) -> None:
    say(OK)(handler)
    say({"errcode": 93000, "errmsg": "second answer"}, 500)(handler)


@contextmanager
def web_server(port: int | None = None) -> Iterator[Robots]:
    robots = Robots(port or free_port())

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            robots.heard.append((self.path, dict(self.headers), json.loads(body)))
            try:
                robots.by_path.get(self.path, robots.answer)(self)
            except OSError:
                self.close_connection = True

        def do_GET(self) -> None:
            robots.heard.append((f"GET {self.path}", dict(self.headers), {}))
            say(OK)(self)

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", robots.port), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield robots
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def deaf_server() -> Iterator[int]:
    """A port that takes calls and never says a word."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(20)
        yield int(listening.getsockname()[1])
