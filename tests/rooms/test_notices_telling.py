"""Telling: inboxes and outbox in the transaction of the cause, once for each event, in a handful of statements."""

from datetime import date, timedelta

import pytest
from sqlalchemy import func, insert, select

from tests.pages.helpers import recorded
from ticketing.casefile.notices import commands, queries
from ticketing.casefile.notices.commands import Message, tell
from ticketing.casefile.notices.models import (
    MAILED,
    Delivery,
    DeliveryState,
    Notice,
    NoticeKind,
    Outlet,
    Robot,
)
from ticketing.kernel import clock, webhook
from ticketing.kernel.db import MOST_COUNTED, db, transaction
from ticketing.kernel.errors import Invalid
from ticketing.masters.people.models import User
from ticketing.masters.workcalendar.queries import calendar

NOON = clock.at(date(2026, 11, 25), 12)
HOSTS = webhook.hosts(webhook.OFFICIAL_HOSTS)
ADDRESS = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=693a91f6-7xxx"


def message(make, *usernames, kind=NoticeKind.MAJOR, event="major:1", **more):
    return Message(
        user_ids=tuple(make.world.users[name] for name in usernames),
        kind=kind,
        event=event,
        title="重大投诉 FZ-2026-00001",
        body="地下车库进水",
        path="/tickets/1",
        **more,
    )


def say(*messages, at=NOON):
    with transaction():
        tell(messages, at=at)


def mailbox(make, *usernames):
    with transaction():
        for name in usernames:
            make.user(name).email = f"{name.replace('_', '-')}@example.com"


def robot(make, name="重大投诉群", kinds=(NoticeKind.MAJOR,), community=None, **more):
    facts = {
        "name": name,
        "outlet": Outlet.WECOM,
        "address": ADDRESS,
        "secret": "",
        "kinds": list(kinds),
        "community_id": make.world.communities[community] if community else None,
        "active": True,
        "allowed": HOSTS,
        "actor": make.user("admin"),
    }
    with transaction():
        return commands.save_robot(None, **{**facts, **more})


def outbox():
    rows = db.session.scalars(select(Delivery).order_by(Delivery.id))
    return [
        (one.event, one.outlet, one.user.username if one.user else one.robot.name) for one in rows
    ]


@pytest.mark.clause("3.4.7")
def test_an_event_reaches_inbox_mailbox_and_group_once_however_often_it_is_told(make):
    mailbox(make, "gm")
    robot(make)
    for _ in range(3):
        say(message(make, "gm", "deputy_gm", "gm"))
    assert db.session.scalar(select(func.count(Notice.id))) == 2
    assert outbox() == [("major:1", Outlet.EMAIL, "gm"), ("major:1", Outlet.WECOM, "重大投诉群")]
    assert queries.unread(make.scope("gm")) == 1
    assert queries.unread(make.scope("clerk")) == 0


def test_a_notice_lives_and_dies_with_what_caused_it(make):
    mailbox(make, "gm")

    def told_and_undone():
        with transaction():
            tell([message(make, "gm")], at=NOON)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        told_and_undone()
    assert db.session.scalar(select(func.count(Notice.id))) == 0
    assert outbox() == []


@pytest.mark.parametrize("kind", NoticeKind)
def test_without_a_choice_only_what_must_not_be_missed_comes_by_mail(make, kind):
    mailbox(make, "handler")
    say(message(make, "handler", kind=kind))
    assert bool(outbox()) == (kind in MAILED)


def test_people_choose_what_reaches_their_mailbox(make):
    with transaction():
        commands.choose(
            email="zhou@example.com", mailed=[NoticeKind.ASSIGNED], actor=make.user("handler")
        )
    assert queries.mailed_kinds(make.scope("handler")) == [NoticeKind.ASSIGNED]
    assert set(queries.mailed_kinds(make.scope("clerk"))) == MAILED
    for kind in NoticeKind:
        say(message(make, "handler", kind=kind, event=kind.value))
    assert outbox() == [("assigned", Outlet.EMAIL, "handler")]
    with transaction():
        commands.choose(email="zhou@example.com", mailed=[], actor=make.user("handler"))
    say(message(make, "handler", kind=NoticeKind.ASSIGNED, event="later"))
    assert len(outbox()) == 1
    with pytest.raises(Invalid), transaction():
        commands.choose(email="zhou@", mailed=[], actor=make.user("handler"))


def test_who_has_no_mailbox_or_no_account_any_more_gets_no_mail(make):
    mailbox(make, "gm", "deputy_gm")
    with transaction():
        make.user("gm").active = False
    say(message(make, "gm", "deputy_gm", "manager"))
    assert [who for _, _, who in outbox()] == ["deputy_gm"]


def test_a_group_hears_of_its_kinds_and_its_community_only(make):
    robot(make, "全部", kinds=(NoticeKind.MAJOR, NoticeKind.BREACH))
    robot(make, "翠湖", community="YX")
    robot(make, "停用", active=False)
    here, there = (make.world.communities[code] for code in ("YX", "LH"))
    say(message(make, "gm", event="here", community_id=here))
    say(message(make, "gm", event="there", community_id=there))
    say(message(make, "gm", event="late", kind=NoticeKind.BREACH, community_id=here))
    say(message(make, "gm", event="own", kind=NoticeKind.DIGEST, community_id=here))
    heard = [(event, who) for event, _, who in outbox()]
    assert heard == [("here", "全部"), ("here", "翠湖"), ("there", "全部"), ("late", "全部")]


QUIET = [
    (clock.at(date(2026, 11, 25), 22), clock.at(date(2026, 11, 26), 8, 30)),
    (clock.at(date(2026, 11, 25), 3), clock.at(date(2026, 11, 25), 8, 30)),
    (clock.at(date(2026, 11, 27), 17, 30), clock.at(date(2026, 11, 30), 8, 30)),
    (clock.at(date(2026, 10, 1), 10), clock.at(date(2026, 10, 8), 8, 30)),
    (NOON, NOON),
]


@pytest.mark.parametrize(("told_at", "goes_at"), QUIET)
def test_nothing_goes_out_at_night_or_on_holidays_unless_it_is_urgent(make, told_at, goes_at):
    mailbox(make, "gm")
    say(
        message(make, "gm", event="calm"),
        message(make, "gm", event="urgent", urgent=True),
        at=told_at,
    )
    due = dict(db.session.execute(select(Delivery.event, Delivery.next_at)).all())
    assert due == {"calm": goes_at, "urgent": told_at}
    assert db.session.scalar(select(func.count(Notice.id)).where(Notice.at == told_at)) == 2


def test_ten_thousand_receivers_cost_a_handful_of_statements(make):
    with transaction():
        db.session.execute(
            insert(User),
            [
                {
                    "username": f"u{n}",
                    "name": f"人{n}",
                    "email": f"u{n}@example.com",
                    "employee_number": "",
                    "phone": "",
                    "everywhere": False,
                    "password_hash": "",
                    "active": True,
                    "version": 1,
                }
                for n in range(2500)
            ],
        )
    ids = db.session.scalars(select(User.id).where(User.username.like("u%"))).all()
    assert len(ids) == 2500
    messages = [
        Message((user_id,), NoticeKind.DIGEST, f"digest:{part}:{user_id}", "今日", "", "/")
        for part in range(4)
        for user_id in ids
    ]
    calendar(clock.today())  # read once for the process
    with recorded(db.engine) as recorder, transaction():
        tell(messages, at=NOON)
    assert len(recorder.statements) <= 4
    assert db.session.scalar(select(func.count(Notice.id))) == 10_000
    assert db.session.scalar(select(func.count(Delivery.id))) == 10_000
    with recorded(db.engine) as recorder, transaction():
        tell([], at=NOON)
    assert recorder.statements == []


def test_a_robot_keeps_its_secret_and_its_address_unless_new_ones_are_typed(make):
    known = robot(make, secret="SEC-1")
    from ticketing.journal.queries import story

    with transaction():
        commands.save_robot(
            known,
            version=known.version,
            name="改名",
            outlet=Outlet.WECOM,
            address="",
            secret="",
            kinds=[NoticeKind.BREACH],
            community_id=None,
            active=False,
            allowed=HOSTS,
            actor=make.user("admin"),
        )
    known = db.session.get_one(Robot, known.id)
    assert (known.address, known.secret, known.kinds) == (ADDRESS, "SEC-1", "breach")
    told = str([line.facts for line in story("robot", known.id)])
    assert "SEC-1" not in told
    assert "693a91f6" not in told
    with pytest.raises(Invalid) as refused, transaction():
        robot(make, "别处", address="https://evil.example.com/")
    assert refused.value.field == "address"
    for kinds in ([], [NoticeKind.DIGEST]):
        with pytest.raises(Invalid):
            robot(make, "空", kinds=kinds)


def test_reading_all_leaves_unread_what_came_after_the_page(make):
    say(message(make, "gm", event="1"), message(make, "gm", event="2"))
    seen = queries.inbox(make.scope("gm"))[0][0].id
    say(message(make, "gm", event="3"), message(make, "deputy_gm", event="3"))
    with transaction():
        commands.mark_all_read(seen=seen, actor=make.user("gm"))
    assert queries.unread(make.scope("gm")) == 1
    assert queries.unread(make.scope("deputy_gm")) == 1
    lines, following = queries.inbox(make.scope("gm"), unread_only=True)
    assert [line.event for line in lines] == ["3"]
    assert following == ""


def test_the_bell_counts_no_further_than_it_shows(make):
    say(*(message(make, "gm", event=f"e{n}") for n in range(130)))
    assert queries.unread(make.scope("gm")) == MOST_COUNTED
    first, following = queries.inbox(make.scope("gm"))
    second, _ = queries.inbox(make.scope("gm"), before_id=int(following))
    assert [line.event for line in first + second] == [f"e{n}" for n in range(129, 69, -1)]


def test_a_waiting_delivery_knows_when_it_is_due(make):
    mailbox(make, "gm")
    say(message(make, "gm"))
    one = db.session.scalars(select(Delivery)).one()
    assert (one.state, one.attempts, one.at) == (DeliveryState.WAITING, 0, NOON)
    assert one.next_at - one.at == timedelta(0)
