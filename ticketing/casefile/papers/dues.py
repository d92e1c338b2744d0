"""The dates a ticket repeats from the running clocks of its papers, so that lists are ordered by one column."""

from collections.abc import Sequence

from sqlalchemy import func, select, update

from ticketing.casefile.tickets.models import Ticket
from ticketing.casefile.timers.models import Clock, ClockState
from ticketing.kernel.db import db
from ticketing.procedure.deadlines import ClockKind
from ticketing.procedure.vocabulary import TicketStage

ON_THE_WAY = (ClockKind.SITE_SURVEY, ClockKind.ORDER_ISSUE, ClockKind.REPAIR)
"""The clocks of a ticket under survey or repair that its lists are ordered by."""


def copy_dues(ticket_ids: Sequence[int]) -> None:
    """Let tickets under survey or repair show the next deadline of their clocks.

    The completion date of a repair is the last due date of its orders. Versions stay: nobody's open form is outdated.
    """
    running = select(Clock).where(Clock.state == ClockState.RUNNING).subquery()
    own = (running.c.ticket_id == Ticket.id) & running.c.kind.in_(ON_THE_WAY)
    next_due = (
        select(running.c.due_on)
        .where(own)
        .order_by(running.c.due_on, running.c.id)
        .limit(1)
        .scalar_subquery()
    )
    its_mark = (
        select(running.c.provisional)
        .where(own)
        .order_by(running.c.due_on, running.c.id)
        .limit(1)
        .scalar_subquery()
    )
    repair = (running.c.ticket_id == Ticket.id) & (running.c.kind == ClockKind.REPAIR)
    last = select(func.max(running.c.due_on)).where(repair).scalar_subquery()
    last_mark = (
        select(running.c.provisional)
        .where(repair)
        .order_by(running.c.due_on.desc(), running.c.id)
        .limit(1)
        .scalar_subquery()
    )
    db.session.execute(
        update(Ticket)
        .where(
            Ticket.id.in_(ticket_ids),
            Ticket.stage.in_((TicketStage.SURVEYING, TicketStage.REPAIRING)),
        )
        .values(
            due_on=func.coalesce(next_due, Ticket.due_on),
            due_provisional=func.coalesce(its_mark, Ticket.due_provisional),
            complaint_due_on=func.coalesce(last, Ticket.complaint_due_on),
            complaint_due_provisional=func.coalesce(last_mark, Ticket.complaint_due_provisional),
        )
        .execution_options(synchronize_session=False)
    )
