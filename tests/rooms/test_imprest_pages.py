"""The pages of the working funds: who reads and does what, what is refused in words, the workbook (procedure 3.6)."""

import io

import pytest
from openpyxl import load_workbook

from tests.pages.helpers import recorded, token
from tests.rooms.test_settlement_paying import paid
from tests.support.funds import Funds
from tests.support.settlements import Settlements
from ticketing.books.imprest import queries
from ticketing.edges.jobs.schedule import BY_NAME
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.procedure.settlement import SettlementStage


@pytest.fixture
def funds(make) -> Funds:
    return Funds(make)


SLIP = {
    "what": "快递费",
    "payee": "顺丰",
    "amount_fen": "20.50",
    "way": "cash",
    "community_id": "",
}


def slip(**more):
    return {"on": clock.today().isoformat(), **SLIP, "once": token(), **more}


def page(answer):
    return answer.get_data(as_text=True)


def test_who_reads_the_funds_finds_them_and_nobody_else_does(make, funds, sign_in):
    service, crew = funds.advanced().id, funds.advanced(crew=True).id
    for name in ("manager", "finance", "cashier", "auditor", "gm"):
        client = sign_in(name)
        told = page(client.get("/imprest/"))
        assert "客户服务部" in told, name
        assert "云栖苑维修队" in told, name
        assert client.get(f"/imprest/{service}").status_code == 200
    captain = sign_in("captain")
    told = page(captain.get("/imprest/"))
    assert "云栖苑维修队" in told
    assert "20,000.00" not in told
    assert captain.get(f"/imprest/{crew}").status_code == 200
    for address in (f"/imprest/{service}", f"/imprest/{service}/spend", "/imprest/9999"):
        assert captain.get(address).status_code == 404
    assert captain.post(f"/imprest/{service}/ask").status_code == 404
    for name in ("clerk", "office", "handler", "engineer", "admin", "reader"):
        assert sign_in(name).get("/imprest/").status_code == 403, name
    assert sign_in("auditor").get(f"/imprest/{service}/spend").status_code == 403
    assert sign_in("manager").get(f"/imprest/{crew}/spend").status_code == 403


def test_from_opening_to_the_replenishment_by_pages(make, funds, sign_in):
    finance, manager, cashier = sign_in("finance"), sign_in("manager"), sign_in("cashier")
    keeper = {"team_id": "", "keeper_id": make.world.users["manager"]}
    opened = finance.post("/imprest/open", data={**keeper, "once": token()})
    assert opened.status_code == 302
    address = opened.location
    again = finance.post("/imprest/open", data={**keeper, "once": token()})
    assert again.status_code == 409
    assert "已经设立了这笔周转金" in page(again)
    assert "尚未申请拨付 20,000.00" in page(manager.get(address))

    def advance(data):
        assert manager.post(f"{address}/ask", data={**data, "once": token()}).status_code == 302
        fund = queries.fund_for(make.scope("manager"), int(address.rpartition("/")[2]))
        request = queries.standing(fund).asked
        assert request.source in page(finance.get("/finance/payments/waiting"))
        made = finance.post(
            "/finance/payments/prepare",
            data={
                "purpose": request.purpose.value,
                "source": request.source,
                "once": token(),
            },
        )
        released = cashier.post(
            f"{made.location}/release",
            data={
                "version": 1,
                "paid_on": clock.today().isoformat(),
                "bank_reference": "BK-9",
                "once": token(),
            },
        )
        assert released.status_code == 302, page(released)

    advance({"note": ""})
    written = manager.post(f"{address}/spend", data=slip())
    assert written.status_code == 302, page(written)
    told = page(manager.get(address))
    assert "现金 19,979.50 ＋ 单据 20.50 ＋ 在途 0.00 ＝ <b>20,000.00</b>，与限额一致" in told
    (one,) = queries.open_slips(int(address.rpartition("/")[2]))
    advance({"slip_ids": one.id, "note": "十一月"})
    told = page(finance.get(address))
    assert "已补足" in told
    assert "与限额一致" in told
    funds.sound()


def test_what_is_refused_says_why_at_its_field_and_keeps_what_was_typed(make, funds, sign_in):
    fund = funds.advanced()
    manager, address = sign_in("manager"), f"/imprest/{fund.id}/spend"
    for changed, said in (
        ({"amount_fen": "1,000.01"}, "单笔现金不超过 1,000 元"),
        ({"amount_fen": "20,000.01", "way": "transfer"}, "余额只有 20,000.00 元"),
        ({"amount_fen": ""}, "请填写金额。"),
        ({"amount_fen": "二十"}, "请填写金额，单位元"),
        ({"what": ""}, "请填写用途。"),
        ({"on": "2030-01-01"}, "日期不能晚于今天。"),
        ({"way": "wechat"}, "选项无效"),
        ({"community_id": "9999"}, "选项无效"),
    ):
        answer = manager.post(address, data=slip(**{"payee": "顺丰速运站", **changed}))
        assert answer.status_code == 422, changed
        assert said in page(answer), changed
        assert "顺丰速运站" in page(answer)
    answer = manager.post(
        f"/imprest/{fund.id}/count",
        data={
            "counted_fen": "19999.90",
            "witness_id": make.world.users["finance"],
            "explanation": "",
            "once": token(),
        },
    )
    assert answer.status_code == 422
    assert "账面 20,000.00 元，短款 0.10 元，请说明原因。" in page(answer)
    assert 'value="19999.90"' in page(answer)
    blank = manager.post(f"/imprest/{fund.id}/count", data={"once": token()})
    assert "请填写实点金额。" in page(blank)
    assert funds.sums(fund) == (2_000_000, 0, 0)


def test_a_double_click_writes_one_slip(funds, sign_in):
    fund = funds.advanced()
    manager, data = sign_in("manager"), slip()
    for _ in range(2):
        assert manager.post(f"/imprest/{fund.id}/spend", data=data).status_code == 302
    assert len(queries.slips(fund.id)) == 1


def test_finance_clears_a_crews_slips_and_notes_what_came_back(make, funds, sign_in):
    settlements = Settlements(make)
    fund = funds.advanced(crew=True)
    s = settlements.bring(settlements.of_class_b(), SettlementStage.CERTIFIED)
    order_id, number = s.order_id, s.order.number
    captain, finance = sign_in("captain"), sign_in("finance")
    assert number in page(captain.get(f"/imprest/{fund.id}/spend"))
    data = slip(order_id=order_id)
    assert captain.post(f"/imprest/{fund.id}/spend", data=data).status_code == 302
    (one,) = queries.open_slips(fund.id)
    cleared = {"slip_ids": one.id, "once": token()}
    assert "确认维修款清回" not in page(finance.get(f"/imprest/{fund.id}"))
    paid(settlements, s)
    assert "确认维修款清回" in page(finance.get(f"/imprest/{fund.id}"))
    assert "确认维修款清回" not in page(captain.get(f"/imprest/{fund.id}"))
    assert captain.post(f"/imprest/{fund.id}/clear", data=cleared).status_code == 403
    assert finance.post(f"/imprest/{fund.id}/clear", data=cleared).status_code == 302
    assert funds.sums(fund) == (10_000_000, 0, 0)
    back = {
        "amount_fen": "100000",
        "returned_on": clock.today().isoformat(),
        "bank_reference": "JK-7",
        "once": token(),
    }
    assert finance.post(f"/imprest/{fund.id}/give-back", data=back).status_code == 302
    assert "JK-7" in page(finance.get(f"/imprest/{fund.id}"))
    closed = finance.post(f"/imprest/{fund.id}/close", data={"version": 1, "once": token()})
    assert closed.status_code == 302
    assert "撤销</span>" in page(finance.get(f"/imprest/{fund.id}"))
    funds.sound()


def test_a_request_is_withdrawn_on_its_own_fund_only_and_the_keeper_changes(make, funds, sign_in):
    service, crew = funds.opened(), funds.opened(crew=True)
    request = funds.asked(service)
    data = {"version": request.version, "reason": "改日再报"}
    request_id, finance = request.id, sign_in("finance")
    wrong = f"/imprest/{crew.id}/requests/{request_id}/withdraw"
    assert finance.post(wrong, data={**data, "once": token()}).status_code == 404
    right = f"/imprest/{service.id}/requests/{request_id}/withdraw"
    assert finance.post(right, data={**data, "reason": "", "once": token()}).status_code == 422
    assert finance.post(right, data={**data, "once": token()}).status_code == 302
    assert "改日再报" in page(finance.get(f"/imprest/{service.id}"))
    same = {"version": service.version, "keeper_id": make.world.users["manager"]}
    refused = finance.post(f"/imprest/{service.id}/keeper", data={**same, "once": token()})
    assert refused.status_code == 422
    assert "选项无效" in page(refused)


def test_the_workbook_has_everything_as_text_and_numbers(funds, sign_in):
    fund = funds.advanced()
    funds.spent(fund, 12_345, what="=1+1")
    funds.counted(fund, 1_987_654, "少一分")
    answer = sign_in("auditor").get(f"/imprest/{fund.id}/fund.xlsx")
    assert answer.status_code == 200
    book = load_workbook(io.BytesIO(answer.data))
    assert book.sheetnames == ["概况", "单据", "申请", "盘点", "现金账"]
    (_, row) = book["单据"].iter_rows(values_only=True)
    assert row[1:4] == ("=1+1", "顺丰", 123.45)
    assert book["单据"]["B2"].data_type == "s"
    assert [line[6] for line in book["现金账"].iter_rows(min_row=2, values_only=True)] == [
        20_000,
        19_876.55,
        19_876.54,
    ]
    assert [line[3] for line in book["盘点"].iter_rows(min_row=2, values_only=True)] == [-0.01]


def test_the_list_asks_the_same_number_of_times_for_any_number_of_funds(make, funds, sign_in):
    client, counted = sign_in("finance"), []
    for crew in (False, True):
        fund = funds.advanced(crew=crew)
        if not crew:
            funds.spent(fund, 500)
        db.session.rollback()
        with recorded(db.engine) as recorder:
            assert client.get("/imprest/").status_code == 200
        counted.append(len(recorder.statements))
    assert counted[0] == counted[1]


def test_the_morning_job_says_what_it_told(funds):
    job = BY_NAME["funds"]
    assert job.work(clock.now()) == "周转金没有待办"
    funds.opened()
    assert job.work(clock.now()) == "周转金待办 1 项"


def test_a_fault_of_the_funds_is_told_by_the_console(app, funds):
    fund = funds.advanced()
    slip_row = funds.spent(fund, 700)
    runner = app.test_cli_runner()
    db.session.rollback()
    assert runner.invoke(args=["ledger", "verify"]).exit_code == 0
    slip_row.struck_at = clock.now()
    db.session.commit()
    told = runner.invoke(args=["ledger", "verify"])
    assert told.exit_code == 1
    assert "周转金 客户服务部：现金应为 20,000.00、单据 0.00" in told.output
