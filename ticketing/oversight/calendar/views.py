"""Pages of the working calendar: a year at a glance, a list from paste to force, closures."""

import hashlib
from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import Invalid
from ticketing.kernel.forms import BaseForm
from ticketing.masters.people.guard import current_user, requires
from ticketing.masters.workcalendar import commands as workcalendar
from ticketing.masters.workcalendar import queries as rows
from ticketing.masters.workcalendar.models import (
    CalendarProposal,
    ProposalKind,
    ProposalState,
    SpecialDay,
)
from ticketing.masters.workcalendar.notice import Notice, understand
from ticketing.masters.workcalendar.package import NamedDay, known_years
from ticketing.oversight.calendar import commands, months, queries, uploads
from ticketing.oversight.calendar.forms import ClosureForm, ListForm, ReopeningForm
from ticketing.procedure.permissions import Act

bp = Blueprint("calendar", __name__, url_prefix="/calendar")


@bp.get("/")
@requires(Act.READ_CALENDAR)
def index() -> ResponseReturnValue:
    """A year at a glance, where its days come from, what waits for a second person."""
    year = request.args.get("year", clock.today().year, type=int)
    first, last = known_years()[0], clock.today().year + 1
    year = year if first <= year <= workcalendar.LATEST else clock.today().year
    official, days = rows.year_row(year), rows.days_of(year)
    shown = [NamedDay(row.day, row.kind, row.name) for row in days]
    if official is None:
        shown += months.guessed(year)
    pending, editions = rows.pending(), rows.editions()
    people = [
        *(row.entered_by_id for row in days),
        *(waiting.proposed_by_id for waiting in pending),
        *(edition.actor_id for edition in editions),
        official.adopted_by_id if official else None,
    ]
    return render_template(
        "calendar/index.html",
        year=year,
        years=range(min(year, last - 4), max(last, year) + 1),
        official=official,
        months=months.months(year, shown),
        spans=months.spans(shown),
        pending=pending,
        editions=editions,
        names=queries.names(people),
    )


@bp.route("/adopt", methods=["GET", "POST"])
@requires(Act.MANAGE_CALENDAR)
def adopt() -> ResponseReturnValue:
    """Paste or upload a year's list, look at what was understood, propose it."""
    form, list_ = ListForm(), None
    if request.method == "POST":
        list_ = _read(form)
        seen, form.previewed.data = form.previewed.data, _mark(list_)
        if list_ is not None and request.form.get("step") == "propose":
            if seen != form.previewed.data:
                form.refuse(Invalid("内容在预览之后有改动，请核对新的预览后再提交。"))
            elif form.carry_out(commands.propose, workcalendar.propose_year, actor=current_user()):
                flash("已提出，等待第二人确认后生效。", "success")
                return redirect(url_for("calendar.index", year=list_.year))
    before = queries.named_days(list_.year) if list_ else []
    page = render_template(
        "calendar/adopt.html",
        form=form,
        list_=list_,
        months=months.months(list_.year, list_.days) if list_ else (),
        spans=months.spans(list_.days) if list_ else (),
        differences=_differences(list_.year, before, list(list_.days)) if list_ else (),
    )
    return page, form.status


def _read(form: ListForm) -> Notice | None:
    """What was pasted or uploaded, understood and checked; None with the refusal at its field."""
    try:
        if form.file.data:
            db.session.rollback()
            form.text.data, form.text.raw_data = uploads.as_text(form.file.data), None
        if not form.validate():
            form.status = 422
            return None
        list_ = understand(form.text.data, year=form.year.data, number=form.number.data)
        workcalendar.check_list(list_)
    except Invalid as error:
        form.refuse(error)
        return None
    form.number.data, form.number.raw_data = list_.number, None
    form.year.data, form.year.raw_data = list_.year, None
    return list_


def _mark(list_: Notice | None) -> str:
    """Stands for what the preview showed."""
    return hashlib.sha256(repr(list_).encode()).hexdigest()[:32] if list_ else ""


def _differences(year: int, before: list[NamedDay], after: list[NamedDay]) -> list[str]:
    """What changes against the rows of the year, or against what is assumed of it without them."""
    closures = [one for one in before if one.kind is SpecialDay.CLOSURE]
    if rows.year_row(year) is None:
        before = [*closures, *months.guessed(year)]
    return months.differences(before, [*closures, *after])


@bp.get("/proposals/<int:proposal_id>")
@requires(Act.READ_CALENDAR)
def proposal(proposal_id: int) -> ResponseReturnValue:
    """What a proposal would change, for the person who is to confirm it."""
    return _proposal_page(rows.proposal(proposal_id), BaseForm())


def _proposal_page(found: CalendarProposal, form: BaseForm) -> ResponseReturnValue:
    days = workcalendar.days_of(found)
    before = queries.named_days(found.year)
    whole = found.kind is ProposalKind.YEAR
    pending = found.state is ProposalState.PENDING
    page = render_template(
        "calendar/proposal.html",
        proposal=found,
        form=form,
        days=days,
        months=months.months(found.year, days) if whole else (),
        spans=months.spans(days) if whole else (),
        differences=_differences(found.year, before, days) if whole and pending else (),
        names=queries.names([found.proposed_by_id, found.decided_by_id]),
        own=found.proposed_by_id == current_user().id,
        pending=pending,
    )
    return page, form.status


@bp.post("/proposals/<int:proposal_id>/confirm")
@requires(Act.MANAGE_CALENDAR)
def confirm(proposal_id: int) -> ResponseReturnValue:
    """The second person puts it in force; due dates that have not come yet follow."""

    def done(outcome: commands.Outcome | None) -> str:
        if outcome is None:
            return "已生效。"
        return f"已生效。核对了 {outcome.looked_at} 个进行中的时限，其中 {outcome.moved} 个改期。"

    return _decide(proposal_id, commands.confirm, done)


@bp.post("/proposals/<int:proposal_id>/drop")
@requires(Act.MANAGE_CALENDAR)
def drop(proposal_id: int) -> ResponseReturnValue:
    """It is taken off the table."""
    return _decide(proposal_id, commands.drop, lambda _dropped: "已撤下，日历没有变动。")


def _decide(
    proposal_id: int, command: Callable[..., Any], told: Callable[[Any], str]
) -> ResponseReturnValue:
    form = BaseForm()
    if form.carry_out(command, proposal_id, actor=current_user()):
        flash(told(form.result), "success")
        return redirect(url_for("calendar.index", year=rows.proposal(proposal_id).year))
    return _proposal_page(rows.proposal(proposal_id), form)


@bp.route("/closures", methods=["GET", "POST"])
@requires(Act.MANAGE_CALENDAR)
def closures() -> ResponseReturnValue:
    """Ask that the company closes on a coming day."""
    form = ClosureForm()
    if form.carry_out(commands.propose, workcalendar.propose_closure, actor=current_user()):
        return _asked()
    return _closures_page(form, ReopeningForm(formdata=None), form.status)


@bp.post("/closures/lift")
@requires(Act.MANAGE_CALENDAR)
def lift() -> ResponseReturnValue:
    """Ask that a coming closure is lifted."""
    form = ReopeningForm()
    if form.carry_out(commands.propose, workcalendar.propose_reopening, actor=current_user()):
        return _asked()
    return _closures_page(ClosureForm(formdata=None), form, form.status)


def _asked() -> ResponseReturnValue:
    flash("已提出，等待第二人确认后生效。", "success")
    return redirect(url_for("calendar.closures"))


def _closures_page(form: ClosureForm, reopening: ReopeningForm, status: int) -> ResponseReturnValue:
    coming = rows.coming_closures()
    waiting = [one for one in rows.pending() if one.kind is not ProposalKind.YEAR]
    page = render_template(
        "calendar/closures.html",
        form=form,
        reopening=reopening,
        coming=coming,
        waiting_list=waiting,
        names=queries.names(
            [*(row.entered_by_id for row in coming), *(one.proposed_by_id for one in waiting)]
        ),
    )
    return page, status
