"""Pages of acceptance: inspection, the customer's signature filed by the office, rejection."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from ticketing.casefile.papers.act_page import open_form
from ticketing.masters.people.guard import current_scope, current_user, requires
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import Inspector
from ticketing.steps.acceptance import commands
from ticketing.steps.acceptance.forms import InspectForm, RejectForm, SignOffForm
from ticketing.steps.work_orders import queries
from ticketing.steps.work_orders.act_page import order_page

bp = Blueprint("acceptance", __name__, url_prefix="/orders/<int:order_id>")


@bp.route("/inspect", methods=["GET", "POST"])
@requires(Act.INSPECT_ORDER)
def inspect(order_id: int) -> ResponseReturnValue:
    """Service, property or engineering finds the repair in order (procedure 3.5.3)."""
    order = queries.order_for(current_scope(), order_id)
    sides = commands.sides_of(order, current_user())
    form = open_form(InspectForm, order, inspected_for=sides[0])
    form.inspected_for.choices = [
        choice for choice in form.inspected_for.choices if Inspector(choice.value) in sides
    ]
    return order_page(
        order, Act.INSPECT_ORDER, form, commands.inspect, template="orders/inspect.html"
    )


@bp.route("/sign-off", methods=["GET", "POST"])
@requires(Act.SIGN_OFF)
def sign_off(order_id: int) -> ResponseReturnValue:
    """The customer signs at the office or on paper, or his refusal is put down (procedure 3.5.3)."""
    order = queries.order_for(current_scope(), order_id)
    form = open_form(SignOffForm, order, customer_name=order.ticket.caller_name)
    return order_page(order, Act.SIGN_OFF, form, commands.sign_off, template="orders/sign_off.html")


@bp.route("/reject", methods=["GET", "POST"])
@requires(Act.REJECT_WORK)
def reject(order_id: int) -> ResponseReturnValue:
    """Not in order: back to who did the work (procedure 3.5.3)."""
    order = queries.order_for(current_scope(), order_id)
    return order_page(
        order,
        Act.REJECT_WORK,
        open_form(RejectForm, order),
        commands.reject,
        template="orders/reject.html",
    )
