"""The one page behind every act on a ticket: show the form, carry it out, or show both versions."""

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ticketing.casefile.tickets import commands, guards, queries
from ticketing.casefile.tickets.models import Ticket
from ticketing.casefile.tickets.timeline import Line, since
from ticketing.journal.queries import story
from ticketing.kernel.forms import BaseForm, VersionedForm
from ticketing.masters.people.guard import current_scope, current_user
from ticketing.procedure.permissions import Act, roles_for

ENDPOINTS: dict[Act, str] = {
    Act.CORRECT: "intake.correct",
    Act.AMEND: "intake.amend",
    Act.DISPATCH: "dispatch.dispatch",
    Act.TRANSFER: "dispatch.transfer",
    Act.RETURN: "dispatch.send_back",
    Act.ASK_ASSISTANCE: "dispatch.ask_assistance",
    Act.FEED_BACK: "handling.feed_back",
    Act.FOLLOW_UP: "handling.follow_up",
    Act.ASSIST: "handling.assist",
    Act.REGRADE: "handling.regrade",
    Act.SETTLE_GRADE: "handling.settle_grade",
    Act.DIRECT: "escalation.direct",
    Act.MINUTE: "escalation.minute",
    Act.DRAFT_SPECIAL: "escalation.draft_special",
    Act.SUBMIT_SPECIAL: "escalation.submit_special",
    Act.INSTRUCT: "escalation.instruct",
    Act.EXTEND: "handling.extend",
    Act.RESOLVE: "handling.resolve",
    Act.SCHEDULE_SURVEY: "site_survey.acts.schedule",
    Act.RESURVEY: "site_survey.acts.resurvey",
    Act.CONCLUDE_SURVEY: "site_survey.acts.conclude",
    Act.DECLINE_REPAIR: "site_survey.acts.conclude",
    Act.CALL_BACK: "callback.call_back",
    Act.CLOSE: "closing.close",
    Act.REOPEN: "closing.reopen",
    Act.INVALIDATE: "closing.invalidate",
    Act.WITHDRAW: "closing.withdraw",
    Act.MERGE: "closing.merge",
}
"""The page on which each act of the road is done."""


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

    Where a paper is missing that the act needs first, the page says so and offers it instead of the form, or
    above it if the act has ends that do not need it.

    Raises NotPermitted, Conflict, Invalid when the act is not possible at all and nothing was typed yet.
    """
    actor = current_user()
    missing = []
    if request.method == "GET":
        step = commands.allowed_step(ticket, act, actor)
        guards.check_first(step, ticket, actor)
        missing = guards.missing(step, ticket, actor)
        if missing and not (act is Act.CALL_BACK and all(guard.at_end for guard in missing)):
            return render_template(
                "tickets/missing.html", ticket=ticket, act=act, missing=missing, **_cures()
            )
    ticket_id = ticket.id
    if form.carry_out(command, ticket, actor=actor, **(more or {})):
        flash(done or f"已办理：{act}。", "success")
        if queries.within_reach(current_scope(), ticket_id):
            return redirect(url_for("tickets.show", ticket_id=ticket_id))
        return redirect(url_for("tickets.index"))
    newer: list[Line] = []
    if form.conflict is not None:
        scope = current_scope()
        ticket = queries.ticket_for(scope, ticket_id)
        if form.conflict.seen is not None:
            told = story(commands.SUBJECT, ticket_id, after_version=form.conflict.seen)
            newer = since(told, queries.sees_phone(scope, ticket))
        if isinstance(form, VersionedForm):
            form.version.data = ticket.version
            form.version.raw_data = None
    page = render_template(
        template,
        ticket=ticket,
        act=act,
        form=form,
        newer=newer,
        missing=missing,
        **_cures(),
        **(context or {}),
    )
    return page, form.status


def _cures() -> dict[str, Any]:
    """What a page needs to say who can make what is missing, and where."""
    return {"endpoints": ENDPOINTS, "roles_for": roles_for}


def open_form(form_class: type[BaseForm], ticket: Ticket, **values: Any) -> Any:
    """A form for `ticket`, filled with `values` and the version the person is about to see."""
    return form_class(data={"version": ticket.version, **values})
