"""Reading tickets. Every select is narrowed to the scope of the person asking by `visible`."""

from collections.abc import Iterable
from datetime import date, datetime
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import (
    ColumnElement,
    Select,
    bindparam,
    exists,
    false,
    or_,
    select,
    true,
)
from sqlalchemy.orm import joinedload

from ticketing.casefile.tickets.models import Assistance, CallbackRecord, Note, Ticket
from ticketing.kernel.db import Parts, db, filled
from ticketing.kernel.errors import NotFound
from ticketing.masters.estate.models import Unit
from ticketing.masters.people.queries import SIGNER
from ticketing.masters.people.scope import Scope
from ticketing.procedure.numbering import is_ticket_number
from ticketing.procedure.permissions import Act
from ticketing.procedure.vocabulary import Grade, Role, TicketStage


def visible(scope: Scope) -> ColumnElement[bool]:
    """The condition that a ticket lies within `scope`; every select of tickets carries it."""
    if scope.ticket_communities is None:
        return true()
    ways: list[ColumnElement[bool]] = []
    if scope.ticket_communities:
        ways.append(Ticket.community_id.in_(sorted(scope.ticket_communities)))
    if scope.department_id is not None:
        ways.append(Ticket.department_id == scope.department_id)
        ways.append(
            exists().where(
                Assistance.ticket_id == Ticket.id, Assistance.department_id == scope.department_id
            )
        )
    return or_(*ways) if ways else false()


def by_number(scope: Scope, words: str) -> int | None:
    """The id of the ticket whose whole number was typed, if it lies within scope."""
    if not is_ticket_number(words):
        return None
    return db.session.scalar(
        select(Ticket.id).where(visible(scope), Ticket.number == words.strip().upper())
    )


def number_of(scope: Scope, ticket_id: int) -> str:
    """The number of one ticket. Raises NotFound, also when out of scope."""
    number = db.session.scalar(select(Ticket.number).where(Ticket.id == ticket_id, visible(scope)))
    if number is None:
        raise NotFound
    return number


def within_reach(scope: Scope, ticket_id: int) -> bool:
    """Whether a ticket lies within `scope`."""
    found = select(Ticket.id).where(Ticket.id == ticket_id, visible(scope))
    return db.session.scalar(found) is not None


def ticket_for(scope: Scope, ticket_id: int) -> Ticket:
    """One ticket with what its page's head shows. Raises NotFound, also when out of scope."""
    found = db.session.scalars(
        select(Ticket)
        .where(Ticket.id == ticket_id, visible(scope))
        .options(
            joinedload(Ticket.community, innerjoin=True),
            joinedload(Ticket.department),
            joinedload(Ticket.handler),
        )
    ).one_or_none()
    if found is None:
        raise NotFound
    return found


def ticket_with_story(scope: Scope, ticket_id: int) -> Ticket:
    """One ticket with everything pinned to it, in a fixed number of queries. Raises NotFound."""
    return filled(_TICKET.where(visible(scope)), ticket_id, _STORY)


_TICKET = (
    select(Ticket)
    .where(Ticket.id == bindparam("id"))
    .options(
        joinedload(Ticket.community, innerjoin=True),
        joinedload(Ticket.registered_by, innerjoin=True).options(SIGNER),
        joinedload(Ticket.collected_by),
        joinedload(Ticket.department),
        joinedload(Ticket.handler),
        joinedload(Ticket.merged_into).load_only(Ticket.number),
    )
)
_STORY: Parts = {
    "notes": select(Note)
    .where(Note.ticket_id == bindparam("id"))
    .options(joinedload(Note.author, innerjoin=True).options(SIGNER))
    .order_by(Note.id),
    "callbacks": select(CallbackRecord)
    .where(CallbackRecord.ticket_id == bindparam("id"))
    .options(joinedload(CallbackRecord.caller, innerjoin=True).options(SIGNER))
    .order_by(CallbackRecord.id),
    "assistances": select(Assistance)
    .where(Assistance.ticket_id == bindparam("id"))
    .options(
        joinedload(Assistance.department, innerjoin=True),
        joinedload(Assistance.asked_by, innerjoin=True).options(SIGNER),
        joinedload(Assistance.replied_by).options(SIGNER),
    )
    .order_by(Assistance.id),
}


def sees_phone(scope: Scope, ticket: Ticket) -> bool:
    """Whether this person may see the caller's number on this ticket (access matrix row 3).

    A department sees it only while the ticket is assigned to it and open.
    """
    if not scope.may(Act.READ_PHONE):
        return False
    if scope.roles & PHONE_EVERYWHERE:
        return True
    in_office = {Role.CLERK, Role.OFFICE} & scope.roles
    if in_office and (scope.communities is None or ticket.community_id in scope.communities):
        return True
    mine = scope.department_id is not None and ticket.department_id == scope.department_id
    return ticket.is_open and mine


PHONE_EVERYWHERE = frozenset({Role.CS_MANAGER, Role.DEPUTY_GM, Role.GENERAL_MANAGER})


class Sibling(NamedTuple):
    """A related ticket as it stands beside the intake form or on a unit's page."""

    id: int
    number: str
    stage: TicketStage
    grade: Grade
    summary: str
    room: str
    caller_name: str
    received_at: datetime
    due_on: date | None
    nearness: str


_SIBLING = (
    Ticket.id,
    Ticket.number,
    Ticket.stage,
    Ticket.grade,
    Ticket.summary,
    Ticket.room,
    Ticket.caller_name,
    Ticket.received_at,
    Ticket.due_on,
)


def open_tickets_of(
    scope: Scope, *, unit_id: int | None, customer_id: int | None, phone: str, except_call: str
) -> list[Sibling]:
    """The open tickets of one home, customer or phone, other than those of the call going on."""
    rows = db.session.execute(
        _open_tickets_of(scope),
        {
            "unit_id": unit_id,
            "customer_id": customer_id,
            "phone": phone or None,
            "except_call": except_call,
        },
    )
    return [Sibling(*row, "本户") for row in rows]


@lru_cache(maxsize=512)
def _open_tickets_of(
    scope: Scope,
) -> Select[int, str, TicketStage, Grade, str, str, str, datetime, date | None]:
    """The statement for a scope, kept: every new ticket asks. What is not known equals nothing."""
    return _NEWEST_OPEN.where(
        visible(scope),
        or_(
            Ticket.unit_id == bindparam("unit_id", type_=Ticket.unit_id.type),
            Ticket.customer_id == bindparam("customer_id", type_=Ticket.customer_id.type),
            Ticket.caller_phone == bindparam("phone", type_=Ticket.caller_phone.type),
        ),
        Ticket.call != bindparam("except_call"),
    )


def _own(unit_id: int | None, customer_id: int | None, phone: str) -> ColumnElement[bool] | None:
    """Tickets of this home, customer or phone; each is one index look-up, never a scan."""
    ways: list[ColumnElement[bool]] = []
    if unit_id is not None:
        ways.append(Ticket.unit_id == unit_id)
    if customer_id is not None:
        ways.append(Ticket.customer_id == customer_id)
    if phone:
        ways.append(Ticket.caller_phone == phone)
    return or_(*ways) if ways else None


def beside(
    scope: Scope, *, unit: Unit | None, customer_id: int | None, phone: str = ""
) -> list[Sibling]:
    """The open tickets a clerk should see before writing a new one: his, the stair's, the building's.

    At most 8 of each nearness (本人/本户 · 本单元 · 本楼栋), newest first.
    """
    own = _own(unit.id if unit else None, customer_id, phone)
    found = _siblings(scope, own, "本户") if own is not None else []
    if unit is not None:
        near = select(Unit.id).where(Unit.building_id == unit.building_id)
        stair = near.where(Unit.stair == unit.stair, Unit.id != unit.id)
        found += _siblings(scope, Ticket.unit_id.in_(stair), "本单元")
        building = near.where(Unit.stair != unit.stair)
        found += _siblings(scope, Ticket.unit_id.in_(building), "本楼栋")
    return list({sibling.id: sibling for sibling in reversed(found)}.values())[::-1]


def _siblings(scope: Scope, where: ColumnElement[bool], nearness: str) -> list[Sibling]:
    rows = db.session.execute(_NEWEST_OPEN.where(visible(scope), where))
    return [Sibling(*row, nearness) for row in rows]


_NEWEST_OPEN = (
    select(*_SIBLING)
    .where(Ticket.is_open == true())
    .order_by(Ticket.received_at.desc(), Ticket.id.desc())
    .limit(8)
)


def of_call_and_merged(scope: Scope, ticket: Ticket) -> tuple[list[Sibling], list[Sibling]]:
    """The other matters of the same call, and the tickets that were merged into this one."""
    same, merged = Ticket.call == ticket.call, Ticket.merged_into_id == ticket.id
    rows = db.session.execute(
        select(Ticket.call, Ticket.merged_into_id, *_SIBLING)
        .where(visible(scope), or_(same, merged), Ticket.id != ticket.id)
        .order_by(Ticket.id)
    ).all()
    return (
        [Sibling(*row[2:], "同一来电") for row in rows if row[0] == ticket.call],
        [Sibling(*row[2:], "并入本单") for row in rows if row[1] == ticket.id],
    )


def history(
    scope: Scope, *, unit_id: int | None = None, customer_id: int | None = None
) -> list[Sibling]:
    """Every ticket of a unit or of a customer, newest first (at most 200)."""
    where = Ticket.unit_id == unit_id if unit_id is not None else Ticket.customer_id == customer_id
    rows = db.session.execute(
        select(*_SIBLING)
        .where(visible(scope), where)
        .order_by(Ticket.received_at.desc(), Ticket.id.desc())
        .limit(200)
    )
    return [Sibling(*row, "") for row in rows]


def next_due(scope: Scope, ticket_id: int, stages: Iterable[TicketStage]) -> int | None:
    """The next ticket of the person's work list after this one has been dealt with."""
    return db.session.scalar(
        select(Ticket.id)
        .where(
            visible(scope),
            Ticket.is_open == true(),
            Ticket.stage.in_(tuple(stages)),
            Ticket.id != ticket_id,
        )
        .order_by(Ticket.due_on, Ticket.id)
        .limit(1)
    )
