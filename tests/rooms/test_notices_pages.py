"""Pages of notices: one's own inbox and nobody else's, choices, outlets that show no secret, dead letters."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.pages.helpers import token
from tests.support.receivers import OK, say, web_server
from ticketing.app import create_app
from ticketing.casefile.notices.commands import Message, tell
from ticketing.casefile.notices.delivering import TRIES, deliver_due
from ticketing.casefile.notices.models import (
    Delivery,
    DeliveryState,
    Notice,
    NoticeKind,
    Outlet,
    Preference,
    Robot,
)
from ticketing.journal.queries import story
from ticketing.kernel import clock, webhook
from ticketing.kernel.db import db, transaction
from ticketing.kernel.wire import SendingFailed
from ticketing.settings import Settings

KEY = "693a91f6-7abc-4bc4-97a0-0ec2sifa5aaa"
ADDRESS = f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={KEY}"
SECRET = "SECdeadbeef0123"


def text(answer):
    return answer.get_data(as_text=True)


def told(make, *usernames, count=1, kind=NoticeKind.ASSIGNED, path="/tickets/", title="新分派"):
    with transaction():
        tell(
            [
                Message(
                    tuple(make.world.users[name] for name in usernames),
                    kind,
                    f"{kind.value}:{n}",
                    f"{title} {n}",
                    "请于三个工作日内反馈。\n第二行",
                    path,
                )
                for n in range(count)
            ],
            at=clock.now(),
        )
    return list(db.session.scalars(select(Notice.id).order_by(Notice.id)))


def badge(page):
    found = re.search(r'class="bell"[^>]*>.*?(?:<b>(.*?)</b>)?</a>', page, re.DOTALL)
    return found.group(1) or ""


def test_the_bell_shows_how_many_are_unread_and_no_more_than_ninety_nine(make, sign_in):
    client = sign_in("handler")
    assert badge(text(client.get("/tickets/"))) == ""
    told(make, "handler", count=3)
    assert badge(text(client.get("/tickets/"))) == "3"
    told(make, "handler", count=99, kind=NoticeKind.REMINDER)
    assert badge(text(client.get("/tickets/"))) == "99+"
    assert badge(text(sign_in("clerk").get("/tickets/"))) == ""


def test_opening_a_notice_leads_where_it_points_and_marks_it_read(make, sign_in):
    ids = told(make, "handler", count=2, path="/tickets/?mine=1")
    client = sign_in("handler")
    page = text(client.get("/notices/"))
    assert page.index("新分派 1") < page.index("新分派 0")
    assert "请于三个工作日内反馈。<br>第二行" in page
    for _ in range(2):
        answer = client.post(f"/notices/{ids[0]}/open", data={"once": token()})
        assert (answer.status_code, answer.location) == (302, "/tickets/?mine=1")
    assert badge(text(client.get("/notices/"))) == "1"
    unread = text(client.get("/notices/?unread=1"))
    assert "新分派 1" in unread
    assert "新分派 0" not in unread


def test_nobody_opens_or_sees_the_notice_of_another(make, sign_in):
    (notice_id,) = told(make, "handler", title="绝密事项")
    for username in ("clerk", "manager", "admin", "gm"):
        client = sign_in(username)
        assert "绝密事项" not in text(client.get("/notices/"))
        answer = client.post(f"/notices/{notice_id}/open", data={"once": token()})
        assert answer.status_code == 404
        client.post("/notices/read-all", data={"seen": notice_id, "once": token()})
    db.session.rollback()
    assert db.session.get_one(Notice, notice_id).read_at is None


def test_all_are_read_at_once_up_to_what_the_page_showed(make, sign_in):
    ids = told(make, "handler", count=3)
    client = sign_in("handler")
    page = text(client.get("/notices/"))
    assert re.search(rf'name="seen"[^>]*value="{ids[-1]}"', page)
    client.post("/notices/read-all", data={"seen": ids[1], "once": token()})
    assert badge(text(client.get("/notices/"))) == "1"
    for seen in ("", "x", "9" * 40):
        assert client.post("/notices/read-all", data={"seen": seen}).status_code == 302
    assert badge(text(client.get("/notices/"))) == "1"


def test_the_inbox_is_turned_page_by_page_and_narrowed_by_kind(make, sign_in):
    told(make, "handler", count=40)
    told(make, "handler", kind=NoticeKind.BREACH, title="超时了")
    client = sign_in("handler")
    first = text(client.get("/notices/"))
    following = re.search(r'rel="next" href="([^"]*)"', first).group(1).replace("&amp;", "&")
    second = text(client.get(following))
    titles = re.findall(r"<strong>(.*?)</strong>", first + second)
    titles = [title for title in titles if title.startswith(("新分派", "超时了"))]
    assert titles == ["超时了 0", *(f"新分派 {n}" for n in range(39, -1, -1))]
    narrowed = text(client.get("/notices/?kind=breach"))
    assert "超时了 0" in narrowed
    assert "新分派 1" not in narrowed
    assert client.get("/notices/?kind=x&after=x&unread=9").status_code == 200


@pytest.mark.parametrize("path", ["https://evil.example.com/", "//evil.example.com", "/\\evil", ""])
def test_a_notice_never_leads_out_of_the_house(make, sign_in, path):
    (notice_id,) = told(make, "handler", path=path)
    answer = sign_in("handler").post(f"/notices/{notice_id}/open", data={"once": token()})
    assert answer.location == "/notices/"


def test_a_hostile_title_is_shown_and_never_run(make, sign_in):
    told(make, "handler", title="<script>alert(1)</script>'\"")
    page = text(sign_in("handler").get("/notices/"))
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_people_choose_their_mailbox_and_what_comes_there(make, sign_in):
    client = sign_in("handler")
    assert "通知设置" in text(client.get("/account"))
    page = text(client.get("/notices/choices"))
    assert re.search(r'checked[^>]*value="major"|value="major"[^>]*checked', page)
    assert not re.search(r'checked[^>]*value="assigned"', page)
    wrong = client.post(
        "/notices/choices", data={"email": "zhou@", "mailed": "assigned", "once": token()}
    )
    assert wrong.status_code == 422
    assert "完整的邮箱地址" in text(wrong)
    assert 'value="zhou@"' in text(wrong)
    data = {"email": " zhou@example.com ", "mailed": ["assigned", "major"], "once": token()}
    assert client.post("/notices/choices", data=data).status_code == 302
    assert client.post("/notices/choices", data={"mailed": "x"}).status_code == 422
    db.session.rollback()
    assert make.user("handler").email == "zhou@example.com"
    wanted = db.session.scalars(select(Preference.kind).where(Preference.wanted))
    assert set(wanted) == {NoticeKind.ASSIGNED, NoticeKind.MAJOR}


def robot_data(**more):
    return {
        "name": "客服群",
        "outlet": "dingtalk",
        "address": ADDRESS,
        "secret": SECRET,
        "kinds": ["major", "breach"],
        "active": "y",
        "once": token(),
        **more,
    }


def test_only_who_keeps_the_outlets_sees_them(make, sign_in):
    for username in ("clerk", "manager", "gm", "auditor"):
        client = sign_in(username)
        assert client.get("/notices/outlets/").status_code == 403
        assert client.post("/notices/outlets/robots/new", data=robot_data()).status_code == 403
        assert client.post("/notices/outlets/deliveries/resend").status_code == 403
    assert "通知出口" in text(sign_in("admin").get("/notices/outlets/"))


def test_a_robot_is_made_changed_and_switched_off_and_never_shows_its_key(make, sign_in):
    client = sign_in("admin")
    assert client.post("/notices/outlets/robots/new", data=robot_data()).status_code == 302
    robot_id = db.session.scalars(select(Robot.id)).one()
    address = f"/notices/outlets/robots/{robot_id}"
    for page in (text(client.get("/notices/outlets/")), text(client.get(address))):
        assert KEY not in page
        assert SECRET not in page
        assert "客服群" in page
        assert KEY[-4:] in page
    version = re.search(r'name="version"[^>]*value="(\d+)"', text(client.get(address))).group(1)
    change = robot_data(address="", secret="", version=version)
    change.pop("active")
    assert client.post(address, data=change).status_code == 302
    stale = client.post(address, data=robot_data(version=version, name="别名"))
    assert stale.status_code == 409
    db.session.rollback()
    kept = db.session.get_one(Robot, robot_id)
    assert (kept.address, kept.secret, kept.active) == (ADDRESS, SECRET, False)
    assert KEY not in str([line.facts for line in story("robot", robot_id)])
    assert client.get("/notices/outlets/robots/99").status_code == 404


ROBOT_WRONG = [
    ("name", "", 422),
    ("name", "名" * 41, 422),
    ("outlet", "email", 422),
    ("outlet", "", 422),
    ("address", "", 422),
    ("address", "https://evil.example.com/x", 422),
    ("address", "https://127.0.0.1/x", 422),
    ("address", "https://qyapi.weixin.qq.com@evil.example.com/", 422),
    ("kinds", [], 422),
    ("kinds", "digest", 422),
    ("kinds", "x", 422),
    ("community_id", "99999", 422),
    ("name", "已有的", 409),
]


def test_the_robot_form_refuses_each_wrong_field_and_keeps_the_rest(make, sign_in):
    client = sign_in("admin")
    client.post("/notices/outlets/robots/new", data=robot_data(name="已有的"))
    for field, value, status in ROBOT_WRONG:
        data = robot_data(**{field: value})
        answer = client.post("/notices/outlets/robots/new", data=data)
        page = text(answer)
        assert answer.status_code == status, (field, value)
        assert f'id="{field}-error"' in page, (field, value)
        assert SECRET not in page
        if field != "name":
            assert 'value="客服群"' in page


@pytest.fixture
def dead(make):
    """Two deliveries that were given up."""
    with transaction():
        make.user("gm").email = "wang@example.com"
    told(make, "gm", count=2, kind=NoticeKind.MAJOR, title="重大投诉")

    def refuse(_parcel):
        raise SendingFailed("收件人被拒绝（550 no such mailbox）。")

    at = clock.at(clock.today(), 12)
    with transaction():
        for one in db.session.scalars(select(Delivery)):
            one.urgent, one.next_at = True, at
    for _ in range(TRIES):
        deliver_due(refuse, limit=9, at=at)
        at += timedelta(days=1)
    found = list(db.session.scalars(select(Delivery).order_by(Delivery.id)))
    assert {one.state for one in found} == {DeliveryState.DEAD}
    return [one.id for one in found]


def test_dead_letters_are_shown_with_their_reason_and_sent_again_one_or_all(make, sign_in, dead):
    client = sign_in("admin")
    page = text(client.get("/notices/outlets/?state=dead"))
    assert page.count("550 no such mailbox") == 2
    assert "全部重发（2）" in page
    assert "没有待发送的消息" in text(client.get("/notices/outlets/?state=waiting"))
    answer = client.post(f"/notices/outlets/deliveries/{dead[0]}/resend", data={"once": token()})
    assert answer.status_code == 302
    client.post(f"/notices/outlets/deliveries/{dead[0]}/resend", data={"once": token()})
    assert "已经不在" in text(client.get("/notices/outlets/"))
    db.session.rollback()
    states = [db.session.get_one(Delivery, one).state for one in dead]
    assert states == [DeliveryState.WAITING, DeliveryState.DEAD]
    client.post("/notices/outlets/deliveries/resend", data={"once": token()})
    db.session.rollback()
    again = [db.session.get_one(Delivery, one) for one in dead]
    assert {(one.state, one.attempts) for one in again} == {(DeliveryState.WAITING, 0)}
    assert client.post("/notices/outlets/deliveries/999/resend").status_code == 404


def test_a_trial_message_is_sent_at_once_and_its_failure_told_in_words(engine, make):
    with web_server() as robots:
        settings = Settings(
            database_url=engine.url,
            secret_key="x" * 32,
            testing=True,
            webhook_hosts=webhook.hosts(robots.host),
        )
        app = create_app(settings)
        app.config["WTF_CSRF_ENABLED"] = False
        with transaction():
            db.session.add(
                Robot(
                    name="g",
                    outlet=Outlet.WECOM,
                    address=f"{robots.host}/g?key={KEY}",
                    kinds="major",
                    active=True,
                )
            )
        robot_id = db.session.scalars(select(Robot.id)).one()
        db.session.rollback()
        client = app.test_client()
        client.post("/sign-in", data={"username": "admin", "password": "correct-horse-9"})
        for told_back, words in (
            (say(OK), "已收到试发消息"),
            (say({"errcode": 93000, "errmsg": "invalid <b>url</b>"}), "93000 invalid &lt;b&gt;"),
        ):
            robots.answer = told_back
            answer = client.post(f"/notices/outlets/robots/{robot_id}/try")
            assert answer.status_code == 302
            page = text(client.get("/notices/outlets/"))
            assert words in page
            assert KEY not in page
        assert "试发" in robots.heard[0][2]["text"]["content"]
        assert "请先在“通知设置”里" in text(
            client.post("/notices/outlets/mail/try", follow_redirects=True)
        )
        with transaction():
            make.user("admin").email = "admin@example.com"
        assert "没有配置发信服务器" in text(
            client.post("/notices/outlets/mail/try", follow_redirects=True)
        )
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


def test_the_account_and_department_forms_take_mailbox_and_head(make, sign_in):
    client, handler = sign_in("admin"), make.world.users["handler"]
    page = text(client.get(f"/people/{handler}"))
    version = re.search(r'name="version"[^>]*value="(\d+)"', page).group(1)
    department = make.world.departments["PM"]
    data = {
        "name": "周工",
        "email": "周@example.com",
        "department_id": department,
        "roles": "handler",
        "active": "y",
        "version": version,
        "once": token(),
    }
    wrong = client.post(f"/people/{handler}", data=data)
    assert wrong.status_code == 422
    assert 'id="email-error"' in text(wrong)
    good = client.post(
        f"/people/{handler}", data=data | {"email": "zhou@example.com", "once": token()}
    )
    assert good.status_code == 302
    assert "zhou@example.com" in text(client.get(f"/people/{handler}"))
    address = f"/people/departments/{department}"
    facts = {"name": "物业公司", "code": "PM", "handler_id": handler, "active": "y"}
    foreign = client.post(
        address, data=facts | {"head_id": make.world.users["lawyer"], "once": token()}
    )
    assert foreign.status_code == 422
    assert 'id="head_id-error"' in text(foreign)
    own = client.post(address, data=facts | {"head_id": handler, "once": token()})
    assert own.status_code == 302
    assert re.search(
        rf'id="head_id".*?selected value="{handler}"', text(client.get(address)), re.DOTALL
    )
