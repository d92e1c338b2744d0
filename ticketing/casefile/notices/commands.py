"""Writing notices, reading them, choosing what comes by e-mail, keeping robots, resending what failed."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple, cast

from sqlalchemy import ColumnElement, CursorResult, Table, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm.attributes import flag_modified

from ticketing.casefile.notices.delivering import out_at
from ticketing.casefile.notices.models import (
    MAILED,
    ROBOT_KINDS,
    Delivery,
    DeliveryState,
    Notice,
    NoticeKind,
    Outlet,
    Preference,
    Robot,
)
from ticketing.journal.commands import record
from ticketing.kernel import clock, webhook
from ticketing.kernel.db import db, dialect
from ticketing.kernel.errors import Conflict, Invalid
from ticketing.kernel.text import clean_line
from ticketing.kernel.wire import SendingFailed
from ticketing.masters.people import commands as people
from ticketing.masters.people.models import User

MOST_NAMED = 500
"""Up to so many receivers are asked for by id; for more, everybody's mailbox is read at once."""


class Message(NamedTuple):
    """What several people should know: of which kind, caused by which event, where it leads.

    `event` is stable: told again, it reaches nobody twice. `community_id` says whose robots hear of it;
    `urgent` lets it out at night and on holidays.
    """

    user_ids: tuple[int, ...]
    kind: NoticeKind
    event: str
    title: str
    body: str
    path: str
    community_id: int | None = None
    urgent: bool = False


def tell(messages: Iterable[Message], *, at: datetime) -> None:
    """Put `messages` into the inboxes and queue what goes outside, in the caller's transaction.

    A repeated event of the same person, mailbox or robot is left out. The number of statements does not
    depend on the number of messages.
    """
    messages = list(messages)
    rows = [
        {
            "user_id": user_id,
            "event": message.event,
            "kind": message.kind,
            "at": at,
            "title": message.title,
            "body": message.body,
            "path": message.path,
            "urgent": message.urgent,
            "read_at": None,
        }
        for message in messages
        for user_id in dict.fromkeys(message.user_ids)
    ]
    _add(Notice, rows)
    outside = [*_letters(messages), *_robot_messages(messages)]
    if outside:
        goes_at = {urgent: out_at(at, urgent) for urgent in (True, False)}
        _add(
            Delivery,
            [{**row, "at": at, "next_at": goes_at[bool(row["urgent"])]} for row in outside],
        )


def _add(model: type[Notice] | type[Delivery], rows: list[dict[str, Any]]) -> None:
    if rows:
        insert = sqlite.insert if dialect() == "sqlite" else postgresql.insert
        db.session.execute(insert(cast(Table, model.__table__)).on_conflict_do_nothing(), rows)


def _letters(messages: list[Message]) -> list[dict[str, Any]]:
    """A delivery for each mailbox whose owner wants that kind by e-mail."""
    people_told = {user_id for message in messages for user_id in message.user_ids}
    if not people_told:
        return []
    query = (
        select(User.id, User.email, Preference.kind, Preference.wanted)
        .outerjoin(
            Preference, (Preference.user_id == User.id) & (Preference.outlet == Outlet.EMAIL)
        )
        .where(User.active, User.email != "")
    )
    if len(people_told) <= MOST_NAMED:
        query = query.where(User.id.in_(people_told))
    mailboxes: dict[int, str] = {}
    chosen: dict[tuple[int, NoticeKind], bool] = {}
    for user_id, mailbox, kind, wanted in db.session.execute(query):
        mailboxes[user_id] = mailbox
        if kind is not None:
            chosen[user_id, kind] = wanted
    return [
        _delivery(message, outlet=Outlet.EMAIL, recipient=mailboxes[user_id], user_id=user_id)
        for message in messages
        for user_id in dict.fromkeys(message.user_ids)
        if user_id in mailboxes and chosen.get((user_id, message.kind), message.kind in MAILED)
    ]


def _robot_messages(messages: list[Message]) -> list[dict[str, Any]]:
    """A delivery for each active robot that hears of that kind and community."""
    if not any(message.kind in ROBOT_KINDS for message in messages):
        return []
    robots = db.session.execute(
        select(Robot.id, Robot.outlet, Robot.kinds, Robot.community_id).where(Robot.active)
    ).all()
    return [
        _delivery(message, outlet=robot.outlet, recipient=str(robot.id), robot_id=robot.id)
        for robot in robots
        for message in messages
        if message.kind in ROBOT_KINDS
        and message.kind.value in robot.kinds.split()
        and robot.community_id in (None, message.community_id)
    ]


def _delivery(
    message: Message,
    *,
    outlet: Outlet,
    recipient: str,
    user_id: int | None = None,
    robot_id: int | None = None,
) -> dict[str, Any]:
    return {
        "event": message.event,
        "kind": message.kind,
        "outlet": outlet,
        "recipient": recipient,
        "user_id": user_id,
        "robot_id": robot_id,
        "title": message.title,
        "body": message.body,
        "path": message.path,
        "urgent": message.urgent,
        "state": DeliveryState.WAITING,
        "attempts": 0,
        "leased_until": None,
        "sent_at": None,
        "error": "",
    }


def mark_read(notice: Notice, *, actor: User) -> Notice:
    """The person has opened this line of his own inbox; the first time counts."""
    if notice.read_at is None:
        notice.read_at = clock.now()
    return notice


def mark_all_read(*, seen: int, actor: User) -> None:
    """The person has seen every line of his inbox up to the one with id `seen`; later ones stay unread."""
    db.session.execute(
        update(Notice)
        .where(Notice.user_id == actor.id, Notice.read_at.is_(None), Notice.id <= seen)
        .values(read_at=clock.now())
        .execution_options(synchronize_session=False)
    )


def choose(*, email: str, mailed: list[NoticeKind], actor: User) -> None:
    """A person says where his mailbox is and which kinds he wants there. Raises Invalid."""
    people.set_email(actor, email, actor=actor)
    insert = sqlite.insert if dialect() == "sqlite" else postgresql.insert
    chosen = insert(cast(Table, Preference.__table__))
    db.session.execute(
        chosen.on_conflict_do_update(
            index_elements=["user_id", "kind", "outlet"], set_={"wanted": chosen.excluded.wanted}
        ),
        [
            {
                "user_id": actor.id,
                "kind": kind,
                "outlet": Outlet.EMAIL,
                "wanted": kind in mailed,
            }
            for kind in NoticeKind
        ],
    )


def save_robot(
    robot: Robot | None,
    *,
    version: int = 0,
    name: str,
    outlet: Outlet,
    address: str,
    secret: str,
    kinds: list[NoticeKind],
    community_id: int | None,
    active: bool,
    allowed: tuple[webhook.Host, ...],
    actor: User,
) -> Robot:
    """Make or change a group robot; an empty address or secret of a known one stays as it is.

    Address and secret are never written into the journal. Raises Invalid, Conflict.
    """
    if robot is not None and version != robot.version:
        raise Conflict("这个机器人刚被他人修改，请核对最新内容后再保存。", seen=version)
    name = clean_line(name)
    twin = db.session.scalars(select(Robot).where(Robot.name == name)).one_or_none()
    if twin is not None and twin is not robot:
        raise Conflict("已有同名的机器人。", field="name")
    if not kinds or any(kind not in ROBOT_KINDS for kind in kinds):
        raise Invalid("请至少选择一类可以发到群里的通知。", field="kinds")
    if address or robot is None:
        try:
            webhook.checked(address, allowed)
        except SendingFailed as refusal:
            raise Invalid(refusal.sentence, field="address") from None
    if robot is None:
        robot = Robot(name=name, outlet=outlet, address=address)
        db.session.add(robot)
    changed = [
        word
        for word, new, old in (
            ("address", address, robot.address),
            ("secret", secret, robot.secret),
        )
        if new and new != old
    ]
    robot.name, robot.outlet, robot.active = name, outlet, active
    robot.address, robot.secret = address or robot.address, secret or robot.secret or ""
    robot.kinds = " ".join(kind.value for kind in NoticeKind if kind in kinds)
    robot.community_id = community_id
    flag_modified(robot, "name")
    db.session.flush()
    facts = {
        "name": name,
        "outlet": outlet.value,
        "kinds": robot.kinds,
        "community_id": community_id,
        "active": active,
        "renewed": changed,
    }
    record("robot", robot.id, "save", actor=actor, at=clock.now(), facts=facts)
    return robot


def resend(delivery: Delivery, *, actor: User) -> Delivery:
    """Let a dead delivery be tried anew, under the same stable id. Raises Conflict when it is not dead."""
    if not _revive(actor, Delivery.id == delivery.id, subject_id=delivery.id):
        raise Conflict("这条消息已经不在“发送失败”里，请刷新页面。")
    return delivery


def resend_all(*, actor: User) -> None:
    """Let every dead delivery be tried anew."""
    _revive(actor)


def _revive(actor: User, *where: ColumnElement[bool], subject_id: int = 0) -> int:
    at, count = clock.now(), 0
    for urgent in (True, False):
        count += cast(
            CursorResult[Any],
            db.session.execute(
                update(Delivery)
                .where(*where, Delivery.state == DeliveryState.DEAD, Delivery.urgent == urgent)
                .values(
                    state=DeliveryState.WAITING,
                    attempts=0,
                    leased_until=None,
                    next_at=out_at(at, urgent),
                )
                .execution_options(synchronize_session=False)
            ),
        ).rowcount
    if count:
        record("delivery", subject_id, "resend", actor=actor, at=at, facts={"count": count})
    return count


def note_trial(robot: Robot, *, error: str, actor: User) -> None:
    """Somebody sent a trial message to a robot; what came of it."""
    record("robot", robot.id, "try_out", actor=actor, at=clock.now(), facts={"error": error[:200]})
