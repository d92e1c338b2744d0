"""Reading defects. Which tickets a person may see is decided before: these ask by the ticket."""

from collections.abc import Sequence

from sqlalchemy import select

from ticketing.casefile.defects.models import Defect
from ticketing.kernel.db import db


def of_ticket(ticket_id: int) -> Sequence[Defect]:
    """The defects of a ticket in the order they were written."""
    return db.session.scalars(
        select(Defect).where(Defect.ticket_id == ticket_id).order_by(Defect.position)
    ).all()
