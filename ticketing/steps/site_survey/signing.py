"""Filling the boxes of the sheet, and what the manager concludes from it (procedure 3.4.5, 5.5)."""

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import select

from ticketing.casefile.attachments.models import Attachment
from ticketing.casefile.papers.dues import copy_dues
from ticketing.casefile.tickets.commands import advance, hold
from ticketing.casefile.tickets.models import Ticket
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import Invalid, NotFound, NotPermitted
from ticketing.kernel.text import clean, clean_line
from ticketing.masters.people.models import User
from ticketing.procedure.permissions import Act
from ticketing.procedure.repair_roads import MUST_SIGN, complete
from ticketing.procedure.repairs import (
    OrderClass,
    Presence,
    Side,
    Slot,
    SurveyStage,
)
from ticketing.steps.site_survey import queries
from ticketing.steps.site_survey.commands import follow_survey
from ticketing.steps.site_survey.models import SiteSurvey, SurveyBox
from ticketing.steps.site_survey.road import SURVEYS

SAME_CAUSE_HOMES = 3
SAME_CAUSE_DAYS = 30


class Decision(NamedTuple):
    """The manager's class for one finding, with the reason where he departs from the suggestion."""

    order_class: OrderClass
    why: str = ""


def sign(
    survey: SiteSurvey,
    *,
    version: int | None,
    side: Side,
    presence: Presence,
    name: str,
    opinion: str,
    reason: str,
    evidence: str,
    signature: str,
    actor: User,
) -> SiteSurvey:
    """Fill one box, for good: opinion and signature, or why there is none (procedure 3.4.5).

    `signature` is the key of the picture on file. When the last box asked for is filled the sheet is complete: the
    survey's working day stops, that of the work order begins.

    Raises Invalid, NotPermitted (not his box), Conflict (filled already, changed meanwhile).
    """
    step = SURVEYS.allowed(survey, Act.SIGN_SURVEY, actor)
    name, opinion, reason, evidence = (
        clean_line(name),
        clean(opinion),
        clean(reason),
        clean(evidence),
    )
    if side in queries.settled(survey):
        raise Invalid(f"{side}已经会签，不能重复。", field="side")
    if presence is not Presence.SIGNED and side in MUST_SIGN:
        raise Invalid(f"{side}须到场签字。", field="presence")
    if not name:
        raise Invalid("请填写签字人姓名。", field="name")
    picture = None
    if presence is Presence.SIGNED:
        picture = _signature_of(survey, signature)
    elif not reason:
        raise Invalid("请写明未到场或拒签的原因。", field="reason")
    elif not evidence:
        raise Invalid("请写明通知凭证，例如电话时间、短信、函件编号。", field="evidence")
    SURVEYS.check(step, survey, actor, {"side": side})
    whole = complete(queries.settled(survey) | {side}, survey.contractor_required)
    at = SURVEYS.advance(
        survey,
        Act.SIGN_SURVEY,
        actor=actor,
        version=version,
        changes={"signed_at": clock.now()} if whole else {},
        facts={"side": side.label, "presence": presence.label, "name": name},
        target=SurveyStage.SIGNED if whole else SurveyStage.RECORDED,
    )
    db.session.add(
        SurveyBox(
            survey_id=survey.id,
            side=side,
            presence=presence,
            name=name,
            opinion=opinion,
            reason=reason,
            evidence=evidence,
            signature_id=picture.id if picture else None,
            at=at,
            by_id=actor.id,
        )
    )
    db.session.flush()
    db.session.expire(survey, ["boxes"])
    if whole:
        follow_survey(survey, Act.SIGN_SURVEY, at)
        copy_dues([survey.ticket_id])
    return survey


def conclude(
    ticket: Ticket, *, version: int, decisions: Mapping[int, Decision], actor: User
) -> Ticket:
    """The manager decides class A, B or none for every finding; orders follow, or an answer to the customer (3.4.5).

    Raises Invalid (a finding left out, no reason for departing from the suggestion, sheet not complete), NotPermitted.
    """
    survey = queries.latest(ticket.id)
    if survey is None or survey.stage is not SurveyStage.SIGNED:
        raise Invalid("会签齐全之后才能下勘察结论。")
    if set(decisions) != {finding.id for finding in survey.findings}:
        raise Invalid("请逐项确定类别。", field="decisions")
    hold([ticket.id])
    departs = 0
    for finding in survey.findings:
        decided, why = decisions[finding.id]
        why = clean(why) or finding.why
        if decided is not finding.suggested and not why:
            raise Invalid(
                f"“{finding.defect.told}”与建议（{finding.suggested}）不同，请写明理由。",
                field="decisions",
            )
        finding.decided, finding.why = decided, why
        departs += decided is not finding.suggested
    survey.concluded_at, survey.concluded_by_id = clock.now(), actor.id
    repairs = any(finding.decided and finding.decided.repairs for finding in survey.findings)
    with db.session.no_autoflush:
        advance(
            ticket,
            Act.CONCLUDE_SURVEY if repairs else Act.DECLINE_REPAIR,
            actor=actor,
            version=version,
            changes={"repair": True} if repairs else {},
            facts={
                "survey": survey.number,
                "decided": [f"{one.defect.told} → {one.decided}" for one in survey.findings],
                "overrides": departs,
            },
        )
    copy_dues([ticket.id])
    return ticket


def _signature_of(survey: SiteSurvey, key: str) -> Attachment:
    """The signature picture filed for this sheet and not used in another box. Raises Invalid."""
    if not key:
        raise Invalid("请签名，或上传签字件照片。", field="signature")
    picture = db.session.scalars(
        select(Attachment).where(
            Attachment.key == key,
            Attachment.survey_id == survey.id,
            Attachment.slot.in_((Slot.SIGNATURE, Slot.SIGNED_PAPER)),
        )
    ).one_or_none()
    if picture is None:
        raise NotFound
    used = select(SurveyBox.id).where(SurveyBox.signature_id == picture.id)
    if picture.slot is Slot.SIGNATURE and db.session.scalar(used) is not None:
        raise NotPermitted("这个签名已经用在另一栏，请重新签。", field="signature")
    return picture
