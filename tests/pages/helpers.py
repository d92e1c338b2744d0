"""What several page tests need: one person for each role, forms by act, a recorder of statements."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy import event, func, select

from tests.support.make import Maker
from tests.support.world import PASSWORD
from ticketing.casefile.tickets.models import (
    Assistance,
    CallbackRecord,
    GradeProposal,
    Note,
    Ticket,
    TicketFlow,
)
from ticketing.journal.models import JournalEntry
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.masters.people import commands as people
from ticketing.masters.workcalendar.queries import calendar
from ticketing.oversight.escalation.models import Directive, Minutes, SpecialReport
from ticketing.procedure.permissions import Act
from ticketing.procedure.vocabulary import Grade, Role, SpecialStage, TicketStage
from ticketing.procedure.workdays import add_working_days

WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE")
_serial = itertools.count()


def token() -> str:
    """A form token nobody used before."""
    return f"t{next(_serial)}"


@dataclass
class Recorder:
    """The statements that went to the database."""

    statements: list[str] = field(default_factory=list)

    @property
    def writes(self) -> list[str]:
        """Those that change something."""
        return [one for one in self.statements if one.lstrip().upper().startswith(WRITES)]


@contextmanager
def recorded(engine: Any) -> Iterator[Recorder]:
    """Record every statement inside the block, transaction control left out."""
    recorder = Recorder()

    def note(_c: Any, _k: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA", "SAVEPOINT", "RELEASE")):
            recorder.statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield recorder
    finally:
        event.remove(engine, "before_cursor_execute", note)


def one_of_each_role(make: Maker, department: str = "PM") -> dict[Role, str]:
    """A person for each role, all in one department, posted to YX: role -> user name."""
    names = {role: f"one_{role.value}" for role in Role}
    with transaction():
        for role, username in names.items():
            make.world.users[username] = people.create_user(
                username=username,
                name=f"某{role.label}",
                password=PASSWORD,
                department_id=make.world.departments[department],
                community_ids=[make.world.communities["YX"]],
                roles=[role],
                actor=None,
            ).id
    return names


def ready_for_everything(make: Maker, ticket: Ticket, department: str = "PM") -> None:
    """Pin to a ticket what the guards of the road ask for: a waiting request, three vain calls."""
    at = clock.now()
    with transaction():
        db.session.add(
            Assistance(
                ticket_id=ticket.id,
                department_id=make.world.departments[department],
                asked_at=at,
                asked_by_id=make.world.users["office"],
                question="请协助。",
            )
        )
        for days in (0, 1, 1):
            db.session.add(
                CallbackRecord(
                    ticket_id=ticket.id,
                    at=at - timedelta(days=days),
                    caller_id=make.world.users["office"],
                    round=ticket.rework_count + 1,
                    reached=False,
                    satisfaction=None,
                )
            )


def a_ticket_in_each_stage(make: Maker) -> dict[TicketStage, Ticket]:
    """One ticket of the PM department in each stage, with every guard satisfied."""
    tickets = {stage: make.ticket(stage) for stage in TicketStage}
    for ticket in tickets.values():
        ready_for_everything(make, ticket)
    return tickets


ENTRY = {
    "caller_name": "王国强",
    "caller_phone": "13800001202",
    "channel": "phone",
    "content": "卫生间漏水。",
}

NOW = clock.local(clock.now()).strftime("%Y-%m-%dT%H:%M")
"""This minute as a form shows it."""

PATHS: dict[Act, str] = {
    Act.CORRECT: "correct",
    Act.AMEND: "amend",
    Act.DISPATCH: "dispatch",
    Act.TRANSFER: "transfer",
    Act.RETURN: "send-back",
    Act.ASK_ASSISTANCE: "ask-assistance",
    Act.FEED_BACK: "feed-back",
    Act.FOLLOW_UP: "follow-up",
    Act.ASSIST: "assist",
    Act.REGRADE: "regrade",
    Act.SETTLE_GRADE: "settle-grade",
    Act.DIRECT: "direct",
    Act.MINUTE: "minutes",
    Act.DRAFT_SPECIAL: "special",
    Act.SUBMIT_SPECIAL: "special/submit",
    Act.INSTRUCT: "special/instruct",
    Act.EXTEND: "extend",
    Act.RESOLVE: "resolve",
    Act.CALL_BACK: "call-back",
    Act.CLOSE: "close",
    Act.REOPEN: "reopen",
    Act.INVALIDATE: "invalidate",
    Act.WITHDRAW: "withdraw",
    Act.MERGE: "merge",
}


MEETING = {
    "held_at": "2026-11-20T09:00",
    "place": "三楼会议室",
    "chair": "王启明总经理",
    "present": "客户服务部、工程材料部",
    "events": "十一月起五户反映漏水。",
    "cause": "防水层施工缺陷。",
    "demand": "要求更换并赔偿。",
    "plan": "整栋复查，返工重做。",
    "assignments-0-matter": "整栋复查屋面",
    "assignments-0-person": "吴工",
    "assignments-0-due_on": "2026-12-10",
    "spokesman": "赵敏经理",
    "issued_by": "李副总经理",
}
WORDS = tuple(name for name in MEETING if "-" not in name and name != "held_at")
GAPS = ("absent", "legal", "cost", "approver", "wording", "risks")
"""The paragraphs of the minutes that are filled in here, and those left empty."""

SPECIAL = {
    "background": "五户漏水投诉的背景。",
    "state": "五户漏水未修复。",
    "cause": "防水层施工缺陷。",
    "responsibility": "施工单位负责。",
    "done": "已现场勘察两次。",
    "proposal": "建议整栋返工。",
    "decisions": "请批准返工费用。",
}


def made_major(
    make: Maker, ticket: Ticket, special: SpecialStage | None = SpecialStage.DRAFTED
) -> None:
    """Make a ticket a major one with measures, minutes, a report so far, and a lowering that waits."""
    at, manager = clock.now(), make.world.users["manager"]
    with transaction():
        ticket = db.session.get_one(Ticket, ticket.id)
        ticket.grade, ticket.directed_at, ticket.minuted_at = Grade.MAJOR, at, at
        ticket.special = special
        db.session.add(
            GradeProposal(
                ticket_id=ticket.id,
                grade=Grade.IMPORTANT,
                reason="核实为两户",
                proposed_at=at,
                proposed_by_id=manager,
            )
        )
        if special is not None:
            written = {"attachments": "", "options": "", **SPECIAL}
            handed_in = special is not SpecialStage.DRAFTED
            db.session.add(
                SpecialReport(
                    ticket_id=ticket.id,
                    edition=1,
                    at=at,
                    by_id=manager,
                    submitted_at=at if handed_in else None,
                    submitted_by_id=manager if handed_in else None,
                    **written,
                )
            )


def working_day_after_a_fortnight() -> date:
    """A day to which a completion may be put off."""
    return add_working_days(clock.today() + timedelta(days=12), 1, calendar).on


def form_for(act: Act, make: Maker, *, into: str = "") -> dict[str, Any]:
    """What a person types to do `act`, acceptable in every respect."""
    departments = make.world.departments
    reason = {"reason": "写明理由。"}
    forms: dict[Act, dict[str, Any]] = {
        Act.CORRECT: ENTRY | {"received_at": NOW},
        Act.AMEND: ENTRY | reason,
        Act.DISPATCH: {"category": "ENG", "grade": "general", "department_id": departments["PM"]},
        Act.TRANSFER: {"category": "PM", "department_id": departments["ENG"]} | reason,
        Act.RETURN: reason,
        Act.ASK_ASSISTANCE: {"department_id": departments["LAW"], "question": "请审合同。"},
        Act.FEED_BACK: {"action_taken": "已约明早上门。"},
        Act.FOLLOW_UP: {"action_taken": "已电话告知进度。"},
        Act.ASSIST: {"reply": "合同第五条适用。"},
        Act.REGRADE: {"grade": "major", "marks": "legal"} | reason,
        Act.SETTLE_GRADE: {"agreed": "yes"},
        Act.DIRECT: {"text": "立即停用，三日内更换。", "department_ids": departments["ENG"]},
        Act.MINUTE: MEETING,
        Act.DRAFT_SPECIAL: SPECIAL,
        Act.SUBMIT_SPECIAL: {},
        Act.INSTRUCT: {"instruction": "同意方案二。"},
        Act.EXTEND: {
            "due_on": working_day_after_a_fortnight().isoformat(),
            "consent_by": "王国强",
            "consent_at": f"{clock.local(clock.now()):%Y-%m-%dT%H:%M}",
            "consent_way": "recording",
            "evidence": "录音 20261125-08",
        }
        | reason,
        Act.RESOLVE: {"resolution": "接头已更换。"},
        Act.CALL_BACK: {"reached": "yes", "satisfaction": "satisfied"},
        Act.MERGE: {"into": into} | reason,
    }
    return dict(forms.get(act, reason))


PAPERS = (Note, TicketFlow, Directive, Minutes, SpecialReport)


def state_of_the_file() -> dict[str, Any]:
    """Everything an act on a ticket could change, refused accesses and sign-ins left out."""
    tables = {kind: db.session.scalar(select(func.count(kind.id))) for kind in PAPERS}
    rows = db.session.execute(select(*Ticket.__table__.columns).order_by(Ticket.id)).all()
    entries = db.session.scalar(
        select(func.count(JournalEntry.id)).where(JournalEntry.subject.not_in(("access", "user")))
    )
    calls = db.session.scalar(select(func.count(CallbackRecord.id)))
    helps = db.session.execute(select(*Assistance.__table__.columns).order_by(Assistance.id)).all()
    return {"tables": tables, "tickets": rows, "journal": entries, "calls": calls, "helps": helps}
