"""The survey's road with its guards as checks, and those of the ticket's road that ask about its survey."""

from typing import Any

from ticketing.casefile.defects.commands import SETTLED
from ticketing.casefile.papers.commands import Checks, Road
from ticketing.casefile.tickets import guards
from ticketing.casefile.tickets.models import Ticket
from ticketing.kernel.errors import Conflict, Invalid, NotPermitted
from ticketing.masters.people.models import User
from ticketing.procedure import repair_roads, workflow
from ticketing.procedure.repairs import Side, SurveyStage
from ticketing.procedure.vocabulary import Role, TicketStage
from ticketing.steps.site_survey import queries
from ticketing.steps.site_survey.models import SiteSurvey


def may_fill(survey: SiteSurvey, side: Side, actor: User) -> bool:
    """Whether `actor` may file what stands in a box: his own, or one of those who have no account."""
    roles = guards.roles_on(survey.ticket, actor)
    if side is Side.CAPTAIN:
        return survey.team.captain_id == actor.id
    if side is Side.CUSTOMER and roles == {Role.CAPTAIN}:
        return survey.team.captain_id == actor.id
    return bool(repair_roads.SIDE_ROLES[side] & roles)


def _own_box(survey: SiteSurvey, actor: User, changes: dict[str, Any]) -> bool:
    side = changes.get("side")
    sides = [side] if side else [one for one in Side if one not in queries.settled(survey)]
    return any(may_fill(survey, one, actor) for one in sides)


def may_excuse(survey: SiteSurvey, actor: User) -> bool:
    """Whether `actor` may record that somebody stayed away or would not sign: never the captain alone."""
    return bool(repair_roads.RECORDERS & guards.roles_on(survey.ticket, actor))


def _own_team(survey: SiteSurvey, actor: User, _changes: dict[str, Any]) -> bool:
    """Whoever goes there as a captain goes with his own team."""
    roles = guards.roles_on(survey.ticket, actor) & repair_roads.LOOKERS
    return roles != {Role.CAPTAIN} or survey.team.captain_id == actor.id


_CHECKS: Checks = {
    repair_roads.UNDER_SURVEY: (
        lambda survey, _a, _c: survey.ticket.stage is TicketStage.SURVEYING,
        Conflict,
    ),
    repair_roads.OWN_TEAM: (_own_team, NotPermitted),
    repair_roads.UNSIGNED: (lambda survey, _a, _c: not survey.boxes, Invalid),
    repair_roads.OWN_BOX: (_own_box, NotPermitted),
}

SURVEYS = Road("survey", "会签表", repair_roads.survey_step, _CHECKS)


def _signed(ticket: Ticket, _actor: User, _changes: dict[str, Any]) -> bool:
    survey = queries.latest(ticket.id)
    return survey is not None and survey.stage is SurveyStage.SIGNED


def _to_repair(ticket: Ticket, _actor: User, changes: dict[str, Any]) -> bool:
    """Whether the manager's decision, or before it what was proposed in the flat, leaves something to repair."""
    survey = queries.latest(ticket.id)
    return survey is not None and any(
        (finding.decided or finding.proposed).repairs for finding in survey.findings
    )


SETTLED.append(lambda ticket_id: bool(queries.of_ticket(ticket_id)))
guards.CHECKS[workflow.SURVEYED] = (_signed, Invalid)
guards.CHECKS[workflow.TO_REPAIR] = (_to_repair, Invalid)
guards.CHECKS[workflow.NOTHING_TO_REPAIR] = (
    lambda ticket, actor, changes: not _to_repair(ticket, actor, changes),
    Invalid,
)
