"""Signing in and out: guessing is slowed, sessions live on the server, rights are read at each request."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from tests.support.world import PASSWORD
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.kernel.errors import Conflict, Invalid, NotPermitted
from ticketing.masters.people import commands as people
from ticketing.masters.people import queries, setting_up
from ticketing.masters.people.models import RoleGrant, SignIn, User
from ticketing.procedure.vocabulary import Role


def try_in(client, username="clerk", password="wrong-password", address="10.0.0.1"):
    return client.post(
        "/sign-in",
        data={"username": username, "password": password},
        environ_overrides={"REMOTE_ADDR": address},
    )


def sentence(answer):
    page = answer.get_data(as_text=True)
    return [line for line in (people.WRONG, people.WAIT) if line in page]


def test_a_wrong_password_an_unknown_and_a_disabled_account_sound_the_same(app, make):
    with transaction():
        make.user("gm").active = False
    client = app.test_client()
    for username, password in (("clerk", "wrong"), ("nobody", "wrong"), ("gm", PASSWORD)):
        answer = try_in(client, username, password)
        assert answer.status_code == 422
        assert sentence(answer) == [people.WRONG]
        assert password not in answer.get_data(as_text=True)
    assert client.get("/tickets/").status_code == 302


def test_five_wrong_tries_close_an_account_for_a_quarter_of_an_hour(app, world):
    client, start = app.test_client(), clock.now()
    with clock.held(start):
        for _ in range(5):
            assert sentence(try_in(client)) == [people.WRONG]
        assert sentence(try_in(client)) == [people.WAIT]
        assert sentence(try_in(client, password=PASSWORD)) == [people.WAIT]
        assert sentence(try_in(client, password=PASSWORD, address="10.9.9.9")) == [people.WAIT]
        assert try_in(client, "office", PASSWORD).status_code == 302
    with clock.held(start + timedelta(minutes=15, seconds=1)):
        assert try_in(app.test_client(), password=PASSWORD).status_code == 302


def test_many_wrong_tries_from_one_address_close_it_for_every_account(app, world, monkeypatch):
    monkeypatch.setattr(queries, "TRIES_PER_ADDRESS", 8)
    client = app.test_client()
    for n in range(8):
        assert sentence(try_in(client, f"guess{n}")) == [people.WRONG]
    assert sentence(try_in(client, "office", PASSWORD)) == [people.WAIT]
    assert try_in(client, "office", PASSWORD, "10.0.0.2").status_code == 302


def test_the_name_is_read_without_regard_to_case(app, world):
    assert try_in(app.test_client(), " CLERK ", PASSWORD).status_code == 302


def test_a_session_that_is_ended_on_the_server_is_over_at_the_next_request(app, make, sign_in):
    client, other = sign_in("clerk"), sign_in("office")
    assert client.get("/tickets/").status_code == 200
    with transaction():
        people.revoke_sign_ins(make.user("clerk"), actor=make.user("admin"))
    assert client.get("/tickets/").location == "/sign-in"
    assert client.post("/intake").status_code == 401
    assert other.get("/tickets/").status_code == 200


def test_a_copied_cookie_is_worthless_after_signing_out(app, sign_in):
    client, thief = sign_in("clerk"), app.test_client()
    thief.set_cookie("session", client.get_cookie("session").value)
    assert thief.get("/tickets/").status_code == 200
    assert client.post("/sign-out").location == "/sign-in"
    assert thief.get("/tickets/").location == "/sign-in"


def test_a_disabled_person_is_out_at_the_next_request(make, sign_in):
    client = sign_in("clerk")
    with transaction():
        db.session.execute(update(User).where(User.username == "clerk").values(active=False))
    assert client.get("/tickets/").location == "/sign-in"


def test_a_right_taken_away_is_gone_at_the_next_request(make, sign_in):
    client, ticket_id = sign_in("office"), make.registered().id
    assert client.get(f"/tickets/{ticket_id}/dispatch").status_code == 200
    with transaction():
        people.set_roles(make.user("office"), roles=[Role.READER], actor=make.user("admin"))
    assert client.get(f"/tickets/{ticket_id}/dispatch").status_code == 403
    assert client.get("/intake").status_code == 403


def test_a_session_ends_by_itself(app, sign_in):
    start = clock.now()
    with clock.held(start):
        client = sign_in("clerk")
    with clock.held(start + people.SESSION_LENGTH - timedelta(seconds=1)):
        assert client.get("/tickets/").status_code == 200
    with clock.held(start + people.SESSION_LENGTH):
        assert client.get("/tickets/").location == "/sign-in"


def test_a_new_password_ends_every_session(make, sign_in):
    client, second = sign_in("clerk"), sign_in("clerk")
    data = {"current": PASSWORD, "password": "a-better-pass-7", "again": "a-better-pass-7"}
    assert client.post("/account", data=data).location == "/sign-in"
    assert client.get("/account").location == second.get("/account").location == "/sign-in"


def test_only_a_hash_of_the_session_is_stored(app, sign_in):
    client = sign_in("clerk")
    with client.session_transaction() as cookie:
        token = cookie["_user_id"]
    with app.app_context():
        hashes = db.session.scalars(select(SignIn.token_hash)).all()
    assert token not in hashes
    assert queries.token_hash(token) in hashes


@pytest.mark.parametrize(
    ("wanted", "arrived"),
    [
        ("/tickets/?stage=handling", "/tickets/?stage=handling"),
        ("https://evil.example/", "/"),
        ("//evil.example/x", "/"),
        ("/\\evil.example", "/"),
        ("javascript:alert(1)", "/"),
        (["/x"], "/"),
        (None, "/"),
    ],
)
def test_signing_in_leads_only_to_addresses_of_this_site(app, world, wanted, arrived):
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie["after_sign_in"] = wanted
    assert try_in(client, password=PASSWORD).location == arrived


def test_the_page_that_was_asked_for_is_opened_after_signing_in(app, world):
    client = app.test_client()
    assert client.get("/tickets/?q=漏水").location == "/sign-in"
    assert try_in(client, password=PASSWORD).location.startswith("/tickets/?q=")
    client = app.test_client()
    client.get("/sign-in?next=https://evil.example")
    assert try_in(client, password=PASSWORD).location == "/"


def test_each_role_has_a_first_page(sign_in):
    homes = {
        "clerk": "/tickets/",
        "handler": "/tickets/",
        "gm": "/major/",
        "deputy_gm": "/major/",
        "finance": "/finance/",
        "cashier": "/finance/",
        "admin": "/people/",
        "captain": "/my-orders",
    }
    for username, address in homes.items():
        client = sign_in(username)
        assert client.get("/").location == address
        assert client.get(address).status_code == 200


def empty(app):
    """Take everybody away, as in a database that was just made."""
    from ticketing.kernel.db import Base

    with app.app_context(), transaction():
        if db.engine.dialect.name == "sqlite":
            db.session.connection().exec_driver_sql("PRAGMA defer_foreign_keys=ON")
            for table in reversed(Base.metadata.sorted_tables):
                db.session.execute(table.delete())
        else:
            names = ", ".join(f'"{name}"' for name in Base.metadata.tables)
            guarded = [
                f"ALTER TABLE {name} {{}} TRIGGER USER"
                for name in ("ledger_entry", "ledger_line", "ledger_closing")
            ]
            for statement in (
                *(one.format("DISABLE") for one in guarded),
                f"TRUNCATE {names}",
                *(one.format("ENABLE") for one in guarded),
            ):
                db.session.connection().exec_driver_sql(statement)


def test_the_first_administrator_is_made_once_with_a_code_from_the_console(app):
    empty(app)
    client, runner = app.test_client(), app.test_cli_runner()
    assert client.get("/sign-in").location == "/set-up"
    page = client.get("/set-up")
    assert page.status_code == 200
    code = runner.invoke(args=["users", "setup-code"]).output.split("：")[-1].strip()
    data = {"username": "root", "name": "甲", "password": "long-enough-1", "code": "0" * 16}
    answer = client.post("/set-up", data=data)
    assert (answer.status_code, "初始化代码不正确" in answer.get_data(as_text=True)) == (422, True)
    assert client.post("/set-up", data=data | {"code": code}).location == "/sign-in"
    assert client.get("/set-up").status_code == 404
    assert client.post("/set-up", data=data | {"username": "b", "code": code}).status_code == 404
    assert try_in(client, "root", "long-enough-1").status_code == 302
    again = runner.invoke(args=["users", "setup-code"])
    assert again.exit_code != 0
    with app.app_context(), pytest.raises(Conflict), transaction():
        setting_up.set_up(code=code, username="c", name="丙", password="long-enough-1")


def test_there_is_no_default_account(app):
    empty(app)
    with app.app_context():
        assert not queries.any_user()
    for username in ("admin", "root", "clerk"):
        assert try_in(app.test_client(), username, PASSWORD).location == "/set-up"


def test_the_console_makes_an_administrator(app, world):
    runner = app.test_cli_runner()
    args = ["users", "create-admin", "chief2", "--name", "管", "--password-stdin"]
    made = runner.invoke(args=args, input="long-enough-1\n")
    assert made.exit_code == 0, made.output
    assert try_in(app.test_client(), "chief2", "long-enough-1").status_code == 302
    for arguments, typed in ((args, "long-enough-1\n"), ([*args[:2], "x", *args[3:]], "short\n")):
        refused = runner.invoke(args=arguments, input=typed)
        assert refused.exit_code != 0
        assert "Error" in refused.output


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaa", "newcomer00"[:9], "CLERKCLERK"])
def test_a_poor_password_is_refused(make, password):
    with pytest.raises(Invalid), transaction():
        people.set_password(make.user("clerk"), password, actor=None)


def granted(make, username, role, by="admin", **facts):
    with transaction():
        people.create_user(
            username=username,
            name="新人",
            password=PASSWORD,
            roles=[role],
            actor=make.user(by),
            **facts,
        )
    return db.session.scalars(
        select(RoleGrant).join(User, User.id == RoleGrant.user_id).where(User.username == username)
    ).one()


def test_a_business_role_counts_only_when_a_second_person_confirmed_it(make, sign_in):
    grant = granted(make, "newcomer", Role.OFFICE)
    grant_id = grant.id
    assert grant.user.roles == frozenset()
    client = sign_in("newcomer")
    assert client.get("/tickets/").status_code == 403
    for refused in (make.user("admin"), grant.user):
        with pytest.raises(NotPermitted), transaction():
            people.confirm_role(db.session.get_one(RoleGrant, grant_id), actor=refused)
    assert sign_in("admin").post(f"/people/grants/{grant_id}/confirm").status_code == 403
    assert sign_in("clerk").post(f"/people/grants/{grant_id}/confirm").status_code == 403
    assert sign_in("admin2").post(f"/people/grants/{grant_id}/confirm").status_code == 302
    assert client.get("/tickets/").status_code == 200
    assert sign_in("manager").post(f"/people/grants/{grant_id}/confirm").status_code == 409
    assert sign_in("manager").post("/people/grants/999999/confirm").status_code == 404


def test_a_reader_needs_no_second_person(make):
    assert granted(make, "watcher", Role.READER).in_force


def test_one_person_with_two_accounts_is_still_one_person(make):
    with transaction():
        make.user("manager").employee_number = "E7"
        make.user("admin").employee_number = "E9"
    grant = granted(make, "second", Role.OFFICE, employee_number="E7")
    with pytest.raises(NotPermitted), transaction():
        people.confirm_role(grant, actor=make.user("manager"))
    with pytest.raises(NotPermitted), transaction():
        granted(make, "third", Role.OFFICE, employee_number="E9")


def test_the_one_who_granted_cannot_confirm_from_his_second_account(make):
    with transaction():
        make.user("admin").employee_number = make.user("admin2").employee_number = "E9"
    grant = granted(make, "fourth", Role.OFFICE)
    with pytest.raises(NotPermitted), transaction():
        people.confirm_role(grant, actor=make.user("admin2"))


def test_an_administrator_gives_himself_no_business_role(make, sign_in):
    for role in Role:
        if role in (Role.ADMIN, Role.READER):
            continue
        with pytest.raises(NotPermitted), transaction():
            people.set_roles(make.user("admin"), roles=[Role.ADMIN, role], actor=make.user("admin"))
    answer = sign_in("admin").post(
        f"/people/{make.world.users['admin']}",
        data={
            "version": make.user("admin").version,
            "name": "管理员",
            "roles": ["admin", "cs_manager"],
            "active": "y",
        },
    )
    assert answer.status_code == 403
    assert "不能给自己授予业务岗位" in answer.get_data(as_text=True)
    assert make.user("admin").roles == {Role.ADMIN}


def test_nobody_disables_himself(make, sign_in):
    answer = sign_in("admin").post(
        f"/people/{make.world.users['admin']}",
        data={"version": make.user("admin").version, "name": "管理员", "roles": ["admin"]},
    )
    assert answer.status_code == 403
    assert make.user("admin").active


def test_every_change_of_rights_stands_in_the_journal(make):
    from ticketing.journal.queries import story

    grant = granted(make, "tracked", Role.OFFICE)
    user_id = grant.user_id
    with transaction():
        people.confirm_role(grant, actor=make.user("admin2"))
        people.set_roles(
            make.user("admin") and db.session.get_one(User, user_id),
            roles=[],
            actor=make.user("admin"),
        )
    acts = [line.entry.act for line in story("user", user_id)]
    assert acts == [
        "create",
        "set_password",
        "revoke_sign_ins",
        "grant_role",
        "confirm_role",
        "take_role",
    ]


def test_a_refused_access_stands_in_the_journal_whatever_the_request_pretends(app, sign_in):
    from ticketing.journal.queries import entries, parsed

    client = sign_in("reader")
    assert client.get("/people/").status_code == 403
    assert client.get("/people/", headers={"X-Fragment": "1"}).status_code == 403
    assert client.post("/intake").status_code == 403
    with app.app_context():
        lines = parsed(db.session.scalars(entries(subject="access")))
    assert [(line.facts["method"], line.facts["path"]) for line in lines] == [
        ("POST", "/intake"),
        ("GET", "/people/"),
        ("GET", "/people/"),
    ]


def test_two_administrators_on_one_account_the_second_is_told(app, world, sign_in):
    first, second = sign_in("admin"), sign_in("admin2")
    address = f"/people/{world.users['clerk']}"
    version = re.search(
        r'name="version"[^>]*value="(\d+)"', first.get(address).get_data(as_text=True)
    )
    assert version is not None
    entry = {
        "version": version.group(1),
        "name": "林晓",
        "roles": ["clerk"],
        "community_ids": [world.communities["YX"]],
        "active": "y",
    }
    assert first.post(address, data={**entry, "once": "a"}).status_code == 302
    answer = second.post(address, data={**entry, "once": "b", "name": "林小"})
    assert answer.status_code == 409
    assert "刚被他人修改" in answer.get_data(as_text=True)
    assert "林小" in answer.get_data(as_text=True)


GIVEN = "one-time-word-3"
OWN = "a-better-pass-7"


@pytest.fixture
def reset(make, sign_in):
    """The clerk's password was reset by the administrator; his client, signed in with the new one."""
    old = sign_in("clerk")
    address = f"/people/{make.world.users['clerk']}/password"
    answer = sign_in("admin").post(address, data={"password": GIVEN, "once": "given"})
    assert answer.status_code == 302
    assert old.get("/tickets/").location == "/sign-in"
    client = old.application.test_client()
    assert try_in(client, password=GIVEN).status_code == 302
    return client


def test_a_password_somebody_else_gave_opens_nothing_but_its_change(app, make, reset):
    ticket_id = make.registered().id
    for address in ("/", "/tickets/", f"/tickets/{ticket_id}", "/intake", "/estate/", "/reports/"):
        assert reset.get(address).location == "/account", address
    assert reset.get("/intake/callers?q=1", headers={"X-Fragment": "1"}).status_code == 403
    assert reset.post("/intake", data={"content": "x"}).status_code == 403
    page = reset.get("/account").get_data(as_text=True)
    assert "管理员于" in page
    assert "一次性密码" in page
    assert "/tickets/" not in page
    data = {"current": GIVEN, "password": GIVEN, "again": GIVEN, "once": "same"}
    same = reset.post("/account", data=data)
    assert same.status_code == 422
    assert "不能与一次性密码相同" in same.get_data(as_text=True)
    data = {"current": GIVEN, "password": OWN, "again": OWN, "once": "own"}
    assert reset.post("/account", data=data).location == "/sign-in"
    assert try_in(reset, password=GIVEN).status_code == 422
    assert try_in(reset, password=OWN).status_code == 302
    assert reset.get("/tickets/").status_code == 200


def test_the_owner_sees_who_gave_him_a_password_and_the_journal_has_it(app, make, reset):
    from ticketing.journal.queries import story

    data = {"current": GIVEN, "password": OWN, "again": OWN, "once": "own"}
    reset.post("/account", data=data)
    try_in(reset, password=OWN)
    page = reset.get("/account").get_data(as_text=True)
    assert re.search(r"由管理员给过一次性密码", page)
    lines = story("user", make.world.users["clerk"])
    given = [line.entry.actor_name for line in lines if line.entry.act == "give_password"]
    assert given == ["管理员"]


def test_who_has_only_a_one_time_password_may_still_leave(reset):
    assert reset.post("/sign-out").location == "/sign-in"
    assert reset.get("/account").location == "/sign-in"


def test_an_account_opened_for_somebody_begins_with_a_one_time_password(app, make, sign_in):
    data = {"username": "fresh", "name": "新人", "password": GIVEN, "roles": "reader"}
    assert sign_in("admin").post("/people/new", data=data).status_code == 302
    client = app.test_client()
    assert try_in(client, "fresh", GIVEN).status_code == 302
    assert client.get("/tickets/").location == "/account"
    user_id = db.session.scalars(select(User.id).where(User.username == "fresh")).one()
    waiting = sign_in("admin").get(f"/people/{user_id}").get_data(as_text=True)
    assert "本人尚未修改" in waiting


def test_an_employee_number_is_one_however_it_was_typed(make):
    with transaction():
        twins = [
            people.create_user(
                username=f"twin{n}",
                name="同一人",
                password="correct-horse-9",
                employee_number=typed,
                actor=make.user("admin"),
            )
            for n, typed in enumerate(("cy-007", " CY-007", "ＣＹ－００７", "CY- 007"))
        ]
    assert {one.employee_number for one in twins} == {"CY-007"}
    assert all(twins[0].is_same_person(one) for one in twins)
