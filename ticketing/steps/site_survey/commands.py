"""Acts of the survey: appointment, arrival, findings, signatures, the manager's conclusion, a second look."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import func, select

from ticketing.casefile.defects import queries as defects
from ticketing.casefile.defects.commands import Broken, add
from ticketing.casefile.defects.models import Defect
from ticketing.casefile.notices.commands import Message, tell
from ticketing.casefile.notices.models import NoticeKind
from ticketing.casefile.papers.commands import next_number
from ticketing.casefile.tickets.commands import advance, hold
from ticketing.casefile.tickets.models import Ticket
from ticketing.casefile.timers import commands as timers
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import Invalid
from ticketing.kernel.text import clean
from ticketing.masters.contractors import queries as contractors
from ticketing.masters.people.models import User
from ticketing.procedure.approvals import STANDARD_ATTENDANCE
from ticketing.procedure.deadlines import turn
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
from ticketing.steps.site_survey import queries
from ticketing.steps.site_survey.models import Finding, SiteSurvey
from ticketing.steps.site_survey.road import SURVEYS

SAME_CAUSE_HOMES = 3
SAME_CAUSE_DAYS = 30


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
    _appointment(ticket, visit_at)
    team = contractors.team(team_id)
    hold([ticket.id])
    number = next_number(ticket.community.code, "K", clock.now())
    before = queries.latest(ticket.id)
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
    if before is not None and before.stage is not SurveyStage.SUPERSEDED:
        before.stage = SurveyStage.SUPERSEDED
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
    )
    db.session.add(survey)
    db.session.flush()
    _tell_captain(survey, actor, at, "请到现场勘察")
    return survey


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
    _appointment(survey.ticket, visit_at)
    team = contractors.team(team_id)
    at = SURVEYS.advance(
        survey,
        Act.RESCHEDULE_SURVEY,
        actor=actor,
        version=version,
        changes={
            "visit_at": visit_at,
            "team_id": team.id,
            "contractor_id": contractor_id,
            "note": clean(note),
        },
    )
    db.session.refresh(survey, ["team", "contractor"])
    _tell_captain(survey, actor, at, "勘察改约")
    return survey


def arrive(survey: SiteSurvey, *, actor: User) -> SiteSurvey:
    """The first of us stands in the flat. Said twice it counts once."""
    SURVEYS.allowed(survey, Act.ARRIVE_SURVEY, actor)
    if survey.arrived_at is not None:
        return survey
    SURVEYS.advance(
        survey, Act.ARRIVE_SURVEY, actor=actor, version=None, changes={"arrived_at": clock.now()}
    )
    follow_survey(survey, Act.ARRIVE_SURVEY, clock.now())
    return survey


def add_defect(
    survey: SiteSurvey,
    *,
    version: int,
    part: Part,
    phenomenon: Phenomenon,
    trade: Trade,
    place: str,
    words: str,
    actor: User,
) -> SiteSurvey:
    """One more thing found on the spot, before anybody has signed; it is judged with the others (procedure 3.4.5)."""
    step = SURVEYS.allowed(survey, Act.RECORD_SURVEY, actor)
    SURVEYS.check(step, survey, actor, {})
    hold([survey.ticket_id])
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
                field="found",
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
    why_not_excused = _must_attend(survey.ticket, items, total, disputed)
    at = clock.now()
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
    return survey


def _appointment(ticket: Ticket, visit_at: datetime) -> None:
    if visit_at < ticket.received_at.replace(second=0, microsecond=0):
        raise Invalid("勘察时间不能早于受理时间。", field="visit_at")
    if visit_at > clock.now() + timedelta(days=60):
        raise Invalid("勘察时间太远，请核对日期。", field="visit_at")


def _must_attend(ticket: Ticket, items: Sequence[Defect], total: int | None, disputed: bool) -> str:
    """Why the contractor has to be there; empty when he may stay away (procedure 3.4.5)."""
    whys = []
    if total is None:
        whys.append("估价未定")
    elif total > STANDARD_ATTENDANCE.contractor_optional_fen:
        limit = STANDARD_ATTENDANCE.contractor_optional_fen // 100
        whys.append(f"估价超过 {limit:,} 元")
    if disputed:
        whys.append("类别有争议")
    if any(item.part is Part.STRUCTURE for item in items) or ticket.mark_structure:
        whys.append("涉及结构")
    if ticket.mark_safety or any(item.phenomenon is Phenomenon.SHORT for item in items):
        whys.append("涉及安全")
    if ticket.rework_count:
        whys.append("同一问题再次维修")
    if _homes_of_cause(ticket) >= SAME_CAUSE_HOMES:
        whys.append(f"{SAME_CAUSE_DAYS} 天内 {SAME_CAUSE_HOMES} 户以上同类问题")
    return "、".join(whys)


def _homes_of_cause(ticket: Ticket) -> int:
    if ticket.cause is None:
        return 0
    since = ticket.received_at - timedelta(days=SAME_CAUSE_DAYS)
    return (
        db.session.scalar(
            select(func.count(func.distinct(Ticket.unit_id))).where(
                Ticket.community_id == ticket.community_id,
                Ticket.cause == ticket.cause,
                Ticket.received_at >= since,
                Ticket.unit_id.is_not(None),
            )
        )
        or 0
    )


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


def _tell_captain(survey: SiteSurvey, actor: User, at: datetime, words: str) -> None:
    ticket, captain = survey.ticket or db.session.get_one(Ticket, survey.ticket_id), survey.team
    if captain.captain_id == actor.id:
        return
    tell(
        [
            Message(
                user_ids=(captain.captain_id,),
                kind=NoticeKind.ASSIGNED,
                event=f"survey:{survey.id}:{at:%Y%m%d%H%M%S}",
                title=f"{survey.number} {words}",
                body=f"{ticket.room} {clock.show_instant(survey.visit_at)} {ticket.summary}",
                path=f"/surveys/{survey.id}",
                community_id=ticket.community_id,
            )
        ],
        at=at,
    )
