"""The board's list as a workbook."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ticketing.kernel import clock as time
from ticketing.kernel import excel
from ticketing.kernel.db import db
from ticketing.masters.workcalendar.queries import snapshot
from ticketing.oversight.board.bands import Cuts
from ticketing.oversight.board.queries import BoardFilter, Ground, ListedClock, listed
from ticketing.procedure.workdays import working_days_between

HEADS = (
    "到期时间",
    "状况",
    "剩余工作日",
    "环节",
    "编号",
    "等级",
    "紧急",
    "小区或客户服务处",
    "房号",
    "摘要",
    "责任部门",
    "责任人",
    "原时限",
    "暂定",
)


def write_clocks(path: Path, over: Ground, wanted: BoardFilter) -> None:
    """Write the listed clocks to a workbook at `path`: the rows on screen, all pages of them."""
    excel.ledger(path, excel.Leaf("时限", HEADS, clock_rows(over, wanted)))


def clock_rows(over: Ground, wanted: BoardFilter) -> Iterator[list[Any]]:
    """The cells of each listed clock under `HEADS`. Working days are negative once the due date is over."""
    rows = db.session.execute(
        listed(over, wanted).execution_options(yield_per=2000, stream_results=True)
    )
    cuts, today, calendar = Cuts.today(), time.today(), snapshot()
    left: dict[Any, int] = {}
    for line in (ListedClock(*row) for row in rows):
        if line.due_on not in left:
            left[line.due_on] = working_days_between(today, line.due_on, calendar)
        yield [
            excel.wall_time(time.SHANGHAI, line.due_at),
            cuts.band(line.kind, line.due_at).label,
            left[line.due_on],
            line.kind.label,
            line.number or line.report_key,
            line.grade.label if line.grade else "",
            "是" if line.urgent else "",
            line.community or line.office or "",
            line.room or "",
            line.summary or "",
            line.department or "",
            line.handler or "本处",
            line.original_due_on,
            "暂" if line.provisional else "",
        ]
