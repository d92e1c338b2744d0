"""What the road's clauses ask of dispatch, handling, callback and closing beside the table."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.pages.helpers import token
from ticketing.casefile.tickets.models import Ticket, TicketFlow
from ticketing.casefile.timers import queries as timers
from ticketing.journal import queries as journal
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.kernel.errors import Conflict, Invalid, NotPermitted
from ticketing.masters.people import commands as people
from ticketing.masters.people import departments
from ticketing.masters.people import queries as people_queries
from ticketing.procedure.deadlines import ClockKind
from ticketing.procedure.vocabulary import (
    Category,
    Channel,
    Flow,
    Grade,
    NoteKind,
    Role,
    Satisfaction,
    TicketStage,
)
from ticketing.steps.callback.commands import call_back
from ticketing.steps.closing import commands as closing
from ticketing.steps.dispatch import commands as dispatching
from ticketing.steps.handling import commands as handling
from ticketing.steps.intake.commands import join_call


def dispatch(make, ticket, *, department="PM", handler=None, assisting=(), actor="office", **facts):
    values = {"category": Category.ENGINEERING, "grade": Grade.GENERAL, "instruction": "", **facts}
    with transaction():
        return dispatching.dispatch(
            ticket,
            version=ticket.version,
            department_id=make.world.departments[department],
            handler_id=make.world.users[handler] if handler else None,
            assisting_ids=[make.world.departments[code] for code in assisting],
            actor=make.user(actor),
            **values,
        )


@pytest.mark.clause("3.4.1")
@pytest.mark.parametrize("channel", list(Channel), ids=lambda channel: channel.value)
def test_a_complaint_is_taken_in_from_every_channel_with_its_collector(make, sign_in, channel):
    data = {
        "once": token(),
        "unit_id": make.world.units["YX 3-1-1202"],
        "caller_name": "王国强",
        "channel": channel.value,
        "collected_by_id": make.world.departments["SAL"],
        "relation": "owner",
        "received_at": "2026-11-20T09:05",
        "content": "漏水",
    }
    client = sign_in("clerk")
    assert client.post("/intake", data=data).status_code == 302
    ticket = db.session.scalars(select(Ticket)).one()
    assert ticket.channel is channel
    assert ticket.collected_by.name == "经营销售部"
    page = client.get(f"/tickets/{ticket.id}").get_data(as_text=True)
    assert f"{channel.label}（经营销售部）" in page


@pytest.mark.clause("3.4.2.1")
def test_a_department_gets_a_ticket_at_the_hands_of_its_designated_person(make):
    ticket = dispatch(make, make.registered(), department="PM")
    assert ticket.handler.name == "周工"
    with transaction():
        people.set_roles(make.user("captain"), roles=[Role.CAPTAIN, Role.HANDLER], actor=None)
        departments.save_department(
            people_queries.department(make.world.departments["PM"]),
            code="PM",
            name="物业公司",
            aliases="",
            handler_id=make.world.users["captain"],
            active=True,
            actor=None,
        )
    assert dispatch(make, make.registered(), department="PM").handler.name == "老马"
    assert dispatch(make, make.registered(), handler="handler").handler.name == "周工"


@pytest.mark.clause("3.4.2.1")
@pytest.mark.clause("2.2.2")
def test_no_ticket_is_dispatched_without_a_person_of_that_department(make):
    ticket = make.registered()
    with pytest.raises(Invalid, match="须是物业公司能够办理投诉的在岗人员"):
        dispatch(make, ticket, handler="engineer")
    with pytest.raises(Invalid, match="没有指定投诉处理专人"):
        dispatch(make, ticket, department="CS")
    with pytest.raises(Invalid, match="能够办理投诉"):
        dispatch(make, ticket, handler="captain")
    with transaction():
        make.user("handler").active = False
    for handler in (None, "handler"):
        with pytest.raises(Invalid):
            dispatch(make, ticket, handler=handler)
    with pytest.raises(Invalid, match="分类"):
        dispatch(make, ticket, department="ENG", category=None)
    db.session.refresh(ticket)
    assert ticket.stage is TicketStage.REGISTERED


@pytest.mark.clause("2.2.2")
def test_the_database_itself_refuses_a_dispatched_ticket_without_category_or_owner(make):
    from sqlalchemy import update
    from sqlalchemy.exc import IntegrityError

    ticket_id = make.ticket(TicketStage.DISPATCHED).id
    for column in ("category", "department_id", "handler_id"):
        statement = update(Ticket).where(Ticket.id == ticket_id).values({column: None})
        with pytest.raises(IntegrityError):
            db.session.execute(statement)
        db.session.rollback()
    with pytest.raises(IntegrityError):
        db.session.execute(update(Ticket).values(is_open=False))


@pytest.mark.clause("2.1.3")
def test_another_department_helps_without_owning_the_ticket(make, sign_in):
    ticket = dispatch(make, make.registered(), assisting=["LAW", "PM"], instruction="请看合同")
    ticket_id = ticket.id
    assert [a.department.name for a in ticket.assistances] == ["法律事务中心"]
    assert ticket.department.name == "物业公司"
    lawyer = sign_in("lawyer")
    page = lawyer.get(f"/tickets/{ticket_id}").get_data(as_text=True)
    assert "请看合同" in page
    assert "138****1202" in page
    data = {"once": token(), "reply": "违约金条款适用"}
    assert lawyer.post(f"/tickets/{ticket_id}/assist", data=data).status_code == 302
    assert lawyer.post(f"/tickets/{ticket_id}/resolve", data={}).status_code in (403, 422)
    ticket = db.session.get_one(Ticket, ticket_id)
    assert (ticket.department.name, ticket.stage) == ("物业公司", TicketStage.DISPATCHED)
    assert ticket.assistances[0].reply == "违约金条款适用"
    assert ticket.assistances[0].replied_by.name == "方律"
    assert "违约金条款适用" in sign_in("clerk").get(f"/tickets/{ticket_id}").get_data(as_text=True)
    assert "违约金条款适用" in lawyer.get(f"/tickets/{ticket_id}/print").get_data(as_text=True)
    again = lawyer.post(f"/tickets/{ticket_id}/assist", data=data | {"once": token()})
    assert again.status_code == 403


@pytest.mark.clause("2.1.3")
def test_a_department_is_asked_once_at_a_time_and_never_about_its_own_ticket(make):
    ticket, office = make.ticket(TicketStage.HANDLING), make.user("office")

    def ask(department):
        with transaction():
            dispatching.ask_assistance(
                ticket,
                version=ticket.version,
                department_id=make.world.departments[department],
                question="请协助",
                actor=make.user("office"),
            )

    ask("LAW")
    with pytest.raises(Conflict, match="尚未回复"):
        ask("LAW")
    with pytest.raises(Invalid, match="不需要协办"):
        ask("PM")
    with transaction():
        handling.assist(ticket, reply="已看", actor=make.user("lawyer"))
    with clock.held(clock.now() + timedelta(seconds=5)):
        ask("LAW")
    assert [bool(a.replied_at) for a in ticket.assistances] == [True, False]
    assert office


@pytest.mark.clause("3.4.2.2")
def test_the_first_answer_of_the_department_stops_its_clock_and_only_its_own_counts(make):
    ticket = make.ticket(TicketStage.DISPATCHED)

    def answer(username):
        with transaction():
            handling.feed_back(
                ticket,
                version=ticket.version,
                action_taken="已看现场",
                action_needed="等材料",
                next_on=clock.today() + timedelta(days=2),
                actor=make.user(username),
            )

    for stranger in ("engineer", "lawyer", "seller"):
        with pytest.raises(NotPermitted):
            answer(stranger)
    assert timers.running(ticket.id, ClockKind.DEPT_FEEDBACK) is not None
    answer("handler")
    assert timers.running(ticket.id, ClockKind.DEPT_FEEDBACK) is None
    assert ticket.stage is TicketStage.HANDLING
    note = ticket.notes[-1]
    assert (note.kind, note.action_needed) == (NoteKind.FEEDBACK, "等材料")


@pytest.mark.clause("3.4.4")
def test_what_was_done_in_between_is_written_on_the_form(make, sign_in):
    ticket_id = make.ticket(TicketStage.HANDLING).id
    data = {
        "once": token(),
        "action_taken": "周三上门，业主不在",
        "action_needed": "周五再约",
        "next_on": "2026-12-04",
    }
    client = sign_in("handler")
    assert client.post(f"/tickets/{ticket_id}/follow-up", data=data).status_code == 302
    for page in (f"/tickets/{ticket_id}", f"/tickets/{ticket_id}/print"):
        text = client.get(page).get_data(as_text=True)
        assert "周三上门，业主不在" in text
        assert "周五再约" in text
        assert "2026-12-04" in text


@pytest.mark.clause("3.4.7")
def test_the_grade_is_raised_by_many_and_lowered_by_the_manager_alone(make):
    ticket = make.ticket(TicketStage.HANDLING)

    def grade(value, username):
        with transaction():
            handling.regrade(
                ticket,
                version=ticket.version,
                grade=value,
                reason="群诉",
                actor=make.user(username),
            )

    grade(Grade.IMPORTANT, "clerk")
    assert ticket.grade is Grade.IMPORTANT
    for username in ("clerk", "office", "deputy_gm", "gm"):
        with pytest.raises(NotPermitted, match="客户服务部经理"):
            grade(Grade.GENERAL, username)
    with pytest.raises(Invalid, match="没有变化"):
        grade(Grade.IMPORTANT, "manager")
    grade(Grade.GENERAL, "manager")
    assert ticket.grade is Grade.GENERAL
    grade(Grade.MAJOR, "gm")
    changes = [line.facts["changed"]["grade"] for line in journal.story("ticket", ticket.id)[-3:]]
    assert changes == [["general", "important"], ["important", "general"], ["general", "major"]]


def answer(make, ticket, satisfaction, *, username="manager", opinion="", reached=True):
    with transaction():
        return call_back(
            ticket,
            version=ticket.version,
            reached=reached,
            satisfaction=satisfaction,
            opinion=opinion,
            actor=make.user(username),
        )


@pytest.mark.clause("3.5.4")
@pytest.mark.parametrize(
    ("satisfaction", "stage"),
    [
        (Satisfaction.VERY_SATISFIED, TicketStage.CLOSED),
        (Satisfaction.SATISFIED, TicketStage.CLOSED),
        (Satisfaction.NEUTRAL, TicketStage.CLOSED),
        (Satisfaction.DISSATISFIED, TicketStage.HANDLING),
    ],
)
def test_the_customers_answer_decides_whether_the_ticket_closes(make, satisfaction, stage):
    ticket = answer(make, make.ticket(TicketStage.CALLBACK), satisfaction, opinion="他的话")
    assert (ticket.stage, ticket.is_open) == (stage, stage.is_open)
    assert ticket.rework_count == (satisfaction is Satisfaction.DISSATISFIED)
    assert ticket.customer_opinion == "他的话"
    flows = db.session.scalars(select(TicketFlow.flow).where(TicketFlow.ticket_id == ticket.id))
    assert list(flows) == [Flow.NEW] + [Flow.CLOSED] * (not stage.is_open)


@pytest.mark.clause("3.5.4")
def test_nobody_rates_his_own_work(make):
    ticket = dispatch(make, make.registered(), department="CS", handler="manager")
    with transaction():
        handling.feed_back(
            ticket,
            version=ticket.version,
            action_taken="已办",
            action_needed="",
            next_on=None,
            actor=make.user("manager"),
        )
        handling.resolve(
            ticket,
            version=ticket.version,
            resolution="已办",
            customer_opinion="",
            actor=make.user("office2"),
        )
    with pytest.raises(NotPermitted, match="不能回访自己处理的投诉"):
        answer(make, ticket, Satisfaction.SATISFIED, username="office2")
    with pytest.raises(NotPermitted, match="不能回访自己处理的投诉"):
        answer(make, ticket, Satisfaction.SATISFIED, username="manager")
    with transaction():
        make.user("manager").employee_number = make.user("office").employee_number = "E1"
    with pytest.raises(NotPermitted, match="不能回访自己处理的投诉"):
        answer(make, ticket, Satisfaction.SATISFIED, username="office")
    assert answer(make, ticket, Satisfaction.SATISFIED, username="clerk").closed_at


@pytest.mark.clause("3.5.4")
def test_a_customer_nobody_reaches_is_tried_three_times_on_two_days(make):
    ticket, start = make.ticket(TicketStage.CALLBACK), clock.now()

    def close(at):
        with clock.held(at), transaction():
            closing.close(
                ticket, version=ticket.version, reason="三次未接通", actor=make.user("office")
            )

    for minutes in (0, 1, 2):
        with clock.held(start + timedelta(minutes=minutes)):
            answer(make, ticket, None, reached=False)
            assert ticket.stage is TicketStage.CALLBACK
    if clock.local(start).date() == clock.local(start + timedelta(minutes=3)).date():
        with pytest.raises(Invalid, match="3 次"):
            close(start + timedelta(minutes=3))
    with clock.held(start + timedelta(days=1)):
        answer(make, ticket, None, reached=False)
    close(start + timedelta(days=1, minutes=1))
    assert ticket.stage is TicketStage.CLOSED
    assert ticket.satisfaction is None


@pytest.mark.clause("3.5.4")
def test_after_rework_the_vain_calls_of_the_round_before_do_not_count(make):
    ticket, start = make.ticket(TicketStage.CALLBACK), clock.now()
    for days in (0, 0, 1):
        with clock.held(start + timedelta(days=days)):
            answer(make, ticket, None, reached=False)
    answer(make, ticket, Satisfaction.DISSATISFIED, opinion="还漏")
    with transaction():
        handling.resolve(
            ticket,
            version=ticket.version,
            resolution="再修",
            customer_opinion="",
            actor=make.user("handler"),
        )
    with pytest.raises(Invalid), transaction():
        closing.close(ticket, version=ticket.version, reason="算了", actor=make.user("office"))


def test_a_closed_ticket_is_taken_up_again_and_stays_in_the_balance(make):
    ticket = make.ticket(TicketStage.CLOSED)
    with transaction():
        closing.reopen(
            ticket, version=ticket.version, reason="三天后又漏", actor=make.user("office")
        )
    assert (ticket.stage, ticket.is_open, ticket.closed_at) == (TicketStage.HANDLING, True, None)
    flows = db.session.scalars(
        select(TicketFlow.flow).where(TicketFlow.ticket_id == ticket.id).order_by(TicketFlow.id)
    ).all()
    assert flows == [Flow.NEW, Flow.CLOSED, Flow.REOPENED]
    assert sum(flow.sign for flow in flows) == 1


@pytest.mark.clause("2.2.2")
def test_a_merged_ticket_stays_readable_beside_the_one_that_took_it_over(make, sign_in):
    survivor, twin = make.ticket(TicketStage.HANDLING), make.registered(content="同一处漏水")
    ids = survivor.id, twin.id, survivor.number, twin.number
    data = {"into": ids[2].lower(), "reason": "同一件事", "version": twin.version, "once": token()}
    client = sign_in("office")
    assert client.get(f"/tickets/{ids[1]}/merge").status_code == 200
    assert client.post(f"/tickets/{ids[1]}/merge", data=data).status_code == 302
    assert ids[2] in client.get(f"/tickets/{ids[1]}").get_data(as_text=True)
    page = client.get(f"/tickets/{ids[0]}").get_data(as_text=True)
    assert ids[3] in page
    assert "同一处漏水" in page
    assert db.session.get_one(Ticket, ids[1]).stage is TicketStage.MERGED


@pytest.mark.parametrize("into", ["itself", "closed", "elsewhere", "nowhere"])
def test_a_ticket_is_merged_only_into_another_open_one_of_its_community(make, into):
    ticket = make.registered()
    target = {
        "itself": lambda: ticket.number,
        "closed": lambda: make.ticket(TicketStage.CLOSED).number,
        "elsewhere": lambda: make.registered("HT 1-1-0801").number,
        "nowhere": lambda: "YX-2020-00001",
    }[into]()
    with pytest.raises(Invalid), transaction():
        closing.merge(
            ticket,
            version=ticket.version,
            into=target,
            reason="同一件",
            actor=make.user("office"),
            scope=make.scope("office"),
        )


def test_a_repeated_call_is_counted_on_the_open_ticket_and_refused_on_a_closed_one(make):
    ticket = make.ticket(TicketStage.HANDLING)
    with transaction():
        join_call(ticket, content="又来电催问", actor=make.user("clerk"))
    assert ticket.again_count == 1
    assert ticket.notes[-1].kind is NoteKind.AGAIN
    closed = make.ticket(TicketStage.CLOSED)
    with pytest.raises(Conflict), transaction():
        join_call(closed, content="又来电", actor=make.user("clerk"))


def test_nothing_on_the_road_deletes_a_row(app):
    from ticketing.settings import ROOT

    for storey in ("casefile", "steps"):
        for path in (ROOT / "ticketing" / storey).rglob("*.py"):
            source = path.read_text(encoding="utf-8")
            assert "session.delete(" not in source, path
            files_aside = source.replace("_delete(", "").replace("store.delete(", "")
            assert "delete(" not in files_aside, path


@pytest.mark.clause("3.4.7")
def test_dispatching_cannot_lower_a_grade_behind_the_managers_back(make):
    ticket = make.registered()
    with transaction():
        handling.regrade(
            ticket,
            version=ticket.version,
            grade=Grade.MAJOR,
            reason="有人受伤",
            actor=make.user("clerk"),
        )
    for username in ("office", "manager"):
        with pytest.raises(Invalid, match="写明理由"):
            dispatch(make, ticket, actor=username, grade=Grade.GENERAL)
    assert dispatch(make, ticket, actor="office", grade=Grade.MAJOR).grade is Grade.MAJOR


def test_a_clerk_of_one_community_is_none_on_another_communitys_ticket_of_his_department(make):
    with transaction():
        people.set_roles(make.user("handler"), roles=[Role.HANDLER, Role.OFFICE], actor=None)
    ticket = make.ticket(TicketStage.CALLBACK, unit="LH 2-1-0302", actor="far_clerk")
    with pytest.raises(NotPermitted):
        closing.withdraw(
            ticket, version=ticket.version, reason="替客户撤回", actor=make.user("handler")
        )


def test_a_transfer_changes_somebody(make):
    ticket = make.ticket(TicketStage.DISPATCHED)
    with pytest.raises(Invalid, match="没有变化"), transaction():
        dispatching.transfer(
            ticket,
            version=ticket.version,
            category=ticket.category,
            department_id=ticket.department_id,
            handler_id=ticket.handler_id,
            reason="重新计时",
            actor=make.user("manager"),
        )


def test_what_was_shown_once_needs_no_second_look_when_another_comes_between(make, sign_in):
    clerk = sign_in("clerk")
    home = {"unit_id": make.world.units["YX 5-1-0101"], "caller_name": "刘洋", "relation": "owner"}
    entry = {**home, "channel": "phone", "received_at": "2026-11-20T09:05"}

    def save(content: str, seen: str, once: str):
        data = {**entry, "content": content, "seen": seen, "once": once}
        answer = clerk.post("/intake", data=data)
        shown = re.search(r'name="seen"[^>]*value="([^"]*)"', answer.get_data(as_text=True))
        return answer.status_code, shown[1] if shown else ""

    assert save("第一件事", "", "a") == (302, "")
    status, seen = save("第二件事", "", "b")
    assert (status, seen) == (409, "1")
    assert save("别人登记的事", "1", "c") == (302, "")
    status, seen = save("第二件事", seen, "b")
    assert (status, seen) == (409, "1,2")
    assert save("第二件事", seen, "b") == (302, "")


def test_a_page_brought_back_and_filled_in_anew_is_not_taken_for_a_repetition(make, sign_in):
    clerk = sign_in("clerk")
    entry = {
        "once": "one-token",
        "unit_id": make.world.units["YX 5-1-0101"],
        "caller_name": "刘洋",
        "channel": "phone",
        "relation": "owner",
        "received_at": "2026-11-20T09:05",
    }
    assert clerk.post("/intake", data={**entry, "content": "第一件事"}).status_code == 302
    assert (
        clerk.post("/intake", data={**entry, "content": "第一件事", "seen": "1"}).status_code == 302
    )
    answer = clerk.post("/intake", data={**entry, "content": "第二件事", "seen": "1,2,3"})
    assert answer.status_code == 409
    page = answer.get_data(as_text=True)
    assert "第二件事" in page
    assert "先前已经保存过" in page
    assert 'value="one-token"' not in page
