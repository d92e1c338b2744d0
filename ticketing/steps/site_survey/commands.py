"""Acts of the survey: appointment, arrival, findings, signatures, the manager's conclusion, a second look."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy.orm.attributes import flag_modified

from ticketing.casefile.defects import queries as defects
from ticketing.casefile.defects.commands import Broken, add
from ticketing.casefile.defects.models import Defect
from ticketing.casefile.papers.commands import next_number
from ticketing.casefile.tickets.commands import advance, allowed_step, hold
from ticketing.casefile.tickets.models import Ticket
from ticketing.casefile.timers import commands as timers
from ticketing.journal.commands import record as write_down
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import Invalid
from ticketing.kernel.text import clean
from ticketing.masters.contractors import queries as contractors
from ticketing.masters.parameters import queries as parameters
from ticketing.masters.people.models import User
from ticketing.procedure.deadlines import turn
from ticketing.procedure.grading import yuan
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import (
    Cause,
    Liable,
    OrderClass,
    Part,
    Phenomenon,
    SurveyStage,
    Trade,
)
from ticketing.steps.site_survey import queries, telling
from ticketing.steps.site_survey.attendance import must_attend
from ticketing.steps.site_survey.models import Finding, SiteSurvey
from ticketing.steps.site_survey.road import SURVEYS


class Found(NamedTuple):
    """What those in the flat put down about one defect; the estimate is in fen, None when unknown."""

    defect_id: int
    situation: str
    cause: Cause
    liable: Liable
    estimate_fen: int | None
    proposed: OrderClass
    why: str = ""


def schedule(
    ticket: Ticket,
    *,
    version: int,
    visit_at: datetime,
    team_id: int,
    contractor_id: int | None,
    note: str,
    actor: User,
) -> SiteSurvey:
    """Agree with the parties when to stand in the flat (procedure 3.4.5). Raises Invalid, NotPermitted, Conflict."""
    return _open(
        ticket,
        Act.SCHEDULE_SURVEY,
        version=version,
        visit_at=visit_at,
        team_id=team_id,
        contractor_id=contractor_id,
        note=note,
        reason="",
        actor=actor,
    )


def resurvey(
    ticket: Ticket,
    *,
    version: int,
    visit_at: datetime,
    team_id: int,
    contractor_id: int | None,
    note: str,
    reason: str,
    actor: User,
) -> SiteSurvey:
    """Look again: a new sheet takes the place of the signed one, which stays as it is (procedure 3.4.5)."""
    reason = clean(reason)
    if not reason:
        raise Invalid("请写明复勘的原因。", field="reason")
    return _open(
        ticket,
        Act.RESURVEY,
        version=version,
        visit_at=visit_at,
        team_id=team_id,
        contractor_id=contractor_id,
        note=note,
        reason=reason,
        actor=actor,
    )


def _open(
    ticket: Ticket,
    act: Act,
    *,
    version: int,
    visit_at: datetime,
    team_id: int,
    contractor_id: int | None,
    note: str,
    reason: str,
    actor: User,
) -> SiteSurvey:
    allowed_step(ticket, act, actor)
    _appointment(ticket, visit_at)
    team = contractors.team_for(ticket.community_id, team_id)
    hold([ticket.id])
    number = next_number(ticket.community.code, "K", clock.now())
    before = queries.latest(ticket.id)
    flag_modified(ticket, "stage")  # a second look leaves the stage, yet outdates every open page
    at = advance(
        ticket,
        act,
        actor=actor,
        version=version,
        facts={
            "survey": number,
            "visit": clock.show_instant(visit_at),
            "team": team.name,
            **({"reason": reason} if reason else {}),
        },
    )
    if before is not None:
        _supersede(before, act, number, reason, actor, at)
    survey = SiteSurvey(
        ticket_id=ticket.id,
        number=number,
        round=before.round + 1 if before else 1,
        scheduled_at=at,
        scheduled_by_id=actor.id,
        visit_at=visit_at,
        note=clean(note),
        team_id=team.id,
        contractor_id=contractor_id,
        parameter_edition_id=parameters.edition_on(clock.local(at).date()),
    )
    db.session.add(survey)
    db.session.flush()
    telling.of_visit(survey, actor, at, "请到现场勘察")
    return survey


def _supersede(
    before: SiteSurvey, act: Act, number: str, reason: str, actor: User, at: datetime
) -> None:
    """The sheet that was in force stays as it is and says which one took its place."""
    origin, before.stage = before.stage, SurveyStage.SUPERSEDED
    db.session.flush()
    write_down(
        SURVEYS.subject,
        before.id,
        act.value,
        actor=actor,
        at=at,
        clause="3.4.5",
        origin=origin.value,
        target=before.stage.value,
        version=before.version,
        facts={"number": before.number, "by": number, "reason": reason},
    )


def reschedule(
    survey: SiteSurvey,
    *,
    version: int,
    visit_at: datetime,
    team_id: int,
    contractor_id: int | None,
    note: str,
    actor: User,
) -> SiteSurvey:
    """Another time or another party; the working day of the procedure goes on counting (procedure 3.4.5)."""
    _begin(survey, Act.RESCHEDULE_SURVEY, actor, version)
    _appointment(survey.ticket, visit_at)
    if team_id != survey.team_id:
        contractors.team_for(survey.ticket.community_id, team_id)
    captain_id = survey.team.captain_id
    at = SURVEYS.advance(
        survey,
        Act.RESCHEDULE_SURVEY,
        actor=actor,
        version=version,
        changes={
            "visit_at": visit_at,
            "team_id": team_id,
            "contractor_id": contractor_id,
            "note": clean(note),
        },
    )
    db.session.refresh(survey, ["team", "contractor"])
    telling.of_visit(survey, actor, at, "勘察改约")
    if survey.team.captain_id != captain_id:
        telling.of_other_team(survey, captain_id, actor, at)
    return survey


def arrive(survey: SiteSurvey, *, actor: User) -> SiteSurvey:
    """The first of us stands in the flat. Said twice it counts once."""
    _begin(survey, Act.ARRIVE_SURVEY, actor, None)
    if survey.arrived_at is not None:
        return survey
    at = clock.now()
    SURVEYS.advance(
        survey, Act.ARRIVE_SURVEY, actor=actor, version=None, changes={"arrived_at": at}
    )
    follow_survey(survey, Act.ARRIVE_SURVEY, at)
    return survey


def _begin(survey: SiteSurvey, act: Act, actor: User, version: int | None) -> None:
    """Read the sheet anew under the lock; refuse what nothing typed could make possible."""
    step = SURVEYS.begin(survey, act, actor, version)
    SURVEYS.check_first(step, survey, actor)


def add_defect(
    survey: SiteSurvey,
    *,
    part: Part,
    phenomenon: Phenomenon,
    trade: Trade,
    place: str,
    words: str,
    actor: User,
) -> SiteSurvey:
    """One more thing found on the spot, before anybody has signed; it is judged with the others (procedure 3.4.5).

    Nobody signs before it has a finding. Raises Invalid (signed already, too many), NotPermitted, Conflict.
    """
    _begin(survey, Act.RECORD_SURVEY, actor, None)
    found = Broken(part, phenomenon, trade, place, words)
    add(survey.ticket, [found], actor=actor, at=clock.now())
    return survey


def record(
    survey: SiteSurvey,
    *,
    version: int,
    situation: str,
    remark: str,
    disputed: bool,
    found: Sequence[Found],
    actor: User,
) -> SiteSurvey:
    """Put down what was found about every defect; the contractor's presence follows from it (procedure 3.4.5).

    Raises Invalid (no photo of the place, a defect left out, a class without its reason), NotPermitted, Conflict.
    """
    _begin(survey, Act.RECORD_SURVEY, actor, version)
    situation = clean(situation)
    if not situation:
        raise Invalid("请填写现场情况。", field="situation")
    if not queries.site_photos(survey.id):
        raise Invalid("请先上传至少一张现场照片。", field="situation")
    items = defects.of_ticket(survey.ticket_id)
    by_id = {one.defect_id: one for one in found}
    if not items or set(by_id) != {defect.id for defect in items}:
        raise Invalid("请逐项填写勘察意见。", field="found")
    judged = {one.defect.id: one for one in defects.judge(survey.ticket, items)}
    findings: list[dict[str, Any]] = []
    for defect in items:
        one, cover = by_id[defect.id], judged[defect.id]
        suggestion = cover.suggested(one.cause)
        why = clean(one.why)
        if one.proposed is not suggestion.order_class and not why:
            raise Invalid(
                f"“{defect.told}”的类别与建议（{suggestion.order_class}）不同，请写明理由。",
                field=f"why_{defect.id}",
            )
        findings.append(
            {
                "defect_id": defect.id,
                "situation": clean(one.situation),
                "cause": one.cause,
                "liable": one.liable,
                "estimate_fen": one.estimate_fen,
                "owner_until": cover.cover.owner.until,
                "contractor_until": cover.cover.contractor.until,
                "arithmetic": "\n".join(cover.arithmetic),
                "suggested": suggestion.order_class,
                "suggested_why": suggestion.reason,
                "proposed": one.proposed,
                "why": why,
            }
        )
    estimates = [one.estimate_fen for one in found]
    total = None if None in estimates else sum(one or 0 for one in estimates)
    why_not_excused = must_attend(
        survey.ticket, items, total, disputed, parameters.limits_of(survey.parameter_edition_id)
    )
    at, first = clock.now(), survey.arrived_at is None
    SURVEYS.advance(
        survey,
        Act.RECORD_SURVEY,
        actor=actor,
        version=version,
        changes={
            "situation": situation,
            "remark": clean(remark),
            "disputed": disputed,
            "estimate_fen": total,
            "contractor_required": bool(why_not_excused),
            "contractor_why": why_not_excused,
            "arrived_at": survey.arrived_at or at,
            "recorded_at": at,
            "recorded_by_id": actor.id,
        },
        facts={
            "found": [_told(defect, values) for defect, values in zip(items, findings, strict=True)]
        },
    )
    before = {finding.defect_id: finding for finding in survey.findings}
    for values in findings:
        known = before.get(values["defect_id"])
        if known is None:
            db.session.add(Finding(survey_id=survey.id, **values))
        else:
            for name, value in values.items():
                setattr(known, name, value)
    db.session.flush()
    db.session.expire(survey, ["findings"])
    if first:
        follow_survey(survey, Act.ARRIVE_SURVEY, at)
    telling.of_record(survey, actor, at)
    return survey


def _told(defect: Defect, values: dict[str, Any]) -> str:
    """One finding in one line, as the journal keeps it."""
    estimate = values["estimate_fen"]
    words = (
        values["situation"],
        values["cause"].label,
        values["liable"].label,
        values["proposed"].label,
        "估价未定" if estimate is None else yuan(estimate),
        values["why"],
    )
    return f"{defect.told} → {'；'.join(filter(None, words))}"


def _appointment(ticket: Ticket, visit_at: datetime) -> None:
    if visit_at < ticket.received_at.replace(second=0, microsecond=0):
        raise Invalid("勘察时间不能早于受理时间。", field="visit_at")
    if visit_at > clock.now() + timedelta(days=60):
        raise Invalid("勘察时间太远，请核对日期。", field="visit_at")


def follow_survey(survey: SiteSurvey, act: Act, at: datetime) -> None:
    """Let the ticket's clocks follow an act on its survey."""
    ticket = survey.ticket
    turned = turn(act, ticket.stage, ticket.stage)
    timers.follow(
        ticket,
        starts=[timers.starting(kind, at) for kind in turned.starts],
        meets=turned.meets,
        cancels=turned.cancels,
        at=at,
    )
