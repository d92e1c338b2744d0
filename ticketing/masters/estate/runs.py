"""The runs of the import: entered, confirmed, taken up again or given up, each by one request only.

The work itself goes on in the background (`importing`); here are its beginning, its end and its files.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import defer

from ticketing.journal.commands import Actor
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import Conflict, NotFound
from ticketing.kernel.text import clean_line
from ticketing.masters.estate.models import ImportRun, ImportStage

AT_WORK = frozenset({ImportStage.CHECKING, ImportStage.WRITING, ImportStage.INDEXING})
SILENT_FOR = timedelta(minutes=2)
FORGOTTEN_AFTER = timedelta(days=1)


def cut_off(run: ImportRun) -> bool:
    """Whether a run at work has been silent so long that its process must have died."""
    return run.stage in AT_WORK and clock.now() - run.beat_at > SILENT_FOR


def may_confirm(run: ImportRun) -> bool:
    """Whether the run waits for its confirmation, or was cut off before anything was written."""
    return run.stage is ImportStage.CHECKED or (run.stage is ImportStage.WRITING and cut_off(run))


def import_run(user_id: int, run_id: int) -> ImportRun:
    """One of a person's own import runs. Raises NotFound."""
    found = db.session.scalars(
        select(ImportRun)
        .where(ImportRun.id == run_id, ImportRun.user_id == user_id)
        .options(defer(ImportRun.unindexed))
    ).one_or_none()
    if found is None:
        raise NotFound
    return found


def imports_of(user_id: int, limit: int = 20) -> list[ImportRun]:
    """The latest import runs of one person, newest first."""
    return list(
        db.session.scalars(
            select(ImportRun)
            .where(ImportRun.user_id == user_id)
            .options(defer(ImportRun.problems), defer(ImportRun.unindexed))
            .order_by(ImportRun.id.desc())
            .limit(limit)
        )
    )


def begin(*, upload: Path, file_name: str, actor: Actor) -> ImportRun:
    """Enter a guarded upload as a run and give the file its place beside the others."""
    at = clock.now()
    run = ImportRun(
        user_id=actor.id,
        file_name=clean_line(file_name)[-120:] or "未命名.xlsx",
        began_at=at,
        beat_at=at,
        stage=ImportStage.CHECKING,
    )
    db.session.add(run)
    db.session.flush()
    book = book_of(upload.parent, run.id)
    upload.rename(book)
    _forget_old(upload.parent, but=book)
    return run


def confirm(run: ImportRun, *, actor: Actor) -> ImportRun:
    """Let a checked run be written: taken by one request only. Raises Conflict."""
    if not may_confirm(run):
        raise Conflict("这次导入已经确认过，或不能再导入。")
    return _take(run, run.stage, ImportStage.WRITING)


def resume(run: ImportRun, *, actor: Actor) -> ImportRun:
    """Take up the lookup words of a run that was cut off after its facts were written."""
    if run.stage is not ImportStage.INDEXING or not cut_off(run):
        raise Conflict("这次导入没有中断，不需要继续。")
    return _take(run, run.stage, ImportStage.INDEXING)


def drop(run: ImportRun, *, folder: Path, actor: Actor) -> ImportRun:
    """Give up a checked run; its file is removed. Raises Conflict."""
    if not may_confirm(run):
        raise Conflict("这次导入已经开始写入，不能放弃。")
    run = _take(run, run.stage, ImportStage.DROPPED)
    remove_files(folder, run.id)
    return run


def _take(run: ImportRun, seen: ImportStage, target: ImportStage) -> ImportRun:
    taken = db.session.execute(
        update(ImportRun)
        .where(ImportRun.id == run.id, ImportRun.stage == seen, ImportRun.beat_at == run.beat_at)
        .values(stage=target, beat_at=clock.now())
    )
    if cast(CursorResult[Any], taken).rowcount != 1:
        raise Conflict("这次导入刚被处理过，请刷新页面。")
    db.session.expire(run)
    return run


def book_of(folder: Path, run_id: int) -> Path:
    """Where the workbook of a run lies until it has been read."""
    return folder / f"{run_id}.xlsx"


def rows_of(folder: Path, run_id: int) -> Path:
    """Where the rows read from it lie until the run has ended."""
    return folder / f"{run_id}.rows"


def remove_files(folder: Path, run_id: int) -> None:
    """Remove what a run has left on disk."""
    for path in (book_of(folder, run_id), rows_of(folder, run_id)):
        path.unlink(missing_ok=True)


def _forget_old(folder: Path, *, but: Path) -> None:
    """Remove files of runs nobody confirmed within a day; such runs can no longer be confirmed.

    The file `but` has just come: a clock that is held ahead must not take it for an old one.
    """
    limit = clock.now() - FORGOTTEN_AFTER
    db.session.execute(
        update(ImportRun)
        .where(ImportRun.stage == ImportStage.CHECKED, ImportRun.beat_at < limit)
        .values(stage=ImportStage.DROPPED)
    )
    for path in folder.iterdir():
        if path != but and path.stat().st_mtime < limit.timestamp():
            path.unlink(missing_ok=True)
