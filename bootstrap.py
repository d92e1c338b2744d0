"""Everything a fresh clone needs, with nothing but Python: ``python3 bootstrap.py run`` (or `make run`).

Makes the virtual environment, installs the requirements when they changed, migrates and fills the
demo database on the first start, and serves it. The steps are written here once; the Makefile's
targets only name them. Standard library only; runs on Linux, macOS and Windows.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
INSTANCE = ROOT / "instance" / "demo"
DATABASE = INSTANCE / "ticketing.db"
OLDEST = (3, 11)
CACHES = (".mypy_cache", ".ruff_cache", ".pytest_cache", ".import_linter_cache", ".hypothesis")


def say(line: str) -> None:
    """One line for the person at the terminal."""
    print(line, flush=True)


def call(*command: str | Path, **environment: str) -> None:
    """Run a command in the project; a failing one ends this script with its status."""
    done = subprocess.run(
        [str(part) for part in command], cwd=ROOT, env={**os.environ, **environment}, check=False
    )
    if done.returncode:
        sys.exit(done.returncode)


def install(requirements: str) -> None:
    """The virtual environment with `requirements` in it; does nothing when they have not changed."""
    stamp = VENV / f"{requirements}.stamp"
    wanted = _fingerprint(ROOT / requirements, ROOT / "requirements.txt")
    if PYTHON.exists() and stamp.exists() and stamp.read_text() == wanted:
        return
    if not PYTHON.exists():
        say("Making the virtual environment .venv …")
        made = subprocess.run([sys.executable, "-m", "venv", str(VENV)], cwd=ROOT, check=False)
        if made.returncode:
            shutil.rmtree(VENV, ignore_errors=True)
            sys.exit(
                "Python could not make a virtual environment; "
                "on Debian and Ubuntu install the package python3-venv."
            )
    say(f"Installing {requirements} …")
    pip = (str(PYTHON), "-m", "pip", "install", "--quiet", "--no-input", "--requirement")
    done = subprocess.run([*pip, requirements], cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        sys.stderr.buffer.write(done.stdout + done.stderr)
        sys.exit(f"The packages of {requirements} could not be installed (see above).")
    stamp.write_text(wanted)


def _fingerprint(*files: Path) -> str:
    """Changes when this Python or one of `files` changes."""
    digest = hashlib.sha256(sys.version.encode())
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def address() -> tuple[str, int]:
    """Where the demo will listen. Exits when the port is no number or somebody else has it."""
    host = os.environ.get("TICKETING_HOST", "127.0.0.1")
    given = os.environ.get("TICKETING_PORT", "8000")
    if not given.isdigit() or not 0 < int(given) < 65536:
        sys.exit(f"TICKETING_PORT is {given!r}; it must be a number from 1 to 65535.")
    with socket.socket() as probe:
        if os.name != "nt":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(given)))
        except OSError as error:
            sys.exit(
                f"Port {given} on {host} cannot be used ({error.strerror or error}). Is the demo "
                "running already? Choose another port: TICKETING_PORT=8001 make run"
            )
    return host, int(given)


def demo_environment(database: Path) -> dict[str, str]:
    """The settings of the demo: an instance folder of its own, marked as a demo."""
    return {
        "FLASK_APP": "wsgi",
        "TICKETING_DEMO": "1",
        "TICKETING_INSTANCE": str(INSTANCE),
        "TICKETING_DATABASE_URL": f"sqlite:///{database}",
        "TICKETING_COMPANY": "澄屿置业有限公司",
        "TICKETING_PROPERTY_COMPANY": "澄屿物业公司",
        "PYTHONUTF8": "1",
    }


def prepare_demo() -> None:
    """Migrate the demo database; on the first start fill a new one and only then put it in place."""
    INSTANCE.mkdir(parents=True, exist_ok=True)
    migrated = INSTANCE / "migrated"
    wanted = _fingerprint(*sorted((ROOT / "migrations" / "versions").glob("*.py")))
    if DATABASE.exists():
        if not migrated.exists() or migrated.read_text() != wanted:
            call(PYTHON, "-m", "flask", "db", "upgrade", **demo_environment(DATABASE))
            migrated.write_text(wanted)
        return
    unfinished = INSTANCE / "unfinished.db"
    for path in INSTANCE.glob("unfinished.db*"):
        path.unlink()
    environment = demo_environment(unfinished)
    say("First start: loading the demo data (about a minute) …")
    call(PYTHON, "-m", "flask", "db", "upgrade", **environment)
    call(PYTHON, "-m", "flask", "demo", "load", **environment)
    with contextlib.closing(sqlite3.connect(unfinished)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    unfinished.replace(DATABASE)
    migrated.write_text(wanted)


def run() -> None:
    """Serve the demo on this machine."""
    host, port = address()
    install("requirements.txt")
    prepare_demo()
    say(
        f"\n  客服通  http://{host}:{port}/\n"
        "  The sign-in page offers a demo account for every role; Ctrl+C stops.\n"
    )
    server = subprocess.Popen(
        [str(PYTHON), "wsgi.py"], cwd=ROOT, env={**os.environ, **demo_environment(DATABASE)}
    )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        sys.exit(server.wait())
    except KeyboardInterrupt:
        say("")
    finally:
        server.terminate()
        server.wait()


def check() -> None:
    """Format, lint, types, import contracts."""
    install("requirements-dev.txt")
    call(BIN / "ruff", "format", "--check", "--quiet", ".")
    call(BIN / "ruff", "check", "--quiet", ".")
    call(BIN / "mypy")
    call(BIN / "lint-imports")


def test() -> None:
    """Every check and every test."""
    check()
    call(PYTHON, "-m", "pytest", "-n", "2", *sys.argv[2:])


def format_() -> None:
    """Put the code into the house's format."""
    install("requirements-dev.txt")
    call(BIN / "ruff", "format", ".")
    call(BIN / "ruff", "check", "--fix", ".")


def script(path: str, requirements: str = "requirements-dev.txt") -> Callable[[], None]:
    """A verb that runs one script of the project with whatever arguments follow."""

    def run_script() -> None:
        install(requirements)
        call(PYTHON, path, *sys.argv[2:], PYTHONPATH=str(ROOT))

    return run_script


def clean() -> None:
    """Remove the environment, the demo database and every cache; other instances stay."""
    for name in (VENV, INSTANCE, ROOT / "build", *(ROOT / cache for cache in CACHES)):
        shutil.rmtree(name, ignore_errors=True)
    for folder in [*ROOT.rglob("__pycache__")]:
        shutil.rmtree(folder, ignore_errors=True)


VERBS: dict[str, Callable[[], None]] = {
    "run": run,
    "test": test,
    "check": check,
    "format": format_,
    "bench": script("benchmarks/bench.py"),
    "replay": script("benchmarks/replay.py"),
    "screenshots": script("docs/screenshots.py"),
    "clean": clean,
}


def main() -> None:
    """Do the verb named on the command line."""
    if sys.version_info < OLDEST:
        sys.exit(
            f"This needs Python {'.'.join(map(str, OLDEST))} or newer; this is "
            f"{sys.version.split()[0]}. Try: make run PYTHON=python3.11"
        )
    verb = sys.argv[1] if len(sys.argv) > 1 else "run"
    if verb not in VERBS:
        sys.exit(f"Unknown verb {verb!r}; there are: {', '.join(VERBS)}")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else each start would compile the whole house
    try:
        VERBS[verb]()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
