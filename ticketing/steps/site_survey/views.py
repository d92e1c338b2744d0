"""Pages of the survey: the visits to come, one sheet, its part on the ticket's page."""

from itertools import groupby

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from ticketing.casefile.attachments import queries as attachments
from ticketing.casefile.attachments.models import PaperKind
from ticketing.casefile.defects import queries as defects
from ticketing.casefile.tickets import queries as tickets
from ticketing.casefile.tickets import views as ticket_views
from ticketing.casefile.tickets.models import Ticket
from ticketing.casefile.tickets.views import Panel
from ticketing.casefile.timers import queries as timers
from ticketing.journal.queries import StoryLine, story
from ticketing.kernel import clock
from ticketing.kernel.forms import ConfirmForm
from ticketing.kernel.text import row_id
from ticketing.masters.people.guard import current_scope, current_user, requires
from ticketing.masters.people.models import User
from ticketing.masters.people.scope import Scope
from ticketing.procedure.deadlines import ClockKind
from ticketing.procedure.permissions import Act
from ticketing.procedure.repair_roads import still_asked, survey_steps_from
from ticketing.procedure.repairs import Side, Slot, SurveyStage
from ticketing.steps.site_survey import queries, timeline
from ticketing.steps.site_survey.act_page import ENDPOINTS
from ticketing.steps.site_survey.act_views import bp as acts
from ticketing.steps.site_survey.act_views import fillable
from ticketing.steps.site_survey.models import SiteSurvey
from ticketing.steps.site_survey.road import SURVEYS

bp = Blueprint("site_survey", __name__)
bp.register_blueprint(acts)


@bp.get("/surveys/")
@requires(Act.READ_SURVEY)
def index() -> ResponseReturnValue:
    """勘察安排: the visits and signatures to come by day, one's own first; what waits for a decision (procedure 3.4.5)."""
    scope, me = current_scope(), current_user()
    try:
        after = row_id(request.args["after"]) if "after" in request.args else None
    except ValueError:
        after = None
    found, following = queries.waiting(scope, after)
    days = [
        (day, sorted(rows, key=lambda one: (not _mine(one, me), one.visit_at)))
        for day, rows in groupby(found, lambda one: clock.local(one.visit_at).date())
    ]
    return render_template(
        "surveys/index.html",
        days=days,
        mine={one.id for one in found if _mine(one, me)},
        lacks={one.id: _lacks(one) for one in found if one.stage is SurveyStage.RECORDED},
        to_conclude=[] if after else queries.to_conclude(scope),
        following=following,
    )


def _mine(survey: SiteSurvey, me: User) -> bool:
    """Whether the person goes there himself: he leads the crew, agreed on the visit, or answers for the ticket."""
    return me.id in (survey.team.captain_id, survey.scheduled_by_id, survey.ticket.handler_id)


def _lacks(survey: SiteSurvey) -> list[str]:
    return still_asked(queries.settled(survey), survey.contractor_required)


@bp.get("/surveys/<int:survey_id>")
@requires(Act.READ_SURVEY)
def show(survey_id: int) -> ResponseReturnValue:
    """One sheet: what was found, who has signed, what is missing, what can be done now."""
    scope, actor = current_scope(), current_user()
    survey = queries.survey_for(scope, survey_id)
    steps = {
        step.act
        for step in survey_steps_from(survey.stage)
        if step.act in ENDPOINTS and SURVEYS.offered(step, survey, actor)
    }
    if survey.arrived_at is not None:
        steps.discard(Act.ARRIVE_SURVEY)
    items = defects.of_ticket(survey.ticket_id)
    return render_template(
        "surveys/show.html",
        survey=survey,
        boxes={box.side: box for box in survey.boxes},
        sides=list(Side),
        fillable=fillable(survey, actor) if Act.SIGN_SURVEY in steps else [],
        lacks=_lacks(survey),
        judged=defects.judge(survey.ticket, items),
        repaired=queries.repaired(survey.ticket_id),
        findings={one.defect_id: one for one in survey.findings},
        acts=[act for act in ENDPOINTS if act in steps],
        endpoints=ENDPOINTS,
        arriving=ConfirmForm(data={"version": survey.version}),
        clocks=[
            line
            for line in timers.of_ticket(survey.ticket_id)
            if line.clock.kind is ClockKind.SITE_SURVEY
        ],
        pictures=attachments.of_paper(
            PaperKind.SURVEY, survey.id, Slot.SITE, Slot.SIGNED_PAPER, Slot.EVIDENCE
        ),
        place=attachments.place_for(scope, actor, PaperKind.SURVEY, survey.id),
        story=timeline.told(story(SURVEYS.subject, survey.id), queries.names()),
        sees_phone=queries.sees_phone(scope, survey),
        sees_ticket=scope.may(Act.READ_TICKET) and tickets.within_reach(scope, survey.ticket_id),
    )


def panel(scope: Scope, _actor: User, ticket: Ticket, _told: list[StoryLine]) -> Panel | None:
    """会签表 on the ticket's page: each survey with its state, its visit, and how often the manager departed."""
    if not scope.may(Act.READ_SURVEY):
        return None
    surveys = queries.of_ticket(ticket.id)
    return Panel("surveys/_panel.html", surveys) if surveys else None


ticket_views.PANELS.insert(0, panel)
