"""Pages of the acts on an account: begin and price it, review it, compile it, the contractor's answer, certify it."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ticketing.casefile.papers.act_page import open_form
from ticketing.kernel import clock
from ticketing.kernel.text import clean_line
from ticketing.masters.people.guard import current_scope, current_user, requires
from ticketing.masters.people.models import User
from ticketing.masters.people.scope import Scope
from ticketing.masters.prices import queries as prices
from ticketing.masters.prices.queries import Wanted
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import OrderClass
from ticketing.procedure.settlement import PriceSource, Terms
from ticketing.procedure.vocabulary import Role
from ticketing.steps.settlement import (
    certifying,
    confirming,
    drafting,
    listing,
    paper,
    queries,
    reviewing,
)
from ticketing.steps.settlement.act_page import settlement_page
from ticketing.steps.settlement.forms import (
    MORE,
    AccountForm,
    BeginForm,
    CertifyForm,
    CompileForm,
    CompileOwnForm,
    ConfirmationForm,
    DeemForm,
    DisputeForm,
    NotifyForm,
    RemindForm,
    ReviewAgainForm,
    ReviewForm,
    SubmitForm,
)
from ticketing.steps.settlement.models import Settlement
from ticketing.steps.site_survey import queries as surveys
from ticketing.steps.work_orders import paper as order_paper
from ticketing.steps.work_orders import queries as orders
from ticketing.steps.work_orders.pictures import pictures_of

bp = Blueprint("acts", __name__)


@bp.route("/orders/<int:order_id>/account", methods=["GET", "POST"])
@requires(Act.DRAFT_ACCOUNT)
def begin(order_id: int) -> ResponseReturnValue:
    """Begin the account of an accepted order, with what was noted on it filled in (procedure 3.5.5)."""
    order = orders.order_for(current_scope(), order_id)
    form = BeginForm()
    if form.carry_out(drafting.draft, order, actor=current_user()):
        return redirect(url_for("settlements.acts.amend", settlement_id=form.outcome))
    begun = queries.of_order(order_id)
    if begun is not None and request.method == "GET":
        return redirect(url_for("settlements.show", settlement_id=begun.id))
    page = render_template("settlements/begin.html", order=order, form=form, begun=begun)
    return page, form.status


@bp.route("/settlements/<int:settlement_id>/amend", methods=["GET", "POST"])
@requires(Act.AMEND_ACCOUNT)
def amend(settlement_id: int) -> ResponseReturnValue:
    """维修工程决算书, typed like a spreadsheet; kept, or kept and handed in (procedure 3.5.5)."""
    settlement = queries.settlement_for(current_scope(), settlement_id)
    form = open_form(
        AccountForm,
        settlement,
        basis=settlement.basis,
        vat_bp=settlement.vat_bp,
        management_bp=settlement.management_bp,
        remark=settlement.remark,
        lines=[_typed(one) for one in settlement.lines],
    )
    form.offer_rates(settlement.vat_bp)
    grows, submits = "more" in request.form, "submits" in request.form
    form.submits = submits
    if grows:
        form.lines.grow(MORE)
    form.spare()
    return settlement_page(
        settlement,
        Act.AMEND_ACCOUNT,
        form,
        _amend_and_submit if submits else drafting.amend,
        template="settlements/amend.html",
        done=f"{settlement.number} 已上报。" if submits else f"{settlement.number} 已保存。",
        carry_out=not grows,
        context={
            "audit_min_fen": queries.limits_of(settlement).audit_min_fen,
            "estimate": settlement.order,
            "typed": _beside_typed(settlement, form),
        },
    )


def _beside_typed(settlement: Settlement, form: AccountForm) -> list[listing.Beside]:
    """Each row of the grid beside its listed price, by what is typed; where a rate is wrong, by the account's."""
    known, basis, vat_bp = settlement.terms, form.basis.data, form.vat_bp.data
    terms = Terms(basis or known.basis, known.vat_bp if vat_bp is None else vat_bp, 0)
    typed = [
        (
            Wanted(row.quota_code.data or "", row.item.data or "", row.unit.data or ""),
            row.source.data or PriceSource.AGREED,
            row.price_milli.data or 0,
        )
        for row in form.lines.rows
    ]
    return listing.beside_typed(settlement, typed, terms)


@bp.get("/settlements/<int:settlement_id>/prices")
@requires(Act.AMEND_ACCOUNT, Act.AUDIT_LINES)
def suggest(settlement_id: int) -> ResponseReturnValue:
    """A fragment: the listed prices to choose from as one types; asked with an item, the one it is (procedure 3.5.5)."""
    settlement = queries.settlement_for(current_scope(), settlement_id)
    lists = [one.id for one in settlement.price_lists]
    code, item, unit, typed = (
        clean_line(request.args.get(name, ""))[:120] for name in ("code", "item", "unit", "q")
    )
    if item:
        found = [one for one in prices.find(lists, [Wanted(code, item, unit)]) if one]
    else:
        found = list(prices.suggested(lists, typed))
    return render_template("settlements/_prices.html", rows=found, settlement=settlement)


def _typed(line: Any) -> dict[str, Any]:
    """A line as the row of the grid shows it; a price that is still missing stays empty."""
    names = ("source", "quota_code", "item", "place", "unit", "quantity_milli", "remark")
    return {name: getattr(line, name) for name in names} | {"price_milli": line.price_milli or None}


def _amend_and_submit(settlement: Settlement, *, actor: User, **facts: Any) -> Settlement:
    drafting.amend(settlement, actor=actor, **facts)
    return drafting.submit(settlement, version=settlement.version, actor=actor)


@bp.route("/settlements/<int:settlement_id>/submit", methods=["GET", "POST"])
@requires(Act.SUBMIT_ACCOUNT)
def hand_in(settlement_id: int) -> ResponseReturnValue:
    """A last look at what is handed in, and a button (procedure 3.5.5)."""
    settlement = queries.settlement_for(current_scope(), settlement_id)
    return settlement_page(
        settlement,
        Act.SUBMIT_ACCOUNT,
        open_form(SubmitForm, settlement),
        drafting.submit,
        template="settlements/submit.html",
        done=f"{settlement.number} 已上报。",
        context=_shown(settlement) | {"audit_min_fen": queries.limits_of(settlement).audit_min_fen},
    )


@bp.route("/settlements/<int:settlement_id>/review", methods=["GET", "POST"])
@requires(Act.AUDIT_LINES)
def review(settlement_id: int) -> ResponseReturnValue:
    """What was handed in and what is approved side by side; kept, finished, or sent back (procedure 3.5.6)."""
    scope = current_scope()
    settlement = queries.settlement_for(scope, settlement_id)
    form = open_form(
        ReviewForm,
        settlement,
        basis=settlement.basis,
        vat_bp=settlement.vat_bp,
        management_bp=settlement.management_bp,
    )
    form.offer_rates(settlement.vat_bp)
    form.beside(settlement.lines)
    form.finishes, form.returns = "finishes" in request.form, "returns" in request.form
    copies, grows = "copies" in request.form, "more" in request.form
    if copies:
        form.as_submitted()
    if grows:
        form.added.grow(1)
    command: Callable[..., Settlement] = reviewing.audit_lines
    act, done = Act.AUDIT_LINES, "已保存"
    if form.finishes:
        act, command, done = Act.REVIEW_ACCOUNT, reviewing.finish, "已审定"
    elif form.returns:
        act, command, done = Act.RETURN_ACCOUNT, reviewing.send_back, "已退回维修队长"
    return settlement_page(
        settlement,
        act,
        form,
        command,
        template="settlements/review.html",
        done=f"{settlement.number} {done}。",
        carry_out=not (copies or grows),
        context=_evidence(scope, settlement)
        | {"beside": listing.beside(settlement, settlement.lines, approved=False)},
    )


def _shown(settlement: Settlement) -> dict[str, Any]:
    """What a paper shows besides its rows: its lines and sums."""
    lines = list(settlement.lines)
    return {
        "lines": lines,
        "sums": paper.sums_of(settlement, lines),
        "beside": listing.beside(settlement, lines),
    }


def _evidence(scope: Scope, settlement: Settlement) -> dict[str, Any]:
    """What a reviewer and a certifier go by: estimate, items as surveyed, photos, uses noted, the home's earlier accounts."""
    order = orders.order_for(scope, settlement.order_id)
    return {
        "order": order,
        "items": order_paper.items_of(order, surveys.findings_of(order.survey_id)),
        "pictures": pictures_of(order),
        "history": queries.before_at_home(scope, settlement),
    }


@bp.route("/settlements/<int:settlement_id>/compile", methods=["GET", "POST"])
@requires(Act.COMPILE_SETTLEMENT)
def compile_paper(settlement_id: int) -> ResponseReturnValue:
    """Make the 结算书 of the review's result; class A: to whom it is charged (procedure 3.5.6)."""
    settlement = queries.settlement_for(current_scope(), settlement_id)
    kind: type[CompileForm | CompileOwnForm] = CompileOwnForm
    known: dict[str, Any] = {"note": settlement.note}
    contracts = queries.contracts_for(settlement)
    if settlement.order_class is OrderClass.A:
        kind = CompileForm
        known["contract_id"] = queries.likely_contract(settlement)
    form = open_form(kind, settlement, **known)
    if isinstance(form, CompileForm):
        form.contract_id.offer(contracts)
    return settlement_page(
        settlement,
        Act.COMPILE_SETTLEMENT,
        form,
        reviewing.compile_settlement,
        template="settlements/compile.html",
        done=f"{settlement.number} 结算书已编好。",
        context=_shown(settlement),
    )


@bp.route("/settlements/<int:settlement_id>/notify", methods=["GET", "POST"])
@requires(Act.NOTIFY_CONTRACTOR)
def notify(settlement_id: int) -> ResponseReturnValue:
    """The contractor is notified, with proof (procedure 3.5.7)."""
    settlement = queries.settlement_for(current_scope(), settlement_id)
    form = open_form(NotifyForm, settlement)
    return settlement_page(settlement, Act.NOTIFY_CONTRACTOR, form, confirming.notify)


@bp.route("/settlements/<int:settlement_id>/remind", methods=["GET", "POST"])
@requires(Act.REMIND_CONTRACTOR)
def remind(settlement_id: int) -> ResponseReturnValue:
    """His days are over: once more, with proof (procedure 3.5.7)."""
    settlement = queries.settlement_for(current_scope(), settlement_id)
    form = open_form(RemindForm, settlement)
    return settlement_page(settlement, Act.REMIND_CONTRACTOR, form, confirming.remind)


@bp.route("/settlements/<int:settlement_id>/confirm", methods=["GET", "POST"])
@requires(Act.CONFIRM_ACCOUNT)
def confirm(settlement_id: int) -> ResponseReturnValue:
    """The contractor has confirmed (procedure 3.5.7)."""
    settlement = queries.settlement_for(current_scope(), settlement_id)
    form = open_form(ConfirmationForm, settlement)
    return settlement_page(settlement, Act.CONFIRM_ACCOUNT, form, confirming.confirm)


@bp.route("/settlements/<int:settlement_id>/dispute", methods=["GET", "POST"])
@requires(Act.DISPUTE_ACCOUNT)
def dispute(settlement_id: int) -> ResponseReturnValue:
    """The contractor objects (procedure 3.5.7)."""
    settlement = queries.settlement_for(current_scope(), settlement_id)
    form = open_form(DisputeForm, settlement)
    return settlement_page(settlement, Act.DISPUTE_ACCOUNT, form, confirming.dispute)


@bp.route("/settlements/<int:settlement_id>/deem", methods=["GET", "POST"])
@requires(Act.DEEM_CONFIRMED)
def deem(settlement_id: int) -> ResponseReturnValue:
    """Silence counts, where the supplementary agreement says so (procedure 3.5.7)."""
    settlement = queries.settlement_for(current_scope(), settlement_id)
    return settlement_page(
        settlement,
        Act.DEEM_CONFIRMED,
        open_form(DeemForm, settlement),
        confirming.deem,
        template="settlements/deem.html",
        context={"today": clock.today()},
    )


@bp.route("/settlements/<int:settlement_id>/review-again", methods=["GET", "POST"])
@requires(Act.REVIEW_AGAIN)
def review_again(settlement_id: int) -> ResponseReturnValue:
    """The objection is looked into (procedure 3.5.7)."""
    settlement = queries.settlement_for(current_scope(), settlement_id)
    form = open_form(ReviewAgainForm, settlement)
    return settlement_page(settlement, Act.REVIEW_AGAIN, form, confirming.review_again)


@bp.route("/settlements/<int:settlement_id>/certify", methods=["GET", "POST"])
@requires(Act.CERTIFY)
def certify(settlement_id: int) -> ResponseReturnValue:
    """Everything a certifier needs on one screen, and two buttons (procedure 3.5.8)."""
    scope = current_scope()
    settlement = queries.settlement_for(scope, settlement_id)
    form = open_form(CertifyForm, settlement)
    form.returns = "returns" in request.form
    number = settlement.number
    return settlement_page(
        settlement,
        Act.RETURN_SETTLEMENT if form.returns else Act.CERTIFY,
        form,
        certifying.send_back if form.returns else certifying.certify,
        template="settlements/certify.html",
        done=f"{number} 已退回审定。" if form.returns else f"{number} 已认定。",
        context=_shown(settlement)
        | _evidence(scope, settlement)
        | {"audited": settlement.route is Role.AUDITOR},
    )


@bp.route("/settlements/<int:settlement_id>/return", methods=["GET", "POST"])
@requires(Act.RETURN_SETTLEMENT)
def send_back(settlement_id: int) -> ResponseReturnValue:
    """Back to the review before it can be certified, with the reason (procedure 3.5.8)."""
    settlement = queries.settlement_for(current_scope(), settlement_id)
    form = open_form(ReviewAgainForm, settlement)
    return settlement_page(settlement, Act.RETURN_SETTLEMENT, form, certifying.send_back)
