"""Every (state, act, role) of a ticket: the allowed ones work, all others are refused and leave no trace.

The acts by which a survey and its orders move a ticket have tables of their own, beside those papers.

The table below is written by hand from the access matrix and the workflow; it does not ask the code.
"""

from datetime import date
from typing import Any

import pytest

from tests.pages.helpers import (
    GAPS,
    MEETING,
    PATHS,
    SPECIAL,
    WORDS,
    a_ticket_in_each_stage,
    form_for,
    made_major,
    one_of_each_role,
    ready_for_everything,
    recorded,
    state_of_the_file,
    token,
    working_day_after_a_fortnight,
)
from ticketing.casefile.tickets.models import Ticket
from ticketing.casefile.timers.models import ConsentWay
from ticketing.journal import queries as journal
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import Conflict, NotPermitted
from ticketing.masters.people.scope import scope_of
from ticketing.oversight.escalation import commands as escalation
from ticketing.procedure.permissions import Act
from ticketing.procedure.vocabulary import (
    Category,
    Channel,
    Grade,
    Mark,
    Role,
    Satisfaction,
    SpecialStage,
    TicketStage,
)
from ticketing.steps.callback.commands import call_back
from ticketing.steps.closing import commands as closing
from ticketing.steps.dispatch import commands as dispatch
from ticketing.steps.handling import commands as handling
from ticketing.steps.intake import commands as intake

STAGES = dict(zip("RDHSPBCIWM", TicketStage, strict=True))
LAST_THREE = tuple(TicketStage)[7:]
ROLES = {
    "CL": Role.CLERK,
    "OF": Role.OFFICE,
    "DH": Role.HANDLER,
    "CR": Role.CAPTAIN,
    "EN": Role.ENGINEER,
    "CM": Role.CS_MANAGER,
    "AU": Role.AUDITOR,
    "CE": Role.DEPUTY_CHIEF_ENGINEER,
    "DG": Role.DEPUTY_GM,
    "GM": Role.GENERAL_MANAGER,
    "FI": Role.FINANCE,
    "AD": Role.ADMIN,
    "RO": Role.READER,
    "CA": Role.CASHIER,
}
# act: in which states, by which roles, into which state (. stays)
TABLE = {
    Act.CORRECT: ("R", "CL OF CM", "."),
    Act.AMEND: ("DHSPB", "CL OF CM", "."),
    Act.DISPATCH: ("R", "OF CM", "D"),
    Act.TRANSFER: ("DH", "OF CM", "D"),
    Act.RETURN: ("D", "DH EN", "R"),
    Act.FEED_BACK: ("D", "DH EN CM", "H"),
    Act.FOLLOW_UP: ("RDHSPB", "CL OF DH EN CM", "."),
    Act.ASK_ASSISTANCE: ("DHSP", "OF CM", "."),
    Act.ASSIST: ("RDHSPB", "CL OF DH EN CM", "."),
    Act.REGRADE: ("RDHSPB", "CL OF CM DG GM", "."),
    Act.SETTLE_GRADE: ("RDHSPB", "CM DG GM", "."),
    Act.DIRECT: ("RDHSPB", "DG GM", "."),
    Act.MINUTE: ("RDHSPB", "OF CM", "."),
    Act.DRAFT_SPECIAL: ("RDHSPBC", "CM", "."),
    Act.SUBMIT_SPECIAL: ("RDHSPBC", "CM", "."),
    Act.INSTRUCT: ("RDHSPBC", "GM", "."),
    Act.EXTEND: ("RDH", "OF CM", "."),
    Act.RESOLVE: ("H", "OF DH EN CM", "B"),
    Act.CALL_BACK: ("B", "CL OF CM", "C"),
    Act.CLOSE: ("B", "OF CM", "C"),
    Act.REOPEN: ("C", "OF CM", "H"),
    Act.INVALIDATE: ("RDHSP", "CM", "I"),
    Act.WITHDRAW: ("RDHSPB", "CL OF CM", "W"),
    Act.MERGE: ("RDH", "OF CM", "M"),
}


def allowed(stage: TicketStage, act: Act, role: Role) -> bool:
    return stage in {STAGES[s] for s in TABLE[act][0]} and may_ever(act, role)


def may_ever(act: Act, role: Role) -> bool:
    return role in {ROLES[r] for r in TABLE[act][1].split()}


def after(stage: TicketStage, act: Act) -> TicketStage:
    target = TABLE[act][2]
    return stage if target == "." else STAGES[target]


def do(act: Act, ticket: Ticket, actor: Any, make: Any, survivor: str) -> None:
    """Carry `act` out at the command, with acceptable facts."""
    departments, common = make.world.departments, {"version": ticket.version, "actor": actor}
    entry = {
        "unit_id": ticket.unit_id,
        "customer_id": None,
        "place": ticket.room,
        "caller_name": "王国强",
        "caller_phone": "13800001202",
        "channel": Channel.PHONE,
        "collected_by_id": None,
        "summary": "",
        "content": "漏水。",
        "action_taken": "",
        "action_needed": "",
        "scope": scope_of(actor),
    }
    match act:
        case Act.CORRECT:
            intake.correct(ticket, received_at=ticket.received_at, **common, **entry)
        case Act.AMEND:
            intake.amend(ticket, reason="电话有误", **common, **entry)
        case Act.DISPATCH:
            dispatch.dispatch(
                ticket,
                category=Category.ENGINEERING,
                grade=ticket.grade,
                department_id=departments["PM"],
                handler_id=None,
                assisting_ids=[],
                instruction="",
                **common,
            )
        case Act.TRANSFER:
            dispatch.transfer(
                ticket,
                category=Category.PROPERTY,
                department_id=departments["ENG"],
                handler_id=None,
                reason="归工程部",
                **common,
            )
        case Act.RETURN:
            dispatch.send_back(ticket, reason="不属本部门", **common)
        case Act.ASK_ASSISTANCE:
            dispatch.ask_assistance(
                ticket, department_id=departments["LAW"], question="请审合同", **common
            )
        case Act.FEED_BACK:
            handling.feed_back(
                ticket, action_taken="已联系", action_needed="", next_on=None, **common
            )
        case Act.FOLLOW_UP:
            handling.follow_up(
                ticket,
                action_taken="已联系",
                action_needed="再看",
                next_on=date(2026, 12, 1),
                actor=actor,
            )
        case Act.ASSIST:
            handling.assist(ticket, reply="可以", actor=actor)
        case Act.REGRADE:
            handling.regrade(
                ticket, grade=Grade.MAJOR, marks=[Mark.LEGAL], reason="律师函", **common
            )
        case Act.SETTLE_GRADE:
            handling.settle_grade(ticket, agreed=True, reason="", **common)
        case Act.DIRECT:
            escalation.direct(
                ticket,
                text="立即停用，三日内更换。",
                department_ids=[departments["ENG"]],
                due_on=None,
                also=[],
                scope=scope_of(actor),
                **common,
            )
        case Act.MINUTE:
            words = {name: MEETING[name] for name in WORDS} | dict.fromkeys(GAPS, "")
            escalation.minute(
                ticket,
                **common | words | {"held_at": clock.now()},
                meeting=None,
                assignments=[{"matter": "整栋复查", "person": "吴工"}],
                next_on=None,
                also=[],
                scope=scope_of(actor),
            )
        case Act.DRAFT_SPECIAL:
            escalation.draft_special(ticket, options="", attachments="", **SPECIAL, **common)
        case Act.SUBMIT_SPECIAL:
            escalation.submit_special(ticket, **common)
        case Act.INSTRUCT:
            escalation.instruct(ticket, instruction="同意方案二。", **common)
        case Act.EXTEND:
            handling.extend(
                ticket,
                due_on=working_day_after_a_fortnight(),
                reason="须订制材料",
                consent_by="王国强",
                consent_at=clock.now(),
                consent_way=ConsentWay.RECORDING,
                evidence="录音 8",
                **common,
            )
        case Act.RESOLVE:
            handling.resolve(ticket, resolution="修好了", customer_opinion="", **common)
        case Act.CALL_BACK:
            call_back(
                ticket, reached=True, satisfaction=Satisfaction.SATISFIED, opinion="", **common
            )
        case Act.MERGE:
            closing.merge(ticket, into=survivor, reason="同一件", scope=scope_of(actor), **common)
        case _:
            getattr(closing, act.value)(ticket, reason="写明理由", **common)


def major_in_each_stage(make: Any, special: SpecialStage) -> dict[TicketStage, int]:
    """A major ticket in each stage with everything the guards ask for, its report so far advanced."""
    tickets = a_ticket_in_each_stage(make)
    for ticket in tickets.values():
        made_major(make, ticket, special)
    return {stage: ticket.id for stage, ticket in tickets.items()}


@pytest.mark.clause("3.4.2")
@pytest.mark.clause("2.2.2")
@pytest.mark.clause("2.1.2")
@pytest.mark.clause("3.10.5")
@pytest.mark.clause("3.10.6")
def test_every_command_obeys_the_table_of_state_act_and_role(make):
    """Every triple on SQLite; on PostgreSQL whatever is allowed, and one refusal for each act and role."""
    names = one_of_each_role(make)
    tickets = major_in_each_stage(make, SpecialStage.DRAFTED)
    reported = major_in_each_stage(make, SpecialStage.SUBMITTED)
    survivor = make.registered().number
    before = state_of_the_file()
    db.session.commit()
    wrong, tried, worked = [], 0, 0
    once, refused = db.engine.dialect.name == "postgresql", set()
    with recorded(db.engine) as recorder:
        for role, name in names.items():
            for act in TABLE:
                for stage, ticket_id in (reported if act is Act.INSTRUCT else tickets).items():
                    if not allowed(stage, act, role):
                        if once and (act, role) in refused:
                            continue
                        refused.add((act, role))
                    tried += 1
                    actor, ticket = make.user(name), db.session.get_one(Ticket, ticket_id)
                    recorder.statements.clear()
                    try:
                        do(act, ticket, actor, make, survivor)
                        outcome: Any = ticket.stage
                    except (NotPermitted, Conflict) as error:
                        outcome = error.status
                        if recorder.writes or db.session.new or db.session.dirty:
                            wrong.append((stage, act, role, "left a trace"))
                    if allowed(stage, act, role):
                        expected: Any = after(stage, act)
                        worked += 1
                        if not any("journal_entry" in one for one in recorder.writes):
                            wrong.append((stage, act, role, "was not journalled"))
                    else:
                        expected = 409 if may_ever(act, role) else 403
                    if outcome != expected:
                        wrong.append((stage, act, role, outcome, "instead of", expected))
                    db.session.rollback()
    assert wrong == []
    assert (tried, worked) == (14 * 24 + 236 if once else 14 * 24 * 10, 236)
    assert state_of_the_file() == before


def test_only_the_desk_enters_a_ticket_on_the_road(make):
    names = one_of_each_role(make)
    for role, name in names.items():
        if role in (Role.CLERK, Role.OFFICE, Role.CS_MANAGER):
            assert make.registered(actor=name).stage is TicketStage.REGISTERED
        else:
            before = state_of_the_file()
            with pytest.raises(Exception) as refused:
                make.registered(actor=name)
            assert getattr(refused.value, "status", 0) in (403, 404)
            assert state_of_the_file() == before


@pytest.mark.parametrize("part", ["RDHSPB", "CIWM"])
def test_every_page_refuses_what_the_table_does_not_allow(app, make, sign_in, part):
    names = one_of_each_role(make)
    clients = {role: sign_in(name) for role, name in names.items()}
    stages = [STAGES[letter] for letter in part]
    if db.engine.dialect.name == "postgresql":
        stages = stages[1:2]
    tickets = {stage: make.ticket(stage) for stage in stages}
    for ticket in tickets.values():
        ready_for_everything(make, ticket)
        made_major(make, ticket)
    numbers = {stage: (ticket.id, ticket.version) for stage, ticket in tickets.items()}
    survivor = make.registered().number
    before = state_of_the_file()
    wrong, refused = [], 0
    for role, client in clients.items():
        for act, path in PATHS.items():
            for stage, (ticket_id, version) in numbers.items():
                if allowed(stage, act, role):
                    continue
                if stage in LAST_THREE and not may_ever(act, role):
                    continue  # the door answered for these before it looked at the ticket
                data = form_for(act, make, into=survivor) | {"version": version, "once": token()}
                status = client.post(f"/tickets/{ticket_id}/{path}", data=data).status_code
                expected = 409 if may_ever(act, role) else 403
                refused += status == 403
                if status != expected:
                    wrong.append((stage, act, role, status))
    assert wrong == []
    db.session.rollback()
    assert state_of_the_file() == before
    assert len(db.session.scalars(journal.entries(subject="access")).all()) == refused
    assert journal.verify().fault is None


@pytest.mark.parametrize("role", ["CL", "OF", "DH", "EN", "CM", "DG", "GM"])
def test_every_page_does_what_the_table_allows(app, make, sign_in, role):
    client = sign_in(one_of_each_role(make)[ROLES[role]])
    survivor = make.registered().number
    wrong, done = [], 0
    for act, path in PATHS.items():
        for stage in TicketStage:
            if not allowed(stage, act, ROLES[role]):
                continue
            if db.engine.dialect.name == "postgresql" and stage is not STAGES[TABLE[act][0][0]]:
                continue
            ticket = make.ticket(stage)
            ready_for_everything(make, ticket)
            if act not in (Act.DISPATCH, Act.REGRADE):
                submitted = SpecialStage.SUBMITTED if act is Act.INSTRUCT else SpecialStage.DRAFTED
                made_major(make, ticket, submitted)
            db.session.refresh(ticket)
            ticket_id, version = ticket.id, ticket.version
            page = client.get(f"/tickets/{ticket_id}/{path}")
            data = form_for(act, make, into=survivor) | {"version": version, "once": token()}
            status = client.post(f"/tickets/{ticket_id}/{path}", data=data).status_code
            db.session.rollback()
            arrived = db.session.get_one(Ticket, ticket_id).stage
            done += 1
            if (page.status_code, status, arrived) != (200, 302, after(stage, act)):
                wrong.append((stage, act, page.status_code, status, arrived))
    assert wrong == []
    assert done
