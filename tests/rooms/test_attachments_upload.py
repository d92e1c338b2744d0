"""Uploading: what is stored, what is refused and how it is said, once for each picture."""

import socket
import threading
import time
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select
from waitress.server import create_server

from tests.support import pictures as some
from tests.support.repairs import Repairs
from ticketing.casefile.attachments.commands import MOST
from ticketing.casefile.attachments.models import Attachment
from ticketing.edges.serving import MOST_RECEIVED
from ticketing.journal.models import JournalEntry
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.procedure.repairs import OrderStage, Slot, SurveyStage
from ticketing.procedure.vocabulary import TicketStage
from ticketing.steps.work_orders.changing import cancel
from ticketing.steps.work_orders.models import WorkOrder

SCRIPT = {"X-Fragment": "1"}


@pytest.fixture
def repairs(make) -> Repairs:
    return Repairs(make)


@pytest.fixture
def store(app):
    return app.extensions["ticketing"].store


@pytest.fixture
def order_id(repairs):
    """An order in work, with no picture yet."""
    return repairs.order(OrderStage.ACKNOWLEDGED).id


def typed(order_id, data=None, name="IMG_1.jpg", **more):
    """A filled form."""
    return {
        "paper": "order",
        "paper_id": order_id,
        "slot": "before",
        "once": "mark-1",
        "file": (some.stream(some.jpeg() if data is None else data), name),
        **more,
    }


def filed(slot=None):
    """The rows there are, oldest first."""
    db.session.rollback()
    query = select(Attachment).order_by(Attachment.id)
    rows = db.session.scalars(query.where(Attachment.slot == slot) if slot else query).all()
    db.session.expunge_all()
    db.session.rollback()
    return rows


def files(store):
    """The names in the store."""
    return {path.name for path in store.root.rglob("*") if path.is_file()}


@pytest.mark.clause("3.5.3")
def test_a_captains_photo_is_filed_on_his_order(make, store, order_id, sign_in):
    client = sign_in("captain")
    data = some.jpeg(taken=some.WHEN, place=True)
    answer = client.post("/files/", data=typed(order_id, data), headers=SCRIPT)
    assert answer.status_code == 200
    (row,) = filed(Slot.BEFORE)
    assert answer.json == {
        "key": row.key,
        "slot": "修前照片",
        "url": f"/files/{row.key}",
        "small": f"/files/{row.key}/small",
    }
    assert (row.order_id, row.survey_id, row.by_id) == (order_id, None, make.world.users["captain"])
    assert (row.name, row.kind, row.width, row.height) == ("IMG_1.jpg", "image/jpeg", 640, 480)
    assert clock.show_instant(row.taken_at) == "2025-11-20 09:05"
    assert len(store.get(row.key)) == row.size
    entry = db.session.scalars(
        select(JournalEntry).where(JournalEntry.act == "attach", JournalEntry.subject == "order")
    ).one()
    assert entry.subject_id == order_id
    for fact in ("修前照片", "IMG_1.jpg", row.sha256):
        assert fact in entry.facts


def test_a_file_is_sent_so_that_no_browser_runs_it(order_id, sign_in):
    client = sign_in("captain")
    client.post("/files/", data=typed(order_id, name="恶意\u200b.html"), headers=SCRIPT)
    (row,) = filed(Slot.BEFORE)
    for address, length in ((f"/files/{row.key}", row.size), (f"/files/{row.key}/small", None)):
        answer = client.get(address)
        headers = answer.headers
        assert headers["Content-Type"] == "image/jpeg"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Content-Disposition"].startswith("inline; filename")
        assert "html" not in headers["Content-Disposition"]
        assert length is None or len(answer.data) == length


def test_a_picture_with_a_chinese_name_reaches_a_real_client(order_id, sign_in, address):
    client = sign_in("captain")
    answer = client.post("/files/", data=typed(order_id, name="卫生间 修前.jpg"), headers=SCRIPT)
    cookie = client.get_cookie("session").value
    for path in (answer.json["url"], answer.json["small"]):
        asked = urllib.request.Request(
            f"http://{address[0]}:{address[1]}{path}", headers={"Cookie": f"session={cookie}"}
        )
        with urllib.request.urlopen(asked) as got:
            assert got.status == 200
            named = got.headers["Content-Disposition"]
            assert named.isascii()
            assert urllib.parse.unquote(named).endswith("卫生间 修前.jpg")


HOSTILE = {
    "an SVG": (some.SVG, "x.png"),
    "a page called a picture": (some.HTML, "x.png"),
    "a picture cut off": (some.jpeg()[:1500], "x.jpg"),
    "forty thousand pixels square": (some.huge_png(6400), "x.png"),
    "a moving picture": (some.webp(frames=2), "x.webp"),
    "a PDF as a photo": (some.pdf(), "x.pdf"),
    "nothing in it": (b"", "x.jpg"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_file_is_refused_with_a_sentence_and_leaves_nothing(
    store, order_id, sign_in, what
):
    client, before = sign_in("captain"), files(store)
    data, name = HOSTILE[what]
    answer = client.post("/files/", data=typed(order_id, data, name), headers=SCRIPT)
    assert (answer.status_code, answer.mimetype) == (422, "text/plain")
    assert answer.get_data(as_text=True).endswith("。")
    page = client.post("/files/", data=typed(order_id, data, name))
    assert page.status_code == 422
    assert 'class="error" id="file-error"' in page.get_data(as_text=True)
    assert filed(Slot.BEFORE) == []
    assert files(store) == before


def test_a_page_hidden_in_a_picture_is_not_stored(store, order_id, sign_in):
    client = sign_in("captain")
    client.post("/files/", data=typed(order_id, some.png_with_html()), headers=SCRIPT)
    (row,) = filed(Slot.BEFORE)
    assert b"script" not in store.get(row.key)


def test_more_than_twelve_megabytes_are_refused_with_a_sentence(order_id, sign_in):
    client = sign_in("captain")
    data = some.jpeg() + b"\x00" * (12 * 1024 * 1024)
    answer = client.post("/files/", data=typed(order_id, data), headers=SCRIPT)
    assert (answer.status_code, answer.get_data(as_text=True)) == (413, "提交的内容太大。")
    page = client.post("/files/", data=typed(order_id, data))
    assert page.status_code == 413
    assert "提交的内容太大。" in page.get_data(as_text=True)
    assert filed(Slot.BEFORE) == []


WRONG = (
    ({"paper": "cheque"}, 422),
    ({"paper": ""}, 422),
    ({"paper_id": "x"}, 422),
    ({"paper_id": "9" * 30}, 422),
    ({"paper_id": "999999"}, 404),
    ({"slot": "selfie"}, 422),
    ({"slot": ""}, 422),
    ({"slot": "reported"}, 409),
    ({"slot": "signature"}, 409),
    ({"defect_id": "999999"}, 404),
    ({"replaces": "0" * 32}, 404),
    ({"file": ""}, 422),
)


@pytest.mark.parametrize(("wrong", "status"), WRONG)
def test_wrong_input_is_refused_in_chinese(order_id, sign_in, wrong, status):
    client = sign_in("captain")
    answer = client.post("/files/", data=typed(order_id) | wrong, headers=SCRIPT)
    assert answer.status_code == status
    assert answer.get_data(as_text=True).endswith("。")
    page = client.post("/files/", data=typed(order_id) | wrong)
    assert page.status_code == status
    assert filed(Slot.BEFORE) == []


def test_a_finished_order_takes_no_photo_but_evidence(repairs, sign_in):
    order_id = repairs.order(OrderStage.ACCEPTED).id
    client = sign_in("captain")
    count = len(filed(Slot.BEFORE))
    answer = client.post("/files/", data=typed(order_id), headers=SCRIPT)
    assert answer.status_code == 409
    assert answer.get_data(as_text=True) == "派工单现为“已验收”，不能上传“修前照片”。"
    assert len(filed(Slot.BEFORE)) == count
    evidence = typed(order_id, slot="evidence")
    assert client.post("/files/", data=evidence, headers=SCRIPT).status_code == 200


def test_a_picture_sent_twice_is_filed_once(store, order_id, sign_in):
    client = sign_in("captain")
    first = client.post("/files/", data=typed(order_id), headers=SCRIPT)
    names = files(store)
    again = client.post("/files/", data=typed(order_id), headers=SCRIPT)
    reworded = client.post(
        "/files/", data=typed(order_id, taken_at="2025-11-20T09:05:00+08:00"), headers=SCRIPT
    )
    assert first.json == again.json == reworded.json
    assert files(store) == names
    assert len(filed(Slot.BEFORE)) == 1
    elsewhere = client.post("/files/", data=typed(order_id, slot="after"), headers=SCRIPT)
    assert elsewhere.status_code == 409
    other = client.post("/files/", data=typed(order_id, once="mark-2"), headers=SCRIPT)
    assert other.json["key"] != first.json["key"]


def test_a_picture_whose_answer_was_lost_is_found_again_after_the_order_is_cancelled(
    repairs, make, sign_in
):
    order = repairs.order(OrderStage.ACKNOWLEDGED)
    order_id, client = order.id, sign_in("captain")
    first = client.post("/files/", data=typed(order_id), headers=SCRIPT)
    with transaction():
        order = db.session.get_one(WorkOrder, order_id)
        cancel(order, version=order.version, reason="重复", actor=make.user("manager"))
    assert (
        client.post("/files/", data=typed(order_id, once="m2"), headers=SCRIPT).status_code != 200
    )
    assert client.post("/files/", data=typed(order_id), headers=SCRIPT).json == first.json


def test_parallel_posts_of_one_picture_file_it_once(app, store, order_id, sign_in):
    clients = [sign_in("captain") for _ in range(4)]
    db.session.rollback()
    barrier = threading.Barrier(4)

    def post(client):
        barrier.wait()
        return client.post("/files/", data=typed(order_id), headers=SCRIPT)

    before = files(store)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(post, clients))
    assert [answer.status_code for answer in answers] == [200] * 4
    assert len({answer.json["key"] for answer in answers}) == 1
    assert len(filed(Slot.BEFORE)) == 1
    assert len(files(store) - before) == 2


@pytest.fixture
def address(app):
    """A real server on loopback, as `wsgi.py` sets it up."""
    server = create_server(
        app, host="127.0.0.1", port=0, threads=4, max_request_body_size=MOST_RECEIVED
    )
    stop = threading.Event()

    def run():
        while not stop.is_set():
            server.asyncore.loop(timeout=0.05, map=server._map, count=1)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield ("127.0.0.1", server.effective_port)
    stop.set()
    thread.join(5)
    server.task_dispatcher.shutdown()
    server.asyncore.close_all(server._map)


def head(cookie, length):
    return (
        f"POST /files/ HTTP/1.1\r\nHost: localhost\r\nX-Fragment: 1\r\nCookie: session={cookie}\r\n"
        f"Content-Type: multipart/form-data; boundary=edge\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


def body(order_id):
    fields = {"paper": "order", "paper_id": str(order_id), "slot": "before", "once": "mark-1"}
    parts = [
        f'--edge\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    opening = (
        b'--edge\r\nContent-Disposition: form-data; name="file"; filename="x.jpg"\r\n'
        b"Content-Type: image/jpeg\r\n\r\n"
    )
    return b"".join(parts) + opening + some.jpeg(1600, 1200, quality=98) + b"\r\n--edge--\r\n"


def test_a_connection_cut_in_mid_upload_leaves_nothing_and_the_next_try_counts(
    store, order_id, sign_in, address
):
    cookie = sign_in("captain").get_cookie("session").value
    before, whole = files(store), body(order_id)
    for share in (0.1, 0.5, 0.99):
        with socket.create_connection(address, timeout=5) as line:
            line.sendall(head(cookie, len(whole)) + whole[: int(len(whole) * share)])
    time.sleep(0.3)
    assert urllib.request.urlopen(f"http://{address[0]}:{address[1]}/healthz").status == 200
    assert filed(Slot.BEFORE) == []
    assert files(store) == before
    with socket.create_connection(address, timeout=20) as line:
        line.sendall(head(cookie, len(whole)) + whole)
        assert line.recv(12).endswith(b" 200")
    assert len(filed(Slot.BEFORE)) == 1


def test_two_hundred_megabytes_are_refused_before_they_are_received(sign_in, address):
    cookie = sign_in("captain").get_cookie("session").value
    with socket.create_connection(address, timeout=5) as line:
        line.sendall(head(cookie, 200 * 1024 * 1024) + b"x" * 1000)
        assert line.recv(12).endswith(b" 413")


@pytest.mark.clause("3.4.5")
def test_signatures_are_drawings_and_a_blank_one_is_none(repairs, store, sign_in):
    survey_id = repairs.survey(SurveyStage.RECORDED).id
    client = sign_in("office")
    sheet = {"paper": "survey", "paper_id": survey_id, "slot": "signature"}
    blank = typed(0, some.png(ink=False), "签名.png") | sheet
    answer = client.post("/files/", data=blank, headers=SCRIPT)
    assert (answer.status_code, answer.get_data(as_text=True)) == (
        422,
        "签名是空白的，请重新签名。",
    )
    drawn = typed(0, some.png(), "签名.png") | sheet
    key = client.post("/files/", data=drawn, headers=SCRIPT).json["key"]
    (row,) = filed(Slot.SIGNATURE)
    assert (row.key, row.kind, row.survey_id, row.name) == (key, "image/png", survey_id, "签名.png")
    assert store.get(key).startswith(b"\x89PNG")
    assert client.get(f"/files/{key}").mimetype == "image/png"
    assert client.get(f"/files/{key}/small").mimetype == "image/jpeg"


def test_a_paper_may_be_a_pdf_and_is_only_downloaded(repairs, store, sign_in):
    survey_id = repairs.survey(SurveyStage.RECORDED).id
    client = sign_in("office")
    for slot in ("signed_paper", "evidence"):
        sheet = {"paper": "survey", "paper_id": survey_id, "slot": slot, "once": slot}
        key = client.post(
            "/files/", data=typed(0, some.pdf(), "签字件.exe") | sheet, headers=SCRIPT
        ).json["key"]
        answer = client.get(f"/files/{key}")
        assert answer.data == some.pdf() == store.get(key)
        assert answer.mimetype == "application/pdf"
        assert answer.headers["Content-Disposition"].startswith("attachment;")
        assert ".exe" not in answer.headers["Content-Disposition"]
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert client.get(f"/files/{key}/small").status_code == 404


def test_a_replaced_photo_is_marked_and_stays(repairs, sign_in, order_id):
    client = sign_in("captain")
    old = client.post("/files/", data=typed(order_id), headers=SCRIPT).json["key"]
    fresh = typed(order_id, some.jpeg(800, 600), replaces=old, once="mark-2")
    new = client.post("/files/", data=fresh, headers=SCRIPT).json["key"]
    rows = {row.key: row for row in filed(Slot.BEFORE)}
    assert rows[old].replaced_at is not None
    assert rows[new].replaced_at is None
    assert client.get(f"/files/{old}").status_code == 200
    again = typed(order_id, replaces=old, once="mark-3")
    assert client.post("/files/", data=again, headers=SCRIPT).status_code == 409
    page = client.get(f"/files/new?paper=order&id={order_id}&slot=before").get_data(as_text=True)
    assert f"/files/{new}/small" in page
    assert f"/files/{old}/small" not in page


def test_a_photo_of_another_paper_or_slot_is_not_replaced(repairs, sign_in, order_id):
    other = repairs.order(OrderStage.ACKNOWLEDGED).id
    client = sign_in("captain")
    old = client.post("/files/", data=typed(other), headers=SCRIPT).json["key"]
    for more in ({}, {"slot": "after"}, {"slot": "evidence"}):
        data = typed(order_id, replaces=old, once="mark-2") | more
        assert client.post("/files/", data=data, headers=SCRIPT).status_code == 404
    evidence = typed(order_id, slot="evidence", once="mark-3")
    key = client.post("/files/", data=evidence, headers=SCRIPT).json["key"]
    answer = client.post(
        "/files/",
        data=typed(order_id, slot="evidence", replaces=key, once="mark-4"),
        headers=SCRIPT,
    )
    assert answer.status_code == 422
    assert all(row.replaced_at is None for row in filed())


def test_a_photo_belongs_to_an_item_of_the_same_ticket(repairs, sign_in):
    order, other = repairs.order(OrderStage.ACKNOWLEDGED), repairs.order(OrderStage.DRAFT)
    own, foreign = order.items[0].defect_id, other.items[0].defect_id
    order_id, client = order.id, sign_in("captain")
    answer = client.post("/files/", data=typed(order_id, defect_id=foreign), headers=SCRIPT)
    assert answer.status_code == 404
    answer = client.post("/files/", data=typed(order_id, defect_id=own), headers=SCRIPT)
    assert answer.status_code == 200
    assert filed(Slot.BEFORE)[0].defect_id == own


def test_the_phone_says_when_a_shrunk_photo_was_taken(order_id, sign_in):
    client = sign_in("captain")
    for n, (said, kept) in enumerate(
        (
            ("2025-11-20T09:05:00+08:00", "2025-11-20 09:05"),
            ("2025-11-20T01:05:00.123Z", "2025-11-20 09:05"),
            ("2025-11-20T09:05:00", None),
            ("2999-11-20T09:05:00+08:00", None),
            ("0001-01-01T00:00:00+14:00", None),
            ("昨天", None),
        )
    ):
        client.post("/files/", data=typed(order_id, taken_at=said, once=f"m{n}"), headers=SCRIPT)
        taken_at = filed(Slot.BEFORE)[-1].taken_at
        assert (clock.show_instant(taken_at) if taken_at else None) == kept, said
        assert len(filed(Slot.BEFORE)) == n + 1


@pytest.mark.clause("3.4.5")
def test_what_the_camera_noted_goes_before_what_the_phone_says(order_id, sign_in):
    client = sign_in("captain")
    data = typed(order_id, some.jpeg(taken=some.WHEN), taken_at="2025-10-01T00:00:00Z")
    client.post("/files/", data=data, headers=SCRIPT)
    assert clock.show_instant(filed(Slot.BEFORE)[0].taken_at) == "2025-11-20 09:05"


def test_a_paper_holds_only_so_many(repairs, sign_in):
    order = repairs.order(OrderStage.ACKNOWLEDGED)
    order_id, client = order.id, sign_in("captain")
    with transaction():
        for _ in range(MOST - 1):
            repairs.picture(Slot.EVIDENCE, ticket_id=order.ticket_id, order_id=order_id)
    statuses = [
        client.post("/files/", data=typed(order_id, once=f"m{n}"), headers=SCRIPT).status_code
        for n in range(2)
    ]
    assert statuses == [200, 422]


def test_a_plain_form_leads_back_to_its_paper(make, sign_in, order_id):
    ticket_id = make.ticket(TicketStage.REGISTERED).id
    query = f"paper=ticket&id={ticket_id}&slot=reported"
    client = sign_in("clerk")
    page = client.get(f"/files/new?{query}").get_data(as_text=True)
    assert "上传报修照片" in page
    assert 'enctype="multipart/form-data"' in page
    data = typed(0, paper="ticket", paper_id=ticket_id, slot="reported")
    answer = client.post("/files/", data=data)
    assert (answer.status_code, answer.location) == (302, f"/tickets/{ticket_id}")
    assert "已上传“报修照片”。" in client.get(answer.location).get_data(as_text=True)
    page = client.get(f"/files/new?{query}").get_data(as_text=True)
    assert f"/files/{filed(Slot.REPORTED)[0].key}/small" in page
    assert "替换" in page
    captain = sign_in("captain")
    answer = captain.post("/files/", data=typed(order_id, once="m2"))
    assert (answer.status_code, answer.location) == (302, f"/my-orders/{order_id}")


@pytest.mark.parametrize(
    "query",
    ["", "paper=order", "paper=order&id=1", "paper=cheque&id=1&slot=before", "paper=order&id=x&slot=before",
     "paper=order&id=999999&slot=before", "paper=order&id=1&slot=before&defect=x"],
)  # fmt: skip
def test_an_address_that_names_no_paper_leads_nowhere(sign_in, query):
    assert sign_in("captain").get(f"/files/new?{query}").status_code == 404


def test_a_key_that_is_none_leads_nowhere(sign_in):
    client = sign_in("manager")
    for key in ("x", "0" * 32, "..%2f..%2fetc%2fpasswd", "%00"):
        assert client.get(f"/files/{key}").status_code == 404, key
        assert client.get(f"/files/{key}/small").status_code == 404, key


def test_uploading_needs_the_token_of_the_page(app, order_id, sign_in):
    client = sign_in("captain")
    app.config["WTF_CSRF_ENABLED"] = True
    try:
        answer = client.post("/files/", data=typed(order_id), headers=SCRIPT)
    finally:
        app.config["WTF_CSRF_ENABLED"] = False
    assert (answer.status_code, answer.mimetype) == (400, "text/plain")
    assert (
        db.session.scalar(select(func.count(Attachment.id)).where(Attachment.slot == Slot.BEFORE))
        == 0
    )
