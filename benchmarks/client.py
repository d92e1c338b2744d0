"""A browser's connection for measuring: keep-alive, cookies, form tokens; and the server it talks to."""

import contextlib
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from http.cookies import SimpleCookie
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parent.parent
_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
_HEAD = re.compile(rb"HTTP/1\.1 (\d+).*?Content-Length: (\d+).*?\r\n\r\n", re.DOTALL)
FORM = "application/x-www-form-urlencoded"


class Answer(NamedTuple):
    """What came back."""

    status: int
    body: bytes
    location: str


class Client:
    """One signed-in person's keep-alive connection."""

    def __init__(self, port: int, username: str = "", password: str = "") -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        self._connect()
        self.cookies: dict[str, str] = {}
        self.token = ""
        if username:
            self.read_token("/sign-in")
            answer = self.post("/sign-in", username=username, password=password)
            if answer.status != 302:
                raise SystemExit(f"{username} cannot sign in: {answer.status}")

    def _connect(self) -> None:
        self.connection.close()
        self.connection.connect()
        self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self) -> None:
        """Hang up."""
        self.connection.close()

    def get(self, path: str) -> Answer:
        """A page."""
        return self._ask("GET", path, None, {})

    def post(self, path: str, *, forget: bool = False, **fields: object) -> Answer:
        """A form, with the token read last; `forget` drops the cookies of the answer.

        A browser shows the message of one save before the next; here it would pile up in the cookie.
        """
        body = urlencode({"csrf_token": self.token, **fields}, doseq=True)
        kept = dict(self.cookies)
        answer = self._ask("POST", path, body, {"Content-Type": FORM})
        if forget:
            self.cookies = kept
        return answer

    def ready(self, method: str, path: str, **fields: object) -> bytes:
        """A whole request to be sent by `rush`: making it must not cost time while measuring."""
        body = urlencode({"csrf_token": self.token, **fields}).encode() if fields else b""
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookies}\r\n"
        if fields:
            head += f"Content-Type: {FORM}\r\nContent-Length: {len(body)}\r\n"
        return f"{head}\r\n".encode() + body

    def read_token(self, path: str) -> None:
        """Read the form's token as a browser does."""
        found = _TOKEN.search(self.get(path).body.decode())
        if found is None:
            raise SystemExit(f"no form at {path}")
        self.token = found[1]

    def _ask(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> Answer:
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        try:
            self.connection.request(method, path, body, headers)
            answer = self.connection.getresponse()
        except (http.client.RemoteDisconnected, ConnectionError):
            self._connect()  # the server closes connections that were idle for two minutes
            self.connection.request(method, path, body, headers)
            answer = self.connection.getresponse()
        content = answer.read()
        for header in answer.headers.get_all("Set-Cookie") or ():
            for name, morsel in SimpleCookie(header).items():
                self.cookies[name] = morsel.value
        return Answer(answer.status, content, answer.headers.get("Location") or "")


def rush(port: int, plans: list[list[bytes]], ok: int) -> tuple[float, list[float]]:
    """Several people at once, each with requests made ready: seconds in all, seconds of each request.

    Bare sockets, because clients that read answers properly need the second processor for themselves.
    """
    times: list[float] = []

    def work(plan: list[bytes]) -> None:
        with socket.create_connection(("127.0.0.1", port)) as line:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for request in plan:
                began = time.perf_counter()
                line.sendall(request)
                answer = b""
                while not (head := _HEAD.match(answer)) or len(answer) < head.end() + int(head[2]):
                    answer += line.recv(65536)
                times.append(time.perf_counter() - began)
                if int(head[1]) != ok:
                    raise SystemExit(f"refused under load: {answer[-2000:].decode()}")

    threads = [threading.Thread(target=work, args=(plan,)) for plan in plans]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(times) < sum(map(len, plans)):
        raise SystemExit("not every request was answered")
    return time.perf_counter() - began, times


class Server:
    """The product in a process of its own; `start_seconds` is the time to its first answer."""

    def __init__(self, url: str, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        environment = os.environ | {
            "TICKETING_DATABASE_URL": url,
            "TICKETING_INSTANCE": str(folder),
            "TICKETING_PORT": str(self.port),
            "TICKETING_SCHEDULER": "0",
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "",
        }
        self.log = (folder / "server.log").open("ab")
        began = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.server"],
            env=environment,
            cwd=ROOT,
            stdout=self.log,
            stderr=self.log,
        )
        self._await_answer()
        self.start_seconds = time.perf_counter() - began

    def _await_answer(self) -> None:
        for _ in range(3000):
            if self.process.poll() is not None:
                raise SystemExit(f"the server did not start; see {self.log.name}")
            try:
                if Client(self.port).get("/sign-in").status == 200:
                    return
            except OSError:
                time.sleep(0.01)
        raise SystemExit("the server did not answer")

    def work(self) -> int:
        """Nanoseconds its processes have spent on a processor (Linux), over all their threads."""
        total = 0
        for process in self._processes():
            for path in Path(f"/proc/{process}/task").glob("*/schedstat"):
                with contextlib.suppress(OSError):
                    total += int(path.read_text().split()[0])
        return total

    def memory(self) -> list[float]:
        """MB that each of its processes holds now (VmRSS); what they share counts in each."""
        found = []
        for process in self._processes():
            with contextlib.suppress(OSError):
                status = Path(f"/proc/{process}/status").read_text()
                found += [int(held) / 1024 for held in re.findall(r"VmRSS:\s+(\d+)", status)]
        return found

    def _processes(self) -> list[int]:
        """The one started here, those it forked, and whatever these have started."""
        found = [self.process.pid]
        for process in found:
            for path in Path(f"/proc/{process}/task").glob("*/children"):
                with contextlib.suppress(OSError):
                    found += map(int, path.read_text().split())
        return found

    def stop(self) -> None:
        """End the process."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        self.log.close()
