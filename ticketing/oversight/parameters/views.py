"""Pages of the parameters: what counts and why, what waits, what was; a proposal, its confirmation."""

from collections.abc import Callable
from typing import Any, NamedTuple

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ticketing.kernel import clock
from ticketing.masters.parameters import queries
from ticketing.masters.parameters.models import EditionState, ParameterEdition
from ticketing.masters.people.guard import current_user, requires
from ticketing.oversight.parameters import commands
from ticketing.oversight.parameters.forms import DecisionForm, ProposalForm
from ticketing.procedure.parameters import (
    PARAMETERS,
    PRESETS,
    STANDARD,
    Difference,
    Preset,
    differences,
    show,
)
from ticketing.procedure.permissions import Act

bp = Blueprint("parameters", __name__, url_prefix="/parameters")


class Told(NamedTuple):
    """An edition with what it changes."""

    edition: ParameterEdition
    changes: list[Difference]


@bp.get("/")
@requires(Act.READ_PARAMETERS)
def index() -> ResponseReturnValue:
    """Every value with its clause, what waits for confirmation, and the history (procedure 3.6.1)."""
    return _page(DecisionForm())


def _page(form: DecisionForm) -> ResponseReturnValue:
    editions = queries.editions()
    by_id = {one.id: one for one in editions}
    history = [
        Told(
            one,
            differences(by_id[one.based_on_id].limits if one.based_on_id else STANDARD, one.limits),
        )
        for one in editions
    ]
    present = by_id.get(queries.edition_on(clock.today()) or 0)
    limits = present.limits if present else STANDARD
    waiting = next((one for one in history if one.edition.state is EditionState.PENDING), None)
    if waiting is not None:
        form.version.data, form.version.raw_data = waiting.edition.version, None
    page = render_template(
        "parameters/index.html",
        rows=[(one, show(one, getattr(limits, one.name))) for one in PARAMETERS],
        present=present,
        confirmed=any(one.state is EditionState.CONFIRMED for one in editions),
        waiting=waiting,
        own=waiting is not None and waiting.edition.proposed_by.is_same_person(current_user()),
        history=[one for one in history if one.edition.state is not EditionState.PENDING],
        form=form,
    )
    return page, form.status


@bp.route("/propose", methods=["GET", "POST"])
@requires(Act.PROPOSE_PARAMETERS)
def propose() -> ResponseReturnValue:
    """A new edition: the values in force, or a preset, to change and send to the general manager."""
    presets = {one.value: one for one in Preset}
    preset = presets.get(request.args.get("preset", ""))
    present = queries.limits_on(clock.today())
    start = PRESETS[preset] if preset else present
    form = ProposalForm(data={**start._asdict(), "effective_on": clock.today()})
    if form.carry_out(commands.propose, actor=current_user()):
        flash("已拟定，等总经理确认后生效。", "success")
        return redirect(url_for("parameters.index"))
    page = render_template(
        "parameters/propose.html",
        form=form,
        parameters=[(one, show(one, getattr(present, one.name))) for one in PARAMETERS],
        presets=PRESETS,
        preset=preset,
    )
    return page, form.status


@bp.post("/<int:edition_id>/confirm")
@requires(Act.CONFIRM_PARAMETERS)
def confirm(edition_id: int) -> ResponseReturnValue:
    """The second person puts it in force (procedure 3.6.1)."""
    return _decide(edition_id, commands.confirm, "制度参数已确认。在办的派工单和会签表仍按原参数。")


@bp.post("/<int:edition_id>/withdraw")
@requires(Act.PROPOSE_PARAMETERS, Act.CONFIRM_PARAMETERS)
def withdraw(edition_id: int) -> ResponseReturnValue:
    """It is taken off the table and stays in the history."""
    return _decide(edition_id, commands.withdraw, "已撤下，现行参数没有变动。")


def _decide(edition_id: int, command: Callable[..., Any], done: str) -> ResponseReturnValue:
    form = DecisionForm()
    if form.carry_out(command, queries.edition(edition_id), actor=current_user()):
        flash(done, "success")
        return redirect(url_for("parameters.index"))
    return _page(form)
