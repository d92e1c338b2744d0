"""Writing defects: at intake, when the entry is put right, or when the survey finds one more."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select

from ticketing.casefile.defects import queries
from ticketing.casefile.defects.models import Defect
from ticketing.casefile.tickets.models import Ticket
from ticketing.journal.commands import record
from ticketing.kernel.db import db
from ticketing.kernel.errors import Conflict, Invalid
from ticketing.kernel.text import clean, clean_line
from ticketing.masters.people.models import User
from ticketing.procedure.permissions import Act
from ticketing.procedure.repairs import Part, Phenomenon, Trade

MOST = 30

SETTLED: list[Callable[[int], bool]] = []
"""Rooms above say here whether the defects of a ticket (by id) are in their hands and can no longer be rewritten."""


class Broken(NamedTuple):
    """One thing a customer reports or a surveyor finds: part, phenomenon, trade, place in the home, his words.

    `defect_id` is the defect it rewrites, None for one more.
    """

    part: Part
    phenomenon: Phenomenon
    trade: Trade
    place: str = ""
    words: str = ""
    defect_id: int | None = None


def add(
    ticket: Ticket,
    found: Iterable[Broken],
    *,
    actor: User,
    at: datetime,
    act: Act = Act.RECORD_SURVEY,
) -> list[Defect]:
    """Write defects on a ticket (procedure 3.4.5). Whether the actor may is decided by `act`, which does it.

    Raises Invalid (too many for one ticket).
    """
    defects = _write(ticket, list(found), actor, at)
    if defects:
        record(
            "ticket",
            ticket.id,
            act.value,
            actor=actor,
            at=at,
            clause="3.4.5",
            origin=ticket.stage.value,
            target=ticket.stage.value,
            version=ticket.version,
            facts={"defects": [one.told for one in defects]},
        )
    return defects


def _write(ticket: Ticket, found: Sequence[Broken], actor: User, at: datetime) -> list[Defect]:
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
    return defects


def settled(ticket_id: int) -> bool:
    """Whether the defects of a ticket can no longer be rewritten: a survey has been agreed on."""
    return any(says(ticket_id) for says in SETTLED)


def rewrite(
    ticket: Ticket, items: Sequence[Broken], *, actor: User, at: datetime
) -> dict[str, list[str]]:
    """Put the defects of a ticket right, or add some, before anybody goes to look (procedure 3.4.5).

    One that `items` leave out stays as it is: nothing is dropped. Returns what changed as the journal tells it, for the act
    that does it: ``{"defects": [before, after]}``, empty when nothing did.

    Raises Conflict (a survey has been agreed on), Invalid (one is not of this ticket, too many).
    """
    before = queries.of_ticket(ticket.id)
    told = "；".join(one.told for one in before)
    known = {one.id: one for one in before}
    if {one.defect_id for one in items} - known.keys() - {None}:
        raise Invalid("项目不属于这张登记表，请刷新页面后重试。", field="defects")
    more = [one for one in items if one.defect_id is None]
    changed = [one for one in items if one.defect_id and _differs(known[one.defect_id], one)]
    if not more and not changed:
        return {}
    if settled(ticket.id):
        raise Conflict("已经约定勘察，报修项目由勘察人员在会签表上补充。", field="defects")
    for one in changed:
        defect = known[one.defect_id or 0]
        defect.part, defect.phenomenon, defect.trade = one.part, one.phenomenon, one.trade
        defect.place = clean_line(one.place)
    after = [*before, *_write(ticket, more, actor, at)]
    return {"defects": [told, "；".join(one.told for one in after)]}


def _differs(defect: Defect, one: Broken) -> bool:
    return (defect.part, defect.phenomenon, defect.trade, defect.place) != (
        one.part,
        one.phenomenon,
        one.trade,
        clean_line(one.place),
    )
