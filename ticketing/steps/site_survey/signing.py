"""Filling the boxes of the sheet, and what the manager concludes from it (procedure 3.4.5, 5.5)."""

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import select

from ticketing.casefile.attachments.models import Attachment
from ticketing.casefile.papers.dues import copy_dues
from ticketing.casefile.tickets.commands import advance, allowed_step, hold
from ticketing.casefile.tickets.models import Ticket
from ticketing.journal.queries import story
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import Conflict, Invalid, NotFound, NotPermitted
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
from ticketing.steps.site_survey import queries, telling
from ticketing.steps.site_survey.commands import follow_survey
from ticketing.steps.site_survey.models import Finding, SiteSurvey, SurveyBox
from ticketing.steps.site_survey.road import SURVEYS, may_excuse


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
    survey's working day stops, that of the work order begins. What others signed meanwhile does not matter to who signs
    now; what they changed does.

    Raises Invalid, NotPermitted (not his box), Conflict (filled already, changed meanwhile, sheet complete).
    """
    step = SURVEYS.begin(survey, Act.SIGN_SURVEY, actor, None)
    SURVEYS.check(step, survey, actor, {"side": side})
    if version is not None and _changed_since(survey, version):
        raise Conflict("您打开本页之后，这张会签表已被他人修改。请核对后再提交。", seen=version)
    name, opinion, reason, evidence = (
        clean_line(name),
        clean(opinion),
        clean(reason),
        clean(evidence),
    )
    if side in queries.settled(survey):
        raise Conflict(f"{side}一栏已经办理，不能重复。", field="side")
    if not queries.is_judged(survey):
        raise Invalid("还有项目没有勘察意见，请先记录勘察，再会签。")
    if presence is not Presence.SIGNED and side in MUST_SIGN:
        raise Invalid(f"{side}须到场签字。", field="presence")
    if presence is not Presence.SIGNED and not may_excuse(survey, actor):
        raise NotPermitted("未到场或拒签由客户服务或工程人员记录。", field="presence")
    if not name:
        raise Invalid("请填写签字人姓名。", field="name")
    if side in MUST_SIGN and name in {one.name for one in survey.boxes if one.side in MUST_SIGN}:
        raise Invalid(f"{name}已在另一栏签字，一人只能代表一方。", field="name")
    picture = None
    if presence is Presence.SIGNED:
        picture = _signature_of(survey, signature)
    elif not reason:
        raise Invalid("请写明未到场或拒签的原因。", field="reason")
    elif not evidence:
        raise Invalid("请写明通知凭证，例如电话时间、短信、函件编号。", field="evidence")
    whole = complete(queries.settled(survey) | {side}, survey.contractor_required)
    at = SURVEYS.advance(
        survey,
        Act.SIGN_SURVEY,
        actor=actor,
        version=survey.version,
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
        telling.of_completion(survey, actor, at)
    return survey


def _changed_since(survey: SiteSurvey, version: int) -> bool:
    """Whether more than signatures, and pictures of them, came onto the sheet after `version`."""
    harmless = {Act.SIGN_SURVEY.value, Act.ATTACH.value}
    newer = story(SURVEYS.subject, survey.id, after_version=version)
    return any(entry.act not in harmless for entry, _facts in newer)


def conclude(
    ticket: Ticket, *, version: int, decisions: Mapping[int, Decision], actor: User
) -> Ticket:
    """The manager decides class A, B or none for every finding; orders follow, or an answer to the customer (3.4.5).

    What was put down in the flat stays as it was signed; the manager's class and his reason stand beside it.

    Raises Invalid (a finding left out, no reason for departing from the suggestion, sheet not complete), NotPermitted,
    Conflict.
    """
    hold([ticket.id])
    db.session.refresh(ticket)
    allowed_step(ticket, Act.CONCLUDE_SURVEY, actor)
    if version != ticket.version:
        raise Conflict("您打开本页之后，这张登记表已被他人修改。请核对后再提交。", seen=version)
    survey = queries.latest(ticket.id)
    if survey is None or survey.stage is not SurveyStage.SIGNED:
        raise Invalid("会签齐全之后才能下勘察结论。")
    if set(decisions) != {finding.id for finding in survey.findings}:
        raise Invalid("请逐项确定类别。")
    whys = {finding.id: _reason(finding, decisions[finding.id]) for finding in survey.findings}
    repairs = any(one.order_class.repairs for one in decisions.values())
    with db.session.no_autoflush:
        for finding in survey.findings:
            finding.decided = decisions[finding.id].order_class
            finding.decided_why = whys[finding.id]
        survey.concluded_at, survey.concluded_by_id = clock.now(), actor.id
        at = advance(
            ticket,
            Act.CONCLUDE_SURVEY if repairs else Act.DECLINE_REPAIR,
            actor=actor,
            version=version,
            changes={"repair": repairs},
            facts={
                "survey": survey.number,
                "decided": [_told(finding) for finding in survey.findings],
                "overrides": sum(finding.overridden for finding in survey.findings),
            },
        )
    copy_dues([ticket.id])
    telling.of_conclusion(survey, actor, at, repairs)
    return ticket


def _reason(finding: Finding, decision: Decision) -> str:
    """Why the manager departs from the suggestion: his own words, or those of the flat where he decides as they did.

    Raises Invalid.
    """
    if decision.order_class is finding.suggested:
        return ""
    agrees = decision.order_class is finding.proposed
    why = clean(decision.why) or (finding.why if agrees else "")
    if not why:
        raise Invalid(
            f"“{finding.defect.told}”与建议（{finding.suggested}）不同，请写明理由。",
            field=f"why_{finding.id}",
        )
    return why


def _told(finding: Finding) -> str:
    why = f"（{finding.decided_why}）" if finding.decided_why else ""
    return f"{finding.defect.told} → {finding.decided}{why}"


def _signature_of(survey: SiteSurvey, key: str) -> Attachment:
    """The signature filed for this sheet as now recorded and not used in another box. Raises Invalid, NotFound, NotPermitted."""
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
    if survey.recorded_at is not None and picture.at < survey.recorded_at:
        raise Invalid("这份签名是在勘察记录修改之前签的，请按现在的内容重新签。", field="signature")
    used = select(SurveyBox.id).where(SurveyBox.signature_id == picture.id)
    if picture.slot is Slot.SIGNATURE and db.session.scalar(used) is not None:
        raise NotPermitted("这个签名已经用在另一栏，请重新签。", field="signature")
    return picture
