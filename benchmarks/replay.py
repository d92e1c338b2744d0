"""Replays real requests through the product's own commands and proves its reports against a recount.

    make replay                                            (everything, on a SQLite file of its own)
    python benchmarks/replay.py [--limit N] [--database-url URL]

Three data sets of `shared/data` (TICKETING_REFERENCE names another folder) are told under a held clock, in
order of time, with the bells of the clocks each evening: each row is registered and dispatched when it came and, when it ended, fed back, resolved
and called back; a repair that took four days or more is surveyed, ordered, repaired and accepted instead. Then every weekly and quarterly report of both offices is compiled for which anything
happened, and compared, by community, by category, by trade and phenomenon (W3), by repair team (W4) and by class of order (W7), with
`recount` and `recount_repairs` (sqlite and SQL on the CSV); the time limits broken are compared with `breaches`, which reckons them from the same rows.

How a row is read (by this script and, independently, by the recount):

- Wall-clock times are taken as Shanghai times. What ended before it began (a closing booked at midnight
  of the same day) ended when it began.
- A lift request is closed only when its status is Closed: 57 rows say Open or Assigned, 55 of them with a
  closing time all the same; the status is believed. Its category is 工程质量; its borough the community.
- A message number counts once, in the order replied, public, labelled. The reply closes it; public and
  labelled ones have none and stay open.
- The category of a message is the first keyword rule of mapping.csv found in its title, else in its
  body. Without any, a replied message is 其他 (the road asks for a category), another one stays 已登记.
- A council case counts once by its number and came at 09:00, was closed at 17:00 of its dates. What mapping.csv calls 维修 is a
  repair with one defect of the trade it names, 其他工种 where it names none; a case it does not know is 其他. The four-day road
  stands on these dates alone: surveyed and ordered on the day after it came, repaired and accepted on the day before it
  was closed. Class A is what mapping.csv names a trade for, at 500 yuan; class B the rest, at 800. What was never closed is in
  repair.
"""

import argparse
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from flask_migrate import upgrade  # noqa: E402
from sqlalchemy import and_, func, or_, select  # noqa: E402

from benchmarks.breaches import Broken, broken  # noqa: E402
from benchmarks.recount import Counts, Recount  # noqa: E402
from benchmarks.recount_repairs import Orders  # noqa: E402
from benchmarks.replay_repairs import LEAST, Crew, hour  # noqa: E402
from benchmarks.requests_read import (  # noqa: E402
    Row,
    council_rows,
    elevator_rows,
    message_rows,
    reference,
)
from ticketing.app import create_app  # noqa: E402
from ticketing.casefile.tickets.models import Ticket  # noqa: E402
from ticketing.casefile.timers.models import (  # noqa: E402
    Clock,
    ClockEvent,
    ClockEventKind,
    ClockState,
)
from ticketing.edges.demo.bells import bells  # noqa: E402
from ticketing.edges.demo.story import Story, Telling  # noqa: E402
from ticketing.kernel import clock  # noqa: E402
from ticketing.kernel.db import db, gather_statistics, transaction  # noqa: E402
from ticketing.kernel.locking import reading  # noqa: E402
from ticketing.masters.estate import commands as estate  # noqa: E402
from ticketing.masters.estate.models import Community, ServiceOffice  # noqa: E402
from ticketing.masters.people import commands as people  # noqa: E402
from ticketing.masters.people import departments  # noqa: E402
from ticketing.masters.people.models import User  # noqa: E402
from ticketing.masters.people.scope import scope_of  # noqa: E402
from ticketing.oversight.reports.balance import check_balance  # noqa: E402
from ticketing.oversight.reports.compiling import compile_figures  # noqa: E402
from ticketing.oversight.reports.figures import Figures  # noqa: E402
from ticketing.procedure.periods import Period  # noqa: E402
from ticketing.procedure.vocabulary import (  # noqa: E402
    Grade,
    Relation,
    ReportKind,
    Role,
    Satisfaction,
)
from ticketing.settings import Settings  # noqa: E402
from ticketing.steps.callback.commands import call_back  # noqa: E402
from ticketing.steps.dispatch.commands import dispatch  # noqa: E402
from ticketing.steps.handling.commands import feed_back, resolve  # noqa: E402
from ticketing.steps.intake.commands import register  # noqa: E402
from ticketing.steps.site_survey.models import SiteSurvey  # noqa: E402
from ticketing.steps.work_orders.models import WorkOrder  # noqa: E402

Table = Mapping[str, tuple[int, ...]]
"""By name of the row the numbers of a table."""

EVENING = ((17, 30),)
"""When the replay's scheduler looks: each working day when the deadlines fall."""


@dataclass
class Office:
    """One data set as a service office: its communities and buildings grow as they are met."""

    code: str
    office_id: int
    communities: dict[str, Community] = field(default_factory=dict)
    units: dict[tuple[str, str], int] = field(default_factory=dict)


class Replay:
    """Tells rows through the commands, in the application context of the caller."""

    def __init__(self, folder: Path) -> None:
        self.told = self.tickets = 0
        self.offices: dict[str, Office] = {}
        with transaction():
            department = departments.save_department(
                None,
                code="REPLAY",
                name="回放部门",
                aliases="",
                handler_id=None,
                active=True,
                actor=None,
            )
            self.department_id = department.id
            self.desk = self._user("replay-desk", Role.CLERK, Role.OFFICE)
            self.handler = self._user("replay-handler", Role.HANDLER)
            self.crew = Crew(
                self.desk,
                self._user("replay-manager", Role.CS_MANAGER),
                self._user("replay-engineer", Role.ENGINEER),
                self._user("replay-captain", Role.CAPTAIN),
                folder,
            )

    @property
    def acts(self) -> int:
        """How many acts have been done."""
        return self.told + self.crew.acts

    def _user(self, username: str, *roles: Role) -> User:
        return people.create_user(
            username=username,
            name=username,
            password=secrets.token_hex(16),
            department_id=self.department_id,
            everywhere=True,
            roles=list(roles),
            actor=None,
        )

    def tell(self, code: str, rows: Iterator[Row], limit: int | None) -> float:
        """Tell the first `limit` rows in order of time as the office `code`; the seconds it took."""
        with transaction():
            office_id = estate.save_office(None, code=code, name=f"回放 {code}", actor=None).id
        office = self.offices[code] = Office(code, office_id)
        telling = Telling()
        chosen = [row for number, row in enumerate(rows) if limit is None or number < limit]
        telling.add(self._story(office, row) for row in chosen)
        if chosen:
            first = min(row.began for row in chosen)
            telling.add([bells(clock.local(first).date(), clock.today(), EVENING)])
        began = time.perf_counter()
        telling.until(clock.now(), batch=500)
        return time.perf_counter() - began

    def _story(self, office: Office, row: Row) -> Story:
        yield row.began
        ticket_id = self._open(office, row)
        if row.broken is not None and (row.ended is None or row.ended - row.began >= LEAST):
            yield from self._repair(ticket_id, row)
        elif row.ended is not None:
            yield row.ended
            ticket = db.session.get_one(Ticket, ticket_id)
            self._answer(ticket, row.answer)
            self._call_back(ticket)

    def _repair(self, ticket_id: int, row: Row) -> Story:
        """Surveyed and ordered on the day after, repaired on the day before it was closed; what is open yet is in repair."""
        crew = self.crew
        yield hour(row.began, 0, 10)
        survey_id = crew.schedule(db.session.get_one(Ticket, ticket_id), hour(row.began, 1, 10)).id
        yield hour(row.began, 1, 10)
        crew.survey(db.session.get_one(SiteSurvey, survey_id))
        yield hour(row.began, 1, 14)
        order_id = crew.send(db.session.get_one(Ticket, ticket_id)).id
        if row.ended is not None:
            yield hour(row.ended, -1, 15)
            crew.repair(db.session.get_one(WorkOrder, order_id))
            yield hour(row.ended, -1, 16)
            crew.accept(db.session.get_one(WorkOrder, order_id))
            yield row.ended
            self._call_back(db.session.get_one(Ticket, ticket_id))

    def _open(self, office: Office, row: Row) -> int:
        community = self._community(office, row.place)
        ticket = register(
            unit_id=self._unit(office, row.place, row.building) if row.building else None,
            customer_id=None,
            community_id=community.id,
            caller_name="回放",
            caller_phone="",
            place=row.place,
            channel=row.channel,
            collected_by_id=None,
            received_at=row.began,
            summary=row.summary,
            content=row.text,
            action_taken="",
            action_needed="",
            call="",
            remember=False,
            relation=Relation.OWNER,
            actor=self.desk,
            scope=scope_of(self.desk),
            defects=[row.broken] if row.broken else (),
        )
        self.tickets += 1
        self.told += 1
        if row.category is not None:
            dispatch(
                ticket,
                version=ticket.version,
                category=row.category,
                grade=Grade.GENERAL,
                department_id=self.department_id,
                handler_id=self.handler.id,
                assisting_ids=[],
                instruction="",
                actor=self.desk,
            )
            self.told += 1
        return ticket.id

    def _answer(self, ticket: Ticket, answer: str) -> None:
        feed_back(
            ticket,
            version=ticket.version,
            action_taken="已受理",
            action_needed="",
            next_on=None,
            actor=self.handler,
        )
        resolve(
            ticket,
            version=ticket.version,
            resolution=answer,
            customer_opinion="",
            actor=self.handler,
        )
        self.told += 2

    def _call_back(self, ticket: Ticket) -> None:
        call_back(
            ticket,
            version=ticket.version,
            reached=True,
            satisfaction=Satisfaction.SATISFIED,
            opinion="",
            actor=self.desk,
        )
        self.told += 1

    def _community(self, office: Office, place: str) -> Community:
        """The community of a borough or region, made when it is met first."""
        if place not in office.communities:
            office.communities[place] = estate.save_community(
                None,
                code=f"{office.code}{len(office.communities):03d}",
                name=f"{office.code} {place or '不详'}",
                office_id=office.office_id,
                delivered_on=None,
                actor=None,
            )
        return office.communities[place]

    def _unit(self, office: Office, place: str, building: str) -> int:
        key = place, building
        if key not in office.units:
            office.units[key] = estate.add_unit(
                office.communities[place], building=building, stair="", room="电梯", actor=None
            ).id
        return office.units[key]

    def breaches(self, code: str) -> dict[str, Broken]:
        """By kind of clock: how many were told to be over, and how many are late for good or late now."""
        places = [community.id for community in self.offices[code].communities.values()]
        ours = Clock.community_id.in_(places)
        told = {
            kind.value: count
            for kind, count in db.session.execute(
                select(Clock.kind, func.count())
                .join(ClockEvent, ClockEvent.clock_id == Clock.id)
                .where(ours, ClockEvent.kind == ClockEventKind.BREACHED)
                .group_by(Clock.kind)
            )
        }
        is_late = or_(
            Clock.late, and_(Clock.state == ClockState.RUNNING, Clock.due_on < clock.today())
        )
        late = {
            kind.value: count
            for kind, count in db.session.execute(
                select(Clock.kind, func.count()).where(ours, is_late).group_by(Clock.kind)
            )
        }
        return {kind: Broken(told.get(kind, 0), late.get(kind, 0)) for kind in told | late}

    def differences(self, code: str, recount: Recount, *, every: int = 1) -> tuple[int, list[str]]:
        """Compare the reports in which something happened: how many numbers, and where they differ.

        All quarters and every `every`-th week.
        """
        office = self.offices[code]
        place_of = {community.id: place for place, community in office.communities.items()}
        orders = Orders(recount)
        compared, wrong = 0, []
        gather_statistics()
        for period in _periods(recount, every):
            with reading():
                figures = compile_figures(
                    period,
                    db.session.get_one(ServiceOffice, office.office_id),
                    now=clock.now(),
                    carried=None,
                )
                db.session.rollback()
            check_balance(figures)
            ours: dict[str, Table] = {
                "community": {
                    place_of[row.community_id]: Counts(row.new, row.closed, row.closing)
                    for row in figures.summary
                    if row.community_id is not None
                },
                "category": {
                    row.code: Counts(row.new, row.closed, row.open) for row in figures.categories
                },
                **_repaired(figures, place_of, self.crew.community_of),
            }
            start, end = f"{period.first_on} 00:00:00", f"{_day_after(period)} 00:00:00"
            told: dict[str, Table] = {
                "community": recount.counts("community", start, end),
                "category": recount.counts("category", start, end),
                "defect": {
                    key: (one.new, one.open)
                    for key, one in recount.counts("defect", start, end).items()
                    if key
                },
                "class": orders.classes(start, end),
                "party": orders.parties(start, end),
            }
            for table, counted in ours.items():
                truth = told[table]
                for key in counted.keys() | truth.keys():
                    mine, true = counted.get(key), truth.get(key)
                    nothing = (0,) * len(mine or true or ())
                    compared += len(nothing)
                    if (mine or nothing) != (true or nothing):
                        wrong.append(
                            f"{code} {period.name} {table} {key!r}: {mine} instead of {true}"
                        )
        return compared, wrong


def _repaired(
    figures: Figures, place_of: dict[int, str], community_of: dict[int, int]
) -> dict[str, Table]:
    """W3, W4 and W7 as the recount tells them; a team goes by its community's name."""
    repairs = figures.repairs
    assert repairs is not None
    return {
        "defect": {
            f"{row.trade.value} {row.phenomenon.value}": (row.new, row.open)
            for row in repairs.defects
            if row.trade and row.phenomenon
        },
        "class": {
            row.order_class.value: (
                row.opening, row.issued, row.completed, row.in_repair, row.estimate_fen,
            )
            for row in repairs.orders
            if row.order_class
        },
        "party": {
            place_of[community_of[row.team_id]] if row.team_id else row.name: (
                row.issued, row.due, row.on_time, row.overdue, row.longest, row.completed, row.held,
            )
            for row in repairs.parties
        },
    }  # fmt: skip


def _periods(recount: Recount, every: int) -> list[Period]:
    days = sorted({date.fromisoformat(text[:10]) for text in recount.instants()})
    met = {kind: {Period.holding(kind, day): None for day in days} for kind in ReportKind}
    return [*list(met[ReportKind.WEEKLY])[::every], *met[ReportKind.QUARTERLY]]


def _day_after(period: Period) -> date:
    return date.fromordinal(period.last_on.toordinal() + 1)


def run(data: Path, limit: int | None, folder: Path, only: str = "") -> int:
    """Replay and compare the data sets in the caller's application context; 1 when they differ."""
    replay, status = Replay(folder), 0
    for code, rows, load in (
        ("ZH", message_rows(data), Recount.load_messages),
        ("NYC", elevator_rows(data), Recount.load_elevators),
        ("CC", council_rows(data), Recount.load_council),
    ):
        if only not in ("", code):
            continue
        tickets, acts = replay.tickets, replay.acts
        seconds = replay.tell(code, rows, limit)
        tickets, acts = replay.tickets - tickets, replay.acts - acts
        print(
            f"{code:4} {tickets:6} tickets {acts:6} acts {seconds:7.1f} s "
            f"{tickets / seconds:7.1f} tickets/s {acts / seconds:7.1f} acts/s",
            flush=True,
        )
        recount = Recount()
        load(recount, data, limit)
        came, closed = recount.size
        began = time.perf_counter()
        compared, wrong = replay.differences(code, recount)
        status |= bool(wrong) or came != tickets
        print(
            f"     {came} came, {closed} closed by the recount; {compared} report figures compared, "
            f"{len(wrong)} differ ({time.perf_counter() - began:.0f} s)",
            flush=True,
        )
        if replay.crew.orders:
            print(f"     {replay.crew.orders} work orders; defects by trade: {recount.trades()}")
        for line in wrong[:20]:
            print(f"     {line}", flush=True)
        if code == "CC":
            continue
        ours, theirs = (
            replay.breaches(code),
            broken(recount, clock.local(clock.now()).replace(tzinfo=None)),
        )
        nothing = Broken(0, 0)
        for kind in sorted(theirs):
            mine, other = ours.get(kind, nothing), theirs.get(kind, nothing)
            status |= mine != other
            verdict = "agree" if mine == other else f"DIFFER from {other}"
            print(f"     {kind:14} {mine.told} told, {mine.late} late: {verdict}", flush=True)
    return status


def main() -> None:
    """Replay into a database of its own; the status is 1 when a figure differs."""
    parser = argparse.ArgumentParser(description="Replay real requests and prove the reports.")
    parser.add_argument("--limit", type=int, help="rows of each data set")
    parser.add_argument("--only", choices=("ZH", "NYC", "CC"), default="", help="one data set")
    parser.add_argument("--database-url", help="an empty database; default a temporary SQLite file")
    given = parser.parse_args()
    data = reference()
    if data is None:
        print("The reference data is not beside the project; set TICKETING_REFERENCE. Skipped.")
        return
    with tempfile.TemporaryDirectory() as folder:
        url = given.database_url or f"sqlite:///{folder}/replay.db"
        app = create_app(
            Settings(database_url=url, secret_key=secrets.token_hex(32), instance=Path(folder))
        )
        with app.app_context():
            upgrade()
            if db.session.scalar(select(func.count(User.id))):
                sys.exit("The database is not empty.")
            db.session.rollback()
            status = run(data, given.limit, Path(folder) / "pictures", given.only)
            db.session.remove()
            db.engine.dispose()
    sys.exit(status)


if __name__ == "__main__":
    main()
