"""Wrong input on every form: status 422, a Chinese sentence at the field, and what was typed is kept."""

import re
from datetime import timedelta

import pytest

from tests.pages.helpers import PATHS, form_for, ready_for_everything, state_of_the_file, token
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.procedure.permissions import Act
from ticketing.procedure.vocabulary import TicketStage

LONG = "长" * 5001
BLANKS = ("", "   ", "\u3000", "\u200b", "\x00\x07")
ERROR = re.compile(r'<div class="error" id="([\w-]+)-error">(.*?)</div>', re.DOTALL)
HAN = re.compile(r"[\u4e00-\u9fff]")


def refused(answer, field, *, status=422):
    """The page of a refused form: its sentences by field, all of them Chinese."""
    page = answer.get_data(as_text=True)
    assert answer.status_code == status, (field, answer.status_code)
    errors = dict(ERROR.findall(page))
    for name, sentences in errors.items():
        for sentence in sentences.split("。"):
            words = re.sub(r"<[^>]+>|&#\d+;", "", sentence).strip()
            assert not words or HAN.search(words), (name, sentence)
            assert not re.search(r"[A-Za-z]{4,}", words), (name, sentence)
    if field is None:
        assert 'class="alert alert-danger"' in page
    else:
        assert field in errors, (field, errors)
        assert f'aria-invalid="true"' in page or "<fieldset" in page  # noqa: F541
    return page


def intake(world, **typed):
    return {
        "once": token(),
        "unit_id": world.units["YX 3-1-1202"],
        "caller_name": "王国强",
        "caller_phone": "13800001202",
        "channel": "phone",
        "relation": "owner",
        "received_at": "2026-11-20T09:05",
        "content": "记得保留这句话",
        **typed,
    }


INTAKE = [
    *[("content", blank) for blank in BLANKS],
    *[("caller_name", blank) for blank in BLANKS],
    ("content", LONG),
    ("caller_name", "名" * 41),
    ("caller_phone", "不是电话"),
    ("caller_phone", "12"),
    ("caller_phone", "1" * 31),
    ("channel", "carrier_pigeon"),
    ("channel", ""),
    ("relation", "enemy"),
    ("collected_by_id", "999999"),
    ("collected_by_id", "x"),
    ("community_id", "999999"),
    ("community_id", "9" * 30),
    ("received_at", ""),
    ("received_at", "昨天"),
    ("received_at", "2026-02-30T09:00"),
    ("received_at", "0001-01-01T00:00"),
    ("received_at", "9999-12-31T23:59"),
    ("received_at", "2026-11-20T09:05+05:00"),
    ("received_at", "2020-01-01T00:00"),
    ("marks", "x"),
    ("claim_fen", "很多"),
    ("claim_fen", "1" * 11),
    ("summary", "摘" * 61),
    ("place", "处" * 61),
    ("action_taken", "行" * 2001),
    ("action_needed", "行" * 2001),
]


def test_the_intake_form_refuses_each_wrong_field_and_keeps_the_rest(app, make, sign_in):
    client, before = sign_in("clerk"), state_of_the_file()
    for field, value in INTAKE:
        data = intake(make.world, **{field: value})
        page = refused(client.post("/intake", data=data), field)
        assert "13800001202" in page
        if field != "content":
            assert "记得保留这句话" in page
        if value == "不是电话":
            assert value in page
    db.session.rollback()
    assert state_of_the_file() == before


@pytest.mark.parametrize("hidden", ["unit_id", "customer_id"])
def test_a_forged_hidden_field_is_refused_aloud(app, world, sign_in, hidden):
    client = sign_in("clerk")
    for value in ("x", "9" * 30, "-1", "1.5"):
        answer = client.post("/intake", data=intake(world, **{hidden: value}))
        assert "请重新选择" in refused(answer, None)


def test_a_complaint_from_the_future_or_from_nowhere_is_refused(app, world, sign_in):
    client = sign_in("clerk")
    soon = clock.local(clock.now() + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M")
    page = refused(client.post("/intake", data=intake(world, received_at=soon)), "received_at")
    assert "不能晚于现在" in page
    assert soon in page
    data = intake(world, unit_id="", community_id="")
    assert "至少选择小区" in refused(client.post("/intake", data=data), "community_id")


def test_control_characters_are_dropped_and_the_ticket_is_written(app, world, sign_in):
    data = intake(world, content="漏\x00水\x0b很\u200b急\ud800".encode("utf-8", "ignore").decode())
    data |= {"call": "a\x00b", "seen": "²,x", "once": "t\x00" + "o" * 9000, "another": "\x00"}
    assert sign_in("clerk").post("/intake", data=data).status_code == 302
    with app.app_context():
        from ticketing.casefile.tickets.models import Ticket

        ticket = db.session.query(Ticket).one()
        assert ticket.content == "漏水很急"
        assert "\x00" not in ticket.call


STAGE_OF = {
    Act.CORRECT: TicketStage.REGISTERED,
    Act.DISPATCH: TicketStage.REGISTERED,
    Act.FEED_BACK: TicketStage.DISPATCHED,
    Act.CALL_BACK: TicketStage.CALLBACK,
    Act.CLOSE: TicketStage.CALLBACK,
    Act.REOPEN: TicketStage.CLOSED,
}
REASONS = [("reason", blank) for blank in BLANKS]
ENTRY_FIELDS = [
    *[("content", blank) for blank in BLANKS],
    *[("caller_name", blank) for blank in BLANKS],
    ("content", LONG),
    ("caller_name", "名" * 41),
    ("caller_phone", "不是电话"),
    ("channel", "x"),
    ("collected_by_id", "999999"),
    ("place", "处" * 61),
    ("summary", "摘" * 61),
    ("action_taken", "行" * 2001),
]
PEOPLE_FIELDS = [
    ("category", ""),
    ("category", "XXX"),
    ("department_id", ""),
    ("department_id", "999999"),
    ("department_id", "x"),
    ("handler_id", "999999"),
    ("handler_id", "x"),
]
WRONG: dict[Act, list[tuple[str, str]]] = {
    Act.CORRECT: [
        *ENTRY_FIELDS,
        *[(field, value) for field, value in INTAKE if field == "received_at"],
    ],
    Act.AMEND: [*ENTRY_FIELDS, *REASONS, ("reason", "理" * 201)],
    Act.DISPATCH: [
        *PEOPLE_FIELDS,
        ("grade", "x"),
        ("marks", "x"),
        ("claim_fen", "1.234"),
        ("assisting_ids", "999999"),
        ("assisting_ids", "x"),
        ("instruction", "求" * 1001),
    ],
    Act.TRANSFER: [*PEOPLE_FIELDS, *REASONS, ("reason", "理" * 201)],
    Act.ASK_ASSISTANCE: [
        ("department_id", ""),
        ("department_id", "999999"),
        *[("question", blank) for blank in BLANKS],
        ("question", "问" * 1001),
    ],
    Act.FEED_BACK: [
        *[("action_taken", blank) for blank in BLANKS],
        ("action_taken", "行" * 2001),
        ("action_needed", "行" * 2001),
        ("next_on", "明天"),
        ("next_on", "2026-02-30"),
    ],
    Act.FOLLOW_UP: [
        *[("action_taken", blank) for blank in BLANKS],
        ("action_taken", LONG),
        ("next_on", "x"),
    ],
    Act.REGRADE: [
        ("grade", "x"),
        ("grade", ""),
        ("marks", "x"),
        ("claim_fen", "两万"),
        ("claim_fen", "-1"),
        *REASONS,
        ("reason", "理" * 1001),
    ],
    Act.RESOLVE: [
        *[("resolution", blank) for blank in BLANKS],
        ("resolution", "果" * 2001),
        ("customer_opinion", "见" * 2001),
    ],
    Act.CALL_BACK: [
        ("satisfaction", ""),
        ("satisfaction", "x"),
        ("reached", "maybe"),
        ("opinion", "见" * 2001),
    ],
    Act.CLOSE: [*REASONS, ("reason", "理" * 1001)],
    Act.REOPEN: [*REASONS, ("reason", "理" * 1001)],
    Act.INVALIDATE: [*REASONS, ("reason", "理" * 1001)],
    Act.WITHDRAW: [*REASONS, ("reason", "理" * 1001)],
    Act.MERGE: [
        *REASONS,
        ("into", ""),
        ("into", "  "),
        ("into", "YX-2020-99999"),
        ("into", "长" * 31),
    ],
}
HANDLERS_OWN = {Act.RETURN: REASONS, Act.ASSIST: [("reply", blank) for blank in BLANKS]}


def try_all(make, client, act, cases, stage):
    ticket = make.ticket(stage)
    ready_for_everything(make, ticket)
    survivor = make.registered().number
    ticket_id, version = ticket.id, ticket.version
    before = state_of_the_file()
    good = form_for(act, make, into=survivor)
    for field, value in cases:
        data = good | {"version": version, "once": token(), field: value}
        page = refused(client.post(f"/tickets/{ticket_id}/{PATHS[act]}", data=data), field)
        for name, typed in good.items():
            if name != field and isinstance(typed, str) and len(typed) > 4:
                assert typed in page, (act, name)
    for version_ in ("", "x"):
        if act not in (Act.FOLLOW_UP, Act.ASSIST):
            data = good | {"version": version_, "once": token()}
            refused(client.post(f"/tickets/{ticket_id}/{PATHS[act]}", data=data), None)
    db.session.rollback()
    assert state_of_the_file() == before


@pytest.mark.parametrize("act", WRONG, ids=lambda act: act.value)
def test_every_act_refuses_each_wrong_field_and_keeps_the_rest(make, sign_in, act):
    stage = STAGE_OF.get(act, TicketStage.HANDLING)
    try_all(make, sign_in("manager"), act, WRONG[act], stage)


@pytest.mark.parametrize("act", HANDLERS_OWN, ids=lambda act: act.value)
def test_the_acts_of_a_department_refuse_what_is_blank(make, sign_in, act):
    try_all(make, sign_in("handler"), act, HANDLERS_OWN[act], TicketStage.DISPATCHED)


def test_the_customer_who_is_not_satisfied_must_be_quoted(make, sign_in):
    ticket = make.ticket(TicketStage.CALLBACK)
    data = {"version": ticket.version, "once": token(), "reached": "yes"}
    answer = sign_in("clerk").post(
        f"/tickets/{ticket.id}/call-back", data=data | {"satisfaction": "dissatisfied"}
    )
    assert "责任部门要据此返工" in refused(answer, "opinion")


def test_a_repeated_call_needs_its_words(make, sign_in):
    ticket_id, client = make.registered().id, sign_in("clerk")
    for blank in BLANKS:
        data = {"once": token(), "content": blank}
        refused(client.post(f"/tickets/{ticket_id}/again", data=data), "content")
    assert client.get(f"/tickets/{ticket_id}/again?content=" + "长" * 100).status_code == 200


ACCOUNT = {"username": "someone", "name": "某人", "password": "long-enough-1", "roles": "reader"}
PEOPLE_WRONG = [
    ("/people/new", ACCOUNT, field, value, status)
    for field, value, status in (
        ("username", "", 422),
        ("username", "  ", 422),
        ("username", "张三", 422),
        ("username", "a" * 41, 422),
        ("username", "clerk", 409),
        ("name", "", 422),
        ("name", " \u3000", 422),
        ("name", "名" * 41, 422),
        ("password", "", 422),
        ("password", "short", 422),
        ("password", "p" * 201, 422),
        ("roles", "king", 422),
        ("department_id", "999999", 422),
        ("community_ids", "999999", 422),
        ("community_ids", "x", 422),
        ("employee_number", "9" * 41, 422),
        ("phone", "1" * 31, 422),
        ("email", "someone", 422),
        ("email", "a@b.cn,c@d.cn", 422),
        ("email", "某人@example.com", 422),
        ("email", "a" * 260 + "@example.com", 422),
    )
] + [
    ("/people/departments/new", {"name": "新部", "code": "NEW"}, field, value, status)
    for field, value, status in (
        ("name", "", 422),
        ("name", "   ", 422),
        ("name", "物业公司", 409),
        ("code", "", 422),
        ("code", " \u3000", 422),
        ("code", "C" * 17, 422),
        ("aliases", "别" * 201, 422),
        ("handler_id", "999999", 422),
        ("head_id", "999999", 422),
    )
]


def test_the_forms_about_people_refuse_each_wrong_field(make, sign_in):
    client = sign_in("admin")
    for address, good, field, value, status in PEOPLE_WRONG:
        data = good | {"once": token(), field: value}
        page = refused(client.post(address, data=data), field, status=status)
        assert "long-enough-1" not in page
    clerk = make.world.users["clerk"]
    for field, value in (("password", "short"), ("password", "")):
        refused(client.post(f"/people/{clerk}/password", data={field: value}), field)
    for data, field in (
        ({"current": "wrong", "password": "long-enough-2", "again": "long-enough-2"}, "current"),
        ({"current": "x", "password": "long-enough-2", "again": "other"}, "again"),
        ({"current": "", "password": "", "again": ""}, "password"),
    ):
        refused(client.post("/account", data=data), field)
    stranger = client.application.test_client()
    for data, field in (
        ({"username": "", "password": ""}, "password"),
        ({"username": "u" * 41, "password": "x"}, "username"),
        ({"username": "  ", "password": "x"}, "username"),
    ):
        refused(stranger.post("/sign-in", data=data), field)


HOSTILE = [
    "/tickets/?endpoint=1&_external=1&_scheme=evil&_anchor=x&_method=POST&filename=y",
    "/tickets/?from=0001-01-01&to=9999-12-31&closed_from=x&registered_to=2026-02-30",
    "/tickets/?after=20260101000000.99999999999999999999&all=1",
    "/tickets/?after=00010101.1",
    "/tickets/?after=99999999999999.1&all=1",
    "/tickets/?after=..&order=newest",
    "/tickets/?stage=x&grade=x&category=x&channel=x&community=x&department=-1&handler=1e9",
    "/tickets/?community=%C2%B2&unit=999999999999999999&customer=" + "9" * 5000,
    "/tickets/?q=%00%22*%20NEAR(",
    "/tickets/?q=" + "长" * 400,
    "/tickets/register.xlsx?q=%00&after=x&from=0001-01-01",
    "/audit/?after=99999999999999999999999&subject=%00",
    "/audit/?after=-1&subject=x",
    "/notices/?after=-1&kind=%00&unread=x",
    "/notices/?after=" + "9" * 40,
    "/intake/callers?q=%00a",
    "/intake/callers?q=%25_%5C%27%22",
    "/intake/callers?q=%F4%8F%BF%BF",
    "/intake/beside?phone=%00&unit=x&customer=" + "9" * 30,
    "/intake?unit=x&same_call=x&customer=x",
    "/intake/warranty?unit=x&community=%00&received=9999-99-99&item=%00&item=WET_WP." + "9" * 99,
    "/intake/likely?content=%00%F4%8F%BF%BF" + "长" * 400,
    "/contractors/contracts/new?community=x&contractor=" + "9" * 40,
    "/contractors/teams/new?community=-1",
    "/contractors/contracts/1/prices/?q=%00%25_%5C" + "长" * 400,
]


def test_no_address_however_odd_breaks_a_page(sign_in):
    manager, auditor = sign_in("manager"), sign_in("auditor")
    for address in HOSTILE:
        client = auditor if address.startswith("/audit") else manager
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert b'"evil:' not in answer.data, address
    for address in (
        "/intake/beside?unit=999999999999999999",
        "/intake?unit=999999999999999999",
        "/intake?same_call=999999999999999999",
    ):
        assert manager.get(address).status_code == 404, address
