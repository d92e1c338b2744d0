"""Acts of the survey: appointment, arrival, findings, signatures, the manager's conclusion, a second look."""

from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ticketing.casefile.attachments import queries as attachments
from ticketing.casefile.attachments.models import PaperKind
from ticketing.casefile.defects import queries as defects
from ticketing.casefile.tickets import queries as tickets
from ticketing.casefile.tickets.act_page import act_page, open_form
from ticketing.casefile.tickets.models import Ticket
from ticketing.kernel import clock
from ticketing.kernel.forms import ConfirmForm
from ticketing.masters.contractors import queries as contractors
from ticketing.masters.people.guard import current_scope, current_user, requires
from ticketing.masters.people.models import User
from ticketing.masters.workcalendar import queries as workcalendar
from ticketing.procedure.deadlines import ClockKind, limit_of
from ticketing.procedure.permissions import Act
from ticketing.procedure.repair_roads import MUST_SIGN, complete
from ticketing.procedure.repairs import Presence, Side, Slot
from ticketing.procedure.workdays import add_working_days
from ticketing.steps.site_survey import commands, judging, queries, signing
from ticketing.steps.site_survey.act_page import survey_page
from ticketing.steps.site_survey.forms import (
    AppointmentForm,
    DefectForm,
    ResurveyForm,
    SignForm,
    conclude_form,
    record_form,
)
from ticketing.steps.site_survey.models import SiteSurvey
from ticketing.steps.site_survey.road import may_excuse, may_fill

bp = Blueprint("acts", __name__)

USUAL_HOUR = 10
AHEAD = timedelta(days=7)
"""So far ahead the visits of the crews are shown while one is agreed on."""


@bp.route("/tickets/<int:ticket_id>/survey", methods=["GET", "POST"])
@requires(Act.SCHEDULE_SURVEY)
def schedule(ticket_id: int) -> ResponseReturnValue:
    """Agree with the parties when to stand in the flat (procedure 3.4.5)."""
    ticket = tickets.ticket_for(current_scope(), ticket_id)
    return act_page(
        ticket,
        Act.SCHEDULE_SURVEY,
        _appointment(AppointmentForm, ticket, None),
        commands.schedule,
        template="surveys/schedule.html",
        done="勘察已约定，已通知维修队长和工程人员；请电话通知施工单位和客户。",
        context=_parties(ticket) | {"due": _due(ticket.received_at)},
    )


@bp.route("/tickets/<int:ticket_id>/resurvey", methods=["GET", "POST"])
@requires(Act.RESURVEY)
def resurvey(ticket_id: int) -> ResponseReturnValue:
    """Look again; the signed sheet stays as it is (procedure 3.4.5)."""
    ticket = tickets.ticket_for(current_scope(), ticket_id)
    return act_page(
        ticket,
        Act.RESURVEY,
        _appointment(ResurveyForm, ticket, None),
        commands.resurvey,
        template="surveys/schedule.html",
        done="复勘已约定，原会签表保留备查。",
        context=_parties(ticket) | {"due": _due(clock.now())},
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
    repairs = any(one.proposed.repairs for one in findings)
    return act_page(
        ticket,
        Act.CONCLUDE_SURVEY if repairs else Act.DECLINE_REPAIR,
        open_form(conclude_form(findings), ticket, **values),
        signing.conclude,
        template="surveys/conclude.html",
        done="勘察结论已下。",
        context={
            "survey": survey,
            "findings": findings,
            "repaired": queries.repaired(ticket.id),
        },
    )


@bp.route("/surveys/<int:survey_id>/reschedule", methods=["GET", "POST"])
@requires(Act.RESCHEDULE_SURVEY)
def reschedule(survey_id: int) -> ResponseReturnValue:
    """Another time or another party (procedure 3.4.5)."""
    survey = queries.survey_for(current_scope(), survey_id)
    return survey_page(
        survey,
        Act.RESCHEDULE_SURVEY,
        _appointment(AppointmentForm, survey.ticket, survey),
        commands.reschedule,
        template="surveys/reschedule.html",
        done="勘察已改约，已通知维修队长和工程人员；请电话通知施工单位和客户。",
        context=_parties(survey.ticket, survey) | {"due": survey.ticket.due_on},
    )


@bp.post("/surveys/<int:survey_id>/arrive")
@requires(Act.ARRIVE_SURVEY)
def arrive(survey_id: int) -> ResponseReturnValue:
    """The first of us stands in the flat: one tap."""
    survey = queries.survey_for(current_scope(), survey_id)
    form = ConfirmForm()
    if form.carry_out(_arrive, survey, actor=current_user()):
        flash("已记到场时间。", "success")
        return redirect(url_for("site_survey.show", survey_id=survey_id))
    return survey_page(survey, Act.ARRIVE_SURVEY, form, _arrive, carry_out=False)


def _arrive(survey: SiteSurvey, *, version: int, actor: User) -> SiteSurvey:
    """Arrival counts whatever others changed meanwhile, so the version on screen does not matter."""
    return commands.arrive(survey, actor=actor)


@bp.route("/surveys/<int:survey_id>/record", methods=["GET", "POST"])
@requires(Act.RECORD_SURVEY)
def record(survey_id: int) -> ResponseReturnValue:
    """What was found in the flat, item by item; one more item is added without losing what is typed (procedure 3.4.5)."""
    scope, actor = current_scope(), current_user()
    survey = queries.survey_for(scope, survey_id)
    adding = request.method == "POST" and "add" in request.form
    more = DefectForm(prefix="more-") if adding else DefectForm(formdata=None, prefix="more-")
    if adding and more.carry_out(commands.add_defect, survey, actor=actor):
        more = DefectForm(formdata=None, prefix="more-")
        survey = queries.survey_for(scope, survey_id)
        flash("项目已加入，请填写它的勘察意见并保存。", "success")
    items = defects.of_ticket(survey.ticket_id)
    judged = defects.judge(survey.ticket, items)
    form = record_form(items)(data=judging.as_recorded(survey, judged))
    form.status = more.status
    return survey_page(
        survey,
        Act.RECORD_SURVEY,
        form,
        commands.record,
        template="surveys/record.html",
        done="勘察记录已保存，请各方会签。",
        carry_out=not adding,
        context={
            "judged": judged,
            "repaired": queries.repaired(survey.ticket_id),
            "advice": {one.defect.id: judging.advice(one) for one in judged},
            "more": more,
            "pictures": attachments.of_paper(PaperKind.SURVEY, survey.id, Slot.SITE),
            "place": attachments.place_for(scope, actor, PaperKind.SURVEY, survey.id),
        },
    )


@bp.route("/surveys/<int:survey_id>/sign", methods=["GET", "POST"])
@requires(Act.SIGN_SURVEY)
def sign(survey_id: int) -> ResponseReturnValue:
    """Fill one box: opinion and signature, or why there is none (procedure 5.5)."""
    scope, actor = current_scope(), current_user()
    survey = queries.survey_for(scope, survey_id)
    sides = fillable(survey, actor)
    asked = request.form.get("side") or request.args.get("side")
    side = next((one for one in Side if one.value == asked), None)
    if side is None and sides:
        side = sides[0]
    form = SignForm(
        data={
            "version": survey.version,
            "side": side,
            "name": _signer(survey, side, actor),
            "presence": Presence.SIGNED,
            "opinion": "同意勘察意见。",
        }
    )
    return survey_page(
        survey,
        Act.SIGN_SURVEY,
        form,
        signing.sign,
        template="surveys/sign.html",
        done=f"{side}一栏已办理。" if side else "",
        context={
            "side": side,
            "sides": sides,
            "repaired": queries.repaired(survey.ticket_id),
            "may_be_absent": side not in MUST_SIGN and may_excuse(survey, actor),
            "completes": side is not None and _completes(survey, side),
            "papers": [
                one
                for one in attachments.of_paper(PaperKind.SURVEY, survey.id, Slot.SIGNED_PAPER)
                if survey.recorded_at is None or one.at >= survey.recorded_at
            ],
            "place": attachments.place_for(scope, actor, PaperKind.SURVEY, survey.id),
        },
    )


def fillable(survey: SiteSurvey, actor: User) -> list[Side]:
    """The boxes that are still empty and that `actor` may file."""
    filled = queries.settled(survey)
    return [side for side in Side if side not in filled and may_fill(survey, side, actor)]


def _completes(survey: SiteSurvey, side: Side) -> bool:
    """Whether this box is the last one asked for: afterwards nobody can sign any more."""
    return complete(queries.settled(survey) | {side}, survey.contractor_required)


def _appointment(
    form_class: type[AppointmentForm], ticket: Ticket, survey: SiteSurvey | None
) -> AppointmentForm:
    """An appointment's form, filled with what is agreed already or is usual."""
    teams = contractors.teams(current_scope(), ticket.community_id)
    built = [] if survey else queries.builders(ticket)
    form = form_class(
        data={
            "version": (survey or ticket).version,
            "visit_at": survey.visit_at if survey else _usual_visit(ticket),
            "team_id": survey.team_id if survey else teams[0].id if teams else None,
            "contractor_id": survey.contractor_id if survey else built[0].id if built else None,
            "note": survey.note if survey else "",
        }
    )
    offered = {one.id: one for one in [*teams, *([survey.team] if survey else [])]}
    form.team_id.offer((one.id, f"{one.name}（{one.captain.name}）") for one in offered.values())
    known = {one.id: one for one in queries.contractors_of(ticket)}
    if survey and survey.contractor:
        known.setdefault(survey.contractor.id, survey.contractor)
    form.contractor_id.offer((one.id, one.name) for one in known.values())
    return form


def _usual_visit(ticket: Ticket) -> datetime:
    """Ten o'clock of the next working day; for what is urgent, within the hour."""
    if ticket.urgent:
        soon = clock.now() + timedelta(minutes=60)
        return soon.replace(minute=soon.minute // 10 * 10, second=0)
    day = add_working_days(clock.today(), 1, workcalendar.snapshot()).on
    return clock.at(day, USUAL_HOUR)


def _due(start: datetime) -> Any:
    """The day by whose end the sheet has to be signed."""
    return limit_of(ClockKind.SITE_SURVEY).deadline(start, workcalendar.snapshot()).on


def _parties(ticket: Ticket, survey: SiteSurvey | None = None) -> dict[str, Any]:
    """Whom to call, and what the crews do on the days around."""
    scope = current_scope()
    teams = contractors.teams(scope, ticket.community_id)
    around = (clock.now() - timedelta(hours=12), clock.now() + AHEAD)
    visits = queries.visits_of(
        scope, [one.id for one in teams], *around, but=survey.id if survey else 0
    )
    return {
        "teams": teams,
        "builders": queries.builders(ticket),
        "engineers": queries.engineers(ticket),
        "judged": defects.judge(ticket, defects.of_ticket(ticket.id)),
        "visits": visits,
        "sees_phone": tickets.sees_phone(scope, ticket),
    }


def _signer(survey: SiteSurvey, side: Side | None, actor: User) -> str:
    """The name that usually stands in a box."""
    names = {
        Side.CUSTOMER: survey.ticket.caller_name,
        Side.CAPTAIN: survey.team.captain.name,
        Side.SERVICE: actor.name,
        Side.ENGINEERING: actor.name,
        Side.PROPERTY: survey.ticket.community.property_contact,
        Side.CONTRACTOR: survey.contractor.contact if survey.contractor else "",
    }
    return names[side] if side else ""
