"""What a crew's slips know of work orders: the room that pays orders enters itself here, because a fund knows none of them.

A captain names the order he spent on; once its settlement was paid, the money comes back out of that (procedure 3.5.9, 3.6).
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol


class Ordered(NamedTuple):
    """A work order as a slip names it: of which team and community, and what its settlement was paid (None: not yet).

    `usable` is an order money may be spent on: issued and not cancelled.
    """

    id: int
    number: str
    team_id: int | None
    community_id: int
    place: str
    standing: str
    usable: bool
    paid_fen: int | None = None


class CrewWork(Protocol):
    """The orders crews work on."""

    def choices(self, team_id: int) -> Sequence[Ordered]:
        """The orders a slip of the team may name, the newest first."""

    def orders(self, order_ids: Collection[int]) -> Mapping[int, Ordered]:
        """Orders by id, as they stand now."""


_ENTERED: list[CrewWork] = []


def enter(work: CrewWork) -> None:
    """Let funds know whose orders these are."""
    _ENTERED.append(work)


def choices(team_id: int) -> list[Ordered]:
    """The orders a slip of the team may name, the newest first."""
    return [order for work in _ENTERED for order in work.choices(team_id)]


def orders(order_ids: Collection[int]) -> dict[int, Ordered]:
    """Orders by id, as they stand now."""
    found: dict[int, Ordered] = {}
    for work in _ENTERED if order_ids else ():
        found.update(work.orders(order_ids))
    return found
