"""Reading for the digest: who has which open work, from the running clocks."""

from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

from ticketing.casefile.notices.models import Notice, NoticeKind
from ticketing.casefile.tickets.models import Ticket
from ticketing.casefile.timers.models import Clock, ClockState
from ticketing.kernel.db import db
from ticketing.masters.people.models import User
from ticketing.masters.people.scope import Scope, scope_of
from ticketing.procedure.deadlines import CLOCK_RULES, DESK_CLOCKS, ClockKind
from ticketing.procedure.permissions import Act
from ticketing.steps.work_orders.models import WorkOrder


class Work(NamedTuple):
    """One running clock of a ticket or an order: who owes it, where, by when (Shanghai date), and which paper."""

    kind: ClockKind
    handler_id: int | None
    community_id: int | None
    department_id: int | None
    due_on: date
    number: str
    summary: str
    order_id: int | None = None


_ENDS: dict[ClockKind, frozenset[Act]] = {rule.kind: rule.meets for rule in CLOCK_RULES}


def written_since(morning: datetime) -> bool:
    """Whether digests have been written since `morning`."""
    return bool(
        db.session.scalar(
            select(func.count())
            .select_from(Notice)
            .where(Notice.kind == NoticeKind.DIGEST, Notice.at >= morning)
        )
    )


def open_work() -> dict[int, list[Work]]:
    """Each active person's open work, the nearest due date first; who has none is left out.

    A clock is the work of the ticket's handler, or, when the community's desk owes it, of everybody posted there
    whose roles may end it. Each person gets only what lies in his scope.
    """
    rows = [Work(*row) for row in db.session.execute(_running())]
    by_handler: dict[int | None, list[Work]] = {}
    at_desks: dict[int | None, list[Work]] = {}
    for work in rows:
        if work.kind in DESK_CLOCKS:
            at_desks.setdefault(work.community_id, []).append(work)
        else:
            by_handler.setdefault(work.handler_id, []).append(work)
    found: dict[int, list[Work]] = {}
    for user in _active_people():
        scope = scope_of(user)
        desk = [
            work
            for community_id in (at_desks if user.everywhere else user.posts)
            for work in at_desks.get(community_id, ())
            if any(scope.may(act) for act in _ENDS[work.kind])
        ]
        own = [work for work in [*by_handler.get(user.id, ()), *desk] if in_scope_of(scope, work)]
        if own:
            found[user.id] = sorted(own, key=lambda work: (work.due_on, work.number))
    return found


def in_scope_of(scope: Scope, work: Work) -> bool:
    """Whether the ticket of this clock may be seen by the person, or the order is his own to do."""
    return (
        scope.ticket_communities is None
        or work.community_id in scope.ticket_communities
        or (work.department_id is not None and work.department_id == scope.department_id)
        or (work.order_id is not None and work.handler_id == scope.user_id)
    )


def _running() -> Any:
    """Every running clock with its ticket; `open_work` narrows it to each person's scope."""
    return (
        select(
            Clock.kind,
            Clock.handler_id,
            Clock.community_id,
            Clock.department_id,
            Clock.due_on,
            func.coalesce(WorkOrder.number, Ticket.number),
            func.coalesce(WorkOrder.scope, Ticket.summary),
            Clock.order_id,
        )
        .join(Ticket, Ticket.id == Clock.ticket_id)
        .outerjoin(WorkOrder, WorkOrder.id == Clock.order_id)
        .where(Clock.state == ClockState.RUNNING)
    )


def _active_people() -> list[User]:
    return list(
        db.session.scalars(
            select(User)
            .where(User.active)
            .options(
                selectinload(User.grants), selectinload(User.postings), joinedload(User.department)
            )
        )
    )
