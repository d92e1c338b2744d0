"""What holds for every page: nothing inline, nothing from outside, safe headers, everything escaped."""

import io
import re
import zipfile
from html.parser import HTMLParser

import pytest

from tests.pages.helpers import PATHS, token
from tests.support.prices import Prices
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.kernel.excel import CUT, LONGEST, safe_text
from ticketing.masters.estate import commands as estate
from ticketing.masters.estate.models import Unit
from ticketing.masters.prices.rows import Price
from ticketing.procedure.vocabulary import TicketStage
from ticketing.steps.handling.commands import follow_up
from ticketing.steps.intake.commands import amend

INLINE = re.compile(
    r"""<style|<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+\s*=\s*["']""", re.IGNORECASE
)
OUTSIDE = re.compile(r"""(?:src|href|action)=["'](?:https?:)?//""", re.IGNORECASE)
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}"


def addresses(app, ids):
    """Every page that can be opened, with existing ids."""
    for rule in app.url_map.iter_rules():
        if "GET" in rule.methods and rule.endpoint not in ("static", "bootstrap.static"):
            values = {name: ids.get(name, 1) for name in rule.arguments}
            yield app.url_map.bind("localhost").build(rule.endpoint, values)


def ids_of(make, ticket_id):
    world = make.world
    prices = Prices(make).proposed(
        [Price(EVIL, "㎡", 1_000, EVIL[:40], note=f"=1+1{EVIL}")], reason=EVIL
    )
    return {
        "contract_id": prices.contract_id,
        "list_id": prices.id,
        "ticket_id": ticket_id,
        "unit_id": world.units["YX 3-1-1202"],
        "customer_id": world.customers["王国强"],
        "user_id": world.users["clerk"],
        "department_id": world.departments["PM"],
        "community_id": world.communities["YX"],
        "office_id": world.offices["FZ"],
    }


def sound(answer, address):
    """The page is a page: Chinese, whole, without anything inline or foreign."""
    page = answer.get_data(as_text=True)
    assert answer.status_code < 500, address
    assert not INLINE.search(page), (address, INLINE.search(page).group())
    assert not OUTSIDE.search(page), (address, OUTSIDE.search(page).group())
    headers = answer.headers
    policy = headers["Content-Security-Policy"]
    assert "unsafe-inline" not in policy
    assert "default-src 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in policy
    assert "Permissions-Policy" in headers
    assert "Cross-Origin-Opener-Policy" in headers


@pytest.mark.parametrize("stage", [TicketStage.REGISTERED, TicketStage.CALLBACK])
def test_no_page_holds_anything_inline_or_from_outside(app, make, sign_in, stage):
    ids = ids_of(make, make.ticket(stage).id)
    seen = 0
    for username in ("manager", "admin"):
        client = sign_in(username)
        for address in addresses(app, ids):
            answer = client.get(address)
            if answer.mimetype == "text/html":
                sound(answer, address)
                seen += answer.status_code == 200
    stranger = app.test_client()
    for address in ("/sign-in", "/set-up", "/nowhere", "/tickets/x"):
        sound(stranger.get(address), address)
    assert seen > 15


def test_a_refused_form_is_as_sound_as_an_empty_one(app, make, sign_in):
    ticket_id = make.ticket(TicketStage.HANDLING).id
    client = sign_in("manager")
    for path in PATHS.values():
        address = f"/tickets/{ticket_id}/{path}"
        sound(client.post(address, data={"once": token(), "reason": EVIL}), address)
    sound(client.post("/intake", data={"content": EVIL}), "/intake")
    sound(client.post("/sign-in", data={"username": EVIL}), "/sign-in")


def test_the_cookie_cannot_be_read_by_scripts_nor_sent_from_other_sites(app):
    answer = app.test_client().post(
        "/sign-in", data={"username": "clerk", "password": "correct-horse-9"}
    )
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie


class Reader(HTMLParser):
    """Collects what a browser would execute."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]
        if tag == "script":
            assert dict(attrs).get("src", "").startswith("/"), attrs
        for name, value in attrs:
            assert not (name in ("href", "src", "action") and "javascript:" in (value or ""))


@pytest.fixture
def evil(make):
    """A ticket and a customer whose every typed field is hostile."""
    world = make.world
    with transaction():
        home = db.session.get_one(Unit, world.units["YX 3-1-1202"])
        person = estate.add_customer(
            name=EVIL[:40], phones=["13811112222"], unit=home, note=EVIL, actor=None
        )
    world.customers["evil"] = person.id
    ticket = make.ticket(
        TicketStage.HANDLING,
        customer_id=person.id,
        caller_name=EVIL[:40],
        summary=EVIL[:60],
        content=EVIL,
        action_taken=EVIL,
        action_needed=EVIL,
        place=EVIL,
    )
    with transaction():
        follow_up(
            ticket,
            action_taken=EVIL,
            action_needed=f"=1+1\n{EVIL}",
            next_on=None,
            actor=make.user("handler"),
        )
        amend(
            ticket,
            reason=EVIL,
            **make.entry(
                ticket,
                "office",
                caller_name='=HYPERLINK("http://x")',
                caller_phone="13811112222",
                summary="=1+1",
                content=EVIL,
                action_taken="@SUM(A1)",
                action_needed="+1",
            ),
        )
    return ticket.id


def test_typed_text_is_never_markup_on_any_page(app, make, evil, sign_in):
    ids = ids_of(make, evil) | {"customer_id": make.world.customers["evil"]}
    shown = 0
    for username in ("manager", "auditor"):
        client = sign_in(username)
        for address in [
            *addresses(app, ids),
            "/tickets/?q=漏水" + EVIL,
            "/intake/callers?q=1381111",
        ]:
            answer = client.get(address)
            if answer.mimetype != "text/html":
                continue
            page = answer.get_data(as_text=True)
            reader = Reader()
            reader.feed(page)
            assert "onerror" not in reader.attributes, address
            assert "<script>alert" not in page, address
            assert "49" not in page.split("onerror=alert(1)&gt;")[-1][:3], address
            shown += "&lt;script&gt;alert" in page
    assert shown >= 4


def sheet(answer):
    with zipfile.ZipFile(io.BytesIO(answer.data)) as book:
        return "".join(
            book.read(name).decode() for name in book.namelist() if name.startswith("xl/")
        )


def test_the_exported_register_holds_text_and_no_formula(evil, make, sign_in):
    with transaction():
        ticket = make.registered(content="正文")
    ticket.caller_name = "王\x0b国\x01强"
    ticket.summary = "长" * 40_000
    db.session.commit()
    answer = sign_in("manager").get("/tickets/register.xlsx?all=1")
    assert answer.status_code == 200
    xml = sheet(answer)
    assert "<f>" not in xml
    assert "<f " not in xml
    assert "=1+1" in xml
    assert "=HYPERLINK" in xml
    assert "王国强" in xml
    assert CUT in xml
    assert "\x0b" not in xml


def test_a_text_is_cut_with_a_mark_at_the_limit_of_a_cell():
    assert safe_text("长" * LONGEST) == "长" * LONGEST
    cut = safe_text("长" * (LONGEST + 1))
    assert len(cut) == LONGEST
    assert cut.endswith(CUT)
    assert safe_text("a\x00b\x0bc\x1fd") == "abcd"


@pytest.mark.clause("5.3")
def test_the_printed_form_has_the_words_of_the_paper(make, sign_in):
    with clock.held(clock.at(clock.today(), 9)):
        ticket_id = make.ticket(TicketStage.CALLBACK).id
    page = sign_in("clerk").get(f"/tickets/{ticket_id}/print").get_data(as_text=True)
    for word in (
        "来电、来访登记表",
        "序号",
        "投诉客户",
        "单元房号",
        "联络方式",
        "投诉内容",
        "已采取行动",
        "所需跟踪行动",
        "已进行的跟踪行动",
        "客户反馈意见",
        "填表人",
        "签名",
        "日期",
    ):
        assert word in page
