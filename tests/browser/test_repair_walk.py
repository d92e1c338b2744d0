"""The stranger's walk through a repair: office and manager at a desk, the captain with his phone in the flat."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_captain import Thumb, draw, picture
from tests.conftest import Engine
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
def test_a_stranger_takes_a_repair_from_the_call_to_the_closed_ticket(
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

    with sqlite.app.app_context():
        closed = db.session.scalars(db.select(Ticket)).one()
        assert (closed.stage, closed.satisfaction) == (TicketStage.CLOSED, Satisfaction.SATISFIED)
        assert "已竣工验收" in closed.resolution
        assert journal.verify().fault is None
        db.session.remove()
