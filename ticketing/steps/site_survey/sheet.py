"""The 现场勘察会签表 on A4, in the layout of the procedure's own form (procedure 3.4.5, 5.5)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from ticketing.casefile.attachments.models import Attachment
from ticketing.casefile.defects.models import Defect
from ticketing.casefile.defects.queries import Judged, judge_each
from ticketing.casefile.tickets.models import Ticket
from ticketing.kernel.db import db
from ticketing.kernel.errors import NotFound
from ticketing.kernel.text import masked_phone
from ticketing.masters.contractors.models import RepairTeam
from ticketing.masters.estate.models import Community, Unit
from ticketing.masters.people.scope import Scope
from ticketing.procedure.repairs import Side, Slot, SurveyStage
from ticketing.steps.site_survey import queries
from ticketing.steps.site_survey.models import Finding, SiteSurvey, SurveyBox

LISTED = 200
"""So many surveys stand on the list from which a pile is chosen."""


class Line(NamedTuple):
    """A defect on the sheet with what was found of it, its warranty in words, and the order that had repaired it before.

    A blank sheet that is taken along has no finding, but says what the warranty is as far as it is known.
    """

    defect: Defect
    finding: Finding | None
    arithmetic: list[str]
    repaired: str = ""


class Sheet(NamedTuple):
    """What stands on one printed survey."""

    survey: SiteSurvey
    phone: str
    lines: list[Line]
    photos: list[Attachment]
    boxes: dict[Side, SurveyBox]


class Listed(NamedTuple):
    """One line of the list to choose from."""

    id: int
    number: str
    stage: SurveyStage
    visit_at: datetime
    community: str
    room: str
    team: str


def sheets(scope: Scope, survey_ids: Sequence[int]) -> list[Sheet]:
    """The sheets of these surveys in the order asked for. Raises NotFound, also when one is out of scope."""
    found = {one.id: one for one in _surveys(scope, survey_ids)}
    if len(found) != len(set(survey_ids)):
        raise NotFound
    photos: dict[int | None, list[Attachment]] = defaultdict(list)
    for picture in db.session.scalars(
        select(Attachment)
        .where(
            Attachment.survey_id.in_(survey_ids),
            Attachment.slot == Slot.SITE,
            Attachment.replaced_at.is_(None),
        )
        .order_by(Attachment.id)
    ):
        photos[picture.survey_id].append(picture)
    defects: dict[int, list[Defect]] = defaultdict(list)
    for defect in db.session.scalars(
        select(Defect)
        .where(Defect.ticket_id.in_([one.ticket_id for one in found.values()]))
        .order_by(Defect.position)
    ):
        defects[defect.ticket_id].append(defect)
    judged = judge_each(
        (one.ticket, defects[one.ticket_id]) for one in found.values() if not one.findings
    )
    repaired = queries.repaired_before(found.values())
    return [
        Sheet(
            survey,
            _phone(scope, survey),
            _lines(survey, judged.get(survey.ticket_id, []), repaired.get(survey.id, {})),
            photos[survey.id],
            {box.side: box for box in survey.boxes},
        )
        for survey in (found[survey_id] for survey_id in survey_ids)
    ]


def _surveys(scope: Scope, survey_ids: Sequence[int]) -> Sequence[SiteSurvey]:
    return db.session.scalars(
        select(SiteSurvey)
        .where(SiteSurvey.id.in_(survey_ids), queries.visible(scope))
        .options(
            joinedload(SiteSurvey.ticket, innerjoin=True).joinedload(Ticket.community),
            joinedload(SiteSurvey.ticket, innerjoin=True)
            .joinedload(Ticket.unit)
            .joinedload(Unit.building),
            joinedload(SiteSurvey.team, innerjoin=True).joinedload(RepairTeam.captain),
            joinedload(SiteSurvey.contractor),
            joinedload(SiteSurvey.recorded_by),
            joinedload(SiteSurvey.concluded_by),
            selectinload(SiteSurvey.findings).joinedload(Finding.defect),
            selectinload(SiteSurvey.boxes).joinedload(SurveyBox.signature),
        )
    ).all()


def _lines(survey: SiteSurvey, judged: Sequence[Judged], repaired: Mapping[int, str]) -> list[Line]:
    """What was found; before that what the customer reported."""
    if survey.findings:
        return [
            Line(one.defect, one, one.arithmetic.split("\n"), repaired.get(one.defect_id, ""))
            for one in survey.findings
        ]
    return [
        Line(one.defect, None, one.arithmetic, repaired.get(one.defect.id, "")) for one in judged
    ]


def _phone(scope: Scope, survey: SiteSurvey) -> str:
    """The customer's number: whole for those who may see it on this sheet."""
    number = survey.ticket.caller_phone
    return number if queries.sees_phone(scope, survey) else masked_phone(number)


def listed(scope: Scope, signed: bool) -> list[Listed]:
    """The surveys to choose from: those to come with the next visit first, or the signed ones, newest first."""
    stages = (SurveyStage.SIGNED,) if signed else queries.OPEN
    order = (
        (SiteSurvey.signed_at.desc(), SiteSurvey.id.desc())
        if signed
        else (SiteSurvey.visit_at, SiteSurvey.id)
    )
    rows = db.session.execute(
        select(
            SiteSurvey.id,
            SiteSurvey.number,
            SiteSurvey.stage,
            SiteSurvey.visit_at,
            Community.name,
            Ticket.room,
            RepairTeam.name,
        )
        .join(Ticket, Ticket.id == SiteSurvey.ticket_id)
        .join(Community, Community.id == Ticket.community_id)
        .join(RepairTeam, RepairTeam.id == SiteSurvey.team_id)
        .where(SiteSurvey.stage.in_(stages), queries.visible(scope))
        .order_by(*order)
        .limit(LISTED)
    )
    return [Listed(*row) for row in rows]
