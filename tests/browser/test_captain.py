"""The captain's phone at 390 px with touch: few taps, and nothing lost or doubled when the connection goes."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.conftest import Engine
from tests.support.make import Maker
from tests.support.repairs import Repairs
from ticketing.journal.models import JournalEntry
from ticketing.kernel.db import db, transaction
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import OrderStage
from ticketing.steps.work_orders import commands as orders
from ticketing.steps.work_orders.models import WorkOrder

pytestmark = pytest.mark.browser


def told(sqlite: Engine, stage: OrderStage, *, pictured: bool = False) -> int:
    """An order brought to `stage`; with its pictures the crew has arrived."""
    with sqlite.app.app_context():
        make = Maker(sqlite.world)
        repairs = Repairs(make)
        order = repairs.order(stage)
        if pictured:
            with transaction():
                orders.arrive(order, actor=make.user("captain"))
            repairs.pictured(order)
        number = order.id
        db.session.remove()
    return number


def times(sqlite: Engine, order_id: int, act: Act) -> int:
    """How often an act stands in the journal of an order."""
    with sqlite.app.app_context():
        rows = db.session.query(JournalEntry).filter_by(
            subject="order", subject_id=order_id, act=act.value
        )
        found = rows.count()
        db.session.remove()
    return found


def stage_of(sqlite: Engine, order_id: int) -> OrderStage:
    with sqlite.app.app_context():
        stage = db.session.get_one(WorkOrder, order_id).stage
        db.session.remove()
    return stage


def lose_the_answer(route: Route) -> None:
    """The request reaches the server and is carried out; its answer never comes back."""
    route.fetch(max_redirects=0)
    route.abort("connectionreset")


@pytest.mark.clause("3.5.3")
def test_a_self_check_whose_answer_was_lost_is_sent_again_and_counts_once(
    sqlite: Engine, open_as: Callable[..., Page]
) -> None:
    page = open_as("captain", "phone")
    order_id = told(sqlite, OrderStage.ACKNOWLEDGED, pictured=True)
    page.goto(f"/my-orders/{order_id}")
    page.route("**/self-check", lose_the_answer)
    page.get_by_role("button", name="闭水试验无渗漏。").tap()
    page.get_by_role("button", name="自检完工").tap()
    expect(page.get_by_role("status")).to_contain_text("“自检”已存在这台手机里")
    expect(page.locator("[data-waiting] b")).to_have_text("1")
    expect(page.get_by_role("button", name="自检完工")).to_be_disabled()
    assert stage_of(sqlite, order_id) is OrderStage.SELF_CHECKED
    page.goto("/my-orders")
    expect(page.locator("[data-waiting] b")).to_have_text("1")
    page.unroute("**/self-check")
    page.get_by_role("button", name="现在重试").tap()
    expect(page.locator("[data-waiting]")).to_be_hidden()
    expect(page.get_by_role("region", name="待客户签字")).to_be_visible()
    assert times(sqlite, order_id, Act.SELF_CHECK) == 1
    assert (
        page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('phone:'))") == []
    )


def test_what_was_tapped_without_a_connection_survives_a_reload_and_arrives(
    sqlite: Engine, open_as: Callable[..., Page]
) -> None:
    page = open_as("captain", "phone")
    order_id = told(sqlite, OrderStage.ACKNOWLEDGED, pictured=True)
    page.goto(f"/my-orders/{order_id}")
    page.get_by_label("自检情况").fill("接头已换，通水正常。")
    page.context.set_offline(True)
    page.get_by_role("button", name="自检完工").tap()
    expect(page.get_by_role("status")).to_contain_text("网络断了")
    assert stage_of(sqlite, order_id) is OrderStage.ACKNOWLEDGED
    page.route("**/self-check", lambda route: route.abort("internetdisconnected"))
    page.context.set_offline(False)
    page.reload()
    expect(page.get_by_label("自检情况")).to_have_value("接头已换，通水正常。")
    expect(page.get_by_role("button", name="自检完工")).to_be_disabled()
    page.unroute("**/self-check")
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.get_by_role("heading", name="客户签字")).to_be_visible()
    assert times(sqlite, order_id, Act.SELF_CHECK) == 1


def test_an_expired_session_keeps_what_was_tapped_until_he_signs_in_again(
    sqlite: Engine, open_as: Callable[..., Page]
) -> None:
    page = open_as("captain", "phone")
    order_id = told(sqlite, OrderStage.ACKNOWLEDGED)
    page.goto(f"/my-orders/{order_id}")
    page.context.clear_cookies()
    page.get_by_role("button", name="到场").tap()
    expect(page.get_by_role("status")).to_contain_text("登录已过期")
    page.get_by_role("link", name="重新登录").tap()
    page.get_by_label("账号").fill("captain")
    page.get_by_label("密码").fill("correct-horse-9")
    page.get_by_role("button", name="登录", exact=True).tap()
    page.wait_for_url("**/my-orders")
    expect(page.get_by_text("在修")).to_be_visible()
    assert times(sqlite, order_id, Act.ARRIVE_ORDER) == 1


def test_a_refusal_of_the_server_is_shown_with_the_typing_and_waits_no_longer(
    sqlite: Engine, open_as: Callable[..., Page]
) -> None:
    page = open_as("captain", "phone")
    order_id = told(sqlite, OrderStage.ACKNOWLEDGED)
    page.goto(f"/my-orders/{order_id}")
    page.locator("summary", has_text="申请延期").tap()
    page.get_by_label("希望延到").fill("2020-01-01")
    page.get_by_label("原因").fill("等配件")
    page.get_by_role("button", name="申请延期").tap()
    expect(page.get_by_text("须晚于现时限")).to_be_visible()
    expect(page.get_by_label("原因")).to_have_value("等配件")
    expect(page.locator("[data-waiting]")).to_be_hidden()
