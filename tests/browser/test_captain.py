"""The captain's phone at 390 px with touch: few taps, and nothing lost or doubled when the connection goes."""

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from io import BytesIO

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Error, Locator, Page, Route, expect

from tests.conftest import Engine
from tests.support.make import Maker
from tests.support.repairs import Repairs
from ticketing.casefile.attachments.models import Attachment
from ticketing.journal.models import JournalEntry
from ticketing.kernel.db import db, transaction
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import OrderStage, Slot
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


@cache
def picture(colour: str) -> dict[str, object]:
    """A photo as a phone's camera hands it over: 12 megapixels, with something on it. Drawn once for each colour."""
    image = Image.new("RGB", (4000, 3000), colour)
    ImageDraw.Draw(image).rectangle((800, 600, 3000, 2000), fill="white")
    out = BytesIO()
    image.save(out, "JPEG", quality=90)
    return {"name": "IMG_0001.jpg", "mimeType": "image/jpeg", "buffer": out.getvalue()}


class Thumb:
    """Counts the taps of one thumb."""

    def __init__(self, page: Page) -> None:
        self.page, self.taps = page, 0

    def on(self, what: Locator) -> None:
        what.tap()
        self.taps += 1

    def button(self, name: str) -> None:
        self.on(self.page.get_by_role("button", name=name, exact=True))

    def shoot(self, name: str, colour: str) -> None:
        """The big button opens the camera; taking the picture is not counted."""
        with self.page.expect_file_chooser() as chooser:
            self.page.get_by_role("button", name=name, exact=True).tap()
        chooser.value.set_files(picture(colour))


def draw(page: Page, name: str = "客户签名") -> None:
    """The customer signs, or whoever the field of this name is for."""
    canvas = page.get_by_role("img", name=name)
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 40, box["y"] + 60)
    page.mouse.down()
    for x, y in ((120, 110), (200, 40), (260, 120)):
        page.mouse.move(box["x"] + x, box["y"] + y, steps=5)
    page.mouse.up()


def on_file(sqlite: Engine, order_id: int) -> list[Slot]:
    with sqlite.app.app_context():
        rows = db.session.query(Attachment).filter_by(order_id=order_id).order_by(Attachment.id)
        found = [row.slot for row in rows]
        db.session.remove()
    return found


def lose_the_answer(route: Route) -> None:
    """The request reaches the server and is carried out; its answer never comes back, or finds the page gone."""
    with suppress(Error):
        route.fetch(max_redirects=0)
        route.abort("connectionreset")


@pytest.mark.clause("3.5.2")
@pytest.mark.clause("3.5.3")
def test_an_order_takes_at_most_twelve_taps_beside_photos_and_signature(
    sqlite: Engine, open_as: Callable[..., Page]
) -> None:
    order_id = told(sqlite, OrderStage.ISSUED)
    page = open_as("captain", "phone")
    thumb = Thumb(page)
    thumb.on(page.get_by_role("link", name="云栖苑 3-1-1202"))
    thumb.on(page.get_by_label("阿强（水电）"))
    thumb.button("今天")
    thumb.button("签收")
    thumb.button("到场")
    thumb.shoot("拍修前照", "grey")
    thumb.shoot("拍完工照", "green")
    expect(page.get_by_role("button", name="自检完工")).to_be_visible()
    thumb.button("闭水试验无渗漏。")
    thumb.button("自检完工")
    thumb.on(page.get_by_label("很满意"))
    draw(page)
    thumb.button("客户签字")
    expect(page.get_by_text("王国强 已签字：很满意")).to_be_visible()
    assert thumb.taps <= 12
    assert on_file(sqlite, order_id) == [Slot.BEFORE, Slot.AFTER, Slot.SIGNATURE]
    thumb.on(page.get_by_role("link", name="回到我的派工", exact=True))
    expect(page.get_by_role("region", name="已完工，等检查")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.clause("3.5.3")
def test_with_the_connection_cut_in_mid_upload_photo_completion_and_signature_arrive_once(
    sqlite: Engine, open_as: Callable[..., Page]
) -> None:
    """Each post reaches the server and its answer is lost; then there is no connection at all; then the page is reloaded."""
    order_id = told(sqlite, OrderStage.ISSUED)
    with sqlite.app.app_context():
        make = Maker(sqlite.world)
        order = db.session.get_one(WorkOrder, order_id)
        with transaction():
            orders.acknowledge(
                order, version=None, worker_ids=[], visit_on=None, actor=make.user("captain")
            )
            orders.arrive(order, actor=make.user("captain"))
        db.session.remove()
    page = open_as("captain", "phone")
    thumb = Thumb(page)
    page.goto(f"/my-orders/{order_id}")

    def cut(pattern: str, act: Callable[[], None], then: str) -> None:
        page.route(pattern, lose_the_answer)
        act()
        expect(page.locator("[data-pending] b")).to_have_text("1")
        page.context.set_offline(True)
        page.wait_for_timeout(300)
        page.context.set_offline(False)
        page.reload()
        expect(page.locator("[data-pending] b")).to_have_text("1")
        page.unroute(pattern)
        expect(page.locator(".ticks [aria-current], .ticks .done").last).to_contain_text(then)
        expect(page.locator("[data-pending]")).to_be_hidden()

    cut("**/files/", lambda: thumb.shoot("拍修前照", "grey"), "完工照")
    cut("**/files/", lambda: thumb.shoot("拍完工照", "green"), "自检")
    page.get_by_role("button", name="闭水试验无渗漏。").tap()
    cut("**/self-check", lambda: thumb.button("自检完工"), "客户签字")

    def sign() -> None:
        page.get_by_label("满意", exact=True).tap()
        page.get_by_label("客户的话").fill("很干净，谢谢。")
        draw(page)
        thumb.button("客户签字")

    cut("**/files/", sign, "✓ 客户签字")
    expect(page.get_by_text("王国强 已签字：满意，很干净，谢谢。")).to_be_visible()
    assert on_file(sqlite, order_id) == [Slot.BEFORE, Slot.AFTER, Slot.SIGNATURE]
    for act in (Act.SELF_CHECK, Act.SIGN_OFF):
        assert times(sqlite, order_id, act) == 1
    assert times(sqlite, order_id, Act.ATTACH) == 3


@pytest.mark.clause("3.5.3")
def test_a_signature_whose_form_lost_its_answer_is_signed_once(
    sqlite: Engine, open_as: Callable[..., Page]
) -> None:
    page = open_as("captain", "phone")
    order_id = told(sqlite, OrderStage.SELF_CHECKED)
    page.goto(f"/my-orders/{order_id}")
    page.route("**/sign", lose_the_answer)
    page.get_by_label("一般").tap()
    draw(page)
    page.get_by_role("button", name="客户签字").tap()
    expect(page.get_by_role("status").first).to_contain_text("网络断了")
    with page.expect_request("**/sign"):
        page.get_by_role("button", name="现在重试").tap()
    page.unroute("**/sign")
    expect(page.get_by_text("王国强 已签字：一般")).to_be_visible()
    assert times(sqlite, order_id, Act.SIGN_OFF) == 1
    assert on_file(sqlite, order_id).count(Slot.SIGNATURE) == 1


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
    expect(page.locator("[data-pending] b")).to_have_text("1")
    expect(page.get_by_role("button", name="自检完工")).to_be_disabled()
    assert stage_of(sqlite, order_id) is OrderStage.SELF_CHECKED
    page.goto("/my-orders")
    expect(page.locator("[data-pending] b")).to_have_text("1")
    page.unroute("**/self-check")
    expect(page.locator("[data-pending]")).to_be_hidden()
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
    expect(page.locator("[data-pending]")).to_be_hidden()
