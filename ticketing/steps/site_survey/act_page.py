"""The one page behind every act on a sheet: show the form, carry it out, or show what others did meanwhile."""

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ticketing.journal.queries import story
from ticketing.kernel.forms import BaseForm, VersionedForm
from ticketing.masters.people.guard import current_scope, current_user
from ticketing.procedure.permissions import Act
from ticketing.steps.site_survey import queries, timeline
from ticketing.steps.site_survey.models import SiteSurvey
from ticketing.steps.site_survey.road import SURVEYS

ENDPOINTS: dict[Act, str] = {
    Act.ARRIVE_SURVEY: "site_survey.acts.arrive",
    Act.RECORD_SURVEY: "site_survey.acts.record",
    Act.SIGN_SURVEY: "site_survey.acts.sign",
    Act.RESCHEDULE_SURVEY: "site_survey.acts.reschedule",
}
"""The page on which each act on a sheet is done, in the order of the visit."""


def survey_page(
    survey: SiteSurvey,
    act: Act,
    form: BaseForm,
    command: Callable[..., Any],
    *,
    template: str = "surveys/act.html",
    done: str = "",
    carry_out: bool = True,
    context: dict[str, Any] | None = None,
) -> ResponseReturnValue:
    """Answer a request to do `act` on a sheet with `form`; a conflict shows what others did meanwhile.

    Without `carry_out` the form is only shown again with what was typed: another button of the page was pressed.

    Raises NotPermitted, Conflict, Invalid when the act is not possible at all and nothing was typed yet.
    """
    actor = current_user()
    if request.method == "GET":
        SURVEYS.check(SURVEYS.allowed(survey, act, actor), survey, actor, {})
    survey_id = survey.id
    if carry_out and form.carry_out(command, survey, actor=actor):
        flash(done or f"已办理：{act}。", "success")
        return redirect(url_for("site_survey.show", survey_id=survey_id))
    newer: list[timeline.Told] = []
    if form.conflict is not None:
        survey = queries.survey_for(current_scope(), survey_id)
        if form.conflict.seen is not None:
            since = story(SURVEYS.subject, survey_id, after_version=form.conflict.seen)
            newer = timeline.told(since, queries.names())
        if isinstance(form, VersionedForm):
            form.version.data = survey.version
            form.version.raw_data = None
    page = render_template(
        template, survey=survey, act=act, form=form, newer=newer, **(context or {})
    )
    return page, form.status
