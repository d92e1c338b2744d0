"""Pages of orders: the list, the sheet, wrong input on every form, two people at once, other communities, query counts."""

import io
import zipfile
from datetime import timedelta

import pytest

from tests.pages.helpers import recorded, token
from tests.pages.test_wrong_input import BLANKS, LONG, refused
from tests.support.orders import PATHS, later, noted, state_of_the_orders, typed, yesterday
from tests.support.repairs import CRACK, LEAK, Repairs
from ticketing.journal.commands import record
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import OrderClass, OrderStage, Slot
from ticketing.procedure.vocabulary import Satisfaction
from ticketing.steps.callback.commands import call_back
from ticketing.steps.work_orders import approving, changing, lists, queries
from ticketing.steps.work_orders import commands as orders
from ticketing.steps.work_orders.models import WorkOrder

STAGE_OF = {
    Act.AMEND_ORDER: OrderStage.DRAFT,
    Act.SUBMIT_ORDER: OrderStage.DRAFT,
    Act.APPROVE_ORDER: OrderStage.APPROVING,
    Act.RETURN_ORDER: OrderStage.APPROVED,
    Act.ISSUE_ORDER: OrderStage.APPROVED,
    Act.PLAN_ORDER: OrderStage.ISSUED,
    Act.INSPECT_ORDER: OrderStage.SELF_CHECKED,
    Act.SIGN_OFF: OrderStage.SELF_CHECKED,
    Act.REJECT_WORK: OrderStage.SELF_CHECKED,
    Act.EXTEND_ORDER: OrderStage.ISSUED,
    Act.ADD_TRADE: OrderStage.ISSUED,
    Act.TRANSFER_ORDER: OrderStage.ISSUED,
    Act.CANCEL_ORDER: OrderStage.ISSUED,
}
REASONS = [*[("reason", blank) for blank in BLANKS], ("reason", LONG)]
TEAM = [("team_id", ""), ("team_id", "999999"), ("team_id", "x")]
DRAFT = [
    *TEAM,
    ("defect_ids", ""),
    ("defect_ids", "999999"),
    ("defect_ids", "x"),
    *[("scope", blank) for blank in BLANKS],
    ("scope", LONG),
    ("estimate_fen", ""),
    ("estimate_fen", "0"),
    ("estimate_fen", "-1"),
    ("estimate_fen", "八百"),
    ("estimate_fen", "1.234"),
    ("estimate_fen", "1" * 11),
]
DAYS = [("visit_on", "明天"), ("visit_on", "2026-02-30"), ("visit_on", yesterday().isoformat())]
SOON = f"{clock.local(clock.now()) + timedelta(hours=2):%Y-%m-%dT%H:%M}"
WRONG: dict[Act, list[tuple[str, str]]] = {
    Act.AMEND_ORDER: DRAFT,
    Act.RETURN_ORDER: REASONS,
    Act.ISSUE_ORDER: DAYS,
    Act.PLAN_ORDER: [*TEAM, *DAYS, ("visit_note", "备" * 201)],
    Act.INSPECT_ORDER: [
        ("inspected_for", ""),
        ("inspected_for", "x"),
        ("inspected_for", "engineering"),
        *[("inspection", blank) for blank in BLANKS],
        ("inspection", LONG),
    ],
    Act.SIGN_OFF: [
        *[("customer_name", blank) for blank in BLANKS],
        ("customer_name", "名" * 41),
        ("satisfaction", ""),
        ("satisfaction", "x"),
        ("signature", ""),
        ("signature", "nobody-filed-this"),
        ("opinion", LONG),
    ],
    Act.REJECT_WORK: REASONS,
    Act.EXTEND_ORDER: [
        *REASONS,
        ("due_on", ""),
        ("due_on", "x"),
        ("due_on", clock.today().isoformat()),
        ("due_on", (clock.today() + timedelta(days=80)).isoformat()),
        ("consent_by", ""),
        ("consent_by", "名" * 41),
        ("consent_at", ""),
        ("consent_at", "昨天"),
        ("consent_at", SOON),
        ("consent_way", "x"),
        ("evidence", " "),
    ],
    Act.ADD_TRADE: [
        *REASONS,
        ("trade", ""),
        ("trade", "x"),
        ("trade", "plumbing_electric"),
        ("part", ""),
        ("phenomenon", "x"),
        ("place", "处" * 61),
        ("words", LONG),
    ],
    Act.TRANSFER_ORDER: [*REASONS, ("contractor_id", ""), ("contractor_id", "999999")],
    Act.CANCEL_ORDER: REASONS,
    Act.STRIKE_USE: [*REASONS, ("use_id", ""), ("use_id", "999999"), ("use_id", "x")],
}


@pytest.fixture
def repairs(make) -> Repairs:
    return Repairs(make)


def ready(repairs, act):
    """An order on which `act` can be done, with a signature on file where it is asked for."""
    order = repairs.order(STAGE_OF.get(act, OrderStage.ISSUED))
    if act is Act.STRIKE_USE:
        with transaction():
            noted(order)
    if act is Act.SIGN_OFF:
        with transaction():
            repairs.picture(Slot.SIGNATURE, ticket_id=order.ticket_id, order_id=order.id)
    return order


@pytest.mark.parametrize("act", WRONG, ids=lambda act: act.value)
def test_each_wrong_field_is_refused_in_chinese_and_the_rest_is_kept(make, sign_in, repairs, act):
    order = ready(repairs, act)
    client, address = sign_in("manager"), f"/orders/{order.id}/{PATHS[act]}"
    good = typed(act, order, make) | {"version": order.version}
    before = state_of_the_orders()
    for field, value in WRONG[act]:
        page = refused(client.post(address, data=good | {field: value, "once": token()}), field)
        for name, kept in good.items():
            if (
                name not in (field, "version", "signature")
                and isinstance(kept, str)
                and "-" not in kept
            ):
                assert kept in page, (field, name)
    db.session.rollback()
    assert state_of_the_orders() == before


def test_a_return_without_its_reason_and_a_refusal_without_its_evidence_are_refused(
    make, sign_in, repairs
):
    manager, order = sign_in("manager"), ready(repairs, Act.APPROVE_ORDER)
    data = {"version": order.version, "returns": "1", "reason": " ", "once": token()}
    refused(manager.post(f"/orders/{order.id}/approve", data=data), "reason")
    order = ready(repairs, Act.SIGN_OFF)
    data = {"version": order.version, "customer_name": "王", "refused": "y"}
    for more, field in (
        ({"refusal_evidence": "录音"}, "refusal_reason"),
        ({"refusal_reason": "不肯"}, "refusal_evidence"),
    ):
        answer = manager.post(f"/orders/{order.id}/sign-off", data=data | more | {"once": token()})
        refused(answer, field)
    whole = data | {"refusal_reason": "不肯", "refusal_evidence": "物业在场", "once": token()}
    assert manager.post(f"/orders/{order.id}/sign-off", data=whole).status_code == 302


def test_a_draft_is_written_from_what_waits_and_wrong_fields_are_refused(make, sign_in, repairs):
    ticket = repairs.concluded(LEAK, CRACK._replace(part=LEAK.part))
    ticket_id, office = ticket.id, sign_in("office")
    address = f"/tickets/{ticket_id}/orders/new?class=A"
    panel = office.get(f"/tickets/{ticket_id}").get_data(as_text=True)
    assert f'href="{address}"' in panel
    assert "2 个工种" in panel
    page = office.get(address).get_data(as_text=True)
    for words in ("卫生间", "客厅", "1600", "7个工作日", "2024-03-08 交付", "云栖苑维修队（老马）"):
        assert words in page, words
    items = [one.defect_id for one in queries.to_order(ticket_id)[OrderClass.A]]
    good = {
        "defect_ids": items,
        "team_id": make.world.teams["云栖苑维修队"],
        "scope": "两处一起修",
        "estimate_fen": "1600",
    }
    before = state_of_the_orders()
    for field, value in DRAFT:
        refused(office.post(address, data=good | {field: value, "once": token()}), field)
    for wrong in ("", "?class=B2", "?class=none", "?rework=999"):
        answer = office.get(f"/tickets/{ticket_id}/orders/new{wrong}")
        assert answer.status_code == 404, wrong
    db.session.rollback()
    assert state_of_the_orders() == before
    once = token()
    first = office.post(address, data=good | {"once": once})
    assert first.status_code == 302
    assert office.post(address, data=good | {"once": once}).location == first.location
    db.session.rollback()
    (order,) = queries.of_ticket(ticket_id)
    assert first.location == f"/orders/{order.id}"
    assert (order.estimate_fen, len(order.items)) == (160_000, 2)
    assert sign_in("clerk").get(address).status_code == 403


@pytest.mark.clause("3.5.4")
def test_a_rework_is_drafted_from_the_tickets_page(make, sign_in, repairs):
    order = repairs.order(OrderStage.ACCEPTED)
    ticket = order.ticket
    with transaction():
        call_back(
            ticket,
            version=ticket.version,
            reached=True,
            satisfaction=Satisfaction.DISSATISFIED,
            opinion="下雨又漏",
            actor=make.user("clerk"),
        )
    ticket_id, order_id, number = ticket.id, order.id, order.number
    item, team = order.items[0].defect_id, order.team_id
    office = sign_in("office")
    address = f"/tickets/{ticket_id}/orders/new?rework={order_id}"
    assert f'href="{address}"' in office.get(f"/tickets/{ticket_id}").get_data(as_text=True)
    page = office.get(address).get_data(as_text=True)
    assert number in page
    assert "下雨又漏" in page
    data = {"defect_ids": item, "team_id": team, "scope": "返修", "estimate_fen": "100"}
    answer = office.post(address, data=data | {"once": token()})
    assert answer.status_code == 302
    again = office.get(answer.location).get_data(as_text=True)
    assert "返修链" in again
    assert number in again
    assert office.get(address).status_code == 409


@pytest.mark.parametrize("act", STAGE_OF, ids=lambda act: act.value)
def test_the_second_of_two_people_sees_what_changed_and_can_submit_again(
    make, sign_in, repairs, act
):
    order = ready(repairs, act)
    order_id, seen, data = order.id, order.version, typed(act, order, make)
    client = sign_in("manager")
    assert client.get(f"/orders/{order_id}/{PATHS[act]}").status_code == 200
    with transaction():
        order.visit_note = "先改了"
    version = seen + 1
    with transaction():
        record(
            "order",
            order_id,
            Act.PLAN_ORDER.value,
            actor=make.user("office"),
            at=clock.now(),
            version=version,
            facts={"changed": {"visit_note": ["", "先改了"]}},
        )
    address = f"/orders/{order_id}/{PATHS[act]}"
    answer = client.post(address, data=data | {"version": seen, "once": token()})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert 'id="conflict"' in page
    assert "陈静" in page
    assert "上门备注：— → <b>先改了</b>" in page
    assert f'name="version" type="hidden" value="{version}"' in page
    again = client.post(address, data=data | {"version": version, "once": token()})
    assert again.status_code == 302


def test_nothing_of_another_community_is_seen_counted_exported_or_changed(make, sign_in, repairs):
    order = repairs.order(OrderStage.SELF_CHECKED)
    order_id, version, number, ticket_id = order.id, order.version, order.number, order.ticket_id
    forms = {act: typed(act, order, make) for act in PATHS}
    before = state_of_the_orders()
    for username in ("far_clerk", "seller", "lawyer", "finance"):
        client = sign_in(username)
        assert client.get(f"/orders/{order_id}").status_code == 404, username
        page = client.get("/orders/?all=1").get_data(as_text=True)
        assert number not in page
        assert "全部在办 <b>0</b>" in page
        for act, path in PATHS.items():
            data = forms[act] | {"version": version, "once": token()}
            status = client.post(f"/orders/{order_id}/{path}", data=data).status_code
            assert status in (403, 404), (username, act)
        status = client.post(f"/tickets/{ticket_id}/orders/new?class=A", data={}).status_code
        assert status in (403, 404)
    assert number not in sheet(sign_in("far_clerk").get("/orders/orders.xlsx?all=1"))
    db.session.rollback()
    assert {**state_of_the_orders(), "journal": 0} == {
        **before,
        "journal": 0,
    }


def sheet(answer):
    assert answer.status_code == 200
    with zipfile.ZipFile(io.BytesIO(answer.data)) as book:
        return "".join(
            book.read(name).decode() for name in book.namelist() if name.startswith("xl/")
        )


def test_the_list_counts_filters_and_leaves_the_house_as_a_workbook(make, sign_in, repairs):
    found = {stage: repairs.order(stage) for stage in OrderStage}
    asked = found[OrderStage.ACKNOWLEDGED]
    with transaction():
        changing.ask_extension(
            asked, asked_until=later(), asked_reason="订货", actor=make.user("captain")
        )
        found[OrderStage.ISSUED].due_on = yesterday()
        found[OrderStage.DRAFT].scope = '=HYPERLINK("http://x")'
    numbers = {stage: order.number for stage, order in found.items()}
    piles = {
        "mine": {OrderStage.APPROVING},
        "draft": {OrderStage.DRAFT},
        "approving": {OrderStage.APPROVING},
        "approved": {OrderStage.APPROVED},
        "issued": {OrderStage.ISSUED},
        "repairing": {OrderStage.ACKNOWLEDGED, OrderStage.TRANSFERRED},
        "checking": {OrderStage.SELF_CHECKED},
        "asked": {OrderStage.ACKNOWLEDGED},
        "overdue": {OrderStage.ISSUED},
        "": set(OrderStage) - {OrderStage.ACCEPTED, OrderStage.CANCELLED},
    }
    manager = sign_in("manager")
    for pile, stages in piles.items():
        page = manager.get(f"/orders/?pile={pile}").get_data(as_text=True)
        shown = {stage for stage, number in numbers.items() if f">{number}</a>" in page}
        assert shown == stages, pile
    everything = manager.get("/orders/?all=1").get_data(as_text=True)
    assert all(number in everything for number in numbers.values())
    community, team = make.world.communities, make.world.teams["云栖苑维修队"]
    for query, some in (
        (f"community={community['YX']}&team={team}&class=A", True),
        (f"community={community['HT']}", False),
        ("team=999", False),
        ("class=B", False),
        ("pile=nonsense&community=x&after=20260101.x", True),
    ):
        page = manager.get(f"/orders/?{query}").get_data(as_text=True)
        assert (numbers[OrderStage.DRAFT] in page) is some, query
    office = sign_in("office").get("/orders/").get_data(as_text=True)
    assert "待我审批" not in office
    assert "全部在办 <b>7</b>" in office
    xml = sheet(manager.get("/orders/orders.xlsx?all=1"))
    assert all(number in xml for number in numbers.values())
    assert "<f>" not in xml
    assert "=HYPERLINK" in xml


def test_the_pages_of_the_list_follow_each_other_without_gap_or_twin(make, repairs):
    made = [repairs.order(OrderStage.DRAFT).number for _ in range(4)]
    made.append(repairs.order(OrderStage.ISSUED).number)
    scope = make.scope("manager")
    for wanted in (lists.OrderFilter(), lists.OrderFilter(ended_too=True)):
        seen, after = [], ""
        while True:
            rows, after = lists.page(
                scope, lists.OrderFilter(ended_too=wanted.ended_too, after=after), size=2
            )
            seen += [row.number for row in rows]
            if not after:
                break
        assert sorted(seen) == sorted(made)
        assert len(seen) == 5


def test_the_sheet_has_the_words_of_the_paper_and_the_whole_story(make, sign_in, repairs):
    order = repairs.order(OrderStage.ACCEPTED)
    page = sign_in("office").get(f"/orders/{order.id}").get_data(as_text=True)
    for words in (
        "工程派工单", "序号", "所在小区", "单元号", "客户", "保修内容", "填表时间", "经办人", "签发人",
        "客户维修队（签收）", "信息来源及受理时间", "维修结果", "自检", "完成时间", "客户服务处检查", "客户检查",
        "批准同意（客户服务部经理）", "拟派工单", "签发派工", "阿强", "闭水合格",
    ):  # fmt: skip
        assert words in page, words
    auditor = sign_in("auditor").get(f"/orders/{order.id}").get_data(as_text=True)
    assert "138****1202" in auditor
    assert "13800001202" not in auditor


def test_who_works_on_a_ticket_elsewhere_sees_the_order_of_his_department(make, sign_in, repairs):
    order = repairs.order(OrderStage.ISSUED)
    for username, status in {
        "handler": 200,
        "captain": 302,
        "clerk": 200,
        "reader": 200,
        "auditor": 200,
        "chief": 200,
        "engineer": 200,
        "seller": 404,
        "admin": 403,
    }.items():
        assert sign_in(username).get(f"/orders/{order.id}").status_code == status, username


ADDRESSES = {
    "list": ("manager", "/orders/"),
    "office's list": ("office", "/orders/?pile=checking"),
    "ended too": ("manager", "/orders/?all=1"),
    "workbook": ("manager", "/orders/orders.xlsx"),
    "order": ("manager", "/orders/{order}"),
    "approval": ("deputy_gm", "/orders/{big}/approve"),
    "ticket": ("office", "/tickets/{ticket}"),
    "draft": ("office", "/tickets/{waiting}/orders/new?class=A"),
    "extension": ("office", "/orders/{order}/extend"),
}
COUNTS = {
    "list": 8,
    "office's list": 7,
    "ended too": 8,
    "workbook": 6,
    "order": 16,
    "approval": 13,
    "draft": 8,
    "extension": 10,
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


def test_a_page_costs_the_same_with_few_rows_and_with_many(make, sign_in, repairs):
    order = repairs.order(OrderStage.ISSUED)
    big = repairs.order(
        OrderStage.DRAFT, LEAK, CRACK._replace(part=LEAK.part), estimate_fen=600_000
    )
    waiting = repairs.concluded()
    with transaction():
        approving.submit(big, version=big.version, actor=make.user("office"))
    with transaction():
        approving.approve(big, version=big.version, reason="", actor=make.user("chief"))
    ids = {"order": order.id, "big": big.id, "ticket": order.ticket_id, "waiting": waiting.id}
    few = measure(sign_in, ids)
    for stage in (*OrderStage, *OrderStage):
        repairs.order(stage)
    order = db.session.get_one(WorkOrder, ids["order"])
    for n in range(6):
        with transaction():
            orders.plan(
                order,
                version=order.version,
                team_id=order.team_id,
                visit_on=later(2 + n),
                visit_note=f"第{n}次",
                actor=make.user("office"),
            )
            repairs.picture(Slot.SITE, ticket_id=order.ticket_id, survey_id=order.survey_id)
    assert measure(sign_in, ids) == few
    assert few.pop("ticket") <= 30  # every room that has a panel there adds to it
    assert few == COUNTS
