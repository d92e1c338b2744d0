"""The demo database holds what the first minute promises."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import func, select, text

from ticketing.app import create_app
from ticketing.books.imprest import queries as funds
from ticketing.books.imprest import verifying as proofs
from ticketing.books.ledger import queries as books
from ticketing.books.ledger import verifying as ledger
from ticketing.books.payments import queries as payments
from ticketing.books.retention import queries as retention
from ticketing.casefile.tickets.models import Assistance, CallbackRecord, Ticket
from ticketing.edges.demo import cast
from ticketing.edges.demo.loader import HALF_YEAR, load
from ticketing.edges.demo.town import PLANS
from ticketing.journal import queries as journal
from ticketing.journal.models import JournalEntry, JournalHead
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import Conflict
from ticketing.kernel.locking import reading
from ticketing.kernel.storage import LocalStore
from ticketing.masters.estate.models import Building, Community, Customer, Residency, Unit
from ticketing.masters.people import queries as people
from ticketing.masters.people.models import RoleGrant, User
from ticketing.masters.people.scope import scope_of
from ticketing.masters.prices import queries as prices
from ticketing.masters.prices.models import ListState, PriceList
from ticketing.masters.workcalendar.queries import calendar
from ticketing.oversight.reports.models import Report
from ticketing.procedure.settlement import SettlementStage
from ticketing.procedure.vocabulary import (
    Category,
    Channel,
    Grade,
    ReportStage,
    Role,
    TicketStage,
)
from ticketing.settings import Settings
from ticketing.steps.settlement import listing, lists
from ticketing.steps.settlement import verifying as settlements
from ticketing.steps.settlement.models import Settlement, SettlementLine

TOLD_AT = datetime.fromisoformat(os.environ.get("DEMO_AT", "2026-11-23T07:50:00+08:00"))
"""Early on a Monday: nothing has happened today yet, and still there is something due today. `DEMO_AT` asks for another instant."""


class Demo(NamedTuple):
    """A loaded demo: how many entries its journal has and the hash of the last, which says everything that was told."""

    app: Flask
    entries: int
    journal: str


class Enough(Exception):
    """Raised by who listens to a telling and has heard enough."""


def told(folder: Path, tell: Callable[[str], None] = lambda _line: None) -> Demo:
    """A demo told at `TOLD_AT` into a database of its own, until `tell` has heard enough."""
    app = create_app(
        Settings(
            database_url=f"sqlite:///{folder / 'demo.db'}",
            secret_key="x" * 32,
            instance=folder,
            demo=True,
            testing=True,
        )
    )
    with app.app_context():
        upgrade()
        with clock.held(TOLD_AT), suppress(Enough):
            load(folder / "imports", LocalStore(folder / "files"), tell=tell)
        head = db.session.scalars(select(JournalHead)).one()
        demo = Demo(app, head.count, head.hash)
        db.session.remove()
    return demo


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """One demo for all tests."""
    return told(tmp_path_factory.mktemp("demo"))


@pytest.fixture
def demo(loaded: Demo) -> Iterator[Demo]:
    """The demo, with the clock held at the instant of its telling; nothing is written."""
    with loaded.app.app_context(), reading(), clock.held(TOLD_AT):
        yield loaded
        db.session.rollback()


def number(statement: object) -> int:
    """The single number a statement gives."""
    return int(db.session.scalar(statement) or 0)  # type: ignore[call-overload]


def kinds(column: object) -> set[object]:
    """The different values of a column."""
    return set(db.session.scalars(select(column).distinct()))  # type: ignore[call-overload]


def test_the_demo_has_its_estate_with_owners(demo: Demo) -> None:
    assert number(select(func.count(Community.id))) == 3
    assert number(select(func.count(Building.id))) == 12
    assert number(select(func.count(Unit.id))) >= 1150
    assert number(select(func.count(Unit.id)).where(Unit.moved_in_on > clock.today())) == 0
    assert number(select(func.count(Customer.id))) >= 1200
    homes_of_one = (
        select(func.count(Residency.id))
        .group_by(Residency.customer_id)
        .order_by(func.count().desc())
    )
    people_of_one = (
        select(func.count(Residency.id)).group_by(Residency.unit_id).order_by(func.count().desc())
    )
    assert number(homes_of_one.limit(1)) >= 2
    assert number(people_of_one.limit(1)) >= 2


def test_the_demo_has_every_role_in_force_by_a_second_person(demo: Demo) -> None:
    in_force = set(db.session.scalars(select(RoleGrant.role).where(RoleGrant.in_force)))
    assert in_force == set(Role)
    assert number(select(func.count(RoleGrant.id)).where(~RoleGrant.in_force)) == 0
    clerk = people.user_by_name("clerk")
    assert clerk is not None
    assert clerk.roles == {Role.CLERK, Role.OFFICE}
    assert all(department.handler is not None for department in people.departments())


def test_the_demo_has_tickets_in_every_state_grade_category_and_channel(demo: Demo) -> None:
    assert 450 <= number(select(func.count(Ticket.id))) <= 800
    assert kinds(Ticket.stage) == set(TicketStage)
    assert kinds(Ticket.grade) == set(Grade)
    assert kinds(Ticket.category) - {None} == set(Category)
    assert kinds(Ticket.channel) == set(Channel)


def test_the_demo_has_accounts_in_every_state_and_on_each_side_of_the_audits_limit(
    demo: Demo,
) -> None:
    assert kinds(Settlement.stage) == set(SettlementStage)
    paid = select(func.count()).where(Settlement.stage == SettlementStage.PAID)
    assert number(paid) > number(select(func.count(Settlement.id))) / 2
    waiting = lists.counts(scope_of(demo_user("manager"))).piles
    assert [pile for pile in lists.WAITING if not waiting[pile]] == []
    sides = select(Settlement.submitted_fen).where(
        Settlement.submitted_fen.between(1_999_999, 2_000_001)
    )
    assert len(set(db.session.scalars(sides))) >= 2
    for username in ("captain", "manager", "office", "auditor", "chief", "finance"):
        assert lists.mine(scope_of(demo_user(username))) > 0, username


def test_the_demo_has_price_lists_in_every_state_and_accounts_beside_them(demo: Demo) -> None:
    assert kinds(PriceList.state) == set(ListState) - {ListState.DROPPED}
    assert number(select(func.count()).where(PriceList.based_on_id.is_not(None))) >= 2
    assert len(prices.waiting()) == 1
    listed = select(func.count(SettlementLine.id)).where(SettlementLine.listed_id.is_not(None))
    assert number(listed) > 100
    told: dict[SettlementStage, str] = {}
    for one in db.session.scalars(select(Settlement).where(Settlement.price_lists.any())):
        words = "".join(row.words for row in listing.beside(one, one.lines).values())
        told[one.stage] = told.get(one.stage, "") + words
    for stage in (SettlementStage.DRAFTING, SettlementStage.SUBMITTED, SettlementStage.REVIEWED):
        assert "%" in told[stage], stage


def demo_user(username: str) -> User:
    """A person of the demo."""
    found = people.user_by_name(username)
    assert found is not None
    return found


def test_the_demo_has_what_goes_wrong_in_life(demo: Demo) -> None:
    today = clock.today()
    assert number(select(func.count()).where(Ticket.is_open, Ticket.due_on < today)) >= 8
    if calendar(today).works:
        assert number(select(func.count()).where(Ticket.is_open, Ticket.due_on == today)) >= 5
    for count in (Ticket.rework_count, Ticket.again_count, Ticket.return_count):
        assert number(select(func.sum(count))) > 5
    assert number(select(func.count()).where(CallbackRecord.reached.is_(False))) > 20
    assert number(select(func.count()).where(Assistance.replied_at.is_(None))) >= 3
    one_call = select(func.count(Ticket.id)).group_by(Ticket.call).order_by(func.count().desc())
    assert number(one_call.limit(1)) >= 2


def test_the_demo_lies_within_six_months_of_today(demo: Demo) -> None:
    oldest, newest = db.session.execute(
        select(func.min(Ticket.received_at), func.max(Ticket.registered_at))
    ).one()
    assert TOLD_AT - HALF_YEAR - timedelta(days=1) <= oldest
    assert oldest < TOLD_AT - HALF_YEAR + timedelta(days=15)
    assert TOLD_AT - timedelta(days=11) < newest <= TOLD_AT
    assert number(select(func.count()).where(Ticket.received_at > Ticket.registered_at)) == 0


def test_the_reports_of_the_past_weeks_are_in_except_the_last(demo: Demo) -> None:
    reports = db.session.scalars(select(Report)).all()
    assert len(reports) > 40
    today = clock.today()
    last_monday = today - timedelta(days=today.weekday() + 7)
    assert all(report.last_on < last_monday for report in reports)
    unfinished = [one for one in reports if one.stage is not ReportStage.SUBMITTED]
    assert len(unfinished) <= 3


def test_the_journal_of_the_demo_is_whole_and_in_order_of_time(demo: Demo) -> None:
    verdict = journal.verify()
    assert verdict.fault is None
    assert verdict.entries > 5000
    backwards = text(
        "SELECT count(*) FROM journal_entry a JOIN journal_entry b ON b.id = a.id + 1"
        " WHERE b.at < a.at AND b.id <= :told"
    )
    assert number(backwards.bindparams(told=demo.entries)) == 0


def test_the_demo_is_loaded_into_an_empty_database_only(loaded: Demo) -> None:
    with loaded.app.app_context(), pytest.raises(Conflict):
        load(Path(loaded.app.instance_path), LocalStore(Path(loaded.app.instance_path)))
    outcome = loaded.app.test_cli_runner().invoke(args=["demo", "load"])
    assert outcome.exit_code == 1
    assert "空库" in outcome.output


def test_the_demo_has_two_working_funds_with_a_replenishment_under_way(demo: Demo) -> None:
    service, crew = funds.standings(funds.every_fund())
    assert (service.fund.name, crew.fund.name) == ("客户服务部", "江北维修队")
    assert service.asked is not None
    assert service.transit_fen == service.handed_in_fen > 0
    assert len(funds.open_slips(service.fund.id)) >= 1
    assert len(funds.open_slips(crew.fund.id)) >= 5
    assert [one.difference_fen for one in funds.counts(service.fund.id)].count(-1_000) == 1
    assert (service.missing_fen, crew.missing_fen) == (0, 0)
    assert proofs.verify() == []


def test_the_books_of_the_demo_prove_themselves(demo: Demo) -> None:
    assert ledger.verify().faults == []
    assert payments.verify().faults == []
    assert retention.verify() == []
    settled = settlements.verify()
    assert settled.checked > 0
    assert settled.faults == []


def test_the_books_of_the_demo_are_closed_but_for_the_last_month(demo: Demo) -> None:
    """The month before this one is over and still open; every one before it is closed, the latest first."""
    day = clock.local(TOLD_AT).date()
    for _ in range(2):
        day = day.replace(day=1) - timedelta(days=1)
    assert books.closed_through() == day
    closed = [one.through for one in books.closings()[0]]
    assert len(closed) >= 4
    for through in closed:
        assert through == day
        day = day.replace(day=1) - timedelta(days=1)
    assert books.closing_that_waits() is None


def test_outside_a_demo_nobody_gets_a_known_password(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'real.db'}"
    app = create_app(Settings(database_url=url, secret_key="x" * 32, instance=tmp_path))
    with app.app_context():
        upgrade()
    outcome = app.test_cli_runner().invoke(args=["demo", "load"])
    assert outcome.exit_code == 1
    with app.app_context():
        assert number(select(func.count(User.id))) == 0
        db.session.remove()
        db.engine.dispose()
    page = app.test_client().get("/sign-in")
    assert cast.PASSWORD not in page.get_data(as_text=True)


def test_the_sign_in_page_of_a_demo_offers_its_accounts(loaded: Demo) -> None:
    loaded.app.config["WTF_CSRF_ENABLED"] = False
    client = loaded.app.test_client()
    page = client.get("/sign-in").get_data(as_text=True)
    assert page.count("data-demo=") == len(cast.PARTS) + 2
    assert cast.PASSWORD in page
    answer = client.post("/sign-in", data={"username": "clerk", "password": cast.PASSWORD})
    assert answer.status_code == 302


def test_the_same_instant_tells_the_same_demo(loaded: Demo, tmp_path: Path) -> None:
    """Told a second time until the last homes are handed over, it is the same to the last entry."""

    def listen(line: str) -> None:
        if PLANS[-1].name in line:
            raise Enough

    again = told(tmp_path, listen)
    assert again.entries > 500
    with loaded.app.app_context(), reading():
        assert db.session.get_one(JournalEntry, again.entries).hash == again.journal
