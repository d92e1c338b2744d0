"""Printing accounts: one, a pile of them, and the list to choose a pile from."""

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ticketing.casefile.papers import printing
from ticketing.casefile.tickets.views import qr_code
from ticketing.kernel import clock
from ticketing.masters.people.guard import current_scope, requires
from ticketing.procedure.permissions import Act
from ticketing.procedure.settlement_road import SIGNED
from ticketing.steps.settlement import lists, queries, sheet
from ticketing.steps.work_orders import lists as order_lists

bp = Blueprint("settlement_prints", __name__, url_prefix="/settlements")


@bp.get("/<int:settlement_id>/print")
@requires(Act.READ_SETTLEMENT, *SIGNED)
def one(settlement_id: int) -> ResponseReturnValue:
    """The 决算书 or 结算书 in the form's own layout, in every state (procedure 5.4)."""
    return _printed([settlement_id], url_for("settlements.show", settlement_id=settlement_id))


@bp.get("/print")
@requires(Act.READ_SETTLEMENT, *SIGNED)
def sheets() -> ResponseReturnValue:
    """Up to 50 of them, each on a new page: ``?id=1&id=2``."""
    ids = printing.chosen(request.args.getlist("id"), "决算结算书")
    return _printed(ids, url_for("settlement_prints.choose"))


@bp.get("/print/choose")
@requires(Act.READ_SETTLEMENT, *SIGNED)
def choose() -> ResponseReturnValue:
    """The list of accounts with a box before each: what is ticked is printed."""
    scope, wanted = current_scope(), lists.from_query(request.args)
    rows, following = lists.page(scope, wanted)
    communities, teams = order_lists.filter_choices(scope)
    return render_template(
        "settlements/print_choose.html",
        rows=rows,
        following=following,
        wanted=wanted,
        piles=lists.Pile,
        communities=communities,
        teams=teams,
    )


def _printed(settlement_ids: list[int], back: str) -> ResponseReturnValue:
    found = queries.settlements_for(current_scope(), settlement_ids)
    return render_template(
        "settlements/print.html",
        papers=[sheet.paper_of(one) for one in found],
        qr={
            one.id: qr_code(url_for("settlements.show", settlement_id=one.id, _external=True))
            for one in found
        },
        back=back,
        now=clock.now(),
    )
