"""Accounts beside the price list of the contract: what is claimed must be on it, what differs from it is told."""

import io
from datetime import timedelta

import pytest
from openpyxl import load_workbook

from tests.pages.helpers import token
from tests.pages.test_settlement_pages import TERMS, judged, rows
from tests.support.prices import PRICES, Prices
from tests.support.repairs import LEAK
from tests.support.settlements import Settlements
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.kernel.errors import Invalid
from ticketing.masters.contractors import commands as contractors
from ticketing.masters.prices.rows import Price
from ticketing.procedure.repairs import OrderStage, Trade
from ticketing.procedure.settlement import (
    PriceBasis,
    PriceSource,
    SettlementStage,
    Terms,
    deviation,
    in_basis,
)
from ticketing.steps.settlement import drafting, listing, queries, reviewing
from ticketing.steps.settlement.drafting import Priced
from ticketing.steps.settlement.models import Settlement
from ticketing.steps.settlement.reviewing import Added, Audited

S = SettlementStage
WALL = LEAK._replace(trade=Trade.CIVIL, place="外墙")
AGREED, QUOTA = PriceSource.AGREED, PriceSource.QUOTA
LISTED = Priced(AGREED, "防水涂料", "㎡", 3_000, 100_000, quota_code="S-01")
DEAR = LISTED._replace(price_milli=120_000)
UNLISTED = Priced(AGREED, "渣土清运", "车", 1_000, 260_000)
KNOWN = Priced(QUOTA, "人工", "工日", 2_000, 50_000, quota_code="B1-23")


@pytest.fixture
def prices(make) -> Prices:
    return Prices(make)


@pytest.fixture
def accounts(make) -> Settlements:
    return Settlements(make)


def marks(settlement):
    """The words beside each line."""
    settlement = db.session.get_one(Settlement, settlement.id)
    found = listing.beside(settlement, settlement.lines)
    return [[mark.words for mark in found[one.id].marks] for one in settlement.lines]


def submit(settlement, make):
    with transaction():
        return drafting.submit(settlement, version=settlement.version, actor=make.user("captain"))


def terms(s, make):
    return {
        "version": s.version,
        "basis": s.basis,
        "vat_bp": s.vat_bp,
        "management_bp": s.management_bp,
        "actor": make.user("manager"),
    }


@pytest.mark.parametrize(
    ("price", "held", "asked", "vat", "found"),
    [
        (100_000, "exclusive", "exclusive", 900, 100_000),
        (100_000, "exclusive", "inclusive", 900, 109_000),
        (109_000, "inclusive", "exclusive", 900, 100_000),
        (45_335, "exclusive", "inclusive", 300, 46_695),
        (45_335, "inclusive", "exclusive", 300, 44_015),
        (100_000, "inclusive", "exclusive", 0, 100_000),
    ],
)
def test_a_listed_price_is_compared_with_or_without_its_tax(price, held, asked, vat, found):
    assert in_basis(price, PriceBasis(held), PriceBasis(asked), vat) == found


def test_a_deviation_is_a_share_of_the_listed_price():
    assert deviation(112_500, 100_000) == 1_250
    assert deviation(87_500, 100_000) == -1_250
    assert deviation(100_005, 100_000) == 1
    assert deviation(1, 3) == -6_667


@pytest.mark.clause("3.5.5")
def test_without_a_price_list_nothing_is_demanded(accounts, make):
    s = accounts.priced(accounts.begun(), [LISTED, UNLISTED])
    assert s.price_lists == []
    assert listing.beside(s, s.lines) == {}
    assert submit(s, make).stage is S.SUBMITTED


@pytest.mark.clause("3.5.5")
def test_an_account_goes_by_the_list_that_counted_when_its_work_was_ordered(accounts, prices, make):
    first = prices.in_force()
    order = accounts.repairs.order(OrderStage.ACCEPTED, LEAK, estimate_fen=260_000)
    with clock.held(clock.now() + timedelta(minutes=1)):
        dearer = prices.in_force([PRICES[0]._replace(price_milli=150_000, material_milli=110_000)])
        with transaction():
            s = drafting.draft(order, actor=make.user("captain"))
        assert [one.id for one in s.price_lists] == [first.id]
        later = accounts.begun()
        assert [one.id for one in later.price_lists] == [dearer.id]


@pytest.mark.clause("3.5.5")
def test_a_list_agreed_to_after_the_order_never_counts_for_it(accounts, prices, make):
    order = accounts.repairs.order(OrderStage.ACCEPTED, LEAK, estimate_fen=260_000)
    with clock.held(clock.now() + timedelta(minutes=1)):
        prices.in_force()
        with transaction():
            s = drafting.draft(order, actor=make.user("captain"))
    assert s.price_lists == []


def test_the_contract_of_the_trade_is_whose_list_counts(accounts, prices):
    pipes = prices.in_force()
    walls = prices.in_force([Price("抹灰", "㎡", 46_000)], number="YX-TJ-01")
    assert accounts.begun(WALL).price_lists == [walls]
    assert accounts.begun(LEAK, WALL).price_lists == [pipes, walls]


def test_a_class_b_account_goes_by_the_same_prices(accounts, prices):
    listed = prices.in_force()
    assert accounts.of_class_b().price_lists == [listed]


def test_a_contract_entered_later_changes_no_account_under_way(accounts, prices, make):
    listed = prices.in_force()
    s = accounts.priced(accounts.begun(), [DEAR])
    contract = prices.contract()
    with transaction():
        contractors.save_contract(
            None,
            number="YX-SD-02",
            contractor_id=contract.contractor_id,
            community_id=contract.community_id,
            trades=[Trade.PLUMBING_ELECTRIC],
            completed_on=clock.today() - timedelta(days=1),
            liability_months=24,
            retention_fen=0,
            agreement="",
            deemed_confirmation=False,
            actor=None,
        )
    s = accounts.priced(s, [DEAR])
    assert s.price_lists == [listed]
    assert marks(s) == [["偏离价目 +20%"]]


@pytest.mark.clause("3.5.5")
def test_what_claims_an_agreed_price_that_is_on_no_list_is_kept_but_not_handed_in(
    accounts, prices, make
):
    prices.in_force()
    s = accounts.priced(accounts.begun(), [LISTED, UNLISTED, LISTED._replace(unit="千克")])
    assert marks(s) == [[], ["不在价目"], ["不在价目"]]
    with pytest.raises(Invalid) as refusal:
        submit(s, make)
    for words in ("第 2、3 行", "“渣土清运”", "YX-SD-01 第 1 版", "改为定额、信息价或询价"):
        assert words in refusal.value.message
    s = accounts.priced(
        s, [LISTED, UNLISTED._replace(source=PriceSource.ENQUIRY, remark="恒通清运")]
    )
    assert marks(s) == [[], []]
    assert submit(s, make).stage is S.SUBMITTED


@pytest.mark.clause("3.5.5")
def test_a_price_apart_from_the_list_is_told_with_its_percentage(accounts, prices):
    prices.in_force()
    cheap = LISTED._replace(price_milli=87_500)
    s = accounts.priced(accounts.begun(), [LISTED, DEAR, cheap, KNOWN])
    assert marks(s) == [
        [],
        ["偏离价目 +20%"],
        ["偏离价目 -12.5%"],
        ["价目已有", "偏离价目 +10.29%"],
    ]


def test_a_price_that_holds_the_tax_is_compared_with_the_tax_in_the_listed_one(accounts, make):
    prices = Prices(make)
    prices.in_force()
    s = accounts.begun()
    for price, words in ((109_000, []), (100_000, ["偏离价目 -8.26%"])):
        with transaction():
            drafting.amend(
                s,
                version=s.version,
                basis=PriceBasis.INCLUSIVE,
                vat_bp=900,
                management_bp=0,
                lines=[LISTED._replace(price_milli=price)],
                remark="",
                actor=make.user("captain"),
            )
        assert marks(s) == [words]


@pytest.mark.clause("3.5.6")
def test_a_reviewer_who_approves_more_than_the_listed_price_says_why(accounts, prices, make):
    prices.in_force()
    s = accounts.bring(accounts.priced(accounts.begun(), [DEAR, KNOWN]), S.SUBMITTED)
    dear, known = s.lines
    for line in (dear, known):
        wanted = Audited(line.id, line.quantity_milli, line.price_milli)
        with pytest.raises(Invalid, match="审定单价高于价目"), transaction():
            reviewing.audit_lines(s, audited=[wanted], **terms(s, make))
    at_the_list = Audited(dear.id, dear.quantity_milli, 100_000)
    with_reason = Audited(known.id, known.quantity_milli, 50_000, "夜间抢修")
    with transaction():
        reviewing.audit_lines(s, audited=[at_the_list, with_reason], **terms(s, make))
    assert marks(s) == [["申报偏离价目 +20%"], ["价目已有", "偏离价目 +10.29%"]]
    nothing = Audited(dear.id, 0, dear.price_milli)
    with transaction():
        reviewing.audit_lines(s, audited=[nothing], **terms(s, make))


@pytest.mark.clause("3.5.6")
def test_a_line_the_reviewer_adds_as_agreed_is_on_the_list(accounts, prices, make):
    prices.in_force()
    s = accounts.bring(accounts.priced(accounts.begun(), [LISTED]), S.SUBMITTED)
    added = Added(AGREED, "渣土清运", "车", 1_000, 80_000, "漏报")
    with pytest.raises(Invalid, match="第 2 行的价格来源是协议价") as refusal, transaction():
        reviewing.audit_lines(s, audited=[], added=[added], **terms(s, make))
    assert refusal.value.field == "added"
    listed = added._replace(item="给水管维修", unit="处", price_milli=400_000)
    with transaction():
        reviewing.audit_lines(s, audited=[], added=[listed], **terms(s, make))
    assert marks(s) == [[], ["审定偏离价目 -4.76%"]]


def test_what_goes_back_keeps_its_listed_prices(accounts, prices, make):
    prices.in_force()
    s = accounts.bring(accounts.priced(accounts.begun(), [DEAR]), S.SUBMITTED)
    with transaction():
        reviewing.send_back(s, version=s.version, reason="单价", actor=make.user("manager"))
    assert marks(s) == [["偏离价目 +20%"]]
    before = listing.beside(s, queries.lines_of(s, 1))
    assert [one.listed_milli for one in before.values()] == [100_000]


def sent(*lines):
    return TERMS | rows(lines) | {"remark": "含垃圾清运"}


@pytest.mark.clause("3.5.5")
def test_the_grid_tells_the_captain_and_refuses_the_hand_in_with_everything_kept(
    accounts, prices, sign_in
):
    prices.in_force()
    s = accounts.priced(accounts.begun(), [DEAR, KNOWN])
    captain, address = sign_in("captain"), f"/settlements/{s.id}/amend"
    page = captain.get(address).get_data(as_text=True)
    for words in ("YX-SD-01 第 1 版", "偏离价目 +20%", "价目已有", "价目 S-02 45.335 元"):
        assert words in page
    assert f'data-prices="/settlements/{s.id}/prices"' in page
    data = sent(DEAR, UNLISTED) | {"version": s.version, "once": token(), "submits": "1"}
    answer = captain.post(address, data=data)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    for words in (
        "第 2 行的价格来源是协议价",
        "不在价目",
        "偏离价目 +20%",
        'value="渣土清运"',
        "含垃圾清运",
    ):
        assert words in page
    db.session.rollback()
    assert [one.item for one in db.session.get_one(Settlement, s.id).lines] == ["防水涂料", "人工"]
    lone = captain.post(f"/settlements/{s.id}/submit", data={"version": s.version, "once": token()})
    assert lone.status_code == 302, "what is listed is handed in"


def test_prices_are_suggested_to_those_who_write_the_account(accounts, prices, make, sign_in):
    prices.in_force([Price("<b>防水</b>涂料", "㎡", 100_000, 'S"01'), *PRICES[1:]])
    s = accounts.begun()
    address, captain = f"/settlements/{s.id}/prices", sign_in("captain")
    page = captain.get(f"{address}?q=fs").get_data(as_text=True)
    assert page.count('role="option"') == 1
    assert "&lt;b&gt;防水" in page
    assert 'data-price="100000"' in page
    assert captain.get(f"{address}?q=").get_data(as_text=True).strip() == ""
    exact = captain.get(f"{address}?item=人工&unit=工日").get_data(as_text=True)
    assert 'data-price="45335"' in exact
    assert 'role="option"' not in captain.get(f"{address}?item=人工&unit=个").get_data(as_text=True)
    for odd in ("%00", "%25", "长" * 400, "%F4%8F%BF%BF"):
        assert captain.get(f"{address}?q={odd}&code={odd}").status_code == 200
    for username, status in (("office", 403), ("finance", 403), ("auditor", 200)):
        assert sign_in(username).get(f"{address}?q=fs").status_code == status, username
    with transaction():
        team = s.order.team
        assert team is not None
        team.captain_id = make.world.users["engineer"]
    assert captain.get(f"{address}?q=fs").status_code == 404


@pytest.mark.clause("3.5.6")
def test_the_reviewer_sees_the_listed_price_and_is_asked_why_at_the_cell(accounts, prices, sign_in):
    prices.in_force()
    s = accounts.bring(accounts.priced(accounts.begun(), [DEAR, LISTED]), S.SUBMITTED)
    manager, address = sign_in("manager"), f"/settlements/{s.id}/review"
    page = manager.get(address).get_data(as_text=True)
    assert "价目单价</th>" in page
    assert 'data-head="价目单价">100</td>' in page
    assert page.count("偏离价目 +20%") == 1
    data = TERMS | judged(s, ((3_000, 120_000), (3_000, 100_000)))
    data |= {"version": s.version, "once": token(), "finishes": "1", "review": "可"}
    answer = manager.post(address, data=data)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert 'id="audited-0-why-error"' in page
    assert "审定单价高于价目 100 元，请写明原因。" in page
    assert 'id="audited-1-why-error"' not in page
    data |= {"audited-0-why": "夜间抢修", "once": token()}
    assert manager.post(address, data=data).status_code == 302
    for username in ("auditor", "captain", "chief", "finance"):
        page = sign_in(username).get(f"/settlements/{s.id}").get_data(as_text=True)
        assert "偏离价目 +20%" in page, username
        assert "夜间抢修" in page


def test_the_printed_paper_and_the_workbook_bear_the_remark(accounts, prices, sign_in):
    prices.in_force()
    s = accounts.bring(accounts.priced(accounts.begun(), [DEAR, KNOWN]), S.SUBMITTED)
    page = sign_in("manager").get(f"/settlements/{s.id}/print").get_data(as_text=True)
    assert "价目 100，+20%" in page
    assert "价目 45.335，+10.29%" in page
    answer = sign_in("manager").get(f"/settlements/{s.id}/account.xlsx")
    sheet = load_workbook(io.BytesIO(answer.data)).worksheets[0]
    assert sheet["I6"].value == "价目 100，+20%"


def test_a_wrong_rate_leaves_the_marks_by_the_accounts_own(accounts, prices, sign_in):
    prices.in_force()
    s = accounts.priced(accounts.begun(), [DEAR])
    data = sent(DEAR) | {"version": s.version, "once": token(), "vat_bp": "901", "basis": "x"}
    answer = sign_in("captain").post(f"/settlements/{s.id}/amend", data=data)
    assert answer.status_code == 422
    assert "偏离价目 +20%" in answer.get_data(as_text=True)
    assert listing.compare(None, AGREED, 0, Terms(PriceBasis.EXCLUSIVE, 900, 0)).words == "不在价目"
