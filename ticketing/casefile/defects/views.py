"""The defects of a ticket on its page and on its printed form; they are written in other rooms."""

from flask import Blueprint

from ticketing.casefile.defects import queries
from ticketing.casefile.tickets.models import Ticket
from ticketing.casefile.tickets.views import PANELS, PRINTED, Panel
from ticketing.journal.queries import StoryLine
from ticketing.masters.people.models import User
from ticketing.masters.people.scope import Scope

bp = Blueprint("defects", __name__)


def panel(_scope: Scope, _actor: User, ticket: Ticket, _story: list[StoryLine]) -> Panel | None:
    """The defects with their warranty reckoned in words; nothing for a ticket without any."""
    judged = queries.judge(ticket, queries.of_ticket(ticket.id))
    return Panel("defects/_panel.html", judged) if judged else None


def printed(ticket: Ticket) -> list[str]:
    """The defects as they stand on the 来电来访登记表, one a line (procedure 5.3)."""
    return [f"{one.position}. {one.told}" for one in queries.of_ticket(ticket.id)]


PANELS.append(panel)
PRINTED.append(printed)
