"""A changed calendar moves due dates that have not come yet, says so on each paper, and no other."""

import time
from datetime import date, timedelta

import pytest
from sqlalchemy import insert, select, update

from tests.rooms.test_calendar_rows import D, adopt, close
from ticketing.casefile.tickets.models import Ticket
from ticketing.casefile.timers.models import Clock, ClockEvent, ClockEventKind, ClockState
from ticketing.journal.models import JournalEntry
from ticketing.journal.queries import story, verify
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.masters.workcalendar.queries import calendar, edition, snapshot
from ticketing.oversight.calendar.commands import recalculate
from ticketing.procedure.deadlines import ClockKind, Level, Unit, bells, limit_of
from ticketing.procedure.vocabulary import TicketStage
from ticketing.procedure.workdays import CLOSES

NOW = clock.at(D("2026-12-30"), 10)


def clock_of(ticket, kind, started_at, **more):
    """The running clock of this kind that the mover started, or a further one, with these facts."""
    due = limit_of(kind).deadline(started_at, calendar)
    values = {
        "kind": kind,
        "ticket_id": ticket.id if ticket else None,
        "community_id": ticket.community_id if ticket else None,
        "round": 1,
        "started_at": started_at,
        "original_due_on": due.on,
        "due_on": due.on,
        "due_at": due.at,
        "provisional": due.provisional,
        "policy": 1,
        "calendar_edition": edition(),
        "state": ClockState.RUNNING,
        "late": False,
        "extensions": 0,
        "rung": 0,
        "next_at": due.at,
        **more,
    }
    with transaction():
        mine = ticket and db.session.scalar(
            select(Clock.id).where(
                Clock.ticket_id == ticket.id,
                Clock.kind == kind,
                Clock.state == ClockState.RUNNING,
            )
        )
        if mine and values["state"] is ClockState.RUNNING:
            db.session.execute(update(Clock).where(Clock.id == mine).values(**values))
            return mine
        return db.session.execute(insert(Clock).values(**values).returning(Clock.id)).scalar_one()


def row(clock_id):
    return db.session.get_one(Clock, clock_id, populate_existing=True)


def events(clock_id):
    """What happened to it after it started."""
    return list(
        db.session.scalars(
            select(ClockEvent).where(
                ClockEvent.clock_id == clock_id, ClockEvent.kind != ClockEventKind.STARTED
            )
        )
    )


@pytest.mark.clause("3.4.5-他")
def test_a_ticket_of_december_is_due_anew_when_the_list_of_the_next_year_arrives(make, sign_in):
    with clock.held(clock.at(D("2027-01-29"), 10)):
        ticket = make.ticket(TicketStage.HANDLING, received_at=clock.now())
        assert (ticket.due_on, ticket.due_provisional) == (D("2027-02-05"), True)
        complaint = clock_of(ticket, ClockKind.COMPLAINT, ticket.received_at)
        version = ticket.version
        outcome = adopt(make)
    assert (outcome.looked_at, outcome.moved) == (1, 1)
    found = row(complaint)
    assert found.due_on == found.original_due_on == D("2027-02-14") + timedelta(days=1)
    assert found.due_at == clock.at(found.due_on, *CLOSES)
    assert not found.provisional
    assert found.calendar_edition == edition()
    [event] = events(complaint)
    assert (event.kind, event.level) == (ClockEventKind.RECALCULATED, str(edition()))
    assert (event.due_from, event.due_on) == (D("2027-02-05"), found.due_on)
    ticket = db.session.get_one(Ticket, ticket.id, populate_existing=True)
    assert ticket.due_on == ticket.complaint_due_on == found.due_on
    assert not ticket.due_provisional
    assert not ticket.complaint_due_provisional
    assert ticket.version == version, "nobody's open form is outdated by it"
    last = story("ticket", ticket.id)[-1]
    assert last.entry.act == "manage_calendar"
    assert last.entry.actor_name == "管理员"
    assert last.facts == {
        "clock": "complaint",
        "changed": {"due_on": ["2027-02-05", "2027-02-15"]},
    }
    assert verify().fault is None
    page = sign_in("manager").get(f"/tickets/{ticket.id}").get_data(as_text=True)
    assert "维护工作日历" in page
    assert "2027-02-15" in page


def test_the_date_that_stays_loses_its_provisional_mark_without_a_word(make):
    with clock.held(NOW):
        ticket = make.ticket(TicketStage.HANDLING, received_at=clock.now())
        assert ticket.complaint_due_provisional
        complaint = clock_of(ticket, ClockKind.COMPLAINT, ticket.received_at)
        entries = len(story("ticket", ticket.id))
        outcome = adopt(make)
    assert (outcome.looked_at, outcome.moved) == (1, 0)
    assert (row(complaint).due_on, row(complaint).provisional) == (D("2027-01-06"), False)
    ticket = db.session.get_one(Ticket, ticket.id, populate_existing=True)
    assert not ticket.complaint_due_provisional
    assert not ticket.due_provisional
    assert events(complaint) == []
    assert len(story("ticket", ticket.id)) == entries


def test_what_is_due_today_or_was_due_never_moves(make):
    with clock.held(clock.at(D("2027-02-03"), 10)):
        ticket = make.ticket(TicketStage.REGISTERED, received_at=clock.now())
        other = make.ticket(TicketStage.DISPATCHED, received_at=clock.now())
        past = clock_of(
            ticket, ClockKind.COMPLAINT, clock.at(D("2027-01-25"), 10), due_on=D("2027-02-01")
        )
        today = clock_of(
            ticket, ClockKind.DISPATCHING, clock.at(D("2027-02-02"), 10), due_on=D("2027-02-03")
        )
        coming = clock_of(other, ClockKind.DEPT_FEEDBACK, clock.at(D("2027-02-03"), 10))
        before = [row(one).due_on for one in (past, today)]
        adopt(make)
    assert [row(one).due_on for one in (past, today)] == before
    assert row(coming).due_on == D("2027-02-16")
    other = db.session.get_one(Ticket, other.id, populate_existing=True)
    assert other.due_on == D("2027-02-16")


def test_a_limit_in_hours_and_a_clock_that_stopped_never_move(make):
    with clock.held(clock.at(D("2027-02-04"), 10)):
        ticket = make.ticket(TicketStage.CALLBACK, received_at=clock.now())
        tomorrow = clock.at(D("2027-02-05"), 1)
        hours = clock_of(ticket, ClockKind.EMERGENCY, clock.at(D("2027-02-04"), 23))
        met = clock_of(
            ticket,
            ClockKind.DEPT_FEEDBACK,
            clock.now(),
            state=ClockState.MET,
            stopped_at=clock.now(),
            next_at=None,
        )
        callback = clock_of(ticket, ClockKind.CALLBACK, clock.now())
        before = row(met).due_on
        adopt(make)
    assert (row(hours).due_at, row(hours).due_on) == (tomorrow, D("2027-02-05"))
    assert row(met).due_on == before
    assert row(callback).due_on == D("2027-02-15")
    ticket = db.session.get_one(Ticket, ticket.id, populate_existing=True)
    assert ticket.due_on == D("2027-02-15")


def test_an_extended_clock_keeps_the_agreed_day_and_only_leaves_a_day_of_rest(make):
    with clock.held(NOW):
        first, second = (make.ticket(TicketStage.HANDLING) for _ in range(2))
        agreed = {"extensions": 1, "original_due_on": D("2027-01-06")}
        on_holiday = clock_of(
            first, ClockKind.COMPLAINT, clock.now(), due_on=D("2027-02-09"), **agreed
        )
        on_workday = clock_of(
            second, ClockKind.COMPLAINT, clock.now(), due_on=D("2027-02-03"), **agreed
        )
        adopt(make)
    assert row(on_holiday).due_on == D("2027-02-15")
    assert row(on_workday).due_on == D("2027-02-03")
    for one in (on_holiday, on_workday):
        assert row(one).original_due_on == D("2027-01-06")
        assert not row(one).provisional


def test_a_closure_moves_what_is_due_that_day_and_lifting_it_never_makes_anybody_late(make):
    with clock.held(clock.at(D("2026-12-08"), 10)):
        ticket = make.ticket(TicketStage.DISPATCHED, received_at=clock.now())
        feedback = clock_of(ticket, ClockKind.DEPT_FEEDBACK, clock.now())
        assert row(feedback).due_on == D("2026-12-11")
        close(make, D("2026-12-10"))
        assert row(feedback).due_on == D("2026-12-14")
    with clock.held(clock.at(D("2026-12-11"), 10)):
        late = clock_of(ticket, ClockKind.COMPLAINT, clock.at(D("2026-12-01"), 9))
        with transaction():
            found = row(late)
            found.due_on, found.calendar_edition = D("2026-12-18"), 0
        with transaction():
            recalculate(None)
    assert row(late).due_on == D("2026-12-14"), "the next working day at the earliest"


def test_the_next_bell_follows_and_what_was_rung_stays_rung(make):
    with clock.held(clock.at(D("2027-02-03"), 10)):
        ticket = make.ticket(TicketStage.DISPATCHED, received_at=clock.now())
        started = clock.now()
        feedback = clock_of(ticket, ClockKind.DEPT_FEEDBACK, started, rung=Level.HALF.bit)
        adopt(make)
        found = row(feedback)
        rings = dict(bells(Unit.WORKING_DAYS, started, found.due_on, found.due_at, snapshot()))
    assert found.rung == Level.HALF.bit
    assert found.next_at == rings[Level.MORNING] == clock.at(D("2027-02-16"), 9)
    assert min(rings[level] for level in Level if level is not Level.HALF) == found.next_at


def test_a_report_has_a_clock_without_a_ticket(make):
    with clock.held(clock.at(D("2027-02-03"), 10)):
        weekly = clock_of(
            None, ClockKind.WEEKLY_REPORT, clock.at(D("2027-02-07"), 9), report_key="weekly-FZ"
        )
        assert row(weekly).due_on == D("2027-02-08")
        adopt(make)
    assert row(weekly).due_on == D("2027-02-15")
    [event] = events(weekly)
    assert event.due_from == D("2027-02-08")


def test_looking_again_finds_nothing_to_do(make):
    with clock.held(clock.at(D("2027-02-03"), 10)):
        ticket = make.ticket(TicketStage.DISPATCHED, received_at=clock.now())
        feedback = clock_of(ticket, ClockKind.DEPT_FEEDBACK, clock.now())
        adopt(make)
        last = db.session.scalar(select(JournalEntry.id).order_by(JournalEntry.id.desc()))
        with transaction():
            assert recalculate(None) == (0, 0)
    assert len(events(feedback)) == 1
    assert db.session.scalar(select(JournalEntry.id).order_by(JournalEntry.id.desc())) == last


MANY = 4000


def test_thousands_of_clocks_are_done_in_seconds(make):
    with clock.held(clock.at(D("2027-02-03"), 10)):
        ticket = make.ticket(TicketStage.HANDLING, received_at=clock.now())
        base = clock_of(ticket, ClockKind.COMPLAINT, clock.now())
        columns = {c.name: getattr(row(base), c.name) for c in Clock.__table__.columns}
        others = {name: value for name, value in columns.items() if name != "id"}
        with transaction():
            db.session.execute(
                insert(Clock),
                [
                    others
                    | {
                        "ticket_id": None,
                        "report_key": f"r{n}",
                        "started_at": clock.now() - timedelta(minutes=n % 900),
                    }
                    for n in range(MANY)
                ],
            )
        began = time.process_time()
        outcome = adopt(make)
    assert outcome.moved > MANY // 2
    assert time.process_time() - began < 8
    assert db.session.scalar(select(Clock.due_on).order_by(Clock.id.desc())) > date(2027, 2, 10)
