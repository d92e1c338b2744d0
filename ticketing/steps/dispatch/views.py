"""Pages of dispatch."""

from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue

from ticketing.casefile.tickets import queries
from ticketing.casefile.tickets.act_page import act_page, open_form
from ticketing.masters.people import queries as people
from ticketing.masters.people.guard import current_scope, requires
from ticketing.procedure.permissions import Act
from ticketing.procedure.suggestions import DEPARTMENT_OF, likely_category, suspected
from ticketing.steps.dispatch import commands
from ticketing.steps.dispatch.forms import AssistanceForm, DispatchForm, SendBackForm, TransferForm

bp = Blueprint("dispatch", __name__, url_prefix="/tickets/<int:ticket_id>")


def _offer_people(form: DispatchForm | TransferForm) -> dict[str, Any]:
    """Fill departments and handlers; returns what the page needs to narrow the handlers."""
    departments = people.departments()
    form.department_id.offer(
        (d.id, f"{d.name}（{d.handler.name}）" if d.handler else d.name) for d in departments
    )
    handlers = people.possible_handlers()
    names = {d.id: d.name for d in departments}
    handlers = [user for user in handlers if user.department_id in names]
    form.handler_id.offer(
        ((user.id, user.name) for user in handlers),
        groups=[names[user.department_id or 0] for user in handlers],
    )
    if isinstance(form, DispatchForm):
        form.assisting_ids.offer((d.id, d.name) for d in departments)
    codes = {d.code: d.id for d in departments}
    usual = {c.value: codes[code] for c, code in DEPARTMENT_OF.items() if code in codes}
    return {"usual_departments": usual}


@bp.route("/dispatch", methods=["GET", "POST"])
@requires(Act.DISPATCH)
def dispatch(ticket_id: int) -> ResponseReturnValue:
    """Classify and assign (procedure 3.4.2)."""
    ticket = queries.ticket_for(current_scope(), ticket_id)
    likely = ticket.category or likely_category(ticket.content)
    form = open_form(
        DispatchForm,
        ticket,
        category=likely,
        grade=ticket.grade,
        marks=list(ticket.marks),
        claim_fen=ticket.claim_fen or 0,
    )
    offered = _offer_people(form)
    if likely is not None and ticket.category is None:
        form.department_id.data = form.department_id.data or offered["usual_departments"].get(
            likely.value
        )
    return act_page(
        ticket,
        Act.DISPATCH,
        form,
        commands.dispatch,
        template="dispatch/dispatch.html",
        done=f"{ticket.number} 已分派。",
        context={
            **offered,
            "likely": likely if ticket.category is None else None,
            "suspicions": suspected(ticket.content, ticket.marks),
        },
    )


@bp.route("/transfer", methods=["GET", "POST"])
@requires(Act.TRANSFER)
def transfer(ticket_id: int) -> ResponseReturnValue:
    """Assign to somebody else."""
    ticket = queries.ticket_for(current_scope(), ticket_id)
    form = open_form(
        TransferForm, ticket, category=ticket.category, department_id=ticket.department_id
    )
    return act_page(
        ticket,
        Act.TRANSFER,
        form,
        commands.transfer,
        template="dispatch/dispatch.html",
        context=_offer_people(form),
    )


@bp.route("/send-back", methods=["GET", "POST"])
@requires(Act.RETURN)
def send_back(ticket_id: int) -> ResponseReturnValue:
    """The department returns it."""
    ticket = queries.ticket_for(current_scope(), ticket_id)
    return act_page(
        ticket,
        Act.RETURN,
        open_form(SendBackForm, ticket),
        commands.send_back,
        done=f"{ticket.number} 已退回。",
    )


@bp.route("/ask-assistance", methods=["GET", "POST"])
@requires(Act.ASK_ASSISTANCE)
def ask_assistance(ticket_id: int) -> ResponseReturnValue:
    """Ask another department to help (procedure 2.1.3)."""
    ticket = queries.ticket_for(current_scope(), ticket_id)
    form = open_form(AssistanceForm, ticket)
    form.department_id.offer(
        (d.id, d.name) for d in people.departments() if d.id != ticket.department_id
    )
    return act_page(ticket, Act.ASK_ASSISTANCE, form, commands.ask_assistance)
