"""Reading surveys, narrowed by scope: not yours = not found."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, or_, select, true
from sqlalchemy.orm import aliased, contains_eager, joinedload, load_only, selectinload

from ticketing.casefile.attachments.models import Attachment
from ticketing.casefile.defects.queries import of_ticket as defects_of
from ticketing.casefile.tickets import queries as tickets
from ticketing.casefile.tickets import telling
from ticketing.casefile.tickets.models import Ticket
from ticketing.kernel.db import Parts, db, filled
from ticketing.masters.contractors import queries as contractors
from ticketing.masters.contractors.models import Contract, Contractor, RepairTeam
from ticketing.masters.estate.models import Community
from ticketing.masters.people.models import User
from ticketing.masters.people.queries import SIGNER
from ticketing.masters.people.scope import Scope
from ticketing.procedure.repairs import Side, Slot, SurveyStage
from ticketing.procedure.vocabulary import Role, TicketStage
from ticketing.steps.site_survey.models import Finding, SiteSurvey, SurveyBox


def visible(scope: Scope) -> ColumnElement[bool]:
    """Which surveys one person may see: those of his tickets; a captain, those of his teams; an engineer, where he works.

    Asked row by row (EXISTS): a list of all his tickets would be made first for each page.
    """
    if scope.sees_all_tickets:
        return true()
    by_ticket = [tickets.visible(scope)]
    if Role.ENGINEER in scope.roles:
        if scope.communities is None:
            return true()
        by_ticket.append(Ticket.community_id.in_(sorted(scope.communities)))
    its_ticket = select(Ticket.id).where(Ticket.id == SiteSurvey.ticket_id, or_(*by_ticket))
    ways: list[ColumnElement[bool]] = [its_ticket.correlate(SiteSurvey).exists()]
    if Role.CAPTAIN in scope.roles:
        ways.append(SiteSurvey.team_id.in_(contractors.teams_led(scope)))
    return or_(*ways)


def survey_for(scope: Scope, survey_id: int) -> SiteSurvey:
    """One survey with everything on its sheet. Raises NotFound."""
    return filled(_SHEET.where(visible(scope)), survey_id, _LINES)


_SHEET = (
    select(SiteSurvey)
    .where(SiteSurvey.id == bindparam("id"))
    .options(
        joinedload(SiteSurvey.ticket, innerjoin=True).options(
            selectinload(Ticket.unit), joinedload(Ticket.community, innerjoin=True)
        ),
        joinedload(SiteSurvey.team, innerjoin=True).joinedload(RepairTeam.captain),
        joinedload(SiteSurvey.contractor),
        joinedload(SiteSurvey.scheduled_by).options(SIGNER),
        joinedload(SiteSurvey.recorded_by).options(SIGNER),
        joinedload(SiteSurvey.concluded_by).options(SIGNER),
    )
)
_LINES: Parts = {
    "findings": select(Finding)
    .where(Finding.survey_id == bindparam("id"))
    .options(joinedload(Finding.defect, innerjoin=True))
    .order_by(Finding.id),
    "boxes": select(SurveyBox)
    .where(SurveyBox.survey_id == bindparam("id"))
    .options(
        joinedload(SurveyBox.by, innerjoin=True).options(SIGNER), joinedload(SurveyBox.signature)
    )
    .order_by(SurveyBox.id),
}


OPEN = (SurveyStage.SCHEDULED, SurveyStage.RECORDED)
"""Somebody still has to come, or to sign."""


def sees_phone(scope: Scope, survey: SiteSurvey) -> bool:
    """Whether this person may see the customer's number on a sheet (access matrix row 3).

    Captain and engineer see it while the survey is open and theirs, everybody else as on the ticket.
    """
    if tickets.sees_phone(scope, survey.ticket):
        return True
    called = Role.ENGINEER in scope.roles or (
        Role.CAPTAIN in scope.roles and survey.team.captain_id == scope.user_id
    )
    return called and survey.ticket.is_open and survey.stage in OPEN


def of_ticket(ticket_id: int) -> Sequence[SiteSurvey]:
    """The surveys of a ticket, the latest first."""
    return db.session.scalars(_OF_TICKET, {"ticket": ticket_id}).unique().all()


_OF_TICKET = (
    select(SiteSurvey)
    .where(SiteSurvey.ticket_id == bindparam("ticket"))
    .options(joinedload(SiteSurvey.findings), joinedload(SiteSurvey.team, innerjoin=True))
    .order_by(SiteSurvey.round.desc())
)


def latest(ticket_id: int) -> SiteSurvey | None:
    """The survey in force of a ticket."""
    return db.session.scalars(
        select(SiteSurvey)
        .where(SiteSurvey.ticket_id == ticket_id)
        .options(selectinload(SiteSurvey.findings).joinedload(Finding.defect))
        .order_by(SiteSurvey.round.desc())
        .limit(1)
    ).one_or_none()


class Repaired(NamedTuple):
    """A defect that an accepted order of a survey has repaired (procedure 3.5.3)."""

    defect_id: int
    survey_id: int
    order: str


REPAIRED: list[Callable[[Collection[int]], Sequence[Repaired]]] = []
"""What accepted orders have repaired on tickets with these ids, as the orders were drafted: told by the room of orders."""


def _repaired(ticket_ids: Collection[int]) -> list[Repaired]:
    return [one for ask in REPAIRED for one in ask(ticket_ids)] if ticket_ids else []


def repaired(ticket_id: int) -> dict[int, str]:
    """The defects of a ticket that are repaired and accepted already, with the last order's number (procedure 3.5.3)."""
    return {one.defect_id: one.order for one in _repaired([ticket_id])}


def repaired_before(surveys: Collection[SiteSurvey]) -> dict[int, dict[int, str]]:
    """By survey the defects an order of an earlier one had repaired, with the last such order's number; in one statement.

    A sheet does not speak of what it led to itself: only a further look (`round`) has anything before it.
    """
    again = [one for one in surveys if one.round > 1]
    done = _repaired({one.ticket_id for one in again})
    return {
        survey.id: {one.defect_id: one.order for one in done if one.survey_id < survey.id}
        for survey in again
    }


def is_judged(survey: SiteSurvey) -> bool:
    """Whether every defect of the ticket has its finding."""
    return {one.defect_id for one in survey.findings} == {
        one.id for one in defects_of(survey.ticket_id)
    }


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


PAGE = 50
LISTED = 200
"""So many surveys stand on a list without pages; nobody has more visits before him."""


def waiting(
    scope: Scope, after: int | None = None, size: int = PAGE
) -> tuple[Sequence[SiteSurvey], int | None]:
    """Surveys whose visit or signatures are still to come, next visit first; a page of them behind the survey `after`.

    The second is where the next page begins, None when this is the last (keyset).
    """
    query = _listed(scope, SiteSurvey.stage.in_(OPEN))
    last = aliased(SiteSurvey)
    if after is not None:
        place = select(last.visit_at).where(last.id == after).scalar_subquery()
        query = query.where(
            or_(
                SiteSurvey.visit_at > place,
                and_(SiteSurvey.visit_at == place, SiteSurvey.id > after),
            )
        )
    rows = db.session.scalars(query.limit(size + 1)).all()
    return rows[:size], rows[size - 1].id if len(rows) > size else None


def visits_of_captain(scope: Scope, before: datetime) -> Sequence[SiteSurvey]:
    """The visits agreed on before an instant to which this person's teams go, next visit first."""
    mine = _waiting(scope, SiteSurvey.stage == SurveyStage.SCHEDULED).where(
        SiteSurvey.team_id.in_(contractors.teams_led(scope)), SiteSurvey.visit_at < before
    )
    shown = (
        load_only(SiteSurvey.visit_at, SiteSurvey.note),
        contains_eager(SiteSurvey.ticket).options(
            load_only(Ticket.room, Ticket.unit_id, Ticket.caller_name),
            joinedload(Ticket.community, innerjoin=True).load_only(Community.name),
        ),
    )
    return db.session.scalars(mine.options(*shown).limit(LISTED)).all()


def to_conclude(scope: Scope) -> Sequence[SiteSurvey]:
    """Complete sheets that wait for the manager's decision, the oldest first."""
    query = _listed(scope, SiteSurvey.stage == SurveyStage.SIGNED)
    return db.session.scalars(query.limit(LISTED)).all()


def _listed(scope: Scope, stage: ColumnElement[bool]) -> Select[SiteSurvey]:
    return _waiting(scope, stage).options(
        contains_eager(SiteSurvey.ticket).joinedload(Ticket.community, innerjoin=True),
        joinedload(SiteSurvey.team, innerjoin=True).joinedload(RepairTeam.captain),
        selectinload(SiteSurvey.boxes),
    )


def _waiting(scope: Scope, stage: ColumnElement[bool]) -> Select[SiteSurvey]:
    return (
        select(SiteSurvey)
        .join(SiteSurvey.ticket)
        .where(
            Ticket.is_open == true(),
            Ticket.stage == TicketStage.SURVEYING,
            SiteSurvey.concluded_at.is_(None),
            stage,
            visible(scope),
        )
        .order_by(SiteSurvey.visit_at, SiteSurvey.id)
    )


def builders(ticket: Ticket) -> list[Contractor]:
    """Who built what is defective on this ticket, by the trades of its items; each once."""
    trades = {one.trade for one in defects_of(ticket.id)}
    contracts = contractors.contracts_for(ticket.community_id, trades).values()
    return list({one.contractor_id: one.contractor for one in contracts}.values())


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


class Visit(NamedTuple):
    """A visit a team has agreed on; of one elsewhere in the house only the time is told (`room` empty)."""

    team_id: int
    visit_at: datetime
    room: str


def visits_of(
    scope: Scope, team_ids: Sequence[int], start: datetime, end: datetime, *, but: int = 0
) -> list[Visit]:
    """The visits of these teams in a stretch of time, so that nobody is sent to two flats at once.

    `but` is the survey that is just being put off.
    """
    rows = db.session.execute(
        select(SiteSurvey.team_id, SiteSurvey.visit_at, Ticket.room, visible(scope))
        .join(Ticket, Ticket.id == SiteSurvey.ticket_id)
        .where(
            SiteSurvey.team_id.in_(team_ids),
            SiteSurvey.stage == SurveyStage.SCHEDULED,
            SiteSurvey.concluded_at.is_(None),
            Ticket.stage == TicketStage.SURVEYING,
            SiteSurvey.visit_at.between(start, end),
            SiteSurvey.id != but,
        )
        .order_by(SiteSurvey.visit_at, SiteSurvey.id)
        .limit(LISTED)
    )
    return [Visit(team_id, at, room if seen else "") for team_id, at, room, seen in rows]


def engineers(ticket: Ticket) -> Sequence[User]:
    """The engineers whom the survey concerns, by name: they are told and may sign."""
    concerned = telling.engineers_of(ticket)
    return db.session.scalars(select(User).where(User.id.in_(concerned)).order_by(User.name)).all()


def names() -> dict[tuple[str, int], str]:
    """The names of teams and contractors by column and id, for the story."""
    return {
        **_named("team_id", RepairTeam.id, RepairTeam.name),
        **_named("contractor_id", Contractor.id, Contractor.name),
    }


def _named(column: str, row_id: Any, name: Any) -> dict[tuple[str, int], str]:
    return {(column, row[0]): row[1] for row in db.session.execute(select(row_id, name))}
