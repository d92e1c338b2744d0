"""Pages of accounts: the list, every act's good and bad input, two people at once, who sees what, hostile text, query counts."""

import io
import re
import zipfile

import pytest

from tests.pages.helpers import recorded, token
from tests.pages.test_every_page import sound
from tests.pages.test_wrong_input import BLANKS, LONG, refused
from tests.support.settlements import AUDITED, EXAMPLE, Settlements
from ticketing.journal.commands import record
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.kernel.errors import Invalid
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import OrderStage
from ticketing.procedure.settlement import PriceBasis, PriceSource, SettlementStage
from ticketing.procedure.settlement_road import settlement_steps_from
from ticketing.procedure.vocabulary import Role
from ticketing.steps.settlement import confirming, lists, queries
from ticketing.steps.settlement.act_page import ENDPOINTS
from ticketing.steps.settlement.models import Settlement
from ticketing.steps.settlement.road import SETTLEMENTS

S = SettlementStage
STAGE_OF = {
    Act.AMEND_ACCOUNT: S.DRAFTING,
    Act.SUBMIT_ACCOUNT: S.DRAFTING,
    Act.AUDIT_LINES: S.SUBMITTED,
    Act.REVIEW_ACCOUNT: S.SUBMITTED,
    Act.RETURN_ACCOUNT: S.SUBMITTED,
    Act.COMPILE_SETTLEMENT: S.REVIEWED,
    Act.NOTIFY_CONTRACTOR: S.REVIEWED,
    Act.REMIND_CONTRACTOR: S.CONFIRMING,
    Act.CONFIRM_ACCOUNT: S.CONFIRMING,
    Act.DISPUTE_ACCOUNT: S.CONFIRMING,
    Act.DEEM_CONFIRMED: S.CONFIRMING,
    Act.REVIEW_AGAIN: S.DISPUTED,
    Act.CERTIFY: S.CONFIRMED,
    Act.RETURN_SETTLEMENT: S.CONFIRMED,
}
PATHS = {
    Act.AMEND_ACCOUNT: "amend",
    Act.SUBMIT_ACCOUNT: "submit",
    Act.AUDIT_LINES: "review",
    Act.REVIEW_ACCOUNT: "review",
    Act.RETURN_ACCOUNT: "review",
    Act.COMPILE_SETTLEMENT: "compile",
    Act.NOTIFY_CONTRACTOR: "notify",
    Act.REMIND_CONTRACTOR: "remind",
    Act.CONFIRM_ACCOUNT: "confirm",
    Act.DISPUTE_ACCOUNT: "dispute",
    Act.DEEM_CONFIRMED: "deem",
    Act.REVIEW_AGAIN: "review-again",
    Act.CERTIFY: "certify",
    Act.RETURN_SETTLEMENT: "certify",
}
WHO = {
    Act.AMEND_ACCOUNT: "captain",
    Act.SUBMIT_ACCOUNT: "captain",
    Act.AUDIT_LINES: "manager",
    Act.REVIEW_ACCOUNT: "manager",
    Act.RETURN_ACCOUNT: "manager",
    Act.COMPILE_SETTLEMENT: "office",
    Act.CERTIFY: "chief",
    Act.RETURN_SETTLEMENT: "chief",
}
"""Who does an act; the contractor's answer is the auditor's."""

REACHED = {
    Act.AMEND_ACCOUNT: S.DRAFTING,
    Act.SUBMIT_ACCOUNT: S.SUBMITTED,
    Act.AUDIT_LINES: S.SUBMITTED,
    Act.REVIEW_ACCOUNT: S.REVIEWED,
    Act.RETURN_ACCOUNT: S.RETURNED,
    Act.COMPILE_SETTLEMENT: S.REVIEWED,
    Act.NOTIFY_CONTRACTOR: S.CONFIRMING,
    Act.REMIND_CONTRACTOR: S.CONFIRMING,
    Act.CONFIRM_ACCOUNT: S.CONFIRMED,
    Act.DISPUTE_ACCOUNT: S.DISPUTED,
    Act.DEEM_CONFIRMED: S.CONFIRMED,
    Act.REVIEW_AGAIN: S.SUBMITTED,
    Act.CERTIFY: S.CERTIFIED,
    Act.RETURN_SETTLEMENT: S.SUBMITTED,
}


@pytest.fixture
def accounts(make) -> Settlements:
    return Settlements(make)


def ready(accounts, act) -> Settlement:
    """An account of class A on which `act` can be done now."""
    s = accounts.begun()
    if act in (Act.AMEND_ACCOUNT, Act.SUBMIT_ACCOUNT):
        return accounts.priced(s)
    accounts.bring(s, STAGE_OF[act])
    if act is Act.NOTIFY_CONTRACTOR:
        accounts.compiled(s)
    if act in (Act.REMIND_CONTRACTOR, Act.DEEM_CONFIRMED):
        with transaction():
            s.answer_due_on = clock.today().replace(year=clock.today().year - 1)
    if act is Act.DEEM_CONFIRMED:
        with transaction():
            confirming.remind(
                s, version=s.version, evidence="催告函", actor=accounts.make.user("auditor")
            )
        with transaction():
            s.answer_due_on = clock.today().replace(year=clock.today().year - 1)
            s.silence_confirms = True
    return s


TERMS = {"basis": "exclusive", "vat_bp": "900", "management_bp": "0"}


def rows(lines=EXAMPLE) -> dict[str, str]:
    """The rows of the captain's grid as a browser sends them."""
    sent = {}
    for n, line in enumerate(lines):
        for name, value in line._asdict().items():
            milli = name.endswith("_milli")
            sent[f"lines-{n}-{name}"] = (
                f"{value / 1000:g}" if milli else str(getattr(value, "value", value))
            )
    return sent


def judged(s, audited=AUDITED) -> dict[str, str]:
    """The rows of the reviewer's grid."""
    sent = {}
    for n, (line, (quantity, price)) in enumerate(zip(s.lines, audited, strict=True)):
        sent |= {
            f"audited-{n}-line_id": str(line.id),
            f"audited-{n}-quantity_milli": f"{quantity / 1000:g}",
            f"audited-{n}-price_milli": f"{price / 1000:g}",
            f"audited-{n}-why": "",
        }
    return sent


def typed(act, s, accounts) -> dict[str, str]:
    """What a person types to do `act`, acceptable in every respect."""
    forms = {
        Act.AMEND_ACCOUNT: lambda: TERMS | rows() | {"remark": "含垃圾清运"},
        Act.AUDIT_LINES: lambda: TERMS | judged(s),
        Act.REVIEW_ACCOUNT: lambda: TERMS | judged(s) | {"review": "按实审定", "finishes": "1"},
        Act.RETURN_ACCOUNT: lambda: {"review": "缺凭证", "returns": "1"},
        Act.COMPILE_SETTLEMENT: lambda: {
            "contract_id": str(accounts.contract()),
            "admin_bp": "0",
            "penalty_fen": "",
            "note": "见附件",
        },
        Act.NOTIFY_CONTRACTOR: lambda: {"way": "courier", "evidence": "SF10293847"},
        Act.REMIND_CONTRACTOR: lambda: {"evidence": "SF10293848"},
        Act.CONFIRM_ACCOUNT: lambda: {"confirmed_by": "张经理", "evidence": "确认函 8"},
        Act.DISPUTE_ACCOUNT: lambda: {"dispute": "单价过高"},
        Act.REVIEW_AGAIN: lambda: {"reason": "核对单价"},
        Act.CERTIFY: lambda: {"reason": "同意"},
        Act.RETURN_SETTLEMENT: lambda: {"reason": "请核对第二行", "returns": "1"},
    }
    return forms.get(act, dict)()


def texts(*names: str) -> list[tuple[str, str]]:
    """Blank and too long for each of these fields."""
    return [(name, wrong) for name in names for wrong in (*BLANKS, LONG)]


NUMBERS = ("-1", "1e3", "十", "1.2345", "1000000.001", "12345678")
WRONG = {
    Act.AMEND_ACCOUNT: [
        *[("lines-0-item", blank) for blank in BLANKS],
        ("lines-0-item", "项" * 121),
        ("lines-1-unit", ""),
        ("lines-1-unit", "单位" * 6),
        ("lines-1-source", "x"),
        *[("lines-2-quantity_milli", wrong) for wrong in (*NUMBERS, "", "0")],
        *[("lines-3-price_milli", wrong) for wrong in NUMBERS],
        ("lines-0-quota_code", "B" * 41),
        ("lines-0-remark", "备" * 201),
        ("basis", "x"),
        ("vat_bp", "901"),
        ("vat_bp", ""),
        ("management_bp", "101"),
        ("management_bp", "五"),
        ("remark", LONG),
    ],
    Act.AUDIT_LINES: [
        *[("audited-0-quantity_milli", wrong) for wrong in (*NUMBERS, "")],
        *[("audited-1-price_milli", wrong) for wrong in (*NUMBERS, "")],
        ("audited-2-why", "因" * 201),
        ("vat_bp", "x"),
    ],
    Act.REVIEW_ACCOUNT: texts("review"),
    Act.RETURN_ACCOUNT: texts("review"),
    Act.COMPILE_SETTLEMENT: [
        ("contract_id", ""),
        ("contract_id", "999999"),
        ("admin_bp", "200"),
        ("penalty_fen", "百"),
        ("note", LONG),
    ],
    Act.NOTIFY_CONTRACTOR: [("way", ""), ("way", "x"), *texts("evidence")],
    Act.REMIND_CONTRACTOR: texts("evidence"),
    Act.CONFIRM_ACCOUNT: [*texts("evidence"), ("confirmed_by", " "), ("confirmed_by", "名" * 61)],
    Act.DISPUTE_ACCOUNT: texts("dispute"),
    Act.REVIEW_AGAIN: texts("reason"),
    Act.CERTIFY: [("reason", LONG)],
    Act.RETURN_SETTLEMENT: texts("reason"),
}


def state() -> list:
    """Everything an act on an account could change."""
    db.session.rollback()
    found = db.session.execute(Settlement.__table__.select().order_by(Settlement.id)).all()
    return [tuple(row) for row in found]


@pytest.mark.clause("3.5.6")
@pytest.mark.parametrize("act", STAGE_OF, ids=lambda act: act.value)
def test_each_act_is_done_on_its_page_once(accounts, make, sign_in, act):
    s = ready(accounts, act)
    settlement_id = s.id
    address = f"/settlements/{settlement_id}/{PATHS[act]}"
    client = sign_in(WHO.get(act, "auditor"))
    data = typed(act, s, accounts) | {"version": s.version, "once": token()}
    form = client.get(address)
    assert form.status_code == 200
    sound(form, address)
    assert f'href="{address}"' in client.get(f"/settlements/{settlement_id}").get_data(as_text=True)
    for _ in range(2):
        answer = client.post(address, data=data)
        assert answer.status_code == 302, answer.get_data(as_text=True)[:3000]
        assert answer.location == f"/settlements/{settlement_id}"
    page = client.get(answer.location)
    assert page.status_code == 200
    assert act.label in page.get_data(as_text=True)
    db.session.rollback()
    assert db.session.get_one(Settlement, settlement_id).stage is REACHED[act]


@pytest.mark.parametrize("act", WRONG, ids=lambda act: act.value)
def test_each_wrong_field_is_refused_in_chinese_and_the_rest_is_kept(accounts, sign_in, act):
    s = ready(accounts, act)
    client, address = sign_in(WHO.get(act, "auditor")), f"/settlements/{s.id}/{PATHS[act]}"
    good = typed(act, s, accounts) | {"version": s.version}
    before = state()
    for field, value in WRONG[act]:
        answer = client.post(address, data=good | {field: value, "once": token()})
        page = refused(answer, field)
        for name, kept in good.items():
            words = isinstance(kept, str) and name.rpartition("-")[2] in (
                "item", "unit", "remark", "review", "note", "evidence", "dispute", "confirmed_by",
            )  # fmt: skip
            assert not words or name == field or kept in page, (field, name)
    assert state() == before


@pytest.mark.parametrize("act", STAGE_OF, ids=lambda act: act.value)
def test_the_second_of_two_people_sees_what_changed_and_can_submit_again(
    accounts, make, sign_in, act
):
    s = ready(accounts, act)
    settlement_id, seen, data = s.id, s.version, typed(act, s, accounts)
    with transaction():
        s.remark = "先改了"
    with transaction():
        record(
            "settlement",
            settlement_id,
            Act.AMEND_ACCOUNT.value,
            actor=make.user("office"),
            at=clock.now(),
            version=seen + 1,
            facts={"changed": {"remark": ["", "先改了"], "vat_bp": [900, 300]}},
        )
    client, address = sign_in(WHO.get(act, "auditor")), f"/settlements/{settlement_id}/{PATHS[act]}"
    answer = client.post(address, data=data | {"version": seen, "once": token()})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert 'id="conflict"' in page
    for words in ("陈静", "先改了", "增值税率：9% → <b>3%</b>"):
        assert words in page, words
    again = client.post(address, data=data | {"version": seen + 1, "once": token()})
    assert again.status_code == 302


@pytest.mark.clause("3.5.5")
def test_a_captain_begins_prices_and_hands_in_from_his_order(accounts, make, sign_in):
    order = accounts.repairs.order(OrderStage.ACCEPTED)
    order_id = order.id
    captain = sign_in("captain")
    for address in (f"/my-orders/{order_id}", "/settlements/"):
        page = captain.get(address).get_data(as_text=True)
        assert f'action="/orders/{order_id}/account"' in page, address
    assert "待办决算结算 <b>1</b>" in captain.get("/my-orders").get_data(as_text=True)
    assert "开始编制" in captain.get(f"/orders/{order_id}/account").get_data(as_text=True)
    answer = captain.post(f"/orders/{order_id}/account", data={"once": token()})
    db.session.rollback()
    s = queries.of_order(order_id)
    assert s is not None
    address = f"/settlements/{s.id}/amend"
    assert (answer.status_code, answer.location) == (302, address)
    assert captain.get(f"/orders/{order_id}/account").location == f"/settlements/{s.id}"
    twice = captain.post(f"/orders/{order_id}/account", data={"once": token()})
    assert twice.status_code == 409
    assert "已经有决算书" in twice.get_data(as_text=True)
    empty = {**TERMS, "version": s.version, "once": token(), "submits": "1"}
    refusal = captain.post(address, data=empty)
    assert refusal.status_code == 422
    assert "合计须大于零" in refusal.get_data(as_text=True)
    handed_in = captain.post(address, data=empty | rows() | {"once": token()})
    assert handed_in.status_code == 302
    db.session.rollback()
    s = db.session.get_one(Settlement, s.id)
    assert (s.stage, s.submitted_fen, s.route) == (S.SUBMITTED, 270_572, Role.CS_MANAGER)


@pytest.mark.clause("3.5.5")
def test_a_line_shows_where_its_price_comes_from_before_it_is_handed_in(accounts, make, sign_in):
    s = accounts.begun()
    captain, address = sign_in("captain"), f"/settlements/{s.id}/amend"
    bare = [one._replace(quota_code="", remark="") for one in EXAMPLE]
    sent = TERMS | rows(bare)
    refusal = captain.post(address, data=sent | {"version": 1, "once": token(), "submits": "1"})
    page = refusal.get_data(as_text=True)
    assert refusal.status_code == 422
    for cell, words in (("1-quota_code", "请填写定额编号"), ("2-remark", "向谁、何时询价")):
        assert re.search(rf'id="lines-{cell}-error">[^<]*{words}', page), cell
    assert page.count('aria-invalid="true"') == 2
    for one in bare:
        assert f'value="{one.item}"' in page
    kept = captain.post(address, data=sent | {"version": 1, "once": token()})
    assert kept.status_code == 302
    db.session.rollback()
    s = db.session.get_one(Settlement, s.id)
    assert (s.stage, len(s.lines)) == (S.DRAFTING, 4)
    last_look = captain.post(
        f"/settlements/{s.id}/submit", data={"version": s.version, "once": token()}
    )
    assert last_look.status_code == 422
    assert "第 2 行：按定额计价的，请填写定额编号。" in last_look.get_data(as_text=True)
    for line in (bare[1], bare[2]):
        with pytest.raises(Invalid, match=r"定额编号|何时询价"):
            accounts.bring(accounts.priced(s, [line]), S.SUBMITTED)
    whole = TERMS | rows() | {"version": s.version, "once": token(), "submits": "1"}
    assert captain.post(address, data=whole).status_code == 302


def test_numbers_are_taken_as_people_and_spreadsheets_write_them(accounts, make, sign_in):
    s = accounts.begun()
    data = TERMS | {
        "version": s.version,
        "management_bp": "２.５%",
        "lines-0-source": "quota",
        "lines-0-item": "防水",
        "lines-0-unit": "㎡",
        "lines-0-quantity_milli": " １，２３４．５ ",
        "lines-0-price_milli": "¥1,000.125",
        "lines-4-source": "agreed",
        "lines-4-item": "铲除",
        "lines-4-unit": "项",
        "lines-4-quantity_milli": "1。5",
        "lines-4-price_milli": "",
        "lines-7-source": "enquiry",
        "once": token(),
    }
    answer = sign_in("captain").post(f"/settlements/{s.id}/amend", data=data)
    assert answer.status_code == 302, answer.get_data(as_text=True)
    db.session.rollback()
    s = db.session.get_one(Settlement, s.id)
    assert s.management_bp == 250
    assert [(one.item, one.quantity_milli, one.price_milli, one.source) for one in s.lines] == [
        ("防水", 1_234_500, 1_000_125, PriceSource.QUOTA),
        ("铲除", 1_500, 0, PriceSource.AGREED),
    ]
    assert s.lines[0].submitted_fen == 123_465_431


def test_rows_are_added_without_scripts_and_too_many_are_refused_not_lost(accounts, sign_in):
    s = accounts.priced(accounts.begun())
    captain, address = sign_in("captain"), f"/settlements/{s.id}/amend"
    data = TERMS | rows() | {"version": s.version, "once": token()}
    page = captain.post(address, data=data | {"more": "1"})
    text = page.get_data(as_text=True)
    assert page.status_code == 200
    assert 'name="lines-8-item"' in text
    assert "瓷砖铺贴" in text
    many = {
        f"lines-{n}-{name}": value
        for n in range(201)
        for name, value in (
            ("item", "砖"),
            ("unit", "块"),
            ("quantity_milli", "1"),
            ("source", "agreed"),
        )
    }
    answer = captain.post(address, data=data | many)
    assert answer.status_code == 422
    assert "最多 200 行" in answer.get_data(as_text=True)


@pytest.mark.clause("3.5.6")
def test_a_review_copies_adds_and_asks_for_a_reason_where_it_approves_more(accounts, make, sign_in):
    s = accounts.bring(accounts.of_class_b(), S.SUBMITTED)
    settlement_id, manager, address = s.id, sign_in("manager"), f"/settlements/{s.id}/review"
    blank = TERMS | {
        name: "" if name.endswith("_milli") else value for name, value in judged(s).items()
    }
    page = manager.post(address, data=blank | {"version": s.version, "copies": "1"})
    text = page.get_data(as_text=True)
    assert page.status_code == 200
    assert 'value="18.6"' in text
    assert 'value="45.335"' in text
    more = manager.post(address, data=blank | {"version": s.version, "more": "1"})
    assert 'name="added-0-item"' in more.get_data(as_text=True)
    good = TERMS | judged(s) | {"version": s.version}
    higher = good | {"audited-0-price_milli": "130", "audited-0-quantity_milli": "3"}
    refused(manager.post(address, data=higher | {"once": token()}), "audited-0-why")
    unread = good | {"audited-3-quantity_milli": "", "audited-3-price_milli": "", "finishes": "1"}
    refused(
        manager.post(address, data=unread | {"review": "可", "once": token()}),
        "audited-3-quantity_milli",
    )
    kept = manager.post(
        address, data={k: v for k, v in unread.items() if k != "finishes"} | {"once": token()}
    )
    assert kept.status_code == 302
    extra = {
        "added-0-source": "published",
        "added-0-item": "脚手架",
        "added-0-unit": "次",
        "added-0-quantity_milli": "1",
        "added-0-price_milli": "100",
    }
    db.session.rollback()
    s = db.session.get_one(Settlement, settlement_id)
    assert [one.approved_fen for one in s.lines] == [27_500, 145_600, 26_000, None]
    finish = good | extra | {"version": s.version, "finishes": "1", "review": "可"}
    refused(manager.post(address, data=finish | {"once": token()}), "added-0-why")
    done = manager.post(address, data=finish | {"added-0-why": "漏报", "once": token()})
    assert done.status_code == 302
    db.session.rollback()
    s = db.session.get_one(Settlement, settlement_id)
    assert s.stage is S.REVIEWED
    assert [one.submitted_fen for one in s.lines][-1] == 0
    assert s.approved_fen == 246_668 + 10_900
    page = manager.get(f"/settlements/{settlement_id}").get_data(as_text=True)
    for words in ("脚手架", "漏报", "2,575.68", "人民币贰仟伍佰柒拾伍元陆角捌分", "审减"):
        assert words in page, words


def test_an_account_that_came_back_keeps_its_former_revision(accounts, sign_in):
    s = accounts.bring(accounts.of_class_b(), S.RETURNED)
    captain = sign_in("captain")
    page = captain.get(f"/settlements/{s.id}").get_data(as_text=True)
    assert "缺采购凭证" in page
    assert f'href="/settlements/{s.id}?revision=1"' in page
    old = captain.get(f"/settlements/{s.id}?revision=1").get_data(as_text=True)
    assert "旧版" in old
    assert "瓷砖铺贴" in old
    for wrong in ("0", "3", "x", "-1"):
        status = captain.get(f"/settlements/{s.id}?revision={wrong}").status_code
        assert status == 404, wrong


def test_who_sees_an_account_and_to_whom_it_does_not_exist(accounts, make, sign_in):
    s = accounts.bring(accounts.begun(), S.SUBMITTED)
    for username, status in {
        "captain": 200,
        "office": 200,
        "manager": 200,
        "auditor": 200,
        "chief": 200,
        "gm": 200,
        "finance": 200,
        "far_clerk": 404,
        "clerk": 403,
        "handler": 403,
        "reader": 403,
        "admin": 403,
    }.items():
        client = sign_in(username)
        for address in ("", "/print", "/account.xlsx"):
            answer = client.get(f"/settlements/{s.id}{address}")
            assert answer.status_code == status, (username, address)
        assert client.get(f"/settlements/print?id={s.id}").status_code == status, username
        if status == 404:
            assert s.number not in client.get("/settlements/?all=1").get_data(as_text=True)
    far = sign_in("far_clerk")
    assert far.post(f"/settlements/{s.id}/compile", data={"version": 1}).status_code == 404
    assert sign_in("manager").get("/settlements/999999").status_code == 404
    assert s.number in sign_in("manager").get(f"/tickets/{s.ticket_id}").get_data(as_text=True)
    assert s.number in sign_in("office").get(f"/orders/{s.order_id}").get_data(as_text=True)
    assert s.number in sign_in("captain").get(f"/my-orders/{s.order_id}").get_data(as_text=True)


def workbook_text(answer) -> str:
    assert answer.status_code == 200
    with zipfile.ZipFile(io.BytesIO(answer.data)) as book:
        return "".join(book.read(one).decode() for one in book.namelist() if one.startswith("xl/"))


def test_the_list_counts_filters_and_leaves_the_house_as_a_workbook(accounts, make, sign_in):
    made = {stage: accounts.bring(accounts.begun(), stage) for stage in S if stage is not S.PAID}
    notifying = accounts.compiled(accounts.bring(accounts.begun(), S.REVIEWED))
    audit = accounts.costing(accounts.begun(estimate_fen=2_000_000), 2_000_000)
    accounts.bring(audit, S.SUBMITTED)
    numbers = {stage: one.number for stage, one in made.items()}
    numbers |= {"notify": notifying.number, "audit": audit.number}
    piles = {
        "drafting": {S.DRAFTING},
        "review": {S.SUBMITTED},
        "audit": {"audit"},
        "compile": {S.REVIEWED},
        "notify": {"notify"},
        "confirming": {S.CONFIRMING},
        "disputed": {S.DISPUTED},
        "certify": {S.CONFIRMED},
        "pay": {S.CERTIFIED},
        "returned": {S.RETURNED},
        "begin": set(),
        "paid": set(),
        "": set(numbers),
    }
    manager = sign_in("manager")
    for pile, expected in piles.items():
        page = manager.get(f"/settlements/?pile={pile}").get_data(as_text=True)
        shown = {key for key, number in numbers.items() if f">{number}</a>" in page}
        assert shown == expected, pile
    turns = {
        "captain": {S.DRAFTING, S.RETURNED},
        "manager": {S.SUBMITTED, S.REVIEWED},
        "office": {S.REVIEWED},
        "auditor": {"audit", "notify", S.DISPUTED},
        "chief": {S.CONFIRMED},
        "deputy_gm": set(),
        "finance": {S.CERTIFIED},
    }
    for username, expected in turns.items():
        page = sign_in(username).get("/settlements/?pile=mine").get_data(as_text=True)
        shown = {key for key, number in numbers.items() if f">{number}</a>" in page}
        assert shown == expected, username
        assert f"待我办理 <b>{len(expected)}</b>" in page, username
    assert "待办决算结算 <b>2</b>" in manager.get("/tickets/").get_data(as_text=True)
    assert "待办决算结算 <b>1</b>" in sign_in("chief").get("/orders/").get_data(as_text=True)
    community, team = make.world.communities, make.world.teams["云栖苑维修队"]
    today = clock.today().isoformat()
    for query, some in (
        (f"community={community['YX']}&team={team}&class=A&from={today}&to={today}", True),
        (f"community={community['HT']}", False),
        ("team=999", False),
        ("class=B", False),
        ("to=2020-01-01", False),
        ("pile=nonsense&community=x&from=x&to=9999-99-99&after=20260101.x", True),
    ):
        page = manager.get(f"/settlements/?{query}").get_data(as_text=True)
        assert (numbers[S.CERTIFIED] in page) is some, query
    xml = workbook_text(manager.get("/settlements/settlements.xlsx"))
    assert all(number in xml for number in numbers.values())
    assert "<f>" not in xml


@pytest.mark.clause("3.5.8")
def test_what_waits_for_a_person_is_what_he_is_offered(accounts, make):
    made = [accounts.bring(accounts.begun(), stage) for stage in S if stage is not S.PAID]
    made += [accounts.bring(accounts.of_class_b(), stage) for stage in (S.SUBMITTED, S.REVIEWED)]
    made += [accounts.compiled(accounts.bring(accounts.of_class_b(), S.REVIEWED))]
    taken = accounts.bring(accounts.begun(), S.CONFIRMED)
    with transaction():
        record(
            "settlement",
            taken.id,
            Act.AUDIT_LINES.value,
            actor=make.user("chief"),
            at=clock.now(),
            version=taken.version,
        )
    made.append(taken)
    seen = {}
    for username in ("captain", "office", "manager", "auditor", "chief", "deputy_gm", "gm"):
        actor, scope = make.user(username), make.scope(username)
        wanted = lists.SettlementFilter(pile=lists.Pile.MINE)
        mine = {row.id for row in lists.page(scope, wanted)[0]}
        usual = [
            (one.id, step.act)
            for one in made
            for step in settlement_steps_from(one.stage)
            if one.stage is not S.CONFIRMING
            and step.act in ENDPOINTS
            and step.act not in (Act.RETURN_SETTLEMENT, Act.CONFIRM_ACCOUNT, Act.SUBMIT_ACCOUNT)
            and SETTLEMENTS.offered(step, one, actor)
        ]
        assert {one for one, _act in usual} == mine, username
        seen[username] = taken.id in mine
    assert {username for username, his in seen.items() if his} == {"deputy_gm"}


def test_the_pages_of_the_list_follow_each_other_without_gap_or_twin(accounts, make):
    made = [accounts.bring(accounts.begun(), S.SUBMITTED).number for _ in range(3)]
    made += [accounts.begun().number, accounts.bring(accounts.begun(), S.REVIEWED).number]
    scope = make.scope("manager")
    for ended in (False, True):
        seen, after = [], ""
        while True:
            wanted = lists.SettlementFilter(ended_too=ended, after=after)
            found, after = lists.page(scope, wanted, size=2)
            seen += [row.number for row in found]
            if not after:
                break
        assert sorted(seen) == sorted(made)


HOSTILE = '=HYPERLINK("http://x","点我")'


def test_hostile_text_stays_text_on_every_page_and_in_both_workbooks(accounts, make, sign_in):
    s = accounts.of_class_b()
    evil = "<script>alert(1)</script>\x07\u202e"
    data = TERMS | {
        "version": s.version,
        "once": token(),
        "remark": evil,
        "lines-0-source": "agreed",
        "lines-0-item": HOSTILE,
        "lines-0-place": evil,
        "lines-0-unit": "@1",
        "lines-0-quota_code": "-1+1",
        "lines-0-quantity_milli": "1",
        "lines-0-price_milli": "1",
        "lines-0-remark": "+cmd",
    }
    captain = sign_in("captain")
    assert captain.post(f"/settlements/{s.id}/amend", data=data).status_code == 302
    settlement_id = s.id
    for address in ("", "/amend", "/submit", "/print"):
        page = captain.get(f"/settlements/{settlement_id}{address}").get_data(as_text=True)
        assert "<script>alert" not in page, address
        assert "\x07" not in page
        assert "\u202e" not in page
    db.session.rollback()
    s = accounts.bring(db.session.get_one(Settlement, settlement_id), S.REVIEWED)
    xml = workbook_text(captain.get(f"/settlements/{settlement_id}/account.xlsx"))
    assert "HYPERLINK" in xml
    formulas = [part.split("</f>")[0] for part in xml.split("<f>")[1:]]
    assert formulas
    assert not [one for one in formulas if "HYPERLINK" in one or "cmd" in one or "http" in one]


ADDRESSES = {
    "list": ("manager", "/settlements/"),
    "captain's list": ("captain", "/settlements/"),
    "mine": ("chief", "/settlements/?pile=mine"),
    "workbook": ("manager", "/settlements/settlements.xlsx"),
    "account": ("auditor", "/settlements/{confirmed}"),
    "certify": ("chief", "/settlements/{confirmed}/certify"),
    "amend": ("captain", "/settlements/{drafting}/amend"),
    "review": ("manager", "/settlements/{submitted}/review"),
    "print": ("manager", "/settlements/{confirmed}/print"),
    "pile": ("manager", "/settlements/print?id={confirmed}&id={submitted}"),
    "choose": ("manager", "/settlements/print/choose"),
}
COUNTS = {
    "list": 7,
    "captain's list": 9,
    "mine": 7,
    "workbook": 6,
    "account": 13,
    "certify": 18,
    "amend": 5,
    "review": 18,
    "print": 4,
    "pile": 4,
    "choose": 5,
}


def measure(sign_in, ids):
    found = {}
    for page, (username, address) in ADDRESSES.items():
        client = sign_in(username)
        db.session.rollback()
        with recorded(db.engine) as recorder:
            answer = client.get(address.format(**ids))
        assert answer.status_code == 200, page
        found[page] = len(recorder.statements)
    return found


def test_a_page_costs_the_same_with_few_rows_and_with_many(accounts, make, sign_in):
    ids = {
        stage.value: accounts.bring(accounts.priced(accounts.begun()), stage).id
        for stage in (S.CONFIRMED, S.SUBMITTED, S.DRAFTING)
    }
    accounts.repairs.order(OrderStage.ACCEPTED)
    few = measure(sign_in, ids)
    for stage in (S.DRAFTING, S.SUBMITTED, S.REVIEWED, S.CONFIRMING, S.CONFIRMED, S.CERTIFIED):
        accounts.bring(accounts.begun(), stage)
        accounts.repairs.order(OrderStage.ACCEPTED)
    accounts.priced(db.session.get_one(Settlement, ids["drafting"]), EXAMPLE * 5)
    assert measure(sign_in, ids) == few
    assert few == COUNTS


def test_prices_that_hold_the_tax_are_told_so(accounts, sign_in):
    s = accounts.costing(accounts.of_class_b(), 109_000)
    assert s.basis is PriceBasis.INCLUSIVE
    page = sign_in("captain").get(f"/settlements/{s.id}").get_data(as_text=True)
    assert "其中增值税 9%" in page
    assert "90.00" in page
    assert "1,090.00" in page
