"""The import: every fault with row and column, all or nothing, again without doubles, blanks never erase."""

import shutil
import time
from datetime import date
from io import BytesIO

import pytest
from openpyxl import load_workbook
from sqlalchemy import func, select

from ticketing.journal.queries import verify
from ticketing.kernel import excel, sheet_rows
from ticketing.kernel.db import db, transaction
from ticketing.masters.estate import importing, queries, rows, runs
from ticketing.masters.estate.models import (
    Building,
    Customer,
    CustomerPhone,
    ImportRun,
    ImportStage,
    LookupKey,
    Residency,
    Unit,
)
from ticketing.procedure.vocabulary import Relation

HEADS = [column.head for column in rows.COLUMNS.values()]
FACTS = (Building, Unit, Customer, CustomerPhone, Residency, LookupKey)


def line(code="YX", building="9栋", stair="1单元", room="0101", **more):
    """A row of the template by column keys; blanks where nothing is said."""
    facts = {"code": code, "building": building, "stair": stair, "room": room, **more}
    return [facts.get(key, "") for key in rows.COLUMNS]


def book(path, lines, heads=HEADS):
    made = excel.workbook()
    sheet = made.create_sheet("房产客户")
    for number, values in enumerate([heads, *lines], 1):
        for column, value in enumerate(values, 1):
            if value not in ("", None):
                cell = sheet.cell(number, column)
                excel.put(cell, value)
    path.write_bytes(excel.as_bytes(made))
    return path


class Importer:
    """Uploads, checks and confirms as a user of the world, without the pages."""

    def __init__(self, make, folder):
        self.make, self.folder = make, folder

    def check(self, lines, actor="clerk", heads=HEADS):
        upload = book(self.folder / "new.upload", lines, heads)
        with transaction():
            run = runs.begin(upload=upload, file_name="名册.xlsx", actor=self.make.user(actor))
        run_id = run.id
        importing.check(run_id, self.folder)
        return db.session.get_one(ImportRun, run_id, populate_existing=True)

    def confirm(self, run):
        run_id = run.id
        with transaction():
            runs.confirm(run, actor=self.make.user("clerk"))
        importing.carry_out(run_id, self.folder)
        return db.session.get_one(ImportRun, run_id, populate_existing=True)

    def bring_in(self, lines, actor="clerk"):
        run = self.check(lines, actor)
        assert run.stage is ImportStage.CHECKED, run.problems
        run = self.confirm(run)
        assert run.stage is ImportStage.DONE, run.summary
        return run


@pytest.fixture
def bring(make, tmp_path):
    return Importer(make, tmp_path)


def amounts():
    return [db.session.scalar(select(func.count()).select_from(model)) for model in FACTS]


def people_at(unit_label):
    return db.session.scalars(
        select(Customer)
        .join(Residency, Residency.customer_id == Customer.id)
        .join(Unit, Unit.id == Residency.unit_id)
        .where(Unit.label == unit_label)
        .order_by(Customer.id)
    ).all()


@pytest.mark.clause("3.7.1")
@pytest.mark.clause("2.2.5")
def test_homes_and_customers_come_in_and_are_found(bring, make):
    run = bring.bring_in(
        [
            line(
                delivered_on=date(2024, 3, 8),
                moved_in_on="2024/5/1",
                name="郑成功",
                phones="13512340001、0591-83301234",
                relation="业主",
                note="晚上勿扰",
            ),
            line(name="郑小妹", phones=13512340002.0, relation="家属"),
            line(room=102, delivered_on="2024年3月8日"),
            line(
                code="ht", building="2", stair="", room="301", name="郑成功", phones="13512340001"
            ),
        ]
    )
    assert run.summary["rows"] == 4
    assert run.summary["counts"]["新房产"] == 3
    assert run.summary["counts"]["新客户"] == 2
    assert run.unindexed == []
    owner, sister = people_at("9-1-0101")
    assert [phone.number for phone in owner.phones] == ["13512340001", "059183301234"]
    assert owner.note == "晚上勿扰"
    assert owner.initials == "zcg"
    assert sister.residencies[0].relation is Relation.FAMILY
    assert people_at("2-301") == [owner]
    home = owner.residencies[0].unit
    assert (home.delivered_on, home.moved_in_on) == (date(2024, 3, 8), date(2024, 5, 1))
    for typed in ("zcg", "成功", "13512340001", "9-1-0101", "0591"):
        assert "郑成功" in [c.name for c in queries.callers(make.scope("clerk"), typed)], typed
    assert "9-1-102" in [c.label for c in queries.callers(make.scope("clerk"), "9-1-102")]
    assert verify().fault is None
    assert list(bring.folder.iterdir()) == []


@pytest.mark.clause("3.4.6")
@pytest.mark.clause("3.7.1")
def test_a_deemed_delivery_comes_in_and_only_the_word_no_takes_it_back(bring):
    def home():
        found = db.session.scalars(select(Unit).where(Unit.label == "9-1-0101"))
        unit = found.unique().one()
        return unit.delivered_on, unit.deemed_delivered

    bring.bring_in([line(delivered_on=date(2024, 3, 8), deemed="是"), line(name="郑成功")])
    assert home() == (date(2024, 3, 8), True)
    house = db.session.scalars(select(Building).where(Building.name == "9栋")).one()
    assert house.delivered_on is None, "one home's deemed day is not that of its building"
    for blank in (line(), line(delivered_on=date(2024, 3, 8))):
        assert bring.bring_in([blank]).summary["counts"]["没有变化的行"] == 1
    heads = [head for head in HEADS if head != "视为交付"]
    assert bring.check([line()[: len(heads)]], heads=heads).stage is ImportStage.CHECKED
    assert home() == (date(2024, 3, 8), True)
    run = bring.bring_in([line(deemed="否")])
    assert run.summary["counts"]["更新日期的房产"] == 1
    assert home() == (date(2024, 3, 8), False)
    bring.bring_in([line(deemed="是")])
    assert home() == (date(2024, 3, 8), True)
    torn = bring.check([line(deemed="是"), line(deemed="否", name="郑成功")])
    assert [problem[1:] for problem in torn.problems] == [
        ["L 视为交付", "与第 2 行同一套房的“视为交付”不一致。"]
    ]


@pytest.mark.clause("3.7.1")
def test_the_same_workbook_again_changes_nothing(bring):
    lines = [
        line(delivered_on=date(2024, 3, 8), name="郑成功", phones="13512340001", note="甲"),
        line(room="0102", name="郑成功", phones="13512340001 13512340009", relation="租户"),
        line(room="0103"),
    ]
    bring.bring_in(lines)
    before = amounts()
    run = bring.bring_in(lines)
    assert amounts() == before
    assert {k: n for k, n in run.summary["counts"].items() if n} == {"没有变化的行": 3}


def test_another_spelling_of_a_room_is_the_same_home(bring):
    before = amounts()
    run = bring.bring_in(
        [line(building="3号楼", stair="1", room="1202室", name="王国强", phones="13800001202")]
    )
    assert amounts() == before
    assert run.summary["counts"]["没有变化的行"] == 1


@pytest.mark.clause("3.7.1")
def test_a_blank_never_erases_and_a_fact_updates(bring):
    bring.bring_in(
        [
            line(
                delivered_on=date(2024, 3, 8),
                moved_in_on=date(2024, 5, 1),
                name="郑成功",
                phones="13512340001",
                relation="租户",
                note="晚上勿扰",
            )
        ]
    )
    bring.bring_in([line(name="郑成功"), line(room="0102")])
    (owner,) = people_at("9-1-0101")
    assert (owner.note, len(owner.phones)) == ("晚上勿扰", 1)
    assert owner.residencies[0].relation is Relation.TENANT
    assert owner.residencies[0].unit.moved_in_on == date(2024, 5, 1)
    version, seen = owner.version, owner.residencies[0].unit.version
    run = bring.bring_in(
        [
            line(
                moved_in_on=date(2024, 6, 1),
                name="郑成功",
                phones="13512340002",
                relation="业主",
                note="搬来一条狗",
            )
        ]
    )
    db.session.expire_all()
    (owner,) = people_at("9-1-0101")
    assert {phone.number for phone in owner.phones} == {"13512340001", "13512340002"}
    assert (owner.note, owner.residencies[0].relation) == ("搬来一条狗", Relation.OWNER)
    assert owner.residencies[0].unit.moved_in_on == date(2024, 6, 1)
    assert owner.residencies[0].unit.delivered_on == date(2024, 3, 8)
    assert owner.version > version
    assert owner.residencies[0].unit.version == seen + 1
    assert run.summary["counts"]["更新的客户"] == 1


def test_a_customer_merged_away_stays_merged(bring, make):
    from ticketing.masters.estate.merging import merge_customers

    ids = make.world.customers
    with transaction():
        twin, survivor = (db.session.get_one(Customer, ids[n]) for n in ("李秀英", "王国强"))
        merge_customers(
            twin,
            survivor,
            version=twin.version,
            scope=make.scope("office"),
            reason="同一人",
            actor=make.user("office"),
        )
    before = amounts()
    bring.bring_in([line(building="3栋", room="1203", name="李秀英", phones="13800001203")])
    assert amounts() == before


FAULTS = (
    (line(code=""), "A 小区代号", "不能为空"),
    (line(code="QQ"), "A 小区代号", "没有代号为“QQ”的小区"),
    (line(code="LH"), "A 小区代号", "不在您的权限范围内"),
    (line(community="海棠湾"), "B 小区名称", "YX 是云栖苑"),
    (line(building=""), "C 楼栋", "不能为空"),
    (line(building="楼" * 21), "C 楼栋", "最多 20 个字"),
    (line(room=""), "E 房号", "不能为空"),
    (line(room=date(2026, 3, 1)), "E 房号", "被 Excel 当成了日期"),
    (line(delivered_on="昨天"), "F 交付日期", "“昨天”不是日期"),
    (line(delivered_on="2024-02-30"), "F 交付日期", "不是日期"),
    (line(delivered_on=45359), "F 交付日期", "“45359”不是日期"),
    (line(delivered_on="0024-03-08"), "F 交付日期", "1980 年至 2099 年"),
    (line(moved_in_on="2098-01-01"), "G 入住日期", "不能晚于今天"),
    (line(delivered_on="2024-03-08", moved_in_on="2024-03-07"), "G 入住日期", "早于交付日期"),
    (line(name="王" * 10_000), "H 姓名", "最多 40 个字"),
    (line(name="王_x0007_强"), "H 姓名", "控制字符"),
    (line(name="王五", phones="一三八"), "I 电话", "“一三八”不像电话号码"),
    (line(name="王五", phones="13500000001，12"), "I 电话", "“12”不像电话号码"),
    (
        line(name="王五", phones="、".join(str(13500000000 + n) for n in range(11))),
        "I 电话",
        "最多 10",
    ),
    (line(phones="13500000001"), "I 电话", "没有姓名"),
    (line(name="王五", relation="邻居"), "J 关系", "只能是业主、家属、租户、代理人"),
    (line(note="无主"), "K 备注", "没有姓名"),
    (line(name="王五", note="话" * 501), "K 备注", "最多 500 个字"),
    (line(delivered_on="2024-03-08", deemed="也许"), "L 视为交付", "只能是“是”或“否”"),
    (line(room="0777", deemed="是"), "L 视为交付", "填写合同约定的交付日期"),
    ([*line(), "多出来的"], "M", "没有栏目名"),
    (line(building="3栋", room="1202", moved_in_on="2024-03-01"), "G 入住日期", "系统里已有的日期"),
)


@pytest.mark.clause("3.7.1")
def test_every_fault_is_listed_with_its_row_and_column_and_nothing_comes_in(bring):
    before = amounts()
    good = line(room="0999", name="好人", phones="13500009999")
    twins = [
        line(room="0800", name="孙一", moved_in_on="2024-05-01"),
        line(room="0800", name="孙一", moved_in_on="2024-05-02"),
    ]
    run = bring.check([good, *(fault[0] for fault in FAULTS), *twins])
    assert run.stage is ImportStage.REFUSED
    told = [(row, column, sentence) for row, column, sentence in run.problems]
    for number, (_, column, sentence) in enumerate(FAULTS, 3):
        assert any(
            (row, where) == (number, column) and sentence in words for row, where, words in told
        ), (number, column, sentence, [t for t in told if t[0] == number])
    last = len(FAULTS) + 4
    assert any((row, where) == (last, "G 入住日期") for row, where, _ in told)
    assert {row for row, _, _ in told} == set(range(3, last + 1)) - {last - 1}
    assert run.problem_count == len(told)
    assert amounts() == before
    assert list(bring.folder.iterdir()) == []


def test_a_person_twice_at_one_home_is_a_fault_of_the_second_row(bring):
    run = bring.check([line(name="孙一"), line(name="孙一", phones="13500000001")])
    assert run.problems == [[3, "H 姓名", "与第 2 行重复（同一套房同一姓名），请合并为一行。"]]


def test_wrong_heads_are_faults_of_the_first_row(bring):
    run = bring.check([line()], heads=["小区代号", "楼号", "小区名称", *HEADS[3:], HEADS[3]])
    assert {(row, column) for row, column, _ in run.problems} == {
        (1, "B 楼号"),
        (1, f"{sheet_rows.letter(len(HEADS))} 单元"),
        (1, "楼栋"),
    }
    assert run.stage is ImportStage.REFUSED


def test_an_empty_sheet_and_a_sheet_of_heads_are_refused(bring):
    assert "没有可导入的行" in bring.check([]).problems[0][2]
    assert "工作表是空的" in bring.check([], heads=[""]).problems[0][2]


@pytest.mark.clause("3.7.1")
def test_a_fault_in_the_middle_of_writing_leaves_nothing_behind(bring, monkeypatch):
    before = amounts()
    run = bring.check(
        [line(room=f"{n:04d}", name=f"客户{n}", phones=str(13500000000 + n)) for n in range(1, 40)]
    )
    assert run.stage is ImportStage.CHECKED
    pour = importing.pour

    def broken(filled):
        if filled.table == "residency":
            raise OSError("disk full")
        pour(filled)

    monkeypatch.setattr(importing, "pour", broken)
    run = bring.confirm(run)
    assert run.stage is ImportStage.FAILED
    assert "没有导入任何内容" in run.summary["sentence"]
    assert amounts() == before
    assert verify().fault is None


def test_words_that_were_not_written_can_be_taken_up_again(bring, make, monkeypatch):
    run = bring.check([line(name="郑成功", phones="13512340001")])

    def broken(*_):
        raise OSError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(importing.lookup, "replace", broken)
        run = bring.confirm(run)
    assert run.stage is ImportStage.INDEXING
    assert not runs.cut_off(run)
    with transaction():
        run.beat_at -= 2 * runs.SILENT_FOR
    assert runs.cut_off(run)
    with transaction():
        runs.resume(run, actor=make.user("clerk"))
    importing.carry_on(run.id, bring.folder)
    assert [c.name for c in queries.callers(make.scope("clerk"), "zcg")] == ["郑成功"]


def test_a_change_between_check_and_confirmation_is_taken_into_account(bring, make):
    from ticketing.masters.estate.commands import add_unit

    run = bring.check([line(name="郑成功"), line(room="0102")])
    with transaction():
        add_unit(
            queries.community(make.scope("clerk"), make.world.communities["YX"]),
            building="9栋",
            stair="1单元",
            room="0101",
            actor=make.user("admin"),
        )
    run = bring.confirm(run)
    assert run.stage is ImportStage.DONE
    assert run.summary["counts"]["新房产"] == 1
    assert len(people_at("9-1-0101")) == 1


def test_a_change_between_comparing_and_writing_makes_it_compare_again(bring, make, monkeypatch):
    from ticketing.masters.estate.commands import add_unit

    run = bring.check([line(name="郑成功")])
    compare, turns = importing._compare, []

    def slow(run_id, folder):
        found = compare(run_id, folder)
        turns.append(1)
        if len(turns) == 1:
            with transaction():
                add_unit(
                    queries.community(make.scope("clerk"), make.world.communities["YX"]),
                    building="9栋",
                    stair="1单元",
                    room="0101",
                    actor=make.user("admin"),
                )
        return found

    monkeypatch.setattr(importing, "_compare", slow)
    assert bring.confirm(run).stage is ImportStage.DONE
    assert len(turns) == 2
    assert len(people_at("9-1-0101")) == 1


def test_a_right_taken_away_before_confirming_stops_the_import(bring, make):
    run = bring.check([line(name="郑成功")])
    before = amounts()
    with transaction():
        make.user("clerk").active = False
    run = bring.confirm(run)
    assert run.stage is ImportStage.FAILED
    assert amounts() == before


def test_a_phone_known_under_another_name_is_pointed_out(bring):
    run = bring.check([line(name="郑成功", phones="13800001202")])
    assert run.stage is ImportStage.CHECKED
    assert "王国强" in run.summary["notices"][0]


def test_a_stranger_of_another_office_with_the_same_phone_is_not_touched(bring, world):
    bring.bring_in([line(name="杨丽", phones="13600000302")])
    far = db.session.get_one(Customer, world.customers["杨丽"])
    assert far.version == 1
    assert len(far.residencies) == 1
    (near,) = people_at("9-1-0101")
    assert near.id != far.id


def wait_for(client, page):
    for _ in range(300):
        run = client.get(f"{page}/progress").get_json()
        if run["finished"]:
            return run["stage"]
        time.sleep(0.1)
    raise AssertionError("the import does not end")


@pytest.mark.clause("3.7.1")
def test_the_template_filled_in_goes_through_the_pages(app, sign_in, tmp_path):
    clerk = sign_in("clerk")
    answer = clerk.get("/estate/imports/template.xlsx")
    template = load_workbook(BytesIO(answer.data))
    assert [cell.value for cell in template["房产客户"][1]] == HEADS
    assert {row[0].value for row in template["说明"].iter_rows()} >= {"YX", "HT", "姓名"}
    assert "LH" not in {row[0].value for row in template["说明"].iter_rows()}
    for column, value in enumerate(line(name="=1+1", phones="13512340001"), 1):
        if value:
            excel.put(template["房产客户"].cell(3, column), value)
    template.save(tmp_path / "名册.xlsx")
    with (tmp_path / "名册.xlsx").open("rb") as file:
        answer = clerk.post("/estate/imports/", data={"file": (file, "名册.xlsx"), "once": "u"})
    assert answer.status_code == 302, answer.get_data(as_text=True)
    page = answer.location
    assert wait_for(clerk, page) == "checked"
    shown = clerk.get(page).get_data(as_text=True)
    assert "1 行核对无误" in shown
    assert sign_in("office").get(page).status_code == 404
    assert clerk.post(f"{page}/confirm", data={"once": "c"}).status_code == 302
    assert wait_for(clerk, page) == "done"
    assert "已导入 1 行" in clerk.get(page).get_data(as_text=True)
    assert clerk.post(f"{page}/confirm", data={"once": "d"}).status_code == 409
    assert clerk.post(f"{page}/resume", data={"once": "e"}).status_code == 409
    assert clerk.post(f"{page}/drop", data={"once": "f"}).status_code == 409
    with app.app_context():
        assert people_at("9-1-0101")[0].name == "=1+1"
    shutil.rmtree(app.extensions["ticketing"].instance / "imports")


def test_faults_stand_on_the_page_of_the_run_and_an_unwanted_run_is_dropped(app, sign_in, tmp_path):
    clerk = sign_in("clerk")
    bad = book(tmp_path / "bad.xlsx", [line(room="")] * 250)
    good = book(tmp_path / "good.xlsx", [line()])
    pages = []
    for n, path in enumerate((bad, good)):
        with path.open("rb") as file:
            answer = clerk.post("/estate/imports/", data={"file": (file, "a.xlsx"), "once": f"{n}"})
        pages.append(answer.location)
    assert wait_for(clerk, pages[0]) == "refused"
    shown = clerk.get(pages[0]).get_data(as_text=True)
    assert "有 250 处错误" in shown
    assert "列出前 200 处" in shown
    assert "E 房号" in shown
    assert wait_for(clerk, pages[1]) == "checked"
    assert clerk.post(f"{pages[1]}/drop", data={"once": "x"}).status_code == 302
    assert clerk.post(f"{pages[1]}/confirm", data={"once": "y"}).status_code == 409
    assert list((app.extensions["ticketing"].instance / "imports").iterdir()) == []
    assert "已放弃" in clerk.get("/estate/imports/").get_data(as_text=True)


def test_only_customer_service_imports(sign_in):
    for who in ("handler", "admin", "auditor", "reader"):
        client = sign_in(who)
        assert client.get("/estate/imports/").status_code == 403
        assert client.get("/estate/imports/template.xlsx").status_code == 403
