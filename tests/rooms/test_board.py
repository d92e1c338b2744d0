"""The board of time limits: its figures are what one counts by hand, its list leaves out nothing and shows nothing twice."""

import io
from collections import Counter
from datetime import datetime, timedelta
from random import Random
from types import SimpleNamespace

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import select

from ticketing.casefile.tickets.models import Ticket
from ticketing.casefile.timers.models import Clock, ClockState
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.masters.estate.models import Community
from ticketing.oversight.board import queries
from ticketing.oversight.board.bands import Band
from ticketing.oversight.board.queries import DESK, BoardFilter, _cursor
from ticketing.procedure.deadlines import ClockKind
from ticketing.procedure.vocabulary import TicketStage

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=clock.UTC)
"""A Wednesday, 17:00 in Shanghai; the week ends on Sunday the 29th."""
TODAY = clock.local(NOW).date()

KINDS = (
    ClockKind.DISPATCHING,
    ClockKind.DEPT_FEEDBACK,
    ClockKind.COMPLAINT,
    ClockKind.CALLBACK,
    ClockKind.EMERGENCY,
)
PEOPLE = ("clerk", "office", "far_clerk", "handler", "engineer", "manager", "gm", "reader")


@pytest.fixture
def crowd(make):
    """Some 150 running clocks of three communities, both offices, several people; late ones, met ones too."""
    dice, world = Random(20), make.world
    owners = {"PM": "handler", "ENG": "engineer", "LAW": "lawyer"}
    with clock.held(NOW):
        tickets = [
            make.ticket(
                TicketStage.HANDLING,
                unit,
                actor="far_clerk" if unit.startswith("LH") else "office",
                department=department,
                content=f"第 {n} 件事。",
            )
            for n, (unit, department) in enumerate(
                [
                    (unit, department)
                    for unit in ("YX 3-1-1202", "HT 1-1-0801", "LH 2-1-0302")
                    for department in owners
                    for _ in range(4)
                ]
            )
        ]
        with transaction():
            for one in db.session.scalars(select(Clock).where(Clock.state == ClockState.RUNNING)):
                one.state, one.stopped_at, one.next_at = ClockState.MET, NOW, None
            for ticket in tickets:
                for kind in KINDS:
                    desk = kind in (ClockKind.DISPATCHING, ClockKind.CALLBACK)
                    day = TODAY + timedelta(days=dice.randrange(-6, 10))
                    hour, minute = (17, 30)
                    if kind is ClockKind.EMERGENCY:
                        day, hour, minute = TODAY, dice.randrange(14, 20), dice.randrange(60)
                    db.session.add(
                        running(
                            kind,
                            day,
                            clock.at(day, hour, minute),
                            ticket_id=ticket.id,
                            community_id=ticket.community_id,
                            department_id=None if desk else ticket.department_id,
                            handler_id=None if desk else ticket.handler_id,
                        )
                    )
            for code, week, on in (("FZ", 48, TODAY), ("XM", 47, TODAY - timedelta(days=2))):
                db.session.add(
                    running(
                        ClockKind.WEEKLY_REPORT,
                        on,
                        clock.at(on, 17, 30),
                        report_key=f"weekly-{code}-2026-W{week}",
                        office_id=world.offices[code],
                    )
                )
        yield SimpleNamespace(tickets=tickets, make=make)


def running(kind, due_on, due_at, **more):
    return Clock(
        kind=kind,
        round=1,
        started_at=NOW - timedelta(days=9),
        original_due_on=due_on,
        due_on=due_on,
        due_at=due_at,
        policy=1,
        calendar_edition=0,
        state=ClockState.RUNNING,
        late=False,
        extensions=0,
        rung=0,
        **more,
    )


def by_hand(make, username):
    """The clocks a person may see, judged one by one with plain comparisons of dates."""
    world, user = make.world, make.user(username)
    names = {role.name for role in user.roles}
    everything = bool(names & {"CS_MANAGER", "GENERAL_MANAGER"})
    posts = set(user.posts) if names & {"CLERK", "OFFICE", "READER"} else set()
    department = user.department_id if names & {"HANDLER", "ENGINEER"} else None
    offices = {
        office
        for office in world.offices.values()
        if {
            one.id
            for one in db.session.scalars(select(Community).where(Community.office_id == office))
        }
        <= posts
    }
    found = []
    for one in db.session.scalars(select(Clock).order_by(Clock.due_at, Clock.id)):
        if one.stopped_at is not None:
            continue
        mine = (
            everything
            or one.community_id in posts
            or (department is not None and one.department_id == department)
            or one.office_id in offices
        )
        if mine:
            found.append(one)
    return found


def band_by_hand(one):
    exact = one.kind in (ClockKind.EMERGENCY, ClockKind.WEEKLY_REPORT)
    if one.due_on < TODAY or (exact and one.due_at < NOW):
        return Band.OVERDUE
    if one.due_on == TODAY:
        return Band.TODAY
    return Band.WEEK if one.due_on.isoformat() <= "2026-11-29" else Band.LATER


def fits(one, wanted, offices):
    person = one.handler_id or DESK
    return (
        wanted.band in (None, band_by_hand(one))
        and wanted.kind in (None, one.kind)
        and wanted.person in (None, person)
        and wanted.department_id in (None, one.department_id)
        and (
            wanted.office_id is None
            or one.office_id == wanted.office_id
            or one.community_id in offices.get(wanted.office_id, set())
        )
    )


def filters(make):
    world = make.world
    yield BoardFilter()
    for band in Band:
        yield BoardFilter(band=band)
        yield BoardFilter(band=band, kind=ClockKind.COMPLAINT)
        yield BoardFilter(band=band, kind=ClockKind.EMERGENCY)
        yield BoardFilter(band=band, person=DESK, office_id=world.offices["FZ"])
    yield BoardFilter(kind=ClockKind.WEEKLY_REPORT)
    yield BoardFilter(person=world.users["handler"], kind=ClockKind.DEPT_FEEDBACK)
    yield BoardFilter(office_id=world.offices["XM"], department_id=world.departments["ENG"])
    yield BoardFilter(office_id=987654)


@pytest.mark.clause("3.4.4")
@pytest.mark.parametrize("username", PEOPLE)
def test_figures_and_list_are_what_one_counts_by_hand(crowd, username):
    make = crowd.make
    offices = {
        office: {
            one.id
            for one in db.session.scalars(select(Community).where(Community.office_id == office))
        }
        for office in make.world.offices.values()
    }
    mine = by_hand(make, username)
    assert mine
    over = queries.ground(make.scope(username))
    for wanted in filters(make):
        found = queries.counts(over, wanted)
        expected = [one for one in mine if fits(one, wanted, offices)]
        shown, _ = queries.page(over, wanted, 1000)
        assert [one.id for one in shown] == [one.id for one in expected], wanted
        free = BoardFilter(**{**vars(wanted), "band": None})
        tiles = Counter(band_by_hand(one) for one in mine if fits(one, free, offices))
        assert {band: n for band, n in found.bands.items() if n} == tiles, wanted
        steps = BoardFilter(**{**vars(free), "kind": None})
        assert {
            (row.key, band): n for row in found.steps for band, n in row.tally.items() if n
        } == Counter((one.kind, band_by_hand(one)) for one in mine if fits(one, steps, offices))
        people = BoardFilter(**{**vars(free), "person": None})
        assert {
            (row.key, band): n for row in found.people for band, n in row.tally.items() if n
        } == Counter(
            (one.handler_id or DESK, band_by_hand(one))
            for one in mine
            if fits(one, people, offices)
        )


def test_every_band_occurs_and_everybody_sees_something_else(crowd):
    make = crowd.make
    assert {band_by_hand(one) for one in by_hand(make, "manager")} == set(Band)
    seen = {name: {one.id for one in by_hand(make, name)} for name in PEOPLE}
    assert seen["clerk"] < seen["manager"]
    assert seen["clerk"].isdisjoint(seen["far_clerk"])
    assert seen["handler"] - seen["clerk"]
    assert seen["reader"] < seen["clerk"]


def test_pages_follow_each_other_without_a_gap_or_a_double(crowd):
    make = crowd.make
    for username in ("manager", "clerk", "handler"):
        over = queries.ground(make.scope(username))
        for kind in (None, ClockKind.COMPLAINT):
            found, after = [], ""
            while True:
                rows, after = queries.page(over, BoardFilter(kind=kind, after=after), 7)
                found += [one.id for one in rows]
                if not after:
                    break
                assert len(rows) == 7
            mine = [one for one in by_hand(make, username) if kind in (None, one.kind)]
            assert found == [one.id for one in mine]


@pytest.mark.parametrize("cursor", ["", "x", "20261125.1", "20261125120000.", "99999999999999.1"])
def test_a_cursor_that_makes_no_sense_means_the_first_page(cursor):
    assert _cursor(cursor) is None


def test_the_page_shows_badges_in_words_and_keeps_the_filter_in_its_links(crowd, sign_in):
    client = sign_in("manager")
    with clock.held(NOW):
        reports = client.get("/board/?kind=weekly_report").get_data(as_text=True)
        assert "今日到期</span></td>" in reports
        assert "超 2 工作日" in reports
        assert "2026年第47周" in reports
        emergency = client.get("/board/?kind=emergency").get_data(as_text=True)
        office = crowd.make.world.offices["FZ"]
        narrow = client.get(f"/board/?office={office}&kind=complaint&after=").get_data(as_text=True)
    assert "小时" in emergency
    assert f"?band=overdue&amp;kind=complaint&amp;office={office}" in narrow
    assert "全部清除" in narrow


def test_pointing_at_a_ticket_names_all_its_running_clocks(make, sign_in):
    with clock.held(NOW):
        ticket = make.ticket(TicketStage.DISPATCHED)
        page = sign_in("clerk").get("/board/?kind=complaint").get_data(as_text=True)
    assert ticket.number in page
    assert 'title="部门反馈 2026-11-30 周一；办结 2026-12-02 周三"' in page


def test_the_fragment_is_the_moving_part_alone(crowd, sign_in):
    client = sign_in("clerk")
    with clock.held(NOW):
        whole = client.get("/board/?band=today").get_data(as_text=True)
        part = client.get("/board/?band=today", headers={"X-Fragment": "1"}).get_data(as_text=True)
    assert "<html" not in part
    assert part.strip() in whole


def test_an_original_due_date_and_a_provisional_mark_are_shown(crowd, sign_in):
    with transaction():
        one = db.session.scalars(
            select(Clock).where(
                Clock.state == ClockState.RUNNING, Clock.kind == ClockKind.COMPLAINT
            )
        ).first()
        one.original_due_on = one.due_on - timedelta(days=3)
        one.provisional = True
        day = clock.show_date(one.original_due_on)
    with clock.held(NOW):
        page = sign_in("manager").get("/board/?kind=complaint").get_data(as_text=True)
    assert f"原 {day}" in page
    assert "<sup>暂</sup>" in page


def test_the_workbook_holds_the_rows_of_the_list_and_is_journalled(crowd, sign_in):
    client = sign_in("clerk")
    with clock.held(NOW):
        answer = client.get("/board/clocks.xlsx?band=overdue")
        mine = [one for one in by_hand(crowd.make, "clerk") if band_by_hand(one) is Band.OVERDUE]
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(answer.data)).get_sheet_by_index(0)
    head, *rows = sheet.to_python()
    numbers = {ticket.id: ticket.number for ticket in db.session.scalars(select(Ticket))}
    assert [row[head.index("编号")] for row in rows] == [
        numbers.get(one.ticket_id, one.report_key) for one in mine
    ]
    assert {row[head.index("状况")] for row in rows} == {"已超时"}
    audit = sign_in("gm").get("/audit/?subject=export").get_data(as_text=True)
    assert "时限清单" in audit
    assert "band=overdue" in audit


def test_other_communities_are_neither_listed_nor_counted(crowd, sign_in):
    """A clerk of 莲花里 opens every filter of the other office."""
    make, client = crowd.make, sign_in("far_clerk")
    foreign = [one.number for one in crowd.tickets if one.number.startswith("YX")]
    assert foreign
    with clock.held(NOW):
        for query in (
            "",
            f"office={make.world.offices['FZ']}",
            f"department={make.world.departments['PM']}&office={make.world.offices['FZ']}",
            f"person={make.world.users['handler']}",
        ):
            page = client.get(f"/board/?{query}").get_data(as_text=True)
            assert not [number for number in foreign if number in page], query
            book = CalamineWorkbook.from_filelike(
                io.BytesIO(client.get(f"/board/clocks.xlsx?{query}").data)
            )
            cells = str(book.get_sheet_by_index(0).to_python())
            assert not [number for number in foreign if number in cells], query
        narrow = client.get(f"/board/?office={make.world.offices['FZ']}").get_data(as_text=True)
    assert "没有符合条件的时限" in narrow
    assert "云栖苑" not in narrow


@pytest.mark.parametrize(
    "query", ["band=x&kind=y&person=z", "office=-1", "person=9" * 9, "after=%00"]
)
def test_nonsense_in_the_address_is_left_out(crowd, sign_in, query):
    assert sign_in("clerk").get(f"/board/?{query}").status_code == 200


def test_who_may_not_take_lists_out_gets_no_workbook(crowd, sign_in):
    client = sign_in("reader")
    assert "导出 Excel" not in client.get("/board/").get_data(as_text=True)
    assert client.get("/board/clocks.xlsx").status_code == 403
    assert sign_in("finance").get("/board/").status_code == 403


def test_an_empty_board_says_what_to_do_next(make, sign_in):
    clerk = sign_in("clerk").get("/board/").get_data(as_text=True)
    assert "没有进行中的时限" in clerk
    assert "新登记" in clerk
