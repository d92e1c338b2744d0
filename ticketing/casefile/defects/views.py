"""The defects of a ticket on its page and on its printed form; they are written in other rooms."""

from flask import Blueprint

from ticketing.casefile.defects import queries
from ticketing.casefile.tickets.models import Ticket
from ticketing.casefile.tickets.views import PANELS, PRINTED, Panel
from ticketing.journal.queries import StoryLine
from ticketing.masters.people.models import User
from ticketing.masters.people.scope import Scope
from ticketing.procedure.vocabulary import TicketStage

bp = Blueprint("defects", __name__)

UNDECIDED = (
    TicketStage.REGISTERED,
    TicketStage.DISPATCHED,
    TicketStage.HANDLING,
    TicketStage.SURVEYING,
)
"""The stages in which nobody has decided yet who bears a defect."""


def panel(_scope: Scope, _actor: User, ticket: Ticket, _story: list[StoryLine]) -> Panel | None:
    """The defects, until orders rest on a survey with their warranty reckoned in words; nothing for a ticket without any.

    Later the survey's own reckoning counts, and what was answered without one has nothing to reckon any more.
    """
    found = queries.of_ticket(ticket.id)
    if not found:
        return None
    judged = queries.judge(ticket, found) if ticket.stage in UNDECIDED else [None] * len(found)
    return Panel("defects/_panel.html", list(zip(found, judged, strict=True)))


def printed(ticket: Ticket) -> list[str]:
    """The defects as they stand on the 来电来访登记表, one a line (procedure 5.3)."""
    return [f"{one.position}. {one.told}" for one in queries.of_ticket(ticket.id)]


PANELS.append(panel)
PRINTED.append(printed)
