"""Pages of work orders: the list, the sheet, a new order, the part on the ticket's page."""

from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ticketing.casefile.defects.models import Defect
from ticketing.casefile.tickets import queries as tickets
from ticketing.casefile.tickets import views as ticket_views
from ticketing.casefile.tickets.models import Ticket
from ticketing.casefile.tickets.views import Chip, Panel
from ticketing.casefile.timers import queries as timers
from ticketing.journal.queries import StoryLine, story
from ticketing.kernel.errors import Conflict, NotFound, NotPermitted
from ticketing.kernel.text import row_id
from ticketing.masters.people.guard import current_scope, current_user, requires
from ticketing.masters.people.handing_out import hand_out
from ticketing.masters.people.models import User
from ticketing.masters.people.scope import Scope
from ticketing.procedure.deadlines import ClockKind
from ticketing.procedure.permissions import Act
from ticketing.procedure.repair_roads import order_steps_from
from ticketing.procedure.repairs import Inspector, OrderClass
from ticketing.procedure.vocabulary import Role, TicketStage
from ticketing.steps.site_survey import queries as surveys
from ticketing.steps.work_orders import commands, filing, lists, paper, pictures, queries
from ticketing.steps.work_orders.act_page import ENDPOINTS
from ticketing.steps.work_orders.act_views import bp as acts
from ticketing.steps.work_orders.approving import is_approved
from ticketing.steps.work_orders.forms import DraftForm
from ticketing.steps.work_orders.models import WorkOrder
from ticketing.steps.work_orders.queries import Again
from ticketing.steps.work_orders.road import ORDERS, leads

bp = Blueprint("work_orders", __name__)
bp.register_blueprint(acts)

MAIN_ACTS = frozenset(
    {
        Act.SUBMIT_ORDER,
        Act.APPROVE_ORDER,
        Act.ISSUE_ORDER,
        Act.INSPECT_ORDER,
        Act.SIGN_OFF,
    }
)


OWN_CLOCKS = (ClockKind.REPAIR, ClockKind.EMERGENCY_APPROVAL, ClockKind.COST_STATEMENT)
"""The clocks an order's page tells of; what an account owes later stands on its own page."""

PANELS: list[Callable[[Scope, User, WorkOrder], Panel | None]] = []
"""Rooms above add their panels here; one that has nothing to show for an order gives None."""


def panels_of(scope: Scope, actor: User, order: WorkOrder) -> list[Panel]:
    """What the rooms above show on an order's page."""
    return [panel for make in PANELS if (panel := make(scope, actor, order))]


@bp.get("/orders/")
@requires(Act.READ_ORDER)
def index() -> ResponseReturnValue:
    """The orders: chips with counts as filters, next deadline first, filters in the address."""
    scope, wanted = current_scope(), lists.from_query(request.args)
    rows, following = lists.page(scope, wanted)
    communities, teams = lists.filter_choices(scope)
    return render_template(
        "orders/index.html",
        rows=rows,
        following=following,
        wanted=wanted,
        counts=lists.counts(scope),
        chips=ticket_views.chips_of(scope, but=chip),
        piles=lists.Pile,
        communities=communities,
        teams=teams,
    )


@bp.get("/orders/orders.xlsx")
@requires(Act.EXPORT)
def export() -> ResponseReturnValue:
    """The list as a workbook: the same rows and scope as on screen; journalled."""
    scope, wanted = current_scope(), lists.from_query(request.args)
    return hand_out("派工单", lambda path: paper.write_orders(path, scope, wanted))


@bp.get("/orders/<int:order_id>")
@requires(Act.READ_ORDER)
def show(order_id: int) -> ResponseReturnValue:
    """One order: the sheet in the paper's words, its clocks, approvals, pictures, next steps and story.

    Its captain is led to his own page of it.
    """
    scope, actor = current_scope(), current_user()
    order = queries.order_for(scope, order_id)
    if scope.roles == {Role.CAPTAIN} and leads(order, actor):
        return redirect(url_for("phone.order", order_id=order_id))
    steps = [
        step
        for step in order_steps_from(order.stage)
        if step.act in ENDPOINTS and ORDERS.offered(step, order, actor)
    ]
    if any(step.act is Act.APPROVE_ORDER for step in steps):
        steps = [step for step in steps if step.act is not Act.RETURN_ORDER]
    main = MAIN_ACTS
    if order.asked_until:
        main |= {Act.EXTEND_ORDER}
    if order.ticket.urgent:
        main |= {Act.ISSUE_FIRST}
    return render_template(
        "orders/show.html",
        order=order,
        items=paper.items_of(order, surveys.findings_of(order.survey_id)),
        tier=paper.tier_of(order),
        round=order.rounds[-1] if order.rounds else None,
        unapproved=bool(order.emergency) and not is_approved(order),
        limit=paper.limit_words(order),
        inspected_for=Inspector(order.inspected_for).label if order.inspected_for else "",
        clocks=[
            one
            for one in timers.of_ticket(order.ticket_id)
            if one.clock.order_id == order.id and one.clock.kind in OWN_CLOCKS
        ],
        chain=queries.chain_of(order),
        pictures=pictures.pictures_of(order),
        place=filing.place_of(order, actor),
        story=paper.told(story(ORDERS.subject, order.id)),
        main_steps=[step for step in steps if step.act in main],
        other_steps=[step for step in steps if step.act not in main | {Act.STRIKE_USE}],
        strikes=any(step.act is Act.STRIKE_USE for step in steps),
        endpoints=ENDPOINTS,
        sees_phone=tickets.sees_phone(scope, order.ticket),
        sees_ticket=scope.may(Act.READ_TICKET)
        and (scope.sees_all_tickets or tickets.within_reach(scope, order.ticket_id)),
        following=lists.next_to_sign(scope, order.id) if order.stage.is_open else None,
        panels=panels_of(scope, actor, order),
    )


@bp.route("/tickets/<int:ticket_id>/orders/new", methods=["GET", "POST"])
@requires(Act.DRAFT_ORDER)
def draft(ticket_id: int) -> ResponseReturnValue:
    """A new order for what waits, of the class of ``?class=``; or with ``?rework=`` for a repair that did not hold."""
    scope, actor = current_scope(), current_user()
    ticket = tickets.ticket_for(scope, ticket_id)
    if request.method == "GET":
        commands.may_draft(ticket, actor)
    again = _again(ticket)
    first = again.order if again else None
    order_class = again.order_class if again else _asked_class()
    findings = [] if again else queries.to_order(ticket.id).get(order_class, [])
    defects = again.defects if again else [one.defect for one in findings]
    form = DraftForm(
        data={
            "defect_ids": [one.id for one in defects],
            "team_id": first.team_id if first else surveys.team_of(ticket.id),
            "scope": "\n".join(one.told for one in defects),
            "estimate_fen": 0 if first else sum(one.estimate_fen or 0 for one in findings),
        }
    )
    offered = defects if request.method == "GET" or first else _decided(ticket, order_class)
    form.defect_ids.offer((one.id, one.told) for one in offered)
    form.team_id.offer(queries.team_choices(ticket.community_id))
    if form.carry_out(
        commands.draft,
        ticket,
        order_class=order_class,
        rework_of_id=first.id if first else None,
        actor=actor,
    ):
        flash(f"{form.number or '派工单'} 已拟，请核对后报费用审批。", "success")
        return redirect(url_for("work_orders.show", order_id=form.outcome))
    page = render_template(
        "orders/draft.html",
        ticket=ticket,
        form=form,
        first=first,
        order_class=order_class,
        again=again,
        findings={one.defect_id: one for one in findings},
        choices=paper.choices(findings, defects),
    )
    return page, form.status


def _asked_class() -> OrderClass:
    """The class the address asks for. Raises NotFound for what no order can have."""
    try:
        asked = OrderClass(request.args.get("class", ""))
    except ValueError:
        raise NotFound from None
    if not asked.repairs:
        raise NotFound
    return asked


def _again(ticket: Ticket) -> Again | None:
    """The repair the address names as one that did not hold, of the class it asks for. Raises NotFound, Conflict."""
    if "rework" not in request.args:
        return None
    wanted = request.args.get("rework", type=row_id)
    asked = _asked_class() if "class" in request.args else None
    for one in queries.waiting(ticket).again:
        if one.order.id == wanted and asked in (None, one.order_class):
            return one
    first = next((one for one in queries.of_ticket(ticket.id) if one.id == wanted), None)
    if first is None:
        raise NotFound
    if request.method == "GET":
        raise Conflict("这张派工单不需要返修，或已拟返修单。")
    defects = [item.defect for item in first.items]
    return Again(first, asked or first.order_class, defects, surveyed=False)


def _decided(ticket: Ticket, order_class: OrderClass) -> list[Defect]:
    """All defects decided for a class, ordered already or not: a form sent twice names what the first one took."""
    survey = surveys.latest(ticket.id)
    findings = survey.findings if survey else []
    return [one.defect for one in findings if one.decided is order_class]


def panel(scope: Scope, actor: User, ticket: Ticket, _told: list[StoryLine]) -> Panel | None:
    """派工 on the ticket's page: what still waits for an order, by class; the orders; what can be repaired again."""
    if not ticket.repair or not scope.may(Act.READ_ORDER):
        return None
    try:
        commands.may_draft(ticket, actor)
        drafts = True
    except (NotPermitted, Conflict):
        drafts = False
    orders = queries.of_ticket(ticket.id)
    repairing = ticket.stage is TicketStage.REPAIRING
    waiting = queries.waiting(ticket, orders) if repairing else None
    return Panel(
        "orders/_panel.html",
        {
            "orders": orders,
            "waiting": waiting.fresh if waiting else {},
            "rework": waiting.again if waiting else [],
            "drafts": drafts,
            "days_of": paper.days_of,
            "trades_of": commands.trades_of,
        },
    )


def chip(scope: Scope) -> Chip | None:
    """待审批 above the work list of those who sign for the money."""
    if not scope.may(Act.APPROVE_ORDER):
        return None
    return Chip("待我审批", queries.waiting_for(scope), url_for("work_orders.index", pile="mine"))


ticket_views.PANELS.append(panel)
ticket_views.CHIPS.append(chip)
