"""Writing the register: a new entry, a repeated call, a correction before and after dispatch."""

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm.attributes import flag_modified

from ticketing.casefile.defects import commands as repairs
from ticketing.casefile.defects.commands import Broken
from ticketing.casefile.tickets.commands import (
    add_note,
    advance,
    allowed_step,
    enter,
    hold,
    search_texts,
    stand_in_line,
)
from ticketing.casefile.tickets.models import MARK_COLUMNS, Ticket
from ticketing.casefile.timers import moving
from ticketing.kernel import clock, search
from ticketing.kernel.errors import Conflict, Invalid
from ticketing.kernel.text import clean, clean_line, looks_like_phone, one_line, phone_digits
from ticketing.masters.estate import commands as estate
from ticketing.masters.estate import queries as estate_queries
from ticketing.masters.people.models import User
from ticketing.masters.people.scope import Scope
from ticketing.procedure.permissions import Act
from ticketing.procedure.vocabulary import Channel, Mark, NoteKind, Relation

OLDEST = timedelta(days=366)
CLOCKS_APART = timedelta(minutes=5)
"""How far ahead the clock of a clerk's machine may be."""
SUMMARY = 40


def register(
    *,
    unit_id: int | None,
    customer_id: int | None,
    community_id: int | None,
    caller_name: str,
    caller_phone: str,
    place: str,
    channel: Channel,
    collected_by_id: int | None,
    received_at: datetime,
    summary: str,
    content: str,
    action_taken: str,
    action_needed: str,
    call: str,
    remember: bool,
    relation: Relation,
    actor: User,
    scope: Scope,
    urgent: bool = False,
    marks: Iterable[Mark] = (),
    claim_fen: int = 0,
    defects: Sequence[Broken] = (),
) -> Ticket:
    """Write one matter of one call into the register and put it on the road (procedure 3.4.3).

    The unit decides the community; without a unit `community_id` and `place` say where. The caller
    is copied onto the ticket; with `remember` a new one is added to the customers of the unit.
    `call` ties the matters of one call together. An `urgent` one has somebody answer within two hours.
    `marks` and the claim (fen, 0 for none) may make it major at once (procedure 3.4.7). `defects` are the things to be
    repaired; a complaint has none.

    Raises Invalid (a fact is missing or impossible), NotFound (out of scope), NotPermitted.
    """
    at = clock.now()
    if received_at > at + CLOCKS_APART:
        raise Invalid("受理时间不能晚于现在。", field="received_at")
    _not_too_old(received_at, at, actor)
    home = estate_queries.home(scope, unit_id) if unit_id else None
    if home is not None:
        community_id, community_code = home.community_id, home.code
    elif community_id:
        community_code = estate_queries.community(scope, community_id).code
    else:
        raise Invalid("请选择房号，或至少选择小区。", field="community_id")
    phone = phone_digits(caller_phone)
    if phone and not looks_like_phone(phone):
        raise Invalid("联络方式不像电话号码，请核对。", field="caller_phone")
    content = clean(content)
    if not content:
        raise Invalid("请填写投诉内容。", field="content")
    customer = estate_queries.customer(scope, customer_id) if customer_id else None
    name = clean_line(caller_name) or (customer.name if customer else "")
    if not name:
        raise Invalid("请填写客户姓名。", field="caller_name")
    if customer is not None and customer.merged_into is not None:
        customer = customer.merged_into
    if customer is None and remember and home is not None:
        stand_in_line(community_code, at)
        customer = estate.add_customer(
            name=name,
            phones=[phone] if phone else [],
            unit=estate_queries.unit(scope, home.id),
            relation=relation,
            actor=actor,
        )
    ticket = Ticket(
        call=call or secrets.token_hex(8),
        community_id=community_id,
        unit_id=home.id if home else None,
        customer_id=customer.id if customer else None,
        caller_name=name,
        caller_phone=phone,
        room=home.label if home else clean_line(place),
        channel=channel,
        collected_by_id=collected_by_id,
        received_at=received_at,
        registered_at=at,
        registered_by_id=actor.id,
        summary=clean_line(summary) or one_line(content, SUMMARY),
        content=content,
        action_taken=clean(action_taken),
        action_needed=clean(action_needed),
        urgent=urgent,
        claim_fen=claim_fen or None,
        **{MARK_COLUMNS[mark]: True for mark in marks},
    )
    enter(ticket, community_code=community_code, actor=actor)
    if defects:
        repairs.add(ticket, defects, actor=actor, at=at, act=Act.REGISTER)
    return ticket


def join_call(ticket: Ticket, *, content: str, actor: User) -> Ticket:
    """Note that the customer called again about an open ticket, instead of writing a new one.

    Raises Invalid, Conflict (the ticket is no longer open), NotPermitted.
    """
    content = clean(content)
    if not content:
        raise Invalid("请填写本次来电内容。", field="content")
    if not ticket.is_open:
        raise Conflict("这张登记表已经结束，请新登记或重新受理。")
    at = advance(
        ticket,
        Act.FOLLOW_UP,
        actor=actor,
        version=None,
        changes={"again_count": ticket.again_count + 1},
        facts={"again": one_line(content, 80)},
        answers=False,
    )
    add_note(ticket, NoteKind.AGAIN, content, author=actor, at=at)
    return ticket


def correct(
    ticket: Ticket,
    *,
    version: int,
    received_at: datetime,
    actor: User,
    scope: Scope,
    defects: Sequence[Broken] | None = None,
    **facts: Any,
) -> Ticket:
    """Put the register entry right before it is dispatched, also the home and the time of receipt.

    `defects` are all its defects as they should be, None to leave them alone. The completion date follows a changed `received_at`. Raises Invalid, NotFound (home out of
    scope), Conflict, NotPermitted.
    """
    allowed_step(ticket, Act.CORRECT, actor)
    return _rewrite(
        ticket,
        Act.CORRECT,
        version=version,
        actor=actor,
        changes={**_entry(ticket, scope, **facts), **_receipt(ticket, received_at, actor)},
        defects=defects,
    )


def amend(
    ticket: Ticket,
    *,
    version: int,
    reason: str,
    actor: User,
    scope: Scope,
    defects: Sequence[Broken] | None = None,
    **facts: Any,
) -> Ticket:
    """Change the register entry after dispatch; the old words stay in the journal with the reason.

    The time of receipt stays: clocks have started from it. Raises as `correct` does.
    """
    return _rewrite(
        ticket,
        Act.AMEND,
        version=version,
        actor=actor,
        changes=_entry(ticket, scope, **facts),
        defects=defects,
        reason=reason,
    )


def _entry(
    ticket: Ticket,
    scope: Scope,
    *,
    unit_id: int | None,
    customer_id: int | None,
    place: str,
    caller_name: str,
    caller_phone: str,
    channel: Channel,
    collected_by_id: int | None,
    summary: str,
    content: str,
    action_taken: str,
    action_needed: str,
) -> dict[str, Any]:
    """The columns of a rewritten entry, as the form gives them."""
    phone = phone_digits(caller_phone)
    if phone and not looks_like_phone(phone):
        raise Invalid("联络方式不像电话号码，请核对。", field="caller_phone")
    home = _home(ticket, scope, unit_id, clean_line(place))
    return {
        **home,
        **_customer(ticket, scope, customer_id, moved=bool(home.get("unit_id"))),
        "caller_name": clean_line(caller_name),
        "caller_phone": phone,
        "channel": channel,
        "collected_by_id": collected_by_id,
        "summary": clean_line(summary) or one_line(content, SUMMARY),
        "content": clean(content),
        "action_taken": clean(action_taken),
        "action_needed": clean(action_needed),
    }


def _home(ticket: Ticket, scope: Scope, unit_id: int | None, place: str) -> dict[str, Any]:
    """Another home when one was picked, another place when one was typed, else nothing.

    The number belongs to the community, so the home stays within it. Raises Invalid, NotFound.
    """
    if unit_id is None or unit_id == ticket.unit_id:
        return {} if place == ticket.room else {"unit_id": None, "room": place}
    unit = estate_queries.unit(scope, unit_id)
    if unit.community_id != ticket.community_id:
        raise Invalid(
            f"编号属于{ticket.community.name}，不能改到{unit.community.name}："
            "小区写错的，请判为无效并写明理由，再重新登记（重大投诉须先有处理措施）。",
            field="place",
        )
    return {"unit_id": unit.id, "room": unit.label}


def _customer(
    ticket: Ticket, scope: Scope, customer_id: int | None, *, moved: bool
) -> dict[str, Any]:
    """Another customer, or none, when a home was picked; a typed place leaves him. Raises NotFound."""
    if customer_id is None:
        return {"customer_id": None} if moved else {}
    if customer_id == ticket.customer_id:
        return {}
    customer = estate_queries.customer(scope, customer_id)
    return {"customer_id": customer.merged_into_id or customer.id}


def _receipt(ticket: Ticket, received_at: datetime, actor: User) -> dict[str, Any]:
    """Another time of receipt with the completion date that follows from it. Raises Invalid.

    The form shows minutes: the same minute is no change.
    """
    if received_at == ticket.received_at.replace(second=0):
        return {}
    if received_at > ticket.registered_at + CLOCKS_APART:
        raise Invalid(
            f"受理时间不能晚于登记时间 {clock.show_instant(ticket.registered_at)}。",
            field="received_at",
        )
    _not_too_old(received_at, ticket.registered_at, actor)
    due_on, _, provisional = moving.received(ticket.id, received_at, at=clock.now())
    return {
        "received_at": received_at,
        "complaint_due_on": due_on,
        "complaint_due_provisional": provisional,
    }


def _not_too_old(received_at: datetime, registered_at: datetime, actor: User) -> None:
    if received_at < registered_at - OLDEST and not actor.everywhere:
        raise Invalid("受理时间早于一年，请核对。", field="received_at")


def _rewrite(
    ticket: Ticket,
    act: Act,
    *,
    version: int,
    actor: User,
    changes: dict[str, Any],
    defects: Sequence[Broken] | None,
    reason: str = "",
) -> Ticket:
    facts: dict[str, Any] = {"reason": reason} if reason else {}
    if defects is not None and version == ticket.version:  # else `advance` refuses
        hold([ticket.id])
        changed = repairs.rewrite(ticket, defects, actor=actor, at=clock.now())
        if changed:
            facts["changed"] = changed
            flag_modified(ticket, "content")  # its lines are part of the paper: the version counts
    advance(ticket, act, actor=actor, version=version, changes=changes, facts=facts)
    search.replace(ticket.id, *search_texts(ticket))
    return ticket
