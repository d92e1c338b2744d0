"""What reports say of repairs, against an oracle that counts in plain Python from journal and raw rows.

Random repairs are told through the commands under a held clock; the oracle never looks at a clock, at the copies of
dates on an order, or at `is_open`.
"""

import json
import random
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from benchmarks.breaches import after_working_days
from tests.pages.helpers import recorded
from tests.rooms.test_reports import cells_of_book, cells_of_page
from tests.support.make import Maker
from tests.support.repairs import CRACK, LEAK, SIGNERS, Repairs
from ticketing.casefile.defects.commands import Broken
from ticketing.casefile.defects.models import Defect
from ticketing.casefile.tickets.models import Ticket
from ticketing.casefile.timers.models import ConsentWay
from ticketing.journal.models import JournalEntry
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.kernel.errors import DomainError
from ticketing.masters.contractors import commands as contractors
from ticketing.masters.estate.models import Community, ServiceOffice
from ticketing.masters.workcalendar.queries import calendar
from ticketing.oversight.reports import behind, layout
from ticketing.oversight.reports.balance import Unbalanced, check_balance
from ticketing.oversight.reports.compiling import compile_figures
from ticketing.oversight.reports.figures import Figures
from ticketing.oversight.reports.frozen import from_json, to_json
from ticketing.oversight.reports.models import Report
from ticketing.procedure.periods import Period
from ticketing.procedure.repairs import (
    Cause,
    Inspector,
    OrderClass,
    OrderStage,
    Part,
    Phenomenon,
    Presence,
    Side,
    SurveyStage,
    Trade,
)
from ticketing.procedure.vocabulary import ReportKind, Satisfaction, TicketStage
from ticketing.procedure.workdays import add_working_days
from ticketing.steps.acceptance import commands as acceptance
from ticketing.steps.callback.commands import call_back
from ticketing.steps.closing import commands as closing
from ticketing.steps.site_survey import queries as surveys
from ticketing.steps.site_survey import signing
from ticketing.steps.site_survey.commands import schedule
from ticketing.steps.site_survey.models import SiteSurvey
from ticketing.steps.site_survey.signing import Decision
from ticketing.steps.work_orders import changing, lists
from ticketing.steps.work_orders import commands as orders
from ticketing.steps.work_orders import queries as order_queries
from ticketing.steps.work_orders.models import OrderItem, WorkOrder

FIRST_MONDAY = date(2026, 9, 21)
"""Five weeks across the National Day break, with its make-up working days."""
WEEKS = 5
UNITS = ("YX 3-1-1202", "YX 3-1-1203", "YX 5-1-0101", "HT 1-1-0801")
BROKEN = (
    LEAK,
    CRACK,
    Broken(Part.ELECTRIC, Phenomenon.SHORT, Trade.PLUMBING_ELECTRIC, "客厅", "跳闸"),
    Broken(Part.DOORS, Phenomenon.BROKEN, Trade.DECORATION, "入户门", "锁坏了"),
)
OPEN = {"registered", "dispatched", "handling", "surveying", "repairing", "callback"}
EXITS = {"invalid", "withdrawn", "merged"}
O = OrderStage  # noqa: E741


class Teller:
    """Tells random repairs of two communities, one act at a time."""

    def __init__(self, make: Maker, seed: int) -> None:
        self.make, self.rng, self.repairs = make, random.Random(seed), Repairs(make)
        self.office, self.manager = make.user("office"), make.user("manager")
        with transaction():
            team = contractors.save_team(
                None,
                name="海棠湾维修队",
                captain_id=make.world.users["captain"],
                community_ids=[make.world.communities["HT"]],
                active=True,
                actor=None,
            )
        self.teams = {"YX": make.world.teams["云栖苑维修队"], "HT": team.id}

    def step(self) -> None:
        """One thing happens to one ticket or order, or a new repair comes in."""
        going = list(
            db.session.scalars(select(Ticket.id).where(Ticket.is_open).order_by(Ticket.id))
        )
        if not going or self.rng.random() < 0.16:
            broken = self.rng.sample(BROKEN, self.rng.choice((1, 1, 2)))
            self.repairs.ticket(*broken, unit=self.rng.choice(UNITS))
            return
        ticket = db.session.get_one(Ticket, self.rng.choice(going))
        try:
            with transaction():
                self._go_on(ticket)
        except DomainError:
            pass

    def _go_on(self, ticket: Ticket) -> None:
        version, rng = {"version": ticket.version}, self.rng
        if ticket.stage in (TicketStage.DISPATCHED, TicketStage.SURVEYING) and rng.random() < 0.06:
            closing.withdraw(ticket, **version, reason="不修了", actor=self.manager)
        elif ticket.stage is TicketStage.DISPATCHED:
            schedule(
                ticket,
                **version,
                visit_at=clock.now() + timedelta(hours=2),
                team_id=self.teams[ticket.community.code],
                contractor_id=rng.choice((None, *self.make.world.contractors.values())),
                note="",
                actor=self.office,
            )
        elif ticket.stage is TicketStage.SURVEYING:
            self._survey(ticket)
        elif ticket.stage is TicketStage.REPAIRING:
            self._repair(ticket)
        elif ticket.stage is TicketStage.CALLBACK:
            unhappy = rng.random() < 0.7
            call_back(
                ticket,
                **version,
                reached=True,
                satisfaction=Satisfaction.DISSATISFIED if unhappy else Satisfaction.SATISFIED,
                opinion="还在滴水。",
                actor=self.make.user("office2"),
            )
        else:
            closing.invalidate(ticket, **version, reason="不属实", actor=self.manager)

    def _survey(self, ticket: Ticket) -> None:
        survey = surveys.latest(ticket.id)
        if survey.stage is SurveyStage.SCHEDULED:
            cause = self.rng.choice(
                (Cause.WORKMANSHIP,) * 5 + (Cause.DESIGN,) * 3 + (Cause.MISUSE,)
            )
            estimate = self.rng.choice((40_000, 80_000, 150_000))
            self.repairs.record(survey, cause=cause, estimate_fen=estimate)
        elif survey.stage is SurveyStage.RECORDED:
            for side in SIGNERS:
                if side is Side.CONTRACTOR and not survey.contractor_required:
                    continue
                stays_away = side is Side.CONTRACTOR and self.rng.random() < 0.6
                facts = {"presence": Presence.ABSENT, "reason": "没来", "evidence": "电话 09:00"}
                more = {**facts, "signature": ""} if stays_away else {}
                if survey.stage is SurveyStage.RECORDED:
                    self.repairs.sign(survey, side, **more)
        else:
            decisions = {one.id: Decision(one.proposed) for one in survey.findings}
            signing.conclude(
                ticket, version=ticket.version, decisions=decisions, actor=self.manager
            )

    def _repair(self, ticket: Ticket) -> None:
        going = [one for one in order_queries.of_ticket(ticket.id) if one.stage.is_open]
        waiting = order_queries.to_order(ticket.id)
        if waiting and (not going or self.rng.random() < 0.5):
            order_class, findings = next(iter(waiting.items()))
            self._draft(ticket, order_class, [one.defect_id for one in findings], None)
        elif going:
            self._order(db.session.get_one(WorkOrder, self.rng.choice(going).id))
        else:
            again = self.rng.choice(order_queries.accepted_of(ticket.id))
            self._draft(
                ticket, again.order_class, [item.defect_id for item in again.items], again.id
            )

    def _draft(self, ticket, order_class, defect_ids, rework_of_id) -> None:
        orders.draft(
            ticket,
            order_class=order_class,
            team_id=self.teams[ticket.community.code],
            defect_ids=defect_ids,
            scope="维修",
            estimate_fen=self.rng.choice((30_000, 80_050)),
            actor=self.office,
            rework_of_id=rework_of_id,
        )

    def _order(self, order: WorkOrder) -> None:
        rng, captain, version = self.rng, self.make.user("captain"), {"version": order.version}
        if order.stage is O.DRAFT:
            self.repairs.bring(order, O.ISSUED)
            return
        turn = rng.random()
        if order.stage in (O.ISSUED, O.ACKNOWLEDGED) and turn < 0.08:
            changing.cancel(order, **version, reason="重复", actor=self.manager)
        elif order.stage in (O.ISSUED, O.ACKNOWLEDGED) and turn < 0.2:
            changing.transfer(
                order,
                **version,
                contractor_id=rng.choice(list(self.make.world.contractors.values())),
                reason="须更换立管",
                actor=self.office,
            )
        elif order.stage in (O.ISSUED, O.ACKNOWLEDGED, O.TRANSFERRED) and turn < 0.35:
            changing.extend(
                order,
                **version,
                due_on=add_working_days(order.due_on, 2, calendar).on,
                reason="等配件",
                consent_by="王国强",
                consent_at=clock.now(),
                consent_way=ConsentWay.RECORDING,
                evidence="录音",
                actor=self.office,
            )
        elif order.stage is O.ISSUED:
            orders.acknowledge(order, **version, worker_ids=[], visit_on=None, actor=captain)
        elif order.stage in (O.ACKNOWLEDGED, O.TRANSFERRED):
            actor = "captain" if order.stage is O.ACKNOWLEDGED else "engineer"
            self.repairs.pictured(order, by=actor)
            orders.self_check(order, **version, self_check="好了", actor=self.make.user(actor))
        elif turn < 0.3:
            acceptance.reject(order, **version, reason="不平", actor=self.office)
        elif order.inspected_at is None:
            acceptance.inspect(
                order,
                **version,
                inspected_for=Inspector.SERVICE,
                inspection="合格",
                actor=self.office,
            )
        else:
            self.repairs.signed(order, actor="office")


def shanghai(instant: datetime) -> date:
    return (instant + timedelta(hours=8)).date()


@dataclass
class Round:
    """One try at a repair as the journal tells it."""

    begun: datetime
    due: date
    original: date
    done: datetime | None = None
    dropped: datetime | None = None


class Told:
    """The story of one order."""

    def __init__(self, order: WorkOrder, story: list[JournalEntry], trades: set[Trade]) -> None:
        self.order, self.rounds = order, []
        self.issued = self.accepted = self.cancelled = None
        for entry in story:
            changed = json.loads(entry.facts).get("changed", {})
            if entry.act == "issue_order":
                self.issued = entry.at
                due = after_working_days(shanghai(entry.at), 3 if len(trades) == 1 else 7)
                self.rounds.append(Round(entry.at, due, due))
            elif entry.act == "extend_order":
                self.rounds[-1].due = date.fromisoformat(changed["due_on"][1])
            elif entry.act == "self_check":
                self.rounds[-1].done = entry.at
            elif entry.act == "reject_work":
                self.rounds.append(replace(self.rounds[-1], begun=entry.at, done=None))
            elif entry.act == "cancel_order" and self.issued:
                self.cancelled = self.rounds[-1].dropped = entry.at
            if entry.target == "accepted" != entry.origin:
                self.accepted = entry.at
        contractor = order.contractor_id if order.transferred_at else None
        self.party = (None, contractor) if contractor else (order.team_id, None)

    def in_repair(self, at: datetime) -> bool:
        ended = self.accepted or self.cancelled
        return self.issued is not None and self.issued < at and (ended is None or ended >= at)

    def last(self, at: datetime) -> Round | None:
        return next((one for one in reversed(self.rounds) if one.begun < at), None)


class Oracle:
    """Counts the repairs of one period of some communities from every row there is."""

    def __init__(self, communities: list[int], first_on: date, last_on: date, now: datetime):
        self.start = clock.at(first_on)
        self.cutoff = min(now + timedelta(seconds=1), clock.at(last_on + timedelta(days=1)))
        self.first_on, self.as_of = first_on, min(last_on, shanghai(now))
        self.tickets = {
            t.id: t for t in db.session.scalars(select(Ticket)) if t.community_id in communities
        }
        self.story: dict[tuple[str, int], list[JournalEntry]] = defaultdict(list)
        for entry in db.session.scalars(select(JournalEntry).order_by(JournalEntry.id)):
            self.story[entry.subject, entry.subject_id].append(entry)
        self.defects = [
            one for one in db.session.scalars(select(Defect)) if one.ticket_id in self.tickets
        ]
        self.items: dict[int, list[Defect]] = defaultdict(list)
        for item in db.session.scalars(select(OrderItem)):
            self.items[item.order_id] += [one for one in self.defects if one.id == item.defect_id]
        self.orders = {
            one.id: Told(
                one, self.story["order", one.id], {item.trade for item in self.items[one.id]}
            )
            for one in db.session.scalars(select(WorkOrder).order_by(WorkOrder.id))
            if one.ticket_id in self.tickets
        }

    def inside(self, at: datetime | None) -> bool:
        return at is not None and self.start <= at < self.cutoff

    def stage(self, ticket_id: int) -> str:
        story = self.story["ticket", ticket_id]
        return ["", *(entry.target for entry in story if entry.at < self.cutoff)][-1]

    def cells(self) -> dict[tuple[str, str], tuple[int, int, int, int]]:
        found = {}
        for kind in {(one.trade, one.phenomenon) for one in self.defects}:
            mine = [one for one in self.defects if (one.trade, one.phenomenon) == kind]
            new = [one for one in mine if self.inside(one.at)]
            homes = {self.tickets[one.ticket_id].unit_id for one in new}
            again = sum(
                one in self.items[told.order.id]
                for told in self.orders.values()
                for one in mine
                if told.order.rework_of_id and self.inside(told.issued)
            )
            still = [
                one for one in mine if one.at < self.cutoff and self.stage(one.ticket_id) in OPEN
            ]
            row = (len(new), len(homes), again, len(still))
            if any(row):
                found[kind] = row
        return found

    def parties(self) -> dict[tuple[int | None, int | None], Counter]:
        found: dict[tuple[int | None, int | None], Counter] = defaultdict(Counter)
        for told in self.orders.values():
            counts = found[told.party]
            counts["issued"] += self.inside(told.issued)
            counts["completed"] += self.inside(told.accepted)
            leaks = any(item.phenomenon is Phenomenon.LEAK for item in self.items[told.order.id])
            since = self.cutoff - timedelta(days=365 if leaks else 90)
            held = told.accepted is not None and since <= told.accepted < self.cutoff
            counts["held"] += held
            counts["undone"] += held and any(
                other.order.rework_of_id == told.order.id
                and other.issued is not None
                and other.issued < self.cutoff
                for other in self.orders.values()
            )
            last = told.last(self.cutoff)
            if last is None or self.stage(told.order.ticket_id) in EXITS:
                continue
            done = last.done is not None and last.done < self.cutoff
            for due, names in (
                (last.due, ("due", "on_time")),
                (last.original, ("original_due", "original_on_time")),
            ):
                gone = last.dropped and last.dropped < self.cutoff
                if self.first_on <= due <= self.as_of and not (
                    gone and shanghai(last.dropped) <= last.due
                ):
                    counts[names[0]] += 1
                    counts[names[1]] += done and shanghai(last.done) <= due
            if told.in_repair(self.cutoff) and not done and last.due < self.as_of:
                counts["overdue"] += 1
                counts["longest"] = max(counts["longest"], (self.as_of - last.due).days)
        for survey in db.session.scalars(select(SiteSurvey)):
            if survey.ticket_id in self.tickets:
                for entry in self.story["survey", survey.id]:
                    facts = json.loads(entry.facts)
                    if facts.get("presence") == "未到场" and self.inside(entry.at):
                        found[None, survey.contractor_id]["absences"] += 1
        return {party: +counts for party, counts in found.items() if +counts}

    def classes(self) -> dict[OrderClass, tuple[int, ...]]:
        found = {}
        for one in (OrderClass.A, OrderClass.B):
            mine = [told for told in self.orders.values() if told.order.order_class is one]
            issued = [told for told in mine if self.inside(told.issued)]
            found[one] = (
                sum(told.in_repair(self.start) for told in mine),
                len(issued),
                sum(self.inside(told.accepted) for told in mine),
                sum(self.inside(told.cancelled) for told in mine),
                sum(told.in_repair(self.cutoff) for told in mine),
                sum(told.order.estimate_fen for told in issued),
            )
        return found

    def surveys(self) -> tuple[int, int]:
        """(signed in time, due): one working day from the receipt to the last signature; late when agreed on later."""
        due = kept = 0
        for ticket_id in self.tickets:
            if self.stage(ticket_id) in EXITS:
                continue
            for entry in self.story["ticket", ticket_id]:
                if entry.act != "schedule_survey" or entry.at >= self.cutoff:
                    continue
                limit = after_working_days(shanghai(self.tickets[ticket_id].received_at), 1)
                if not self.first_on <= max(limit, shanghai(entry.at)) <= self.as_of:
                    continue
                signed = [
                    one.at
                    for survey in db.session.scalars(
                        select(SiteSurvey).where(SiteSurvey.ticket_id == ticket_id)
                    )
                    for one in self.story["survey", survey.id]
                    if one.act == "sign_survey" and one.target == "signed" and one.at < self.cutoff
                ]
                due += 1
                kept += bool(signed) and shanghai(signed[0]) <= limit
        return kept, due


ORDER_COLUMNS = ("opening", "issued", "completed", "cancelled", "in_repair", "estimate_fen")
PARTY_COLUMNS = (
    "issued", "due", "on_time", "original_due", "original_on_time", "overdue", "longest",
    "completed", "held", "undone", "absences",
)  # fmt: skip


def compare(figures: Figures, oracle: Oracle) -> Counter:
    """Every number about repairs against the oracle; returns what there was of each."""
    told = figures.repairs
    cells = {
        (row.trade, row.phenomenon): (row.new, row.homes, row.rework, row.open)
        for row in told.defects
    }
    assert cells == oracle.cells()
    new = [one for one in oracle.defects if oracle.inside(one.at)]
    total = told.defect_total
    assert total.homes == len({oracle.tickets[one.ticket_id].unit_id for one in new})
    parties = {
        (row.team_id, row.contractor_id): +Counter(
            {name: getattr(row, name) for name in PARTY_COLUMNS}
        )
        for row in told.parties
    }
    assert parties == oracle.parties()
    assert {
        row.order_class: tuple(getattr(row, name) for name in ORDER_COLUMNS) for row in told.orders
    } == oracle.classes()
    kpis = {kpi.name: (kpi.done, kpi.due) for kpi in figures.kpis}
    counted = sum(parties.values(), Counter())
    assert kpis["勘察及时率"] == oracle.surveys()
    assert kpis["维修及时率"] == (counted["on_time"], counted["due"])
    assert kpis["维修及时率（按原时限）"] == (counted["original_on_time"], counted["original_due"])
    assert kpis["返修率"] == (counted["undone"], counted["held"])
    by_class = Counter({name: sum(getattr(o, name) for o in told.orders) for name in ORDER_COLUMNS})
    late = Counter(late=counted["due"] - counted["on_time"], signed=kpis["勘察及时率"][0])
    return counted + by_class + late + Counter(rework=total.rework, open=total.open)


def office(code: str) -> ServiceOffice:
    return db.session.scalars(select(ServiceOffice).where(ServiceOffice.code == code)).one()


def ids(one: ServiceOffice | None) -> list[int]:
    if one is None:
        return list(db.session.scalars(select(Community.id)))
    return [community.id for community in one.communities]


def figures_of(period: Period, one: ServiceOffice | None, now: datetime) -> Figures:
    with clock.held(now):
        return compile_figures(period, one, now=clock.now(), carried=None)


def settled(figures: Figures) -> tuple:
    """What a later compilation must say again: everything but what an extension moves."""
    told = figures.repairs
    columns = ("issued", "completed", "held", "undone", "absences")
    parties = {(row.team_id, row.contractor_id): row for row in told.parties}
    return (
        told.defects,
        told.orders,
        {name: sum(getattr(row, name) for row in parties.values()) for name in columns},
    )


@pytest.mark.clause("3.4.5")
@pytest.mark.clause("3.5.1")
@pytest.mark.clause("3.10.3")
@pytest.mark.clause("3.10.4")
@pytest.mark.parametrize("seed", [3, 6])
def test_random_repairs_are_counted_as_an_oracle_counts_them_from_the_raw_rows(make, seed):
    at = clock.at(FIRST_MONDAY, 8)
    with clock.held(at):
        teller = Teller(make, seed)
    weeks = Period.holding(ReportKind.WEEKLY, FIRST_MONDAY + timedelta(weeks=WEEKS - 1)).back(WEEKS)
    weeks.reverse()
    waiting, on_the_day = list(weeks), {}
    end = clock.at(weeks[-1].last_on + timedelta(days=3))
    while at < end:
        at += timedelta(minutes=teller.rng.randint(0, 230))
        if waiting and at >= clock.at(waiting[0].last_on + timedelta(days=1)):
            over = waiting.pop(0)
            figures = figures_of(over, office("FZ"), at)
            check_balance(figures)
            compare(figures, Oracle(ids(office("FZ")), over.first_on, over.last_on, at))
            on_the_day[over] = settled(figures)
        with clock.held(at):
            teller.step()
    seen: Counter = Counter()
    for week in weeks:
        figures = figures_of(week, office("FZ"), at)
        check_balance(figures)
        seen += compare(figures, Oracle(ids(office("FZ")), week.first_on, week.last_on, at))
        assert settled(figures) == on_the_day[week], "a later compilation says the same"
        check_balance(figures_of(week, office("XM"), at))
    everything = {*ORDER_COLUMNS, *PARTY_COLUMNS, "rework", "open", "late", "signed"}
    assert set(seen) == everything, "everything that can happen happened"
    for name, one in (("2026-Q3", None), ("2026-Q4", office("FZ"))):
        quarter = Period.named(ReportKind.QUARTERLY, name)
        figures = figures_of(quarter, one, at)
        check_balance(figures)
        compare(figures, Oracle(ids(one), quarter.first_on, quarter.last_on, at))
        assert from_json(json.loads(json.dumps(to_json(figures)))) == figures


MONDAY = date(2026, 11, 9)
WEEK = Period.holding(ReportKind.WEEKLY, MONDAY)


def at_noon(day: date) -> datetime:
    return clock.at(day, 12)


@pytest.fixture
def repairs(make) -> Repairs:
    return Repairs(make)


def week_of(day: date, now: date | None = None) -> Figures:
    """The figures of the week of a day, counted `now` (default the Monday after)."""
    week = Period.holding(ReportKind.WEEKLY, day)
    figures = figures_of(week, office("FZ"), at_noon(now or week.last_on + timedelta(days=1)))
    check_balance(figures)
    return figures


def party(figures: Figures, name: str):
    return next(row for row in figures.repairs.parties if row.name == name)


def rework(repairs: Repairs, order: WorkOrder) -> WorkOrder:
    """The customer is not content: the order is done again, and issued."""
    make, ticket = repairs.make, order.ticket
    with transaction():
        call_back(
            ticket,
            version=ticket.version,
            reached=True,
            satisfaction=Satisfaction.DISSATISFIED,
            opinion="又漏了。",
            actor=make.user("office2"),
        )
    with transaction():
        again = orders.draft(
            ticket,
            order_class=order.order_class,
            team_id=order.team_id,
            defect_ids=[item.defect_id for item in order.items],
            scope="返修",
            estimate_fen=10_000,
            actor=make.user("office"),
            rework_of_id=order.id,
        )
    return repairs.bring(again, OrderStage.ISSUED)


@pytest.mark.clause("3.5.4")
@pytest.mark.parametrize(
    ("broken", "days", "counts"),
    [(CRACK, 89, 1), (CRACK, 98, 0), (LEAK, 98, 1), (LEAK, 364, 1), (LEAK, 371, 0)],
)
def test_a_repair_has_to_hold_90_days_and_a_leak_a_year(repairs, broken, days, counts):
    with clock.held(at_noon(MONDAY)):
        order = repairs.order(OrderStage.ACCEPTED, broken, proposed=OrderClass.B)
    later = MONDAY + timedelta(days=days)
    with clock.held(clock.at(later, 9)):
        rework(repairs, order)
    row = party(week_of(MONDAY, later), "云栖苑维修队")
    assert (row.completed, row.held, row.undone) == (1, 1, 0), (
        "a week's figures are those of its end"
    )
    with clock.held(at_noon(later)):
        figures = figures_of(Period.holding(ReportKind.WEEKLY, later), office("FZ"), clock.now())
    check_balance(figures)
    row = party(figures, "云栖苑维修队")
    assert (row.held, row.undone) == (counts, counts)
    kpi = next(one for one in figures.kpis if one.name == "返修率")
    assert (kpi.done, kpi.due, kpi.at_most) == (counts, counts, True)
    table = next(one for one in layout.tables(figures) if one.code == "KPI")
    verdict = next(line for line in table.rows if line[0].value == "返修率")[-1].value
    assert verdict == ("未达标" if counts else "—")


@pytest.mark.clause("3.5.3")
def test_a_repair_rejected_after_the_week_was_in_time_in_that_week_and_is_late_afterwards(repairs):
    make = repairs.make
    with clock.held(at_noon(MONDAY)):
        order = repairs.order(OrderStage.SELF_CHECKED)
    assert order.due_on == MONDAY + timedelta(days=3)
    following = MONDAY + timedelta(days=7)
    with clock.held(at_noon(following)), transaction():
        acceptance.reject(order, version=order.version, reason="还渗", actor=make.user("office"))
    for now in (following, following + timedelta(days=1)):
        row = party(week_of(MONDAY, now), "云栖苑维修队")
        assert (row.due, row.on_time, row.overdue) == (1, 1, 0)
    row = party(week_of(following, following + timedelta(days=7)), "云栖苑维修队")
    assert (row.issued, row.due, row.overdue, row.longest) == (0, 0, 1, 10)


@pytest.mark.clause("3.4.6")
@pytest.mark.clause("3.4.5")
def test_what_was_transferred_is_the_contractors_and_so_are_his_absences(repairs):
    make = repairs.make
    with clock.held(at_noon(MONDAY)):
        repairs.order(OrderStage.ISSUED, unit="YX 5-1-0101")
        repairs.order(OrderStage.TRANSFERRED)
        survey = repairs.survey(SurveyStage.RECORDED, LEAK, estimate_fen=None, unit="HT 1-1-0801")
        repairs.sign(
            survey,
            Side.CONTRACTOR,
            presence=Presence.ABSENT,
            reason="没来",
            evidence="11-09 08:30 电话",
            signature="",
        )
    figures = week_of(MONDAY)
    team, contractor = party(figures, "云栖苑维修队"), party(figures, "海安机电")
    assert (team.issued, team.due, team.overdue, team.absences) == (1, 1, 1, 0)
    assert (contractor.issued, contractor.due, contractor.overdue) == (1, 1, 1)
    assert contractor.absences == 1
    with clock.held(at_noon(MONDAY + timedelta(days=7))):
        scope = make.scope("manager")
        wanted = behind.absences_from_query(
            MultiDict(
                {"from": "2026-11-09", "to": "2026-11-15", "builder": str(contractor.contractor_id)}
            )
        )
        (absence,), more = behind.absences(scope, wanted)
        assert (absence.survey_number, absence.reason, more) == (survey.number, "没来", "")
        assert behind.absences(make.scope("far_clerk"), wanted)[0] == []


@pytest.fixture
def told(repairs) -> Repairs:
    """A week with a repair in every state, and what had to be done again."""
    with clock.held(at_noon(MONDAY)):
        for stage, unit in zip(
            (O.ISSUED, O.ACKNOWLEDGED, O.SELF_CHECKED, O.TRANSFERRED), UNITS, strict=True
        ):
            repairs.order(stage, LEAK, CRACK, unit=unit)
        repairs.order(O.DRAFT, CRACK, proposed=OrderClass.B)
        done = repairs.order(O.ACCEPTED, CRACK, proposed=OrderClass.B)
        gone = repairs.order(O.ISSUED)
        repairs.survey(SurveyStage.RECORDED)
        away = repairs.survey(SurveyStage.RECORDED, LEAK, estimate_fen=None)
        repairs.sign(
            away,
            Side.CONTRACTOR,
            presence=Presence.ABSENT,
            reason="没来",
            evidence="电话",
            signature="",
        )
    with clock.held(at_noon(MONDAY + timedelta(days=1))):
        rework(repairs, done)
        repairs.bring(gone, O.ISSUED) if gone.stage is O.DRAFT else None
        with transaction():
            changing.cancel(
                gone, version=gone.version, reason="重复", actor=repairs.make.user("manager")
            )
    return repairs


@pytest.mark.clause("3.10.3")
@pytest.mark.parametrize("kind", list(ReportKind))
@pytest.mark.parametrize("whole", [False, True])
def test_every_figure_of_repairs_leads_to_exactly_what_it_counts(told, kind, whole):
    make, now = told.make, at_noon(MONDAY + timedelta(days=7))
    period = Period.holding(kind, MONDAY)
    scope, followed = make.scope("manager"), Counter()
    figures = figures_of(period, None if whole else office("FZ"), now)
    check_balance(figures)
    with clock.held(now):
        for table in layout.tables(figures):
            for row in table.rows:
                for column, cell in zip(table.columns, row, strict=True):
                    if cell.link is None or cell.link.endpoint.startswith("tickets."):
                        continue
                    followed[table.code, column.head] += 1
                    args = MultiDict(cell.link.values)
                    if cell.link.endpoint == "work_orders.index":
                        found, _ = lists.page(scope, lists.from_query(args), 500)
                    elif cell.link.endpoint == "reports.defects":
                        found, _ = behind.defects(scope, behind.defects_from_query(args), 500)
                    else:
                        found, _ = behind.absences(scope, behind.absences_from_query(args), 500)
                    said = (
                        sum(one.estimate_fen for one in found)
                        if column.kind == "money"
                        else len(found)
                    )
                    assert said == cell.value, (table.code, column.head, cell)
    heads = {
        "W3": "新增 户数 返修 未结",
        "W4-维修": "派单 到期 超期 完工 保持期内完工 已返修 勘察未到场",
        "W7": "派出 完工 作废 期末在修 估价合计（元）",
    }
    assert followed.keys() == {
        (code, head) for code, all_ in heads.items() for head in all_.split()
    }


@pytest.mark.clause("5.1")
def test_page_workbook_and_lists_show_the_repairs(told, sign_in):
    with clock.held(at_noon(MONDAY + timedelta(days=7))):
        client = sign_in("office")
        answer = client.post(
            "/reports/compile", data={"once": "a", "key": f"weekly-FZ-{WEEK.name}"}
        )
        page = client.get(answer.location).get_data(as_text=True)
        book = client.get(f"{answer.location}/workbook.xlsx").data
        shown = cells_of_page(page)
        assert sorted(map(tuple, shown)) == sorted(map(tuple, cells_of_book(book)))
        for head in ("工种", "责任方", "类别"):
            assert any(row[0] == head for row in shown)
        (amount,) = {
            row[-1] for row in shown if row[0] == "B类（保修期外公司承担）" and len(row) == 7
        }
        assert amount == "1,700.00"
        for address in (
            "/reports/defects?open_on=2026-11-15",
            "/reports/absences?from=2026-11-09&to=2026-11-15",
        ):
            listed = client.get(address).get_data(as_text=True)
            assert "报表数字" in listed
            assert "1202" in listed
        assert "2026-11-09 至 2026-11-15 派出" in client.get(
            "/orders/?all=1&event=issued&event_from=2026-11-09&event_to=2026-11-15"
        ).get_data(as_text=True)
        for nonsense in (
            "event=x&open_on=y&after=z&trade=q",
            "open_on=9999-12-31&event_from=0001-01-01",
        ):
            for address in ("/reports/defects", "/reports/absences", "/orders/"):
                assert client.get(f"{address}?{nonsense}").status_code == 200
        far = sign_in("far_clerk")
        assert "1202" not in far.get("/reports/defects?open_on=2026-11-15").get_data(as_text=True)


@pytest.mark.clause("3.10.3")
def test_a_report_frozen_before_there_were_orders_still_opens(told, sign_in):
    with clock.held(at_noon(MONDAY + timedelta(days=7))):
        client = sign_in("office")
        address = client.post(
            "/reports/compile", data={"once": "a", "key": f"weekly-FZ-{WEEK.name}"}
        ).location
        report = db.session.scalars(select(Report)).one()
        old = dict(report.figures)
        del old["repairs"]
        for row in (*old["summary"], old["total"]):
            del row["repairs_due"], row["repairs_on_time"]
        old["kpis"] = [
            {name: value for name, value in kpi.items() if name != "at_most"}
            for kpi in old["kpis"]
            if kpi["name"] in ("反馈及时率", "回访率")
        ]
        with transaction():
            report.figures = json.loads(json.dumps(old))
        assert from_json({**old, "raw": report.raw}).repairs is None
        page = client.get(address).get_data(as_text=True)
        assert client.get(f"{address}/workbook.xlsx").status_code == 200
    for part in ("W3", "W7", "维修及时率", "返修率"):
        assert part not in page
    assert "完成率" in page


@pytest.mark.clause("3.10.3")
def test_figures_of_repairs_that_contradict_each_other_are_refused(told):
    figures = figures_of(WEEK, office("FZ"), at_noon(MONDAY + timedelta(days=7)))
    repaired = figures.repairs
    check_balance(figures)
    wrong = (
        replace(repaired, defect_total=replace(repaired.defect_total, open=99)),
        replace(repaired, defect_total=replace(repaired.defect_total, homes=99)),
        replace(repaired, parties=repaired.parties[1:]),
        replace(repaired, orders=tuple(replace(row, opening=7) for row in repaired.orders)),
    )
    for one in wrong:
        with pytest.raises(Unbalanced, match="报表不平"):
            check_balance(replace(figures, repairs=one))
    with pytest.raises(Unbalanced, match="责任方表 due"):
        check_balance(replace(figures, total=replace(figures.total, repairs_due=99)))


@pytest.mark.clause("3.4.4")
def test_work_on_a_repair_is_a_follow_up_of_its_ticket(repairs):
    with clock.held(at_noon(MONDAY - timedelta(days=14))):
        order, idle = repairs.order(O.ISSUED), repairs.order(O.ISSUED)
    with clock.held(at_noon(MONDAY)), transaction():
        orders.acknowledge(
            order,
            version=order.version,
            worker_ids=[],
            visit_on=None,
            actor=repairs.make.user("captain"),
        )
    cases = {case.ticket_id: case.untracked for case in week_of(MONDAY).cases.rows}
    assert (cases[order.ticket_id], cases[idle.ticket_id]) == (False, True)


def test_a_report_asks_the_same_number_of_questions_whatever_was_repaired(told):
    def asked() -> int:
        db.session.rollback()
        with recorded(db.engine) as recorder:
            for kind in ReportKind:
                period = Period.holding(kind, MONDAY)
                figures_of(period, office("FZ"), at_noon(MONDAY + timedelta(days=7)))
        return len(recorder.statements)

    few = asked()
    with clock.held(at_noon(MONDAY)):
        for _ in range(4):
            told.order(O.ISSUED, LEAK, CRACK)
    assert asked() == few
