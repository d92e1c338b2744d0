"""Printing surveys: one, a pile of them, and the list to choose a pile from."""

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ticketing.casefile.papers import printing
from ticketing.casefile.tickets.views import qr_code
from ticketing.kernel import clock
from ticketing.masters.people.guard import current_scope, requires
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import Presence, Side
from ticketing.steps.site_survey import sheet

bp = Blueprint("survey_prints", __name__, url_prefix="/surveys")


@bp.get("/<int:survey_id>/print")
@requires(Act.READ_SURVEY)
def one(survey_id: int) -> ResponseReturnValue:
    """The 现场勘察会签表 in the form's own layout, also as a blank to take along (procedure 5.5)."""
    return _printed([survey_id], url_for("site_survey.show", survey_id=survey_id))


@bp.get("/print")
@requires(Act.READ_SURVEY)
def sheets() -> ResponseReturnValue:
    """Up to 50 of them, each on a new page: ``?id=1&id=2``."""
    ids = printing.chosen(request.args.getlist("id"), "会签表")
    return _printed(ids, url_for("survey_prints.choose"))


@bp.get("/print/choose")
@requires(Act.READ_SURVEY)
def choose() -> ResponseReturnValue:
    """The list of surveys with a box before each: what is ticked is printed."""
    signed = request.args.get("signed") == "1"
    return render_template(
        "surveys/print_choose.html",
        rows=sheet.listed(current_scope(), signed),
        signed=signed,
        most=printing.MOST,
    )


def _printed(survey_ids: list[int], back: str) -> ResponseReturnValue:
    found = sheet.sheets(current_scope(), survey_ids)
    return render_template(
        "surveys/print.html",
        sheets=found,
        qr={
            survey_id: qr_code(url_for("site_survey.show", survey_id=survey_id, _external=True))
            for survey_id in survey_ids
        },
        sides=Side,
        presences=Presence,
        back=back,
        now=clock.now(),
    )
