"""An import from upload to done: checked in the background, confirmed by a person, all or nothing.

Reading and comparing happen outside any write transaction. The facts are then inserted in one short
transaction under the condition that the estate has not moved since they were compared; the lookup words
follow in many small ones, which a later start can take up again. Nobody else waits long (procedure 3.7.1).
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, cast

from sqlalchemy import Table, bindparam, func, select, text, update

from ticketing.journal.commands import record
from ticketing.kernel import clock, workbook
from ticketing.kernel.db import db, dialect, transaction
from ticketing.kernel.errors import NotPermitted
from ticketing.kernel.locking import reading
from ticketing.kernel.sheet_rows import Problem
from ticketing.masters.estate import lookup, queries
from ticketing.masters.estate.models import (
    Building,
    Customer,
    CustomerPhone,
    ImportRun,
    ImportStage,
    Residency,
    Unit,
)
from ticketing.masters.estate.planning import (
    Plan,
    Planner,
    changed_since,
    estate_mark,
    slices,
)
from ticketing.masters.estate.pour import Jug, jug, pour
from ticketing.masters.estate.rows import SHEET, Reader
from ticketing.masters.estate.runs import book_of, remove_files, rows_of
from ticketing.masters.people.models import User
from ticketing.masters.people.scope import scope_of
from ticketing.procedure.permissions import Act

KEPT_PROBLEMS = 1_000
KEPT_NOTICES = 200
HOMES_A_BATCH = 200
BREATH = 0.02
TRIES = 5
FAILED = "系统出错，没有导入任何内容，请重试；仍不成功请联系管理员。"

Work = Callable[[int, Path], None]

log = logging.getLogger("ticketing.import")
_turn = threading.Lock()


class Moved(Exception):
    """Somebody changed the estate between comparing and writing."""


def check(run_id: int, folder: Path) -> None:
    """Read and compare the workbook of a run; list every fault or what would change."""
    with _at_work(run_id, folder):
        workbook.read(book_of(folder, run_id), rows_of(folder, run_id), SHEET)
        book_of(folder, run_id).unlink(missing_ok=True)
        plan, problems = _compare(run_id, folder)
        if problems:
            _refuse(run_id, folder, problems)
        else:
            _note(
                run_id,
                stage=ImportStage.CHECKED,
                summary=_summary(plan),
            )


def carry_out(run_id: int, folder: Path) -> None:
    """Compare a confirmed run once more with the estate, write it, and write its lookup words."""
    with _at_work(run_id, folder):
        for _ in range(TRIES):
            plan, problems = _compare(run_id, folder)
            if problems:
                _refuse(run_id, folder, problems)
                return
            ready = _make_ready(plan)
            try:
                with transaction():
                    _write(run_id, plan, ready)
            except Moved:
                continue
            _index(run_id)
            remove_files(folder, run_id)
            return
        _fail(run_id, folder, "资料一直有人在修改，没有导入任何内容，请稍后再试。")


def carry_on(run_id: int, folder: Path) -> None:
    """Write the lookup words that a cut-off run still owes."""
    with _at_work(run_id, folder):
        _index(run_id)
        remove_files(folder, run_id)


@contextmanager
def _at_work(run_id: int, folder: Path) -> Iterator[None]:
    """One run at a time; a refusal or crash becomes the sentence on its page."""
    while not _turn.acquire(timeout=20):
        _note(run_id)
    try:
        yield
    except workbook.Refused as refused:
        db.session.rollback()
        _refuse(run_id, folder, [Problem(0, "文件", str(refused))])
    except NotPermitted as refused:
        db.session.rollback()
        _fail(run_id, folder, refused.message)
    except Exception:
        log.exception("import %s failed", run_id)
        db.session.rollback()
        if _stage(run_id) is not ImportStage.INDEXING:
            _fail(run_id, folder, FAILED)
    finally:
        _turn.release()


def _compare(run_id: int, folder: Path) -> tuple[Plan, list[Problem]]:
    """The rows of a run against the estate now, in one reading transaction of the person's scope."""
    db.session.rollback()
    with reading():
        user = db.session.get_one(User, db.session.get_one(ImportRun, run_id).user_id)
        scope = scope_of(user)
        if not user.active or not scope.may(Act.IMPORT_ESTATE):
            raise NotPermitted("您已没有导入的权限，没有导入任何内容。")
        communities = {c.code: (c.id, c.name) for c in queries.communities(scope)}
        reader = Reader(communities, clock.today())
        rows = list(reader.rows(workbook.rows_in(rows_of(folder, run_id))))
        plan = Planner(scope, reader).plan(rows)
        if not rows and not reader.problems:
            reader.problems.append(Problem(2, "—", "没有可导入的行。"))
        db.session.rollback()
    problems = sorted(reader.problems)
    return plan, problems


class Ready(NamedTuple):
    """A plan made ready outside the transaction: its new rows with their ids, table by table."""

    jugs: list[Jug]
    unit_ids: list[int]
    first_ids: dict[str, int]


def _make_ready(plan: Plan) -> Ready:
    """Give the new rows their ids and spell the new names, before any lock is taken."""
    plan.spell_names()
    with reading(dialect() == "sqlite"), transaction():
        ids = {
            model: _reserve(model, len(rows))
            for model, rows in (
                (Building, plan.buildings),
                (Unit, plan.units),
                (Customer, plan.customers),
                (CustomerPhone, plan.phones),
                (Residency, plan.stays),
            )
        }
    made = {"building_id": ids[Building], "unit_id": ids[Unit], "customer_id": ids[Customer]}
    return Ready(
        [
            jug(_table(Building), _numbered(plan.buildings, ids[Building], {})),
            jug(_table(Unit), _numbered(plan.units, ids[Unit], made)),
            jug(_table(Customer), _numbered(plan.customers, ids[Customer], {})),
            jug(_table(CustomerPhone), _numbered(plan.phones, ids[CustomerPhone], made)),
            jug(_table(Residency), _numbered(plan.stays, ids[Residency], made)),
        ],
        ids[Unit],
        {_table(model).name: some[0] for model, some in ids.items() if some},
    )


def _reserve(model: type[Any], amount: int) -> list[int]:
    """Ids for new rows: taken from the sequence, or the next free ones, checked again when written."""
    table = _table(model)
    if dialect() == "postgresql":
        numbers = select(func.nextval(f"{table.name}_id_seq")).select_from(
            func.generate_series(1, amount).alias()
        )
        return list(db.session.scalars(numbers))
    first = _next_id(table)
    return list(range(first, first + amount))


def _next_id(table: Table) -> int:
    return (db.session.scalar(select(func.max(table.c.id))) or 0) + 1


def _numbered(
    rows: list[dict[str, Any]], ids: list[int], made: dict[str, list[int]]
) -> list[dict[str, Any]]:
    """The rows with their ids; a negative reference becomes the id of the new thing it names."""
    return [
        {
            **row,
            **{name: some[-row[name] - 1] for name, some in made.items() if row.get(name, 0) < 0},
            "id": row_id,
        }
        for row_id, row in zip(ids, rows, strict=True)
    ]


def _write(run_id: int, plan: Plan, ready: Ready) -> None:
    """Insert and change everything of a plan in the caller's transaction. Raises Moved."""
    if dialect() == "postgresql":
        db.session.execute(text("SELECT pg_advisory_xact_lock(7371)"))
    run = db.session.get_one(ImportRun, run_id)
    if changed_since(plan.mark):
        raise Moved
    tables = db.metadata.tables
    if dialect() == "sqlite" and any(
        _next_id(tables[name]) != first for name, first in ready.first_ids.items()
    ):
        raise Moved
    for filled in ready.jugs:
        pour(filled)
    for name in ("delivered_on", "deemed_delivered", "moved_in_on"):
        _change(
            update(_table(Unit)).where(_table(Unit).c.id == bindparam("row")),
            [{"row": unit_id, name: f[name]} for unit_id, f in plan.dates.items() if name in f],
            name,
        )
    homes = _table(Unit)
    _change(
        update(homes).where(homes.c.id == bindparam("row")).values(version=homes.c.version + 1),
        [{"row": unit_id} for unit_id in plan.dates],
    )
    people = _table(Customer)
    _change(
        update(people).where(people.c.id == bindparam("row")).values(version=people.c.version + 1),
        [{"row": who} for who in plan.changed_customers],
    )
    _change(
        update(people).where(people.c.id == bindparam("row")),
        [{"row": who, "note": note} for who, note in plan.notes.items()],
        "note",
    )
    _change(
        update(_table(Residency)).where(_table(Residency).c.id == bindparam("row")),
        [{"row": stay, **facts} for stay, facts in plan.changed_stays.items()],
        "relation",
        "until_on",
    )
    run.unindexed = sorted({*plan.touched_units, *ready.unit_ids})
    run.stage, run.done, run.total = ImportStage.INDEXING, 0, len(run.unindexed)
    run.summary = _summary(plan)
    run.beat_at = clock.now()
    db.session.flush()
    record(
        "import",
        run.id,
        "import",
        actor=db.session.get_one(User, run.user_id),
        at=clock.now(),
        facts={"file": run.file_name, **{k: n for k, n in plan.counts.items() if n}},
    )


def _summary(plan: Plan) -> dict[str, Any]:
    return {
        "rows": plan.rows,
        "counts": plan.counts,
        "notices": plan.notices[:KEPT_NOTICES],
        "notice_count": len(plan.notices),
    }


def _table(model: type[Any]) -> Table:
    return cast(Table, model.__table__)


def _change(statement: Any, rows: list[dict[str, Any]], *columns: str) -> None:
    """Run an update once for each of `rows`; `columns` are set from the row of their name."""
    if rows:
        values: dict[str, Any] = {name: bindparam(name) for name in columns}
        db.session.connection().execute(statement.values(values) if values else statement, rows)


def _index(run_id: int) -> None:
    """Write the lookup words of the run's units in batches so small that nobody waits for one."""
    with reading():
        unit_ids = db.session.get_one(ImportRun, run_id).unindexed
        db.session.rollback()
    done = 0
    for some in slices(unit_ids, HOMES_A_BATCH):
        with reading():
            mark = estate_mark()
            words = lookup.words_for(list(some))
            db.session.rollback()
        with transaction():
            db.session.execute(
                update(ImportRun)
                .where(ImportRun.id == run_id)
                .values(done=done + len(some), beat_at=clock.now())
            )
            if changed_since(mark):
                words = lookup.words_for(list(some))
            lookup.replace(list(some), words)
        done += len(some)
        time.sleep(BREATH)
    _note(run_id, stage=ImportStage.DONE, unindexed=[])


def _note(run_id: int, **values: Any) -> None:
    """A sign of life, and what there is to say, in a short transaction of its own."""
    with transaction():
        db.session.execute(
            update(ImportRun)
            .where(ImportRun.id == run_id)
            .values(beat_at=clock.now(), **values)
            .execution_options(synchronize_session=False)
        )


def _stage(run_id: int) -> ImportStage | None:
    with reading():
        stage = db.session.scalar(select(ImportRun.stage).where(ImportRun.id == run_id))
        db.session.rollback()
    return stage


def _refuse(run_id: int, folder: Path, problems: list[Problem]) -> None:
    remove_files(folder, run_id)
    _note(
        run_id,
        stage=ImportStage.REFUSED,
        problem_count=len(problems),
        problems=[list(problem) for problem in problems[:KEPT_PROBLEMS]],
    )


def _fail(run_id: int, folder: Path, sentence: str) -> None:
    remove_files(folder, run_id)
    _note(run_id, stage=ImportStage.FAILED, summary={"sentence": sentence})
