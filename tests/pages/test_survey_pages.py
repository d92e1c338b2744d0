"""The survey through its pages: who may do what when, wrong input, two people, other communities, what pages cost."""

import re
from datetime import timedelta
from typing import Any

import pytest

from tests.pages.helpers import one_of_each_role, recorded, token
from tests.pages.test_wrong_input import refused
from tests.rooms.test_survey_triples import OWN, TABLE, TICKET_TABLE, snapshot
from tests.rooms.test_tickets_triples import ROLES
from tests.support.repairs import CRACK, LEAK, Repairs
from ticketing.casefile.defects import queries as defects
from ticketing.casefile.tickets.models import Ticket
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.masters.contractors.models import RepairTeam
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import Side, Slot, SurveyStage
from ticketing.procedure.vocabulary import Role, TicketStage
from ticketing.steps.site_survey import queries as surveys
from ticketing.steps.site_survey.models import SiteSurvey

STAGES = {"S": SurveyStage.SCHEDULED, "K": SurveyStage.RECORDED, "G": SurveyStage.SIGNED}
PATHS = {
    Act.RESCHEDULE_SURVEY: "/surveys/{survey}/reschedule",
    Act.ARRIVE_SURVEY: "/surveys/{survey}/arrive",
    Act.RECORD_SURVEY: "/surveys/{survey}/record",
    Act.SIGN_SURVEY: "/surveys/{survey}/sign",
    Act.SCHEDULE_SURVEY: "/tickets/{ticket}/survey",
    Act.CONCLUDE_SURVEY: "/tickets/{ticket}/conclude",
    Act.RESURVEY: "/tickets/{ticket}/resurvey",
}
EVERY_PAGE = (*PATHS.values(), "/surveys/{survey}", "/surveys/{survey}/print")


@pytest.fixture
def repairs(make) -> Repairs:
    return Repairs(make)


def wall(hours: int) -> str:
    return clock.local(clock.now() + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M")


def page(answer: Any) -> str:
    return str(answer.get_data(as_text=True))


class Sheet:
    """A sheet with what a test needs to fill its forms; plain values, so that requests may end its session."""

    def __init__(self, repairs: Repairs, survey: SiteSurvey) -> None:
        with transaction():
            its = {"ticket_id": survey.ticket_id, "survey_id": survey.id}
            repairs.picture(Slot.SITE, **its)
        self.id, self.ticket = survey.id, survey.ticket_id
        self.items = [one.id for one in defects.of_ticket(survey.ticket_id)]
        self.findings = {one.id: one.proposed.value for one in survey.findings}
        self.team = repairs.make.world.teams["云栖苑维修队"]
        self.sign_anew(repairs)

    def sign_anew(self, repairs: Repairs) -> None:
        """A signature of the sheet as it is recorded now."""
        with transaction():
            picture = repairs.picture(Slot.SIGNATURE, ticket_id=self.ticket, survey_id=self.id)
            self.signature = picture.key

    def path(self, act: Act) -> str:
        return PATHS[act].format(survey=self.id, ticket=self.ticket)

    def form(self, act: Act, *, side: Side = Side.SERVICE, **typed: Any) -> dict[str, Any]:
        """What a person types to do `act`, acceptable in every respect, on the present version."""
        db.session.rollback()
        of_ticket = act in TICKET_TABLE
        row: Any = db.session.get_one(
            Ticket if of_ticket else SiteSurvey, self.ticket if of_ticket else self.id
        )
        data: dict[str, Any] = {"once": token(), "version": row.version}
        match act:
            case Act.SCHEDULE_SURVEY | Act.RESURVEY | Act.RESCHEDULE_SURVEY:
                data |= {"visit_at": wall(3), "team_id": self.team, "note": "敲门"}
                data |= {"reason": "再看一次"} if act is Act.RESURVEY else {}
            case Act.RECORD_SURVEY:
                data["situation"] = "顶板有水痕"
                for item in self.items:
                    data |= {
                        f"situation_{item}": "渗水",
                        f"cause_{item}": "workmanship",
                        f"liable_{item}": "contractor",
                        f"estimate_{item}": "500",
                        f"proposed_{item}": "A",
                    }
            case Act.SIGN_SURVEY:
                data |= {
                    "side": side.value,
                    "presence": "signed",
                    "name": "某人",
                    "signature": self.signature,
                }
            case Act.CONCLUDE_SURVEY:
                data |= {f"decided_{one}": proposed for one, proposed in self.findings.items()}
        return data | typed


def state_of(sheet: Sheet) -> tuple[SurveyStage, TicketStage]:
    db.session.rollback()
    survey = db.session.get_one(SiteSurvey, sheet.id)
    return survey.stage, survey.ticket.stage


def crew_of(make: Any, username: str) -> None:
    with transaction():
        team = db.session.get_one(RepairTeam, make.world.teams["云栖苑维修队"])
        team.captain_id = make.world.users[username]


@pytest.mark.clause("3.4.5")
def test_every_page_of_a_sheet_refuses_what_the_table_does_not_allow(make, repairs, sign_in):
    names = one_of_each_role(make)
    sheets = {letter: Sheet(repairs, repairs.survey(stage)) for letter, stage in STAGES.items()}
    crew_of(make, names[Role.CAPTAIN])
    clients = {code: sign_in(names[role]) for code, role in ROLES.items()}
    wrong, before = [], snapshot()[1:]
    for code, client in clients.items():
        for act, (states, roles, _target) in TABLE.items():
            for letter, sheet in sheets.items():
                if letter in states and code in roles.split():
                    continue
                data = sheet.form(act, side=OWN.get(ROLES[code], Side.CUSTOMER))
                status = client.post(sheet.path(act), data=data).status_code
                expected = 409 if code in roles.split() else 403
                if status != expected:
                    wrong.append((letter, act, code, status, "instead of", expected))
    assert wrong == []
    db.session.rollback()
    assert snapshot()[1:] == before


@pytest.mark.clause("3.4.5")
@pytest.mark.parametrize("code", ["OF", "CR", "EN", "CM"])
def test_every_page_of_a_sheet_does_what_the_table_allows(make, repairs, sign_in, code):
    names = one_of_each_role(make)
    client, wrong, done = sign_in(names[ROLES[code]]), [], 0
    for act, (states, roles, target) in TABLE.items():
        for letter in states if code in roles.split() else "":
            crew_of(make, "captain")
            sheet = Sheet(repairs, repairs.survey(STAGES[letter]))
            crew_of(make, names[Role.CAPTAIN])
            shown = 200 if act is Act.ARRIVE_SURVEY else client.get(sheet.path(act)).status_code
            data = sheet.form(act, side=OWN[ROLES[code]])
            status = client.post(sheet.path(act), data=data).status_code
            arrived = state_of(sheet)[0]
            expected = STAGES[letter if target == "." else target]
            done += 1
            if (shown, status, arrived) != (200, 302, expected):
                wrong.append((letter, act, shown, status, arrived))
    assert wrong == []
    assert done == {"OF": 6, "CM": 6, "EN": 4, "CR": 2}[code]


@pytest.mark.clause("3.4.5")
def test_the_tickets_pages_of_a_survey_refuse_what_the_table_does_not_allow(make, repairs, sign_in):
    names = one_of_each_role(make)
    sheet = Sheet(repairs, repairs.survey(SurveyStage.SIGNED))
    tickets = {stage: make.ticket(stage).id for stage in TicketStage}
    clients = {code: sign_in(names[role]) for code, role in ROLES.items()}
    wrong, before = [], snapshot()[1:]
    for code, client in clients.items():
        for act, (states, roles, _target) in TICKET_TABLE.items():
            for stage, ticket_id in tickets.items():
                if stage.label in states.split() and code in roles.split():
                    continue
                sheet.ticket = ticket_id
                latest = surveys.latest(ticket_id)
                sheet.findings = {
                    one.id: one.proposed.value for one in (latest.findings if latest else [])
                }
                status = client.post(sheet.path(act), data=sheet.form(act)).status_code
                expected = 409 if code in roles.split() else 403
                if status != expected:
                    wrong.append((stage, act, code, status, "instead of", expected))
    assert wrong == []
    db.session.rollback()
    assert snapshot()[1:] == before


@pytest.mark.parametrize("username", ["office", "manager"])
def test_a_repair_is_surveyed_through_its_pages(make, repairs, sign_in, username):
    ticket_id = repairs.ticket().id
    world = make.world
    db.session.commit()
    client = sign_in(username)
    shown = page(client.get(f"/tickets/{ticket_id}/survey"))
    for words in ("须到场各方", "老马", "吴工", "海安机电", "13800001202", "卫生间", "会签齐全"):
        assert words in shown
    assert re.search(r'name="visit_at"[^>]*T10:00"', shown)
    data = {
        "once": token(),
        "version": 2,
        "visit_at": wall(2),
        "team_id": world.teams["云栖苑维修队"],
        "contractor_id": world.contractors["海安机电"],
    }
    assert client.post(f"/tickets/{ticket_id}/survey", data=data).status_code == 302
    survey = surveys.latest(ticket_id)
    assert survey is not None
    sheet = Sheet(repairs, survey)
    assert f"/surveys/{sheet.id}" in page(client.get(f"/tickets/{ticket_id}"))
    assert f"/surveys/{sheet.id}" in page(client.get("/surveys/"))
    for act in (Act.ARRIVE_SURVEY, Act.RECORD_SURVEY, Act.SIGN_SURVEY):
        if act is Act.SIGN_SURVEY:
            sheet.sign_anew(repairs)
        assert client.post(sheet.path(act), data=sheet.form(act)).status_code == 302
    shown = page(client.get(f"/surveys/{sheet.id}"))
    assert "还缺：<b>工程项目部或物业管理处、维修队长、客户</b>" in shown
    assert (
        client.post(sheet.path(Act.RECORD_SURVEY), data=sheet.form(Act.RECORD_SURVEY)).status_code
        == 422
    )
    kept = db.session.get_one(SiteSurvey, sheet.id)
    for side in (Side.ENGINEERING, Side.CAPTAIN, Side.CUSTOMER):
        repairs.sign(kept, side)
    sheet.findings = {one.id: one.proposed.value for one in kept.findings}
    db.session.commit()
    manager = sign_in("manager")
    shown = page(manager.get(sheet.path(Act.CONCLUDE_SURVEY)))
    assert "确认：转维修，拟派工单" in shown
    assert "2029-03-08" in shown
    form = sheet.form(Act.CONCLUDE_SURVEY)
    assert manager.post(sheet.path(Act.CONCLUDE_SURVEY), data=form).status_code == 302
    assert state_of(sheet)[1] is TicketStage.REPAIRING


def test_nothing_to_repair_is_said_before_it_is_confirmed(make, repairs, sign_in):
    from ticketing.procedure.repairs import Cause

    sheet = Sheet(repairs, repairs.survey(SurveyStage.SIGNED, cause=Cause.MISUSE))
    manager = sign_in("manager")
    assert "确认：不予维修，转责任部门答复客户" in page(
        manager.get(sheet.path(Act.CONCLUDE_SURVEY))
    )
    data = sheet.form(Act.CONCLUDE_SURVEY)
    assert manager.post(sheet.path(Act.CONCLUDE_SURVEY), data=data).status_code == 302
    assert state_of(sheet)[1] is TicketStage.HANDLING
    assert "不予维修" in page(manager.get(f"/tickets/{sheet.ticket}"))


def test_a_departure_from_the_suggestion_is_counted_on_the_tickets_page(make, repairs, sign_in):
    sheet = Sheet(repairs, repairs.survey(SurveyStage.SIGNED))
    manager, address = sign_in("manager"), sheet.path(Act.CONCLUDE_SURVEY)
    one = next(iter(sheet.findings))
    plain = sheet.form(Act.CONCLUDE_SURVEY, **{f"decided_{one}": "B"})
    assert "请写明理由" in refused(manager.post(address, data=plain), f"why_{one}")
    because = sheet.form(Act.CONCLUDE_SURVEY, **{f"decided_{one}": "B", f"why_{one}": "公司承担"})
    assert manager.post(address, data=because).status_code == 302
    assert "1 项与建议不同" in page(manager.get(f"/tickets/{sheet.ticket}"))
    shown = page(manager.get(f"/surveys/{sheet.id}"))
    assert "公司承担" in shown
    assert "与系统建议一致" in shown


def test_one_more_item_is_added_without_losing_what_is_typed(repairs, sign_in):
    sheet = Sheet(repairs, repairs.survey(SurveyStage.SCHEDULED))
    client, address = sign_in("engineer"), sheet.path(Act.RECORD_SURVEY)
    typed = sheet.form(Act.RECORD_SURVEY, situation="还没写完的话")
    more = {"add": "1", "more-once": token()}
    what = {"more-part": "PLASTER", "more-phenomenon": "crack", "more-trade": "civil"}
    lacking = client.post(address, data=typed | more | what | {"more-part": ""})
    assert lacking.status_code == 422
    assert "请选择部位。" in page(lacking)
    assert "还没写完的话" in page(lacking)
    data = typed | more | what | {"more-place": "主卧"}
    answers = [client.post(address, data=data) for _ in range(2)]
    for answer in answers:
        assert answer.status_code == 200
        assert "还没写完的话" in page(answer)
        assert "主卧" in page(answer)
    db.session.rollback()
    assert len(defects.of_ticket(sheet.ticket)) == 2
    left_out = client.post(address, data=typed | {"once": token()})
    assert left_out.status_code == 422
    sheet.items = [one.id for one in defects.of_ticket(sheet.ticket)]
    second = sheet.items[-1]
    whole = sheet.form(Act.RECORD_SURVEY) | {f"proposed_{second}": "B", f"why_{second}": "商定"}
    assert client.post(address, data=whole).status_code == 302


def test_a_ticket_without_any_item_gets_them_on_the_page(make, repairs, sign_in):
    ticket_id = make.ticket(TicketStage.DISPATCHED).id
    office = sign_in("office")
    assert "补充登记报修项目" in page(office.get(f"/tickets/{ticket_id}/survey"))
    data = {
        "once": token(),
        "version": 2,
        "visit_at": wall(2),
        "team_id": make.world.teams["云栖苑维修队"],
    }
    assert office.post(f"/tickets/{ticket_id}/survey", data=data).status_code == 302
    survey = surveys.latest(ticket_id)
    assert survey is not None
    address = f"/surveys/{survey.id}/record"
    assert "还没有报修项目，请添加" in page(office.get(address))
    item = {"more-part": "WET_WP", "more-phenomenon": "leak", "more-trade": "civil"}
    added = office.post(address, data={"add": "1", "more-once": token(), **item})
    assert added.status_code == 200
    assert "系统" in page(added) or "各种原因的建议类别" in page(added)
    db.session.rollback()
    assert len(defects.of_ticket(ticket_id)) == 1


LONG = "长" * 2001
WRONG = [
    *[(Act.SCHEDULE_SURVEY, name, bad, 422) for name, bad in (
        ("visit_at", ""), ("visit_at", "昨天"), ("visit_at", "2020-01-01T10:00"),
        ("visit_at", "2999-01-01T10:00"), ("team_id", ""), ("team_id", "999999"),
        ("team_id", "x"), ("contractor_id", "999999"), ("note", LONG),
    )],
    *[(Act.RESURVEY, name, bad, 422) for name, bad in (
        ("reason", ""), ("reason", " \u200b"), ("reason", LONG), ("visit_at", ""),
    )],
    *[(Act.RESCHEDULE_SURVEY, name, bad, 422) for name, bad in (
        ("visit_at", ""), ("team_id", "999999"), ("note", LONG),
    )],
    *[(Act.RECORD_SURVEY, name, bad, 422) for name, bad in (
        ("situation", ""), ("situation", LONG), ("remark", LONG), ("cause_{item}", ""),
        ("cause_{item}", "ghost"), ("liable_{item}", ""), ("estimate_{item}", "很多"),
        ("estimate_{item}", "-5"), ("estimate_{item}", "1.005"), ("proposed_{item}", "C"),
        ("situation_{item}", LONG), ("why_{item}", LONG),
    )],
    *[(Act.SIGN_SURVEY, name, bad, 422) for name, bad in (
        ("name", ""), ("name", "名" * 41), ("opinion", LONG), ("presence", "late"),
    )],
    (Act.SIGN_SURVEY, "presence", "absent", 422),
    (Act.SIGN_SURVEY, "signature", "0" * 32, 404),
    *[(Act.CONCLUDE_SURVEY, name, bad, 422) for name, bad in (
        ("decided_{finding}", ""), ("decided_{finding}", "C"), ("why_{finding}", LONG),
    )],
]  # fmt: skip


@pytest.mark.parametrize("act", dict.fromkeys(row[0] for row in WRONG), ids=lambda a: a.value)
def test_wrong_input_is_refused_at_its_field_and_what_was_typed_is_kept(repairs, sign_in, act):
    stage = {
        Act.RECORD_SURVEY: SurveyStage.SCHEDULED,
        Act.RESCHEDULE_SURVEY: SurveyStage.SCHEDULED,
        Act.SIGN_SURVEY: SurveyStage.RECORDED,
    }.get(act, SurveyStage.SIGNED)
    survey = repairs.survey(stage)
    sheet = Sheet(repairs, survey)
    if act is Act.SCHEDULE_SURVEY:
        sheet.ticket = repairs.ticket().id
        db.session.commit()
    client, before = sign_in("manager"), snapshot()[1:]
    names = {"item": sheet.items[0], "finding": next(iter(sheet.findings), 0)}
    for _act, field, bad, status in (row for row in WRONG if row[0] is act):
        name = field.format(**names)
        keep = {"opinion": "记得保留"} if act is Act.SIGN_SURVEY and name != "opinion" else {}
        answer = client.post(sheet.path(act), data=sheet.form(act, **keep, **{name: bad}))
        if status == 404:
            assert answer.status_code == 404, (name, bad)
            continue
        shown = refused(answer, name, status=status)
        assert all(word in shown for word in keep.values())
        if bad and len(bad) < 30 and name not in ("team_id", "contractor_id", "presence", "side"):
            select = name.startswith(("cause", "liable", "proposed", "decided"))
            assert select or bad.strip(" \u200b") in shown, (name, bad)
    db.session.rollback()
    assert snapshot()[1:] == before


@pytest.mark.parametrize(
    ("field", "bad", "sentence"),
    [
        ("signature", "", "请签名，或上传签字件照片。"),
        ("side", "", "请选择会签方。"),
        ("side", "nobody", "选项无效，请重新选择。"),
    ],
)
def test_a_box_without_its_signature_or_side_says_so(repairs, sign_in, field, bad, sentence):
    sheet = Sheet(repairs, repairs.survey(SurveyStage.RECORDED))
    data = sheet.form(Act.SIGN_SURVEY, opinion="记得保留") | {field: bad}
    answer = sign_in("office").post(sheet.path(Act.SIGN_SURVEY), data=data)
    shown = page(answer)
    assert answer.status_code == 422
    assert f'<div class="error" id="{field}-error">{sentence}</div>' in shown
    assert "记得保留" in shown


def test_absence_through_the_page_needs_reason_and_evidence(repairs, sign_in):
    sheet = Sheet(repairs, repairs.survey(SurveyStage.RECORDED, estimate_fen=500_000))
    office, address = sign_in("office"), sheet.path(Act.SIGN_SURVEY)
    away = {"presence": "absent", "signature": "", "name": "驻场代表"}
    whole = away | {"reason": "通知后未到场", "evidence": "短信 11-26 09:00"}
    for lacking in ("reason", "evidence"):
        data = sheet.form(Act.SIGN_SURVEY, side=Side.CONTRACTOR, **(whole | {lacking: " "}))
        refused(office.post(address, data=data), lacking)
    data = sheet.form(Act.SIGN_SURVEY, side=Side.CONTRACTOR, **whole)
    assert office.post(address, data=data).status_code == 302
    shown = page(office.get(f"/surveys/{sheet.id}"))
    assert "短信 11-26 09:00" in shown
    again = office.post(address, data=sheet.form(Act.SIGN_SURVEY, side=Side.CONTRACTOR))
    assert again.status_code == 409
    assert "施工单位一栏已经办理，不能重复。" in page(again)


def test_a_captain_is_offered_his_own_box_and_the_customers_only(repairs, sign_in):
    sheet = Sheet(repairs, repairs.survey(SurveyStage.RECORDED))
    captain, address = sign_in("captain"), sheet.path(Act.SIGN_SURVEY)
    shown = page(captain.get(address))
    assert ("维修队长" in shown, "side=service" in shown) == (True, False)
    for side in (Side.SERVICE, Side.ENGINEERING, Side.PROPERTY, Side.CONTRACTOR):
        answer = captain.post(address, data=sheet.form(Act.SIGN_SURVEY, side=side))
        assert answer.status_code == 403, side
    data = sheet.form(Act.SIGN_SURVEY, side=Side.CAPTAIN)
    assert captain.post(address, data=data).status_code == 302
    assert f"/surveys/{sheet.id}/record" not in page(captain.get(f"/surveys/{sheet.id}"))


def test_two_people_on_one_sheet_see_both_versions(repairs, sign_in):
    sheet = Sheet(repairs, repairs.survey(SurveyStage.SCHEDULED))
    office, engineer = sign_in("office"), sign_in("engineer")
    address = sheet.path(Act.RECORD_SURVEY)
    mine, his = sheet.form(Act.RECORD_SURVEY), sheet.form(Act.RECORD_SURVEY)
    his |= {"situation": "我看是管道接头渗水", f"estimate_{sheet.items[0]}": "1600"}
    assert office.post(address, data=mine).status_code == 302
    answer = engineer.post(address, data=his)
    shown = page(answer)
    assert answer.status_code == 409
    assert 'id="conflict"' in shown
    for words in ("陈静", "顶板有水痕", "渗水；施工质量", "500", "我看是管道接头渗水"):
        assert words in shown
    present = re.search(r'name="version" type="hidden" value="(\d+)"', shown)
    assert present is not None
    again = his | {"version": present[1], "once": token()}
    assert engineer.post(address, data=again).status_code == 302
    stale = office.post(
        sheet.path(Act.RESCHEDULE_SURVEY),
        data=sheet.form(Act.RESCHEDULE_SURVEY, version=mine["version"]),
    )
    assert stale.status_code == 409
    assert "我看是管道接头渗水" in page(stale)


def test_no_page_of_a_survey_reaches_another_community(repairs, sign_in):
    sheet = Sheet(repairs, repairs.survey(SurveyStage.RECORDED))
    number = db.session.get_one(SiteSurvey, sheet.id).number
    far = sign_in("far_clerk")
    for address in EVERY_PAGE:
        known = far.get(address.format(survey=sheet.id, ticket=sheet.ticket))
        assert known.status_code in (403, 404, 405), address
    for act in PATHS:
        answer = far.post(sheet.path(act), data=sheet.form(act))
        assert answer.status_code in (403, 404), act
    for address in ("/surveys/", "/surveys/print/choose"):
        assert number not in page(far.get(address))
    assert number in page(sign_in("captain").get("/surveys/"))


@pytest.mark.parametrize(
    ("username", "stage", "seen"),
    [
        ("office", SurveyStage.SIGNED, True),
        ("captain", SurveyStage.SCHEDULED, True),
        ("captain", SurveyStage.SIGNED, False),
        ("engineer", SurveyStage.RECORDED, True),
        ("engineer", SurveyStage.SIGNED, False),
        ("auditor", SurveyStage.RECORDED, False),
        ("reader", SurveyStage.RECORDED, False),
    ],
)
def test_the_customers_number_is_shown_while_the_survey_is_open_and_ones_own(
    repairs, sign_in, username, stage, seen
):
    survey_id = repairs.survey(stage).id
    db.session.commit()
    client = sign_in(username)
    for address in (f"/surveys/{survey_id}", f"/surveys/{survey_id}/print"):
        shown = page(client.get(address))
        assert ("13800001202" in shown) is seen, address
        assert ("138****1202" in shown) is not seen, address


def test_pages_of_a_survey_cost_the_same_with_more_on_them(make, repairs, sign_in):
    few = Sheet(repairs, repairs.survey(SurveyStage.RECORDED))
    done = Sheet(repairs, repairs.survey(SurveyStage.SIGNED))
    new = repairs.ticket().id
    db.session.commit()
    clients = {name: sign_in(name) for name in ("manager", "captain")}

    def costs(open_one: Sheet, signed: Sheet, ticket: int) -> dict[str, int]:
        found = {}
        for username, address in (
            ("manager", "/surveys/"),
            ("captain", "/surveys/"),
            ("manager", f"/surveys/{open_one.id}"),
            ("manager", f"/surveys/{open_one.id}/record"),
            ("manager", f"/surveys/{open_one.id}/sign"),
            ("manager", f"/surveys/{open_one.id}/reschedule"),
            ("manager", f"/surveys/{signed.id}"),
            ("manager", f"/tickets/{signed.ticket}/conclude"),
            ("manager", f"/tickets/{ticket}/survey"),
        ):
            db.session.rollback()
            with recorded(db.engine) as recorder:
                answer = clients[username].get(address)
            assert answer.status_code in (200, 422), address
            found[re.sub(r"\d+", "n", f"{username} {address}")] = len(recorder.statements)
        return found

    before = costs(few, done, new)
    many = (LEAK, CRACK, LEAK._replace(place="厨房"), CRACK._replace(place="阳台"))
    more = Sheet(repairs, repairs.survey(SurveyStage.RECORDED, *many))
    signed = Sheet(repairs, repairs.survey(SurveyStage.SIGNED, *many))
    for _ in range(3):
        repairs.survey(SurveyStage.SCHEDULED)
    new = repairs.ticket(*many).id
    db.session.commit()
    assert costs(more, signed, new) == before
    assert max(before.values()) <= 20
