"""Pages of closing and the side exits."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue

from ticketing.casefile.tickets import queries
from ticketing.casefile.tickets.act_page import act_page, open_form
from ticketing.masters.people.guard import current_scope, requires
from ticketing.procedure.permissions import Act
from ticketing.steps.closing import commands
from ticketing.steps.closing.forms import MergeForm, ReasonForm

bp = Blueprint("closing", __name__, url_prefix="/tickets/<int:ticket_id>")


def _with_reason(ticket_id: int, act: Act, command: Callable[..., Any]) -> ResponseReturnValue:
    ticket = queries.ticket_for(current_scope(), ticket_id)
    return act_page(ticket, act, open_form(ReasonForm, ticket), command)


@bp.route("/close", methods=["GET", "POST"])
@requires(Act.CLOSE)
def close(ticket_id: int) -> ResponseReturnValue:
    """Close after three unanswered callbacks (procedure 3.5.4)."""
    return _with_reason(ticket_id, Act.CLOSE, commands.close)


@bp.route("/reopen", methods=["GET", "POST"])
@requires(Act.REOPEN)
def reopen(ticket_id: int) -> ResponseReturnValue:
    """Take a closed ticket up again (procedure 3.4.2)."""
    return _with_reason(ticket_id, Act.REOPEN, commands.reopen)


@bp.route("/invalidate", methods=["GET", "POST"])
@requires(Act.INVALIDATE)
def invalidate(ticket_id: int) -> ResponseReturnValue:
    """Judge a ticket invalid (procedure 3.4.2)."""
    return _with_reason(ticket_id, Act.INVALIDATE, commands.invalidate)


@bp.route("/withdraw", methods=["GET", "POST"])
@requires(Act.WITHDRAW)
def withdraw(ticket_id: int) -> ResponseReturnValue:
    """The customer takes his complaint back (procedure 2.2.2)."""
    return _with_reason(ticket_id, Act.WITHDRAW, commands.withdraw)


@bp.route("/merge", methods=["GET", "POST"])
@requires(Act.MERGE)
def merge(ticket_id: int) -> ResponseReturnValue:
    """Let another ticket take this one over (procedure 2.2.2)."""
    scope = current_scope()
    ticket = queries.ticket_for(scope, ticket_id)
    form = open_form(MergeForm, ticket)
    near = queries.beside(
        scope, unit=ticket.unit, customer_id=ticket.customer_id, phone=ticket.caller_phone
    )
    candidates = [sibling for sibling in near if sibling.id != ticket.id]
    return act_page(
        ticket,
        Act.MERGE,
        form,
        commands.merge,
        template="closing/merge.html",
        more={"scope": scope},
        context={"candidates": candidates},
    )
