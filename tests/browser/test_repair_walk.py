"""The stranger's walk through a repair to its money: everybody at his desk, the captain with his phone in the flat."""

import re
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Page, expect

from tests.browser.test_captain import Thumb, draw, picture
from tests.conftest import Engine
from ticketing.books.ledger.verifying import verify
from ticketing.casefile.tickets.models import Ticket
from ticketing.journal import queries as journal
from ticketing.kernel.db import db
from ticketing.procedure.vocabulary import Satisfaction, TicketStage

pytestmark = pytest.mark.browser


class Desk:
    """A person at a desk who follows the links and buttons a page offers."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def link(self, name: str) -> None:
        self.page.get_by_role("main").get_by_role("link", name=name, exact=True).first.click()

    def button(self, name: str | re.Pattern[str]) -> None:
        self.page.get_by_role("main").get_by_role("button", name=name).first.click()

    def fill(self, label: str, words: str) -> None:
        self.page.get_by_role("main").get_by_label(label).first.fill(words)

    def stands(self, stage: str) -> None:
        """The head of the paper says so."""
        expect(self.page.locator(".ticket-head").get_by_text(stage, exact=True)).to_be_visible()


@pytest.mark.clause("3.4.5")
@pytest.mark.clause("3.5.1")
@pytest.mark.clause("3.5.2")
@pytest.mark.clause("3.5.3")
@pytest.mark.clause("3.5.4")
@pytest.mark.clause("5.5")
@pytest.mark.clause("3.5.5")
@pytest.mark.clause("3.5.6")
@pytest.mark.clause("3.5.7")
@pytest.mark.clause("3.5.8")
@pytest.mark.clause("3.5.9")
def test_a_stranger_takes_a_repair_from_the_call_to_the_payment(
    sqlite: Engine, open_as: Callable[..., Page]
) -> None:
    office, manager = Desk(open_as("office2")), Desk(open_as("manager"))
    crew = open_as("captain", "phone")
    thumb = Thumb(crew)

    office.page.goto("/intake")
    office.fill("谁来电", "王国强")
    office.page.locator("#callers [role=option]").first.click()
    office.fill("投诉内容", "卫生间天花板漏水，滴到马桶上。")
    office.page.locator("[data-propose]", has_text="卫生间").click()
    expect(office.page.locator(".warranty")).to_contain_text("5 年，至 2029-03-08")
    office.button(re.compile("^保存"))
    office.page.wait_for_url("**/dispatch")
    office.button("分派")
    office.stands("已转派")
    ticket = office.page.url
    office.link("约定勘察")
    office.page.get_by_label("维修队").select_option(index=1)
    office.button("约定勘察")
    office.stands("待勘察")
    office.page.locator("#surveys").get_by_role("link").first.click()
    office.page.wait_for_url("**/surveys/*")
    survey = office.page.url

    office.button("到场")
    office.link("记录勘察")
    with office.page.expect_file_chooser() as chooser:
        office.page.locator(".shoot label", has_text="拍现场照片").first.click()
    chooser.value.set_files(picture("grey"))
    expect(office.page.locator(".shot.done")).to_have_count(1)
    item = office.page.locator("fieldset.finding")
    office.page.get_by_label("现场情况").first.fill("卫生间顶板有渗水痕迹。")
    item.get_by_label("原因").select_option("workmanship")
    expect(item.get_by_label("责任方")).to_have_value("contractor")
    item.get_by_label("估价（元）").fill("800")
    office.button("保存勘察记录")
    for side, name in (("客户服务中心", "郑敏"), ("物业管理处", "物业主任")):
        office.link(f"{side}会签")
        office.fill("姓名", name)
        draw(office.page, "签名")
        office.button("确认")
        expect(office.page.get_by_text(f"{side}一栏已办理。")).to_be_visible()
    crew.goto(survey)
    for side in ("维修队长", "客户"):
        crew.wait_for_load_state("networkidle")  # the pictures that still come in move the page
        crew.get_by_role("link", name=f"{side}会签", exact=True).tap()
        draw(crew, "签名")
        crew.get_by_role("button", name=re.compile("^确认")).tap()
        expect(crew.get_by_text(f"{side}一栏已办理。")).to_be_visible()
    expect(crew.locator(".ticket-head .tag").first).to_have_text("已会签")

    manager.page.goto("/surveys/")
    manager.link("下结论")
    manager.button(re.compile("转维修"))
    manager.stands("维修中")
    office.page.goto(ticket)
    office.link("拟 A 类派工单")
    office.button("保存拟单")
    order = office.page.url
    office.link("报费用审批")
    office.button("报费用审批")
    manager.page.goto(order)
    manager.link("审批")
    manager.button("同意")
    manager.link("签发派工")
    manager.button("签发派工")
    manager.stands("已派工")

    crew.goto("/my-orders")
    thumb.on(crew.get_by_role("link", name="云栖苑 3-1-1202"))
    thumb.on(crew.get_by_label("阿强（水电）"))
    thumb.button("今天")
    thumb.button("签收")
    thumb.button("到场")
    thumb.shoot("拍修前照", "grey")
    thumb.shoot("拍完工照", "green")
    thumb.button("闭水试验无渗漏。")
    thumb.button("自检完工")
    thumb.on(crew.get_by_label("很满意"))
    draw(crew)
    thumb.button("客户签字")
    expect(crew.get_by_text("王国强 已签字：很满意")).to_be_visible()

    office.page.goto(order)
    office.link("竣工检查")
    office.fill("检查意见", "闭水试验合格。")
    office.button("检查合格")
    office.stands("已验收")
    office.page.goto(ticket)
    office.stands("待回访")
    office.link("回访")
    office.page.get_by_role("radio", name="满意", exact=True).check()
    office.fill("客户意见", "修好了，谢谢。")
    office.button("回访")
    office.stands("已关闭")

    crew.goto("/settlements/?pile=mine")
    thumb.button("编制决算书")
    for label, words in (
        ("工程项目名称", "接头更换"),
        ("单位", "项"),
        ("数量", "1"),
        ("单价", "780"),
    ):
        crew.get_by_label(f"第 1 行 {label}").fill(words)
    expect(crew.locator('[data-sum="total"]')).to_have_text("850.20")
    thumb.button("保存并上报")
    crew.wait_for_url(re.compile(r"/settlements/\d+$"))
    account = crew.url
    manager.page.goto(account)
    manager.link("逐行审定")
    manager.button("全部照申报")
    manager.fill("审核意见", "按实审定")
    manager.button("完成审核")
    office.page.goto(account)
    office.link("编写结算书")
    expect(office.page.get_by_label("施工合同").locator("option:checked")).to_contain_text(
        "承建本单工种"
    )
    office.button("编写结算书")
    auditor = Desk(open_as("auditor"))
    auditor.page.goto(account)
    auditor.link("通知施工单位")
    auditor.page.get_by_role("radio", name="快递").check()
    auditor.fill("送达凭证", "SF1029384756")
    auditor.button("通知施工单位")
    auditor.link("施工单位确认")
    auditor.fill("确认人", "张经理")
    auditor.fill("确认凭证", "确认函 12 号")
    auditor.button("施工单位确认")
    chief = Desk(open_as("chief"))
    chief.page.goto(account)
    chief.link("认定")
    chief.button("认定")
    expect(chief.page.get_by_text("已认定。")).to_be_visible()

    finance, cashier = Desk(open_as("finance")), Desk(open_as("cashier"))
    finance.page.goto("/finance/payments/waiting")
    finance.button("制付款单")
    finance.page.wait_for_url(re.compile(r"/finance/payments/\d+$"))
    cashier.page.goto(finance.page.url)
    cashier.fill("银行流水号", "BK-20261126-1")
    cashier.button("放款并入账")
    expect(cashier.page.get_by_text("已放款").first).to_be_visible()
    office.page.goto(account)
    office.stands("已拨付")

    office.page.goto("/reports/")
    with office.page.expect_download() as waiting:
        office.page.get_by_role("button", name=re.compile("本周周报")).first.click()
        office.page.get_by_role("link", name=re.compile("Excel")).first.click()
    book = load_workbook(BytesIO(Path(waiting.value.path()).read_bytes()))
    assert 850.2 in {cell.value for sheet in book for row in sheet.iter_rows() for cell in row}

    with sqlite.app.app_context():
        closed = db.session.scalars(db.select(Ticket)).one()
        assert (closed.stage, closed.satisfaction) == (TicketStage.CLOSED, Satisfaction.SATISFIED)
        assert "已竣工验收" in closed.resolution
        assert journal.verify().fault is None
        assert verify().faults == []
        db.session.remove()
