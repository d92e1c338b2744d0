"""Who is told of which act, in which words: one table, in the transaction of the act (procedure 3.4.7, 3.4.3).

Nobody is told of what he did himself.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, func, or_, select, true

from ticketing.casefile.notices.commands import Message, tell
from ticketing.casefile.notices.models import NoticeKind
from ticketing.casefile.tickets.models import Assistance, Ticket
from ticketing.casefile.timers.models import Clock
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.masters.people.models import Department, Posting, RoleGrant, User
from ticketing.procedure.deadlines import ClockKind
from ticketing.procedure.permissions import Act
from ticketing.procedure.vocabulary import Role, TicketStage

LEADERS = (Role.GENERAL_MANAGER, Role.DEPUTY_GM)
Recipients = Callable[[Ticket, User], Sequence[int | None]]


def office_of(ticket: Ticket, _actor: User) -> Sequence[int]:
    """The service office of the ticket's community."""
    return people_as((), community_id=ticket.community_id)


def handler_of(ticket: Ticket, _actor: User) -> Sequence[int | None]:
    """The person named responsible."""
    return (ticket.handler_id,)


def askers_of(ticket: Ticket, actor: User) -> Sequence[int]:
    """Those who asked the actor's department for help and have no reply yet."""
    return db.session.scalars(
        select(Assistance.asked_by_id).where(
            Assistance.ticket_id == ticket.id,
            Assistance.department_id == actor.department_id,
            Assistance.replied_at.is_(None),
        )
    ).all()


def leaders(_ticket: Ticket, _actor: User) -> Sequence[int]:
    """General manager and deputy general managers."""
    return people_as(LEADERS)


def managers(_ticket: Ticket, _actor: User) -> Sequence[int]:
    """The customer service managers."""
    return people_as((Role.CS_MANAGER,))


def deciders(_ticket: Ticket, _actor: User) -> Sequence[int]:
    """Those of whom one confirms that a ticket is no longer major."""
    return people_as((*LEADERS, Role.CS_MANAGER))


def handler_and_desk(ticket: Ticket, _actor: User) -> Sequence[int | None]:
    """The person named responsible, the customer service managers, and the community's office."""
    desk = people_as((Role.CS_MANAGER,), community_id=ticket.community_id)
    return (ticket.handler_id, *desk)


class Telling(NamedTuple):
    """One row: after `act` (arriving at `target`, if one is named) these people read `words`."""

    act: Act
    to: Recipients
    kind: NoticeKind
    words: str
    target: TicketStage | None = None


TELLINGS: tuple[Telling, ...] = (
    Telling(Act.DISPATCH, handler_of, NoticeKind.ASSIGNED, "{number} 已分派给您"),
    Telling(Act.TRANSFER, handler_of, NoticeKind.ASSIGNED, "{number} 已改派给您"),
    Telling(Act.RETURN, office_of, NoticeKind.RETURNED, "{number} 被责任部门退回，请重新分派"),
    Telling(
        Act.CALL_BACK,
        handler_of,
        NoticeKind.RETURNED,
        "{number} 客户不满意，返工",
        TicketStage.HANDLING,
    ),
    Telling(Act.REOPEN, handler_of, NoticeKind.RETURNED, "{number} 重新受理，请继续处理"),
    Telling(Act.ASSIST, askers_of, NoticeKind.ASSISTANCE, "{number} 协办已回复"),
    Telling(Act.DIRECT, handler_and_desk, NoticeKind.MAJOR, "{number} 已拟定处理措施，请落实"),
    Telling(Act.SUBMIT_SPECIAL, leaders, NoticeKind.MAJOR, "{number} 专题报告已上报，请批示"),
    Telling(Act.INSTRUCT, managers, NoticeKind.MAJOR, "{number} 专题报告已批示"),
)
"""Everything an act tells by itself."""

ASKING: dict[Act, tuple[NoticeKind, str]] = {
    Act.DISPATCH: (NoticeKind.ASSISTANCE, "{number} 请贵部门协办"),
    Act.ASK_ASSISTANCE: (NoticeKind.ASSISTANCE, "{number} 请贵部门协办"),
    Act.DIRECT: (NoticeKind.MAJOR, "{number} 总经理室要求贵部门落实处理措施"),
}
"""What the designated handlers of the departments read whom an act asks for something."""


def of_act(
    ticket: Ticket, act: Act, actor: User, *, at: datetime, asked: Sequence[Department] = ()
) -> None:
    """Tell what `act` has to tell, in two statements at most beside the question who they are."""
    event = f"{act.value}:{ticket.id}:{at:%Y%m%d%H%M%S}:{actor.id}"
    messages = [
        _message(ticket, row.to(ticket, actor), actor, row.kind, event, row.words)
        for row in TELLINGS
        if row.act is act and row.target in (None, ticket.stage)
    ]
    if asked and act in ASKING:
        kind, words = ASKING[act]
        handlers = [department.handler_id for department in asked]
        messages.append(_message(ticket, handlers, actor, kind, f"{event}:asked", words))
    tell(messages, at=at)


def of_proposal(ticket: Ticket, actor: User, *, at: datetime) -> None:
    """Tell those who may confirm it that a manager wants a ticket to be no longer major."""
    event = f"lowering:{ticket.id}:{at:%Y%m%d%H%M%S}"
    words = "{number} 拟降低重大等级，请确认"
    message = _message(ticket, deciders(ticket, actor), actor, NoticeKind.MAJOR, event, words)
    tell([message], at=at)


def of_major(ticket: Ticket, actor: User | None, why: str, *, at: datetime) -> None:
    """Tell general manager, deputies, customer service managers and the office at once (procedure 3.4.7).

    Once for each time the ticket becomes major: the event carries the round of its escalation.
    """
    round_ = db.session.scalar(
        select(func.count(Clock.id)).where(
            Clock.ticket_id == ticket.id, Clock.kind == ClockKind.ESCALATION
        )
    )
    to = people_as((*LEADERS, Role.CS_MANAGER), community_id=ticket.community_id)
    event = f"{MAJOR_EVENT}:{ticket.id}:{round_}"
    words = "重大投诉 {number}"
    message = _message(ticket, to, actor, NoticeKind.MAJOR, event, words)
    body = "\n".join(filter(None, (why, message.body)))
    tell([message._replace(body=body, urgent=True)], at=at)


MAJOR_EVENT = "major"


def of_important(ticket: Ticket, actor: User | None, why: str, *, at: datetime) -> None:
    """Tell customer service managers and the office of a complaint that became important (procedure 3.4.7)."""
    to = people_as((Role.CS_MANAGER,), community_id=ticket.community_id)
    event = f"important:{ticket.id}:{at:%Y%m%d%H%M%S}"
    message = _message(ticket, to, actor, NoticeKind.IMPORTANT, event, "重要投诉 {number}")
    tell([message._replace(body="\n".join(filter(None, (why, message.body))))], at=at)


def _message(
    ticket: Ticket,
    to: Sequence[int | None],
    actor: User | None,
    kind: NoticeKind,
    event: str,
    words: str,
) -> Message:
    own = actor.id if actor else None
    return Message(
        user_ids=tuple(user_id for user_id in to if user_id is not None and user_id != own),
        kind=kind,
        event=event,
        title=words.format(number=ticket.number),
        body=f"{ticket.room} {ticket.summary}".strip()
        + f"（受理 {clock.show_instant(ticket.received_at)}）",
        path=f"/tickets/{ticket.id}",
        community_id=ticket.community_id,
    )


def people_as(roles: Sequence[Role], *, community_id: int | None = None) -> Sequence[int]:
    """The active people who hold one of `roles`, and with `community_id` the office that serves it."""
    ways: list[ColumnElement[bool]] = [RoleGrant.role.in_(roles)] if roles else []
    query = select(User.id).join(RoleGrant, RoleGrant.user_id == User.id)
    if community_id is not None:
        query = query.outerjoin(
            Posting, and_(Posting.user_id == User.id, Posting.community_id == community_id)
        )
        serves = or_(User.everywhere == true(), Posting.id.is_not(None))
        ways.append(and_(RoleGrant.role == Role.OFFICE, serves))
    query = query.where(User.active, RoleGrant.in_force, or_(*ways)).distinct().order_by(User.id)
    return db.session.scalars(query).all()


def engineers_of(ticket: Ticket) -> Sequence[int]:
    """The engineers whom a repair of this ticket concerns: those posted to its community or of its department."""
    posted = select(Posting.user_id).where(Posting.community_id == ticket.community_id)
    return db.session.scalars(
        select(User.id)
        .join(RoleGrant, RoleGrant.user_id == User.id)
        .where(
            User.active,
            RoleGrant.in_force,
            RoleGrant.role == Role.ENGINEER,
            or_(
                User.everywhere == true(),
                User.id.in_(posted),
                User.department_id == ticket.department_id,
            ),
        )
        .order_by(User.id)
    ).all()
