"""The board in a browser: it renews itself and nothing the reader set up is lost."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import Engine
from tests.support.make import Maker
from ticketing.kernel.db import db
from ticketing.procedure.vocabulary import TicketStage

pytestmark = pytest.mark.browser

HIDDEN = "Object.defineProperty(document, 'hidden', {value: %s, configurable: true})"


def tell(sqlite: Engine, count: int) -> None:
    with sqlite.app.app_context():
        for _ in range(count):
            Maker(sqlite.world).ticket(TicketStage.HANDLING)
        db.session.remove()


def test_the_board_renews_itself_and_keeps_filter_mark_and_place(
    sqlite: Engine, open_as: Callable[..., Page], size: str
) -> None:
    tell(sqlite, 12)
    page = open_as("office2", size)
    page.clock.install()
    page.goto("/board/?kind=complaint")
    rows = page.locator("[data-list] tbody tr")
    expect(rows).to_have_count(12)
    for _ in range(9):
        page.keyboard.press("j")
    marked = page.locator("tr.at").get_attribute("data-row")
    page.evaluate("scrollTo(0, 120)")
    place = page.evaluate("scrollY")
    assert place > 0
    page.evaluate(HIDDEN % "true")
    tell(sqlite, 1)
    page.clock.run_for(180_000)
    expect(rows).to_have_count(12)
    page.evaluate(HIDDEN % "false")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(rows).to_have_count(13)
    tell(sqlite, 1)
    page.clock.run_for(65_000)
    expect(rows).to_have_count(14)
    assert page.url.endswith("/board/?kind=complaint")
    assert page.locator("tr.at").get_attribute("data-row") == marked
    assert abs(page.evaluate("scrollY") - place) <= 4, "a bar of the browser may come or go"
    page.keyboard.press("j")
    page.keyboard.press("k")
    assert page.locator("tr.at").get_attribute("data-row") == marked
    page.keyboard.press("Enter")
    page.wait_for_url("**/tickets/*")


def test_choosing_an_office_narrows_at_once_and_a_click_lets_go_of_a_filter(
    sqlite: Engine, open_as: Callable[..., Page]
) -> None:
    tell(sqlite, 2)
    page = open_as("manager")
    page.goto("/board/")
    page.get_by_label("客户服务处").select_option(label="厦门客户服务处")
    page.wait_for_url("**/board/?*office=*")
    expect(page.get_by_text("没有符合条件的时限")).to_be_visible()
    page.get_by_label("不再只看厦门客户服务处").click()
    expect(page.locator("[data-list] tbody tr")).to_have_count(2)
