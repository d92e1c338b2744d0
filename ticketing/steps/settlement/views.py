"""Pages of accounts: the list, the paper, its workbook, the parts on the pages of the ticket, the order and the phone."""

from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ticketing.casefile.tickets import queries as tickets
from ticketing.casefile.tickets import views as ticket_views
from ticketing.casefile.tickets.models import Ticket
from ticketing.casefile.tickets.views import Chip, Panel
from ticketing.casefile.timers import queries as timers
from ticketing.journal.queries import StoryLine, story
from ticketing.kernel.errors import NotFound
from ticketing.kernel.text import row_id
from ticketing.masters.people.guard import current_scope, current_user, requires
from ticketing.masters.people.handing_out import hand_out
from ticketing.masters.people.models import User
from ticketing.masters.people.scope import Scope
from ticketing.procedure.permissions import Act
from ticketing.procedure.settlement_road import SIGNED, settlement_steps_from
from ticketing.procedure.vocabulary import Role
from ticketing.steps.settlement import listing, lists, paper, queries, sheet, workbook
from ticketing.steps.settlement.act_page import ENDPOINTS
from ticketing.steps.settlement.act_views import bp as acts
from ticketing.steps.settlement.forms import BeginForm
from ticketing.steps.settlement.lists import Pile
from ticketing.steps.settlement.models import Settlement
from ticketing.steps.settlement.road import SETTLEMENTS
from ticketing.steps.work_orders import lists as order_lists
from ticketing.steps.work_orders import queries as orders
from ticketing.steps.work_orders import views as order_views
from ticketing.steps.work_orders.models import WorkOrder
from ticketing.steps.work_orders.pictures import pictures_of

bp = Blueprint("settlements", __name__)
bp.register_blueprint(acts)

OTHER_ACTS = frozenset({Act.RETURN_SETTLEMENT, Act.DISPUTE_ACCOUNT, Act.REVIEW_AGAIN})
"""Acts that are not the usual next step."""


@bp.get("/settlements/")
@requires(Act.READ_SETTLEMENT, *SIGNED)
def index() -> ResponseReturnValue:
    """The accounts: chips with counts as filters, next deadline first, filters in the address; a captain's orders to account for."""
    scope, wanted = current_scope(), lists.from_query(request.args)
    rows, following = lists.page(scope, wanted)
    communities, teams = order_lists.filter_choices(scope)
    begins = Role.CAPTAIN in scope.roles and wanted.pile in (None, Pile.MINE, Pile.BEGIN)
    return render_template(
        "settlements/index.html",
        rows=rows,
        following=following,
        wanted=wanted,
        counts=lists.counts(scope),
        piles=Pile,
        communities=communities,
        teams=teams,
        to_account=[(one, BeginForm()) for one in queries.to_account(scope)]
        if begins and not wanted.after
        else [],
    )


@bp.get("/settlements/settlements.xlsx")
@requires(Act.READ_SETTLEMENT, *SIGNED)
def export() -> ResponseReturnValue:
    """The list as a workbook: the same rows and scope as on screen; journalled."""
    scope, wanted = current_scope(), lists.from_query(request.args)
    return hand_out("决算结算", lambda path: paper.write_settlements(path, scope, wanted))


@bp.get("/settlements/<int:settlement_id>")
@requires(Act.READ_SETTLEMENT, *SIGNED)
def show(settlement_id: int) -> ResponseReturnValue:
    """One account: the paper with both sides, who did what when, its clocks, the next steps, its story."""
    scope, actor = current_scope(), current_user()
    settlement = queries.settlement_for(scope, settlement_id)
    revision = _revision(settlement)
    lines = (
        queries.lines_of(settlement, revision)
        if revision != settlement.revision
        else settlement.lines
    )
    steps = [
        step
        for step in settlement_steps_from(settlement.stage)
        if step.act in ENDPOINTS and SETTLEMENTS.offered(step, settlement, actor)
    ]
    if any(step.act is Act.CERTIFY for step in steps):
        steps = [step for step in steps if step.act is not Act.RETURN_SETTLEMENT]
    return render_template(
        "settlements/show.html",
        settlement=settlement,
        revision=revision,
        lines=lines,
        sums=paper.sums_of(settlement, lines),
        beside=listing.beside(settlement, lines),
        paper=sheet.paper_of(settlement),
        waits=lists.waits_for(
            settlement.stage,
            settlement.route,
            settlement.order_class,
            settlement.compiled_at is not None,
        ),
        clocks=[
            one
            for one in timers.of_ticket(settlement.ticket_id)
            if one.clock.order_id == settlement.order_id and one.clock.kind in lists.CLOCKS
        ],
        story=paper.told(story(SETTLEMENTS.subject, settlement.id)),
        main_steps=[step for step in steps if step.act not in OTHER_ACTS],
        other_steps=[step for step in steps if step.act in OTHER_ACTS],
        endpoints=ENDPOINTS,
        **_linked(scope, settlement),
        following=lists.next_of_mine(scope, settlement.id),
    )


def _revision(settlement: Settlement) -> int:
    """The revision the address asks for, the present one by default. Raises NotFound."""
    if "revision" not in request.args:
        return settlement.revision
    wanted = request.args.get("revision", default=0, type=row_id)
    if not 1 <= wanted <= settlement.revision:
        raise NotFound
    return wanted


def _linked(scope: Scope, settlement: Settlement) -> dict[str, Any]:
    """Which of the papers before it this person may open, and the pictures if the order is one of them."""
    sees_order = scope.may(Act.READ_ORDER) and orders.within_reach(scope, settlement.order_id)
    return {
        "sees_order": sees_order,
        "sees_survey": sees_order and scope.may(Act.READ_SURVEY),
        "sees_ticket": scope.may(Act.READ_TICKET)
        and tickets.within_reach(scope, settlement.ticket_id),
        "pictures": pictures_of(settlement.order) if sees_order else [],
    }


@bp.get("/settlements/<int:settlement_id>/account.xlsx")
@requires(Act.READ_SETTLEMENT, *SIGNED)
def account(settlement_id: int) -> ResponseReturnValue:
    """The paper as a workbook with live sums (procedure 5.4); journalled."""
    found = sheet.paper_of(queries.settlement_for(current_scope(), settlement_id))
    return hand_out(
        f"{found.title} {found.number}", lambda path: workbook.write_accounts(path, [found])
    )


def _reads(scope: Scope) -> bool:
    """Whether this person reads accounts, or signs some as a deputy."""
    return any(scope.may(act) for act in (Act.READ_SETTLEMENT, *SIGNED))


def of_ticket(scope: Scope, _actor: User, ticket: Ticket, _told: list[StoryLine]) -> Panel | None:
    """决算结算 on the ticket's page: the accounts of its orders."""
    if not ticket.repair or not _reads(scope):
        return None
    found = lists.of_ticket(scope, ticket.id)
    return Panel("settlements/_panel.html", {"rows": found, "order": None}) if found else None


def of_order(scope: Scope, actor: User, order: WorkOrder) -> Panel | None:
    """决算结算 on the order's page: its account, or for its captain the button that begins one."""
    if not _reads(scope):
        return None
    found = lists.of_order(scope, order.id)
    begins = (
        not found
        and Role.CAPTAIN in scope.roles
        and order.team is not None
        and order.team.captain_id == actor.id
        and queries.accountable(order)
    )
    if not (found or begins):
        return None
    return Panel(
        "settlements/_panel.html",
        {"rows": found, "order": order if begins else None, "form": BeginForm()},
    )


def chip(scope: Scope) -> Chip | None:
    """待办决算 above the first list of those who have a step in it."""
    if not _reads(scope):
        return None
    total = lists.mine(scope)
    if Role.CAPTAIN in scope.roles:
        total += queries.count_to_account(scope)
    return Chip("待办决算结算", total, url_for("settlements.index", pile="mine"))


ticket_views.PANELS.append(of_ticket)
ticket_views.CHIPS.append(chip)
order_views.PANELS.append(of_order)
