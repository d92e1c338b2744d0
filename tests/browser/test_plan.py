"""The dispatch board by mouse, by keyboard and on a phone; papers on A4 as Chromium prints them."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.soundness import faults_at
from tests.conftest import Engine
from tests.support.make import Maker
from tests.support.repairs import CRACK, LEAK, Repairs
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.procedure.repairs import OrderStage, Phenomenon, SurveyStage
from ticketing.steps.work_orders import commands as orders
from ticketing.steps.work_orders.models import WorkOrder

pytestmark = pytest.mark.browser


def told(sqlite: Engine, stage: OrderStage, *broken: object) -> int:
    """An order brought to `stage`; its id."""
    with sqlite.app.app_context():
        number: int = Repairs(Maker(sqlite.world)).order(stage, *broken).id  # type: ignore[arg-type]
        db.session.remove()
    return number


def plan_of(sqlite: Engine, order_id: int) -> tuple[str, str]:
    """On which day an order is planned, and with what note."""
    with sqlite.app.app_context():
        order = db.session.get_one(WorkOrder, order_id)
        found = str(order.visit_on or ""), order.visit_note
        db.session.remove()
    return found


def day(ahead: int) -> str:
    return (clock.today() + timedelta(days=ahead)).isoformat()


def cell(page: Page, ahead: int) -> Locator:
    return page.locator(f'td[data-day="{day(ahead)}"]').first


def card(page: Page, order_id: int) -> Locator:
    return page.locator(f'[data-order="{order_id}"]')


def test_an_order_is_dragged_to_a_day_and_back(
    sqlite: Engine, open_as: Callable[..., Page]
) -> None:
    order_id = told(sqlite, OrderStage.ISSUED)
    page = open_as("manager")
    page.goto("/plan/?class=A")
    expect(page.locator(".tray").locator(f'[data-order="{order_id}"]')).to_be_visible()
    card(page, order_id).drag_to(cell(page, 2))
    there = cell(page, 2).locator(f'[data-order="{order_id}"]')
    expect(there).to_be_focused()
    expect(page.locator("[data-said]")).to_contain_text("已安排")
    expect(cell(page, 2)).to_contain_text("1 单 1 工种")
    assert plan_of(sqlite, order_id)[0] == day(2)
    assert page.url.endswith("/plan/?class=A")
    card(page, order_id).drag_to(cell(page, 4))
    expect(cell(page, 4).locator(f'[data-order="{order_id}"]')).to_be_visible()
    card(page, order_id).drag_to(page.locator(".tray h2"))
    expect(page.locator(".tray").locator(f'[data-order="{order_id}"]')).to_be_visible()
    assert plan_of(sqlite, order_id)[0] == ""


def test_an_order_is_put_on_a_day_by_keyboard(sqlite: Engine, open_as: Callable[..., Page]) -> None:
    first, second = told(sqlite, OrderStage.ISSUED), told(sqlite, OrderStage.ISSUED)
    page = open_as("office")
    page.goto("/plan/")
    card(page, first).focus()
    page.keyboard.press("ArrowDown")
    expect(card(page, second)).to_be_focused()
    page.keyboard.press("Enter")
    dialog = page.locator("dialog[open]")
    expect(dialog.get_by_label("维修队")).to_be_focused()
    dialog.get_by_label("上门日期").fill(day(-1))
    dialog.get_by_label("上门备注").fill("带梯子")
    page.keyboard.press("Enter")
    expect(dialog).to_contain_text("上门日期不能早于今天。")
    expect(dialog.get_by_label("上门备注")).to_have_value("带梯子")
    dialog.get_by_label("上门日期").fill(day(1))
    page.keyboard.press("Enter")
    expect(cell(page, 1).locator(f'[data-order="{second}"]')).to_be_focused()
    assert plan_of(sqlite, second) == (day(1), "带梯子")
    page.keyboard.press("Enter")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(card(page, second)).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(card(page, first)).to_be_focused()


def test_who_comes_second_sees_what_the_first_did_and_the_board_is_renewed(
    sqlite: Engine, open_as: Callable[..., Page]
) -> None:
    order_id = told(sqlite, OrderStage.ISSUED)
    page = open_as("manager")
    page.goto("/plan/")
    with sqlite.app.app_context():
        order = db.session.get_one(WorkOrder, order_id)
        with transaction():
            orders.plan(
                order,
                version=order.version,
                team_id=order.team_id or 0,
                visit_on=clock.today() + timedelta(days=1),
                visit_note="",
                actor=Maker(sqlite.world).user("office"),
            )
        db.session.remove()
    card(page, order_id).drag_to(cell(page, 3))
    dialog = page.locator("dialog[open]")
    expect(dialog).to_contain_text("已被他人修改")
    expect(dialog).to_contain_text("陈静：安排上门")
    expect(dialog.get_by_label("上门日期")).to_have_value(day(3))
    expect(cell(page, 1).locator(f'[data-order="{order_id}"]')).to_be_attached()
    assert plan_of(sqlite, order_id)[0] == day(1)
    dialog.get_by_role("button", name="安排上门").click()
    expect(cell(page, 3).locator(f'[data-order="{order_id}"]')).to_be_visible()
    assert plan_of(sqlite, order_id)[0] == day(3)


def test_on_a_phone_the_board_is_a_list_by_day_and_a_tap_plans(
    sqlite: Engine, open_as: Callable[..., Page]
) -> None:
    order_id = told(sqlite, OrderStage.ISSUED)
    page = open_as("office", "phone")
    page.goto("/plan/")
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390
    card(page, order_id).tap()
    dialog = page.locator("dialog[open]")
    dialog.get_by_label("上门日期").fill(day(0))
    dialog.get_by_role("button", name="安排上门").tap()
    expect(cell(page, 0)).to_contain_text("云栖苑维修队")
    expect(cell(page, 0).locator(f'[data-order="{order_id}"]')).to_be_visible()
    expect(cell(page, 2)).to_be_hidden()


def pages_of(page: Page, address: str) -> int:
    """How many sheets Chromium prints, from its own PDF; each is A4."""
    page.goto(address)
    page.wait_for_load_state("networkidle")
    pdf = page.pdf(prefer_css_page_size=True)
    boxes = pdf.count(b"/MediaBox [0 0 594.95996 841.91998]") + pdf.count(b"/MediaBox [0 0 595")
    sheets = pdf.count(b"/Type /Page\n")
    assert boxes == sheets
    return sheets


def test_a_normal_order_and_a_normal_survey_print_on_one_sheet_of_a4(
    sqlite: Engine, open_as: Callable[..., Page]
) -> None:
    leak, crack = LEAK, CRACK._replace(part=LEAK.part, phenomenon=Phenomenon.HOLLOW)
    ids = [told(sqlite, stage, leak, crack) for stage in (OrderStage.ISSUED, OrderStage.ACCEPTED)]
    with sqlite.app.app_context():
        repairs = Repairs(Maker(sqlite.world))
        surveys = [
            repairs.survey(stage).id for stage in (SurveyStage.SCHEDULED, SurveyStage.SIGNED)
        ]
        db.session.remove()
    page = open_as("office")
    for order_id in ids:
        assert pages_of(page, f"/orders/{order_id}/print") == 1
    for survey_id in surveys:
        assert pages_of(page, f"/surveys/{survey_id}/print") == 1
    pile = "&".join(f"id={order_id}" for order_id in ids)
    assert pages_of(page, f"/orders/print?{pile}") == 2


def test_papers_are_ticked_and_printed_together(
    sqlite: Engine, open_as: Callable[..., Page]
) -> None:
    for _ in range(2):
        told(sqlite, OrderStage.ISSUED)
    page = open_as("office")
    page.goto("/orders/print/choose")
    expect(page.get_by_role("button", name="打印所选")).to_be_disabled()
    page.get_by_label("全选").check()
    page.get_by_role("button", name="打印所选 2 张").click()
    expect(page.locator("article.paper")).to_have_count(2)
    page.emulate_media(media="print")
    expect(page.locator(".screen-only")).to_be_hidden()


def test_board_and_papers_are_accessible_and_fit(
    sqlite: Engine, open_as: Callable[..., Page]
) -> None:
    far = [told(sqlite, OrderStage.ISSUED) for _ in range(2)]
    told(sqlite, OrderStage.DRAFT)
    done = told(sqlite, OrderStage.SELF_CHECKED)
    with sqlite.app.app_context():
        with transaction():
            for order_id in (*far, done):
                order = db.session.get_one(WorkOrder, order_id)
                order.visit_on = clock.today() + timedelta(days=9 if order_id == far[0] else 0)
        db.session.remove()
    page = open_as("office")
    found = []
    for address in (
        "/plan/",
        "/plan/?only=late",
        f"/plan/{far[0]}",
        f"/orders/{done}/print",
        "/surveys/1/print",
        "/orders/print/choose",
        "/surveys/print/choose?signed=1",
    ):
        found += faults_at(page, address)
    assert found == []
