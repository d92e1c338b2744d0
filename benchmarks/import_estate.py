"""Import 20,000 homes with owners and measure: seconds in all, and the longest wait of another writer.

    python -m benchmarks.import_estate [--units 20000] [--database postgresql://...]

Builds the workbook itself, uploads and confirms it through the pages of a server in this process, and
meanwhile writes something small every few milliseconds from another thread, as a clerk would.
"""

import argparse
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import func, select, text

from ticketing.app import create_app
from ticketing.kernel import excel
from ticketing.kernel.db import db, transaction
from ticketing.masters.estate import commands as estate
from ticketing.masters.estate.models import Community, Customer, LookupKey, Unit
from ticketing.masters.estate.rows import COLUMNS, SHEET
from ticketing.masters.people import commands as people
from ticketing.procedure.vocabulary import Role
from ticketing.settings import Settings

PASSWORD = "benchmark-import-1"
SURNAMES = "王李张刘陈杨黄赵周吴徐孙马朱胡林郭何高罗"
GIVEN = ("伟", "秀英", "敏", "建国", "丽华", "强", "静怡", "磊", "洋", "艳红", "勇", "晓东")


@dataclass(frozen=True)
class Result:
    """What one import took."""

    units: int
    check_seconds: float
    write_seconds: float
    longest_wait: float
    waits: int

    @property
    def seconds(self) -> float:
        """From the upload to the last lookup word."""
        return self.check_seconds + self.write_seconds


def rows(units: int) -> Iterator[tuple[Any, ...]]:
    """Rows of the template: buildings of 2 stairs, 30 floors and 4 doors a floor."""
    for n in range(units):
        building, rest = divmod(n, 240)
        stair, rest = divmod(rest, 120)
        floor, door = divmod(rest, 4)
        name = SURNAMES[n % len(SURNAMES)] + GIVEN[n // 7 % len(GIVEN)] + GIVEN[n % len(GIVEN)][:1]
        yield (
            "YX",
            "",
            f"{building + 1}栋",
            f"{stair + 1}单元",
            f"{floor + 1:02d}{door + 1:02d}",
            "2024-03-08",
            "2024-05-01" if n % 3 else "",
            name,
            f"138{n:08d}",
            "业主",
            "",
            "",
        )


def workbook(path: Path, units: int) -> Path:
    """A filled template of `units` homes, each with its owner."""
    excel.ledger(path, excel.Leaf(SHEET, [column.head for column in COLUMNS.values()], rows(units)))
    return path


def prepare(folder: Path, database: str) -> Flask:
    """A migrated server with one community and one clerk."""
    settings = Settings(
        database_url=database or f"sqlite:///{folder / 'bench.db'}",
        secret_key="b" * 32,
        instance=folder,
        testing=True,
    )
    app = create_app(settings)
    app.config["WTF_CSRF_ENABLED"] = False
    with app.app_context():
        upgrade()
        with transaction():
            office = estate.save_office(None, code="FZ", name="福州客户服务处", actor=None)
            community = estate.save_community(
                None, code="YX", name="云栖苑", office_id=office.id, delivered_on=None, actor=None
            )
            people.create_user(
                username="bench",
                name="林晓",
                password=PASSWORD,
                department_id=None,
                community_ids=[community.id],
                roles=[Role.CLERK],
                actor=None,
            )
        db.session.remove()
    return app


class Writer(threading.Thread):
    """Another person who writes all the time, and how long each of his writes took."""

    def __init__(self, app: Flask) -> None:
        super().__init__(daemon=True)
        self.app, self.waits, self.ended = app, [0.0], threading.Event()

    def run(self) -> None:
        with self.app.app_context():
            while not self.ended.wait(0.02):
                began = time.perf_counter()
                with transaction():
                    db.session.execute(
                        text("UPDATE community SET address = :address WHERE code = 'YX'"),
                        {"address": f"{began}"},
                    )
                self.waits.append(time.perf_counter() - began)
                db.session.remove()


def measure(app: Flask, book: Path, units: int) -> Result:
    """Upload, wait, confirm, wait; the other writer goes on all the time."""
    client = app.test_client()
    assert client.post("/sign-in", data={"username": "bench", "password": PASSWORD}).location
    writer = Writer(app)
    writer.start()
    began = time.perf_counter()
    with book.open("rb") as file:
        answer = client.post("/estate/imports/", data={"file": (file, book.name), "once": "1"})
    assert answer.status_code == 302, answer.get_data(as_text=True)
    page = answer.location
    run = _wait(client, page)
    assert run["stage"] == "checked", client.get(page).get_data(as_text=True)
    checked = time.perf_counter()
    assert client.post(f"{page}/confirm", data={"once": "2"}).status_code == 302
    run = _wait(client, page)
    ended = time.perf_counter()
    writer.ended.set()
    writer.join()
    assert run["stage"] == "done", run
    return Result(units, checked - began, ended - checked, max(writer.waits), len(writer.waits))


def _wait(client: Any, page: str) -> dict[str, Any]:
    while True:
        run: dict[str, Any] = client.get(f"{page}/progress").get_json()
        if run["finished"]:
            return run
        time.sleep(0.25)


def main() -> None:
    """Run once and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--units", type=int, default=20_000)
    parser.add_argument("--database", default="", help="empty database; default a SQLite file")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        book = workbook(folder / "estate.xlsx", wanted.units)
        app = prepare(folder, wanted.database)
        result = measure(app, book, wanted.units)
        with app.app_context():
            found = [
                db.session.scalar(select(func.count()).select_from(model)) or 0
                for model in (Community, Unit, Customer, LookupKey)
            ]
            assert found[1] == found[2] == wanted.units, found
            db.session.remove()
            db.engine.dispose()
    print(
        f"{result.units} homes: {result.seconds:.1f} s"
        f" (checked in {result.check_seconds:.1f}, written in {result.write_seconds:.1f});"
        f" {found[3]} lookup words; the other writer wrote {result.waits} times"
        f" and waited {result.longest_wait:.2f} s at most"
    )


if __name__ == "__main__":
    main()
