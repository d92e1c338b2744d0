"""Reading notices: a person's own inbox and choices; robots and deliveries for who keeps the outlets."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from ticketing.casefile.notices.models import (
    MAILED,
    Delivery,
    DeliveryState,
    Notice,
    NoticeKind,
    Outlet,
    Preference,
    Robot,
)
from ticketing.kernel.db import counted, db
from ticketing.kernel.errors import NotFound
from ticketing.masters.people.scope import Scope

PAGE = 30


def unread(scope: Scope) -> int:
    """How many notices this person has not read, counted up to `MOST_COUNTED`."""
    return counted(
        select(Notice.id).where(Notice.user_id == scope.user_id, Notice.read_at.is_(None))
    )


def inbox(
    scope: Scope,
    *,
    unread_only: bool = False,
    kind: NoticeKind | None = None,
    before_id: int | None = None,
) -> tuple[list[Notice], str]:
    """A page of this person's own notices, newest first, and the id the next page goes on before."""
    query = select(Notice).where(Notice.user_id == scope.user_id)
    if unread_only:
        query = query.where(Notice.read_at.is_(None))
    if kind is not None:
        query = query.where(Notice.kind == kind)
    if before_id is not None:
        query = query.where(Notice.id < before_id)
    found = list(db.session.scalars(query.order_by(Notice.id.desc()).limit(PAGE + 1)))
    return found[:PAGE], str(found[PAGE - 1].id) if len(found) > PAGE else ""


def read_before(before: datetime, *, after_id: int, limit: int) -> Sequence[int]:
    """The ids of notices read before `before`, in order; those of major complaints are kept for good.

    Who was told of a major complaint, and when he read it, is part of its record (procedure 3.4.7).
    """
    return db.session.scalars(
        select(Notice.id)
        .where(Notice.id > after_id, Notice.read_at < before, Notice.kind != NoticeKind.MAJOR)
        .order_by(Notice.id)
        .limit(limit)
    ).all()


def sent_before(before: datetime, *, after_id: int, limit: int) -> Sequence[int]:
    """The ids of deliveries that were sent before `before`, in order."""
    return db.session.scalars(
        select(Delivery.id)
        .where(
            Delivery.id > after_id,
            Delivery.state == DeliveryState.SENT,
            Delivery.sent_at < before,
        )
        .order_by(Delivery.id)
        .limit(limit)
    ).all()


def notice_for(scope: Scope, notice_id: int) -> Notice:
    """One line of this person's own inbox. Raises NotFound, also for anybody else's."""
    found = db.session.scalars(
        select(Notice).where(Notice.id == notice_id, Notice.user_id == scope.user_id)
    ).one_or_none()
    if found is None:
        raise NotFound
    return found


def mailed_kinds(scope: Scope) -> list[NoticeKind]:
    """The kinds this person gets by e-mail: his choice, or the default."""
    rows = db.session.execute(
        select(Preference.kind, Preference.wanted).where(
            Preference.user_id == scope.user_id, Preference.outlet == Outlet.EMAIL
        )
    )
    chosen = dict(rows.all())
    return [kind for kind in NoticeKind if chosen.get(kind, kind in MAILED)]


def robots() -> list[Robot]:
    """Every robot, those in use first."""
    return list(db.session.scalars(select(Robot).order_by(Robot.active.desc(), Robot.name)))


def robot(robot_id: int) -> Robot:
    """One robot. Raises NotFound."""
    found = db.session.get(Robot, robot_id)
    if found is None:
        raise NotFound
    return found


class Outbox(NamedTuple):
    """How many deliveries wait, and how many were given up."""

    waiting: int
    dead: int


def outbox() -> Outbox:
    """How the outbox stands."""
    rows = db.session.execute(
        select(Delivery.state, func.count())
        .where(Delivery.state.in_((DeliveryState.WAITING, DeliveryState.DEAD)))
        .group_by(Delivery.state)
    )
    found = dict(rows.all())
    return Outbox(found.get(DeliveryState.WAITING, 0), found.get(DeliveryState.DEAD, 0))


def deliveries(
    state: DeliveryState | None, before_id: int | None = None
) -> tuple[list[Delivery], str]:
    """A page of deliveries, newest first, and the id the next page goes on before."""
    query = select(Delivery).options(joinedload(Delivery.user), joinedload(Delivery.robot))
    if state is not None:
        query = query.where(Delivery.state == state)
    if before_id is not None:
        query = query.where(Delivery.id < before_id)
    found = list(db.session.scalars(query.order_by(Delivery.id.desc()).limit(PAGE + 1)))
    return found[:PAGE], str(found[PAGE - 1].id) if len(found) > PAGE else ""


def delivery(delivery_id: int) -> Delivery:
    """One delivery. Raises NotFound."""
    found = db.session.get(Delivery, delivery_id)
    if found is None:
        raise NotFound
    return found
