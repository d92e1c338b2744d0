"""The joint survey: who has to be there, what each box asks, what follows from a complete sheet (procedure 3.4.5)."""

from datetime import timedelta

import pytest

from tests.pages.helpers import token
from tests.support.repairs import CRACK, LEAK, Repairs
from ticketing.casefile.timers.models import Clock, ClockState
from ticketing.journal import queries as journal
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.kernel.errors import Conflict, Invalid, NotPermitted
from ticketing.procedure.deadlines import ClockKind
from ticketing.procedure.repair_roads import complete
from ticketing.procedure.repairs import (
    Cause,
    OrderClass,
    Part,
    Phenomenon,
    Presence,
    Side,
    Slot,
    SurveyStage,
)
from ticketing.procedure.vocabulary import TicketStage
from ticketing.steps.site_survey import commands, signing
from ticketing.steps.site_survey import queries as surveys
from ticketing.steps.site_survey.signing import Decision


@pytest.fixture
def repairs(make) -> Repairs:
    return Repairs(make)


@pytest.mark.clause("3.4.5")
@pytest.mark.parametrize(
    ("fen", "needed"), [(99_999, False), (100_000, False), (100_001, True), (None, True)]
)
def test_the_contractor_may_stay_away_up_to_a_thousand_yuan_and_never_when_nobody_knows(
    repairs, fen, needed
):
    survey = repairs.survey(SurveyStage.RECORDED, estimate_fen=fen)
    assert survey.contractor_required is needed
    assert bool(survey.contractor_why) is needed


@pytest.mark.parametrize(
    ("broken", "facts"),
    [
        (LEAK._replace(part=Part.STRUCTURE), {}),
        (LEAK._replace(phenomenon=Phenomenon.SHORT), {}),
        (LEAK, {"disputed": True}),
    ],
)
def test_structure_safety_and_dispute_call_the_contractor_whatever_it_costs(repairs, broken, facts):
    survey = repairs.survey(SurveyStage.SCHEDULED, broken)
    repairs.record(survey, estimate_fen=10_000, **facts)
    assert survey.contractor_required


def test_three_homes_of_one_cause_call_the_contractor(make, repairs):
    for unit in ("YX 3-1-1203", "YX 3-2-0501"):
        make.ticket(TicketStage.DISPATCHED, unit)
    assert repairs.survey(SurveyStage.RECORDED, estimate_fen=10_000).contractor_required


def test_the_required_set_of_boxes():
    company = {Side.SERVICE, Side.CAPTAIN, Side.CUSTOMER}
    assert complete(frozenset(company | {Side.ENGINEERING}), False)
    assert complete(frozenset(company | {Side.PROPERTY}), False)
    assert not complete(frozenset(company), False)
    assert not complete(frozenset(company | {Side.PROPERTY}), True)
    assert complete(frozenset(company | {Side.PROPERTY, Side.CONTRACTOR}), True)
    for one in company:
        assert not complete(frozenset(set(Side) - {one}), True)


@pytest.mark.clause("3.4.5")
def test_the_last_required_signature_completes_the_sheet_and_turns_the_clocks(repairs):
    survey = repairs.survey(SurveyStage.RECORDED)
    for side in (Side.SERVICE, Side.CAPTAIN, Side.CUSTOMER):
        repairs.sign(survey, side)
    assert (survey.stage, survey.signed_at) == (SurveyStage.RECORDED, None)
    repairs.sign(survey, Side.ENGINEERING)
    assert survey.stage is SurveyStage.SIGNED
    kept = {row.kind: row for row in db.session.query(Clock).filter_by(ticket_id=survey.ticket_id)}
    assert kept[ClockKind.SITE_SURVEY].state is ClockState.MET
    assert kept[ClockKind.SITE_SURVEY].started_at == survey.ticket.received_at
    assert kept[ClockKind.ORDER_ISSUE].state is ClockState.RUNNING
    with pytest.raises(Conflict):
        repairs.sign(survey, Side.PROPERTY)


def test_a_box_is_filled_once_by_its_own_and_the_company_is_never_excused(make, repairs):
    survey = repairs.survey(SurveyStage.RECORDED)
    with pytest.raises(NotPermitted, match="自己一方"):
        repairs.sign(survey, Side.CAPTAIN, actor=make.user("office"))
    with pytest.raises(NotPermitted, match="自己一方"):
        repairs.sign(survey, Side.SERVICE, actor=make.user("engineer"))
    with pytest.raises(Invalid, match="须到场签字"):
        repairs.sign(survey, Side.SERVICE, presence=Presence.ABSENT, reason="忙", evidence="电话")
    with pytest.raises(Invalid, match="请签名"):
        repairs.sign(survey, Side.SERVICE, signature="")
    repairs.sign(survey, Side.SERVICE)
    with pytest.raises(Invalid, match="不能重复"):
        repairs.sign(survey, Side.SERVICE)
    assert len(survey.boxes) == 1


@pytest.mark.parametrize("presence", [Presence.ABSENT, Presence.REFUSED])
def test_who_is_absent_or_refuses_needs_reason_and_evidence_of_notice(repairs, presence):
    survey = repairs.survey(SurveyStage.RECORDED, estimate_fen=500_000)
    for lacking in ("reason", "evidence"):
        facts = {"reason": "不来", "evidence": "短信 11-26", lacking: " "}
        with pytest.raises(Invalid):
            repairs.sign(survey, Side.CONTRACTOR, presence=presence, **facts)
    repairs.sign(
        survey, Side.CONTRACTOR, presence=presence, reason="不来", evidence="短信", signature=""
    )
    for side in (Side.SERVICE, Side.ENGINEERING, Side.CAPTAIN, Side.CUSTOMER):
        repairs.sign(survey, side)
    assert survey.stage is SurveyStage.SIGNED


def test_a_signed_sheet_is_superseded_by_a_second_look_and_never_changed(make, repairs):
    ticket = repairs.concluded()
    first = surveys.latest(ticket.id)
    assert first is not None
    signed, names = first.signed_at, [box.name for box in first.boxes]
    with pytest.raises(Conflict):
        repairs.record(first)
    with transaction():
        second = commands.resurvey(
            ticket,
            version=ticket.version,
            visit_at=clock.now() + timedelta(hours=1),
            team_id=first.team_id,
            contractor_id=None,
            note="",
            reason="漏点不止一处",
            actor=make.user("office"),
        )
    assert (first.stage, first.signed_at) == (SurveyStage.SUPERSEDED, signed)
    assert [box.name for box in first.boxes] == names
    assert (second.round, ticket.stage) == (2, TicketStage.SURVEYING)


@pytest.mark.clause("3.5.1")
def test_a_class_that_departs_from_the_suggestion_has_its_reason_and_is_counted(make, repairs):
    survey = repairs.survey(SurveyStage.SIGNED, LEAK, CRACK)
    ticket, manager = survey.ticket, make.user("manager")
    assert survey.findings[0].suggested is OrderClass.A
    assert "至 2029-03-08" in survey.findings[0].arithmetic
    plain = {one.id: Decision(OrderClass.B) for one in survey.findings}
    with pytest.raises(Invalid, match="写明理由"), transaction():
        signing.conclude(ticket, version=ticket.version, decisions=plain, actor=manager)
    with pytest.raises(Invalid, match="逐项"), transaction():
        signing.conclude(ticket, version=ticket.version, decisions={}, actor=manager)
    because = {one.id: Decision(OrderClass.B, "公司承担") for one in survey.findings}
    with transaction():
        signing.conclude(ticket, version=ticket.version, decisions=because, actor=manager)
    line = journal.story("ticket", ticket.id)[-1]
    departed = sum(one.decided is not one.suggested for one in survey.findings)
    assert line.facts["overrides"] == departed >= 1
    assert survey.findings[0].suggested is OrderClass.A


@pytest.mark.clause("3.4.5")
def test_where_nothing_is_repaired_the_department_answers_the_customer(repairs, make):
    survey = repairs.survey(SurveyStage.SIGNED, cause=Cause.MISUSE)
    ticket = survey.ticket
    with transaction():
        signing.conclude(
            ticket,
            version=ticket.version,
            decisions={one.id: Decision(one.proposed) for one in survey.findings},
            actor=make.user("manager"),
        )
    assert (ticket.stage, ticket.repair) == (TicketStage.HANDLING, False)
    running = {
        row.kind
        for row in db.session.query(Clock).filter_by(ticket_id=ticket.id)
        if row.state is ClockState.RUNNING
    }
    assert running == {ClockKind.COMPLAINT}


def test_the_pages_of_a_survey_answer_each_of_its_people_and_nobody_else(repairs, sign_in):
    survey = repairs.survey(SurveyStage.RECORDED)
    address = f"/surveys/{survey.id}"
    db.session.commit()
    for username in ("office", "manager", "engineer", "captain"):
        page = sign_in(username).get(address)
        assert page.status_code == 200
        assert "现场勘察会签表" in page.get_data(as_text=True)
    assert sign_in("far_clerk").get(address).status_code == 404
    assert sign_in("finance").get(address).status_code == 403
    assert "13800001202" in sign_in("captain").get(address).get_data(as_text=True)
    assert "13800001202" not in sign_in("auditor").get(address).get_data(as_text=True)


def test_the_sheet_is_filled_through_its_pages(repairs, sign_in):
    ticket_id = repairs.ticket().id
    team = repairs.make.world.teams["云栖苑维修队"]
    db.session.commit()
    office = sign_in("office")
    visit = clock.local(clock.now() + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M")
    form = {"once": token(), "version": 2, "visit_at": visit, "team_id": team, "note": ""}
    blank = office.post(
        f"/tickets/{ticket_id}/survey", data=form | {"visit_at": "", "note": "敲门"}
    )
    assert blank.status_code == 422
    words = blank.get_data(as_text=True)
    assert "请填写勘察时间。" in words
    assert "敲门" in words
    assert office.post(f"/tickets/{ticket_id}/survey", data=form).status_code == 302
    survey = surveys.latest(ticket_id)
    assert survey is not None
    survey_id, item = survey.id, surveys.defects_of(ticket_id)[0].id
    arrived = office.post(
        f"/surveys/{survey_id}/arrive", data={"once": token(), "version": survey.version}
    )
    assert arrived.status_code == 302
    assert db.session.get_one(type(survey), survey_id).arrived_at is not None
    found = {
        "situation": "顶板渗水",
        f"situation_{item}": "渗水",
        f"cause_{item}": "workmanship",
        f"liable_{item}": "contractor",
        f"estimate_{item}": "800",
        f"proposed_{item}": "A",
    }
    version = db.session.get_one(type(survey), survey_id).version
    data = found | {"once": token(), "version": version}
    without = office.post(f"/surveys/{survey_id}/record", data=data)
    assert (without.status_code, "现场照片" in without.get_data(as_text=True)) == (422, True)
    with transaction():
        kept = db.session.get_one(type(survey), survey_id)
        repairs.picture(Slot.SITE, ticket_id=ticket_id, survey_id=kept.id)
    other = data | {"once": token(), f"proposed_{item}": "none"}
    refused = office.post(f"/surveys/{survey_id}/record", data=other)
    assert refused.status_code == 422
    assert "请写明理由" in refused.get_data(as_text=True)
    assert office.post(f"/surveys/{survey_id}/record", data=data).status_code == 302
    late = office.post(f"/surveys/{survey_id}/record", data=data | {"once": token()})
    assert late.status_code == 409
    assert "顶板渗水" in late.get_data(as_text=True)
