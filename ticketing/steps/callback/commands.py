"""The callback and where it leads."""

from ticketing.casefile.tickets.commands import advance
from ticketing.casefile.tickets.models import CallbackRecord, Ticket
from ticketing.kernel.db import db
from ticketing.kernel.errors import Invalid
from ticketing.kernel.text import clean
from ticketing.masters.people.models import User
from ticketing.procedure.permissions import Act
from ticketing.procedure.vocabulary import Satisfaction
from ticketing.procedure.workflow import CALLBACK_TURNS, REWORK


def call_back(
    ticket: Ticket,
    *,
    version: int,
    reached: bool,
    satisfaction: Satisfaction | None,
    opinion: str,
    actor: User,
) -> Ticket:
    """Record one telephone callback (procedure 3.5.4).

    Content (very satisfied, satisfied, neutral) closes the ticket; dissatisfied sends it back to the
    department as rework and needs the customer's words; not reached leaves it waiting.

    Raises Invalid, NotPermitted (the handler rates himself), Conflict.
    """
    opinion = clean(opinion)
    if reached and satisfaction is None:
        raise Invalid("请选择客户的满意程度。", field="satisfaction")
    if not reached:
        satisfaction = None
    unhappy = satisfaction is Satisfaction.DISSATISFIED
    if unhappy and not opinion:
        raise Invalid("客户不满意时，请记下他的意见，责任部门要据此返工。", field="opinion")
    turn = "unreached" if not reached else "rework" if unhappy else "content"
    calling_round = ticket.rework_count + 1
    changes: dict[str, object] = {}
    if reached:
        changes = {
            "satisfaction": satisfaction,
            "customer_opinion": opinion or ticket.customer_opinion,
        }
    if unhappy:
        changes["rework_count"] = ticket.rework_count + 1
    at = advance(
        ticket,
        Act.CALL_BACK,
        actor=actor,
        version=version,
        changes=changes,
        facts={"reached": reached},
        target=REWORK[ticket.repair] if unhappy else CALLBACK_TURNS[turn],
    )
    db.session.add(
        CallbackRecord(
            ticket_id=ticket.id,
            at=at,
            caller_id=actor.id,
            round=calling_round,
            reached=reached,
            satisfaction=satisfaction,
            opinion=opinion,
        )
    )
    db.session.flush()
    return ticket
