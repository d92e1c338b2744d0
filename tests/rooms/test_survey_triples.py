"""Every (state, act, role) of a survey and of the ticket's moves by it: what is allowed works, all else leaves no trace.

The table below is written by hand from rows 11 to 13 of the access matrix; it does not ask the code.
"""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from tests.pages.helpers import one_of_each_role, recorded
from tests.rooms.test_tickets_triples import ROLES
from tests.support.repairs import Repairs
from ticketing.casefile.defects import queries as defects
from ticketing.casefile.tickets.models import Ticket
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.kernel.errors import Conflict, Invalid, NotPermitted
from ticketing.masters.contractors.models import RepairTeam
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import Cause, Liable, Presence, Side, Slot, SurveyStage
from ticketing.procedure.vocabulary import Role, TicketStage
from ticketing.steps.site_survey import commands, signing
from ticketing.steps.site_survey.commands import Found
from ticketing.steps.site_survey.models import SiteSurvey
from ticketing.steps.site_survey.signing import Decision

STAGES = dict(zip("SKG", list(SurveyStage)[:3], strict=True))
# act: in which states, by which roles, into which state (. stays)
TABLE = {
    Act.RESCHEDULE_SURVEY: ("SK", "OF CM", "."),
    Act.ARRIVE_SURVEY: ("S", "OF CR EN CM", "."),
    Act.RECORD_SURVEY: ("SK", "OF EN CM", "K"),
    Act.SIGN_SURVEY: ("K", "OF CR EN CM", "."),
}
# the ticket's own moves by its survey
TICKET_TABLE = {
    Act.SCHEDULE_SURVEY: ("已转派 处理中", "OF CM", "待勘察"),
    Act.CONCLUDE_SURVEY: ("待勘察", "CM", "维修中"),
    Act.RESURVEY: ("待勘察 维修中", "OF CM", "待勘察"),
}
OWN = {
    Role.OFFICE: Side.SERVICE,
    Role.CS_MANAGER: Side.SERVICE,
    Role.ENGINEER: Side.ENGINEERING,
    Role.CAPTAIN: Side.CAPTAIN,
}
SNAPSHOT = (
    "SELECT (SELECT count(*) FROM journal_entry), (SELECT count(*) FROM survey_box),"
    " (SELECT count(*) FROM survey_finding), (SELECT sum(version) FROM site_survey),"
    " (SELECT sum(version) FROM ticket), (SELECT count(*) FROM clock_event)"
)


def snapshot() -> tuple[Any, ...]:
    return tuple(db.session.execute(text(SNAPSHOT)).one())


def finds(survey: SiteSurvey) -> list[Found]:
    items = defects.of_ticket(survey.ticket_id)
    return [
        Found(
            one.defect.id,
            "渗水",
            Cause.WORKMANSHIP,
            Liable.CONTRACTOR,
            50_000,
            one.suggested(Cause.WORKMANSHIP).order_class,
        )
        for one in defects.judge(survey.ticket, items)
    ]


def appointment(make: Any) -> dict[str, Any]:
    return {
        "visit_at": clock.now() + timedelta(hours=3),
        "team_id": make.world.teams["云栖苑维修队"],
        "contractor_id": None,
        "note": "",
    }


def do(act: Act, survey: SiteSurvey, actor: Any, role: Role, make: Any, repairs: Repairs) -> None:
    common = {"version": survey.version, "actor": actor}
    match act:
        case Act.RESCHEDULE_SURVEY:
            commands.reschedule(survey, **appointment(make), **common)
        case Act.ARRIVE_SURVEY:
            commands.arrive(survey, actor=actor)
        case Act.RECORD_SURVEY:
            commands.record(
                survey,
                situation="有水痕",
                remark="",
                disputed=False,
                found=finds(survey),
                **common,
            )
        case Act.SIGN_SURVEY:
            side = OWN.get(role, Side.CUSTOMER)
            signing.sign(
                survey,
                side=side,
                presence=Presence.SIGNED,
                name="某人",
                opinion="",
                reason="",
                evidence="",
                signature=SIGNATURES[survey.id],
                **common,
            )


SIGNATURES: dict[int, str] = {}


@pytest.mark.clause("3.4.5")
def test_every_act_on_a_sheet_obeys_the_table_of_state_act_and_role(make):
    repairs, names = Repairs(make), one_of_each_role(make)
    surveys = {}
    for letter, stage in STAGES.items():
        survey = repairs.survey(stage)
        with transaction():
            kind = {"ticket_id": survey.ticket_id, "survey_id": survey.id}
            SIGNATURES[survey.id] = repairs.picture(Slot.SIGNATURE, **kind).key
            repairs.picture(Slot.SITE, **kind)
        surveys[letter] = survey.id
    with transaction():
        team = db.session.get_one(RepairTeam, make.world.teams["云栖苑维修队"])
        team.captain_id = make.world.users[names[Role.CAPTAIN]]
    before, wrong, worked = snapshot(), [], 0
    db.session.commit()
    with recorded(db.engine) as recorder:
        for code, role in ROLES.items():
            for act, (states, roles, target) in TABLE.items():
                for letter, survey_id in surveys.items():
                    actor = make.user(names[role])
                    survey = db.session.get_one(SiteSurvey, survey_id)
                    recorder.statements.clear()
                    try:
                        do(act, survey, actor, role, make, repairs)
                        outcome: Any = survey.stage
                    except (NotPermitted, Conflict) as error:
                        outcome = error.status
                        if recorder.writes or db.session.new or db.session.dirty:
                            wrong.append((letter, act, code, "left a trace"))
                    if letter in states and code in roles.split():
                        expected: Any = STAGES[letter] if target == "." else STAGES[target]
                        worked += 1
                    else:
                        expected = 409 if code in roles.split() else 403
                    if outcome != expected:
                        wrong.append((letter, act, code, outcome, "instead of", expected))
                    db.session.rollback()
    assert wrong == []
    assert worked == 4 + 4 + 6 + 4
    assert snapshot() == before


def move(act: Act, ticket: Ticket, actor: Any, make: Any) -> None:
    common = {"version": ticket.version, "actor": actor}
    if act is Act.SCHEDULE_SURVEY:
        commands.schedule(ticket, **appointment(make), **common)
    elif act is Act.RESURVEY:
        commands.resurvey(ticket, reason="再看一次", **appointment(make), **common)
    else:
        survey = commands.queries.latest(ticket.id)
        decisions = {one.id: Decision(one.proposed) for one in survey.findings} if survey else {}
        signing.conclude(ticket, decisions=decisions, **common)


@pytest.mark.clause("3.4.5")
def test_the_tickets_moves_by_its_survey_obey_their_table(make):
    names = one_of_each_role(make)
    tickets = {stage: make.ticket(stage).id for stage in TicketStage}
    before, wrong, worked = snapshot(), [], 0
    db.session.commit()
    for code, role in ROLES.items():
        for act, (states, roles, target) in TICKET_TABLE.items():
            for stage, ticket_id in tickets.items():
                actor, ticket = make.user(names[role]), db.session.get_one(Ticket, ticket_id)
                try:
                    move(act, ticket, actor, make)
                    outcome: Any = ticket.stage.label
                except (NotPermitted, Conflict, Invalid) as error:
                    outcome = error.status
                if stage.label in states.split() and code in roles.split():
                    expected: Any = target
                    worked += 1
                else:
                    expected = 409 if code in roles.split() else 403
                if outcome != expected:
                    wrong.append((stage, act, code, outcome, "instead of", expected))
                db.session.rollback()
    assert wrong == []
    assert worked == 4 + 1 + 4
    assert snapshot() == before
