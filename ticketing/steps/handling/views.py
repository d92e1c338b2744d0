"""Pages of handling."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from ticketing.casefile.tickets import grading, queries
from ticketing.casefile.tickets.act_page import act_page, open_form
from ticketing.casefile.timers import queries as timers
from ticketing.masters.people.guard import current_scope, requires
from ticketing.procedure.deadlines import ClockKind
from ticketing.procedure.permissions import Act
from ticketing.procedure.suggestions import suspected
from ticketing.steps.handling import commands
from ticketing.steps.handling.forms import (
    AssistForm,
    ExtendForm,
    FeedBackForm,
    FollowUpForm,
    RegradeForm,
    ResolveForm,
    SettleGradeForm,
)

bp = Blueprint("handling", __name__, url_prefix="/tickets/<int:ticket_id>")


@bp.route("/feed-back", methods=["GET", "POST"])
@requires(Act.FEED_BACK)
def feed_back(ticket_id: int) -> ResponseReturnValue:
    """The department's first answer (procedure 3.4.2.2)."""
    ticket = queries.ticket_for(current_scope(), ticket_id)
    return act_page(ticket, Act.FEED_BACK, open_form(FeedBackForm, ticket), commands.feed_back)


@bp.route("/follow-up", methods=["GET", "POST"])
@requires(Act.FOLLOW_UP)
def follow_up(ticket_id: int) -> ResponseReturnValue:
    """A line of 已进行的跟踪行动 (procedure 3.4.4)."""
    ticket = queries.ticket_for(current_scope(), ticket_id)
    return act_page(ticket, Act.FOLLOW_UP, FollowUpForm(), commands.follow_up)


@bp.route("/assist", methods=["GET", "POST"])
@requires(Act.ASSIST)
def assist(ticket_id: int) -> ResponseReturnValue:
    """The asked department's reply (procedure 2.1.3)."""
    ticket = queries.ticket_for(current_scope(), ticket_id)
    return act_page(ticket, Act.ASSIST, AssistForm(), commands.assist)


@bp.route("/regrade", methods=["GET", "POST"])
@requires(Act.REGRADE)
def regrade(ticket_id: int) -> ResponseReturnValue:
    """Raise or lower the grade (procedure 3.4.7)."""
    ticket = queries.ticket_for(current_scope(), ticket_id)
    form = open_form(
        RegradeForm,
        ticket,
        grade=ticket.grade,
        marks=list(ticket.marks),
        claim_fen=ticket.claim_fen or 0,
    )
    return act_page(
        ticket,
        Act.REGRADE,
        form,
        commands.regrade,
        template="handling/regrade.html",
        context={
            "suspicions": suspected(ticket.content, ticket.marks),
            "proposal": grading.waiting_proposal(ticket),
        },
    )


@bp.route("/settle-grade", methods=["GET", "POST"])
@requires(Act.SETTLE_GRADE)
def settle_grade(ticket_id: int) -> ResponseReturnValue:
    """Confirm that a ticket is no longer major, or keep it so (procedure 3.4.7)."""
    ticket = queries.ticket_for(current_scope(), ticket_id)
    return act_page(
        ticket,
        Act.SETTLE_GRADE,
        open_form(SettleGradeForm, ticket),
        commands.settle_grade,
        template="handling/settle_grade.html",
        context={"proposal": grading.waiting_proposal(ticket)},
    )


@bp.route("/extend", methods=["GET", "POST"])
@requires(Act.EXTEND)
def extend(ticket_id: int) -> ResponseReturnValue:
    """A later completion date with the customer's consent (procedure 3.4.5-延)."""
    ticket = queries.ticket_for(current_scope(), ticket_id)
    form = open_form(ExtendForm, ticket, consent_by=ticket.caller_name)
    return act_page(
        ticket,
        Act.EXTEND,
        form,
        commands.extend,
        template="handling/extend.html",
        context={"running": timers.running(ticket.id, ClockKind.COMPLAINT)},
    )


@bp.route("/resolve", methods=["GET", "POST"])
@requires(Act.RESOLVE)
def resolve(ticket_id: int) -> ResponseReturnValue:
    """Done: the customer will be called (procedure 3.4.5)."""
    ticket = queries.ticket_for(current_scope(), ticket_id)
    form = open_form(ResolveForm, ticket, customer_opinion=ticket.customer_opinion)
    return act_page(ticket, Act.RESOLVE, form, commands.resolve)
