"""The bells: who is told of which level, once; breaches on record; catching up after an outage."""

from collections import Counter
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import func, select, text

from tests.pages.helpers import recorded
from ticketing.casefile.notices.models import (
    Delivery,
    DeliveryState,
    Notice,
    NoticeKind,
    Outlet,
)
from ticketing.casefile.tickets.models import Ticket
from ticketing.casefile.timers import queries as timers
from ticketing.casefile.timers.models import Clock, ClockEvent
from ticketing.edges.jobs import running, schedule
from ticketing.edges.jobs.models import Heartbeat, JobState
from ticketing.edges.jobs.schedule import BY_NAME, JOBS, Job
from ticketing.journal import queries as journal
from ticketing.kernel import clock
from ticketing.kernel.db import db, dialect, transaction
from ticketing.masters.people.models import Department
from ticketing.oversight.clockwork import commands as clockwork
from ticketing.oversight.reports import commands as reports
from ticketing.procedure.deadlines import ClockKind
from ticketing.procedure.vocabulary import TicketStage

D = date.fromisoformat


def at(day: str, hour: int = 10, minute: int = 0) -> datetime:
    return clock.at(D(day), hour, minute)


def ring(instant: datetime) -> int:
    with clock.held(instant), transaction():
        return clockwork.ring(instant)


def told(make, ticket: Ticket, kind: ClockKind) -> Counter:
    """(user name, level) of every bell of a ticket's clocks of one kind."""
    names = {user_id: name for name, user_id in make.world.users.items()}
    found: Counter = Counter()
    for clock_id in db.session.scalars(
        select(Clock.id).where(Clock.ticket_id == ticket.id, Clock.kind == kind)
    ):
        rows = db.session.execute(
            select(Notice.user_id, Notice.event).where(Notice.event.like(f"clock:{clock_id}:%"))
        )
        found.update((names[row[0]], row[1].split(":")[2]) for row in rows)
    return found


def levels(ticket: Ticket, kind: ClockKind) -> list[str]:
    return list(
        db.session.scalars(
            select(ClockEvent.level)
            .join(Clock, Clock.id == ClockEvent.clock_id)
            .where(Clock.ticket_id == ticket.id, Clock.kind == kind, ClockEvent.level != "")
            .order_by(ClockEvent.id)
        )
    )


@pytest.mark.clause("3.4.2.2")
def test_a_feedback_that_does_not_come_tells_the_handler_then_the_head_then_the_manager(make):
    with transaction():
        department = db.session.get_one(Department, make.world.departments["PM"])
        department.head_id = make.world.users["captain"]
    with clock.held(at("2026-03-02")):
        ticket = make.ticket(TicketStage.DISPATCHED)
    rung: list[tuple[str, str]] = []
    for hours in range(6 * 24 * 2):
        instant = at("2026-03-02") + timedelta(minutes=30 * hours)
        ring(instant)
        new = levels(ticket, ClockKind.DEPT_FEEDBACK)[len(rung) :]
        rung += [(f"{clock.local(instant):%d %H:%M}", level) for level in new]
    assert rung == [
        ("04 09:30", "half"),
        ("05 09:00", "morning"),
        ("05 11:00", "most"),
        ("05 17:30", "breach"),
        ("06 17:30", "day_after"),
    ]
    assert told(make, ticket, ClockKind.DEPT_FEEDBACK) == Counter(
        {
            ("handler", "half"): 1,
            ("handler", "morning"): 1,
            ("handler", "most"): 1,
            ("handler", "breach"): 1,
            ("captain", "breach"): 1,
            ("handler", "day_after"): 1,
            ("captain", "day_after"): 1,
            ("manager", "day_after"): 1,
        }
    )


def test_the_page_says_when_it_is_due_and_who_was_reminded_when(app, make, sign_in):
    with clock.held(at("2026-03-02")):
        ticket = make.ticket(TicketStage.DISPATCHED)
    ring(at("2026-03-04", 9, 30))
    ring(at("2026-03-05", 17, 30))
    page = sign_in("manager").get(f"/tickets/{ticket.id}").get_data(as_text=True)
    assert "时限 2026-03-05 周四" in page
    assert "已提醒 4 次，最近 2026-03-05 17:30 到时未完成" in page
    assert "<time>2026-03-04 09:30</time> 时限过半：周工</li>" in page
    assert "<time>2026-03-05 17:30</time> 时限将至</li>" in page, "on record, told with the breach"
    assert "<time>2026-03-05 17:30</time> 到时未完成：周工、陈静、郑敏</li>" in page
    assert "下次提醒 2026-03-06 17:30" in page


@pytest.mark.clause("3.4.5-他")
def test_each_bell_rings_once_and_an_outage_is_caught_up_with_the_loudest_only(make):
    with clock.held(at("2026-03-02")):
        ticket = make.ticket(TicketStage.HANDLING)
    assert ring(at("2026-03-20")) == 1
    assert levels(ticket, ClockKind.COMPLAINT) == ["half", "most", "morning", "breach", "day_after"]
    heard = told(make, ticket, ClockKind.COMPLAINT)
    assert {level for _name, level in heard} == {"day_after"}
    assert set(heard.values()) == {1}
    assert ring(at("2026-03-21")) == 0
    assert timers.running(ticket.id, ClockKind.COMPLAINT).next_at is None
    story = [entry for entry, _facts in journal.story("ticket", ticket.id) if entry.act == "breach"]
    assert [(entry.actor_name, entry.clause) for entry in story] == [("系统", "3.4.5-他")]
    assert journal.verify().fault is None


def test_a_clock_that_was_met_says_nothing_more_and_the_page_shows_the_breach(app, make, sign_in):
    with clock.held(at("2026-03-02")):
        closed, late = make.ticket(TicketStage.CLOSED), make.ticket(TicketStage.HANDLING)
    ring(at("2026-03-09", 17, 30))
    assert levels(closed, ClockKind.COMPLAINT) == []
    page = sign_in("office").get(f"/tickets/{late.id}").get_data(as_text=True)
    assert "办结到时未完成" in page


@pytest.mark.clause("3.5.4")
@pytest.mark.clause("3.4.2")
def test_the_desk_hears_of_its_own_clocks_and_only_the_desk_of_that_community(make):
    with clock.held(at("2026-03-02")):
        new, waiting = make.registered(), make.ticket(TicketStage.CALLBACK)
    ring(at("2026-03-03", 17, 30))
    assert {name for name, _level in told(make, new, ClockKind.DISPATCHING)} >= {
        "office",
        "office2",
        "manager",
    }
    names = {name for name, _level in told(make, waiting, ClockKind.CALLBACK)}
    assert {"clerk", "office", "manager"} <= names
    assert not names & {"far_clerk", "handler", "reader", "admin"}


@pytest.mark.clause("3.4.5")
def test_an_emergency_rings_at_night_and_is_urgent(make):
    with clock.held(at("2026-03-07", 1)):
        ticket = make.registered(urgent=True)
    assert ring(at("2026-03-07", 2)) == 1
    notice = db.session.scalars(
        select(Notice).where(Notice.path == f"/tickets/{ticket.id}", Notice.event.like("clock:%"))
    ).first()
    assert notice.urgent
    assert notice.kind is NoticeKind.REMINDER
    assert "应急响应" in notice.title


@pytest.mark.clause("3.10.3")
def test_the_weekly_report_has_a_clock_of_each_office_until_it_is_submitted(make):
    with clock.held(at("2026-03-04")):
        make.registered()
    monday = at("2026-03-09", 8)
    with clock.held(monday), transaction():
        assert reports.start_clocks(monday) == 1
        assert reports.start_clocks(monday) == 0
    owed = db.session.scalars(select(Clock).where(Clock.kind == ClockKind.WEEKLY_REPORT)).one()
    assert (owed.report_key, owed.due_at) == ("weekly-FZ-2026-W10", at("2026-03-09", 17, 30))
    assert ring(at("2026-03-09", 15)) >= 1
    assert ring(at("2026-03-09", 17, 30)) >= 1
    names = {user_id: name for name, user_id in make.world.users.items()}
    heard = db.session.scalars(select(Notice.user_id).where(Notice.path == "/reports/")).all()
    assert {names[user_id] for user_id in heard} == {"clerk", "office", "office2", "manager"}
    kinds = set(db.session.scalars(select(Notice.kind).where(Notice.path == "/reports/")))
    assert kinds == {NoticeKind.REPORT, NoticeKind.BREACH}
    office, manager = make.user("office"), make.user("manager")
    with clock.held(at("2026-03-09", 18)), transaction():
        report = reports.compile_report(
            key="weekly-FZ-2026-W10", actor=office, scope=make.scope("office")
        )
        reports.check(report, version=report.version, remarks="", actor=manager)
        reports.submit(report, version=report.version, actor=manager)
    db.session.refresh(owed)
    assert (owed.state.value, owed.late, report.late) == ("met", True, True)


def test_ringing_costs_the_same_statements_for_one_clock_and_for_many(make):
    with clock.held(at("2026-03-02")):
        make.ticket(TicketStage.HANDLING)
    with recorded(db.engine) as one:
        ring(at("2026-03-09", 17, 30))
    with clock.held(at("2026-03-10")):
        for _ in range(12):
            make.ticket(TicketStage.HANDLING)
    with recorded(db.engine) as many:
        assert ring(at("2026-03-20")) == 13
    assert len(many.statements) == len(one.statements) <= 15


def test_a_failing_job_is_noted_tried_again_and_stops_no_other(app, ctx):
    def fail(_at: datetime) -> str:
        raise RuntimeError("disk full")

    broken = Job("ring", "坏任务", fail, every=timedelta(seconds=15))
    outcome = running.run(broken, clock.now())
    assert outcome.failed
    state = db.session.get_one(JobState, "ring")
    assert (state.failed, state.failures, "disk full" in state.outcome) == (True, 1, True)
    assert not running.run(BY_NAME["ring"], clock.now()).failed
    db.session.expire_all()
    assert not db.session.get_one(JobState, "ring").failed


def test_a_daily_job_comes_back_the_next_day_at_its_time():
    tidy = BY_NAME["tidy"]
    assert tidy.following(at("2026-03-02", 3, 29)) == at("2026-03-02", 3, 30)
    assert tidy.following(at("2026-03-02", 3, 30)) == at("2026-03-03", 3, 30)
    assert all(job.rhythm for job in JOBS)
    assert len({job.name for job in JOBS}) == len(JOBS)


def test_health_says_what_is_wrong(app, ctx):
    client = app.test_client()
    assert client.get("/healthz").json == {"up": True}
    silent = client.get("/readyz")
    assert silent.status_code == 503
    assert silent.json == {
        "ready": False,
        "database": True,
        "migrations": True,
        "scheduler": False,
    }
    running.tick()
    assert client.get("/readyz").status_code == 200
    with transaction():
        db.session.scalars(select(Heartbeat)).one().at = clock.now() - timedelta(minutes=3)
    assert client.get("/readyz").json["scheduler"] is False


def test_the_page_of_jobs_is_for_the_administrator_who_may_run_one_now(app, make, sign_in):
    assert sign_in("manager").get("/jobs/").status_code == 403
    admin = sign_in("admin")
    page = admin.get("/jobs/").get_data(as_text=True)
    assert "还没有运行过" in page
    assert "两分钟内没有任何进程" in page
    assert admin.post("/jobs/ring/run").status_code == 302
    assert admin.post("/jobs/nothing/run").status_code == 404
    assert "没有到点的时限" in admin.get("/jobs/").get_data(as_text=True)
    assert db.session.scalar(select(func.sum(JobState.runs))) == 1


def test_the_console_runs_one_job_for_a_cron(app, ctx):
    runner = app.test_cli_runner()
    assert "没有到点的时限" in runner.invoke(args=["jobs", "once", "ring"]).output
    assert runner.invoke(args=["jobs", "once", "nothing"]).exit_code != 0
    assert "ring" in runner.invoke(args=["jobs", "list"]).output


def test_the_night_drops_old_notices_that_were_read_and_sent_and_nothing_else(app, make):
    """In batches; unread ones, those of major complaints, waiting and dead deliveries stay."""
    old, recent = clock.now() - timedelta(days=181), clock.now() - timedelta(days=179)
    user_id, kept = make.world.users["clerk"], set()

    def notice(event, kind=NoticeKind.REMINDER, read_at=old, keep=True):
        one = {"user_id": user_id, "event": event, "kind": kind, "at": old, "title": event}
        db.session.add(Notice(**one, path="/tickets/", read_at=read_at))
        kept.update({event} if keep else ())

    def delivery(event, state, sent_at=None, keep=True):
        one = {"event": event, "kind": NoticeKind.BREACH, "outlet": Outlet.EMAIL, "title": event}
        row = Delivery(**one, recipient="a@example.com", body="", path="/", at=old, next_at=old)
        row.state, row.sent_at = state, sent_at
        db.session.add(row)
        kept.update({event} if keep else ())

    with transaction():
        for n in range(schedule.PRUNED + 3):
            notice(f"read {n}", keep=False)
        notice("read lately", read_at=recent)
        notice("unread", read_at=None)
        notice("major", NoticeKind.MAJOR)
        delivery("sent", DeliveryState.SENT, old, keep=False)
        delivery("sent lately", DeliveryState.SENT, recent)
        delivery("dead", DeliveryState.DEAD)
        delivery("waiting", DeliveryState.WAITING)
    outcome = running.run(BY_NAME["tidy"], clock.now())
    assert (outcome.failed, outcome.words.split("，")[1:]) == (
        False,
        [f"{schedule.PRUNED + 3} 条已读通知", "1 条已发送消息"],
    )
    left = {*db.session.scalars(select(Notice.event)), *db.session.scalars(select(Delivery.event))}
    assert left == kept
    assert "0 条已读通知，0 条已发送消息" in running.run(BY_NAME["tidy"], clock.now()).words


def test_sqlite_is_told_every_night_how_its_rows_lie(make):
    make.ticket(TicketStage.REGISTERED)
    words = running.run(BY_NAME["statistics"], clock.now()).words
    if dialect() != "sqlite":
        assert words == "数据库自行统计"
        return
    told = "SELECT stat FROM sqlite_stat1 WHERE idx = 'ix_ticket_newest'"
    assert db.session.scalars(text(told)).one() == "1 1 1"
