"""Reading surveys, narrowed by scope: not yours = not found."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from ticketing.casefile.attachments.models import Attachment
from ticketing.casefile.defects.models import Defect
from ticketing.casefile.tickets import queries as tickets
from ticketing.casefile.tickets.models import Ticket
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import NotFound
from ticketing.masters.contractors import queries as contractors
from ticketing.masters.contractors.models import RepairTeam
from ticketing.masters.people.scope import Scope
from ticketing.masters.workcalendar import queries as workcalendar
from ticketing.procedure import warranty
from ticketing.procedure.repairs import Cause, Side, Slot, SurveyStage
from ticketing.procedure.vocabulary import Role
from ticketing.steps.site_survey.models import Finding, SiteSurvey


def visible(scope: Scope) -> ColumnElement[bool]:
    """Which surveys one person may see: those of his tickets; a captain, those of his teams; engineers, where they work."""
    ways: list[ColumnElement[bool]] = [
        SiteSurvey.ticket_id.in_(select(Ticket.id).where(tickets.visible(scope)))
    ]
    if Role.CAPTAIN in scope.roles:
        led = select(RepairTeam.id).where(RepairTeam.captain_id == scope.user_id)
        ways.append(SiteSurvey.team_id.in_(led))
    if Role.ENGINEER in scope.roles:
        here = select(Ticket.id)
        if scope.communities is not None:
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


class Judged(NamedTuple):
    """A defect with both of its warranty clocks."""

    defect: Defect
    cover: warranty.Cover

    @property
    def arithmetic(self) -> list[str]:
        """The reckoning in words."""
        return warranty.arithmetic(self.cover)

    def suggested(self, cause: Cause) -> warranty.Suggestion:
        """The class by the rules for a cause, as of the day the customer reported it."""
        return warranty.suggest(
            self.cover, cause, clock.local(self.defect.ticket.received_at).date()
        )


def judge(ticket: Ticket, defects: Sequence[Defect]) -> list[Judged]:
    """Both warranty clocks of each defect of a ticket (procedure 3.4.5, 3.5.1)."""
    unit, community = ticket.unit, ticket.community
    delivered = (unit.delivered_on or unit.building.delivered_on) if unit else None
    delivered = delivered or community.delivered_on
    calendar = workcalendar.snapshot()
    promised = contractors.promises(ticket.community_id, delivered) if delivered else []
    contracts = {
        trade: contractors.contract_for(ticket.community_id, trade)
        for trade in {defect.trade for defect in defects}
    }
    judged = []
    for defect in defects:
        contract = contracts[defect.trade]
        judged.append(
            Judged(
                defect,
                warranty.cover(
                    defect.part,
                    delivered_on=delivered,
                    completed_on=contract.completed_on if contract else None,
                    calendar=calendar,
                    promises=promised,
                    common_area=unit is None,
                ),
            )
        )
    return judged


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
