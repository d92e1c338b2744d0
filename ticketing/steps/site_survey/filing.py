"""Which pictures a 会签表 shows to whom, and what may be filed on it as it stands (procedure 3.4.5)."""

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import joinedload

from ticketing.casefile.attachments.models import Attachment, PaperKind
from ticketing.casefile.attachments.queries import DESKS, Desk, Place
from ticketing.casefile.tickets import guards
from ticketing.kernel.db import db
from ticketing.kernel.errors import NotFound
from ticketing.masters.people.models import User
from ticketing.masters.people.scope import Scope
from ticketing.procedure.repair_roads import LOOKERS
from ticketing.procedure.repairs import Slot, SurveyStage
from ticketing.procedure.vocabulary import Role, TicketStage
from ticketing.steps.site_survey import queries
from ticketing.steps.site_survey.models import SiteSurvey

CALLED_FOR = (Slot.REPORTED, Slot.SITE)
"""Pictures of the ticket that who is called to a paper of it sees too: what it is about."""


def _pictures(scope: Scope) -> ColumnElement[bool]:
    seen = select(SiteSurvey.id).where(queries.visible(scope))
    own = seen.where(SiteSurvey.id == Attachment.survey_id).exists()
    called = seen.where(SiteSurvey.ticket_id == Attachment.ticket_id).exists()
    return own | (Attachment.slot.in_(CALLED_FOR) & called)


def _place(scope: Scope, actor: User, survey_id: int) -> Place:
    survey = db.session.scalars(
        select(SiteSurvey)
        .where(SiteSurvey.id == survey_id, queries.visible(scope))
        .options(
            joinedload(SiteSurvey.ticket, innerjoin=True),
            joinedload(SiteSurvey.team, innerjoin=True),
        )
    ).one_or_none()
    if survey is None:
        raise NotFound
    return Place(
        PaperKind.SURVEY,
        survey.id,
        survey.number,
        survey.ticket_id,
        survey.stage,
        survey.version,
        f"/surveys/{survey.id}",
        frozenset(_slots(survey, actor)),
    )


def _slots(survey: SiteSurvey, actor: User) -> set[Slot]:
    """Photos until the first signature, signatures until the last, evidence at any time."""
    roles = guards.roles_on(survey.ticket, actor)
    if survey.team.captain_id != actor.id:
        roles -= {Role.CAPTAIN}
    if not roles & LOOKERS:
        return set()
    slots = {Slot.EVIDENCE}
    if survey.ticket.stage is not TicketStage.SURVEYING:
        return slots
    if survey.stage in (SurveyStage.SCHEDULED, SurveyStage.RECORDED) and not survey.boxes:
        slots.add(Slot.SITE)
    if survey.stage is SurveyStage.RECORDED:
        slots |= {Slot.SIGNATURE, Slot.SIGNED_PAPER}
    return slots


DESKS[PaperKind.SURVEY] = Desk(_pictures, _place)
