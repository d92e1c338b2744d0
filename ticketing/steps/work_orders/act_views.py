"""Pages of the desk's acts on an order: change, approve, issue, plan, extend, transfer, cancel."""

from typing import Any

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ticketing.casefile.papers.act_page import open_form
from ticketing.casefile.timers import queries as timers
from ticketing.kernel import clock
from ticketing.masters.contractors import queries as contractors
from ticketing.masters.people.guard import current_scope, current_user, requires
from ticketing.procedure.deadlines import ClockKind
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import OrderStage
from ticketing.steps.site_survey import queries as surveys
from ticketing.steps.work_orders import (
    approving,
    changing,
    commands,
    emergency,
    paper,
    pictures,
    queries,
    rounds,
    uses,
)
from ticketing.steps.work_orders.act_page import order_page
from ticketing.steps.work_orders.forms import (
    AddTradeForm,
    AmendForm,
    AnswerForm,
    CancelForm,
    ExtendOrderForm,
    IssueFirstForm,
    IssueForm,
    PlanForm,
    SendBackForm,
    StrikeForm,
    SubmitAgainForm,
    SubmitForm,
    TransferForm,
)
from ticketing.steps.work_orders.models import WorkOrder
from ticketing.steps.work_orders.road import signing
from ticketing.steps.work_orders.turns import next_step, open_round

bp = Blueprint("acts", __name__, url_prefix="/orders/<int:order_id>")


@bp.route("/amend", methods=["GET", "POST"])
@requires(Act.AMEND_ORDER)
def amend(order_id: int) -> ResponseReturnValue:
    """Change a draft (procedure 3.5.1)."""
    order = queries.order_for(current_scope(), order_id)
    form = open_form(
        AmendForm,
        order,
        defect_ids=[item.defect_id for item in order.items],
        team_id=order.team_id,
        scope=order.scope,
        estimate_fen=order.estimate_fen,
    )
    findings = surveys.findings_of(order.survey_id)
    defects = queries.choosable(order)
    form.defect_ids.offer((one.id, one.told) for one in defects)
    form.team_id.offer(queries.team_choices(order.community_id))
    return order_page(
        order,
        Act.AMEND_ORDER,
        form,
        commands.amend,
        template="orders/amend.html",
        done=f"{order.number} 已修改。",
        context={
            "choices": paper.choices(findings, defects),
            "findings": {one.defect_id: one for one in findings},
        },
    )


@bp.route("/submit", methods=["GET", "POST"])
@requires(Act.SUBMIT_ORDER)
def hand_in(order_id: int) -> ResponseReturnValue:
    """A last look at what is approved, and a button; for a returned emergency its estimate anew (procedure 3.6.1)."""
    order = queries.order_for(current_scope(), order_id)
    again = bool(order.emergency)
    form = SubmitAgainForm if again else SubmitForm
    return order_page(
        order,
        Act.SUBMIT_ORDER,
        open_form(form, order, estimate_fen=order.estimate_fen),
        emergency.submit_again if again else approving.submit,
        template="orders/submit.html",
        done=f"{order.number} 已报费用审批。",
        context=_shown(order),
    )


@bp.route("/approve", methods=["GET", "POST"])
@requires(Act.APPROVE_ORDER)
def approve(order_id: int) -> ResponseReturnValue:
    """Everything a signatory needs on one screen, and two buttons: agree, or return with the reason (procedure 3.6.1).

    A notice leads here; where somebody else has answered meanwhile the order itself is shown.
    """
    scope, actor = current_scope(), current_user()
    order = queries.order_for(scope, order_id)
    signed = signing(order, actor)
    if request.method == "GET" and signed is None:
        flash("这张派工单现在不需要您审批。", "info")
        return redirect(url_for("work_orders.show", order_id=order_id))
    returns = "returns" in request.form
    form = open_form(AnswerForm, order)
    form.return_to.offer(
        (one.position, f"{one.by.name if one.by else ''}（{one.role}{one.task}）")
        for one in approving.earlier_places(order)
    )
    return order_page(
        order,
        Act.RETURN_ORDER if returns else Act.APPROVE_ORDER,
        form,
        approving.send_back if returns else _agree,
        template="orders/approve.html",
        done=f"{order.number} 已退回。" if returns else f"{order.number} 已同意。",
        context=_shown(order)
        | {
            "history": queries.history_of(scope, order),
            "pictures": pictures.pictures_of(order),
            "principal": signed.principal if signed else None,
            "step": next_step(order),
            "returned": approving.last_return(order),
        },
    )


def _agree(order: WorkOrder, *, return_to: int | None, **facts: Any) -> WorkOrder:
    """Sign; to whom it could have been returned does not matter then."""
    return approving.approve(order, **facts)


def _shown(order: WorkOrder) -> dict[str, Any]:
    """What a signatory sees: the amount, the tier and why, what was summed, the items with their warranty, how long it may take."""
    under_way = open_round(order)
    would = [] if order.rounds and order.stage is not OrderStage.DRAFT else rounds.would_sum(order)
    return {
        "round": under_way,
        "summed": [(one.summed, one.amount_fen) for one in under_way.summed]
        if under_way
        else [(one, one.estimate_fen) for one in would],
        "tier": paper.tier_of(order, would),
        "items": paper.items_of(order, surveys.findings_of(order.survey_id)),
        "limit": paper.limit_words(order),
    }


@bp.route("/issue-first", methods=["GET", "POST"])
@requires(Act.ISSUE_FIRST)
def issue_first(order_id: int) -> ResponseReturnValue:
    """Send the crew at once; the approval follows (procedure 3.6.1)."""
    order = queries.order_for(current_scope(), order_id)
    return order_page(
        order,
        Act.ISSUE_FIRST,
        open_form(IssueFirstForm, order, visit_on=order.visit_on or clock.today()),
        emergency.issue_first,
        template="orders/issue_first.html",
        done=f"{order.number} 已按抢修派出，请在一个工作日内补办审批。",
        context={"days": paper.days_of(commands.trades_of(item.defect for item in order.items))},
    )


@bp.route("/return", methods=["GET", "POST"])
@requires(Act.RETURN_ORDER)
def send_back(order_id: int) -> ResponseReturnValue:
    """Back to the draft, with the reason (procedure 3.6.1)."""
    order = queries.order_for(current_scope(), order_id)
    form = open_form(SendBackForm, order)
    return order_page(order, Act.RETURN_ORDER, form, approving.send_back)


@bp.route("/issue", methods=["GET", "POST"])
@requires(Act.ISSUE_ORDER)
def issue(order_id: int) -> ResponseReturnValue:
    """Send the crew (procedure 3.5.1)."""
    order = queries.order_for(current_scope(), order_id)
    return order_page(
        order,
        Act.ISSUE_ORDER,
        open_form(IssueForm, order, visit_on=order.visit_on),
        commands.issue,
        template="orders/issue.html",
        done=f"{order.number} 已签发。",
        context={"days": paper.days_of(commands.trades_of(item.defect for item in order.items))},
    )


@bp.route("/plan", methods=["GET", "POST"])
@requires(Act.PLAN_ORDER)
def plan(order_id: int) -> ResponseReturnValue:
    """Which team goes on which day (procedure 3.5.2)."""
    order = queries.order_for(current_scope(), order_id)
    form = open_form(
        PlanForm,
        order,
        team_id=order.team_id,
        visit_on=order.visit_on,
        visit_note=order.visit_note,
    )
    form.team_id.offer(queries.team_choices(order.community_id))
    return order_page(order, Act.PLAN_ORDER, form, commands.plan)


@bp.route("/extend", methods=["GET", "POST"])
@requires(Act.EXTEND_ORDER)
def extend(order_id: int) -> ResponseReturnValue:
    """A later due date with the customer's consent; what the captain asked for is filled in (procedure 3.4.5-延)."""
    order = queries.order_for(current_scope(), order_id)
    form = open_form(
        ExtendOrderForm,
        order,
        due_on=order.asked_until,
        reason=order.asked_reason,
        consent_by=order.ticket.caller_name,
    )
    return order_page(
        order,
        Act.EXTEND_ORDER,
        form,
        changing.extend,
        template="orders/extend.html",
        context={"running": timers.running(order.ticket_id, ClockKind.REPAIR, order.id)},
    )


@bp.route("/add-trade", methods=["GET", "POST"])
@requires(Act.ADD_TRADE)
def add_trade(order_id: int) -> ResponseReturnValue:
    """One more trade for the same money (procedure 3.4.5-多)."""
    order = queries.order_for(current_scope(), order_id)
    return order_page(
        order,
        Act.ADD_TRADE,
        open_form(AddTradeForm, order),
        changing.add_trade,
        template="orders/add_trade.html",
    )


@bp.route("/transfer", methods=["GET", "POST"])
@requires(Act.TRANSFER_ORDER)
def transfer(order_id: int) -> ResponseReturnValue:
    """To the contractor, under engineering's eyes (procedure 3.4.6)."""
    order = queries.order_for(current_scope(), order_id)
    trades = {item.defect.trade for item in order.items}
    builders = queries.builders_first(contractors.contractors(), order.community_id, trades)
    form = open_form(TransferForm, order, contractor_id=builders[0][0] if builders else None)
    form.contractor_id.offer(builders)
    return order_page(order, Act.TRANSFER_ORDER, form, changing.transfer)


@bp.route("/strike-use", methods=["GET", "POST"])
@requires(Act.STRIKE_USE)
def strike_use(order_id: int) -> ResponseReturnValue:
    """Strike out labour or material noted wrongly (procedure 3.5.5)."""
    order = queries.order_for(current_scope(), order_id)
    form = open_form(StrikeForm, order)
    form.use_id.offer(uses.to_strike(order, sent=request.method == "POST"))
    return order_page(order, Act.STRIKE_USE, form, uses.strike, done="已划去，原记录保留。")


@bp.route("/cancel", methods=["GET", "POST"])
@requires(Act.CANCEL_ORDER)
def cancel(order_id: int) -> ResponseReturnValue:
    """Void it, with the reason (procedure 3.5.1)."""
    order = queries.order_for(current_scope(), order_id)
    return order_page(order, Act.CANCEL_ORDER, open_form(CancelForm, order), changing.cancel)
