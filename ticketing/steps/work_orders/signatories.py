"""Who may sign an order's estimate: holders of a role and their deputies, without a part of their own in it (procedure 3.6.1)."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import select

from ticketing.casefile.tickets.telling import people_as
from ticketing.kernel.db import db
from ticketing.masters.people import deputies
from ticketing.masters.people.models import User
from ticketing.procedure import approvals
from ticketing.procedure.approvals import Signatory
from ticketing.procedure.parameters import Limits
from ticketing.procedure.vocabulary import Role
from ticketing.steps.work_orders.models import WorkOrder
from ticketing.steps.work_orders.road import took_part


class Candidate(NamedTuple):
    """Somebody who could give a signature, with everybody whose person it uses up: himself, and his principal."""

    user_id: int
    persons: frozenset[str]


def candidates(order: WorkOrder, role: Role, submitter: User | None = None) -> list[Candidate]:
    """Who may sign for `role`: holders, then deputies, none with a part in the order (trust: S1, S3, S10, S11).

    With `submitter` as of now, before he hands it in: then he has a part too.
    """

    def free(one: User) -> bool:
        return not took_part(order, one) and not (submitter and one.is_same_person(submitter))

    holders = db.session.scalars(
        select(User).where(User.id.in_(people_as((role,)))).order_by(User.id)
    )
    found = [Candidate(one.id, frozenset({_person(one)})) for one in holders if free(one)]
    return found + [
        Candidate(one.deputy.id, frozenset({_person(one.deputy), _person(one.principal)}))
        for one in deputies.stand_ins(role)
        if free(one.deputy) and free(one.principal)
    ]


def chain_for(
    order: WorkOrder, amount_fen: int, limits: Limits, submitter: User
) -> Sequence[Signatory]:
    """The chain of the lowest tier, from the amount's own up, whose places different people can fill (trust: S12).

    Where no tier can be filled it is the highest: the order waits, it is never waved through.
    """
    known: dict[Role, list[Candidate]] = {}
    for chain in approvals.chains(amount_fen, limits):
        for place in chain:
            if place.role not in known:
                known[place.role] = candidates(order, place.role, submitter)
        if _can_be_filled([known[place.role] for place in chain], frozenset()):
            break
    return chain


def _can_be_filled(places: Sequence[list[Candidate]], used: frozenset[str]) -> bool:
    """Whether each place can have somebody of its own: one person signs only one place of a chain."""
    if not places:
        return True
    return any(
        not one.persons & used and _can_be_filled(places[1:], used | one.persons)
        for one in places[0]
    )


def _person(user: User) -> str:
    """What tells a person from others, whatever account he uses."""
    return user.employee_number or f"#{user.id}"
