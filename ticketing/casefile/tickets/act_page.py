"""The one page behind every act on a ticket: show the form, carry it out, or show both versions."""

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ticketing.casefile.tickets import commands, queries
from ticketing.casefile.tickets.models import Ticket
from ticketing.journal.queries import story
from ticketing.kernel.forms import BaseForm, VersionedForm
from ticketing.masters.people.guard import current_scope, current_user
from ticketing.procedure.permissions import Act


def act_page(
    ticket: Ticket,
    act: Act,
    form: BaseForm,
    command: Callable[..., Any],
    *,
    template: str = "tickets/act.html",
    done: str = "",
    more: dict[str, Any] | None = None,
    context: dict[str, Any] | None = None,
) -> ResponseReturnValue:
    """Answer a request to do `act` on `ticket` with `form`, which becomes `command`'s arguments.

    On success the person goes back to the ticket, or to his work list when the act took the ticket out
    of his reach. A conflict shows what others did after he opened
    the page beside what he typed, and lets him submit again on the present version.

    Raises NotPermitted, Conflict when the act is not possible at all and nothing was typed yet.
    """
    actor = current_user()
    if request.method == "GET":
        commands.allowed_step(ticket, act, actor)
    ticket_id = ticket.id
    if form.carry_out(command, ticket, actor=actor, **(more or {})):
        flash(done or f"已办理：{act}。", "success")
        if queries.within_reach(current_scope(), ticket_id):
            return redirect(url_for("tickets.show", ticket_id=ticket_id))
        return redirect(url_for("tickets.index"))
    newer = []
    if form.conflict is not None:
        ticket = queries.ticket_for(current_scope(), ticket_id)
        if form.conflict.seen is not None:
            newer = story(commands.SUBJECT, ticket_id, after_version=form.conflict.seen)
        if isinstance(form, VersionedForm):
            form.version.data = ticket.version
            form.version.raw_data = None
    page = render_template(
        template, ticket=ticket, act=act, form=form, newer=newer, **(context or {})
    )
    return page, form.status


def open_form(form_class: type[BaseForm], ticket: Ticket, **values: Any) -> Any:
    """A form for `ticket`, filled with `values` and the version the person is about to see."""
    return form_class(data={"version": ticket.version, **values})
