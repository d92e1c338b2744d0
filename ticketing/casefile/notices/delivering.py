"""Delivering: the outbox is emptied by any number of senders, at least once for each delivery.

A sender claims what is due (lease, attempts + 1), commits, sends outside any transaction, and then marks what
happened. If it dies in between, the lease runs out and the delivery is claimed again, under the same stable id.

Deliveries to one receiver form a lane. Lanes are worked side by side, so that a receiver that hangs holds up
nobody else; when it is found gone or busy, everything for it waits until the next try.
"""

import hashlib
import queue
import random
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, or_, select, update

from ticketing.casefile.notices.models import Delivery, DeliveryState, NoticeKind, Outlet, Robot
from ticketing.kernel import clock
from ticketing.kernel.db import db, transaction
from ticketing.kernel.enums import Labelled
from ticketing.kernel.wire import SendingFailed
from ticketing.masters.people.models import User
from ticketing.masters.workcalendar.queries import calendar
from ticketing.procedure.workdays import in_working_hours, next_working_instant

LEASE = timedelta(minutes=5)
"""Longer than any run: `BUDGET` and one last message."""

BUDGET = 40.0
"""Seconds after which a run begins no further message."""

BACK_OFF = tuple(timedelta(minutes=n) for n in (1, 2, 5, 15, 60, 180, 360))
"""How long to wait after the first, second, … failed try; each with a fifth more or less."""

TRIES = len(BACK_OFF) + 1
MAIL_LANES = 4
MOST_LANES = 8
MOST_TO_A_ROBOT = 18
"""Messages to one robot in a run: both services take 20 a minute and shut out for longer who sends more."""

A_MINUTE = timedelta(minutes=1)


class Parcel(NamedTuple):
    """A claimed delivery as its sender needs it; `to` is a mailbox or a robot's address."""

    id: int
    event: str
    kind: NoticeKind
    outlet: Outlet
    recipient: str
    robot_id: int | None
    to: str
    secret: str
    title: str
    body: str
    path: str
    urgent: bool
    at: datetime
    attempts: int

    @property
    def stable_id(self) -> str:
        """The same at every repetition, different for each receiver: plain letters and digits."""
        identity = f"{self.event}\n{self.outlet.value}\n{self.recipient}"
        return hashlib.sha256(identity.encode()).hexdigest()[:32]

    @property
    def lane(self) -> Hashable:
        """Deliveries of one lane are sent one after the other."""
        return self.robot_id if self.outlet is not Outlet.EMAIL else ("mail", self.id % MAIL_LANES)


Send = Callable[[Parcel], None]
"""Sends one parcel; raises SendingFailed. Runs in a thread without database."""


class Counts(NamedTuple):
    """What a run did: sent, failed and tried again later, given up."""

    sent: int = 0
    failed: int = 0
    dead: int = 0


class Fate(Labelled):
    """What became of a claimed delivery."""

    SENT = "sent", "已发送"
    FAILED = "failed", "失败"
    BLOCKED = "blocked", "收件方不通"
    UNTRIED = "untried", "未尝试"


class Outcome(NamedTuple):
    """A parcel with its fate, and why."""

    parcel: Parcel
    fate: Fate
    error: str = ""


def deliver_due(send: Send, *, limit: int, at: datetime) -> Counts:
    """Send up to `limit` deliveries that are due at `at`; returns what became of them.

    At night and on holidays only urgent ones go out. A run lasts little longer than `BUDGET`. It opens
    transactions of its own: call it outside any.
    """
    parcels, dead = _claim(limit, at)
    lanes: dict[Hashable, list[Parcel]] = {}
    for parcel in parcels:
        lanes.setdefault(parcel.lane, []).append(parcel)
    if not lanes:
        return Counts(dead=dead)
    counts, told = Counts(dead=dead), queue.SimpleQueue[Outcome]()
    until = clock.stopwatch() + BUDGET
    with ThreadPoolExecutor(max_workers=min(MOST_LANES, len(lanes))) as pool:
        for lane in lanes.values():
            pool.submit(_carry, lane, send, told.put, until)
        left, resume = len(parcels), dict[Hashable, datetime]()
        while left:
            outcomes = list(_arrived(told))
            left -= len(outcomes)
            with transaction():
                for outcome in outcomes:
                    counts = _settle(outcome, counts, resume, at)
    return counts


def _claim(limit: int, at: datetime) -> tuple[list[Parcel], int]:
    """Take up to `limit` due deliveries under a lease; what cannot be sent at all is given up at once."""
    due: list[ColumnElement[bool]] = [
        Delivery.state == DeliveryState.WAITING,
        Delivery.next_at <= at,
        or_(Delivery.leased_until.is_(None), Delivery.leased_until <= at),
    ]
    if not in_working_hours(at, calendar):
        due.append(Delivery.urgent.is_(True))
    with transaction():
        ids = list(
            db.session.scalars(
                select(Delivery.id)
                .where(*due)
                .order_by(Delivery.urgent.desc(), Delivery.next_at, Delivery.id)
                .limit(limit)
                .with_for_update(skip_locked=True)
            )
        )
        if not ids:
            return [], 0
        _change(Delivery.id.in_(ids), *due, leased_until=at + LEASE, attempts=Delivery.attempts + 1)
        rows = db.session.execute(_CLAIMED.where(Delivery.id.in_(ids))).all()
        parcels, dead = [], 0
        for row in rows:
            obstacle = _obstacle(row)
            if obstacle:
                dead += 1
                _change(
                    Delivery.id == row.id,
                    state=DeliveryState.DEAD,
                    leased_until=None,
                    error=obstacle,
                )
            else:
                parcels.append(_parcel(row))
        return parcels, dead


_CLAIMED = (
    select(
        Delivery.id, Delivery.event, Delivery.kind, Delivery.outlet, Delivery.recipient,
        Delivery.robot_id, Delivery.title, Delivery.body, Delivery.path, Delivery.urgent,
        Delivery.at, Delivery.attempts,
        User.email, User.active.label("user_active"),
        Robot.address, Robot.secret, Robot.active.label("robot_active"),
    )
    .outerjoin(User, User.id == Delivery.user_id)
    .outerjoin(Robot, Robot.id == Delivery.robot_id)
    .order_by(Delivery.urgent.desc(), Delivery.next_at, Delivery.id)
)  # fmt: skip


def _obstacle(row: Any) -> str:
    """Why a delivery cannot be sent at all, or nothing."""
    if row.attempts > TRIES:
        return "发送程序多次中断，结果不明。"
    if row.outlet is Outlet.EMAIL:
        if not row.user_active:
            return "收件人的账号已停用。"
        return "" if row.email else "收件人没有填写邮箱。"
    return "" if row.robot_active else "这个机器人已停用。"


def _parcel(row: Any) -> Parcel:
    mail = row.outlet is Outlet.EMAIL
    return Parcel(
        id=row.id,
        event=row.event,
        kind=row.kind,
        outlet=row.outlet,
        recipient=row.recipient,
        robot_id=row.robot_id,
        to=row.email if mail else row.address,
        secret="" if mail else row.secret,
        title=row.title,
        body=row.body,
        path=row.path,
        urgent=row.urgent,
        at=row.at,
        attempts=row.attempts,
    )


def _carry(
    parcels: list[Parcel], send: Send, tell: Callable[[Outcome], None], until: float
) -> None:
    """Send a lane's parcels in order, in a thread of its own; every one is told of."""
    closed = False
    for place, parcel in enumerate(parcels):
        full = parcel.outlet is not Outlet.EMAIL and place >= MOST_TO_A_ROBOT
        if closed or full or clock.stopwatch() > until:
            tell(Outcome(parcel, Fate.UNTRIED))
            continue
        try:
            send(parcel)
        except SendingFailed as failure:
            closed = failure.everybody
            tell(Outcome(parcel, Fate.BLOCKED if closed else Fate.FAILED, failure.sentence))
        except Exception as fault:
            tell(Outcome(parcel, Fate.FAILED, f"发送程序出错（{type(fault).__name__}）。"))
        else:
            tell(Outcome(parcel, Fate.SENT))


def _arrived(told: "queue.SimpleQueue[Outcome]") -> Iterator[Outcome]:
    """The next outcome, waiting for it, and all that have arrived meanwhile."""
    yield told.get()
    while not told.empty():
        yield told.get()


def _settle(
    outcome: Outcome, counts: Counts, resume: dict[Hashable, datetime], at: datetime
) -> Counts:
    """Write down what became of a parcel; `resume` notes when a lane that is closed goes on."""
    parcel = outcome.parcel
    if outcome.fate is Fate.SENT:
        _change(
            Delivery.id == parcel.id,
            Delivery.state != DeliveryState.SENT,
            state=DeliveryState.SENT,
            sent_at=at,
            leased_until=None,
            error="",
        )
        return counts._replace(sent=counts.sent + 1)
    mine = (
        Delivery.id == parcel.id,
        Delivery.state == DeliveryState.WAITING,
        Delivery.attempts == parcel.attempts,
    )
    if outcome.fate is Fate.UNTRIED:
        again = resume.get(parcel.lane, at + A_MINUTE)
        _change(*mine, leased_until=None, attempts=parcel.attempts - 1, next_at=again)
        return counts
    later = at + back_off(parcel.attempts)
    if outcome.fate is Fate.BLOCKED:
        resume[parcel.lane] = later
        _hold_back(parcel, later)
    if parcel.attempts >= TRIES:
        _change(*mine, state=DeliveryState.DEAD, leased_until=None, error=outcome.error)
        return counts._replace(dead=counts.dead + 1)
    _change(*mine, leased_until=None, next_at=out_at(later, parcel.urgent), error=outcome.error)
    return counts._replace(failed=counts.failed + 1)


def _hold_back(parcel: Parcel, later: datetime) -> None:
    """Let everything else for a receiver that is gone or busy wait as long, without counting a try.

    Rows another sender is just claiming are left to him: two senders never wait for each other.
    """
    others = (
        select(Delivery.id)
        .where(
            Delivery.state == DeliveryState.WAITING,
            Delivery.outlet == parcel.outlet,
            Delivery.robot_id.is_not_distinct_from(parcel.robot_id),
            Delivery.leased_until.is_(None),
            Delivery.next_at < later,
        )
        .with_for_update(skip_locked=True)
    )
    _change(Delivery.id.in_(others), next_at=later)


def _change(*where: ColumnElement[bool], **values: Any) -> None:
    db.session.execute(
        update(Delivery).where(*where).values(**values).execution_options(synchronize_session=False)
    )


def back_off(attempts: int) -> timedelta:
    """How long to wait after the `attempts`-th failed try: longer each time, never quite the same."""
    return BACK_OFF[min(attempts, len(BACK_OFF)) - 1] * random.uniform(0.8, 1.2)


def out_at(instant: datetime, urgent: bool) -> datetime:
    """When a message that is ready at `instant` may leave the house: at once if urgent, else in working hours."""
    return instant if urgent else next_working_instant(instant, calendar)
