"""An account typed like a spreadsheet at a desk and on a phone, reviewed side by side, certified with one thumb."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.soundness import views
from tests.browser.test_survey import no_sideways
from tests.conftest import Engine
from tests.support.make import Maker
from tests.support.prices import Prices
from tests.support.settlements import Settlements
from ticketing.kernel.db import db
from ticketing.procedure.repairs import OrderStage
from ticketing.procedure.settlement import PriceSource, SettlementStage
from ticketing.steps.settlement import queries
from ticketing.steps.settlement.models import Settlement

pytestmark = pytest.mark.browser

PASTE = """(text) => {
  const data = new DataTransfer();
  data.setData("text/plain", text);
  document.activeElement.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
}"""
FROM_EXCEL = (
    "协议价\t\t防水涂料\t卫生间\t㎡\t3\t120.00\t360.00\t含基层\r\n"
    "定额\tB1-23\t瓷砖铺贴\t\t㎡\t18.6\t85.5\t1,590.30\t\r\n"
    '询价\t\t"渣土\n清运"\t\t车\t1\t260\t260.00\t\r\n'
    "协议价\t\t人工\t\t工日\t６\t45.335\t272.01\t\r\n"
)


def told(sqlite: Engine, stage: SettlementStage) -> int:
    with sqlite.app.app_context():
        accounts = Settlements(Maker(sqlite.world))
        number = accounts.bring(accounts.begun(), stage).id
        db.session.remove()
    return number


def stored(sqlite: Engine, settlement_id: int) -> Settlement:
    found = db.session.get_one(Settlement, settlement_id)
    assert found.lines is not None
    return found


def test_rows_pasted_from_excel_are_added_up_as_the_server_adds_them(
    sqlite: Engine, open_as: Callable[..., Page]
):
    settlement_id = told(sqlite, SettlementStage.DRAFTING)
    page = open_as("captain", "desk")
    page.goto(f"/settlements/{settlement_id}/amend")
    page.get_by_label("第 1 行 价格来源").focus()
    page.evaluate(PASTE, FROM_EXCEL)
    expect(page.locator('[data-sum="lines"]')).to_have_text("2,482.31")
    expect(page.locator('[data-sum="tax"]')).to_have_text("223.41")
    expect(page.locator('[data-sum="total"]')).to_have_text("2,705.72")
    expect(page.get_by_label("第 3 行 工程项目名称")).to_have_value("渣土 清运")
    expect(page.get_by_label("第 1 行 备注")).to_have_value("含基层")
    last = page.get_by_label("第 4 行 工程项目名称")
    last.focus()
    page.keyboard.press("Enter")
    page.keyboard.type("踢脚线")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("米")
    page.keyboard.press("Tab")
    page.keyboard.type("2.5")
    page.keyboard.press("Tab")
    page.keyboard.type("18")
    expect(page.locator("[data-row]").nth(4).locator("[data-total]")).to_have_text("45.00")
    page.keyboard.press("ArrowUp")
    expect(page.get_by_label("第 4 行 单价")).to_be_focused()
    page.get_by_label("管理费率（%）").fill("5")
    expect(page.locator('[data-sum="management"]')).to_have_text("126.37")
    rows = page.locator("[data-row]").count()
    page.get_by_label(f"第 {rows} 行 数量").focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-row]")).to_have_count(rows + 1)
    expect(page.get_by_label(f"第 {rows + 1} 行 数量")).to_be_focused()
    shown = page.locator('[data-sum="total"]').inner_text()
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("已保存。")).to_be_visible()
    with sqlite.app.app_context():
        found = stored(sqlite, settlement_id)
        assert f"{found.submitted_fen / 100:,.2f}" == shown
        assert [one.item for one in found.lines][2:] == ["渣土 清运", "人工", "踢脚线"]
        assert found.lines[1].source is PriceSource.QUOTA
        db.session.remove()


def test_a_wrong_cell_keeps_everything_and_gets_the_focus(
    sqlite: Engine, open_as: Callable[..., Page]
):
    settlement_id = told(sqlite, SettlementStage.DRAFTING)
    page = open_as("captain", "desk")
    page.goto(f"/settlements/{settlement_id}/amend")
    page.get_by_label("第 2 行 工程项目名称").fill("瓷砖")
    page.get_by_label("第 2 行 数量").fill("三")
    page.get_by_role("button", name="保存并上报").click()
    expect(page.get_by_label("第 2 行 工程项目名称")).to_have_value("瓷砖")
    expect(page.get_by_label("第 2 行 数量")).to_have_value("三")
    expect(page.get_by_text("请填写数字，最多三位小数")).to_be_visible()
    expect(page.locator(":focus")).to_have_class("form-control is-invalid")


def test_a_captain_accounts_for_his_order_on_the_phone(
    sqlite: Engine, open_as: Callable[..., Page]
):
    with sqlite.app.app_context():
        order_id = Settlements(Maker(sqlite.world)).repairs.order(OrderStage.ACCEPTED).id
        db.session.remove()
    page = open_as("captain", "phone")
    page.goto("/my-orders")
    page.get_by_role("link", name="待办决算结算").tap()
    page.wait_for_url("**/settlements/?pile=mine")
    no_sideways(page)
    page.get_by_role("button", name="编制决算书").tap()
    page.wait_for_url("**/amend")
    no_sideways(page)
    page.get_by_label("第 1 行 工程项目名称").fill("接头更换")
    page.get_by_label("第 1 行 单位").fill("个")
    page.get_by_label("第 1 行 数量").fill("2")
    page.get_by_label("第 1 行 单价").fill("45.5")
    expect(page.locator('[data-sum="total"]')).to_have_text("99.19")
    page.get_by_role("button", name="保存并上报").tap()
    expect(page.get_by_text("已上报。")).to_be_visible()
    no_sideways(page)
    with sqlite.app.app_context():
        found = queries.of_order(order_id)
        assert found is not None
        assert found.submitted_fen == 9_919
        db.session.remove()


def test_a_reviewer_sees_both_sides_and_the_cut_while_typing(
    sqlite: Engine, open_as: Callable[..., Page]
):
    settlement_id = told(sqlite, SettlementStage.SUBMITTED)
    page = open_as("manager", "desk")
    page.goto(f"/settlements/{settlement_id}/review")
    expect(page.locator('[data-sum="cut"]')).to_have_text("还有 4 行未审")
    page.get_by_role("button", name="全部照申报").click()
    expect(page.locator('[data-sum="cut"]')).to_have_text("0.00（0%）")
    for row, quantity, price in ((1, "2.5", "110"), (2, "18.2", "80")):
        page.get_by_label(f"第 {row} 行 审定数量").fill(quantity)
        page.get_by_label(f"第 {row} 行 审定单价").fill(price)
    expect(page.locator('[data-sum="total"]')).to_have_text("2,466.68")
    expect(page.locator('[data-sum="cut"]')).to_have_text("239.04（8.83%）")
    page.get_by_label("第 3 行 审定单价").fill("261")
    expect(page.get_by_label("第 3 行 增加原因")).to_have_attribute(
        "placeholder", "高于申报，请写原因"
    )
    page.get_by_label("第 3 行 审定单价").fill("260")
    page.get_by_label("审核意见").fill("按实审定")
    page.get_by_role("button", name="完成审核").click()
    expect(page.get_by_text("已审定。")).to_be_visible()
    expect(page.get_by_text("人民币贰仟肆佰陆拾陆元陆角捌分")).to_be_visible()


def test_the_chief_engineer_certifies_in_three_clicks_from_his_notice(
    sqlite: Engine, open_as: Callable[..., Page]
):
    settlement_id = told(sqlite, SettlementStage.CONFIRMED)
    page = open_as("chief", "phone")
    page.goto("/notices/")
    page.get_by_role("button", name="施工单位已确认，请认定").first.tap()
    page.wait_for_url(f"**/settlements/{settlement_id}")
    page.get_by_role("link", name="认定", exact=True).tap()
    page.wait_for_url("**/certify")
    no_sideways(page)
    button = page.get_by_role("button", name="认定", exact=True)
    expect(button).to_be_in_viewport()
    button.tap()
    expect(page.get_by_text("已认定。")).to_be_visible()
    with sqlite.app.app_context():
        assert stored(sqlite, settlement_id).stage is SettlementStage.CERTIFIED
        db.session.remove()


def test_a_price_is_taken_from_the_contracts_list_with_the_keyboard(
    sqlite: Engine, open_as: Callable[..., Page]
):
    with sqlite.app.app_context():
        make = Maker(sqlite.world)
        Prices(make).in_force()
        settlement_id = Settlements(make).begun().id
        db.session.remove()
    page = open_as("captain", "desk")
    page.goto(f"/settlements/{settlement_id}/amend")
    item, row = page.get_by_label("第 1 行 工程项目名称"), page.locator("[data-row]").first
    item.focus()
    page.keyboard.type("fs")
    option = page.locator("#price-choices [role=option]")
    expect(option).to_have_text(re.compile("防水涂料.*100 元/㎡", re.DOTALL))
    page.keyboard.press("ArrowDown")
    expect(option).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(page.locator("#price-choices [role=option]")).to_have_count(0)
    expect(item).to_have_value("防水涂料")
    expect(page.get_by_label("第 1 行 定额编号")).to_have_value("S-01")
    expect(page.get_by_label("第 1 行 单位")).to_have_value("㎡")
    expect(page.get_by_label("第 1 行 单价")).to_have_value("100")
    expect(page.get_by_label("第 1 行 数量")).to_be_focused()
    page.keyboard.type("3")
    page.get_by_label("第 1 行 单价").fill("112.5")
    expect(row.locator("[data-marks]")).to_have_text("价目 100 元 偏离价目 +12.5%")
    page.get_by_label("单价口径").select_option("inclusive")
    expect(row.locator("[data-marks]")).to_have_text("价目 109 元 偏离价目 +3.21%")
    page.get_by_label("第 1 行 价格来源").select_option("quota")
    expect(row.locator("[data-marks]")).to_contain_text("价目已有")
    other = page.get_by_label("第 2 行 工程项目名称")
    other.fill("渣土清运")
    other.press("Tab")
    expect(page.locator("[data-row]").nth(1).locator("[data-marks]")).to_have_text("不在价目")
    page.keyboard.press("Escape")
    other.fill("")
    other.press("Tab")
    page.get_by_role("button", name="保存", exact=True).last.click()
    expect(page.get_by_text("已保存。")).to_be_visible()
    with sqlite.app.app_context():
        assert stored(sqlite, settlement_id).lines[0].listed_id is not None
        db.session.remove()


def test_a_price_is_taken_from_the_list_with_the_thumb(
    sqlite: Engine, open_as: Callable[..., Page]
):
    with sqlite.app.app_context():
        make = Maker(sqlite.world)
        listed = Prices(make).in_force()
        settlement_id, home = Settlements(make).begun().id, listed.contract_id
        db.session.remove()
    page = open_as("captain", "phone")
    page.goto(f"/settlements/{settlement_id}/amend")
    page.get_by_label("第 1 行 定额编号").tap()
    page.keyboard.type("s-03")
    no_sideways(page)
    page.locator("#price-choices [role=option]").tap()
    expect(page.get_by_label("第 1 行 工程项目名称")).to_have_value("给水管维修")
    expect(page.get_by_label("第 1 行 单价")).to_have_value("420")
    for address in ("", "1", "import"):
        manager = open_as("manager", "phone", "dark")
        assert manager.goto(f"/contractors/contracts/{home}/prices/{address}").status == 200
        no_sideways(manager)


def test_no_page_of_accounts_runs_off_the_screen(sqlite: Engine, open_as: Callable[..., Page]):
    settlement_id = told(sqlite, SettlementStage.REVIEWED)
    for username, addresses in (
        (
            "manager",
            ("/settlements/", f"/settlements/{settlement_id}", "/settlements/print/choose"),
        ),
        ("office", (f"/settlements/{settlement_id}/compile",)),
    ):
        page = open_as(username)
        for address in addresses:
            for _ in views(page):
                assert page.goto(address).status == 200
                no_sideways(page)
