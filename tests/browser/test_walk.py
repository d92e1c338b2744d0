"""The stranger's walk: clerk, department handler, callback, weekly workbook, at both widths."""

import re
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


def _number(page: Page) -> str:
    return page.locator("[data-number]").inner_text()


def _take_a_call(page: Page) -> None:
    """Intake with the caller found by his name."""
    page.goto("/intake")
    page.get_by_label("谁来电").fill("王国强")
    page.locator("#callers [role=option]").first.click()
    expect(page.get_by_label("联络方式")).to_have_value("13800001202")


@pytest.mark.clause("3.4.3")
@pytest.mark.clause("3.10.3")
def test_a_stranger_takes_a_complaint_from_the_call_to_the_weekly_workbook(
    open_as: Callable[..., Page], size: str
) -> None:
    office = open_as("office2", size)
    _take_a_call(office)
    office.get_by_label("投诉内容").fill("卫生间天花板漏水，滴到马桶上，请尽快来看。")
    office.get_by_role("button", name=re.compile("^保存")).click()
    office.wait_for_url("**/dispatch")
    expect(office.get_by_role("radio", name="工程质量")).to_be_checked()
    office.get_by_role("radio", name="物业服务").check()
    expect(office.get_by_label("责任部门")).to_have_value(re.compile(r"\d+"))
    office.get_by_role("button", name="分派").click()
    number = _number(office)
    assert number.startswith("YX-")

    handler = open_as("handler", size)
    handler.get_by_role("link", name=number).click()
    handler.get_by_role("link", name="部门反馈").click()
    handler.get_by_label("已采取行动").fill("已联系业主，明早九点上门。")
    handler.get_by_role("button", name="部门反馈").click()
    handler.get_by_role("link", name="处理完毕").click()
    handler.get_by_label("处理结果").fill("楼上管道接头已更换，闭水试验合格。")
    handler.get_by_role("button", name="处理完毕").click()
    expect(handler.locator(".ticket-head .tag").first).to_have_text("待回访")

    clerk = open_as("office2", size)
    clerk.goto("/tickets/?stage=callback")
    clerk.get_by_role("link", name=number).click()
    clerk.get_by_role("link", name="回访").click()
    clerk.get_by_role("radio", name="满意", exact=True).check()
    clerk.get_by_label("客户意见").fill("很快，谢谢。")
    clerk.get_by_role("button", name="回访").click()
    expect(clerk.locator(".ticket-head .tag").first).to_have_text("已关闭")

    clerk.goto("/reports/")
    with clerk.expect_download() as waiting:
        clerk.get_by_role("button", name=re.compile("本周周报")).first.click()
        download = clerk.get_by_role("link", name=re.compile("Excel")).first
        download.click()
    book = load_workbook(BytesIO(Path(waiting.value.path()).read_bytes()))
    words = {str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row}
    assert "云栖苑" in words
    assert number in words


def test_a_clerk_registers_a_repeat_caller_with_the_keyboard_alone(
    open_as: Callable[..., Page],
) -> None:
    page = open_as("clerk")
    page.keyboard.press("n")
    page.wait_for_url("**/intake")
    expect(page.get_by_label("谁来电")).to_be_focused()
    page.keyboard.type("wgq")
    expect(page.locator("#callers [role=option]").first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_label("投诉内容")).to_be_focused()
    page.keyboard.type("厨房下水道堵塞。")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile(r"/tickets/\d+$"))
    expect(page.locator(".lead")).to_contain_text("厨房下水道堵塞")


def test_open_tickets_stand_beside_the_form_and_can_be_joined_with_the_typed_words(
    open_as: Callable[..., Page], size: str
) -> None:
    page = open_as("clerk", size)
    for words in ("入户门锁坏了。", "门锁还是打不开！"):
        page.goto("/intake")
        page.get_by_label("谁来电").fill("3-1-1202")
        page.locator("#callers [role=option]").first.click()
        page.get_by_label("投诉内容").fill(words)
        if words.startswith("门锁还是"):
            break
        page.get_by_role("button", name=re.compile("^保存")).click()
        page.wait_for_url(re.compile(r"/tickets/\d+$"))
    page.get_by_role("link", name="同一件事，合并到此单").first.click()
    expect(page.get_by_label("本次来电内容")).to_have_value("门锁还是打不开！")
    page.locator("[data-save]").click()
    expect(page.locator(".story")).to_contain_text("再次来电")


def test_defects_are_proposed_added_and_reckoned_while_the_caller_speaks(
    open_as: Callable[..., Page], size: str
) -> None:
    page = open_as("clerk", size)
    page.goto("/intake")
    lines = page.locator("[data-line]")
    expect(lines).to_have_count(1)
    page.get_by_label("谁来电").fill("3-1-1202")
    page.locator("#callers [role=option]").first.click()
    save = page.get_by_role("button", name=re.compile("^保存"))
    page.get_by_label("投诉内容").fill("卫生间顶上漏水，客厅墙面开裂。")
    before = save.bounding_box()
    expect(page.locator("[data-propose]")).to_have_count(2)
    assert save.bounding_box() == before, "what is proposed moves nothing one is about to click"
    page.locator("[data-propose]", has_text="卫生间").click()
    expect(lines.first.get_by_label("位置")).to_have_value("卫生间")
    expect(page.locator(".warranty")).to_contain_text("5 年，至 2029-03-08")
    page.get_by_role("button", name="再加一项").click()
    expect(lines.nth(1).get_by_label("位置")).to_be_focused()
    lines.nth(1).get_by_label("部位").select_option(label="电气管线")
    expect(lines.nth(1).get_by_label("工种")).to_have_value("plumbing_electric")
    expect(page.locator(".warranty .term")).to_have_count(2)
    lines.nth(1).get_by_label("去掉这一项").click()
    expect(page.locator(".warranty .term")).to_have_count(1)
    page.locator("[data-propose]", has_text="客厅").click()
    page.get_by_role("button", name=re.compile("^保存")).click()
    page.wait_for_url(re.compile(r"/tickets/\d+$"))
    main = page.get_by_role("main")
    expect(main).to_contain_text("1. 卫生间 防渗漏")
    expect(main).to_contain_text("2. 客厅 墙面、顶棚抹灰：裂缝（土建）")


def test_several_matters_of_one_call_keep_the_caller_and_stand_together(
    open_as: Callable[..., Page],
) -> None:
    page = open_as("clerk")
    page.goto("/intake")
    page.get_by_label("谁来电").fill("13800000501")
    page.locator("#callers [role=option]").first.click()
    page.get_by_label("投诉内容").fill("阳台推拉门变形。")
    page.get_by_role("button", name="同一来电再录一条").click()
    expect(page.get_by_role("main")).to_contain_text("同一来电")
    expect(page.get_by_label("客户", exact=True)).to_have_value("张伟")
    page.get_by_label("投诉内容").fill("物业费账单多算了一个月。")
    page.get_by_role("button", name=re.compile("^保存")).click()
    expect(page.get_by_role("heading", name="同一来电")).to_be_visible()
    expect(page.locator("aside")).to_contain_text("阳台推拉门变形")


def test_wrong_input_keeps_what_was_typed_and_points_at_the_field(
    open_as: Callable[..., Page], size: str
) -> None:
    page = open_as("clerk", size)
    page.goto("/intake")
    page.get_by_label("客户", exact=True).fill("新来的业主")
    page.get_by_label("联络方式").fill("不是电话")
    page.get_by_label("小区").select_option(label="云栖苑")
    page.get_by_label("投诉内容").fill("楼道灯不亮。")
    page.get_by_role("button", name=re.compile("^保存")).click()
    expect(page.get_by_text("联络方式不像电话号码，请核对。")).to_be_visible()
    expect(page.get_by_label("联络方式")).to_be_focused()
    expect(page.get_by_label("投诉内容")).to_have_value("楼道灯不亮。")


@pytest.mark.clause("3.4.3")
def test_a_home_a_link_brought_along_is_warned_of_only_where_its_tickets_were_not_in_sight(
    open_as: Callable[..., Page], size: str
) -> None:
    office = open_as("office2", size)
    _take_a_call(office)
    home = office.locator("[name=unit_id]").input_value()
    office.get_by_label("投诉内容").fill("卫生间漏水。")
    office.get_by_role("button", name=re.compile("^保存")).click()
    office.wait_for_url("**/dispatch")
    office.goto(f"/intake?unit={home}")
    expect(office.locator("#beside")).to_contain_text("本户")
    office.get_by_label("客户", exact=True).fill("王国强")
    office.get_by_label("投诉内容").fill("单元门禁坏了。")
    office.get_by_role("button", name=re.compile("^保存")).click()
    office.wait_for_url("**/dispatch")
