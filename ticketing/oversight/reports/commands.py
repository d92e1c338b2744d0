"""The life of a report: compiled, checked by a second person, submitted, then frozen (3.10.3)."""

import hashlib
import json
from datetime import datetime
from typing import Any

from sqlalchemy.exc import IntegrityError

from ticketing.casefile.timers import commands as timers
from ticketing.journal.commands import record
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import Conflict, Invalid, NotPermitted
from ticketing.kernel.text import clean
from ticketing.masters.estate.models import ServiceOffice
from ticketing.masters.people.models import User
from ticketing.masters.people.rights import permit
from ticketing.masters.people.scope import Scope
from ticketing.masters.workcalendar.queries import calendar
from ticketing.oversight.reports import queries
from ticketing.oversight.reports.balance import Unbalanced, check_balance
from ticketing.oversight.reports.compiling import compile_figures
from ticketing.oversight.reports.figures import Figures
from ticketing.oversight.reports.frozen import from_json, to_json
from ticketing.oversight.reports.models import Report
from ticketing.oversight.reports.queries import Subject
from ticketing.procedure.deadlines import ClockKind
from ticketing.procedure.periods import Period
from ticketing.procedure.permissions import Act, may
from ticketing.procedure.vocabulary import ReportKind, ReportStage
from ticketing.procedure.workdays import CLOSES, add_working_days

SUBJECT = "report"
CLAUSES = {ReportKind.WEEKLY: "3.10.3", ReportKind.QUARTERLY: "3.10.4"}
READINGS = 3
"""A case written between two reads of one compilation unbalances it; reading again settles that."""


def count(period: Period, office: ServiceOffice | None) -> Figures:
    """The figures of a period as they stand now, balanced; it only reads. Raises Unbalanced."""
    carried = queries.carried_over(Subject(period.previous, office).key)
    for reading in range(READINGS):
        figures = compile_figures(period, office, now=clock.now(), carried=carried)
        try:
            check_balance(figures)
            break
        except Unbalanced:
            if reading == READINGS - 1:
                raise
    return figures


def not_yet_compiled(key: str, scope: Scope) -> Subject:
    """What `key` is about. Raises Invalid (no such period, not begun yet), NotFound, Conflict."""
    subject = queries.subject(scope, key)
    if subject.period.first_on > clock.today():
        raise Invalid("这一期还没有开始。", field="key")
    if queries.exists_already(subject.key):
        raise Conflict("这一期已经汇总，请打开该报表后重新汇总。", field="key")
    return subject


def compile_report(
    *, key: str, actor: User, scope: Scope, figures: Figures | None = None
) -> Report:
    """Count a week or quarter for the first time (procedure 3.4.4, 3.10.3, 3.10.4).

    While the period runs the report is an interim one and says up to when it counts. `figures` are
    those of `count`, where they were counted before anything was locked.

    Raises NotPermitted, NotFound (not his office), Invalid (no such period, not begun yet),
    Conflict (compiled already), Unbalanced.
    """
    permit(actor, Act.COMPILE_REPORT)
    subject = not_yet_compiled(key, scope)
    period, office = subject
    report = Report(
        key=subject.key,
        kind=period.kind,
        office_id=office.id if office else None,
        office=office,
        first_on=period.first_on,
        last_on=period.last_on,
        compiled_by=actor,
        stage=ReportStage.COMPILED,
        remarks="",
        late=False,
    )
    _put(report, figures or count(period, office))
    db.session.add(report)
    try:
        db.session.flush()
    except IntegrityError:
        raise Conflict("刚才已有同事汇总了这一期，请刷新。", field="key") from None
    _journal(report, Act.COMPILE_REPORT, actor, origin="")
    return report


def recompile(
    report: Report, *, version: int, remarks: str, actor: User, figures: Figures | None = None
) -> Report:
    """Count again; an earlier check no longer holds (procedure 3.10.3). `figures` as above.

    Raises NotPermitted, Conflict (submitted, or changed meanwhile), Unbalanced.
    """
    permit(actor, Act.COMPILE_REPORT)
    origin = _held(report, version)
    _put(report, figures or count(period_of(report), report.office))
    report.remarks = clean(remarks)
    report.stage = ReportStage.COMPILED
    report.compiled_by = actor
    report.checked_by, report.checked_at = None, None
    db.session.flush()
    _journal(report, Act.COMPILE_REPORT, actor, origin=origin.value)
    return report


def check(report: Report, *, version: int, remarks: str, actor: User) -> Report:
    """A second person vouches for the figures (procedure 3.10.3).

    Raises NotPermitted (role, or the compiler himself), Conflict.
    """
    permit(actor, Act.CHECK_REPORT)
    origin = _held(report, version)
    if report.stage is not ReportStage.COMPILED:
        raise Conflict("这份报表已经复核。")
    if actor.is_same_person(report.compiled_by):
        raise NotPermitted("汇总人不能复核自己的报表，请由其他同事复核。")
    _must_be_complete(report)
    report.remarks = clean(remarks)
    report.stage = ReportStage.CHECKED
    report.checked_by, report.checked_at = actor, clock.now()
    db.session.flush()
    _journal(report, Act.CHECK_REPORT, actor, origin=origin.value)
    return report


def submit(report: Report, *, version: int, actor: User) -> Report:
    """Hand a checked report in; from then on nothing changes it (procedure 3.4.4, 3.10.3).

    It is late after 17:30 of the first working day following the period.

    Raises NotPermitted, Conflict (not checked, submitted already, changed meanwhile).
    """
    permit(actor, Act.SUBMIT_REPORT)
    origin = _held(report, version)
    if report.stage is not ReportStage.CHECKED:
        raise Conflict("报表须先由第二人复核，才能上报。")
    _must_be_complete(report)
    at = clock.now()
    due_on = add_working_days(report.last_on, 1, calendar).on
    report.stage = ReportStage.SUBMITTED
    report.submitted_by, report.submitted_at = actor, at
    report.late = at > clock.at(due_on, *CLOSES)
    timers.meet_report(report.key, at=at)
    db.session.flush()
    _journal(report, Act.SUBMIT_REPORT, actor, origin=origin.value)
    return report


def start_clocks(at: datetime) -> int:
    """Start the clock of last week's report of every office that owes one; how many were new (3.10.3).

    An office owes one from the week in which its first case came.
    """
    week = Period.holding(ReportKind.WEEKLY, clock.local(at).date()).previous
    sunday_night = clock.at(week.last_on, 23, 59)
    begun = 0
    for office in queries.offices_with_cases(sunday_night):
        key = Subject(week, office).key
        if queries.is_submitted(key):
            continue
        start = timers.starting(ClockKind.WEEKLY_REPORT, sunday_night)
        begun += timers.begin_report(key, office.id, start, at=at)
    return begun


def open_steps(report: Report, actor: User) -> frozenset[Act]:
    """What this person may do with the report as it stands: the buttons of its page."""
    complete = bool(report.figures["complete"])
    possible = {
        Act.COMPILE_REPORT: report.stage is not ReportStage.SUBMITTED,
        Act.CHECK_REPORT: complete
        and report.stage is ReportStage.COMPILED
        and not actor.is_same_person(report.compiled_by),
        Act.SUBMIT_REPORT: complete and report.stage is ReportStage.CHECKED,
    }
    return frozenset(
        act for act, open_now in possible.items() if open_now and may(actor.roles, act)
    )


def period_of(report: Report) -> Period:
    """The week or quarter a report covers."""
    return Period(report.kind, report.first_on, report.last_on)


def figures_of(report: Report, *, listing: bool = True) -> Figures:
    """The numbers a report stores; pages and workbooks show nothing else. Without `listing` the list of new cases is empty."""
    return from_json({**report.figures, "raw": report.raw if listing else ()})


def _held(report: Report, version: int) -> ReportStage:
    """The stage of a report that may still change, seen in its present version."""
    if report.stage is ReportStage.SUBMITTED:
        raise Conflict("这份报表已经上报，不能再改；更正在下一期体现。", seen=version)
    if version != report.version:
        raise Conflict("您打开本页之后，这份报表已被他人修改，请核对后再办理。", seen=version)
    return report.stage


def _must_be_complete(report: Report) -> None:
    if not report.figures["complete"]:
        raise Conflict("这是期中数据。请在本期结束后重新汇总，再复核、上报。")


def _put(report: Report, figures: Figures) -> None:
    stored = to_json(figures)
    report.raw, report.figures = stored.pop("raw"), stored
    report.cutoff_at = figures.cutoff_at


def _journal(report: Report, act: Act, actor: User, *, origin: str) -> None:
    snapshot = {**report.figures, "raw": report.raw}
    stored = json.dumps(snapshot, ensure_ascii=False, sort_keys=True)
    facts: dict[str, Any] = {
        "key": report.key,
        "cutoff": report.cutoff_at.isoformat(),
        "figures": hashlib.sha256(stored.encode()).hexdigest(),
    }
    if report.stage is ReportStage.SUBMITTED:
        facts["late"] = report.late
    record(
        SUBJECT,
        report.id,
        act.value,
        actor=actor,
        at=clock.now(),
        clause=CLAUSES[report.kind],
        origin=origin,
        target=report.stage.value,
        version=report.version,
        facts=facts,
    )
