"""The figures of reports against an oracle that counts in plain Python from journal and raw rows.

Random stories are told through the commands under a held clock; the oracle never looks at
`ticket_flow`, at `is_open`, or at the deadlines the tickets carry.
"""

import json
import random
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta

import chinese_calendar
import pytest
from sqlalchemy import select, update

from tests.support.make import Maker
from ticketing.casefile.tickets.models import CallbackRecord, Note, Ticket, TicketFlow
from ticketing.journal.models import JournalEntry
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.kernel.errors import DomainError
from ticketing.masters.estate.models import Community, ServiceOffice
from ticketing.oversight.reports.balance import Unbalanced, check_balance
from ticketing.oversight.reports.compiling import compile_figures
from ticketing.oversight.reports.figures import AGE_BANDS, Figures, age_band, change, rate
from ticketing.oversight.reports.frozen import from_json, to_json
from ticketing.procedure.periods import Period
from ticketing.procedure.vocabulary import (
    OPEN_STAGES,
    Category,
    Grade,
    NoteKind,
    ReportKind,
    Satisfaction,
    TicketStage,
)
from ticketing.steps.callback.commands import call_back
from ticketing.steps.closing import commands as closing
from ticketing.steps.dispatch import commands as dispatching
from ticketing.steps.handling import commands as handling

FIRST_MONDAY = date(2026, 9, 21)
"""Five weeks across the National Day break, with its make-up working days."""
WEEKS = 5
OPEN = {"registered", "dispatched", "handling", "callback"}
EXITS = {"invalid", "withdrawn", "merged"}
FLOWS = ("new", "reopened", "closed", "invalid", "withdrawn", "merged")


class Teller:
    """Tells a random story: tickets of three communities taken through random acts."""

    def __init__(self, make: Maker, seed: int) -> None:
        self.make, self.rng = make, random.Random(seed)
        self.tickets: list[int] = []

    def step(self) -> None:
        """One thing happens to one ticket, or a new one comes in."""
        going = list(
            db.session.scalars(
                select(Ticket.id).where(Ticket.stage.in_(OPEN_STAGES)).order_by(Ticket.id)
            )
        )
        if not going or self.rng.random() < 0.2:
            return self.register()
        ended = [one for one in self.tickets if one not in going]
        chosen = ended if ended and self.rng.random() < 0.08 else going
        ticket = db.session.get_one(Ticket, self.rng.choice(chosen))
        act = self.rng.choice(self.acts()[ticket.stage])
        try:
            with transaction():
                act(ticket)
        except DomainError:
            pass
        return None

    def register(self) -> None:
        unit = self.rng.choice(sorted(self.make.world.units))
        ticket = self.make.registered(
            unit,
            actor="far_clerk" if unit.startswith("LH") else "office",
            received_at=clock.now() - timedelta(hours=self.rng.choice((0, 0, 5, 30, 90, 2000))),
        )
        self.tickets.append(ticket.id)

    def acts(self):
        manager, rng = self.make.user("manager"), self.rng

        def with_reason(command):
            return lambda t: command(t, version=t.version, reason="理由", actor=manager)

        def dispatch(t):
            code = rng.choice(("PM", "ENG", "SAL"))
            facts = {
                "version": t.version,
                "category": rng.choice(list(Category)),
                "department_id": self.make.world.departments[code],
                "handler_id": None,
                "actor": manager,
            }
            if t.stage is TicketStage.REGISTERED:
                grade = max(rng.choice(list(Grade)), t.grade, key=lambda one: one.weight)
                more = {"grade": grade, "assisting_ids": [], "instruction": ""}
                return dispatching.dispatch(t, **facts, **more)
            return dispatching.transfer(t, **facts, reason="归口调整")

        def note(t):
            words = {"action_taken": "已电话联系。", "action_needed": "", "next_on": None}
            if t.stage is TicketStage.DISPATCHED and rng.random() < 0.7:
                return handling.feed_back(t, version=t.version, **words, actor=manager)
            return handling.follow_up(t, **words, actor=manager)

        def resolve(t):
            t.directed_at = t.minuted_at = clock.now()  # the leaders have done their part
            db.session.flush()
            return handling.resolve(
                t, version=t.version, resolution="修好了。", customer_opinion="", actor=manager
            )

        def regrade(t):
            grade = rng.choice(list(Grade))
            return handling.regrade(t, version=t.version, grade=grade, reason="核定", actor=manager)

        def call(t):
            reached = rng.random() < 0.5
            actor = self.make.user("far_clerk" if t.community.code == "LH" else "office2")
            return call_back(
                t,
                version=t.version,
                reached=reached,
                satisfaction=rng.choice(list(Satisfaction)) if reached else None,
                opinion="还是不行。",
                actor=actor,
            )

        def merge(t):
            into = db.session.get_one(Ticket, rng.choice(self.tickets)).number
            scope = self.make.scope("manager")
            return closing.merge(
                t, version=t.version, into=into, reason="同一件事", actor=manager, scope=scope
            )

        invalidate, withdraw = with_reason(closing.invalidate), with_reason(closing.withdraw)
        return {
            TicketStage.REGISTERED: [dispatch] * 8 + [note, regrade, invalidate, withdraw, merge],
            TicketStage.DISPATCHED: [note] * 6 + [dispatch, withdraw, merge],
            TicketStage.HANDLING: [resolve] * 6 + [note, dispatch, regrade, invalidate],
            TicketStage.CALLBACK: [call] * 8 + [note, withdraw, with_reason(closing.close)],
            TicketStage.CLOSED: [with_reason(closing.reopen)],
            TicketStage.INVALID: [note],
            TicketStage.WITHDRAWN: [note],
            TicketStage.MERGED: [note],
        }


def working_day_after(day: date) -> date:
    day += timedelta(days=1)
    while not chinese_calendar.is_workday(day):
        day += timedelta(days=1)
    return day


def week_after(day: date) -> date:
    day += timedelta(days=7)
    return day if chinese_calendar.is_workday(day) else working_day_after(day)


def shanghai(instant: datetime) -> date:
    return (instant + timedelta(hours=8)).date()


class Oracle:
    """Counts one period of some communities from every row there is."""

    def __init__(self, communities: list[int], first_on: date, last_on: date, now: datetime):
        self.start = clock.at(first_on)
        self.cutoff = min(now + timedelta(seconds=1), clock.at(last_on + timedelta(days=1)))
        self.first_on, self.as_of = first_on, min(last_on, shanghai(now))
        self.tickets = {
            t.id: t for t in db.session.scalars(select(Ticket)) if t.community_id in communities
        }
        self.story: dict[int, list[JournalEntry]] = defaultdict(list)
        rows = db.session.scalars(select(JournalEntry).order_by(JournalEntry.id))
        for entry in rows:
            if entry.subject == "ticket" and entry.subject_id in self.tickets:
                self.story[entry.subject_id].append(entry)
        self.open = [t for t in self.tickets.values() if self.stage(t, self.cutoff) in OPEN]

    def stage(self, ticket: Ticket, at: datetime) -> str:
        """Where it stood just before `at`; empty before it was registered."""
        moved = [entry.target for entry in self.story[ticket.id] if entry.at < at]
        return moved[-1] if moved else ""

    def inside(self, at: datetime) -> bool:
        return self.start <= at < self.cutoff

    def flows(self) -> Counter:
        """(community, flow) of every move across the border of openness in the period."""
        found = Counter()
        for ticket in self.tickets.values():
            for entry in self.story[ticket.id]:
                if not self.inside(entry.at):
                    continue
                if entry.act == "register":
                    found[ticket.community_id, "new"] += 1
                    if ticket.grade is Grade.MAJOR:
                        found[ticket.community_id, "major"] += 1
                elif entry.origin not in OPEN and entry.target in OPEN:
                    found[ticket.community_id, "reopened"] += 1
                elif entry.origin in OPEN and entry.target not in OPEN:
                    found[ticket.community_id, entry.target] += 1
        return found

    def due(self, ticket: Ticket) -> date:
        """The completion date as of the cut-off: a week from receipt, or from the last reopening."""
        start = shanghai(ticket.received_at)
        for entry in self.story[ticket.id]:
            if entry.act == "reopen" and entry.at < self.cutoff:
                start = shanghai(entry.at)
        return week_after(start)

    def opening(self) -> Counter:
        return Counter(
            t.community_id for t in self.tickets.values() if self.stage(t, self.start) in OPEN
        )

    def rounds(self):
        """(ticket, day resolved, instant reached or None, unreached tries in the period, when ended)."""
        for ticket in self.tickets.values():
            told = [entry for entry in self.story[ticket.id] if entry.at < self.cutoff]
            for n, entry in enumerate(told):
                if entry.act != "resolve":
                    continue
                reached, tries, given_up = None, 0, None
                for later in told[n + 1 :]:
                    if later.act == "resolve":
                        break
                    if later.act == "call_back":
                        if json.loads(later.facts)["reached"]:
                            reached = reached or later.at
                        else:
                            tries += self.inside(later.at)
                    if later.act == "close":
                        given_up = later.at
                yield ticket, shanghai(entry.at), reached, tries, reached or given_up

    def callbacks(self) -> dict[int, Counter]:
        found: dict[int, Counter] = defaultdict(Counter)
        for ticket, resolved_on, reached, tries, made in self.rounds():
            counts, due = found[ticket.community_id], working_day_after(resolved_on)
            gone = self.stage(ticket, self.cutoff) in EXITS
            if self.first_on <= due <= self.as_of and not gone:
                counts["due"] += 1
                counts["made"] += made is not None
                counts["on_time"] += made is not None and shanghai(made) <= due
            counts["unreached"] += bool(tries) and reached is None
        for record in db.session.scalars(select(CallbackRecord)):
            if record.ticket_id in self.tickets and record.reached and self.inside(record.at):
                community_id = self.tickets[record.ticket_id].community_id
                found[community_id][record.satisfaction.value] += 1
        return found

    def completions(self) -> tuple[int, int]:
        """(on time, due) of the cases whose completion date lies in the period."""
        due = kept = 0
        for ticket in self.tickets.values():
            if self.stage(ticket, self.cutoff) in EXITS:
                continue
            limits: list[list[date | bool]] = []
            for entry in self.story[ticket.id]:
                if entry.at >= self.cutoff:
                    break
                if entry.act in ("register", "reopen"):
                    start = ticket.received_at if entry.act == "register" else entry.at
                    limits.append([week_after(shanghai(start)), False])
                elif entry.target == "closed":
                    limits[-1][1] = shanghai(entry.at) <= limits[-1][0]
            mine = [in_time for limit, in_time in limits if self.first_on <= limit <= self.as_of]
            due, kept = due + len(mine), kept + sum(mine)
        return kept, due

    def feedbacks(self) -> dict[int, tuple[int, int]]:
        """By department: (due, in time) of every dispatch, also of those returned or handed on late."""
        found: dict[int, Counter] = defaultdict(Counter)
        for ticket in self.tickets.values():
            if self.stage(ticket, self.cutoff) in EXITS:
                continue
            holder, owed = 0, None
            ended: list[tuple[int, date, bool | None]] = []
            for entry in self.story[ticket.id]:
                if entry.at >= self.cutoff:
                    break
                day = shanghai(entry.at)
                if owed and entry.act in ("transfer", "return"):
                    ended += [(*owed, False)] * (day > owed[1])
                    owed = None
                elif owed and entry.act == "feed_back":
                    ended.append((*owed, day <= owed[1]))
                    owed = None
                if entry.act in ("dispatch", "transfer"):
                    changed = json.loads(entry.facts)["changed"]
                    holder = changed.get("department_id", [None, None])[1] or holder
                    limit = day
                    for _ in range(3):
                        limit = working_day_after(limit)
                    owed = (holder, limit)
            for department, limit, in_time in [*ended, *([(*owed, False)] if owed else [])]:
                if self.first_on <= limit <= self.as_of:
                    found[department]["due"] += 1
                    found[department]["kept"] += bool(in_time)
        return {one: (counts["due"], counts["kept"]) for one, counts in found.items()}

    def untracked(self) -> set[int]:
        kinds = {NoteKind.FEEDBACK, NoteKind.FOLLOW_UP, NoteKind.RESOLUTION}
        tracked = {
            note.ticket_id
            for note in db.session.scalars(select(Note))
            if note.kind in kinds and self.inside(note.at)
        } | {c.ticket_id for c in db.session.scalars(select(CallbackRecord)) if self.inside(c.at)}
        return {t.id for t in self.open} - tracked


def compare(figures: Figures, oracle: Oracle) -> None:
    """Every table of the report against the oracle."""
    flows, opening = oracle.flows(), oracle.opening()
    still = Counter(t.community_id for t in oracle.open)
    late = Counter(t.community_id for t in oracle.open if oracle.due(t) < oracle.as_of)
    callbacks = oracle.callbacks()
    for row in figures.summary:
        of = row.community_id
        assert row.opening == opening[of]
        assert row.major == flows[of, "major"]
        assert {name: getattr(row, name) for name in FLOWS} == {
            name: flows[of, name] for name in FLOWS
        }
        assert (row.closing, row.overdue) == (still[of], late[of])
        assert row.closing == row.opening + sum(
            (1 if name in ("new", "reopened") else -1) * getattr(row, name) for name in FLOWS
        )
        calls = callbacks[of]
        assert (row.callbacks_due, row.callbacks_made) == (calls["due"], calls["made"])
        assert row.content == calls["very_satisfied"] + calls["satisfied"]
    for row in figures.callbacks:
        names = ("due", "made", "on_time", "unreached", *(s.value for s in Satisfaction))
        assert {name: getattr(row, name) for name in names} == {
            name: callbacks[row.community_id][name] for name in names
        }
    for row in figures.categories:
        category = Category(row.code) if row.code else None
        mine = [t for t in oracle.tickets.values() if t.category is category]
        moved = [(entry, t) for t in mine for entry in oracle.story[t.id]]
        assert row.new == sum(e.act == "register" and oracle.inside(e.at) for e, _ in moved)
        assert row.closed == sum(
            e.target == "closed" and e.origin != "closed" and oracle.inside(e.at) for e, _ in moved
        )
        assert row.open == sum(t.category is category for t in oracle.open)
        if figures.kind is ReportKind.WEEKLY:
            for field, weeks in (("last", 1), ("base", 4)):
                since = oracle.start - timedelta(days=7 * weeks)
                assert getattr(row, field) == sum(
                    e.act == "register" and since <= e.at < oracle.start for e, _ in moved
                )
    for row in (*figures.ages, figures.age_total):
        ages = sorted(
            (oracle.as_of - shanghai(t.received_at)).days
            for t in oracle.open
            if row.grade in (None, t.grade)
        )
        for n, (first, last) in enumerate(AGE_BANDS):
            assert row.bands[n] == sum(first <= age <= (last or 10**6) for age in ages)
        if ages:
            assert row.mean == round(sum(ages) / len(ages), 1)
            middle = len(ages) // 2
            assert row.median == (ages[middle] + ages[-middle - 1]) / 2
        else:
            assert (row.mean, row.median) == (None, None)
    feedbacks = {
        row.department_id: (row.feedback_due, row.feedback_on_time)
        for row in figures.departments
        if row.feedback_due
    }
    assert feedbacks == oracle.feedbacks()
    kept, due = oracle.completions()
    completion = next(kpi for kpi in figures.kpis if kpi.name == "办结及时率")
    assert (completion.done, completion.due) == (kept, due)
    if figures.kind is ReportKind.WEEKLY:
        over = {t.id for t in oracle.open if oracle.due(t) < oracle.as_of}
        major = {t.id for t in oracle.open if t.grade is Grade.MAJOR}
        untracked = oracle.untracked()
        assert {case.ticket_id for case in figures.cases.rows} == over | major | untracked
        assert {case.ticket_id for case in figures.cases.rows if case.untracked} == untracked
        assert {case.ticket_id for case in figures.cases.rows if case.days_over} == over
        for case in figures.cases.rows:
            assert case.due_on == oracle.due(oracle.tickets[case.ticket_id])
    assert len(figures.raw) == sum(row.new for row in figures.summary)


def office(code: str) -> ServiceOffice:
    return db.session.scalars(select(ServiceOffice).where(ServiceOffice.code == code)).one()


def ids(one: ServiceOffice | None) -> list[int]:
    if one is None:
        return list(db.session.scalars(select(Community.id)))
    return [community.id for community in one.communities]


def figures_of(period: Period, one: ServiceOffice | None, now: datetime) -> Figures:
    with clock.held(now):
        return compile_figures(period, one, now=clock.now(), carried=None)


WHAT_TIME_CANNOT_CHANGE = (
    *FLOWS,
    "opening",
    "closing",
    "overdue",
    "callbacks_due",
    "callbacks_made",
    "answers",
    "content",
)


def stock(figures: Figures) -> list[tuple[int, ...]]:
    return [
        tuple(getattr(row, name) for name in WHAT_TIME_CANNOT_CHANGE)
        for row in (*figures.summary, figures.total)
    ]


@pytest.mark.clause("3.10.3")
@pytest.mark.clause("3.10.4")
@pytest.mark.clause("3.4.4")
@pytest.mark.parametrize("seed", [1, 2])
def test_random_stories_are_counted_as_an_oracle_counts_them_from_the_raw_rows(make, seed):
    teller = Teller(make, seed)
    at = clock.at(FIRST_MONDAY, 8)
    weeks = Period.holding(ReportKind.WEEKLY, FIRST_MONDAY + timedelta(weeks=WEEKS - 1)).back(WEEKS)
    weeks.reverse()
    on_the_day: dict[Period, list[tuple[int, ...]]] = {}
    waiting = list(weeks)
    end = clock.at(weeks[-1].last_on + timedelta(days=4))
    while at < end:
        at += timedelta(minutes=teller.rng.randint(0, 400))
        if waiting and at >= clock.at(waiting[0].last_on + timedelta(days=1)):
            over = waiting.pop(0)
            figures = figures_of(over, office("FZ"), at)
            compare(figures, Oracle(ids(office("FZ")), over.first_on, over.last_on, at))
            on_the_day[over] = stock(figures)
        with clock.held(at):
            teller.step()
    closing_before = None
    seen: Counter = Counter()
    for week in weeks:
        for one in (office("FZ"), office("XM")):
            figures = figures_of(week, one, at)
            check_balance(figures)
            compare(figures, Oracle(ids(one), week.first_on, week.last_on, at))
            seen.update({name: getattr(figures.total, name) for name in FLOWS})
            for row in figures.callbacks:
                seen.update(dissatisfied=row.dissatisfied, unreached=row.unreached)
                seen.update(late_calls=row.due - row.on_time, calls=row.made)
            if one.code == "FZ":
                assert stock(figures) == on_the_day[week], "a later compilation says the same"
                if closing_before is not None:
                    assert [row.opening for row in figures.summary] == closing_before
                closing_before = [row.closing for row in figures.summary]
                assert figures.total.new, "the story is worth counting"
    assert len(+seen) == len(FLOWS) + 4, "everything that can happen happened"
    running = Period.holding(ReportKind.WEEKLY, shanghai(at))
    figures = figures_of(running, office("FZ"), at)
    assert not figures.complete
    compare(figures, Oracle(ids(office("FZ")), running.first_on, running.last_on, at))
    for name in ("2026-Q3", "2026-Q4"):
        quarter = Period.named(ReportKind.QUARTERLY, name)
        for one in (office("FZ"), None):
            figures = figures_of(quarter, one, at)
            check_balance(figures)
            compare(figures, Oracle(ids(one), quarter.first_on, quarter.last_on, at))
            assert from_json(json.loads(json.dumps(to_json(figures)))) == figures


@pytest.mark.clause("3.10.4")
def test_the_company_quarter_is_the_sum_of_its_offices(make):
    teller, at = Teller(make, 9), clock.at(date(2026, 10, 1), 8)
    for _ in range(60):
        at += timedelta(minutes=teller.rng.randint(0, 900))
        with clock.held(at):
            teller.step()
    quarter = Period.named(ReportKind.QUARTERLY, "2026-Q4")
    company = figures_of(quarter, None, at)
    parts = [figures_of(quarter, office(code), at) for code in ("FZ", "XM")]
    for name in WHAT_TIME_CANNOT_CHANGE:
        assert getattr(company.total, name) == sum(getattr(p.total, name) for p in parts)
    assert sum(row.new for row in company.categories) == company.total.new
    valid = sum(row.valid for row in company.density)
    assert valid == company.total.new - sum(
        t.stage.value in EXITS and clock.local(t.registered_at).date() >= quarter.first_on
        for t in db.session.scalars(select(Ticket))
    )
    assert {row.name: row.delivered for row in company.density} == {
        "云栖苑": 4,
        "海棠湾": 1,
        "莲花里": 1,
    }


@pytest.mark.clause("3.10.3")
def test_figures_that_contradict_each_other_are_refused(make):
    at = clock.at(date(2026, 11, 18), 9)
    with clock.held(at):
        ticket_id = make.registered().id
        make.registered()
    week = Period.holding(ReportKind.WEEKLY, date(2026, 11, 18))
    check_balance(figures_of(week, office("FZ"), at + timedelta(hours=1)))
    with transaction():
        db.session.execute(
            update(TicketFlow)
            .where(TicketFlow.ticket_id == ticket_id)
            .values(flow="closed")
            .execution_options(synchronize_session=False)
        )
    with pytest.raises(Unbalanced, match="报表不平"):
        check_balance(figures_of(week, office("FZ"), at + timedelta(hours=1)))


@pytest.mark.clause("3.10.3")
def test_midnight_of_monday_belongs_to_the_new_week(make):
    sunday, monday = date(2026, 11, 15), date(2026, 11, 16)
    with clock.held(clock.at(sunday, 23, 59) + timedelta(seconds=59)):
        before = make.ticket(TicketStage.HANDLING)
    with clock.held(clock.at(monday)):
        make.registered()
        with transaction():
            closing.invalidate(
                before, version=before.version, reason="查无此事", actor=make.user("manager")
            )
    at = clock.at(date(2026, 11, 23), 9)
    old, new = (
        figures_of(Period.holding(ReportKind.WEEKLY, day), office("FZ"), at)
        for day in (sunday, monday)
    )
    for figures in (old, new):
        check_balance(figures)
    assert (old.total.opening, old.total.new, old.total.invalid, old.total.closing) == (0, 1, 0, 1)
    assert (new.total.opening, new.total.new, new.total.invalid, new.total.closing) == (1, 1, 1, 1)


def test_a_rate_without_denominator_is_nothing_and_a_small_base_is_not_compared():
    assert rate(0, 0) is None
    assert rate(1, 4) == 0.25
    assert change(30, 19) is None
    assert change(30, 20) == 0.5
    assert [age_band(days) for days in (0, 3, 4, 7, 8, 15, 16, 30, 31, 90, 91, 4000)] == [
        0,
        0,
        1,
        1,
        2,
        2,
        3,
        3,
        4,
        4,
        5,
        5,
    ]


@pytest.mark.clause("3.4.2.2")
def test_departments_answer_for_the_feedback_that_fell_due(make):
    monday = date(2026, 11, 9)
    with clock.held(clock.at(monday, 9)):
        in_time = make.ticket(TicketStage.DISPATCHED, department="PM")
        late = make.ticket(TicketStage.DISPATCHED, department="PM")
        make.ticket(TicketStage.DISPATCHED, department="SAL")
        gone = make.ticket(TicketStage.DISPATCHED, department="SAL")
    words = {"action_taken": "已联系。", "action_needed": "", "next_on": None}
    handler = make.user("handler")
    for ticket, day in ((in_time, 12), (late, 13)):
        with clock.held(clock.at(date(2026, 11, day), 20)), transaction():
            handling.feed_back(ticket, version=ticket.version, **words, actor=handler)
    with clock.held(clock.at(date(2026, 11, 10), 9)), transaction():
        closing.withdraw(gone, version=gone.version, reason="客户撤回", actor=make.user("manager"))
    with clock.held(clock.at(date(2026, 11, 13), 18)):
        make.ticket(TicketStage.DISPATCHED, department="ENG")
    week = Period.holding(ReportKind.WEEKLY, monday)
    figures = figures_of(week, office("FZ"), clock.at(date(2026, 11, 23), 9))
    told = {
        row.name: (row.dispatched, row.feedback_due, row.feedback_on_time)
        for row in figures.departments
    }
    assert told == {"物业公司": (2, 2, 1), "经营销售部": (2, 1, 0), "工程材料部": (1, 0, 0)}
    after = Period.holding(ReportKind.WEEKLY, date(2026, 11, 22))
    later = figures_of(after, office("FZ"), clock.at(date(2026, 11, 23), 9))
    rows = {row.name: row for row in later.departments}
    assert (rows["物业公司"].due, rows["物业公司"].overdue, rows["物业公司"].longest) == (2, 2, 6)
    assert (rows["工程材料部"].feedback_due, rows["工程材料部"].feedback_on_time) == (1, 0)
