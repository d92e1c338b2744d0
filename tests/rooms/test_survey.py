"""The joint survey: who has to be there, what each box asks, what follows from a complete sheet (procedure 3.4.5)."""

from datetime import timedelta

import pytest

from tests.pages.helpers import token
from tests.support.repairs import CRACK, LEAK, Repairs
from tests.support.world import PASSWORD
from ticketing.casefile.notices.models import Notice
from ticketing.casefile.timers.models import Clock, ClockState
from ticketing.journal import queries as journal
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.kernel.errors import Conflict, Invalid, NotFound, NotPermitted
from ticketing.masters.contractors import commands as contractors
from ticketing.masters.people import commands as people
from ticketing.masters.workcalendar.queries import calendar
from ticketing.procedure.deadlines import ClockKind, limit_of
from ticketing.procedure.repair_roads import complete, still_asked
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
from ticketing.procedure.vocabulary import Role, TicketStage
from ticketing.steps.closing.commands import withdraw
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


@pytest.mark.parametrize(
    ("column", "value", "why"),
    [
        ("mark_structure", True, "涉及结构"),
        ("mark_safety", True, "涉及安全"),
        ("rework_count", 1, "同一问题再次维修"),
    ],
)
def test_what_is_known_of_the_ticket_calls_the_contractor_too(repairs, column, value, why):
    survey = repairs.survey(SurveyStage.SCHEDULED)
    with transaction():
        setattr(survey.ticket, column, value)
    repairs.record(survey, estimate_fen=10_000)
    assert (survey.contractor_required, survey.contractor_why) == (True, why)
    assert "施工单位" in still_asked(frozenset(), survey.contractor_required)


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
    with pytest.raises(Conflict, match="不能重复"):
        repairs.sign(survey, Side.SERVICE)
    assert len(survey.boxes) == 1


def test_one_person_does_not_stand_for_two_parties_of_the_company(repairs):
    survey = repairs.survey(SurveyStage.RECORDED)
    repairs.sign(survey, Side.SERVICE)
    with pytest.raises(Invalid, match="一人只能代表一方"):
        repairs.sign(survey, Side.PROPERTY, name="陈静")
    repairs.sign(survey, Side.PROPERTY)
    repairs.sign(survey, Side.ENGINEERING)
    assert {box.side for box in survey.boxes} == {Side.SERVICE, Side.PROPERTY, Side.ENGINEERING}


def test_the_captain_alone_excuses_nobody_but_may_let_the_customer_sign(make, repairs):
    survey, captain = repairs.survey(SurveyStage.RECORDED), make.user("captain")
    excuse = {"reason": "不在家", "evidence": "电话", "signature": "", "actor": captain}
    for presence in (Presence.ABSENT, Presence.REFUSED):
        with pytest.raises(NotPermitted, match="由客户服务或工程人员记录"):
            repairs.sign(survey, Side.CUSTOMER, presence=presence, **excuse)
    repairs.sign(survey, Side.CUSTOMER, actor=captain)
    assert [box.side for box in survey.boxes] == [Side.CUSTOMER]


def test_a_drawn_signature_fills_one_box_of_its_own_sheet_and_a_signed_paper_several(make, repairs):
    survey, other = repairs.survey(SurveyStage.RECORDED), repairs.survey(SurveyStage.RECORDED)
    with transaction():
        its = {"ticket_id": survey.ticket_id, "survey_id": survey.id}
        drawn = repairs.picture(Slot.SIGNATURE, **its).key
        paper = repairs.picture(Slot.SIGNED_PAPER, **its).key
        photo = repairs.picture(Slot.SITE, **its).key
    repairs.sign(survey, Side.SERVICE, signature=drawn)
    with pytest.raises(NotPermitted, match="已经用在另一栏"):
        repairs.sign(survey, Side.CUSTOMER, signature=drawn)
    with pytest.raises(NotFound):
        repairs.sign(other, Side.SERVICE, signature=paper)
    with pytest.raises(NotFound):
        repairs.sign(survey, Side.CUSTOMER, signature=photo)
    repairs.sign(survey, Side.CUSTOMER, signature=paper)
    repairs.sign(survey, Side.CAPTAIN, signature=paper)
    assert len(survey.boxes) == 3


@pytest.mark.clause("3.4.5")
@pytest.mark.parametrize("slot", [Slot.SIGNATURE, Slot.SIGNED_PAPER])
def test_a_signature_given_before_the_findings_were_changed_signs_nothing(
    make, repairs, sign_in, slot
):
    survey = repairs.survey(SurveyStage.RECORDED)
    with transaction():
        given = repairs.picture(slot, ticket_id=survey.ticket_id, survey_id=survey.id)
    key = given.key
    with clock.held(clock.now() + timedelta(minutes=5)):
        repairs.record(survey, estimate_fen=90_000)
        with pytest.raises(Invalid, match="勘察记录修改之前") as refused:
            repairs.sign(survey, Side.SERVICE, signature=key)
        assert refused.value.field == "signature"
        assert survey.boxes == []
        office, address = sign_in("office"), f"/surveys/{survey.id}/sign"
        data = {
            "version": survey.version,
            "side": "service",
            "presence": "signed",
            "name": "江服务",
            "opinion": "按新的估价同意",
            "signature": key,
            "once": token(),
        }
        answer = office.post(address, data=data)
        page = answer.get_data(as_text=True)
        assert answer.status_code == 422
        assert "请按现在的内容重新签" in page
        assert "按新的估价同意" in page
        assert key not in page
        repairs.sign(survey, Side.SERVICE)
    assert [box.side for box in survey.boxes] == [Side.SERVICE]


def test_nobody_signs_before_every_item_has_its_finding(make, repairs):
    survey = repairs.survey(SurveyStage.RECORDED)
    with transaction():
        commands.add_defect(
            survey,
            part=CRACK.part,
            phenomenon=CRACK.phenomenon,
            trade=CRACK.trade,
            place="客厅",
            words="",
            actor=make.user("engineer"),
        )
    with pytest.raises(Invalid, match="没有勘察意见"):
        repairs.sign(survey, Side.SERVICE)
    repairs.record(survey)
    repairs.sign(survey, Side.SERVICE)
    assert len(survey.findings) == 2
    with pytest.raises(Invalid, match="已有人签字"), transaction():
        commands.add_defect(
            survey,
            part=CRACK.part,
            phenomenon=CRACK.phenomenon,
            trade=CRACK.trade,
            place="",
            words="",
            actor=make.user("engineer"),
        )


def test_two_who_sign_at_once_are_both_heard_and_one_who_read_another_record_is_not(make, repairs):
    survey = repairs.survey(SurveyStage.RECORDED)
    seen = survey.version
    repairs.sign(survey, Side.SERVICE, version=seen)
    repairs.sign(survey, Side.CAPTAIN, version=seen)
    assert len(survey.boxes) == 2
    other = repairs.survey(SurveyStage.RECORDED)
    seen = other.version
    repairs.record(other, estimate_fen=500_000)
    with pytest.raises(Conflict) as refused:
        repairs.sign(other, Side.SERVICE, version=seen)
    assert refused.value.seen == seen
    assert other.boxes == []


def test_a_sheet_of_a_withdrawn_ticket_is_left_alone(make, repairs):
    survey = repairs.survey(SurveyStage.RECORDED)
    ticket, office = survey.ticket, make.user("office")
    with transaction():
        withdraw(ticket, version=ticket.version, reason="业主自己修好了", actor=office)
    for act in (
        lambda: repairs.sign(survey, Side.SERVICE),
        lambda: repairs.record(survey),
        lambda: commands.arrive(survey, actor=office),
    ):
        with pytest.raises(Conflict):
            act()
    db.session.rollback()
    assert survey not in surveys.waiting(make.scope("manager"))[0]
    running = db.session.query(Clock).filter_by(ticket_id=ticket.id, state=ClockState.RUNNING)
    assert running.count() == 0


@pytest.mark.parametrize("tapped", [True, False])
def test_standing_in_the_flat_answers_an_emergency(make, repairs, tapped):
    survey = repairs.survey(SurveyStage.SCHEDULED, urgent=True)
    find = db.session.query(Clock).filter_by(ticket_id=survey.ticket_id, kind=ClockKind.EMERGENCY)
    assert find.one().state is ClockState.RUNNING
    if tapped:
        with transaction():
            commands.arrive(survey, actor=make.user("captain"))
        assert survey.stage is SurveyStage.SCHEDULED
    else:
        repairs.record(survey)
    assert survey.arrived_at is not None
    assert find.one().state is ClockState.MET


def told(username: str, make) -> list[str]:
    rows = db.session.query(Notice).filter_by(user_id=make.world.users[username])
    return [row.title.split(" ", 1)[1] for row in rows.order_by(Notice.id)]


@pytest.mark.clause("3.4.5")
def test_each_is_told_when_it_is_his_turn_and_nobody_of_his_own_act(make, repairs):
    survey = repairs.survey(SurveyStage.SIGNED)
    ticket = survey.ticket
    assert told("captain", make) == ["请到现场勘察", "勘察已记录，请会签"]
    assert told("engineer", make)[:2] == ["请到现场勘察", "勘察已记录，请会签"]
    assert "会签齐全，待下勘察结论" in told("manager", make)
    assert "请到现场勘察" not in told("office", make)
    with transaction():
        signing.conclude(
            ticket,
            version=ticket.version,
            decisions={one.id: Decision(one.proposed) for one in survey.findings},
            actor=make.user("manager"),
        )
    assert told("office", make)[-1] == "勘察结论：维修，请拟派工单"


def test_a_department_is_told_that_nothing_is_repaired(make, repairs):
    survey = repairs.survey(SurveyStage.SIGNED, cause=Cause.MISUSE)
    ticket = survey.ticket
    with transaction():
        signing.conclude(
            ticket,
            version=ticket.version,
            decisions={one.id: Decision(one.proposed) for one in survey.findings},
            actor=make.user("manager"),
        )
    assert told("handler", make)[-1] == "勘察结论：不予维修，请答复客户"


def test_another_crew_is_called_and_the_first_one_called_off(make, repairs):
    survey, world = repairs.survey(SurveyStage.SCHEDULED), make.world
    changed = {"visit_at": clock.now() + timedelta(hours=5), "contractor_id": None, "note": ""}
    with transaction():
        leader = people.create_user(
            username="captain2",
            name="老林",
            password=PASSWORD,
            department_id=world.departments["PM"],
            community_ids=[world.communities["YX"]],
            roles=[Role.CAPTAIN],
            actor=None,
        )
        world.users["captain2"] = leader.id
        crew = {"captain_id": leader.id, "active": True, "actor": None}
        here = contractors.save_team(
            None, name="二队", community_ids=[world.communities["YX"]], **crew
        )
        far = contractors.save_team(
            None, name="莲花里队", community_ids=[world.communities["LH"]], **crew
        )
    office = make.user("office")
    with pytest.raises(Invalid, match="不在这个小区"), transaction():
        commands.reschedule(survey, version=survey.version, team_id=far.id, actor=office, **changed)
    with transaction():
        commands.reschedule(
            survey, version=survey.version, team_id=here.id, actor=office, **changed
        )
    assert told("captain2", make) == ["勘察改约"]
    assert told("captain", make)[-1] == "改由其他维修队勘察"
    with pytest.raises(NotFound):
        surveys.survey_for(make.scope("captain"), survey.id)
    assert surveys.survey_for(make.scope("captain2"), survey.id).team_id == here.id
    with pytest.raises(NotPermitted, match="只有这次勘察的维修队长"), transaction():
        commands.arrive(survey, actor=make.user("captain"))


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
    last = journal.story("survey", first.id)[-1]
    assert (last.facts["by"], last.facts["reason"]) == (second.number, "漏点不止一处")
    with pytest.raises(Conflict):
        repairs.sign(first, Side.PROPERTY)
    rounds = {
        row.round: row
        for row in db.session.query(Clock).filter_by(
            ticket_id=ticket.id, kind=ClockKind.SITE_SURVEY
        )
    }
    assert rounds[1].state is ClockState.MET
    assert (rounds[2].state, rounds[2].started_at) == (ClockState.RUNNING, second.scheduled_at)


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
    assert survey.findings[0].decided_why == "公司承担"


def test_what_was_signed_in_the_flat_keeps_its_words_beside_the_managers(make, repairs):
    survey = repairs.survey(SurveyStage.SIGNED, proposed=OrderClass.B)
    ticket, manager, finding = survey.ticket, make.user("manager"), survey.findings[0]
    assert (finding.suggested, finding.proposed) == (OrderClass.A, OrderClass.B)
    nothing = {finding.id: Decision(OrderClass.NONE)}
    with pytest.raises(Invalid, match="写明理由") as refused, transaction():
        signing.conclude(ticket, version=ticket.version, decisions=nothing, actor=manager)
    assert refused.value.field == f"why_{finding.id}"
    assert (finding.decided, survey.concluded_at) == (None, None)
    as_agreed = {finding.id: Decision(OrderClass.B)}
    with transaction():
        signing.conclude(ticket, version=ticket.version, decisions=as_agreed, actor=manager)
    assert (finding.why, finding.decided_why) == ("现场商定", "现场商定")
    assert finding.overridden


@pytest.mark.clause("3.4.5-他")
def test_a_complaint_the_survey_finds_nothing_to_repair_in_has_its_week(make, repairs):
    """The first week goes on; after a repair that a second look takes back, a new one begins."""

    def decline(survey):
        with transaction():
            signing.conclude(
                survey.ticket,
                version=survey.ticket.version,
                decisions={
                    one.id: Decision(OrderClass.NONE, "属装修问题") for one in survey.findings
                },
                actor=make.user("manager"),
            )

    def weeks(ticket):
        rows = db.session.query(Clock).filter_by(ticket_id=ticket.id, kind=ClockKind.COMPLAINT)
        return [(row.state, row.round, row.due_on) for row in rows.order_by(Clock.id)]

    survey = repairs.survey(SurveyStage.SIGNED)
    first_due = survey.ticket.complaint_due_on
    decline(survey)
    assert weeks(survey.ticket) == [(ClockState.RUNNING, 1, first_due)]

    ticket = repairs.concluded(unit="YX 5-1-0101", caller_name="刘洋")
    sheet = surveys.latest(ticket.id)
    with clock.held(clock.now() + timedelta(days=1)):
        with transaction():
            second = commands.resurvey(
                ticket,
                version=ticket.version,
                visit_at=clock.now() + timedelta(hours=1),
                team_id=sheet.team_id,
                contractor_id=None,
                note="",
                reason="业主自行装修所致",
                actor=make.user("office"),
            )
        repairs.record(second)
        for side in (Side.SERVICE, Side.ENGINEERING, Side.CAPTAIN, Side.CUSTOMER):
            repairs.sign(second, side)
        decline(second)
        due_on = limit_of(ClockKind.COMPLAINT).deadline(clock.now(), calendar).on
    assert ticket.stage is TicketStage.HANDLING
    assert [row[:2] for row in weeks(ticket)] == [
        (ClockState.CANCELLED, 1),
        (ClockState.RUNNING, 2),
    ]
    assert weeks(ticket)[1][2] == ticket.complaint_due_on == ticket.due_on == due_on


def test_a_conclusion_on_a_page_opened_before_a_second_look_is_refused(make, repairs):
    survey = repairs.survey(SurveyStage.SIGNED)
    ticket, seen = survey.ticket, survey.ticket.version
    decisions = {one.id: Decision(one.proposed) for one in survey.findings}
    with transaction():
        commands.resurvey(
            ticket,
            version=seen,
            visit_at=clock.now() + timedelta(hours=1),
            team_id=survey.team_id,
            contractor_id=None,
            note="",
            reason="漏点不止一处",
            actor=make.user("office"),
        )
    with pytest.raises(Conflict) as refused, transaction():
        signing.conclude(ticket, version=seen, decisions=decisions, actor=make.user("manager"))
    assert refused.value.seen == seen


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


@pytest.mark.clause("3.4.5")
def test_the_visits_to_come_are_listed_page_by_page_each_once(make, repairs, sign_in):
    visits = [repairs.survey(SurveyStage.SCHEDULED) for _ in range(5)]
    seen, after = [], None
    for expected in (2, 2, 1):
        page, after = surveys.waiting(make.scope("manager"), after, size=2)
        assert len(page) == expected
        seen += page
    assert after is None
    assert sorted(one.id for one in seen) == sorted(one.id for one in visits)
    assert [one.visit_at for one in seen] == sorted(one.visit_at for one in visits)
    manager = sign_in("manager")
    assert manager.get("/surveys/?after=nonsense").status_code == 200
    assert f"/surveys/{seen[-1].id}" in manager.get(f"/surveys/?after={seen[-2].id}").text


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
