"""Contractors, contracts, repair teams, workers and warranty promises: pages, scope, refusals, conflicts."""

from datetime import date

import pytest

from tests.pages.helpers import one_of_each_role, token
from tests.pages.test_wrong_input import refused
from ticketing.journal.models import JournalEntry
from ticketing.kernel.db import db, transaction
from ticketing.kernel.errors import Conflict, Invalid, NotPermitted
from ticketing.masters.contractors import commands, queries
from ticketing.masters.contractors.models import (
    Contract,
    Contractor,
    RepairTeam,
    WarrantyPromise,
    Worker,
)
from ticketing.masters.estate.models import Community
from ticketing.procedure.repairs import Part, Trade
from ticketing.procedure.vocabulary import Role

READERS = {
    Role.CLERK,
    Role.OFFICE,
    Role.ENGINEER,
    Role.CS_MANAGER,
    Role.AUDITOR,
    Role.DEPUTY_CHIEF_ENGINEER,
    Role.DEPUTY_GM,
    Role.GENERAL_MANAGER,
    Role.CASHIER,
    Role.FINANCE,
    Role.ADMIN,
}
KEEPERS = {Role.CS_MANAGER, Role.ENGINEER}
READ = ("/contractors/", "/contractors/warranty")


def promised(make, place="YX", **facts):
    """A promise of 24 months for doors and windows."""
    values = {
        "community_id": make.world.communities[place] if place else None,
        "part": Part.DOORS,
        "owner_months": 24,
        "contractor_months": None,
        "since": date(2024, 1, 1),
        "source": "质量保证书",
        "actor": make.user("manager"),
    }
    with transaction():
        return commands.promise(**{**values, **facts})


def contract_of(make, place, number):
    """A contract of 榕建集团 in a community."""
    with transaction():
        return commands.save_contract(
            None,
            number=number,
            contractor_id=make.world.contractors["榕建集团"],
            community_id=make.world.communities[place],
            trades=[Trade.LIFT],
            completed_on=date(2024, 2, 29),
            liability_months=12,
            retention_fen=1_234_56,
            agreement="",
            deemed_confirmation=True,
            actor=make.user("manager"),
        )


def forms(world):
    """Every form, acceptable in every respect: address, what is typed."""
    yx, firm = world.communities["YX"], world.contractors["榕建集团"]
    contract = {
        "contractor_id": firm,
        "community_id": yx,
        "number": "YX-DT-01",
        "trades": "lift",
        "completed_on": "2023-12-20",
        "liability_months": "24",
        "retention_fen": "120,000.50",
        "agreement": "售后维修补充协议",
    }
    return {
        "/contractors/new": {"name": "远航门窗", "contact": "林工", "phone": "13900008888"},
        "/contractors/contracts/new": contract,
        "/contractors/teams/new": {
            "name": "海棠湾维修队",
            "captain_id": world.users["captain"],
            "community_ids": yx,
            "active": "y",
        },
        f"/contractors/teams/{world.teams['云栖苑维修队']}/workers/new": {
            "name": "小陈工人",
            "trade": "decoration",
            "phone": "13900007777",
            "active": "y",
        },
        "/contractors/warranty/new": {
            "part": "DOORWIN",
            "community_id": yx,
            "owner_months": "36",
            "contractor_months": "24",
            "since": "2024-01-01",
            "source": "质量保证书第三条",
        },
    }


@pytest.mark.clause("3.4.6")
def test_each_role_reads_and_keeps_what_it_may(make, sign_in):
    people, promise = one_of_each_role(make), promised(make).id
    pages = [*forms(make.world), "/contractors/1", "/contractors/contracts/1"]
    pages += ["/contractors/teams/1", "/contractors/workers/1"]
    pages += [f"/contractors/warranty/{promise}/end"]
    for role, username in people.items():
        client = sign_in(username)
        for address in READ:
            wanted = 200 if role in READERS else 403
            assert client.get(address).status_code == wanted, (role, address)
        for address in pages:
            wanted = 200 if role in KEEPERS else 403
            assert client.get(address).status_code == wanted, (role, address)
            if role not in KEEPERS:
                assert client.post(address, data={"once": token()}).status_code == 403


def test_a_command_is_refused_to_whoever_may_not_keep_contractors(make):
    contract, office = db.session.get(Contract, 1), make.user("office")
    with pytest.raises(NotPermitted), transaction():
        commands.save_contractor(None, name="某", contact="", phone="", active=True, actor=office)
    with pytest.raises(NotPermitted), transaction():
        commands.end_promise(
            promised(make),
            version=1,
            until=date(2025, 1, 1),
            withdrawn=False,
            ended_why="止",
            actor=office,
        )
    assert contract.version == 1


def test_every_form_saves_what_is_typed_and_journals_it(make, sign_in):
    client = sign_in("manager")
    for address, typed in forms(make.world).items():
        assert client.post(address, data=typed | {"once": token()}).status_code == 302, address
    assert db.session.query(Contractor).filter_by(name="远航门窗").one().phone == "13900008888"
    contract = db.session.query(Contract).filter_by(number="YX-DT-01").one()
    assert (contract.retention_fen, [one.trade for one in contract.trades]) == (
        12_000_050,
        [Trade.LIFT],
    )
    worker = db.session.query(Worker).filter_by(name="小陈工人").one()
    assert (worker.team.name, worker.trade) == ("云栖苑维修队", Trade.DECORATION)
    promise = db.session.query(WarrantyPromise).one()
    assert (promise.owner_months, promise.contractor_months) == (36, 24)
    acts = {
        entry.subject
        for entry in db.session.query(JournalEntry).filter_by(act="manage_contractors")
        if entry.actor_id == make.world.users["manager"]
    }
    assert acts == {"contractor", "contract", "repair_team", "worker", "warranty_promise"}
    page = client.get("/contractors/").get_data(as_text=True)
    for words in ("YX-DT-01", "远航门窗", "海棠湾维修队", "小陈工人", "120,000.5"):
        assert words in page
    assert "质量保证书第三条" in client.get("/contractors/warranty").get_data(as_text=True)


LONG = "长" * 101
BLANKS = ("", "  ", "\u3000", "\u200b")
WRONG = {
    "/contractors/new": [
        *[("name", blank) for blank in BLANKS],
        ("name", "榕建集团"),
        ("name", LONG),
        ("contact", LONG),
        ("phone", "没有电话"),
        ("phone", "1" * 31),
    ],
    "/contractors/contracts/new": [
        *[("number", blank) for blank in BLANKS],
        ("number", "YX-TJ-01"),
        ("number", LONG),
        ("contractor_id", ""),
        ("contractor_id", "999999"),
        ("contractor_id", "x"),
        ("community_id", ""),
        ("community_id", "999999"),
        ("trades", ""),
        ("trades", "magic"),
        ("completed_on", "2999-01-01"),
        ("completed_on", "1066-01-01"),
        ("completed_on", "昨天"),
        ("liability_months", ""),
        ("liability_months", "-1"),
        ("liability_months", "两年"),
        ("liability_months", "9" * 30),
        ("retention_fen", "很多"),
        ("retention_fen", "-5"),
        ("agreement", LONG),
    ],
    "/contractors/teams/new": [
        *[("name", blank) for blank in BLANKS],
        ("name", "云栖苑维修队"),
        ("name", LONG),
        ("captain_id", ""),
        ("captain_id", "1"),
        ("captain_id", "x"),
        ("community_ids", ""),
        ("community_ids", "999999"),
        ("community_ids", "x"),
    ],
    "workers/new": [
        *[("name", blank) for blank in BLANKS],
        ("name", "阿强"),
        ("name", LONG),
        ("trade", "magic"),
        ("trade", ""),
        ("phone", "没有电话"),
    ],
    "/contractors/warranty/new": [
        ("part", "ATTIC"),
        ("part", ""),
        ("community_id", "999999"),
        ("owner_months", "11"),
        ("owner_months", "0"),
        ("owner_months", "-3"),
        ("owner_months", "1201"),
        ("owner_months", "两年"),
        ("contractor_months", "0"),
        ("since", ""),
        ("since", "0001-01-01"),
        ("since", "x"),
        *[("source", blank) for blank in BLANKS],
        ("source", LONG),
    ],
}


@pytest.mark.parametrize("ending", WRONG)
def test_each_wrong_field_is_refused_at_its_field_and_the_rest_is_kept(make, sign_in, ending):
    address, good = next(
        (address, typed) for address, typed in forms(make.world).items() if ending in address
    )
    client = sign_in("manager")
    tables = (Contractor, Contract, RepairTeam, Worker, WarrantyPromise)
    before = [db.session.query(kind).count() for kind in tables]
    for field, value in WRONG[ending]:
        page = refused(client.post(address, data=good | {"once": token(), field: value}), field)
        for name, typed in good.items():
            if name != field and isinstance(typed, str) and len(typed) > 4:
                assert typed in page, (field, name)
    assert [db.session.query(kind).count() for kind in tables] == before


def test_a_promise_without_any_period_is_refused(make, sign_in):
    typed = forms(make.world)["/contractors/warranty/new"]
    data = typed | {"owner_months": "", "contractor_months": "", "once": token()}
    answer = sign_in("manager").post("/contractors/warranty/new", data=data)
    assert "至少填写一个期限" in refused(answer, "owner_months")
    with pytest.raises(Invalid, match="2 年"):
        promised(make, part=Part.HEATING, owner_months=12)


def edits(world, promise):
    """What can be changed, with one change each: address, form, the row's kind and id."""
    typed = forms(world)
    team = world.teams["云栖苑维修队"]
    contract = {**typed["/contractors/contracts/new"], "number": "YX-TJ-01", "trades": "civil"}
    return [
        ("/contractors/1", {"name": "榕建集团股份", "active": "y"}, Contractor, 1),
        ("/contractors/contracts/1", contract, Contract, 1),
        (
            f"/contractors/teams/{team}",
            typed["/contractors/teams/new"] | {"name": "云栖苑维修队"},
            RepairTeam,
            team,
        ),
        (
            f"/contractors/workers/{world.workers['阿强']}",
            {"name": "阿强", "trade": "civil"},
            Worker,
            world.workers["阿强"],
        ),
        (
            f"/contractors/warranty/{promise}/end",
            {"until": "2025-06-30", "ended_why": "二期不再承诺"},
            WarrantyPromise,
            promise,
        ),
    ]


def test_two_people_on_one_row_the_second_sees_what_is_there_now(make, sign_in):
    first, second, promise = sign_in("manager"), sign_in("manager"), promised(make).id
    for address, typed, kind, row_id in edits(make.world, promise):
        version = db.session.get(kind, row_id).version
        data = typed | {"version": version}
        assert first.post(address, data=data | {"once": token()}).status_code == 302, address
        answer = second.post(address, data=data | {"once": token()})
        page = answer.get_data(as_text=True)
        assert answer.status_code == 409, address
        assert "现在的资料" in page
        assert f'name="version" type="hidden" value="{version + 1}"' in page, address
        again = second.post(address, data=data | {"version": version + 1, "once": token()})
        assert again.status_code == 302, address
        for bad in ("", "x"):
            refused(second.post(address, data=data | {"version": bad, "once": token()}), None)


def test_a_change_of_trades_or_of_communities_alone_is_a_change_and_is_journalled(make):
    manager = make.user("manager")
    contract, team = db.session.get(Contract, 1), db.session.get(RepairTeam, 1)
    facts = {
        name: getattr(contract, name)
        for name in (
            "number",
            "contractor_id",
            "community_id",
            "completed_on",
            "liability_months",
            "retention_fen",
            "agreement",
            "deemed_confirmation",
        )
    }
    with transaction():
        commands.save_contract(contract, **facts, trades=[Trade.CIVIL], actor=manager, version=1)
        commands.save_team(
            team,
            name=team.name,
            captain_id=team.captain_id,
            community_ids=[make.world.communities["YX"]],
            active=True,
            actor=manager,
            version=1,
        )
    assert (contract.version, team.version) == (2, 2)
    entries = db.session.query(JournalEntry).order_by(JournalEntry.id.desc()).limit(2).all()
    assert [entry.subject for entry in entries] == ["repair_team", "contract"]
    assert '"trades": [["civil", "decoration"], ["civil"]]' in entries[1].facts
    with pytest.raises(Conflict), transaction():
        commands.save_contract(contract, **facts, trades=[Trade.LIFT], actor=manager, version=1)


def test_people_of_one_community_see_no_contract_team_or_promise_of_another(make, sign_in):
    far, near = contract_of(make, "LH", "LH-秘密"), contract_of(make, "HT", "HT-可见")
    promise = promised(make, "LH", source="莲花里的秘密承诺").id
    general = promised(make, None, source="全部小区的承诺").id
    with transaction():
        world = make.world
        builder = commands.save_contractor(
            None, name="外地建工", contact="", phone="", active=True, actor=None
        )
        commands.save_contract(
            None,
            number="LH-二号",
            contractor_id=builder.id,
            community_id=world.communities["LH"],
            trades=[Trade.OTHER],
            completed_on=None,
            liability_months=24,
            retention_fen=0,
            agreement="",
            deemed_confirmation=False,
            actor=None,
        )
        team = commands.save_team(
            None,
            name="莲花里维修队",
            captain_id=world.users["captain"],
            community_ids=[world.communities["LH"]],
            active=True,
            actor=None,
        )
        worker = commands.save_worker(
            None, team, name="老郭", phone="", trade=Trade.CIVIL, active=True, actor=None
        )
    one_of_each_role(make)
    for username in ("clerk", "office", "one_engineer", "one_finance", "one_clerk"):
        client = sign_in(username)
        page = client.get("/contractors/").get_data(as_text=True)
        page += client.get("/contractors/warranty").get_data(as_text=True)
        assert "YX-TJ-01" in page
        assert "全部小区的承诺" in page
        for word in ("LH-秘密", "LH-二号", "外地建工", "莲花里", "老郭"):
            assert word not in page, (username, word)
        assert (near.number in page) is (username in ("clerk", "office"))
    engineer, manager = sign_in("one_engineer"), sign_in("manager")
    for address in (
        f"/contractors/contracts/{far.id}",
        f"/contractors/{builder.id}",
        f"/contractors/teams/{team.id}",
        f"/contractors/teams/{team.id}/workers/new",
        f"/contractors/workers/{worker.id}",
        f"/contractors/warranty/{promise}/end",
    ):
        assert engineer.get(address).status_code == 404, address
        assert engineer.post(address, data={"once": token()}).status_code == 404, address
        assert manager.get(address).status_code == 200, address
    data = {"version": "1", "until": "2025-01-01", "ended_why": "停", "once": token()}
    answer = engineer.post(f"/contractors/warranty/{general}/end", data=data)
    assert "由负责全部小区的人员维护" in refused(answer, None, status=403)
    typed = forms(make.world)
    for address, field in (
        ("/contractors/contracts/new", "community_id"),
        ("/contractors/warranty/new", "community_id"),
        ("/contractors/teams/new", "community_ids"),
    ):
        forged = typed[address] | {field: make.world.communities["LH"], "once": token()}
        refused(engineer.post(address, data=forged), field)
    nowhere = typed["/contractors/warranty/new"] | {"community_id": "", "once": token()}
    refused(engineer.post("/contractors/warranty/new", data=nowhere), "community_id")


def test_whoever_oversees_all_tickets_sees_all_contracts_and_who_is_posted_nowhere_none(
    make, sign_in
):
    contract_of(make, "LH", "LH-01")
    for username in ("auditor", "chief", "deputy_gm", "gm", "manager"):
        page = sign_in(username).get("/contractors/").get_data(as_text=True)
        assert "LH-01" in page
        assert "YX-TJ-01" in page
    make.engineer("newcomer")
    page = sign_in("newcomer").get("/contractors/").get_data(as_text=True)
    assert "还没有指定小区" in page
    assert "YX-TJ-01" not in page


def test_an_editor_of_one_community_leaves_the_teams_other_communities_alone(make, sign_in):
    one_of_each_role(make)
    team_id = make.world.teams["云栖苑维修队"]
    client = sign_in("one_engineer")
    page = client.get(f"/contractors/teams/{team_id}").get_data(as_text=True)
    assert "海棠湾" not in page
    data = {
        "version": "1",
        "once": token(),
        "name": "云栖苑一队",
        "captain_id": make.world.users["captain"],
        "community_ids": make.world.communities["YX"],
        "active": "y",
    }
    assert client.post(f"/contractors/teams/{team_id}", data=data).status_code == 302
    team = db.session.get(RepairTeam, team_id)
    assert team.name == "云栖苑一队"
    assert {area.community_id for area in team.areas} == {
        make.world.communities["YX"],
        make.world.communities["HT"],
    }


@pytest.mark.clause("2.6")
def test_the_liability_period_ends_as_the_law_counts_months(make, sign_in):
    contract = contract_of(make, "YX", "YX-DT-09")
    assert queries.liability(contract).until == date(2025, 2, 28)
    contract.completed_on = None
    assert queries.liability(contract) is None
    db.session.rollback()
    page = sign_in("clerk").get("/contractors/").get_data(as_text=True)
    assert "至 2025-02-28" in page
    assert "没有登记合同的工种：绿化景园、其他工种" in page


def test_a_promise_ends_for_later_deliveries_and_never_disappears(make, sign_in):
    promise, client = promised(make), sign_in("manager")
    address, yx = f"/contractors/warranty/{promise.id}/end", make.world.communities["YX"]
    data = {"version": "1", "ended_why": "二期不再承诺"}
    assert "请填写止于哪一天" in refused(
        client.post(address, data=data | {"once": token()}), "until"
    )
    early = data | {"until": "2023-12-31", "once": token()}
    assert "不能早于起始日期" in refused(client.post(address, data=early), "until")
    refused(client.post(address, data=early | {"ended_why": " "}), "ended_why")
    ended = data | {"until": "2024-06-30", "once": token()}
    assert client.post(address, data=ended).status_code == 302
    assert [one.until for one in queries.promises(yx)] == [date(2024, 6, 30)]
    mistaken = {"version": "2", "withdrawn": "y", "ended_why": "看错了文件", "once": token()}
    assert client.post(address, data=mistaken).status_code == 302
    assert queries.promises(yx) == []
    page = client.get("/contractors/warranty").get_data(as_text=True)
    assert "已作废" in page
    assert "看错了文件" in page
    again = client.post(address, data=mistaken | {"version": "3", "once": token()})
    assert "已经作废" in again.get_data(as_text=True)
    assert again.status_code == 409


def test_the_contract_of_a_trade_is_the_one_completed_last(make):
    yx = make.world.communities["YX"]
    later = contract_of(make, "YX", "YX-DT-01")
    with transaction():
        later.trades[0].trade = Trade.CIVIL
        undated = contract_of(make, "YX", "YX-DT-02")
        undated.trades[0].trade = Trade.CIVIL
        undated.completed_on = None
    found = queries.contracts_for(yx, [Trade.CIVIL, Trade.PLUMBING_ELECTRIC, Trade.LANDSCAPE])
    assert {trade: one.number for trade, one in found.items()} == {
        Trade.CIVIL: "YX-DT-01",
        Trade.PLUMBING_ELECTRIC: "YX-SD-01",
    }
    assert queries.contract_for(yx, Trade.LANDSCAPE) is None


def test_the_property_offices_contact_stands_where_it_is_needed(make, sign_in):
    yx = make.world.communities["YX"]
    data = {
        "version": db.session.get(Community, yx).version,
        "code": "YX",
        "name": "云栖苑",
        "office_id": make.world.offices["FZ"],
        "property_contact": "王主任",
        "property_phone": "0591-8300 1111",
    }
    admin, address = sign_in("admin"), f"/estate/communities/{yx}/edit"
    for field, value in (("property_contact", "名" * 41), ("property_phone", "没有")):
        refused(admin.post(address, data=data | {"once": token(), field: value}), field)
    assert admin.post(address, data=data | {"once": token()}).status_code == 302
    for username, place in (("clerk", "/contractors/"), ("clerk", f"/estate/communities/{yx}")):
        page = sign_in(username).get(place).get_data(as_text=True)
        assert "王主任" in page
        assert "059183001111" in page
