"""Writing defects: at intake, or when the survey finds one more."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select

from ticketing.casefile.defects.models import Defect
from ticketing.casefile.tickets.models import Ticket
from ticketing.journal.commands import record
from ticketing.kernel.db import db
from ticketing.kernel.errors import Invalid
from ticketing.kernel.text import clean, clean_line
from ticketing.masters.people.models import User
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import Part, Phenomenon, Trade

MOST = 30


class Broken(NamedTuple):
    """One thing a customer reports or a surveyor finds: part, phenomenon, trade, place in the home, his words."""

    part: Part
    phenomenon: Phenomenon
    trade: Trade
    place: str = ""
    words: str = ""


def add(ticket: Ticket, found: Iterable[Broken], *, actor: User, at: datetime) -> list[Defect]:
    """Write defects on a ticket (procedure 3.4.5). Whether the actor may is decided by the act that does it.

    Raises Invalid (too many for one ticket).
    """
    found = list(found)
    last = db.session.scalar(select(func.max(Defect.position)).where(Defect.ticket_id == ticket.id))
    position = last or 0
    if position + len(found) > MOST:
        raise Invalid(f"一张登记表最多 {MOST} 个项目，请另行登记。", field="defects")
    defects = [
        Defect(
            ticket_id=ticket.id,
            community_id=ticket.community_id,
            position=position + n,
            part=one.part,
            phenomenon=one.phenomenon,
            trade=one.trade,
            place=clean_line(one.place),
            words=clean(one.words),
            at=at,
            by_id=actor.id,
        )
        for n, one in enumerate(found, start=1)
    ]
    db.session.add_all(defects)
    db.session.flush()
    if defects:
        record(
            "ticket",
            ticket.id,
            Act.RECORD_SURVEY.value if ticket.repair or position else Act.REGISTER.value,
            actor=actor,
            at=at,
            clause="3.4.5",
            origin=ticket.stage.value,
            target=ticket.stage.value,
            version=ticket.version,
            facts={"defects": [one.told for one in defects]},
        )
    return defects
