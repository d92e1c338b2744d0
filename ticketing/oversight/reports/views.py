"""Pages of reports."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from ticketing.masters.people.guard import requires
from ticketing.procedure.permissions import Act

bp = Blueprint("reports", __name__, url_prefix="/reports")


@bp.get("/")
@requires(Act.READ_REPORT)
def index() -> ResponseReturnValue:
    """The reports of the person's offices."""
    return render_template("base.html")
