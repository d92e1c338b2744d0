"""Reading reports: which a person may see, and what is there and what is missing.

An office's report shows all its communities side by side, so it is for those who reach every one of
them; the company's report is for those who reach all communities (access matrix row 37).
"""

import re
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, or_, select, true
from sqlalchemy.orm import joinedload, selectinload

from ticketing.casefile.tickets.models import TicketFlow
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import Invalid, NotFound
from ticketing.masters.estate.models import Community, ServiceOffice
from ticketing.masters.people.scope import Scope
from ticketing.oversight.reports.figures import Carried
from ticketing.oversight.reports.models import Report
from ticketing.procedure.periods import Period
from ticketing.procedure.permissions import Act
from ticketing.procedure.vocabulary import ReportKind, ReportStage, Role

WEEKS, QUARTERS = 8, 5
COMPANY = "*"
"""Stands for the office in the key of a company report."""

_KEY = re.compile(r"(weekly|quarterly)-(.{1,40})-(\d{4}-[WQ]\d{1,2})", re.ASCII)


def reach(scope: Scope) -> frozenset[int] | None:
    """The communities whose reports a person may read; None means all of them."""
    if not scope.may(Act.READ_REPORT):
        return frozenset()
    whole = scope.communities is None or scope.sees_all_tickets
    if whole or not scope.roles.isdisjoint({Role.FINANCE, Role.CASHIER}):
        return None
    return scope.communities


def whole_office(
    within: frozenset[int] | None, office_id: ColumnElement[int]
) -> ColumnElement[bool]:
    """The condition that every community of an office lies within, and that it has one."""
    if within is None:
        return true()
    if not within:
        return false()
    serves = Community.office_id == office_id
    return and_(
        exists().where(serves), ~exists().where(serves, Community.id.not_in(sorted(within)))
    )


def visible(scope: Scope) -> ColumnElement[bool]:
    """The condition that a report lies within `scope`; every select of reports carries it."""
    within = reach(scope)
    if within is None:
        return true()
    office_id: ColumnElement[int] = Report.__table__.c.office_id
    return and_(Report.office_id.is_not(None), whole_office(within, office_id))


def offices(scope: Scope) -> list[ServiceOffice]:
    """The offices whose reports this person may read, in order of code."""
    office_id: ColumnElement[int] = ServiceOffice.__table__.c.id
    return list(
        db.session.scalars(
            select(ServiceOffice)
            .where(whole_office(reach(scope), office_id))
            .options(selectinload(ServiceOffice.communities).joinedload(Community.office))
            .order_by(ServiceOffice.code)
        )
    )


def report_for(scope: Scope, report_id: int) -> Report:
    """One report with the people who signed it. Raises NotFound, also when out of scope."""
    found = db.session.scalars(
        select(Report)
        .where(Report.id == report_id, visible(scope))
        .options(
            joinedload(Report.office),
            joinedload(Report.compiled_by, innerjoin=True),
            joinedload(Report.checked_by),
            joinedload(Report.submitted_by),
        )
    ).one_or_none()
    if found is None:
        raise NotFound
    return found


class Subject(NamedTuple):
    """What a report is about: a period of an office, or of the company (office None)."""

    period: Period
    office: ServiceOffice | None

    @property
    def key(self) -> str:
        """``weekly-FZ-2026-W47``."""
        return key_of(self.period, self.office.code if self.office else COMPANY)


def key_of(period: Period, office_code: str) -> str:
    """The one key a period of an office has."""
    return f"{period.kind.value}-{office_code}-{period.name}"


def subject(scope: Scope, key: str) -> Subject:
    """What `key` is about. Raises Invalid (no such period), NotFound (no such office, not his)."""
    found = _KEY.fullmatch(key)
    if found is None:
        raise Invalid("请选择要汇总的周或季度。", field="key")
    try:
        period = Period.named(ReportKind(found[1]), found[3])
    except ValueError:
        raise Invalid("没有这一周或季度。", field="key") from None
    if found[2] == COMPANY:
        if period.kind is not ReportKind.QUARTERLY:
            raise Invalid("全公司只汇总季报。", field="key")
        if reach(scope) is not None:
            raise NotFound
        return Subject(period, None)
    for office in offices(scope):
        if office.code == found[2]:
            return Subject(period, office)
    raise NotFound


def period_of(key: str) -> Period:
    """The week or quarter in the key of a report. Raises ValueError."""
    found = _KEY.fullmatch(key)
    if found is None:
        raise ValueError(key)
    return Period.named(ReportKind(found[1]), found[3])


def exists_already(key: str) -> bool:
    """Whether the period has been compiled before."""
    return db.session.scalar(select(Report.id).where(Report.key == key)) is not None


def is_submitted(key: str) -> bool:
    """Whether the period's report has been handed in."""
    return (
        db.session.scalar(
            select(Report.id).where(Report.key == key, Report.stage == ReportStage.SUBMITTED)
        )
        is not None
    )


def offices_with_cases(before: datetime) -> list[ServiceOffice]:
    """The offices in whose communities something was registered before `before`, in order of code."""
    served = (
        exists()
        .where(TicketFlow.community_id == Community.id, TicketFlow.at < before)
        .correlate(Community)
    )
    has_cases = exists().where(Community.office_id == ServiceOffice.__table__.c.id, served)
    return list(
        db.session.scalars(select(ServiceOffice).where(has_cases).order_by(ServiceOffice.code))
    )


def carried_over(key: str) -> Carried | None:
    """期末未结 and communities as the submitted report called `key` stated them; None without one."""
    figures = db.session.scalar(
        select(Report.figures).where(Report.key == key, Report.stage == ReportStage.SUBMITTED)
    )
    if figures is None:
        return None
    communities = {row["community_id"]: row["name"] for row in figures["summary"]}
    return Carried(figures["total"]["closing"], communities)


class Entry(NamedTuple):
    """A report as the overview shows it, without its figures."""

    id: int
    key: str
    stage: ReportStage
    late: bool
    cutoff_at: datetime
    last_on: date

    @property
    def interim(self) -> bool:
        """Compiled before the period was over (期中)."""
        return clock.local(self.cutoff_at).date() <= self.last_on


class Line(NamedTuple):
    """One row of the overview: an office or the company, and a cell for each period."""

    name: str
    code: str
    cells: list[tuple[Period, str, Entry | None]]


class Overview(NamedTuple):
    """What is there and what is missing: the newest period first; `since` when counting began."""

    periods: list[Period]
    lines: list[Line]
    since: date | None

    def awaited(self, period: Period) -> bool:
        """Whether this period ought to have a report: something was registered by then."""
        return period is self.periods[0] or (
            self.since is not None and period.last_on >= self.since
        )


def overviews(scope: Scope) -> dict[ReportKind, Overview]:
    """The last weeks and quarters of every office this person may read about."""
    within, today, since = offices(scope), clock.today(), _counting_began()
    subjects = {
        ReportKind.WEEKLY: [(office.name, office.code) for office in within],
        ReportKind.QUARTERLY: [(office.name, office.code) for office in within],
    }
    if reach(scope) is None:
        subjects[ReportKind.QUARTERLY].append(("全公司", COMPANY))
    periods = {
        kind: Period.holding(kind, today).back(WEEKS if kind is ReportKind.WEEKLY else QUARTERS)
        for kind in ReportKind
    }
    oldest = {kind: periods[kind][-1].first_on for kind in ReportKind}
    entries = {
        entry.key: entry for entry in map(_entry, db.session.execute(_listed(scope, oldest)))
    }
    return {
        kind: Overview(
            periods[kind],
            [
                Line(
                    name,
                    code,
                    [
                        (period, key_of(period, code), entries.get(key_of(period, code)))
                        for period in periods[kind]
                    ],
                )
                for name, code in subjects[kind]
            ],
            since,
        )
        for kind in ReportKind
    }


def _listed(
    scope: Scope, oldest: dict[ReportKind, date]
) -> Select[int, str, ReportStage, bool, datetime, date]:
    return select(
        Report.id, Report.key, Report.stage, Report.late, Report.cutoff_at, Report.last_on
    ).where(
        visible(scope),
        or_(*(and_(Report.kind == kind, Report.first_on >= day) for kind, day in oldest.items())),
    )


def _entry(row: tuple[int, str, ReportStage, bool, datetime, date]) -> Entry:
    return Entry(*row)


def _counting_began() -> date | None:
    first = db.session.scalar(select(func.min(TicketFlow.at)))
    return clock.local(first).date() if first else None
