"""Numbers: gapless, unique, by community and Shanghai year; a form sent twice makes one ticket."""

import threading
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from tests.pages.helpers import token
from tests.support.make import Maker
from ticketing.casefile.tickets.models import Ticket, TicketFlow
from ticketing.journal import queries as journal
from ticketing.journal.models import JournalEntry
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import Conflict
from ticketing.procedure.numbering import is_ticket_number, ticket_number
from ticketing.procedure.vocabulary import TicketStage
from ticketing.steps.closing.commands import withdraw


class Discard(Exception):
    """Raised after a ticket was written, so that its transaction is rolled back."""


def in_threads(app, work, count):
    """Run `work(n)` in `count` threads at once, each in its own context; what was raised."""
    errors, barrier = [], threading.Barrier(count)

    def run(n: int) -> None:
        with app.app_context():
            barrier.wait()
            try:
                work(n)
            except Exception as error:
                errors.append(error)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


@pytest.mark.clause("3.4.3")
def test_numbers_have_no_gap_and_no_twin_with_six_clerks_and_failures(app, world, monkeypatch):
    from tests.support import make as making

    register, discarded = making.register, []

    def sometimes_failing(**facts):
        ticket = register(**facts)
        if "丢弃" in facts["content"]:
            raise Discard
        return ticket

    monkeypatch.setattr(making, "register", sometimes_failing)

    def intake(clerk: int) -> None:
        maker = Maker(world)
        for n in range(6):
            unit = ("YX 3-1-1202", "HT 1-1-0801")[n % 2]
            new_caller = clerk % 2 == 0
            try:
                maker.registered(
                    unit,
                    content="丢弃" if (n + clerk) % 5 == 0 else "漏水",
                    caller_name=f"来电人{clerk}-{n}" if new_caller else "王国强",
                    remember=new_caller,
                )
            except Discard:
                discarded.append((clerk, n))

    assert in_threads(app, intake, 6) == []
    assert discarded
    with app.app_context():
        numbers = db.session.scalars(select(Ticket.number)).all()
        year = clock.today().year
        assert len(numbers) == 36 - len(discarded)
        for code in ("YX", "HT"):
            mine = sorted(number for number in numbers if number.startswith(code))
            assert mine == [ticket_number(code, year, n) for n in range(1, len(mine) + 1)]
        assert journal.verify().fault is None
        assert db.session.scalar(select(func.count(TicketFlow.id))) == len(numbers)


@pytest.mark.parametrize(
    ("instant", "year"),
    [
        (datetime(2026, 12, 31, 15, 59, tzinfo=UTC), 2026),
        (datetime(2026, 12, 31, 16, 1, tzinfo=UTC), 2027),
    ],
)
def test_the_year_of_a_number_is_the_year_in_shanghai(make, instant, year):
    with clock.held(instant):
        first, second = make.registered(), make.registered()
    assert first.number == f"YX-{year}-00001"
    assert second.number == f"YX-{year}-00002"


def test_a_new_year_begins_with_one_and_the_old_one_can_go_on(make):
    for instant, number in (
        (datetime(2026, 12, 31, 15, 59, tzinfo=UTC), "YX-2026-00001"),
        (datetime(2026, 12, 31, 16, 0, tzinfo=UTC), "YX-2027-00001"),
        (datetime(2027, 1, 1, 0, 0, tzinfo=UTC), "YX-2027-00002"),
    ):
        with clock.held(instant):
            assert make.registered().number == number


def test_the_shape_of_a_number():
    assert ticket_number("YX", 2026, 7) == "YX-2026-00007"
    assert ticket_number("YX", 2026, 123456) == "YX-2026-123456"
    for text in ("YX-2026-00007", " yx-2026-00007 ", "A1B2C3D4-2026-123456"):
        assert is_ticket_number(text)
    for text in ("", "YX-26-00007", "YX-2026-7", "YX2026-00007", "漏水", "YX-2026-00007 x"):
        assert not is_ticket_number(text)


def entry(world, once):
    return {
        "once": once,
        "unit_id": world.units["YX 3-1-1202"],
        "caller_name": "王国强",
        "caller_phone": "13800001202",
        "channel": "phone",
        "relation": "owner",
        "received_at": "2026-11-20T09:05",
        "content": "漏水",
    }


def test_a_form_sent_twice_makes_one_ticket_and_names_it_both_times(app, world, sign_in):
    client, data = sign_in("clerk"), entry(world, token())
    first = client.post("/intake", data=data)
    second = client.post("/intake", data=data | {"seen": "1"})
    assert first.status_code == second.status_code == 302
    assert first.location == second.location
    page = client.get(first.location).get_data(as_text=True)
    with app.app_context():
        assert page.count(f"已登记 {db.session.scalars(select(Ticket.number)).one()}") == 2


def test_a_form_sent_twice_at_once_makes_one_ticket(app, world, sign_in):
    clients, data = [sign_in("clerk"), sign_in("clerk")], entry(world, token())
    with app.app_context():
        before = db.session.scalar(select(func.count(JournalEntry.id)))
    answers, barrier = [], threading.Barrier(2)

    def send(client) -> None:
        barrier.wait()
        answers.append(client.post("/intake", data=data))

    threads = [threading.Thread(target=send, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # The one that came second may be shown the first's ticket as a possible duplicate instead.
    assert sorted(answer.status_code for answer in answers) in ([302, 302], [302, 409])
    assert len({answer.location for answer in answers if answer.location}) == 1
    with app.app_context():
        assert db.session.scalar(select(func.count(Ticket.id))) == 1
        assert db.session.scalar(select(func.count(JournalEntry.id))) == before + 1


def test_a_refused_form_may_be_sent_again_with_the_same_token(world, sign_in):
    client, once = sign_in("clerk"), token()
    assert client.post("/intake", data=entry(world, once) | {"content": ""}).status_code == 422
    assert client.post("/intake", data=entry(world, once)).status_code == 302


def test_a_token_of_one_person_means_nothing_to_another(app, world, sign_in):
    once = token()
    for username in ("clerk", "office"):
        data = entry(world, once) | {"seen": "1,2"}
        assert sign_in(username).post("/intake", data=data).status_code == 302
    with app.app_context():
        assert db.session.scalar(select(func.count(Ticket.id))) == 2


def test_an_act_sent_twice_is_done_once(make, sign_in):
    ticket_id = make.ticket(TicketStage.DISPATCHED).id
    client, once = sign_in("handler"), token()
    for _ in range(2):
        answer = client.post(
            f"/tickets/{ticket_id}/follow-up", data={"once": once, "action_taken": "已约"}
        )
        assert answer.status_code == 302
    assert len(db.session.get_one(Ticket, ticket_id).notes) == 1


def test_of_two_sessions_that_hold_one_ticket_the_second_is_refused(app, make):
    """The version in the row decides, even when both sessions read before either wrote."""
    ticket_id, outcomes = make.registered().id, []
    world = make.world
    db.session.rollback()
    read = threading.Barrier(2)

    def act(n: int) -> None:
        from ticketing.kernel.db import transaction
        from ticketing.kernel.locking import reading

        maker = Maker(world)
        with reading():
            ticket = db.session.get_one(Ticket, ticket_id)
            actor, version = maker.user("manager"), ticket.version
            actor.roles, ticket.stage, ticket.summary  # noqa: B018
            db.session.connection().exec_driver_sql("COMMIT")
        read.wait()
        try:
            if db.engine.dialect.name == "sqlite":
                db.session.connection().exec_driver_sql("BEGIN IMMEDIATE")
            with transaction():
                withdraw(ticket, version=version, reason=f"撤回{n}", actor=actor)
            outcomes.append("done")
        except Conflict as error:
            outcomes.append(error.status)

    assert in_threads(app, act, 2) == []
    assert sorted(map(str, outcomes)) == ["409", "done"]
    assert db.session.get_one(Ticket, ticket_id).stage is TicketStage.WITHDRAWN
    assert journal.verify().fault is None
