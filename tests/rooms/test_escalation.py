"""The file of a major complaint: measures, minutes, special report; what cannot be done without them."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from tests.pages import helpers
from tests.pages.helpers import MEETING, SPECIAL, token
from ticketing.casefile.tickets.models import Assistance, Ticket
from ticketing.casefile.timers import queries as timers
from ticketing.casefile.timers.models import Clock, ClockState
from ticketing.journal import queries as journal
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.kernel.errors import Conflict, Invalid, NotFound, NotPermitted
from ticketing.masters.estate.models import ServiceOffice
from ticketing.oversight.escalation import commands as escalation
from ticketing.oversight.escalation import queries as files
from ticketing.oversight.escalation.models import Directive, Minutes, SpecialReport
from ticketing.oversight.reports import commands as reports
from ticketing.oversight.reports.layout import tables
from ticketing.procedure.deadlines import ClockKind
from ticketing.procedure.periods import Period
from ticketing.procedure.vocabulary import (
    Grade,
    Mark,
    ReportKind,
    Satisfaction,
    SpecialStage,
    TicketStage,
)
from ticketing.steps.callback.commands import call_back
from ticketing.steps.closing import commands as closing
from ticketing.steps.handling import commands as handling

WORDS = {name: MEETING[name] for name in helpers.WORDS}
GAPS = dict.fromkeys(helpers.GAPS, "")


def major(make, stage=TicketStage.HANDLING, unit="YX 3-1-1202", **facts):
    return majored(make, make.ticket(stage, unit, **facts))


def majored(make, ticket):
    with transaction():
        handling.regrade(
            ticket,
            version=ticket.version,
            grade=Grade.MAJOR,
            reason="收到律师函",
            marks=[Mark.LEGAL],
            actor=make.user("manager"),
        )
    return ticket


def direct(make, ticket, username="gm", text="立即停用，三日内更换。", **facts):
    values = {
        "department_ids": [],
        "due_on": None,
        "also": [],
        "scope": make.scope(username),
        **facts,
    }
    with transaction():
        return escalation.direct(
            ticket, version=ticket.version, text=text, actor=make.user(username), **values
        )


def minute(make, ticket, username="manager", **facts):
    values = {
        **WORDS,
        **GAPS,
        "meeting": None,
        "held_at": clock.now(),
        "assignments": [{"matter": "整栋复查", "person": "吴工", "due_on": date(2027, 1, 5)}],
        "next_on": None,
        "also": [],
        "scope": make.scope(username),
        **facts,
    }
    with transaction():
        return escalation.minute(
            ticket, version=ticket.version, actor=make.user(username), **values
        )


def draft(make, ticket, **words):
    values = {"options": "", "attachments": "", **SPECIAL, **words}
    with transaction():
        return escalation.draft_special(
            ticket, version=ticket.version, actor=make.user("manager"), **values
        )


def submit(make, ticket):
    with transaction():
        return escalation.submit_special(ticket, version=ticket.version, actor=make.user("manager"))


def instruct(make, ticket, instruction, username="gm"):
    with transaction():
        return escalation.instruct(
            ticket, version=ticket.version, instruction=instruction, actor=make.user(username)
        )


def resolve(make, ticket):
    with transaction():
        return handling.resolve(
            ticket,
            version=ticket.version,
            resolution="已更换。",
            customer_opinion="",
            actor=make.user("handler"),
        )


def call(make, ticket, answer=Satisfaction.SATISFIED):
    with transaction():
        return call_back(
            ticket,
            version=ticket.version,
            reached=answer is not None,
            satisfaction=answer,
            opinion="说得很清楚",
            actor=make.user("office"),
        )


@pytest.mark.clause("2.1.2")
def test_a_major_complaint_is_not_resolved_without_measures(make):
    ticket = major(make)
    with pytest.raises(Invalid, match="处理措施"):
        resolve(make, ticket)
    direct(make, ticket, "deputy_gm")
    assert resolve(make, ticket).stage is TicketStage.CALLBACK


@pytest.mark.clause("3.10.5")
def test_a_major_complaint_is_not_closed_without_minutes(make):
    ticket = major(make)
    direct(make, ticket)
    resolve(make, ticket)
    call(make, ticket, None)
    with pytest.raises(Invalid, match="会议纪要"):
        call(make, ticket)
    call(make, ticket, Satisfaction.DISSATISFIED)
    assert ticket.stage is TicketStage.HANDLING
    resolve(make, ticket)
    minute(make, ticket)
    assert call(make, ticket).stage is TicketStage.CLOSED


@pytest.mark.clause("3.10.5")
def test_an_unreached_major_complaint_is_not_closed_without_minutes(make):
    ticket = major(make)
    direct(make, ticket)
    resolve(make, ticket)
    now = clock.now()
    for minutes in (0, 5, 24 * 60):
        with clock.held(now + timedelta(minutes=minutes)):
            call(make, ticket, None)
    with pytest.raises(Invalid, match="会议纪要"), transaction():
        closing.close(ticket, version=ticket.version, reason="未接通", actor=make.user("office"))
    minute(make, ticket)
    with transaction():
        closing.close(ticket, version=ticket.version, reason="未接通", actor=make.user("office"))
    assert ticket.stage is TicketStage.CLOSED


@pytest.mark.clause("3.4.7")
@pytest.mark.parametrize(
    ("leave", "username"), [(closing.withdraw, "clerk"), (closing.invalidate, "manager")]
)
def test_a_major_complaint_does_not_slip_out_before_the_leaders_have_seen_it(make, leave, username):
    def go():
        with transaction():
            leave(ticket, version=ticket.version, reason="客户来电", actor=make.user(username))

    ticket = major(make)
    with pytest.raises(Invalid, match="处理措施"):
        go()
    db.session.refresh(ticket)
    assert ticket.is_open
    direct(make, ticket)
    go()
    assert not ticket.is_open


def test_a_complaint_that_is_not_major_needs_none_of_it(make):
    ticket = make.ticket(TicketStage.CLOSED)
    assert (ticket.directed_at, ticket.minuted_at, ticket.papers) == (None, None, 0)
    open_one = make.ticket(TicketStage.HANDLING, "YX 3-2-0501")
    with pytest.raises(Invalid, match="只有重大投诉"):
        direct(make, open_one)
    with pytest.raises(Invalid, match="只有重大投诉"):
        minute(make, open_one)


@pytest.mark.clause("2.1.2")
@pytest.mark.clause("3.4.7")
def test_the_measures_end_the_escalation_clock_and_a_further_one_stands_beside(make):
    ticket = major(make)
    escalation_clock = db.session.scalars(
        select(Clock).where(Clock.ticket_id == ticket.id, Clock.kind == ClockKind.ESCALATION)
    ).one()
    assert escalation_clock.state is ClockState.RUNNING
    direct(make, ticket, department_ids=[make.world.departments["PM"]])
    db.session.refresh(escalation_clock)
    assert escalation_clock.state is ClockState.MET
    assert not escalation_clock.late
    direct(make, ticket, "deputy_gm", text="另行赔偿。")
    assert [(one.text, one.by.name) for one in files.directives(ticket.id)] == [
        ("立即停用，三日内更换。", "王总"),
        ("另行赔偿。", "李副总"),
    ]
    assert [line.entry.act for line in journal.story("ticket", ticket.id)][-2:] == ["direct"] * 2


@pytest.mark.clause("2.1.2")
def test_a_department_bound_by_the_measures_sees_the_ticket_and_can_report(make, sign_in):
    ticket = major(make)
    ticket_id = ticket.id
    assert sign_in("engineer").get(f"/tickets/{ticket_id}").status_code == 404
    departments = make.world.departments
    direct(make, ticket, department_ids=[departments["ENG"], departments["PM"]])
    asked = db.session.scalars(select(Assistance)).all()
    assert [one.department_id for one in asked] == [departments["ENG"]]
    client = sign_in("engineer")
    assert "立即停用" in client.get(f"/tickets/{ticket_id}").get_data(as_text=True)
    data = {"reply": "已排查十二户。", "once": token()}
    assert client.post(f"/tickets/{ticket_id}/assist", data=data).status_code == 302


def test_only_the_leaders_decide_measures(make):
    ticket = major(make)
    for username in ("manager", "office", "handler", "auditor"):
        with pytest.raises(NotPermitted):
            direct(make, ticket, username)
    with pytest.raises(Invalid, match="早于今天"):
        direct(make, ticket, due_on=clock.today() - timedelta(days=1))
    with pytest.raises(Invalid, match="写明处理措施"):
        direct(make, ticket, text=" \u3000")


@pytest.mark.clause("3.10.5")
def test_every_edition_of_the_minutes_is_kept_and_open_assignments_are_those_of_the_last(make):
    ticket = major(make)
    minute(make, ticket)
    tasks = [
        {"matter": "整栋复查", "person": "吴工", "done_on": clock.today()},
        {"matter": "通报业主", "person": "陈静", "due_on": date(2027, 1, 9)},
        {"matter": "", "person": ""},
    ]
    minute(make, ticket, "office", meeting=1, plan="改为整体返工。", assignments=tasks)
    minute(make, ticket, chair="李副总", assignments=[])
    kept = db.session.execute(select(Minutes.meeting, Minutes.edition, Minutes.plan)).all()
    assert [tuple(row) for row in kept] == [
        (1, 1, WORDS["plan"]),
        (1, 2, "改为整体返工。"),
        (2, 1, WORDS["plan"]),
    ]
    held = files.meetings(ticket.id)
    assert [(one.meeting, one.edition) for one in held] == [(1, 2), (2, 1)]
    assert [one.matter for one in files.open_assignments(held)] == ["通报业主"]
    with pytest.raises(NotFound):
        minute(make, ticket, meeting=7)
    with pytest.raises(Invalid, match="事项和责任人"):
        minute(make, ticket, assignments=[{"matter": "复查", "person": ""}])
    with pytest.raises(Invalid, match="不能晚于现在"):
        minute(make, ticket, held_at=clock.now() + timedelta(hours=1))


@pytest.mark.clause("3.10.6")
def test_the_special_report_is_filled_from_the_record(make, sign_in):
    ticket = major(make)
    with transaction():
        handling.regrade(
            ticket,
            version=ticket.version,
            grade=Grade.MAJOR,
            reason="索赔",
            claim_fen=3_000_000,
            actor=make.user("clerk"),
        )
    ticket_id = ticket.id
    direct(make, ticket)
    minute(make, ticket)
    page = sign_in("manager").get(f"/tickets/{ticket_id}/special").get_data(as_text=True)
    for words in (
        ticket.number,
        "王国强",
        "卫生间天花板漏水，已经三天了。",
        "客户索赔 30,000 元",
        "诉讼或律师函",
        "立即停用，三日内更换。",
        WORDS["cause"],
        WORDS["plan"],
        "已联系业主，约定上门。",
        "专题会议纪要",
    ):
        assert words in page, words


@pytest.mark.clause("3.10.6")
def test_a_submitted_report_is_frozen_and_the_general_manager_instructs_once(make):
    ticket = major(make)
    draft(make, ticket, decisions="")
    with pytest.raises(Invalid, match="需决策事项"):
        submit(make, ticket)
    draft(make, ticket)
    submit(make, ticket)
    assert ticket.special is SpecialStage.SUBMITTED
    before = db.session.execute(select(SpecialReport.edition, SpecialReport.cause)).all()
    with pytest.raises(Invalid, match="不能再改"):
        draft(make, ticket, cause="改一改")
    with pytest.raises(Invalid, match="草稿"):
        submit(make, ticket)
    assert db.session.execute(select(SpecialReport.edition, SpecialReport.cause)).all() == before
    for username in ("deputy_gm", "manager"):
        with pytest.raises(NotPermitted):
            instruct(make, ticket, "同意", username)
    instruct(make, ticket, "同意方案二。")
    with pytest.raises(Invalid, match="没有等待批示"):
        instruct(make, ticket, "再改。")
    report = files.special_of(ticket.id)
    assert (report.edition, report.instruction) == (2, "同意方案二。")
    assert ticket.special is SpecialStage.INSTRUCTED


@pytest.mark.clause("3.10.6")
def test_a_difficult_complaint_may_have_a_report_and_a_plain_one_has_none(make):
    ticket = make.ticket(TicketStage.HANDLING)
    with pytest.raises(Invalid, match="处理困难"):
        draft(make, ticket)
    with transaction():
        handling.regrade(
            ticket,
            version=ticket.version,
            grade=Grade.IMPORTANT,
            reason="多次协商未果",
            actor=make.user("manager"),
        )
    assert draft(make, ticket).special is SpecialStage.DRAFTED


def test_two_people_do_not_write_one_paper_over_another(make):
    ticket = major(make)
    seen = ticket.version
    draft(make, ticket)
    with pytest.raises(Conflict), transaction():
        escalation.draft_special(
            ticket,
            version=seen,
            actor=make.user("manager"),
            options="",
            attachments="",
            **SPECIAL,
        )


@pytest.mark.clause("3.4.7")
def test_the_page_says_why_since_when_who_knows_and_what_is_missing(make, sign_in):
    ticket_id = major(make).id
    page = sign_in("handler").get(f"/tickets/{ticket_id}").get_data(as_text=True)
    for words in (
        "重大投诉",
        "收到律师函",
        "王总",
        "李副总",
        "缺 <b>处理措施</b>",
        "缺 <b>专题会议纪要</b>",
    ):
        assert words in page, words
    assert "可办理：副总经理、总经理" in page
    assert f"/tickets/{ticket_id}/resolve" not in page
    assert f"/tickets/{ticket_id}/direct" not in page
    assert f"/tickets/{ticket_id}/direct" in sign_in("gm").get(f"/tickets/{ticket_id}").get_data(
        as_text=True
    )
    direct(make, db.session.get_one(Ticket, ticket_id))
    page = sign_in("handler").get(f"/tickets/{ticket_id}").get_data(as_text=True)
    assert "立即停用" in page
    assert f"/tickets/{ticket_id}/resolve" in page


def test_a_plain_ticket_has_no_file_and_a_reader_sees_none(make, sign_in):
    plain, ticket = make.registered(), major(make)
    plain_id, ticket_id = plain.id, ticket.id
    direct(make, ticket)
    assert "major-file" not in sign_in("manager").get(f"/tickets/{plain_id}").text
    page = sign_in("reader").get(f"/tickets/{ticket_id}")
    assert page.status_code == 200
    assert "立即停用" not in page.text.split("全过程")[0]


def test_what_is_missing_is_offered_before_anybody_types(make, sign_in):
    ticket = major(make)
    ticket_id = ticket.id
    answer = sign_in("handler").get(f"/tickets/{ticket_id}/resolve")
    assert answer.status_code == 200
    assert "重大投诉须先有总经理或副总经理拟定的处理措施" in answer.text
    assert "副总经理、总经理" in answer.text
    assert "<textarea" not in answer.text
    direct(make, ticket)
    resolve(make, ticket)
    answer = sign_in("office").get(f"/tickets/{ticket_id}/call-back")
    assert answer.status_code == 200
    assert "须先有专题会议纪要" in answer.text
    assert f"/tickets/{ticket_id}/minutes" in answer.text
    assert "<textarea" in answer.text
    data = {"version": db.session.get_one(Ticket, ticket_id).version, "once": token()}
    data |= {"reached": "yes", "satisfaction": "satisfied", "opinion": "很满意这次处理"}
    answer = sign_in("office").post(f"/tickets/{ticket_id}/call-back", data=data)
    assert answer.status_code == 422
    assert "很满意这次处理" in answer.text


def test_the_papers_have_their_number_their_code_and_every_column(make, sign_in):
    ticket = major(make)
    number, ticket_id = ticket.number, ticket.id
    direct(make, ticket)
    minute(make, ticket)
    draft(make, ticket)
    client = sign_in("office")
    page = client.get(f"/tickets/{ticket_id}/minutes/1").text
    for words in (
        "投诉专题会议纪要", f"{number}-纪1", "会议时间", "地点", "主持", "参加", "缺席", "事实与时间线", "原因与责任意见",
        "客户诉求", "法律意见", "处理方案", "费用", "批准人", "分工事项", "责任人", "期限", "完成", "唯一发言人", "对外口径",
        "风险与升级条件", "下次会议", "签发", "整栋复查", 'class="qr"',
    ):  # fmt: skip
        assert words in page, words
    page = client.get(f"/tickets/{ticket_id}/special/paper").text
    for words in (
        "专题报告", number, "草稿，未上报", "背景", "现状", "原因", "责任", "已做工作", "方案比较", "建议", "需决策事项", "附件",
        "总经理批示", 'class="qr"',
    ):  # fmt: skip
        assert words in page, words
    assert client.get(f"/tickets/{ticket_id}/minutes/9").status_code == 404


def test_no_clerk_of_another_community_reads_or_writes_the_file(make, sign_in):
    ticket = major(make)
    ticket_id, version = ticket.id, ticket.version
    minute(make, ticket)
    draft(make, ticket)
    client = sign_in("far_clerk")
    for path in ("minutes/1", "special/paper", "minutes"):
        assert client.get(f"/tickets/{ticket_id}/{path}").status_code == 404
    data = MEETING | {"version": version, "once": token()}
    assert client.post(f"/tickets/{ticket_id}/minutes", data=data).status_code == 404
    assert ticket.number not in client.get("/major/").text


def test_the_leaders_begin_with_the_complaints_that_wait_for_their_measures(make, sign_in):
    first, second = major(make), major(make, unit="YX 3-2-0501")
    direct(make, second)
    for username in ("gm", "deputy_gm"):
        client = sign_in(username)
        assert client.get("/").location == "/major/"
        page = client.get("/major/").text
        assert page.index("待拟定处理措施") < page.index(first.number)
        assert page.index(first.number) < page.index("待专题会议纪要") < page.index(second.number)
        assert f"/tickets/{first.id}/direct" in page
    assert sign_in("clerk").get("/").location == "/tickets/"


def test_the_minutes_form_keeps_its_lines_and_says_what_is_wrong(make, sign_in):
    ticket = major(make)
    ticket_id, version = ticket.id, ticket.version
    client = sign_in("office")
    assert "卫生间天花板漏水" in client.get(f"/tickets/{ticket_id}/minutes").text
    good = MEETING | {"version": version}
    for name, value, words in (
        ("assignments-0-person", "", "事项和责任人"),
        ("assignments-0-due_on", "明天", "第 1 处"),
        ("chair", " ", "请填写主持人"),
        ("held_at", "2999-01-01T09:00", "不正确"),
        ("spokesman", "", "唯一发言人"),
    ):
        answer = client.post(
            f"/tickets/{ticket_id}/minutes", data=good | {name: value, "once": token()}
        )
        assert answer.status_code == 422, name
        if name != "held_at":
            assert words in answer.text, name
        assert "整栋复查屋面" in answer.text
    answer = client.post(f"/tickets/{ticket_id}/minutes", data=good | {"once": token()})
    assert answer.status_code == 302
    page = client.get(f"/tickets/{ticket_id}/minutes?meeting=1").text
    assert "整栋复查屋面" in page
    assert "2026-12-10" in page
    present = db.session.get_one(Ticket, ticket_id).version
    again = good | {"version": present, "meeting": "1", "once": token()}
    assert client.post(f"/tickets/{ticket_id}/minutes", data=again).status_code == 302
    assert db.session.scalars(select(Minutes.edition)).all() == [1, 2]


def test_the_pages_of_the_measures_and_the_report_work_by_hand(make, sign_in):
    ticket = major(make)
    ticket_id = ticket.id

    def post(username, path, **data):
        version = db.session.get_one(Ticket, ticket_id, populate_existing=True).version
        client = sign_in(username)
        assert client.get(f"/tickets/{ticket_id}/{path}").status_code == 200
        data |= {"version": version, "once": token()}
        return client.post(f"/tickets/{ticket_id}/{path}", data=data).status_code

    assert post("gm", "direct", text="", department_ids="") == 422
    assert post("gm", "direct", text="整改", due_on="2020-01-01") == 422
    assert post("gm", "direct", text="整改") == 302
    assert post("manager", "special", **SPECIAL) == 302
    assert post("manager", "special/submit") == 302
    assert post("gm", "special/instruct", instruction="") == 422
    assert post("gm", "special/instruct", instruction="同意") == 302
    assert db.session.scalars(select(Directive.text)).all() == ["整改"]
    page = sign_in("deputy_gm").get(f"/tickets/{ticket_id}").text
    assert "已批示" in page


def test_words_in_the_text_ask_for_a_look_and_set_nothing(make, sign_in):
    ticket = make.registered(content="业主发来律师函，要求三天内答复。")
    assert ticket.grade is Grade.GENERAL
    ticket_id = ticket.id
    client = sign_in("office")
    for path in ("", "/dispatch", "/regrade"):
        page = client.get(f"/tickets/{ticket_id}{path}").text
        assert "文中提到“律师函”，请核对是否属于“诉讼或律师函”。" in page, path
    assert db.session.get_one(Ticket, ticket_id).marks == frozenset()


@pytest.mark.clause("3.10.3")
def test_the_weekly_report_says_which_papers_a_major_case_lacks(make):
    office = db.session.get_one(ServiceOffice, make.world.offices["FZ"])
    week = Period.holding(ReportKind.WEEKLY, clock.today())

    def remarks():
        listed = next(one for one in tables(reports.count(week, office)) if one.code == "W6")
        return {row[0].value: row[-1].value for row in listed.rows}

    ticket, plain = major(make), make.registered()
    assert remarks()[ticket.number].endswith("缺处理措施、专题会议纪要")
    direct(make, ticket)
    assert remarks()[ticket.number].endswith("缺专题会议纪要")
    minute(make, ticket)
    assert remarks()[ticket.number].endswith("措施、纪要齐备")
    assert "缺" not in remarks()[plain.number]


@pytest.mark.clause("2.1.2")
@pytest.mark.clause("3.10.5")
def test_one_decision_and_one_meeting_cover_the_major_complaints_of_one_cause(make, sign_in):
    """Five homes with one leak are five papers but one matter."""
    first, second, other = (make.ticket(TicketStage.HANDLING) for _ in range(3))
    with transaction():
        for ticket in (first, second, other):
            ticket.cause = "ENG:leak" if ticket is not other else "ENG:crack"
    for ticket in (first, second, other):
        majored(make, ticket)
    page = sign_in("gm").get(f"/tickets/{first.id}/direct").get_data(as_text=True)
    assert second.number in page
    assert other.number not in page
    direct(make, first, also=[second.id])
    minute(make, first, also=[second.id])
    for ticket in (first, second):
        db.session.refresh(ticket)
        assert ticket.directed_at is not None
        assert ticket.minuted_at is not None
        assert timers.running(ticket.id, ClockKind.ESCALATION) is None
    db.session.refresh(other)
    assert other.directed_at is None
    for stranger in (other, second):
        with pytest.raises(Conflict, match="已有变化"):
            direct(make, first, also=[stranger.id])
