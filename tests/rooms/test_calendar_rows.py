"""The working calendar as rows: what every database knows, who sees a change when, two people."""

import threading
from datetime import date, timedelta

import chinese_calendar
import pytest
from sqlalchemy import delete, func, select

from tests.pages.helpers import recorded
from tests.procedure.test_notice import NOTICE_2026
from ticketing.journal.models import JournalEntry
from ticketing.journal.queries import verify
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.kernel.errors import Conflict, Invalid, NotPermitted
from ticketing.masters.workcalendar import commands, package, queries
from ticketing.masters.workcalendar.models import (
    CalendarDay,
    CalendarEdition,
    CalendarProposal,
    CalendarSource,
    CalendarYear,
    ProposalState,
    SpecialDay,
)
from ticketing.masters.workcalendar.queries import calendar, edition
from ticketing.oversight.calendar import commands as oversight
from ticketing.procedure.workdays import DayKind

D = date.fromisoformat
ONE_DAY = timedelta(days=1)

NOTICE_2027 = """国务院办公厅关于2027年部分节假日安排的通知
国办发明电〔2026〕9号
一、元旦：1月1日（周五）至3日（周日）放假，共3天。
二、春节：2月5日（周五）至13日（周六）放假调休，共9天。1月31日（周日）、2月20日（周六）上班。
三、清明节：4月3日（周六）至5日（周一）放假，共3天。
四、劳动节：5月1日（周六）至5日（周三）放假调休，共5天。4月25日（周日）、5月8日（周六）上班。
五、端午节：6月9日（周三）放假，共1天。
六、中秋节：9月15日（周三）放假，共1天。
七、国庆节：10月1日（周五）至7日（周四）放假调休，共7天。9月26日（周日）、10月9日（周六）上班。
"""


def propose(make, text=NOTICE_2027, actor="manager"):
    with transaction():
        return commands.propose_year(text=text, year=None, number="", actor=make.user(actor)).id


def adopt(make, text=NOTICE_2027):
    waiting = propose(make, text)
    with transaction():
        return oversight.confirm(waiting, actor=make.user("admin"))


def close(make, day, reason="台风停工"):
    with transaction():
        waiting = commands.propose_closure(day=day, reason=reason, actor=make.user("manager")).id
    with transaction():
        return oversight.confirm(waiting, actor=make.user("admin"))


def test_every_database_knows_each_day_the_package_knows(ctx):
    first, last = min(chinese_calendar.holidays).year, max(chinese_calendar.holidays).year
    assert first <= 2004
    assert last >= 2026
    day, wrong = date(first, 1, 1), []
    while day.year <= last:
        if calendar(day) != DayKind(chinese_calendar.is_workday(day), provisional=False):
            wrong.append(day)
        day += ONE_DAY
    assert wrong == []
    sources = db.session.execute(
        select(CalendarYear.source, func.count()).group_by(CalendarYear.source)
    ).all()
    assert [tuple(row) for row in sources] == [(CalendarSource.PACKAGE, last - first + 1)]
    assert edition() == 1


def test_a_year_without_its_row_is_provisional_even_where_the_package_knows_it(ctx):
    with transaction():
        db.session.execute(delete(CalendarYear).where(CalendarYear.year == 2026))
        db.session.execute(
            delete(CalendarDay).where(CalendarDay.day.between(D("2026-01-01"), D("2026-12-31")))
        )
        db.session.add(CalendarEdition(mark="without 2026", at=clock.now(), change="test"))
    for day, works in (("2026-02-14", True), ("2026-02-16", False), ("2026-03-02", True)):
        assert calendar(D(day)) == DayKind(works, provisional=True)


def test_a_newer_package_brings_its_years_once_and_overwrites_no_notice(make, monkeypatch):
    with transaction():
        db.session.execute(
            delete(CalendarDay).where(CalendarDay.day.between(D("2025-01-01"), D("2026-12-31")))
        )
        db.session.execute(delete(CalendarYear).where(CalendarYear.year >= 2025))
        db.session.add(CalendarEdition(mark="old package", at=clock.now(), change="test"))
    adopt(make, NOTICE_2026)
    with transaction():
        assert oversight.load(None)[0] == [2025]
    assert calendar(D("2025-01-26")) == DayKind(True)
    assert queries.year_row(2026).source is CalendarSource.NOTICE
    before = (edition(), db.session.scalar(select(func.count(JournalEntry.id))))
    with transaction():
        assert oversight.load(None) == ([], (0, 0))
    assert (edition(), db.session.scalar(select(func.count(JournalEntry.id)))) == before


def test_the_nightly_job_loads_the_years_a_newer_package_knows(app, ctx):
    db.session.rollback()
    told = app.test_cli_runner().invoke(args=["jobs", "once", "calendar"])
    assert told.exit_code == 0
    assert "载入" not in told.output
    with transaction():
        db.session.execute(delete(CalendarYear).where(CalendarYear.year == 2026))
    told = app.test_cli_runner().invoke(args=["jobs", "once", "calendar"])
    assert told.exit_code == 0
    assert "载入 2026 年" in told.output


def test_a_list_counts_only_after_a_second_person_confirmed_it(make):
    waiting, before = propose(make), edition()
    assert calendar(D("2027-02-08")) == DayKind(True, provisional=True)
    manager = make.user("manager")
    with pytest.raises(NotPermitted, match="第二人"), transaction():
        oversight.confirm(waiting, actor=manager)
    with pytest.raises(NotPermitted, match="岗位"), transaction():
        oversight.confirm(waiting, actor=make.user("office"))
    assert edition() == before
    with transaction():
        oversight.confirm(waiting, actor=make.user("admin"))
        assert calendar(D("2027-02-08")) == DayKind(False), "the writer sees it before it commits"
    assert calendar(D("2027-02-20")) == DayKind(True)
    assert edition() == before + 1
    year = queries.year_row(2027)
    assert (year.notice, year.source) == ("国办发明电〔2026〕9号", CalendarSource.NOTICE)
    entry = db.session.scalars(select(JournalEntry).order_by(JournalEntry.id.desc())).first()
    assert (entry.subject, entry.act, entry.subject_id) == ("calendar", "adopt_year", 2027)
    assert verify().fault is None
    with pytest.raises(Conflict), transaction():
        oversight.confirm(waiting, actor=make.user("admin"))


def test_two_accounts_of_one_person_are_one_person(make):
    with transaction():
        make.user("manager").employee_number = make.user("admin").employee_number = "0042"
    waiting = propose(make)
    with pytest.raises(NotPermitted, match="第二人"), transaction():
        oversight.confirm(waiting, actor=make.user("admin"))
    with transaction():
        oversight.confirm(waiting, actor=make.user("admin2"))
    assert 2027 in queries.snapshot().official


def test_a_list_waits_once_may_be_dropped_and_corrected(make):
    waiting = propose(make)
    with pytest.raises(Conflict, match="等待确认"):
        propose(make)
    db.session.rollback()
    with transaction():
        oversight.drop(waiting, actor=make.user("manager"))
    assert db.session.get(CalendarProposal, waiting).state is ProposalState.DROPPED
    with pytest.raises(Conflict), transaction():
        oversight.confirm(waiting, actor=make.user("admin"))
    adopt(make)
    corrected = NOTICE_2027.replace("6月9日（周三）放假，共1天。", "6月10日（周四）放假，共1天。")
    adopt(make, corrected.replace("9号", "11号"))
    assert calendar(D("2027-06-09")) == DayKind(True)
    assert calendar(D("2027-06-10")) == DayKind(False)
    assert queries.year_row(2027).notice == "国办发明电〔2026〕11号"


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        (lambda text: text.replace("国办发明电〔2026〕9号", ""), "number"),
        (lambda text: text.replace("2027年", "2101年"), "year"),
        (lambda text: text.replace("五、端午节：6月9日（周三）放假，共1天。", ""), "text"),
    ],
)
def test_a_list_that_may_not_be_adopted_is_not_even_proposed(make, spoil, field):
    text = spoil(NOTICE_2027)
    if field == "year":
        text = text.replace("（周", "（农历")
    with pytest.raises(Invalid) as refused:
        propose(make, text)
    assert refused.value.field == field
    db.session.rollback()
    assert queries.pending() == []


def test_a_closure_is_a_coming_working_day(make):
    with clock.held(clock.at(D("2026-11-25"), 10)):
        for day in ("2026-11-25", "2026-11-24", "2026-11-28", "2027-01-01"):
            with pytest.raises(Invalid):
                close(make, D(day))
            db.session.rollback()
        close(make, D("2026-12-10"))
        with pytest.raises(Invalid, match="不上班"):
            close(make, D("2026-12-10"))
        db.session.rollback()
        assert calendar(D("2026-12-10")) == DayKind(False)


def test_a_closed_make_up_day_is_a_make_up_day_again_when_the_closure_is_lifted(make):
    with clock.held(clock.at(D("2026-11-25"), 10)):
        adopt(make)
        close(make, D("2027-02-20"))
        assert calendar(D("2027-02-20")) == DayKind(False)
        again = NOTICE_2027.replace("9号", "11号")
        adopt(make, again)
        assert calendar(D("2027-02-20")) == DayKind(False), "a corrected list lifts no closure"
        with transaction():
            waiting = commands.propose_reopening(
                day=D("2027-02-20"), reason="台风改道", actor=make.user("admin")
            ).id
        with pytest.raises(Conflict), transaction():
            commands.propose_reopening(day=D("2027-02-20"), reason="又", actor=make.user("manager"))
        with transaction():
            oversight.confirm(waiting, actor=make.user("manager"))
        assert calendar(D("2027-02-20")) == DayKind(True)
        with pytest.raises(Invalid, match="没有停工"), transaction():
            commands.propose_reopening(day=D("2027-02-20"), reason="又", actor=make.user("manager"))
    with clock.held(clock.at(D("2027-03-01"), 10)):
        close(make, D("2027-03-02"))
    with (
        clock.held(clock.at(D("2027-03-02"), 10)),
        pytest.raises(Invalid, match="已经开始"),
        transaction(),
    ):
        commands.propose_reopening(day=D("2027-03-02"), reason="晚了", actor=make.user("admin"))


def test_a_proposal_whose_day_has_come_is_not_put_in_force(make):
    with clock.held(clock.at(D("2026-11-25"), 10)), transaction():
        waiting = commands.propose_closure(
            day=D("2026-11-26"), reason="停电", actor=make.user("manager")
        ).id
    with (
        clock.held(clock.at(D("2026-11-26"), 8)),
        pytest.raises(Invalid, match="今天以后"),
        transaction(),
    ):
        oversight.confirm(waiting, actor=make.user("admin"))
    db.session.rollback()
    assert calendar(D("2026-11-26")) == DayKind(True)


def test_a_change_that_is_rolled_back_leaves_nothing_behind(make):
    waiting, before = propose(make), queries.snapshot()
    seen = []

    def change_and_fail():
        with transaction():
            oversight.confirm(waiting, actor=make.user("admin"))
            seen.append(calendar(D("2027-02-08")))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        change_and_fail()
    assert seen == [DayKind(False)]
    assert calendar(D("2027-02-08")) == DayKind(True, provisional=True)
    assert queries.snapshot() == before


def test_a_transaction_asks_the_database_once_however_many_days_it_asks_about(ctx):
    calendar(D("2026-03-02"))
    db.session.rollback()
    with recorded(db.engine) as recorder:
        for n in range(500):
            calendar(D("2026-03-02") + n * ONE_DAY)
        edition()
    assert len(recorder.statements) == 1


def test_another_worker_sees_the_change_with_its_next_transaction(app, make):
    db.session.rollback()
    answers, asked, changed = [], threading.Event(), threading.Event()

    def other_worker():
        with app.app_context():
            answers.append(calendar(D("2027-02-08")))
            db.session.rollback()
            asked.set()
            changed.wait(20)
            answers.append(calendar(D("2027-02-08")))
            db.session.remove()

    worker = threading.Thread(target=other_worker)
    worker.start()
    assert asked.wait(20)
    adopt(make)
    changed.set()
    worker.join(20)
    assert answers == [DayKind(True, provisional=True), DayKind(False)]


def test_another_database_in_the_same_process_has_its_own_calendar(make, engine):
    adopt(make)
    assert calendar(D("2027-02-08")) == DayKind(False)
    db.session.remove()
    engine.renew()
    assert calendar(D("2027-02-08")) == DayKind(True, provisional=True)


def test_the_names_of_the_days_are_those_of_the_feasts(ctx):
    rows = queries.days_of(2026)
    assert {row.name for row in rows} == {
        "元旦", "春节", "清明", "劳动节", "端午", "国庆节", "中秋",
    }  # fmt: skip
    assert {row.day for row in rows if row.kind is SpecialDay.HOLIDAY} >= {
        D("2026-02-15"),
        D("2026-10-04"),
    }
    assert len(rows) == len(list(package.special_days(2026)))
