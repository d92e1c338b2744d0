"""The reports of the demo's past: compiled by the clerk, checked and submitted by the head of office.

The last whole week is left for whoever tries the demo.
"""

import random
from collections.abc import Iterator
from datetime import date, timedelta

from ticketing.edges.demo.cast import Cast
from ticketing.edges.demo.story import Story, days_later, minutes_later, office_time, working_day
from ticketing.edges.demo.town import OFFICES, PLANS, Town
from ticketing.masters.people.models import User
from ticketing.masters.people.scope import scope_of
from ticketing.oversight.reports import commands as reports
from ticketing.oversight.reports import queries
from ticketing.procedure.periods import Period
from ticketing.procedure.vocabulary import ReportKind

SELDOM = 0.06
"""How often a report is handed in a day late."""


def papers(town: Town, cast: Cast, first_day: date) -> Iterator[Story]:
    """The weekly and quarterly reports of every office, and the company's quarters."""
    community_of = {plan.office: plan.code for plan in PLANS}
    for kind in ReportKind:
        for period in _past(kind, first_day, town.today):
            for code, _name in OFFICES:
                yield _report(town, period, code, *cast.desk_of(community_of[code]))
            if kind is ReportKind.QUARTERLY:
                manager, head = cast["manager"], cast["office"]
                yield _report(town, period, queries.COMPANY, manager, head)


def _past(kind: ReportKind, first_day: date, today: date) -> Iterator[Period]:
    period = Period.holding(kind, first_day)
    while period.last_on < today - timedelta(days=today.weekday() + 7):
        yield period
        period = Period.holding(kind, period.last_on + timedelta(days=1))


def _report(town: Town, period: Period, code: str, compiler: User, head: User) -> Story:
    key = queries.key_of(period, code)
    rng = random.Random(f"{town.seed}-{key}")
    yield (at := office_time(rng, working_day(period.last_on, 1)))
    report = reports.compile_report(key=key, actor=compiler, scope=scope_of(compiler))
    yield (at := minutes_later(rng, at, 4, 40))
    reports.check(report, version=report.version, remarks="", actor=head)
    late = rng.random() < SELDOM
    yield days_later(rng, at, 1) if late else minutes_later(rng, at, 2, 10)
    reports.submit(report, version=report.version, actor=head)
