"""The callback page."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from ticketing.casefile.tickets import queries
from ticketing.casefile.tickets.act_page import act_page, open_form
from ticketing.masters.people.guard import current_scope, requires
from ticketing.procedure.permissions import Act
from ticketing.steps.callback import commands
from ticketing.steps.callback.forms import CallbackForm

bp = Blueprint("callback", __name__, url_prefix="/tickets/<int:ticket_id>")


@bp.route("/call-back", methods=["GET", "POST"])
@requires(Act.CALL_BACK)
def call_back(ticket_id: int) -> ResponseReturnValue:
    """Ring the customer and write down his answer (procedure 3.5.4)."""
    scope = current_scope()
    ticket = queries.ticket_for(scope, ticket_id)
    return act_page(
        ticket,
        Act.CALL_BACK,
        open_form(CallbackForm, ticket, reached=True),
        commands.call_back,
        template="callback/call_back.html",
        done="回访已记录。",
        context={
            "sees_phone": queries.sees_phone(scope, ticket),
            "attempts": ticket.callbacks,
        },
    )
