"""The roll of customers as a workbook that comes in again unchanged, and who may be one person twice."""

from datetime import date
from io import BytesIO

import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from tests.pages.helpers import token
from ticketing.journal.models import JournalEntry
from ticketing.kernel.db import db, transaction
from ticketing.masters.estate import commands as estate
from ticketing.masters.estate import importing, merging, rows, runs
from ticketing.masters.estate.models import Community, Customer, ImportRun, ImportStage, Unit
from ticketing.masters.estate.twins import probable_twins
from ticketing.procedure.permissions import Act, may
from ticketing.procedure.vocabulary import Relation, Role

HEADS = tuple(column.head for column in rows.COLUMNS.values())


@pytest.fixture
def estate_of_all_kinds(make):
    """Homes with several people, with none, without dates; words that look like formulas; a twin."""
    world, admin = make.world, make.user("admin")
    home = db.session.get_one(Unit, world.units["YX 3-1-1202"])
    with transaction():
        home.deemed_delivered = True
        wife = estate.add_customer(
            name="李明珠",
            phones=["13800001202", "059183301234"],
            unit=home,
            relation=Relation.FAMILY,
            note="=1+1\n晚上勿扰",
            actor=admin,
        )
        estate.settle_in(wife, home, relation=Relation.TENANT, actor=admin)
        estate.add_customer(name="王国强", phones=["13811112222"], unit=home, actor=admin)
        gone = estate.add_customer(name="旧租客", phones=["13899990000"], unit=home, actor=admin)
        merged = estate.add_customer(name="李名珠", phones=["13877776666"], unit=home, actor=admin)
        yx = db.session.get_one(Community, world.communities["YX"])
        estate.add_unit(yx, building="7栋", stair="", room="A座101", actor=admin)
    with transaction():
        estate.move_out(gone.residencies[0], until_on=date(2025, 1, 1), actor=admin)
        merging.merge_customers(
            merged,
            wife,
            version=merged.version,
            scope=make.scope("manager"),
            reason="同一个人",
            actor=make.user("manager"),
        )
    return wife.id


def sheets(answer):
    assert answer.status_code == 200
    book = load_workbook(BytesIO(answer.data))
    return {
        sheet.title: [tuple(value or "" for value in line) for line in sheet.values]
        for sheet in book
    }


@pytest.mark.clause("3.7.1")
@pytest.mark.parametrize("username", ["clerk", "manager"])
def test_what_is_exported_comes_in_again_and_changes_nothing(
    make, estate_of_all_kinds, sign_in, tmp_path, username
):
    upload = tmp_path / "new.upload"
    upload.write_bytes(sign_in(username).get("/estate/customers.xlsx").data)
    with transaction():
        run = runs.begin(upload=upload, file_name="名册.xlsx", actor=make.user(username))
    run_id = run.id
    importing.check(run_id, tmp_path)
    run = db.session.get_one(ImportRun, run_id, populate_existing=True)
    assert run.stage is ImportStage.CHECKED, run.problems
    assert run.summary["rows"] == (7 if username == "clerk" else 8)
    counts = {name: n for name, n in run.summary["counts"].items() if n}
    assert counts == {"没有变化的行": run.summary["rows"]}
    assert run.summary["notices"] == []


@pytest.mark.clause("3.7.1")
def test_the_roll_holds_each_home_with_its_present_people_and_whole_phones(
    estate_of_all_kinds, sign_in
):
    found = sheets(sign_in("clerk").get("/estate/customers.xlsx"))
    assert list(found) == ["房产客户", "疑似重复", "说明"]
    heads, *lines = found["房产客户"]
    assert heads == HEADS
    home = [line for line in lines if line[4] == "1202"]
    assert [line[7:] for line in home] == [
        ("王国强", "13800001202", "业主", "", "是"),
        ("李明珠", "13800001202、059183301234、13877776666", "家属", "=1+1\n晚上勿扰", "是"),
    ]
    assert home[0][:7] == ("YX", "云栖苑", "3栋", "1单元", "1202", "2024-03-08", "2024-05-01")
    assert ("YX", "云栖苑", "7栋", "", "A座101", *[""] * 7) in lines
    assert [line[:3] for line in found["疑似重复"][1:]] == [
        (1, "电话同为 13800001202", "王国强"),
        (1, "电话同为 13800001202", "李明珠"),
        (2, "3栋同名", "王国强"),
        (2, "3栋同名", "王国强"),
    ]


def test_an_export_is_narrowed_to_the_persons_communities_and_journalled(make, sign_in):
    far, clerk = sign_in("far_clerk"), sign_in("clerk")
    assert {line[0] for line in sheets(far.get("/estate/customers.xlsx"))["房产客户"][1:]} == {"LH"}
    ht = make.world.communities["HT"]
    one = sheets(clerk.get(f"/estate/customers.xlsx?community={ht}"))["房产客户"]
    assert [line[7] for line in one[1:]] == ["陈建国"]
    assert far.get(f"/estate/customers.xlsx?community={ht}").status_code == 404
    entries = db.session.scalars(
        select(JournalEntry).where(JournalEntry.subject == "export").order_by(JournalEntry.id)
    ).all()
    assert [entry.actor_id for entry in entries] == [
        make.world.users["far_clerk"],
        make.world.users["clerk"],
    ]
    assert "海棠湾" in entries[1].facts


def test_whoever_opens_the_estate_may_export_and_dial():
    for role in Role:
        if may(frozenset({role}), Act.READ_ESTATE):
            assert may(frozenset({role}), Act.EXPORT), role
            assert may(frozenset({role}), Act.READ_PHONE), role


@pytest.mark.parametrize("username", ["auditor", "handler", "admin", "gm"])
def test_nobody_else_takes_the_roll_out_of_the_house(sign_in, username):
    client = sign_in(username)
    assert client.get("/estate/customers.xlsx").status_code == 403
    assert client.get("/estate/twins").status_code == 403


@pytest.mark.clause("3.7.1")
def test_probable_twins_are_listed_and_merged_one_click_away(make, estate_of_all_kinds, sign_in):
    office, wife = sign_in("office"), estate_of_all_kinds
    husband = make.world.customers["王国强"]
    page = office.get("/estate/twins").get_data(as_text=True)
    assert "电话同为 13800001202" in page
    assert "3栋同名" in page
    address = f"/estate/customers/{wife}/merge-into/{husband}"
    assert address in page
    assert "merge-into" not in sign_in("clerk").get("/estate/twins").get_data(as_text=True)
    version = db.session.get_one(Customer, wife).version
    data = {"version": version, "reason": "核对过", "once": token()}
    assert office.post(address, data=data).status_code == 302
    assert "电话同为" not in office.get("/estate/twins").get_data(as_text=True)


def test_twins_of_another_office_are_not_shown_and_a_stranger_is_none(make, estate_of_all_kinds):
    assert probable_twins(make.scope("far_clerk")) == []
    with transaction():
        estate.add_customer(
            name="杨丽",
            phones=["13700000801"],
            unit=db.session.get_one(Unit, make.world.units["YX 5-1-0101"]),
            actor=make.user("admin"),
        )
    reasons = {group.reason for group in probable_twins(make.scope("manager"))}
    assert "电话同为 13700000801" in reasons
    assert not any("5栋" in reason or "2栋" in reason for reason in reasons)
    assert len(probable_twins(make.scope("manager"), 1)) == 1
