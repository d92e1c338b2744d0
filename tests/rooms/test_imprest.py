"""Working funds: advanced, spent from within their limits, counted, filled again to the fen, struck by reversal (procedure 3.6)."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from tests.rooms.test_order_approval import second_account
from tests.rooms.test_parameters import confirmed
from tests.support.funds import Funds
from tests.support.repairs import Repairs
from tests.support.world import USERS
from ticketing.books.imprest import alerts, commands, funding, queries
from ticketing.books.imprest.models import ImprestFund, ImprestSlip
from ticketing.books.ledger import accounts
from ticketing.books.ledger import queries as ledger
from ticketing.books.ledger.commands import balance
from ticketing.casefile.notices.models import Notice
from ticketing.journal import queries as journal
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.kernel.errors import Conflict, DomainError, Invalid, NotFound, NotPermitted
from ticketing.masters.estate.models import Community
from ticketing.procedure.accounts import EntryKind, PaymentState, Purpose
from ticketing.procedure.imprest import Flag, RequestState, SlipState, SpendingWay
from ticketing.procedure.parameters import STANDARD
from ticketing.procedure.repairs import OrderStage
from ticketing.procedure.vocabulary import Role


@pytest.fixture
def funds(make) -> Funds:
    return Funds(make)


def flags(one):
    return [raised.flag for raised in one.flags]


def booked(source, kind):
    (entry,) = ledger.entries(ledger.Wanted(source=source, kind=kind))[0]
    return {line.account.key: line.amount_fen for line in ledger.entry(entry.id).lines}


@pytest.mark.clause("3.6")
def test_a_fund_is_opened_by_finance_asked_for_by_its_keeper_and_paid_by_two(make, funds):
    fund = funds.opened()
    one = funds.now(fund)
    assert (one.ceiling_fen, one.float_fen, one.missing_fen) == (2_000_000, 0, 2_000_000)
    assert [reason.why for reason in one.reasons] == ["尚未申请拨付"]
    with pytest.raises(Invalid, match="还没有拨付"):
        funds.spent(fund, 100)
    request = funds.asked(fund)
    assert (request.purpose, request.amount_fen) == (Purpose.IMPREST_ADVANCE, 2_000_000)
    assert funds.sums(fund) == (0, 0, 2_000_000)
    assert funds.now(fund).missing_fen == 0
    payment = funds.prepared(request)
    assert (payment.payee, payment.amount_fen) == ("赵敏", 2_000_000)
    funds.released(payment)
    assert funds.sums(fund) == (2_000_000, 0, 0)
    assert request.state is RequestState.PAID
    assert booked(request.source, EntryKind.IMPREST_ADVANCE) == {
        f"imprest_cash:{fund.id}": 2_000_000,
        "bank": -2_000_000,
    }
    acts = [line.entry.act for line in journal.story("imprest", fund.id)]
    assert acts == ["keep_fund", "ask_imprest", "release_payment"]
    funds.sound()


def test_only_finance_opens_a_fund_and_only_one_who_may_spend_keeps_it(make, funds):
    for role in Role:
        if role is not Role.FINANCE:
            who = second_account(make, f"one_{role.value}", "某人", [role])
            with pytest.raises(NotPermitted), transaction():
                commands.open_fund(team_id=None, keeper_id=who.id, actor=who)
    for name in ("clerk", "captain", "finance"):
        keeper = make.world.users[name]
        with pytest.raises(Invalid, match="保管人须是"), transaction():
            commands.open_fund(team_id=None, keeper_id=keeper, actor=make.user("finance"))
    keeper = make.world.users["captain"]
    with pytest.raises(Invalid, match="维修队"), transaction():
        commands.open_fund(team_id=9_999, keeper_id=keeper, actor=make.user("finance"))
    funds.opened()
    funds.opened(crew=True)
    for crew in (False, True):
        with pytest.raises(Conflict, match="已经设立"):
            funds.opened(crew=crew)


def test_spending_is_booked_against_slips_and_the_float_does_not_move(funds):
    fund = funds.advanced()
    slip = funds.spent(fund, 12_345, community_id=funds.make.world.communities["YX"])
    assert funds.sums(fund) == (1_987_655, 12_345, 0)
    assert funds.now(fund).missing_fen == 0
    assert booked(slip.source, EntryKind.IMPREST_SPENDING) == {
        f"imprest_slips:{fund.id}": 12_345,
        f"imprest_cash:{fund.id}": -12_345,
    }
    assert slip.state is SlipState.OPEN
    funds.sound()


@pytest.mark.parametrize(
    ("fen", "way", "allowed"),
    [
        (99_999, SpendingWay.CASH, True),
        (100_000, SpendingWay.CASH, True),
        (100_001, SpendingWay.CASH, False),
        (100_001, SpendingWay.TRANSFER, True),
    ],
)
def test_a_single_item_above_the_limit_is_no_cash_item(funds, fen, way, allowed):
    fund = funds.advanced()
    if allowed:
        assert funds.spent(fund, fen, way=way).amount_fen == fen
    else:
        with pytest.raises(Invalid, match="应转账") as refused:
            funds.spent(fund, fen, way=way)
        assert refused.value.field == "way"


def test_the_limit_of_a_cash_item_is_that_of_the_day_of_the_slip(make, funds):
    yesterday = clock.now() - timedelta(days=1)
    with clock.held(yesterday):
        fund = funds.advanced()
    confirmed(make, STANDARD._replace(cash_item_fen=50_000))
    funds.spent(fund, 100_000, way=SpendingWay.CASH, on=clock.local(yesterday).date())
    with pytest.raises(Invalid, match="应转账"):
        funds.spent(fund, 50_001, way=SpendingWay.CASH)


@pytest.mark.clause("3.6")
def test_from_the_stopping_share_on_only_urgent_repairs_are_paid(funds):
    fund = funds.advanced()
    funds.spent(fund, 1_899_999)
    assert not funds.now(fund).stopped
    funds.spent(fund, 1)
    assert funds.now(fund).stopped
    with pytest.raises(Invalid, match="除抢修外停止支出") as refused:
        funds.spent(fund, 1)
    assert refused.value.field == "urgent"
    funds.spent(fund, 1, urgent=True)
    with pytest.raises(Invalid, match=r"余额只有 999\.99 元"):
        funds.spent(fund, 100_000, urgent=True)
    funds.spent(fund, 99_999, urgent=True)
    assert funds.sums(fund) == (0, 2_000_000, 0)
    funds.sound()


def test_the_database_refuses_to_spend_what_is_not_there(funds):
    fund = funds.advanced()
    cash = accounts.imprest_cash(fund.id, fund.name).id
    slips = accounts.imprest_slips(fund.id, fund.name).id
    number = queries.last_entry() + 1
    line = "INSERT INTO ledger_line (entry_id, account_id, amount_fen) VALUES (:n, :account, :fen)"
    db.session.execute(text(line), {"n": number, "account": slips, "fen": 2_000_001})
    with pytest.raises(DBAPIError):
        db.session.execute(text(line), {"n": number, "account": cash, "fen": -2_000_001})
    db.session.rollback()
    assert funds.sums(fund) == (2_000_000, 0, 0)


def test_what_a_slip_must_say(make, funds):
    fund = funds.advanced()
    for changed, said in (
        ({"what": " "}, "用途"),
        ({"payee": ""}, "收款人"),
        ({"amount_fen": 0}, "金额"),
        ({"on": clock.today() + timedelta(days=1)}, "不能晚于今天"),
        ({"on": clock.today() - timedelta(days=1)}, "不能早于首次拨付"),
        ({"community_id": 9_999}, "小区"),
        ({"order_id": 1}, "不挂派工单"),
    ):
        with pytest.raises(Invalid, match=said):
            funds.spent(fund, **{"fen": changed.pop("amount_fen", 100), **changed})
    assert db.session.scalar(select(func.count(ImprestSlip.id))) == 0


def test_only_keeper_captain_and_the_manager_of_the_department_spend_and_count(make, funds):
    service, crew = funds.advanced(), funds.advanced(crew=True)
    second_account(make, "manager2", "副经理", [Role.CS_MANAGER])
    second_account(make, "captain2", "另一队长", [Role.CAPTAIN])
    funds.spent(service, 100, by="manager2")
    everyone = {*(name for name, *_ in USERS), "manager2", "captain2"}
    for fund, own in ((service, {"manager", "manager2"}), (crew, {"captain"})):
        for name in everyone - own:
            with pytest.raises(NotPermitted):
                funds.spent(fund, 100, by=name)
            with pytest.raises(NotPermitted):
                funds.counted(fund, 0, by=name, witness="gm")
    for name in everyone - {"manager", "manager2", "finance"}:
        with pytest.raises(NotPermitted):
            funds.asked(service, by=name)
    for name in everyone - {"finance"}:
        with pytest.raises(NotPermitted):
            funds.cleared(crew, by=name)
        with pytest.raises(NotPermitted):
            funds.returned(crew, 1, actor=make.user(name))


def test_a_captain_sees_his_own_fund_and_finance_all_of_them(make, funds):
    service, crew = funds.opened(), funds.opened(crew=True)
    second_account(make, "captain2", "另一队长", [Role.CAPTAIN])
    seen = {
        name: [fund.id for fund in queries.funds(make.scope(name))]
        for name in ("captain", "captain2", "manager", "finance", "cashier", "auditor", "gm")
    }
    assert seen.pop("captain") == [crew.id]
    assert seen.pop("captain2") == []
    assert all(ids == [service.id, crew.id] for ids in seen.values())
    with pytest.raises(NotFound):
        queries.fund_for(make.scope("captain"), service.id)


# --- filled again ---------------------------------------------------------------------------------------------------


@pytest.mark.clause("3.6")
def test_slips_handed_in_are_given_back_to_the_fen_and_charged_by_community(make, funds):
    fund = funds.advanced()
    communities = make.world.communities
    slips = [
        funds.spent(fund, 33_333, community_id=communities["YX"]),
        funds.spent(fund, 1_067, community_id=communities["YX"]),
        funds.spent(fund, 20_001, community_id=communities["HT"]),
        funds.spent(fund, 599),
    ]
    kept = funds.spent(fund, 70_000)
    request = funds.asked(fund, *slips, note="十一月")
    assert (request.purpose, request.amount_fen) == (Purpose.IMPREST_REPLENISHMENT, 55_000)
    assert funds.sums(fund) == (1_875_000, 70_000, 55_000)
    assert {slip.state for slip in slips} == {SlipState.HANDED_IN}
    with pytest.raises(Conflict, match="已有一笔申请在途"):
        funds.asked(fund, kept)
    late = funds.spent(fund, 1_000)
    funds.paid(request)
    assert funds.sums(fund) == (1_929_000, 71_000, 0)
    assert funds.now(fund).missing_fen == 0
    assert booked(request.source, EntryKind.IMPREST_REPLENISHMENT) == {
        f"imprest_cash:{fund.id}": 55_000,
        f"imprest_expense:{communities['YX']}": 34_400,
        f"imprest_expense:{communities['HT']}": 20_001,
        "imprest_expense": 599,
        "bank": -55_000,
        f"imprest_slips:{fund.id}": -55_000,
    }
    assert [slip.state for slip in (*slips, kept, late)] == [SlipState.SETTLED] * 4 + [
        SlipState.OPEN
    ] * 2
    funds.sound()


def test_who_asked_keeps_or_wrote_the_slips_makes_no_payment_of_it(make, funds):
    fund = funds.advanced()
    slip = funds.spent(fund, 1_000)
    request = funds.asked(fund, slip, by="finance")
    with pytest.raises(NotPermitted, match="参与过"):
        funds.prepared(request)
    second_account(make, "finance2", "会计二", [Role.FINANCE])
    payment = funds.prepared(request, by="finance2")
    second_account(make, "keeper2", "赵敏", [Role.CASHIER], "E1")
    with transaction():
        make.user("manager").employee_number = "E1"
    with pytest.raises(NotPermitted, match="参与过"):
        funds.released(payment, by="keeper2")
    funds.released(payment)
    funds.sound()


def test_there_is_nothing_to_ask_for_at_the_ceiling(make, funds):
    fund, crew = funds.advanced(), funds.advanced(crew=True)
    with pytest.raises(Conflict, match="选择要报销的单据"):
        funds.asked(fund)
    with pytest.raises(Conflict, match="结算拨付后清回"):
        funds.asked(crew)
    slip = funds.spent(fund, 500)
    with pytest.raises(Invalid, match="不随申请报销"):
        funds.asked(crew, slip)
    funds.asked(fund, slip)
    with pytest.raises(NotFound), transaction():
        queries.named_slips(fund.id, [slip.id])


def test_a_request_taken_back_leaves_its_slips_with_the_fund(make, funds):
    fund = funds.advanced()
    slip = funds.spent(fund, 500)
    request = funds.asked(fund, slip)
    seen = request.version

    def taken_back(by="manager", version=None, reason="单据不全"):
        with transaction():
            funding.withdraw(
                request, version=version or request.version, reason=reason, actor=make.user(by)
            )

    with pytest.raises(Invalid, match="原因"):
        taken_back(reason=" ")
    with pytest.raises(NotPermitted):
        taken_back("captain")
    payment = funds.prepared(request)
    with pytest.raises(Conflict, match="作废付款单"):
        taken_back()
    from ticketing.books.payments import commands as payments

    with transaction():
        payments.void(payment, version=payment.version, reason="撤回", actor=make.user("finance"))
    taken_back()
    assert (slip.state, funds.sums(fund)) == (SlipState.OPEN, (1_999_500, 500, 0))
    with pytest.raises(Conflict):
        taken_back(version=seen)
    with pytest.raises(Conflict, match="已撤回"):
        funds.prepared(request)
    funds.paid(funds.asked(fund, slip))
    funds.sound()


def test_a_raised_ceiling_is_asked_for_and_a_lowered_one_handed_back(make, funds):
    fund = funds.advanced()
    confirmed(make, STANDARD._replace(imprest_cs_fen=2_500_000))
    one = funds.now(fund)
    assert [(reason.why, reason.fen) for reason in one.reasons] == [
        ("限额由 20,000.00 改为 25,000.00", 500_000)
    ]
    assert Flag.DIFFERS in flags(one)
    slip = funds.spent(fund, 1_000)
    request = funds.asked(fund, slip)
    assert request.amount_fen == 501_000
    funds.paid(request)
    assert funds.sums(fund) == (2_500_000, 0, 0)
    confirmed(make, STANDARD)
    assert funds.now(fund).missing_fen == -500_000
    with pytest.raises(Conflict, match="应先交回现金"):
        funds.asked(fund)
    funds.returned(fund, 500_000)
    assert funds.now(fund).missing_fen == 0
    assert funds.now(fund).reasons == []
    funds.sound()


def test_a_payment_that_is_reversed_is_under_way_again(make, funds):
    fund = funds.advanced()
    slip = funds.spent(fund, 500)
    request = funds.asked(fund, slip)
    funds.paid(request)
    funds.reversed(request.source, EntryKind.IMPREST_REPLENISHMENT)
    assert (request.state, slip.state) == (RequestState.ASKED, SlipState.HANDED_IN)
    assert funds.sums(fund) == (1_999_500, 0, 500)
    assert funds.now(fund).missing_fen == 0
    funds.sound()
    payment = funds.paid(request)
    assert payment.state is PaymentState.RELEASED
    other = funds.spent(fund, 700)
    funds.asked(fund, other)
    with pytest.raises(Conflict, match="另有申请在途"):
        funds.reversed(request.source, EntryKind.IMPREST_REPLENISHMENT)
    db.session.rollback()
    funds.sound()


# --- struck, counted, handed back -----------------------------------------------------------------------------------


def test_a_wrong_slip_is_struck_by_a_reversal_and_stays_to_be_seen(make, funds):
    fund = funds.advanced()
    slip, handed_in = funds.spent(fund, 500), funds.spent(fund, 900)
    funds.asked(fund, handed_in)
    with pytest.raises(Conflict, match="已随申请报销"):
        funds.reversed(handed_in.source, EntryKind.IMPREST_SPENDING)
    db.session.rollback()
    funds.reversed(slip.source, EntryKind.IMPREST_SPENDING)
    assert slip.state is SlipState.STRUCK
    assert [one.id for one in queries.slips(fund.id)] == [handed_in.id, slip.id]
    assert funds.sums(fund) == (1_999_100, 0, 900)
    with pytest.raises(NotFound), transaction():
        queries.named_slips(fund.id, [slip.id])
    funds.sound()


@pytest.mark.parametrize(("counted", "difference"), [(1_989_999, -10_001), (2_000_100, 100)])
def test_a_difference_is_explained_and_booked_the_same_day(make, funds, counted, difference):
    fund = funds.advanced()
    with pytest.raises(Invalid, match="请说明原因") as refused:
        funds.counted(fund, counted)
    assert refused.value.field == "explanation"
    row = funds.counted(fund, counted, "找零有误")
    assert (row.book_fen, row.difference_fen, row.on) == (2_000_000, difference, clock.today())
    assert booked(row.source, EntryKind.IMPREST_COUNT) == {
        f"imprest_cash:{fund.id}": difference,
        "imprest_expense": -difference,
    }
    one = funds.now(fund)
    assert one.missing_fen == -difference
    assert [reason.why for reason in one.reasons] == ["盘点短款" if difference < 0 else "盘点长款"]
    funds.reversed(row.source, EntryKind.IMPREST_COUNT)
    assert funds.now(fund).missing_fen == 0
    assert funds.now(fund).counted_on is None
    funds.sound()


def test_a_shortage_is_made_good_with_the_next_request(funds):
    fund = funds.advanced()
    slip = funds.spent(fund, 5_000)
    funds.counted(fund, 1_994_900, "少一张百元钞票")
    request = funds.asked(fund, slip)
    assert request.amount_fen == 5_100 + 5_000 - 5_000
    funds.paid(request)
    assert funds.sums(fund) == (2_000_000, 0, 0)
    funds.sound()


def test_a_count_has_a_witness_who_is_somebody_else_and_books_nothing_when_it_agrees(make, funds):
    fund = funds.advanced()
    before = queries.last_entry()
    with pytest.raises(Invalid, match="另一人"):
        funds.counted(fund, 2_000_000, witness="manager")
    second_account(make, "twin", "赵敏", [Role.READER], "E9")
    with transaction():
        make.user("manager").employee_number = "E9"
    with pytest.raises(Invalid, match="另一人"):
        funds.counted(fund, 2_000_000, witness="twin")
    funds.counted(fund, 2_000_000)
    assert queries.last_entry() == before
    assert funds.now(fund).counted_on == clock.today()


@pytest.mark.clause("3.6")
@pytest.mark.parametrize("short", [0, 12_345])
def test_the_witness_hears_of_a_count_and_finance_and_audit_of_a_difference(make, funds, short):
    fund = funds.advanced()
    before = db.session.scalars(select(Notice.id)).all()
    with transaction():
        commands.count_cash(
            fund,
            counted_fen=2_000_000 - short,
            witness_id=make.world.users["office"],
            explanation="找零有误" if short else "",
            actor=make.user("manager"),
        )
    told = {
        make.user(name).id: words
        for name, words in (
            ("office", "赵敏登记由您监盘客户服务部"),
            *((("finance", "盘点不符"), ("auditor", "盘点不符")) if short else ()),
        )
    }
    found = dict(
        db.session.execute(
            select(Notice.user_id, Notice.title).where(Notice.id.not_in(before))
        ).all()
    )
    assert {one: words in found[one] for one, words in told.items()} == dict.fromkeys(told, True)
    assert found.keys() == told.keys()


@pytest.mark.clause("3.6")
def test_the_cash_is_handed_back_at_the_end_of_the_year(make, funds):
    with clock.held(clock.at(clock.today().replace(month=6, day=1), 10)):
        fund = funds.advanced()
    december = clock.at(clock.today().replace(month=12, day=20), 10)
    with clock.held(december):
        funds.counted(fund, 2_000_000)
        assert flags(funds.now(fund)) == [Flag.YEAR_END]
        with pytest.raises(Invalid, match="只有"):
            funds.returned(fund, 2_000_001)
        row = funds.returned(fund, 2_000_000)
        assert booked(row.source, EntryKind.IMPREST_CLEARING) == {
            "bank": 2_000_000,
            f"imprest_cash:{fund.id}": -2_000_000,
        }
        one = funds.now(fund)
        assert [reason.why for reason in one.reasons] == ["交回现金"]
        assert Flag.YEAR_END not in flags(one)
        request = funds.asked(fund)
        assert request.purpose is Purpose.IMPREST_ADVANCE
    with clock.held(december + timedelta(days=20)):
        funds.paid(request)
        assert flags(funds.now(fund)) == []
    funds.sound()


def test_the_keeper_notes_no_return_of_his_own(make, funds):
    fund = funds.advanced()
    second_account(make, "both", "两岗", [Role.CS_MANAGER, Role.FINANCE])
    funds.counted(fund, 2_000_000)
    with transaction():
        commands.change_keeper(
            fund,
            version=fund.version,
            keeper_id=make.world.users["both"],
            actor=make.user("finance"),
        )
    with pytest.raises(NotPermitted, match="保管人"):
        funds.returned(fund, 1, actor=make.user("both"))


def test_a_fund_changes_hands_after_a_count_and_is_closed_when_empty(make, funds):
    fund = funds.advanced()
    second_account(make, "manager2", "副经理", [Role.CS_MANAGER])

    def handed_over(to="manager2", version=None):
        with transaction():
            commands.change_keeper(
                fund,
                version=version or fund.version,
                keeper_id=make.world.users[to],
                actor=make.user("finance"),
            )

    with pytest.raises(Conflict, match="先盘点"):
        handed_over()
    funds.counted(fund, 2_000_000)
    handed_over()
    assert fund.keeper.name == "副经理"
    with pytest.raises(Conflict, match="已被他人办理"):
        handed_over("manager", version=1)
    with pytest.raises(Invalid, match="没有变化"):
        handed_over()

    def closed():
        with transaction():
            commands.close_fund(fund, version=fund.version, actor=make.user("finance"))

    with pytest.raises(Conflict, match="不能撤销"):
        closed()
    funds.returned(fund, 2_000_000)
    closed()
    with pytest.raises(Conflict, match="已经撤销"):
        funds.spent(fund, 1)
    assert queries.funds(make.scope("finance")) == []
    assert funds.opened().id != fund.id


# --- crews ----------------------------------------------------------------------------------------------------------


def test_a_crews_slip_names_an_order_of_its_team(make, funds):
    order = Repairs(make).order(OrderStage.ISSUED)
    draft = Repairs(make).order(OrderStage.APPROVED, unit="YX 3-1-1203")
    fund = funds.advanced(crew=True)
    with pytest.raises(Invalid, match="请选择派工单"):
        funds.spent(fund, 100)
    for wrong in (draft.id, 9_999):
        with pytest.raises(Invalid, match="本队已派工"):
            funds.spent(fund, 100, order_id=wrong)
    slip = funds.spent(fund, 100, order_id=order.id)
    assert (slip.order_number, slip.community_id) == (order.number, order.community_id)
    funds.sound()


# --- told of --------------------------------------------------------------------------------------------------------


def notices(make, name):
    return db.session.scalars(
        select(Notice.title)
        .where(Notice.user_id == make.world.users[name], Notice.path.like("/imprest/%"))
        .order_by(Notice.id)
    ).all()


def test_keeper_and_finance_are_told_when_the_fund_is_to_be_filled_and_when_it_stops(make, funds):
    fund = funds.advanced()
    funds.spent(fund, 1_399_999)
    assert notices(make, "finance") == []
    funds.spent(fund, 1)
    assert Flag.REPLENISH in flags(funds.now(fund))
    for name in ("manager", "finance"):
        assert notices(make, name) == ["周转金（客户服务部）已用达限额的 70%，请申请补足"]
    assert notices(make, "cashier") == []
    funds.spent(fund, 100)
    assert len(notices(make, "manager")) == 1
    funds.spent(fund, 499_900)
    assert notices(make, "manager")[1:] == [
        "周转金（客户服务部）已用达限额的 95%，除抢修外停止支出"
    ]


def test_old_slips_missed_counts_and_the_low_fund_are_told_every_morning_but_once(make, funds):
    then = clock.now() - timedelta(days=70)
    with clock.held(then):
        fund = funds.advanced()
        funds.spent(fund, 1_500_000)
    with clock.held(then + timedelta(days=30)):
        assert Flag.STALE not in flags(funds.now(fund))
    with clock.held(then + timedelta(days=31)):
        assert Flag.STALE in flags(funds.now(fund))
    assert flags(funds.now(fund))[:3] == [Flag.REPLENISH, Flag.STALE, Flag.COUNT_MISSED]
    before = len(notices(make, "manager"))
    for _ in range(2):
        with transaction():
            told = alerts.alert(clock.now())
        assert told == len(flags(funds.now(fund)))
        assert len(notices(make, "manager")) == before + told


# --- at once --------------------------------------------------------------------------------------------------------


def at_once(app, *works):
    """Each work in a thread of its own; what each came to: its result or its refusal."""
    db.session.remove()
    outcomes: list[object] = []
    gate = threading.Barrier(len(works))

    def run(work):
        with app.app_context():
            gate.wait()
            try:
                outcomes.append(work())
            except DomainError as refusal:
                outcomes.append(refusal)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_two_spendings_at_once_never_spend_the_same_cash(app, make, funds):
    fund_id = funds.advanced().id

    def spends():
        fund = db.session.get_one(ImprestFund, fund_id)
        return funds.spent(fund, 1_500_000).id

    outcomes = at_once(app, spends, spends, spends)
    refused = [one for one in outcomes if isinstance(one, Invalid)]
    assert len(refused) == 2
    db.session.expire_all()
    assert funds.sums(db.session.get_one(ImprestFund, fund_id)) == (500_000, 1_500_000, 0)
    funds.sound()


def test_two_requests_at_once_are_one(app, make, funds):
    fund = funds.advanced()
    fund_id, slip_id = fund.id, funds.spent(fund, 500).id

    def asks():
        fund, slip = (
            db.session.get_one(ImprestFund, fund_id),
            db.session.get_one(ImprestSlip, slip_id),
        )
        return funds.asked(fund, slip).id

    outcomes = at_once(app, asks, asks)
    assert sum(isinstance(one, int) for one in outcomes) == 1
    db.session.expire_all()
    assert funds.sums(db.session.get_one(ImprestFund, fund_id)) == (1_999_500, 0, 500)


def test_expenses_of_a_community_stand_on_its_own_account(make, funds):
    fund = funds.advanced()
    community = db.session.get_one(Community, make.world.communities["LH"])
    slip = funds.spent(fund, 800, community_id=community.id)
    funds.paid(funds.asked(fund, slip))
    assert balance(accounts.imprest_expense(community)) == 800
