"""What every act on an order brings with it: its clocks, the ticket's, and who is told."""

from collections.abc import Sequence
from datetime import datetime

from ticketing.casefile.notices.commands import Message, tell
from ticketing.casefile.notices.models import NoticeKind
from ticketing.casefile.tickets.commands import advance
from ticketing.casefile.tickets.models import Ticket
from ticketing.casefile.timers import commands as timers
from ticketing.casefile.timers import queries as clocks
from ticketing.kernel.errors import Invalid
from ticketing.kernel.text import clean
from ticketing.masters.people.models import User
from ticketing.procedure.deadlines import ClockKind, turn
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import OrderStage
from ticketing.procedure.vocabulary import TicketStage
from ticketing.steps.work_orders import queries
from ticketing.steps.work_orders.models import WorkOrder
from ticketing.steps.work_orders.road import all_accepted


def finish_if_done(order: WorkOrder, *, actor: User) -> None:
    """Let the ticket go to its callback when no order of it is open any more (procedure 3.5.3, 3.5.4)."""
    ticket = order.ticket
    if ticket.stage is not TicketStage.REPAIRING or not all_accepted(ticket):
        return
    done = [one for one in queries.accepted_of(ticket.id) if queries.of_this_round(ticket, one)]
    advance(
        ticket,
        Act.ACCEPT_REPAIR,
        actor=actor,
        version=None,
        changes={
            "resolution": "\n".join(f"{one.scope}，已竣工验收（{one.number}）" for one in done)
        },
        facts={"order": "、".join(one.number for one in done)},
    )


def follow(order: WorkOrder, act: Act, at: datetime, starts: Sequence[timers.Start] = ()) -> None:
    """Let the clocks of an order follow an act: they stop, end, or change hands with its crew."""
    turned = turn(act, order.ticket.stage, order.ticket.stage, of_order=True)
    timers.follow(
        charge(order),
        starts=starts,
        meets=turned.meets,
        cancels=turned.cancels,
        at=at,
        order_id=order.id,
    )


def charge(order: WorkOrder) -> timers.Charge:
    """Who owes an order: its captain, or for a transferred one the department responsible for the ticket."""
    ticket = order.ticket
    if order.contractor_id is not None and order.transferred_at is not None:
        return timers.Charge(
            ticket.id, ticket.community_id, ticket.department_id, ticket.handler_id
        )
    captain = order.team.captain if order.team else None
    return timers.Charge(
        ticket.id,
        ticket.community_id,
        captain.department_id if captain else None,
        captain.id if captain else None,
    )


def follow_ticket(ticket: Ticket, act: Act, at: datetime) -> None:
    """Let the ticket's own clocks follow an act on one of its orders."""
    turned = turn(act, ticket.stage, ticket.stage)
    timers.follow(
        ticket,
        starts=[timers.starting(kind, at) for kind in turned.starts],
        meets=turned.meets,
        cancels=turned.cancels,
        at=at,
    )


def settle_issue_clock(ticket: Ticket, at: datetime) -> None:
    """The ticket's clock 派工 runs as long as something of it waits for an issued order (procedure 3.5.1).

    It is met when the last one is issued, and starts anew when an order is cancelled and its defects wait again.
    """
    if ticket.stage is not TicketStage.REPAIRING:
        return
    this_round = [one for one in queries.of_ticket(ticket.id) if queries.of_this_round(ticket, one)]
    issued = any(
        one.issued_at is not None and one.stage is not OrderStage.CANCELLED for one in this_round
    )
    waits = (
        not issued
        or any(one.stage.is_open and one.issued_at is None for one in this_round)
        or queries.waits(ticket.id)
    )
    running = clocks.running(ticket.id, ClockKind.ORDER_ISSUE) is not None
    if waits and not running:
        follow_ticket(ticket, Act.CANCEL_ORDER, at)
    elif running and not waits:
        follow_ticket(ticket, Act.ISSUE_ORDER, at)


def tell_of(
    to: Sequence[int | None],
    order: WorkOrder,
    actor: User,
    at: datetime,
    words: str,
    event: str,
    kind: NoticeKind = NoticeKind.ASSIGNED,
    path: str = "",
) -> None:
    """Tell people of an act on an order; nobody is told of what he did himself. `path` is where the notice leads."""
    ticket = order.ticket
    tell(
        [
            Message(
                user_ids=tuple(one for one in to if one is not None and one != actor.id),
                kind=kind,
                event=f"order:{order.id}:{event}:{at:%Y%m%d%H%M%S}",
                title=f"{order.number} {words}",
                body=f"{ticket.room} {order.scope}",
                path=path or _page_for(to, order),
                community_id=order.community_id,
            )
        ],
        at=at,
    )


def _page_for(to: Sequence[int | None], order: WorkOrder) -> str:
    """The page a notice leads to: a captain's phone, everybody else's the order itself."""
    captain = order.team.captain_id if order.team else None
    return f"/my-orders/{order.id}" if list(to) == [captain] else f"/orders/{order.id}"


def filled(words: str, field: str, sentence: str) -> str:
    """The cleaned words. Raises Invalid with `sentence` at `field` when nothing is left of them."""
    words = clean(words)
    if not words:
        raise Invalid(sentence, field=field)
    return words
