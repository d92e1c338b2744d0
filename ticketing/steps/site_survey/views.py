"""Pages of the survey: appointments, the sheet in the flat, signatures, the manager's conclusion."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ticketing.casefile.attachments import queries as attachments
from ticketing.casefile.attachments.models import PaperKind
from ticketing.casefile.defects import queries as defects
from ticketing.casefile.tickets import queries as tickets
from ticketing.casefile.tickets import views as ticket_views
from ticketing.casefile.tickets.act_page import act_page, open_form
from ticketing.casefile.tickets.models import Ticket
from ticketing.casefile.tickets.views import Panel
from ticketing.casefile.timers import queries as timers
from ticketing.journal.queries import StoryLine, story
from ticketing.kernel import clock
from ticketing.kernel.forms import BaseForm, ConfirmForm, VersionedForm
from ticketing.masters.contractors import queries as contractors
from ticketing.masters.people.guard import current_scope, current_user, requires
from ticketing.masters.people.models import User
from ticketing.masters.people.scope import Scope
from ticketing.masters.workcalendar import queries as workcalendar
from ticketing.procedure.deadlines import ClockKind
from ticketing.procedure.permissions import Act
from ticketing.procedure.repair_roads import survey_steps_from
from ticketing.procedure.repairs import Cause, Liable, OrderClass, Presence, Side, Slot
from ticketing.procedure.workdays import add_working_days
from ticketing.steps.site_survey import commands, queries, signing
from ticketing.steps.site_survey.forms import (
    AppointmentForm,
    DefectForm,
    ResurveyForm,
    SignForm,
    conclude_form,
    record_form,
)
from ticketing.steps.site_survey.models import SiteSurvey
from ticketing.steps.site_survey.road import SURVEYS, may_fill

bp = Blueprint("site_survey", __name__)

ENDPOINTS: dict[Act, str] = {
    Act.RESCHEDULE_SURVEY: "site_survey.reschedule",
    Act.ARRIVE_SURVEY: "site_survey.arrive",
    Act.RECORD_SURVEY: "site_survey.record",
    Act.SIGN_SURVEY: "site_survey.sign",
}
"""The page on which each act on a sheet is done."""

USUAL_HOUR = 10


@bp.get("/surveys/")
@requires(Act.READ_SURVEY)
def index() -> ResponseReturnValue:
    """勘察安排: the visits and signatures to come, by day (procedure 3.4.5)."""
    found = queries.waiting(current_scope())
    days = [
        (day, list(rows))
        for day, rows in groupby(found, lambda one: clock.local(one.visit_at).date())
    ]
    return render_template("surveys/index.html", days=days, count=len(found))


@bp.get("/surveys/<int:survey_id>")
@requires(Act.READ_SURVEY)
def show(survey_id: int) -> ResponseReturnValue:
    """One sheet: what was found, who has signed, what is missing, what can be done now."""
    scope, actor = current_scope(), current_user()
    survey = queries.survey_for(scope, survey_id)
    steps = [
        step
        for step in survey_steps_from(survey.stage)
        if step.act in ENDPOINTS and SURVEYS.offered(step, survey, actor)
    ]
    if survey.arrived_at is not None:
        steps = [step for step in steps if step.act is not Act.ARRIVE_SURVEY]
    items = defects.of_ticket(survey.ticket_id)
    return render_template(
        "surveys/show.html",
        survey=survey,
        boxes={box.side: box for box in survey.boxes},
        sides=list(Side),
        fillable=[side for side in _open_sides(survey) if may_fill(survey, side, actor)],
        judged=defects.judge(survey.ticket, items),
        findings={one.defect_id: one for one in survey.findings},
        steps=steps,
        endpoints=ENDPOINTS,
        arriving=ConfirmForm(data={"version": survey.version}),
        clocks=[
            line
            for line in timers.of_ticket(survey.ticket_id)
            if line.clock.kind is ClockKind.SITE_SURVEY
        ],
        pictures=attachments.of_paper(PaperKind.SURVEY, survey.id, Slot.SITE, Slot.SIGNED_PAPER),
        place=attachments.place_for(scope, actor, PaperKind.SURVEY, survey.id),
        story=[
            line for line in story(SURVEYS.subject, survey.id) if line.entry.act != Act.ATTACH.value
        ],
        sees_phone=tickets.sees_phone(scope, survey.ticket)
        or (survey.team.captain_id == actor.id and survey.ticket.is_open),
        sees_ticket=scope.may(Act.READ_TICKET) and tickets.within_reach(scope, survey.ticket_id),
    )


@bp.route("/tickets/<int:ticket_id>/survey", methods=["GET", "POST"])
@requires(Act.SCHEDULE_SURVEY)
def schedule(ticket_id: int) -> ResponseReturnValue:
    """Agree with the parties when to stand in the flat (procedure 3.4.5)."""
    ticket = tickets.ticket_for(current_scope(), ticket_id)
    form = _appointment(AppointmentForm, ticket, None)
    return act_page(
        ticket,
        Act.SCHEDULE_SURVEY,
        form,
        commands.schedule,
        template="surveys/schedule.html",
        done="勘察已约定，已通知维修队长。",
        context=_parties(ticket),
    )


@bp.route("/tickets/<int:ticket_id>/resurvey", methods=["GET", "POST"])
@requires(Act.RESURVEY)
def resurvey(ticket_id: int) -> ResponseReturnValue:
    """Look again; the signed sheet stays as it is (procedure 3.4.5)."""
    ticket = tickets.ticket_for(current_scope(), ticket_id)
    form = _appointment(ResurveyForm, ticket, None)
    return act_page(
        ticket,
        Act.RESURVEY,
        form,
        commands.resurvey,
        template="surveys/schedule.html",
        done="复勘已约定。",
        context=_parties(ticket),
    )


@bp.route("/tickets/<int:ticket_id>/conclude", methods=["GET", "POST"])
@requires(Act.CONCLUDE_SURVEY)
def conclude(ticket_id: int) -> ResponseReturnValue:
    """The manager decides class A, B or none for each finding (procedure 3.4.5)."""
    ticket = tickets.ticket_for(current_scope(), ticket_id)
    survey = queries.latest(ticket.id)
    findings = list(survey.findings) if survey else []
    values: dict[str, Any] = {f"decided_{one.id}": one.proposed for one in findings}
    values |= {f"why_{one.id}": one.why for one in findings}
    form = open_form(conclude_form(findings), ticket, **values)
    repairs = any(one.proposed.repairs for one in findings)
    return act_page(
        ticket,
        Act.CONCLUDE_SURVEY if repairs else Act.DECLINE_REPAIR,
        form,
        signing.conclude,
        template="surveys/conclude.html",
        done="勘察结论已下。",
        context={"survey": survey, "findings": findings},
    )


@bp.route("/surveys/<int:survey_id>/reschedule", methods=["GET", "POST"])
@requires(Act.RESCHEDULE_SURVEY)
def reschedule(survey_id: int) -> ResponseReturnValue:
    """Another time or another party (procedure 3.4.5)."""
    survey = queries.survey_for(current_scope(), survey_id)
    form = _appointment(AppointmentForm, survey.ticket, survey)
    return _survey_page(
        survey,
        Act.RESCHEDULE_SURVEY,
        form,
        commands.reschedule,
        template="surveys/reschedule.html",
        context=_parties(survey.ticket),
    )


@bp.post("/surveys/<int:survey_id>/arrive")
@requires(Act.ARRIVE_SURVEY)
def arrive(survey_id: int) -> ResponseReturnValue:
    """The first of us stands in the flat: one tap."""
    survey = queries.survey_for(current_scope(), survey_id)
    form = ConfirmForm()
    if form.carry_out(_arrive, survey, actor=current_user()):
        flash("已记到场时间。", "success")
    else:
        flash(form.refusal, "danger")
    return redirect(url_for("site_survey.show", survey_id=survey_id))


def _arrive(survey: SiteSurvey, *, version: int, actor: User) -> SiteSurvey:
    """Arrival counts whatever others changed meanwhile, so the version on screen does not matter."""
    return commands.arrive(survey, actor=actor)


@bp.route("/surveys/<int:survey_id>/record", methods=["GET", "POST"])
@requires(Act.RECORD_SURVEY)
def record(survey_id: int) -> ResponseReturnValue:
    """What was found in the flat, item by item (procedure 3.4.5)."""
    survey = queries.survey_for(current_scope(), survey_id)
    items = defects.of_ticket(survey.ticket_id)
    judged = {one.defect.id: one for one in defects.judge(survey.ticket, items)}
    known = {one.defect_id: one for one in survey.findings}
    values: dict[str, Any] = {
        "situation": survey.situation or survey.ticket.content,
        "remark": survey.remark,
        "disputed": survey.disputed,
    }
    for item in items:
        one = known.get(item.id)
        cause = one.cause if one else Cause.WORKMANSHIP
        values |= {
            f"situation_{item.id}": one.situation if one else "",
            f"cause_{item.id}": cause,
            f"liable_{item.id}": one.liable if one else Liable.CONTRACTOR,
            f"estimate_{item.id}": (one.estimate_fen if one else None) or 0,
            f"proposed_{item.id}": one.proposed
            if one
            else judged[item.id].suggested(cause).order_class,
            f"why_{item.id}": one.why if one else "",
        }
    form = record_form(items)(data={"version": survey.version, **values})
    actor = current_user()
    return _survey_page(
        survey,
        Act.RECORD_SURVEY,
        form,
        commands.record,
        template="surveys/record.html",
        context={
            "items": items,
            "judged": judged,
            "suggestions": {
                item.id: {cause.value: judged[item.id].suggested(cause) for cause in Cause}
                for item in items
            },
            "pictures": attachments.of_paper(PaperKind.SURVEY, survey.id, Slot.SITE),
            "place": attachments.place_for(current_scope(), actor, PaperKind.SURVEY, survey.id),
            "classes": list(OrderClass),
        },
    )


@bp.route("/surveys/<int:survey_id>/defects/new", methods=["GET", "POST"])
@requires(Act.RECORD_SURVEY)
def add_defect(survey_id: int) -> ResponseReturnValue:
    """One more thing found on the spot."""
    survey = queries.survey_for(current_scope(), survey_id)
    form = DefectForm(data={"version": survey.version})
    return _survey_page(
        survey,
        Act.RECORD_SURVEY,
        form,
        commands.add_defect,
        done="项目已加入会签表。",
        onward="site_survey.record",
    )


@bp.route("/surveys/<int:survey_id>/sign", methods=["GET", "POST"])
@requires(Act.SIGN_SURVEY)
def sign(survey_id: int) -> ResponseReturnValue:
    """Fill one box: opinion and signature, or why there is none (procedure 5.5)."""
    scope, actor = current_scope(), current_user()
    survey = queries.survey_for(scope, survey_id)
    sides = [side for side in _open_sides(survey) if may_fill(survey, side, actor)]
    wanted = next((side for side in sides if side.value == request.args.get("side")), None)
    side = wanted or (sides[0] if sides else None)
    form = SignForm(
        data={
            "version": survey.version,
            "side": side,
            "name": _signer(survey, side, actor),
            "presence": Presence.SIGNED,
            "opinion": "同意勘察意见。",
        }
    )
    form.side.choices = [choice for choice in form.side.choices if Side(choice.value) in sides]
    return _survey_page(
        survey,
        Act.SIGN_SURVEY,
        form,
        signing.sign,
        template="surveys/sign.html",
        done="已会签。",
        context={
            "papers": attachments.of_paper(PaperKind.SURVEY, survey.id, Slot.SIGNED_PAPER),
            "findings": list(survey.findings),
        },
    )


def _survey_page(
    survey: SiteSurvey,
    act: Act,
    form: BaseForm,
    command: Callable[..., Any],
    *,
    template: str = "surveys/act.html",
    done: str = "",
    onward: str = "site_survey.show",
    context: dict[str, Any] | None = None,
) -> ResponseReturnValue:
    """Answer a request to do `act` on a sheet with `form`; a conflict shows what others did meanwhile.

    Raises NotPermitted, Conflict, Invalid when the act is not possible at all and nothing was typed yet.
    """
    actor = current_user()
    if request.method == "GET":
        SURVEYS.check(SURVEYS.allowed(survey, act, actor), survey, actor, {})
    survey_id = survey.id
    if form.carry_out(command, survey, actor=actor):
        flash(done or f"已办理：{act}。", "success")
        return redirect(url_for(onward, survey_id=survey_id))
    newer: list[StoryLine] = []
    if form.conflict is not None:
        survey = queries.survey_for(current_scope(), survey_id)
        if form.conflict.seen is not None:
            newer = story(SURVEYS.subject, survey_id, after_version=form.conflict.seen)
        if isinstance(form, VersionedForm):
            form.version.data = survey.version
            form.version.raw_data = None
    page = render_template(
        template, survey=survey, act=act, form=form, newer=newer, **(context or {})
    )
    return page, form.status


def _appointment(
    form_class: type[AppointmentForm], ticket: Ticket, survey: SiteSurvey | None
) -> AppointmentForm:
    """An appointment's form, filled with what is agreed already or is usual."""
    scope = current_scope()
    teams = contractors.teams(scope, ticket.community_id)
    built = queries.builders(ticket)
    form = form_class(
        data={
            "version": (survey or ticket).version,
            "visit_at": survey.visit_at if survey else _usual_visit(),
            "team_id": survey.team_id if survey else teams[0].id if teams else None,
            "contractor_id": survey.contractor_id if survey else built[0].id if built else None,
            "note": survey.note if survey else "",
        }
    )
    form.team_id.offer((one.id, f"{one.name}（{one.captain.name}）") for one in teams)
    form.contractor_id.offer((one.id, one.name) for one in queries.contractors_of(ticket))
    return form


def _usual_visit() -> datetime:
    """Ten o'clock of the next working day."""
    day = add_working_days(clock.today(), 1, workcalendar.snapshot()).on
    return clock.at(day, USUAL_HOUR)


def _parties(ticket: Ticket) -> dict[str, Any]:
    """Whom to call, and what the crews do on the days around."""
    scope = current_scope()
    around = (clock.now() - timedelta(hours=12), clock.now() + timedelta(days=7))
    items = defects.of_ticket(ticket.id)
    return {
        "teams": contractors.teams(scope, ticket.community_id),
        "builders": queries.builders(ticket),
        "judged": defects.judge(ticket, items),
        "visits": queries.visits_between(scope, ticket.community_id, *around),
        "sees_phone": tickets.sees_phone(scope, ticket),
    }


def _open_sides(survey: SiteSurvey) -> list[Side]:
    """The boxes that are still empty, those asked for first."""
    return [side for side in Side if side not in queries.settled(survey)]


def _signer(survey: SiteSurvey, side: Side | None, actor: User) -> str:
    """The name that usually stands in a box."""
    if side is Side.CUSTOMER:
        return survey.ticket.caller_name
    if side is Side.CAPTAIN:
        return survey.team.captain.name
    if side in (Side.SERVICE, Side.ENGINEERING):
        return actor.name
    return ""


def panel(scope: Scope, _actor: User, ticket: Ticket, _told: list[StoryLine]) -> Panel | None:
    """会签表 on the ticket's page: each survey, its state, its visit."""
    if not scope.may(Act.READ_SURVEY):
        return None
    surveys = queries.of_ticket(ticket.id)
    return Panel("surveys/_panel.html", surveys) if surveys else None


ticket_views.PANELS.insert(0, panel)
