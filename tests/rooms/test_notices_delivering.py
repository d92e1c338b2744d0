"""Delivering against real receivers on loopback: at least once, never lost, nobody held up by another's failure."""

import collections
import hashlib
import hmac
import subprocess
import sys
import threading
import time
from base64 import b64encode
from datetime import date, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import func, select, update

from tests.support.receivers import (
    OK,
    Robots,
    close_early,
    free_port,
    hang,
    mail_server,
    say,
    web_server,
)
from ticketing.casefile.notices import commands, delivering, outlets
from ticketing.casefile.notices.commands import Message, tell
from ticketing.casefile.notices.delivering import BACK_OFF, LEASE, TRIES, Counts, deliver_due
from ticketing.casefile.notices.models import Delivery, DeliveryState, NoticeKind, Outlet, Robot
from ticketing.kernel import clock, webhook
from ticketing.kernel.db import db, transaction
from ticketing.kernel.mail import MailServer
from ticketing.kernel.wire import SendingFailed
from ticketing.settings import ROOT, Settings

NOON = clock.at(date(2026, 11, 25), 12)
NIGHT = clock.at(date(2026, 11, 25), 23)
MINUTE = timedelta(minutes=1)


def settings(robots: Robots | None = None, mail: MailServer | None = None) -> Settings:
    return Settings(
        database_url="",
        secret_key="",
        address="https://kf.example.com",
        mail=mail or MailServer(),
        webhook_hosts=webhook.hosts(robots.host) if robots else (),
    )


@pytest.fixture
def robots():
    with web_server() as listening:
        yield listening


@pytest.fixture
def groups(make, robots):
    """Makes robots of the web server, by name; `/name` is their path."""

    def found(*names, outlet=Outlet.WECOM, secret=""):
        with transaction():
            db.session.add_all(
                Robot(
                    name=name,
                    outlet=outlet,
                    address=f"{robots.host}/{name}?key=k",
                    secret=secret,
                    kinds="major",
                    active=True,
                )
                for name in names
            )

    return found


def major(n=1, *, at=NOON, users=(), urgent=True, title="重大投诉", body="地下车库进水", **more):
    with transaction():
        tell(
            [
                Message(tuple(users), NoticeKind.MAJOR, f"major:{i}", title, body, "/tickets/1", urgent=urgent, **more)
                for i in range(n)
            ],
            at=at,
        )  # fmt: skip


def states():
    db.session.expire_all()
    rows = db.session.execute(select(Delivery.state, func.count()).group_by(Delivery.state))
    return {state.value: count for state, count in rows}


def the_one():
    db.session.expire_all()
    return db.session.scalars(select(Delivery)).one()


def refuse(sentence="收件人被拒绝", everybody=False):
    def send(_parcel):
        raise SendingFailed(sentence, everybody=everybody)

    return send


def test_a_mail_and_a_group_message_go_out_once_and_carry_their_id(make, robots, groups):
    groups("g")
    with transaction():
        make.user("gm").email = "wang@example.com"
    major(users=[make.world.users["gm"]])
    with mail_server() as mailbox:
        send = outlets.sender(settings(robots, mailbox.server))
        assert deliver_due(send, limit=50, at=NOON) == Counts(sent=2)
        assert deliver_due(send, limit=50, at=NOON + MINUTE) == Counts()
    ((receivers, letter),) = mailbox.letters
    assert receivers == ["wang@example.com"]
    assert letter["Subject"] == "【客服通】重大投诉"
    assert "https://kf.example.com/tickets/1" in letter.get_content()
    ((path, headers, told),) = robots.heard
    assert path == "/g?key=k"
    assert headers["X-Event-Id"] != letter["X-Event-Id"]
    text = told["text"]["content"]
    assert text.startswith(
        "【客服通】重大投诉\n地下车库进水\nhttps://kf.example.com/tickets/1\n编号 "
    )
    assert headers["X-Event-Id"].startswith(text.rpartition(" ")[2])
    rows = db.session.scalars(select(Delivery)).all()
    assert {(one.state, one.attempts, one.sent_at, one.error) for one in rows} == {
        (DeliveryState.SENT, 1, NOON, "")
    }


def test_a_failure_waits_longer_each_time_and_ends_as_a_dead_letter_with_its_reason(make, groups):
    groups("g")
    major()
    at = NOON
    for attempt, pause in enumerate(BACK_OFF, start=1):
        assert deliver_due(refuse(), limit=9, at=at) == Counts(failed=1)
        one = the_one()
        assert (one.state, one.attempts, one.error) == (
            DeliveryState.WAITING,
            attempt,
            "收件人被拒绝",
        )
        assert pause * 0.8 <= one.next_at - at <= pause * 1.2
        assert deliver_due(refuse(), limit=9, at=one.next_at - timedelta(seconds=1)) == Counts()
        at = one.next_at
    assert deliver_due(refuse("最后的原因"), limit=9, at=at) == Counts(dead=1)
    one = the_one()
    assert (one.state, one.attempts, one.error) == (DeliveryState.DEAD, TRIES, "最后的原因")
    assert deliver_due(refuse(), limit=9, at=at + timedelta(days=30)) == Counts()


def test_the_pauses_are_never_quite_the_same():
    pauses = {delivering.back_off(4) for _ in range(50)}
    assert len(pauses) > 40
    assert delivering.back_off(99) <= BACK_OFF[-1] * 1.2


def test_a_dead_letter_is_sent_again_under_the_same_id(make, robots, groups):
    groups("g")
    major()
    robots.answer = say({"errcode": 93000, "errmsg": "invalid webhook url"})
    send, at = outlets.sender(settings(robots)), NOON
    for _ in range(TRIES):
        deliver_due(send, limit=9, at=at)
        at = the_one().next_at
    assert the_one().state is DeliveryState.DEAD
    assert "93000 invalid webhook url" in the_one().error
    robots.answer = say(OK)
    with clock.held(at), transaction():
        commands.resend(the_one(), actor=make.user("admin"))
    assert deliver_due(send, limit=9, at=at) == Counts(sent=1)
    assert len(robots.heard) == TRIES + 1
    assert len(set(robots.ids())) == 1


def test_a_sender_that_died_holds_a_delivery_no_longer_than_its_lease(make, groups):
    groups("g")
    major()
    taken, dead = delivering._claim(9, NOON)
    assert ([parcel.attempts for parcel in taken], dead) == ([1], 0)
    sent = []
    assert deliver_due(sent.append, limit=9, at=NOON + LEASE - timedelta(seconds=1)) == Counts()
    assert deliver_due(sent.append, limit=9, at=NOON + LEASE) == Counts(sent=1)
    assert (sent[0].attempts, sent[0].stable_id) == (2, taken[0].stable_id)


def test_a_slow_sender_whose_lease_ran_out_does_not_undo_what_another_did(app, make, groups):
    groups("g")
    major()

    def slow(_parcel):
        with app.app_context():
            assert deliver_due(lambda _: None, limit=9, at=NOON + LEASE) == Counts(sent=1)
        raise SendingFailed("太晚了")

    deliver_due(slow, limit=9, at=NOON)
    assert the_one().state is DeliveryState.SENT


def test_a_slow_sender_does_not_take_the_lease_from_its_successor(app, make, groups):
    groups("g")
    major()

    def slow(_parcel):
        with app.app_context():
            assert [one.attempts for one in delivering._claim(9, NOON + LEASE)[0]] == [2]
        raise SendingFailed("太晚了")

    deliver_due(slow, limit=9, at=NOON)
    one = the_one()
    assert (one.attempts, one.leased_until, one.error) == (2, NOON + 2 * LEASE, "")


def test_a_long_queue_for_a_dead_receiver_crowds_out_nobody(make, robots, groups):
    groups("down", "up")
    major(10)
    robots.by_path["/down?key=k"] = say(b"", 503)
    send = outlets.sender(settings(robots))
    assert deliver_due(send, limit=5, at=NOON) == Counts(failed=1)
    assert deliver_due(send, limit=10, at=NOON) == Counts(sent=10)


def test_what_kills_its_sender_every_time_is_given_up(make, groups):
    groups("g")
    major()
    at = NOON
    for _ in range(TRIES):
        assert delivering._claim(9, at)[0]
        at += LEASE
    assert deliver_due(refuse(), limit=9, at=at) == Counts(dead=1)
    assert "中断" in the_one().error


def test_a_fault_of_the_program_is_a_failure_like_any_other(make, groups):
    groups("g")
    major()

    def broken(_parcel):
        raise KeyError("x")

    assert deliver_due(broken, limit=9, at=NOON) == Counts(failed=1)
    assert the_one().error == "发送程序出错（KeyError）。"


@pytest.mark.parametrize("way", [hang, close_early, say(b"", 500), say({"errcode": 45009})])
def test_a_receiver_that_is_down_holds_up_nobody_and_loses_nothing(
    make, robots, groups, monkeypatch, way
):
    monkeypatch.setattr(webhook, "SECONDS", 0.5)
    groups("down", "up1", "up2")
    major(6)
    robots.by_path["/down?key=k"] = way
    send = outlets.sender(settings(robots))
    began = time.monotonic()
    assert deliver_due(send, limit=50, at=NOON) == Counts(sent=12, failed=1)
    assert time.monotonic() - began < 3
    assert sum(path == "/down?key=k" for path, _, _ in robots.heard) == 1
    assert states() == {"sent": 12, "waiting": 6}
    tries = db.session.scalars(select(Delivery.attempts).where(Delivery.state == "waiting"))
    assert sorted(tries) == [0, 0, 0, 0, 0, 1]
    assert deliver_due(send, limit=50, at=NOON + timedelta(seconds=40)) == Counts()
    robots.by_path.clear()
    assert deliver_due(send, limit=50, at=NOON + 2 * MINUTE) == Counts(sent=6)
    assert states() == {"sent": 18}


def test_a_dead_mail_server_loses_no_mail(make):
    users = ["gm", "deputy_gm", "manager"]
    with transaction():
        for name in users:
            make.user(name).email = f"{name.replace('_', '')}@example.com"
    major(5, users=[make.world.users[name] for name in users])
    port, at = free_port(), NOON
    with mail_server(port) as mailbox:
        server = mailbox.server
    for _ in range(3):
        assert deliver_due(outlets.sender(settings(mail=server)), limit=50, at=at).sent == 0
        at += 10 * MINUTE
    assert states() == {"waiting": 15}
    with mail_server(port) as mailbox:
        deliver_due(outlets.sender(settings(mail=server)), limit=50, at=at)
    assert states() == {"sent": 15}
    assert len({letter["Message-ID"] for _, letter in mailbox.letters}) == 15


def test_one_refused_mailbox_stops_no_other_mail(make):
    with transaction():
        make.user("gm").email = "gone@example.com"
        make.user("manager").email = "zhao@example.com"
    major(3, users=[make.world.users["gm"], make.world.users["manager"]])

    def send(parcel):
        if parcel.to.startswith("gone"):
            raise SendingFailed("收件人被拒绝（550）。")

    assert deliver_due(send, limit=50, at=NOON) == Counts(sent=3, failed=3)


def test_a_robot_is_never_sent_more_than_its_service_takes_in_a_minute(make, robots, groups):
    groups("g")
    major(45)
    send = outlets.sender(settings(robots))
    for minute, sent in enumerate((18, 18, 9)):
        assert deliver_due(send, limit=100, at=NOON + minute * MINUTE) == Counts(sent=sent)
    assert states() == {"sent": 45}
    assert set(db.session.scalars(select(Delivery.attempts))) == {1}


def test_a_run_ends_when_its_time_is_up_and_gives_the_rest_back(make, groups, monkeypatch):
    monkeypatch.setattr(delivering, "BUDGET", 0.3)
    groups("g")
    major(8)
    counts = deliver_due(lambda _: time.sleep(0.2), limit=50, at=NOON)
    assert 1 <= counts.sent <= 3
    rest = db.session.scalars(select(Delivery).where(Delivery.state == "waiting")).all()
    assert {(one.attempts, one.leased_until) for one in rest} == {(0, None)}
    assert len(rest) == 8 - counts.sent


def test_at_night_only_what_is_urgent_goes_out_also_when_it_was_due_before(make, groups):
    groups("g")
    major(2, urgent=False, at=NOON)
    major(3, urgent=True, at=NOON)
    with transaction():
        db.session.execute(update(Delivery).where(Delivery.event == "major:2").values(urgent=True))
    sent = []
    deliver_due(sent.append, limit=50, at=NIGHT)
    assert [parcel.event for parcel in sent] == ["major:2"]
    assert deliver_due(sent.append, limit=50, at=clock.at(date(2026, 11, 26), 8, 30)).sent == 2


def test_a_calm_message_that_fails_in_the_evening_is_tried_again_in_the_morning(make, groups):
    groups("g")
    evening = clock.at(date(2026, 11, 27), 17, 29) + timedelta(seconds=50)
    major(urgent=False, at=evening)
    deliver_due(refuse(), limit=9, at=evening)
    assert the_one().next_at == clock.at(date(2026, 11, 30), 8, 30)


def test_what_is_urgent_goes_first(make, groups):
    groups("g")
    major(3, urgent=False, at=NOON - MINUTE)
    with transaction():
        tell([Message((), NoticeKind.MAJOR, "fire", "火警", "", "/", urgent=True)], at=NOON)
    sent = []
    deliver_due(sent.append, limit=1, at=NOON)
    assert [parcel.event for parcel in sent] == ["fire"]


def test_nothing_is_sent_to_who_has_left_or_to_a_robot_switched_off(make, groups):
    groups("g")
    with transaction():
        make.user("gm").email = "wang@example.com"
    major(users=[make.world.users["gm"]])
    with transaction():
        make.user("gm").active = False
        db.session.scalars(select(Robot)).one().active = False
    sent = []
    assert deliver_due(sent.append, limit=9, at=NOON) == Counts(dead=2)
    assert sent == []
    errors = set(db.session.scalars(select(Delivery.error)))
    assert errors == {"收件人的账号已停用。", "这个机器人已停用。"}


def test_a_message_goes_to_where_its_receiver_is_reached_now(make):
    with transaction():
        make.user("gm").email = "old@example.com"
    major(users=[make.world.users["gm"]])
    with transaction():
        make.user("gm").email = "new@example.com"
    sent = []
    deliver_due(sent.append, limit=9, at=NOON)
    assert [parcel.to for parcel in sent] == ["new@example.com"]


def test_many_senders_at_once_send_everything_exactly_once(app, make, robots, groups):
    groups(*(f"g{n}" for n in range(6)))
    major(10)
    send = outlets.sender(settings(robots))
    faults = []

    def run():
        try:
            with app.app_context():
                while deliver_due(send, limit=7, at=NOON).sent:
                    pass
        except Exception as fault:
            faults.append(fault)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert states() == {"sent": 60}
    assert len(robots.heard) == len(set(robots.ids())) == 60


def test_four_processes_killed_between_sending_and_marking_lose_nothing(
    engine, make, robots, groups
):
    groups(*(f"g{n}" for n in range(5)))
    major(8)
    db.session.remove()

    def wave(at, processes, dies_after):
        running = [
            subprocess.Popen(
                [
                    *(sys.executable, "-m", "tests.support.one_sender"),
                    *(engine.url, robots.host, at.isoformat(), str(dies_after)),
                ],
                cwd=ROOT,
            )
            for _ in range(processes)
        ]
        return [one.wait(60) for one in running]

    assert 9 in wave(NOON, 4, dies_after=2)
    assert states().get("sent", 0) < 40
    db.session.rollback()
    assert set(wave(NOON + LEASE, 1, dies_after=0)) == {0}
    assert states() == {"sent": 40}
    heard = collections.Counter(robots.ids())
    assert len(heard) == 40
    assert 40 < sum(heard.values()) <= 40 + 4 * 5
    texts = {(headers["X-Event-Id"], told["text"]["content"]) for _, headers, told in robots.heard}
    assert len(texts) == 40


def parcel(outlet=Outlet.WECOM, **more):
    values = {
        "id": 1, "event": "e", "kind": NoticeKind.MAJOR, "outlet": outlet, "recipient": "1",
        "robot_id": 1, "to": "x", "secret": "", "title": "标题", "body": "正文", "path": "/tickets/1",
        "urgent": True, "at": NOON, "attempts": 1,
    }  # fmt: skip
    return delivering.Parcel(**(values | more))


EVIL = "@all @所有人 <@userid> <font color=red> [点这里](https://evil.example.com) **x** \r\n# 标题\x00"


@pytest.mark.parametrize("outlet", [Outlet.WECOM, Outlet.DINGTALK])
def test_typed_words_have_no_power_in_a_group(outlet):
    told = outlets.payload(parcel(outlet, title=EVIL, body=EVIL), settings())
    assert told["msgtype"] == "text"
    text = told["text"]["content"]
    assert "@" not in text
    assert "<" not in text
    assert "https://evil" not in text
    assert "\x00" not in text
    assert text.splitlines()[0].startswith("【客服通】")
    assert "https://kf.example.com/tickets/1" in text
    if outlet is Outlet.WECOM:
        assert told["text"]["mentioned_list"] == []
    else:
        assert told["at"] == {"atMobiles": [], "isAtAll": False}


@pytest.mark.parametrize("outlet", [Outlet.WECOM, Outlet.DINGTALK])
def test_a_long_message_is_cut_with_a_mark_and_keeps_its_link_and_id(outlet):
    long = parcel(outlet, title="题" * 900, body="长文🙂" * 9000)
    text = outlets.payload(long, settings())["text"]["content"]
    limit = outlets.MOST_BYTES[outlet]
    assert limit - 8 <= len(text.encode()) <= limit
    assert outlets.CUT in text
    assert text.endswith(f"https://kf.example.com/tickets/1\n编号 {long.stable_id[:10]}")
    assert outlets.fit("短", 100) == "短"


def test_a_signed_robot_can_be_checked_by_its_service(make, robots, groups):
    groups("d", outlet=Outlet.DINGTALK, secret="SEC000")
    major()
    assert deliver_due(outlets.sender(settings(robots)), limit=9, at=NOON) == Counts(sent=1)
    query = parse_qs(urlsplit(robots.heard[0][0]).query)
    stamp = query["timestamp"][0]
    digest = hmac.new(b"SEC000", f"{stamp}\nSEC000".encode(), hashlib.sha256).digest()
    assert query["sign"] == [b64encode(digest).decode()]
    assert query["key"] == ["k"]
    assert abs(int(stamp) / 1000 - time.time()) < 60


def test_without_an_address_of_the_site_no_link_is_made_up():
    nowhere = Settings(database_url="", secret_key="")
    assert "http" not in outlets.payload(parcel(), nowhere)["text"]["content"]


def test_the_stable_id_is_one_for_each_receiver_and_always_the_same():
    one = parcel()
    assert one.stable_id == parcel(attempts=5, title="改了").stable_id
    others = {
        parcel(event="f").stable_id,
        parcel(recipient="2").stable_id,
        parcel(Outlet.DINGTALK).stable_id,
    }
    assert len(others | {one.stable_id}) == 4
    assert one.stable_id.isalnum()


def test_a_robot_outside_the_list_is_never_called(make, robots, groups):
    groups("g")
    major()
    send = outlets.sender(Settings(database_url="", secret_key=""))
    assert deliver_due(send, limit=9, at=NOON) == Counts(failed=1)
    assert "不在允许的范围内" in the_one().error
    assert robots.heard == []
