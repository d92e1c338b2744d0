"""Price lists of contracts: drawn up by one, agreed to by another, from a day on, never for what was ordered before."""

import io
import threading
import zipfile
from datetime import date, timedelta

import pytest
from openpyxl import load_workbook
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError

from tests.pages.helpers import recorded, token
from tests.pages.test_wrong_input import refused
from tests.rooms.test_order_approval import second_account
from tests.support.prices import PIPES, PRICES, Prices, book
from ticketing.casefile.notices.models import Notice
from ticketing.journal import queries as journal
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.kernel.errors import Conflict, Invalid, NotPermitted
from ticketing.masters.prices import commands as masters
from ticketing.masters.prices import queries
from ticketing.masters.prices.keys import item_key
from ticketing.masters.prices.models import ListState, PriceLine, PriceList
from ticketing.masters.prices.queries import Wanted
from ticketing.masters.prices.rows import MOST_LINES, Price
from ticketing.oversight.deputies import commands as deputies
from ticketing.oversight.prices import commands
from ticketing.procedure.settlement import PriceBasis
from ticketing.procedure.vocabulary import Role

ROWS = [
    ["S-01", "防水涂料", "㎡", 100, 40, 60, None, ""],
    ["S-02", "人工", "工日", "45.335", None, None, None, "含小型机具"],
]


@pytest.fixture
def prices(make) -> Prices:
    return Prices(make)


def at(days):
    return clock.now() + timedelta(days=days)


def told(words):
    return set(db.session.scalars(select(Notice.user_id).where(Notice.title.contains(words))))


@pytest.mark.clause("3.5.5")
def test_a_version_counts_from_its_day_on_and_a_later_one_takes_over(prices):
    contract_id = prices.contract().id
    assert queries.present(contract_id) is None
    now = prices.in_force()
    later = prices.in_force([*PRICES, Price("疏通", "次", 80_000)], in_days=10)
    found = [queries.in_force((contract_id,), at(days)).get(contract_id) for days in (0, 9, 10)]
    assert [one and one.id for one in found] == [now.id, now.id, later.id]
    assert queries.in_force((contract_id,), at(-1)) == {}
    assert (now.edition, later.edition, later.based_on_id) == (1, 2, now.id)


@pytest.mark.clause("3.5.6")
def test_it_is_never_put_in_force_for_what_was_ordered_before(prices):
    with pytest.raises(Invalid, match="不追溯") as refusal:
        prices.drawn(in_days=-1)
    assert refusal.value.field == "valid_from"
    with pytest.raises(Invalid):
        prices.drawn(in_days=400)
    waiting = prices.proposed()
    ordered = clock.now()
    with clock.held(at(3)):
        prices.agree(waiting)
        assert waiting.valid_from == clock.today()
        assert queries.present(waiting.contract_id) is not None
    assert queries.in_force((waiting.contract_id,), ordered) == {}
    same_day = clock.at(waiting.valid_from, 0)
    assert queries.in_force((waiting.contract_id,), same_day) == {}, "earlier on the same day"


def test_a_draft_whose_day_has_passed_is_dated_anew_before_it_is_proposed(prices):
    drawn = prices.drawn()
    with clock.held(at(2)), pytest.raises(Invalid, match="不追溯"), transaction():
        commands.propose(drawn, version=drawn.version, actor=drawn.entered_by)


@pytest.mark.parametrize("who", ["manager", "admin"])
def test_the_manager_or_the_administrator_draws_it_up(prices, who):
    assert prices.drawn(by=who).state is ListState.DRAFT


@pytest.mark.parametrize(
    "who", ["clerk", "office", "engineer", "captain", "chief", "gm", "finance", "auditor"]
)
def test_nobody_else_draws_one_up(prices, who):
    with pytest.raises(NotPermitted):
        prices.drawn(by=who)


@pytest.mark.parametrize("who", ["manager", "admin", "deputy_gm", "chief", "auditor", "captain"])
def test_nobody_but_the_general_manager_decides(prices, make, who):
    waiting = prices.proposed()
    with pytest.raises(NotPermitted):
        prices.agree(waiting, who)
    with pytest.raises(NotPermitted), transaction():
        commands.decline(waiting, version=waiting.version, answer="否", actor=make.user(who))


def test_another_account_of_the_proposer_cannot_agree(prices, make):
    """S9 and S11: two people, not two accounts."""
    with transaction():
        make.user("manager").employee_number = make.user("gm").employee_number = "E-0001"
    waiting = prices.proposed()
    with pytest.raises(NotPermitted, match="第二人"):
        prices.agree(waiting)
    with pytest.raises(NotPermitted, match="第二人"), transaction():
        commands.decline(waiting, version=waiting.version, answer="否", actor=make.user("gm"))


def test_a_deputy_of_the_general_manager_does_not_put_prices_in_force(prices, make, sign_in):
    """S10: a deputy has a signature on papers and nothing else; the proposer gains nothing by being one."""
    with transaction():
        deputies.name_deputy(
            deputy_id=make.user("manager").id,
            begins_on=clock.today(),
            ends_on=clock.today() + timedelta(days=3),
            reason="出差",
            actor=make.user("gm"),
        )
    waiting = prices.proposed(by="admin")
    with pytest.raises(NotPermitted):
        prices.agree(waiting, "manager")
    data = {"version": waiting.version, "once": token()}
    address = f"/contractors/contracts/{waiting.contract_id}/prices/{waiting.id}/agree"
    assert sign_in("manager").post(address, data=data).status_code == 403


def test_who_drew_it_up_proposes_it(prices, make):
    drawn = prices.drawn(by="admin")
    with pytest.raises(NotPermitted, match="本人"), transaction():
        commands.propose(drawn, version=drawn.version, actor=make.user("manager"))


def test_one_version_waits_at_a_time_and_is_decided_once(prices, make):
    first = prices.drawn()
    waiting = prices.proposed()
    assert first.state is ListState.DROPPED, "a new draft takes the place of the old one"
    with pytest.raises(Conflict, match="等待同意"):
        prices.drawn()
    version = waiting.version
    with transaction():
        masters.drop(waiting, version=version, actor=make.user("manager"))
    with pytest.raises(Conflict):
        prices.agree(waiting)
    agreed = prices.in_force()
    with pytest.raises(Conflict), transaction():
        commands.decline(agreed, version=agreed.version, answer="晚了", actor=make.user("gm"))
    with pytest.raises(Invalid, match="完全相同"):
        prices.proposed()


def test_a_declined_version_says_why_and_changes_nothing(prices, make):
    prices.in_force()
    waiting = prices.proposed([PRICES[0]._replace(price_milli=120_000, material_milli=80_000)])
    with pytest.raises(Invalid) as refusal, transaction():
        commands.decline(waiting, version=waiting.version, answer=" \u3000", actor=make.user("gm"))
    assert refusal.value.field == "answer"
    with transaction():
        commands.decline(waiting, version=waiting.version, answer="涨幅过大", actor=make.user("gm"))
    present = queries.present(waiting.contract_id)
    assert present is not None
    assert present.edition == 1
    assert told("未获同意") == {make.world.users["manager"]}


@pytest.mark.clause("3.5.6")
def test_the_database_itself_keeps_what_is_decided(prices, make):
    agreed = prices.in_force()
    waiting = prices.proposed([PRICES[0]._replace(price_milli=100_001, labour_milli=None)])
    agreed_id, waiting_id, proposer = agreed.id, waiting.id, waiting.entered_by_id
    line = select(PriceLine.id).where(PriceLine.list_id == agreed_id).limit(1)
    new = {"position": 9, "item": "x", "unit": "y", "price_milli": 1, "words": ""}
    for statement in (
        update(PriceLine).where(PriceLine.id.in_(line)).values(price_milli=1),
        delete(PriceLine).where(PriceLine.id.in_(line)),
        PriceLine.__table__.insert().values(
            list_id=waiting_id, code="", note="", code_key="", item_key="x|y", **new
        ),
        update(PriceList).where(PriceList.id == agreed_id).values(valid_from=date(2020, 1, 1)),
        delete(PriceList).where(PriceList.id == waiting_id),
        update(PriceList)
        .where(PriceList.id == waiting_id)
        .values(state=ListState.IN_FORCE, decided_at=clock.now(), decided_by_id=proposer),
    ):
        db.session.rollback()
        with pytest.raises(IntegrityError), transaction():
            db.session.execute(statement)


def test_who_decides_is_told_and_then_who_prices_by_it(prices, make):
    users = make.world.users
    waiting = prices.proposed()
    assert told("请决定合同价目表") == {users["gm"]}
    prices.agree(waiting)
    assert {users["manager"], users["auditor"], users["captain"]} <= told("起生效") - {users["gm"]}


def test_every_act_is_journalled(prices):
    agreed = prices.in_force()
    entries = journal.story("price_list", agreed.id)
    assert [one.act for one, _ in entries] == ["enter_prices", "propose_prices", "agree_prices"]
    assert entries[-1][1]["contract"] == PIPES
    assert journal.verify().fault is None


def test_a_thing_is_found_by_its_code_else_by_name_and_unit_in_any_spelling(prices):
    list_id = prices.in_force().id
    wanted = [
        Wanted("ｓ-01", "卫生间防水", "m²"),
        Wanted("", " 防水 涂料", "平方米"),
        Wanted("B1-23", "人工", "工日"),
        Wanted("S-01", "防水涂料", "千克"),
        Wanted("", "人工", "工时"),
    ]
    with recorded(db.engine) as recorder:
        found = queries.find([list_id], wanted)
    assert [one and one.code for one in found] == ["S-01", "S-01", "S-02", None, None]
    assert len(recorder.statements) == 1
    assert item_key("a", "公斤") == item_key("Ａ", "KG")


def test_typing_finds_by_code_by_words_and_by_initials(prices):
    listed = prices.in_force()

    def found(typed):
        return [one.code for one in queries.suggested([listed.id], typed)]

    assert found("s-0") == ["S-01", "S-02", "S-03"]
    assert found("涂料 防") == found("fstl") == ["S-01"]
    assert found("维修") == ["S-03"]
    assert found("%") == found("") == found("_") == []


def test_two_versions_are_compared_line_by_line(prices):
    old = prices.in_force()
    new = prices.drawn(
        [
            PRICES[0]._replace(price_milli=112_500, material_milli=72_500),
            PRICES[1],
            Price("疏通", "次", 80_000),
        ]
    )
    changes = queries.changes(queries.lines(old.id), queries.lines(new.id))
    assert [one.line.item for one in changes.moved] == ["防水涂料"]
    assert [one.line.item for one in changes.new] == ["疏通"]
    assert [one.line.item for one in changes.gone] == ["给水管维修"]
    assert changes.same == 1


def upload(contract_id, file, **more):
    """What a person sends from the import page."""
    return {
        "file": (file, "价目.xlsx"),
        "basis": "exclusive",
        "valid_from": clock.today().isoformat(),
        "reason": "补充协议第 2 号",
        "once": token(),
        **more,
    }


def import_address(prices):
    return f"/contractors/contracts/{prices.contract().id}/prices/import"


def amount():
    db.session.rollback()
    return db.session.scalar(select(func.count(PriceLine.id))), db.session.scalar(
        select(func.count(PriceList.id))
    )


@pytest.mark.clause("3.5.6")
def test_the_pages_lead_from_the_workbook_to_the_agreement(prices, sign_in):
    contract_id = prices.contract().id
    home = f"/contractors/contracts/{contract_id}/prices/"
    manager, gm, captain = sign_in("manager"), sign_in("gm"), sign_in("captain")
    assert "还没有现行价目" in manager.get(home).get_data(as_text=True)
    answer = manager.post(f"{home}import", data=upload(contract_id, book(ROWS)))
    assert answer.status_code == 302, answer.get_data(as_text=True)
    page = manager.get(answer.location).get_data(as_text=True)
    for words in ("第 1 版", "拟订中", "提交总经理", "防水涂料", "45.335", "含小型机具"):
        assert words in page
    drawn = db.session.scalars(select(PriceList)).one()
    place, version = f"{home}{drawn.id}", drawn.version
    assert "提交总经理" not in gm.get(place).get_data(as_text=True)
    assert captain.get(f"{home}import").status_code == 403
    data = {"version": version, "once": token()}
    assert manager.post(f"{place}/propose", data=data).status_code == 302
    assert "合同价目表等待您决定" in gm.get("/major/").get_data(as_text=True)
    page = gm.get(place).get_data(as_text=True)
    assert "同意</button>" in page
    assert "同意</button>" not in manager.get(place).get_data(as_text=True)
    db.session.rollback()
    version = db.session.get_one(PriceList, drawn.id).version
    data = {"version": version, "once": token(), "answer": " "}
    refused(gm.post(f"{place}/decline", data=data), "answer")
    stale = gm.post(f"{place}/agree", data={"version": 1, "once": token()})
    assert stale.status_code == 409
    assert manager.post(f"{place}/agree", data={"version": version}).status_code == 403
    answer = gm.post(f"{place}/agree", data={"version": version, "once": token()})
    assert answer.status_code == 302
    assert "合同价目表等待您决定" not in gm.get("/major/").get_data(as_text=True)
    for client in (captain, sign_in("office"), sign_in("auditor"), sign_in("finance")):
        page = client.get(f"{home}?q=fstl").get_data(as_text=True)
        if client is captain or "现行：第 1 版" in page:
            assert "防水涂料" in page
            assert "工日" not in page.split("历次版本")[0]
    page = manager.get(f"{home}?q=%3Cscript%3E").get_data(as_text=True)
    assert "没有含“&lt;script&gt;”的价目" in page


def test_the_difference_is_shown_with_its_percentage(prices, sign_in):
    prices.in_force()
    waiting = prices.proposed(
        [PRICES[0]._replace(price_milli=112_500, material_milli=72_500), PRICES[1]]
    )
    address = f"/contractors/contracts/{waiting.contract_id}/prices/{waiting.id}"
    page = sign_in("gm").get(address).get_data(as_text=True)
    for words in ("与第 1 版相比", "新增 0 项，取消 1 项，变动 1 项，不变 1 项", "+12.5%"):
        assert words in page


def test_what_is_downloaded_can_be_brought_in_again_and_changes_nothing(prices, sign_in):
    agreed = prices.in_force([Price("=1+1", "㎡", 1_005, "@S"), *PRICES])
    manager, home = sign_in("manager"), f"/contractors/contracts/{agreed.contract_id}/prices/"
    answer = manager.get(f"{home}{agreed.id}/prices.xlsx")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as package:
        xml = package.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in xml
    sheet = load_workbook(io.BytesIO(answer.data)).worksheets[0]
    assert sheet["B2"].value == "=1+1"
    assert sheet["B2"].data_type == "s"
    file = io.BytesIO(answer.data)
    answer = manager.post(f"{home}import", data=upload(agreed.contract_id, file))
    assert answer.status_code == 302
    assert "没有差别" in manager.get(answer.location).get_data(as_text=True)
    drawn = db.session.scalars(select(PriceList).where(PriceList.state == ListState.DRAFT)).one()
    assert not queries.changes(queries.lines(agreed.id), queries.lines(drawn.id)).any


def test_the_template_can_be_filled_in_and_its_example_is_no_price(prices, sign_in):
    contract_id = prices.contract().id
    manager = sign_in("manager")
    answer = manager.get(f"/contractors/contracts/{contract_id}/prices/template.xlsx")
    assert "示例" in str(load_workbook(io.BytesIO(answer.data)).worksheets[0]["A2"].value)
    empty = manager.post(import_address(prices), data=upload(contract_id, io.BytesIO(answer.data)))
    assert "没有可导入的行" in refused(empty, "file")
    filled = load_workbook(io.BytesIO(answer.data))
    for column, value in enumerate(ROWS[0], 1):
        filled.worksheets[0].cell(3, column).value = value
    out = io.BytesIO()
    filled.save(out)
    out.seek(0)
    answer = manager.post(import_address(prices), data=upload(contract_id, out))
    assert answer.status_code == 302


WRONG_ROWS = [
    (["S-01", "", "㎡", 1], "B 项目名称", "不能为空"),
    (["S-01", "x", "", 1], "C 单位", "不能为空"),
    (["S-01", "x", "㎡", ""], "D 单价（元）", "不能为空"),
    (["S-01", "x", "㎡", 0], "D 单价（元）", "大于零"),
    (["S-01", "x", "㎡", -3], "D 单价（元）", "不是金额"),
    (["S-01", "x", "㎡", "面议"], "D 单价（元）", "“面议”不是金额"),
    (["S-01", "x", "㎡", "1.2345"], "D 单价（元）", "三位小数"),
    (["S-01", "x", "㎡", "2000000"], "D 单价（元）", "一百万"),
    (["S-01", "x", "㎡", "1e5"], "D 单价（元）", "不是金额"),
    (["S-01", "x", "㎡", date(2026, 1, 2)], "D 单价（元）", "日期"),
    ([date(2026, 1, 2), "x", "㎡", 3], "A 价目编号", "日期"),
    (["S-01", "项" * 121, "㎡", 3], "B 项目名称", "太长"),
    (["S-01", "x", "㎡", 10, 4, 5, 2], "D 单价（元）", "之和 11"),
    (["S-01", "x", "㎡", 10, 4, 5, 0], "D 单价（元）", "之和 9"),
    (["S-01", "x", "㎡", 10, None, None, None, "好", "多出来"], "I", "没有栏目名"),
]


@pytest.mark.clause("3.5.6")
def test_every_wrong_cell_is_told_by_row_and_column_and_nothing_is_kept(prices, sign_in):
    manager, contract_id = sign_in("manager"), prices.contract().id
    good = ["S-99", "好的一行", "㎡", 5]
    rows = [good, *(row for row, *_ in WRONG_ROWS)]
    answer = manager.post(import_address(prices), data=upload(contract_id, book(rows)))
    page = refused(answer, "file")
    assert amount() == (0, 0)
    for number, (_row, column, words) in enumerate(WRONG_ROWS, 3):
        line = page.split(f'<td class="r">{number}</td><td>{column}</td><td>')[1].split("</td>")[0]
        assert words in line, (number, line)
    assert "补充协议第 2 号" in page, "what was typed is kept"
    assert "好的一行" not in page


def test_the_same_code_or_name_twice_is_a_fault_of_the_second_row(prices, sign_in):
    rows = [
        ["S-1", "甲", "㎡", 1],
        ["s-1", "乙", "㎡", 1],
        ["", "甲", "m2", 2],
        ["", "甲", "个", 2],
    ]
    answer = sign_in("manager").post(
        import_address(prices), data=upload(prices.contract().id, book(rows))
    )
    page = refused(answer, "file")
    assert "与第 2 行编号相同" in page
    assert "与第 2 行名称和单位相同" in page
    assert page.count("相同。</td>") == 2


def test_wrong_heads_and_too_many_rows_are_refused(prices, sign_in):
    manager, contract_id = sign_in("manager"), prices.contract().id
    answer = manager.post(
        import_address(prices),
        data=upload(contract_id, book(ROWS, heads=["编号", "项目名称", "项目名称", "单价（元）"])),
    )
    page = refused(answer, "file")
    for words in ("不认识这个栏目", "栏目重复", "缺少这一栏"):
        assert words in page
    many = [["", f"第 {n} 项", "个", 1] for n in range(MOST_LINES + 1)]
    page = refused(
        manager.post(import_address(prices), data=upload(contract_id, book(many))), "file"
    )
    assert f"最多 {MOST_LINES} 行" in page
    assert amount() == (0, 0)


def test_hostile_files_are_refused_in_words(prices, sign_in):
    manager, contract_id = sign_in("manager"), prices.contract().id
    formula = load_workbook(book(ROWS))
    formula.worksheets[0]["D2"].value = "=1+1"
    with_formula = io.BytesIO()
    formula.save(with_formula)
    entity = io.BytesIO()
    with zipfile.ZipFile(entity, "w") as package:
        package.writestr("[Content_Types].xml", '<!DOCTYPE x [<!ENTITY a "b">]><x/>')
        package.writestr("xl/workbook.xml", "<x/>")
    for content, words in (
        (b"", "不是 Excel"),
        (b"code,item\n1,2\n", "不是 Excel"),
        (b"\xd0\xcf\x11\xe0old", "旧版"),
        (b"PK\x03\x04broken", "损坏"),
        (with_formula.getvalue(), "是公式"),
        (entity.getvalue(), "内部结构不正常"),
    ):
        data = upload(contract_id, io.BytesIO(content))
        answer = manager.post(import_address(prices), data=data)
        page = answer.get_data(as_text=True)
        assert answer.status_code == 422
        assert words in page.split('id="file-error">')[1].split("</div>")[0]
        assert "补充协议第 2 号" in page
    assert amount() == (0, 0)


def test_the_import_form_refuses_each_wrong_field_and_keeps_the_rest(prices, sign_in):
    manager, contract_id = sign_in("manager"), prices.contract().id
    yesterday = (clock.today() - timedelta(days=1)).isoformat()
    for field, value in (
        ("basis", "x"),
        ("valid_from", ""),
        ("valid_from", "x"),
        ("valid_from", yesterday),
        ("valid_from", "2999-01-01"),
        ("reason", ""),
        ("reason", " \u3000"),
        ("reason", "长" * 501),
    ):
        data = upload(contract_id, book(ROWS), **{field: value})
        refused(manager.post(import_address(prices), data=data), field)
    data = upload(contract_id, book(ROWS)) | {"file": (io.BytesIO(b""), "")}
    assert "补充协议第 2 号" in refused(manager.post(import_address(prices), data=data), "file")
    assert amount() == (0, 0)


def test_prices_of_another_community_are_not_found(prices, make, sign_in):
    listed = prices.in_force()
    home = f"/contractors/contracts/{listed.contract_id}/prices/"
    far = sign_in("far_clerk")
    for path in ("", f"{listed.id}", f"{listed.id}/prices.xlsx"):
        assert far.get(f"{home}{path}").status_code == 404, path
        assert sign_in("reader").get(f"{home}{path}").status_code == 403, path
    manager = sign_in("manager")
    other = prices.contract("YX-TJ-01").id
    assert manager.get(f"/contractors/contracts/{other}/prices/{listed.id}").status_code == 404
    for path in ("agree", "decline", "drop", "propose"):
        data = {"version": listed.version, "once": token(), "answer": "否"}
        assert far.post(f"{home}{listed.id}/{path}", data=data).status_code in (403, 404)
    admin = sign_in("admin")
    assert admin.get(f"{home}import").status_code == 404, "an administrator is posted nowhere"


def test_a_page_costs_the_same_with_three_prices_and_with_many(prices, sign_in):
    manager = sign_in("manager")

    def cost(address):
        manager.get(address)
        db.session.rollback()
        with recorded(db.engine) as recorder:
            assert manager.get(address).status_code == 200
        return len(recorder.statements)

    listed = prices.in_force()
    home = f"/contractors/contracts/{listed.contract_id}/prices/"
    addresses = (home, f"{home}{listed.id}", f"{home}import")
    few = [cost(one) for one in addresses]
    many = [*PRICES, *(Price(f"项 {n}", "个", n + 1) for n in range(80))]
    for n in range(4):
        prices.in_force(many[n:])
    assert [cost(one) for one in (home, f"{home}{listed.id}", f"{home}import")] == few
    assert few == [7, 8, 4]


def test_two_general_managers_at_once_agree_once(make, prices, sign_in):
    second_account(make, "second", "另一位总经理", [Role.GENERAL_MANAGER])
    waiting = prices.proposed(basis=PriceBasis.INCLUSIVE)
    address = f"/contractors/contracts/{waiting.contract_id}/prices/{waiting.id}/agree"
    list_id, version = waiting.id, waiting.version
    clients = [sign_in("gm"), sign_in("second")]
    db.session.rollback()
    answers, barrier = [], threading.Barrier(2)

    def run(client):
        barrier.wait()
        data = {"version": version, "once": token()}
        answers.append(client.post(address, data=data).status_code)

    threads = [threading.Thread(target=run, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [302, 409]
    db.session.rollback()
    acts = [one.act for one, _ in journal.story("price_list", list_id)]
    assert acts.count("agree_prices") == 1
