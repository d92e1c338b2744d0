"""The table of jobs: name, what it does, how often, and the work.

The work is done in batches, each in a transaction of its own, and says in words what it did. It finds what is to
do in the database, so a run that was missed is made up by the next one, and two at once do nothing twice.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from flask import current_app
from sqlalchemy import delete

from ticketing.books.imprest import alerts as imprest
from ticketing.books.retention import alerts as retention
from ticketing.casefile.attachments import commands as attachments
from ticketing.casefile.notices import delivering, outlets
from ticketing.casefile.notices import queries as notices
from ticketing.casefile.notices.models import Delivery, Notice
from ticketing.casefile.tickets import commands as tickets
from ticketing.kernel import clock
from ticketing.kernel.db import db, gather_statistics, transaction
from ticketing.kernel.locking import reading
from ticketing.masters.people import commands as people
from ticketing.oversight.calendar import commands as calendar
from ticketing.oversight.clockwork import commands as clockwork
from ticketing.oversight.digest import commands as digest
from ticketing.oversight.reports import commands as reports
from ticketing.settings import Settings

KEPT = timedelta(days=7)
DELIVERIES = 400
PRUNED = 500
"""Old notices deleted in one transaction."""

RETRY = timedelta(minutes=5)
"""When a daily job that failed, or was killed, is tried again."""


class Job(NamedTuple):
    """One job: every so often, or once a day at a Shanghai time of day (hour, minute)."""

    name: str
    label: str
    work: Callable[[datetime], str]
    every: timedelta | None = None
    daily: tuple[int, int] | None = None

    def following(self, at: datetime) -> datetime:
        """When it is due next after `at`."""
        if self.every is not None:
            return at + self.every
        assert self.daily is not None
        day = clock.local(at).date()
        then = clock.at(day, *self.daily)
        return then if then > at else clock.at(day + timedelta(days=1), *self.daily)

    def claimed_until(self, at: datetime) -> datetime:
        """Until when nobody else takes the turn claimed at `at`."""
        return at + (self.every or RETRY)

    @property
    def rhythm(self) -> str:
        """How often, in words."""
        if self.daily is not None:
            return f"每天 {self.daily[0]:02}:{self.daily[1]:02}"
        assert self.every is not None
        seconds = int(self.every.total_seconds())
        return f"每 {seconds // 60} 分钟" if seconds >= 60 else f"每 {seconds} 秒"


def _ring(at: datetime) -> str:
    with reading():
        due = clockwork.anything_due(at)
        db.session.rollback()
    rung = 0
    while due:
        with transaction():
            count = clockwork.ring(at)
        rung += count
        due = count == clockwork.BATCH
    return f"到点 {rung} 个时限" if rung else "没有到点的时限"


def _report_clocks(at: datetime) -> str:
    with transaction():
        begun = reports.start_clocks(at)
    return f"起算 {begun} 份周报的时限" if begun else "没有新的周报时限"


def _deliver(at: datetime) -> str:
    settings: Settings = current_app.extensions["ticketing"]
    counts = delivering.deliver_due(outlets.sender(settings), limit=DELIVERIES, at=at)
    if not any(counts):
        return "没有待发送的通知"
    return f"发出 {counts.sent}，待重试 {counts.failed}，放弃 {counts.dead}"


def _digest(at: datetime) -> str:
    with transaction():
        written = digest.write_digests(at)
    return f"写出 {written} 份摘要" if written else "没有要写的摘要"


def _calendar(_at: datetime) -> str:
    with transaction():
        years, outcome = calendar.load(None)
    loaded = f"载入 {'、'.join(map(str, years))} 年；" if years else ""
    return f"{loaded}重算 {outcome.looked_at} 个时限，{outcome.moved} 个改期"


def _grades(at: datetime) -> str:
    with transaction():
        raised = tickets.evaluate_open(at)
    return f"升级 {raised} 件" if raised else "没有要升级的投诉"


def _tidy(at: datetime) -> str:
    settings: Settings = current_app.extensions["ticketing"]
    with transaction():
        dropped = people.tidy(at - KEPT)
    before = at - timedelta(days=settings.notices_kept_days)
    read = _prune(Notice, notices.read_before, before)
    sent = _prune(Delivery, notices.sent_before, before)
    return f"清除 {dropped} 行登录与表单标记，{read} 条已读通知，{sent} 条已发送消息"


def _prune(
    kind: type[Notice] | type[Delivery], find: Callable[..., Sequence[int]], before: datetime
) -> int:
    """Delete what `find` finds, looked for without a write lock and deleted batch by batch; how many."""
    dropped = after_id = 0
    while True:
        with reading():
            ids = find(before, after_id=after_id, limit=PRUNED)
            db.session.rollback()
        if not ids:
            return dropped
        with transaction():
            db.session.execute(delete(kind).where(kind.id.in_(ids)))
        dropped, after_id = dropped + len(ids), ids[-1]


def _sweep(at: datetime) -> str:
    settings: Settings = current_app.extensions["ticketing"]
    with reading():
        swept = attachments.sweep(settings.store, at)
        db.session.rollback()
    return f"清除 {swept} 个无主文件" if swept else "没有无主文件"


def _deposits(at: datetime) -> str:
    with transaction():
        told = retention.alert(at)
    return f"{told} 份合同的缺陷责任期将满" if told else "没有将满的缺陷责任期"


def _funds(at: datetime) -> str:
    with transaction():
        told = imprest.alert(at)
    return f"周转金待办 {told} 项" if told else "周转金没有待办"


def _statistics(_at: datetime) -> str:
    counted = gather_statistics()
    return f"统计 {counted} 个索引" if counted else "数据库自行统计"


JOBS: tuple[Job, ...] = (
    Job("ring", "时限提醒与超时", _ring, every=timedelta(seconds=15)),
    Job("report-clocks", "周报时限", _report_clocks, every=timedelta(minutes=30)),
    Job("deliver", "发送通知", _deliver, every=timedelta(seconds=15)),
    Job("digest", "每日摘要", _digest, every=timedelta(minutes=10)),
    Job("calendar", "工作日历新年份", _calendar, daily=(2, 30)),
    Job("grades", "等级评估", _grades, daily=(2, 0)),
    Job("deposits", "质保金到期提醒", _deposits, daily=(8, 30)),
    Job("funds", "周转金提醒", _funds, daily=(8, 35)),
    Job("tidy", "清理过期登录、表单标记与旧通知", _tidy, daily=(3, 30)),
    Job("statistics", "数据库统计", _statistics, daily=(3, 0)),
    Job("sweep", "清理无主的照片文件", _sweep, daily=(4, 0)),
)

BY_NAME = {job.name: job for job in JOBS}
