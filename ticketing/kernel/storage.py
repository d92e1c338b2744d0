"""Where the bytes of pictures and papers lie: one small interface, and the local disk behind it.

A name is random and its bytes never change. They are on the disk before the row that names them is
committed, so a row never points at nothing; what no row came to name is swept later.
"""

import os
import re
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BufferedReader
from pathlib import Path
from typing import Protocol

_KEY = re.compile(r"[0-9a-f]{32}")
_NAME = re.compile(r"[0-9a-f]{32}(?:-small)?")
_UNFINISHED = ".part"


def is_key(text: str) -> bool:
    """Whether `text` could be a name of `new_key`: no database and no disk is asked about anything else."""
    return _KEY.fullmatch(text) is not None


def new_key() -> str:
    """A name nobody can guess: 128 random bits."""
    return secrets.token_hex(16)


class Store(Protocol):
    """What a store of files must do. Names are those of `new_key`, with ``-small`` behind for a thumbnail."""

    def put(self, name: str, data: bytes) -> None:
        """Keep `data` under `name`, whole and durable when this returns."""

    def get(self, name: str) -> bytes:
        """The bytes under `name`. Raises FileNotFoundError."""

    def open(self, name: str) -> BufferedReader:
        """The bytes under `name` as a stream. Raises FileNotFoundError."""

    def delete(self, name: str) -> None:
        """Forget `name`; nothing happens when it is not there."""

    def exists(self, name: str) -> bool:
        """Whether something is kept under `name`."""

    def written_before(self, instant: datetime) -> Iterator[list[str]]:
        """The names last written before `instant`, in batches."""

    def drop_unfinished(self, before: datetime) -> int:
        """Remove what a killed process began to write before `before` and never finished; how many."""


class LocalStore:
    """A store in a folder of this machine, its files spread over 256 folders by the name's first two letters."""

    def __init__(self, root: Path, *, durable: bool = True) -> None:
        """`durable` False spares the disk: for files that can be made again, such as those of the demo."""
        self.root, self.durable = root, durable

    def put(self, name: str, data: bytes) -> None:
        """Write beside the place, force it to the disk, then rename: a crash leaves all or nothing."""
        path = self._path(name)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f"{name}.{secrets.token_hex(4)}{_UNFINISHED}")
        try:
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(data)
                file.flush()
                if self.durable:
                    os.fsync(file.fileno())
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        if self.durable:
            _settle(path.parent)

    def get(self, name: str) -> bytes:
        """The bytes under `name`. Raises FileNotFoundError."""
        return self._path(name).read_bytes()

    def open(self, name: str) -> BufferedReader:
        """The bytes under `name` as a stream. Raises FileNotFoundError."""
        return self._path(name).open("rb")

    def delete(self, name: str) -> None:
        """Forget `name`; nothing happens when it is not there."""
        self._path(name).unlink(missing_ok=True)

    def exists(self, name: str) -> bool:
        """Whether something is kept under `name`."""
        return self._path(name).is_file()

    def written_before(self, instant: datetime) -> Iterator[list[str]]:
        """The names last written before `instant`, one folder at a time."""
        for folder in self._folders():
            old = [path.name for path in folder if _NAME.fullmatch(path.name)]
            yield [name for name in old if _written_at(self._path(name)) < instant]

    def drop_unfinished(self, before: datetime) -> int:
        """Remove what a killed process began to write before `before` and never finished; how many."""
        dropped = 0
        for folder in self._folders():
            for path in folder:
                if path.name.endswith(_UNFINISHED) and _written_at(path) < before:
                    path.unlink(missing_ok=True)
                    dropped += 1
        return dropped

    def _path(self, name: str) -> Path:
        """Where a name lies. Raises ValueError for what is no name of ours, such as a path."""
        if not _NAME.fullmatch(name):
            raise ValueError(name)
        return self.root / name[:2] / name

    def _folders(self) -> Iterator[list[Path]]:
        for folder in sorted(self.root.glob("??")):
            yield sorted(folder.iterdir())


def _written_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _settle(folder: Path) -> None:
    """Force the folder's own entry to the disk, where the system can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
