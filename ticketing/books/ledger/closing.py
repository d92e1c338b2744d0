"""Closing the books through a month's last day 结账, and opening them again 反结账: finance asks, audit agrees (access matrix 33).

What is closed takes no further entry (`commands.refuse_closed_day`, and the database itself: `ddl`). Reopening says why and stays
on the list like the closing it takes back; audit is asked for both, one at a time.
"""

from datetime import date, datetime

from sqlalchemy import func, select

from ticketing.books.ledger.commands import open_book
from ticketing.books.ledger.models import LedgerClosing, LedgerEntry
from ticketing.books.ledger.queries import closed_through, closing_that_waits
from ticketing.books.ledger.telling import tell_people, tell_role
from ticketing.journal.commands import record
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import Conflict, Invalid, NotPermitted
from ticketing.kernel.text import clean
from ticketing.masters.people.models import User
from ticketing.masters.people.rights import permit
from ticketing.procedure.accounts import ClosingKind, month_end
from ticketing.procedure.permissions import Act
from ticketing.procedure.vocabulary import Role

SUBJECT = "ledger_closing"
PAGE = "/finance/ledger/closings"


def ask_closing(*, through: date, actor: User) -> LedgerClosing:
    """Ask audit to agree that the books be closed through a month's last day (access matrix 33).

    Raises NotPermitted, Invalid (no month's end, a month that is not over, closed already), Conflict (one waits).
    """
    permit(actor, Act.ASK_CLOSING)
    if through != month_end(through):
        raise Invalid("只能按整月结账，请选择月末。", field="through")
    if through >= clock.today():
        raise Invalid(
            f"{through.year} 年 {through.month} 月还没有过完，不能结账。", field="through"
        )
    open_book()
    closed = closed_through()
    if closed is not None and through <= closed:
        raise Invalid(f"账已经结至 {closed}。", field="through")
    return _asked(ClosingKind.CLOSE, through, "", actor)


def ask_reopening(*, through: date, reason: str, actor: User) -> LedgerClosing:
    """Ask audit to agree that the books be open again after `through`, a month's last day, which stays closed.

    Raises NotPermitted, Invalid (no reason, no month's end, not closed beyond it), Conflict (one waits).
    """
    permit(actor, Act.ASK_CLOSING)
    reason = clean(reason)
    if not reason:
        raise Invalid("请写明反结账原因。", field="reason")
    if through != month_end(through):
        raise Invalid("只能按整月反结账，请选择月份。", field="through")
    open_book()
    closed = closed_through()
    if closed is None or through >= closed:
        raise Invalid("这个月没有结账，不用反结账。", field="through")
    return _asked(ClosingKind.REOPEN, through, reason, actor)


def settle_closing(
    closing: LedgerClosing, *, agreed: bool, answer: str, actor: User
) -> LedgerClosing:
    """Agree to a closing or reopening, which puts it in force at once, or refuse it with a reason (procedure 2.7).

    Raises NotPermitted (no auditor; who asked, under any account), Conflict (settled already), Invalid (refused without a
    reason).
    """
    permit(actor, Act.AGREE_CLOSING)
    answer = clean(answer)
    if not agreed and not answer:
        raise Invalid("不同意的，请写明原因。", field="answer")
    open_book()
    db.session.refresh(closing)
    if closing.settled_at is not None:
        raise Conflict(f"这项{closing.kind}申请已经办理。")
    if actor.is_same_person(closing.asked_by):
        raise NotPermitted(f"申请{closing.kind}的人不能同意{closing.kind}。")
    at = clock.now()
    newest = db.session.scalar(select(func.max(LedgerEntry.id))) or 0
    closing.settled_at, closing.settled_by_id = at, actor.id
    closing.agreed, closing.answer = agreed, answer
    closing.last_entry = newest if agreed else None
    db.session.flush()
    _record(closing, Act.AGREE_CLOSING, actor, at, "2.7")
    tell_people(
        [closing.asked_by_id],
        event=f"{SUBJECT}:{closing.id}:settled",
        title=f"{closing.words}：审计{'同意' if agreed else '不同意'}",
        path=PAGE,
        at=at,
    )
    return closing


def _asked(kind: ClosingKind, through: date, reason: str, actor: User) -> LedgerClosing:
    if closing_that_waits() is not None:
        raise Conflict("已有一项结账或反结账申请，等待审计同意。")
    at = clock.now()
    closing = LedgerClosing(
        id=(db.session.scalar(select(func.max(LedgerClosing.id))) or 0) + 1,
        kind=kind,
        through=through,
        reason=reason,
        asked_at=at,
        asked_by_id=actor.id,
        answer="",
    )
    db.session.add(closing)
    db.session.flush()
    _record(closing, Act.ASK_CLOSING, actor, at, "2.6")
    tell_role(
        Role.AUDITOR,
        event=f"{SUBJECT}:{closing.id}",
        title=f"申请{closing.words}",
        path=PAGE,
        at=at,
    )
    return closing


def facts_of(closing: LedgerClosing) -> dict[str, object]:
    """What the journal keeps of it, when it is asked and when it is settled."""
    return {
        "kind": closing.kind.value,
        "through": closing.through.isoformat(),
        "reason": closing.reason,
        "agreed": closing.agreed,
        "answer": closing.answer,
        "last_entry": closing.last_entry,
    }


def _record(closing: LedgerClosing, act: Act, actor: User, at: datetime, clause: str) -> None:
    facts = facts_of(closing)
    record(SUBJECT, closing.id, act.value, actor=actor, at=at, clause=clause, facts=facts)
