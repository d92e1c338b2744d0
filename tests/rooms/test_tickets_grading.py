"""Grades on save and by night: raised by rules, lowered by people, the leaders told at once and only once."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from tests.pages.helpers import token
from ticketing.casefile.notices.models import Notice, NoticeKind
from ticketing.casefile.tickets import grading
from ticketing.casefile.tickets.commands import evaluate_open
from ticketing.casefile.tickets.models import GradeProposal, Overruling, Ticket
from ticketing.casefile.timers.models import Clock, ClockState
from ticketing.journal import queries as journal
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.kernel.errors import Conflict, Invalid, NotPermitted
from ticketing.masters.estate import commands as estate
from ticketing.masters.estate.models import Community
from ticketing.masters.people import commands as people
from ticketing.procedure.deadlines import ClockKind
from ticketing.procedure.vocabulary import Category, Grade, Mark, Role, Satisfaction, TicketStage
from ticketing.steps.callback.commands import call_back
from ticketing.steps.closing import commands as closing
from ticketing.steps.dispatch import commands as dispatching
from ticketing.steps.handling import commands as handling
from ticketing.steps.intake import commands as intake

pytestmark = pytest.mark.clause("3.4.7")


def homes(make, count, *, code="YX"):
    """So many further homes of a community."""
    community = db.session.get_one(Community, make.world.communities[code])
    labels = []
    with transaction():
        for n in range(count):
            unit = estate.add_unit(
                community, building="9栋", stair="1单元", room=f"{n + 1:02d}01", actor=None
            )
            labels.append(f"{code} {unit.label}")
            make.world.units[labels[-1]] = unit.id
    return labels


def dispatched(make, unit="YX 3-1-1202", *, days=0, **facts):
    """A ticket received `days` ago and dispatched now."""
    received = clock.now() - timedelta(days=days)
    return make.ticket(TicketStage.DISPATCHED, unit, received_at=received, **facts)


def clocks(ticket):
    return db.session.execute(
        select(Clock.state, Clock.round, Clock.stopped_at)
        .where(Clock.ticket_id == ticket.id, Clock.kind == ClockKind.ESCALATION)
        .order_by(Clock.id)
    ).all()


def told(ticket, kind=NoticeKind.MAJOR, *, event="major:"):
    rows = db.session.scalars(
        select(Notice).where(
            Notice.kind == kind,
            Notice.path == f"/tickets/{ticket.id}",
            Notice.event.startswith(event),
        )
    ).all()
    return {row.user.username: row for row in rows}


def night(days=0):
    """The night's run so many days from now."""
    with transaction():
        return evaluate_open(clock.now() + timedelta(days=days))


def regrade(make, ticket, grade, username, reason="核实", **more):
    with transaction():
        return handling.regrade(
            ticket,
            version=ticket.version,
            grade=grade,
            reason=reason,
            actor=make.user(username),
            **more,
        )


def last(ticket):
    return journal.story("ticket", ticket.id)[-1]


def test_the_second_complaint_of_a_home_about_the_same_is_important(make):
    first = dispatched(make, content="卫生间漏水。")
    assert first.grade is Grade.GENERAL
    assert first.cause == "ENG:leak"
    other = dispatched(make, content="客厅墙砖空鼓。")
    assert other.grade is Grade.GENERAL
    again = dispatched(make, content="阳台渗水。")
    assert again.grade is Grade.IMPORTANT
    entry, facts = last(again)
    assert (entry.actor_id, entry.actor_name, entry.act) == (None, "系统", "regrade")
    assert facts["reason"] == "系统判定为重要：同一住户 90 天内同类问题 2 次。"
    assert facts["changed"]["grade"] == ["general", "important"]


@pytest.mark.parametrize(("days", "grade"), [(90, Grade.IMPORTANT), (91, Grade.GENERAL)])
def test_a_complaint_of_the_home_counts_for_ninety_days(make, days, grade):
    dispatched(make, days=days)
    assert dispatched(make).grade is grade


def test_other_words_and_another_category_are_another_cause(make):
    ticket = dispatched(make)
    assert ticket.cause == "ENG:leak"
    with transaction():
        entry = make.entry(ticket, "clerk", content="客厅墙面裂缝。")
        intake.amend(ticket, reason="听错了", **entry)
    assert ticket.cause == "ENG:crack"
    with transaction():
        dispatching.transfer(
            ticket,
            version=ticket.version,
            category=Category.PROPERTY,
            department_id=make.world.departments["ENG"],
            handler_id=None,
            reason="归口",
            actor=make.user("office"),
        )
    assert ticket.cause == "PM:crack"


def test_what_was_invalid_withdrawn_or_merged_does_not_count(make):
    for stage in (TicketStage.INVALID, TicketStage.WITHDRAWN):
        make.ticket(stage)
    assert dispatched(make).grade is Grade.GENERAL


def test_three_homes_are_important_and_five_are_major(make):
    grades = [dispatched(make, home).grade.value for home in homes(make, 5)]
    assert grades == ["general", "general", "important", "important", "major"]


@pytest.mark.parametrize(("days", "grade"), [(30, Grade.MAJOR), (31, Grade.GENERAL)])
def test_the_homes_of_a_community_count_for_thirty_days(make, days, grade):
    labels = homes(make, 5)
    for home in labels[:4]:
        dispatched(make, home, days=days)
    assert dispatched(make, labels[4]).grade is grade


def test_homes_of_another_community_do_not_count(make):
    for home in homes(make, 4):
        dispatched(make, home)
    assert dispatched(make, "HT 1-1-0801").grade is Grade.GENERAL


def test_five_complaints_of_one_home_are_not_five_homes(make):
    for _ in range(5):
        ticket = dispatched(make)
    assert ticket.grade is Grade.IMPORTANT


@pytest.mark.parametrize("mark", Mark)
def test_a_mark_set_at_the_call_makes_it_major_and_the_leaders_know_at_once(make, mark):
    ticket = make.registered(marks=[mark], actor="clerk")
    assert ticket.grade is Grade.MAJOR
    assert ticket.marks == {mark}
    assert set(told(ticket)) == {"gm", "deputy_gm", "manager", "office", "office2"}
    notice = told(ticket)["gm"]
    assert notice.urgent
    assert notice.event == f"major:{ticket.id}:1"
    assert ticket.number in notice.title
    assert "系统判定为重大" in notice.body
    assert [row.state for row in clocks(ticket)] == [ClockState.RUNNING]


@pytest.mark.parametrize(
    ("fen", "grade"),
    [
        (499_999, Grade.GENERAL),
        (500_000, Grade.IMPORTANT),
        (1_999_999, Grade.IMPORTANT),
        (2_000_000, Grade.MAJOR),
        (999_999_999_999, Grade.MAJOR),
    ],
)
def test_the_claim_decides_the_grade_to_the_fen(make, fen, grade):
    ticket = make.registered(claim_fen=fen)
    assert ticket.grade is grade
    db.session.refresh(ticket)
    assert ticket.claim_fen == fen


def test_marks_and_claim_may_be_set_at_dispatch_and_when_regrading(make):
    ticket = make.registered()
    with transaction():
        dispatching.dispatch(
            ticket,
            version=ticket.version,
            category=Category.ENGINEERING,
            grade=Grade.GENERAL,
            department_id=make.world.departments["PM"],
            handler_id=None,
            assisting_ids=[],
            instruction="",
            claim_fen=600_000,
            actor=make.user("office"),
        )
    assert ticket.grade is Grade.IMPORTANT
    regrade(make, ticket, Grade.IMPORTANT, "clerk", marks=[Mark.MEDIA])
    assert ticket.grade is Grade.MAJOR
    changed = [facts.get("changed", {}) for _entry, facts in journal.story("ticket", ticket.id)]
    assert {"mark_media": [False, True]} in changed


@pytest.mark.clause("3.4.7")
def test_managers_and_the_office_are_told_when_a_complaint_becomes_important(make):
    def heard(ticket):
        rows = db.session.scalars(
            select(Notice).where(
                Notice.kind == NoticeKind.IMPORTANT, Notice.path == f"/tickets/{ticket.id}"
            )
        ).all()
        return [(row.user.username, row) for row in sorted(rows, key=lambda row: row.user.username)]

    ticket = make.registered(claim_fen=600_000, actor="clerk")
    manager = dict(heard(ticket))["manager"]
    assert [name for name, _ in heard(ticket)] == ["manager", "office", "office2"]
    assert manager.title == f"重要投诉 {ticket.number}"
    assert "系统判定为重要" in manager.body
    assert not manager.urgent
    plain = make.registered("YX 5-1-0101")
    regrade(make, plain, Grade.IMPORTANT, "manager", reason="客户情绪激动")
    assert [name for name, _ in heard(plain)] == ["office", "office2"], "not of his own act"
    assert "客户情绪激动" in heard(plain)[0][1].body
    talk(make, plain, no_agreement=False, username="clerk")
    regrade(make, plain, Grade.GENERAL, "manager", reason="已谈妥")
    assert len(heard(plain)) == 2, "once for each time it becomes so"
    regrade(make, plain, Grade.MAJOR, "clerk", marks=[Mark.MEDIA])
    regrade(make, plain, Grade.IMPORTANT, "manager", reason="媒体已撤稿")
    with transaction():
        handling.settle_grade(
            plain, agreed=True, reason="", version=plain.version, actor=make.user("gm")
        )
    assert plain.grade is Grade.IMPORTANT
    assert len(heard(plain)) == 2, "who was told of a major one needs no word of its lowering"


def talk(make, ticket, *, no_agreement=True, username="handler"):
    with transaction():
        return handling.follow_up(
            ticket,
            action_taken="当面协商赔偿",
            action_needed="",
            next_on=None,
            no_agreement=no_agreement,
            actor=make.user(username),
        )


def test_the_third_talk_without_agreement_is_important(make):
    ticket = dispatched(make)
    for _ in range(3):
        talk(make, ticket, no_agreement=False)
    assert (ticket.talk_count, ticket.version) == (0, 2), "plain follow-ups touch nobody's work"
    talk(make, ticket)
    talk(make, ticket, username="clerk")
    assert (ticket.talk_count, ticket.grade) == (2, Grade.GENERAL)
    talk(make, ticket)
    assert (ticket.talk_count, ticket.grade) == (3, Grade.IMPORTANT)
    entry, facts = last(ticket)
    assert (entry.actor_name, entry.act, facts["rules"]) == ("系统", "regrade", ["talks_3"])
    assert facts["reason"] == "系统判定为重要：与客户协商 3 次未达成一致。"


def test_talks_counted_before_the_rule_are_found_by_night_and_one_more_undoes_a_lowering(make):
    ticket = dispatched(make)
    with transaction():
        ticket.talk_count = 3
    assert night() == 1
    assert ticket.grade is Grade.IMPORTANT
    regrade(make, ticket, Grade.GENERAL, "manager", reason="已与客户谈妥")
    assert (night(), ticket.grade) == (0, Grade.GENERAL)
    talk(make, ticket)
    assert ticket.grade is Grade.IMPORTANT


def test_the_page_of_a_follow_up_counts_a_talk_and_the_story_says_which_one_it_was(make, sign_in):
    ticket = dispatched(make)
    number = ticket.id
    client = sign_in("handler")
    form = client.get(f"/tickets/{number}/follow-up").get_data(as_text=True)
    assert "与客户协商，未达成一致" in form
    assert form.count('name="once"') == 1, (
        "what nobody types stands in the page once, without a label"
    )
    for ticked in ({}, {"no_agreement": "y"}, {"no_agreement": "y"}):
        typed = {"once": token(), "action_taken": "电话协商", **ticked}
        assert client.post(f"/tickets/{number}/follow-up", data=typed).status_code == 302
    page = client.get(f"/tickets/{number}").get_data(as_text=True)
    assert page.count("与客户协商，未达成一致（第 ") == 2
    assert "与客户协商，未达成一致（第 2 次）" in page
    assert "<dt>协商未果</dt><dd>2 次</dd>" in page


def test_a_major_complaint_does_not_end_by_being_merged_into_a_lesser_one(make):
    survivor, major = dispatched(make, "YX 5-1-0101"), make.registered(marks=[Mark.MEDIA])
    talk(make, major, username="clerk")
    with transaction():
        closing.merge(
            major,
            version=major.version,
            into=survivor.number,
            reason="同一件",
            actor=make.user("office"),
            scope=make.scope("office"),
        )
    assert (survivor.grade, survivor.talk_count) == (Grade.MAJOR, 1)
    assert {"gm", "deputy_gm", "manager"} <= set(told(survivor))
    assert [row.state for row in clocks(survivor)] == [ClockState.RUNNING]
    assert [row.state for row in clocks(major)] == [ClockState.CANCELLED]


def test_the_third_rework_is_major(make):
    ticket = make.ticket(TicketStage.CALLBACK)
    for n in range(3):
        with transaction():
            call_back(
                ticket,
                version=ticket.version,
                reached=True,
                satisfaction=Satisfaction.DISSATISFIED,
                opinion="又漏了",
                actor=make.user("clerk"),
            )
        assert ticket.grade is (Grade.MAJOR if n == 2 else Grade.GENERAL)
        if n < 2:
            with transaction():
                handling.resolve(
                    ticket,
                    version=ticket.version,
                    resolution="再修",
                    customer_opinion="",
                    actor=make.user("handler"),
                )
    assert "返工 3 次" in last(ticket).facts["reason"]
    assert set(told(ticket, NoticeKind.RETURNED, event="call_back")) == {"handler"}


def test_one_act_that_raises_is_one_version(make):
    ticket = make.registered()
    version = ticket.version
    regrade(make, ticket, Grade.GENERAL, "clerk", marks=[Mark.SAFETY])
    assert ticket.version == version + 1


def test_the_night_raises_what_is_overdue_or_old_and_is_silent_the_next_night(make):
    ticket = dispatched(make)
    before = (ticket.complaint_due_on - clock.today()).days
    assert night(before + 6) == 0
    assert night(before + 7) == 1
    db.session.refresh(ticket)
    assert ticket.grade is Grade.IMPORTANT
    assert night(before + 7) == 0
    assert night(30) == 0
    assert night(31) == 1
    db.session.refresh(ticket)
    assert ticket.grade is Grade.MAJOR
    assert last(ticket).entry.actor_id is None
    assert "31 天未结" in last(ticket).facts["reason"]
    assert len(told(ticket)) == 5
    assert len(clocks(ticket)) == 1
    assert night(200) == 0
    assert len(told(ticket)) == 5


def test_the_night_raises_the_neighbours_of_the_fifth_home(make):
    tickets = [dispatched(make, home) for home in homes(make, 5)]
    assert night() == 4
    for ticket in tickets:
        db.session.refresh(ticket)
        assert ticket.grade is Grade.MAJOR
        assert "5 户同类问题" in last(ticket).facts["reason"]


def test_the_night_and_the_saving_find_the_same(make):
    """What an act would have found, the night finds too: both count by the same rules."""
    labels = homes(make, 3)
    for home in (*labels, labels[0]):
        dispatched(make, home)
    at_night = {one.ticket_id: {f.rule.id for f in one.findings} for one in grading.too_low()}
    for ticket in db.session.scalars(select(Ticket)):
        found = {one.rule.id for one in grading.judge(grading.facts_of(ticket))}
        if ticket.id in at_night:
            assert found == at_night[ticket.id]


def test_the_night_leaves_what_has_ended_alone(make):
    for stage in (TicketStage.CLOSED, TicketStage.WITHDRAWN, TicketStage.INVALID):
        make.ticket(stage)
    assert night(365) == 0


def test_the_night_costs_the_same_statements_for_few_and_many(make):
    from tests.pages.helpers import recorded

    def cost():
        with recorded(db.engine) as recorder:
            assert list(grading.too_low()) == []
        return len(recorder.statements)

    make.ticket(TicketStage.DISPATCHED)
    few = cost()
    for home in homes(make, 2):
        make.ticket(TicketStage.REGISTERED, home)
    assert cost() == few == 4


def test_lowering_is_the_managers_and_the_rule_stays_silent_on_the_same_facts(make):
    labels = homes(make, 4)
    tickets = [dispatched(make, home) for home in labels[:3]]
    ticket = tickets[2]
    assert ticket.grade is Grade.IMPORTANT
    for username in ("clerk", "office", "gm"):
        with pytest.raises(NotPermitted, match="客户服务部经理"):
            regrade(make, ticket, Grade.GENERAL, username)
    regrade(make, ticket, Grade.GENERAL, "manager", reason="三户原因不同")
    night()
    db.session.refresh(ticket)
    assert ticket.grade is Grade.GENERAL
    dispatched(make, labels[3])
    night()
    db.session.refresh(ticket)
    assert ticket.grade is Grade.IMPORTANT
    assert "4 户" in last(ticket).facts["reason"]


def test_a_mark_set_anew_counts_again_after_it_was_set_aside(make):
    ticket = make.registered(marks=[Mark.LEGAL])
    unmark(make, ticket, marks=[])
    assert ticket.grade is Grade.GENERAL
    assert night() == 0
    regrade(make, ticket, Grade.GENERAL, "clerk", marks=[Mark.LEGAL])
    assert ticket.grade is Grade.MAJOR


def unmark(make, ticket, *, second="deputy_gm", **more):
    regrade(make, ticket, Grade.GENERAL, "manager", reason="核实不成立", **more)
    return settle(make, ticket, second)


def settle(make, ticket, username, *, agreed=True, reason=""):
    with transaction():
        return handling.settle_grade(
            ticket,
            version=ticket.version,
            agreed=agreed,
            reason=reason,
            actor=make.user(username),
        )


def second_manager(make):
    with transaction():
        make.world.users["manager2"] = people.create_user(
            username="manager2",
            name="钱敏",
            password="correct-horse-9",
            employee_number="E9",
            department_id=make.world.departments["CS"],
            roles=[Role.CS_MANAGER],
            actor=None,
        ).id


def test_a_major_complaint_stays_major_until_a_second_person_agrees(make):
    second_manager(make)
    for second in ("gm", "deputy_gm", "manager2"):
        ticket = make.registered(marks=[Mark.LEGAL])
        regrade(make, ticket, Grade.GENERAL, "manager", reason="函件与本司无关")
        assert ticket.grade is Grade.MAJOR
        assert set(told(ticket, event="lowering:")) == {"gm", "deputy_gm", "manager2"}
        with pytest.raises(Conflict, match="等待确认"):
            regrade(make, ticket, Grade.IMPORTANT, "manager")
        with pytest.raises(NotPermitted, match="另一人"):
            settle(make, ticket, "manager")
        with pytest.raises(NotPermitted):
            settle(make, ticket, "office")
        settle(make, ticket, second)
        assert ticket.grade is Grade.GENERAL
        assert [row.state for row in clocks(ticket)] == [ClockState.CANCELLED]
        assert night() == 0
        assert db.session.scalar(select(func.count(Overruling.id))) >= 1


def test_the_same_person_under_another_account_is_no_second_person(make):
    second_manager(make)
    with transaction():
        make.user("manager").employee_number = "E9"
    ticket = make.registered(marks=[Mark.LEGAL])
    regrade(make, ticket, Grade.GENERAL, "manager")
    with pytest.raises(NotPermitted, match="另一人"):
        settle(make, ticket, "manager2")


def test_a_refused_lowering_needs_a_reason_and_leaves_it_major(make):
    ticket = make.registered(marks=[Mark.MEDIA])
    regrade(make, ticket, Grade.GENERAL, "manager")
    with pytest.raises(Invalid, match="理由"):
        settle(make, ticket, "gm", agreed=False)
    settle(make, ticket, "gm", agreed=False, reason="记者仍在跟进")
    assert ticket.grade is Grade.MAJOR
    proposal = db.session.scalars(select(GradeProposal)).one()
    assert proposal.agreed is False
    regrade(make, ticket, Grade.IMPORTANT, "manager", reason="记者已撤稿")
    settle(make, ticket, "deputy_gm")
    assert ticket.grade is Grade.IMPORTANT


def test_major_a_second_time_is_told_a_second_time_and_asks_for_its_papers_anew(make):
    ticket = make.registered(marks=[Mark.LEGAL])
    with transaction():
        ticket.directed_at = ticket.minuted_at = clock.now()
    unmark(make, ticket)
    regrade(make, ticket, Grade.MAJOR, "deputy_gm", reason="对方已起诉")
    assert set(told(ticket, event=f"major:{ticket.id}:2")) == {
        "gm",
        "manager",
        "office",
        "office2",
    }
    assert "对方已起诉" in told(ticket, event=f"major:{ticket.id}:2")["gm"].body
    assert [(row.state, row.round) for row in clocks(ticket)] == [
        (ClockState.CANCELLED, 1),
        (ClockState.RUNNING, 2),
    ]
    assert ticket.directed_at is ticket.minuted_at is None


def test_nothing_of_it_stays_when_the_act_is_refused(make):
    ticket = make.registered()
    with pytest.raises(Conflict), transaction():
        handling.regrade(
            ticket,
            version=ticket.version + 1,
            grade=Grade.MAJOR,
            reason="重",
            actor=make.user("office"),
        )
    assert told(ticket) == {}
    assert clocks(ticket) == []


def test_each_is_told_of_what_concerns_him_and_nobody_of_his_own_act(make):
    ticket = dispatched(make)
    assert set(told(ticket, NoticeKind.ASSIGNED, event="dispatch")) == {"handler"}
    with transaction():
        dispatching.ask_assistance(
            ticket,
            version=ticket.version,
            department_id=make.world.departments["LAW"],
            question="请审",
            actor=make.user("office"),
        )
    assert set(told(ticket, NoticeKind.ASSISTANCE, event="ask_assistance")) == {"lawyer"}
    with transaction():
        handling.assist(ticket, reply="可以", actor=make.user("lawyer"))
    assert set(told(ticket, NoticeKind.ASSISTANCE, event="assist")) == {"office"}
    with transaction():
        dispatching.send_back(
            ticket, version=ticket.version, reason="不属本部门", actor=make.user("handler")
        )
    assert set(told(ticket, NoticeKind.RETURNED, event="return")) == {"office", "office2"}
    done = make.ticket(TicketStage.CLOSED)
    with transaction():
        closing.reopen(done, version=done.version, reason="又漏", actor=make.user("office"))
    assert set(told(done, NoticeKind.RETURNED, event="reopen")) == {"handler"}
    own = make.registered(marks=[Mark.SAFETY], actor="office")
    assert "office" not in told(own)
    far = make.registered("LH 2-1-0302", marks=[Mark.SAFETY], actor="far_clerk")
    assert set(told(far)) == {"gm", "deputy_gm", "manager"}
