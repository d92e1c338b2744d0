"""Keeping a working fund: opening it, its keeper, spending by slip, counting its cash (procedure 3.6).

Everything that depends on a balance is done with the book locked, so two spendings at once never spend the same cash.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select

from ticketing.books.imprest import alerts, orders, queries
from ticketing.books.imprest.models import ImprestCount, ImprestFund, ImprestSlip
from ticketing.books.imprest.orders import Ordered
from ticketing.books.ledger import accounts
from ticketing.books.ledger.commands import credit, debit, open_book, post
from ticketing.books.ledger.telling import tell_people, tell_role
from ticketing.journal.commands import record
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import Conflict, Invalid, NotPermitted
from ticketing.kernel.text import clean, clean_line, show_fen
from ticketing.masters.contractors.models import RepairTeam
from ticketing.masters.estate.models import Community
from ticketing.masters.parameters.queries import limits_on
from ticketing.masters.people.models import User
from ticketing.masters.people.rights import permit
from ticketing.procedure.accounts import EntryKind
from ticketing.procedure.grading import yuan
from ticketing.procedure.imprest import FundKind, SpendingWay
from ticketing.procedure.parameters import percent
from ticketing.procedure.permissions import Act
from ticketing.procedure.vocabulary import Role

SUBJECT = "imprest"
KEEPER = {FundKind.CS: Role.CS_MANAGER, FundKind.CREW: Role.CAPTAIN}
"""Who may keep a fund: those who may spend out of it (access matrix 34)."""


def open_fund(*, team_id: int | None, keeper_id: int, actor: User) -> ImprestFund:
    """Open the fund of a repair team, or without one that of customer service; its money is asked for then (procedure 3.6).

    Raises NotPermitted, Invalid (no such team, or a keeper who may not spend), Conflict (it has one).
    """
    permit(actor, Act.KEEP_FUND)
    kind = FundKind.CREW if team_id is not None else FundKind.CS
    if team_id is not None:
        team = db.session.get(RepairTeam, team_id)
        if team is None or not team.active:
            raise Invalid("请选择在用的维修队。", field="team_id")
    keeper = _keeper(kind, keeper_id)
    open_book()
    taken = select(func.count()).where(
        ImprestFund.kind == kind,
        ImprestFund.closed_on.is_(None),
        ImprestFund.team_id == team_id if team_id is not None else ImprestFund.team_id.is_(None),
    )
    if db.session.scalar(taken):
        raise Conflict("已经设立了这笔周转金。", field="team_id")
    fund = ImprestFund(
        kind=kind,
        team_id=team_id,
        keeper_id=keeper.id,
        opened_on=clock.today(),
        opened_by_id=actor.id,
    )
    db.session.add(fund)
    db.session.flush()
    told(fund, Act.KEEP_FUND, actor, {"fund": fund.name, "keeper": keeper.name})
    return fund


def change_keeper(fund: ImprestFund, *, version: int, keeper_id: int, actor: User) -> ImprestFund:
    """Put a fund into other hands; cash is counted on that day first, so that both know what is handed over.

    Raises NotPermitted, Invalid (who may not spend), Conflict (moved on, or not counted today).
    """
    permit(actor, Act.KEEP_FUND)
    open_book()
    _begin(fund, version)
    keeper = _keeper(fund.kind, keeper_id)
    if keeper.id == fund.keeper_id:
        raise Invalid("保管人没有变化。", field="keeper_id")
    one = queries.standing(fund)
    if one.cash_fen and one.counted_on != clock.today():
        raise Conflict("交接当日须先盘点现金，再变更保管人。")
    before = fund.keeper.name
    fund.keeper_id = keeper.id
    db.session.flush()
    told(fund, Act.KEEP_FUND, actor, {"fund": fund.name, "keeper": [before, keeper.name]})
    return fund


def close_fund(fund: ImprestFund, *, version: int, actor: User) -> ImprestFund:
    """Close a fund that holds nothing any more. Raises NotPermitted, Conflict (moved on, or something is left)."""
    permit(actor, Act.KEEP_FUND)
    open_book()
    _begin(fund, version)
    one = queries.standing(fund)
    if one.cash_fen or one.book_slips_fen or one.asked is not None:
        raise Conflict("还有现金、单据或在途款项，不能撤销；请先交回现金、报清单据。")
    fund.closed_on = clock.today()
    db.session.flush()
    told(fund, Act.KEEP_FUND, actor, {"fund": fund.name, "closed": True})
    return fund


def spend(
    fund: ImprestFund,
    *,
    on: date,
    what: str,
    payee: str,
    amount_fen: int,
    way: SpendingWay,
    urgent: bool,
    actor: User,
    community_id: int | None = None,
    order_id: int | None = None,
) -> ImprestSlip:
    """Write down what was bought out of a fund, and book it (procedure 3.6; access matrix 34).

    A crew's slip names an order of its team and is of that order's community. What is paid in cash stays within the limit of a
    single item; once so much is used that the fund has stopped, only urgent repairs are paid; never more than there is.

    Raises NotPermitted, Invalid, Conflict (the fund is closed).
    """
    permit_spender(fund, actor, Act.SPEND_IMPREST)
    what, payee = clean_line(what), clean_line(payee)
    if not what:
        raise Invalid("请填写用途。", field="what")
    if not payee:
        raise Invalid("请填写收款人。", field="payee")
    if amount_fen <= 0:
        raise Invalid("请填写金额。", field="amount_fen")
    if on > clock.today():
        raise Invalid("日期不能晚于今天。", field="on")
    cash_item = limits_on(on).cash_item_fen
    if way is SpendingWay.CASH and amount_fen > cash_item:
        raise Invalid(f"单笔现金不超过 {yuan(cash_item)}，超过的应转账。", field="way")
    order = _order(fund, order_id)
    if order is not None:
        community_id = order.community_id
    if community_id is not None and db.session.get(Community, community_id) is None:
        raise Invalid("请选择小区。", field="community_id")
    open_book()
    refuse_closed(fund)
    before = queries.standing(fund)
    since = queries.day_of_first_money(fund.id)
    if since is None:
        raise Invalid("这笔周转金还没有拨付，不能支出。", field="amount_fen")
    if on < since:
        raise Invalid(f"日期不能早于首次拨付（{since}）。", field="on")
    if amount_fen > before.cash_fen:
        raise Invalid(f"余额只有 {show_fen(before.cash_fen)} 元。", field="amount_fen")
    if before.stopped and not urgent:
        share = percent(before.limits.stop_bp)
        raise Invalid(f"已用达限额的 {share}，除抢修外停止支出；请先申请补足。", field="urgent")
    at = clock.now()
    slip = ImprestSlip(
        fund_id=fund.id,
        on=on,
        what=what,
        payee=payee,
        amount_fen=amount_fen,
        way=way,
        urgent=urgent,
        community_id=community_id,
        order_id=order_id,
        order_number=order.number if order is not None else "",
        entered_at=at,
        entered_by_id=actor.id,
    )
    db.session.add(slip)
    db.session.flush()
    post(
        EntryKind.IMPREST_SPENDING,
        [
            debit(accounts.imprest_slips(fund.id, fund.name), amount_fen),
            credit(accounts.imprest_cash(fund.id, fund.name), amount_fen),
        ],
        text=" ".join(filter(None, (fund.name, what, slip.order_number))),
        source=slip.source,
        actor=actor,
        at=at,
        on=on,
        day_field="on",
    )
    facts = {"slip": slip.id, "amount_fen": amount_fen, "what": what, "payee": payee}
    told(fund, Act.SPEND_IMPREST, actor, facts | ({"urgent": True} if urgent else {}))
    alerts.crossed(before, slip, at)
    return slip


def count_cash(
    fund: ImprestFund, *, counted_fen: int, witness_id: int, explanation: str, actor: User
) -> ImprestCount:
    """Note the cash counted today before a witness; a difference is explained and booked at once (procedure 3.6).

    Raises NotPermitted, Invalid (no witness or no explanation), Conflict (the fund is closed).
    """
    permit_spender(fund, actor, Act.COUNT_IMPREST)
    explanation = clean(explanation)
    witness = db.session.get(User, witness_id)
    if witness is None or not witness.active:
        raise Invalid("请选择监盘人。", field="witness_id")
    if actor.is_same_person(witness):
        raise Invalid("盘点须有另一人监盘。", field="witness_id")
    if counted_fen < 0:
        raise Invalid("请填写实点金额。", field="counted_fen")
    open_book()
    refuse_closed(fund)
    one = queries.standing(fund)
    short = one.cash_fen - counted_fen
    if short and not explanation:
        kind = "短款" if short > 0 else "长款"
        raise Invalid(
            f"账面 {show_fen(one.cash_fen)} 元，{kind} {show_fen(abs(short))} 元，请说明原因。",
            field="explanation",
        )
    at = clock.now()
    counted = ImprestCount(
        fund_id=fund.id,
        on=clock.local(at).date(),
        counted_fen=counted_fen,
        book_fen=one.cash_fen,
        explanation=explanation,
        counted_at=at,
        counted_by_id=actor.id,
        witness_id=witness.id,
    )
    db.session.add(counted)
    db.session.flush()
    if short:
        _book_difference(fund, counted, actor, at)
    facts = {"counted_fen": counted_fen, "book_fen": one.cash_fen, "witness": witness.name}
    told(fund, Act.COUNT_IMPREST, actor, facts)
    _tell_of_count(fund, counted, witness, actor, at)
    return counted


def _tell_of_count(
    fund: ImprestFund, counted: ImprestCount, witness: User, actor: User, at: datetime
) -> None:
    """The witness hears what is said in his name; of a difference, which is an expense at once, finance and audit hear."""
    sums = f"实点 {show_fen(counted.counted_fen)} 元，账面 {show_fen(counted.book_fen)} 元"
    tell_people(
        (witness.id,),
        event=f"{counted.source}:witness",
        title=f"{actor.name}登记由您监盘{fund.name}：{sums}；不符的请告知审计",
        path="/",
        at=at,
    )
    if counted.difference_fen:
        for role in (Role.FINANCE, Role.AUDITOR):
            tell_role(
                role,
                event=f"{counted.source}:{role.value}",
                title=f"{fund.name}盘点不符：{sums}",
                path=f"/imprest/{fund.id}",
                at=at,
            )


def _book_difference(fund: ImprestFund, counted: ImprestCount, actor: User, at: datetime) -> None:
    cash = accounts.imprest_cash(fund.id, fund.name)
    expense = accounts.imprest_expense()
    fen = abs(counted.difference_fen)
    short = counted.difference_fen < 0
    post(
        EntryKind.IMPREST_COUNT,
        [debit(expense, fen), credit(cash, fen)]
        if short
        else [debit(cash, fen), credit(expense, fen)],
        text=f"{fund.name}盘点{'短款' if short else '长款'}：{clean_line(counted.explanation)}",
        source=counted.source,
        actor=actor,
        at=at,
        on=counted.on,
    )


def permit_spender(fund: ImprestFund, actor: User, act: Act) -> None:
    """Raise NotPermitted unless he may do `act` and the fund is in his hands."""
    permit(actor, act)
    if not queries.spends_from(actor, fund):
        raise NotPermitted("只有保管人和维修队长可以办理这笔周转金。")


def told(fund: ImprestFund, act: Act, actor: User, facts: dict[str, Any]) -> None:
    """Write an act on a fund into the journal."""
    at = clock.now()
    record(
        SUBJECT,
        fund.id,
        act.value,
        actor=actor,
        at=at,
        clause="3.6",
        version=fund.version,
        facts=facts,
    )


def _begin(fund: ImprestFund, version: int) -> None:
    refuse_closed(fund)
    if fund.version != version:
        raise Conflict("您打开本页之后，这笔周转金已被他人办理。请核对后再提交。", seen=version)


def refuse_closed(fund: ImprestFund) -> None:
    """Read the fund anew. Raises Conflict where it is closed."""
    db.session.refresh(fund)
    if fund.closed_on is not None:
        raise Conflict("这笔周转金已经撤销。")


def _keeper(kind: FundKind, keeper_id: int) -> User:
    keeper = db.session.get(User, keeper_id)
    role = KEEPER[kind]
    if keeper is None or not keeper.active or role not in keeper.roles:
        raise Invalid(f"保管人须是在职的{role}。", field="keeper_id")
    return keeper


def _order(fund: ImprestFund, order_id: int | None) -> Ordered | None:
    """The order a crew's slip names. Raises Invalid (none, another team's, one that cannot be spent on; or a slip of no crew)."""
    if fund.kind is FundKind.CS:
        if order_id is not None:
            raise Invalid("客户服务部的单据不挂派工单。", field="order_id")
        return None
    if order_id is None:
        raise Invalid("请选择派工单。", field="order_id")
    order = orders.orders([order_id]).get(order_id)
    if order is None or order.team_id != fund.team_id or not order.usable:
        raise Invalid("请选择本队已派工的派工单。", field="order_id")
    return order
