"""The tables of the procedure: complete, consistent, and stored values that never change."""

import re

import pytest

from ticketing.procedure import vocabulary, workflow
from ticketing.procedure.clauses import CLAUSES, Manner
from ticketing.procedure.deadlines import STAGE_CLOCK, Unit
from ticketing.procedure.permissions import (
    BUSINESS_ROLES,
    PERMISSIONS,
    TICKET_REACH,
    Act,
    may,
    roles_for,
)
from ticketing.procedure.vocabulary import Flow, Grade, Role, Satisfaction, TicketStage

STORED = {
    "Role": "clerk office handler captain engineer cs_manager auditor deputy_chief_engineer"
    " deputy_gm general_manager finance admin reader cashier",
    "Reach": "community department all none",
    "Channel": "phone visit office sales property web letter hotline api",
    "Category": "ENG DES SAL FIN PM FAC SVC SEC OTH",
    "Grade": "general important major",
    "Mark": "safety legal media structure",
    "SpecialStage": "drafted submitted instructed",
    "TicketStage": "registered dispatched handling surveying repairing callback closed invalid withdrawn merged",
    "Flow": "new reopened closed invalid withdrawn merged",
    "Satisfaction": "very_satisfied satisfied neutral dissatisfied",
    "Relation": "owner family tenant agent",
    "NoteKind": "feedback follow_up again assistance resolution opinion",
    "SystemEvent": "breach",
    "ReportKind": "weekly quarterly",
    "ReportStage": "compiled checked submitted",
}
HAN = re.compile(r"[\u4e00-\u9fff]")


@pytest.mark.parametrize("name", STORED)
def test_stored_values_never_change(name):
    kind = getattr(vocabulary, name)
    values = [member.value for member in kind]
    assert values[: len(STORED[name].split())] == STORED[name].split()
    assert len(set(values)) == len(values)
    assert all(len(value) <= 32 for value in values)
    assert all(HAN.search(member.label) for member in kind)
    assert len({member.label for member in kind}) == len(values)


def test_every_list_of_the_vocabulary_is_frozen_here():
    kinds = {
        name
        for name, thing in vars(vocabulary).items()
        if isinstance(thing, type) and issubclass(thing, vocabulary.Labelled)
    }
    assert kinds - {"Labelled"} == set(STORED)
    assert [member.value for member in Unit] == ["wd", "day", "hour"]


def test_the_road_has_one_row_for_a_state_and_an_act():
    pairs = [(step.state, step.act) for step in workflow.TICKET_ROAD]
    assert len(set(pairs)) == len(pairs)
    for step in workflow.TICKET_ROAD:
        assert workflow.find_step(step.state, step.act) is step
        assert step in workflow.steps_from(step.state)
        assert step.clause in CLAUSES
        assert step.roles
        assert step.stays == (step.state is step.target)
        for guard in step.guards:
            assert HAN.search(guard.sentence)
            if guard.cure:
                assert any(one.act is guard.cure for one in workflow.steps_from(step.state))
    assert workflow.find_step(TicketStage.CLOSED, Act.DISPATCH) is None


def test_every_open_stage_can_be_left_and_a_side_exit_never():
    for stage in TicketStage:
        ways = [step for step in workflow.steps_from(stage) if not step.stays]
        dead = stage in (TicketStage.INVALID, TicketStage.WITHDRAWN, TicketStage.MERGED)
        assert bool(ways) is not dead, stage
        assert stage.is_open is (stage in STAGE_CLOCK)


def test_a_move_between_open_and_ended_is_a_flow_and_no_other_is():
    for origin in TicketStage:
        for target in TicketStage:
            flow = workflow.flow_of(origin, target)
            if origin.is_open == target.is_open:
                assert flow is None
            elif target.is_open:
                assert flow is Flow.REOPENED
            else:
                assert flow is not None
                assert flow.value == target.value
    assert [flow.sign for flow in Flow] == [1, 1, -1, -1, -1, -1]


CS, LEADERS = {"clerk", "office", "cs_manager"}, {"deputy_gm", "general_manager"}
MATRIX = {
    Act.REGISTER: CS,
    Act.READ_TICKET: set(STORED["Role"].split()) - {"captain", "finance", "cashier", "admin"},
    Act.READ_PHONE: CS | LEADERS | {"handler", "engineer"},
    Act.READ_MAJOR: CS | LEADERS | {"handler", "engineer", "auditor", "deputy_chief_engineer"},
    Act.DIRECT: LEADERS,
    Act.MINUTE: {"office", "cs_manager"},
    Act.SETTLE_GRADE: LEADERS | {"cs_manager"},
    Act.INSTRUCT: {"general_manager"},
    Act.EXPORT: CS | LEADERS | {"handler", "engineer", "auditor", "deputy_chief_engineer"},
    Act.READ_ESTATE: CS,
    Act.EDIT_CUSTOMER: CS,
    Act.IMPORT_ESTATE: CS,
    Act.MANAGE_PEOPLE: {"admin"},
    Act.MANAGE_ESTATE: {"admin"},
    Act.READ_JOURNAL: {"auditor", "admin"} | LEADERS,
}


@pytest.mark.parametrize("act", MATRIX, ids=lambda act: act.value)
def test_who_may_do_what_follows_the_access_matrix(act):
    assert {role.value for role in roles_for(act)} == MATRIX[act]
    for role in Role:
        assert may([role], act) is (role.value in MATRIX[act])
    assert not may([], act)


def test_every_act_belongs_to_somebody_and_every_role_has_a_reach():
    for act in Act:
        assert roles_for(act), act
    assert set(TICKET_REACH) == set(Role)
    assert set(Role) - BUSINESS_ROLES == {Role.ADMIN, Role.READER}
    assert not {Role.ADMIN, Role.READER} & frozenset().union(
        *(step.roles for step in workflow.TICKET_ROAD)
    )
    assert Act.REGISTER not in PERMISSIONS


def test_grades_weigh_more_the_graver_they_are():
    assert [grade.weight for grade in Grade] == [0, 1, 2]
    assert [answer.is_content for answer in Satisfaction] == [True, True, False, False]


def test_the_clauses_are_numbered_as_printed():
    assert len(CLAUSES) > 60
    for number, clause in CLAUSES.items():
        assert number == clause.number
        assert re.fullmatch(r"\d(\.\d+)*(-[单多延他])?", number)
        assert clause.manner in Manner
        assert HAN.search(clause.who)
        assert HAN.search(clause.duty)
