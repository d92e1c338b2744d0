"""Pages of the estate."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from ticketing.masters.estate import queries
from ticketing.masters.people.guard import current_scope, requires
from ticketing.procedure.permissions import Act

bp = Blueprint("estate", __name__, url_prefix="/estate")


@bp.get("/")
@requires(Act.READ_ESTATE)
def index() -> ResponseReturnValue:
    """The communities of the person."""
    return render_template("base.html", communities=queries.communities(current_scope()))


@bp.get("/units/<int:unit_id>")
@requires(Act.READ_ESTATE)
def unit(unit_id: int) -> ResponseReturnValue:
    """One home."""
    return render_template("base.html", unit=queries.unit(current_scope(), unit_id))


@bp.get("/customers/<int:customer_id>")
@requires(Act.READ_ESTATE)
def customer(customer_id: int) -> ResponseReturnValue:
    """One customer."""
    return render_template("base.html", customer=queries.customer(current_scope(), customer_id))
