"""Reading defects and their warranty. Which tickets a person may see is decided before: these ask by the ticket."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import select

from ticketing.casefile.defects.models import Defect
from ticketing.casefile.tickets.models import Ticket
from ticketing.kernel import clock
from ticketing.kernel.db import db
from ticketing.masters.contractors import queries as contractors
from ticketing.masters.contractors.models import Contract
from ticketing.masters.estate.models import Community, Unit
from ticketing.masters.parameters import queries as parameters
from ticketing.masters.workcalendar import queries as workcalendar
from ticketing.procedure import warranty
from ticketing.procedure.parameters import RESTART
from ticketing.procedure.repairs import Cause, Part, Trade


def of_ticket(ticket_id: int) -> Sequence[Defect]:
    """The defects of a ticket in the order they were written."""
    return db.session.scalars(
        select(Defect).where(Defect.ticket_id == ticket_id).order_by(Defect.position)
    ).all()


class Repaired(NamedTuple):
    """A part that was repaired and accepted: of which home (None: a common area), by which trade, where, and how.

    `repair` has the Shanghai days it was reported and accepted on, and whether it was a class A one.
    """

    unit_id: int | None
    part: Part
    trade: Trade
    place: str
    repair: warranty.Repair


REPAIRED: list[Callable[[int, set[int | None], set[Part]], Sequence[Repaired]]] = []
"""The accepted repairs of these parts of a community, in these homes or (None) its common areas: told by the room of orders."""


class Judged(NamedTuple):
    """A defect with both of its warranty clocks, as of the day the customer reported it."""

    defect: Defect
    cover: warranty.Cover
    reported_on: date

    @property
    def arithmetic(self) -> list[str]:
        """The reckoning in words."""
        return warranty.arithmetic(self.cover)

    @property
    def outlook(self) -> str:
        """What may come of it while its cause is not known."""
        return warranty.outlook(self.cover, self.reported_on)

    def suggested(self, cause: Cause) -> warranty.Suggestion:
        """The class by the rules for a cause."""
        return warranty.suggest(self.cover, cause, self.reported_on)


def judge(ticket: Ticket, defects: Sequence[Defect]) -> list[Judged]:
    """Both warranty clocks of each defect of a ticket (procedure 3.4.5, 3.5.1)."""
    return judge_each([(ticket, defects)])[ticket.id]


def judge_each(tickets: Iterable[tuple[Ticket, Sequence[Defect]]]) -> dict[int, list[Judged]]:
    """The same of several tickets, by ticket id: contracts and promises are read once for each community."""
    places: dict[int, list[tuple[Ticket, Sequence[Defect]]]] = defaultdict(list)
    for ticket, defects in tickets:
        places[ticket.community_id].append((ticket, defects))
    judged = {}
    for community_id, there in places.items():
        items = [one for _ticket, found in there for one in found]
        homes = {ticket.unit_id for ticket, _found in there}
        trades, parts = {one.trade for one in items}, {one.part for one in items}
        ground = _ground(community_id, trades, homes, parts)
        for ticket, defects in there:
            day = clock.local(ticket.received_at).date()
            found = [
                _cover(ground, ticket.unit, ticket.community, one.part, one.trade, one.place, day)
                for one in defects
            ]
            judged[ticket.id] = [
                Judged(one, over, day) for one, over in zip(defects, found, strict=True)
            ]
    return judged


def covers(
    unit: Unit | None, community: Community, items: Sequence[tuple[Part, Trade]], day: date
) -> list[warranty.Cover]:
    """Both warranty clocks, as of a day, of each part, built by its trade, of a home or, without one, of a common area.

    Where a home's own delivery is not on file the building's stands in for it, then the community's, which also stands
    in for the day a common area was handed over to the property company; the words say so.
    """
    parts, trades = {part for part, _trade in items}, {trade for _part, trade in items}
    ground = _ground(community.id, trades, {unit.id if unit else None}, parts)
    return [_cover(ground, unit, community, part, trade, "", day) for part, trade in items]


class _Ground(NamedTuple):
    """What the warranty of a community's homes is reckoned from."""

    promised: list[warranty.Promise]
    contracts: dict[Trade, Contract]
    repaired: list[Repaired]


def _ground(
    community_id: int, trades: set[Trade], homes: set[int | None], parts: set[Part]
) -> _Ground:
    if not trades:
        return _Ground([], {}, [])
    restarts = parameters.history(RESTART)
    return _Ground(
        contractors.promises(community_id),
        contractors.contracts_for(community_id, trades),
        [
            one
            for ask in (REPAIRED if restarts.ever else ())
            for one in ask(community_id, homes, parts)
            if restarts.on(one.repair.accepted_on)
        ],
    )


def _cover(
    ground: _Ground,
    unit: Unit | None,
    community: Community,
    part: Part,
    trade: Trade,
    place: str,
    day: date,
) -> warranty.Cover:
    """Both clocks of one part; `place` tells one common area from another (empty: it is not known)."""
    home = None if part in warranty.COMMON_PARTS else unit
    delivered, deemed, note = _delivery(home, community)
    contract = ground.contracts.get(trade)
    return warranty.cover(
        part,
        delivered_on=delivered,
        completed_on=contract.completed_on if contract else None,
        calendar=workcalendar.snapshot(),
        promises=ground.promised,
        common_area=home is None,
        deemed=deemed,
        note=note,
        repairs=[
            one.repair._replace(contractors=one.repair.contractors and one.trade is trade)
            for one in ground.repaired
            if one.part is part
            and one.unit_id == (home.id if home else None)
            and (home is not None or (place and one.place == place))
            and one.repair.accepted_on <= day
        ],
    )


def _delivery(unit: Unit | None, community: Community) -> tuple[date | None, bool, str]:
    """When a home was delivered, or a common area handed over; whether deemed so; whose date that is if not its own."""
    if unit is None and community.handed_over_on:
        return community.handed_over_on, False, ""
    if unit is not None and unit.delivered_on:
        return unit.delivered_on, unit.deemed_delivered, ""
    if unit is not None and unit.building.delivered_on:
        return unit.building.delivered_on, False, "（按楼栋交付日期）"
    return community.delivered_on, False, "（按小区交付日期）"
