"""Reports: compiled, checked by another, submitted and frozen; who sees them; page and workbook."""

import html
import io
import re
import zipfile
from contextlib import contextmanager
from datetime import date, timedelta

import pytest
from openpyxl import load_workbook
from sqlalchemy import create_engine, select, text

from ticketing.casefile.tickets import filters, lists, queries
from ticketing.journal.queries import story, verify
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.kernel.errors import Conflict, Invalid, NotFound, NotPermitted
from ticketing.masters.estate import commands as estate
from ticketing.masters.estate.models import Community, ServiceOffice
from ticketing.masters.people.models import Posting, User
from ticketing.masters.people.scope import scope_of
from ticketing.oversight.reports import commands, layout, paper
from ticketing.oversight.reports import queries as reports
from ticketing.oversight.reports.models import Report
from ticketing.oversight.reports.table import Table, columns, plain
from ticketing.procedure.periods import Period
from ticketing.procedure.vocabulary import (
    Grade,
    ReportKind,
    ReportStage,
    Satisfaction,
    TicketStage,
)
from ticketing.steps.callback.commands import call_back
from ticketing.steps.handling import commands as handling

MONDAY, SUNDAY = date(2026, 11, 16), date(2026, 11, 22)
KEY = "weekly-FZ-2026-W47"
IN_TIME = clock.at(date(2026, 11, 23), 17, 30)


@contextmanager
def on(day: date, hour: int = 9, minute: int = 0):
    with clock.held(clock.at(day, hour, minute)):
        yield


def after(minutes: int = 0):
    """The Monday after the week, 09:00 and some minutes."""
    return clock.held(clock.at(SUNDAY + timedelta(days=1), 9) + timedelta(minutes=minutes))


def compiled(make, key: str = KEY, actor: str = "clerk") -> Report:
    with transaction():
        return commands.compile_report(key=key, actor=make.user(actor), scope=make.scope(actor))


def checked(make, report: Report, actor: str = "office", remarks: str = "") -> Report:
    with transaction():
        return commands.check(
            report, version=report.version, remarks=remarks, actor=make.user(actor)
        )


def submitted(make, report: Report, actor: str = "office") -> Report:
    with transaction():
        return commands.submit(report, version=report.version, actor=make.user(actor))


@pytest.fixture
def week(make):
    """Some cases of one week, told at their time."""
    with on(MONDAY):
        make.ticket(TicketStage.CLOSED, "YX 3-1-1203")
        make.ticket(TicketStage.HANDLING)
    with on(MONDAY + timedelta(days=2)):
        make.ticket(TicketStage.REGISTERED, "HT 1-1-0801", caller_phone="13700000801")
        make.ticket(TicketStage.WITHDRAWN, "YX 5-1-0101")
        make.ticket(TicketStage.REGISTERED, "LH 2-1-0302", actor="far_clerk")
        unhappy = make.ticket(TicketStage.CALLBACK)
    with on(MONDAY + timedelta(days=3)), transaction():
        call_back(
            unhappy,
            version=unhappy.version,
            reached=True,
            satisfaction=Satisfaction.DISSATISFIED,
            opinion="还在滴水。",
            actor=make.user("office"),
        )
    return make


@pytest.mark.clause("3.10.3")
@pytest.mark.clause("5.1")
def test_a_report_is_compiled_checked_by_another_and_submitted(week):
    with after():
        report = compiled(week)
    assert (report.key, report.stage, report.version) == (KEY, ReportStage.COMPILED, 1)
    figures = commands.figures_of(report)
    assert figures.complete
    assert (figures.total.new, figures.total.closed, figures.total.closing) == (5, 1, 3)
    with after(10):
        checked(week, report, remarks="下周请工程部到场。")
    assert (report.stage, report.remarks) == (ReportStage.CHECKED, "下周请工程部到场。")
    with after(20):
        submitted(week, report)
    assert report.stage is ReportStage.SUBMITTED
    assert (report.late, report.submitted_by.name) == (False, "陈静")
    told = [(line.entry.act, line.entry.clause) for line in story("report", report.id)]
    assert told == [
        ("compile_report", "3.10.3"),
        ("check_report", "3.10.3"),
        ("submit_report", "3.10.3"),
    ]
    assert verify().fault is None


@pytest.mark.clause("3.10.3")
def test_the_compiler_cannot_check_his_own_report_nor_can_his_second_account(week):
    with after():
        report = compiled(week, actor="office")
        with pytest.raises(NotPermitted, match="汇总人不能复核"):
            checked(week, report, "office")
        with transaction():
            for name in ("office", "office2"):
                week.user(name).employee_number = "E-7"
        with pytest.raises(NotPermitted, match="汇总人不能复核"):
            checked(week, report, "office2")
        assert checked(week, report, "manager").checked_by.name == "赵敏"


@pytest.mark.clause("3.10.3")
def test_compiling_again_takes_the_check_back_and_counts_what_came_since(week):
    with on(SUNDAY, 8):
        report = compiled(week)
        before = commands.figures_of(report)
    assert not before.complete
    with on(SUNDAY, 10):
        week.ticket(TicketStage.REGISTERED)
    with after(), transaction():
        commands.recompile(
            report, version=report.version, remarks="等配件", actor=week.user("clerk")
        )
    now = commands.figures_of(report)
    assert now.complete
    assert now.total.new == before.total.new + 1
    with after(1):
        checked(week, report)
    with after(2), transaction():
        commands.recompile(report, version=report.version, remarks="", actor=week.user("office"))
    assert (report.stage, report.checked_by, report.checked_at) == (
        ReportStage.COMPILED,
        None,
        None,
    )
    with after(3), pytest.raises(Conflict, match="先由第二人复核"):
        submitted(week, report)


@pytest.mark.clause("3.10.3")
@pytest.mark.clause("3.4.4")
def test_a_submitted_report_never_changes_and_corrections_show_in_the_next_period(week):
    with after():
        report = compiled(week)
        checked(week, report)
        submitted(week, report)
    frozen, version = dict(report.figures), report.version
    with after(60):
        week.ticket(TicketStage.CLOSED)
        tickets = db.session.scalars(select(queries.Ticket)).all()
        for ticket in tickets:
            if ticket.is_open:
                with transaction():
                    handling.regrade(
                        ticket,
                        version=ticket.version,
                        grade=Grade.MAJOR,
                        reason="群诉",
                        actor=week.user("manager"),
                    )
    for again in (
        lambda: commands.recompile(report, version=version, remarks="", actor=week.user("clerk")),
        lambda: commands.check(report, version=version, remarks="", actor=week.user("manager")),
        lambda: commands.submit(report, version=version, actor=week.user("manager")),
    ):
        with after(90), pytest.raises(Conflict, match="已经上报"), transaction():
            again()
    with after(90), pytest.raises(Conflict, match="已经汇总"):
        compiled(week)
    db.session.expire_all()
    assert (report.figures, report.version) == (frozen, version)
    with on(date(2026, 11, 30)):
        following = commands.figures_of(compiled(week, "weekly-FZ-2026-W48"))
    assert following.carried == following.total.opening == frozen["total"]["closing"]


@pytest.mark.clause("3.10.3")
@pytest.mark.parametrize(
    ("key", "at", "late"),
    [
        (KEY, IN_TIME, False),
        (KEY, IN_TIME + timedelta(minutes=1), True),
        ("weekly-FZ-2026-W40", clock.at(date(2026, 10, 8), 17, 30), False),
        ("weekly-FZ-2026-W40", clock.at(date(2026, 10, 8), 17, 31), True),
        ("quarterly-FZ-2026-Q3", clock.at(date(2026, 10, 8), 9), False),
        ("quarterly-FZ-2026-Q3", clock.at(date(2026, 10, 9), 9), True),
    ],
)
def test_late_is_after_half_past_five_of_the_first_working_day_after_the_period(
    make, key, at, late
):
    with clock.held(at):
        report = compiled(make, key)
        checked(make, report)
        assert submitted(make, report).late is late


@pytest.mark.clause("3.10.3")
def test_an_interim_report_says_so_and_can_be_neither_checked_nor_submitted(week):
    with on(MONDAY + timedelta(days=4), 16, 5):
        report = compiled(week)
        with pytest.raises(Conflict, match="期中"):
            checked(week, report)
        assert commands.open_steps(report, week.user("office")) == {commands.Act.COMPILE_REPORT}
    figures = commands.figures_of(report)
    assert (figures.complete, figures.as_of_on) == (False, date(2026, 11, 20))
    assert ("数据截止", "2026-11-20 16:05（期中）") in paper.head(report, figures)


@pytest.mark.parametrize(
    ("key", "error"),
    [
        ("", Invalid),
        ("weekly-FZ-2026-W54", Invalid),
        ("weekly-FZ-2026-Q4", Invalid),
        ("monthly-FZ-2026-11", Invalid),
        ("weekly-FZ-2026-W48", Invalid),
        ("weekly-FZ-9999-W48", Invalid),
        ("weekly-*-2026-W47", Invalid),
        ("weekly-XM-2026-W47", NotFound),
        ("weekly-ZZ-2026-W47", NotFound),
        ("quarterly-*-2026-Q4", NotFound),
    ],
)
def test_a_period_that_is_none_has_not_begun_or_is_not_his_is_refused(make, key, error):
    with on(SUNDAY), pytest.raises(error):
        compiled(make, key)
    assert db.session.scalar(select(Report.id)) is None


@pytest.mark.parametrize("actor", ["auditor", "gm", "finance", "reader", "handler", "admin"])
def test_only_customer_service_compiles(make, actor):
    with after(), pytest.raises(NotPermitted):
        compiled(make, actor=actor)


def test_a_clerk_compiles_but_neither_checks_nor_submits(make):
    with after():
        report = compiled(make, actor="office")
        with pytest.raises(NotPermitted):
            checked(make, report, "clerk")
        checked(make, report, "manager")
        with pytest.raises(NotPermitted):
            submitted(make, report, "clerk")


VIEWERS = {
    "clerk": {"FZ"},
    "office": {"FZ"},
    "far_clerk": {"XM"},
    "manager": {"FZ", "XM", "*"},
    "auditor": {"FZ", "XM", "*"},
    "chief": {"FZ", "XM", "*"},
    "deputy_gm": {"FZ", "XM", "*"},
    "gm": {"FZ", "XM", "*"},
    "finance": {"FZ", "XM", "*"},
    "reader": set(),
    "handler": None,
    "engineer": None,
    "captain": None,
    "admin": None,
}


@pytest.mark.clause("3.10.4")
def test_each_sees_the_reports_of_offices_he_reaches_wholly(make, sign_in):
    ids = {}
    with after():
        for office, key in (
            ("FZ", KEY),
            ("XM", "weekly-XM-2026-W47"),
            ("*", "quarterly-*-2026-Q4"),
        ):
            ids[office] = compiled(make, key, "manager").id
    for username, seen in VIEWERS.items():
        client = sign_in(username)
        for office, report_id in ids.items():
            status = client.get(f"/reports/{report_id}").status_code
            assert status == (403 if seen is None else 200 if office in seen else 404), username
            book = client.get(f"/reports/{report_id}/workbook.xlsx").status_code
            may_export = username not in ("finance", "reader", "captain", "admin")
            assert (book == 200) is bool(seen and office in seen and may_export), username
            for act in ("recompile", "check", "submit"):
                answer = client.post(f"/reports/{report_id}/{act}", data={"version": 99})
                assert answer.status_code != 302, (username, office, act)
                if seen is None or office not in seen:
                    assert answer.status_code in (403, 404)
        page = client.get("/reports/")
        assert page.status_code == (403 if seen is None else 200)
        text = page.get_data(as_text=True)
        for office, name in (("FZ", "福州客户服务处"), ("XM", "厦门客户服务处"), ("*", "全公司")):
            assert (name in text) is bool(seen and office in seen), username


def test_who_reaches_only_a_part_of_an_office_sees_nothing_of_its_reports(make, sign_in):
    with after():
        report_id = compiled(make).id
    with transaction():
        for posting in db.session.scalars(
            select(Posting).where(Posting.user_id == make.world.users["clerk"])
        ):
            if posting.community_id == make.world.communities["HT"]:
                db.session.delete(posting)
    db.session.expire_all()
    clerk = sign_in("clerk")
    assert clerk.get(f"/reports/{report_id}").status_code == 404
    assert clerk.get(f"/reports/{report_id}/workbook.xlsx").status_code == 404
    assert "福州客户服务处" not in clerk.get("/reports/").get_data(as_text=True)
    with after(), pytest.raises(NotFound):
        compiled(make, "weekly-FZ-2026-W46")


def everywhere(make, username: str) -> User:
    with transaction():
        user = make.user(username)
        user.everywhere = True
    return user


@pytest.mark.clause("3.10.4")
def test_a_head_office_clerk_compiles_the_company_quarter(week):
    clerk = everywhere(week, "clerk")
    with after(), transaction():
        report = commands.compile_report(
            key="quarterly-*-2026-Q4", actor=clerk, scope=scope_of(clerk)
        )
    figures = commands.figures_of(report)
    assert (report.office_id, figures.office, figures.total.new) == (None, "全公司", 6)
    assert [row.office for row in figures.summary] == ["福州客户服务处"] * 2 + ["厦门客户服务处"]


def version_of(page: str) -> str:
    return re.search(r'name="version"[^>]*value="(\d+)"', page)[1]


@pytest.mark.clause("3.10.3")
@pytest.mark.clause("5.1")
def test_a_clerk_has_the_weeks_workbook_in_two_clicks(week, sign_in):
    clerk = sign_in("clerk")
    with on(MONDAY + timedelta(days=4)):
        page = clerk.get("/reports/").get_data(as_text=True)
        assert "尚未汇总" in page
        assert f'name="key" value="{KEY}">汇总本周周报' in page
        first = clerk.post("/reports/compile", data={"once": "a", "key": KEY})
        assert first.status_code == 302
        again = clerk.post("/reports/compile", data={"once": "a", "key": KEY})
        assert again.location == first.location, "a second click leads to the same report"
        page = clerk.get(first.location).get_data(as_text=True)
        address = re.search(r'href="(/reports/\d+/workbook.xlsx)"', page)[1]
        book = clerk.get(address)
    assert book.status_code == 200
    assert book.mimetype.endswith("spreadsheetml.sheet")
    assert load_workbook(io.BytesIO(book.data)).sheetnames[0] == "周报"


def test_the_page_walks_a_report_to_submission_and_then_offers_nothing(week, sign_in):
    clerk, office = sign_in("clerk"), sign_in("office")
    with after():
        shown = clerk.post("/reports/compile", data={"once": "a", "key": KEY}).location
        page = clerk.get(shown).get_data(as_text=True)
        assert "重新汇总" in page
        assert "复核通过" not in page
        page = office.get(shown).get_data(as_text=True)
        assert "复核通过" in page
        answer = office.post(
            f"{shown}/check",
            data={"once": "b", "version": version_of(page), "remarks": "催配件\n<b>x</b>"},
        )
        assert answer.status_code == 302
        page = office.get(shown).get_data(as_text=True)
        assert "催配件<br>&lt;b&gt;x&lt;/b&gt;" in page
        answer = office.post(f"{shown}/submit", data={"once": "c", "version": version_of(page)})
        assert answer.status_code == 302
        page = office.get(shown).get_data(as_text=True)
    assert "已上报，数字不再变动" in page
    assert "formaction" not in page
    assert "style=" not in page
    assert "onclick" not in page


def test_two_people_on_one_report_the_second_gets_409_and_keeps_his_words(week, sign_in):
    with after():
        report = compiled(week)
        report_id, seen = report.id, report.version
        with transaction():
            commands.recompile(report, version=seen, remarks="新", actor=week.user("clerk"))
    office = sign_in("office")
    with after(5):
        answer = office.post(
            f"/reports/{report_id}/check",
            data={"once": "a", "version": seen, "remarks": "我写的话"},
        )
        text = answer.get_data(as_text=True)
        assert answer.status_code == 409
        assert "已被他人修改" in text
        assert "我写的话" in text
        answer = office.post(
            f"/reports/{report_id}/check",
            data={"once": "b", "version": version_of(text), "remarks": "我写的话"},
        )
        assert answer.status_code == 302


def test_wrong_input_is_answered_with_422_and_a_sentence(week, sign_in):
    with after():
        report = compiled(week)
    office = sign_in("office")
    with after(5):
        answer = office.post(
            f"/reports/{report.id}/check",
            data={"once": "a", "version": report.version, "remarks": "长" * 2001},
        )
        assert answer.status_code == 422
        assert "最多 2000 个字" in answer.get_data(as_text=True)
        answer = office.post(f"/reports/{report.id}/check", data={"once": "b", "version": "x"})
        assert answer.status_code == 422
        answer = office.post(f"/reports/{report.id}/submit", data={"once": "c", "version": "1"})
        assert answer.status_code == 409
        for key, status in (
            ("", 422),
            ("'--", 422),
            ("weekly-FZ-2026-W99", 422),
            ("weekly-FZ-2026-W49", 422),
            ("weekly-FZ-2000-W01", 302),
            (KEY, 409),
        ):
            answer = office.post("/reports/compile", data={"once": f"k{key}", "key": key})
            assert answer.status_code == status, key
        assert office.post("/reports/compile", data={"once": "n"}).status_code == 422
        far = office.post("/reports/compile", data={"once": "d", "key": "weekly-XM-2026-W47"})
        assert far.status_code == 404
    assert office.get("/reports/99999").status_code == 404


def cells_of_page(page: str) -> list[list[str]]:
    """Every row of every figure table of the page, tags stripped."""
    rows = []
    for body in re.findall(r'<table class="list figures">(.*?)</table>', page, re.DOTALL):
        for row in re.findall(r"<tr[^>]*>(.*?)</tr>", body, re.DOTALL):
            cells = re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL)
            rows.append([html.unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in cells])
    return rows


def cells_of_book(data: bytes) -> list[list[str]]:
    """Every boxed row of every sheet but the raw data, printed as the page prints it."""
    rows = []
    for sheet in load_workbook(io.BytesIO(data)).worksheets[:-1]:
        for row in sheet.iter_rows():
            boxed = [cell for cell in row if cell.border.left.style]
            if boxed:
                rows.append([printed(cell) for cell in boxed])
    return rows[2:]


def printed(cell) -> str:
    value = cell.value
    if value is None:
        return ""
    if cell.number_format == "0.0%":
        return f"{value:.1%}"
    if hasattr(value, "date"):
        return value.date().isoformat()
    if cell.number_format == "#,##0.00":
        return f"{value:,.2f}"
    return str(value) if isinstance(value, str) or cell.number_format != "0.0" else f"{value:.1f}"


@pytest.mark.clause("5.1")
@pytest.mark.clause("3.10.4")
@pytest.mark.parametrize("key", [KEY, "quarterly-FZ-2026-Q4"])
def test_workbook_page_and_stored_figures_say_the_same(week, sign_in, key):
    with after():
        report = compiled(week, key)
    office = sign_in("office")
    page = office.get(f"/reports/{report.id}").get_data(as_text=True)
    book = office.get(f"/reports/{report.id}/workbook.xlsx").data
    shown, written = cells_of_page(page), cells_of_book(book)
    plus = [[re.sub(r"^\+(?=[\d.]+%$)", "", cell) for cell in row] for row in shown]
    order = sorted(map(tuple, plus))
    assert order == sorted(map(tuple, written))
    db.session.expire_all()
    stored = report.figures
    heads, *rows = shown[: len(stored["summary"]) + 2]
    for row, kept in zip(rows, [*stored["summary"], stored["total"]], strict=True):
        told = dict(zip(heads, row, strict=True))
        for head, name in (
            ("期初结转", "opening"),
            ("新增", "new"),
            ("其中重大", "major"),
            ("重开", "reopened"),
            ("关闭", "closed"),
            ("无效", "invalid"),
            ("撤回", "withdrawn"),
            ("合并", "merged"),
            ("期末未结", "closing"),
            ("其中超期", "overdue"),
        ):
            assert told[head] == str(kept[name])
        assert told["应处理"] == str(kept["opening"] + kept["new"])


@pytest.mark.clause("5.1")
def test_the_workbook_is_a_paper_with_its_head_and_raw_data_with_masked_phones(week, sign_in):
    with after():
        report = compiled(week)
        checked(week, report, remarks="下周到场")
    with clock.held(IN_TIME + timedelta(hours=1)):
        submitted(week, report)
    answer = sign_in("office").get(f"/reports/{report.id}/workbook.xlsx")
    assert "2026-W47.xlsx" in answer.headers["Content-Disposition"]
    book = load_workbook(io.BytesIO(answer.data))
    assert book.sheetnames == ["周报", "超期重大", "不满意明细", "原始数据"]
    sheet = book["周报"]
    assert sheet["A1"].value == "客户服务部投诉处理周报"
    head = dict(zip((c.value for c in sheet[2]), (c.value for c in sheet[3]), strict=True))
    assert {name: head[name] for name in ("单位", "周次", "汇总人", "复核人")} == {
        "单位": "福州客户服务处",
        "周次": "2026年第47周",
        "汇总人": "林晓",
        "复核人": "陈静",
    }
    assert head["上报时间"] == "2026-11-23 18:30（迟报）"
    assert head["数据截止"] == "2026-11-23 00:00"
    assert sheet.page_setup.orientation == "landscape"
    assert str(sheet.page_setup.paperSize) == sheet.PAPERSIZE_A4
    raw = list(book["原始数据"].iter_rows(values_only=True))
    assert len(raw) == 1 + 5
    assert {row[6] for row in raw[1:]} == {"138****1202", "137****0801"}
    archive = zipfile.ZipFile(io.BytesIO(answer.data))
    for name in archive.namelist():
        assert "13800001202" not in archive.read(name).decode("utf-8", "replace")
    acts = [line.entry.act for line in story("report", report.id)]
    assert acts[-1] == "export"


def test_typed_text_never_becomes_a_formula(make, sign_in):
    evil = "=1+1"
    with on(MONDAY):
        ticket = make.ticket(
            TicketStage.CALLBACK, caller_name=evil, summary=evil, content=evil, action_taken=evil
        )
        with transaction():
            call_back(
                ticket,
                version=ticket.version,
                reached=True,
                satisfaction=Satisfaction.DISSATISFIED,
                opinion=evil,
                actor=make.user("office"),
            )
            handling.follow_up(
                ticket,
                action_taken=evil,
                action_needed=evil,
                next_on=None,
                actor=make.user("manager"),
            )
            handling.regrade(
                ticket,
                version=ticket.version,
                grade=Grade.MAJOR,
                reason=evil,
                actor=make.user("manager"),
            )
    with after():
        report = compiled(make)
        checked(make, report, remarks=evil)
    data = sign_in("office").get(f"/reports/{report.id}/workbook.xlsx").data
    archive = zipfile.ZipFile(io.BytesIO(data))
    sheets = [name for name in archive.namelist() if name.startswith("xl/worksheets/")]
    assert len(sheets) == 4
    for name in sheets:
        assert "<f>" not in archive.read(name).decode()
        assert evil in archive.read(name).decode()
    page = sign_in("office").get(f"/reports/{report.id}").get_data(as_text=True)
    assert page.count(evil) >= 4


@pytest.mark.clause("3.4.4")
def test_what_could_not_be_handled_is_listed_with_its_process(make):
    with on(MONDAY - timedelta(days=14)):
        silent = make.ticket(TicketStage.HANDLING)
        followed = make.ticket(TicketStage.HANDLING)
        major = make.ticket(TicketStage.HANDLING)
    with on(MONDAY + timedelta(days=1)), transaction():
        handling.follow_up(
            followed,
            action_taken="约了厂家",
            action_needed="等配件到货",
            next_on=date(2026, 11, 27),
            actor=make.user("handler"),
        )
        handling.regrade(
            major,
            version=major.version,
            grade=Grade.MAJOR,
            reason="群诉",
            actor=make.user("office"),
        )
    with after(30), transaction():
        handling.follow_up(
            silent,
            action_taken="周一才补记",
            action_needed="",
            next_on=None,
            actor=make.user("handler"),
        )
    with after(60):
        report = compiled(make)
    cases = commands.figures_of(report).cases
    assert (cases.overdue, cases.major, cases.untracked, cases.listed) == (3, 1, 2, 3)
    rows = {case.number: case for case in cases.rows}
    assert cases.rows[0].number == major.number, "major first"
    assert rows[silent.number].untracked, "a note written after the week does not count"
    assert rows[silent.number].action_taken == "已联系业主，约定上门。"
    assert rows[silent.number].days_over == (SUNDAY - silent.complaint_due_on).days
    told = rows[followed.number]
    assert (told.untracked, told.action_taken, told.next_step, told.next_on) == (
        False,
        "约了厂家",
        "等配件到货",
        date(2026, 11, 27),
    )
    table = next(t for t in layout.tables(commands.figures_of(report)) if t.code == "W6")
    line = next(row for row in table.rows if row[0].value == followed.number)
    assert line[9].value == "等配件到货（2026-11-27）"
    assert (
        next(row for row in table.rows if row[0].value == silent.number)[10].value == "本周无跟踪"
    )


@pytest.mark.clause("3.10.3")
@pytest.mark.parametrize("key", [KEY, "quarterly-FZ-2026-Q4", "quarterly-*-2026-Q4"])
def test_every_linked_figure_leads_to_exactly_its_tickets(week, app, key):
    with after():
        report = compiled(week, key, "manager")
        figures, scope = commands.figures_of(report), week.scope("manager")
        followed = 0
        for table in layout.tables(figures):
            for row in table.rows:
                for cell in row:
                    if cell.link is None or cell.link.endpoint != "tickets.index":
                        continue
                    followed += 1
                    with app.test_request_context(query_string=cell.link.values) as context:
                        wanted = filters.from_query(context.request.args)
                    found, _ = lists.page(scope, wanted, 500)
                    column = table.columns[row.index(cell)].head
                    times = 4 if column == "近四周均值" else 1
                    assert len(found) == cell.value * times, (table.code, column, cell)
    assert followed > 30


def test_the_overview_names_what_is_missing_only_since_counting_began(week):
    with after():
        compiled(week)
        overview = reports.overviews(week.scope("clerk"))
    weekly = overview[ReportKind.WEEKLY]
    assert [period.name for period in weekly.periods[:2]] == ["2026-W48", "2026-W47"]
    assert [weekly.awaited(period) for period in weekly.periods] == [True, True] + [False] * 6
    (line,) = weekly.lines
    assert [entry.stage if entry else None for _, _, entry in line.cells[:3]] == [
        None,
        ReportStage.COMPILED,
        None,
    ]
    assert [one.name for one in overview[ReportKind.QUARTERLY].lines] == ["福州客户服务处"]


@pytest.mark.clause("3.10.4")
def test_while_a_report_is_counted_others_can_write(week, sign_in, app, engine, monkeypatch):
    """The counting holds no write lock: another connection writes in the middle of it."""
    wrote = []

    def slow(period, office):
        other = create_engine(
            engine.url, connect_args={} if "postgres" in engine.url else {"timeout": 0}
        )
        with other.begin() as connection:
            connection.execute(
                text("UPDATE user_account SET phone = '1' WHERE username = 'reader'")
            )
        other.dispose()
        wrote.append(period.name)
        return count(period, office)

    count = commands.count
    monkeypatch.setattr(commands, "count", slow)
    clerk = sign_in("clerk")
    with after():
        shown = clerk.post("/reports/compile", data={"once": "a", "key": KEY})
        assert shown.status_code == 302
        page = clerk.get(shown.location).get_data(as_text=True)
        again = {"once": "b", "version": version_of(page), "remarks": "x"}
        assert clerk.post(f"{shown.location}/recompile", data=again).status_code == 302
    assert wrote == ["2026-W47", "2026-W47"]


def test_a_second_compilation_of_one_period_at_the_same_moment_is_refused(make, monkeypatch):
    with after():
        compiled(make)
        monkeypatch.setattr(reports, "exists_already", lambda _key: False)
        with pytest.raises(Conflict, match="刚才已有同事"):
            compiled(make)


@pytest.mark.clause("3.10.3")
def test_a_community_that_changed_its_office_is_named_in_the_next_report(make, week, sign_in):
    with after():
        frozen = submitted(make, checked(make, compiled(make)))
    stated, figures = frozen.figures["total"]["closing"], frozen.figures
    community = db.session.get_one(Community, make.world.communities["HT"])
    xm = make.world.offices["XM"]
    page = sign_in("admin").get(f"/estate/communities/{community.id}/edit").get_data(as_text=True)
    assert "下一期报表都在附注里写明" in page
    with transaction():
        estate.save_community(
            community,
            version=community.version,
            code="HT",
            name="海棠湾",
            office_id=xm,
            delivered_on=community.delivered_on,
            actor=make.user("admin"),
        )
    assert story("community", community.id)[-1].facts["moved"] == [
        "福州客户服务处",
        "厦门客户服务处",
    ]
    with on(date(2026, 11, 30)):
        following = commands.figures_of(compiled(make, "weekly-FZ-2026-W48"))
        company = commands.figures_of(compiled(make, "quarterly-*-2026-Q4", "manager"))
    assert (following.joined, following.left) == ((), ("海棠湾",))
    assert following.total.opening == stated - 1
    notes = layout.tables(following)[0].notes
    assert notes[-2:] == (
        "上期上报后减少小区 海棠湾；本期各数（含期初）按现在的小区统计。",
        f"上期上报的期末未结为 {stated}，本期期初为 {stated - 1}，差额为小区变动和上期上报后的更正。",
    )
    assert (company.joined, company.left) == ((), ())
    assert db.session.get_one(Report, frozen.id).figures == figures


def test_a_community_that_came_to_an_office_is_named_there_and_nothing_is_said_otherwise(
    make, week
):
    with after():
        submitted(make, checked(make, compiled(make)))
    with on(date(2026, 11, 30)):
        unchanged = commands.count(
            Period.named(ReportKind.WEEKLY, "2026-W48"),
            db.session.get_one(ServiceOffice, make.world.offices["FZ"]),
        )
    assert not any("小区统计" in note for note in layout.tables(unchanged)[0].notes)
    with transaction():
        db.session.get_one(Community, make.world.communities["LH"]).office_id = make.world.offices[
            "FZ"
        ]
    with on(date(2026, 11, 30)):
        grown = commands.count(
            Period.named(ReportKind.WEEKLY, "2026-W48"),
            db.session.get_one(ServiceOffice, make.world.offices["FZ"], populate_existing=True),
        )
    assert (grown.joined, grown.left) == (("莲花里",), ())
    assert any("增加小区 莲花里" in note for note in layout.tables(grown)[0].notes)


def test_a_long_list_is_cut_for_the_screen_and_says_so_but_no_table_with_a_total():
    rows = [plain([n]) for n in range(7)]
    many = Table("W2", "跟踪", columns("编号"), rows, ("按受理时间。",), has_total=False)
    cut = many.shortened(5)
    assert cut.rows == rows[:5]
    assert cut.notes == ("按受理时间。", "共 7 行，此处列出前 5 行，全部见 Excel。")
    assert many.shortened(7) == many
    summed = many._replace(has_total=True)
    assert summed.shortened(5) == summed
