"""Pages of the working funds: the list, one fund with everything done to it, a slip to write, the workbook (procedure 3.6)."""

from collections.abc import Callable
from datetime import date
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ticketing.books.imprest import commands, funding, orders, paper, queries
from ticketing.books.imprest.forms import (
    AskForm,
    ClearForm,
    CountForm,
    CrewSpendForm,
    GiveBackForm,
    KeeperForm,
    OpenFundForm,
    ServiceSpendForm,
    SpendForm,
    WithdrawRequestForm,
)
from ticketing.books.imprest.models import ImprestFund, ImprestSlip
from ticketing.books.imprest.standing import Standing
from ticketing.books.ledger import queries as ledger
from ticketing.books.payments.commands import live
from ticketing.journal.queries import StoryLine, story
from ticketing.kernel import clock
from ticketing.kernel.forms import BaseForm, ConfirmForm, VersionedForm
from ticketing.kernel.text import show_fen
from ticketing.masters.estate.queries import all_communities
from ticketing.masters.people.guard import current_scope, current_user, requires
from ticketing.masters.people.handing_out import hand_out
from ticketing.procedure.imprest import FundKind, SlipState
from ticketing.procedure.permissions import PERMISSIONS, Act
from ticketing.procedure.vocabulary import Role

bp = Blueprint("imprest", __name__, url_prefix="/imprest")

SHOWN = 30
"""Rows of each list on the page of a fund unless all of them are asked for."""

WITNESSES = tuple(PERMISSIONS[Act.READ_IMPREST] | {Role.OFFICE, Role.CLERK})


@bp.get("/")
@requires(Act.READ_IMPREST)
def index() -> ResponseReturnValue:
    """The funds this person sees: how much is used, what is flagged (procedure 3.6)."""
    return _list(_open_form())


@bp.post("/open")
@requires(Act.KEEP_FUND)
def open_fund() -> ResponseReturnValue:
    """Open a fund."""
    form = _open_form(filled=True)
    if form.carry_out(commands.open_fund, actor=current_user()):
        flash("周转金已设立，请申请拨付。", "success")
        return redirect(url_for("imprest.show", fund_id=int(form.outcome)))
    return _list(form)


def _list(form: OpenFundForm) -> ResponseReturnValue:
    page = render_template(
        "imprest/index.html",
        rows=queries.standings(queries.funds(current_scope())),
        form=form,
    )
    return page, form.status


def _open_form(*, filled: bool = False) -> OpenFundForm:
    form = OpenFundForm() if filled else OpenFundForm(formdata=None)
    form.team_id.offer((team.id, team.name) for team in queries.teams_without_fund())
    keepers = queries.people_with(*commands.KEEPER.values())
    form.keeper_id.offer((user.id, user.name) for user in keepers)
    return form


@bp.get("/<int:fund_id>")
@requires(Act.READ_IMPREST)
def show(fund_id: int) -> ResponseReturnValue:
    """One fund: its figures, slips, counts, requests and the lines of its cash (procedure 3.6)."""
    return _page(_fund(fund_id))


@bp.get("/<int:fund_id>/fund.xlsx")
@requires(Act.READ_IMPREST)
def export(fund_id: int) -> ResponseReturnValue:
    """Everything of a fund as a workbook; journalled."""
    one = queries.standing(_fund(fund_id))
    return hand_out(f"周转金 {one.fund.name}", lambda path: paper.write_fund(path, one))


@bp.route("/<int:fund_id>/spend", methods=["GET", "POST"])
@requires(Act.SPEND_IMPREST)
def spend(fund_id: int) -> ResponseReturnValue:
    """Write down a slip, on the phone too (procedure 3.6)."""
    fund = _fund(fund_id)
    commands.permit_spender(fund, current_user(), Act.SPEND_IMPREST)
    form = _spend_form(fund)
    if form.carry_out(commands.spend, fund, actor=current_user()):
        flash("已记账。", "success")
        return redirect(url_for("imprest.show", fund_id=fund_id))
    page = render_template("imprest/spend.html", one=queries.standing(fund), form=form)
    return page, form.status


def _spend_form(fund: ImprestFund) -> SpendForm:
    data = {"on": clock.today()}
    if fund.kind is FundKind.CS:
        form = ServiceSpendForm(data=data)
        form.community_id.offer((one.id, one.name) for one in all_communities())
        return form
    assert fund.team_id is not None  # a crew's fund names its team
    crew_form = CrewSpendForm(data=data)
    offered = orders.choices(fund.team_id)
    crew_form.order_id.offer(
        (one.id, f"{one.number} {one.place}（{one.standing}）") for one in offered
    )
    return crew_form


@bp.post("/<int:fund_id>/count")
@requires(Act.COUNT_IMPREST)
def count(fund_id: int) -> ResponseReturnValue:
    """Note a count (procedure 3.6)."""
    return _step(fund_id, "count", commands.count_cash, "盘点已登记。")


@bp.post("/<int:fund_id>/ask")
@requires(Act.ASK_IMPREST)
def ask(fund_id: int) -> ResponseReturnValue:
    """Ask for money (procedure 3.6)."""
    return _step(fund_id, "ask", funding.ask, "已申请，等待财务制付款单、出纳放款。")


@bp.post("/<int:fund_id>/requests/<int:request_id>/withdraw")
@requires(Act.ASK_IMPREST)
def withdraw(fund_id: int, request_id: int) -> ResponseReturnValue:
    """Take a request back."""
    fund, form = _fund(fund_id), WithdrawRequestForm()
    asked = queries.request(request_id, fund.id)
    if form.carry_out(funding.withdraw, asked, actor=current_user()):
        return _to(fund_id, "申请已撤回，单据退回未报。")
    return _page(_fund(fund_id), withdraw=form)


@bp.post("/<int:fund_id>/clear")
@requires(Act.CLEAR_IMPREST)
def clear(fund_id: int) -> ResponseReturnValue:
    """Confirm what paid settlements gave back (procedure 3.5.9, 3.6)."""
    return _step(fund_id, "clearing", funding.clear_slips, "已确认清回。")


@bp.post("/<int:fund_id>/give-back")
@requires(Act.CLEAR_IMPREST)
def give_back(fund_id: int) -> ResponseReturnValue:
    """Note cash that went back to the bank."""
    return _step(fund_id, "give_back", funding.give_back, "交回已登记入账。")


@bp.post("/<int:fund_id>/keeper")
@requires(Act.KEEP_FUND)
def keeper(fund_id: int) -> ResponseReturnValue:
    """Put a fund into other hands."""
    return _step(fund_id, "keeper", commands.change_keeper, "保管人已变更。")


@bp.post("/<int:fund_id>/close")
@requires(Act.KEEP_FUND)
def close(fund_id: int) -> ResponseReturnValue:
    """Close an empty fund."""
    return _step(fund_id, "close", commands.close_fund, "周转金已撤销。")


def _fund(fund_id: int) -> ImprestFund:
    return queries.fund_for(current_scope(), fund_id)


def _step(fund_id: int, name: str, command: Callable[..., Any], said: str) -> ResponseReturnValue:
    fund = _fund(fund_id)
    form = _forms(queries.standing(fund), filled=name)[name]
    if form.carry_out(command, fund, actor=current_user()):
        return _to(fund_id, said)
    return _page(_fund(fund_id), **{name: form})


def _to(fund_id: int, said: str) -> ResponseReturnValue:
    flash(said, "success")
    return redirect(url_for("imprest.show", fund_id=fund_id))


FORMS: dict[str, type[BaseForm]] = {
    "count": CountForm,
    "ask": AskForm,
    "withdraw": WithdrawRequestForm,
    "clearing": ClearForm,
    "give_back": GiveBackForm,
    "keeper": KeeperForm,
    "close": ConfirmForm,
}


def _forms(one: Standing, *, filled: str = "") -> dict[str, Any]:
    """The forms of a fund's page, with what they offer; the `filled` one holds what was typed."""
    fund, me = one.fund, current_user()
    data = {
        "version": fund.version,
        "returned_on": clock.today(),
        "amount_fen": one.cash_fen,
    }
    forms: dict[str, Any] = {
        name: kind() if name == filled else kind(formdata=None, data=data)
        for name, kind in FORMS.items()
    }
    if filled != "withdraw" and one.asked is not None:
        forms["withdraw"].version.data = one.asked.version
    open_slips = queries.open_slips(fund.id)
    if fund.kind is FundKind.CREW:
        open_slips = []
    forms["ask"].slip_ids.offer((slip.id, _line(slip)) for slip in open_slips)
    if filled != "ask":
        forms["ask"].slip_ids.data = [slip.id for slip in open_slips]
    clearable = funding.clearable(fund)
    forms["clearing"].slip_ids.offer(
        (
            slip.id,
            f"{_line(slip)}（{slip.order_number} 维修款余 {show_fen(left)} 元）",
        )
        for slip, left in clearable
    )
    if filled != "clearing":
        forms["clearing"].slip_ids.data = [
            slip.id for slip, left in clearable if slip.amount_fen <= left
        ]
    forms["count"].witness_id.offer(
        (user.id, user.name)
        for user in queries.people_with(*WITNESSES)
        if not user.is_same_person(me)
    )
    keepers = queries.people_with(commands.KEEPER[fund.kind])
    forms["keeper"].keeper_id.offer(
        (user.id, user.name) for user in keepers if user.id != fund.keeper_id
    )
    return forms


def _story(fund_id: int, limit: int | None) -> list[StoryLine]:
    """What was done to a fund, the newest first; its slips have a list of their own."""
    spent = Act.SPEND_IMPREST.value
    lines = [line for line in story(commands.SUBJECT, fund_id) if line.entry.act != spent]
    return lines[::-1][:limit]


def _line(slip: ImprestSlip) -> str:
    return f"{slip.on} {slip.what} {show_fen(slip.amount_fen)} 元"


def _page(fund: ImprestFund, **refused: BaseForm) -> ResponseReturnValue:
    """A fund with its forms; the one that was refused keeps what was typed and goes on from the present version."""
    one, me = queries.standing(fund), current_user()
    forms = {**_forms(one), **refused}
    for name, form in refused.items():
        if isinstance(form, VersionedForm):
            now = one.asked.version if name == "withdraw" and one.asked else fund.version
            form.version.data, form.version.raw_data = now, None
    limit = None if request.args.get("all") else SHOWN
    slips = queries.slips(fund.id, limit)
    struck = [slip.id for slip in slips if slip.state is SlipState.OPEN]
    cash = ledger.account_by_key(f"imprest_cash:{fund.id}")
    today = clock.today()
    since = today.replace(day=1) if limit else date(today.year, 1, 1)
    page = render_template(
        "imprest/fund.html",
        one=one,
        fund=fund,
        mine=queries.spends_from(me, fund),
        slips=slips,
        cut=len(slips) == limit,
        known=orders.orders({slip.order_id for slip in slips if slip.order_id is not None}),
        entries=queries.spending_entries(struck),
        requests=queries.requests(fund.id, limit),
        counts=queries.counts(fund.id, limit),
        returns=queries.returns(fund.id),
        payment=live(one.asked.source) if one.asked is not None else None,
        statement=ledger.statement([cash.id], since=since, size=None) if cash else None,
        since=since,
        forms=forms,
        story=_story(fund.id, limit),
    )
    return page, max((form.status for form in refused.values()), default=200)
