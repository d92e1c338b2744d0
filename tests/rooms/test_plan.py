"""The dispatch board: what stands where, what is wrong with a plan, who plans, and two people at one order."""

import re
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from tests.pages.helpers import recorded, token
from tests.support.repairs import CRACK, LEAK, Repairs
from ticketing.journal.models import JournalEntry
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.masters.contractors import commands as contractors
from ticketing.oversight.plan import matrix
from ticketing.oversight.plan.matrix import FULL_DAY, Load, Team
from ticketing.oversight.plan.problems import Pile, Problem
from ticketing.oversight.plan.queries import Job
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import OrderClass, OrderStage
from ticketing.procedure.workdays import DayKind
from ticketing.steps.work_orders import commands as orders
from ticketing.steps.work_orders.models import OrderItem, WorkOrder

WEDNESDAY = date(2026, 11, 25)
NORTH, SOUTH = Team(1, "江北维修队", "老马"), Team(2, "江南维修队", "老钟")


def weekend_off(day: date) -> DayKind:
    """A calendar of Mondays to Fridays, with the Friday of that week closed."""
    return DayKind(day.weekday() < 5 and day != date(2026, 11, 27))


def job(number: int, **facts) -> Job:
    values = {
        "id": number,
        "number": f"YX-2026-A{number:05d}",
        "order_class": OrderClass.A,
        "stage": OrderStage.ISSUED,
        "version": 1,
        "community": "云栖苑",
        "room": f"3-1-{number:04d}",
        "unit_id": number,
        "team_id": NORTH.id,
        "team": NORTH.name,
        "due_on": WEDNESDAY + timedelta(days=5),
        "due_provisional": False,
        "issue_due_on": None,
        "visit_on": None,
        "visit_note": "",
        "arrived_at": None,
        "scope": "渗漏维修",
        "rework_of_id": None,
        "items": 1,
        "trades": 1,
    }
    return Job(**{**values, **facts})


def put_together(*jobs: Job, teams=(NORTH, SOUTH), only=None):
    return matrix.board(jobs, teams, today=WEDNESDAY, calendar=weekend_off, only=only)


def problems_of(board) -> dict[int, set[Problem]]:
    """The problems of every card on the board, wherever it stands."""
    cards = [card for _, pile in board.piles for card in pile] + board.later
    cards += [card for day in board.days for cell in day.cells for card in cell.cards]
    return {card.job.id: set(card.problems) for card in cards}


@pytest.mark.parametrize(
    ("today", "days"), [(date(2026, 11, 23), 14), (WEDNESDAY, 12), (date(2026, 11, 29), 8)]
)
def test_the_board_shows_today_to_the_sunday_of_next_week(today, days):
    shown = matrix.days_from(today)
    assert (len(shown), shown[0], shown[-1].weekday()) == (days, today, 6)
    assert shown[-1].isocalendar().week == today.isocalendar().week + 1


@pytest.mark.clause("3.5.2")
def test_an_order_stands_in_the_cell_of_its_team_and_day_and_loads_it():
    board = put_together(
        job(1, visit_on=WEDNESDAY),
        job(2, visit_on=WEDNESDAY, trades=3),
        job(3, visit_on=WEDNESDAY, team_id=SOUTH.id, team=SOUTH.name),
        job(4, visit_on=WEDNESDAY + timedelta(days=40)),
    )
    first = board.days[0]
    assert [[card.job.id for card in cell.cards] for cell in first.cells] == [[1, 2], [3]]
    assert first.cells[0].load == Load(2, 4)
    assert [load for _, load in board.teams] == [Load(2, 4), Load(1, 1)]
    assert [card.job.id for card in board.later] == [4]
    assert board.piles == []


def test_what_has_no_day_waits_in_the_order_in_which_it_presses():
    gone = WEDNESDAY - timedelta(days=1)
    board = put_together(
        job(1, stage=OrderStage.DRAFT),
        job(2, stage=OrderStage.APPROVING),
        job(3, stage=OrderStage.APPROVED),
        job(4),
        job(5, stage=OrderStage.ACKNOWLEDGED, visit_on=gone),
        job(6, stage=OrderStage.ACKNOWLEDGED, visit_on=gone, arrived_at=clock.now()),
    )
    assert [(pile, [card.job.id for card in cards]) for pile, cards in board.piles] == [
        (Pile.MISSED, [5]),
        (Pile.STARTED, [6]),
        (Pile.ISSUED, [4]),
        (Pile.APPROVED, [3]),
        (Pile.APPROVING, [2]),
        (Pile.DRAFT, [1]),
    ]
    assert board.counts[Problem.UNPLANNED] == 4
    assert board.counts[Problem.MISSED] == 1
    assert problems_of(board)[6] == set()


@pytest.mark.clause("3.4.5")
def test_a_visit_after_the_due_date_or_on_a_day_off_is_a_conflict():
    board = put_together(
        job(1, visit_on=date(2026, 11, 30)),
        job(2, visit_on=date(2026, 12, 1)),
        job(3, visit_on=date(2026, 11, 27)),
        job(4, visit_on=date(2026, 11, 28)),
        job(5, visit_on=date(2026, 12, 1), due_on=None, stage=OrderStage.DRAFT),
        job(6, visit_on=date(2026, 12, 21)),
    )
    found = problems_of(board)
    assert found[1] == found[5] == set()
    assert found[2] == found[6] == {Problem.LATE}
    assert found[3] == found[4] == {Problem.DAY_OFF}
    assert [day.works for day in board.days][:5] == [True, True, False, False, False]


def test_one_home_twice_on_a_day_is_a_conflict_of_both_orders():
    home = {"unit_id": 77, "visit_on": WEDNESDAY}
    board = put_together(
        job(1, **home),
        job(2, **home, team_id=SOUTH.id, team=SOUTH.name),
        job(3, **{**home, "visit_on": WEDNESDAY + timedelta(days=1)}),
        job(4, **{**home, "unit_id": None}),
        job(5, **{**home, "unit_id": None}),
    )
    found = problems_of(board)
    assert found[1] == found[2] == {Problem.TWICE}
    assert found[3] == found[4] == found[5] == set()
    cards = {card.job.id: card for cell in board.days[0].cells for card in cell.cards}
    assert cards[1].beside == ("YX-2026-A00002（江南维修队）",)


def test_a_team_with_more_than_it_does_in_a_day_is_marked():
    full = [job(n, visit_on=WEDNESDAY) for n in range(1, FULL_DAY + 2)]
    board = put_together(*full[:-1])
    assert not board.days[0].cells[0].load.is_full
    board = put_together(*full)
    assert board.days[0].cells[0].load.is_full
    assert board.counts[Problem.FULL] == len(full)


def test_what_the_crew_has_done_is_shown_and_no_conflict_any_more():
    home = {"unit_id": 77, "visit_on": WEDNESDAY}
    board = put_together(
        job(1, **home, stage=OrderStage.SELF_CHECKED, due_on=WEDNESDAY - timedelta(days=3)),
        job(2, **home),
    )
    assert problems_of(board) == {1: set(), 2: set()}
    assert board.days[0].cells[0].load == Load(2, 2)


def test_a_filter_by_problem_hides_cards_but_neither_loads_nor_counts():
    board = put_together(
        job(1, visit_on=WEDNESDAY), job(2, visit_on=date(2026, 12, 1)), job(3), only=Problem.LATE
    )
    assert problems_of(board) == {2: {Problem.LATE}}
    assert board.days[0].cells[0].load == Load(1, 1)
    assert (board.total, board.counts[Problem.UNPLANNED]) == (3, 1)


def test_a_team_that_works_here_no_more_keeps_its_column_while_it_has_orders():
    board = put_together(job(1, visit_on=WEDNESDAY, team_id=9, team="旧队"))
    assert [team.name for team, _ in board.teams] == ["江北维修队", "江南维修队", "旧队"]


@pytest.fixture
def repairs(make) -> Repairs:
    return Repairs(make)


@pytest.fixture
def held():
    with clock.held(clock.at(WEDNESDAY, 10)):
        yield


def second_team(make, *codes: str) -> int:
    with transaction():
        return contractors.save_team(
            None,
            name="第二维修队",
            captain_id=make.world.users["captain"],
            community_ids=[make.world.communities[code] for code in codes],
            active=True,
            actor=None,
        ).id


def copies(order: WorkOrder, count: int, **facts) -> list[int]:
    """More orders like `order`, as rows."""
    skipped = ("id", "number", "version")
    values = {
        column.key: getattr(order, column.key)
        for column in WorkOrder.__table__.columns
        if column.key not in skipped
    }
    defects = [item.defect_id for item in order.items]
    with transaction():
        made = [
            WorkOrder(**{**values, **facts}, number=f"{order.number[:-5]}{90000 + n}")
            for n in range(count)
        ]
        db.session.add_all(made)
        db.session.flush()
        db.session.add_all(
            OrderItem(order_id=one.id, defect_id=defect) for one in made for defect in defects
        )
        return [one.id for one in made]


def cell(page: str, team_id: int, day: date) -> str:
    """What the page shows in the cell of a team and a day."""
    found = re.search(rf'<td data-drop data-team="{team_id}" data-day="{day}".*?</td>', page, re.S)
    assert found, (team_id, day)
    return found.group()


def plan_form(order: WorkOrder, make, **facts):
    return {
        "once": token(),
        "version": order.version,
        "team_id": make.world.teams["云栖苑维修队"],
        "visit_on": "2026-11-26",
        "visit_note": "带梯子",
        **facts,
    }


@pytest.mark.usefixtures("held")
@pytest.mark.clause("3.5.2")
def test_planning_on_the_board_moves_the_card(make, repairs, sign_in):
    order = repairs.order(OrderStage.ISSUED, LEAK, CRACK._replace(part=LEAK.part))
    order_id, team_id = order.id, order.team_id
    office = sign_in("office")
    page = office.get("/plan/").get_data(as_text=True)
    assert order.number in page.split('data-day="2026-11-25"')[0], "it waits beside the board"
    answer = office.post(f"/plan/{order_id}?team={team_id}", data=plan_form(order, make))
    assert (answer.status_code, answer.location) == (302, f"/plan/?team={team_id}#o{order_id}")
    page = office.get("/plan/").get_data(as_text=True)
    there = cell(page, team_id, date(2026, 11, 26))
    db.session.expire_all()
    order = db.session.get_one(WorkOrder, order_id)
    assert order.number in there
    assert "1 单 2 工种" in there
    assert "2 项" in there
    assert "剩 7 工作日" in there
    assert f"/orders/print?id={order_id}" in there
    assert (order.visit_on, order.visit_note) == (date(2026, 11, 26), "带梯子")
    entry = db.session.scalars(
        select(JournalEntry).where(
            JournalEntry.subject == "order", JournalEntry.act == Act.PLAN_ORDER.value
        )
    ).one()
    assert entry.actor_name == "陈静"


@pytest.mark.usefixtures("held")
def test_a_script_gets_the_board_back_with_what_was_done_in_words(make, repairs, sign_in):
    order = repairs.order(OrderStage.ISSUED)
    order_id, number = order.id, order.number
    answer = sign_in("manager").post(
        f"/plan/{order_id}", data=plan_form(order, make), headers={"X-Fragment": "1"}
    )
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert f"{number} 已安排 2026-11-26 周四 上门。" in page
    assert "<html" not in page
    assert f'data-order="{order_id}"' in page


@pytest.mark.usefixtures("held")
def test_an_order_is_taken_off_its_day(make, repairs, sign_in):
    order = repairs.order(OrderStage.ISSUED)
    with transaction():
        orders.plan(
            order,
            version=order.version,
            team_id=order.team_id,
            visit_on=WEDNESDAY,
            visit_note="",
            actor=make.user("office"),
        )
    order_id = order.id
    answer = sign_in("office").post(f"/plan/{order_id}", data=plan_form(order, make, visit_on=""))
    assert answer.status_code == 302
    db.session.expire_all()
    assert db.session.get_one(WorkOrder, order_id).visit_on is None


@pytest.mark.usefixtures("held")
@pytest.mark.parametrize("fragment", [True, False])
def test_the_second_of_two_planners_is_told_what_the_first_did(make, repairs, sign_in, fragment):
    order = repairs.order(OrderStage.ISSUED)
    order_id, stale = order.id, plan_form(order, make, visit_on="2026-12-01")
    first = plan_form(order, make)
    assert sign_in("office").post(f"/plan/{order_id}", data=first).status_code == 302
    headers = {"X-Fragment": "1"} if fragment else {}
    manager = sign_in("manager")
    answer = manager.post(f"/plan/{order_id}", data=stale, headers=headers)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert ("<html" in page) is not fragment
    assert "data-plan-form" in page
    assert "已被他人修改" in page
    assert "陈静：安排上门" in page
    assert "2026-11-26 周四 上门" in page
    assert 'value="2026-12-01"' in page, "what he wanted is kept"
    db.session.expire_all()
    order = db.session.get_one(WorkOrder, order_id)
    assert order.visit_on == date(2026, 11, 26)
    again = {**stale, "once": token(), "version": order.version}
    assert manager.post(f"/plan/{order_id}", data=again).status_code == 302


@pytest.mark.usefixtures("held")
def test_a_wrong_plan_is_refused_at_its_field_and_the_typing_is_kept(make, repairs, sign_in):
    order = repairs.order(OrderStage.ISSUED)
    order_id, elsewhere = order.id, second_team(make, "LH")
    order = db.session.get_one(WorkOrder, order_id)
    office = sign_in("office")
    for facts, sentence in (
        ({"visit_on": "2026-11-24"}, "上门日期不能早于今天。"),
        ({"visit_on": "morgen"}, "日期"),
        ({"team_id": elsewhere}, "选项无效，请重新选择。"),
        ({"team_id": ""}, "请选择维修队。"),
        ({"visit_note": "长" * 201}, "最多 200 个字。"),
    ):
        typed = plan_form(order, make, visit_note="带梯子") | facts
        answer = office.post(f"/plan/{order_id}", data=typed)
        page = answer.get_data(as_text=True)
        assert answer.status_code == 422, facts
        assert sentence in page, facts
        assert facts.get("visit_note", "带梯子") in page
    db.session.expire_all()
    assert db.session.get_one(WorkOrder, order_id).visit_on is None


@pytest.mark.usefixtures("held")
def test_an_order_under_approval_keeps_its_team(make, repairs, sign_in):
    order = repairs.order(OrderStage.APPROVED)
    order_id = order.id
    other = second_team(make, "YX")
    order = db.session.get_one(WorkOrder, order_id)
    typed = plan_form(order, make, team_id=other)
    answer = sign_in("office").post(f"/plan/{order_id}", data=typed, headers={"X-Fragment": "1"})
    assert answer.status_code == 409
    assert "费用审批中的派工单不能换维修队" in answer.get_data(as_text=True)


@pytest.mark.usefixtures("held")
def test_what_can_be_planned_no_more_says_so(make, repairs, sign_in):
    for stage, status in ((OrderStage.TRANSFERRED, 409), (OrderStage.ACCEPTED, 409)):
        order_id = repairs.order(stage).id
        answer = sign_in("office").get(f"/plan/{order_id}")
        assert answer.status_code == status
        assert stage.label in answer.get_data(as_text=True)


@pytest.mark.usefixtures("held")
def test_only_manager_and_offices_plan_and_each_office_its_own_communities(make, repairs, sign_in):
    order = repairs.order(OrderStage.ISSUED)
    order_id, number, typed = order.id, order.number, plan_form(order, make)
    for username in ("clerk", "captain", "engineer", "handler", "deputy_gm", "reader", "admin"):
        client = sign_in(username)
        assert client.get("/plan/").status_code == 403, username
        assert client.get(f"/plan/{order_id}").status_code == 403, username
        assert client.post(f"/plan/{order_id}", data=typed).status_code == 403, username
        assert "派工看板" not in client.get("/account").get_data(as_text=True), username
    stranger = sign_in("far_clerk")
    page = stranger.get("/plan/").get_data(as_text=True)
    assert number not in page
    assert "云栖苑" not in page
    assert "还没有维修队" in page
    assert stranger.get(f"/plan/{order_id}").status_code == 404
    assert stranger.post(f"/plan/{order_id}", data=typed).status_code == 404
    for username in ("office", "manager"):
        page = sign_in(username).get("/plan/").get_data(as_text=True)
        assert number in page, username
        assert "派工看板" in page
    before = select(func.count(JournalEntry.id)).where(JournalEntry.act == Act.PLAN_ORDER.value)
    assert db.session.scalar(before) == 0


@pytest.mark.usefixtures("held")
def test_filters_stand_in_the_address_and_survive_a_plan(make, repairs, sign_in):
    order = repairs.order(OrderStage.ISSUED)
    order_id, number = order.id, order.number
    world, team = make.world, order.team_id
    office = sign_in("office")

    def shown(query: str) -> bool:
        return number in office.get(f"/plan/?{query}").get_data(as_text=True)

    assert shown(f"community={world.communities['YX']}&team={team}&class=A&only=unplanned")
    assert not shown(f"community={world.communities['HT']}")
    assert not shown("team=999")
    assert not shown("class=B")
    assert not shown("only=late")
    assert shown("community=x&team=-1&class=none&only=nothing"), "nonsense is left out"
    query = f"?community={world.communities['YX']}&only=unplanned"
    page = office.get(f"/plan/{query}").get_data(as_text=True)
    assert f"/plan/{order_id}{query}".replace("&", "&amp;") in page
    answer = office.post(f"/plan/{order_id}{query}", data=plan_form(order, make))
    assert answer.location == f"/plan/{query}#o{order_id}"


@pytest.mark.usefixtures("held")
def test_the_board_costs_the_same_with_one_order_and_with_five_hundred(make, repairs, sign_in):
    order = repairs.order(OrderStage.ISSUED, LEAK, CRACK._replace(part=LEAK.part))
    clients = {username: sign_in(username) for username in ("manager", "office")}

    def cost(client):
        db.session.rollback()
        with recorded(db.engine) as recorder:
            page = client.get("/plan/").get_data(as_text=True)
        return len(recorder.statements), page

    few = {username: cost(client)[0] for username, client in clients.items()}
    days = matrix.days_from(WEDNESDAY)
    copies(order, 500, visit_on=days[1])
    many = {username: cost(client) for username, client in clients.items()}
    assert {username: found[0] for username, found in many.items()} == few
    assert set(few.values()) == {6}
    assert many["manager"][1].count("data-order=") == 501
    assert "500 单 1000 工种" in many["manager"][1]


@pytest.mark.usefixtures("held")
def test_what_people_typed_is_shown_as_text(make, repairs, sign_in):
    order = repairs.order(OrderStage.ISSUED)
    evil = '<script>alert(1)</script>"\' onclick="x'
    with transaction():
        order.scope, order.visit_note = evil, evil
    order_id = order.id
    office = sign_in("office")
    for address in ("/plan/", f"/plan/{order_id}"):
        page = office.get(address).get_data(as_text=True)
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)" in page
        assert 'onclick="x' not in page
