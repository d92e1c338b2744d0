"""Printing work orders: one, a pile of them, and the list to choose a pile from."""

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ticketing.casefile.papers import printing
from ticketing.casefile.tickets.views import qr_code
from ticketing.kernel import clock
from ticketing.masters.people.guard import current_scope, requires
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import Inspector
from ticketing.steps.work_orders import lists, sheet

bp = Blueprint("order_prints", __name__, url_prefix="/orders")


@bp.get("/<int:order_id>/print")
@requires(Act.READ_ORDER)
def one(order_id: int) -> ResponseReturnValue:
    """The 工程派工单 in the form's own layout, in every state (procedure 3.5.1)."""
    return _printed([order_id], url_for("work_orders.show", order_id=order_id))


@bp.get("/print")
@requires(Act.READ_ORDER)
def sheets() -> ResponseReturnValue:
    """Up to 50 of them, each on a new page: ``?id=1&id=2``."""
    ids = printing.chosen(request.args.getlist("id"), "派工单")
    return _printed(ids, url_for("order_prints.choose"))


@bp.get("/print/choose")
@requires(Act.READ_ORDER)
def choose() -> ResponseReturnValue:
    """The list of orders with a box before each: what is ticked is printed."""
    scope, wanted = current_scope(), lists.from_query(request.args)
    rows, following = lists.page(scope, wanted)
    communities, teams = lists.filter_choices(scope)
    return render_template(
        "orders/print_choose.html",
        rows=rows,
        following=following,
        wanted=wanted,
        piles=lists.Pile,
        communities=communities,
        teams=teams,
    )


def _printed(order_ids: list[int], back: str) -> ResponseReturnValue:
    found = sheet.sheets(current_scope(), order_ids)
    return render_template(
        "orders/print.html",
        sheets=found,
        qr={
            order_id: qr_code(url_for("work_orders.show", order_id=order_id, _external=True))
            for order_id in order_ids
        },
        sources=sheet.Source,
        inspectors=Inspector,
        back=back,
        now=clock.now(),
    )
