"""The camera and the signature on a phone: shrunk, kept, sent once; a cut connection loses and doubles nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, render_template_string, request
from playwright.sync_api import Page, expect
from sqlalchemy import select

from tests.browser.conftest import complete, served
from tests.browser.soundness import faults, views
from tests.conftest import Engine
from tests.support import pictures as some
from tests.support.make import Maker
from tests.support.repairs import Repairs
from tests.support.world import PASSWORD
from ticketing.casefile.attachments.models import Attachment
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.procedure.repairs import OrderStage, Slot, SurveyStage

pytestmark = pytest.mark.browser

SHEET = """
{% extends "base.html" %}{% from "_pictures.html" import camera, gallery, picture_assets, signature_pad %}
{% block main %}{{ picture_assets() }}<h1>会签</h1>
<form method="post" class="card pad" data-guard>{{ hidden }}<input type="hidden" name="csrf_token" value="{{ csrf_token() }}">
{{ camera("survey", survey, "site", "拍现场照片") }}
{{ signature_pad("signature", "survey", survey, label="客户签名", papers=papers) }}
<button class="btn btn-primary" name="act" value="sign">保存</button></form>
<p id="got">{{ got }}</p>{% endblock %}
"""


@pytest.fixture
def app(sqlite: Engine, tmp_path: Path) -> Iterator[tuple[str, Flask]]:
    """The server, and on it a sheet that says which signature it was given."""
    app = complete(sqlite, tmp_path)

    @app.route("/sheet/<int:survey>", methods=["GET", "POST"])
    def sheet(survey: int) -> str:
        papers = db.session.scalars(
            select(Attachment).where(
                Attachment.survey_id == survey, Attachment.slot == Slot.SIGNED_PAPER
            )
        ).all()
        got = f"{request.form.get('act')}:{request.form.get('signature')}" if request.form else ""
        return render_template_string(SHEET, survey=survey, papers=papers, got=got)

    with served(sqlite, app) as place:
        yield place, app


@pytest.fixture
def address(app: tuple[str, Flask]) -> str:
    """Of the server above."""
    return app[0]


@pytest.fixture
def papers(sqlite: Engine, address: str) -> dict[str, int]:
    """An order in work and a survey to sign."""
    with sqlite.app.app_context():
        repairs = Repairs(Maker(sqlite.world))
        return {
            "order": repairs.order(OrderStage.ACKNOWLEDGED).id,
            "survey": repairs.survey(SurveyStage.RECORDED).id,
        }


@pytest.fixture
def filed(sqlite: Engine):
    """The rows of one slot that came with a picture; those of the story before have none."""

    def rows(slot: Slot) -> list[Any]:
        with sqlite.app.app_context():
            found = list(
                db.session.scalars(
                    select(Attachment).where(Attachment.slot == slot, Attachment.size > 3)
                )
            )
            db.session.expunge_all()
            db.session.rollback()
            return found

    return rows


def photo(name: str = "IMG_20251120.jpg", width: int = 3000, height: int = 2000) -> dict[str, Any]:
    data = some.jpeg(width, height, taken=some.WHEN, place=True)
    return {"name": name, "mimeType": "image/jpeg", "buffer": data}


def shoot(page: Page, what: dict[str, Any] | None = None) -> None:
    page.locator("[data-camera] [data-shoot]").first.set_input_files(what or photo())


def before(papers: dict[str, int]) -> str:
    return f"/files/new?paper=order&id={papers['order']}&slot=before"


@pytest.mark.clause("3.5.3")
def test_a_photo_taken_on_the_phone_is_shrunk_there_and_arrives(open_as, papers, filed):
    page = open_as("captain", "phone")
    page.goto(before(papers))
    taking = page.locator("label.btn-primary")
    box = taking.bounding_box()
    assert box["height"] >= 44
    assert page.locator("[data-shoot]").first.get_attribute("capture") == "environment"
    shoot(page)
    expect(page.locator(".shot.done .says")).to_have_text("已上传")
    expect(page.locator("[data-waiting]")).to_have_text("")
    picture = page.locator(".shot.done img")
    expect(picture).to_be_visible()
    expect(picture).to_have_js_property("naturalWidth", 320)
    (row,) = filed(Slot.BEFORE)
    assert (row.width, row.height, row.name) == (1600, 1067, "IMG_20251120.jpg")
    assert clock.show_instant(row.taken_at) == "2025-11-20 09:05"
    page.reload()
    assert page.locator(".gallery img").count() == 1
    assert page.locator(".shot").count() == 0


def test_an_answer_lost_on_the_way_doubles_nothing(open_as, papers, filed):
    page = open_as("captain", "phone")
    page.goto(before(papers))
    lost = []

    def lose(route) -> None:
        if lost:
            route.continue_()
            return
        lost.append(route.fetch().status)
        route.abort()

    page.route("**/files/", lose)
    shoot(page)
    expect(page.locator(".shot .says")).to_contain_text("自动重试")
    expect(page.locator(".shot.done .says")).to_have_text("已上传")
    assert lost == [200]
    assert len(filed(Slot.BEFORE)) == 1


def test_a_photo_without_a_connection_waits_over_a_reload_and_arrives_once(open_as, papers, filed):
    page = open_as("captain", "phone")
    page.goto(before(papers))
    page.route("**/files/", lambda route: route.abort())
    shoot(page)
    shoot(page, photo("IMG_2.jpg", 800, 600))
    expect(page.locator("[data-waiting]")).to_have_text("待上传 2")
    expect(page.locator(".shot .says").first).to_contain_text("自动重试")
    page.reload()
    expect(page.locator("[data-waiting]")).to_have_text("待上传 2")
    assert filed(Slot.BEFORE) == []
    page.unroute("**/files/")
    page.evaluate("window.dispatchEvent(new Event('online'))")
    expect(page.locator(".shot.done")).to_have_count(2)
    expect(page.locator("[data-waiting]")).to_have_text("")
    assert sorted(row.name for row in filed(Slot.BEFORE)) == ["IMG_2.jpg", "IMG_20251120.jpg"]


def test_what_waits_is_never_sent_under_another_persons_name(open_as, papers, filed, address):
    page = open_as("captain", "phone")
    page.goto(before(papers))
    page.route("**/files/", lambda route: route.abort())
    shoot(page)
    expect(page.locator("[data-waiting]")).to_have_text("待上传 1")
    page.context.clear_cookies()
    page.goto("/sign-in")
    page.unroute("**/files/")
    page.get_by_label("账号").fill("office")
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录", exact=True).click()
    page.goto(f"/files/new?paper=order&id={papers['order']}&slot=evidence")
    shoot(page)
    expect(page.locator(".shot.done .says")).to_have_text("已上传")
    assert filed(Slot.BEFORE) == []
    assert len(filed(Slot.EVIDENCE)) == 1


def test_a_refusal_is_said_and_the_photo_can_be_given_up(open_as, papers, filed):
    page = open_as("captain", "phone")
    page.goto(before(papers))
    text = {"name": "x.jpg", "mimeType": "image/jpeg", "buffer": b"only words"}
    shoot(page, text)
    expect(page.locator(".shot.wrong .says")).to_contain_text("这不是照片")
    page.reload()
    expect(page.locator(".shot.wrong .says")).to_contain_text("这不是照片")
    page.get_by_role("button", name="不要了").click()
    expect(page.locator(".shot")).to_have_count(0)
    page.reload()
    expect(page.locator(".shot")).to_have_count(0)
    assert filed(Slot.BEFORE) == []


def test_without_scripts_a_photo_is_uploaded_by_a_plain_form(browser, address, papers, filed):
    context = browser.new_context(base_url=address, java_script_enabled=False)
    page = context.new_page()
    page.goto("/sign-in")
    page.get_by_label("账号").fill("office")
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录", exact=True).click()
    page.goto(f"/files/new?paper=order&id={papers['order']}&slot=evidence")
    page.get_by_label("照片").set_input_files(
        {"name": "x.txt", "mimeType": "image/jpeg", "buffer": b"words"}
    )
    page.get_by_role("button", name="上传").click()
    expect(page.locator(".error")).to_contain_text("这不是照片")
    page.get_by_label("照片").set_input_files(photo())
    page.get_by_role("button", name="上传").click()
    page.wait_for_url(f"**/orders/{papers['order']}")
    assert [row.width for row in filed(Slot.EVIDENCE)] == [2560]
    context.close()


def draw(page: Page) -> None:
    """Sign on the field."""
    box = page.locator("[data-pad] canvas").bounding_box()
    x, y = box["x"] + 40, box["y"] + 60
    page.mouse.move(x, y)
    page.mouse.down()
    for n in range(1, 25):
        page.mouse.move(x + 8 * n, y + (30 if n % 2 else -20))
    page.mouse.up()


@pytest.mark.clause("3.4.5")
def test_a_signature_is_filed_first_and_its_key_goes_with_the_form(open_as, papers, filed, size):
    page = open_as("office", size)
    page.goto(f"/sheet/{papers['survey']}")
    draw(page)
    page.get_by_role("button", name="保存").click()
    expect(page.locator("#got")).to_contain_text("sign:")
    (row,) = filed(Slot.SIGNATURE)
    assert page.locator("#got").inner_text() == f"sign:{row.key}"
    assert row.kind == "image/png"


def test_clearing_takes_the_signature_back_and_a_dot_is_none(open_as, papers, filed):
    page = open_as("office", "phone")
    page.goto(f"/sheet/{papers['survey']}")
    draw(page)
    page.get_by_role("button", name="清除").click()
    page.get_by_role("button", name="保存").click()
    expect(page.locator("#got")).to_have_text("sign:")
    box = page.locator("[data-pad] canvas").bounding_box()
    page.mouse.click(box["x"] + 50, box["y"] + 50)
    page.get_by_role("button", name="保存").click()
    expect(page.locator("[data-say]")).to_have_text("签名太短，请重新签名。")
    assert filed(Slot.SIGNATURE) == []


def test_a_signature_signed_without_a_connection_is_filed_once_when_it_is_back(
    open_as, papers, filed
):
    page = open_as("office", "phone")
    page.goto(f"/sheet/{papers['survey']}")
    lost = []

    def lose(route) -> None:
        if lost:
            route.continue_()
            return
        lost.append(route.fetch().status)
        route.abort()

    page.route("**/files/", lose)
    draw(page)
    page.get_by_role("button", name="保存").click()
    expect(page.locator("#got")).to_contain_text("sign:")
    (row,) = filed(Slot.SIGNATURE)
    assert page.locator("#got").inner_text() == f"sign:{row.key}"


def test_a_photo_of_the_signed_paper_serves_and_can_be_chosen_again(open_as, papers, filed):
    page = open_as("office", "phone")
    page.goto(f"/sheet/{papers['survey']}")
    page.locator("[data-signed-paper]").set_input_files(photo("签字件.jpg"))
    expect(page.locator("[data-say]")).to_contain_text("已选签字件照片")
    page.get_by_role("button", name="保存").click()
    expect(page.locator("#got")).to_contain_text("sign:")
    (row,) = filed(Slot.SIGNED_PAPER)
    assert page.locator("#got").inner_text() == f"sign:{row.key}"
    page.get_by_label("签字件.jpg").check()
    page.get_by_role("button", name="保存").click()
    expect(page.locator("#got")).to_have_text(f"sign:{row.key}")
    assert len(filed(Slot.SIGNED_PAPER)) == 1
    page.get_by_label("签字件.jpg").check()
    draw(page)
    page.get_by_role("button", name="保存").click()
    expect(page.locator("#got")).not_to_have_text(f"sign:{row.key}")
    assert page.locator("#got").inner_text() == f"sign:{filed(Slot.SIGNATURE)[0].key}"


def test_the_pages_are_sound_and_fit(open_as, papers):
    page = open_as("office")
    album = f"/files/new?paper=order&id={papers['order']}&slot=evidence"
    page.goto(album)
    shoot(page)
    expect(page.locator(".shot.done .says")).to_have_text("已上传")
    for address in (album, f"/sheet/{papers['survey']}"):
        for view in views(page):
            page.goto(address)
            if address is not album:
                draw(page)
            assert faults(page) == [], (address, view)
            small = page.evaluate(
                "[...document.querySelectorAll('.camera .btn, [data-pad] .btn')].filter("
                "one => one.offsetParent && one.getBoundingClientRect().height < 44).map(one => one.outerHTML)"
            )
            assert small == [], (address, view)


def test_the_camera_is_reached_with_the_keyboard(open_as, papers):
    page = open_as("captain")
    page.goto(before(papers))
    page.bring_to_front()
    camera = page.locator("[data-shoot]").first
    camera.focus()
    outline = page.locator("label.btn-primary").evaluate(
        "label => getComputedStyle(label).outlineStyle"
    )
    assert outline == "solid"
    with page.expect_file_chooser() as choosing:
        camera.press("Enter")
    assert not choosing.value.is_multiple()
