"""Pages of the estate: each opens for those it is for, and only for the homes of their communities."""

import re

import pytest

from ticketing.kernel.db import db
from ticketing.masters.estate.models import Community, Customer, Residency, Unit
from ticketing.procedure.vocabulary import TicketStage

PAGES = (
    "/estate/communities/{community}",
    "/estate/buildings/{building}",
    "/estate/units/{unit}",
    "/estate/units/{unit}/dates",
    "/estate/units/{unit}/residents/new?q=138",
    "/estate/customers/{customer}",
    "/estate/customers/{customer}/edit",
    "/estate/stays/{stay}/move-out",
)
OPEN = (
    "/estate/",
    "/estate/?q=王",
    "/estate/imports/",
    "/estate/imports/template.xlsx",
    "/estate/twins",
)
ADMIN = (
    "/estate/manage",
    "/estate/offices/new",
    "/estate/offices/{office}",
    "/estate/communities/new",
    "/estate/communities/{community}/edit",
    "/estate/communities/{community}/units/new",
)


@pytest.fixture
def ids(app, world):
    unit_id = world.units["YX 3-1-1202"]
    with app.app_context():
        return {
            "office": world.offices["FZ"],
            "community": world.communities["YX"],
            "unit": unit_id,
            "building": db.session.get_one(Unit, unit_id).building_id,
            "customer": world.customers["王国强"],
            "other": world.customers["李秀英"],
            "stay": db.session.query(Residency).filter_by(unit_id=unit_id).one().id,
        }


def version(app, customer_id):
    with app.app_context():
        return db.session.get_one(Customer, customer_id).version


@pytest.mark.clause("2.2.5")
def test_every_page_opens_for_the_clerk_and_is_not_found_from_another_office(ids, sign_in):
    clerk, far = sign_in("clerk"), sign_in("far_clerk")
    for page in PAGES:
        assert clerk.get(page.format(**ids)).status_code == 200, page
        assert far.get(page.format(**ids)).status_code == 404, page
    for page in OPEN:
        assert clerk.get(page).status_code == 200, page
    listed = far.get("/estate/?q=1202").get_data(as_text=True)
    assert "莲花里" in far.get("/estate/").get_data(as_text=True)
    assert "云栖苑" not in listed
    assert "王国强" not in listed


def test_nobody_from_another_office_changes_anything(app, ids, world, sign_in):
    far = sign_in("far_clerk")
    posts = (
        ("/estate/units/{unit}/dates", {"moved_in_on": "2025-01-01"}),
        ("/estate/units/{unit}/residents/new", {"name": "外人", "relation": "owner"}),
        ("/estate/units/{unit}/residents", {"customer_id": world.customers["杨丽"]}),
        ("/estate/customers/{customer}/edit", {"name": "改名", "version": 1}),
        ("/estate/stays/{stay}/move-out", {"until_on": "2025-01-01"}),
        ("/estate/customers/{customer}/merge-into/{other}", {"reason": "乱来", "version": 1}),
    )
    for address, data in posts:
        assert far.post(address.format(**ids), data=data).status_code == 404, address
    lh = world.units["LH 2-1-0302"]
    stolen = far.post(
        f"/estate/units/{lh}/residents",
        data={"customer_id": ids["customer"], "relation": "owner"},
    )
    assert stolen.status_code == 404
    with app.app_context():
        assert db.session.get_one(Customer, ids["customer"]).name == "王国强"
        assert db.session.query(Residency).count() == 6


def test_the_master_data_are_the_administrators(ids, sign_in):
    admin, clerk = sign_in("admin"), sign_in("clerk")
    for page in ADMIN:
        assert admin.get(page.format(**ids)).status_code == 200, page
        assert clerk.get(page.format(**ids)).status_code == 403, page
    for page in PAGES:
        assert admin.get(page.format(**ids)).status_code == 403, page


@pytest.mark.clause("2.2.5")
def test_the_pages_of_home_and_customer_show_every_ticket(app, make, ids, sign_in):
    make.ticket(TicketStage.CLOSED, customer_id=ids["customer"], content="阳台门关不上。")
    make.registered(customer_id=ids["customer"], content="厨房下水堵了。")
    db.session.rollback()
    clerk = sign_in("clerk")
    for page in ("/estate/units/{unit}", "/estate/customers/{customer}"):
        shown = clerk.get(page.format(**ids)).get_data(as_text=True)
        assert "阳台门关不上" in shown
        assert "厨房下水堵了" in shown
        assert f"/intake?unit={ids['unit']}&amp;customer={ids['customer']}" in shown


def test_a_merged_customer_points_at_his_survivor_who_shows_both_histories(
    app, make, ids, world, sign_in
):
    make.registered("YX 3-1-1203", customer_id=ids["other"], content="门禁坏了。")
    db.session.rollback()
    office = sign_in("office")
    address = "/estate/customers/{other}/merge-into/{customer}".format(**ids)
    page = office.get(address).get_data(as_text=True)
    assert "合并不能撤销" in page
    data = {"reason": "同一人，两次登记", "version": version(app, ids["other"]), "once": "m"}
    assert office.post(address, data=data).status_code == 302
    survivor = office.get(f"/estate/customers/{ids['customer']}").get_data(as_text=True)
    assert "门禁坏了" in survivor
    assert "13800001203" in survivor
    assert "3-1-1203" in survivor
    twin = office.get(f"/estate/customers/{ids['other']}").get_data(as_text=True)
    assert "已经并入" in twin
    assert f"/estate/customers/{ids['customer']}" in twin
    again = office.post(address, data={**data, "once": "m2"})
    assert again.status_code == 409
    callers = office.get("/intake/callers?q=13800001203").get_data(as_text=True)
    assert f'data-customer="{ids["customer"]}"' in callers
    assert f'data-customer="{ids["other"]}"' not in callers


def test_a_clerk_may_not_merge_and_a_home_elsewhere_needs_the_manager(app, ids, world, sign_in):
    address = "/estate/customers/{other}/merge-into/{customer}".format(**ids)
    assert sign_in("clerk").get(address).status_code == 403
    manager, office = sign_in("manager"), sign_in("office")
    answer = manager.post(
        f"/estate/units/{world.units['LH 2-1-0302']}/residents",
        data={"customer_id": ids["other"], "relation": "owner", "once": "s"},
    )
    assert answer.status_code == 302
    shown = office.get(f"/estate/customers/{ids['other']}").get_data(as_text=True)
    assert "莲花里" not in shown
    assert "2-1-0302" not in shown
    found = office.get("/estate/units/{unit}/residents/new?q=李秀英".format(**ids))
    assert "莲花里" not in found.get_data(as_text=True)
    data = {"reason": "同一人", "version": version(app, ids["other"])}
    assert office.post(address, data={**data, "once": "a"}).status_code == 403
    assert manager.post(address, data={**data, "once": "b"}).status_code == 302


def test_residents_come_and_go_and_the_lookup_follows(app, ids, world, sign_in):
    clerk = sign_in("clerk")
    new = clerk.post(
        "/estate/units/{unit}/residents/new".format(**ids),
        data={"name": "王小明", "phones": "13511112222\n059183301234", "relation": "family"},
    )
    assert new.status_code == 302
    assert "王小明" in clerk.get("/intake/callers?q=wxm").get_data(as_text=True)
    found = clerk.get("/estate/units/{unit}/residents/new?q=刘洋".format(**ids))
    assert "13900000101" in found.get_data(as_text=True)
    settled = clerk.post(
        "/estate/units/{unit}/residents".format(**ids),
        data={"customer_id": world.customers["刘洋"], "relation": "tenant", "once": "t"},
    )
    assert settled.status_code == 302
    gone = clerk.post(
        "/estate/stays/{stay}/move-out".format(**ids), data={"until_on": "2025-03-01"}
    )
    assert gone.status_code == 302
    home = clerk.get("/estate/units/{unit}".format(**ids)).get_data(as_text=True)
    assert re.search(r"从前的住户（1）", home)
    assert "王国强" not in clerk.get("/intake/callers?q=王国").get_data(as_text=True)
    twice = clerk.post(
        "/estate/stays/{stay}/move-out".format(**ids), data={"until_on": "2025-03-02"}
    )
    assert twice.status_code == 409


@pytest.mark.clause("3.7.1")
def test_two_clerks_on_one_customer_the_second_sees_what_the_first_wrote(app, ids, sign_in):
    first, second = sign_in("clerk"), sign_in("office")
    seen = version(app, ids["customer"])
    address = "/estate/customers/{customer}/edit".format(**ids)
    data = {"version": seen, "name": "王国强", "phones": "13800001202\n13811112222"}
    assert first.post(address, data={**data, "note": "晚上勿扰", "once": "1"}).status_code == 302
    late = second.post(address, data={**data, "note": "有宠物", "once": "2"})
    page = late.get_data(as_text=True)
    assert late.status_code == 409
    assert "有宠物" in page
    assert "晚上勿扰" in page
    now = version(app, ids["customer"])
    assert f'value="{now}"' in page
    retry = second.post(
        address, data={**data, "version": now, "note": "有宠物，晚上勿扰", "once": "3"}
    )
    assert retry.status_code == 302


WRONG = (
    ("clerk", "/estate/units/{unit}/dates", {"version": 1, "delivered_on": "昨天"}, "昨天"),
    (
        "clerk",
        "/estate/units/{unit}/dates",
        {"version": 1, "delivered_on": "1024-03-08"},
        "1980 年至 2099 年",
    ),
    (
        "clerk",
        "/estate/units/{unit}/dates",
        {"version": 1, "moved_in_on": "2098-01-01"},
        "不能晚于今天",
    ),
    (
        "clerk",
        "/estate/units/{unit}/dates",
        {"version": 1, "delivered_on": "2025-03-08", "moved_in_on": "2024-03-08"},
        "入住日期不能早于交付日期",
    ),
    ("clerk", "/estate/units/{unit}/residents/new", {"name": "", "note": "留着"}, "请填写姓名"),
    (
        "clerk",
        "/estate/units/{unit}/residents/new",
        {"name": "王二", "phones": "一三八", "relation": "owner"},
        "不像电话号码",
    ),
    (
        "clerk",
        "/estate/units/{unit}/residents/new",
        {"name": "王二", "relation": "neighbour"},
        "选项无效",
    ),
    (
        "clerk",
        "/estate/units/{unit}/residents",
        {"customer_id": "{other}", "relation": "owner", "since_on": "x"},
        "日期",
    ),
    ("clerk", "/estate/customers/{customer}/edit", {"version": 1, "name": ""}, "请填写姓名"),
    (
        "clerk",
        "/estate/customers/{customer}/edit",
        {"version": 1, "name": "王" * 41, "note": "留着"},
        "最多 40 个字",
    ),
    (
        "clerk",
        "/estate/customers/{customer}/edit",
        {
            "version": 1,
            "name": "王国强",
            "phones": "\n".join(str(13800000000 + n) for n in range(11)),
        },
        "最多 10 个电话",
    ),
    ("clerk", "/estate/stays/{stay}/move-out", {"until_on": ""}, "请填写迁出日期"),
    ("clerk", "/estate/stays/{stay}/move-out", {"until_on": "2098-01-01"}, "不能晚于今天"),
    (
        "office",
        "/estate/customers/{other}/merge-into/{customer}",
        {"version": 1, "reason": ""},
        "请填写合并原因",
    ),
    ("admin", "/estate/offices/new", {"code": "", "name": "新处"}, "请填写代号"),
    (
        "admin",
        "/estate/communities/new",
        {"code": "A", "name": "新苑", "office_id": "{office}"},
        "2 至 8 位",
    ),
    (
        "admin",
        "/estate/communities/new",
        {"code": "AB", "name": "新苑", "office_id": ""},
        "请选择客户服务处",
    ),
    (
        "admin",
        "/estate/communities/{community}/edit",
        {"version": 1, "code": "ZZ", "name": "云栖苑", "office_id": "{office}"},
        "不能更改",
    ),
    (
        "admin",
        "/estate/communities/{community}/units/new",
        {"building": "", "room": "1"},
        "请填写楼栋",
    ),
    ("clerk", "/estate/imports/", {}, "请选择要导入的 Excel 文件"),
)


def test_wrong_input_gets_a_sentence_at_the_field_and_keeps_the_typing(app, ids, sign_in):
    people = {name: sign_in(name) for name in ("clerk", "office", "admin")}
    for n, (who, address, data, sentence) in enumerate(WRONG):
        typed = {
            key: value.format(**ids) if isinstance(value, str) else value
            for key, value in data.items()
        }
        answer = people[who].post(address.format(**ids), data={**typed, "once": f"w{n}"})
        page = answer.get_data(as_text=True)
        assert answer.status_code == 422, (address, data)
        assert sentence in page, (address, data)
        for value in typed.values():
            if isinstance(value, str) and "\n" not in value and value != "neighbour":
                assert value in page, (address, value)
    with app.app_context():
        assert db.session.query(Customer).count() == 6


def test_a_name_taken_is_a_conflict(ids, sign_in):
    admin = sign_in("admin")
    for address, data in (
        ("/estate/offices/new", {"code": "FZ", "name": "别名"}),
        (
            "/estate/communities/new",
            {"code": "YX", "name": "新苑", "office_id": ids["office"]},
        ),
        (
            "/estate/communities/{community}/units/new",
            {"building": "3栋", "stair": "1单元", "room": "1202"},
        ),
    ):
        answer = admin.post(address.format(**ids), data={**data, "once": address})
        assert answer.status_code == 409, address


def test_the_administrator_makes_office_community_and_home(app, sign_in):
    admin = sign_in("admin")
    assert (
        admin.post("/estate/offices/new", data={"code": "QZ", "name": "泉州客户服务处"}).status_code
        == 302
    )
    page = admin.get("/estate/communities/new").get_data(as_text=True)
    office = re.search(r'<option value="(\d+)">泉州客户服务处', page).group(1)
    made = admin.post(
        "/estate/communities/new", data={"code": "qz1", "name": "刺桐苑", "office_id": office}
    )
    assert made.status_code == 302
    manage = admin.get("/estate/manage").get_data(as_text=True)
    assert "刺桐苑" in manage
    with app.app_context():
        community_id = db.session.query(Community).filter_by(code="QZ1").one().id
    added = admin.post(
        f"/estate/communities/{community_id}/units/new", data={"building": "1栋", "room": "101"}
    )
    assert added.status_code == 302
    with app.app_context():
        assert db.session.query(Unit).filter_by(community_id=community_id).one().label == "1-101"


TWO_EDITORS = (
    (
        "clerk",
        "/estate/units/{unit}/dates",
        {"delivered_on": "2024-03-08"},
        {"moved_in_on": "2024-05-05"},
        {"moved_in_on": "2024-06-06"},
        "入住 2024-05-05",
    ),
    (
        "admin",
        "/estate/offices/{office}",
        {"code": "FZ"},
        {"name": "福州第一客户服务处"},
        {"name": "福州中心客户服务处"},
        "福州第一客户服务处（FZ）",
    ),
    (
        "admin",
        "/estate/communities/{community}/edit",
        {"code": "YX", "name": "云栖苑", "office_id": "{office}"},
        {"address": "云栖路 1 号"},
        {"address": "云栖路 2 号"},
        "，云栖路 1 号",
    ),
)


@pytest.mark.parametrize(
    ("who", "address", "common", "ours", "theirs", "now"),
    TWO_EDITORS,
    ids=["home", "office", "community"],
)
def test_two_people_on_one_home_office_or_community_the_second_is_told(
    ids, sign_in, who, address, common, ours, theirs, now
):
    first, second = sign_in(who), sign_in("office" if who == "clerk" else "admin2")
    address = address.format(**ids)
    common = {name: value.format(**ids) for name, value in common.items()}
    seen = int(re.search(r'name="version" type="hidden" value="(\d+)"', page_of(first, address))[1])
    data = common | {"version": seen}
    assert first.post(address, data=data | ours | {"once": "1"}).status_code == 302
    late = second.post(address, data=data | theirs | {"once": "2"})
    page = late.get_data(as_text=True)
    assert late.status_code == 409
    assert "刚被他人修改" in page
    assert now in page
    assert next(iter(theirs.values())) in page
    assert f'value="{seen + 1}"' in page
    assert second.post(address, data=data | theirs | {"once": "3"}).status_code == 409
    again = second.post(address, data=data | theirs | {"version": seen + 1, "once": "4"})
    assert again.status_code == 302


def page_of(client, address):
    return client.get(address).get_data(as_text=True)
