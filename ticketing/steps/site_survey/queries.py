"""Reading surveys, narrowed by scope: not yours = not found."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from ticketing.casefile.attachments.models import Attachment
from ticketing.casefile.defects.queries import of_ticket as defects_of
from ticketing.casefile.tickets import queries as tickets
from ticketing.casefile.tickets.models import Ticket
from ticketing.kernel.db import db
from ticketing.kernel.errors import NotFound
from ticketing.masters.contractors import queries as contractors
from ticketing.masters.contractors.models import Contract, Contractor, RepairTeam
from ticketing.masters.people.scope import Scope
from ticketing.procedure.repairs import Side, Slot, SurveyStage
from ticketing.procedure.vocabulary import Role
from ticketing.steps.site_survey.models import Finding, SiteSurvey


def visible(scope: Scope) -> ColumnElement[bool]:
    """Which surveys one person may see: those of his tickets; a captain, those of his teams; an engineer,
    those of the communities he is posted to, or all if he is posted to none."""
    ways: list[ColumnElement[bool]] = [
        SiteSurvey.ticket_id.in_(select(Ticket.id).where(tickets.visible(scope)))
    ]
    if Role.CAPTAIN in scope.roles:
        led = select(RepairTeam.id).where(RepairTeam.captain_id == scope.user_id)
        ways.append(SiteSurvey.team_id.in_(led))
    if Role.ENGINEER in scope.roles:
        here = select(Ticket.id)
        if scope.communities:
            here = here.where(Ticket.community_id.in_(scope.communities))
        ways.append(SiteSurvey.ticket_id.in_(here))
    return or_(*ways)


def survey_for(scope: Scope, survey_id: int) -> SiteSurvey:
    """One survey with everything on its sheet. Raises NotFound."""
    found = db.session.scalars(
        select(SiteSurvey)
        .where(SiteSurvey.id == survey_id, visible(scope))
        .options(
            joinedload(SiteSurvey.ticket, innerjoin=True).joinedload(Ticket.unit),
            joinedload(SiteSurvey.ticket, innerjoin=True).joinedload(Ticket.community),
            joinedload(SiteSurvey.team, innerjoin=True).joinedload(RepairTeam.captain),
            joinedload(SiteSurvey.contractor),
            joinedload(SiteSurvey.scheduled_by),
            joinedload(SiteSurvey.recorded_by),
            joinedload(SiteSurvey.concluded_by),
            selectinload(SiteSurvey.findings).joinedload(Finding.defect),
            selectinload(SiteSurvey.boxes),
        )
    ).one_or_none()
    if found is None:
        raise NotFound
    return found


def of_ticket(ticket_id: int) -> Sequence[SiteSurvey]:
    """The surveys of a ticket, the latest first."""
    return db.session.scalars(
        select(SiteSurvey)
        .where(SiteSurvey.ticket_id == ticket_id)
        .order_by(SiteSurvey.round.desc())
    ).all()


def latest(ticket_id: int) -> SiteSurvey | None:
    """The survey in force of a ticket."""
    return db.session.scalars(
        select(SiteSurvey)
        .where(SiteSurvey.ticket_id == ticket_id)
        .options(selectinload(SiteSurvey.findings).joinedload(Finding.defect))
        .order_by(SiteSurvey.round.desc())
        .limit(1)
    ).one_or_none()


def findings_of(survey_id: int) -> Sequence[Finding]:
    """The findings of one survey with their defects."""
    return db.session.scalars(
        select(Finding)
        .where(Finding.survey_id == survey_id)
        .options(joinedload(Finding.defect))
        .order_by(Finding.id)
    ).all()


def team_of(ticket_id: int) -> int | None:
    """The team that looked at the defects last."""
    return db.session.scalar(
        select(SiteSurvey.team_id)
        .where(SiteSurvey.ticket_id == ticket_id)
        .order_by(SiteSurvey.round.desc())
        .limit(1)
    )


def site_photos(survey_id: int) -> int:
    """How many pictures of the place a survey has."""
    return (
        db.session.scalar(
            select(func.count(Attachment.id)).where(
                Attachment.survey_id == survey_id, Attachment.slot == Slot.SITE
            )
        )
        or 0
    )


def settled(survey: SiteSurvey) -> frozenset[Side]:
    """The boxes that are filled."""
    return frozenset(box.side for box in survey.boxes)


def waiting(scope: Scope) -> Sequence[SiteSurvey]:
    """Surveys whose visit or signatures are still to come, next visit first."""
    return db.session.scalars(
        select(SiteSurvey)
        .where(SiteSurvey.stage.in_((SurveyStage.SCHEDULED, SurveyStage.RECORDED)), visible(scope))
        .options(
            joinedload(SiteSurvey.ticket, innerjoin=True).joinedload(Ticket.community),
            joinedload(SiteSurvey.team, innerjoin=True),
        )
        .order_by(SiteSurvey.visit_at, SiteSurvey.id)
        .limit(200)
    ).all()


def builders(ticket: Ticket) -> list[Contractor]:
    """Who built what is defective on this ticket, by the trades of its items; each once."""
    found = {}
    for trade in dict.fromkeys(one.trade for one in defects_of(ticket.id)):
        contract = contractors.contract_for(ticket.community_id, trade)
        if contract is not None:
            found[contract.contractor_id] = contract.contractor
    return list(found.values())


def contractors_of(ticket: Ticket) -> Sequence[Contractor]:
    """Every contractor with a contract in the ticket's community, by name."""
    return db.session.scalars(
        select(Contractor)
        .where(
            Contractor.id.in_(
                select(Contract.contractor_id).where(Contract.community_id == ticket.community_id)
            ),
            Contractor.active,
        )
        .order_by(Contractor.name)
    ).all()


def visits_between(
    scope: Scope, community_id: int, start: datetime, end: datetime
) -> Sequence[SiteSurvey]:
    """The visits agreed in a community in a stretch of time, so that nobody is sent to two flats at once."""
    return db.session.scalars(
        select(SiteSurvey)
        .join(Ticket)
        .where(
            Ticket.community_id == community_id,
            SiteSurvey.stage == SurveyStage.SCHEDULED,
            SiteSurvey.visit_at.between(start, end),
            visible(scope),
        )
        .options(
            joinedload(SiteSurvey.ticket, innerjoin=True),
            joinedload(SiteSurvey.team, innerjoin=True),
        )
        .order_by(SiteSurvey.visit_at)
        .limit(40)
    ).all()
