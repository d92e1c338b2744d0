"""Pages of tickets: the work list with its counts, one ticket with its story, its paper, the workbook."""

from collections.abc import Callable
from typing import Any, NamedTuple

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from ticketing.casefile.tickets import commands, filters, guards, lists, paper, queries
from ticketing.casefile.tickets.act_page import ENDPOINTS
from ticketing.casefile.tickets.models import Ticket
from ticketing.casefile.timers import queries as timers
from ticketing.journal.queries import StoryLine, story
from ticketing.masters.people.guard import current_scope, current_user, requires
from ticketing.masters.people.handing_out import hand_out
from ticketing.masters.people.models import User
from ticketing.masters.people.scope import Scope
from ticketing.procedure.permissions import Act
from ticketing.procedure.suggestions import suspected
from ticketing.procedure.vocabulary import Category, Role, TicketStage
from ticketing.procedure.workflow import Step, steps_from

bp = Blueprint("tickets", __name__, url_prefix="/tickets")

MAIN_ACTS = frozenset(
    {
        Act.DISPATCH,
        Act.FEED_BACK,
        Act.RESOLVE,
        Act.CALL_BACK,
        Act.ASSIST,
        Act.SETTLE_GRADE,
        Act.DIRECT,
        Act.CONCLUDE_SURVEY,
        Act.DECLINE_REPAIR,
    }
)

OWN_STAGES: dict[Role, tuple[TicketStage, ...]] = {
    Role.CLERK: (TicketStage.CALLBACK,),
    Role.OFFICE: (TicketStage.REGISTERED, TicketStage.CALLBACK),
    Role.CS_MANAGER: (TicketStage.REGISTERED, TicketStage.CALLBACK),
    Role.HANDLER: (TicketStage.DISPATCHED, TicketStage.HANDLING),
    Role.ENGINEER: (TicketStage.DISPATCHED, TicketStage.HANDLING),
}
"""Which stages wait for whom: what a role's work list leads to after an act."""


class Panel(NamedTuple):
    """A part of a ticket's page that a room above fills: its template and what it shows."""

    template: str
    data: Any


PANELS: list[Callable[[Scope, User, Ticket, list[StoryLine]], Panel | None]] = []
"""Rooms above add their panels here; one that has nothing to show for a ticket gives None."""

PRINTED: list[Callable[[Ticket], list[str]]] = []
"""Rooms above add here what stands below the complaint on the printed form, line by line."""


class Chip(NamedTuple):
    """A count above the work list that leads to a list of a room above."""

    label: str
    total: int
    address: str


CHIPS: list[Callable[[Scope], Chip | None]] = []
"""Rooms above add their counts here; one that has nothing for a person gives None."""


def chips_of(scope: Scope, *, but: Callable[[Scope], Chip | None] | None = None) -> list[Chip]:
    """The counts of the rooms above for a person; without that of the room whose page shows them."""
    return [chip for make in CHIPS if make is not but and (chip := make(scope))]


@bp.get("/")
@requires(Act.READ_TICKET)
def index() -> ResponseReturnValue:
    """The work list: chips with counts as filters, next deadline first, filters in the address."""
    scope, wanted = current_scope(), filters.from_query(request.args)
    if wanted.words and (ticket_id := queries.by_number(scope, wanted.words)):
        return redirect(url_for("tickets.show", ticket_id=ticket_id))
    rows, following = lists.page(scope, wanted)
    communities, departments = lists.filter_choices(scope)
    return render_template(
        "tickets/index.html",
        rows=rows,
        following=following,
        wanted=wanted,
        counts=lists.counts(scope),
        chips=chips_of(scope),
        communities=communities,
        departments=departments,
    )


@bp.get("/register.xlsx")
@requires(Act.EXPORT)
def export() -> ResponseReturnValue:
    """The list as a workbook: the same rows, scope and masking as on screen; journalled."""
    scope, wanted = current_scope(), filters.from_query(request.args)
    masked = not paper.may_see_all_phones(scope)
    return hand_out(
        "来电来访登记表", lambda path: paper.write_register(path, scope, wanted, masked=masked)
    )


@bp.get("/<int:ticket_id>")
@requires(Act.READ_TICKET)
def show(ticket_id: int) -> ResponseReturnValue:
    """One ticket: facts, clocks, next steps, and its whole story."""
    scope, actor = current_scope(), current_user()
    ticket = queries.ticket_with_story(scope, ticket_id)
    steps, told = _possible_steps(ticket, actor), story(commands.SUBJECT, ticket.id)
    same_call, merged_in = queries.of_call_and_merged(scope, ticket)
    usual = {Act.SCHEDULE_SURVEY} if ticket.category is Category.ENGINEERING else set()
    return render_template(
        "tickets/show.html",
        ticket=ticket,
        story=told,
        panels=[panel for make in PANELS if (panel := make(scope, actor, ticket, told))],
        suspicions=suspected(ticket.content, ticket.marks)
        if scope.may(Act.REGRADE) and ticket.is_open
        else [],
        clocks=timers.of_ticket(ticket.id),
        main_steps=[step for step in steps if step.act in MAIN_ACTS | usual],
        other_steps=[step for step in steps if step.act not in MAIN_ACTS | usual],
        endpoints=ENDPOINTS,
        sees_phone=queries.sees_phone(scope, ticket),
        same_call=same_call,
        merged_in=merged_in,
        following=_next_ticket(scope, ticket.id),
    )


def _possible_steps(ticket: Ticket, actor: User) -> list[Step[TicketStage]]:
    """The steps this person can take now: role and state by the table, guards that need no input."""
    roles = guards.roles_on(ticket, actor)
    return [
        step
        for step in steps_from(ticket.stage)
        if step.act in ENDPOINTS and step.roles & roles and guards.offered(step, ticket, actor)
    ]


def _next_ticket(scope: Scope, ticket_id: int) -> int | None:
    stages = [stage for role in scope.roles for stage in OWN_STAGES.get(role, ())]
    return queries.next_due(scope, ticket_id, stages) if stages else None


@bp.get("/<int:ticket_id>/print")
@requires(Act.READ_TICKET)
def print_form(ticket_id: int) -> ResponseReturnValue:
    """The 来电来访登记表 in the form's own layout, for A4 (procedure 5.3)."""
    scope = current_scope()
    ticket = queries.ticket_with_story(scope, ticket_id)
    address = url_for("tickets.show", ticket_id=ticket.id, _external=True)
    return render_template(
        "tickets/print.html",
        ticket=ticket,
        sees_phone=queries.sees_phone(scope, ticket),
        items=[line for lines in PRINTED for line in lines(ticket)],
        qr=qr_code(address),
    )


def qr_code(address: str) -> Markup:
    """A QR code leading to `address`, for a printed paper."""
    return Markup(paper.qr_svg(address))
