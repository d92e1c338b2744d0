"""A survey on a phone in the flat: photo, findings, signatures with the finger; and what the pages look like there."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_captain import draw, picture
from tests.conftest import Engine
from tests.support.make import Maker
from tests.support.repairs import CRACK, LEAK, Repairs
from ticketing.kernel.db import db
from ticketing.procedure.repairs import Side, SurveyStage
from ticketing.steps.site_survey.models import SiteSurvey

pytestmark = pytest.mark.browser


def told(sqlite: Engine, stage: SurveyStage) -> int:
    with sqlite.app.app_context():
        number = Repairs(Maker(sqlite.world)).survey(stage, LEAK, CRACK).id
        db.session.remove()
    return number


def no_sideways(page: Page) -> None:
    width = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(width) <= 0, page.url


def test_a_survey_is_recorded_and_signed_with_one_thumb(
    sqlite: Engine, open_as: Callable[..., Page]
):
    survey_id = told(sqlite, SurveyStage.SCHEDULED)
    page = open_as("office", "phone")
    page.goto("/surveys/")
    no_sideways(page)
    page.locator(".job-open").first.tap()
    page.get_by_role("button", name="到场", exact=True).tap()
    page.get_by_role("link", name="记录勘察").tap()
    with page.expect_file_chooser() as chooser:
        page.locator(".shoot label", has_text="拍现场照片").first.tap()
    chooser.value.set_files(picture("gray"))
    expect(page.locator(".shot.done")).to_have_count(1)
    page.get_by_label("现场情况").fill("卫生间顶板渗水，客厅墙面有裂缝")
    for item in page.locator("fieldset.finding").all():
        item.get_by_label("原因").select_option("workmanship")
        expect(item.locator("[data-advice]")).to_contain_text("系统建议")
        expect(item.locator("input[type=radio]:checked")).to_have_count(1)
        expect(item.get_by_label("责任方")).to_have_value("contractor")
        item.get_by_label("估价（元）").fill("400")
    no_sideways(page)
    page.get_by_role("button", name="保存勘察记录").tap()
    expect(page.locator(".alert-warning")).to_contain_text("还缺")
    page.get_by_role("link", name="会签", exact=True).tap()
    page.wait_for_url("**/sign")
    no_sideways(page)
    draw(page, "签名")
    page.get_by_role("button", name="确认", exact=True).tap()
    expect(page.get_by_text("客户服务中心一栏已办理。")).to_be_visible()
    with sqlite.app.app_context():
        survey = db.session.get_one(SiteSurvey, survey_id)
        assert [box.side for box in survey.boxes] == [Side.SERVICE]
        assert survey.estimate_fen == 80_000
        db.session.remove()


def test_absence_asks_for_reason_and_evidence_instead_of_a_signature(
    sqlite: Engine, open_as: Callable[..., Page]
):
    survey_id = told(sqlite, SurveyStage.RECORDED)
    page = open_as("office", "phone")
    page.goto(f"/surveys/{survey_id}/sign?side=customer")
    canvas, reason = page.get_by_role("img", name="签名"), page.get_by_label("原因")
    expect(canvas).to_be_visible()
    expect(reason).to_be_hidden()
    page.get_by_label("拒签").check()
    expect(canvas).to_be_hidden()
    reason.fill("对责任划分有意见")
    page.get_by_label("通知凭证").fill("现场录音 8")
    page.get_by_role("button", name="确认", exact=True).tap()
    expect(page.get_by_text("现场录音 8")).to_be_visible()


def test_the_button_says_what_follows_from_the_managers_choice(
    sqlite: Engine, open_as: Callable[..., Page]
):
    survey_id = told(sqlite, SurveyStage.SIGNED)
    page = open_as("manager", "desk")
    page.goto("/surveys/")
    page.get_by_role("link", name="下结论").first.click()
    save = page.locator("[data-follows]")
    expect(save).to_contain_text("转维修")
    for item in page.locator("[data-judged]").all():
        item.locator('input[value="none"]').check()
        item.get_by_label("理由").fill("业主自行处理")
    expect(save).to_have_text("确认：不予维修，转责任部门答复客户")
    save.click()
    page.wait_for_url("**/tickets/*")
    page.goto(f"/surveys/{survey_id}")
    expect(page.get_by_text("业主自行处理").first).to_be_visible()
