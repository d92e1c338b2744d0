"""The benchmark's database: a large developer after some years of work, written by bulk inserts.

Everything obeys the schema: checks, foreign keys (checked afterwards on SQLite), gapless numbers, a
journal whose chain verifies. People and accounts are made through the product's own commands.
"""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import count
from random import Random
from types import SimpleNamespace
from typing import Any

from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import Table, select, text

from benchmarks import words
from benchmarks.repairs_dataset import SHARE, Crews, Repairing, crews
from benchmarks.settlements_dataset import close_books, lay_bare
from ticketing.casefile.tickets.commands import search_texts
from ticketing.casefile.tickets.models import (
    CallbackRecord,
    Note,
    Ticket,
    TicketCounter,
    TicketFlow,
)
from ticketing.casefile.timers.models import Clock, ClockEvent, ClockEventKind, ClockState
from ticketing.journal.commands import chained
from ticketing.journal.models import JournalEntry, JournalHead
from ticketing.journal.queries import verify
from ticketing.kernel import clock, search
from ticketing.kernel.db import Base, db, dialect, transaction
from ticketing.masters.estate import commands as estate
from ticketing.masters.estate.models import (
    Building,
    Customer,
    CustomerPhone,
    LookupKey,
    Residency,
    Unit,
)
from ticketing.masters.estate.words import initials, room_label, words_of
from ticketing.masters.people import commands as people
from ticketing.masters.people import departments
from ticketing.masters.workcalendar.queries import calendar
from ticketing.procedure.deadlines import (
    DESK_CLOCKS,
    POLICY,
    STAGE_CLOCK,
    ClockKind,
    Deadline,
    limit_of,
)
from ticketing.procedure.numbering import ticket_number
from ticketing.procedure.permissions import Act
from ticketing.procedure.vocabulary import (
    Category,
    Channel,
    Flow,
    Grade,
    NoteKind,
    Relation,
    Role,
    Satisfaction,
    TicketStage,
)

PASSWORD = "benchmark-horse-9"
WEIGHTS = (20, 16, 14, 12, 10, 9, 8, 6, 4, 1)
"""How the homes and tickets lie over the communities; the last one is small."""
COMMUNITIES = (
    "云栖苑",
    "海棠湾",
    "莲花里",
    "望江府",
    "翠湖天地",
    "锦绣园",
    "春江花园",
    "书香里",
    "金水湾",
    "南山居",
)
DEPARTMENTS = (
    ("CS", "客户服务部"),
    ("ENG", "工程材料部"),
    ("SAL", "经营销售部"),
    ("LAW", "法律事务中心"),
    ("PM", "物业公司"),
    ("FIN", "财务计统部"),
)
BATCH = 20_000
MOST_OPEN = 3000


@dataclass
class Estate:
    """What the tickets are hung on."""

    communities: list[tuple[int, str]] = field(default_factory=list)
    departments: dict[str, int] = field(default_factory=dict)
    handlers: list[tuple[int, str, int]] = field(default_factory=list)
    clerks: list[tuple[int, str]] = field(default_factory=list)
    homes: list[tuple[int, int, str, int, str, str]] = field(default_factory=list)
    """unit, community index, label, customer, name, phone"""
    crews: Crews = field(default_factory=Crews)


def build(app: Flask, tickets: int) -> None:
    """Migrate and fill the database of `app` with `tickets` tickets and up to 200,000 people."""
    with app.app_context():
        upgrade()
        people.PASSWORD_METHOD = "pbkdf2:sha256:1000"
        filler = Filler()
        filler.prepare()
        with transaction():
            ground = _people()
        with transaction():
            _estate(filler, ground, min(200_000, 2 * tickets))
        with transaction():
            lay_bare()
            _tickets(filler, ground, tickets)
            close_books()
        filler.finish()
        verdict = verify()
        if verdict.fault:
            raise SystemExit(f"the benchmark's journal does not verify: {verdict.fault}")
        db.session.remove()
        db.engine.dispose()


class Filler:
    """Bulk inserts through the driver: executemany on SQLite, COPY on PostgreSQL."""

    def __init__(self) -> None:
        self.waiting: dict[Table, list[dict[str, Any]]] = {}
        self.rows: list[tuple[int, str]] = []
        self.clocks = 0

    def prepare(self) -> None:
        """Spare the disk while building; the foreign keys are checked when all is there."""
        if dialect() == "sqlite":
            with db.engine.connect() as connection:
                driver = connection.connection.driver_connection
                connection.rollback()
                for pragma in (
                    "synchronous=OFF",
                    "foreign_keys=OFF",
                    "journal_mode=OFF",
                    "cache_size=-4000000",
                ):
                    driver.execute(f"PRAGMA {pragma}")

    def finish(self) -> None:
        """Check, raise the sequences, gather statistics."""
        if dialect() == "sqlite":
            with db.engine.connect() as connection:
                if connection.execute(text("PRAGMA foreign_key_check")).first():
                    raise SystemExit("the benchmark's rows break a foreign key")
                connection.rollback()
                driver = connection.connection.driver_connection
                for statement in ("ANALYZE", "PRAGMA journal_mode=WAL"):
                    driver.execute(statement)
            return
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for table in Base.metadata.sorted_tables:
                if "id" in table.c:
                    connection.execute(
                        text(
                            f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'),"
                            f" (SELECT coalesce(max(id), 0) + 1 FROM {table.name}), false)"
                        )
                    )
            connection.execute(text("VACUUM ANALYZE"))

    def add(self, model: Any, **row: Any) -> None:
        """Queue a row; defaults of the model that are plain values are filled in."""
        waiting = self.waiting.setdefault(model.__table__, [])
        waiting.append(row)
        if len(waiting) >= BATCH:
            self._write(model.__table__)

    def clock(
        self,
        ticket: dict[str, Any],
        kind: ClockKind,
        began: datetime,
        ended: datetime | None,
        due: Deadline,
        *,
        state: ClockState | None = None,
        order_id: int | None = None,
        trades: int | None = None,
    ) -> None:
        """Queue a clock with its events; one that ended with an invalid or withdrawn ticket is cancelled.

        `state` is that of one that ended in another way than by being met.
        """
        self.clocks += 1
        desk = kind in DESK_CLOCKS
        left = ticket["stage"] in (TicketStage.INVALID, TicketStage.WITHDRAWN)
        state = ClockState.RUNNING if ended is None else state or ClockState.MET
        if ended is not None and left and kind is ClockKind.COMPLAINT:
            state = ClockState.CANCELLED
        self.add(
            Clock,
            id=self.clocks,
            kind=kind,
            ticket_id=ticket["id"],
            order_id=order_id,
            trades=trades,
            community_id=ticket["community_id"],
            department_id=None if desk else ticket.get("department_id"),
            handler_id=None if desk else ticket.get("handler_id"),
            started_at=began,
            original_due_on=due.on,
            due_on=due.on,
            due_at=due.at,
            policy=POLICY,
            calendar_edition=0,
            state=state,
            stopped_at=ended,
            late=ended is not None and clock.local(ended).date() > due.on,
            rung=31,
            next_at=None,
        )
        happened = [(ClockEventKind.STARTED, began)]
        if ended is not None:
            met = state is ClockState.MET
            happened.append((ClockEventKind.MET if met else ClockEventKind.CANCELLED, ended))
        for event, at in happened:
            self.add(
                ClockEvent,
                clock_id=self.clocks,
                kind=event,
                at=at,
                policy=POLICY,
                calendar_edition=0,
                due_on=due.on,
            )

    def find(self, row_id: int, texts: Iterable[str]) -> None:
        """Queue a row of the search table."""
        self.rows.append((row_id, " ".join(texts)))
        if len(self.rows) >= BATCH:
            search.index_rows(self.rows)
            self.rows = []

    def flush(self) -> None:
        """Write what is queued, parents first."""
        for table in Base.metadata.sorted_tables:
            self._write(table)
        if self.rows:
            search.index_rows(self.rows)
            self.rows = []

    def _write(self, table: Table) -> None:
        waiting = self.waiting.pop(table, [])
        if not waiting:
            return
        connection = db.session.connection()
        made = [column for column in table.c if column.name != "id" or "id" in waiting[0]]
        names = [column.name for column in made]
        binds = [column.type.dialect_impl(connection.dialect).bind_processor(connection.dialect)
                 for column in made]  # fmt: skip
        plain = [
            column.default.arg if column.default is not None and column.default.is_scalar else None
            for column in made
        ]
        columns = [
            [row.get(name, default) for row in waiting]
            if bind is None
            else [
                None if value is None else bind(value)
                for value in (row.get(name, default) for row in waiting)
            ]
            for name, bind, default in zip(names, binds, plain, strict=True)
        ]
        rows = zip(*columns, strict=True)
        cursor = connection.connection.cursor()
        listed = ", ".join(f'"{name}"' for name in names)
        if dialect() == "sqlite":
            marks = ", ".join("?" * len(names))
            cursor.executemany(f"INSERT INTO {table.name} ({listed}) VALUES ({marks})", rows)
        else:
            cursor.execute("SET LOCAL session_replication_role = replica")
            with cursor.copy(f"COPY {table.name} ({listed}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)


def _people() -> Estate:
    """Offices, communities, departments and accounts, through the commands."""
    ground = Estate()
    offices = [
        estate.save_office(None, code=code, name=name, actor=None)
        for code, name in (("FZ", "福州客户服务处"), ("XM", "厦门客户服务处"))
    ]
    for n, name in enumerate(COMMUNITIES):
        community = estate.save_community(
            None,
            code=f"C{n}",
            name=name,
            office_id=offices[n >= 5].id,
            delivered_on=date(2020, 3, 8),
            actor=None,
        )
        ground.communities.append((community.id, community.code))
    for code, name in DEPARTMENTS:
        ground.departments[code] = departments.save_department(
            None, code=code, name=name, aliases="", handler_id=None, active=True, actor=None
        ).id
    dice = Random(3)

    def account(username: str, department: str, role: Role, places: Iterable[int]) -> Any:
        return people.create_user(
            username=username,
            name=words.person(dice),
            password=PASSWORD,
            department_id=ground.departments[department],
            community_ids=[ground.communities[n][0] for n in places],
            roles=[role],
            actor=None,
        )

    manager = account("manager", "CS", Role.CS_MANAGER, ())
    for n in range(10):
        clerk = account(f"clerk{n}", "CS", Role.CLERK, range(n % 5, n % 5 + 6))
        ground.clerks.append((clerk.id, clerk.name))
    office = account("office", "CS", Role.OFFICE, range(6))
    account("one", "CS", Role.CLERK, (1,))
    account("small", "CS", Role.CLERK, (9,))
    for code in list(ground.departments)[1:]:
        for n in range(6):
            handler = account(f"{code.lower()}{n}", code, Role.HANDLER, ())
            ground.handlers.append((handler.id, handler.name, ground.departments[code]))
    ground.crews = crews(ground, account, manager, office)
    return ground


def _estate(filler: Filler, ground: Estate, population: int) -> None:
    """Buildings, homes, two people a home with a phone each, and the words they are found by."""
    dice, building_id, unit_id, customer_id = Random(5), 0, 0, 0
    known: dict[str, str] = {}
    for place, share in enumerate(WEIGHTS):
        community_id = ground.communities[place][0]
        for home in range(max(8, population // 2 * share // sum(WEIGHTS))):
            if home % 120 == 0:
                building_id += 1
                building = f"{home // 120 + 1}栋"
                filler.add(
                    Building,
                    id=building_id,
                    community_id=community_id,
                    name=building,
                    delivered_on=date(2020, 3, 8),
                )
            unit_id += 1
            stair, room = f"{home % 2 + 1}单元", f"{home % 120 // 4 + 1:02d}{home % 4 // 2 + 1:02d}"
            label = room_label(building, stair, room)
            filler.add(
                Unit,
                id=unit_id,
                community_id=community_id,
                building_id=building_id,
                stair=stair,
                room=room,
                label=label,
                delivered_on=date(2020, 3, 8),
                moved_in_on=date(2020, 6, 1),
                version=1,
            )
            for relation in (Relation.OWNER, Relation.FAMILY):
                customer_id += 1
                name, number = words.person(dice), words.phone(dice)
                if name not in known:
                    known[name] = initials(name)
                filler.add(Customer, id=customer_id, name=name, initials=known[name], version=1)
                filler.add(CustomerPhone, customer_id=customer_id, number=number)
                filler.add(Residency, unit_id=unit_id, customer_id=customer_id, relation=relation)
                found_by = words_of(label=label, room=room, name="", phones=[number])
                found_by |= {name[start:] for start in range(len(name))} | {known[name]}
                for word in found_by:
                    filler.add(
                        LookupKey,
                        community_id=community_id,
                        word=word,
                        unit_id=unit_id,
                        customer_id=customer_id,
                    )
                if relation is Relation.OWNER:
                    ground.homes.append((unit_id, place, label, customer_id, name, number))
    filler.flush()


class Journal:
    """Journal rows in the order of their instants, chained as the product chains them."""

    def __init__(self, filler: Filler) -> None:
        head = db.session.execute(select(JournalHead.count, JournalHead.hash)).one()
        self.number, self.hash = head[0], head[1]
        self.filler, self.order, self.heap = filler, count(), []

    def later(self, at: datetime, **row: Any) -> None:
        """Queue an entry."""
        heapq.heappush(self.heap, (at, next(self.order), row))

    def write_until(self, at: datetime) -> None:
        """Write the queued entries before `at`."""
        while self.heap and self.heap[0][0] < at:
            instant, _, row = heapq.heappop(self.heap)
            self.number += 1
            row = {"subject": "ticket", **row, "id": self.number, "at": instant}
            self.hash = row["hash"] = chained(self.hash, row)
            self.filler.add(JournalEntry, **row)

    def close(self) -> None:
        """Write the rest and the head."""
        self.write_until(datetime.max.replace(tzinfo=clock.UTC))
        head = db.session.get(JournalHead, 1)
        assert head is not None
        head.count, head.hash = self.number, self.hash


def _tickets(filler: Filler, ground: Estate, total: int) -> None:
    """The tickets in the order they came in; some 3 % are open, most of them among the newest."""
    dice, journal = Random(11), Journal(filler)
    span = timedelta(days=1096 if total <= 100_000 else 3652)
    begin = clock.now() - span
    still_open = max(100, min(MOST_OPEN, total * 3 // 100))
    serials: dict[tuple[str, int], int] = {}
    for ticket_id in range(1, total + 1):
        at = begin + (span - timedelta(minutes=5)) * (ticket_id / total)
        at = at.replace(microsecond=0)
        journal.write_until(at)
        newest = total - ticket_id < still_open * 5 // 4
        repair = dice.random() < SHARE
        stage = _stage(dice, newest and dice.random() < 0.8, repair)
        _ticket(filler, ground, journal, dice, serials, ticket_id, at, stage, repair)
    journal.close()
    for (prefix, year), last in (serials | ground.crews.serials).items():
        filler.add(TicketCounter, prefix=prefix, year=year, last=last)
    filler.flush()


def _stage(dice: Random, is_open: bool, repair: bool) -> TicketStage:
    if is_open and repair:
        return dice.choices(
            (TicketStage.REGISTERED, TicketStage.DISPATCHED, TicketStage.SURVEYING,
             TicketStage.REPAIRING, TicketStage.CALLBACK), (8, 10, 20, 45, 17))[0]  # fmt: skip
    if is_open:
        return dice.choices(
            (TicketStage.REGISTERED, TicketStage.DISPATCHED, TicketStage.HANDLING,
             TicketStage.CALLBACK), (10, 20, 50, 20))[0]  # fmt: skip
    return dice.choices(
        (TicketStage.CLOSED, TicketStage.INVALID, TicketStage.WITHDRAWN), (96, 2, 2)
    )[0]


def _ticket(
    filler: Filler,
    ground: Estate,
    journal: Journal,
    dice: Random,
    serials: dict[tuple[str, int], int],
    ticket_id: int,
    at: datetime,
    stage: TicketStage,
    repair: bool,
) -> None:
    """One ticket with its flows, notes, callbacks, search words and journal entries; a repair with its papers."""
    unit_id, place, label, customer_id, name, number = dice.choice(ground.homes)
    community_id, code = ground.communities[place]
    clerk_id, clerk = dice.choice(ground.clerks)
    handler_id, handler, department_id = dice.choice(ground.handlers)
    key = (code, clock.local(at).year)
    serials[key] = serials.get(key, 0) + 1
    summary, content = words.complaint(dice, label)
    row: dict[str, Any] = {
        "id": ticket_id,
        "number": ticket_number(*key, serials[key]),
        "call": f"{ticket_id:016x}",
        "version": 1,
        "community_id": community_id,
        "unit_id": unit_id,
        "customer_id": customer_id,
        "caller_name": name,
        "caller_phone": number,
        "room": label,
        "channel": dice.choice((Channel.PHONE, Channel.PHONE, Channel.VISIT, Channel.WEB)),
        "received_at": at - timedelta(minutes=dice.randrange(1, 30)),
        "registered_at": at,
        "registered_by_id": clerk_id,
        "summary": summary,
        "content": content,
        "stage": stage,
        "is_open": stage.is_open,
        "grade": dice.choices(tuple(Grade), (90, 8, 2))[0],
        "due_on": None,
    }

    def enter(
        act: Act,
        who: tuple[int, str],
        origin: str,
        target: TicketStage,
        when: datetime | None = None,
        **facts: Any,
    ) -> None:
        row["version"] += act is not Act.REGISTER
        journal.later(
            when or instant,
            actor_id=who[0],
            actor_name=who[1],
            subject_id=ticket_id,
            subject_version=row["version"],
            act=act.value,
            clause="3.4.2",
            origin=origin,
            target=target.value,
            facts=json_facts(facts),
        )

    def pass_time(hours: float) -> datetime:
        return min(instant + timedelta(seconds=int(3600 * dice.uniform(0.1, 2) * hours)), now)

    def flow(kind: Flow) -> None:
        filler.add(
            TicketFlow, ticket_id=ticket_id, community_id=community_id, at=instant, flow=kind
        )

    def note(kind: NoteKind, said: str) -> None:
        filler.add(
            Note,
            ticket_id=ticket_id,
            kind=kind,
            at=instant,
            author_id=handler_id,
            action_taken=said,
        )

    from ticketing.procedure.vocabulary import TicketStage as S

    now, instant = clock.now(), at
    owed: dict[ClockKind, tuple[datetime, datetime | None]] = {
        ClockKind.DISPATCHING: (at, None),
        ClockKind.COMPLAINT: (row["received_at"], None),
    }
    states: dict[ClockKind, ClockState] = {}
    desk, hand = (clerk_id, clerk), (handler_id, handler)
    enter(Act.REGISTER, desk, "", S.REGISTERED, number=row["number"], summary=summary)
    flow(Flow.NEW)
    crew = Repairing(filler, ground.crews, journal, dice, row, code, enter) if repair else None
    if crew is not None:
        crew.report(at)
    if stage is not S.REGISTERED:
        instant = pass_time(6)
        row |= {
            "category": dice.choice(tuple(Category)),
            "department_id": department_id,
            "handler_id": handler_id,
        }
        owed[ClockKind.DISPATCHING] = (at, instant)
        owed[ClockKind.DEPT_FEEDBACK] = (instant, None)
        enter(Act.DISPATCH, desk, "registered", S.DISPATCHED, department="部门", handler=handler,
              changed={"category": [None, row["category"].value]})  # fmt: skip
    surveyed = crew is not None and stage in (S.SURVEYING, S.REPAIRING, S.CALLBACK, S.CLOSED)
    if crew is not None and surveyed:
        dispatched, instant = instant, crew.go(instant, stage)
        states[ClockKind.DEPT_FEEDBACK] = ClockState.CANCELLED
        owed[ClockKind.DEPT_FEEDBACK] = (dispatched, min(dispatched + timedelta(hours=3), now))
        for kind, began, ended, state in crew.clocks:
            owed[kind] = (began, ended)
            if state is not None:
                states[kind] = state
    elif stage not in (S.REGISTERED, S.DISPATCHED):
        instant = pass_time(30)
        owed[ClockKind.DEPT_FEEDBACK] = (owed[ClockKind.DEPT_FEEDBACK][0], instant)
        note(NoteKind.FEEDBACK, dice.choice(words.NOTES))
        enter(Act.FEED_BACK, hand, "dispatched", S.HANDLING)
        for _ in range(dice.randrange(3)):
            instant = pass_time(40)
            note(NoteKind.FOLLOW_UP, dice.choice(words.NOTES))
            enter(Act.FOLLOW_UP, hand, "handling", S.HANDLING)
    if stage in (S.CALLBACK, S.CLOSED):
        row["resolution"] = dice.choice(words.RESOLUTIONS)
        if not surveyed:
            instant = pass_time(80)
            note(NoteKind.RESOLUTION, row["resolution"])
            enter(Act.RESOLVE, hand, "handling", S.CALLBACK)
        owed[ClockKind.CALLBACK] = (instant, None)
    if stage is S.CLOSED:
        instant = pass_time(20)
        row["satisfaction"] = dice.choices(tuple(Satisfaction)[:3], (30, 60, 10))[0]
        row["customer_opinion"] = "处理及时，比较满意。"
        owed[ClockKind.CALLBACK] = (owed[ClockKind.CALLBACK][0], instant)
        filler.add(CallbackRecord, ticket_id=ticket_id, at=instant, caller_id=clerk_id, round=1,
                   reached=True, satisfaction=row["satisfaction"], opinion="")  # fmt: skip
        enter(Act.CALL_BACK, desk, "callback", S.CLOSED)
    if not stage.is_open:
        row["closed_at"] = instant
        flow(Flow(stage.value))
        if stage is not S.CLOSED:
            row["exit_reason"] = "客户来电说明已自行解决。"
            enter(Act.WITHDRAW if stage is S.WITHDRAWN else Act.INVALIDATE, desk, "handling", stage)
    for kind, (began, ended) in owed.items():
        due = limit_of(kind).deadline(began, calendar)
        if kind is ClockKind.COMPLAINT:
            ended = ended or row.get("closed_at")
            row["complaint_due_on"] = due.on
        if STAGE_CLOCK.get(stage) is kind:
            row["due_on"] = due.on
        filler.clock(row, kind, began, ended or row.get("closed_at"), due, state=states.get(kind))
    if crew is not None and crew.last_due:
        row["complaint_due_on"] = max(crew.last_due)
    if crew is not None and crew.next_due:
        row["due_on"] = min(crew.next_due)
    filler.add(Ticket, **row)
    filler.find(ticket_id, search_texts(SimpleNamespace(**row)))


def json_facts(facts: dict[str, Any]) -> str:
    """Facts as the journal stores them."""
    import json

    return json.dumps(facts, ensure_ascii=False, sort_keys=True)
