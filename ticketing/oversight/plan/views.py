"""The dispatch board's page, the part of it that renews itself, and the small form that puts an order on a day."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ticketing.journal.queries import story
from ticketing.kernel import clock
from ticketing.masters.contractors import queries as contractors
from ticketing.masters.people.guard import current_scope, current_user, requires
from ticketing.masters.people.scope import Scope
from ticketing.masters.workcalendar import queries as workcalendar
from ticketing.oversight.plan import filters, matrix, queries
from ticketing.oversight.plan.matrix import FULL_DAY, Board, Team
from ticketing.oversight.plan.problems import Problem
from ticketing.oversight.plan.queries import MOST, PlanFilter
from ticketing.procedure.permissions import Act
from ticketing.steps.work_orders import commands, lists, paper
from ticketing.steps.work_orders import queries as orders
from ticketing.steps.work_orders.forms import PlanForm
from ticketing.steps.work_orders.models import WorkOrder
from ticketing.steps.work_orders.road import ORDERS

bp = Blueprint("plan", __name__, url_prefix="/plan")

WAITING_SHOWN = 50
"""So many orders of one pile stand in the tray, the most urgent first; nobody plans more at once."""


@bp.get("/")
@requires(Act.READ_PLAN)
def index() -> ResponseReturnValue:
    """The board; only its moving part where a fragment is asked for."""
    scope, wanted = current_scope(), filters.from_query(request.args)
    if _from_script():
        return _board(scope, wanted)
    communities, teams = lists.filter_choices(scope)
    return render_template(
        "plan/index.html", communities=communities, teams=teams, **_shown(scope, wanted)
    )


@bp.route("/<int:order_id>", methods=["GET", "POST"])
@requires(Act.PLAN_ORDER)
def place(order_id: int) -> ResponseReturnValue:
    """Put one order on a team and a day (procedure 3.5.2): a page of its own, or a small form over the board.

    Dragging a card sends the same form. Where the order has changed meanwhile the answer shows what others did.
    """
    scope, actor, wanted = current_scope(), current_user(), filters.from_query(request.args)
    order = queries.order_for(scope, order_id)
    if request.method == "GET":
        ORDERS.check_first(ORDERS.allowed(order, Act.PLAN_ORDER, actor), order, actor)
    form, number = _form(order), order.number
    if form.carry_out(commands.plan, order, actor=actor):
        day = form.visit_on.data
        said = f"{number} 已安排{f' {clock.show_date(day)} 上门' if day else '，上门日期待定'}。"
        if _from_script():
            return _board(scope, wanted, said)
        flash(said, "success")
        back = f"{url_for('plan.index')}{filters.address(wanted)}"
        return redirect(f"{back}#o{order_id}")
    newer = []
    if form.conflict is not None:
        order = queries.order_for(scope, order_id)
        if form.conflict.seen is not None:
            since = story(ORDERS.subject, order_id, after_version=form.conflict.seen)
            newer = paper.told(since)
        form.version.data, form.version.raw_data = order.version, None
    page = render_template(
        "plan/_form.html" if _from_script() else "plan/place.html",
        order=order,
        form=form,
        newer=newer,
        back=filters.address(wanted),
    )
    return page, form.status


def _form(order: WorkOrder) -> PlanForm:
    """The form as the order stands, with the teams that work in its community."""
    form = PlanForm(
        data={
            "version": order.version,
            "team_id": order.team_id,
            "visit_on": order.visit_on,
            "visit_note": order.visit_note,
        }
    )
    form.team_id.offer(orders.team_choices(order.community_id))
    return form


def _board(scope: Scope, wanted: PlanFilter, said: str = "") -> ResponseReturnValue:
    return render_template("plan/_board.html", said=said, **_shown(scope, wanted))


def _shown(scope: Scope, wanted: PlanFilter) -> dict[str, Any]:
    """Everything the board's templates show."""
    found = _put_together(scope, wanted)
    return {
        "wanted": wanted,
        "board": found,
        "problems": Problem,
        "href": _links(wanted),
        "back": filters.address(wanted),
        "full_day": FULL_DAY,
        "waiting_shown": WAITING_SHOWN,
        "cut_off": found.total >= MOST and MOST,
    }


def _put_together(scope: Scope, wanted: PlanFilter) -> Board:
    teams = [
        Team(one.id, one.name, one.captain.name)
        for one in contractors.teams(scope, wanted.community_id)
        if wanted.team_id in (None, one.id)
    ]
    return matrix.board(
        queries.jobs(scope, wanted),
        teams,
        today=clock.today(),
        calendar=workcalendar.snapshot(),
        only=wanted.problem,
    )


def _links(wanted: PlanFilter) -> Callable[..., str]:
    """Makes addresses of the board with something of `wanted` changed."""

    def href(**changes: Any) -> str:
        return f"{url_for('plan.index')}{filters.address(replace(wanted, **changes))}"

    return href


def _from_script() -> bool:
    return request.headers.get("X-Fragment") is not None
