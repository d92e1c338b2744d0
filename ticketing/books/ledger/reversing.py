"""Asking for a reversal and agreeing to it: finance asks, audit agrees (procedure 2.6, 2.7; access matrix 33)."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from ticketing.books.ledger.commands import (
    SUBJECT,
    open_book,
    refuse_unless_reversible,
    reverse,
)
from ticketing.books.ledger.models import LedgerEntry, ReversalRequest
from ticketing.books.ledger.telling import tell_people, tell_role
from ticketing.journal.commands import record
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.kernel.errors import Conflict, Invalid, NotFound, NotPermitted
from ticketing.kernel.text import clean, one_line
from ticketing.masters.people.models import User
from ticketing.masters.people.rights import permit
from ticketing.procedure.accounts import EntryKind
from ticketing.procedure.permissions import Act
from ticketing.procedure.vocabulary import Role


class Follower(NamedTuple):
    """What a room above does about entries that are reversed together; it looks itself whether they are its own.

    `hold` locks its papers before the book is locked; `undo` takes back what followed from the entries.
    """

    hold: Callable[[Sequence[LedgerEntry]], None]
    undo: Callable[[Sequence[LedgerEntry], User, datetime], None]


ON_REVERSAL: list[Follower] = []
"""The rooms above that follow a reversal, in the same transaction."""


def together(entry: LedgerEntry) -> Sequence[LedgerEntry]:
    """The entries that are reversed with one: all of its payment that still stand, or itself alone."""
    if entry.payment_id is None or entry.reverses_id is not None:
        return [entry]
    undone = select(LedgerEntry.reverses_id).where(LedgerEntry.reverses_id.is_not(None))
    return db.session.scalars(
        select(LedgerEntry)
        .where(
            LedgerEntry.payment_id == entry.payment_id,
            LedgerEntry.reverses_id.is_(None),
            LedgerEntry.id.not_in(undone),
        )
        .order_by(LedgerEntry.id)
    ).all() or [entry]


def ask_reversal(entry: LedgerEntry, *, reason: str, actor: User) -> ReversalRequest:
    """Ask audit to agree that an entry, or the payment it belongs to, be reversed (access matrix 33).

    Raises NotPermitted, Invalid (no reason), Conflict (cannot be reversed, or asked for already).
    """
    permit(actor, Act.ASK_REVERSAL)
    reason = clean(reason)
    if not reason:
        raise Invalid("请写明冲销原因。", field="reason")
    open_book()
    refuse_unless_reversible(entry)
    first = together(entry)[0]
    if waiting_for(first) is not None:
        raise Conflict("这张凭证已经申请冲销，等待审计同意。")
    at = clock.now()
    request = ReversalRequest(
        entry_id=first.id, reason=reason, asked_at=at, asked_by_id=actor.id, answer=""
    )
    db.session.add(request)
    db.session.flush()
    act = Act.ASK_REVERSAL.value
    record(SUBJECT, first.id, act, actor=actor, at=at, clause="2.6", facts={"reason": reason})
    tell_role(
        Role.AUDITOR,
        event=f"reversal:{request.id}",
        title=f"申请冲销 {first.number}：{one_line(reason, 40)}",
        path=f"/finance/ledger/{first.id}",
        at=at,
    )
    return request


def settle_reversal(
    request: ReversalRequest, *, agreed: bool, answer: str, actor: User
) -> ReversalRequest:
    """Agree to a reversal, which books it and undoes what followed from it, or refuse it with a reason (procedure 2.7).

    A deposit is booked by audit's own agreement, which is no reason to refuse.
    Raises NotPermitted (no auditor; who asked, or booked the entry, under any account), Conflict (settled already),
    Invalid (refused without a reason; a balance would be overdrawn).
    """
    permit(actor, Act.AGREE_REVERSAL)
    answer = clean(answer)
    if not agreed and not answer:
        raise Invalid("不同意的，请写明原因。", field="answer")
    for follower in ON_REVERSAL:
        follower.hold(together(request.entry))
    open_book()
    db.session.refresh(request)
    if request.settled_at is not None:
        raise Conflict("这项冲销申请已经办理。")
    entry = request.entry
    booked_by_audit = entry.kind is EntryKind.RETENTION_OPENING
    own = not booked_by_audit and actor.is_same_person(entry.by)
    if own or actor.is_same_person(request.asked_by):
        raise NotPermitted("申请冲销的人、原记账的人不能同意冲销。")
    at = clock.now()
    request.settled_at, request.settled_by_id = at, actor.id
    request.agreed, request.answer = agreed, answer
    db.session.flush()
    act, facts = Act.AGREE_REVERSAL.value, {"agreed": agreed, "answer": answer}
    record(SUBJECT, entry.id, act, actor=actor, at=at, clause="2.7", facts=facts)
    tell_people(
        [request.asked_by_id],
        event=f"reversal:{request.id}:settled",
        title=f"冲销 {entry.number}：审计{'同意' if agreed else '不同意'}",
        path=f"/finance/ledger/{entry.id}",
        at=at,
    )
    if agreed:
        entries = together(entry)
        for one in reversed(entries):
            reverse(one, reason=request.reason, actor=actor, at=at)
        for follower in ON_REVERSAL:
            follower.undo(entries, actor, at)
    return request


def waiting_for(entry: LedgerEntry) -> ReversalRequest | None:
    """The request that waits on an entry, if there is one."""
    return db.session.scalars(
        select(ReversalRequest).where(
            ReversalRequest.entry_id == entry.id, ReversalRequest.settled_at.is_(None)
        )
    ).one_or_none()


def requests_on(entry: LedgerEntry) -> Sequence[ReversalRequest]:
    """Every request ever made about an entry or its payment, the oldest first."""
    ids = select(LedgerEntry.id).where(
        LedgerEntry.id == entry.id
        if entry.payment_id is None
        else LedgerEntry.payment_id == entry.payment_id
    )
    return db.session.scalars(
        select(ReversalRequest)
        .where(ReversalRequest.entry_id.in_(ids))
        .options(joinedload(ReversalRequest.asked_by), joinedload(ReversalRequest.settled_by))
        .order_by(ReversalRequest.id)
    ).all()


def waiting() -> Sequence[ReversalRequest]:
    """Every request that waits for audit, the oldest first."""
    return db.session.scalars(
        select(ReversalRequest)
        .where(ReversalRequest.settled_at.is_(None))
        .options(joinedload(ReversalRequest.entry), joinedload(ReversalRequest.asked_by))
        .order_by(ReversalRequest.id)
    ).all()


def request(request_id: int) -> ReversalRequest:
    """One request. Raises NotFound."""
    found = db.session.get(ReversalRequest, request_id)
    if found is None:
        raise NotFound
    return found
