"""Pages of the working calendar: who looks, who asks, who confirms; what is typed wrong is kept."""

import io
import re
import zipfile

import pytest
from openpyxl import Workbook
from sqlalchemy import select

from tests.pages.helpers import one_of_each_role, token
from tests.pages.test_wrong_input import refused
from tests.procedure.test_notice import NOTICE_2026
from tests.rooms.test_calendar_rows import NOTICE_2027, D, adopt, close
from tests.support.world import PASSWORD
from ticketing.casefile.notices.models import Notice, NoticeKind
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.masters.workcalendar import queries
from ticketing.masters.workcalendar.package import special_days
from ticketing.oversight.calendar import commands as oversight
from ticketing.procedure.permissions import Act, may

NOVEMBER = clock.at(D("2026-11-25"), 10)


@pytest.fixture(autouse=True)
def november(ctx):
    with clock.held(NOVEMBER):
        yield


def previewed(page):
    return re.search(r'name="previewed"[^>]*value="(\w+)"', page)[1]


def typed(text=NOTICE_2027, **more):
    return {"once": token(), "text": text, "number": "", "year": "", "step": "preview", **more}


def proposed(client, text=NOTICE_2027):
    """Preview and propose; the address of the proposal's page."""
    page = client.post("/calendar/adopt", data=typed(text)).get_data(as_text=True)
    answer = client.post(
        "/calendar/adopt", data=typed(text, step="propose", previewed=previewed(page))
    )
    assert answer.status_code == 302, answer.get_data(as_text=True)
    db.session.rollback()
    return f"/calendar/proposals/{queries.pending()[-1].id}"


def test_everybody_looks_and_only_two_roles_maintain(app, make):
    doors = {
        "/calendar/": Act.READ_CALENDAR,
        "/calendar/adopt": Act.MANAGE_CALENDAR,
        "/calendar/closures": Act.MANAGE_CALENDAR,
    }
    for role, username in one_of_each_role(make).items():
        client = app.test_client()
        client.post("/sign-in", data={"username": username, "password": PASSWORD})
        for address, act in doors.items():
            wanted = 200 if may([role], act) else 403
            assert client.get(address).status_code == wanted, (role, address)
        page = client.get("/calendar/").get_data(as_text=True)
        assert ("录入放假安排" in page) == may([role], Act.MANAGE_CALENDAR)
        for address in ("/calendar/proposals/1/confirm", "/calendar/closures/lift"):
            if not may([role], Act.MANAGE_CALENDAR):
                assert client.post(address, data={"once": token()}).status_code == 403


def test_a_year_at_a_glance_says_each_day_in_colour_and_in_words(sign_in):
    page = sign_in("clerk").get("/calendar/?year=2026").get_data(as_text=True)
    assert page.count('class="month"') == 12
    assert len(re.findall(r'class="d holiday[^>]*>\d+<b>休</b>', page)) == 33
    assert len(re.findall(r'class="d makeup[^>]*>\d+<b>班</b>', page)) == 6
    assert "2026-02-14 周六 春节（调休上班）" in page
    assert len(re.findall('aria-current="date"', page)) == 1
    assert "软件内置" in page
    assert page.count("个工作日</span>") == 12
    assert sum(map(int, re.findall(r"(\d+) 个工作日</span>", page))) == 248


@pytest.mark.parametrize("year", ["", "x", "1850", "99999", "2004", "2099", "-1", "9" * 40])
def test_any_year_in_the_address_shows_a_year(sign_in, year):
    answer = sign_in("clerk").get(f"/calendar/?year={year}")
    assert answer.status_code == 200
    assert b"month" in answer.data


def test_a_list_goes_from_the_paste_through_two_people_into_force(sign_in, make):
    manager, admin = sign_in("manager"), sign_in("admin")
    assert "暂定" in manager.get("/calendar/?year=2027").get_data(as_text=True)
    page = manager.post("/calendar/adopt", data=typed()).get_data(as_text=True)
    assert "国办发明电〔2026〕9号" in page
    assert "与现在相比有" in page
    db.session.rollback()
    assert queries.pending() == []
    address = proposed(manager)
    for client in (manager, admin, sign_in("clerk")):
        assert "等待第二人确认" in client.get("/calendar/").get_data(as_text=True)
    assert "确认生效" not in manager.get(address).get_data(as_text=True)
    assert "确认生效" not in sign_in("clerk").get(address).get_data(as_text=True)
    answer = manager.post(f"{address}/confirm", data={"once": token()})
    assert answer.status_code == 403
    assert "第二人" in answer.get_data(as_text=True)
    assert "确认生效" in admin.get(address).get_data(as_text=True)
    once = token()
    assert admin.post(f"{address}/confirm", data={"once": once}).status_code == 302
    assert admin.post(f"{address}/confirm", data={"once": once}).status_code == 302
    assert admin.post(f"{address}/confirm", data={"once": token()}).status_code == 409
    page = admin.get("/calendar/?year=2027").get_data(as_text=True)
    assert "国务院通知：国办发明电〔2026〕9号" in page
    assert "管理员" in page
    assert "暂定" not in page
    audit = sign_in("auditor").get("/audit/?subject=calendar").get_data(as_text=True)
    assert "启用全年放假安排" in audit


def test_what_was_changed_after_the_preview_is_previewed_again(sign_in):
    manager = sign_in("manager")
    page = manager.post("/calendar/adopt", data=typed()).get_data(as_text=True)
    other = NOTICE_2027.replace("6月9日（周三）", "6月10日（周四）")
    answer = manager.post(
        "/calendar/adopt", data=typed(other, step="propose", previewed=previewed(page))
    )
    assert answer.status_code == 422
    assert "核对新的预览" in answer.get_data(as_text=True)
    db.session.rollback()
    assert queries.pending() == []


WRONG = [
    ({"text": ""}, "text"),
    ({"text": "\u3000"}, "text"),
    ({"text": "长" * 20_001}, "text"),
    ({"text": "一、元旦：1月1日放价。", "year": "2027"}, "text"),
    ({"text": NOTICE_2027.replace("（周五）至3日", "（周四）至3日")}, "text"),
    ({"text": NOTICE_2027.replace("二、春节", "二、过年")}, "text"),
    ({"text": NOTICE_2027.replace("国办发明电〔2026〕9号", "")}, "number"),
    ({"number": "国办发明电〔2026〕10号"}, "number"),
    ({"number": "文" * 61}, "number"),
    ({"year": "2028"}, "year"),
    ({"year": "1999"}, "year"),
    ({"year": "明年"}, "year"),
    ({"year": "9" * 40}, "year"),
]


@pytest.mark.parametrize("step", ["preview", "propose"])
def test_a_wrong_list_is_refused_at_its_field_and_kept(sign_in, step):
    manager = sign_in("manager")
    for wrong, field in WRONG:
        answer = manager.post("/calendar/adopt", data=typed(step=step) | wrong)
        page = refused(answer, field)
        for value in wrong.values():
            assert value.strip()[:30].split("\n")[0] in page
    db.session.rollback()
    assert queries.pending() == []


def workbook(rows):
    made = Workbook()
    for row in rows:
        made.active.append(row)
    content = io.BytesIO()
    made.save(content)
    return content.getvalue()


def bomb():
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("[Content_Types].xml", "<Types/>")
        package.writestr("xl/workbook.xml", " " * 150_000_000)
    return content.getvalue()


def upload(content, name="list.xlsx"):
    return typed("", number="国办发明电〔2025〕7号", file=(io.BytesIO(content), name))


WORDS = {"holiday": "放假", "makeup": "调休上班"}
ROWS_2026 = [
    ["名称", "日期", "类别"],
    *([one.name, one.day, WORDS[one.kind.value]] for one in special_days(2026)),
]


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
def test_a_table_is_uploaded_shown_and_proposed(sign_in, kind):
    lines = "\n".join(",".join(map(str, row)) for row in ROWS_2026)
    content = workbook(ROWS_2026) if kind == "xlsx" else lines.encode("gb18030")
    manager = sign_in("manager")
    page = manager.post("/calendar/adopt", data=upload(content, f"list.{kind}")).get_data(
        as_text=True
    )
    assert "与现在相比没有不同的日期" in page
    text = re.search(r"<textarea[^>]*>\s*(.*?)</textarea>", page, re.DOTALL)[1]
    again = typed(text, number="国办发明电〔2025〕7号", step="propose", previewed=previewed(page))
    assert manager.post("/calendar/adopt", data=again).status_code == 302


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (bomb, "过大"),
        (lambda: b"PK\x03\x04" + b"0" * 1000, "损坏"),
        (lambda: b"\xd0\xcf\x11\xe0" + b"0" * 100, "xls"),
        (lambda: b"0" * 300_000, "256 KB"),
        (lambda: b"\x89PNG\r\n\x1a\n\x00\x00", "栏目名"),
        (lambda: workbook([["什么"], ["1"]]), "栏目名"),
        (lambda: workbook([["日期", "类别", "名称"], ["昨天", "放假", "元旦"]]), "昨天"),
        (lambda: workbook([["日期", "类别", "名称"], ["=1+1", "放假", "元旦"]]), "公式"),
    ],
)
def test_a_hostile_file_is_refused_with_a_sentence(sign_in, content, sentence):
    answer = sign_in("manager").post("/calendar/adopt", data=upload(content()))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert sentence in page
    assert "国办发明电〔2025〕7号" in page


def test_a_paste_of_ten_megabytes_is_refused_before_it_is_read(sign_in):
    answer = sign_in("manager").post("/calendar/adopt", data=typed("长" * 3_500_000))
    assert answer.status_code == 413


def test_typed_text_in_a_list_is_never_markup(sign_in, make):
    evil = "2027-01-01 放假 <script>alert(1)</script>"
    manager = sign_in("manager")
    page = manager.post("/calendar/adopt", data=typed(evil)).get_data(as_text=True)
    assert "<script>alert" not in page
    reason = "<script>alert(1)</script>"
    data = {"once": token(), "day": "2026-12-10", "reason": reason}
    assert manager.post("/calendar/closures", data=data).status_code == 302
    waiting = queries.pending()[-1].id
    with transaction():
        oversight.confirm(waiting, actor=make.user("admin"))
    for address in ("/calendar/", "/calendar/closures", f"/calendar/proposals/{waiting}"):
        page = manager.get(address).get_data(as_text=True)
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page


def test_a_closure_is_asked_for_confirmed_and_lifted(sign_in, make):
    manager, admin = sign_in("manager"), sign_in("admin")
    for wrong, field in (
        ({"day": "", "reason": "台风"}, "day"),
        ({"day": "昨天", "reason": "台风"}, "day"),
        ({"day": "2026-11-25", "reason": "台风"}, "day"),
        ({"day": "2026-11-28", "reason": "台风"}, "day"),
        ({"day": "2026-12-10", "reason": ""}, "reason"),
        ({"day": "2026-12-10", "reason": "\u3000"}, "reason"),
        ({"day": "2026-12-10", "reason": "因" * 101}, "reason"),
    ):
        answer = manager.post("/calendar/closures", data={"once": token()} | wrong)
        page = refused(answer, field)
        assert wrong["reason"].strip() in page
    good = {"once": token(), "day": "2026-12-10", "reason": "台风停工"}
    assert manager.post("/calendar/closures", data=good).status_code == 302
    again = manager.post("/calendar/closures", data=good | {"once": token()})
    refused(again, "day", status=409)
    db.session.rollback()
    address = f"/calendar/proposals/{queries.pending()[-1].id}"
    assert "2026-12-10：台风停工" in admin.get(address).get_data(as_text=True)
    assert admin.post(f"{address}/confirm", data={"once": token()}).status_code == 302
    page = manager.get("/calendar/").get_data(as_text=True)
    assert "台风停工（公司停工）" in page
    assert "停</b>" in page
    lift = {"once": token(), "day": "2026-12-10", "reason": ""}
    refused(admin.post("/calendar/closures/lift", data=lift), "reason")
    lift |= {"once": token(), "reason": "台风改道"}
    assert admin.post("/calendar/closures/lift", data=lift).status_code == 302
    db.session.rollback()
    address = f"/calendar/proposals/{queries.pending()[-1].id}"
    assert manager.post(f"{address}/confirm", data={"once": token()}).status_code == 302
    assert "台风停工（公司停工）" not in manager.get("/calendar/").get_data(as_text=True)


def test_a_proposal_is_taken_off_the_table(sign_in):
    manager = sign_in("manager")
    address = proposed(manager)
    assert manager.post(f"{address}/drop", data={"once": token()}).status_code == 302
    assert "未采用" in manager.get(address).get_data(as_text=True)
    assert manager.post(f"{address}/drop", data={"once": token()}).status_code == 409
    assert manager.get("/calendar/proposals/999999").status_code == 404
    assert manager.post("/calendar/proposals/999999/confirm").status_code == 404


BANNER = "年放假安排尚未维护，涉及该年的时限"


@pytest.mark.parametrize(
    ("day", "year"),
    [("2026-10-31", None), ("2026-11-01", "2027"), ("2027-01-04", "2027")],
)
def test_from_november_on_those_who_maintain_it_are_told_on_every_page(sign_in, day, year):
    with clock.held(clock.at(D(day), 10)):
        for username in ("manager", "admin", "clerk", "gm"):
            page = sign_in(username).get("/calendar/").get_data(as_text=True)
            told = year is not None and username in ("manager", "admin")
            assert (BANNER in page) == told, username
            assert not told or f"{year} {BANNER}" in page
        assert (BANNER in sign_in("admin").get("/people/").get_data(as_text=True)) == bool(year)


def test_the_banner_goes_when_the_list_is_in_force(sign_in, make):
    adopt(make)
    for username in ("manager", "admin"):
        assert BANNER not in sign_in(username).get("/calendar/").get_data(as_text=True)


def test_a_badge_is_counted_anew_when_the_calendar_changes(make, sign_in):
    with clock.held(clock.at(D("2026-12-07"), 10)):
        make.registered(received_at=clock.now())
        manager = sign_in("manager")
        page = manager.get("/tickets/").get_data(as_text=True)
        assert 'title="2026-12-08 周二">剩 1 工作日' in page
        close(make, D("2026-12-08"))
        page = manager.get("/tickets/").get_data(as_text=True)
        assert 'title="2026-12-09 周三">剩 1 工作日' in page, "two days ahead, one of them worked"


def test_the_official_list_of_this_year_changes_nothing(sign_in):
    page = sign_in("manager").post("/calendar/adopt", data=typed(NOTICE_2026))
    assert "与现在相比没有不同的日期" in page.get_data(as_text=True)


def test_who_may_confirm_a_change_is_told_of_it(make, sign_in):
    manager = sign_in("manager")
    address = proposed(manager)
    rows = db.session.scalars(select(Notice).where(Notice.kind == NoticeKind.CALENDAR)).all()
    assert {row.user.username for row in rows} == {"admin", "admin2"}
    assert {(row.title, row.path) for row in rows} == {
        ("工作日历：2027 年全年放假安排待第二人确认", address)
    }
