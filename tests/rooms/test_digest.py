"""The daily digest: each working morning everybody with open work hears of his own, once."""

from datetime import date, timedelta

import pytest
from sqlalchemy import delete, select

from ticketing.casefile.notices.models import Notice, NoticeKind
from ticketing.casefile.tickets.models import Ticket
from ticketing.casefile.timers.models import Clock, ClockEvent, ClockState
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.oversight.digest.commands import write_digests
from ticketing.procedure.deadlines import ClockKind
from ticketing.procedure.vocabulary import TicketStage

TODAY = date(2026, 11, 25)
MORNING = clock.at(TODAY, 8, 30)


@pytest.fixture
def run(make):
    """Puts a running clock of a kind on a ticket."""

    def start(ticket: Ticket, kind: ClockKind, due_on: date, **more):
        with transaction():
            mine = select(Clock.id).where(Clock.ticket_id == ticket.id)
            db.session.execute(delete(ClockEvent).where(ClockEvent.clock_id.in_(mine)))
            db.session.execute(delete(Clock).where(Clock.ticket_id == ticket.id))
            db.session.add(
                Clock(
                    **{
                        "kind": kind,
                        "ticket_id": ticket.id,
                        "community_id": ticket.community_id,
                        "department_id": ticket.department_id,
                        "handler_id": ticket.handler_id,
                        "started_at": MORNING - timedelta(days=3),
                        "original_due_on": due_on,
                        "due_on": due_on,
                        "due_at": clock.at(due_on, 17, 30),
                        "policy": 1,
                        "calendar_edition": 1,
                        "next_at": None,
                        **more,
                    }
                )
            )

    return start


def write(at=MORNING):
    with transaction():
        return write_digests(at)


def digests():
    rows = db.session.scalars(select(Notice).where(Notice.kind == NoticeKind.DIGEST))
    return {one.user.username: one for one in rows}


@pytest.mark.clause("3.4.5-他")
def test_everybody_with_open_work_hears_of_his_own_and_nobody_else(make, run):
    with clock.held(MORNING - timedelta(days=3)):
        late = make.ticket(TicketStage.DISPATCHED, summary="卫生间漏水")
        today = make.ticket(TicketStage.DISPATCHED, "YX 3-1-1203", summary="门锁坏了")
        new = make.registered("HT 1-1-0801", summary="噪音")
        far = make.registered("LH 2-1-0302", actor="far_clerk", summary="远处的事")
        ended = make.ticket(TicketStage.CLOSED, "YX 3-1-1203")
    run(late, ClockKind.DEPT_FEEDBACK, TODAY - timedelta(days=1))
    run(today, ClockKind.DEPT_FEEDBACK, TODAY)
    run(new, ClockKind.DISPATCHING, TODAY + timedelta(days=1))
    run(far, ClockKind.DISPATCHING, TODAY)
    run(
        ended,
        ClockKind.CALLBACK,
        TODAY,
        state=ClockState.MET,
        stopped_at=MORNING - timedelta(days=1),
    )
    numbers = [ticket.number for ticket in (late, today, new, far)]
    assert write() == 4
    found = digests()
    assert set(found) == {"handler", "office", "office2", "far_clerk"}
    handler = found["handler"]
    assert handler.title == "今日到期 1 项，已超时 1 项，待办共 2 项"
    first, second = handler.body.splitlines()
    assert (numbers[0] in first, "已超时" in first, "卫生间漏水" in first) == (True, True, True)
    assert (numbers[1] in second, "今日到期" in second) == (True, True)
    assert numbers[2] in found["office"].body
    assert "远处的事" not in found["office"].body
    assert found["far_clerk"].title == "今日到期 1 项，已超时 0 项，待办共 1 项"
    assert not handler.urgent


def test_a_digest_is_written_once_a_day_also_by_two_jobs(make, run):
    with clock.held(MORNING - timedelta(days=1)):
        ticket = make.ticket(TicketStage.DISPATCHED)
    run(ticket, ClockKind.DEPT_FEEDBACK, TODAY)
    assert write() == 1
    assert write(MORNING + timedelta(minutes=5)) == 0
    assert write(MORNING + timedelta(days=1)) == 1
    assert len(db.session.scalars(select(Notice)).all()) >= 2


@pytest.mark.parametrize(
    "at",
    [
        clock.at(date(2026, 11, 28), 8, 30),
        clock.at(date(2026, 10, 1), 8, 30),
        clock.at(TODAY, 8, 29),
        clock.at(TODAY, 22),
    ],
)
def test_on_days_off_and_outside_working_hours_there_is_no_digest(make, run, at):
    with clock.held(clock.at(date(2026, 9, 28), 9)):
        ticket = make.ticket(TicketStage.DISPATCHED)
    run(ticket, ClockKind.DEPT_FEEDBACK, at.date())
    assert write(at) == 0
    assert digests() == {}


def test_a_make_up_day_has_its_digest(make, run):
    saturday = clock.at(date(2026, 10, 10), 8, 30)
    with clock.held(clock.at(date(2026, 9, 28), 9)):
        ticket = make.ticket(TicketStage.DISPATCHED)
    run(ticket, ClockKind.DEPT_FEEDBACK, date(2026, 10, 12))
    assert write(saturday) == 1


def test_who_has_left_or_changed_his_department_hears_nothing(make, run):
    with clock.held(MORNING - timedelta(days=1)):
        mine = make.ticket(TicketStage.DISPATCHED)
        other = make.ticket(TicketStage.DISPATCHED, department="LAW")
    run(mine, ClockKind.DEPT_FEEDBACK, TODAY)
    run(other, ClockKind.DEPT_FEEDBACK, TODAY)
    with transaction():
        make.user("handler").department_id = make.world.departments["ENG"]
        make.user("lawyer").active = False
    assert write() == 0


def test_a_long_list_is_cut_after_the_first_few(make, run):
    with clock.held(MORNING - timedelta(days=1)):
        tickets = [make.ticket(TicketStage.DISPATCHED) for _ in range(8)]
    for ticket in tickets:
        run(ticket, ClockKind.DEPT_FEEDBACK, TODAY)
    write()
    lines = digests()["handler"].body.splitlines()
    assert len(lines) == 6
    assert lines[-1] == "另有 3 项，见工作台。"
