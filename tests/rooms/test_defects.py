"""Defects of a ticket: several in one call, put right before the survey, with their warranty in words."""

import json
from datetime import date

import pytest
from sqlalchemy import select

from tests.pages.helpers import recorded, token
from tests.pages.test_wrong_input import intake, refused
from tests.support.repairs import CRACK, LEAK, Repairs
from ticketing.casefile.defects import commands, queries
from ticketing.casefile.defects.models import Defect
from ticketing.casefile.tickets.models import Ticket
from ticketing.journal.models import JournalEntry
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.kernel.errors import Conflict, Invalid
from ticketing.masters.contractors import commands as contractors
from ticketing.masters.estate.models import Community, Unit
from ticketing.procedure.repairs import (
    Cause,
    ClassReason,
    OrderClass,
    Part,
    Phenomenon,
    SurveyStage,
    Trade,
)
from ticketing.procedure.vocabulary import TicketStage
from ticketing.procedure.warranty import STATUTORY
from ticketing.steps.intake.commands import amend

TWO = {
    "defects-0-place": "卫生间",
    "defects-0-part": "WET_WP",
    "defects-0-phenomenon": "leak",
    "defects-0-trade": "plumbing_electric",
    "defects-2-part": "PLASTER",
    "defects-2-phenomenon": "crack",
}
"""Two lines with a dropped one between; the second leaves the trade to its part."""


def of(ticket_id):
    return [one.told for one in queries.of_ticket(ticket_id)]


@pytest.mark.clause("3.4.3")
@pytest.mark.clause("3.4.5")
def test_several_defects_are_taken_in_one_call(app, make, sign_in):
    answer = sign_in("clerk").post("/intake", data=intake(make.world, **TWO))
    assert answer.status_code == 302
    ticket = db.session.query(Ticket).one()
    first, second = queries.of_ticket(ticket.id)
    assert (first.part, first.phenomenon, first.trade, first.place, first.position) == (
        Part.WET,
        Phenomenon.LEAK,
        Trade.PLUMBING_ELECTRIC,
        "卫生间",
        1,
    )
    assert (second.part, second.trade, second.position) == (Part.PLASTER, Trade.CIVIL, 2)
    assert {first.by_id, second.by_id} == {make.world.users["clerk"]}
    assert first.at == ticket.registered_at
    entry = db.session.query(JournalEntry).order_by(JournalEntry.id.desc()).first()
    assert (entry.act, entry.subject_id) == ("register", ticket.id)
    assert first.told in entry.facts
    page = sign_in("clerk").get(f"/tickets/{ticket.id}").get_data(as_text=True)
    assert f"{first.told}；{second.told}" in page


def test_a_complaint_needs_no_defect_and_empty_lines_count_for_nothing(app, world, sign_in):
    empty = {f"defects-{n}-{name}": "" for n in range(3) for name in ("place", "part", "trade")}
    assert sign_in("clerk").post("/intake", data=intake(world, **empty)).status_code == 302
    assert sign_in("clerk").get("/intake").get_data(as_text=True).count("data-line") == 3
    with app.app_context():
        assert db.session.query(Defect).count() == 0


def test_saving_two_defects_costs_two_rows_and_one_entry_more(make, sign_in):
    clerk, counted = sign_in("clerk"), []
    make.registered("YX 5-1-0101", caller_phone="13900000101")
    for room, more in (("YX 3-1-1202", {}), ("YX 3-1-1203", TWO)):
        data = intake(make.world, unit_id=make.world.units[room], caller_phone="", **more)
        db.session.rollback()
        with recorded(db.engine) as recorder:
            assert clerk.post("/intake", data=data).status_code == 302
        counted.append((len(recorder.writes), len(recorder.statements)))
    (writes, asked), (more_writes, more_asked) = counted
    assert more_writes - writes <= 4
    assert more_asked - asked <= 6


WRONG = [
    ({"defects-0-part": "ATTIC"}, "defects-0-part"),
    ({"defects-0-part": ""}, "defects-0-part"),
    ({"defects-0-phenomenon": "ghost"}, "defects-0-phenomenon"),
    ({"defects-0-phenomenon": ""}, "defects-0-phenomenon"),
    ({"defects-0-trade": "magic"}, "defects-0-trade"),
    ({"defects-0-place": "处" * 31}, "defects-0-place"),
    ({"defects-2-phenomenon": ""}, "defects-1-phenomenon"),
    ({"defects-1-place": "阳台"}, "defects-1-part"),
    ({"defects-7-trade": "civil"}, "defects-2-part"),
]


@pytest.mark.parametrize(("typed", "field"), WRONG, ids=lambda value: str(value)[:40])
def test_each_wrong_line_is_refused_at_its_field_and_the_rest_is_kept(
    app, world, sign_in, typed, field
):
    page = refused(sign_in("clerk").post("/intake", data=intake(world, **TWO) | typed), field)
    assert "记得保留这句话" in page
    if "defects-0-place" not in typed:
        assert 'value="卫生间"' in page
    with app.app_context():
        assert db.session.query(Ticket).count() == 0


def test_a_forged_or_absurd_line_breaks_nothing(app, world, sign_in):
    client = sign_in("clerk")
    forged = intake(world, **TWO, **{"defects-0-defect_id": "x"})
    assert "请重新选择" in client.post("/intake", data=forged).get_data(as_text=True)
    many = {f"defects-{n}-part": "WET_WP" for n in range(40)}
    many |= {f"defects-{n}-phenomenon": "leak" for n in range(40)}
    assert client.post("/intake", data=intake(world, **many)).status_code == 302
    with app.app_context():
        assert db.session.query(Defect).count() == commands.MOST
        assert client.post(
            "/intake", data=intake(world, **{"defects-x-part": "1"})
        ).status_code in (
            302,
            409,
        )


def correction(ticket, **lines):
    """What the form of a correction posts, with the lines given."""
    return {
        "version": ticket.version,
        "once": token(),
        "unit_id": ticket.unit_id,
        "place": ticket.room,
        "caller_name": "王国强",
        "caller_phone": "13800001202",
        "channel": "phone",
        "content": ticket.content,
        "received_at": clock.local(ticket.received_at).strftime("%Y-%m-%dT%H:%M"),
        "reason": "客户补充",
        **lines,
    }


def line(number, defect=None, **changes):
    values = {"defect_id": "", "place": "", "part": "", "phenomenon": "", "trade": ""}
    if defect is not None:
        values = {
            "defect_id": defect.id,
            "place": defect.place,
            "part": defect.part.value,
            "phenomenon": defect.phenomenon.value,
            "trade": defect.trade.value,
        }
    return {f"defects-{number}-{name}": value for name, value in {**values, **changes}.items()}


@pytest.mark.parametrize("path", ["correct", "amend"])
def test_defects_are_put_right_and_added_before_anybody_goes_to_look(make, sign_in, path):
    stage = TicketStage.REGISTERED if path == "correct" else TicketStage.DISPATCHED
    ticket, office = make.ticket(stage), make.user("office")
    with transaction():
        (leak,) = commands.add(ticket, [LEAK], actor=office, at=clock.now())
    client, address = sign_in("office"), f"/tickets/{ticket.id}/{path}"
    page = client.get(address).get_data(as_text=True)
    assert 'value="卫生间"' in page
    assert "5 年，至 2029-03-08" in page
    data = correction(
        ticket,
        **line(0, leak, phenomenon="hollow", place="厨房"),
        **line(1, part="FLOOR", phenomenon="sanding"),
    )
    ticket_id, version = ticket.id, ticket.version
    assert client.post(address, data=data).status_code == 302
    assert of(ticket_id) == [
        "厨房 防渗漏（厨卫、地下室、外墙、窗边）：空鼓（水电）",
        "地面：起砂（土建）",
    ]
    assert queries.of_ticket(ticket_id)[0].words == LEAK.words
    page = client.get(f"/tickets/{ticket_id}").get_data(as_text=True)
    assert "报修项目：卫生间 防渗漏（厨卫、地下室、外墙、窗边）：渗漏（水电） → 厨房" in page
    late = client.post(address, data=data | {"once": token()})
    assert late.status_code == 409, "somebody else has changed it meanwhile"
    assert db.session.get(Ticket, ticket_id).version == version + 1


def test_a_line_written_before_is_rewritten_never_dropped(make, sign_in):
    repairs = Repairs(make)
    ticket, other = repairs.ticket(LEAK, CRACK), repairs.ticket(LEAK)
    leak, crack = queries.of_ticket(ticket.id)
    foreign = queries.of_ticket(other.id)[0]
    client, address = sign_in("office"), f"/tickets/{ticket.id}/amend"
    emptied = correction(
        ticket, **line(0, leak), **line(1, crack, place="", part="", phenomenon="", trade="")
    )
    page = refused(client.post(address, data=emptied), "defects-1-part")
    assert "不能删去" in page
    missing = correction(ticket, **line(0, leak))
    assert client.post(address, data=missing).status_code == 302, "one left out stays as it is"
    stolen = correction(ticket, **line(0, leak), **line(1, crack), **line(2, foreign))
    assert "不属于这张登记表" in refused(client.post(address, data=stolen), "defects")
    assert of(ticket.id) == [leak.told, crack.told]


@pytest.mark.parametrize("change", ["same", "none"])
def test_a_correction_that_leaves_the_defects_alone_says_nothing_of_them(make, change):
    ticket = Repairs(make).ticket(LEAK)
    office, scope = make.user("office"), make.scope("office")
    same = [LEAK._replace(defect_id=one.id) for one in queries.of_ticket(ticket.id)]
    entry = make.entry(ticket, "office", content="改一个字") | {"actor": office, "scope": scope}
    with transaction():
        amend(ticket, **entry, reason="更正", defects=same if change == "same" else None)
    entry = db.session.query(JournalEntry).order_by(JournalEntry.id.desc()).first()
    assert "defects" not in entry.facts


def test_once_a_survey_is_agreed_on_the_defects_are_the_surveyors(make, sign_in):
    survey = Repairs(make).survey(SurveyStage.SCHEDULED, LEAK)
    ticket, (leak,) = survey.ticket, queries.of_ticket(survey.ticket_id)
    client, address = sign_in("office"), f"/tickets/{ticket.id}/amend"
    page = client.get(address).get_data(as_text=True)
    assert "已经约定勘察" in page
    assert "data-line" not in page
    data = correction(ticket, **line(0, leak, phenomenon="hollow"))
    assert client.post(address, data=data).status_code == 302, "the rest of the entry is written"
    assert of(ticket.id) == [leak.told]
    with pytest.raises(Conflict), transaction():
        commands.rewrite(
            ticket,
            [CRACK._replace(defect_id=leak.id)],
            actor=make.user("office"),
            at=clock.now(),
        )


def test_a_ticket_holds_no_more_defects_than_its_paper(make):
    ticket = make.registered()
    with pytest.raises(Invalid), transaction():
        commands.add(ticket, [LEAK] * 31, actor=make.user("office"), at=clock.now())


@pytest.mark.clause("3.4.5")
def test_the_ticket_page_and_the_printed_form_name_the_defects(make, sign_in):
    ticket_id = Repairs(make).ticket(LEAK, CRACK).id
    page = sign_in("handler").get(f"/tickets/{ticket_id}").get_data(as_text=True)
    assert "两个保修期都在" in page
    assert "2024-03-08 交付，防渗漏（厨卫、地下室、外墙、窗边） 5 年，至 2029-03-08" in page
    assert "2023-12-20 竣工验收合格，防渗漏（厨卫、地下室、外墙、窗边） 5 年，至 2028-12-20" in page
    assert "施工单位：墙面、顶棚抹灰，按合同，未登记年限" in page
    paper = sign_in("handler").get(f"/tickets/{ticket_id}/print").get_data(as_text=True)
    assert "报修项目" in paper
    assert "2. 客厅 墙面、顶棚抹灰：裂缝（土建）" in paper
    plain = make.registered().id
    for path in ("", "/print"):
        page = sign_in("clerk").get(f"/tickets/{plain}{path}").get_data(as_text=True)
        assert "报修项目" not in page


def ask(client, **args):
    return client.get("/intake/warranty", query_string=args)


def test_intake_shows_the_warranty_of_the_chosen_home_and_part_in_words(make, sign_in):
    clerk, unit = sign_in("clerk"), make.world.units["YX 3-1-1202"]
    page = ask(clerk, unit=unit, item="WET_WP.plumbing_electric").get_data(as_text=True)
    assert "对业主：2024-03-08 交付，防渗漏（厨卫、地下室、外墙、窗边） 5 年，至 2029-03-08" in page
    assert "施工单位：2023-12-20 竣工验收合格" in page
    assert "查明属施工单位责任的为 A 类" in page
    both = ask(clerk, unit=unit, item=["ELEC.", "ELEC.plumbing_electric", "BLOCK."])
    assert both.get_data(as_text=True).count('class="term"') == 2, "one part is reckoned once"
    old = ask(clerk, unit=unit, item="BLOCK.", received="2026-11-20T09:05")
    assert "保修期已满" in old.get_data(as_text=True)
    young = ask(clerk, unit=unit, item="BLOCK.", received="2024-03-20T09:05")
    assert "保修期已满" not in young.get_data(as_text=True)
    lift = ask(clerk, unit=unit, item="EQUIP.lift").get_data(as_text=True)
    assert "缺竣工验收合格日期，无法推算" in lift
    place = ask(clerk, community=make.world.communities["YX"], item="ROAD.civil")
    assert "2024-03-08 移交物业（按小区交付日期）" in place.get_data(as_text=True)
    assert "按公共部位推算" in place.get_data(as_text=True)
    with transaction():
        db.session.get(Community, make.world.communities["YX"]).handed_over_on = date(2024, 2, 1)
    for asked in ({"community": make.world.communities["YX"]}, {"unit": unit}):
        page = ask(clerk, **asked, item="ROAD.civil").get_data(as_text=True)
        assert "2024-02-01 移交物业，道路、室外管网 1 年" in page


def test_the_fragments_of_intake_know_scope_doors_and_odd_addresses(make, sign_in):
    clerk = sign_in("clerk")
    far, unit = make.world.units["LH 2-1-0302"], make.world.units["YX 3-1-1202"]
    assert ask(clerk, unit=far, item="WET_WP.").status_code == 404
    far_place = make.world.communities["LH"]
    assert ask(clerk, community=far_place, item="WET_WP.").status_code == 404
    for args in (
        {},
        {"unit": unit},
        {"item": "WET_WP."},
        {"unit": unit, "item": ["", ".", "x", "WET_WP.x", "\x00"]},
        {"unit": "x", "community": "9" * 40, "item": "WET_WP.", "received": "0000-99"},
    ):
        answer = ask(clerk, **args)
        assert (answer.status_code, answer.get_data(as_text=True).strip()) == (200, ""), args
    for username in ("handler", "captain", "admin", "reader"):
        client = sign_in(username)
        assert ask(client, unit=unit, item="WET_WP.").status_code == 403
        assert client.get("/intake/likely?content=漏水").status_code == 403
    page = clerk.get("/intake/likely", query_string={"content": "卫生间漏水" + "长" * 5000})
    assert 'data-part="WET_WP"' in page.get_data(as_text=True)


def test_a_refused_form_still_shows_the_warranty_of_its_lines(make, sign_in):
    data = intake(make.world, content="", **TWO)
    page = refused(sign_in("clerk").post("/intake", data=data), "content")
    assert "5 年，至 2029-03-08" in page
    nowhere = data | {"unit_id": "", "community_id": make.world.communities["YX"]}
    page = refused(sign_in("clerk").post("/intake", data=nowhere), "content")
    assert "按公共部位推算" in page


def judged(make, *broken, **facts):
    ticket = Repairs(make).ticket(*broken, **facts)
    return queries.judge(ticket, queries.of_ticket(ticket.id))


@pytest.mark.clause("3.4.6")
def test_a_home_without_its_own_date_goes_by_its_building_then_by_its_community(make):
    unit = db.session.get(Unit, make.world.units["YX 3-1-1202"])
    (own,) = judged(make, LEAK)
    assert own.cover.owner.since == date(2024, 3, 8)
    unit.delivered_on, unit.building.delivered_on = None, date(2024, 5, 6)
    db.session.commit()
    (by_building,) = judged(make, LEAK)
    assert "2024-05-06 交付（按楼栋交付日期）" in by_building.arithmetic[0]
    unit.building.delivered_on = None
    db.session.commit()
    (by_community,) = judged(make, LEAK)
    assert "2024-03-08 交付（按小区交付日期）" in by_community.arithmetic[0]
    db.session.get(Community, make.world.communities["YX"]).delivered_on = None
    db.session.commit()
    (unknown,) = judged(make, LEAK)
    assert "缺交付日期，无法推算" in unknown.arithmetic[0]
    assert unknown.suggested(Cause.WORKMANSHIP).reason is ClassReason.UNCLEAR


@pytest.mark.clause("3.4.6")
def test_a_deemed_delivery_is_told_wherever_the_warranty_is_and_stays_in_what_is_signed(
    make, sign_in
):
    repairs, unit_id = Repairs(make), make.world.units["YX 3-1-1202"]
    clerk, words = sign_in("clerk"), "2024-03-08 视为交付，防渗漏"
    signed = repairs.survey(SurveyStage.SIGNED)
    frozen = [one.arithmetic for one in signed.findings]
    asked = {"version": 1, "delivered_on": "", "moved_in_on": "", "once": "d"}
    answer = clerk.post(f"/estate/units/{unit_id}/dates", data=asked | {"deemed_delivered": "y"})
    assert answer.status_code == 422
    assert "请填写合同约定的交付日期" in answer.get_data(as_text=True)
    asked |= {"delivered_on": "2024-03-08", "deemed_delivered": "y", "once": "e"}
    unit = db.session.get(Unit, unit_id, populate_existing=True)
    asked["version"] = unit.version
    answer = clerk.post(f"/estate/units/{unit_id}/dates", data=asked)
    assert answer.status_code == 302, answer.get_data(as_text=True)
    entry = db.session.scalars(
        select(JournalEntry)
        .where(JournalEntry.subject == "unit", JournalEntry.subject_id == unit_id)
        .order_by(JournalEntry.id.desc())
    ).first()
    assert json.loads(entry.facts)["changed"]["deemed_delivered"] == [False, True]
    page = clerk.get(f"/estate/units/{unit_id}").get_data(as_text=True)
    assert '<span class="tag">视为交付</span>' in page
    assert "视为交付：否 → 是" in page
    assert words in ask(clerk, unit=unit_id, item="WET_WP.").get_data(as_text=True)
    beside = clerk.get("/intake/beside", query_string={"unit": unit_id}).get_data(as_text=True)
    assert '<span class="tag">视为交付</span>' in beside
    survey = repairs.survey(SurveyStage.RECORDED)
    assert words in survey.findings[0].arithmetic
    office = sign_in("office")
    for address in (f"/surveys/{survey.id}", f"/surveys/{survey.id}/print"):
        assert words in office.get(address).get_data(as_text=True), address
    db.session.refresh(signed)
    assert [one.arithmetic for one in signed.findings] == frozen
    paper = office.get(f"/surveys/{signed.id}/print").get_data(as_text=True)
    assert "2024-03-08 交付" in paper
    assert words not in paper


def test_roads_and_greenery_are_common_areas_whoever_reports_them(make):
    garden = LEAK._replace(part=Part.LANDSCAPE, trade=Trade.LANDSCAPE)
    home, common = judged(make, LEAK, garden)
    assert (home.cover.common_area, common.cover.common_area) == (False, True)
    (nowhere,) = judged(
        make, LEAK, unit_id=None, community_id=make.world.communities["YX"], place="东门"
    )
    assert nowhere.cover.common_area


def test_a_promise_of_the_community_lengthens_and_one_of_another_does_not(make):
    for place, months in (("YX", 96), ("LH", 120)):
        with transaction():
            contractors.promise(
                community_id=make.world.communities[place],
                part=Part.WET,
                owner_months=months,
                contractor_months=None,
                since=date(2020, 1, 1),
                source="承诺书",
                actor=None,
            )
    (found,) = judged(make, LEAK)
    assert "8 年（承诺书），至 2032-03-08" in found.arithmetic[0]
    assert found.suggested(Cause.DESIGN).order_class is OrderClass.B


def test_judging_many_defects_asks_the_same_few_questions(make):
    ticket = Repairs(make).ticket(*[LEAK._replace(part=one.part) for one in STATUTORY])
    items = queries.of_ticket(ticket.id)
    queries.judge(ticket, items)
    for some in (1, len(STATUTORY)):
        with recorded(db.engine) as recorder:
            assert len(queries.judge(ticket, items[:some])) == some
        assert len(recorder.statements) == 3, "the parameter, promises and contracts"
